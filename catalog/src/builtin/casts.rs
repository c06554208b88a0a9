//! pg_cast: conversions between types.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::functions::function_by_oid;
use super::tsv::Table;

/// Where a cast may be applied; ordered by how freely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CastContext {
    Explicit,
    Assignment,
    Implicit,
}

impl CastContext {
    /// The letter in pg_cast.castcontext.
    pub fn letter(self) -> char {
        match self {
            CastContext::Explicit => 'e',
            CastContext::Assignment => 'a',
            CastContext::Implicit => 'i',
        }
    }
}

/// How a cast is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CastMethod {
    Function,
    /// The representation is the same.
    Binary,
    /// Through the text form: output, then input.
    InputOutput,
}

impl CastMethod {
    /// The letter in pg_cast.castmethod.
    pub fn letter(self) -> char {
        match self {
            CastMethod::Function => 'f',
            CastMethod::Binary => 'b',
            CastMethod::InputOutput => 'i',
        }
    }
}

/// A row of pg_cast.
#[derive(Clone, Debug, PartialEq)]
pub struct CastRow {
    pub oid: u32,
    pub source: u32,
    pub target: u32,
    /// pg_proc oid, 0 unless `method` is a function.
    pub function: u32,
    pub context: CastContext,
    pub method: CastMethod,
}

struct Casts {
    rows: Vec<CastRow>,
    by_types: HashMap<(u32, u32), usize>,
}

fn load() -> &'static Casts {
    static CASTS: OnceLock<Casts> = OnceLock::new();
    CASTS.get_or_init(|| {
        let table = Table::parse("casts.tsv", include_str!("../../data/casts.tsv"))
            .and(include_str!("../../data/vector/casts.tsv"));
        let rows = table.rows().map(|row| CastRow {
            oid: row.number("oid"),
            source: row.number("castsource"),
            target: row.number("casttarget"),
            function: row.number("castfunc"),
            context: match row.character("castcontext") {
                'i' => CastContext::Implicit,
                'a' => CastContext::Assignment,
                _ => CastContext::Explicit,
            },
            method: match row.character("castmethod") {
                'f' => CastMethod::Function,
                'b' => CastMethod::Binary,
                _ => CastMethod::InputOutput,
            },
        });
        let works = |row: &CastRow| row.function == 0 || function_by_oid(row.function).is_some();
        let rows: Vec<CastRow> = rows.filter(works).collect();
        let by_types = rows.iter().enumerate().map(|(i, row)| ((row.source, row.target), i)).collect();
        Casts { rows, by_types }
    })
}

/// All built-in casts, by oid.
pub fn casts() -> &'static [CastRow] {
    &load().rows
}

/// The cast between exactly these types (equal ones for a length coercion such as varchar to varchar(n)).
pub fn cast(source: u32, target: u32) -> Option<&'static CastRow> {
    let casts = load();
    casts.by_types.get(&(source, target)).map(|&index| &casts.rows[index])
}
