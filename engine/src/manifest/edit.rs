//! What an edit does to the state, and how edits are written.
//!
//! An edit is a tag (2 bytes), a length (4 bytes) and that many bytes; numbers are little-endian, byte strings carry a
//! length of 4 bytes. A tag or a length that this version does not know is refused, never skipped. A snapshot is the
//! list of edits that makes the state out of nothing.
//!
//! | tag | edit | content |
//! |---|---|---|
//! | 1 | set table | table 4, schema bytes |
//! | 2 | drop table | table 4 |
//! | 3 | add segment | table 4, file entry |
//! | 4 | remove segment | table 4, file 8 |
//! | 5 | add index run | index 4, file entry |
//! | 6 | remove index run | index 4, file 8 |
//! | 7 | drop index | index 4 |
//! | 8 | set delete log | file 8, delete log 8 (all ones: none) |
//! | 9 | checkpoint | checkpoint 8, durable 8 |
//! | 10 | counter | counter 4, value 8 |
//! | 11 | clock floor | microseconds 8 |
//! | 12 | property | name bytes, value bytes |
//! | 13 | next file | file 8 |
//! | 14 | add changes | table 4, file entry |
//! | 15 | remove changes | table 4, file 8 |
//! | 16 | add graph | index 4, file entry, whose level is the file of its segment |
//! | 17 | remove graph | index 4, file 8 |
//!
//! A file entry: file 8, bytes 8, rows 8, level 4, hash 32, delete log 8 (all ones: none).

use super::{Edit, FileEntry, ManifestError, State};
use crate::{
    ids::{FileId, IndexId, TableId},
    log::Lsn,
    segment::FileKind,
};
use std::collections::BTreeSet;

/// How "no file" is written.
const NO_FILE: u64 = u64::MAX;
/// The tag of the edit that only snapshots hold.
const NEXT_FILE: u16 = 13;

impl State {
    /// Applies an edit; `Err` says why it cannot be.
    pub(super) fn apply(&mut self, edit: &Edit) -> Result<(), String> {
        match edit {
            Edit::SetTable { table, schema } => {
                self.tables.entry(*table).or_default().schema.clone_from(schema);
            }
            Edit::DropTable { table } => {
                let removed = self.tables.remove(table);
                for file in removed.iter().flat_map(|table| table.segments.keys()) {
                    self.remove_graphs_of(*file);
                }
            }
            Edit::AddSegment { table, entry } => {
                self.see(entry);
                let table_entry = self
                    .tables
                    .get_mut(table)
                    .ok_or_else(|| format!("a segment of table {}, which does not exist", table.0))?;
                table_entry.segments.insert(entry.file, entry.clone());
            }
            Edit::RemoveSegment { table, file } => {
                if let Some(table) = self.tables.get_mut(table) {
                    table.segments.remove(file);
                }
                self.remove_graphs_of(*file);
            }
            Edit::AddChanges { table, entry } => {
                self.see(entry);
                let table_entry = self
                    .tables
                    .get_mut(table)
                    .ok_or_else(|| format!("changes of table {}, which does not exist", table.0))?;
                table_entry.changes.insert(entry.file, entry.clone());
            }
            Edit::RemoveChanges { table, file } => {
                if let Some(table) = self.tables.get_mut(table) {
                    table.changes.remove(file);
                }
            }
            Edit::AddIndexRun { index, entry } => {
                self.see(entry);
                self.index_runs.entry(*index).or_default().insert(entry.file, entry.clone());
            }
            Edit::RemoveIndexRun { index, file } => {
                if let Some(runs) = self.index_runs.get_mut(index) {
                    runs.remove(file);
                    if runs.is_empty() {
                        self.index_runs.remove(index);
                        self.graphs.remove(index);
                    }
                }
            }
            Edit::AddGraph { index, entry } => {
                self.see(entry);
                let segment = FileId(u64::from(entry.level));
                if !self.tables.values().any(|table| table.segments.contains_key(&segment)) {
                    return Err(format!("a graph of segment {}, which does not exist", segment.0));
                }
                self.graphs.entry(*index).or_default().insert(entry.file, entry.clone());
            }
            Edit::RemoveGraph { index, file } => {
                if let Some(graphs) = self.graphs.get_mut(index) {
                    graphs.remove(file);
                }
                self.graphs.retain(|_, graphs| !graphs.is_empty());
            }
            Edit::DropIndex { index } => {
                self.index_runs.remove(index);
            }
            Edit::SetDeleteLog { file, delete_log } => {
                if let Some(delete_log) = delete_log {
                    self.next_file = self.next_file.max(FileId(delete_log.0.saturating_add(1)));
                }
                let entry = self
                    .entry_mut(*file)
                    .ok_or_else(|| format!("a delete log of file {}, which does not exist", file.0))?;
                entry.delete_log = *delete_log;
            }
            Edit::Checkpoint { checkpoint, durable } => {
                self.checkpoint = self.checkpoint.max(*checkpoint);
                self.durable = self.durable.max(*durable).max(*checkpoint);
            }
            Edit::Counter { counter, value } => {
                let stands = self.counters.entry(*counter).or_default();
                *stands = (*stands).max(*value);
            }
            Edit::ClockFloor { micros } => self.clock_floor = self.clock_floor.max(*micros),
            Edit::Property { name, value } if value.is_empty() => {
                self.properties.remove(name);
            }
            Edit::Property { name, value } => {
                self.properties.insert(name.clone(), value.clone());
            }
        }
        Ok(())
    }

