//! TRUNCATE and SET CONSTRAINTS.

use std::sync::Arc;

use catalog::Relation;
use engine::{RelationLockMode, TableId};

use super::engine_error;
use super::session::Session;
use super::sink::Severity;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{ObjectName, Truncate};

impl Session {
    pub(super) async fn truncate(&mut self, truncate: &Truncate) -> Result<String> {
        self.check_writable("TRUNCATE TABLE")?;
        let database = self.shared.entry.database_oid;
        let mut tables: Vec<Arc<Relation>> = Vec::new();
        for name in &truncate.tables {
            let table = self.locked_by_name(name, RelationLockMode::AccessExclusive).await?;
            if !tables.iter().any(|known| known.oid == table.oid) {
                tables.push(table);
            }
        }
        let catalog = self.catalog();
        let mut next = 0;
        while let Some(table) = tables.get(next).cloned() {
            next += 1;
            for constraint in catalog.references_to(database, table.oid) {
                if tables.iter().any(|known| known.oid == constraint.relation) {
                    continue;
                }
                let Some(referring) = catalog.relation(database, constraint.relation) else { continue };
                if !truncate.cascade {
                    return Err(Error::new(
                        SqlState::FeatureNotSupported,
                        "cannot truncate a table referenced in a foreign key constraint",
                    )
                    .detail(format!("Table \"{}\" references \"{}\".", referring.name, table.name))
                    .hint(format!(
                        "Truncate table \"{}\" at the same time, or use TRUNCATE ... CASCADE.",
                        referring.name
                    )));
                }
                let notice = Error::new(
                    SqlState::SuccessfulCompletion,
                    format!("truncate cascades to table \"{}\"", referring.name),
                );
                self.shared.notify(Severity::Notice, notice.into_report());
                tables.push(referring.clone());
            }
        }
        let exclusive = |table: &Arc<Relation>| (TableId(table.oid), RelationLockMode::AccessExclusive);
        let locks: Vec<_> = tables.iter().map(exclusive).collect();
        self.lock_relations(&locks).await?;
        let transaction = self.transaction()?;
        self.begin_statement()?;
        for table in &tables {
            transaction
                .with(|transaction| transaction.truncate(TableId(table.oid)))?
                .map_err(engine_error)?;
            if truncate.restart_identity {
                for sequence in catalog.owned_sequences(database, table.oid) {
                    let Some(definition) = sequence.as_sequence() else { continue };
                    let state = engine::SequenceState { last: definition.start, called: false };
                    let set = self.shared.instance.database().sequence_set(sequence.oid, state);
                    set.map_err(engine_error)?;
                }
            }
        }
        Ok("TRUNCATE TABLE".to_string())
    }

    pub(super) async fn set_constraints(&mut self, names: &[ObjectName], deferred: bool) -> Result<()> {
        if !self.block.as_ref().is_some_and(|block| block.explicit) {
            self.warn(
                SqlState::NoActiveSqlTransaction,
                "SET CONSTRAINTS can only be used in transaction blocks",
            );
            return Ok(());
        }
        let catalog = self.catalog();
        let database = self.shared.entry.database_oid;
        let mut oids = Vec::new();
        for name in names {
            let found = catalog.constraints(database).find(|constraint| constraint.name == name.name());
            let constraint = found.ok_or_else(|| {
                Error::new(
                    SqlState::UndefinedObject,
                    format!("constraint \"{}\" does not exist", name.name()),
                )
            })?;
            if !constraint.deferrable {
                return Err(Error::new(
                    SqlState::WrongObjectType,
                    format!("constraint \"{}\" is not deferrable", constraint.name),
                ));
            }
            oids.push(constraint.oid);
            oids.extend(constraint.index());
        }
        if let Some(block) = self.block.as_mut() {
            if names.is_empty() {
                block.deferral.all = Some(deferred);
                block.deferral.named.clear();
            }
            for oid in oids {
                block.deferral.named.insert(oid, deferred);
            }
        }
        // What was put off and is now wanted at once is checked now.
        if !deferred { self.finish_deferred().await } else { Ok(()) }
    }
}
