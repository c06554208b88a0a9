//! The plan's nodes: physical decisions, compiled expressions, estimates; no snapshot, no data.
//!
//! Invariant: a node produces exactly `columns`, in that order, and every compiled expression in it addresses its
//! input by position. Nodes are immutable and shared by all executions of a plan. (The vocabulary of plans in one place:
//! a little longer than other files.)

use std::sync::Arc;

use arrow_schema::{Field, Schema, SchemaRef};
use engine::{ColumnId, IndexId, PhysicalType, TableId};

pub use super::window::{BoundPlan, FramePlan, Offset, Window, WindowPlan};
pub use super::zones::ZoneRange;
use crate::evaluate::{CompiledExpression, Layout};
use crate::functions::Call;
use crate::tree::{ColumnNumber, LockStrength, LockWait, SetOperator, Type};
use crate::types::embedding::Element;
use crate::types::embedding::distance::Metric;
use crate::types::oid;

/// A column that a node produces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanColumn {
    pub number: ColumnNumber,
    pub ty: Type,
    pub physical: PhysicalType,
}

/// What planning expects of a node; costs in PostgreSQL's unit, the sequential read of a page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub rows: f64,
    pub startup: f64,
    pub total: f64,
}

/// One item of an order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrderItem {
    pub column: ColumnNumber,
    pub descending: bool,
    pub nulls_first: bool,
}

/// A node.
#[derive(Debug)]
pub struct Node {
    pub operator: Operator,
    pub columns: Vec<PlanColumn>,
    pub schema: SchemaRef,
    pub estimate: Estimate,
    /// The order in which rows come, as far as it is known.
    pub order: Vec<OrderItem>,
}

impl Node {
    /// A node; its schema follows from its columns.
    pub fn new(operator: Operator, columns: Vec<PlanColumn>, estimate: Estimate) -> Node {
        let schema = schema_of(&columns);
        Node { operator, columns, schema, estimate, order: Vec::new() }
    }

    /// The same node with rows in a known order.
    pub fn ordered(mut self, order: Vec<OrderItem>) -> Node {
        self.order = order;
        self
    }

    /// Where the columns stand.
    pub fn layout(&self) -> Layout {
        Layout::new(self.columns.iter().map(|column| column.number))
    }

    /// The position of a column.
    pub fn position(&self, number: ColumnNumber) -> Option<usize> {
        self.columns.iter().position(|column| column.number == number)
    }

    /// The node's inputs.
    pub fn inputs(&self) -> Vec<&Arc<Node>> {
        match &self.operator {
            Operator::OneRow
            | Operator::Nothing
            | Operator::Scan(_)
            | Operator::IndexScan(_)
            | Operator::SystemScan(_)
            | Operator::Values { .. }
            | Operator::Functions { .. }
            | Operator::CommonScan { .. } => Vec::new(),
            Operator::Nearest(Nearest { input, .. })
            | Operator::Held(Held { input, .. })
            | Operator::Filter { input, .. }
            | Operator::Project { input, .. }
            | Operator::Keys { input, .. }
            | Operator::ProjectSet { input, .. }
            | Operator::Aggregate(Aggregate { input, .. })
            | Operator::Window(Window { input, .. })
            | Operator::Distinct { input, .. }
            | Operator::Sort(Sort { input, .. })
            | Operator::Limit(Limit { input, .. })
            | Operator::LockRows { input, .. }
            | Operator::IndexJoin(IndexJoin { input, .. }) => vec![input],
            Operator::Append { inputs } => inputs.iter().collect(),
            Operator::SetOperation { left, right, .. }
            | Operator::HashJoin(HashJoin { left, right, .. })
            | Operator::LoopJoin(LoopJoin { left, right, .. })
            | Operator::Apply(Apply { left, right, .. }) => vec![left, right],
        }
    }
}

/// The Arrow schema of columns: names are positions, every column may be NULL.
pub fn schema_of(columns: &[PlanColumn]) -> SchemaRef {
    let fields = columns.iter().enumerate();
    Arc::new(Schema::new(
        fields
            .map(|(index, column)| Field::new(format!("c{index}"), column.physical.arrow(), true))
            .collect::<Vec<_>>(),
    ))
}

