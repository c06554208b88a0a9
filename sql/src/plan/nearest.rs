//! Nearest neighbours: a table's rows in the order of a distance, few of them wanted.
//!
//! `ORDER BY column <op> value LIMIT k` over one table becomes a [`Nearest`] beneath the sort. It finds the nearest rows
//! by their vectors and what the conditions read alone, and only then fetches what else is wanted of those few. Whatever
//! it gives, the sort above computes the distances again and orders by them: the node has to give no order, only
//! every row that may be among the first. Without a limit an index changes nothing but which rows there are, where
//! sequential scans are turned off: see [`Held`].

use std::sync::Arc;

use catalog::builtin;
use catalog::{IndexSource, Relation as CatalogRelation, Snapshot};
use engine::{ColumnId, IndexId, PhysicalType};

use super::explain::expression_text;
use super::facts::is_volatile;
use super::node::{Held, Nearest, Node, Operator, PlanColumn, Scan, Share, Source, VectorIndex};
use super::planner::{Need, Planner, estimate};
use super::predicate::as_column;
use super::table::is_bound;
use super::walk::{self, Columns};
use crate::error::{Error, Result};
use crate::evaluate::Layout;
use crate::functions::distance_of;
use crate::tree::{ColumnNumber, Expression, ExpressionKind, SortKey, SystemColumn, TableScan, Type};
use crate::types::embedding::Element;
use crate::types::embedding::distance::Metric;
use crate::types::oid;

/// A search of another index that finds at most this many rows is better than one by distance.
const FEW_ROWS: f64 = 2000.0;

/// What an order by distance is between.
pub(super) struct DistanceOrder {
    function: u32,
    metric: Metric,
    element: Element,
    column: ColumnNumber,
    attribute: i16,
    other: Expression,
    /// The column is the second argument.
    flipped: bool,
    /// Rows at one distance have an order of their own.
    ties: bool,
    /// The distance for EXPLAIN, columns by number.
    shown: String,
}

/// The distance that rows of a scan are wanted in the order of: between a column of the scan and what reads none.
pub(super) fn distance_order(scan: &TableScan, order: &[SortKey]) -> Option<DistanceOrder> {
    let (key, others) = order.split_first()?;
    if key.descending || key.nulls_first {
        return None;
    }
    let ExpressionKind::Call { function, arguments, .. } = &key.expression.kind else { return None };
    let (metric, element) = distance_of(*function)?;
    let [left, right] = arguments.as_slice() else { return None };
    let own: Columns = scan.columns.iter().map(|column| column.number).collect();
    let attribute_of = |side: &Expression| {
        let number = as_column(side)?;
        let column = scan.columns.iter().find(|column| column.number == number)?;
        match column.source {
            SystemColumn::Attribute(attribute) if column.ty.oid == side.ty.oid => Some((number, attribute)),
            _ => None,
        }
    };
    let (found, other, flipped) = match (attribute_of(left), attribute_of(right)) {
        (Some(found), _) if is_bound(right, &own) => (found, right, false),
        (_, Some(found)) if is_bound(left, &own) => (found, left, true),
        _ => return None,
    };
    let (column, attribute) = found;
    Some(DistanceOrder {
        function: *function,
        metric,
        element,
        column,
        attribute,
        other: other.clone(),
        flipped,
        ties: !others.is_empty(),
        shown: format!("({})", expression_text(&key.expression)),
    })
}

