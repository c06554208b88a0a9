//! Expressions by precedence, with PostgreSQL's own table of it.
//!
//! `restricted` is PostgreSQL's b_expr: no AND, OR, NOT, IS NULL, IN, LIKE or BETWEEN at its top, because one of
//! them follows it in the grammar (`BETWEEN b AND a`, `DEFAULT b NOT NULL`).

use super::operator::{self, Infix};
use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{Expression, ExpressionKind, LikeKind, OperatorName};
use crate::parse::token::TokenKind;
use crate::tree::BooleanTest;

impl Parser<'_> {
    /// Any expression (a_expr).
    pub(in crate::parse) fn expression(&mut self) -> Result<Expression> {
        self.expression_above(operator::LOWEST, false)
    }

    /// An expression that stops before AND, OR, NOT, IN, LIKE and BETWEEN (b_expr).
    pub(in crate::parse) fn restricted_expression(&mut self) -> Result<Expression> {
        self.expression_above(operator::COMPARISON, true)
    }

    /// An expression whose operators all bind at least as tightly as `minimum`.
    pub(in crate::parse) fn expression_above(&mut self, minimum: u8, restricted: bool) -> Result<Expression> {
        self.nested(|parser| {
            let outer = std::mem::take(&mut parser.height);
            let left = parser.prefix(restricted)?;
            let whole = parser.infix_chain(left, minimum, restricted)?;
            parser.grow()?;
            parser.height = parser.height.max(outer);
            Ok(whole)
        })
    }

    /// Continues with the operators after an operand that is already parsed.
    pub(in crate::parse) fn infix_chain(
        &mut self,
        mut left: Expression,
        minimum: u8,
        restricted: bool,
    ) -> Result<Expression> {
        // The precedence of a non-associative operator that has just ended with an operand.
        let mut closed = None;
        while let Some(infix) = self.peek_infix(restricted) {
            let precedence = infix.precedence();
            if precedence < minimum {
                break;
            }
            if closed == Some(precedence) {
                return self.unexpected();
            }
            closed = infix.is_non_associative().then_some(precedence);
            let is_list = matches!(infix, Infix::And | Infix::Or);
            left = self.infix(left, infix)?;
            if !is_list {
                self.grow()?;
            }
        }
        Ok(left)
    }

    fn prefix(&mut self, restricted: bool) -> Result<Expression> {
        let at = self.at();
        if !restricted && self.accept("not") {
            let argument = self.expression_above(operator::NOT, false)?;
            return Ok(Expression { kind: ExpressionKind::Not(Box::new(argument)), at });
        }
        if self.peek().kind != TokenKind::Operator && !self.is_operator_call() {
            return self.primary();
        }
        let operator = self.operator_name()?;
        let sign = operator.schema.is_none() && matches!(operator.name.as_str(), "-" | "+");
        if operator.schema.is_none() && operator::is_comparison_or_mathematical(&operator.name) && !sign {
            return Err(self.invalid(format!("syntax error at or near \"{}\"", operator.name), at));
        }
        let binding = if sign { operator::SIGN } else { operator::OTHER + 1 };
        let right = self.expression_above(binding, restricted)?;
        Ok(prefixed(operator, right, at))
    }

    /// Whether OPERATOR(...) stands here.
    fn is_operator_call(&self) -> bool {
        self.is("operator") && self.is_symbol_at(1, b'(')
    }

    /// An operator, plain or as OPERATOR(schema.name).
    pub(in crate::parse) fn operator_name(&mut self) -> Result<OperatorName> {
        let at = self.at();
        if self.is_operator_call() {
            self.advance();
            self.advance();
            let mut schema = None;
            while self.peek().kind != TokenKind::Operator {
                schema = Some(self.name()?.text);
                self.expect_symbol(b'.')?;
            }
            let mut operator = self.operator_name()?;
            self.expect_symbol(b')')?;
            operator.schema = schema;
            operator.at = at;
            return Ok(operator);
        }
        if self.peek().kind != TokenKind::Operator {
            return self.unexpected();
        }
        let name = match self.slice(self.peek()) {
            "!=" => "<>",
            name => name,
        };
        let name = name.to_string();
        self.advance();
        Ok(OperatorName { schema: None, name, at })
    }

    /// What operator, if any, the current token begins after an operand.
    fn peek_infix(&self, restricted: bool) -> Option<Infix> {
        let token = self.peek();
        match &token.kind {
            TokenKind::Cast => Some(Infix::Cast),
            TokenKind::Operator => Some(Infix::Operator(operator::precedence(self.slice(token)))),
            TokenKind::Word { .. } => self.peek_infix_word(restricted),
            _ => None,
        }
    }

    fn peek_infix_word(&self, restricted: bool) -> Option<Infix> {
        let infix = match self.word_lower().as_str() {
            "operator" if self.is_operator_call() => Infix::Operator(operator::OTHER),
            "is" if restricted => match self.is_at(1, "distinct") || self.are(&["is", "not", "distinct"]) {
                true => Infix::Is,
                false => return None,
            },
            "is" => Infix::Is,
            "and" if !restricted => Infix::And,
            "or" if !restricted => Infix::Or,
            "isnull" if !restricted => Infix::IsNull(false),
            "notnull" if !restricted => Infix::IsNull(true),
            "between" if !restricted => Infix::Between,
            "in" if !restricted => Infix::In,
            "like" if !restricted => Infix::Like(LikeKind::Like),
            "ilike" if !restricted => Infix::Like(LikeKind::CaseInsensitive),
            "similar" if !restricted => Infix::Like(LikeKind::SimilarTo),
            "not" if !restricted => self.peek_negated()?,
            "at" if self.are(&["at", "time", "zone"]) && !restricted => Infix::AtTimeZone,
            "collate" if !restricted => Infix::Collate,
            "overlaps" if !restricted => Infix::Overlaps,
            _ => return None,
        };
        Some(infix)
    }

    fn peek_negated(&self) -> Option<Infix> {
        let words = ["between", "in", "like", "ilike", "similar"];
        words.iter().any(|word| self.is_at(1, word)).then_some(Infix::Negated)
    }

    fn infix(&mut self, left: Expression, infix: Infix) -> Result<Expression> {
        let at = self.at();
        match infix {
            Infix::Operator(precedence) => self.operator_infix(left, precedence),
            Infix::Cast => {
                self.advance();
                let ty = Box::new(self.type_name()?);
                Ok(Expression { kind: ExpressionKind::Cast { argument: Box::new(left), ty }, at })
            }
            Infix::And => {
                self.advance();
                let right = self.expression_above(operator::NOT, false)?;
                Ok(conjunction(left, right, at))
            }
            Infix::Or => {
                self.advance();
                let right = self.expression_above(operator::AND, false)?;
                Ok(disjunction(left, right, at))
            }
            Infix::Is => self.is_test(left),
            Infix::IsNull(negated) => {
                self.advance();
                Ok(Expression { kind: ExpressionKind::IsNull { argument: Box::new(left), negated }, at })
            }
            Infix::Negated => {
                self.advance();
                self.negatable(left, at, true)
            }
            Infix::Between | Infix::In | Infix::Like(_) => self.negatable(left, at, false),
            Infix::AtTimeZone => {
                self.advance();
                self.advance();
                self.advance();
                let zone = self.expression_above(operator::AT + 1, false)?;
                Ok(super::call::system_call("timezone", vec![zone, left], at))
            }
            Infix::Collate => {
                self.advance();
                let collation = self.object_name()?;
                Ok(Expression { kind: ExpressionKind::Collate { argument: Box::new(left), collation }, at })
            }
            Infix::Overlaps => self.overlaps(left),
        }
    }

    fn operator_infix(&mut self, left: Expression, precedence: u8) -> Result<Expression> {
        let operator = self.operator_name()?;
        let at = operator.at;
        if let Some(all) = self.accept_quantifier() {
            return self.quantified(left, operator, all);
        }
        let right = self.expression_above(precedence + 1, false)?;
        let kind = ExpressionKind::Operator { operator, left: Some(Box::new(left)), right: Box::new(right) };
        Ok(Expression { kind, at })
    }

    /// ANY, SOME or ALL, which are reserved: a parenthesis must follow.
    fn accept_quantifier(&mut self) -> Option<bool> {
        self.accept_one(&["any", "some", "all"]).map(|word| word == "all")
    }

    fn quantified(&mut self, left: Expression, operator: OperatorName, all: bool) -> Result<Expression> {
        let at = operator.at;
        let left = Box::new(left);
        let kind = match self.subquery_or_expression()? {
            Ok(query) => ExpressionKind::QuantifiedQuery { left, operator, all, query: Box::new(query) },
            Err(array) => ExpressionKind::QuantifiedArray { left, operator, all, array: Box::new(array) },
        };
        Ok(Expression { kind, at })
    }

    fn is_test(&mut self, left: Expression) -> Result<Expression> {
        let at = self.at();
        self.advance();
        let negated = self.accept("not");
        let argument = Box::new(left);
        if self.accept_all(&["distinct", "from"]) {
            let right = Box::new(self.expression_above(operator::IS + 1, false)?);
            return Ok(Expression {
                kind: ExpressionKind::IsDistinct { left: argument, right, negated },
                at,
            });
        }
        if self.accept("null") {
            return Ok(Expression { kind: ExpressionKind::IsNull { argument, negated }, at });
        }
        let test = match (self.accept_one(&["true", "false", "unknown"]), negated) {
            (Some("true"), false) => BooleanTest::IsTrue,
            (Some("true"), true) => BooleanTest::IsNotTrue,
            (Some("false"), false) => BooleanTest::IsFalse,
            (Some("false"), true) => BooleanTest::IsNotFalse,
            (Some(_), false) => BooleanTest::IsUnknown,
            (Some(_), true) => BooleanTest::IsNotUnknown,
            (None, _) => return self.normalization_test(*argument, negated, at),
        };
        Ok(Expression { kind: ExpressionKind::BooleanTest { argument, test }, at })
    }

    /// IS [form] NORMALIZED, and IS DOCUMENT by name.
    fn normalization_test(&mut self, argument: Expression, negated: bool, at: u32) -> Result<Expression> {
        if self.is("document") {
            return self.unsupported("IS DOCUMENT");
        }
        let form = self.accept_one(&["nfc", "nfd", "nfkc", "nfkd"]);
        self.expect("normalized")?;
        let mut arguments = vec![argument];
        arguments.extend(
            form.map(|form| Expression { kind: ExpressionKind::String(form.to_ascii_uppercase()), at }),
        );
        let call = super::call::system_call("is_normalized", arguments, at);
        Ok(if negated { Expression { kind: ExpressionKind::Not(Box::new(call)), at } } else { call })
    }

    /// BETWEEN, IN and LIKE, the NOT before them already taken.
    fn negatable(&mut self, left: Expression, at: u32, negated: bool) -> Result<Expression> {
        match self.accept_one(&["between", "in", "like", "ilike", "similar"]) {
            Some("between") => self.between(left, at, negated),
            Some("in") => self.membership(left, at, negated),
            Some("like") => self.pattern_match(left, LikeKind::Like, at, negated),
            Some("ilike") => self.pattern_match(left, LikeKind::CaseInsensitive, at, negated),
            _ => {
                self.expect("to")?;
                self.pattern_match(left, LikeKind::SimilarTo, at, negated)
            }
        }
    }

    fn between(&mut self, argument: Expression, at: u32, negated: bool) -> Result<Expression> {
        let symmetric = self.accept("symmetric");
        if !symmetric {
            self.accept("asymmetric");
        }
        let low = Box::new(self.restricted_expression()?);
        self.expect("and")?;
        let high = Box::new(self.expression_above(operator::MEMBERSHIP + 1, false)?);
        let argument = Box::new(argument);
        Ok(Expression { kind: ExpressionKind::Between { argument, low, high, negated, symmetric }, at })
    }

    fn membership(&mut self, argument: Expression, at: u32, negated: bool) -> Result<Expression> {
        let argument = Box::new(argument);
        let kind = match self.subquery_or_list()? {
            Ok(query) => ExpressionKind::InQuery { argument, query: Box::new(query), negated },
            Err(list) => ExpressionKind::InList { argument, list, negated },
        };
        Ok(Expression { kind, at })
    }

    fn pattern_match(
        &mut self,
        argument: Expression,
        kind: LikeKind,
        at: u32,
        negated: bool,
    ) -> Result<Expression> {
        if kind != LikeKind::SimilarTo
            && let Some(all) = self.accept_quantifier()
        {
            let name = match (kind, negated) {
                (LikeKind::CaseInsensitive, false) => "~~*",
                (LikeKind::CaseInsensitive, true) => "!~~*",
                (LikeKind::Like | LikeKind::SimilarTo, false) => "~~",
                (LikeKind::Like | LikeKind::SimilarTo, true) => "!~~",
            };
            let operator = OperatorName { schema: None, name: name.to_string(), at };
            return self.quantified(argument, operator, all);
        }
        let pattern = Box::new(self.expression_above(operator::MEMBERSHIP + 1, false)?);
        let escape = match self.accept("escape") {
            true => Some(Box::new(self.expression_above(operator::MEMBERSHIP + 1, false)?)),
            false => None,
        };
        let argument = Box::new(argument);
        Ok(Expression { kind: ExpressionKind::Like { kind, argument, pattern, escape, negated }, at })
    }

    fn overlaps(&mut self, left: Expression) -> Result<Expression> {
        let at = self.at();
        self.advance();
        let right = self.expression_above(operator::OTHER + 1, false)?;
        let mut arguments = Vec::new();
        for (side, row) in [("left", left), ("right", right)] {
            match row.kind {
                ExpressionKind::Row(fields) if fields.len() == 2 => arguments.extend(fields),
                _ => {
                    let message = format!("wrong number of parameters on {side} side of OVERLAPS expression");
                    return Err(self.invalid(message, row.at));
                }
            }
        }
        Ok(super::call::system_call("overlaps", arguments, at))
    }
}

