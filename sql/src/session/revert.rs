//! `SELECT strata.revert(table, key, ..., moment)`: one row becomes what it was.
//!
//! It is updated, inserted again if it has been deleted since, or deleted if it was not there then: by the one statement
//! that does so, with the privileges, constraints, locks and effects on views that this statement has. Answers which one
//! it was: `update`, `insert`, `delete`, or `none` where the row is as it was.

use std::sync::Arc;

use engine::{RelationLockMode, TableId, Timestamp, Value};

use super::frontend::analyze;
use super::prepared::Prepared;
use super::row::RowDescription;
use super::rows::Rows;
use super::session::Session;
use super::variables::text_columns;
use crate::analyze::{AnalyzedRevert, AnalyzedStatement};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::{Layout, compile};
use crate::execute::moment_of;
use crate::parse::syntax::Revert;
use crate::types::oid;

/// How the answer looks.
pub(super) fn columns(revert: &Revert) -> RowDescription {
    text_columns(&[revert.label.as_ref().map_or("revert", |label| &label.text)])
}

impl Session {
    pub(super) async fn revert(&mut self, prepared: &Prepared, parameters: &Arc<[Value]>) -> Result<Rows> {
        self.check_writable("strata.revert")?;
        self.ensure_block()?;
        let analyzed = self.analyzed_revert(prepared, parameters).await?;
        let context = self.context(parameters.clone())?;
        let value = |expression| compile(expression, &Layout::default())?.evaluate_row(&context, &[]);
        let micros = moment_of(&compile(&analyzed.moment, &Layout::default())?, &context)?;
        let (mut types, mut values) = (vec![oid::TIMESTAMPTZ], Vec::new());
        for (type_oid, expression) in &analyzed.key {
            types.push(*type_oid);
            values.push(value(expression)?);
        }
        let at = self.settled(Timestamp::from_micros(micros)).await?;
        values.insert(0, Value::Int64(at.micros()));
        let table = self.catalog().relation(self.shared.entry.database_oid, analyzed.table).cloned();
        let table = table.ok_or_else(|| Error::internal("a locked table is gone"))?;
        let reversion = self.restoration(&table, &table.name, at)?.of_row().ok_or_else(|| {
            let message =
                format!("table \"{}\" did not have the columns of its primary key then", table.name);
            Error::new(SqlState::ObjectNotInPrerequisiteState, message)
        })?;
        let mut before = None;
        // What others do meanwhile is met as READ COMMITTED meets it: the row is looked at again.
        loop {
            let state = self.row_state(&reversion.probe, &types, &values).await?;
            let (done, text) = match state {
                (true, true) => ("update", reversion.update.as_ref()),
                (true, false) => ("insert", Some(&reversion.insert)),
                (false, true) => ("delete", Some(&reversion.delete)),
                (false, false) => ("none", None),
            };
            let changed = match text {
                Some(text) => self.run_own(text.clone(), types.clone(), values.clone()).await?.changed,
                None => 0,
            };
            if changed > 0 || text.is_none() || before == Some(state) {
                let done = if changed > 0 { done } else { "none" };
                return Ok(Rows::ready(vec![vec![Value::from(done)]]));
            }
            before = Some(state);
        }
    }

    /// What the statement means, its table locked against changes of its definition.
    async fn analyzed_revert(
        &mut self,
        prepared: &Prepared,
        parameters: &Arc<[Value]>,
    ) -> Result<AnalyzedRevert> {
        let statement = prepared.statement.clone();
        let statement = statement.ok_or_else(|| Error::internal("a reversion without a statement"))?;
        loop {
            let generation = self.catalog().generation();
            let AnalyzedStatement::Revert(analyzed) =
                analyze(self, prepared, &statement, Some(parameters))?.statement
            else {
                return Err(Error::internal("a reversion was analyzed as something else"));
            };
            self.lock_relations(&[(TableId(analyzed.table), RelationLockMode::AccessShare)]).await?;
            if generation == self.catalog().generation() {
                return Ok(*analyzed);
            }
        }
    }

    /// Whether the row was there then, and whether it is now.
    async fn row_state(&mut self, probe: &str, types: &[u32], values: &[Value]) -> Result<(bool, bool)> {
        let cancel = self.shared.entry.cancel.clone();
        let mut rows = self.run_own(probe.to_string(), types.to_vec(), values.to_vec()).await?;
        match rows.take(1, &cancel).await?.pop().as_deref() {
            Some([Value::Bool(then), Value::Bool(now)]) => Ok((*then, *now)),
            Some(_) | None => Err(Error::internal("a probe has another shape")),
        }
    }
}
