//! Visibility, as one pure function, and what the end slot of a version may hold.
//!
//! A version is visible at T iff `from ≤ T < end`. The end slot holds a commit timestamp, or [`ALIVE`], or the mark
//! of a transaction that has locked or closed the version and not committed. Marks have the top bit set and
//! timestamps never do, so to every reader a marked version is simply alive.
//!
//! Invariant: marks live in memory only; they are never written to a segment or delete log.

use crate::Timestamp;

/// The end of a version that nobody has closed or locked.
pub(crate) const ALIVE: u64 = u64::MAX;

/// The one rule of visibility. `from`, `end` and `at` are commit timestamps, or command numbers in a private store.
#[inline]
pub(crate) fn visible(from: u64, end: u64, at: u64) -> bool {
    from <= at && at < end
}

/// The mark of a transaction in an end slot: it *is* the exclusive row lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(pub u64);

const MARK: u64 = 1 << 63;
/// The lock is FOR UPDATE; without it, FOR NO KEY UPDATE.
const STRONG: u64 = 1 << 62;
/// The transaction has updated or deleted the version.
const CLOSING: u64 = 1 << 61;
/// The lock manager knows of further holders or waiters of this row.
const SHARED: u64 = 1 << 60;
const OWNER: u64 = SHARED - 1;

impl Mark {
    /// The lock of one transaction.
    pub fn lock(owner: u64, strong: bool) -> Mark {
        Mark(MARK | if strong { STRONG } else { 0 } | (owner & OWNER))
    }

    /// Nobody has the row exclusively, but the lock manager knows it.
    pub const MANAGED: Mark = Mark(MARK | SHARED);

    /// The mark in an end slot, if it holds one.
    pub fn of(end: u64) -> Option<Mark> {
        (end & MARK != 0 && end != ALIVE).then_some(Mark(end))
    }

    /// The exclusive holder; `None` when there is none.
    pub fn owner(self) -> Option<u64> {
        Some(self.0 & OWNER).filter(|owner| *owner != 0)
    }

    pub fn is_strong(self) -> bool {
        self.0 & STRONG != 0
    }

    pub fn is_closing(self) -> bool {
        self.0 & CLOSING != 0
    }

    pub fn is_managed(self) -> bool {
        self.0 & SHARED != 0
    }

    pub fn strengthened(self) -> Mark {
        Mark(self.0 | STRONG)
    }

    pub fn managed(self) -> Mark {
        Mark(self.0 | SHARED)
    }

    pub fn closing(self, closing: bool) -> Mark {
        if closing { Mark(self.0 | CLOSING) } else { Mark(self.0 & !CLOSING) }
    }

    /// What stays in the slot when the owner lets go of a version that it did not close.
    pub fn released(self) -> u64 {
        if self.is_managed() { Mark::MANAGED.0 } else { ALIVE }
    }
}

/// Whether the version with this end is the newest committed one of a living row.
pub(crate) fn is_live(end: u64) -> bool {
    end > Timestamp::LATEST.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_visible_from_its_start_until_just_before_its_end() {
        for (at, expected) in [(9, false), (10, true), (19, true), (20, false)] {
            assert_eq!(visible(10, 20, at), expected, "at {at}");
        }
        assert!(visible(10, ALIVE, Timestamp::LATEST.0));
        assert!(!visible(10, 10, 10), "a version closed by the commit that wrote it was never there");
    }

    #[test]
    fn marks_never_hide_a_version() {
        let mark = Mark::lock(77, true).managed().closing(true);
        assert!(visible(1, mark.0, Timestamp::LATEST.0) && is_live(mark.0));
        assert_eq!((mark.owner(), mark.is_strong(), mark.is_closing()), (Some(77), true, true));
        assert_eq!(Mark::of(ALIVE), None);
        assert_eq!(Mark::of(Timestamp::LATEST.0), None);
        assert_eq!(Mark::of(mark.0), Some(mark));
        assert_eq!(Mark::lock(77, false).released(), ALIVE);
        assert_eq!(mark.released(), Mark::MANAGED.0);
    }
}
