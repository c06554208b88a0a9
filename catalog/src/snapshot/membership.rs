//! Roles within roles.

use std::collections::BTreeSet;

use super::Snapshot;
use crate::bootstrap::DATABASE_OWNER_ROLE;

impl Snapshot {
    /// Every role whose privileges `role` has in a database: itself, and what it belongs to, through roles that
    /// inherit. The owner of the database belongs to pg_database_owner.
    pub fn privileged_roles(&self, database: u32, role: u32) -> BTreeSet<u32> {
        self.closure(database, role, true)
    }

    /// Whether `member` is, directly or not, a member of `role` (itself included): SET ROLE's question. A superuser
    /// is a member of every role.
    pub fn is_member(&self, database: u32, member: u32, role: u32) -> bool {
        self.is_superuser(member) || self.closure(database, member, false).contains(&role)
    }

    /// Whether `member` has the privileges of `role`.
    pub fn has_privileges_of(&self, database: u32, member: u32, role: u32) -> bool {
        self.is_superuser(member) || self.closure(database, member, true).contains(&role)
    }

    pub fn is_superuser(&self, role: u32) -> bool {
        self.role(role).is_some_and(|role| role.superuser)
    }

    /// Whether making `member` a member of `role` would close a circle.
    pub fn would_circle(&self, role: u32, member: u32) -> bool {
        self.closure(0, role, false).contains(&member)
    }

    fn closure(&self, database: u32, start: u32, inheriting: bool) -> BTreeSet<u32> {
        let mut found = BTreeSet::from([start]);
        let mut pending = vec![start];
        if self.database(database).is_some_and(|database| database.owner == start) {
            found.insert(DATABASE_OWNER_ROLE);
            pending.push(DATABASE_OWNER_ROLE);
        }
        while let Some(member) = pending.pop() {
            if inheriting && !self.role(member).is_some_and(|role| role.inherit) {
                continue;
            }
            for membership in self.memberships().filter(|membership| membership.member == member) {
                if found.insert(membership.role) {
                    pending.push(membership.role);
                }
            }
        }
        found
    }
}
