//! ALTER TABLE's actions on columns: add, drop, default, NOT NULL, type, identity.

use std::sync::Arc;

use catalog::builtin::PG_CLASS_CLASS;
use catalog::{Column, Identity, ObjectAddress, Relation, RelationKind};
use engine::{ColumnId, NewRow, Outcome, TableId, Value};

use super::Definer;
use crate::analyze::{self, Purpose};
use crate::dml::{TableModel, new_row};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::{Layout, compile};
use crate::parse::syntax::{Expression, SequenceOption, SourceText, TableColumn, TypeName};
use crate::tree::{self, ColumnNumber, Type};

impl Definer {
    fn column_of<'r>(&self, relation: &'r Relation, name: &str) -> Result<&'r Column> {
        relation.column_by_name(name).ok_or_else(|| {
            let message = format!("column \"{name}\" of relation \"{}\" does not exist", relation.name);
            Error::new(SqlState::UndefinedColumn, message)
        })
    }

    /// Replaces one column's entry.
    pub(super) async fn change_column(
        &mut self,
        relation: &Relation,
        name: &str,
        change: impl FnOnce(&mut Column) -> Result<()>,
    ) -> Result<()> {
        let number = self.column_of(relation, name)?.number;
        let mut changed = relation.clone();
        if let Some(column) = changed.columns.iter_mut().find(|column| column.number == number) {
            change(column)?;
        }
        self.put_relation(changed).await
    }

    pub(super) async fn add_column(
        &mut self,
        relation: &Arc<Relation>,
        column: &TableColumn,
        if_not_exists: bool,
    ) -> Result<()> {
        if relation.column_by_name(&column.name.text).is_some() {
            let message =
                format!("column \"{}\" of relation \"{}\" already exists", column.name.text, relation.name);
            if if_not_exists {
                self.notice(format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::DuplicateColumn, message));
        }
        let mut changed = (**relation).clone();
        let number = i16::try_from(changed.columns.len() + 1).unwrap_or(i16::MAX);
        let RelationKind::Table(table) = &mut changed.kind else {
            return Err(Error::internal("a column is added to what is not a table"));
        };
        let id = table.next_column_id;
        table.next_column_id += 1;
        let draft = self.draft_column(column, number, id)?;
        let not_null = draft.column.not_null;
        changed.columns.push(draft.column.clone());
        self.put_relation(changed.clone()).await?;
        self.finish_column(&mut changed, &draft).await?;
        self.put_relation(changed.clone()).await?;
        self.fill_column(&changed, number, id, not_null).await?;
        for constraint in &draft.constraints {
            self.add_column_constraint(changed.oid, &column.name.text, constraint, false).await?;
        }
        Ok(())
    }

    /// Gives old rows the new column: one value for all where its default is one, else row by row.
    async fn fill_column(&mut self, relation: &Relation, number: i16, id: u32, not_null: bool) -> Result<()> {
        let snapshot = self.snapshot();
        let model = TableModel::new(&snapshot, self.database, relation.oid)?;
        let place = model.position(number)?;
        let column = model.columns.get(place).ok_or_else(|| Error::internal("a new column is missing"))?;
        let stored = relation.columns.iter().find(|column| column.number == number);
        let expression = match stored.and_then(|column| column.default.as_ref()) {
            Some(default) => Some(analyze::stored_expression(&default.expression)?),
            None => None,
        };
        let constant = column.generated.is_none()
            && column.identity.is_none()
            && expression.as_ref().is_none_or(is_stable);
        if constant {
            let value = match &column.default {
                Some(default) => default.evaluate_row(&self.context, &[])?,
                None => Value::Null,
            };
            self.reshape(relation.oid, &[(ColumnId(id), value.clone())])?;
            if let Some(rules) = &column.domain {
                self.each_row(relation, |_, _| rules.check(&self.context, &value))?;
            }
            return match not_null && value.is_null() {
                true => self.validate_not_null(relation, &[number]),
                false => Ok(()),
            };
        }
        self.reshape(relation.oid, &[])?;
        self.rewrite(relation, |definer, values| {
            let value = match (&column.generated, column.identity, &column.default) {
                (Some(generated), _, _) => generated.evaluate_row(&definer.context, values)?,
                (None, Some(sequence), _) => Value::Int64(definer.context.environment.next_value(sequence)?),
                (None, None, Some(default)) => default.evaluate_row(&definer.context, &[])?,
                (None, None, None) => Value::Null,
            };
            if let Some(slot) = values.get_mut(place) {
                *slot = fitted(value, column.type_oid);
            }
            Ok(())
        })
        .await
    }

    /// Writes every row anew, changed by `change`; the relation is locked against everybody else.
    async fn rewrite(
        &mut self,
        relation: &Relation,
        change: impl Fn(&Definer, &mut [Value]) -> Result<()>,
    ) -> Result<()> {
        let snapshot = self.snapshot();
        let model = TableModel::new(&snapshot, self.database, relation.oid)?;
        let mut rows: Vec<(engine::RowHandle, NewRow)> = Vec::new();
        self.each_row(relation, |handle, values| {
            let mut values = values.to_vec();
            change(self, &mut values)?;
            rows.push((handle, new_row(&model, values, &self.context)?));
            Ok(())
        })?;
        let table = TableId(relation.oid);
        for (handle, row) in rows {
            self.cancel.check()?;
            match self.engine(|transaction| transaction.update(table, handle, &row, true))? {
                Outcome::Done(engine::Inserted::Row(_)) => {}
                Outcome::Done(engine::Inserted::Conflict { .. }) => {
                    return Err(Error::new(
                        SqlState::UniqueViolation,
                        "could not rewrite the table: a key is no longer unique",
                    ));
                }
                Outcome::Wait(ticket) => crate::dml::wait(ticket, &self.cancel).await?,
            }
        }
        Ok(())
    }

    pub(super) async fn drop_column(
        &mut self,
        relation: &Arc<Relation>,
        name: &str,
        if_exists: bool,
        cascade: bool,
    ) -> Result<()> {
        let number = match self.column_of(relation, name) {
            Ok(column) => column.number,
            Err(_) if if_exists => {
                self.notice(format!(
                    "column \"{name}\" of relation \"{}\" does not exist, skipping",
                    relation.name
                ));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let address = ObjectAddress { class: PG_CLASS_CLASS, object: relation.oid, column: number };
        self.drop_objects(vec![address], cascade).await?;
        self.remove_column(relation.oid, number).await
    }

    /// Marks a column dropped that nothing stands on any more.
    pub(super) async fn remove_column(&mut self, relation: u32, number: i16) -> Result<()> {
        let mut changed = (*self.current(relation)?).clone();
        if let Some(column) = changed.columns.iter_mut().find(|column| column.number == number) {
            column.dropped = true;
            column.not_null = false;
            column.default = None;
            column.identity = None;
            column.generated = false;
            column.name = format!("........pg.dropped.{number}........");
        }
        self.put_relation(changed).await?;
        self.reshape(relation, &[])
    }

    pub(super) async fn set_default(
        &mut self,
        relation: &Relation,
        name: &str,
        default: Option<(&Expression, SourceText)>,
    ) -> Result<()> {
        let column = self.column_of(relation, name)?;
        let refused = |what: &str| {
            let message = format!("column \"{name}\" of relation \"{}\" is {what}", relation.name);
            Err(Error::new(SqlState::SyntaxError, message))
        };
        if column.identity.is_some() {
            return refused("an identity column");
        }
        if column.generated {
            return refused("a generated column");
        }
        let default = match default {
            Some((expression, text)) => {
                let ty = Type::with_typmod(column.type_oid, column.typmod);
                self.column_default(relation, name, ty, expression, text)?
            }
            None => None,
        };
        self.change_column(relation, name, |column| {
            column.default = default;
            Ok(())
        })
        .await
    }

    pub(super) async fn set_not_null(
        &mut self,
        relation: &Relation,
        name: &str,
        not_null: bool,
    ) -> Result<()> {
        let column = self.column_of(relation, name)?;
        if not_null {
            self.validate_not_null(relation, &[column.number])?;
        } else {
            let snapshot = self.snapshot();
            let key = snapshot.primary_key(self.database, relation.oid).and_then(|index| index.as_index());
            if key.is_some_and(|key| key.attribute_numbers().contains(&column.number)) {
                let message = format!("column \"{name}\" is in a primary key");
                return Err(Error::new(SqlState::InvalidTableDefinition, message));
            }
            if column.identity.is_some() {
                let message =
                    format!("column \"{name}\" of relation \"{}\" is an identity column", relation.name);
                return Err(Error::new(SqlState::SyntaxError, message));
            }
        }
        self.change_column(relation, name, |column| {
            column.not_null = not_null;
            Ok(())
        })
        .await
    }

    /// ALTER COLUMN TYPE: a new engine column, filled from the old one; the past keeps the old.
    pub(super) async fn set_type(
        &mut self,
        relation: &Arc<Relation>,
        name: &str,
        ty: &TypeName,
        using: Option<&(Expression, SourceText)>,
    ) -> Result<()> {
        let snapshot = self.snapshot();
        let (ty, domain) = analyze::resolve_declared_type(self.environment(&snapshot), &self.text, ty)?;
        if domain.is_some() {
            return Err(Error::unsupported("ALTER COLUMN TYPE to a domain"));
        }
        let column = self.column_of(relation, name)?.clone();
        let purpose = Purpose::AlterType(ty);
        let node = match using {
            Some((expression, _)) => self.column_expression(relation, purpose, name, expression)?,
            None => {
                let kind = crate::parse::syntax::ExpressionKind::Column(vec![name.to_string()]);
                let plain = Expression { kind, at: 0 };
                self.column_expression(relation, purpose, name, &plain).map_err(|error| {
                    if error.state() != SqlState::DatatypeMismatch {
                        return error;
                    }
                    let shown = crate::types::format_type(ty.oid, ty.typmod, &crate::types::NoNames);
                    let message = format!("column \"{name}\" cannot be cast automatically to type {shown}");
                    Error::new(SqlState::DatatypeMismatch, message)
                        .hint(format!("You might need to specify \"USING {name}::{shown}\"."))
                })?
            }
        };
        if self.stands_on_column(&snapshot, relation.oid, column.number) {
            return Err(Error::unsupported(
                "ALTER COLUMN TYPE of a column that a view, an index on an expression, a check or a generated column uses",
            ));
        }
        let old_layout =
            Layout::new(relation.live_columns().map(|column| ColumnNumber(column.number as u32)));
        let converted = compile(&node, &old_layout)?;
        let mut values: Vec<Value> = Vec::new();
        self.each_row(relation, |_, row| {
            values.push(converted.evaluate_row(&self.context, row)?);
            Ok(())
        })?;
        let mut changed = (**relation).clone();
        let RelationKind::Table(table) = &mut changed.kind else {
            return Err(Error::internal("ALTER COLUMN TYPE of what is not a table"));
        };
        let id = table.next_column_id;
        table.next_column_id += 1;
        for entry in changed.columns.iter_mut().filter(|entry| entry.number == column.number) {
            let fresh = Column::new(entry.number, id, &entry.name, ty.oid, ty.typmod);
            entry.id = id;
            entry.type_oid = ty.oid;
            entry.typmod = ty.typmod;
            entry.domain = None;
            entry.collation = fresh.collation;
        }
        self.put_relation(changed.clone()).await?;
        self.retype_indexes(&changed, column.number, ty).await?;
        self.reshape(relation.oid, &[])?;
        let place = changed.live_columns().position(|entry| entry.number == column.number).unwrap_or(0);
        let next = std::sync::atomic::AtomicUsize::new(0);
        self.rewrite(&changed, |_, row| {
            let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if let (Some(slot), Some(value)) = (row.get_mut(place), values.get(index)) {
                *slot = value.clone();
            }
            Ok(())
        })
        .await
    }

    /// Whether something that is kept as a typed tree reads the column.
    fn stands_on_column(&self, snapshot: &catalog::Snapshot, table: u32, number: i16) -> bool {
        snapshot.dependents(self.database, ObjectAddress::column(table, number)).iter().any(|edge| {
            let plain_index = snapshot
                .relation(self.database, edge.dependent.object)
                .and_then(|object| object.as_index())
                .is_some_and(|index| {
                    index.predicate.is_none()
                        && index.keys.iter().all(|key| matches!(key.source, catalog::IndexSource::Column(_)))
                });
            let key = snapshot
                .constraint(self.database, edge.dependent.object)
                .is_some_and(|constraint| constraint.letter() == 'p' || constraint.letter() == 'u');
            let sequence = snapshot
                .relation(self.database, edge.dependent.object)
                .is_some_and(|object| object.as_sequence().is_some());
            !(plain_index || key || sequence)
        })
    }

    /// Plain indexes over a column order by its new type.
    async fn retype_indexes(&mut self, relation: &Relation, number: i16, ty: Type) -> Result<()> {
        let snapshot = self.snapshot();
        let indexes: Vec<_> = snapshot.indexes_of(self.database, relation.oid).cloned().collect();
        for object in indexes {
            let mut changed = (*object).clone();
            let RelationKind::Index(index) = &mut changed.kind else { continue };
            let keyed = index.is_keyed();
            let mut touched = false;
            for key in &mut index.keys {
                if matches!(key.source, catalog::IndexSource::Column(column) if column == number) {
                    if !keyed {
                        return Err(Error::unsupported(format!(
                            "ALTER COLUMN TYPE of a column that vector index \"{}\" is on",
                            object.name
                        )));
                    }
                    key.type_oid = ty.oid;
                    key.typmod = ty.typmod;
                    touched = true;
                }
            }
            if touched {
                self.put_relation(changed).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn add_identity(
        &mut self,
        relation: &Relation,
        name: &str,
        always: bool,
        options: &[SequenceOption],
    ) -> Result<()> {
        let column = self.column_of(relation, name)?.clone();
        let refused = |message: String| Err(Error::new(SqlState::ObjectNotInPrerequisiteState, message));
        if column.identity.is_some() {
            return refused(format!(
                "column \"{name}\" of relation \"{}\" is already an identity column",
                relation.name
            ));
        }
        if column.default.is_some() {
            return refused(format!(
                "column \"{name}\" of relation \"{}\" already has a default value",
                relation.name
            ));
        }
        if !column.not_null {
            return refused(format!(
                "column \"{name}\" of relation \"{}\" must be declared NOT NULL before identity can be added",
                relation.name
            ));
        }
        let owned_by = (relation.oid, column.number);
        let (sequence, _) = self
            .column_sequence(relation.schema, &relation.name, name, column.type_oid, owned_by, Some(options))
            .await?;
        self.change_column(relation, name, |column| {
            column.identity = Some(Identity { always, sequence });
            Ok(())
        })
        .await
    }

    pub(super) async fn set_identity(
        &mut self,
        relation: &Relation,
        name: &str,
        always: Option<bool>,
        options: &[SequenceOption],
    ) -> Result<()> {
        let Some(identity) = self.column_of(relation, name)?.identity else {
            let message =
                format!("column \"{name}\" of relation \"{}\" is not an identity column", relation.name);
            return Err(Error::new(SqlState::ObjectNotInPrerequisiteState, message));
        };
        if !options.is_empty() {
            self.change_sequence(identity.sequence, options).await?;
        }
        self.change_column(relation, name, |column| {
            let always = always.unwrap_or(identity.always);
            column.identity = Some(Identity { always, ..identity });
            Ok(())
        })
        .await
    }

    pub(super) async fn drop_identity(
        &mut self,
        relation: &Relation,
        name: &str,
        if_exists: bool,
    ) -> Result<()> {
        let Some(identity) = self.column_of(relation, name)?.identity else {
            let message =
                format!("column \"{name}\" of relation \"{}\" is not an identity column", relation.name);
            if if_exists {
                self.notice(format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::ObjectNotInPrerequisiteState, message));
        };
        self.change_column(relation, name, |column| {
            column.identity = None;
            Ok(())
        })
        .await?;
        let database = self.database;
        self.remove(catalog::ObjectKey::Relation { database, oid: identity.sequence }).await
    }
}

/// Whether a default gives every old row the same value: no volatile function in it.
fn is_stable(expression: &tree::Expression) -> bool {
    use crate::tree::visit::{Visitor, walk_expression};
    struct Volatile(bool);
    impl Visitor for Volatile {
        fn expression(&mut self, expression: &mut tree::Expression) -> bool {
            if let tree::ExpressionKind::Call { function, .. } = &expression.kind {
                let volatility = catalog::builtin::function_by_oid(*function).map(|row| row.volatility);
                self.0 |= volatility.is_none_or(|kind| kind == catalog::builtin::Volatility::Volatile);
            }
            !self.0
        }
    }
    let mut found = Volatile(false);
    walk_expression(&mut expression.clone(), &mut found);
    !found.0
}

/// An integer as the physical type of a column: keys compare by their bytes, so widths must agree.
pub(super) fn fitted(value: Value, type_oid: u32) -> Value {
    let number = match &value {
        Value::Int16(number) => i64::from(*number),
        Value::Int32(number) => i64::from(*number),
        Value::Int64(number) => *number,
        _ => return value,
    };
    match crate::types::physical(type_oid) {
        engine::PhysicalType::Int16 => i16::try_from(number).map(Value::Int16).unwrap_or(value),
        engine::PhysicalType::Int32 => i32::try_from(number).map(Value::Int32).unwrap_or(value),
        engine::PhysicalType::Int64 => Value::Int64(number),
        _ => value,
    }
}
