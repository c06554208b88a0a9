//! What the catalog says about functions, as evaluation asks it.

use std::collections::HashSet;
use std::sync::OnceLock;

use catalog::builtin::{self, Volatility};

/// Whether a NULL argument makes the result NULL without a call. A function the catalog does not know is not strict.
pub fn strict(function: u32) -> bool {
    builtin::function_by_oid(function).is_some_and(|row| row.strict)
}

/// Whether a function may give another value each time; one the catalog does not know counts as such.
pub fn volatile(function: u32) -> bool {
    builtin::function_by_oid(function).is_none_or(|row| row.volatility == Volatility::Volatile)
}

/// Whether a function is a comparison: one behind `=`, `<>`, `<`, `<=`, `>` or `>=`.
pub fn is_comparison(function: u32) -> bool {
    static FUNCTIONS: OnceLock<HashSet<u32>> = OnceLock::new();
    FUNCTIONS.get_or_init(|| functions_of(&["=", "<>", "<", "<=", ">", ">="])).contains(&function)
}

/// Whether a function is behind a `=` that is the equality of its type.
pub fn is_equality(function: u32) -> bool {
    static FUNCTIONS: OnceLock<HashSet<u32>> = OnceLock::new();
    FUNCTIONS.get_or_init(|| functions_of(&["="])).contains(&function)
}

fn functions_of(operators: &[&str]) -> HashSet<u32> {
    let of = |name: &&str| builtin::operators_by_name(name).iter().map(|row| row.function);
    operators.iter().flat_map(of).collect()
}

/// The function's name for messages.
pub fn name(function: u32) -> String {
    match builtin::function_by_oid(function) {
        Some(row) => row.name.to_owned(),
        None => format!("of oid {function}"),
    }
}
