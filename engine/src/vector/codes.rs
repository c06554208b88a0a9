//! Vectors as codes of one byte for each dimension, for the walk: a quarter of the memory that a walk reads, and most of
//! its time is waiting for memory.
//!
//! Each dimension has an offset and a scale over the range of its values. Codes are used only where the error they bring
//! is small against the distances between neighbours, which the graph itself shows: what is found is compared exactly
//! afterwards, but what is not found stays away.

/// The error of a squared distance between neighbours that codes may bring, as a part of it.
const TOLERANCE: f32 = 0.02;
/// Below this a vector takes a few lines of memory as it is.
const FEWEST_DIMENSIONS: usize = 32;

/// The range of each dimension.
pub(super) struct Ranges {
    least: Vec<f32>,
    greatest: Vec<f32>,
}

impl Ranges {
    pub fn new(dimensions: usize) -> Ranges {
        Ranges { least: vec![f32::INFINITY; dimensions], greatest: vec![f32::NEG_INFINITY; dimensions] }
    }

    /// Takes a vector in.
    pub fn note(&mut self, vector: &[f32]) {
        for ((least, greatest), number) in self.least.iter_mut().zip(&mut self.greatest).zip(vector) {
            *least = least.min(*number);
            *greatest = greatest.max(*number);
        }
    }

    /// The scale of each dimension.
    pub fn scales(&self) -> Vec<f32> {
        let pairs = self.least.iter().zip(&self.greatest);
        pairs.map(|(least, greatest)| ((greatest - least) / 255.0).max(f32::MIN_POSITIVE)).collect()
    }

    pub fn offsets(&self) -> &[f32] {
        &self.least
    }
}

/// Whether codes are fine enough for vectors whose nearest neighbours have these squared distances.
pub(super) fn are_fine(scales: &[f32], neighbours: &mut [f32]) -> bool {
    if scales.len() < FEWEST_DIMENSIONS || neighbours.is_empty() {
        return false;
    }
    neighbours.sort_unstable_by(f32::total_cmp);
    let typical = neighbours.get(neighbours.len() / 4).copied().unwrap_or(0.0);
    // Each dimension errs evenly within half a step; the error of a squared distance comes mostly of the products of
    // errors and differences, which add up as independent ones do.
    let error: f32 = scales.iter().map(|scale| scale * scale / 12.0).sum();
    let part = 2.0 * (error / (typical * scales.len() as f32)).sqrt();
    part <= TOLERANCE
}

/// Appends the codes of a vector.
pub(super) fn encode(vector: &[f32], offsets: &[f32], scales: &[f32], codes: &mut Vec<u8>) {
    let triples = vector.iter().zip(offsets).zip(scales);
    // What lies outside after rounding saturates.
    codes.extend(triples.map(|((number, offset), scale)| ((number - offset) / scale).round() as u8));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_near_what_they_stand_for() {
        let vectors: Vec<Vec<f32>> = (0..50)
            .map(|each| (0..40).map(|place| ((each * 7 + place * 3) % 23) as f32 - 11.0).collect())
            .collect();
        let mut ranges = Ranges::new(40);
        vectors.iter().for_each(|vector| ranges.note(vector));
        let scales = ranges.scales();
        for vector in &vectors {
            let mut codes = Vec::new();
            encode(vector, ranges.offsets(), &scales, &mut codes);
            for (place, number) in vector.iter().enumerate() {
                let read = ranges.offsets()[place] + scales[place] * f32::from(codes[place]);
                assert!((read - number).abs() <= scales[place] * 0.51);
            }
        }
        assert!(are_fine(&scales, &mut [100.0, 200.0, 300.0, 400.0]));
        assert!(!are_fine(&scales, &mut [0.001, 0.001, 300.0, 400.0]), "neighbours nearer than a step");
        assert!(!are_fine(&scales[..8], &mut [100.0]));
    }
}
