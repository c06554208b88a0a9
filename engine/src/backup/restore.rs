//! A database made of a backup, as of the backup's end or of a moment within its reach.
//!
//! The reach of a backup begins with the moment of the checkpoint that it stands on: its data files say what was so at
//! that moment and nothing later, and what came later is in its log alone. So a moment is restored by cutting the log
//! off behind the last batch stamped at or before it. (All commits of a batch share a microsecond.) Earlier moments need
//! no restore: the history before the checkpoint is in the data files, and is read with AS OF.
//!
//! 1. Every hash of the backup is checked, before anything is written.
//! 2. The marker [`RESTORING`] appears in the empty target; no server opens a directory that has it.
//! 3. Data files are copied, the log is written up to the cut, the manifest is written, all of it for a new instance, so
//!    that no file of the original is ever taken for one of the restored database.
//! 4. The marker goes. The caller opens the database, which replays the log, and may verify it.
//!
//! Failure: a damaged backup is refused with the name of the file. After a crash the marker keeps servers away.

use super::inventory::{INVENTORY, Inventory};
use super::{
    BACKING_UP, BackupError, BackupReport, LIST_LOST, OF_BACKUP, Stop, check_empty, check_files, check_log,
    copy,
};
use crate::OpenError;
use crate::ids::Timestamp;
use crate::io::{self, Disk, Environment, planted};
use crate::log::archive;
use crate::manifest::{Manifest, State};
use crate::record::CommitSet;
use crate::segment::kind_of_name;
use std::sync::Arc;

/// The name of the marker of a restore that is under way, or was.
pub const RESTORING: &str = "restore.unfinished";

/// What was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    pub backup: BackupReport,
    /// The newest commit in it; [`Timestamp::ZERO`] if the log of the backup has none up to the moment.
    pub newest: Timestamp,
}

/// Whether a directory holds a finished backup.
pub fn is_backup(disk: &dyn Disk) -> std::io::Result<bool> {
    Ok(disk.list()?.iter().any(|name| name == INVENTORY))
}

/// Why a directory is not one to serve from: it must stay as it is, or is not whole.
pub(crate) fn keeps_servers_away(disk: &dyn Disk) -> std::io::Result<Option<&'static str>> {
    let names = disk.list()?;
    let holds = |wanted: &str| names.iter().any(|name| name == wanted);
    Ok(if holds(INVENTORY) {
        Some("it holds a backup; make a data directory of it with strata restore")
    } else if holds(BACKING_UP) {
        Some("a backup into it did not finish; empty it and back up again")
    } else if holds(RESTORING) {
        Some("a restore into it did not finish; empty it and restore again")
    } else {
        None
    })
}

/// Refuses the state of a backup, which is told apart without its list, too.
pub(crate) fn check_is_database(state: &State) -> Result<(), OpenError> {
    if state.properties.contains_key(OF_BACKUP) { Err(OpenError::Directory(LIST_LOST)) } else { Ok(()) }
}

/// A backup whose list was read.
struct Opened<'a> {
    environment: &'a Environment,
    inventory: Inventory,
    state: State,
}

impl<'a> Opened<'a> {
    /// Reads the list and checks every file that it names.
    fn new(environment: &'a Environment, stop: Stop<'_>) -> Result<Opened<'a>, BackupError> {
        let disk = &*environment.disk;
        if !is_backup(disk).map_err(|error| BackupError::source(INVENTORY, error))? {
            return Err(BackupError::NoBackup);
        }
        let file = disk.open(INVENTORY).map_err(|error| BackupError::source(INVENTORY, error))?;
        let bytes = io::read_whole(&*file).map_err(|error| BackupError::source(INVENTORY, error))?;
        let inventory = Inventory::decode(&bytes)?;
        for kept in &inventory.files {
            copy::check(disk, kept, stop)?;
        }
        let damaged = |reason: &str| BackupError::Damaged { file: INVENTORY.into(), reason: reason.into() };
        let Some((state, _)) = Manifest::read(disk)? else { return Err(damaged("it lists no manifest")) };
        if state.instance != inventory.instance || state.checkpoint != inventory.checkpoint {
            return Err(damaged("the manifest beside it is that of another backup"));
        }
        let is_listed = |name: &String| inventory.files.iter().any(|kept| kept.name == *name);
        match state.names().iter().find(|name| !is_listed(name)) {
            Some(name) => Err(damaged(&format!("it does not list \"{name}\""))),
            None => Ok(Opened { environment, inventory, state }),
        }
    }
}

