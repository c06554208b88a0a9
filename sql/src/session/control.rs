//! BEGIN, COMMIT, ROLLBACK, savepoints, and the implicit transactions between them.

use std::sync::Arc;

use engine::Isolation;

use super::engine_error;
use super::session::Session;
use super::sink::Severity;
use super::transaction::{Block, Mark, TransactionStatus};
use crate::dml::{Events, SharedTransaction};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{IsolationLevel, Transaction, TransactionModes};

fn isolation_of_level(level: IsolationLevel) -> Isolation {
    match level {
        IsolationLevel::ReadUncommitted | IsolationLevel::ReadCommitted => Isolation::ReadCommitted,
        IsolationLevel::RepeatableRead => Isolation::RepeatableRead,
        IsolationLevel::Serializable => Isolation::Serializable,
    }
}

fn no_savepoint(name: &str) -> Error {
    Error::new(SqlState::InvalidSavepointSpecification, format!("savepoint \"{name}\" does not exist"))
}

impl Session {
    /// What ReadyForQuery says now.
    pub fn transaction_status(&self) -> TransactionStatus {
        match &self.block {
            Some(block) if block.failed => TransactionStatus::Failed,
            Some(block) if block.explicit => TransactionStatus::InTransaction,
            Some(_) | None => TransactionStatus::Idle,
        }
    }

