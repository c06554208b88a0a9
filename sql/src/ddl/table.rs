//! CREATE TABLE, and the table of CREATE TABLE AS.

use std::sync::Arc;

use catalog::{Column, Persistence, Relation, RelationKind, Table};
use engine::{RelationLockMode, TableId};

use super::Definer;
use super::column::{Draft, MOST_COLUMNS};
use super::options::{check_tablespace, table_options};
use super::shape::table_schema;
use super::temporary::check_on_commit;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{CreateTable, CreateTableAs, ObjectName, TableConstraint, TableElement};
use crate::tree::OutputColumn;

impl Definer {
    pub(super) async fn create_table(&mut self, create: &CreateTable) -> Result<String> {
        let tag = "CREATE TABLE".to_string();
        refuse_kinds(create)?;
        let (schema, persistence) = self.creation_place(&create.name, create.persistence).await?;
        check_on_commit(create.on_commit, persistence)?;
        if !self.check_free(schema.oid, create.name.name(), create.if_not_exists)? {
            return Ok(tag);
        }
        let mut drafts: Vec<Draft<'_>> = Vec::new();
        let mut copied: Vec<Column> = Vec::new();
        let mut constraints: Vec<&TableConstraint> = Vec::new();
        for element in &create.elements {
            let number = i16::try_from(drafts.len() + copied.len() + 1).unwrap_or(i16::MAX);
            match element {
                TableElement::Column(column) => {
                    drafts.push(self.draft_column(column, number, u32::from(number.unsigned_abs()))?);
                }
                TableElement::Constraint(constraint) => constraints.push(constraint),
                TableElement::Like { name, options } => {
                    copied.extend(self.like_columns(name, options, number)?)
                }
            }
        }
        let mut columns: Vec<Column> =
            drafts.iter().map(|draft| draft.column.clone()).chain(copied).collect();
        columns.sort_by_key(|column| column.number);
        check_columns(&columns)?;
        let options = table_options(&create.options)?;
        let relation = self.bare_table(schema.oid, create.name.name(), columns, persistence, options)?;
        self.put_relation(relation.clone()).await?;
        self.lock(relation.oid, RelationLockMode::AccessExclusive).await?;
        let mut finished = relation.clone();
        for draft in &drafts {
            self.finish_column(&mut finished, draft).await?;
        }
        if finished != relation {
            self.put_relation(finished.clone()).await?;
        }
        let schema_of_rows = table_schema(&self.snapshot(), &finished);
        self.engine(|transaction| transaction.create_table(TableId(finished.oid), schema_of_rows))?;
        for draft in &drafts {
            for constraint in &draft.constraints {
                self.add_column_constraint(finished.oid, &draft.column.name, constraint, true).await?;
            }
        }
        for constraint in constraints {
            self.add_constraint(finished.oid, constraint, true).await?;
        }
        self.note_on_commit(&finished, create.on_commit);
        Ok(tag)
    }

    /// A table without defaults and constraints, with its oids.
    fn bare_table(
        &self,
        schema: u32,
        name: &str,
        columns: Vec<Column>,
        persistence: Persistence,
        options: std::collections::BTreeMap<String, String>,
    ) -> Result<Relation> {
        let next_column_id = columns.iter().map(|column| column.id).max().unwrap_or(0) + 1;
        Ok(Relation {
            oid: self.new_oid()?,
            database: self.database,
            schema,
            name: name.to_string(),
            owner: self.role,
            persistence,
            acl: None,
            options,
            columns,
            row_type: self.new_oid()?,
            array_type: self.new_oid()?,
            kind: RelationKind::Table(Table {
                next_column_id,
                row_security: false,
                force_row_security: false,
                replica_identity: 'd',
            }),
        })
    }

