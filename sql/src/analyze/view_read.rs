//! Materialized views in a query: scans of them put aside for what they stand for.

use std::sync::Arc;

use catalog::builtin;
use engine::Value;

use super::parameter::Parameters;
use super::{Analyzer, Environment};
use crate::error::{Error, Result};
use crate::tree::visit::{Visitor, walk_query};
use crate::tree::{
    Column, ColumnNumber, Expression, ExpressionKind, OutputColumn, Query, Relation, SetOperator,
    SystemColumn, TableColumn, TableScan, TimeClause, Type,
};
use crate::types::array::Array;
use crate::types::oid;

/// How a materialized view in a query is read.
#[derive(Clone, Debug)]
pub enum ViewRead {
    /// Its stored rows, as of another moment than the scan's where one is given.
    Stored(Option<TimeClause>),
    /// The stored rows of a step with what has changed since.
    Changed(Arc<StoredChange>),
    /// Its query, at the moment of the scan.
    Query,
}

/// What lies over the stored rows of a step.
#[derive(Debug)]
pub struct StoredChange {
    /// The commit of the step.
    pub step: TimeClause,
    /// The writes of stored rows that are gone.
    pub gone: Vec<[u8; 16]>,
    /// Rows that have come.
    pub came: Vec<Vec<Value>>,
}

/// Decides on a scan of a materialized view, by the relation and the moment that it is read at.
pub type ViewDecision<'d> = &'d mut dyn FnMut(&catalog::Relation, Option<&TimeClause>) -> Result<ViewRead>;

/// A query with plain views expanded, and materialized views as `decide` says, those inside others too. `time`: the
/// moment of scans that say none.
pub fn read_views(
    environment: Environment<'_>,
    query: &Query,
    time: Option<TimeClause>,
    decide: ViewDecision<'_>,
) -> Result<Query> {
    let mut analyzer = Analyzer::new(environment, "", Parameters::default());
    let mut query = query.clone();
    let mut highest = Highest::default();
    walk_query(&mut query, &mut highest);
    // What views bring along gets numbers above all that are there.
    analyzer.owners = vec![u32::MAX; highest.columns as usize];
    analyzer.next_common = highest.common;
    analyzer.view_time = time;
    let mut visitor = ReadViews { analyzer: &mut analyzer, decide, error: None };
    walk_query(&mut query, &mut visitor);
    match visitor.error {
        Some(error) => Err(error),
        None => Ok(query),
    }
}

/// How many numbers are taken.
#[derive(Default)]
struct Highest {
    columns: u32,
    common: u32,
}

impl Visitor for Highest {
    fn column(&mut self, column: &mut ColumnNumber) {
        self.columns = self.columns.max(column.0.saturating_add(1));
    }

    fn common(&mut self, id: &mut u32) {
        self.common = self.common.max(id.saturating_add(1));
    }
}

/// Puts queries in the place of scans of materialized views.
struct ReadViews<'r, 'a, 'd> {
    analyzer: &'r mut Analyzer<'a>,
    decide: ViewDecision<'d>,
    error: Option<Error>,
}

/// What stands in the place of a scan, and whether views may stand in it.
struct Replacement {
    relation: Relation,
    open: bool,
}

