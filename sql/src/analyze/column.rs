//! Names of columns to columns.

use std::collections::HashSet;

use super::Analyzer;
use super::item::{Item, ItemColumn};
use crate::error::{Error, Result, SqlState};
use crate::tree::visit::{Visitor, walk_expression};
use crate::tree::{ColumnNumber, Expression, ExpressionKind, Type};
use crate::types::oid;

impl Analyzer<'_> {
    /// `a`, `t.a` or `s.t.a`.
    pub(super) fn column_reference(&mut self, parts: &[String], at: u32) -> Result<Expression> {
        match parts {
            [name] => {
                if let Some(found) = self.find_column(name, at)? {
                    return Ok(found);
                }
                // A table's name alone is its whole row.
                if let Some((scope, item)) = self.find_item(None, name, at)? {
                    return self.whole_row(scope, item, at);
                }
                Err(self.no_column(None, name, at))
            }
            [table, name] => self.qualified_column(None, table, name, at),
            [schema, table, name] => self.qualified_column(Some(schema), table, name, at),
            [database, schema, table, name] => {
                self.check_database(database, parts, at)?;
                self.qualified_column(Some(schema), table, name, at)
            }
            _ => Err(Error::new(
                SqlState::SyntaxError,
                format!("improper qualified name (too many dotted names): {}", parts.join(".")),
            )
            .at(self.position(at))),
        }
    }

    /// The database in a fully qualified name must be the current one.
    pub(super) fn check_database(&self, database: &str, parts: &[String], at: u32) -> Result<()> {
        let current = self.environment.catalog.database(self.environment.database);
        if current.is_some_and(|current| current.name == database) {
            return Ok(());
        }
        Err(Error::new(
            SqlState::FeatureNotSupported,
            format!("cross-database references are not implemented: {}", parts.join(".")),
        )
        .at(self.position(at)))
    }

    /// Looks an unqualified column up, from the innermost scope outwards.
    fn find_column(&mut self, name: &str, at: u32) -> Result<Option<Expression>> {
        let mut found: Option<Expression> = None;
        let innermost = self.scopes.len().saturating_sub(1);
        for (depth, scope) in self.scopes.iter().enumerate().rev() {
            if depth != innermost && !scope.open {
                continue;
            }
            for item in scope.items.iter().filter(|item| item.columns_visible) {
                for column in item.columns.iter().filter(|column| column.name == name) {
                    let same = found.as_ref().is_some_and(|found| found.kind == column.expression.kind);
                    if found.is_some() && !same {
                        return Err(Error::new(
                            SqlState::AmbiguousColumn,
                            format!("column reference \"{name}\" is ambiguous"),
                        )
                        .at(self.position(at)));
                    }
                    found = Some(column.expression.clone());
                }
            }
            if found.is_some() {
                break;
            }
        }
        Ok(found.map(|expression| self.use_column(expression, at)))
    }

    /// Notes that a column is read, and gives the reference its place.
    pub(super) fn use_column(&mut self, mut expression: Expression, at: u32) -> Expression {
        expression.position = self.position(at);
        self.mark_used(&expression);
        expression
    }

    /// Notes the columns that an item's expression reads.
    pub(super) fn mark_used(&mut self, expression: &Expression) {
        struct Mark<'u>(&'u mut HashSet<ColumnNumber>);
        impl Visitor for Mark<'_> {
            fn column(&mut self, column: &mut ColumnNumber) {
                self.0.insert(*column);
            }
        }
        match &expression.kind {
            ExpressionKind::Column(number) => {
                self.used.insert(*number);
            }
            _ => walk_expression(&mut expression.clone(), &mut Mark(&mut self.used)),
        }
    }

    /// The item of that name: its scope and its place there.
    pub(super) fn find_item(
        &self,
        schema: Option<&str>,
        name: &str,
        at: u32,
    ) -> Result<Option<(usize, usize)>> {
        let innermost = self.scopes.len().saturating_sub(1);
        for (depth, scope) in self.scopes.iter().enumerate().rev() {
            if depth != innermost && !scope.open {
                continue;
            }
            let matches = |item: &Item| {
                item.name_visible
                    && item.name == name
                    && schema.is_none_or(|schema| item.schema.as_deref() == Some(schema))
            };
            let mut found = scope.items.iter().enumerate().filter(|(_, item)| matches(item));
            let Some((index, _)) = found.next() else { continue };
            if found.next().is_some() {
                return Err(Error::new(
                    SqlState::AmbiguousAlias,
                    format!("table reference \"{name}\" is ambiguous"),
                )
                .at(self.position(at)));
            }
            return Ok(Some((depth, index)));
        }
        Ok(None)
    }

    pub(super) fn item(&self, scope: usize, item: usize) -> Result<&Item> {
        let found = self.scopes.get(scope).and_then(|scope| scope.items.get(item));
        found.ok_or_else(|| Error::internal("a range table entry went away"))
    }

    fn qualified_column(
        &mut self,
        schema: Option<&String>,
        table: &str,
        name: &str,
        at: u32,
    ) -> Result<Expression> {
        let Some((scope, index)) = self.find_item(schema.map(String::as_str), table, at)? else {
            return Err(self.no_table(schema.map(String::as_str), table, at));
        };
        let item = self.item(scope, index)?;
        let mut columns = item.columns.iter().filter(|column| column.name == name);
        let found = columns.next().map(|column| column.expression.clone());
        if columns.next().is_some() {
            return Err(Error::new(
                SqlState::AmbiguousColumn,
                format!("column reference \"{name}\" is ambiguous"),
            )
            .at(self.position(at)));
        }
        match found {
            Some(expression) => Ok(self.use_column(expression, at)),
            None => Err(self.no_column(Some(table), name, at)),
        }
    }

    /// A table's row as one value.
    pub(super) fn whole_row(&mut self, scope: usize, index: usize, at: u32) -> Result<Expression> {
        let item = self.item(scope, index)?;
        let (row_type, scalar) = (item.row_type, item.scalar);
        let present = item.columns.iter().find(|column| column.system && column.name == "ctid").cloned();
        let nullable = item.nullable;
        let columns: Vec<ItemColumn> = item.shown().cloned().collect();
        let names = columns.iter().map(|column| column.name.clone()).collect();
        let mut fields: Vec<Expression> =
            columns.into_iter().map(|column| self.use_column(column.expression, at)).collect();
        if scalar && fields.len() == 1 {
            return fields.pop().ok_or_else(|| Error::internal("a function without a column"));
        }
        let row = Expression {
            kind: ExpressionKind::Row { fields, names },
            ty: Type::new(if row_type == 0 { oid::RECORD } else { row_type }),
            collation: 0,
            position: self.position(at),
        };
        if !nullable {
            return Ok(row);
        }
        let missing = match present {
            Some(column) => {
                let argument = Box::new(self.use_column(column.expression, at));
                ExpressionKind::IsNull { argument, negated: false }
            }
            // What is no table has no mark of its own: a row of nothing but NULLs counts as missing.
            None => ExpressionKind::RowIsNull { argument: Box::new(row.clone()), negated: false },
        };
        let (ty, position) = (row.ty, row.position);
        let arm = (self.boolean_node(missing, at), self.typed_null(ty, 0));
        let kind = ExpressionKind::Case { simple: false, arms: vec![arm], otherwise: Some(Box::new(row)) };
        Ok(Expression { kind, ty, collation: 0, position })
    }

    /// `missing FROM-clause entry`, or why an entry that exists cannot be referenced.
    pub(super) fn no_table(&self, schema: Option<&str>, name: &str, at: u32) -> Error {
        let position = self.position(at);
        let items = || self.scopes.iter().rev().flat_map(|scope| &scope.items);
        if schema.is_none() {
            let aliased = |item: &&Item| item.table_name.as_deref() == Some(name) && item.name != name;
            let hint = match items().find(aliased) {
                Some(item) => {
                    Some(format!("Perhaps you meant to reference the table alias \"{}\".", item.name))
                }
                None if items().any(|item| item.name == name) => Some(format!(
                    "There is an entry for table \"{name}\", but it cannot be referenced from this part of the query."
                )),
                None => None,
            };
            if let Some(hint) = hint {
                let message = format!("invalid reference to FROM-clause entry for table \"{name}\"");
                return Error::new(SqlState::UndefinedTable, message).hint(hint).at(position);
            }
        }
        let name = match schema {
            Some(schema) => format!("{schema}.{name}"),
            None => name.to_string(),
        };
        let message = format!("missing FROM-clause entry for table \"{name}\"");
        Error::new(SqlState::UndefinedTable, message).at(position)
    }

    /// `column does not exist`, with the hint PostgreSQL gives for a name that is nearly right.
    pub(super) fn no_column(&self, table: Option<&str>, name: &str, at: u32) -> Error {
        let message = match table {
            Some(table) => format!("column {table}.{name} does not exist"),
            None => format!("column \"{name}\" does not exist"),
        };
        let error = Error::new(SqlState::UndefinedColumn, message).at(self.position(at));
        let hidden = self.scopes.iter().rev().flat_map(|scope| &scope.items).find(|item| {
            table.is_none() && item.name_visible && item.columns.iter().any(|column| column.name == name)
        });
        if let Some(item) = hidden {
            let hint = format!(
                "There is a column named \"{name}\" in table \"{}\", but it cannot be referenced from this part of the query.",
                item.name
            );
            return error.hint(hint);
        }
        match self.nearly(table, name).as_slice() {
            [one] => error.hint(format!("Perhaps you meant to reference the column \"{one}\".")),
            [one, two] => error.hint(format!(
                "Perhaps you meant to reference the column \"{one}\" or the column \"{two}\"."
            )),
            _ => error,
        }
    }

    /// The columns nearest to a name, if near enough.
    fn nearly(&self, table: Option<&str>, name: &str) -> Vec<String> {
        const FARTHEST: usize = 3;
        let mut nearest = FARTHEST + 1;
        let mut found = Vec::new();
        for item in self.scopes.iter().rev().flat_map(|scope| &scope.items).filter(|item| item.name_visible) {
            let penalty = table.map_or(0, |table| distance(table, &item.name));
            for column in item.shown() {
                let columns = distance(name, &column.name);
                let total = columns + penalty;
                if columns > name.chars().count() / 2 || total > nearest || total > FARTHEST {
                    continue;
                }
                if total < nearest {
                    nearest = total;
                    found.clear();
                }
                found.push(format!("{}.{}", item.name, column.name));
            }
        }
        found
    }
}

/// Levenshtein's distance, in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (slot, y) in row.iter_mut().skip(1).zip(&b) {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = *slot;
            left = substituted.min(*slot + 1).min(left + 1);
            *slot = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
