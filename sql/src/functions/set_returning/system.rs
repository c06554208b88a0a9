//! Rows about the server: keywords, options, privileges, time zones.

use engine::Value;

use super::{Family, Rows};
use crate::error::{Error, Result};
use crate::evaluate::Context;
use crate::functions::argument::at;
use crate::functions::string::keyword::{Category, keywords};
use crate::types::array::Array;
use crate::types::interval::Interval;
use crate::types::timezone::{self, Zone};

/// Rows out of an iterator.
fn rows(mut rows: impl Iterator<Item = Vec<Value>> + Send + 'static) -> Result<Box<dyn Rows>> {
    Ok(Box::new(move |_: &Context| Ok(rows.next())))
}

/// word, catcode, barelabel, catdesc, baredesc
fn all_keywords() -> Result<Box<dyn Rows>> {
    rows(keywords().iter().map(|keyword| {
        let (code, description) = match keyword.category {
            Category::Unreserved => ("U", "unreserved"),
            Category::ColumnName => ("C", "unreserved (cannot be function or type name)"),
            Category::TypeOrFunctionName => ("T", "reserved (can be function or type name)"),
            Category::Reserved => ("R", "reserved"),
        };
        let label = if keyword.bare_label { "can be bare label" } else { "requires AS" };
        vec![
            Value::from(keyword.word),
            Value::from(code),
            Value::Bool(keyword.bare_label),
            Value::from(description),
            Value::from(label),
        ]
    }))
}

/// `name=value` texts as rows of both.
fn options(values: &[Value]) -> Result<Box<dyn Rows>> {
    let array: Array = at(values, 0)?;
    rows(array.elements.into_iter().map(|element| {
        let text = element.as_text().unwrap_or_default();
        match text.split_once('=') {
            Some((name, value)) => vec![Value::from(name), Value::from(value)],
            None => vec![Value::from(text), Value::Null],
        }
    }))
}

/// grantor, grantee, privilege_type, is_grantable
fn explode(context: &Context, values: &[Value]) -> Result<Box<dyn Rows>> {
    let array: Array = at(values, 0)?;
    let catalog = context.environment.catalog();
    let role = |name: &str| {
        let plain = name.trim_matches('"').replace("\"\"", "\"");
        catalog.role_by_name(&plain).map_or(0, |role| role.oid)
    };
    let mut found = Vec::new();
    for element in &array.elements {
        let text = element.as_text().unwrap_or_default();
        let (grantee, rest) = text.split_once('=').ok_or_else(|| Error::internal("an aclitem without ="))?;
        let (letters, grantor) =
            rest.split_once('/').ok_or_else(|| Error::internal("an aclitem without /"))?;
        let mut letters = letters.chars().peekable();
        while let Some(letter) = letters.next() {
            let grantable = letters.next_if_eq(&'*').is_some();
            found.push(vec![
                Value::UInt32(role(grantor)),
                Value::UInt32(if grantee.is_empty() { 0 } else { role(grantee) }),
                Value::from(privilege_name(letter)),
                Value::Bool(grantable),
            ]);
        }
    }
    rows(found.into_iter())
}

fn privilege_name(letter: char) -> &'static str {
    match letter {
        'a' => "INSERT",
        'r' => "SELECT",
        'w' => "UPDATE",
        'd' => "DELETE",
        'D' => "TRUNCATE",
        'x' => "REFERENCES",
        't' => "TRIGGER",
        'X' => "EXECUTE",
        'U' => "USAGE",
        'C' => "CREATE",
        'T' => "TEMPORARY",
        'c' => "CONNECT",
        's' => "SET",
        'A' => "ALTER SYSTEM",
        _ => "",
    }
}

/// name, abbrev, utc_offset, is_dst at the start of the transaction
fn time_zones(context: &Context) -> Result<Box<dyn Rows>> {
    let now = context.transaction_micros;
    rows(timezone::names().filter_map(move |name| {
        let zone = Zone::find(name)?;
        let offset = Interval::new(0, 0, i64::from(zone.offset_at(now)) * 1_000_000);
        Some(vec![
            Value::from(name),
            Value::from(&*zone.abbreviation_at(now)),
            offset.to_value(),
            Value::Bool(zone.is_daylight_at(now)),
        ])
    }))
}

pub(super) const FUNCTIONS: Family = &[
    // pg_get_keywords()
    (1686, |_, _, _| all_keywords()),
    // pg_options_to_table(_text)
    (2289, |_, _, values| options(values)),
    // aclexplode(_aclitem)
    (1689, |context, _, values| explode(context, values)),
    // pg_timezone_names()
    (2856, |context, _, _| time_zones(context)),
    // pg_listening_channels()
    (3035, |context, call, values| {
        let channels = context.environment.system_call(call.function, values)?;
        let channels = Array::from_value(&channels)?.elements;
        rows(channels.into_iter().map(|channel| vec![channel]))
    }),
    // There are no partitions.
    // pg_partition_ancestors(regclass)
    (3425, |_, _, _| rows(std::iter::empty())),
    // pg_partition_tree(regclass)
    (3423, |_, _, _| rows(std::iter::empty())),
    // pg_tablespace_databases(oid)
    (2556, |_, _, _| rows(std::iter::empty())),
];
