//! ALTER TABLE (and VIEW, INDEX, SEQUENCE where they share its actions), action by action in one transaction.

use std::sync::Arc;

use catalog::{Constraint, ConstraintKind, Object, ObjectAddress, Relation, RelationKind};
use engine::RelationLockMode;

use super::Definer;
use super::options::{check_tablespace, full_name, storage_options, table_options};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{AlterTable, AlterTableAction, ConstraintTiming, Name, ObjectKind};

impl Definer {
    pub(super) async fn alter_table(&mut self, alter: &AlterTable) -> Result<String> {
        let word = match alter.kind {
            ObjectKind::View => "VIEW",
            ObjectKind::MaterializedView => "MATERIALIZED VIEW",
            ObjectKind::Index => "INDEX",
            ObjectKind::Sequence => "SEQUENCE",
            _ => "TABLE",
        };
        let tag = format!("ALTER {word}");
        let Some(found) = self.find_locked(&alter.name, lock_mode(&alter.actions)).await? else {
            if alter.if_exists {
                self.notice(format!("relation \"{}\" does not exist, skipping", alter.name));
                return Ok(tag);
            }
            return self.relation(&alter.name).map(|_| tag);
        };
        for action in &alter.actions {
            let relation = self.current(found.oid)?;
            self.alter(&relation, action).await?;
        }
        Ok(tag)
    }

    async fn alter(&mut self, relation: &Arc<Relation>, action: &AlterTableAction) -> Result<()> {
        match action {
            AlterTableAction::OwnerTo(role) => {
                let owner = self.new_owner(role)?;
                return self.give_relation(relation, owner).await;
            }
            AlterTableAction::SetSchema(schema) => return self.move_relation(relation, schema).await,
            AlterTableAction::SetTablespace(name) => return check_tablespace(Some(name)),
            AlterTableAction::SetOptions(options) => {
                let mut changed = (**relation).clone();
                let options = match relation.kind {
                    RelationKind::Table(_) => table_options(options)?,
                    RelationKind::View(_)
                    | RelationKind::MaterializedView(_)
                    | RelationKind::Index(_)
                    | RelationKind::Sequence(_)
                    | RelationKind::System { view: _, shared: _ } => storage_options(options)?,
                };
                changed.options.extend(options);
                return self.put_relation(changed).await;
            }
            AlterTableAction::ResetOptions(options) => {
                let mut changed = (**relation).clone();
                for option in options {
                    changed.options.remove(&full_name(option));
                }
                return self.put_relation(changed).await;
            }
            AlterTableAction::Unsupported(name) => {
                return Err(Error::unsupported(format!("ALTER TABLE ... {name}")));
            }
            _ => {}
        }
        if relation.as_table().is_none() {
            let message = format!("ALTER action cannot be performed on relation \"{}\"", relation.name);
            return Err(Error::new(SqlState::WrongObjectType, message)
                .detail(format!("This operation is not supported for {}s.", relation.kind_name())));
        }
        self.alter_columns(relation, action).await
    }

    async fn alter_columns(&mut self, relation: &Arc<Relation>, action: &AlterTableAction) -> Result<()> {
        match action {
            AlterTableAction::AddColumn { if_not_exists, column } => {
                self.add_column(relation, column, *if_not_exists).await
            }
            AlterTableAction::DropColumn { if_exists, name, cascade } => {
                self.drop_column(relation, &name.text, *if_exists, *cascade).await
            }
            AlterTableAction::SetDefault { column, expression, text } => {
                self.set_default(relation, &column.text, Some((expression, *text))).await
            }
            AlterTableAction::DropDefault { column } => self.set_default(relation, &column.text, None).await,
            AlterTableAction::SetNotNull { column } => self.set_not_null(relation, &column.text, true).await,
            AlterTableAction::DropNotNull { column } => {
                self.set_not_null(relation, &column.text, false).await
            }
            AlterTableAction::SetType { column, ty, collation, using } => {
                if collation.is_some() {
                    return Err(Error::unsupported("ALTER COLUMN TYPE ... COLLATE"));
                }
                self.set_type(relation, &column.text, ty, using.as_ref()).await
            }
            AlterTableAction::SetStatistics { column, target } => {
                self.change_column(relation, &column.text, |column| {
                    column.statistics_target = i32::try_from(*target).unwrap_or(i32::MAX);
                    Ok(())
                })
                .await
            }
            AlterTableAction::SetStorage { column, storage } => {
                let letter = super::column::storage_letter(storage)?;
                self.change_column(relation, &column.text, |column| {
                    column.storage = Some(letter);
                    Ok(())
                })
                .await
            }
            AlterTableAction::AddIdentity { column, always, options } => {
                self.add_identity(relation, &column.text, *always, options).await
            }
            AlterTableAction::SetIdentity { column, always, options } => {
                self.set_identity(relation, &column.text, *always, options).await
            }
            AlterTableAction::DropIdentity { column, if_exists } => {
                self.drop_identity(relation, &column.text, *if_exists).await
            }
            AlterTableAction::AddConstraint(constraint) => {
                self.add_constraint(relation.oid, constraint, false).await
            }
            AlterTableAction::AlterConstraint { name, timing } => {
                self.alter_constraint(relation, name, *timing).await
            }
            AlterTableAction::ValidateConstraint { name } => self.validate_constraint(relation, name).await,
            AlterTableAction::DropConstraint { if_exists, name, cascade } => {
                self.drop_constraint(relation, name, *if_exists, *cascade).await
            }
            AlterTableAction::DropExpression { .. } => Err(Error::unsupported("DROP EXPRESSION")),
            // Every table is as safe as any other, and none is physically ordered by the user's index.
            AlterTableAction::SetLogged(_) | AlterTableAction::SetWithoutCluster => Ok(()),
            AlterTableAction::ClusterOn(index) => match self
                .snapshot()
                .indexes_of(self.database, relation.oid)
                .any(|object| object.name == index.text)
            {
                true => Ok(()),
                false => {
                    let message =
                        format!("index \"{}\" for table \"{}\" does not exist", index.text, relation.name);
                    Err(Error::new(SqlState::UndefinedObject, message))
                }
            },
            AlterTableAction::ReplicaIdentity { .. } => Err(Error::unsupported("REPLICA IDENTITY")),
            AlterTableAction::RowSecurity { .. } => Err(Error::unsupported("row-level security")),
            AlterTableAction::Trigger { .. } => Err(Error::unsupported("triggers")),
            AlterTableAction::OwnerTo(_)
            | AlterTableAction::SetSchema(_)
            | AlterTableAction::SetTablespace(_)
            | AlterTableAction::SetOptions(_)
            | AlterTableAction::ResetOptions(_)
            | AlterTableAction::Unsupported(_) => {
                Err(Error::internal("an action of every relation came late"))
            }
        }
    }

