//! The manifest's files: appending to the current one, beginning the next, and opening what a crash left.
//!
//! The closed table of what a start may find:
//!
//! | found | answer |
//! |---|---|
//! | no `CURRENT`, no manifest file | no database here |
//! | no `CURRENT`, only the first manifest file and nothing in it but its snapshot | a creation that did not finish: no database here |
//! | no `CURRENT`, but other manifest files | refused: `CURRENT` is lost |
//! | `CURRENT` damaged, or naming a file that is missing or whose header or snapshot is damaged | refused: all of these were durable before `CURRENT` was |
//! | records intact, then bytes that are no intact record, and no later record says that more was durable | a torn tail: cut off |
//! | the same, and a later record says so | refused, naming file and offset |
//! | an unknown version, record kind or edit | refused |
//!
//! Then what was found is written as the snapshot of a new generation, synced, and `CURRENT` set to it, before
//! anything is built on it: a tail that lived in the page cache alone cannot vanish later. The generation before stays
//! as a file; older ones are removed.

use std::{io, sync::Arc};

use super::{
    Edit, ManifestError, State,
    edit::encode,
    format::{self, CURRENT, Header, Kind, NoHeader, RECORD_HEADER},
};
use crate::{
    ids::FileId,
    io::{Disk, Environment, File, Random, read_whole, remove_if_there, replace},
    segment,
};

/// A file is not begun anew before it has this many bytes of edits.
const SMALLEST_ROTATION: u64 = 256 << 10;

/// The manifest, open for edits. One owner at a time.
#[derive(Debug)]
pub struct Manifest {
    disk: Arc<dyn Disk>,
    random: Arc<dyn Random>,
    state: State,
    header: Header,
    file: Arc<dyn File>,
    /// Where the next record goes.
    offset: u64,
    /// Its number.
    sequence: u64,
    /// Length of the file's snapshot.
    snapshot_bytes: u64,
    is_poisoned: bool,
    /// Files that edits have taken out, and that are still there.
    freed: Vec<String>,
    /// How many backups want every file to stay.
    held: usize,
}

fn io_error(file: &str, source: io::Error) -> ManifestError {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ManifestError::DiskFull(source),
        _ => ManifestError::Io { file: file.to_owned(), source },
    }
}

fn corrupt(file: &str, offset: u64, reason: &str) -> ManifestError {
    ManifestError::Corrupt { file: file.to_owned(), offset, reason: reason.to_owned() }
}

fn no_header(file: &str, problem: NoHeader) -> ManifestError {
    match problem {
        NoHeader::Damaged => corrupt(file, 0, "its header fails its checksum"),
        NoHeader::Version(version) => {
            ManifestError::Unknown { file: file.to_owned(), reason: format!("version {version}") }
        }
    }
}

impl Manifest {
    /// Opens the manifest of the data directory; `None` if the directory holds no database.
    pub fn open(environment: &Environment) -> Result<Option<Manifest>, ManifestError> {
        match Manifest::read(&*environment.disk)? {
            Some((state, generation)) => Manifest::resume(environment, state, generation).map(Some),
            None => Ok(None),
        }
    }

    /// Goes on from what [`Manifest::read`] has found. Nothing is written before.
    pub(crate) fn resume(
        environment: &Environment,
        state: State,
        generation: u64,
    ) -> Result<Manifest, ManifestError> {
        let manifest = Manifest::begin(&environment.disk, &environment.random, state, generation + 1)?;
        manifest.remove_generations_before(generation)?;
        Ok(manifest)
    }

    /// Writes `state` as the manifest of another directory, durable on return.
    pub(crate) fn write_copy(
        disk: &Arc<dyn Disk>,
        random: &Arc<dyn Random>,
        state: State,
    ) -> Result<(), ManifestError> {
        Manifest::begin(disk, random, state, 1).map(|_| ())
    }

    /// What the manifest of a directory says, and its generation; changes nothing. `None` without a database.
    pub(crate) fn read(disk: &dyn Disk) -> Result<Option<(State, u64)>, ManifestError> {
        let names = disk.list().map_err(|source| io_error("manifest-*", source))?;
        let generations: Vec<u64> = names.iter().filter_map(|name| format::generation_of(name)).collect();
        if !names.iter().any(|name| name == CURRENT) {
            check_unfinished(disk, &generations)?;
            return Ok(None);
        }
        let current = read(disk, CURRENT)?;
        let (instance, generation) =
            format::decode_current(&current).map_err(|problem| no_header(CURRENT, problem))?;
        let name = format::file_name(generation);
        if !generations.contains(&generation) {
            return Err(corrupt(&name, 0, "the file is missing"));
        }
        let bytes = read(disk, &name)?;
        let header = Header::decode(&bytes).map_err(|problem| no_header(&name, problem))?;
        if header.instance != instance || header.generation != generation {
            return Err(corrupt(&name, 0, "it is not the file that \"CURRENT\" names"));
        }
        let mut state = replay(&name, &header, &bytes)?;
        state.instance = instance;
        Ok(Some((state, generation)))
    }

