//! INSERT: which columns get which values, and the defaults of the rest.

use std::sync::Arc;

use catalog::builtin::CastContext;
use catalog::{Column as ObjectColumn, Relation as Object, RelationKind};
use engine::Value;

use super::Analyzer;
use super::clause::Clause;
use super::coerce::constant;
use super::item::{Item, ItemColumn};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, ExpressionKind as Syntax, ObjectName, Overriding, QueryBody, TargetColumn};
use crate::tree::{
    Column, ColumnNumber, ConflictAction, Expression, ExpressionKind, Insert, OnConflict, OutputColumn,
    Query, Relation, Returning, RowColumn, Type,
};
use crate::types::oid;

/// pg_proc oid of nextval(regclass).
const NEXTVAL: u32 = 1574;

impl Analyzer<'_> {
    pub(super) fn insert(&mut self, insert: &syntax::Insert) -> Result<Insert> {
        self.open_scope();
        let result = self.insert_in_scope(insert);
        self.scopes.pop();
        result
    }

    fn insert_in_scope(&mut self, insert: &syntax::Insert) -> Result<Insert> {
        let common = match &insert.with {
            Some(with) => self.with(with)?,
            None => Vec::new(),
        };
        let object = self.target_table(&insert.table, "insert into")?;
        let targets = self.insert_targets(&object, insert)?;
        let mut source = match &insert.source {
            None => self.default_row(&object)?,
            Some(query) => match plain_values(query) {
                Some(rows) => self.insert_values(&object, &targets, rows, insert)?,
                None => self.insert_query(&object, &targets, query, insert)?,
            },
        };
        let name = insert.alias.as_ref().map_or(object.name.clone(), |alias| alias.text.clone());
        let row = self.row_columns_of(&object);
        let conflict = match &insert.conflict {
            Some(conflict) => Some(self.on_conflict(conflict, &object, &name)?),
            None => None,
        };
        let returning = match insert.returning.is_empty() {
            true => None,
            false => {
                let item = self.row_item(&object, &name, insert.alias.is_some(), &row);
                let outer = std::mem::replace(&mut self.scope_mut()?.items, vec![item]);
                let returning = self.returning(&insert.returning);
                self.scope_mut()?.items = outer;
                Some(self.insert_returning(returning?, &mut source, &object, &row, conflict.as_ref())?)
            }
        };
        source.common = common;
        source.output.iter().for_each(|column| {
            self.used.insert(column.column);
        });
        self.prune(&mut source);
        let columns = stored_columns(&object).map(|column| column.number).collect();
        Ok(Insert { table: object.oid, columns, source, row, conflict, returning })
    }

    /// RETURNING of an INSERT, its subqueries computed by the source.
    fn insert_returning(
        &mut self,
        mut returning: Returning,
        source: &mut Query,
        object: &Object,
        row: &[RowColumn],
        conflict: Option<&OnConflict>,
    ) -> Result<Returning> {
        let stored: Vec<i16> = stored_columns(object).map(|column| column.number).collect();
        let output = source.output.clone();
        let updates = conflict.is_some_and(|conflict| matches!(conflict.action, ConflictAction::Update(_)));
        let value = |number: ColumnNumber| {
            let Some(column) = row.iter().find(|column| column.column.number == number) else {
                return Ok(None);
            };
            if updates {
                return Err(super::returning::late_value(
                    "a row that ON CONFLICT DO UPDATE may have changed",
                ));
            }
            let place = stored.iter().position(|attribute| *attribute == column.attribute);
            match place.and_then(|place| output.get(place)) {
                Some(known) => Ok(Some(super::subquery::output_reference(known))),
                None => Err(super::returning::late_value("a generated column")),
            }
        };
        let lifted = self.lift_returning(&mut returning, &value)?;
        if lifted.is_empty() {
            return Ok(returning);
        }
        for (number, item) in &lifted {
            source.output.push(OutputColumn {
                column: *number,
                name: String::new(),
                ty: item.ty,
                collation: item.collation,
                origin: (0, 0),
            });
        }
        let input = Box::new(std::mem::replace(&mut source.relation, Relation::Empty));
        source.relation = Relation::Extend { input, items: lifted };
        Ok(returning)
    }

    /// The table that a modification names.
    pub(super) fn target_table(&mut self, name: &ObjectName, verb: &str) -> Result<Arc<Object>> {
        let object = self.find_relation(self.environment.catalog, name)?;
        self.check_temporary(&object)?;
        self.note_present(&object);
        let position = self.position(name.at);
        match &object.kind {
            RelationKind::Table(_) => Ok(object),
            RelationKind::System { .. } => Err(Error::new(
                SqlState::InsufficientPrivilege,
                format!("permission denied: \"{}\" is a system catalog", object.name),
            )),
            RelationKind::View(_) => {
                Err(Error::unsupported(format!("to {verb} view \"{}\"", object.name)).at(position))
            }
            RelationKind::MaterializedView(_) => Err(Error::new(
                SqlState::WrongObjectType,
                format!("cannot change materialized view \"{}\"", object.name),
            )),
            RelationKind::Sequence(_) => Err(Error::new(
                SqlState::WrongObjectType,
                format!("cannot change sequence \"{}\"", object.name),
            )
            .at(position)),
            RelationKind::Index(_) => Err(Error::new(
                SqlState::WrongObjectType,
                format!("cannot open relation \"{}\"", object.name),
            )
            .detail("This operation is not supported for indexes.")
            .at(position)),
        }
    }

    /// The column that an assignment names.
    pub(super) fn target_column<'o>(
        &self,
        object: &'o Object,
        target: &TargetColumn,
    ) -> Result<&'o ObjectColumn> {
        let position = self.position(target.name.at);
        if !target.fields.is_empty() || !target.indexes.is_empty() {
            return Err(Error::unsupported("assignment to a field or element of a column").at(position));
        }
        object.column_by_name(&target.name.text).ok_or_else(|| {
            let message =
                format!("column \"{}\" of relation \"{}\" does not exist", target.name.text, object.name);
            Error::new(SqlState::UndefinedColumn, message).at(position)
        })
    }

    /// The attributes that get values, in the order the values come.
    fn insert_targets(&self, object: &Object, insert: &syntax::Insert) -> Result<Vec<(i16, u32)>> {
        if insert.columns.is_empty() {
            return Ok(object.live_columns().map(|column| (column.number, insert.table.at)).collect());
        }
        let mut targets: Vec<(i16, u32)> = Vec::with_capacity(insert.columns.len());
        for target in &insert.columns {
            let column = self.target_column(object, target)?;
            if targets.iter().any(|(known, _)| *known == column.number) {
                let message = format!("column \"{}\" specified more than once", column.name);
                return Err(Error::new(SqlState::DuplicateColumn, message).at(self.position(target.name.at)));
            }
            targets.push((column.number, target.name.at));
        }
        Ok(targets)
    }

    fn check_width(
        &self,
        given: usize,
        targets: &[(i16, u32)],
        insert: &syntax::Insert,
        at: Option<u32>,
    ) -> Result<()> {
        if given > targets.len() {
            let message = "INSERT has more expressions than target columns";
            return Err(Error::new(SqlState::SyntaxError, message).at(at.and_then(|at| self.position(at))));
        }
        if given < targets.len() && !insert.columns.is_empty() {
            let position = targets.get(given).and_then(|(_, at)| self.position(*at));
            let message = "INSERT has more target columns than expressions";
            return Err(Error::new(SqlState::SyntaxError, message).at(position));
        }
        Ok(())
    }

    /// VALUES rows, each completed to a whole row of the table.
    fn insert_values(
        &mut self,
        object: &Object,
        targets: &[(i16, u32)],
        rows: &[Vec<syntax::Expression>],
        insert: &syntax::Insert,
    ) -> Result<Query> {
        let width = rows.first().map_or(0, Vec::len);
        let mut complete = Vec::with_capacity(rows.len());
        let defaults = self.defaults(object)?;
        for row in rows {
            if row.len() != width {
                return Err(Error::new(SqlState::SyntaxError, "VALUES lists must all be the same length")
                    .at(row.first().and_then(|value| self.position(value.at))));
            }
            self.check_width(row.len(), targets, insert, row.get(targets.len()).map(|value| value.at))?;
            let mut values: Vec<Expression> = defaults.iter().map(|(_, default)| default.clone()).collect();
            for (value, (attribute, _)) in row.iter().zip(targets) {
                let column =
                    object.column(*attribute).ok_or_else(|| Error::internal("a column that went away"))?;
                let is_default = value.kind == Syntax::Default;
                self.check_writable(column, is_default, insert.overriding)?;
                let replaced = insert.overriding == Some(Overriding::UserValue) && column.identity.is_some();
                if is_default || replaced {
                    continue;
                }
                let value = self.expression_in(Clause::Values, value)?;
                let value = self.assignable(value, column)?;
                let slot = defaults.iter().position(|(known, _)| known == attribute);
                if let Some(slot) = slot.and_then(|slot| values.get_mut(slot)) {
                    *slot = value;
                }
            }
            complete.push(values);
        }
        let columns = self.source_columns(object);
        let output = source_output(object, &columns);
        Ok(Query {
            common: Vec::new(),
            relation: Relation::Values { columns, rows: complete },
            output,
            shape: None,
        })
    }

    /// A query's rows, cast and completed by defaults above it.
    fn insert_query(
        &mut self,
        object: &Object,
        targets: &[(i16, u32)],
        query: &syntax::Query,
        insert: &syntax::Insert,
    ) -> Result<Query> {
        let mut inner = self.query_keeping_unknown(query)?;
        let at = match &query.body {
            QueryBody::Select(select) => select.items.get(targets.len()).map(|item| item.expression.at),
            QueryBody::Values(_) | QueryBody::SetOperation { .. } => None,
        };
        self.check_width(inner.output.len(), targets, insert, at)?;
        let mut items = Vec::new();
        let columns = self.source_columns(object);
        let defaults = self.defaults(object)?;
        let given: Vec<i16> =
            targets.iter().take(inner.output.len()).map(|(attribute, _)| *attribute).collect();
        for attribute in &given {
            let column =
                object.column(*attribute).ok_or_else(|| Error::internal("a column that went away"))?;
            self.check_writable(column, false, insert.overriding)?;
        }
        for ((attribute, default), produced) in defaults.into_iter().zip(&columns) {
            let column =
                object.column(attribute).ok_or_else(|| Error::internal("a column that went away"))?;
            let replaced = insert.overriding == Some(Overriding::UserValue) && column.identity.is_some();
            let value = match given.iter().position(|known| *known == attribute).filter(|_| !replaced) {
                Some(index) => {
                    self.retype_output(&mut inner, index, Type::with_typmod(column.type_oid, -1))?;
                    let output =
                        inner.output.get(index).ok_or_else(|| Error::internal("an output that went away"))?;
                    let mut value = super::subquery::output_reference(output);
                    value.position = at_of_output(query, index).and_then(|at| self.position(at));
                    self.assignable(value, column)?
                }
                None => default,
            };
            items.push((produced.number, value));
        }
        let output = source_output(object, &columns);
        let relation = Relation::Extend { input: Box::new(Relation::Subquery(Box::new(inner))), items };
        Ok(Query { common: Vec::new(), relation, output, shape: None })
    }

    /// DEFAULT VALUES.
    fn default_row(&mut self, object: &Object) -> Result<Query> {
        let values = self.defaults(object)?.into_iter().map(|(_, default)| default).collect();
        let columns = self.source_columns(object);
        let output = source_output(object, &columns);
        Ok(Query {
            common: Vec::new(),
            relation: Relation::Values { columns, rows: vec![values] },
            output,
            shape: None,
        })
    }

    fn source_columns(&mut self, object: &Object) -> Vec<Column> {
        let columns = stored_columns(object).map(|column| Column {
            number: self.new_column(),
            ty: Type::with_typmod(column.type_oid, column.typmod),
            collation: column.collation,
        });
        columns.collect()
    }

    /// Generated columns take no value, identity columns ALWAYS only by OVERRIDING SYSTEM VALUE.
    fn check_writable(
        &self,
        column: &ObjectColumn,
        is_default: bool,
        overriding: Option<Overriding>,
    ) -> Result<()> {
        if is_default {
            return Ok(());
        }
        let refuse = |detail: String| {
            let message = format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name);
            Error::new(SqlState::GeneratedAlways, message).detail(detail)
        };
        if column.generated {
            return Err(refuse(format!("Column \"{}\" is a generated column.", column.name)));
        }
        if column.identity.is_some_and(|identity| identity.always) && overriding.is_none() {
            let detail =
                format!("Column \"{}\" is an identity column defined as GENERATED ALWAYS.", column.name);
            return Err(refuse(detail).hint("Use OVERRIDING SYSTEM VALUE to override."));
        }
        Ok(())
    }

    /// The default of every column that is not generated, in order of attributes.
    pub(super) fn defaults(&mut self, object: &Object) -> Result<Vec<(i16, Expression)>> {
        let mut defaults = Vec::with_capacity(object.columns.len());
        for column in stored_columns(object) {
            defaults.push((column.number, self.default_of(column)?));
        }
        Ok(defaults)
    }

    /// The default of one column: its own, the next value of its identity, or NULL.
    pub(super) fn default_of(&mut self, column: &ObjectColumn) -> Result<Expression> {
        let ty = Type::with_typmod(column.type_oid, column.typmod);
        if let Some(identity) = column.identity {
            let sequence = constant(Value::UInt32(identity.sequence), oid::REGCLASS);
            let next = Expression {
                kind: ExpressionKind::Call {
                    function: NEXTVAL,
                    operator: 0,
                    arguments: vec![sequence],
                    variadic_array: false,
                    form: crate::tree::Form::Call,
                },
                ty: Type::new(oid::INT8),
                collation: 0,
                position: None,
            };
            return self.coerce(next, ty, CastContext::Assignment, None);
        }
        match &column.default {
            Some(default) => {
                let value = super::stored::stored_expression(&default.expression)?;
                self.assignable(value, column)
            }
            None => match self.domain_default(column.domain)? {
                Some(value) => self.assignable(value, column),
                None => Ok(self.typed_null(ty, column.collation)),
            },
        }
    }

    /// The default of a domain, or of the nearest that it stands on and that has one.
    fn domain_default(&self, domain: Option<u32>) -> Result<Option<Expression>> {
        let (catalog, database) = (self.environment.catalog, self.environment.database);
        let mut next = domain;
        while let Some(domain) =
            next.and_then(|oid| catalog.user_type(database, oid)).and_then(|made| made.domain())
        {
            if let Some(default) = &domain.default {
                return super::stored::stored_expression(default).map(Some);
            }
            next = Some(domain.base);
        }
        Ok(None)
    }

    /// A value cast to a column's type for assignment.
    pub(super) fn assignable(&mut self, value: Expression, column: &ObjectColumn) -> Result<Expression> {
        let (source, position) = (value.ty.oid, value.position);
        let target = Type::with_typmod(column.type_oid, column.typmod);
        match self.coerce_to(value, target, CastContext::Assignment, position)? {
            Some(value) => Ok(value),
            None => Err(Error::new(
                SqlState::DatatypeMismatch,
                format!(
                    "column \"{}\" is of type {} but expression is of type {}",
                    column.name,
                    self.type_text(column.type_oid),
                    self.type_text(source)
                ),
            )
            .hint("You will need to rewrite or cast the expression.")
            .at(position)),
        }
    }

    /// Numbers for a table's row, a column each.
    pub(super) fn row_columns_of(&mut self, object: &Object) -> Vec<RowColumn> {
        let columns = object.live_columns().map(|column| RowColumn {
            attribute: column.number,
            column: Column {
                number: self.new_column(),
                ty: Type::with_typmod(column.type_oid, column.typmod),
                collation: column.collation,
            },
        });
        columns.collect()
    }

    /// A row as names see it.
    pub(super) fn row_item(&self, object: &Object, name: &str, aliased: bool, row: &[RowColumn]) -> Item {
        let columns = object.live_columns().zip(row).map(|(column, numbered)| {
            ItemColumn::plain(&column.name, &numbered.column, (object.oid, column.number))
        });
        let mut item = Item::derived(name, columns.collect());
        item.table = object.oid;
        item.table_name = Some(object.name.clone());
        item.row_type = object.row_type;
        if !aliased {
            let schema = self.environment.catalog.schema(self.environment.database, object.schema);
            item.schema = schema.map(|schema| schema.name.clone());
        }
        item
    }
}