    /// SET SCHEMA, with indexes, constraints and the sequences of columns.
    async fn move_relation(&mut self, relation: &Relation, schema: &Name) -> Result<()> {
        let snapshot = self.snapshot();
        let schema = self.schema_by_name(&snapshot, &schema.text)?;
        if relation.persistence == catalog::Persistence::Temporary
            || catalog::is_temporary_schema(&schema.name)
        {
            let message = "cannot move objects into or out of temporary schemas";
            return Err(Error::new(SqlState::FeatureNotSupported, message));
        }
        let schema = schema.oid;
        self.check_free(schema, &relation.name, false)?;
        let parts = snapshot
            .indexes_of(self.database, relation.oid)
            .chain(snapshot.owned_sequences(self.database, relation.oid))
            .cloned()
            .collect::<Vec<_>>();
        let constraints: Vec<_> = snapshot.constraints_of(self.database, relation.oid).cloned().collect();
        self.put_relation(Relation { schema, ..relation.clone() }).await?;
        for part in parts {
            self.put_relation(Relation { schema, ..(*part).clone() }).await?;
        }
        for constraint in constraints {
            let moved = Constraint { schema, ..(*constraint).clone() };
            self.put(Object::Constraint(Box::new(moved))).await?;
        }
        Ok(())
    }

    fn constraint_named(&self, relation: &Relation, name: &str) -> Result<Arc<Constraint>> {
        let found = self
            .snapshot()
            .constraints_of(self.database, relation.oid)
            .find(|found| found.name == name)
            .cloned();
        found.ok_or_else(|| {
            let message = format!("constraint \"{name}\" of relation \"{}\" does not exist", relation.name);
            Error::new(SqlState::UndefinedObject, message)
        })
    }

    async fn alter_constraint(
        &mut self,
        relation: &Relation,
        name: &Name,
        timing: ConstraintTiming,
    ) -> Result<()> {
        let found = self.constraint_named(relation, &name.text)?;
        if !matches!(found.kind, ConstraintKind::ForeignKey(_)) {
            let message = format!(
                "constraint \"{}\" of relation \"{}\" is not a foreign key constraint",
                name.text, relation.name
            );
            return Err(Error::new(SqlState::WrongObjectType, message));
        }
        let (deferrable, initially_deferred) = super::constraint::deferral(timing)?;
        let changed = Constraint { deferrable, initially_deferred, ..(*found).clone() };
        self.put(Object::Constraint(Box::new(changed))).await
    }

    async fn validate_constraint(&mut self, relation: &Relation, name: &Name) -> Result<()> {
        let found = self.constraint_named(relation, &name.text)?;
        if found.validated {
            return Ok(());
        }
        match &found.kind {
            ConstraintKind::Check { expression, columns: _ } => {
                let condition = crate::analyze::stored_expression(expression)?;
                self.validate_check(relation, &found.name, &condition)?;
            }
            ConstraintKind::ForeignKey(key) => {
                let referenced = self.current(key.referenced)?;
                self.validate_foreign_key(relation, &referenced, &found.name, key)?;
            }
            ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } => {}
        }
        let changed = Constraint { validated: true, ..(*found).clone() };
        self.put(Object::Constraint(Box::new(changed))).await
    }

    async fn drop_constraint(
        &mut self,
        relation: &Relation,
        name: &Name,
        if_exists: bool,
        cascade: bool,
    ) -> Result<()> {
        let found = match self.constraint_named(relation, &name.text) {
            Ok(found) => found,
            Err(_) if if_exists => {
                self.notice(format!(
                    "constraint \"{}\" of relation \"{}\" does not exist, skipping",
                    name.text, relation.name
                ));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let mut objects = vec![ObjectAddress::new(catalog::builtin::PG_CONSTRAINT_CLASS, found.oid)];
        if let Some(index) = found.index().filter(|index| super::rename::owns_index(&found, *index)) {
            objects.push(ObjectAddress::relation(index));
        }
        self.drop_objects(objects, cascade).await
    }
}

/// The strongest lock that any of the actions needs (tablecmds.c, AlterTableGetLockLevel).
fn lock_mode(actions: &[AlterTableAction]) -> RelationLockMode {
    let weak = actions.iter().all(|action| {
        matches!(
            action,
            AlterTableAction::SetStatistics { .. }
                | AlterTableAction::ValidateConstraint { .. }
                | AlterTableAction::SetOptions(_)
                | AlterTableAction::ResetOptions(_)
        )
    });
    if weak { RelationLockMode::ShareUpdateExclusive } else { RelationLockMode::AccessExclusive }
}
