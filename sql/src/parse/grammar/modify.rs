//! UPDATE and DELETE.

use crate::error::Result;
use crate::parse::parser::{Parser, column_like};
use crate::parse::syntax::{Delete, Name, ObjectName, RowFilter, SetClause, Statement, Update, With};

impl Parser<'_> {
    pub(super) fn update(&mut self, with: Option<With>) -> Result<Statement> {
        self.expect("update")?;
        let (table, alias) = self.modified_table()?;
        self.expect("set")?;
        let assignments = self.list(Self::set_clause)?;
        let from = if self.accept("from") { self.reference_list()? } else { Vec::new() };
        self.optional_statement_time()?;
        let filter = self.row_filter()?;
        let returning = self.returning()?;
        Ok(Statement::Update(Box::new(Update { with, table, alias, assignments, from, filter, returning })))
    }

    pub(super) fn delete(&mut self, with: Option<With>) -> Result<Statement> {
        self.expect_all(&["delete", "from"])?;
        let (table, alias) = self.modified_table()?;
        let using = if self.accept("using") { self.reference_list()? } else { Vec::new() };
        self.optional_statement_time()?;
        let filter = self.row_filter()?;
        let returning = self.returning()?;
        Ok(Statement::Delete(Box::new(Delete { with, table, alias, using, filter, returning })))
    }

    /// `[ONLY] t [*] [[AS] alias]`; SET is never an alias without AS.
    fn modified_table(&mut self) -> Result<(ObjectName, Option<Name>)> {
        let only = self.accept("only");
        let parenthesis = only && self.accept_symbol(b'(');
        let table = self.object_name()?;
        if parenthesis {
            self.expect_symbol(b')')?;
        }
        self.accept_operator("*");
        let aliased = self.accept("as") || (self.is_name_at(0, column_like) && !self.is("set"));
        let alias = if aliased { Some(self.name()?) } else { None };
        Ok((table, alias))
    }

    pub(super) fn set_clause(&mut self) -> Result<SetClause> {
        if self.is_symbol(b'(') {
            let targets = self.parenthesized(Self::target_column)?;
            self.expect_equals()?;
            return Ok(SetClause::Multiple(targets, self.expression()?));
        }
        let target = self.target_column()?;
        self.expect_equals()?;
        Ok(SetClause::Single(target, self.expression()?))
    }

    pub(super) fn expect_equals(&mut self) -> Result<()> {
        if self.accept_operator("=") { Ok(()) } else { self.unexpected() }
    }

    fn row_filter(&mut self) -> Result<Option<RowFilter>> {
        if !self.accept("where") {
            return Ok(None);
        }
        if self.accept_all(&["current", "of"]) {
            return Ok(Some(RowFilter::CurrentOf(self.name()?)));
        }
        Ok(Some(RowFilter::Where(self.expression()?)))
    }
}
