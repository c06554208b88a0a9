//! The change index: applied one after the other, changes make every later state out of every earlier one; through
//! checkpoints, compaction and crashes they stay the same.

mod common;

use common::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use strata_engine::{
    Change, Configuration, Database, Error, LockedRow, Operation, Outcome, ReadView, RowLock, ScanColumn,
    Timestamp, Value, WaitPolicy,
};

fn open(world: &World) -> Arc<Database> {
    let configuration = Configuration { segment_rows: 64, ..configuration() };
    Database::open(configuration, world.environment.clone()).expect("the database opens")
}

/// A change, whole: commit, number, operation, birth, old and new (id, name, amount).
type Seen = (Timestamp, u64, u8, u64, Option<(i64, String, i64)>, Option<(i64, String, i64)>);

fn image(row: &strata_engine::RowRef<'_>) -> (i64, String, i64) {
    let (Value::Int64(id), Value::Text(name), Value::Int64(amount)) =
        (row.value(ID).unwrap(), row.value(NAME).unwrap(), row.value(AMOUNT).unwrap())
    else {
        panic!("values of other types")
    };
    (id, name.to_string(), amount)
}

fn see(change: &Change<'_>) -> Seen {
    let (old, new) = (change.old.as_ref().map(image), change.new.as_ref().map(image));
    (change.at, change.number, change.operation as u8, change.birth, old, new)
}

fn changes(view: &ReadView, from: Timestamp, to: Timestamp, many: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut cursor = view.changes(TABLE, from, to).unwrap();
    while cursor.next(many, &mut |change| seen.push(see(&change))).unwrap() {}
    seen
}

fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// One transaction of inserts, updates and deletes, sometimes of the key itself.
fn work(database: &Database, state: &mut u64) {
    let mut writer = begin(database);
    for _ in 0..1 + next(state) % 20 {
        let id = (next(state) % 150) as i64;
        writer.start_statement();
        match find(&writer.view(), id) {
            None => {
                insert(&mut writer, id, "new", id);
            }
            Some(_) if next(state) % 4 == 0 => delete(&mut writer, id),
            Some((handle, _, amount)) => {
                let locked = writer.lock_row(TABLE, handle, RowLock::Update, WaitPolicy::WAIT).unwrap();
                assert!(matches!(locked, Outcome::Done(LockedRow::Current)));
                let free = (150..400).find(|id| find(&writer.view(), *id).is_none());
                let to = if next(state) % 6 == 0 { free.unwrap_or(id) } else { id };
                let done = writer.update(TABLE, handle, &row(to, "changed", amount + 1), true).unwrap();
                assert!(done.done().is_some());
            }
        }
    }
    writer.commit().wait().unwrap();
}

/// Applies changes to a state.
fn replay(state: &mut BTreeMap<i64, (String, i64)>, changes: &[Seen]) {
    for (at, _, operation, _, old, new) in changes {
        if *operation == Operation::Truncate as u8 {
            state.clear();
            continue;
        }
        if let Some((id, name, amount)) = old {
            assert_eq!(state.remove(id), Some((name.clone(), *amount)), "the old image at {at}");
        }
        if let Some((id, name, amount)) = new {
            assert!(state.insert(*id, (name.clone(), *amount)).is_none(), "row {id} at {at}");
        }
    }
}

fn state_of(view: &ReadView) -> BTreeMap<i64, (String, i64)> {
    let projection = [ScanColumn::Handle];
    let mut state = BTreeMap::new();
    for batch in view.scan(TABLE, &projection, 100).unwrap() {
        let batch = batch.unwrap();
        let handles = batch.column(0).as_any().downcast_ref::<arrow_array::FixedSizeBinaryArray>().unwrap();
        for row in 0..batch.num_rows() {
            let handle = strata_engine::RowHandle::from_bytes(handles.value(row).try_into().unwrap());
            view.with_row(TABLE, handle, &mut |row| {
                let (id, name, amount) = image(&row);
                state.insert(id, (name, amount));
            })
            .unwrap();
        }
    }
    state
}

#[test]
fn changes_lead_from_every_state_to_every_later_one() {
    for seed in 1..5 {
        let world = World::new(seed);
        let mut database = open(&world);
        with_rows(&database, 0);
        let mut random = 0x1234_5678 + seed;
        let mut moments = vec![database.snapshot()];
        let mut all: Vec<Seen> = Vec::new();
        for round in 0..14 {
            for _ in 0..8 {
                work(&database, &mut random);
                world.clock.advance(1 + next(&mut random) % 100_000);
            }
            if round == 9 {
                let mut emptier = begin(&database);
                emptier.truncate(TABLE).unwrap();
                insert(&mut emptier, 1, "after", 1);
                emptier.commit().wait().unwrap();
            }
            moments.push(database.snapshot());
            let before = changes(&begin(&database).view(), Timestamp::ZERO, Timestamp::LATEST, 7);
            assert_eq!(before.get(..all.len()), Some(all.as_slice()), "what was seen stays");
            match next(&mut random) % 4 {
                0 => database.checkpoint().wait().unwrap(),
                1 => database.compact().wait().unwrap(),
                2 => {
                    world.disk.crash();
                    drop(database);
                    database = open(&world);
                }
                _ => {}
            }
            let after = changes(&begin(&database).view(), Timestamp::ZERO, Timestamp::LATEST, 1000);
            assert_eq!(after, before, "seed {seed}, round {round}");
            all = after;
            let view = begin(&database).view();
            for _ in 0..4 {
                let first = next(&mut random) as usize % moments.len();
                let last = first + next(&mut random) as usize % (moments.len() - first);
                let (from, to) = (moments[first], moments[last]);
                let mut state = state_of(&begin(&database).view_at(from));
                replay(&mut state, &changes(&view, from, to, 50));
                assert_eq!(state, state_of(&begin(&database).view_at(to)), "from {from} to {to}");
            }
        }
        let in_order = all
            .windows(2)
            .all(|pair| pair[0].0 < pair[1].0 || (pair[0].0 == pair[1].0 && pair[0].1 + 1 == pair[1].1));
        assert!(in_order, "in the order of time, numbered within a commit");
    }
}

#[test]
fn changes_behind_the_horizon_are_given_up_with_the_history() {
    const HOUR: u64 = 3_600_000_000;
    let world = World::new(9);
    let database = open(&world);
    with_rows(&database, 10);
    let first = database.snapshot();
    for step in 0..3 {
        world.clock.advance(HOUR);
        for id in 1..=10 {
            commit_amount(&database, id, step);
        }
        database.checkpoint().wait().unwrap();
    }
    database.set_history_retention(TABLE, Some(HOUR as i64 / 2)).unwrap();
    database.compact().wait().unwrap();
    let view = begin(&database).view();
    assert!(matches!(view.changes(TABLE, first, Timestamp::LATEST), Err(Error::BeforeHorizon { .. })));
    let horizon = database.history_horizon(TABLE).unwrap();
    assert_eq!(changes(&view, horizon, Timestamp::LATEST, 10).len(), 10);
    let files = world.environment.disk.list().unwrap();
    assert_eq!(files.iter().filter(|name| name.starts_with("changes-")).count(), 1);
}
