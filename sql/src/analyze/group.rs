//! GROUP BY: what the groups are, and the rule that everything else must be aggregated.

use super::Analyzer;
use super::clause::Clause;
use super::target::Target;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{ExpressionKind as Syntax, GroupItem, Select};
use crate::tree::visit::{Visitor, walk_expression};
use crate::tree::{AggregateCall, ColumnNumber, Expression, ExpressionKind, Form, Relation};

/// The groups of a query level.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    pub items: Vec<(ColumnNumber, Expression)>,
    /// For grouping sets: the indexes of each.
    pub sets: Option<Vec<Vec<u32>>>,
}

/// How many grouping sets PostgreSQL allows.
const MAXIMUM_SETS: usize = 4096;

impl Analyzer<'_> {
    /// GROUP BY with the select list it may point into.
    pub(super) fn groups(&mut self, select: &Select, targets: &[Target]) -> Result<Groups> {
        let mut groups = Groups::default();
        let plain = select.group_by.iter().all(|item| matches!(item, GroupItem::Expression(_)));
        if plain {
            for item in &select.group_by {
                if let GroupItem::Expression(expression) = item {
                    self.group_indexes(expression, targets, &mut groups)?;
                }
            }
            return Ok(groups);
        }
        // Several items multiply: GROUP BY a, ROLLUP (b, c) groups by each set of the second together with a.
        let mut product: Vec<Vec<u32>> = vec![Vec::new()];
        for item in &select.group_by {
            let sets = self.group_sets(item, targets, &mut groups)?;
            let mut next = Vec::with_capacity(product.len() * sets.len());
            for left in &product {
                for right in &sets {
                    let mut both = left.clone();
                    both.extend(right.iter().filter(|index| !left.contains(index)));
                    next.push(both);
                }
            }
            if next.len() > MAXIMUM_SETS {
                let message = format!("too many grouping sets present (maximum {MAXIMUM_SETS})");
                return Err(Error::new(SqlState::StatementTooComplex, message));
            }
            product = next;
        }
        if select.group_distinct {
            let mut seen: Vec<Vec<u32>> = Vec::new();
            product.retain(|set| {
                let mut key = set.clone();
                key.sort_unstable();
                let fresh = !seen.contains(&key);
                seen.push(key);
                fresh
            });
        }
        groups.sets = Some(product);
        Ok(groups)
    }

    fn group_sets(
        &mut self,
        item: &GroupItem,
        targets: &[Target],
        groups: &mut Groups,
    ) -> Result<Vec<Vec<u32>>> {
        match item {
            GroupItem::Expression(expression) => Ok(vec![self.group_indexes(expression, targets, groups)?]),
            GroupItem::Empty(_) => Ok(vec![Vec::new()]),
            GroupItem::Rollup(items, _) => {
                let parts = self.group_parts(items, targets, groups)?;
                Ok((0..=parts.len())
                    .rev()
                    .map(|n| parts.iter().take(n).flatten().copied().collect())
                    .collect())
            }
            GroupItem::Cube(items, at) => {
                let parts = self.group_parts(items, targets, groups)?;
                if parts.len() > 12 {
                    return Err(Error::new(SqlState::TooManyColumns, "CUBE is limited to 12 elements")
                        .at(self.position(*at)));
                }
                let width = parts.len();
                let count = 1usize << width;
                let chosen = |mask: usize| {
                    let kept =
                        parts.iter().enumerate().filter(move |(i, _)| mask >> (width - 1 - i) & 1 == 1);
                    kept.flat_map(|(_, part)| part.iter().copied()).collect()
                };
                Ok((0..count).rev().map(chosen).collect())
            }
            GroupItem::Sets(items, _) => {
                let mut sets = Vec::new();
                for item in items {
                    sets.extend(self.group_sets(item, targets, groups)?);
                }
                Ok(sets)
            }
        }
    }

    fn group_parts(
        &mut self,
        items: &[crate::parse::syntax::Expression],
        targets: &[Target],
        groups: &mut Groups,
    ) -> Result<Vec<Vec<u32>>> {
        items.iter().map(|item| self.group_indexes(item, targets, groups)).collect()
    }

    /// The group (or groups, for a row) that an item of GROUP BY names; new ones are added.
    fn group_indexes(
        &mut self,
        expression: &crate::parse::syntax::Expression,
        targets: &[Target],
        groups: &mut Groups,
    ) -> Result<Vec<u32>> {
        if let Syntax::Row(fields) = &expression.kind {
            let parts = self.group_parts(fields, targets, groups)?;
            return Ok(parts.into_iter().flatten().collect());
        }
        let node = match self.group_target(expression, targets)? {
            Some(target) => target,
            None => {
                let node = self.expression_in(Clause::GroupBy, expression)?;
                self.resolve_unknown(node)?
            }
        };
        self.check_equality(&node)?;
        let known = groups.items.iter().position(|(_, known)| same(known, &node));
        let index = match known {
            Some(index) => index,
            None => {
                let number = self.new_column();
                groups.items.push((number, node));
                groups.items.len() - 1
            }
        };
        Ok(vec![index as u32])
    }

    /// An output column by number, or by name where no column of FROM has that name.
    fn group_target(
        &mut self,
        expression: &crate::parse::syntax::Expression,
        targets: &[Target],
    ) -> Result<Option<Expression>> {
        let at = expression.at;
        let found = match &expression.kind {
            Syntax::Number(digits) => Some(self.target_by_number(digits, targets, "GROUP BY", at)?),
            Syntax::String(_) | Syntax::Null | Syntax::Boolean(_) => {
                return Err(Error::new(SqlState::SyntaxError, "non-integer constant in GROUP BY")
                    .at(self.position(at)));
            }
            Syntax::Column(parts) => match parts.as_slice() {
                [name] if !self.is_input_column(name) => {
                    self.target_by_name(name, targets, "GROUP BY", at)?
                }
                _ => None,
            },
            _ => None,
        };
        let Some(index) = found else { return Ok(None) };
        let target = targets.get(index).map(|target| target.expression.clone());
        if let Some(target) = &target {
            self.refuse_aggregates_in_group(target, at)?;
        }
        Ok(target)
    }

    fn refuse_aggregates_in_group(&self, target: &Expression, at: u32) -> Result<()> {
        let scope = self.scope()?;
        let aggregated = |number: &ColumnNumber| scope.aggregates.iter().any(|(known, _)| known == number);
        let windowed = |number: &ColumnNumber| scope.window_calls.iter().any(|(known, _)| known == number);
        let columns = columns_of(target);
        if columns.iter().any(aggregated) {
            return Err(Error::new(
                SqlState::GroupingError,
                "aggregate functions are not allowed in GROUP BY",
            )
            .at(target.position.or(self.position(at))));
        }
        if columns.iter().any(windowed) {
            return Err(Error::new(SqlState::WindowingError, "window functions are not allowed in GROUP BY")
                .at(target.position.or(self.position(at))));
        }
        Ok(())
    }

    /// Whether a FROM column of the innermost level has this name: GROUP BY prefers it to an output column.
    fn is_input_column(&self, name: &str) -> bool {
        self.scopes.last().is_some_and(|scope| {
            let visible = scope.items.iter().filter(|item| item.columns_visible);
            visible.flat_map(|item| &item.columns).any(|column| column.name == name)
        })
    }

    /// Rewrites an expression that stands above the groups: group expressions and aggregates become their columns,
    /// and any other column of this level is an error, unless a primary key among the groups determines it.
    pub(super) fn above_groups(&mut self, expression: &mut Expression, groups: &mut Groups) -> Result<()> {
        let scope = self.scope()?;
        let id = scope.id;
        let mut allowed: Vec<ColumnNumber> = scope.aggregates.iter().map(|(number, _)| *number).collect();
        allowed.extend(scope.grouping.iter().map(|(number, _)| *number));
        allowed.extend(scope.window_calls.iter().map(|(number, _)| *number));
        allowed.extend(scope.sets.iter().flat_map(|item| &item.columns).map(|column| column.number));
        let mut rewrite = Rewrite {
            groups: &groups.items,
            allowed: &allowed,
            owners: &self.owners,
            id,
            depth: 0,
            elements: Vec::new(),
            stray: Vec::new(),
        };
        walk_expression(expression, &mut rewrite);
        let stray = std::mem::take(&mut rewrite.stray);
        for (number, position, nested) in stray {
            let dependent = self.determined_by_key(number, groups)?;
            match dependent {
                Some(group) => {
                    let mut swap = Swap { from: number, to: group };
                    walk_expression(expression, &mut swap);
                }
                None => return Err(self.ungrouped(number, position, nested)),
            }
        }
        Ok(())
    }

    fn ungrouped(&self, number: ColumnNumber, position: Option<u32>, nested: bool) -> Error {
        let items = self.scopes.iter().rev().flat_map(|scope| &scope.items);
        let mut named = items.flat_map(|item| item.columns.iter().map(move |column| (item, column)));
        let found = named.find(|(item, column)| {
            item.name_visible && matches!(column.expression.kind, ExpressionKind::Column(n) if n == number)
        });
        let name = found.map_or_else(
            || "?".to_string(),
            |(item, column)| {
                if item.name.is_empty() {
                    column.name.clone()
                } else {
                    format!("{}.{}", item.name, column.name)
                }
            },
        );
        let message = match nested {
            true => format!("subquery uses ungrouped column \"{name}\" from outer query"),
            false => {
                format!(
                    "column \"{name}\" must appear in the GROUP BY clause or be used in an aggregate function"
                )
            }
        };
        Error::new(SqlState::GroupingError, message).at(position)
    }

    /// A column of a table whose whole primary key is grouped by: it becomes a further group, which changes nothing.
    fn determined_by_key(
        &mut self,
        number: ColumnNumber,
        groups: &mut Groups,
    ) -> Result<Option<ColumnNumber>> {
        let scope = self.scope()?;
        let owner = scope.items.iter().find(|item| {
            item.table != 0
                && item
                    .columns
                    .iter()
                    .any(|column| matches!(column.expression.kind, ExpressionKind::Column(n) if n == number))
        });
        let Some(item) = owner.filter(|item| !item.no_key) else { return Ok(None) };
        let past = item.past.clone();
        let catalog = past.as_deref().unwrap_or(self.environment.catalog);
        let constraints = catalog.constraints_of(self.environment.database, item.table);
        let key =
            constraints.filter(|constraint| !constraint.deferrable).find_map(|constraint| match &constraint
                .kind
            {
                catalog::ConstraintKind::PrimaryKey { columns, .. } => {
                    Some((constraint.oid, columns.clone()))
                }
                catalog::ConstraintKind::Unique { .. }
                | catalog::ConstraintKind::ForeignKey(_)
                | catalog::ConstraintKind::Check { .. } => None,
            });
        let Some((constraint, key)) = key else { return Ok(None) };
        let mut members = Vec::with_capacity(key.len());
        for attribute in key {
            let column = item.columns.iter().find(|column| column.origin.1 == attribute && !column.system);
            let index = column.and_then(|column| {
                groups.items.iter().position(|(_, known)| same(known, &column.expression))
            });
            match index {
                Some(index) => members.push(index as u32),
                None => return Ok(None),
            }
        }
        if let Some(sets) = &groups.sets
            && !sets.iter().all(|set| members.iter().all(|member| set.contains(member)))
        {
            return Ok(None);
        }
        let column = item
            .columns
            .iter()
            .find(|column| matches!(column.expression.kind, ExpressionKind::Column(n) if n == number));
        let expression = column.map(|column| column.expression.clone());
        let expression = expression.ok_or_else(|| Error::internal("a column that went away"))?;
        let group = self.new_column();
        let index = groups.items.len() as u32;
        groups.items.push((group, expression));
        groups.sets.iter_mut().flatten().for_each(|set| set.push(index));
        if past.is_none() {
            self.objects.insert(constraint);
        }
        Ok(Some(group))
    }

    /// The relation of the groups, their aggregates and GROUPING columns over its input.
    pub(super) fn aggregate_relation(&mut self, input: Relation, groups: Groups) -> Result<Relation> {
        let scope = self.scope_mut()?;
        let aggregates = std::mem::take(&mut scope.aggregates);
        let pending = std::mem::take(&mut scope.grouping);
        let mut grouping = Vec::with_capacity(pending.len());
        for (number, arguments) in pending {
            let mut indexes = Vec::with_capacity(arguments.len());
            for argument in arguments {
                match groups.items.iter().position(|(_, known)| same(known, &argument)) {
                    Some(index) => indexes.push(index as u32),
                    None => {
                        let message = "arguments to GROUPING must be grouping expressions of the associated query level";
                        return Err(Error::new(SqlState::GroupingError, message).at(argument.position));
                    }
                }
            }
            grouping.push((number, indexes));
        }
        Ok(Relation::Aggregate {
            input: Box::new(input),
            groups: groups.items,
            sets: groups.sets,
            aggregates,
            grouping,
        })
    }
}