    /// 25P02 in a failed block.
    pub(super) fn refuse_in_failed(&self) -> Result<()> {
        match &self.block {
            Some(block) if block.failed => Err(Error::new(
                SqlState::InFailedSqlTransaction,
                "current transaction is aborted, commands ignored until end of transaction block",
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// The transaction at work, begun implicitly where there is none.
    pub(super) fn ensure_block(&mut self) -> Result<&mut Block> {
        if self.block.is_none() {
            self.begin_block(false, &TransactionModes::default())?;
        }
        self.block.as_mut().ok_or_else(|| Error::internal("there is no transaction"))
    }

    pub(super) fn begin_block(&mut self, explicit: bool, modes: &TransactionModes) -> Result<()> {
        let derived = self.shared.derived();
        let isolation = modes.isolation.map_or(derived.isolation, isolation_of_level);
        let read_only = modes.read_only.unwrap_or(derived.read_only);
        let deferrable = modes.deferrable.unwrap_or(derived.deferrable);
        let settings_before = self.shared.settings.lock().clone();
        let mut transaction = self.shared.instance.database().begin(isolation, read_only);
        transaction.set_lock_timeout(derived.lock_timeout);
        let id = transaction.id();
        let block = Block {
            transaction: SharedTransaction::new(transaction),
            id,
            explicit,
            failed: false,
            isolation,
            read_only,
            deferrable,
            started: self.shared.instance.now_micros(),
            settings_before,
            savepoints: Vec::new(),
            deferred: Default::default(),
            deferral: Default::default(),
            overlay: Arc::default(),
            channels: Vec::new(),
            statements: 0,
        };
        *self.shared.modes.lock() = Some(block.modes());
        {
            let mut activity = self.shared.entry.activity.lock();
            activity.transaction_start = Some(block.started);
            activity.transaction = Some(id);
        }
        self.block = Some(block);
        Ok(())
    }

    /// A transaction statement; its tag.
    pub(super) async fn control(&mut self, statement: &Transaction) -> Result<String> {
        match statement {
            Transaction::Begin(modes) => {
                self.refuse_in_failed()?;
                self.begin(modes)?;
                Ok("BEGIN".to_string())
            }
            Transaction::Commit { chain } => self.commit_statement(*chain).await,
            Transaction::Rollback { chain } => self.rollback_statement(*chain).await,
            Transaction::Savepoint(name) => {
                self.refuse_in_failed()?;
                self.savepoint(&name.text)?;
                Ok("SAVEPOINT".to_string())
            }
            Transaction::Release(name) => {
                self.refuse_in_failed()?;
                self.release(&name.text)?;
                Ok("RELEASE".to_string())
            }
            Transaction::RollbackTo(name) => {
                self.rollback_to(&name.text)?;
                Ok("ROLLBACK".to_string())
            }
            Transaction::Prepare(_) | Transaction::CommitPrepared(_) | Transaction::RollbackPrepared(_) => {
                Err(Error::unsupported("two-phase commit"))
            }
        }
    }

    /// A transaction statement of a text; its tag tells START TRANSACTION from BEGIN.
    pub(super) async fn control_of(
        &mut self,
        statement: &Transaction,
        text: &str,
        start: u32,
    ) -> Result<String> {
        let tag = self.control(statement).await?;
        let written = text.get(start as usize..).unwrap_or_default();
        let starts = written.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("start"));
        Ok(if starts && tag == "BEGIN" { "START TRANSACTION".to_string() } else { tag })
    }

    fn begin(&mut self, modes: &TransactionModes) -> Result<()> {
        match &self.block {
            Some(block) if block.explicit => {
                self.warn(SqlState::ActiveSqlTransaction, "there is already a transaction in progress");
                self.set_modes(modes)
            }
            Some(_) => {
                if let Some(block) = self.block.as_mut() {
                    block.explicit = true;
                }
                self.set_modes(modes)
            }
            None => self.begin_block(true, modes),
        }
    }

    /// SET TRANSACTION.
    pub(super) fn set_modes(&mut self, modes: &TransactionModes) -> Result<()> {
        let Some(block) = self.block.as_mut() else { return Ok(()) };
        if let Some(level) = modes.isolation {
            let isolation = isolation_of_level(level);
            if block.statements > 0 && isolation != block.isolation {
                return Err(Error::new(
                    SqlState::ActiveSqlTransaction,
                    "SET TRANSACTION ISOLATION LEVEL must be called before any query",
                ));
            }
            block.isolation = isolation;
            block.transaction.with(|transaction| transaction.set_isolation(isolation))?;
        }
        if let Some(read_only) = modes.read_only {
            if !read_only && block.read_only && block.statements > 0 {
                return Err(Error::new(
                    SqlState::ActiveSqlTransaction,
                    "transaction read-write mode must be set before any query",
                ));
            }
            block.read_only = read_only;
            block.transaction.with(|transaction| transaction.set_read_only(read_only))?;
        }
        if let Some(deferrable) = modes.deferrable {
            block.deferrable = deferrable;
        }
        *self.shared.modes.lock() = Some(block.modes());
        Ok(())
    }

    /// The modes of a chained transaction.
    fn chained(&self) -> TransactionModes {
        match &self.block {
            Some(block) => TransactionModes {
                isolation: Some(match block.isolation {
                    Isolation::ReadCommitted => IsolationLevel::ReadCommitted,
                    Isolation::RepeatableRead => IsolationLevel::RepeatableRead,
                    Isolation::Serializable => IsolationLevel::Serializable,
                }),
                read_only: Some(block.read_only),
                deferrable: Some(block.deferrable),
            },
            None => TransactionModes::default(),
        }
    }

    fn require_block_for_chain(&self, statement: &str, chain: bool) -> Result<()> {
        let explicit = self.block.as_ref().is_some_and(|block| block.explicit);
        if chain && !explicit {
            return Err(Error::new(
                SqlState::NoActiveSqlTransaction,
                format!("{statement} AND CHAIN can only be used in transaction blocks"),
            ));
        }
        Ok(())
    }

    async fn commit_statement(&mut self, chain: bool) -> Result<String> {
        self.require_block_for_chain("COMMIT", chain)?;
        let explicit = self.block.as_ref().is_some_and(|block| block.explicit);
        if !explicit {
            self.warn(SqlState::NoActiveSqlTransaction, "there is no transaction in progress");
        }
        let modes = self.chained();
        let failed = self.block.as_ref().is_some_and(|block| block.failed);
        let result = if failed {
            self.rollback_block();
            Ok(())
        } else {
            self.commit_block().await
        };
        result?;
        if chain {
            self.begin_block(true, &modes)?;
        }
        Ok(if failed { "ROLLBACK" } else { "COMMIT" }.to_string())
    }

    async fn rollback_statement(&mut self, chain: bool) -> Result<String> {
        self.require_block_for_chain("ROLLBACK", chain)?;
        let explicit = self.block.as_ref().is_some_and(|block| block.explicit);
        if !explicit {
            self.warn(SqlState::NoActiveSqlTransaction, "there is no transaction in progress");
        }
        let modes = self.chained();
        self.rollback_block();
        if chain {
            self.begin_block(true, &modes)?;
        }
        Ok("ROLLBACK".to_string())
    }

    /// Commits the transaction at work, if there is one. When that fails it is rolled back.
    pub(super) async fn commit_block(&mut self) -> Result<()> {
        let Some(block) = self.block.as_ref() else { return Ok(()) };
        if !block.deferred.lock().is_empty()
            && let Err(error) = Box::pin(self.finish_deferred()).await
        {
            self.rollback_block();
            return Err(error);
        }
        if let Err(error) = self.hold_cursors().await {
            self.rollback_block();
            return Err(error);
        }
        if self.shared.temporary.lock().acts_on_commit()
            && let Err(error) = Box::pin(self.run_on_commit()).await
        {
            self.rollback_block();
            return Err(error);
        }
        let fresh = match self.begin_notifying() {
            Ok(fresh) => fresh,
            Err(error) => {
                self.rollback_block();
                return Err(error);
            }
        };
        let Some(block) = self.block.as_mut() else { return Ok(()) };
        let channels = std::mem::take(&mut block.channels);
        let Some(mut transaction) = block.transaction.take() else {
            self.rollback_block();
            return Err(Error::internal("the transaction has ended"));
        };
        if let Err(error) = super::commits::sign(&self.shared, &mut transaction) {
            transaction.rollback();
            self.stop_notifying(&fresh);
            self.rollback_block();
            return Err(error);
        }
        if self.shared.instance.registry().is_alone(&self.shared.entry) {
            transaction.may_block();
        }
        match transaction.commit().await {
            Ok(_) => {
                self.shared.settings.lock().end_transaction();
                self.end_block(true);
                self.end_notifying(&channels);
                Ok(())
            }
            Err(error) => {
                self.stop_notifying(&fresh);
                self.rollback_block();
                Err(engine_error(error))
            }
        }
    }

    /// Runs deferred constraint checks.
    pub(super) async fn finish_deferred(&mut self) -> Result<()> {
        self.writer()?.finish_deferred().await
    }

    /// Rolls the transaction at work back, if there is one.
    pub(super) fn rollback_block(&mut self) {
        let Some(block) = self.block.as_ref() else { return };
        if let Some(transaction) = block.transaction.take() {
            transaction.rollback();
        }
        let mut settings = self.shared.settings.lock();
        if !settings.same(&block.settings_before) {
            *settings = block.settings_before.clone();
        }
        drop(settings);
        self.end_block(false);
    }

    /// What ends with every transaction.
    fn end_block(&mut self, committed: bool) {
        self.block = None;
        *self.shared.modes.lock() = None;
        {
            let mut activity = self.shared.entry.activity.lock();
            activity.transaction_start = None;
            activity.transaction = None;
        }
        self.shared.instance.advisory().release(self.shared.entry.process, true);
        self.shared.forget_notifications(0);
        self.portals.retain(|portal| committed && portal.is_held());
    }

    /// An error in a statement: a block fails, an implicit transaction is rolled back.
    pub(super) fn statement_failed(&mut self) {
        match self.block.as_mut() {
            Some(block) if block.explicit => block.failed = true,
            Some(_) => self.rollback_block(),
            None => {}
        }
    }

    fn require_block(&self, statement: &str) -> Result<()> {
        match &self.block {
            Some(block) if block.explicit => Ok(()),
            Some(_) | None => Err(Error::new(
                SqlState::NoActiveSqlTransaction,
                format!("{statement} can only be used in transaction blocks"),
            )),
        }
    }

    fn savepoint(&mut self, name: &str) -> Result<()> {
        self.require_block("SAVEPOINT")?;
        let settings = self.shared.settings.lock().clone();
        let notifications = self.shared.noted_notifications();
        let Some(block) = self.block.as_mut() else { return Ok(()) };
        let savepoint = block.transaction.with(|transaction| transaction.savepoint())?;
        block.savepoints.push(Mark {
            name: name.to_string(),
            savepoint,
            settings,
            deferred: block.deferred.lock().len(),
            deferral: block.deferral.clone(),
            overlay: block.overlay.lock().mark(),
            notifications,
            channels: block.channels.len(),
        });
        Ok(())
    }

    fn release(&mut self, name: &str) -> Result<()> {
        self.require_block("RELEASE SAVEPOINT")?;
        let Some(block) = self.block.as_mut() else { return Ok(()) };
        let at =
            block.savepoints.iter().rposition(|mark| mark.name == name).ok_or_else(|| no_savepoint(name))?;
        block.savepoints.truncate(at);
        Ok(())
    }

    fn rollback_to(&mut self, name: &str) -> Result<()> {
        self.require_block("ROLLBACK TO SAVEPOINT")?;
        let Some(block) = self.block.as_mut() else { return Ok(()) };
        let at =
            block.savepoints.iter().rposition(|mark| mark.name == name).ok_or_else(|| no_savepoint(name))?;
        block.savepoints.truncate(at + 1);
        let Some(mark) = block.savepoints.last() else { return Ok(()) };
        let savepoint = mark.savepoint;
        block.transaction.with(|transaction| transaction.rollback_to(savepoint))?.map_err(engine_error)?;
        *self.shared.settings.lock() = mark.settings.clone();
        block.deferred.lock().truncate(mark.deferred);
        block.deferral = mark.deferral.clone();
        block.overlay.lock().rollback(mark.overlay);
        block.channels.truncate(mark.channels);
        self.shared.forget_notifications(mark.notifications);
        block.failed = false;
        // Cursors opened since the savepoint are gone.
        let depth = at + 1;
        self.portals.retain(|portal| portal.savepoint_depth < depth);
        Ok(())
    }

    /// A writer for the transaction at work, with the deferred events of it.
    pub(super) fn writer(&mut self) -> Result<crate::dml::Writer> {
        let context = self.context(Arc::from([]))?;
        self.writer_with(context)
    }

    /// A writer for a statement of that context.
    pub(super) fn writer_with(&mut self, context: crate::evaluate::Context) -> Result<crate::dml::Writer> {
        let snapshot = context.environment.catalog();
        let lock_timeout = self.shared.derived().lock_timeout;
        let instance = self.shared.instance.clone();
        let block = self.ensure_block()?;
        let events = Events {
            statement: Default::default(),
            deferred: block.deferred.clone(),
            deferral: block.deferral.clone(),
        };
        Ok(crate::dml::Writer {
            transaction: block.transaction.clone(),
            isolation: block.isolation,
            context,
            cancel: self.shared.entry.cancel.clone(),
            models: instance.models().clone(),
            snapshot,
            database_oid: self.shared.entry.database_oid,
            database: instance.database().clone(),
            lock_timeout,
            events,
            touched: Default::default(),
        })
    }

    /// Queues a warning.
    pub(super) fn warn(&self, state: SqlState, message: &str) {
        self.shared.notify(Severity::Warning, Error::new(state, message).into_report());
    }
}
