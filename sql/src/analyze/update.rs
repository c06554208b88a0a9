//! UPDATE, and assignments as it shares them with ON CONFLICT.

use catalog::Relation as Object;

use super::Analyzer;
use super::clause::Clause;
use super::item::Item;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{
    self, ExpressionKind as Syntax, Name, ObjectName, RowFilter, SetClause, TargetColumn,
};
use crate::tree::visit::{Visitor, walk_expression};
use crate::tree::{
    Assignment, Column, ColumnNumber, Expression, ExpressionKind, Relation, RowColumn, SystemColumn,
    TableScan, Update,
};

/// What SET takes from subqueries, whole rows of `(a, b) = (SELECT ...)` among it: the column each is computed into.
pub(super) type RowSubqueries = Vec<(ColumnNumber, Expression)>;

impl Analyzer<'_> {
    pub(super) fn update(&mut self, update: &syntax::Update) -> Result<Update> {
        self.open_scope();
        let result = self.update_in_scope(update);
        self.scopes.pop();
        result
    }

    fn update_in_scope(&mut self, update: &syntax::Update) -> Result<Update> {
        let common = match &update.with {
            Some(with) => self.with(with)?,
            None => Vec::new(),
        };
        let object = self.target_table(&update.table, "update")?;
        let (mut target, handle, item) = self.target_scan(&object, update.alias.as_ref(), &update.table)?;
        let name = item.name.clone();
        let mut others = self.other_tables(&update.from, item)?;
        let predicate = self.row_filter(update.filter.as_ref())?;
        let (mut assignments, mut rows) = self.assignments(&update.assignments, &object)?;
        self.lift_subqueries(&mut assignments, &mut rows);
        let mut others_lateral = !rows.is_empty();
        if others_lateral {
            let input = Box::new(others.take().unwrap_or(Relation::Empty));
            others = Some(Relation::Extend { input, items: rows });
        }
        let row = self.row_columns_of(&object);
        let mut returning = match update.returning.is_empty() {
            true => None,
            false => {
                let item = self.row_item(&object, &name, update.alias.is_some(), &row);
                if let Some(slot) = self.scope_mut()?.items.first_mut() {
                    *slot = item;
                }
                Some(self.returning(&update.returning)?)
            }
        };
        if let Some(returning) = &mut returning {
            let value = |number| new_value(number, &row, &assignments, &target, &object);
            let lifted = self.lift_returning(returning, &value)?;
            if !lifted.is_empty() {
                others_lateral = true;
                let input = Box::new(others.take().unwrap_or(Relation::Empty));
                others = Some(Relation::Extend { input, items: lifted });
            }
        }
        self.keep_row(&mut target);
        if let Some(others) = &mut others {
            self.prune_relation(others);
        }
        let mut update = Update {
            common,
            target,
            handle,
            others: others.map(Box::new),
            others_lateral,
            predicate,
            assignments,
            row,
            returning,
        };
        for table in &mut update.common {
            crate::tree::visit::walk_common(table, &mut super::prune::Finish(self));
        }
        update.predicate.iter_mut().for_each(|predicate| self.prune_expression(predicate));
        update.assignments.iter_mut().for_each(|assignment| self.prune_expression(&mut assignment.value));
        Ok(update)
    }

    /// The scan of the table that is changed, its handle, and how names see it.
    pub(super) fn target_scan(
        &mut self,
        object: &Object,
        alias: Option<&Name>,
        name: &ObjectName,
    ) -> Result<(TableScan, ColumnNumber, Item)> {
        if self.statement_time.is_some() {
            return Err(Error::new(SqlState::FeatureNotSupported, "rows of the past cannot be changed")
                .at(self.position(name.at)));
        }
        let (relation, mut item) = self.scan(object, None);
        let Relation::Table(mut scan) = relation else {
            return Err(Error::internal("a table that is no table"));
        };
        match alias {
            Some(alias) => item.name.clone_from(&alias.text),
            None => {
                let schema = self.environment.catalog.schema(self.environment.database, object.schema);
                item.schema = schema.map(|schema| schema.name.clone());
            }
        }
        scan.name.clone_from(&item.name);
        let handle = item.lockable.ok_or_else(|| Error::internal("a table without row handles"))?;
        self.used.insert(handle);
        Ok((scan, handle, item))
    }

    /// FROM of UPDATE and USING of DELETE; the target is among the names, but not for LATERAL.
    pub(super) fn other_tables(
        &mut self,
        from: &[syntax::TableReference],
        target: Item,
    ) -> Result<Option<Relation>> {
        let relation = self.crossed_entries(from)?;
        self.check_names(std::slice::from_ref(&target))?;
        self.scope_mut()?.items.insert(0, target);
        Ok((!from.is_empty()).then_some(relation))
    }

    pub(super) fn row_filter(&mut self, filter: Option<&RowFilter>) -> Result<Option<Expression>> {
        match filter {
            None => Ok(None),
            Some(RowFilter::Where(filter)) => self.condition(Clause::Where, filter).map(Some),
            Some(RowFilter::CurrentOf(cursor)) => {
                Err(Error::unsupported("WHERE CURRENT OF").at(self.position(cursor.at)))
            }
        }
    }

    /// A target keeps all attributes and its handle, and of the system columns what is used.
    pub(super) fn keep_row(&mut self, scan: &mut TableScan) {
        let used = &self.used;
        scan.columns.retain(|column| match column.source {
            SystemColumn::Attribute(_) => true,
            SystemColumn::Handle
            | SystemColumn::TableOid
            | SystemColumn::Xmin
            | SystemColumn::Former(_)
            | SystemColumn::SystemFrom
            | SystemColumn::SystemTo
            | SystemColumn::WriteId
            | SystemColumn::PreviousWriteId => used.contains(&column.number),
        });
    }

    /// Values that hold subqueries are computed by the source, where subqueries are planned.
    fn lift_subqueries(&mut self, assignments: &mut [Assignment], rows: &mut RowSubqueries) {
        for assignment in assignments.iter_mut().filter(|assignment| has_subquery(&assignment.value)) {
            let number = self.new_column();
            let value = &mut assignment.value;
            let column = Column { number, ty: value.ty, collation: value.collation };
            let mut reference = super::item::column_expression(&column);
            reference.position = value.position;
            rows.push((number, std::mem::replace(value, reference)));
        }
    }

    /// SET clauses: a value for each attribute, and the row subqueries that several take fields of.
    pub(super) fn assignments(
        &mut self,
        clauses: &[SetClause],
        object: &Object,
    ) -> Result<(Vec<Assignment>, RowSubqueries)> {
        let mut assignments: Vec<Assignment> = Vec::new();
        let mut rows = Vec::new();
        for clause in clauses {
            match clause {
                SetClause::Single(target, value) => {
                    let assignment = self.assignment(target, value, object)?;
                    self.add_assignment(&mut assignments, assignment, target)?;
                }
                SetClause::Multiple(targets, value) => {
                    self.multiple_assignment(targets, value, object, &mut assignments, &mut rows)?;
                }
            }
        }
        Ok((assignments, rows))
    }

    fn add_assignment(
        &self,
        assignments: &mut Vec<Assignment>,
        assignment: Assignment,
        target: &TargetColumn,
    ) -> Result<()> {
        if assignments.iter().any(|known| known.attribute == assignment.attribute) {
            let message = format!("multiple assignments to same column \"{}\"", target.name.text);
            return Err(Error::new(SqlState::SyntaxError, message));
        }
        assignments.push(assignment);
        Ok(())
    }

    fn assignment(
        &mut self,
        target: &TargetColumn,
        value: &syntax::Expression,
        object: &Object,
    ) -> Result<Assignment> {
        let column = self.target_column(object, target)?;
        let attribute = column.number;
        let is_default = value.kind == Syntax::Default;
        let generated = column.generated || column.identity.is_some_and(|identity| identity.always);
        if generated && !is_default {
            let message = format!("column \"{}\" can only be updated to DEFAULT", column.name);
            let detail = match column.generated {
                true => format!("Column \"{}\" is a generated column.", column.name),
                false => {
                    format!("Column \"{}\" is an identity column defined as GENERATED ALWAYS.", column.name)
                }
            };
            return Err(Error::new(SqlState::GeneratedAlways, message).detail(detail));
        }
        let value = match is_default {
            true => self.default_of(column)?,
            false => {
                let value = self.expression_in(Clause::Update, value)?;
                self.assignable(value, column)?
            }
        };
        Ok(Assignment { attribute, value })
    }

    fn multiple_assignment(
        &mut self,
        targets: &[TargetColumn],
        value: &syntax::Expression,
        object: &Object,
        assignments: &mut Vec<Assignment>,
        rows: &mut RowSubqueries,
    ) -> Result<()> {
        match &value.kind {
            Syntax::Row(values) => {
                if values.len() != targets.len() {
                    return Err(width_mismatch(self.position(value.at)));
                }
                for (target, value) in targets.iter().zip(values) {
                    let assignment = self.assignment(target, value, object)?;
                    self.add_assignment(assignments, assignment, target)?;
                }
                Ok(())
            }
            Syntax::Subquery(query) => {
                self.subquery_assignment(targets, query, value.at, object, assignments, rows)
            }
            _ => Err(Error::new(
                SqlState::FeatureNotSupported,
                "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression",
            )
            .at(self.position(value.at))),
        }
    }

    /// `(a, b) = (SELECT x, y)`: the subquery becomes a column of its own, each target takes a field of it.
    fn subquery_assignment(
        &mut self,
        targets: &[TargetColumn],
        query: &syntax::Query,
        at: u32,
        object: &Object,
        assignments: &mut Vec<Assignment>,
        rows: &mut RowSubqueries,
    ) -> Result<()> {
        let outer = std::mem::replace(&mut self.scope_mut()?.clause, Clause::Update);
        let row = self.row_subquery(query, at);
        self.scope_mut()?.clause = outer;
        let row = row?;
        let columns = self.row_columns(&row);
        if columns.len() != targets.len() {
            return Err(width_mismatch(self.position(at)));
        }
        let number = self.new_column();
        for (index, (target, (_, ty))) in targets.iter().zip(columns).enumerate() {
            let column = self.target_column(object, target)?;
            let record = Expression {
                kind: ExpressionKind::Column(number),
                ty: row.ty,
                collation: 0,
                position: row.position,
            };
            let field = Expression {
                kind: ExpressionKind::Field { argument: Box::new(record), index: index as u32 },
                ty,
                collation: self.default_collation(ty.oid),
                position: row.position,
            };
            let attribute = column.number;
            let value = self.assignable(field, column)?;
            self.add_assignment(assignments, Assignment { attribute, value }, target)?;
        }
        rows.push((number, row));
        Ok(())
    }
}

