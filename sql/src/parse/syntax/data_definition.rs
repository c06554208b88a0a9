//! CREATE, ALTER and their kin, as written.

use super::{
    Expression, Name, ObjectName, OptionValue, Persistence, Query, RoleName, SortDirection, TypeName,
};

#[derive(Clone, Debug, PartialEq)]
pub struct CreateTable {
    pub persistence: Persistence,
    pub if_not_exists: bool,
    pub name: ObjectName,
    pub elements: Vec<TableElement>,
    pub inherits: Vec<ObjectName>,
    /// The strategy of PARTITION BY, for a refusal by name.
    pub partition_by: Option<String>,
    pub options: Vec<StorageOption>,
    pub on_commit: Option<OnCommit>,
    pub access_method: Option<Name>,
    pub tablespace: Option<Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCommit {
    PreserveRows,
    DeleteRows,
    Drop,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TableElement {
    Column(TableColumn),
    Constraint(TableConstraint),
    Like { name: ObjectName, options: Vec<(String, bool)> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct TableColumn {
    pub name: Name,
    pub ty: TypeName,
    pub collation: Option<ObjectName>,
    pub storage: Option<String>,
    pub compression: Option<String>,
    pub constraints: Vec<ColumnConstraint>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ColumnConstraint {
    pub name: Option<Name>,
    pub kind: ColumnConstraintKind,
    pub timing: ConstraintTiming,
    pub at: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ColumnConstraintKind {
    Null,
    NotNull,
    Default(Expression, SourceText),
    Check { expression: Expression, text: SourceText, no_inherit: bool },
    Unique { nulls_not_distinct: bool, index: IndexParameters },
    PrimaryKey { index: IndexParameters },
    References(ForeignKeyTarget),
    GeneratedStored(Expression, SourceText),
    Identity { always: bool, options: Vec<SequenceOption> },
}

/// The bytes of an expression in the statement's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceText {
    pub start: u32,
    pub end: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TableConstraint {
    pub name: Option<Name>,
    pub kind: TableConstraintKind,
    pub timing: ConstraintTiming,
    pub not_valid: bool,
    pub at: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TableConstraintKind {
    Check {
        expression: Expression,
        text: SourceText,
        no_inherit: bool,
    },
    Unique {
        columns: Vec<Name>,
        nulls_not_distinct: bool,
        index: IndexParameters,
    },
    PrimaryKey {
        columns: Vec<Name>,
        index: IndexParameters,
    },
    /// UNIQUE or PRIMARY KEY USING INDEX name.
    UsingIndex {
        primary: bool,
        index: Name,
    },
    ForeignKey {
        columns: Vec<Name>,
        target: ForeignKeyTarget,
    },
    Exclude,
}

/// What may follow UNIQUE and PRIMARY KEY.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexParameters {
    pub include: Vec<Name>,
    pub options: Vec<StorageOption>,
    pub tablespace: Option<Name>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ForeignKeyTarget {
    pub table: ObjectName,
    pub columns: Vec<Name>,
    pub match_kind: MatchKind,
    pub on_update: ReferentialAction,
    pub on_delete: ReferentialAction,
    /// ON DELETE SET NULL (a, b)
    pub delete_columns: Vec<Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchKind {
    Simple,
    Full,
    Partial,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferentialAction {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConstraintTiming {
    pub deferrable: Option<bool>,
    pub initially_deferred: Option<bool>,
}

/// `name [= value]` of WITH (...).
#[derive(Clone, Debug, PartialEq)]
pub struct StorageOption {
    pub namespace: Option<String>,
    pub name: String,
    pub value: Option<OptionValue>,
    pub at: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateTableAs {
    pub persistence: Persistence,
    pub materialized_view: bool,
    pub if_not_exists: bool,
    pub name: ObjectName,
    pub columns: Vec<Name>,
    pub access_method: Option<Name>,
    pub options: Vec<StorageOption>,
    pub on_commit: Option<OnCommit>,
    pub tablespace: Option<Name>,
    pub source: TableSource,
    pub text: SourceText,
    pub with_data: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TableSource {
    Query(Box<Query>),
    Execute(super::Execute),
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateView {
    pub or_replace: bool,
    pub persistence: Persistence,
    pub recursive: bool,
    pub name: ObjectName,
    pub columns: Vec<Name>,
    pub options: Vec<StorageOption>,
    pub query: Box<Query>,
    pub text: SourceText,
    pub check_option: Option<CheckOption>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckOption {
    Local,
    Cascaded,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateIndex {
    pub unique: bool,
    pub concurrently: bool,
    pub if_not_exists: bool,
    pub name: Option<Name>,
    pub table: ObjectName,
    pub only: bool,
    pub access_method: Option<Name>,
    pub elements: Vec<IndexElement>,
    pub include: Vec<IndexElement>,
    pub nulls_not_distinct: bool,
    pub options: Vec<StorageOption>,
    pub tablespace: Option<Name>,
    pub filter: Option<(Expression, SourceText)>,
}

/// A key of an index, or of the inference of ON CONFLICT.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexElement {
    pub expression: Expression,
    /// The bytes of the expression, without its parentheses.
    pub text: SourceText,
    pub collation: Option<ObjectName>,
    pub operator_class: Option<ObjectName>,
    pub operator_class_options: Vec<StorageOption>,
    pub direction: SortDirection,
    pub nulls_first: Option<bool>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateSequence {
    pub persistence: Persistence,
    pub if_not_exists: bool,
    pub name: ObjectName,
    pub options: Vec<SequenceOption>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SequenceOption {
    As(TypeName),
    Increment(i64),
    /// None for NO MINVALUE.
    MinValue(Option<i64>),
    MaxValue(Option<i64>),
    Start(i64),
    Restart(Option<i64>),
    Cache(i64),
    Cycle(bool),
    /// None for OWNED BY NONE.
    OwnedBy(Option<ObjectName>),
    SequenceName(ObjectName),
}

/// What a DROP, COMMENT, RENAME, OWNER TO or SET SCHEMA is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    Table,
    View,
    MaterializedView,
    Index,
    Sequence,
    Schema,
    Database,
    Role,
    Extension,
    Type,
    Domain,
    Function,
    Procedure,
    Routine,
    Aggregate,
    Operator,
    Collation,
    Language,
    Tablespace,
    Column,
    Constraint,
    Trigger,
    Policy,
    Rule,
    ForeignTable,
    Publication,
    Subscription,
    Statistics,
    EventTrigger,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Drop {
    pub kind: ObjectKind,
    pub if_exists: bool,
    pub concurrently: bool,
    pub names: Vec<ObjectName>,
    pub cascade: bool,
    /// DROP DATABASE ... WITH (FORCE).
    pub force: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Truncate {
    pub tables: Vec<ObjectName>,
    pub restart_identity: bool,
    pub cascade: bool,
}

/// COMMENT ON kind name IS text. A column's or constraint's own name is apart from its table's.
#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    pub kind: ObjectKind,
    pub name: ObjectName,
    /// The table of a constraint, trigger, policy or rule.
    pub table: Option<ObjectName>,
    /// Argument types of a function or aggregate.
    pub arguments: Option<Vec<TypeName>>,
    pub text: Option<String>,
}

/// ALTER kind name RENAME [COLUMN c | CONSTRAINT c] TO name.
#[derive(Clone, Debug, PartialEq)]
pub struct Rename {
    pub kind: ObjectKind,
    pub if_exists: bool,
    pub name: ObjectName,
    pub part: Option<(RenamePart, Name)>,
    pub to: Name,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenamePart {
    Column,
    Constraint,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterTable {
    /// Table, View, MaterializedView, Index or Sequence: what the statement called it.
    pub kind: ObjectKind,
    pub if_exists: bool,
    pub name: ObjectName,
    pub actions: Vec<AlterTableAction>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterTableAction {
    AddColumn {
        if_not_exists: bool,
        column: TableColumn,
    },
    DropColumn {
        if_exists: bool,
        name: Name,
        cascade: bool,
    },
    SetDefault {
        column: Name,
        expression: Expression,
        text: SourceText,
    },
    DropDefault {
        column: Name,
    },
    SetNotNull {
        column: Name,
    },
    DropNotNull {
        column: Name,
    },
    DropExpression {
        column: Name,
        if_exists: bool,
    },
    SetType {
        column: Name,
        ty: TypeName,
        collation: Option<ObjectName>,
        using: Option<(Expression, SourceText)>,
    },
    SetStatistics {
        column: Name,
        target: i64,
    },
    SetStorage {
        column: Name,
        storage: String,
    },
    AddIdentity {
        column: Name,
        always: bool,
        options: Vec<SequenceOption>,
    },
    SetIdentity {
        column: Name,
        always: Option<bool>,
        options: Vec<SequenceOption>,
    },
    DropIdentity {
        column: Name,
        if_exists: bool,
    },
    AddConstraint(TableConstraint),
    AlterConstraint {
        name: Name,
        timing: ConstraintTiming,
    },
    ValidateConstraint {
        name: Name,
    },
    DropConstraint {
        if_exists: bool,
        name: Name,
        cascade: bool,
    },
    OwnerTo(RoleName),
    SetSchema(Name),
    SetTablespace(Name),
    SetOptions(Vec<StorageOption>),
    ResetOptions(Vec<StorageOption>),
    SetLogged(bool),
    ClusterOn(Name),
    SetWithoutCluster,
    ReplicaIdentity {
        kind: String,
        index: Option<Name>,
    },
    RowSecurity {
        enable: Option<bool>,
        force: Option<bool>,
    },
    Trigger {
        enable: bool,
        name: String,
    },
    /// An action this server does not know what to do with, by its name.
    Unsupported(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterSequence {
    pub if_exists: bool,
    pub name: ObjectName,
    pub options: Vec<SequenceOption>,
}
