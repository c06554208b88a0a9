//! The simulated disk: names, faults, crashes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    sync::{Arc, Weak},
};

use arrow_buffer::{Buffer, MutableBuffer};
use parking_lot::{Condvar, Mutex};

use super::{
    Faults, SimulatedRandom,
    handle::{Mount, SimulatedFile},
    image::Image,
    journal::Event,
};
use crate::io::{Disk, File, Random, Space, Unnamed, extent};

/// Something that goes wrong once, at the `after`-th call of its kind from now (zero: the next one).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A sync of data fails; its pages are clean afterwards, and not all of them durable.
    FailSync { after: u64 },
    /// A write fails with an I/O error and changes nothing.
    FailWrite { after: u64 },
    /// A read fails with an I/O error.
    FailRead { after: u64 },
    /// The power goes: this change of the disk and everything after it fails until [`SimulatedDisk::crash`].
    PowerOff { after: u64 },
}

/// A change of the directory that is not durable yet.
#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Create { name: String, file: u64 },
    Rename { from: String, to: String, file: u64 },
    Remove { name: String, file: u64 },
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) files: BTreeMap<u64, Image>,
    pub(super) next_file: u64,
    pub(super) names: BTreeMap<String, u64>,
    pub(super) durable_names: BTreeMap<String, u64>,
    pub(super) name_changes: Vec<NameChange>,
    pub(super) faults: Faults,
    pub(super) fail_sync: Option<u64>,
    pub(super) fail_write: Option<u64>,
    pub(super) fail_read: Option<u64>,
    pub(super) power_off: Option<u64>,
    pub(super) is_off: bool,
    pub(super) capacity: Option<u64>,
    /// Handles of an earlier life are dead.
    pub(super) life: u64,
    /// Syncs of data wait until this is false again.
    pub(super) holds_syncs: bool,
    /// How many syncs wait.
    pub(super) held: usize,
    /// Calls that change the disk, since it was made.
    pub(super) changes: u64,
    pub(super) syncs: u64,
    /// A sum over everything that was changed, in its order.
    pub(super) trace: u64,
    /// The changes themselves, and what else happened, where somebody wants to compare them.
    pub(super) journal: Option<Vec<Event>>,
}

/// A disk in memory.
pub struct SimulatedDisk {
    pub(super) state: Mutex<State>,
    /// Syncs are held no more.
    released: Condvar,
    pub(super) random: SimulatedRandom,
    this: Weak<SimulatedDisk>,
}

impl fmt::Debug for SimulatedDisk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SimulatedDisk").finish_non_exhaustive()
    }
}

impl SimulatedDisk {
    /// An empty disk whose crashes obey `seed`.
    pub fn new(seed: u64) -> Arc<SimulatedDisk> {
        Arc::new_cyclic(|this| SimulatedDisk {
            state: Mutex::default(),
            released: Condvar::new(),
            random: SimulatedRandom::new(seed),
            this: this.clone(),
        })
    }

    /// The disk as one process sees it: of no use to it after a crash or kill, as its open files are. What is made of
    /// the disk itself outlives both, and may come from a process that should be dead.
    pub fn mount(&self) -> Arc<dyn Disk> {
        Arc::new(Mount { disk: self.this.clone(), life: self.state.lock().life })
    }

    /// A power cut. Open files and mounts are dead; open the database anew.
    pub fn crash(&self) {
        self.crash_choosing(&mut |possibilities| self.random.below(possibilities));
    }

    /// A power cut whose every choice the caller makes: `keep(n)` answers a number below `n`. For a sector or length
    /// zero is "nothing of what was not synced", and `n - 1` the newest version; for a change of a name 1 is "kept".
    pub fn crash_choosing(&self, keep: &mut dyn FnMut(u64) -> u64) {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.tell(&|| "crash".to_owned());
        state.life += 1;
        state.is_off = false;
        state.holds_syncs = false;
        self.released.notify_all();
        for change in std::mem::take(&mut state.name_changes) {
            if keep(2) == 1 {
                change.apply(&mut state.durable_names);
            }
        }
        state.names = state.durable_names.clone();
        for image in state.files.values_mut() {
            image.crash(keep);
        }
        let names = &state.names;
        state.files.retain(|number, _| names.values().any(|named| named == number));
        state.disarm();
    }

    /// The process dies, the system lives: the cache keeps what was written.
    pub fn kill(&self) {
        let mut state = self.state.lock();
        state.life += 1;
        state.is_off = false;
        state.holds_syncs = false;
        self.released.notify_all();
        state.disarm();
    }

    /// Switches durability steps off or on.
    pub fn set_faults(&self, faults: Faults) {
        self.state.lock().faults = faults;
    }

