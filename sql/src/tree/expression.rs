//! Typed scalar expressions.

use engine::Value;
use serde::{Deserialize, Serialize};

use super::Query;

/// The number of a produced column, unique in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ColumnNumber(pub u32);

/// A PostgreSQL type: oid and typmod (-1 when there is none).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Type {
    pub oid: u32,
    pub typmod: i32,
}

impl Type {
    pub const fn new(oid: u32) -> Type {
        Type { oid, typmod: -1 }
    }

    pub const fn with_typmod(oid: u32, typmod: i32) -> Type {
        Type { oid, typmod }
    }
}

/// An expression with its type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expression {
    pub kind: ExpressionKind,
    pub ty: Type,
    /// Oid of the collation in force for a collatable type, else 0. 100 is the default.
    pub collation: u32,
    /// Characters from 1 in the statement, for error messages raised at run time or later in analysis.
    pub position: Option<u32>,
}

/// What an expression does. Functions and operators alike are calls of a pg_proc oid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ExpressionKind {
    Constant(#[serde(with = "super::walk::stored_value")] Value),
    /// `$n`, counted from 0.
    Parameter(u32),
    Column(ColumnNumber),
    /// A function, operator or cast function. `variadic_array`: the last argument is the array of VARIADIC.
    /// `operator` is the pg_operator oid where the call was written as an operator (for deparsing and indexes), else 0.
    Call {
        function: u32,
        operator: u32,
        arguments: Vec<Expression>,
        variadic_array: bool,
        #[serde(default)]
        form: Form,
    },
    /// Same representation, another type: varchar to text, oid to regclass.
    Relabel(Box<Expression>, Form),
    /// Cast through the text forms of both types.
    CoerceViaText {
        argument: Box<Expression>,
        explicit: bool,
    },
    /// Applies the typmod of `ty` (length, scale, precision) to a value that already has its base type.
    CoerceTypmod {
        argument: Box<Expression>,
        explicit: bool,
    },
    /// Casts every element of an array; `element` is the cast of one element, with the element as its only column.
    CoerceArray {
        argument: Box<Expression>,
        element: Box<Expression>,
        element_column: ColumnNumber,
        #[serde(default)]
        form: Form,
    },
    /// Checks a value against a domain over its type. The checks have the value as their only column.
    CoerceToDomain {
        argument: Box<Expression>,
        /// Oid of the domain.
        domain: u32,
        value: ColumnNumber,
        rules: Vec<DomainRule>,
        form: Form,
    },
    /// Evaluated in order; stops at the first false. Three-valued.
    And(Vec<Expression>),
    /// Evaluated in order; stops at the first true. Three-valued.
    Or(Vec<Expression>),
    Not(Box<Expression>),
    IsNull {
        argument: Box<Expression>,
        negated: bool,
    },
    /// IS NULL of a row: all (or, negated, none) of its fields.
    RowIsNull {
        argument: Box<Expression>,
        negated: bool,
    },
    BooleanTest {
        argument: Box<Expression>,
        test: BooleanTest,
    },
    /// `equality` is a call over the two operands already, used as IS [NOT] DISTINCT FROM.
    IsDistinct {
        left: Box<Expression>,
        right: Box<Expression>,
        equality: u32,
        negated: bool,
    },
    /// `simple`: written with an operand; each WHEN is already the full comparison, the operand on its left.
    Case {
        #[serde(default)]
        simple: bool,
        arms: Vec<(Expression, Expression)>,
        otherwise: Option<Box<Expression>>,
    },
    Coalesce(Vec<Expression>),
    /// NULLIF: `equality` is the function of the `=` operator over the two.
    NullIf {
        left: Box<Expression>,
        right: Box<Expression>,
        equality: u32,
    },
    Greatest(Vec<Expression>),
    Least(Vec<Expression>),
    /// ARRAY[...]; with `nested`, the elements are arrays themselves.
    Array {
        elements: Vec<Expression>,
        nested: bool,
    },
    Row {
        fields: Vec<Expression>,
        names: Vec<String>,
    },
    /// (row).field, counted from 0.
    Field {
        argument: Box<Expression>,
        index: u32,
    },
    /// a[i][j], or a slice where any bound is a range.
    Subscript {
        argument: Box<Expression>,
        indexes: Vec<(Option<Box<Expression>>, Option<Box<Expression>>)>,
        slice: bool,
    },
    /// `left operator ANY/ALL (array)`. `function` implements the operator; IN lists come as this too.
    AnyArray {
        left: Box<Expression>,
        right: Box<Expression>,
        function: u32,
        operator: u32,
        all: bool,
    },
    Subquery(Box<Subquery>),
    /// now(), current_user and their family: a value of the session or the transaction.
    Special(SpecialValue),
    /// COLLATE: the collation stands in the expression's own field.
    Collate(Box<Expression>),
}

