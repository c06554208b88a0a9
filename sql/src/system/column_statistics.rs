//! pg_stats: what ANALYZE has found of the columns that the reader may read.

use catalog::Snapshot;
use catalog::system::{Cell, Row};
use engine::Value;

use crate::session::may_read_table;
use crate::session::shared::Shared;
use crate::statistics::{ColumnStatistics, Known};
use crate::types::array::Array;

/// One row a column.
pub fn rows(shared: &Shared, catalog: &Snapshot) -> Vec<Row> {
    let database = shared.entry.database_oid;
    let (role, superuser) = {
        let identity = shared.identity.lock();
        (identity.current_oid, identity.superuser)
    };
    let upkeep = shared.instance.upkeep();
    let mut rows = Vec::new();
    for relation in catalog.relations(database).filter(|relation| relation.has_rows()) {
        if !superuser && !may_read_table(catalog, database, role, relation) {
            continue;
        }
        let Some(known) = upkeep.cache.of(&upkeep.engine, relation.oid) else { continue };
        let schema = catalog.schema(database, relation.schema).map(|schema| schema.name.clone());
        for column in relation.live_columns() {
            let (type_oid, _) = catalog.base_type(database, column.type_oid);
            let found = known.columns.get(&column.number).filter(|found| found.type_oid == type_oid);
            let Some(found) = found else { continue };
            let names =
                vec![Cell::from(schema.clone()), Cell::from(&relation.name), Cell::from(&column.name)];
            rows.push(names.into_iter().chain(figures(found)).collect());
        }
    }
    rows
}

/// The columns behind the names.
fn figures(found: &ColumnStatistics) -> [Cell; 11] {
    let array = |values: Vec<Value>| match values.is_empty() {
        true => Cell::Null,
        false => Cell::Stored(Array::from_elements(found.type_oid, values).to_value()),
    };
    let values = |known: &Known| known.value.clone();
    let frequencies: Vec<Cell> = found.common.iter().map(|(_, part)| Cell::Float32(*part)).collect();
    [
        Cell::Bool(false),
        Cell::Float32(found.null_fraction),
        Cell::Int32(found.width),
        Cell::Float32(found.distinct),
        array(found.common.iter().map(|(known, _)| values(known)).collect()),
        if frequencies.is_empty() { Cell::Null } else { Cell::Array(frequencies) },
        array(found.bounds.iter().map(values).collect()),
        found.correlation.map_or(Cell::Null, Cell::Float32),
        // What ANALYZE of PostgreSQL knows of the elements of arrays is not collected.
        Cell::Null,
        Cell::Null,
        Cell::Null,
    ]
}
