//! Expressions of a table's definition: defaults, checks, generated columns, keys and predicates of indexes. Their
//! columns are attribute numbers, as the catalog stores them.

use std::sync::Arc;

use catalog::Relation as Object;
use catalog::builtin::{Volatility, function_by_oid};

use super::clause::Clause;
use super::item::{Item, ItemColumn};
use super::parameter::Parameters;
use super::{Analyzer, Environment};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, Name, ObjectName};
use crate::tree::visit::{Visitor, walk_expression};
use crate::tree::{Column, ColumnNumber, Expression, ExpressionKind, Type};

/// What an expression of a definition is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Cast to the column's type; reads no columns.
    Default(Type),
    Check,
    /// GENERATED ALWAYS AS, cast to the column's type.
    Generated(Type),
    IndexKey,
    IndexPredicate,
    /// USING of ALTER COLUMN TYPE, cast to the new type.
    AlterType(Type),
}

/// The columns that such an expression may read; the table itself may not exist yet.
#[derive(Clone, Debug)]
pub struct TableColumns {
    pub name: String,
    /// pg_class oid, 0 before the table exists.
    pub table: u32,
    pub row_type: u32,
    /// Attribute number, name, type and collation of each.
    pub columns: Vec<(i16, String, Type, u32)>,
}

impl TableColumns {
    /// The columns of a table that exists.
    pub fn of(object: &Object) -> TableColumns {
        let column = |column: &catalog::Column| {
            let ty = Type::with_typmod(column.type_oid, column.typmod);
            (column.number, column.name.clone(), ty, column.collation)
        };
        TableColumns {
            name: object.name.clone(),
            table: object.oid,
            row_type: object.row_type,
            columns: object.live_columns().map(column).collect(),
        }
    }
}

/// Analyzes one expression of a table's definition. `column` names the column it is for, in messages.
pub fn table_expression(
    environment: Environment<'_>,
    text: &str,
    table: &TableColumns,
    purpose: Purpose,
    column: &str,
    expression: &syntax::Expression,
) -> Result<Expression> {
    let mut analyzer = Analyzer::new(environment, text, Parameters::default());
    let clause = match purpose {
        Purpose::Default(_) => Clause::Default,
        Purpose::Check => Clause::Check,
        Purpose::Generated(_) => Clause::Generated,
        Purpose::IndexKey => Clause::Index,
        Purpose::IndexPredicate => Clause::IndexPredicate,
        Purpose::AlterType(_) => Clause::AlterType,
    };
    analyzer.keep_views = !matches!(purpose, Purpose::AlterType(_));
    let node = analyzer.over_table(table, clause, expression)?;
    analyzer.for_purpose(node, purpose, column)
}

