//! Names to numbers, expressions to types: statements as written become typed trees.
//!
//! The rules are PostgreSQL's: name resolution, candidate selection, implicit casts, output names, error wording and
//! positions. Analysis is closed: every node of the syntax tree is either given a meaning or refused by name.
//!
//! An [`Environment`] says what analysis may look at; [`statement`] analyzes a query or a modification, and
//! [`table_expression`] an expression that a table's definition holds. What comes out names objects by oid, columns
//! of tables by attribute number, and every other column by a number unique in the statement.

mod aggregate;
mod call;
mod candidate;
mod clause;
mod coerce;
mod collation;
mod column;
mod common;
mod compare;
mod conflict;
mod delete;
mod expression;
mod former;
mod from;
mod function;
mod group;
mod history;
mod insert;
mod item;
mod join;
mod literal;
mod operator;
mod order;
mod parameter;
mod past;
mod polymorphic;
mod prune;
mod query;
mod relation;
mod returning;
mod revert;
mod scope;
mod select;
mod set_operation;
mod special;
mod statement;
mod stored;
mod subquery;
mod subscribe;
mod table_expression;
mod target;
mod time;
mod type_name;
mod types;
mod update;
mod values;
mod view_read;
mod window;

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use catalog::Snapshot;
use parking_lot::Mutex;

use crate::error::Result;
use crate::tree::{ColumnNumber, Expression, TimeClause, Type};
use crate::types::InputSettings;

pub use group::{Placeless, same};
pub use past::PastUse;
pub use revert::AnalyzedRevert;
pub use statement::{Analyzed, AnalyzedStatement, CopyTarget, argument, moment, statement, view_definition};
pub use stored::{
    STORED_VERSION, stored_expression, stored_query, to_stored_expression, to_stored_query,
    written_expression, written_query,
};
pub use subscribe::AnalyzedSubscribe;
pub use table_expression::{Purpose, TableColumns, table_expression};
pub use type_name::{VALUE, domain_rules, resolve_declared_type, resolve_type};
pub use view_read::{StoredChange, ViewDecision, ViewRead, read_views};

/// The catalog as of a time clause: at its moment, or at the end of its period. None where the moment cannot be known
/// yet (a parameter), in which case the current catalog gives the shape.
pub type PastCatalog<'a> = &'a dyn Fn(&TimeClause) -> Result<Option<Arc<Snapshot>>>;

/// The versions that a relation had up to the end of a time clause, oldest first, each with the microsecond at which it
/// began.
pub type RelationVersions<'a> = &'a dyn Fn(u32, &TimeClause) -> Result<Vec<(i64, catalog::Relation)>>;

/// What analysis may look at.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    pub catalog: &'a Snapshot,
    /// Oid of the current database.
    pub database: u32,
    /// Schemas searched, `$user` resolved; pg_catalog is implied first unless named.
    pub search_path: &'a [Arc<str>],
    /// How literals are read.
    pub input: InputSettings<'a>,
    pub past: Option<PastCatalog<'a>>,
    pub versions: Option<RelationVersions<'a>>,
    /// Where the relations of today that were met are noted, for a caller whose analysis fails: what it read may be
    /// about to change.
    pub met: Option<&'a Mutex<BTreeSet<u32>>>,
    /// The moment (microseconds since 2000-01-01 UTC) of tables that say nothing of time: strata.as_of. `catalog` is
    /// then the catalog of that moment.
    pub default_moment: Option<i64>,
}

/// The analysis of one statement.
pub(super) struct Analyzer<'a> {
    environment: Environment<'a>,
    text: &'a str,
    /// The text has one byte a character, so positions need no counting.
    ascii: bool,
    /// The last offset counted, and the characters before it.
    counted: Cell<(u32, u32)>,
    /// For each column number, the scope that it belongs to.
    owners: Vec<u32>,
    next_scope: u32,
    next_common: u32,
    scopes: Vec<scope::Scope>,
    parameters: parameter::Parameters,
    /// Columns that something reads; scans are pruned to these.
    used: HashSet<ColumnNumber>,
    /// Fields of columns of type record, where the query that makes them tells.
    record_shapes: HashMap<ColumnNumber, Vec<(String, Type)>>,
    /// Relations of today and other catalog objects by oid.
    objects: BTreeSet<u32>,
    /// What is read in the past, by time clause.
    past_uses: Vec<PastUse>,
    /// AS OF SYSTEM TIME of the statement.
    statement_time: Option<Expression>,
    /// Some table has been read as of that moment.
    statement_time_taken: bool,
    /// How deep views are being expanded.
    view_depth: u32,
    /// The time clause that a view being expanded is read with.
    view_time: Option<TimeClause>,
    /// Views stay what they are: the tree is to be stored.
    /// The tree is to be stored: views stay what they are, and forms are kept.
    keep_views: bool,
    /// The next query keeps output columns without a type.
    keep_unknown: bool,
}

impl<'a> Analyzer<'a> {
    fn new(environment: Environment<'a>, text: &'a str, parameters: parameter::Parameters) -> Analyzer<'a> {
        Analyzer {
            environment,
            text,
            ascii: text.is_ascii(),
            counted: Cell::new((0, 0)),
            owners: Vec::new(),
            next_scope: 0,
            next_common: 0,
            scopes: Vec::new(),
            parameters,
            used: HashSet::new(),
            record_shapes: HashMap::new(),
            objects: BTreeSet::new(),
            past_uses: Vec::new(),
            statement_time: None,
            statement_time_taken: false,
            view_depth: 0,
            view_time: None,
            keep_views: false,
            keep_unknown: false,
        }
    }

    /// The character position, from 1, of a byte offset in the text.
    fn position(&self, at: u32) -> Option<u32> {
        if self.ascii {
            return at.checked_add(1);
        }
        let (offset, characters) = self.counted.get();
        let (from, before) = if offset <= at { (offset, characters) } else { (0, 0) };
        let between = self.text.get(from as usize..at as usize)?;
        let characters = before + u32::try_from(between.chars().count()).ok()?;
        self.counted.set((at, characters));
        characters.checked_add(1)
    }

    /// A number that no column of the statement has, owned by the innermost scope.
    fn new_column(&mut self) -> ColumnNumber {
        let owner = self.scopes.last().map_or(u32::MAX, |scope| scope.id);
        let number = u32::try_from(self.owners.len()).unwrap_or(u32::MAX);
        self.owners.push(owner);
        ColumnNumber(number)
    }

    /// Gives a column to the innermost scope: it passes through a subquery of its FROM.
    fn adopt(&mut self, column: ColumnNumber) {
        let owner = self.scopes.last().map_or(u32::MAX, |scope| scope.id);
        if let Some(slot) = self.owners.get_mut(column.0 as usize) {
            *slot = owner;
        }
    }

    fn owner(&self, column: ColumnNumber) -> u32 {
        self.owners.get(column.0 as usize).copied().unwrap_or(u32::MAX)
    }
}
