//! The learned index of a segment beside a `BTreeMap` and a binary search, in one run:
//! `cargo run --release -p strata-engine --example learned -- DIRECTORY [KEYS] [SHAPE,…]`.
//!
//! Six shapes of keys, ten million each unless told otherwise. A segment with nothing but keys is written to DIRECTORY,
//! mapped, and asked as the server asks it: keys of nine bytes (a marker and a big-endian number, as a bigint primary
//! key has), every block's checksum looked after. The rivals are what a program would use in memory: a
//! `BTreeMap<u64, u32>` built from sorted keys, and the standard library's binary search over a `Vec<u64>`.
//!
//! Each round asks every contender for the same keys, in turn; rounds alternate their order. A figure is the median of
//! the rounds, in nanoseconds a key. *chained*: the next key waits for the last answer, as in a statement that looks up
//! one row. *free*: the processor may overlap neighbouring searches, as in a loop. *batched*: `Segment::find_many`,
//! 1024 keys a call. Ratios compare like with like, except that the batched ones are over a free binary search.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use strata_engine::io::os::OsDisk;
use strata_engine::segment::{Segment, SegmentWriter, VersionRow};
use strata_engine::{FileId, Timestamp};

const ROUNDS: usize = 7;
/// Keys asked for in a round.
const ASKED: usize = 400_000;
const BATCH: usize = 1024;

