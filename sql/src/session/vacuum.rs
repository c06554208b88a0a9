//! VACUUM and ANALYZE.
//!
//! VACUUM checkpoints and has the engine compact what is dead; ANALYZE renews statistics (`statistics`), as VACUUM ANALYZE
//! does afterwards. Options are PostgreSQL's: those that say how its storage is to be gone through have no meaning here
//! (FULL, FREEZE, DISABLE_PAGE_SKIPPING, INDEX_CLEANUP, PROCESS_TOAST, TRUNCATE, PARALLEL) and are accepted; others are
//! refused by name. Without a list of tables those of the role are done; of a list, what is no table or is another's is
//! passed over with a warning, as in PostgreSQL.

use std::sync::Arc;

use catalog::Relation;
use engine::{RelationLockMode, TableId, WaitPolicy};

use super::frontend;
use super::session::Session;
use super::sink::Severity;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{Name, OptionValue, UtilityOption, Vacuum};

/// What is to be done to a table: columns by number, where they were listed.
struct Target {
    relation: Arc<Relation>,
    columns: Option<Vec<i16>>,
}

/// What the options ask for.
#[derive(Default)]
struct Options {
    verbose: bool,
    skip_locked: bool,
}

fn options_of(vacuum: &Vacuum) -> Result<Options> {
    let mut found = Options::default();
    let (mut is_full, mut workers) = (false, 0);
    for option in &vacuum.options {
        match option.name.as_str() {
            "verbose" => found.verbose = boolean(option)?,
            "skip_locked" => found.skip_locked = boolean(option)?,
            "full" if vacuum.vacuum => is_full = boolean(option)?,
            // ANALYZE comes here only where it is no Boolean value.
            "analyze" | "analyse" | "freeze" | "disable_page_skipping" | "process_toast" | "truncate"
                if vacuum.vacuum =>
            {
                boolean(option)?;
            }
            "index_cleanup" if vacuum.vacuum && text_of(option).is_some_and(|text| text == "auto") => {}
            "index_cleanup" if vacuum.vacuum => {
                boolean(option)?;
            }
            "parallel" if vacuum.vacuum => workers = workers_of(option)?,
            name => {
                let command = if vacuum.vacuum { "VACUUM" } else { "ANALYZE" };
                return Err(malformed(option, format!("unrecognized {command} option \"{name}\"")));
            }
        }
    }
    if is_full && workers > 0 {
        let message = "VACUUM FULL cannot be performed in parallel";
        return Err(Error::new(SqlState::FeatureNotSupported, message));
    }
    if vacuum.vacuum && !vacuum.analyze && vacuum.tables.iter().any(|(_, columns)| !columns.is_empty()) {
        let message = "ANALYZE option must be specified when a column list is provided";
        return Err(Error::new(SqlState::FeatureNotSupported, message));
    }
    Ok(found)
}

fn malformed(option: &UtilityOption, message: String) -> Error {
    Error::new(SqlState::SyntaxError, message).at(Some(option.at + 1))
}

fn boolean(option: &UtilityOption) -> Result<bool> {
    let message = || format!("{} requires a Boolean value", option.name);
    option.boolean().ok_or_else(|| Error::new(SqlState::SyntaxError, message()))
}

fn text_of(option: &UtilityOption) -> Option<&str> {
    match option.value.as_ref()? {
        OptionValue::Word(text) | OptionValue::String(text) | OptionValue::Number(text) => Some(text),
        OptionValue::Star | OptionValue::List(_) => None,
    }
}

/// PARALLEL.
fn workers_of(option: &UtilityOption) -> Result<i32> {
    if option.value.is_none() {
        let message = "parallel option requires a value between 0 and 1024";
        return Err(malformed(option, message.to_string()));
    }
    let workers: Option<i32> = text_of(option).and_then(|text| text.parse().ok());
    match workers {
        Some(workers @ 0..=1024) => Ok(workers),
        Some(_) => {
            Err(malformed(option, "parallel workers for vacuum must be between 0 and 1024".to_string()))
        }
        None => Err(Error::new(SqlState::SyntaxError, "parallel requires an integer value")),
    }
}

