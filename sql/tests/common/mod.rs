//! What the tests of functions share: an execution without a session, and the notation of recorded cases.

use std::sync::Arc;

use catalog::builtin;
use engine::Value;
use strata_sql::error::Result;
use strata_sql::evaluate::{Context, Environment, Settings};
use strata_sql::functions::Call;
use strata_sql::tree::Type;
use strata_sql::types::{InputSettings, NoNames, input};

/// A session of which nothing is asked but its time.
struct Nobody;

impl Environment for Nobody {
    fn catalog(&self) -> Arc<catalog::Snapshot> {
        Arc::new(catalog::Snapshot::default())
    }
    fn database(&self) -> u32 {
        5
    }
    fn current_user(&self) -> Arc<str> {
        Arc::from("postgres")
    }
    fn session_user(&self) -> Arc<str> {
        Arc::from("postgres")
    }
    fn backend_pid(&self) -> i32 {
        1
    }
    fn setting(&self, _: &str) -> Option<String> {
        None
    }
    fn set_setting(&self, _: &str, _: &str, _: bool) -> Result<()> {
        Ok(())
    }
    fn next_value(&self, _: u32) -> Result<i64> {
        Ok(1)
    }
    fn current_value(&self, _: u32) -> Result<i64> {
        Ok(1)
    }
    fn last_value(&self) -> Result<i64> {
        Ok(1)
    }
    fn set_value(&self, _: u32, _: i64, _: bool) -> Result<()> {
        Ok(())
    }
    fn clock_micros(&self) -> i64 {
        0
    }
    fn system_call(&self, function: u32, _: &[Value]) -> Result<Value> {
        Err(strata_sql::Error::internal(format!("no session to ask for function {function}")))
    }
}

pub fn context(zone: &str) -> Context {
    Context {
        settings: Arc::new(Settings { time_zone: Arc::from(zone), ..Settings::default() }),
        parameters: Arc::from([]),
        transaction_micros: 0,
        statement_micros: 0,
        environment: Arc::new(Nobody),
    }
}

fn type_oid(name: &str) -> u32 {
    match name.strip_prefix("_") {
        Some(element) => builtin::type_by_name(element).map(|row| row.array),
        None => builtin::type_by_name(name).map(|row| row.oid),
    }
    .unwrap_or_else(|| panic!("no type {name}"))
}

/// `oid name(types) -> type` as a call.
pub fn call(header: &str) -> Call {
    let (oid, rest) = header.split_once(' ').expect("an oid");
    let (signature, result) = rest.split_once(" -> ").expect("a result type");
    let (_, arguments) = signature.split_once('(').expect("arguments");
    let arguments = arguments.trim_end_matches(')');
    let types =
        arguments.split(',').filter(|name| !name.is_empty()).map(|name| Type::new(type_oid(name))).collect();
    let mut call = Call::new(oid.parse().expect("an oid"), types, Type::new(type_oid(result)));
    call.collation = 100;
    call
}

pub fn unescape(field: &str) -> Option<String> {
    if field == "\\N" {
        return None;
    }
    let mut text = String::new();
    let mut characters = field.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '\\' => match characters.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            },
            other => other,
        });
    }
    Some(text)
}

/// The value of a field, read as its type reads text.
pub fn text_value(context: &Context, type_oid: u32, field: &str) -> Result<Value> {
    let names = NoNames;
    match unescape(field) {
        Some(text) => input(type_oid, -1, &text, &InputSettings::new(&context.settings, 0, &names)),
        None => Ok(Value::Null),
    }
}

/// A text as the files write it.
pub fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}
