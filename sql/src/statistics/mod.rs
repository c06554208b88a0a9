//! What ANALYZE knows of the columns of a table, and the planner goes by.
//!
//! **Purpose.** How many rows pass a condition follows from how values are spread: the part of NULLs, the number of
//! distinct values, the most common ones with their frequencies, and bounds that cut the others into equal parts. They
//! come of a sample, as PostgreSQL's do (`column`, after `commands/analyze.c`), and mean what pg_stats says they mean.
//!
//! **Who makes them.** ANALYZE and VACUUM ANALYZE, and a thread that looks after tables which have changed by a tenth
//! (`automatic`). A table has one sample at a time; of tables beyond a few million rows a part of the zones is read.
//!
//! **Where they are.** Rows of a table of the engine, durable with their commit (`store`), and a cache in memory. They
//! are no part of the catalog, because each version of the catalog costs readers of the past. A commit of statistics
//! forgets the table in the cache and gives the catalog a new number, so that plans are made anew.
//!
//! **Invariants.** Statistics decide how a query is answered, never what the answer is. What cannot be read, or is of
//! another type than the column has now, counts as never analyzed. They are written in a transaction of their own: in a
//! block that is rolled back they stay.

mod automatic;
mod collect;
mod column;
mod encoding;
mod estimate;
mod store;

pub(crate) use automatic::{Automatic, Upkeep};
pub(crate) use collect::analyze;
pub use column::{ColumnStatistics, Known};
pub use store::TableStatistics;
pub(crate) use store::create;
