//! random() and setseed(): xoroshiro128** as in PostgreSQL, so that a seed gives the same numbers here as there.
//!
//! A session that has set a seed has a state of its own, kept by its process number until [`forget`]; all others draw
//! from a generator of their thread, seeded by the operating system.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::argument::contextual;
use crate::functions::registry::Scalars;

/// The state of the generator; never all zero.
#[derive(Clone, Copy)]
struct Generator(u64, u64);

impl Generator {
    fn seeded(mut seed: u64) -> Generator {
        let first = scramble(&mut seed);
        let second = scramble(&mut seed);
        if first == 0 && second == 0 {
            Generator(0x5851_F42D_4C95_7F2D, 0x1405_7B7E_F767_814F)
        } else {
            Generator(first, second)
        }
    }

    fn next(&mut self) -> u64 {
        let (first, mixed) = (self.0, self.1 ^ self.0);
        let value = first.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        self.0 = first.rotate_left(24) ^ mixed ^ (mixed << 16);
        self.1 = mixed.rotate_left(37);
        value
    }

    /// 52 bits in [0, 1).
    fn fraction(&mut self) -> f64 {
        (self.next() >> 12) as f64 / (1u64 << 52) as f64
    }
}

/// splitmix64: a seed into well mixed bits.
fn scramble(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut value = *seed;
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

static SEEDED: Mutex<Option<HashMap<i32, Generator>>> = Mutex::new(None);
/// How many sessions have set a seed: mostly none, and then nobody takes the lock.
static SEEDED_SESSIONS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static UNSEEDED: Cell<Option<Generator>> = const { Cell::new(None) };
}

fn from_system() -> Result<Generator> {
    let seed = getrandom::u64()
        .map_err(|_| Error::new(SqlState::InternalError, "could not generate random values"))?;
    Ok(Generator::seeded(seed))
}

fn random(context: &Context) -> Result<f64> {
    if SEEDED_SESSIONS.load(Ordering::Relaxed) > 0 {
        let mut seeded = SEEDED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let session = context.environment.backend_pid();
        if let Some(generator) = seeded.as_mut().and_then(|sessions| sessions.get_mut(&session)) {
            return Ok(generator.fraction());
        }
    }
    UNSEEDED.with(|cell| {
        let mut generator = cell.get().map_or_else(from_system, Ok)?;
        let value = generator.fraction();
        cell.set(Some(generator));
        Ok(value)
    })
}

fn set_seed(context: &Context, seed: f64) -> Result<&'static str> {
    if !(-1.0..=1.0).contains(&seed) {
        return Err(Error::new(
            SqlState::InvalidParameterValue,
            format!("setseed parameter {seed} is out of allowed range [-1,1]"),
        ));
    }
    let state = (((1u64 << 52) - 1) as f64 * seed) as i64 as u64;
    let mut seeded = SEEDED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let sessions = seeded.get_or_insert_default();
    sessions.insert(context.environment.backend_pid(), Generator::seeded(state));
    SEEDED_SESSIONS.store(sessions.len(), Ordering::Relaxed);
    // The result is void, which prints as nothing.
    Ok("")
}

/// Drops the seed of a session that ends.
pub(in crate::functions) fn forget(session: i32) {
    if SEEDED_SESSIONS.load(Ordering::Relaxed) == 0 {
        return;
    }
    let mut seeded = SEEDED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(sessions) = seeded.as_mut() {
        sessions.remove(&session);
        SEEDED_SESSIONS.store(sessions.len(), Ordering::Relaxed);
    }
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // random()
    (1598, contextual!(random)),
    // setseed(float8)
    (1599, contextual!(set_seed, f64)),
];
