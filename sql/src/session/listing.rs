//! The session's own objects as pg_cursors and pg_prepared_statements show them.

use catalog::system::{Cell, Row};

use super::session::Session;

impl Session {
    /// name, statement, is_holdable, is_binary, is_scrollable, creation_time; of cursors and of named portals.
    pub(super) fn cursor_rows(&self) -> Vec<Row> {
        let shown = self.portals.iter().filter(|(name, portal)| portal.cursor.is_some() || !name.is_empty());
        shown
            .map(|(name, portal)| {
                let cursor = portal.cursor.as_ref();
                vec![
                    Cell::from(name.to_string()),
                    Cell::from(portal.prepared.text.to_string()),
                    Cell::from(cursor.is_some_and(|cursor| cursor.hold)),
                    Cell::from(cursor.is_some_and(|cursor| cursor.binary)),
                    Cell::from(cursor.is_some_and(|cursor| cursor.scroll == Some(true))),
                    Cell::Timestamp(portal.created),
                ]
            })
            .collect()
    }

    /// name, statement, prepare_time, parameter_types, from_sql, generic_plans, custom_plans. Plans are generic, and
    /// how often each ran is not counted.
    pub(super) fn statement_rows(&self) -> Vec<Row> {
        let mut named: Vec<_> = self.statements.iter().filter(|(name, _)| !name.is_empty()).collect();
        named.sort_by_key(|(name, _)| *name);
        named
            .into_iter()
            .map(|(name, prepared)| {
                let (time, from_sql) =
                    self.prepared_at.get(name).copied().unwrap_or((self.shared.entry.started, false));
                vec![
                    Cell::from(name),
                    Cell::from(prepared.text.to_string()),
                    Cell::Timestamp(time),
                    Cell::texts(prepared.parameter_types()),
                    Cell::from(from_sql),
                    Cell::Int64(0),
                    Cell::Int64(0),
                ]
            })
            .collect()
    }
}
