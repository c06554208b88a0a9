//! Calls of functions: plain ones, and the ways aggregates, window functions and set-returning functions differ.

use catalog::builtin::{CastContext, FunctionKind};

use super::Analyzer;
use super::clause::Clause;
use super::coerce::relabel;
use super::function::{Chosen, Request, Resolution, kind_word};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{FunctionCall, ObjectName};
use crate::tree::{Column, Expression, ExpressionKind, Form, FunctionItem, Type};
use crate::types::oid;

/// A call whose function is chosen and whose arguments are converted.
pub(super) struct Prepared {
    pub chosen: Chosen,
    pub arguments: Vec<Expression>,
    pub result: u32,
    pub collation: u32,
    pub variadic_array: bool,
}

impl Analyzer<'_> {
    /// A call as written, anywhere in an expression.
    pub(super) fn function_call(&mut self, call: &FunctionCall) -> Result<Expression> {
        let at = call.name.at;
        let position = self.position(at);
        if let Some(field) = self.field_as_call(call)? {
            return Ok(field);
        }
        if self.may_aggregate(&call.name) {
            return self.aggregate_or_window(call);
        }
        let prepared = match self.prepared_call(call)? {
            Ok(prepared) => prepared,
            Err(cast) => return Ok(cast),
        };
        match prepared.chosen.row.kind {
            FunctionKind::Plain => {
                self.refuse_decorations(call)?;
                let mut value = self.finish_plain(prepared, position)?;
                if let ExpressionKind::Call { form, .. } = &mut value.kind
                    && call.special
                    && self.keep_views
                {
                    *form = Form::Syntax;
                }
                Ok(value)
            }
            FunctionKind::Window => self.window_function(call, prepared),
            FunctionKind::Aggregate => Err(Error::internal("an aggregate found late")),
            FunctionKind::Procedure => {
                Err(Error::new(SqlState::WrongObjectType, format!("{} is a procedure", call.name))
                    .hint("To call a procedure, use CALL.")
                    .at(position))
            }
        }
    }

    /// Resolves a call that is no aggregate's; the answer may be a cast instead.
    fn prepared_call(&mut self, call: &FunctionCall) -> Result<std::result::Result<Prepared, Expression>> {
        let arguments = self.arguments(call)?;
        let types: Vec<u32> = arguments.iter().map(|argument| argument.ty.oid).collect();
        let names: Vec<Option<&str>> =
            call.arguments.iter().map(|a| a.name.as_ref().map(|name| name.text.as_str())).collect();
        let variadic = call.arguments.last().is_some_and(|argument| argument.variadic);
        let request = Request { name: &call.name, types: &types, names: &names, variadic };
        match self.find_function(&request)? {
            Resolution::Function(chosen) => self.prepare(call, chosen, arguments).map(Ok),
            Resolution::Cast(target) => {
                self.refuse_decorations(call)?;
                let argument = arguments.into_iter().next();
                let argument = argument.ok_or_else(|| Error::internal("a cast of nothing"))?;
                self.cast(argument, Type::new(target), self.position(call.name.at)).map(Err)
            }
        }
    }

    /// A call at the top of FROM, where a set is what is wanted.
    pub(super) fn top_level_call(&mut self, call: &FunctionCall) -> Result<Expression> {
        if self.may_aggregate(&call.name) || call.over.is_some() {
            return self.function_call(call);
        }
        match self.prepared_call(call)? {
            Ok(prepared) if prepared.chosen.row.kind == FunctionKind::Plain => {
                self.refuse_decorations(call)?;
                Ok(plain_call(prepared, self.position(call.name.at)))
            }
            Ok(_) => self.function_call(call),
            Err(cast) => Ok(cast),
        }
    }

    /// Whether a name is an aggregate's. No name is both an aggregate's and a plain function's, `count` and all.
    fn may_aggregate(&self, name: &ObjectName) -> bool {
        let rows = catalog::builtin::functions_by_name(name.name());
        rows.iter().any(|row| row.kind == FunctionKind::Aggregate)
            && !rows.iter().any(|row| row.kind == FunctionKind::Window)
            || rows.iter().any(|row| catalog::builtin::aggregate(row.oid).is_some())
    }

    /// The arguments of a call, analyzed.
    pub(super) fn arguments(&mut self, call: &FunctionCall) -> Result<Vec<Expression>> {
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            arguments.push(self.expression(&argument.value)?);
        }
        Ok(arguments)
    }

    /// DISTINCT, FILTER and the like belong to aggregates; OVER to those and to window functions.
    pub(super) fn refuse_decorations(&self, call: &FunctionCall) -> Result<()> {
        let name = &call.name;
        let complaint = if call.star {
            format!("{name}(*) specified, but {name} is not an aggregate function")
        } else if call.distinct {
            format!("DISTINCT specified, but {name} is not an aggregate function")
        } else if call.within_group.is_some() {
            format!("WITHIN GROUP specified, but {name} is not an aggregate function")
        } else if !call.order_by.is_empty() {
            format!("ORDER BY specified, but {name} is not an aggregate function")
        } else if call.filter.is_some() {
            format!("FILTER specified, but {name} is not an aggregate function")
        } else if call.over.is_some() {
            format!("OVER specified, but {name} is not a window function nor an aggregate function")
        } else {
            return Ok(());
        };
        Err(Error::new(SqlState::WrongObjectType, complaint).at(self.position(name.at)))
    }

    /// Converts the arguments to what the chosen function takes: order, defaults, the VARIADIC array.
    pub(super) fn prepare(
        &mut self,
        call: &FunctionCall,
        chosen: Chosen,
        arguments: Vec<Expression>,
    ) -> Result<Prepared> {
        let position = self.position(call.name.at);
        let sources: Vec<u32> = arguments.iter().map(|argument| argument.ty.oid).collect();
        let mut declared: Vec<u32> = chosen.types.iter().take(arguments.len()).copied().collect();
        let result = self
            .enforce_generics(&sources, &mut declared, chosen.row.return_type)
            .map_err(|error| error.at(position))?;
        let collation = self.input_collation(&arguments)?;
        let mut converted = Vec::with_capacity(arguments.len());
        for (argument, target) in arguments.into_iter().zip(declared) {
            let at = argument.position;
            let argument = match target {
                // "any" takes the value as it is, but a literal needs some type.
                oid::ANY if self.keep_views && argument.ty.oid == oid::UNKNOWN => {
                    relabel(argument, oid::TEXT, self.default_collation(oid::TEXT), Form::Implicit)
                }
                oid::ANY => self.resolve_unknown(argument)?,
                _ => self.coerce(argument, Type::new(target), CastContext::Implicit, at)?,
            };
            converted.push(Some(argument));
        }
        let mut ordered = Vec::with_capacity(chosen.order.len());
        for (parameter, given) in chosen.order.iter().enumerate() {
            ordered.push(match given.and_then(|given| converted.get_mut(given)).and_then(Option::take) {
                Some(argument) => argument,
                None => self.default_argument(&chosen, parameter)?,
            });
        }
        let any = chosen.row.variadic == oid::ANY;
        if chosen.spread > 0 && !any {
            let elements = ordered.split_off(ordered.len().saturating_sub(chosen.spread));
            ordered.push(self.variadic_array(elements)?);
        }
        let variadic_array =
            chosen.spread > 0 && !any || call.arguments.last().is_some_and(|argument| argument.variadic);
        let own = self.default_collation(result);
        let collation = if own == 0 || collation == 0 { own } else { collation };
        Ok(Prepared { chosen, arguments: ordered, result, collation, variadic_array })
    }

    fn variadic_array(&mut self, elements: Vec<Expression>) -> Result<Expression> {
        let element = elements.first().map_or(oid::TEXT, |element| element.ty.oid);
        let array = self.array_type(element);
        let nested = self.element_type(element) != 0;
        Ok(Expression {
            position: elements.first().and_then(|element| element.position),
            kind: ExpressionKind::Array { elements, nested },
            ty: Type::new(if nested { element } else { array }),
            collation: self.default_collation(array),
        })
    }

    /// The default of a parameter, from the list that pg_proc keeps.
    fn default_argument(&mut self, chosen: &Chosen, parameter: usize) -> Result<Expression> {
        let first = chosen.row.arguments.len() - chosen.row.default_count.min(chosen.row.arguments.len());
        let list = chosen.row.defaults.unwrap_or_default();
        let parsed = crate::parse::parse_expression(&format!("row({list})"))?;
        let crate::parse::syntax::ExpressionKind::Row(defaults) = parsed.kind else {
            return Err(Error::internal("defaults of a function that are no list"));
        };
        let default = parameter.checked_sub(first).and_then(|index| defaults.get(index));
        let default = default.ok_or_else(|| Error::internal("a default that is not there"))?;
        let value = self.expression(default)?;
        let target = chosen.row.arguments.get(parameter).copied().unwrap_or(oid::TEXT);
        let mut value = self.coerce(value, Type::new(target), CastContext::Implicit, None)?;
        value.position = None;
        Ok(value)
    }

    /// A plain call: a value, or in a select list the placeholder of a set.
    fn finish_plain(&mut self, prepared: Prepared, position: Option<u32>) -> Result<Expression> {
        let returns_set = prepared.chosen.row.returns_set;
        let call = plain_call(prepared, position);
        if !returns_set {
            return Ok(call);
        }
        let (clause, in_aggregate) = (self.scope()?.clause, self.scope()?.in_aggregate);
        if in_aggregate {
            let message = "aggregate function calls cannot contain set-returning function calls";
            return Err(Error::new(SqlState::FeatureNotSupported, message)
                .hint("You might be able to move the set-returning function into a LATERAL FROM item.")
                .at(position));
        }
        if clause == Clause::FromFunction {
            let message = "set-returning functions must appear at top level of FROM";
            return Err(Error::new(SqlState::FeatureNotSupported, message).at(position));
        }
        if !clause.allows_sets() {
            let message = format!("set-returning functions are not allowed in {}", clause.name());
            return Err(Error::new(SqlState::FeatureNotSupported, message).at(position));
        }
        let (ty, collation) = (call.ty, call.collation);
        let columns = self.row_columns(&call);
        // A set of rows stays one column here: a record.
        let number = self.new_column();
        self.keep_shape(number, &call);
        let column = Column { number, ty, collation };
        let names_known = !columns.is_empty() || !self.is_composite(ty.oid);
        self.scope_mut()?.sets.push(FunctionItem { call, columns: vec![column] });
        if !names_known {
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                "function returning record called in context that cannot accept type record",
            )
            .at(position));
        }
        Ok(Expression { kind: ExpressionKind::Column(number), ty, collation, position })
    }

    /// A call of a function of pg_catalog that stands behind another form.
    pub(super) fn system_call(
        &mut self,
        name: &str,
        arguments: Vec<Expression>,
        at: u32,
    ) -> Result<Expression> {
        let name = ObjectName { parts: vec!["pg_catalog".to_string(), name.to_string()], at };
        let types: Vec<u32> = arguments.iter().map(|argument| argument.ty.oid).collect();
        let names = vec![None; types.len()];
        let request = Request { name: &name, types: &types, names: &names, variadic: false };
        let Resolution::Function(chosen) = self.find_function(&request)? else {
            return Err(self.no_function(&request));
        };
        let call = FunctionCall::plain(name.clone(), Vec::new());
        let prepared = self.prepare(&call, chosen, arguments)?;
        Ok(plain_call(prepared, self.position(at)))
    }

    /// `f(row)` where the row has a column f and no function of that name takes it.
    fn field_as_call(&mut self, call: &FunctionCall) -> Result<Option<Expression>> {
        let ([name], [argument]) = (call.name.parts.as_slice(), call.arguments.as_slice()) else {
            return Ok(None);
        };
        let crate::parse::syntax::ExpressionKind::Column(parts) = &argument.value.kind else {
            return Ok(None);
        };
        let [table] = parts.as_slice() else { return Ok(None) };
        if !catalog::builtin::functions_by_name(name).is_empty() {
            return Ok(None);
        }
        let Some((scope, item)) = self.find_item(None, table, call.name.at)? else { return Ok(None) };
        let columns = &self.item(scope, item)?.columns;
        let found =
            columns.iter().find(|column| column.name == *name).map(|column| column.expression.clone());
        Ok(found.map(|expression| self.use_column(expression, call.name.at)))
    }

    /// The complaint about a kind of function that does not take what the call says.
    pub(super) fn wrong_kind(&self, call: &FunctionCall, kind: FunctionKind, needs: &str) -> Error {
        let message = format!("{needs} specified, but {} is {}", call.name, kind_word(kind));
        Error::new(SqlState::WrongObjectType, message).at(self.position(call.name.at))
    }
}

/// The tree of a plain call.
pub(super) fn plain_call(prepared: Prepared, position: Option<u32>) -> Expression {
    Expression {
        kind: ExpressionKind::Call {
            function: prepared.chosen.row.oid,
            operator: 0,
            arguments: prepared.arguments,
            variadic_array: prepared.variadic_array,
            form: Form::Call,
        },
        ty: Type::new(prepared.result),
        collation: prepared.collation,
        position,
    }
}
