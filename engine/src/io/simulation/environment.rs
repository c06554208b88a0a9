//! The simulated clock and randomness, and all three together.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use super::SimulatedDisk;
use crate::io::{Clock, Environment, Random};

/// A clock that moves a little whenever it is read, and as a test wishes.
#[derive(Debug)]
pub struct SimulatedClock {
    wall: AtomicI64,
    steady: AtomicU64,
}

impl SimulatedClock {
    /// A clock that stands at `micros` since 2000-01-01.
    pub fn new(micros: i64) -> SimulatedClock {
        SimulatedClock { wall: AtomicI64::new(micros), steady: AtomicU64::new(0) }
    }

    /// Lets time pass.
    pub fn advance(&self, micros: u64) {
        self.wall.fetch_add(i64::try_from(micros).unwrap_or(i64::MAX), Ordering::SeqCst);
        self.steady.fetch_add(micros, Ordering::SeqCst);
    }

    /// Sets the wall clock, backwards too.
    pub fn set(&self, micros: i64) {
        self.wall.store(micros, Ordering::SeqCst);
    }
}

impl Clock for SimulatedClock {
    fn now_micros(&self) -> i64 {
        self.wall.fetch_add(1, Ordering::SeqCst)
    }

    fn steady_micros(&self) -> u64 {
        self.steady.fetch_add(1, Ordering::SeqCst)
    }
}

/// Pseudo-random numbers of a seed (splitmix64).
#[derive(Debug)]
pub struct SimulatedRandom {
    state: AtomicU64,
}

impl SimulatedRandom {
    pub fn new(seed: u64) -> SimulatedRandom {
        SimulatedRandom { state: AtomicU64::new(seed) }
    }

    /// A number below `bound`; zero if there is none.
    pub fn below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next_u64() % bound }
    }

    /// True once in `odds` times.
    pub fn once_in(&self, odds: u64) -> bool {
        self.below(odds) == 0
    }
}

impl Random for SimulatedRandom {
    fn next_u64(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let state = self.state.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// A disk and an environment of one seed. The clock starts in 2026.
pub fn environment(seed: u64) -> (Arc<SimulatedDisk>, Arc<SimulatedClock>, Environment) {
    const START: i64 = 830_000_000_000_000;
    let disk = SimulatedDisk::new(seed);
    let clock = Arc::new(SimulatedClock::new(START));
    let environment = Environment {
        disk: disk.clone(),
        clock: clock.clone(),
        random: Arc::new(SimulatedRandom::new(seed ^ 0xA5A5_A5A5)),
    };
    (disk, clock, environment)
}
