//! Nearest neighbours as of three ages, after every row has got another vector and three of ten are gone.
//!
//! The table goes on from where [`crate::vector`] left it: half of the rows are updated, then the other half, then rows
//! are deleted. Of each moment in between and of the present, what is found is compared with what an exact search over a
//! model finds, and the time that a search takes with the present's, in rounds that alternate. `hnsw.ef_search` is a quarter
//! more than what the present needed before.

use std::time::{Duration, Instant};

use crate::Failure;
use crate::client::Client;
use crate::peer::Peer;
use crate::statistics::median;
use crate::vector::World;

const ROUNDS: usize = 9;
const QUERIES: usize = 100;
/// How far away the row is that an updated row gets its vector from.
const SHIFT: usize = 7919;

/// The contents of the table at one moment.
struct Age {
    name: &'static str,
    clause: String,
    world: World,
    /// Whether rows with a last digit below three are gone.
    thinned: bool,
}

impl Age {
    fn holds(&self, row: usize) -> bool {
        !self.thinned || row % 10 >= 3
    }

    fn search(&self) -> String {
        format!("SELECT id FROM bench_items{} ORDER BY e <=> $1 LIMIT 10", self.clause)
    }
}

/// The vectors after every row whose number is `parity` by two has got that of another one.
fn updated(world: &World, parity: usize) -> World {
    let count = world.rows.len();
    let source = |row: usize| if row % 2 == parity { (row + SHIFT) % count } else { row };
    world.with_rows((0..count).map(|row| world.rows[source(row)].clone()).collect())
}

fn moment(client: &mut Client) -> Result<String, Failure> {
    // Commits up to here are before it, and later ones behind it.
    let rows = client.run("SELECT clock_timestamp()")?;
    let moment = rows.first().ok_or("no time")?.clone();
    client.run("SELECT pg_sleep(0.01)")?;
    Ok(format!(" FOR SYSTEM_TIME AS OF timestamptz '{moment}'"))
}

/// Changes the table, and measures.
pub fn run(world: &World, strata: &Peer, ef: u32) -> Result<(), Failure> {
    let mut client = Client::connect(strata.port)?;
    let count = world.rows.len();
    let update = |client: &mut Client, parity: usize| {
        client.run(&format!(
            "UPDATE bench_items AS b SET e = o.e FROM bench_items AS o \
             WHERE o.id = (b.id + {SHIFT}) % {count} AND b.id % 2 = {parity}"
        ))
    };
    let loaded =
        Age { name: "loaded", clause: moment(&mut client)?, world: updated(world, 2), thinned: false };
    update(&mut client, 0)?;
    let half = updated(world, 0);
    let halfway = Age { name: "half updated", clause: moment(&mut client)?, world: half, thinned: false };
    update(&mut client, 1)?;
    let all = updated(&halfway.world, 1);
    let whole = Age { name: "all updated", clause: moment(&mut client)?, world: all, thinned: false };
    client.run("DELETE FROM bench_items WHERE id % 10 < 3")?;
    let now = Age { name: "now", clause: String::new(), world: updated(&whole.world, 2), thinned: true };
    for statement in ["CHECKPOINT", "VACUUM bench_items"] {
        client.run(statement)?;
    }
    // A graph over all rows takes more than a minute.
    world.wait(&mut client, Duration::from_secs(60))?;
    // What was enough for the questions that it was found with is not quite enough for others.
    let ef = ef + ef / 4;
    client.run(&format!("SET hnsw.ef_search = {ef}"))?;
    let ages = [now, loaded, halfway, whole];
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); ages.len()];
    let mut recalls = vec![0.0; ages.len()];
    for (age, recall) in ages.iter().zip(&mut recalls) {
        let bounds = age.world.bounds(QUERIES, &|row| age.holds(row));
        client.prepare(&age.search())?;
        *recall = age.world.recall(&mut client, &bounds, &|row| age.holds(row))?;
    }
    for _ in 0..ROUNDS {
        for (age, times) in ages.iter().zip(&mut times) {
            client.prepare(&age.search())?;
            let (started, mut rows) = (Instant::now(), Vec::new());
            for query in world.parameters.iter().take(QUERIES) {
                client.execute(&[query], &mut rows)?;
            }
            times.push(started.elapsed().as_secs_f64() * 1000.0 / QUERIES as f64);
        }
    }
    for ((age, recall), taken) in ages.iter().zip(&recalls).zip(&times) {
        let ratios: Vec<f64> = taken.iter().zip(&times[0]).map(|(past, now)| past / now).collect();
        println!(
            "{:<12} recall {recall:.4}, {:.2} ms, {:.2} x the time of now",
            age.name,
            median(taken),
            median(&ratios)
        );
    }
    Ok(())
}
