//! Planted faults of views: the random test must catch each. Alone in its program, since a fault is planted for a process.

mod harness;
mod random_views;
mod simulated_views;

use simulated_views::story;
use strata_sql::view::{Fault, plant};

/// Whether any of some seeds notices a fault.
fn caught(fault: Fault) -> bool {
    plant(Some(fault));
    let caught = (1020..1080).find_map(|seed| story(seed).err().map(|error| (seed, error)));
    plant(None);
    if let Some((seed, error)) = &caught {
        println!("{fault:?} at seed {seed}: {error}");
    }
    caught.is_some()
}

#[test]
fn faults_of_views_are_caught() {
    let faults = [
        Fault::SkippedUpdates,
        Fault::CountedNulls,
        Fault::MomentTooLate,
        Fault::ForgottenLastMatch,
        Fault::KeptEmptyGroup,
        Fault::KeptExtreme,
        Fault::KeptOldGroup,
        Fault::TornStep,
        Fault::StaleRows,
    ];
    for fault in faults {
        assert!(caught(fault), "{fault:?} was not noticed");
    }
}
