//! What happened to the simulated disk, in its order: so that two runs of one story which part can say where.

use super::SimulatedDisk;
use super::disk::State;

/// Something that happened to the disk, as two runs of a story are compared by.
#[derive(Clone, Debug)]
pub struct Event {
    pub what: String,
    /// Name of the thread that did it: for people, not compared.
    pub thread: String,
}

impl PartialEq for Event {
    fn eq(&self, other: &Event) -> bool {
        self.what == other.what
    }
}

impl SimulatedDisk {
    /// Has what happens from now on kept for [`SimulatedDisk::journal`].
    pub fn keep_journal(&self) {
        self.state.lock().journal.get_or_insert_default();
    }

    /// What was kept, in its order.
    pub fn journal(&self) -> Vec<Event> {
        self.state.lock().journal.clone().unwrap_or_default()
    }
}

impl State {
    /// Adds to the journal, if one is kept.
    pub(super) fn tell(&mut self, what: &dyn Fn() -> String) {
        if let Some(journal) = &mut self.journal {
            let thread = std::thread::current().name().unwrap_or_default().to_owned();
            journal.push(Event { what: what(), thread });
        }
    }
}
