//! The learned index finds what binary search finds: every key and every non-key, of every shape, by every kernel.

use super::*;
use crate::io::Random;
use crate::io::simulation::SimulatedRandom;
use arrow_buffer::Buffer;
use std::convert::Infallible;

/// Sorted keys in memory.
struct Column {
    data: Vec<u8>,
    offsets: Vec<u32>,
    width: Option<usize>,
}

impl Column {
    fn of(mut keys: Vec<Vec<u8>>) -> Column {
        keys.sort();
        let mut offsets = vec![0];
        let mut data = Vec::new();
        for key in &keys {
            data.extend_from_slice(key);
            offsets.push(data.len() as u32);
        }
        let width = keys.first().map(Vec::len).filter(|width| keys.iter().all(|key| key.len() == *width));
        Column { data, offsets, width }
    }

    fn keys(&self) -> SortedKeys<'_> {
        SortedKeys {
            data: &self.data,
            offsets: self.width.is_none().then_some(&self.offsets),
            width: self.width.unwrap_or(0),
            rows: self.offsets.len() - 1,
        }
    }
}

/// Believes all rows, and that there are so many.
struct Existing(usize);

impl Verify for Existing {
    type Error = Infallible;

    fn is_verified(&self, rows: Range<usize>) -> bool {
        assert!(rows.end <= self.0, "rows {rows:?} were touched");
        rows.start % 2 == 0
    }

    fn verify(&self, _: Range<usize>) -> Result<(), Infallible> {
        Ok(())
    }
}

/// The shapes of numbers that the tests learn.
fn shapes(random: &SimulatedRandom, count: usize) -> Vec<(&'static str, Vec<u64>)> {
    let make = |next: &mut dyn FnMut(u64) -> u64| (0..count as u64).map(next).collect::<Vec<_>>();
    let mut at = 0_u64;
    vec![
        ("uniform", make(&mut |_| random.next_u64())),
        ("dense", make(&mut |row| row + 1_000_000)),
        (
            "gapped",
            make(&mut |_| {
                at += 1 + random.below(3) * random.below(1000);
                at
            }),
        ),
        ("exponential", make(&mut |_| 1 << random.below(64) | random.next_u64() >> (1 + random.below(63)))),
        ("clustered", make(&mut |_| random.below(7) << 60 | random.below(1000))),
        ("one number", make(&mut |_| 42)),
        ("two numbers", make(&mut |row| if row % 3 == 0 { 5 } else { u64::MAX })),
        ("heavy and light", make(&mut |row| if row % 2 == 0 { 1 << 40 } else { random.next_u64() })),
        ("outlier", make(&mut |row| if row == 0 { u64::MAX } else { row })),
        ("edges", make(&mut |row| if row % 2 == 0 { row / 2 } else { u64::MAX - row / 2 })),
        (
            "cascade",
            make(&mut |row| 1_u64.checked_shl((row % 64) as u32).unwrap_or(0).wrapping_mul(1 + row / 64)),
        ),
    ]
}

/// Keys to be asked for: those there, their neighbours, shorter and longer ones, some at random.
fn wanted(column: &Column, random: &SimulatedRandom) -> Vec<Vec<u8>> {
    let keys = column.keys();
    let mut wanted = vec![vec![], vec![0], vec![255; 30], vec![0; 30]];
    for row in 0..keys.rows {
        let key = keys.get(row);
        wanted.push(key.to_vec());
        let mut other = key.to_vec();
        match random.below(5) {
            0 => other.push(random.below(256) as u8),
            1 => drop(other.pop()),
            2 => {
                if let Some(byte) = other.last_mut() {
                    *byte = byte.wrapping_add(1);
                }
            }
            3 => {
                let at = random.below(other.len().max(1) as u64) as usize;
                if let Some(byte) = other.get_mut(at) {
                    *byte = random.below(256) as u8;
                }
            }
            _ => other = random.next_u64().to_be_bytes().to_vec(),
        }
        wanted.push(other);
    }
    wanted
}

/// Compares every answer with the definition of a place.
fn check(name: &str, column: &Column, index: &LearnedIndex, random: &SimulatedRandom) {
    let keys = column.keys();
    let wanted = wanted(column, random);
    let verify = &Existing(keys.rows);
    let mut many = Vec::new();
    let Ok(()) = index.rows_of_many(&keys, wanted.iter().map(Vec::as_slice), &mut many, verify);
    let numbers = index.layout.numbers(&keys);
    let partition = |is_before: &dyn Fn(usize) -> bool| {
        let (mut low, mut high) = (0, keys.rows);
        while low < high {
            let middle = (low + high) / 2;
            if is_before(middle) { low = middle + 1 } else { high = middle }
        }
        low
    };
    for (key, batched) in wanted.iter().zip(many) {
        let Ok(rows) = index.rows(&keys, key, verify);
        assert_eq!(rows, batched, "{name}: in lanes and alone, {key:?}");
        let exact = partition(&|row| keys.get(row) < key.as_slice())..partition(&|row| {
            keys.get(row) <= key.as_slice()
        });
        let expected = match index.layout.place(key) {
            Place::Before | Place::Behind => exact.clone(),
            Place::Number(number) => {
                partition(&|row| numbers.get(row) < number)..partition(&|row| numbers.get(row) <= number)
            }
        };
        assert_eq!(rows, expected, "{name}: {key:?}");
        assert!(rows.start <= exact.start && exact.end <= rows.end, "{name}: {key:?}");
        assert!(!index.tells_apart(&keys, key.len()) || rows == exact, "{name}: {key:?}");
    }
}

