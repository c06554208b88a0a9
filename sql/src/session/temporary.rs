//! Temporary relations: a schema of the session's own, ON COMMIT, and what becomes of them when the session ends.
//!
//! They are ordinary tables, views and sequences in a schema `pg_temp_N`, N the session's process number: as safe and as
//! versioned as any, and invisible to name look-ups of other sessions. The schema is made with the first of them, goes
//! first in the session's search path from then on, and is dropped with everything in it when the session ends, by
//! DISCARD, or, after a crash, when the server starts.

use std::sync::Arc;

use catalog::{Change, ObjectKey, RelationKind, Snapshot, Written};
use engine::{RelationLockMode, TableId};

use super::engine_error;
use super::session::Session;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{OnCommit, TransactionModes};

/// What a session knows of its temporary relations.
#[derive(Debug, Default)]
pub struct Temporary {
    /// The name of its schema, once it has made one.
    pub schema: Option<Arc<str>>,
    /// Tables with something to do at commit, by oid. Those that were rolled back or dropped are found missing.
    pub on_commit: Vec<(u32, OnCommit)>,
}

impl Temporary {
    /// Whether a commit may have something to do.
    pub fn acts_on_commit(&self) -> bool {
        !self.on_commit.is_empty()
    }
}

/// A search path with a session's temporary schema: where `pg_temp` is written, else first.
pub fn with_temporary(path: &[Arc<str>], temporary: &Arc<str>) -> Arc<[Arc<str>]> {
    let mut path: Vec<Arc<str>> =
        path.iter().map(|name| if &**name == "pg_temp" { temporary.clone() } else { name.clone() }).collect();
    if !path.contains(temporary) {
        path.insert(0, temporary.clone());
    }
    path.into()
}

impl Session {
    /// ON COMMIT of the temporary tables that the transaction has used; run before it commits.
    pub(super) async fn run_on_commit(&mut self) -> Result<()> {
        let actions = self.shared.temporary.lock().on_commit.clone();
        let (catalog, database) = (self.catalog(), self.shared.entry.database_oid);
        let mut gone = Vec::new();
        for (table, action) in actions {
            // A table that is not there was dropped, or made by a transaction that is still to roll back to before it.
            if catalog.relation(database, table).is_none() {
                gone.push(table);
                continue;
            }
            let transaction = self.transaction()?;
            if !transaction.with(|transaction| transaction.holds_relation(TableId(table)))? {
                continue;
            }
            match action {
                OnCommit::PreserveRows => {}
                OnCommit::DeleteRows => {
                    self.lock_relations(&[(TableId(table), RelationLockMode::AccessExclusive)]).await?;
                    transaction
                        .with(|transaction| transaction.truncate(TableId(table)))?
                        .map_err(engine_error)?;
                }
                OnCommit::Drop => {
                    let mut definer = self.definer(Arc::from(""))?;
                    definer.drop_silently(vec![table]).await?;
                    gone.push(table);
                }
            }
        }
        self.shared.temporary.lock().on_commit.retain(|(table, _)| !gone.contains(table));
        Ok(())
    }

    /// Drops every temporary relation of the session, in the transaction at work.
    pub(super) async fn drop_temporary(&mut self) -> Result<()> {
        let Some(name) = self.shared.temporary.lock().schema.clone() else { return Ok(()) };
        self.transaction()?;
        let (catalog, database) = (self.catalog(), self.shared.entry.database_oid);
        let Some(schema) = catalog.schema_by_name(database, &name) else { return Ok(()) };
        let members = catalog.relations(database).filter(|relation| relation.schema == schema.oid);
        let members = members.filter(|relation| relation.as_index().is_none());
        let members = members.map(|relation| relation.oid).collect();
        let mut definer = self.definer(Arc::from(""))?;
        definer.superuser = true;
        definer.drop_silently(members).await
    }

    /// Drops the temporary schema when the session ends.
    pub(super) async fn leave_no_temporary(&mut self) {
        let name = self.shared.temporary.lock().schema.clone();
        let Some(name) = name else { return };
        if let Err(error) = Box::pin(self.drop_temporary_schema(&name)).await {
            // The next start drops it.
            tracing::warn!(%error, schema = %name, "temporary relations could not be dropped");
            self.rollback_block();
        }
        self.shared.temporary.lock().schema = None;
    }

    async fn drop_temporary_schema(&mut self, name: &str) -> Result<()> {
        let modes = TransactionModes { read_only: Some(false), ..TransactionModes::default() };
        self.begin_block(false, &modes)?;
        self.drop_temporary().await?;
        let (catalog, database) = (self.catalog(), self.shared.entry.database_oid);
        if let Some(schema) = catalog.schema_by_name(database, name) {
            let mut definer = self.definer(Arc::from(""))?;
            definer.forget_schema(schema.oid).await?;
        }
        self.commit_block().await
    }
}

/// Drops what sessions of an earlier run left behind. Blocks: for start-up only.
pub fn remove_leftovers(database: &engine::Database, catalog: &Arc<catalog::Catalog>) -> Result<()> {
    let snapshot = catalog.current();
    let mut changes = Vec::new();
    let mut tables = Vec::new();
    for of in snapshot.databases() {
        for schema in snapshot.schemas(of.oid).filter(|schema| catalog::is_temporary_schema(&schema.name)) {
            remove_schema(&snapshot, of.oid, schema.oid, &mut changes, &mut tables);
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    let mut transaction = database.begin(engine::Isolation::ReadCommitted, false);
    for change in &changes {
        match catalog.write(&mut transaction, change).map_err(crate::ddl::catalog_error)? {
            Written::Done => {}
            other => {
                return Err(Error::new(
                    SqlState::InternalError,
                    format!("a temporary relation of an earlier run could not be dropped: {other:?}"),
                ));
            }
        }
        transaction.advance_command();
    }
    for table in tables {
        transaction.drop_table(TableId(table)).map_err(engine_error)?;
    }
    let store = catalog.clone();
    transaction.on_publish(Box::new(move |at| store.publish(at, &changes)));
    transaction.commit().wait().map(|_| ()).map_err(engine_error)
}

fn remove_schema(
    snapshot: &Snapshot,
    database: u32,
    schema: u32,
    changes: &mut Vec<Change>,
    tables: &mut Vec<u32>,
) {
    let members: Vec<_> =
        snapshot.relations(database).filter(|relation| relation.schema == schema).cloned().collect();
    for comment in snapshot.comments(database) {
        if members.iter().any(|member| member.oid == comment.address.object) {
            changes.push(Change::Remove(ObjectKey::Comment { database, address: comment.address }));
        }
    }
    for member in &members {
        for constraint in snapshot.constraints_of(database, member.oid) {
            changes.push(Change::Remove(ObjectKey::Constraint { database, oid: constraint.oid }));
        }
    }
    for member in &members {
        changes.push(Change::Remove(ObjectKey::Relation { database, oid: member.oid }));
        if matches!(member.kind, RelationKind::Table(_)) {
            tables.push(member.oid);
        }
    }
    changes.push(Change::Remove(ObjectKey::Schema { database, oid: schema }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_temporary_schema_comes_first_unless_the_path_says_where() {
        let path = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect::<Vec<Arc<str>>>();
        let own: Arc<str> = Arc::from("pg_temp_7");
        assert_eq!(with_temporary(&path(&["public"]), &own)[..], path(&["pg_temp_7", "public"])[..]);
        assert_eq!(
            with_temporary(&path(&["public", "pg_temp"]), &own)[..],
            path(&["public", "pg_temp_7"])[..]
        );
    }
}
