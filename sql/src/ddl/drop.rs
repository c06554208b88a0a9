//! DROP of relations, schemas, databases and roles, with what depends on them.
//!
//! What stands on a dropped object is found by the catalog's dependency edges, transitively. Automatic and internal
//! dependents go along; others need CASCADE, and are told of in a notice, or refuse the drop in the detail.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog::builtin::{
    self, PG_ATTRDEF_CLASS, PG_CLASS_CLASS, PG_CONSTRAINT_CLASS, PG_EXTENSION_CLASS, PG_NAMESPACE_CLASS,
    PG_OPCLASS_CLASS, PG_OPERATOR_CLASS, PG_PROC_CLASS, PG_REWRITE_CLASS, PG_TYPE_CLASS,
};
use catalog::{DependencyKind, Object, ObjectAddress, ObjectKey, Relation, RelationKind, Snapshot};
use engine::{RelationLockMode, TableId};

use super::Definer;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{Drop, ObjectKind, ObjectName};

/// Dependents that a message lists by name; PostgreSQL counts the rest.
const LISTED: usize = 100;

impl Definer {
    pub(super) async fn drop(&mut self, drop: &Drop) -> Result<String> {
        match drop.kind {
            ObjectKind::Table => self.drop_relations(drop, "TABLE").await,
            ObjectKind::View => self.drop_relations(drop, "VIEW").await,
            ObjectKind::Index => self.drop_relations(drop, "INDEX").await,
            ObjectKind::Sequence => self.drop_relations(drop, "SEQUENCE").await,
            ObjectKind::MaterializedView => self.drop_relations(drop, "MATERIALIZED VIEW").await,
            ObjectKind::Schema => self.drop_schemas(drop).await,
            ObjectKind::Database => self.drop_databases(drop).await,
            ObjectKind::Role => self.drop_roles(drop).await,
            ObjectKind::Extension => self.drop_extensions(drop).await,
            ObjectKind::Type | ObjectKind::Domain => self.drop_types(drop).await,
            ObjectKind::Function
            | ObjectKind::Procedure
            | ObjectKind::Routine
            | ObjectKind::Aggregate
            | ObjectKind::Operator
            | ObjectKind::Collation
            | ObjectKind::Language
            | ObjectKind::Tablespace
            | ObjectKind::Column
            | ObjectKind::Constraint
            | ObjectKind::Trigger
            | ObjectKind::Policy
            | ObjectKind::Rule
            | ObjectKind::ForeignTable
            | ObjectKind::Publication
            | ObjectKind::Subscription
            | ObjectKind::Statistics
            | ObjectKind::EventTrigger => {
                Err(Error::unsupported(format!("DROP {:?}", drop.kind).to_uppercase()))
            }
        }
    }

    async fn drop_relations(&mut self, drop: &Drop, word: &str) -> Result<String> {
        let mut found: Vec<Arc<Relation>> = Vec::new();
        for name in &drop.names {
            if let Some(relation) = self.find(name) {
                check_kind(&relation, drop.kind)?;
            }
            match self.find_locked(name, RelationLockMode::AccessExclusive).await? {
                Some(relation) => {
                    check_kind(&relation, drop.kind)?;
                    found.push(relation);
                }
                None => self.missing(drop, &word.to_lowercase(), name)?,
            }
        }
        let addresses = found.iter().map(|relation| ObjectAddress::relation(relation.oid)).collect();
        self.drop_objects(addresses, drop.cascade).await?;
        Ok(format!("DROP {word}"))
    }

    /// IF EXISTS turns a missing object into a notice.
    pub(super) fn missing(&mut self, drop: &Drop, kind: &str, name: &ObjectName) -> Result<()> {
        if drop.if_exists {
            self.notice(format!("{kind} \"{name}\" does not exist, skipping"));
            return Ok(());
        }
        let state = match drop.kind {
            ObjectKind::Table | ObjectKind::View | ObjectKind::Sequence | ObjectKind::MaterializedView => {
                SqlState::UndefinedTable
            }
            ObjectKind::Schema => SqlState::InvalidSchemaName,
            ObjectKind::Database => SqlState::InvalidCatalogName,
            _ => SqlState::UndefinedObject,
        };
        Err(Error::new(state, format!("{kind} \"{name}\" does not exist")))
    }

