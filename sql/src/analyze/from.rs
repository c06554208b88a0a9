//! FROM: tables, subqueries, functions.

use super::Analyzer;
use super::clause::Clause;
use super::item::{Item, ItemColumn};
use super::target::output_name;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, Alias, ObjectName, TableReference};
use crate::tree::{
    Column, ColumnNumber, Expression, ExpressionKind, FromShape, FunctionItem, JoinKind, Relation, Type,
};
use crate::types::oid;

/// An entry of FROM with what it offers to names.
pub(super) struct Entry {
    pub relation: Relation,
    pub items: Vec<Item>,
    /// It may read columns of the entries before it.
    pub lateral: bool,
    /// How it was written, where the tree is to be stored.
    pub shape: Option<FromShape>,
}

impl Analyzer<'_> {
    /// The FROM list: its entries crossed, left to right. The items end up in the scope.
    pub(super) fn crossed_entries(&mut self, from: &[TableReference]) -> Result<Relation> {
        let mut whole: Option<Relation> = None;
        for reference in from {
            let entry = self.entry(reference)?;
            self.check_names(&entry.items)?;
            let scope = self.scope_mut()?;
            scope.items.extend(entry.items);
            scope.shapes.extend(entry.shape);
            whole = Some(match whole {
                None => entry.relation,
                Some(left) => Relation::Join {
                    kind: JoinKind::Cross,
                    left: Box::new(left),
                    right: Box::new(entry.relation),
                    on: None,
                    lateral: entry.lateral,
                },
            });
        }
        Ok(whole.unwrap_or(Relation::Empty))
    }

    /// No two entries of a FROM list may go by one name.
    pub(super) fn check_names(&self, items: &[Item]) -> Result<()> {
        self.check_names_against(&self.scope()?.items, items)
    }

    pub(super) fn check_names_against(&self, known: &[Item], items: &[Item]) -> Result<()> {
        for item in items.iter().filter(|item| item.name_visible && !item.name.is_empty()) {
            let clash =
                known.iter().filter(|other| other.name_visible && other.name == item.name).any(|other| {
                    // Two tables of different schemas, neither with an alias, do not clash.
                    other.schema.is_none() || item.schema.is_none() || other.schema == item.schema
                });
            if clash {
                let message = format!("table name \"{}\" specified more than once", item.name);
                return Err(Error::new(SqlState::DuplicateAlias, message));
            }
        }
        Ok(())
    }

    pub(super) fn entry(&mut self, reference: &TableReference) -> Result<Entry> {
        match reference {
            TableReference::Table { name, alias, time } => {
                self.table_entry(name, alias.as_ref(), time.as_ref())
            }
            TableReference::Subquery { lateral, query, alias, at } => {
                self.subquery_entry(query, alias.as_ref(), *lateral, *at)
            }
            TableReference::Functions { lateral, items, rows_from, ordinality, alias, at } => {
                self.function_entry(items, (*rows_from, *ordinality, *lateral), alias.as_ref(), *at)
            }
            TableReference::Join { kind, left, right, condition, alias, at } => {
                self.join(*kind, left, right, condition, alias.as_ref(), *at)
            }
        }
    }

    fn table_entry(
        &mut self,
        name: &ObjectName,
        alias: Option<&Alias>,
        time: Option<&syntax::TimeClause>,
    ) -> Result<Entry> {
        if let [plain] = name.parts.as_slice()
            && let Some((relation, item)) = self.common_scan(plain, alias)?
        {
            if time.is_some() {
                let message = format!("FOR SYSTEM_TIME cannot be applied to WITH query \"{plain}\"");
                return Err(Error::new(SqlState::WrongObjectType, message).at(self.position(name.at)));
            }
            let shape = self.item_shape(&item, plain, alias, false);
            return Ok(Entry { relation, items: vec![item], lateral: false, shape });
        }
        let time = self.time_clause(time, name.at)?;
        let (relation, item) = self.table(name, alias, time)?;
        let shape = self.item_shape(&item, name.name(), alias, false);
        Ok(Entry { relation, items: vec![item], lateral: false, shape })
    }

    fn subquery_entry(
        &mut self,
        query: &syntax::Query,
        alias: Option<&Alias>,
        lateral: bool,
        at: u32,
    ) -> Result<Entry> {
        let was_open = std::mem::replace(&mut self.scope_mut()?.open, lateral);
        let query = self.query(query);
        self.scope_mut()?.open = was_open;
        let query = query?;
        let mut columns = Vec::with_capacity(query.output.len());
        let mut output = query.output.clone();
        let mut relation = Relation::Subquery(Box::new(query));
        // Two output columns of one number, or one of an outer level, need numbers of their own here.
        let mut seen = std::collections::HashSet::new();
        let mut copies = Vec::new();
        for column in &mut output {
            let own = self.is_innermost_descendant(column.column);
            if !own || !seen.insert(column.column) {
                let number = self.new_column();
                let copied = super::subquery::output_reference(column);
                self.keep_shape(number, &copied);
                copies.push((number, copied));
                column.column = number;
            }
            self.adopt(column.column);
            let produced = Column { number: column.column, ty: column.ty, collation: column.collation };
            columns.push(ItemColumn::plain(&column.name, &produced, column.origin));
        }
        if !copies.is_empty() {
            relation = Relation::Extend { input: Box::new(relation), items: copies };
        }
        let mut item = Item::derived("", columns);
        match alias {
            Some(alias) => self.apply_alias(&mut item, alias, "table")?,
            None => {
                return Err(Error::new(SqlState::SyntaxError, "subquery in FROM must have an alias")
                    .at(self.position(at)));
            }
        }
        let shape = self.item_shape(&item, "", alias, lateral);
        Ok(Entry { relation, items: vec![item], lateral, shape })
    }

    /// How an entry was written, where the tree is to be stored; `name` is what it goes by without an alias.
    pub(super) fn item_shape(
        &self,
        item: &Item,
        name: &str,
        alias: Option<&Alias>,
        lateral: bool,
    ) -> Option<FromShape> {
        self.keep_views.then(|| FromShape::Item {
            alias: alias.map(|alias| alias.name.text.clone()),
            name: name.to_string(),
            renamed: alias.map_or_else(Vec::new, column_names),
            columns: shown_columns(item),
            lateral,
        })
    }

    /// Whether a column was made below the innermost scope, not by it or around it.
    fn is_innermost_descendant(&self, column: crate::tree::ColumnNumber) -> bool {
        let owner = self.owner(column);
        !self.scopes.iter().any(|scope| scope.id == owner)
    }

    fn function_entry(
        &mut self,
        items: &[syntax::FunctionItem],
        (rows_from, ordinality, lateral): (bool, bool, bool),
        alias: Option<&Alias>,
        at: u32,
    ) -> Result<Entry> {
        if let [item] = items
            && let Some(call) = self.history_call(item, (rows_from, ordinality), at)?
        {
            return self.history_entry(call, alias, lateral);
        }
        let mut functions = Vec::with_capacity(items.len());
        let mut columns: Vec<ItemColumn> = Vec::new();
        let mut scalar = false;
        let spread = spread_unnest(items);
        let items = spread.as_deref().unwrap_or(items);
        for item in items {
            let call = self.function_in_from(&item.call)?;
            let name = match (&alias, rows_from) {
                (Some(alias), false) => alias.name.text.clone(),
                _ => output_name(&item.call),
            };
            let (produced, named, is_scalar) = self.function_columns(&call, item, &name, at)?;
            scalar = is_scalar && items.len() == 1 && !ordinality;
            columns.extend(named);
            functions.push(FunctionItem { call, columns: produced });
        }
        let mut ordinal = None;
        if ordinality {
            if items.iter().any(|item| !item.columns.is_empty()) && !rows_from {
                let message = "WITH ORDINALITY cannot be used with a column definition list";
                return Err(Error::new(SqlState::SyntaxError, message)
                    .hint("Put the column definition list inside ROWS FROM().")
                    .at(self.position(at)));
            }
            let number = self.new_column();
            let column = Column { number, ty: Type::new(oid::INT8), collation: 0 };
            columns.push(ItemColumn::plain("ordinality", &column, (0, 0)));
            ordinal = Some(number);
        }
        let first = items.first().map(|item| output_name(&item.call)).unwrap_or_default();
        let mut item = Item::derived(&first, columns);
        item.scalar = scalar;
        if let Some(alias) = alias {
            self.apply_alias(&mut item, alias, "table")?;
        }
        let relation = Relation::Functions { items: functions, ordinality: ordinal };
        let shape = self.item_shape(&item, &first, alias, lateral);
        Ok(Entry { relation, items: vec![item], lateral: true, shape })
    }

    /// The call of a function in FROM: a set at its top is no placeholder here.
    fn function_in_from(&mut self, call: &syntax::Expression) -> Result<Expression> {
        let outer = std::mem::replace(&mut self.scope_mut()?.clause, Clause::FromFunction);
        let result = match &call.kind {
            syntax::ExpressionKind::Function(function) => self.top_level_call(function),
            _ => self.expression(call),
        };
        self.scope_mut()?.clause = outer;
        let call = result?;
        self.resolve_unknown(call)
    }

    /// The columns that a function gives: produced ones, and as named.
    fn function_columns(
        &mut self,
        call: &Expression,
        item: &syntax::FunctionItem,
        name: &str,
        at: u32,
    ) -> Result<(Vec<Column>, Vec<ItemColumn>, bool)> {
        let mut shape: Vec<(String, Type, u32)> = Vec::new();
        let composite = self.is_composite(call.ty.oid);
        let mut known: Vec<(String, Type)> = if composite { self.row_columns(call) } else { Vec::new() };
        if let ExpressionKind::Call { function, .. } = &call.kind
            && known.is_empty()
        {
            let row = catalog::builtin::function_by_oid(*function);
            let outputs = row.map(|row| row.output_columns()).unwrap_or_default();
            if outputs.len() == 1 && !composite {
                known = Vec::new();
                if let Some((output, _)) = outputs.first()
                    && !output.is_empty()
                {
                    // A single OUT parameter names the column.
                    shape.push(((*output).to_string(), call.ty, call.collation));
                }
            }
        }
        if !item.columns.is_empty() {
            if call.ty.oid != oid::RECORD {
                let message = "a column definition list is only allowed for functions returning \"record\"";
                return Err(Error::new(SqlState::SyntaxError, message).at(self.position(at)));
            }
            if !known.is_empty() {
                let message = "a column definition list is redundant for a function with OUT parameters";
                return Err(Error::new(SqlState::SyntaxError, message).at(self.position(at)));
            }
            for column in &item.columns {
                let ty = self.type_of(&column.ty)?;
                let collation = match &column.collation {
                    Some(collation) => self.collation_by_name(collation, collation.at)?,
                    None => self.default_collation(ty.oid),
                };
                shape.push((column.name.text.clone(), ty, collation));
            }
        } else if call.ty.oid == oid::RECORD && known.is_empty() {
            let message = "a column definition list is required for functions returning \"record\"";
            return Err(Error::new(SqlState::SyntaxError, message).at(call.position));
        } else if composite {
            shape.extend(known.into_iter().map(|(name, ty)| {
                let collation = self.default_collation(ty.oid);
                (name, ty, collation)
            }));
        }
        let scalar = shape.len() <= 1 && !composite;
        if shape.is_empty() {
            shape.push((name.to_string(), call.ty, call.collation));
        }
        let (mut produced, mut named) = (Vec::new(), Vec::new());
        for (name, ty, collation) in shape {
            let column = Column { number: self.new_column(), ty, collation };
            named.push(ItemColumn::plain(name, &column, (0, 0)));
            produced.push(column);
        }
        Ok((produced, named, scalar))
    }
}

