//! CREATE and ALTER of enums and domains.

use super::{ColumnConstraint, Expression, Name, ObjectName, RoleName, SourceText, TypeName};

/// A definition of a type.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeDefinition {
    CreateEnum {
        name: ObjectName,
        labels: Vec<String>,
    },
    CreateDomain {
        name: ObjectName,
        base: TypeName,
        collation: Option<ObjectName>,
        constraints: Vec<ColumnConstraint>,
    },
    /// ALTER TYPE.
    AlterType {
        name: ObjectName,
        action: TypeAction,
    },
    AlterDomain {
        name: ObjectName,
        action: TypeAction,
    },
}

/// What ALTER TYPE and ALTER DOMAIN do.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeAction {
    AddValue {
        label: String,
        if_not_exists: bool,
        /// Before (or else after) which label.
        place: Option<(bool, String)>,
    },
    RenameValue {
        from: String,
        to: String,
    },
    RenameTo(Name),
    OwnerTo(RoleName),
    SetSchema(Name),
    /// None drops it.
    SetDefault(Option<(Expression, SourceText)>),
    SetNotNull(bool),
    AddConstraint {
        constraint: ColumnConstraint,
        not_valid: bool,
    },
    DropConstraint {
        name: Name,
        if_exists: bool,
    },
    RenameConstraint {
        from: Name,
        to: Name,
    },
    ValidateConstraint(Name),
}
