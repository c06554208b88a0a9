//! Queries around their SELECTs: WITH, set operations, ORDER BY, LIMIT, row locks.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{
    CommonTable, Expression, ExpressionKind, Limit, LockClause, Query, QueryBody, With,
};
use crate::tree::{LockStrength, LockWait, SetOperator};

impl Parser<'_> {
    /// Whether a query begins here without a parenthesis.
    pub(super) fn starts_query(&self) -> bool {
        self.is("select") || self.is("with") || self.is("values") || self.is("table")
    }

    /// Whether what stands here can only continue a query in parentheses.
    pub(super) fn continues_query(&self) -> bool {
        ["union", "intersect", "except", "order", "limit", "offset", "fetch", "for"]
            .iter()
            .any(|word| self.is(word))
    }

    /// A whole query.
    pub(in crate::parse) fn query(&mut self) -> Result<Query> {
        self.nested(|parser| {
            let outer = std::mem::take(&mut parser.height);
            let with = parser.optional_with()?;
            let mut query = parser.set_operations(0)?;
            if with.is_some() {
                if query.with.is_some() {
                    return Err(parser.invalid("multiple WITH clauses not allowed", query.at));
                }
                query.with = with;
            }
            let query = parser.query_tail(query)?;
            parser.grow()?;
            parser.height = parser.height.max(outer);
            Ok(query)
        })
    }

    /// Continues a query whose first operand, in parentheses, has been read.
    pub(super) fn query_from(&mut self, first: Query) -> Result<Query> {
        let query = self.set_operation_chain(first, 0)?;
        self.query_tail(query)
    }

    pub(super) fn optional_with(&mut self) -> Result<Option<With>> {
        if !self.is("with") {
            return Ok(None);
        }
        self.advance();
        let recursive = self.accept("recursive");
        Ok(Some(With { recursive, tables: self.list(Self::common_table)? }))
    }

    fn common_table(&mut self) -> Result<CommonTable> {
        let name = self.name()?;
        let columns = self.optional_parenthesized(Self::name)?;
        self.expect("as")?;
        let materialized = if self.accept("materialized") {
            Some(true)
        } else if self.accept_all(&["not", "materialized"]) {
            Some(false)
        } else {
            None
        };
        self.expect_symbol(b'(')?;
        let statement = self.nested(Self::preparable_statement)?;
        self.expect_symbol(b')')?;
        if self.is("search") {
            return self.unsupported("SEARCH in a common table expression");
        }
        if self.is("cycle") {
            return self.unsupported("CYCLE in a common table expression");
        }
        Ok(CommonTable { name, columns, materialized, statement })
    }

    /// UNION and EXCEPT (strength 1) and INTERSECT (strength 2), left to right.
    fn set_operations(&mut self, minimum: u8) -> Result<Query> {
        let first = self.query_operand()?;
        self.set_operation_chain(first, minimum)
    }

    fn set_operation_chain(&mut self, mut left: Query, minimum: u8) -> Result<Query> {
        loop {
            let (operator, strength) = match () {
                () if self.is("union") => (SetOperator::Union, 1),
                () if self.is("except") => (SetOperator::Except, 1),
                () if self.is("intersect") => (SetOperator::Intersect, 2),
                () => return Ok(left),
            };
            if strength <= minimum {
                return Ok(left);
            }
            self.advance();
            let all = self.accept("all");
            if !all {
                self.accept("distinct");
            }
            let at = left.at;
            let right = Box::new(self.set_operations(strength)?);
            let body = QueryBody::SetOperation { operator, all, left: Box::new(left), right };
            left = bare(body, at);
            self.grow_by(super::QUERY_WEIGHT)?;
        }
    }

    fn query_operand(&mut self) -> Result<Query> {
        let at = self.at();
        if self.is_symbol(b'(') {
            return self.query_in_parentheses();
        }
        if self.accept("select") {
            let select = self.select()?;
            return Ok(bare(QueryBody::Select(Box::new(select)), at));
        }
        if self.accept("values") {
            let rows = self.list(|parser| parser.parenthesized(Self::expression))?;
            return Ok(bare(QueryBody::Values(rows), at));
        }
        if self.accept("table") {
            let select = self.table_command()?;
            return Ok(bare(QueryBody::Select(Box::new(select)), at));
        }
        self.unexpected()
    }

    /// ORDER BY, LIMIT, OFFSET, FETCH and row locks, in any order that PostgreSQL takes.
    fn query_tail(&mut self, mut query: Query) -> Result<Query> {
        let at = self.at();
        if self.accept_all(&["order", "by"]) {
            if !query.order_by.is_empty() {
                return Err(self.invalid("multiple ORDER BY clauses not allowed", at));
            }
            query.order_by = self.list(Self::sort_item)?;
        }
        loop {
            let at = self.at();
            if self.is("limit") {
                self.once(query.limit.is_none())?;
                self.advance();
                query.limit =
                    Some(if self.accept("all") { Limit::All } else { Limit::Count(self.expression()?) });
                if self.is_symbol(b',') {
                    return Err(self
                        .invalid("LIMIT #,# syntax is not supported", at)
                        .hint("Use separate LIMIT and OFFSET clauses."));
                }
            } else if self.is("offset") {
                self.once(query.offset.is_none())?;
                self.advance();
                query.offset = Some(self.expression()?);
                self.accept_one(&["row", "rows"]);
            } else if self.is("fetch") {
                self.once(query.limit.is_none())?;
                query.limit = Some(self.fetch_first()?);
            } else if self.is("for") && self.locks_row() {
                let lock = self.lock_clause()?;
                query.locks.push(lock);
            } else if self.accept_all(&["for", "read", "only"]) {
                query.locks.clear();
            } else {
                return Ok(query);
            }
        }
    }

    fn once(&self, first: bool) -> Result<()> {
        if first { Ok(()) } else { self.unexpected() }
    }

    /// FETCH {FIRST | NEXT} [n] {ROW | ROWS} {ONLY | WITH TIES}
    fn fetch_first(&mut self) -> Result<Limit> {
        let at = self.at();
        self.advance();
        if self.accept_one(&["first", "next"]).is_none() {
            return self.unexpected();
        }
        let count = if self.is("row") || self.is("rows") {
            Expression { kind: ExpressionKind::Number("1".to_string()), at }
        } else {
            // PostgreSQL takes an operand here, or a signed constant; an expression needs parentheses.
            self.expression_above(super::operator::SIGN, false)?
        };
        if self.accept_one(&["row", "rows"]).is_none() {
            return self.unexpected();
        }
        if self.accept("only") {
            return Ok(Limit::Count(count));
        }
        self.expect_all(&["with", "ties"])?;
        Ok(Limit::WithTies(count))
    }

    fn locks_row(&self) -> bool {
        ["update", "share", "no", "key"].iter().any(|word| self.is_at(1, word))
    }

    fn lock_clause(&mut self) -> Result<LockClause> {
        let at = self.at();
        self.advance();
        let strength = if self.accept("update") {
            LockStrength::Update
        } else if self.accept("share") {
            LockStrength::Share
        } else if self.accept_all(&["key", "share"]) {
            LockStrength::KeyShare
        } else {
            self.expect_all(&["no", "key", "update"])?;
            LockStrength::NoKeyUpdate
        };
        let of = if self.accept("of") { self.list(Self::object_name)? } else { Vec::new() };
        let wait = if self.accept("nowait") {
            LockWait::NoWait
        } else if self.accept_all(&["skip", "locked"]) {
            LockWait::SkipLocked
        } else {
            LockWait::Block
        };
        Ok(LockClause { strength, of, wait, at })
    }
}

fn bare(body: QueryBody, at: u32) -> Query {
    Query { with: None, body, order_by: Vec::new(), limit: None, offset: None, locks: Vec::new(), at }
}
