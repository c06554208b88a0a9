//! Walks that may change a tree: every expression, relation and column number of it, once, from the outside in.

use super::{
    AggregateCall, Column, ColumnNumber, CommonQuery, CommonTable, Expression, ExpressionKind, FrameBound,
    FunctionItem, Query, Relation, SortKey, SubqueryKind, TimeClause, WindowCall,
};

/// What a walk does at each node. The answer of `expression` and `relation` is whether to go on below the node.
pub trait Visitor {
    fn expression(&mut self, _expression: &mut Expression) -> bool {
        true
    }

    fn relation(&mut self, _relation: &mut Relation) -> bool {
        true
    }

    /// Every place that names a column, where it is produced as where it is read.
    fn column(&mut self, _column: &mut ColumnNumber) {}

    /// The id of a common table, where it is defined and where it is scanned.
    fn common(&mut self, _id: &mut u32) {}
}

fn columns(items: &mut [Column], visitor: &mut dyn Visitor) {
    items.iter_mut().for_each(|column| visitor.column(&mut column.number));
}

/// Walks a query and all below it.
pub fn walk_query(query: &mut Query, visitor: &mut dyn Visitor) {
    for table in &mut query.common {
        walk_common(table, visitor);
    }
    walk_relation(&mut query.relation, visitor);
    query.output.iter_mut().for_each(|output| visitor.column(&mut output.column));
}

/// Walks a common table expression.
pub fn walk_common(table: &mut CommonTable, visitor: &mut dyn Visitor) {
    visitor.common(&mut table.id);
    columns(&mut table.columns, visitor);
    match &mut table.query {
        CommonQuery::Plain(query) => walk_query(query, visitor),
        CommonQuery::Recursive { start, step, all: _ } => {
            walk_query(start, visitor);
            walk_query(step, visitor);
        }
    }
}

fn pairs(items: &mut [(ColumnNumber, Expression)], visitor: &mut dyn Visitor) {
    for (number, expression) in items {
        visitor.column(number);
        walk_expression(expression, visitor);
    }
}

fn sort_keys(keys: &mut [SortKey], visitor: &mut dyn Visitor) {
    keys.iter_mut().for_each(|key| walk_expression(&mut key.expression, visitor));
}

fn function_items(items: &mut [FunctionItem], visitor: &mut dyn Visitor) {
    for item in items {
        walk_expression(&mut item.call, visitor);
        columns(&mut item.columns, visitor);
    }
}

/// Walks a relation and all below it.
pub fn walk_relation(relation: &mut Relation, visitor: &mut dyn Visitor) {
    if !visitor.relation(relation) {
        return;
    }
    match relation {
        Relation::Empty => {}
        Relation::Nothing { columns: items } => columns(items, visitor),
        Relation::Table(scan) => {
            scan.columns.iter_mut().for_each(|column| visitor.column(&mut column.number));
            if let Some(time) = &mut scan.time {
                walk_time(time, visitor);
            }
        }
        Relation::CommonScan { id, columns: items } => {
            visitor.common(id);
            columns(items, visitor);
        }
        Relation::Subquery(query) => walk_query(query, visitor),
        Relation::Values { columns: items, rows } => {
            columns(items, visitor);
            rows.iter_mut().flatten().for_each(|expression| walk_expression(expression, visitor));
        }
        Relation::Functions { items, ordinality } => {
            function_items(items, visitor);
            ordinality.iter_mut().for_each(|number| visitor.column(number));
        }
        Relation::Join { kind: _, left, right, on, lateral: _ } => {
            walk_relation(left, visitor);
            walk_relation(right, visitor);
            on.iter_mut().for_each(|on| walk_expression(on, visitor));
        }
        Relation::Filter { input, predicate } => {
            walk_relation(input, visitor);
            walk_expression(predicate, visitor);
        }
        Relation::Extend { input, items } => {
            walk_relation(input, visitor);
            pairs(items, visitor);
        }
        Relation::ProjectSet { input, items } => {
            walk_relation(input, visitor);
            function_items(items, visitor);
        }
        Relation::Aggregate { input, groups, sets: _, aggregates, grouping } => {
            walk_relation(input, visitor);
            pairs(groups, visitor);
            for (number, call) in aggregates {
                visitor.column(number);
                walk_aggregate(call, visitor);
            }
            grouping.iter_mut().for_each(|(number, _)| visitor.column(number));
        }
        Relation::Window { input, calls } => {
            walk_relation(input, visitor);
            for (number, call) in calls {
                visitor.column(number);
                walk_window(call, visitor);
            }
        }
        Relation::Distinct { input, columns: items, on: _ } => {
            walk_relation(input, visitor);
            columns(items, visitor);
        }
        Relation::Sort { input, keys } => {
            walk_relation(input, visitor);
            sort_keys(keys, visitor);
        }
        Relation::Limit { input, count, offset, with_ties } => {
            walk_relation(input, visitor);
            count.iter_mut().chain(offset).for_each(|expression| walk_expression(expression, visitor));
            sort_keys(with_ties, visitor);
        }
        Relation::SetOperation { operator: _, all: _, left, right, columns: items } => {
            walk_query(left, visitor);
            walk_query(right, visitor);
            columns(items, visitor);
        }
        Relation::LockRows { input, clauses } => {
            walk_relation(input, visitor);
            clauses.iter_mut().for_each(|clause| visitor.column(&mut clause.handle));
        }
    }
}

