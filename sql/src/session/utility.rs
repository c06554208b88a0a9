//! Statements without a plan of their own.

use std::sync::Arc;

use engine::{RelationLockMode, TableId, Value, WaitPolicy};

use super::frontend;
use super::meters::meters;
use super::portal::Tag;
use super::prepared::{Analysis, Prepared, Work};
use super::row::RowDescription;
use super::session::Session;
use super::simple::Done;
use super::sink::Sink;
use super::variables::text_columns;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{
    CreateTableAs, Execute, IntoTable, LockTable, ObjectName, Prepare, Query, QueryBody, SourceText,
    Statement, TableLockMode, TableSource,
};
use crate::tree::LockWait;

impl Session {
    /// How the rows of a utility statement look, before it runs.
    pub(super) fn describe_utility(&self, statement: &Statement) -> Result<Option<RowDescription>> {
        match statement {
            Statement::Show(Some(name)) => {
                let label =
                    crate::settings::find(name).map_or(name.as_str(), |(_, definition)| definition.name);
                Ok(Some(text_columns(&[label])))
            }
            Statement::Show(None) => Ok(Some(text_columns(&["name", "setting", "description"]))),
            Statement::Explain(explain) => Ok(Some(super::explain::explain_description(explain))),
            Statement::Backup(_) => Ok(Some(super::backup::columns())),
            Statement::Revert(revert) => Ok(Some(super::revert::columns(revert))),
            Statement::Execute(execute) => {
                let prepared = self.prepared_by_name(&execute.name.text)?;
                match &prepared.statement {
                    Some(_) => Ok(self.analysis(&prepared)?.description.as_deref().cloned()),
                    None => Ok(None),
                }
            }
            Statement::Fetch(fetch) if !fetch.only_move => Ok(self
                .portals
                .get(&fetch.name.text)
                .and_then(|portal| portal.description.as_deref().cloned())),
            _ => Ok(None),
        }
    }

    fn prepared_by_name(&self, name: &str) -> Result<Arc<Prepared>> {
        self.statements.get(name).cloned().ok_or_else(|| {
            Error::new(
                SqlState::InvalidSqlStatementName,
                format!("prepared statement \"{name}\" does not exist"),
            )
        })
    }

