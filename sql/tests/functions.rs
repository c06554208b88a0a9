//! Every scalar function against answers recorded from PostgreSQL 15, at the level of values.
//!
//! A file of `functions/` holds blocks: `# oid name(argument types) -> result type`, then one line for each case: the
//! texts of the arguments and of the result, separated by tabs; `\N` is NULL and `!SQLSTATE message` an error. A line
//! `@ zone` sets the time zone for what follows. Backslashes, tabs and newlines are escaped as in COPY.

mod common;

use common::{call, context, escape, text_value};
use engine::Value;
use strata_sql::evaluate::Context;
use strata_sql::functions::{Call, implementation};
use strata_sql::types::{NoNames, OutputSettings, output};

/// The answer in the notation of the files.
fn answer(context: &Context, call: &Call, fields: &[&str]) -> String {
    let names = NoNames;
    let result = (|| {
        let mut arguments = Vec::new();
        for (field, ty) in fields.iter().zip(&call.arguments) {
            arguments.push(text_value(context, ty.oid, field)?);
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
        Err::<_, strata_sql::Error>(error) => {
            escape(&format!("!{} {}", error.state().code(), error.message()))
        }
    }
}

/// Runs a file; answers the number of cases and the differences.
fn run(text: &str) -> (usize, Vec<String>) {
    let (mut cases, mut differences) = (0, Vec::new());
    let mut site: Option<(String, Call)> = None;
    let mut context = context("UTC");
    for line in text.lines() {
        if let Some(zone) = line.strip_prefix("@ ") {
            context = common::context(zone);
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