/// Whether two expressions compute the same, wherever they stand in the text.
pub fn same(a: &Expression, b: &Expression) -> bool {
    if a.ty != b.ty || std::mem::discriminant(&a.kind) != std::mem::discriminant(&b.kind) {
        return false;
    }
    match (&a.kind, &b.kind) {
        (ExpressionKind::Column(a), ExpressionKind::Column(b)) => a == b,
        _ => placeless(a) == placeless(b),
    }
}

/// Whether two aggregate calls compute the same.
pub(super) fn same_aggregate(a: &AggregateCall, b: &AggregateCall) -> bool {
    if a.function != b.function {
        return false;
    }
    let (mut a, mut b) = (a.clone(), b.clone());
    crate::tree::visit::walk_aggregate(&mut a, &mut Placeless);
    crate::tree::visit::walk_aggregate(&mut b, &mut Placeless);
    a == b
}

/// Forgets where and in what form things are written.
pub struct Placeless;

impl Visitor for Placeless {
    fn expression(&mut self, expression: &mut Expression) -> bool {
        expression.position = None;
        match &mut expression.kind {
            ExpressionKind::Call { form, .. }
            | ExpressionKind::Relabel(_, form)
            | ExpressionKind::CoerceArray { form, .. }
            | ExpressionKind::CoerceToDomain { form, .. } => *form = Form::Call,
            _ => {}
        }
        true
    }
}