    /// Runs a utility statement. `several`: it stands in a text of several statements.
    pub(super) async fn utility(
        &mut self,
        prepared: &Prepared,
        statement: &Arc<Statement>,
        parameters: &Arc<[Value]>,
        several: bool,
        sink: &mut dyn Sink,
    ) -> Result<Done> {
        meters().utility.increment(1);
        let tag = match &**statement {
            Statement::Transaction(control) => self.control(control).await?,
            Statement::Set(set) => self.set_statement(set).await?,
            Statement::Reset(name) => self.reset(name.as_deref())?,
            Statement::Show(name) => {
                let (description, rows) = self.show_statement(name.as_deref())?;
                let description = Arc::new(description);
                return Ok(Done::Rows { description, rows, tag: Tag::Plain("SHOW".to_string()) });
            }
            Statement::Discard(what) => self.discard(what).await?,
            Statement::Prepare(prepare) => Box::pin(self.prepare(prepare, &prepared.text)).await?,
            Statement::Execute(execute) => return self.execute_prepared(execute, &prepared.text, sink).await,
            Statement::Deallocate(name) => self.deallocate(name.as_ref().map(|name| name.text.as_str()))?,
            Statement::DeclareCursor(declare) => self.declare(declare, &prepared.text).await?,
            Statement::Fetch(fetch) => return self.fetch(fetch).await,
            Statement::Subscribe(_) => {
                let (description, rows) = Box::pin(self.subscribe(prepared, parameters)).await?;
                return Ok(Done::Rows { description, rows, tag: Tag::Sent("SUBSCRIBE") });
            }
            Statement::Revert(revert) => {
                let rows = Box::pin(self.revert(prepared, parameters)).await?;
                let description = Arc::new(super::revert::columns(revert));
                return Ok(Done::Rows { description, rows, tag: Tag::Sent("SELECT") });
            }
            Statement::CloseCursor(name) => {
                self.close_cursor(name.as_ref().map(|name| name.text.as_str()))?
            }
            Statement::Copy(copy) => self.copy(copy, prepared, sink).await?,
            Statement::Explain(explain) => return self.explain(explain, prepared).await,
            Statement::Lock(lock) => self.lock_table(lock).await?,
            Statement::Truncate(truncate) => self.truncate(truncate).await?,
            Statement::Checkpoint => self.checkpoint().await?,
            Statement::Backup(directory) => {
                let (description, rows) = self.backup(directory, several).await?;
                let description = Arc::new(description);
                return Ok(Done::Rows { description, rows, tag: Tag::Plain("BACKUP".to_string()) });
            }
            Statement::Vacuum(vacuum) => self.vacuum(vacuum, several).await?,
            Statement::Listen(name) => self.change_channel(Some(&name.text), true)?,
            Statement::Unlisten(name) => {
                self.change_channel(name.as_ref().map(|name| name.text.as_str()), false)?
            }
            Statement::Notify { channel, payload } => {
                self.ensure_block()?;
                self.shared.note_notification(&channel.text, payload.as_deref().unwrap_or(""))?;
                "NOTIFY".to_string()
            }
            Statement::Query(query) if into_of(query).is_some() => {
                let create =
                    table_of_into(query).ok_or_else(|| Error::internal("SELECT INTO without INTO"))?;
                self.create_table_as(&create, prepared, parameters).await?
            }
            Statement::Query(_) | Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => {
                return Err(Error::internal("a statement with a plan was run as a utility"));
            }
            Statement::Reindex(_) => "REINDEX".to_string(),
            Statement::Time(time) => Box::pin(self.time_statement(time, prepared)).await?,
            Statement::Refresh(refresh) => Box::pin(self.refresh(refresh)).await?,
            Statement::CreateTableAs(create) => self.create_table_as(create, prepared, parameters).await?,
            Statement::CreateTable(_)
            | Statement::CreateView(_)
            | Statement::CreateIndex(_)
            | Statement::CreateSequence(_)
            | Statement::CreateSchema(_)
            | Statement::CreateRole(_)
            | Statement::CreateDatabase(_)
            | Statement::CreateExtension(_)
            | Statement::AlterExtension(_)
            | Statement::TypeDefinition(_)
            | Statement::AlterTable(_)
            | Statement::AlterSequence(_)
            | Statement::AlterRole(_)
            | Statement::AlterDatabase(_)
            | Statement::AlterOwner(_)
            | Statement::Rename(_)
            | Statement::Drop(_)
            | Statement::Comment(_)
            | Statement::Grant(_)
            | Statement::GrantRole(_) => self.define(statement, prepared, several).await?,
        };
        Ok(Done::Tag(tag))
    }

    async fn prepare(&mut self, prepare: &Prepare, text: &Arc<str>) -> Result<String> {
        let name = &prepare.name.text;
        if self.statements.contains_key(name) {
            return Err(Error::new(
                SqlState::DuplicatePreparedStatement,
                format!("prepared statement \"{name}\" already exists"),
            ));
        }
        let types = prepare
            .types
            .iter()
            .map(|name| frontend::resolve_type(self, text, name))
            .collect::<Result<Vec<_>>>()?;
        let statement = Arc::new((*prepare.statement).clone());
        let mut prepared = Prepared::new(text.clone(), Some(statement)).with_parameters(types);
        prepared.fixed = true;
        self.understood_locked(&prepared).await?;
        self.prepared_at.insert(name.clone(), (self.shared.instance.now_micros(), true));
        self.statements.insert(name.clone(), Arc::new(prepared));
        Ok("PREPARE".to_string())
    }

