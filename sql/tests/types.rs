//! Types against answers recorded from PostgreSQL 15: text in and out, round trips, order, numeric operations.
//!
//! The tables stand in `types/`. With STRATA_ORACLE=host:port the tables of text forms are put to that PostgreSQL as
//! well, through psql, and every answer there must be the recorded one. (One test a type: long, and flat.)

use std::cmp::Ordering;
use std::fmt::Write as _;

use engine::Value;
use strata_sql::error::{Error, Result};
use strata_sql::evaluate::{DateOrder, DateStyle, IntervalStyle, Settings};
use strata_sql::types::numeric::Numeric;
use strata_sql::types::{self, InputSettings, NoNames, OutputSettings, key, oid};

#[path = "types/oracle.rs"]
mod oracle;
#[path = "types/rows.rs"]
mod rows;

const TEXT_TABLES: [&str; 5] = ["simple.txt", "datetime.txt", "interval.txt", "array.txt", "json.txt"];

fn table(name: &str) -> String {
    let path = format!("{}/tests/types/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn type_oid(name: &str) -> u32 {
    if let Some(element) = name.strip_suffix("[]") {
        return oid::array_of(type_oid(element)).expect("a type with an array type");
    }
    match name {
        "bool" => oid::BOOL,
        "bytea" => oid::BYTEA,
        "char" => oid::CHAR,
        "name" => oid::NAME,
        "int8" => oid::INT8,
        "int2" => oid::INT2,
        "int4" => oid::INT4,
        "text" => oid::TEXT,
        "oid" => oid::OID,
        "tid" => oid::TID,
        "xid" => oid::XID,
        "json" => oid::JSON,
        "jsonb" => oid::JSONB,
        "float4" => oid::FLOAT4,
        "float8" => oid::FLOAT8,
        "bpchar" => oid::BPCHAR,
        "varchar" => oid::VARCHAR,
        "date" => oid::DATE,
        "time" => oid::TIME,
        "timetz" => oid::TIMETZ,
        "timestamp" => oid::TIMESTAMP,
        "timestamptz" => oid::TIMESTAMPTZ,
        "interval" => oid::INTERVAL,
        "bit" => oid::BIT,
        "varbit" => oid::VARBIT,
        "numeric" => oid::NUMERIC,
        "uuid" => oid::UUID,
        "pg_lsn" => oid::PG_LSN,
        "int2vector" => oid::INT2VECTOR,
        "oidvector" => oid::OIDVECTOR,
        _ => panic!("no type {name} in this test"),
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('t') => out.push('\t'),
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some(other) => out.push(other),
                None => {}
            },
            other => out.push(other),
        }
    }
    out
}

fn report(error: &Error) -> String {
    let report = error.report();
    format!(
        "ERROR {}: {}|{}|{}",
        report.state.code(),
        report.message,
        report.detail.as_deref().unwrap_or(""),
        report.hint.as_deref().unwrap_or("")
    )
}

/// The settings of a line `@ zone=… style=…,… interval=… digits=… bytea=…`, and the SET commands for them.
fn settings(line: &str) -> (Settings, String) {
    let mut settings = Settings::default();
    let mut commands = String::from("SET timezone = 'UTC'; RESET datestyle; RESET intervalstyle;\n");
    for pair in line.trim_start_matches('@').split_whitespace() {
        let (name, value) = pair.split_once('=').expect("name=value");
        match name {
            "zone" => {
                settings.time_zone = value.into();
                let _ = writeln!(commands, "SET timezone = '{value}';");
            }
            "style" => {
                let (style, order) = value.split_once(',').expect("style,order");
                settings.date_style = match style {
                    "sql" => DateStyle::Sql,
                    "postgres" => DateStyle::Postgres,
                    "german" => DateStyle::German,
                    _ => DateStyle::Iso,
                };
                settings.date_order = match order {
                    "dmy" => DateOrder::DayMonthYear,
                    "ymd" => DateOrder::YearMonthDay,
                    _ => DateOrder::MonthDayYear,
                };
                let _ = writeln!(commands, "SET datestyle = '{value}';");
            }
            "interval" => {
                let (style, name) = match value {
                    "verbose" => (IntervalStyle::PostgresVerbose, "postgres_verbose"),
                    "sql" => (IntervalStyle::SqlStandard, "sql_standard"),
                    "iso" => (IntervalStyle::Iso8601, "iso_8601"),
                    _ => (IntervalStyle::Postgres, "postgres"),
                };
                settings.interval_style = style;
                let _ = writeln!(commands, "SET intervalstyle = {name};");
            }
            "digits" => {
                settings.extra_float_digits = value.parse().expect("a number");
                let _ = writeln!(commands, "SET extra_float_digits = {value};");
            }
            "bytea" => {
                settings.bytea_hex = value == "hex";
                let _ = writeln!(commands, "SET bytea_output = {value};");
            }
            _ => panic!("no setting {name}"),
        }
    }
    (settings, commands)
}

