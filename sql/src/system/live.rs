//! What only a running server can tell the catalog.

use std::sync::Arc;

use catalog::system::{Live, Row};
use catalog::{Relation, StoredExpression};

use super::SystemTables;
use super::{activity, learned, locks, settings};
use crate::deparse::{Definitions, Layout};
use crate::session::names::CatalogNames;
use crate::types;

/// The live state behind one reading of system relations.
pub struct LiveState<'a> {
    tables: &'a SystemTables,
    /// The catalog that is read: that of a past moment, where a time clause says so.
    catalog: &'a Arc<catalog::Snapshot>,
    names: CatalogNames,
}

impl<'a> LiveState<'a> {
    pub fn new(tables: &'a SystemTables, catalog: &'a Arc<catalog::Snapshot>) -> LiveState<'a> {
        let database = tables.shared.entry.database_oid;
        let search_path = tables.context.settings.search_path.clone();
        LiveState { tables, catalog, names: CatalogNames::new(catalog.clone(), database, search_path) }
    }

    fn definitions(&self) -> Definitions<'_> {
        let database = self.tables.shared.entry.database_oid;
        Definitions { catalog: self.catalog, database, names: &self.names }
    }
}

impl Live for LiveState<'_> {
    fn expression(&self, expression: &StoredExpression, relation: Option<&Relation>) -> String {
        let text = self.definitions().expression(expression, relation, Layout::PLAIN);
        text.unwrap_or_else(|_| expression.text.clone())
    }

    fn view_definition(&self, view: &Relation) -> String {
        self.definitions().view(view, Layout::PLAIN).unwrap_or_default()
    }

    fn index_definition(&self, index: &Relation) -> String {
        self.definitions().index(index, 0, Layout::PLAIN).ok().flatten().unwrap_or_default()
    }

    fn format_type(&self, type_oid: u32, typmod: i32) -> String {
        types::format_type(type_oid, typmod, &self.names)
    }

    fn statistics(&self, table: u32) -> (i32, f32) {
        match self.tables.shared.instance.database().statistics(engine::TableId(table)) {
            Ok(statistics) => {
                let (bytes, _) = self.tables.shared.instance.table_bytes(table);
                let pages = (bytes + 8191) / 8192;
                (pages as i32, statistics.rows as f32)
            }
            Err(_) => (0, -1.0),
        }
    }

    fn sequence_state(&self, sequence: u32) -> Option<(i64, bool)> {
        let state = self.tables.shared.instance.database().sequence_state(sequence)?;
        Some((state.last, state.called))
    }

    fn temporary_schema(&self) -> u32 {
        let context = &self.tables.context;
        let path = &context.settings.search_path;
        let own = self.tables.catalog.named_schema(context.environment.database(), path, "pg_temp");
        own.map_or(0, |schema| schema.oid)
    }

    fn rows(&self, relation: &str) -> Option<Vec<Row>> {
        match relation {
            "pg_settings" => Some(settings::rows(&self.tables.shared)),
            "pg_stat_activity" => Some(activity::rows(&self.tables.shared, &self.tables.catalog)),
            "pg_stats" => Some(super::column_statistics::rows(&self.tables.shared, self.catalog)),
            "pg_locks" => Some(locks::rows(&self.tables.shared)),
            "stat_learned" => Some(learned::rows(&self.tables.shared, self.catalog)),
            "stat_views" => Some(super::stat_views::rows(&self.tables.shared, self.catalog)),
            "pg_cursors" => Some(self.tables.cursors.clone()),
            "pg_prepared_statements" => Some(self.tables.statements.clone()),
            _ => None,
        }
    }
}
