//! The load's tables beside the model: every version, and at five moments every row by every index.

use tokio_postgres::{Client, SimpleQueryMessage};

use super::model::{Act, Model, Moments, Version};
use super::{BUILT, INDEXES, TABLES, TEXT};
use crate::Failure;
use crate::random::Random;

/// The indexes of primary keys.
pub const PRIMARY: [(usize, &str, &str); 2] = [(0, "account_pkey", "(id)"), (1, "line_pkey", "(id, code)")];
/// Moments at which indexes are compared.
const CHOSEN: usize = 5;
/// Rows that are looked up by single keys, for each index and moment.
const LOOKED_UP: u64 = 12;
/// Neighbours wanted of each search, and searches.
const NEIGHBOURS: usize = 10;
const SEARCHES: usize = 8;

/// When each acknowledged transaction committed; that later ones of a writer come later is checked.
pub async fn moments(client: &Client) -> Result<Moments, Failure> {
    let text = "SELECT act, (extract(epoch FROM _system_from) * 1000000)::int8 FROM act FOR SYSTEM_TIME ALL";
    let mut moments = Moments::new();
    for row in client.query(text, &[]).await? {
        let (act, at): (String, i64) = (row.get(0), row.get(1));
        let (writer, number) = act.split_once('/').ok_or("an act")?;
        moments.insert(Act { writer: writer.parse()?, number: number.parse()? }, at);
    }
    let mut ordered: Vec<_> = moments.iter().collect();
    ordered.sort();
    for pair in ordered.windows(2) {
        if let [(before, earlier), (after, later)] = pair
            && before.writer == after.writer
            && earlier > later
        {
            return Err(
                format!("{after} was asked for after {before}, and is at {later} before {earlier}").into()
            );
        }
    }
    Ok(moments)
}

/// Five moments, the last among them, each just when something was committed.
pub fn choose(moments: &Moments, random: &mut Random) -> Result<Vec<i64>, Failure> {
    let mut all: Vec<i64> = moments.values().copied().collect();
    all.sort_unstable();
    let last = *all.last().ok_or("nothing was committed")?;
    let mut chosen: Vec<i64> = (1..CHOSEN).map(|_| all[random.below(all.len() as u64) as usize]).collect();
    chosen.push(last);
    Ok(chosen)
}

/// A server's state and what it must be.
pub struct Checked<'a> {
    pub client: &'a Client,
    pub model: &'a Model,
    pub moments: &'a Moments,
    pub random: &'a mut Random,
}

