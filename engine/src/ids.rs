//! The names of things: tables, columns, indexes, rows, moments, files.
//!
//! Ids are small integers that are never reused, because history keeps naming what no longer exists.

use std::fmt;

/// A table, for ever. `TableId(1)` holds the catalog's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub u32);

impl TableId {
    /// The table that holds the catalog's rows. They may be written where the disk is full, because what frees room is
    /// said there; the engine gives it no other meaning.
    pub const CATALOG: TableId = TableId(1);
}

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
    /// The highest sequence number: a snapshot of the whole microsecond.
    pub(crate) const SEQUENCE_MAX: u64 = (1 << Self::SEQUENCE_BITS) - 1;
    /// Before every commit.
    pub const ZERO: Timestamp = Timestamp(0);
    /// After every commit and before [`Timestamp::INFINITY`]: a look at the latest state. End times above it are
    /// marks of transactions at work, so timestamps stay below 2^63 (the year 2071).
    pub const LATEST: Timestamp = Timestamp((1 << 63) - 1);
    /// After every commit: the end of a version that is still alive.
    pub const INFINITY: Timestamp = Timestamp(u64::MAX);

    /// The last timestamp of a microsecond: as a snapshot it shows every commit stamped with that microsecond.
    /// Moments before 2000 show nothing, moments past the representable range are [`Timestamp::LATEST`].
    pub fn from_micros(micros: i64) -> Timestamp {
        match u64::try_from(micros) {
            Err(_) => Timestamp::ZERO,
            Ok(micros) if micros >= 1 << (63 - Self::SEQUENCE_BITS) => Timestamp::LATEST,
            Ok(micros) => Timestamp(micros << Self::SEQUENCE_BITS | Self::SEQUENCE_MAX),
        }
    }

    /// The snapshot just before the first commit of a microsecond: the end, exclusive, of a period.
    pub fn before_micros(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros.saturating_sub(1))
    }

    /// The commit numbered `sequence` within a microsecond.
    pub(crate) fn commit(micros: i64, sequence: u64) -> Timestamp {
        Timestamp((micros.max(0) as u64) << Self::SEQUENCE_BITS | sequence)
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

    /// Whether the version is one that its reader's own transaction has written.
    pub fn is_uncommitted(self) -> bool {
        Location(self.location).is_own()
    }
}

/// Where a version lies: a hot chunk, a segment, or the private write set of the transaction that wrote it.
///
/// Format of the packed form: kind (2 bits), number of the chunk or segment (30 bits), row within it (32 bits).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Location(pub u64);

/// The kind of place a [`Location`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Hot,
    Segment,
    Own,
}

impl Location {
    /// No location: the end of a chain of successors.
    pub const NONE: Location = Location(u64::MAX);

    pub fn hot(chunk: u32, row: u32) -> Location {
        Location(u64::from(chunk) << 32 | u64::from(row))
    }

    pub fn segment(number: u32, row: u32) -> Location {
        Location(1 << 62 | u64::from(number) << 32 | u64::from(row))
    }

    pub fn own(chunk: u32, row: u32) -> Location {
        Location(2 << 62 | u64::from(chunk) << 32 | u64::from(row))
    }

    /// `None` for [`Location::NONE`] and for bits that no location has.
    pub fn place(self) -> Option<Place> {
        match self.0 >> 62 {
            0 => Some(Place::Hot),
            1 => Some(Place::Segment),
            2 => Some(Place::Own),
            _ => None,
        }
    }

    pub fn is_segment(self) -> bool {
        self.0 >> 62 == 1
    }

    pub fn is_own(self) -> bool {
        self.0 >> 62 == 2
    }

    /// The chunk or segment.
    pub fn number(self) -> u32 {
        (self.0 >> 32) as u32 & 0x3FFF_FFFF
    }

    /// The row within its chunk or segment.
    pub fn row(self) -> usize {
        self.0 as u32 as usize
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place() {
            Some(place) => write!(formatter, "{place:?}({}, {})", self.number(), self.row()),
            None => formatter.write_str("None"),
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
    fn a_location_survives_packing() {
        for (location, place) in [
            (Location::hot(3, 70_000), Place::Hot),
            (Location::segment(3, 70_000), Place::Segment),
            (Location::own(3, 70_000), Place::Own),
        ] {
            assert_eq!((location.place(), location.number(), location.row()), (Some(place), 3, 70_000));
        }
        assert_eq!(Location::NONE.place(), None);
    }

    #[test]
    fn a_handle_survives_its_bytes() {
        let handle = RowHandle { location: 0x0102_0304_0506_0708, birth: 42 };
        assert_eq!(RowHandle::from_bytes(handle.to_bytes()), handle);
    }
}
