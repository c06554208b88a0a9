//! Long values: text and bytes that do not stand in their row.
//!
//! **Purpose.** A row of a counter and twenty kilobytes of text is updated; only the counter is new. Where the text stands
//! in the row, the log, memory and every file that the row is ever written to take it again. So values of more than 2 KiB
//! stand once, in a table beside the table, and rows refer to them by their content. (PostgreSQL's TOAST is a table beside
//! the table, too; its values have numbers, and are one version's alone.)
//!
//! **The table beside.** A table whose schema names columns for it ([`crate::TableSchema::long`]) has another one, of the
//! same number with the highest bit set, made and dropped together with it. It has one column, the value, no clustering key,
//! so that its segments are in the order of time and are never merged because keys overlap, and an index over the first
//! 16 bytes of the BLAKE3 of the value. Its rows are inserted by the transaction that first writes a value: what holds of
//! rows, of their durability, of large transactions, of backups and of damage, holds of long values without more ado.
//!
//! **References.** In the row stands a text of 59 bytes in the place of the value: U+FDD0 (three bytes; it is no character),
//! then in hexadecimal digits the first eight bytes of the value (zeros behind a shorter one), the 16 bytes of the hash,
//! and the length (four bytes). A value that begins with U+FDD0 always goes beside, however short, so nothing that stands in
//! such a column can be taken for a reference. The first eight bytes are there for the zones of segments, which go by them.
//!
//! **Invariants.**
//! - A committed row refers to committed values: both are written by one commit, or the value was there before.
//! - What refers and what is referred to may be committed by different transactions; the same value may stand twice, where
//!   two transactions wrote it at once. Any of them is as good as the others.
//! - Values are found whatever the moment at which the row is read: they are not looked up by time.
//! - A reader gets the value, never the reference; what only moves rows (checkpoints, compaction, the log) moves references.
//! - Of values with one hash and different content, which nobody has seen yet, the second stays in its row.
//!
//! **Late.** A value is fetched when a column is asked for, for the rows that a reader is given: a scan that does not
//! name the column reads nothing of it.
//!
//! **Going.** Values of a table that keeps all of its history are kept. Where history is given up, `collect` ends the
//! values to which nothing refers any more, and compaction leaves them out.
//!
//! **Failure.** A reference without its value is damage, and an error that names the table beside; `verify` finds it before
//! a reader does.

mod collect;
mod expand;
mod read;
mod verify;
mod write;

pub(crate) use collect::collect;
pub(crate) use read::Long;
pub(crate) use verify::References;

use crate::{ColumnId, IndexId, IndexSchema, PhysicalType, TableId, TableSchema, Value};

/// Longer values stand beside.
const LONGEST: usize = 2048;
/// What a reference begins with: U+FDD0.
const MARKER: [u8; 3] = [0xEF, 0xB7, 0x90];
/// Bytes of a reference.
const REFERENCE: usize = 59;
/// The one column of a table beside.
const VALUE: ColumnId = ColumnId(1);
/// What the number of a table beside has more.
const BESIDE: u32 = 1 << 31;

/// The table beside a table; `None` for one that cannot have one.
pub(crate) fn beside(table: TableId) -> Option<TableId> {
    (table.0 & BESIDE == 0).then_some(TableId(table.0 | BESIDE))
}

/// The table that a table is beside of.
pub(crate) fn owner(table: TableId) -> Option<TableId> {
    (table.0 & BESIDE != 0).then_some(TableId(table.0 & !BESIDE))
}

/// The index over the hashes.
fn hashes(beside: TableId) -> IndexId {
    IndexId(beside.0)
}

/// The schema of a table beside.
pub(crate) fn schema(beside: TableId) -> TableSchema {
    TableSchema {
        columns: vec![(VALUE, PhysicalType::Bytes)],
        indexes: vec![IndexSchema { id: hashes(beside), unique: false, primary: false }],
        ..TableSchema::default()
    }
}

/// Whether a value stands beside its row.
fn is_long(value: &[u8]) -> bool {
    value.len() > LONGEST || value.starts_with(&MARKER)
}

/// Whether values of a type may be references.
fn has_bytes(physical: PhysicalType) -> bool {
    matches!(physical, PhysicalType::Text | PhysicalType::Bytes)
}

/// The content of a text or bytes value.
fn content(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Text(text) => Some(text.as_bytes()),
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// Whether a value could be taken for a reference where it stands.
pub(crate) fn is_reference(value: &Value) -> bool {
    content(value).and_then(Reference::parse).is_some()
}

/// What stands in a row in the place of a long value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub first: [u8; 8],
    pub hash: [u8; 16],
    pub length: u32,
}

impl Reference {
    fn to(value: &[u8]) -> Reference {
        let (mut first, mut hash) = ([0; 8], [0; 16]);
        for (to, from) in first.iter_mut().zip(value) {
            *to = *from;
        }
        for (to, from) in hash.iter_mut().zip(blake3::hash(value).as_bytes()) {
            *to = *from;
        }
        // Whoever holds a value of 4 GiB was refused before.
        Reference { first, hash, length: u32::try_from(value.len()).unwrap_or(u32::MAX) }
    }

    fn encode(&self) -> String {
        let mut text = String::with_capacity(REFERENCE);
        text.push('\u{FDD0}');
        for byte in self.first.iter().chain(&self.hash).chain(&self.length.to_be_bytes()) {
            for digit in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(u32::from(digit), 16));
            }
        }
        text
    }

    /// What a stored value says, if it is a reference.
    #[inline]
    pub fn parse(stored: &[u8]) -> Option<Reference> {
        if stored.len() != REFERENCE || !stored.starts_with(&MARKER) {
            return None;
        }
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut bytes = [0; 28];
        let (pairs, _) = stored.get(MARKER.len()..)?.as_chunks::<2>();
        for (to, [high, low]) in bytes.iter_mut().zip(pairs) {
            *to = digit(*high)? << 4 | digit(*low)?;
        }
        let (first, rest) = bytes.split_first_chunk::<8>()?;
        let (hash, length) = rest.split_first_chunk::<16>()?;
        Some(Reference { first: *first, hash: *hash, length: u32::from_be_bytes(length.try_into().ok()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_says_again_what_it_was_made_of_and_nothing_else_is_one() {
        for value in [&[7; 5000][..], b"\xEF\xB7\x90", b"\xEF\xB7\x90 and more"] {
            assert!(is_long(value));
            let reference = Reference::to(value);
            let text = reference.encode();
            assert_eq!(text.len(), REFERENCE);
            assert!(is_long(text.as_bytes()), "a value that looks like a reference goes beside itself");
            assert_eq!(Reference::parse(text.as_bytes()), Some(reference));
            assert_eq!(reference.length as usize, value.len());
            assert_eq!(Reference::parse(&text.as_bytes()[..58]), None);
            assert_eq!(Reference::parse(text.replace('\u{FDD0}', "\u{FDD1}").as_bytes()), None);
            assert_eq!(Reference::parse(text.to_uppercase().replace(char::is_numeric, "A").as_bytes()), None);
        }
        assert!(!is_long(&[0x61; LONGEST]) && is_long(&[0x61; LONGEST + 1]));
        assert_ne!(Reference::to(&[1; 3000]), Reference::to(&[1; 3001]));
    }

    #[test]
    fn tables_beside_have_numbers_of_their_own() {
        let table = TableId(16_400);
        let other = beside(table).expect("an ordinary table has one");
        assert_eq!(owner(other), Some(table));
        assert_eq!((beside(other), owner(table)), (None, None));
    }
}
