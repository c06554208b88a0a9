//! strata.table_changes: every change of a table's rows after one moment and up to another, in the order of commits.
//!
//! The change index is read, never the table: the work is that of the changes, and so is the memory, of a few thousand
//! of them at a time. A row is shown by the columns that the table has at the end of the period; a version that is older
//! than a column's present type is shown with its value of then. An emptied table (TRUNCATE) lost the rows it had.

use std::collections::VecDeque;

use catalog::{IndexSource, ObjectKey, Privileges, Relation, RelationKind};
use engine::{
    ChangeCursor, ColumnId, Isolation, Operation, Past, ReadView, RowRef, ScanColumn, ScanCursor, TableId,
    Timestamp, Transaction, Value,
};

use super::engine_error;
use super::environment::StatementEnvironment;
use super::privileges::{Check, denied};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::{Context, value_at};
use crate::functions::{Rows, object_of};
use crate::types::array::Array;
use crate::types::oid;

/// Changes fetched at a time.
const FETCHED: usize = 1024;

/// A column as rows show it.
struct ShownColumn {
    attribute: i16,
    name: String,
    id: ColumnId,
    type_oid: u32,
    /// The ids and types that it had in versions that began before a microsecond, oldest first.
    formers: Vec<(i64, ColumnId, u32)>,
}

/// A version: when it began, and the values of all its ids.
struct Version {
    began: i64,
    values: Vec<Value>,
}

/// One change, taken out of the engine.
struct Change {
    at: Timestamp,
    operation: Operation,
    old: Option<Version>,
    new: Option<Version>,
}

/// The changes of a table, on their way.
struct Changes {
    table: TableId,
    columns: Vec<ShownColumn>,
    /// Every column id that may be asked for, and where each shown column is among them.
    ids: Vec<ColumnId>,
    /// The attributes of the primary key.
    key: Vec<i16>,
    cursor: ChangeCursor,
    fetched: VecDeque<Change>,
    /// The rows that the table lost when it was emptied: still to be read, and to be given out first.
    emptied: Option<(Timestamp, ScanCursor)>,
    lost: VecDeque<Change>,
    more: bool,
    /// Keeps what is read findable.
    transaction: Transaction,
}

impl StatementEnvironment {
    /// Starts strata.table_changes.
    pub(super) fn table_changes(
        &self,
        context: &Context,
        table: u32,
        (from, to): (i64, i64),
    ) -> Result<Box<dyn Rows>> {
        if from > to {
            let message = "the start of a period must not lie behind its end";
            return Err(Error::new(SqlState::InvalidParameterValue, message));
        }
        let database = context.environment.database();
        let catalog = context.environment.catalog();
        let relation = catalog.relation(database, table).ok_or_else(|| {
            Error::new(SqlState::UndefinedTable, format!("relation with OID {table} does not exist"))
        })?;
        if !matches!(relation.kind, RelationKind::Table(_) | RelationKind::MaterializedView(_)) {
            let message = format!("\"{}\" is not a table or materialized view", relation.name);
            return Err(Error::new(SqlState::WrongObjectType, message));
        }
        let identity = self.shared.identity.lock().clone();
        let check = Check { catalog: &catalog, database, role: identity.current_oid };
        if !identity.superuser && !check.allows(relation, Privileges::SELECT) {
            return Err(denied(relation));
        }
        let to = self.settle(Timestamp::from_micros(to))?;
        // The rows of other views are what was stored, as a table's are.
        if relation.as_maintained_view().is_some() {
            return self.view_changes(relation, Timestamp::from_micros(from), to);
        }
        let key = catalog.indexes_of(database, table).filter_map(|index| index.as_index());
        let key = key.filter(|index| index.primary).flat_map(|index| &index.keys);
        let key = key.filter_map(|key| match key.source {
            IndexSource::Column(number) => Some(number),
            IndexSource::Expression(_) => None,
        });
        let columns = self.shown_columns(database, relation, to)?;
        let mut ids: Vec<ColumnId> = columns.iter().map(|column| column.id).collect();
        ids.extend(columns.iter().flat_map(|column| column.formers.iter().map(|(_, id, _)| *id)));
        let transaction = self.shared.instance.database().begin(Isolation::ReadCommitted, true);
        let view = transaction.view_at(to);
        let table = TableId(table);
        let cursor = view.changes(table, Timestamp::from_micros(from), to).map_err(engine_error)?;
        Ok(Box::new(Changes {
            table,
            key: key.collect(),
            columns,
            ids,
            cursor,
            fetched: VecDeque::new(),
            emptied: None,
            lost: VecDeque::new(),
            more: true,
            transaction,
        }))
    }

