//! For how long a table keeps its history: the storage parameter `history_retention`, an interval; `forever`, the
//! default, never gives anything up.
//!
//! The catalog remembers the text, and shows it; the engine is told when a definition is published, and at each start.

use std::collections::BTreeMap;

use catalog::{Relation, RelationKind, Snapshot};
use engine::TableId;

use crate::error::{Error, Result, SqlState};
use crate::types::{InputSettings, interval};

/// The parameter.
pub(super) const NAME: &str = "history_retention";
/// Its value for no bound.
const FOREVER: &str = "forever";

/// The parameter in microseconds; `None`: for ever. A text that says no length of time is an error.
pub(super) fn retention(options: &BTreeMap<String, String>) -> Result<Option<i64>> {
    let Some(text) = options.get(NAME).filter(|text| !text.eq_ignore_ascii_case(FOREVER)) else {
        return Ok(None);
    };
    let invalid = || {
        let message = format!("invalid value for parameter \"{NAME}\": \"{text}\"");
        Error::new(SqlState::InvalidParameterValue, message)
    };
    let span = interval::input(text, -1, &InputSettings::plain()).map_err(|_| invalid())?.span();
    i64::try_from(span).ok().filter(|micros| *micros >= 0).map(Some).ok_or_else(invalid)
}

/// Tells the engine what a table's definition says. A table that is no more needs nothing.
pub(crate) fn tell(database: &engine::Database, relation: &Relation) {
    if let RelationKind::Table(_) = relation.kind {
        match retention(&relation.options) {
            Ok(retention) => {
                if let Err(error) = database.set_history_retention(TableId(relation.oid), retention) {
                    tracing::debug!(%error, table = relation.oid, "no retention to set");
                }
            }
            Err(error) => tracing::error!(%error, table = relation.oid, "history is kept for ever"),
        }
    }
}

/// Tells the engine what every table's definition says: at a start.
pub(crate) fn tell_all(database: &engine::Database, snapshot: &Snapshot) {
    for of in snapshot.databases() {
        for relation in snapshot.relations(of.oid) {
            tell(database, relation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_read_and_nothing_else() {
        let of = |text: &str| retention(&BTreeMap::from([(NAME.to_string(), text.to_string())]));
        assert_eq!(retention(&BTreeMap::new()).ok(), Some(None));
        assert_eq!(of("forever").ok(), Some(None));
        assert_eq!(of("2 hours").ok(), Some(Some(7_200_000_000)));
        assert_eq!(of("1 mon").ok(), Some(Some(30 * 86_400_000_000)));
        assert!(of("-1 day").is_err() && of("soon").is_err());
    }
}
