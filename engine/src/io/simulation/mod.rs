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
mod handle;
mod image;
mod journal;

pub use disk::{Fault, SimulatedDisk};
pub use environment::{SimulatedClock, SimulatedRandom, environment};
pub use journal::Event;

/// What a test may switch off or break, to prove that its harness notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The log says "durable" without having synced.
    pub acknowledge_before_sync: bool,
    /// Syncing the directory does nothing.
    pub skip_directory_sync: bool,
    /// The log's reader believes every checksum.
    pub skip_checksums: bool,
    /// A backup does not keep the files that it copies from going.
    pub skip_backup_holds: bool,
    /// The files of a backup are not compared with its list.
    pub skip_backup_hashes: bool,
    /// The reserve stays where it is when the disk is full.
    pub keep_reserve: bool,
    /// A restore to a moment takes the whole log over.
    pub skip_restore_cut: bool,
    /// A merge of segments loses a version that has ended.
    pub lose_merged_version: bool,
    /// A merge of segments forgets when its versions ended.
    pub drop_merged_ends: bool,
    /// A merge of segments writes no index runs beside the new ones.
    pub skip_merged_runs: bool,
    /// A graph goes to another segment than the one it was built of.
    pub misplace_graph: bool,
    /// A merge of segments keeps the graph of one of them, as if it were of the new one.
    pub keep_stale_graph: bool,
    /// The checksums of a graph's file are believed.
    pub skip_graph_checksums: bool,
    /// A graph that was found damaged stays in its place.
    pub keep_damaged_graph: bool,
    /// A long value is written with another content than its row was given.
    pub alter_long_value: bool,
    /// A row refers to a long value that is not written.
    pub lose_long_value: bool,
    /// A backup copies its files as they were before their last bytes were written.
    pub copy_before_last_write: bool,
    /// A backup ends its log where the backup began.
    pub cut_backup_log: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::Disk;

    #[test]
    fn what_was_synced_survives_and_what_was_not_may_not() {
        let mut lost = 0;
        let mut kept = 0;
        for seed in 0..64 {
            let disk = SimulatedDisk::new(seed);
            let file = disk.create("a").unwrap();
            file.write_at(&[1; 1024], 0).unwrap();
            file.sync_data().unwrap();
            disk.sync_directory().unwrap();
            file.write_at(&[2; 512], 512).unwrap();
            disk.create("b").unwrap();
            disk.crash();
            assert!(file.length().is_err(), "a handle does not outlive a crash");
            let content = disk.content("a").unwrap();
            assert_eq!(content[..512], [1; 512]);
            if content[512] == 1 {
                lost += 1;
            }
            if disk.content("b").is_some() {
                kept += 1;
            }
        }
        assert!((1..64).contains(&lost) && (1..64).contains(&kept));
    }

    #[test]
    fn a_failed_sync_leaves_clean_pages_that_are_not_durable() {
        let disk = SimulatedDisk::new(7);
        let file = disk.create("a").unwrap();
        file.preallocate(64 * 512).unwrap();
        file.sync_data().unwrap();
        disk.sync_directory().unwrap();
        file.write_at(&[3; 64 * 512], 0).unwrap();
        disk.arm(Fault::FailSync { after: 0 });
        assert!(file.sync_data().is_err());
        assert!(file.sync_data().is_ok(), "the second sync has nothing to write");
        let mut cached = vec![0; 64 * 512];
        let mut device = vec![0; 64 * 512];
        file.read_at(&mut cached, 0).unwrap();
        file.read_direct(&mut device, 0).unwrap();
        assert!(cached.iter().all(|byte| *byte == 3));
        assert!(device.contains(&0));
        disk.crash();
        assert_eq!(disk.content("a").unwrap(), device);
    }

    #[test]
    fn the_same_seed_tells_the_same_story() {
        let story = |seed| {
            let disk = SimulatedDisk::new(seed);
            let file = disk.create("a").unwrap();
            file.write_at(&[9; 4096], 100).unwrap();
            disk.crash();
            disk.content("a")
        };
        assert!((0..32).all(|seed| story(seed) == story(seed)));
    }
}
