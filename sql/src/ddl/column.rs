//! Columns as CREATE TABLE and ADD COLUMN write them: type, default, identity, serial, generated.

use catalog::{Column, ColumnDefault, Identity, Relation};
use engine::Value;

use super::Definer;
use crate::analyze::{self, Purpose, TableColumns};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{
    ColumnConstraint, ColumnConstraintKind, Expression, SequenceOption, SourceText, TableColumn,
};
use crate::tree::{self, Type};
use crate::types::oid;

/// nextval(regclass).
const NEXTVAL: u32 = 1574;
/// PostgreSQL's most columns of a table.
pub(super) const MOST_COLUMNS: usize = 1600;

/// A column on its way into a table: what is known before the table exists, and what has to wait for it.
pub(super) struct Draft<'a> {
    pub column: Column,
    serial: Option<u32>,
    identity: Option<(bool, &'a [SequenceOption])>,
    default: Option<(&'a Expression, SourceText)>,
    generated: Option<(&'a Expression, SourceText)>,
    /// CHECK, UNIQUE, PRIMARY KEY and REFERENCES written at the column.
    pub constraints: Vec<&'a ColumnConstraint>,
}

impl Definer {
    /// Reads a column's definition. `number` is its attribute number, `id` its engine column.
    pub(super) fn draft_column<'a>(
        &self,
        column: &'a TableColumn,
        number: i16,
        id: u32,
    ) -> Result<Draft<'a>> {
        let name = &column.name.text;
        if matches!(name.as_str(), "tableoid" | "xmin" | "cmin" | "xmax" | "cmax" | "ctid") {
            let message = format!("column name \"{name}\" conflicts with a system column name");
            return Err(Error::new(SqlState::DuplicateColumn, message));
        }
        let serial = serial_type(column);
        let (ty, domain) = match serial {
            Some(type_oid) => (Type::new(type_oid), None),
            None => {
                let snapshot = self.snapshot();
                analyze::resolve_declared_type(self.environment(&snapshot), &self.text, &column.ty)?
            }
        };
        if catalog::builtin::type_by_oid(ty.oid).is_some_and(|row| row.kind == 'p') {
            let shown = crate::types::format_type(ty.oid, -1, &crate::types::NoNames);
            let message = format!("column \"{name}\" has pseudo-type {shown}");
            return Err(Error::new(SqlState::InvalidTableDefinition, message));
        }
        let mut made = Column::new(number, id, name.clone(), ty.oid, ty.typmod);
        made.domain = domain;
        made.dimensions = i16::try_from(column.ty.array_bounds.len()).unwrap_or(i16::MAX);
        made.not_null = serial.is_some();
        if let Some(collation) = &column.collation {
            let found = catalog::builtin::collation_by_name(collation.name()).ok_or_else(|| {
                let message = format!("collation \"{collation}\" for encoding \"UTF8\" does not exist");
                Error::new(SqlState::UndefinedObject, message).at(self.position(collation.at))
            })?;
            made.collation = found.oid;
        }
        made.storage = column.storage.as_deref().map(storage_letter).transpose()?;
        if let Some(method) = &column.compression {
            return Err(Error::unsupported(format!("compression method \"{method}\"")));
        }
        let mut draft = Draft {
            column: made,
            serial,
            identity: None,
            default: None,
            generated: None,
            constraints: Vec::new(),
        };
        let mut nullable = false;
        for constraint in &column.constraints {
            self.read_constraint(&mut draft, constraint, &mut nullable)?;
        }
        Ok(draft)
    }

    fn read_constraint<'a>(
        &self,
        draft: &mut Draft<'a>,
        constraint: &'a ColumnConstraint,
        nullable: &mut bool,
    ) -> Result<()> {
        let name = draft.column.name.clone();
        let twice = |what: &str| {
            let message = format!("{what} specified for column \"{name}\"");
            Err(Error::new(SqlState::SyntaxError, message).at(self.position(constraint.at)))
        };
        match &constraint.kind {
            ColumnConstraintKind::Null => {
                if draft.column.not_null {
                    return twice("conflicting NULL/NOT NULL declarations");
                }
                *nullable = true;
            }
            ColumnConstraintKind::NotNull => {
                if *nullable {
                    return twice("conflicting NULL/NOT NULL declarations");
                }
                draft.column.not_null = true;
            }
            ColumnConstraintKind::Default(expression, text) => {
                if draft.default.replace((expression, *text)).is_some() || draft.serial.is_some() {
                    return twice("multiple default values");
                }
            }
            ColumnConstraintKind::GeneratedStored(expression, text) => {
                if draft.generated.replace((expression, *text)).is_some() {
                    return twice("multiple generation clauses");
                }
                draft.column.generated = true;
            }
            ColumnConstraintKind::Identity { always, options } => {
                if draft.identity.replace((*always, options)).is_some() {
                    return twice("multiple identity specifications");
                }
                if !matches!(draft.column.type_oid, oid::INT2 | oid::INT4 | oid::INT8) {
                    return Err(Error::new(
                        SqlState::InvalidParameterValue,
                        "identity column type must be smallint, integer, or bigint",
                    ));
                }
                draft.column.not_null = true;
            }
            ColumnConstraintKind::Check { .. }
            | ColumnConstraintKind::Unique { .. }
            | ColumnConstraintKind::PrimaryKey { .. }
            | ColumnConstraintKind::References(_) => draft.constraints.push(constraint),
        }
        let both = [
            (draft.default.is_some() && draft.identity.is_some(), "both default and identity"),
            (draft.default.is_some() && draft.generated.is_some(), "both default and generation expression"),
            (
                draft.identity.is_some() && draft.generated.is_some(),
                "both identity and generation expression",
            ),
        ];
        match both.iter().find(|(wrong, _)| *wrong) {
            Some((_, what)) => twice(what),
            None => Ok(()),
        }
    }

    /// Completes a column once its table is in the catalog: sequences, defaults, generation.
    pub(super) async fn finish_column(&mut self, relation: &mut Relation, draft: &Draft<'_>) -> Result<()> {
        let number = draft.column.number;
        let (schema, table, name) = (relation.schema, relation.name.clone(), draft.column.name.clone());
        let (type_oid, ty) =
            (draft.column.type_oid, Type::with_typmod(draft.column.type_oid, draft.column.typmod));
        let owned_by = (relation.oid, number);
        let mut identity = None;
        let mut default = None;
        if let Some((always, options)) = draft.identity {
            let (sequence, _) =
                self.column_sequence(schema, &table, &name, type_oid, owned_by, Some(options)).await?;
            identity = Some(Identity { always, sequence });
        } else if draft.serial.is_some() {
            let (sequence, sequence_name) =
                self.column_sequence(schema, &table, &name, type_oid, owned_by, None).await?;
            let expression = next_value(sequence, type_oid);
            let text = format!("nextval('{sequence_name}'::regclass)");
            default = Some(self.stored_default(relation.oid, &expression, &text)?);
        } else if let Some((expression, text)) = draft.default {
            default = self.column_default(relation, &name, ty, expression, text)?;
        } else if let Some((expression, text)) = draft.generated {
            let node = self.column_expression(relation, Purpose::Generated(ty), &name, expression)?;
            default = Some(self.stored_default(relation.oid, &node, &self.source(text))?);
        }
        if let Some(column) = relation.columns.iter_mut().find(|column| column.number == number) {
            column.identity = identity;
            column.default = default;
        }
        Ok(())
    }

    /// DEFAULT of a column; DEFAULT NULL is none.
    pub(super) fn column_default(
        &self,
        relation: &Relation,
        name: &str,
        ty: Type,
        expression: &Expression,
        text: SourceText,
    ) -> Result<Option<ColumnDefault>> {
        let node = self.column_expression(relation, Purpose::Default(ty), name, expression)?;
        if matches!(node.kind, tree::ExpressionKind::Constant(Value::Null)) {
            return Ok(None);
        }
        self.stored_default(relation.oid, &node, &self.source(text)).map(Some)
    }

    pub(super) fn column_expression(
        &self,
        relation: &Relation,
        purpose: Purpose,
        name: &str,
        expression: &Expression,
    ) -> Result<tree::Expression> {
        let snapshot = self.snapshot();
        let columns = TableColumns::of(relation);
        analyze::table_expression(
            self.environment(&snapshot),
            &self.text,
            &columns,
            purpose,
            name,
            expression,
        )
    }

    fn stored_default(&self, table: u32, node: &tree::Expression, text: &str) -> Result<ColumnDefault> {
        let expression = analyze::to_stored_expression(node, table, text)?;
        Ok(ColumnDefault { oid: self.new_oid()?, expression })
    }
}

