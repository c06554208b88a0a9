//! What a table demands of a row, compiled once per catalog generation.
//!
//! Rows of a model are the live columns in attribute order: the order of the engine's schema, too.

use std::num::NonZeroUsize;
use std::sync::Arc;

use catalog::{ConstraintKind, IndexSource, MatchKind, ReferentialAction, Relation, RelationKind, Snapshot};
use engine::{ColumnId, IndexId, PhysicalType, TableId};
use lru::LruCache;
use parking_lot::Mutex;

use crate::error::{Error, Result, SqlState};
use crate::evaluate::{CompiledExpression, DomainRules, Layout, compile};
use crate::tree::{ColumnNumber, Expression};
use crate::types;

/// A live column.
#[derive(Debug)]
pub struct ColumnModel {
    pub attribute: i16,
    pub id: ColumnId,
    pub name: String,
    pub type_oid: u32,
    pub typmod: i32,
    pub not_null: bool,
    /// Over no columns; `None` is NULL. Generated columns have none.
    pub default: Option<CompiledExpression>,
    /// Over the row.
    pub generated: Option<CompiledExpression>,
    /// The sequence of an identity column.
    pub identity: Option<u32>,
    /// What its domain demands.
    pub domain: Option<DomainRules>,
}

/// A CHECK constraint, over the row.
#[derive(Debug)]
pub struct CheckModel {
    pub name: String,
    pub condition: CompiledExpression,
}

/// One column of an index key.
#[derive(Debug)]
pub struct KeyModel {
    pub source: KeySource,
    /// As messages name it.
    pub text: String,
    pub type_oid: u32,
    pub descending: bool,
    pub nulls_first: bool,
}

#[derive(Debug)]
pub enum KeySource {
    /// Position in the row.
    Column(usize),
    Expression(CompiledExpression),
}

/// An index.
#[derive(Debug)]
pub struct IndexModel {
    pub id: IndexId,
    pub name: String,
    pub unique: bool,
    pub primary: bool,
    /// Uniqueness is checked row by row; false for a deferrable constraint.
    pub immediate: bool,
    pub initially_deferred: bool,
    pub nulls_not_distinct: bool,
    pub predicate: Option<CompiledExpression>,
    pub keys: Vec<KeyModel>,
    /// Whether a foreign key refers to this index.
    pub referenced: bool,
}

/// A foreign key, seen from either side.
#[derive(Debug, Clone)]
pub struct ForeignKeyModel {
    pub oid: u32,
    pub name: String,
    pub table: u32,
    /// Attribute numbers.
    pub columns: Vec<i16>,
    pub referenced: u32,
    pub referenced_columns: Vec<i16>,
    pub index: u32,
    pub full: bool,
    pub on_update: ReferentialAction,
    pub on_delete: ReferentialAction,
    /// Columns that ON DELETE SET NULL or SET DEFAULT sets.
    pub delete_columns: Vec<i16>,
    pub deferrable: bool,
    pub initially_deferred: bool,
}

/// A table as DML sees it.
#[derive(Debug)]
pub struct TableModel {
    pub oid: u32,
    pub id: TableId,
    pub database: u32,
    pub schema: String,
    pub name: String,
    pub columns: Vec<ColumnModel>,
    pub checks: Vec<CheckModel>,
    pub indexes: Vec<IndexModel>,
    /// Foreign keys of this table.
    pub references: Vec<ForeignKeyModel>,
    /// Foreign keys that point here.
    pub referenced_by: Vec<ForeignKeyModel>,
    pub relation: Arc<Relation>,
    pub column_ids: Vec<ColumnId>,
}

/// Reads a stored expression's tree.
pub fn stored(expression: &catalog::StoredExpression) -> Result<Expression> {
    crate::analyze::stored_expression(expression)
}

