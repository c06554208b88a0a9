//! `strata.history(table, key, ...)` in FROM: every version that the rows of one primary key had, oldest first.
//!
//! Its columns are the table's, then when each version began and ended. So the table is a constant: the text of its name
//! or a literal of type regclass. What comes out is a scan of all of the table's history under a condition on its key,
//! which reads the versions of that key alone, whatever else the table holds.

use std::sync::Arc;

use catalog::{IndexSource, Relation as Object, RelationKind};
use engine::Value;

use super::Analyzer;
use super::clause::Clause;
use super::from::Entry;
use super::item::{Item, ItemColumn};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, Alias, FunctionCall, OperatorName};
use crate::tree::{Expression, ExpressionKind, Relation, SortKey, SystemColumn, TimeClause, Type};
use crate::types::{self, oid};

/// What a version's times are called.
const TIMES: [&str; 2] = ["_system_from", "_system_to"];

impl Analyzer<'_> {
    /// The call, if an item of FROM is one of strata.history.
    pub(super) fn history_call<'c>(
        &self,
        item: &'c syntax::FunctionItem,
        (rows_from, ordinality): (bool, bool),
        at: u32,
    ) -> Result<Option<&'c FunctionCall>> {
        let syntax::ExpressionKind::Function(call) = &item.call.kind else { return Ok(None) };
        let named = match call.name.parts.as_slice() {
            [schema, name] => schema == "strata" && name == "history",
            [name] => {
                name == "history" && self.environment.search_path.iter().any(|schema| **schema == *"strata")
            }
            _ => false,
        };
        if !named {
            return Ok(None);
        }
        let refused = if rows_from {
            "strata.history in ROWS FROM"
        } else if ordinality {
            "strata.history WITH ORDINALITY"
        } else if !item.columns.is_empty() {
            "a column definition list of strata.history"
        } else if self.keep_views {
            "strata.history in a view"
        } else {
            return Ok(Some(&**call));
        };
        Err(Error::unsupported(refused).at(self.position(at)))
    }

    /// The entry of FROM that a call makes.
    pub(super) fn history_entry(
        &mut self,
        call: &FunctionCall,
        alias: Option<&Alias>,
        lateral: bool,
    ) -> Result<Entry> {
        let position = self.position(call.name.at);
        self.refuse_decorations(call)?;
        if call.arguments.iter().any(|argument| argument.name.is_some() || argument.variadic) {
            return Err(Error::unsupported("named and variadic arguments of strata.history").at(position));
        }
        let Some((table, keys)) = call.arguments.split_first() else {
            let message = "function strata.history() does not exist";
            return Err(Error::new(SqlState::UndefinedFunction, message)
                .hint("Give it a table and the values of its primary key.")
                .at(position));
        };
        let object = self.table_constant(&table.value, "strata.history")?;
        let columns = self.primary_key(&object, (table.value.at, call.name.at), keys.len())?;
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            values.push(self.expression_in(Clause::FromFunction, &key.value)?);
        }
        let clause = TimeClause::All;
        self.catalog_of(&clause)?;
        self.note_use(&object, Some(&clause))?;
        let (mut relation, mut item) = self.scan(&object, Some(clause.clone()));
        self.read_former_types(&object, &clause, &mut relation, &mut item)?;
        let begin = beginning(&relation)?;
        self.mark_used(&begin);
        let key = columns.into_iter().zip(values).collect();
        let predicate = self.key_test(&item, object.oid, key, call.name.at)?;
        let filter = Relation::Filter { input: Box::new(relation), predicate };
        let order = SortKey { expression: begin, descending: false, nulls_first: false };
        let relation = Relation::Sort { input: Box::new(filter), keys: vec![order] };
        let mut item = shown(item);
        if let Some(alias) = alias {
            self.apply_alias(&mut item, alias, "table")?;
        }
        let shape = self.item_shape(&item, "history", alias, lateral);
        Ok(Entry { relation, items: vec![item], lateral: true, shape })
    }

    /// That the columns of a key have these values.
    fn key_test(
        &mut self,
        item: &Item,
        table: u32,
        key: Vec<(i16, Expression)>,
        at: u32,
    ) -> Result<Expression> {
        let mut tests = Vec::with_capacity(key.len());
        for (attribute, value) in key {
            let column = item.columns.iter().find(|column| column.origin == (table, attribute));
            let column = column.ok_or_else(|| Error::internal("a key without its column"))?;
            let column = column.expression.clone();
            self.mark_used(&column);
            let equals = OperatorName { schema: None, name: "=".to_string(), at };
            tests.push(self.make_operator(&equals, Some(column), value)?);
        }
        match (tests.pop(), tests.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                tests.push(last);
                let kind = ExpressionKind::And(tests);
                Ok(Expression { kind, ty: Type::new(oid::BOOL), collation: 0, position: None })
            }
            (None, _) => Err(Error::internal("a key without columns")),
        }
    }

    /// The table that a constant names, the first argument of a function.
    pub(super) fn table_constant(
        &self,
        argument: &syntax::Expression,
        function: &str,
    ) -> Result<Arc<Object>> {
        let position = self.position(argument.at);
        let text = match &argument.kind {
            syntax::ExpressionKind::String(text) => Some(text),
            syntax::ExpressionKind::Cast { argument, ty } => match &argument.kind {
                syntax::ExpressionKind::String(text) if ty.name.name() == "regclass" => Some(text),
                _ => None,
            },
            _ => None,
        };
        let text = text.ok_or_else(|| {
            let message = format!("the table of {function} must be a constant");
            let error = Error::new(SqlState::FeatureNotSupported, message).at(position);
            match function {
                "strata.history" => error.hint("The columns of its rows are those of the table."),
                _ => error,
            }
        })?;
        let named = types::input(oid::REGCLASS, -1, text, &self.environment.input)
            .map_err(|error| error.at(position))?;
        let (catalog, database) = (self.environment.catalog, self.environment.database);
        let object = match named {
            Value::UInt32(oid) => catalog.relation(database, oid).cloned(),
            _ => None,
        };
        let object = object.ok_or_else(|| {
            Error::new(SqlState::UndefinedTable, format!("relation \"{text}\" does not exist")).at(position)
        })?;
        match &object.kind {
            RelationKind::Table(_) => {}
            RelationKind::View(_)
            | RelationKind::MaterializedView(_)
            | RelationKind::Sequence(_)
            | RelationKind::Index(_)
            | RelationKind::System { .. } => {
                let message = format!("\"{}\" is not a table", object.name);
                return Err(Error::new(SqlState::WrongObjectType, message).at(position));
            }
        }
        self.check_temporary(&object)?;
        Ok(object)
    }

    /// The attribute numbers of a table's primary key, in its order, for as many values as were given.
    pub(super) fn primary_key(
        &self,
        object: &Object,
        (at, call): (u32, u32),
        given: usize,
    ) -> Result<Vec<i16>> {
        let (catalog, database) = (self.environment.catalog, self.environment.database);
        let mut indexes = catalog.indexes_of(database, object.oid).filter_map(|index| index.as_index());
        let key = indexes.find(|index| index.primary).ok_or_else(|| {
            let message = format!("table \"{}\" has no primary key", object.name);
            Error::new(SqlState::UndefinedObject, message)
                .hint("FOR SYSTEM_TIME ALL shows the versions of all rows.")
                .at(self.position(at))
        })?;
        let attribute = |source: &IndexSource| match source {
            IndexSource::Column(number) => Ok(*number),
            IndexSource::Expression(_) => Err(Error::internal("a primary key over an expression")),
        };
        let key = key.keys.iter().map(|key| attribute(&key.source)).collect::<Result<Vec<_>>>()?;
        if key.len() != given {
            let message = format!(
                "the primary key of table \"{}\" has {} columns, but {given} values were given",
                object.name,
                key.len()
            );
            return Err(Error::new(SqlState::InvalidParameterValue, message).at(self.position(call)));
        }
        Ok(key)
    }
}

/// The column in which a scan shows when versions began.
fn beginning(relation: &Relation) -> Result<Expression> {
    let begin = match relation {
        Relation::Table(scan) => scan.columns.iter().find(|column| column.source == SystemColumn::SystemFrom),
        _ => None,
    };
    let begin = begin.ok_or_else(|| Error::internal("a scan without times"))?;
    let kind = ExpressionKind::Column(begin.number);
    Ok(Expression { kind, ty: Type::new(oid::TIMESTAMPTZ), collation: 0, position: None })
}

/// The item as the function shows it: the table's columns, then a version's times.
fn shown(item: Item) -> Item {
    let (times, plain): (Vec<ItemColumn>, Vec<ItemColumn>) = item
        .columns
        .into_iter()
        .filter(|column| !column.system || TIMES.contains(&column.name.as_str()))
        .partition(|column| column.system);
    let times = times.into_iter().map(|column| ItemColumn { system: false, ..column });
    let mut shown = Item::derived("history", plain.into_iter().chain(times).collect());
    shown.no_key = true;
    shown
}
