//! Full backups of a database at work, and what is made of them: `inventory` lists what a backup consists of, `copy`
//! moves and checks files, `restore` makes a database of a backup, as of its end or of a moment.
//!
//! A backup is a flat directory: a manifest that names the files of the last checkpoint, these files, the log from that
//! checkpoint to the end of the backup, and the list `BACKUP` with a hash of each.
//!
//! 1. **Hold**: under the layout's mutex the manifest's state is taken, and neither it nor the log gives a file back from
//!    now on. Compaction and checkpoints go on; what they replace stays until the backup is done.
//! 2. **Copy** what the state names: these files are never written again. Nobody waits for it.
//! 3. **End**: between two batches of the sequencer the durable end of the log is taken: everything acknowledged by then
//!    is in it.
//! 4. **Copy the log** from the checkpoint to that end, and data files that it alone may name; write the manifest.
//! 5. **Read back** everything from the device: hashes of all files, checksums within data files, each batch of the log.
//! 6. **List**: `BACKUP` appears by a rename. Without it nothing counts as a backup. Until then a marker,
//!    `backup.unfinished`, keeps servers away from what looks like a data directory. The manifest, too, says that it is
//!    that of a backup: one whose list is lost later is neither opened nor taken for a sound database.
//!
//! Files are copied, never linked: a link would share with the database what it is there to replace.
//!
//! Failure: a damaged or missing source file, a damaged table, or anything that does not read back as it was written
//! fails the backup and names the file; what was written to the target is removed again. A crash leaves a directory
//! without a list, which nothing restores.

mod copy;
pub(crate) mod inventory;
mod restore;

pub use restore::{RESTORING, Restored, check, is_backup, restore};
pub(crate) use restore::{check_is_database, keeps_servers_away};

use crate::checkpoint::{Layout, MOMENT};
use crate::engine::Engine;
use crate::ids::Timestamp;
use crate::io::{self, Disk, Environment, planted};
use crate::log::{Log, LogError, Lsn, archive};
use crate::manifest::{Manifest, ManifestError, State};
use crate::record::CommitSet;
use crate::segment::{kind_of_name, verify_file};
use crate::{Error, OpenError};
use inventory::{INVENTORY, Inventory, Kept};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

/// Asked now and then: whether to give up.
pub type Stop<'a> = &'a dyn Fn() -> bool;

/// Names in a target directory that are nobody's data.
const IGNORED: [&str; 1] = ["strata.lock"];
/// The marker of a backup that is under way, or was: but for its list it looks like a data directory.
pub(crate) const BACKING_UP: &str = "backup.unfinished";
/// The property in the manifest of a backup that tells it from a database, should the list be lost.
const OF_BACKUP: &str = "backup";
/// Why a directory with such a manifest is not opened.
const LIST_LOST: &str = "it holds a backup whose list, the file \"BACKUP\", is missing";

/// Why a backup or a restore did not come about.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("the directory is not empty")]
    NotEmpty,
    #[error("there is no backup here, or one that was not finished: the file \"{INVENTORY}\" is missing")]
    NoBackup,
    #[error("file \"{file}\" is damaged: {reason}")]
    Damaged { file: String, reason: String },
    #[error("could not read file \"{file}\": {source}")]
    Source { file: String, source: std::io::Error },
    #[error("could not write file \"{file}\": {source}")]
    Target { file: String, source: std::io::Error },
    /// The moment asked for, and those that can be restored, in microseconds since 2000-01-01 UTC.
    #[error("the backup does not reach to that moment")]
    OutOfRange { earliest: i64, latest: i64 },
    #[error("the backup was stopped")]
    Stopped,
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Engine(#[from] Error),
    /// What was restored does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl BackupError {
    fn target(file: &str, source: std::io::Error) -> BackupError {
        BackupError::Target { file: file.to_owned(), source }
    }

    fn source(file: &str, source: std::io::Error) -> BackupError {
        BackupError::Source { file: file.to_owned(), source }
    }

    /// Whether there was no room.
    pub fn is_disk_full(&self) -> bool {
        match self {
            BackupError::Target { source, .. } => {
                matches!(source.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
            }
            BackupError::Log(LogError::DiskFull(_))
            | BackupError::Manifest(ManifestError::DiskFull(_))
            | BackupError::Engine(Error::DiskFull) => true,
            _ => false,
        }
    }
}

/// What was backed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupReport {
    pub files: u64,
    pub bytes: u64,
    /// The moments that can be restored from it, both included.
    pub earliest: Timestamp,
    pub latest: Timestamp,
}

impl Inventory {
    fn report(&self) -> BackupReport {
        BackupReport {
            files: self.files.len() as u64,
            bytes: self.files.iter().map(|kept| kept.bytes).sum(),
            earliest: self.earliest,
            latest: self.latest,
        }
    }
}

