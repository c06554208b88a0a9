//! A compiled expression: columns by position, functions by pointer, and the lazy forms apart from the eager ones.
//!
//! Eager operations evaluate all their arguments first ([`Operation::Apply`]); the others (AND, OR, CASE, COALESCE,
//! subqueries) decide row by row what is evaluated at all, so that an error in an untaken branch never surfaces.

use std::sync::Arc;

use engine::{PhysicalType, Value};

use super::DomainRules;
use crate::functions::{Call, Implementation};
use crate::tree::{BooleanTest, SpecialValue, Type};

/// An expression ready to run: immutable, shared by every execution of a plan.
#[derive(Clone, Debug)]
pub struct CompiledExpression {
    pub(super) operation: Operation,
    pub(super) ty: Type,
    pub(super) physical: PhysicalType,
}

#[derive(Clone, Debug)]
pub(super) enum Operation {
    Constant(Value),
    Parameter(usize),
    /// A column of the input, by position.
    Input(usize),
    /// A column of an enclosing query, by slot.
    Outer(usize),
    Special(SpecialValue),
    Apply(Eager, Vec<CompiledExpression>),
    And(Vec<CompiledExpression>),
    Or(Vec<CompiledExpression>),
    Case {
        arms: Vec<(CompiledExpression, CompiledExpression)>,
        otherwise: Option<Box<CompiledExpression>>,
    },
    Coalesce(Vec<CompiledExpression>),
    Subquery(Arc<SubqueryCall>),
}

/// What is done with the values of all arguments.
#[derive(Clone, Debug)]
pub(super) enum Eager {
    Call(FunctionCall),
    CoerceViaText {
        from: Type,
    },
    CoerceTypmod {
        explicit: bool,
    },
    /// `element` has the array's element as its only column.
    CoerceArray {
        from_element: u32,
        to_element: u32,
        element: Box<CompiledExpression>,
    },
    CoerceToDomain {
        rules: DomainRules,
    },
    Not,
    IsNull {
        negated: bool,
    },
    RowIsNull {
        negated: bool,
    },
    BooleanTest(BooleanTest),
    IsDistinct {
        equality: FunctionCall,
        negated: bool,
    },
    NullIf {
        equality: FunctionCall,
    },
    /// GREATEST or LEAST of values of type `oid`.
    Extreme {
        oid: u32,
        least: bool,
    },
    Array {
        element: u32,
        nested: bool,
    },
    Row {
        types: Vec<Type>,
    },
    Field {
        index: usize,
    },
    /// Arguments: the array, then a pair of bounds for each dimension (NULL constant where a bound is left out).
    Subscript {
        element: u32,
        slice: bool,
        given: Vec<(bool, bool)>,
    },
    /// Arguments: the left side and the array.
    AnyArray {
        call: FunctionCall,
        all: bool,
    },
}

/// A function at a place of a statement.
#[derive(Clone)]
pub(super) struct FunctionCall {
    pub implementation: &'static Implementation,
    pub call: Arc<Call>,
    pub strict: bool,
    pub volatile: bool,
}

impl std::fmt::Debug for FunctionCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "function {}", self.call.function)
    }
}

/// A subquery at a place of a statement; `plan` is its number among the statement's subqueries.
#[derive(Clone, Debug)]
pub struct SubqueryCall {
    pub plan: usize,
    pub kind: SubqueryCallKind,
    /// Columns of the input that the subquery or its test reads.
    pub inputs: Vec<usize>,
    /// Width of the input.
    pub width: usize,
    /// Input position → slot: bound before the subquery runs.
    pub bindings: Vec<(usize, usize)>,
    /// All slots the subquery's value depends on, `bindings` included.
    pub captured: Vec<usize>,
    /// With captured slots, a volatile subquery runs anew for every row.
    pub volatile: bool,
}

/// How the rows of a subquery become a value.
#[derive(Clone, Debug)]
pub enum SubqueryCallKind {
    Scalar,
    Exists,
    Array {
        element: u32,
    },
    /// ANY, or ALL. `test` reads the input's columns, then the subquery's.
    Quantified {
        test: CompiledExpression,
        all: bool,
        hashed: Option<HashedTest>,
    },
    Row {
        names: Vec<String>,
        types: Vec<Type>,
    },
}

/// A quantified test that is one equality: probed by key instead of compared with every row.
#[derive(Clone, Debug)]
pub struct HashedTest {
    pub left: CompiledExpression,
    /// The type whose comparison key decides.
    pub oid: u32,
}

impl CompiledExpression {
    /// The PostgreSQL type of the value.
    pub fn ty(&self) -> Type {
        self.ty
    }

    /// The physical type of the value.
    pub fn physical(&self) -> PhysicalType {
        self.physical
    }

    /// The input position, where the expression is a plain column.
    pub fn as_input(&self) -> Option<usize> {
        match self.operation {
            Operation::Input(position) => Some(position),
            _ => None,
        }
    }

    /// The value, where the expression is a constant.
    pub fn as_constant(&self) -> Option<&Value> {
        match &self.operation {
            Operation::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// A plain column of the input.
    pub fn input(position: usize, ty: Type, physical: PhysicalType) -> CompiledExpression {
        CompiledExpression { operation: Operation::Input(position), ty, physical }
    }

    /// A constant.
    pub fn constant(value: Value, ty: Type, physical: PhysicalType) -> CompiledExpression {
        CompiledExpression { operation: Operation::Constant(value), ty, physical }
    }

    /// Whether a column of the input is read: `false` only where that is plain.
    pub fn reads(&self, position: usize) -> bool {
        match &self.operation {
            Operation::Constant(_) | Operation::Parameter(_) | Operation::Outer(_) => false,
            Operation::Input(read) => *read == position,
            Operation::Special(_) | Operation::Subquery(_) => true,
            Operation::And(items) | Operation::Or(items) | Operation::Coalesce(items) => {
                items.iter().any(|item| item.reads(position))
            }
            Operation::Apply(_, arguments) => arguments.iter().any(|argument| argument.reads(position)),
            Operation::Case { arms, otherwise } => {
                let reads = |item: &CompiledExpression| item.reads(position);
                let in_arms = arms.iter().any(|(when, then)| reads(when) || reads(then));
                in_arms || otherwise.as_deref().is_some_and(reads)
            }
        }
    }

    /// Whether evaluation may raise an error or have an effect: false only where that is plain.
    pub(super) fn harmless(&self) -> bool {
        match &self.operation {
            Operation::Constant(_) | Operation::Parameter(_) | Operation::Input(_) | Operation::Outer(_) => {
                true
            }
            Operation::Special(_) | Operation::Subquery(_) | Operation::Case { .. } => false,
            Operation::And(items) | Operation::Or(items) | Operation::Coalesce(items) => {
                items.iter().all(CompiledExpression::harmless)
            }
            Operation::Apply(eager, arguments) => {
                let own = match eager {
                    Eager::Call(function) => harmless_function(function),
                    Eager::Not | Eager::IsNull { .. } | Eager::BooleanTest(_) => true,
                    _ => false,
                };
                own && arguments.iter().all(CompiledExpression::harmless)
            }
        }
    }
}

/// Comparisons of native values: they have a vector form and cannot fail.
fn harmless_function(function: &FunctionCall) -> bool {
    function.implementation.vector.is_some()
        && super::facts::is_comparison(function.call.function)
        && function.call.arguments.iter().all(|ty| crate::types::key::native_is_key(ty.oid))
}
