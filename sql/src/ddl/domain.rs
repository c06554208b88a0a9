//! Domains: CREATE and ALTER.
//!
//! What a domain comes to demand is checked against every column of the domain, and of those that stand on it, before it
//! holds.

use std::sync::Arc;

use catalog::{Domain, DomainCheck, Object, Relation, UserType, UserTypeKind};

use super::Definer;
use crate::analyze::{self, Purpose, TableColumns};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::DomainRules;
use crate::parse::syntax::{
    ColumnConstraint, ColumnConstraintKind, Expression, Name, ObjectName, SourceText, TypeAction, TypeName,
};
use crate::tree::{DomainRule, Type};

impl Definer {
    pub(super) async fn create_domain(
        &mut self,
        name: &ObjectName,
        base: &TypeName,
        collation: Option<&ObjectName>,
        constraints: &[ColumnConstraint],
    ) -> Result<String> {
        let schema = self.creation_schema(name)?;
        self.check_type_free(schema.oid, name.name())?;
        let snapshot = self.snapshot();
        let environment = self.environment(&snapshot);
        let (ty, over) = analyze::resolve_declared_type(environment, &self.text, base)?;
        let row = snapshot.type_by_oid(self.database, ty.oid);
        if row.as_ref().is_some_and(|row| matches!(row.kind, 'p' | 'c')) {
            let shown = crate::types::format_type(ty.oid, -1, &self.names);
            let message = format!("\"{shown}\" is not a valid base type for a domain");
            return Err(Error::new(SqlState::DatatypeMismatch, message));
        }
        if collation.is_some() {
            return Err(Error::unsupported("COLLATE of a domain"));
        }
        let mut domain = Domain {
            base: over.unwrap_or(ty.oid),
            typmod: if over.is_some() { -1 } else { ty.typmod },
            collation: row.map_or(0, |row| row.collation),
            not_null: false,
            default: None,
            checks: Vec::new(),
        };
        for constraint in constraints {
            self.domain_constraint(name.name(), &mut domain, ty, constraint, true)?;
        }
        let user_type = UserType {
            oid: self.new_oid()?,
            database: self.database,
            schema: schema.oid,
            name: name.name().to_string(),
            owner: self.role,
            acl: None,
            array_type: 0,
            kind: UserTypeKind::Domain(domain),
        };
        self.put_object(Object::Type(Box::new(user_type))).await?;
        Ok("CREATE DOMAIN".to_string())
    }

    /// Adds what one clause of a domain says.
    fn domain_constraint(
        &self,
        name: &str,
        domain: &mut Domain,
        ty: Type,
        constraint: &ColumnConstraint,
        validated: bool,
    ) -> Result<()> {
        match &constraint.kind {
            ColumnConstraintKind::Null => domain.not_null = false,
            ColumnConstraintKind::NotNull => domain.not_null = true,
            ColumnConstraintKind::Default(expression, text) => {
                if domain.default.is_some() {
                    return Err(Error::new(SqlState::SyntaxError, "multiple default expressions"));
                }
                domain.default = self.domain_default(name, ty, expression, *text)?;
            }
            ColumnConstraintKind::Check { expression, text, no_inherit } => {
                if *no_inherit {
                    let message = "check constraints for domains cannot be marked NO INHERIT";
                    return Err(Error::new(SqlState::InvalidObjectDefinition, message));
                }
                let given = constraint.name.as_ref().map(|name| name.text.clone());
                let check = self.domain_check(name, domain, ty, given, (expression, *text), validated)?;
                domain.checks.push(check);
                domain.checks.sort_by(|a, b| a.name.cmp(&b.name));
            }
            ColumnConstraintKind::Unique { .. } => return Err(not_for_domains("unique constraints")),
            ColumnConstraintKind::PrimaryKey { .. } => {
                return Err(not_for_domains("primary key constraints"));
            }
            ColumnConstraintKind::References(_) => return Err(not_for_domains("foreign key constraints")),
            ColumnConstraintKind::GeneratedStored(..) | ColumnConstraintKind::Identity { .. } => {
                return Err(Error::new(
                    SqlState::SyntaxError,
                    "specifying GENERATED for domains is not possible",
                ));
            }
        }
        Ok(())
    }

