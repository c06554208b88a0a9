//! A file of changes of one table, in the order of time.
//!
//! It is a container (`segment::container`) of the kind 4 with two sections. Changes stand in blocks of 128. Numbers
//! are variable-length (seven bits a byte, the lowest first, the top bit says that more follow). A change: what the
//! commit timestamp is above that of the change before (in its block), operation (1 insert, 2 update, 3 delete, 4
//! truncate; plus 8 if an old key follows), birth id, how many bytes of the key are those of the change before, how
//! many follow, these; and for a changed key the old one: length, bytes. A truncation has birth id zero and no key.
//! The list of blocks has for each the timestamp of its first change (8 bytes), that change's number within its commit
//! (8), and where the block starts (8). Damage is an error that names file, block and offset.

use super::Operation;
use crate::ids::{FileId, TableId};
use crate::io::Environment;
use crate::segment::{ChangeContainer, SegmentError, Written};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Changes of one block.
const BLOCK_CHANGES: usize = 128;
/// Bytes of one block in the list.
const BLOCK_ENTRY: usize = 24;
/// Neighbours that are merged.
const MERGED_RUNS: usize = 4;
/// Added to the operation where an old key follows.
const OLD_KEY: u8 = 8;

/// One change as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub at: u64,
    pub operation: Operation,
    pub birth: u64,
    /// The clustering key of the newest version; of the old one for a deletion.
    pub key: Vec<u8>,
    /// The key of the version before, if it was another.
    pub old_key: Option<Vec<u8>>,
}

/// Collects changes in their order.
#[derive(Default)]
pub(crate) struct RunWriter {
    data: Vec<u8>,
    blocks: Vec<u8>,
    changes: usize,
    /// Changes of the commit at hand so far.
    number: u64,
    last_at: u64,
    last_key: Vec<u8>,
}

fn put(mut number: u64, output: &mut Vec<u8>) {
    while number >= 0x80 {
        output.push(number as u8 | 0x80);
        number >>= 7;
    }
    output.push(number as u8);
}

impl RunWriter {
    pub fn push(&mut self, change: &Recorded) {
        self.number = if self.changes > 0 && change.at == self.last_at { self.number + 1 } else { 0 };
        if self.changes.is_multiple_of(BLOCK_CHANGES) {
            for number in [change.at, self.number, self.data.len() as u64] {
                self.blocks.extend_from_slice(&number.to_le_bytes());
            }
            self.last_at = change.at;
            self.last_key.clear();
        }
        self.changes += 1;
        put(change.at.saturating_sub(self.last_at), &mut self.data);
        let has_old = if change.old_key.is_some() { OLD_KEY } else { 0 };
        self.data.push(change.operation as u8 | has_old);
        put(change.birth, &mut self.data);
        let shared = self.last_key.iter().zip(&change.key).take_while(|(left, right)| left == right).count();
        put(shared as u64, &mut self.data);
        let suffix = change.key.get(shared..).unwrap_or(&[]);
        put(suffix.len() as u64, &mut self.data);
        self.data.extend_from_slice(suffix);
        if let Some(old) = &change.old_key {
            put(old.len() as u64, &mut self.data);
            self.data.extend_from_slice(old);
        }
        self.last_at = change.at;
        self.last_key.clone_from(&change.key);
    }

    pub fn is_empty(&self) -> bool {
        self.changes == 0
    }

    /// Writes the file, durable on return.
    pub fn finish(
        self,
        environment: &Environment,
        file: FileId,
        table: TableId,
    ) -> Result<Written, SegmentError> {
        ChangeContainer::write(environment, file, u64::from(table.0), self.changes, &self.data, &self.blocks)
    }
}

/// Which runs, one after the other in time, to make one of: four neighbours of a size, not too large together. Pure, by
/// the number of changes in each.
pub(crate) fn choose(changes: &[u64], limit: u64) -> Option<Range<usize>> {
    let tier = |changes: &u64| changes.max(&1).ilog2() / 2;
    changes.windows(MERGED_RUNS).enumerate().find_map(|(start, window)| {
        let alike = window.windows(2).all(|pair| tier(&pair[0]) == tier(&pair[1]));
        (alike && window.iter().sum::<u64>() <= limit).then_some(start..start + MERGED_RUNS)
    })
}

/// A change and its number within its commit.
pub(crate) type Numbered = (u64, Recorded);

/// An open file of changes.
#[derive(Debug)]
pub(crate) struct ChangeRun {
    container: ChangeContainer,
    /// The first and the last commit in it.
    pub first: u64,
    pub last: u64,
    /// Commit, row and block of each change of a key, sorted: made when the first is looked for.
    key_changes: OnceLock<Vec<(u64, u64, u32)>>,
}

impl ChangeRun {
    pub fn open(
        environment: &Environment,
        file: FileId,
        table: TableId,
        hash: &[u8; 32],
    ) -> Result<Arc<ChangeRun>, SegmentError> {
        let container = ChangeContainer::open(environment, file, u64::from(table.0), hash)?;
        let mut run = ChangeRun { container, first: 0, last: 0, key_changes: OnceLock::new() };
        run.first = run.blocks_start(0)?.0;
        let last = run.blocks().checked_sub(1).map(|block| run.block(block)).transpose()?;
        run.last = last.and_then(|changes| changes.last().map(|(_, change)| change.at)).unwrap_or(run.first);
        Ok(Arc::new(run))
    }

    pub fn file(&self) -> FileId {
        self.container.file()
    }

    /// How many changes.
    pub fn changes(&self) -> u64 {
        self.container.rows() as u64
    }