    /// All files that the state names: data files first, their delete logs behind them.
    pub fn entries(&self) -> impl Iterator<Item = &FileEntry> {
        let tables = self.tables.values();
        let segments = tables.flat_map(|table| table.segments.values().chain(table.changes.values()));
        let runs = self.index_runs.values().chain(self.graphs.values());
        segments.chain(runs.flat_map(|runs| runs.values()))
    }

    /// A graph goes with its segment.
    fn remove_graphs_of(&mut self, segment: FileId) {
        for graphs in self.graphs.values_mut() {
            graphs.retain(|_, entry| u64::from(entry.level) != segment.0);
        }
        self.graphs.retain(|_, graphs| !graphs.is_empty());
    }

    /// The names of all data files.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for entry in self.entries() {
            names.extend(entry.delete_log.map(|file| FileKind::DeleteLog.name(file)));
        }
        for entry in self.tables.values().flat_map(|table| table.segments.values()) {
            names.insert(FileKind::Segment.name(entry.file));
        }
        for entry in self.tables.values().flat_map(|table| table.changes.values()) {
            names.insert(FileKind::Changes.name(entry.file));
        }
        for entry in self.index_runs.values().flat_map(|runs| runs.values()) {
            names.insert(FileKind::IndexRun.name(entry.file));
        }
        for entry in self.graphs.values().flat_map(|graphs| graphs.values()) {
            names.insert(FileKind::Graph.name(entry.file));
        }
        names
    }

    fn entry_mut(&mut self, file: FileId) -> Option<&mut FileEntry> {
        let segment = self.tables.values_mut().find_map(|table| table.segments.get_mut(&file));
        segment.or_else(|| self.index_runs.values_mut().find_map(|runs| runs.get_mut(&file)))
    }

    /// Never gives out an id again that an edit has named.
    fn see(&mut self, entry: &FileEntry) {
        let last = entry.delete_log.map_or(entry.file, |delete_log| delete_log.max(entry.file));
        self.next_file = self.next_file.max(FileId(last.0.saturating_add(1)));
    }

    /// The edits that make this state out of nothing, written.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut output = Vec::new();
        for (table, entry) in &self.tables {
            encode(&Edit::SetTable { table: *table, schema: entry.schema.clone() }, &mut output);
            for segment in entry.segments.values() {
                encode(&Edit::AddSegment { table: *table, entry: segment.clone() }, &mut output);
            }
            for changes in entry.changes.values() {
                encode(&Edit::AddChanges { table: *table, entry: changes.clone() }, &mut output);
            }
        }
        for (index, runs) in &self.index_runs {
            for run in runs.values() {
                encode(&Edit::AddIndexRun { index: *index, entry: run.clone() }, &mut output);
            }
        }
        for (index, graphs) in &self.graphs {
            for graph in graphs.values() {
                encode(&Edit::AddGraph { index: *index, entry: graph.clone() }, &mut output);
            }
        }
        encode(&Edit::Checkpoint { checkpoint: self.checkpoint, durable: self.durable }, &mut output);
        for (counter, value) in &self.counters {
            encode(&Edit::Counter { counter: *counter, value: *value }, &mut output);
        }
        encode(&Edit::ClockFloor { micros: self.clock_floor }, &mut output);
        for (name, value) in &self.properties {
            encode(&Edit::Property { name: name.clone(), value: value.clone() }, &mut output);
        }
        frame(NEXT_FILE, &self.next_file.0.to_le_bytes(), &mut output);
        output
    }

    /// Applies written edits. `Err` says why they cannot be.
    pub(super) fn apply_encoded(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut input = Input(bytes);
        while !input.0.is_empty() {
            let tag = input.number::<2>()? as u16;
            let length = input.number::<4>()? as usize;
            let mut content = Input(input.take(length)?);
            if tag == NEXT_FILE {
                self.next_file = self.next_file.max(FileId(content.number::<8>()?));
            } else {
                let edit = decode(tag, &mut content)?;
                self.apply(&edit).map_err(DecodeError::Broken)?;
            }
            if !content.0.is_empty() {
                return Err(DecodeError::Unknown(format!("edit {tag} is longer than known")));
            }
        }
        Ok(())
    }
}

