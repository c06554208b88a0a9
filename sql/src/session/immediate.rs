//! Statements answered at once: the read of one row by its key, between two messages of the client.
//!
//! The general road to such a row is longer than the read: a block that keeps the settings for a rollback, a portal
//! that outlives the message, rows in a queue, a future in the size of everything that a statement might do. A read of
//! the point tier that stands alone needs none of it. It is one call: a transaction for its snapshot and its locks,
//! the search, the row written into the client's buffer.
//!
//! Taken are queries by a whole unique key, of plain columns, outside a block, under READ COMMITTED, without a row
//! limit, whose meaning still holds and whose relation locks are free; as of a moment, if it is settled and the catalog
//! of then, in memory, has the same relations. In any doubt the answer here is `None`, nothing has happened, and the
//! general road gives the same rows. The network asks here first, and so do the tests of the corpus.

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use catalog::Snapshot;
use engine::{Isolation, Outcome, ReadView, Transaction, Value, WaitPolicy};

use super::encode::write_value;
use super::engine_error;
use super::environment::StatementEnvironment;
use super::meters::meters;
use super::names::CatalogNames;
use super::portal::PortalState;
use super::prepared::{Analysis, Work};
use super::row::{DataRow, RowDescription};
use super::session::Session;
use super::shared::Derived;
use super::sink::Sink;
use super::transaction::TransactionStatus;
use crate::error::Result;
use crate::evaluate::Context;
use crate::parse::fingerprint::fingerprint;
use crate::point::{PointScan, Shown};
use crate::types::oid;

/// Texts of the simple protocol up to this length are worth a look.
const TEXT_LIMIT: usize = 512;

impl Session {
    /// Execute, if it can be answered at once: the rows and CommandComplete are in the buffer then.
    pub fn execute_at_once(
        &mut self,
        portal: &str,
        max_rows: u32,
        sink: &mut dyn Sink,
    ) -> Option<Result<()>> {
        if max_rows != 0 || self.block.is_some() {
            return None;
        }
        let found = self.portals.get(portal)?;
        if !matches!(found.state, PortalState::New) || found.cursor.is_some() {
            return None;
        }
        let (analysis, description) = (found.analysis.clone()?, found.description.clone()?);
        let (parameters, text) = (found.parameters.clone(), found.prepared.text.clone());
        let outcome = self.read_at_once(&analysis, parameters, text, &description, false, sink)?;
        match &outcome {
            Ok(()) => {
                if let Some(found) = self.portals.get_mut(portal) {
                    found.state = PortalState::Done;
                }
            }
            Err(_) => {
                self.portals.remove(portal);
            }
        }
        Some(outcome)
    }

    /// A text of the simple protocol, if it can be answered at once: everything but ReadyForQuery is in the buffer
    /// then.
    pub fn query_at_once(&mut self, text: &str, sink: &mut dyn Sink) -> Option<Result<()>> {
        let begins = text.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"));
        if !begins || text.len() > TEXT_LIMIT || self.block.is_some() {
            return None;
        }
        let hit = self.cached(text, fingerprint(text).ok()?).ok()??;
        let description = hit.analysis.description.clone()?;
        let outcome =
            self.read_at_once(&hit.analysis, hit.parameters, Arc::from(text), &description, true, sink)?;
        self.portals.remove("");
        self.send_asides(sink);
        Some(outcome)
    }

    /// Sync, where there is no transaction to be ended.
    pub fn sync_at_once(&mut self, sink: &mut dyn Sink) -> Option<TransactionStatus> {
        if self.block.is_some() {
            return None;
        }
        self.portals.retain(|portal| portal.is_held());
        self.send_asides(sink);
        Some(TransactionStatus::Idle)
    }