impl Checked<'_> {
    pub async fn everything(&mut self, chosen: &[i64]) -> Result<(), Failure> {
        for table in 0..TABLES.len() {
            self.history(table).await?;
        }
        for table in 0..TABLES.len() {
            for moment in chosen {
                self.table(table, Some(*moment)).await?;
            }
            self.table(table, None).await?;
        }
        Ok(())
    }

    /// The multiset of (row, from, to).
    async fn history(&self, table: usize) -> Result<(), Failure> {
        let name = TABLES[table].0;
        let micros = |column: &str| format!("(extract(epoch FROM {column}) * 1000000)::int8");
        let (from, to) = (micros("_system_from"), micros("_system_to"));
        let text = format!(
            "SELECT {TEXT}, {from}, CASE WHEN _system_to < 'infinity' THEN {to} END FROM {name} FOR SYSTEM_TIME ALL"
        );
        let rows = self.client.query(&text, &[]).await.map_err(|error| format!("{text}: {error:?}"))?;
        let mut found: Vec<(String, i64, Option<i64>)> =
            rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        found.sort();
        let expected = self.model.history(table, self.moments);
        if found == expected {
            return Ok(());
        }
        let difference = found.iter().zip(&expected).find(|(found, expected)| found != expected);
        let (found, expected) = (found.len(), expected.len());
        Err(format!("{name} has {found} versions, the model {expected}; first: {difference:?}").into())
    }

    /// Everything of a table at a moment, or now.
    async fn table(&mut self, table: usize, moment: Option<i64>) -> Result<(), Failure> {
        let living: Vec<&Version> = self.model.at(table, self.moments, moment.unwrap_or(i64::MAX)).collect();
        let mut expected: Vec<String> = living.iter().map(|version| version.text()).collect();
        expected.sort();
        let name = TABLES[table].0;
        let past = moment.map(|moment| format!(" FOR SYSTEM_TIME AS OF {}", timestamp(moment)));
        let from = format!("{name}{}", past.unwrap_or_default());
        let rows = self.rows(&format!("SELECT {TEXT} FROM {from}")).await?;
        same(&format!("{from} by a scan"), rows, &expected)?;
        let built = if moment.is_none() { BUILT.as_slice() } else { &[] };
        let all = [INDEXES.as_slice(), PRIMARY.as_slice(), built].concat();
        for (_, index, definition) in all.into_iter().filter(|(of, _, _)| *of == table) {
            let (_, columns) = definition.split_once('(').ok_or("the columns of an index")?;
            let columns = columns.trim_end_matches(')');
            match columns.split_once(" vector_") {
                Some((_, operators)) => self.neighbours(&from, index, operators, &living).await?,
                None => self.by_index(&from, index, columns, &living, &expected).await?,
            }
        }
        Ok(())
    }

    /// An index of keys: walked whole in both directions, and asked for single keys and a list.
    async fn by_index(
        &mut self,
        from: &str,
        index: &str,
        columns: &str,
        living: &[&Version],
        expected: &[String],
    ) -> Result<(), Failure> {
        let backward = match columns {
            "grp, amount DESC" => "grp DESC, amount".to_owned(),
            "id, code" => "id DESC, code DESC".to_owned(),
            _ => format!("{columns} DESC"),
        };
        for order in [columns, &backward] {
            let text = format!("SELECT {TEXT} FROM {from} ORDER BY {order} LIMIT 1000000000");
            self.explained(&text, &format!("using {index} on")).await?;
            same(&format!("{from} by {index}"), self.rows(&text).await?, expected)?;
        }
        let column = columns.split(',').next().unwrap_or(columns);
        let key = |version: &Version| match column {
            "code" => Some(format!("'{}'", version.content.code)),
            "grp" => version.content.grp.map(|grp| grp.to_string()),
            "amount" => Some(version.content.amount.to_string()),
            _ => Some(version.key.1.to_string()),
        };
        let mut keys = vec![if column == "code" { "'no such'".to_owned() } else { "-77".to_owned() }];
        for _ in 0..LOOKED_UP.min(living.len() as u64) {
            keys.extend(key(living[self.random.below(living.len() as u64) as usize]));
        }
        let with = |keys: &[String]| -> Vec<String> {
            let qualify = living.iter().filter(|version| key(version).is_some_and(|key| keys.contains(&key)));
            let mut texts: Vec<String> = qualify.map(|version| version.text()).collect();
            texts.sort();
            texts
        };
        for of in &keys {
            let text = format!("SELECT {TEXT} FROM {from} WHERE {column} = {of}");
            same(&text, self.rows(&text).await?, &with(std::slice::from_ref(of)))?;
        }
        let text = format!("SELECT {TEXT} FROM {from} WHERE {column} IN ({})", keys.join(", "));
        same(&text, self.rows(&text).await?, &with(&keys))
    }

    /// An index of vectors: the nearest are the model's, and all are found if all are asked for.
    async fn neighbours(
        &mut self,
        from: &str,
        index: &str,
        operators: &str,
        living: &[&Version],
    ) -> Result<(), Failure> {
        let operator = if operators.starts_with("cosine") { "<=>" } else { "<->" };
        let (mut right, mut wanted) = (0, 0);
        for search in 0..SEARCHES {
            let query = [(); 3].map(|()| self.random.below(2000) as i64 - 1000);
            let mut exact: Vec<(f64, String)> = living
                .iter()
                .filter_map(|version| {
                    Some((distance(operator, query, version.content.place?)?, version.text()))
                })
                .collect();
            exact.sort_by(|left, right| left.0.total_cmp(&right.0));
            let k = if search == 0 { living.len() + 1 } else { NEIGHBOURS };
            let [x, y, z] = query;
            let text =
                format!("SELECT {TEXT} FROM {from} ORDER BY place {operator} '[{x},{y},{z}]' LIMIT {k}");
            self.explained(&text, &format!("using {index} on")).await?;
            let found = self.rows(&text).await?;
            // A graph's answer has no more rows than have a vector; a table's comes with the others at its end.
            let farthest = exact.iter().take(k).next_back().map_or(0.0, |(distance, _)| *distance);
            let near = exact.iter().filter(|(distance, _)| *distance <= farthest + 1e-9);
            let near: std::collections::HashSet<&str> = near.map(|(_, text)| text.as_str()).collect();
            let hits = found.iter().filter(|text| near.contains(text.as_str())).count();
            let expected = exact.len().min(k);
            if found.len() < expected || (search == 0 && hits != expected) {
                return Err(format!("{text}: {} rows, {hits} of {expected} right", found.len()).into());
            }
            right += hits.min(expected);
            wanted += expected;
        }
        match right * 100 >= wanted * 95 {
            true => Ok(()),
            false => Err(format!("{from}: {right} of {wanted} neighbours by {index}").into()),
        }
    }

    /// The plan of a query must name what it is forced to use.
    async fn explained(&self, text: &str, what: &str) -> Result<(), Failure> {
        let plan = self.rows(&format!("EXPLAIN {text}")).await?.join("\n");
        if plan.contains(what) { Ok(()) } else { Err(format!("{text}: not {what}:\n{plan}").into()) }
    }

    /// The first column of each row.
    async fn rows(&self, text: &str) -> Result<Vec<String>, Failure> {
        let messages = self.client.simple_query(text).await.map_err(|error| format!("{text}: {error:?}"))?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        });
        Ok(rows.collect())
    }
}

/// A moment in microseconds since 1970 as SQL writes it.
fn timestamp(micros: i64) -> String {
    let (seconds, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    format!("timestamptz 'epoch' + interval '{seconds} seconds {rest} microseconds'")
}

fn distance(operator: &str, query: [i64; 3], place: [i64; 3]) -> Option<f64> {
    let pairs = || query.iter().zip(&place).map(|(left, right)| (*left as f64, *right as f64));
    if operator == "<->" {
        return Some(pairs().map(|(left, right)| (left - right).powi(2)).sum::<f64>().sqrt());
    }
    let length = |vector: [i64; 3]| vector.iter().map(|each| (each * each) as f64).sum::<f64>().sqrt();
    let lengths = length(query) * length(place);
    let product: f64 = pairs().map(|(left, right)| left * right).sum();
    (lengths > 0.0).then(|| 1.0 - product / lengths)
}

fn same(what: &str, mut found: Vec<String>, expected: &[String]) -> Result<(), Failure> {
    found.sort();
    if found == expected {
        return Ok(());
    }
    let missing = expected.iter().find(|text| found.binary_search(text).is_err());
    let extra = found.iter().find(|text| expected.binary_search(text).is_err());
    let (found, expected) = (found.len(), expected.len());
    Err(format!("{what}: {found} rows of {expected}, missing {missing:?}, extra {extra:?}").into())
}
