//! A search for neighbours, run.

use engine::{ReadView, Value};

use super::NearestQuery;
use crate::error::{Error, Result};
use crate::evaluate::{Context, Scope};
use crate::execute::Interrupt;
use crate::execute::nearest::{Neighbours, find};
use crate::plan::node::{Nearest, Operator};
use crate::point::{limit_of, offset_of};
use crate::types::embedding::distance::Distances;
use crate::types::key::compare_float;

impl NearestQuery {
    /// The rows, in order, and how they were found.
    pub fn rows(
        &self,
        view: &ReadView,
        context: &Context,
        interrupt: &dyn Interrupt,
    ) -> Result<(Vec<Vec<Value>>, Neighbours)> {
        let Operator::Nearest(plan) = &self.search.operator else {
            return Err(Error::internal("not a search for the nearest"));
        };
        let bounds =
            self.bounds().ok_or_else(|| Error::internal("a search for the nearest without a limit"))?;
        let count = match &bounds.count {
            Some(count) => limit_of(count, context)?,
            None => u64::MAX,
        };
        let skipped = match &bounds.offset {
            Some(offset) => offset_of(offset, context)?,
            None => 0,
        };
        if count == 0 {
            return Ok((Vec::new(), Neighbours::default()));
        }
        let wanted = usize::try_from(count.saturating_add(skipped)).unwrap_or(usize::MAX);
        let scope = Scope::alone(context);
        let found = find(plan, view, &scope, wanted, interrupt)?;
        let mut rows = self.fetched(plan, view, &found)?;
        self.order(plan, &scope, &mut rows)?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        let rows = rows.into_iter().skip(skipped).take(count);
        let shown = rows.map(|row| self.shown(&scope, row)).collect::<Result<_>>()?;
        Ok((shown, found))
    }

    /// The search's columns of the rows found.
    fn fetched(&self, plan: &Nearest, view: &ReadView, found: &Neighbours) -> Result<Vec<Vec<Value>>> {
        let mut rows = Vec::with_capacity(found.rows.len());
        for handle in &found.rows {
            let mut outcome = Ok(());
            let there = view
                .with_row(plan.access.table, *handle, &mut |row| match crate::point::source_values(
                    view,
                    &plan.access,
                    &self.search.columns,
                    *handle,
                    &row,
                ) {
                    Ok(values) => rows.push(values),
                    Err(error) => outcome = Err(error),
                })
                .map_err(crate::session::engine_error)?;
            outcome?;
            if !there {
                return Err(Error::internal("a row that was found is not there"));
            }
        }
        Ok(rows)
    }

    /// Puts rows into the order of the distances that their own vectors have; those at one distance keep theirs.
    fn order(&self, plan: &Nearest, scope: &Scope<'_>, rows: &mut Vec<Vec<Value>>) -> Result<()> {
        let other = plan.other.evaluate(scope, &[])?;
        let Value::Bytes(other) = &other else { return Ok(()) };
        let distances = Distances::new(plan.metric, plan.element, other);
        let mut keyed: Vec<(Option<f64>, Vec<Value>)> = Vec::with_capacity(rows.len());
        for row in rows.drain(..) {
            let distance = match row.get(self.vector) {
                Some(Value::Bytes(stored)) => Some(distances.to(stored)),
                _ => None,
            };
            keyed.push((distance, row));
        }
        keyed.sort_by(|(one, _), (two, _)| match (one, two) {
            (Some(one), Some(two)) => compare_float(*one, *two),
            (one, two) => one.is_none().cmp(&two.is_none()),
        });
        rows.extend(keyed.into_iter().map(|(_, row)| row));
        Ok(())
    }

    fn shown(&self, scope: &Scope<'_>, mut row: Vec<Value>) -> Result<Vec<Value>> {
        for projection in &self.projections {
            row = projection.iter().map(|item| item.evaluate(scope, &row)).collect::<Result<_>>()?;
        }
        Ok(row)
    }
}
