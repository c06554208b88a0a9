//! `sparsevec` of the extension vector: of many single-precision floats those that are not zero.
//!
//! Stored form, all little-endian: the number of dimensions and the number of elements, four bytes each; the places of
//! the elements, ascending from zero; the elements. Text is `{1:1.5,3:2}/5` with places from one. Invariants: 1 to
//! 1,000,000,000 dimensions; at most 16,000 elements, none of them zero, NaN or infinite.

use std::cmp::Ordering;

use engine::Value;

use super::check_expected;
use super::text::{blanks, number};
use crate::error::{Error, Result, SqlState};
use crate::types::binary::Reader;
use crate::types::float::append_float4;
use crate::types::stored::corrupted;

/// pgvector's most dimensions and most elements of a value.
const MOST_DIMENSIONS: i32 = 1_000_000_000;
const MOST_ELEMENTS: usize = 16_000;

/// A value taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Sparse {
    pub dimensions: i32,
    /// Places, ascending from zero, and elements.
    pub elements: Vec<(i32, f32)>,
}

fn data(message: impl Into<String>) -> Error {
    Error::new(SqlState::DataException, message)
}

fn invalid(text: &str) -> Error {
    let message = format!("invalid input syntax for type sparsevec: \"{text}\"");
    Error::new(SqlState::InvalidTextRepresentation, message)
}

fn check_dimensions(dimensions: i64) -> Result<i32> {
    if dimensions < 1 {
        return Err(data("sparsevec must have at least 1 dimension"));
    }
    i32::try_from(dimensions).ok().filter(|count| *count <= MOST_DIMENSIONS).ok_or_else(|| {
        let message = format!("sparsevec cannot have more than {MOST_DIMENSIONS} dimensions");
        Error::new(SqlState::ProgramLimitExceeded, message)
    })
}

fn check_element(value: f32) -> Result<()> {
    if value.is_nan() {
        return Err(data("NaN not allowed in sparsevec"));
    }
    if value.is_infinite() {
        return Err(data("infinite value not allowed in sparsevec"));
    }
    Ok(())
}

fn too_many() -> Error {
    let message = format!("sparsevec cannot have more than {MOST_ELEMENTS} non-zero elements");
    Error::new(SqlState::ProgramLimitExceeded, message)
}

impl Sparse {
    /// The elements of a dense vector that are not zero.
    pub fn of_dense(values: &[f32]) -> Result<Sparse> {
        let dimensions = check_dimensions(values.len() as i64)?;
        let elements: Vec<(i32, f32)> =
            (0..).zip(values.iter().copied()).filter(|(_, value)| *value != 0.0).collect();
        elements.iter().try_for_each(|(_, value)| check_element(*value))?;
        if elements.len() > MOST_ELEMENTS {
            return Err(too_many());
        }
        Ok(Sparse { dimensions, elements })
    }

    /// All elements, zeros included; the caller has checked that there are few.
    pub fn dense(&self) -> Vec<f32> {
        let mut values = vec![0.0; usize::try_from(self.dimensions).unwrap_or(0)];
        for (place, value) in &self.elements {
            if let Some(slot) = usize::try_from(*place).ok().and_then(|place| values.get_mut(place)) {
                *slot = *value;
            }
        }
        values
    }

    pub fn from_bytes(stored: &[u8]) -> Result<Sparse> {
        let words = stored.as_chunks::<4>().0;
        let [dimensions, count, rest @ ..] = words else { return Err(corrupted()) };
        let count = u32::from_le_bytes(*count) as usize;
        if stored.len() != 8 + 8 * count {
            return Err(corrupted());
        }
        let (places, values) = rest.split_at(count);
        let places = places.iter().map(|place| i32::from_le_bytes(*place));
        let elements = places.zip(values.iter().map(|value| f32::from_le_bytes(*value))).collect();
        Ok(Sparse { dimensions: i32::from_le_bytes(*dimensions), elements })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut stored = Vec::with_capacity(8 + 8 * self.elements.len());
        stored.extend_from_slice(&self.dimensions.to_le_bytes());
        stored.extend_from_slice(&(self.elements.len() as u32).to_le_bytes());
        self.elements.iter().for_each(|(place, _)| stored.extend_from_slice(&place.to_le_bytes()));
        self.elements.iter().for_each(|(_, value)| stored.extend_from_slice(&value.to_le_bytes()));
        stored
    }

    pub fn to_value(&self) -> Value {
        Value::from(self.to_bytes())
    }

    /// Refuses places that are outside, or not ascending.
    fn check_places(&self) -> Result<()> {
        let mut before = None;
        for (place, _) in &self.elements {
            if !(0..self.dimensions).contains(place) {
                return Err(data("sparsevec index out of bounds"));
            }
            match before.map(|before: i32| place.cmp(&before)) {
                Some(Ordering::Less) => return Err(data("sparsevec indices must be in ascending order")),
                Some(Ordering::Equal) => return Err(data("sparsevec indices must not contain duplicates")),
                Some(Ordering::Greater) | None => before = Some(*place),
            }
        }
        Ok(())
    }

