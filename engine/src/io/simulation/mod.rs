//! A disk, a clock and randomness that obey a seed, and lose what the real ones may lose.
//!
//! The disk keeps two images of every file, by sectors of 512 bytes: what the system shows (its page cache) and what
//! the device holds, and for each sector the versions written since the last sync. [`SimulatedDisk::crash`] is a
//! power cut: of every unsynced sector any version may be on the device, the old one too; an unsynced change of
//! length, creation, rename or removal happened or did not, each on its own. [`SimulatedDisk::kill`] is the end of
//! the process alone: nothing is lost, nothing becomes durable. A failed sync leaves its pages clean but not durable:
//! reads through the cache show them, the device and the next crash do not.
//!
//! Everything is single-threaded deterministic: the same seed and the same calls give the same images.

mod disk;
mod environment;
mod image;

pub use disk::{Fault, SimulatedDisk};
pub use environment::{SimulatedClock, SimulatedRandom, environment};

/// Durability steps that a test may switch off, to prove that its harness notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The log says "durable" without having synced.
    pub acknowledge_before_sync: bool,
    /// Syncing the directory does nothing.
    pub skip_directory_sync: bool,
    /// The log's reader believes every checksum.
    pub skip_checksums: bool,
}