/// Refuses a directory with anything in it.
pub(super) fn check_empty(disk: &dyn Disk) -> Result<(), BackupError> {
    let names = disk.list().map_err(|error| BackupError::target("", error))?;
    if names.iter().all(|name| IGNORED.contains(&name.as_str())) {
        Ok(())
    } else {
        Err(BackupError::NotEmpty)
    }
}

/// Backs the database up into an empty directory. Takes as long as copying takes: for a thread that may block.
pub(crate) fn backup(
    engine: &Engine,
    layout: &Mutex<Layout>,
    target: &Arc<dyn Disk>,
    stop: Stop<'_>,
) -> Result<BackupReport, BackupError> {
    check_empty(&**target)?;
    if let Some(table) = engine.tables().values().find(|table| table.check_sound().is_err()) {
        table.check_sound()?;
    }
    let pinned = Pinned::take(engine, layout)?;
    let written = write(engine, &pinned, target, stop);
    if written.is_err() {
        // A failure to tidy up is no more of a failure: without its list this is no backup.
        for name in target.list().unwrap_or_default() {
            if !IGNORED.contains(&name.as_str()) {
                let _ = target.remove(&name);
            }
        }
    }
    written
}

/// The state to be backed up; its files stay for as long as this lives.
struct Pinned<'a> {
    engine: &'a Engine,
    layout: &'a Mutex<Layout>,
    state: State,
    is_held: bool,
}

impl<'a> Pinned<'a> {
    fn take(engine: &'a Engine, layout: &'a Mutex<Layout>) -> Result<Pinned<'a>, BackupError> {
        let is_held = !planted!(engine.environment.disk, skip_backup_holds);
        let mut held = layout.lock();
        if is_held {
            // While the layout is held, no checkpoint becomes durable, and the log keeps what the last one needs.
            between_batches(engine, |_, log| log.hold())?;
            held.manifest.hold();
        }
        Ok(Pinned { engine, layout, state: held.manifest.state().clone(), is_held })
    }
}

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        let mut held = self.layout.lock();
        held.manifest.let_go();
        crate::checkpoint::remove_freed(&mut held.manifest);
        drop(held);
        // A database that is closing has no further use for the files either.
        self.engine.queue.run(Box::new(|engine, log| match log.let_go() {
            Ok(()) | Err(LogError::DiskFull(_)) => {}
            Err(error) => engine.poison(&error.to_string()),
        }));
    }
}

/// Has the sequencer do something with the log between two batches, and waits for it.
fn between_batches<T: Send + 'static>(
    engine: &Engine,
    work: impl FnOnce(&Engine, &mut Log) -> T + Send + 'static,
) -> Result<T, Error> {
    engine.check_writable()?;
    let (sender, receiver) = sync_channel(1);
    let task = move |engine: &Engine, log: &mut Log| {
        // The receiver waits for exactly this.
        let _ = sender.send(work(engine, log));
    };
    if !engine.queue.run(Box::new(task)) {
        return Err(Error::ShuttingDown);
    }
    receiver.recv().map_err(|_| Error::ShuttingDown)
}

fn write(
    engine: &Engine,
    pinned: &Pinned<'_>,
    target: &Arc<dyn Disk>,
    stop: Stop<'_>,
) -> Result<BackupReport, BackupError> {
    io::replace(&**target, BACKING_UP, b"a backup into this directory has not finished\n")
        .map_err(|error| BackupError::target(BACKING_UP, error))?;
    let source = &*engine.environment.disk;
    let state = &pinned.state;
    let from = state.checkpoint;
    let begun = match planted!(source, cut_backup_log) {
        true => Some(between_batches(engine, move |_, log: &mut Log| (log.durable(), log.pieces(from)))?),
        false => None,
    };
    let mut files = Vec::new();
    let mut copy = |file: &dyn io::File, name: &str, bytes: u64| {
        files.push(copy::copy(file, name, bytes, &**target, stop)?);
        Ok::<(), BackupError>(())
    };
    for name in state.names() {
        let file = source.open(&name).map_err(|error| BackupError::source(&name, error))?;
        let bytes = file.length().map_err(|error| BackupError::source(&name, error))?;
        copy(&*file, &name, bytes)?;
    }
    // Whatever commits after this is stamped later, and stands behind that end.
    let of_log = move |engine: &Engine, log: &mut Log| (log.durable(), log.pieces(from), engine.clock.pass());
    let (end, pieces, latest) = between_batches(engine, of_log)?;
    let (end, pieces) = begun.unwrap_or((end, pieces));
    for piece in pieces {
        let (file, bytes) = piece.open(source)?;
        copy(&*file, &piece.name(), bytes)?;
    }
    // Commits may have brought files that the log alone names so far.
    for name in unnamed(source, state)? {
        match source.open(&name) {
            Ok(file) => {
                let bytes = file.length().map_err(|error| BackupError::source(&name, error))?;
                copy(&*file, &name, bytes)?;
            }
            // It came to nothing: what a commit has brought is held.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(BackupError::source(&name, error)),
        }
    }
    let mut marked = state.clone();
    marked.properties.insert(OF_BACKUP.into(), vec![1]);
    Manifest::write_copy(target, &engine.environment.random, marked)?;
    let written = Written { engine, target, state, end, latest };
    let inventory = written.list(files, stop)?;
    written.read_back(&inventory, stop)?;
    target.sync_directory().map_err(|error| BackupError::target("", error))?;
    io::replace(&**target, INVENTORY, &inventory.encode())
        .map_err(|error| BackupError::target(INVENTORY, error))?;
    // Beside the list the marker means nothing.
    target
        .remove(BACKING_UP)
        .and_then(|()| target.sync_directory())
        .map_err(|error| BackupError::target(BACKING_UP, error))?;
    Ok(inventory.report())
}

