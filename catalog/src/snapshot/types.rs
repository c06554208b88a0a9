//! Types: built in, and the row types of relations with their arrays.

use std::borrow::Cow;
use std::sync::Arc;

use super::Snapshot;
use crate::builtin::{self, ARRAY_SUBSCRIPT, PG_CATALOG, TypeRow, VECTOR};
use crate::object::{Relation, UserType};

impl Snapshot {
    /// The type of that oid.
    pub fn type_by_oid(&self, database: u32, oid: u32) -> Option<Cow<'_, TypeRow>> {
        if let Some(row) = builtin::type_by_oid(oid) {
            return match row.schema {
                VECTOR => self.placed_type(database, row).map(Cow::Owned),
                _ => Some(Cow::Borrowed(row)),
            };
        }
        let contents = self.contents(database)?;
        if let Some(user_type) = contents.user_types.get(&oid) {
            return Some(Cow::Owned(self.user_type_row(database, user_type)));
        }
        if let Some(user_type) = contents.user_arrays.get(&oid).and_then(|oid| contents.user_types.get(oid)) {
            return Some(Cow::Owned(user_array_row(self.user_type_row(database, user_type))));
        }
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
        if let Some(row) = builtin::extension_type_by_name(name)
            && self.placed(database, row.schema) == Some(schema)
        {
            return self.type_by_oid(database, row.oid);
        }
        if let Some(user_type) = self.user_type_by_name(database, schema, name) {
            return self.type_by_oid(database, user_type.oid);
        }
        if let Some(user_type) =
            name.strip_prefix('_').and_then(|name| self.user_type_by_name(database, schema, name))
            && user_type.array_type != 0
        {
            return self.type_by_oid(database, user_type.array_type);
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

    /// The built-in types, those of the extensions installed among them.
    pub fn described_types(&self, database: u32) -> impl Iterator<Item = Cow<'static, TypeRow>> {
        builtin::types().iter().filter_map(move |row| match row.schema {
            VECTOR => self.placed_type(database, row).map(Cow::Owned),
            _ => Some(Cow::Borrowed(row)),
        })
    }

    /// The row and array types of a database's relations, by oid.
    pub fn row_types(&self, database: u32) -> Vec<TypeRow> {
        let typed = self.relations(database).filter(|relation| relation.row_type != 0);
        let mut rows: Vec<TypeRow> =
            typed.flat_map(|relation| [row_type(relation), array_type(relation)]).collect();
        for user_type in self.user_types(database) {
            let row = self.user_type_row(database, user_type);
            if user_type.array_type != 0 {
                rows.push(user_array_row(row.clone()));
            }
            rows.push(row);
        }
        rows.sort_by_key(|row| row.oid);
        rows
    }
}

impl Snapshot {
    /// The type that a domain stands on in the end, with the typmod that it gives; any other type as it is.
    pub fn base_type(&self, database: u32, type_oid: u32) -> (u32, i32) {
        let mut found = (type_oid, -1);
        while let Some(domain) = self.user_type(database, found.0).and_then(|user_type| user_type.domain()) {
            found = (domain.base, if domain.typmod >= 0 { domain.typmod } else { found.1 });
        }
        found
    }

    fn user_type_row(&self, database: u32, user_type: &UserType) -> TypeRow {
        let plain = TypeRow {
            oid: user_type.oid,
            name: Cow::Owned(user_type.name.clone()),
            schema: user_type.schema,
            owner: user_type.owner,
            length: 4,
            by_value: true,
            kind: 'e',
            category: 'E',
            preferred: false,
            delimiter: ',',
            relation: 0,
            subscript: 0,
            element: 0,
            array: user_type.array_type,
            input: ENUM_FUNCTIONS[0],
            output: ENUM_FUNCTIONS[1],
            receive: ENUM_FUNCTIONS[2],
            send: ENUM_FUNCTIONS[3],
            modifier_input: 0,
            modifier_output: 0,
            analyze: 0,
            align: 'i',
            storage: 'p',
            not_null: false,
            base: 0,
            typmod: -1,
            dimensions: 0,
            collation: 0,
        };
        let Some(domain) = user_type.domain() else { return plain };
        let (base, _) = self.base_type(database, user_type.oid);
        let Some(base) = self.type_by_oid(database, base) else { return plain };
        TypeRow {
            oid: plain.oid,
            name: plain.name,
            schema: plain.schema,
            owner: plain.owner,
            kind: 'd',
            array: 0,
            preferred: false,
            relation: 0,
            subscript: 0,
            element: 0,
            input: DOMAIN_FUNCTIONS[0],
            receive: DOMAIN_FUNCTIONS[1],
            modifier_input: 0,
            modifier_output: 0,
            not_null: domain.not_null,
            base: domain.base,
            typmod: domain.typmod,
            collation: domain.collation,
            ..base.into_owned()
        }
    }
}

/// pg_proc oids of the functions that read and write any enum, and any domain.
const ENUM_FUNCTIONS: [u32; 4] = [3506, 3507, 3532, 3533];
const DOMAIN_FUNCTIONS: [u32; 2] = [2597, 2598];

fn user_array_row(element: TypeRow) -> TypeRow {
    TypeRow {
        oid: element.array,
        name: Cow::Owned(format!("_{}", element.name)),
        length: -1,
        by_value: false,
        kind: 'b',
        category: 'A',
        subscript: ARRAY_SUBSCRIPT,
        element: element.oid,
        array: 0,
        input: ARRAY_FUNCTIONS[0],
        output: ARRAY_FUNCTIONS[1],
        receive: ARRAY_FUNCTIONS[2],
        send: ARRAY_FUNCTIONS[3],
        analyze: ARRAY_ANALYZE,
        storage: 'x',
        ..element
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
