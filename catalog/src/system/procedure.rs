//! pg_proc, pg_operator, pg_aggregate and pg_language.

use super::cell::{Cell, Row, row};
use crate::builtin::{self, BOOTSTRAP_ROLE, FunctionRow, PG_CATALOG};

pub fn pg_proc() -> Vec<Row> {
    builtin::functions().iter().map(function_row).collect()
}

fn count(length: usize) -> i16 {
    i16::try_from(length).unwrap_or(i16::MAX)
}

fn function_row(function: &FunctionRow) -> Row {
    let all = function.all_arguments.as_ref().map(|all| Cell::texts(all.iter().copied()));
    let names = &function.argument_names;
    let modes = &function.argument_modes;
    row![
        function.oid,
        function.name,
        function.schema,
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

pub fn pg_operator() -> Vec<Row> {
    let operators = builtin::operators().iter();
    operators
        .map(|row| {
            row![
                row.oid,
                row.name,
                PG_CATALOG,
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
            ]
        })
        .collect()
}

pub fn pg_aggregate() -> Vec<Row> {
    let aggregates = builtin::aggregates().iter();
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
