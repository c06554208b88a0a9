//! Groups whose rows follow from their stored rows and the change beneath.
//!
//! Where a view shows plain groups and aggregates that can be followed (`aggregate`), a changed group costs what has
//! changed in it, however many rows it has. What a stored row does not tell (whether a group is empty when its `count(*)`
//! is not shown, whether a sum has lost its last value) is settled by evaluating that group anew; what it was before is its
//! stored row in any case. So too where the keys of a group are equal and do not all look alike.

use std::collections::HashMap;

use catalog::Snapshot;
use engine::{ReadView, Timestamp, Value};

use super::aggregate::{Kind, Known, ValueChange};
use super::apply::RowImage;
use super::delta::{Delta, Weighted};
use super::evaluator::Evaluator;
use super::fault::{Fault, is_planted};
use super::keys::{groups_of, restricted};
use crate::dml::{IndexModel, TableModel, index_key};
use crate::error::{Error, Result};
use crate::evaluate::Context;
use crate::plan::walk;
use crate::session::engine_error;
use crate::tree::{
    AggregateCall, ColumnNumber, Expression, ExpressionKind, JoinKind, OutputColumn, Query, Relation,
    SystemColumn, Type,
};
use crate::types::{key, oid};

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
    /// For each aggregate, those that count and add up the same values.
    beside: Vec<Beside>,
    shown: Vec<Shown>,
    /// The relation of the groups.
    whole: &'q Relation,
}

/// Where the view shows the count and the sum of an aggregate's values.
#[derive(Clone, Copy, Default)]
struct Beside {
    count: Option<usize>,
    sum: Option<usize>,
}

/// What stands beneath projections and orders, and the columns below by the names that they have above.
fn beneath_projections(query: &Query, filters: bool) -> (&Relation, HashMap<ColumnNumber, ColumnNumber>) {
    let mut names: HashMap<ColumnNumber, ColumnNumber> = HashMap::new();
    let mut relation = &query.relation;
    loop {
        match relation {
            Relation::Sort { input, keys: _ } => relation = input,
            Relation::Filter { input, predicate: _ } if filters => relation = input,
            Relation::Subquery(inner) if inner.common.is_empty() => relation = &inner.relation,
            Relation::Extend { input, items } => {
                for (number, item) in items {
                    if let ExpressionKind::Column(column) = item.kind {
                        names.insert(*number, column);
                    }
                }
                relation = input;
            }
            _ => return (relation, names),
        }
    }
}

/// The column below that one above is.
fn below(names: &HashMap<ColumnNumber, ColumnNumber>, mut column: ColumnNumber) -> ColumnNumber {
    while let Some(below) = names.get(&column) {
        column = *below;
    }
    column
}

/// Where the keys of the outermost groups stand in what a query shows; `None` where it does not group, or hides a key.
pub(crate) fn group_columns(query: &Query) -> Option<Vec<usize>> {
    let (relation, names) = beneath_projections(query, true);
    let Relation::Aggregate { groups, sets: None, .. } = relation else { return None };
    if groups.is_empty() {
        return None;
    }
    let place =
        |group: ColumnNumber| query.output.iter().position(|output| below(&names, output.column) == group);
    groups.iter().map(|(number, _)| place(*number)).collect()
}

/// The query as plain groups, if it is that.
fn shape_of<'q>(query: &'q Query, catalog: &Snapshot, database: u32) -> Option<Shape<'q>> {
    if !query.common.is_empty() {
        return None;
    }
    let (relation, names) = beneath_projections(query, false);
    let Relation::Aggregate { input, groups, sets: None, aggregates, grouping } = relation else {
        return None;
    };
    if groups.is_empty() || !grouping.is_empty() {
        return None;
    }
    let kinds: Vec<Kind> = aggregates.iter().map(|(_, call)| Kind::of(call)).collect();
    let mut shown = Vec::with_capacity(query.output.len());
    for output in &query.output {
        let column = below(&names, output.column);
        let group = groups.iter().position(|(number, _)| *number == column).map(Shown::Group);
        let aggregate = || aggregates.iter().position(|(number, _)| *number == column).map(Shown::Aggregate);
        shown.push(group.or_else(aggregate)?);
    }
    let all = |place: usize| shown.iter().any(|each| matches!(each, Shown::Group(group) if *group == place));
    let read = aggregates.iter().flat_map(|(_, call)| {
        let sorted = call.order_by.iter().map(|key| &key.expression);
        call.arguments.iter().chain(&call.direct_arguments).chain(&call.filter).chain(sorted)
    });
    let subqueries = groups.iter().map(|(_, group)| group).chain(read).any(walk::has_subquery);
    if subqueries || !(0..groups.len()).all(all) {
        return None;
    }
    let full = |column: ColumnNumber| is_never_null(input, column, catalog, database);
    let beside = beside(aggregates, &kinds, &shown, &full);
    Some(Shape { input, groups, aggregates, kinds, beside, shown, whole: relation })
}

