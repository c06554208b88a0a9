//! Joins whose right side is found anew for each left row: by an index, or by executing its plan.

use std::sync::Arc;

use super::node::{Apply, IndexJoin, JoinType, Node, Operator, PlanColumn};
use super::planner::{Need, Planner, estimate, plan_column};
use super::walk::{self, Columns};
use crate::error::Result;
use crate::evaluate::Layout;
use crate::tree::{Expression, Relation, TableScan, TimeClause};

impl Planner<'_> {
    /// A join that looks the right table's rows up in an index, where that is cheaper than reading them all.
    pub(super) fn index_join(
        &mut self,
        left: &Arc<Node>,
        scan: &TableScan,
        need: &Need,
        kind: JoinType,
        conditions: &[Expression],
        wanted: &Columns,
    ) -> Result<Option<Arc<Node>>> {
        let (catalog, relation) = self.relation_of(scan)?;
        let one_moment = matches!(scan.time, None | Some(TimeClause::AsOf(_)));
        if relation.is_system()
            || super::table::is_computed(&relation)
            || conditions.is_empty()
            || !one_moment
        {
            return Ok(None);
        }
        self.note_columns(scan, &relation);
        let rows = self.input.statistics.rows(scan.table).max(1.0);
        let own: Columns = scan.columns.iter().map(|column| column.number).collect();
        let mut conjuncts: Vec<Expression> = conditions.to_vec();
        conjuncts.extend(need.conjuncts.iter().cloned());
        let paths = catalog.indexes_of(self.input.database, scan.table);
        let best = paths
            .filter_map(|relation| self.index_path(scan, relation, &conjuncts, &own, rows))
            .filter(|path| path.used.iter().any(|used| *used < conditions.len()))
            .min_by(|one, two| one.cost.total_cmp(&two.cost));
        let Some(path) = best else { return Ok(None) };
        let probing = left.estimate.rows * path.cost;
        let hashing = rows * 0.025 + left.estimate.rows * 0.01;
        if probing >= hashing {
            return Ok(None);
        }
        if !self.dependencies.contains(&scan.table) {
            self.dependencies.push(scan.table);
        }
        let mut read = need.all_columns();
        conditions.iter().for_each(|conjunct| walk::add_columns(conjunct, &mut read));
        let inner: Vec<PlanColumn> = scan
            .columns
            .iter()
            .filter(|column| read.contains(&column.number))
            .map(|column| plan_column(column.number, column.ty))
            .collect();
        let access = self.access(scan, &relation, &inner)?;
        let index = self.index_access(&path, &left.layout())?;
        let both: Vec<PlanColumn> = left.columns.iter().chain(&inner).copied().collect();
        let all_conditions = self.scan_filter(conjuncts.clone(), &both)?;
        let rest: Vec<Expression> = conjuncts
            .into_iter()
            .enumerate()
            .filter(|(at, _)| !path.used.contains(at))
            .map(|(_, conjunct)| conjunct)
            .collect();
        let selectivity = self.selectivity_of_all(&rest);
        let filter = self.scan_filter(rest, &both)?;
        let (output, columns) = positions(&both, wanted);
        let rows = (left.estimate.rows * path.rows * selectivity).max(1.0);
        let estimate = estimate(rows, left.estimate.startup, left.estimate.total + probing);
        let join =
            IndexJoin { kind, input: left.clone(), access, index, inner, filter, all_conditions, output };
        let order = left.order.clone();
        Ok(Some(Arc::new(Node::new(Operator::IndexJoin(join), columns, estimate).ordered(order))))
    }

    /// A join that executes the right plan for each left row.
    pub(super) fn apply(
        &mut self,
        left: Arc<Node>,
        right: &Relation,
        need: Need,
        kind: JoinType,
        conditions: Vec<Expression>,
        wanted: &Columns,
    ) -> Result<Arc<Node>> {
        let mut read = walk::relation_columns(right);
        need.conjuncts.iter().for_each(|conjunct| walk::add_columns(conjunct, &mut read));
        // An inner join's conditions are best tested inside, where an index may serve them.
        let mut need = need;
        let conditions = if kind == JoinType::Inner {
            conditions.iter().for_each(|conjunct| walk::add_columns(conjunct, &mut read));
            need.conjuncts.extend(conditions);
            Vec::new()
        } else {
            conditions
        };
        let bindings: Vec<(usize, usize)> = left
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| read.contains(&column.number))
            .map(|(position, column)| (position, self.slot(column.number)))
            .collect();
        let right = self.within(&left.columns, |planner| planner.relation(right, need))?;
        let both: Vec<PlanColumn> = left.columns.iter().chain(&right.columns).copied().collect();
        let filter = match super::predicate::conjunction(conditions) {
            Some(condition) => {
                let layout = Layout::new(both.iter().map(|column| column.number));
                Some(self.compile(&condition, &layout)?)
            }
            None => None,
        };
        let (output, columns) = positions(&both, wanted);
        let rows = (left.estimate.rows * right.estimate.rows).max(1.0);
        let total = left.estimate.total + left.estimate.rows * right.estimate.total.max(0.01);
        let order = left.order.clone();
        let join = Apply { kind, left, right, bindings, filter, output };
        let node = Node::new(Operator::Apply(join), columns, estimate(rows, 0.0, total));
        Ok(Arc::new(node.ordered(order)))
    }
}

/// Positions and columns of those wanted.
fn positions(columns: &[PlanColumn], wanted: &Columns) -> (Vec<usize>, Vec<PlanColumn>) {
    columns.iter().copied().enumerate().filter(|(_, column)| wanted.contains(&column.number)).unzip()
}
