//! Select lists: `*` spread out, output names, set-returning calls.

use super::Analyzer;
use super::clause::Clause;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, ExpressionKind as Syntax, SelectItem};
use crate::tree::{Expression, ExpressionKind, SpecialValue};
use crate::types::oid;

/// One column of a select list, or an expression that ORDER BY needs besides.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub expression: Expression,
    pub name: String,
    pub origin: (u32, i16),
    /// Not shown: only sorted by.
    pub hidden: bool,
}

impl Analyzer<'_> {
    /// The columns of a select list or of RETURNING.
    pub(super) fn targets(&mut self, items: &[SelectItem], clause: Clause) -> Result<Vec<Target>> {
        let mut targets = Vec::with_capacity(items.len());
        for item in items {
            let at = item.expression.at;
            match &item.expression.kind {
                Syntax::Star(parts) if item.alias.is_none() => {
                    for (name, expression, origin) in self.star_columns(parts, at)? {
                        targets.push(Target { expression, name, origin, hidden: false });
                    }
                }
                Syntax::FieldStar(argument) => self.spread_fields(argument, clause, &mut targets)?,
                _ => {
                    let expression = self.expression_in(clause, &item.expression)?;
                    let name = match &item.alias {
                        Some(alias) => alias.text.clone(),
                        None => output_name(&item.expression),
                    };
                    let origin = self.origin(&expression);
                    targets.push(Target { expression, name, origin, hidden: false });
                }
            }
            if targets.len() > 1664 {
                let message = "target lists can have at most 1664 entries";
                return Err(Error::new(SqlState::TooManyColumns, message));
            }
        }
        Ok(targets)
    }

    /// Targets that found no type are text, unless those shown are to stay as they are.
    pub(super) fn resolve_targets(&mut self, targets: &mut [Target], keep_shown: bool) -> Result<()> {
        for target in targets.iter_mut().filter(|target| target.hidden || !keep_shown) {
            if target.expression.ty.oid == oid::UNKNOWN {
                let placeholder = self.null(0);
                let expression = std::mem::replace(&mut target.expression, placeholder);
                target.expression = self.resolve_unknown(expression)?;
            }
        }
        Ok(())
    }

    /// Where a plain column of a table comes from.
    fn origin(&self, expression: &Expression) -> (u32, i16) {
        let ExpressionKind::Column(number) = &expression.kind else { return (0, 0) };
        let columns = self.scopes.iter().flat_map(|scope| &scope.items).flat_map(|item| &item.columns);
        let mut found =
            columns.filter(|c| matches!(c.expression.kind, ExpressionKind::Column(n) if n == *number));
        found.next().map_or((0, 0), |column| column.origin)
    }

    /// The columns of `*` or `t.*`: names, values and origins.
    pub(super) fn star_columns(
        &mut self,
        parts: &[String],
        at: u32,
    ) -> Result<Vec<(String, Expression, (u32, i16))>> {
        let mut columns = Vec::new();
        match parts {
            [] => {
                let scope = self.scope()?;
                if scope.items.iter().all(|item| !item.columns_visible) {
                    return Err(Error::new(
                        SqlState::SyntaxError,
                        "SELECT * with no tables specified is not valid",
                    )
                    .at(self.position(at)));
                }
                for item in scope.items.iter().filter(|item| item.columns_visible) {
                    columns.extend(item.shown().cloned());
                }
            }
            _ => {
                let (schema, table) = match parts {
                    [table] => (None, table),
                    [schema, table] => (Some(schema.as_str()), table),
                    [database, schema, table] => {
                        self.check_database(database, parts, at)?;
                        (Some(schema.as_str()), table)
                    }
                    _ => {
                        let message =
                            format!("improper qualified name (too many dotted names): {}.*", parts.join("."));
                        return Err(Error::new(SqlState::SyntaxError, message).at(self.position(at)));
                    }
                };
                let Some((scope, item)) = self.find_item(schema, table, at)? else {
                    return Err(self.no_table(schema, table, at));
                };
                columns.extend(self.item(scope, item)?.shown().cloned());
            }
        }
        let mut spread = Vec::with_capacity(columns.len());
        for column in columns {
            let expression = self.use_column(column.expression, at);
            spread.push((column.name, expression, column.origin));
        }
        Ok(spread)
    }

    /// `t.*` as one value: the whole row, where an expression is wanted.
    pub(super) fn star_as_row(&mut self, parts: &[String], at: u32) -> Result<Expression> {
        let (schema, table) = match parts {
            [table] => (None, table),
            [schema, table] => (Some(schema.as_str()), table),
            _ => {
                return Err(Error::new(
                    SqlState::SyntaxError,
                    "row expansion via \"*\" is not supported here",
                )
                .at(self.position(at)));
            }
        };
        match self.find_item(schema, table, at)? {
            Some((scope, item)) => self.whole_row(scope, item, at),
            None => Err(self.no_table(schema, table, at)),
        }
    }

    /// `(row).*`
    fn spread_fields(
        &mut self,
        argument: &syntax::Expression,
        clause: Clause,
        targets: &mut Vec<Target>,
    ) -> Result<()> {
        let position = self.position(argument.at);
        let row = self.expression_in(clause, argument)?;
        // A set of rows gives one column: its fields are taken from that.
        let columns = match self.set_columns(&row)? {
            Some(columns) => columns,
            None => self.row_columns(&row),
        };
        if columns.is_empty() {
            let message = match row.ty.oid {
                oid::RECORD => "record type has not been registered".to_string(),
                ty => format!("type {} is not composite", self.type_text(ty)),
            };
            return Err(Error::new(SqlState::WrongObjectType, message).at(position));
        }
        for (index, (name, ty)) in columns.into_iter().enumerate() {
            let expression = match &row.kind {
                ExpressionKind::Row { .. } => self.take_field(row.clone(), index, position)?,
                _ => Expression {
                    kind: ExpressionKind::Field { argument: Box::new(row.clone()), index: index as u32 },
                    ty,
                    collation: self.default_collation(ty.oid),
                    position,
                },
            };
            targets.push(Target { expression, name, origin: (0, 0), hidden: false });
        }
        Ok(())
    }

    /// The fields of the rows of a set-returning call in the select list.
    pub(super) fn set_columns(&self, row: &Expression) -> Result<Option<Vec<(String, crate::tree::Type)>>> {
        let ExpressionKind::Column(number) = row.kind else { return Ok(None) };
        let sets = &self.scope()?.sets;
        let found = sets.iter().find(|item| item.columns.iter().any(|column| column.number == number));
        Ok(found.map(|item| self.row_columns(&item.call)))
    }
}

