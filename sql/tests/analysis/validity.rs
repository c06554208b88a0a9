//! The invariant of the tree: an expression reads only columns that its relation's input produces, or a level around.

use std::collections::BTreeSet;

use strata_sql::tree::visit::{Visitor, walk_aggregate, walk_expression, walk_window};
use strata_sql::tree::{
    ColumnNumber, CommonQuery, Expression, ExpressionKind, Query, Relation, SortKey, SubqueryKind, TimeClause,
};

type Columns = BTreeSet<ColumnNumber>;

/// What is wrong with a query, if anything.
pub fn check(query: &Query) -> Result<(), String> {
    query_columns(query, &Columns::new()).map(drop)
}

fn query_columns(query: &Query, outer: &Columns) -> Result<Columns, String> {
    for table in &query.common {
        match &table.query {
            CommonQuery::Plain(query) => drop(query_columns(query, outer)?),
            CommonQuery::Recursive { start, step, all: _ } => {
                query_columns(start, outer)?;
                query_columns(step, outer)?;
            }
        }
    }
    let produced = relation_columns(&query.relation, outer)?;
    match query.output.iter().find(|column| !produced.contains(&column.column)) {
        Some(column) => Err(format!("output {} ({:?}) is not produced", column.name, column.column)),
        None => Ok(produced),
    }
}

fn union(a: &Columns, b: &Columns) -> Columns {
    a.union(b).copied().collect()
}

/// The columns that a relation produces, everything below it checked.
fn relation_columns(relation: &Relation, outer: &Columns) -> Result<Columns, String> {
    let numbers = |columns: &[strata_sql::tree::Column]| {
        columns.iter().map(|column| column.number).collect::<Columns>()
    };
    match relation {
        Relation::Empty => Ok(Columns::new()),
        Relation::Nothing { columns } | Relation::CommonScan { id: _, columns } => Ok(numbers(columns)),
        Relation::Table(scan) => {
            match &scan.time {
                Some(TimeClause::AsOf(moment)) => reads(moment, &Columns::new())?,
                Some(TimeClause::FromTo(from, to) | TimeClause::Between(from, to)) => {
                    reads(from, &Columns::new())?;
                    reads(to, &Columns::new())?;
                }
                Some(TimeClause::All) | None => {}
            }
            Ok(scan.columns.iter().map(|column| column.number).collect())
        }
        Relation::Subquery(query) => query_columns(query, outer),
        Relation::Values { columns, rows } => {
            rows.iter().flatten().try_for_each(|value| reads(value, outer))?;
            Ok(numbers(columns))
        }
        Relation::Functions { items, ordinality } => {
            let mut produced: Columns = ordinality.iter().copied().collect();
            for item in items {
                reads(&item.call, outer)?;
                produced.extend(numbers(&item.columns));
            }
            Ok(produced)
        }
        Relation::Join { kind: _, left, right, on, lateral } => {
            let left = relation_columns(left, outer)?;
            let around = if *lateral { union(outer, &left) } else { outer.clone() };
            let both = union(&left, &relation_columns(right, &around)?);
            on.iter().try_for_each(|on| reads(on, &union(outer, &both)))?;
            Ok(both)
        }
        Relation::Filter { input, predicate } => {
            let input = relation_columns(input, outer)?;
            reads(predicate, &union(outer, &input))?;
            Ok(input)
        }
        Relation::Extend { input, items } => {
            let mut input = relation_columns(input, outer)?;
            let known = union(outer, &input);
            items.iter().try_for_each(|(_, value)| reads(value, &known))?;
            input.extend(items.iter().map(|(number, _)| *number));
            Ok(input)
        }
        Relation::ProjectSet { input, items } => {
            let mut input = relation_columns(input, outer)?;
            let known = union(outer, &input);
            items.iter().try_for_each(|item| reads(&item.call, &known))?;
            items.iter().for_each(|item| input.extend(numbers(&item.columns)));
            Ok(input)
        }
        Relation::Aggregate { input, groups, sets: _, aggregates, grouping } => {
            let known = union(outer, &relation_columns(input, outer)?);
            groups.iter().try_for_each(|(_, group)| reads(group, &known))?;
            for (_, call) in aggregates {
                let mut reader = Reader::new(&known);
                walk_aggregate(&mut call.clone(), &mut reader);
                reader.result()?;
            }
            let mut produced: Columns = groups.iter().map(|(number, _)| *number).collect();
            produced.extend(aggregates.iter().map(|(number, _)| *number));
            produced.extend(grouping.iter().map(|(number, _)| *number));
            Ok(produced)
        }
        Relation::Window { input, calls } => {
            let mut input = relation_columns(input, outer)?;
            let known = union(outer, &input);
            for (_, call) in calls {
                let mut reader = Reader::new(&known);
                walk_window(&mut call.clone(), &mut reader);
                reader.result()?;
            }
            input.extend(calls.iter().map(|(number, _)| *number));
            Ok(input)
        }
        Relation::Distinct { input, columns, on: _ } => {
            let input = relation_columns(input, outer)?;
            match numbers(columns).is_subset(&input) {
                true => Ok(input),
                false => Err("DISTINCT over columns that are not produced".to_string()),
            }
        }
        Relation::Sort { input, keys } => {
            let input = relation_columns(input, outer)?;
            keys_read(keys, &union(outer, &input))?;
            Ok(input)
        }
        Relation::Limit { input, count, offset, with_ties } => {
            count.iter().chain(offset).try_for_each(|value| reads(value, outer))?;
            let input = relation_columns(input, outer)?;
            keys_read(with_ties, &union(outer, &input))?;
            Ok(input)
        }
        Relation::SetOperation { operator: _, all: _, left, right, columns } => {
            query_columns(left, outer)?;
            query_columns(right, outer)?;
            Ok(numbers(columns))
        }
        Relation::LockRows { input, clauses } => {
            let input = relation_columns(input, outer)?;
            match clauses.iter().all(|clause| input.contains(&clause.handle)) {
                true => Ok(input),
                false => Err("a lock on rows whose handle is not produced".to_string()),
            }
        }
    }
}

