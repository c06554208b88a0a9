//! Distances between a query and the bytes of a value.
//!
//! Inside a search a *cost* stands for a distance: a number of the same order that is cheaper to compute (the square of
//! a Euclidean distance). What an answer shows is the distance.

use super::kernel::{Absolutes, Half, Norms, Products, Single, Squares, Step, sum};
use super::{Element, Metric};

/// The distance of a value from a query; `None` if the value has another number of elements. Under the cosine the
/// distance of a vector without direction is not a number.
///
/// What a search answers is exactly this.
pub fn distance(metric: Metric, element: Element, query: &[f32], value: &[u8]) -> Option<f64> {
    if value.len() != query.len() * element.bytes() {
        return None;
    }
    let measure = Measure::new(metric, element, query);
    Some(measure.distance(measure.raw_cost(value)))
}

/// A query, prepared.
#[derive(Clone, Copy)]
pub(crate) struct Measure<'q> {
    pub metric: Metric,
    pub element: Element,
    pub query: &'q [f32],
    /// The squared length of the query; under the cosine alone.
    norm: f32,
}

impl<'q> Measure<'q> {
    pub fn new(metric: Metric, element: Element, query: &'q [f32]) -> Measure<'q> {
        let norm = match metric {
            Metric::Cosine => squared_length(query),
            Metric::L2 | Metric::InnerProduct | Metric::L1 => 0.0,
        };
        Measure { metric, element, query, norm }
    }

    /// Whether some value is nearer than another.
    pub fn has_direction(&self) -> bool {
        self.metric != Metric::Cosine || self.norm > 0.0
    }

    #[inline]
    fn sum<S: Step>(&self, value: &[u8]) -> f32 {
        match self.element {
            Element::F32 => sum::<Single, 4, S>(self.query, value),
            Element::F16 => sum::<Half, 2, S>(self.query, value),
        }
    }

    /// The cost of a value; `None` if no index holds it.
    #[inline]
    pub fn cost(&self, value: &[u8]) -> Option<f64> {
        if value.len() != self.query.len() * self.element.bytes() {
            return None;
        }
        let cost = self.raw_cost(value);
        // Only a value without direction makes it not a number, or a query without one.
        (!cost.is_nan() || !self.has_direction() && self.sum::<Norms>(value) > 0.0).then_some(cost)
    }

    #[inline]
    fn raw_cost(&self, value: &[u8]) -> f64 {
        match self.metric {
            Metric::L2 => f64::from(self.sum::<Squares>(value)),
            Metric::InnerProduct => -f64::from(self.sum::<Products>(value)),
            Metric::L1 => f64::from(self.sum::<Absolutes>(value)),
            Metric::Cosine => {
                let norms = f64::from(self.norm) * f64::from(self.sum::<Norms>(value));
                let cosine = f64::from(self.sum::<Products>(value)) / norms.sqrt();
                // Rounding may lead a little too far.
                1.0 - if cosine.is_nan() { cosine } else { cosine.clamp(-1.0, 1.0) }
            }
        }
    }

    /// The distance that a cost stands for.
    pub fn distance(&self, cost: f64) -> f64 {
        match self.metric {
            Metric::L2 => cost.sqrt(),
            Metric::InnerProduct | Metric::Cosine | Metric::L1 => cost,
        }
    }
}

/// The square of the length of a vector.
pub(crate) fn squared_length(vector: &[f32]) -> f32 {
    let (chunks, rest) = vector.as_chunks::<8>();
    let mut lanes = [0.0_f32; 8];
    for chunk in chunks {
        for (lane, number) in lanes.iter_mut().zip(chunk) {
            *lane = number.mul_add(*number, *lane);
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|number| number * number).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(numbers: &[f32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    #[test]
    fn distances_are_those_of_the_operators() {
        let of = |metric, query: &[f32], value: &[f32]| distance(metric, Element::F32, query, &bytes(value));
        assert_eq!(of(Metric::L2, &[0.0, 0.0], &[3.0, 4.0]), Some(5.0));
        assert_eq!(of(Metric::InnerProduct, &[1.0, 2.0], &[3.0, 4.0]), Some(-11.0));
        assert_eq!(of(Metric::L1, &[0.0, 0.0], &[3.0, -4.0]), Some(7.0));
        assert_eq!(of(Metric::Cosine, &[1.0, 2.0], &[2.0, 4.0]), Some(0.0));
        assert_eq!(of(Metric::Cosine, &[1.0, 0.0], &[0.0, 2.0]), Some(1.0));
        assert_eq!(of(Metric::Cosine, &[1.0, 0.0], &[-2.0, 0.0]), Some(2.0));
        assert!(of(Metric::Cosine, &[1.0, 0.0], &[0.0, 0.0]).is_some_and(f64::is_nan));
        assert_eq!(of(Metric::L2, &[0.0, 0.0], &[3.0]), None);
    }

    #[test]
    fn what_has_no_direction_is_in_no_index() {
        let measure = Measure::new(Metric::Cosine, Element::F32, &[1.0, 1.0]);
        assert_eq!(measure.cost(&bytes(&[0.0, 0.0])), None);
        assert!(measure.cost(&bytes(&[0.0, 1.0])).is_some());
        let without = Measure::new(Metric::Cosine, Element::F32, &[0.0, 0.0]);
        assert!(!without.has_direction());
        assert!(without.cost(&bytes(&[0.0, 1.0])).is_some_and(f64::is_nan));
        assert_eq!(without.cost(&bytes(&[0.0, 0.0])), None);
    }
}