/// PostgreSQL's FigureColname.
pub(super) fn output_name(expression: &syntax::Expression) -> String {
    figure(expression).0.unwrap_or("?column?").to_string()
}

/// A name and how sure it is: 2 certain, 1 weak (of a type or CASE), 0 none.
fn figure(expression: &syntax::Expression) -> (Option<&str>, u8) {
    let last = |parts: &'_ [String]| -> Option<usize> { parts.len().checked_sub(1) };
    match &expression.kind {
        Syntax::Column(parts) => (last(parts).and_then(|i| parts.get(i)).map(String::as_str), 2),
        Syntax::Field { argument: _, name } => (Some(&name.text), 2),
        Syntax::Subscript { argument, indexes: _ } => figure(argument),
        Syntax::Function(call) => (call.name.parts.last().map(String::as_str), 2),
        Syntax::NullIf(_, _) => (Some("nullif"), 2),
        Syntax::Coalesce(_) => (Some("coalesce"), 2),
        Syntax::Greatest(_) => (Some("greatest"), 2),
        Syntax::Least(_) => (Some("least"), 2),
        Syntax::Grouping(_) => (Some("grouping"), 2),
        Syntax::Exists(_) => (Some("exists"), 2),
        Syntax::Array(_) | Syntax::ArrayQuery(_) => (Some("array"), 2),
        Syntax::Row(_) => (Some("row"), 2),
        Syntax::Special(special, _) => (Some(special_name(*special)), 2),
        Syntax::Collate { argument, collation: _ } => figure(argument),
        Syntax::Cast { argument, ty } => match figure(argument) {
            (Some(name), strength) if strength > 1 => (Some(name), strength),
            (inner, strength) => match ty.name.parts.last() {
                Some(name) => (Some(name), 1),
                None => (inner, strength),
            },
        },
        Syntax::Case { operand: _, arms: _, otherwise } => match otherwise.as_deref().map(figure) {
            Some((Some(name), strength)) if strength > 1 => (Some(name), strength),
            _ => (Some("case"), 1),
        },
        // A column without a name is still the subquery's, and stronger than what stands around it.
        Syntax::Subquery(query) => (Some(subquery_name(query).unwrap_or("?column?")), 2),
        Syntax::Null
        | Syntax::Boolean(_)
        | Syntax::Number(_)
        | Syntax::String(_)
        | Syntax::BitString(_)
        | Syntax::HexString(_)
        | Syntax::Parameter(_)
        | Syntax::Star(_)
        | Syntax::FieldStar(_)
        | Syntax::Operator { .. }
        | Syntax::And(_)
        | Syntax::Or(_)
        | Syntax::Not(_)
        | Syntax::IsNull { .. }
        | Syntax::BooleanTest { .. }
        | Syntax::IsDistinct { .. }
        | Syntax::Between { .. }
        | Syntax::InList { .. }
        | Syntax::InQuery { .. }
        | Syntax::Like { .. }
        | Syntax::QuantifiedArray { .. }
        | Syntax::QuantifiedQuery { .. }
        | Syntax::Default => (None, 0),
    }
}

/// A scalar subquery is named like its only column.
fn subquery_name(query: &syntax::Query) -> Option<&str> {
    match &query.body {
        syntax::QueryBody::Select(select) => {
            let item = select.items.first()?;
            match &item.alias {
                Some(alias) => Some(&alias.text),
                None => figure(&item.expression).0,
            }
        }
        syntax::QueryBody::SetOperation { left, .. } => subquery_name(left),
        syntax::QueryBody::Values(_) => Some("column1"),
    }
}

fn special_name(special: SpecialValue) -> &'static str {
    match special {
        SpecialValue::CurrentDate => "current_date",
        SpecialValue::CurrentTime => "current_time",
        SpecialValue::CurrentTimestamp => "current_timestamp",
        SpecialValue::LocalTime => "localtime",
        SpecialValue::LocalTimestamp => "localtimestamp",
        SpecialValue::CurrentUser => "current_user",
        SpecialValue::SessionUser => "session_user",
        SpecialValue::CurrentRole => "current_role",
        SpecialValue::CurrentCatalog => "current_catalog",
        SpecialValue::CurrentSchema => "current_schema",
    }
}