fn keys_read(keys: &[SortKey], known: &Columns) -> Result<(), String> {
    keys.iter().try_for_each(|key| reads(&key.expression, known))
}

/// Whether an expression reads known columns only.
fn reads(expression: &Expression, known: &Columns) -> Result<(), String> {
    let mut reader = Reader::new(known);
    walk_expression(&mut expression.clone(), &mut reader);
    reader.result()
}

struct Reader<'k> {
    known: &'k Columns,
    /// The elements that array casts go over.
    elements: Columns,
    wrong: Option<String>,
}

impl<'k> Reader<'k> {
    fn new(known: &'k Columns) -> Reader<'k> {
        Reader { known, elements: Columns::new(), wrong: None }
    }

    fn result(self) -> Result<(), String> {
        self.wrong.map_or(Ok(()), Err)
    }

    fn note(&mut self, found: Result<(), String>) {
        self.wrong = self.wrong.take().or(found.err());
    }
}

impl Visitor for Reader<'_> {
    fn expression(&mut self, expression: &mut Expression) -> bool {
        match &expression.kind {
            ExpressionKind::Column(number) => {
                if !self.known.contains(number) && !self.elements.contains(number) {
                    self.note(Err(format!("column {} is read but not produced", number.0)));
                }
                false
            }
            ExpressionKind::CoerceArray { element_column, .. } => {
                self.elements.insert(*element_column);
                true
            }
            ExpressionKind::Subquery(subquery) => {
                let produced = query_columns(&subquery.query, self.known);
                let test = match (&subquery.kind, produced) {
                    (_, Err(error)) => Err(error),
                    (SubqueryKind::Any { test } | SubqueryKind::All { test }, Ok(produced)) => {
                        reads(test, &union(self.known, &produced))
                    }
                    (
                        SubqueryKind::Scalar | SubqueryKind::Exists | SubqueryKind::Array | SubqueryKind::Row,
                        Ok(_),
                    ) => Ok(()),
                };
                self.note(test);
                false
            }
            _ => true,
        }
    }
}
