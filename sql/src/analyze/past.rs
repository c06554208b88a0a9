//! What a statement reads in the past: which relations, as which catalog had them.
//!
//! A relation under a time clause is found by name in the catalog of the clause's moment (of its period's end), and has
//! that catalog's columns. Each use is noted, so that whoever runs the statement can see whether the moment still leads
//! to the same relations: it may depend on parameters or on the time of day.

use std::sync::Arc;

use catalog::{Persistence, Relation as Object, Snapshot};

use super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::tree::TimeClause;

/// Relations whose rows are live state: they have no past.
const LIVE_RELATIONS: [&str; 6] =
    ["pg_cursors", "pg_locks", "pg_prepared_statements", "pg_settings", "pg_stat_activity", "stat_learned"];

/// A time clause of a statement, and what is read under it.
#[derive(Clone, Debug)]
pub struct PastUse {
    pub clause: TimeClause,
    /// The catalog that gave the shapes; None where today's did, because the moment is not known yet.
    pub catalog: Option<Arc<Snapshot>>,
    /// Tables and views, as that catalog has them.
    pub relations: Vec<Arc<Object>>,
}

impl Analyzer<'_> {
    /// The catalog in which a relation under a time clause is found; None where it is today's.
    pub(super) fn catalog_of(&mut self, clause: &TimeClause) -> Result<Option<Arc<Snapshot>>> {
        if let Some(known) = self.past_uses.iter().find(|known| known.clause == *clause) {
            return Ok(known.catalog.clone());
        }
        let catalog = match self.environment.past {
            Some(ask) => ask(clause)?,
            None => None,
        };
        self.past_uses.push(PastUse {
            clause: clause.clone(),
            catalog: catalog.clone(),
            relations: Vec::new(),
        });
        Ok(catalog)
    }

    /// Notes that a relation is read, today or under a time clause.
    pub(super) fn note_use(&mut self, object: &Arc<Object>, time: Option<&TimeClause>) -> Result<()> {
        let Some(clause) = time else {
            self.check_temporary(object)?;
            self.note_present(object);
            return Ok(());
        };
        if object.is_system() {
            return self.check_system_past(object, clause);
        }
        let found = self.past_uses.iter_mut().find(|known| known.clause == *clause);
        let found = found.ok_or_else(|| Error::internal("a time clause that nobody looked up"))?;
        if !found.relations.iter().any(|known| known.oid == object.oid) {
            found.relations.push(object.clone());
        }
        Ok(())
    }

    /// Notes a relation that is read or changed today.
    pub(super) fn note_present(&mut self, object: &Object) {
        self.objects.insert(object.oid);
        if let Some(met) = self.environment.met
            && !object.is_system()
        {
            met.lock().insert(object.oid);
        }
    }

    /// Temporary relations are their own session's.
    pub(super) fn check_temporary(&self, object: &Object) -> Result<()> {
        if object.persistence != Persistence::Temporary {
            return Ok(());
        }
        let (database, path) = (self.environment.database, self.environment.search_path);
        let own = self.environment.catalog.named_schema(database, path, "pg_temp");
        match own.is_some_and(|own| own.oid == object.schema) {
            true => Ok(()),
            false => Err(Error::new(
                SqlState::FeatureNotSupported,
                "cannot access temporary tables of other sessions",
            )),
        }
    }

    /// System relations show the catalog of one moment; live state has no past.
    fn check_system_past(&self, object: &Object, clause: &TimeClause) -> Result<()> {
        match clause {
            TimeClause::AsOf(_) if self.is_default_time(clause) => Ok(()),
            TimeClause::AsOf(_) if !LIVE_RELATIONS.contains(&object.name.as_str()) => Ok(()),
            TimeClause::AsOf(_) => Err(Error::unsupported(format!("the past of \"{}\"", object.name))),
            TimeClause::FromTo(_, _) | TimeClause::Between(_, _) | TimeClause::All => {
                Err(Error::unsupported("FOR SYSTEM_TIME FROM, BETWEEN and ALL of a system relation"))
            }
        }
    }
}
