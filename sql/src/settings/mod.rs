//! Settings: what SET, RESET and SHOW name, and what pg_settings lists.
//!
//! The list is data (`settings.tsv`): PostgreSQL 15's names, types, contexts, units, bounds and texts, and our own
//! `strata.*`. Its `effect` column is the one written list of options without meaning here: `works` changes
//! something, `stored` is accepted, stored and shown, `fixed` is shown and cannot be set in a session, `hidden`
//! works and is left out of pg_settings, as PostgreSQL does.
//!
//! Invariants. A stored value is canonical: booleans are `on` or `off`, integers count the setting's base unit.
//! Values change with the transaction: a rolled back SET is undone, a SET LOCAL ends with its transaction.

mod definition;
mod display;
mod evaluation;
mod validate;
mod values;

pub use definition::{Definition, Effect, SettingContext, SettingKind, all, find};
pub use display::{all_rows, show, shown};
pub use evaluation::{search_path_names, settings_of};
pub use validate::canonical;
pub use values::{SettingSource, SettingValues};
