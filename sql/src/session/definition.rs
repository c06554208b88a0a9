//! Statements of definition, handed to `ddl`.

use std::sync::Arc;

use engine::Value;

use super::frontend::analyze;
use super::prepared::{Analysis, Prepared, Work};
use super::session::Session;
use crate::analyze::{Analyzed, AnalyzedStatement};
use crate::ddl::{self, Definer};
use crate::dml::CompiledInsert;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{CreateTableAs, Statement};
use crate::tree::Insert;

impl Session {
    /// What a definition works with: the transaction at work and this session's view of names.
    pub(super) fn definer(&mut self, text: Arc<str>) -> Result<Definer> {
        let context = self.context(Arc::from([]))?;
        let names = self.names();
        let lock_timeout = self.shared.derived().lock_timeout;
        let (role, superuser) = {
            let identity = self.shared.identity.lock();
            (identity.current_oid, identity.superuser)
        };
        let block =
            self.block.as_ref().ok_or_else(|| Error::internal("a definition outside a transaction"))?;
        Ok(Definer {
            transaction: block.transaction.clone(),
            cancel: self.shared.entry.cancel.clone(),
            lock_timeout,
            catalog: self.shared.instance.store().clone(),
            engine: self.shared.instance.database().clone(),
            overlay: block.overlay.clone(),
            database: self.shared.entry.database_oid,
            role,
            superuser,
            text,
            process: self.shared.entry.process,
            temporary: self.shared.temporary.clone(),
            context,
            names,
            notices: Vec::new(),
            made_temporary_schema: false,
        })
    }

    pub(super) async fn define(
        &mut self,
        statement: &Arc<Statement>,
        prepared: &Prepared,
        several: bool,
    ) -> Result<String> {
        self.check_writable(statement_name(statement))?;
        if matches!(&**statement, Statement::CreateDatabase(_)) || drops_database(statement) {
            let explicit = self.block.as_ref().is_some_and(|block| block.explicit);
            if explicit || several {
                let name = statement_name(statement);
                return Err(Error::new(
                    SqlState::ActiveSqlTransaction,
                    format!("{name} cannot run inside a transaction block"),
                ));
            }
        }
        self.transaction()?;
        let mut definer = self.definer(prepared.text.clone())?;
        let result = ddl::execute(&mut definer, statement).await;
        self.shared.notices.lock().append(&mut definer.notices);
        if definer.made_temporary_schema {
            self.shared.forget_evaluated();
        }
        result
    }

    /// CREATE TABLE AS: the table, then an INSERT of the query into it, in one transaction.
    pub(super) async fn create_table_as(
        &mut self,
        create: &CreateTableAs,
        prepared: &Prepared,
        parameters: &Arc<[Value]>,
    ) -> Result<String> {
        if create.materialized_view {
            return Box::pin(self.create_materialized_view(create, prepared, parameters)).await;
        }
        self.check_writable("CREATE TABLE AS")?;
        let tag = "CREATE TABLE AS".to_string();
        let statement =
            prepared.statement.clone().ok_or_else(|| Error::internal("an empty CREATE TABLE AS"))?;
        let (query, analyzed) = self.source_of_table(prepared, &statement).await?;
        let mut definer = self.definer(prepared.text.clone())?;
        let created = definer.create_table_for(create, &query.output).await;
        self.shared.notices.lock().append(&mut definer.notices);
        if definer.made_temporary_schema {
            self.shared.forget_evaluated();
        }
        let Some(table) = created? else { return Ok(tag) };
        if !create.with_data {
            return Ok(tag);
        }
        let insert = Insert {
            table: table.oid,
            columns: table.live_columns().map(|column| column.number).collect(),
            source: *query,
            row: Vec::new(),
            conflict: None,
            returning: None,
        };
        let catalog = self.catalog();
        let model = self.shared.instance.models().get(&catalog, self.shared.entry.database_oid, table.oid)?;
        let compiled = CompiledInsert::new(&insert, model)?;
        let plan = Arc::new(self.plan_query(&compiled.source, &catalog, &analyzed.past)?);
        let analysis = Arc::new(Analysis {
            generation: catalog.generation(),
            search_path: self.shared.evaluated().search_path.clone(),
            parameters: Vec::new(),
            objects: analyzed.objects,
            past: analyzed.past,
            default_moment: None,
            locks: Vec::new(),
            description: None,
            work: Work::Insert { insert: Arc::new(compiled), plan: Some(plan) },
        });
        let mut rows = self.start(&analysis, parameters.clone()).await?;
        rows.complete(&self.shared.entry.cancel.clone()).await?;
        Ok(format!("SELECT {}", rows.changed))
    }
}

impl Session {
    /// The query of a new table, analyzed under locks on what it reads; what it rests on besides.
    pub(super) async fn source_of_table(
        &mut self,
        prepared: &Prepared,
        statement: &Arc<Statement>,
    ) -> Result<(Box<crate::tree::Query>, Analyzed)> {
        self.transaction()?;
        loop {
            let catalog = self.catalog();
            let mut analyzed = match analyze(self, prepared, statement, None) {
                Ok(analyzed) => analyzed,
                Err(error) => match self.waits_for_met(catalog.generation()).await? {
                    true => continue,
                    false => return Err(error),
                },
            };
            let meaning = std::mem::replace(&mut analyzed.statement, AnalyzedStatement::Utility);
            let AnalyzedStatement::CreateTableAs(query) = meaning else {
                return Err(Error::unsupported("CREATE TABLE AS EXECUTE"));
            };
            let locks =
                self.read_locks(&catalog, &analyzed.objects, &super::admission::locked_tables(&query));
            self.lock_relations(&locks).await?;
            if self.catalog().generation() == catalog.generation() {
                return Ok((Box::new(query), analyzed));
            }
        }
    }
}

fn drops_database(statement: &Statement) -> bool {
    matches!(statement, Statement::Drop(drop) if drop.kind == crate::parse::syntax::ObjectKind::Database)
}

/// The command, as refusals name it.
fn statement_name(statement: &Statement) -> &'static str {
    match statement {
        Statement::CreateTable(_) => "CREATE TABLE",
        Statement::CreateView(_) => "CREATE VIEW",
        Statement::CreateIndex(_) => "CREATE INDEX",
        Statement::CreateSequence(_) => "CREATE SEQUENCE",
        Statement::CreateSchema(_) => "CREATE SCHEMA",
        Statement::CreateRole(_) => "CREATE ROLE",
        Statement::CreateDatabase(_) => "CREATE DATABASE",
        Statement::CreateExtension(_) => "CREATE EXTENSION",
        Statement::AlterExtension(_) => "ALTER EXTENSION",
        Statement::TypeDefinition(_) => "CREATE TYPE",
        Statement::AlterTable(_) | Statement::Rename(_) => "ALTER TABLE",
        Statement::Drop(_) if drops_database(statement) => "DROP DATABASE",
        Statement::Drop(_) => "DROP TABLE",
        Statement::Comment(_) => "COMMENT",
        Statement::Grant(_) | Statement::GrantRole(_) => "GRANT",
        _ => "a statement of definition",
    }
}