/// Why written edits cannot be read.
#[derive(Debug)]
pub(super) enum DecodeError {
    Broken(String),
    Unknown(String),
}

impl DecodeError {
    pub(super) fn at(self, file: &str, offset: u64) -> ManifestError {
        let file = file.to_owned();
        match self {
            DecodeError::Broken(reason) => ManifestError::Corrupt { file, offset, reason },
            DecodeError::Unknown(reason) => ManifestError::Unknown { file, reason },
        }
    }
}

/// Writes one edit.
pub(super) fn encode(edit: &Edit, output: &mut Vec<u8>) {
    let mut content = Vec::new();
    let tag = match edit {
        Edit::SetTable { table, schema } => {
            content.extend_from_slice(&table.0.to_le_bytes());
            put_bytes(&mut content, schema);
            1
        }
        Edit::DropTable { table } => {
            content.extend_from_slice(&table.0.to_le_bytes());
            2
        }
        Edit::AddSegment { table, entry } => {
            content.extend_from_slice(&table.0.to_le_bytes());
            put_entry(&mut content, entry);
            3
        }
        Edit::RemoveSegment { table, file } => {
            content.extend_from_slice(&table.0.to_le_bytes());
            content.extend_from_slice(&file.0.to_le_bytes());
            4
        }
        Edit::AddIndexRun { index, entry } => {
            content.extend_from_slice(&index.0.to_le_bytes());
            put_entry(&mut content, entry);
            5
        }
        Edit::RemoveIndexRun { index, file } => {
            content.extend_from_slice(&index.0.to_le_bytes());
            content.extend_from_slice(&file.0.to_le_bytes());
            6
        }
        Edit::DropIndex { index } => {
            content.extend_from_slice(&index.0.to_le_bytes());
            7
        }
        Edit::SetDeleteLog { file, delete_log } => {
            content.extend_from_slice(&file.0.to_le_bytes());
            put_file(&mut content, *delete_log);
            8
        }
        Edit::Checkpoint { checkpoint, durable } => {
            content.extend_from_slice(&checkpoint.0.to_le_bytes());
            content.extend_from_slice(&durable.0.to_le_bytes());
            9
        }
        Edit::Counter { counter, value } => {
            content.extend_from_slice(&counter.to_le_bytes());
            content.extend_from_slice(&value.to_le_bytes());
            10
        }
        Edit::ClockFloor { micros } => {
            content.extend_from_slice(&micros.to_le_bytes());
            11
        }
        Edit::Property { name, value } => {
            put_bytes(&mut content, name.as_bytes());
            put_bytes(&mut content, value);
            12
        }
        Edit::AddChanges { table, entry } => {
            content.extend_from_slice(&table.0.to_le_bytes());
            put_entry(&mut content, entry);
            14
        }
        Edit::RemoveChanges { table, file } => {
            content.extend_from_slice(&table.0.to_le_bytes());
            content.extend_from_slice(&file.0.to_le_bytes());
            15
        }
        Edit::AddGraph { index, entry } => {
            content.extend_from_slice(&index.0.to_le_bytes());
            put_entry(&mut content, entry);
            16
        }
        Edit::RemoveGraph { index, file } => {
            content.extend_from_slice(&index.0.to_le_bytes());
            content.extend_from_slice(&file.0.to_le_bytes());
            17
        }
    };
    frame(tag, &content, output);
}

