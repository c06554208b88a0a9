//! IEEE half precision: one bit of sign, five of exponent, ten of mantissa.
//!
//! Reading is arithmetic without branches, so that loops over halves become vector instructions; it is exact for every
//! finite half, and only those are stored.

/// 2^112: what the exponent of a half lacks to be that of a single.
const REBIAS: f32 = f32::from_bits(0x7780_0000);
/// The least single that rounds to infinity: halfway between the greatest half and what would follow it.
const TOO_LARGE: u32 = 0x477f_f000;
/// The least half with a leading one, 2^-14.
const LEAST_NORMAL: u32 = 0x3880_0000;

/// The bits of infinity.
pub const INFINITE: u16 = 0x7c00;

/// Any half as a number: also infinity and NaN, which a client may send.
pub fn widened(bits: u16) -> f32 {
    match (bits & INFINITE, bits & 0x3ff) {
        (INFINITE, 0) => f32::INFINITY,
        (INFINITE, _) => f32::NAN,
        _ => load(bits.to_le_bytes()),
    }
}

/// The number that the stored bytes of a half are.
#[inline(always)]
pub fn load(bytes: [u8; 2]) -> f32 {
    let bits = u32::from(u16::from_le_bytes(bytes));
    let magnitude = f32::from_bits((bits & 0x7fff) << 13) * REBIAS;
    f32::from_bits(magnitude.to_bits() | (bits & 0x8000) << 16)
}

/// The nearest half of a number, ties to even; infinity where it is too large.
pub fn from_single(number: f32) -> u16 {
    let bits = number.to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    if number.is_nan() {
        return sign | 0x7e00;
    }
    if magnitude >= TOO_LARGE {
        return sign | INFINITE;
    }
    if magnitude < LEAST_NORMAL {
        // In units of the least half, 2^-24: the multiplication is exact.
        let units = f32::from_bits(magnitude) * 16_777_216.0;
        return sign | units.round_ties_even() as u16;
    }
    let rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    sign | ((rounded - 0x3800_0000) >> 13) as u16
}
