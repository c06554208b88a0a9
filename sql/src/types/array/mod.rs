//! Arrays of any element type: dimensions with lower bounds, elements in row-major order, NULLs among them.
//!
//! Stored form: a mark, the number of dimensions, whether there are NULLs, a zero byte; the element type's oid; length
//! and lower bound per dimension; the NULL bits if there are NULLs; the elements that are not NULL. All numbers are
//! little-endian. An empty array has no dimensions. `int2vector` and `oidvector` are arrays of one dimension that
//! counts from zero.

pub(super) mod binary;
mod text;
pub mod vector;

use engine::Value;

use crate::error::{Error, Result, SqlState};

use super::dispatch::physical;
use super::stored::{self, Source, corrupted};

/// PostgreSQL's limit of dimensions.
pub const MAXIMUM_DIMENSIONS: usize = 6;
/// PostgreSQL's limit of elements.
const MAXIMUM_ELEMENTS: u64 = 134_217_727;

/// One dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimension {
    pub length: i32,
    pub lower: i32,
}

impl Dimension {
    /// The last subscript.
    pub fn upper(self) -> i32 {
        self.lower.saturating_add(self.length - 1)
    }
}

/// An array. Invariant: the product of the dimensions' lengths is the number of elements; none for an empty array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    pub element: u32,
    pub dimensions: Vec<Dimension>,
    pub elements: Vec<Value>,
}

/// `54000`.
pub fn too_large() -> Error {
    Error::new(
        SqlState::ProgramLimitExceeded,
        format!("array size exceeds the maximum allowed ({MAXIMUM_ELEMENTS})"),
    )
}

/// `54000`.
pub fn too_many_dimensions(count: usize) -> Error {
    Error::new(
        SqlState::ProgramLimitExceeded,
        format!("number of array dimensions ({count}) exceeds the maximum allowed ({MAXIMUM_DIMENSIONS})"),
    )
}

/// The number of elements of dimensions; refused beyond PostgreSQL's limit, or where subscripts do not fit.
pub fn element_count(dimensions: &[Dimension]) -> Result<usize> {
    if dimensions.is_empty() {
        return Ok(0);
    }
    let mut count: u64 = 1;
    for dimension in dimensions {
        let length = u64::try_from(dimension.length).map_err(|_| too_large())?;
        count = count.saturating_mul(length);
        if count > MAXIMUM_ELEMENTS {
            return Err(too_large());
        }
        if dimension.lower.checked_add(dimension.length).is_none() {
            return Err(Error::new(
                SqlState::ProgramLimitExceeded,
                format!("array lower bound is too large: {}", dimension.lower),
            ));
        }
    }
    Ok(count as usize)
}

impl Array {
    /// An array without elements.
    pub fn empty(element: u32) -> Array {
        Array { element, dimensions: Vec::new(), elements: Vec::new() }
    }

    /// An array of one dimension that counts from one.
    pub fn from_elements(element: u32, elements: Vec<Value>) -> Array {
        if elements.is_empty() {
            return Array::empty(element);
        }
        let dimension = Dimension { length: elements.len() as i32, lower: 1 };
        Array { element, dimensions: vec![dimension], elements }
    }

    /// An array of given dimensions, whose product must be the number of elements.
    pub fn with_dimensions(element: u32, dimensions: Vec<Dimension>, elements: Vec<Value>) -> Result<Array> {
        if elements.is_empty() {
            return Ok(Array::empty(element));
        }
        if element_count(&dimensions)? != elements.len() {
            return Err(Error::internal("the dimensions of an array do not match its elements"));
        }
        Ok(Array { element, dimensions, elements })
    }

    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    pub fn has_nulls(&self) -> bool {
        self.elements.iter().any(Value::is_null)
    }

    /// The element under the subscripts, one for each dimension; `None` outside the bounds.
    pub fn get(&self, subscripts: &[i32]) -> Option<&Value> {
        if self.is_empty() || subscripts.len() != self.dimensions.len() {
            return None;
        }
        let mut at = 0usize;
        for (dimension, subscript) in self.dimensions.iter().zip(subscripts) {
            let offset = i64::from(*subscript) - i64::from(dimension.lower);
            if offset < 0 || offset >= i64::from(dimension.length) {
                return None;
            }
            at = at * dimension.length as usize + offset as usize;
        }
        self.elements.get(at)
    }

    /// Reads a stored value.
    pub fn from_value(value: &Value) -> Result<Array> {
        match value {
            Value::Bytes(bytes) => Array::from_bytes(bytes),
            _ => Err(Error::internal(format!("an array cannot be {:?}", value.physical_type()))),
        }
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Array> {
        let mut source = Source::new(bytes);
        if source.u8()? != stored::ARRAY {
            return Err(corrupted());
        }
        let count = usize::from(source.u8()?);
        let has_nulls = source.u8()? != 0;
        source.u8()?;
        let element = source.u32()?;
        let mut dimensions = Vec::with_capacity(count);
        for _ in 0..count {
            dimensions.push(Dimension { length: source.i32()?, lower: source.i32()? });
        }
        let total = element_count(&dimensions)?;
        let bits = if has_nulls { source.take(total.div_ceil(8))? } else { &[] };
        let physical = physical(element);
        let mut elements = Vec::with_capacity(total.min(bytes.len()));
        for number in 0..total {
            elements.push(if stored::null_bit(bits, number) {
                Value::Null
            } else {
                source.value(physical)?
            });
        }
        Ok(Array { element, dimensions, elements })
    }

    /// The stored value.
    pub fn to_value(&self) -> Value {
        let has_nulls = self.has_nulls();
        let mut out = Vec::with_capacity(8 + self.dimensions.len() * 8 + self.elements.len() * 8);
        out.extend_from_slice(&[stored::ARRAY, self.dimensions.len() as u8, u8::from(has_nulls), 0]);
        out.extend_from_slice(&self.element.to_le_bytes());
        for dimension in &self.dimensions {
            out.extend_from_slice(&dimension.length.to_le_bytes());
            out.extend_from_slice(&dimension.lower.to_le_bytes());
        }
        if has_nulls {
            stored::append_null_bits(self.elements.iter(), &mut out);
        }
        for element in &self.elements {
            stored::append(element, &mut out);
        }
        Value::from(out)
    }
}
