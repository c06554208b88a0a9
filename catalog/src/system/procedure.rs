//! pg_proc, pg_operator, pg_aggregate and pg_language.

use super::Scan;
use super::cell::{Cell, Row, row};
use crate::builtin::{self, BOOTSTRAP_ROLE, FunctionRow};

pub fn pg_proc(scan: &Scan<'_>) -> Vec<Row> {
    let rows = builtin::functions().iter();
    rows.filter_map(|row| Some(function_row(row, scan.place(row.schema)?))).collect()
}

fn count(length: usize) -> i16 {
    i16::try_from(length).unwrap_or(i16::MAX)
}

fn function_row(function: &FunctionRow, schema: u32) -> Row {
    let all = function.all_arguments.as_ref().map(|all| Cell::texts(all.iter().copied()));
    let names = &function.argument_names;
    let modes = &function.argument_modes;
    row![
        function.oid,
        function.name,
        schema,
        BOOTSTRAP_ROLE,
        function.language,
        function.cost,
        function.rows,
        function.variadic,
        function.support,
        function.kind.letter(),
        function.security_definer,
        function.leakproof,
        function.strict,
        function.returns_set,
        function.volatility.letter(),
        function.parallel,
        count(function.arguments.len()),
        count(function.default_count),
        function.return_type,
        Cell::OidVector(function.arguments.clone()),
        all.unwrap_or(Cell::Null),
        if modes.is_empty() { Cell::Null } else { Cell::texts(modes.iter().copied()) },
        if names.is_empty() { Cell::Null } else { Cell::texts(names.iter().copied()) },
        function.defaults.map_or(Cell::Null, |defaults| Cell::Expression(defaults.to_string())),
        Cell::Null,
        function.source,
        Cell::Null,
        Cell::Null,
        Cell::Null,
        Cell::Null,
    ]
}

pub fn pg_operator(scan: &Scan<'_>) -> Vec<Row> {
    let operators = builtin::operators().iter();
    operators
        .filter_map(|row| {
            Some(row![
                row.oid,
                row.name,
                scan.place(row.schema)?,
                BOOTSTRAP_ROLE,
                row.kind,
                row.merges,
                row.hashes,
                row.left,
                row.right,
                row.result,
                row.commutator,
                row.negator,
                row.function,
                row.restriction,
                row.join,
            ])
        })
        .collect()
}

pub fn pg_aggregate(scan: &Scan<'_>) -> Vec<Row> {
    let known = |oid: u32| builtin::function_by_oid(oid).is_none_or(|row| scan.place(row.schema).is_some());
    let aggregates = builtin::aggregates().iter().filter(|row| known(row.function));
    aggregates
        .map(|row| {
            row![
                row.function,
                row.kind,
                row.direct_arguments,
                row.transition,
                row.finish,
                row.combine,
                row.serialize,
                row.deserialize,
                row.moving_transition,
                row.moving_inverse,
                row.moving_finish,
                row.finish_extra,
                row.moving_finish_extra,
                row.finish_modify,
                row.moving_finish_modify,
                row.sort_operator,
                row.state_type,
                row.state_space,
                row.moving_state_type,
                row.moving_state_space,
                row.initial,
                row.moving_initial,
            ]
        })
        .collect()
}

pub fn pg_language() -> Vec<Row> {
    let languages = builtin::languages().iter();
    languages
        .map(|row| {
            let validator = row.validator;
            row![
                row.oid,
                row.name,
                BOOTSTRAP_ROLE,
                row.procedural,
                row.trusted,
                0_u32,
                0_u32,
                validator,
                Cell::Null
            ]
        })
        .collect()
}
