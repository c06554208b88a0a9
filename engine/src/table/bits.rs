//! A bitmap that grows, of the values of a column or of which of them are there.

use arrow_buffer::{BooleanBuffer, Buffer};

/// A bitmap that grows by one bit at a time, least significant bit first, as Arrow's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bits {
    bytes: Vec<u8>,
    length: usize,
}

impl Bits {
    pub fn filled(length: usize) -> Bits {
        let mut bytes = vec![0xFF; length.div_ceil(8)];
        if length % 8 != 0 {
            if let Some(last) = bytes.last_mut() {
                *last = (1 << (length % 8)) - 1;
            }
        }
        Bits { bytes, length }
    }

    pub fn push(&mut self, bit: bool) {
        if self.length % 8 == 0 {
            self.bytes.push(0);
        }
        if let (true, Some(last)) = (bit, self.bytes.last_mut()) {
            *last |= 1 << (self.length % 8);
        }
        self.length += 1;
    }

    pub fn get(&self, index: usize) -> bool {
        self.bytes.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
    }

    /// Bytes of memory that it uses.
    pub fn bytes_used(&self) -> usize {
        self.bytes.len()
    }

    /// Gives back what it does not use.
    pub fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    pub fn into_buffer(self) -> BooleanBuffer {
        BooleanBuffer::new(Buffer::from_vec(self.bytes), 0, self.length)
    }
}
