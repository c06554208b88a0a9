//! Operators by name and operand types.

use catalog::builtin::{self, CastContext, OperatorRow};

use super::Analyzer;
use super::types::is_polymorphic;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::OperatorName;
use crate::tree::{Expression, ExpressionKind, Form, Type};
use crate::types::oid;

/// An operator with its operand types in the form that candidates are compared by.
#[derive(Clone)]
struct Candidate {
    row: &'static OperatorRow,
    types: Vec<u32>,
}

impl Analyzer<'_> {
    /// The operator that these operand types choose.
    pub(super) fn find_operator(
        &self,
        operator: &OperatorName,
        left: Option<u32>,
        right: u32,
    ) -> Result<&'static OperatorRow> {
        let position = self.position(operator.at);
        let searched = match &operator.schema {
            Some(schema) => Some(self.schema_by_name(schema, operator.at)?),
            None => None,
        };
        let seen = |row: &OperatorRow| self.sees_operator(row, searched);
        if let Some(exact) = exact_operator(&operator.name, left, right).filter(|row| seen(row)) {
            return Ok(exact);
        }
        let kind = if left.is_some() { 'b' } else { 'l' };
        let rows =
            builtin::operators_by_name(&operator.name).iter().filter(|row| row.kind == kind && seen(row));
        let candidates: Vec<Candidate> = rows
            .map(|row| {
                let types = if left.is_some() { vec![row.left, row.right] } else { vec![row.right] };
                Candidate { row, types }
            })
            .collect();
        let mut inputs: Vec<u32> = left.into_iter().chain([right]).collect();
        // An operand of unknown type is first taken to have the other's.
        if let [a, b] = inputs.as_mut_slice() {
            let assumed = match (*a, *b) {
                (oid::UNKNOWN, known) | (known, oid::UNKNOWN) if known != oid::UNKNOWN => Some(known),
                _ => None,
            };
            if let Some(known) = assumed
                && let Some(exact) = exact_operator(&operator.name, Some(known), known)
                && seen(exact)
            {
                return Ok(exact);
            }
        }
        let mut fitting = self.matching(&inputs, candidates, |candidate| &candidate.types);
        if fitting.len() > 1 {
            return match self.select_candidate(&inputs, fitting, |candidate| &candidate.types) {
                Some(candidate) => Ok(candidate.row),
                None => Err(Error::new(
                    SqlState::AmbiguousFunction,
                    format!("operator is not unique: {}", self.operator_text(&operator.name, left, right)),
                )
                .hint(
                    "Could not choose a best candidate operator. You might need to add explicit type casts.",
                )
                .at(position)),
            };
        }
        match fitting.pop() {
            Some(candidate) => Ok(candidate.row),
            None => Err(self.no_operator(operator, left, right)),
        }
    }

    /// Whether an operator is in the schema that is named, or else in one of the search path.
    fn sees_operator(&self, row: &OperatorRow, named: Option<u32>) -> bool {
        match named {
            Some(named) => self.placed(row.schema) == Some(named),
            // Every search path has pg_catalog.
            None if row.schema == builtin::PG_CATALOG => true,
            None => self.placed(row.schema).is_some_and(|schema| self.search_schemas().contains(&schema)),
        }
    }

    fn operator_text(&self, name: &str, left: Option<u32>, right: u32) -> String {
        match left {
            Some(left) => format!("{} {name} {}", self.type_text(left), self.type_text(right)),
            None => format!("{name} {}", self.type_text(right)),
        }
    }

    fn no_operator(&self, operator: &OperatorName, left: Option<u32>, right: u32) -> Error {
        let hint = match left {
            Some(_) => {
                "No operator matches the given name and argument types. You might need to add explicit type casts."
            }
            None => {
                "No operator matches the given name and argument type. You might need to add an explicit type cast."
            }
        };
        let name = match &operator.schema {
            Some(schema) => format!("{schema}.{}", operator.name),
            None => operator.name.clone(),
        };
        Error::new(
            SqlState::UndefinedFunction,
            format!("operator does not exist: {}", self.operator_text(&name, left, right)),
        )
        .hint(hint)
        .at(self.position(operator.at))
    }

    /// The tree of an operator over its operands.
    pub(super) fn make_operator(
        &mut self,
        operator: &OperatorName,
        left: Option<Expression>,
        right: Expression,
    ) -> Result<Expression> {
        let position = self.position(operator.at);
        let row = self.find_operator(operator, left.as_ref().map(|left| left.ty.oid), right.ty.oid)?;
        let arguments: Vec<Expression> = left.into_iter().chain([right]).collect();
        self.call_operator(row, arguments, position)
    }

    /// An operator that is chosen already, its operands converted.
    pub(super) fn call_operator(
        &mut self,
        row: &'static OperatorRow,
        arguments: Vec<Expression>,
        position: Option<u32>,
    ) -> Result<Expression> {
        let sources: Vec<u32> = arguments.iter().map(|argument| argument.ty.oid).collect();
        let mut declared = if arguments.len() == 2 { vec![row.left, row.right] } else { vec![row.right] };
        let result =
            self.enforce_generics(&sources, &mut declared, row.result).map_err(|error| error.at(position))?;
        let collation = self.input_collation(&arguments)?;
        let mut converted = Vec::with_capacity(arguments.len());
        for (argument, target) in arguments.into_iter().zip(declared) {
            let at = argument.position;
            converted.push(self.coerce(argument, Type::new(target), CastContext::Implicit, at)?);
        }
        let result_collation = if self.default_collation(result) != 0 { collation } else { 0 };
        Ok(Expression {
            kind: ExpressionKind::Call {
                function: row.function,
                operator: row.oid,
                arguments: converted,
                variadic_array: false,
                form: Form::Call,
            },
            ty: Type::new(result),
            collation: result_collation,
            position,
        })
    }

    /// `left operator ANY/ALL (array)`.
    pub(super) fn make_array_operator(
        &mut self,
        operator: &OperatorName,
        left: Expression,
        array: Expression,
        all: bool,
    ) -> Result<Expression> {
        let position = self.position(operator.at);
        let element = match array.ty.oid {
            oid::UNKNOWN => oid::UNKNOWN,
            array_type => match self.element_type(array_type) {
                0 => {
                    return Err(Error::new(
                        SqlState::WrongObjectType,
                        "op ANY/ALL (array) requires array on right side",
                    )
                    .at(position));
                }
                element => element,
            },
        };
        let row = self.find_operator(operator, Some(left.ty.oid), element)?;
        if row.result != oid::BOOL {
            let message = "op ANY/ALL (array) requires operator to yield boolean";
            return Err(Error::new(SqlState::WrongObjectType, message).at(position));
        }
        let mut declared = [row.left, row.right];
        self.enforce_generics(&[left.ty.oid, element], &mut declared, row.result)
            .map_err(|error| error.at(position))?;
        let wanted_array = if is_polymorphic(row.right) && array.ty.oid != oid::UNKNOWN {
            array.ty.oid
        } else {
            match self.array_type(declared[1]) {
                0 => {
                    let element = self.type_text(declared[1]);
                    let message = format!("could not find array type for data type {element}");
                    return Err(Error::new(SqlState::UndefinedObject, message).at(position));
                }
                array => array,
            }
        };
        let (left_at, array_at) = (left.position, array.position);
        let left = self.coerce(left, Type::new(declared[0]), CastContext::Implicit, left_at)?;
        let array = self.coerce(array, Type::new(wanted_array), CastContext::Implicit, array_at)?;
        Ok(Expression {
            kind: ExpressionKind::AnyArray {
                left: Box::new(left),
                right: Box::new(array),
                function: row.function,
                operator: row.oid,
                all,
            },
            ty: Type::new(oid::BOOL),
            collation: 0,
            position,
        })
    }
}

fn exact_operator(name: &str, left: Option<u32>, right: u32) -> Option<&'static OperatorRow> {
    builtin::operator(name, left.unwrap_or(0), right)
}
