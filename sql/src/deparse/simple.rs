//! Where the pretty layout needs parentheses: what binds tightly enough beneath what.

use super::Deparser;
use super::level::Node;
use crate::tree::{Expression, ExpressionKind, Form};

/// What stands around an operand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Parent {
    /// An operator of two operands that is one character long, and whether the operand is its left one.
    Operator {
        symbol: Option<char>,
        first: bool,
    },
    And,
    Or,
    Not,
    /// A cast, IS NULL, ANY and all else.
    Other,
}

/// The symbol of an operator that the layout knows the binding of.
pub(super) fn symbol(operator: u32, operands: usize) -> Option<char> {
    let row = catalog::builtin::operator_by_oid(operator)?;
    let mut characters = row.name.chars();
    match (characters.next(), characters.next()) {
        (Some(only), None) if operands == 2 => Some(only),
        _ => None,
    }
}

impl<'a> Deparser<'a> {
    /// Whether a node needs no parentheses beneath `parent`.
    pub(super) fn is_simple(&self, node: &Node<'a>, parent: Parent) -> bool {
        let expression = match node {
            Node::Aggregate(_) | Node::Window(..) | Node::Grouping(..) | Node::Variable(..) => return true,
            Node::Value(expression) => *expression,
        };
        let beneath_boolean = matches!(parent, Parent::And | Parent::Or | Parent::Not);
        match &expression.kind {
            ExpressionKind::Constant(_)
            | ExpressionKind::Parameter(_)
            | ExpressionKind::Column(_)
            | ExpressionKind::Case { .. }
            | ExpressionKind::Coalesce(_)
            | ExpressionKind::NullIf { .. }
            | ExpressionKind::Greatest(_)
            | ExpressionKind::Least(_)
            | ExpressionKind::Array { .. }
            | ExpressionKind::Row { .. }
            | ExpressionKind::Field { .. }
            | ExpressionKind::Subscript { .. }
            | ExpressionKind::CoerceTypmod { .. }
            | ExpressionKind::Special(_) => true,
            ExpressionKind::Call { operator: 0, .. } => true,
            ExpressionKind::Call { operator, arguments, .. } => match parent {
                Parent::Operator { symbol: around, first } => {
                    binds_tighter(symbol(*operator, arguments.len()), around, first)
                }
                _ => beneath_boolean,
            },
            ExpressionKind::Relabel(argument, _)
            | ExpressionKind::CoerceViaText { argument, explicit: _ }
            | ExpressionKind::CoerceArray { argument, .. }
            | ExpressionKind::CoerceToDomain { argument, .. } => {
                self.is_simple(&self.node(argument), Parent::Other)
            }
            ExpressionKind::And(_) | ExpressionKind::Not(_) => matches!(parent, Parent::And | Parent::Or),
            ExpressionKind::Or(_) => parent == Parent::Or,
            ExpressionKind::IsDistinct { negated, .. } => match negated {
                true => matches!(parent, Parent::And | Parent::Or),
                false => beneath_boolean,
            },
            ExpressionKind::IsNull { .. }
            | ExpressionKind::RowIsNull { .. }
            | ExpressionKind::BooleanTest { .. }
            | ExpressionKind::Subquery(_) => beneath_boolean,
            ExpressionKind::AnyArray { .. } | ExpressionKind::Collate(_) => false,
        }
    }
}

/// Of + - * / % only: whether the inner operator needs no parentheses beneath the outer.
fn binds_tighter(inner: Option<char>, outer: Option<char>, first: bool) -> bool {
    let rank = |symbol: Option<char>| match symbol {
        Some('+' | '-') => Some(1),
        Some('*' | '/' | '%') => Some(2),
        _ => None,
    };
    match (rank(inner), rank(outer)) {
        (Some(inner), Some(outer)) => inner > outer || inner == outer && first,
        _ => false,
    }
}

/// Whether an index shows an expression without parentheses of its own.
pub(super) fn looks_like_function(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Call { operator: 0, form: Form::Call | Form::Syntax, .. }
        | ExpressionKind::Coalesce(_)
        | ExpressionKind::Greatest(_)
        | ExpressionKind::Least(_)
        | ExpressionKind::NullIf { .. }
        | ExpressionKind::Special(_) => true,
        _ => false,
    }
}
