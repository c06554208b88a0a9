//! Statements about the past: snapshots, RESTORE TABLE, UNDROP TABLE.
//!
//! RESTORE TABLE is an ordinary change of rows, made of three: rows that were not there then are deleted, rows that are
//! other than then are updated, rows that are gone are inserted. So constraints, foreign keys, locks and rollback work
//! as for anybody's change, and what stood in between stays readable as history. A row is known again by the table's
//! primary key; in a table without one by the write that made it, so that a changed row is deleted and inserted. Columns
//! that the table did not have then keep their values, and get their defaults in rows that come back; columns that it no
//! longer has are left out.

use std::fmt::Write;
use std::sync::Arc;

use catalog::{IndexSource, Relation, Snapshot};
use engine::{RelationLockMode, Timestamp, Value};

use super::engine_error;
use super::frontend;
use super::names::CatalogNames;
use super::prepared::Prepared;
use super::session::Session;
use crate::error::{Error, Result, SqlState};
use crate::evaluate::{Layout, compile};
use crate::execute::moment_of;
use crate::functions::quote_identifier as quoted;
use crate::parse::syntax::{Expression, ObjectName, TimeStatement};
use crate::types::{format_type, oid};

impl Session {
    pub(super) async fn time_statement(
        &mut self,
        statement: &TimeStatement,
        prepared: &Prepared,
    ) -> Result<String> {
        let text = &prepared.text;
        match statement {
            TimeStatement::CreateSnapshot { name, moment } => {
                self.check_writable("CREATE SNAPSHOT")?;
                self.ensure_block()?;
                let micros = match moment {
                    Some(moment) => self.moment_value(text, moment)?,
                    None => self.shared.instance.now_micros(),
                };
                let moment = self.settled(Timestamp::from_micros(micros)).await?;
                self.create_snapshot(&name.text, moment).await?;
                Ok("CREATE SNAPSHOT".to_string())
            }
            TimeStatement::DropSnapshot { name, if_exists } => {
                self.check_writable("DROP SNAPSHOT")?;
                self.ensure_block()?;
                let name = &name.text;
                match self.drop_snapshot(name).await? {
                    true => {}
                    false if *if_exists => {
                        let message = format!("snapshot \"{name}\" does not exist, skipping");
                        let report = Error::new(SqlState::SuccessfulCompletion, message).into_report();
                        self.shared.notify(super::sink::Severity::Notice, report);
                    }
                    false => {
                        let message = format!("snapshot \"{name}\" does not exist");
                        return Err(Error::new(SqlState::UndefinedObject, message));
                    }
                }
                Ok("DROP SNAPSHOT".to_string())
            }
            TimeStatement::RestoreTable { table, moment } => {
                self.check_writable("RESTORE TABLE")?;
                self.ensure_block()?;
                let micros = self.moment_value(text, moment)?;
                let moment = self.settled(Timestamp::from_micros(micros)).await?;
                self.restore_table(table, moment).await?;
                Ok("RESTORE TABLE".to_string())
            }
            TimeStatement::UndropTable { table } => {
                self.check_writable("UNDROP TABLE")?;
                self.transaction()?;
                let mut definer = self.definer(text.clone())?;
                let undropped = definer.undrop(table).await;
                self.shared.notices.lock().append(&mut definer.notices);
                undropped.map(|()| "UNDROP TABLE".to_string())
            }
        }
    }

    /// The value of a moment that stands in a utility statement.
    fn moment_value(&self, text: &str, moment: &Expression) -> Result<i64> {
        let moment = frontend::analyze_moment(self, text, moment)?;
        let context = self.context_in(self.catalog(), Arc::from([]))?;
        moment_of(&compile(&moment, &Layout::default())?, &context)
    }

    async fn restore_table(&mut self, name: &ObjectName, at: Timestamp) -> Result<()> {
        let table = self.locked_by_name(name, RelationLockMode::ShareRowExclusive).await?;
        let (database, now) = (self.shared.entry.database_oid, self.catalog());
        let then = self.shared.instance.store().at(at).map_err(crate::ddl::catalog_error)?;
        let former = then.relation(database, table.oid).cloned().ok_or_else(|| {
            Error::new(SqlState::UndefinedTable, format!("relation \"{name}\" does not exist"))
                .detail("There was no such relation at the moment of the time clause.")
        })?;
        let horizon = self.shared.instance.database().history_horizon(engine::TableId(table.oid));
        let horizon = horizon.map_err(engine_error)?;
        if at < horizon {
            return Err(engine_error(engine::Error::BeforeHorizon { horizon_micros: horizon.micros() }));
        }
        let names = |catalog: &Arc<Snapshot>| {
            CatalogNames::new(catalog.clone(), database, self.shared.evaluated().search_path.clone())
        };
        let restoration = Restoration::new(&now, &table, &former, names(&now), &names(&then));
        for text in restoration.statements() {
            self.run_at(text, at.micros()).await?;
        }
        Ok(())
    }

