//! The learned index as a section of a segment or index run.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `STRATLRN` |
//! | 4 | version 1 |
//! | 4 | CRC32C of everything behind these sixteen bytes |
//! | 8 | keys |
//! | 8 | the greatest number |
//! | 4 | width of every key, or `u32::MAX` if they have several |
//! | 4 | bytes of the common prefix |
//! | 4 | leaves |
//! | 4 | lines of the root |
//! | 4, 4 | leaves for each of them: two to the power of this; zero |
//! | | the prefix, zeros up to a multiple of eight |
//! | 8 each | the first numbers of the leaves, then sixteen times the greatest number there is |
//! | 8 each | the lines of the leaves, as in `line` |
//! | 8 each | the lines of the root |
//!
//! All numbers are little-endian. What does not verify is not used: nothing but time depends on it.

use super::line::Line;
use super::number::{NumberLayout, SortedKeys};
use super::root::{MAXIMUM_GROUPS, Root};
use super::simd::{BLOCK, Level};
use super::{LEAF_BITS, LearnedIndex, MINIMUM_KEYS};
use arrow_buffer::{Buffer, ScalarBuffer};
use std::sync::atomic::AtomicU64;

const MAGIC: &[u8; 8] = b"STRATLRN";
const VERSION: u32 = 1;
/// Bytes before those under the checksum.
const UNCHECKED: usize = 16;
const HEADER: usize = 56;
const SEED: u32 = 0x4C52_4E31;
/// The width of keys that have several.
const UNEVEN: u32 = u32::MAX;

impl LearnedIndex {
    /// The bytes of the section.
    pub fn encode(&self, keys: &SortedKeys<'_>) -> Vec<u8> {
        let mut rest = Vec::new();
        rest.extend_from_slice(&(self.rows as u64).to_le_bytes());
        rest.extend_from_slice(&self.greatest.to_le_bytes());
        let width = if keys.offsets.is_some() { UNEVEN } else { keys.width as u32 };
        let lengths = [self.layout.prefix.len(), self.leaves.len(), self.root.lines().len()];
        let lengths = lengths.map(|length| length as u32);
        for count in [width].into_iter().chain(lengths).chain([self.root.bits(), 0]) {
            rest.extend_from_slice(&count.to_le_bytes());
        }
        rest.extend_from_slice(&self.layout.prefix);
        rest.resize(rest.len().next_multiple_of(8), 0);
        let root = self.root.lines().iter().map(|line| line.0);
        for word in self.anchors.iter().chain(self.leaves.iter()).copied().chain(root) {
            rest.extend_from_slice(&word.to_le_bytes());
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&crc32c::crc32c_append(SEED, &rest).to_le_bytes());
        bytes.extend_from_slice(&rest);
        bytes
    }

    /// The index of a section over the keys that it was made from; `None` if it cannot be that.
    pub fn decode(section: &Buffer, keys: &SortedKeys<'_>) -> Option<LearnedIndex> {
        let bytes = section.as_slice();
        let header: &[u8; HEADER] = bytes.first_chunk()?;
        if header[..8] != *MAGIC
            || word(header, 8) != VERSION
            || word(header, 12) != crc32c::crc32c_append(SEED, bytes.get(UNCHECKED..)?)
        {
            return None;
        }
        let rows = usize::try_from(long(header, 16)).ok()?;
        let width = if keys.offsets.is_some() { UNEVEN } else { u32::try_from(keys.width).ok()? };
        if rows != keys.rows || rows < MINIMUM_KEYS || word(header, 32) != width {
            return None;
        }
        let [prefix, leaves, lines] = [36, 40, 44].map(|at| word(header, at) as usize);
        let bits = word(header, 48);
        if leaves != rows.div_ceil(1 << LEAF_BITS)
            || bits >= 32
            || lines != leaves.div_ceil(1 << bits)
            || lines > MAXIMUM_GROUPS
        {
            return None;
        }
        let anchors_start = (HEADER + prefix).next_multiple_of(8);
        let leaves_start = anchors_start + (leaves + BLOCK) * 8;
        let root_start = leaves_start + leaves * 8;
        if bytes.len() != root_start + lines * 8 {
            return None;
        }
        let prefix = bytes.get(HEADER..HEADER + prefix)?;
        let words = |start, count| ScalarBuffer::new(section.slice_with_length(start, count * 8), 0, count);
        let anchors: ScalarBuffer<u64> = words(anchors_start, leaves + BLOCK);
        let lines: ScalarBuffer<u64> = words(root_start, lines);
        Some(LearnedIndex {
            layout: NumberLayout::new(prefix, keys.offsets.is_none().then_some(keys.width)),
            rows,
            root: Root::new(lines.iter().map(|line| Line(*line)).collect(), bits, anchors.get(..leaves)?),
            anchors,
            leaves: words(leaves_start, leaves),
            greatest: long(header, 24),
            level: Level::best(),
            rebuilt: false,
            fallbacks: AtomicU64::new(0),
        })
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn long(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
