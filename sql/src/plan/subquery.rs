//! Subqueries: as values inside expressions, and as semi- and anti-joins where a condition allows it.
//!
//! A subquery in an expression is planned once and executed lazily, when and if its value is asked for; results are
//! remembered by the values of the outer columns it reads. EXISTS, NOT EXISTS and IN among a filter's conjuncts become
//! joins when the subquery is plain. NOT IN never does: one NULL on the right makes it unknown for every row.

use std::sync::Arc;

use super::facts::{Comparison, is_volatile};
use super::node::{JoinType, Node};
use super::planner::{Need, Planner, output_columns};
use super::walk::{self, Columns};
use super::{SubqueryPlan, predicate};
use crate::error::{Error, Result};
use crate::evaluate::{HashedTest, Layout, SubqueryCall, SubqueryCallKind, Surroundings};
use crate::tree::{ColumnNumber, Expression, ExpressionKind, Query, Relation, Subquery, SubqueryKind};
use crate::types;

/// A conjunct that can be a semi- or anti-join.
pub(super) struct SubqueryJoin {
    pub conjunct: Expression,
    kind: JoinType,
}

impl Surroundings for Planner<'_> {
    fn outer_slot(&mut self, column: ColumnNumber) -> Result<usize> {
        if self.enclosing.contains(&column) {
            return Ok(self.slot(column));
        }
        Err(Error::internal(format!("column {} is produced by no input of its expression", column.0)))
    }

    fn subquery(&mut self, subquery: &Subquery, layout: &Layout) -> Result<SubqueryCall> {
        let captured = self.captured(&subquery.query, layout);
        let mut volatile = false;
        walk::query_expressions(&subquery.query, &mut |expression| volatile |= is_volatile(expression));
        let added: Vec<_> = layout.columns().filter(|column| self.enclosing.insert(*column)).collect();
        let planned = self.output(&subquery.query);
        for column in added {
            self.enclosing.remove(&column);
        }
        let root = planned?;
        let mut bindings = Vec::new();
        let mut slots = Vec::new();
        for column in captured {
            let slot = self.slot(column);
            slots.push(slot);
            if let Some(position) = layout.position(column) {
                bindings.push((position, slot));
            }
        }
        slots.sort_unstable();
        bindings.sort_unstable();
        let mut inputs: Vec<usize> = bindings.iter().map(|(position, _)| *position).collect();
        let kind = self.call_kind(subquery, layout, &mut inputs)?;
        inputs.sort_unstable();
        inputs.dedup();
        let plan = self.subqueries.len();
        self.subqueries.push(SubqueryPlan { root });
        Ok(SubqueryCall { plan, kind, inputs, width: layout.width(), bindings, captured: slots, volatile })
    }

    fn element(&self, array: u32) -> Result<u32> {
        if let Some(element) = types::oid::element_of(array) {
            return Ok(element);
        }
        self.input
            .catalog
            .type_by_oid(self.input.database, array)
            .map(|row| row.element)
            .filter(|element| *element != 0)
            .ok_or_else(|| Error::internal(format!("type {array} is no array type")))
    }
}