    /// Makes the manifest of a new database, durable on return.
    pub fn create(environment: &Environment) -> Result<Manifest, ManifestError> {
        let mut state = State { next_file: FileId(1), ..State::default() };
        state.instance[..8].copy_from_slice(&environment.random.next_u64().to_le_bytes());
        state.instance[8..].copy_from_slice(&environment.random.next_u64().to_le_bytes());
        Manifest::begin(&environment.disk, &environment.random, state, 1)
    }

    /// Writes a generation that begins with a snapshot of `state`, and makes it the current one.
    fn begin(
        disk: &Arc<dyn Disk>,
        random: &Arc<dyn Random>,
        state: State,
        generation: u64,
    ) -> Result<Manifest, ManifestError> {
        let header = Header {
            instance: state.instance,
            generation,
            nonce: random.next_u64() | 1,
            seed: (random.next_u64() >> 32) as u32 | 1,
        };
        let mut bytes = header.encode();
        let snapshot = header.encode_record(Kind::Snapshot, 0, 0, bytes.len() as u64, &state.encode());
        bytes.extend_from_slice(&snapshot);
        let name = format::file_name(generation);
        replace(&**disk, &name, &bytes).map_err(|source| io_error(&name, source))?;
        replace(&**disk, CURRENT, &format::encode_current(state.instance, generation))
            .map_err(|source| io_error(CURRENT, source))?;
        let file = disk.open(&name).map_err(|source| io_error(&name, source))?;
        let mut manifest = Manifest {
            disk: disk.clone(),
            random: random.clone(),
            state,
            header,
            file,
            offset: bytes.len() as u64,
            sequence: 1,
            snapshot_bytes: snapshot.len() as u64,
            is_poisoned: false,
            freed: Vec::new(),
            held: 0,
        };
        manifest.seal()?;
        Ok(manifest)
    }

    /// What holds now.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// A file id that no durable edit has named. Use it in an edit of a later [`Manifest::commit`]; after a crash
    /// before that, the file is an orphan and its id may be used again.
    pub fn allocate_file(&mut self) -> FileId {
        let file = self.state.next_file;
        self.state.next_file = FileId(file.0 + 1);
        file
    }

    /// Applies edits: all of them or, after a crash, none. Durable on return. After any error but `Misuse` and
    /// `DiskFull` the manifest is poisoned.
    pub fn commit(&mut self, edits: &[Edit]) -> Result<(), ManifestError> {
        if self.is_poisoned {
            return Err(ManifestError::Poisoned);
        }
        let mut next = self.state.clone();
        let mut content = Vec::new();
        for edit in edits {
            next.apply(edit).map_err(ManifestError::Misuse)?;
            encode(edit, &mut content);
        }
        if content.len() > u32::MAX as usize / 2 {
            return Err(ManifestError::Misuse("edits of more than 2 GiB".to_owned()));
        }
        let written = self.write(&content);
        self.note(written)?;
        let kept = next.names();
        self.freed.extend(self.state.names().into_iter().filter(|name| !kept.contains(name)));
        self.state = next;
        let sealed = self.seal();
        self.note(sealed)?;
        if self.offset > SMALLEST_ROTATION + 4 * self.snapshot_bytes {
            let rotated = self.rotate();
            return match self.note(rotated) {
                // The current file goes on as it was.
                Err(ManifestError::DiskFull(_)) => Ok(()),
                other => other,
            };
        }
        Ok(())
    }

    /// Appends a record of edits and syncs it.
    fn write(&mut self, content: &[u8]) -> Result<(), ManifestError> {
        let record =
            self.header.encode_record(Kind::Edits, self.sequence, self.sequence, self.offset, content);
        let name = format::file_name(self.header.generation);
        self.file.write_at(&record, self.offset).map_err(|source| io_error(&name, source))?;
        // A failed sync is never for want of room alone: what it leaves behind is unknown.
        self.file.sync_data().map_err(|source| ManifestError::Io { file: name, source })?;
        self.offset += record.len() as u64;
        self.sequence += 1;
        Ok(())
    }

    /// Notes behind a synced record that it was synced. Not synced itself, and overwritten by the next record.
    fn seal(&mut self) -> Result<(), ManifestError> {
        let seal = self.header.encode_record(Kind::Seal, self.sequence, self.sequence, self.offset, &[]);
        match self.file.write_at(&seal, self.offset) {
            Ok(()) => Ok(()),
            Err(source) => match io_error(&format::file_name(self.header.generation), source) {
                // A seal only helps to tell damage from a tear.
                ManifestError::DiskFull(_) => Ok(()),
                error => Err(error),
            },
        }
    }

    fn note(&mut self, result: Result<(), ManifestError>) -> Result<(), ManifestError> {
        if let Err(ManifestError::Io { .. }) = result {
            self.is_poisoned = true;
        }
        result
    }

