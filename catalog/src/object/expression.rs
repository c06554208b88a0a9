//! Definitions that only `sql` understands, and the addresses of what they stand on.

use serde::{Deserialize, Serialize};

/// An object, or a column of a relation, in PostgreSQL's way of naming: (class, oid, attribute number or 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectAddress {
    pub class: u32,
    pub object: u32,
    pub column: i16,
}

impl ObjectAddress {
    pub const fn new(class: u32, object: u32) -> ObjectAddress {
        ObjectAddress { class, object, column: 0 }
    }

    /// A relation as a whole.
    pub const fn relation(oid: u32) -> ObjectAddress {
        ObjectAddress::new(crate::builtin::PG_CLASS_CLASS, oid)
    }

    /// A column of a relation.
    pub const fn column(relation: u32, number: i16) -> ObjectAddress {
        ObjectAddress { class: crate::builtin::PG_CLASS_CLASS, object: relation, column: number }
    }
}

/// An analyzed expression or query: `sql`'s typed tree, by oid and column number, so that names may change beneath it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredExpression {
    /// Version of the tree's form, `sql`'s.
    pub version: u32,
    pub tree: serde_json::Value,
    /// The SQL it came from, for messages and as a last resort of display.
    pub text: String,
    /// What must not vanish while this stands.
    pub dependencies: Vec<ObjectAddress>,
}
