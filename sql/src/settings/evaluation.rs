//! The settings that functions and type output depend on, in the form they are used in.

use std::sync::Arc;

use super::values::SettingValues;
use crate::evaluate::{DateOrder, DateStyle, IntervalStyle, Settings};

/// The evaluator's view of a session's settings. `user` is the role that `"$user"` names.
pub fn settings_of(values: &SettingValues, user: &str) -> Settings {
    let style = values.get("DateStyle").unwrap_or_default();
    let (date_style, date_order) =
        parse_date_style(&style).unwrap_or((DateStyle::Iso, DateOrder::MonthDayYear));
    let interval_style = match values.get("IntervalStyle").as_deref() {
        Some("postgres_verbose") => IntervalStyle::PostgresVerbose,
        Some("sql_standard") => IntervalStyle::SqlStandard,
        Some("iso_8601") => IntervalStyle::Iso8601,
        _ => IntervalStyle::Postgres,
    };
    let path = search_path_names(&values.get("search_path").unwrap_or_default());
    Settings {
        time_zone: Arc::from(values.get("TimeZone").unwrap_or_else(|| "UTC".to_string())),
        date_style,
        date_order,
        interval_style,
        extra_float_digits: values.integer("extra_float_digits") as i32,
        bytea_hex: values.get("bytea_output").as_deref() != Some("escape"),
        standard_conforming_strings: values.is_on("standard_conforming_strings"),
        search_path: path
            .into_iter()
            .map(|name| if name == "$user" { Arc::from(user) } else { Arc::from(name) })
            .collect(),
    }
}

/// The schema names of a search_path value: a list of identifiers, quoted or folded to lower case.
pub fn search_path_names(value: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut characters = value.chars().peekable();
    loop {
        while characters.peek().is_some_and(|c| c.is_whitespace() || *c == ',') {
            characters.next();
        }
        let Some(first) = characters.peek() else { return names };
        let mut name = String::new();
        if *first == '"' {
            characters.next();
            while let Some(c) = characters.next() {
                if c == '"' {
                    if characters.peek() != Some(&'"') {
                        break;
                    }
                    characters.next();
                }
                name.push(c);
            }
        } else {
            while let Some(c) = characters.peek().copied().filter(|c| !c.is_whitespace() && *c != ',') {
                characters.next();
                name.extend(c.to_lowercase());
            }
        }
        if !name.is_empty() {
            names.push(name);
        }
    }
}

fn parse_date_style(value: &str) -> Option<(DateStyle, DateOrder)> {
    let (mut style, mut order) = (None, None);
    for word in value.split([',', ' ']).map(str::trim).filter(|word| !word.is_empty()) {
        match word.to_ascii_uppercase().as_str() {
            "ISO" => style = Some(DateStyle::Iso),
            "SQL" => style = Some(DateStyle::Sql),
            "POSTGRES" => style = Some(DateStyle::Postgres),
            "GERMAN" => {
                style = Some(DateStyle::German);
                order = order.or(Some(DateOrder::DayMonthYear));
            }
            "YMD" => order = Some(DateOrder::YearMonthDay),
            "DMY" | "EURO" | "EUROPEAN" => order = Some(DateOrder::DayMonthYear),
            "MDY" | "US" | "NONEURO" | "NONEUROPEAN" => order = Some(DateOrder::MonthDayYear),
            "DEFAULT" => {}
            _ => return None,
        }
    }
    Some((style.unwrap_or(DateStyle::Iso), order.unwrap_or(DateOrder::MonthDayYear)))
}

/// The form SHOW DateStyle prints.
pub(super) fn canonical_date_style(value: &str) -> Option<String> {
    let (style, order) = parse_date_style(value)?;
    let style = match style {
        DateStyle::Iso => "ISO",
        DateStyle::Sql => "SQL",
        DateStyle::Postgres => "Postgres",
        DateStyle::German => "German",
    };
    let order = match order {
        DateOrder::MonthDayYear => "MDY",
        DateOrder::DayMonthYear => "DMY",
        DateOrder::YearMonthDay => "YMD",
    };
    Some(format!("{style}, {order}"))
}

/// The form SHOW TimeZone prints: a tz database name in its own spelling, or `<+hh>-hh` for a plain offset.
pub(super) fn canonical_time_zone(value: &str) -> Option<String> {
    let value = value.trim();
    if let Ok(hours) = value.parse::<f64>() {
        return offset_zone((hours * 3600.0).round() as i64);
    }
    if value.starts_with('<') || value.starts_with(['+', '-']) {
        return Some(value.to_string());
    }
    chrono_tz::Tz::from_str_insensitive(value).ok().map(|zone| zone.name().to_string()).or_else(|| {
        let posix = value.chars().take_while(char::is_ascii_alphabetic).count();
        (posix >= 3 && value.len() > posix).then(|| value.to_string())
    })
}

/// A zone of `seconds` east of Greenwich, in the POSIX form PostgreSQL makes of it.
fn offset_zone(seconds: i64) -> Option<String> {
    if seconds.abs() >= 168 * 3600 {
        return None;
    }
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    let digits = if minutes == 0 { format!("{hours:02}") } else { format!("{hours:02}:{minutes:02}") };
    let (shown, posix) = if seconds < 0 { ('-', '+') } else { ('+', '-') };
    Some(format!("<{shown}{digits}>{posix}{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_paths_are_split_as_identifiers() {
        assert_eq!(search_path_names("\"$user\", Public,\"A b\""), ["$user", "public", "A b"]);
        assert!(search_path_names("").is_empty());
    }

    #[test]
    fn zones_take_their_own_spelling() {
        assert_eq!(canonical_time_zone("europe/berlin").as_deref(), Some("Europe/Berlin"));
        assert_eq!(canonical_time_zone("-3").as_deref(), Some("<-03>+03"));
        assert_eq!(canonical_time_zone("5.5").as_deref(), Some("<+05:30>-05:30"));
        assert_eq!(canonical_time_zone("nowhere"), None);
    }
}
