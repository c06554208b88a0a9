//! The materialized view over what pgbench changes: one aggregating view, kept exact while tpcb-like runs.

use crate::Failure;
use crate::peer::Peer;

/// Branches with how many accounts they have and what these add up to.
const QUERY: &str =
    "SELECT bid, count(*) AS accounts, sum(abalance) AS balance FROM pgbench_accounts GROUP BY bid";

/// Makes the view, or sees that there is none.
pub fn set(strata: &Peer, present: bool) -> Result<(), Failure> {
    strata.sql(&match present {
        true => format!("CREATE MATERIALIZED VIEW IF NOT EXISTS bench_branch AS {QUERY}"),
        false => "DROP MATERIALIZED VIEW IF EXISTS bench_branch".to_owned(),
    })?;
    Ok(())
}

/// Fails where the view is not its query, read in one snapshot.
pub fn check(strata: &Peer) -> Result<(), Failure> {
    let different = strata.sql(&format!(
        "SELECT count(*) FROM (SELECT * FROM bench_branch EXCEPT ALL ({QUERY}) UNION ALL \
         (({QUERY}) EXCEPT ALL SELECT * FROM bench_branch)) AS different"
    ))?;
    match different.trim() {
        "0" => Ok(()),
        rows => Err(format!("the view differs from its query in {rows} rows").into()),
    }
}
