//! Random views and random transactions beneath them, for the tests of views.
#![allow(dead_code)]

use super::harness::Client;

/// Numbers of a seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }
}

pub const TABLES: &str = "CREATE TABLE a (id int PRIMARY KEY, k int, v int, f float8);
    CREATE TABLE b (id int PRIMARY KEY, k int, w int, n numeric, p numeric, q numeric(8, 2), l bigint);
    CREATE TABLE c (k int, s text);
    CREATE INDEX ON a (k); CREATE INDEX ON b (k);";

/// A random query and how many columns it shows.
pub fn query(random: &mut Random) -> (String, usize) {
    let bound = random.below(8);
    let aggregate = random.one_of(&[
        "count(*)",
        "count(v)",
        "sum(v)",
        "avg(v)",
        "min(v)",
        "max(v)",
        "sum(f)",
        "count(DISTINCT v)",
        "sum(v) FILTER (WHERE v > 3)",
        "max(f)",
        "avg(f)",
        "sum(v) + count(*)",
    ]);
    match random.below(34) {
        0 => (format!("SELECT id, k, v FROM a WHERE v > {bound}"), 3),
        1 => (format!("SELECT k, v % 3 AS m FROM a WHERE k IS NULL OR k < {bound}"), 2),
        2 => (format!("SELECT k, v FROM a WHERE v < {bound} UNION ALL SELECT k, w FROM b"), 2),
        3 => ("SELECT k FROM a UNION SELECT k FROM b".to_string(), 1),
        4 => (format!("SELECT k, v FROM a EXCEPT ALL SELECT k, w FROM b WHERE w > {bound}"), 2),
        5 => ("SELECT k FROM a INTERSECT SELECT k FROM c".to_string(), 1),
        6 => (format!("SELECT a.id, b.w, b.n FROM a JOIN b ON a.k = b.k WHERE a.v > {bound}"), 3),
        7 => ("SELECT a.k, c.s, a.v FROM a JOIN c ON a.k = c.k JOIN b ON b.id = a.id".to_string(), 3),
        8 => ("SELECT a.id, c.s FROM a LEFT JOIN c ON a.k = c.k".to_string(), 2),
        9 => (format!("SELECT a.id, b.w FROM a LEFT JOIN b ON a.k = b.k AND b.w > {bound}"), 2),
        10 => ("SELECT a.v, b.id FROM a RIGHT JOIN b ON a.k = b.k".to_string(), 2),
        11 => ("SELECT a.id, b.id FROM a FULL JOIN b ON a.k = b.k".replace("b.id FROM", "b.id AS other FROM"), 2),
        12 | 13 => (format!("SELECT k, {aggregate} AS x FROM a GROUP BY k"), 2),
        14 => (format!("SELECT k, count(*) AS n, {aggregate} AS x FROM a GROUP BY k HAVING count(*) > {}", 1 + bound % 3), 3),
        15 => (format!("SELECT {aggregate} AS x, count(*) AS n FROM a"), 2),
        16 => ("SELECT DISTINCT k, v % 2 AS m FROM a".to_string(), 2),
        17 => ("SELECT b.k, sum(a.v) AS s, count(c.s) AS n FROM b JOIN a ON a.k = b.k LEFT JOIN c ON c.k = b.k GROUP BY b.k".to_string(), 3),
        18 => ("SELECT n, count(*) AS x, sum(w) AS s FROM b GROUP BY n".to_string(), 3),
        19 => ("SELECT k, v, rank() OVER (PARTITION BY k ORDER BY v) AS r FROM a".to_string(), 3),
        20 => (format!("SELECT v, id FROM a ORDER BY v, id LIMIT {}", 1 + bound), 2),
        21 => ("SELECT k, count(*) AS n, sum(v) AS s, count(v) AS c FROM a GROUP BY k".to_string(), 4),
        32 => ("SELECT k, p FROM b".to_string(), 2),
        33 => ("SELECT f, v FROM a".to_string(), 2),
        30 => ("SELECT k, count(*) AS n, sum(id) AS s, avg(id) AS m FROM a GROUP BY k".to_string(), 4),
        31 => ("SELECT b.k, count(*) AS n, sum(a.id) AS s, sum(b.id) AS t FROM b LEFT JOIN a ON a.k = b.k GROUP BY b.k".to_string(), 4),
        22 => ("SELECT k, count(p) AS c, sum(p) AS s, avg(p) AS m FROM b GROUP BY k".to_string(), 4),
        23 => ("SELECT k, sum(q) AS s, count(q) AS c, count(*) AS n FROM b GROUP BY k".to_string(), 4),
        24 => ("SELECT k, sum(l) AS s, avg(l) AS m, count(l) AS c, min(l) AS o FROM b GROUP BY k".to_string(), 5),
        25 => ("SELECT k, min(v) AS o, max(v) AS g, max(f) AS h, count(*) AS n FROM a GROUP BY k".to_string(), 5),
        26 => ("SELECT k, min(s) AS o, max(s) AS g FROM c GROUP BY k".to_string(), 3),
        27 => ("SELECT n, sum(p) AS s, avg(w) AS m, sum(w) AS t, count(w) AS c FROM b GROUP BY n".to_string(), 5),
        28 => ("SELECT b.k, sum(b.q) AS s, max(a.v) AS g FROM b LEFT JOIN a ON a.k = b.k GROUP BY b.k".to_string(), 3),
        _ => (format!("SELECT k, v FROM a WHERE v > (SELECT avg(w) FROM b WHERE b.id < {})", 5 + bound), 2),
    }
}

