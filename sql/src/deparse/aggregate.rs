//! Calls of aggregates.

use super::Deparser;
use crate::tree::{AggregateCall, Expression, SortKey};

impl<'a> Deparser<'a> {
    pub(super) fn aggregate(&mut self, call: &'a AggregateCall) {
        self.function_name(call.function);
        self.push(if call.distinct { "(DISTINCT " } else { "(" });
        let kind = catalog::builtin::aggregate(call.function).map_or('n', |row| row.kind);
        if kind == 'n' {
            self.arguments(call.function, &call.arguments);
            if !call.order_by.is_empty() {
                self.push(" ORDER BY ");
                self.argument_order(call);
            }
        } else {
            self.list(&call.direct_arguments, true);
            self.push(") WITHIN GROUP (ORDER BY ");
            self.order(&call.order_by, call.order_by.len(), None);
        }
        self.filter(call.filter.as_ref());
        self.push(")");
    }

    /// An order over the arguments: a key that is an argument shows as that is passed.
    fn argument_order(&mut self, call: &'a AggregateCall) {
        for (place, key) in call.order_by.iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            let mut arguments = call.arguments.iter();
            let same = arguments.find(|argument| {
                crate::analyze::same(super::expression::without_implicit(argument), &key.expression)
            });
            self.clause_item(same.unwrap_or(&key.expression));
            self.direction(key);
        }
    }

    fn direction(&mut self, key: &SortKey) {
        self.push(match (key.descending, key.nulls_first) {
            (false, false) => "",
            (false, true) => " NULLS FIRST",
            (true, true) => " DESC",
            (true, false) => " DESC NULLS LAST",
        });
    }

    pub(super) fn arguments(&mut self, function: u32, arguments: &'a [Expression]) {
        let declared = catalog::builtin::function_by_oid(function).map_or(0, |row| row.arguments.len());
        if declared == 0 && arguments.is_empty() && catalog::builtin::aggregate(function).is_some() {
            return self.push("*");
        }
        self.list(arguments, true);
    }

    pub(super) fn filter(&mut self, filter: Option<&'a Expression>) {
        if let Some(filter) = filter {
            self.push(") FILTER (WHERE ");
            self.value(filter, false);
        }
    }

    /// The first `count` keys of an order; `output`: columns by their places among these.
    pub(super) fn order(
        &mut self,
        keys: &'a [SortKey],
        count: usize,
        output: Option<&[crate::tree::OutputColumn]>,
    ) {
        for (place, key) in keys.iter().take(count).enumerate() {
            if place > 0 {
                self.push(", ");
            }
            let column = match (&key.expression.kind, output) {
                (crate::tree::ExpressionKind::Column(number), Some(output)) => {
                    super::level::place_of(output, *number)
                }
                _ => None,
            };
            match column {
                Some(column) => self.push(&column.to_string()),
                None => self.clause_item(&key.expression),
            }
            self.direction(key);
        }
    }

    /// An item of GROUP BY, ORDER BY and their kin: what could be read as something else stands in parentheses.
    pub(super) fn clause_item(&mut self, item: &'a Expression) {
        use super::constant::Label;
        use super::level::Node;
        use crate::tree::ExpressionKind;
        let node = self.node(item);
        let parenthesized = match &node {
            Node::Variable(..) => false,
            Node::Value(value) => match &value.kind {
                ExpressionKind::Constant(constant) => {
                    return self.constant(constant, value.ty, Label::Always);
                }
                ExpressionKind::Call { operator: 0, .. } | ExpressionKind::CoerceTypmod { .. } => true,
                _ => self.layout.pretty,
            },
            Node::Aggregate(_) | Node::Window(..) => true,
            Node::Grouping(..) => self.layout.pretty,
        };
        if parenthesized {
            self.push("(");
        }
        self.node_text(&node, true);
        if parenthesized {
            self.push(")");
        }
    }
}
