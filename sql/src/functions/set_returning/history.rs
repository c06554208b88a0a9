//! Rows about the past of tables: what became of their rows, and when.

use super::Family;
use crate::error::Error;

pub(super) const FUNCTIONS: Family = &[
    // strata.history(regclass,"any"): analysis makes a scan of its calls in FROM, and refuses others.
    (9501, |_, _, _| Err(Error::unsupported("strata.history outside FROM"))),
    // strata.table_changes(regclass,timestamptz,timestamptz)
    (9502, |context, call, values| context.environment.rows_call(call.function, context, values)),
];