impl ReadViews<'_, '_, '_> {
    fn replacement(&mut self, scan: &mut TableScan) -> Result<Option<Replacement>> {
        if let Some(relation) = self.analyzer.expanded_scan(scan)? {
            return Ok(Some(Replacement { relation, open: true }));
        }
        let past = match &scan.time {
            Some(clause) => self.analyzer.catalog_of(clause)?,
            None => None,
        };
        let catalog = past.as_deref().unwrap_or(self.analyzer.environment.catalog);
        let Some(object) = catalog.relation(self.analyzer.environment.database, scan.table).cloned() else {
            return Ok(None);
        };
        let Some(materialized) = object.as_materialized_view() else { return Ok(None) };
        match (self.decide)(&object, scan.time.as_ref())? {
            ViewRead::Stored(time) => {
                if time.is_some() {
                    scan.time = time;
                }
                Ok(None)
            }
            ViewRead::Query => {
                let outer = std::mem::replace(&mut self.analyzer.view_time, scan.time.clone());
                let expanded = self.analyzer.expanded_view(&materialized.view.query, scan);
                self.analyzer.view_time = outer;
                expanded.map(|relation| Some(Replacement { relation, open: true }))
            }
            ViewRead::Changed(change) => {
                let relation = self.changed(&object, scan, &change)?;
                Ok(Some(Replacement { relation, open: false }))
            }
        }
    }

    /// The stored rows of a step with the changes since: rows that are gone taken out, by the writes that made them (of
    /// equal rows some may look different), new ones added.
    fn changed(
        &mut self,
        object: &catalog::Relation,
        scan: &TableScan,
        change: &StoredChange,
    ) -> Result<Relation> {
        let mut columns: Vec<TableColumn> = object
            .live_columns()
            .map(|column| TableColumn {
                number: self.fresh(),
                source: SystemColumn::Attribute(column.number),
                ty: Type::with_typmod(column.type_oid, column.typmod),
                collation: column.collation,
            })
            .collect();
        let outputs: Vec<Column> = columns
            .iter()
            .map(|column| Column { number: column.number, ty: column.ty, collation: column.collation })
            .collect();
        let time = Some(change.step.clone());
        let write = Column { number: self.fresh(), ty: Type::new(oid::UUID), collation: 0 };
        if !change.gone.is_empty() {
            let (number, ty) = (write.number, write.ty);
            columns.push(TableColumn { number, source: SystemColumn::WriteId, ty, collation: 0 });
        }
        let rows = TableScan { table: scan.table, name: scan.name.clone(), columns, time };
        let mut current = (Relation::Table(rows), outputs);
        if !change.gone.is_empty() {
            let predicate = not_among(&write, &change.gone)?;
            current.0 = Relation::Filter { input: Box::new(current.0), predicate };
        }
        if !change.came.is_empty() {
            let listed: Vec<Column> = self.like(&current.1);
            let columns: Vec<Column> = self.like(&current.1);
            let row = |row: &Vec<Value>| {
                row.iter().zip(&listed).map(|(value, column)| constant(value, column)).collect()
            };
            let rows = change.came.iter().map(row).collect();
            let values = Relation::Values { columns: listed.clone(), rows };
            let relation = Relation::SetOperation {
                operator: SetOperator::Union,
                all: true,
                left: Box::new(query_of(current.0, &current.1)),
                right: Box::new(query_of(values, &listed)),
                columns: columns.clone(),
            };
            current = (relation, columns);
        }
        let (input, columns) = current;
        let mut items = Vec::with_capacity(scan.columns.len());
        for column in &scan.columns {
            let SystemColumn::Attribute(attribute) = column.source else {
                return Err(Error::internal("a system column of a view"));
            };
            let place = object.live_columns().position(|known| known.number == attribute);
            let found = place.and_then(|place| columns.get(place));
            let found = found.ok_or_else(|| Error::internal("a view with fewer columns than it had"))?;
            let kind = ExpressionKind::Column(found.number);
            let value = Expression { kind, ty: found.ty, collation: found.collation, position: None };
            items.push((column.number, value));
        }
        Ok(Relation::Extend { input: Box::new(input), items })
    }

    fn fresh(&mut self) -> ColumnNumber {
        let number = self.analyzer.new_column();
        self.analyzer.used.insert(number);
        number
    }

    fn like(&mut self, columns: &[Column]) -> Vec<Column> {
        columns
            .iter()
            .map(|column| Column { number: self.fresh(), ty: column.ty, collation: column.collation })
            .collect()
    }
}

fn constant(value: &Value, column: &Column) -> Expression {
    let kind = ExpressionKind::Constant(value.clone());
    Expression { kind, ty: column.ty, collation: column.collation, position: None }
}

/// That a write is none of some.
fn not_among(write: &Column, gone: &[[u8; 16]]) -> Result<Expression> {
    let missing = || Error::internal("there is no equality of uuid");
    let equality = builtin::operator("=", oid::UUID, oid::UUID).ok_or_else(missing)?;
    let array = builtin::type_by_oid(oid::UUID).ok_or_else(missing)?.array;
    let plain = |kind, ty| Expression { kind, ty: Type::new(ty), collation: 0, position: None };
    let elements = gone.iter().map(|write| Value::Fixed16(*write)).collect();
    let list = Array::from_elements(oid::UUID, elements).to_value();
    let among = ExpressionKind::AnyArray {
        left: Box::new(plain(ExpressionKind::Column(write.number), oid::UUID)),
        right: Box::new(plain(ExpressionKind::Constant(list), array)),
        function: equality.function,
        operator: equality.oid,
        all: false,
    };
    Ok(plain(ExpressionKind::Not(Box::new(plain(among, oid::BOOL))), oid::BOOL))
}

/// A relation as the side of a set operation.
fn query_of(relation: Relation, columns: &[Column]) -> Query {
    let output = columns.iter().map(|column| OutputColumn {
        column: column.number,
        name: String::new(),
        ty: column.ty,
        collation: column.collation,
        origin: (0, 0),
    });
    Query { common: Vec::new(), relation, output: output.collect(), shape: None }
}

impl Visitor for ReadViews<'_, '_, '_> {
    fn relation(&mut self, relation: &mut Relation) -> bool {
        if self.error.is_some() {
            return false;
        }
        let Relation::Table(scan) = relation else { return true };
        match self.replacement(scan) {
            Ok(Some(Replacement { relation: replacement, open })) => {
                *relation = replacement;
                open
            }
            Ok(None) => false,
            Err(error) => {
                self.error = Some(error);
                false
            }
        }
    }
}
