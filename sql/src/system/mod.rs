//! The rows of system relations for plans: from the catalog's snapshot, and from live state.
//!
//! `catalog` computes what follows from a snapshot; what only a running server knows (sessions, settings, locks) is
//! computed here, in the order of the relation's columns.

mod activity;
mod cell;
mod column_statistics;
mod learned;
mod live;
mod locks;
mod settings;
mod stat_views;

use std::sync::Arc;

use engine::Value;

use crate::error::{Error, Result};
use crate::execute::SystemRows;
use crate::session::shared::Shared;

/// System relations as one statement sees them.
pub struct SystemTables {
    pub shared: Arc<Shared>,
    pub catalog: Arc<catalog::Snapshot>,
    pub context: crate::evaluate::Context,
    /// The moments of the plan's time clauses, in order.
    pub moments: Vec<engine::Timestamp>,
    /// The session's own: rows of pg_cursors and pg_prepared_statements, where the plan reads them.
    pub cursors: Vec<catalog::system::Row>,
    pub statements: Vec<catalog::system::Row>,
}

/// pg_class oids of the relations that are the session's own.
pub const PG_CURSORS: u32 = 12077;
pub const PG_PREPARED_STATEMENTS: u32 = 12095;

impl SystemRows for SystemTables {
    fn rows(&self, relation: u32, attributes: &[i16], moment: Option<usize>) -> Result<Vec<Vec<Value>>> {
        let database = self.shared.entry.database_oid;
        let catalog = match moment {
            None => self.catalog.clone(),
            Some(moment) => {
                let at = self.moments.get(moment).ok_or_else(|| Error::internal("a moment is missing"))?;
                let found = self.shared.instance.store().at(*at);
                found.map_err(|error| Error::internal(error.to_string()))?
            }
        };
        let found = catalog
            .relation(database, relation)
            .ok_or_else(|| Error::internal(format!("no system relation has OID {relation}")))?;
        let live = live::LiveState::new(self, &catalog);
        let scan = catalog::system::Scan {
            snapshot: &catalog,
            database,
            user: self.shared.identity.lock().current_oid,
            live: &live,
        };
        let types: Vec<u32> = found.attributes().iter().map(|column| column.type_oid).collect();
        catalog::system::rows(found, &scan)
            .into_iter()
            .map(|row| project(row, &types, attributes, relation))
            .collect()
    }
}

/// The attributes asked for, as values.
fn project(
    row: catalog::system::Row,
    types: &[u32],
    attributes: &[i16],
    relation: u32,
) -> Result<Vec<Value>> {
    attributes
        .iter()
        .map(|attribute| {
            let Some(index) = usize::try_from(*attribute).ok().and_then(|number| number.checked_sub(1))
            else {
                return Ok(Value::UInt32(relation));
            };
            match (row.get(index), types.get(index)) {
                (Some(cell), Some(type_oid)) => cell::value(cell, *type_oid),
                _ => Ok(Value::Null),
            }
        })
        .collect()
}
