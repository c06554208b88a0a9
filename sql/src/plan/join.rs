//! Joins: flattening, order, method.
//!
//! Inner joins are flattened into leaves and conjuncts and put together again greedily, the smallest intermediate
//! result first. Outer joins keep their place; one whose nullable side must match anyway becomes an inner join.

use std::sync::Arc;

use super::facts::{Comparison, is_volatile};
use super::join_order::{Leaf, add_lateral_reads, first_free, flatten, place_conjuncts};
use super::node::{
    HashJoin, JoinFilterPlan, JoinType, KeyExpression, LoopJoin, Node, Operator, PlanColumn, schema_of,
};
use super::planner::{Need, Planner, estimate};
use super::predicate;
use super::walk::{self, Columns};
use crate::error::Result;
use crate::evaluate::{CompiledExpression, Layout};
use crate::tree::{Expression, JoinKind, Relation};

/// The two sides of an equality that can be a hash key.
struct KeyPair {
    left: Expression,
    right: Expression,
    form: super::node::KeyForm,
}

impl Planner<'_> {
    pub(super) fn join(&mut self, relation: &Relation, need: Need) -> Result<Arc<Node>> {
        let Relation::Join { kind, left, right, on, lateral } = relation else {
            return self.relation(relation, need);
        };
        match kind {
            JoinKind::Inner | JoinKind::Cross => self.inner_join(relation, need),
            JoinKind::Left => self.outer_join(left, right, on.as_ref(), *lateral, need),
            // The sides are exchanged; columns go by number, so nothing else changes.
            JoinKind::Right => self.outer_join(right, left, on.as_ref(), false, need),
            JoinKind::Full => self.full_join(left, right, on.as_ref(), need),
        }
    }

    fn outer_join(
        &mut self,
        left: &Relation,
        right: &Relation,
        on: Option<&Expression>,
        lateral: bool,
        mut need: Need,
    ) -> Result<Arc<Node>> {
        let left_columns = walk::produced_columns(left);
        let right_columns = walk::produced_columns(right);
        if need.conjuncts.iter().any(|conjunct| predicate::rejects_null(conjunct, &right_columns)) {
            let inner = [left, right];
            return self.inner_of(&inner, on, need);
        }
        let (above, below): (Vec<_>, Vec<_>) = std::mem::take(&mut need.conjuncts)
            .into_iter()
            .partition(|conjunct| predicate::reads_any(conjunct, &right_columns));
        let mut conditions = Vec::new();
        on.iter().for_each(|on| predicate::conjuncts(on, &mut conditions));
        let mut required = need.required.clone();
        conditions.iter().chain(&above).for_each(|conjunct| walk::add_columns(conjunct, &mut required));
        let (right_only, conditions): (Vec<_>, Vec<_>) = conditions
            .into_iter()
            .partition(|conjunct| !predicate::reads_any(conjunct, &left_columns) && !is_volatile(conjunct));
        let mut left_required = required.clone();
        if lateral {
            left_required.extend(walk::relation_columns(right));
        }
        let left_need = Need {
            conjuncts: below,
            required: left_required,
            order: need.order,
            limited: need.limited,
            fetch: None,
        };
        let left = self.relation(left, left_need)?;
        let right_need = Need { conjuncts: right_only, required: required.clone(), ..Need::default() };
        let mut wanted = need.required;
        above.iter().for_each(|conjunct| walk::add_columns(conjunct, &mut wanted));
        let node =
            self.join_relation(left, right, right_need, JoinType::Left, conditions, &wanted, lateral)?;
        self.filter(node, above)
    }

    /// Joins a node with a relation that is not planned yet, by the method that suits both.
    #[expect(clippy::too_many_arguments, reason = "each is one part of a join")]
    fn join_relation(
        &mut self,
        left: Arc<Node>,
        right: &Relation,
        right_need: Need,
        kind: JoinType,
        conditions: Vec<Expression>,
        wanted: &Columns,
        lateral: bool,
    ) -> Result<Arc<Node>> {
        let reads_left = lateral && {
            let read = walk::relation_columns(right);
            left.columns.iter().any(|column| read.contains(&column.number))
        };
        if reads_left {
            return self.apply(left, right, right_need, kind, conditions, wanted);
        }
        if let Relation::Table(scan) = right
            && let Some(node) = self.index_join(&left, scan, &right_need, kind, &conditions, wanted)?
        {
            return Ok(node);
        }
        let right = self.relation(right, right_need)?;
        self.join_nodes(left, right, kind, conditions, wanted)
    }

    fn full_join(
        &mut self,
        left: &Relation,
        right: &Relation,
        on: Option<&Expression>,
        mut need: Need,
    ) -> Result<Arc<Node>> {
        let above = std::mem::take(&mut need.conjuncts);
        let mut conditions = Vec::new();
        on.iter().for_each(|on| predicate::conjuncts(on, &mut conditions));
        let mut wanted = need.required;
        above.iter().for_each(|conjunct| walk::add_columns(conjunct, &mut wanted));
        let mut required = wanted.clone();
        conditions.iter().for_each(|conjunct| walk::add_columns(conjunct, &mut required));
        let left = self.relation(left, Need::columns(required.clone()))?;
        let right = self.relation(right, Need::columns(required))?;
        let node = self.join_nodes(left, right, JoinType::Full, conditions, &wanted)?;
        self.filter(node, above)
    }

    fn inner_join(&mut self, relation: &Relation, need: Need) -> Result<Arc<Node>> {
        self.inner_of(&[relation], None, need)
    }

    /// The inner join of relations under a condition.
    fn inner_of(
        &mut self,
        relations: &[&Relation],
        on: Option<&Expression>,
        mut need: Need,
    ) -> Result<Arc<Node>> {
        let (mut leaves, mut conjuncts) = (Vec::new(), Vec::new());
        for relation in relations {
            flatten(relation, &mut leaves, &mut conjuncts);
        }
        on.iter().for_each(|on| predicate::conjuncts(on, &mut conjuncts));
        conjuncts.append(&mut need.conjuncts);
        if conjuncts.iter().any(predicate::is_never) {
            let required = need.required;
            let mut columns = Vec::new();
            for leaf in leaves {
                columns.extend(
                    self.relation(leaf.relation, Need::columns(required.clone()))?.columns.iter().copied(),
                );
            }
            return Ok(super::planner::nothing(columns));
        }
        let (volatile, mut conjuncts): (Vec<_>, Vec<_>) = conjuncts.into_iter().partition(is_volatile);
        predicate::spread_constants(&mut conjuncts);
        let (joins, conjuncts) = self.split_subquery_joins(conjuncts);
        let mut final_columns = need.required.clone();
        volatile.iter().for_each(|conjunct| walk::add_columns(conjunct, &mut final_columns));
        joins.iter().for_each(|join| walk::add_columns(&join.conjunct, &mut final_columns));
        let rest = place_conjuncts(&mut leaves, conjuncts);
        add_lateral_reads(&mut leaves);
        let limited = need.limited && joins.is_empty() && volatile.is_empty();
        let mut node = self.join_leaves(leaves, rest, &final_columns, &need.order, limited)?;
        for join in joins {
            node = self.subquery_join(node, join, &final_columns)?;
        }
        self.filter(node, volatile)
    }

    fn join_leaves(
        &mut self,
        mut leaves: Vec<Leaf<'_>>,
        mut conjuncts: Vec<Expression>,
        required: &Columns,
        order: &[crate::tree::SortKey],
        limited: bool,
    ) -> Result<Arc<Node>> {
        let mut sizes: Vec<f64> = leaves.iter().map(|leaf| self.leaf_rows(leaf)).collect();
        let first = if leaves.iter().any(|leaf| !leaf.reads.is_empty()) {
            first_free(&leaves)
        } else {
            self.smallest_start(&leaves, &sizes, &conjuncts)
        };
        let leaf = leaves.remove(first);
        let mut rows = sizes.remove(first);
        let need = self.leaf_need(&leaf, &leaves, &conjuncts, required);
        let need = Need { order: order.to_vec(), limited: limited && conjuncts.is_empty(), ..need };
        let mut node = self.relation(leaf.relation, need)?;
        let mut joined = leaf.produced;
        while !leaves.is_empty() {
            let next = self.next_leaf(&leaves, &sizes, &joined, rows, &conjuncts);
            let leaf = leaves.remove(next);
            sizes.remove(next);
            let mut together = joined.clone();
            together.extend(&leaf.produced);
            let (conditions, later): (Vec<_>, Vec<_>) = conjuncts.into_iter().partition(|conjunct| {
                let others = leaves.iter().any(|leaf| predicate::reads_any(conjunct, &leaf.produced));
                !others
            });
            conjuncts = later;
            let mut need = self.leaf_need(&leaf, &leaves, &conditions, required);
            conjuncts.iter().for_each(|conjunct| walk::add_columns(conjunct, &mut need.required));
            let mut wanted = required.clone();
            conjuncts.iter().for_each(|conjunct| walk::add_columns(conjunct, &mut wanted));
            leaves.iter().for_each(|leaf| wanted.extend(&leaf.reads));
            let lateral = !leaf.reads.is_empty();
            node =
                self.join_relation(node, leaf.relation, need, JoinType::Inner, conditions, &wanted, lateral)?;
            rows = node.estimate.rows;
            joined = together;
        }
        self.filter(node, conjuncts)
    }

    /// What is wanted of a leaf: for the result, for conditions still to come, for leaves that read it.
    fn leaf_need(
        &self,
        leaf: &Leaf<'_>,
        others: &[Leaf<'_>],
        conjuncts: &[Expression],
        required: &Columns,
    ) -> Need {
        let mut wanted = required.clone();
        conjuncts.iter().for_each(|conjunct| walk::add_columns(conjunct, &mut wanted));
        others.iter().for_each(|leaf| wanted.extend(&leaf.reads));
        others
            .iter()
            .flat_map(|leaf| &leaf.conjuncts)
            .for_each(|conjunct| walk::add_columns(conjunct, &mut wanted));
        Need { conjuncts: leaf.conjuncts.clone(), required: wanted, ..Need::default() }
    }

    /// Joins two nodes: by hash where an equality allows it, else by a loop.
    pub(super) fn join_nodes(
        &mut self,
        left: Arc<Node>,
        right: Arc<Node>,
        kind: JoinType,
        conditions: Vec<Expression>,
        wanted: &Columns,
    ) -> Result<Arc<Node>> {
        let selectivity = self.selectivity_of_all(&conditions);
        let rows = joined_estimate(kind, left.estimate.rows, right.estimate.rows, selectivity);
        let (mut keys, mut rest) = (Vec::new(), Vec::new());
        for conjunct in conditions {
            match find_key_pair(&conjunct, &left, &right) {
                Some(pair) => keys.push(pair),
                None => rest.push(conjunct),
            }
        }
        if keys.is_empty() {
            return self.loop_join(left, right, kind, rest, wanted, rows);
        }
        let condition = keys
            .iter()
            .map(|key| {
                let (left, right) =
                    (super::explain::expression_text(&key.left), super::explain::expression_text(&key.right));
                format!("({left} = {right})")
            })
            .collect::<Vec<_>>()
            .join(" AND ");
        let output = output_of(kind, &left, &right, wanted);
        let columns = pick(kind, &left, &right, &output);
        let left_width = left.columns.len();
        let (left, left_keys) = self.keyed(left, keys.iter().map(|key| (&key.left, key.form)))?;
        let (right, right_keys) = self.keyed(right, keys.iter().map(|key| (&key.right, key.form)))?;
        // Output positions and the filter count the right's columns behind the left's own, its keys included.
        let shift = left.columns.len() - left_width;
        let output = output.into_iter().map(|at| if at < left_width { at } else { at + shift }).collect();
        let filter = self.join_filter(rest, &left, &right)?;
        let build_left = match kind {
            JoinType::Inner | JoinType::Semi | JoinType::Anti => {
                left.estimate.rows * 2.0 < right.estimate.rows
            }
            JoinType::Left => left.estimate.rows * 10.0 < right.estimate.rows,
            JoinType::Full => false,
        };
        let total = left.estimate.total
            + right.estimate.total
            + (left.estimate.rows + right.estimate.rows) * 0.01
            + rows * 0.01;
        let startup = if build_left { left.estimate.total } else { right.estimate.total };
        let keys = left_keys.into_iter().zip(right_keys).collect();
        let join = HashJoin { kind, left, right, keys, filter, output, build_left, condition };
        Ok(Arc::new(Node::new(Operator::HashJoin(join), columns, estimate(rows, startup, total))))
    }

    fn loop_join(
        &mut self,
        left: Arc<Node>,
        right: Arc<Node>,
        kind: JoinType,
        conditions: Vec<Expression>,
        wanted: &Columns,
        rows: f64,
    ) -> Result<Arc<Node>> {
        let (left, right) = (with_a_column(left), with_a_column(right));
        let output = output_of(kind, &left, &right, wanted);
        let columns = pick(kind, &left, &right, &output);
        let filter = self.join_filter(conditions, &left, &right)?;
        let total =
            left.estimate.total + right.estimate.total + left.estimate.rows * right.estimate.rows * 0.0025;
        let estimate = estimate(rows, right.estimate.total, total);
        let join = LoopJoin { kind, left, right, filter, output };
        Ok(Arc::new(Node::new(Operator::LoopJoin(join), columns, estimate)))
    }

    /// A node with key columns behind its own, and where the keys stand.
    pub(super) fn keyed<'e>(
        &mut self,
        node: Arc<Node>,
        keys: impl Iterator<Item = (&'e Expression, super::node::KeyForm)>,
    ) -> Result<(Arc<Node>, Vec<usize>)> {
        let layout = node.layout();
        let (mut added, mut positions): (Vec<KeyExpression>, Vec<usize>) = (Vec::new(), Vec::new());
        for (expression, form) in keys {
            let expression = self.compile(expression, &layout)?;
            match expression.as_input() {
                Some(position) if form == super::node::KeyForm::Native => positions.push(position),
                _ => {
                    positions.push(node.columns.len() + added.len());
                    added.push(KeyExpression { expression, form });
                }
            }
        }
        Ok((with_keys(node, added), positions))
    }

    fn join_filter(
        &mut self,
        conditions: Vec<Expression>,
        left: &Node,
        right: &Node,
    ) -> Result<Option<JoinFilterPlan>> {
        let Some(condition) = predicate::conjunction(conditions) else { return Ok(None) };
        let read = walk::columns_of(&condition);
        let all = left.columns.iter().chain(&right.columns);
        let (inputs, columns): (Vec<usize>, Vec<PlanColumn>) =
            all.copied().enumerate().filter(|(_, column)| read.contains(&column.number)).unzip();
        let layout = Layout::new(columns.iter().map(|column| column.number));
        let predicate = self.compile(&condition, &layout)?;
        Ok(Some(JoinFilterPlan { predicate, inputs, schema: schema_of(&columns) }))
    }
}

