//! Sequences: values handed out at once, logged ahead.
//!
//! A log record covers the next [`AHEAD`] values, so that most calls write nothing. After a crash a sequence goes on
//! behind the last value that was covered: values may be skipped and are never handed out twice to transactions that
//! committed (the record goes to the log before any commit that could hold a value it covers). Sequences are not
//! transactional, as PostgreSQL's are not.

use crate::record::{KIND_SEQUENCE, Reader, Writer};
use crate::sequencer::Queue;
use crate::{Error, Timestamp};
use hashbrown::HashMap;
use parking_lot::Mutex;

/// Values that one log record covers.
const AHEAD: u32 = 32;

/// How a sequence counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceDefinition {
    pub start: i64,
    /// Not zero.
    pub increment: i64,
    pub minimum: i64,
    pub maximum: i64,
    pub cycle: bool,
}

impl SequenceDefinition {
    /// The value after `last`; `None` at the end of a sequence that does not cycle.
    fn after(&self, last: i64) -> Option<i64> {
        let next =
            last.checked_add(self.increment).filter(|next| (self.minimum..=self.maximum).contains(next));
        let first = if self.increment > 0 { self.minimum } else { self.maximum };
        next.or(self.cycle.then_some(first))
    }
}

/// Where a sequence stands: `last_value` and `is_called`, as PostgreSQL shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceState {
    pub last: i64,
    pub called: bool,
}

#[derive(Clone, Copy)]
struct Sequence {
    state: SequenceState,
    /// Where a restart would go on from.
    logged: SequenceState,
    /// Values still covered by the log.
    covered: u32,
}

/// All sequences of a database, by number.
#[derive(Default)]
pub(crate) struct Sequences {
    sequences: Mutex<HashMap<u32, Sequence>>,
}

impl Sequences {
    /// The next value; `None` when a sequence that does not cycle has reached its end.
    pub fn next(
        &self,
        queue: &Queue,
        number: u32,
        definition: &SequenceDefinition,
    ) -> Result<Option<i64>, Error> {
        let mut sequences = self.sequences.lock();
        let fresh = SequenceState { last: definition.start, called: false };
        let sequence =
            sequences.entry(number).or_insert(Sequence { state: fresh, logged: fresh, covered: 0 });
        let value = match sequence.state {
            SequenceState { last, called: false } => Some(last),
            SequenceState { last, called: true } => definition.after(last),
        };
        let Some(value) = value else { return Ok(None) };
        if sequence.covered == 0 {
            let mut ahead = value;
            let mut covered = 1;
            while covered < AHEAD {
                let bound = ahead.checked_add(definition.increment);
                match bound.filter(|next| (definition.minimum..=definition.maximum).contains(next)) {
                    Some(next) => ahead = next,
                    None => break,
                }
                covered += 1;
            }
            sequence.covered = covered;
            sequence.logged = SequenceState { last: ahead, called: true };
            write(queue, number, sequence.logged)?;
        }
        sequence.covered -= 1;
        sequence.state = SequenceState { last: value, called: true };
        Ok(Some(value))
    }

    /// Sets a sequence (setval, RESTART).
    pub fn set(&self, queue: &Queue, number: u32, state: SequenceState) -> Result<(), Error> {
        let mut sequences = self.sequences.lock();
        sequences.insert(number, Sequence { state, logged: state, covered: 0 });
        write(queue, number, state)
    }

    pub fn state(&self, number: u32) -> Option<SequenceState> {
        self.sequences.lock().get(&number).map(|sequence| sequence.state)
    }

    /// Takes over a state read back from the log or the manifest.
    pub fn restore(&self, number: u32, state: SequenceState) {
        self.sequences.lock().insert(number, Sequence { state, logged: state, covered: 0 });
    }

    /// What a restart has to know.
    pub fn encode(&self) -> Vec<u8> {
        let sequences = self.sequences.lock();
        let mut numbers: Vec<u32> = sequences.keys().copied().collect();
        numbers.sort_unstable();
        let mut writer = Writer::default();
        writer.u32(numbers.len() as u32);
        for number in numbers {
            if let Some(sequence) = sequences.get(&number) {
                encode_state(&mut writer, number, sequence.logged);
            }
        }
        writer.bytes
    }

    pub fn decode(&self, bytes: &[u8]) -> Result<(), Error> {
        let mut reader = Reader::new(bytes);
        for _ in 0..reader.count()? {
            let (number, state) = decode_state(&mut reader)?;
            self.restore(number, state);
        }
        reader.end()
    }
}

fn write(queue: &Queue, number: u32, state: SequenceState) -> Result<(), Error> {
    let mut writer = Writer::default();
    writer.u8(KIND_SEQUENCE);
    encode_state(&mut writer, number, state);
    if queue.write_record(writer.bytes) { Ok(()) } else { Err(Error::ShuttingDown) }
}

fn encode_state(writer: &mut Writer, number: u32, state: SequenceState) {
    writer.u32(number);
    writer.u64(state.last as u64);
    writer.u8(u8::from(state.called));
}

/// Reads one sequence's number and state.
pub(crate) fn decode_state(reader: &mut Reader<'_>) -> Result<(u32, SequenceState), Error> {
    let number = reader.u32()?;
    let last = reader.u64()? as i64;
    Ok((number, SequenceState { last, called: reader.u8()? != 0 }))
}

/// What is known of a table without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableStatistics {
    /// Rows alive by the latest commit.
    pub rows: u64,
    /// Versions in memory.
    pub hot_rows: u64,
    pub hot_bytes: u64,
    pub segments: u64,
    /// Versions in segments, dead ones included.
    pub segment_rows: u64,
    /// Bytes of the files of rows.
    pub segment_bytes: u64,
    /// Rows added and ended since the database was opened.
    pub changes: u64,
    /// When the table was dropped, if it was.
    pub dropped: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: SequenceDefinition =
        SequenceDefinition { start: 1, increment: 1, minimum: 1, maximum: 3, cycle: false };

    #[test]
    fn a_sequence_ends_or_cycles() {
        let (sequences, queue) = (Sequences::default(), Queue::default());
        let next = |definition| sequences.next(&queue, 1, definition).unwrap();
        assert_eq!([next(&UP), next(&UP), next(&UP), next(&UP)], [Some(1), Some(2), Some(3), None]);
        let cycling = SequenceDefinition { cycle: true, ..UP };
        assert_eq!([next(&cycling), next(&cycling)], [Some(1), Some(2)]);
    }

    #[test]
    fn a_restart_goes_on_behind_what_was_logged() {
        let (sequences, queue) = (Sequences::default(), Queue::default());
        let long = SequenceDefinition { maximum: i64::MAX, ..UP };
        assert_eq!(sequences.next(&queue, 9, &long), Ok(Some(1)));
        let after = Sequences::default();
        after.decode(&sequences.encode()).unwrap();
        assert_eq!(after.next(&queue, 9, &long), Ok(Some(33)));
        sequences.set(&queue, 9, SequenceState { last: 7, called: false }).unwrap();
        assert_eq!(sequences.next(&queue, 9, &long), Ok(Some(7)));
    }
}
