//! Whether the role at work may do what a statement does to relations.
//!
//! A view is read with its owner's privileges: who may read the view may read, through it, what it stands on.

use std::collections::BTreeSet;

use catalog::{Privileges, Relation, Snapshot, builtin};

use super::prepared::{Analysis, Work};
use super::session::Session;
use crate::error::{Error, Result, SqlState};

impl Session {
    /// 42501 for the first relation that the role may not use so.
    pub(super) fn check_privileges(&self, analysis: &Analysis) -> Result<()> {
        let role = {
            let identity = self.shared.identity.lock();
            if identity.superuser {
                return Ok(());
            }
            identity.current_oid
        };
        let catalog = self.catalog();
        let check = Check { catalog: &catalog, database: self.shared.entry.database_oid, role };
        let (target, privilege) = match &analysis.work {
            Work::Query { .. } => (None, Privileges::SELECT),
            Work::Insert { insert, .. } => (Some(insert.model.oid), Privileges::INSERT),
            Work::Update { update, .. } => (Some(update.model.oid), Privileges::UPDATE),
            Work::Delete { delete, .. } => (Some(delete.model.oid), Privileges::DELETE),
            Work::Utility => return Ok(()),
        };
        if let Some(target) = target {
            check.require(target, privilege)?;
        }
        // INSERT alone reads nothing of its target.
        let unread = match &analysis.work {
            Work::Insert { .. } if analysis.description.is_none() => target,
            _ => None,
        };
        let through_views = check.through_views(&analysis.objects);
        for object in &analysis.objects {
            if Some(*object) != unread && !through_views.contains(object) {
                check.require(*object, Privileges::SELECT)?;
            }
        }
        self.check_past(&check, analysis)
    }

    /// Reads of the past use today's privileges; what is gone can be read by its last owner.
    fn check_past(&self, check: &Check<'_>, analysis: &Analysis) -> Result<()> {
        for used in &analysis.past {
            let mut covered = BTreeSet::new();
            loop {
                let before = covered.len();
                for relation in &used.relations {
                    let Some(view) = relation.as_view() else { continue };
                    if covered.contains(&relation.oid) || self.may_read_past(check, relation)? {
                        let below = view.query.dependencies.iter();
                        let below = below.filter(|address| address.class == builtin::PG_CLASS_CLASS);
                        covered.extend(below.map(|address| address.object));
                    }
                }
                if covered.len() == before {
                    break;
                }
            }
            for relation in used.relations.iter().filter(|relation| !covered.contains(&relation.oid)) {
                if !self.may_read_past(check, relation)? {
                    return Err(denied(relation));
                }
            }
        }
        Ok(())
    }

    fn may_read_past(&self, check: &Check<'_>, relation: &Relation) -> Result<bool> {
        match check.catalog.relation(check.database, relation.oid) {
            Some(today) => Ok(check.allows(today, Privileges::SELECT)),
            None => {
                let owner = self.last_owner(relation.oid)?;
                Ok(owner
                    .is_some_and(|owner| check.catalog.has_privileges_of(check.database, check.role, owner)))
            }
        }
    }

    /// 42501 unless the role may do this to a table: COPY FROM, TRUNCATE, LOCK.
    pub(super) fn check_table_privilege(&self, table: u32, privilege: Privileges) -> Result<()> {
        let (role, superuser) = {
            let identity = self.shared.identity.lock();
            (identity.current_oid, identity.superuser)
        };
        if superuser {
            return Ok(());
        }
        let catalog = self.catalog();
        Check { catalog: &catalog, database: self.shared.entry.database_oid, role }.require(table, privilege)
    }
}

/// Whether a role may read a table.
pub(crate) fn may_read_table(catalog: &Snapshot, database: u32, role: u32, relation: &Relation) -> bool {
    Check { catalog, database, role }.allows(relation, Privileges::SELECT)
}

/// 42501 for the first of the relations that a role may not read, itself or through a view.
pub(super) fn may_read(catalog: &Snapshot, database: u32, role: u32, objects: &[u32]) -> Result<()> {
    let denied = || Error::new(SqlState::InsufficientPrivilege, "permission denied: the role does not exist");
    if catalog.role(role).ok_or_else(denied)?.superuser {
        return Ok(());
    }
    let check = Check { catalog, database, role };
    let through_views = check.through_views(objects);
    for object in objects.iter().filter(|object| !through_views.contains(object)) {
        check.require(*object, Privileges::SELECT)?;
    }
    Ok(())
}

pub(super) fn denied(relation: &Relation) -> Error {
    Error::new(
        SqlState::InsufficientPrivilege,
        format!("permission denied for {} {}", relation.kind_name(), relation.name),
    )
}

pub(super) struct Check<'a> {
    pub catalog: &'a Snapshot,
    pub database: u32,
    pub role: u32,
}

impl Check<'_> {
    fn require(&self, oid: u32, privilege: Privileges) -> Result<()> {
        let Some(relation) = self.catalog.relation(self.database, oid) else { return Ok(()) };
        if relation.is_system() || self.allows(relation, privilege) {
            return Ok(());
        }
        Err(denied(relation))
    }

    pub(super) fn allows(&self, relation: &Relation, privilege: Privileges) -> bool {
        if self.catalog.has_privileges_of(self.database, self.role, relation.owner) {
            return true;
        }
        let roles = self.catalog.privileged_roles(self.database, self.role);
        let columns = relation.live_columns().filter_map(|column| column.acl.as_ref());
        columns.chain(relation.acl.as_ref()).flatten().any(|item| {
            (item.grantee == 0 || roles.contains(&item.grantee)) && item.privileges.contains(privilege)
        })
    }

    /// The relations that views the role may read stand on.
    fn through_views(&self, objects: &[u32]) -> BTreeSet<u32> {
        let mut covered = BTreeSet::new();
        loop {
            let before = covered.len();
            for oid in objects {
                let Some(relation) = self.catalog.relation(self.database, *oid) else { continue };
                let Some(view) = relation.as_view() else { continue };
                if covered.contains(oid) || self.allows(relation, Privileges::SELECT) {
                    let below = view.query.dependencies.iter();
                    covered.extend(
                        below
                            .filter(|address| address.class == builtin::PG_CLASS_CLASS)
                            .map(|address| address.object),
                    );
                }
            }
            if covered.len() == before {
                return covered;
            }
        }
    }
}
