//! Queries: WITH, set operations, ORDER BY, LIMIT.

use super::level::{Definition, Level};
use super::select::Body;
use super::{Deparser, STANDARD_INDENT};
use crate::tree::{CommonQuery, CommonTable, LockStrength, LockWait, Query, Relation, SetOperator};

impl<'a> Deparser<'a> {
    /// A query as a level of its own. `names` are those that its columns go by; `visible`: the names matter, so that
    /// none is left to be guessed.
    pub(super) fn query(&mut self, query: &'a Query, names: Option<&[String]>, visible: bool) {
        let indent = self.indent;
        let body = Body::of(query);
        self.open_level(query, &body);
        self.with(query);
        let by_place = match body.source {
            Relation::SetOperation { .. } => {
                self.set_operation(body.source, names, visible);
                true
            }
            _ => {
                self.select(query, &body, names, visible);
                false
            }
        };
        self.tail(query, &body, by_place);
        self.levels.pop();
        self.indent = indent;
    }

    fn open_level(&mut self, query: &'a Query, body: &Body<'a>) {
        let mut level = Level { common: &query.common, shape: query.shape.as_deref(), ..Level::default() };
        for (number, value) in body.computed.iter().flat_map(|items| items.iter()) {
            level.definitions.insert(*number, Definition::Value(value));
        }
        for item in body.sets.iter().flat_map(|items| items.iter()) {
            if let Some(column) = item.columns.first() {
                level.definitions.insert(column.number, Definition::Value(&item.call));
            }
        }
        for (number, call) in body.windows {
            level.definitions.insert(*number, Definition::Window(*number, call));
        }
        if let Some(groups) = &body.groups {
            for (number, value) in groups.items {
                level.definitions.insert(*number, Definition::Value(value));
            }
            for (number, call) in groups.aggregates {
                level.definitions.insert(*number, Definition::Aggregate(call));
            }
            for (number, indexes) in groups.grouping {
                level.definitions.insert(*number, Definition::Grouping(indexes, groups.items));
            }
        }
        self.levels.push(level);
        let shapes = query.shape.as_deref().map_or(&[][..], |shape| &shape.from);
        for (entry, shape) in super::level::list_entries(body.source, shapes.len()).into_iter().zip(shapes) {
            self.name_entries(entry, shape);
        }
        if let Relation::Values { columns, rows: _ } = body.source {
            let entry = self.take_name("*VALUES*");
            if let Some(level) = self.levels.last_mut() {
                for (place, column) in columns.iter().enumerate() {
                    let name = (Some(entry.clone()), format!("column{}", place + 1));
                    level.variables.insert(column.number, name);
                }
            }
        }
    }

    fn with(&mut self, query: &'a Query) {
        if query.common.is_empty() {
            return;
        }
        self.indent += STANDARD_INDENT;
        self.push(" ");
        let shape = query.shape.as_deref();
        for (place, table) in query.common.iter().enumerate() {
            self.push(match (place, shape.is_some_and(|shape| shape.recursive)) {
                (0, true) => "WITH RECURSIVE ",
                (0, false) => "WITH ",
                _ => ", ",
            });
            self.identifier(&table.name);
            let named = shape.and_then(|shape| shape.common.iter().find(|(id, _)| *id == table.id));
            if let Some((_, names)) = named.filter(|(_, names)| !names.is_empty()) {
                let names: Vec<String> = names.iter().map(|name| super::quote_identifier(name)).collect();
                self.push(&format!("({})", names.join(", ")));
            }
            self.push(" AS ");
            self.push(match table.materialized {
                None => "",
                Some(true) => "MATERIALIZED ",
                Some(false) => "NOT MATERIALIZED ",
            });
            self.push("(");
            self.keyword("", 0, 0, 0);
            self.common_query(table);
            self.keyword("", 0, 0, 0);
            self.push(")");
        }
        self.indent -= STANDARD_INDENT;
        self.keyword("", 0, 0, 0);
    }

    fn common_query(&mut self, table: &'a CommonTable) {
        match &table.query {
            CommonQuery::Plain(query) => self.query(query, None, true),
            CommonQuery::Recursive { start, step, all } => {
                let indent = self.indent;
                self.levels.push(Level::default());
                self.sides(SetOperator::Union, *all, start, step, (None, true));
                self.levels.pop();
                self.indent = indent;
            }
        }
    }

