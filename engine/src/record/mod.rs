//! The commit record: what one transaction wrote, as the log carries it and as the sequencer applies it.
//!
//! The live path and recovery apply the same structure, made from a write set or read back from the log. Rows stand
//! in columns; every row brings the encoded keys of the indexes that hold it, so that recovery needs no SQL. Closed
//! rows are named by birth id, with their location as a hint.
//!
//! Format (little-endian): kind (1 byte, [`KIND_COMMIT`]), commit timestamp (8 bytes, filled in by the sequencer),
//! number of tables (4), tables, and where there is one a signature. A record that does not parse exactly is refused. A table: flags (1: created, 2:
//! truncated, 4: dropped, 8: a shape follows, 16: the rows stand in files, see `attached`,
//! 32: a drop is taken back), shape, rows, closed rows (see `closes`),
//! new entries of indexes (index, flags: 1 for all moments, 2 runs beside segments follow, 4 a key stands twice).

pub(crate) mod attached;
mod closes;
mod codec;
mod column;
mod schema;
mod signature;

pub(crate) use attached::{Attached, AttachedRun, AttachedSegment};
pub(crate) use codec::{Reader, Writer};
pub(crate) use schema::{decode_schema, encode_schema};
pub(crate) use signature::Signature;

use crate::engine::Engine;
use crate::ids::Location;
use crate::scratch::{List, ScratchAllocator, Stored};
use crate::table::Dictionary;
use crate::table::chunk::{Chunk, RowKeys};
use crate::table::visibility::ALIVE;
use crate::transaction::write_set::{Backfill, Shape, TableWrites, WriteSet};
use crate::{ColumnId, Error, IndexId, PhysicalType, RowHandle, TableId, TableSchema, Timestamp, Value};
use hashbrown::{DefaultHashBuilder, HashMap};
use std::sync::Arc;

/// 1 was a commit that named each row it ended by itself.
pub(crate) const KIND_COMMIT: u8 = 4;
pub(crate) const KIND_LEASE: u8 = 2;
pub(crate) const KIND_SEQUENCE: u8 = 3;

/// Where the timestamp stands in a commit record.
const TIMESTAMP: std::ops::Range<usize> = 1..9;

/// A committed row that the transaction ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Close {
    pub handle: RowHandle,
    /// The new version among the rows that this transaction adds to the table.
    pub successor: Option<u32>,
}

/// What one transaction does to one table.
pub(crate) struct TableCommit {
    pub created: bool,
    pub shape: Option<Shape>,
    pub truncated: bool,
    pub dropped: bool,
    /// New rows. Those of a large commit stand in `attached` too, and are logged and applied from there.
    /// A drop that was committed before is taken back.
    pub undropped: bool,
    pub chunks: Vec<Chunk>,
    pub attached: Option<Attached>,
    pub closes: List<Close>,
    pub backfills: Vec<Backfill>,
    /// The shape of the rows; `None` when read back from the log.
    pub written: Option<(Arc<TableSchema>, Arc<Dictionary>)>,
}

impl Default for TableCommit {
    fn default() -> TableCommit {
        TableCommit {
            created: false,
            shape: None,
            truncated: false,
            dropped: false,
            undropped: false,
            chunks: Vec::new(),
            attached: None,
            closes: List::new_in(ScratchAllocator::default()),
            backfills: Vec::new(),
            written: None,
        }
    }
}

/// What one transaction does.
#[derive(Default)]
pub(crate) struct CommitSet {
    pub tables: Vec<(TableId, TableCommit)>,
    pub signature: Option<Signature>,
}

impl CommitSet {
    /// Empties a write set into what is to be committed: rows that did not outlive the transaction are left out.
    pub fn of(writes: &mut WriteSet) -> Result<CommitSet, Error> {
        let tables = std::mem::take(&mut writes.tables);
        let mut set = CommitSet { tables: Vec::with_capacity(tables.len()), signature: None };
        for writes in tables {
            let table = writes.table;
            let commit = table_commit(writes)?;
            if !commit.is_empty() {
                set.tables.push((table, commit));
            }
        }
        Ok(set)
    }

    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Whether it adds nothing but rows of the catalog, and its signature: such a commit may use the last of a full disk.
    pub fn frees_room(&self) -> bool {
        self.tables.iter().all(|(table, commit)| {
            let adds = !commit.chunks.is_empty() || commit.attached.is_some();
            !(adds && *table != TableId::CATALOG) && !commit.created && commit.backfills.is_empty()
        })
    }

