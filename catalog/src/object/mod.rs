//! The objects a catalog holds, as they are stored: JSON, closed, versioned by [`FORMAT`].
//!
//! Every object has a stable oid from a logged counter, never reused; names may change. What only `sql` understands
//! (expressions, queries) is a [`StoredExpression`], opaque here but for what it depends on.

mod acl;
mod change;
mod cluster;
mod comment;
mod constraint;
mod expression;
mod index;
mod relation;
mod schema;
mod sequence;
mod user_type;

pub use acl::{AclItem, DefaultAcl, ObjectKind, Privileges, acl_text};
pub use change::{Change, FORMAT, Object, ObjectKey};
pub use cluster::{Database, Role, RoleMembership, Setting};
pub use comment::Comment;
pub use constraint::{Constraint, ConstraintKind, ForeignKey, MatchKind, ReferentialAction};
pub use expression::{ObjectAddress, StoredExpression};
pub use index::{Index, IndexKey, IndexSource};
pub use relation::{
    Column, ColumnDefault, GroupTable, Identity, MaterializedView, Persistence, Refresh, Relation,
    RelationKind, Table, View, ViewCheck,
};
pub use schema::{Extension, Schema};
pub use sequence::Sequence;
pub use user_type::{Domain, DomainCheck, EnumLabel, UserType, UserTypeKind};
