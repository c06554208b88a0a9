//! CREATE VIEW and CREATE OR REPLACE VIEW.

use catalog::builtin::PG_CLASS_CLASS;
use catalog::{Column, Persistence, Relation, RelationKind, StoredExpression, View};

use super::Definer;
use super::options::view_options;
use crate::analyze;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, CreateView};
use crate::tree::{OutputColumn, Query};

impl Definer {
    pub(super) async fn create_view(&mut self, create: &CreateView) -> Result<String> {
        let tag = "CREATE VIEW".to_string();
        if create.recursive {
            return Err(Error::unsupported("CREATE RECURSIVE VIEW"));
        }
        if create.check_option.is_some() {
            return Err(Error::unsupported("WITH CHECK OPTION"));
        }
        let (query, stored) = self.view_query(create).await?;
        let columns = view_columns(create, &query.output)?;
        let wanted = self.view_persistence(create, &stored);
        let (schema, persistence) = self.creation_place(&create.name, wanted).await?;
        let snapshot = self.snapshot();
        let options = view_options(&create.options)?;
        let name = create.name.name();
        let existing = snapshot.relation_by_name(self.database, schema.oid, name).cloned();
        if let Some(existing) = existing.filter(|_| create.or_replace) {
            self.check_owner(&existing)?;
            self.lock(existing.oid, engine::RelationLockMode::AccessExclusive).await?;
            let Some(view) = existing.as_view().filter(|_| existing.letter() == 'v') else {
                return Err(Error::new(SqlState::WrongObjectType, format!("\"{name}\" is not a view")));
            };
            check_replacement(&existing.columns, &columns)?;
            let kind = RelationKind::View(View { query: stored, rule: view.rule, check: None });
            let changed = Relation { columns, options, kind, ..(*existing).clone() };
            self.put_relation(changed).await?;
            return Ok(tag);
        }
        self.check_free(schema.oid, name, false)?;
        let view = View { query: stored, rule: self.new_oid()?, check: None };
        let relation = Relation {
            oid: self.new_oid()?,
            database: self.database,
            schema: schema.oid,
            name: name.to_string(),
            owner: self.role,
            persistence,
            acl: None,
            options,
            columns,
            row_type: self.new_oid()?,
            array_type: self.new_oid()?,
            kind: RelationKind::View(view),
        };
        self.put_relation(relation).await?;
        Ok(tag)
    }
}

impl Definer {
    /// The query of a view, with what it stands on locked against changes; analyzed anew until the locks show nothing new.
    async fn view_query(&mut self, create: &CreateView) -> Result<(Query, StoredExpression)> {
        loop {
            let snapshot = self.snapshot();
            let query = analyze::view_definition(self.environment(&snapshot), &self.text, &create.query)?;
            let stored = analyze::to_stored_query(&query, &self.source(create.text))?;
            for address in stored.dependencies.iter().filter(|address| address.class == PG_CLASS_CLASS) {
                self.lock(address.object, engine::RelationLockMode::AccessShare).await?;
            }
            if self.snapshot().generation() == snapshot.generation() {
                return Ok((query, stored));
            }
        }
    }

    /// A view that stands on a temporary relation is temporary itself.
    fn view_persistence(&mut self, create: &CreateView, stored: &StoredExpression) -> syntax::Persistence {
        let snapshot = self.snapshot();
        let relations = stored.dependencies.iter().filter(|address| address.class == PG_CLASS_CLASS);
        let mut relations = relations.filter_map(|address| snapshot.relation(self.database, address.object));
        let stands_on_temporary = relations.any(|relation| relation.persistence == Persistence::Temporary);
        let said = create.persistence == syntax::Persistence::Temporary
            || create.name.schema().is_some_and(|schema| schema.starts_with("pg_temp"));
        if stands_on_temporary && !said {
            self.notice(format!("view \"{}\" will be a temporary view", create.name.name()));
            return syntax::Persistence::Temporary;
        }
        create.persistence
    }
}

fn view_columns(create: &CreateView, output: &[OutputColumn]) -> Result<Vec<Column>> {
    if create.columns.len() > output.len() {
        return Err(Error::new(
            SqlState::SyntaxError,
            "CREATE VIEW specifies more column names than columns",
        ));
    }
    let mut columns: Vec<Column> = Vec::with_capacity(output.len());
    for (index, shown) in output.iter().enumerate() {
        let name = create.columns.get(index).map_or(shown.name.as_str(), |name| name.text.as_str());
        if columns.iter().any(|column| column.name == name) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(Error::new(SqlState::DuplicateColumn, message));
        }
        let number = i16::try_from(index + 1).unwrap_or(i16::MAX);
        let mut column = Column::new(number, 0, name, shown.ty.oid, shown.ty.typmod);
        column.collation = shown.collation;
        columns.push(column);
    }
    Ok(columns)
}

/// A replaced view keeps its columns and may add more at the end.
fn check_replacement(old: &[Column], new: &[Column]) -> Result<()> {
    let refused = |message: String| Err(Error::new(SqlState::InvalidTableDefinition, message));
    if new.len() < old.len() {
        return refused("cannot drop columns from view".to_string());
    }
    for (old, new) in old.iter().zip(new) {
        if old.name != new.name {
            return refused(format!(
                "cannot change name of view column \"{}\" to \"{}\"",
                old.name, new.name
            ));
        }
        if (old.type_oid, old.typmod) != (new.type_oid, new.typmod) {
            let shown = |column: &Column| {
                crate::types::format_type(column.type_oid, column.typmod, &crate::types::NoNames)
            };
            return refused(format!(
                "cannot change data type of view column \"{}\" from {} to {}",
                old.name,
                shown(old),
                shown(new)
            ));
        }
    }
    Ok(())
}