    pub fn blocks(&self) -> usize {
        self.container.rows().div_ceil(BLOCK_CHANGES)
    }

    /// Timestamp and number of the first change of a block, and where the block lies. Zeros behind the last one.
    fn blocks_start(&self, block: usize) -> Result<(u64, u64, usize), SegmentError> {
        if block >= self.blocks() {
            return Ok((0, 0, self.container.data_length()));
        }
        let bytes = self.container.blocks(block * BLOCK_ENTRY..(block + 1) * BLOCK_ENTRY)?;
        let mut input = Input { bytes, container: &self.container };
        Ok((input.fixed()?, input.fixed()?, input.fixed()? as usize))
    }

    /// The block in which changes from number `number` of the commit `at` on begin.
    pub fn block_of(&self, at: u64, number: u64) -> Result<usize, SegmentError> {
        let (mut low, mut high) = (0, self.blocks());
        while low < high {
            let middle = low + (high - low) / 2;
            let (first, first_number, _) = self.blocks_start(middle)?;
            if (first, first_number) <= (at, number) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low.saturating_sub(1))
    }

    /// The changes of a block.
    pub fn block(&self, block: usize) -> Result<Vec<Numbered>, SegmentError> {
        let (mut at, first_number, start) = self.blocks_start(block)?;
        let (_, _, end) = self.blocks_start(block + 1)?;
        let mut input = Input { bytes: self.container.data(start..end)?, container: &self.container };
        let mut changes: Vec<Numbered> = Vec::with_capacity(BLOCK_CHANGES);
        let mut key: Vec<u8> = Vec::new();
        let mut number = first_number;
        while !input.bytes.is_empty() {
            let later = input.number()?;
            at = at.checked_add(later).ok_or_else(|| input.broken())?;
            if !changes.is_empty() {
                number = if later == 0 { number + 1 } else { 0 };
            }
            let kind = *input.take(1)?.first().ok_or_else(|| input.broken())?;
            let operation = Operation::from_tag(kind & !OLD_KEY).ok_or_else(|| input.broken())?;
            let birth = input.number()?;
            let shared = input.number()? as usize;
            if shared > key.len() {
                return Err(input.broken());
            }
            key.truncate(shared);
            let suffix = input.number()? as usize;
            key.extend_from_slice(input.take(suffix)?);
            let mut old_key = None;
            if kind & OLD_KEY != 0 {
                let length = input.number()? as usize;
                old_key = Some(input.take(length)?.to_vec());
            }
            changes.push((number, Recorded { at, operation, birth, key: key.clone(), old_key }));
        }
        Ok(changes)
    }

    /// The key that a row had before the commit `at`, if that has changed it.
    pub fn old_key(&self, at: u64, birth: u64) -> Result<Option<Vec<u8>>, SegmentError> {
        let changes = match self.key_changes.get() {
            Some(changes) => changes,
            None => {
                let changes = self.collect_key_changes()?;
                self.key_changes.get_or_init(|| changes)
            }
        };
        let place = changes.partition_point(|(commit, row, _)| (*commit, *row) < (at, birth));
        let Some((_, _, block)) = changes.get(place).filter(|change| (change.0, change.1) == (at, birth))
        else {
            return Ok(None);
        };
        let mut changes = self.block(*block as usize)?.into_iter().map(|(_, change)| change);
        Ok(changes.find(|change| change.at == at && change.birth == birth).and_then(|change| change.old_key))
    }

    fn collect_key_changes(&self) -> Result<Vec<(u64, u64, u32)>, SegmentError> {
        let mut changes = Vec::new();
        for block in 0..self.blocks() {
            let of_block = self.block(block)?.into_iter().map(|(_, change)| change);
            let moved = of_block.filter(|change| change.old_key.is_some());
            changes.extend(moved.map(|change| (change.at, change.birth, block as u32)));
        }
        changes.sort_unstable();
        Ok(changes)
    }

    /// Reads everything and checks every checksum and the content hash.
    pub fn verify(&self) -> Result<(), SegmentError> {
        self.container.verify()
    }
}

/// Bytes still to be read.
struct Input<'a> {
    bytes: &'a [u8],
    container: &'a ChangeContainer,
}

impl<'a> Input<'a> {
    fn broken(&self) -> SegmentError {
        self.container.corrupt("a block of changes does not add up")
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], SegmentError> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or_else(|| self.broken())?;
        self.bytes = rest;
        Ok(taken)
    }

    fn fixed(&mut self) -> Result<u64, SegmentError> {
        let bytes = self.take(8)?.try_into().map_err(|_| self.broken())?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn number(&mut self) -> Result<u64, SegmentError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first().ok_or_else(|| self.broken())?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(self.broken())
    }
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn neighbours_of_a_size_are_merged_and_it_comes_to_an_end() {
        assert_eq!(choose(&[500, 1, 1, 1], 1000), None);
        assert_eq!(choose(&[500, 1, 1, 5, 3], 1000), None);
        assert_eq!(choose(&[500, 1, 1, 1, 1, 60], 1000), Some(1..5));
        assert_eq!(choose(&[500, 500, 500, 500], 1000), None);
        let mut runs: Vec<u64> = Vec::new();
        for _ in 0..1000 {
            runs.push(10);
            while let Some(range) = choose(&runs, 1 << 20) {
                let sum = runs[range.clone()].iter().sum();
                runs.splice(range, [sum]);
            }
        }
        assert!(runs.len() < 20 && runs.iter().sum::<u64>() == 10_000, "{runs:?}");
    }
}
