//! Statements about transactions, settings, cursors, prepared statements and notifications, as written.

use super::{Expression, Name, ObjectName, OptionValue, Query, Statement, TypeName, UtilityOption};

#[derive(Clone, Debug, PartialEq)]
pub enum Transaction {
    /// BEGIN or START TRANSACTION.
    Begin(TransactionModes),
    Commit {
        chain: bool,
    },
    /// ROLLBACK or ABORT.
    Rollback {
        chain: bool,
    },
    Savepoint(Name),
    Release(Name),
    RollbackTo(Name),
    Prepare(String),
    CommitPrepared(String),
    RollbackPrepared(String),
}

/// What a transaction-mode list says; None where it is silent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransactionModes {
    pub isolation: Option<IsolationLevel>,
    pub read_only: Option<bool>,
    pub deferrable: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsolationLevel {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetScope {
    Session,
    Local,
}

/// SET in all its forms. TIME ZONE, NAMES, SCHEMA, ROLE and SESSION AUTHORIZATION arrive as the setting they set.
#[derive(Clone, Debug, PartialEq)]
pub enum Set {
    Setting { scope: SetScope, name: String, value: SettingValue },
    Transaction { modes: TransactionModes },
    TransactionSnapshot(String),
    SessionCharacteristics { modes: TransactionModes },
    Constraints { names: Vec<ObjectName>, deferred: bool },
}

#[derive(Clone, Debug, PartialEq)]
pub enum SettingValue {
    Default,
    /// FROM CURRENT (ALTER ROLE/DATABASE ... SET).
    FromCurrent,
    /// Each item as SHOW would print it; numbers and words keep their text.
    Values(Vec<SettingItem>),
}

/// One value of SET. Lists of identifiers (search_path) need to know which were quoted.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingItem {
    /// A word or identifier, already folded.
    Word(String),
    String(String),
    Number(String),
    /// SET TIME ZONE INTERVAL '...': the literal and the type.
    Interval(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Discard {
    All,
    Plans,
    Sequences,
    Temporary,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Prepare {
    pub name: Name,
    pub types: Vec<TypeName>,
    pub statement: Box<Statement>,
    /// The bytes of the inner statement in the text.
    pub start: u32,
    pub end: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Execute {
    pub name: Name,
    pub arguments: Vec<Expression>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DeclareCursor {
    pub name: Name,
    pub binary: bool,
    pub insensitive: Option<bool>,
    /// None where neither SCROLL nor NO SCROLL is said.
    pub scroll: Option<bool>,
    pub hold: bool,
    pub source: CursorSource,
}

/// What a cursor reads.
#[derive(Clone, Debug, PartialEq)]
pub enum CursorSource {
    Query(Box<Query>),
    Subscribe(Box<Subscribe>),
}

/// SUBSCRIBE: the changes of a query's rows, without end. A table's name is a query of all its columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscribe {
    pub query: Query,
    /// WITH (...).
    pub options: Vec<UtilityOption>,
    pub as_of: Option<Expression>,
    pub up_to: Option<Expression>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Fetch {
    pub name: Name,
    pub direction: FetchDirection,
    /// MOVE instead of FETCH.
    pub only_move: bool,
    /// WITH (...) of a cursor over SUBSCRIBE.
    pub options: Vec<UtilityOption>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchDirection {
    /// Rows forward (backward where negative); `i64::MAX` for ALL.
    Forward(i64),
    Backward(i64),
    Absolute(i64),
    Relative(i64),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Explain {
    pub options: Vec<UtilityOption>,
    pub statement: Box<Statement>,
}

impl UtilityOption {
    /// The value of a boolean option as PostgreSQL reads it: absent is true; None where it is no boolean.
    pub fn boolean(&self) -> Option<bool> {
        let word = match &self.value {
            None => return Some(true),
            Some(OptionValue::Word(word) | OptionValue::String(word) | OptionValue::Number(word)) => word,
            Some(OptionValue::Star | OptionValue::List(_)) => return None,
        };
        match word.to_ascii_lowercase().as_str() {
            "true" | "on" | "1" => Some(true),
            "false" | "off" | "0" => Some(false),
            _ => None,
        }
    }
}