fn placeless(expression: &Expression) -> Expression {
    let mut copy = expression.clone();
    walk_expression(&mut copy, &mut Placeless);
    copy
}

/// The columns that an expression reads.
pub(super) fn columns_of(expression: &Expression) -> Vec<ColumnNumber> {
    struct Collect(Vec<ColumnNumber>);
    impl Visitor for Collect {
        fn column(&mut self, column: &mut ColumnNumber) {
            self.0.push(*column);
        }
    }
    let mut collect = Collect(Vec::new());
    walk_expression(&mut expression.clone(), &mut collect);
    collect.0
}

struct Rewrite<'r> {
    groups: &'r [(ColumnNumber, Expression)],
    allowed: &'r [ColumnNumber],
    owners: &'r [u32],
    id: u32,
    /// How many subqueries are around.
    depth: u32,
    /// What stands for the elements of arrays that are cast.
    elements: Vec<ColumnNumber>,
    stray: Vec<(ColumnNumber, Option<u32>, bool)>,
}

impl Visitor for Rewrite<'_> {
    fn expression(&mut self, expression: &mut Expression) -> bool {
        if let Some((number, _)) = self.groups.iter().find(|(_, group)| same(group, expression)) {
            expression.kind = ExpressionKind::Column(*number);
            return false;
        }
        match &mut expression.kind {
            ExpressionKind::Column(number) => {
                let local = self.owners.get(number.0 as usize) == Some(&self.id);
                if local
                    && !self.elements.contains(number)
                    && !self.allowed.contains(number)
                    && !self.groups.iter().any(|(group, _)| group == number)
                {
                    self.stray.push((*number, expression.position, self.depth > 0));
                }
                false
            }
            ExpressionKind::CoerceArray { element_column, .. } => {
                self.elements.push(*element_column);
                true
            }
            ExpressionKind::Subquery(_) => {
                self.depth += 1;
                crate::tree::visit::walk_children(expression, self);
                self.depth -= 1;
                false
            }
            _ => true,
        }
    }
}

struct Swap {
    from: ColumnNumber,
    to: ColumnNumber,
}

impl Visitor for Swap {
    fn expression(&mut self, expression: &mut Expression) -> bool {
        if let ExpressionKind::Column(number) = &mut expression.kind
            && *number == self.from
        {
            *number = self.to;
        }
        true
    }
}
