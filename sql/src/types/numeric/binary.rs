//! The binary form of a numeric: digits of base 10000 with a weight, a sign and the display scale.

use crate::error::{Error, Result, SqlState};

use super::super::binary::Reader;
use super::{Coefficient, Decimal, MAXIMUM_SCALE, Numeric};

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;
const INFINITY: u16 = 0xd000;
const NEGATIVE_INFINITY: u16 = 0xf000;

impl Numeric {
    /// Appends the binary form.
    pub fn send(&self, out: &mut Vec<u8>) {
        // The last byte is what PostgreSQL's own header of an infinity reads as.
        let special = |sign: u16, scale: u8, out: &mut Vec<u8>| {
            out.extend_from_slice(&[0, 0, 0, 0]);
            out.extend_from_slice(&sign.to_be_bytes());
            out.extend_from_slice(&[0, scale]);
        };
        match self {
            Numeric::Finite(decimal) => decimal.send(out),
            Numeric::NaN => special(NAN, 0, out),
            Numeric::Infinity => special(INFINITY, 0x20, out),
            Numeric::NegativeInfinity => special(NEGATIVE_INFINITY, 0x20, out),
        }
    }

    /// Reads the binary form.
    pub fn receive(reader: &mut Reader<'_>) -> Result<Numeric> {
        let count = reader.u16()?;
        let weight = i64::from(reader.i16()?);
        let sign = reader.u16()?;
        let scale = u32::from(reader.u16()?);
        match sign {
            NAN => return Ok(Numeric::NaN),
            INFINITY => return Ok(Numeric::Infinity),
            NEGATIVE_INFINITY => return Ok(Numeric::NegativeInfinity),
            0 | NEGATIVE => {}
            _ => return Err(invalid("sign")),
        }
        if scale > MAXIMUM_SCALE {
            return Err(invalid("scale"));
        }
        let mut digits = Vec::with_capacity(usize::from(count) * 4);
        for _ in 0..count {
            let digit = reader.u16()?;
            if digit >= 10_000 {
                return Err(invalid("digit"));
            }
            super::super::digits::append_padded(u64::from(digit), 4, &mut digits);
        }
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        let coefficient = Coefficient::from_digits(&digits[leading..], sign == NEGATIVE);
        // The digits end at 10000^(weight - count + 1); the scale may cut some of them or add zeros.
        let end = (weight - i64::from(count) + 1) * 4;
        let power = end + i64::from(scale);
        let coefficient = if power >= 0 {
            if coefficient.is_zero() { coefficient } else { coefficient.times_power_of_ten(power as u32) }
        } else {
            coefficient.split_by(power.unsigned_abs() as u32).0
        };
        Numeric::checked(coefficient, scale)
    }
}

fn invalid(part: &str) -> Error {
    Error::new(SqlState::InvalidBinaryRepresentation, format!("invalid {part} in external \"numeric\" value"))
}

impl Decimal {
    fn send(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; 8]);
        let mut count: u16 = 0;
        let mut weight: i64 = 0;
        if !self.coefficient.is_zero() {
            // Digits grouped by four around the point: zeros complete the last group behind it.
            let padding = (4 - self.scale % 4) % 4;
            let aligned = self.coefficient.times_power_of_ten(padding);
            let groups_behind = i64::from((self.scale + padding) / 4);
            let groups = append_groups(&aligned, out);
            weight = groups as i64 - 1 - groups_behind;
            let mut kept = groups;
            while kept > 0 && out.ends_with(&[0, 0]) {
                out.truncate(out.len() - 2);
                kept -= 1;
            }
            count = kept as u16;
        }
        let sign = if self.coefficient.signum() < 0 { NEGATIVE } else { 0 };
        let mut head = [0; 8];
        head[..2].copy_from_slice(&count.to_be_bytes());
        head[2..4].copy_from_slice(&(weight as i16).to_be_bytes());
        head[4..6].copy_from_slice(&sign.to_be_bytes());
        head[6..].copy_from_slice(&(self.scale as u16).to_be_bytes());
        out[start..start + 8].copy_from_slice(&head);
    }
}

/// Appends the base-10000 digits of an absolute value, big-endian, and says how many there are.
fn append_groups(number: &Coefficient, out: &mut Vec<u8>) -> usize {
    let start = out.len();
    match number {
        Coefficient::Small(small) => {
            let mut rest = small.unsigned_abs();
            let mut buffer = [0u8; 22];
            let mut at = buffer.len();
            while rest > u128::from(u64::MAX) {
                at -= 2;
                buffer[at..at + 2].copy_from_slice(&((rest % 10_000) as u16).to_be_bytes());
                rest /= 10_000;
            }
            let mut rest = rest as u64;
            while rest > 0 {
                at -= 2;
                buffer[at..at + 2].copy_from_slice(&((rest % 10_000) as u16).to_be_bytes());
                rest /= 10_000;
            }
            out.extend_from_slice(&buffer[at..]);
        }
        Coefficient::Big(_) => {
            let mut digits = Vec::new();
            number.append_digits(&mut digits);
            let first = digits.len() % 4;
            let value =
                |group: &[u8]| group.iter().fold(0u16, |sum, digit| sum * 10 + u16::from(digit - b'0'));
            if first > 0 {
                out.extend_from_slice(&value(&digits[..first]).to_be_bytes());
            }
            for group in digits[first..].chunks(4) {
                out.extend_from_slice(&value(group).to_be_bytes());
            }
        }
    }
    (out.len() - start) / 2
}
