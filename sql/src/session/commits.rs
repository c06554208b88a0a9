//! The row of strata.commits that a transaction leaves.
//!
//! It is the signature of the commit, if that writes something: who committed, from which application, and with which
//! message (`SET LOCAL strata.commit_message`). When, and where in the log, the row's own version tells. It has no key,
//! so no two commits meet over it. On a full disk, where only what adds no data may be committed, a transaction leaves
//! none.

use catalog::store::COMMITS;
use engine::{TableId, Transaction, Value};

use super::engine_error;
use super::shared::Shared;
use crate::error::Result;

/// Leaves the row, if the transaction wrote anything.
pub fn sign(shared: &Shared, transaction: &mut Transaction) -> Result<()> {
    if !transaction.has_writes() || shared.instance.database().is_disk_full() {
        return Ok(());
    }
    let derived = shared.derived();
    let user = shared.identity.lock().session_user.clone();
    let values = vec![
        Value::from(shared.entry.database.as_str()),
        Value::Text(user),
        Value::Text(derived.application.clone()),
        derived.commit_message.clone().map_or(Value::Null, Value::Text),
    ];
    transaction.sign(TableId(COMMITS), values).map_err(engine_error)
}
