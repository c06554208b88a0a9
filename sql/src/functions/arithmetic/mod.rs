//! Arithmetic and bit operators over integers and floats.

pub(super) mod float;
pub(super) mod integer;
