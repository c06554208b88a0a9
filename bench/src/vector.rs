//! Nearest neighbours beside pgvector: recall and searches a second, over real embeddings.
//!
//! `strata-bench vectors rows=100000 dimensions=384 glosses=/usr/share/wordnet rival=PORT seconds=3 pairs=3`: both
//! servers get the same rows and an HNSW index with the same options. For each of them the least `hnsw.ef_search` that
//! reaches a recall of 0.95 is found, and the searches a second at it are compared, with one and with eight clients, in
//! interleaved pairs; parameters are binary. Filters, and searches of the past (`vector_past`), are measured on Strata alone.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::peer::Peer;
use crate::statistics::median;
use crate::{Failure, Options, embedding, vector_past};

const QUERIES: usize = 1000;
const K: usize = 10;
const WANTED: f64 = 0.95;
const SEARCH: &str = "SELECT id FROM bench_items ORDER BY e <=> $1 LIMIT 10";

/// What is searched, and what must be found.
pub struct World {
    pub rows: Vec<Vec<f32>>,
    /// Of each row a number below a thousand that follows where it lies.
    regions: Vec<u32>,
    queries: Vec<Vec<f32>>,
    pub parameters: Vec<Vec<u8>>,
}

/// The binary form of a vector.
fn binary(vector: &[f32]) -> Vec<u8> {
    let mut bytes = (vector.len() as u16).to_be_bytes().to_vec();
    bytes.extend_from_slice(&[0, 0]);
    vector.iter().for_each(|number| bytes.extend_from_slice(&number.to_be_bytes()));
    bytes
}

fn product(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 16];
    let (left, right) = (left.as_chunks::<16>().0, right.as_chunks::<16>().0);
    for (left, right) in left.iter().zip(right) {
        for ((lane, left), right) in lanes.iter_mut().zip(left).zip(right) {
            *lane = left.mul_add(*right, *lane);
        }
    }
    lanes.iter().sum()
}

impl World {
    fn new(options: &Options) -> Result<World, Failure> {
        let (rows, dimensions) = (options.number("rows", 100_000)?, options.number("dimensions", 384)?);
        if dimensions % 16 != 0 {
            return Err("dimensions come in sixteens".into());
        }
        let folder = options.text("glosses", "/usr/share/wordnet");
        let mut all = embedding::of_glosses(Path::new(&folder), dimensions as usize)?;
        for vector in &mut all {
            let length = product(vector, vector).sqrt();
            vector.iter_mut().for_each(|number| *number /= length);
        }
        all.truncate(rows as usize + QUERIES);
        let rows = all.split_off(QUERIES.min(all.len()));
        // Regions: by the nearest of some rows, so that a range of them is a few lumps of space.
        let centers: Vec<&Vec<f32>> = rows.iter().step_by(rows.len().div_ceil(500).max(1)).collect();
        let mut places: Vec<(usize, usize)> = Vec::new();
        for (row, vector) in rows.iter().enumerate() {
            let nearest = (0..centers.len()).max_by(|left, right| {
                product(centers[*left], vector).total_cmp(&product(centers[*right], vector))
            });
            places.push((nearest.unwrap_or(0), row));
        }
        places.sort_unstable();
        let mut regions = vec![0; rows.len()];
        for (rank, (_, row)) in places.iter().enumerate() {
            regions[*row] = (rank * 1000 / rows.len()) as u32;
        }
        let parameters = all.iter().map(|vector| binary(vector)).collect();
        Ok(World { rows, regions, queries: all, parameters })
    }

    /// The same questions of other rows.
    pub fn with_rows(&self, rows: Vec<Vec<f32>>) -> World {
        World {
            rows,
            regions: self.regions.clone(),
            queries: self.queries.clone(),
            parameters: self.parameters.clone(),
        }
    }

