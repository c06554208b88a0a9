//! Plans and their execution, from typed trees made by hand: what the shapes of queries must give, and which access
//! paths they take.

mod spill;
mod trees;
mod world;

use engine::Value;
use strata_sql::tree::{
    AggregateCall, Column, ColumnNumber, CommonQuery, CommonTable, ExpressionKind, FrameBound,
    FrameExclusion, FrameUnits, JoinKind, Query, Relation, SetOperator, SortKey, SubqueryKind, Type,
    WindowCall, WindowFrame,
};
use strata_sql::types::oid;
use trees::*;
use world::World;

const COUNT_STAR: u32 = 2803;
const SUM_INT4: u32 = 2108;
const MAX_INT4: u32 = 2116;
const MIN_INT4: u32 = 2132;

fn call(function: u32, argument: Option<strata_sql::tree::Expression>, result: u32) -> AggregateCall {
    AggregateCall {
        function,
        arguments: argument.into_iter().collect(),
        direct_arguments: Vec::new(),
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        ty: Type::new(result),
        collation: 0,
    }
}

fn aggregate(
    input: Relation,
    groups: Vec<(u32, strata_sql::tree::Expression)>,
    aggregates: Vec<(u32, AggregateCall)>,
    sets: Option<Vec<Vec<u32>>>,
) -> Relation {
    Relation::Aggregate {
        input: Box::new(input),
        groups: groups.into_iter().map(|(number, group)| (ColumnNumber(number), group)).collect(),
        sets,
        aggregates: aggregates.into_iter().map(|(number, call)| (ColumnNumber(number), call)).collect(),
        grouping: Vec::new(),
    }
}

#[test]
fn a_false_left_side_keeps_the_right_side_from_being_evaluated() {
    let world = World::new();
    let safe = and(vec![op("<>", c(1), int(0)), op(">", op("/", int(100), c(1)), int(30))]);
    let rows = values(1, &[Some(0), Some(2), None, Some(3), Some(9)]);
    assert_eq!(world.rows(&ints(filter(rows.clone(), safe), &[1])), ["2", "3"]);
    let bare = op(">", op("/", int(100), c(1)), int(30));
    let error = world.try_rows(&ints(filter(rows, bare), &[1])).expect_err("a division by zero");
    assert_eq!(error.state().code(), "22012");
}

#[test]
fn scans_filter_sort_and_limit() {
    let world = World::new();
    let relation = filter(
        t(1),
        op("=", column(3, oid::TEXT), typed(ExpressionKind::Constant(Value::from("b1")), oid::TEXT)),
    );
    let relation = limit(sort(relation, vec![(c(2), true), (c(1), false)]), 3);
    assert_eq!(world.rows(&ints(relation, &[1, 2])), ["7|∅", "28|∅", "49|∅"]);
}

#[test]
fn a_key_lookup_and_a_range_go_through_their_index() {
    let world = World::new();
    let by_key = ints(filter(t(1), op("=", c(1), int(500))), &[1, 2]);
    assert_eq!(world.explain(&by_key)[0], "Index Scan using t_pkey on t");
    assert_eq!(world.rows(&by_key), ["500|0"]);
    let range = and(vec![op(">=", c(1), int(10)), op("<", c(1), int(13))]);
    let by_range = ints(filter(t(1), range), &[1]);
    assert_eq!(world.explain(&by_range)[0], "Index Scan using t_pkey on t");
    assert_eq!(world.rows(&by_range), ["10", "11", "12"]);
    let last = ints(limit(sort(t(1), vec![(c(1), true)]), 2), &[1]);
    assert_eq!(world.explain(&last)[1].trim(), "->  Index Scan Backward using t_pkey on t");
    assert_eq!(world.rows(&last), ["1000", "999"]);
    let extremes = aggregate(t(1), vec![], vec![(9, call(MAX_INT4, Some(c(1)), oid::INT4))], None);
    assert_eq!(world.rows(&ints(extremes, &[9])), ["1000"]);
    let extremes = aggregate(t(1), vec![], vec![(9, call(MIN_INT4, Some(c(2)), oid::INT4))], None);
    assert_eq!(world.rows(&ints(extremes, &[9])), ["0"]);
}

