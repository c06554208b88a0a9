//! Aggregation, DISTINCT and set operations.

use std::collections::HashMap;
use std::sync::Arc;

use catalog::builtin;

use super::facts::is_volatile;
use super::node::{Aggregate, AggregatePlan, GroupKey, KeyExpression, Node, Operator, PlanColumn, SortItem};
use super::planner::{Need, Planner, estimate, plan_column, plan_columns};
use super::predicate::{self, key_form};
use super::walk::{self, Columns};
use crate::error::Result;
use crate::evaluate::facts::name;
use crate::evaluate::{CompiledExpression, Layout};
use crate::functions::{Call, OrderKey};
use crate::tree::{
    AggregateCall, Column, ColumnNumber, Expression, ExpressionKind, OutputColumn, Query, Relation,
    SetOperator, SortKey, Type,
};
use crate::types;
use crate::types::oid::INT4;

impl Planner<'_> {
    pub(super) fn aggregate(
        &mut self,
        input: &Relation,
        groups: &[(ColumnNumber, Expression)],
        sets: Option<&[Vec<u32>]>,
        aggregates: &[(ColumnNumber, AggregateCall)],
        grouping: &[(ColumnNumber, Vec<u32>)],
        need: Need,
    ) -> Result<Arc<Node>> {
        let wanted = need.all_columns();
        let aggregates: Vec<_> = aggregates.iter().filter(|(number, _)| wanted.contains(number)).collect();
        if let Some(node) = self.extreme_by_index(input, groups, sets, &aggregates, &need)? {
            return Ok(node);
        }
        let (below, above) = push_below_groups(need.conjuncts, groups, sets.is_some());
        let mut required = Columns::new();
        groups.iter().for_each(|(_, group)| walk::add_columns(group, &mut required));
        for (_, call) in &aggregates {
            walk::aggregate_expressions(call, &mut |expression| walk::add_columns(expression, &mut required));
        }
        let node = self.relation(input, Need { conjuncts: below, required, ..Need::default() })?;
        let layout = node.layout();
        let group_keys = groups
            .iter()
            .map(|(_, group)| Ok(GroupKey { expression: self.compile(group, &layout)?, oid: group.ty.oid }))
            .collect::<Result<Vec<_>>>()?;
        let calls = aggregates
            .iter()
            .map(|(_, call)| self.aggregate_call(call, &layout))
            .collect::<Result<Vec<_>>>()?;
        let all_sets = match sets {
            Some(sets) => sets.iter().map(|set| set.iter().map(|index| *index as usize).collect()).collect(),
            None => vec![(0..groups.len()).collect()],
        };
        let mut columns: Vec<PlanColumn> =
            groups.iter().map(|(number, group)| plan_column(*number, group.ty)).collect();
        columns.extend(aggregates.iter().map(|(number, call)| plan_column(*number, call.ty)));
        columns.extend(grouping.iter().map(|(number, _)| plan_column(*number, Type::new(INT4))));
        let grouping =
            grouping.iter().map(|(_, list)| list.iter().map(|index| *index as usize).collect()).collect();
        let rows = self.group_rows(groups, node.estimate.rows);
        let total = node.estimate.total + node.estimate.rows * 0.0125 + rows * 0.01;
        let startup = node.estimate.total;
        let operator = Operator::Aggregate(Aggregate {
            input: node,
            groups: group_keys,
            sets: all_sets,
            calls,
            grouping,
        });
        let node = Node::new(operator, columns, estimate(rows, startup, total));
        self.filter(Arc::new(node), above)
    }

    fn group_rows(&self, groups: &[(ColumnNumber, Expression)], rows: f64) -> f64 {
        if groups.is_empty() {
            return 1.0;
        }
        let distinct: f64 = groups
            .iter()
            .map(|(_, group)| {
                predicate::as_column(group).map_or(200.0, |column| self.distinct_values(column))
            })
            .product();
        distinct.min(rows).max(1.0)
    }

    fn aggregate_call(&mut self, call: &AggregateCall, layout: &Layout) -> Result<AggregatePlan> {
        let kind = builtin::aggregate(call.function).map_or('n', |row| row.kind);
        let ordered_set = kind != 'n';
        let order = self.sort_items(&call.order_by, layout)?;
        let arguments = self.compile_all(&call.arguments, layout)?;
        let direct = self.compile_all(&call.direct_arguments, layout)?;
        let types = |expressions: &[Expression]| expressions.iter().map(|item| item.ty).collect::<Vec<_>>();
        let arguments_of_call = if ordered_set {
            let mut all = types(&call.direct_arguments);
            all.extend(call.order_by.iter().map(|key| key.expression.ty));
            all
        } else {
            types(&call.arguments)
        };
        let described = Call {
            function: call.function,
            arguments: arguments_of_call,
            result: call.ty,
            collation: call.collation,
            variadic_array: false,
            fields: Call::fields_of(&call.arguments),
            order: if ordered_set {
                call.order_by
                    .iter()
                    .map(|key| OrderKey {
                        ty: key.expression.ty,
                        descending: key.descending,
                        nulls_first: key.nulls_first,
                    })
                    .collect()
            } else {
                Vec::new()
            },
        };
        let filter = call.filter.as_ref().map(|filter| self.compile(filter, layout)).transpose()?;
        Ok(AggregatePlan {
            name: name(call.function),
            call: described,
            arguments,
            direct,
            filter,
            distinct: call.distinct,
            order,
            ordered_set,
            result: types::physical(call.ty.oid),
        })
    }

    /// Sort keys evaluated over a layout.
    pub(super) fn sort_items(&mut self, keys: &[SortKey], layout: &Layout) -> Result<Vec<SortItem>> {
        keys.iter()
            .map(|key| {
                Ok(SortItem {
                    expression: self.compile(&key.expression, layout)?,
                    oid: key.expression.ty.oid,
                    descending: key.descending,
                    nulls_first: key.nulls_first,
                })
            })
            .collect()
    }

    /// min(column) or max(column) alone over a table with an index on it: the first entry that is not NULL.
    fn extreme_by_index(
        &mut self,
        input: &Relation,
        groups: &[(ColumnNumber, Expression)],
        sets: Option<&[Vec<u32>]>,
        aggregates: &[&(ColumnNumber, AggregateCall)],
        need: &Need,
    ) -> Result<Option<Arc<Node>>> {
        let [(number, call)] = aggregates else { return Ok(None) };
        let [argument] = call.arguments.as_slice() else { return Ok(None) };
        let sort = builtin::aggregate(call.function).map_or(0, |row| row.sort_operator);
        let plain = groups.is_empty() && sets.is_none() && call.filter.is_none() && call.order_by.is_empty();
        let Some(operator) = super::facts::order_operator(sort) else { return Ok(None) };
        if !plain || predicate::as_column(argument).is_none() || !over_table(input) {
            return Ok(None);
        }
        let descending = operator.comparison == super::facts::Comparison::Greater;
        let argument = predicate::unlabelled(argument);
        let not_null = Expression {
            kind: ExpressionKind::IsNull { argument: Box::new(argument.clone()), negated: true },
            ty: Type::new(types::oid::BOOL),
            collation: 0,
            position: None,
        };
        let key = SortKey { expression: argument.clone(), descending, nulls_first: descending };
        let inner = Need {
            conjuncts: vec![not_null],
            required: walk::columns_of(argument),
            order: vec![key.clone()],
            limited: true,
            fetch: None,
        };
        let node = self.relation(input, inner)?;
        if !super::table::satisfies(&node.order, &[key]) {
            return Ok(None);
        }
        let one = CompiledExpression::constant(
            engine::Value::Int64(1),
            Type::new(types::oid::INT8),
            engine::PhysicalType::Int64,
        );
        let columns = node.columns.clone();
        let first = super::node::Limit { input: node, count: Some(one), offset: None, ties: Vec::new() };
        let first = Arc::new(Node::new(Operator::Limit(first), columns, estimate(1.0, 0.0, 0.5)));
        let call = self.aggregate_call(call, &first.layout())?;
        let column = plan_column(*number, call.call.result);
        let aggregate = Aggregate {
            input: first,
            groups: Vec::new(),
            sets: vec![Vec::new()],
            calls: vec![call],
            grouping: Vec::new(),
        };
        let node = Node::new(Operator::Aggregate(aggregate), vec![column], estimate(1.0, 0.5, 0.5));
        self.filter(Arc::new(node), need.conjuncts.clone()).map(Some)
    }

    pub(super) fn distinct(
        &mut self,
        input: &Relation,
        columns: &[Column],
        on: bool,
        mut need: Need,
    ) -> Result<Arc<Node>> {
        let keys: Columns = columns.iter().map(|column| column.number).collect();
        let (below, above): (Vec<_>, Vec<_>) = std::mem::take(&mut need.conjuncts)
            .into_iter()
            .partition(|conjunct| walk::columns_of(conjunct).is_subset(&keys));
        let mut required = need.required;
        above.iter().for_each(|conjunct| walk::add_columns(conjunct, &mut required));
        required.extend(&keys);
        if !on {
            required.retain(|column| keys.contains(column));
        }
        let inner = Need { conjuncts: below, required, order: need.order, limited: false, fetch: None };
        let node = self.relation(input, inner)?;
        let layout = node.layout();
        let keys = columns
            .iter()
            .map(|column| {
                let expression = Expression {
                    kind: ExpressionKind::Column(column.number),
                    ty: column.ty,
                    collation: column.collation,
                    position: None,
                };
                self.key_expression(&expression, &layout)
            })
            .collect::<Result<Vec<_>>>()?;
        let rows = (node.estimate.rows / 2.0).max(1.0);
        let (columns, order) = (node.columns.clone(), node.order.clone());
        let estimate = estimate(rows, node.estimate.startup, node.estimate.total + node.estimate.rows * 0.01);
        let distinct = Node::new(Operator::Distinct { input: node, keys }, columns, estimate).ordered(order);
        self.filter(Arc::new(distinct), above)
    }

    /// An expression as a comparison key.
    pub(super) fn key_expression(
        &mut self,
        expression: &Expression,
        layout: &Layout,
    ) -> Result<KeyExpression> {
        let form = key_form(expression.ty.oid);
        Ok(KeyExpression { expression: self.compile(expression, layout)?, form })
    }

    pub(super) fn set_operation(
        &mut self,
        (operator, all): (SetOperator, bool),
        left: &Query,
        right: &Query,
        columns: &[Column],
        need: Need,
    ) -> Result<Arc<Node>> {
        let (below, above): (Vec<_>, Vec<_>) =
            need.conjuncts.into_iter().partition(|conjunct| !walk::has_subquery(conjunct));
        let mut branches = Vec::new();
        for query in [left, right] {
            branches.push(self.branch(query, columns, &below)?);
        }
        let columns = plan_columns(columns);
        let rows: f64 = branches.iter().map(|branch| branch.estimate.rows).sum();
        let total: f64 = branches.iter().map(|branch| branch.estimate.total).sum();
        let node = match (operator, branches.as_slice()) {
            (SetOperator::Union, _) => {
                let append = Node::new(
                    Operator::Append { inputs: branches },
                    columns.clone(),
                    estimate(rows, 0.0, total),
                );
                if all { append } else { distinct_rows(Arc::new(append)) }
            }
            (SetOperator::Intersect | SetOperator::Except, [left, right]) => {
                let keys = columns.iter().map(|column| column.ty.oid).collect();
                let (left, right) = (left.clone(), right.clone());
                let operator = Operator::SetOperation { operator, all, left, right, keys };
                Node::new(operator, columns, estimate((rows / 2.0).max(1.0), 0.0, total))
            }
            (SetOperator::Intersect | SetOperator::Except, _) => {
                return Err(crate::error::Error::internal("a set operation without two sides"));
            }
        };
        self.filter(Arc::new(node), above)
    }

    /// One side of a set operation, with conjuncts over the operation's columns.
    fn branch(&mut self, query: &Query, columns: &[Column], conjuncts: &[Expression]) -> Result<Arc<Node>> {
        let replacements: HashMap<ColumnNumber, Expression> = columns
            .iter()
            .zip(&query.output)
            .map(|(column, output)| (column.number, output_expression(output)))
            .collect();
        let conjuncts = conjuncts
            .iter()
            .map(|conjunct| {
                let mut conjunct = conjunct.clone();
                walk::substitute(&mut conjunct, &replacements);
                conjunct
            })
            .collect();
        let required = super::planner::output_columns(&query.output);
        let node = self.query(query, Need { conjuncts, required, ..Need::default() })?;
        let wanted: Vec<_> = query.output.iter().map(|column| column.column).collect();
        self.select(node, &wanted)
    }
}

