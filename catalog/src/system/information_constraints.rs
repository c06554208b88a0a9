//! information_schema's views of constraints, and of what views are made of.

use super::Scan;
use super::cell::{Cell, Row, row};
use crate::object::{Constraint, ConstraintKind, ForeignKey, MatchKind, ReferentialAction, Relation};

/// The constraints whose table the reader may see, with the table.
fn visible<'a>(scan: &'a Scan<'_>) -> impl Iterator<Item = (&'a Constraint, &'a Relation)> {
    scan.snapshot.constraints(scan.database).filter_map(|constraint| {
        let table = scan.snapshot.relation(scan.database, constraint.relation)?;
        scan.may_see(table).then_some((&**constraint, &**table))
    })
}

fn constraint_name(scan: &Scan<'_>, constraint: &Constraint) -> Row {
    row![scan.database_name(), scan.schema_name(constraint.schema), &constraint.name]
}

fn table_name(scan: &Scan<'_>, table: &Relation) -> Row {
    row![scan.database_name(), scan.schema_name(table.schema), &table.name]
}

/// NOT NULL shows as a CHECK here, under a name of oids.
fn not_null_name(table: &Relation, number: i16) -> String {
    format!("{}_{}_{}_not_null", table.schema, table.oid, number)
}

pub fn table_constraints(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for (constraint, table) in visible(scan) {
        let (kind, nulls_distinct) = match &constraint.kind {
            ConstraintKind::PrimaryKey { .. } => ("PRIMARY KEY", Cell::Null),
            ConstraintKind::Unique { index, .. } => {
                let index = scan.snapshot.relation(scan.database, *index).and_then(|index| index.as_index());
                ("UNIQUE", Cell::yes_or_no(index.is_some_and(|index| !index.nulls_not_distinct)))
            }
            ConstraintKind::ForeignKey(_) => ("FOREIGN KEY", Cell::Null),
            ConstraintKind::Check { .. } => ("CHECK", Cell::Null),
        };
        let mut row = constraint_name(scan, constraint);
        row.append(&mut table_name(scan, table));
        row.extend(row![
            kind,
            Cell::yes_or_no(constraint.deferrable),
            Cell::yes_or_no(constraint.initially_deferred),
            "YES",
            nulls_distinct,
        ]);
        rows.push(row);
    }
    for table in scan.snapshot.relations(scan.database).filter(|table| table.as_table().is_some()) {
        if !scan.may_see(table) {
            continue;
        }
        for column in table.live_columns().filter(|column| column.not_null) {
            let name = not_null_name(table, column.number);
            let mut row = row![scan.database_name(), scan.schema_name(table.schema), name];
            row.append(&mut table_name(scan, table));
            row.extend(row!["CHECK", "NO", "NO", "YES", Cell::Null]);
            rows.push(row);
        }
    }
    rows
}

fn column_name(table: Option<&Relation>, number: i16) -> Cell {
    Cell::from(table.and_then(|table| table.column(number)).map(|column| column.name.clone()))
}

pub fn key_column_usage(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for (constraint, table) in visible(scan) {
        let foreign = match &constraint.kind {
            ConstraintKind::ForeignKey(key) => Some(key),
            ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } => None,
            ConstraintKind::Check { .. } => continue,
        };
        for ((place, number), ordinal) in constraint.columns().iter().enumerate().zip(1_i32..) {
            let mut row = constraint_name(scan, constraint);
            row.append(&mut table_name(scan, table));
            row.extend(row![
                column_name(Some(table), *number),
                ordinal,
                foreign.and_then(|key| position_in_key(scan, key, place)),
            ]);
            rows.push(row);
        }
    }
    rows
}

/// The place, from 1, of the referenced column in the key that is referenced.
fn position_in_key(scan: &Scan<'_>, key: &ForeignKey, place: usize) -> Option<i32> {
    let referenced = key.referenced_columns.get(place)?;
    let index = scan.snapshot.relation(scan.database, key.index)?.as_index()?;
    let numbers = index.attribute_numbers();
    let found = numbers.iter().position(|number| number == referenced)?;
    i32::try_from(found + 1).ok()
}

