//! The names of things: tables, columns, indexes, rows, moments, files.
//!
//! Ids are small integers that are never reused, because history keeps naming what no longer exists.

use std::fmt;

/// A table, for ever. `TableId(1)` holds the catalog's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub u32);

/// A column of one physical type, for ever: a change of type is a new column id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnId(pub u32);

/// An index, primary ones included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexId(pub u32);

/// An immutable file of the data directory: a segment, an index run or a delete log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileId(pub u64);

/// A commit timestamp: microseconds since 2000-01-01 UTC, shifted left by twelve, and a sequence number below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// How many low bits hold the sequence number inside one microsecond.
    pub const SEQUENCE_BITS: u32 = 12;
    /// Before every commit.
    pub const ZERO: Timestamp = Timestamp(0);
    /// After every commit: the end of a version that is still alive.
    pub const INFINITY: Timestamp = Timestamp(u64::MAX);

    /// The last timestamp of a microsecond: as a snapshot it shows every commit stamped with that microsecond.
    /// Moments before 2000 show nothing, moments past the representable range are the last one before infinity.
    pub fn from_micros(micros: i64) -> Timestamp {
        match u64::try_from(micros) {
            Err(_) => Timestamp::ZERO,
            Ok(micros) if micros >= 1 << (64 - Self::SEQUENCE_BITS) => Timestamp(u64::MAX - 1),
            Ok(micros) => Timestamp(((micros << Self::SEQUENCE_BITS) | 0xFFF).min(u64::MAX - 1)),
        }
    }

    /// The microsecond, since 2000-01-01 UTC.
    pub fn micros(self) -> i64 {
        // Fifty-two bits always fit.
        (self.0 >> Self::SEQUENCE_BITS) as i64
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.0 >> Self::SEQUENCE_BITS, self.0 & 0xFFF)
    }
}

/// Names one row version to the layers above. The location is a hint; the birth id is the row's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RowHandle {
    pub location: u64,
    pub birth: u64,
}

impl RowHandle {
    /// The sixteen bytes that a scan hands out in its handle column.
    pub fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.location.to_le_bytes());
        bytes[8..].copy_from_slice(&self.birth.to_le_bytes());
        bytes
    }

    /// The handle of sixteen bytes made by [`RowHandle::to_bytes`].
    pub fn from_bytes(bytes: [u8; 16]) -> RowHandle {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = bytes;
        RowHandle {
            location: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            birth: u64::from_le_bytes([i, j, k, l, m, n, o, p]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_microsecond_covers_every_commit_stamped_with_it() {
        let moment = Timestamp::from_micros(5);
        assert_eq!(moment, Timestamp((5 << 12) | 0xFFF));
        assert_eq!(moment.micros(), 5);
        assert!(Timestamp::from_micros(i64::MAX) < Timestamp::INFINITY);
        assert_eq!(Timestamp::from_micros(-1), Timestamp::ZERO);
    }

    #[test]
    fn a_handle_survives_its_bytes() {
        let handle = RowHandle { location: 0x0102_0304_0506_0708, birth: 42 };
        assert_eq!(RowHandle::from_bytes(handle.to_bytes()), handle);
    }
}
