//! Groups whose rows follow from their stored rows and the change beneath: counts and sums of integers.
//!
//! Where a view shows plain groups and nothing but `count` and exact sums of them, a changed group costs what has changed
//! in it, however many rows it has. What a stored row does not tell (whether a group is empty when its `count(*)` is not
//! shown, whether a sum has lost its last value) is settled by evaluating that group anew.

use std::collections::HashMap;

use engine::{ReadView, Timestamp, Value};

use super::delta::{Delta, Weighted};
use super::evaluator::Evaluator;
use super::keys::{groups_of, restricted};
use crate::dml::{TableModel, index_key};
use crate::error::{Error, Result};
use crate::evaluate::Context;
use crate::plan::walk;
use crate::session::engine_error;
use crate::tree::{
    AggregateCall, ColumnNumber, Expression, ExpressionKind, OutputColumn, Query, Relation, Type,
};
use crate::types::{key, oid};

/// What an aggregate adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// count(*)
    Rows,
    /// count(x)
    Values,
    /// sum(int2) and sum(int4), which are bigint.
    Sum,
}

fn kind_of(call: &AggregateCall) -> Option<Kind> {
    if call.distinct || !call.order_by.is_empty() || !call.direct_arguments.is_empty() {
        return None;
    }
    match call.function {
        2803 => Some(Kind::Rows),
        2147 => Some(Kind::Values),
        2108 | 2109 => Some(Kind::Sum),
        _ => None,
    }
}

/// Where a column of the view comes from.
#[derive(Clone, Copy, Debug)]
enum Shown {
    Group(usize),
    Aggregate(usize),
}

/// A query of plain groups.
struct Shape<'q> {
    input: &'q Relation,
    groups: &'q [(ColumnNumber, Expression)],
    aggregates: &'q [(ColumnNumber, AggregateCall)],
    kinds: Vec<Kind>,
    shown: Vec<Shown>,
    /// The relation of the groups.
    whole: &'q Relation,
}

/// The query as plain groups, if it is that.
fn shape_of(query: &Query) -> Option<Shape<'_>> {
    if !query.common.is_empty() {
        return None;
    }
    let mut names: HashMap<ColumnNumber, ColumnNumber> = HashMap::new();
    let mut relation = &query.relation;
    loop {
        match relation {
            Relation::Sort { input, keys: _ } => relation = input,
            Relation::Subquery(inner) if inner.common.is_empty() => relation = &inner.relation,
            Relation::Extend { input, items } => {
                for (number, item) in items {
                    if let ExpressionKind::Column(column) = item.kind {
                        names.insert(*number, column);
                    }
                }
                relation = input;
            }
            _ => break,
        }
    }
    let Relation::Aggregate { input, groups, sets: None, aggregates, grouping } = relation else {
        return None;
    };
    if groups.is_empty() || !grouping.is_empty() {
        return None;
    }
    let kinds = aggregates.iter().map(|(_, call)| kind_of(call)).collect::<Option<Vec<_>>>()?;
    let mut shown = Vec::with_capacity(query.output.len());
    for output in &query.output {
        let mut column = output.column;
        while let Some(below) = names.get(&column) {
            column = *below;
        }
        let group = groups.iter().position(|(number, _)| *number == column).map(Shown::Group);
        let aggregate = || aggregates.iter().position(|(number, _)| *number == column).map(Shown::Aggregate);
        shown.push(group.or_else(aggregate)?);
    }
    let all = |place: usize| shown.iter().any(|each| matches!(each, Shown::Group(group) if *group == place));
    let subqueries = groups.iter().any(|(_, group)| walk::has_subquery(group))
        || aggregates
            .iter()
            .any(|(_, call)| call.arguments.iter().chain(&call.filter).any(walk::has_subquery));
    if subqueries || !(0..groups.len()).all(all) {
        return None;
    }
    Some(Shape { input, groups, aggregates, kinds, shown, whole: relation })
}

/// What has changed in one group.
struct GroupChange {
    /// The key's values.
    key: Vec<Value>,
    rows: i64,
    /// Rows went as well as came.
    lost: bool,
    /// For each aggregate how many more values, and what they add up to.
    values: Vec<(i64, i128)>,
}

/// The stored rows that a fold stands on.
pub(super) struct Stored<'s> {
    pub view: &'s ReadView,
    pub model: &'s TableModel,
    pub context: &'s Context,
}

