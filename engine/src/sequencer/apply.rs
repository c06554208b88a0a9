//! Applying a commit to the tables: the same for a live commit and for one read back from the log.
//!
//! A table's latch is held alone for one chunk of rows at a time. What is applied and not yet published is stamped
//! above every snapshot, so that nobody sees a part of it.

use crate::compaction::choose::Level;
use crate::engine::Engine;
use crate::ids::{Location, Timestamp};
use crate::index::{HotIndex, IndexKey};
use crate::lock::Tag;
use crate::record::{Attached, AttachedRun, Close, CommitSet, TableCommit};
use crate::scratch::{List, ScratchAllocator};
use crate::segment::IndexRun;
use crate::table::chunk::{Chunk, RowKeys};
use crate::table::segments::SegmentPart;
use crate::table::visibility::{ALIVE, Mark, is_live};
use crate::table::{Table, TableState};
use crate::transaction::write_set::Backfill;
use crate::vector::builder;
use crate::{Error, IndexId, RowHandle, TableId};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Ends applied under one hold of the latch.
const CLOSES_AT_ONCE: usize = 1024;

/// Applies a commit. Answers with the row locks that others wait for, to be released once it is visible.
pub(crate) fn apply(
    engine: &Engine,
    at: Timestamp,
    set: CommitSet,
    owner: Option<u64>,
) -> Result<Vec<Tag>, Error> {
    let mut managed = Vec::new();
    for (id, commit) in set.tables {
        apply_table(engine, at, id, commit, owner, &mut managed)?;
    }
    if let Some(signature) = set.signature {
        signature.apply(engine, at)?;
    }
    Ok(managed)
}

fn apply_table(
    engine: &Engine,
    at: Timestamp,
    id: TableId,
    commit: TableCommit,
    owner: Option<u64>,
    managed: &mut Vec<Tag>,
) -> Result<(), Error> {
    let (added, ended) = commit.counts();
    let table = match (commit.created, &commit.shape) {
        (true, Some(shape)) => {
            let table = Arc::new(Table::new(id, shape.schema.clone(), &shape.defaults));
            engine.add_table(table.clone());
            table
        }
        _ => engine.table(id)?,
    };
    if commit.dropped {
        table.drop_at(at.0);
    }
    if commit.undropped {
        table.drop_at(ALIVE);
    }
    if commit.truncated {
        let mut state = table.latch.write();
        state.truncate(at.0)?;
        state.hot_changes.truncated(at.0);
        drop(state);
        table.live_rows.store(0, Ordering::Release);
    }
    if let (false, Some(shape)) = (commit.created, commit.shape) {
        let is_new = |index| !table.read().schema.vectors.contains(index);
        let has_new_vectors = shape.schema.vectors.iter().any(is_new);
        alter(&table, shape.schema, &shape.defaults, at)?;
        if has_new_vectors {
            // Graphs are made of segments.
            engine.background.want_checkpoint();
        }
    }
    let mut closes = commit.closes;
    if owner.is_none() {
        // From the log: the rows to be ended are found before their new versions, of the same birth, are there.
        let mut state = table.latch.write();
        for close in &mut closes {
            close.handle.location = find(&mut state, close.handle).map_err(|error| missing(&table, error))?.0;
        }
    }
    let scratch = || ScratchAllocator::of(&engine.scratch);
    let mut locations = List::new_in(scratch());
    match commit.attached {
        Some(attached) => {
            attach(engine, &table, attached, at, (!closes.is_empty()).then_some(&mut locations))?
        }
        None => {
            locations.reserve(added);
            add_rows(&table, commit.chunks, at, &mut locations)?;
        }
    }
    let mut updated: List<(u32, Location)> = List::new_in(scratch());
    for closes in closes.chunks(CLOSES_AT_ONCE) {
        let mut state = table.latch.write();
        for close in closes {
            let (location, managed_row) = apply_close(&mut state, &locations, close, at, owner)?;
            managed.extend(managed_row.then_some(Tag::Row(id, close.handle.birth)));
            match close.successor {
                Some(successor) => updated.push((successor, location)),
                None => state.hot_changes.deleted(at.0, location),
            }
        }
    }
    note_new(&table, at, &locations, updated);
    for backfill in commit.backfills {
        fill(engine, &table, backfill, &locations, at)?;
    }
    table.live_rows.fetch_add(added as i64 - ended as i64, Ordering::AcqRel);
    table.changes.fetch_add((added + ended) as u64, Ordering::AcqRel);
    if builder::is_crowded(&table.read()) {
        engine.background.want_checkpoint();
    }
    Ok(())
}

/// Why a row that the log ends is not there: where a damaged file was set aside it lies in that file, and nobody may go on
/// without it, since with the next checkpoint the log would forget that it has ended.
fn missing(table: &Table, error: Error) -> Error {
    match table.check_sound() {
        Ok(()) => error,
        Err(damage) => Error::Corrupted(format!(
            "{damage}; it cannot be set aside, because the log ends rows in it: put the file back from a backup, or \
             restore the backup"
        )),
    }
}

