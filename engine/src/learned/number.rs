//! Keys as numbers: the first eight bytes behind the common prefix, big-endian, zeros behind a key that ends before.
//!
//! `a ≤ b` as bytes implies `number(a) ≤ number(b)`, for keys that have the prefix. Keys of up to eight bytes behind
//! it, all of one width, are told apart by their numbers; others may share one.

/// The keys of a file, sorted as bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SortedKeys<'a> {
    pub data: &'a [u8],
    /// Where each key starts, and where the last one ends; `None`: all have one width.
    pub offsets: Option<&'a [u32]>,
    pub width: usize,
    pub rows: usize,
}

impl<'a> SortedKeys<'a> {
    /// The key of a row; empty if it lies outside.
    pub fn get(&self, row: usize) -> &'a [u8] {
        let (start, end) = self.bounds(row);
        self.data.get(start..end).unwrap_or_default()
    }

    #[inline(always)]
    fn bounds(&self, row: usize) -> (usize, usize) {
        match self.offsets {
            None => {
                let start = row.wrapping_mul(self.width);
                (start, start.wrapping_add(self.width))
            }
            Some(offsets) => match (offsets.get(row), offsets.get(row.wrapping_add(1))) {
                (Some(start), Some(end)) => (*start as usize, *end as usize),
                _ => (0, 0),
            },
        }
    }

    /// Where the bytes of a row begin, near enough to fetch them.
    #[inline(always)]
    pub fn start(&self, row: usize) -> usize {
        self.bounds(row).0
    }
}

/// The widest keys that are turned into numbers eight at a time.
pub(super) const WIDEST: usize = 16;

/// Where a key stands beside the keys of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Before,
    Number(u64),
    Behind,
}

/// How the keys of one file become numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NumberLayout {
    pub prefix: Box<[u8]>,
    /// The prefix in the upper bytes of a number and which bits those are, if it is short enough.
    start: Option<(u64, u64)>,
    /// For keys of one width: which bits of eight bytes behind the prefix belong to the key.
    mask: u64,
    /// For keys of one width up to sixteen: where each byte of the numbers of eight neighbouring keys comes from,
    /// little-endian, and which of those bytes belong to the keys. From 64 on it counts in the last 64 bytes of the
    /// keys, below in the 64 bytes from the first key on.
    pub picks: [u8; 64],
    pub kept: u64,
}

impl NumberLayout {
    /// `width`: of all keys, if they have one.
    pub fn new(prefix: &[u8], width: Option<usize>) -> NumberLayout {
        let bytes = width.map_or(8, |width| width.saturating_sub(prefix.len()).min(8));
        let mask = match bytes {
            0 => 0,
            bytes => u64::MAX << (64 - 8 * bytes),
        };
        let (mut picks, mut kept) = ([0; 64], 0);
        if let Some(width) = width.filter(|width| *width <= WIDEST) {
            for (at, pick) in picks.iter_mut().enumerate() {
                let byte = 7 - at % 8;
                if byte < bytes {
                    let place = at / 8 * width + prefix.len() + byte;
                    *pick = if place < 64 { place } else { 128 + place - 8 * width } as u8;
                    kept |= 1 << at;
                }
            }
        }
        let start = match prefix.len() {
            0 => Some((0, 0)),
            length @ 1..=8 => Some((leading(prefix), u64::MAX << (64 - 8 * length))),
            _ => None,
        };
        NumberLayout { prefix: prefix.into(), start, mask, picks, kept }
    }

    /// The layout that fits sorted keys: the prefix of the first and the last is the prefix of all.
    pub fn of(keys: &SortedKeys<'_>) -> NumberLayout {
        let (first, last) = (keys.get(0), keys.get(keys.rows.saturating_sub(1)));
        let shared = first.iter().zip(last).take_while(|(a, b)| a == b).count();
        NumberLayout::new(
            first.get(..shared).unwrap_or_default(),
            keys.offsets.is_none().then_some(keys.width),
        )
    }

    pub fn mask(&self) -> u64 {
        self.mask
    }

    /// The least distance of two numbers of keys of the file's width.
    pub fn step(&self) -> u64 {
        1 << (self.mask.trailing_zeros() % 64)
    }

    pub fn numbers<'a>(&'a self, keys: &SortedKeys<'a>) -> Numbers<'a> {
        Numbers { keys: *keys, layout: self, skip: self.prefix.len() }
    }