    pub fn encode(&self) -> Vec<u8> {
        let tables = self.tables.iter().filter(|(_, commit)| commit.attached.is_none());
        let chunks = tables.flat_map(|(_, commit)| &commit.chunks);
        let mut writer = Writer { bytes: Vec::with_capacity(chunks.map(Chunk::bytes_used).sum()) };
        writer.u8(KIND_COMMIT);
        writer.u64(0);
        writer.u32(self.tables.len() as u32);
        for (table, commit) in &self.tables {
            writer.u32(table.0);
            commit.encode(&mut writer);
        }
        if let Some(signature) = &self.signature {
            signature.encode(&mut writer);
        }
        writer.bytes
    }

    /// Writes the commit timestamp into an encoded record.
    pub fn stamp(record: &mut [u8], at: Timestamp) {
        if let Some(place) = record.get_mut(TIMESTAMP) {
            place.copy_from_slice(&at.0.to_le_bytes());
        }
    }

    /// The commit timestamp of a record of the log; `None` for one that is no commit.
    pub fn timestamp_of(record: &[u8]) -> Result<Option<Timestamp>, Error> {
        match record.first().copied() {
            Some(KIND_COMMIT) => {
                let stamp = record.get(TIMESTAMP).and_then(|bytes| bytes.try_into().ok());
                let stamp = stamp.ok_or_else(|| Error::Corrupted("a commit record is cut short".into()))?;
                Ok(Some(Timestamp(u64::from_le_bytes(stamp))))
            }
            Some(KIND_LEASE | KIND_SEQUENCE) => Ok(None),
            _ => Err(Error::Corrupted("a log record of an unknown kind".into())),
        }
    }

    /// Reads a commit record, kind included.
    pub fn decode(record: &[u8]) -> Result<(Timestamp, CommitSet), Error> {
        let mut reader = Reader::new(record);
        if reader.u8()? != KIND_COMMIT {
            return Err(reader.damaged("not a commit record"));
        }
        let at = Timestamp(reader.u64()?);
        let count = reader.count()?;
        let mut tables = Vec::with_capacity(count.min(1024));
        for _ in 0..count {
            let table = TableId(reader.u32()?);
            tables.push((table, TableCommit::decode(&mut reader)?));
        }
        let is_signed = reader.remaining() > 0;
        let signature = is_signed.then(|| Signature::decode(&mut reader)).transpose()?;
        reader.end()?;
        Ok((at, CommitSet { tables, signature }))
    }

    /// The highest birth id among the new rows.
    pub fn highest_birth(&self) -> u64 {
        let chunks = self.tables.iter().flat_map(|(_, commit)| &commit.chunks);
        let births = chunks.flat_map(|chunk| (0..chunk.rows()).map(|row| chunk.birth(row)));
        let attached = self.tables.iter().filter_map(|(_, commit)| commit.attached.as_ref());
        let signature = self.signature.as_ref().map(|signature| signature.birth);
        births.chain(attached.map(|attached| attached.highest_birth)).chain(signature).max().unwrap_or(0)
    }

    /// Removes the files of a commit that came to nothing.
    pub fn discard(&self, engine: &Engine) {
        for (_, commit) in &self.tables {
            commit.attached.iter().for_each(|attached| attached.discard(engine));
            commit.backfills.iter().flat_map(|backfill| &backfill.runs).for_each(|run| run.discard(engine));
        }
    }
}

fn table_commit(mut writes: TableWrites) -> Result<TableCommit, Error> {
    if writes.dropped.is_some() {
        let created = writes.created;
        // A table that was created and dropped by one transaction never was.
        return Ok(TableCommit { dropped: !created, ..TableCommit::default() });
    }
    let is_untouched = writes.store.is_empty();
    let mut ordinals: HashMap<Location, u32> = HashMap::new();
    let mut chunks = Vec::new();
    let mut next = 0u32;
    let wanted = !writes.backfills.is_empty();
    for (number, chunk) in (0..).zip(writes.store.take_chunks()) {
        let alive: Vec<usize> = (0..chunk.rows())
            .filter(|row| chunk.life(*row).is_some_and(|life| life.end() == ALIVE))
            .collect();
        if wanted {
            ordinals.extend(
                alive.iter().zip(next..).map(|(row, ordinal)| (Location::own(number, *row as u32), ordinal)),
            );
        }
        next += alive.len() as u32;
        if alive.len() == chunk.rows() {
            chunks.push(chunk);
        } else if !alive.is_empty() {
            let mut kept = Chunk::new(chunk.layout.clone());
            kept.keys.unchecked = chunk.keys.unchecked.clone();
            for row in alive {
                kept.push_from(&chunk, row, 0)?;
                kept.keys.push(chunk.keys.of(row));
            }
            chunks.push(kept);
        }
    }
    let truncated = writes.truncated.is_some() && !writes.created;
    let allocator = writes.closed.allocator().clone();
    let mut closes =
        List::with_capacity_in(if truncated { 0 } else { writes.closed.len() }, allocator.clone());
    if !truncated {
        let newest = newest_versions(&chunks, &writes);
        for closed in writes.closed.values() {
            let successor = newest.get(&closed.handle.birth).copied();
            closes.push(Close { handle: closed.handle, successor });
        }
        closes.sort_unstable_by_key(|close| close.handle.birth);
    }
    let was_mapped = writes.backfills.iter().all(|backfill| backfill.is_mapped);
    let mut backfills: Vec<Backfill> = std::mem::take(&mut writes.backfills)
        .into_iter()
        .map(|backfill| committed_entries(backfill, &ordinals, truncated))
        .collect();
    if let ([backfill], true) = (backfills.as_mut_slice(), is_untouched && !truncated) {
        // All its entries are of committed rows: a map that was made of them is good for the table, too.
        backfill.is_mapped = was_mapped;
        backfill.map = writes.store.take_index(backfill.index).filter(|_| was_mapped);
    }
    Ok(TableCommit {
        created: writes.created,
        shape: writes.shape.take(),
        truncated,
        dropped: false,
        undropped: writes.undropped,
        chunks,
        attached: None,
        closes,
        backfills,
        written: Some((writes.schema, writes.dictionary)),
    })
}