/// The lines of a table without comments, each with the settings in force.
fn cases(text: &str) -> Vec<(Settings, Vec<&str>)> {
    let mut in_force = Settings::default();
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if line.starts_with('@') {
            in_force = settings(line).0;
        } else {
            found.push((in_force.clone(), line.split('\t').collect()));
        }
    }
    found
}

fn assert_none(failures: Vec<String>, cases: usize) {
    assert!(cases > 50, "the table has only {cases} cases");
    let shown: Vec<&String> = failures.iter().take(20).collect();
    assert!(failures.is_empty(), "{} of {cases} cases differ: {shown:#?}", failures.len());
}

/// Every input gives the recorded output or error; what was read survives the binary form and the text form.
fn check_text_table(name: &str) {
    let text = table(name);
    let mut failures = Vec::new();
    let all = cases(&text);
    for (settings, columns) in &all {
        let [type_name, typmod, given, expected] = columns[..] else { panic!("{name}: {columns:?}") };
        let (type_oid, typmod) = (type_oid(type_name), typmod.parse::<i32>().expect("a typmod"));
        let (given, expected) = (unescape(given), unescape(expected));
        let reading = InputSettings::new(settings, 0, &NoNames);
        let writing = OutputSettings::new(settings, &NoNames);
        let value = types::input(type_oid, typmod, &given, &reading);
        let answer = match &value {
            Ok(value) => types::output(type_oid, value, &writing).unwrap_or_else(|error| report(&error)),
            Err(error) => report(error),
        };
        if answer != expected {
            failures.push(format!("{type_name} {given:?}: {answer:?} instead of {expected:?}"));
        }
        if let Ok(value) = value {
            if let Err(problem) = round_trip(type_oid, typmod, &value) {
                failures.push(format!("{type_name} {given:?}: {problem}"));
            }
        }
    }
    assert_none(failures, all.len());
}

fn same(left: &Value, right: &Value) -> bool {
    // NaN is not equal to itself as a physical value.
    left == right || format!("{left:?}") == format!("{right:?}")
}

fn round_trip(type_oid: u32, typmod: i32, value: &Value) -> std::result::Result<(), String> {
    let mut bytes = Vec::new();
    types::send(type_oid, value, &mut bytes).map_err(|error| report(&error))?;
    let back = types::receive(type_oid, typmod, &bytes).map_err(|error| report(&error))?;
    if !same(&back, value) {
        return Err(format!("binary form gives {back:?} for {value:?}"));
    }
    if !bytes.is_empty()
        && types::receive(type_oid, typmod, &bytes[..bytes.len() - 1]).is_ok()
        && is_fixed(type_oid)
    {
        return Err("a binary form cut short is accepted".to_string());
    }
    let text = types::output(type_oid, value, &OutputSettings::plain()).map_err(|error| report(&error))?;
    let back =
        types::input(type_oid, typmod, &text, &InputSettings::plain()).map_err(|error| report(&error))?;
    if !same(&back, value) {
        return Err(format!("text form {text:?} gives {back:?} for {value:?}"));
    }
    Ok(())
}

fn is_fixed(type_oid: u32) -> bool {
    use engine::PhysicalType::{Bytes, Text};
    !matches!(types::physical(type_oid), Text | Bytes)
}

#[test]
fn simple_types_have_postgresqls_text() {
    check_text_table("simple.txt");
}

