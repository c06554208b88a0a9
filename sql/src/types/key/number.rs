//! Keys of floats and numerics.

use super::super::numeric::Numeric;

/// NaN above everything, both zeros alike.
pub(super) fn append_float(number: f64, out: &mut Vec<u8>) {
    let bits = if number.is_nan() {
        f64::NAN.to_bits() & !(1 << 63)
    } else if number == 0.0 {
        0
    } else {
        number.to_bits()
    };
    let ordered = if bits >> 63 == 1 { !bits } else { bits ^ 1 << 63 };
    out.extend_from_slice(&ordered.to_be_bytes());
}

const NEGATIVE_INFINITY: u8 = 0x01;
const NEGATIVE: u8 = 0x02;
const ZERO: u8 = 0x03;
const POSITIVE: u8 = 0x04;
const INFINITY: u8 = 0x05;
const NAN: u8 = 0x06;

/// A class; for numbers other than zero the power of ten of the first digit (four bytes, the sign bit turned), then
/// two digits per byte as 1..=100 without trailing zeros, then a zero byte. Everything behind the class of a negative
/// number is inverted.
pub(super) fn append_numeric(number: &Numeric, out: &mut Vec<u8>) {
    let decimal = match number {
        Numeric::NaN => return out.push(NAN),
        Numeric::Infinity => return out.push(INFINITY),
        Numeric::NegativeInfinity => return out.push(NEGATIVE_INFINITY),
        Numeric::Finite(_) if number.is_zero() => return out.push(ZERO),
        Numeric::Finite(decimal) => decimal,
    };
    let negative = number.signum() < 0;
    out.push(if negative { NEGATIVE } else { POSITIVE });
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    decimal.coefficient().append_digits(out);
    let digits = out.len() - start - 4;
    let exponent = digits as i32 - 1 - decimal.scale() as i32;
    out[start..start + 4].copy_from_slice(&(exponent as u32 ^ 1 << 31).to_be_bytes());
    while out.last() == Some(&b'0') && out.len() > start + 5 {
        out.pop();
    }
    let kept = out.len() - start - 4;
    // Packs in place: the pair never stands behind what is still to be read.
    for pair in 0..kept.div_ceil(2) {
        let first = out[start + 4 + pair * 2] - b'0';
        let second = if pair * 2 + 1 < kept { out[start + 5 + pair * 2] - b'0' } else { 0 };
        out[start + 4 + pair] = first * 10 + second + 1;
    }
    out.truncate(start + 4 + kept.div_ceil(2));
    out.push(0);
    if negative {
        for byte in &mut out[start..] {
            *byte = !*byte;
        }
    }
}
