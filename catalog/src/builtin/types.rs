//! pg_type: the types this server has, with PostgreSQL's oids.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use super::tsv::Table;

/// A row of pg_type.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeRow {
    pub oid: u32,
    pub name: Cow<'static, str>,
    pub schema: u32,
    pub owner: u32,
    /// Bytes of a fixed-length type, -1 variable, -2 a C string: as PostgreSQL stores it, for clients to see.
    pub length: i16,
    pub by_value: bool,
    /// b base, c composite, d domain, e enum, p pseudo, r range, m multirange.
    pub kind: char,
    pub category: char,
    pub preferred: bool,
    pub delimiter: char,
    /// The relation of a row type, else 0.
    pub relation: u32,
    pub subscript: u32,
    /// The element type of an array (and of the few vectors that subscript like one), else 0.
    pub element: u32,
    /// The array type over this one, else 0.
    pub array: u32,
    pub input: u32,
    pub output: u32,
    pub receive: u32,
    pub send: u32,
    pub modifier_input: u32,
    pub modifier_output: u32,
    pub analyze: u32,
    pub align: char,
    pub storage: char,
    pub not_null: bool,
    /// The type below a domain, else 0.
    pub base: u32,
    pub typmod: i32,
    pub dimensions: i32,
    /// 100 for collatable types, 950 for name, else 0.
    pub collation: u32,
}

impl TypeRow {
    /// Whether this is a true array type, as PostgreSQL sees it: int2vector and oidvector are, name is not.
    pub fn is_array(&self) -> bool {
        self.category == 'A' && self.element != 0 && self.length == -1 && self.subscript == ARRAY_SUBSCRIPT
    }
}

/// pg_proc oid of array_subscript_handler: what marks a true array.
pub const ARRAY_SUBSCRIPT: u32 = 6179;

struct Types {
    rows: Vec<TypeRow>,
    by_oid: HashMap<u32, usize>,
    by_name: HashMap<&'static str, usize>,
    /// Of the extensions, whatever schema they are installed in.
    extended: HashMap<&'static str, usize>,
}

fn load() -> &'static Types {
    static TYPES: OnceLock<Types> = OnceLock::new();
    TYPES.get_or_init(|| {
        let table = Table::parse("types.tsv", include_str!("../../data/types.tsv"))
            .and(include_str!("../../data/vector/types.tsv"));
        let mut types = Types {
            rows: Vec::new(),
            by_oid: HashMap::new(),
            by_name: HashMap::new(),
            extended: HashMap::new(),
        };
        for row in table.rows() {
            let name = row.text("typname");
            let index = types.rows.len();
            types.rows.push(TypeRow {
                oid: row.number("oid"),
                name: Cow::Borrowed(name),
                schema: row.number("typnamespace"),
                owner: row.number("typowner"),
                length: row.number("typlen"),
                by_value: row.flag("typbyval"),
                kind: row.character("typtype"),
                category: row.character("typcategory"),
                preferred: row.flag("typispreferred"),
                delimiter: row.character("typdelim"),
                relation: row.number("typrelid"),
                subscript: row.number("typsubscript"),
                element: row.number("typelem"),
                array: row.number("typarray"),
                input: row.number("typinput"),
                output: row.number("typoutput"),
                receive: row.number("typreceive"),
                send: row.number("typsend"),
                modifier_input: row.number("typmodin"),
                modifier_output: row.number("typmodout"),
                analyze: row.number("typanalyze"),
                align: row.character("typalign"),
                storage: row.character("typstorage"),
                not_null: row.flag("typnotnull"),
                base: row.number("typbasetype"),
                typmod: row.number("typtypmod"),
                dimensions: row.number("typndims"),
                collation: row.number("typcollation"),
            });
            types.by_oid.insert(types.rows[index].oid, index);
            if types.rows[index].schema == super::PG_CATALOG {
                types.by_name.insert(name, index);
            } else if types.rows[index].schema == super::VECTOR {
                types.extended.insert(name, index);
            }
        }
        types
    })
}

/// All built-in types, by oid.
pub fn types() -> &'static [TypeRow] {
    &load().rows
}

/// The built-in type of that oid.
pub fn type_by_oid(oid: u32) -> Option<&'static TypeRow> {
    let types = load();
    types.by_oid.get(&oid).map(|&index| &types.rows[index])
}

/// The type of that name in pg_catalog. Names are internal ones: int4, not integer.
pub fn type_by_name(name: &str) -> Option<&'static TypeRow> {
    let types = load();
    types.by_name.get(name).map(|&index| &types.rows[index])
}

/// The type of that name that an extension brings; its schema stands for the extension's.
pub fn extension_type_by_name(name: &str) -> Option<&'static TypeRow> {
    let types = load();
    types.extended.get(name).map(|&index| &types.rows[index])
}

/// The type a domain stands for, through domains over domains; any other type is itself.
pub fn base_type(oid: u32) -> u32 {
    let mut current = oid;
    while let Some(row) = type_by_oid(current) {
        if row.kind != 'd' {
            break;
        }
        current = row.base;
    }
    current
}
