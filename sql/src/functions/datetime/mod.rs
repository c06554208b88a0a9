//! Dates, times, timestamps and intervals.

pub(super) mod interval;
