//! Operands: literals, columns, parameters, parentheses, CASE, ARRAY, ROW and what introduces a call.

use crate::error::Result;
use crate::parse::keyword::WordClass;
use crate::parse::parser::{Parser, column_like};
use crate::parse::syntax::{Expression, ExpressionKind, ObjectName, Query, SubscriptIndex, TypeName};
use crate::parse::token::TokenKind;
use crate::tree::SpecialValue;

/// What stood in parentheses.
pub(super) enum Parenthesis {
    Query(Box<Query>),
    List(Vec<Expression>),
}

impl Parser<'_> {
    /// One operand (c_expr).
    pub(super) fn primary(&mut self) -> Result<Expression> {
        let at = self.at();
        let kind = match &self.peek().kind {
            TokenKind::Integer | TokenKind::Decimal => {
                let digits = self.slice(self.peek()).to_string();
                self.advance();
                ExpressionKind::Number(digits)
            }
            TokenKind::String(_) => ExpressionKind::String(self.string()?),
            TokenKind::BitString(digits) => {
                let digits = digits.clone();
                self.advance();
                ExpressionKind::BitString(digits)
            }
            TokenKind::HexString(digits) => {
                let digits = digits.clone();
                self.advance();
                ExpressionKind::HexString(digits)
            }
            TokenKind::Parameter(number) => {
                let number = *number;
                self.advance();
                let parameter = Expression { kind: ExpressionKind::Parameter(number), at };
                return self.indirection(parameter);
            }
            TokenKind::Symbol(b'(') => return self.parenthesized_primary(),
            TokenKind::Word { class, .. } => {
                let class = *class;
                return self.word_primary(class);
            }
            TokenKind::Identifier(_) => return self.named_primary(),
            TokenKind::Symbol(_)
            | TokenKind::Operator
            | TokenKind::Cast
            | TokenKind::DotDot
            | TokenKind::ColonEquals
            | TokenKind::Arrow
            | TokenKind::End => return self.unexpected(),
        };
        Ok(Expression { kind, at })
    }

    fn word_primary(&mut self, class: WordClass) -> Result<Expression> {
        let at = self.at();
        let word = self.word_lower();
        let simple = |kind| Ok(Expression { kind, at });
        match word.as_str() {
            "null" | "true" | "false" => {
                self.advance();
                simple(if word == "null" {
                    ExpressionKind::Null
                } else {
                    ExpressionKind::Boolean(word == "true")
                })
            }
            "default" => {
                self.advance();
                simple(ExpressionKind::Default)
            }
            "case" => self.case_expression(),
            "array" => self.array(),
            "exists" if self.is_symbol_at(1, b'(') => {
                self.advance();
                let query = Box::new(self.query_in_parentheses()?);
                simple(ExpressionKind::Exists(query))
            }
            "row" if self.is_symbol_at(1, b'(') => {
                self.advance();
                self.advance();
                let fields = if self.is_symbol(b')') { Vec::new() } else { self.list(Self::expression)? };
                self.expect_symbol(b')')?;
                simple(ExpressionKind::Row(fields))
            }
            "n" if self.is_national_literal() => self.national_literal(),
            "grouping" if self.is_symbol_at(1, b'(') => {
                self.advance();
                let arguments = self.parenthesized(Self::expression)?;
                simple(ExpressionKind::Grouping(arguments))
            }
            _ => {
                let special = match word.as_str() {
                    "current_schema" if !self.is_symbol_at(1, b'(') => Some(SpecialValue::CurrentSchema),
                    word => special_value(word),
                };
                if let Some(special) = special {
                    return self.special_value(special);
                }
                if self.is_typed_literal(&word) {
                    return self.typed_literal();
                }
                if let Some(call) = self.special_call(&word)? {
                    return Ok(call);
                }
                if class == WordClass::Reserved { self.unexpected() } else { self.named_primary() }
            }
        }
    }

    fn special_value(&mut self, special: SpecialValue) -> Result<Expression> {
        let at = self.at();
        self.advance();
        let takes_precision = matches!(
            special,
            SpecialValue::CurrentTime
                | SpecialValue::CurrentTimestamp
                | SpecialValue::LocalTime
                | SpecialValue::LocalTimestamp
        );
        let mut precision = None;
        if takes_precision && self.accept_symbol(b'(') {
            precision = Some(self.small_integer()?);
            self.expect_symbol(b')')?;
        }
        Ok(Expression { kind: ExpressionKind::Special(special, precision), at })
    }

    /// A name: a column, a call, or the type of a literal that follows.
    fn named_primary(&mut self) -> Result<Expression> {
        let may_be_column = self.is_name_at(0, column_like);
        let first = self.non_reserved()?;
        let at = first.at;
        let mut parts = vec![first.text];
        while self.is_symbol(b'.') {
            if self.is_operator_at(1, "*") {
                self.advance();
                self.advance();
                return Ok(Expression { kind: ExpressionKind::Star(parts), at });
            }
            self.advance();
            parts.push(self.label()?.text);
        }
        if self.is_symbol(b'(') {
            return self.function_call(ObjectName { parts, at });
        }
        if matches!(self.peek().kind, TokenKind::String(_)) {
            let name = ObjectName { parts, at };
            let ty = TypeName {
                name,
                modifiers: Vec::new(),
                array_bounds: Vec::new(),
                set_of: false,
                percent_type: false,
                at,
            };
            return self.literal_of(ty);
        }
        if !may_be_column {
            return self.unexpected();
        }
        let column = Expression { kind: ExpressionKind::Column(parts), at };
        self.indirection(column)
    }

    /// `type 'literal'`.
    pub(super) fn literal_of(&mut self, ty: TypeName) -> Result<Expression> {
        let at = self.at();
        let argument = Box::new(Expression { kind: ExpressionKind::String(self.string()?), at });
        Ok(Expression { kind: ExpressionKind::Cast { argument, ty: Box::new(ty) }, at })
    }

    /// Subscripts and fields after an operand that may have them.
    pub(super) fn indirection(&mut self, mut argument: Expression) -> Result<Expression> {
        loop {
            let at = argument.at;
            if self.accept_symbol(b'[') {
                let mut indexes = vec![self.subscript()?];
                while self.accept_symbol(b'[') {
                    indexes.push(self.subscript()?);
                }
                let kind = ExpressionKind::Subscript { argument: Box::new(argument), indexes };
                argument = Expression { kind, at };
            } else if self.is_symbol(b'.') {
                self.advance();
                if self.accept_operator("*") {
                    return Ok(Expression { kind: ExpressionKind::FieldStar(Box::new(argument)), at });
                }
                let name = self.label()?;
                let kind = ExpressionKind::Field { argument: Box::new(argument), name };
                argument = Expression { kind, at };
            } else {
                return Ok(argument);
            }
            self.grow()?;
        }
    }

    /// What follows an opening bracket, up to and including the closing one.
    pub(super) fn subscript(&mut self) -> Result<SubscriptIndex> {
        let lower = if self.is_symbol(b':') { None } else { Some(self.expression()?) };
        let index = if self.accept_symbol(b':') {
            let upper = if self.is_symbol(b']') { None } else { Some(self.expression()?) };
            SubscriptIndex::Slice(lower, upper)
        } else {
            match lower {
                Some(element) => SubscriptIndex::Element(element),
                None => return self.unexpected(),
            }
        };
        self.expect_symbol(b']')?;
        Ok(index)
    }

    fn parenthesized_primary(&mut self) -> Result<Expression> {
        let at = self.at();
        let content = self.parenthesis()?;
        let inner = parenthesis_expression(content, at);
        self.indirection(inner)
    }

    /// A parenthesis, which may hold a query, an expression or a list: one look at what follows the opening
    /// parentheses decides, and a query found inside further parentheses may still turn out to be an operand.
    pub(super) fn parenthesis(&mut self) -> Result<Parenthesis> {
        self.nested(|parser| {
            parser.expect_symbol(b'(')?;
            let content = if parser.starts_query() {
                Parenthesis::Query(Box::new(parser.query()?))
            } else if parser.is_symbol(b'(') {
                parser.parenthesis_in_parenthesis()?
            } else {
                Parenthesis::List(parser.list(Self::expression)?)
            };
            parser.expect_symbol(b')')?;
            Ok(content)
        })
    }

    fn parenthesis_in_parenthesis(&mut self) -> Result<Parenthesis> {
        let at = self.at();
        let first = match self.parenthesis()? {
            Parenthesis::Query(query) if self.is_symbol(b')') || self.continues_query() => {
                return Ok(Parenthesis::Query(Box::new(self.query_from(*query)?)));
            }
            content => parenthesis_expression(content, at),
        };
        let first = self.indirection(first)?;
        let first = self.infix_chain(first, super::operator::LOWEST, false)?;
        let mut list = vec![first];
        while self.accept_symbol(b',') {
            list.push(self.expression()?);
        }
        Ok(Parenthesis::List(list))
    }

    /// `(SELECT ...)` or `(expression)`: what ANY and ALL take.
    pub(super) fn subquery_or_expression(&mut self) -> Result<std::result::Result<Query, Expression>> {
        let at = self.at();
        match self.parenthesis()? {
            Parenthesis::Query(query) => Ok(Ok(*query)),
            list => Ok(Err(parenthesis_expression(list, at))),
        }
    }

    /// `(SELECT ...)` or `(a, b, ...)`: what IN takes.
    pub(super) fn subquery_or_list(&mut self) -> Result<std::result::Result<Query, Vec<Expression>>> {
        match self.parenthesis()? {
            Parenthesis::Query(query) => Ok(Ok(*query)),
            Parenthesis::List(list) => Ok(Err(list)),
        }
    }

    /// `(SELECT ...)` and nothing else.
    pub(super) fn query_in_parentheses(&mut self) -> Result<Query> {
        match self.parenthesis()? {
            Parenthesis::Query(query) => Ok(*query),
            Parenthesis::List(_) => self.unexpected(),
        }
    }

    fn case_expression(&mut self) -> Result<Expression> {
        let at = self.at();
        self.advance();
        let operand = if self.is("when") { None } else { Some(Box::new(self.expression()?)) };
        let mut arms = Vec::new();
        while self.accept("when") {
            let condition = self.expression()?;
            self.expect("then")?;
            arms.push((condition, self.expression()?));
        }
        if arms.is_empty() {
            return self.unexpected();
        }
        let otherwise = if self.accept("else") { Some(Box::new(self.expression()?)) } else { None };
        self.expect("end")?;
        Ok(Expression { kind: ExpressionKind::Case { operand, arms, otherwise }, at })
    }

    fn array(&mut self) -> Result<Expression> {
        let at = self.at();
        self.advance();
        if self.is_symbol(b'(') {
            let query = Box::new(self.query_in_parentheses()?);
            return Ok(Expression { kind: ExpressionKind::ArrayQuery(query), at });
        }
        self.array_elements(at)
    }

    /// `[a, b]`, whose elements may be such lists again.
    fn array_elements(&mut self, at: u32) -> Result<Expression> {
        self.nested(|parser| {
            parser.expect_symbol(b'[')?;
            let elements = if parser.is_symbol(b']') {
                Vec::new()
            } else if parser.is_symbol(b'[') {
                parser.list(|parser| {
                    let at = parser.at();
                    parser.array_elements(at)
                })?
            } else {
                parser.list(Self::expression)?
            };
            parser.expect_symbol(b']')?;
            Ok(Expression { kind: ExpressionKind::Array(elements), at })
        })
    }
}

fn parenthesis_expression(content: Parenthesis, at: u32) -> Expression {
    match content {
        Parenthesis::Query(query) => Expression { kind: ExpressionKind::Subquery(query), at },
        Parenthesis::List(mut list) if list.len() == 1 => {
            list.pop().unwrap_or(Expression { kind: ExpressionKind::Null, at })
        }
        Parenthesis::List(list) => Expression { kind: ExpressionKind::Row(list), at },
    }
}

fn special_value(word: &str) -> Option<SpecialValue> {
    Some(match word {
        "current_date" => SpecialValue::CurrentDate,
        "current_time" => SpecialValue::CurrentTime,
        "current_timestamp" => SpecialValue::CurrentTimestamp,
        "localtime" => SpecialValue::LocalTime,
        "localtimestamp" => SpecialValue::LocalTimestamp,
        "current_user" | "user" => SpecialValue::CurrentUser,
        "current_role" => SpecialValue::CurrentRole,
        "session_user" => SpecialValue::SessionUser,
        "current_catalog" => SpecialValue::CurrentCatalog,
        _ => return None,
    })
}
