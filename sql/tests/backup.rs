//! BACKUP TO as a statement: who may, where to, what it answers; and that what it makes is the database it was.

mod harness;

use harness::Harness;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strata_sql::session::{ClientAddress, Configuration, Instance, Startup};

/// A directory that is removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("strata-backup-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Directory(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn plain(path: &Path, is_writable: bool) -> engine::Environment {
    engine::Environment {
        disk: Arc::new(engine::io::os::OsDisk::plain(path, is_writable).expect("a directory")),
        clock: Arc::new(engine::io::os::OsClock::new()),
        random: Arc::new(engine::io::os::OsRandom),
    }
}

#[test]
fn a_backup_is_for_superusers_into_a_directory_of_its_own() {
    let harness = Harness::new("backup");
    let (target, other) = (Directory::new("target"), Directory::new("other"));
    let place = target.0.display().to_string();
    let mut client = harness.client();
    client.run(
        "CREATE TABLE t (id serial PRIMARY KEY, name text); INSERT INTO t (name) VALUES ('one'), ('two');",
    );
    client.run("CHECKPOINT; UPDATE t SET name = 'three' WHERE id = 2; CREATE ROLE guest LOGIN;");
    let refusals = client.run(&format!(
        "BACKUP TO 'here';
         BACKUP TO '{place}/../elsewhere';
         BEGIN; BACKUP TO '{place}'; ROLLBACK;
         BACKUP TO {place};
         BACKUP TO;"
    ));
    let errors: Vec<&str> = refusals.lines().filter(|line| line.starts_with("ERROR")).collect();
    assert_eq!(errors[0], "ERROR:  relative path not allowed for BACKUP TO");
    assert!(errors[1].contains("is named by way of"), "{refusals}");
    assert_eq!(errors[2], "ERROR:  BACKUP cannot run inside a transaction block");
    assert!(errors[3].starts_with("ERROR:  syntax error") && errors[4].starts_with("ERROR:  syntax error"));
    assert!(!target.0.exists());
    let guest = Startup {
        user: "guest".to_string(),
        database: "postgres".to_string(),
        options: Vec::new(),
        protocol: (3, 0),
        address: ClientAddress::Local,
    };
    let refused = harness.client_as(guest).run(&format!("BACKUP TO '{place}'"));
    assert_eq!(refused, "ERROR:  must be superuser to do BACKUP\n");
    let printed = client.run(&format!("BACKUP TO '{place}'"));
    assert!(printed.starts_with("directory|files|bytes|earliest|latest\n"), "{printed}");
    assert!(printed.contains("+00|") && target.0.join("BACKUP").exists(), "{printed}");
    let again = client.run(&format!("BACKUP TO '{place}'"));
    assert_eq!(again, format!("ERROR:  directory \"{place}\" exists but is not empty\n"));
    // Restored, it goes on where the backup left it: rows, history, sequences, indexes.
    std::fs::create_dir_all(&other.0).expect("a directory");
    let into = plain(&other.0, true);
    engine::backup::restore(&plain(&target.0, false), &into.disk, None, &|| false).expect("a restore");
    drop(into);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let configuration = Configuration { data_directory: other.0.clone(), password: None, query_threads: 1 };
    let restored = Instance::open(configuration).expect("an instance");
    let startup = Startup {
        user: "postgres".to_string(),
        database: "postgres".to_string(),
        options: Vec::new(),
        protocol: (3, 0),
        address: ClientAddress::Local,
    };
    let mut session = runtime.block_on(restored.connect(startup)).expect("a session");
    let mut printer = harness::Printer::new(String::new());
    let script = "INSERT INTO t (name) VALUES ('four') RETURNING id > 2 AS behind, name;
                  SELECT name FROM t ORDER BY name;";
    for statement in script.split_inclusive(';') {
        runtime.block_on(session.query(statement, &mut printer)).expect("a statement");
    }
    let printed = printer.finish();
    assert!(
        printed.contains("t|four\n") && printed.contains("name\nfour\none\nthree\n(3 rows)"),
        "{printed}"
    );
    runtime.block_on(restored.shutdown());
    // The data directory itself is no place for a backup.
    let inside = format!("BACKUP TO '{}/inside'", harness.instance.data_directory().display());
    assert!(client.run(&inside).contains("lies in the data directory"));
}
