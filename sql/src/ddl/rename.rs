//! ALTER ... RENAME TO, and renamed columns and constraints.

use catalog::{Constraint, Object, Relation};
use engine::RelationLockMode;

use super::Definer;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{ObjectKind, Rename, RenamePart};

impl Definer {
    pub(super) async fn rename(&mut self, rename: &Rename) -> Result<String> {
        let to = rename.to.text.clone();
        match rename.kind {
            ObjectKind::Schema => self.rename_schema(rename.name.name(), to).await,
            ObjectKind::Database => self.rename_database(rename.name.name(), to).await,
            ObjectKind::Role => self.rename_role(rename.name.name(), to).await,
            ObjectKind::Table
            | ObjectKind::View
            | ObjectKind::MaterializedView
            | ObjectKind::Index
            | ObjectKind::Sequence => self.rename_relation(rename).await,
            other => Err(Error::unsupported(format!("ALTER {} RENAME", format!("{other:?}").to_uppercase()))),
        }
    }

    async fn rename_relation(&mut self, rename: &Rename) -> Result<String> {
        let word = match rename.kind {
            ObjectKind::View => "VIEW",
            ObjectKind::MaterializedView => "MATERIALIZED VIEW",
            ObjectKind::Index => "INDEX",
            ObjectKind::Sequence => "SEQUENCE",
            _ => "TABLE",
        };
        let tag = format!("ALTER {word}");
        let Some(relation) = self.find_locked(&rename.name, RelationLockMode::AccessExclusive).await? else {
            if rename.if_exists {
                self.notice(format!("relation \"{}\" does not exist, skipping", rename.name));
                return Ok(tag);
            }
            return self.relation(&rename.name).map(|_| tag);
        };
        match &rename.part {
            None => {
                self.check_free(relation.schema, &rename.to.text, false)?;
                self.rename_whole(&relation, &rename.to.text).await?;
            }
            Some((RenamePart::Column, column)) => {
                self.rename_column(&relation, &column.text, &rename.to.text).await?;
            }
            Some((RenamePart::Constraint, constraint)) => {
                self.rename_constraint(&relation, &constraint.text, &rename.to.text).await?;
            }
        }
        Ok(tag)
    }

    /// An index of a constraint and the constraint go by one name.
    async fn rename_whole(&mut self, relation: &Relation, to: &str) -> Result<()> {
        let snapshot = self.snapshot();
        let constraint = snapshot
            .constraints(self.database)
            .find(|constraint| owns_index(constraint, relation.oid))
            .cloned();
        self.put_relation(Relation { name: to.to_string(), ..relation.clone() }).await?;
        match constraint {
            Some(constraint) => {
                let renamed = Constraint { name: to.to_string(), ..(*constraint).clone() };
                self.put(Object::Constraint(Box::new(renamed))).await
            }
            None => Ok(()),
        }
    }

    async fn rename_column(&mut self, relation: &Relation, from: &str, to: &str) -> Result<()> {
        if relation.column_by_name(from).is_none() {
            return Err(Error::new(SqlState::UndefinedColumn, format!("column \"{from}\" does not exist")));
        }
        if relation.column_by_name(to).is_some() {
            let message = format!("column \"{to}\" of relation \"{}\" already exists", relation.name);
            return Err(Error::new(SqlState::DuplicateColumn, message));
        }
        let mut changed = relation.clone();
        for column in changed.columns.iter_mut().filter(|column| !column.dropped && column.name == from) {
            column.name = to.to_string();
        }
        self.put_relation(changed).await
    }

    async fn rename_constraint(&mut self, relation: &Relation, from: &str, to: &str) -> Result<()> {
        let snapshot = self.snapshot();
        let found = snapshot
            .constraints_of(self.database, relation.oid)
            .find(|constraint| constraint.name == from)
            .cloned()
            .ok_or_else(|| {
                let message = format!("constraint \"{from}\" for table \"{}\" does not exist", relation.name);
                Error::new(SqlState::UndefinedObject, message)
            })?;
        let index = found.index().filter(|index| owns_index(&found, *index));
        match index {
            Some(index) => {
                let index = self.current(index)?;
                self.check_free(relation.schema, to, false)?;
                self.rename_whole(&index, to).await
            }
            None => {
                let renamed = Constraint { name: to.to_string(), ..(*found).clone() };
                self.put(Object::Constraint(Box::new(renamed))).await
            }
        }
    }
}

/// Whether an index is a constraint's own; a foreign key only leans on another's.
pub(super) fn owns_index(constraint: &Constraint, index: u32) -> bool {
    constraint.letter() != 'f' && constraint.index() == Some(index)
}
