//! pg_operator: the built-in operators, with PostgreSQL's oids.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::functions::function_by_oid;
use super::tsv::Table;

/// A row of pg_operator.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorRow {
    pub oid: u32,
    pub name: &'static str,
    pub schema: u32,
    /// b binary, l prefix.
    pub kind: char,
    pub merges: bool,
    pub hashes: bool,
    /// 0 for a prefix operator.
    pub left: u32,
    pub right: u32,
    pub result: u32,
    pub commutator: u32,
    pub negator: u32,
    /// The pg_proc oid that computes it.
    pub function: u32,
    pub restriction: u32,
    pub join: u32,
}

struct Operators {
    rows: &'static [OperatorRow],
    by_oid: HashMap<u32, &'static OperatorRow>,
    by_name: HashMap<&'static str, Vec<&'static OperatorRow>>,
    by_signature: HashMap<(&'static str, u32, u32), &'static OperatorRow>,
}

fn load() -> &'static Operators {
    static OPERATORS: OnceLock<Operators> = OnceLock::new();
    OPERATORS.get_or_init(|| {
        let table = Table::parse("operators.tsv", include_str!("../../data/operators.tsv"))
            .and(include_str!("../../data/vector/operators.tsv"));
        let rows = table.rows().map(|row| OperatorRow {
            oid: row.number("oid"),
            name: row.text("oprname"),
            schema: row.number("oprnamespace"),
            kind: row.character("oprkind"),
            merges: row.flag("oprcanmerge"),
            hashes: row.flag("oprcanhash"),
            left: row.number("oprleft"),
            right: row.number("oprright"),
            result: row.number("oprresult"),
            commutator: row.number("oprcom"),
            negator: row.number("oprnegate"),
            function: row.number("oprcode"),
            restriction: row.number("oprrest"),
            join: row.number("oprjoin"),
        });
        let rows: Vec<OperatorRow> = rows.filter(|row| function_by_oid(row.function).is_some()).collect();
        let rows: &'static [OperatorRow] = Box::leak(rows.into_boxed_slice());
        let mut by_name: HashMap<&'static str, Vec<&'static OperatorRow>> = HashMap::new();
        for row in rows {
            by_name.entry(row.name).or_default().push(row);
        }
        Operators {
            rows,
            by_oid: rows.iter().map(|row| (row.oid, row)).collect(),
            by_name,
            by_signature: rows.iter().map(|row| ((row.name, row.left, row.right), row)).collect(),
        }
    })
}

/// All built-in operators whose function works, by oid.
pub fn operators() -> &'static [OperatorRow] {
    load().rows
}

/// The operator of that oid.
pub fn operator_by_oid(oid: u32) -> Option<&'static OperatorRow> {
    load().by_oid.get(&oid).copied()
}

/// Every overload of an operator name, prefix and binary.
pub fn operators_by_name(name: &str) -> &'static [&'static OperatorRow] {
    load().by_name.get(name).map_or(&[], Vec::as_slice)
}

/// The operator of exactly these argument types; `left` is 0 for a prefix operator.
pub fn operator(name: &'_ str, left: u32, right: u32) -> Option<&'static OperatorRow> {
    let operators = load();
    // The map's key borrows for ever, so the name is first exchanged for the stored one.
    let (&name, _) = operators.by_name.get_key_value(name)?;
    operators.by_signature.get(&(name, left, right)).copied()
}