#[test]
fn joins_of_every_kind_keep_and_lose_the_right_rows() {
    let world = World::new();
    let on = || Some(op("=", c(1), c(11)));
    let few = || filter(values(1, &[Some(1), Some(2), Some(4), None, Some(2000)]), op("<>", c(1), int(4)));
    let inner = join(JoinKind::Inner, values(1, &[Some(2), Some(3), None]), u(10), on(), false);
    assert_eq!(world.rows(&ints(inner, &[1, 10])), ["2|1"]);
    let left = join(JoinKind::Left, values(1, &[Some(2), Some(3), None]), u(10), on(), false);
    assert_eq!(world.rows(&ints(left, &[1, 10])), ["2|1", "3|∅", "∅|∅"]);
    let full = join(JoinKind::Full, few(), values(11, &[Some(2), Some(5), None]), on(), false);
    let mut rows = world.rows(&ints(full, &[1, 11]));
    rows.sort();
    assert_eq!(rows, ["1|∅", "2000|∅", "2|2", "∅|5", "∅|∅"]);
    let loops =
        join(JoinKind::Left, few(), values(11, &[Some(2), Some(5)]), Some(op("<", c(1), c(11))), false);
    let mut rows = world.rows(&ints(loops, &[1, 11]));
    rows.sort();
    assert_eq!(rows, ["1|2", "1|5", "2000|∅", "2|5"]);
    let cross = join(JoinKind::Cross, t(1), u(10), None, false);
    let counted = aggregate(cross, vec![], vec![(30, call(COUNT_STAR, None, oid::INT8))], None);
    assert_eq!(world.rows(&query(counted, &[(30, oid::INT8)])), ["500000"]);
}

#[test]
fn a_filter_above_an_outer_join_sees_its_nulls() {
    let world = World::new();
    let joined = |predicate| {
        filter(
            join(JoinKind::Left, values(1, &[Some(1), Some(2)]), u(10), Some(op("=", c(1), c(11))), false),
            predicate,
        )
    };
    let missing = typed(ExpressionKind::IsNull { argument: Box::new(c(10)), negated: false }, oid::BOOL);
    assert_eq!(world.rows(&ints(joined(missing), &[1])), ["1"]);
    assert_eq!(world.rows(&ints(joined(op("=", c(12), int(1))), &[1])), ["2"]);
}

#[test]
fn not_in_is_unknown_when_a_null_takes_part() {
    let world = World::new();
    let inside = |rows: &[Option<i32>]| {
        let test = Box::new(op("=", c(1), c(2)));
        subquery(SubqueryKind::Any { test }, ints(values(2, rows), &[2]), oid::BOOL)
    };
    let outer = || values(1, &[Some(1), Some(2), None]);
    let run = |predicate| world.rows(&ints(filter(outer(), predicate), &[1]));
    assert_eq!(run(inside(&[Some(2), None])), ["2"]);
    assert_eq!(run(not(inside(&[Some(2), None]))), Vec::<String>::new());
    assert_eq!(run(not(inside(&[Some(2)]))), ["1"]);
    assert_eq!(run(not(inside(&[]))), ["1", "2", "∅"]);
}

#[test]
fn correlated_subqueries_run_anywhere() {
    let world = World::new();
    let inner = || filter(u(10), op("=", c(11), c(1)));
    let exists = subquery(SubqueryKind::Exists, ints(inner(), &[10]), oid::BOOL);
    let few = || values(1, &[Some(1), Some(2), Some(4)]);
    assert_eq!(world.rows(&ints(filter(few(), exists.clone()), &[1])), ["2", "4"]);
    assert_eq!(world.rows(&ints(filter(few(), not(exists.clone())), &[1])), ["1"]);
    let all = filter(t(1), not(exists));
    let counted = aggregate(all, vec![], vec![(30, call(COUNT_STAR, None, oid::INT8))], None);
    assert_eq!(world.rows(&query(counted, &[(30, oid::INT8)])), ["500"]);
    let scalar = subquery(SubqueryKind::Scalar, ints(inner(), &[12]), oid::INT4);
    let shown = extend(few(), vec![(20, scalar)]);
    assert_eq!(world.rows(&ints(shown, &[1, 20])), ["1|∅", "2|1", "4|2"]);
    let many = subquery(SubqueryKind::Scalar, ints(u(10), &[12]), oid::INT4);
    let error = world.try_rows(&ints(extend(few(), vec![(20, many)]), &[20])).expect_err("several rows");
    assert_eq!(error.state().code(), "21000");
}

