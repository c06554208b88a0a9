//! Live versions by birth: how a row that the log names is found when its location does not lead to it any more.
//!
//! Made when the replay of the log first asks, because that reads every birth; kept up to date by rows that come to
//! chunks, and forgotten when rows come in segments and when the replay ends.

use super::{TableState, visibility};
use crate::ids::Location;
use crate::{Error, Timestamp};
use hashbrown::HashMap;

/// Live versions by birth.
pub(crate) struct Births {
    /// Of segments, sorted by birth.
    old: Vec<(u64, Location)>,
    /// Of chunks; they come after what is old.
    pub hot: HashMap<u64, Location>,
}

impl TableState {
    /// Has the list made anew when it is asked for next: rows came that it does not know, or the replay is over.
    pub fn forget_births(&mut self) {
        self.births = None;
    }

    /// The live version of a row; slow the first time, for the replay of the log.
    pub fn find_live_birth(&mut self, birth: u64) -> Result<Option<Location>, Error> {
        if self.births.is_none() {
            self.births = Some(self.live_births()?);
        }
        Ok(self.births.as_ref().and_then(|births| {
            births.hot.get(&birth).copied().or_else(|| {
                let place = births.old.binary_search_by_key(&birth, |(birth, _)| *birth).ok()?;
                births.old.get(place).map(|(_, location)| *location)
            })
        }))
    }

    fn live_births(&self) -> Result<Births, Error> {
        let (mut old, mut hot) = (Vec::new(), HashMap::new());
        for store in self.current.stores() {
            for (number, chunk) in store.chunks() {
                let lives = chunk.lives().iter().enumerate();
                let living = lives.filter(|(_, life)| visibility::is_live(life.end()));
                hot.extend(living.map(|(row, _)| (chunk.birth(row), store.location(number, row))));
            }
        }
        for part in self.current.segments.iter().filter(|part| part.may_show(Timestamp::LATEST.0)) {
            for (row, birth) in part.segment.births(0..part.segment.rows())?.iter().enumerate() {
                if visibility::is_live(part.segment.ends().get(row)) {
                    old.push((*birth, part.location(row)));
                }
            }
        }
        old.sort_unstable();
        Ok(Births { old, hot })
    }
}
