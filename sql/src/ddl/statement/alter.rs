//! ALTER TABLE, and ALTER VIEW, INDEX, SEQUENCE where they mean the same.

use sqlparser::ast;

use super::{
    ColumnDefinition, QualifiedName, RelationWord, RoleName, SequenceOption, SourceExpression,
    TableConstraint,
};

#[derive(Clone, Debug, PartialEq)]
pub struct AlterTable {
    pub word: RelationWord,
    pub name: QualifiedName,
    pub if_exists: bool,
    pub actions: Vec<AlterTableAction>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterTableAction {
    AddColumn { column: ColumnDefinition, if_not_exists: bool },
    DropColumn { name: String, if_exists: bool, cascade: bool },
    AlterColumn { name: String, change: AlterColumn },
    AddConstraint(TableConstraint),
    DropConstraint { name: String, if_exists: bool, cascade: bool },
    ValidateConstraint { name: String },
    AlterConstraint { name: String, deferrable: Option<bool>, initially_deferred: Option<bool> },
    RenameColumn { from: String, to: String },
    RenameConstraint { from: String, to: String },
    RenameTo(String),
    SetSchema(String),
    OwnerTo(RoleName),
    SetOptions(Vec<(String, Option<String>)>),
    ResetOptions(Vec<String>),
    RowSecurity { enable: bool },
    ForceRowSecurity { force: bool },
    ReplicaIdentity(char),
    ClusterOn(Option<String>),
    SetLogged(bool),
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterColumn {
    SetDefault(SourceExpression),
    DropDefault,
    SetNotNull,
    DropNotNull,
    SetType { data_type: ast::DataType, collation: Option<QualifiedName>, using: Option<SourceExpression> },
    AddIdentity { always: bool, options: Vec<SequenceOption> },
    ChangeIdentity(Vec<IdentityChange>),
    DropIdentity { if_exists: bool },
    DropExpression { if_exists: bool },
    SetStatistics(i32),
    SetStorage(String),
    SetCompression(String),
    SetOptions(Vec<(String, Option<String>)>),
    ResetOptions(Vec<String>),
}

/// One part of ALTER COLUMN ... SET GENERATED ... SET sequence option ... RESTART.
#[derive(Clone, Debug, PartialEq)]
pub enum IdentityChange {
    Always(bool),
    Option(SequenceOption),
}
