//! The rows that a commit ends, as its record has them.
//!
//! A large update ends rows that lie one behind the other, and so do their new versions: they are written as runs. Format:
//! the number of runs (4 bytes), then of each run, as variable-length numbers: how many rows, less one; the first row's
//! location, its birth id, and the ordinal of its new version plus one (zero: it has none), each as the difference to
//! where the run before ended, folded so that small differences either way are small numbers. In a run locations and
//! births rise by one from row to row, ordinals too, or there are none.
//!
//! A count beyond what a table can hold is damage.

use super::{Close, Reader, Writer};
use crate::{Error, RowHandle};

/// Rows of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Run {
    location: u64,
    birth: u64,
    /// The ordinal of the new version plus one.
    successor: u64,
    rows: u64,
}

impl Run {
    fn of(close: &Close) -> Run {
        let successor = close.successor.map_or(0, |ordinal| u64::from(ordinal) + 1);
        Run { location: close.handle.location, birth: close.handle.birth, successor, rows: 1 }
    }

    /// What a row behind the last would be.
    fn end(&self) -> Run {
        Run {
            location: self.location.wrapping_add(self.rows),
            birth: self.birth.wrapping_add(self.rows),
            successor: if self.successor == 0 { 0 } else { self.successor.wrapping_add(self.rows) },
            rows: 1,
        }
    }
}

/// A difference as a number that is small if the difference is, either way.
fn fold(from: u64, to: u64) -> u64 {
    let difference = to.wrapping_sub(from) as i64;
    (difference << 1 ^ difference >> 63) as u64
}

fn unfold(from: u64, folded: u64) -> u64 {
    let difference = (folded >> 1) as i64 ^ -((folded & 1) as i64);
    from.wrapping_add(difference as u64)
}

pub(super) fn encode(closes: &[Close], writer: &mut Writer) {
    let count = writer.bytes.len();
    writer.u32(0);
    let (mut runs, mut before, mut run) = (0_u32, Run::default(), None::<Run>);
    let mut put = |run: Run| {
        writer.varint(run.rows - 1);
        writer.varint(fold(before.location, run.location));
        writer.varint(fold(before.birth, run.birth));
        writer.varint(fold(before.successor, run.successor));
        before = run.end();
        runs += 1;
    };
    for close in closes {
        let next = Run::of(close);
        match &mut run {
            Some(run) if run.end() == next => run.rows += 1,
            Some(run) => put(std::mem::replace(run, next)),
            None => run = Some(next),
        }
    }
    run.into_iter().for_each(&mut put);
    if let Some(place) = writer.bytes.get_mut(count..count + 4) {
        place.copy_from_slice(&runs.to_le_bytes());
    }
}

pub(super) fn decode(reader: &mut Reader<'_>, closes: &mut impl Extend<Close>) -> Result<(), Error> {
    let mut before = Run::default();
    for _ in 0..reader.count()? {
        let rows = reader.varint()?.saturating_add(1);
        let run = Run {
            rows,
            location: unfold(before.location, reader.varint()?),
            birth: unfold(before.birth, reader.varint()?),
            successor: unfold(before.successor, reader.varint()?),
        };
        let last = run.successor.checked_add(rows).filter(|last| *last <= u64::from(u32::MAX));
        if rows > u64::from(u32::MAX) || last.is_none() {
            return Err(reader.damaged("more ended rows than there can be"));
        }
        closes.extend((0..rows).map(|number| {
            let handle = RowHandle {
                location: run.location.wrapping_add(number),
                birth: run.birth.wrapping_add(number),
            };
            let successor = run.successor.checked_sub(1).map(|first| (first + number) as u32);
            Close { handle, successor }
        }));
        before = run.end();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_in_any_order_are_read_as_they_were_written() {
        let close =
            |location: u64, birth: u64, successor| Close { handle: RowHandle { location, birth }, successor };
        let mut closes: Vec<Close> =
            (0..1000).map(|row| close((5 << 32) + row, 70 + row, Some(row as u32))).collect();
        closes.extend((0..1000).map(|row| close((6 << 32) + row, 2000 + row, None)));
        closes.extend((0..1000u64).rev().map(|row| close(row * row, row * 3, (row % 2 == 0).then_some(9))));
        closes.push(close(u64::MAX, u64::MAX, Some(u32::MAX - 2)));
        closes.push(close(0, 0, Some(0)));
        for count in [0, 1, 2000, closes.len()] {
            let mut writer = Writer::default();
            encode(&closes[..count], &mut writer);
            assert!(count > 2000 || writer.bytes.len() < 40, "{count}: {} bytes", writer.bytes.len());
            let (mut reader, mut read) = (Reader::new(&writer.bytes), Vec::new());
            decode(&mut reader, &mut read).unwrap();
            reader.end().unwrap();
            let plain = |closes: &[Close]| -> Vec<_> {
                closes.iter().map(|close| (close.handle, close.successor)).collect()
            };
            assert_eq!(plain(&read), plain(&closes[..count]));
        }
    }

    #[test]
    fn a_run_without_end_is_damage() {
        let mut writer = Writer::default();
        writer.u32(1);
        [u64::MAX - 1, 0, 0, 0].iter().for_each(|number| writer.varint(*number));
        assert!(decode(&mut Reader::new(&writer.bytes), &mut Vec::new()).is_err());
    }
}