    fn value_columns(&self, ty: Type) -> TableColumns {
        let collation = catalog::builtin::type_by_oid(ty.oid).map_or(0, |row| row.collation);
        TableColumns {
            name: String::new(),
            table: 0,
            row_type: 0,
            columns: vec![(1, "value".to_string(), ty, collation)],
        }
    }

    fn domain_default(
        &self,
        name: &str,
        ty: Type,
        expression: &Expression,
        text: SourceText,
    ) -> Result<Option<catalog::StoredExpression>> {
        let snapshot = self.snapshot();
        let columns = TableColumns { columns: Vec::new(), ..self.value_columns(ty) };
        let environment = self.environment(&snapshot);
        let purpose = Purpose::Default(ty);
        let node = analyze::table_expression(environment, &self.text, &columns, purpose, name, expression)?;
        if matches!(node.kind, crate::tree::ExpressionKind::Constant(engine::Value::Null)) {
            return Ok(None);
        }
        analyze::to_stored_expression(&node, 0, &self.source(text)).map(Some)
    }

    fn domain_check(
        &self,
        name: &str,
        domain: &Domain,
        ty: Type,
        given: Option<String>,
        (expression, text): (&Expression, SourceText),
        validated: bool,
    ) -> Result<DomainCheck> {
        let taken = |wanted: &str| domain.checks.iter().any(|check| check.name == wanted);
        let name = match given {
            Some(given) if taken(&given) => {
                let message = format!("constraint \"{given}\" for domain \"{name}\" already exists");
                return Err(Error::new(SqlState::DuplicateObject, message));
            }
            Some(given) => given,
            None => {
                let plain = format!("{name}_check");
                let numbered = (1..).map(|number| format!("{plain}{number}"));
                std::iter::once(plain.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(plain)
            }
        };
        let snapshot = self.snapshot();
        let columns = self.value_columns(ty);
        let environment = self.environment(&snapshot);
        let node =
            analyze::table_expression(environment, &self.text, &columns, Purpose::Check, "", expression)?;
        let expression = analyze::to_stored_expression(&node, 0, &self.source(text))?;
        Ok(DomainCheck { oid: self.new_oid()?, name, expression, validated })
    }

    pub(super) async fn alter_domain(&mut self, mut made: UserType, action: &TypeAction) -> Result<()> {
        let snapshot = self.snapshot();
        let (base, typmod) = snapshot.base_type(self.database, made.oid);
        let (name, ty, oid) = (made.name.clone(), Type::with_typmod(base, typmod), made.oid);
        let UserTypeKind::Domain(domain) = &mut made.kind else {
            return Err(Error::internal("ALTER DOMAIN of another type"));
        };
        let missing = |constraint: &Name| {
            let message = format!("constraint \"{}\" of domain \"{name}\" does not exist", constraint.text);
            Error::new(SqlState::UndefinedObject, message)
        };
        match action {
            TypeAction::SetDefault(None) => domain.default = None,
            TypeAction::SetDefault(Some((expression, text))) => {
                domain.default = self.domain_default(&name, ty, expression, *text)?;
            }
            TypeAction::SetNotNull(wanted) => {
                if *wanted && !domain.not_null {
                    self.check_stored(oid, &DomainRule { domain: name.clone(), check: None })?;
                }
                domain.not_null = *wanted;
            }
            TypeAction::AddConstraint { constraint, not_valid } => {
                let known: Vec<u32> = domain.checks.iter().map(|check| check.oid).collect();
                self.domain_constraint(&name, domain, ty, constraint, !not_valid)?;
                if !not_valid {
                    for check in domain.checks.iter().filter(|check| !known.contains(&check.oid)) {
                        self.check_stored(oid, &rule_of(&name, check)?)?;
                    }
                }
            }
            TypeAction::DropConstraint { name: constraint, if_exists } => {
                let before = domain.checks.len();
                domain.checks.retain(|check| check.name != constraint.text);
                if domain.checks.len() == before {
                    if !if_exists {
                        return Err(missing(constraint));
                    }
                    let message = format!(
                        "constraint \"{}\" of domain \"{name}\" does not exist, skipping",
                        constraint.text
                    );
                    self.notice(message);
                    return Ok(());
                }
            }
            TypeAction::RenameConstraint { from, to } => {
                if domain.checks.iter().any(|check| check.name == to.text) {
                    let message = format!("constraint \"{}\" for domain \"{name}\" already exists", to.text);
                    return Err(Error::new(SqlState::DuplicateObject, message));
                }
                let found = domain.checks.iter_mut().find(|check| check.name == from.text);
                found.ok_or_else(|| missing(from))?.name.clone_from(&to.text);
            }
            TypeAction::ValidateConstraint(constraint) => {
                let found = domain.checks.iter_mut().find(|check| check.name == constraint.text);
                let check = found.ok_or_else(|| missing(constraint))?;
                self.check_stored(oid, &rule_of(&name, check)?)?;
                check.validated = true;
            }
            TypeAction::RenameTo(_) | TypeAction::OwnerTo(_) | TypeAction::SetSchema(_) => {
                self.alter_any(&mut made, action)?;
            }
            TypeAction::AddValue { .. } | TypeAction::RenameValue { .. } => {
                return Err(Error::internal("a clause of ALTER TYPE for a domain"));
            }
        }
        self.put_object(Object::Type(Box::new(made))).await
    }

    /// Checks a rule against every stored value of the domain.
    fn check_stored(&self, domain: u32, rule: &DomainRule) -> Result<()> {
        let snapshot = self.snapshot();
        let stands_on = |mut oid: u32| loop {
            if oid == domain {
                return true;
            }
            match snapshot.user_type(self.database, oid).and_then(|made| made.domain()) {
                Some(next) => oid = next.base,
                None => return false,
            }
        };
        let rules = DomainRules::new(analyze::VALUE, std::slice::from_ref(rule))?;
        let tables: Vec<Arc<Relation>> =
            snapshot.relations(self.database).filter(|table| table.as_table().is_some()).cloned().collect();
        for table in tables {
            let places: Vec<(usize, String)> = table
                .live_columns()
                .enumerate()
                .filter(|(_, column)| column.domain.is_some_and(stands_on))
                .map(|(place, column)| (place, column.name.clone()))
                .collect();
            if places.is_empty() {
                continue;
            }
            self.each_row(&table, |_, row| {
                for (place, column) in &places {
                    let value = row.get(*place).unwrap_or(&engine::Value::Null);
                    rules.check(&self.context, value).map_err(|_| stored_breach(&table, column, rule))?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

fn rule_of(domain: &str, check: &DomainCheck) -> Result<DomainRule> {
    let condition = analyze::stored_expression(&check.expression)?;
    Ok(DomainRule { domain: domain.to_string(), check: Some((check.name.clone(), Box::new(condition))) })
}

fn stored_breach(table: &Relation, column: &str, rule: &DomainRule) -> Error {
    match rule.check {
        None => Error::new(
            SqlState::NotNullViolation,
            format!("column \"{column}\" of table \"{}\" contains null values", table.name),
        ),
        Some(_) => Error::new(
            SqlState::CheckViolation,
            format!(
                "column \"{column}\" of table \"{}\" contains values that violate the new constraint",
                table.name
            ),
        ),
    }
}

fn not_for_domains(what: &str) -> Error {
    Error::new(SqlState::SyntaxError, format!("{what} not possible for domains"))
}
