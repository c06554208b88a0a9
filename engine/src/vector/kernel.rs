//! Sums over pairs of numbers: the loops that every distance comes down to.
//!
//! Written so that the compiler makes vector instructions of them: thirty-two sums side by side, no branches, no order
//! between the sums but the fixed one at the end, so that the same numbers always give the same distance. The workspace
//! is compiled for x86-64-v3, which has what they need; on other machines the same code is only slower.

/// Sums side by side.
const LANES: usize = 32;

/// A number read from the bytes of a value.
pub(super) trait Number<const BYTES: usize> {
    fn read(bytes: [u8; BYTES]) -> f32;
}

/// Single precision.
pub(super) struct Single;

impl Number<4> for Single {
    #[inline(always)]
    fn read(bytes: [u8; 4]) -> f32 {
        f32::from_le_bytes(bytes)
    }
}

/// Half precision.
pub(super) struct Half;

impl Number<2> for Half {
    #[inline(always)]
    fn read(bytes: [u8; 2]) -> f32 {
        let half = u32::from(u16::from_le_bytes(bytes));
        let magnitude = (half & 0x7FFF) << 13;
        // Rebased by a multiplication, which makes subnormal numbers right, too; what has the greatest exponent stays
        // infinite, or not a number.
        let rebased = (f32::from_bits(magnitude) * f32::from_bits(0x7780_0000)).to_bits();
        let endless = if magnitude >= 0x0F80_0000 { 0x7F80_0000 } else { 0 };
        f32::from_bits(rebased | endless | (half & 0x8000) << 16)
    }
}

/// A step of a sum: `(sum, of the query, of the value)`.
pub(super) trait Step {
    fn step(sum: f32, query: f32, value: f32) -> f32;
}

/// Squared differences.
pub(super) struct Squares;

impl Step for Squares {
    #[inline(always)]
    fn step(sum: f32, query: f32, value: f32) -> f32 {
        let difference = query - value;
        difference.mul_add(difference, sum)
    }
}

/// Products.
pub(super) struct Products;

impl Step for Products {
    #[inline(always)]
    fn step(sum: f32, query: f32, value: f32) -> f32 {
        query.mul_add(value, sum)
    }
}

/// Squares of the value alone.
pub(super) struct Norms;

impl Step for Norms {
    #[inline(always)]
    fn step(sum: f32, _: f32, value: f32) -> f32 {
        value.mul_add(value, sum)
    }
}

/// Absolute differences.
pub(super) struct Absolutes;

impl Step for Absolutes {
    #[inline(always)]
    fn step(sum: f32, query: f32, value: f32) -> f32 {
        sum + (query - value).abs()
    }
}

/// Sums over the numbers of a query and of a value; the shorter one ends it.
#[inline]
pub(super) fn sum<N: Number<BYTES>, const BYTES: usize, S: Step>(query: &[f32], value: &[u8]) -> f32 {
    let (numbers, _) = value.as_chunks::<BYTES>();
    let (queries, query_rest) = query.as_chunks::<LANES>();
    let (values, value_rest) = numbers.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (query, value) in queries.iter().zip(values) {
        for ((lane, query), value) in lanes.iter_mut().zip(query).zip(value) {
            *lane = S::step(*lane, *query, N::read(*value));
        }
    }
    let mut total = fold(lanes);
    for (query, value) in query_rest.iter().zip(value_rest) {
        total = S::step(total, *query, N::read(*value));
    }
    total
}

