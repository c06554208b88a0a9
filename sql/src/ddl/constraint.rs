//! Constraints: PRIMARY KEY, UNIQUE, CHECK, FOREIGN KEY, as columns, tables and ALTER TABLE write them.

use std::sync::Arc;

use catalog::builtin;
use catalog::{
    Constraint, ConstraintKind, ForeignKey, MatchKind, Object, ReferentialAction, Relation, RelationKind,
};
use engine::RelationLockMode;

use super::Definer;
use super::options::storage_options;
use crate::analyze::{self, Purpose};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{
    self, ColumnConstraint, ColumnConstraintKind, ConstraintTiming, ForeignKeyTarget, IndexParameters, Name,
    SourceText, TableConstraint, TableConstraintKind,
};

/// A key to be made.
struct Key<'a> {
    name: Option<&'a Name>,
    columns: Vec<i16>,
    primary: bool,
    nulls_not_distinct: bool,
    parameters: &'a IndexParameters,
    timing: ConstraintTiming,
}

impl Definer {
    /// A constraint written at a column.
    pub(super) async fn add_column_constraint(
        &mut self,
        table: u32,
        column: &str,
        constraint: &ColumnConstraint,
        new_table: bool,
    ) -> Result<()> {
        let relation = self.current(table)?;
        let number = relation.column_by_name(column).map_or(0, |column| column.number);
        let (name, timing) = (constraint.name.as_ref(), constraint.timing);
        match &constraint.kind {
            ColumnConstraintKind::PrimaryKey { index } => {
                let columns = vec![number];
                let key = Key {
                    name,
                    columns,
                    primary: true,
                    nulls_not_distinct: false,
                    parameters: index,
                    timing,
                };
                self.add_key(&relation, key).await
            }
            ColumnConstraintKind::Unique { nulls_not_distinct, index } => {
                let nulls_not_distinct = *nulls_not_distinct;
                let columns = vec![number];
                let key =
                    Key { name, columns, primary: false, nulls_not_distinct, parameters: index, timing };
                self.add_key(&relation, key).await
            }
            ColumnConstraintKind::Check { expression, text, no_inherit } => {
                self.add_check(&relation, name, expression, *text, *no_inherit, false, new_table).await
            }
            ColumnConstraintKind::References(target) => {
                self.add_foreign_key(&relation, name, vec![number], target, timing, false, new_table).await
            }
            ColumnConstraintKind::Null
            | ColumnConstraintKind::NotNull
            | ColumnConstraintKind::Default(..)
            | ColumnConstraintKind::GeneratedStored(..)
            | ColumnConstraintKind::Identity { .. } => Ok(()),
        }
    }

    /// A constraint of a table. `new_table`: there are no rows to be checked.
    pub(super) async fn add_constraint(
        &mut self,
        table: u32,
        constraint: &TableConstraint,
        new_table: bool,
    ) -> Result<()> {
        let relation = self.current(table)?;
        let (name, timing) = (constraint.name.as_ref(), constraint.timing);
        match &constraint.kind {
            TableConstraintKind::PrimaryKey { columns, index } => {
                let columns = self.attributes(&relation, columns)?;
                let key = Key {
                    name,
                    columns,
                    primary: true,
                    nulls_not_distinct: false,
                    parameters: index,
                    timing,
                };
                self.add_key(&relation, key).await
            }
            TableConstraintKind::Unique { columns, nulls_not_distinct, index } => {
                let columns = self.attributes(&relation, columns)?;
                let nulls_not_distinct = *nulls_not_distinct;
                let key =
                    Key { name, columns, primary: false, nulls_not_distinct, parameters: index, timing };
                self.add_key(&relation, key).await
            }
            TableConstraintKind::UsingIndex { .. } => Err(Error::unsupported("a constraint USING INDEX")),
            TableConstraintKind::Check { expression, text, no_inherit } => {
                let skip = constraint.not_valid;
                self.add_check(&relation, name, expression, *text, *no_inherit, skip, new_table).await
            }
            TableConstraintKind::ForeignKey { columns, target } => {
                let columns = self
                    .attributes(&relation, columns)
                    .map_err(|error| reworded(error, "referenced in foreign key constraint"))?;
                let skip = constraint.not_valid;
                self.add_foreign_key(&relation, name, columns, target, timing, skip, new_table).await
            }
            TableConstraintKind::Exclude => Err(Error::unsupported("an EXCLUDE constraint")),
        }
    }