/// What a domain, or one that it stands on, demands of a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DomainRule {
    /// The domain's name.
    pub domain: String,
    /// The name of a CHECK and its condition; without, NULL is refused.
    pub check: Option<(String, Box<Expression>)>,
}

/// How a call or a change of type was written. Execution treats all alike; definitions show each as it was. Trees that
/// are not stored, and stored ones as they are read for execution, carry `Call` alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// `f(x)`
    #[default]
    Call,
    /// `x::t`
    Explicit,
    /// Not written at all.
    Implicit,
    /// A form of the standard's own: `EXTRACT(year FROM x)`.
    Syntax,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BooleanTest {
    IsTrue,
    IsNotTrue,
    IsFalse,
    IsNotFalse,
    IsUnknown,
    IsNotUnknown,
}

/// SQLValueFunction of PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpecialValue {
    CurrentDate,
    CurrentTime,
    CurrentTimestamp,
    LocalTime,
    LocalTimestamp,
    CurrentUser,
    SessionUser,
    CurrentRole,
    CurrentCatalog,
    CurrentSchema,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subquery {
    pub kind: SubqueryKind,
    pub query: Query,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SubqueryKind {
    /// One column, at most one row (21000 otherwise); NULL when empty.
    Scalar,
    Exists,
    /// ARRAY(SELECT ...).
    Array,
    /// `test` compares the left side with the subquery's output columns (named by their numbers); combined by OR.
    Any {
        test: Box<Expression>,
    },
    /// Combined by AND.
    All {
        test: Box<Expression>,
    },
    /// (a, b) = (SELECT x, y): the columns of at most one row, as a record.
    Row,
}

/// One ORDER BY item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SortKey {
    pub expression: Expression,
    pub descending: bool,
    pub nulls_first: bool,
}

/// A call of an aggregate. Ordered-set aggregates keep WITHIN GROUP in `order_by` and direct arguments apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AggregateCall {
    pub function: u32,
    pub arguments: Vec<Expression>,
    pub direct_arguments: Vec<Expression>,
    pub distinct: bool,
    pub filter: Option<Expression>,
    pub order_by: Vec<SortKey>,
    pub ty: Type,
    pub collation: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowCall {
    pub function: u32,
    /// Whether `function` is an aggregate used over a window.
    pub aggregate: bool,
    pub arguments: Vec<Expression>,
    pub filter: Option<Expression>,
    pub partition_by: Vec<Expression>,
    pub order_by: Vec<SortKey>,
    pub frame: WindowFrame,
    pub ty: Type,
    pub collation: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowFrame {
    pub units: FrameUnits,
    pub start: FrameBound,
    pub end: FrameBound,
    pub exclusion: FrameExclusion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FrameUnits {
    Rows,
    Range,
    Groups,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(Box<Expression>),
    CurrentRow,
    Following(Box<Expression>),
    UnboundedFollowing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FrameExclusion {
    NoOthers,
    CurrentRow,
    Group,
    Ties,
}