/// The changes of a view of plain groups, whose stored rows are its answer at `from`; `None` where it is not such a view,
/// or what lies beneath cannot be followed.
pub(super) async fn folded(
    evaluator: &Evaluator,
    query: &Query,
    stored: &Stored<'_>,
    from: Timestamp,
    to: Timestamp,
) -> Result<Option<Vec<Weighted>>> {
    let Some(shape) = shape_of(query) else { return Ok(None) };
    let keys: Vec<Expression> = shape.groups.iter().map(|(_, group)| group.clone()).collect();
    let row_key = stored.model.relation.as_materialized_view().map_or(0, |view| view.row_key.len());
    let group_columns = shape.shown.iter().filter(|shown| matches!(shown, Shown::Group(_))).count();
    // The index of rows must be one over the groups.
    if row_key != group_columns || groups_of(&keys, Vec::new())?.is_none() {
        return Ok(None);
    }
    let mut delta = Delta::new(evaluator, query, from, to);
    let Some(changed) = changed_groups(&mut delta, &shape, &keys).await? else { return Ok(None) };
    let (mut changes, mut unclear) = (Vec::new(), Vec::new());
    for change in changed {
        let old = stored_row(stored, &shape, &change.key)?;
        match renewed(&shape, &change, old.as_deref()) {
            Some(new) => {
                if new != old {
                    changes.extend(old.map(|row| (row, -1)));
                    changes.extend(new.map(|row| (row, 1)));
                }
            }
            None => {
                changes.extend(old.map(|row| (row, -1)));
                unclear.push(change.key);
            }
        }
    }
    let Some(groups) = groups_of(&keys, unclear)? else { return Ok(None) };
    for group in &groups {
        let input = super::delta::at(shape.input, to);
        let Some(input) = restricted(input, &keys, group, &mut delta.numbers)? else { return Ok(None) };
        let Relation::Aggregate { groups, aggregates, .. } = shape.whole else { return Ok(None) };
        let relation = Relation::Aggregate {
            input: Box::new(input),
            groups: groups.clone(),
            sets: None,
            aggregates: aggregates.clone(),
            grouping: Vec::new(),
        };
        let output = shape.shown.iter().zip(&query.output).map(|(shown, output)| OutputColumn {
            column: match shown {
                Shown::Group(place) => shape.groups[*place].0,
                Shown::Aggregate(place) => shape.aggregates[*place].0,
            },
            ..output.clone()
        });
        let query = Query { common: Vec::new(), relation, output: output.collect(), shape: None };
        changes.extend(evaluator.rows(&query, to).await?.into_iter().map(|row| (row, 1)));
    }
    Ok(Some(changes))
}

/// The changes beneath, added up by group.
async fn changed_groups(
    delta: &mut Delta<'_>,
    shape: &Shape<'_>,
    keys: &[Expression],
) -> Result<Option<Vec<GroupChange>>> {
    let Some(terms) = delta.terms(shape.input).await? else { return Ok(None) };
    let mut groups: HashMap<Vec<u8>, GroupChange> = HashMap::new();
    for term in terms {
        let mut items: Vec<(ColumnNumber, Expression)> =
            keys.iter().map(|key| (delta.numbers.fresh(), key.clone())).collect();
        for (_, call) in shape.aggregates {
            let counted = call.arguments.first().cloned().unwrap_or_else(yes);
            items.push((delta.numbers.fresh(), counted));
            items.push((delta.numbers.fresh(), call.filter.clone().unwrap_or_else(yes)));
        }
        let mut output: Vec<OutputColumn> =
            items.iter().map(|(column, item)| plain_output(*column, item.ty, item.collation)).collect();
        output.push(plain_output(term.weight, Type::new(oid::INT8), 0));
        let relation = Relation::Extend { input: Box::new(term.relation), items };
        let query = Query { common: Vec::new(), relation, output, shape: None };
        for row in delta.evaluator.rows(&query, delta.to).await? {
            add(&mut groups, shape, keys, row)?;
        }
    }
    Ok(Some(groups.into_values().collect()))
}

