//! Integer arithmetic: checked, `22003` on overflow with the type's name, `22012` on division by zero. Bit operators.

use num_traits::{CheckedAdd, CheckedMul, CheckedSub, PrimInt, Signed};

use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;

/// An SQL integer type.
pub(in crate::functions) trait Integer:
    PrimInt + Signed + CheckedAdd + CheckedSub + CheckedMul
{
    /// Its name in messages.
    const NAME: &'static str;
}

impl Integer for i16 {
    const NAME: &'static str = "smallint";
}

impl Integer for i32 {
    const NAME: &'static str = "integer";
}

impl Integer for i64 {
    const NAME: &'static str = "bigint";
}

#[cold]
pub(in crate::functions) fn out_of_range<T: Integer>() -> Error {
    Error::new(SqlState::NumericValueOutOfRange, format!("{} out of range", T::NAME))
}

#[cold]
pub(in crate::functions) fn division_by_zero() -> Error {
    Error::new(SqlState::DivisionByZero, "division by zero")
}

pub(in crate::functions) fn add<T: Integer>(a: T, b: T) -> Result<T> {
    a.checked_add(&b).ok_or_else(out_of_range::<T>)
}

pub(in crate::functions) fn subtract<T: Integer>(a: T, b: T) -> Result<T> {
    a.checked_sub(&b).ok_or_else(out_of_range::<T>)
}

pub(in crate::functions) fn multiply<T: Integer>(a: T, b: T) -> Result<T> {
    a.checked_mul(&b).ok_or_else(out_of_range::<T>)
}

fn divide<T: Integer>(a: T, b: T) -> Result<T> {
    match integer_quotient(a, b) {
        (quotient, false) => Ok(quotient),
        (_, true) => Err(quotient_error(a, b)),
    }
}

/// The quotient, and whether there is none.
pub(in crate::functions) fn integer_quotient<T: Integer>(a: T, b: T) -> (T, bool) {
    if b.is_zero() || (b == -T::one() && a == T::min_value()) { (T::zero(), true) } else { (a / b, false) }
}

/// Why there is no quotient.
#[cold]
pub(in crate::functions) fn quotient_error<T: Integer>(_a: T, b: T) -> Error {
    if b.is_zero() { division_by_zero() } else { out_of_range::<T>() }
}

fn remainder<T: Integer>(a: T, b: T) -> Result<T> {
    if b.is_zero() {
        return Err(division_by_zero());
    }
    // The smallest integer modulo -1 overflows in hardware, though the answer is 0.
    Ok(if b == -T::one() { T::zero() } else { a % b })
}

/// Euclid over the negative halves, which hold every magnitude; only gcd(min, 0) and gcd(min, min) have no answer.
fn greatest_common_divisor<T: Integer>(a: T, b: T) -> Result<T> {
    let negative = |x: T| if x > T::zero() { -x } else { x };
    let (mut x, mut y) = (negative(a), negative(b));
    while !y.is_zero() {
        let rest = if y == -T::one() { T::zero() } else { x % y };
        (x, y) = (y, rest);
    }
    T::zero().checked_sub(&x).ok_or_else(out_of_range::<T>)
}

