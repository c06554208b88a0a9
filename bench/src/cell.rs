//! One cell of the table: a workload, a protocol mode, a number of clients; measured as interleaved pairs.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use crate::past;
use crate::peer::Peer;
use crate::statistics::median;
use crate::view;
use crate::{Failure, Options};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Workload {
    /// `pgbench -i`: seconds, so that less is better.
    Load,
    SelectOnly,
    TpcbLike,
    /// One durable row a transaction.
    Insert,
    /// One row by key as of a past moment, against the same statement about the present, both on Strata.
    PointPast,
    /// A sum over a table as of a past moment, likewise.
    ScanPast,
    /// tpcb-like beneath an aggregating view, against the same without it, both on Strata.
    TpcbView,
}

impl Workload {
    /// What Strata is compared with, where that is itself.
    fn own_baseline(self) -> Option<&'static str> {
        match self {
            Workload::PointPast | Workload::ScanPast => Some("strata, present"),
            Workload::TpcbView => Some("strata, no view"),
            Workload::Load | Workload::SelectOnly | Workload::TpcbLike | Workload::Insert => None,
        }
    }
}

/// What a sample runs against: the cell's own subject, or what it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Subject,
    Baseline,
}

/// What to measure.
pub struct Cell {
    workload: Workload,
    mode: String,
    clients: u32,
    /// Threads of pgbench itself; its own default is one.
    threads: u32,
    seconds: u32,
    scale: u32,
}

/// A cell's figures.
pub struct Measured {
    pub name: String,
    /// What Strata is compared with.
    baseline: &'static str,
    /// Strata's figure over the baseline's, one a pair; above one is better for Strata.
    pub ratios: Vec<f64>,
    strata: Vec<Sample>,
    rival: Vec<Sample>,
}

#[derive(Clone, Copy)]
struct Sample {
    /// Transactions a second, or loads a second.
    rate: f64,
    /// Server processor microseconds a transaction.
    processor_micros: f64,
}

impl Cell {
    /// The cells that the options ask for; the load comes first, since the others need its tables.
    pub fn all(options: &Options, scale: u32) -> Result<Vec<Cell>, Failure> {
        let seconds = options.number("seconds", 3)?;
        let threads = options.number("threads", 2)?;
        let mut cells = vec![Cell {
            workload: Workload::Load,
            mode: "simple".into(),
            clients: 1,
            threads,
            seconds,
            scale,
        }];
        for name in options.list("cells", "select,tpcb,insert") {
            let workload = match name.as_str() {
                "select" => Workload::SelectOnly,
                "tpcb" => Workload::TpcbLike,
                "insert" => Workload::Insert,
                "past" => Workload::PointPast,
                "past-scan" => Workload::ScanPast,
                "tpcb-view" => Workload::TpcbView,
                "load" => continue,
                other => return Err(format!("no workload {other}").into()),
            };
            for mode in options.list("modes", "simple,extended,prepared") {
                for clients in options.list("clients", "1,8,64") {
                    cells.push(Cell {
                        workload,
                        mode: mode.clone(),
                        clients: clients.parse()?,
                        threads,
                        seconds,
                        scale,
                    });
                }
            }
        }
        Ok(cells)
    }

    fn name(&self) -> String {
        match self.workload {
            Workload::Load => format!("pgbench -i -s {}", self.scale),
            Workload::SelectOnly => format!("select-only {} c={}", self.mode, self.clients),
            Workload::TpcbLike => format!("tpcb-like {} c={}", self.mode, self.clients),
            Workload::Insert => format!("insert {} c={}", self.mode, self.clients),
            Workload::PointPast => format!("AS OF by key {} c={}", self.mode, self.clients),
            Workload::ScanPast => format!("AS OF sum {} c={}", self.mode, self.clients),
            Workload::TpcbView => format!("tpcb-like with a view {} c={}", self.mode, self.clients),
        }
    }

    /// Runs the pairs: strata first in even pairs, the rival first in odd ones.
    pub fn run(&self, strata: &Peer, rival: &Peer, pgbench: &str, pairs: u32) -> Result<Measured, Failure> {
        let (rival, baseline) = match self.workload.own_baseline() {
            Some(own) => (strata, own),
            None => (rival, "postgresql"),
        };
        if matches!(self.workload, Workload::PointPast | Workload::ScanPast) {
            past::prepare(strata)?;
        }
        let mut measured = Measured {
            name: self.name(),
            baseline,
            ratios: Vec::new(),
            strata: Vec::new(),
            rival: Vec::new(),
        };
        for pair in 0..pairs {
            let (ours, theirs) = if pair % 2 == 0 {
                let ours = self.sample(strata, pgbench, Side::Subject)?;
                (ours, self.sample(rival, pgbench, Side::Baseline)?)
            } else {
                let theirs = self.sample(rival, pgbench, Side::Baseline)?;
                (self.sample(strata, pgbench, Side::Subject)?, theirs)
            };
            measured.ratios.push(ours.rate / theirs.rate);
            measured.strata.push(ours);
            measured.rival.push(theirs);
        }
        Ok(measured)
    }

