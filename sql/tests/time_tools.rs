//! The time tools, by scripts: every `time/*.sql` prints what its `.out` says, with the point tier on and off.
//!
//! Lines that begin with `--@` are for the runner: `--@ moment NAME` keeps the present moment, which the script names
//! as `@NAME` from then on (a literal); `--@ checkpoint` writes everything out; `--@ restart` closes the instance and
//! opens its directory again, in a new session; `--@ role NAME` goes on as another role. Moments in what is printed are
//! shown by their names.

mod harness;

use std::path::Path;

use harness::Harness;
use strata_sql::session::{ClientAddress, Startup};

fn startup(user: &str) -> Startup {
    Startup {
        user: user.to_string(),
        database: "postgres".to_string(),
        options: Vec::new(),
        protocol: (3, 0),
        address: ClientAddress::Local,
    }
}

/// What a script prints.
fn run(name: &str, script: &str, tier: &str) -> String {
    let mut harness = Harness::new(&format!("time-{name}-{tier}"));
    let mut moments: Vec<(String, String)> = Vec::new();
    let mut printed = String::new();
    let mut pending = String::new();
    let mut lines = script.lines();
    let mut user = "postgres".to_string();
    loop {
        let mut client = harness.client_as(startup(&user));
        client.run(&format!("SET strata.point_tier = {tier};"));
        let leave = loop {
            let line = lines.next();
            let directive = line.and_then(|line| line.strip_prefix("--@ "));
            if let (Some(line), None) = (line, directive) {
                pending.push_str(line);
                pending.push('\n');
                continue;
            }
            let mut text = std::mem::take(&mut pending);
            for (name, moment) in &moments {
                text = text.replace(&format!("@{name}"), &format!("'{moment}'"));
            }
            printed.push_str(&client.run(&text));
            match directive.map(|directive| directive.split_once(' ').unwrap_or((directive, ""))) {
                None => break None,
                Some(("moment", name)) => {
                    let shown = client.run("SELECT clock_timestamp()::text AS moment;");
                    let moment = shown.lines().nth(1).expect("a row").to_string();
                    moments.push((name.to_string(), moment));
                    // Moments that are kept lie apart, and what follows lies behind.
                    std::thread::sleep(std::time::Duration::from_micros(50));
                }
                Some(("checkpoint", _)) => drop(client.run("CHECKPOINT;")),
                Some((command @ ("restart" | "role"), name)) => break Some((command, name.to_string())),
                Some((other, _)) => panic!("an unknown directive {other}"),
            }
        };
        drop(client);
        match leave {
            None => break,
            Some(("role", name)) => user = name,
            Some(_) => harness = harness.restart(),
        }
    }
    for (name, moment) in &moments {
        printed = printed.replace(moment.as_str(), &format!("@{name}"));
    }
    printed
}

#[test]
fn the_scripts_print_what_they_should() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/time");
    let only = std::env::var("SCRIPT").ok();
    let mut scripts: Vec<_> = std::fs::read_dir(&folder)
        .expect("the scripts")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .filter(|path| only.as_ref().is_none_or(|only| path.to_string_lossy().contains(only)))
        .collect();
    scripts.sort();
    assert!(!scripts.is_empty());
    let mut failed = Vec::new();
    for path in scripts {
        let script = std::fs::read_to_string(&path).expect("a script");
        let expected = std::fs::read_to_string(path.with_extension("out")).unwrap_or_default();
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        for tier in ["on", "off"] {
            let printed = run(&name, &script, tier);
            if printed != expected {
                println!("--- {name}, point tier {tier}: printed\n{printed}--- wanted\n{expected}");
                failed.push(format!("{name} (point tier {tier})"));
            }
        }
    }
    assert!(failed.is_empty(), "differ: {}", failed.join(", "));
}
