//! pg_aggregate: what pg_proc does not say of an aggregate.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::functions::function_by_oid;
use super::tsv::Table;

/// A row of pg_aggregate. Transition functions are shown to clients; execution has its own states.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateRow {
    pub function: u32,
    /// n normal, o ordered-set, h hypothetical-set.
    pub kind: char,
    pub direct_arguments: i16,
    pub transition: u32,
    pub finish: u32,
    pub combine: u32,
    pub serialize: u32,
    pub deserialize: u32,
    pub moving_transition: u32,
    pub moving_inverse: u32,
    pub moving_finish: u32,
    pub finish_extra: bool,
    pub moving_finish_extra: bool,
    pub finish_modify: char,
    pub moving_finish_modify: char,
    pub sort_operator: u32,
    pub state_type: u32,
    pub state_space: i32,
    pub moving_state_type: u32,
    pub moving_state_space: i32,
    pub initial: Option<&'static str>,
    pub moving_initial: Option<&'static str>,
}

struct Aggregates {
    rows: Vec<AggregateRow>,
    by_function: HashMap<u32, usize>,
}

fn load() -> &'static Aggregates {
    static AGGREGATES: OnceLock<Aggregates> = OnceLock::new();
    AGGREGATES.get_or_init(|| {
        let table = Table::parse("aggregates.tsv", include_str!("../../data/aggregates.tsv"))
            .and(include_str!("../../data/vector/aggregates.tsv"));
        let rows = table.rows().map(|row| AggregateRow {
            function: row.number("aggfnoid"),
            kind: row.character("aggkind"),
            direct_arguments: row.number("aggnumdirectargs"),
            transition: row.number("aggtransfn"),
            finish: row.number("aggfinalfn"),
            combine: row.number("aggcombinefn"),
            serialize: row.number("aggserialfn"),
            deserialize: row.number("aggdeserialfn"),
            moving_transition: row.number("aggmtransfn"),
            moving_inverse: row.number("aggminvtransfn"),
            moving_finish: row.number("aggmfinalfn"),
            finish_extra: row.flag("aggfinalextra"),
            moving_finish_extra: row.flag("aggmfinalextra"),
            finish_modify: row.character("aggfinalmodify"),
            moving_finish_modify: row.character("aggmfinalmodify"),
            sort_operator: row.number("aggsortop"),
            state_type: row.number("aggtranstype"),
            state_space: row.number("aggtransspace"),
            moving_state_type: row.number("aggmtranstype"),
            moving_state_space: row.number("aggmtransspace"),
            initial: row.get("agginitval"),
            moving_initial: row.get("aggminitval"),
        });
        let rows: Vec<AggregateRow> = rows.filter(|row| function_by_oid(row.function).is_some()).collect();
        let by_function = rows.iter().enumerate().map(|(index, row)| (row.function, index)).collect();
        Aggregates { rows, by_function }
    })
}

/// All built-in aggregates, by the oid of their function.
pub fn aggregates() -> &'static [AggregateRow] {
    &load().rows
}

/// The aggregate of that pg_proc oid.
pub fn aggregate(function: u32) -> Option<&'static AggregateRow> {
    let aggregates = load();
    aggregates.by_function.get(&function).map(|&index| &aggregates.rows[index])
}
