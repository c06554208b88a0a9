//! CREATE INDEX, and the indexes of PRIMARY KEY and UNIQUE.

use std::sync::Arc;

use catalog::builtin::{self, BTREE, HASH, HNSW, IVFFLAT};
use catalog::{Index, IndexKey, IndexSource, Relation, RelationKind};
use engine::RelationLockMode;

use super::Definer;
use super::options::{check_tablespace, storage_options};
use crate::analyze::{self, Purpose, TableColumns};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{CreateIndex, ExpressionKind, IndexElement, IndexParameters, Name, SortDirection};
use crate::tree::ExpressionKind as TreeKind;

/// PostgreSQL's most columns of an index.
const MOST_COLUMNS: usize = 32;

impl Definer {
    pub(super) async fn create_index(&mut self, create: &CreateIndex) -> Result<String> {
        let tag = "CREATE INDEX".to_string();
        let method = create.access_method.as_ref().map_or("btree", |name| name.text.as_str());
        let method = self.access_method(method)?;
        match method.oid {
            BTREE | HASH => {}
            HNSW | IVFFLAT => return self.create_vector_index(create, method).await,
            _ => return Err(Error::unsupported(format!("access method \"{}\"", method.name))),
        }
        check_tablespace(create.tablespace.as_ref())?;
        let table = self.rows_to_change(&create.table, RelationLockMode::Share).await?;
        let mut keys = Vec::with_capacity(create.elements.len());
        for element in &create.elements {
            keys.push(self.index_key(&table, element)?);
        }
        if keys.len() + create.include.len() > MOST_COLUMNS {
            let message = format!("cannot use more than {MOST_COLUMNS} columns in an index");
            return Err(Error::new(SqlState::TooManyColumns, message));
        }
        let include = self.included(&table, &create.include)?;
        let predicate = match &create.filter {
            Some((expression, text)) => {
                let snapshot = self.snapshot();
                let columns = TableColumns::of(&table);
                let environment = self.environment(&snapshot);
                let node = analyze::table_expression(
                    environment,
                    &self.text,
                    &columns,
                    Purpose::IndexPredicate,
                    "",
                    expression,
                )?;
                Some(analyze::to_stored_expression(&node, table.oid, &self.source(*text))?)
            }
            None => None,
        };
        let name = match &create.name {
            Some(name) => name.text.clone(),
            None => {
                let parts = keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join("_");
                self.free_name(table.schema, &[&table.name, &parts], "idx")
            }
        };
        if !self.check_free(table.schema, &name, create.if_not_exists)? {
            return Ok(tag);
        }
        let index = Index {
            table: table.oid,
            method: BTREE,
            keys,
            include,
            unique: create.unique,
            primary: false,
            nulls_not_distinct: create.nulls_not_distinct,
            immediate: true,
            predicate,
            valid: true,
            clustered: false,
        };
        let options = storage_options(&create.options)?;
        self.build_index(&table, &name, index, options).await?;
        Ok(tag)
    }

    /// Puts an index into the catalog and the engine, and fills it from the rows that are there.
    pub(super) async fn build_index(
        &mut self,
        table: &Arc<Relation>,
        name: &str,
        index: Index,
        options: std::collections::BTreeMap<String, String>,
    ) -> Result<u32> {
        let oid = self.new_oid()?;
        let keyed = index.is_keyed();
        self.put_relation(Relation {
            oid,
            database: self.database,
            schema: table.schema,
            name: name.to_string(),
            owner: table.owner,
            persistence: table.persistence,
            acl: None,
            options,
            columns: Vec::new(),
            row_type: 0,
            array_type: 0,
            kind: RelationKind::Index(index),
        })
        .await?;
        self.reshape(table.oid, &[])?;
        // The engine fills a vector index by itself.
        if keyed {
            self.fill_index(table.oid, oid)?;
        }
        Ok(oid)
    }

