//! Sorts, limits, windows and row locks.

use std::sync::Arc;

use super::node::{
    BoundPlan, FramePlan, Limit, Node, Offset, Operator, OrderItem, RowLockPlan, Sort, SortKeyPlan, Window,
    WindowPlan,
};
use super::planner::{Fetch, Need, Planner, estimate, plan_column};
use super::predicate;
use super::walk::{self, Columns};
use crate::error::{Error, Result};
use crate::evaluate::facts::name;
use crate::evaluate::{CompiledExpression, Layout};
use crate::functions::Call;
use crate::tree::{ColumnNumber, Expression, FrameBound, Relation, RowLockClause, SortKey, WindowCall};
use crate::types;

impl Planner<'_> {
    pub(super) fn sort(
        &mut self,
        input: &Relation,
        keys: &[SortKey],
        mut need: Need,
        fetch: Option<Fetch>,
    ) -> Result<Arc<Node>> {
        keys.iter().for_each(|key| walk::add_columns(&key.expression, &mut need.required));
        need.order = keys.to_vec();
        need.limited = fetch.is_some();
        need.fetch = fetch.clone();
        let node = self.relation(input, need)?;
        self.sorted(node, keys, fetch)
    }

    /// A node's rows in the order of the keys.
    pub(super) fn sorted(
        &mut self,
        node: Arc<Node>,
        keys: &[SortKey],
        fetch: Option<Fetch>,
    ) -> Result<Arc<Node>> {
        let keys: Vec<&SortKey> = keys
            .iter()
            .filter(|key| {
                !walk::columns_of(&key.expression).is_empty()
                    || super::facts::is_volatile(&key.expression)
                    || walk::has_subquery(&key.expression)
            })
            .collect();
        let wanted: Vec<SortKey> = keys.iter().map(|key| (*key).clone()).collect();
        if keys.is_empty() || super::table::satisfies(&node.order, &wanted) {
            return Ok(node);
        }
        let shown = node.columns.len();
        let columns = node.columns.clone();
        let forms = keys.iter().map(|key| (&key.expression, predicate::key_form(key.expression.ty.oid)));
        let (input, positions) = self.keyed(node, forms)?;
        let sort_keys = positions
            .iter()
            .zip(&keys)
            .map(|(position, key)| SortKeyPlan {
                position: *position,
                descending: key.descending,
                nulls_first: key.nulls_first,
            })
            .collect();
        let order = keys
            .iter()
            .map_while(|key| {
                let column = predicate::as_column(&key.expression)?;
                Some(OrderItem { column, descending: key.descending, nulls_first: key.nulls_first })
            })
            .collect();
        let rows = input.estimate.rows;
        let startup = input.estimate.total + rows * rows.max(2.0).log2() * 0.005;
        let estimate = estimate(rows, startup, startup + rows * 0.0025);
        let sort = Sort { input, keys: sort_keys, shown, fetch };
        Ok(Arc::new(Node::new(Operator::Sort(sort), columns, estimate).ordered(order)))
    }

    pub(super) fn limit(
        &mut self,
        input: &Relation,
        count: Option<&Expression>,
        offset: Option<&Expression>,
        with_ties: &[SortKey],
        mut need: Need,
    ) -> Result<Arc<Node>> {
        let above = std::mem::take(&mut need.conjuncts);
        above.iter().for_each(|conjunct| walk::add_columns(conjunct, &mut need.required));
        with_ties.iter().for_each(|key| walk::add_columns(&key.expression, &mut need.required));
        let nothing = Layout::default();
        let count = count.map(|count| self.compile(count, &nothing)).transpose()?;
        let offset = offset.map(|offset| self.compile(offset, &nothing)).transpose()?;
        let inner = Need { required: need.required, limited: count.is_some(), ..Need::default() };
        let node = match input {
            Relation::Sort { input, keys } => {
                let fetch = match &count {
                    Some(count) if with_ties.is_empty() => Some((count.clone(), offset.clone())),
                    _ => None,
                };
                self.sort(input, keys, inner, fetch)?
            }
            _ => self.relation(input, inner)?,
        };
        if count.is_none() && offset.is_none() {
            return self.filter(node, above);
        }
        let layout = node.layout();
        let ties = with_ties
            .iter()
            .map(|key| self.key_expression(&key.expression, &layout))
            .collect::<Result<Vec<_>>>()?;
        let asked = match count.as_ref().and_then(CompiledExpression::as_constant) {
            Some(engine::Value::Int64(count)) => *count as f64,
            _ => node.estimate.rows * 0.1,
        };
        let rows = asked.min(node.estimate.rows).max(1.0);
        let share = rows / node.estimate.rows.max(1.0);
        let run = (node.estimate.total - node.estimate.startup) * share;
        let estimate = estimate(rows, node.estimate.startup, node.estimate.startup + run);
        let (columns, order) = (node.columns.clone(), node.order.clone());
        let limit = Limit { input: node, count, offset, ties };
        let node = Node::new(Operator::Limit(limit), columns, estimate).ordered(order);
        self.filter(Arc::new(node), above)
    }

    pub(super) fn window(
        &mut self,
        input: &Relation,
        calls: &[(ColumnNumber, WindowCall)],
        need: Need,
    ) -> Result<Arc<Node>> {
        let wanted = need.all_columns();
        let calls: Vec<_> = calls.iter().filter(|(number, _)| wanted.contains(number)).collect();
        let mut required = wanted;
        for (_, call) in &calls {
            walk::window_expressions(call, &mut |expression| walk::add_columns(expression, &mut required));
        }
        let own: Columns = calls.iter().map(|(number, _)| *number).collect();
        required.retain(|column| !own.contains(column));
        let mut node = self.relation(input, Need::columns(required))?;
        let mut open = calls;
        while let Some((_, first)) = open.first().copied() {
            let (now, later): (Vec<_>, Vec<_>) = open.into_iter().partition(|(_, call)| {
                call.partition_by == first.partition_by && call.order_by == first.order_by
            });
            node = self.window_group(node, first, &now)?;
            open = later;
        }
        self.filter(node, need.conjuncts)
    }

    /// The calls that share one partitioning and order.
    fn window_group(
        &mut self,
        node: Arc<Node>,
        first: &WindowCall,
        calls: &[&(ColumnNumber, WindowCall)],
    ) -> Result<Arc<Node>> {
        let mut keys: Vec<SortKey> = first
            .partition_by
            .iter()
            .map(|expression| SortKey {
                expression: expression.clone(),
                descending: false,
                nulls_first: false,
            })
            .collect();
        let partitions = keys.len();
        keys.extend(first.order_by.iter().cloned());
        let node = self.sorted(node, &keys, None)?;
        let layout = node.layout();
        let (partition, order) = keys.split_at(partitions);
        let partition = self.sort_items(partition, &layout)?;
        let order = self.sort_items(order, &layout)?;
        let plans =
            calls.iter().map(|(_, call)| self.window_call(call, &layout)).collect::<Result<Vec<_>>>()?;
        let mut columns = node.columns.clone();
        columns.extend(calls.iter().map(|(number, call)| plan_column(*number, call.ty)));
        let known = node.order.clone();
        let total = node.estimate.total + node.estimate.rows * 0.0125 * calls.len() as f64;
        let estimate = estimate(node.estimate.rows, node.estimate.startup, total);
        let window = Window { input: node, partition, order, calls: plans };
        Ok(Arc::new(Node::new(Operator::Window(window), columns, estimate).ordered(known)))
    }

    fn window_call(&mut self, call: &WindowCall, layout: &Layout) -> Result<WindowPlan> {
        let described = Call {
            function: call.function,
            arguments: call.arguments.iter().map(|argument| argument.ty).collect(),
            result: call.ty,
            collation: call.collation,
            variadic_array: false,
            fields: Call::fields_of(&call.arguments),
            order: Vec::new(),
        };
        let frame = FramePlan {
            units: call.frame.units,
            start: self.frame_bound(&call.frame.start)?,
            end: self.frame_bound(&call.frame.end)?,
            exclusion: call.frame.exclusion,
        };
        Ok(WindowPlan {
            name: name(call.function),
            call: described,
            aggregate: call.aggregate,
            arguments: self.compile_all(&call.arguments, layout)?,
            filter: call.filter.as_ref().map(|filter| self.compile(filter, layout)).transpose()?,
            frame,
            result: types::physical(call.ty.oid),
        })
    }

    fn frame_bound(&mut self, bound: &FrameBound) -> Result<BoundPlan> {
        let mut offset = |expression: &Expression| {
            let value = self.compile(expression, &Layout::default())?;
            Ok::<_, Error>(Offset { value, oid: expression.ty.oid })
        };
        Ok(match bound {
            FrameBound::UnboundedPreceding => BoundPlan::UnboundedPreceding,
            FrameBound::Preceding(expression) => BoundPlan::Preceding(offset(expression)?),
            FrameBound::CurrentRow => BoundPlan::CurrentRow,
            FrameBound::Following(expression) => BoundPlan::Following(offset(expression)?),
            FrameBound::UnboundedFollowing => BoundPlan::UnboundedFollowing,
        })
    }

    pub(super) fn lock_rows(
        &mut self,
        input: &Relation,
        clauses: &[RowLockClause],
        mut need: Need,
    ) -> Result<Arc<Node>> {
        let above = std::mem::take(&mut need.conjuncts);
        above.iter().for_each(|conjunct| walk::add_columns(conjunct, &mut need.required));
        need.required.extend(clauses.iter().map(|clause| clause.handle));
        let node = self.relation(input, need)?;
        let locks = clauses
            .iter()
            .map(|clause| {
                let position = node.position(clause.handle).ok_or_else(|| {
                    Error::internal("the handle of a row to lock is not produced by its query")
                })?;
                Ok(RowLockPlan {
                    table: clause.table,
                    handle: clause.handle,
                    position,
                    strength: clause.strength,
                    wait: clause.wait,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let (columns, order, estimate) = (node.columns.clone(), node.order.clone(), node.estimate);
        let node = Node::new(Operator::LockRows { input: node, locks }, columns, estimate).ordered(order);
        self.filter(Arc::new(node), above)
    }
}
