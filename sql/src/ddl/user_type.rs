//! Enums: CREATE and ALTER; DROP and what enums and domains have in common.
//!
//! A value of an enum is the order of its label. Labels made together stand far apart, so that others find room between
//! them; where there is none left, ADD VALUE is refused rather than stored values changed.

use std::sync::Arc;

use catalog::builtin::PG_TYPE_CLASS;
use catalog::{DependencyKind, EnumLabel, Object, ObjectAddress, ObjectKey, UserType, UserTypeKind};

use super::Definer;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{Drop, ObjectKind, ObjectName, TypeAction, TypeDefinition};
use crate::types::enumeration::STEP;

/// NAMEDATALEN - 1.
const LONGEST_LABEL: usize = 63;

impl Definer {
    pub(super) async fn define_type(&mut self, definition: &TypeDefinition) -> Result<String> {
        match definition {
            TypeDefinition::CreateEnum { name, labels } => self.create_enum(name, labels).await,
            TypeDefinition::CreateDomain { name, base, collation, constraints } => {
                self.create_domain(name, base, collation.as_ref(), constraints).await
            }
            TypeDefinition::AlterType { name, action } => {
                let made = self.type_to_change(name)?;
                self.alter_type(made, action).await?;
                Ok("ALTER TYPE".to_string())
            }
            TypeDefinition::AlterDomain { name, action } => {
                let made = self.type_to_change(name)?;
                if made.domain().is_none() {
                    let message = format!("\"{}\" is not a domain", made.name);
                    return Err(Error::new(SqlState::WrongObjectType, message));
                }
                self.alter_domain(made, action).await?;
                Ok("ALTER DOMAIN".to_string())
            }
        }
    }

    /// The enum or domain of a name.
    fn find_made_type(&self, name: &ObjectName) -> Option<Arc<UserType>> {
        let snapshot = self.snapshot();
        let found = match name.schema() {
            Some(schema) => {
                let schema = snapshot.schema_by_name(self.database, schema)?;
                snapshot.type_by_name(self.database, schema.oid, name.name()).map(|row| row.oid)
            }
            None => {
                let path = self.context.settings.search_path.clone();
                snapshot.find_type(self.database, &path, name.name()).map(|row| row.oid)
            }
        };
        snapshot.user_type(self.database, found?).cloned()
    }

    fn type_to_change(&self, name: &ObjectName) -> Result<UserType> {
        let made = self.find_made_type(name).ok_or_else(|| {
            Error::new(SqlState::UndefinedObject, format!("type \"{name}\" does not exist"))
        })?;
        if !self.owns(made.owner) {
            let message = format!("must be owner of type {}", made.name);
            return Err(Error::new(SqlState::InsufficientPrivilege, message));
        }
        Ok((*made).clone())
    }

    pub(super) fn check_type_free(&self, schema: u32, name: &str) -> Result<()> {
        if self.snapshot().type_by_name(self.database, schema, name).is_none() {
            return Ok(());
        }
        Err(Error::new(SqlState::DuplicateObject, format!("type \"{name}\" already exists")))
    }

    async fn create_enum(&mut self, name: &ObjectName, labels: &[String]) -> Result<String> {
        let schema = self.creation_schema(name)?;
        self.check_type_free(schema.oid, name.name())?;
        let mut made = Vec::with_capacity(labels.len());
        for (place, label) in (1..).zip(labels) {
            check_label(label)?;
            if made.iter().any(|known: &EnumLabel| known.label == *label) {
                let message = format!("enum label \"{label}\" used more than once");
                return Err(Error::new(SqlState::DuplicateObject, message));
            }
            made.push(EnumLabel { oid: self.new_oid()?, order: STEP * place, label: label.clone() });
        }
        let user_type = UserType {
            oid: self.new_oid()?,
            database: self.database,
            schema: schema.oid,
            name: name.name().to_string(),
            owner: self.role,
            acl: None,
            array_type: self.new_oid()?,
            kind: UserTypeKind::Enum(made),
        };
        self.put_object(Object::Type(Box::new(user_type))).await?;
        Ok("CREATE TYPE".to_string())
    }