    /// The prepared statement that EXECUTE names, and the values of its parameters.
    pub(super) async fn bound_prepared(
        &mut self,
        execute: &Execute,
        text: &str,
    ) -> Result<(Arc<Prepared>, Arc<Analysis>, Arc<[Value]>)> {
        let prepared = self.prepared_by_name(&execute.name.text)?;
        if prepared.statement.is_none() {
            return Err(Error::new(SqlState::InvalidSqlStatementName, "the prepared statement is empty"));
        }
        let analysis = self.understood(&prepared).await?;
        if analysis.parameters.len() != execute.arguments.len() {
            return Err(Error::new(
                SqlState::SyntaxError,
                format!("wrong number of parameters for prepared statement \"{}\"", execute.name.text),
            )
            .detail(format!(
                "Expected {} parameters but got {}.",
                analysis.parameters.len(),
                execute.arguments.len()
            )));
        }
        let context = self.context(Arc::from([]))?;
        let mut values = Vec::with_capacity(execute.arguments.len());
        for (number, (argument, type_oid)) in (1..).zip(execute.arguments.iter().zip(&analysis.parameters)) {
            let expression = frontend::analyze_argument(self, text, argument, *type_oid, number)?;
            let compiled = crate::evaluate::compile(&expression, &crate::evaluate::Layout::default())?;
            values.push(compiled.evaluate_row(&context, &[])?);
        }
        Ok((prepared, analysis, values.into()))
    }

    async fn execute_prepared(&mut self, execute: &Execute, text: &str, sink: &mut dyn Sink) -> Result<Done> {
        let (prepared, analysis, values) = self.bound_prepared(execute, text).await?;
        if matches!(analysis.work, Work::Utility) {
            let Some(statement) = prepared.statement.clone() else {
                return Err(Error::internal("an empty statement has work to do"));
            };
            return Box::pin(self.utility(&prepared, &statement, &values, false, sink)).await;
        }
        let analysis = self.admit(&prepared, analysis, &values, true).await?;
        let mut rows = self.start(&analysis, values).await?;
        let command = analysis.work.command();
        let tag = if analysis.work.writes() { Tag::Changed(command) } else { Tag::Sent(command) };
        match &analysis.description {
            Some(description) => Ok(Done::Rows { description: description.clone(), rows, tag }),
            None => {
                rows.complete(&self.shared.entry.cancel.clone()).await?;
                Ok(Done::Tag(tag.text(0, rows.changed)))
            }
        }
    }

    fn deallocate(&mut self, name: Option<&str>) -> Result<String> {
        match name {
            None => {
                self.statements.clear();
                Ok("DEALLOCATE ALL".to_string())
            }
            Some(name) => {
                self.prepared_by_name(name)?;
                self.statements.remove(name);
                Ok("DEALLOCATE".to_string())
            }
        }
    }

    /// A table (not a system relation) by name.
    pub(super) fn table_by_name(&self, name: &ObjectName) -> Result<Arc<catalog::Relation>> {
        let relation = frontend::find_relation(self, name)?;
        if relation.as_table().is_none() {
            return Err(Error::new(
                SqlState::WrongObjectType,
                format!("\"{}\" is not a table", relation.name),
            ));
        }
        Ok(relation)
    }

    async fn lock_table(&mut self, lock: &LockTable) -> Result<String> {
        if !self.block.as_ref().is_some_and(|block| block.explicit) {
            return Err(Error::new(
                SqlState::NoActiveSqlTransaction,
                "LOCK TABLE can only be used in transaction blocks",
            ));
        }
        let mode = match lock.mode {
            TableLockMode::AccessShare => RelationLockMode::AccessShare,
            TableLockMode::RowShare => RelationLockMode::RowShare,
            TableLockMode::RowExclusive => RelationLockMode::RowExclusive,
            TableLockMode::ShareUpdateExclusive => RelationLockMode::ShareUpdateExclusive,
            TableLockMode::Share => RelationLockMode::Share,
            TableLockMode::ShareRowExclusive => RelationLockMode::ShareRowExclusive,
            TableLockMode::Exclusive => RelationLockMode::Exclusive,
            TableLockMode::AccessExclusive => RelationLockMode::AccessExclusive,
        };
        let timeout = self.shared.derived().lock_timeout;
        let policy = match lock.wait {
            LockWait::Block => WaitPolicy::Wait { timeout },
            LockWait::NoWait | LockWait::SkipLocked => WaitPolicy::NoWait,
        };
        for name in &lock.tables {
            let mut locked = None;
            loop {
                let relation = frontend::find_relation(self, name)?;
                if locked == Some(relation.oid) {
                    break;
                }
                self.check_lock_privilege(&relation, mode)?;
                self.lock_with_views(&relation, mode, policy).await?;
                locked = Some(relation.oid);
            }
        }
        Ok("LOCK TABLE".to_string())
    }

