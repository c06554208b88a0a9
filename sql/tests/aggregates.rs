//! Every plain aggregate against answers recorded from PostgreSQL 15, at the level of values.
//!
//! The cases are written as those of `functions.rs`, but each field before the last is one row: its arguments separated
//! by `␟`. Floats are compared to twelve digits: ours are exact until the last step, PostgreSQL's depend on the order.

mod common;

use common::{call, context, escape, text_value};
use engine::Value;
use strata_sql::functions::{Call, aggregate};
use strata_sql::types::{NoNames, OutputSettings, oid, output};

fn answer(call: &Call, rows: &[&str], retracting: bool) -> String {
    let context = context("UTC");
    let result = (|| {
        let implementation =
            aggregate(call.function).unwrap_or_else(|| panic!("no aggregate {}", call.function));
        let mut accumulator = (implementation.new)(call)?;
        let read = |row: &str| {
            row.split('␟')
                .zip(&call.arguments)
                .map(|(field, ty)| text_value(&context, ty.oid, field))
                .collect::<strata_sql::Result<Vec<Value>>>()
        };
        if retracting {
            // Every row comes once more first and leaves again: nothing of it may stay.
            for row in rows.iter().copied() {
                accumulator.update(&context, &read(row)?)?;
            }
        }
        for (at, row) in rows.iter().copied().enumerate() {
            let values = if call.arguments.is_empty() { Vec::new() } else { read(row)? };
            accumulator.update(&context, &values)?;
            if retracting && !accumulator.retract(&context, &read(rows[at])?)? {
                return Ok(None);
            }
        }
        accumulator.finish(&context, &[]).map(Some)
    })();
    match result {
        Ok(None) => "cannot retract".to_owned(),
        Ok(Some(Value::Null)) => "\\N".to_owned(),
        Ok(Some(value)) => {
            let settings = OutputSettings::new(&context.settings, &NoNames);
            output(call.result.oid, &value, &settings)
                .map_or_else(|error| format!("{error}"), |text| escape(&text))
        }
        Err::<_, strata_sql::Error>(error) => {
            escape(&format!("!{} {}", error.state().code(), error.message()))
        }
    }
}

fn same(call: &Call, expected: &str, got: &str) -> bool {
    if expected == got {
        return true;
    }
    if !matches!(call.result.oid, oid::FLOAT4 | oid::FLOAT8) {
        return false;
    }
    let digits = if call.result.oid == oid::FLOAT4 { 1e-5 } else { 1e-12 };
    match (expected.parse::<f64>(), got.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= digits * a.abs().max(b.abs()),
        _ => false,
    }
}

#[test]
fn aggregates_answer_as_postgresql() {
    let text = include_str!("aggregates/aggregates");
    let (mut cases, mut retracted, mut differences) = (0, 0, Vec::new());
    let mut site: Option<(String, Call)> = None;
    for line in text.lines() {
        if let Some(header) = line.strip_prefix("# ") {
            site = Some((header.to_owned(), call(header)));
        } else if let Some((header, call)) = &site {
            let mut rows: Vec<&str> = line.split('\t').collect();
            let expected = rows.pop().expect("an expected answer");
            let got = answer(call, &rows, false);
            cases += 1;
            if !same(call, expected, &got) {
                differences.push(format!("{header}: {rows:?}\n    expected {expected}\n    got      {got}"));
                continue;
            }
            if call.arguments.is_empty() || expected.starts_with('!') {
                continue;
            }
            let again = answer(call, &rows, true);
            retracted += usize::from(again != "cannot retract");
            if again != "cannot retract" && !same(call, expected, &again) {
                differences.push(format!("{header} after retracting: {rows:?}\n    {got} became {again}"));
            }
        }
    }
    println!("{cases} cases, {retracted} of them again after retracting, {} differ", differences.len());
    assert!(cases > 300, "only {cases} cases were found");
    assert!(
        differences.is_empty(),
        "{} of {cases} cases differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}
