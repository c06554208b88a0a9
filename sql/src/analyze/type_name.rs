//! Type names to types.

use super::parameter::Parameters;
use super::{Analyzer, Environment};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{Expression, ExpressionKind, TypeName};
use crate::tree::Type;

/// The type that a name as written means. `text` is the statement, for positions.
pub fn resolve_type(environment: Environment<'_>, text: &str, name: &TypeName) -> Result<Type> {
    Analyzer::new(environment, text, Parameters::default()).type_of(name)
}

impl Analyzer<'_> {
    /// The type that a name as written means.
    pub(super) fn type_of(&self, name: &TypeName) -> Result<Type> {
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
        modifiers: &[Expression],
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
                ExpressionKind::Number(digits) | ExpressionKind::String(digits) => digits.parse::<i64>().ok(),
                _ => None,
            };
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
