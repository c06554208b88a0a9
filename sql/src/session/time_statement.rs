//! Statements about the past: snapshots, RESTORE TABLE, UNDROP TABLE.
//!
//! RESTORE TABLE runs the statements of a [`Restoration`] in the transaction at hand.

use std::sync::Arc;

use catalog::{Relation, Snapshot};
use engine::{RelationLockMode, Timestamp, Value};

use super::engine_error;
use super::frontend;
use super::names::CatalogNames;
use super::prepared::Prepared;
use super::restoration::Restoration;
use super::rows::Rows;
use super::session::Session;
use crate::error::{Error, Result, SqlState};
use crate::evaluate::{Layout, compile};
use crate::execute::moment_of;
use crate::parse::syntax::{Expression, ObjectName, TimeStatement};
use crate::types::oid;

impl Session {
    pub(super) async fn time_statement(
        &mut self,
        statement: &TimeStatement,
        prepared: &Prepared,
    ) -> Result<String> {
        let text = &prepared.text;
        match statement {
            TimeStatement::CreateSnapshot { name, moment } => {
                self.check_writable("CREATE SNAPSHOT")?;
                self.ensure_block()?;
                let micros = match moment {
                    Some(moment) => self.moment_value(text, moment)?,
                    None => self.shared.instance.now_micros(),
                };
                let moment = self.settled(Timestamp::from_micros(micros)).await?;
                self.create_snapshot(&name.text, moment).await?;
                Ok("CREATE SNAPSHOT".to_string())
            }
            TimeStatement::DropSnapshot { name, if_exists } => {
                self.check_writable("DROP SNAPSHOT")?;
                self.ensure_block()?;
                let name = &name.text;
                match self.drop_snapshot(name).await? {
                    true => {}
                    false if *if_exists => {
                        let message = format!("snapshot \"{name}\" does not exist, skipping");
                        let report = Error::new(SqlState::SuccessfulCompletion, message).into_report();
                        self.shared.notify(super::sink::Severity::Notice, report);
                    }
                    false => {
                        let message = format!("snapshot \"{name}\" does not exist");
                        return Err(Error::new(SqlState::UndefinedObject, message));
                    }
                }
                Ok("DROP SNAPSHOT".to_string())
            }
            TimeStatement::RestoreTable { table, moment } => {
                self.check_writable("RESTORE TABLE")?;
                self.ensure_block()?;
                let micros = self.moment_value(text, moment)?;
                let moment = self.settled(Timestamp::from_micros(micros)).await?;
                self.restore_table(table, moment).await?;
                Ok("RESTORE TABLE".to_string())
            }
            TimeStatement::UndropTable { table } => {
                self.check_writable("UNDROP TABLE")?;
                self.transaction()?;
                let mut definer = self.definer(text.clone())?;
                let undropped = definer.undrop(table).await;
                self.shared.notices.lock().append(&mut definer.notices);
                undropped.map(|()| "UNDROP TABLE".to_string())
            }
        }
    }

    /// The value of a moment that stands in a utility statement.
    fn moment_value(&self, text: &str, moment: &Expression) -> Result<i64> {
        let moment = frontend::analyze_moment(self, text, moment)?;
        let context = self.context_in(self.catalog(), Arc::from([]))?;
        moment_of(&compile(&moment, &Layout::default())?, &context)
    }

    async fn restore_table(&mut self, name: &ObjectName, at: Timestamp) -> Result<()> {
        let table = self.locked_by_name(name, RelationLockMode::ShareRowExclusive).await?;
        let restoration = self.restoration(&table, &name.to_string(), at)?;
        for text in restoration.statements() {
            self.run_own(text, vec![oid::TIMESTAMPTZ], vec![Value::Int64(at.micros())]).await?;
        }
        Ok(())
    }

    /// What leads from a table as it is to what it was.
    pub(super) fn restoration(&self, table: &Relation, name: &str, at: Timestamp) -> Result<Restoration> {
        let (database, now) = (self.shared.entry.database_oid, self.catalog());
        let then = self.shared.instance.store().at(at).map_err(crate::ddl::catalog_error)?;
        let former = then.relation(database, table.oid).cloned().ok_or_else(|| {
            Error::new(SqlState::UndefinedTable, format!("relation \"{name}\" does not exist"))
                .detail("There was no such relation at the moment of the time clause.")
        })?;
        let horizon = self.shared.instance.database().history_horizon(engine::TableId(table.oid));
        let horizon = horizon.map_err(engine_error)?;
        if at < horizon {
            return Err(engine_error(engine::Error::BeforeHorizon { horizon_micros: horizon.micros() }));
        }
        let names = |catalog: &Arc<Snapshot>| {
            CatalogNames::new(catalog.clone(), database, self.shared.evaluated().search_path.clone())
        };
        Ok(Restoration::new(&now, table, &former, names(&now), &names(&then)))
    }

    /// Runs a statement of our own with its parameters, the moment first: its rows, and how many it changed.
    pub(super) async fn run_own(
        &mut self,
        text: String,
        types: Vec<u32>,
        parameters: Vec<Value>,
    ) -> Result<Rows> {
        let parsed = crate::parse::parse(&text)?.pop();
        let parsed = parsed.ok_or_else(|| Error::internal("a statement of RESTORE is empty"))?;
        let prepared =
            Prepared::new(Arc::from(text), Some(Arc::new(parsed.statement))).with_parameters(types);
        let parameters: Arc<[Value]> = parameters.into();
        // Under the value of its moment at once: the table may have had another name then.
        let analysis = Arc::new(self.analysis_under(&prepared, Some(&parameters))?);
        let analysis = self.admit(&prepared, analysis, &parameters, false).await?;
        let mut rows = Box::pin(self.start(&analysis, parameters)).await?;
        rows.complete(&self.shared.entry.cancel.clone()).await?;
        Ok(rows)
    }
}