/// Whether a column of a relation is one that holds no NULL. What the catalog of a moment says holds of its rows, whatever
/// was before.
fn is_never_null(relation: &Relation, column: ColumnNumber, catalog: &Snapshot, database: u32) -> bool {
    let within = |relation: &Relation, column| is_never_null(relation, column, catalog, database);
    match relation {
        Relation::Table(scan) => {
            let source = scan.columns.iter().find(|each| each.number == column).map(|each| each.source);
            let Some(SystemColumn::Attribute(attribute)) = source else { return false };
            let found = catalog.relation(database, scan.table).and_then(|table| table.column(attribute));
            found.is_some_and(|column| column.not_null)
        }
        Relation::Filter { input, predicate: _ } | Relation::Sort { input, keys: _ } => within(input, column),
        Relation::Subquery(query) if query.common.is_empty() => within(&query.relation, column),
        Relation::Extend { input, items } => match items.iter().find(|(number, _)| *number == column) {
            Some((_, item)) => match item.kind {
                ExpressionKind::Column(below) => within(input, below),
                _ => false,
            },
            None => within(input, column),
        },
        Relation::Join { kind, left, right, on: _, lateral: false } => match kind {
            JoinKind::Inner | JoinKind::Cross => within(left, column) || within(right, column),
            JoinKind::Left => within(left, column),
            JoinKind::Right => within(right, column),
            JoinKind::Full => false,
        },
        _ => false,
    }
}

/// For each aggregate, where the view shows the count and the sum of the same values. Of a column without NULL there are
/// as many values as rows.
fn beside(
    aggregates: &[(ColumnNumber, AggregateCall)],
    kinds: &[Kind],
    shown: &[Shown],
    full: &dyn Fn(ColumnNumber) -> bool,
) -> Vec<Beside> {
    let kinds_of =
        |each: &mut dyn Iterator<Item = &Expression>| each.map(|each| each.kind.clone()).collect::<Vec<_>>();
    let filters = |one: &AggregateCall, other: &AggregateCall| {
        kinds_of(&mut one.filter.iter()) == kinds_of(&mut other.filter.iter())
    };
    let whole = |call: &AggregateCall| match call.arguments.first().map(|argument| &argument.kind) {
        Some(ExpressionKind::Column(column)) => full(*column),
        _ => false,
    };
    let same = |one: &AggregateCall, other: &AggregateCall| {
        let alike = kinds_of(&mut one.arguments.iter()) == kinds_of(&mut other.arguments.iter());
        filters(one, other) && (alike || other.arguments.is_empty() && whole(one))
    };
    let find = |call: &AggregateCall, wanted: &dyn Fn(Kind) -> bool| {
        shown.iter().find_map(|shown| match shown {
            Shown::Aggregate(place) => {
                let ((_, other), kind) = (aggregates.get(*place)?, kinds.get(*place)?);
                (wanted(*kind) && same(call, other)).then_some(*place)
            }
            Shown::Group(_) => None,
        })
    };
    let both = |((_, call), kind): (&(ColumnNumber, AggregateCall), &Kind)| Beside {
        count: find(call, &|other| matches!(other, Kind::Values | Kind::Rows)),
        sum: find(call, &|other| other.is_sum_for(*kind)),
    };
    aggregates.iter().zip(kinds).map(both).collect()
}

/// What has changed in one group.
struct GroupChange {
    /// The key's values.
    key: Vec<Value>,
    rows: i64,
    /// Rows went as well as came.
    lost: bool,
    /// Keys that look different have met here.
    mixed: bool,
    values: Vec<ValueChange>,
}

/// Rows of groups by their keys in the index of rows; `None` where there is no such group any more.
pub(super) type Overlay = HashMap<Vec<u8>, Option<Vec<Value>>>;

/// The stored rows that a fold stands on.
pub(super) struct Stored<'s> {
    pub view: &'s ReadView,
    pub model: &'s TableModel,
    pub context: &'s Context,
    /// What has become of some of them since.
    pub overlay: Option<&'s Overlay>,
}

impl Stored<'_> {
    fn index(&self) -> Result<&IndexModel> {
        let id = self.model.relation.as_materialized_view().map(|view| engine::IndexId(view.row_index));
        let index = id.and_then(|id| self.model.index(id));
        index.ok_or_else(|| Error::internal("a materialized view without its index of rows"))
    }

    /// The key of a row in the index of rows.
    pub fn key(&self, row: &[Value]) -> Result<Option<Vec<u8>>> {
        Ok(index_key(self.index()?, row, self.context)?.map(|(key, _)| key))
    }
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
    let catalog = evaluator.catalog_at(to)?;
    let Some(shape) = shape_of(query, &catalog, evaluator.database()) else { return Ok(None) };
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
            let counted = match Kind::of(call) {
                Kind::Other => None,
                _ => call.arguments.first().cloned(),
            };
            let counted = counted.unwrap_or_else(yes);
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
    let mut values = row.split_off(keys.len()).into_iter();
    let mut encoded = Vec::new();
    for (value, key) in row.iter().zip(keys) {
        key::append_with_order(key.ty.oid, value, false, false, &mut encoded)?;
    }
    let group = groups.entry(encoded).or_insert_with(|| GroupChange {
        key: row.clone(),
        rows: 0,
        lost: false,
        mixed: false,
        values: shape.kinds.iter().map(|_| ValueChange::default()).collect(),
    });
    group.rows += weight;
    group.lost |= weight < 0;
    group.mixed |= RowImage::of(&group.key) != RowImage::of(&row);
    for (change, kind) in group.values.iter_mut().zip(&shape.kinds) {
        let (Some(value), Some(passes)) = (values.next(), values.next()) else { continue };
        let counted = !value.is_null() || *kind == Kind::Values && is_planted(Fault::CountedNulls);
        if passes == Value::Bool(true) && counted {
            change.add(*kind, value, weight)?;
        }
    }
    Ok(())
}

