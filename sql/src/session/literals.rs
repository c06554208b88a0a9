//! Literals of simple-protocol text as parameters, in proven places.
//!
//! A text whose literals all stand in WHERE, VALUES, SET or LIMIT, as operands of operators and lists, means the same
//! for other values of the same kinds; so it is analyzed once, with parameters in their place. Anywhere else a literal
//! may choose a name, a type or a position, and the text is analyzed as it is.

use std::collections::HashMap;

use crate::parse::fingerprint::{Literal, LiteralValue};
use crate::parse::syntax::{
    Distinct, Expression, ExpressionKind, Limit, Query, QueryBody, RowFilter, SetClause, Statement,
    TableReference,
};
use crate::types::oid;

/// Replaces every literal of the statement by a parameter, and gives the parameters' types (0: found by analysis).
/// `None` where a literal stands in another place; the statement is then half replaced and of no use.
pub fn parameterise(statement: &mut Statement, literals: &[Literal]) -> Option<Vec<u32>> {
    let places = literals.iter().enumerate().map(|(index, literal)| (literal.start, index)).collect();
    let mut walk = Walk { places, replaced: 0 };
    match statement {
        Statement::Query(query) => walk.query(query)?,
        Statement::Update(update) => {
            if update.with.is_some() || !update.from.is_empty() {
                return None;
            }
            for assignment in &mut update.assignments {
                match assignment {
                    SetClause::Single(_, value) => walk.expression(value),
                    SetClause::Multiple(_, _) => return None,
                }
            }
            walk.filter(update.filter.as_mut())?;
        }
        Statement::Delete(delete) => {
            if delete.with.is_some() || !delete.using.is_empty() {
                return None;
            }
            walk.filter(delete.filter.as_mut())?;
        }
        Statement::Insert(insert) => {
            if insert.with.is_some() || insert.conflict.is_some() {
                return None;
            }
            match insert.source.as_mut().map(|source| &mut source.body) {
                Some(QueryBody::Values(rows)) => {
                    rows.iter_mut().flatten().for_each(|item| walk.expression(item))
                }
                Some(QueryBody::Select(_) | QueryBody::SetOperation { .. }) | None => return None,
            }
        }
        _ => return None,
    }
    (walk.replaced == literals.len())
        .then(|| literals.iter().map(|literal| type_of(&literal.value)).collect())
}

fn type_of(value: &LiteralValue) -> u32 {
    match value {
        LiteralValue::Integer(digits) => match digits.parse::<i64>() {
            Ok(number) if i32::try_from(number).is_ok() => oid::INT4,
            Ok(_) => oid::INT8,
            Err(_) => oid::NUMERIC,
        },
        LiteralValue::Decimal(_) => oid::NUMERIC,
        LiteralValue::String(_) => 0,
    }
}

struct Walk {
    places: HashMap<u32, usize>,
    replaced: usize,
}

impl Walk {
    fn query(&mut self, query: &mut Query) -> Option<()> {
        if query.with.is_some() || query.offset.is_some() || !query.locks.is_empty() {
            return None;
        }
        let QueryBody::Select(select) = &mut query.body else { return None };
        let plain = matches!(select.distinct, Distinct::All)
            && select.into.is_none()
            && select.group_by.is_empty()
            && select.having.is_none()
            && select.windows.is_empty()
            && select.from.iter().all(|item| matches!(item, TableReference::Table { .. }));
        if !plain {
            return None;
        }
        if let Some(filter) = &mut select.filter {
            self.expression(filter);
        }
        match &mut query.limit {
            None | Some(Limit::All) => Some(()),
            Some(Limit::Count(count)) => {
                self.expression(count);
                Some(())
            }
            Some(Limit::WithTies(_)) => None,
        }
    }

    fn filter(&mut self, filter: Option<&mut RowFilter>) -> Option<()> {
        match filter {
            None => Some(()),
            Some(RowFilter::Where(condition)) => {
                self.expression(condition);
                Some(())
            }
            Some(RowFilter::CurrentOf(_)) => None,
        }
    }

    /// Replaces what may be replaced below; what is left shows in the count.
    fn expression(&mut self, expression: &mut Expression) {
        match &mut expression.kind {
            ExpressionKind::Number(_) | ExpressionKind::String(_) => {
                if let Some(index) = self.places.remove(&expression.at) {
                    // Parameters are counted from 1 as written.
                    expression.kind = ExpressionKind::Parameter(index as u32 + 1);
                    self.replaced += 1;
                }
            }
            ExpressionKind::Operator { operator: _, left, right } => {
                if let Some(left) = left {
                    self.expression(left);
                }
                self.expression(right);
            }
            ExpressionKind::And(items) | ExpressionKind::Or(items) => {
                items.iter_mut().for_each(|item| self.expression(item));
            }
            ExpressionKind::Not(argument) | ExpressionKind::IsNull { argument, negated: _ } => {
                self.expression(argument);
            }
            ExpressionKind::InList { argument, list, negated: _ } => {
                self.expression(argument);
                list.iter_mut().for_each(|item| self.expression(item));
            }
            ExpressionKind::Between { argument, low, high, negated: _, symmetric: _ } => {
                self.expression(argument);
                self.expression(low);
                self.expression(high);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{fingerprint::fingerprint, parse};

    fn types(text: &str) -> Option<Vec<u32>> {
        let mut statement = parse(text).unwrap().remove(0).statement;
        parameterise(&mut statement, &fingerprint(text).unwrap().literals)
    }

    #[test]
    fn literals_in_proven_places_become_parameters() {
        assert_eq!(types("SELECT a FROM t WHERE b = 5 AND c = 'x'"), Some(vec![oid::INT4, 0]));
    }
}
