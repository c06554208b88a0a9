//! What the catalog says about functions, as evaluation asks it.

use catalog::builtin::{self, Volatility};

/// Whether a NULL argument makes the result NULL without a call. A function the catalog does not know is not strict.
pub fn strict(function: u32) -> bool {
    builtin::function_by_oid(function).is_some_and(|row| row.strict)
}

/// Whether a function may give another value each time; one the catalog does not know counts as such.
pub fn volatile(function: u32) -> bool {
    builtin::function_by_oid(function).is_none_or(|row| row.volatility == Volatility::Volatile)
}

/// The function's name for messages.
pub fn name(function: u32) -> String {
    match builtin::function_by_oid(function) {
        Some(row) => row.name.to_owned(),
        None => format!("of oid {function}"),
    }
}