    /// The right answer: how near the farthest of the nearest that pass is, for each of the first queries.
    pub fn bounds(&self, queries: usize, passes: &dyn Fn(usize) -> bool) -> Vec<(usize, f32)> {
        let rows: Vec<usize> = (0..self.rows.len()).filter(|row| passes(*row)).collect();
        let of = |query: &Vec<f32>| {
            let mut nearness: Vec<f32> = rows.iter().map(|row| product(query, &self.rows[*row])).collect();
            nearness.sort_unstable_by(|left, right| right.total_cmp(left));
            nearness.truncate(K);
            (nearness.len(), nearness.last().copied().unwrap_or(0.0))
        };
        self.queries.iter().take(queries).map(of).collect()
    }

    fn load(&self, peer: &Peer) -> Result<Duration, Failure> {
        let mut client = Client::connect(peer.port)?;
        client.run("CREATE EXTENSION IF NOT EXISTS vector")?;
        client.run("DROP TABLE IF EXISTS bench_items")?;
        client.run(&format!(
            "CREATE TABLE bench_items (id int PRIMARY KEY, g int, c int, e vector({}))",
            self.rows[0].len()
        ))?;
        let mut lines = self.rows.iter().enumerate().map(|(id, vector)| {
            let numbers: Vec<String> = vector.iter().map(f32::to_string).collect();
            format!("{id}\t{}\t{}\t[{}]\n", id * 7919 % 1000, self.regions[id], numbers.join(","))
        });
        client.copy("COPY bench_items FROM STDIN", &mut lines)?;
        if peer.name == "postgresql" {
            client.run("SET maintenance_work_mem = '1GB'")?;
        }
        let started = Instant::now();
        client.run("CREATE INDEX ON bench_items USING hnsw (e vector_cosine_ops) WITH (m = 16, ef_construction = 64)")?;
        client.run("ANALYZE bench_items")?;
        client.run("CHECKPOINT")?;
        self.wait(&mut client, Duration::from_secs(20))?;
        Ok(started.elapsed())
    }

    /// Waits until searches have not become faster for a while: a graph may be built behind the statement.
    pub fn wait(&self, client: &mut Client, rest: Duration) -> Result<(), Failure> {
        let mut rows = Vec::new();
        client.prepare(SEARCH)?;
        let mut best = f64::MAX;
        let mut quiet = Instant::now();
        let begun = Instant::now();
        while quiet.elapsed() < rest || begun.elapsed() < rest * 2 {
            let started = Instant::now();
            for query in self.parameters.iter().take(20) {
                client.execute(&[query], &mut rows)?;
            }
            let took = started.elapsed().as_secs_f64();
            if took < best * 0.7 {
                (best, quiet) = (took, Instant::now());
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        Ok(())
    }

    /// The part of the right rows among those found.
    pub fn recall(
        &self,
        client: &mut Client,
        bounds: &[(usize, f32)],
        passes: &dyn Fn(usize) -> bool,
    ) -> Result<f64, Failure> {
        let (mut right, mut wanted) = (0, 0);
        let mut rows = Vec::new();
        for ((query, parameter), (count, bound)) in self.queries.iter().zip(&self.parameters).zip(bounds) {
            client.execute(&[parameter], &mut rows)?;
            let near = |row: &&i64| {
                let row = **row as usize;
                passes(row) && product(query, &self.rows[row]) >= bound - 1e-6
            };
            right += rows.iter().filter(near).count();
            wanted += count;
        }
        Ok(right as f64 / wanted.max(1) as f64)
    }

    /// The least `ef_search` with enough recall, and that recall.
    fn tune(&self, peer: &Peer, bounds: &[(usize, f32)]) -> Result<(u32, f64), Failure> {
        let mut client = Client::connect(peer.port)?;
        let mut last = (0, 0.0);
        for ef in [10, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 220, 240, 260, 280, 320, 400] {
            client.run(&format!("SET hnsw.ef_search = {ef}"))?;
            client.prepare(SEARCH)?;
            last = (ef, self.recall(&mut client, bounds, &|_| true)?);
            println!("{:<12} ef_search {ef:3}: recall {:.4}", peer.name, last.1);
            if last.1 >= WANTED {
                break;
            }
        }
        Ok(last)
    }

    /// Searches a second with so many clients.
    fn rate(&self, peer: &Peer, ef: u32, clients: usize, time: Duration) -> Result<f64, Failure> {
        let run = |number: usize| -> Result<u64, Failure> {
            let mut client = Client::connect(peer.port)?;
            client.run(&format!("SET hnsw.ef_search = {ef}"))?;
            client.prepare(SEARCH)?;
            let (mut count, mut rows) = (0, Vec::new());
            let started = Instant::now();
            for query in self.parameters.iter().cycle().skip(number * 101) {
                if started.elapsed() > time {
                    break;
                }
                client.execute(&[query], &mut rows)?;
                count += 1;
            }
            Ok(count)
        };
        let run = &run;
        let counts: Vec<Result<u64, String>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..clients)
                .map(|number| scope.spawn(move || run(number).map_err(|error| error.to_string())))
                .collect();
            let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
            joined.map(|count| count.unwrap_or_else(|_| Err("a client panicked".into()))).collect()
        });
        let mut all = 0;
        for count in counts {
            all += count?;
        }
        Ok(all as f64 / time.as_secs_f64())
    }
}