    /// Appends the text.
    pub fn append_text(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (number, (place, value)) in self.elements.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            out.extend_from_slice(format!("{}:", i64::from(*place) + 1).as_bytes());
            append_float4(*value, 1, out);
        }
        out.extend_from_slice(format!("}}/{}", self.dimensions).as_bytes());
    }

    /// The value of a text.
    pub fn input(typmod: i32, text: &str) -> Result<Value> {
        if text.matches(',').count() >= MOST_ELEMENTS {
            return Err(too_many());
        }
        let Some(rest) = blanks(text).strip_prefix('{') else {
            return Err(invalid(text).detail("Vector contents must start with \"{\"."));
        };
        let (mut elements, rest) = match blanks(rest).strip_prefix('}') {
            Some(rest) => (Vec::new(), rest),
            None => elements_of(text, rest)?,
        };
        let Some(rest) = blanks(rest).strip_prefix('/') else {
            return Err(invalid(text).detail("Unexpected end of input."));
        };
        let (dimensions, rest) = integer(blanks(rest)).ok_or_else(|| invalid(text))?;
        if !blanks(rest).is_empty() {
            return Err(invalid(text).detail("Junk after closing."));
        }
        let dimensions = check_dimensions(dimensions)?;
        check_expected(typmod, dimensions as usize)?;
        elements.sort_by_key(|(place, _)| *place);
        let sparse = Sparse { dimensions, elements };
        sparse.check_places()?;
        Ok(sparse.to_value())
    }

    /// Appends the binary form.
    pub fn send(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.dimensions.to_be_bytes());
        out.extend_from_slice(&(self.elements.len() as u32).to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        self.elements.iter().for_each(|(place, _)| out.extend_from_slice(&place.to_be_bytes()));
        self.elements.iter().for_each(|(_, value)| out.extend_from_slice(&value.to_be_bytes()));
    }

    /// The value of a binary form.
    pub fn receive(typmod: i32, reader: &mut Reader<'_>) -> Result<Value> {
        let (dimensions, count, unused) = (reader.i32()?, reader.i32()?, reader.i32()?);
        let dimensions = check_dimensions(i64::from(dimensions))?;
        let limit = |message: &str| Error::new(SqlState::ProgramLimitExceeded, message.to_string());
        let length =
            usize::try_from(count).map_err(|_| data("sparsevec cannot have negative number of elements"))?;
        if length > MOST_ELEMENTS {
            return Err(too_many());
        }
        if count > dimensions {
            return Err(limit("sparsevec cannot have more elements than dimensions"));
        }
        check_expected(typmod, dimensions as usize)?;
        if unused != 0 {
            return Err(data(format!("expected unused to be 0, not {unused}")));
        }
        let places = (0..length).map(|_| reader.i32()).collect::<Result<Vec<_>>>()?;
        let elements = places.into_iter().map(|place| (place, 0.0)).collect();
        let mut sparse = Sparse { dimensions, elements };
        sparse.check_places()?;
        for (_, value) in &mut sparse.elements {
            *value = f32::from_bits(reader.u32()?);
            check_element(*value)?;
            if *value == 0.0 {
                return Err(data("binary representation of sparsevec cannot contain zero values"));
            }
        }
        Ok(sparse.to_value())
    }

    /// Calls with the elements of two values place by place, where either has one.
    pub fn pairs(&self, other: &Sparse, mut call: impl FnMut(f32, f32)) {
        let (mut a, mut b) = (self.elements.iter().peekable(), other.elements.iter().peekable());
        loop {
            match (a.peek(), b.peek()) {
                (Some((i, x)), Some((j, y))) => match i.cmp(j) {
                    Ordering::Less => {
                        call(*x, 0.0);
                        a.next();
                    }
                    Ordering::Greater => {
                        call(0.0, *y);
                        b.next();
                    }
                    Ordering::Equal => {
                        call(*x, *y);
                        a.next();
                        b.next();
                    }
                },
                (Some((_, x)), None) => {
                    call(*x, 0.0);
                    a.next();
                }
                (None, Some((_, y))) => {
                    call(0.0, *y);
                    b.next();
                }
                (None, None) => return,
            }
        }
    }

    /// Appends the comparison key: the order is that of the dense vectors, the shorter first where it is the beginning of
    /// the longer. What comes first in the vector counts most: an element above zero is the greater the earlier it
    /// stands, one below zero, and the end of the vector, the less.
    pub fn append_key(&self, out: &mut Vec<u8>) {
        const LESS: u8 = 1;
        const GREATER: u8 = 2;
        for (place, value) in &self.elements {
            let bits = value.to_bits();
            if *value > 0.0 {
                out.push(GREATER);
                out.extend_from_slice(&(!place.cast_unsigned()).to_be_bytes());
                out.extend_from_slice(&bits.to_be_bytes());
            } else {
                out.push(LESS);
                out.extend_from_slice(&place.cast_unsigned().to_be_bytes());
                out.push(1);
                out.extend_from_slice(&(!bits).to_be_bytes());
            }
        }
        out.push(LESS);
        out.extend_from_slice(&self.dimensions.cast_unsigned().to_be_bytes());
        out.push(0);
    }
}