    async fn alter_type(&mut self, mut made: UserType, action: &TypeAction) -> Result<()> {
        let is_enum = made.labels().is_some();
        match (action, &mut made.kind) {
            (TypeAction::AddValue { label, if_not_exists, place }, UserTypeKind::Enum(labels)) => {
                check_label(label)?;
                if labels.iter().any(|known| known.label == *label) {
                    let message = format!("enum label \"{label}\" already exists");
                    if *if_not_exists {
                        self.notice(format!("{message}, skipping"));
                        return Ok(());
                    }
                    return Err(Error::new(SqlState::DuplicateObject, message));
                }
                let (index, order) = new_order(labels, place.as_ref())?;
                let oid = self.new_oid()?;
                labels.insert(index, EnumLabel { oid, order, label: label.clone() });
            }
            (TypeAction::RenameValue { from, to }, UserTypeKind::Enum(labels)) => {
                check_label(to)?;
                if labels.iter().any(|known| known.label == *to) {
                    let message = format!("enum label \"{to}\" already exists");
                    return Err(Error::new(SqlState::DuplicateObject, message));
                }
                match labels.iter_mut().find(|known| known.label == *from) {
                    Some(known) => known.label.clone_from(to),
                    None => return Err(no_label(from)),
                }
            }
            (TypeAction::AddValue { .. } | TypeAction::RenameValue { .. }, UserTypeKind::Domain(_)) => {
                let message = format!("{} is not an enum", made.name);
                return Err(Error::new(SqlState::WrongObjectType, message));
            }
            (TypeAction::RenameTo(_) | TypeAction::OwnerTo(_) | TypeAction::SetSchema(_), _) => {
                self.alter_any(&mut made, action)?;
            }
            _ if is_enum => return Err(Error::internal("a clause of ALTER DOMAIN for an enum")),
            _ => return Err(Error::internal("a clause of ALTER DOMAIN in ALTER TYPE")),
        }
        self.put_object(Object::Type(Box::new(made))).await
    }

    /// RENAME TO, OWNER TO, SET SCHEMA.
    pub(super) fn alter_any(&mut self, made: &mut UserType, action: &TypeAction) -> Result<()> {
        match action {
            TypeAction::RenameTo(to) => {
                self.check_type_free(made.schema, &to.text)?;
                made.name.clone_from(&to.text);
            }
            TypeAction::OwnerTo(role) => made.owner = self.new_owner(role)?,
            TypeAction::SetSchema(schema) => {
                let snapshot = self.snapshot();
                let schema = self.schema_by_name(&snapshot, &schema.text)?;
                self.check_type_free(schema.oid, &made.name)?;
                made.schema = schema.oid;
            }
            _ => return Err(Error::internal("a clause of one kind of type alone")),
        }
        Ok(())
    }

    /// DROP TYPE and DROP DOMAIN.
    pub(super) async fn drop_types(&mut self, drop: &Drop) -> Result<String> {
        let (word, tag) = match drop.kind {
            ObjectKind::Domain => ("domain", "DROP DOMAIN"),
            _ => ("type", "DROP TYPE"),
        };
        for name in &drop.names {
            let Some(made) = self.find_made_type(name) else {
                self.missing(drop, "type", name)?;
                continue;
            };
            if word == "domain" && made.domain().is_none() {
                let message = format!("\"{}\" is not a domain", made.name);
                return Err(Error::new(SqlState::WrongObjectType, message));
            }
            self.type_to_change(name)?;
            self.refuse_used(&made, drop.cascade)?;
            self.remove(ObjectKey::Type { database: self.database, oid: made.oid }).await?;
        }
        Ok(tag.to_string())
    }

