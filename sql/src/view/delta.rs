//! The changes of a query between two moments: rows with how many more (or fewer) of them there are.
//!
//! **Rules**, for moments T0 < T1 and the change Δ of each table from the change index, its net effect alone:
//! filters, computed columns, set-returning items and UNION ALL apply to Δ; an inner join is ΔA ⋈ B at T1 and A at T0 ⋈ ΔB;
//! everything that groups (GROUP BY, DISTINCT, UNION, INTERSECT, EXCEPT, windows over partitions, outer joins by the
//! columns they are joined on) is evaluated at T0 and at T1 for the keys that Δ touches, the former counted negatively.
//! That is right for every function that depends on its input alone. Keys are matched as GROUP BY matches them, NULLs
//! among them. Old and new inputs are reads as of T0 and T1.
//!
//! `Delta::terms` is one match over the relations of the tree, a line or few each, and longer than a function should be:
//! the rules that need more stand in `rules`, the change of a table in `net`.
//!
//! Every rule makes ordinary trees, planned and run as any query: a table's Δ stands in them as VALUES with one more
//! column, the weight. What has no rule here, or changes more than it pays to follow, answers `None`: the caller evaluates
//! the query instead.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use engine::{Timestamp, Value};
use futures::future::BoxFuture;

use super::apply::RowImage;
use super::beneath::tables;
use super::commons::inline_commons;
use super::evaluator::{Evaluator, as_of};
use super::fold::{Stored, folded};
use super::step::Step;
use crate::dml::TableModel;
use crate::error::{Error, Result};
use crate::plan::walk;
use crate::tree::visit::{Visitor, walk_query, walk_relation};
use crate::tree::{
    Column, ColumnNumber, Expression, ExpressionKind, JoinKind, OutputColumn, Query, Relation, Type,
};
use crate::types::oid;

/// A row and how many more of it there are.
pub type Weighted = (Vec<Value>, i64);

/// The changes of a query after `from` and up to `to`, each row once. The query is expanded (`Evaluator::definition_at`);
/// its definition is the same at both moments. `None`: evaluate it instead.
pub(crate) async fn changes(
    evaluator: &Evaluator,
    query: &Query,
    from: Timestamp,
    to: Timestamp,
) -> Result<Option<Vec<Weighted>>> {
    let mut query = query.clone();
    let mut numbers = Numbers::above(&mut query);
    if !inline_commons(&mut query, &mut numbers) {
        return Ok(None);
    }
    let mut delta = Delta { evaluator, from, to, numbers };
    let Some(terms) = delta.terms(&query.relation).await? else { return Ok(None) };
    let mut sum = Sum::default();
    for term in terms {
        let mut output = query.output.clone();
        output.push(weight_output(term.weight));
        let signed = Query { common: Vec::new(), relation: term.relation, output, shape: None };
        for mut row in evaluator.rows(&signed, to).await? {
            match row.pop() {
                Some(Value::Int64(weight)) => sum.add(row, weight),
                _ => return Err(Error::internal("a change without a weight")),
            }
        }
    }
    Ok(Some(sum.finish()))
}

/// What has changed in a view since a step, up to a moment at which its definitions are the step's.
pub(crate) async fn changes_of_view(
    evaluator: &Evaluator,
    view: u32,
    step: Step,
    to: Timestamp,
) -> Result<Option<Vec<Weighted>>> {
    let query = evaluator.definition_at(view, to)?;
    let catalog = evaluator.catalog_at(to)?;
    let model = TableModel::new(&catalog, evaluator.database(), view)?;
    let (rows, context) = (evaluator.view_at(step.commit), evaluator.context(&catalog, to));
    let stored = Stored { view: &rows, model: &model, context: &context, overlay: None };
    match folded(evaluator, &query, &stored, step.base, to).await? {
        Some(changes) => Ok(Some(changes)),
        None => changes(evaluator, &query, step.base, to).await,
    }
}

/// About how many rows the tables beneath a view have.
pub(crate) fn rows_beneath(evaluator: &Evaluator, view: u32, at: Timestamp) -> Result<u64> {
    let catalog = evaluator.catalog_at(at)?;
    let tables = tables(&catalog, evaluator.database(), view).into_iter();
    Ok(tables.map(|table| evaluator.rows_of_table(table)).sum())
}