impl TableModel {
    /// The model of a table of a snapshot; 42809 for what is not a table.
    pub fn new(snapshot: &Snapshot, database: u32, oid: u32) -> Result<TableModel> {
        let relation = snapshot.relation(database, oid).ok_or_else(|| {
            Error::new(SqlState::UndefinedTable, format!("relation with OID {oid} does not exist"))
        })?;
        let schema =
            snapshot.schema(database, relation.schema).map_or_else(String::new, |schema| schema.name.clone());
        match &relation.kind {
            RelationKind::Table(_) | RelationKind::MaterializedView(_) => {}
            RelationKind::System { .. } => {
                return Err(Error::new(
                    SqlState::InsufficientPrivilege,
                    format!("permission denied: \"{}\" is a system catalog", relation.name),
                ));
            }
            RelationKind::View(_) => {
                return Err(Error::new(
                    SqlState::ObjectNotInPrerequisiteState,
                    format!("cannot change view \"{}\"", relation.name),
                )
                .detail("Views are not automatically updatable."));
            }
            RelationKind::Index(_) | RelationKind::Sequence(_) => {
                return Err(Error::new(
                    SqlState::WrongObjectType,
                    format!("cannot change {} \"{}\"", relation.kind_name(), relation.name),
                ));
            }
        }
        let layout = Layout::new(relation.live_columns().map(|column| ColumnNumber(column.number as u32)));
        let mut model = TableModel {
            oid,
            id: TableId(oid),
            database,
            schema,
            name: relation.name.clone(),
            columns: Vec::new(),
            checks: Vec::new(),
            indexes: Vec::new(),
            references: Vec::new(),
            referenced_by: Vec::new(),
            relation: relation.clone(),
            column_ids: Vec::new(),
        };
        for column in relation.live_columns() {
            let mut made = column_model(column, &layout)?;
            if let Some(domain) = column.domain {
                let value = crate::analyze::VALUE;
                let rules = crate::analyze::domain_rules(snapshot, database, domain, value)?;
                made.domain = Some(DomainRules::new(value, &rules)?);
                if made.default.is_none() && !column.generated {
                    made.default = domain_default(snapshot, database, domain)?;
                }
            }
            model.columns.push(made);
            model.column_ids.push(ColumnId(column.id));
        }
        model.add_constraints(snapshot, &layout)?;
        model.add_indexes(snapshot, &layout)?;
        model.add_row_index()?;
        Ok(model)
    }

    fn add_constraints(&mut self, snapshot: &Snapshot, layout: &Layout) -> Result<()> {
        for constraint in snapshot.constraints_of(self.database, self.oid) {
            match &constraint.kind {
                ConstraintKind::Check { expression, columns: _ } => self.checks.push(CheckModel {
                    name: constraint.name.clone(),
                    condition: compile(&stored(expression)?, layout)?,
                }),
                ConstraintKind::ForeignKey(key) => self.references.push(foreign_key_model(constraint, key)),
                ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } => {}
            }
        }
        self.checks.sort_by(|a, b| a.name.cmp(&b.name));
        for constraint in snapshot.references_to(self.database, self.oid) {
            if let ConstraintKind::ForeignKey(key) = &constraint.kind {
                self.referenced_by.push(foreign_key_model(constraint, key));
            }
        }
        Ok(())
    }

    fn add_indexes(&mut self, snapshot: &Snapshot, layout: &Layout) -> Result<()> {
        for relation in snapshot.indexes_of(self.database, self.oid) {
            // The engine keeps vector indexes by itself.
            let Some(index) = relation.as_index().filter(|index| index.is_keyed()) else { continue };
            let mut keys = Vec::with_capacity(index.keys.len());
            for key in &index.keys {
                let (source, text) = match &key.source {
                    IndexSource::Column(attribute) => {
                        let position = self.position(*attribute)?;
                        (KeySource::Column(position), self.columns[position].name.clone())
                    }
                    IndexSource::Expression(expression) => (
                        KeySource::Expression(compile(&stored(expression)?, layout)?),
                        expression.text.clone(),
                    ),
                };
                keys.push(KeyModel {
                    source,
                    text,
                    type_oid: key.type_oid,
                    descending: key.descending,
                    nulls_first: key.nulls_first,
                });
            }
            let predicate = match &index.predicate {
                Some(predicate) => Some(compile(&stored(predicate)?, layout)?),
                None => None,
            };
            let initially_deferred = snapshot
                .constraints_of(self.database, self.oid)
                .any(|constraint| constraint.index() == Some(relation.oid) && constraint.initially_deferred);
            self.indexes.push(IndexModel {
                id: IndexId(relation.oid),
                name: relation.name.clone(),
                unique: index.unique,
                primary: index.primary,
                immediate: index.immediate,
                initially_deferred,
                nulls_not_distinct: index.nulls_not_distinct,
                predicate,
                keys,
                referenced: self.referenced_by.iter().any(|key| key.index == relation.oid),
            });
        }
        Ok(())
    }

    /// The index by which the stored rows of a materialized view are found.
    fn add_row_index(&mut self) -> Result<()> {
        let relation = self.relation.clone();
        let Some(view) = relation.as_materialized_view() else { return Ok(()) };
        let mut keys = Vec::with_capacity(view.row_key.len());
        for attribute in &view.row_key {
            let position = self.position(*attribute)?;
            let column = relation.column(*attribute);
            let column = column.ok_or_else(|| Error::internal("a view without a column of its key"))?;
            keys.push(KeyModel {
                source: KeySource::Column(position),
                text: column.name.clone(),
                type_oid: column.type_oid,
                descending: false,
                nulls_first: false,
            });
        }
        self.indexes.push(IndexModel {
            id: IndexId(view.row_index),
            name: format!("{}_rows", self.name),
            unique: false,
            primary: false,
            immediate: true,
            initially_deferred: false,
            nulls_not_distinct: false,
            predicate: None,
            keys,
            referenced: false,
        });
        Ok(())
    }

    /// The place of an attribute in the row.
    pub fn position(&self, attribute: i16) -> Result<usize> {
        let guess = usize::try_from(attribute).ok().and_then(|number| number.checked_sub(1));
        if let Some(guess) = guess
            && self.columns.get(guess).is_some_and(|column| column.attribute == attribute)
        {
            return Ok(guess);
        }
        self.columns
            .iter()
            .position(|column| column.attribute == attribute)
            .ok_or_else(|| Error::internal(format!("table {} has no attribute {attribute}", self.name)))
    }

    /// The index of an id.
    pub fn index(&self, id: IndexId) -> Option<&IndexModel> {
        self.indexes.iter().find(|index| index.id == id)
    }

    /// The engine's schema of the rows this model writes.
    pub fn engine_columns(&self) -> Vec<(ColumnId, PhysicalType)> {
        self.columns.iter().map(|column| (column.id, types::physical(column.type_oid))).collect()
    }

    /// Whether any column named is part of a unique index: changing one takes the stronger row lock.
    pub fn key_columns_contain(&self, position: usize) -> bool {
        self.indexes.iter().filter(|index| index.unique && index.predicate.is_none()).any(|index| {
            index.keys.iter().any(|key| matches!(key.source, KeySource::Column(column) if column == position))
        })
    }
}

