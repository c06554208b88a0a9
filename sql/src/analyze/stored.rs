//! Trees kept in the catalog: to and from their stored form, fresh numbers for each use, what they depend on.
//!
//! A stored expression names columns of its table by attribute number. A stored query has numbers of its own; views
//! inside it stay scans of the view, so that a view may change beneath another, and are expanded at each use.

use std::collections::{BTreeSet, HashMap};

use catalog::{ObjectAddress, RelationKind, StoredExpression};
use engine::Value;

use super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::tree::visit::{Visitor, walk_children, walk_expression, walk_query};
use crate::tree::{ColumnNumber, Expression, ExpressionKind, Form, Query, Relation, SystemColumn, TableScan};
use crate::types::oid;

/// Version of the form that trees are stored in.
pub const STORED_VERSION: u32 = 2;

fn read<T: serde::de::DeserializeOwned>(stored: &StoredExpression) -> Result<T> {
    if stored.version != STORED_VERSION {
        let message = format!("stored expression has version {}, not {STORED_VERSION}", stored.version);
        return Err(Error::new(SqlState::DataCorrupted, message));
    }
    serde_json::from_value(stored.tree.clone()).map_err(|error| {
        Error::new(SqlState::DataCorrupted, format!("stored expression is damaged: {error}"))
    })
}

/// The expression that is stored, to be executed; its columns are attribute numbers.
pub fn stored_expression(stored: &StoredExpression) -> Result<Expression> {
    let mut expression = read(stored)?;
    walk_expression(&mut expression, &mut Plain);
    Ok(expression)
}

/// The query that is stored, to be executed, its numbers as they were.
pub fn stored_query(stored: &StoredExpression) -> Result<Query> {
    let mut query = read(stored)?;
    walk_query(&mut query, &mut Plain);
    Ok(query)
}

/// The expression as it was written, with the forms that definitions show.
pub fn written_expression(stored: &StoredExpression) -> Result<Expression> {
    read(stored)
}

/// The query as it was written, with the forms that definitions show.
pub fn written_query(stored: &StoredExpression) -> Result<Query> {
    read(stored)
}

/// Takes out what only definitions read: forms of casts, and casts of constants that analysis would have folded.
struct Plain;

impl Visitor for Plain {
    fn expression(&mut self, expression: &mut Expression) -> bool {
        walk_children(expression, self);
        match &mut expression.kind {
            ExpressionKind::Call { form, .. }
            | ExpressionKind::CoerceArray { form, .. }
            | ExpressionKind::CoerceToDomain { form, .. } => *form = Form::Call,
            ExpressionKind::Relabel(argument, form) => {
                *form = Form::Call;
                if let ExpressionKind::Constant(value) = &argument.kind {
                    expression.kind = ExpressionKind::Constant(value.clone());
                }
            }
            ExpressionKind::CoerceTypmod { argument, explicit } => {
                if let ExpressionKind::Constant(value) = &argument.kind {
                    let ty = expression.ty;
                    let folded = crate::types::apply_typmod(ty.oid, ty.typmod, value.clone(), *explicit);
                    if let Ok(value) = folded {
                        expression.kind = ExpressionKind::Constant(value);
                    }
                }
            }
            _ => {}
        }
        false
    }
}

/// Stores an expression over the columns of a table.
pub fn to_stored_expression(expression: &Expression, table: u32, text: &str) -> Result<StoredExpression> {
    let mut collect = Dependencies { table: Some(table), found: BTreeSet::new() };
    walk_expression(&mut expression.clone(), &mut collect);
    store(expression, text, collect.found)
}

/// Stores the query of a view.
pub fn to_stored_query(query: &Query, text: &str) -> Result<StoredExpression> {
    let mut collect = Dependencies { table: None, found: BTreeSet::new() };
    walk_query(&mut query.clone(), &mut collect);
    store(query, text, collect.found)
}

fn store<T: serde::Serialize>(
    tree: &T,
    text: &str,
    found: BTreeSet<ObjectAddress>,
) -> Result<StoredExpression> {
    let tree =
        serde_json::to_value(tree).map_err(|error| Error::internal(format!("tree not stored: {error}")))?;
    let dependencies = found.into_iter().collect();
    Ok(StoredExpression { version: STORED_VERSION, tree, text: text.to_string(), dependencies })
}

/// The type that a user made and an expression names: its own, or the domain it is checked against.
fn made_type(expression: &Expression) -> u32 {
    let named = match &expression.kind {
        ExpressionKind::CoerceToDomain { domain, .. } => *domain,
        ExpressionKind::Constant(_)
        | ExpressionKind::CoerceViaText { .. }
        | ExpressionKind::CoerceArray { .. }
        | ExpressionKind::Relabel(..) => expression.ty.oid,
        _ => 0,
    };
    let described = catalog::builtin::type_by_oid(named);
    match described {
        // An array of an extension's type stands or falls with the type.
        Some(row) if row.schema == catalog::builtin::VECTOR && row.element != 0 => row.element,
        Some(row) if row.schema == catalog::builtin::VECTOR => named,
        _ if named >= catalog::bootstrap::FIRST_OBJECT_OID => named,
        _ => 0,
    }
}

/// Whether a function is one that an extension brought.
fn of_extension(function: u32) -> bool {
    catalog::builtin::function_by_oid(function).is_some_and(|row| row.schema == catalog::builtin::VECTOR)
}

/// What must not vanish while a tree stands.
struct Dependencies {
    /// The table whose attribute numbers the columns are.
    table: Option<u32>,
    found: BTreeSet<ObjectAddress>,
}

