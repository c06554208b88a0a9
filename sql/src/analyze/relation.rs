//! Names of relations to scans: tables, views, common tables.

use std::sync::Arc;

use catalog::{Refresh, Relation as Object, RelationKind, Snapshot};

use super::Analyzer;
use super::item::{Item, ItemColumn};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{Alias, ObjectName};
use crate::tree::{
    Column, Expression, ExpressionKind, Form, Query, Relation, SystemColumn, TableColumn, TableScan,
    TimeClause, Type,
};
use crate::types::oid;

/// Views may stand on views only so deep.
const MAXIMUM_VIEW_DEPTH: u32 = 32;

/// The hash of a row's values, and the oid of content_hash.
const CONTENT_ID: &str = "_content_id";
const CONTENT_HASH: u32 = 9506;

/// The system columns: name, source and type.
const SYSTEM_COLUMNS: [(&str, SystemColumn, u32); 8] = [
    ("tableoid", SystemColumn::TableOid, oid::OID),
    ("ctid", SystemColumn::Handle, oid::TID),
    ("xmin", SystemColumn::Xmin, oid::XID),
    ("_system_from", SystemColumn::SystemFrom, oid::TIMESTAMPTZ),
    ("_system_to", SystemColumn::SystemTo, oid::TIMESTAMPTZ),
    ("_write_id", SystemColumn::WriteId, oid::UUID),
    ("_prev_write_id", SystemColumn::PreviousWriteId, oid::UUID),
    ("_handle", SystemColumn::Handle, oid::BYTEA),
];