/// The columns that rows are stored with by INSERT: all but generated ones.
fn stored_columns(object: &Object) -> impl Iterator<Item = &ObjectColumn> {
    object.live_columns().filter(|column| !column.generated)
}

fn source_output(object: &Object, columns: &[Column]) -> Vec<OutputColumn> {
    let output = stored_columns(object).zip(columns).map(|(column, produced)| OutputColumn {
        column: produced.number,
        name: column.name.clone(),
        ty: produced.ty,
        collation: produced.collation,
        origin: (0, 0),
    });
    output.collect()
}

/// The rows of a query that is a bare VALUES list.
fn plain_values(query: &syntax::Query) -> Option<&[Vec<syntax::Expression>]> {
    let bare = query.with.is_none()
        && query.order_by.is_empty()
        && query.limit.is_none()
        && query.offset.is_none()
        && query.locks.is_empty();
    match &query.body {
        QueryBody::Values(rows) if bare => Some(rows),
        QueryBody::Values(_) | QueryBody::Select(_) | QueryBody::SetOperation { .. } => None,
    }
}

fn at_of_output(query: &syntax::Query, index: usize) -> Option<u32> {
    match &query.body {
        QueryBody::Select(select) => select.items.get(index).map(|item| item.expression.at),
        QueryBody::Values(rows) => rows.first().and_then(|row| row.get(index)).map(|value| value.at),
        QueryBody::SetOperation { operator: _, all: _, left, right: _ } => at_of_output(left, index),
    }
}
