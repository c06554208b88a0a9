//! Statements of definition: CREATE, ALTER, DROP and their kin, one kind of object a file.
//!
//! A definition changes three things in one transaction: the engine's tables and indexes, the catalog's rows, and the
//! transaction's own overlay of the catalog, which later statements of the same transaction read. The commit's hook
//! publishes the overlay's changes; a rollback, also to a savepoint, undoes all three.
//!
//! Invariants. The relation is locked, in PostgreSQL's mode, before its catalog entry is read for good. A change is in
//! the overlay only after its row was written, so that two creators of one name meet in the engine: the later one
//! waits, and gets the same error as in PostgreSQL. Options that change nothing here are on one list (`options`).

mod alter_table;
mod attribute;
mod column;
mod comment;
mod constraint;
mod database;
mod definer;
mod domain;
mod drop;
mod extension;
mod grant;
mod index;
mod materialized_view;
mod options;
mod owner;
mod rename;
pub(crate) mod retention;
mod role;
mod schema;
mod sequence;
mod shape;
mod table;
mod temporary;
mod undrop;
mod user_type;
mod validate;
mod vector_index;
mod view;

pub use definer::Definer;
pub(crate) use definer::catalog_error;

use crate::error::{Error, Result};
use crate::parse::syntax::Statement;

/// Carries a statement of definition out; gives its command tag.
pub async fn execute(definer: &mut Definer, statement: &Statement) -> Result<String> {
    match statement {
        Statement::CreateTable(create) => definer.create_table(create).await,
        Statement::CreateView(create) => definer.create_view(create).await,
        Statement::CreateIndex(create) => definer.create_index(create).await,
        Statement::CreateSequence(create) => definer.create_sequence(create).await,
        Statement::CreateSchema(create) => definer.create_schema(create).await,
        Statement::CreateRole(create) => definer.create_role(create).await,
        Statement::CreateDatabase(create) => definer.create_database(create).await,
        Statement::CreateExtension(create) => definer.create_extension(create).await,
        Statement::AlterExtension(alter) => definer.alter_extension(alter).await,
        Statement::TypeDefinition(definition) => definer.define_type(definition).await,
        Statement::AlterTable(alter) => definer.alter_table(alter).await,
        Statement::AlterSequence(alter) => definer.alter_sequence(alter).await,
        Statement::AlterRole(alter) => definer.alter_role(alter).await,
        Statement::AlterDatabase(alter) => definer.alter_database(alter).await,
        Statement::AlterOwner(alter) => definer.alter_owner(alter).await,
        Statement::Rename(rename) => definer.rename(rename).await,
        Statement::Drop(drop) => definer.drop(drop).await,
        Statement::Comment(comment) => definer.comment(comment).await,
        Statement::Grant(grant) => definer.grant(grant).await,
        Statement::GrantRole(grant) => definer.grant_role(grant).await,
        Statement::Query(_)
        | Statement::Insert(_)
        | Statement::Update(_)
        | Statement::Delete(_)
        | Statement::Copy(_)
        | Statement::Explain(_)
        | Statement::CreateTableAs(_)
        | Statement::DeclareCursor(_)
        | Statement::Subscribe(_)
        | Statement::Truncate(_)
        | Statement::Transaction(_)
        | Statement::Set(_)
        | Statement::Show(_)
        | Statement::Reset(_)
        | Statement::Discard(_)
        | Statement::Prepare(_)
        | Statement::Execute(_)
        | Statement::Deallocate(_)
        | Statement::Fetch(_)
        | Statement::CloseCursor(_)
        | Statement::Listen(_)
        | Statement::Unlisten(_)
        | Statement::Notify { .. }
        | Statement::Lock(_)
        | Statement::Checkpoint
        | Statement::Backup(_)
        | Statement::Vacuum(_)
        | Statement::Refresh(_)
        | Statement::Reindex(_)
        | Statement::Time(_)
        | Statement::Revert(_) => Err(Error::internal("not a statement of definition")),
    }
}
