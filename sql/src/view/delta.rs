//! The changes of a query between two moments: rows with how many more (or fewer) of them there are.
//!
//! **Rules**, for moments T0 < T1 and the change Δ of each table from the change index, its net effect alone:
//! filters, computed columns, set-returning items and UNION ALL apply to Δ; an inner join is ΔA ⋈ B at T1 and A at T0 ⋈ ΔB;
//! everything that groups (GROUP BY, DISTINCT, UNION, INTERSECT, EXCEPT, windows over partitions, outer joins by the
//! columns they are joined on) is evaluated at T0 and at T1 for the keys that Δ touches, the former counted negatively.
//! That is right for every function that depends on its input alone. Keys are matched as GROUP BY matches them, NULLs
//! among them. Old and new inputs are reads as of T0 and T1.
//!
//! Every rule makes ordinary trees, planned and run as any query: a table's Δ stands in them as VALUES with one more
//! column, the weight. What has no rule here, or changes more than it pays to follow, answers `None`: the caller evaluates
//! the query instead.

use std::collections::HashMap;

use catalog::builtin;
use engine::{ColumnId, Operation, TableId, Timestamp, Value};
use futures::future::BoxFuture;

use super::apply::RowImage;
use super::beneath::tables;
use super::evaluator::{Evaluator, as_of};
use super::fold::{Stored, folded};
use super::keys::{KeyGroup, equal_types, groups_of, restricted};
use super::step::Step;
use crate::dml::TableModel;
use crate::error::{Error, Result};
use crate::plan::{predicate, walk};
use crate::session::engine_error;
use crate::tree::visit::{Visitor, walk_query, walk_relation};
use crate::tree::{
    Column, ColumnNumber, CommonQuery, Expression, ExpressionKind, JoinKind, OutputColumn, Query, Relation,
    SetOperator, SystemColumn, TableScan, Type,
};
use crate::types::oid;

/// Changes of one table that are followed row by row.
const MOST_CHANGES: usize = 50_000;
/// Changes fetched at once.
const FETCHED: usize = 4096;

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
    let stored = Stored { view: &rows, model: &model, context: &context };
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
struct Sum(HashMap<RowImage, Weighted>);

impl Sum {
    fn add(&mut self, row: Vec<Value>, weight: i64) {
        self.0.entry(RowImage::of(&row)).or_insert_with(|| (row, 0)).1 += weight;
    }

    fn finish(self) -> Vec<Weighted> {
        self.0.into_values().filter(|(_, weight)| *weight != 0).collect()
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
    from: Timestamp,
    pub to: Timestamp,
    pub numbers: Numbers,
}

type Terms = Option<Vec<Term>>;

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

    /// The net change of a table, in the columns that a scan reads.
    fn table(&mut self, scan: &TableScan) -> Result<Terms> {
        let catalog = self.evaluator.catalog_at(self.to)?;
        let relation = catalog.relation(self.evaluator.database(), scan.table);
        let relation = relation.ok_or_else(|| Error::internal("a table of a view is gone"))?;
        let mut sources = Vec::with_capacity(scan.columns.len());
        for column in &scan.columns {
            sources.push(match column.source {
                SystemColumn::Attribute(number) => {
                    let found = relation.column(number);
                    Some(ColumnId(found.ok_or_else(|| Error::internal("a column of a view is gone"))?.id))
                }
                SystemColumn::TableOid => None,
                SystemColumn::Handle
                | SystemColumn::Xmin
                | SystemColumn::Former(_)
                | SystemColumn::SystemFrom
                | SystemColumn::SystemTo => return Ok(None),
            });
        }
        let Some(changed) = self.net_changes(TableId(scan.table), &sources)? else { return Ok(None) };
        if changed.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let mut columns: Vec<Column> = scan
            .columns
            .iter()
            .map(|column| Column { number: column.number, ty: column.ty, collation: column.collation })
            .collect();
        let weight = self.numbers.fresh();
        columns.push(Column { number: weight, ty: Type::new(oid::INT8), collation: 0 });
        let rows = changed
            .into_iter()
            .map(|(mut row, count)| {
                row.push(Value::Int64(count));
                row.into_iter().zip(&columns).map(|(value, column)| constant(value, column)).collect()
            })
            .collect();
        Ok(Some(vec![Term { relation: Relation::Values { columns, rows }, weight }]))
    }

