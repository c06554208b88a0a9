//! The recorded answers put to a PostgreSQL, if one is named.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::{TEXT_TABLES, settings, table, type_oid, unescape};

/// The recorded answers are those of a PostgreSQL that is at hand.
#[test]
fn recorded_answers_are_postgresqls() {
    let Ok(server) = std::env::var("STRATA_ORACLE") else {
        eprintln!("skipped: STRATA_ORACLE names no PostgreSQL to ask");
        return;
    };
    for name in TEXT_TABLES {
        let text = table(name);
        let (script, expected) = questions(&text);
        let answers = ask(&server, &script);
        assert_eq!(answers.len(), expected.len(), "{name}");
        for (answer, (case, expected)) in answers.iter().zip(&expected) {
            assert_eq!(answer, expected, "{name}: {case}");
        }
    }
}

/// A script that prints one line for every case, in hexadecimal, and what each should be.
fn questions(text: &str) -> (String, Vec<(String, String)>) {
    let mut script = String::from(
        "CREATE FUNCTION pg_temp.attempt(statement text, given text) RETURNS text LANGUAGE plpgsql AS $body$\n\
         DECLARE answer text; its_detail text; its_hint text;\n\
         BEGIN EXECUTE statement INTO answer USING given; RETURN answer;\n\
         EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS its_detail = PG_EXCEPTION_DETAIL, its_hint = PG_EXCEPTION_HINT;\n\
         RETURN 'ERROR ' || SQLSTATE || ': ' || SQLERRM || '|' || its_detail || '|' || its_hint; END $body$;\n",
    );
    let mut expected = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if line.starts_with('@') {
            script.push_str("RESET extra_float_digits; RESET bytea_output;\n");
            script.push_str(&settings(line).1);
            continue;
        }
        let columns: Vec<&str> = line.split('\t').collect();
        let [type_name, typmod, given, answer] = columns[..] else { panic!("{columns:?}") };
        let _ = writeln!(
            script,
            "SELECT encode(convert_to(pg_temp.attempt($q$SELECT format('%s', {})$q$, {}), 'UTF8'), 'hex');",
            input_call(type_name, typmod),
            literal(&unescape(given))
        );
        let hexadecimal: String = unescape(answer).bytes().map(|byte| format!("{byte:02x}")).collect();
        expected.push((line.to_string(), hexadecimal));
    }
    (script, expected)
}

/// The call of a type's input function, as an assignment makes it.
fn input_call(type_name: &str, typmod: &str) -> String {
    if let Some(element) = type_name.strip_suffix("[]") {
        return format!("array_in($1::cstring, {}, {typmod})", type_oid(element));
    }
    let separator = if matches!(
        type_name,
        "uuid"
            | "numeric"
            | "json"
            | "jsonb"
            | "date"
            | "time"
            | "timetz"
            | "timestamp"
            | "timestamptz"
            | "interval"
            | "bit"
            | "varbit"
            | "pg_lsn"
    ) {
        "_"
    } else {
        ""
    };
    let with_typmod = matches!(
        type_name,
        "varchar"
            | "bpchar"
            | "numeric"
            | "time"
            | "timetz"
            | "timestamp"
            | "timestamptz"
            | "interval"
            | "bit"
            | "varbit"
    );
    let arguments = if with_typmod { format!("$1::cstring, 0, {typmod}") } else { "$1::cstring".to_string() };
    format!("{type_name}{separator}in({arguments})")
}

fn literal(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
    format!("E'{escaped}'")
}

fn ask(server: &str, script: &str) -> Vec<String> {
    let (host, port) = server.split_once(':').expect("STRATA_ORACLE is host:port");
    let mut psql = Command::new("psql")
        .args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            host,
            "-p",
            port,
            "-U",
            "postgres",
            "-d",
            "postgres",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("psql");
    let mut standard_input = psql.stdin.take().expect("a pipe");
    let script = script.to_string();
    let writer = std::thread::spawn(move || standard_input.write_all(script.as_bytes()));
    let output = psql.wait_with_output().expect("psql's answers");
    writer.join().expect("the writer").expect("psql reads");
    assert!(output.status.success(), "psql failed");
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_string).collect()
}
