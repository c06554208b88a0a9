//! Giving history up: the horizon of a table, how long versions are kept after their end, and what that means for the long
//! values that they referred to (`crate::long_value`).

use super::Table;
use crate::{Error, Timestamp};
use std::sync::atomic::Ordering;

impl Table {
    /// Moments before this cannot be read.
    pub fn horizon(&self) -> u64 {
        self.horizon.load(Ordering::Acquire)
    }

    /// Gives up moments before `at`; what is given up stays given up.
    pub fn raise_horizon(&self, at: u64) {
        self.horizon.fetch_max(at, Ordering::AcqRel);
    }

    /// Whether the horizon has moved by so much, and by anything, since this last said so.
    pub fn note_collected(&self, micros: i64) -> bool {
        let horizon = Timestamp(self.horizon()).micros();
        let before = self.collected.load(Ordering::Acquire);
        let has_moved = horizon > before && horizon.saturating_sub(before) >= micros;
        if has_moved {
            self.collected.store(horizon, Ordering::Release);
        }
        has_moved
    }

    /// Notes that values of a table beside ended with the commit `at`, which transactions before `next` may be reading.
    pub fn note_ended(&self, at: u64, next: u64) {
        *self.ended.lock() = Some((at, next));
    }

    /// Gives values up that ended, if nobody is left who may be reading them: `oldest` is the oldest transaction.
    pub fn give_up_ended(&self, oldest: u64) {
        let mut ended = self.ended.lock();
        if let Some((at, _)) = ended.take_if(|(_, next)| *next <= oldest) {
            self.raise_horizon(at);
        }
    }

    /// How long versions are kept after their end, in microseconds; `None`: for ever.
    pub fn retention(&self) -> Option<i64> {
        Some(self.retention.load(Ordering::Acquire)).filter(|micros| *micros < i64::MAX)
    }

    /// `next` answers the number that the next transaction will have.
    pub fn set_retention(&self, micros: Option<i64>, next: impl Fn() -> u64) {
        let is_new = self.retention().is_none();
        if is_new {
            self.retained_since.store(u64::MAX, Ordering::Release);
        }
        self.retention.store(micros.map_or(i64::MAX, |micros| micros.max(0)), Ordering::Release);
        if is_new {
            // Not before: who begins until now may not know.
            self.retained_since.store(next(), Ordering::Release);
        }
    }

    /// The first transaction that may have known that history is given up.
    pub fn retained_since(&self) -> u64 {
        self.retained_since.load(Ordering::Acquire)
    }

    /// Refuses moments that are given up, and a table of which a file is damaged.
    #[inline]
    pub fn check_readable(&self, at: u64) -> Result<(), Error> {
        self.check_sound()?;
        let horizon = self.horizon();
        if at >= horizon {
            return Ok(());
        }
        Err(Error::BeforeHorizon { horizon_micros: Timestamp(horizon).micros() })
    }
}
