//! Names to ids, types, roles: immutable snapshots versioned in time, and the shapes of pg_catalog.
//!
//! [`builtin`] is what every database has from birth; [`object`] is what users make; a [`Snapshot`] is both as of one
//! moment, and changes only by applying [`Change`]s. Definitions that only `sql` understands are opaque here.

pub mod bootstrap;
pub mod builtin;
pub mod object;
mod shapes;
mod snapshot;
pub mod store;
pub mod system;

pub use object::{
    AclItem, Change, Column, ColumnDefault, Comment, Constraint, ConstraintKind, Database, DefaultAcl,
    Domain, DomainCheck, EnumLabel, Extension, ForeignKey, Identity, Index, IndexKey, IndexSource, MatchKind,
    MaterializedView, Object, ObjectAddress, ObjectKey, ObjectKind, Persistence, Privileges,
    ReferentialAction, Refresh, Relation, RelationKind, Role, RoleMembership, Schema, Sequence, Setting,
    StoredExpression, Table, UserType, UserTypeKind, View, ViewCheck,
};
pub use shapes::{system_relation, system_relation_by_name, system_relation_by_oid, system_relations};
pub use snapshot::{Dependency, DependencyKind, Snapshot, TEMPORARY_SCHEMA, is_temporary_schema};
pub use store::{Catalog, Overlay, OverlayMark, Written};
