//! CREATE MATERIALIZED VIEW: the object and the table of the engine that holds its rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog::builtin::PG_CLASS_CLASS;
use catalog::{
    Column, MaterializedView, Persistence, Refresh, Relation, RelationKind, StoredExpression, View,
};
use engine::{RelationLockMode, TableId};

use super::Definer;
use super::options::{check_tablespace, full_name, option_text, storage_options};
use super::shape::table_schema;
use crate::analyze::{self, ViewRead};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, CreateTableAs, StorageOption, TableSource};
use crate::tree::{Query, Relation as Tree};
use crate::types::{InputSettings, interval, key, oid};

/// The option that says when the rows change.
const REFRESH: &str = "refresh";

impl Definer {
    /// The materialized view of a statement, without rows; `None` where it exists and IF NOT EXISTS was said.
    pub async fn create_materialized_view(
        &mut self,
        create: &CreateTableAs,
    ) -> Result<Option<Arc<Relation>>> {
        check_tablespace(create.tablespace.as_ref())?;
        if create.persistence == syntax::Persistence::Unlogged {
            return Err(Error::new(SqlState::FeatureNotSupported, "materialized views cannot be unlogged"));
        }
        let (refresh, options) = options_of(&create.options)?;
        let (schema, persistence) = self.creation_place(&create.name, create.persistence).await?;
        if !self.check_free(schema.oid, create.name.name(), create.if_not_exists)? {
            return Ok(None);
        }
        let (query, stored) = self.definition(create).await?;
        self.check_definition(&query, refresh)?;
        if persistence == Persistence::Temporary {
            return Err(Error::unsupported("a materialized view in a temporary schema"));
        }
        let columns = columns_of(create, &query)?;
        let materialized = MaterializedView {
            view: View { query: stored, rule: self.new_oid()?, check: None },
            populated: create.with_data,
            refresh,
            row_index: self.new_oid()?,
            row_key: row_key(&columns, &query),
            groups: None,
        };
        let relation = Relation {
            oid: self.new_oid()?,
            database: self.database,
            schema: schema.oid,
            name: create.name.name().to_string(),
            owner: self.role,
            persistence,
            acl: None,
            options,
            columns,
            row_type: self.new_oid()?,
            array_type: self.new_oid()?,
            kind: RelationKind::MaterializedView(materialized),
        };
        self.put_relation(relation.clone()).await?;
        self.lock(relation.oid, RelationLockMode::AccessExclusive).await?;
        let rows = table_schema(&self.snapshot(), &relation);
        self.engine(|transaction| transaction.create_table(TableId(relation.oid), rows))?;
        Ok(Some(Arc::new(relation)))
    }

    /// The query in the form that is stored, under locks on what it reads.
    async fn definition(&mut self, create: &CreateTableAs) -> Result<(Query, StoredExpression)> {
        let TableSource::Query(syntax) = &create.source else {
            return Err(Error::unsupported("CREATE MATERIALIZED VIEW AS EXECUTE"));
        };
        loop {
            let snapshot = self.snapshot();
            let query = analyze::view_definition(self.environment(&snapshot), &self.text, syntax)?;
            let stored = analyze::to_stored_query(&query, &self.source(create.text))?;
            for address in stored.dependencies.iter().filter(|address| address.class == PG_CLASS_CLASS) {
                self.lock(address.object, RelationLockMode::AccessShare).await?;
            }
            if self.snapshot().generation() == snapshot.generation() {
                return Ok((query, stored));
            }
        }
    }

    /// Refuses temporary tables, and for a view that is kept exact whatever does not depend on its tables alone.
    fn check_definition(&self, query: &Query, refresh: Refresh) -> Result<()> {
        let snapshot = self.snapshot();
        let mut temporary = false;
        let mut decide = |relation: &Relation, _: Option<&crate::tree::TimeClause>| {
            Ok(match relation.as_maintained_view() {
                Some(_) => ViewRead::Query,
                None => ViewRead::Stored(None),
            })
        };
        let expanded = analyze::read_views(self.environment(&snapshot), query, None, &mut decide)?;
        for scan in crate::view::scans_of(&expanded) {
            let found = snapshot.relation(self.database, scan.table);
            temporary |= found.is_some_and(|found| found.persistence == Persistence::Temporary);
        }
        if temporary {
            let message = "materialized views must not use temporary tables or views";
            return Err(Error::new(SqlState::FeatureNotSupported, message));
        }
        match refresh {
            Refresh::OnCommit | Refresh::Every(_) => {
                refuse_time_clauses(query)?;
                crate::view::check_eligible(&expanded, &snapshot, self.database)
            }
            Refresh::Manual => Ok(()),
        }
    }
}