    /// Arms a fault.
    pub fn arm(&self, fault: Fault) {
        let mut state = self.state.lock();
        state.tell(&|| format!("armed: {fault:?}"));
        match fault {
            Fault::FailSync { after } => state.fail_sync = Some(after),
            Fault::FailWrite { after } => state.fail_write = Some(after),
            Fault::FailRead { after } => state.fail_read = Some(after),
            Fault::PowerOff { after } => state.power_off = Some(after),
        }
    }

    /// Bytes that all files together may take; `None`: no limit.
    pub fn set_capacity(&self, capacity: Option<u64>) {
        let mut state = self.state.lock();
        state.tell(&|| format!("capacity: {capacity:?}"));
        state.capacity = capacity;
    }

    /// Makes syncs of data wait until [`SimulatedDisk::release_syncs`], so that a test knows which commits arrive
    /// while one is in flight. A crash or kill releases them, too.
    pub fn hold_syncs(&self) {
        self.state.lock().holds_syncs = true;
    }

    /// How many syncs are held.
    pub fn syncs_held(&self) -> usize {
        self.state.lock().held
    }

    /// Lets held syncs go on.
    pub fn release_syncs(&self) {
        self.state.lock().holds_syncs = false;
        self.released.notify_all();
    }

    /// Waits, in a sync of a file of this life, while syncs are held.
    pub(super) fn pass_hold(&self, life: u64) {
        let mut state = self.state.lock();
        if !state.holds_syncs || state.life != life {
            return;
        }
        state.held += 1;
        while state.holds_syncs && state.life == life {
            self.released.wait(&mut state);
        }
        state.held -= 1;
    }

    /// Bytes that all files with a name together take.
    pub fn used(&self) -> u64 {
        self.state.lock().used()
    }

    /// How many calls have changed the disk so far.
    pub fn changes(&self) -> u64 {
        self.state.lock().changes
    }

    /// A sum over all changes of the disk so far, in their order: two runs of one story have the same.
    pub fn trace(&self) -> u64 {
        self.state.lock().trace
    }

    /// How many syncs of data have worked so far.
    pub fn syncs(&self) -> u64 {
        self.state.lock().syncs
    }

    /// The content of a file as reads through the cache show it.
    pub fn content(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state.lock();
        let image = state.files.get(state.names.get(name)?)?;
        let mut bytes = vec![0; usize::try_from(image.length()).ok()?];
        image.read(&mut bytes, 0)?;
        Some(bytes)
    }

    /// Changes a file on the device, behind everybody's back. False if there is none.
    pub fn overwrite(&self, name: &str, bytes: &[u8], offset: u64) -> bool {
        self.change_image(name, |image| image.overwrite(bytes, offset))
    }

    /// Puts a file on the device, durably, as if it had always been there.
    pub fn place(&self, name: &str, bytes: &[u8]) {
        let mut state = self.state.lock();
        let file = state.next_file;
        state.next_file += 1;
        let mut image = Image::default();
        image.overwrite(bytes, 0);
        state.files.insert(file, image);
        state.names.insert(name.to_owned(), file);
        state.durable_names.insert(name.to_owned(), file);
    }

    /// Cuts a file off on the device.
    pub fn cut(&self, name: &str, length: u64) -> bool {
        self.change_image(name, |image| image.cut(length))
    }

    /// Flips one bit on the device.
    pub fn flip(&self, name: &str, offset: u64, bit: u8) -> bool {
        self.change_image(name, |image| {
            let mut byte = [0];
            if image.read(&mut byte, offset).is_some() {
                image.overwrite(&[byte[0] ^ (1 << (bit & 7))], offset);
            }
        })
    }

    /// Removes a file, durably, behind everybody's back.
    pub fn lose(&self, name: &str) -> bool {
        let mut state = self.state.lock();
        state.durable_names.remove(name);
        state.names.remove(name).is_some()
    }

    /// A disk of its own with the same durable content: to try several endings of one story.
    pub fn fork(&self, seed: u64) -> Arc<SimulatedDisk> {
        let fork = SimulatedDisk::new(seed);
        let state = self.state.lock();
        {
            let mut target = fork.state.lock();
            target.next_file = state.next_file;
            target.names = state.names.clone();
            target.durable_names = state.names.clone();
            target.faults = state.faults;
            for (number, image) in &state.files {
                let mut bytes = vec![0; image.length() as usize];
                let mut copy = Image::default();
                if image.read(&mut bytes, 0).is_some() {
                    copy.overwrite(&bytes, 0);
                }
                target.files.insert(*number, copy);
            }
        }
        drop(state);
        fork
    }

    fn change_image(&self, name: &str, change: impl FnOnce(&mut Image)) -> bool {
        let mut state = self.state.lock();
        let Some(number) = state.names.get(name).copied() else { return false };
        match state.files.get_mut(&number) {
            Some(image) => {
                change(image);
                true
            }
            None => false,
        }
    }

    fn handle(&self, number: u64, life: u64) -> Arc<dyn File> {
        Arc::new(SimulatedFile { disk: self.this.clone(), number, life })
    }
}

