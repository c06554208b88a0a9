//! WITH: common table expressions, recursive ones among them.

use super::Analyzer;
use super::item::{Item, ItemColumn};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, Alias, Name, QueryBody, Statement, With};
use crate::tree::{
    Column, CommonQuery, CommonTable, Expression, OutputColumn, Query, Relation, SetOperator, Type,
};

/// A common table as names see it.
#[derive(Clone, Debug)]
pub(super) struct KnownCommon {
    pub name: String,
    pub id: u32,
    pub columns: Vec<(String, Type, u32)>,
    /// The columns of its query, which tell the fields of records.
    pub outputs: Vec<OutputColumn>,
}

impl Analyzer<'_> {
    /// The tables of a WITH, in order.
    pub(super) fn with(&mut self, with: &With) -> Result<Vec<CommonTable>> {
        let mut tables = Vec::with_capacity(with.tables.len());
        for (i, table) in with.tables.iter().enumerate() {
            if with.tables.iter().take(i).any(|other| other.name.text == table.name.text) {
                let message = format!("WITH query name \"{}\" specified more than once", table.name.text);
                return Err(Error::new(SqlState::DuplicateAlias, message).at(self.position(table.name.at)));
            }
            let query = match &table.statement {
                Statement::Query(query) => query,
                _ => {
                    return Err(Error::unsupported("a data-modifying statement in WITH")
                        .at(self.position(table.name.at)));
                }
            };
            let id = self.next_common;
            self.next_common += 1;
            let recursive = with.recursive && mentions(query, &table.name.text);
            let (query, columns) = match recursive {
                true => self.recursive_table(table, query, id)?,
                false => {
                    let query = self.query(query)?;
                    let columns = self.common_columns(table, &query)?;
                    (CommonQuery::Plain(Box::new(query)), columns)
                }
            };
            let outputs = match &query {
                CommonQuery::Plain(query) => query.output.clone(),
                CommonQuery::Recursive { start, step: _, all: _ } => without_origins(&start.output),
            };
            let produced = columns.iter().map(|(_, ty, collation)| Column {
                number: self.new_column(),
                ty: *ty,
                collation: *collation,
            });
            let produced = produced.collect();
            let name = table.name.text.clone();
            self.scope_mut()?.common.push(KnownCommon { name: name.clone(), id, columns, outputs });
            tables.push(CommonTable { id, name, columns: produced, query, materialized: table.materialized });
        }
        Ok(tables)
    }

    /// Names and types of a common table's columns: the query's, renamed as far as a list is given.
    fn common_columns(&self, table: &syntax::CommonTable, query: &Query) -> Result<Vec<(String, Type, u32)>> {
        if table.columns.len() > query.output.len() {
            let message = format!(
                "WITH query \"{}\" has {} columns available but {} columns specified",
                table.name.text,
                query.output.len(),
                table.columns.len()
            );
            return Err(
                Error::new(SqlState::InvalidColumnReference, message).at(self.position(table.name.at))
            );
        }
        let columns = query.output.iter().enumerate().map(|(i, column)| {
            let name: &str = table.columns.get(i).map_or(&column.name, |name: &Name| &name.text);
            (name.to_string(), column.ty, column.collation)
        });
        Ok(columns.collect())
    }

    /// `start UNION [ALL] step`, where step reads the table itself.
    fn recursive_table(
        &mut self,
        table: &syntax::CommonTable,
        query: &syntax::Query,
        id: u32,
    ) -> Result<(CommonQuery, Vec<(String, Type, u32)>)> {
        let name = &table.name.text;
        let error = |analyzer: &Self, message: String| {
            Error::new(SqlState::InvalidRecursion, message).at(analyzer.position(table.name.at))
        };
        let QueryBody::SetOperation { operator: SetOperator::Union, all, left, right } = &query.body else {
            let message = format!(
                "recursive query \"{name}\" does not have the form non-recursive-term UNION [ALL] recursive-term"
            );
            return Err(error(self, message));
        };
        if mentions(left, name) {
            let message = format!(
                "recursive reference to query \"{name}\" must not appear within its non-recursive term"
            );
            return Err(error(self, message));
        }
        for (present, clause) in [
            (!query.order_by.is_empty(), "ORDER BY"),
            (query.offset.is_some(), "OFFSET"),
            (query.limit.is_some(), "LIMIT"),
            (!query.locks.is_empty(), "FOR UPDATE/SHARE"),
        ] {
            if present {
                let message = format!("{clause} in a recursive query is not implemented");
                return Err(Error::new(SqlState::FeatureNotSupported, message).at(self.position(query.at)));
            }
        }
        self.scoped(|analyzer| {
            let inner = match &query.with {
                Some(with) => analyzer.with(with)?,
                None => Vec::new(),
            };
            let mut start = analyzer.query(left)?;
            let columns = analyzer.common_columns(table, &start)?;
            let known = KnownCommon {
                name: name.clone(),
                id,
                columns: columns.clone(),
                outputs: without_origins(&start.output),
            };
            analyzer.scope_mut()?.common.push(known);
            let mut step = analyzer.query_keeping_unknown(right)?;
            if step.output.len() != start.output.len() {
                let message = "each UNION query must have the same number of columns";
                return Err(Error::new(SqlState::SyntaxError, message).at(analyzer.position(right.at)));
            }
            for (i, (_, ty, _)) in columns.iter().enumerate() {
                analyzer.retype_output(&mut step, i, Type::new(ty.oid))?;
            }
            let step = analyzer.recursive_step(step, &columns, name, left)?;
            start.common.splice(0..0, inner);
            let query = CommonQuery::Recursive { start: Box::new(start), step: Box::new(step), all: *all };
            Ok((query, columns))
        })
    }

    /// The step's columns must have the start's types, up to implicit casts of literals.
    fn recursive_step(
        &mut self,
        step: Query,
        columns: &[(String, Type, u32)],
        name: &str,
        start: &syntax::Query,
    ) -> Result<Query> {
        let mut targets: Vec<Expression> = Vec::with_capacity(columns.len());
        for (i, (output, (_, ty, _))) in step.output.iter().zip(columns).enumerate() {
            let source = super::subquery::output_reference(output);
            let common = self.common_type(&[(ty.oid, None), (output.ty.oid, None)], "UNION")?;
            if common != ty.oid {
                let message = format!(
                    "recursive query \"{name}\" column {} has type {} in non-recursive term but type {} overall",
                    i + 1,
                    self.type_text(ty.oid),
                    self.type_text(common)
                );
                return Err(Error::new(SqlState::DatatypeMismatch, message)
                    .hint("Cast the output of the non-recursive term to the correct type.")
                    .at(self.position(super::set_operation::item_at(start, i))));
            }
            targets.push(self.coerce_common(source, ty.oid, "UNION")?);
        }
        self.with_outputs(step, targets)
    }

    /// A query whose outputs are replaced by expressions over them.
    pub(super) fn with_outputs(&mut self, query: Query, targets: Vec<Expression>) -> Result<Query> {
        let plain = query.output.iter().zip(&targets).all(|(output, target)| {
            output.ty.oid == target.ty.oid
                && matches!(target.kind, crate::tree::ExpressionKind::Column(n) if n == output.column)
        });
        if plain {
            return Ok(query);
        }
        let Query { common, relation, mut output, shape } = query;
        let mut items = Vec::new();
        for (column, target) in output.iter_mut().zip(targets) {
            if matches!(target.kind, crate::tree::ExpressionKind::Column(n) if n == column.column) {
                continue;
            }
            let number = self.new_column();
            column.column = number;
            column.ty = target.ty;
            column.collation = target.collation;
            column.origin = (0, 0);
            items.push((number, target));
        }
        let relation = Relation::Extend { input: Box::new(relation), items };
        Ok(Query { common, relation, output, shape })
    }

    /// A scan of a common table of that name, where one is known.
    pub(super) fn common_scan(
        &mut self,
        name: &str,
        alias: Option<&Alias>,
    ) -> Result<Option<(Relation, Item)>> {
        let mut levels = self.scopes.iter().rev();
        let found = levels.find_map(|scope| scope.common.iter().rev().find(|known| known.name == name));
        let Some(known) = found.cloned() else { return Ok(None) };
        let mut columns = Vec::with_capacity(known.columns.len());
        let mut names = Vec::with_capacity(known.columns.len());
        for ((name, ty, collation), output) in known.columns.into_iter().zip(&known.outputs) {
            let column = Column { number: self.new_column(), ty, collation };
            self.keep_shape(column.number, &super::subquery::output_reference(output));
            names.push(ItemColumn::plain(name, &column, output.origin));
            columns.push(column);
        }
        let mut item = Item::derived(name, names);
        if let Some(alias) = alias {
            self.apply_alias(&mut item, alias, "table")?;
        }
        Ok(Some((Relation::CommonScan { id: known.id, columns }, item)))
    }
}

