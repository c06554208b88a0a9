//! Functions in FROM, set-returning functions of a select list, common tables.

use std::collections::HashMap;
use std::sync::Arc;

use catalog::builtin;

use super::facts::is_volatile;
use super::node::{FunctionSource, Node, Operator, PlanColumn, SetFunction};
use super::planner::{Common, Need, Planner, estimate, plan_column, plan_columns};
use super::walk::{self, Columns};
use super::{CommonKind, CommonPlan};
use crate::error::{Error, Result};
use crate::evaluate::Layout;
use crate::evaluate::facts::{name, strict};
use crate::functions::{Call, set_returning};
use crate::tree::{
    Column, ColumnNumber, CommonQuery, CommonTable, Expression, ExpressionKind, FunctionItem, Query,
    Relation, Type,
};
use crate::types::oid::INT8;

impl Planner<'_> {
    pub(super) fn functions(
        &mut self,
        items: &[FunctionItem],
        ordinality: Option<ColumnNumber>,
        need: Need,
    ) -> Result<Arc<Node>> {
        let layout = Layout::default();
        let sources =
            items.iter().map(|item| self.function_source(item, &layout)).collect::<Result<Vec<_>>>()?;
        let mut columns: Vec<PlanColumn> =
            items.iter().flat_map(|item| plan_columns(&item.columns)).collect();
        columns.extend(ordinality.map(|number| plan_column(number, Type::new(INT8))));
        let rows = items.iter().map(|item| function_rows(&item.call)).fold(1.0, f64::max);
        let operator = Operator::Functions { items: sources, ordinality: ordinality.is_some() };
        let node = Node::new(operator, columns, estimate(rows, 0.0, rows * 0.01));
        self.filter(Arc::new(node), need.conjuncts)
    }

    fn function_source(&mut self, item: &FunctionItem, layout: &Layout) -> Result<FunctionSource> {
        if let ExpressionKind::Call { function, operator: _, arguments, variadic_array, form: _ } =
            &item.call.kind
            && builtin::function_by_oid(*function).is_some_and(|row| row.returns_set)
        {
            if set_returning(*function).is_none() {
                return Err(Error::unsupported(format!("function {}", name(*function))));
            }
            let call = Call {
                function: *function,
                arguments: arguments.iter().map(|argument| argument.ty).collect(),
                result: item.call.ty,
                collation: item.call.collation,
                variadic_array: *variadic_array,
                fields: Call::fields_of(arguments),
                order: Vec::new(),
            };
            return Ok(FunctionSource {
                name: name(*function),
                function: Some(SetFunction { oid: *function, call, strict: strict(*function) }),
                arguments: self.compile_all(arguments, layout)?,
                columns: item.columns.len(),
                spread: false,
                packed: packed_types(*function, &item.columns),
            });
        }
        let shown = match &item.call.kind {
            ExpressionKind::Call { function, .. } => name(*function),
            _ => "value".to_owned(),
        };
        let spread = item.columns.len() != 1
            || item.columns.first().is_some_and(|column| column.ty.oid != item.call.ty.oid);
        Ok(FunctionSource {
            name: shown,
            function: None,
            arguments: vec![self.compile(&item.call, layout)?],
            columns: item.columns.len(),
            spread,
            packed: Vec::new(),
        })
    }

    pub(super) fn project_set(
        &mut self,
        input: &Relation,
        items: &[FunctionItem],
        need: Need,
    ) -> Result<Arc<Node>> {
        let own: Columns = items.iter().flat_map(|item| &item.columns).map(|column| column.number).collect();
        let (below, above): (Vec<_>, Vec<_>) = need
            .conjuncts
            .into_iter()
            .partition(|conjunct| walk::columns_of(conjunct).is_disjoint(&own) && !is_volatile(conjunct));
        let mut wanted = need.required;
        above.iter().for_each(|conjunct| walk::add_columns(conjunct, &mut wanted));
        let mut required: Columns = wanted.difference(&own).copied().collect();
        items.iter().for_each(|item| walk::add_columns(&item.call, &mut required));
        let node = self.relation(input, Need { conjuncts: below, required, ..Need::default() })?;
        let layout = node.layout();
        let sources =
            items.iter().map(|item| self.function_source(item, &layout)).collect::<Result<Vec<_>>>()?;
        let (kept, mut columns): (Vec<usize>, Vec<PlanColumn>) = node
            .columns
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, column)| wanted.contains(&column.number))
            .unzip();
        columns.extend(items.iter().flat_map(|item| plan_columns(&item.columns)));
        let multiple = items.iter().map(|item| function_rows(&item.call)).fold(1.0, f64::max);
        let rows = node.estimate.rows * multiple;
        let (order, total) = (node.order.clone(), node.estimate.total + rows * 0.01);
        let estimate = estimate(rows, node.estimate.startup, total);
        let node = Node::new(Operator::ProjectSet { input: node, kept, items: sources }, columns, estimate);
        self.filter(Arc::new(node.ordered(order)), above)
    }

    /// Makes a query's common tables known to what is planned after.
    pub(super) fn define_commons(&mut self, query: &Query) -> Result<()> {
        if query.common.is_empty() {
            return Ok(());
        }
        let mut counts = HashMap::new();
        walk::count_common_scans(query, &mut counts);
        for common in &query.common {
            let captured = self.common_reads(common);
            self.common_captured.insert(common.id, captured);
            self.common_columns.insert(common.id, common.columns.clone());
            let uses = counts.get(&common.id).copied().unwrap_or(0);
            if uses == 0 {
                continue;
            }
            let defined = match &common.query {
                CommonQuery::Plain(inner)
                    if uses == 1 && common.materialized != Some(true) && !has_effects(inner) =>
                {
                    Common::Inline(Arc::new((**inner).clone()))
                }
                CommonQuery::Plain(_) | CommonQuery::Recursive { start: _, step: _, all: _ } => {
                    Common::Shared(self.shared_common(common)?)
                }
            };
            self.commons.insert(common.id, defined);
        }
        Ok(())
    }

    /// Columns of enclosing queries that a common table's query reads.
    fn common_reads(&mut self, common: &CommonTable) -> Columns {
        let (mut read, mut scans) = (Columns::new(), HashMap::new());
        let mut add = |query: &Query| {
            read.extend(walk::query_columns(query));
            walk::count_common_scans(query, &mut scans);
        };
        match &common.query {
            CommonQuery::Plain(query) => add(query),
            CommonQuery::Recursive { start, step, all: _ } => {
                add(start);
                add(step);
            }
        }
        for id in scans.keys() {
            read.extend(self.common_captured.get(id).into_iter().flatten());
        }
        read.retain(|column| self.enclosing.contains(column));
        let through = scans.keys().filter_map(|id| self.common_scans.get(id)).flatten().copied();
        let all = scans.keys().copied().chain(through).collect();
        self.common_scans.insert(common.id, all);
        read
    }

    fn shared_common(&mut self, common: &CommonTable) -> Result<usize> {
        let index = self.common_plans.len();
        let columns = plan_columns(&common.columns);
        let captured: Vec<ColumnNumber> =
            self.common_captured.get(&common.id).into_iter().flatten().copied().collect();
        let mut captured: Vec<usize> = captured.into_iter().map(|column| self.slot(column)).collect();
        captured.sort_unstable();
        let schema = super::node::schema_of(&columns);
        let placeholder = super::planner::nothing(Vec::new());
        self.common_plans.push(CommonPlan {
            name: common.name.clone(),
            schema,
            captured,
            reads: Vec::new(),
            kind: CommonKind::Plain(placeholder),
        });
        let kind = match &common.query {
            CommonQuery::Plain(query) => CommonKind::Plain(self.output(query)?),
            CommonQuery::Recursive { start, step, all } => {
                let start = self.output(start)?;
                self.commons.insert(common.id, Common::Shared(index));
                let step = self.output(step)?;
                let keys = columns.iter().map(|column| column.ty.oid).collect();
                CommonKind::Recursive { start, step, all: *all, keys }
            }
        };
        let reads = self
            .common_scans
            .get(&common.id)
            .into_iter()
            .flatten()
            .filter_map(|id| match self.commons.get(id) {
                Some(Common::Shared(index)) => Some(*index),
                Some(Common::Inline(_)) | None => None,
            })
            .collect();
        if let Some(plan) = self.common_plans.get_mut(index) {
            plan.kind = kind;
            plan.reads = reads;
        }
        Ok(index)
    }

    pub(super) fn common_scan(&mut self, id: u32, columns: &[Column], need: Need) -> Result<Arc<Node>> {
        match self.commons.get(&id) {
            None => Err(Error::internal(format!("common table {id} is not defined here"))),
            Some(Common::Inline(query)) => {
                let query = query.clone();
                self.inline_common(&query, columns, need)
            }
            Some(Common::Shared(index)) => {
                let common = *index;
                let wanted = need.all_columns();
                let (positions, kept): (Vec<usize>, Vec<Column>) = columns
                    .iter()
                    .cloned()
                    .enumerate()
                    .filter(|(_, column)| wanted.contains(&column.number))
                    .unzip();
                let plan = self.common_plans.get(common);
                let name = plan.map(|plan| plan.name.clone()).unwrap_or_default();
                let rows = match plan.map(|plan| &plan.kind) {
                    Some(CommonKind::Plain(node)) => node.estimate.rows,
                    _ => 100.0,
                };
                let operator = Operator::CommonScan { common, name, columns: positions };
                let node = Node::new(operator, plan_columns(&kept), estimate(rows, 0.0, rows * 0.02));
                self.filter(Arc::new(node), need.conjuncts)
            }
        }
    }

    /// A common table that is scanned once, planned where it is scanned.
    fn inline_common(&mut self, query: &Query, columns: &[Column], need: Need) -> Result<Arc<Node>> {
        let pairs = columns.iter().zip(&query.output);
        let replacements: HashMap<ColumnNumber, Expression> = pairs
            .clone()
            .map(|(column, output)| {
                let expression = Expression {
                    kind: ExpressionKind::Column(output.column),
                    ty: output.ty,
                    collation: output.collation,
                    position: None,
                };
                (column.number, expression)
            })
            .collect();
        let wanted = need.all_columns();
        let conjuncts = need
            .conjuncts
            .into_iter()
            .map(|mut conjunct| {
                walk::substitute(&mut conjunct, &replacements);
                conjunct
            })
            .collect();
        let kept: Vec<_> = pairs.filter(|(column, _)| wanted.contains(&column.number)).collect();
        let required = kept.iter().map(|(_, output)| output.column).collect();
        let node =
            self.query(query, Need { conjuncts, required, limited: need.limited, ..Need::default() })?;
        let sources: Vec<ColumnNumber> = kept.iter().map(|(_, output)| output.column).collect();
        let selected = self.select(node, &sources)?;
        let Operator::Project { input, expressions } = &selected.operator else { return Ok(selected) };
        let columns = kept.iter().map(|(column, _)| plan_column(column.number, column.ty)).collect();
        let operator = Operator::Project { input: input.clone(), expressions: expressions.clone() };
        for (column, output) in &kept {
            if let Some(origin) = self.origins.get(&output.column).copied() {
                self.origins.insert(column.number, origin);
            }
        }
        Ok(Arc::new(Node::new(operator, columns, selected.estimate)))
    }
}