/// The integer type of serial and its kin.
fn serial_type(column: &TableColumn) -> Option<u32> {
    if !column.ty.array_bounds.is_empty() {
        return None;
    }
    let [name] = column.ty.name.parts.as_slice() else { return None };
    match name.as_str() {
        "serial" | "serial4" => Some(oid::INT4),
        "bigserial" | "serial8" => Some(oid::INT8),
        "smallserial" | "serial2" => Some(oid::INT2),
        _ => None,
    }
}

/// nextval of a sequence, cast to the column's type as PostgreSQL's default of a serial column is.
fn next_value(sequence: u32, type_oid: u32) -> tree::Expression {
    let node =
        |kind, type_oid| tree::Expression { kind, ty: Type::new(type_oid), collation: 0, position: None };
    let argument = node(tree::ExpressionKind::Constant(Value::UInt32(sequence)), oid::REGCLASS);
    let call = |function, arguments, form| tree::ExpressionKind::Call {
        function,
        operator: 0,
        arguments,
        variadic_array: false,
        form,
    };
    let next = node(call(NEXTVAL, vec![argument], tree::Form::Call), oid::INT8);
    match catalog::builtin::cast(oid::INT8, type_oid) {
        Some(cast) if type_oid != oid::INT8 => {
            node(call(cast.function, vec![next], tree::Form::Implicit), type_oid)
        }
        Some(_) | None => next,
    }
}

/// SET STORAGE: stored and shown.
pub(super) fn storage_letter(name: &str) -> Result<char> {
    match name.to_ascii_lowercase().as_str() {
        "plain" => Ok('p'),
        "external" => Ok('e'),
        "extended" => Ok('x'),
        "main" => Ok('m'),
        _ => Err(Error::new(SqlState::InvalidParameterValue, format!("invalid storage type \"{name}\""))),
    }
}
