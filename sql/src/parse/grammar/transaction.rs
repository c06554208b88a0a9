//! BEGIN, COMMIT, ROLLBACK, savepoints, two-phase commit.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{IsolationLevel, Statement, Transaction, TransactionModes};

impl Parser<'_> {
    pub(super) fn transaction(&mut self, word: &str) -> Result<Statement> {
        self.advance();
        let transaction = match word {
            "begin" => {
                self.accept_one(&["work", "transaction"]);
                Transaction::Begin(self.transaction_modes()?)
            }
            "start" => {
                self.expect("transaction")?;
                Transaction::Begin(self.transaction_modes()?)
            }
            "commit" if self.accept("prepared") => Transaction::CommitPrepared(self.string()?),
            "rollback" if self.accept("prepared") => Transaction::RollbackPrepared(self.string()?),
            "prepare" => {
                self.advance();
                Transaction::Prepare(self.string()?)
            }
            "savepoint" => Transaction::Savepoint(self.name()?),
            "release" => {
                self.accept("savepoint");
                Transaction::Release(self.name()?)
            }
            "commit" | "end" => {
                self.accept_one(&["work", "transaction"]);
                Transaction::Commit { chain: self.chain()? }
            }
            _ => {
                self.accept_one(&["work", "transaction"]);
                if word == "rollback" && self.accept("to") {
                    self.accept("savepoint");
                    Transaction::RollbackTo(self.name()?)
                } else {
                    Transaction::Rollback { chain: self.chain()? }
                }
            }
        };
        Ok(Statement::Transaction(transaction))
    }

    fn chain(&mut self) -> Result<bool> {
        if !self.accept("and") {
            return Ok(false);
        }
        let negated = self.accept("no");
        self.expect("chain")?;
        Ok(!negated)
    }

    /// Isolation, access and deferrable modes, with or without commas; the last of a kind holds.
    pub(super) fn transaction_modes(&mut self) -> Result<TransactionModes> {
        let mut modes = TransactionModes::default();
        loop {
            if self.accept_all(&["isolation", "level"]) {
                modes.isolation = Some(self.isolation_level()?);
            } else if self.accept_all(&["read", "only"]) {
                modes.read_only = Some(true);
            } else if self.accept_all(&["read", "write"]) {
                modes.read_only = Some(false);
            } else if self.accept("deferrable") {
                modes.deferrable = Some(true);
            } else if self.accept_all(&["not", "deferrable"]) {
                modes.deferrable = Some(false);
            } else {
                return Ok(modes);
            }
            if self.accept_symbol(b',')
                && !["isolation", "read", "deferrable", "not"].iter().any(|w| self.is(w))
            {
                return self.unexpected();
            }
        }
    }

    fn isolation_level(&mut self) -> Result<IsolationLevel> {
        if self.accept("serializable") {
            return Ok(IsolationLevel::Serializable);
        }
        if self.accept("repeatable") {
            self.expect("read")?;
            return Ok(IsolationLevel::RepeatableRead);
        }
        self.expect("read")?;
        match self.accept_one(&["committed", "uncommitted"]) {
            Some("committed") => Ok(IsolationLevel::ReadCommitted),
            Some(_) => Ok(IsolationLevel::ReadUncommitted),
            None => self.unexpected(),
        }
    }
}
