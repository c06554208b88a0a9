//! History slices: where a dead version belongs, so that a look at any moment meets few of them.
//!
//! A version that lived from `from` to `to` has the class `c = floor(log4(to - from))` and belongs to the slice
//! `(c, floor(to / 4^(c+1)))`. A version of class `c` that was alive at T died before T + 4^(c+1): so T meets at most
//! two slices of a class, however much history there is.
//!
//! A slice of few versions is not worth a file: it is lifted into the slice of the next class that covers it, which
//! keeps the rule, because a version of a lower class died even sooner after T. Classes below [`LOWEST`] are never
//! told apart. Invariant: a version stands in a slice of its own class or of a higher one.

use std::collections::BTreeMap;

/// Lives shorter than 4^13 ticks (16 milliseconds) are one class.
pub(crate) const LOWEST: u8 = 12;
/// The class of everything that no other one takes: one slice over all time.
pub(crate) const HIGHEST: u8 = 31;

/// A slice of history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slice {
    pub class: u8,
    pub number: u64,
}

impl Slice {
    /// The slice over all time.
    pub const ALL: Slice = Slice { class: HIGHEST, number: 0 };

    /// The slice of a version with these times.
    pub fn of(from: u64, to: u64) -> Slice {
        let class = to.saturating_sub(from).checked_ilog2().map_or(0, |log| (log / 2) as u8).max(LOWEST);
        Slice::at(class, to)
    }

    /// The slice of a class that holds the end `to`.
    fn at(class: u8, to: u64) -> Slice {
        Slice { class, number: to.checked_shr(2 * (u32::from(class) + 1)).unwrap_or(0) }
    }

    /// The slice of the next class that covers this one.
    fn above(self) -> Slice {
        Slice { class: self.class + 1, number: if self.class + 1 >= HIGHEST { 0 } else { self.number >> 2 } }
    }

    /// The first end that belongs to a later slice of the class; `None` for the slice over all time.
    pub fn limit(self) -> Option<u64> {
        let width = 1u64.checked_shl(2 * (u32::from(self.class) + 1))?;
        self.number.checked_add(1)?.checked_mul(width)
    }
}

/// How many versions belong to each slice, and where each slice goes: into itself, or, where they are fewer than
/// `small`, upwards; never above the class `ceiling`.
pub(crate) fn lift(counts: &BTreeMap<Slice, u64>, small: u64, ceiling: u8) -> BTreeMap<Slice, Slice> {
    let mut goes: BTreeMap<Slice, Slice> = counts.keys().map(|slice| (*slice, *slice)).collect();
    let mut rising: BTreeMap<Slice, u64> = counts.clone();
    for class in LOWEST..ceiling.min(HIGHEST) {
        let low: Vec<(Slice, u64)> = rising
            .range(Slice { class, number: 0 }..Slice { class: class + 1, number: 0 })
            .filter(|(_, count)| **count < small)
            .map(|(slice, count)| (*slice, *count))
            .collect();
        for (slice, count) in low {
            rising.remove(&slice);
            *rising.entry(slice.above()).or_default() += count;
        }
    }
    for place in goes.values_mut() {
        while !rising.contains_key(place) && place.class < HIGHEST {
            *place = place.above();
        }
    }
    goes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_meets_two_slices_of_a_class_at_most() {
        let mut state = 88_172_645_463_325_252_u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..200 {
            let at = next() >> (next() % 30 + 2);
            let mut met: BTreeMap<u8, Vec<u64>> = BTreeMap::new();
            for _ in 0..2000 {
                let shift = next() % 62;
                let length = (next() >> 2 >> shift).max(1);
                let before = next() % length;
                let (from, to) = (at.saturating_sub(before), at.saturating_sub(before) + length);
                if from <= at && at < to {
                    let mut slice = Slice::of(from, to);
                    // Lifted by some classes, it still keeps the rule.
                    for _ in 0..next() % 4 {
                        if slice.class < HIGHEST {
                            slice = slice.above();
                        }
                    }
                    let slices = met.entry(slice.class).or_default();
                    if !slices.contains(&slice.number) {
                        slices.push(slice.number);
                    }
                }
            }
            assert!(met.values().all(|slices| slices.len() <= 2), "at {at}: {met:?}");
        }
    }

    #[test]
    fn few_versions_are_lifted_until_they_are_enough() {
        let slice = |class, number| Slice { class, number };
        let counts = BTreeMap::from([
            (slice(14, 1000), 50),
            (slice(14, 1001), 5),
            (slice(14, 1003), 6),
            (slice(15, 250), 90),
            (slice(20, 0), 3),
        ]);
        let goes = lift(&counts, 10, HIGHEST);
        assert_eq!(goes[&slice(14, 1000)], slice(14, 1000));
        assert_eq!(goes[&slice(14, 1001)], slice(15, 250));
        assert_eq!(goes[&slice(14, 1003)], slice(15, 250));
        assert_eq!(goes[&slice(20, 0)], Slice::ALL);
        assert_eq!(lift(&counts, 10, 20)[&slice(20, 0)], slice(20, 0));
    }

    #[test]
    fn a_slice_ends_where_the_next_begins() {
        let slice = Slice::of(1 << 40, (1 << 40) + (1 << 30));
        assert_eq!(slice.class, 15);
        let limit = slice.limit().expect("it ends");
        assert_eq!(Slice::at(15, limit - 1), slice);
        assert_eq!(Slice::at(15, limit).number, slice.number + 1);
        assert_eq!(Slice::ALL.limit(), None);
        assert_eq!(Slice::of(5, 5).class, LOWEST);
    }
}