/// The numbers of listed columns.
fn columns_of(relation: &Relation, names: &[Name]) -> Result<Option<Vec<i16>>> {
    let mut numbers = Vec::with_capacity(names.len());
    for name in names {
        let Some(column) = relation.live_columns().find(|column| column.name == name.text) else {
            let message =
                format!("column \"{}\" of relation \"{}\" does not exist", name.text, relation.name);
            return Err(Error::new(SqlState::UndefinedColumn, message));
        };
        if numbers.contains(&column.number) {
            let message =
                format!("column \"{}\" of relation \"{}\" appears more than once", name.text, relation.name);
            return Err(Error::new(SqlState::DuplicateColumn, message));
        }
        numbers.push(column.number);
    }
    Ok((!numbers.is_empty()).then_some(numbers))
}

impl Session {
    pub(super) async fn vacuum(&mut self, vacuum: &Vacuum, several: bool) -> Result<String> {
        let options = options_of(vacuum)?;
        if vacuum.vacuum && (several || self.block.as_ref().is_some_and(|block| block.explicit)) {
            return Err(Error::new(
                SqlState::ActiveSqlTransaction,
                "VACUUM cannot run inside a transaction block",
            ));
        }
        let targets = self.vacuum_targets(vacuum)?;
        if vacuum.vacuum {
            if options.verbose {
                targets.iter().for_each(|target| self.tell("vacuuming", &target.relation, true));
            }
            self.compact(&targets).await?;
        }
        if vacuum.analyze {
            for target in &targets {
                self.analyze_table(target, &options).await?;
            }
        }
        Ok(if vacuum.vacuum { "VACUUM" } else { "ANALYZE" }.to_string())
    }

    /// Says which table is at work.
    fn tell(&self, doing: &str, relation: &Relation, with_database: bool) {
        let catalog = self.catalog();
        let database = catalog.database(relation.database).filter(|_| with_database);
        let database = database.map_or_else(String::new, |database| format!("{}.", database.name));
        let schema = catalog.schema(relation.database, relation.schema).map(|schema| schema.name.clone());
        let message = format!("{doing} \"{database}{}.{}\"", schema.unwrap_or_default(), relation.name);
        let report = Error::new(SqlState::SuccessfulCompletion, message).into_report();
        self.shared.notify(Severity::Info, report);
    }

    fn vacuum_targets(&self, vacuum: &Vacuum) -> Result<Vec<Target>> {
        let word = if vacuum.vacuum { "vacuum" } else { "analyze" };
        let (catalog, database) = (self.catalog(), self.shared.entry.database_oid);
        let (role, superuser) = {
            let identity = self.shared.identity.lock();
            (identity.current_oid, identity.superuser)
        };
        let owner = catalog.database(database).map(|database| database.owner);
        let may = |relation: &Relation| {
            let acts_for = |owner| catalog.has_privileges_of(database, role, owner);
            superuser || acts_for(relation.owner) || owner.is_some_and(acts_for)
        };
        let foreign = |relation: &Relation| {
            let message =
                format!("skipping \"{}\" --- only table or database owner can {word} it", relation.name);
            self.warn(SqlState::Warning, &message);
        };
        let mut targets = Vec::new();
        if vacuum.tables.is_empty() {
            let own = self.shared.temporary.lock().schema.clone();
            for relation in catalog.relations(database).filter(|relation| relation.has_rows()) {
                let schema = catalog.schema(database, relation.schema);
                let is_of_another = |schema: &Arc<catalog::Schema>| {
                    catalog::is_temporary_schema(&schema.name) && own.as_deref() != Some(&schema.name)
                };
                if schema.is_some_and(is_of_another) {
                    continue;
                }
                match may(relation) {
                    true => targets.push(Target { relation: relation.clone(), columns: None }),
                    false => foreign(relation),
                }
            }
        }
        for (name, columns) in &vacuum.tables {
            let relation = frontend::find_relation(self, name)?;
            if relation.is_system() {
                continue;
            }
            if !may(&relation) {
                foreign(&relation);
            } else if !relation.has_rows() {
                let message = format!(
                    "skipping \"{}\" --- cannot {word} non-tables or special system tables",
                    relation.name
                );
                self.warn(SqlState::Warning, &message);
            } else {
                let columns = columns_of(&relation, columns)?;
                targets.push(Target { relation, columns });
            }
        }
        Ok(targets)
    }

