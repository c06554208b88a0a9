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

use crate::checkpoint::Layout;
use crate::database::Engine;
use crate::ids::{FileId, TableId};
use crate::segment::{DeleteLog, FileKind, SegmentError};
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

/// Reads all data files of all tables. Takes as long as that takes.
pub(crate) fn verify(engine: &Engine, layout: &Mutex<Layout>) -> Verified {
    let mut verified = Verified::default();
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
    }
    verified
}
