//! Parameters `$n`: given types, or types that the context gives them.

use super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::tree::{Expression, ExpressionKind, Type};
use crate::types::oid;

/// The types of a statement's parameters, as far as they are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters {
    /// By number from 0; 0 is not yet known.
    pub types: Vec<u32>,
    /// Whether parameters that were not declared may appear.
    pub open: bool,
}

impl Analyzer<'_> {
    /// `$number`, from 1.
    pub(super) fn parameter(&mut self, number: u32, at: u32) -> Result<Expression> {
        let position = self.position(at);
        let missing = || {
            Err(Error::new(SqlState::UndefinedParameter, format!("there is no parameter ${number}"))
                .at(position))
        };
        let Some(index) = number.checked_sub(1).filter(|index| *index < 65_535) else { return missing() };
        let slot = index as usize;
        if slot >= self.parameters.types.len() {
            if !self.parameters.open {
                return missing();
            }
            self.parameters.types.resize(slot + 1, 0);
        }
        let known = self.parameters.types.get(slot).copied().filter(|ty| *ty != 0).unwrap_or(oid::UNKNOWN);
        Ok(Expression {
            kind: ExpressionKind::Parameter(index),
            ty: Type::new(known),
            collation: self.default_collation(known),
            position,
        })
    }

    /// A parameter without a type takes the one its context asks for; twice different is an error.
    pub(super) fn coerce_parameter(
        &mut self,
        index: u32,
        target: u32,
        position: Option<u32>,
    ) -> Result<Expression> {
        let known = self.parameters.types.get(index as usize).copied().unwrap_or(0);
        if known != 0 && known != oid::UNKNOWN && known != target {
            return Err(Error::new(
                SqlState::AmbiguousParameter,
                format!("inconsistent types deduced for parameter ${}", index + 1),
            )
            .detail(format!("{} versus {}", self.type_text(known), self.type_text(target)))
            .at(position));
        }
        if let Some(slot) = self.parameters.types.get_mut(index as usize) {
            *slot = target;
        }
        Ok(Expression {
            kind: ExpressionKind::Parameter(index),
            ty: Type::new(target),
            collation: self.default_collation(target),
            position,
        })
    }

    /// A parameter that was met before its type was known has it now.
    pub(super) fn settle_parameter(&self, expression: &mut Expression) {
        if let ExpressionKind::Parameter(index) = expression.kind
            && expression.ty.oid == oid::UNKNOWN
            && let Some(known) = self.parameters.types.get(index as usize)
            && *known != 0
        {
            expression.ty = Type::new(*known);
            expression.collation = self.default_collation(*known);
        }
    }

    /// Every parameter must have found a type by the end.
    pub(super) fn check_parameters(&self) -> Result<()> {
        let unknown = self.parameters.types.iter().position(|ty| *ty == 0 || *ty == oid::UNKNOWN);
        match unknown {
            Some(index) => Err(Error::new(
                SqlState::IndeterminateDatatype,
                format!("could not determine data type of parameter ${}", index + 1),
            )),
            None => Ok(()),
        }
    }
}