/// A node with these keys behind its columns. Key columns have no number of their own.
pub(super) fn with_keys(node: Arc<Node>, keys: Vec<KeyExpression>) -> Arc<Node> {
    if keys.is_empty() {
        return node;
    }
    let mut columns = node.columns.clone();
    columns.extend(keys.iter().map(KeyExpression::column));
    let (estimate, order) = (node.estimate, node.order.clone());
    Arc::new(Node::new(Operator::Keys { input: node, keys }, columns, estimate).ordered(order))
}

/// A node with at least one column, as DataFusion's joins want it.
fn with_a_column(node: Arc<Node>) -> Arc<Node> {
    if !node.columns.is_empty() {
        return node;
    }
    let ty = crate::tree::Type::new(crate::types::oid::BOOL);
    let one = CompiledExpression::constant(engine::Value::Bool(true), ty, engine::PhysicalType::Bool);
    with_keys(node, vec![KeyExpression { expression: one, form: super::node::KeyForm::Native }])
}

/// Reads a condition as an equality between the sides that can be a hash key.
fn find_key_pair(conjunct: &Expression, left: &Node, right: &Node) -> Option<KeyPair> {
    let found = predicate::as_comparison(conjunct)?;
    if found.comparison != Comparison::Equal {
        return None;
    }
    // An operator over arrays or rows of any type compares by the actual one.
    let declared = |ty: u32, side: &Expression| if is_pseudo_type(ty) { side.ty.oid } else { ty };
    let (left_type, right_type) =
        (declared(found.left_type, found.left), declared(found.right_type, found.right));
    let form = predicate::join_key_form(left_type, right_type)?;
    let of = |expression: &Expression, node: &Node, other: &Node| {
        let read = walk::columns_of(expression);
        !read.is_empty()
            && read.iter().any(|number| node.position(*number).is_some())
            && read.iter().all(|number| other.position(*number).is_none())
    };
    let (one, two) = (found.left, found.right);
    if of(one, left, right) && of(two, right, left) {
        Some(KeyPair { left: one.clone(), right: two.clone(), form: form })
    } else if of(one, right, left) && of(two, left, right) {
        Some(KeyPair { left: two.clone(), right: one.clone(), form: form })
    } else {
        None
    }
}

