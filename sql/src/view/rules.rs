//! The rules of joins, groups and set operations: what their changes are, given the changes beneath.

use catalog::builtin;
use engine::{Timestamp, Value};

use super::delta::{Delta, Term, Terms, at, constant, output_reference};
use super::fault::{Fault, is_planted};
use super::keys::{KeyGroup, equal_types, groups_of, restricted};
use crate::error::Result;
use crate::plan::{predicate, walk};
use crate::tree::{
    Column, ColumnNumber, Expression, ExpressionKind, JoinKind, OutputColumn, Query, Relation, SetOperator,
    Type,
};
use crate::types::oid;

impl Delta<'_> {
    pub(super) async fn inner_join(
        &mut self,
        kind: JoinKind,
        left: &Relation,
        right: &Relation,
        on: Option<&Expression>,
    ) -> Result<Terms> {
        let Some(from_left) = self.terms(left).await? else { return Ok(None) };
        let Some(from_right) = self.terms(right).await? else { return Ok(None) };
        let joined = |left: Relation, right: Relation| Relation::Join {
            kind,
            left: Box::new(left),
            right: Box::new(right),
            on: on.cloned(),
            lateral: false,
        };
        let (left_keys, right_keys) = equal_pairs(left, right, on);
        let mut terms = Vec::with_capacity(from_left.len() + from_right.len());
        for term in from_left {
            let right = self.met(&term, &left_keys, at(right, self.to), &right_keys).await?;
            terms.extend(
                right.map(|right| Term { relation: joined(term.relation, right), weight: term.weight }),
            );
        }
        for term in from_right {
            let left = self.met(&term, &right_keys, at(left, self.from), &left_keys).await?;
            terms
                .extend(left.map(|left| Term { relation: joined(left, term.relation), weight: term.weight }));
        }
        Ok(Some(terms))
    }

    /// The other side of an inner join, as far as the rows of a change can meet it; `None` where they meet nothing. Of
    /// tables the planner finds the rows by their indexes itself; what is more than a table is cut down to the keys here.
    async fn met(
        &mut self,
        term: &Term,
        keys: &[Expression],
        other: Relation,
        other_keys: &[Expression],
    ) -> Result<Option<Relation>> {
        if keys.is_empty() || is_plain(&other) {
            return Ok(Some(other));
        }
        let mut rows = self.keys_of(std::slice::from_ref(term), keys).await?;
        // NULL equals nothing.
        rows.retain(|row| !row.iter().any(Value::is_null));
        let Some(groups) = groups_of(keys, rows)? else { return Ok(Some(other)) };
        match groups.as_slice() {
            [] => Ok(None),
            [group] => match restricted(other.clone(), other_keys, group, &mut self.numbers)? {
                Some(part) => Ok(Some(part)),
                None => Ok(Some(other)),
            },
            _ => Ok(Some(other)),
        }
    }

    /// An outer join: the rows of both sides that share a key with anything that has changed.
    pub(super) async fn outer_join(
        &mut self,
        kind: JoinKind,
        left: &Relation,
        right: &Relation,
        on: Option<&Expression>,
    ) -> Result<Terms> {
        let Some(from_left) = self.terms(left).await? else { return Ok(None) };
        let Some(from_right) = self.terms(right).await? else { return Ok(None) };
        let joined = |left: Relation, right: Relation| Relation::Join {
            kind,
            left: Box::new(left),
            right: Box::new(right),
            on: on.cloned(),
            lateral: false,
        };
        let (to, same) = (self.to, |term: &Term| term.weight);
        // With the other side as it was, the side that is kept whole is joined row by row.
        if kind == JoinKind::Left && from_right.is_empty() {
            let term =
                |term: Term| Term { weight: same(&term), relation: joined(term.relation, at(right, to)) };
            return Ok(Some(from_left.into_iter().map(term).collect()));
        }
        if kind == JoinKind::Right && from_left.is_empty() {
            let term =
                |term: Term| Term { weight: same(&term), relation: joined(at(left, to), term.relation) };
            return Ok(Some(from_right.into_iter().map(term).collect()));
        }
        if from_left.is_empty() && from_right.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let (left_keys, right_keys) = equal_pairs(left, right, on);
        if left_keys.is_empty() {
            return Ok(None);
        }
        let mut keys = self.keys_of(&from_left, &left_keys).await?;
        if !is_planted(Fault::ForgottenLastMatch) {
            keys.append(&mut self.keys_of(&from_right, &right_keys).await?);
        }
        let Some(groups) = groups_of(&left_keys, keys)? else { return Ok(None) };
        let mut terms = Vec::new();
        for group in &groups {
            let mut sides = Vec::new();
            for moment in [self.from, self.to] {
                let one = restricted(at(left, moment), &left_keys, group, &mut self.numbers)?;
                let other = restricted(at(right, moment), &right_keys, group, &mut self.numbers)?;
                sides.push(one.zip(other).map(|(one, other)| joined(one, other)));
            }
            let Some(mut before_and_after) = self.before_and_after(sides) else { return Ok(None) };
            terms.append(&mut before_and_after);
        }
        Ok(Some(terms))
    }

    /// What groups its input by keys: evaluated before and after for the keys that have changed.
    pub(super) async fn grouped(
        &mut self,
        input: &Relation,
        keys: Vec<Expression>,
        whole: &(dyn Fn(Relation) -> Relation + Sync),
    ) -> Result<Terms> {
        let Some(below) = self.terms(input).await? else { return Ok(None) };
        if below.is_empty() {
            return Ok(Some(Vec::new()));
        }
        if keys.is_empty() {
            let sides = [self.from, self.to].map(|moment| Some(whole(at(input, moment))));
            return Ok(self.before_and_after(sides.into()));
        }
        let rows = self.keys_of(&below, &keys).await?;
        let Some(groups) = groups_of(&keys, rows)? else { return Ok(None) };
        let mut terms = Vec::new();
        for group in &groups {
            let mut sides = Vec::new();
            for moment in [self.from, self.to] {
                let part = restricted(at(input, moment), &keys, group, &mut self.numbers)?;
                sides.push(part.map(whole));
            }
            let Some(mut before_and_after) = self.before_and_after(sides) else { return Ok(None) };
            terms.append(&mut before_and_after);
        }
        Ok(Some(terms))
    }

    /// UNION ALL follows its parts; the others compare rows.
    pub(super) async fn set_operation(
        &mut self,
        operator: SetOperator,
        all: bool,
        left: &Query,
        right: &Query,
        columns: &[Column],
    ) -> Result<Terms> {
        let Some(from_left) = self.terms(&left.relation).await? else { return Ok(None) };
        let Some(from_right) = self.terms(&right.relation).await? else { return Ok(None) };
        if operator == SetOperator::Union && all {
            let mut terms = Vec::with_capacity(from_left.len() + from_right.len());
            for (side, query) in [(from_left, left), (from_right, right)] {
                for term in side {
                    let shown = columns.iter().zip(&query.output);
                    let items = shown.map(|(column, output)| (column.number, output_reference(output)));
                    let input = Box::new(term.relation);
                    let relation = Relation::Extend { input, items: items.collect() };
                    terms.push(Term { relation, weight: term.weight });
                }
            }
            return Ok(Some(terms));
        }
        let left_keys: Vec<Expression> = left.output.iter().map(output_reference).collect();
        let right_keys: Vec<Expression> = right.output.iter().map(output_reference).collect();
        let mut keys = self.keys_of(&from_left, &left_keys).await?;
        keys.append(&mut self.keys_of(&from_right, &right_keys).await?);
        if keys.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let Some(groups) = groups_of(&left_keys, keys)? else { return Ok(None) };
        let mut terms = Vec::new();
        for group in &groups {
            let mut sides = Vec::new();
            for moment in [self.from, self.to] {
                let one = self.restricted_query(left, &left_keys, group, moment)?;
                let other = self.restricted_query(right, &right_keys, group, moment)?;
                sides.push(one.zip(other).map(|(left, right)| Relation::SetOperation {
                    operator,
                    all,
                    left: Box::new(left),
                    right: Box::new(right),
                    columns: columns.to_vec(),
                }));
            }
            let Some(mut before_and_after) = self.before_and_after(sides) else { return Ok(None) };
            terms.append(&mut before_and_after);
        }
        Ok(Some(terms))
    }

    fn restricted_query(
        &mut self,
        query: &Query,
        keys: &[Expression],
        group: &KeyGroup,
        moment: Timestamp,
    ) -> Result<Option<Query>> {
        let part = restricted(at(&query.relation, moment), keys, group, &mut self.numbers)?;
        Ok(part.map(|relation| Query {
            common: Vec::new(),
            relation,
            output: query.output.clone(),
            shape: None,
        }))
    }

    /// The values of keys in changed rows.
    pub(super) async fn keys_of(&mut self, terms: &[Term], keys: &[Expression]) -> Result<Vec<Vec<Value>>> {
        let mut rows = Vec::new();
        for term in terms {
            let items: Vec<(ColumnNumber, Expression)> =
                keys.iter().map(|key| (self.numbers.fresh(), key.clone())).collect();
            let output = items
                .iter()
                .map(|(column, key)| OutputColumn {
                    column: *column,
                    name: String::new(),
                    ty: key.ty,
                    collation: key.collation,
                    origin: (0, 0),
                })
                .collect();
            let relation = Relation::Extend { input: Box::new(term.relation.clone()), items };
            let query = Query { common: Vec::new(), relation, output, shape: None };
            rows.append(&mut self.evaluator.rows(&query, self.to).await?);
        }
        Ok(rows)
    }

    /// The old answer counted negatively, the new one positively.
    fn before_and_after(&mut self, sides: Vec<Option<Relation>>) -> Terms {
        let mut terms = Vec::with_capacity(sides.len());
        let before = if is_planted(Fault::KeptOldGroup) { 0 } else { -1 };
        for (relation, count) in sides.into_iter().zip([before, 1]) {
            let weight = self.numbers.fresh();
            let column = Column { number: weight, ty: Type::new(oid::INT8), collation: 0 };
            let items = vec![(weight, constant(Value::Int64(count), &column))];
            terms.push(Term { relation: Relation::Extend { input: Box::new(relation?), items }, weight });
        }
        Some(terms)
    }
}

