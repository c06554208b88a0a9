//! FROM: tables, subqueries, functions, joins, and the time clause of a table.

use crate::error::Result;
use crate::parse::parser::{Parser, column_like};
use crate::parse::syntax::{
    Alias, ColumnDefinition, Expression, ExpressionKind, FunctionItem, JoinCondition, JoinKind, Query,
    TableReference, TimeClause,
};
use crate::parse::token::TokenKind;

/// What stood in parentheses in FROM.
enum Inner {
    Query(Query),
    Table(TableReference),
}

impl Parser<'_> {
    /// A table with all joins that follow it.
    pub(super) fn table_reference(&mut self) -> Result<TableReference> {
        self.nested(|parser| {
            let left = parser.table_primary()?;
            parser.join_chain(left)
        })
    }

    fn join_chain(&mut self, mut left: TableReference) -> Result<TableReference> {
        loop {
            let at = self.at();
            let natural = self.is("natural");
            let Some(kind) = self.peek_join(usize::from(natural)) else { return Ok(left) };
            self.take_join(natural);
            let mut right = self.table_primary()?;
            let condition = if natural {
                JoinCondition::Natural
            } else if kind == JoinKind::Cross {
                JoinCondition::None
            } else {
                if !(self.is("on") || self.is("using")) {
                    right = self.nested(|parser| parser.join_chain(right))?;
                }
                self.join_condition()?
            };
            let kind = if natural && kind == JoinKind::Cross { return self.unexpected() } else { kind };
            let (left_side, right) = (Box::new(left), Box::new(right));
            left = TableReference::Join { kind, left: left_side, right, condition, alias: None, at };
            self.grow_by(super::JOIN_WEIGHT)?;
        }
    }

    fn peek_join(&self, ahead: usize) -> Option<JoinKind> {
        let outer = |kind| {
            let after = ahead + 1 + usize::from(self.is_at(ahead + 1, "outer"));
            self.is_at(after, "join").then_some(kind)
        };
        match () {
            () if self.is_at(ahead, "join") => Some(JoinKind::Inner),
            () if self.is_at(ahead, "inner") && self.is_at(ahead + 1, "join") => Some(JoinKind::Inner),
            () if self.is_at(ahead, "cross") && self.is_at(ahead + 1, "join") => Some(JoinKind::Cross),
            () if self.is_at(ahead, "left") => outer(JoinKind::Left),
            () if self.is_at(ahead, "right") => outer(JoinKind::Right),
            () if self.is_at(ahead, "full") => outer(JoinKind::Full),
            () => None,
        }
    }

    /// Takes the words up to and including JOIN.
    fn take_join(&mut self, natural: bool) {
        if natural {
            self.advance();
        }
        while !self.is("join") {
            self.advance();
        }
        self.advance();
    }

    fn join_condition(&mut self) -> Result<JoinCondition> {
        if self.accept("on") {
            return Ok(JoinCondition::On(self.expression()?));
        }
        self.expect("using")?;
        let columns = self.parenthesized(Self::name)?;
        let alias = if self.accept("as") { Some(self.name()?) } else { None };
        Ok(JoinCondition::Using { columns, alias })
    }

    fn table_primary(&mut self) -> Result<TableReference> {
        let at = self.at();
        let lateral = self.accept("lateral");
        if self.is_symbol(b'(') {
            return match self.table_parenthesis()? {
                Inner::Query(query) => self.subquery_reference(query, lateral, at),
                Inner::Table(table) if !lateral => self.aliased_join(table),
                Inner::Table(_) => self.unexpected(),
            };
        }
        if self.accept_all(&["rows", "from"]) {
            return self.rows_from(lateral, at);
        }
        if self.is("xmltable") {
            return self.unsupported("XMLTABLE");
        }
        if self.is("only") {
            self.advance();
            if self.accept_symbol(b'(') {
                let table = self.relation(false)?;
                self.expect_symbol(b')')?;
                return self.with_alias(table);
            }
            return self.relation(true);
        }
        if lateral || self.begins_function() {
            return self.function_reference(lateral, at);
        }
        self.relation(true)
    }

    fn subquery_reference(&mut self, query: Query, lateral: bool, at: u32) -> Result<TableReference> {
        let alias = self.optional_alias()?;
        if alias.is_none() {
            let message = match query.body {
                crate::parse::syntax::QueryBody::Values(_) => "VALUES in FROM must have an alias",
                crate::parse::syntax::QueryBody::Select(_)
                | crate::parse::syntax::QueryBody::SetOperation { .. } => {
                    "subquery in FROM must have an alias"
                }
            };
            let hint = match query.body {
                crate::parse::syntax::QueryBody::Values(_) => "For example, FROM (VALUES ...) [AS] foo.",
                crate::parse::syntax::QueryBody::Select(_)
                | crate::parse::syntax::QueryBody::SetOperation { .. } => {
                    "For example, FROM (SELECT ...) [AS] foo."
                }
            };
            return Err(self.invalid(message, at).hint(hint));
        }
        Ok(TableReference::Subquery { lateral, query: Box::new(query), alias, at })
    }

    /// `( ... )` in FROM: a query, or a join.
    fn table_parenthesis(&mut self) -> Result<Inner> {
        self.nested(|parser| {
            parser.expect_symbol(b'(')?;
            let at = parser.at();
            let inner = if parser.starts_query() {
                Inner::Query(parser.query()?)
            } else if parser.is_symbol(b'(') {
                match parser.table_parenthesis()? {
                    Inner::Query(query) if parser.is_symbol(b')') || parser.continues_query() => {
                        Inner::Query(parser.query_from(query)?)
                    }
                    Inner::Query(query) => {
                        let table = parser.subquery_reference(query, false, at)?;
                        Inner::Table(parser.join_chain(table)?)
                    }
                    Inner::Table(table) => {
                        let table = parser.aliased_join(table)?;
                        Inner::Table(parser.join_chain(table)?)
                    }
                }
            } else {
                let table = parser.table_reference()?;
                if !matches!(table, TableReference::Join { .. }) {
                    return parser.unexpected();
                }
                Inner::Table(table)
            };
            parser.expect_symbol(b')')?;
            Ok(inner)
        })
    }

    fn aliased_join(&mut self, table: TableReference) -> Result<TableReference> {
        let alias = self.optional_alias()?;
        match table {
            TableReference::Join { kind, left, right, condition, at, alias: None } => {
                Ok(TableReference::Join { kind, left, right, condition, alias, at })
            }
            table if alias.is_none() => Ok(table),
            _ => self.unexpected(),
        }
    }

    fn with_alias(&mut self, table: TableReference) -> Result<TableReference> {
        let found = self.optional_alias()?;
        match table {
            TableReference::Table { name, time, alias } => {
                Ok(TableReference::Table { name, time, alias: alias.or(found) })
            }
            table => Ok(table),
        }
    }

    /// A table's name with `*`, its time clause and, if it may, its alias.
    pub(super) fn relation(&mut self, aliased: bool) -> Result<TableReference> {
        let name = self.object_name()?;
        // `t *` asks for the tables below t, of which there are none.
        self.accept_operator("*");
        let time = self.time_clause()?;
        let alias = if aliased { self.optional_alias()? } else { None };
        if self.is("tablesample") {
            return self.unsupported("TABLESAMPLE");
        }
        Ok(TableReference::Table { name, alias, time })
    }

    fn time_clause(&mut self) -> Result<Option<TimeClause>> {
        if !self.accept_all(&["for", "system_time"]) {
            return Ok(None);
        }
        let moment = |parser: &mut Self| parser.expression_above(super::operator::IS, false);
        if self.accept_all(&["as", "of"]) {
            return Ok(Some(TimeClause::AsOf(moment(self)?)));
        }
        match self.accept_one(&["from", "between", "all"]) {
            Some("from") => {
                let from = moment(self)?;
                self.expect("to")?;
                Ok(Some(TimeClause::FromTo(from, moment(self)?)))
            }
            Some("between") => {
                let from = moment(self)?;
                self.expect("and")?;
                Ok(Some(TimeClause::Between(from, moment(self)?)))
            }
            Some(_) => Ok(Some(TimeClause::All)),
            None => self.unexpected(),
        }
    }

    /// Whether a call begins here: a possibly qualified name and a parenthesis, or a value function.
    fn begins_function(&self) -> bool {
        let special = [
            "current_date",
            "current_time",
            "current_timestamp",
            "localtime",
            "localtimestamp",
            "current_user",
            "session_user",
            "user",
            "current_role",
            "current_catalog",
            "coalesce",
            "greatest",
            "least",
            "nullif",
            "cast",
            "extract",
            "substring",
            "position",
            "overlay",
            "trim",
            "normalize",
        ];
        if special.iter().any(|word| self.is(word)) {
            return true;
        }
        let mut ahead = 1;
        while self.is_symbol_at(ahead, b'.') {
            ahead += 2;
        }
        self.is_symbol_at(ahead, b'(')
            && matches!(self.peek().kind, TokenKind::Word { .. } | TokenKind::Identifier(_))
    }

    fn function_reference(&mut self, lateral: bool, at: u32) -> Result<TableReference> {
        let call = self.windowless_call()?;
        let ordinality = self.accept_all(&["with", "ordinality"]);
        let mut columns = Vec::new();
        let mut alias = None;
        if self.is("as") && self.is_symbol_at(1, b'(') {
            self.advance();
            columns = self.parenthesized(Self::column_definition)?;
        } else if let Some(name) = self.optional_alias_name()? {
            if self.is_symbol(b'(') && self.is_column_definition() {
                columns = self.parenthesized(Self::column_definition)?;
                alias = Some(Alias { name, columns: Vec::new() });
            } else {
                alias = Some(Alias { name, columns: self.optional_parenthesized(Self::name)? });
            }
        }
        if self.is("tablesample") {
            return self.unsupported("TABLESAMPLE");
        }
        let items = vec![FunctionItem { call, columns }];
        Ok(TableReference::Functions { lateral, items, rows_from: false, ordinality, alias, at })
    }

    /// A call that may stand in FROM: no OVER, FILTER or the like.
    fn windowless_call(&mut self) -> Result<Expression> {
        let at = self.at();
        let call = self.primary()?;
        match &call.kind {
            ExpressionKind::Function(function) => {
                if function.over.is_some() || function.filter.is_some() || function.within_group.is_some() {
                    return Err(self.invalid("OVER, FILTER and WITHIN GROUP are not allowed in FROM", at));
                }
                Ok(call)
            }
            ExpressionKind::Special(_, _)
            | ExpressionKind::Coalesce(_)
            | ExpressionKind::Greatest(_)
            | ExpressionKind::Least(_)
            | ExpressionKind::NullIf(_, _)
            | ExpressionKind::Cast { .. } => Ok(call),
            _ => self.unexpected(),
        }
    }

    fn rows_from(&mut self, lateral: bool, at: u32) -> Result<TableReference> {
        let items = self.parenthesized(|parser| {
            let call = parser.windowless_call()?;
            let columns = match parser.is("as") && parser.is_symbol_at(1, b'(') {
                true => {
                    parser.advance();
                    parser.parenthesized(Self::column_definition)?
                }
                false => Vec::new(),
            };
            Ok(FunctionItem { call, columns })
        })?;
        let ordinality = self.accept_all(&["with", "ordinality"]);
        let alias = self.optional_alias()?;
        Ok(TableReference::Functions { lateral, items, rows_from: true, ordinality, alias, at })
    }

    /// Whether the parenthesis here lists columns with types rather than names alone.
    fn is_column_definition(&self) -> bool {
        !(self.is_symbol_at(2, b',') || self.is_symbol_at(2, b')'))
    }

    fn column_definition(&mut self) -> Result<ColumnDefinition> {
        let name = self.name()?;
        let ty = self.type_name()?;
        let collation = if self.accept("collate") { Some(self.object_name()?) } else { None };
        Ok(ColumnDefinition { name, ty, collation })
    }

    pub(super) fn optional_alias_name(&mut self) -> Result<Option<crate::parse::syntax::Name>> {
        if self.is("as") && !self.are(&["as", "of", "system", "time"]) {
            self.advance();
            return self.name().map(Some);
        }
        if self.is_name_at(0, column_like) { self.name().map(Some) } else { Ok(None) }
    }

    pub(super) fn optional_alias(&mut self) -> Result<Option<Alias>> {
        let Some(name) = self.optional_alias_name()? else { return Ok(None) };
        let columns = self.optional_parenthesized(Self::name)?;
        Ok(Some(Alias { name, columns }))
    }
}