impl Planner<'_> {
    /// Columns of enclosing queries that a query reads, of the layout or from farther out.
    fn captured(&self, query: &Query, layout: &Layout) -> Columns {
        let mut read = walk::query_columns(query);
        let mut scans = std::collections::HashMap::new();
        walk::count_common_scans(query, &mut scans);
        for id in scans.keys() {
            read.extend(self.common_captured.get(id).into_iter().flatten());
        }
        read.retain(|column| layout.position(*column).is_some() || self.enclosing.contains(column));
        read
    }

    fn call_kind(
        &mut self,
        subquery: &Subquery,
        layout: &Layout,
        inputs: &mut Vec<usize>,
    ) -> Result<SubqueryCallKind> {
        let output = &subquery.query.output;
        Ok(match &subquery.kind {
            SubqueryKind::Scalar => SubqueryCallKind::Scalar,
            SubqueryKind::Exists => SubqueryCallKind::Exists,
            SubqueryKind::Array => {
                SubqueryCallKind::Array { element: output.first().map_or(0, |column| column.ty.oid) }
            }
            SubqueryKind::Row => SubqueryCallKind::Row {
                names: output.iter().map(|column| column.name.clone()).collect(),
                types: output.iter().map(|column| column.ty).collect(),
            },
            SubqueryKind::Any { test } | SubqueryKind::All { test } => {
                let all = matches!(subquery.kind, SubqueryKind::All { test: _ });
                let mut both = layout.clone();
                output.iter().for_each(|column| both.push(column.column));
                inputs
                    .extend(walk::columns_of(test).into_iter().filter_map(|column| layout.position(column)));
                let hashed = if all { None } else { self.hashed_test(test, layout, &subquery.query)? };
                SubqueryCallKind::Quantified { test: self.compile(test, &both)?, all, hashed }
            }
        })
    }

    /// `left = column` with a left side that reads nothing of the subquery.
    fn hashed_test(
        &mut self,
        test: &Expression,
        layout: &Layout,
        query: &Query,
    ) -> Result<Option<HashedTest>> {
        let Some(found) = predicate::as_comparison(test) else { return Ok(None) };
        let [output] = query.output.as_slice() else { return Ok(None) };
        let fits = found.comparison == Comparison::Equal
            && predicate::same_key(found.left_type, found.right_type)
            && predicate::same_key(found.left.ty.oid, found.left_type)
            && predicate::as_column(found.right) == Some(output.column)
            && !walk::columns_of(found.left).contains(&output.column)
            && !walk::has_subquery(found.left);
        if !fits {
            return Ok(None);
        }
        let left = self.compile(found.left, layout)?;
        Ok(Some(HashedTest { left, oid: found.left_type }))
    }

    /// Parts conjuncts into those that can be joins with a subquery and the rest.
    pub(super) fn split_subquery_joins(
        &self,
        conjuncts: Vec<Expression>,
    ) -> (Vec<SubqueryJoin>, Vec<Expression>) {
        let (mut joins, mut rest) = (Vec::new(), Vec::new());
        for conjunct in conjuncts {
            match join_kind(&conjunct) {
                Some(kind) => joins.push(SubqueryJoin { conjunct, kind }),
                None => rest.push(conjunct),
            }
        }
        (joins, rest)
    }

    /// Joins a node with the subquery of a conjunct; `required` are the columns wanted above.
    pub(super) fn subquery_join(
        &mut self,
        left: Arc<Node>,
        join: SubqueryJoin,
        required: &Columns,
    ) -> Result<Arc<Node>> {
        let Some((query, test)) = subquery_of(&join.conjunct) else {
            return self.filter(left, vec![join.conjunct]);
        };
        let Some((relation, mut conditions)) = self.unnested(query, &left) else {
            return self.filter(left, vec![join.conjunct]);
        };
        let correlated = !conditions.is_empty();
        test.iter().for_each(|test| predicate::conjuncts(test, &mut conditions));
        if conditions.is_empty() {
            return self.filter(left, vec![join.conjunct]);
        }
        let mut need = Columns::new();
        conditions.iter().for_each(|condition| walk::add_columns(condition, &mut need));
        self.define_commons(query)?;
        let right = self.relation(&relation, Need::columns(need))?;
        // Few outer rows over much inner data: executing the subquery for each, by index, reads less.
        if correlated && left.estimate.rows * 50.0 < right.estimate.rows {
            return self.filter(left, vec![join.conjunct]);
        }
        let mut wanted = required.clone();
        wanted.extend(left.columns.iter().map(|column| column.number));
        self.join_nodes(left, right, join.kind, conditions, &wanted)
    }

    /// `column IN (subquery)` over a table with an index on the column: the subquery's distinct rows look theirs up.
    pub(super) fn semi_join_by_index(
        &mut self,
        input: &Relation,
        join: &SubqueryJoin,
        need: &Need,
    ) -> Result<Option<Arc<Node>>> {
        let Relation::Table(scan) = input else { return Ok(None) };
        let Some((query, Some(test))) = subquery_of(&join.conjunct) else { return Ok(None) };
        let own: Columns = scan.columns.iter().map(|column| column.number).collect();
        let small = self.relation_rows(&query.relation) * 10.0 < self.input.statistics.rows(scan.table);
        if join.kind != JoinType::Semi || !small || !walk::query_columns(query).is_disjoint(&own) {
            return Ok(None);
        }
        let mut conditions = Vec::new();
        predicate::conjuncts(test, &mut conditions);
        let output = output_columns(&query.output);
        let equalities = conditions.iter().all(|condition| {
            predicate::as_comparison(condition).is_some_and(|found| {
                let side = |expression| {
                    predicate::as_column(expression).is_some_and(|column| output.contains(&column))
                };
                found.comparison == Comparison::Equal
                    && predicate::same_key(found.left_type, found.right_type)
                    && (side(found.left) || side(found.right))
            })
        });
        if !equalities {
            return Ok(None);
        }
        let rows = self.output(query)?;
        let distinct = Arc::new(super::grouping::distinct_rows(rows));
        let wanted = need.required.clone();
        self.index_join(&distinct, scan, need, JoinType::Inner, &conditions, &wanted)
    }

    /// The subquery's relation without its correlated conditions, and those conditions; `None` where it is not plain.
    fn unnested(&self, query: &Query, left: &Node) -> Option<(Relation, Vec<Expression>)> {
        let (mut relation, mut conditions) = (query.relation.clone(), Vec::new());
        let outer: Columns = left.columns.iter().map(|column| column.number).collect();
        pull(&mut relation, &outer, &mut conditions);
        let mut read = walk::relation_columns(&relation);
        let mut scans = std::collections::HashMap::new();
        walk::count_common_scans(query, &mut scans);
        for id in scans.keys() {
            read.extend(self.common_captured.get(id).into_iter().flatten());
        }
        for common in &query.common {
            if let crate::tree::CommonQuery::Plain(query) = &common.query {
                read.extend(walk::query_columns(query));
            } else {
                return None;
            }
        }
        let visible = walk::produced_columns(&relation);
        let reachable = conditions.iter().all(|condition| {
            walk::columns_of(condition).iter().all(|column| {
                visible.contains(column) || outer.contains(column) || self.enclosing.contains(column)
            })
        });
        let output = output_columns(&query.output);
        (read.is_disjoint(&outer) && reachable && output.is_subset(&visible))
            .then_some((relation, conditions))
    }
}

