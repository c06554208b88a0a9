//! GRANT and REVOKE of privileges on relations, schemas and databases.

use std::sync::Arc;

use catalog::{AclItem, Database, Object, ObjectKind as AclKind, Privileges, Relation, RelationKind, Schema};

use super::Definer;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{Grant, GrantTarget, ObjectKind, RoleName};

impl Definer {
    pub(super) async fn grant(&mut self, grant: &Grant) -> Result<String> {
        if grant.granted_by.is_some() {
            return Err(Error::unsupported("GRANTED BY"));
        }
        let tag = if grant.revoke { "REVOKE" } else { "GRANT" }.to_string();
        let grantees = grant
            .grantees
            .iter()
            .map(|name| match name {
                RoleName::Public => Ok(0),
                named => self.role_named(named).map(|role| role.oid),
            })
            .collect::<Result<Vec<u32>>>()?;
        match &grant.target {
            GrantTarget::AllInSchema { kind, schemas } => {
                for schema in schemas {
                    let snapshot = self.snapshot();
                    let schema = self.schema_by_name(&snapshot, &schema.text)?.oid;
                    let members: Vec<Arc<Relation>> = snapshot
                        .relations(self.database)
                        .filter(|relation| relation.schema == schema && wanted(relation, *kind))
                        .cloned()
                        .collect();
                    for relation in members {
                        self.grant_relation(&relation, grant, &grantees).await?;
                    }
                }
            }
            GrantTarget::Objects { kind, names } => {
                for name in names {
                    match kind {
                        ObjectKind::Table | ObjectKind::Sequence | ObjectKind::View => {
                            let relation = self.relation(name)?;
                            self.grant_relation(&relation, grant, &grantees).await?;
                        }
                        ObjectKind::Schema => self.grant_schema(name.name(), grant, &grantees).await?,
                        ObjectKind::Database => self.grant_database(name.name(), grant, &grantees).await?,
                        other => {
                            let kind = format!("{other:?}").to_uppercase();
                            return Err(Error::unsupported(format!("GRANT ON {kind}")));
                        }
                    }
                }
            }
        }
        Ok(tag)
    }

    async fn grant_relation(&mut self, relation: &Relation, grant: &Grant, grantees: &[u32]) -> Result<()> {
        if grant.privileges.iter().any(|privilege| !privilege.columns.is_empty()) {
            return Err(Error::unsupported("column privileges"));
        }
        self.check_owner(relation)?;
        let kind = match relation.kind {
            RelationKind::Sequence(_) => AclKind::Sequence,
            RelationKind::Table(_)
            | RelationKind::View(_)
            | RelationKind::MaterializedView(_)
            | RelationKind::Index(_)
            | RelationKind::System { .. } => AclKind::Relation,
        };
        let privileges = privileges_of(grant, kind)?;
        let acl =
            changed(relation.acl.as_deref(), kind, relation.owner, self.role, grant, privileges, grantees);
        self.put_relation(Relation { acl: Some(acl), ..relation.clone() }).await
    }

    async fn grant_schema(&mut self, name: &str, grant: &Grant, grantees: &[u32]) -> Result<()> {
        let schema = self.schema_by_name(&self.snapshot(), name)?;
        self.check_named_owner(schema.owner, "schema", name)?;
        let kind = AclKind::Schema;
        let privileges = privileges_of(grant, kind)?;
        let acl = changed(schema.acl.as_deref(), kind, schema.owner, self.role, grant, privileges, grantees);
        self.put(Object::Schema(Schema { acl: Some(acl), ..(*schema).clone() })).await
    }

    async fn grant_database(&mut self, name: &str, grant: &Grant, grantees: &[u32]) -> Result<()> {
        let database = self.database_named(name)?;
        self.check_named_owner(database.owner, "database", name)?;
        let kind = AclKind::Database;
        let privileges = privileges_of(grant, kind)?;
        let acl =
            changed(database.acl.as_deref(), kind, database.owner, self.role, grant, privileges, grantees);
        self.put(Object::Database(Database { acl: Some(acl), ..(*database).clone() })).await
    }
}

fn wanted(relation: &Relation, kind: ObjectKind) -> bool {
    match kind {
        ObjectKind::Sequence => relation.as_sequence().is_some(),
        _ => relation.as_table().is_some() || relation.as_view().is_some(),
    }
}

fn privileges_of(grant: &Grant, kind: AclKind) -> Result<Privileges> {
    let all = Privileges::all(kind);
    if grant.privileges.is_empty() {
        return Ok(all);
    }
    grant.privileges.iter().try_fold(Privileges::NONE, |set, privilege| {
        let found = Privileges::by_name(&privilege.name).ok_or_else(|| {
            let message = format!("unrecognized privilege type \"{}\"", privilege.name);
            Error::new(SqlState::SyntaxError, message)
        })?;
        if !all.contains(found) {
            let message = format!(
                "invalid privilege type {} for {}",
                privilege.name.to_uppercase(),
                format!("{kind:?}").to_lowercase()
            );
            return Err(Error::new(SqlState::InvalidGrantOperation, message));
        }
        Ok(set | found)
    })
}

/// The access list after a grant or a revocation; one that was NULL starts from its defaults.
fn changed(
    old: Option<&[AclItem]>,
    kind: AclKind,
    owner: u32,
    grantor: u32,
    grant: &Grant,
    privileges: Privileges,
    grantees: &[u32],
) -> Vec<AclItem> {
    let mut acl = old.map_or_else(|| AclItem::defaults(kind, owner), <[AclItem]>::to_vec);
    // A superuser grants in the owner's name, as in PostgreSQL.
    let grantor = if acl.iter().any(|item| item.grantee == grantor && !item.grantable.is_empty()) {
        grantor
    } else {
        owner
    };
    for grantee in grantees {
        let place = acl.iter_mut().find(|item| item.grantee == *grantee && item.grantor == grantor);
        match (grant.revoke, place) {
            (false, Some(item)) => {
                item.privileges = item.privileges | privileges;
                if grant.grant_option {
                    item.grantable = item.grantable | privileges;
                }
            }
            (false, None) => {
                let grantable = if grant.grant_option { privileges } else { Privileges::NONE };
                acl.push(AclItem { grantee: *grantee, grantor, privileges, grantable });
            }
            (true, Some(item)) => {
                item.grantable = item.grantable.without(privileges);
                if !grant.grant_option {
                    item.privileges = item.privileges.without(privileges);
                }
            }
            (true, None) => {}
        }
    }
    acl.retain(|item| !item.privileges.is_empty());
    acl
}
