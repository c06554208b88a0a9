//! Options that change nothing here: accepted, stored and shown, because scripts say them. This is the one list.

use std::collections::BTreeMap;

use super::retention;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{OptionValue, StorageOption};

/// Storage parameters of tables and indexes that have no meaning for immutable segments and a log of our own.
const STORED: [&str; 8] = [
    "fillfactor",
    "toast_tuple_target",
    "parallel_workers",
    "vacuum_truncate",
    "vacuum_index_cleanup",
    "user_catalog_table",
    "log_autovacuum_min_duration",
    "deduplicate_items",
];
/// Families of the same kind.
const STORED_PREFIXES: [&str; 2] = ["autovacuum_", "toast."];
/// Of ivfflat indexes, whose access method here has no lists: option, default, least and greatest value.
pub(super) const IVFFLAT_OPTIONS: &[(&str, i64, i64, i64)] = &[("lists", 100, 1, 32_768)];
/// Options of views that are honoured elsewhere or change nothing.
const VIEW_OPTIONS: [&str; 1] = ["security_barrier"];

/// Reads WITH (...) of an index.
pub(super) fn storage_options(options: &[StorageOption]) -> Result<BTreeMap<String, String>> {
    collect(options, is_stored)
}

/// Reads WITH (...) of a table.
pub(super) fn table_options(options: &[StorageOption]) -> Result<BTreeMap<String, String>> {
    let stored = collect(options, |name| name == retention::NAME || is_stored(name))?;
    retention::retention(&stored)?;
    Ok(stored)
}

fn is_stored(name: &str) -> bool {
    STORED.contains(&name) || STORED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Reads WITH (...) of a view.
pub(super) fn view_options(options: &[StorageOption]) -> Result<BTreeMap<String, String>> {
    collect(options, |name| VIEW_OPTIONS.contains(&name))
}

fn collect(options: &[StorageOption], known: impl Fn(&str) -> bool) -> Result<BTreeMap<String, String>> {
    let mut stored = BTreeMap::new();
    for option in options {
        let name = full_name(option);
        if !known(&name) {
            return Err(Error::new(
                SqlState::InvalidParameterValue,
                format!("unrecognized parameter \"{name}\""),
            ));
        }
        stored.insert(name, option_text(option.value.as_ref()));
    }
    Ok(stored)
}

/// The option's name, with its namespace.
pub(super) fn full_name(option: &StorageOption) -> String {
    match &option.namespace {
        Some(namespace) => format!("{namespace}.{}", option.name),
        None => option.name.clone(),
    }
}

pub(super) fn option_text(value: Option<&OptionValue>) -> String {
    match value {
        None => "true".to_string(),
        Some(OptionValue::Word(text) | OptionValue::String(text) | OptionValue::Number(text)) => text.clone(),
        Some(OptionValue::Star) => "*".to_string(),
        Some(OptionValue::List(items)) => items.join(", "),
    }
}

/// A tablespace may be named only if it is the one there is.
pub(super) fn check_tablespace(name: Option<&crate::parse::syntax::Name>) -> Result<()> {
    match name {
        Some(name) if name.text != "pg_default" => {
            Err(Error::unsupported(format!("tablespace \"{}\"", name.text)))
        }
        Some(_) | None => Ok(()),
    }
}
