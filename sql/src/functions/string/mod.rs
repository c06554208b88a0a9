//! Functions over text and bytea.

pub(super) mod basic;
pub(super) mod bit;
pub(super) mod bytes;
pub(super) mod code;
pub(super) mod content;
pub(super) mod digest;
pub(super) mod encode;
pub(super) mod hash;
pub(super) mod join;
pub(super) mod keyword;
pub(super) mod part;
pub(super) mod quote;
pub(super) mod trim;
