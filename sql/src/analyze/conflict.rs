//! ON CONFLICT: which unique indexes decide, and what is done then.

use catalog::{Index, IndexKey, IndexSource, Relation as Object};

use super::Analyzer;
use super::clause::Clause;
use super::group::same;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, ConflictClause, ConflictTarget, IndexElement};
use crate::tree::{ConflictAction, ConflictUpdate, Expression, ExpressionKind, OnConflict, Relation};

impl Analyzer<'_> {
    pub(super) fn on_conflict(
        &mut self,
        clause: &ConflictClause,
        object: &Object,
        name: &str,
    ) -> Result<OnConflict> {
        if clause.update.is_some() && clause.target.is_none() {
            let message = "ON CONFLICT DO UPDATE requires inference specification or constraint name";
            return Err(Error::new(SqlState::SyntaxError, message)
                .hint("For example, ON CONFLICT (column_name).")
                .at(self.position(clause.at)));
        }
        let arbiters = match &clause.target {
            None => Vec::new(),
            Some(ConflictTarget::Constraint(constraint)) => {
                vec![self.arbiter_constraint(constraint, object)?]
            }
            Some(ConflictTarget::Inference { elements, filter, at: _ }) => {
                self.infer_arbiters(elements, filter.as_ref(), object)?
            }
        };
        let action = match &clause.update {
            None => ConflictAction::Nothing,
            Some(update) => ConflictAction::Update(Box::new(self.conflict_update(update, object, name)?)),
        };
        Ok(OnConflict { arbiters, action })
    }

    fn arbiter_constraint(&mut self, name: &syntax::Name, object: &Object) -> Result<u32> {
        let catalog = self.environment.catalog;
        let mut constraints = catalog.constraints_of(self.environment.database, object.oid);
        let Some(constraint) = constraints.find(|constraint| constraint.name == name.text) else {
            let message =
                format!("constraint \"{}\" for table \"{}\" does not exist", name.text, object.name);
            return Err(Error::new(SqlState::UndefinedObject, message));
        };
        self.objects.insert(constraint.oid);
        let index = match &constraint.kind {
            catalog::ConstraintKind::PrimaryKey { index, .. }
            | catalog::ConstraintKind::Unique { index, .. } => *index,
            catalog::ConstraintKind::ForeignKey(_) | catalog::ConstraintKind::Check { .. } => {
                let message = "constraint in ON CONFLICT clause has no associated index";
                return Err(Error::new(SqlState::WrongObjectType, message));
            }
        };
        refuse_deferrable(constraint.deferrable)?;
        Ok(index)
    }

    /// The unique indexes whose keys are exactly those listed, partial ones where the filter implies theirs.
    fn infer_arbiters(
        &mut self,
        elements: &[IndexElement],
        filter: Option<&syntax::Expression>,
        object: &Object,
    ) -> Result<Vec<u32>> {
        let mut wanted = Vec::with_capacity(elements.len());
        for element in elements {
            let complaint = match element {
                IndexElement { direction, .. } if *direction != syntax::SortDirection::Default => {
                    Some("ASC/DESC is not allowed in ON CONFLICT clause")
                }
                IndexElement { nulls_first: Some(_), .. } => {
                    Some("NULLS FIRST/LAST is not allowed in ON CONFLICT clause")
                }
                _ => None,
            };
            if let Some(complaint) = complaint {
                return Err(Error::new(SqlState::InvalidColumnReference, complaint)
                    .at(self.position(element.expression.at)));
            }
            wanted.push(self.table_node(object, Clause::Index, &element.expression)?);
        }
        let filter = match filter {
            Some(filter) => {
                let node = self.table_node(object, Clause::IndexPredicate, filter)?;
                Some(self.coerce_boolean(node, "WHERE")?)
            }
            None => None,
        };
        let catalog = self.environment.catalog;
        let mut arbiters = Vec::new();
        for relation in catalog.indexes_of(self.environment.database, object.oid) {
            let Some(index) = relation.as_index().filter(|index| index.unique && index.valid) else {
                continue;
            };
            if keys_match(index, &wanted)? && predicate_implied(index, filter.as_ref())? {
                refuse_deferrable(!index.immediate)?;
                self.objects.insert(relation.oid);
                arbiters.push(relation.oid);
            }
        }
        if arbiters.is_empty() {
            let message = "there is no unique or exclusion constraint matching the ON CONFLICT specification";
            return Err(Error::new(SqlState::InvalidColumnReference, message));
        }
        Ok(arbiters)
    }

    fn conflict_update(
        &mut self,
        update: &syntax::ConflictUpdate,
        object: &Object,
        name: &str,
    ) -> Result<ConflictUpdate> {
        let (relation, mut item) = self.scan(object, None);
        self.used.extend(item.lockable);
        let Relation::Table(mut existing) = relation else {
            return Err(Error::internal("a table that is no table"));
        };
        item.name = name.to_string();
        existing.name = name.to_string();
        let excluded = self.row_columns_of(object);
        let excluded_item = self.row_item(object, "excluded", true, &excluded);
        let outer = std::mem::replace(&mut self.scope_mut()?.items, vec![item, excluded_item]);
        let result = self.conflict_assignments(update, object);
        self.scope_mut()?.items = outer;
        let (assignments, predicate) = result?;
        self.keep_row(&mut existing);
        Ok(ConflictUpdate { existing, excluded, assignments, predicate })
    }

    #[allow(clippy::type_complexity)]
    fn conflict_assignments(
        &mut self,
        update: &syntax::ConflictUpdate,
        object: &Object,
    ) -> Result<(Vec<crate::tree::Assignment>, Option<Expression>)> {
        let (assignments, rows) = self.assignments(&update.assignments, object)?;
        if !rows.is_empty() {
            return Err(Error::unsupported("assignment from a row subquery in ON CONFLICT DO UPDATE"));
        }
        let predicate = match &update.filter {
            Some(filter) => Some(self.condition(Clause::Where, filter)?),
            None => None,
        };
        Ok((assignments, predicate))
    }
}

