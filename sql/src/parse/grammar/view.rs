//! CREATE VIEW and CREATE MATERIALIZED VIEW.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{CheckOption, CreateView, Persistence, SourceText, Statement};

impl Parser<'_> {
    pub(super) fn create_view(&mut self, or_replace: bool, persistence: Persistence) -> Result<Statement> {
        let recursive = self.accept("recursive");
        self.expect("view")?;
        let name = self.object_name()?;
        let columns = self.optional_parenthesized(Self::name)?;
        let options = self.storage_options()?;
        self.expect("as")?;
        let start = self.at();
        let query = Box::new(self.query()?);
        let text = SourceText { start, end: self.last_end() };
        let check_option = self.check_option()?;
        Ok(Statement::CreateView(Box::new(CreateView {
            or_replace,
            persistence,
            recursive,
            name,
            columns,
            options,
            query,
            text,
            check_option,
        })))
    }

    fn check_option(&mut self) -> Result<Option<CheckOption>> {
        if !self.accept("with") {
            return Ok(None);
        }
        let option = match self.accept_one(&["local", "cascaded"]) {
            Some("local") => CheckOption::Local,
            Some(_) | None => CheckOption::Cascaded,
        };
        self.expect_all(&["check", "option"])?;
        Ok(Some(option))
    }

    pub(super) fn create_materialized_view(&mut self, persistence: Persistence) -> Result<Statement> {
        self.expect_all(&["materialized", "view"])?;
        let if_not_exists = self.if_not_exists();
        let name = self.object_name()?;
        self.table_as(persistence, true, if_not_exists, name)
    }
}
