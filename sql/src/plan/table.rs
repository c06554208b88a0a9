//! Scans of tables: which columns, which access path.

use std::sync::Arc;

use catalog::{Relation as CatalogRelation, RelationKind, Snapshot};
use engine::{ColumnId, TableId};

use super::NamedColumn;
use super::facts::is_volatile;
use super::node::{IndexScan, Node, Operator, OrderItem, PlanColumn, Scan, Source, SystemScan, TableAccess};
use super::planner::{Need, Planner, estimate, plan_column};
use super::predicate;
use super::walk::{self, Columns};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Layout;
use crate::tree::{ColumnNumber, Expression, SortKey, SystemColumn, TableScan, TimeClause};

impl Planner<'_> {
    pub(super) fn table(&mut self, scan: &TableScan, need: Need) -> Result<Arc<Node>> {
        let (catalog, relation) = self.relation_of(scan)?;
        if !self.dependencies.contains(&scan.table) {
            self.dependencies.push(scan.table);
        }
        let wanted = need.all_columns();
        let columns: Vec<PlanColumn> = scan
            .columns
            .iter()
            .filter(|column| wanted.contains(&column.number))
            .map(|column| plan_column(column.number, column.ty))
            .collect();
        if is_computed(&relation) {
            return self.system_scan(scan, &relation, columns, need);
        }
        self.note_columns(scan, &relation);
        let now_or_then = matches!(&scan.time, None | Some(TimeClause::AsOf(_)));
        if now_or_then && let Some(node) = self.nearest(scan, &catalog, &relation, &columns, &need)? {
            return Ok(node);
        }
        let access = self.access(scan, &relation, &columns)?;
        let rows = self.input.statistics.rows(scan.table).max(1.0);
        let path = match &scan.time {
            None | Some(TimeClause::AsOf(_)) => {
                self.best_index(scan, &catalog, &need.conjuncts, &need.order, need.limited, rows)?
            }
            // Of a period an index finds the versions of one key; others come from a scan.
            Some(TimeClause::FromTo(_, _) | TimeClause::Between(_, _) | TimeClause::All) => self
                .best_index(scan, &catalog, &need.conjuncts, &[], false, rows)?
                .filter(|path| path.unique_match)
                .map(|path| super::index::IndexPath { order: Vec::new(), ..path }),
        };
        match path {
            Some(path) => self.index_scan(access, columns, path, need),
            None => self.sequential_scan(access, columns, rows, need),
        }
    }

    /// Remembers which columns a scan's numbers are.
    pub(super) fn note_columns(&mut self, scan: &TableScan, relation: &Arc<CatalogRelation>) {
        let alias: Arc<str> = Arc::from(scan.name.as_str());
        for column in &scan.columns {
            if let SystemColumn::Attribute(attribute) = column.source
                && self.origins.insert(column.number, (scan.table, attribute)).is_none()
            {
                let (relation, alias) = (relation.clone(), alias.clone());
                self.named.push(NamedColumn { number: column.number, relation, alias, attribute });
            }
        }
    }

    /// The relation a scan reads, in the catalog of its moment.
    pub(super) fn relation_of(&mut self, scan: &TableScan) -> Result<(Arc<Snapshot>, Arc<CatalogRelation>)> {
        let catalog = match (&scan.time, self.input.catalog_at) {
            (Some(time), Some(catalog_at)) => catalog_at(time)?,
            _ => self.input.catalog.clone(),
        };
        let found = catalog.relation(self.input.database, scan.table).cloned();
        self.reads_views |= found.as_ref().is_some_and(|relation| relation.as_materialized_view().is_some());
        let relation = found.ok_or_else(|| {
            let message = format!("relation with OID {} does not exist", scan.table);
            let error = Error::new(SqlState::UndefinedTable, message);
            match scan.time {
                Some(_) => error.detail("There was no such relation at the moment of the time clause."),
                None => error,
            }
        })?;
        Ok((catalog, relation))
    }

    /// Which of the plan's moments a time clause is.
    fn moment(&mut self, time: Option<&TimeClause>) -> Option<usize> {
        let time = time?;
        let known = self.moments.iter().position(|known| known == time);
        Some(known.unwrap_or_else(|| {
            self.moments.push(time.clone());
            self.moments.len() - 1
        }))
    }

    /// What a scan reads, without a filter.
    pub(super) fn access(
        &mut self,
        scan: &TableScan,
        relation: &CatalogRelation,
        columns: &[PlanColumn],
    ) -> Result<TableAccess> {
        let sources =
            columns.iter().map(|column| source(scan, relation, column.number)).collect::<Result<Vec<_>>>()?;
        let handle = scan.columns.iter().find(|column| column.source == SystemColumn::Handle);
        Ok(TableAccess {
            oid: scan.table,
            table: TableId(scan.table),
            name: relation.name.clone(),
            alias: scan.name.clone(),
            sources,
            moment: self.moment(scan.time.as_ref()),
            handle: handle.map(|column| column.number),
            filter: None,
        })
    }

    pub(super) fn sequential_scan(
        &mut self,
        mut access: TableAccess,
        columns: Vec<PlanColumn>,
        rows: f64,
        need: Need,
    ) -> Result<Arc<Node>> {
        let total = rows * 0.015 + rows * 0.0025 * need.conjuncts.len() as f64;
        let selectivity = self.selectivity_of_all(&need.conjuncts);
        let ranges = self.zone_ranges(&need.conjuncts, &access, &columns)?;
        access.filter = self.scan_filter(need.conjuncts, &columns)?;
        let estimate = estimate((rows * selectivity).max(1.0), 0.0, total);
        Ok(Arc::new(Node::new(Operator::Scan(Scan { access, ranges }), columns, estimate)))
    }

    fn index_scan(
        &mut self,
        mut access: TableAccess,
        columns: Vec<PlanColumn>,
        path: super::index::IndexPath,
        need: Need,
    ) -> Result<Arc<Node>> {
        let all_conditions = self.scan_filter(need.conjuncts.clone(), &columns)?;
        let rest: Vec<_> = need
            .conjuncts
            .into_iter()
            .enumerate()
            .filter(|(index, _)| !path.used.contains(index))
            .map(|(_, conjunct)| conjunct)
            .collect();
        let selectivity = self.selectivity_of_all(&rest);
        access.filter = self.scan_filter(rest, &columns)?;
        let index = self.index_access(&path, &Layout::default())?;
        let order = path.order.clone();
        let estimate = estimate((path.rows * selectivity).max(1.0), 0.1, path.cost);
        let node =
            Node::new(Operator::IndexScan(IndexScan { access, index, all_conditions }), columns, estimate);
        Ok(Arc::new(node.ordered(order)))
    }

    pub(super) fn scan_filter(
        &mut self,
        conjuncts: Vec<Expression>,
        columns: &[PlanColumn],
    ) -> Result<Option<crate::evaluate::CompiledExpression>> {
        let layout = Layout::new(columns.iter().map(|column| column.number));
        predicate::conjunction(conjuncts).map(|predicate| self.compile(&predicate, &layout)).transpose()
    }

    fn system_scan(
        &mut self,
        scan: &TableScan,
        relation: &CatalogRelation,
        columns: Vec<PlanColumn>,
        need: Need,
    ) -> Result<Arc<Node>> {
        let attributes = columns
            .iter()
            .map(|column| {
                let found = scan.columns.iter().find(|candidate| candidate.number == column.number);
                match found.map(|found| found.source) {
                    Some(SystemColumn::Attribute(number)) => Ok(number),
                    Some(SystemColumn::TableOid) => Ok(0),
                    Some(_) => {
                        Err(Error::unsupported(format!("this system column of \"{}\"", relation.name)))
                    }
                    None => Err(Error::internal("a scan's column is not in its list")),
                }
            })
            .collect::<Result<Vec<_>>>()?;
        let filter = self.scan_filter(need.conjuncts, &columns)?;
        let operator = Operator::SystemScan(SystemScan {
            oid: relation.oid,
            name: relation.name.clone(),
            alias: scan.name.clone(),
            attributes,
            moment: self.moment(scan.time.as_ref()),
            filter,
        });
        Ok(Arc::new(Node::new(operator, columns, estimate(100.0, 0.0, 5.0))))
    }
}

