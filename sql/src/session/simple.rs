//! The simple protocol: a text of statements in one implicit transaction, each run and sent before the next begins.

use std::sync::Arc;

use engine::Value;

use super::cache::Hit;
use super::encode::RowEncoder;
use super::frontend::{Script, check_databases};
use super::meters::meters;
use super::portal::Tag;
use super::prepared::{Analysis, Prepared, Work};
use super::row::RowDescription;
use super::rows::Rows;
use super::session::Session;
use super::sink::Sink;
use crate::error::Result;
use crate::parse::Parsed;
use crate::parse::fingerprint::fingerprint;
use crate::parse::syntax::{Statement, Transaction};

/// Whether a failed block accepts a statement: only what ends it.
pub(super) fn ends_failed_block(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Transaction(
            Transaction::Commit { .. } | Transaction::Rollback { .. } | Transaction::RollbackTo(_)
        )
    )
}

impl Session {
    /// Simple protocol: every statement of `text`, one after another, streaming. CommandComplete, EmptyQueryResponse
    /// and rows go to the sink; the caller sends ErrorResponse for an error, and ReadyForQuery.
    pub async fn query(&mut self, text: &str, sink: &mut dyn Sink) -> Result<()> {
        let timer = self.start_work(Arc::from(text));
        // The unnamed portal and statement go with every simple query.
        self.portals.remove("");
        let result = self.run_script(text, sink).await;
        drop(timer);
        if result.is_err() {
            self.statement_failed();
        }
        self.send_asides(sink);
        self.end_work();
        result
    }

    async fn run_script(&mut self, text: &str, sink: &mut dyn Sink) -> Result<()> {
        if let Some(hit) = self.cached_statement(text)? {
            self.ensure_block()?;
            self.lock_relations(&hit.analysis.locks).await?;
            // Where the catalog has changed by then, the text as it is says what it means now.
            if hit.analysis.generation == self.catalog().generation() {
                return self.run_cached(hit, sink).await;
            }
        }
        let script = match Script::parse(text) {
            Ok(script) => script,
            Err(error) => {
                // A syntax error is an error of the transaction, too.
                self.refuse_in_failed()?;
                return Err(error);
            }
        };
        let count = script.statements.len();
        if count == 0 {
            sink.empty_query();
            return Ok(());
        }
        let whole: Arc<str> = Arc::from(text);
        for (index, parsed) in script.statements.into_iter().enumerate() {
            let started = std::time::Instant::now();
            let last = index + 1 == count;
            if !ends_failed_block(&parsed.statement) {
                self.refuse_in_failed()?;
            }
            let tag = self.run_statement(&whole, parsed, count > 1, sink).await?;
            if last && self.block.as_ref().is_some_and(|block| !block.explicit) {
                self.commit_block().await?;
            }
            self.send_asides(sink);
            sink.command_complete(&tag);
            meters().seconds.record(started.elapsed().as_secs_f64());
        }
        Ok(())
    }

    /// The statement of a text from the cache. In a failed block nothing is looked up: the parser decides there.
    fn cached_statement(&mut self, text: &str) -> Result<Option<Hit>> {
        if self.block.as_ref().is_some_and(|block| block.failed) {
            return Ok(None);
        }
        let Ok(fingerprint) = fingerprint(text) else { return Ok(None) };
        self.cached(text, fingerprint)
    }

    async fn run_cached(&mut self, hit: Hit, sink: &mut dyn Sink) -> Result<()> {
        let started = std::time::Instant::now();
        let tag = self.run_planned(&hit.prepared, hit.analysis, hit.parameters, sink).await?;
        if self.block.as_ref().is_some_and(|block| !block.explicit) {
            self.commit_block().await?;
        }
        self.send_asides(sink);
        sink.command_complete(&tag);
        meters().seconds.record(started.elapsed().as_secs_f64());
        Ok(())
    }

    /// Runs one statement of a text and sends its rows; its tag.
    async fn run_statement(
        &mut self,
        text: &Arc<str>,
        parsed: Parsed,
        several: bool,
        sink: &mut dyn Sink,
    ) -> Result<String> {
        let statement = Arc::new(parsed.statement);
        if let Statement::Transaction(control) = &*statement {
            return Box::pin(self.control_of(control, text, parsed.start)).await;
        }
        check_databases(self, text, &statement, &parsed.database_names)?;
        let prepared = Prepared::new(text.clone(), Some(statement.clone())).at_time(parsed.time);
        self.ensure_block()?;
        let analysis = Box::pin(self.understood(&prepared)).await?;
        if matches!(analysis.work, Work::Utility) {
            let done = Box::pin(self.utility(&prepared, &statement, &Arc::from([]), several, sink)).await?;
            return match done {
                Done::Tag(tag) => Ok(tag),
                Done::Rows { description, rows, tag } => {
                    Box::pin(self.send_all(&description, rows, &tag, sink)).await
                }
            };
        }
        self.run_planned(&prepared, analysis, Arc::from([]), sink).await
    }

    /// Runs a statement that has a plan and sends its rows; its tag.
    async fn run_planned(
        &mut self,
        prepared: &Prepared,
        analysis: Arc<Analysis>,
        parameters: Arc<[Value]>,
        sink: &mut dyn Sink,
    ) -> Result<String> {
        let analysis = self.admit(prepared, analysis, &parameters, false).await?;
        let rows = self.start(&analysis, parameters).await?;
        let command = analysis.work.command();
        let tag = if analysis.work.writes() { Tag::Changed(command) } else { Tag::Sent(command) };
        match &analysis.description {
            Some(description) => self.send_all(description, rows, &tag, sink).await,
            None => {
                let mut rows = rows;
                rows.complete(&self.shared.entry.cancel.clone()).await?;
                Ok(tag.text(0, rows.changed))
            }
        }
    }

    /// Sends a description and all rows; the tag.
    pub(super) async fn send_all(
        &mut self,
        description: &RowDescription,
        mut rows: Rows,
        tag: &Tag,
        sink: &mut dyn Sink,
    ) -> Result<String> {
        sink.row_description(description);
        let mut encoder = self.encoder(description);
        let cancel = self.shared.entry.cancel.clone();
        let (sent, _) = rows.send(u64::MAX, &mut encoder, sink, &cancel).await?;
        Ok(tag.text(sent, rows.changed))
    }

    /// An encoder for rows of a description.
    pub(super) fn encoder(&self, description: &RowDescription) -> RowEncoder {
        let columns = description.fields.iter().map(|field| (field.type_oid, field.format)).collect();
        RowEncoder::new(columns, self.shared.derived(), self.names())
    }
}

/// What a utility statement gave.
pub(super) enum Done {
    Tag(String),
    Rows { description: Arc<RowDescription>, rows: Rows, tag: Tag },
}
