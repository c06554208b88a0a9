//! How SHOW and pg_settings print values.

use super::definition::{Definition, Effect, SettingKind, all};
use super::values::SettingValues;
use crate::error::{Error, Result, SqlState};

/// The value of a setting as SHOW prints it.
pub fn show(values: &SettingValues, name: &str) -> Result<(String, String)> {
    if let Some((index, definition)) = super::find(name) {
        return Ok((definition.name.to_string(), shown(definition, &values.get_at(index))));
    }
    match values.get_custom(name) {
        Some(value) => Ok((name.to_string(), value)),
        None => Err(Error::new(
            SqlState::UndefinedObject,
            format!("unrecognized configuration parameter \"{name}\""),
        )),
    }
}

/// `value`, canonical, with the largest unit that divides it.
pub fn shown(definition: &Definition, value: &str) -> String {
    if !matches!(definition.kind, SettingKind::Integer { .. }) || definition.unit.is_empty() {
        return value.to_string();
    }
    let Ok(number) = value.parse::<i64>() else { return value.to_string() };
    if number <= 0 {
        return value.to_string();
    }
    let ladder: &[(&str, i64)] = match definition.unit {
        "ms" => &[("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1)],
        "s" => &[("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)],
        "min" => &[("d", 1440), ("h", 60), ("min", 1)],
        "B" => &[("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10), ("B", 1)],
        "kB" => &[("TB", 1 << 30), ("GB", 1 << 20), ("MB", 1 << 10), ("kB", 1)],
        "MB" => &[("TB", 1 << 20), ("GB", 1 << 10), ("MB", 1)],
        "8kB" => &[("TB", 1 << 27), ("GB", 1 << 17), ("MB", 1 << 7)],
        _ => &[],
    };
    match ladder.iter().find(|(_, size)| number % size == 0) {
        Some((unit, size)) => format!("{}{unit}", number / size),
        // Blocks of 8 kB have no unit of their own to be shown in.
        None => format!("{}kB", number * 8),
    }
}

/// Every listed setting with its canonical value, for SHOW ALL and pg_settings.
pub fn all_rows(values: &SettingValues) -> Vec<(&'static Definition, String)> {
    all()
        .iter()
        .enumerate()
        .filter(|(_, definition)| definition.effect != Effect::Hidden)
        .map(|(index, definition)| (definition, values.get_at(index)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::definition::find;
    use super::*;

    #[test]
    fn values_are_shown_with_their_largest_unit() {
        let shown = |name: &str, value: &str| shown(find(name).expect("known").1, value);
        assert_eq!(shown("work_mem", "4096"), "4MB");
        assert_eq!(shown("statement_timeout", "0"), "0");
        assert_eq!(shown("statement_timeout", "1500"), "1500ms");
        assert_eq!(shown("shared_buffers", "16384"), "128MB");
        assert_eq!(shown("shared_buffers", "3"), "24kB");
    }
}
