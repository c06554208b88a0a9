//! Keys of arrays, records, vectors and bit strings.

use engine::Value;

use crate::error::Result;

use super::super::array::Array;
use super::super::enumeration;
use super::super::record::Record;
use super::super::stored::corrupted;

/// Ends the elements of an array or the columns of a record.
const END: u8 = 0;
const PRESENT: u8 = 1;
const NULL: u8 = 2;

/// Arrays and records say themselves what they are made of.
pub(super) fn append(bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    if Record::is_record(bytes) {
        for (type_oid, value) in &Record::from_bytes(bytes)?.columns {
            append_part(*type_oid, value, out)?;
        }
        out.push(END);
        return Ok(());
    }
    if enumeration::is_enum(bytes) {
        out.extend_from_slice(&enumeration::order(bytes)?.to_be_bytes());
        return Ok(());
    }
    append_array(&Array::from_bytes(bytes)?, out)
}

fn append_part(type_oid: u32, value: &Value, out: &mut Vec<u8>) -> Result<()> {
    if value.is_null() {
        out.push(NULL);
        return Ok(());
    }
    out.push(PRESENT);
    super::append(type_oid, value, out)
}

/// The elements decide first, then how many there are, then the dimensions and their lower bounds.
fn append_array(array: &Array, out: &mut Vec<u8>) -> Result<()> {
    for element in &array.elements {
        append_part(array.element, element, out)?;
    }
    out.push(END);
    out.push(array.dimensions.len() as u8);
    for dimension in &array.dimensions {
        out.extend_from_slice(&(dimension.length as u32 ^ 1 << 31).to_be_bytes());
    }
    for dimension in &array.dimensions {
        out.extend_from_slice(&(dimension.lower as u32 ^ 1 << 31).to_be_bytes());
    }
    Ok(())
}

/// The shorter vector is the lesser one.
pub(super) fn append_oidvector(bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let array = Array::from_bytes(bytes)?;
    out.extend_from_slice(&(array.elements.len() as u32).to_be_bytes());
    for element in &array.elements {
        super::append(array.element, element, out)?;
    }
    Ok(())
}

/// The bytes decide first, then the length in bits.
pub(super) fn append_bits(bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let Some((length, bits)) = bytes.split_first_chunk::<4>() else { return Err(corrupted()) };
    super::append_escaped(bits, out);
    out.extend_from_slice(&u32::from_le_bytes(*length).to_be_bytes());
    Ok(())
}
