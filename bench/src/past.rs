//! The table that the AS OF cells read: every row with ten versions, and a moment in the middle of them.

use crate::Failure;
use crate::peer::Peer;

const ROWS: u32 = 100_000;
/// Rounds of updates of all rows, before and behind the moment.
const ROUNDS: u32 = 5;

/// Makes the table and its history, once; checks that the past is what it was.
pub fn prepare(strata: &Peer) -> Result<(), Failure> {
    let there = strata.sql("SELECT count(*) FROM pg_class WHERE relname = 'bench_past'")?;
    if there.trim() != "0" {
        return Ok(());
    }
    strata.sql("CREATE TABLE bench_past (id int PRIMARY KEY, amount int NOT NULL, filler text)")?;
    strata.sql("CREATE TABLE bench_moment (at timestamptz)")?;
    strata.sql(&format!(
        "INSERT INTO bench_past SELECT i, 0, 'some bytes to fill a row' FROM generate_series(1, {ROWS}) AS i"
    ))?;
    let update = |times| -> Result<(), Failure> {
        for _ in 0..times {
            strata.sql("UPDATE bench_past SET amount = amount + 1")?;
        }
        Ok(())
    };
    update(ROUNDS)?;
    strata.sql("INSERT INTO bench_moment VALUES (clock_timestamp())")?;
    update(ROUNDS)?;
    strata.sql("CHECKPOINT")?;
    for (past, rounds) in [(true, ROUNDS), (false, 2 * ROUNDS)] {
        let found = strata.sql(sum(strata, past)?.trim_end())?;
        if found.trim() != (u64::from(rounds) * u64::from(ROWS)).to_string() {
            return Err(format!("the sum was {} after {rounds} rounds", found.trim()).into());
        }
    }
    Ok(())
}

/// The clause that names the moment, or nothing for the present.
fn clause(strata: &Peer, past: bool) -> Result<String, Failure> {
    if !past {
        return Ok(String::new());
    }
    let moment = strata.sql("SELECT at FROM bench_moment")?;
    Ok(format!(" FOR SYSTEM_TIME AS OF timestamptz '{}'", moment.trim()))
}

/// One row by key.
pub fn by_key(strata: &Peer, past: bool) -> Result<String, Failure> {
    let clause = clause(strata, past)?;
    Ok(format!("\\set id random(1, {ROWS})\nSELECT amount FROM bench_past{clause} WHERE id = :id;\n"))
}

/// A sum over all rows.
pub fn sum(strata: &Peer, past: bool) -> Result<String, Failure> {
    Ok(format!("SELECT sum(amount) FROM bench_past{};\n", clause(strata, past)?))
}
