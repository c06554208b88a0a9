//! One statement.

use super::*;
use crate::tree::LockWait;

/// A statement as written. What this server refuses as a whole never gets here: the parser names it.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    Query(Box<Query>),
    Insert(Box<Insert>),
    Update(Box<Update>),
    Delete(Box<Delete>),
    Copy(Box<Copy>),
    Explain(Explain),
    CreateTable(Box<CreateTable>),
    CreateTableAs(Box<CreateTableAs>),
    CreateView(Box<CreateView>),
    CreateIndex(Box<CreateIndex>),
    CreateSequence(CreateSequence),
    CreateSchema(CreateSchema),
    CreateRole(CreateRole),
    CreateDatabase(CreateDatabase),
    CreateExtension(CreateExtension),
    AlterExtension(AlterExtension),
    TypeDefinition(Box<TypeDefinition>),
    AlterTable(Box<AlterTable>),
    AlterSequence(AlterSequence),
    AlterRole(AlterRole),
    AlterDatabase(AlterDatabase),
    AlterOwner(AlterOwner),
    Rename(Rename),
    Drop(Drop),
    Truncate(Truncate),
    Comment(Comment),
    Grant(Grant),
    GrantRole(GrantRole),
    Transaction(Transaction),
    Set(Set),
    /// None for SHOW ALL.
    Show(Option<String>),
    /// None for RESET ALL.
    Reset(Option<String>),
    Discard(Discard),
    Prepare(Prepare),
    Execute(Execute),
    /// None for DEALLOCATE ALL.
    Deallocate(Option<Name>),
    DeclareCursor(DeclareCursor),
    Fetch(Fetch),
    /// None for CLOSE ALL.
    CloseCursor(Option<Name>),
    Subscribe(Box<Subscribe>),
    Listen(Name),
    /// None for UNLISTEN *.
    Unlisten(Option<Name>),
    Notify {
        channel: Name,
        payload: Option<String>,
    },
    Lock(LockTable),
    Checkpoint,
    /// BACKUP TO a directory of the server.
    Backup(String),
    Vacuum(Vacuum),
    Refresh(Refresh),
    Reindex(Reindex),
    Time(TimeStatement),
    Revert(Box<Revert>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct LockTable {
    pub tables: Vec<ObjectName>,
    pub mode: TableLockMode,
    /// Block or NoWait.
    pub wait: LockWait,
}

/// PostgreSQL's eight relation lock modes, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableLockMode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

/// VACUUM and ANALYZE.
#[derive(Clone, Debug, PartialEq)]
pub struct Vacuum {
    /// False for ANALYZE alone.
    pub vacuum: bool,
    pub analyze: bool,
    pub options: Vec<UtilityOption>,
    pub tables: Vec<(ObjectName, Vec<Name>)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Refresh {
    pub name: ObjectName,
    pub concurrently: bool,
    pub with_data: bool,
}

/// Statements about the past.
#[derive(Clone, Debug, PartialEq)]
pub enum TimeStatement {
    /// Without a moment: the present one.
    CreateSnapshot {
        name: Name,
        moment: Option<Expression>,
    },
    DropSnapshot {
        name: Name,
        if_exists: bool,
    },
    /// RESTORE TABLE ... TO SYSTEM_TIME AS OF
    RestoreTable {
        table: ObjectName,
        moment: Expression,
    },
    UndropTable {
        table: ObjectName,
    },
}

/// SELECT strata.revert(...) [AS label]: a change of a row, in the form of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Revert {
    pub call: FunctionCall,
    pub label: Option<Name>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Reindex {
    /// index, table, schema, database or system.
    pub target: String,
    pub name: ObjectName,
    pub concurrently: bool,
    pub options: Vec<UtilityOption>,
}
