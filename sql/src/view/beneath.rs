//! What a view stands on.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use catalog::builtin::PG_CLASS_CLASS;
use catalog::{Refresh, RelationKind, Snapshot};

use crate::tree::visit::{Visitor, walk_query};
use crate::tree::{Query, Relation, TableScan};

/// The relations that a view's answer is computed from, through views of either kind, itself not among them.
pub fn beneath(catalog: &Snapshot, database: u32, view: u32) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut open = vec![view];
    while let Some(oid) = open.pop() {
        let Some(relation) = catalog.relation(database, oid) else { continue };
        let through = match &relation.kind {
            RelationKind::View(view) => Some(view),
            RelationKind::MaterializedView(materialized) => {
                let through = materialized.refresh == Refresh::OnCommit || oid == view;
                through.then_some(&materialized.view)
            }
            RelationKind::Table(_)
            | RelationKind::Index(_)
            | RelationKind::Sequence(_)
            | RelationKind::System { .. } => None,
        };
        let dependencies = through.into_iter().flat_map(|view| &view.query.dependencies);
        for address in dependencies.filter(|address| address.class == PG_CLASS_CLASS) {
            if found.insert(address.object) {
                open.push(address.object);
            }
        }
    }
    found
}

/// The tables whose rows a maintained view's answer is computed from: those of the engine, by their commits.
pub(super) fn tables(catalog: &Snapshot, database: u32, view: u32) -> Vec<u32> {
    let relations = beneath(catalog, database, view).into_iter();
    let relations = relations.filter_map(|oid| catalog.relation(database, oid));
    let with_rows =
        relations.filter(|relation| relation.has_rows() && relation.as_maintained_view().is_none());
    with_rows.map(|relation| relation.oid).collect()
}

/// The scans of a query, those of its subqueries and common tables too.
pub(crate) fn scans_of(query: &Query) -> Vec<TableScan> {
    struct Find(Vec<TableScan>);
    impl Visitor for Find {
        fn relation(&mut self, relation: &mut Relation) -> bool {
            if let Relation::Table(scan) = relation {
                self.0.push(scan.clone());
            }
            true
        }
    }
    let mut find = Find(Vec::new());
    walk_query(&mut query.clone(), &mut find);
    find.0
}

/// A number for the definitions that a view's answer depends on besides its own, which never changes: plain views may
/// be replaced beneath it, and materialized ones emptied.
pub(super) fn definition_of(catalog: &Snapshot, database: u32, view: u32) -> i64 {
    let mut hasher = DefaultHasher::new();
    let mut any = false;
    for oid in beneath(catalog, database, view) {
        let Some(relation) = catalog.relation(database, oid) else { continue };
        match &relation.kind {
            RelationKind::View(view) => {
                any = true;
                (oid, view.query.tree.to_string()).hash(&mut hasher);
            }
            // What may not be read makes the query fail.
            RelationKind::MaterializedView(view) if !view.populated => {
                any = true;
                (oid, false).hash(&mut hasher);
            }
            RelationKind::MaterializedView(_)
            | RelationKind::Table(_)
            | RelationKind::Index(_)
            | RelationKind::Sequence(_)
            | RelationKind::System { .. } => {}
        }
    }
    if any { hasher.finish() as i64 } else { 0 }
}
