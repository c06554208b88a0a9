//! What an expression may ask for besides its arguments.

use std::sync::Arc;

use engine::Value;

use crate::error::{Error, Result};
use crate::functions::Rows;
use crate::types::{Names, NoNames};

/// The settings of a session that change what a function answers. Everything else a function asks by name.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name as in the tz database, or a POSIX-like offset, as SHOW TimeZone prints it.
    pub time_zone: Arc<str>,
    pub date_style: DateStyle,
    pub date_order: DateOrder,
    pub interval_style: IntervalStyle,
    /// 1 and above: shortest text that reads back to the same float.
    pub extra_float_digits: i32,
    pub bytea_hex: bool,
    pub standard_conforming_strings: bool,
    /// Schemas searched, in order, `$user` resolved, pg_catalog implied first unless named.
    pub search_path: Arc<[Arc<str>]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DateStyle {
    Iso,
    Sql,
    Postgres,
    German,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DateOrder {
    MonthDayYear,
    DayMonthYear,
    YearMonthDay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntervalStyle {
    Postgres,
    PostgresVerbose,
    SqlStandard,
    Iso8601,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            time_zone: Arc::from("UTC"),
            date_style: DateStyle::Iso,
            date_order: DateOrder::MonthDayYear,
            interval_style: IntervalStyle::Postgres,
            extra_float_digits: 1,
            bytea_hex: true,
            standard_conforming_strings: true,
            search_path: Arc::from([Arc::from("public")]),
        }
    }
}

/// The session's side of functions that need more than values: sequences, the catalog, facts about sessions.
/// Implemented by `session`; every method answers without blocking.
pub trait Environment: Send + Sync {
    /// The catalog as this statement sees it.
    fn catalog(&self) -> Arc<catalog::Snapshot>;
    /// Oid of the current database.
    fn database(&self) -> u32;
    /// The names of objects, for the text forms of the `reg…` types and of types made by users.
    fn names(&self) -> Arc<dyn Names> {
        Arc::new(NoNames)
    }
    fn current_user(&self) -> Arc<str>;
    fn session_user(&self) -> Arc<str>;
    fn backend_pid(&self) -> i32;
    fn setting(&self, name: &str) -> Option<String>;
    fn set_setting(&self, name: &str, value: &str, local: bool) -> Result<()>;
    fn next_value(&self, sequence: u32) -> Result<i64>;
    fn current_value(&self, sequence: u32) -> Result<i64>;
    fn last_value(&self) -> Result<i64>;
    fn set_value(&self, sequence: u32, value: i64, called: bool) -> Result<()>;
    /// The engine clock: microseconds since 2000-01-01 UTC.
    fn clock_micros(&self) -> i64;
    /// Functions about live state (pg_cancel_backend, pg_relation_size, advisory locks ...), by pg_proc oid.
    fn system_call(&self, function: u32, arguments: &[Value]) -> Result<Value>;
    /// Functions that give rows which only the session can read, by pg_proc oid. May wait for a moment to be settled.
    fn rows_call(&self, function: u32, context: &Context, arguments: &[Value]) -> Result<Box<dyn Rows>> {
        let _ = (context, arguments);
        Err(Error::unsupported(format!("function with OID {function}")))
    }
}

/// One execution of one statement, as its expressions see it. Shared by every thread that works on it.
#[derive(Clone)]
pub struct Context {
    pub settings: Arc<Settings>,
    pub parameters: Arc<[Value]>,
    /// Microseconds since 2000-01-01 UTC: now().
    pub transaction_micros: i64,
    /// statement_timestamp().
    pub statement_micros: i64,
    pub environment: Arc<dyn Environment>,
}
