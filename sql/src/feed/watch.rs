//! The relations that a feed reads, watched: they must stay what they were when the query was understood.
//!
//! What may change beneath a feed are privileges (its role must keep the right to read), indexes, constraints and
//! settings. A relation that is dropped, renamed, or whose columns or definition change ends the feed, after the last
//! commit before that. A feed may begin before its relations existed: there were no rows then.

use std::sync::Arc;

use catalog::{ObjectKey, Relation, RelationKind, Snapshot};
use engine::{TableId, Timestamp};

use crate::ddl::catalog_error;
use crate::error::{Error, Result, SqlState};
use crate::session::Instance;

/// Says whether the feed's role may (still) read, under a catalog.
pub type Authorised = Box<dyn Fn(&Snapshot) -> Result<()> + Send + Sync>;

/// The relations of a feed.
pub struct Watch {
    instance: Arc<Instance>,
    database: u32,
    relations: Vec<Arc<Relation>>,
    authorised: Authorised,
    /// The catalog looked at last.
    generation: u64,
    /// From when on all of them exist.
    exists_from: Timestamp,
}

/// Whether two versions of a relation mean the same to a query.
fn same(one: &Relation, other: &Relation) -> bool {
    let columns = one.columns.len() == other.columns.len()
        && one.columns.iter().zip(&other.columns).all(|(one, other)| {
            (one.id, &one.name, one.type_oid, one.typmod, one.collation, one.dropped)
                == (other.id, &other.name, other.type_oid, other.typmod, other.collation, other.dropped)
        });
    let kind = match (&one.kind, &other.kind) {
        (RelationKind::View(one), RelationKind::View(other)) => one.query == other.query,
        (RelationKind::Table(_), RelationKind::Table(_)) => true,
        (one, other) => one == other,
    };
    columns && kind && one.name == other.name && one.schema == other.schema
}

fn ended(relation: &Relation, what: &str) -> Error {
    Error::new(
        SqlState::ObjectNotInPrerequisiteState,
        format!("the subscription ended because {} \"{}\" was {what}", relation.kind_name(), relation.name),
    )
}

impl Watch {
    /// Watches relations as a catalog has them.
    pub fn new(
        instance: Arc<Instance>,
        database: u32,
        relations: Vec<Arc<Relation>>,
        authorised: Authorised,
    ) -> Watch {
        Watch { instance, database, relations, authorised, generation: 0, exists_from: Timestamp::ZERO }
    }

    /// The relations whose rows commits change: tables, and materialized views that are refreshed by hand.
    pub fn tables(&self) -> impl Iterator<Item = &Relation> {
        let relations = self.relations.iter().map(|relation| &**relation);
        relations.filter(|relation| relation.has_rows() && relation.as_maintained_view().is_none())
    }

    /// From when on the relations exist.
    pub fn exists_from(&self) -> Timestamp {
        self.exists_from
    }

    /// Looks at a feed that begins at a moment, and at what the relations went through since.
    pub fn begin(&mut self, from: Timestamp, now: Timestamp) -> Result<()> {
        for relation in &self.relations {
            let key = ObjectKey::Relation { database: self.database, oid: relation.oid };
            let versions = self.instance.store().versions_of(&key, from, now).map_err(catalog_error)?;
            let mut existed = None;
            for (began, object) in versions {
                let catalog::Object::Relation(version) = object else { continue };
                if !same(&version, relation) {
                    let message = format!(
                        "SUBSCRIBE cannot begin before {} \"{}\" was last altered",
                        relation.kind_name(),
                        relation.name
                    );
                    return Err(Error::new(SqlState::ObjectNotInPrerequisiteState, message)
                        .hint("Begin AS OF a later moment."));
                }
                existed = existed.or(Some(began));
            }
            if let Some(began) = existed.filter(|began| *began > from.micros()) {
                // The first moment of that microsecond: others of the same batch may have written to it at once.
                let began = Timestamp(Timestamp::before_micros(began).0 + 1);
                self.exists_from = self.exists_from.max(began);
            }
        }
        Ok(())
    }

    /// How far between two moments the relations stayed the same, and what ends the feed there.
    pub fn reach(&mut self, from: Timestamp, to: Timestamp) -> Result<(Timestamp, Option<Error>)> {
        let store = self.instance.store();
        // The newest catalog may be newer than `to`: then it is looked at again.
        let newest = store.current();
        if newest.generation() == self.generation {
            return Ok((to, None));
        }
        let catalog = store.at(to).map_err(catalog_error)?;
        let mut end: Option<(Timestamp, Error)> = None;
        for relation in &self.relations {
            let found = catalog.relation(self.database, relation.oid);
            let (at, error) = match found {
                Some(found) if Arc::ptr_eq(found, relation) || same(found, relation) => continue,
                Some(_) => (self.altered(relation, from, to)?, ended(relation, "altered")),
                None if to < self.exists_from => continue,
                None => (self.dropped(relation, from), ended(relation, "dropped")),
            };
            if end.as_ref().is_none_or(|(earliest, _)| at < *earliest) {
                end = Some((at, error));
            }
        }
        if let Some((at, error)) = end {
            return Ok((at.clamp(from, to), Some(error)));
        }
        (self.authorised)(&catalog)?;
        if newest.generation() == catalog.generation() {
            self.generation = newest.generation();
        }
        Ok((to, None))
    }

    /// The last moment before a relation was altered.
    fn altered(&self, relation: &Relation, from: Timestamp, to: Timestamp) -> Result<Timestamp> {
        let key = ObjectKey::Relation { database: self.database, oid: relation.oid };
        let versions = self.instance.store().versions_of(&key, from, to).map_err(catalog_error)?;
        let other = versions.into_iter().find(
            |(_, object)| matches!(object, catalog::Object::Relation(version) if !same(version, relation)),
        );
        Ok(other.map_or(from, |(began, _)| Timestamp::before_micros(began)))
    }

    /// The last moment before a relation was dropped, as far as that is known.
    fn dropped(&self, relation: &Relation, from: Timestamp) -> Timestamp {
        let statistics = self.instance.database().statistics(TableId(relation.oid)).ok();
        let at = statistics.and_then(|statistics| statistics.dropped);
        at.map_or(from, |at| Timestamp(at.0.saturating_sub(1)))
    }
}