/// What a node does.
#[derive(Debug)]
pub enum Operator {
    /// One row without columns.
    OneRow,
    Nothing,
    Scan(Scan),
    IndexScan(IndexScan),
    SystemScan(SystemScan),
    Nearest(Nearest),
    Held(Held),
    Values {
        rows: Vec<Vec<CompiledExpression>>,
    },
    Functions {
        items: Vec<FunctionSource>,
        ordinality: bool,
    },
    Filter {
        input: Arc<Node>,
        predicate: CompiledExpression,
    },
    /// One expression a column.
    Project {
        input: Arc<Node>,
        expressions: Vec<CompiledExpression>,
    },
    /// Adds comparison keys behind the input's columns.
    Keys {
        input: Arc<Node>,
        keys: Vec<KeyExpression>,
    },
    /// The input's kept columns, then the functions' columns.
    ProjectSet {
        input: Arc<Node>,
        kept: Vec<usize>,
        items: Vec<FunctionSource>,
    },
    Aggregate(Aggregate),
    Window(Window),
    /// The first row of each set of equal keys, in input order; keeps all columns of its input.
    Distinct {
        input: Arc<Node>,
        keys: Vec<KeyExpression>,
    },
    Sort(Sort),
    Limit(Limit),
    /// UNION ALL.
    Append {
        inputs: Vec<Arc<Node>>,
    },
    SetOperation {
        operator: SetOperator,
        all: bool,
        left: Arc<Node>,
        right: Arc<Node>,
        keys: Vec<u32>,
    },
    HashJoin(HashJoin),
    LoopJoin(LoopJoin),
    IndexJoin(IndexJoin),
    Apply(Apply),
    CommonScan {
        common: usize,
        name: String,
        columns: Vec<usize>,
    },
    LockRows {
        input: Arc<Node>,
        locks: Vec<RowLockPlan>,
    },
}

/// Where a scan's column comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Column(ColumnId),
    Handle,
    SystemFrom,
    SystemTo,
    /// The table's oid, the same in all rows.
    TableOid,
    Xmin,
    /// The write that made the version: sixteen bytes.
    WriteId,
    /// The write of the version that it replaced; engine/src/change/previous.rs.
    PreviousWriteId,
    /// The commit that made the version, as a place in the log of commits (pg_lsn).
    Commit,
}

/// What to read of a table.
#[derive(Clone, Debug)]
pub struct TableAccess {
    pub oid: u32,
    pub table: TableId,
    pub name: String,
    pub alias: String,
    /// One for each column of the node.
    pub sources: Vec<Source>,
    /// Which of the plan's time clauses governs the scan.
    pub moment: Option<usize>,
    /// The column number of the handle, where it is read: the scan's name for row locks and re-checks.
    pub handle: Option<ColumnNumber>,
    pub filter: Option<CompiledExpression>,
}

#[derive(Debug)]
pub struct Scan {
    pub access: TableAccess,
    /// What the filter says of single columns, for blocks to be passed over.
    pub ranges: Vec<ZoneRange>,
}

#[derive(Debug)]
pub struct IndexScan {
    pub access: TableAccess,
    pub index: IndexAccess,
    /// The filter and what the search enforces, for when the index cannot be used.
    pub all_conditions: Option<CompiledExpression>,
}

/// The rows of a table that may be the first in the order of a distance.
#[derive(Debug)]
pub struct Nearest {
    /// Every row that passes the conditions: its vector, what they read, its handle.
    pub input: Arc<Node>,
    /// The columns that are wanted; the filter, over them, for a row that stands for the scan in a re-check.
    pub access: TableAccess,
    /// The column of the vectors.
    pub vector: ColumnId,
    pub metric: Metric,
    pub element: Element,
    /// What distances are from. Reads no column.
    pub other: CompiledExpression,
    /// The distance is from the other to the column's vector, as complaints name them.
    pub flipped: bool,
    /// Further keys decide between rows at one distance: all that tie with the last are wanted.
    pub ties: bool,
    /// The conditions read the vectors too.
    pub tests_vector: bool,
    /// The part of the rows that is expected to pass the conditions, where there are any.
    pub share: Option<Share>,
    /// The rows that the table is expected to have.
    pub rows: f64,
    /// The count and the offset of the LIMIT.
    pub fetch: (CompiledExpression, Option<CompiledExpression>),
    pub index: Option<VectorIndex>,
    /// The order for EXPLAIN, columns by number.
    pub shown: String,
}