fn walk_time(time: &mut TimeClause, visitor: &mut dyn Visitor) {
    match time {
        TimeClause::AsOf(moment) => walk_expression(moment, visitor),
        TimeClause::FromTo(from, to) | TimeClause::Between(from, to) => {
            walk_expression(from, visitor);
            walk_expression(to, visitor);
        }
        TimeClause::All => {}
    }
}

/// Walks the expressions of an aggregate call.
pub fn walk_aggregate(call: &mut AggregateCall, visitor: &mut dyn Visitor) {
    let arguments = call.arguments.iter_mut().chain(&mut call.direct_arguments).chain(&mut call.filter);
    arguments.for_each(|expression| walk_expression(expression, visitor));
    sort_keys(&mut call.order_by, visitor);
}

/// Walks the expressions of a window call.
pub fn walk_window(call: &mut WindowCall, visitor: &mut dyn Visitor) {
    let arguments = call.arguments.iter_mut().chain(&mut call.filter).chain(&mut call.partition_by);
    arguments.for_each(|expression| walk_expression(expression, visitor));
    sort_keys(&mut call.order_by, visitor);
    for bound in [&mut call.frame.start, &mut call.frame.end] {
        match bound {
            FrameBound::Preceding(offset) | FrameBound::Following(offset) => walk_expression(offset, visitor),
            FrameBound::UnboundedPreceding | FrameBound::CurrentRow | FrameBound::UnboundedFollowing => {}
        }
    }
}

/// Walks an expression and all below it, subqueries included.
pub fn walk_expression(expression: &mut Expression, visitor: &mut dyn Visitor) {
    if visitor.expression(expression) {
        walk_children(expression, visitor);
    }
}

/// Walks what is below an expression, but not the expression itself.
pub fn walk_children(expression: &mut Expression, visitor: &mut dyn Visitor) {
    match &mut expression.kind {
        ExpressionKind::Constant(_) | ExpressionKind::Parameter(_) | ExpressionKind::Special(_) => {}
        ExpressionKind::Column(number) => visitor.column(number),
        ExpressionKind::Call { function: _, operator: _, arguments, variadic_array: _, form: _ } => {
            arguments.iter_mut().for_each(|argument| walk_expression(argument, visitor));
        }
        ExpressionKind::And(items)
        | ExpressionKind::Or(items)
        | ExpressionKind::Coalesce(items)
        | ExpressionKind::Greatest(items)
        | ExpressionKind::Least(items)
        | ExpressionKind::Array { elements: items, nested: _ }
        | ExpressionKind::Row { fields: items, names: _ } => {
            items.iter_mut().for_each(|item| walk_expression(item, visitor));
        }
        ExpressionKind::Relabel(argument, _)
        | ExpressionKind::Not(argument)
        | ExpressionKind::Collate(argument)
        | ExpressionKind::CoerceViaText { argument, explicit: _ }
        | ExpressionKind::CoerceTypmod { argument, explicit: _ }
        | ExpressionKind::IsNull { argument, negated: _ }
        | ExpressionKind::RowIsNull { argument, negated: _ }
        | ExpressionKind::BooleanTest { argument, test: _ }
        | ExpressionKind::Field { argument, index: _ } => walk_expression(argument, visitor),
        ExpressionKind::CoerceArray { argument, element, element_column, form: _ } => {
            walk_expression(argument, visitor);
            visitor.column(element_column);
            walk_expression(element, visitor);
        }
        ExpressionKind::CoerceToDomain { argument, domain: _, value, rules, form: _ } => {
            walk_expression(argument, visitor);
            visitor.column(value);
            for (_, check) in rules.iter_mut().filter_map(|rule| rule.check.as_mut()) {
                walk_expression(check, visitor);
            }
        }
        ExpressionKind::IsDistinct { left, right, equality: _, negated: _ }
        | ExpressionKind::NullIf { left, right, equality: _ }
        | ExpressionKind::AnyArray { left, right, function: _, operator: _, all: _ } => {
            walk_expression(left, visitor);
            walk_expression(right, visitor);
        }
        ExpressionKind::Case { simple: _, arms, otherwise } => {
            for (condition, value) in arms {
                walk_expression(condition, visitor);
                walk_expression(value, visitor);
            }
            otherwise.iter_mut().for_each(|value| walk_expression(value, visitor));
        }
        ExpressionKind::Subscript { argument, indexes, slice: _ } => {
            walk_expression(argument, visitor);
            for bound in indexes.iter_mut().flat_map(|(lower, upper)| [lower, upper]).flatten() {
                walk_expression(bound, visitor);
            }
        }
        ExpressionKind::Subquery(subquery) => {
            walk_query(&mut subquery.query, visitor);
            match &mut subquery.kind {
                SubqueryKind::Any { test } | SubqueryKind::All { test } => walk_expression(test, visitor),
                SubqueryKind::Scalar | SubqueryKind::Exists | SubqueryKind::Array | SubqueryKind::Row => {}
            }
        }
    }
}
