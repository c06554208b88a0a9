//! Type names to types.

use super::parameter::Parameters;
use super::{Analyzer, Environment};
use crate::error::{Error, Result, SqlState};
use catalog::Snapshot;

use crate::parse::syntax::{Expression as Syntax, ExpressionKind as SyntaxKind, TypeName};
use crate::tree::visit::{Visitor, walk_expression};
use crate::tree::{ColumnNumber, DomainRule, Expression, ExpressionKind, Type};

/// The type that a name as written means, and the domain where it is one. `text` is the statement, for positions.
pub fn resolve_declared_type(
    environment: Environment<'_>,
    text: &str,
    name: &TypeName,
) -> Result<(Type, Option<u32>)> {
    Analyzer::new(environment, text, Parameters::default()).declared_type(name)
}

/// What a domain, and those it stands on, demand; the innermost first. The checks read column `value`.
pub fn domain_rules(
    catalog: &Snapshot,
    database: u32,
    domain: u32,
    value: ColumnNumber,
) -> Result<Vec<DomainRule>> {
    struct Number(ColumnNumber);
    impl Visitor for Number {
        fn expression(&mut self, expression: &mut Expression) -> bool {
            if let ExpressionKind::Column(number) = &mut expression.kind
                && *number == VALUE
            {
                *number = self.0;
            }
            true
        }
    }
    let Some(made) = catalog.user_type(database, domain) else { return Ok(Vec::new()) };
    let Some(shape) = made.domain() else { return Ok(Vec::new()) };
    let mut rules = domain_rules(catalog, database, shape.base, value)?;
    if shape.not_null {
        rules.push(DomainRule { domain: made.name.clone(), check: None });
    }
    for check in &shape.checks {
        let mut condition = super::stored::stored_expression(&check.expression)?;
        walk_expression(&mut condition, &mut Number(value));
        let check = Some((check.name.clone(), Box::new(condition)));
        rules.push(DomainRule { domain: made.name.clone(), check });
    }
    Ok(rules)
}

/// VALUE in the stored checks of a domain.
pub const VALUE: ColumnNumber = ColumnNumber(1);

/// The type that a name as written means. `text` is the statement, for positions.
pub fn resolve_type(environment: Environment<'_>, text: &str, name: &TypeName) -> Result<Type> {
    Analyzer::new(environment, text, Parameters::default()).type_of(name)
}

impl Analyzer<'_> {
    /// The type that a name as written means; that below it, where it is a domain.
    pub(super) fn type_of(&self, name: &TypeName) -> Result<Type> {
        self.declared_type(name).map(|(ty, _)| ty)
    }

    /// The type that a name as written means: for a domain the type below it, and the domain.
    pub(super) fn declared_type(&self, name: &TypeName) -> Result<(Type, Option<u32>)> {
        let ty = self.named_type(name)?;
        let (catalog, database) = (self.environment.catalog, self.environment.database);
        if catalog.user_type(database, ty.oid).and_then(|made| made.domain()).is_none() {
            return Ok((ty, None));
        }
        let (base, typmod) = catalog.base_type(database, ty.oid);
        Ok((Type::with_typmod(base, typmod), Some(ty.oid)))
    }

    /// What a domain, and those it stands on, demand; the innermost first. The checks read column `value`.
    pub(super) fn domain_rules(&mut self, domain: u32, value: ColumnNumber) -> Result<Vec<DomainRule>> {
        let (catalog, database) = (self.environment.catalog, self.environment.database);
        domain_rules(catalog, database, domain, value)
    }

    fn named_type(&self, name: &TypeName) -> Result<Type> {
        let position = self.position(name.at);
        if name.set_of {
            return Err(Error::new(SqlState::UndefinedObject, "type name with SETOF is not allowed here")
                .at(position));
        }
        if name.percent_type {
            return Err(Error::unsupported("%TYPE").at(position));
        }
        let catalog = self.environment.catalog;
        let found = match name.name.parts.as_slice() {
            [plain] => catalog.find_type(self.environment.database, self.environment.search_path, plain),
            _ => {
                let schema = self.schema_by_name(name.name.schema().unwrap_or_default(), name.at)?;
                catalog.type_by_name(self.environment.database, schema, name.name.name())
            }
        };
        let Some(row) = found else {
            return Err(Error::new(
                SqlState::UndefinedObject,
                format!("type \"{}\" does not exist", name.name),
            )
            .at(position));
        };
        let typmod = self.typmod(row.oid, row.modifier_input, &name.modifiers, &row.name, name.at)?;
        if name.array_bounds.is_empty() || row.is_array() {
            return Ok(Type::with_typmod(row.oid, typmod));
        }
        if row.array == 0 {
            let message = format!("could not find array type for data type {}", self.type_text(row.oid));
            return Err(Error::new(SqlState::UndefinedObject, message).at(position));
        }
        Ok(Type::with_typmod(row.array, typmod))
    }

    fn typmod(
        &self,
        type_oid: u32,
        modifier_input: u32,
        modifiers: &[Syntax],
        name: &str,
        at: u32,
    ) -> Result<i32> {
        if modifiers.is_empty() {
            return Ok(-1);
        }
        let position = self.position(at);
        if modifier_input == 0 {
            let message = format!("type modifier is not allowed for type \"{name}\"");
            return Err(Error::new(SqlState::SyntaxError, message).at(position));
        }
        let mut arguments = Vec::with_capacity(modifiers.len());
        for modifier in modifiers {
            let number = match &modifier.kind {
                SyntaxKind::Number(digits) | SyntaxKind::String(digits) => digits.parse::<i64>().ok(),
                _ => None,
            };
            if let (SyntaxKind::String(text), None) = (&modifier.kind, number) {
                return Err(crate::types::integer::invalid_syntax("integer", text).at(position));
            }
            let Some(number) = number else {
                let message = "type modifiers must be simple constants or identifiers";
                return Err(Error::new(SqlState::SyntaxError, message).at(self.position(modifier.at)));
            };
            arguments.push(number);
        }
        // The fields of an interval without a precision: PostgreSQL's INTERVAL_FULL_PRECISION.
        if type_oid == crate::types::oid::INTERVAL && arguments.len() == 1 {
            arguments.push(0xffff);
        }
        crate::types::typmod_from_arguments(type_oid, &arguments).map_err(|error| error.at(position))
    }
}