/// A part of the rows.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    pub part: f64,
    /// It is a guess, and some rows may be asked instead: what the conditions call is not volatile.
    pub asks_rows: bool,
}

/// A vector index that may find the rows.
#[derive(Clone, Debug)]
pub struct VectorIndex {
    pub index: IndexId,
    pub name: String,
    pub dimensions: usize,
}

/// All rows; with sequential scans turned off those that a vector index holds.
#[derive(Debug)]
pub struct Held {
    pub input: Arc<Node>,
    /// Position of the vector.
    pub vector: usize,
    pub metric: Metric,
    pub element: Element,
}

/// Which keys of an index to read. Expressions read no column of the scanned table.
#[derive(Clone, Debug)]
pub struct IndexAccess {
    pub index: IndexId,
    pub name: String,
    pub keys: Vec<IndexKeyPart>,
    /// Leading keys that are equal to a value each; the last may be a list.
    pub equal: Vec<CompiledExpression>,
    /// The array of an IN list over the key after `equal`.
    pub list: Option<CompiledExpression>,
    /// Bounds of the key after `equal`: expression and whether it is included.
    pub lower: Option<(CompiledExpression, bool)>,
    pub upper: Option<(CompiledExpression, bool)>,
    pub reverse: bool,
    /// Whether `equal` covers all keys of a unique index.
    pub unique_match: bool,
    /// Shown by EXPLAIN.
    pub condition: String,
}

/// How one key column is encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IndexKeyPart {
    pub oid: u32,
    pub descending: bool,
    pub nulls_first: bool,
}

/// A relation of pg_catalog or information_schema.
#[derive(Debug)]
pub struct SystemScan {
    pub oid: u32,
    pub name: String,
    pub alias: String,
    /// Attribute numbers; 0 stands for tableoid.
    pub attributes: Vec<i16>,
    /// Which of the plan's moments it is read at; `None` is the statement's own.
    pub moment: Option<usize>,
    pub filter: Option<CompiledExpression>,
}

/// A function (or any expression) that gives rows.
#[derive(Debug)]
pub struct FunctionSource {
    pub name: String,
    /// Set-returning, with its arguments; otherwise one row of the value of `arguments[0]`.
    pub function: Option<SetFunction>,
    pub arguments: Vec<CompiledExpression>,
    pub columns: usize,
    /// One record value is spread over several columns.
    pub spread: bool,
    /// The types of the columns of its rows, where one column is to hold them as a record.
    pub packed: Vec<u32>,
}

#[derive(Debug)]
pub struct SetFunction {
    pub oid: u32,
    pub call: Call,
    pub strict: bool,
}

/// An expression under which rows are compared: itself where Arrow compares as PostgreSQL does, else its key.
#[derive(Clone, Debug)]
pub struct KeyExpression {
    pub expression: CompiledExpression,
    pub form: KeyForm,
}

/// The form in which a key is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// The value itself.
    Native,
    /// The canonical comparison key of the type.
    Encoded(u32),
    /// Integers of several widths, all as bigint.
    Widened,
}

impl KeyExpression {
    /// The column that holds the key. It has no number that an expression could name.
    pub fn column(&self) -> PlanColumn {
        let (ty, physical) = match self.form {
            KeyForm::Native => (self.expression.ty(), self.expression.physical()),
            KeyForm::Encoded(_) => (Type::new(oid::BYTEA), PhysicalType::Bytes),
            KeyForm::Widened => (Type::new(oid::INT8), PhysicalType::Int64),
        };
        PlanColumn { number: ColumnNumber(u32::MAX), ty, physical }
    }
}

#[derive(Debug)]
pub struct Aggregate {
    pub input: Arc<Node>,
    pub groups: Vec<GroupKey>,
    /// Indexes into `groups`; one full set where there are no grouping sets.
    pub sets: Vec<Vec<usize>>,
    pub calls: Vec<AggregatePlan>,
    /// For GROUPING(...): the group indexes, first argument highest.
    pub grouping: Vec<Vec<usize>>,
}