/// Numbers that look random (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// `count` keys of a shape, ascending, each once.
fn keys(shape: &str, count: usize) -> Vec<u64> {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let centres: Vec<(f64, f64)> =
        (0..2000).map(|_| (random.unit() * 1e18, 10_f64.powf(7.0 + 6.0 * random.unit()))).collect();
    let mut at = 1_000_000_u64;
    let mut one = || match shape {
        "uniform" => random.next(),
        "lognormal" => ((2.0 * random.normal()).exp() * 1e12) as u64,
        // Numbers of rows of which some were deleted, a few of them in long stretches.
        "gapped" => {
            at += 1 + if random.below(4) == 0 { random.below(8) } else { 0 };
            at += if random.below(10_000) == 0 { random.below(1_000_000) } else { 0 };
            at
        }
        // Places around towns of very different sizes.
        "clustered" => {
            let (centre, width) = centres[random.below(2000) as usize];
            (centre + width * random.normal()).abs() as u64
        }
        // Microseconds of events that come in bursts with pauses between them.
        "bursty" => {
            at += if random.below(500) == 0 {
                (1e6 / (1.0 - random.unit()).powf(1.2)).min(1e11) as u64
            } else {
                1 + random.below(20)
            };
            at
        }
        // Gaps of every power of two: a line through any stretch of keys misses nearly all of them.
        "adversarial" => {
            at += 1 << random.below(40);
            at
        }
        other => panic!("no shape {other}"),
    };
    let mut keys: Vec<u64> = (0..count + count / 20).map(|_| one()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert!(keys.len() >= count, "{shape}: {} keys", keys.len());
    // Which ones are left out must not depend on their order.
    let surplus = keys.len() - count;
    let mut row = 0;
    keys.retain(|_| {
        row += 1;
        row * surplus / (count + surplus) == (row - 1) * surplus / (count + surplus)
    });
    keys
}

fn encode(key: u64) -> [u8; 9] {
    let mut bytes = [1; 9];
    bytes[1..].copy_from_slice(&key.to_be_bytes());
    bytes
}

/// Writes the keys as a segment and opens it.
fn segment(directory: &str, keys: &[u64]) -> (Arc<Segment>, f64) {
    let _ = std::fs::remove_dir_all(directory);
    let environment = OsDisk::environment(Path::new(directory)).expect("a directory");
    let mut writer = SegmentWriter::new(&environment, FileId(1), &[]);
    for (row, key) in keys.iter().enumerate() {
        let (from, to) = (Timestamp(1), Timestamp::INFINITY);
        let row = VersionRow { key: &encode(*key), birth: row as u64, from, to, values: &[] };
        writer.append(&row).expect("it takes the row");
    }
    let started = Instant::now();
    let written = writer.finish().expect("it is written");
    let took = started.elapsed().as_secs_f64();
    (Segment::open(&environment, FileId(1), Some(&written.hash)).expect("it opens"), took)
}

/// Keys to ask for, as numbers and encoded: those there, or others between them.
fn asked(keys: &[u64], hits: bool, random: &mut Random) -> (Vec<u64>, Vec<[u8; 9]>) {
    let mut numbers = Vec::with_capacity(ASKED);
    while numbers.len() < ASKED {
        let row = random.below(keys.len() as u64 - 1) as usize;
        let (key, gap) = (keys[row], keys[row + 1] - keys[row]);
        if hits {
            numbers.push(key);
        } else if gap > 1 {
            numbers.push(key + 1 + random.below(gap - 1));
        }
    }
    let encoded = numbers.iter().map(|number| encode(*number)).collect();
    (numbers, encoded)
}

/// Nanoseconds a key of one pass; `search` gets a number's position among those asked for, and answers a row.
fn time(chained: bool, mut search: impl FnMut(usize) -> usize) -> (f64, usize) {
    let started = Instant::now();
    let (mut sum, mut last) = (0_usize, 0_usize);
    for at in 0..ASKED {
        // No row is so far that its upper bit is set; the processor cannot know that.
        let at = if chained { at + (black_box(last) >> 63) } else { at };
        last = search(at);
        sum = sum.wrapping_add(last);
    }
    (started.elapsed().as_nanos() as f64 / ASKED as f64, sum)
}

const CONTENDERS: [&str; 7] = [
    "BTreeMap chained",
    "BTreeMap free",
    "binary chained",
    "binary free",
    "learned chained",
    "learned free",
    "learned batched",
];

fn pass(
    contender: usize,
    map: &BTreeMap<u64, u32>,
    keys: &[u64],
    segment: &Segment,
    asked: &(Vec<u64>, Vec<[u8; 9]>),
) -> (f64, usize) {
    let (numbers, encoded) = asked;
    let chained = contender % 2 == 0;
    match contender {
        0 | 1 => time(chained, |at| map.get(&numbers[at]).map_or(0, |row| *row as usize + 1)),
        2 | 3 => time(chained, |at| keys.binary_search(&numbers[at]).map_or(0, |row| row + 1)),
        4 | 5 => time(chained, |at| {
            let rows = segment.find(&encoded[at]).expect("no damage");
            if rows.is_empty() { 0 } else { rows.start + 1 }
        }),
        _ => {
            let started = Instant::now();
            let (mut sum, mut found) = (0_usize, Vec::new());
            let mut batch: Vec<&[u8]> = Vec::new();
            for some in encoded.chunks(BATCH) {
                batch.clear();
                found.clear();
                batch.extend(some.iter().map(|key| &key[..]));
                segment.find_many(&batch, &mut found).expect("no damage");
                sum +=
                    found.iter().map(|rows| if rows.is_empty() { 0 } else { rows.start + 1 }).sum::<usize>();
            }
            (started.elapsed().as_nanos() as f64 / ASKED as f64, sum)
        }
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn measure(shape: &str, count: usize, directory: &str) {
    let keys = keys(shape, count);
    let started = Instant::now();
    let map: BTreeMap<u64, u32> = keys.iter().zip(0..).map(|(key, row)| (*key, row)).collect();
    let map_built = started.elapsed().as_secs_f64();
    let (segment, written) = segment(directory, &keys);
    let learned = segment.learned();
    println!("{shape}: map built in {map_built:.2} s, segment written in {written:.2} s; {learned:?}");
    let mut random = Random(77);
    for hits in [true, false] {
        let mut figures = vec![Vec::new(); CONTENDERS.len()];
        for round in 0..=ROUNDS {
            let asked = asked(&keys, hits, &mut random);
            let mut sums = Vec::new();
            for turn in 0..CONTENDERS.len() {
                let contender = if round % 2 == 0 { turn } else { CONTENDERS.len() - 1 - turn };
                let (nanoseconds, sum) = pass(contender, &map, &keys, &segment, &asked);
                sums.push(sum);
                // The first round only warms up.
                if round > 0 {
                    figures[contender].push(nanoseconds);
                }
            }
            assert!(sums.iter().all(|sum| *sum == sums[0]), "the contenders disagree: {sums:?}");
        }
        let ns: Vec<f64> = figures.iter_mut().map(|figures| median(figures)).collect();
        print!("  {}", if hits { "hits  " } else { "misses" });
        for (name, ns) in CONTENDERS.iter().zip(&ns) {
            print!("  {name} {ns:.0}");
        }
        println!();
        println!(
            "          single over BTreeMap: {:.2} chained, {:.2} free; over binary search: {:.2} chained, {:.2} free; \
             batched over free binary search: {:.1}",
            ns[0] / ns[4],
            ns[1] / ns[5],
            ns[2] / ns[4],
            ns[3] / ns[5],
            ns[3] / ns[6],
        );
    }
}

fn main() {
    let mut words = std::env::args().skip(1);
    let directory = words.next().unwrap_or_else(|| "learned-data".into());
    let count = words.next().map_or(10_000_000, |word| word.parse().expect("a number of keys"));
    let shapes =
        words.next().unwrap_or_else(|| "uniform,lognormal,gapped,clustered,bursty,adversarial".into());
    for shape in shapes.split(',') {
        measure(shape, count, &directory);
    }
    let _ = std::fs::remove_dir_all(directory);
}
