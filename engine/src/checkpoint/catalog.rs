//! What the manifest keeps of a table besides its files, and the tables made from it when a database is opened.
//!
//! Format of an entry: version (1 byte, 1), schema, dictionary, indexes that do not know the whole past (index, since),
//! unique indexes with repeated keys (index),
//! moment of the drop (8 bytes), next chunk number (4), ends of the generations but the last (8 each), segments (file
//! id 8, generation 4, clustering index 4 or `u32::MAX`).

use super::freeze::FrozenTable;
use super::rewrite::Outputs;
use crate::database::Engine;
use crate::ids::FileId;
use crate::manifest::{FileEntry, State, TableEntry};
use crate::record::{Reader, Writer, decode_dictionary, decode_schema, encode_dictionary, encode_schema};
use crate::segment::{DeleteLog, IndexRun, Segment};
use crate::table::segments::SegmentPart;
use crate::table::visibility::is_live;
use crate::table::{Generation, Table};
use crate::{Error, IndexId, TableId, Timestamp};
use hashbrown::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const VERSION: u8 = 1;

/// The entry of a table once the outputs of its rewrite are installed.
pub(super) fn encode(table: &FrozenTable, outputs: &[Outputs]) -> Vec<u8> {
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
    let mut segments = Vec::new();
    for (number, (generation, outputs)) in table.generations.iter().zip(outputs).enumerate() {
        let kept = generation.segments.iter().filter(|part| !outputs.removed.contains(&part.number));
        segments.extend(kept.chain(&outputs.parts).map(|part| (number, part)));
    }
    writer.u32(segments.len() as u32);
    for (number, part) in segments {
        writer.u64(u64::from(part.number));
        writer.u32(number as u32);
        writer.u32(part.primary.map_or(u32::MAX, |index| index.0));
    }
    writer.bytes
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
        let table = load_table(engine, *id, entry, &runs)?;
        engine.add_table(Arc::new(table));
    }
    Ok(())
}

fn load_table(
    engine: &Engine,
    id: TableId,
    entry: &TableEntry,
    runs: &HashMap<u32, Vec<(IndexId, &FileEntry)>>,
) -> Result<Table, Error> {
    let mut reader = Reader::new(&entry.schema);
    if reader.u8()? != VERSION {
        return Err(Error::Corrupted(format!(
            "the manifest's entry of table {} has an unknown version",
            id.0
        )));
    }
    let schema = decode_schema(&mut reader)?;
    let dictionary = decode_dictionary(&mut reader)?;
    let table = Table::with_dictionary(id, schema, dictionary);
    let mut state = table.latch.write();
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
    let mut live = 0;
    for _ in 0..reader.count()? {
        let file = FileId(reader.u64()?);
        let number = reader.u32()? as usize;
        let primary = Some(reader.u32()?).filter(|index| *index != u32::MAX).map(IndexId);
        let Some(file_entry) = entry.segments.get(&file) else {
            return Err(Error::Corrupted(format!(
                "table {} names segment {}, which is not listed",
                id.0, file.0
            )));
        };
        let part = load_part(engine, file_entry, primary, runs)?;
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
    table.live_rows.store(live, Ordering::Release);
    drop(state);
    Ok(table)
}

fn live_rows(part: &SegmentPart) -> i64 {
    let ends = part.segment.ends();
    (0..part.segment.rows()).filter(|row| is_live(ends.get(*row))).count() as i64
}

fn load_part(
    engine: &Engine,
    entry: &FileEntry,
    primary: Option<IndexId>,
    runs: &HashMap<u32, Vec<(IndexId, &FileEntry)>>,
) -> Result<SegmentPart, Error> {
    let segment = Segment::open(&engine.environment, entry.file, Some(&entry.hash))?;
    if let Some(log) = entry.delete_log {
        DeleteLog::load(&engine.environment, log, entry.file, segment.ends())?;
    }
    let number = crate::table::segments::segment_number(entry.file)?;
    let mut opened = Vec::new();
    for (index, run) in runs.get(&number).map_or(&[][..], Vec::as_slice) {
        opened.push((*index, IndexRun::open(&engine.environment, run.file, Some(&run.hash))?));
    }
    SegmentPart::new(segment, primary, opened)
}