/// The ordinal of the new version of each row that was closed.
fn newest_versions(chunks: &[Chunk], writes: &TableWrites) -> Newest {
    let mut newest = Newest::with_hasher_in(DefaultHashBuilder::default(), writes.closed.allocator().clone());
    if writes.closed.is_empty() {
        return newest;
    }
    let births = chunks.iter().flat_map(|chunk| (0..chunk.rows()).map(|row| chunk.birth(row)));
    newest.extend(births.zip(0u32..).filter(|(birth, _)| writes.closed.contains_key(birth)));
    newest
}

/// Ordinals of new versions, by birth.
type Newest = HashMap<u64, u32, DefaultHashBuilder, ScratchAllocator>;

/// Entries for own rows name them by ordinal, as [`Location::own`] of chunk zero.
fn committed_entries(backfill: Backfill, ordinals: &HashMap<Location, u32>, truncated: bool) -> Backfill {
    let Backfill { index, entries, covers_history, .. } = backfill;
    let entries = entries
        .into_iter()
        .filter_map(|(handle, from, key)| {
            let location = Location(handle.location);
            if location.is_own() {
                let ordinal = ordinals.get(&location)?;
                Some((RowHandle { location: Location::own(0, *ordinal).0, birth: handle.birth }, from, key))
            } else {
                (!truncated || covers_history).then_some((handle, from, key))
            }
        })
        .collect();
    Backfill { index, entries, covers_history, is_mapped: false, map: None, runs: Vec::new(), repeats: false }
}

impl TableCommit {
    fn is_empty(&self) -> bool {
        !self.created
            && self.shape.is_none()
            && !self.truncated
            && !self.dropped
            && !self.undropped
            && self.chunks.is_empty()
            && self.closes.is_empty()
            && self.backfills.is_empty()
    }

    /// How many rows are added and how many ended.
    pub fn counts(&self) -> (usize, usize) {
        let chunks = || self.chunks.iter().map(Chunk::rows).sum();
        (self.attached.as_ref().map_or_else(chunks, Attached::rows), self.closes.len())
    }

