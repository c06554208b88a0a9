//! Numerics from and to integers and floats.

use num_traits::ToPrimitive;

use crate::error::{Error, Result, SqlState};

use super::super::float::{input_float4, input_float8};
use super::super::integer::out_of_range;
use super::{Coefficient, Numeric};

impl From<i64> for Numeric {
    fn from(number: i64) -> Numeric {
        Numeric::from_i64(number)
    }
}

impl Numeric {
    /// Fifteen significant digits, as the cast has it.
    pub fn from_f64(number: f64) -> Result<Numeric> {
        Numeric::from_float(number, 15)
    }

    /// Six significant digits, as the cast has it.
    pub fn from_f32(number: f32) -> Result<Numeric> {
        Numeric::from_float(f64::from(number), 6)
    }

    fn from_float(number: f64, digits: usize) -> Result<Numeric> {
        if number.is_nan() {
            return Ok(Numeric::NaN);
        }
        if number.is_infinite() {
            return Ok(if number > 0.0 { Numeric::Infinity } else { Numeric::NegativeInfinity });
        }
        let mut text = Vec::new();
        super::super::float::append_significant(number, digits, &mut text);
        Numeric::parse(&String::from_utf8_lossy(&text))
    }

    /// The nearest `double precision`; `22003` beyond its range.
    pub fn to_f64(&self) -> Result<f64> {
        match self {
            Numeric::Finite(decimal) => {
                if let (Coefficient::Small(number), 0..=22) = (&decimal.coefficient, decimal.scale) {
                    // Both sides are exact, so the quotient is the nearest.
                    if number.unsigned_abs() < 1 << 53 {
                        return Ok(*number as f64 / 10f64.powi(decimal.scale as i32));
                    }
                }
                input_float8(&self.to_string())
            }
            Numeric::Infinity => Ok(f64::INFINITY),
            Numeric::NegativeInfinity => Ok(f64::NEG_INFINITY),
            Numeric::NaN => Ok(f64::NAN),
        }
    }

    /// The nearest `real`; `22003` beyond its range.
    pub fn to_f32(&self) -> Result<f32> {
        match self {
            Numeric::Finite(_) => input_float4(&self.to_string()),
            Numeric::Infinity => Ok(f32::INFINITY),
            Numeric::NegativeInfinity => Ok(f32::NEG_INFINITY),
            Numeric::NaN => Ok(f32::NAN),
        }
    }

    /// A float near the number, infinite or zero where the number is out of range.
    pub fn to_f64_approximately(&self) -> f64 {
        match self {
            Numeric::Finite(_) => self.to_string().parse().unwrap_or(f64::NAN),
            Numeric::Infinity => f64::INFINITY,
            Numeric::NegativeInfinity => f64::NEG_INFINITY,
            Numeric::NaN => f64::NAN,
        }
    }

    /// Rounded half away from zero; `type_name` is what the errors speak of.
    fn to_integer(&self, type_name: &str) -> Result<i128> {
        let kind = match self {
            Numeric::Finite(decimal) => {
                return match decimal.coefficient.rounded_by(decimal.scale) {
                    Coefficient::Small(number) => Ok(number),
                    Coefficient::Big(_) => Err(out_of_range(type_name)),
                };
            }
            Numeric::NaN => "NaN",
            Numeric::Infinity | Numeric::NegativeInfinity => "infinity",
        };
        Err(Error::new(SqlState::FeatureNotSupported, format!("cannot convert {kind} to {type_name}")))
    }

    pub fn to_i16(&self) -> Result<i16> {
        self.to_integer("smallint")?.to_i16().ok_or_else(|| out_of_range("smallint"))
    }

    pub fn to_i32(&self) -> Result<i32> {
        self.to_integer("integer")?.to_i32().ok_or_else(|| out_of_range("integer"))
    }

    pub fn to_i64(&self) -> Result<i64> {
        self.to_integer("bigint")?.to_i64().ok_or_else(|| out_of_range("bigint"))
    }
}
