//! The writers of the load: each changes rows of its own, so that it knows what they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;
use tokio_postgres::Client;

use super::model::{Act, Content, Effects, Key, Ledger};
use super::{AMOUNTS, Counts, GROUPS, TABLES, WRITERS};
use crate::Failure;
use crate::random::Random;

/// Rows of a table that a writer has, at most.
const ROWS: u64 = 600;

/// Transactions until told to stop.
pub async fn write(
    client: Client,
    writer: u32,
    seed: u64,
    ledger: Arc<Mutex<Ledger>>,
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
) -> Result<(), Failure> {
    let mut random = Random::new(seed);
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let act = Act { writer, number };
        let mut ledger = ledger.lock().await;
        let effects = effects(&ledger, act, &mut random);
        let mut text = format!("BEGIN; INSERT INTO act VALUES ('{act}');");
        for (key, content) in &effects {
            statement(&mut text, *key, ledger.content(*key).is_some(), content.as_ref(), act);
        }
        if random.below(12) == 0 {
            text.push_str("ROLLBACK");
            run(&client, &text).await?;
            counts.rolled_back.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let other = ledger.living.keys().find(|key| !effects.contains_key(key));
        let other = other.and_then(|key| Some((TABLES[key.0].0, ledger.content(*key)?.code.clone())));
        if let (0, Some((name, code))) = (random.below(25), other) {
            text.push_str(&format!("INSERT INTO {name} VALUES (-1, '{code}', 1, 1, NULL, '{act}'); COMMIT"));
            refuse(&client, &text).await?;
            counts.refused.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        text.push_str("COMMIT");
        run(&client, &text).await?;
        ledger.apply(act, effects);
        counts.acknowledged.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

async fn run(client: &Client, text: &str) -> Result<(), Failure> {
    client.batch_execute(text).await.map_err(|error| format!("{text}: {error:?}").into())
}

/// A transaction that must end with a duplicate key.
async fn refuse(client: &Client, text: &str) -> Result<(), Failure> {
    let error = client.batch_execute(text).await.err();
    let code = error.as_ref().and_then(|error| error.code()).map(|code| code.code().to_owned());
    if code.as_deref() != Some("23505") {
        return Err(format!("{text}: expected a duplicate, got {error:?}").into());
    }
    run(client, "ROLLBACK").await
}

/// A few changes, some of them of many rows; each row is the writer's own and changed once.
fn effects(ledger: &Ledger, act: Act, random: &mut Random) -> Effects {
    let mut effects = Effects::new();
    let many = if random.below(40) == 0 { 150 } else { 1 + random.below(5) };
    for turn in 0..many {
        let table = random.below(TABLES.len() as u64) as usize;
        let key: Key = (table, (random.below(ROWS) * u64::from(WRITERS)) as i64 + i64::from(act.writer));
        let is_there = ledger.content(key).is_some();
        let content = (!is_there || random.below(4) != 0).then(|| Content {
            code: match ledger.content(key) {
                Some(content) if random.below(2) == 0 => content.code.clone(),
                _ => format!("{table}.{act}.{turn}.{}", "x".repeat(random.below(60) as usize)),
            },
            grp: (random.below(10) != 0).then(|| random.below(GROUPS) as i64),
            amount: random.below(AMOUNTS) as i64,
            place: (random.below(8) != 0).then(|| [(); 3].map(|()| random.below(2000) as i64 - 1000)),
        });
        effects.insert(key, content);
    }
    effects
}

/// The statement of one change.
fn statement(text: &mut String, (table, id): Key, is_there: bool, content: Option<&Content>, act: Act) {
    let name = TABLES[table].0;
    let Some(Content { code, grp, amount, place }) = content else {
        text.push_str(&format!("DELETE FROM {name} WHERE id = {id};"));
        return;
    };
    let grp = grp.map_or("NULL".to_owned(), |grp| grp.to_string());
    let place = place.map_or("NULL".to_owned(), |[x, y, z]| format!("'[{x},{y},{z}]'"));
    text.push_str(&match is_there {
        true => format!(
            "UPDATE {name} SET code = '{code}', grp = {grp}, amount = {amount}, place = {place}, act = '{act}' \
             WHERE id = {id};"
        ),
        false => format!("INSERT INTO {name} VALUES ({id}, '{code}', {grp}, {amount}, {place}, '{act}');"),
    });
}
