//! Real embeddings, made here: latent semantic analysis of WordNet's glosses (Debian package `wordnet-base`).
//!
//! A document is a synset: its words and its gloss, as weights of terms (logarithmic frequency by inverse document
//! frequency, of length one). The embedding is the document's place in the space of the strongest directions of all
//! documents, found by subspace iteration. The axes of that space are not turned to the singular vectors: distances and
//! angles, which are all that a search sees, do not depend on it.

use std::collections::HashMap;
use std::path::Path;

use crate::Failure;

/// Documents that a term must stand in.
const FEWEST: usize = 3;
/// A term in more than one document of so many says nothing.
const COMMON: usize = 10;
const ROUNDS: usize = 5;

/// The terms of documents: numbers and weights.
struct Documents {
    rows: Vec<Vec<(u32, f32)>>,
    terms: usize,
}

/// The embeddings of all synsets, in an order without meaning.
pub fn of_glosses(folder: &Path, dimensions: usize) -> Result<Vec<Vec<f32>>, Failure> {
    let mut texts = Vec::new();
    for part in ["noun", "verb", "adj", "adv"] {
        let path = folder.join(format!("data.{part}"));
        let content = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let content = String::from_utf8_lossy(&content).into_owned();
        texts.extend(content.lines().filter(|line| !line.starts_with(' ')).filter_map(text_of));
    }
    let mut state = 0x9E37_79B9_7F4A_7C15;
    for place in (1..texts.len()).rev() {
        let other = (next(&mut state) % (place as u64 + 1)) as usize;
        texts.swap(place, other);
    }
    let documents = weigh(&texts);
    if documents.terms < dimensions {
        return Err("there are fewer terms than dimensions".into());
    }
    let mut axes: Vec<f32> = (0..documents.terms * dimensions)
        .map(|_| (next(&mut state) >> 40) as f32 / 8_388_608.0 - 1.0)
        .collect();
    for _ in 0..ROUNDS {
        orthonormalize(&mut axes, dimensions)?;
        let places = documents.times(&axes, dimensions);
        axes = documents.transposed_times(&places, dimensions);
    }
    orthonormalize(&mut axes, dimensions)?;
    let places = documents.times(&axes, dimensions);
    let found = places.chunks_exact(dimensions).map(<[f32]>::to_vec);
    Ok(found.filter(|vector| vector.iter().any(|number| number.abs() > 1e-6)).collect())
}

fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// The words of a synset and its gloss.
fn text_of(line: &str) -> Option<String> {
    let (head, gloss) = line.split_once(" | ")?;
    let mut fields = head.split(' ').skip(3);
    let count = usize::from_str_radix(fields.next()?, 16).ok()?;
    let words: Vec<String> = fields.step_by(2).take(count).map(|word| word.replace('_', " ")).collect();
    Some(format!("{} {gloss}", words.join(" ")))
}

fn weigh(texts: &[String]) -> Documents {
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut counts: Vec<usize> = Vec::new();
    let mut rows: Vec<Vec<(u32, f32)>> = Vec::new();
    for text in texts {
        let mut row: HashMap<u32, f32> = HashMap::new();
        let words = text.split(|letter: char| !letter.is_ascii_alphabetic()).filter(|word| word.len() > 2);
        for word in words {
            let fresh = numbers.len() as u32;
            let number = *numbers.entry(word.to_ascii_lowercase()).or_insert(fresh);
            if number == fresh {
                counts.push(0);
            }
            *row.entry(number).or_default() += 1.0;
        }
        row.keys().for_each(|number| counts[*number as usize] += 1);
        let mut row: Vec<(u32, f32)> = row.into_iter().collect();
        row.sort_by_key(|(number, _)| *number);
        rows.push(row);
    }
    let mut kept = vec![u32::MAX; counts.len()];
    let mut terms = 0;
    for (kept, count) in kept.iter_mut().zip(&counts) {
        if (FEWEST..=texts.len() / COMMON).contains(count) {
            *kept = terms;
            terms += 1;
        }
    }
    for row in &mut rows {
        row.retain(|(number, _)| kept[*number as usize] != u32::MAX);
        for (number, weight) in row.iter_mut() {
            let rarity = (texts.len() as f32 / counts[*number as usize] as f32).ln();
            *weight = (1.0 + weight.ln()) * rarity;
            *number = kept[*number as usize];
        }
        let length = row.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        row.iter_mut().for_each(|(_, weight)| *weight /= length);
    }
    Documents { rows, terms: terms as usize }
}

impl Documents {
    /// The places of documents along axes over terms.
    fn times(&self, axes: &[f32], width: usize) -> Vec<f32> {
        let mut places = vec![0.0; self.rows.len() * width];
        for (row, place) in self.rows.iter().zip(places.chunks_exact_mut(width)) {
            for (term, weight) in row {
                let axis = &axes[*term as usize * width..][..width];
                place.iter_mut().zip(axis).for_each(|(place, axis)| *place += weight * axis);
            }
        }
        places
    }

    /// The axes over terms that places of documents make.
    fn transposed_times(&self, places: &[f32], width: usize) -> Vec<f32> {
        let mut axes = vec![0.0; self.terms * width];
        for (row, place) in self.rows.iter().zip(places.chunks_exact(width)) {
            for (term, weight) in row {
                let axis = &mut axes[*term as usize * width..][..width];
                axis.iter_mut().zip(place).for_each(|(axis, place)| *axis += weight * place);
            }
        }
        axes
    }
}

/// Makes the columns of a matrix orthonormal: twice by the factor of its Gram matrix, because once is not exact enough.
fn orthonormalize(matrix: &mut [f32], width: usize) -> Result<(), Failure> {
    for _ in 0..2 {
        let mut gram = vec![0.0_f64; width * width];
        for row in matrix.chunks_exact(width) {
            for (left, sums) in row.iter().zip(gram.chunks_exact_mut(width)) {
                let left = f64::from(*left);
                sums.iter_mut().zip(row).for_each(|(sum, right)| *sum += left * f64::from(*right));
            }
        }
        let factor = cholesky(gram, width)?;
        // Rows are solved against the upper factor: x R = row.
        let mut solved = vec![0.0_f64; width];
        for row in matrix.chunks_exact_mut(width) {
            for (solved, number) in solved.iter_mut().zip(row.iter()) {
                *solved = f64::from(*number);
            }
            for column in 0..width {
                let value = solved[column] / factor[column * width + column];
                solved[column] = value;
                let tail = &factor[column * width + column + 1..(column + 1) * width];
                solved[column + 1..]
                    .iter_mut()
                    .zip(tail)
                    .for_each(|(solved, factor)| *solved -= value * factor);
            }
            row.iter_mut().zip(&solved).for_each(|(number, solved)| *number = *solved as f32);
        }
    }
    Ok(())
}

/// The upper factor of a positive matrix.
fn cholesky(mut matrix: Vec<f64>, width: usize) -> Result<Vec<f64>, Failure> {
    for row in 0..width {
        let pivot = matrix[row * width + row];
        if pivot <= 0.0 {
            return Err("the directions of the documents depend on each other".into());
        }
        let root = pivot.sqrt();
        matrix[row * width + row..(row + 1) * width].iter_mut().for_each(|number| *number /= root);
        let upper = matrix[row * width..(row + 1) * width].to_vec();
        for below in row + 1..width {
            let factor = upper[below];
            let target = &mut matrix[below * width + below..(below + 1) * width];
            target.iter_mut().zip(&upper[below..]).for_each(|(number, upper)| *number -= factor * upper);
        }
    }
    Ok(matrix)
}
