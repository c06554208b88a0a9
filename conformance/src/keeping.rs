//! The server's program as a tool: backups, restores, verification, and what must hold of a backup after a crash.

use std::path::Path;
use std::process::{Command, Stdio};

use tokio_postgres::{Client, SimpleQueryMessage};

use crate::Failure;

/// Runs the program; gives what it said and whether it succeeded.
pub fn run(binary: &Path, arguments: &[&str]) -> Result<(String, bool), Failure> {
    let output = Command::new(binary)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", binary.display()))?;
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ok((said, output.status.success()))
}

fn text(path: &Path) -> Result<&str, Failure> {
    Ok(path.to_str().ok_or("a path that is no text")?)
}

/// Has the server back itself up; gives the first and the last moment that can be restored.
pub async fn back_up(client: &Client, target: &Path) -> Result<(String, String), tokio_postgres::Error> {
    let statement = format!("BACKUP TO '{}'", target.display());
    let messages = client.simple_query(&statement).await?;
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let field = |name| row.and_then(|row| row.get(name)).unwrap_or_default().to_owned();
    Ok((field("earliest"), field("latest")))
}

/// Makes a data folder of a backup.
pub fn restore(binary: &Path, from: &Path, data: &Path, to: Option<&str>) -> Result<(String, bool), Failure> {
    let mut arguments = vec!["restore", "--from", text(from)?, "--data-dir", text(data)?];
    if let Some(to) = to {
        arguments.extend(["--to-time", to]);
    }
    run(binary, &arguments)
}

/// Verifies a data folder that no server holds, or a backup.
pub fn verify(binary: &Path, folder: &Path) -> Result<(String, bool), Failure> {
    run(binary, &["verify", "--data-dir", text(folder)?])
}

/// What a server does beside its clients, in turn.
const UPKEEP: [&str; 4] = ["CHECKPOINT", "BACKUP", "VACUUM", "CHECKPOINT"];

/// Checkpoints, compaction and a backup from some place of the turn on, for as long as the server lives. A refusal that
/// is not of a server that ends is an error.
pub async fn keep_up(client: &Client, backup: &Path, first: u64) -> Result<(), Failure> {
    let first = first as usize % UPKEEP.len();
    let mut is_backed_up = false;
    loop {
        for statement in UPKEEP.into_iter().cycle().skip(first).take(UPKEEP.len()) {
            let done = match statement {
                // There is one directory for one of them.
                "BACKUP" if std::mem::replace(&mut is_backed_up, true) => Ok(()),
                "BACKUP" => back_up(client, backup).await.map(|_| ()),
                statement => client.batch_execute(statement).await,
            };
            match done {
                Ok(()) => {}
                Err(error) => match error.as_db_error() {
                    Some(refusal) if refusal.code().code() != "57P01" => {
                        return Err(format!("{statement}: {refusal}").into());
                    }
                    _ => return Ok(()),
                },
            }
        }
    }
}

/// Backups that crashes met, and how many of them had been finished.
#[derive(Default)]
pub struct Met {
    pub begun: u64,
    pub whole: u64,
}

impl std::fmt::Display for Met {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} backups begun, {} of them found whole", self.begun, self.whole)
    }
}

impl Met {
    /// After a crash.
    pub fn note(&mut self, binary: &Path, backup: &Path) -> Result<(), Failure> {
        if let Some(is_whole) = check_left_over(binary, backup)? {
            self.begun += 1;
            self.whole += u64::from(is_whole);
        }
        Ok(())
    }
}

/// A backup that has its list is whole, and one that has none is not taken for a backup. Removes it; `None` if there is
/// none.
fn check_left_over(binary: &Path, backup: &Path) -> Result<Option<bool>, Failure> {
    if !backup.exists() {
        return Ok(None);
    }
    let is_finished = backup.join("BACKUP").exists();
    let (said, is_good) = verify(binary, backup)?;
    if is_finished != is_good {
        let what = if is_finished { "a finished backup does not verify" } else { "half a backup verifies" };
        return Err(format!("{what}: {said}").into());
    }
    let scratch = backup.with_extension("refused");
    if !is_finished && restore(binary, backup, &scratch, None)?.1 {
        return Err("half a backup was restored".into());
    }
    std::fs::remove_dir_all(backup)?;
    if scratch.exists() {
        std::fs::remove_dir_all(scratch)?;
    }
    Ok(Some(is_finished))
}
