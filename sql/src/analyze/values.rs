//! VALUES as a query.

use super::Analyzer;
use super::clause::Clause;
use super::item::{Item, ItemColumn};
use super::target::Target;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax;
use crate::tree::{Column, Expression, Query, Relation};

impl Analyzer<'_> {
    pub(super) fn values_query(
        &mut self,
        rows: &[Vec<syntax::Expression>],
        query: &syntax::Query,
    ) -> Result<Query> {
        let width = self.values_width(rows)?;
        let mut columns: Vec<Vec<Expression>> = vec![Vec::with_capacity(rows.len()); width];
        for row in rows {
            for (value, column) in row.iter().zip(&mut columns) {
                column.push(self.expression_in(Clause::Values, value)?);
            }
        }
        let mut produced = Vec::with_capacity(width);
        let mut rows: Vec<Vec<Expression>> = vec![Vec::with_capacity(width); rows.len()];
        for values in columns {
            let (values, ty) = self.unify(values, "VALUES")?;
            let collation = self.input_collation(&values)?;
            let collation = if self.default_collation(ty.oid) == 0 { 0 } else { collation };
            produced.push(Column { number: self.new_column(), ty, collation });
            for (row, value) in rows.iter_mut().zip(values) {
                row.push(value);
            }
        }
        let names = (1..=width).map(|i| format!("column{i}"));
        let names: Vec<ItemColumn> =
            names.zip(&produced).map(|(name, column)| ItemColumn::plain(name, column, (0, 0))).collect();
        let mut targets: Vec<Target> = names
            .iter()
            .map(|column| Target {
                expression: column.expression.clone(),
                name: column.name.clone(),
                origin: (0, 0),
                hidden: false,
            })
            .collect();
        let item = Item::derived("*VALUES*", names);
        self.scope_mut()?.items.push(item);
        let sortings = self.sortings(&query.order_by, &mut targets)?;
        self.scope_mut()?.written_order = sortings.len();
        let relation = Relation::Values { columns: produced, rows };
        self.finish_values(relation, query, &targets, &sortings)
    }

    fn values_width(&self, rows: &[Vec<syntax::Expression>]) -> Result<usize> {
        let width = rows.first().map_or(0, Vec::len);
        match rows.iter().find(|row| row.len() != width) {
            Some(row) => Err(Error::new(SqlState::SyntaxError, "VALUES lists must all be the same length")
                .at(row.first().and_then(|value| self.position(value.at)))),
            None => Ok(width),
        }
    }
}
