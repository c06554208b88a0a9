//! Materialized views that are exact at every moment.
//!
//! **Contract.** `view AS OF t` is its query AS OF t, for every t; commits never wait for views. The rows of a view stand
//! in a table of the engine. A step brings them from one moment to a later one, in one transaction that also writes down
//! what it did: its base moment s, so that the rows committed at c are those of the query at s. A read at t takes the
//! newest step with s <= t. If nothing beneath the view has changed in (s, t] the stored rows as of c are the answer;
//! otherwise the query is evaluated at t. So the stored rows are an accelerator, never a semantic: a step that fails, or
//! never comes, makes reads dearer and not wrong, and a row that makes the query fail makes exactly those reads fail that
//! see it.
//!
//! **Steps** run on a thread of their own, which follows what commits have changed and coalesces it. A step computes the
//! changes of the query between its moments (`delta`) where the query's shape allows that, and otherwise evaluates the
//! query and compares. After a restart the thread goes on from the last step that was committed.
//!
//! **Views at a pace** (`refresh = '30s'`) take the same steps, that far apart, and their rows are read as those of a table
//! are: as they stood at t, which is the answer of an earlier moment. The watermark in strata.stat_views names it. What
//! stands on such a view stands on its rows. A REFRESH is a step too.
//!
//! **What can be kept** is a query whose answer depends on its tables alone (`eligible`): anything else is refused by name
//! where the view is made, or kept as PostgreSQL keeps it, with `refresh = manual`.

mod aggregate;
mod apply;
mod beneath;
mod commons;
mod delta;
mod eligible;
mod evaluator;
mod fault;
mod fold;
mod history;
mod keys;
mod maintenance;
mod moment;
mod net;
mod rules;
mod status;
mod step;

pub(crate) use apply::{Difference, RowImage, apply, difference_of, stored_rows};
pub use beneath::beneath;
pub(crate) use beneath::scans_of;
pub(crate) use delta::Weighted;
pub(crate) use delta::{changes_of_view, rows_beneath};
pub(crate) use eligible::check_eligible;
pub(crate) use evaluator::{Evaluator, as_of, unpopulated};
pub use fault::Fault;
pub(crate) use fault::is_planted;
#[cfg(feature = "simulation")]
pub use fault::plant;
pub(crate) use fold::group_columns;
pub(crate) use history::{ViewChange, ViewHistory};
#[cfg(feature = "simulation")]
pub(crate) use maintenance::step_all;
pub(crate) use maintenance::{Maintenance, Parts, start};
pub(crate) use moment::{Freshness, freshness};
pub use status::ViewStatus;
pub(crate) use step::{Step, create_steps, newest_step, write_first_step, write_renewal};