    async fn add_key(&mut self, relation: &Arc<Relation>, key: Key<'_>) -> Result<()> {
        let primary = key.primary;
        if primary && self.snapshot().primary_key(self.database, relation.oid).is_some() {
            let message = format!("multiple primary keys for table \"{}\" are not allowed", relation.name);
            return Err(Error::new(SqlState::InvalidTableDefinition, message));
        }
        for (index, column) in key.columns.iter().enumerate() {
            if key.columns.iter().take(index).any(|other| other == column) {
                let name = column_name(relation, *column);
                let kind = if primary { "primary key" } else { "unique" };
                let message = format!("column \"{name}\" appears twice in {kind} constraint");
                return Err(Error::new(SqlState::DuplicateColumn, message));
            }
        }
        let mut relation = relation.clone();
        if primary {
            relation = self.require_not_null(&relation, &key.columns).await?;
        }
        let (deferrable, initially_deferred) = deferral(key.timing)?;
        let name = match key.name {
            Some(name) => name.text.clone(),
            None if primary => self.free_name(relation.schema, &[&relation.name], "pkey"),
            None => {
                let columns = joined(&relation, &key.columns);
                self.free_name(relation.schema, &[&relation.name, &columns], "key")
            }
        };
        self.check_free(relation.schema, &name, false)?;
        let index = self.constraint_index(
            &relation,
            &key.columns,
            primary,
            key.nulls_not_distinct,
            deferrable,
            key.parameters,
        )?;
        let options = storage_options(&key.parameters.options)?;
        let index = self.build_index(&relation, &name, index, options).await?;
        let columns = key.columns;
        let kind = if primary {
            ConstraintKind::PrimaryKey { index, columns }
        } else {
            ConstraintKind::Unique { index, columns }
        };
        self.put_constraint(&relation, name, (deferrable, initially_deferred), true, false, kind).await
    }

    /// Columns of a primary key are NOT NULL.
    async fn require_not_null(&mut self, relation: &Arc<Relation>, columns: &[i16]) -> Result<Arc<Relation>> {
        let missing: Vec<i16> = relation
            .live_columns()
            .filter(|column| columns.contains(&column.number) && !column.not_null)
            .map(|column| column.number)
            .collect();
        if missing.is_empty() {
            return Ok(relation.clone());
        }
        self.validate_not_null(relation, &missing)?;
        let mut changed = (**relation).clone();
        for column in changed.columns.iter_mut().filter(|column| missing.contains(&column.number)) {
            column.not_null = true;
        }
        self.put_relation(changed).await?;
        self.current(relation.oid)
    }

    #[expect(clippy::too_many_arguments, reason = "the clauses of one CHECK, each named once")]
    async fn add_check(
        &mut self,
        relation: &Arc<Relation>,
        name: Option<&Name>,
        expression: &syntax::Expression,
        text: SourceText,
        no_inherit: bool,
        not_valid: bool,
        new_table: bool,
    ) -> Result<()> {
        let node = self.column_expression(relation, Purpose::Check, "", expression)?;
        let stored = analyze::to_stored_expression(&node, relation.oid, &self.source(text))?;
        let mut columns: Vec<i16> = stored
            .dependencies
            .iter()
            .filter(|address| address.object == relation.oid && address.column > 0)
            .map(|address| address.column)
            .collect();
        columns.dedup();
        let name = match name {
            Some(name) => name.text.clone(),
            None => match columns.as_slice() {
                [one] => {
                    let column = column_name(relation, *one);
                    self.free_name(relation.schema, &[&relation.name, &column], "check")
                }
                _ => self.free_name(relation.schema, &[&relation.name], "check"),
            },
        };
        self.check_constraint_free(relation, &name)?;
        if !new_table && !not_valid {
            self.validate_check(relation, &name, &node)?;
        }
        let kind = ConstraintKind::Check { expression: stored, columns };
        self.put_constraint(relation, name, (false, false), !not_valid, no_inherit, kind).await
    }

