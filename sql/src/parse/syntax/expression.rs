//! Expressions as written.

use super::{Name, ObjectName, Query, TypeName};

/// An expression and the token that errors about it point at (the operator of an operator, the name of a call).
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    pub kind: ExpressionKind,
    pub at: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionKind {
    Null,
    Boolean(bool),
    /// An integer or decimal literal, as written.
    Number(String),
    String(String),
    /// B'101'
    BitString(String),
    /// X'1F'
    HexString(String),
    /// `$n`, counted from 1 as written.
    Parameter(u32),
    /// `a`, `t.a`, `s.t.a`.
    Column(Vec<String>),
    /// `*`, `t.*`, `s.t.*`.
    Star(Vec<String>),
    /// `(row).field`
    Field {
        argument: Box<Expression>,
        name: Name,
    },
    /// `(row).*`
    FieldStar(Box<Expression>),
    Subscript {
        argument: Box<Expression>,
        indexes: Vec<SubscriptIndex>,
    },
    /// A prefix operator has no left side.
    Operator {
        operator: OperatorName,
        left: Option<Box<Expression>>,
        right: Box<Expression>,
    },
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
    IsNull {
        argument: Box<Expression>,
        negated: bool,
    },
    BooleanTest {
        argument: Box<Expression>,
        test: crate::tree::BooleanTest,
    },
    IsDistinct {
        left: Box<Expression>,
        right: Box<Expression>,
        negated: bool,
    },
    Between {
        argument: Box<Expression>,
        low: Box<Expression>,
        high: Box<Expression>,
        negated: bool,
        symmetric: bool,
    },
    InList {
        argument: Box<Expression>,
        list: Vec<Expression>,
        negated: bool,
    },
    InQuery {
        argument: Box<Expression>,
        query: Box<Query>,
        negated: bool,
    },
    Like {
        kind: LikeKind,
        argument: Box<Expression>,
        pattern: Box<Expression>,
        escape: Option<Box<Expression>>,
        negated: bool,
    },
    /// `left operator ANY/ALL (array)`
    QuantifiedArray {
        left: Box<Expression>,
        operator: OperatorName,
        all: bool,
        array: Box<Expression>,
    },
    /// `left operator ANY/ALL (SELECT ...)`
    QuantifiedQuery {
        left: Box<Expression>,
        operator: OperatorName,
        all: bool,
        query: Box<Query>,
    },
    /// `x::t`, `CAST(x AS t)`, `t 'literal'`.
    Cast {
        argument: Box<Expression>,
        ty: Box<TypeName>,
    },
    Collate {
        argument: Box<Expression>,
        collation: ObjectName,
    },
    Case {
        operand: Option<Box<Expression>>,
        arms: Vec<(Expression, Expression)>,
        otherwise: Option<Box<Expression>>,
    },
    Coalesce(Vec<Expression>),
    Greatest(Vec<Expression>),
    Least(Vec<Expression>),
    NullIf(Box<Expression>, Box<Expression>),
    Array(Vec<Expression>),
    ArrayQuery(Box<Query>),
    /// `ROW(a, b)` or `(a, b)`.
    Row(Vec<Expression>),
    Exists(Box<Query>),
    Subquery(Box<Query>),
    Function(Box<FunctionCall>),
    /// CURRENT_DATE and its kin, with the precision of those that take one.
    Special(crate::tree::SpecialValue, Option<i32>),
    Grouping(Vec<Expression>),
    /// DEFAULT in VALUES or SET.
    Default,
}

/// `operator` or `OPERATOR(schema.operator)`.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorName {
    pub schema: Option<String>,
    pub name: String,
    pub at: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LikeKind {
    Like,
    CaseInsensitive,
    SimilarTo,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SubscriptIndex {
    Element(Expression),
    Slice(Option<Expression>, Option<Expression>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct FunctionCall {
    pub name: ObjectName,
    pub arguments: Vec<FunctionArgument>,
    /// Written in a form of the standard's own, as EXTRACT and TRIM are.
    pub special: bool,
    /// `count(*)`
    pub star: bool,
    pub distinct: bool,
    pub order_by: Vec<SortItem>,
    pub within_group: Option<Vec<SortItem>>,
    pub filter: Option<Expression>,
    pub over: Option<Over>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FunctionArgument {
    /// `name => value`
    pub name: Option<Name>,
    pub value: Expression,
    pub variadic: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Over {
    Named(Name),
    Window(WindowSpecification),
}

#[derive(Clone, Debug, PartialEq)]
pub struct WindowSpecification {
    pub base: Option<Name>,
    pub partition_by: Vec<Expression>,
    pub order_by: Vec<SortItem>,
    pub frame: Option<Frame>,
    pub at: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub units: crate::tree::FrameUnits,
    pub start: FrameBound,
    pub end: Option<FrameBound>,
    pub exclusion: crate::tree::FrameExclusion,
    pub at: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(Expression),
    CurrentRow,
    Following(Expression),
    UnboundedFollowing,
}

/// One item of ORDER BY.
#[derive(Clone, Debug, PartialEq)]
pub struct SortItem {
    pub expression: Expression,
    pub direction: SortDirection,
    pub nulls_first: Option<bool>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SortDirection {
    Default,
    Ascending,
    Descending,
    Using(OperatorName),
}
