//! FROM: tables, subqueries, functions, joins.

use super::level::{Node, leaf, list_entries};
use super::{Deparser, JOIN_INDENT, STANDARD_INDENT};
use crate::tree::{
    ColumnNumber, Expression, ExpressionKind, FromShape, FunctionItem, JoinKind, Relation, TimeClause,
};
use crate::types::oid;

impl<'a> Deparser<'a> {
    pub(super) fn from(&mut self, relation: &'a Relation, shapes: &'a [FromShape]) {
        let entries = list_entries(relation, shapes.len());
        for (place, (entry, shape)) in entries.into_iter().zip(shapes).enumerate() {
            if place == 0 {
                self.keyword(" FROM ", -STANDARD_INDENT, STANDARD_INDENT, 2);
                self.entry(entry, shape);
                continue;
            }
            self.push(", ");
            let text = self.apart(|deparser| deparser.entry(entry, shape));
            self.wrap_entry(&text, true, false);
        }
    }

    fn entry(&mut self, relation: &'a Relation, shape: &'a FromShape) {
        match shape {
            FromShape::Item { alias, name: _, renamed, columns, lateral } => {
                self.item(leaf(relation), alias.is_some(), renamed, columns, *lateral);
            }
            FromShape::Join { .. } => self.join(leaf(relation), shape),
        }
    }

    fn item(
        &mut self,
        relation: &'a Relation,
        aliased: bool,
        renamed: &'a [String],
        columns: &'a [(ColumnNumber, String)],
        lateral: bool,
    ) {
        let entry = self.next_entry();
        if lateral || self.reads_this_level(relation) {
            self.push("LATERAL ");
        }
        let mut natural: Option<String> = None;
        let mut function: Option<&'a FunctionItem> = None;
        match relation {
            Relation::Table(scan) => {
                let name = self.names.relation_name(scan.table).unwrap_or_else(|| scan.name.clone());
                self.push(&name);
                natural = self.catalog.relation(self.database, scan.table).map(|object| object.name.clone());
                if let Some(time) = &scan.time {
                    self.time(time);
                }
            }
            Relation::CommonScan { id, columns: _ } => {
                let name = self.common_name(*id);
                self.identifier(&name);
                natural = Some(name);
            }
            Relation::Subquery(query) => {
                self.push("(");
                self.query(query, None, true);
                self.push(")");
            }
            Relation::Functions { items, ordinality } => {
                function = self.functions(items, ordinality.is_some())
            }
            _ => {}
        }
        let is_function = matches!(relation, Relation::Functions { .. });
        if aliased || natural.as_ref() != Some(&entry) {
            self.push(" ");
            self.identifier(&entry);
        }
        match function.filter(|item| item.call.ty.oid == oid::RECORD && !has_outputs(&item.call)) {
            Some(item) => {
                self.push("(");
                for (place, (column, (_, name))) in item.columns.iter().zip(columns).enumerate() {
                    if place > 0 {
                        self.push(", ");
                    }
                    self.identifier(name);
                    self.push(" ");
                    self.type_name(column.ty);
                }
                self.push(")");
            }
            None if is_function => self.column_names(columns.iter().map(|(_, name)| name.as_str())),
            None => self.column_names(renamed_columns(renamed, columns)),
        }
    }