/// Data files of a directory that a manifest does not name: whole, because they have their names.
pub(crate) fn unnamed(disk: &dyn Disk, state: &State) -> Result<Vec<String>, BackupError> {
    let mut names = disk.list().map_err(|error| BackupError::source("", error))?;
    let named = state.names();
    names.retain(|name| kind_of_name(name).is_some() && !named.contains(name));
    Ok(names)
}

/// A backup that lacks nothing but its list.
struct Written<'a> {
    engine: &'a Engine,
    target: &'a Arc<dyn Disk>,
    state: &'a State,
    end: Lsn,
    latest: Timestamp,
}

impl Written<'_> {
    /// The list: the files copied, and those of the manifest, which were made there.
    fn list(&self, mut files: Vec<Kept>, stop: Stop<'_>) -> Result<Inventory, BackupError> {
        let disk = &**self.target;
        for name in disk.list().map_err(|error| BackupError::target("", error))? {
            let is_mark = name == BACKING_UP || IGNORED.contains(&name.as_str());
            if is_mark || files.iter().any(|kept| kept.name == name) {
                continue;
            }
            let file = disk.open(&name).map_err(|error| BackupError::target(&name, error))?;
            // The manifest leaves its last few bytes to the next sync.
            file.sync_data().map_err(|error| BackupError::target(&name, error))?;
            let content = io::read_whole(&*file).map_err(|error| BackupError::target(&name, error))?;
            let hash = *blake3::hash(&content).as_bytes();
            files.push(Kept { name, bytes: content.len() as u64, hash });
        }
        files.sort_by(|left, right| left.name.cmp(&right.name));
        let mut inventory = Inventory {
            instance: self.state.instance,
            checkpoint: self.state.checkpoint,
            end: self.end,
            earliest: Timestamp::ZERO,
            latest: self.latest,
            files,
        };
        let first = check_log(disk, &inventory, stop)?;
        inventory.earliest = earliest(self.state, first).min(self.latest);
        Ok(inventory)
    }

    /// Reads everything back from the device.
    fn read_back(&self, inventory: &Inventory, stop: Stop<'_>) -> Result<(), BackupError> {
        for kept in &inventory.files {
            copy::check(&**self.target, kept, stop)?;
        }
        let environment = Environment { disk: self.target.clone(), ..self.engine.environment.clone() };
        check_files(&environment, self.state, stop)
    }
}

/// The first moment that a state and the log behind it can be restored to: that of the checkpoint, where it is known,
/// else just before the first commit behind it.
fn earliest(state: &State, first: Option<Timestamp>) -> Timestamp {
    let known = state.properties.get(MOMENT).and_then(|bytes| bytes.as_slice().try_into().ok());
    match (known.map(u64::from_le_bytes), first) {
        (Some(moment), _) => Timestamp(moment),
        (None, Some(first)) => Timestamp::before_micros(first.micros()),
        (None, None) => Timestamp::LATEST,
    }
}

/// Checks every checksum of the data files that a manifest names, and of those beside them.
fn check_files(environment: &Environment, state: &State, stop: Stop<'_>) -> Result<(), BackupError> {
    for name in state.names().into_iter().chain(unnamed(&*environment.disk, state)?) {
        if stop() {
            return Err(BackupError::Stopped);
        }
        let Some((kind, file)) = kind_of_name(&name) else { continue };
        let hash = state.entries().find(|entry| entry.file == file).map(|entry| &entry.hash);
        verify_file(&*environment.disk, kind, file, hash).map_err(Error::from)?;
    }
    Ok(())
}

/// Checks every batch of the log of a backup. Answers when its first commit was.
fn check_log(
    disk: &dyn Disk,
    inventory: &Inventory,
    stop: Stop<'_>,
) -> Result<Option<Timestamp>, BackupError> {
    let mut first = None;
    let mut stopped = false;
    let mut see = |records: &[&[u8]]| {
        for record in records {
            first = first.or(CommitSet::timestamp_of(record)?);
        }
        stopped = stop();
        Ok(!stopped)
    };
    let stretch = (inventory.checkpoint, inventory.end);
    archive::read(disk, inventory.instance, stretch, &mut see, &mut |_| Ok(()))?;
    if stopped { Err(BackupError::Stopped) } else { Ok(first) }
}
