//! Freezing: the one moment at which all tables stand still, between two batches, in the sequencer's thread.

use crate::engine::Engine;
use crate::ids::Location;
use crate::table::store::Store;
use crate::table::{Dictionary, Table, TableState};
use crate::{Error, IndexId, TableSchema, Timestamp};
use hashbrown::HashSet;
use std::sync::Arc;

/// One generation as the checkpoint sees it.
pub(super) struct FrozenGeneration {
    /// When it ended; [`Timestamp::INFINITY`] for the current one.
    pub until: u64,
    pub stores: Vec<Arc<Store>>,
}

impl FrozenGeneration {
    /// The segments that an index built since has entries for: they are to be written anew with it.
    pub fn wanted(&self) -> HashSet<u32> {
        let mut wanted = HashSet::new();
        for store in &self.stores {
            for (_, map) in store.indexes().iter().filter(|(_, map)| map.has_foreign()) {
                wanted.extend(map.locations().filter(|place| place.is_segment()).map(Location::number));
            }
        }
        wanted
    }

    /// Whether there is anything to be written.
    pub fn is_empty(&self) -> bool {
        self.stores.iter().all(|store| store.is_empty() && store.indexes().is_empty())
    }
}

/// One table as the checkpoint sees it.
pub(super) struct FrozenTable {
    pub table: Arc<Table>,
    pub schema: Arc<TableSchema>,
    pub dictionary: Arc<Dictionary>,
    pub index_since: Vec<(IndexId, Timestamp)>,
    pub repeating: Vec<IndexId>,
    pub dropped: u64,
    pub next_chunk: u32,
    /// Oldest first; the last is the current one.
    pub generations: Vec<FrozenGeneration>,
}

pub(super) fn tables(engine: &Engine) -> Result<Vec<FrozenTable>, Error> {
    let mut tables: Vec<Arc<Table>> = engine.tables().values().cloned().collect();
    tables.sort_by_key(|table| table.id);
    tables.into_iter().map(freeze).collect()
}

fn freeze(table: Arc<Table>) -> Result<FrozenTable, Error> {
    let mut state = table.latch.write();
    let state = &mut *state;
    freeze_generation(&mut state.current)?;
    for (_, generation) in &mut state.older {
        freeze_generation(generation)?;
    }
    Ok(describe(table.clone(), state))
}

fn freeze_generation(generation: &mut crate::table::Generation) -> Result<(), Error> {
    if generation.active.is_empty() && generation.active.indexes().is_empty() {
        return Ok(());
    }
    generation.active.seal_open()?;
    let next = Store::new(false, generation.active.next_chunk());
    let frozen = std::mem::replace(&mut generation.active, next);
    generation.frozen.push(Arc::new(frozen));
    Ok(())
}

fn describe(table: Arc<Table>, state: &TableState) -> FrozenTable {
    let mut index_since: Vec<_> = state.index_since.iter().map(|(index, since)| (*index, *since)).collect();
    index_since.sort_unstable_by_key(|(index, _)| *index);
    FrozenTable {
        dropped: table.dropped(),
        schema: state.schema.clone(),
        dictionary: state.dictionary.clone(),
        index_since,
        repeating: state.repeating.clone(),
        next_chunk: state.current.active.next_chunk(),
        generations: state
            .generations()
            .map(|(until, generation)| FrozenGeneration { until, stores: generation.frozen.clone() })
            .collect(),
        table,
    }
}