    /// LOCK TABLE needs the right to read for the weakest mode, to change rows for the others.
    fn check_lock_privilege(&self, relation: &catalog::Relation, mode: RelationLockMode) -> Result<()> {
        let privilege = match mode {
            RelationLockMode::AccessShare => catalog::Privileges::SELECT,
            RelationLockMode::RowShare
            | RelationLockMode::RowExclusive
            | RelationLockMode::ShareUpdateExclusive
            | RelationLockMode::Share
            | RelationLockMode::ShareRowExclusive
            | RelationLockMode::Exclusive
            | RelationLockMode::AccessExclusive => catalog::Privileges::UPDATE,
        };
        match relation.is_system() {
            true => Ok(()),
            false => self.check_table_privilege(relation.oid, privilege),
        }
    }

    /// Locks a relation, and what a view stands on.
    async fn lock_with_views(
        &mut self,
        relation: &Arc<catalog::Relation>,
        mode: RelationLockMode,
        policy: WaitPolicy,
    ) -> Result<()> {
        let cancel = self.shared.entry.cancel.clone();
        let (catalog, database) = (self.catalog(), self.shared.entry.database_oid);
        let mut wanted = vec![relation.clone()];
        let mut next = 0;
        while let Some(relation) = wanted.get(next).cloned() {
            next += 1;
            // System relations hold no rows that a lock could keep still.
            if relation.is_system() {
                continue;
            }
            if !matches!(relation.letter(), 'r' | 'v') {
                let message = format!("\"{}\" is not a table or view", relation.name);
                return Err(Error::new(SqlState::WrongObjectType, message));
            }
            let table = TableId(relation.oid);
            let locked = self
                .transaction()?
                .settle(&cancel, |transaction| transaction.lock_relation(table, mode, policy))
                .await;
            locked.map_err(|error| {
                if error.state() == SqlState::LockNotAvailable && policy == WaitPolicy::NoWait {
                    let message = format!("could not obtain lock on relation \"{}\"", relation.name);
                    Error::new(SqlState::LockNotAvailable, message)
                } else {
                    error
                }
            })?;
            for address in relation.as_view().iter().flat_map(|view| &view.query.dependencies) {
                let below = (address.class == catalog::builtin::PG_CLASS_CLASS && address.column == 0)
                    .then(|| catalog.relation(database, address.object))
                    .flatten();
                wanted.extend(below.cloned());
            }
        }
        Ok(())
    }

    async fn checkpoint(&mut self) -> Result<String> {
        self.shared.instance.checkpoint().await?;
        Ok("CHECKPOINT".to_string())
    }
}

/// INTO of a SELECT.
fn into_of(query: &Query) -> Option<&IntoTable> {
    match &query.body {
        QueryBody::Select(select) => select.into.as_ref(),
        QueryBody::Values(_) | QueryBody::SetOperation { .. } => None,
    }
}

/// SELECT INTO as the CREATE TABLE AS that it is.
fn table_of_into(query: &Query) -> Option<CreateTableAs> {
    let into = into_of(query)?;
    Some(CreateTableAs {
        persistence: into.persistence,
        materialized_view: false,
        if_not_exists: false,
        name: into.name.clone(),
        columns: Vec::new(),
        access_method: None,
        options: Vec::new(),
        on_commit: None,
        tablespace: None,
        source: TableSource::Query(Box::new(query.clone())),
        text: SourceText { start: 0, end: 0 },
        with_data: true,
    })
}
