//! Mathematical functions over floats, and random numbers.

pub(super) mod degrees;
pub(super) mod float;
pub(super) mod numeric;
pub(super) mod random;
pub(super) mod trigonometry;
