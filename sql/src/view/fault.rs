//! Faults of views that a test may plant, to prove that its comparisons notice.
//!
//! Only builds with the feature `simulation` have them; elsewhere nothing is ever planted, and the questions cost nothing.
//! One fault at a time, for the whole process.

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// A step does not see updates beneath it.
    SkippedUpdates = 1,
    /// `count(x)` counts NULL.
    CountedNulls = 2,
    /// A step says that it shows a commit which it did not see.
    MomentTooLate = 3,
    /// The rows of an outer join whose last match is gone do not come back.
    ForgottenLastMatch = 4,
    /// A group that has lost its last row stays.
    KeptEmptyGroup = 5,
    /// The least value of a group stays when its row is gone.
    KeptExtreme = 6,
    /// What a group was before is not taken away.
    KeptOldGroup = 7,
    /// The rows of a step and the moment that they are of are committed one after the other.
    TornStep = 8,
    /// What has changed since the last step is not laid over its rows.
    StaleRows = 9,
}

#[cfg(feature = "simulation")]
static PLANTED: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Plants a fault, or takes it away.
#[cfg(feature = "simulation")]
pub fn plant(fault: Option<Fault>) {
    PLANTED.store(fault.map_or(0, |fault| fault as u8), std::sync::atomic::Ordering::SeqCst);
}

#[cfg(feature = "simulation")]
pub(crate) fn is_planted(fault: Fault) -> bool {
    PLANTED.load(std::sync::atomic::Ordering::SeqCst) == fault as u8
}

#[cfg(not(feature = "simulation"))]
pub(crate) const fn is_planted(_: Fault) -> bool {
    false
}