    /// Begins the next generation.
    fn rotate(&mut self) -> Result<(), ManifestError> {
        let generation = self.header.generation;
        let (freed, held) = (std::mem::take(&mut self.freed), self.held);
        *self = Manifest::begin(&self.disk, &self.random, self.state.clone(), generation + 1)?;
        self.freed = freed;
        self.held = held;
        self.remove_generations_before(generation)
    }

    fn remove_generations_before(&self, kept: u64) -> Result<(), ManifestError> {
        for name in self.disk.list().map_err(|source| io_error("manifest-*", source))? {
            let stem = name.strip_suffix(".tmp").unwrap_or(&name);
            if format::generation_of(stem).is_some_and(|generation| generation < kept || stem != name) {
                remove_if_there(&*self.disk, &name).map_err(|source| io_error(&name, source))?;
            }
        }
        Ok(())
    }

    /// Keeps every file that is named now until [`Manifest::let_go`] is called as often: a backup is copying.
    pub(crate) fn hold(&mut self) {
        self.held += 1;
    }

    /// Ends one [`Manifest::hold`].
    pub(crate) fn let_go(&mut self) {
        self.held = self.held.saturating_sub(1);
    }

    /// Removes the files that edits have taken out, unless a backup holds them. Mappings of them stay readable.
    pub fn remove_freed(&mut self) -> Result<(), ManifestError> {
        if self.held > 0 {
            return Ok(());
        }
        for name in std::mem::take(&mut self.freed) {
            remove_if_there(&*self.disk, &name).map_err(|source| io_error(&name, source))?;
        }
        Ok(())
    }

    /// Removes segment, index run and delete log files that the manifest does not name (left by a crash or freed by
    /// an edit), and answers their names. The caller makes sure that nobody is just writing one.
    /// `is_logged`: whether the log names the file instead.
    pub fn remove_orphans(&self, is_logged: &dyn Fn(FileId) -> bool) -> Result<Vec<String>, ManifestError> {
        let mut removed = Vec::new();
        for name in self.disk.list().map_err(|source| io_error("segments", source))? {
            let stem = name.strip_suffix(".tmp").unwrap_or(&name);
            let Some(file) = segment::file_of_name(stem) else { continue };
            let is_named = stem == name
                && (is_logged(file)
                    || self
                        .state
                        .entries()
                        .any(|entry| entry.file == file || entry.delete_log == Some(file)));
            if !is_named {
                remove_if_there(&*self.disk, &name).map_err(|source| io_error(&name, source))?;
                removed.push(name);
            }
        }
        Ok(removed)
    }
}

fn read(disk: &dyn Disk, name: &str) -> Result<Vec<u8>, ManifestError> {
    let file = disk.open(name).map_err(|source| io_error(name, source))?;
    read_whole(&*file).map_err(|source| io_error(name, source))
}

/// Without `CURRENT`, only a creation that did not finish may be there.
fn check_unfinished(disk: &dyn Disk, generations: &[u64]) -> Result<(), ManifestError> {
    let lost = Err(corrupt(CURRENT, 0, "the file is missing, but the data directory holds a database"));
    match generations {
        [] => Ok(()),
        [1] => {
            let bytes = read(disk, &format::file_name(1))?;
            // Written whole before it got its name.
            let Ok(header) = Header::decode(&bytes) else { return lost };
            let Some(record) = header.decode_record(&bytes, format::HEADER) else { return lost };
            let end = format::HEADER + RECORD_HEADER + record.length.next_multiple_of(8);
            if bytes.len() > end { lost } else { Ok(()) }
        }
        _ => lost,
    }
}

/// The state that the records of a file make.
fn replay(name: &str, header: &Header, bytes: &[u8]) -> Result<State, ManifestError> {
    let mut state = State::default();
    let mut offset = format::HEADER;
    let mut sequence = 0;
    while let Some(record) = header.decode_record(bytes, offset) {
        let Some(content) = header.content(bytes, offset, &record) else { break };
        if record.sequence != sequence || record.durable > sequence {
            return Err(corrupt(name, offset as u64, "a record is out of order"));
        }
        match (record.kind, sequence) {
            (1, 0) | (2, 1..) => {
                state.apply_encoded(content).map_err(|problem| problem.at(name, offset as u64))?;
            }
            (3, 1..) if content.is_empty() => break,
            (1..=3, _) => {
                return Err(corrupt(name, offset as u64, "a record stands where none of its kind may"));
            }
            (unknown, _) => {
                let reason = format!("record kind {unknown}");
                return Err(ManifestError::Unknown { file: name.to_owned(), reason });
            }
        }
        offset += RECORD_HEADER + record.length.next_multiple_of(8);
        sequence += 1;
    }
    if sequence == 0 {
        return Err(corrupt(name, offset as u64, "its snapshot fails its checksum"));
    }
    let mut later = offset;
    while later + RECORD_HEADER <= bytes.len() {
        if format::u64_at(bytes, later) == header.nonce
            && header.decode_record(bytes, later).is_some_and(|record| record.durable > sequence)
        {
            let reason = format!("the record at offset {later} says that this one was durable");
            return Err(corrupt(name, offset as u64, &reason));
        }
        later += 8;
    }
    Ok(state)
}
