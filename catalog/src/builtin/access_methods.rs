//! pg_am, pg_opclass, pg_opfamily, pg_amop, pg_amproc: how indexes order and match types.

use std::sync::OnceLock;

use super::tsv::{Row, Table};

/// Oid of the access method btree.
pub const BTREE: u32 = 403;
/// Oid of the access method hash.
pub const HASH: u32 = 405;
/// Oid of the access method ivfflat, of the extension vector.
pub const IVFFLAT: u32 = 8700;
/// Oid of the access method hnsw, of the extension vector.
pub const HNSW: u32 = 8701;

/// A row of pg_am.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessMethodRow {
    pub oid: u32,
    pub name: &'static str,
    pub handler: u32,
    /// t table, i index.
    pub kind: char,
}

impl AccessMethodRow {
    /// The schema that stands for what brings it.
    pub fn schema(&self) -> u32 {
        if matches!(self.oid, HNSW | IVFFLAT) { super::VECTOR } else { super::PG_CATALOG }
    }
}

/// A row of pg_opclass.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorClassRow {
    pub oid: u32,
    pub method: u32,
    pub name: &'static str,
    pub schema: u32,
    pub family: u32,
    pub input_type: u32,
    pub default: bool,
    pub key_type: u32,
}

/// A row of pg_opfamily.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorFamilyRow {
    pub oid: u32,
    pub method: u32,
    pub name: &'static str,
    pub schema: u32,
}

/// A row of pg_amop. Strategies of btree: 1 <, 2 <=, 3 =, 4 >=, 5 >; of hash: 1 =; of hnsw and ivfflat: 1 the distance.
#[derive(Clone, Debug, PartialEq)]
pub struct FamilyOperatorRow {
    pub oid: u32,
    pub family: u32,
    pub left: u32,
    pub right: u32,
    pub strategy: i16,
    pub purpose: char,
    pub operator: u32,
    pub method: u32,
    pub sort_family: u32,
}

/// A row of pg_amproc.
#[derive(Clone, Debug, PartialEq)]
pub struct FamilyFunctionRow {
    pub oid: u32,
    pub family: u32,
    pub left: u32,
    pub right: u32,
    pub number: i16,
    pub function: u32,
}

fn rows<T>(name: &'static str, text: [&'static str; 2], read: fn(Row<'_>) -> T) -> Vec<T> {
    let [own, vector] = text;
    Table::parse(name, own).and(vector).rows().map(read).collect()
}

/// A data file and what the extension vector adds to it.
macro_rules! files {
    ($name:literal) => {
        [include_str!(concat!("../../data/", $name)), include_str!(concat!("../../data/vector/", $name))]
    };
}

/// The access methods.
pub fn access_methods() -> &'static [AccessMethodRow] {
    static ROWS: OnceLock<Vec<AccessMethodRow>> = OnceLock::new();
    ROWS.get_or_init(|| {
        rows("access_methods.tsv", files!("access_methods.tsv"), |row| AccessMethodRow {
            oid: row.number("oid"),
            name: row.text("amname"),
            handler: row.number("amhandler"),
            kind: row.character("amtype"),
        })
    })
}

/// The operator classes.
pub fn operator_classes() -> &'static [OperatorClassRow] {
    static ROWS: OnceLock<Vec<OperatorClassRow>> = OnceLock::new();
    ROWS.get_or_init(|| {
        rows("operator_classes.tsv", files!("operator_classes.tsv"), |row| OperatorClassRow {
            oid: row.number("oid"),
            method: row.number("opcmethod"),
            name: row.text("opcname"),
            schema: row.number("opcnamespace"),
            family: row.number("opcfamily"),
            input_type: row.number("opcintype"),
            default: row.flag("opcdefault"),
            key_type: row.number("opckeytype"),
        })
    })
}