fn has_subquery(expression: &Expression) -> bool {
    struct Search(bool);
    impl Visitor for Search {
        fn expression(&mut self, expression: &mut Expression) -> bool {
            self.0 |= matches!(expression.kind, ExpressionKind::Subquery(_));
            !self.0
        }
    }
    let mut search = Search(false);
    walk_expression(&mut expression.clone(), &mut search);
    search.0
}

fn width_mismatch(position: Option<u32>) -> Error {
    Error::new(SqlState::SyntaxError, "number of columns does not match number of values").at(position)
}

/// What an UPDATE's source knows a column of the new row by: the value assigned, or the old row's column.
fn new_value(
    number: ColumnNumber,
    row: &[RowColumn],
    assignments: &[Assignment],
    target: &TableScan,
    object: &Object,
) -> Result<Option<Expression>> {
    let Some(column) = row.iter().find(|column| column.column.number == number) else { return Ok(None) };
    let attribute = column.attribute;
    if object.column(attribute).is_some_and(|column| column.generated) {
        return Err(super::returning::late_value("a generated column"));
    }
    if let Some(assignment) = assignments.iter().find(|assignment| assignment.attribute == attribute) {
        if !super::select::is_repeatable(&assignment.value) {
            return Err(super::returning::late_value("a column set to a volatile value"));
        }
        return Ok(Some(assignment.value.clone()));
    }
    let mut columns = target.columns.iter();
    let old = columns.find(|column| column.source == SystemColumn::Attribute(attribute));
    Ok(old.map(|old| Expression {
        kind: ExpressionKind::Column(old.number),
        ty: old.ty,
        collation: old.collation,
        position: None,
    }))
}
