//! Literals of simple-protocol text as parameters, in proven places.
//!
//! A text whose literals all stand in WHERE, VALUES, SET or LIMIT, as operands of operators and lists, or are the moment
//! of a time clause, means the same for other values of the same kinds; so it is analyzed once, with parameters in their
//! place. Anywhere else a literal may choose a name, a type or a position, and the text is analyzed as it is. A moment
//! that is no timestamp (the name of a snapshot, an interval) is read by analyzing the text as it is, too.
//!
//! A minus before a number belongs to the literal, as it does in the grammar: the parameter carries the negative value.

use std::collections::HashMap;

use crate::parse::fingerprint::{Literal, LiteralValue};
use crate::parse::syntax::{
    Distinct, Expression, ExpressionKind, Limit, Query, QueryBody, RowFilter, SetClause, Statement,
    TableReference, TimeClause,
};
use crate::types::oid;

/// The parameter that stands for a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiteralParameter {
    /// 0: found by analysis.
    pub type_oid: u32,
    /// A minus stands before the literal.
    pub negated: bool,
    /// It is the moment of a time clause.
    pub moment: bool,
}

/// Replaces every literal of the statement, and of its AS OF SYSTEM TIME, by a parameter, and gives the parameters.
/// `None` where a literal stands in another place; the statement is then half replaced and of no use.
pub fn parameterise(
    statement: &mut Statement,
    time: Option<&mut Expression>,
    literals: &[Literal],
) -> Option<Vec<LiteralParameter>> {
    let places = literals.iter().enumerate().map(|(index, literal)| (literal.start, index)).collect();
    let parameters = literals
        .iter()
        .map(|literal| LiteralParameter { type_oid: type_of(&literal.value), negated: false, moment: false })
        .collect();
    let mut walk = Walk { literals, places, parameters, replaced: 0 };
    if let Some(moment) = time {
        walk.moment(moment);
    }
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
    (walk.replaced == literals.len()).then_some(walk.parameters)
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

struct Walk<'l> {
    literals: &'l [Literal],
    places: HashMap<u32, usize>,
    parameters: Vec<LiteralParameter>,
    replaced: usize,
}

impl Walk<'_> {
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
        for item in &mut select.from {
            if let TableReference::Table { name: _, alias: _, time: Some(TimeClause::AsOf(moment)) } = item {
                self.moment(moment);
            }
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

    /// A moment that is a text, or a text cast to a type.
    fn moment(&mut self, moment: &mut Expression) {
        match &mut moment.kind {
            ExpressionKind::Cast { argument, ty: _ } => self.moment(argument),
            ExpressionKind::String(_) => {
                let Some(index) = self.places.remove(&moment.at) else { return };
                if let Some(parameter) = self.parameters.get_mut(index) {
                    parameter.moment = true;
                }
                moment.kind = ExpressionKind::Parameter(index as u32 + 1);
                self.replaced += 1;
            }
            _ => {}
        }
    }

    /// The literal behind the minus at a place, now a negative parameter. The negative of an integer that is no int4
    /// may be one of a smaller type, so such a literal stays.
    fn negated_literal(&mut self, at: u32) -> Option<usize> {
        let index = self.literals.iter().position(|literal| literal.start > at)?;
        let literal = self.literals.get(index)?;
        let parameter = self.parameters.get_mut(index)?;
        let keeps_type = match &literal.value {
            LiteralValue::Integer(_) => parameter.type_oid == oid::INT4,
            LiteralValue::Decimal(_) => true,
            LiteralValue::String(_) => false,
        };
        if !keeps_type {
            return None;
        }
        self.places.remove(&literal.start)?;
        parameter.negated = true;
        Some(index)
    }

    /// Replaces what may be replaced below; what is left shows in the count.
    fn expression(&mut self, expression: &mut Expression) {
        match &mut expression.kind {
            ExpressionKind::Number(digits) if digits.starts_with('-') => {
                if let Some(index) = self.negated_literal(expression.at) {
                    expression.kind = ExpressionKind::Parameter(index as u32 + 1);
                    self.replaced += 1;
                }
            }
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

    fn parameters(text: &str) -> Option<Vec<LiteralParameter>> {
        let mut parsed = parse(text).unwrap().remove(0);
        parameterise(&mut parsed.statement, parsed.time.as_mut(), &fingerprint(text).unwrap().literals)
    }

    fn types(text: &str) -> Option<Vec<u32>> {
        Some(parameters(text)?.iter().map(|parameter| parameter.type_oid).collect())
    }

    fn negated(text: &str) -> Option<Vec<bool>> {
        Some(parameters(text)?.iter().map(|parameter| parameter.negated).collect())
    }

    #[test]
    fn literals_in_proven_places_become_parameters() {
        assert_eq!(types("SELECT a FROM t WHERE b = 5 AND c = 'x'"), Some(vec![oid::INT4, 0]));
        assert_eq!(types("UPDATE t SET a = a + -7 WHERE b = 5000000000"), Some(vec![oid::INT4, oid::INT8]));
        assert_eq!(types("INSERT INTO t VALUES (1, 'x', 1.5, NULL)"), Some(vec![oid::INT4, 0, oid::NUMERIC]));
        assert_eq!(types("DELETE FROM t WHERE a IN (1, 2) OR b BETWEEN 3 AND 4"), Some(vec![oid::INT4; 4]));
        assert_eq!(types("SELECT a FROM t WHERE b = 5 LIMIT 10"), Some(vec![oid::INT4; 2]));
    }

    #[test]
    fn moments_become_parameters() {
        assert_eq!(
            types("SELECT a FROM t FOR SYSTEM_TIME AS OF '2020-01-01' WHERE b = 5"),
            Some(vec![0, oid::INT4])
        );
        let cast = parameters("SELECT a FROM t AS OF SYSTEM TIME timestamptz '2020-01-01'").unwrap();
        assert_eq!(cast.iter().map(|parameter| parameter.moment).collect::<Vec<_>>(), [true]);
        assert_eq!(types("SELECT a FROM t FOR SYSTEM_TIME FROM '2020-01-01' TO '2021-01-01'"), None);
        assert_eq!(types("SELECT a FROM t FOR SYSTEM_TIME AS OF now() - interval '1 day'"), None);
    }

    #[test]
    fn literals_elsewhere_stay() {
        assert_eq!(types("SELECT 1 FROM t WHERE b = 5"), None);
        assert_eq!(types("SELECT a FROM t WHERE b = 5 ORDER BY 1"), None);
        assert_eq!(types("SELECT a FROM t WHERE b = date '2020-01-01'"), None);
        assert_eq!(types("SELECT a FROM t WHERE b = abs(5)"), None);
        assert_eq!(types("SELECT a FROM t GROUP BY a HAVING count(a) > 5"), None);
    }

    #[test]
    fn a_minus_belongs_to_its_literal() {
        assert_eq!(negated("UPDATE t SET a = a + -7 WHERE b = 5"), Some(vec![true, false]));
        assert_eq!(negated("UPDATE t SET a = a - 7 WHERE b = -(5)"), Some(vec![false, true]));
        assert_eq!(negated("INSERT INTO t VALUES (-1, - 2.5, 3)"), Some(vec![true, true, false]));
        // -2147483648 is an int4, though 2147483648 is none; and two minuses are no literal's.
        assert_eq!(negated("SELECT a FROM t WHERE b = -2147483648"), None);
        assert_eq!(negated("SELECT a FROM t WHERE b = - -5"), None);
    }
}