    /// Drops objects with all that stands on them.
    pub(super) async fn drop_objects(&mut self, objects: Vec<ObjectAddress>, cascade: bool) -> Result<()> {
        let (snapshot, plan) = self.locked_plan(&objects).await?;
        if !plan.others.is_empty() {
            let lines: Vec<String> = plan
                .others
                .iter()
                .take(LISTED)
                .map(|(dependent, on)| {
                    (describe(&snapshot, self.database, *dependent), describe(&snapshot, self.database, *on))
                })
                .map(|(dependent, on)| {
                    if cascade {
                        format!("drop cascades to {dependent}")
                    } else {
                        format!("{dependent} depends on {on}")
                    }
                })
                .collect();
            if !cascade {
                let named = objects
                    .first()
                    .map(|object| describe(&snapshot, self.database, *object))
                    .unwrap_or_default();
                let message = match objects.len() {
                    1 => format!("cannot drop {named} because other objects depend on it"),
                    _ => "cannot drop desired object(s) because other objects depend on them".to_string(),
                };
                return Err(Error::new(SqlState::DependentObjectsStillExist, message)
                    .detail(lines.join("\n"))
                    .hint("Use DROP ... CASCADE to drop the dependent objects too."));
            }
            match lines.as_slice() {
                [one] => self.notice(one.clone()),
                several => {
                    let message = format!("drop cascades to {} other objects", plan.others.len());
                    let report =
                        Error::new(SqlState::SuccessfulCompletion, message).detail(several.join("\n"));
                    self.notices.push((crate::session::Severity::Notice, report.into_report()));
                }
            }
        }
        for address in &plan.doomed {
            // A column that was named is the caller's; that of a table that goes is gone with it.
            let alone = address.class == PG_CLASS_CLASS
                && address.column != 0
                && !objects.contains(address)
                && !plan.doomed.contains(&ObjectAddress::relation(address.object));
            if alone {
                self.remove_column(address.object, address.column).await?;
            } else {
                self.remove_object(*address).await?;
            }
        }
        Ok(())
    }

    /// What goes with these objects, every relation among it locked; found anew until the locks show nothing new.
    async fn locked_plan(&self, objects: &[ObjectAddress]) -> Result<(Arc<Snapshot>, Plan)> {
        loop {
            let snapshot = self.snapshot();
            let plan = Plan::of(&snapshot, self.database, objects)?;
            for address in &plan.doomed {
                let relation = match address.class {
                    PG_CLASS_CLASS => Some(address.object),
                    PG_REWRITE_CLASS => view_of_rule(&snapshot, self.database, address.object),
                    PG_CONSTRAINT_CLASS => {
                        let constraint = snapshot.constraint(self.database, address.object);
                        constraint.map(|constraint| constraint.relation)
                    }
                    _ => None,
                };
                let known = relation.and_then(|oid| snapshot.relation(self.database, oid));
                if let Some(relation) = known {
                    self.lock(relation.oid, RelationLockMode::AccessExclusive).await?;
                }
            }
            if self.snapshot().generation() == snapshot.generation() {
                return Ok((snapshot, plan));
            }
        }
    }