fn frame(tag: u16, content: &[u8], output: &mut Vec<u8>) {
    output.extend_from_slice(&tag.to_le_bytes());
    output.extend_from_slice(&(content.len() as u32).to_le_bytes());
    output.extend_from_slice(content);
}

fn put_bytes(output: &mut Vec<u8>, bytes: &[u8]) {
    output.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    output.extend_from_slice(bytes);
}

fn put_file(output: &mut Vec<u8>, file: Option<FileId>) {
    output.extend_from_slice(&file.map_or(NO_FILE, |file| file.0).to_le_bytes());
}

fn put_entry(output: &mut Vec<u8>, entry: &FileEntry) {
    output.extend_from_slice(&entry.file.0.to_le_bytes());
    output.extend_from_slice(&entry.bytes.to_le_bytes());
    output.extend_from_slice(&entry.rows.to_le_bytes());
    output.extend_from_slice(&entry.level.to_le_bytes());
    output.extend_from_slice(&entry.hash);
    put_file(output, entry.delete_log);
}

fn decode(tag: u16, input: &mut Input<'_>) -> Result<Edit, DecodeError> {
    Ok(match tag {
        1 => Edit::SetTable { table: input.table()?, schema: input.bytes()?.to_vec() },
        2 => Edit::DropTable { table: input.table()? },
        3 => Edit::AddSegment { table: input.table()?, entry: input.entry()? },
        4 => Edit::RemoveSegment { table: input.table()?, file: FileId(input.number::<8>()?) },
        5 => Edit::AddIndexRun { index: input.index()?, entry: input.entry()? },
        6 => Edit::RemoveIndexRun { index: input.index()?, file: FileId(input.number::<8>()?) },
        7 => Edit::DropIndex { index: input.index()? },
        8 => Edit::SetDeleteLog { file: FileId(input.number::<8>()?), delete_log: input.file()? },
        9 => Edit::Checkpoint { checkpoint: Lsn(input.number::<8>()?), durable: Lsn(input.number::<8>()?) },
        10 => Edit::Counter { counter: input.number::<4>()? as u32, value: input.number::<8>()? },
        11 => Edit::ClockFloor { micros: input.number::<8>()?.cast_signed() },
        12 => {
            let name = String::from_utf8(input.bytes()?.to_vec())
                .map_err(|_| DecodeError::Broken("a property whose name is no text".to_owned()))?;
            Edit::Property { name, value: input.bytes()?.to_vec() }
        }
        14 => Edit::AddChanges { table: input.table()?, entry: input.entry()? },
        15 => Edit::RemoveChanges { table: input.table()?, file: FileId(input.number::<8>()?) },
        16 => Edit::AddGraph { index: input.index()?, entry: input.entry()? },
        17 => Edit::RemoveGraph { index: input.index()?, file: FileId(input.number::<8>()?) },
        unknown => return Err(DecodeError::Unknown(format!("edit {unknown} is not known"))),
    })
}

/// Bytes still to be read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| DecodeError::Broken("an edit is cut short".to_owned()))?;
        self.0 = rest;
        Ok(taken)
    }

    fn number<const BYTES: usize>(&mut self) -> Result<u64, DecodeError> {
        let mut number = [0; 8];
        number[..BYTES].copy_from_slice(self.take(BYTES)?);
        Ok(u64::from_le_bytes(number))
    }

    fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.number::<4>()? as usize;
        self.take(length)
    }

    fn table(&mut self) -> Result<TableId, DecodeError> {
        Ok(TableId(self.number::<4>()? as u32))
    }

    fn index(&mut self) -> Result<IndexId, DecodeError> {
        Ok(IndexId(self.number::<4>()? as u32))
    }

    fn file(&mut self) -> Result<Option<FileId>, DecodeError> {
        let file = self.number::<8>()?;
        Ok((file != NO_FILE).then_some(FileId(file)))
    }

    fn entry(&mut self) -> Result<FileEntry, DecodeError> {
        let file = FileId(self.number::<8>()?);
        let bytes = self.number::<8>()?;
        let rows = self.number::<8>()?;
        let level = self.number::<4>()? as u32;
        let mut hash = [0; 32];
        hash.copy_from_slice(self.take(32)?);
        Ok(FileEntry { file, bytes, rows, level, hash, delete_log: self.file()? })
    }
}