    /// Runs a read of one row: its description where that is asked for, the row, CommandComplete.
    fn read_at_once(
        &self,
        analysis: &Analysis,
        parameters: Arc<[Value]>,
        text: Arc<str>,
        description: &RowDescription,
        describe: bool,
        sink: &mut dyn Sink,
    ) -> Option<Result<()>> {
        let Work::Query { point: Some(point), locks_rows: false, .. } = &analysis.work else { return None };
        let shown = point.shown()?;
        let derived = self.shared.derived();
        if !derived.point_tier || derived.isolation != Isolation::ReadCommitted {
            return None;
        }
        let started = Instant::now();
        let transaction = self.transaction_at_once(analysis, &derived)?;
        let mut context = self.context_at_once(&transaction, &derived, self.catalog(), parameters);
        let view = match point.moment() {
            None if analysis.past.is_empty() => transaction.view(),
            None => return None,
            Some(moment) => {
                let (at, catalog) = self.settled_at_once(analysis, moment, &context)?;
                if analysis.default_moment.is_some() {
                    let parameters = context.parameters.clone();
                    context = self.context_at_once(&transaction, &derived, catalog, parameters);
                }
                let view = transaction.view_at(at);
                if !point.is_usable_in(&view) {
                    return None;
                }
                view
            }
        };
        self.shared.entry.cancel.start_statement();
        let buffer_before = sink.buffer().len();
        let outcome = self.check_privileges(analysis).and_then(|()| {
            if describe {
                sink.row_description(description);
            }
            let read = Read { context: &context, derived: &derived, point, shown, description };
            read.run(&view, sink.buffer())
        });
        transaction.rollback();
        match &outcome {
            Ok(0) => sink.command_complete("SELECT 0"),
            Ok(_) => sink.command_complete("SELECT 1"),
            Err(_) => sink.buffer().truncate(buffer_before),
        }
        self.note_work(text);
        meters().point.increment(1);
        meters().seconds.record(started.elapsed().as_secs_f64());
        Some(outcome.map(|_| ()))
    }

    /// A transaction that holds the statement's locks, under which its meaning still holds.
    pub(super) fn transaction_at_once(&self, analysis: &Analysis, derived: &Derived) -> Option<Transaction> {
        if (analysis.default_moment.is_some() || derived.as_of.is_some())
            && self.default_moment().ok()? != analysis.default_moment
        {
            return None;
        }
        let mut transaction = self.shared.instance.database().begin(Isolation::ReadCommitted, true);
        for (table, mode) in &analysis.locks {
            match transaction.lock_relation(*table, *mode, WaitPolicy::NoWait) {
                Ok(Outcome::Done(())) => {}
                Ok(Outcome::Wait(_)) | Err(_) => return None,
            }
        }
        let holds = analysis.generation == self.catalog().generation()
            && *analysis.search_path == *derived.settings.search_path;
        if !holds {
            return None;
        }
        // The snapshot is taken under the locks.
        transaction.start_statement();
        Some(transaction)
    }

    /// What the read's expressions look at.
    fn context_at_once(
        &self,
        transaction: &Transaction,
        derived: &Derived,
        catalog: Arc<Snapshot>,
        parameters: Arc<[Value]>,
    ) -> Context {
        let now = self.shared.instance.now_micros();
        let environment = StatementEnvironment {
            shared: self.shared.clone(),
            catalog,
            snapshot_micros: transaction.snapshot().micros(),
            transaction_id: transaction.id(),
        };
        Context {
            settings: derived.settings.clone(),
            parameters,
            transaction_micros: now,
            statement_micros: now,
            environment: Arc::new(environment),
        }
    }

    /// Shows in pg_stat_activity what was done.
    fn note_work(&self, text: Arc<str>) {
        let now = self.shared.instance.now_micros();
        let mut activity = self.shared.entry.activity.lock();
        self.shared.instance.registry().note_statement(self.shared.entry.process, &mut activity);
        activity.query = text;
        activity.query_start = Some(now);
        activity.state_change = Some(now);
    }
}

/// One read on its way.
struct Read<'a> {
    context: &'a Context,
    derived: &'a Derived,
    point: &'a PointScan,
    shown: &'a [Shown],
    description: &'a RowDescription,
}

impl Read<'_> {
    /// Writes the row, if there is one; how many there were.
    fn run(&self, view: &ReadView, buffer: &mut BytesMut) -> Result<u64> {
        let names = CatalogNames::of_context(self.context);
        let output = self.derived.output(&names);
        let mut scratch = Vec::new();
        let mut count = 0;
        self.point.one(view, self.context, &mut |row| {
            count += 1;
            let mut frame = DataRow::begin(buffer, self.shown.len() as u16);
            for (shown, field) in self.shown.iter().zip(&self.description.fields) {
                let value = match shown {
                    Shown::Column(column) => {
                        // Text is the same in both formats, and is written from where it stands.
                        if let oid::TEXT | oid::VARCHAR | oid::BPCHAR = field.type_oid {
                            match row.bytes(*column).map_err(engine_error)? {
                                Some(bytes) => frame.bytes(&bytes),
                                None => frame.null(),
                            }
                            continue;
                        }
                        row.value(*column).map_err(engine_error)?
                    }
                    Shown::Constant(value) => value.clone(),
                };
                write_value(&mut frame, field.type_oid, field.format, &value, &output, &mut scratch)?;
            }
            frame.finish()
        })?;
        Ok(count)
    }
}
