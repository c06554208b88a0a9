//! Facts about types that resolution asks for.

use std::borrow::Cow;

use catalog::builtin::{PG_CATALOG, TypeRow};

use super::Analyzer;
use crate::types::{format_type, oid};

/// TYPCATEGORY of string types.
pub(super) const STRING: char = 'S';

impl<'a> Analyzer<'a> {
    /// A type of the statement's catalog, or of one of the past that the statement reads.
    pub(super) fn type_row(&self, type_oid: u32) -> Option<Cow<'a, TypeRow>> {
        let database = self.environment.database;
        let found = self.environment.catalog.type_by_oid(database, type_oid);
        found.or_else(|| {
            let catalogs = self.past_uses.iter().filter_map(|known| known.catalog.as_ref());
            let mut found = catalogs.filter_map(|catalog| catalog.type_by_oid(database, type_oid));
            found.next().map(|row| Cow::Owned(row.into_owned()))
        })
    }

    /// The schema of a described object in this database: see `Snapshot::placed`.
    pub(super) fn placed(&self, schema: u32) -> Option<u32> {
        match schema {
            PG_CATALOG => Some(schema),
            _ => self.environment.catalog.placed(self.environment.database, schema),
        }
    }

    /// Category of a type; 'X' (unknown) for what is no type.
    pub(super) fn category(&self, type_oid: u32) -> char {
        match catalog::builtin::type_by_oid(type_oid) {
            Some(row) => row.category,
            None => self.type_row(type_oid).map_or('X', |row| row.category),
        }
    }

    pub(super) fn is_preferred(&self, type_oid: u32) -> bool {
        catalog::builtin::type_by_oid(type_oid).is_some_and(|row| row.preferred)
    }

    /// The element type of a true array, else 0.
    pub(super) fn element_type(&self, type_oid: u32) -> u32 {
        match catalog::builtin::type_by_oid(type_oid) {
            Some(_) if type_oid == oid::RECORD_ARRAY => oid::RECORD,
            Some(row) if row.is_array() => row.element,
            Some(_) => 0,
            None => self.type_row(type_oid).filter(|row| row.is_array()).map_or(0, |row| row.element),
        }
    }

    /// The array type over a type, else 0.
    pub(super) fn array_type(&self, type_oid: u32) -> u32 {
        match type_oid {
            oid::RECORD => oid::RECORD_ARRAY,
            _ => self.type_row(type_oid).map_or(0, |row| row.array),
        }
    }

    pub(super) fn is_composite(&self, type_oid: u32) -> bool {
        type_oid == oid::RECORD || self.type_row(type_oid).is_some_and(|row| row.kind == 'c')
    }

    /// The collation a value of this type has when nothing says otherwise.
    pub(super) fn default_collation(&self, type_oid: u32) -> u32 {
        match catalog::builtin::type_by_oid(type_oid) {
            Some(row) if row.is_array() => self.default_collation(row.element),
            Some(row) => row.collation,
            None => 0,
        }
    }

    /// The name of a type in messages.
    pub(super) fn type_text(&self, type_oid: u32) -> String {
        match (catalog::builtin::type_by_oid(type_oid), self.type_row(type_oid)) {
            (None, Some(row)) if row.is_array() => format!("{}[]", self.type_text(row.element)),
            (None, Some(row)) => row.name.to_string(),
            _ => format_type(type_oid, -1, self.environment.input.names),
        }
    }
}

/// Whether a type is one of the polymorphic pseudo-types.
pub(super) fn is_polymorphic(type_oid: u32) -> bool {
    matches!(
        type_oid,
        oid::ANYELEMENT
            | oid::ANYARRAY
            | oid::ANYNONARRAY
            | oid::ANYENUM
            | oid::ANYCOMPATIBLE
            | oid::ANYCOMPATIBLEARRAY
            | oid::ANYCOMPATIBLENONARRAY
    ) || is_polymorphic_range(type_oid)
}

/// Whether a type stands for any range or multirange, of which this server has none.
pub(super) fn is_polymorphic_range(type_oid: u32) -> bool {
    // anyrange, anymultirange, anycompatiblerange, anycompatiblemultirange
    matches!(type_oid, 3831 | 4537 | 5080 | 4538)
}