fn prefixed(operator: OperatorName, right: Expression, at: u32) -> Expression {
    let sign = operator.schema.is_none() && operator.name == "-";
    match right.kind {
        ExpressionKind::Number(digits) if sign => {
            let negated = match digits.strip_prefix('-') {
                Some(positive) => positive.to_string(),
                None => format!("-{digits}"),
            };
            Expression { kind: ExpressionKind::Number(negated), at }
        }
        kind => {
            let right = Box::new(Expression { kind, at: right.at });
            Expression { kind: ExpressionKind::Operator { operator, left: None, right }, at }
        }
    }
}

fn conjunction(left: Expression, right: Expression, at: u32) -> Expression {
    match left.kind {
        ExpressionKind::And(mut items) => {
            items.push(right);
            Expression { kind: ExpressionKind::And(items), at: left.at }
        }
        kind => Expression { kind: ExpressionKind::And(vec![Expression { kind, at: left.at }, right]), at },
    }
}

fn disjunction(left: Expression, right: Expression, at: u32) -> Expression {
    match left.kind {
        ExpressionKind::Or(mut items) => {
            items.push(right);
            Expression { kind: ExpressionKind::Or(items), at: left.at }
        }
        kind => Expression { kind: ExpressionKind::Or(vec![Expression { kind, at: left.at }, right]), at },
    }
}
