//! One SELECT: its clauses out of the relations that analysis made of them.

use super::level::Node;
use super::{Deparser, STANDARD_INDENT};
use crate::tree::{
    AggregateCall, Column, ColumnNumber, Expression, FunctionItem, OutputColumn, Query, Relation,
    RowLockClause, SortKey, WindowCall,
};

/// The parts of a query level.
#[derive(Default)]
pub(super) struct Body<'a> {
    pub distinct: bool,
    pub distinct_on: Option<&'a [Column]>,
    pub computed: Vec<&'a [(ColumnNumber, Expression)]>,
    pub sets: Vec<&'a [FunctionItem]>,
    pub windows: &'a [(ColumnNumber, WindowCall)],
    pub having: Option<&'a Expression>,
    pub groups: Option<Groups<'a>>,
    pub filter: Option<&'a Expression>,
    pub order: &'a [SortKey],
    pub limit: Option<&'a Expression>,
    pub offset: Option<&'a Expression>,
    pub with_ties: bool,
    pub locks: &'a [RowLockClause],
    /// FROM, VALUES or a set operation.
    pub source: &'a Relation,
}

/// GROUP BY.
pub(super) struct Groups<'a> {
    pub items: &'a [(ColumnNumber, Expression)],
    pub sets: Option<&'a [Vec<u32>]>,
    pub aggregates: &'a [(ColumnNumber, AggregateCall)],
    pub grouping: &'a [(ColumnNumber, Vec<u32>)],
}

impl Default for &Relation {
    fn default() -> Self {
        &Relation::Empty
    }
}

impl<'a> Body<'a> {
    /// Takes a query level apart.
    pub fn of(query: &'a Query) -> Body<'a> {
        let mut body = Body::default();
        let mut relation = &query.relation;
        loop {
            relation = match relation {
                Relation::Limit { input, count, offset, with_ties } => {
                    body.limit = count.as_ref();
                    body.offset = offset.as_ref();
                    body.with_ties = !with_ties.is_empty();
                    input
                }
                Relation::LockRows { input, clauses } => {
                    body.locks = clauses;
                    input
                }
                Relation::Distinct { input, columns, on } => {
                    if *on {
                        body.distinct_on = Some(columns);
                    } else {
                        body.distinct = true;
                    }
                    input
                }
                Relation::Sort { input, keys } => {
                    body.order = keys;
                    input
                }
                Relation::Extend { input, items } => {
                    body.computed.push(items);
                    input
                }
                Relation::ProjectSet { input, items } => {
                    body.sets.push(items);
                    input
                }
                Relation::Window { input, calls } => {
                    body.windows = calls;
                    input
                }
                Relation::Filter { input, predicate } => {
                    if matches!(**input, Relation::Aggregate { .. }) {
                        body.having = Some(predicate);
                    } else {
                        body.filter = Some(predicate);
                    }
                    input
                }
                Relation::Aggregate { input, groups, sets, aggregates, grouping } => {
                    let sets = sets.as_deref();
                    body.groups = Some(Groups { items: groups, sets, aggregates, grouping });
                    input
                }
                source => {
                    body.source = source;
                    return body;
                }
            }
        }
    }
}

impl<'a> Deparser<'a> {
    pub(super) fn select(
        &mut self,
        query: &'a Query,
        body: &Body<'a>,
        names: Option<&[String]>,
        visible: bool,
    ) {
        self.indent += STANDARD_INDENT;
        self.push(" ");
        if let Relation::Values { columns: _, rows } = body.source {
            return self.values(rows);
        }
        self.push("SELECT");
        if let Some(columns) = body.distinct_on {
            self.push(" DISTINCT ON (");
            for (place, column) in columns.iter().enumerate() {
                if place > 0 {
                    self.push(", ");
                }
                self.column_item(column.number);
            }
            self.push(")");
        } else if body.distinct {
            self.push(" DISTINCT");
        }
        self.targets(&query.output, names, visible);
        let shape = query.shape.as_deref();
        if !matches!(body.source, Relation::Empty) {
            self.from(body.source, shape.map_or(&[], |shape| &shape.from));
        }
        if let Some(filter) = body.filter {
            self.keyword(" WHERE ", -STANDARD_INDENT, STANDARD_INDENT, 1);
            self.value(filter, false);
        }
        if let Some(groups) = &body.groups {
            let written = shape.map_or(groups.items.len(), |shape| shape.groups as usize);
            self.group_by(groups, written);
        }
        if let Some(having) = body.having {
            self.keyword(" HAVING ", -STANDARD_INDENT, STANDARD_INDENT, 0);
            self.value(having, false);
        }
        self.named_windows(query, body);
    }