/// The columns of a union are no table's own.
fn without_origins(output: &[OutputColumn]) -> Vec<OutputColumn> {
    output.iter().map(|column| OutputColumn { origin: (0, 0), ..column.clone() }).collect()
}

/// Whether a query names a table of that name, which in WITH RECURSIVE means itself. A name that an inner WITH
/// hides counts too: the recursive path then reads the inner table, as it must.
fn mentions(query: &syntax::Query, name: &str) -> bool {
    let inner = query.with.iter().flat_map(|with| &with.tables);
    let in_with = inner.filter(|table| table.name.text != name).any(|table| match &table.statement {
        Statement::Query(query) => mentions(query, name),
        _ => false,
    });
    in_with
        || match &query.body {
            QueryBody::Select(select) => {
                select.from.iter().any(|reference| reference_mentions(reference, name))
                    || select_expressions_mention(select, name)
            }
            QueryBody::Values(_) => false,
            QueryBody::SetOperation { operator: _, all: _, left, right } => {
                mentions(left, name) || mentions(right, name)
            }
        }
}

fn reference_mentions(reference: &syntax::TableReference, name: &str) -> bool {
    match reference {
        syntax::TableReference::Table { name: table, alias: _, time: _ } => {
            table.parts.len() == 1 && table.name() == name
        }
        syntax::TableReference::Subquery { lateral: _, query, alias: _, at: _ } => mentions(query, name),
        syntax::TableReference::Functions { .. } => false,
        syntax::TableReference::Join { kind: _, left, right, condition: _, alias: _, at: _ } => {
            reference_mentions(left, name) || reference_mentions(right, name)
        }
    }
}

/// PostgreSQL refuses the reference in such a subquery; it must be seen to be refused or read.
fn select_expressions_mention(select: &syntax::Select, name: &str) -> bool {
    fn within(expression: &syntax::Expression, name: &str) -> bool {
        match &expression.kind {
            syntax::ExpressionKind::Subquery(query)
            | syntax::ExpressionKind::Exists(query)
            | syntax::ExpressionKind::ArrayQuery(query) => mentions(query, name),
            syntax::ExpressionKind::InQuery { argument, query, negated: _ } => {
                within(argument, name) || mentions(query, name)
            }
            syntax::ExpressionKind::And(items) | syntax::ExpressionKind::Or(items) => {
                items.iter().any(|item| within(item, name))
            }
            syntax::ExpressionKind::Not(argument) => within(argument, name),
            _ => false,
        }
    }
    select.items.iter().any(|item| within(&item.expression, name))
        || select.filter.iter().any(|filter| within(filter, name))
}
