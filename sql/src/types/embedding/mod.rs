//! `vector` and `halfvec` of the extension vector: lists of finite floats of single or half precision. `sparse` is the
//! third of its types, which keeps only what is not zero.
//!
//! Stored form: the elements alone, little-endian, four or two bytes each, so that the engine can read a column as it
//! lies and the number of dimensions is the length divided by the width. The typmod is the number of dimensions. Text
//! is `[1,2,3]`; the binary form is the number of dimensions and a zero, two bytes each, then the elements.
//! Invariants: 1 to 16,000 dimensions; no element is NaN or infinite.

pub mod distance;
pub mod half;
pub mod sparse;
mod text;

use std::cmp::Ordering;
use std::sync::Arc;

use engine::Value;

use crate::error::{Error, Result, SqlState};

use super::binary::Reader;
use super::oid;
use super::stored::corrupted;

pub use text::{append_text, input};

/// pgvector's most dimensions of a value.
pub const MOST_DIMENSIONS: usize = 16_000;

/// Whether a type is one of the extension's: its stored values are no arrays or records, whatever their first byte.
pub fn is_vector(type_oid: u32) -> bool {
    matches!(type_oid, oid::VECTOR | oid::HALFVEC | oid::SPARSEVEC)
}

/// What a vector consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// Of `vector`: four bytes.
    Single,
    /// Of `halfvec`: two bytes.
    Half,
}

impl Element {
    /// The element of a type; `None` for every type that is no vector.
    pub fn of(type_oid: u32) -> Option<Element> {
        match type_oid {
            oid::VECTOR => Some(Element::Single),
            oid::HALFVEC => Some(Element::Half),
            _ => None,
        }
    }

    /// The name of the type, as messages have it.
    pub fn type_name(self) -> &'static str {
        match self {
            Element::Single => "vector",
            Element::Half => "halfvec",
        }
    }

    /// Bytes of one element.
    pub fn width(self) -> usize {
        match self {
            Element::Single => 4,
            Element::Half => 2,
        }
    }

    /// The number of dimensions of a stored value.
    pub fn dimensions(self, stored: &[u8]) -> usize {
        stored.len() / self.width()
    }

    /// The elements of a stored value.
    pub fn read(self, stored: &[u8]) -> Vec<f32> {
        match self {
            Element::Single => {
                stored.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
            }
            Element::Half => stored.as_chunks::<2>().0.iter().map(|bytes| half::load(*bytes)).collect(),
        }
    }

    /// The stored form of elements, as near as the width allows; what is too large for it becomes infinite.
    pub fn write(self, elements: &[f32]) -> Vec<u8> {
        match self {
            Element::Single => elements.iter().flat_map(|element| element.to_le_bytes()).collect(),
            Element::Half => {
                elements.iter().flat_map(|element| half::from_single(*element).to_le_bytes()).collect()
            }
        }
    }

    /// Whether the type has no finite element that is near enough.
    pub fn overflows(self, value: f32) -> bool {
        match self {
            Element::Single => value.is_infinite(),
            Element::Half => half::from_single(value) & 0x7fff == half::INFINITE,
        }
    }

    /// The stored form of elements that come from other types: their number, range and finiteness are checked.
    pub fn checked(self, elements: &[f32]) -> Result<Vec<u8>> {
        self.check_dimensions(elements.len())?;
        for given in elements {
            self.check_element(*given)?;
            if self.overflows(*given) {
                let mut shown = Vec::new();
                super::float::append_float4(*given, 1, &mut shown);
                return Err(self.out_of_range(&String::from_utf8_lossy(&shown)));
            }
        }
        Ok(self.write(elements))
    }

    /// Refuses a number of dimensions that no value has.
    pub fn check_dimensions(self, count: usize) -> Result<()> {
        if count < 1 {
            let message = format!("{} must have at least 1 dimension", self.type_name());
            return Err(Error::new(SqlState::DataException, message));
        }
        if count > MOST_DIMENSIONS {
            let message = format!("{} cannot have more than {MOST_DIMENSIONS} dimensions", self.type_name());
            return Err(Error::new(SqlState::ProgramLimitExceeded, message));
        }
        Ok(())
    }

    /// Refuses NaN and infinity.
    pub fn check_element(self, element: f32) -> Result<()> {
        let complaint = if element.is_nan() {
            "NaN"
        } else if element.is_infinite() {
            "infinite value"
        } else {
            return Ok(());
        };
        let message = format!("{complaint} not allowed in {}", self.type_name());
        Err(Error::new(SqlState::DataException, message))
    }

    fn out_of_range(self, shown: &str) -> Error {
        let message = format!("\"{shown}\" is out of range for type {}", self.type_name());
        Error::new(SqlState::NumericValueOutOfRange, message)
    }

    /// The typmod of the arguments behind the type's name.
    pub fn typmod(self, arguments: &[i64]) -> Result<i32> {
        let invalid = |message: String| Err(Error::new(SqlState::InvalidParameterValue, message));
        let name = self.type_name();
        match arguments {
            [..=0] => invalid(format!("dimensions for type {name} must be at least 1")),
            [count] if *count > MOST_DIMENSIONS as i64 => {
                invalid(format!("dimensions for type {name} cannot exceed {MOST_DIMENSIONS}"))
            }
            [count] => Ok(*count as i32),
            _ => invalid("invalid type modifier".to_string()),
        }
    }
}