impl Analyzer<'_> {
    /// An expression over a table, its columns by attribute number.
    fn over_table(
        &mut self,
        table: &TableColumns,
        clause: Clause,
        expression: &syntax::Expression,
    ) -> Result<Expression> {
        let columns = table.columns.iter().map(|(attribute, name, ty, collation)| {
            let number = ColumnNumber(u32::try_from(*attribute).unwrap_or(0));
            let column = Column { number, ty: *ty, collation: *collation };
            ItemColumn::plain(name, &column, (table.table, *attribute))
        });
        let mut item = Item::derived(&table.name, columns.collect());
        item.table = table.table;
        item.row_type = table.row_type;
        self.scoped(|analyzer| {
            analyzer.scope_mut()?.items.push(item);
            // Numbers made on the way (of array casts) must not meet attribute numbers.
            while analyzer.owners.len() <= usize::from(u16::MAX) / 2 {
                analyzer.new_column();
            }
            analyzer.expression_in(clause, expression)
        })
    }

    /// An expression over a table that exists, for ON CONFLICT.
    pub(super) fn table_node(
        &mut self,
        object: &Object,
        clause: Clause,
        expression: &syntax::Expression,
    ) -> Result<Expression> {
        let environment = self.environment;
        let mut analyzer = Analyzer::new(environment, self.text, Parameters::default());
        analyzer.over_table(&TableColumns::of(object), clause, expression)
    }

    fn for_purpose(&mut self, node: Expression, purpose: Purpose, column: &str) -> Result<Expression> {
        let position = node.position;
        match purpose {
            Purpose::Default(ty) => {
                if super::compare::reads_columns(&node) {
                    return Err(Error::new(
                        SqlState::FeatureNotSupported,
                        "cannot use column reference in DEFAULT expression",
                    )
                    .at(position));
                }
                self.stored_value(node, ty, column, "default expression")
            }
            Purpose::Generated(ty) => {
                let node = self.stored_value(node, ty, column, "generation expression")?;
                self.require_immutable(node, "generation expression is not immutable")
            }
            Purpose::Check => self.coerce_boolean(node, "CHECK"),
            Purpose::IndexKey => {
                let node = self.resolve_unknown(node)?;
                self.require_immutable(node, "functions in index expression must be marked IMMUTABLE")
            }
            Purpose::IndexPredicate => {
                let node = self.coerce_boolean(node, "WHERE")?;
                self.require_immutable(node, "functions in index predicate must be marked IMMUTABLE")
            }
            Purpose::AlterType(ty) => {
                let source = node.ty.oid;
                match self.coerce_to(node, ty, catalog::builtin::CastContext::Assignment, position)? {
                    Some(node) => Ok(node),
                    None => Err(Error::new(
                        SqlState::DatatypeMismatch,
                        format!(
                            "result of USING clause for column \"{column}\" cannot be cast automatically to type {}",
                            self.type_text(ty.oid)
                        ),
                    )
                    .hint("You might need to add an explicit cast.")
                    .detail(format!("The expression has type {}.", self.type_text(source)))),
                }
            }
        }
    }

    /// A value that a column stores.
    fn stored_value(&mut self, node: Expression, ty: Type, column: &str, kind: &str) -> Result<Expression> {
        let (source, position) = (node.ty.oid, node.position);
        match self.coerce_to(node, ty, catalog::builtin::CastContext::Assignment, position)? {
            Some(node) => Ok(node),
            None => Err(Error::new(
                SqlState::DatatypeMismatch,
                format!(
                    "column \"{column}\" is of type {} but {kind} is of type {}",
                    self.type_text(ty.oid),
                    self.type_text(source)
                ),
            )
            .hint("You will need to rewrite or cast the expression.")),
        }
    }

    fn require_immutable(&self, mut node: Expression, complaint: &str) -> Result<Expression> {
        struct Mutable(bool);
        impl Visitor for Mutable {
            fn expression(&mut self, expression: &mut Expression) -> bool {
                self.0 |= match &expression.kind {
                    ExpressionKind::Call { function, .. } => {
                        function_by_oid(*function).is_none_or(|row| row.volatility != Volatility::Immutable)
                    }
                    ExpressionKind::Special(_) => true,
                    _ => false,
                };
                !self.0
            }
        }
        let mut mutable = Mutable(false);
        walk_expression(&mut node, &mut mutable);
        match mutable.0 {
            true => Err(Error::new(SqlState::InvalidObjectDefinition, complaint).at(node.position)),
            false => Ok(node),
        }
    }

    /// The table and columns of COPY.
    pub(super) fn copy_columns(
        &mut self,
        name: &ObjectName,
        columns: &[Name],
        from: bool,
    ) -> Result<(Arc<Object>, Vec<i16>)> {
        let object = match from {
            true => self.target_table(name, "copy to")?,
            // COPY points at no place of its text.
            false => self.find_relation(self.environment.catalog, name).map_err(|error| error.anywhere())?,
        };
        self.objects.insert(object.oid);
        if columns.is_empty() {
            let numbers =
                object.live_columns().filter(|column| !column.generated).map(|column| column.number);
            let numbers = numbers.collect();
            return Ok((object, numbers));
        }
        let mut numbers: Vec<i16> = Vec::with_capacity(columns.len());
        for column in columns {
            let Some(found) = object.column_by_name(&column.text) else {
                let message =
                    format!("column \"{}\" of relation \"{}\" does not exist", column.text, object.name);
                return Err(Error::new(SqlState::UndefinedColumn, message));
            };
            if found.generated {
                let message = format!("column \"{}\" is a generated column", column.text);
                return Err(Error::new(SqlState::InvalidColumnReference, message)
                    .detail("Generated columns cannot be used in COPY."));
            }
            if numbers.contains(&found.number) {
                let message = format!("column \"{}\" specified more than once", column.text);
                return Err(Error::new(SqlState::DuplicateColumn, message));
            }
            numbers.push(found.number);
        }
        Ok((object, numbers))
    }

    /// WHERE of COPY FROM, over attribute numbers.
    pub(super) fn copy_filter(&mut self, object: &Object, filter: &syntax::Expression) -> Result<Expression> {
        let node = self.table_node(object, Clause::CopyWhere, filter)?;
        self.coerce_boolean(node, "WHERE")
    }
}
