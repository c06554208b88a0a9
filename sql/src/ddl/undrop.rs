//! UNDROP TABLE: the table that was dropped last under a name comes back as it was.
//!
//! A dropped table stays in the engine with all that it had, and the catalog of the moment before the drop tells how it
//! looked. So nothing is copied: the catalog's entries of then are written again (the table, its indexes, constraints,
//! comments, the sequences that its columns own), and the engine takes the drop back. The history before the drop is the
//! table's history again.
//!
//! What others had built on the table (views, foreign keys of other tables) stays dropped. A foreign key of the table
//! comes back if the table that it refers to is still there, and holds for all rows; otherwise a notice says that it is
//! left out. What the definition needs and is gone (a type, a schema, a sequence in a default) is an error.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog::builtin::{PG_CLASS_CLASS, PG_CONSTRAINT_CLASS, PG_TYPE_CLASS};
use catalog::{Constraint, ConstraintKind, Object, ObjectAddress, Relation, Snapshot, StoredExpression};
use engine::{RelationLockMode, TableId, Timestamp};

use super::Definer;
use super::definer::catalog_error;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::ObjectName;

impl Definer {
    pub(crate) async fn undrop(&mut self, name: &ObjectName) -> Result<()> {
        let (at, oid) = self.last_drop(name)?;
        self.lock(oid, RelationLockMode::AccessExclusive).await?;
        let then = self.catalog.at(Timestamp::before_micros(at)).map_err(catalog_error)?;
        let now = self.snapshot();
        let database = self.database;
        let dropped = then.relation(database, oid).cloned();
        let dropped = dropped.ok_or_else(|| Error::internal("a dropped table was not there before"))?;
        if dropped.as_table().is_none() {
            let message = format!("\"{}\" was not a table", dropped.name);
            return Err(Error::new(SqlState::WrongObjectType, message));
        }
        if !self.owns(dropped.owner) {
            let message = format!("must be owner of table {}", dropped.name);
            return Err(Error::new(SqlState::InsufficientPrivilege, message));
        }
        let taken = now.relation_by_name(database, dropped.schema, &dropped.name).is_some();
        if taken || now.relation(database, oid).is_some() {
            let message = format!("relation \"{}\" already exists", dropped.name);
            return Err(Error::new(SqlState::DuplicateTable, message)
                .hint("Rename or drop the present relation of that name first."));
        }
        let mut relations = vec![dropped.clone()];
        let parts = then.owned_sequences(database, oid).chain(then.indexes_of(database, oid));
        relations.extend(parts.filter(|part| now.relation(database, part.oid).is_none()).cloned());
        let constraints: Vec<Arc<Constraint>> = then.constraints_of(database, oid).cloned().collect();
        self.check_needs(&now, &relations, &constraints)?;
        for relation in &relations {
            self.put_relation(self.with_present_roles(&now, relation)).await?;
        }
        self.engine(|transaction| transaction.undrop_table(TableId(oid)))?;
        let mut back: BTreeSet<(u32, u32)> =
            relations.iter().map(|relation| (PG_CLASS_CLASS, relation.oid)).collect();
        for constraint in constraints {
            if self.restore_constraint(&dropped, &constraint).await? {
                back.insert((PG_CONSTRAINT_CLASS, constraint.oid));
            }
        }
        let comments: Vec<_> = then.comments(database).cloned().collect();
        for comment in comments {
            if back.contains(&(comment.address.class, comment.address.object)) {
                self.put(Object::Comment(comment)).await?;
            }
        }
        Ok(())
    }

