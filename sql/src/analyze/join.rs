//! Joins: ON, USING and NATURAL with their merged columns.

use super::Analyzer;
use super::clause::Clause;
use super::from::{Entry, column_names, shown_columns};
use super::item::{Item, ItemColumn};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, Alias, JoinCondition, Name, OperatorName, TableReference};
use crate::tree::{Expression, ExpressionKind, FromShape, JoinKind, Relation};

impl Analyzer<'_> {
    pub(super) fn join(
        &mut self,
        kind: syntax::JoinKind,
        left: &TableReference,
        right: &TableReference,
        condition: &JoinCondition,
        alias: Option<&Alias>,
        at: u32,
    ) -> Result<Entry> {
        let left = self.entry(left)?;
        // The right side may be lateral, and then sees the left one; not where the join keeps unmatched right rows.
        let before = self.scope()?.items.len();
        let visible = !matches!(kind, syntax::JoinKind::Right | syntax::JoinKind::Full);
        if visible {
            let items = left.items.clone();
            self.scope_mut()?.items.extend(items);
        }
        let right = self.entry(right);
        self.scope_mut()?.items.truncate(before);
        let right = right?;
        self.check_names_against(&left.items, &right.items)?;
        let (mut items, mut right_items) = (left.items, right.items);
        if matches!(kind, syntax::JoinKind::Left | syntax::JoinKind::Full) {
            right_items.iter_mut().for_each(|item| item.nullable = true);
        }
        if matches!(kind, syntax::JoinKind::Right | syntax::JoinKind::Full) {
            items.iter_mut().for_each(|item| item.nullable = true);
        }
        let left_count = items.len();
        items.extend(right_items);
        let (on, merged) = self.join_on(kind, condition, &mut items, left_count, at)?;
        let tree_kind = match kind {
            syntax::JoinKind::Inner if on.is_none() => JoinKind::Cross,
            syntax::JoinKind::Inner => JoinKind::Inner,
            syntax::JoinKind::Cross => JoinKind::Cross,
            syntax::JoinKind::Left => JoinKind::Left,
            syntax::JoinKind::Right => JoinKind::Right,
            syntax::JoinKind::Full => JoinKind::Full,
        };
        let relation = Relation::Join {
            kind: tree_kind,
            left: Box::new(left.relation),
            right: Box::new(right.relation),
            on,
            lateral: right.lateral,
        };
        let lateral = left.lateral || right.lateral;
        let mut shape = match (left.shape, right.shape) {
            (Some(left), Some(right)) => Some(join_shape(left, right, merged.as_ref(), alias)),
            _ => None,
        };
        if let Some((merged, using_alias)) = merged {
            self.place_merged(&mut items, merged, using_alias);
        }
        if let Some(alias) = alias {
            let visible = items.iter().filter(|item| item.columns_visible);
            let natural: Vec<String> =
                visible.flat_map(Item::shown).map(|column| column.name.clone()).collect();
            self.alias_join(&mut items, alias)?;
            if let (Some(FromShape::Join { columns, renamed, .. }), Some(item)) = (&mut shape, items.last()) {
                *columns = shown_columns(item);
                if item.shown().map(|column| &column.name).eq(&natural) {
                    renamed.clear();
                }
            }
        }
        Ok(Entry { relation, items, lateral, shape })
    }

    /// The condition of a join, and the columns that USING or NATURAL merges, with the alias of those.
    #[allow(clippy::type_complexity)]
    fn join_on<'c>(
        &mut self,
        kind: syntax::JoinKind,
        condition: &'c JoinCondition,
        items: &mut Vec<Item>,
        left_count: usize,
        at: u32,
    ) -> Result<(Option<Expression>, Option<(Vec<ItemColumn>, Option<&'c Name>)>)> {
        Ok(match condition {
            JoinCondition::None => (None, None),
            JoinCondition::On(condition) => {
                let outer = std::mem::replace(&mut self.scope_mut()?.items, std::mem::take(items));
                let on = self.condition(Clause::On, condition);
                *items = std::mem::replace(&mut self.scope_mut()?.items, outer);
                (Some(on?), None)
            }
            JoinCondition::Using { columns, alias } => {
                let (on, merged) = self.merge(kind, items, left_count, columns, at)?;
                (Some(on), Some((merged, alias.as_ref())))
            }
            JoinCondition::Natural => {
                let columns = common_columns(items, left_count, at);
                match columns.is_empty() {
                    true => (None, Some((Vec::new(), None))),
                    false => {
                        let (on, merged) = self.merge(kind, items, left_count, &columns, at)?;
                        (Some(on), Some((merged, None)))
                    }
                }
            }
        })
    }

    /// The condition and the merged columns of USING.
    fn merge(
        &mut self,
        kind: syntax::JoinKind,
        items: &mut [Item],
        left_count: usize,
        columns: &[Name],
        at: u32,
    ) -> Result<(Expression, Vec<ItemColumn>)> {
        let mut tests = Vec::with_capacity(columns.len());
        let mut merged = Vec::with_capacity(columns.len());
        for (i, name) in columns.iter().enumerate() {
            if columns.iter().take(i).any(|other| other.text == name.text) {
                let message = format!("column name \"{}\" appears more than once in USING clause", name.text);
                return Err(Error::new(SqlState::DuplicateColumn, message));
            }
            let (left_items, right_items) = items.split_at(left_count);
            let left = self.using_column(left_items, name, "left")?;
            let right = self.using_column(right_items, name, "right")?;
            let (left_value, right_value) = (
                self.use_column(left.expression.clone(), name.at),
                self.use_column(right.expression.clone(), name.at),
            );
            let operator = OperatorName { schema: None, name: "=".to_string(), at: name.at };
            tests.push(self.make_operator(&operator, Some(left_value.clone()), right_value.clone())?);
            merged.push(self.merged_column(kind, name, (left, left_value), (right, right_value))?);
        }
        let on = match tests.len() {
            1 => tests.swap_remove(0),
            _ => self.boolean_node(ExpressionKind::And(tests), at),
        };
        Ok((on, merged))
    }

    fn using_column(&self, items: &[Item], name: &Name, side: &str) -> Result<ItemColumn> {
        let visible = items.iter().filter(|item| item.columns_visible);
        let mut found = visible.flat_map(Item::shown).filter(|column| column.name == name.text);
        let Some(column) = found.next() else {
            let message =
                format!("column \"{}\" specified in USING clause does not exist in {side} table", name.text);
            return Err(Error::new(SqlState::UndefinedColumn, message));
        };
        if found.next().is_some() {
            let message =
                format!("common column name \"{}\" appears more than once in {side} table", name.text);
            return Err(Error::new(SqlState::AmbiguousColumn, message));
        }
        Ok(column.clone())
    }

    /// The one column for both sides: the side that is never missing, or whichever is there.
    fn merged_column(
        &mut self,
        kind: syntax::JoinKind,
        name: &Name,
        (left, left_value): (ItemColumn, Expression),
        (right, right_value): (ItemColumn, Expression),
    ) -> Result<ItemColumn> {
        let (types, ty) = self.unify(vec![left_value, right_value], "JOIN/USING")?;
        let mut values = types.into_iter();
        let (Some(left_value), Some(right_value)) = (values.next(), values.next()) else {
            return Err(Error::internal("a merged column of one side"));
        };
        let collation = self.input_collation(&[left_value.clone(), right_value.clone()])?;
        let (expression, origin) = match kind {
            syntax::JoinKind::Right => (right_value, right.origin),
            syntax::JoinKind::Full => {
                let kind = ExpressionKind::Coalesce(vec![left_value, right_value]);
                (Expression { kind, ty, collation, position: None }, (0, 0))
            }
            syntax::JoinKind::Inner | syntax::JoinKind::Left | syntax::JoinKind::Cross => {
                (left_value, left.origin)
            }
        };
        Ok(ItemColumn { name: name.text.clone(), expression, origin, system: false })
    }

    /// Merged columns come first in `*` and hide the columns they are made of.
    fn place_merged(&self, items: &mut Vec<Item>, merged: Vec<ItemColumn>, using_alias: Option<&Name>) {
        let hidden = |column: &ItemColumn| merged.iter().any(|known| known.name == column.name);
        let mut rest = Vec::new();
        for item in items.iter_mut().filter(|item| item.columns_visible) {
            rest.extend(item.shown().filter(|column| !hidden(column)).cloned());
            item.columns_visible = false;
        }
        let mut columns = merged.clone();
        columns.extend(rest);
        let mut whole = Item::derived("", columns);
        whole.name_visible = false;
        items.push(whole);
        if let Some(alias) = using_alias {
            let mut item = Item::derived(&alias.text, merged);
            item.columns_visible = false;
            items.push(item);
        }
    }

    /// `(a JOIN b) AS x`: only x is seen from outside.
    fn alias_join(&self, items: &mut Vec<Item>, alias: &Alias) -> Result<()> {
        let visible = items.iter().filter(|item| item.columns_visible);
        let columns: Vec<ItemColumn> = visible.flat_map(Item::shown).cloned().collect();
        for item in items.iter_mut() {
            item.columns_visible = false;
            item.name_visible = false;
        }
        let mut whole = Item::derived("", columns);
        self.apply_alias(&mut whole, alias, "join expression")?;
        items.push(whole);
        Ok(())
    }
}