#[test]
fn every_key_and_non_key_is_placed_as_by_binary_search() {
    for (seed, count) in [(1, 1024), (2, 1500), (3, 20_000)] {
        let random = SimulatedRandom::new(seed);
        for (name, numbers) in shapes(&random, count) {
            let even = |prefix: &[u8], suffix: usize, bytes: usize| {
                let key = |number: &u64| {
                    let mut key = prefix.to_vec();
                    key.extend_from_slice(&number.to_be_bytes()[8 - bytes..]);
                    key.extend((0..suffix).map(|_| random.below(3) as u8));
                    key
                };
                Column::of(numbers.iter().map(key).collect())
            };
            let uneven = |number: &u64| match number % 3 {
                0 => number.to_be_bytes().to_vec(),
                1 => format!("key {}", number % 100_000).into_bytes(),
                _ => [&b"key of more than eight bytes"[..], &number.to_be_bytes()].concat(),
            };
            let columns = [
                even(b"", 0, 8),
                even(&[1], 0, 8),
                even(&[1], 0, 4),
                even(b"prefix", 2, 8),
                even(b"a prefix of some length", 0, 8),
                Column::of(numbers.iter().map(uneven).collect()),
            ];
            for column in columns {
                let keys = column.keys();
                let mut index = LearnedIndex::train(&keys, false).expect("enough keys");
                for level in Level::all() {
                    index.level = level;
                    check(name, &column, &index, &random);
                }
                let section = Buffer::from(index.encode(&keys));
                let decoded = LearnedIndex::decode(&section, &keys).expect("it is whole");
                assert_eq!(decoded.leaves, index.leaves);
                assert_eq!((decoded.root.lines(), &decoded.layout), (index.root.lines(), &index.layout));
                assert_eq!((&decoded.anchors, decoded.greatest), (&index.anchors, index.greatest));
            }
        }
    }
}

#[test]
fn an_index_over_other_keys_answers_the_same() {
    let random = SimulatedRandom::new(9);
    let shapes = shapes(&random, 4000);
    let column =
        |numbers: &[u64]| Column::of(numbers.iter().map(|number| number.to_be_bytes().to_vec()).collect());
    for (name, numbers) in &shapes {
        // The right layout, and the lines of another file.
        let wrong = column(&shapes[0].1);
        let mut index = LearnedIndex::train(&wrong.keys(), false).expect("enough keys");
        let right = column(numbers);
        index.layout = NumberLayout::of(&right.keys());
        check(name, &right, &index, &random);
        let is_foreign = *name != "uniform";
        assert!(!is_foreign || index.statistics().fallbacks > 0, "{name}");
    }
}

#[test]
fn lines_fit_easy_keys_and_admit_to_hard_ones() {
    let statistics = |step: &mut dyn FnMut(u64) -> u64| {
        let numbers: Vec<u64> = (0..100_000).map(step).collect();
        let column = Column::of(numbers.iter().map(|number| number.to_be_bytes().to_vec()).collect());
        let keys = column.keys();
        let index = LearnedIndex::train(&keys, false).expect("enough keys");
        for number in
            numbers.iter().flat_map(|number| [*number, number.wrapping_add(1), number.wrapping_sub(1)])
        {
            let Ok(_) = index.rows(&keys, &number.to_be_bytes(), &Existing(keys.rows));
        }
        let statistics = index.statistics();
        check("shape", &column, &index, &SimulatedRandom::new(3));
        statistics
    };
    let random = SimulatedRandom::new(4);
    let dense = statistics(&mut |row| row);
    assert!(dense.max_error <= 1 && dense.fallbacks == 0 && dense.wide_leaves == 0, "{dense:?}");
    let uniform = statistics(&mut |_| random.next_u64());
    assert!(uniform.mean_error < 12.0 && uniform.fallbacks == 0, "{uniform:?}");
    assert!(uniform.bytes * 40 < 800_000, "{uniform:?}");
    let few = statistics(&mut |row| row / 5000 << 33);
    assert!(few.mean_error < 1.0 && few.fallbacks == 0, "{few:?}");
    let hard = statistics(&mut |row| (1_u64 << (row % 64)).wrapping_add(row * row));
    assert_eq!((hard.keys, hard.fallbacks), (100_000, 0));
}

#[test]
fn what_is_damaged_or_of_another_file_is_not_used() {
    let column = Column::of((0..2000_u64).map(|row| (row * row).to_be_bytes().to_vec()).collect());
    let keys = column.keys();
    let bytes = LearnedIndex::train(&keys, false).expect("enough keys").encode(&keys);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(LearnedIndex::decode(&Buffer::from(damaged), &keys).is_none(), "byte {at}");
    }
    for length in [0, 10, 60, bytes.len() - 16, bytes.len() - 1] {
        assert!(LearnedIndex::decode(&Buffer::from(bytes[..length].to_vec()), &keys).is_none());
    }
    let whole = Buffer::from(bytes);
    assert!(LearnedIndex::decode(&whole, &SortedKeys { rows: 1999, ..keys }).is_none());
    assert!(LearnedIndex::decode(&whole, &SortedKeys { width: 9, ..keys }).is_none());
    assert!(LearnedIndex::decode(&whole, &keys).is_some());
}

#[test]
fn the_format_of_the_section_stays() {
    let column = Column::of((0..1024_u64).map(|row| (row * row / 7 + 1000).to_be_bytes().to_vec()).collect());
    let keys = column.keys();
    let bytes = LearnedIndex::train(&keys, false).expect("enough keys").encode(&keys);
    let hash = blake3::hash(&bytes).to_hex();
    assert_eq!((bytes.len(), &hash[..32]), GOLDEN_SECTION);
}

/// Length and hash of the section above: a change of either is a change of the format or of what is learned.
const GOLDEN_SECTION: (usize, &str) = (384, "49d458e3444a5fcf4e3df6d70b8b257c");
