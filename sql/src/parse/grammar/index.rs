//! CREATE INDEX, keys of indexes, and storage options.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{
    CreateIndex, Expression, ExpressionKind, IndexElement, SortDirection, Statement, StorageOption,
};

impl Parser<'_> {
    pub(super) fn create_index(&mut self) -> Result<Statement> {
        let unique = self.accept("unique");
        self.expect("index")?;
        let concurrently = self.accept("concurrently");
        let if_not_exists = self.if_not_exists();
        let name = if self.is("on") { None } else { Some(self.name()?) };
        self.expect("on")?;
        let only = self.accept("only");
        let table = self.object_name()?;
        let access_method = if self.accept("using") { Some(self.name()?) } else { None };
        let elements = self.parenthesized(Self::index_element)?;
        let include =
            if self.accept("include") { self.parenthesized(Self::index_element)? } else { Vec::new() };
        let nulls_not_distinct = self.nulls_not_distinct();
        let options = self.storage_options()?;
        let tablespace = if self.accept("tablespace") { Some(self.name()?) } else { None };
        let filter = if self.accept("where") { Some(self.with_source(Self::expression)?) } else { None };
        Ok(Statement::CreateIndex(Box::new(CreateIndex {
            unique,
            concurrently,
            if_not_exists,
            name,
            table,
            only,
            access_method,
            elements,
            include,
            nulls_not_distinct,
            options,
            tablespace,
            filter,
        })))
    }

    /// A key: a column, a call, or an expression in parentheses, with what may follow.
    pub(super) fn index_element(&mut self) -> Result<IndexElement> {
        let (expression, text) = if self.is_symbol(b'(') {
            self.parenthesized_source()?
        } else {
            self.with_source(Self::index_column_or_call)?
        };
        let collation = if self.accept("collate") { Some(self.object_name()?) } else { None };
        let mut operator_class = None;
        let mut operator_class_options = Vec::new();
        let ordering = ["asc", "desc", "nulls"].iter().any(|word| self.is(word));
        if !ordering && self.is_name_at(0, crate::parse::parser::column_like) {
            operator_class = Some(self.object_name()?);
            if self.is_symbol(b'(') {
                operator_class_options = self.parenthesized(Self::storage_option)?;
            }
        }
        let direction = match self.accept_one(&["asc", "desc"]) {
            Some("asc") => SortDirection::Ascending,
            Some(_) => SortDirection::Descending,
            None => SortDirection::Default,
        };
        let nulls_first = self.nulls_order()?;
        Ok(IndexElement {
            expression,
            text,
            collation,
            operator_class,
            operator_class_options,
            direction,
            nulls_first,
        })
    }

    fn index_column_or_call(&mut self) -> Result<Expression> {
        let at = self.at();
        if self.is_name_at(0, crate::parse::parser::column_like)
            && !self.is_symbol_at(1, b'(')
            && !self.is_symbol_at(1, b'.')
        {
            let name = self.name()?;
            return Ok(Expression { kind: ExpressionKind::Column(vec![name.text]), at });
        }
        let call = self.primary()?;
        match call.kind {
            ExpressionKind::Function(_)
            | ExpressionKind::Coalesce(_)
            | ExpressionKind::Greatest(_)
            | ExpressionKind::Least(_)
            | ExpressionKind::NullIf(_, _)
            | ExpressionKind::Cast { .. }
            | ExpressionKind::Special(_, _) => Ok(call),
            _ => Err(self.invalid("an expression in an index key must be in parentheses", at)),
        }
    }

    /// WITH (name = value, ...), where it stands.
    pub(super) fn storage_options(&mut self) -> Result<Vec<StorageOption>> {
        if !(self.is("with") && self.is_symbol_at(1, b'(')) {
            return Ok(Vec::new());
        }
        self.advance();
        self.parenthesized(Self::storage_option)
    }

    pub(super) fn storage_option(&mut self) -> Result<StorageOption> {
        let first = self.label()?;
        let (namespace, name) = match self.accept_symbol(b'.') {
            true => (Some(first.text), self.label()?.text),
            false => (None, first.text),
        };
        let value = if self.accept_operator("=") { Some(self.option_value()?) } else { None };
        Ok(StorageOption { namespace, name, value, at: first.at })
    }
}
