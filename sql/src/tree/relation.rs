//! Typed relations: the logical algebra that analysis yields.

use serde::{Deserialize, Serialize};

use super::{AggregateCall, ColumnNumber, Expression, QueryShape, SortKey, Type, WindowCall};

/// A complete query: common table expressions, a relation, and the columns shown, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// In order of definition; a table may use those before it, and itself when recursive.
    pub common: Vec<CommonTable>,
    pub relation: Relation,
    pub output: Vec<OutputColumn>,
    /// Only in trees that are stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Box<QueryShape>>,
}

/// A column of a query's result: which number feeds it, and how it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputColumn {
    pub column: ColumnNumber,
    pub name: String,
    pub ty: Type,
    pub collation: u32,
    /// (table oid, attribute number) where the column is plainly a table's own, else (0, 0); RowDescription says so.
    pub origin: (u32, i16),
}

/// A column that a relation produces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    pub number: ColumnNumber,
    pub ty: Type,
    pub collation: u32,
}

/// WITH name AS (...). Referenced by `id` from `Relation::CommonScan`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommonTable {
    pub id: u32,
    pub name: String,
    /// What the query produces; scans map their own numbers onto these by position.
    pub columns: Vec<Column>,
    pub query: CommonQuery,
    /// `Some(true)` MATERIALIZED, `Some(false)` NOT MATERIALIZED.
    pub materialized: Option<bool>,
}

/// What a common table expression computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CommonQuery {
    Plain(Box<Query>),
    /// `step` reads the working table by a `CommonScan` of the table's own id. `all`: UNION ALL.
    Recursive {
        start: Box<Query>,
        step: Box<Query>,
        all: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Relation {
    /// One row without columns.
    Empty,
    /// No row at all.
    Nothing {
        columns: Vec<Column>,
    },
    Table(TableScan),
    CommonScan {
        id: u32,
        columns: Vec<Column>,
    },
    /// The rows of a subquery in FROM or of a view; passes its inner numbers through.
    Subquery(Box<Query>),
    Values {
        columns: Vec<Column>,
        rows: Vec<Vec<Expression>>,
    },
    /// Set-returning (or plain) functions in FROM, several for ROWS FROM, zipped; `ordinality` numbers the rows.
    Functions {
        items: Vec<FunctionItem>,
        ordinality: Option<ColumnNumber>,
    },
    /// `lateral`: the right side may use the left side's columns.
    Join {
        kind: JoinKind,
        left: Box<Relation>,
        right: Box<Relation>,
        on: Option<Expression>,
        lateral: bool,
    },
    Filter {
        input: Box<Relation>,
        predicate: Expression,
    },
    /// Adds computed columns to the input's; the input's stay visible.
    Extend {
        input: Box<Relation>,
        items: Vec<(ColumnNumber, Expression)>,
    },
    /// Set-returning functions in a select list: run in lockstep, shorter ones padded with NULL; input columns repeat.
    ProjectSet {
        input: Box<Relation>,
        items: Vec<FunctionItem>,
    },
    /// Produces the group columns and aggregates only. `sets` lists, for grouping sets, the indexes into `groups`
    /// of each set; a group column outside a row's set is NULL. `grouping` are GROUPING(...) columns: the bit of
    /// each listed group index is set where it is not in the row's set, first argument highest.
    Aggregate {
        input: Box<Relation>,
        groups: Vec<(ColumnNumber, Expression)>,
        sets: Option<Vec<Vec<u32>>>,
        aggregates: Vec<(ColumnNumber, AggregateCall)>,
        grouping: Vec<(ColumnNumber, Vec<u32>)>,
    },
    /// Adds the window columns to the input's.
    Window {
        input: Box<Relation>,
        calls: Vec<(ColumnNumber, WindowCall)>,
    },
    /// SELECT DISTINCT over `columns`, or DISTINCT ON: the first row, in input order, of each set of equal keys.
    Distinct {
        input: Box<Relation>,
        columns: Vec<Column>,
        on: bool,
    },
    Sort {
        input: Box<Relation>,
        keys: Vec<SortKey>,
    },
    Limit {
        input: Box<Relation>,
        count: Option<Expression>,
        offset: Option<Expression>,
        with_ties: Vec<SortKey>,
    },
    /// Both sides give `columns` by position of their outputs (already cast to one type each).
    SetOperation {
        operator: SetOperator,
        all: bool,
        left: Box<Query>,
        right: Box<Query>,
        columns: Vec<Column>,
    },
    /// FOR UPDATE and its kin: pulls row by row, locks, re-checks; stands between Sort and Limit.
    LockRows {
        input: Box<Relation>,
        clauses: Vec<RowLockClause>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableScan {
    /// pg_class oid: a table, a materialized view or a system relation.
    pub table: u32,
    /// Name of the range table entry (alias or table name), for messages and EXPLAIN.
    pub name: String,
    /// The columns used, not all that exist.
    pub columns: Vec<TableColumn>,
    pub time: Option<TimeClause>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableColumn {
    pub number: ColumnNumber,
    pub source: SystemColumn,
    pub ty: Type,
    pub collation: u32,
}

/// A column of a table, its own or one that every table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SystemColumn {
    /// A user column, by attribute number from 1.
    Attribute(i16),
    /// oid of the table.
    TableOid,
    /// The row's handle, for DML and row locks (bytes of 16); also shown as ctid.
    Handle,
    /// xmin, derived from the write's commit time; clients only compare it.
    Xmin,
    /// A column as it was before its type changed, by its id in the engine.
    Former(u32),
    SystemFrom,
    SystemTo,
    /// The write that made the version, as a uuid.
    WriteId,
    /// The write that made the version which this one replaced; NULL for one that was inserted.
    PreviousWriteId,
}

/// FOR SYSTEM_TIME. The expressions are timestamptz, without columns or volatile functions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TimeClause {
    AsOf(Expression),
    /// [from, to)
    FromTo(Expression, Expression),
    /// [from, to]
    Between(Expression, Expression),
    All,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionItem {
    /// A Call of a set-returning or plain function (or any expression, giving one row).
    pub call: Expression,
    /// One column for a scalar result, several for a record.
    pub columns: Vec<Column>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Cross,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SetOperator {
    Union,
    Intersect,
    Except,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowLockClause {
    /// pg_class oid and the number of the `SystemColumn::Handle` column of the scan to lock.
    pub table: u32,
    pub handle: ColumnNumber,
    pub strength: LockStrength,
    pub wait: LockWait,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockStrength {
    KeyShare,
    Share,
    NoKeyUpdate,
    Update,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockWait {
    Block,
    NoWait,
    SkipLocked,
}
