//! Installing: new segments take the place of frozen stores and merged segments, in memory.
//!
//! Under the table's latch nobody can read or mark a row: what commits, locks and links came to the old places since
//! the freeze is carried over once, and from then on only the new places count.

use crate::change::run::ChangeRun;
use crate::engine::Engine;
use crate::ids::Location;
use crate::rewrite::Outputs;
use crate::table::row::Found;
use crate::table::segments::SegmentPart;
use crate::table::store::Store;
use crate::table::visibility::{ALIVE, is_live};
use crate::table::{Forward, Generation, Table, TableState};
use std::sync::Arc;

/// What one generation of a table gives up and gets.
pub(crate) struct Installation {
    /// Its number: older generations first, the current one last.
    pub generation: usize,
    pub stores: Vec<Arc<Store>>,
    pub outputs: Outputs,
}

/// Installs the outputs of rewrites that wrote the state at `moment`.
///
/// `changes` is the run with the changes up to the moment, if a checkpoint wrote one.
pub(crate) fn table(
    engine: &Engine,
    table: &Table,
    installations: &[Installation],
    moment: u64,
    changes: Option<Arc<ChangeRun>>,
) {
    let forwards: Vec<(u64, Arc<[u64]>)> = installations
        .iter()
        .flat_map(|installation| &installation.outputs.moves)
        .map(|(place, rows)| (*place, Arc::from(rows.as_slice())))
        .collect();
    let mut state = table.latch.write();
    // Under the latch: whoever begins later finds the new places only.
    let since = engine.registry.next_id();
    let state = &mut *state;
    for Installation { generation, stores, outputs } in installations {
        let Some(target) = generation_mut(state, *generation) else { continue };
        carry_over(target, outputs, moment);
        target.frozen.retain(|store| !stores.iter().any(|written| Arc::ptr_eq(store, written)));
        target.segments.retain(|part| !outputs.removed.contains(&part.number));
        target.segments.extend(outputs.parts.iter().cloned());
        target.active.relocate_foreign(&|location| {
            let new = outputs.moves.get(&(location.0 >> 32)).and_then(|rows| rows.get(location.row()));
            new.map_or(location, |new| Location(*new))
        });
    }
    let moved = |location: Location| {
        let outputs = installations.iter().map(|installation| &installation.outputs);
        let mut new = outputs.filter_map(|outputs| {
            let rows = outputs.moves.get(&(location.0 >> 32))?;
            rows.get(location.row()).map(|new| Location(*new))
        });
        new.next()
    };
    state.hot_changes.relocate(if changes.is_some() { moment } else { 0 }, &moved);
    state.change_runs.extend(changes);
    for (place, rows) in forwards {
        state.forwards.insert(place, Forward { rows, since });
    }
}

fn generation_mut(state: &mut TableState, number: usize) -> Option<&mut Generation> {
    if number == state.older.len() {
        return Some(&mut state.current);
    }
    state.older.get_mut(number).map(|(_, generation)| generation)
}

/// Copies ends and links that the old places have and the new files do not. Most rows have neither.
fn carry_over(target: &Generation, outputs: &Outputs, moment: u64) {
    let carry = |new: u64, end: u64, successor: Location| {
        let new = Location(new);
        let Some(part) = outputs.parts.iter().find(|part| part.number == new.number()) else { return };
        if end != ALIVE && end > moment {
            set_end(part, new.row(), end);
        }
        if successor != Location::NONE {
            part.set_successor(new.row(), successor);
        }
    };
    for (place, rows) in &outputs.moves {
        match target.try_locate(Location(place << 32)) {
            Some(Found::Chunk(chunk, _)) => {
                for (life, new) in chunk.lives().iter().zip(rows) {
                    let (end, successor) = (life.end(), life.successor());
                    if end != ALIVE || successor != Location::NONE {
                        carry(*new, end, successor);
                    }
                }
            }
            Some(Found::Segment(part, _)) => {
                for (row, end) in part.segment.ends().changed() {
                    if let Some(new) = rows.get(row as usize) {
                        carry(*new, end, Location::NONE);
                    }
                }
                for (row, successor) in part.successors() {
                    if let Some(new) = rows.get(row as usize) {
                        carry(*new, ALIVE, successor);
                    }
                }
            }
            None => {}
        }
    }
}

fn set_end(part: &SegmentPart, row: usize, end: u64) {
    if is_live(end) {
        part.segment.ends().set(row, end);
    } else {
        part.close(row, end);
    }
}

/// Forgets where rows have moved once nobody is left who could ask by an old location.
pub(crate) fn drop_forwards(engine: &Engine) {
    let oldest = engine.registry.oldest();
    for table in engine.tables().values() {
        if table.read().forwards.is_empty() {
            continue;
        }
        let mut state = table.latch.write();
        state.forwards.retain(|_, forward| forward.since > oldest);
    }
}
