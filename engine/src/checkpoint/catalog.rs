//! What the manifest keeps of a table besides its files, and the tables made from it when a database is opened.
//!
//! Format of an entry: version (1 byte, 3), schema, dictionary, indexes that do not know the whole past (index, since),
//! unique indexes with repeated keys (index), moment of the drop (8 bytes), next chunk number (4), ends of the
//! generations but the last (8 each), horizon (8), segments (file id 8, generation 4, clustering index 4 or `u32::MAX`, level 1,
//! slice 8, published 8). A level below 128 is one of living versions, its slice zero; from 128 on it is 128 and the
//! class of the slice. Published is when all rows of a segment began that was written before its commit, else zero.
//! Version 2 had no such segments. Version 1 had no horizon, levels and slices: its files count as level 0, those of
//! dead versions as the slice over all time.

use super::freeze::FrozenTable;
use crate::change::run::ChangeRun;
use crate::compaction::choose::Level;
use crate::compaction::slice::{HIGHEST, Slice};
use crate::engine::Engine;
use crate::ids::FileId;
use crate::manifest::{FileEntry, State, TableEntry};
use crate::record::{Reader, Writer, decode_dictionary, decode_schema, encode_dictionary, encode_schema};
use crate::segment::{DeleteLog, IndexRun, Segment, SegmentError};
use crate::table::segments::SegmentPart;
use crate::table::visibility::is_live;
use crate::table::{Generation, Table, TableState};
use crate::vector::builder;
use crate::{Error, IndexId, TableId, Timestamp};
use hashbrown::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const VERSION: u8 = 3;
/// Added to the class of a slice where a level is written.
const HISTORY: u8 = 128;

/// One segment of an entry.
#[derive(Clone)]
pub(crate) struct Listed {
    pub file: FileId,
    pub generation: u32,
    pub primary: Option<IndexId>,
    pub level: Level,
    /// When all its rows began, if the file does not say so.
    pub published: Option<Timestamp>,
}

impl Listed {
    pub fn of(part: &SegmentPart, generation: usize) -> Listed {
        Listed {
            file: FileId(u64::from(part.number)),
            generation: generation as u32,
            primary: part.primary,
            level: part.level(),
            published: part.segment.published(),
        }
    }

    fn encode(&self, writer: &mut Writer) {
        writer.u64(self.file.0);
        writer.u32(self.generation);
        writer.u32(self.primary.map_or(u32::MAX, |index| index.0));
        match self.level {
            Level::Current(level) => {
                writer.u8(level);
                writer.u64(0);
            }
            Level::History(slice) => {
                writer.u8(HISTORY + slice.class);
                writer.u64(slice.number);
            }
        }
        writer.u64(self.published.map_or(0, |at| at.0));
    }

    fn decode(reader: &mut Reader<'_>, version: u8) -> Result<Listed, Error> {
        let (file, generation) = (FileId(reader.u64()?), reader.u32()?);
        let primary = Some(reader.u32()?).filter(|index| *index != u32::MAX).map(IndexId);
        let (level, number) = if version == 1 { (0, 0) } else { (reader.u8()?, reader.u64()?) };
        let level = match level.checked_sub(HISTORY) {
            None => Level::Current(level),
            Some(class) if class <= HIGHEST => Level::History(Slice { class, number }),
            Some(_) => return Err(reader.damaged("a class of history that cannot be")),
        };
        let published = if version < 3 { 0 } else { reader.u64()? };
        let published = Some(Timestamp(published)).filter(|at| *at != Timestamp::ZERO);
        Ok(Listed { file, generation, primary, level, published })
    }
}

/// An entry as it stands in the manifest: what it says of the table, and its segments.
pub(crate) struct Entry {
    /// The bytes before the horizon.
    head: Vec<u8>,
    pub horizon: u64,
    pub segments: Vec<Listed>,
}

