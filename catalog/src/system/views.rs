//! pg_tables, pg_views, pg_matviews and pg_rewrite.

use super::Scan;
use super::cell::{Cell, Row, row};
use crate::object::{ConstraintKind, RelationKind};

pub fn pg_tables(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for relation in scan.all_relations().filter(|relation| relation.letter() == 'r') {
        let shared = matches!(relation.kind, RelationKind::System { shared: true, .. });
        let constraints = || scan.snapshot.constraints_of(scan.database, relation.oid);
        let triggers = constraints().any(|c| matches!(c.kind, ConstraintKind::ForeignKey(_)))
            || scan.snapshot.references_to(scan.database, relation.oid).next().is_some();
        rows.push(row![
            scan.schema_name(relation.schema),
            &relation.name,
            scan.snapshot.role_name(relation.owner),
            shared.then_some("pg_global"),
            scan.snapshot.indexes_of(scan.database, relation.oid).next().is_some(),
            false,
            triggers,
            relation.as_table().is_some_and(|table| table.row_security),
        ]);
    }
    rows
}

pub fn pg_views(scan: &Scan<'_>) -> Vec<Row> {
    let views = scan.all_relations().filter(|relation| relation.letter() == 'v');
    views
        .map(|view| {
            let definition = match view.as_view() {
                Some(_) => Cell::from(scan.live.view_definition(view)),
                None => Cell::Null,
            };
            row![scan.schema_name(view.schema), &view.name, scan.snapshot.role_name(view.owner), definition,]
        })
        .collect()
}

pub fn pg_matviews(scan: &Scan<'_>) -> Vec<Row> {
    let relations = scan.snapshot.relations(scan.database);
    relations
        .filter_map(|relation| Some((relation, relation.as_materialized_view()?)))
        .map(|(relation, view)| {
            row![
                scan.schema_name(relation.schema),
                &relation.name,
                scan.snapshot.role_name(relation.owner),
                Cell::Null,
                scan.snapshot.indexes_of(scan.database, relation.oid).next().is_some(),
                view.populated,
                Cell::from(scan.live.view_definition(relation)),
            ]
        })
        .collect()
}

pub fn pg_rewrite(scan: &Scan<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for relation in scan.snapshot.relations(scan.database) {
        let Some(view) = relation.as_view() else { continue };
        rows.push(row![
            view.rule,
            "_RETURN",
            relation.oid,
            '1',
            'O',
            true,
            Cell::Expression("<>".to_string()),
            Cell::expressions([&view.query]),
        ]);
    }
    rows
}