    /// The number of a key that has the prefix, of at most eight bytes; `first`: the key's first eight bytes.
    #[inline(always)]
    fn number(&self, key: &[u8], first: u64) -> u64 {
        let rest = key.get(self.prefix.len()..).unwrap_or_default();
        match (rest.first_chunk::<8>(), key.last_chunk::<8>()) {
            (Some(word), _) => u64::from_be_bytes(*word),
            // Fewer than eight bytes are left: the last eight of the key, without those of the prefix.
            (None, Some(last)) => {
                u64::from_be_bytes(*last).checked_shl(64 - 8 * rest.len() as u32).unwrap_or(0)
            }
            (None, None) => first << (8 * self.prefix.len()),
        }
    }

    #[inline(always)]
    pub fn place(&self, key: &[u8]) -> Place {
        if let Some((start, mask)) = self.start
            && key.len() >= self.prefix.len()
        {
            let first = leading(key);
            if first & mask == start {
                return Place::Number(self.number(key, first));
            }
        }
        match key.strip_prefix(&*self.prefix) {
            Some(rest) => Place::Number(leading(rest)),
            None if *key < *self.prefix => Place::Before,
            None => Place::Behind,
        }
    }
}

/// The first eight bytes as a number, zeros where there are fewer.
#[inline(always)]
fn leading(bytes: &[u8]) -> u64 {
    if let Some(word) = bytes.first_chunk::<8>() {
        return u64::from_be_bytes(*word);
    }
    let missing = 64 - 8 * bytes.len() as u32;
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        // The two halves may have bytes in common, at the same place.
        (Some(first), Some(last)) => {
            u64::from(u32::from_be_bytes(*first)) << 32 | u64::from(u32::from_be_bytes(*last)) << missing
        }
        _ => {
            let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            number.checked_shl(missing).unwrap_or(0)
        }
    }
}

/// The numbers of a file's keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers<'a> {
    pub keys: SortedKeys<'a>,
    pub layout: &'a NumberLayout,
    pub skip: usize,
}

impl Numbers<'_> {
    /// The number of a row; zero of one that does not exist.
    #[inline(always)]
    pub fn get(&self, row: usize) -> u64 {
        let (start, end) = self.keys.bounds(row);
        let start = start.wrapping_add(self.skip);
        if self.keys.offsets.is_none()
            && let Some(word) = self.keys.data.get(start..).and_then(<[u8]>::first_chunk::<8>)
        {
            return u64::from_be_bytes(*word) & self.layout.mask;
        }
        leading(self.keys.data.get(start..end).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_with_the_keys_behind_the_prefix() {
        let data = b"kakabkabcdefghijkb";
        let keys = SortedKeys { data, offsets: Some(&[0, 2, 5, 16, 18]), width: 0, rows: 4 };
        let layout = NumberLayout::of(&keys);
        assert_eq!(&*layout.prefix, b"k");
        let numbers = layout.numbers(&keys);
        let all: Vec<u64> = (0..4).map(|row| numbers.get(row)).collect();
        assert_eq!(
            all,
            [b"a\0\0\0\0\0\0\0", b"ab\0\0\0\0\0\0", b"abcdefgh", b"b\0\0\0\0\0\0\0"]
                .map(|word| u64::from_be_bytes(*word))
        );
        assert_eq!(numbers.get(4), 0);
        assert_eq!(layout.place(b"ka"), Place::Number(all[0]));
        assert_eq!(layout.place(b"k"), Place::Number(0));
        assert_eq!(
            (layout.place(b""), layout.place(b"j"), layout.place(b"l")),
            (Place::Before, Place::Before, Place::Behind)
        );
    }

    #[test]
    fn the_leading_bytes_of_short_keys_are_followed_by_zeros() {
        let bytes: Vec<u8> = (1..=20).map(|byte| byte * 11).collect();
        for length in 0..=20 {
            let mut word = [0; 8];
            word.iter_mut().zip(&bytes[..length]).for_each(|(place, byte)| *place = *byte);
            assert_eq!(leading(&bytes[..length]), u64::from_be_bytes(word), "{length} bytes");
            for prefix in 0..=length {
                let layout = NumberLayout::new(&bytes[..prefix], None);
                let rest = leading(&bytes[prefix..length]);
                assert_eq!(
                    layout.place(&bytes[..length]),
                    Place::Number(rest),
                    "prefix {prefix} of {length}"
                );
            }
        }
    }

    #[test]
    fn keys_of_one_width_take_nothing_from_their_neighbours() {
        for width in 1..=20 {
            let data: Vec<u8> = (0..width * 40).map(|byte| (byte * 37 % 251) as u8).collect();
            let keys = SortedKeys { data: &data, offsets: None, width, rows: 40 };
            for skip in 0..=width {
                let layout = NumberLayout::new(&data[..skip], Some(width));
                let numbers = layout.numbers(&keys);
                for row in 0..40 {
                    assert_eq!(
                        numbers.get(row),
                        leading(&keys.get(row)[skip..]),
                        "width {width}, prefix {skip}"
                    );
                }
            }
        }
    }
}
