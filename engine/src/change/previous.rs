//! Which version a version replaced.
//!
//! A version does not say so itself: it would be eight bytes more in each, for a question that is rarely asked. The change
//! index knows. What is in memory leads from the new place to the old one; what is in a run leads to the old version's
//! key, which is the new version's own but where the update changed it ([`ChangeRun::old_key`]).
//!
//! Invariants: the answer is the same whichever part of the index gives it, and a version that was inserted has none. A
//! version that ended before the horizon is not named, whether it has been given up yet or not. What is not committed
//! has not replaced anything yet.

use super::{HotChange, HotChanges, find};
use crate::batch::write_bytes;
use crate::ids::Location;
use crate::table::TableState;
use crate::table::row::Found;
use crate::view::{ReadView, follow};
use crate::{Error, RowHandle, TableId};

impl ReadView {
    /// The write that made the version which the one that a handle names has replaced ([`crate::RowRef::write`]).
    pub fn previous_write(&self, table: TableId, handle: RowHandle) -> Result<Option<[u8; 16]>, Error> {
        if handle.is_uncommitted() {
            return Ok(None);
        }
        let Some(table) = self.table(table) else { return Ok(None) };
        let state = table.read();
        let Some((location, found)) = state.resolve(handle) else { return Ok(None) };
        let at = found.from()?;
        // It was seen last right before the commit that replaced it.
        match table.check_readable(at.saturating_sub(1)) {
            Err(Error::BeforeHorizon { .. }) => return Ok(None),
            readable => readable?,
        }
        let previous = match state.change_runs.iter().find(|run| run.first <= at && at <= run.last) {
            None => state.hot_changes.replaced_by(&state, location, at, handle.birth)?,
            Some(run) => {
                let own_key = match found {
                    Found::Segment(part, row) => {
                        find(&state, part.segment.key(row)?, handle.birth, at, false)?
                    }
                    Found::Chunk(_, _) => None,
                };
                match own_key {
                    Some(previous) => Some(previous),
                    None => match run.old_key(at, handle.birth)? {
                        Some(key) => find(&state, &key, handle.birth, at, false)?,
                        None => None,
                    },
                }
            }
        };
        previous.map(|previous| Ok(write_bytes(previous.from()?, handle.birth))).transpose()
    }
}

impl HotChanges {
    /// The version that the one at `location`, of the commit `at`, has replaced.
    fn replaced_by<'a>(
        &self,
        state: &'a TableState,
        location: Location,
        at: u64,
        birth: u64,
    ) -> Result<Option<Found<'a>>, Error> {
        let begin = self.list.partition_point(|change| change.at < at);
        let end = self.list.partition_point(|change| change.at <= at);
        let commit = self.list.get(begin..end).unwrap_or(&[]);
        // Deletions stand first; new versions follow in the order of their places.
        let news = commit.partition_point(|change| change.new == Location::NONE);
        let news = commit.get(news..).unwrap_or(&[]);
        let after = news.partition_point(|change| change.new.0 <= location.0);
        if let Some(change) = after.checked_sub(1).and_then(|place| news.get(place))
            && location.0 < change.new.0 + u64::from(change.count)
            && change.old == Location::NONE
        {
            return Ok(None);
        }
        let likely = after.checked_sub(1).and_then(|place| news.get(place));
        // Moves could have disturbed the order of places; then all of the commit is looked at.
        let is_it = |change: &HotChange, number: u64| -> Result<Option<Found<'a>>, Error> {
            match follow(state, change.places(number).1) {
                Some((_, found)) if found.birth()? == birth && found.end() == at => Ok(Some(found)),
                Some(_) | None => Ok(None),
            }
        };
        if let Some(change) = likely
            && let number = location.0 - change.new.0
            && number < u64::from(change.count)
            && let Some(found) = is_it(change, number)?
        {
            return Ok(Some(found));
        }
        for change in news.iter().filter(|change| change.old != Location::NONE) {
            for number in 0..u64::from(change.count) {
                if let Some(found) = is_it(change, number)? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }
}
