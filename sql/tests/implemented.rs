//! What the catalog shows works, and what works is shown: `implemented_functions.txt` equals the implementations.

use std::collections::BTreeSet;

use strata_sql::functions::{implemented, implemented_aggregates, implemented_sets, implemented_windows};

/// Input, output, receive, send and typmod functions of types are shown in pg_proc, because pg_type refers to them;
/// `types` does their work by the type's oid.
fn of_types() -> BTreeSet<u32> {
    catalog::builtin::types()
        .iter()
        .flat_map(|row| {
            [row.input, row.output, row.receive, row.send, row.modifier_input, row.modifier_output]
        })
        .filter(|&oid| oid != 0)
        .collect()
}

#[test]
fn the_catalog_lists_what_is_implemented() {
    let mut expected: BTreeSet<u32> = of_types();
    expected.extend(implemented());
    expected.extend(implemented_aggregates());
    expected.extend(implemented_sets());
    expected.extend(implemented_windows());
    let files = [
        include_str!("../../catalog/data/functions.tsv"),
        include_str!("../../catalog/data/vector/functions.tsv"),
    ];
    let known: BTreeSet<u32> = files
        .iter()
        .flat_map(|file| file.lines().skip(1))
        .filter_map(|line| line.split('\t').next()?.parse().ok())
        .collect();
    expected.retain(|oid| known.contains(oid));
    let listed: BTreeSet<u32> = include_str!("../../catalog/data/implemented_functions.txt")
        .lines()
        .filter_map(|line| line.trim().parse().ok())
        .collect();
    if std::env::var_os("REWRITE_IMPLEMENTED_FUNCTIONS").is_some() {
        let text: String = expected.iter().map(|oid| format!("{oid}\n")).collect();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../catalog/data/implemented_functions.txt");
        std::fs::write(path, text).expect("the list can be written");
        return;
    }
    let missing: Vec<&u32> = expected.difference(&listed).collect();
    let promised: Vec<&u32> = listed.difference(&expected).collect();
    assert!(missing.is_empty(), "implemented but not listed: {missing:?}");
    assert!(promised.is_empty(), "listed but not implemented: {promised:?}");
}