fn least_common_multiple<T: Integer>(a: T, b: T) -> Result<T> {
    if a.is_zero() || b.is_zero() {
        return Ok(T::zero());
    }
    let divisor = greatest_common_divisor(a, b)?;
    let product = multiply(a / divisor, b)?;
    if product == T::min_value() { Err(out_of_range::<T>()) } else { Ok(product.abs()) }
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // int2pl(int2,int2)
    (176, scalar!(|a: i16, b: i16| add(a, b))),
    // int2mi(int2,int2)
    (180, scalar!(|a: i16, b: i16| subtract(a, b))),
    // int2mul(int2,int2)
    (152, scalar!(|a: i16, b: i16| multiply(a, b))),
    // int2div(int2,int2)
    (153, scalar!(|a: i16, b: i16| divide(a, b))),
    // int24pl(int2,int4)
    (178, scalar!(|a: i16, b: i32| add(i32::from(a), b))),
    // int24mi(int2,int4)
    (182, scalar!(|a: i16, b: i32| subtract(i32::from(a), b))),
    // int24mul(int2,int4)
    (170, scalar!(|a: i16, b: i32| multiply(i32::from(a), b))),
    // int24div(int2,int4)
    (172, scalar!(|a: i16, b: i32| divide(i32::from(a), b))),
    // int28pl(int2,int8)
    (841, scalar!(|a: i16, b: i64| add(i64::from(a), b))),
    // int28mi(int2,int8)
    (942, scalar!(|a: i16, b: i64| subtract(i64::from(a), b))),
    // int28mul(int2,int8)
    (943, scalar!(|a: i16, b: i64| multiply(i64::from(a), b))),
    // int28div(int2,int8)
    (948, scalar!(|a: i16, b: i64| divide(i64::from(a), b))),
    // int2mod(int2,int2)
    (155, scalar!(|a: i16, b: i16| remainder(a, b))),
    // mod(int2,int2)
    (940, scalar!(|a: i16, b: i16| remainder(a, b))),
    // int2um(int2)
    (213, scalar!(|a: i16| a.checked_neg().ok_or_else(out_of_range::<i16>))),
    // int2up(int2)
    (1911, scalar!(|a: i16| a)),
    // int2abs(int2)
    (1253, scalar!(|a: i16| a.checked_abs().ok_or_else(out_of_range::<i16>))),
    // abs(int2)
    (1398, scalar!(|a: i16| a.checked_abs().ok_or_else(out_of_range::<i16>))),
    // int2and(int2,int2)
    (1892, scalar!(|a: i16, b: i16| a & b)),
    // int2or(int2,int2)
    (1893, scalar!(|a: i16, b: i16| a | b)),
    // int2xor(int2,int2)
    (1894, scalar!(|a: i16, b: i16| a ^ b)),
    // int2not(int2)
    (1895, scalar!(|a: i16| !a)),
    // int2shl(int2,int4)
    (1896, scalar!(|a: i16, b: i32| i32::from(a).wrapping_shl(b as u32) as i16)),
    // int2shr(int2,int4)
    (1897, scalar!(|a: i16, b: i32| i32::from(a).wrapping_shr(b as u32) as i16)),
    // int42pl(int4,int2)
    (179, scalar!(|a: i32, b: i16| add(a, i32::from(b)))),
    // int42mi(int4,int2)
    (183, scalar!(|a: i32, b: i16| subtract(a, i32::from(b)))),
    // int42mul(int4,int2)
    (171, scalar!(|a: i32, b: i16| multiply(a, i32::from(b)))),
    // int42div(int4,int2)
    (173, scalar!(|a: i32, b: i16| divide(a, i32::from(b)))),
    // int4pl(int4,int4)
    (177, scalar!(|a: i32, b: i32| add(a, b))),
    // int4mi(int4,int4)
    (181, scalar!(|a: i32, b: i32| subtract(a, b))),
    // int4mul(int4,int4)
    (141, scalar!(|a: i32, b: i32| multiply(a, b))),
    // int4div(int4,int4)
    (154, scalar!(|a: i32, b: i32| divide(a, b))),
    // int48pl(int4,int8)
    (1278, scalar!(|a: i32, b: i64| add(i64::from(a), b))),
    // int48mi(int4,int8)
    (1279, scalar!(|a: i32, b: i64| subtract(i64::from(a), b))),
    // int48mul(int4,int8)
    (1280, scalar!(|a: i32, b: i64| multiply(i64::from(a), b))),
    // int48div(int4,int8)
    (1281, scalar!(|a: i32, b: i64| divide(i64::from(a), b))),
    // int4mod(int4,int4)
    (156, scalar!(|a: i32, b: i32| remainder(a, b))),
    // mod(int4,int4)
    (941, scalar!(|a: i32, b: i32| remainder(a, b))),
    // int4um(int4)
    (212, scalar!(|a: i32| a.checked_neg().ok_or_else(out_of_range::<i32>))),
    // int4up(int4)
    (1912, scalar!(|a: i32| a)),
    // int4abs(int4)
    (1251, scalar!(|a: i32| a.checked_abs().ok_or_else(out_of_range::<i32>))),
    // abs(int4)
    (1397, scalar!(|a: i32| a.checked_abs().ok_or_else(out_of_range::<i32>))),
    // int4and(int4,int4)
    (1898, scalar!(|a: i32, b: i32| a & b)),
    // int4or(int4,int4)
    (1899, scalar!(|a: i32, b: i32| a | b)),
    // int4xor(int4,int4)
    (1900, scalar!(|a: i32, b: i32| a ^ b)),
    // int4not(int4)
    (1901, scalar!(|a: i32| !a)),
    // int4shl(int4,int4)
    (1902, scalar!(|a: i32, b: i32| a.wrapping_shl(b as u32))),
    // int4shr(int4,int4)
    (1903, scalar!(|a: i32, b: i32| a.wrapping_shr(b as u32))),
    // int82pl(int8,int2)
    (837, scalar!(|a: i64, b: i16| add(a, i64::from(b)))),
    // int82mi(int8,int2)
    (838, scalar!(|a: i64, b: i16| subtract(a, i64::from(b)))),
    // int82mul(int8,int2)
    (839, scalar!(|a: i64, b: i16| multiply(a, i64::from(b)))),
    // int82div(int8,int2)
    (840, scalar!(|a: i64, b: i16| divide(a, i64::from(b)))),
    // int84pl(int8,int4)
    (1274, scalar!(|a: i64, b: i32| add(a, i64::from(b)))),
    // int84mi(int8,int4)
    (1275, scalar!(|a: i64, b: i32| subtract(a, i64::from(b)))),
    // int84mul(int8,int4)
    (1276, scalar!(|a: i64, b: i32| multiply(a, i64::from(b)))),
    // int84div(int8,int4)
    (1277, scalar!(|a: i64, b: i32| divide(a, i64::from(b)))),
    // int8pl(int8,int8)
    (463, scalar!(|a: i64, b: i64| add(a, b))),
    // int8mi(int8,int8)
    (464, scalar!(|a: i64, b: i64| subtract(a, b))),
    // int8mul(int8,int8)
    (465, scalar!(|a: i64, b: i64| multiply(a, b))),
    // int8div(int8,int8)
    (466, scalar!(|a: i64, b: i64| divide(a, b))),
    // int8mod(int8,int8)
    (945, scalar!(|a: i64, b: i64| remainder(a, b))),
    // mod(int8,int8)
    (947, scalar!(|a: i64, b: i64| remainder(a, b))),
    // int8um(int8)
    (462, scalar!(|a: i64| a.checked_neg().ok_or_else(out_of_range::<i64>))),
    // int8up(int8)
    (1910, scalar!(|a: i64| a)),
    // int8abs(int8)
    (1230, scalar!(|a: i64| a.checked_abs().ok_or_else(out_of_range::<i64>))),
    // abs(int8)
    (1396, scalar!(|a: i64| a.checked_abs().ok_or_else(out_of_range::<i64>))),
    // int8and(int8,int8)
    (1904, scalar!(|a: i64, b: i64| a & b)),
    // int8or(int8,int8)
    (1905, scalar!(|a: i64, b: i64| a | b)),
    // int8xor(int8,int8)
    (1906, scalar!(|a: i64, b: i64| a ^ b)),
    // int8not(int8)
    (1907, scalar!(|a: i64| !a)),
    // int8shl(int8,int4)
    (1908, scalar!(|a: i64, b: i32| a.wrapping_shl(b as u32))),
    // int8shr(int8,int4)
    (1909, scalar!(|a: i64, b: i32| a.wrapping_shr(b as u32))),
    // int4inc(int4)
    (766, scalar!(|a: i32| add(a, 1))),
    // int8inc(int8)
    (1219, scalar!(|a: i64| add(a, 1))),
    // int8dec(int8)
    (3546, scalar!(|a: i64| subtract(a, 1))),
    // gcd(int4,int4)
    (5044, scalar!(|a: i32, b: i32| greatest_common_divisor(a, b))),
    // lcm(int4,int4)
    (5046, scalar!(|a: i32, b: i32| least_common_multiple(a, b))),
    // gcd(int8,int8)
    (5045, scalar!(|a: i64, b: i64| greatest_common_divisor(a, b))),
    // lcm(int8,int8)
    (5047, scalar!(|a: i64, b: i64| least_common_multiple(a, b))),
];
