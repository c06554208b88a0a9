//! Verifying: every byte of every data file is read and compared with its checksums.
//!
//! A damaged block is also found without this, when somebody first reads it: the error names file, block and offset,
//! is given to whoever needs the block, and costs nobody else anything. Verifying finds it before it is needed, while
//! there is a backup to go back to. The log and the manifest are verified at each start. A segment that does not even
//! open is set aside at the start: the manifest and the disk keep it, its table answers every read and write with the
//! error, and all others are served.
//!
//! Mapped reads are not guarded against a file that another program cuts short: that is SIGBUS, and the process ends.
//! A handler could not go on either (the bytes are gone, and what asked for them has no way to fail); the next start
//! reads header, footer and length of every file and refuses by name.
//!
//! A directory that no server has open is verified whole and changed by nothing: the manifest's chain, every checksum and
//! hash of every file it names, the log's chain from the checkpoint on with the proof that tells a tear from damage, that
//! the log can be applied to what the files say, and that index runs agree with their segments: entries in the order of
//! their keys, each leading to a row that is there, no row with two keys.
//!
//! Either way every reference to a long value has to lead to a value with the content that it names.

use crate::Error;
use crate::backup::{check_is_database, keeps_servers_away, unnamed};
use crate::checkpoint::{Layout, load_tables};
use crate::configuration::Configuration;
use crate::database::OpenError;
use crate::engine::Engine;
use crate::ids::{FileId, IndexId, TableId, Timestamp};
use crate::io::Environment;
use crate::log::{Log, LogOptions, RecoverFrom};
use crate::long_value::References;
use crate::manifest::{Manifest, State};
use crate::segment::{DeleteLog, FileKind, IndexRun, SegmentError, kind_of_name, verify_file};
use crate::table::segments::SegmentPart;
use crate::table::{Table, TableState};
use parking_lot::Mutex;
use std::sync::Arc;

/// A file that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The table whose file it is.
    pub table: TableId,
    /// Empty if it was set aside at the start; the reason names it then, too.
    pub file: String,
    /// What is wrong, with block and offset.
    pub reason: String,
}

/// What was verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    pub files: u64,
    pub damaged: Vec<Damage>,
}

impl Verified {
    fn note(&mut self, table: TableId, name: String, result: Result<(), SegmentError>) {
        self.files += 1;
        if let Err(error) = result {
            tracing::error!(%error, table = table.0, "a file is damaged");
            self.damaged.push(Damage { table, file: name, reason: error.to_string() });
        }
    }
}

/// Verifies the database of a directory that nobody has open. What keeps it from being opened at all is an error.
pub fn verify_directory(
    configuration: Configuration,
    environment: Environment,
) -> Result<Verified, OpenError> {
    if let Some(reason) = keeps_servers_away(&*environment.disk)? {
        return Err(OpenError::Directory(reason));
    }
    let Some((state, _)) = Manifest::read(&*environment.disk)? else {
        return Err(OpenError::Directory("it holds no database"));
    };
    check_is_database(&state)?;
    let mut verified = Verified::default();
    let unnamed = unnamed(&*environment.disk, &state).map_err(|error| Error::Io(error.to_string()))?;
    for name in state.names().into_iter().chain(unnamed) {
        let Some((kind, file)) = kind_of_name(&name) else { continue };
        let hash = state.entries().find(|entry| entry.file == file).map(|entry| &entry.hash);
        verified.note(table_of(&state, file), name, verify_file(&*environment.disk, kind, file, hash));
    }
    let engine = Engine::new(configuration, environment);
    // A log is judged even where there is nothing that it could be applied to.
    let applies = verified.damaged.is_empty();
    if applies {
        load_tables(&engine, &state)?;
    }
    let (mut newest, mut floor) = (Timestamp::ZERO, 0);
    let mut apply = |_, record: &[u8]| {
        let applied = if applies { engine.replay(record, &mut newest, &mut floor) } else { Ok(()) };
        applied.map_err(|error| Box::new(error) as Box<dyn std::error::Error + Send + Sync>)
    };
    let options = LogOptions { file_bytes: engine.configuration.log_file_bytes, instance: state.instance };
    let from = RecoverFrom { checkpoint: state.checkpoint, durable: state.durable };
    Log::check(&engine.environment, options, from, &mut apply)?;
    for table in engine.tables().values() {
        check_indexes(table, &mut verified);
        check_references(table, Timestamp::INFINITY, &mut verified);
    }
    Ok(verified)
}

/// The table that a file belongs to; zero if none names it.
fn table_of(state: &State, file: FileId) -> TableId {
    let beside = |file: FileId| {
        let mut runs = state.index_runs.values().flat_map(|runs| runs.values());
        runs.find(|run| run.file == file).map(|run| FileId(u64::from(run.level)))
    };
    let of = state.entries().find(|entry| entry.delete_log == Some(file)).map(|entry| entry.file);
    let file = of.or_else(|| beside(file)).unwrap_or(file);
    let mut tables = state.tables.iter();
    tables
        .find(|(_, entry)| entry.segments.contains_key(&file) || entry.changes.contains_key(&file))
        .map_or(TableId(0), |(table, _)| *table)
}