/// Refuses a number of dimensions that is not the typmod's; -1 takes any.
pub fn check_expected(typmod: i32, count: usize) -> Result<()> {
    if typmod == -1 || usize::try_from(typmod) == Ok(count) {
        return Ok(());
    }
    let message = format!("expected {typmod} dimensions, not {count}");
    Err(Error::new(SqlState::DataException, message))
}

/// Applies a typmod: it checks, and changes nothing.
pub fn apply_typmod(element: Element, typmod: i32, stored: Arc<[u8]>) -> Result<Arc<[u8]>> {
    check_expected(typmod, element.dimensions(&stored))?;
    Ok(stored)
}

/// Appends the binary form.
pub fn send(element: Element, stored: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let count = u16::try_from(element.dimensions(stored)).map_err(|_| corrupted())?;
    out.reserve(4 + stored.len());
    out.extend_from_slice(&count.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    for bytes in stored.chunks_exact(element.width()) {
        out.extend(bytes.iter().rev());
    }
    Ok(())
}

/// The value of a binary form.
pub fn receive(element: Element, typmod: i32, reader: &mut Reader<'_>) -> Result<Value> {
    // A negative number fails as one below 1 does.
    let count = usize::try_from(reader.i16()?).unwrap_or(0);
    let unused = reader.i16()?;
    element.check_dimensions(count)?;
    check_expected(typmod, count)?;
    if unused != 0 {
        let message = format!("expected unused to be 0, not {unused}");
        return Err(Error::new(SqlState::DataException, message));
    }
    let mut stored = Vec::with_capacity(count * element.width());
    for bytes in reader.take(count * element.width())?.chunks_exact(element.width()) {
        stored.extend(bytes.iter().rev());
    }
    match element {
        Element::Single => {
            element.read(&stored).into_iter().try_for_each(|value| element.check_element(value))?
        }
        Element::Half => {
            for bytes in stored.as_chunks::<2>().0 {
                element.check_element(half::widened(u16::from_le_bytes(*bytes)))?;
            }
        }
    }
    Ok(Value::from(stored))
}

/// pgvector's order: element by element, the shorter first where it is the beginning of the longer.
pub fn compare(element: Element, left: &[u8], right: &[u8]) -> Ordering {
    let (left, right) = (element.read(left), element.read(right));
    let differing = left.iter().zip(&right).map(|(a, b)| a.total_order(*b)).find(|order| order.is_ne());
    differing.unwrap_or_else(|| left.len().cmp(&right.len()))
}

/// The order of finite floats, in which the zeros are equal.
trait TotalOrder {
    fn total_order(self, other: f32) -> Ordering;
}

impl TotalOrder for f32 {
    fn total_order(self, other: f32) -> Ordering {
        self.partial_cmp(&other).unwrap_or(Ordering::Equal)
    }
}

/// Appends the comparison key: per element its bits, turned so that they compare as the number does, and zeros at the
/// end, which no finite element gives.
pub fn append_key(element: Element, stored: &[u8], out: &mut Vec<u8>) {
    out.reserve(stored.len() + element.width());
    match element {
        Element::Single => {
            for value in element.read(stored) {
                // Both zeros are one.
                let bits = (value + 0.0).to_bits();
                let turned = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
                out.extend_from_slice(&turned.to_be_bytes());
            }
            out.extend_from_slice(&[0; 4]);
        }
        Element::Half => {
            for bytes in stored.as_chunks::<2>().0 {
                let bits = u16::from_le_bytes(*bytes);
                let bits = if bits == 1 << 15 { 0 } else { bits };
                let turned = if bits >> 15 == 0 { bits | 1 << 15 } else { !bits };
                out.extend_from_slice(&turned.to_be_bytes());
            }
            out.extend_from_slice(&[0; 2]);
        }
    }
}

#[cfg(test)]
mod tests;
