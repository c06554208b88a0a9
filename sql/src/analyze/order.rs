//! ORDER BY, DISTINCT, LIMIT, and the way they point into a select list.

use super::Analyzer;
use super::clause::Clause;
use super::group::same;
use super::target::Target;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, ExpressionKind as Syntax, Limit, SortItem};
use crate::tree::{Expression, Relation, SortKey};
use crate::types::oid;

/// A key of an order by the place of its target.
#[derive(Clone, Debug)]
pub(super) struct Sorting {
    pub target: usize,
    pub descending: bool,
    pub nulls_first: bool,
}

impl Analyzer<'_> {
    /// ORDER BY over a select list; what it does not hold is added, hidden.
    pub(super) fn sortings(&mut self, items: &[SortItem], targets: &mut Vec<Target>) -> Result<Vec<Sorting>> {
        let mut sortings: Vec<Sorting> = Vec::with_capacity(items.len());
        for item in items {
            let index = self.find_target(&item.expression, targets, Clause::OrderBy)?;
            let target = targets.get(index).map(|target| target.expression.clone());
            let target = target.ok_or_else(|| Error::internal("a target that went away"))?;
            let unknown = target.ty.oid == oid::UNKNOWN;
            let key = self.sort_key(item, target)?;
            if unknown && let Some(target) = targets.get_mut(index) {
                target.expression = key.expression;
            }
            if !sortings.iter().any(|known| known.target == index) {
                let (descending, nulls_first) = (key.descending, key.nulls_first);
                sortings.push(Sorting { target: index, descending, nulls_first });
            }
        }
        Ok(sortings)
    }

    /// The target that an item of ORDER BY or DISTINCT ON means: by name, by number, or by what it computes.
    pub(super) fn find_target(
        &mut self,
        expression: &syntax::Expression,
        targets: &mut Vec<Target>,
        clause: Clause,
    ) -> Result<usize> {
        let at = expression.at;
        match &expression.kind {
            Syntax::Column(parts) => {
                if let [name] = parts.as_slice()
                    && let Some(index) = self.target_by_name(name, targets, clause.name(), at)?
                {
                    return Ok(index);
                }
            }
            Syntax::Number(digits) => return self.target_by_number(digits, targets, clause.name(), at),
            Syntax::String(_) | Syntax::Null | Syntax::Boolean(_) => {
                let message = format!("non-integer constant in {}", clause.name());
                return Err(Error::new(SqlState::SyntaxError, message).at(self.position(at)));
            }
            _ => {}
        }
        let node = self.expression_in(clause, expression)?;
        if let Some(index) = targets.iter().position(|target| same(&target.expression, &node)) {
            return Ok(index);
        }
        targets.push(Target { expression: node, name: String::new(), origin: (0, 0), hidden: true });
        Ok(targets.len() - 1)
    }

    /// The target of that output name; two of different meaning are ambiguous.
    pub(super) fn target_by_name(
        &self,
        name: &str,
        targets: &[Target],
        clause: &str,
        at: u32,
    ) -> Result<Option<usize>> {
        let mut named =
            targets.iter().enumerate().filter(|(_, target)| !target.hidden && target.name == name);
        let Some((index, first)) = named.next() else { return Ok(None) };
        match named.any(|(_, other)| !same(&first.expression, &other.expression)) {
            true => Err(Error::new(SqlState::AmbiguousColumn, format!("{clause} \"{name}\" is ambiguous"))
                .at(self.position(at))),
            false => Ok(Some(index)),
        }
    }

    pub(super) fn target_by_number(
        &self,
        digits: &str,
        targets: &[Target],
        clause: &str,
        at: u32,
    ) -> Result<usize> {
        let Ok(number) = digits.parse::<i64>() else {
            return Err(Error::new(SqlState::SyntaxError, format!("non-integer constant in {clause}"))
                .at(self.position(at)));
        };
        let shown = targets.iter().filter(|target| !target.hidden).count();
        match usize::try_from(number)
            .ok()
            .and_then(|number| number.checked_sub(1))
            .filter(|index| *index < shown)
        {
            Some(index) => Ok(index),
            None => Err(Error::new(
                SqlState::InvalidColumnReference,
                format!("{clause} position {number} is not in select list"),
            )
            .at(self.position(at))),
        }
    }

    /// LIMIT and OFFSET above a relation. `keys` is the order, for WITH TIES.
    pub(super) fn limited(
        &mut self,
        input: Relation,
        limit: Option<&Limit>,
        offset: Option<&syntax::Expression>,
        keys: &[SortKey],
    ) -> Result<Relation> {
        let (mut count, mut with_ties) = (None, Vec::new());
        match limit {
            None | Some(Limit::All) => {}
            Some(Limit::Count(expression)) => count = self.row_count(expression, Clause::Limit)?,
            Some(Limit::WithTies(expression)) => {
                if keys.is_empty() {
                    let message = "WITH TIES cannot be specified without ORDER BY clause";
                    return Err(Error::new(SqlState::SyntaxError, message));
                }
                count = self.row_count(expression, Clause::Limit)?;
                if count.is_none() {
                    return Err(Error::new(
                        SqlState::InvalidRowCountInLimitClause,
                        "row count cannot be null in FETCH FIRST ... WITH TIES clause",
                    ));
                }
                with_ties = keys.to_vec();
            }
        }
        let offset = match offset {
            Some(offset) => self.row_count(offset, Clause::Offset)?,
            None => None,
        };
        if count.is_none() && offset.is_none() {
            return Ok(input);
        }
        Ok(Relation::Limit { input: Box::new(input), count, offset, with_ties })
    }

    /// The argument of LIMIT or OFFSET; None for NULL, which is no limit.
    fn row_count(&mut self, expression: &syntax::Expression, clause: Clause) -> Result<Option<Expression>> {
        if expression.kind == Syntax::Null {
            return Ok(None);
        }
        let node = self.expression_in(clause, expression)?;
        let node = self.coerce_specific(node, oid::INT8, clause.name())?;
        self.refuse_columns(&node, clause.name())?;
        Ok(Some(node))
    }
}
