//! Queries as written.

use super::{Expression, FunctionCall, Name, ObjectName, SortItem, TypeName, WindowSpecification};
use crate::tree::{LockStrength, LockWait, SetOperator};

/// SELECT, VALUES, TABLE or a set operation, with what may surround it.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub with: Option<With>,
    pub body: QueryBody,
    pub order_by: Vec<SortItem>,
    pub limit: Option<Limit>,
    pub offset: Option<Expression>,
    pub locks: Vec<LockClause>,
    pub at: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum QueryBody {
    Select(Box<Select>),
    Values(Vec<Vec<Expression>>),
    SetOperation { operator: SetOperator, all: bool, left: Box<Query>, right: Box<Query> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct With {
    pub recursive: bool,
    pub tables: Vec<CommonTable>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CommonTable {
    pub name: Name,
    pub columns: Vec<Name>,
    pub materialized: Option<bool>,
    pub statement: super::Statement,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    pub distinct: Distinct,
    pub items: Vec<SelectItem>,
    pub into: Option<IntoTable>,
    pub from: Vec<TableReference>,
    pub filter: Option<Expression>,
    pub group_distinct: bool,
    pub group_by: Vec<GroupItem>,
    pub having: Option<Expression>,
    pub windows: Vec<(Name, WindowSpecification)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Distinct {
    All,
    Distinct,
    On(Vec<Expression>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct SelectItem {
    pub expression: Expression,
    pub alias: Option<Name>,
}

/// SELECT ... INTO name.
#[derive(Clone, Debug, PartialEq)]
pub struct IntoTable {
    pub persistence: Persistence,
    pub name: ObjectName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    Permanent,
    Temporary,
    Unlogged,
}

#[derive(Clone, Debug, PartialEq)]
pub enum GroupItem {
    Expression(Expression),
    /// `()`
    Empty(u32),
    Rollup(Vec<Expression>, u32),
    Cube(Vec<Expression>, u32),
    Sets(Vec<GroupItem>, u32),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Limit {
    All,
    Count(Expression),
    WithTies(Expression),
}

#[derive(Clone, Debug, PartialEq)]
pub struct LockClause {
    pub strength: LockStrength,
    pub of: Vec<ObjectName>,
    pub wait: LockWait,
    pub at: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TableReference {
    Table {
        name: ObjectName,
        alias: Option<Alias>,
        time: Option<TimeClause>,
    },
    Subquery {
        lateral: bool,
        query: Box<Query>,
        alias: Option<Alias>,
        at: u32,
    },
    /// A function, or several in ROWS FROM.
    Functions {
        lateral: bool,
        items: Vec<FunctionItem>,
        rows_from: bool,
        ordinality: bool,
        alias: Option<Alias>,
        at: u32,
    },
    Join {
        kind: JoinKind,
        left: Box<TableReference>,
        right: Box<TableReference>,
        condition: JoinCondition,
        /// `(a JOIN b) AS x`
        alias: Option<Alias>,
        at: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Cross,
}

#[derive(Clone, Debug, PartialEq)]
pub enum JoinCondition {
    None,
    Natural,
    On(Expression),
    /// `alias` is the one of the merged columns: `USING (a) AS x`.
    Using {
        columns: Vec<Name>,
        alias: Option<Name>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct FunctionItem {
    pub call: Expression,
    pub columns: Vec<ColumnDefinition>,
}

/// A column of `f() AS t(a int, b text)`.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDefinition {
    pub name: Name,
    pub ty: TypeName,
    pub collation: Option<ObjectName>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    pub name: Name,
    pub columns: Vec<Name>,
}

/// FOR SYSTEM_TIME ... after a table's name.
#[derive(Clone, Debug, PartialEq)]
pub enum TimeClause {
    AsOf(Expression),
    FromTo(Expression, Expression),
    Between(Expression, Expression),
    All,
}

impl FunctionCall {
    /// A call of plain positional arguments.
    pub fn plain(name: ObjectName, arguments: Vec<Expression>) -> FunctionCall {
        let argument = |value| super::FunctionArgument { name: None, value, variadic: false };
        FunctionCall {
            name,
            arguments: arguments.into_iter().map(argument).collect(),
            special: false,
            star: false,
            distinct: false,
            order_by: Vec::new(),
            within_group: None,
            filter: None,
            over: None,
        }
    }
}
