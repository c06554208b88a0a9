//! How the columns of history are made small. Columns of living versions stay plain, because they are used where they
//! lie, but for text that repeats (`column::repeated`).
//!
//! - **Dictionary**, for Text and Bytes: each different value once (offsets and data as in a plain column), and a code
//!   a row. The versions of a row stand next to each other and mostly differ in one column.
//! - **Delta**, for whole numbers: what a value is above the least of its zone.
//!
//! Codes and deltas have 1, 2 or 4 bytes, the same for the whole column. An encoding is used where it takes at most
//! three quarters of the plain bytes. The detail of the section of the values says it: 0 plain, else the encoding (low
//! byte: 1 dictionary, 2 delta) and the bytes of a code (next byte).

use super::{SegmentError, container::Container};
use hashbrown::HashMap;

/// How the values of a column are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Dictionary(Width),
    Delta(Width),
}

/// Bytes of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    One,
    Two,
    Four,
}

impl Width {
    /// The least that holds `greatest`.
    pub(super) fn of(greatest: u32) -> Width {
        match greatest {
            0..=0xFF => Width::One,
            0x100..=0xFFFF => Width::Two,
            _ => Width::Four,
        }
    }

    pub(super) fn bytes(self) -> usize {
        match self {
            Width::One => 1,
            Width::Two => 2,
            Width::Four => 4,
        }
    }

    pub(super) fn push(self, code: u32, output: &mut Vec<u8>) {
        output.extend_from_slice(&code.to_le_bytes()[..self.bytes()]);
    }

    /// The code of a row, whose bytes are there.
    #[inline]
    pub(super) fn get(self, codes: &[u8], row: usize) -> u32 {
        let start = row * self.bytes();
        let mut code = [0; 4];
        if let Some(bytes) = codes.get(start..start + self.bytes()) {
            code[..bytes.len()].copy_from_slice(bytes);
        }
        u32::from_le_bytes(code)
    }
}

impl Encoding {
    pub(super) fn detail(self) -> u64 {
        match self {
            Encoding::Plain => 0,
            Encoding::Dictionary(width) => 1 | (width.bytes() as u64) << 8,
            Encoding::Delta(width) => 2 | (width.bytes() as u64) << 8,
        }
    }

    pub(super) fn from_detail(container: &Container, detail: u64) -> Result<Encoding, SegmentError> {
        let width = match detail >> 8 {
            1 => Width::One,
            2 => Width::Two,
            4 => Width::Four,
            _ if detail == 0 => return Ok(Encoding::Plain),
            _ => return Err(container.unknown(&format!("encoding {detail:#x} of a column"))),
        };
        match detail & 0xFF {
            1 => Ok(Encoding::Dictionary(width)),
            2 => Ok(Encoding::Delta(width)),
            _ => Err(container.unknown(&format!("encoding {detail:#x} of a column"))),
        }
    }
}

/// The sections of a column of a dictionary.
#[derive(Debug)]
pub(super) struct Dictionary {
    pub width: Width,
    pub offsets: Vec<u8>,
    pub data: Vec<u8>,
    pub codes: Vec<u8>,
}

/// A dictionary of the values between the `i32` offsets; `None` if it does not pay.
pub(super) fn dictionary(offsets: &[u8], data: &[u8]) -> Option<Dictionary> {
    let plain = offsets.len() + data.len();
    let rows = (offsets.len() / 4).saturating_sub(1);
    let offset = |row: usize| {
        let bytes = offsets.get(row * 4..row * 4 + 4)?;
        Some(i32::from_le_bytes(bytes.try_into().ok()?) as usize)
    };
    let mut numbers: HashMap<&[u8], u32> = HashMap::new();
    let mut codes = Vec::with_capacity(rows);
    let mut values: Vec<&[u8]> = Vec::new();
    let mut bytes = 0;
    for row in 0..rows {
        let value = data.get(offset(row)?..offset(row + 1)?)?;
        let next = values.len() as u32;
        let code = *numbers.entry(value).or_insert(next);
        if code == next {
            values.push(value);
            bytes += value.len() + 4;
            if bytes * 4 > plain * 3 {
                return None;
            }
        }
        codes.push(code);
    }
    let width = Width::of((values.len() as u32).saturating_sub(1));
    if (bytes + codes.len() * width.bytes()) * 4 > plain * 3 {
        return None;
    }
    let mut dictionary =
        Dictionary { width, offsets: 0i32.to_le_bytes().to_vec(), data: Vec::new(), codes: Vec::new() };
    for value in values {
        dictionary.data.extend_from_slice(value);
        dictionary.offsets.extend_from_slice(&(dictionary.data.len() as i32).to_le_bytes());
    }
    codes.into_iter().for_each(|code| width.push(code, &mut dictionary.codes));
    Some(dictionary)
}
