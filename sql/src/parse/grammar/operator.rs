//! PostgreSQL's precedence of operators, loosest first.

use crate::parse::syntax::LikeKind;

pub(super) const LOWEST: u8 = 1;
pub(super) const OR: u8 = 1;
pub(super) const AND: u8 = 2;
pub(super) const NOT: u8 = 3;
pub(super) const IS: u8 = 4;
pub(super) const COMPARISON: u8 = 5;
/// BETWEEN, IN, LIKE and their negations.
pub(super) const MEMBERSHIP: u8 = 6;
/// Every operator that has no place of its own.
pub(super) const OTHER: u8 = 8;
pub(super) const SUM: u8 = 9;
pub(super) const PRODUCT: u8 = 10;
pub(super) const POWER: u8 = 11;
pub(super) const AT: u8 = 12;
pub(super) const COLLATE: u8 = 13;
pub(super) const SIGN: u8 = 14;
pub(super) const CAST: u8 = 17;

/// What may follow an operand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Infix {
    /// An operator of this precedence.
    Operator(u8),
    Cast,
    And,
    Or,
    Is,
    /// ISNULL, or negated NOTNULL.
    IsNull(bool),
    /// NOT before BETWEEN, IN or LIKE.
    Negated,
    Between,
    In,
    Like(LikeKind),
    AtTimeZone,
    Collate,
    Overlaps,
}

impl Infix {
    pub(super) fn precedence(self) -> u8 {
        match self {
            Infix::Operator(precedence) => precedence,
            Infix::Cast => CAST,
            Infix::And => AND,
            Infix::Or => OR,
            Infix::Is | Infix::IsNull(_) => IS,
            Infix::Negated | Infix::Between | Infix::In | Infix::Like(_) => MEMBERSHIP,
            Infix::AtTimeZone => AT,
            Infix::Collate => COLLATE,
            Infix::Overlaps => OTHER,
        }
    }

    /// Whether two of this precedence in a row are an error, because the first ends with an operand.
    pub(super) fn is_non_associative(self) -> bool {
        match self {
            Infix::Operator(precedence) => precedence == COMPARISON,
            Infix::Negated | Infix::Between | Infix::Like(_) => true,
            Infix::Cast
            | Infix::And
            | Infix::Or
            | Infix::Is
            | Infix::IsNull(_)
            | Infix::In
            | Infix::AtTimeZone
            | Infix::Collate
            | Infix::Overlaps => false,
        }
    }
}

/// The precedence of an operator between two operands.
pub(super) fn precedence(operator: &str) -> u8 {
    match operator {
        "<" | ">" | "=" | "<=" | ">=" | "<>" | "!=" => COMPARISON,
        "+" | "-" => SUM,
        "*" | "/" | "%" => PRODUCT,
        "^" => POWER,
        _ => OTHER,
    }
}

/// Whether an operator is one of those that the grammar knows by name, which stand between operands only.
pub(super) fn is_comparison_or_mathematical(operator: &str) -> bool {
    precedence(operator) != OTHER
}
