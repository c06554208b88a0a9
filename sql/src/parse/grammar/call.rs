//! Calls in the ordinary form: `f(a, b)`, with everything that may surround an aggregate.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{
    Expression, ExpressionKind, FunctionArgument, FunctionCall, ObjectName, TypeName,
};
use crate::parse::token::TokenKind;

/// A call of a function of pg_catalog that stands behind a special form.
pub(super) fn system_call(name: &str, arguments: Vec<Expression>, at: u32) -> Expression {
    let name = ObjectName { parts: vec!["pg_catalog".to_string(), name.to_string()], at };
    let call = FunctionCall { special: true, ..FunctionCall::plain(name, arguments) };
    Expression { kind: ExpressionKind::Function(Box::new(call)), at }
}

impl Parser<'_> {
    /// The call whose name has just been read; an opening parenthesis stands here.
    pub(super) fn function_call(&mut self, name: ObjectName) -> Result<Expression> {
        let at = name.at;
        let mut call = FunctionCall::plain(name, Vec::new());
        self.expect_symbol(b'(')?;
        self.call_arguments(&mut call)?;
        self.expect_symbol(b')')?;
        if let (TokenKind::String(_), true) = (&self.peek().kind, is_plain(&call)) {
            return self.literal_with_modifiers(call);
        }
        if self.accept_all(&["within", "group"]) {
            if !call.order_by.is_empty() {
                return Err(self.invalid("cannot use multiple ORDER BY clauses with WITHIN GROUP", at));
            }
            if call.distinct {
                return Err(self.invalid("cannot use DISTINCT with WITHIN GROUP", at));
            }
            self.expect_symbol(b'(')?;
            self.expect_all(&["order", "by"])?;
            call.within_group = Some(self.list(Self::sort_item)?);
            self.expect_symbol(b')')?;
        }
        if self.is("filter") && self.is_symbol_at(1, b'(') {
            self.advance();
            self.advance();
            self.expect("where")?;
            call.filter = Some(self.expression()?);
            self.expect_symbol(b')')?;
        }
        if self.accept("over") {
            call.over = Some(self.over()?);
        }
        Ok(Expression { kind: ExpressionKind::Function(Box::new(call)), at })
    }

    fn call_arguments(&mut self, call: &mut FunctionCall) -> Result<()> {
        if self.is_symbol(b')') {
            return Ok(());
        }
        if self.is_operator("*") && self.is_symbol_at(1, b')') {
            self.advance();
            call.star = true;
            return Ok(());
        }
        call.distinct = self.accept("distinct");
        if !call.distinct {
            self.accept("all");
        }
        loop {
            let argument = self.call_argument()?;
            let last = argument.variadic;
            call.arguments.push(argument);
            if last || !self.accept_symbol(b',') {
                break;
            }
        }
        if self.accept_all(&["order", "by"]) {
            call.order_by = self.list(Self::sort_item)?;
        }
        Ok(())
    }

    fn call_argument(&mut self) -> Result<FunctionArgument> {
        let variadic = self.accept("variadic");
        let named = matches!(self.peek_at(1).kind, TokenKind::ColonEquals | TokenKind::Arrow);
        let name = match named {
            true => {
                let name = self.function_name()?;
                self.advance();
                Some(name)
            }
            false => None,
        };
        Ok(FunctionArgument { name, value: self.expression()?, variadic })
    }

    /// `vector(3) '[1,2,3]'`: what looked like a call was a type with modifiers.
    fn literal_with_modifiers(&mut self, call: FunctionCall) -> Result<Expression> {
        let at = call.name.at;
        let modifiers = call.arguments.into_iter().map(|argument| argument.value).collect();
        self.literal_of(TypeName {
            name: call.name,
            modifiers,
            array_bounds: Vec::new(),
            set_of: false,
            percent_type: false,
            at,
        })
    }
}

/// Whether a call has nothing that a type's modifiers could not have.
fn is_plain(call: &FunctionCall) -> bool {
    let plain = |argument: &FunctionArgument| argument.name.is_none() && !argument.variadic;
    !call.star
        && !call.distinct
        && call.order_by.is_empty()
        && !call.arguments.is_empty()
        && call.arguments.iter().all(plain)
}
