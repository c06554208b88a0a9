//! Every script of `corpus/` prints what PostgreSQL 15 printed for it (`.out`, made by `corpus/regenerate`), with the
//! point tier on and off.

mod harness;

use std::path::Path;

use harness::Harness;

#[test]
fn the_corpus_prints_what_postgresql_printed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let only = std::env::var("CORPUS").ok();
    let mut scripts: Vec<_> = std::fs::read_dir(&folder)
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .filter(|path| only.as_ref().is_none_or(|only| path.to_string_lossy().contains(only)))
        .collect();
    scripts.sort();
    let mut failed = Vec::new();
    for path in scripts {
        let script = std::fs::read_to_string(&path).expect("a script");
        let expected = std::fs::read_to_string(path.with_extension("out")).expect("an expected answer");
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        for tier in ["on", "off"] {
            let harness = Harness::new(&format!("corpus-{name}-{tier}"));
            let mut client = harness.client();
            client.run(&format!("SET strata.point_tier = {tier};"));
            let printed = client.run(&script);
            if printed != expected {
                println!("{}", difference(&name, tier, &expected, &printed));
                failed.push(format!("{name} (point tier {tier})"));
            }
        }
    }
    assert!(failed.is_empty(), "differ: {}", failed.join(", "));
}

/// The first lines that differ.
fn difference(name: &str, tier: &str, expected: &str, printed: &str) -> String {
    let (mut expected, mut printed) = (expected.lines(), printed.lines());
    let mut text = format!("--- {name}, point tier {tier}\n");
    let mut shown = 0;
    for number in 1.. {
        let (wanted, given) = (expected.next(), printed.next());
        if wanted.is_none() && given.is_none() {
            break;
        }
        if wanted != given {
            text.push_str(&format!("line {number}\n  wanted {wanted:?}\n  given  {given:?}\n"));
            shown += 1;
            if shown == 8 {
                break;
            }
        }
    }
    text
}
