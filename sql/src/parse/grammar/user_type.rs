//! CREATE and ALTER of enums and domains.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{Statement, TypeAction, TypeDefinition};

impl Parser<'_> {
    /// CREATE TYPE name AS ENUM; the other kinds of type are refused by name.
    pub(super) fn create_type(&mut self) -> Result<Statement> {
        self.expect("type")?;
        let name = self.object_name()?;
        if !self.accept("as") {
            return self.unsupported("CREATE TYPE of a base type");
        }
        if self.is("range") {
            return self.unsupported("CREATE TYPE AS RANGE");
        }
        if !self.accept("enum") {
            return self.unsupported("CREATE TYPE of a composite type");
        }
        self.expect_symbol(b'(')?;
        let labels = if self.is_symbol(b')') { Vec::new() } else { self.list(Self::string)? };
        self.expect_symbol(b')')?;
        Ok(type_definition(TypeDefinition::CreateEnum { name, labels }))
    }

    pub(super) fn create_domain(&mut self) -> Result<Statement> {
        self.expect("domain")?;
        let name = self.object_name()?;
        self.accept("as");
        let base = self.type_name()?;
        let mut collation = None;
        let mut constraints = Vec::new();
        loop {
            if collation.is_none() && self.accept("collate") {
                collation = Some(self.any_name()?);
            } else if let Some(constraint) = self.column_constraint()? {
                constraints.push(constraint);
            } else {
                break;
            }
        }
        Ok(type_definition(TypeDefinition::CreateDomain { name, base, collation, constraints }))
    }

    pub(super) fn alter_user_type(&mut self) -> Result<Statement> {
        self.expect("type")?;
        let name = self.object_name()?;
        let action = if self.accept_all(&["add", "value"]) {
            let if_not_exists = self.accept_all(&["if", "not", "exists"]);
            let label = self.string()?;
            let place = match self.accept_one(&["before", "after"]) {
                Some(word) => Some((word == "before", self.string()?)),
                None => None,
            };
            TypeAction::AddValue { label, if_not_exists, place }
        } else if self.accept_all(&["rename", "value"]) {
            let from = self.string()?;
            self.expect("to")?;
            TypeAction::RenameValue { from, to: self.string()? }
        } else {
            match self.common_type_action()? {
                Some(action) => action,
                None => return self.unsupported("ALTER TYPE of a composite type"),
            }
        };
        Ok(type_definition(TypeDefinition::AlterType { name, action }))
    }

    pub(super) fn alter_domain(&mut self) -> Result<Statement> {
        self.expect("domain")?;
        let name = self.object_name()?;
        let action = if self.accept_all(&["set", "default"]) {
            TypeAction::SetDefault(Some(self.with_source(Self::expression)?))
        } else if self.accept_all(&["drop", "default"]) {
            TypeAction::SetDefault(None)
        } else if self.accept_all(&["set", "not", "null"]) {
            TypeAction::SetNotNull(true)
        } else if self.accept_all(&["drop", "not", "null"]) {
            TypeAction::SetNotNull(false)
        } else if self.accept("add") {
            let Some(constraint) = self.column_constraint()? else { return self.unexpected() };
            let not_valid = self.accept_all(&["not", "valid"]);
            TypeAction::AddConstraint { constraint, not_valid }
        } else if self.accept_all(&["drop", "constraint"]) {
            let if_exists = self.accept_all(&["if", "exists"]);
            let name = self.name()?;
            self.cascade();
            TypeAction::DropConstraint { name, if_exists }
        } else if self.accept_all(&["validate", "constraint"]) {
            TypeAction::ValidateConstraint(self.name()?)
        } else if self.accept_all(&["rename", "constraint"]) {
            let from = self.name()?;
            self.expect("to")?;
            TypeAction::RenameConstraint { from, to: self.name()? }
        } else {
            match self.common_type_action()? {
                Some(action) => action,
                None => return self.unexpected(),
            }
        };
        Ok(type_definition(TypeDefinition::AlterDomain { name, action }))
    }

    /// RENAME TO, OWNER TO and SET SCHEMA.
    fn common_type_action(&mut self) -> Result<Option<TypeAction>> {
        Ok(if self.accept_all(&["rename", "to"]) {
            Some(TypeAction::RenameTo(self.name()?))
        } else if self.accept_all(&["owner", "to"]) {
            Some(TypeAction::OwnerTo(self.role_name()?))
        } else if self.accept_all(&["set", "schema"]) {
            Some(TypeAction::SetSchema(self.name()?))
        } else {
            None
        })
    }
}

fn type_definition(definition: TypeDefinition) -> Statement {
    Statement::TypeDefinition(Box::new(definition))
}
