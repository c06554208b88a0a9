//! What PostgreSQL's grammar accepts is accepted or refused by name, and its syntax errors are ours.
//!
//! `grammar.txt` has statements with PostgreSQL 15's own answer to parsing them; `grammar_departures.txt` those where
//! this server answers otherwise (after `=`), with PostgreSQL's answer after `!`. A refusal by name counts as a
//! departure. An answer is `ok`, or SQLSTATE, position (0 for none) and message.

use strata_sql::parse::syntax::{
    ConflictTarget, CopyEndpoint, ExpressionKind, FetchDirection, QueryBody, SequenceOption, Statement,
    TableReference, TimeClause,
};
use strata_sql::parse::{fingerprint, parse, parse_expression};

fn answer(text: &str) -> String {
    match parse(text) {
        Ok(_) => "ok".to_string(),
        Err(error) => {
            let position = error.report().position.unwrap_or(0);
            format!("{} {position} {}", error.state().code(), error.message())
        }
    }
}

fn check(cases: &str) {
    let mut text = "";
    let mut wrong = Vec::new();
    for line in cases.lines() {
        match line.strip_prefix("= ") {
            Some(expected) => {
                let found = answer(text);
                if found != expected {
                    wrong.push(format!("{text}\n  expected {expected}\n  found    {found}"));
                }
            }
            None if line.starts_with("! ") => {}
            None => text = line,
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn statements_parse_as_postgresql_parses_them() {
    check(include_str!("grammar.txt"));
}

#[test]
fn departures_are_the_ones_we_know() {
    check(include_str!("grammar_departures.txt"));
}

#[test]
fn operators_bind_as_in_postgresql() {
    let cases = [
        ("- 2 ^ 2", "(- 2) ^ 2"),
        ("0.5 > a <=> b", "0.5 > (a <=> b)"),
        ("a <=> b between c and d", "(a <=> b) between c and d"),
        ("a ~ b = c", "(a ~ b) = c"),
        ("a <+> b < c", "(a <+> b) < c"),
        ("a <-> b + c", "a <-> (b + c)"),
        ("not a = b and c", "(not (a = b)) and c"),
        ("a or b and c", "a or (b and c)"),
        ("- a::int", "- (a::int)"),
        ("a is null = b", "(a is null) = b"),
        ("a + b * c ^ d", "a + (b * (c ^ d))"),
        ("a || b like c", "(a || b) like c"),
        ("a -> b ->> c", "(a -> b) ->> c"),
    ];
    for (text, grouped) in cases {
        assert_eq!(shape(text), shape(grouped), "{text}");
    }
}

/// The tree without its places.
fn shape(text: &str) -> String {
    let tree = parse_expression(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let debug = format!("{tree:?}");
    let mut plain = String::with_capacity(debug.len());
    let mut rest = debug.as_str();
    while let Some(at) = rest.find("at: ") {
        plain.push_str(&rest[..at]);
        rest = rest[at + 4..].trim_start_matches(|c: char| c.is_ascii_digit());
    }
    plain + rest
}

fn single(text: &str) -> Statement {
    let mut statements = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(statements.len(), 1, "{text}");
    statements.remove(0).statement
}

#[test]
fn literals_are_concatenated_over_newlines_only() {
    let tree = parse_expression("'a' -- comment\n  'b'").expect("two segments");
    assert_eq!(tree.kind, ExpressionKind::String("ab".to_string()));
    assert!(parse_expression("'a' 'b'").is_err());
}

#[test]
fn only_is_no_table_and_analyze_no_name() {
    let Statement::Query(query) = single("select * from only t") else { panic!("no query") };
    let QueryBody::Select(select) = query.body else { panic!("no select") };
    let Some(TableReference::Table { name, alias: None, time: None }) = select.from.first() else {
        panic!("no plain table")
    };
    assert_eq!(name.name(), "t");
    let Statement::Vacuum(vacuum) = single("vacuum analyze t (a)") else { panic!("no vacuum") };
    assert!(vacuum.vacuum && vacuum.analyze);
    assert_eq!(vacuum.tables.len(), 1);
}

#[test]
fn copy_from_stdin_leaves_the_rest_of_the_text() {
    let statements = parse("copy t from stdin; select 1").expect("two statements");
    let Some(Statement::Copy(copy)) = statements.first().map(|parsed| &parsed.statement) else {
        panic!("no copy")
    };
    assert_eq!(copy.endpoint, CopyEndpoint::Client);
    assert!(matches!(statements.get(1).map(|parsed| &parsed.statement), Some(Statement::Query(_))));
}

#[test]
fn sequence_options_come_in_any_order() {
    let text = "create sequence s start with 1 increment by 1 no minvalue no maxvalue cache 1 no cycle";
    let Statement::CreateSequence(sequence) = single(text) else { panic!("no sequence") };
    let expected = [
        SequenceOption::Start(1),
        SequenceOption::Increment(1),
        SequenceOption::MinValue(None),
        SequenceOption::MaxValue(None),
        SequenceOption::Cache(1),
        SequenceOption::Cycle(false),
    ];
    assert_eq!(sequence.options, expected);
}

#[test]
fn conflict_targets_take_expressions_and_predicates() {
    let Statement::Insert(insert) =
        single("insert into t values (1) on conflict (lower(a), b) where c do nothing")
    else {
        panic!("no insert")
    };
    let Some(ConflictTarget::Inference { elements, filter, .. }) =
        insert.conflict.and_then(|clause| clause.target)
    else {
        panic!("no inference")
    };
    assert_eq!((elements.len(), filter.is_some()), (2, true));
}

#[test]
fn fetch_has_every_direction() {
    let direction = |text: &str| match single(text) {
        Statement::Fetch(fetch) => (fetch.direction, fetch.only_move),
        _ => panic!("no fetch"),
    };
    assert_eq!(direction("fetch c"), (FetchDirection::Forward(1), false));
    assert_eq!(direction("fetch -3 from c"), (FetchDirection::Forward(-3), false));
    assert_eq!(direction("fetch next"), (FetchDirection::Forward(1), false));
    assert_eq!(direction("move backward all in c"), (FetchDirection::Backward(i64::MAX), true));
    assert_eq!(direction("fetch absolute -1 c"), (FetchDirection::Absolute(-1), false));
}

#[test]
fn moments_stop_before_what_follows_them() {
    let text = "select * from t for system_time between now() - interval '1 h' and now() as a where x and y";
    let Statement::Query(query) = single(text) else { panic!("no query") };
    let QueryBody::Select(select) = query.body else { panic!("no select") };
    let Some(TableReference::Table { alias: Some(alias), time: Some(TimeClause::Between(..)), .. }) =
        select.from.first()
    else {
        panic!("no range of time")
    };
    assert_eq!(alias.name.text, "a");
    let parsed = parse("select * from t, u as of system time '2020-01-01' where x").expect("one statement");
    assert!(parsed.first().is_some_and(|parsed| parsed.time.is_some()));
}

#[test]
fn statements_know_their_bytes() {
    let text = "  ; select 1 /* a */ ; -- b\n ;; commit";
    let spans: Vec<_> = parse(text)
        .expect("two statements")
        .iter()
        .map(|parsed| &text[parsed.start as usize..parsed.end as usize])
        .collect();
    assert_eq!(spans, ["select 1", "commit"]);
    assert!(parse(" ; -- nothing\n").expect("no statement").is_empty());
}

#[test]
fn positions_count_characters() {
    let error = parse("select 'äöü', from").expect_err("no item");
    assert_eq!(error.report().position, Some(15));
}

/// Nesting is refused before it can exhaust a stack; a list of any length is not nesting.
#[test]
fn depth_is_limited_and_length_is_not() {
    // Frames of an unoptimised build are several times as large.
    let size = if cfg!(debug_assertions) { 32 << 20 } else { 2 << 20 };
    let thread = std::thread::Builder::new().stack_size(size).spawn(check_depth).expect("a thread");
    thread.join().expect("no overflow");
}

fn check_depth() {
    let deep = |open: &str, close: &str, n: usize| format!("select {}1{}", open.repeat(n), close.repeat(n));
    for (open, close) in
        [("(", ")"), ("f(", ")"), ("case when true then ", " end"), ("array[", "]"), ("- ", "")]
    {
        let error = parse(&deep(open, close, 100_000)).expect_err(open);
        assert_eq!(error.state().code(), "54001", "{open}");
        assert!(parse(&deep(open, close, 60)).is_ok(), "{open}");
    }
    for joint in ["+", "||", " union select "] {
        let error = parse(&format!("select {}", vec!["1"; 100_000].join(joint))).expect_err(joint);
        assert_eq!(error.state().code(), "54001", "{joint}");
    }
    for joint in [" or ", " and ", ", "] {
        assert!(parse(&format!("select {}", vec!["true"; 100_000].join(joint))).is_ok(), "{joint}");
    }
}

/// A malformed text takes no longer than a good one: no production is tried twice.
#[test]
fn errors_inside_nesting_are_found_at_once() {
    let text = format!("select {}1 1{}", "cast(".repeat(60), " as int)".repeat(60));
    let started = std::time::Instant::now();
    assert!(parse(&text).is_err());
    assert!(started.elapsed() < std::time::Duration::from_secs(1));
}

#[test]
fn fingerprints_differ_by_everything_but_the_values_of_literals() {
    let key = |text: &str| fingerprint::fingerprint(text).expect("a text of tokens").key;
    assert_eq!(key("select * from t where a = 1"), key("select *  from t where a = 2"));
    assert_ne!(key("select 1"), key("select 3000000000"));
    assert_ne!(key("select 1"), key("select '1'"));
    assert_ne!(key("select a"), key("select b"));
    let found = fingerprint::fingerprint("select 'it''s', 1.5; select 2").expect("a text of tokens");
    assert!(found.several);
    assert_eq!(found.literals.len(), 3);
    let error = fingerprint::fingerprint("select $1").expect_err("a parameter");
    assert_eq!(error.state().code(), "42P02");
}