    fn refuse_used(&self, made: &UserType, cascade: bool) -> Result<()> {
        let snapshot = self.snapshot();
        let mut lines = Vec::new();
        for oid in [made.oid, made.array_type].into_iter().filter(|oid| *oid != 0) {
            for edge in snapshot.dependents(self.database, ObjectAddress::new(PG_TYPE_CLASS, oid)) {
                if edge.kind != DependencyKind::Internal {
                    let dependent = super::drop::describe(&snapshot, self.database, edge.dependent);
                    let suffix = if oid == made.oid { "" } else { "[]" };
                    lines.push(format!("{dependent} depends on type {}{suffix}", made.name));
                }
            }
        }
        if lines.is_empty() {
            return Ok(());
        }
        if cascade {
            return Err(
                Error::unsupported("DROP ... CASCADE of a type that is in use").detail(lines.join("\n"))
            );
        }
        let message = format!("cannot drop type {} because other objects depend on it", made.name);
        Err(Error::new(SqlState::DependentObjectsStillExist, message)
            .detail(lines.join("\n"))
            .hint("Use DROP ... CASCADE to drop the dependent objects too."))
    }

    /// The address of an enum or domain, for COMMENT.
    pub(super) fn type_address(&self, name: &ObjectName) -> Result<ObjectAddress> {
        self.type_to_change(name).map(|made| ObjectAddress::new(PG_TYPE_CLASS, made.oid))
    }

    pub(super) fn domain_address(&self, name: &ObjectName) -> Result<ObjectAddress> {
        let made = self.type_to_change(name)?;
        if made.domain().is_none() {
            let message = format!("\"{}\" is not a domain", made.name);
            return Err(Error::new(SqlState::WrongObjectType, message));
        }
        Ok(ObjectAddress::new(PG_TYPE_CLASS, made.oid))
    }
}

fn no_label(label: &str) -> Error {
    Error::new(SqlState::InvalidParameterValue, format!("\"{label}\" is not an existing enum label"))
}

fn check_label(label: &str) -> Result<()> {
    if label.len() <= LONGEST_LABEL {
        return Ok(());
    }
    Err(Error::new(SqlState::InvalidName, format!("invalid enum label \"{label}\""))
        .detail(format!("Labels must be {LONGEST_LABEL} bytes or less.")))
}

/// Where a new label goes, and its order: halfway between its neighbours.
fn new_order(labels: &[EnumLabel], place: Option<&(bool, String)>) -> Result<(usize, u64)> {
    let index = match place {
        None => labels.len(),
        Some((before, neighbour)) => {
            let found = labels.iter().position(|known| known.label == *neighbour);
            let found = found.ok_or_else(|| no_label(neighbour))?;
            if *before { found } else { found + 1 }
        }
    };
    let below = index.checked_sub(1).and_then(|index| labels.get(index)).map_or(0, |label| label.order);
    let order = match labels.get(index) {
        Some(above) => below + (above.order - below) / 2,
        None => below + STEP,
    };
    if order == below {
        return Err(Error::unsupported("a further enum label at this place, between labels without room,"));
    }
    Ok((index, order))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(order: u64, text: &str) -> EnumLabel {
        EnumLabel { oid: 0, order, label: text.to_string() }
    }

    #[test]
    fn new_labels_come_between_their_neighbours() {
        let labels = [label(STEP, "a"), label(2 * STEP, "b")];
        assert_eq!(new_order(&labels, None).unwrap(), (2, 3 * STEP));
        assert_eq!(new_order(&labels, Some(&(true, "a".to_string()))).unwrap(), (0, STEP / 2));
        assert_eq!(new_order(&labels, Some(&(false, "a".to_string()))).unwrap(), (1, STEP + STEP / 2));
        assert!(new_order(&labels, Some(&(false, "c".to_string()))).is_err());
        let close = [label(1, "a"), label(2, "b")];
        assert!(new_order(&close, Some(&(false, "a".to_string()))).is_err());
    }
}