/// The operator families.
pub fn operator_families() -> &'static [OperatorFamilyRow] {
    static ROWS: OnceLock<Vec<OperatorFamilyRow>> = OnceLock::new();
    ROWS.get_or_init(|| {
        rows("operator_families.tsv", files!("operator_families.tsv"), |row| OperatorFamilyRow {
            oid: row.number("oid"),
            method: row.number("opfmethod"),
            name: row.text("opfname"),
            schema: row.number("opfnamespace"),
        })
    })
}

/// The operators of the families.
pub fn family_operators() -> &'static [FamilyOperatorRow] {
    static ROWS: OnceLock<Vec<FamilyOperatorRow>> = OnceLock::new();
    ROWS.get_or_init(|| {
        rows("family_operators.tsv", files!("family_operators.tsv"), |row| FamilyOperatorRow {
            oid: row.number("oid"),
            family: row.number("amopfamily"),
            left: row.number("amoplefttype"),
            right: row.number("amoprighttype"),
            strategy: row.number("amopstrategy"),
            purpose: row.character("amoppurpose"),
            operator: row.number("amopopr"),
            method: row.number("amopmethod"),
            sort_family: row.number("amopsortfamily"),
        })
    })
}

/// The support functions of the families.
pub fn family_functions() -> &'static [FamilyFunctionRow] {
    static ROWS: OnceLock<Vec<FamilyFunctionRow>> = OnceLock::new();
    ROWS.get_or_init(|| {
        rows("family_functions.tsv", files!("family_functions.tsv"), |row| FamilyFunctionRow {
            oid: row.number("oid"),
            family: row.number("amprocfamily"),
            left: row.number("amproclefttype"),
            right: row.number("amprocrighttype"),
            number: row.number("amprocnum"),
            function: row.number("amproc"),
        })
    })
}

/// The operator family of that oid.
pub fn operator_family(oid: u32) -> Option<&'static OperatorFamilyRow> {
    operator_families().iter().find(|family| family.oid == oid)
}

/// The operator class of that oid.
pub fn operator_class(oid: u32) -> Option<&'static OperatorClassRow> {
    operator_classes().iter().find(|class| class.oid == oid)
}

/// The function by whose values an operator class brings rows into order: a distance.
pub fn ordering_function(class: u32) -> Option<u32> {
    let class = operator_class(class)?;
    let orders = |row: &&FamilyOperatorRow| row.family == class.family && row.purpose == 'o';
    let operator = family_operators().iter().find(orders)?.operator;
    super::operator_by_oid(operator).map(|row| row.function)
}

/// The class an index of `method` takes for a column of `type_oid` when none is named. varchar goes by text's,
/// any array by anyarray's, any row type by record's: what binary-coercible means here.
pub fn default_operator_class(method: u32, type_oid: u32) -> Option<&'static OperatorClassRow> {
    let exact = |oid: u32| {
        operator_classes()
            .iter()
            .find(|class| class.method == method && class.default && class.input_type == oid)
    };
    let row = super::type_by_oid(super::base_type(type_oid));
    let family = match row {
        _ if type_oid == super::VARCHAR => super::TEXT,
        Some(row) if row.is_array() => super::ANYARRAY,
        Some(row) if row.kind == 'c' => super::RECORD,
        // Kinds of oid compare as oids.
        Some(row) if row.kind == 'b' && row.name.starts_with("reg") => super::OID,
        Some(row) => row.oid,
        None => super::RECORD,
    };
    exact(type_oid).or_else(|| exact(family))
}

/// The equality operator (=) that btree, or else hash, uses for a type.
pub fn equality_operator(type_oid: u32) -> Option<u32> {
    let find = |method: u32, strategy: i16| {
        let class = default_operator_class(method, type_oid)?;
        let matches = |row: &&FamilyOperatorRow| {
            row.family == class.family
                && row.strategy == strategy
                && row.left == class.input_type
                && row.right == class.input_type
        };
        family_operators().iter().find(matches).map(|row| row.operator)
    };
    find(BTREE, 3).or_else(|| find(HASH, 1))
}
