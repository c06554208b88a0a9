//! Text and bytes that repeat: collected as a dictionary of at most 256 values from the first value on.
//!
//! A column of few different values (a filler, a status, a country) costs a byte a row while it is collected, instead
//! of all its bytes; whoever sees more values than that, or that it does not pay, takes the plain bytes out and goes
//! on with these. A dictionary is kept for living versions too where it takes at most a quarter of the plain bytes:
//! then reading less outweighs that the values are not used where they lie.

use super::super::encoding::{Dictionary, Width};
use hashbrown::HashMap;

/// Different values at most: a code has one byte.
const VALUES: usize = 256;
/// A value that is longer stands for itself.
const LONGEST: usize = 4096;

/// Values so far, by code.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    values: Vec<Box<[u8]>>,
    codes: Vec<u8>,
    numbers: HashMap<Box<[u8]>, u8>,
    last: u8,
    /// Bytes of all rows if they stood one behind the other.
    plain: usize,
    bytes: usize,
}

impl Repeated {
    /// Adds a value; `false`, and nothing done, if it cannot be among the repeated ones.
    #[inline]
    pub(super) fn push(&mut self, value: &[u8]) -> bool {
        let is_last = self.values.get(usize::from(self.last)).is_some_and(|last| **last == *value);
        if !is_last && !self.find(value) {
            return false;
        }
        self.codes.push(self.last);
        self.plain += value.len();
        true
    }

    /// Makes `last` the code of a value, new ones included.
    fn find(&mut self, value: &[u8]) -> bool {
        if let Some(code) = self.numbers.get(value) {
            self.last = *code;
            return true;
        }
        if self.values.len() == VALUES || value.len() > LONGEST {
            return false;
        }
        // At most 255, by the line above.
        self.last = self.values.len() as u8;
        self.values.push(value.into());
        self.numbers.insert(value.into(), self.last);
        self.bytes += value.len();
        true
    }

    /// Bytes of the values if they stood one behind the other, without offsets.
    pub(super) fn plain(&self) -> usize {
        self.plain
    }

    /// Bytes of memory, near that of the file.
    pub(super) fn bytes(&self) -> usize {
        self.codes.len() + self.bytes
    }

    pub(super) fn reserve(&mut self, times: usize) {
        self.codes.reserve(self.codes.len() * times);
    }

    /// Whether the dictionary is worth it for living versions, too.
    pub(super) fn pays(&self) -> bool {
        let plain = self.plain + self.codes.len() * 4;
        !self.codes.is_empty() && (self.codes.len() + self.bytes + self.values.len() * 4) * 4 <= plain
    }

    /// The values one behind the other, with `i32` offsets.
    pub(super) fn expand(&self) -> (Vec<u8>, Vec<u8>) {
        let mut values = Vec::with_capacity(self.plain);
        let mut offsets = Vec::with_capacity((self.codes.len() + 1) * 4);
        offsets.extend_from_slice(&0i32.to_le_bytes());
        for value in self.codes.iter().filter_map(|code| self.values.get(usize::from(*code))) {
            values.extend_from_slice(value);
            offsets.extend_from_slice(&(values.len() as i32).to_le_bytes());
        }
        (values, offsets)
    }

    pub(super) fn into_dictionary(self) -> Dictionary {
        let (mut data, mut offsets) = (Vec::with_capacity(self.bytes), 0i32.to_le_bytes().to_vec());
        for value in &self.values {
            data.extend_from_slice(value);
            offsets.extend_from_slice(&(data.len() as i32).to_le_bytes());
        }
        Dictionary { width: Width::One, offsets, data, codes: self.codes }
    }
}