impl Planner<'_> {
    /// A scan for the first rows in the order of a distance; `None` where that is not what is asked.
    pub(super) fn nearest(
        &mut self,
        scan: &TableScan,
        catalog: &Snapshot,
        relation: &CatalogRelation,
        columns: &[PlanColumn],
        need: &Need,
    ) -> Result<Option<Arc<Node>>> {
        let Some(order) = distance_order(scan, &need.order) else { return Ok(None) };
        // A condition with a query of its own cannot be tested in the midst of the engine's search.
        let testable = !need.conjuncts.iter().any(walk::has_subquery);
        let index = self.vector_index(catalog, relation, &order).filter(|_| testable || need.fetch.is_none());
        let rows = self.input.statistics.rows(scan.table).max(1.0);
        if need.fetch.is_none() && index.is_none() {
            return Ok(None);
        }
        let path = self.best_index(scan, catalog, &need.conjuncts, &[], false, rows)?;
        if path.is_some_and(|path| path.rows <= FEW_ROWS) {
            return Ok(None);
        }
        let Some(fetch) = need.fetch.clone() else {
            return self.held(scan, relation, columns, need, &order, rows);
        };
        let input = self.vectors(scan, relation, need, &order, rows)?;
        let mut access = self.access(scan, relation, columns)?;
        access.filter = self.scan_filter(need.conjuncts.clone(), columns)?;
        let other = self.compile(&order.other, &Layout::default())?;
        let column = relation.column(order.attribute);
        let vector = column
            .map(|column| ColumnId(column.id))
            .ok_or_else(|| Error::internal("an order by distance from a column that is not there"))?;
        let tests_vector =
            need.conjuncts.iter().any(|conjunct| walk::columns_of(conjunct).contains(&order.column));
        let share = match need.conjuncts.is_empty() {
            true => None,
            false => Some(Share {
                part: (input.estimate.rows / rows).clamp(0.0, 1.0),
                asks_rows: !need.conjuncts.iter().all(|conjunct| self.is_known(conjunct))
                    && !need.conjuncts.iter().any(is_volatile),
            }),
        };
        let wanted = 100.0_f64.min(input.estimate.rows);
        let estimate = match index {
            Some(_) => estimate(wanted, 0.0, wanted * 0.1),
            None => estimate(wanted, input.estimate.total, input.estimate.total + wanted * 0.1),
        };
        let nearest = Nearest {
            shown: order.shown,
            input,
            access,
            vector,
            metric: order.metric,
            element: order.element,
            other,
            flipped: order.flipped,
            ties: order.ties,
            tests_vector,
            share,
            rows,
            fetch,
            index,
        };
        Ok(Some(Arc::new(Node::new(Operator::Nearest(nearest), columns.to_vec(), estimate))))
    }

    /// Every row in question, or of those what the index holds.
    fn held(
        &mut self,
        scan: &TableScan,
        relation: &CatalogRelation,
        columns: &[PlanColumn],
        need: &Need,
        order: &DistanceOrder,
        rows: f64,
    ) -> Result<Option<Arc<Node>>> {
        let Some(vector) = columns.iter().position(|column| column.number == order.column) else {
            return Ok(None);
        };
        let access = self.access(scan, relation, columns)?;
        let input = self.sequential_scan(access, columns.to_vec(), rows, need.clone())?;
        let estimate = input.estimate;
        let held = Held { input, vector, metric: order.metric, element: order.element };
        Ok(Some(Arc::new(Node::new(Operator::Held(held), columns.to_vec(), estimate))))
    }

    /// A scan of the vectors, of what the conditions read, and of the handles, in this order.
    fn vectors(
        &mut self,
        scan: &TableScan,
        relation: &CatalogRelation,
        need: &Need,
        order: &DistanceOrder,
        rows: f64,
    ) -> Result<Arc<Node>> {
        let mut read = Need { conjuncts: need.conjuncts.clone(), ..Need::default() }.all_columns();
        read.remove(&order.column);
        let vector = scan.columns.iter().find(|column| column.number == order.column);
        let others = scan.columns.iter().filter(|column| read.contains(&column.number));
        let columns: Vec<PlanColumn> = vector
            .into_iter()
            .chain(others)
            .map(|column| super::planner::plan_column(column.number, column.ty))
            .collect();
        let mut access = self.access(scan, relation, &columns)?;
        access.handle = None;
        access.filter = self.scan_filter(need.conjuncts.clone(), &columns)?;
        access.sources.push(Source::Handle);
        let mut columns = columns;
        columns.push(PlanColumn {
            number: ColumnNumber(u32::MAX),
            ty: Type::new(oid::UUID),
            physical: PhysicalType::Fixed16,
        });
        let selectivity = self.selectivity_of_all(&need.conjuncts);
        let estimate = estimate((rows * selectivity).max(1.0), 0.0, rows * 0.02);
        Ok(Arc::new(Node::new(Operator::Scan(Scan { access, ranges: Vec::new() }), columns, estimate)))
    }

    /// The vector index for a distance over a column.
    fn vector_index(
        &self,
        catalog: &Snapshot,
        relation: &CatalogRelation,
        order: &DistanceOrder,
    ) -> Option<VectorIndex> {
        let mut found = catalog.indexes_of(self.input.database, relation.oid).filter_map(|object| {
            let index = object.as_index().filter(|index| index.valid && !index.is_keyed())?;
            let key = index.keys.first()?;
            let on_column = matches!(key.source, IndexSource::Column(number) if number == order.attribute);
            (on_column && builtin::ordering_function(key.operator_class) == Some(order.function)).then(|| {
                VectorIndex {
                    index: IndexId(object.oid),
                    name: object.name.clone(),
                    dimensions: usize::try_from(key.typmod).unwrap_or(0),
                }
            })
        });
        found.next()
    }
}