/// Rows added up.
#[derive(Default)]
pub(super) struct Sum {
    rows: HashMap<RowImage, Weighted>,
    bytes: usize,
}

impl Sum {
    pub fn add(&mut self, row: Vec<Value>, weight: i64) {
        match self.rows.entry(RowImage::of(&row)) {
            Entry::Occupied(mut known) => known.get_mut().1 += weight,
            Entry::Vacant(place) => {
                self.bytes += 2 * place.key().bytes() + size_of::<Weighted>();
                place.insert((row, weight));
            }
        }
    }

    /// About how many bytes the rows take, those among them that have come to nothing again.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn finish(self) -> Vec<Weighted> {
        self.rows.into_values().filter(|(_, weight)| *weight != 0).collect()
    }
}

/// Numbers that a tree does not use.
pub(super) struct Numbers {
    next: u32,
}

impl Visitor for Numbers {
    fn column(&mut self, column: &mut ColumnNumber) {
        self.next = self.next.max(column.0.saturating_add(1));
    }
}

impl Numbers {
    fn above(query: &mut Query) -> Numbers {
        let mut numbers = Numbers { next: 0 };
        walk_query(query, &mut numbers);
        numbers
    }

    pub fn fresh(&mut self) -> ColumnNumber {
        self.next += 1;
        ColumnNumber(self.next - 1)
    }
}

/// A part of a change: rows with their weights in a column of their own.
pub(super) struct Term {
    pub relation: Relation,
    pub weight: ColumnNumber,
}

/// The change of a query between two moments.
pub(super) struct Delta<'e> {
    pub evaluator: &'e Evaluator,
    pub from: Timestamp,
    pub to: Timestamp,
    pub numbers: Numbers,
}

/// The parts of a change; `None` where there is no rule.
pub(super) type Terms = Option<Vec<Term>>;