#[test]
fn dates_and_times_have_postgresqls_text() {
    check_text_table("datetime.txt");
}

#[test]
fn intervals_have_postgresqls_text() {
    check_text_table("interval.txt");
}

#[test]
fn arrays_have_postgresqls_text() {
    check_text_table("array.txt");
}

#[test]
fn json_has_postgresqls_text() {
    check_text_table("json.txt");
}

/// compare, the keys, and the keys under all four orders agree with PostgreSQL; no key begins another.
#[test]
fn order_is_postgresqls() {
    let text = table("order.txt");
    let plain = InputSettings::plain();
    let mut failures = Vec::new();
    let all = cases(&text);
    for (_, columns) in &all {
        let [type_name, left, right, expected] = columns[..] else { panic!("{columns:?}") };
        let type_oid = type_oid(type_name);
        let read = |text: &str| types::input(type_oid, -1, &unescape(text), &plain).expect("a value");
        let (left, right) = (read(left), read(right));
        let expected = expected.parse::<i32>().expect("a sign").cmp(&0);
        if types::compare(type_oid, &left, &right) != expected {
            failures.push(format!("{type_name}: compare({left:?}, {right:?}) is not {expected:?}"));
        }
        if let Err(problem) = check_keys(type_oid, &left, &right, expected) {
            failures.push(format!("{type_name}: {left:?}, {right:?}: {problem}"));
        }
    }
    assert_none(failures, all.len());
}

fn check_keys(
    type_oid: u32,
    left: &Value,
    right: &Value,
    expected: Ordering,
) -> std::result::Result<(), String> {
    let plain_key = |value: &Value| -> Result<Vec<u8>> {
        let mut out = Vec::new();
        key::append(type_oid, value, &mut out)?;
        Ok(out)
    };
    let left_key = plain_key(left).map_err(|error| report(&error))?;
    let right_key = plain_key(right).map_err(|error| report(&error))?;
    if left_key.cmp(&right_key) != expected {
        return Err("the keys are in another order".to_string());
    }
    if left_key != right_key && (left_key.starts_with(&right_key) || right_key.starts_with(&left_key)) {
        return Err("one key begins the other".to_string());
    }
    for (descending, nulls_first) in [(false, false), (false, true), (true, false), (true, true)] {
        let ordered = |value: &Value| {
            let mut out = Vec::new();
            key::append_with_order(type_oid, value, descending, nulls_first, &mut out).expect("a key");
            out
        };
        let wanted = if descending { expected.reverse() } else { expected };
        if ordered(left).cmp(&ordered(right)) != wanted {
            return Err(format!("descending {descending}: the keys are in another order"));
        }
        if (ordered(&Value::Null) < ordered(left)) != nulls_first {
            return Err(format!("nulls first {nulls_first}: NULL is at the other end"));
        }
    }
    Ok(())
}

/// Where Arrow's order is said to be enough, it is.
#[test]
fn native_keys_are_in_order() {
    let text = table("order.txt");
    let plain = InputSettings::plain();
    let mut checked = 0;
    for (_, columns) in cases(&text) {
        let [type_name, left, right, expected] = columns[..] else { panic!("{columns:?}") };
        let type_oid = type_oid(type_name);
        if !key::native_is_key(type_oid) {
            continue;
        }
        checked += 1;
        let read = |text: &str| types::input(type_oid, -1, &unescape(text), &plain).expect("a value");
        let native = match (read(left), read(right)) {
            (Value::Bool(left), Value::Bool(right)) => left.cmp(&right),
            (Value::Int16(left), Value::Int16(right)) => left.cmp(&right),
            (Value::Int32(left), Value::Int32(right)) => left.cmp(&right),
            (Value::Int64(left), Value::Int64(right)) => left.cmp(&right),
            (Value::UInt32(left), Value::UInt32(right)) => left.cmp(&right),
            (Value::Text(left), Value::Text(right)) => left.as_bytes().cmp(right.as_bytes()),
            (Value::Bytes(left), Value::Bytes(right)) => left.cmp(&right),
            (Value::Fixed16(left), Value::Fixed16(right)) => left.cmp(&right),
            pair => panic!("{type_name}: {pair:?} has no native order"),
        };
        assert_eq!(
            native,
            expected.parse::<i32>().expect("a sign").cmp(&0),
            "{type_name}: {left} and {right}"
        );
    }
    assert!(checked > 100, "only {checked} pairs of native types");
}