#[test]
fn a_small_in_subquery_looks_its_rows_up() {
    let world = World::new();
    let test = Box::new(op("=", c(1), c(30)));
    let few = ints(values(30, &[Some(7), Some(7), Some(2000), None, Some(9)]), &[30]);
    let found = ints(filter(t(1), subquery(SubqueryKind::Any { test }, few, oid::BOOL)), &[1, 2]);
    assert_eq!(world.explain(&found)[0], "Nested Loop");
    assert_eq!(world.rows(&found), ["7|∅", "9|9"]);
}

#[test]
fn a_constant_reaches_what_it_is_joined_to() {
    let world = World::new();
    let joined = join(JoinKind::Inner, t(1), u(10), Some(op("=", c(1), c(11))), false);
    let found = ints(filter(joined, op("=", c(1), int(6))), &[1, 10]);
    assert_eq!(world.rows(&found), ["6|3"]);
    let plan = world.explain(&found).join("\n");
    assert!(plan.contains("t_pkey") && plan.contains("u_t"), "{plan}");
}

#[test]
fn lateral_executes_its_right_side_for_each_left_row() {
    let world = World::new();
    let top = limit(sort(filter(u(10), op(">", c(11), c(1))), vec![(c(11), false)]), 2);
    let inner = join(
        JoinKind::Inner,
        values(1, &[Some(5), Some(997), Some(1000)]),
        Relation::Subquery(Box::new(ints(top.clone(), &[11]))),
        None,
        true,
    );
    assert_eq!(world.rows(&ints(inner, &[1, 11])), ["5|6", "5|8", "997|998", "997|1000"]);
    let left = join(
        JoinKind::Left,
        values(1, &[Some(999), Some(1000)]),
        Relation::Subquery(Box::new(ints(top, &[11]))),
        None,
        true,
    );
    assert_eq!(world.rows(&ints(left, &[1, 11])), ["999|1000", "1000|∅"]);
}

#[test]
fn groups_are_equal_where_sql_says_so() {
    let world = World::new();
    let grouped = aggregate(
        t(1),
        vec![(20, column(4, oid::NUMERIC))],
        vec![(21, call(COUNT_STAR, None, oid::INT8))],
        None,
    );
    let mut rows = world.rows(&query(grouped, &[(20, oid::NUMERIC), (21, oid::INT8)]));
    rows.sort();
    assert_eq!(rows, ["0.0|500", "1|500"], "1 and 1.00 are one group");
    let sets = aggregate(
        filter(t(1), op("<=", c(1), int(6))),
        vec![(20, c(2)), (22, column(3, oid::TEXT))],
        vec![(21, call(SUM_INT4, Some(c(1)), oid::INT8))],
        Some(vec![vec![0], vec![1], vec![]]),
    );
    let mut rows = world.rows(&query(sets, &[(20, oid::INT4), (22, oid::TEXT), (21, oid::INT8)]));
    rows.sort();
    assert_eq!(
        rows,
        ["1|∅|1", "2|∅|2", "3|∅|3", "4|∅|4", "5|∅|5", "6|∅|6", "∅|b0|9", "∅|b1|5", "∅|b2|7", "∅|∅|21"]
    );
    let none = aggregate(
        values(1, &[]),
        vec![],
        vec![(21, call(SUM_INT4, Some(c(1)), oid::INT8)), (22, call(COUNT_STAR, None, oid::INT8))],
        None,
    );
    assert_eq!(world.rows(&query(none, &[(21, oid::INT8), (22, oid::INT8)])), ["∅|0"]);
}

#[test]
fn recursion_ends_under_a_limit() {
    let world = World::new();
    let number = |number| Column { number: ColumnNumber(number), ty: Type::new(oid::INT4), collation: 0 };
    let start = ints(values(1, &[Some(1)]), &[1]);
    let step = ints(
        extend(Relation::CommonScan { id: 7, columns: vec![number(2)] }, vec![(3, op("+", c(2), int(1)))]),
        &[3],
    );
    let common = CommonTable {
        id: 7,
        name: "r".to_owned(),
        columns: vec![number(4)],
        query: CommonQuery::Recursive { start: Box::new(start), step: Box::new(step), all: true },
        materialized: None,
    };
    let relation = limit(Relation::CommonScan { id: 7, columns: vec![number(5)] }, 4);
    let recursive = Query { common: vec![common], ..ints(relation, &[5]) };
    assert_eq!(world.rows(&recursive), ["1", "2", "3", "4"]);
}

