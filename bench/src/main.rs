//! Workloads, peers and the report: every figure a ratio against a peer measured in the same run.
//!
//! `strata-bench` starts Strata on a fresh folder and a rival PostgreSQL (started by `bench/rival`, or given as
//! `rival=PORT`), loads both with pgbench, and runs each cell as interleaved pairs: A B B A A B …, so that a noisy
//! neighbour meets both. A cell's figure is the median of the pairs' ratios, with the smallest and the largest beside
//! it, and the server's processor time per transaction. The sums are checked afterwards on both sides. Results go to
//! `results.json` and `results.svg` in the folder `out=` (default `bench/results`).
//!
//! The cells `past` and `past-scan` read a table with ten versions a row AS OF a moment in their middle, and compare that
//! with the same statement about the present, on Strata alone: their figure is the past's rate over the present's.
//!
//! The cell `tpcb-view` runs tpcb-like on Strata alone, beneath one aggregating materialized view and without it: its figure
//! is the share of the throughput that is left. After every sample the view is compared with its query.
//!
//! `strata-bench vectors` compares searches by vectors with pgvector: see `vector`.
//!
//! Options: `pairs=9 seconds=3 scale=10 rival=PORT cells=select,tpcb,insert,load,past,past-scan,tpcb-view modes=simple,extended,prepared
//! clients=1,8,64 threads=2 pgbench=PROGRAM out=FOLDER`.

mod cell;
mod chart;
mod client;
mod embedding;
mod past;
mod peer;
mod statistics;
mod vector;
mod vector_past;
mod view;

use std::path::PathBuf;
use std::process::ExitCode;

use cell::{Cell, Measured};
use peer::Peer;

/// The error of a benchmark: a sentence for a reader.
pub type Failure = Box<dyn std::error::Error>;

/// The words of the command line.
pub struct Options {
    words: Vec<(String, String)>,
}

impl Options {
    fn text(&self, name: &str, default: &str) -> String {
        let given = self.words.iter().rev().find(|(key, _)| key == name);
        given.map_or_else(|| default.to_owned(), |(_, value)| value.clone())
    }

    fn number(&self, name: &str, default: u32) -> Result<u32, Failure> {
        Ok(self.text(name, &default.to_string()).parse()?)
    }

    fn list(&self, name: &str, default: &str) -> Vec<String> {
        self.text(name, default).split(',').map(str::to_owned).collect()
    }
}

fn main() -> ExitCode {
    let words =
        std::env::args().skip(1).filter_map(|word| word.split_once('=').map(|(a, b)| (a.into(), b.into())));
    let options = Options { words: words.collect() };
    let vectors = std::env::args().nth(1).is_some_and(|word| word == "vectors");
    match if vectors { vector::run(&options) } else { run(&options) } {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("strata-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    let pairs = options.number("pairs", 9)?;
    let scale = options.number("scale", 10)?;
    let pgbench = options.text("pgbench", "pgbench");
    let folder = PathBuf::from(options.text("out", "bench/results"));
    let strata = Peer::strata()?;
    let rival = Peer::rival(options.text("rival", "").parse().ok())?;
    let mut measured: Vec<Measured> = Vec::new();
    for cell in Cell::all(options, scale)? {
        let result = cell.run(&strata, &rival, &pgbench, pairs)?;
        println!("{result}");
        measured.push(result);
    }
    for peer in [&strata, &rival] {
        peer.check_sums()?;
        println!("{}: the balances agree", peer.name);
    }
    std::fs::create_dir_all(&folder)?;
    let json: Vec<_> = measured.iter().map(Measured::json).collect();
    std::fs::write(folder.join("results.json"), serde_json::to_string_pretty(&json)?)?;
    std::fs::write(folder.join("results.svg"), chart::draw(&measured))?;
    println!("written: {}", folder.display());
    Ok(())
}
