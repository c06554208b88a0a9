//! What the catalog says about functions and operators, as planning asks it.

use std::collections::HashMap;
use std::sync::OnceLock;

use catalog::builtin;

use super::walk;
use crate::evaluate::facts::volatile;
use crate::tree::{Expression, ExpressionKind};

/// The meaning of an operator in btree order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl Comparison {
    /// The comparison with its sides exchanged.
    pub fn swapped(self) -> Comparison {
        match self {
            Comparison::Less => Comparison::Greater,
            Comparison::LessOrEqual => Comparison::GreaterOrEqual,
            Comparison::Equal => Comparison::Equal,
            Comparison::GreaterOrEqual => Comparison::LessOrEqual,
            Comparison::Greater => Comparison::Less,
        }
    }

    fn from_strategy(strategy: i16) -> Option<Comparison> {
        Some(match strategy {
            1 => Comparison::Less,
            2 => Comparison::LessOrEqual,
            3 => Comparison::Equal,
            4 => Comparison::GreaterOrEqual,
            5 => Comparison::Greater,
            _ => return None,
        })
    }
}

/// An operator of a btree family in the order that comparison keys follow.
#[derive(Clone, Copy, Debug)]
pub struct OrderOperator {
    pub comparison: Comparison,
    pub left: u32,
    pub right: u32,
}

/// The btree meaning of an operator, by its pg_operator oid. Families of another order than the type's own (the
/// pattern classes, record_image) have none.
pub fn order_operator(operator: u32) -> Option<OrderOperator> {
    static OPERATORS: OnceLock<HashMap<u32, OrderOperator>> = OnceLock::new();
    let operators = OPERATORS.get_or_init(|| {
        let mut operators = HashMap::new();
        for row in builtin::family_operators() {
            let default = builtin::operator_classes()
                .iter()
                .any(|class| class.family == row.family && class.default && class.method == builtin::BTREE);
            if row.method != builtin::BTREE || !default {
                continue;
            }
            if let Some(comparison) = Comparison::from_strategy(row.strategy) {
                let found = OrderOperator { comparison, left: row.left, right: row.right };
                operators.insert(row.operator, found);
            }
        }
        operators
    });
    operators.get(&operator).copied()
}

/// Whether an expression gives another value each time it is evaluated, or has an effect.
pub fn is_volatile(expression: &Expression) -> bool {
    walk::any(expression, &mut |part| match &part.kind {
        ExpressionKind::Call { function, .. } => volatile(*function),
        ExpressionKind::AnyArray { function, .. } => volatile(*function),
        _ => false,
    })
}
