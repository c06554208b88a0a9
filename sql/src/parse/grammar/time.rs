//! CREATE SNAPSHOT, DROP SNAPSHOT, RESTORE TABLE, UNDROP TABLE.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{Statement, TimeStatement};

impl Parser<'_> {
    /// CREATE SNAPSHOT name [AS OF moment]
    pub(super) fn create_snapshot(&mut self) -> Result<Statement> {
        self.expect_all(&["create", "snapshot"])?;
        let name = self.name()?;
        let moment = match self.accept_all(&["as", "of"]) {
            true => Some(self.expression()?),
            false => None,
        };
        Ok(Statement::Time(TimeStatement::CreateSnapshot { name, moment }))
    }

    /// DROP SNAPSHOT [IF EXISTS] name
    pub(super) fn drop_snapshot(&mut self) -> Result<Statement> {
        self.expect_all(&["drop", "snapshot"])?;
        let if_exists = self.accept_all(&["if", "exists"]);
        let name = self.name()?;
        Ok(Statement::Time(TimeStatement::DropSnapshot { name, if_exists }))
    }

    /// RESTORE TABLE name TO SYSTEM_TIME AS OF moment
    pub(super) fn restore(&mut self) -> Result<Statement> {
        self.expect_all(&["restore", "table"])?;
        let table = self.object_name()?;
        self.expect_all(&["to", "system_time", "as", "of"])?;
        let moment = self.expression()?;
        Ok(Statement::Time(TimeStatement::RestoreTable { table, moment }))
    }

    /// UNDROP TABLE name
    pub(super) fn undrop(&mut self) -> Result<Statement> {
        self.expect_all(&["undrop", "table"])?;
        Ok(Statement::Time(TimeStatement::UndropTable { table: self.object_name()? }))
    }
}