    fn encode(&self, writer: &mut Writer) {
        let flags = u8::from(self.created)
            | u8::from(self.truncated) << 1
            | u8::from(self.dropped) << 2
            | u8::from(self.shape.is_some()) << 3
            | u8::from(self.attached.is_some()) << 4
            | u8::from(self.undropped) << 5;
        writer.u8(flags);
        if let Some(shape) = &self.shape {
            encode_schema(&shape.schema, writer);
            writer.u32(shape.defaults.len() as u32);
            for (column, value) in &shape.defaults {
                writer.u32(column.0);
                writer.value(value);
            }
        }
        match &self.attached {
            Some(attached) => attached.encode(writer),
            None => {
                writer.u32(self.chunks.len() as u32);
                self.chunks.iter().for_each(|chunk| encode_chunk(chunk, writer));
            }
        }
        closes::encode(&self.closes, writer);
        writer.u32(self.backfills.len() as u32);
        for backfill in &self.backfills {
            writer.u32(backfill.index.0);
            writer.u8(u8::from(backfill.covers_history)
                | u8::from(!backfill.runs.is_empty()) << 1
                | u8::from(backfill.repeats) << 2);
            if !backfill.runs.is_empty() {
                writer.u32(backfill.runs.len() as u32);
                for run in &backfill.runs {
                    writer.u32(run.entry.level);
                    run.encode(writer);
                }
            }
            writer.u32(backfill.entries.len() as u32);
            for (handle, from, key) in &backfill.entries {
                writer.u64(handle.location);
                writer.u64(handle.birth);
                writer.u64(*from);
                writer.slice(key);
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<TableCommit, Error> {
        let flags = reader.u8()?;
        let mut commit = TableCommit {
            created: flags & 1 != 0,
            truncated: flags & 2 != 0,
            dropped: flags & 4 != 0,
            undropped: flags & 32 != 0,
            ..TableCommit::default()
        };
        if flags & 8 != 0 {
            let schema = decode_schema(reader)?;
            let count = reader.count()?;
            let defaults = (0..count)
                .map(|_| Ok((ColumnId(reader.u32()?), reader.value()?)))
                .collect::<Result<_, Error>>()?;
            commit.shape = Some(Shape { schema, defaults });
        }
        if flags & 16 != 0 {
            commit.attached = Some(Attached::decode(reader)?);
        } else {
            for _ in 0..reader.count()? {
                commit.chunks.push(decode_chunk(reader)?);
            }
        }
        closes::decode(reader, &mut commit.closes)?;
        for _ in 0..reader.count()? {
            let index = IndexId(reader.u32()?);
            let flags = reader.u8()?;
            let mut runs = Vec::new();
            if flags & 2 != 0 {
                for _ in 0..reader.count()? {
                    let segment = reader.u32()?;
                    runs.push(AttachedRun::decode(reader, segment)?);
                }
            }
            let count = reader.count()?;
            let entries = (0..count)
                .map(|_| {
                    let handle = RowHandle { location: reader.u64()?, birth: reader.u64()? };
                    Ok((handle, reader.u64()?, reader.slice()?.to_vec()))
                })
                .collect::<Result<_, Error>>()?;
            let (covers_history, repeats) = (flags & 1 != 0, flags & 4 != 0);
            commit.backfills.push(Backfill {
                index,
                entries,
                covers_history,
                is_mapped: false,
                map: None,
                runs,
                repeats,
            });
        }
        Ok(commit)
    }
}

/// Writes every column a table ever had, with its default.
pub(crate) fn encode_dictionary(dictionary: &Dictionary, writer: &mut Writer) {
    writer.u32(dictionary.columns().len() as u32);
    for (column, physical, default) in dictionary.columns() {
        writer.u32(column.0);
        writer.u8(*physical as u8);
        writer.value(default);
    }
}

pub(crate) fn decode_dictionary(reader: &mut Reader<'_>) -> Result<Dictionary, Error> {
    let count = reader.count()?;
    let columns = (0..count)
        .map(|_| Ok((ColumnId(reader.u32()?), reader.physical()?, reader.value()?)))
        .collect::<Result<Vec<(ColumnId, PhysicalType, Value)>, Error>>()?;
    Ok(Dictionary::from_columns(columns))
}

fn encode_chunk(chunk: &Chunk, writer: &mut Writer) {
    writer.u32(chunk.layout.len() as u32);
    for (column, physical) in chunk.layout.iter() {
        writer.u32(column.0);
        writer.u8(*physical as u8);
    }
    writer.u32(chunk.rows() as u32);
    for row in 0..chunk.rows() {
        writer.u64(chunk.birth(row));
    }
    for column in chunk.columns() {
        column::encode(column, writer);
    }
    for end in chunk.keys.ends.iter() {
        writer.u32(*end);
    }
    writer.slice(&chunk.keys.bytes);
    writer.u32(chunk.keys.unchecked.len() as u32);
    for index in &chunk.keys.unchecked {
        writer.u32(*index);
    }
}

fn decode_chunk(reader: &mut Reader<'_>) -> Result<Chunk, Error> {
    let count = reader.count()?;
    let layout = (0..count)
        .map(|_| Ok((ColumnId(reader.u32()?), reader.physical()?)))
        .collect::<Result<Vec<_>, Error>>()?;
    let rows = reader.count()?;
    let births = (0..rows).map(|_| reader.u64()).collect::<Result<Vec<_>, Error>>()?;
    let columns = layout
        .iter()
        .map(|(_, physical)| column::decode(*physical, rows, reader))
        .collect::<Result<Vec<_>, Error>>()?;
    let ends = (0..rows).map(|_| reader.u32()).collect::<Result<Vec<_>, Error>>()?;
    let bytes = reader.slice()?.to_vec();
    let ascending = ends.windows(2).all(|pair| pair[0] <= pair[1]);
    if !ascending || ends.last().is_some_and(|last| *last as usize != bytes.len()) {
        return Err(reader.damaged("the keys of a chunk do not fit its rows"));
    }
    let unchecked = (0..reader.count()?).map(|_| reader.u32()).collect::<Result<Vec<_>, Error>>()?;
    Ok(Chunk::from_parts(
        layout.into(),
        columns,
        births,
        RowKeys { bytes: Stored::Held(bytes), ends: Stored::Held(ends), unchecked },
    ))
}

#[cfg(test)]
mod tests;
