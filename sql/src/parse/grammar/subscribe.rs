//! SUBSCRIBE, in Materialize's form.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{
    Distinct, Expression, ExpressionKind, ObjectName, Query, QueryBody, Select, SelectItem, Subscribe,
    TableReference, UtilityOption,
};
use crate::parse::token::TokenKind;

impl Parser<'_> {
    /// SUBSCRIBE [TO] {name | (query)} and, in any order and each once, WITH (...), AS OF moment, UP TO moment.
    pub(super) fn subscribe(&mut self) -> Result<Subscribe> {
        self.expect("subscribe")?;
        self.accept("to");
        let query = if self.is_symbol(b'(') {
            self.expect_symbol(b'(')?;
            let query = self.query()?;
            self.expect_symbol(b')')?;
            query
        } else {
            whole_table(self.object_name()?)
        };
        let (mut options, mut as_of, mut up_to) = (None, None, None);
        loop {
            if options.is_none() && self.accept("with") {
                options = Some(self.parenthesized(Self::assigned_option)?);
            } else if as_of.is_none() && self.accept_all(&["as", "of"]) {
                as_of = Some(self.expression()?);
            } else if up_to.is_none() && self.accept_all(&["up", "to"]) {
                up_to = Some(self.expression()?);
            } else {
                break;
            }
        }
        Ok(Subscribe { query, options: options.unwrap_or_default(), as_of, up_to })
    }

    /// `name [[=] value]`.
    pub(super) fn assigned_option(&mut self) -> Result<UtilityOption> {
        let name = self.label()?;
        let assigned = self.accept_operator("=");
        let value = match self.peek().kind {
            TokenKind::Symbol(b',' | b')') if !assigned => None,
            _ => Some(self.option_value()?),
        };
        Ok(UtilityOption { name: name.text, value, at: name.at })
    }
}

/// SELECT * FROM name.
fn whole_table(name: ObjectName) -> Query {
    let at = name.at;
    let star = Expression { kind: ExpressionKind::Star(Vec::new()), at };
    Query {
        with: None,
        body: QueryBody::Select(Box::new(Select {
            distinct: Distinct::All,
            items: vec![SelectItem { expression: star, alias: None }],
            into: None,
            from: vec![TableReference::Table { name, alias: None, time: None }],
            filter: None,
            group_distinct: false,
            group_by: Vec::new(),
            having: None,
            windows: Vec::new(),
        })),
        order_by: Vec::new(),
        limit: None,
        offset: None,
        locks: Vec::new(),
        at,
    }
}