/// As [`sum`] over codes of one byte, each with an offset and a scale of its dimension: `offset + scale * code`. For
/// differences the caller takes the offset from the query beforehand, for products the scale to it.
#[inline]
pub(super) fn sum_codes<S: CodeStep>(query: &[f32], scales: &[f32], codes: &[u8]) -> f32 {
    let (queries, query_rest) = query.as_chunks::<LANES>();
    let (steps, scale_rest) = scales.as_chunks::<LANES>();
    let (values, code_rest) = codes.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for ((query, scale), code) in queries.iter().zip(steps).zip(values) {
        for (((lane, query), scale), code) in lanes.iter_mut().zip(query).zip(scale).zip(code) {
            *lane = S::step(*lane, *query, *scale, f32::from(*code));
        }
    }
    let mut total = fold(lanes);
    for ((query, scale), code) in query_rest.iter().zip(scale_rest).zip(code_rest) {
        total = S::step(total, *query, *scale, f32::from(*code));
    }
    total
}

/// A step of a sum over codes: `(sum, of the query, scale, code)`.
pub(super) trait CodeStep {
    fn step(sum: f32, query: f32, scale: f32, code: f32) -> f32;
}

impl CodeStep for Squares {
    #[inline(always)]
    fn step(sum: f32, query: f32, scale: f32, code: f32) -> f32 {
        let difference = scale.mul_add(code, -query);
        difference.mul_add(difference, sum)
    }
}

impl CodeStep for Products {
    #[inline(always)]
    fn step(sum: f32, query: f32, _: f32, code: f32) -> f32 {
        query.mul_add(code, sum)
    }
}

impl CodeStep for Absolutes {
    #[inline(always)]
    fn step(sum: f32, query: f32, scale: f32, code: f32) -> f32 {
        sum + scale.mul_add(code, -query).abs()
    }
}

/// The sum of the lanes, in an order that does not depend on their number.
#[inline(always)]
fn fold(lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    let mut lanes = lanes;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_read_as_the_numbers_they_are() {
        for (bits, number) in [
            (0x0000_u16, 0.0_f32),
            (0x8000, -0.0),
            (0x0001, 5.960_464_5e-8),
            (0x03FF, 6.097_555e-5),
            (0x0400, 6.103_515_6e-5),
            (0x3555, 0.333_251_95),
            (0x3C00, 1.0),
            (0xC000, -2.0),
            (0x7BFF, 65504.0),
            (0x7C00, f32::INFINITY),
            (0xFC00, f32::NEG_INFINITY),
        ] {
            assert_eq!(Half::read(bits.to_le_bytes()).to_bits(), number.to_bits(), "{bits:#x}");
        }
        assert!(Half::read(0x7E00_u16.to_le_bytes()).is_nan());
    }

    #[test]
    fn sums_are_right_for_every_length() {
        for length in 0..100_usize {
            let query: Vec<f32> = (0..length).map(|place| place as f32 - 7.0).collect();
            let value: Vec<u8> = (0..length).flat_map(|place| (3.0 - place as f32).to_le_bytes()).collect();
            let codes: Vec<u8> = (0..length).map(|place| place as u8).collect();
            let scales = vec![2.0; length];
            let places =
                || (0..length).map(|place| (place as f32 - 7.0, 3.0 - place as f32, 2.0 * place as f32));
            let squares: f32 = places().map(|(query, value, _)| (query - value) * (query - value)).sum();
            let products: f32 = places().map(|(query, value, _)| query * value).sum();
            let absolutes: f32 = places().map(|(query, value, _)| (query - value).abs()).sum();
            let norms: f32 = places().map(|(_, value, _)| value * value).sum();
            assert_eq!(sum::<Single, 4, Squares>(&query, &value), squares);
            assert_eq!(sum::<Single, 4, Products>(&query, &value), products);
            assert_eq!(sum::<Single, 4, Absolutes>(&query, &value), absolutes);
            assert_eq!(sum::<Single, 4, Norms>(&query, &value), norms);
            let coded: f32 = places().map(|(query, _, code)| (query - code) * (query - code)).sum();
            assert_eq!(sum_codes::<Squares>(&query, &scales, &codes), coded);
            let coded: f32 = places().map(|(query, _, code)| (query - code).abs()).sum();
            assert_eq!(sum_codes::<Absolutes>(&query, &scales, &codes), coded);
        }
    }
}