/// The default of a domain, or of the nearest that it stands on and that has one.
fn domain_default(snapshot: &Snapshot, database: u32, domain: u32) -> Result<Option<CompiledExpression>> {
    let mut next = domain;
    while let Some(domain) = snapshot.user_type(database, next).and_then(|made| made.domain()) {
        if let Some(default) = &domain.default {
            return compile(&stored(default)?, &Layout::default()).map(Some);
        }
        next = domain.base;
    }
    Ok(None)
}

fn column_model(column: &catalog::Column, layout: &Layout) -> Result<ColumnModel> {
    let expression = match &column.default {
        Some(default) => Some(stored(&default.expression)?),
        None => None,
    };
    let (default, generated) = match expression {
        Some(expression) if column.generated => (None, Some(compile(&expression, layout)?)),
        Some(expression) => (Some(compile(&expression, &Layout::default())?), None),
        None => (None, None),
    };
    Ok(ColumnModel {
        attribute: column.number,
        id: ColumnId(column.id),
        name: column.name.clone(),
        type_oid: column.type_oid,
        typmod: column.typmod,
        not_null: column.not_null,
        default,
        generated,
        identity: column.identity.map(|identity| identity.sequence),
        domain: None,
    })
}

fn foreign_key_model(constraint: &catalog::Constraint, key: &catalog::ForeignKey) -> ForeignKeyModel {
    ForeignKeyModel {
        oid: constraint.oid,
        name: constraint.name.clone(),
        table: constraint.relation,
        columns: key.columns.clone(),
        referenced: key.referenced,
        referenced_columns: key.referenced_columns.clone(),
        index: key.index,
        full: key.match_kind == MatchKind::Full,
        on_update: key.on_update,
        on_delete: key.on_delete,
        delete_columns: if key.delete_columns.is_empty() {
            key.columns.clone()
        } else {
            key.delete_columns.clone()
        },
        deferrable: constraint.deferrable,
        initially_deferred: constraint.initially_deferred,
    }
}

/// Models by catalog generation: a changed catalog has another number, so nothing has to be invalidated.
pub struct ModelCache {
    models: Mutex<LruCache<(u64, u32, u32), Arc<TableModel>>>,
}

impl Default for ModelCache {
    fn default() -> ModelCache {
        const MODELS: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");
        ModelCache { models: Mutex::new(LruCache::new(MODELS)) }
    }
}

impl ModelCache {
    /// The model of a table.
    pub fn get(&self, snapshot: &Snapshot, database: u32, table: u32) -> Result<Arc<TableModel>> {
        let key = (snapshot.generation(), database, table);
        if let Some(model) = self.models.lock().get(&key) {
            return Ok(model.clone());
        }
        let model = Arc::new(TableModel::new(snapshot, database, table)?);
        self.models.lock().put(key, model.clone());
        Ok(model)
    }
}
