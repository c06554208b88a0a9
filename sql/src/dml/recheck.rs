//! A row that had to be waited for, looked at anew: the qualifier over its newest version and the other columns saved,
//! or, where a subquery is involved, the whole plan over that row alone.

use engine::{RowHandle, RowLock, Value};

use super::foreign_key::handle_of;
use super::model::TableModel;
use super::returning::Frame;
use super::source::RowSource;
use super::writer::{Locked, Writer};
use crate::error::Result;
use crate::evaluate::{CompiledExpression, Context};
use crate::plan::walk;
use crate::tree::{ColumnNumber, Expression, Relation};

/// The target row that a source row names, locked and, if it moved, re-checked: (handle, row as it stands).
pub(super) async fn lock_target(
    writer: &mut Writer,
    target: &LockedTarget<'_>,
    strength: RowLock,
    rows: &mut dyn RowSource,
    source: &mut Vec<Value>,
) -> Result<Option<(RowHandle, Vec<Value>)>> {
    let handle = handle_of(source.get(target.handle).unwrap_or(&Value::Null))?;
    match writer.lock(target.model, handle, strength).await? {
        None => Ok(None),
        Some(Locked::Current(handle)) => match target.frame.target_row(target.model, source) {
            Some(row) => Ok(Some((handle, row))),
            None => {
                let view = writer.view()?;
                let row = view.get(target.model.id, handle, &target.model.column_ids);
                Ok(row.map_err(crate::session::engine_error)?.map(|row| (handle, row)))
            }
        },
        Some(Locked::Moved(handle, row)) => {
            let qualifies = match target.qualifier {
                Qualifier::None => {
                    target.frame.place_target(target.model, handle, &row, source);
                    true
                }
                Qualifier::Compiled(qualifier) => {
                    let newest = (handle, row.as_slice());
                    still_qualifies(
                        target.model,
                        target.frame,
                        Some(qualifier),
                        newest,
                        &writer.context,
                        source,
                    )?
                }
                Qualifier::NeedsPlan => {
                    let found = rows.again(target.number, handle, writer.view()?).await?;
                    match found.into_iter().find(|found| target.same_others(source, found)) {
                        Some(found) => {
                            *source = found;
                            target.frame.place_target(target.model, handle, &row, source);
                            true
                        }
                        None => false,
                    }
                }
            };
            Ok(qualifies.then_some((handle, row)))
        }
    }
}

/// The target of a change, as its rows are locked and re-checked.
pub(super) struct LockedTarget<'a> {
    pub model: &'a TableModel,
    pub frame: &'a Frame,
    pub handle: usize,
    /// The number of the handle column.
    pub number: ColumnNumber,
    pub qualifier: &'a Qualifier,
    /// Places of columns that other tables' rows fill, which a re-check keeps.
    pub others: &'a [usize],
}

impl LockedTarget<'_> {
    /// Whether a row of a re-check joins the same rows of other tables.
    fn same_others(&self, before: &[Value], after: &[Value]) -> bool {
        self.others.iter().all(|place| before.get(*place) == after.get(*place))
    }
}

/// WHERE, for re-checks.
#[derive(Debug)]
pub(super) enum Qualifier {
    None,
    Compiled(CompiledExpression),
    /// It, or a value to be assigned, holds a subquery: the plan runs again over the one row.
    NeedsPlan,
}

impl Qualifier {
    pub(super) fn new(predicate: Option<&Expression>, computed: bool, frame: &Frame) -> Result<Qualifier> {
        match predicate {
            _ if computed => Ok(Qualifier::NeedsPlan),
            None => Ok(Qualifier::None),
            Some(predicate) if walk::has_subquery(predicate) => Ok(Qualifier::NeedsPlan),
            Some(predicate) => Ok(Qualifier::Compiled(frame.compile(predicate)?)),
        }
    }
}

/// The places of the columns of the other tables of a statement.
pub(super) fn other_places(frame: &Frame, others: Option<&Relation>) -> Vec<usize> {
    let produced = others.map(walk::produced_columns).unwrap_or_default();
    produced.iter().filter_map(|number| frame.layout.position(*number)).collect()
}

/// Whether the newest version still qualifies; the frame row then holds it.
fn still_qualifies(
    model: &TableModel,
    frame: &Frame,
    qualifier: Option<&CompiledExpression>,
    (handle, newest): (RowHandle, &[Value]),
    context: &Context,
    row: &mut Vec<Value>,
) -> Result<bool> {
    frame.place_target(model, handle, newest, row);
    match qualifier {
        Some(qualifier) => Ok(qualifier.evaluate_row(context, row)? == Value::Bool(true)),
        None => Ok(true),
    }
}