/// Reads a backup whole and checks every hash and checksum.
pub fn check(environment: &Environment, stop: Stop<'_>) -> Result<BackupReport, BackupError> {
    let backup = Opened::new(environment, stop)?;
    check_files(environment, &backup.state, stop)?;
    check_log(&*environment.disk, &backup.inventory, stop)?;
    Ok(backup.inventory.report())
}

/// Makes a data directory of a backup: `target` is empty, `to` the moment, or the end of the backup. The caller opens
/// the database to see that it is sound.
pub fn restore(
    environment: &Environment,
    target: &Arc<dyn Disk>,
    to: Option<Timestamp>,
    stop: Stop<'_>,
) -> Result<Restored, BackupError> {
    check_empty(&**target)?;
    let backup = Opened::new(environment, stop)?;
    let Inventory { earliest, latest, .. } = backup.inventory;
    if to.is_some_and(|to| to < earliest || to > latest) {
        return Err(BackupError::OutOfRange { earliest: earliest.micros(), latest: latest.micros() });
    }
    io::replace(&**target, RESTORING, b"a restore into this directory has not finished\n")
        .map_err(|error| BackupError::target(RESTORING, error))?;
    let newest = backup.write(target, to, stop)?;
    target
        .remove(RESTORING)
        .and_then(|()| target.sync_directory())
        .map_err(|error| BackupError::target(RESTORING, error))?;
    Ok(Restored { backup: backup.inventory.report(), newest })
}

impl Opened<'_> {
    fn write(
        &self,
        target: &Arc<dyn Disk>,
        to: Option<Timestamp>,
        stop: Stop<'_>,
    ) -> Result<Timestamp, BackupError> {
        let source = &*self.environment.disk;
        let names = self.state.names();
        let is_data = |name: &String| names.contains(name) || kind_of_name(name).is_some();
        for kept in self.inventory.files.iter().filter(|kept| is_data(&kept.name)) {
            let file = source.open(&kept.name).map_err(|error| BackupError::source(&kept.name, error))?;
            let copied = copy::copy(&*file, &kept.name, kept.bytes, &**target, stop)?;
            if copied != *kept && !planted!(source, skip_backup_hashes) {
                let reason = "it has changed since it was checked".to_owned();
                return Err(BackupError::Damaged { file: kept.name.clone(), reason });
            }
        }
        let mut state = self.state.clone();
        state.properties.remove(OF_BACKUP);
        let random = &self.environment.random;
        state.instance[..8].copy_from_slice(&random.next_u64().to_le_bytes());
        state.instance[8..].copy_from_slice(&random.next_u64().to_le_bytes());
        let mut newest = Timestamp::ZERO;
        let mut wanted = |records: &[&[u8]]| {
            for record in records {
                let Some(at) = CommitSet::timestamp_of(record)? else { continue };
                if to.is_some_and(|to| at > to) && !planted!(source, skip_restore_cut) {
                    return Ok(false);
                }
                newest = newest.max(at);
            }
            Ok(true)
        };
        let (instance, stretch) = (state.instance, (self.inventory.checkpoint, self.inventory.end));
        state.durable = archive::read(source, self.inventory.instance, stretch, &mut wanted, &mut |part| {
            part.write(&**target, instance)
        })?;
        target.sync_directory().map_err(|error| BackupError::target("log", error))?;
        Manifest::write_copy(target, random, state)?;
        Ok(newest)
    }
}
