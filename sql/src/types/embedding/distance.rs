//! Distances between stored vectors.
//!
//! Sums are kept in single precision in several lanes, which the compiler turns into vector instructions; the last bits
//! may differ from pgvector's, as pgvector's do from one processor to another. Both vectors have the same number of
//! dimensions: the callers check it, and elements beyond the shorter are left out.

use super::{Element, half};

/// Sums kept apart: two registers of eight.
const LANES: usize = 16;

/// `x * y + sum`, in one instruction where the processor is known to have it.
#[inline(always)]
fn fused(x: f32, y: f32, sum: f32) -> f32 {
    if cfg!(target_feature = "fma") { x.mul_add(y, sum) } else { x * y + sum }
}

/// One sum over the pairs of elements.
#[inline(always)]
fn fold<const WIDTH: usize>(
    a: &[[u8; WIDTH]],
    b: &[[u8; WIDTH]],
    load: impl Fn([u8; WIDTH]) -> f32,
    step: impl Fn(f32, f32, f32) -> f32,
) -> f32 {
    let mut sums = [0.0; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] = step(sums[lane], load(x[lane]), load(y[lane]));
        }
    }
    let mut total = sums.iter().sum();
    for (x, y) in a_rest.iter().zip(b_rest) {
        total = step(total, load(*x), load(*y));
    }
    total
}

/// One sum over the pairs of elements of stored vectors.
macro_rules! over {
    ($element:expr, $a:expr, $b:expr, $step:expr) => {
        match $element {
            Element::Single => fold($a.as_chunks::<4>().0, $b.as_chunks::<4>().0, f32::from_le_bytes, $step),
            Element::Half => fold($a.as_chunks::<2>().0, $b.as_chunks::<2>().0, half::load, $step),
        }
    };
}

/// The square of the Euclidean distance.
pub fn l2_squared(element: Element, a: &[u8], b: &[u8]) -> f64 {
    let step = |sum: f32, x: f32, y: f32| fused(x - y, x - y, sum);
    f64::from(over!(element, a, b, step))
}

/// The Euclidean distance.
pub fn l2(element: Element, a: &[u8], b: &[u8]) -> f64 {
    l2_squared(element, a, b).sqrt()
}

fn product(element: Element, a: &[u8], b: &[u8]) -> f32 {
    over!(element, a, b, |sum: f32, x: f32, y: f32| fused(x, y, sum))
}

/// The inner product.
pub fn inner_product(element: Element, a: &[u8], b: &[u8]) -> f64 {
    f64::from(product(element, a, b))
}

/// The inner product with its sign turned, so that the nearest is the least.
pub fn negative_inner_product(element: Element, a: &[u8], b: &[u8]) -> f64 {
    f64::from(-product(element, a, b))
}

/// The taxicab distance.
pub fn l1(element: Element, a: &[u8], b: &[u8]) -> f64 {
    f64::from(over!(element, a, b, |sum: f32, x: f32, y: f32| sum + (x - y).abs()))
}

/// One minus the cosine of the angle; NaN where one vector is zero.
pub fn cosine(element: Element, a: &[u8], b: &[u8]) -> f64 {
    cosine_of(product(element, a, b), product(element, a, a), product(element, b, b))
}

/// The cosine distance of an inner product and the squares of both norms.
fn cosine_of(product: f32, square_a: f32, square_b: f32) -> f64 {
    let similarity = f64::from(product) / (f64::from(square_a) * f64::from(square_b)).sqrt();
    // Comparisons keep NaN, which clamp would too, but a similarity above 1 is an artefact of rounding.
    1.0 - similarity.clamp(-1.0, 1.0)
}

/// The angle between unit vectors, as a share of a half turn.
pub fn spherical(element: Element, a: &[u8], b: &[u8]) -> f64 {
    inner_product(element, a, b).clamp(-1.0, 1.0).acos() / std::f64::consts::PI
}

/// The Euclidean norm, in double precision throughout.
pub fn norm(element: Element, a: &[u8]) -> f64 {
    element.read(a).iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt()
}

/// The distances that operators stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    L2,
    NegativeInnerProduct,
    Cosine,
    L1,
}

impl Metric {
    /// The distance between two stored vectors.
    pub fn between(self, element: Element, a: &[u8], b: &[u8]) -> f64 {
        match self {
            Metric::L2 => l2(element, a, b),
            Metric::NegativeInnerProduct => negative_inner_product(element, a, b),
            Metric::Cosine => cosine(element, a, b),
            Metric::L1 => l1(element, a, b),
        }
    }
}

/// Distances of many vectors from one: what concerns the one alone is computed once.
pub struct Distances<'a> {
    metric: Metric,
    element: Element,
    from: &'a [u8],
    /// The square of its norm, for cosine distances.
    square: f32,
}

impl<'a> Distances<'a> {
    pub fn new(metric: Metric, element: Element, from: &'a [u8]) -> Distances<'a> {
        let square = if metric == Metric::Cosine { product(element, from, from) } else { 0.0 };
        Distances { metric, element, from, square }
    }

    /// The distance of a vector, the same as [`Metric::between`] gives.
    pub fn to(&self, other: &[u8]) -> f64 {
        match self.metric {
            Metric::Cosine => {
                let square = product(self.element, other, other);
                cosine_of(product(self.element, self.from, other), self.square, square)
            }
            Metric::L2 | Metric::NegativeInnerProduct | Metric::L1 => {
                self.metric.between(self.element, self.from, other)
            }
        }
    }
}
