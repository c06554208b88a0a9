//! A point scan, run.

use engine::{PhysicalType, ReadView, RowHandle, RowRef, TableId, Value};

use super::{IndexSource, PointScan, PointSource, Shown};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::{CompiledExpression, Context, Scope};
use crate::execute::look_up;
use crate::execute::search::{Search, searches};
use crate::plan::node::{PlanColumn, Source, TableAccess};
use crate::session::engine_error;

/// Keys of a list looked up at once.
const KEYS_AT_ONCE: usize = 64;

impl PointScan {
    /// What is shown of the one row there can be; `None` where the scan is more than that.
    pub fn shown(&self) -> Option<&[Shown]> {
        self.shown.as_deref()
    }

    /// The moment that is read, where it is not the statement's own.
    pub fn moment(&self) -> Option<&CompiledExpression> {
        self.moment.as_ref()
    }

    /// Whether a view finds everything through the index that is searched.
    pub fn is_usable_in(&self, view: &ReadView) -> bool {
        match &self.source {
            PointSource::OneRow => true,
            PointSource::Index(source) => view.index_usable(source.access.table, source.index.index),
        }
    }

    /// Calls `emit` with the row of a scan that has [`PointScan::shown`], if it is there.
    pub fn one(
        &self,
        view: &ReadView,
        context: &Context,
        emit: &mut dyn FnMut(&RowRef<'_>) -> Result<()>,
    ) -> Result<()> {
        let PointSource::Index(source) = &self.source else {
            return Err(Error::internal("a row by key without an index"));
        };
        for search in searches(&source.index, &Scope::alone(context), &[])? {
            let Search::Key(key) = search else {
                return Err(Error::internal("a row by key is searched for by a range"));
            };
            let mut outcome = Ok(());
            let mut visit = |_: RowHandle, row: RowRef<'_>| {
                if outcome.is_ok() {
                    outcome = emit(&row);
                }
            };
            view.lookup(source.access.table, source.index.index, &key, &mut visit).map_err(engine_error)?;
            outcome?;
        }
        Ok(())
    }

    /// Gives every row to `emit`, in order.
    pub fn rows(
        &self,
        view: &ReadView,
        context: &Context,
        emit: &mut dyn FnMut(Vec<Value>) -> Result<()>,
    ) -> Result<()> {
        let limit = match &self.limit {
            Some(limit) => limit_of(limit, context)?,
            None => u64::MAX,
        };
        let mut skip = match &self.offset {
            Some(offset) => offset_of(offset, context)?,
            None => 0,
        };
        let mut given = 0;
        let mut take = |row: Vec<Value>| -> Result<bool> {
            if given >= limit {
                return Ok(false);
            }
            if skip > 0 {
                skip -= 1;
                return Ok(true);
            }
            given += 1;
            match &self.projection {
                None => emit(row)?,
                Some(projection) => {
                    let shown = projection
                        .iter()
                        .map(|item| item.evaluate_row(context, &row))
                        .collect::<Result<_>>()?;
                    emit(shown)?;
                }
            }
            Ok(given < limit)
        };
        if limit == 0 {
            return Ok(());
        }
        match &self.source {
            PointSource::OneRow => take(Vec::new()).map(|_| ()),
            PointSource::Index(source) => source.rows(view, context, &mut take),
        }
    }
}

/// The number of a LIMIT; NULL is no limit.
pub fn limit_of(limit: &CompiledExpression, context: &Context) -> Result<u64> {
    count_of(limit, context, SqlState::InvalidRowCountInLimitClause, "LIMIT")
}

/// The number of an OFFSET; NULL is none.
pub fn offset_of(offset: &CompiledExpression, context: &Context) -> Result<u64> {
    let offset = count_of(offset, context, SqlState::InvalidRowCountInResultOffsetClause, "OFFSET")?;
    Ok(if offset == u64::MAX { 0 } else { offset })
}

/// The number of a LIMIT or OFFSET; NULL is the greatest.
fn count_of(
    expression: &CompiledExpression,
    context: &Context,
    state: SqlState,
    clause: &str,
) -> Result<u64> {
    match expression.evaluate_row(context, &[])? {
        Value::Null => Ok(u64::MAX),
        Value::Int64(count) => {
            u64::try_from(count).map_err(|_| Error::new(state, format!("{clause} must not be negative")))
        }
        other => Err(Error::internal(format!("{clause} was {:?}", other.physical_type()))),
    }
}