impl Visitor for Dependencies {
    fn expression(&mut self, expression: &mut Expression) -> bool {
        match (&expression.kind, self.table) {
            (ExpressionKind::Column(number), Some(table)) if table != 0 => {
                if let Ok(attribute) = i16::try_from(number.0) {
                    self.found.insert(ObjectAddress::column(table, attribute));
                }
            }
            (ExpressionKind::Call { function, operator, .. }, _) if of_extension(*function) => {
                self.found.insert(match operator {
                    0 => ObjectAddress::new(catalog::builtin::PG_PROC_CLASS, *function),
                    _ => ObjectAddress::new(catalog::builtin::PG_OPERATOR_CLASS, *operator),
                });
            }
            (_, _) if made_type(expression) != 0 => {
                let class = catalog::builtin::PG_TYPE_CLASS;
                self.found.insert(ObjectAddress::new(class, made_type(expression)));
            }
            // nextval('s'::regclass) and the like.
            (ExpressionKind::Constant(Value::UInt32(object)), _)
                if expression.ty.oid == oid::REGCLASS && *object >= catalog::bootstrap::FIRST_OBJECT_OID =>
            {
                self.found.insert(ObjectAddress::relation(*object));
            }
            _ => {}
        }
        true
    }

    fn relation(&mut self, relation: &mut Relation) -> bool {
        if let Relation::Table(scan) = relation
            && scan.table >= catalog::bootstrap::FIRST_OBJECT_OID
        {
            self.found.insert(ObjectAddress::relation(scan.table));
            for column in &scan.columns {
                if let SystemColumn::Attribute(attribute) = column.source {
                    self.found.insert(ObjectAddress::column(scan.table, attribute));
                }
            }
        }
        true
    }
}

/// Gives every number of a tree a fresh one.
struct Renumber<'r, 'a> {
    analyzer: &'r mut Analyzer<'a>,
    columns: HashMap<ColumnNumber, ColumnNumber>,
    common: HashMap<u32, u32>,
}

impl Visitor for Renumber<'_, '_> {
    fn column(&mut self, column: &mut ColumnNumber) {
        if let Some(known) = self.columns.get(column) {
            *column = *known;
            return;
        }
        let fresh = self.analyzer.new_column();
        self.columns.insert(*column, fresh);
        self.analyzer.used.insert(fresh);
        *column = fresh;
    }

    fn common(&mut self, id: &mut u32) {
        let next = &mut self.analyzer.next_common;
        *id = *self.common.entry(*id).or_insert_with(|| {
            *next += 1;
            *next - 1
        });
    }
}

/// Puts the stored queries of views in the place of scans of them.
struct Expand<'r, 'a> {
    analyzer: &'r mut Analyzer<'a>,
    error: Option<Error>,
}

impl Visitor for Expand<'_, '_> {
    fn relation(&mut self, relation: &mut Relation) -> bool {
        let Relation::Table(scan) = relation else { return self.error.is_none() };
        match self.analyzer.expanded_scan(scan) {
            Ok(Some(expanded)) => *relation = expanded,
            Ok(None) => return true,
            Err(error) => self.error = Some(error),
        }
        false
    }
}

impl Analyzer<'_> {
    /// The same tree under fresh numbers, all of them counted as used.
    pub(super) fn renumber(&mut self, mut query: Query) -> Query {
        let mut visitor = Renumber { analyzer: self, columns: HashMap::new(), common: HashMap::new() };
        walk_query(&mut query, &mut visitor);
        query
    }

    /// A stored query with the views inside it expanded.
    pub(super) fn expand_views(&mut self, query: Query) -> Result<Query> {
        // Fresh numbers first: what views bring along must not meet the old ones.
        let mut query = self.renumber(query);
        let mut visitor = Expand { analyzer: self, error: None };
        walk_query(&mut query, &mut visitor);
        match visitor.error {
            Some(error) => Err(error),
            None => Ok(query),
        }
    }

    /// A scan inside a stored query: it gets the moment that the query is read at, unless it has its own, and is
    /// looked up in the catalog of its moment. What it stands for, where it is of a view.
    pub(super) fn expanded_scan(&mut self, scan: &mut TableScan) -> Result<Option<Relation>> {
        if scan.time.is_none() {
            scan.time = self.view_time.clone().or_else(|| self.default_clause());
        }
        let past = match &scan.time {
            Some(clause) => self.catalog_of(clause)?,
            None => None,
        };
        let catalog = past.as_deref().unwrap_or(self.environment.catalog);
        let Some(object) = catalog.relation(self.environment.database, scan.table).cloned() else {
            let message = format!("relation with OID {} does not exist", scan.table);
            return Err(Error::new(SqlState::UndefinedTable, message));
        };
        self.note_use(&object, scan.time.as_ref())?;
        let RelationKind::View(view) = &object.kind else { return Ok(None) };
        let outer = std::mem::replace(&mut self.view_time, scan.time.clone());
        let expanded = self.expanded_view(&view.query, scan);
        self.view_time = outer;
        expanded.map(Some)
    }

    /// What a scan of a view stands for.
    pub(super) fn expanded_view(&mut self, stored: &StoredExpression, scan: &TableScan) -> Result<Relation> {
        let inner = self.view_query(stored)?;
        let mut items = Vec::with_capacity(scan.columns.len());
        for column in &scan.columns {
            let SystemColumn::Attribute(attribute) = column.source else {
                return Err(Error::internal("a system column of a view"));
            };
            let index = usize::try_from(attribute).ok().and_then(|attribute| attribute.checked_sub(1));
            let output = index.and_then(|index| inner.output.get(index));
            let output = output.ok_or_else(|| Error::internal("a view with fewer columns than it had"))?;
            items.push((column.number, super::subquery::output_reference(output)));
        }
        Ok(Relation::Extend { input: Box::new(Relation::Subquery(Box::new(inner))), items })
    }
}