/// Adds a changed row to its group: its key, then value and filter of each aggregate, then its weight.
fn add(
    groups: &mut HashMap<Vec<u8>, GroupChange>,
    shape: &Shape<'_>,
    keys: &[Expression],
    mut row: Vec<Value>,
) -> Result<()> {
    let Some(Value::Int64(weight)) = row.pop() else {
        return Err(Error::internal("a change without a weight"));
    };
    let values = row.split_off(keys.len());
    let mut encoded = Vec::new();
    for (value, key) in row.iter().zip(keys) {
        key::append_with_order(key.ty.oid, value, false, false, &mut encoded)?;
    }
    let group = groups.entry(encoded).or_insert_with(|| GroupChange {
        key: row,
        rows: 0,
        lost: false,
        values: vec![(0, 0); shape.kinds.len()],
    });
    group.rows += weight;
    group.lost |= weight < 0;
    for ((pair, sum), kind) in values.chunks(2).zip(&mut group.values).zip(&shape.kinds) {
        let [value, passes] = pair else { continue };
        if *passes != Value::Bool(true) || value.is_null() {
            continue;
        }
        sum.0 += weight;
        let number = match (kind, value) {
            (Kind::Rows | Kind::Values, _) => 0,
            (Kind::Sum, Value::Int16(number)) => i128::from(*number),
            (Kind::Sum, Value::Int32(number)) => i128::from(*number),
            (Kind::Sum, _) => return Err(Error::internal("a sum of what is neither int2 nor int4")),
        };
        sum.1 += i128::from(weight) * number;
    }
    Ok(())
}

/// The row of a group after a change: `Some(None)` where the group is gone, `None` where that cannot be told.
fn renewed(shape: &Shape<'_>, change: &GroupChange, old: Option<&[Value]>) -> Option<Option<Vec<Value>>> {
    if old.is_none() && change.lost {
        return None;
    }
    let mut alive = change.rows >= 0;
    let mut row = Vec::with_capacity(shape.shown.len());
    for (place, shown) in shape.shown.iter().enumerate() {
        let before = old.and_then(|old| old.get(place));
        row.push(match shown {
            Shown::Group(group) => before.or(change.key.get(*group)).cloned()?,
            Shown::Aggregate(aggregate) => {
                let (more, added) = change.values.get(*aggregate).copied()?;
                let whole = shape.aggregates.get(*aggregate).is_some_and(|(_, call)| call.filter.is_none());
                match (shape.kinds.get(*aggregate)?, before) {
                    (Kind::Rows | Kind::Values, None) => Value::Int64(more),
                    (kind @ (Kind::Rows | Kind::Values), Some(Value::Int64(count))) => {
                        let count = count.checked_add(more)?;
                        if *kind == Kind::Rows && whole {
                            if count == 0 {
                                return Some(None);
                            }
                            alive = true;
                        }
                        Value::Int64(count)
                    }
                    (Kind::Sum, None | Some(Value::Null)) => match more {
                        0 => Value::Null,
                        1.. => Value::Int64(i64::try_from(added).ok()?),
                        _ => return None,
                    },
                    (Kind::Sum, Some(Value::Int64(sum))) if more >= 0 => {
                        Value::Int64(i64::try_from(i128::from(*sum) + added).ok()?)
                    }
                    (Kind::Rows | Kind::Values | Kind::Sum, Some(_)) => return None,
                }
            }
        });
    }
    if old.is_none() && change.rows == 0 {
        return Some(None);
    }
    alive.then_some(Some(row))
}

/// The stored row of a group.
fn stored_row(stored: &Stored<'_>, shape: &Shape<'_>, key: &[Value]) -> Result<Option<Vec<Value>>> {
    let model = stored.model;
    let id = model.relation.as_materialized_view().map(|view| engine::IndexId(view.row_index));
    let index = id.and_then(|id| model.index(id));
    let index = index.ok_or_else(|| Error::internal("a materialized view without its index of rows"))?;
    let sample: Vec<Value> = shape
        .shown
        .iter()
        .map(|shown| match shown {
            Shown::Group(group) => key.get(*group).cloned().unwrap_or_default(),
            Shown::Aggregate(_) => Value::Null,
        })
        .collect();
    let Some((encoded, _)) = index_key(index, &sample, stored.context)? else { return Ok(None) };
    let mut found = None;
    stored
        .view
        .lookup(model.id, index.id, &encoded, &mut |_, row| {
            let values: std::result::Result<Vec<Value>, _> =
                model.column_ids.iter().map(|column| row.value(*column)).collect();
            found = Some(values);
        })
        .map_err(engine_error)?;
    found.transpose().map_err(engine_error)
}

fn yes() -> Expression {
    let kind = ExpressionKind::Constant(Value::Bool(true));
    Expression { kind, ty: Type::new(oid::BOOL), collation: 0, position: None }
}

fn plain_output(column: ColumnNumber, ty: Type, collation: u32) -> OutputColumn {
    OutputColumn { column, name: String::new(), ty, collation, origin: (0, 0) }
}