    /// When the relation that a name meant last was dropped, and its oid.
    fn last_drop(&self, name: &ObjectName) -> Result<(i64, u32)> {
        let snapshot = self.snapshot();
        let schemas = match name.schema() {
            Some(schema) => vec![self.schema_by_name(&snapshot, schema)?.oid],
            None => snapshot.search_schemas(self.database, &self.context.settings.search_path),
        };
        for schema in schemas {
            if let Some(found) =
                self.catalog.last_drop(self.database, schema, name.name()).map_err(catalog_error)?
            {
                return Ok(found);
            }
            if let Some(present) = snapshot.relation_by_name(self.database, schema, name.name()) {
                let message = format!("{} \"{}\" is not dropped", present.kind_name(), present.name);
                return Err(Error::new(SqlState::DuplicateTable, message));
            }
        }
        Err(Error::new(SqlState::UndefinedTable, format!("there is no dropped table \"{name}\""))
            .at(self.position(name.at)))
    }

    /// Refuses a table whose definition stands on something that is gone.
    fn check_needs(
        &self,
        now: &Snapshot,
        relations: &[Arc<Relation>],
        constraints: &[Arc<Constraint>],
    ) -> Result<()> {
        let missing = |what: String| {
            let table = relations.first().map_or("", |table| table.name.as_str());
            Err(Error::new(
                SqlState::UndefinedObject,
                format!("cannot undrop table \"{table}\": {what} is gone"),
            ))
        };
        let is_there = |address: &ObjectAddress| match address.class {
            PG_CLASS_CLASS => {
                now.relation(self.database, address.object).is_some()
                    || relations.iter().any(|relation| relation.oid == address.object)
            }
            PG_TYPE_CLASS => now.type_by_oid(self.database, address.object).is_some(),
            _ => true,
        };
        let mut expressions: Vec<&StoredExpression> = Vec::new();
        for relation in relations {
            if now.schema(self.database, relation.schema).is_none() {
                return missing(format!("the schema of relation \"{}\"", relation.name));
            }
            for column in relation.live_columns() {
                let declared = column.domain.unwrap_or(column.type_oid);
                if now.type_by_oid(self.database, declared).is_none() {
                    return missing(format!("the type of column \"{}\"", column.name));
                }
                expressions.extend(column.default.iter().map(|default| &default.expression));
            }
            expressions.extend(relation.as_index().and_then(|index| index.predicate.as_ref()));
        }
        for constraint in constraints {
            if let ConstraintKind::Check { expression, .. } = &constraint.kind {
                expressions.push(expression);
            }
        }
        for expression in expressions {
            if !expression.dependencies.iter().all(is_there) {
                return missing(format!("something that the expression \"{}\" needs", expression.text));
            }
        }
        Ok(())
    }

    /// A relation as it was, without the roles that are gone.
    fn with_present_roles(&self, now: &Snapshot, relation: &Relation) -> Relation {
        let mut relation = relation.clone();
        if now.role(relation.owner).is_none() {
            relation.owner = self.role;
        }
        let is_there = |role: u32| role == 0 || now.role(role).is_some();
        let lists = relation.columns.iter_mut().map(|column| &mut column.acl);
        for list in lists.chain(std::iter::once(&mut relation.acl)).flatten() {
            list.retain(|item| is_there(item.grantee) && is_there(item.grantor));
        }
        relation
    }

    /// Writes a constraint again; `false` where it is a foreign key to what is gone.
    async fn restore_constraint(&mut self, table: &Relation, constraint: &Constraint) -> Result<bool> {
        if let ConstraintKind::ForeignKey(key) = &constraint.kind {
            self.lock(key.referenced, RelationLockMode::ShareRowExclusive).await?;
            let now = self.snapshot();
            let referenced = now.relation(self.database, key.referenced).cloned();
            let Some(referenced) = referenced.filter(|_| now.relation(self.database, key.index).is_some())
            else {
                self.notice(format!(
                    "constraint \"{}\" of table \"{}\" is left out: what it refers to is gone",
                    constraint.name, table.name
                ));
                return Ok(false);
            };
            if constraint.validated {
                self.validate_foreign_key(table, &referenced, &constraint.name, key)?;
            }
        }
        self.put(Object::Constraint(Box::new(constraint.clone()))).await?;
        Ok(true)
    }
}
