//! Scopes: one for each query level, with what it offers to names and what its expressions have asked for.

use super::Analyzer;
use super::clause::Clause;
use super::common::KnownCommon;
use super::item::Item;
use super::window::{NamedWindow, PendingWindow};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax;
use crate::tree::{
    AggregateCall, ColumnNumber, Expression, FromShape, FunctionItem, QueryShape, WindowShape,
};

/// One query level.
pub(super) struct Scope {
    pub id: u32,
    pub clause: Clause,
    pub items: Vec<Item>,
    /// Whether inner scopes may see the items; not while a subquery in FROM without LATERAL is analyzed.
    pub open: bool,
    /// WITH tables defined at this level.
    pub common: Vec<KnownCommon>,
    pub aggregates: Vec<(ColumnNumber, AggregateCall)>,
    /// GROUPING(...) with its arguments, to be matched with the groups later.
    pub grouping: Vec<(ColumnNumber, Vec<Expression>)>,
    pub windows: Vec<NamedWindow>,
    pub window_calls: Vec<(ColumnNumber, PendingWindow)>,
    /// Set-returning calls of the select list, inner ones first.
    pub sets: Vec<FunctionItem>,
    pub in_aggregate: bool,
    pub in_window: bool,
    /// Output columns without a type stay so: the surroundings decide.
    pub keep_unknown: bool,
    /// How FROM and the windows were written, where the tree is to be stored.
    pub shapes: Vec<FromShape>,
    pub window_shapes: Vec<(ColumnNumber, WindowShape)>,
    /// The groups and sort keys that were written.
    pub written_groups: usize,
    pub written_order: usize,
}

impl Analyzer<'_> {
    /// Opens a scope for a query level.
    pub(super) fn open_scope(&mut self) {
        let id = self.next_scope;
        self.next_scope += 1;
        self.scopes.push(Scope {
            id,
            clause: Clause::Select,
            items: Vec::new(),
            open: true,
            common: Vec::new(),
            aggregates: Vec::new(),
            grouping: Vec::new(),
            windows: Vec::new(),
            window_calls: Vec::new(),
            sets: Vec::new(),
            in_aggregate: false,
            in_window: false,
            keep_unknown: false,
            shapes: Vec::new(),
            window_shapes: Vec::new(),
            written_groups: 0,
            written_order: 0,
        });
    }

    /// Runs in a scope of its own.
    pub(super) fn scoped<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.open_scope();
        let result = run(self);
        self.scopes.pop();
        result
    }

    /// How the innermost query level was written, where the tree is to be stored.
    pub(super) fn level_shape(&mut self) -> Result<Option<Box<QueryShape>>> {
        if !self.keep_views {
            return Ok(None);
        }
        let scope = self.scope_mut()?;
        let count = |written: usize| u32::try_from(written).unwrap_or(u32::MAX);
        Ok(Some(Box::new(QueryShape {
            from: std::mem::take(&mut scope.shapes),
            recursive: false,
            common: Vec::new(),
            groups: count(scope.written_groups),
            order: count(scope.written_order),
            window_names: scope.windows.iter().map(|window| window.name.clone()).collect(),
            windows: std::mem::take(&mut scope.window_shapes),
        })))
    }

    /// The innermost scope.
    pub(super) fn scope(&self) -> Result<&Scope> {
        self.scopes.last().ok_or_else(|| Error::internal("no scope is open"))
    }

    pub(super) fn scope_mut(&mut self) -> Result<&mut Scope> {
        self.scopes.last_mut().ok_or_else(|| Error::internal("no scope is open"))
    }

    /// Analyzes an expression that stands in a clause.
    pub(super) fn expression_in(
        &mut self,
        clause: Clause,
        expression: &syntax::Expression,
    ) -> Result<Expression> {
        let outer = std::mem::replace(&mut self.scope_mut()?.clause, clause);
        let result = self.expression(expression);
        self.scope_mut()?.clause = outer;
        result
    }

    /// Analyzes a condition that stands in a clause.
    pub(super) fn condition(
        &mut self,
        clause: Clause,
        expression: &syntax::Expression,
    ) -> Result<Expression> {
        let node = self.expression_in(clause, expression)?;
        let construct = match clause {
            Clause::On => "JOIN/ON",
            other => other.name(),
        };
        self.coerce_boolean(node, construct)
    }

    /// Schemas searched for names, by oid.
    pub(super) fn search_schemas(&self) -> Vec<u32> {
        self.environment.catalog.search_schemas(self.environment.database, self.environment.search_path)
    }

    /// The schema of a name that is qualified.
    pub(super) fn schema_by_name(&self, name: &str, at: u32) -> Result<u32> {
        let (database, path) = (self.environment.database, self.environment.search_path);
        match self.environment.catalog.named_schema(database, path, name) {
            Some(schema) => Ok(schema.oid),
            None => Err(Error::new(SqlState::InvalidSchemaName, format!("schema \"{name}\" does not exist"))
                .at(self.position(at))),
        }
    }
}