    /// Writes out what is hot and has the engine go through what is dead.
    async fn compact(&mut self, targets: &[Target]) -> Result<()> {
        let database = self.shared.instance.database().clone();
        // Asked for all at once, and before the checkpoint, which leaves nothing hot to judge by: the engine then does
        // the tables in one round, on its own thread.
        let asked: Vec<_> =
            targets.iter().map(|target| database.vacuum(TableId(target.relation.oid))).collect();
        self.shared.instance.checkpoint().await?;
        let cancel = self.shared.entry.cancel.clone();
        for ticket in asked {
            match ticket {
                Ok(ticket) => crate::dml::wait(ticket, &cancel).await?,
                // A table that was never written to is nothing to the engine.
                Err(engine::Error::UnknownTable(_)) => {}
                Err(error) => return Err(super::engine_error(error)),
            }
        }
        Ok(())
    }

    /// Renews the statistics of a table, on a thread of the queries'.
    async fn analyze_table(&mut self, target: &Target, options: &Options) -> Result<()> {
        let Target { relation, columns } = target;
        let cancel = self.shared.entry.cancel.clone();
        let policy = match options.skip_locked {
            true => WaitPolicy::NoWait,
            false => WaitPolicy::Wait { timeout: self.shared.derived().lock_timeout },
        };
        let (table, mode) = (TableId(relation.oid), RelationLockMode::ShareUpdateExclusive);
        let transaction = self.transaction()?;
        let locked =
            transaction.settle(&cancel, |transaction| transaction.lock_relation(table, mode, policy)).await;
        match locked {
            Err(error) if options.skip_locked && error.state() == SqlState::LockNotAvailable => {
                let message = format!("skipping analyze of \"{}\" --- lock not available", relation.name);
                self.warn(SqlState::LockNotAvailable, &message);
                return Ok(());
            }
            other => other?,
        }
        // As it is under the lock.
        let Some(relation) = self.catalog().relation(relation.database, relation.oid).cloned() else {
            let message = format!("skipping analyze of \"{}\" --- relation no longer exists", relation.name);
            self.warn(SqlState::UndefinedTable, &message);
            return Ok(());
        };
        if options.verbose {
            self.tell("analyzing", &relation, false);
        }
        let view = transaction.with(|transaction| {
            transaction.start_statement();
            transaction.view()
        })?;
        let (upkeep, catalog) = (self.shared.instance.upkeep().clone(), self.catalog());
        let columns = columns.clone();
        let work = move || {
            let engine = &upkeep.engine;
            let changes = engine.statistics(table).map_or(0, |statistics| statistics.changes);
            let interrupted = || cancel.check();
            let found = crate::statistics::analyze(
                engine,
                &view,
                &catalog,
                &relation,
                columns.as_deref(),
                &interrupted,
            )?;
            upkeep.cache.store(engine, &upkeep.store, relation.oid, found.rows, &found.columns)?;
            if columns.is_none() {
                upkeep.note(relation.oid, changes);
            }
            Ok(())
        };
        let done = self.shared.instance.queries().spawn_blocking(work).await;
        done.unwrap_or_else(|_| Err(Error::internal("the analysis of a table has panicked")))
    }
}