    /// Waits until nothing can be committed at or before a moment any more.
    fn settle(&self, at: Timestamp) -> Result<Timestamp> {
        let mut settled = Ok(at);
        self.poll(|| match self.shared.instance.database().past(at) {
            Ok(Past::Ready(_)) => true,
            Ok(Past::Wait(_)) => false,
            Err(error) => {
                settled = Err(engine_error(error));
                true
            }
        })?;
        settled
    }

    /// The columns of a relation as of a moment, with what they were before.
    fn shown_columns(&self, database: u32, relation: &Relation, to: Timestamp) -> Result<Vec<ShownColumn>> {
        let key = ObjectKey::Relation { database, oid: relation.oid };
        let versions = self.shared.instance.store().versions_of(&key, Timestamp::ZERO, to);
        let versions: Vec<(i64, Relation)> = versions
            .map_err(crate::ddl::catalog_error)?
            .into_iter()
            .filter_map(|(began, object)| match object {
                catalog::Object::Relation(relation) => Some((began, *relation)),
                _ => None,
            })
            .collect();
        let last = versions.last().map_or(relation, |(_, last)| last);
        let columns = last.live_columns().map(|column| {
            let mut known: Vec<(i64, ColumnId, u32)> = Vec::new();
            for (began, version) in &versions {
                let Some(then) = version.column(column.number) else { continue };
                if known.last().is_none_or(|(_, id, _)| id.0 != then.id) {
                    known.push((*began, ColumnId(then.id), then.type_oid));
                }
            }
            // Each id holds until the next one begins; the last is the present one.
            let ends: Vec<i64> = known.iter().skip(1).map(|(began, _, _)| *began).collect();
            let formers = known.iter().zip(ends).map(|((_, id, ty), until)| (until, *id, *ty)).collect();
            ShownColumn {
                attribute: column.number,
                name: column.name.clone(),
                id: ColumnId(column.id),
                type_oid: column.type_oid,
                formers,
            }
        });
        Ok(columns.collect())
    }
}

impl Changes {
    /// Fetches the next changes; whether there are more.
    fn fetch(&mut self) -> Result<()> {
        let (ids, fetched) = (&self.ids, &mut self.fetched);
        let mut outcome = Ok(());
        self.more = self
            .cursor
            .next(FETCHED, &mut |change| {
                if outcome.is_err() {
                    return;
                }
                let version = |row: Option<RowRef<'_>>| row.map(|row| version_of(ids, &row)).transpose();
                let taken = (|| {
                    let (old, new) = (version(change.old)?, version(change.new)?);
                    Ok(Change { at: change.at, operation: change.operation, old, new })
                })();
                match taken {
                    Ok(change) => fetched.push_back(change),
                    Err(error) => outcome = Err(error),
                }
            })
            .map_err(engine_error)?;
        outcome
    }

    /// The view of the last moment before a commit.
    fn view_before(&self, at: Timestamp) -> ReadView {
        self.transaction.view_at(Timestamp(at.0.saturating_sub(1)))
    }

