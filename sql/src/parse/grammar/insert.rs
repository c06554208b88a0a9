//! INSERT.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{
    ConflictClause, ConflictTarget, ConflictUpdate, Insert, Name, Overriding, Statement, TargetColumn, With,
};

impl Parser<'_> {
    pub(super) fn insert(&mut self, with: Option<With>) -> Result<Statement> {
        self.expect_all(&["insert", "into"])?;
        let table = self.object_name()?;
        let alias = if self.accept("as") { Some(self.name()?) } else { None };
        let has_columns = self.is_symbol(b'(') && !self.parenthesis_begins_query();
        let columns = if has_columns { self.parenthesized(Self::target_column)? } else { Vec::new() };
        let overriding = self.overriding()?;
        let source = if self.accept_all(&["default", "values"]) { None } else { Some(self.query()?) };
        let conflict = self.conflict_clause()?;
        let returning = self.returning()?;
        let insert = Insert { with, table, alias, columns, overriding, source, conflict, returning };
        Ok(Statement::Insert(Box::new(insert)))
    }

    /// Whether a query begins behind the parentheses that stand here.
    fn parenthesis_begins_query(&self) -> bool {
        let mut ahead = 0;
        while self.is_symbol_at(ahead, b'(') {
            ahead += 1;
        }
        ["select", "with", "values", "table"].iter().any(|word| self.is_at(ahead, word))
    }

    /// A column to assign to, with the field or element of it, if one is named.
    pub(super) fn target_column(&mut self) -> Result<TargetColumn> {
        let name = self.name()?;
        let (mut fields, mut indexes) = (Vec::new(), Vec::new());
        loop {
            if self.accept_symbol(b'.') {
                fields.push(self.label()?);
            } else if self.accept_symbol(b'[') {
                indexes.push(self.subscript()?);
            } else {
                return Ok(TargetColumn { name, fields, indexes });
            }
        }
    }

    fn overriding(&mut self) -> Result<Option<Overriding>> {
        if !self.accept("overriding") {
            return Ok(None);
        }
        let found = match self.accept_one(&["system", "user"]) {
            Some("system") => Overriding::SystemValue,
            Some(_) => Overriding::UserValue,
            None => return self.unexpected(),
        };
        self.expect("value")?;
        Ok(Some(found))
    }

    fn conflict_clause(&mut self) -> Result<Option<ConflictClause>> {
        let at = self.at();
        if !self.accept_all(&["on", "conflict"]) {
            return Ok(None);
        }
        let target = self.conflict_target()?;
        self.expect("do")?;
        if self.accept("nothing") {
            return Ok(Some(ConflictClause { target, update: None, at }));
        }
        self.expect_all(&["update", "set"])?;
        let assignments = self.list(Self::set_clause)?;
        let filter = if self.accept("where") { Some(self.expression()?) } else { None };
        let update = Some(ConflictUpdate { assignments, filter });
        Ok(Some(ConflictClause { target, update, at }))
    }

    fn conflict_target(&mut self) -> Result<Option<ConflictTarget>> {
        let at = self.at();
        if self.accept_all(&["on", "constraint"]) {
            let name: Name = self.name()?;
            return Ok(Some(ConflictTarget::Constraint(name)));
        }
        if !self.is_symbol(b'(') {
            return Ok(None);
        }
        let elements = self.parenthesized(Self::index_element)?;
        let filter = if self.accept("where") { Some(self.expression()?) } else { None };
        Ok(Some(ConflictTarget::Inference { elements, filter, at }))
    }
}