/// Compares the index runs of a table with the segments that they belong to.
fn check_indexes(table: &Table, verified: &mut Verified) {
    let state = table.read();
    for part in state.generations().flat_map(|(_, generation)| &generation.segments) {
        for (index, run) in &part.runs {
            let reason = match check_run(part, *index, run) {
                Ok(None) => continue,
                Ok(Some(reason)) => reason,
                Err(error) => error.to_string(),
            };
            let file = FileKind::IndexRun.name(run.file());
            tracing::error!(reason, table = table.id.0, file, "an index does not agree with its table");
            verified.damaged.push(Damage { table: table.id, file, reason });
        }
    }
}

/// What is wrong with a run, if anything is.
fn check_run(part: &SegmentPart, index: IndexId, run: &IndexRun) -> Result<Option<String>, SegmentError> {
    let rows = part.segment.rows();
    let mut has_key = vec![false; rows];
    let mut before: &[u8] = &[];
    for position in 0..run.rows() {
        let entry = run.entry(position)?;
        let row = <[u8; 4]>::try_from(entry.clustering_key).map(|bytes| u32::from_be_bytes(bytes) as usize);
        let Some(seen) = row.ok().and_then(|row| has_key.get_mut(row)) else {
            let reason = format!("entry {position} of index {} names no row of its segment", index.0);
            return Ok(Some(reason));
        };
        if std::mem::replace(seen, true) {
            return Ok(Some(format!("entry {position} of index {} gives a row a second key", index.0)));
        }
        if entry.key < before {
            return Ok(Some(format!("entry {position} of index {} is out of order", index.0)));
        }
        before = entry.key;
    }
    Ok(None)
}

/// Looks up the long values that the segments of a table refer to. `published`: what began later is left out, for its values
/// may be on their way still.
fn check_references(table: &Table, published: Timestamp, verified: &mut Verified) {
    let (parts, long, schema) = {
        let state = table.read();
        let parts: Vec<Arc<SegmentPart>> =
            state.generations().flat_map(|(_, generation)| generation.segments.iter().cloned()).collect();
        (parts, state.long.clone(), state.schema.clone())
    };
    // What is missing where a file was set aside is known by that.
    let Some(values) = long.filter(|values| values.check_sound().is_ok()) else { return };
    let mut references = References::new(&values, &schema.long);
    for part in parts.iter().filter(|part| part.max_from <= published.0) {
        let reason = match references.wrong(part) {
            Ok(0) => continue,
            Ok(wrong) => format!("{wrong} long values that it refers to are missing or others"),
            Err(error) => error.to_string(),
        };
        let file = FileKind::Segment.name(FileId(u64::from(part.number)));
        let is_reported = verified.damaged.iter().any(|damage| damage.file == file);
        let is_there = |state: &TableState| {
            let mut all = state.generations().flat_map(|(_, generation)| &generation.segments);
            all.any(|other| other.number == part.number)
        };
        // History may have been given up while it was looked at, and its values with it.
        if !is_reported && is_there(&table.read()) {
            tracing::error!(reason, table = table.id.0, file, "long values cannot be found");
            verified.damaged.push(Damage { table: table.id, file, reason });
        }
    }
}

/// Reads all data files of all tables. Takes as long as that takes.
pub(crate) fn verify(engine: &Engine, layout: &Mutex<Layout>) -> Verified {
    let mut verified = Verified::default();
    let published = engine.clock.published();
    let tables = engine.tables();
    let mut tables: Vec<_> = tables.values().collect();
    tables.sort_by_key(|table| table.id);
    for table in tables {
        if let Err(error) = table.check_sound() {
            verified.files += 1;
            verified.damaged.push(Damage { table: table.id, file: String::new(), reason: error.to_string() });
        }
        let (parts, changes) = {
            let state = table.read();
            let parts: Vec<Arc<_>> =
                state.generations().flat_map(|(_, generation)| generation.segments.iter().cloned()).collect();
            (parts, state.change_runs.clone())
        };
        for part in parts {
            let file = FileId(u64::from(part.number));
            verified.note(table.id, FileKind::Segment.name(file), part.segment.verify());
            for (_, run) in &part.runs {
                verified.note(table.id, FileKind::IndexRun.name(run.file()), run.verify());
            }
            for (_, graph) in part.graphs.all() {
                let result = graph.verify();
                if let Err(error) = &result {
                    part.graphs.damage(&graph, error);
                }
                verified.note(table.id, FileKind::Graph.name(graph.file()), result);
            }
            // It may be replaced while it is looked at: what is gone by then is not damaged.
            let delete_log = || {
                let layout = layout.lock();
                let entry = layout.manifest.state().tables.get(&table.id)?.segments.get(&file)?.clone();
                entry.delete_log
            };
            if let Some(log) = delete_log() {
                let result = DeleteLog::verify(&engine.environment, log);
                if result.is_ok() || delete_log() == Some(log) {
                    verified.note(table.id, FileKind::DeleteLog.name(log), result);
                }
            }
        }
        for run in changes {
            verified.note(table.id, FileKind::Changes.name(run.file()), run.verify());
        }
        check_references(table, published, &mut verified);
    }
    verified
}
