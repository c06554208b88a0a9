//! Walks over typed trees: which columns an expression or a query reads, and substitution of columns.

use std::collections::{HashMap, HashSet};

use crate::tree::{
    AggregateCall, ColumnNumber, CommonQuery, Expression, ExpressionKind, FrameBound, Query, Relation,
    Subquery, SubqueryKind, TimeClause, WindowCall, WindowFrame,
};

/// A set of columns.
pub type Columns = HashSet<ColumnNumber>;

/// Makes one walk over shared and one over exclusive references: `$mutability` is empty or `mut`.
macro_rules! walks {
    ($children:ident, $query:ident, $relation:ident, $aggregate:ident, $window:ident $(, $mutability:tt)?) => {
        /// Visits the direct parts of an expression; of a subquery, every expression of its relations.
        pub fn $children(
            expression: & $($mutability)? Expression,
            visit: &mut dyn FnMut(& $($mutability)? Expression),
        ) {
            match & $($mutability)? expression.kind {
                ExpressionKind::Constant(_)
                | ExpressionKind::Parameter(_)
                | ExpressionKind::Column(_)
                | ExpressionKind::Special(_) => {}
                ExpressionKind::Relabel(argument, _)
                | ExpressionKind::CoerceViaText { argument, explicit: _ }
                | ExpressionKind::CoerceTypmod { argument, explicit: _ }
                | ExpressionKind::Not(argument)
                | ExpressionKind::IsNull { argument, negated: _ }
                | ExpressionKind::RowIsNull { argument, negated: _ }
                | ExpressionKind::BooleanTest { argument, test: _ }
                | ExpressionKind::Field { argument, index: _ }
                | ExpressionKind::Collate(argument) => visit(argument),
                ExpressionKind::CoerceToDomain { argument, domain: _, value: _, rules: _, form: _ } => {
                    visit(argument);
                }
                ExpressionKind::CoerceArray { argument, element, element_column: _, form: _ } => {
                    visit(argument);
                    visit(element);
                }
                ExpressionKind::Call { function: _, operator: _, arguments, variadic_array: _, form: _ } => {
                    for argument in arguments { visit(argument); }
                }
                ExpressionKind::And(items)
                | ExpressionKind::Or(items)
                | ExpressionKind::Coalesce(items)
                | ExpressionKind::Greatest(items)
                | ExpressionKind::Least(items)
                | ExpressionKind::Array { elements: items, nested: _ }
                | ExpressionKind::Row { fields: items, names: _ } => {
                    for item in items { visit(item); }
                }
                ExpressionKind::IsDistinct { left, right, equality: _, negated: _ }
                | ExpressionKind::NullIf { left, right, equality: _ }
                | ExpressionKind::AnyArray { left, right, function: _, operator: _, all: _ } => {
                    visit(left);
                    visit(right);
                }
                ExpressionKind::Case { simple: _, arms, otherwise } => {
                    for (when, then) in arms { visit(when); visit(then); }
                    if let Some(otherwise) = otherwise { visit(otherwise); }
                }
                ExpressionKind::Subscript { argument, indexes, slice: _ } => {
                    visit(argument);
                    for (lower, upper) in indexes {
                        if let Some(lower) = lower { visit(lower); }
                        if let Some(upper) = upper { visit(upper); }
                    }
                }
                ExpressionKind::Subquery(subquery) => {
                    let Subquery { kind, query } = & $($mutability)? **subquery;
                    match kind {
                        SubqueryKind::Scalar | SubqueryKind::Exists | SubqueryKind::Array | SubqueryKind::Row => {}
                        SubqueryKind::Any { test } | SubqueryKind::All { test } => visit(test),
                    }
                    $query(query, visit);
                }
            }
        }

        /// Visits every expression that stands in a query's relations, common tables included.
        pub fn $query(query: & $($mutability)? Query, visit: &mut dyn FnMut(& $($mutability)? Expression)) {
            for common in & $($mutability)? query.common {
                match & $($mutability)? common.query {
                    CommonQuery::Plain(query) => $query(query, visit),
                    CommonQuery::Recursive { start, step, all: _ } => {
                        $query(start, visit);
                        $query(step, visit);
                    }
                }
            }
            $relation(& $($mutability)? query.relation, visit);
        }

        /// Visits every expression that stands in a relation and its inputs.
        pub fn $relation(
            relation: & $($mutability)? Relation,
            visit: &mut dyn FnMut(& $($mutability)? Expression),
        ) {
            match relation {
                Relation::Empty | Relation::Nothing { columns: _ } | Relation::CommonScan { id: _, columns: _ } => {}
                Relation::Table(scan) => match & $($mutability)? scan.time {
                    None | Some(TimeClause::All) => {}
                    Some(TimeClause::AsOf(moment)) => visit(moment),
                    Some(TimeClause::FromTo(from, to)) | Some(TimeClause::Between(from, to)) => {
                        visit(from);
                        visit(to);
                    }
                },
                Relation::Subquery(query) => $query(query, visit),
                Relation::Values { columns: _, rows } => {
                    for row in rows { for item in row { visit(item); } }
                }
                Relation::Functions { items, ordinality: _ } => {
                    for item in items { visit(& $($mutability)? item.call); }
                }
                Relation::Join { kind: _, left, right, on, lateral: _ } => {
                    $relation(left, visit);
                    $relation(right, visit);
                    if let Some(on) = on { visit(on); }
                }
                Relation::Filter { input, predicate } => {
                    $relation(input, visit);
                    visit(predicate);
                }
                Relation::Extend { input, items } => {
                    $relation(input, visit);
                    for (_, item) in items { visit(item); }
                }
                Relation::ProjectSet { input, items } => {
                    $relation(input, visit);
                    for item in items { visit(& $($mutability)? item.call); }
                }
                Relation::Aggregate { input, groups, sets: _, aggregates, grouping: _ } => {
                    $relation(input, visit);
                    for (_, group) in groups { visit(group); }
                    for (_, call) in aggregates { $aggregate(call, visit); }
                }
                Relation::Window { input, calls } => {
                    $relation(input, visit);
                    for (_, call) in calls { $window(call, visit); }
                }
                Relation::Distinct { input, columns: _, on: _ } => $relation(input, visit),
                Relation::Sort { input, keys } => {
                    $relation(input, visit);
                    for key in keys { visit(& $($mutability)? key.expression); }
                }
                Relation::Limit { input, count, offset, with_ties } => {
                    $relation(input, visit);
                    if let Some(count) = count { visit(count); }
                    if let Some(offset) = offset { visit(offset); }
                    for key in with_ties { visit(& $($mutability)? key.expression); }
                }
                Relation::SetOperation { operator: _, all: _, left, right, columns: _ } => {
                    $query(left, visit);
                    $query(right, visit);
                }
                Relation::LockRows { input, clauses: _ } => $relation(input, visit),
            }
        }

        /// Visits the expressions of an aggregate's call.
        pub fn $aggregate(
            call: & $($mutability)? AggregateCall,
            visit: &mut dyn FnMut(& $($mutability)? Expression),
        ) {
            let AggregateCall {
                function: _, arguments, direct_arguments, distinct: _, filter, order_by, ty: _, collation: _,
            } = call;
            for argument in arguments { visit(argument); }
            for argument in direct_arguments { visit(argument); }
            if let Some(filter) = filter { visit(filter); }
            for key in order_by { visit(& $($mutability)? key.expression); }
        }

        /// Visits the expressions of a window function's call.
        pub fn $window(
            call: & $($mutability)? WindowCall,
            visit: &mut dyn FnMut(& $($mutability)? Expression),
        ) {
            let WindowCall {
                function: _, aggregate: _, arguments, filter, partition_by, order_by, frame, ty: _, collation: _,
            } = call;
            for argument in arguments { visit(argument); }
            if let Some(filter) = filter { visit(filter); }
            for item in partition_by { visit(item); }
            for key in order_by { visit(& $($mutability)? key.expression); }
            let WindowFrame { units: _, start, end, exclusion: _ } = frame;
            for bound in [start, end] {
                match bound {
                    FrameBound::UnboundedPreceding
                    | FrameBound::CurrentRow
                    | FrameBound::UnboundedFollowing => {}
                    FrameBound::Preceding(offset) | FrameBound::Following(offset) => visit(offset),
                }
            }
        }
    };
}

