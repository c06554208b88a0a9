//! Every scalar function against answers recorded from PostgreSQL 15, at the level of values.
//!
//! A file of `functions/` holds blocks: `# oid name(argument types) -> result type`, then one line for each case: the
//! texts of the arguments and of the result, separated by tabs; `\N` is NULL and `!SQLSTATE message` an error. A line
//! `@ zone` sets the time zone for what follows. Backslashes, tabs and newlines are escaped as in COPY.

use std::sync::Arc;

use catalog::builtin;
use engine::Value;
use strata_sql::error::Result;
use strata_sql::evaluate::{Context, Environment, Settings};
use strata_sql::functions::{Call, implementation};
use strata_sql::tree::Type;
use strata_sql::types::{InputSettings, NoNames, OutputSettings, input, output};

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

fn context(zone: &str) -> Context {
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
fn call(header: &str) -> Call {
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

fn unescape(field: &str) -> Option<String> {
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

/// The answer in the notation of the files.
fn answer(context: &Context, call: &Call, fields: &[&str]) -> String {
    let names = NoNames;
    let result = (|| {
        let settings = InputSettings::new(&context.settings, 0, &names);
        let mut arguments = Vec::new();
        for (field, ty) in fields.iter().zip(&call.arguments) {
            arguments.push(match unescape(field) {
                Some(text) => input(ty.oid, -1, &text, &settings)?,
                None => Value::Null,
            });
        }
        let implementation =
            implementation(call.function).unwrap_or_else(|| panic!("no function {}", call.function));
        let value = (implementation.scalar)(context, call, &arguments)?;
        match value {
            Value::Null => Ok(None),
            value => {
                output(call.result.oid, &value, &OutputSettings::new(&context.settings, &names)).map(Some)
            }
        }
    })();
    match result {
        Ok(None) => "\\N".to_owned(),
        Ok(Some(text)) => escape(&text),
        Err::<_, strata_sql::Error>(error) => escape(&format!("!{} {}", error.state().code(), error.message())),
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

/// Runs a file; answers the number of cases and the differences.
fn run(text: &str) -> (usize, Vec<String>) {
    let (mut cases, mut differences) = (0, Vec::new());
    let mut site: Option<(String, Call)> = None;
    let mut context = context("UTC");
    for line in text.lines() {
        if let Some(zone) = line.strip_prefix("@ ") {
            context = self::context(zone);
        } else if let Some(header) = line.strip_prefix("# ") {
            site = Some((header.to_owned(), call(header)));
        } else if let Some((header, call)) = &site {
            let mut fields: Vec<&str> = line.split('\t').collect();
            let expected = fields.pop().expect("an expected answer");
            let got = answer(&context, call, &fields);
            cases += 1;
            if got != expected {
                differences
                    .push(format!("{header}: {fields:?}\n    expected {expected}\n    got      {got}"));
            }
        }
    }
    (cases, differences)
}

#[test]
fn functions_answer_as_postgresql() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/functions");
    let folder = std::env::var("FUNCTION_CASES").unwrap_or_else(|_| folder.to_owned());
    let mut files: Vec<_> = std::fs::read_dir(&folder).expect("the folder of cases").flatten().collect();
    files.sort_by_key(|file| file.file_name());
    let (mut cases, mut differences) = (0, Vec::new());
    for file in files {
        let text = std::fs::read_to_string(file.path()).expect("a file of cases");
        let (ran, found) = run(&text);
        println!("{:24} {ran:6} cases, {} differ", file.file_name().to_string_lossy(), found.len());
        cases += ran;
        differences.extend(found);
    }
    assert!(cases > 1000, "only {cases} cases were found");
    assert!(
        differences.is_empty(),
        "{} of {cases} cases differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}
