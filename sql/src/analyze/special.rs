//! Forms with rules of their own: CASE, COALESCE, tests, casts as written, arrays, rows, value functions.

use super::Analyzer;
use super::coerce::constant;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, ExpressionKind as Syntax, Name, ObjectName, OperatorName, TypeName};
use crate::tree::{BooleanTest, ColumnNumber, Expression, ExpressionKind, Form, SpecialValue, Type};
use crate::types::oid;

impl Analyzer<'_> {
    pub(super) fn null_test(
        &mut self,
        argument: &syntax::Expression,
        negated: bool,
        at: u32,
    ) -> Result<Expression> {
        let argument = Box::new(self.expression(argument)?);
        let kind = match self.is_composite(argument.ty.oid) {
            true => ExpressionKind::RowIsNull { argument, negated },
            false => ExpressionKind::IsNull { argument, negated },
        };
        Ok(self.boolean_node(kind, at))
    }

    pub(super) fn boolean_test(
        &mut self,
        argument: &syntax::Expression,
        test: BooleanTest,
        at: u32,
    ) -> Result<Expression> {
        let construct = match test {
            BooleanTest::IsTrue => "IS TRUE",
            BooleanTest::IsNotTrue => "IS NOT TRUE",
            BooleanTest::IsFalse => "IS FALSE",
            BooleanTest::IsNotFalse => "IS NOT FALSE",
            BooleanTest::IsUnknown => "IS UNKNOWN",
            BooleanTest::IsNotUnknown => "IS NOT UNKNOWN",
        };
        let argument = self.expression(argument)?;
        let argument = Box::new(self.coerce_boolean(argument, construct)?);
        Ok(self.boolean_node(ExpressionKind::BooleanTest { argument, test }, at))
    }

    pub(super) fn case(
        &mut self,
        operand: Option<&syntax::Expression>,
        arms: &[(syntax::Expression, syntax::Expression)],
        otherwise: Option<&syntax::Expression>,
        at: u32,
    ) -> Result<Expression> {
        let operand = match operand {
            Some(operand) => {
                let operand = self.expression(operand)?;
                let position = operand.position;
                // An operand without a type is text, as every comparison with it must see the same one.
                let unknown = operand.ty.oid == oid::UNKNOWN;
                let context = catalog::builtin::CastContext::Implicit;
                Some(if unknown {
                    self.coerce(operand, Type::new(oid::TEXT), context, position)?
                } else {
                    operand
                })
            }
            None => None,
        };
        let mut conditions = Vec::with_capacity(arms.len());
        let mut values = Vec::with_capacity(arms.len() + 1);
        for (condition, value) in arms {
            let mut test = self.expression(condition)?;
            if let Some(operand) = &operand {
                let operator = OperatorName { schema: None, name: "=".to_string(), at: condition.at };
                test = self.make_operator(&operator, Some(operand.clone()), test)?;
            }
            conditions.push(self.coerce_boolean(test, "CASE/WHEN")?);
            values.push(self.expression(value)?);
        }
        // PostgreSQL lets ELSE lead when it looks for the common type.
        let has_otherwise = otherwise.is_some();
        let last =
            otherwise.map(|value| self.expression(value)).transpose()?.unwrap_or_else(|| self.null(at));
        values.insert(0, last);
        let (mut values, ty) = self.unify(values, "CASE")?;
        let collation = self.input_collation(&values)?;
        let last = values.remove(0);
        let otherwise = has_otherwise.then(|| Box::new(last));
        let arms = conditions.into_iter().zip(values).collect();
        let kind = ExpressionKind::Case { simple: operand.is_some(), arms, otherwise };
        Ok(Expression { kind, ty, collation, position: self.position(at) })
    }

    /// COALESCE, GREATEST and LEAST.
    pub(super) fn common_call(
        &mut self,
        items: &[syntax::Expression],
        name: &str,
        kind: fn(Vec<Expression>) -> ExpressionKind,
        at: u32,
    ) -> Result<Expression> {
        let items: Vec<_> = items.iter().map(|item| self.expression(item)).collect::<Result<_>>()?;
        let (items, ty) = self.unify(items, name)?;
        let collation = self.input_collation(&items)?;
        Ok(Expression { kind: kind(items), ty, collation, position: self.position(at) })
    }

    pub(super) fn null_if(
        &mut self,
        left: &syntax::Expression,
        right: &syntax::Expression,
        at: u32,
    ) -> Result<Expression> {
        let (left, right) = (self.expression(left)?, self.expression(right)?);
        let (equality, left, right) =
            self.equality(left, right, at, "NULLIF requires = operator to yield boolean")?;
        let (ty, collation) = (left.ty, left.collation);
        let kind = ExpressionKind::NullIf { left: Box::new(left), right: Box::new(right), equality };
        Ok(Expression { kind, ty, collation, position: self.position(at) })
    }

    /// The function of `=` between two values, and the values as it takes them.
    pub(super) fn equality(
        &mut self,
        left: Expression,
        right: Expression,
        at: u32,
        complaint: &str,
    ) -> Result<(u32, Expression, Expression)> {
        let operator = OperatorName { schema: None, name: "=".to_string(), at };
        let comparison = self.make_operator(&operator, Some(left), right)?;
        if comparison.ty.oid != oid::BOOL {
            return Err(Error::new(SqlState::DatatypeMismatch, complaint).at(self.position(at)));
        }
        match comparison.kind {
            ExpressionKind::Call { function, mut arguments, .. } => {
                let right = arguments.pop();
                match (arguments.pop(), right) {
                    (Some(left), Some(right)) => Ok((function, left, right)),
                    _ => Err(Error::internal("an equality of fewer than two values")),
                }
            }
            _ => Err(Error::internal("an operator that is no call")),
        }
    }

    /// A cast as written: `x::t`, CAST, `t 'literal'`.
    pub(super) fn written_cast(
        &mut self,
        argument: &syntax::Expression,
        ty: &TypeName,
        at: u32,
    ) -> Result<Expression> {
        let (target, domain) = self.declared_type(ty)?;
        if let Some(domain) = domain {
            let value = self.expression(argument)?;
            let value = self.cast(value, target, self.position(at))?;
            return self.coerce_to_domain(value, domain, self.position(at));
        }
        // The elements of ARRAY[...] under a cast to an array take the element type at once.
        if let Syntax::Array(elements) = &argument.kind {
            let element = self.element_type(target.oid);
            if element != 0 {
                let array = self.array(elements, Some((target.oid, element, target.typmod)), argument.at)?;
                return self.cast(array, target, self.position(at));
            }
        }
        let argument = self.expression(argument)?;
        self.cast(argument, target, self.position(at))
    }

    /// A value of a domain's type, checked against the domain.
    fn coerce_to_domain(
        &mut self,
        argument: Expression,
        domain: u32,
        position: Option<u32>,
    ) -> Result<Expression> {
        let value = self.new_column();
        let rules = self.domain_rules(domain, value)?;
        let (ty, collation) = (argument.ty, argument.collation);
        let form = if self.keep_views { Form::Explicit } else { Form::Call };
        let kind =
            ExpressionKind::CoerceToDomain { argument: Box::new(argument), domain, value, rules, form };
        Ok(Expression { kind, ty, collation, position })
    }

    pub(super) fn collate(
        &mut self,
        argument: &syntax::Expression,
        collation: &ObjectName,
        at: u32,
    ) -> Result<Expression> {
        let mut argument = self.expression(argument)?;
        if argument.ty.oid == oid::UNKNOWN {
            let position = argument.position;
            let context = catalog::builtin::CastContext::Implicit;
            argument = self.coerce(argument, Type::new(oid::TEXT), context, position)?;
        }
        if self.default_collation(argument.ty.oid) == 0 {
            let message = format!("collations are not supported by type {}", self.type_text(argument.ty.oid));
            return Err(Error::new(SqlState::DatatypeMismatch, message).at(self.position(at)));
        }
        let collation = self.collation_by_name(collation, at)?;
        let ty = argument.ty;
        let position = self.position(at);
        Ok(Expression { kind: ExpressionKind::Collate(Box::new(argument)), ty, collation, position })
    }

    /// The oid of a collation.
    pub(super) fn collation_by_name(&self, name: &ObjectName, at: u32) -> Result<u32> {
        if let Some(schema) = name.schema() {
            self.schema_by_name(schema, name.at)?;
        }
        match catalog::builtin::collation_by_name(name.name()) {
            Some(row) => Ok(row.oid),
            None => Err(Error::new(
                SqlState::UndefinedObject,
                format!("collation \"{name}\" for encoding \"UTF8\" does not exist"),
            )
            .at(self.position(at))),
        }
    }

    /// ARRAY[...]; `wanted` is the array type, its element and typmod that a cast around it asks for.
    pub(super) fn array(
        &mut self,
        elements: &[syntax::Expression],
        wanted: Option<(u32, u32, i32)>,
        at: u32,
    ) -> Result<Expression> {
        let position = self.position(at);
        let mut nested = false;
        let mut items = Vec::with_capacity(elements.len());
        for element in elements {
            if let Syntax::Array(inner) = &element.kind {
                nested = true;
                items.push(self.array(inner, wanted, element.at)?);
            } else {
                let item = self.expression(element)?;
                nested |= self.element_type(item.ty.oid) != 0;
                items.push(item);
            }
        }
        let (array, items) = match wanted {
            Some((array, element, typmod)) => {
                let target = if nested { Type::new(array) } else { Type::with_typmod(element, typmod) };
                let mut converted = Vec::with_capacity(items.len());
                for item in items {
                    let at = item.position;
                    converted.push(self.cast(item, target, at)?);
                }
                (array, converted)
            }
            None if items.is_empty() => {
                return Err(Error::new(
                    SqlState::IndeterminateDatatype,
                    "cannot determine type of empty array",
                )
                .hint("Explicitly cast to the desired type, for example ARRAY[]::integer[].")
                .at(position));
            }
            None => {
                let (items, ty) = self.unify(items, "ARRAY")?;
                let array =
                    if nested && self.element_type(ty.oid) != 0 { ty.oid } else { self.array_type(ty.oid) };
                nested &= self.element_type(ty.oid) != 0;
                if array == 0 {
                    let message =
                        format!("could not find array type for data type {}", self.type_text(ty.oid));
                    return Err(Error::new(SqlState::UndefinedObject, message).at(position));
                }
                (array, items)
            }
        };
        let collation = self.default_collation(array);
        let kind = ExpressionKind::Array { elements: items, nested };
        Ok(Expression { kind, ty: Type::new(array), collation, position })
    }

    pub(super) fn row(&mut self, fields: &[syntax::Expression], at: u32) -> Result<Expression> {
        let mut values = Vec::with_capacity(fields.len());
        for field in fields {
            match &field.kind {
                Syntax::Star(parts) if !parts.is_empty() => {
                    values.extend(self.star_columns(parts, field.at)?.into_iter().map(|(_, value, _)| value));
                }
                _ => {
                    let value = self.expression(field)?;
                    values.push(self.resolve_unknown(value)?);
                }
            }
        }
        if values.len() > 1664 {
            return Err(Error::new(
                SqlState::TooManyColumns,
                "ROW expressions can have at most 1664 entries",
            )
            .at(self.position(at)));
        }
        let names = (1..=values.len()).map(|i| format!("f{i}")).collect();
        let kind = ExpressionKind::Row { fields: values, names };
        Ok(Expression { kind, ty: Type::new(oid::RECORD), collation: 0, position: self.position(at) })
    }

    /// A value without a type becomes text, where nothing else will ask for one.
    pub(super) fn resolve_unknown(&mut self, value: Expression) -> Result<Expression> {
        if value.ty.oid != oid::UNKNOWN {
            return Ok(value);
        }
        let position = value.position;
        self.coerce(value, Type::new(oid::TEXT), catalog::builtin::CastContext::Implicit, position)
    }

    /// `(row).field`.
    pub(super) fn field(
        &mut self,
        argument: &syntax::Expression,
        name: &Name,
        at: u32,
    ) -> Result<Expression> {
        let table = match &argument.kind {
            Syntax::Column(parts) => parts.last().cloned(),
            _ => None,
        };
        let argument = self.expression(argument)?;
        let position = self.position(at);
        let set_columns = self.set_columns(&argument)?;
        let of_set = set_columns.is_some();
        let columns = set_columns.unwrap_or_else(|| self.row_columns(&argument));
        let found = columns.iter().enumerate().find(|(_, (column, _))| *column == name.text);
        if let Some((index, (_, ty))) = found {
            if of_set {
                let (ty, collation) = (*ty, self.default_collation(ty.oid));
                let kind = ExpressionKind::Field { argument: Box::new(argument), index: index as u32 };
                return Ok(Expression { kind, ty, collation, position });
            }
            return self.take_field(argument, index, position);
        }
        let ty = argument.ty.oid;
        if let (Some(table), ExpressionKind::Row { .. }) = (table, &argument.kind) {
            return Err(self.no_column(Some(&table), &name.text, at));
        }
        let error = match ty {
            oid::RECORD => Error::new(
                SqlState::UndefinedColumn,
                format!("could not identify column \"{}\" in record data type", name.text),
            ),
            oid::UNKNOWN => Error::new(
                SqlState::WrongObjectType,
                format!(
                    "column notation .{} applied to type unknown, which is not a composite type",
                    name.text
                ),
            ),
            _ if self.is_composite(ty) => Error::new(
                SqlState::UndefinedColumn,
                format!("column \"{}\" not found in data type {}", name.text, self.type_text(ty)),
            ),
            _ => Error::new(
                SqlState::WrongObjectType,
                format!(
                    "column notation .{} applied to type {}, which is not a composite type",
                    name.text,
                    self.type_text(ty)
                ),
            ),
        };
        Err(error.at(position))
    }

    /// One field of a row, without building the row where it is written out.
    pub(super) fn take_field(
        &mut self,
        argument: Expression,
        index: usize,
        position: Option<u32>,
    ) -> Result<Expression> {
        let columns = self.row_columns(&argument);
        let ty = columns
            .get(index)
            .map(|(_, ty)| *ty)
            .ok_or_else(|| Error::internal("a field that is not there"))?;
        if let ExpressionKind::Row { mut fields, .. } = argument.kind {
            return Ok(fields.swap_remove(index));
        }
        let collation = self.default_collation(ty.oid);
        let kind = ExpressionKind::Field { argument: Box::new(argument), index: index as u32 };
        Ok(Expression { kind, ty, collation, position })
    }

    /// Names and types of the fields of a row-valued expression; empty where it is none or they are not known.
    pub(super) fn row_columns(&self, row: &Expression) -> Vec<(String, Type)> {
        match &row.kind {
            ExpressionKind::Row { fields, names } => {
                names.iter().cloned().zip(fields.iter().map(|field| field.ty)).collect()
            }
            ExpressionKind::Case { simple: _, arms: _, otherwise: Some(row) }
                if row.ty.oid == oid::RECORD =>
            {
                self.row_columns(row)
            }
            ExpressionKind::Column(number) if self.record_shapes.contains_key(number) => {
                self.record_shapes.get(number).cloned().unwrap_or_default()
            }
            ExpressionKind::Subquery(subquery) if subquery.kind == crate::tree::SubqueryKind::Scalar => {
                let column = subquery.query.output.first().map(super::subquery::output_reference);
                column.map(|column| self.row_columns(&column)).unwrap_or_default()
            }
            ExpressionKind::Subquery(subquery) if subquery.kind == crate::tree::SubqueryKind::Row => {
                subquery.query.output.iter().map(|column| (column.name.clone(), column.ty)).collect()
            }
            ExpressionKind::Call { function, operator: _, arguments, variadic_array: _, form: _ }
                if row.ty.oid == oid::RECORD =>
            {
                self.call_columns(*function, arguments)
            }
            _ => self.composite_columns(row.ty.oid),
        }
    }

    /// The OUT parameters of a function, polymorphic ones as the arguments settle them.
    fn call_columns(&self, function: u32, arguments: &[Expression]) -> Vec<(String, Type)> {
        let Some(row) = catalog::builtin::function_by_oid(function) else { return Vec::new() };
        let sources: Vec<u32> = arguments.iter().map(|argument| argument.ty.oid).collect();
        let settled = |ty: u32| {
            let mut declared = row.arguments.clone();
            self.enforce_generics(&sources, &mut declared, ty).unwrap_or(ty)
        };
        let columns = row.output_columns().into_iter();
        columns.map(|(name, ty)| (name.to_string(), Type::new(settled(ty)))).collect()
    }

    /// Notes the fields of a record that becomes a column.
    pub(super) fn keep_shape(&mut self, number: ColumnNumber, row: &Expression) {
        if row.ty.oid == oid::RECORD {
            let columns = self.row_columns(row);
            if !columns.is_empty() {
                self.record_shapes.insert(number, columns);
            }
        }
    }

    /// Names and types of the columns of a composite type.
    pub(super) fn composite_columns(&self, type_oid: u32) -> Vec<(String, Type)> {
        let relation = self.type_row(type_oid).filter(|row| row.kind == 'c').map_or(0, |row| row.relation);
        match self.environment.catalog.relation(self.environment.database, relation) {
            Some(relation) => relation
                .live_columns()
                .map(|column| (column.name.clone(), Type::with_typmod(column.type_oid, column.typmod)))
                .collect(),
            None => Vec::new(),
        }
    }

    /// CURRENT_DATE and its kin.
    pub(super) fn special_value(
        &mut self,
        special: SpecialValue,
        precision: Option<i32>,
        at: u32,
    ) -> Result<Expression> {
        let type_oid = match special {
            SpecialValue::CurrentDate => oid::DATE,
            SpecialValue::CurrentTime => oid::TIMETZ,
            SpecialValue::CurrentTimestamp => oid::TIMESTAMPTZ,
            SpecialValue::LocalTime => oid::TIME,
            SpecialValue::LocalTimestamp => oid::TIMESTAMP,
            SpecialValue::CurrentUser
            | SpecialValue::SessionUser
            | SpecialValue::CurrentRole
            | SpecialValue::CurrentCatalog
            | SpecialValue::CurrentSchema => oid::NAME,
        };
        let value = Expression {
            kind: ExpressionKind::Special(special),
            ty: Type::new(type_oid),
            collation: self.default_collation(type_oid),
            position: self.position(at),
        };
        let Some(precision) = precision else { return Ok(value) };
        let typmod = crate::types::typmod_from_arguments(type_oid, &[i64::from(precision)])
            .map_err(|error| error.at(self.position(at)))?;
        Ok(self.coerce_typmod(value, Type::with_typmod(type_oid, typmod), true))
    }

    /// `NULL::t` for a value that is to be empty.
    pub(super) fn typed_null(&self, ty: Type, collation: u32) -> Expression {
        let mut null = constant(engine::Value::Null, ty.oid);
        null.ty = ty;
        null.collation = collation;
        null
    }
}