/// The typmod of the arguments behind the type's name.
pub fn typmod(arguments: &[i64]) -> Result<i32> {
    let invalid = |message: String| Err(Error::new(SqlState::InvalidParameterValue, message));
    match arguments {
        [..=0] => invalid("dimensions for type sparsevec must be at least 1".to_string()),
        [count] => match i32::try_from(*count).ok().filter(|count| *count <= MOST_DIMENSIONS) {
            Some(count) => Ok(count),
            None => invalid(format!("dimensions for type sparsevec cannot exceed {MOST_DIMENSIONS}")),
        },
        _ => invalid("invalid type modifier".to_string()),
    }
}

/// The elements behind the brace, and what follows the closing one. Places count from zero.
fn elements_of<'a>(text: &str, mut rest: &'a str) -> Result<(Vec<(i32, f32)>, &'a str)> {
    let mut elements = Vec::new();
    loop {
        let (place, behind) = integer(blanks(rest)).ok_or_else(|| invalid(text))?;
        let behind = blanks(behind).strip_prefix(':').ok_or_else(|| invalid(text))?;
        let behind = blanks(behind);
        let (value, length) = number(behind).ok_or_else(|| invalid(text))?;
        let (token, behind) = behind.split_at(length);
        let digits = token.split(['e', 'E']).next().unwrap_or_default();
        let vanished = value == 0.0 && digits.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
        if vanished || value.is_infinite() && !token.ends_with(['y', 'Y', 'f', 'F']) {
            let message = format!("\"{token}\" is out of range for type sparsevec");
            return Err(Error::new(SqlState::NumericValueOutOfRange, message));
        }
        check_element(value)?;
        if value != 0.0 {
            let least = i64::from(i32::MIN) + 1;
            elements.push(((place.clamp(least, i64::from(i32::MAX)) - 1) as i32, value));
        }
        rest = blanks(behind);
        if let Some(behind) = rest.strip_prefix(',') {
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix('}') {
            return Ok((elements, behind));
        } else {
            return Err(invalid(text));
        }
    }
}

/// The integer at the beginning of a text, as far as 64 bits go, and what follows.
fn integer(text: &str) -> Option<(i64, &str)> {
    let signed = usize::from(text.starts_with(['+', '-']));
    let digits = text.get(signed..)?.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return None;
    }
    let (token, rest) = text.split_at(signed + digits);
    let limit = if token.starts_with('-') { i64::MIN } else { i64::MAX };
    Some((token.parse().unwrap_or(limit), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Sparse {
        match Sparse::input(-1, text).expect(text) {
            Value::Bytes(stored) => Sparse::from_bytes(&stored).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn texts_and_binary_forms_go_round() {
        for (text, shown) in
            [(" { 1 : 1.5 , 3:-2 } / 5 ", "{1:1.5,3:-2}/5"), ("{3:1,1:0,2:4}/3", "{2:4,3:1}/3")]
        {
            let sparse = value(text);
            let (mut printed, mut sent) = (Vec::new(), Vec::new());
            sparse.append_text(&mut printed);
            assert_eq!(String::from_utf8(printed).unwrap(), shown);
            sparse.send(&mut sent);
            assert_eq!(Sparse::receive(-1, &mut Reader::new(&sent)).unwrap(), sparse.to_value());
        }
        for text in [
            "{1:1}/0",
            "{2:1}/1",
            "{0:1}/1",
            "{1:1,1:2}/2",
            "{1:1}",
            "{1}/1",
            "1:1/1",
            "{1:1e40}/1",
            "{1:1e-50}/1",
        ] {
            assert!(Sparse::input(-1, text).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_compare_as_dense_vectors_do() {
        let texts = [
            "{1:-2}/3",
            "{1:-1}/1",
            "{1:-1}/3",
            "{2:-1}/3",
            "{}/1",
            "{}/3",
            "{}/5",
            "{5:1}/5",
            "{2:1}/3",
            "{2:1,3:1}/3",
            "{1:1}/1",
            "{1:1}/2",
        ];
        let keys: Vec<Vec<u8>> = texts
            .iter()
            .map(|text| {
                let mut key = Vec::new();
                value(text).append_key(&mut key);
                key
            })
            .collect();
        let dense: Vec<Vec<f32>> = texts.iter().map(|text| value(text).dense()).collect();
        for i in 0..texts.len() {
            for j in 0..texts.len() {
                let expected = dense[i].partial_cmp(&dense[j]).unwrap();
                assert_eq!(keys[i].cmp(&keys[j]), expected, "{} {}", texts[i], texts[j]);
            }
        }
    }
}