fn refuse_deferrable(deferrable: bool) -> Result<()> {
    match deferrable {
        true => Err(Error::new(
            SqlState::ObjectNotInPrerequisiteState,
            "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters",
        )),
        false => Ok(()),
    }
}

fn keys_match(index: &Index, wanted: &[Expression]) -> Result<bool> {
    let mut keys = Vec::with_capacity(index.keys.len());
    for IndexKey { source, .. } in &index.keys {
        keys.push(match source {
            IndexSource::Column(attribute) => Ok(*attribute),
            IndexSource::Expression(stored) => Err(super::stored::stored_expression(stored)?),
        });
    }
    let is = |key: &std::result::Result<i16, Expression>, node: &Expression| match key {
        Ok(attribute) => match node.kind {
            ExpressionKind::Column(number) => u32::try_from(*attribute) == Ok(number.0),
            _ => false,
        },
        Err(expression) => same(expression, node),
    };
    let all_wanted = wanted.iter().all(|node| keys.iter().any(|key| is(key, node)));
    Ok(all_wanted && keys.iter().all(|key| wanted.iter().any(|node| is(key, node))))
}

/// Whether the filter given says at least what a partial index asks: here, every one of its conditions.
fn predicate_implied(index: &Index, filter: Option<&Expression>) -> Result<bool> {
    let Some(stored) = &index.predicate else { return Ok(true) };
    let predicate = super::stored::stored_expression(stored)?;
    let Some(filter) = filter else { return Ok(false) };
    let conditions = |expression: &Expression| match &expression.kind {
        ExpressionKind::And(items) => items.clone(),
        _ => vec![expression.clone()],
    };
    let given = conditions(filter);
    Ok(conditions(&predicate).iter().all(|wanted| given.iter().any(|known| same(known, wanted))))
}