walks!(children, query_expressions, relation_expressions, aggregate_expressions, window_expressions);
walks!(
    children_mut,
    query_expressions_mut,
    relation_expressions_mut,
    aggregate_expressions_mut,
    window_expressions_mut,
    mut
);

/// Adds every column that the expression names, those of its subqueries included.
pub fn add_columns(expression: &Expression, columns: &mut Columns) {
    if let ExpressionKind::Column(number) = expression.kind {
        columns.insert(number);
    }
    children(expression, &mut |part| add_columns(part, columns));
}

/// Every column that the expression names.
pub fn columns_of(expression: &Expression) -> Columns {
    let mut columns = Columns::new();
    add_columns(expression, &mut columns);
    columns
}

/// Every column that a query names anywhere.
pub fn query_columns(query: &Query) -> Columns {
    let mut columns = Columns::new();
    query_expressions(query, &mut |expression| add_columns(expression, &mut columns));
    columns
}

/// Every column that a relation names anywhere.
pub fn relation_columns(relation: &Relation) -> Columns {
    let mut columns = Columns::new();
    relation_expressions(relation, &mut |expression| add_columns(expression, &mut columns));
    columns
}

/// Whether any part of the expression satisfies the test; subqueries are entered.
pub fn any(expression: &Expression, test: &mut dyn FnMut(&Expression) -> bool) -> bool {
    if test(expression) {
        return true;
    }
    let mut found = false;
    children(expression, &mut |part| found = found || any(part, test));
    found
}

