//! Views on a simulated disk: a seed run twice tells one story, and views are their queries at every commit of it.
//!
//! `VIEW_SEEDS` says how many seeds to run, `VIEW_SEED` where to begin.

mod harness;
mod random_views;
mod simulated_views;

use simulated_views::story;

#[test]
fn a_seed_tells_the_same_story_twice_and_views_are_their_queries_at_every_commit_of_it() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let (first, seeds) = (number("VIEW_SEED", 1), number("VIEW_SEEDS", 3));
    let (mut commits, mut steps, mut cuts) = (0, 0, 0);
    for seed in first..first + seeds {
        let once = story(seed).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let again = story(seed).unwrap_or_else(|error| panic!("seed {seed}, again: {error}"));
        assert_eq!(once.0, again.0, "seed {seed}");
        commits += once.0.commits;
        steps += once.1.steps;
        cuts += once.1.cuts;
    }
    println!(
        "{seeds} seeds twice: {commits} commits, {steps} steps, {cuts} power cuts in the midst of steps"
    );
}