/// Whether a relation is tables, or inner joins of them.
fn is_plain(relation: &Relation) -> bool {
    match relation {
        Relation::Table(_) => true,
        Relation::Join { kind: JoinKind::Inner | JoinKind::Cross, left, right, on: _, lateral: false } => {
            is_plain(left) && is_plain(right)
        }
        _ => false,
    }
}

/// The expressions that a join holds equal, left and right, of one type each.
fn equal_pairs(
    left: &Relation,
    right: &Relation,
    on: Option<&Expression>,
) -> (Vec<Expression>, Vec<Expression>) {
    let (mut conjuncts, mut pairs) = (Vec::new(), (Vec::new(), Vec::new()));
    on.iter().for_each(|on| predicate::conjuncts(on, &mut conjuncts));
    let (left, right) = (walk::produced_columns(left), walk::produced_columns(right));
    let within = |side: &walk::Columns, expression: &Expression| {
        let read = walk::columns_of(expression);
        !read.is_empty() && read.is_subset(side)
    };
    for conjunct in &conjuncts {
        let ExpressionKind::Call { operator, arguments, .. } = &conjunct.kind else { continue };
        let [one, other] = arguments.as_slice() else { continue };
        let equals = builtin::operator_by_oid(*operator).is_some_and(|row| row.name == "=");
        if !equals || !equal_types(one, other) {
            continue;
        }
        let (one, other) = match within(&left, one) && within(&right, other) {
            true => (one, other),
            false if within(&left, other) && within(&right, one) => (other, one),
            false => continue,
        };
        pairs.0.push(one.clone());
        pairs.1.push(other.clone());
    }
    pairs
}
