//! One SELECT, from its list to WINDOW.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::position::position;
use crate::parse::syntax::{
    Distinct, Expression, ExpressionKind, GroupItem, IntoTable, Name, Persistence, Select, SelectItem,
    TableReference, WindowSpecification,
};
use crate::parse::token::TokenKind;

impl Parser<'_> {
    /// What follows SELECT.
    pub(super) fn select(&mut self) -> Result<Select> {
        let distinct = self.distinct()?;
        let items = if self.ends_select_list() { Vec::new() } else { self.list(Self::select_item)? };
        let into = if self.accept("into") { Some(self.table_after_into()?) } else { None };
        let from = if self.accept("from") { self.reference_list()? } else { Vec::new() };
        self.optional_statement_time()?;
        let filter = if self.accept("where") { Some(self.expression()?) } else { None };
        let mut group_distinct = false;
        let mut group_by = Vec::new();
        if self.accept_all(&["group", "by"]) {
            group_distinct = self.accept("distinct");
            if !group_distinct {
                self.accept("all");
            }
            group_by = self.list(Self::group_item)?;
        }
        let having = if self.accept("having") { Some(self.expression()?) } else { None };
        let windows = if self.accept("window") { self.list(Self::named_window)? } else { Vec::new() };
        Ok(Select { distinct, items, into, from, filter, group_distinct, group_by, having, windows })
    }

    /// `TABLE t` is `SELECT * FROM t`.
    pub(super) fn table_command(&mut self) -> Result<Select> {
        let at = self.at();
        self.accept("only");
        let table = self.relation(false)?;
        let star = Expression { kind: ExpressionKind::Star(Vec::new()), at };
        Ok(Select {
            distinct: Distinct::All,
            items: vec![SelectItem { expression: star, alias: None }],
            into: None,
            from: vec![table],
            filter: None,
            group_distinct: false,
            group_by: Vec::new(),
            having: None,
            windows: Vec::new(),
        })
    }

    fn distinct(&mut self) -> Result<Distinct> {
        if !self.accept("distinct") {
            self.accept("all");
            return Ok(Distinct::All);
        }
        if self.accept("on") {
            return Ok(Distinct::On(self.parenthesized(Self::expression)?));
        }
        Ok(Distinct::Distinct)
    }

    fn ends_select_list(&self) -> bool {
        let clauses = [
            "from",
            "where",
            "group",
            "having",
            "window",
            "into",
            "union",
            "except",
            "intersect",
            "order",
            "limit",
            "offset",
            "fetch",
            "for",
        ];
        matches!(self.peek().kind, TokenKind::End | TokenKind::Symbol(b')' | b';'))
            || clauses.iter().any(|word| self.is(word))
    }

    /// One item of a select list or of RETURNING.
    pub(super) fn select_item(&mut self) -> Result<SelectItem> {
        let at = self.at();
        if self.accept_operator("*") {
            return Ok(SelectItem {
                expression: Expression { kind: ExpressionKind::Star(Vec::new()), at },
                alias: None,
            });
        }
        let expression = self.expression()?;
        let alias = if self.accept("as") {
            Some(self.label()?)
        } else {
            match self.peek().kind {
                TokenKind::Identifier(_) | TokenKind::Word { bare: true, .. } => Some(self.label()?),
                _ => None,
            }
        };
        Ok(SelectItem { expression, alias })
    }

    /// RETURNING, where it stands.
    pub(super) fn returning(&mut self) -> Result<Vec<SelectItem>> {
        if self.accept("returning") { self.list(Self::select_item) } else { Ok(Vec::new()) }
    }

    pub(super) fn table_after_into(&mut self) -> Result<IntoTable> {
        let persistence = self.persistence();
        self.accept("table");
        Ok(IntoTable { persistence, name: self.object_name()? })
    }

    /// TEMPORARY or UNLOGGED before TABLE and its kin.
    pub(super) fn persistence(&mut self) -> Persistence {
        let scoped = self.is("local") || self.is("global");
        if scoped && (self.is_at(1, "temp") || self.is_at(1, "temporary")) {
            self.advance();
        }
        if self.accept_one(&["temp", "temporary"]).is_some() {
            Persistence::Temporary
        } else if self.accept("unlogged") {
            Persistence::Unlogged
        } else {
            Persistence::Permanent
        }
    }

    pub(super) fn reference_list(&mut self) -> Result<Vec<TableReference>> {
        self.list(Self::table_reference)
    }

    /// AS OF SYSTEM TIME, which holds for the whole statement and so may be said once.
    pub(super) fn optional_statement_time(&mut self) -> Result<()> {
        let at = self.at();
        if !self.accept_all(&["as", "of", "system", "time"]) {
            return Ok(());
        }
        let moment = self.expression_above(super::operator::IS, false)?;
        if self.statement_time.is_some() {
            return Err(self.invalid("AS OF SYSTEM TIME may be given only once in a statement", at));
        }
        self.statement_time = Some(moment);
        Ok(())
    }

    fn group_item(&mut self) -> Result<GroupItem> {
        let at = self.at();
        if self.is_symbol(b'(') && self.is_symbol_at(1, b')') {
            self.advance();
            self.advance();
            return Ok(GroupItem::Empty(at));
        }
        if self.accept_all(&["grouping", "sets"]) {
            let sets = self.nested(|parser| parser.parenthesized(Self::group_item))?;
            return Ok(GroupItem::Sets(sets, at));
        }
        if self.is_symbol_at(1, b'(') {
            if self.accept("rollup") {
                return Ok(GroupItem::Rollup(self.parenthesized(Self::expression)?, at));
            }
            if self.accept("cube") {
                return Ok(GroupItem::Cube(self.parenthesized(Self::expression)?, at));
            }
        }
        Ok(GroupItem::Expression(self.expression()?))
    }

    fn named_window(&mut self) -> Result<(Name, WindowSpecification)> {
        let name = self.name()?;
        self.expect("as")?;
        Ok((name, self.window()?))
    }

    /// The character position of a byte offset.
    pub(super) fn position_of(&self, at: u32) -> Option<u32> {
        position(self.text, at)
    }
}