fn operate(name: &str, operands: &[&str]) -> Result<String> {
    let number = |at: usize| Numeric::parse(operands[at]);
    let whole = |at: usize| operands[at].parse::<i32>().expect("a number of digits");
    let result = match name {
        "add" => number(0)?.add(&number(1)?)?,
        "sub" => number(0)?.subtract(&number(1)?)?,
        "mul" => number(0)?.multiply(&number(1)?)?,
        "div" => number(0)?.divide(&number(1)?)?,
        "mod" => number(0)?.remainder(&number(1)?)?,
        "idiv" => number(0)?.divide_truncated(&number(1)?)?,
        "sqrt" => number(0)?.sqrt()?,
        "exp" => number(0)?.exp()?,
        "ln" => number(0)?.ln()?,
        "log" => number(1)?.log(&number(0)?)?,
        "log10" => number(0)?.log(&Numeric::from_i64(10))?,
        "power" => number(0)?.power(&number(1)?)?,
        "round" => number(0)?.round(whole(1))?,
        "trunc" => number(0)?.truncate(whole(1))?,
        "ceil" => number(0)?.ceil()?,
        "floor" => number(0)?.floor()?,
        "gcd" => number(0)?.gcd(&number(1)?)?,
        "lcm" => number(0)?.lcm(&number(1)?)?,
        "abs" => number(0)?.absolute(),
        "sign" => number(0)?.sign(),
        "trim_scale" => number(0)?.trim_scale(),
        "from8" | "from4" => {
            let type_oid = if name == "from8" { oid::FLOAT8 } else { oid::FLOAT4 };
            match types::input(type_oid, -1, operands[0], &InputSettings::plain())? {
                Value::Float64(float) => Numeric::from_f64(float)?,
                Value::Float32(float) => Numeric::from_f32(float)?,
                other => panic!("{other:?} is no float"),
            }
        }
        "int4" => return number(0)?.to_i32().map(|whole| whole.to_string()),
        "int8" => return number(0)?.to_i64().map(|whole| whole.to_string()),
        "int2" => return number(0)?.to_i16().map(|whole| whole.to_string()),
        "cmp" => return Ok((number(0)?.compare(&number(1)?) as i32).to_string()),
        "min_scale" => {
            let scale = number(0)?.minimum_scale();
            return Ok(scale.map_or_else(|| "NULL".to_string(), |scale| scale.to_string()));
        }
        "float8" => {
            let value = Value::Float64(number(0)?.to_f64()?);
            return types::output(oid::FLOAT8, &value, &OutputSettings::plain());
        }
        "float4" => {
            let value = Value::Float32(number(0)?.to_f32()?);
            return types::output(oid::FLOAT4, &value, &OutputSettings::plain());
        }
        "send" => {
            let mut bytes = Vec::new();
            number(0)?.send(&mut bytes);
            return types::output(oid::BYTEA, &Value::from(bytes), &OutputSettings::plain());
        }
        _ => panic!("no operation {name}"),
    };
    Ok(result.to_string())
}

#[test]
fn numeric_operations_give_postgresqls_digits() {
    let text = table("numeric_operations.txt");
    let mut failures = Vec::new();
    let all = cases(&text);
    for (_, columns) in &all {
        let (name, rest) = columns.split_first().expect("a name");
        let (expected, operands) = rest.split_last().expect("a result");
        let answer = operate(name, operands).unwrap_or_else(|error| report(&error));
        if answer != unescape(expected) {
            failures.push(format!("{name} {operands:?}: {answer} instead of {expected}"));
        }
    }
    assert_none(failures, all.len());
}

