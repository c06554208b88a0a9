//! Hash functions of values, with PostgreSQL's results: applications use them (hashtext before all) to make keys of
//! advisory locks and to spread rows. The method is Bob Jenkins' lookup3.

use crate::functions::argument::scalar;
use crate::functions::comparison::text::unpadded;
use crate::functions::registry::Scalars;

/// The three words that are stirred.
struct State(u32, u32, u32);

impl State {
    fn new(length: usize) -> State {
        let start = 0x9e37_79b9u32.wrapping_add(length as u32).wrapping_add(3_923_095);
        State(start, start, start)
    }

    fn seeded(length: usize, seed: i64) -> State {
        let mut state = State::new(length);
        if seed != 0 {
            state.0 = state.0.wrapping_add((seed as u64 >> 32) as u32);
            state.1 = state.1.wrapping_add(seed as u32);
            state.mix();
        }
        state
    }

    fn mix(&mut self) {
        let State(a, b, c) = self;
        *a = a.wrapping_sub(*c) ^ c.rotate_left(4);
        *c = c.wrapping_add(*b);
        *b = b.wrapping_sub(*a) ^ a.rotate_left(6);
        *a = a.wrapping_add(*c);
        *c = c.wrapping_sub(*b) ^ b.rotate_left(8);
        *b = b.wrapping_add(*a);
        *a = a.wrapping_sub(*c) ^ c.rotate_left(16);
        *c = c.wrapping_add(*b);
        *b = b.wrapping_sub(*a) ^ a.rotate_left(19);
        *a = a.wrapping_add(*c);
        *c = c.wrapping_sub(*b) ^ b.rotate_left(4);
        *b = b.wrapping_add(*a);
    }

    fn finish(&mut self) {
        let State(a, b, c) = self;
        *c = (*c ^ *b).wrapping_sub(b.rotate_left(14));
        *a = (*a ^ *c).wrapping_sub(c.rotate_left(11));
        *b = (*b ^ *a).wrapping_sub(a.rotate_left(25));
        *c = (*c ^ *b).wrapping_sub(b.rotate_left(16));
        *a = (*a ^ *c).wrapping_sub(c.rotate_left(4));
        *b = (*b ^ *a).wrapping_sub(a.rotate_left(14));
        *c = (*c ^ *b).wrapping_sub(b.rotate_left(24));
    }

    fn feed(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(12);
        for chunk in &mut chunks {
            self.add(chunk, 0);
            self.mix();
        }
        // The lowest byte of the third word belongs to the length, so the last bytes are shifted by one there.
        self.add(chunks.remainder(), 8);
        self.finish();
    }

    /// Adds up to twelve bytes to the words, those of the third word moved up by `shift` bits.
    fn add(&mut self, bytes: &[u8], shift: u32) {
        for (at, &byte) in bytes.iter().enumerate() {
            let place = 8 * (at as u32 % 4);
            match at / 4 {
                0 => self.0 = self.0.wrapping_add(u32::from(byte) << place),
                1 => self.1 = self.1.wrapping_add(u32::from(byte) << place),
                _ => self.2 = self.2.wrapping_add(u32::from(byte) << (place + shift)),
            }
        }
    }
}

fn bytes(bytes: &[u8]) -> i32 {
    let mut state = State::new(bytes.len());
    state.feed(bytes);
    state.2 as i32
}

fn bytes_seeded(bytes: &[u8], seed: i64) -> i64 {
    let mut state = State::seeded(bytes.len(), seed);
    state.feed(bytes);
    (u64::from(state.1) << 32 | u64::from(state.2)) as i64
}

fn word(word: u32) -> i32 {
    let mut state = State::new(4);
    state.0 = state.0.wrapping_add(word);
    state.finish();
    state.2 as i32
}

fn word_seeded(word: u32, seed: i64) -> i64 {
    let mut state = State::seeded(4, seed);
    state.0 = state.0.wrapping_add(word);
    state.finish();
    (u64::from(state.1) << 32 | u64::from(state.2)) as i64
}

/// An int8 as the word that an equal int4 would be.
fn folded(value: i64) -> u32 {
    let high = (value >> 32) as u32;
    value as u32 ^ if value >= 0 { high } else { !high }
}

/// Equal floats hash alike: zero without its sign, one NaN.
fn float_bytes(value: f64) -> Option<[u8; 8]> {
    if value == 0.0 {
        return None;
    }
    Some(if value.is_nan() { f64::NAN } else { value }.to_le_bytes())
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // hashtext(text)
    (400, scalar!(|text: &str| bytes(text.as_bytes()))),
    // hashname(name)
    (455, scalar!(|text: &str| bytes(text.as_bytes()))),
    // hashbpchar(bpchar)
    (1080, scalar!(|text: &str| bytes(unpadded(text).as_bytes()))),
    // hashvarlena(internal)
    (456, scalar!(bytes, &[u8])),
    // hashint2(int2)
    (449, scalar!(|value: i16| word(i32::from(value) as u32))),
    // hashint4(int4)
    (450, scalar!(|value: i32| word(value as u32))),
    // hashint8(int8)
    (949, scalar!(|value: i64| word(folded(value)))),
    // hashoid(oid)
    (453, scalar!(word, u32)),
    // hashfloat4(float4)
    (451, scalar!(|value: f32| float_bytes(value.into()).map_or(0, |value| bytes(&value)))),
    // hashfloat8(float8)
    (452, scalar!(|value: f64| float_bytes(value).map_or(0, |value| bytes(&value)))),
    // timestamp_hash(timestamp)
    (2039, scalar!(|value: i64| word(folded(value)))),
    // time_hash(time)
    (1688, scalar!(|value: i64| word(folded(value)))),
    // uuid_hash(uuid)
    (2963, scalar!(|value: [u8; 16]| bytes(&value))),
    // hashtextextended(text,int8)
    (448, scalar!(|text: &str, seed: i64| bytes_seeded(text.as_bytes(), seed))),
    // hashint2extended(int2,int8)
    (441, scalar!(|value: i16, seed: i64| word_seeded(i32::from(value) as u32, seed))),
    // hashint4extended(int4,int8)
    (425, scalar!(|value: i32, seed: i64| word_seeded(value as u32, seed))),
    // hashint8extended(int8,int8)
    (442, scalar!(|value: i64, seed: i64| word_seeded(folded(value), seed))),
    // hashoidextended(oid,int8)
    (445, scalar!(word_seeded, u32, i64)),
    // uuid_hash_extended(uuid,int8)
    (3412, scalar!(|value: [u8; 16], seed: i64| bytes_seeded(&value, seed))),
];