/// Whether the expression holds a subquery.
pub fn has_subquery(expression: &Expression) -> bool {
    any(expression, &mut |part| matches!(part.kind, ExpressionKind::Subquery(_)))
}

/// Replaces columns by expressions, in subqueries too.
pub fn substitute(expression: &mut Expression, replacements: &HashMap<ColumnNumber, Expression>) {
    if let ExpressionKind::Column(number) = expression.kind
        && let Some(replacement) = replacements.get(&number)
    {
        *expression = replacement.clone();
        return;
    }
    children_mut(expression, &mut |part| substitute(part, replacements));
}

/// The columns that a relation makes visible to those above it.
pub fn produced(relation: &Relation, columns: &mut Columns) {
    match relation {
        Relation::Empty => {}
        Relation::Nothing { columns: own }
        | Relation::CommonScan { id: _, columns: own }
        | Relation::Values { columns: own, rows: _ } => {
            columns.extend(own.iter().map(|column| column.number))
        }
        Relation::Table(scan) => columns.extend(scan.columns.iter().map(|column| column.number)),
        Relation::Subquery(query) => columns.extend(query.output.iter().map(|column| column.column)),
        Relation::Functions { items, ordinality } => {
            columns.extend(items.iter().flat_map(|item| &item.columns).map(|column| column.number));
            columns.extend(ordinality);
        }
        Relation::Join { kind: _, left, right, on: _, lateral: _ } => {
            produced(left, columns);
            produced(right, columns);
        }
        Relation::Filter { input, predicate: _ }
        | Relation::Sort { input, keys: _ }
        | Relation::Limit { input, count: _, offset: _, with_ties: _ }
        | Relation::LockRows { input, clauses: _ } => produced(input, columns),
        Relation::Extend { input, items } => {
            produced(input, columns);
            columns.extend(items.iter().map(|(number, _)| *number));
        }
        Relation::ProjectSet { input, items } => {
            produced(input, columns);
            columns.extend(items.iter().flat_map(|item| &item.columns).map(|column| column.number));
        }
        Relation::Aggregate { input: _, groups, sets: _, aggregates, grouping } => {
            columns.extend(groups.iter().map(|(number, _)| *number));
            columns.extend(aggregates.iter().map(|(number, _)| *number));
            columns.extend(grouping.iter().map(|(number, _)| *number));
        }
        Relation::Window { input, calls } => {
            produced(input, columns);
            columns.extend(calls.iter().map(|(number, _)| *number));
        }
        Relation::Distinct { input, columns: own, on } => {
            columns.extend(own.iter().map(|column| column.number));
            if *on {
                produced(input, columns);
            }
        }
        Relation::SetOperation { operator: _, all: _, left: _, right: _, columns: own } => {
            columns.extend(own.iter().map(|column| column.number));
        }
    }
}

/// The columns that a relation makes visible.
pub fn produced_columns(relation: &Relation) -> Columns {
    let mut columns = Columns::new();
    produced(relation, &mut columns);
    columns
}

