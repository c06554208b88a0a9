//! pg_enum, the constraints of domains, and information_schema.domains.

use super::Scan;
use super::cell::{Cell, Row, row};
use crate::object::{DomainCheck, UserType};

/// What the order of an enum's label counts in, in pg_enum.
const STEP: f64 = (1_u64 << 32) as f64;

pub fn pg_enum(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for user_type in scan.snapshot.user_types(scan.database) {
        for label in user_type.labels().unwrap_or_default() {
            rows.push(row![label.oid, user_type.oid, (label.order as f64 / STEP) as f32, &label.label]);
        }
    }
    rows
}

/// The rows of pg_constraint that are domains'.
pub fn domain_constraints(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for user_type in scan.snapshot.user_types(scan.database) {
        for check in user_type.domain().map(|domain| domain.checks.as_slice()).unwrap_or_default() {
            rows.push(check_row(user_type, check));
        }
    }
    rows
}

fn check_row(user_type: &UserType, check: &DomainCheck) -> Row {
    row![
        check.oid,
        &check.name,
        user_type.schema,
        'c',
        false,
        false,
        check.validated,
        0_u32,
        user_type.oid,
        0_u32,
        0_u32,
        0_u32,
        ' ',
        ' ',
        ' ',
        true,
        0_i32,
        true,
        Cell::Null,
        Cell::Null,
        Cell::Null,
        Cell::Null,
        Cell::Null,
        Cell::Null,
        Cell::Null,
        Cell::expressions([&check.expression]),
    ]
}
