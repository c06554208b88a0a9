//! What one life of the simulated disk hands out: open files, and the disk as one process sees it.

use std::{
    io,
    sync::{Arc, Weak},
};

use arrow_buffer::Buffer;

use super::{
    Faults,
    disk::{SimulatedDisk, State, due},
    image::Image,
};
use crate::io::{Disk, File, Space, Unnamed};

/// The disk of one life.
#[derive(Debug)]
pub(super) struct Mount {
    pub disk: Weak<SimulatedDisk>,
    pub life: u64,
}

impl Mount {
    /// The disk, while this life lasts.
    fn disk(&self) -> io::Result<Arc<SimulatedDisk>> {
        let disk = self.disk.upgrade().ok_or_else(|| io::Error::other("the simulated disk is gone"))?;
        let life = disk.state.lock().life;
        if life == self.life {
            Ok(disk)
        } else {
            Err(io::Error::other("a process of the time before the crash"))
        }
    }
}

impl Disk for Mount {
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        self.disk()?.create(name)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        self.disk()?.open(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk()?.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk()?.remove(name)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.disk()?.sync_directory()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk()?.list()
    }

    fn map(&self, name: &str) -> io::Result<Buffer> {
        self.disk()?.map(name)
    }

    fn unnamed(&self) -> io::Result<Unnamed> {
        self.disk()?.unnamed()
    }

    fn space(&self) -> io::Result<Space> {
        self.disk()?.space()
    }

    fn faults(&self) -> Faults {
        self.disk().map(|disk| disk.faults()).unwrap_or_default()
    }
}

/// An open file of one life of the disk.
#[derive(Debug)]
pub(super) struct SimulatedFile {
    pub disk: Weak<SimulatedDisk>,
    pub number: u64,
    pub life: u64,
}

impl SimulatedFile {
    /// Runs `work` on the disk, unless the handle is of an earlier life.
    fn with<T>(&self, work: impl FnOnce(&SimulatedDisk, &mut State) -> io::Result<T>) -> io::Result<T> {
        let disk = self.disk.upgrade().ok_or_else(|| io::Error::other("the simulated disk is gone"))?;
        let mut state = disk.state.lock();
        if state.life != self.life {
            return Err(io::Error::other("a file of the time before the crash"));
        }
        state.check_power()?;
        work(&disk, &mut state)
    }

    fn image<'a>(&self, state: &'a mut State) -> io::Result<&'a mut Image> {
        state.files.get_mut(&self.number).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl File for SimulatedFile {
    fn length(&self) -> io::Result<u64> {
        self.with(|_, state| Ok(self.image(state)?.length()))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.with(|_, state| {
            if due(&mut state.fail_read) {
                return Err(io::Error::other("simulated read error"));
            }
            self.image(state)?.read(buffer, offset).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
        })
    }

    fn read_direct(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.with(|_, state| {
            if due(&mut state.fail_read) {
                return Err(io::Error::other("simulated read error"));
            }
            self.image(state)?.read_direct(buffer, offset).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.with(|disk, state| {
            if due(&mut state.fail_write) {
                return Err(io::Error::other("simulated write error"));
            }
            let had_power = !state.is_off;
            if let Err(error) = state.change() {
                if had_power && !bytes.is_empty() {
                    // The power goes in the middle of the write: a beginning of it reached the cache.
                    let count = disk.random.below(bytes.len() as u64) as usize;
                    self.image(state)?.write(&bytes[..count], offset);
                }
                return Err(error);
            }
            let length = self.image(state)?.length();
            state.check_room((offset + bytes.len() as u64).saturating_sub(length))?;
            state.note("write", self.number, offset, bytes);
            self.image(state)?.write(bytes, offset);
            Ok(())
        })
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        self.preallocate(length)
    }

    fn preallocate(&self, length: u64) -> io::Result<()> {
        self.with(|_, state| {
            state.change()?;
            let old = self.image(state)?.length();
            state.check_room(length.saturating_sub(old))?;
            state.note("grow", self.number, length, &[]);
            self.image(state)?.grow(length);
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        if let Some(disk) = self.disk.upgrade() {
            disk.pass_hold(self.life);
        }
        self.with(|disk, state| {
            state.change()?;
            if due(&mut state.fail_sync) {
                state.tell(&|| "a sync fails".to_owned());
                let random = &disk.random;
                self.image(state)?.fail_sync(&mut |possibilities| random.below(possibilities));
                return Err(io::Error::other("simulated sync error"));
            }
            state.note("sync", self.number, 0, &[]);
            state.syncs += 1;
            self.image(state)?.sync();
            Ok(())
        })
    }
}