    fn column_names<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        let names: Vec<String> = names.map(super::quote_identifier).collect();
        if !names.is_empty() {
            self.push(&format!("({})", names.join(", ")));
        }
    }

    /// Whether a function or subquery reads columns of the entries beside it.
    fn reads_this_level(&self, relation: &'a Relation) -> bool {
        let Relation::Functions { items, ordinality: _ } = relation else { return false };
        let Some(level) = self.levels.last() else { return false };
        struct Reads<'v>(&'v dyn Fn(ColumnNumber) -> bool, bool);
        impl crate::tree::visit::Visitor for Reads<'_> {
            fn expression(&mut self, expression: &mut Expression) -> bool {
                if let ExpressionKind::Column(number) = expression.kind {
                    self.1 |= (self.0)(number);
                }
                true
            }
        }
        let local = |number: ColumnNumber| level.variables.contains_key(&number);
        items.iter().any(|item| {
            let mut reads = Reads(&local, false);
            crate::tree::visit::walk_expression(&mut item.call.clone(), &mut reads);
            reads.1
        })
    }

    /// The functions of an entry; the one that a list of column definitions may follow.
    fn functions(&mut self, items: &'a [FunctionItem], ordinality: bool) -> Option<&'a FunctionItem> {
        let mut only = None;
        match items {
            [item] => {
                self.value(&item.call, true);
                only = Some(item);
            }
            _ => {
                let unnest = |item: &&'a FunctionItem| match &item.call.kind {
                    ExpressionKind::Call { function, .. } => {
                        catalog::builtin::function_by_oid(*function).is_some_and(|row| row.name == "unnest")
                    }
                    _ => false,
                };
                let all_unnest = items.iter().all(|item| unnest(&item));
                self.push(if all_unnest { "UNNEST(" } else { "ROWS FROM(" });
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        self.push(", ");
                    }
                    match &item.call.kind {
                        ExpressionKind::Call { arguments, .. } if all_unnest => self.list(arguments, true),
                        _ => self.value(&item.call, true),
                    }
                }
                self.push(")");
            }
        }
        if ordinality {
            self.push(" WITH ORDINALITY");
        }
        only
    }

    fn time(&mut self, time: &'a TimeClause) {
        self.push(" FOR SYSTEM_TIME ");
        match time {
            TimeClause::AsOf(moment) => {
                self.push("AS OF ");
                self.value(moment, false);
            }
            TimeClause::FromTo(from, to) => self.span("FROM ", from, " TO ", to),
            TimeClause::Between(from, to) => self.span("BETWEEN ", from, " AND ", to),
            TimeClause::All => self.push("ALL"),
        }
    }

    fn span(&mut self, first: &str, from: &'a Expression, second: &str, to: &'a Expression) {
        self.push(first);
        self.value(from, false);
        self.push(second);
        self.value(to, false);
    }

    fn join(&mut self, relation: &'a Relation, shape: &'a FromShape) {
        let Relation::Join { kind, left, right, on, lateral: _ } = relation else { return };
        let FromShape::Join {
            left: first,
            right: second,
            using,
            using_alias,
            alias,
            renamed,
            columns,
            merged: _,
        } = shape
        else {
            return;
        };
        let parenthesized = !self.layout.pretty || alias.is_some();
        if parenthesized {
            self.push("(");
        }
        self.entry(left, first);
        let word = match kind {
            JoinKind::Cross => " CROSS JOIN ",
            JoinKind::Inner => " JOIN ",
            JoinKind::Left => " LEFT JOIN ",
            JoinKind::Right => " RIGHT JOIN ",
            JoinKind::Full => " FULL JOIN ",
        };
        self.keyword(word, -STANDARD_INDENT, STANDARD_INDENT, JOIN_INDENT);
        let right_join = matches!(&**second, FromShape::Join { alias: None, .. });
        if self.layout.pretty && right_join {
            self.push("(");
        }
        self.entry(right, second);
        if self.layout.pretty && right_join {
            self.push(")");
        }
        if !using.is_empty() {
            self.push(" USING ");
            self.column_names(using.iter().map(String::as_str));
            if let Some(alias) = using_alias {
                self.push(" AS ");
                self.identifier(alias);
            }
        } else if let Some(on) = on {
            self.push(" ON ");
            self.plain_parenthesis('(');
            self.value(on, false);
            self.plain_parenthesis(')');
        } else if *kind != JoinKind::Cross {
            self.push(" ON TRUE");
        }
        if parenthesized {
            self.push(")");
        }
        if alias.is_some() {
            let entry = self.next_entry();
            self.push(" ");
            self.identifier(&entry);
            self.column_names(renamed_columns(renamed, columns));
        }
    }

    /// The name of the entry that a column belongs to.
    pub(super) fn entry_of(&self, number: ColumnNumber) -> Option<String> {
        match self.number(number) {
            Some(Node::Variable(entry, _)) => entry,
            Some(_) | None => None,
        }
    }
}

/// Names of columns, where an alias gave any: all of them then.
fn renamed_columns<'n>(
    renamed: &[String],
    columns: &'n [(ColumnNumber, String)],
) -> impl Iterator<Item = &'n str> {
    let count = if renamed.is_empty() { 0 } else { columns.len() };
    let system = ["tableoid", "ctid", "xmin", "_system_from", "_system_to"];
    columns.iter().take(count).map(|(_, name)| name.as_str()).filter(move |name| !system.contains(name))
}

/// Whether a function's rows have columns of their own.
fn has_outputs(call: &Expression) -> bool {
    match &call.kind {
        ExpressionKind::Call { function, .. } => {
            catalog::builtin::function_by_oid(*function).is_some_and(|row| !row.output_columns().is_empty())
        }
        _ => false,
    }
}