    /// The columns of a version with their types of then.
    fn fields<'v>(&'v self, version: &'v Version) -> impl Iterator<Item = (&'v ShownColumn, u32, &'v Value)> {
        self.columns.iter().map(|column| {
            let former = column.formers.iter().find(|(until, _, _)| version.began < *until);
            let (id, type_oid) = former.map_or((column.id, column.type_oid), |(_, id, ty)| (*id, *ty));
            let value = self.ids.iter().position(|known| *known == id);
            let value = value.and_then(|place| version.values.get(place)).unwrap_or(&Value::Null);
            (column, type_oid, value)
        })
    }

    fn shown<'v>(&'v self, version: &'v Version) -> Vec<Shown<'v>> {
        self.fields(version).map(|(column, ty, value)| (column.name.as_str(), ty, value)).collect()
    }

    /// The row of a change.
    fn row(&self, context: &Context, change: &Change) -> Result<Vec<Value>> {
        let operation = match change.operation {
            Operation::Insert => "insert",
            Operation::Update => "update",
            Operation::Delete | Operation::Truncate => "delete",
        };
        let key = match change.new.as_ref().or(change.old.as_ref()) {
            Some(version) => {
                let fields = self.key.iter().filter_map(|attribute| {
                    self.fields(version).find(|(column, _, _)| column.attribute == *attribute)
                });
                fields.map(|(column, ty, value)| (column.name.as_str(), ty, value)).collect()
            }
            None => Vec::new(),
        };
        let (old, new) = (&change.old, &change.new);
        let (old, new) = (old.as_ref().map(|old| self.shown(old)), new.as_ref().map(|new| self.shown(new)));
        change_row(context, change.at, operation, &key, old, new)
    }

    /// Reads on the rows that the table had when it was emptied, as deletions.
    fn fetch_lost(&mut self, at: Timestamp, mut scan: ScanCursor) -> Result<()> {
        let Some(batch) = scan.next() else { return Ok(()) };
        self.emptied = Some((at, scan));
        let batch = batch.map_err(engine_error)?;
        let (values, times) = batch.columns().split_at(self.ids.len());
        for row in 0..batch.num_rows() {
            let began = match times.first().map(|times| value_at(times.as_ref(), row)).transpose()? {
                Some(Value::Int64(began)) => began,
                _ => return Err(Error::internal("a version without a beginning")),
            };
            let values = values.iter().map(|column| value_at(column.as_ref(), row)).collect::<Result<_>>()?;
            let old = Some(Version { began, values });
            self.lost.push_back(Change { at, operation: Operation::Delete, old, new: None });
        }
        Ok(())
    }
}

impl Rows for Changes {
    fn next(&mut self, context: &Context) -> Result<Option<Vec<Value>>> {
        loop {
            if let Some(change) = self.lost.pop_front() {
                return self.row(context, &change).map(Some);
            }
            if let Some((at, scan)) = self.emptied.take() {
                self.fetch_lost(at, scan)?;
                continue;
            }
            match self.fetched.pop_front() {
                Some(Change { at, operation: Operation::Truncate, .. }) => {
                    let mut columns: Vec<ScanColumn> =
                        self.ids.iter().map(|id| ScanColumn::Column(*id)).collect();
                    columns.push(ScanColumn::SystemFrom);
                    let scan = self.view_before(at).scan(self.table, &columns, FETCHED);
                    self.emptied = Some((at, scan.map_err(engine_error)?));
                }
                Some(change) => return self.row(context, &change).map(Some),
                None if self.more => self.fetch()?,
                None => return Ok(None),
            }
        }
    }
}

/// A column's name, its type, and its value in a row.
pub(super) type Shown<'v> = (&'v str, u32, &'v Value);

/// The row of a change: at, op, key, changed, old, new.
pub(super) fn change_row(
    context: &Context,
    at: Timestamp,
    operation: &str,
    key: &[Shown<'_>],
    old: Option<Vec<Shown<'_>>>,
    new: Option<Vec<Shown<'_>>>,
) -> Result<Vec<Value>> {
    let changed = match (&old, &new) {
        (Some(old), Some(new)) => {
            let pairs = old.iter().zip(new);
            let differs = pairs.filter(|((_, was, old), (_, is, new))| was != is || old != new);
            let names = differs.map(|((name, _, _), _)| Value::from(*name));
            Array::from_elements(oid::TEXT, names.collect()).to_value()
        }
        _ => Value::Null,
    };
    let object = |fields: Option<Vec<Shown<'_>>>| match fields {
        Some(fields) => object_of(context, fields.into_iter()).map(Value::from),
        None => Ok(Value::Null),
    };
    let key = (!key.is_empty()).then(|| key.to_vec());
    Ok(vec![
        Value::Int64(at.micros()),
        Value::from(operation),
        object(key)?,
        changed,
        object(old)?,
        object(new)?,
    ])
}

/// A version out of the engine.
fn version_of(ids: &[ColumnId], row: &RowRef<'_>) -> Result<Version> {
    let began = row.from().map_err(engine_error)?.micros();
    let values = ids.iter().map(|id| row.value(*id).map_err(engine_error)).collect::<Result<_>>()?;
    Ok(Version { began, values })
}
