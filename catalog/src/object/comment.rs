//! COMMENT ON.

use serde::{Deserialize, Serialize};

use super::ObjectAddress;

/// A comment on an object. `database` is 0 for objects shared by all (databases, roles).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comment {
    pub database: u32,
    pub address: ObjectAddress,
    pub text: String,
}