pub fn referential_constraints(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for (constraint, _) in visible(scan) {
        let ConstraintKind::ForeignKey(key) = &constraint.kind else { continue };
        let unique = scan.snapshot.constraints_of(scan.database, key.referenced).find(|candidate| {
            !matches!(candidate.kind, ConstraintKind::ForeignKey(_)) && candidate.index() == Some(key.index)
        });
        let mut row = constraint_name(scan, constraint);
        match unique {
            Some(unique) => row.append(&mut constraint_name(scan, unique)),
            None => row.extend(row![Cell::Null, Cell::Null, Cell::Null]),
        }
        row.extend(row![
            match key.match_kind {
                MatchKind::Simple => "NONE",
                MatchKind::Full => "FULL",
            },
            action(key.on_update),
            action(key.on_delete),
        ]);
        rows.push(row);
    }
    rows
}

fn action(action: ReferentialAction) -> &'static str {
    match action {
        ReferentialAction::NoAction => "NO ACTION",
        ReferentialAction::Restrict => "RESTRICT",
        ReferentialAction::Cascade => "CASCADE",
        ReferentialAction::SetNull => "SET NULL",
        ReferentialAction::SetDefault => "SET DEFAULT",
    }
}

pub fn constraint_column_usage(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for constraint in scan.snapshot.constraints(scan.database) {
        let (table, numbers) = match &constraint.kind {
            ConstraintKind::ForeignKey(key) => (key.referenced, &key.referenced_columns),
            ConstraintKind::PrimaryKey { columns, .. }
            | ConstraintKind::Unique { columns, .. }
            | ConstraintKind::Check { columns, .. } => (constraint.relation, columns),
        };
        let Some(table) = scan.snapshot.relation(scan.database, table) else { continue };
        if !scan.snapshot.has_privileges_of(scan.database, scan.user, table.owner) {
            continue;
        }
        for number in numbers {
            let mut row = table_name(scan, table);
            row.push(column_name(Some(table), *number));
            row.append(&mut constraint_name(scan, constraint));
            rows.push(row);
        }
    }
    rows
}

pub fn constraint_table_usage(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for constraint in scan.snapshot.constraints(scan.database) {
        let table = match &constraint.kind {
            ConstraintKind::ForeignKey(key) => key.referenced,
            ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } => constraint.relation,
            ConstraintKind::Check { .. } => continue,
        };
        let Some(table) = scan.snapshot.relation(scan.database, table) else { continue };
        if scan.snapshot.has_privileges_of(scan.database, scan.user, table.owner) {
            let mut row = table_name(scan, table);
            row.append(&mut constraint_name(scan, constraint));
            rows.push(row);
        }
    }
    rows
}

pub fn check_constraints(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for (constraint, table) in visible(scan) {
        let ConstraintKind::Check { expression, .. } = &constraint.kind else { continue };
        let mut row = constraint_name(scan, constraint);
        row.push(Cell::from(format!("({})", scan.live.expression(expression, Some(table)))));
        rows.push(row);
    }
    for table in scan.snapshot.relations(scan.database).filter(|table| table.as_table().is_some()) {
        for column in table.live_columns().filter(|column| column.not_null && scan.may_see(table)) {
            let name = not_null_name(table, column.number);
            let clause = format!("{} IS NOT NULL", column.name);
            rows.push(row![scan.database_name(), scan.schema_name(table.schema), name, clause]);
        }
    }
    rows
}

pub fn view_table_usage(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for relation in scan.snapshot.relations(scan.database) {
        let Some(view) = relation.as_view().filter(|_| relation.letter() == 'v') else { continue };
        for oid in scan.referenced_relations(&view.query) {
            if let Some(table) = scan.snapshot.relation(scan.database, oid) {
                let mut row = table_name(scan, relation);
                row.append(&mut table_name(scan, table));
                rows.push(row);
            }
        }
    }
    rows
}
