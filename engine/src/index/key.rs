//! The encoded key of an index entry, short ones in place.

use std::borrow::Borrow;
use std::cmp::Ordering;

/// Keys up to this length need no allocation: an integer, a uuid, two of them.
const INLINE: usize = 22;

/// Key bytes. Order and equality are those of the bytes.
#[derive(Clone)]
pub(crate) enum IndexKey {
    Inline { length: u8, bytes: [u8; INLINE] },
    Heap(Box<[u8]>),
}

impl IndexKey {
    pub fn new(key: &[u8]) -> IndexKey {
        let mut bytes = [0; INLINE];
        match bytes.get_mut(..key.len()) {
            Some(space) => {
                space.copy_from_slice(key);
                IndexKey::Inline { length: key.len() as u8, bytes }
            }
            None => IndexKey::Heap(key.into()),
        }
    }

    pub fn as_bytes(&self) -> &[u8] {
        match self {
            IndexKey::Inline { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or(bytes),
            IndexKey::Heap(bytes) => bytes,
        }
    }

    /// Bytes outside the key itself.
    pub fn heap_bytes(&self) -> usize {
        match self {
            IndexKey::Inline { .. } => 0,
            IndexKey::Heap(bytes) => bytes.len(),
        }
    }
}

impl PartialEq for IndexKey {
    fn eq(&self, other: &IndexKey) -> bool {
        match (self, other) {
            // Unused bytes are zero, so whole arrays can be compared, without a call.
            (
                IndexKey::Inline { length, bytes },
                IndexKey::Inline { length: other_length, bytes: other_bytes },
            ) => length == other_length && bytes == other_bytes,
            _ => self.as_bytes() == other.as_bytes(),
        }
    }
}

impl Eq for IndexKey {}

impl PartialOrd for IndexKey {
    fn partial_cmp(&self, other: &IndexKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for IndexKey {
    fn cmp(&self, other: &IndexKey) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Borrow<[u8]> for IndexKey {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_compare_as_their_bytes_wherever_they_lie() {
        let long = vec![7; 40];
        let mut keys: Vec<Vec<u8>> = vec![vec![], vec![0], vec![0, 0], vec![7; 22], long, vec![8]];
        let mut encoded: Vec<IndexKey> = keys.iter().rev().map(|key| IndexKey::new(key)).collect();
        keys.sort();
        encoded.sort();
        assert!(keys.iter().map(Vec::as_slice).eq(encoded.iter().map(IndexKey::as_bytes)));
        assert_eq!(size_of::<IndexKey>(), 24);
    }
}