    /// The columns of LIKE, numbered from `first`.
    fn like_columns(&self, name: &ObjectName, options: &[(String, bool)], first: i16) -> Result<Vec<Column>> {
        let source = self.relation(name)?;
        let mut defaults = false;
        for (option, including) in options {
            match (option.as_str(), including) {
                ("defaults", including) => defaults = *including,
                (_, false) => {}
                (other, true) => return Err(Error::unsupported(format!("LIKE ... INCLUDING {other}"))),
            }
        }
        let mut number = first;
        let mut columns = Vec::new();
        for column in source.live_columns() {
            let mut copy = Column::new(
                number,
                u32::from(number.unsigned_abs()),
                &column.name,
                column.type_oid,
                column.typmod,
            );
            copy.collation = column.collation;
            copy.not_null = column.not_null;
            copy.dimensions = column.dimensions;
            if defaults && !column.generated {
                copy.default = column.default.clone();
            }
            columns.push(copy);
            number = number.saturating_add(1);
        }
        Ok(columns)
    }

    /// The table of CREATE TABLE AS, empty; `None` where it exists and IF NOT EXISTS was said.
    pub async fn create_table_for(
        &mut self,
        create: &CreateTableAs,
        output: &[OutputColumn],
    ) -> Result<Option<Arc<Relation>>> {
        check_tablespace(create.tablespace.as_ref())?;
        if create.columns.len() > output.len() {
            return Err(Error::new(SqlState::SyntaxError, "too many column names were specified"));
        }
        let (schema, persistence) = self.creation_place(&create.name, create.persistence).await?;
        check_on_commit(create.on_commit, persistence)?;
        if !self.check_free(schema.oid, create.name.name(), create.if_not_exists)? {
            return Ok(None);
        }
        let mut columns = Vec::with_capacity(output.len());
        for (index, shown) in output.iter().enumerate() {
            let number = i16::try_from(index + 1).unwrap_or(i16::MAX);
            let name = create.columns.get(index).map_or(shown.name.as_str(), |name| name.text.as_str());
            // A column without a type of its own is text.
            let type_oid = if shown.ty.oid == crate::types::oid::UNKNOWN {
                crate::types::oid::TEXT
            } else {
                shown.ty.oid
            };
            let mut column =
                Column::new(number, u32::from(number.unsigned_abs()), name, type_oid, shown.ty.typmod);
            column.collation = shown.collation;
            columns.push(column);
        }
        check_columns(&columns)?;
        let options = table_options(&create.options)?;
        let relation = self.bare_table(schema.oid, create.name.name(), columns, persistence, options)?;
        self.put_relation(relation.clone()).await?;
        self.lock(relation.oid, RelationLockMode::AccessExclusive).await?;
        let rows = table_schema(&self.snapshot(), &relation);
        self.engine(|transaction| transaction.create_table(TableId(relation.oid), rows))?;
        self.note_on_commit(&relation, create.on_commit);
        Ok(Some(Arc::new(relation)))
    }
}

fn refuse_kinds(create: &CreateTable) -> Result<()> {
    if !create.inherits.is_empty() {
        return Err(Error::unsupported("table inheritance"));
    }
    if create.partition_by.is_some() {
        return Err(Error::unsupported("table partitioning"));
    }
    if let Some(method) = &create.access_method
        && method.text != "heap"
    {
        let message = format!("access method \"{}\" does not exist", method.text);
        return Err(Error::new(SqlState::UndefinedObject, message));
    }
    check_tablespace(create.tablespace.as_ref())
}

fn check_columns(columns: &[Column]) -> Result<()> {
    if columns.len() > MOST_COLUMNS {
        let message = format!("tables can have at most {MOST_COLUMNS} columns");
        return Err(Error::new(SqlState::TooManyColumns, message));
    }
    for (index, column) in columns.iter().enumerate() {
        if columns.iter().take(index).any(|other| other.name == column.name) {
            let message = format!("column \"{}\" specified more than once", column.name);
            return Err(Error::new(SqlState::DuplicateColumn, message));
        }
    }
    Ok(())
}
