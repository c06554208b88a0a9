//! pg_collation, pg_language and pg_description.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::tsv::Table;

/// A row of pg_collation. Text compares by code point under each of them.
#[derive(Clone, Debug, PartialEq)]
pub struct CollationRow {
    pub oid: u32,
    pub name: &'static str,
    pub provider: char,
    pub deterministic: bool,
    pub encoding: i32,
    pub collate: Option<&'static str>,
    pub ctype: Option<&'static str>,
}

/// A row of pg_language.
#[derive(Clone, Debug, PartialEq)]
pub struct LanguageRow {
    pub oid: u32,
    pub name: &'static str,
    pub procedural: bool,
    pub trusted: bool,
    pub validator: u32,
}

/// The collations honoured.
pub fn collations() -> &'static [CollationRow] {
    static ROWS: OnceLock<Vec<CollationRow>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let table = Table::parse("collations.tsv", include_str!("../../data/collations.tsv"));
        let rows = table.rows().map(|row| CollationRow {
            oid: row.number("oid"),
            name: row.text("collname"),
            provider: row.character("collprovider"),
            deterministic: row.flag("collisdeterministic"),
            encoding: row.number("collencoding"),
            collate: row.get("collcollate"),
            ctype: row.get("collctype"),
        });
        rows.collect()
    })
}

/// The collation of that name in pg_catalog.
pub fn collation_by_name(name: &str) -> Option<&'static CollationRow> {
    collations().iter().find(|row| row.name == name)
}

/// The collation of that oid.
pub fn collation_by_oid(oid: u32) -> Option<&'static CollationRow> {
    collations().iter().find(|row| row.oid == oid)
}

/// The languages that functions are written in.
pub fn languages() -> &'static [LanguageRow] {
    static ROWS: OnceLock<Vec<LanguageRow>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let table = Table::parse("languages.tsv", include_str!("../../data/languages.tsv"));
        let rows = table.rows().map(|row| LanguageRow {
            oid: row.number("oid"),
            name: row.text("lanname"),
            procedural: row.flag("lanispl"),
            trusted: row.flag("lanpltrusted"),
            validator: row.number("lanvalidator"),
        });
        rows.collect()
    })
}

/// The comments on built-in objects, by (class, object), in file order with their texts.
pub fn descriptions() -> &'static [(u32, u32, &'static str)] {
    static ROWS: OnceLock<Vec<(u32, u32, &'static str)>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let table = Table::parse("descriptions.tsv", include_str!("../../data/descriptions.tsv"));
        let rows =
            table.rows().map(|row| (row.number("classoid"), row.number("objoid"), row.text("description")));
        rows.filter(|(class, object, _)| {
            *class != super::PG_PROC_CLASS || super::function_by_oid(*object).is_some()
        })
        .collect()
    })
}

/// The comment on a built-in object.
pub fn description(class: u32, object: u32) -> Option<&'static str> {
    static INDEX: OnceLock<HashMap<(u32, u32), &'static str>> = OnceLock::new();
    let index = INDEX.get_or_init(|| {
        descriptions().iter().map(|(class, object, text)| ((*class, *object), *text)).collect()
    });
    index.get(&(class, object)).copied()
}
