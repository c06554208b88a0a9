//! The list of settings, read once from `settings.tsv`.
//!
//! Columns: name, type, context, unit, default, minimum, maximum, allowed values, effect, category, description.

use std::collections::HashMap;
use std::sync::OnceLock;

/// What values a setting takes.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingKind {
    Boolean,
    Integer { minimum: i64, maximum: i64 },
    Real { minimum: f64, maximum: f64 },
    Text,
    Enumeration(Vec<&'static str>),
}

impl SettingKind {
    /// `vartype` of pg_settings.
    pub fn name(&self) -> &'static str {
        match self {
            SettingKind::Boolean => "bool",
            SettingKind::Integer { .. } => "integer",
            SettingKind::Real { .. } => "real",
            SettingKind::Text => "string",
            SettingKind::Enumeration(_) => "enum",
        }
    }
}

/// Who may change a setting, and when. PostgreSQL's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingContext {
    Internal,
    Postmaster,
    Sighup,
    SuperuserBackend,
    Backend,
    Superuser,
    User,
}

impl SettingContext {
    /// `context` of pg_settings.
    pub fn name(self) -> &'static str {
        match self {
            SettingContext::Internal => "internal",
            SettingContext::Postmaster => "postmaster",
            SettingContext::Sighup => "sighup",
            SettingContext::SuperuserBackend => "superuser-backend",
            SettingContext::Backend => "backend",
            SettingContext::Superuser => "superuser",
            SettingContext::User => "user",
        }
    }

    fn of(name: &str) -> SettingContext {
        match name {
            "postmaster" => SettingContext::Postmaster,
            "sighup" => SettingContext::Sighup,
            "superuser-backend" => SettingContext::SuperuserBackend,
            "backend" => SettingContext::Backend,
            "superuser" => SettingContext::Superuser,
            "user" => SettingContext::User,
            _ => SettingContext::Internal,
        }
    }
}

/// What changing a setting does here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Changes how this server behaves.
    Works,
    /// Accepted, stored and shown; has no meaning here.
    Stored,
    /// A fact about the server.
    Fixed,
    /// Works, and is not listed.
    Hidden,
}

/// One setting.
#[derive(Clone, Debug)]
pub struct Definition {
    pub name: &'static str,
    pub kind: SettingKind,
    pub context: SettingContext,
    pub unit: &'static str,
    pub default: &'static str,
    pub minimum: &'static str,
    pub maximum: &'static str,
    pub effect: Effect,
    pub category: &'static str,
    pub description: &'static str,
}

impl Definition {
    /// Whether a change is reported to the client by ParameterStatus.
    pub fn reported(&self) -> bool {
        REPORTED.contains(&self.name)
    }
}

/// Settings whose value the client is told at start-up and at each change, in the order they are sent.
const REPORTED: [&str; 13] = [
    "in_hot_standby",
    "integer_datetimes",
    "TimeZone",
    "IntervalStyle",
    "is_superuser",
    "application_name",
    "default_transaction_read_only",
    "standard_conforming_strings",
    "server_version",
    "DateStyle",
    "session_authorization",
    "client_encoding",
    "server_encoding",
];

struct List {
    definitions: Vec<Definition>,
    by_name: HashMap<String, usize>,
}

fn list() -> &'static List {
    static LIST: OnceLock<List> = OnceLock::new();
    LIST.get_or_init(|| {
        let definitions: Vec<Definition> =
            include_str!("settings.tsv").lines().filter_map(parse_line).collect();
        let by_name = definitions
            .iter()
            .enumerate()
            .map(|(index, definition)| (definition.name.to_ascii_lowercase(), index))
            .collect();
        List { definitions, by_name }
    })
}

fn parse_line(line: &'static str) -> Option<Definition> {
    let fields: Vec<&'static str> = line.split('\t').collect();
    let [name, kind, context, unit, default, minimum, maximum, allowed, effect, category, description] =
        fields.as_slice()
    else {
        return None;
    };
    let kind = match *kind {
        "bool" => SettingKind::Boolean,
        "integer" => SettingKind::Integer {
            minimum: minimum.parse().unwrap_or(i64::MIN),
            maximum: maximum.parse().unwrap_or(i64::MAX),
        },
        "real" => SettingKind::Real {
            minimum: minimum.parse().unwrap_or(f64::MIN),
            maximum: maximum.parse().unwrap_or(f64::MAX),
        },
        "enum" => SettingKind::Enumeration(allowed.split(',').collect()),
        _ => SettingKind::Text,
    };
    let effect = match *effect {
        "works" => Effect::Works,
        "stored" => Effect::Stored,
        "hidden" => Effect::Hidden,
        _ => Effect::Fixed,
    };
    Some(Definition {
        name,
        kind,
        context: SettingContext::of(context),
        unit,
        default,
        minimum,
        maximum,
        effect,
        category,
        description,
    })
}

/// Every setting, ordered by name.
pub fn all() -> &'static [Definition] {
    &list().definitions
}

/// The setting of a name, whatever its case, with its place in the list.
pub fn find(name: &str) -> Option<(usize, &'static Definition)> {
    let list = list();
    let index = match list.by_name.get(name) {
        Some(index) => *index,
        None => *list.by_name.get(&name.to_ascii_lowercase())?,
    };
    Some((index, list.definitions.get(index)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_list_is_read() {
        assert_eq!(all().len(), include_str!("settings.tsv").lines().count());
    }

    #[test]
    fn a_setting_is_found_whatever_its_case() {
        assert_eq!(find("timezone").map(|(_, definition)| definition.name), Some("TimeZone"));
        assert_eq!(find("TIMEZONE").map(|(_, definition)| definition.name), Some("TimeZone"));
        assert!(find("no_such_setting").is_none());
    }
}