    fn set_operation(&mut self, relation: &'a Relation, names: Option<&[String]>, visible: bool) {
        if let Relation::SetOperation { operator, all, left, right, columns: _ } = relation {
            self.sides(*operator, *all, left, right, (names, visible));
        }
    }

    fn sides(
        &mut self,
        operator: SetOperator,
        all: bool,
        left: &'a Query,
        right: &'a Query,
        (names, visible): (Option<&[String]>, bool),
    ) {
        let nested = nested_operation(left);
        let parenthesized = nested.is_some_and(|inner| inner != (operator, all));
        let step = if parenthesized { STANDARD_INDENT } else { 0 };
        if parenthesized {
            self.push("(");
            self.keyword("", step, 0, 0);
        }
        self.side(left, names, visible);
        self.keyword(if parenthesized { ") " } else { "" }, -step, 0, 0);
        self.push(match operator {
            SetOperator::Union => "UNION ",
            SetOperator::Intersect => "INTERSECT ",
            SetOperator::Except => "EXCEPT ",
        });
        if all {
            self.push("ALL ");
        }
        let parenthesized = nested_operation(right).is_some();
        let step = if parenthesized { STANDARD_INDENT } else { 0 };
        if parenthesized {
            self.push("(");
        }
        self.keyword("", step, 0, 0);
        self.side(right, names, false);
        self.indent -= step;
        if parenthesized {
            self.keyword(")", 0, 0, 0);
        }
    }

    fn side(&mut self, query: &'a Query, names: Option<&[String]>, visible: bool) {
        if nested_operation(query).is_some() {
            let body = Body::of(query);
            self.open_level(query, &body);
            self.set_operation(body.source, names, visible);
            self.levels.pop();
            return;
        }
        let body = Body::of(query);
        let parenthesized = !query.common.is_empty()
            || !body.order.is_empty()
            || !body.locks.is_empty()
            || body.limit.is_some()
            || body.offset.is_some();
        if parenthesized {
            self.push("(");
        }
        self.query(query, names, visible);
        if parenthesized {
            self.push(")");
        }
    }

    /// ORDER BY, OFFSET, LIMIT and row locks.
    fn tail(&mut self, query: &'a Query, body: &Body<'a>, by_place: bool) {
        if !body.order.is_empty() {
            let count = match &query.shape {
                Some(shape) if body.distinct_on.is_some() => {
                    usize::try_from(shape.order).unwrap_or(usize::MAX)
                }
                Some(_) | None => body.order.len(),
            };
            if count > 0 {
                self.keyword(" ORDER BY ", -STANDARD_INDENT, STANDARD_INDENT, 1);
                self.order(body.order, count, by_place.then_some(&query.output));
            }
        }
        if let Some(offset) = body.offset {
            self.keyword(" OFFSET ", -STANDARD_INDENT, STANDARD_INDENT, 0);
            self.value(offset, false);
        }
        if let Some(limit) = body.limit {
            let word = if body.with_ties { " FETCH FIRST " } else { " LIMIT " };
            self.keyword(word, -STANDARD_INDENT, STANDARD_INDENT, 0);
            match &limit.kind {
                crate::tree::ExpressionKind::Constant(engine::Value::Null) => self.push("ALL"),
                _ => self.value(limit, false),
            }
            if body.with_ties {
                self.push(" ROWS WITH TIES");
            }
        }
        for lock in body.locks {
            let words = match lock.strength {
                LockStrength::KeyShare => " FOR KEY SHARE",
                LockStrength::Share => " FOR SHARE",
                LockStrength::NoKeyUpdate => " FOR NO KEY UPDATE",
                LockStrength::Update => " FOR UPDATE",
            };
            self.keyword(words, -STANDARD_INDENT, STANDARD_INDENT, 0);
            if let Some(entry) = self.entry_of(lock.handle) {
                self.push(" OF ");
                self.identifier(&entry);
            }
            self.push(match lock.wait {
                LockWait::Block => "",
                LockWait::NoWait => " NOWAIT",
                LockWait::SkipLocked => " SKIP LOCKED",
            });
        }
    }
}

/// The set operation that a side is itself, where nothing else belongs to it.
fn nested_operation(query: &Query) -> Option<(SetOperator, bool)> {
    let body = Body::of(query);
    let plain =
        query.common.is_empty() && body.order.is_empty() && body.limit.is_none() && body.offset.is_none();
    match body.source {
        Relation::SetOperation { operator, all, .. } if plain => Some((*operator, *all)),
        _ => None,
    }
}