    fn values(&mut self, rows: &'a [Vec<Expression>]) {
        self.push("VALUES ");
        for (place, row) in rows.iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            self.push("(");
            for (place, value) in row.iter().enumerate() {
                if place > 0 {
                    self.push(",");
                }
                self.value(value, false);
            }
            self.push(")");
        }
    }

    fn targets(&mut self, output: &'a [OutputColumn], names: Option<&[String]>, visible: bool) {
        self.push(" ");
        let mut several_lines = false;
        for (place, column) in output.iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            let wanted = names.and_then(|names| names.get(place)).unwrap_or(&column.name);
            let text = self.apart(|deparser| deparser.target(column, wanted, visible));
            self.wrap_entry(&text, place > 0, several_lines);
            let rest = text.strip_prefix('\n').unwrap_or(&text);
            several_lines = rest.contains('\n');
        }
    }

    fn target(&mut self, column: &'a OutputColumn, wanted: &str, visible: bool) {
        // A set operation's sides show their columns as they were before they came to one type.
        let node = match self.number(column.column) {
            Some(Node::Value(value)) => Some(self.node(super::expression::uncast_column(value))),
            other => other,
        };
        let own = match node {
            Some(Node::Variable(entry, name)) => {
                self.variable(entry.as_deref(), &name);
                Some(name)
            }
            Some(node) => {
                self.node_text(&node, true);
                if let Node::Value(value) = &node
                    && let crate::tree::ExpressionKind::Row { fields, .. } = &value.kind
                    && self.whole_row(value, fields).is_some()
                {
                    self.label(value.ty);
                }
                (!visible).then(|| "?column?".to_string())
            }
            None => None,
        };
        if own.as_deref() != Some(wanted) {
            self.push(" AS ");
            self.identifier(wanted);
        }
    }

    /// A column as an item of DISTINCT ON.
    fn column_item(&mut self, number: ColumnNumber) {
        match self.number(number) {
            Some(Node::Value(value)) => self.clause_item(value),
            Some(node) => self.node_text(&node, true),
            None => {}
        }
    }

    fn group_by(&mut self, groups: &Groups<'a>, written: usize) {
        let items = groups.items.get(..written).unwrap_or(groups.items);
        match groups.sets {
            None if items.is_empty() => {}
            None => {
                self.keyword(" GROUP BY ", -STANDARD_INDENT, STANDARD_INDENT, 1);
                self.group_items(items.iter().map(|(_, item)| item));
            }
            Some(sets) => {
                self.keyword(" GROUP BY ", -STANDARD_INDENT, STANDARD_INDENT, 1);
                self.grouping_sets(items, sets);
            }
        }
    }

    fn group_items(&mut self, items: impl Iterator<Item = &'a Expression>) {
        for (place, item) in items.enumerate() {
            if place > 0 {
                self.push(", ");
            }
            self.clause_item(item);
        }
    }

    /// Grouping sets; those of ROLLUP and CUBE by these words.
    fn grouping_sets(&mut self, items: &'a [(ColumnNumber, Expression)], sets: &'a [Vec<u32>]) {
        let count = items.len() as u32;
        let rollup: Vec<Vec<u32>> = (0..=count).rev().map(|length| (0..length).collect()).collect();
        let chosen = |mask: u32| -> Vec<u32> {
            (0..count).filter(|index| mask >> (count - 1 - index) & 1 == 1).collect()
        };
        let cube = count < 12
            && sets.len() == 1 << count
            && (0..1u32 << count).rev().map(chosen).eq(sets.iter().cloned());
        if sets == rollup.as_slice() || cube {
            self.push(if cube && count > 1 { "CUBE(" } else { "ROLLUP(" });
            self.group_items(items.iter().map(|(_, item)| item));
            return self.push(")");
        }
        self.push("GROUPING SETS (");
        for (place, set) in sets.iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            self.push("(");
            self.group_items(set.iter().filter_map(|index| items.get(*index as usize)).map(|(_, item)| item));
            self.push(")");
        }
        self.push(")");
    }

    /// WINDOW: the windows that calls name.
    fn named_windows(&mut self, query: &'a Query, body: &Body<'a>) {
        let Some(shape) = query.shape.as_deref() else { return };
        let mut first = true;
        for name in &shape.window_names {
            let used = shape.windows.iter().find(|(_, window)| window.name.as_ref() == Some(name));
            let Some((number, window)) = used else { continue };
            let Some((_, call)) = body.windows.iter().find(|(known, _)| known == number) else { continue };
            if first {
                self.keyword(" WINDOW ", -STANDARD_INDENT, STANDARD_INDENT, 1);
            } else {
                self.push(", ");
            }
            first = false;
            self.identifier(name);
            self.push(" AS ");
            self.window(call, Some(window));
        }
    }
}