    #[expect(clippy::too_many_arguments, reason = "the clauses of one foreign key, each named once")]
    async fn add_foreign_key(
        &mut self,
        relation: &Arc<Relation>,
        name: Option<&Name>,
        columns: Vec<i16>,
        target: &ForeignKeyTarget,
        timing: ConstraintTiming,
        not_valid: bool,
        new_table: bool,
    ) -> Result<()> {
        let referenced = self.relation(&target.table)?;
        if !matches!(referenced.kind, RelationKind::Table(_)) {
            let message = format!("referenced relation \"{}\" is not a table", referenced.name);
            return Err(Error::new(SqlState::WrongObjectType, message));
        }
        let temporary = |table: &Relation| table.persistence == catalog::Persistence::Temporary;
        if temporary(relation) != temporary(&referenced) {
            let kind = if temporary(relation) { "temporary" } else { "permanent" };
            let message = format!("constraints on {kind} tables may reference only {kind} tables");
            return Err(Error::new(SqlState::InvalidTableDefinition, message));
        }
        self.lock(referenced.oid, RelationLockMode::ShareRowExclusive).await?;
        // It may have changed while it was waited for.
        let referenced = self.relation(&target.table)?;
        let (index, referenced_columns) = self.referenced_key(&referenced, &target.columns)?;
        if columns.len() != referenced_columns.len() {
            return Err(Error::new(
                SqlState::InvalidForeignKey,
                "number of referencing and referenced columns for foreign key disagree",
            ));
        }
        let name = match name {
            Some(name) => name.text.clone(),
            None => {
                let shown = joined(relation, &columns);
                self.free_name(relation.schema, &[&relation.name, &shown], "fkey")
            }
        };
        self.check_constraint_free(relation, &name)?;
        let operators = key_operators(relation, &columns, &referenced, &referenced_columns, &name)?;
        let match_kind = match target.match_kind {
            syntax::MatchKind::Simple => MatchKind::Simple,
            syntax::MatchKind::Full => MatchKind::Full,
            syntax::MatchKind::Partial => return Err(Error::unsupported("MATCH PARTIAL")),
        };
        let key = ForeignKey {
            delete_columns: self.attributes(relation, &target.delete_columns)?,
            columns,
            referenced: referenced.oid,
            referenced_columns,
            index,
            match_kind,
            on_update: action(target.on_update),
            on_delete: action(target.on_delete),
            operators,
        };
        if !new_table && !not_valid {
            self.validate_foreign_key(relation, &referenced, &name, &key)?;
        }
        let kind = ConstraintKind::ForeignKey(key);
        self.put_constraint(relation, name, deferral(timing)?, !not_valid, false, kind).await
    }

    /// The unique index that a foreign key leans on, and the columns it names, in the key's order.
    fn referenced_key(&self, referenced: &Relation, names: &[Name]) -> Result<(u32, Vec<i16>)> {
        let snapshot = self.snapshot();
        if names.is_empty() {
            let primary = snapshot.primary_key(self.database, referenced.oid);
            let index =
                primary.and_then(|object| Some((object.oid, object.as_index()?))).ok_or_else(|| {
                    let message =
                        format!("there is no primary key for referenced table \"{}\"", referenced.name);
                    Error::new(SqlState::UndefinedObject, message)
                })?;
            let columns = index.1.attribute_numbers().into_iter().take(index.1.keys.len()).collect();
            return Ok((index.0, columns));
        }
        let columns = self
            .attributes(referenced, names)
            .map_err(|error| reworded(error, "referenced in foreign key constraint"))?;
        let found = snapshot.indexes_of(self.database, referenced.oid).find_map(|object| {
            let index = object.as_index()?;
            let mut keys: Vec<i16> = index.attribute_numbers().into_iter().take(index.keys.len()).collect();
            let mut wanted = columns.clone();
            let same_order = keys == wanted;
            keys.sort_unstable();
            wanted.sort_unstable();
            let fits = index.unique && index.immediate && index.predicate.is_none() && keys == wanted;
            fits.then_some((object.oid, same_order))
        });
        match found {
            Some((index, true)) => Ok((index, columns)),
            Some((_, false)) => {
                Err(Error::unsupported("a foreign key whose columns are in another order than its index"))
            }
            None => Err(Error::new(
                SqlState::InvalidForeignKey,
                format!(
                    "there is no unique constraint matching given keys for referenced table \"{}\"",
                    referenced.name
                ),
            )),
        }
    }