    fn sample(&self, peer: &Peer, pgbench: &str, side: Side) -> Result<Sample, Failure> {
        if self.workload == Workload::TpcbView {
            view::set(peer, side == Side::Subject)?;
        }
        let sample = self.measure(peer, pgbench, side)?;
        if self.workload == Workload::TpcbView && side == Side::Subject {
            view::check(peer)?;
            view::set(peer, false)?;
        }
        Ok(sample)
    }

    fn measure(&self, peer: &Peer, pgbench: &str, side: Side) -> Result<Sample, Failure> {
        let before = peer.processor_seconds()?;
        let started = Instant::now();
        let output = self.command(peer, pgbench, side)?.output()?;
        let elapsed = started.elapsed().as_secs_f64();
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() || complained.contains("ERROR") {
            return Err(format!("{} on {}: {complained}", self.name(), peer.name).into());
        }
        let used = peer.processor_seconds()? - before;
        if self.workload == Workload::Load {
            return Ok(Sample { rate: 1.0 / elapsed, processor_micros: used * 1e6 });
        }
        let number = |label: &str| -> Result<f64, Failure> {
            let line =
                said.lines().find_map(|line| line.strip_prefix(label)).ok_or_else(|| said.to_string())?;
            let word: String = line.trim().chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            Ok(word.parse()?)
        };
        let transactions = number("number of transactions actually processed: ")?;
        Ok(Sample { rate: number("tps = ")?, processor_micros: used * 1e6 / transactions.max(1.0) })
    }

    fn command(&self, peer: &Peer, pgbench: &str, side: Side) -> Result<Command, Failure> {
        let mut command = Command::new(pgbench);
        command.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &peer.port.to_string()]);
        let threads = self.clients.min(self.threads).to_string();
        let (clients, seconds, scale) =
            (self.clients.to_string(), self.seconds.to_string(), self.scale.to_string());
        match self.workload {
            Workload::Load => {
                command.args(["-i", "-q", "-s", &scale]);
            }
            Workload::SelectOnly
            | Workload::TpcbLike
            | Workload::Insert
            | Workload::PointPast
            | Workload::ScanPast
            | Workload::TpcbView => {
                command.args(["-n", "-c", &clients, "-j", &threads, "-T", &seconds, "-M", &self.mode]);
            }
        }
        match self.workload {
            Workload::SelectOnly => {
                command.arg("-S");
            }
            Workload::Insert => {
                peer.sql("CREATE TABLE IF NOT EXISTS bench_insert (id bigserial PRIMARY KEY, at timestamptz, body text)")?;
                let text = "INSERT INTO bench_insert (at, body) VALUES (now(), 'one durable row');\n";
                command.arg("-f").arg(script("insert", text)?);
            }
            Workload::PointPast => {
                let text = past::by_key(peer, side == Side::Subject)?;
                command.arg("-f").arg(script("past", &text)?);
            }
            Workload::ScanPast => {
                let text = past::sum(peer, side == Side::Subject)?;
                command.arg("-f").arg(script("past-scan", &text)?);
            }
            Workload::Load | Workload::TpcbLike | Workload::TpcbView => {}
        }
        command.arg("postgres");
        Ok(command)
    }
}

/// A script for pgbench in a file of its own.
fn script(name: &str, text: &str) -> Result<PathBuf, Failure> {
    let file = std::env::temp_dir().join(format!("strata-bench-{}-{name}.sql", std::process::id()));
    std::fs::write(&file, text)?;
    Ok(file)
}

impl Measured {
    /// The median ratio.
    pub fn ratio(&self) -> f64 {
        median(&self.ratios)
    }

    /// The figures for machines.
    pub fn json(&self) -> serde_json::Value {
        let side = |samples: &[Sample]| {
            serde_json::json!({
                "rate": samples.iter().map(|sample| sample.rate).collect::<Vec<_>>(),
                "processor_micros": samples.iter().map(|sample| sample.processor_micros).collect::<Vec<_>>(),
            })
        };
        serde_json::json!({
            "cell": self.name, "ratio": self.ratio(), "ratios": self.ratios,
            "strata": side(&self.strata), "baseline": self.baseline, (self.baseline): side(&self.rival),
        })
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let middle = |samples: &[Sample], pick: fn(&Sample) -> f64| {
            median(&samples.iter().map(pick).collect::<Vec<_>>())
        };
        let bounds = self
            .ratios
            .iter()
            .fold((f64::MAX, 0.0_f64), |(low, high), ratio| (low.min(*ratio), high.max(*ratio)));
        write!(
            f,
            "{:<32} {:>5.2} x  [{:.2} .. {:.2}]  {:>9.1} against {:>9.1} a second; processor {:>7.1} against {:>7.1} us",
            self.name,
            self.ratio(),
            bounds.0,
            bounds.1,
            middle(&self.strata, |sample| sample.rate),
            middle(&self.rival, |sample| sample.rate),
            middle(&self.strata, |sample| sample.processor_micros),
            middle(&self.rival, |sample| sample.processor_micros),
        )
    }
}
