//! Types: built in, and the row types of relations with their arrays.

use std::borrow::Cow;
use std::sync::Arc;

use super::Snapshot;
use crate::builtin::{self, ARRAY_SUBSCRIPT, PG_CATALOG, TypeRow};
use crate::object::Relation;

impl Snapshot {
    /// The type of that oid.
    pub fn type_by_oid(&self, database: u32, oid: u32) -> Option<Cow<'_, TypeRow>> {
        if let Some(row) = builtin::type_by_oid(oid) {
            return Some(Cow::Borrowed(row));
        }
        let contents = self.contents(database)?;
        let relation = contents.relations.get(contents.types.get(&oid)?)?;
        Some(Cow::Owned(if oid == relation.row_type { row_type(relation) } else { array_type(relation) }))
    }

    /// The type of that (internal) name in a schema.
    pub fn type_by_name(&self, database: u32, schema: u32, name: &str) -> Option<Cow<'_, TypeRow>> {
        if schema == PG_CATALOG
            && let Some(row) = builtin::type_by_name(name)
        {
            return Some(Cow::Borrowed(row));
        }
        if let Some(relation) = self.relation_by_name(database, schema, name)
            && relation.row_type != 0
        {
            return self.type_by_oid(database, relation.row_type);
        }
        let relation = self.relation_by_name(database, schema, name.strip_prefix('_')?)?;
        self.type_by_oid(database, relation.array_type)
    }

    /// The type an unqualified name means under a search path.
    pub fn find_type(&self, database: u32, search_path: &[Arc<str>], name: &str) -> Option<Cow<'_, TypeRow>> {
        self.search_schemas(database, search_path)
            .into_iter()
            .find_map(|schema| self.type_by_name(database, schema, name))
    }

    /// The row and array types of a database's relations, by oid.
    pub fn row_types(&self, database: u32) -> Vec<TypeRow> {
        let typed = self.relations(database).filter(|relation| relation.row_type != 0);
        let mut rows: Vec<TypeRow> =
            typed.flat_map(|relation| [row_type(relation), array_type(relation)]).collect();
        rows.sort_by_key(|row| row.oid);
        rows
    }
}

/// pg_proc oids of the functions that read and write any row, and any array.
const RECORD_FUNCTIONS: [u32; 4] = [2290, 2291, 2402, 2403];
const ARRAY_FUNCTIONS: [u32; 4] = [750, 751, 2400, 2401];
const ARRAY_ANALYZE: u32 = 3816;

fn row_type(relation: &Relation) -> TypeRow {
    TypeRow {
        oid: relation.row_type,
        name: Cow::Owned(relation.name.clone()),
        schema: relation.schema,
        owner: relation.owner,
        length: -1,
        by_value: false,
        kind: 'c',
        category: 'C',
        preferred: false,
        delimiter: ',',
        relation: relation.oid,
        subscript: 0,
        element: 0,
        array: relation.array_type,
        input: RECORD_FUNCTIONS[0],
        output: RECORD_FUNCTIONS[1],
        receive: RECORD_FUNCTIONS[2],
        send: RECORD_FUNCTIONS[3],
        modifier_input: 0,
        modifier_output: 0,
        analyze: 0,
        align: 'd',
        storage: 'x',
        not_null: false,
        base: 0,
        typmod: -1,
        dimensions: 0,
        collation: 0,
    }
}

fn array_type(relation: &Relation) -> TypeRow {
    TypeRow {
        oid: relation.array_type,
        name: Cow::Owned(format!("_{}", relation.name)),
        kind: 'b',
        category: 'A',
        relation: 0,
        subscript: ARRAY_SUBSCRIPT,
        element: relation.row_type,
        array: 0,
        input: ARRAY_FUNCTIONS[0],
        output: ARRAY_FUNCTIONS[1],
        receive: ARRAY_FUNCTIONS[2],
        send: ARRAY_FUNCTIONS[3],
        analyze: ARRAY_ANALYZE,
        ..row_type(relation)
    }
}