/// The row of a group after a change: `Some(None)` where the group is gone, `None` where that cannot be told.
fn renewed(shape: &Shape<'_>, change: &GroupChange, old: Option<&[Value]>) -> Option<Option<Vec<Value>>> {
    if old.is_none() && (change.lost || change.mixed) {
        return None;
    }
    if old.is_none() && change.rows == 0 {
        return Some(None);
    }
    // Equal keys that look different: which of them the group shows may have changed.
    let varied = shape.groups.iter().any(|(_, group)| !key::native_is_key(group.ty.oid));
    if varied && old.is_some_and(|old| change.lost || change.mixed || !shows(shape, old, &change.key)) {
        return None;
    }
    let mut alive = change.rows >= 0;
    let mut values: Vec<Option<Value>> = vec![None; shape.kinds.len()];
    // Means come after the counts and sums that they stand on, and sums after counts.
    for rank in 0..3 {
        for (place, kind) in shape.kinds.iter().enumerate().filter(|(_, kind)| rank_of(**kind) == rank) {
            let beside = shape.beside.get(place).copied().unwrap_or_default();
            let at = |place: Option<usize>| place.and_then(|place| values.get(place)?.as_ref());
            let count = match at(beside.count) {
                Some(Value::Int64(count)) => Some(*count),
                Some(_) | None => None,
            };
            let known = Known { count, sum: at(beside.sum) };
            let before = old.map(|old| stored_value(shape, old, place));
            let value = match before {
                // It is not shown, and nobody asks for it.
                Some(None) => continue,
                Some(Some(before)) => change.values.get(place)?.renewed(*kind, Some(before), known)?,
                None => change.values.get(place)?.renewed(*kind, None, known)?,
            };
            let whole = shape.aggregates.get(place).is_some_and(|(_, call)| call.filter.is_none());
            if *kind == Kind::Rows && whole && before.is_some() {
                if value == Value::Int64(0) && !is_planted(Fault::KeptEmptyGroup) {
                    return Some(None);
                }
                alive = true;
            }
            *values.get_mut(place)? = Some(value);
        }
    }
    if !alive {
        return None;
    }
    let mut row = Vec::with_capacity(shape.shown.len());
    for (place, shown) in shape.shown.iter().enumerate() {
        row.push(match shown {
            Shown::Group(group) => old.and_then(|old| old.get(place)).or(change.key.get(*group)).cloned()?,
            Shown::Aggregate(aggregate) => values.get(*aggregate)?.clone()?,
        });
    }
    Some(Some(row))
}

/// What is found before what.
fn rank_of(kind: Kind) -> u8 {
    match kind {
        Kind::Rows | Kind::Values => 0,
        Kind::Integers | Kind::Bigints | Kind::Numerics(_) | Kind::Extreme(..) | Kind::Other => 1,
        Kind::MeanOfIntegers | Kind::MeanOfNumerics => 2,
    }
}

/// Whether a stored row shows a key as it is.
fn shows(shape: &Shape<'_>, stored: &[Value], key: &[Value]) -> bool {
    shape.shown.iter().zip(stored).all(|(shown, value)| match shown {
        Shown::Group(group) => key.get(*group).is_some_and(|key| {
            RowImage::of(std::slice::from_ref(key)) == RowImage::of(std::slice::from_ref(value))
        }),
        Shown::Aggregate(_) => true,
    })
}

/// The value of an aggregate in a stored row; `None` where the view does not show it.
fn stored_value<'v>(shape: &Shape<'_>, stored: &'v [Value], aggregate: usize) -> Option<&'v Value> {
    let place =
        shape.shown.iter().position(|shown| matches!(shown, Shown::Aggregate(place) if *place == aggregate));
    place.and_then(|place| stored.get(place))
}

/// The stored row of a group.
fn stored_row(stored: &Stored<'_>, shape: &Shape<'_>, key: &[Value]) -> Result<Option<Vec<Value>>> {
    let model = stored.model;
    let index = stored.index()?;
    let sample: Vec<Value> = shape
        .shown
        .iter()
        .map(|shown| match shown {
            Shown::Group(group) => key.get(*group).cloned().unwrap_or_default(),
            Shown::Aggregate(_) => Value::Null,
        })
        .collect();
    let Some(encoded) = stored.key(&sample)? else { return Ok(None) };
    if let Some(known) = stored.overlay.and_then(|overlay| overlay.get(&encoded)) {
        return Ok(known.clone());
    }
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