impl Entry {
    /// The entry of a table with these segments.
    pub(super) fn new(table: &FrozenTable, segments: Vec<Listed>) -> Entry {
        let mut writer = Writer::default();
        writer.u8(VERSION);
        encode_schema(&table.schema, &mut writer);
        encode_dictionary(&table.dictionary, &mut writer);
        writer.u32(table.index_since.len() as u32);
        for (index, since) in &table.index_since {
            writer.u32(index.0);
            writer.u64(since.0);
        }
        writer.u32(table.repeating.len() as u32);
        for index in &table.repeating {
            writer.u32(index.0);
        }
        writer.u64(table.dropped);
        writer.u32(table.next_chunk);
        let ended = table.generations.split_last().map_or(&[][..], |(_, ended)| ended);
        writer.u32(ended.len() as u32);
        for generation in ended {
            writer.u64(generation.until);
        }
        Entry { head: writer.bytes, horizon: table.table.horizon(), segments }
    }

    /// Reads an entry; `None` if it is of the first version, which says less.
    pub fn parse(bytes: &[u8]) -> Result<Option<Entry>, Error> {
        let mut reader = Reader::new(bytes);
        let scratch = Table::new(TableId(0), crate::TableSchema::default(), &[]);
        let version = decode_head(&mut reader, &scratch, &mut scratch.latch.write())?;
        let head = bytes.get(..bytes.len() - reader.remaining()).unwrap_or(bytes).to_vec();
        let horizon = if version == 1 { 0 } else { reader.u64()? };
        let count = reader.count()?;
        let segments = (0..count).map(|_| Listed::decode(&mut reader, version)).collect::<Result<_, _>>()?;
        reader.end()?;
        Ok((version >= 2).then_some(Entry { head: Entry::of_this_version(head), horizon, segments }))
    }

    /// The bytes before the horizon differ between versions 2 and 3 in the number of the version alone.
    fn of_this_version(mut head: Vec<u8>) -> Vec<u8> {
        if let Some(version) = head.first_mut() {
            *version = VERSION;
        }
        head
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer { bytes: self.head.clone() };
        writer.u64(self.horizon);
        writer.u32(self.segments.len() as u32);
        self.segments.iter().for_each(|segment| segment.encode(&mut writer));
        writer.bytes
    }
}

/// Makes the tables that the manifest names.
pub(crate) fn load_tables(engine: &Engine, state: &State) -> Result<(), Error> {
    let mut runs: HashMap<u32, Vec<(IndexId, &FileEntry)>> = HashMap::new();
    for (index, entries) in &state.index_runs {
        for entry in entries.values() {
            runs.entry(entry.level).or_default().push((*index, entry));
        }
    }
    for (id, entry) in &state.tables {
        let table = load_table(engine, *id, entry, state, &runs)?;
        engine.add_table(Arc::new(table));
    }
    Ok(())
}

fn load_table(
    engine: &Engine,
    id: TableId,
    entry: &TableEntry,
    manifest: &State,
    runs: &HashMap<u32, Vec<(IndexId, &FileEntry)>>,
) -> Result<Table, Error> {
    let mut reader = Reader::new(&entry.schema);
    let table = Table::new(id, crate::TableSchema::default(), &[]);
    let mut state = table.latch.write();
    let version = decode_head(&mut reader, &table, &mut state)?;
    if version > 1 {
        table.raise_horizon(reader.u64()?);
    }
    let mut live = 0;
    for _ in 0..reader.count()? {
        let listed = Listed::decode(&mut reader, version)?;
        let Listed { file, generation, .. } = listed;
        let number = generation as usize;
        let Some(file_entry) = entry.segments.get(&file) else {
            return Err(Error::Corrupted(format!(
                "table {} names segment {}, which is not listed",
                id.0, file.0
            )));
        };
        let part = match load_part(engine, file_entry, &listed, runs)? {
            Loaded::Part(part) => part,
            Loaded::Damaged(reason) => {
                tracing::error!(table = id.0, reason, "a damaged file is set aside; its table is not served");
                table.quarantine(reason);
                state.quarantined.push(listed);
                continue;
            }
        };
        builder::load(engine, manifest, &part, &state.schema);
        if version == 1 && part.max_to <= Timestamp::LATEST.0 {
            part.set_level(Level::History(Slice::ALL));
        }
        let generation = if number < state.older.len() {
            state.older.get_mut(number).map(|(_, generation)| generation)
        } else {
            live += live_rows(&part);
            Some(&mut state.current)
        };
        if let Some(generation) = generation {
            generation.segments.push(Arc::new(part));
        }
    }
    reader.end()?;
    for changes in entry.changes.values() {
        state.change_runs.push(ChangeRun::open(&engine.environment, changes.file, id, &changes.hash)?);
    }
    state.change_runs.sort_by_key(|run| run.first);
    table.live_rows.store(live, Ordering::Release);
    drop(state);
    Ok(table)
}

