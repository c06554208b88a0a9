//! The syntax tree: what a statement says, with no name resolved.
//!
//! Identifiers are already folded to lower case unless they were quoted. Every node that an error can point at
//! carries `at`, the byte offset in the text of the token that PostgreSQL would point at.

mod administration;
mod data_definition;
mod expression;
mod modify;
mod query;
mod session;
mod statement;
mod user_type;

pub use administration::*;
pub use data_definition::*;
pub use expression::*;
pub use modify::*;
pub use query::*;
pub use session::*;
pub use statement::*;
pub use user_type::*;

/// A name of up to three parts, outermost first.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectName {
    pub parts: Vec<String>,
    pub at: u32,
}

impl ObjectName {
    /// The last part.
    pub fn name(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    /// The part before the last, where there is one.
    pub fn schema(&self) -> Option<&str> {
        self.parts.len().checked_sub(2).and_then(|i| self.parts.get(i)).map(String::as_str)
    }
}

impl std::fmt::Display for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.parts.join("."))
    }
}

/// One identifier with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    pub text: String,
    pub at: u32,
}

/// A type as written. Keyword types (`integer`, `double precision`) have their internal name under pg_catalog.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeName {
    pub name: ObjectName,
    /// `(10, 2)`: as written; interval fields arrive as PostgreSQL's range mask.
    pub modifiers: Vec<Expression>,
    /// One entry a dimension, -1 without a bound. PostgreSQL ignores the bounds.
    pub array_bounds: Vec<i32>,
    pub set_of: bool,
    /// `table.column%TYPE`.
    pub percent_type: bool,
    pub at: u32,
}
