//! Definition statements as parsed: names as written, expressions and queries still in the parser's own tree.
//!
//! Made by `ddl::parse` alone, which consumes every clause or refuses it by name; consumed by `ddl::execute`, whose
//! matches are exhaustive.

mod access;
mod alter;
mod index;
mod other;
mod table;

pub use access::{
    AlterDefaultPrivileges, AlterRole, AlterRoleChange, CreateRole, Grant, GrantRole, GrantTarget,
    PrivilegeName, RoleName, RoleOption, SettingChange,
};
pub use alter::{AlterColumn, AlterTable, AlterTableAction, IdentityChange};
pub use index::{CreateIndex, IndexElement, IndexElementSource};
pub use other::{
    AlterDatabase, AlterDatabaseChange, AlterSequence, CommentTarget, CreateDatabase, CreateExtension,
    CreateSchema, CreateSequence, CreateView, DatabaseOption, DropKind, DropObjects, OwnedBy, SequenceOption,
    SetOwner, Truncate,
};
pub use table::{
    ColumnConstraint, ColumnDefinition, ConstraintDefinition, ConstraintTiming, CreateTable,
    ForeignKeyClause, LikeClause, TableConstraint, TableElement,
};

use sqlparser::ast;

/// A name of up to three parts, folded as PostgreSQL folds.
#[derive(Clone, Debug, PartialEq)]
pub struct QualifiedName {
    pub database: Option<String>,
    pub schema: Option<String>,
    pub name: String,
    /// Characters from 1 in the statement.
    pub position: Option<u32>,
}

impl std::fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in [&self.database, &self.schema].into_iter().flatten() {
            write!(f, "{part}.")?;
        }
        f.write_str(&self.name)
    }
}

/// An expression with the text it was written in.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceExpression {
    pub expression: ast::Expr,
    pub text: String,
}

/// The kind of relation an ALTER was written for; `ALTER TABLE v RENAME` works on views too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelationWord {
    Table,
    View,
    Index,
    Sequence,
}

/// A statement of definition.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    CreateDatabase(CreateDatabase),
    AlterDatabase(AlterDatabase),
    CreateSchema(CreateSchema),
    CreateTable(Box<CreateTable>),
    AlterTable(AlterTable),
    CreateView(Box<CreateView>),
    CreateIndex(Box<CreateIndex>),
    CreateSequence(CreateSequence),
    AlterSequence(AlterSequence),
    CreateExtension(CreateExtension),
    CreateRole(CreateRole),
    AlterRole(AlterRole),
    GrantRole(GrantRole),
    Grant(Grant),
    AlterDefaultPrivileges(AlterDefaultPrivileges),
    /// Of schemas, databases, roles; relations go by `AlterTable`.
    Rename {
        target: CommentTarget,
        to: String,
    },
    SetOwner(SetOwner),
    Drop(DropObjects),
    Comment {
        target: CommentTarget,
        text: Option<String>,
    },
    Truncate(Truncate),
}

impl Statement {
    /// The command tag of CommandComplete.
    pub fn tag(&self) -> &'static str {
        match self {
            Statement::CreateDatabase(_) => "CREATE DATABASE",
            Statement::AlterDatabase(_) => "ALTER DATABASE",
            Statement::CreateSchema(_) => "CREATE SCHEMA",
            Statement::CreateTable(_) => "CREATE TABLE",
            Statement::AlterTable(alter) => match alter.word {
                RelationWord::Table => "ALTER TABLE",
                RelationWord::View => "ALTER VIEW",
                RelationWord::Index => "ALTER INDEX",
                RelationWord::Sequence => "ALTER SEQUENCE",
            },
            Statement::CreateView(_) => "CREATE VIEW",
            Statement::CreateIndex(_) => "CREATE INDEX",
            Statement::CreateSequence(_) => "CREATE SEQUENCE",
            Statement::AlterSequence(_) => "ALTER SEQUENCE",
            Statement::CreateExtension(_) => "CREATE EXTENSION",
            Statement::CreateRole(_) => "CREATE ROLE",
            Statement::AlterRole(_) => "ALTER ROLE",
            Statement::GrantRole(grant) => {
                if grant.revoke {
                    "REVOKE ROLE"
                } else {
                    "GRANT ROLE"
                }
            }
            Statement::Grant(grant) => {
                if grant.revoke {
                    "REVOKE"
                } else {
                    "GRANT"
                }
            }
            Statement::AlterDefaultPrivileges(_) => "ALTER DEFAULT PRIVILEGES",
            Statement::Rename { target, .. } => target.alter_tag(),
            Statement::SetOwner(owner) => owner.target.alter_tag(),
            Statement::Drop(drop) => drop.kind.tag(),
            Statement::Comment { .. } => "COMMENT",
            Statement::Truncate(_) => "TRUNCATE TABLE",
        }
    }

    /// Whether it must stand alone, outside a transaction block (25001).
    pub fn refuses_transaction(&self) -> bool {
        match self {
            Statement::CreateDatabase(_) => true,
            Statement::Drop(drop) => drop.kind == DropKind::Database,
            Statement::CreateIndex(index) => index.concurrently,
            Statement::AlterDatabase(_)
            | Statement::CreateSchema(_)
            | Statement::CreateTable(_)
            | Statement::AlterTable(_)
            | Statement::CreateView(_)
            | Statement::CreateSequence(_)
            | Statement::AlterSequence(_)
            | Statement::CreateExtension(_)
            | Statement::CreateRole(_)
            | Statement::AlterRole(_)
            | Statement::GrantRole(_)
            | Statement::Grant(_)
            | Statement::AlterDefaultPrivileges(_)
            | Statement::Rename { .. }
            | Statement::SetOwner(_)
            | Statement::Comment { .. }
            | Statement::Truncate(_) => false,
        }
    }
}