/// A moment of its own in the query of a view that is kept exact would make nothing wrong and nothing better.
fn refuse_time_clauses(query: &Query) -> Result<()> {
    match crate::view::scans_of(query).iter().any(|scan| scan.time.is_some()) {
        true => Err(Error::unsupported("FOR SYSTEM_TIME in a materialized view that is kept exact")),
        false => Ok(()),
    }
}

/// When the rows change, and the options as they are stored and shown.
fn options_of(options: &[StorageOption]) -> Result<(Refresh, BTreeMap<String, String>)> {
    let (refresh, others): (Vec<_>, Vec<_>) =
        options.iter().cloned().partition(|option| full_name(option) == REFRESH);
    let mut stored = storage_options(&others)?;
    let Some(option) = refresh.last() else { return Ok((Refresh::OnCommit, stored)) };
    let value = option_text(option.value.as_ref());
    let refresh = match value.as_str() {
        "on_commit" => Refresh::OnCommit,
        "manual" => Refresh::Manual,
        other => Refresh::Every(pace(other).ok_or_else(|| {
            let message = format!("invalid value for option \"{REFRESH}\": \"{other}\"");
            Error::new(SqlState::InvalidParameterValue, message)
                .detail("Valid values are \"on_commit\", \"manual\", and intervals above zero like \"30s\".")
        })?),
    };
    stored.insert(REFRESH.to_string(), value);
    Ok((refresh, stored))
}

/// The microseconds of an interval above zero.
fn pace(text: &str) -> Option<i64> {
    let span = interval::input(text, -1, &InputSettings::plain()).ok()?.span();
    i64::try_from(span).ok().filter(|micros| *micros > 0)
}

fn columns_of(create: &CreateTableAs, query: &Query) -> Result<Vec<Column>> {
    if create.columns.len() > query.output.len() {
        return Err(Error::new(SqlState::SyntaxError, "too many column names were specified"));
    }
    let mut columns: Vec<Column> = Vec::with_capacity(query.output.len());
    for (index, shown) in query.output.iter().enumerate() {
        let number = i16::try_from(index + 1).unwrap_or(i16::MAX);
        let name = create.columns.get(index).map_or(shown.name.as_str(), |name| name.text.as_str());
        if columns.iter().any(|column| column.name == name) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(Error::new(SqlState::DuplicateColumn, message));
        }
        let type_oid = if shown.ty.oid == oid::UNKNOWN { oid::TEXT } else { shown.ty.oid };
        let mut column =
            Column::new(number, u32::from(number.unsigned_abs()), name, type_oid, shown.ty.typmod);
        column.collation = shown.collation;
        columns.push(column);
    }
    Ok(columns)
}

/// The attributes by which a stored row is found: the keys of its group where the query groups and shows them, else all
/// that have an order.
fn row_key(columns: &[Column], query: &Query) -> Vec<i16> {
    let ordered = |column: &&Column| {
        key::native_is_key(column.type_oid)
            || matches!(
                column.type_oid,
                oid::NUMERIC | oid::FLOAT4 | oid::FLOAT8 | oid::BPCHAR | oid::INTERVAL
            )
    };
    let groups = group_columns(&query.relation);
    let grouped: Vec<i16> = columns
        .iter()
        .zip(&query.output)
        .filter(|(column, output)| groups.contains(&output.column) && ordered(column))
        .map(|(column, _)| column.number)
        .collect();
    match grouped.is_empty() {
        true => columns.iter().filter(ordered).map(|column| column.number).collect(),
        false => grouped,
    }
}

/// The columns of the outermost grouping.
fn group_columns(relation: &Tree) -> Vec<crate::tree::ColumnNumber> {
    match relation {
        Tree::Filter { input, .. } | Tree::Extend { input, .. } | Tree::Sort { input, .. } => {
            group_columns(input)
        }
        Tree::Aggregate { groups, .. } => groups.iter().map(|(number, _)| *number).collect(),
        _ => Vec::new(),
    }
}
