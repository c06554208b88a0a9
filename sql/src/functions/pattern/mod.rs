//! Pattern matching: LIKE, SIMILAR TO, and PostgreSQL's advanced regular expressions.

pub(super) mod like;
pub(super) mod regex;
pub(super) mod regexp;
pub(super) mod similar;
