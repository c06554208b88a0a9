//! Keys that have changed, and inputs cut down to them.
//!
//! Keys are equal where GROUP BY holds them equal, NULL with NULL. They come in groups by which of their parts are NULL:
//! within a group the parts that are not NULL are matched by `=`, which indexes and hash joins serve, and the others by
//! IS NULL.

use std::collections::{BTreeMap, HashSet};

use catalog::builtin;
use engine::Value;

use super::delta::{Numbers, constant, reference};
use crate::error::Result;
use crate::tree::{Column, Expression, ExpressionKind, Form, JoinKind, Relation, Type};
use crate::types::{key, oid};

/// Keys up to this many stand as a list in a condition.
const LISTED: usize = 64;

/// Distinct keys, NULL in the same parts.
pub(super) struct KeyGroup {
    /// For each part, whether it is NULL.
    nulls: Vec<bool>,
    rows: Vec<Vec<Value>>,
}

/// Keys without repetition; `None` where a type of theirs has no equality that can be used.
pub(super) fn groups_of(keys: &[Expression], rows: Vec<Vec<Value>>) -> Result<Option<Vec<KeyGroup>>> {
    if keys.iter().any(|key| equality(key.ty.oid).is_none()) {
        return Ok(None);
    }
    let mut seen = HashSet::new();
    let mut groups: BTreeMap<Vec<bool>, Vec<Vec<Value>>> = BTreeMap::new();
    for row in rows {
        let mut encoded = Vec::new();
        for (value, key) in row.iter().zip(keys) {
            key::append_with_order(key.ty.oid, value, false, false, &mut encoded)?;
        }
        if seen.insert(encoded) {
            groups.entry(row.iter().map(Value::is_null).collect()).or_default().push(row);
        }
    }
    Ok(Some(groups.into_iter().map(|(nulls, rows)| KeyGroup { nulls, rows }).collect()))
}

/// Whether two sides of an equality are compared as one type.
pub(super) fn equal_types(one: &Expression, other: &Expression) -> bool {
    let plain = |oid: u32| if oid == oid::VARCHAR { oid::TEXT } else { oid };
    plain(one.ty.oid) == plain(other.ty.oid)
}

/// How values of a type are compared.
struct Equality {
    operator: u32,
    function: u32,
    /// The type that its operands are seen as.
    operand: u32,
}

fn equality(type_oid: u32) -> Option<Equality> {
    if type_oid == oid::JSON || !has_key(type_oid) {
        return None;
    }
    let operand = if type_oid == oid::VARCHAR { oid::TEXT } else { type_oid };
    let row = builtin::operator("=", operand, operand)?;
    Some(Equality { operator: row.oid, function: row.function, operand })
}

/// Scalar types whose comparison keys never fail.
pub(super) fn has_key(type_oid: u32) -> bool {
    key::native_is_key(type_oid)
        || matches!(
            type_oid,
            oid::NUMERIC | oid::FLOAT4 | oid::FLOAT8 | oid::BPCHAR | oid::INTERVAL | oid::JSONB | oid::TIMETZ
        )
}

/// The rows of a relation whose keys are in a group.
pub(super) fn restricted(
    input: Relation,
    keys: &[Expression],
    group: &KeyGroup,
    numbers: &mut Numbers,
) -> Result<Option<Relation>> {
    let mut relation = input;
    let mut present = Vec::new();
    for (place, (key, null)) in keys.iter().zip(&group.nulls).enumerate() {
        if *null {
            let kind = ExpressionKind::IsNull { argument: Box::new(key.clone()), negated: false };
            relation = filtered(relation, kind);
        } else {
            present.push((place, key));
        }
    }
    if present.is_empty() {
        return Ok(Some(relation));
    }
    if let ([(place, key)], true) = (present.as_slice(), group.rows.len() <= LISTED) {
        return Ok(listed(relation, key, group.rows.iter().filter_map(|row| row.get(*place))));
    }
    let columns: Vec<Column> = present
        .iter()
        .map(|(_, key)| Column { number: numbers.fresh(), ty: key.ty, collation: key.collation })
        .collect();
    let mut conditions = Vec::with_capacity(present.len());
    for ((_, key), column) in present.iter().zip(&columns) {
        let Some(equality) = equality(key.ty.oid) else { return Ok(None) };
        conditions.push(equal(&equality, reference(column), (*key).clone()));
    }
    let rows = group.rows.iter().map(|row| {
        let values = present.iter().zip(&columns);
        values
            .map(|((place, _), column)| constant(row.get(*place).cloned().unwrap_or_default(), column))
            .collect()
    });
    let rows = rows.collect();
    let on = match conditions.len() {
        1 => conditions.pop(),
        _ => Some(boolean(ExpressionKind::And(conditions))),
    };
    Ok(Some(Relation::Join {
        kind: JoinKind::Inner,
        left: Box::new(Relation::Values { columns, rows }),
        right: Box::new(relation),
        on,
        lateral: false,
    }))
}

/// key = ANY (list)
fn listed<'v>(
    relation: Relation,
    key: &Expression,
    values: impl Iterator<Item = &'v Value>,
) -> Option<Relation> {
    let equality = equality(key.ty.oid)?;
    let array = builtin::type_by_oid(equality.operand)?.array;
    let column = Column {
        number: crate::tree::ColumnNumber(0),
        ty: Type::new(equality.operand),
        collation: key.collation,
    };
    let elements = values.map(|value| constant(value.clone(), &column)).collect();
    let list = Expression {
        kind: ExpressionKind::Array { elements, nested: false },
        ty: Type::new(array),
        collation: key.collation,
        position: None,
    };
    let kind = ExpressionKind::AnyArray {
        left: Box::new(seen_as(key.clone(), equality.operand)),
        right: Box::new(list),
        function: equality.function,
        operator: equality.operator,
        all: false,
    };
    Some(filtered(relation, kind))
}

fn filtered(input: Relation, kind: ExpressionKind) -> Relation {
    Relation::Filter { input: Box::new(input), predicate: boolean(kind) }
}

fn boolean(kind: ExpressionKind) -> Expression {
    Expression { kind, ty: Type::new(oid::BOOL), collation: 0, position: None }
}

fn seen_as(expression: Expression, type_oid: u32) -> Expression {
    if expression.ty.oid == type_oid {
        return expression;
    }
    let collation = expression.collation;
    let kind = ExpressionKind::Relabel(Box::new(expression), Form::Call);
    Expression { kind, ty: Type::new(type_oid), collation, position: None }
}

fn equal(equality: &Equality, left: Expression, right: Expression) -> Expression {
    boolean(ExpressionKind::Call {
        function: equality.function,
        operator: equality.operator,
        arguments: vec![seen_as(left, equality.operand), seen_as(right, equality.operand)],
        variadic_array: false,
        form: Form::Call,
    })
}
