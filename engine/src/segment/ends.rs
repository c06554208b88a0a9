//! The end times of the rows of one file, in memory.
//!
//! A file says when each of its versions ended, as far as that was known when it was written. What ends later is kept
//! here, zone by zone (8192 rows), in one of three states: nothing changed; a few rows changed, a sorted list; many
//! changed, an array of all. At a checkpoint the changed ends are written to a delete log.
//!
//! An end is a raw `u64`: a commit timestamp, infinity, or whatever mark the layer above puts there while it is not yet
//! known (marks are never written to a delete log). Any thread may read at any time and sees each end either before or
//! after a change, never half of it.

use std::{
    ops::Range,
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use arrow_buffer::ScalarBuffer;
use parking_lot::RwLock;

use super::ZONE_ROWS;
use crate::learned::prefetch;

/// Rows changed in a zone before it gets an array.
const SPARSE_LIMIT: usize = 256;
/// The end of a row that is alive.
const ALIVE: u64 = u64::MAX;

/// The end times of the rows of one file: the initial ones of the file until one is changed. Any thread may read;
/// two writers of one row settle it by [`EndTimes::replace`].
#[derive(Debug)]
pub struct EndTimes {
    rows: usize,
    /// The ends that the file holds; `None`: all alive.
    initial: Option<ScalarBuffer<u64>>,
    zones: Box<[Zone]>,
    /// Bytes that lists and arrays take.
    bytes: AtomicUsize,
}

#[derive(Debug, Default)]
struct Zone {
    is_touched: AtomicBool,
    ends: RwLock<Ends>,
}

/// The changed ends of a zone.
#[derive(Debug, Default)]
enum Ends {
    #[default]
    None,
    /// Row in the zone and end, ascending.
    Sparse(Vec<(u16, u64)>),
    /// All rows of the zone, changed or not.
    Full(Box<[AtomicU64]>),
}

impl EndTimes {
    /// For a file of `rows` rows that are all alive.
    pub fn new(rows: usize) -> EndTimes {
        EndTimes::with_initial(rows, None)
    }

    /// For a file that holds the ends of its rows.
    pub(super) fn with_initial(rows: usize, initial: Option<ScalarBuffer<u64>>) -> EndTimes {
        let zones = (0..rows.div_ceil(ZONE_ROWS)).map(|_| Zone::default()).collect();
        EndTimes { rows, initial, zones, bytes: AtomicUsize::new(0) }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of memory that changed ends take.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The end of a row as the file says it. A row that does not exist never began: its end is zero.
    pub fn initial(&self, row: usize) -> u64 {
        match &self.initial {
            _ if row >= self.rows => 0,
            Some(initial) => initial.get(row).copied().unwrap_or(0),
            None => ALIVE,
        }
    }

    /// The end of a row, raw.
    pub fn get(&self, row: usize) -> u64 {
        let Some(zone) = self.zones.get(row / ZONE_ROWS) else { return 0 };
        if !zone.is_touched.load(Ordering::Acquire) {
            return self.initial(row);
        }
        zone.ends.read().get((row % ZONE_ROWS) as u16).unwrap_or_else(|| self.initial(row))
    }

    /// Says that the end of a row will be wanted soon.
    #[inline]
    pub fn prefetch(&self, row: usize) {
        if let Some(initial) = &self.initial {
            prefetch(initial, row);
        }
    }

    /// Sets the end of a row that exists.
    pub fn set(&self, row: usize, to: u64) {
        self.change(row, |_| Some(to));
    }

    /// Sets the end to `new` if it is `expected`; else says what it is.
    pub fn replace(&self, row: usize, expected: u64, new: u64) -> Result<(), u64> {
        match self.change(row, |end| (end == expected).then_some(new)) {
            end if end == expected => Ok(()),
            end => Err(end),
        }
    }

    /// Changes an end by `choose`, which sees the present one and answers the new one, or `None` to let it be.
    /// Answers the end that `choose` saw.
    fn change(&self, row: usize, choose: impl Fn(u64) -> Option<u64>) -> u64 {
        let Some(zone) = self.zones.get(row / ZONE_ROWS).filter(|_| row < self.rows) else { return 0 };
        let place = row % ZONE_ROWS;
        if let Ends::Full(ends) = &*zone.ends.read() {
            let end = &ends[place];
            let mut seen = end.load(Ordering::Acquire);
            while let Some(new) = choose(seen) {
                match end.compare_exchange_weak(seen, new, Ordering::AcqRel, Ordering::Acquire) {
                    Ok(_) => return seen,
                    Err(now) => seen = now,
                }
            }
            return seen;
        }
        let mut ends = zone.ends.write();
        let seen = ends.get(place as u16).unwrap_or_else(|| self.initial(row));
        if let Some(new) = choose(seen) {
            let before = ends.bytes();
            ends.put(place as u16, new, self.initial(row));
            if ends.is_long() {
                *ends = Ends::Full(self.all_of(row / ZONE_ROWS, &ends));
            }
            self.bytes.fetch_add(ends.bytes(), Ordering::Relaxed);
            self.bytes.fetch_sub(before, Ordering::Relaxed);
            zone.is_touched.store(true, Ordering::Release);
        }
        seen
    }

    /// Every end of a zone, as an array.
    fn all_of(&self, zone: usize, ends: &Ends) -> Box<[AtomicU64]> {
        let start = zone * ZONE_ROWS;
        let rows = start..self.rows.min(start + ZONE_ROWS);
        let all: Box<[AtomicU64]> = rows.map(|row| AtomicU64::new(self.initial(row))).collect();
        if let Ends::Sparse(list) = ends {
            for (place, to) in list {
                all[usize::from(*place)].store(*to, Ordering::Relaxed);
            }
        }
        all
    }

    /// Whether every end of these rows is the initial one. `false` may also come of a change in the same zone.
    pub fn is_initial(&self, rows: Range<usize>) -> bool {
        let zones = rows.start / ZONE_ROWS..rows.end.div_ceil(ZONE_ROWS);
        let zones = self.zones.get(zones.start..zones.end.min(self.zones.len())).unwrap_or_default();
        zones.iter().all(|zone| !zone.is_touched.load(Ordering::Acquire))
    }

    /// Whether the file itself says that every row is alive.
    pub fn is_initially_alive(&self) -> bool {
        self.initial.is_none()
    }

    /// Appends the ends of a range of rows, raw.
    pub fn copy(&self, rows: Range<usize>, ends: &mut Vec<u64>) {
        let rows = rows.start..rows.end.min(self.rows);
        let mut row = rows.start;
        while row < rows.end {
            let zone = row / ZONE_ROWS;
            let stop = rows.end.min((zone + 1) * ZONE_ROWS);
            self.copy_in_zone(zone, row..stop, ends);
            row = stop;
        }
    }

    fn copy_in_zone(&self, number: usize, rows: Range<usize>, ends: &mut Vec<u64>) {
        let start = ends.len();
        let zone = &self.zones[number];
        let places = rows.start % ZONE_ROWS..rows.start % ZONE_ROWS + rows.len();
        let changed = zone.is_touched.load(Ordering::Acquire).then(|| zone.ends.read());
        if let Some(Ends::Full(all)) = changed.as_deref() {
            ends.extend(all[places].iter().map(|end| end.load(Ordering::Acquire)));
            return;
        }
        match &self.initial {
            Some(initial) => ends.extend_from_slice(&initial[rows]),
            None => ends.resize(start + rows.len(), ALIVE),
        }
        if let Some(Ends::Sparse(list)) = changed.as_deref() {
            let from = list.partition_point(|(place, _)| usize::from(*place) < places.start);
            for (place, to) in &list[from..] {
                match ends.get_mut(start + usize::from(*place) - places.start) {
                    Some(end) => *end = *to,
                    None => break,
                }
            }
        }
    }

    /// Every row whose end differs from the initial one, in ascending order, raw.
    pub fn changed(&self) -> Vec<(u32, u64)> {
        let mut changed = Vec::new();
        for (number, zone) in self.zones.iter().enumerate() {
            if !zone.is_touched.load(Ordering::Acquire) {
                continue;
            }
            let start = number * ZONE_ROWS;
            match &*zone.ends.read() {
                Ends::None => {}
                Ends::Sparse(list) => {
                    changed
                        .extend(list.iter().map(|(place, to)| ((start + usize::from(*place)) as u32, *to)));
                }
                Ends::Full(all) => {
                    let ends = all.iter().enumerate().map(|(place, end)| (start + place, end));
                    changed.extend(ends.filter_map(|(row, end)| {
                        let end = end.load(Ordering::Acquire);
                        (end != self.initial(row)).then_some((row as u32, end))
                    }));
                }
            }
        }
        changed
    }
}

impl Ends {
    fn get(&self, place: u16) -> Option<u64> {
        match self {
            Ends::None => None,
            Ends::Sparse(list) => {
                let found = list.binary_search_by_key(&place, |(place, _)| *place).ok()?;
                list.get(found).map(|(_, to)| *to)
            }
            Ends::Full(all) => all.get(usize::from(place)).map(|end| end.load(Ordering::Acquire)),
        }
    }

    fn put(&mut self, place: u16, to: u64, initial: u64) {
        match self {
            Ends::None => *self = Ends::Sparse(vec![(place, to)]),
            Ends::Sparse(list) => match list.binary_search_by_key(&place, |(place, _)| *place) {
                Ok(found) if to == initial => {
                    list.remove(found);
                }
                Ok(found) => list[found].1 = to,
                Err(_) if to == initial => {}
                Err(missing) => list.insert(missing, (place, to)),
            },
            Ends::Full(all) => all[usize::from(place)].store(to, Ordering::Release),
        }
    }

    fn is_long(&self) -> bool {
        matches!(self, Ends::Sparse(list) if list.len() > SPARSE_LIMIT)
    }

    fn bytes(&self) -> usize {
        match self {
            Ends::None => 0,
            Ends::Sparse(list) => list.len() * 16,
            Ends::Full(all) => all.len() * 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_what_was_set_in_every_state() {
        let initial: Vec<u64> = (0..20_000).map(|row| if row % 3 == 0 { row } else { ALIVE }).collect();
        for initial in [None, Some(initial)] {
            let mut model = initial.clone().unwrap_or_else(|| vec![ALIVE; 20_000]);
            let before = model.clone();
            let ends = EndTimes::with_initial(20_000, initial.map(ScalarBuffer::from));
            for step in 0..3000_u64 {
                // The first zone becomes full, the second stays sparse, the third untouched.
                let row = if step % 20 == 0 { 8192 + step as usize * 2 } else { step as usize * 7 % 8192 };
                ends.set(row, step + 7);
                model[row] = step + 7;
            }
            ends.set(8192, before[8192]);
            model[8192] = before[8192];
            assert!((0..20_000).all(|row| ends.get(row) == model[row]));
            for rows in [0..20_000, 100..8200, 8190..16_400, 16_384..20_000, 5..5] {
                let mut copied = vec![1];
                ends.copy(rows.clone(), &mut copied);
                assert_eq!(copied[1..], model[rows]);
            }
            let changed: Vec<(u32, u64)> = (0..20_000_u32)
                .map(|row| (row, model[row as usize]))
                .filter(|(row, end)| before[*row as usize] != *end)
                .collect();
            assert_eq!(ends.changed(), changed);
            assert!(ends.is_initial(16_384..20_000) && !ends.is_initial(0..20_000));
        }
    }

    #[test]
    fn a_replacement_needs_the_expected_end() {
        let ends = EndTimes::new(10_000);
        for row in [3, 9_999] {
            assert_eq!(ends.replace(row, ALIVE, 5), Ok(()));
            assert_eq!(ends.replace(row, ALIVE, 6), Err(5));
            assert_eq!(ends.replace(row, 5, ALIVE), Ok(()));
        }
        assert_eq!(ends.changed(), []);
        assert_eq!(ends.get(10_000), 0);
    }
}