/// Whether a query must run once and wholly: it calls something volatile or locks rows.
fn has_effects(query: &Query) -> bool {
    let mut volatile = false;
    walk::query_expressions(query, &mut |expression| volatile |= is_volatile(expression));
    volatile || locks(&query.relation)
}

fn locks(relation: &Relation) -> bool {
    match relation {
        Relation::LockRows { input: _, clauses: _ } => true,
        Relation::Limit { input, count: _, offset: _, with_ties: _ }
        | Relation::Sort { input, keys: _ }
        | Relation::Extend { input, items: _ }
        | Relation::Filter { input, predicate: _ } => locks(input),
        Relation::Subquery(query) => locks(&query.relation),
        _ => false,
    }
}

/// How many rows a function probably gives.
fn function_rows(call: &Expression) -> f64 {
    match &call.kind {
        ExpressionKind::Call { function, .. } => {
            builtin::function_by_oid(*function).map_or(1.0, |row| f64::from(row.rows).max(1.0))
        }
        _ => 1.0,
    }
}

/// The types of a function's output columns, where a single column is to hold them all.
fn packed_types(function: u32, columns: &[Column]) -> Vec<u32> {
    let outputs = builtin::function_by_oid(function).map(|row| row.output_columns()).unwrap_or_default();
    match columns {
        [_] if outputs.len() > 1 => outputs.into_iter().map(|(_, type_oid)| type_oid).collect(),
        _ => Vec::new(),
    }
}