/// anyarray, record, anyelement, anyenum, anyrange.
fn is_pseudo_type(oid: u32) -> bool {
    matches!(oid, 2277 | 2249 | 2283 | 3500 | 3831)
}

fn joined_estimate(kind: JoinType, left: f64, right: f64, selectivity: f64) -> f64 {
    let inner = (left * right * selectivity).max(1.0);
    match kind {
        JoinType::Inner => inner,
        JoinType::Left => inner.max(left),
        JoinType::Full => inner.max(left).max(right),
        JoinType::Semi => inner.min(left),
        JoinType::Anti => (left - inner.min(left)).max(1.0),
    }
}

/// Positions, among the left's columns followed by the right's, of the columns wanted of a join.
pub(super) fn output_of(kind: JoinType, left: &Node, right: &Node, wanted: &Columns) -> Vec<usize> {
    let right: &[PlanColumn] =
        if matches!(kind, JoinType::Semi | JoinType::Anti) { &[] } else { &right.columns };
    // DataFusion's joins want at least one column.
    let none_wanted = !left.columns.iter().chain(right).any(|column| wanted.contains(&column.number));
    left.columns
        .iter()
        .chain(right)
        .enumerate()
        .filter(|(position, column)| wanted.contains(&column.number) || none_wanted && *position == 0)
        .map(|(position, _)| position)
        .collect()
}

/// The columns at positions of a join's output.
pub(super) fn pick(kind: JoinType, left: &Node, right: &Node, output: &[usize]) -> Vec<PlanColumn> {
    let right: &[PlanColumn] =
        if matches!(kind, JoinType::Semi | JoinType::Anti) { &[] } else { &right.columns };
    output.iter().filter_map(|at| left.columns.iter().chain(right).nth(*at)).copied().collect()
}