fn output_expression(output: &OutputColumn) -> Expression {
    Expression {
        kind: ExpressionKind::Column(output.column),
        ty: output.ty,
        collation: output.collation,
        position: None,
    }
}

/// The first of each set of equal rows.
pub(super) fn distinct_rows(node: Arc<Node>) -> Node {
    let keys = node
        .columns
        .iter()
        .enumerate()
        .map(|(position, column)| KeyExpression {
            expression: CompiledExpression::input(position, column.ty, column.physical),
            form: key_form(column.ty.oid),
        })
        .collect();
    let columns = node.columns.clone();
    let estimate = estimate(
        (node.estimate.rows / 2.0).max(1.0),
        node.estimate.startup,
        node.estimate.total + node.estimate.rows * 0.01,
    );
    Node::new(Operator::Distinct { input: node, keys }, columns, estimate)
}

/// Parts conjuncts above an aggregation into those over group columns alone, which may be tested before, and the rest.
fn push_below_groups(
    conjuncts: Vec<Expression>,
    groups: &[(ColumnNumber, Expression)],
    sets: bool,
) -> (Vec<Expression>, Vec<Expression>) {
    if groups.is_empty() || sets {
        return (Vec::new(), conjuncts);
    }
    let replacements: HashMap<ColumnNumber, Expression> = groups
        .iter()
        .filter(|(_, group)| !is_volatile(group) && !walk::has_subquery(group))
        .cloned()
        .collect();
    let (mut below, mut above) = (Vec::new(), Vec::new());
    let own: Columns = groups.iter().map(|(number, _)| *number).collect();
    for mut conjunct in conjuncts {
        let read = walk::columns_of(&conjunct);
        let over_groups = !read.is_disjoint(&own)
            && read.iter().all(|number| replacements.contains_key(number))
            && !walk::has_subquery(&conjunct);
        if over_groups {
            walk::substitute(&mut conjunct, &replacements);
            below.push(conjunct);
        } else {
            above.push(conjunct);
        }
    }
    (below, above)
}

/// Whether a relation is a table, filtered and extended at most.
fn over_table(relation: &Relation) -> bool {
    match relation {
        Relation::Table(_) => true,
        Relation::Filter { input, predicate: _ } | Relation::Extend { input, items: _ } => over_table(input),
        _ => false,
    }
}
