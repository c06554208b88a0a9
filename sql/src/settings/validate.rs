//! From what a client writes to the canonical value of a setting, or PostgreSQL's refusal.

use super::definition::{Definition, SettingKind};
use crate::error::{Error, Result, SqlState};

/// The canonical form of `value` for a setting.
pub fn canonical(definition: &Definition, value: &str) -> Result<String> {
    match &definition.kind {
        SettingKind::Boolean => {
            boolean(value).map(|on| if on { "on" } else { "off" }.to_string()).ok_or_else(|| {
                Error::new(
                    SqlState::InvalidParameterValue,
                    format!("parameter \"{}\" requires a Boolean value", definition.name),
                )
            })
        }
        SettingKind::Integer { minimum, maximum } => integer(definition, value, *minimum, *maximum),
        SettingKind::Real { minimum, maximum } => real(definition, value, *minimum, *maximum),
        SettingKind::Enumeration(allowed) => enumeration(definition, value, allowed),
        SettingKind::Text => text(definition, value),
    }
}

/// PostgreSQL's Booleans: on, off, yes, no, 1, 0, and unique prefixes of true and false.
pub(super) fn boolean(value: &str) -> Option<bool> {
    let value = value.trim().to_ascii_lowercase();
    if value.is_empty() {
        return None;
    }
    if "true".starts_with(&value) || "yes".starts_with(&value) || value == "on" || value == "1" {
        return Some(true);
    }
    if "false".starts_with(&value)
        || "no".starts_with(&value)
        || value == "of"
        || value == "off"
        || value == "0"
    {
        return Some(false);
    }
    None
}

fn invalid(definition: &Definition, value: &str) -> Error {
    Error::new(
        SqlState::InvalidParameterValue,
        format!("invalid value for parameter \"{}\": \"{value}\"", definition.name),
    )
}

fn integer(definition: &Definition, value: &str, minimum: i64, maximum: i64) -> Result<String> {
    let number = with_unit(definition, value)?.round();
    if !(minimum as f64..=maximum as f64).contains(&number) {
        return Err(out_of_range(
            definition,
            &format!("{number}"),
            &minimum.to_string(),
            &maximum.to_string(),
        ));
    }
    Ok((number as i64).to_string())
}

fn real(definition: &Definition, value: &str, minimum: f64, maximum: f64) -> Result<String> {
    let number = with_unit(definition, value)?;
    if !(minimum..=maximum).contains(&number) {
        return Err(out_of_range(definition, &format!("{number}"), definition.minimum, definition.maximum));
    }
    Ok(format!("{number}"))
}

fn out_of_range(definition: &Definition, value: &str, minimum: &str, maximum: &str) -> Error {
    let unit = if definition.unit.is_empty() { String::new() } else { format!(" {}", definition.unit) };
    Error::new(
        SqlState::InvalidParameterValue,
        format!(
            "{value}{unit} is outside the valid range for parameter \"{}\" ({minimum} .. {maximum})",
            definition.name
        ),
    )
}

/// A number with an optional unit, in the setting's base unit.
fn with_unit(definition: &Definition, value: &str) -> Result<f64> {
    let value = value.trim();
    let split = value
        .char_indices()
        .find(|(at, c)| {
            !(c.is_ascii_digit()
                || matches!(c, '.' | '-' | '+')
                || (matches!(c, 'e' | 'E')
                    && value[at + 1..].starts_with(|n: char| n.is_ascii_digit() || n == '-')))
        })
        .map_or(value.len(), |(at, _)| at);
    let (number, unit) = value.split_at(split);
    let number: f64 = number.parse().map_err(|_| invalid(definition, value))?;
    let unit = unit.trim();
    if unit.is_empty() {
        return Ok(number);
    }
    let factor = unit_factor(definition.unit, unit).ok_or_else(|| {
        let error = invalid(definition, value);
        match definition.unit {
            "ms" | "s" | "min" => error
                .hint("Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\"."),
            "" => error,
            _ => error.hint("Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\"."),
        }
    })?;
    Ok(number * factor)
}

/// How many base units one `unit` is.
fn unit_factor(base: &str, unit: &str) -> Option<f64> {
    let microseconds = |unit: &str| {
        Some(match unit {
            "us" => 1.0,
            "ms" => 1e3,
            "s" => 1e6,
            "min" => 60e6,
            "h" => 3600e6,
            "d" => 86400e6,
            _ => return None,
        })
    };
    let bytes = |unit: &str| {
        Some(match unit {
            "B" => 1.0,
            "kB" => 1024.0,
            "8kB" => 8192.0,
            "MB" => 1024.0 * 1024.0,
            "GB" => 1024.0 * 1024.0 * 1024.0,
            "TB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
            _ => return None,
        })
    };
    match (microseconds(base), bytes(base)) {
        (Some(base), _) => Some(microseconds(unit)? / base),
        (_, Some(base)) => Some(bytes(unit)? / base),
        (None, None) => None,
    }
}

fn enumeration(definition: &Definition, value: &str, allowed: &[&'static str]) -> Result<String> {
    if let Some(found) = allowed.iter().find(|name| name.eq_ignore_ascii_case(value.trim())) {
        return Ok(found.to_string());
    }
    // Booleans are hidden spellings of the on/off members, as in PostgreSQL.
    if let Some(on) = boolean(value) {
        let spelled = if on { "on" } else { "off" };
        if allowed.contains(&spelled) {
            return Ok(spelled.to_string());
        }
    }
    Err(invalid(definition, value).hint(format!("Available values: {}.", allowed.join(", "))))
}

fn text(definition: &Definition, value: &str) -> Result<String> {
    match definition.name {
        "client_encoding" => client_encoding(definition, value),
        "DateStyle" => {
            super::evaluation::canonical_date_style(value).ok_or_else(|| invalid(definition, value))
        }
        "TimeZone" | "log_timezone" => {
            super::evaluation::canonical_time_zone(value).ok_or_else(|| invalid(definition, value))
        }
        "application_name" | "cluster_name" => {
            Ok(value.chars().take(63).map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect())
        }
        _ => Ok(value.to_string()),
    }
}

/// Only UTF-8 is spoken; SQL_ASCII asks for no conversion and so is served as UTF-8 bytes.
fn client_encoding(definition: &Definition, value: &str) -> Result<String> {
    let plain: String =
        value.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    match plain.as_str() {
        "utf8" | "unicode" => Ok("UTF8".to_string()),
        "sqlascii" => Ok("SQL_ASCII".to_string()),
        "" => Err(invalid(definition, value)),
        _ => Err(Error::new(
            SqlState::FeatureNotSupported,
            format!("conversion between {value} and UTF8 is not supported"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::definition::find;
    use super::*;

    fn set(name: &str, value: &str) -> Result<String> {
        canonical(find(name).expect("a known setting").1, value)
    }

    #[test]
    fn units_are_turned_into_the_base_unit() {
        assert_eq!(set("statement_timeout", "5s").unwrap(), "5000");
        assert_eq!(set("statement_timeout", "1min").unwrap(), "60000");
        assert_eq!(set("work_mem", "64MB").unwrap(), "65536");
        assert!(set("work_mem", "64X").is_err());
        assert!(set("statement_timeout", "-5").is_err());
    }

    #[test]
    fn booleans_and_enumerations_are_canonical() {
        assert_eq!(set("row_security", "TRUE").unwrap(), "on");
        assert_eq!(set("row_security", "0").unwrap(), "off");
        assert_eq!(set("IntervalStyle", "ISO_8601").unwrap(), "iso_8601");
        assert!(set("IntervalStyle", "martian").is_err());
    }
}
