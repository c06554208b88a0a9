//! Extensions of a database, and where it has what they bring.

use super::Snapshot;
use crate::builtin::{self, PG_CATALOG, TypeRow, VECTOR};
use crate::object::Extension;

impl Snapshot {
    /// The installed extension of that name.
    pub fn extension_by_name(&self, database: u32, name: &str) -> Option<&Extension> {
        self.extensions(database).find(|extension| extension.name == name)
    }

    /// The schema that a database has a described object in: that of an extension's objects is the extension's, and
    /// none before it is installed.
    pub fn placed(&self, database: u32, schema: u32) -> Option<u32> {
        if schema != VECTOR {
            return Some(schema);
        }
        self.extension_by_name(database, "vector").map(|extension| extension.schema)
    }

    /// Whether a database has the type of a description: an extension's only where that is installed.
    pub fn has_described_type(&self, database: u32, oid: u32) -> bool {
        builtin::type_by_oid(oid).is_none_or(|row| self.placed(database, row.schema).is_some())
    }

    /// Whether a database has the operator family of that oid.
    pub fn has_operator_family(&self, database: u32, oid: u32) -> bool {
        let schema = builtin::operator_family(oid).map_or(PG_CATALOG, |row| row.schema);
        self.placed(database, schema).is_some()
    }

    /// A described type as a database has it.
    pub(super) fn placed_type(&self, database: u32, row: &'static TypeRow) -> Option<TypeRow> {
        let schema = self.placed(database, row.schema)?;
        Some(TypeRow { schema, ..row.clone() })
    }
}
