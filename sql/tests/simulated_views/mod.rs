//! A world of views on a simulated disk and clock: random views, random transactions, steps, power cuts and kills.
//!
//! One thread runs sessions and steps, every choice by the seed. A life ends in order, by a kill or by a power cut, some in
//! the midst of the steps of views. Right after every commit some view is compared with its query, at the end every view
//! as of every commit. What a seed gives is its trace: all that transactions printed and all rows that views showed.
//! (Timestamps are no part of it: the database's own threads read the clock, too.)

use std::sync::Arc;

use engine::io::simulation::{Fault, SimulatedClock, SimulatedDisk, environment};
use strata_sql::session::{ClientAddress, Instance, Session, Startup};
use tokio::runtime::Runtime;

use super::harness::Client;
use super::random_views::{Random, TABLES, View, compared, moment_of, query, transaction};

/// Lives of a world, and commits in each.
const LIVES: u64 = 4;
const COMMITS: u64 = 8;

/// One disk through all its lives.
pub struct World {
    disk: Arc<SimulatedDisk>,
    clock: Arc<SimulatedClock>,
    environment: engine::io::Environment,
    runtime: Runtime,
    random: Random,
    views: Vec<View>,
    /// Moments right after commits.
    moments: Vec<String>,
    trace: blake3::Hasher,
    /// Steps of views that were taken, and how often the power went in the midst of them.
    pub steps: u64,
    pub cuts: u64,
}

/// What a seed gave.
#[derive(Debug, PartialEq, Eq)]
pub struct Story {
    pub trace: String,
    pub commits: usize,
}

impl World {
    fn new(seed: u64) -> World {
        let (disk, clock, environment) = environment(seed);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        World {
            disk,
            clock,
            environment,
            runtime,
            random: Random::new(seed),
            views: Vec::new(),
            moments: Vec::new(),
            trace: blake3::Hasher::new(),
            steps: 0,
            cuts: 0,
        }
    }

    fn open(&self) -> Result<Arc<Instance>, String> {
        let configuration = engine::Configuration {
            checkpoint_bytes: 1 << 30,
            log_file_bytes: 256 << 10,
            segment_rows: 64,
            on_failure: Arc::new(|_| {}),
            ..engine::Configuration::default()
        };
        let environment = engine::io::Environment { disk: self.disk.mount(), ..self.environment.clone() };
        Instance::open_simulated(environment, configuration).map_err(|error| error.message().to_string())
    }

    fn session(&self, instance: &Arc<Instance>) -> Session {
        let startup = Startup {
            user: "postgres".to_string(),
            database: "postgres".to_string(),
            options: Vec::new(),
            protocol: (3, 0),
            address: ClientAddress::Local,
        };
        self.runtime.block_on(instance.connect(startup)).expect("a session")
    }

    fn tell(&mut self, text: &str) {
        self.trace.update(&(text.len() as u64).to_le_bytes());
        self.trace.update(text.as_bytes());
    }

    /// Runs statements that must succeed.
    fn run(&mut self, session: Session, script: &str) -> Result<Session, String> {
        let mut client = Client::new(session, &self.runtime);
        let printed = client.run(script);
        let session = client.session;
        self.tell(&printed);
        if printed.contains("ERROR") { Err(format!("{script}: {printed}")) } else { Ok(session) }
    }

    fn compare(&mut self, session: Session, view: usize, place: &str) -> Result<Session, String> {
        let mut client = Client::new(session, &self.runtime);
        let rows = compared(&mut client, &self.views[view]).map_err(|error| format!("{place}: {error}"))?;
        let session = client.session;
        self.tell(&rows);
        Ok(session)
    }

    fn make(&mut self) -> Result<(), String> {
        let instance = self.open()?;
        let session = self.session(&instance);
        let mut session = self.run(session, TABLES)?;
        for number in 0..6 {
            let (query, columns) = query(&mut self.random);
            self.views.push(View { name: format!("view{number}"), query, columns });
        }
        for (name, query) in [
            ("grouped", "SELECT k, v FROM a WHERE v > 2"),
            ("over", "SELECT k, count(*) AS n FROM grouped GROUP BY k"),
        ] {
            self.views.push(View { name: name.to_string(), query: query.to_string(), columns: 2 });
        }
        for number in 0..self.views.len() {
            let View { name, query, columns: _ } = &self.views[number];
            let made = format!("CREATE MATERIALIZED VIEW {name} AS {query};");
            session = self.run(session, &made)?;
        }
        let rows = "INSERT INTO a SELECT i, i % 4, i % 7, i / 2.0 FROM generate_series(1, 12) i;";
        session = self.run(session, rows)?;
        drop(session);
        self.runtime.block_on(instance.shutdown());
        Ok(())
    }

    /// A few commits, steps between them, and an end of some kind.
    fn live(&mut self) -> Result<(), String> {
        let instance = self.open()?;
        let session = self.session(&instance);
        let mut session = self.run(session, "SET strata.view_changes = on;")?;
        for _ in 0..COMMITS {
            let script = transaction(&mut self.random);
            session = self.run(session, &script)?;
            let mut client = Client::new(session, &self.runtime);
            self.moments.push(moment_of(&mut client));
            session = client.session;
            let view = self.random.below(self.views.len() as u64) as usize;
            let place = format!("right after commit {}", self.moments.len());
            session = self.compare(session, view, &place)?;
            match self.random.below(8) {
                0..=2 => self.steps += instance.step_views().map_err(|error| error.message().to_string())?,
                3 => self.clock.advance(self.random.below(3_000_000)),
                4 => session = self.run(session, "CHECKPOINT;")?,
                _ => {}
            }
        }
        drop(session);
        match self.random.below(4) {
            0 => {}
            1 => self.disk.kill(),
            cut => {
                if cut == 3 {
                    self.disk.arm(Fault::PowerOff { after: self.random.below(12) });
                    self.cuts += u64::from(instance.step_views().is_err());
                }
                self.disk.crash();
            }
        }
        self.runtime.block_on(instance.shutdown());
        Ok(())
    }

    /// Every view as of every commit.
    fn look_back(&mut self) -> Result<(), String> {
        let instance = self.open()?;
        let mut session = self.session(&instance);
        for number in 0..self.moments.len() {
            let changes = if number % 3 == 0 { "off" } else { "on" };
            let moment = self.moments[number].clone();
            let script = format!("SET strata.view_changes = {changes}; SET strata.as_of = '{moment}';");
            session = self.run(session, &script)?;
            for view in 0..self.views.len() {
                session = self.compare(session, view, &format!("as of commit {number}"))?;
            }
        }
        drop(session);
        self.runtime.block_on(instance.shutdown());
        Ok(())
    }
}

/// Runs a seed; the first difference, if there is any.
pub fn story(seed: u64) -> Result<(Story, World), String> {
    let mut world = World::new(seed);
    world.make()?;
    for _ in 0..LIVES {
        world.live()?;
    }
    world.look_back()?;
    let story = Story { trace: world.trace.finalize().to_hex().to_string(), commits: world.moments.len() };
    Ok((story, world))
}