/// Notes what became of the table: new versions in the order in which they were written.
fn note_new(table: &Table, at: Timestamp, locations: &[Location], mut updated: List<(u32, Location)>) {
    updated.sort_unstable();
    let mut updated = updated.iter().copied().peekable();
    let mut ordinal = 0;
    for locations in locations.chunks(CLOSES_AT_ONCE) {
        let mut state = table.latch.write();
        for location in locations {
            match updated.next_if(|(successor, _)| *successor == ordinal) {
                Some((_, old)) => state.hot_changes.updated(at.0, old, *location),
                None => state.hot_changes.inserted(at.0, *location),
            }
            ordinal += 1;
        }
    }
}

/// Adds new rows that stand in segments. Where some of them replace others, all places are wanted, in order, and the
/// changes are noted later.
fn attach(
    engine: &Engine,
    table: &Table,
    attached: Attached,
    at: Timestamp,
    mut places: Option<&mut List<Location>>,
) -> Result<(), Error> {
    let mut parts = Vec::with_capacity(attached.segments.len());
    for file in &attached.segments {
        let segment = file.open(engine)?;
        segment.publish(at);
        let runs = file.runs.iter().map(|run| Ok((run.index, run.open(engine)?)));
        let runs = runs.collect::<Result<Vec<_>, Error>>()?;
        let part = SegmentPart::new(segment, file.primary, Level::Current(0), runs)?;
        part.set_unlisted(at.0, file.edits(table.id));
        parts.push(Arc::new(part));
    }
    let mut state = table.latch.write();
    attached.unchecked.iter().for_each(|index| state.note_repeating(IndexId(*index)));
    for part in parts {
        match &mut places {
            Some(places) => places.extend((0..part.segment.rows()).map(|row| part.location(row))),
            None => {
                state.hot_changes.inserted_many(at.0, part.location(0), part.segment.rows() as u32);
            }
        }
        state.current.segments.push(part);
    }
    state.forget_births();
    Ok(())
}

/// Adds the new rows, then puts them into the indexes: nobody looks for them before they are published.
fn add_rows(
    table: &Table,
    chunks: Vec<Chunk>,
    at: Timestamp,
    locations: &mut List<Location>,
) -> Result<(), Error> {
    let mut keys: Vec<(RowKeys, usize)> = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let first = locations.len();
        let mut state = table.latch.write();
        let of_chunk = state.append(chunk, at.0, locations)?;
        let rows = locations.get(first..).unwrap_or(&[]);
        if rows.len() <= CLOSES_AT_ONCE {
            state.index(&of_chunk, rows);
        } else {
            keys.push((of_chunk, first));
        }
    }
    if keys.is_empty() {
        return Ok(());
    }
    let schema = table.read().schema.clone();
    for index in &schema.indexes {
        let mut new = Vec::new();
        table.latch.write().current.active.index_mut(index.id).reserve(locations.len());
        for (of_chunk, first) in &keys {
            let mut state = table.latch.write();
            let map = state.current.active.index_mut(index.id);
            for (row, location) in locations.iter().skip(*first).take(of_chunk.ends.len()).enumerate() {
                for (_, key) in of_chunk.of(row).filter(|(id, _)| *id == index.id.0) {
                    new.extend(map.insert_hashed(key, *location));
                }
            }
        }
        table.latch.write().current.active.index_mut(index.id).merge(new);
    }
    Ok(())
}

fn alter(
    table: &Table,
    schema: crate::TableSchema,
    defaults: &[(crate::ColumnId, crate::Value)],
    at: Timestamp,
) -> Result<(), Error> {
    let mut state = table.latch.write();
    let known: Vec<IndexId> = state.schema.indexes.iter().map(|index| index.id).collect();
    let new: Vec<IndexId> =
        schema.indexes.iter().map(|index| index.id).filter(|index| !known.contains(index)).collect();
    state.alter(schema, defaults)?;
    for index in new {
        state.index_since.insert(index, at);
    }
    Ok(())
}

/// Ends one version and links its successor. Says where it lies, and whether others wait for the row.
fn apply_close(
    state: &mut TableState,
    locations: &[Location],
    close: &Close,
    at: Timestamp,
    owner: Option<u64>,
) -> Result<(Location, bool), Error> {
    // Never by its birth: its new version, which has the same, is there by now.
    let live = state.resolve(close.handle).filter(|(_, found)| is_live(found.end()));
    let Some(location) = live.map(|(location, _)| location) else {
        return Err(Error::Corrupted(format!("row {} to be ended is not where it was", close.handle.birth)));
    };
    let found = state.current.locate(location)?;
    let end = found.end();
    let mark = Mark::of(end);
    if !is_live(end) || (owner.is_some() && mark.and_then(Mark::owner) != owner) {
        return Err(Error::Corrupted(format!(
            "row {} to be ended is not locked by its owner",
            close.handle.birth
        )));
    }
    let managed = mark.is_some_and(Mark::is_managed);
    if let Some(ordinal) = close.successor {
        let Some(successor) = locations.get(ordinal as usize) else {
            return Err(Error::Corrupted(format!("row {} has no new version", close.handle.birth)));
        };
        if managed {
            // Others hold or want the row: they go on to the new version, which must lead them to the manager.
            if let Some(next) = state.current.try_locate(*successor) {
                let _ = next.replace_end(next.end(), Mark::MANAGED.0);
            }
        }
        found.set_successor(*successor);
    }
    found.close(at.0);
    Ok((location, managed))
}