/// Keys put behind each other compare as rows do: the first difference decides, whatever follows.
#[test]
fn keys_of_rows_compare_column_by_column() {
    let text = table("order.txt");
    let plain = InputSettings::plain();
    let mut values: Vec<(u32, Value)> = Vec::new();
    for (_, columns) in cases(&text) {
        let [type_name, left, ..] = columns[..] else { panic!("{columns:?}") };
        let type_oid = type_oid(type_name);
        values.push((type_oid, types::input(type_oid, -1, &unescape(left), &plain).expect("a value")));
    }
    let mut checked = 0;
    for (at, (first, left)) in values.iter().enumerate() {
        // Some value of the same type, and two of whatever type stands elsewhere.
        let Some((_, right)) = values.iter().skip(at + 1).find(|(other, _)| other == first) else { continue };
        let (second, below) = &values[(at * 7 + 3) % values.len()];
        let above = values.iter().rev().find(|(other, _)| other == second).map_or(below, |(_, value)| value);
        let row = |one: &Value, two: &Value| {
            let mut out = Vec::new();
            key::append_with_order(*first, one, at % 2 == 0, false, &mut out).expect("a key");
            key::append_with_order(*second, two, false, true, &mut out).expect("a key");
            out
        };
        let by_first = types::compare(*first, left, right);
        let by_first = if at % 2 == 0 { by_first.reverse() } else { by_first };
        let expected = by_first.then_with(|| types::compare(*second, below, above));
        assert_eq!(
            row(left, below).cmp(&row(right, above)),
            expected,
            "{left:?}, {below:?} and {right:?}, {above:?}"
        );
        checked += 1;
    }
    assert!(checked > 500, "only {checked} pairs of rows");
}

/// Sums stay exact beyond 128 bits, whatever the order and however they are merged.
#[test]
fn sums_are_exact_and_merge() {
    use strata_sql::types::numeric::Sum;
    let numbers: Vec<Numeric> = (0..1000)
        .map(|number| {
            Numeric::parse(&format!("{}.{number:03}", "9".repeat(1 + number % 45))).expect("a number")
        })
        .collect();
    let mut forward = Sum::new();
    numbers.iter().for_each(|number| forward.add(number));
    let (mut left, mut right) = (Sum::new(), Sum::new());
    numbers[..300].iter().rev().for_each(|number| left.add(number));
    numbers[300..].iter().rev().for_each(|number| right.add(number));
    left.merge(&right);
    let total = |sum: &Sum| sum.sum().expect("a sum").expect("numbers").to_string();
    assert_eq!(total(&forward), total(&left));
    let by_addition =
        numbers.iter().try_fold(Numeric::ZERO, |sum, number| sum.add(number)).expect("a sum").to_string();
    assert_eq!(total(&forward), by_addition);
}

/// Damaged bytes of the outside and of the disk are errors, never panics.
#[test]
fn damaged_bytes_are_refused() {
    let settings = InputSettings::plain();
    for (type_oid, text) in [
        (oid::NUMERIC, "-12345.678"),
        (oid::INT4_ARRAY, "[0:1][1:2]={{1,2},{NULL,4}}"),
        (oid::TEXT_ARRAY, "{a,NULL,\"b c\"}"),
        (oid::INTERVAL, "1 year 2 days"),
        (oid::TIMETZ, "12:00+01"),
        (oid::JSONB, "{\"a\": [1, 2]}"),
        (oid::VARBIT, "10101"),
        (oid::UUID, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ] {
        let value = types::input(type_oid, -1, text, &settings).expect("a value");
        let mut bytes = Vec::new();
        types::send(type_oid, &value, &mut bytes).expect("a binary form");
        for length in 0..bytes.len() {
            let _ = types::receive(type_oid, -1, &bytes[..length]);
        }
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                let _ = types::receive(type_oid, -1, &damaged);
            }
        }
        if let Value::Bytes(stored) = &value {
            for at in 0..stored.len() {
                let mut damaged = stored.to_vec();
                damaged[at] ^= 0x55;
                let damaged = Value::from(damaged);
                let _ = types::output(type_oid, &damaged, &OutputSettings::plain());
                let _ = key::append(type_oid, &damaged, &mut Vec::new());
                let cut = Value::from(stored[..at].to_vec());
                let _ = types::output(type_oid, &cut, &OutputSettings::plain());
            }
        }
    }
}