impl IndexSource {
    /// Gives each row found to `take` until that says enough.
    fn rows(
        &self,
        view: &ReadView,
        context: &Context,
        take: &mut dyn FnMut(Vec<Value>) -> Result<bool>,
    ) -> Result<()> {
        let scope = Scope::alone(context);
        let more = std::cell::Cell::new(true);
        let mut visit = |handle: RowHandle, row: &RowRef<'_>| -> Result<()> {
            if !more.get() {
                return Ok(());
            }
            let row = self.row(view, handle, row)?;
            let wanted = match &self.access.filter {
                Some(filter) if !filter.holds(&scope, &row)? => true,
                Some(_) | None => take(row)?,
            };
            more.set(wanted);
            Ok(())
        };
        let mut searches = searches(&self.index, &scope, &[])?.into_iter();
        while more.get()
            && let Some(search) = searches.next()
        {
            match search {
                Search::Key(key) => {
                    // The keys of a list are looked up together.
                    let mut keys = vec![key];
                    while keys.len() < KEYS_AT_ONCE
                        && let Some(Search::Key(_)) = searches.as_slice().first()
                        && let Some(Search::Key(key)) = searches.next()
                    {
                        keys.push(key);
                    }
                    look_up(view, &self.access, &self.index, &keys, &mut |_, handle, row| {
                        visit(handle, row)
                    })?;
                }
                Search::Range(lower, upper) => {
                    let lower = lower.as_ref().map(Vec::as_slice);
                    let upper = upper.as_ref().map(Vec::as_slice);
                    let mut cursor =
                        view.range(self.access.table, self.index.index, lower, upper, self.index.reverse);
                    let mut outcome = Ok(());
                    while more.get()
                        && outcome.is_ok()
                        && cursor
                            .next(&mut |_, handle, row| {
                                if outcome.is_ok() {
                                    outcome = visit(handle, &row);
                                }
                            })
                            .map_err(engine_error)?
                    {}
                    outcome?;
                }
            }
        }
        Ok(())
    }

    /// The scan's columns of a row.
    fn row(&self, view: &ReadView, handle: RowHandle, row: &RowRef<'_>) -> Result<Vec<Value>> {
        let columns = self.access.sources.iter().zip(&self.handle_as_bytes);
        columns
            .map(|(source, as_bytes)| source_value(view, &self.access, *source, *as_bytes, handle, row))
            .collect()
    }
}

/// A row as the columns of a node that reads a table.
pub fn source_values(
    view: &ReadView,
    access: &TableAccess,
    columns: &[PlanColumn],
    handle: RowHandle,
    row: &RowRef<'_>,
) -> Result<Vec<Value>> {
    let columns = access.sources.iter().zip(columns);
    columns
        .map(|(source, column)| {
            source_value(view, access, *source, column.physical == PhysicalType::Bytes, handle, row)
        })
        .collect()
}

/// The write of the version that one replaced; NULL where there is none.
pub fn previous_write(view: &ReadView, table: TableId, handle: RowHandle) -> Result<Value> {
    let previous = view.previous_write(table, handle).map_err(engine_error)?;
    Ok(previous.map_or(Value::Null, Value::Fixed16))
}

/// What a source gives of a row.
pub fn source_value(
    view: &ReadView,
    access: &TableAccess,
    source: Source,
    handle_as_bytes: bool,
    handle: RowHandle,
    row: &RowRef<'_>,
) -> Result<Value> {
    Ok(match source {
        Source::Column(column) => row.value(column).map_err(engine_error)?,
        Source::Handle if handle_as_bytes => Value::from(handle.to_bytes().to_vec()),
        Source::Handle => Value::Fixed16(handle.to_bytes()),
        Source::SystemFrom | Source::WriteId | Source::Commit if handle.is_uncommitted() => {
            // What is not committed has no moment.
            Value::Null
        }
        Source::SystemFrom => Value::Int64(row.from().map_err(engine_error)?.micros()),
        Source::SystemTo => match row.to() {
            engine::Timestamp::INFINITY => Value::Int64(i64::MAX),
            to => Value::Int64(to.micros()),
        },
        Source::TableOid => Value::UInt32(access.oid),
        Source::Xmin => Value::UInt32(row.from().map_err(engine_error)?.micros() as u32),
        Source::WriteId => Value::Fixed16(row.write().map_err(engine_error)?),
        Source::PreviousWriteId => previous_write(view, access.table, handle)?,
        Source::Commit => Value::Int64(row.from().map_err(engine_error)?.0 as i64),
    })
}