/// Whether the rows are computed when they are read: a sequence's, and those of system relations but for a few.
pub(super) fn is_computed(relation: &CatalogRelation) -> bool {
    match &relation.kind {
        RelationKind::System { .. } => !catalog::store::is_stored(relation.oid),
        RelationKind::Sequence(_) => true,
        RelationKind::Table(_)
        | RelationKind::View(_)
        | RelationKind::MaterializedView(_)
        | RelationKind::Index(_) => false,
    }
}

/// Where a column of a system relation is found that lies in the engine.
fn stored_source(relation: u32, attribute: i16) -> Result<Source> {
    match (relation, attribute) {
        // strata.commits: its rows are written by the commits that they tell of.
        (catalog::store::COMMITS, 1) => Ok(Source::Commit),
        (catalog::store::COMMITS, 2) => Ok(Source::SystemFrom),
        _ => {
            let column =
                u32::try_from(attribute).map_err(|_| Error::internal("a column without a number"))?;
            Ok(Source::Column(ColumnId(column)))
        }
    }
}

/// Where a scan's column is found in the engine.
fn source(scan: &TableScan, relation: &CatalogRelation, number: ColumnNumber) -> Result<Source> {
    let column = scan
        .columns
        .iter()
        .find(|column| column.number == number)
        .ok_or_else(|| Error::internal("a scan's column is not in its list"))?;
    Ok(match column.source {
        SystemColumn::Attribute(attribute) if relation.is_system() => stored_source(relation.oid, attribute)?,
        SystemColumn::Attribute(attribute) => {
            let found = relation.column(attribute).ok_or_else(|| {
                // A view's time clause may lead to a moment at which the column did not exist.
                let message = format!("relation \"{}\" has no column number {attribute}", relation.name);
                Error::new(SqlState::UndefinedColumn, message)
            })?;
            Source::Column(ColumnId(found.id))
        }
        SystemColumn::TableOid => Source::TableOid,
        SystemColumn::Handle => Source::Handle,
        SystemColumn::Xmin => Source::Xmin,
        SystemColumn::Former(id) => Source::Column(ColumnId(id)),
        SystemColumn::SystemFrom => Source::SystemFrom,
        SystemColumn::SystemTo => Source::SystemTo,
        SystemColumn::WriteId => Source::WriteId,
        SystemColumn::PreviousWriteId => Source::PreviousWriteId,
    })
}

/// Whether rows in `known` order are in `wanted` order too.
pub(super) fn satisfies(known: &[OrderItem], wanted: &[SortKey]) -> bool {
    wanted.len() <= known.len()
        && wanted.iter().zip(known).all(|(key, item)| {
            predicate::as_column(&key.expression) == Some(item.column)
                && predicate::plain_collation(&key.expression)
                && key.descending == item.descending
                && key.nulls_first == item.nulls_first
        })
}

/// Whether an expression may be the bound of an index search that these columns feed: it reads nothing of the
/// scanned table and gives one value a search.
pub(super) fn is_bound(expression: &Expression, own: &Columns) -> bool {
    !is_volatile(expression) && walk::columns_of(expression).is_disjoint(own)
}
