//! EXPLAIN, VACUUM, ANALYZE, CHECKPOINT, BACKUP, REFRESH, REINDEX, LOCK.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{
    Explain, LockTable, Name, ObjectName, Refresh, Reindex, Statement, TableLockMode, UtilityOption, Vacuum,
};
use crate::tree::LockWait;

impl Parser<'_> {
    pub(super) fn explain(&mut self) -> Result<Statement> {
        self.expect("explain")?;
        let mut options = Vec::new();
        if self.is_symbol(b'(')
            && !self.is_at(1, "select")
            && !self.is_symbol_at(1, b'(')
            && !self.is_at(1, "values")
            && !self.is_at(1, "with")
            && !self.is_at(1, "table")
        {
            options = self.parenthesized(Self::utility_option)?;
        } else {
            for word in ["analyze", "analyse", "verbose"] {
                let at = self.at();
                if self.accept(word) {
                    let name = if word == "verbose" { word } else { "analyze" };
                    options.push(UtilityOption { name: name.to_string(), value: None, at });
                }
            }
        }
        let statement = self.nested(|parser| match parser.word_lower().as_str() {
            "create" | "refresh" | "declare" | "execute" => parser.statement(),
            _ => parser.preparable_statement(),
        })?;
        let explainable = matches!(
            statement,
            Statement::Query(_)
                | Statement::Insert(_)
                | Statement::Update(_)
                | Statement::Delete(_)
                | Statement::CreateTableAs(_)
                | Statement::Refresh(_)
                | Statement::DeclareCursor(_)
                | Statement::Execute(_)
                | Statement::Revert(_)
        );
        if !explainable {
            return self.unexpected();
        }
        Ok(Statement::Explain(Explain { options, statement: Box::new(statement) }))
    }

    pub(super) fn maintenance(&mut self, word: &str) -> Result<Statement> {
        self.advance();
        match word {
            "checkpoint" => Ok(Statement::Checkpoint),
            "backup" => {
                self.expect("to")?;
                Ok(Statement::Backup(self.string()?))
            }
            "vacuum" => self.vacuum(),
            "refresh" => self.refresh(),
            "reindex" => self.reindex(),
            _ => {
                let mut options = Vec::new();
                if self.is_symbol(b'(') {
                    options = self.parenthesized(Self::utility_option)?;
                } else {
                    self.word_option("verbose", &mut options);
                }
                let tables = self.vacuum_tables()?;
                Ok(Statement::Vacuum(Vacuum { vacuum: false, analyze: true, options, tables }))
            }
        }
    }

    fn word_option(&mut self, word: &str, options: &mut Vec<UtilityOption>) {
        let at = self.at();
        if self.accept(word) {
            options.push(UtilityOption { name: word.to_string(), value: None, at });
        }
    }

    fn vacuum(&mut self) -> Result<Statement> {
        let mut options = Vec::new();
        let mut analyze = false;
        if self.is_symbol(b'(') {
            for option in self.parenthesized(Self::utility_option)? {
                match (option.name.as_str(), option.boolean()) {
                    ("analyze" | "analyse", Some(asked)) => analyze = asked,
                    _ => options.push(option),
                }
            }
        } else {
            for word in ["full", "freeze", "verbose"] {
                self.word_option(word, &mut options);
            }
            analyze = self.accept_one(&["analyze", "analyse"]).is_some();
        }
        let tables = self.vacuum_tables()?;
        Ok(Statement::Vacuum(Vacuum { vacuum: true, analyze, options, tables }))
    }

    fn vacuum_tables(&mut self) -> Result<Vec<(ObjectName, Vec<Name>)>> {
        if !self.is_name_at(0, crate::parse::parser::column_like) {
            return Ok(Vec::new());
        }
        self.list(|parser| Ok((parser.object_name()?, parser.optional_parenthesized(Self::name)?)))
    }

    fn refresh(&mut self) -> Result<Statement> {
        self.expect_all(&["materialized", "view"])?;
        let concurrently = self.accept("concurrently");
        let name = self.object_name()?;
        let with_data = self.with_data()?;
        Ok(Statement::Refresh(Refresh { name, concurrently, with_data }))
    }

    /// WITH [NO] DATA; absent is with.
    pub(super) fn with_data(&mut self) -> Result<bool> {
        if !(self.are(&["with", "data"]) || self.are(&["with", "no", "data"])) {
            return Ok(true);
        }
        self.advance();
        let without = self.accept("no");
        self.advance();
        Ok(!without)
    }

    fn reindex(&mut self) -> Result<Statement> {
        let options = self.optional_parenthesized(Self::utility_option)?;
        let Some(target) = self.accept_one(&["index", "table", "schema", "database", "system"]) else {
            return self.unexpected();
        };
        let concurrently = self.accept("concurrently");
        let name = self.object_name()?;
        Ok(Statement::Reindex(Reindex { target: target.to_string(), name, concurrently, options }))
    }

    pub(super) fn lock_table(&mut self) -> Result<Statement> {
        self.expect("lock")?;
        self.accept("table");
        let tables = self.list(|parser| {
            parser.accept("only");
            let name = parser.object_name()?;
            parser.accept_operator("*");
            Ok(name)
        })?;
        let mode = if self.accept("in") { self.lock_mode()? } else { TableLockMode::AccessExclusive };
        let wait = if self.accept("nowait") { LockWait::NoWait } else { LockWait::Block };
        Ok(Statement::Lock(LockTable { tables, mode, wait }))
    }

    fn lock_mode(&mut self) -> Result<TableLockMode> {
        let modes: [(&[&str], TableLockMode); 8] = [
            (&["access", "share"], TableLockMode::AccessShare),
            (&["access", "exclusive"], TableLockMode::AccessExclusive),
            (&["row", "share"], TableLockMode::RowShare),
            (&["row", "exclusive"], TableLockMode::RowExclusive),
            (&["share", "update", "exclusive"], TableLockMode::ShareUpdateExclusive),
            (&["share", "row", "exclusive"], TableLockMode::ShareRowExclusive),
            (&["share"], TableLockMode::Share),
            (&["exclusive"], TableLockMode::Exclusive),
        ];
        for (words, mode) in modes {
            if self.accept_all(words) {
                self.expect("mode")?;
                return Ok(mode);
            }
        }
        self.unexpected()
    }
}
