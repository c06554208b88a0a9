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

/// After a crash: a backup that has its list is whole, and one that has none is not taken for a backup. Removes it.
pub fn check_left_over(binary: &Path, backup: &Path) -> Result<bool, Failure> {
    if !backup.exists() {
        return Ok(false);
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
    Ok(is_finished)
}
