//! pg_constraint.

use super::Scan;
use super::cell::{Cell, Row, row};
use crate::object::{Constraint, ConstraintKind, MatchKind};

pub fn pg_constraint(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows: Vec<Row> =
        scan.snapshot.constraints(scan.database).map(|constraint| constraint_row(constraint)).collect();
    rows.append(&mut super::user_types::domain_constraints(scan));
    rows
}

fn constraint_row(constraint: &Constraint) -> Row {
    let foreign = match &constraint.kind {
        ConstraintKind::ForeignKey(key) => Some(key),
        ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } | ConstraintKind::Check { .. } => {
            None
        }
    };
    let check = match &constraint.kind {
        ConstraintKind::Check { expression, .. } => Some(expression),
        ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } | ConstraintKind::ForeignKey(_) => {
            None
        }
    };
    let letter = |of: fn(&crate::object::ForeignKey) -> char| foreign.map_or(' ', of);
    let operators = foreign.map_or(Cell::Null, |key| Cell::texts(key.operators.iter().copied()));
    let columns = constraint.columns();
    let set_columns = foreign.filter(|key| !key.delete_columns.is_empty());
    row![
        constraint.oid,
        &constraint.name,
        constraint.schema,
        constraint.letter(),
        constraint.deferrable,
        constraint.initially_deferred,
        constraint.validated,
        constraint.relation,
        0_u32,
        constraint.index().unwrap_or(0),
        0_u32,
        foreign.map_or(0, |key| key.referenced),
        letter(|key| key.on_update.letter()),
        letter(|key| key.on_delete.letter()),
        letter(|key| match key.match_kind {
            MatchKind::Simple => 's',
            MatchKind::Full => 'f',
        }),
        true,
        0_i32,
        constraint.no_inherit || check.is_none(),
        if columns.is_empty() { Cell::Null } else { Cell::texts(columns.iter().copied()) },
        foreign.map_or(Cell::Null, |key| Cell::texts(key.referenced_columns.iter().copied())),
        operators.clone(),
        operators.clone(),
        operators,
        set_columns.map_or(Cell::Null, |key| Cell::texts(key.delete_columns.iter().copied())),
        Cell::Null,
        Cell::expressions(check),
    ]
}
