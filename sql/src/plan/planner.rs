//! From a typed query to a plan.
//!
//! One walk from the top: each relation is given the conjuncts that may be evaluated at it or below, and the columns
//! wanted of it; it answers with a node that has applied all the conjuncts. Volatile conjuncts stay where they were
//! written.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use catalog::Snapshot;

use super::facts::is_volatile;
use super::node::{Estimate, Node, Operator, PlanColumn};
use super::predicate;
use super::statistics::Statistics;
use super::walk::{self, Columns};
use super::{CommonPlan, NamedColumn, SubqueryPlan};
use crate::error::{Error, Result};
use crate::evaluate::{CompiledExpression, Layout, compile_within};
use crate::tree::{
    Column, ColumnNumber, Expression, OutputColumn, Query, Relation, SortKey, TimeClause, Type,
};
use crate::types;

/// What planning reads besides the query.
pub struct PlanInput<'a> {
    pub catalog: &'a Arc<Snapshot>,
    /// Oid of the database.
    pub database: u32,
    pub statistics: &'a dyn Statistics,
    /// The catalog at the moment of a time clause; without it, today's serves.
    pub catalog_at: Option<&'a CatalogAt<'a>>,
}

/// Finds the catalog at the moment of a time clause.
pub type CatalogAt<'a> = dyn Fn(&TimeClause) -> Result<Arc<Snapshot>> + 'a;

/// What is asked of a relation.
#[derive(Clone, Default)]
pub(super) struct Need {
    /// Conditions to apply; all may be moved.
    pub conjuncts: Vec<Expression>,
    /// Columns wanted above, conjuncts aside.
    pub required: Columns,
    /// An order that would save a sort above.
    pub order: Vec<SortKey>,
    /// Whether few of the rows will be read.
    pub limited: bool,
    /// How many rows in that order, where nothing above takes any away: the count of a LIMIT and its offset.
    pub fetch: Option<Fetch>,
}

/// The count of a LIMIT and its offset.
pub(super) type Fetch = (CompiledExpression, Option<CompiledExpression>);

impl Need {
    /// The same columns, nothing else.
    pub fn columns(required: Columns) -> Need {
        Need { required, ..Need::default() }
    }

    /// The columns wanted for the conjuncts and above.
    pub fn all_columns(&self) -> Columns {
        let mut columns = self.required.clone();
        for conjunct in &self.conjuncts {
            walk::add_columns(conjunct, &mut columns);
        }
        columns
    }
}

/// How a common table is planned.
pub(super) enum Common {
    /// Scanned once: planned in place of its scan.
    Inline(Arc<Query>),
    Shared(usize),
}

pub(super) struct Planner<'a> {
    pub input: &'a PlanInput<'a>,
    pub slots: HashMap<ColumnNumber, usize>,
    pub subqueries: Vec<SubqueryPlan>,
    pub commons: HashMap<u32, Common>,
    /// Columns of a common table's definition, by id.
    pub common_columns: HashMap<u32, Vec<Column>>,
    /// Columns of enclosing queries that a common table's query reads.
    pub common_captured: HashMap<u32, Columns>,
    /// The common tables that a common table's query scans, directly or through others, by id.
    pub common_scans: HashMap<u32, HashSet<u32>>,
    pub common_plans: Vec<CommonPlan>,
    pub moments: Vec<TimeClause>,
    pub dependencies: Vec<u32>,
    /// A materialized view was scanned.
    pub reads_views: bool,
    /// Which table's column a number is, for estimates.
    pub origins: HashMap<ColumnNumber, (u32, i16)>,
    /// What numbers are called, for EXPLAIN.
    pub named: Vec<NamedColumn>,
    /// Columns of enclosing queries that have a slot or could have one.
    pub enclosing: Columns,
}

