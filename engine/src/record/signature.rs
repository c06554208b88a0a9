//! The signature of a commit: one row of a table without indexes, which says who committed.
//!
//! It is a row like any other once it is there, but it is not written like one: it passes no write set, no chunk and
//! no lock, since nobody can meet it before it is published. Every small commit has one, and by the common road it cost
//! a tenth of such a commit (`docs/decisions/2026-11-21-commits-alone.md`).
//!
//! Format, behind the tables of a commit record: table (4 bytes), birth id (8), number of values (4), values. A record
//! that ends with its tables has none.
//!
//! Failure: a signature that does not fit its table is a damaged record.

use super::{Reader, Writer};
use crate::engine::Engine;
use crate::{Error, TableId, Timestamp, Value};
use std::sync::atomic::Ordering;

/// The row that a commit leaves of itself.
#[derive(Debug, PartialEq)]
pub(crate) struct Signature {
    pub table: TableId,
    pub birth: u64,
    pub values: Vec<Value>,
}

impl Signature {
    pub fn encode(&self, writer: &mut Writer) {
        writer.u32(self.table.0);
        writer.u64(self.birth);
        writer.u32(self.values.len() as u32);
        self.values.iter().for_each(|value| writer.value(value));
    }

    pub fn decode(reader: &mut Reader<'_>) -> Result<Signature, Error> {
        let (table, birth) = (TableId(reader.u32()?), reader.u64()?);
        let values = (0..reader.count()?).map(|_| reader.value()).collect::<Result<_, Error>>()?;
        Ok(Signature { table, birth, values })
    }

    /// Whether the values are those of a row of its table.
    pub fn check(&self, engine: &Engine) -> Result<(), Error> {
        let table = engine.table(self.table)?;
        let state = table.read();
        let fits = |(value, (_, physical)): (&Value, &(_, _))| {
            value.physical_type().is_none_or(|given| given == *physical)
        };
        let is_row = self.values.len() == state.layout.len()
            && self.values.iter().zip(state.layout.iter()).all(fits)
            && state.schema.indexes.is_empty();
        let reason = "the signature of a commit is no row of its table";
        if is_row { Ok(()) } else { Err(Error::MalformedRow { table: self.table, reason }) }
    }

    /// Adds the row.
    pub fn apply(self, engine: &Engine, at: Timestamp) -> Result<(), Error> {
        let table = engine.table(self.table)?;
        let mut state = table.latch.write();
        let location = state.append_row(&self.values, self.birth, at.0)?;
        state.hot_changes.inserted(at.0, location);
        drop(state);
        table.live_rows.fetch_add(1, Ordering::AcqRel);
        table.changes.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
}