    /// Runs a change of rows whose only parameter is a moment.
    async fn run_at(&mut self, text: String, micros: i64) -> Result<()> {
        let parsed = crate::parse::parse(&text)?.pop();
        let parsed = parsed.ok_or_else(|| Error::internal("a statement of RESTORE is empty"))?;
        let prepared = Prepared::new(Arc::from(text), Some(Arc::new(parsed.statement)))
            .with_parameters(vec![oid::TIMESTAMPTZ]);
        let parameters: Arc<[Value]> = Arc::from([Value::Int64(micros)]);
        // Under the value of its moment at once: the table may have had another name then.
        let analysis = Arc::new(self.analysis_under(&prepared, Some(&parameters))?);
        let analysis = self.admit(&prepared, analysis, &parameters, false).await?;
        let mut rows = Box::pin(self.start(&analysis, parameters)).await?;
        rows.complete(&self.shared.entry.cancel.clone()).await
    }
}

/// A column that the table had then and has now.
struct Common {
    number: i16,
    now: String,
    /// Its value of then, in its type of now.
    then: String,
    /// The two compared by a text: the type has no equality.
    by_text: bool,
    /// UPDATE may set it.
    settable: bool,
}

/// What RESTORE TABLE runs.
struct Restoration {
    now: String,
    then: String,
    columns: Vec<Common>,
    /// The attributes of the primary key; none where rows are known by the writes that made them.
    key: Vec<i16>,
}

impl Restoration {
    fn new(
        catalog: &Snapshot,
        table: &Relation,
        former: &Relation,
        now: CatalogNames,
        then: &CatalogNames,
    ) -> Restoration {
        let common = table.live_columns().filter(|column| !column.generated).filter_map(|column| {
            let past = former.column(column.number).filter(|past| !past.dropped)?;
            let mut value = format!("_then.{}", quoted(&past.name));
            if (past.type_oid, past.typmod) != (column.type_oid, column.typmod) {
                let declared = column.domain.unwrap_or(column.type_oid);
                let _ = write!(value, "::{}", format_type(declared, column.typmod, &now));
            }
            Some(Common {
                number: column.number,
                now: quoted(&column.name),
                then: value,
                by_text: column.type_oid == oid::JSON,
                settable: !column.identity.is_some_and(|identity| identity.always),
            })
        });
        let columns: Vec<Common> = common.collect();
        let key = catalog.primary_key(table.database, table.oid).and_then(|index| index.as_index());
        let key: Option<Vec<i16>> = key.map(|index| {
            let numbers = index.keys.iter().filter_map(|key| match key.source {
                IndexSource::Column(number) => Some(number),
                IndexSource::Expression(_) => None,
            });
            numbers.collect()
        });
        let known = |number: &i16| columns.iter().any(|column| column.number == *number);
        let key = key.filter(|key| key.iter().all(known)).unwrap_or_default();
        Restoration { now: now.qualified_name(table), then: then.qualified_name(former), columns, key }
    }

    /// That a row of then is a row of now.
    fn same_row(&self) -> String {
        if self.key.is_empty() {
            return "_then._write_id = _now._write_id".to_string();
        }
        let keys = self.columns.iter().filter(|column| self.key.contains(&column.number));
        keys.map(|column| format!("{} = _now.{}", column.then, column.now)).collect::<Vec<_>>().join(" AND ")
    }

    /// The statements, each with the moment as its parameter.
    fn statements(&self) -> Vec<String> {
        let (now, then, same) = (&self.now, &self.then, self.same_row());
        let past = format!("{then} FOR SYSTEM_TIME AS OF $1 AS _then");
        let mut statements =
            vec![format!("DELETE FROM {now} AS _now WHERE NOT EXISTS (SELECT 1 FROM {past} WHERE {same})")];
        let others = || {
            let others = self.columns.iter().filter(|column| !self.key.contains(&column.number));
            others.filter(|column| column.settable)
        };
        if !self.key.is_empty() && others().next().is_some() {
            let settings: Vec<String> =
                others().map(|column| format!("{} = {}", column.now, column.then)).collect();
            let differences: Vec<String> = others()
                .map(|column| match column.by_text {
                    true => format!("_now.{}::text IS DISTINCT FROM ({})::text", column.now, column.then),
                    false => format!("_now.{} IS DISTINCT FROM {}", column.now, column.then),
                })
                .collect();
            statements.push(format!(
                "UPDATE {now} AS _now SET {} FROM {past} WHERE {same} AND ({})",
                settings.join(", "),
                differences.join(" OR ")
            ));
        }
        let names: Vec<&str> = self.columns.iter().map(|column| column.now.as_str()).collect();
        let values: Vec<&str> = self.columns.iter().map(|column| column.then.as_str()).collect();
        if !names.is_empty() {
            statements.push(format!(
                "INSERT INTO {now} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {past} \
                 WHERE NOT EXISTS (SELECT 1 FROM {now} AS _now WHERE {same})",
                names.join(", "),
                values.join(", ")
            ));
        }
        statements
    }
}