#[derive(Debug)]
pub struct GroupKey {
    pub expression: CompiledExpression,
    pub oid: u32,
}

#[derive(Debug)]
pub struct AggregatePlan {
    pub name: String,
    pub call: Call,
    pub arguments: Vec<CompiledExpression>,
    pub direct: Vec<CompiledExpression>,
    pub filter: Option<CompiledExpression>,
    pub distinct: bool,
    pub order: Vec<SortItem>,
    /// An ordered-set aggregate: fed the values of `order` instead of `arguments`.
    pub ordered_set: bool,
    pub result: PhysicalType,
}

/// A sort key evaluated over the input.
#[derive(Debug)]
pub struct SortItem {
    pub expression: CompiledExpression,
    pub oid: u32,
    pub descending: bool,
    pub nulls_first: bool,
}

#[derive(Debug)]
pub struct Sort {
    pub input: Arc<Node>,
    pub keys: Vec<SortKeyPlan>,
    /// Number of columns of `input` that are shown; the rest are keys.
    pub shown: usize,
    /// Rows wanted, where a LIMIT stands directly above: (count, offset).
    pub fetch: Option<(CompiledExpression, Option<CompiledExpression>)>,
}

/// A column of the sort's input by which it sorts.
#[derive(Clone, Copy, Debug)]
pub struct SortKeyPlan {
    pub position: usize,
    pub descending: bool,
    pub nulls_first: bool,
}

#[derive(Debug)]
pub struct Limit {
    pub input: Arc<Node>,
    pub count: Option<CompiledExpression>,
    pub offset: Option<CompiledExpression>,
    /// WITH TIES: the keys under which rows tie.
    pub ties: Vec<KeyExpression>,
}

/// What a join keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinType {
    Inner,
    Left,
    Full,
    /// Left rows with (or without) a match on the right; the right's columns are not produced.
    Semi,
    Anti,
}

/// Columns: the left input's, then (except for Semi and Anti) the right's, narrowed by `output`.
#[derive(Debug)]
pub struct HashJoin {
    pub kind: JoinType,
    pub left: Arc<Node>,
    pub right: Arc<Node>,
    /// Key positions, one pair each.
    pub keys: Vec<(usize, usize)>,
    /// Over the left's columns, then the right's.
    pub filter: Option<JoinFilterPlan>,
    pub output: Vec<usize>,
    /// Whether the hash table is built over the left input instead of the right.
    pub build_left: bool,
    pub condition: String,
}

#[derive(Debug)]
pub struct LoopJoin {
    pub kind: JoinType,
    pub left: Arc<Node>,
    pub right: Arc<Node>,
    pub filter: Option<JoinFilterPlan>,
    pub output: Vec<usize>,
}

/// A join's condition over some of both sides' columns.
#[derive(Debug)]
pub struct JoinFilterPlan {
    pub predicate: CompiledExpression,
    /// Positions among the left's columns followed by the right's.
    pub inputs: Vec<usize>,
    pub schema: SchemaRef,
}

/// For each left row, the rows of a table that an index finds. The index's expressions read the left row.
#[derive(Debug)]
pub struct IndexJoin {
    pub kind: JoinType,
    pub input: Arc<Node>,
    pub access: TableAccess,
    pub index: IndexAccess,
    /// The table's columns read.
    pub inner: Vec<PlanColumn>,
    /// Over the left's columns, then the table's: what the search does not enforce.
    pub filter: Option<CompiledExpression>,
    /// The same and what the search enforces, for when the index cannot be used.
    pub all_conditions: Option<CompiledExpression>,
    pub output: Vec<usize>,
}

/// For each left row, the right plan executed anew with the left row's columns in slots.
#[derive(Debug)]
pub struct Apply {
    pub kind: JoinType,
    pub left: Arc<Node>,
    pub right: Arc<Node>,
    /// Left position → slot.
    pub bindings: Vec<(usize, usize)>,
    /// Over the left's columns, then the right's.
    pub filter: Option<CompiledExpression>,
    pub output: Vec<usize>,
}

#[derive(Clone, Debug)]
pub struct RowLockPlan {
    pub table: u32,
    pub handle: ColumnNumber,
    pub position: usize,
    pub strength: LockStrength,
    pub wait: LockWait,
}