impl Analyzer<'_> {
    /// The relation that a name means in a catalog.
    pub(super) fn find_relation(&self, catalog: &Snapshot, name: &ObjectName) -> Result<Arc<Object>> {
        let environment = &self.environment;
        let found = match name.parts.as_slice() {
            [plain] => catalog.find_relation(environment.database, environment.search_path, plain),
            [schema, plain] => self.relation_in(catalog, schema, plain),
            [database, schema, plain] => {
                let current = environment.catalog.database(environment.database);
                if current.is_none_or(|current| current.name != *database) {
                    let message = format!("cross-database references are not implemented: \"{name}\"");
                    return Err(Error::new(SqlState::FeatureNotSupported, message).at(self.position(name.at)));
                }
                self.relation_in(catalog, schema, plain)
            }
            _ => None,
        };
        match found {
            Some(relation) => Ok(Arc::clone(relation)),
            None => {
                let message = format!("relation \"{name}\" does not exist");
                let error = Error::new(SqlState::UndefinedTable, message).at(self.position(name.at));
                let present = std::ptr::eq(catalog, environment.catalog);
                Err(match present && environment.default_moment.is_none() {
                    true => error,
                    false => error.detail("There was no such relation at the moment of the time clause."),
                })
            }
        }
    }

    fn relation_in<'c>(&self, catalog: &'c Snapshot, schema: &str, name: &str) -> Option<&'c Arc<Object>> {
        let database = self.environment.database;
        let schema = catalog.named_schema(database, self.environment.search_path, schema)?;
        catalog.relation_by_name(database, schema.oid, name)
    }

    /// A table or view in FROM, as of a moment where a time clause says so.
    pub(super) fn table(
        &mut self,
        name: &ObjectName,
        alias: Option<&Alias>,
        time: Option<TimeClause>,
    ) -> Result<(Relation, Item)> {
        let past = match &time {
            Some(clause) => self.catalog_of(clause)?,
            None => None,
        };
        let catalog = match &past {
            Some(past) => &**past,
            None => self.environment.catalog,
        };
        let object = self.find_relation(catalog, name)?;
        self.note_use(&object, time.as_ref())?;
        let period = time.as_ref().is_some_and(|clause| !matches!(clause, TimeClause::AsOf(_)));
        let (mut relation, mut item) = match &object.kind {
            RelationKind::Table(_) if period => {
                let (mut relation, mut item) = self.scan(&object, time.clone());
                if let Some(clause) = &time {
                    self.read_former_types(&object, clause, &mut relation, &mut item)?;
                }
                (relation, item)
            }
            RelationKind::Table(_) | RelationKind::System { .. } => self.scan(&object, time),
            RelationKind::MaterializedView(view) => {
                if period && view.refresh == Refresh::OnCommit {
                    let message = "FOR SYSTEM_TIME FROM, BETWEEN and ALL of a materialized view";
                    return Err(Error::unsupported(message).at(self.position(name.at)));
                }
                let (relation, mut item) = self.scan(&object, time);
                // Its rows are answers, not places: they have no identity that a client could come back to.
                item.columns.retain(|column| !column.system);
                item.lockable = None;
                (relation, item)
            }
            RelationKind::View(_) if self.keep_views => {
                let (relation, mut item) = self.scan(&object, time);
                item.columns.retain(|column| !column.system);
                item.lockable = None;
                (relation, item)
            }
            RelationKind::View(view) => {
                if time.is_some() {
                    self.view_in_time(&object, &view.query, time, name)?
                } else {
                    self.view(&object, &view.query)?
                }
            }
            RelationKind::Sequence(_) if time.is_some() => {
                let message = format!("the past of sequence \"{}\"", object.name);
                return Err(Error::unsupported(message).at(self.position(name.at)));
            }
            RelationKind::Sequence(_) => self.sequence_scan(&object),
            RelationKind::Index(_) => {
                let message = format!("cannot open relation \"{}\"", object.name);
                return Err(Error::new(SqlState::WrongObjectType, message)
                    .detail("This operation is not supported for indexes.")
                    .at(self.position(name.at)));
            }
        };
        item.no_key = period;
        match alias {
            Some(alias) => {
                if let Relation::Table(scan) = &mut relation {
                    scan.name.clone_from(&alias.name.text);
                }
                self.apply_alias(&mut item, alias, "table")?;
            }
            None => {
                let schema = catalog.schema(self.environment.database, object.schema);
                item.schema = schema.map(|schema| schema.name.clone());
            }
        }
        item.past = past;
        Ok((relation, item))
    }

    /// A scan of all columns of a table, those of the system included; pruning leaves what is used.
    pub(super) fn scan(&mut self, object: &Object, time: Option<TimeClause>) -> (Relation, Item) {
        let mut columns = Vec::new();
        let mut names = Vec::new();
        for column in object.live_columns() {
            // A column of a domain has the typmod of the domain.
            let domain = column.domain.and_then(catalog::builtin::type_by_oid);
            let typmod = domain.map_or(column.typmod, |domain| domain.typmod);
            let ty = Type::with_typmod(column.type_oid, typmod);
            let number = self.new_column();
            let produced = Column { number, ty, collation: column.collation };
            names.push(ItemColumn::plain(&column.name, &produced, (object.oid, column.number)));
            let source = SystemColumn::Attribute(column.number);
            columns.push(TableColumn { number, source, ty, collation: column.collation });
        }
        let mut lockable = None;
        for (name, source, type_oid) in SYSTEM_COLUMNS {
            let ty = Type::new(type_oid);
            let number = self.new_column();
            columns.push(TableColumn { number, source, ty, collation: 0 });
            if name == "_handle" {
                lockable = Some(number);
            } else if !names.iter().any(|known| known.name == name) {
                let attribute = match name {
                    "ctid" => -1,
                    "xmin" => -2,
                    "tableoid" => -6,
                    _ => 0,
                };
                let origin = if attribute == 0 { (0, 0) } else { (object.oid, attribute) };
                let mut column = ItemColumn::plain(name, &Column { number, ty, collation: 0 }, origin);
                column.system = true;
                names.push(column);
            }
        }
        if !object.is_system() && !names.iter().any(|known| known.name == CONTENT_ID) {
            let content = self.content_of(&names);
            names.extend(content);
        }
        let mut item = Item::derived(&object.name, names);
        item.table = object.oid;
        item.table_name = Some(object.name.clone());
        item.row_type = object.row_type;
        item.lockable = lockable.filter(|_| !object.is_system());
        let scan = TableScan { table: object.oid, name: object.name.clone(), columns, time };
        (Relation::Table(scan), item)
    }

    /// `_content_id`: the hash of a row's values, NULL where the row is missing (on the side of an outer join).
    fn content_of(&self, names: &[ItemColumn]) -> Option<ItemColumn> {
        let present = names.iter().find(|column| column.system && column.name == "ctid")?.expression.clone();
        let shown = names.iter().filter(|column| !column.system);
        let (fields, labels) = shown.map(|column| (column.expression.clone(), column.name.clone())).unzip();
        let node =
            |kind, type_oid| Expression { kind, ty: Type::new(type_oid), collation: 0, position: None };
        let row = node(ExpressionKind::Row { fields, names: labels }, oid::RECORD);
        let call = ExpressionKind::Call {
            function: CONTENT_HASH,
            operator: 0,
            arguments: vec![row],
            variadic_array: false,
            form: Form::Call,
        };
        let missing = ExpressionKind::IsNull { argument: Box::new(present), negated: false };
        let arms = vec![(node(missing, oid::BOOL), self.typed_null(Type::new(oid::BYTEA), 0))];
        let otherwise = Some(Box::new(node(call, oid::BYTEA)));
        let expression = node(ExpressionKind::Case { simple: false, arms, otherwise }, oid::BYTEA);
        Some(ItemColumn { name: CONTENT_ID.to_string(), expression, origin: (0, 0), system: true })
    }

    /// A sequence read as a table: its three columns.
    fn sequence_scan(&mut self, object: &Object) -> (Relation, Item) {
        let mut columns = Vec::new();
        let mut names = Vec::new();
        for attribute in object.attributes() {
            let number = self.new_column();
            let ty = Type::new(attribute.type_oid);
            names.push(ItemColumn::plain(
                &attribute.name,
                &Column { number, ty, collation: 0 },
                (object.oid, attribute.number),
            ));
            columns.push(TableColumn {
                number,
                source: SystemColumn::Attribute(attribute.number),
                ty,
                collation: 0,
            });
        }
        let mut item = Item::derived(&object.name, names);
        item.table = object.oid;
        item.table_name = Some(object.name.clone());
        let scan = TableScan { table: object.oid, name: object.name.clone(), columns, time: None };
        (Relation::Table(scan), item)
    }

    /// A view: its stored tree with fresh numbers.
    fn view(&mut self, object: &Object, stored: &catalog::StoredExpression) -> Result<(Relation, Item)> {
        let query = self.view_query(stored)?;
        Ok(self.view_item(object, query))
    }

    pub(super) fn view_query(&mut self, stored: &catalog::StoredExpression) -> Result<Query> {
        if self.view_depth >= MAXIMUM_VIEW_DEPTH {
            return Err(Error::new(SqlState::InvalidObjectDefinition, "views are nested too deeply"));
        }
        self.view_depth += 1;
        let query = super::stored::stored_query(stored).and_then(|query| self.expand_views(query));
        self.view_depth -= 1;
        query
    }

    fn view_item(&mut self, object: &Object, query: Query) -> (Relation, Item) {
        let names = object.live_columns().zip(&query.output).map(|(column, output)| {
            let produced = Column { number: output.column, ty: output.ty, collation: output.collation };
            ItemColumn::plain(&column.name, &produced, (object.oid, column.number))
        });
        let mut item = Item::derived(&object.name, names.collect());
        item.table = object.oid;
        item.table_name = Some(object.name.clone());
        item.row_type = object.row_type;
        (Relation::Subquery(Box::new(query)), item)
    }

    /// A view as of a moment: every table beneath it is read as of that moment.
    fn view_in_time(
        &mut self,
        object: &Object,
        stored: &catalog::StoredExpression,
        time: Option<TimeClause>,
        name: &ObjectName,
    ) -> Result<(Relation, Item)> {
        let Some(TimeClause::AsOf(moment)) = time else {
            let message = "FOR SYSTEM_TIME FROM, BETWEEN and ALL of a view";
            return Err(Error::unsupported(message).at(self.position(name.at)));
        };
        let outer = self.view_time.replace(TimeClause::AsOf(moment));
        let query = self.view_query(stored);
        self.view_time = outer;
        Ok(self.view_item(object, query?))
    }

    /// Renames an item and its columns.
    pub(super) fn apply_alias(&self, item: &mut Item, alias: &Alias, kind: &str) -> Result<()> {
        item.name.clone_from(&alias.name.text);
        item.schema = None;
        let shown = item.shown().count();
        if alias.columns.len() > shown {
            let message = format!(
                "{kind} \"{}\" has {shown} columns available but {} columns specified",
                alias.name.text,
                alias.columns.len()
            );
            return Err(Error::new(SqlState::InvalidColumnReference, message));
        }
        let visible = item.columns.iter_mut().filter(|column| !column.system);
        for (column, name) in visible.zip(&alias.columns) {
            column.name.clone_from(&name.text);
        }
        Ok(())
    }
}
