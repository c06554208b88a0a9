//! Conditions taken apart: conjuncts, constants, what rejects NULL, equalities that can be keys.

use engine::Value;

use super::facts::{self, Comparison};
use super::node::KeyForm;
use super::walk::{self, Columns};
use crate::evaluate::facts::strict;
use crate::tree::{BooleanTest, ColumnNumber, Expression, ExpressionKind};
use crate::types;
use crate::types::oid;

/// The conjuncts of a condition, in order; literal TRUEs are dropped.
pub fn conjuncts(predicate: &Expression, into: &mut Vec<Expression>) {
    match &predicate.kind {
        ExpressionKind::And(items) => items.iter().for_each(|item| conjuncts(item, into)),
        ExpressionKind::Constant(Value::Bool(true)) => {}
        _ => into.push(predicate.clone()),
    }
}

/// Whether a conjunct is a literal that no row passes.
pub fn is_never(conjunct: &Expression) -> bool {
    matches!(conjunct.kind, ExpressionKind::Constant(Value::Bool(false) | Value::Null))
}

/// One condition of several conjuncts, in order.
pub fn conjunction(mut conjuncts: Vec<Expression>) -> Option<Expression> {
    if conjuncts.len() < 2 {
        return conjuncts.pop();
    }
    let first = conjuncts.first()?;
    Some(Expression { ty: first.ty, collation: 0, position: None, kind: ExpressionKind::And(conjuncts) })
}

/// Whether the expression is NULL when all these columns are.
fn null_with(expression: &Expression, columns: &Columns) -> bool {
    match &expression.kind {
        ExpressionKind::Column(number) => columns.contains(number),
        ExpressionKind::Relabel(argument, _)
        | ExpressionKind::Collate(argument)
        | ExpressionKind::Not(argument)
        | ExpressionKind::CoerceViaText { argument, .. }
        | ExpressionKind::CoerceTypmod { argument, .. } => null_with(argument, columns),
        ExpressionKind::Call { function, arguments, .. } => {
            strict(*function) && arguments.iter().any(|argument| null_with(argument, columns))
        }
        ExpressionKind::AnyArray { left, function, all: false, .. } => {
            strict(*function) && null_with(left, columns)
        }
        _ => false,
    }
}

/// Whether no row passes the conjunct in which all these columns are NULL.
pub fn rejects_null(conjunct: &Expression, columns: &Columns) -> bool {
    match &conjunct.kind {
        ExpressionKind::And(items) => items.iter().any(|item| rejects_null(item, columns)),
        ExpressionKind::Or(items) => items.iter().all(|item| rejects_null(item, columns)),
        ExpressionKind::IsNull { argument, negated: true }
        | ExpressionKind::BooleanTest {
            argument,
            test: BooleanTest::IsTrue | BooleanTest::IsFalse | BooleanTest::IsNotUnknown,
        } => null_with(argument, columns),
        _ => null_with(conjunct, columns),
    }
}

/// A comparison by a btree operator, its sides without relabels that keep the order.
pub struct OrderComparison<'a> {
    pub comparison: Comparison,
    pub left: &'a Expression,
    pub right: &'a Expression,
    /// The operator's declared operand types.
    pub left_type: u32,
    pub right_type: u32,
}

/// Reads a conjunct as a comparison.
pub fn as_comparison(conjunct: &Expression) -> Option<OrderComparison<'_>> {
    let ExpressionKind::Call { operator, arguments, .. } = &conjunct.kind else { return None };
    let [left, right] = arguments.as_slice() else { return None };
    let found = facts::order_operator(*operator)?;
    if !plain_collation(left) || !plain_collation(right) {
        return None;
    }
    Some(OrderComparison {
        comparison: found.comparison,
        left: unlabelled(left),
        right: unlabelled(right),
        left_type: found.left,
        right_type: found.right,
    })
}

/// Whether the expression compares by code point, as the comparison keys of text do.
pub fn plain_collation(expression: &Expression) -> bool {
    matches!(expression.collation, 0 | 100 | 950 | 951)
}

/// The expression under relabels between types of one key: varchar as text, and the like.
pub fn unlabelled(expression: &Expression) -> &Expression {
    match &expression.kind {
        ExpressionKind::Relabel(inner, _) if same_key(inner.ty.oid, expression.ty.oid) => unlabelled(inner),
        _ => expression,
    }
}

/// Whether two types have the same representation and the same comparison keys.
pub fn same_key(one: u32, two: u32) -> bool {
    let text = |oid: u32| matches!(oid, oid::TEXT | oid::VARCHAR | oid::NAME);
    one == two || (text(one) && text(two)) || (is_oid_like(one) && is_oid_like(two))
}

fn is_oid_like(oid: u32) -> bool {
    types::physical(oid) == engine::PhysicalType::UInt32 && types::key::native_is_key(oid)
}

/// The column, where an expression is one (relabels that keep keys aside).
pub fn as_column(expression: &Expression) -> Option<ColumnNumber> {
    match unlabelled(expression).kind {
        ExpressionKind::Column(number) => Some(number),
        _ => None,
    }
}

/// The form of the key for an equality of two types, `None` where values cannot be brought to one key.
pub fn join_key_form(left: u32, right: u32) -> Option<KeyForm> {
    if same_key(left, right) {
        return Some(key_form(left));
    }
    let integer = |oid: u32| matches!(oid, oid::INT2 | oid::INT4 | oid::INT8);
    (integer(left) && integer(right)).then_some(KeyForm::Widened)
}

/// The form in which values of a type are compared.
pub fn key_form(oid: u32) -> KeyForm {
    if types::key::native_is_key(oid) { KeyForm::Native } else { KeyForm::Encoded(oid) }
}

/// Whether the conjunct reads some of the columns.
pub fn reads_any(conjunct: &Expression, columns: &Columns) -> bool {
    walk::any(
        conjunct,
        &mut |part| matches!(part.kind, ExpressionKind::Column(number) if columns.contains(&number)),
    )
}

/// Where a column is equal to a value and to another column of its type, the other is equal to the value too.
pub fn spread_constants(conjuncts: &mut Vec<Expression>) {
    let mut pairs = Vec::new();
    let mut values = Vec::new();
    for conjunct in conjuncts.iter() {
        let Some(found) = as_comparison(conjunct) else { continue };
        if found.comparison != Comparison::Equal || found.left_type != found.right_type {
            continue;
        }
        match (as_column(found.left), as_column(found.right)) {
            (Some(left), Some(right)) if found.left.ty == found.right.ty => pairs.push((left, right)),
            (Some(column), None) if walk::columns_of(found.right).is_empty() => {
                values.push((column, conjunct.clone()))
            }
            _ => {}
        }
    }
    let mut added = Vec::new();
    for (column, conjunct) in &values {
        for (left, right) in &pairs {
            let other = match (left == column, right == column) {
                (true, false) => right,
                (false, true) => left,
                _ => continue,
            };
            if values.iter().any(|(known, _)| known == other) || added.iter().any(|(known, _)| known == other)
            {
                continue;
            }
            let mut conjunct = conjunct.clone();
            rename(&mut conjunct, *column, *other);
            added.push((*other, conjunct));
        }
    }
    conjuncts.extend(added.into_iter().map(|(_, conjunct)| conjunct));
}

fn rename(expression: &mut Expression, from: ColumnNumber, to: ColumnNumber) {
    if let ExpressionKind::Column(number) = &mut expression.kind
        && *number == from
    {
        *number = to;
    }
    walk::children_mut(expression, &mut |part| rename(part, from, to));
}