/// Takes the correlated conjuncts of the filters at a relation's top out of it.
fn pull(relation: &mut Relation, outer: &Columns, conditions: &mut Vec<Expression>) {
    match relation {
        Relation::Filter { input, predicate } => {
            pull(input, outer, conditions);
            let mut parts = Vec::new();
            predicate::conjuncts(predicate, &mut parts);
            let (correlated, own): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| {
                predicate::reads_any(part, outer) && !walk::has_subquery(part) && !is_volatile(part)
            });
            conditions.extend(correlated);
            let inner = std::mem::replace(&mut **input, Relation::Empty);
            *relation = match predicate::conjunction(own) {
                Some(predicate) => Relation::Filter { input: Box::new(inner), predicate },
                None => inner,
            };
        }
        Relation::Extend { input, items: _ } => pull(input, outer, conditions),
        Relation::Subquery(query) if query.common.is_empty() => {
            // Its columns beyond the output stay invisible, so only a relation that shows what it filters is entered.
            let mut inner = query.relation.clone();
            let mut found = Vec::new();
            pull(&mut inner, outer, &mut found);
            let output = output_columns(&query.output);
            let reads_output = found.iter().all(|condition| {
                walk::columns_of(condition)
                    .iter()
                    .all(|column| output.contains(column) || outer.contains(column))
            });
            if reads_output {
                query.relation = inner;
                conditions.extend(found);
            }
        }
        _ => {}
    }
}

/// How a conjunct would be joined.
fn join_kind(conjunct: &Expression) -> Option<JoinType> {
    if is_volatile(conjunct) {
        return None;
    }
    match &conjunct.kind {
        ExpressionKind::Subquery(subquery) => match &subquery.kind {
            SubqueryKind::Exists => Some(JoinType::Semi),
            SubqueryKind::Any { test } => (!walk::has_subquery(test)).then_some(JoinType::Semi),
            SubqueryKind::Scalar
            | SubqueryKind::Array
            | SubqueryKind::All { test: _ }
            | SubqueryKind::Row => None,
        },
        ExpressionKind::Not(inner) => match &inner.kind {
            ExpressionKind::Subquery(subquery) if subquery.kind == SubqueryKind::Exists => {
                Some(JoinType::Anti)
            }
            _ => None,
        },
        _ => None,
    }
}

/// The subquery of a joinable conjunct, and its test.
fn subquery_of(conjunct: &Expression) -> Option<(&Query, Option<&Expression>)> {
    match &conjunct.kind {
        ExpressionKind::Subquery(subquery) => match &subquery.kind {
            SubqueryKind::Any { test } => Some((&subquery.query, Some(test))),
            SubqueryKind::Exists => Some((&subquery.query, None)),
            SubqueryKind::Scalar
            | SubqueryKind::Array
            | SubqueryKind::All { test: _ }
            | SubqueryKind::Row => None,
        },
        ExpressionKind::Not(inner) => subquery_of(inner),
        _ => None,
    }
}