/// Reads what an entry says before its segments; answers its version.
fn decode_head(reader: &mut Reader<'_>, table: &Table, state: &mut TableState) -> Result<u8, Error> {
    let version = reader.u8()?;
    if !(1..=VERSION).contains(&version) {
        return Err(Error::Corrupted(format!(
            "the manifest's entry of table {} has an unknown version",
            table.id.0
        )));
    }
    state.describe(decode_schema(reader)?, decode_dictionary(reader)?);
    for _ in 0..reader.count()? {
        let index = IndexId(reader.u32()?);
        state.index_since.insert(index, Timestamp(reader.u64()?));
    }
    for _ in 0..reader.count()? {
        let index = IndexId(reader.u32()?);
        state.note_repeating(index);
    }
    table.drop_at(reader.u64()?);
    let next_chunk = reader.u32()?;
    let ended = (0..reader.count()?).map(|_| reader.u64()).collect::<Result<Vec<_>, Error>>()?;
    state.older = ended.into_iter().map(|until| (until, Generation::new(next_chunk))).collect();
    state.current = Generation::new(next_chunk);
    Ok(version)
}

fn live_rows(part: &SegmentPart) -> i64 {
    let ends = part.segment.ends();
    if ends.is_initially_alive() {
        return (part.segment.rows() - ends.changed().len()) as i64;
    }
    if part.max_to <= Timestamp::LATEST.0 {
        return 0;
    }
    (0..part.segment.rows()).filter(|row| is_live(ends.get(*row))).count() as i64
}

/// A segment of the manifest, or why it cannot be used.
enum Loaded {
    Part(SegmentPart),
    Damaged(String),
}

/// Opens a segment, its runs and its delete log. A damaged file is an answer; one that is missing, or of a newer
/// version, is an error, and the database does not open.
fn load_part(
    engine: &Engine,
    entry: &FileEntry,
    listed: &Listed,
    runs: &HashMap<u32, Vec<(IndexId, &FileEntry)>>,
) -> Result<Loaded, Error> {
    let number = crate::table::segments::segment_number(entry.file)?;
    let open = || {
        let segment = Segment::open(&engine.environment, entry.file, Some(&entry.hash))?;
        if let Some(at) = listed.published {
            segment.publish(at);
        }
        if let Some(log) = entry.delete_log {
            DeleteLog::load(&engine.environment, log, entry.file, segment.ends())?;
        }
        let mut opened = Vec::new();
        for (index, run) in runs.get(&number).map_or(&[][..], Vec::as_slice) {
            opened.push((*index, IndexRun::open(&engine.environment, run.file, Some(&run.hash))?));
        }
        Ok((segment, opened))
    };
    match open() {
        Ok((segment, opened)) => match SegmentPart::new(segment, listed.primary, listed.level, opened) {
            Err(Error::Corrupted(reason)) => Ok(Loaded::Damaged(reason)),
            other => other.map(Loaded::Part),
        },
        Err(error @ SegmentError::Corrupt { .. }) => Ok(Loaded::Damaged(error.to_string())),
        Err(error) => Err(error.into()),
    }
}