    async fn remove_object(&mut self, address: ObjectAddress) -> Result<()> {
        let snapshot = self.snapshot();
        let database = self.database;
        match address.class {
            PG_CLASS_CLASS if address.column == 0 => self.remove_relation(&snapshot, address.object).await,
            PG_CONSTRAINT_CLASS => self.remove(ObjectKey::Constraint { database, oid: address.object }).await,
            PG_ATTRDEF_CLASS => self.remove_default(&snapshot, address.object).await,
            PG_TYPE_CLASS if snapshot.user_type(database, address.object).is_some() => {
                self.remove(ObjectKey::Type { database, oid: address.object }).await
            }
            // A view's rule goes with its view.
            PG_REWRITE_CLASS => match view_of_rule(&snapshot, database, address.object) {
                Some(view) => self.remove_relation(&snapshot, view).await,
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    async fn remove_relation(&mut self, snapshot: &Snapshot, oid: u32) -> Result<()> {
        let database = self.database;
        let Some(relation) = snapshot.relation(database, oid).cloned() else { return Ok(()) };
        self.lock(oid, RelationLockMode::AccessExclusive).await?;
        self.remove_comments(snapshot, PG_CLASS_CLASS, oid).await?;
        self.remove(ObjectKey::Relation { database, oid }).await?;
        match &relation.kind {
            RelationKind::Table(_) => self.engine(|transaction| transaction.drop_table(TableId(oid))),
            RelationKind::MaterializedView(view) => {
                if let Some(groups) = view.groups {
                    self.engine(|transaction| transaction.drop_table(TableId(groups.table)))?;
                }
                self.engine(|transaction| transaction.drop_table(TableId(oid)))
            }
            RelationKind::Index(index) => {
                // With its table gone there is nothing left to reshape.
                if self.snapshot().relation(database, index.table).is_some() {
                    self.reshape(index.table, &[])
                } else {
                    Ok(())
                }
            }
            RelationKind::View(_) | RelationKind::Sequence(_) | RelationKind::System { .. } => Ok(()),
        }
    }

    pub(super) async fn remove_comments(
        &mut self,
        snapshot: &Snapshot,
        class: u32,
        object: u32,
    ) -> Result<()> {
        let keys: Vec<ObjectKey> = snapshot
            .comments(self.database)
            .filter(|comment| comment.address.class == class && comment.address.object == object)
            .map(|comment| ObjectKey::Comment { database: comment.database, address: comment.address })
            .collect();
        for key in keys {
            self.remove(key).await?;
        }
        Ok(())
    }

    async fn remove_default(&mut self, snapshot: &Snapshot, oid: u32) -> Result<()> {
        let holds = |relation: &&Arc<Relation>| {
            relation
                .columns
                .iter()
                .any(|column| column.default.as_ref().is_some_and(|default| default.oid == oid))
        };
        let Some(relation) = snapshot.relations(self.database).find(holds) else { return Ok(()) };
        let mut changed = (**relation).clone();
        for column in &mut changed.columns {
            if column.default.as_ref().is_some_and(|default| default.oid == oid) {
                column.default = None;
            }
        }
        self.put_relation(changed).await
    }

    /// Every object of a schema.
    pub(super) fn members(&self, snapshot: &Snapshot, schema: u32) -> Vec<ObjectAddress> {
        snapshot
            .relations(self.database)
            .filter(|relation| relation.schema == schema && relation.as_index().is_none())
            .map(|relation| ObjectAddress::relation(relation.oid))
            .chain(
                snapshot
                    .user_types(self.database)
                    .filter(|made| made.schema == schema)
                    .map(|made| ObjectAddress::new(PG_TYPE_CLASS, made.oid)),
            )
            .chain(
                snapshot
                    .extensions(self.database)
                    .filter(|extension| extension.schema == schema)
                    .map(|extension| ObjectAddress::new(PG_EXTENSION_CLASS, extension.oid)),
            )
            .collect()
    }

    pub(super) async fn put_object(&mut self, object: Object) -> Result<()> {
        self.put(object).await
    }
}

/// What goes when something is dropped.
struct Plan {
    /// In the order of removal: dependents before what they stand on.
    doomed: Vec<ObjectAddress>,
    /// Those that go only with CASCADE, each with what it depends on.
    others: Vec<(ObjectAddress, ObjectAddress)>,
}

impl Plan {
    fn of(snapshot: &Snapshot, database: u32, objects: &[ObjectAddress]) -> Result<Plan> {
        let edges = snapshot.dependencies(database);
        let mut plan = Plan { doomed: objects.to_vec(), others: Vec::new() };
        let mut seen: BTreeSet<ObjectAddress> = objects.iter().copied().collect();
        let mut next = 0;
        while let Some(on) = plan.doomed.get(next).copied() {
            next += 1;
            let touching = edges.iter().filter(|edge| {
                edge.referenced.class == on.class
                    && edge.referenced.object == on.object
                    && (on.column == 0 || edge.referenced.column == on.column)
            });
            for edge in touching {
                let dependent = whole_of(snapshot, database, ObjectAddress { column: 0, ..edge.dependent });
                // A column of a type that goes must not take its whole table along.
                let column_alone = edge.referenced.class == PG_TYPE_CLASS && edge.dependent.column != 0;
                if column_alone && !seen.contains(&dependent) {
                    return Err(Error::unsupported(
                        "DROP ... CASCADE of a type that a column elsewhere uses",
                    ));
                }
                // Schemas are dropped with their members by the caller.
                if dependent.class == PG_NAMESPACE_CLASS || !seen.insert(dependent) {
                    continue;
                }
                plan.doomed.push(dependent);
                let along =
                    edge.kind != DependencyKind::Normal || automatic(snapshot, database, dependent, &seen);
                if !along {
                    plan.others.push((dependent, on));
                }
            }
            // An internal part cannot go alone: its whole is what has to be named.
            let whole = edges.iter().find(|edge| {
                edge.dependent.class == on.class
                    && edge.dependent.object == on.object
                    && edge.kind == DependencyKind::Internal
                    && !seen.contains(&ObjectAddress { column: 0, ..edge.referenced })
            });
            if let (Some(whole), true) = (whole, objects.contains(&on)) {
                let (part, of) =
                    (describe(snapshot, database, on), describe(snapshot, database, whole.referenced));
                let message = format!("cannot drop {part} because {of} requires it");
                return Err(Error::new(SqlState::DependentObjectsStillExist, message)
                    .hint(format!("You can drop {of} instead.")));
            }
        }
        plan.doomed.reverse();
        Ok(plan)
    }
}

/// Whether a dependent belongs to something that goes anyway.
fn automatic(
    snapshot: &Snapshot,
    database: u32,
    dependent: ObjectAddress,
    seen: &BTreeSet<ObjectAddress>,
) -> bool {
    let owner = match dependent.class {
        PG_CONSTRAINT_CLASS => {
            snapshot.constraint(database, dependent.object).map(|constraint| constraint.relation)
        }
        PG_CLASS_CLASS if dependent.column != 0 => Some(dependent.object),
        PG_CLASS_CLASS => snapshot
            .relation(database, dependent.object)
            .and_then(|relation| relation.as_index().map(|index| index.table)),
        _ => None,
    };
    owner.is_some_and(|owner| seen.contains(&ObjectAddress::relation(owner)))
}

/// What goes with a part: a rule is nothing without its view, and what stands on the view goes too.
fn whole_of(snapshot: &Snapshot, database: u32, address: ObjectAddress) -> ObjectAddress {
    match address.class {
        PG_REWRITE_CLASS => {
            view_of_rule(snapshot, database, address.object).map_or(address, ObjectAddress::relation)
        }
        PG_ATTRDEF_CLASS => generated_column(snapshot, database, address.object).unwrap_or(address),
        _ => address,
    }
}

/// The generated column that a default computes.
fn generated_column(snapshot: &Snapshot, database: u32, default: u32) -> Option<ObjectAddress> {
    snapshot.relations(database).find_map(|relation| {
        let mut generated = relation.live_columns().filter(|column| column.generated);
        let computed = generated.find(|column| column.default.as_ref().is_some_and(|of| of.oid == default));
        computed.map(|column| ObjectAddress::column(relation.oid, column.number))
    })
}

fn view_of_rule(snapshot: &Snapshot, database: u32, rule: u32) -> Option<u32> {
    snapshot
        .relations(database)
        .find(|relation| relation.as_view().is_some_and(|view| view.rule == rule))
        .map(|relation| relation.oid)
}

/// An object as messages name it.
pub(super) fn describe(snapshot: &Snapshot, database: u32, address: ObjectAddress) -> String {
    match address.class {
        PG_CLASS_CLASS => match snapshot.relation(database, address.object) {
            Some(relation) => {
                let column = relation.columns.iter().find(|column| column.number == address.column);
                match column {
                    Some(column) => {
                        format!("column {} of {} {}", column.name, relation.kind_name(), relation.name)
                    }
                    None => format!("{} {}", relation.kind_name(), relation.name),
                }
            }
            None => format!("relation {}", address.object),
        },
        PG_CONSTRAINT_CLASS => match snapshot.constraint(database, address.object) {
            Some(constraint) => {
                let table = snapshot.relation(database, constraint.relation);
                let table = table.map_or("", |table| table.name.as_str());
                format!("constraint {} on table {table}", constraint.name)
            }
            None => format!("constraint {}", address.object),
        },
        PG_ATTRDEF_CLASS => {
            for relation in snapshot.relations(database) {
                let of = |column: &&catalog::Column| {
                    column.default.as_ref().is_some_and(|default| default.oid == address.object)
                };
                if let Some(column) = relation.columns.iter().find(of) {
                    return format!("default value for column {} of table {}", column.name, relation.name);
                }
            }
            format!("default value {}", address.object)
        }
        PG_REWRITE_CLASS => match view_of_rule(snapshot, database, address.object) {
            Some(view) => describe(snapshot, database, ObjectAddress::relation(view)),
            None => format!("rule {}", address.object),
        },
        PG_TYPE_CLASS => match snapshot.type_by_oid(database, address.object) {
            Some(row) => format!("type {}", row.name),
            None => format!("type {}", address.object),
        },
        PG_PROC_CLASS => match builtin::function_by_oid(address.object) {
            Some(row) => format!("function {}({})", row.name, type_names(&row.arguments)),
            None => format!("function {}", address.object),
        },
        PG_OPERATOR_CLASS => match builtin::operator_by_oid(address.object) {
            Some(row) => format!("operator {}({})", row.name, type_names(&[row.left, row.right])),
            None => format!("operator {}", address.object),
        },
        PG_OPCLASS_CLASS => match builtin::operator_class(address.object) {
            Some(row) => {
                let method = builtin::access_methods().iter().find(|method| method.oid == row.method);
                let method = method.map_or("", |method| method.name);
                format!("operator class {} for access method {method}", row.name)
            }
            None => format!("operator class {}", address.object),
        },
        PG_EXTENSION_CLASS => {
            let mut extensions = snapshot.extensions(database);
            match extensions.find(|extension| extension.oid == address.object) {
                Some(extension) => format!("extension {}", extension.name),
                None => format!("extension {}", address.object),
            }
        }
        PG_NAMESPACE_CLASS => match snapshot.schema(database, address.object) {
            Some(schema) => format!("schema {}", schema.name),
            None => format!("schema {}", address.object),
        },
        _ => format!("object {}", address.object),
    }
}

/// Names of types between commas.
fn type_names(types: &[u32]) -> String {
    let names = types.iter().map(|ty| crate::types::format_type(*ty, -1, &crate::types::NoNames));
    names.collect::<Vec<_>>().join(",")
}

/// `"x" is not a table`.
fn check_kind(relation: &Relation, kind: ObjectKind) -> Result<()> {
    let (wanted, article) = match kind {
        ObjectKind::Table => ("table", "a"),
        ObjectKind::View => ("view", "a"),
        ObjectKind::Index => ("index", "an"),
        ObjectKind::Sequence => ("sequence", "a"),
        _ => ("materialized view", "a"),
    };
    let is = relation.kind_name();
    if is == wanted {
        return Ok(());
    }
    let use_article = if is == "index" { "an" } else { "a" };
    Err(Error::new(SqlState::WrongObjectType, format!("\"{}\" is not {article} {wanted}", relation.name))
        .hint(format!("Use DROP {} to remove {use_article} {is}.", is.to_uppercase())))
}