    fn check_constraint_free(&self, relation: &Relation, name: &str) -> Result<()> {
        let taken = self
            .snapshot()
            .constraints_of(self.database, relation.oid)
            .any(|constraint| constraint.name == name);
        if !taken {
            return Ok(());
        }
        let message = format!("constraint \"{name}\" for relation \"{}\" already exists", relation.name);
        Err(Error::new(SqlState::DuplicateObject, message))
    }

    async fn put_constraint(
        &mut self,
        relation: &Relation,
        name: String,
        (deferrable, initially_deferred): (bool, bool),
        validated: bool,
        no_inherit: bool,
        kind: ConstraintKind,
    ) -> Result<()> {
        let constraint = Constraint {
            oid: self.new_oid()?,
            database: self.database,
            schema: relation.schema,
            name,
            relation: relation.oid,
            deferrable,
            initially_deferred,
            validated,
            no_inherit,
            kind,
        };
        self.put(Object::Constraint(Box::new(constraint))).await
    }
}

/// The columns of the key, in messages about other kinds of key.
fn reworded(error: Error, ending: &str) -> Error {
    let message = error.message().replace("named in key", ending);
    Error::new(error.state(), message)
}

fn column_name(relation: &Relation, number: i16) -> String {
    relation
        .columns
        .iter()
        .find(|column| column.number == number)
        .map_or_else(String::new, |column| column.name.clone())
}

fn joined(relation: &Relation, columns: &[i16]) -> String {
    columns.iter().map(|number| column_name(relation, *number)).collect::<Vec<_>>().join("_")
}

/// DEFERRABLE and INITIALLY DEFERRED.
pub(super) fn deferral(timing: ConstraintTiming) -> Result<(bool, bool)> {
    let deferred = timing.initially_deferred.unwrap_or(false);
    if deferred && timing.deferrable == Some(false) {
        return Err(Error::new(
            SqlState::SyntaxError,
            "constraint declared INITIALLY DEFERRED must be DEFERRABLE",
        ));
    }
    Ok((timing.deferrable.unwrap_or(deferred), deferred))
}

fn action(action: syntax::ReferentialAction) -> ReferentialAction {
    match action {
        syntax::ReferentialAction::NoAction => ReferentialAction::NoAction,
        syntax::ReferentialAction::Restrict => ReferentialAction::Restrict,
        syntax::ReferentialAction::Cascade => ReferentialAction::Cascade,
        syntax::ReferentialAction::SetNull => ReferentialAction::SetNull,
        syntax::ReferentialAction::SetDefault => ReferentialAction::SetDefault,
    }
}

/// The `=` of each pair of columns, or why there is none.
fn key_operators(
    relation: &Relation,
    columns: &[i16],
    referenced: &Relation,
    referenced_columns: &[i16],
    name: &str,
) -> Result<Vec<u32>> {
    let type_of = |relation: &Relation, number: i16| {
        relation.columns.iter().find(|column| column.number == number).map_or(0, |column| column.type_oid)
    };
    let mut operators = Vec::with_capacity(columns.len());
    for (from, to) in columns.iter().zip(referenced_columns) {
        let (left, right) = (type_of(referenced, *to), type_of(relation, *from));
        let comparable = |type_oid: u32| builtin::equality_operator(type_oid);
        let found = builtin::operator("=", left, right).map(|row| row.oid).or_else(|| {
            // varchar and its kin compare as the type they relabel to.
            comparable(left).filter(|operator| comparable(right) == Some(*operator))
        });
        let operator = found.ok_or_else(|| {
            let shown = |type_oid| crate::types::format_type(type_oid, -1, &crate::types::NoNames);
            let message = format!("foreign key constraint \"{name}\" cannot be implemented");
            Error::new(SqlState::DatatypeMismatch, message).detail(format!(
                "Key columns \"{}\" and \"{}\" are of incompatible types: {} and {}.",
                column_name(relation, *from),
                column_name(referenced, *to),
                shown(right),
                shown(left)
            ))
        })?;
        operators.push(operator);
    }
    Ok(operators)
}