#[test]
fn windows_follow_their_frames() {
    let world = World::new();
    let window = |units, start, end, exclusion| WindowCall {
        function: SUM_INT4,
        aggregate: true,
        arguments: vec![c(1)],
        filter: None,
        partition_by: Vec::new(),
        order_by: vec![SortKey { expression: c(1), descending: false, nulls_first: false }],
        frame: WindowFrame { units, start, end, exclusion },
        ty: Type::new(oid::INT8),
        collation: 0,
    };
    let run = |call| {
        let relation = Relation::Window {
            input: Box::new(values(1, &[Some(1), Some(2), Some(2), Some(5), None])),
            calls: vec![(ColumnNumber(9), call)],
        };
        world.rows(&query(relation, &[(1, oid::INT4), (9, oid::INT8)]))
    };
    use FrameBound::*;
    let big = |value| Box::new(typed(ExpressionKind::Constant(Value::Int64(value)), oid::INT8));
    let none = FrameExclusion::NoOthers;
    assert_eq!(
        run(window(FrameUnits::Range, UnboundedPreceding, CurrentRow, none)),
        ["1|1", "2|5", "2|5", "5|10", "∅|10"]
    );
    assert_eq!(
        run(window(FrameUnits::Rows, Preceding(big(1)), CurrentRow, none)),
        ["1|1", "2|3", "2|4", "5|7", "∅|5"]
    );
    assert_eq!(
        run(window(FrameUnits::Groups, CurrentRow, Following(big(1)), none)),
        ["1|5", "2|9", "2|9", "5|5", "∅|∅"]
    );
    let range = window(
        FrameUnits::Range,
        Preceding(Box::new(int(1))),
        Following(Box::new(int(3))),
        FrameExclusion::Ties,
    );
    assert_eq!(run(range), ["1|5", "2|8", "2|8", "5|5", "∅|∅"]);
}

#[test]
fn set_operations_count_as_all_says() {
    let world = World::new();
    let set = |operator, all| {
        let relation = Relation::SetOperation {
            operator,
            all,
            left: Box::new(ints(values(1, &[Some(1), Some(1), Some(1), Some(2), None, None]), &[1])),
            right: Box::new(ints(values(2, &[Some(1), None, Some(3)]), &[2])),
            columns: vec![Column { number: ColumnNumber(3), ty: Type::new(oid::INT4), collation: 0 }],
        };
        world.rows(&ints(relation, &[3]))
    };
    assert_eq!(set(SetOperator::Union, false), ["1", "2", "∅", "3"]);
    assert_eq!(set(SetOperator::Union, true).len(), 9);
    assert_eq!(set(SetOperator::Intersect, false), ["1", "∅"]);
    assert_eq!(set(SetOperator::Intersect, true), ["1", "∅"]);
    assert_eq!(set(SetOperator::Except, false), ["2"]);
    assert_eq!(set(SetOperator::Except, true), ["1", "1", "2", "∅"]);
}

/// The queries of `corpus/query_*.sql` print what PostgreSQL 15 printed (`.out`), without a session around them.
#[test]
fn the_query_corpus_gives_postgresqls_answers() {
    let world = World::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let only = std::env::var("CORPUS").ok();
    let mut failed = 0;
    for name in ["grouping", "joins", "lateral", "laziness", "recursion", "sets", "subqueries", "windows"] {
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let script = std::fs::read_to_string(folder.join(format!("query_{name}.sql"))).expect("a script");
        let expected =
            std::fs::read_to_string(folder.join(format!("query_{name}.out"))).expect("its answers");
        let mut lines = expected.lines();
        for statement in script.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
            if statement.starts_with("CREATE") || statement.starts_with("INSERT") {
                lines.next();
                continue;
            }
            let mut wanted = Vec::new();
            let heading = lines.next().unwrap_or_default();
            if heading.starts_with("ERROR") {
                wanted.push(heading.split(" at character").next().unwrap_or_default().to_owned());
            } else {
                wanted.extend(lines.by_ref().take_while(|line| !is_count(line)).map(str::to_owned));
            }
            let given = match world.query(statement) {
                Ok(rows) => rows.iter().flat_map(|row| row.split('\n')).map(str::to_owned).collect(),
                Err(error) => vec![format!("ERROR:  {}", error.message())],
            };
            if given != wanted {
                failed += 1;
                println!("{name}: {statement}\n  wanted {wanted:?}\n  given  {given:?}");
            }
        }
    }
    assert_eq!(failed, 0, "queries that answer otherwise");
}

fn is_count(line: &str) -> bool {
    line.strip_prefix('(')
        .and_then(|rest| rest.split(" row").next())
        .is_some_and(|count| count.parse::<u64>().is_ok())
}