    /// What commits between the moments came to; `None` where it is too much, or cannot be told.
    fn net_changes(&self, table: TableId, sources: &[Option<ColumnId>]) -> Result<Option<Vec<Weighted>>> {
        let view = self.evaluator.view_at(self.to);
        let mut cursor = view.changes(table, self.from, self.to).map_err(engine_error)?;
        let mut sum = Sum::default();
        let (mut met, mut unclear, mut failed) = (0, false, None);
        loop {
            let more = cursor.next(FETCHED, &mut |change| {
                met += 1;
                let mut image = |row: Option<engine::RowRef<'_>>, count: i64| -> Result<bool> {
                    let Some(row) = row else { return Ok(false) };
                    let mut values = Vec::with_capacity(sources.len() + 1);
                    for source in sources {
                        values.push(match source {
                            Some(column) => row.value(*column).map_err(engine_error)?,
                            None => Value::UInt32(table.0),
                        });
                    }
                    sum.add(values, count);
                    Ok(true)
                };
                let told = match change.operation {
                    Operation::Insert => image(change.new, 1),
                    Operation::Delete => image(change.old, -1),
                    Operation::Update => {
                        image(change.old, -1).and_then(|old| Ok(image(change.new, 1)? && old))
                    }
                    Operation::Truncate => Ok(false),
                };
                match told {
                    Ok(told) => unclear |= !told,
                    Err(error) => failed = Some(error),
                }
            });
            if let Some(error) = failed.take() {
                return Err(error);
            }
            if unclear || met > MOST_CHANGES {
                return Ok(None);
            }
            if !more.map_err(engine_error)? {
                return Ok(Some(sum.finish()));
            }
        }
    }

    async fn inner_join(
        &mut self,
        kind: JoinKind,
        left: &Relation,
        right: &Relation,
        on: Option<&Expression>,
    ) -> Result<Terms> {
        let Some(from_left) = self.terms(left).await? else { return Ok(None) };
        let Some(from_right) = self.terms(right).await? else { return Ok(None) };
        let joined = |left: Relation, right: Relation| Relation::Join {
            kind,
            left: Box::new(left),
            right: Box::new(right),
            on: on.cloned(),
            lateral: false,
        };
        let mut terms = Vec::with_capacity(from_left.len() + from_right.len());
        for term in from_left {
            let relation = joined(term.relation, at(right, self.to));
            terms.push(Term { relation, weight: term.weight });
        }
        for term in from_right {
            let relation = joined(at(left, self.from), term.relation);
            terms.push(Term { relation, weight: term.weight });
        }
        Ok(Some(terms))
    }

    /// An outer join: the rows of both sides that share a key with anything that has changed.
    async fn outer_join(
        &mut self,
        kind: JoinKind,
        left: &Relation,
        right: &Relation,
        on: Option<&Expression>,
    ) -> Result<Terms> {
        let Some(from_left) = self.terms(left).await? else { return Ok(None) };
        let Some(from_right) = self.terms(right).await? else { return Ok(None) };
        let joined = |left: Relation, right: Relation| Relation::Join {
            kind,
            left: Box::new(left),
            right: Box::new(right),
            on: on.cloned(),
            lateral: false,
        };
        let (to, same) = (self.to, |term: &Term| term.weight);
        // With the other side as it was, the side that is kept whole is joined row by row.
        if kind == JoinKind::Left && from_right.is_empty() {
            let term =
                |term: Term| Term { weight: same(&term), relation: joined(term.relation, at(right, to)) };
            return Ok(Some(from_left.into_iter().map(term).collect()));
        }
        if kind == JoinKind::Right && from_left.is_empty() {
            let term =
                |term: Term| Term { weight: same(&term), relation: joined(at(left, to), term.relation) };
            return Ok(Some(from_right.into_iter().map(term).collect()));
        }
        if from_left.is_empty() && from_right.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let (left_keys, right_keys) = equal_pairs(left, right, on);
        if left_keys.is_empty() {
            return Ok(None);
        }
        let mut keys = self.keys_of(&from_left, &left_keys).await?;
        keys.append(&mut self.keys_of(&from_right, &right_keys).await?);
        let Some(groups) = groups_of(&left_keys, keys)? else { return Ok(None) };
        let mut terms = Vec::new();
        for group in &groups {
            let mut sides = Vec::new();
            for moment in [self.from, self.to] {
                let one = restricted(at(left, moment), &left_keys, group, &mut self.numbers)?;
                let other = restricted(at(right, moment), &right_keys, group, &mut self.numbers)?;
                sides.push(one.zip(other).map(|(one, other)| joined(one, other)));
            }
            let Some(mut before_and_after) = self.before_and_after(sides) else { return Ok(None) };
            terms.append(&mut before_and_after);
        }
        Ok(Some(terms))
    }

    /// What groups its input by keys: evaluated before and after for the keys that have changed.
    async fn grouped(
        &mut self,
        input: &Relation,
        keys: Vec<Expression>,
        whole: &(dyn Fn(Relation) -> Relation + Sync),
    ) -> Result<Terms> {
        let Some(below) = self.terms(input).await? else { return Ok(None) };
        if below.is_empty() {
            return Ok(Some(Vec::new()));
        }
        if keys.is_empty() {
            let sides = [self.from, self.to].map(|moment| Some(whole(at(input, moment))));
            return Ok(self.before_and_after(sides.into()));
        }
        let rows = self.keys_of(&below, &keys).await?;
        let Some(groups) = groups_of(&keys, rows)? else { return Ok(None) };
        let mut terms = Vec::new();
        for group in &groups {
            let mut sides = Vec::new();
            for moment in [self.from, self.to] {
                let part = restricted(at(input, moment), &keys, group, &mut self.numbers)?;
                sides.push(part.map(whole));
            }
            let Some(mut before_and_after) = self.before_and_after(sides) else { return Ok(None) };
            terms.append(&mut before_and_after);
        }
        Ok(Some(terms))
    }

    /// UNION ALL follows its parts; the others compare rows.
    async fn set_operation(
        &mut self,
        operator: SetOperator,
        all: bool,
        left: &Query,
        right: &Query,
        columns: &[Column],
    ) -> Result<Terms> {
        let Some(from_left) = self.terms(&left.relation).await? else { return Ok(None) };
        let Some(from_right) = self.terms(&right.relation).await? else { return Ok(None) };
        if operator == SetOperator::Union && all {
            let mut terms = Vec::with_capacity(from_left.len() + from_right.len());
            for (side, query) in [(from_left, left), (from_right, right)] {
                for term in side {
                    let shown = columns.iter().zip(&query.output);
                    let items = shown.map(|(column, output)| (column.number, output_reference(output)));
                    let input = Box::new(term.relation);
                    let relation = Relation::Extend { input, items: items.collect() };
                    terms.push(Term { relation, weight: term.weight });
                }
            }
            return Ok(Some(terms));
        }
        let left_keys: Vec<Expression> = left.output.iter().map(output_reference).collect();
        let right_keys: Vec<Expression> = right.output.iter().map(output_reference).collect();
        let mut keys = self.keys_of(&from_left, &left_keys).await?;
        keys.append(&mut self.keys_of(&from_right, &right_keys).await?);
        if keys.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let Some(groups) = groups_of(&left_keys, keys)? else { return Ok(None) };
        let mut terms = Vec::new();
        for group in &groups {
            let mut sides = Vec::new();
            for moment in [self.from, self.to] {
                let one = self.restricted_query(left, &left_keys, group, moment)?;
                let other = self.restricted_query(right, &right_keys, group, moment)?;
                sides.push(one.zip(other).map(|(left, right)| Relation::SetOperation {
                    operator,
                    all,
                    left: Box::new(left),
                    right: Box::new(right),
                    columns: columns.to_vec(),
                }));
            }
            let Some(mut before_and_after) = self.before_and_after(sides) else { return Ok(None) };
            terms.append(&mut before_and_after);
        }
        Ok(Some(terms))
    }

    fn restricted_query(
        &mut self,
        query: &Query,
        keys: &[Expression],
        group: &KeyGroup,
        moment: Timestamp,
    ) -> Result<Option<Query>> {
        let part = restricted(at(&query.relation, moment), keys, group, &mut self.numbers)?;
        Ok(part.map(|relation| Query {
            common: Vec::new(),
            relation,
            output: query.output.clone(),
            shape: None,
        }))
    }

    /// The values of keys in changed rows.
    async fn keys_of(&mut self, terms: &[Term], keys: &[Expression]) -> Result<Vec<Vec<Value>>> {
        let mut rows = Vec::new();
        for term in terms {
            let items: Vec<(ColumnNumber, Expression)> =
                keys.iter().map(|key| (self.numbers.fresh(), key.clone())).collect();
            let output = items
                .iter()
                .map(|(column, key)| OutputColumn {
                    column: *column,
                    name: String::new(),
                    ty: key.ty,
                    collation: key.collation,
                    origin: (0, 0),
                })
                .collect();
            let relation = Relation::Extend { input: Box::new(term.relation.clone()), items };
            let query = Query { common: Vec::new(), relation, output, shape: None };
            rows.append(&mut self.evaluator.rows(&query, self.to).await?);
        }
        Ok(rows)
    }

    /// The old answer counted negatively, the new one positively.
    fn before_and_after(&mut self, sides: Vec<Option<Relation>>) -> Terms {
        let mut terms = Vec::with_capacity(sides.len());
        for (relation, count) in sides.into_iter().zip([-1, 1]) {
            let weight = self.numbers.fresh();
            let column = Column { number: weight, ty: Type::new(oid::INT8), collation: 0 };
            let items = vec![(weight, constant(Value::Int64(count), &column))];
            terms.push(Term { relation: Relation::Extend { input: Box::new(relation?), items }, weight });
        }
        Some(terms)
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

/// The expressions that an outer join holds equal, left and right, of one type each.
fn equal_pairs(
    left: &Relation,
    right: &Relation,
    on: Option<&Expression>,
) -> (Vec<Expression>, Vec<Expression>) {
    let (mut conjuncts, mut pairs) = (Vec::new(), (Vec::new(), Vec::new()));
    on.iter().for_each(|on| predicate::conjuncts(on, &mut conjuncts));
    let (left, right) = (walk::produced_columns(left), walk::produced_columns(right));
    let within = |side: &walk::Columns, expression: &Expression| {
        let read = walk::columns_of(expression);
        !read.is_empty() && read.is_subset(side)
    };
    for conjunct in &conjuncts {
        let ExpressionKind::Call { operator, arguments, .. } = &conjunct.kind else { continue };
        let [one, other] = arguments.as_slice() else { continue };
        let equals = builtin::operator_by_oid(*operator).is_some_and(|row| row.name == "=");
        if !equals || !equal_types(one, other) {
            continue;
        }
        let (one, other) = match within(&left, one) && within(&right, other) {
            true => (one, other),
            false if within(&left, other) && within(&right, one) => (other, one),
            false => continue,
        };
        pairs.0.push(one.clone());
        pairs.1.push(other.clone());
    }
    pairs
}

pub(super) fn constant(value: Value, column: &Column) -> Expression {
    let kind = ExpressionKind::Constant(value);
    Expression { kind, ty: column.ty, collation: column.collation, position: None }
}

pub(super) fn reference(column: &Column) -> Expression {
    let kind = ExpressionKind::Column(column.number);
    Expression { kind, ty: column.ty, collation: column.collation, position: None }
}

fn output_reference(output: &OutputColumn) -> Expression {
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

/// Puts common tables where they are scanned; `false` where one is recursive, or stands in an inner query.
fn inline_commons(query: &mut Query, numbers: &mut Numbers) -> bool {
    let mut known: HashMap<u32, Query> = HashMap::new();
    for common in std::mem::take(&mut query.common) {
        let CommonQuery::Plain(mut inner) = common.query else { return false };
        if !inner.common.is_empty() {
            return false;
        }
        walk_query(&mut inner, &mut Inline { known: &known, numbers });
        known.insert(common.id, *inner);
    }
    walk_query(query, &mut Inline { known: &known, numbers });
    true
}

struct Inline<'k, 'n> {
    known: &'k HashMap<u32, Query>,
    numbers: &'n mut Numbers,
}

impl Visitor for Inline<'_, '_> {
    fn relation(&mut self, relation: &mut Relation) -> bool {
        let Relation::CommonScan { id, columns } = relation else { return true };
        let Some(query) = self.known.get(id) else { return true };
        let mut inner = query.clone();
        walk_query(&mut inner, &mut Renumber { numbers: self.numbers, columns: HashMap::new() });
        let items = columns
            .iter()
            .zip(&inner.output)
            .map(|(column, output)| (column.number, output_reference(output)))
            .collect();
        *relation = Relation::Extend { input: Box::new(Relation::Subquery(Box::new(inner))), items };
        false
    }
}

struct Renumber<'n> {
    numbers: &'n mut Numbers,
    columns: HashMap<ColumnNumber, ColumnNumber>,
}

impl Visitor for Renumber<'_> {
    fn column(&mut self, column: &mut ColumnNumber) {
        *column = *self.columns.entry(*column).or_insert_with(|| self.numbers.fresh());
    }
}
