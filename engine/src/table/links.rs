//! Links from the versions of a segment that have ended to those that came after them.
//!
//! Few rows of a segment have one, and stand in a map; where an update went over many, all rows have a place in a list.
//! Links lead those on who found an old version and want the newest; nothing durable depends on them.

use crate::ids::Location;
use hashbrown::HashMap;

/// One row in so many with a link: then a list takes no more room than a map.
const MANY: usize = 4;

/// The links of one segment, by row.
#[derive(Clone, Debug)]
pub(crate) enum Links {
    Few(HashMap<u32, Location>),
    Many(Vec<Location>),
}

impl Default for Links {
    fn default() -> Links {
        Links::Few(HashMap::new())
    }
}

impl Links {
    /// The newer version of a row.
    pub fn get(&self, row: usize) -> Location {
        let link = match self {
            Links::Few(links) => links.get(&(row as u32)),
            Links::Many(links) => links.get(row),
        };
        link.copied().unwrap_or(Location::NONE)
    }

    /// Links a row of a segment of `rows` rows.
    pub fn set(&mut self, row: usize, rows: usize, to: Location) {
        match self {
            Links::Few(links) if links.len() * MANY < rows => {
                links.insert(row as u32, to);
            }
            Links::Few(links) => {
                let mut all = vec![Location::NONE; rows];
                for (row, link) in links.iter() {
                    if let Some(place) = all.get_mut(*row as usize) {
                        *place = *link;
                    }
                }
                *self = Links::Many(all);
                self.set(row, rows, to);
            }
            Links::Many(links) => {
                if let Some(place) = links.get_mut(row) {
                    *place = to;
                }
            }
        }
    }

    /// Every row with a link.
    pub fn all(&self) -> Vec<(u32, Location)> {
        match self {
            Links::Few(links) => links.iter().map(|(row, link)| (*row, *link)).collect(),
            Links::Many(links) => {
                let rows = (0u32..).zip(links.iter().copied());
                rows.filter(|(_, link)| *link != Location::NONE).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_the_same_in_a_map_and_in_a_list() {
        let mut links = Links::default();
        let mut model = vec![Location::NONE; 100];
        for step in 0..90 {
            let (row, to) = (step * 37 % 100, Location::hot(7, step as u32));
            links.set(row, 100, to);
            model[row] = to;
            assert!((0..100).all(|row| links.get(row) == model[row]), "after {step}");
            assert_eq!(matches!(links, Links::Many(_)), step >= 25);
            let mut all = links.all();
            all.sort_unstable_by_key(|(row, _)| *row);
            let expected = (0u32..).zip(model.iter().copied());
            assert!(all.into_iter().eq(expected.filter(|(_, link)| *link != Location::NONE)));
        }
        assert_eq!(links.get(100), Location::NONE);
    }
}
