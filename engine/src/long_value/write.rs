//! From a row as it is given to one as it is stored: long values go beside.

use super::read::Long;
use super::{Reference, beside, content, hashes, is_long};
use crate::io::planted;
use crate::lock::{KeyLock, Tag};
use crate::table::row::Found;
use crate::table::visibility::{ALIVE, is_live};
use crate::transaction::Transaction;
use crate::transaction::write_set::{TableWrites, WriteSet};
use crate::{Error, NewRow, PhysicalType, TableId, Value};
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What stands beside under the hash of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    Same,
    /// Another value.
    Other,
}

/// The places of the long values of a row.
fn long_places(writes: &TableWrites, row: &NewRow) -> Vec<usize> {
    let places = writes.schema.long.iter().filter_map(|column| writes.schema.position(*column));
    let is_long = |place: &usize| row.values.get(*place).and_then(content).is_some_and(is_long);
    places.filter(is_long).collect()
}

impl Transaction {
    /// The row with references in the place of its long values, which are written beside where they are not there yet;
    /// `None` if it has no long ones.
    pub(crate) fn with_references(
        &mut self,
        table: TableId,
        writes: &RwLock<WriteSet>,
        row: &NewRow,
    ) -> Result<Option<NewRow>, Error> {
        let places = writes.read().table(table).map(|writes| long_places(writes, row)).unwrap_or_default();
        let Some(beside) = beside(table).filter(|_| !places.is_empty()) else { return Ok(None) };
        self.writes_of(beside)?;
        let mut stored = row.clone();
        for place in places {
            let Some(value) = stored.values.get_mut(place) else { continue };
            let Some(bytes) = content(value) else { continue };
            let reference = Reference::to(bytes);
            match self.known(table, beside, writes, &reference, bytes)? {
                Known::Same => {}
                Known::Nothing if planted!(self.engine().environment.disk, lose_long_value) => {}
                Known::Nothing => self.write_beside(beside, writes, &reference, value)?,
                // It stays in its row, but for one that could be taken for a reference.
                Known::Other if Reference::parse(bytes).is_none() => continue,
                Known::Other => return Err(Error::LimitExceeded("a value that cannot be told from another")),
            }
            *value = match value.physical_type() {
                Some(PhysicalType::Text) => Value::from(reference.encode()),
                _ => Value::from(reference.encode().into_bytes()),
            };
        }
        Ok(Some(stored))
    }

    fn write_beside(
        &mut self,
        beside: TableId,
        writes: &RwLock<WriteSet>,
        reference: &Reference,
        value: &Value,
    ) -> Result<(), Error> {
        let bytes = match value {
            Value::Text(text) => Arc::<[u8]>::from(text.clone()),
            Value::Bytes(bytes) => bytes.clone(),
            _ => return Err(Error::Corrupted("a long value of a type that has none".into())),
        };
        let bytes = match planted!(self.engine().environment.disk, alter_long_value) {
            true => vec![0; bytes.len()].into(),
            false => bytes,
        };
        let row = NewRow {
            values: vec![Value::Bytes(bytes)],
            keys: vec![(hashes(beside), reference.hash.to_vec(), false)],
        };
        let birth = self.engine().births.fetch_add(1, Ordering::Relaxed);
        let mut writes = writes.write();
        let writes = writes.table_mut(beside).ok_or(Error::UnknownTable(beside))?;
        self.append(writes, &row, birth)?;
        Ok(())
    }

    /// Whether a value stands beside already, and is going to stay.
    fn known(
        &mut self,
        table: TableId,
        beside: TableId,
        writes: &RwLock<WriteSet>,
        reference: &Reference,
        bytes: &[u8],
    ) -> Result<Known, Error> {
        let own = {
            let writes = writes.read();
            writes.table(beside).map_or(Known::Nothing, |writes| known_own(writes, reference, bytes))
        };
        let Ok(base) = self.engine().table(beside) else { return Ok(own) };
        if own != Known::Nothing {
            return Ok(own);
        }
        let retention = self.engine().table(table).ok().and_then(|table| table.retention());
        if retention.is_some() && !self.keeps(beside, reference)? {
            // Somebody may be about to end it: one's own is as good.
            return Ok(Known::Nothing);
        }
        let state = base.read();
        let mut known = Known::Nothing;
        state.current.living_of(hashes(beside), &reference.hash, false, &mut |_, found| {
            if known != Known::Same && is_live(found.end()) {
                let same = Long::content(found)? == Some(bytes);
                known = if same { Known::Same } else { Known::Other };
            }
            Ok(())
        })?;
        Ok(known)
    }

    /// Keeps a value from being ended until the transaction is over; `false` if that cannot be had.
    fn keeps(&mut self, beside: TableId, reference: &Reference) -> Result<bool, Error> {
        let tag = Tag::Key(hashes(beside), self.engine().locks.key_hash(&reference.hash));
        self.lock_now(tag, KeyLock::Share)
    }
}

fn known_own(writes: &TableWrites, reference: &Reference, bytes: &[u8]) -> Known {
    let rows = writes.store.index(hashes(writes.table)).map_or(&[][..], |map| map.get(&reference.hash));
    let mut known = Known::Nothing;
    for location in rows {
        let Some(chunk) = writes.store.chunk(location.number()) else { continue };
        let is_there = chunk.life(location.row()).is_some_and(|life| life.end() == ALIVE);
        if !is_there {
            continue;
        }
        if Long::content(Found::Chunk(chunk, location.row())) == Ok(Some(bytes)) {
            return Known::Same;
        }
        known = Known::Other;
    }
    known
}