impl<'a> Planner<'a> {
    pub fn new(input: &'a PlanInput<'a>) -> Planner<'a> {
        Planner {
            input,
            slots: HashMap::new(),
            subqueries: Vec::new(),
            commons: HashMap::new(),
            common_columns: HashMap::new(),
            common_captured: HashMap::new(),
            common_scans: HashMap::new(),
            common_plans: Vec::new(),
            moments: Vec::new(),
            dependencies: Vec::new(),
            reads_views: false,
            origins: HashMap::new(),
            named: Vec::new(),
            enclosing: Columns::new(),
        }
    }

    /// A node that gives exactly the query's output, in order.
    pub fn output(&mut self, query: &Query) -> Result<Arc<Node>> {
        let node = self.query(query, Need::columns(output_columns(&query.output)))?;
        self.arrange(node, &query.output)
    }

    /// A query's relation with its common tables known.
    pub fn query(&mut self, query: &Query, need: Need) -> Result<Arc<Node>> {
        self.define_commons(query)?;
        self.relation(&query.relation, need)
    }

    /// Brings a node's columns into the order of a query's output.
    fn arrange(&mut self, node: Arc<Node>, output: &[OutputColumn]) -> Result<Arc<Node>> {
        let wanted: Vec<_> = output.iter().map(|column| column.column).collect();
        if node.columns.len() == wanted.len()
            && node.columns.iter().map(|column| column.number).eq(wanted.iter().copied())
        {
            return Ok(node);
        }
        self.select(node, &wanted)
    }

    /// Exactly these columns of a node.
    pub fn select(&mut self, node: Arc<Node>, wanted: &[ColumnNumber]) -> Result<Arc<Node>> {
        let mut columns = Vec::with_capacity(wanted.len());
        let mut expressions = Vec::with_capacity(wanted.len());
        for number in wanted {
            let position = node.position(*number).ok_or_else(|| {
                Error::internal(format!("column {} is not produced by {}", number.0, node.title()))
            })?;
            let column = node.columns[position];
            columns.push(column);
            expressions.push(CompiledExpression::input(position, column.ty, column.physical));
        }
        let order = node.order.clone();
        let estimate = node.estimate;
        Ok(Arc::new(
            Node::new(Operator::Project { input: node, expressions }, columns, estimate).ordered(order),
        ))
    }

    /// A relation with the conjuncts applied.
    pub fn relation(&mut self, relation: &Relation, need: Need) -> Result<Arc<Node>> {
        match relation {
            Relation::Empty => {
                let node = Node::new(Operator::OneRow, Vec::new(), estimate(1.0, 0.0, 0.01));
                self.filter(Arc::new(node), need.conjuncts)
            }
            Relation::Nothing { columns } => Ok(nothing(plan_columns(columns))),
            Relation::Table(scan) => self.table(scan, need),
            Relation::CommonScan { id, columns } => self.common_scan(*id, columns, need),
            Relation::Subquery(query) => self.query(query, need),
            Relation::Values { columns, rows } => self.values(columns, rows, need),
            Relation::Functions { items, ordinality } => self.functions(items, *ordinality, need),
            Relation::Join { .. } => self.join(relation, need),
            Relation::Filter { input, predicate } => self.filtered(input, predicate, need),
            Relation::Extend { input, items } => self.extend(input, items, need),
            Relation::ProjectSet { input, items } => self.project_set(input, items, need),
            Relation::Aggregate { input, groups, sets, aggregates, grouping } => {
                self.aggregate(input, groups, sets.as_deref(), aggregates, grouping, need)
            }
            Relation::Window { input, calls } => self.window(input, calls, need),
            Relation::Distinct { input, columns, on } => self.distinct(input, columns, *on, need),
            Relation::Sort { input, keys } => self.sort(input, keys, need, None),
            Relation::Limit { input, count, offset, with_ties } => {
                self.limit(input, count.as_ref(), offset.as_ref(), with_ties, need)
            }
            Relation::SetOperation { operator, all, left, right, columns } => {
                self.set_operation((*operator, *all), left, right, columns, need)
            }
            Relation::LockRows { input, clauses } => self.lock_rows(input, clauses, need),
        }
    }

    fn filtered(&mut self, input: &Relation, predicate: &Expression, mut need: Need) -> Result<Arc<Node>> {
        let mut own = Vec::new();
        predicate::conjuncts(predicate, &mut own);
        if own.iter().chain(&need.conjuncts).any(predicate::is_never) {
            return self.never(input, &need);
        }
        let (fixed, moving): (Vec<_>, Vec<_>) = own.into_iter().partition(is_volatile);
        let above = std::mem::take(&mut need.conjuncts);
        let (joins, moving) = self.split_subquery_joins(moving.into_iter().chain(above).collect());
        let required = need.required.clone();
        for conjunct in fixed.iter().chain(joins.iter().map(|join| &join.conjunct)) {
            walk::add_columns(conjunct, &mut need.required);
        }
        need.conjuncts = moving;
        if let [join] = joins.as_slice()
            && let Some(node) = self.semi_join_by_index(input, join, &need)?
        {
            return self.filter(node, fixed);
        }
        if !fixed.is_empty() || !joins.is_empty() {
            need.limited = false;
            need.fetch = None;
        }
        let mut node = self.relation(input, need)?;
        for join in joins {
            node = self.subquery_join(node, join, &required)?;
        }
        self.filter(node, fixed)
    }

    /// The empty result of a relation whose condition is never true.
    fn never(&mut self, input: &Relation, need: &Need) -> Result<Arc<Node>> {
        let without = self.relation(input, Need::columns(need.required.clone()))?;
        Ok(nothing(without.columns.clone()))
    }

    /// A filter above a node, where there is anything to test.
    pub fn filter(&mut self, node: Arc<Node>, conjuncts: Vec<Expression>) -> Result<Arc<Node>> {
        if conjuncts.is_empty() {
            return Ok(node);
        }
        let selectivity = self.selectivity_of_all(&conjuncts);
        let Some(predicate) = predicate::conjunction(conjuncts) else { return Ok(node) };
        let predicate = self.compile(&predicate, &node.layout())?;
        let rows = (node.estimate.rows * selectivity).max(1.0);
        let total = node.estimate.total + node.estimate.rows * 0.0025;
        let columns = node.columns.clone();
        let order = node.order.clone();
        let estimate = estimate(rows, node.estimate.startup, total);
        Ok(Arc::new(Node::new(Operator::Filter { input: node, predicate }, columns, estimate).ordered(order)))
    }

    fn extend(
        &mut self,
        input: &Relation,
        items: &[(ColumnNumber, Expression)],
        mut need: Need,
    ) -> Result<Arc<Node>> {
        let own: Columns = items.iter().map(|(number, _)| *number).collect();
        let simple: HashMap<ColumnNumber, Expression> = items
            .iter()
            .filter(|(_, item)| !is_volatile(item) && !walk::has_subquery(item))
            .map(|(number, item)| (*number, item.clone()))
            .collect();
        let (mut below, mut above) = (Vec::new(), Vec::new());
        for mut conjunct in std::mem::take(&mut need.conjuncts) {
            let read = walk::columns_of(&conjunct);
            if read.iter().all(|number| !own.contains(number) || simple.contains_key(number)) {
                walk::substitute(&mut conjunct, &simple);
                below.push(conjunct);
            } else {
                above.push(conjunct);
            }
        }
        let mut wanted = need.required.clone();
        above.iter().for_each(|conjunct| walk::add_columns(conjunct, &mut wanted));
        let kept: Vec<_> =
            items.iter().filter(|(number, item)| wanted.contains(number) || is_volatile(item)).collect();
        let mut required: Columns = wanted.difference(&own).copied().collect();
        kept.iter().for_each(|(_, item)| walk::add_columns(item, &mut required));
        // An order names what it is by, even where that may not be computed twice.
        let steady = items.iter().filter(|(_, item)| !is_volatile(item));
        let steady: HashMap<_, _> = match need.order.is_empty() {
            true => HashMap::new(),
            false => steady.map(|(number, item)| (*number, item.clone())).collect(),
        };
        let order = need.order.iter().map(|key| substituted_key(key, &steady)).collect();
        let fetch = need.fetch.take().filter(|_| above.is_empty());
        let limited = need.limited && above.is_empty();
        let inner = Need { conjuncts: below, required, order, limited, fetch };
        let node = self.relation(input, inner)?;
        let node = self.project(node, &kept, &wanted)?;
        self.filter(node, above)
    }

    /// The wanted columns of a node and the items.
    fn project(
        &mut self,
        node: Arc<Node>,
        items: &[&(ColumnNumber, Expression)],
        wanted: &Columns,
    ) -> Result<Arc<Node>> {
        if items.is_empty() {
            return Ok(node);
        }
        let layout = node.layout();
        let (mut columns, mut expressions) = (Vec::new(), Vec::new());
        for (position, column) in node.columns.iter().enumerate() {
            if wanted.contains(&column.number) {
                columns.push(*column);
                expressions.push(CompiledExpression::input(position, column.ty, column.physical));
            }
        }
        let mut order = node.order.clone();
        for (number, item) in items {
            columns.push(plan_column(*number, item.ty));
            expressions.push(self.compile(item, &layout)?);
            if let Some(source) = predicate::as_column(item) {
                order
                    .iter_mut()
                    .filter(|known| known.column == source)
                    .for_each(|known| known.column = *number);
            }
        }
        let total = node.estimate.total + node.estimate.rows * 0.0025 * items.len() as f64;
        let estimate = estimate(node.estimate.rows, node.estimate.startup, total);
        Ok(Arc::new(
            Node::new(Operator::Project { input: node, expressions }, columns, estimate).ordered(order),
        ))
    }

    fn values(&mut self, columns: &[Column], rows: &[Vec<Expression>], need: Need) -> Result<Arc<Node>> {
        let layout = Layout::default();
        let rows = rows
            .iter()
            .map(|row| row.iter().map(|item| self.compile(item, &layout)).collect())
            .collect::<Result<Vec<Vec<_>>>>()?;
        let count = rows.len() as f64;
        let node =
            Node::new(Operator::Values { rows }, plan_columns(columns), estimate(count, 0.0, 0.0125 * count));
        self.filter(Arc::new(node), need.conjuncts)
    }

    /// Compiles an expression over a layout, its subqueries planned.
    pub fn compile(&mut self, expression: &Expression, layout: &Layout) -> Result<CompiledExpression> {
        compile_within(expression, layout, self)
    }

    /// Compiles expressions over a layout.
    pub fn compile_all(
        &mut self,
        expressions: &[Expression],
        layout: &Layout,
    ) -> Result<Vec<CompiledExpression>> {
        expressions.iter().map(|expression| self.compile(expression, layout)).collect()
    }

    /// Plans something with these columns counted as an enclosing query's.
    pub fn within<T>(
        &mut self,
        columns: &[PlanColumn],
        plan: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let added: Vec<_> = columns
            .iter()
            .map(|column| column.number)
            .filter(|number| self.enclosing.insert(*number))
            .collect();
        let outcome = plan(self);
        for number in added {
            self.enclosing.remove(&number);
        }
        outcome
    }

    /// The slot of a column of an enclosing query.
    pub fn slot(&mut self, column: ColumnNumber) -> usize {
        let next = self.slots.len();
        *self.slots.entry(column).or_insert(next)
    }
}

fn substituted_key(key: &SortKey, simple: &HashMap<ColumnNumber, Expression>) -> SortKey {
    let mut key = key.clone();
    walk::substitute(&mut key.expression, simple);
    key
}

/// No rows of these columns.
pub(super) fn nothing(columns: Vec<PlanColumn>) -> Arc<Node> {
    Arc::new(Node::new(Operator::Nothing, columns, estimate(0.0, 0.0, 0.0)))
}

pub(super) fn estimate(rows: f64, startup: f64, total: f64) -> Estimate {
    Estimate { rows, startup, total }
}

pub(super) fn plan_column(number: ColumnNumber, ty: Type) -> PlanColumn {
    PlanColumn { number, ty, physical: types::physical(ty.oid) }
}

pub(super) fn plan_columns(columns: &[Column]) -> Vec<PlanColumn> {
    columns.iter().map(|column| plan_column(column.number, column.ty)).collect()
}

pub(super) fn output_columns(output: &[OutputColumn]) -> Columns {
    output.iter().map(|column| column.column).collect()
}