/// Measures, and prints what it has measured.
pub fn run(options: &Options) -> Result<(), Failure> {
    let world = World::new(options)?;
    let strata = Peer::strata()?;
    let rival = Peer::rival(options.text("rival", "").parse().ok())?;
    println!("{} rows of {} dimensions", world.rows.len(), world.rows[0].len());
    for peer in [&strata, &rival] {
        println!("{:<12} index, built or waited for: {:.1?}", peer.name, world.load(peer)?);
    }
    let bounds = world.bounds(300, &|_| true);
    let (ours, theirs) = (world.tune(&strata, &bounds)?, world.tune(&rival, &bounds)?);
    let time = Duration::from_secs(u64::from(options.number("seconds", 3)?));
    for clients in [1, 8] {
        let mut rates = Vec::new();
        for pair in 0..options.number("pairs", 3)? {
            let strata = || world.rate(&strata, ours.0, clients, time);
            let rival = || world.rate(&rival, theirs.0, clients, time);
            rates.push(if pair % 2 == 0 {
                let ours = strata()?;
                (ours, rival()?)
            } else {
                let theirs = rival()?;
                (strata()?, theirs)
            });
        }
        let ratios: Vec<f64> = rates.iter().map(|(ours, theirs)| ours / theirs).collect();
        let (ours, theirs): (Vec<f64>, Vec<f64>) = rates.into_iter().unzip();
        println!(
            "{clients} clients: {:.2} x  {:.0} against {:.0} searches a second",
            median(&ratios),
            median(&ours),
            median(&theirs)
        );
    }
    filters(&world, &strata, ours.0)?;
    vector_past::run(&world, &strata, ours.0)
}

fn filters(world: &World, strata: &Peer, ef: u32) -> Result<(), Failure> {
    let mut client = Client::connect(strata.port)?;
    client.run(&format!("SET hnsw.ef_search = {ef}"))?;
    for per_mille in [1_usize, 10, 100, 500] {
        for column in ["g", "c"] {
            let passes = |row: usize| match column {
                "g" => row * 7919 % 1000 < per_mille,
                _ => (world.regions[row] as usize) < per_mille,
            };
            let bounds = world.bounds(100, &passes);
            client.prepare(&format!(
                "SELECT id FROM bench_items WHERE {column} < {per_mille} ORDER BY e <=> $1 LIMIT 10"
            ))?;
            let started = Instant::now();
            let recall = world.recall(&mut client, &bounds, &passes)?;
            let took = started.elapsed().as_secs_f64() * 1000.0 / bounds.len() as f64;
            let mut rows = Vec::new();
            let mut whole = 0;
            for (parameter, (count, _)) in world.parameters.iter().zip(&bounds) {
                client.execute(&[parameter], &mut rows)?;
                whole += usize::from(rows.len() == *count);
            }
            println!(
                "{column} < {per_mille:3}: recall {recall:.4}, {took:.2} ms, {whole} of {} answers whole",
                bounds.len()
            );
        }
    }
    Ok(())
}
