//! Runs SQL text against an instance in this process, and prints what `psql -X -A -v VERBOSITY=terse` would print.
//!
//! A script is cut into statements as psql cuts it, each sent by itself; lines after COPY ... FROM STDIN up to `\.`
//! are its data. Tests compare the text with what PostgreSQL 15 printed for the same script.
#![allow(dead_code)]

mod sink;
mod split;

use std::path::PathBuf;
use std::sync::Arc;

use strata_sql::session::{ClientAddress, Configuration, Instance, Session, Startup};

pub use sink::Printer;
pub use split::pieces;

/// An instance on a directory of its own, removed at the end.
pub struct Harness {
    pub instance: Arc<Instance>,
    pub runtime: tokio::runtime::Runtime,
    directory: PathBuf,
}

impl Harness {
    /// Opens an instance on an empty directory.
    pub fn new(name: &str) -> Harness {
        let directory = std::env::temp_dir().join(format!("strata-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        Harness::open(directory)
    }

    fn open(directory: PathBuf) -> Harness {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let configuration =
            Configuration { data_directory: directory.clone(), password: None, query_threads: 2 };
        let instance = Instance::open(configuration).expect("an instance");
        Harness { instance, runtime, directory }
    }

    /// Closes the instance and opens its directory again.
    pub fn restart(self) -> Harness {
        let directory = self.directory.clone();
        self.runtime.block_on(self.instance.shutdown());
        let mut harness = std::mem::ManuallyDrop::new(self);
        // The directory stays: only what holds it open goes.
        unsafe {
            std::ptr::drop_in_place(&mut harness.instance);
            std::ptr::drop_in_place(&mut harness.runtime);
            std::ptr::drop_in_place(&mut harness.directory);
        }
        Harness::open(directory)
    }

    /// A session of the superuser.
    pub fn client(&self) -> Client<'_> {
        let startup = Startup {
            user: "postgres".to_string(),
            database: "postgres".to_string(),
            options: Vec::new(),
            protocol: (3, 0),
            address: ClientAddress::Local,
        };
        self.client_as(startup)
    }

    /// A session of anybody.
    pub fn client_as(&self, startup: Startup) -> Client<'_> {
        let session = self.runtime.block_on(self.instance.connect(startup)).expect("a session");
        Client { session, runtime: &self.runtime }
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.runtime.block_on(self.instance.shutdown());
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// One session.
pub struct Client<'a> {
    pub session: Session,
    runtime: &'a tokio::runtime::Runtime,
}

impl<'a> Client<'a> {
    /// A client of a session that is there.
    pub fn new(session: Session, runtime: &'a tokio::runtime::Runtime) -> Client<'a> {
        Client { session, runtime }
    }

    /// Runs a script; what psql would print.
    pub fn run(&mut self, script: &str) -> String {
        let mut printed = String::new();
        for piece in pieces(script) {
            let mut printer = Printer::new(piece.data);
            // As over the network: what can be answered at once is.
            let result = match self.session.query_at_once(&piece.statement, &mut printer) {
                Some(outcome) => outcome,
                None => self.runtime.block_on(self.session.query(&piece.statement, &mut printer)),
            };
            printed.push_str(&printer.finish());
            if let Err(error) = result {
                printed.push_str(&format!("ERROR:  {}", error.message()));
                if let Some(position) = error.report().position {
                    printed.push_str(&format!(" at character {position}"));
                }
                printed.push('\n');
            }
        }
        printed
    }
}
