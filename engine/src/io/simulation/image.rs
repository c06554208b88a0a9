//! The two images of one file: what the system shows, and what the device holds.

use std::collections::BTreeMap;

/// The unit that a device writes or does not write.
pub(super) const SECTOR: usize = 512;

/// One sector's content.
type Sector = [u8; SECTOR];

/// One file. A sector that no map holds is zero.
#[derive(Debug, Default)]
pub(super) struct Image {
    /// What reads through the cache show.
    shown: BTreeMap<u64, Sector>,
    shown_length: u64,
    /// What the device holds.
    durable: BTreeMap<u64, Sector>,
    durable_length: u64,
    /// Versions of sectors written since the last sync, oldest first.
    pending: BTreeMap<u64, Vec<Sector>>,
    pending_lengths: Vec<u64>,
}

impl Image {
    pub(super) fn length(&self) -> u64 {
        self.shown_length
    }

    /// Writes into the cache.
    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        let mut done = 0;
        while done < bytes.len() {
            let position = offset + done as u64;
            let number = position / SECTOR as u64;
            let skip = (position % SECTOR as u64) as usize;
            let count = (SECTOR - skip).min(bytes.len() - done);
            let mut sector = self.shown.get(&number).copied().unwrap_or([0; SECTOR]);
            sector[skip..skip + count].copy_from_slice(&bytes[done..done + count]);
            self.shown.insert(number, sector);
            self.pending.entry(number).or_default().push(sector);
            done += count;
        }
        self.grow(offset + bytes.len() as u64);
    }

    /// Makes the file at least this long.
    pub(super) fn grow(&mut self, length: u64) {
        if length > self.shown_length {
            self.shown_length = length;
            self.pending_lengths.push(length);
        }
    }

    /// Reads through the cache. `None` behind the end.
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> Option<()> {
        copy(buffer, offset, self.shown_length, |number| self.shown.get(&number))
    }

    /// Reads past the cache: a direct read writes dirty pages out first, and sees the device for the others.
    pub(super) fn read_direct(&self, buffer: &mut [u8], offset: u64) -> Option<()> {
        copy(buffer, offset, self.shown_length, |number| {
            if self.pending.contains_key(&number) {
                self.shown.get(&number)
            } else {
                self.durable.get(&number)
            }
        })
    }

    /// A sync that works.
    pub(super) fn sync(&mut self) {
        for number in std::mem::take(&mut self.pending).into_keys() {
            if let Some(sector) = self.shown.get(&number) {
                self.durable.insert(number, *sector);
            }
        }
        if !self.pending_lengths.is_empty() {
            self.pending_lengths.clear();
            self.durable_length = self.shown_length;
        }
    }

    /// A sync that fails: each page was written or was not, and all are clean now.
    pub(super) fn fail_sync(&mut self, keep: &mut dyn FnMut(u64) -> u64) {
        self.settle(keep);
    }

    /// A power cut: `keep(n)` chooses among `n` possibilities. What the device holds is all there is afterwards.
    pub(super) fn crash(&mut self, keep: &mut dyn FnMut(u64) -> u64) {
        self.settle(keep);
        self.shown = self.durable.clone();
        self.shown_length = self.durable_length;
    }

    fn settle(&mut self, keep: &mut dyn FnMut(u64) -> u64) {
        for (number, versions) in std::mem::take(&mut self.pending) {
            let choice = keep(versions.len() as u64 + 1) as usize;
            if let Some(version) = choice.checked_sub(1).and_then(|choice| versions.get(choice)) {
                self.durable.insert(number, *version);
            }
        }
        let lengths = std::mem::take(&mut self.pending_lengths);
        if !lengths.is_empty() {
            let choice = keep(lengths.len() as u64 + 1) as usize;
            if let Some(length) = choice.checked_sub(1).and_then(|choice| lengths.get(choice)) {
                self.durable_length = *length;
            }
        }
        let end = self.durable_length.div_ceil(SECTOR as u64);
        self.durable.retain(|number, _| *number < end);
    }

    /// Changes bytes under both images, as a failing device does, or a test.
    pub(super) fn overwrite(&mut self, bytes: &[u8], offset: u64) {
        self.write(bytes, offset);
        self.sync();
    }

    /// Cuts the file off under both images.
    pub(super) fn cut(&mut self, length: u64) {
        self.sync();
        let end = length.div_ceil(SECTOR as u64);
        self.durable.retain(|number, _| *number < end);
        let tail = (length % SECTOR as u64) as usize;
        if tail > 0
            && let Some(sector) = self.durable.get_mut(&(end - 1))
        {
            sector[tail..].fill(0);
        }
        self.shown = self.durable.clone();
        self.shown_length = length;
        self.durable_length = length;
    }

    /// Bytes that the file takes on the device.
    pub(super) fn bytes(&self) -> u64 {
        self.shown_length.max(self.durable_length)
    }
}

/// Copies a range out of a sparse image.
fn copy<'a>(
    buffer: &mut [u8],
    offset: u64,
    length: u64,
    sector: impl Fn(u64) -> Option<&'a Sector>,
) -> Option<()> {
    if offset.checked_add(buffer.len() as u64)? > length {
        return None;
    }
    let mut done = 0;
    while done < buffer.len() {
        let position = offset + done as u64;
        let skip = (position % SECTOR as u64) as usize;
        let count = (SECTOR - skip).min(buffer.len() - done);
        match sector(position / SECTOR as u64) {
            Some(sector) => buffer[done..done + count].copy_from_slice(&sector[skip..skip + count]),
            None => buffer[done..done + count].fill(0),
        }
        done += count;
    }
    Some(())
}
