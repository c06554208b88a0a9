//! What can be locked, in which modes, and which modes exclude each other.
//!
//! The tables are PostgreSQL's (its chapter "Explicit Locking"). Modes of one kind of lock are numbered; a set of
//! modes is a mask, and each mode has the mask of those it conflicts with.

use crate::{IndexId, TableId};
use std::time::Duration;

/// The eight modes of a lock on a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RelationLockMode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

impl RelationLockMode {
    /// All modes, weakest first.
    pub const ALL: [RelationLockMode; 8] = [
        RelationLockMode::AccessShare,
        RelationLockMode::RowShare,
        RelationLockMode::RowExclusive,
        RelationLockMode::ShareUpdateExclusive,
        RelationLockMode::Share,
        RelationLockMode::ShareRowExclusive,
        RelationLockMode::Exclusive,
        RelationLockMode::AccessExclusive,
    ];
}

/// The four strengths of a lock on a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RowLock {
    KeyShare,
    Share,
    NoKeyUpdate,
    Update,
}

impl RowLock {
    /// Whether only one transaction can hold it.
    pub(crate) fn is_exclusive(self) -> bool {
        matches!(self, RowLock::NoKeyUpdate | RowLock::Update)
    }
}

/// The modes of a lock on an index key or of an advisory lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum KeyLock {
    Share,
    Exclusive,
}

/// What a call does that meets a lock of another transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitPolicy {
    /// Answer with a ticket that fails after `timeout`, if there is one (lock_timeout).
    Wait { timeout: Option<Duration> },
    /// NOWAIT: fail at once.
    NoWait,
    /// SKIP LOCKED: say so. For relations and keys the same as `NoWait`.
    Skip,
}

impl WaitPolicy {
    /// Wait for as long as it takes.
    pub const WAIT: WaitPolicy = WaitPolicy::Wait { timeout: None };
}

/// A thing that can be locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Tag {
    Relation(TableId),
    Row(TableId, u64),
    /// An index key by its hash: a collision makes two keys share a lock, which is only ever a needless wait.
    Key(IndexId, u64),
    Advisory(u64, u64),
}

/// A set of modes.
pub(crate) type Modes = u16;

/// One mode of a kind of lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode {
    pub bit: Modes,
    /// The modes that exclude this one.
    pub conflicts: Modes,
}

/// Per relation mode, the modes it conflicts with: the bits in the order of [`RelationLockMode::ALL`].
const RELATION_CONFLICTS: [Modes; 8] =
    [0b1000_0000, 0b1100_0000, 0b1111_0000, 0b1111_1000, 0b1110_1100, 0b1111_1100, 0b1111_1110, 0b1111_1111];

/// Per row strength: KeyShare, Share, NoKeyUpdate, Update.
const ROW_CONFLICTS: [Modes; 4] = [0b1000, 0b1100, 0b1110, 0b1111];

impl From<RelationLockMode> for Mode {
    fn from(mode: RelationLockMode) -> Mode {
        Mode { bit: 1 << mode as u8, conflicts: RELATION_CONFLICTS[mode as usize] }
    }
}

impl From<RowLock> for Mode {
    fn from(mode: RowLock) -> Mode {
        Mode { bit: 1 << mode as u8, conflicts: ROW_CONFLICTS[mode as usize] }
    }
}

impl From<KeyLock> for Mode {
    fn from(mode: KeyLock) -> Mode {
        match mode {
            KeyLock::Share => Mode { bit: 0b01, conflicts: 0b10 },
            KeyLock::Exclusive => Mode { bit: 0b10, conflicts: 0b11 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PostgreSQL's table, row by row: an X where the requested mode conflicts with the held one.
    const POSTGRESQL: [&str; 8] =
        [".......X", "......XX", "....XXXX", "...XXXXX", "..XX.XXX", "..XXXXXX", ".XXXXXXX", "XXXXXXXX"];

    #[test]
    fn relation_modes_conflict_as_in_postgresql() {
        for (requested, row) in RelationLockMode::ALL.iter().zip(POSTGRESQL) {
            for (held, cell) in RelationLockMode::ALL.iter().zip(row.chars()) {
                let conflict = Mode::from(*requested).conflicts & Mode::from(*held).bit != 0;
                assert_eq!(conflict, cell == 'X', "{requested:?} against {held:?}");
            }
        }
    }

    #[test]
    fn row_strengths_conflict_as_in_postgresql() {
        let strengths = [RowLock::KeyShare, RowLock::Share, RowLock::NoKeyUpdate, RowLock::Update];
        for (requested, row) in strengths.iter().zip(["...X", "..XX", ".XXX", "XXXX"]) {
            for (held, cell) in strengths.iter().zip(row.chars()) {
                let conflict = Mode::from(*requested).conflicts & Mode::from(*held).bit != 0;
                assert_eq!(conflict, cell == 'X', "{requested:?} against {held:?}");
            }
        }
    }
}
