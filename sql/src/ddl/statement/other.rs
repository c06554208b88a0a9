//! Databases, schemas, views, sequences, extensions; DROP, COMMENT, TRUNCATE.

use sqlparser::ast;

use super::{QualifiedName, RoleName, SettingChange, Statement};

#[derive(Clone, Debug, PartialEq)]
pub struct CreateDatabase {
    pub name: String,
    pub options: Vec<DatabaseOption>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum DatabaseOption {
    Owner(RoleName),
    Template(String),
    Encoding(String),
    /// LOCALE, LC_COLLATE, LC_CTYPE: the option's name and its value.
    Locale(String, String),
    LocaleProvider(String),
    Tablespace(String),
    AllowConnections(bool),
    ConnectionLimit(i32),
    IsTemplate(bool),
    /// STRATEGY: how PostgreSQL copies files; there is one way here.
    Strategy(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterDatabase {
    pub name: String,
    pub change: AlterDatabaseChange,
}

pub use self::change::AlterDatabaseChange;

mod change {
    use super::{DatabaseOption, SettingChange};

    #[derive(Clone, Debug, PartialEq)]
    pub enum AlterDatabaseChange {
        Options(Vec<DatabaseOption>),
        Setting(SettingChange),
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateSchema {
    /// `None`: CREATE SCHEMA AUTHORIZATION role takes the role's name.
    pub name: Option<String>,
    pub if_not_exists: bool,
    pub authorization: Option<RoleName>,
    pub elements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateView {
    pub name: QualifiedName,
    pub or_replace: bool,
    pub temporary: bool,
    /// Column names, where given.
    pub columns: Vec<String>,
    pub options: Vec<(String, Option<String>)>,
    pub query: Box<ast::Query>,
    /// The query's text.
    pub text: String,
    pub check: Option<catalog::ViewCheck>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateSequence {
    pub name: QualifiedName,
    pub if_not_exists: bool,
    pub temporary: bool,
    pub unlogged: bool,
    pub options: Vec<SequenceOption>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterSequence {
    pub name: QualifiedName,
    pub if_exists: bool,
    pub options: Vec<SequenceOption>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SequenceOption {
    As(ast::DataType),
    Increment(i64),
    /// `None`: NO MINVALUE.
    Minimum(Option<i64>),
    Maximum(Option<i64>),
    Start(i64),
    /// RESTART [WITH n].
    Restart(Option<i64>),
    Cache(i64),
    Cycle(bool),
    OwnedBy(OwnedBy),
    /// SEQUENCE NAME of an identity column, as pg_dump writes it.
    Name(QualifiedName),
}

#[derive(Clone, Debug, PartialEq)]
pub enum OwnedBy {
    None,
    Column { table: QualifiedName, column: String },
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateExtension {
    pub name: String,
    pub if_not_exists: bool,
    pub schema: Option<String>,
    pub version: Option<String>,
    pub cascade: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SetOwner {
    pub target: CommentTarget,
    pub owner: RoleName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropKind {
    Table,
    View,
    Index,
    Sequence,
    Schema,
    Database,
    Role,
    User,
    Extension,
    MaterializedView,
    ForeignTable,
    Type,
    Domain,
    Function,
    Procedure,
    Aggregate,
}

impl DropKind {
    /// What messages call it.
    pub fn noun(self) -> &'static str {
        match self {
            DropKind::Table => "table",
            DropKind::View => "view",
            DropKind::Index => "index",
            DropKind::Sequence => "sequence",
            DropKind::Schema => "schema",
            DropKind::Database => "database",
            DropKind::Role | DropKind::User => "role",
            DropKind::Extension => "extension",
            DropKind::MaterializedView => "materialized view",
            DropKind::ForeignTable => "foreign table",
            DropKind::Type => "type",
            DropKind::Domain => "type",
            DropKind::Function => "function",
            DropKind::Procedure => "procedure",
            DropKind::Aggregate => "aggregate",
        }
    }

    /// The command tag.
    pub fn tag(self) -> &'static str {
        match self {
            DropKind::Table => "DROP TABLE",
            DropKind::View => "DROP VIEW",
            DropKind::Index => "DROP INDEX",
            DropKind::Sequence => "DROP SEQUENCE",
            DropKind::Schema => "DROP SCHEMA",
            DropKind::Database => "DROP DATABASE",
            DropKind::Role | DropKind::User => "DROP ROLE",
            DropKind::Extension => "DROP EXTENSION",
            DropKind::MaterializedView => "DROP MATERIALIZED VIEW",
            DropKind::ForeignTable => "DROP FOREIGN TABLE",
            DropKind::Type => "DROP TYPE",
            DropKind::Domain => "DROP DOMAIN",
            DropKind::Function => "DROP FUNCTION",
            DropKind::Procedure => "DROP PROCEDURE",
            DropKind::Aggregate => "DROP AGGREGATE",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct DropObjects {
    pub kind: DropKind,
    pub names: Vec<QualifiedName>,
    pub if_exists: bool,
    pub cascade: bool,
    /// DROP INDEX CONCURRENTLY.
    pub concurrently: bool,
    /// DROP DATABASE ... WITH (FORCE).
    pub force: bool,
}

/// What COMMENT ON, RENAME TO and OWNER TO name.
#[derive(Clone, Debug, PartialEq)]
pub enum CommentTarget {
    Relation(super::RelationWord, QualifiedName),
    Column(QualifiedName, String),
    Constraint { name: String, table: QualifiedName },
    Schema(String),
    Database(String),
    Role(String),
    Extension(String),
    Type(QualifiedName),
}

impl CommentTarget {
    /// The tag of ALTER on it.
    pub fn alter_tag(&self) -> &'static str {
        match self {
            CommentTarget::Relation(..) | CommentTarget::Column(..) | CommentTarget::Constraint { .. } => {
                "ALTER TABLE"
            }
            CommentTarget::Schema(_) => "ALTER SCHEMA",
            CommentTarget::Database(_) => "ALTER DATABASE",
            CommentTarget::Role(_) => "ALTER ROLE",
            CommentTarget::Extension(_) => "ALTER EXTENSION",
            CommentTarget::Type(_) => "ALTER TYPE",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Truncate {
    pub tables: Vec<QualifiedName>,
    pub restart_identity: bool,
    pub cascade: bool,
}