/// A random change of one table.
fn change(random: &mut Random) -> String {
    let (id, v) = (random.below(25), random.below(9));
    let key = match random.below(5) {
        0 => "NULL".to_string(),
        _ => random.below(5).to_string(),
    };
    let float = random.one_of(&["'NaN'", "0.1", "1e300", "-1e300", "0.3", "NULL", "'-0'", "2.5"]);
    let numeric = random.one_of(&["1", "2", "2.5", "NULL", "'NaN'"]);
    let digits =
        random.one_of(&["1", "1.00", "2.50", "0.125", "-3.5", "1e20", "NULL", "1.5", "'NaN'", "'Infinity'"]);
    let fixed = random.one_of(&["1", "2.5", "0.25", "-3.75", "NULL"]);
    let long = random.one_of(&["1", "9000000000000000000", "-9000000000000000000", "NULL", "7"]);
    let value = if random.below(6) == 0 { "NULL".to_string() } else { v.to_string() };
    match random.below(12) {
        0..=2 => format!(
            "INSERT INTO a VALUES ({id}, {key}, {value}, {float}) ON CONFLICT (id) DO UPDATE SET k = {key}, v = {value}, f = {float};"
        ),
        3 => format!("UPDATE a SET k = {key} WHERE v = {v};"),
        4 => format!("UPDATE a SET v = v + 1, f = {float} WHERE id < {};", id / 2),
        5 => format!("DELETE FROM a WHERE id % 7 = {};", v % 7),
        6 | 7 => format!(
            "INSERT INTO b VALUES ({id}, {key}, {value}, {numeric}, {digits}, {fixed}, {long})
             ON CONFLICT (id) DO UPDATE SET k = {key}, w = {value}, n = {numeric}, p = {digits}, q = {fixed}, l = {long};"
        ),
        8 => format!("DELETE FROM b WHERE k = {} OR id = {id};", v % 5),
        9 | 10 => format!("INSERT INTO c VALUES ({key}, 's{}'), ({key}, 's{}');", v % 3, v % 2),
        _ => format!("DELETE FROM c WHERE k = {};", v % 5),
    }
}

/// A random transaction, committed or not.
pub fn transaction(random: &mut Random) -> String {
    let mut script = "BEGIN;".to_string();
    for _ in 0..=random.below(4) {
        match random.below(6) {
            0 => {
                script.push_str("SAVEPOINT s;");
                script.push_str(&change(random));
                script.push_str("ROLLBACK TO s;");
            }
            _ => script.push_str(&change(random)),
        }
    }
    script.push_str(if random.below(4) == 0 { "ROLLBACK;" } else { "COMMIT;" });
    script
}

/// A materialized view.
pub struct View {
    pub name: String,
    pub query: String,
    pub columns: usize,
}

impl View {
    fn order(&self) -> String {
        (1..=self.columns).map(|number| number.to_string()).collect::<Vec<_>>().join(", ")
    }

    /// Its rows and those of its query, each sorted.
    fn pair(&self) -> String {
        let order = self.order();
        format!(
            "SELECT * FROM {} ORDER BY {order};\u{0}SELECT * FROM ({}) q ORDER BY {order};",
            self.name, self.query
        )
    }
}

/// The rows of a view, after a comparison with its query: both read one moment, as nothing is committed meanwhile.
pub fn compared(client: &mut Client<'_>, view: &View) -> Result<String, String> {
    let pair = view.pair();
    let (stored, computed) = pair.split_once('\u{0}').expect("two queries");
    let (stored, computed) = (client.run(stored), client.run(computed));
    // The columns of the query may go by other names than the view's, and rows that are equal and look different come in
    // any order: rows alone are compared, sorted.
    let rows = |printed: &str| {
        let mut rows: Vec<String> = printed.lines().skip(1).map(str::to_string).collect();
        rows.sort_unstable();
        rows
    };
    if rows(&stored) != rows(&computed) || stored.contains("ERROR") {
        return Err(format!("{} AS {} shows\n{stored}and its query\n{computed}", view.name, view.query));
    }
    Ok(rows(&stored).join("\n"))
}

/// As [`compared`], and no difference will do.
pub fn compare(client: &mut Client<'_>, view: &View, place: &str) {
    if let Err(error) = compared(client, view) {
        panic!("{place}: {error}");
    }
}

/// The present moment, as text.
pub fn moment_of(client: &mut Client<'_>) -> String {
    let printed = client.run("SELECT clock_timestamp()::text;");
    printed.lines().nth(1).expect("a moment").to_string()
}
