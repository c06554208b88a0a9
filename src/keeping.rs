//! The commands that keep and restore: `backup`, `restore`, `verify`. Each says on standard output what it has done, and
//! fails with a sentence for a person.

use std::path::Path;
use std::sync::Arc;

use engine::backup::{self, BackupError, BackupReport};
use engine::io::os::{DirectoryError, OsClock, OsDisk, OsRandom};
use engine::{Database, Environment, Timestamp, Value, Verified};
use sql::evaluate::Settings;
use sql::types::datetime::input_timestamptz;
use sql::types::{InputSettings, NoNames, OutputSettings, oid, output};
use tokio_postgres::SimpleQueryMessage;

use crate::configuration::{Backup, Restore};

type Failure = Box<dyn std::error::Error>;

/// Nobody stops a command but by ending it.
fn never() -> bool {
    false
}

/// A directory that is read and never locked.
fn reading(directory: &Path) -> Result<Environment, DirectoryError> {
    Ok(Environment {
        disk: Arc::new(OsDisk::plain(directory, false)?),
        clock: Arc::new(OsClock::new()),
        random: Arc::new(OsRandom),
    })
}

/// A moment as it can be given to `--to-time`.
fn shown(micros: i64) -> String {
    let text = output(oid::TIMESTAMPTZ, &Value::Int64(micros), &OutputSettings::plain());
    text.unwrap_or_else(|_| format!("{micros} microseconds after 2000-01-01"))
}

fn say(what: &str, directory: &Path, report: &BackupReport) {
    println!(
        "{what} {} files, {} bytes: {}\nmoments that can be restored: {} to {}",
        report.files,
        report.bytes,
        directory.display(),
        shown(report.earliest.micros()),
        shown(report.latest.micros())
    );
}

/// Backs up a data directory that nobody holds, or has the server that holds it do so.
pub fn back_up(wanted: &Backup) -> Result<(), Failure> {
    let to = std::path::absolute(&wanted.to)?;
    if !wanted.data_directory.join("CURRENT").exists() {
        return ask_server(wanted, &to);
    }
    let environment = match OsDisk::environment(&wanted.data_directory) {
        Err(DirectoryError::InUse { .. }) => return ask_server(wanted, &to),
        other => other?,
    };
    if to.starts_with(wanted.data_directory.canonicalize()?) {
        return Err("a backup cannot lie in the data directory".into());
    }
    let target: Arc<dyn engine::io::Disk> = Arc::new(OsDisk::target(&to)?);
    let database = Database::open(engine::Configuration::default(), environment)?;
    let report = database.backup(&target, &never);
    database.close();
    say("backed up", &to, &report.map_err(|error| format!("{}: {error}", to.display()))?);
    Ok(())
}

fn ask_server(wanted: &Backup, to: &Path) -> Result<(), Failure> {
    let to = to.to_str().ok_or("the directory's name is not UTF-8")?.replace('\'', "''");
    let mut parameters = tokio_postgres::Config::new();
    parameters.host(wanted.server.ip().to_string()).port(wanted.server.port());
    parameters.user(&wanted.user).dbname("postgres").application_name("strata backup");
    if let Ok(password) = std::env::var("STRATA_PASSWORD") {
        parameters.password(password);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(async {
        let (client, connection) = parameters.connect(tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        client.simple_query(&format!("BACKUP TO '{to}'")).await
    });
    let messages = answer.map_err(|error| match error.as_db_error() {
        Some(refusal) => format!("the server refused: {}", refusal.message()),
        None => format!("the server at {} did not answer: {error}", wanted.server),
    })?;
    for message in &messages {
        if let SimpleQueryMessage::Row(row) = message {
            let field = |name: &str| row.get(name).unwrap_or_default();
            println!(
                "backed up {} files, {} bytes: {}\nmoments that can be restored: {} to {}",
                field("files"),
                field("bytes"),
                field("directory"),
                field("earliest"),
                field("latest")
            );
        }
    }
    Ok(())
}

/// Makes a data directory of a backup, and opens and verifies it once.
pub fn restore(wanted: &Restore) -> Result<(), Failure> {
    let clock = OsClock::new();
    let now = engine::io::Clock::now_micros(&clock);
    let settings = InputSettings::new(&Settings::default(), now, &NoNames);
    let to = match &wanted.to_time {
        None => None,
        Some(text) => Some(Timestamp::from_micros(
            input_timestamptz(text, -1, &settings).map_err(|error| error.to_string())?,
        )),
    };
    let source = reading(&wanted.from)?;
    let environment = OsDisk::environment(&wanted.data_directory)?;
    let restored = backup::restore(&source, &environment.disk, to, &never).map_err(explain)?;
    // What does not open and verify was not restored.
    let database = Database::open(engine::Configuration::default(), environment)?;
    let verified = database.verify();
    database.close();
    refuse_damage(&verified)?;
    say("restored", &wanted.data_directory, &restored.backup);
    let shown_to = wanted.to_time.as_deref().unwrap_or("the end of the backup");
    println!("restored to {shown_to}; the newest commit is of {}", shown(database.snapshot().micros()));
    Ok(())
}

fn explain(error: BackupError) -> String {
    match error {
        BackupError::OutOfRange { earliest, latest } => format!(
            "{error}: it restores moments from {} to {}; earlier ones can be read AS OF once it is restored",
            shown(earliest),
            shown(latest)
        ),
        other => other.to_string(),
    }
}

/// Reads a data directory or a backup whole.
pub fn verify(directory: &Path) -> Result<(), Failure> {
    let plain = reading(directory)?;
    if backup::is_backup(&*plain.disk)? {
        say("verified", directory, &backup::check(&plain, &never)?);
        return Ok(());
    }
    if !directory.join("CURRENT").exists() {
        return Err(format!("{} holds neither a database nor a backup", directory.display()).into());
    }
    let environment = OsDisk::environment(directory)?;
    let verified = engine::verify_directory(engine::Configuration::default(), environment)?;
    refuse_damage(&verified)?;
    println!("verified {} files, the manifest and the log: {}", verified.files, directory.display());
    Ok(())
}

fn refuse_damage(verified: &Verified) -> Result<(), Failure> {
    let mut reasons: Vec<String> = Vec::new();
    for damage in &verified.damaged {
        reasons.push(format!("table {}: {}: {}", damage.table.0, damage.file, damage.reason));
    }
    if reasons.is_empty() { Ok(()) } else { Err(format!("damaged:\n{}", reasons.join("\n")).into()) }
}
