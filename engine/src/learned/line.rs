//! A line that counts: how many numbers of a sorted list lie below a number.
//!
//! The list is cut into groups of equal length, each with one line. The line of a group is asked about numbers above
//! the group's first and not above the next group's first, so that the answer lies in the group: from its first place
//! to the next one's.
//!
//! | bits | content |
//! |---|---|
//! | 0..32 | the base: what the line says at the group's first number |
//! | 32..44 | factor |
//! | 44..48 | shift before the factor |
//! | 48..54 | shift behind the factor |
//! | 54..64 | the greatest error; 1023: the line bounds nothing |
//!
//! What the line says is `base + ((distance >> before) * factor >> behind)`, cut off at the ends of the group;
//! `distance` is that from the group's first number, and zero below it. What the factor is multiplied with is cut off
//! at 52 bits, where the line has left the group, so that nothing overflows.

/// An error that says nothing: the place may be anywhere in the group.
const UNBOUNDED: u64 = 1023;
/// Bits of the distance that the factor is multiplied with.
const DISTANCE_BITS: u32 = 52;
const FACTOR_BITS: u32 = 12;

/// A line, as it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Line(pub u64);

/// The places of a group, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub start: usize,
    pub end: usize,
}

impl Group {
    /// The group of a number, for groups of two to the power of `bits` places in a list of `count`.
    #[inline(always)]
    pub fn of(number: usize, bits: u32, count: usize) -> Group {
        let start = number.wrapping_shl(bits);
        Group { start: start.min(count), end: start.wrapping_add(1 << (bits % 64)).min(count) }
    }
}

impl Line {
    /// The line with `slope` places for each number of distance, in a group of `room` places.
    pub fn new(base: usize, slope: f64, room: usize) -> Line {
        let flat = Line(base as u64 & 0xFFFF_FFFF);
        if slope.is_nan() || slope <= 0.0 {
            return flat;
        }
        // Only distances up to where the line has left the group must be told apart.
        let longest = (2.0 * room as f64 / slope).ceil() as u64;
        let before = (64 - longest.leading_zeros()).saturating_sub(DISTANCE_BITS);
        // The factor times two to the power of minus `behind` is the slope of a distance that was shifted.
        let slope = slope * (1_u64 << before) as f64;
        let behind = f64::from(FACTOR_BITS - 1) - slope.log2().floor();
        if behind > 63.0 {
            return flat;
        }
        let behind = behind.max(0.0) as u32;
        let factor = ((slope * (1_u64 << behind) as f64).round() as u64).min((1 << FACTOR_BITS) - 1);
        Line(flat.0 | factor << 32 | u64::from(before) << 44 | u64::from(behind) << 48)
    }

    /// The same line with an error.
    pub fn with_error(self, error: u64) -> Line {
        Line(self.0 & !(UNBOUNDED << 54) | error.min(UNBOUNDED) << 54)
    }

    /// The greatest error, as far as it is known, in a group of so many places.
    pub fn error(self, group: Group) -> u64 {
        let room = (group.end - group.start) as u64;
        if self.0 >> 54 == UNBOUNDED { room } else { (self.0 >> 54).min(room) }
    }

    /// What the line says.
    #[inline(always)]
    pub fn at(self, distance: u64, group: Group) -> usize {
        let shifted = (distance >> (self.0 >> 44 & 15)).min((1 << DISTANCE_BITS) - 1);
        let ahead = shifted.wrapping_mul(self.0 >> 32 & 0xFFF) >> (self.0 >> 48 & 63);
        let place = (self.0 & 0xFFFF_FFFF).wrapping_add(ahead) as usize;
        place.max(group.start).min(group.end)
    }

    /// The places between which, both included, the answer lies.
    #[inline(always)]
    pub fn window(self, distance: u64, group: Group) -> (usize, usize) {
        let place = self.at(distance, group);
        let error = match self.0 >> 54 {
            UNBOUNDED => usize::MAX >> 1,
            error => error as usize,
        };
        (place.saturating_sub(error).max(group.start), place.wrapping_add(error).min(group.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_near_its_slope_whatever_the_scale() {
        let group = Group { start: 500, end: 1500 };
        for shift in [0, 8, 20, 40, 51] {
            let line = Line::new(500, 1.0 / (1_u64 << shift) as f64, 1000);
            for row in 0..=1000 {
                let place = line.at(row << shift, group) as u64;
                assert!(place.abs_diff(500 + row) <= 1, "shift {shift}, row {row}: {place}");
            }
            assert_eq!(
                (line.at(u64::MAX, group), line.at(1000 << shift, Group { end: 700, ..group })),
                (1500, 700)
            );
        }
        let group = Group { start: 0, end: 10_000 };
        let steep = Line::new(0, 100.0, 10_000);
        assert!(steep.at(5, group).abs_diff(500) <= 1 && steep.at(u64::MAX, group) == 10_000);
        for slope in [f64::NAN, 1e-60, -1.0, 0.0] {
            assert_eq!(Line::new(3, slope, 9), Line(3));
        }
        assert_eq!(Line::new(3, f64::INFINITY, 9).at(1, Group { start: 3, end: 12 }), 12);
    }

    #[test]
    fn a_window_stays_in_its_group() {
        let group = Group { start: 10, end: 60 };
        let line = Line::new(10, 1.0, 50).with_error(4);
        let windows = [0, 20, u64::MAX].map(|distance| line.window(distance, group));
        assert_eq!(windows, [(10, 14), (26, 34), (56, 60)]);
        assert_eq!(line.with_error(5000).window(20, group), (10, 60));
        assert_eq!(
            (line.with_error(5000).error(group), line.with_error(5000).with_error(1).error(group)),
            (50, 1)
        );
    }

    #[test]
    fn groups_cover_the_list() {
        assert_eq!(Group::of(0, 7, 300), Group { start: 0, end: 128 });
        assert_eq!(Group::of(2, 7, 300), Group { start: 256, end: 300 });
        assert_eq!(Group::of(3, 7, 300), Group { start: 300, end: 300 });
    }
}
