//! Cast functions.

pub(super) mod number;
