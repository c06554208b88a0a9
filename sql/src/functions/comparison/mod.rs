//! Comparison operators' functions.

pub(super) mod float;
pub(super) mod integer;
pub(super) mod plain;
pub(super) mod text;