impl NameChange {
    /// Applies the change to a directory in which others before it may be missing.
    fn apply(self, names: &mut BTreeMap<String, u64>) {
        match self {
            NameChange::Create { name, file } => {
                names.insert(name, file);
            }
            NameChange::Rename { from, to, file } => {
                if names.get(&from) == Some(&file) {
                    names.remove(&from);
                }
                names.insert(to, file);
            }
            NameChange::Remove { name, file } => {
                if names.get(&name) == Some(&file) {
                    names.remove(&name);
                }
            }
        }
    }
}

impl State {
    fn disarm(&mut self) {
        self.fail_sync = None;
        self.fail_write = None;
        self.fail_read = None;
        self.power_off = None;
    }

    /// Counts a change of the disk, and fails when the power is off.
    pub(super) fn change(&mut self) -> io::Result<()> {
        self.changes += 1;
        if due(&mut self.power_off) {
            self.is_off = true;
        }
        if self.is_off {
            self.tell(&|| "a change without power".to_owned());
        }
        self.check_power()
    }

    /// Adds a change to the trace.
    pub(super) fn note(&mut self, kind: &'static str, file: u64, place: u64, bytes: &[u8]) {
        let mut content = (file << 40 | place).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for byte in kind.as_bytes().iter().chain(bytes) {
            content = (content ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(5);
        }
        self.trace = (self.trace ^ content).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(5);
        self.tell(&|| {
            let text = str::from_utf8(bytes).ok().filter(|text| text.len() < 64 && text.is_ascii());
            format!("{kind} {file} at {place}: {content:016x} {}", text.unwrap_or_default())
        });
    }

    pub(super) fn check_power(&self) -> io::Result<()> {
        if self.is_off { Err(io::Error::other("simulated power cut")) } else { Ok(()) }
    }

    /// The bytes of all files, and whether `more` would fit.
    pub(super) fn check_room(&self, more: u64) -> io::Result<()> {
        let Some(capacity) = self.capacity else { return Ok(()) };
        if more > 0 && self.used() + more > capacity {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    fn used(&self) -> u64 {
        let names: BTreeSet<&u64> = self.names.values().chain(self.durable_names.values()).collect();
        names.into_iter().filter_map(|file| self.files.get(file)).map(Image::bytes).sum()
    }

    fn named(&self, name: &str) -> io::Result<u64> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Counts a fault down; true when its call has come.
pub(super) fn due(fault: &mut Option<u64>) -> bool {
    match fault {
        Some(0) => {
            *fault = None;
            true
        }
        Some(after) => {
            *after -= 1;
            false
        }
        None => false,
    }
}

impl Disk for SimulatedDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let mut state = self.state.lock();
        state.change()?;
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = state.next_file;
        state.note("create", file, 0, name.as_bytes());
        state.next_file += 1;
        state.files.insert(file, Image::default());
        state.names.insert(name.to_owned(), file);
        state.name_changes.push(NameChange::Create { name: name.to_owned(), file });
        Ok(self.handle(file, state.life))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let state = self.state.lock();
        state.check_power()?;
        Ok(self.handle(state.named(name)?, state.life))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.change()?;
        let file = state.named(from)?;
        state.note("rename", file, 0, to.as_bytes());
        state.names.remove(from);
        state.names.insert(to.to_owned(), file);
        state.name_changes.push(NameChange::Rename { from: from.to_owned(), to: to.to_owned(), file });
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.change()?;
        let file = state.named(name)?;
        state.note("remove", file, 0, name.as_bytes());
        state.names.remove(name);
        state.name_changes.push(NameChange::Remove { name: name.to_owned(), file });
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        state.change()?;
        state.note("sync directory", 0, 0, &[]);
        if !state.faults.skip_directory_sync {
            state.name_changes.clear();
            state.durable_names = state.names.clone();
        }
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state.lock();
        state.check_power()?;
        Ok(state.names.keys().cloned().collect())
    }

    fn map(&self, name: &str) -> io::Result<Buffer> {
        let state = self.state.lock();
        state.check_power()?;
        let file = state.named(name)?;
        let image = state.files.get(&file).ok_or(io::ErrorKind::NotFound)?;
        let mut buffer = MutableBuffer::from_len_zeroed(image.length() as usize);
        image.read(buffer.as_slice_mut(), 0).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(buffer.into())
    }

    fn unnamed(&self) -> io::Result<Unnamed> {
        extent::in_memory()
    }

    fn space(&self) -> io::Result<Space> {
        let state = self.state.lock();
        let total = state.capacity.unwrap_or(u64::MAX / 2);
        Ok(Space { available: total.saturating_sub(state.used()), total })
    }

    fn faults(&self) -> Faults {
        self.state.lock().faults
    }
}

impl Random for SimulatedDisk {
    fn next_u64(&self) -> u64 {
        self.random.next_u64()
    }
}