/// Counts the scans of each common table in a query, those of its subqueries included.
pub fn count_common_scans(query: &Query, counts: &mut HashMap<u32, usize>) {
    for common in &query.common {
        match &common.query {
            CommonQuery::Plain(query) => count_common_scans(query, counts),
            CommonQuery::Recursive { start, step, all: _ } => {
                count_common_scans(start, counts);
                count_common_scans(step, counts);
            }
        }
    }
    count_in_relation(&query.relation, counts);
}

fn count_in_relation(relation: &Relation, counts: &mut HashMap<u32, usize>) {
    match relation {
        Relation::CommonScan { id, columns: _ } => *counts.entry(*id).or_default() += 1,
        Relation::Subquery(query) => return count_common_scans(query, counts),
        Relation::SetOperation { operator: _, all: _, left, right, columns: _ } => {
            count_common_scans(left, counts);
            count_common_scans(right, counts);
            return;
        }
        Relation::Join { kind: _, left, right, on, lateral: _ } => {
            count_in_relation(left, counts);
            count_in_relation(right, counts);
            if let Some(on) = on {
                count_in_expression(on, counts);
            }
            return;
        }
        Relation::Filter { input, predicate: _ }
        | Relation::Extend { input, items: _ }
        | Relation::ProjectSet { input, items: _ }
        | Relation::Aggregate { input, groups: _, sets: _, aggregates: _, grouping: _ }
        | Relation::Window { input, calls: _ }
        | Relation::Distinct { input, columns: _, on: _ }
        | Relation::Sort { input, keys: _ }
        | Relation::Limit { input, count: _, offset: _, with_ties: _ }
        | Relation::LockRows { input, clauses: _ } => count_in_relation(input, counts),
        Relation::Empty
        | Relation::Nothing { columns: _ }
        | Relation::Table(_)
        | Relation::Values { columns: _, rows: _ }
        | Relation::Functions { items: _, ordinality: _ } => {}
    }
    own_expressions(relation, &mut |expression| count_in_expression(expression, counts));
}

fn count_in_expression(expression: &Expression, counts: &mut HashMap<u32, usize>) {
    if let ExpressionKind::Subquery(subquery) = &expression.kind {
        count_common_scans(&subquery.query, counts);
        if let SubqueryKind::Any { test } | SubqueryKind::All { test } = &subquery.kind {
            count_in_expression(test, counts);
        }
        return;
    }
    children(expression, &mut |part| count_in_expression(part, counts));
}

/// Visits the expressions that stand in a relation itself, not in its inputs.
pub fn own_expressions(relation: &Relation, visit: &mut dyn FnMut(&Expression)) {
    match relation {
        Relation::Empty
        | Relation::Nothing { columns: _ }
        | Relation::Table(_)
        | Relation::CommonScan { id: _, columns: _ }
        | Relation::Subquery(_)
        | Relation::Distinct { input: _, columns: _, on: _ }
        | Relation::SetOperation { operator: _, all: _, left: _, right: _, columns: _ }
        | Relation::LockRows { input: _, clauses: _ } => {}
        Relation::Values { columns: _, rows } => rows.iter().flatten().for_each(visit),
        Relation::Functions { items, ordinality: _ } | Relation::ProjectSet { input: _, items } => {
            items.iter().for_each(|item| visit(&item.call));
        }
        Relation::Join { kind: _, left: _, right: _, on, lateral: _ } => on.iter().for_each(visit),
        Relation::Filter { input: _, predicate } => visit(predicate),
        Relation::Extend { input: _, items } => items.iter().for_each(|(_, item)| visit(item)),
        Relation::Aggregate { input: _, groups, sets: _, aggregates, grouping: _ } => {
            groups.iter().for_each(|(_, group)| visit(group));
            aggregates.iter().for_each(|(_, call)| aggregate_expressions(call, visit));
        }
        Relation::Window { input: _, calls } => {
            calls.iter().for_each(|(_, call)| window_expressions(call, visit))
        }
        Relation::Sort { input: _, keys } => keys.iter().for_each(|key| visit(&key.expression)),
        Relation::Limit { input: _, count, offset, with_ties } => {
            count.iter().chain(offset).for_each(&mut *visit);
            with_ties.iter().for_each(|key| visit(&key.expression));
        }
    }
}
