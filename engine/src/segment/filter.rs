//! A key filter: says of most keys that are not in a file that they are not.
//!
//! A blocked Bloom filter: blocks of 64 bytes, one block a key, seven bits in it, ten bits of filter a key; about one
//! absent key in a hundred passes. Block `b` of `n` and the bits come from one 64-bit hash `h`: `b = (h >> 32) * n >>
//! 32`, and bit `i` is bits `9 i .. 9 i + 9` of `h * 0x9FB21C651E98DF25`. The hash is part of the format: over each
//! eight bytes of the key, little-endian, zeros behind the last, `h = fold(h ^ word)`, beginning with `h` = length *
//! `0x9E3779B97F4A7C15`, and `fold` once more at the end, where `fold(x)` is the high half of the 128-bit product `x *
//! 0xA0761D6478BD642F` exclusive-or its low half. A filter is an accelerator: its bytes lie under the checksums of the
//! file.

/// Bytes of a block.
const BLOCK: usize = 64;
/// Bits of filter for each key.
const BITS_PER_KEY: usize = 10;
/// Bits set for each key.
const PROBES: u32 = 7;

/// Collects keys.
#[derive(Debug, Default)]
pub(super) struct FilterBuilder {
    hashes: Vec<u64>,
}

impl FilterBuilder {
    /// Adds a key; the same key next to itself counts once.
    pub(super) fn add(&mut self, key: &[u8]) {
        let hash = hash(key);
        if self.hashes.last() != Some(&hash) {
            self.hashes.push(hash);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.hashes.len() * 8
    }

    /// The filter.
    pub(super) fn build(&self) -> Vec<u8> {
        let blocks = (self.hashes.len() * BITS_PER_KEY).div_ceil(BLOCK * 8).max(1);
        let mut filter = vec![0; blocks * BLOCK];
        for hash in &self.hashes {
            let start = block_of(*hash, blocks) * BLOCK;
            for bit in bits(*hash) {
                filter[start + bit / 8] |= 1 << (bit % 8);
            }
        }
        filter
    }
}

/// Where in a filter of this many bytes a key's block lies: offset and length.
pub(super) fn block_place(key_hash: u64, filter_bytes: usize) -> (usize, usize) {
    (block_of(key_hash, filter_bytes / BLOCK) * BLOCK, BLOCK)
}

/// Whether a key of this hash may be in the filter.
pub(super) fn may_hold(key_hash: u64, filter: &[u8]) -> bool {
    let (start, length) = block_place(key_hash, filter.len());
    match filter.get(start..start + length) {
        Some(block) => bits(key_hash).all(|bit| block[bit / 8] & (1 << (bit % 8)) != 0),
        None => true,
    }
}

fn block_of(hash: u64, blocks: usize) -> usize {
    (((hash >> 32) * blocks as u64) >> 32) as usize
}

fn bits(hash: u64) -> impl Iterator<Item = usize> {
    let mixed = hash.wrapping_mul(0x9FB2_1C65_1E98_DF25);
    (0..PROBES).map(move |probe| ((mixed >> (9 * probe)) & 511) as usize)
}

fn fold(number: u64) -> u64 {
    let product = u128::from(number) * 0xA076_1D64_78BD_642F;
    (product >> 64) as u64 ^ product as u64
}

/// The hash of a key.
pub(super) fn hash(key: &[u8]) -> u64 {
    let mut hash = (key.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for chunk in key.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = fold(hash ^ u64::from_le_bytes(word));
    }
    fold(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_passes_and_few_others_do() {
        let mut builder = FilterBuilder::default();
        for key in 0..20_000_u64 {
            builder.add(&key.to_be_bytes());
        }
        let filter = builder.build();
        assert!((0..20_000_u64).all(|key| may_hold(hash(&key.to_be_bytes()), &filter)));
        let wrong = (20_000..60_000_u64).filter(|key| may_hold(hash(&key.to_be_bytes()), &filter)).count();
        assert!(wrong < 1200, "{wrong} of 40000 absent keys pass");
        assert!(!may_hold(hash(b"x"), &FilterBuilder::default().build()));
    }

    #[test]
    fn the_hash_keeps_its_format() {
        assert_eq!([hash(b""), hash(b"strata"), hash(b"a longer key than eight")], GOLDEN);
    }

    const GOLDEN: [u64; 3] = [0, 10_225_752_560_594_001_771, 16_160_503_102_307_704_436];
}