    /// The index of PRIMARY KEY or UNIQUE over plain columns.
    pub(super) fn constraint_index(
        &self,
        table: &Relation,
        columns: &[i16],
        primary: bool,
        nulls_not_distinct: bool,
        deferrable: bool,
        parameters: &IndexParameters,
    ) -> Result<Index> {
        check_tablespace(parameters.tablespace.as_ref())?;
        let mut keys = Vec::with_capacity(columns.len());
        for number in columns {
            let column = table
                .live_columns()
                .find(|column| column.number == *number)
                .ok_or_else(|| Error::internal("a key names a column that is not there"))?;
            keys.push(IndexKey {
                source: IndexSource::Column(*number),
                name: column.name.clone(),
                type_oid: column.type_oid,
                typmod: column.typmod,
                operator_class: self.operator_class(column.type_oid)?,
                collation: column.collation,
                descending: false,
                nulls_first: false,
            });
        }
        Ok(Index {
            table: table.oid,
            method: BTREE,
            keys,
            include: self.attributes(table, &parameters.include)?,
            unique: true,
            primary,
            nulls_not_distinct,
            immediate: !deferrable,
            predicate: None,
            valid: true,
            clustered: false,
        })
    }

    fn index_key(&self, table: &Relation, element: &IndexElement) -> Result<IndexKey> {
        if !element.operator_class_options.is_empty() {
            return Err(Error::unsupported("operator class parameters"));
        }
        let snapshot = self.snapshot();
        let node = analyze::table_expression(
            self.environment(&snapshot),
            &self.text,
            &TableColumns::of(table),
            Purpose::IndexKey,
            "",
            &element.expression,
        )?;
        let descending = matches!(element.direction, SortDirection::Descending);
        let collation = match &element.collation {
            Some(name) => {
                let found = builtin::collation_by_name(name.name()).ok_or_else(|| {
                    Error::new(
                        SqlState::UndefinedObject,
                        format!("collation \"{name}\" for encoding \"UTF8\" does not exist"),
                    )
                    .at(self.position(name.at))
                })?;
                found.oid
            }
            None => node.collation,
        };
        let class = match &element.operator_class {
            Some(name) => builtin::operator_classes()
                .iter()
                .find(|row| row.name == name.name() && row.method == BTREE)
                .map(|row| row.oid)
                .ok_or_else(|| {
                    Error::new(
                        SqlState::UndefinedObject,
                        format!("operator class \"{name}\" does not exist for access method \"btree\""),
                    )
                })?,
            None => self.operator_class(node.ty.oid)?,
        };
        let plain = match &node.kind {
            TreeKind::Column(number) => i16::try_from(number.0).ok(),
            _ => None,
        };
        let (source, name) = match plain {
            Some(number) => {
                let column = table.live_columns().find(|column| column.number == number);
                (IndexSource::Column(number), column.map(|column| column.name.clone()).unwrap_or_default())
            }
            None => {
                let text = self.source(element.text);
                (
                    IndexSource::Expression(analyze::to_stored_expression(&node, table.oid, &text)?),
                    expression_name(&element.expression.kind),
                )
            }
        };
        Ok(IndexKey {
            source,
            name,
            type_oid: node.ty.oid,
            typmod: node.ty.typmod,
            operator_class: class,
            collation,
            descending,
            nulls_first: element.nulls_first.unwrap_or(descending),
        })
    }

    fn included(&self, table: &Relation, elements: &[IndexElement]) -> Result<Vec<i16>> {
        let names = elements
            .iter()
            .map(|element| match &element.expression.kind {
                ExpressionKind::Column(parts) if parts.len() == 1 => {
                    Ok(Name { text: parts.concat(), at: element.expression.at })
                }
                _ => Err(Error::unsupported("expressions in included columns")),
            })
            .collect::<Result<Vec<_>>>()?;
        self.attributes(table, &names)
    }
}

/// The class that orders a type.
impl Definer {
    /// The operator class that an index takes for a type when none is named.
    fn operator_class(&self, type_oid: u32) -> Result<u32> {
        let snapshot = self.snapshot();
        let is_enum = snapshot.user_type(self.database, type_oid).is_some_and(|made| made.labels().is_some());
        let by = if is_enum { crate::types::oid::ANYENUM } else { type_oid };
        builtin::default_operator_class(BTREE, by).map(|row| row.oid).ok_or_else(|| {
            let name = crate::types::format_type(type_oid, -1, &self.names);
            Error::new(
                SqlState::UndefinedObject,
                format!("data type {name} has no default operator class for access method \"btree\""),
            )
            .hint("You must specify an operator class for the index or define a default operator class for the data type.")
        })
    }
}

/// The name PostgreSQL gives an index column that is an expression: the function's, else `expr`.
fn expression_name(kind: &ExpressionKind) -> String {
    match kind {
        ExpressionKind::Function(call) => call.name.name().to_string(),
        _ => "expr".to_string(),
    }
}
