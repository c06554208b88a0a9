//! Dates, times and timestamps.
//!
//! A date counts days, a timestamp microseconds from 2000-01-01; the least and the greatest number are the
//! infinities. A time is microseconds since midnight, 24:00 included. `timetz` is stored as its microseconds (i64)
//! and its zone in seconds west of Greenwich (i32), little-endian, and four zero bytes.

/// Microseconds since midnight and seconds west of Greenwich of a stored `timetz`.
pub fn timetz_parts(bytes: &[u8; 16]) -> (i64, i32) {
    let [a, b, c, d, e, f, g, h, i, j, k, l, ..] = *bytes;
    (i64::from_le_bytes([a, b, c, d, e, f, g, h]), i32::from_le_bytes([i, j, k, l]))
}

/// The stored form of a `timetz`.
pub fn timetz_bytes(micros: i64, west: i32) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&micros.to_le_bytes());
    bytes[8..12].copy_from_slice(&west.to_le_bytes());
    bytes
}
