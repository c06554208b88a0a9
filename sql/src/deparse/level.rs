//! Query levels: which name or expression each column number stands for.

use std::collections::HashMap;

use catalog::Relation as Object;

use super::Deparser;
use crate::tree::{
    AggregateCall, ColumnNumber, CommonTable, Expression, ExpressionKind, FromShape, OutputColumn,
    QueryShape, Relation, SystemColumn, TableScan, WindowCall,
};

/// One level of a query, or the columns of a table.
#[derive(Default)]
pub(super) struct Level<'a> {
    /// The entry's name, where the column shows one, and the column's.
    pub variables: HashMap<ColumnNumber, (Option<String>, String)>,
    pub definitions: HashMap<ColumnNumber, Definition<'a>>,
    /// Merged columns of FULL JOIN ... USING.
    pub merged: Vec<(&'a str, Expression)>,
    /// The names taken at this level.
    pub taken: Vec<String>,
    /// The names of FROM's entries and aliased joins, in the order they are printed.
    pub entries: std::collections::VecDeque<String>,
    pub common: &'a [CommonTable],
    pub shape: Option<&'a QueryShape>,
}

/// What a computed column stands for.
#[derive(Clone, Copy)]
pub(super) enum Definition<'a> {
    Value(&'a Expression),
    Aggregate(&'a AggregateCall),
    Window(ColumnNumber, &'a WindowCall),
    /// GROUPING over these groups.
    Grouping(&'a [u32], &'a [(ColumnNumber, Expression)]),
}

/// An expression with columns followed to what they stand for.
#[derive(Clone)]
pub(super) enum Node<'a> {
    Value(&'a Expression),
    Aggregate(&'a AggregateCall),
    Window(ColumnNumber, &'a WindowCall),
    Grouping(&'a [u32], &'a [(ColumnNumber, Expression)]),
    /// A column by name.
    Variable(Option<String>, String),
}

impl<'a> Level<'a> {
    /// The columns of a table, by attribute number, without a prefix.
    pub fn of_table(relation: Option<&Object>) -> Level<'a> {
        let mut level = Level::default();
        for column in relation.into_iter().flat_map(|relation| relation.live_columns()) {
            let number = ColumnNumber(u32::try_from(column.number).unwrap_or(0));
            level.variables.insert(number, (None, column.name.clone()));
        }
        level
    }

    /// VALUE alone.
    pub fn of_domain() -> Level<'a> {
        let mut level = Level::default();
        level.variables.insert(crate::analyze::VALUE, (None, "VALUE".to_string()));
        level
    }

    /// What surrounds the query of a rule.
    pub fn of_rule() -> Level<'a> {
        Level { taken: vec!["old".to_string(), "new".to_string()], ..Level::default() }
    }
}

impl<'a> Deparser<'a> {
    /// Follows a column to what it stands for.
    pub(super) fn node(&self, expression: &'a Expression) -> Node<'a> {
        match &expression.kind {
            ExpressionKind::Column(number) => self.number(*number).unwrap_or(Node::Value(expression)),
            // The row of an entry that an outer join may miss.
            ExpressionKind::Case { simple: false, arms: _, otherwise: Some(row) } if matches!(&row.kind, ExpressionKind::Row { fields, .. } if self.whole_row(row, fields).is_some()) => {
                Node::Value(row)
            }
            ExpressionKind::Coalesce(_) => match self.merged(expression) {
                Some(name) => Node::Variable(None, name.to_string()),
                None => Node::Value(expression),
            },
            _ => Node::Value(expression),
        }
    }

    /// What a column number stands for.
    pub(super) fn number(&self, number: ColumnNumber) -> Option<Node<'a>> {
        for level in self.levels.iter().rev() {
            if let Some((entry, column)) = level.variables.get(&number) {
                return Some(Node::Variable(entry.clone(), column.clone()));
            }
            match level.definitions.get(&number) {
                Some(Definition::Value(value)) => return Some(self.node(value)),
                Some(Definition::Aggregate(call)) => return Some(Node::Aggregate(call)),
                Some(Definition::Window(number, call)) => return Some(Node::Window(*number, call)),
                Some(Definition::Grouping(indexes, groups)) => return Some(Node::Grouping(indexes, groups)),
                None => {}
            }
        }
        None
    }

    /// The name of a merged column that an expression is.
    fn merged(&self, expression: &Expression) -> Option<&'a str> {
        if self.levels.iter().all(|level| level.merged.is_empty()) {
            return None;
        }
        let wanted = placeless(expression);
        let merged = self.levels.iter().rev().flat_map(|level| &level.merged);
        merged.filter(|(_, known)| *known == wanted).map(|(name, _)| *name).next()
    }

    /// Names the entries of FROM, each unlike those of this level and all around, and their columns.
    pub(super) fn name_entries(&mut self, relation: &'a Relation, shape: &'a FromShape) {
        match shape {
            FromShape::Item { alias, name, renamed, columns, lateral: _ } => {
                let leaf = leaf(relation);
                let natural = match leaf {
                    Relation::Table(scan) => self
                        .catalog
                        .relation(self.database, scan.table)
                        .map_or_else(|| scan.name.clone(), |object| object.name.clone()),
                    Relation::CommonScan { id, columns: _ } => self.common_name(*id),
                    _ => name.clone(),
                };
                let entry = self.take_name(alias.as_ref().unwrap_or(&natural));
                let named = match leaf {
                    Relation::Table(scan) => self.table_columns(scan, renamed),
                    _ => columns.clone(),
                };
                let Some(level) = self.levels.last_mut() else { return };
                for (number, column) in named {
                    level.variables.insert(number, (Some(entry.clone()), column));
                }
                level.entries.push_back(entry);
            }
            FromShape::Join { left, right, using: _, using_alias: _, alias, renamed: _, columns, merged } => {
                if let Relation::Join { kind: _, left: first, right: second, on: _, lateral: _ } =
                    leaf(relation)
                {
                    self.name_entries(first, left);
                    self.name_entries(second, right);
                }
                let entry = alias.as_ref().map(|alias| self.take_name(alias));
                let Some(level) = self.levels.last_mut() else { return };
                match entry {
                    Some(entry) => {
                        for (number, column) in columns {
                            level.variables.insert(*number, (Some(entry.clone()), column.clone()));
                        }
                        level.entries.push_back(entry);
                    }
                    None => {
                        let merged = merged.iter().map(|(name, value)| (name.as_str(), placeless(value)));
                        level.merged.extend(merged);
                    }
                }
            }
        }
    }

    /// A table's columns under today's names, or those that an alias gives.
    fn table_columns(&self, scan: &TableScan, renamed: &[String]) -> Vec<(ColumnNumber, String)> {
        let object = self.catalog.relation(self.database, scan.table);
        let name = |source: SystemColumn| match source {
            SystemColumn::Attribute(attribute) => {
                let mut live = object.iter().flat_map(|object| object.live_columns()).enumerate();
                let (place, column) = live.find(|(_, column)| column.number == attribute)?;
                Some(renamed.get(place).unwrap_or(&column.name).clone())
            }
            // The columns of today's names are read instead.
            SystemColumn::Former(_) => None,
            SystemColumn::TableOid => Some("tableoid".to_string()),
            SystemColumn::Handle => Some("ctid".to_string()),
            SystemColumn::Xmin => Some("xmin".to_string()),
            SystemColumn::SystemFrom => Some("_system_from".to_string()),
            SystemColumn::SystemTo => Some("_system_to".to_string()),
            SystemColumn::WriteId => Some("_write_id".to_string()),
            SystemColumn::PreviousWriteId => Some("_prev_write_id".to_string()),
        };
        let columns = scan.columns.iter();
        columns.filter_map(|column| Some((column.number, name(column.source)?))).collect()
    }

    /// The name of a common table.
    pub(super) fn common_name(&self, id: u32) -> String {
        let known = self.levels.iter().rev().flat_map(|level| level.common);
        known.filter(|table| table.id == id).map(|table| table.name.clone()).next().unwrap_or_default()
    }

    /// A name that no entry here or around has: with a number behind it where it is taken.
    pub(super) fn take_name(&mut self, name: &str) -> String {
        let taken =
            |name: &str| self.levels.iter().any(|level| level.taken.iter().any(|known| known == name));
        let mut chosen = name.to_string();
        let mut counter = 0;
        while taken(&chosen) {
            counter += 1;
            chosen = format!("{name}_{counter}");
        }
        if let Some(level) = self.levels.last_mut() {
            level.taken.push(chosen.clone());
        }
        chosen
    }

    /// The name of the next entry of FROM.
    pub(super) fn next_entry(&mut self) -> String {
        self.levels.last_mut().and_then(|level| level.entries.pop_front()).unwrap_or_default()
    }
}

/// A relation of FROM without what analysis put around it.
pub(super) fn leaf(mut relation: &Relation) -> &Relation {
    while let Relation::Extend { input, items: _ } = relation {
        relation = input;
    }
    relation
}

/// The entries of a FROM list, which are crossed from left to right.
pub(super) fn list_entries(relation: &Relation, count: usize) -> Vec<&Relation> {
    match relation {
        Relation::Join { kind: _, left, right, on: _, lateral: _ } if count > 1 => {
            let mut entries = list_entries(left, count - 1);
            entries.push(right);
            entries
        }
        _ => vec![relation],
    }
}

/// The place of a column among outputs, from 1.
pub(super) fn place_of(output: &[OutputColumn], number: ColumnNumber) -> Option<usize> {
    output.iter().position(|column| column.column == number).map(|place| place + 1)
}

fn placeless(expression: &Expression) -> Expression {
    let mut copy = expression.clone();
    crate::tree::visit::walk_expression(&mut copy, &mut crate::analyze::Placeless);
    copy
}