/// The location of the live version a logged handle names: by its location, or else by its birth.
fn find(state: &mut TableState, handle: RowHandle) -> Result<Location, Error> {
    if let Some((location, found)) = state.resolve(handle) {
        if is_live(found.end()) {
            return Ok(location);
        }
    }
    state
        .find_live_birth(handle.birth)?
        .ok_or_else(|| Error::Corrupted(format!("row {} to be ended does not exist", handle.birth)))
}

/// Puts committed versions into a new index.
fn fill(
    engine: &Engine,
    table: &Table,
    backfill: Backfill,
    locations: &[Location],
    at: Timestamp,
) -> Result<(), Error> {
    let Backfill { index, entries, covers_history, map, runs, repeats, .. } = backfill;
    let opened = runs.iter().map(|run| run.open(engine)).collect::<Result<Vec<_>, Error>>()?;
    let mut state = table.latch.write();
    for (run, opened) in runs.iter().zip(opened) {
        lay_beside(&mut state, run, opened, at)?;
    }
    let mut moved = None;
    // Whether every row still lies where the map of the transaction says.
    let mut stayed = true;
    let mut found = Vec::with_capacity(entries.len());
    for (handle, from, key) in entries {
        let location = Location(handle.location);
        let place = if location.is_own() {
            locations.get(location.row()).map(|place| (*place, at.0))
        } else {
            let there = state.resolve(handle).filter(|(_, found)| found.from().ok() == Some(from));
            let place = match there {
                Some((location, _)) => Some(location),
                None => {
                    let versions = match moved.take() {
                        Some(versions) => versions,
                        None => state.versions_by_name()?,
                    };
                    let place = versions.get(&(handle.birth, from)).copied();
                    moved = Some(versions);
                    place
                }
            };
            place.map(|place| (place, from))
        };
        match place {
            Some((place, from)) => {
                stayed &= place == location;
                found.push((key, from, place));
            }
            None => {
                let reason = format!("row {} of a new index does not exist", handle.birth);
                return Err(Error::Corrupted(reason));
            }
        }
    }
    found.sort_unstable_by(|left, right| (&left.0, left.1).cmp(&(&right.0, right.1)));
    let stayed = stayed && found.iter().all(|(_, _, place)| state.current.try_locate(*place).is_some());
    let repeating = match map.filter(|_| stayed && state.current.active.index(index).is_none()) {
        Some(map) => adopt(&mut state, index, map, &found),
        None => insert_all(&mut state, index, &found),
    };
    if (repeating || repeats) && state.schema.index(index).is_some_and(|schema| schema.unique) {
        state.note_repeating(index);
    }
    if covers_history {
        state.index_since.remove(&index);
    } else {
        state.index_since.insert(index, at);
    }
    Ok(())
}

/// Gives a segment the run of a new index.
fn lay_beside(
    state: &mut TableState,
    run: &AttachedRun,
    opened: Arc<IndexRun>,
    at: Timestamp,
) -> Result<(), Error> {
    let number = run.entry.level;
    let mut parts = state.generations_mut().flat_map(|generation| &mut generation.segments);
    let Some(part) = parts.find(|part| part.number == number) else {
        return Err(Error::Corrupted(format!("a run of index {} has lost segment {number}", run.index.0)));
    };
    if part.run(run.index).is_none() {
        *part = Arc::new(part.with_run(at.0, run.index, opened, run.edit()));
    }
    Ok(())
}

/// A key, when its version began, where that lies.
type Found = (Vec<u8>, u64, Location);

/// Takes the map that the transaction made of the same entries. Says whether a key stands more than once.
fn adopt(state: &mut TableState, index: IndexId, map: HotIndex, found: &[Found]) -> bool {
    let repeating = map.keys() < found.len();
    let keys = found.iter().map(|(key, _, _)| IndexKey::new(key));
    state.current.active.adopt_index(index, map.adopted(keys));
    repeating
}

/// Puts entries into the maps of the generations that their versions lie in. Says whether a key stands more than once.
fn insert_all(state: &mut TableState, index: IndexId, found: &[Found]) -> bool {
    let mut repeating = false;
    for generation in state.generations_mut() {
        let mut new = Vec::new();
        let mut any = false;
        for (key, _, place) in found {
            if generation.try_locate(*place).is_some() {
                if !any {
                    generation.active.index_mut(index).reserve(found.len());
                    any = true;
                }
                match generation.active.index_mut(index).insert_hashed(key, *place) {
                    Some(key) => new.push(key),
                    None => repeating = true,
                }
            }
        }
        if any {
            let map = generation.active.index_mut(index);
            map.note_foreign();
            map.merge(new);
        }
    }
    repeating
}
