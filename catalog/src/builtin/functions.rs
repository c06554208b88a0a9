//! pg_proc: the built-in functions, aggregates and window functions, with PostgreSQL's oids.
//!
//! The list is restricted to what works: `implemented_functions.txt` names the oids with an implementation, and is
//! held equal to the implementations by a test beside them. While that file is empty nothing is left out.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::tsv::{Row, Table};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FunctionKind {
    Plain,
    Aggregate,
    Window,
    Procedure,
}

impl FunctionKind {
    /// The letter in pg_proc.prokind.
    pub fn letter(self) -> char {
        match self {
            FunctionKind::Plain => 'f',
            FunctionKind::Aggregate => 'a',
            FunctionKind::Window => 'w',
            FunctionKind::Procedure => 'p',
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Volatility {
    Immutable,
    Stable,
    Volatile,
}

impl Volatility {
    /// The letter in pg_proc.provolatile.
    pub fn letter(self) -> char {
        match self {
            Volatility::Immutable => 'i',
            Volatility::Stable => 's',
            Volatility::Volatile => 'v',
        }
    }
}

/// A row of pg_proc.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionRow {
    pub oid: u32,
    pub name: &'static str,
    pub schema: u32,
    pub language: u32,
    pub cost: f32,
    pub rows: f32,
    /// The element type of a VARIADIC parameter (or "any", 2276), else 0.
    pub variadic: u32,
    pub support: u32,
    pub kind: FunctionKind,
    pub security_definer: bool,
    pub leakproof: bool,
    pub strict: bool,
    pub returns_set: bool,
    pub volatility: Volatility,
    pub parallel: char,
    pub return_type: u32,
    /// Input parameters only.
    pub arguments: Vec<u32>,
    /// Input and output parameters, where there are any of the latter.
    pub all_arguments: Option<Vec<u32>>,
    /// i in, o out, b both, v variadic, t table; as long as `all_arguments`, or empty when all are in.
    pub argument_modes: Vec<char>,
    /// As long as all parameters, or empty; a name may be empty.
    pub argument_names: Vec<&'static str>,
    /// How many of the last input parameters have a default.
    pub default_count: usize,
    /// The defaults as one SQL list, as pg_get_expr shows them.
    pub defaults: Option<&'static str>,
    pub source: &'static str,
}

impl FunctionRow {
    /// Output columns of a function that returns a record: names and types of its OUT and TABLE parameters.
    pub fn output_columns(&self) -> Vec<(&'static str, u32)> {
        let Some(all) = &self.all_arguments else { return Vec::new() };
        let outputs = all.iter().zip(&self.argument_modes).enumerate();
        outputs
            .filter(|(_, (_, mode))| matches!(mode, 'o' | 'b' | 't'))
            .map(|(i, (&oid, _))| (self.argument_names.get(i).copied().unwrap_or(""), oid))
            .collect()
    }
}

struct Functions {
    rows: &'static [FunctionRow],
    by_oid: HashMap<u32, &'static FunctionRow>,
    by_name: HashMap<&'static str, Vec<&'static FunctionRow>>,
}

fn implemented() -> HashSet<u32> {
    let lines = include_str!("../../data/implemented_functions.txt").lines();
    lines.filter_map(|line| line.trim().parse().ok()).collect()
}

fn load() -> &'static Functions {
    static FUNCTIONS: OnceLock<Functions> = OnceLock::new();
    FUNCTIONS.get_or_init(|| {
        let table = Table::parse("functions.tsv", include_str!("../../data/functions.tsv"))
            .and(include_str!("../../data/vector/functions.tsv"));
        let kept = implemented();
        let rows: Vec<FunctionRow> =
            table.rows().map(read).filter(|row| kept.is_empty() || kept.contains(&row.oid)).collect();
        let rows: &'static [FunctionRow] = Box::leak(rows.into_boxed_slice());
        let mut by_name: HashMap<&'static str, Vec<&'static FunctionRow>> = HashMap::new();
        for row in rows {
            by_name.entry(row.name).or_default().push(row);
        }
        Functions { rows, by_oid: rows.iter().map(|row| (row.oid, row)).collect(), by_name }
    })
}

/// All built-in functions, by oid.
pub fn functions() -> &'static [FunctionRow] {
    load().rows
}

/// The built-in function of that oid.
pub fn function_by_oid(oid: u32) -> Option<&'static FunctionRow> {
    load().by_oid.get(&oid).copied()
}

/// Every overload of a name, in pg_catalog and in information_schema (see `schema`).
pub fn functions_by_name(name: &str) -> &'static [&'static FunctionRow] {
    load().by_name.get(name).map_or(&[], Vec::as_slice)
}

fn read(row: Row<'_>) -> FunctionRow {
    FunctionRow {
        oid: row.number("oid"),
        name: row.text("proname"),
        schema: row.number("pronamespace"),
        language: row.number("prolang"),
        cost: row.number("procost"),
        rows: row.number("prorows"),
        variadic: row.number("provariadic"),
        support: row.number("prosupport"),
        kind: match row.character("prokind") {
            'a' => FunctionKind::Aggregate,
            'w' => FunctionKind::Window,
            'p' => FunctionKind::Procedure,
            _ => FunctionKind::Plain,
        },
        security_definer: row.flag("prosecdef"),
        leakproof: row.flag("proleakproof"),
        strict: row.flag("proisstrict"),
        returns_set: row.flag("proretset"),
        volatility: match row.character("provolatile") {
            'i' => Volatility::Immutable,
            's' => Volatility::Stable,
            _ => Volatility::Volatile,
        },
        parallel: row.character("proparallel"),
        return_type: row.number("prorettype"),
        arguments: row.oids("proargtypes"),
        all_arguments: row.get("proallargtypes").map(|_| row.oids("proallargtypes")),
        argument_modes: row.names("proargmodes").iter().filter_map(|mode| mode.chars().next()).collect(),
        argument_names: row.names("proargnames"),
        default_count: row.number("pronargdefaults"),
        defaults: row.get("proargdefaults"),
        source: row.text("prosrc"),
    }
}
