//! Text and binary arrays over a mapping, without looking at every byte again. The one file of `segment` with unsafe
//! code.
//!
//! What makes it sound: the sections were written by `ColumnBuilder`, which takes text as `str` and writes offsets that
//! never go back; the bytes handed in here lie under checksums that were verified before (`Container::touch`), which
//! are seeded by file and place; first and last offset were compared with the data. A file that someone forged,
//! checksums and all, is outside this promise, as it is for every database that maps its files.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, StringArray};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

/// A Text array. Offsets ascend from the first, not negative, to the last, inside `data`, and cut it into UTF-8.
pub(super) fn text(offsets: ScalarBuffer<i32>, data: Buffer, nulls: Option<NullBuffer>) -> ArrayRef {
    // SAFETY: the offsets ascend and are not negative (see the head of this file).
    let offsets = unsafe { OffsetBuffer::new_unchecked(offsets) };
    // SAFETY: the offsets lie inside the data and cut it into UTF-8; the nulls have one bit for each value.
    Arc::new(unsafe { StringArray::new_unchecked(offsets, data, nulls) })
}

/// A Bytes array. Offsets ascend from the first, not negative, to the last, inside `data`.
pub(super) fn bytes(offsets: ScalarBuffer<i32>, data: Buffer, nulls: Option<NullBuffer>) -> ArrayRef {
    // SAFETY: the offsets ascend and are not negative (see the head of this file).
    let offsets = unsafe { OffsetBuffer::new_unchecked(offsets) };
    // SAFETY: the offsets lie inside the data; the nulls have one bit for each value.
    Arc::new(unsafe { BinaryArray::new_unchecked(offsets, data, nulls) })
}
