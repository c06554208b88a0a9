//! Typed trees by hand.

use catalog::builtin;
use engine::Value;
use strata_sql::tree::{
    Column, ColumnNumber, Expression, ExpressionKind, JoinKind, OutputColumn, Query, Relation, SortKey,
    Subquery, SubqueryKind, SystemColumn, TableColumn, TableScan, Type,
};
use strata_sql::types::oid;

use super::world::{T, U};

pub fn typed(kind: ExpressionKind, oid: u32) -> Expression {
    Expression { kind, ty: Type::new(oid), collation: if oid == oid::TEXT { 100 } else { 0 }, position: None }
}

pub fn int(value: i32) -> Expression {
    typed(ExpressionKind::Constant(Value::Int32(value)), oid::INT4)
}

pub fn column(number: u32, oid: u32) -> Expression {
    typed(ExpressionKind::Column(ColumnNumber(number)), oid)
}

/// An int4 column.
pub fn c(number: u32) -> Expression {
    column(number, oid::INT4)
}

/// A binary operator over two values of one type.
pub fn op(name: &str, left: Expression, right: Expression) -> Expression {
    let row = builtin::operator(name, left.ty.oid, right.ty.oid).expect("an operator");
    let kind = ExpressionKind::Call {
        function: row.function,
        operator: row.oid,
        arguments: vec![left, right],
        variadic_array: false,
        form: strata_sql::tree::Form::Call,
    };
    typed(kind, row.result)
}

pub fn and(items: Vec<Expression>) -> Expression {
    typed(ExpressionKind::And(items), oid::BOOL)
}

pub fn not(item: Expression) -> Expression {
    typed(ExpressionKind::Not(Box::new(item)), oid::BOOL)
}

pub fn subquery(kind: SubqueryKind, query: Query, oid: u32) -> Expression {
    typed(ExpressionKind::Subquery(Box::new(Subquery { kind, query })), oid)
}

fn scan(table: u32, name: &str, first: u32, columns: &[u32]) -> Relation {
    Relation::Table(TableScan {
        table,
        name: name.to_owned(),
        columns: columns
            .iter()
            .enumerate()
            .map(|(at, ty)| TableColumn {
                number: ColumnNumber(first + at as u32),
                source: SystemColumn::Attribute(at as i16 + 1),
                ty: Type::new(*ty),
                collation: if *ty == oid::TEXT { 100 } else { 0 },
            })
            .collect(),
        time: None,
    })
}

/// t with columns numbered from `first`: id, a, b, n.
pub fn t(first: u32) -> Relation {
    scan(T, "t", first, &[oid::INT4, oid::INT4, oid::TEXT, oid::NUMERIC])
}

/// u with columns numbered from `first`: id, t_id, v.
pub fn u(first: u32) -> Relation {
    scan(U, "u", first, &[oid::INT4, oid::INT4, oid::INT4])
}

pub fn filter(input: Relation, predicate: Expression) -> Relation {
    Relation::Filter { input: Box::new(input), predicate }
}

pub fn extend(input: Relation, items: Vec<(u32, Expression)>) -> Relation {
    let items = items.into_iter().map(|(number, item)| (ColumnNumber(number), item)).collect();
    Relation::Extend { input: Box::new(input), items }
}

pub fn join(
    kind: JoinKind,
    left: Relation,
    right: Relation,
    on: Option<Expression>,
    lateral: bool,
) -> Relation {
    Relation::Join { kind, left: Box::new(left), right: Box::new(right), on, lateral }
}

pub fn sort(input: Relation, keys: Vec<(Expression, bool)>) -> Relation {
    let keys = keys
        .into_iter()
        .map(|(expression, descending)| SortKey { expression, descending, nulls_first: descending })
        .collect();
    Relation::Sort { input: Box::new(input), keys }
}

pub fn limit(input: Relation, count: i64) -> Relation {
    let count = typed(ExpressionKind::Constant(Value::Int64(count)), oid::INT8);
    Relation::Limit { input: Box::new(input), count: Some(count), offset: None, with_ties: Vec::new() }
}

pub fn values(number: u32, rows: &[Option<i32>]) -> Relation {
    let row = |value: &Option<i32>| {
        let value = value.map_or(Value::Null, Value::Int32);
        vec![typed(ExpressionKind::Constant(value), oid::INT4)]
    };
    Relation::Values {
        columns: vec![Column { number: ColumnNumber(number), ty: Type::new(oid::INT4), collation: 0 }],
        rows: rows.iter().map(row).collect(),
    }
}

/// A query that shows these columns.
pub fn query(relation: Relation, output: &[(u32, u32)]) -> Query {
    let output = output
        .iter()
        .map(|(number, oid)| OutputColumn {
            column: ColumnNumber(*number),
            name: format!("c{number}"),
            ty: Type::new(*oid),
            collation: 0,
            origin: (0, 0),
        })
        .collect();
    Query { common: Vec::new(), relation, output, shape: None }
}

/// A query that shows int4 columns.
pub fn ints(relation: Relation, output: &[u32]) -> Query {
    query(relation, &output.iter().map(|number| (*number, oid::INT4)).collect::<Vec<_>>())
}
