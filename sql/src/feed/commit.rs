//! The changes of one commit, consolidated: rows that went and came alike are not given at all.
//!
//! Rows are alike when they are the same to the last bit: 1.0 that becomes 1.00 is a change. The order is that in which
//! rows were first met. A commit of more than [`MOST_BYTES`] is consolidated in pieces of that size, so that memory is
//! bounded: its rows still sum up.

use std::collections::HashMap;

use engine::{Timestamp, Value};

use super::queue::Outlet;
use crate::error::Result;

/// Bytes of rows that are held to be consolidated.
const MOST_BYTES: usize = 2 << 20;

/// Rows with how often they came, or went.
#[derive(Default)]
pub(super) struct Commit {
    rows: Vec<(i64, Vec<Value>)>,
    places: HashMap<Vec<u8>, usize>,
    bytes: usize,
    key: Vec<u8>,
}

/// Bytes that tell a row from every other.
pub(super) fn identify(row: &[Value], key: &mut Vec<u8>) {
    key.clear();
    for value in row {
        let mut sized = |tag: u8, bytes: &[u8]| {
            key.push(tag);
            key.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            key.extend_from_slice(bytes);
        };
        match value {
            Value::Null => key.push(0),
            Value::Bool(value) => key.extend_from_slice(&[1, u8::from(*value)]),
            Value::Int16(value) => sized(2, &value.to_le_bytes()),
            Value::Int32(value) => sized(3, &value.to_le_bytes()),
            Value::Int64(value) => sized(4, &value.to_le_bytes()),
            Value::UInt32(value) => sized(5, &value.to_le_bytes()),
            Value::Float32(value) => sized(6, &value.to_bits().to_le_bytes()),
            Value::Float64(value) => sized(7, &value.to_bits().to_le_bytes()),
            Value::Fixed16(value) => sized(8, value),
            Value::Text(value) => sized(9, value.as_bytes()),
            Value::Bytes(value) => sized(10, value),
        }
    }
}

impl Commit {
    /// Notes that a row came `times` times (or went); whether the commit is full and should be given.
    pub fn add(&mut self, times: i64, row: Vec<Value>) -> bool {
        let mut key = std::mem::take(&mut self.key);
        identify(&row, &mut key);
        match self.places.get(key.as_slice()).and_then(|place| self.rows.get_mut(*place)) {
            Some((known, _)) => *known += times,
            None => {
                self.bytes += key.len() + super::queue::bytes_of(&row);
                self.places.insert(key.clone(), self.rows.len());
                self.rows.push((times, row));
            }
        }
        self.key = key;
        self.bytes >= MOST_BYTES
    }

    /// Bytes that the rows take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets what consolidation has cancelled out.
    pub fn compact(&mut self) {
        self.places = HashMap::new();
        self.rows.retain(|(times, _)| *times != 0);
        self.rows.shrink_to_fit();
    }

    /// Gives what is left after consolidation; whether that is anything. Empty afterwards.
    pub async fn give(&mut self, at: Timestamp, outlet: &mut Outlet) -> Result<bool> {
        self.places.clear();
        self.bytes = 0;
        let mut given = false;
        for (times, row) in self.rows.drain(..) {
            if times != 0 {
                given = true;
                outlet.push(at, times, row).await?;
            }
        }
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_went_and_came_alike_vanish_and_others_add_up() {
        let mut commit = Commit::default();
        let row = |text: &str| vec![Value::Int32(1), Value::from(text)];
        assert!(!commit.add(-1, row("a")));
        commit.add(1, row("b"));
        commit.add(1, row("a"));
        commit.add(1, row("b"));
        let left: Vec<_> = commit.rows.iter().filter(|(times, _)| *times != 0).collect();
        assert_eq!(left, [&(2, row("b"))]);
    }

    #[test]
    fn rows_that_differ_in_a_bit_are_not_alike() {
        let key = |row: &[Value]| {
            let mut key = Vec::new();
            identify(row, &mut key);
            key
        };
        assert_ne!(key(&[Value::Float64(0.0)]), key(&[Value::Float64(-0.0)]));
        assert_ne!(key(&[Value::from("a"), Value::from("bc")]), key(&[Value::from("ab"), Value::from("c")]));
        assert_ne!(key(&[Value::Int32(1)]), key(&[Value::Int64(1)]));
        assert_eq!(key(&[Value::Float64(f64::NAN)]), key(&[Value::Float64(f64::NAN)]));
    }
}