/// How a join was written.
fn join_shape(
    left: FromShape,
    right: FromShape,
    merged: Option<&(Vec<ItemColumn>, Option<&Name>)>,
    alias: Option<&Alias>,
) -> FromShape {
    let columns: &[ItemColumn] = merged.map_or(&[], |(columns, _)| columns);
    let composed =
        columns.iter().filter(|column| matches!(column.expression.kind, ExpressionKind::Coalesce(_)));
    FromShape::Join {
        left: Box::new(left),
        right: Box::new(right),
        using: columns.iter().map(|column| column.name.clone()).collect(),
        using_alias: merged.and_then(|(_, alias)| alias.map(|alias| alias.text.clone())),
        alias: alias.map(|alias| alias.name.text.clone()),
        renamed: alias.map_or_else(Vec::new, column_names),
        columns: Vec::new(),
        merged: composed.map(|column| (column.name.clone(), column.expression.clone())).collect(),
    }
}

/// The names that both sides of a NATURAL join have, in the left side's order.
fn common_columns(items: &[Item], left_count: usize, at: u32) -> Vec<Name> {
    let (left, right) = items.split_at(left_count);
    let names = |items: &[Item]| -> Vec<String> {
        let visible = items.iter().filter(|item| item.columns_visible);
        visible.flat_map(Item::shown).map(|column| column.name.clone()).collect()
    };
    let right = names(right);
    let shared = names(left).into_iter().filter(|name| right.contains(name));
    shared.map(|text| Name { text, at }).collect()
}