impl<'e> Delta<'e> {
    pub fn new(evaluator: &'e Evaluator, query: &Query, from: Timestamp, to: Timestamp) -> Delta<'e> {
        Delta { evaluator, from, to, numbers: Numbers::above(&mut query.clone()) }
    }
}

impl Delta<'_> {
    /// The change of a relation. The parts produce its columns.
    pub fn terms<'a>(&'a mut self, relation: &'a Relation) -> BoxFuture<'a, Result<Terms>> {
        Box::pin(async move {
            match relation {
                Relation::Table(scan) => self.table(scan),
                Relation::Empty | Relation::Nothing { .. } => Ok(Some(Vec::new())),
                Relation::Values { columns: _, rows } => Ok(steady(rows.iter().flatten()).then(Vec::new)),
                Relation::Functions { items, ordinality: _ } => {
                    Ok(steady(items.iter().map(|item| &item.call)).then(Vec::new))
                }
                Relation::Subquery(query) if query.common.is_empty() => self.terms(&query.relation).await,
                Relation::Sort { input, keys: _ } => self.terms(input).await,
                Relation::Filter { input, predicate } => {
                    if !steady([predicate]) {
                        return Ok(None);
                    }
                    let wrap = |input| Relation::Filter { input, predicate: predicate.clone() };
                    Ok(wrapped(self.terms(input).await?, wrap))
                }
                Relation::Extend { input, items } => {
                    if !steady(items.iter().map(|(_, item)| item)) {
                        return Ok(None);
                    }
                    Ok(wrapped(self.terms(input).await?, |input| Relation::Extend {
                        input,
                        items: items.clone(),
                    }))
                }
                Relation::ProjectSet { input, items } => {
                    if !steady(items.iter().map(|item| &item.call)) {
                        return Ok(None);
                    }
                    let wrap = |input| Relation::ProjectSet { input, items: items.clone() };
                    Ok(wrapped(self.terms(input).await?, wrap))
                }
                Relation::Join { kind, left, right, on, lateral } => {
                    if *lateral || !steady(on.iter()) {
                        return Ok(None);
                    }
                    match kind {
                        JoinKind::Inner | JoinKind::Cross => {
                            self.inner_join(*kind, left, right, on.as_ref()).await
                        }
                        JoinKind::Left | JoinKind::Right | JoinKind::Full => {
                            self.outer_join(*kind, left, right, on.as_ref()).await
                        }
                    }
                }
                Relation::Aggregate { input, groups, sets: None, aggregates, grouping }
                    if grouping.is_empty() =>
                {
                    let calls = aggregates.iter().flat_map(|(_, call)| {
                        call.arguments.iter().chain(&call.direct_arguments).chain(&call.filter)
                    });
                    if !steady(calls) || !steady(groups.iter().map(|(_, group)| group)) {
                        return Ok(None);
                    }
                    let keys: Vec<Expression> = groups.iter().map(|(_, group)| group.clone()).collect();
                    let whole = |input| Relation::Aggregate {
                        input: Box::new(input),
                        groups: groups.clone(),
                        sets: None,
                        aggregates: aggregates.clone(),
                        grouping: Vec::new(),
                    };
                    self.grouped(input, keys, &whole).await
                }
                Relation::Distinct { input, columns, on: false } => {
                    let keys = columns.iter().map(reference).collect();
                    let whole = |input| Relation::Distinct {
                        input: Box::new(input),
                        columns: columns.clone(),
                        on: false,
                    };
                    self.grouped(input, keys, &whole).await
                }
                Relation::Window { input, calls } => {
                    let Some((_, first)) = calls.first() else { return Ok(None) };
                    let keys = first.partition_by.clone();
                    let same = calls.iter().all(|(_, call)| call.partition_by == keys);
                    let read = calls.iter().flat_map(|(_, call)| call.arguments.iter().chain(&call.filter));
                    if keys.is_empty() || !same || !steady(read) {
                        return Ok(None);
                    }
                    let whole = |input| Relation::Window { input: Box::new(input), calls: calls.clone() };
                    self.grouped(input, keys, &whole).await
                }
                Relation::SetOperation { operator, all, left, right, columns } => {
                    if !left.common.is_empty() || !right.common.is_empty() {
                        return Ok(None);
                    }
                    self.set_operation(*operator, *all, left, right, columns).await
                }
                Relation::Aggregate { .. }
                | Relation::Subquery(_)
                | Relation::Distinct { .. }
                | Relation::CommonScan { .. }
                | Relation::Limit { .. }
                | Relation::LockRows { .. } => Ok(None),
            }
        })
    }
}

fn wrapped(terms: Terms, wrap: impl Fn(Box<Relation>) -> Relation) -> Terms {
    let wrap = |term: Term| Term { relation: wrap(Box::new(term.relation)), weight: term.weight };
    terms.map(|terms| terms.into_iter().map(wrap).collect())
}

/// A relation with every table read as of a moment.
pub(super) fn at(relation: &Relation, moment: Timestamp) -> Relation {
    struct At(Timestamp);
    impl Visitor for At {
        fn relation(&mut self, relation: &mut Relation) -> bool {
            if let Relation::Table(scan) = relation {
                scan.time = Some(as_of(self.0));
            }
            true
        }
    }
    let mut relation = relation.clone();
    walk_relation(&mut relation, &mut At(moment));
    relation
}

/// Whether expressions read nothing but their own row: no subquery.
fn steady<'a>(expressions: impl IntoIterator<Item = &'a Expression>) -> bool {
    !expressions.into_iter().any(walk::has_subquery)
}

pub(super) fn constant(value: Value, column: &Column) -> Expression {
    let kind = ExpressionKind::Constant(value);
    Expression { kind, ty: column.ty, collation: column.collation, position: None }
}

pub(super) fn reference(column: &Column) -> Expression {
    let kind = ExpressionKind::Column(column.number);
    Expression { kind, ty: column.ty, collation: column.collation, position: None }
}

pub(super) fn output_reference(output: &OutputColumn) -> Expression {
    reference(&Column { number: output.column, ty: output.ty, collation: output.collation })
}

fn weight_output(weight: ColumnNumber) -> OutputColumn {
    OutputColumn {
        column: weight,
        name: String::new(),
        ty: Type::new(oid::INT8),
        collation: 0,
        origin: (0, 0),
    }
}