/// The names of columns that an alias gives.
pub(super) fn column_names(alias: &Alias) -> Vec<String> {
    alias.columns.iter().map(|name| name.text.clone()).collect()
}

/// The plain columns of an item with their names.
pub(super) fn shown_columns(item: &Item) -> Vec<(ColumnNumber, String)> {
    let plain = item.columns.iter().filter_map(|column| match column.expression.kind {
        ExpressionKind::Column(number) => Some((number, column.name.clone())),
        _ => None,
    });
    plain.collect()
}

/// `unnest(a, b)` in FROM is ROWS FROM (unnest(a), unnest(b)).
fn spread_unnest(items: &[syntax::FunctionItem]) -> Option<Vec<syntax::FunctionItem>> {
    let several = |item: &syntax::FunctionItem| match &item.call.kind {
        syntax::ExpressionKind::Function(call) => {
            let name = call.name.parts.as_slice();
            let is_unnest = matches!(name, [unnest] if unnest == "unnest")
                || matches!(name, [schema, unnest] if schema == "pg_catalog" && unnest == "unnest");
            is_unnest && call.arguments.len() > 1 && item.columns.is_empty()
        }
        _ => false,
    };
    if !items.iter().any(several) {
        return None;
    }
    let mut spread = Vec::new();
    for item in items {
        match &item.call.kind {
            syntax::ExpressionKind::Function(call) if several(item) => {
                for argument in &call.arguments {
                    let single = syntax::FunctionCall::plain(call.name.clone(), vec![argument.value.clone()]);
                    let kind = syntax::ExpressionKind::Function(Box::new(single));
                    let call = syntax::Expression { kind, at: item.call.at };
                    spread.push(syntax::FunctionItem { call, columns: Vec::new() });
                }
            }
            _ => spread.push(item.clone()),
        }
    }
    Some(spread)
}
