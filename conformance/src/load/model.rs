//! What the writers know of the load's tables: every version that was acknowledged, the transaction that made it and the
//! one that ended it.

use std::collections::{BTreeMap, HashMap};

use super::TABLES;

/// A transaction: its writer and its number there. It is told by the row of it in `act`, and in each version made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Act {
    pub writer: u32,
    pub number: u32,
}

impl std::fmt::Display for Act {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.writer, self.number)
    }
}

/// The row of a table by its key.
pub type Key = (usize, i64);

/// A row's columns but for the key and the act.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    pub code: String,
    pub grp: Option<i64>,
    pub amount: i64,
    pub place: Option<[i64; 3]>,
}

/// One version.
#[derive(Clone, Debug)]
pub struct Version {
    pub key: Key,
    pub content: Content,
    pub made: Act,
    pub ended: Option<Act>,
}

impl Version {
    /// As `TEXT` in SQL shows it.
    pub fn text(&self) -> String {
        let Content { code, grp, amount, place } = &self.content;
        let grp = grp.map_or("-".to_owned(), |grp| grp.to_string());
        let place = place.map_or("-".to_owned(), |[x, y, z]| format!("[{x},{y},{z}]"));
        format!("{}|{code}|{grp}|{amount}|{place}|{}", self.key.1, self.made)
    }
}

/// What one writer does in a transaction: rows by key, `None` for deleted. Its own keys only, each once.
pub type Effects = BTreeMap<Key, Option<Content>>;

/// All versions of the keys of one writer.
#[derive(Default)]
pub struct Ledger {
    pub versions: Vec<Version>,
    /// The version of each key that lives.
    pub living: BTreeMap<Key, usize>,
}

impl Ledger {
    pub fn content(&self, key: Key) -> Option<&Content> {
        Some(&self.versions.get(*self.living.get(&key)?)?.content)
    }

    /// Takes an acknowledged transaction over.
    pub fn apply(&mut self, act: Act, effects: Effects) {
        for (key, content) in effects {
            if let Some(version) = self.living.remove(&key).and_then(|place| self.versions.get_mut(place)) {
                version.ended = Some(act);
            }
            if let Some(content) = content {
                self.living.insert(key, self.versions.len());
                self.versions.push(Version { key, content, made: act, ended: None });
            }
        }
    }
}

/// When each transaction committed, as the server tells it, in microseconds since 2000.
pub type Moments = HashMap<Act, i64>;

/// Everything that was acknowledged.
pub struct Model {
    pub versions: Vec<Version>,
}

impl Model {
    /// The multiset of (row, from, to) of a table, sorted; a version that lives ends at `None`.
    pub fn history(&self, table: usize, moments: &Moments) -> Vec<(String, i64, Option<i64>)> {
        let at = |act: Act| moments.get(&act).copied().unwrap_or(i64::MIN);
        let of_table = self.versions.iter().filter(|version| version.key.0 == table);
        let mut history: Vec<_> =
            of_table.map(|version| (version.text(), at(version.made), version.ended.map(at))).collect();
        history.sort();
        history
    }

    /// The versions of a table that are alive at a moment.
    pub fn at<'m>(
        &'m self,
        table: usize,
        moments: &'m Moments,
        moment: i64,
    ) -> impl Iterator<Item = &'m Version> {
        let before = move |act: &Act| moments.get(act).is_some_and(|at| *at <= moment);
        self.versions.iter().filter(move |version| {
            version.key.0 == table && before(&version.made) && !version.ended.as_ref().is_some_and(before)
        })
    }

    /// How many versions each table has.
    pub fn counts(&self) -> String {
        let count = |table| self.versions.iter().filter(|version| version.key.0 == table).count();
        let counts: Vec<String> = TABLES
            .iter()
            .enumerate()
            .map(|(number, (name, _))| format!("{name} {}", count(number)))
            .collect();
        counts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_lives_from_its_act_until_the_next() {
        let mut ledger = Ledger::default();
        let content = |amount| Content { code: "c".into(), grp: None, amount, place: Some([1, -2, 3]) };
        let act = |number| Act { writer: 1, number };
        ledger.apply(act(1), Effects::from([((0, 7), Some(content(1)))]));
        ledger.apply(act(2), Effects::from([((0, 7), Some(content(2)))]));
        ledger.apply(act(3), Effects::from([((0, 7), None)]));
        let model = Model { versions: ledger.versions };
        let moments = Moments::from([(act(1), 10), (act(2), 20), (act(3), 30)]);
        let amounts = |moment| -> Vec<i64> {
            model.at(0, &moments, moment).map(|version| version.content.amount).collect()
        };
        assert_eq!(
            [9, 10, 19, 20, 29, 30].map(amounts),
            [vec![], vec![1], vec![1], vec![2], vec![2], vec![]]
        );
        let history = model.history(0, &moments);
        assert_eq!(history[0], ("7|c|-|1|[1,-2,3]|1/1".to_owned(), 10, Some(20)));
        assert!(ledger.living.is_empty());
    }
}
