//! Aggregates: calls of them become columns of the query level that they belong to.

use catalog::builtin::{self, CastContext, FunctionKind};

use super::Analyzer;
use super::clause::Clause;
use super::function::{Request, Resolution};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, FunctionCall};
use crate::tree::visit::{Visitor, walk_aggregate};
use crate::tree::{AggregateCall, ColumnNumber, Expression, ExpressionKind, SortKey, Type};
use crate::types::oid;

impl Analyzer<'_> {
    /// A call whose name is an aggregate's: over groups, or with OVER over a window.
    pub(super) fn aggregate_or_window(&mut self, call: &FunctionCall) -> Result<Expression> {
        let position = self.position(call.name.at);
        if self.scope()?.in_aggregate && call.over.is_none() {
            return Err(
                Error::new(SqlState::GroupingError, "aggregate function calls cannot be nested").at(position)
            );
        }
        let outer = std::mem::replace(&mut self.scope_mut()?.in_aggregate, call.over.is_none());
        let result = self.aggregate_call(call);
        self.scope_mut()?.in_aggregate = outer;
        let aggregate = match result? {
            Ok(aggregate) => aggregate,
            Err(plain) => return Ok(plain),
        };
        if let Some(over) = &call.over {
            return self.window_aggregate(call, over, aggregate);
        }
        self.place_aggregate(call, aggregate)
    }

    /// The call with its arguments and modifiers; or what the name turned out to mean instead.
    fn aggregate_call(
        &mut self,
        call: &FunctionCall,
    ) -> Result<std::result::Result<AggregateCall, Expression>> {
        let position = self.position(call.name.at);
        let mut arguments = self.arguments(call)?;
        let direct = arguments.len();
        let mut within = Vec::new();
        for item in call.within_group.iter().flatten() {
            within.push(self.expression(&item.expression)?);
        }
        arguments.extend(within);
        let types: Vec<u32> = arguments.iter().map(|argument| argument.ty.oid).collect();
        let mut names: Vec<Option<&str>> =
            call.arguments.iter().map(|a| a.name.as_ref().map(|name| name.text.as_str())).collect();
        names.resize(types.len(), None);
        let variadic = call.arguments.last().is_some_and(|argument| argument.variadic);
        let request = Request { name: &call.name, types: &types, names: &names, variadic };
        let chosen = match self.find_function(&request) {
            Ok(Resolution::Function(chosen)) => chosen,
            Ok(Resolution::Cast(target)) => {
                let argument = arguments.pop().ok_or_else(|| Error::internal("a cast of nothing"))?;
                return self.cast(argument, Type::new(target), position).map(Err);
            }
            Err(error) => return Err(self.aggregate_hint(call, error)),
        };
        if chosen.row.kind == FunctionKind::Window {
            // rank() and its family are window functions without arguments, aggregates with.
            let prepared = self.prepare(call, chosen, arguments)?;
            return self.window_function(call, prepared).map(Err);
        }
        if chosen.row.kind != FunctionKind::Aggregate {
            let prepared = self.prepare(call, chosen, arguments)?;
            // rank() and its family share their names with hypothetical-set aggregates.
            if prepared.chosen.row.kind == FunctionKind::Window {
                return self.window_function(call, prepared).map(Err);
            }
            return Ok(Err(super::call::plain_call(prepared, position)));
        }
        let row = builtin::aggregate(chosen.row.oid)
            .ok_or_else(|| Error::internal("an aggregate without its description"))?;
        self.check_aggregate_form(call, row.kind)?;
        let function = chosen.row.oid;
        let mut prepared = self.prepare(call, chosen, arguments)?;
        let (direct_arguments, mut order_by) = match row.kind {
            'n' => (Vec::new(), Vec::new()),
            kind => self.within_group(call, kind, direct, &mut prepared.arguments)?,
        };
        for item in &call.order_by {
            let expression = self.expression(&item.expression)?;
            order_by.push(self.sort_key(item, expression)?);
        }
        self.check_distinct_order(call, &prepared.arguments, &order_by)?;
        let filter = match &call.filter {
            Some(filter) => Some(self.condition(Clause::Filter, filter)?),
            None => None,
        };
        Ok(Ok(AggregateCall {
            function,
            arguments: prepared.arguments,
            direct_arguments,
            distinct: call.distinct,
            filter,
            order_by,
            ty: Type::new(prepared.result),
            collation: prepared.collation,
        }))
    }

    /// Takes an ordered-set aggregate's arguments apart: the direct ones, and the keys of its order, which stay.
    fn within_group(
        &mut self,
        call: &FunctionCall,
        kind: char,
        direct: usize,
        arguments: &mut Vec<Expression>,
    ) -> Result<(Vec<Expression>, Vec<SortKey>)> {
        let ordered = arguments.split_off(direct.min(arguments.len()));
        let mut direct_arguments = std::mem::replace(arguments, ordered);
        let mut order_by = Vec::with_capacity(arguments.len());
        for (item, expression) in call.within_group.iter().flatten().zip(arguments.iter()) {
            order_by.push(self.sort_key(item, expression.clone())?);
        }
        if kind == 'h' {
            self.pair_hypothetical(call, &mut direct_arguments, &mut order_by)?;
            *arguments = order_by.iter().map(|key| key.expression.clone()).collect();
        }
        Ok((direct_arguments, order_by))
    }

    /// The row asked about has a value for each key of the order, of its type.
    fn pair_hypothetical(
        &mut self,
        call: &FunctionCall,
        direct: &mut Vec<Expression>,
        order_by: &mut [SortKey],
    ) -> Result<()> {
        if direct.len() != order_by.len() {
            let types: Vec<String> = direct
                .iter()
                .chain(order_by.iter().map(|key| &key.expression))
                .map(|argument| self.type_text(argument.ty.oid))
                .collect();
            let message = format!("function {}({}) does not exist", call.name, types.join(", "));
            let hint = format!(
                "To use the hypothetical-set aggregate {}, the number of hypothetical direct arguments (here {}) \
                 must match the number of ordering columns (here {}).",
                call.name,
                direct.len(),
                order_by.len()
            );
            return Err(Error::new(SqlState::UndefinedFunction, message)
                .hint(hint)
                .at(self.position(call.name.at)));
        }
        let mut paired = Vec::with_capacity(direct.len());
        for (value, key) in direct.drain(..).zip(order_by) {
            let (nodes, _) = self.unify(vec![value, key.expression.clone()], "WITHIN GROUP")?;
            let mut nodes = nodes.into_iter();
            paired.extend(nodes.next());
            if let Some(ordered) = nodes.next() {
                key.expression = ordered;
            }
        }
        *direct = paired;
        Ok(())
    }

    fn aggregate_hint(&self, call: &FunctionCall, error: Error) -> Error {
        if call.order_by.is_empty() || error.state() != SqlState::UndefinedFunction {
            return error;
        }
        Error::new(SqlState::UndefinedFunction, error.message().to_string())
            .hint(
                "No aggregate function matches the given name and argument types. Perhaps you misplaced ORDER BY; \
                 ORDER BY must appear after all regular arguments of the aggregate.",
            )
            .at(self.position(call.name.at))
    }

    fn check_aggregate_form(&self, call: &FunctionCall, kind: char) -> Result<()> {
        let name = &call.name;
        let complaint = match (kind, call.within_group.is_some()) {
            ('n', true) => format!("{name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP"),
            ('o' | 'h', false) => format!("WITHIN GROUP is required for ordered-set aggregate {name}"),
            _ if call.over.is_some() && kind != 'n' => {
                return Err(Error::new(
                    SqlState::FeatureNotSupported,
                    format!("OVER is not supported for ordered-set aggregate {name}"),
                )
                .at(self.position(name.at)));
            }
            _ if call.arguments.is_empty() && !call.star && kind == 'n' => {
                format!("{name}(*) must be used to call a parameterless aggregate function")
            }
            _ => return Ok(()),
        };
        Err(Error::new(SqlState::WrongObjectType, complaint).at(self.position(name.at)))
    }

    /// With DISTINCT, ORDER BY may only name arguments.
    fn check_distinct_order(
        &self,
        call: &FunctionCall,
        arguments: &[Expression],
        order_by: &[SortKey],
    ) -> Result<()> {
        if !call.distinct || call.within_group.is_some() {
            return Ok(());
        }
        let stray = order_by.iter().find(|key| {
            let key = unlabelled(&key.expression);
            !arguments.iter().any(|argument| super::group::same(unlabelled(argument), key))
        });
        match stray {
            Some(key) => Err(Error::new(
                SqlState::InvalidColumnReference,
                "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list",
            )
            .at(key.expression.position)),
            None => Ok(()),
        }
    }

    /// Gives an aggregate to the innermost level whose columns its arguments read (its own level without any).
    fn place_aggregate(&mut self, call: &FunctionCall, mut aggregate: AggregateCall) -> Result<Expression> {
        let position = self.position(call.name.at);
        let level = self.aggregate_level(&mut aggregate);
        let (ty, collation) = (aggregate.ty, aggregate.collation);
        let number = self.new_column();
        let Some(scope) = self.scopes.get(level) else {
            return Err(Error::internal("an aggregate of no level"));
        };
        let (clause, id, in_window) = (scope.clause, scope.id, scope.in_window);
        if !clause.allows_aggregates() && !in_window {
            let message = format!("aggregate functions are not allowed in {}", clause.name());
            return Err(Error::new(SqlState::GroupingError, message).at(position));
        }
        if let Some(owner) = self.owners.get_mut(number.0 as usize) {
            *owner = id;
        }
        if let Some(scope) = self.scopes.get_mut(level) {
            // The same call twice is computed once.
            let known =
                scope.aggregates.iter().find(|(_, known)| super::group::same_aggregate(known, &aggregate));
            let number = match known {
                Some((number, _)) if !is_volatile(&aggregate) => *number,
                _ => {
                    scope.aggregates.push((number, aggregate));
                    number
                }
            };
            return Ok(Expression { kind: ExpressionKind::Column(number), ty, collation, position });
        }
        Err(Error::internal("an aggregate of no level"))
    }

    fn aggregate_level(&self, aggregate: &mut AggregateCall) -> usize {
        struct Owners<'o> {
            owners: &'o [u32],
            found: Vec<u32>,
        }
        impl Visitor for Owners<'_> {
            fn column(&mut self, column: &mut ColumnNumber) {
                self.found.extend(self.owners.get(column.0 as usize));
            }
        }
        let mut visitor = Owners { owners: &self.owners, found: Vec::new() };
        walk_aggregate(aggregate, &mut visitor);
        let innermost = self.scopes.len().saturating_sub(1);
        let levels = self.scopes.iter().enumerate().rev();
        let mut owned = levels.filter(|(_, scope)| visitor.found.contains(&scope.id)).map(|(level, _)| level);
        owned.next().unwrap_or(innermost)
    }

    /// GROUPING(a, b).
    pub(super) fn grouping(&mut self, arguments: &[syntax::Expression], at: u32) -> Result<Expression> {
        let position = self.position(at);
        let clause = self.scope()?.clause;
        if !clause.allows_aggregates() {
            let message = format!("grouping operations are not allowed in {}", clause.name());
            return Err(Error::new(SqlState::GroupingError, message).at(position));
        }
        if arguments.len() > 31 {
            return Err(Error::new(SqlState::TooManyArguments, "GROUPING must have fewer than 32 arguments")
                .at(position));
        }
        let mut items = Vec::with_capacity(arguments.len());
        for argument in arguments {
            items.push(self.expression(argument)?);
        }
        let number = self.new_column();
        self.scope_mut()?.grouping.push((number, items));
        Ok(Expression {
            kind: ExpressionKind::Column(number),
            ty: Type::new(oid::INT4),
            collation: 0,
            position,
        })
    }

    /// One key of an order, with the operator that USING names.
    pub(super) fn sort_key(&mut self, item: &syntax::SortItem, expression: Expression) -> Result<SortKey> {
        let position = expression.position;
        let expression = match expression.ty.oid {
            oid::UNKNOWN => self.coerce(expression, Type::new(oid::TEXT), CastContext::Implicit, position)?,
            _ => expression,
        };
        let descending = match &item.direction {
            syntax::SortDirection::Default | syntax::SortDirection::Ascending => false,
            syntax::SortDirection::Descending => true,
            syntax::SortDirection::Using(operator) => match operator.name.as_str() {
                "<" => false,
                ">" => true,
                name => {
                    let message = format!("operator {name} is not a valid ordering operator");
                    return Err(Error::new(SqlState::WrongObjectType, message)
                        .hint("Ordering operators must be \"<\" or \">\" members of btree operator families.")
                        .at(position));
                }
            },
        };
        self.check_ordering(&expression)?;
        Ok(SortKey { expression, descending, nulls_first: item.nulls_first.unwrap_or(descending) })
    }

    /// Only types with a btree operator class have an order.
    pub(super) fn check_ordering(&self, expression: &Expression) -> Result<()> {
        self.check_operator_class(
            expression,
            "an ordering operator",
            "Use an explicit ordering operator or modify the query.",
        )
    }

    /// Grouping and DISTINCT need equality.
    pub(super) fn check_equality(&self, expression: &Expression) -> Result<()> {
        self.check_operator_class(expression, "an equality operator", "")
    }

    fn check_operator_class(&self, expression: &Expression, what: &str, hint: &str) -> Result<()> {
        let ty = expression.ty.oid;
        let unordered = matches!(ty, oid::JSON | oid::UNKNOWN | oid::XID | oid::CID | oid::VOID);
        if !unordered {
            return Ok(());
        }
        let message = format!("could not identify {what} for type {}", self.type_text(ty));
        let error = Error::new(SqlState::UndefinedFunction, message).at(expression.position);
        Err(if hint.is_empty() { error } else { error.hint(hint) })
    }
}

/// Whether an aggregate's arguments may differ from one evaluation to the next.
fn is_volatile(aggregate: &AggregateCall) -> bool {
    struct Search(bool);
    impl Visitor for Search {
        fn expression(&mut self, expression: &mut Expression) -> bool {
            match &expression.kind {
                ExpressionKind::Call { function, .. } => {
                    let row = builtin::function_by_oid(*function);
                    self.0 |= row.is_none_or(|row| row.volatility == builtin::Volatility::Volatile);
                }
                ExpressionKind::Subquery(_) => self.0 = true,
                _ => {}
            }
            !self.0
        }
    }
    let mut search = Search(false);
    walk_aggregate(&mut aggregate.clone(), &mut search);
    search.0
}

/// The expression under relabels: an argument was one of varchar before it became one of text.
fn unlabelled(expression: &Expression) -> &Expression {
    match &expression.kind {
        ExpressionKind::Relabel(inner, _) => unlabelled(inner),
        _ => expression,
    }
}
