//! What arrays are like: dimensions, bounds, lengths.

use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;
use crate::functions::string::basic::int4;
use crate::types::array::{Array, Dimension};

/// A dimension, counted from 1; none where there is no such dimension.
fn dimension(array: &Array, number: i32) -> Option<Dimension> {
    array.dimensions.get(usize::try_from(number).ok()?.checked_sub(1)?).copied()
}

fn dimensions_text(array: &Array) -> Option<String> {
    if array.dimensions.is_empty() {
        return None;
    }
    Some(
        array
            .dimensions
            .iter()
            .map(|dimension| format!("[{}:{}]", dimension.lower, dimension.upper()))
            .collect(),
    )
}

fn dimension_count(array: &Array) -> Option<i32> {
    if array.dimensions.is_empty() { None } else { Some(int4(array.dimensions.len())) }
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // array_ndims(anyarray)
    (748, scalar!(|array: Array| dimension_count(&array))),
    // array_dims(anyarray)
    (747, scalar!(|array: Array| dimensions_text(&array))),
    // array_lower(anyarray,int4)
    (2091, scalar!(|array: Array, number: i32| dimension(&array, number).map(|dimension| dimension.lower))),
    // array_upper(anyarray,int4)
    (2092, scalar!(|array: Array, number: i32| dimension(&array, number).map(Dimension::upper))),
    // array_length(anyarray,int4)
    (2176, scalar!(|array: Array, number: i32| dimension(&array, number).map(|dimension| dimension.length))),
    // cardinality(anyarray)
    (3179, scalar!(|array: Array| int4(array.elements.len()))),
];
