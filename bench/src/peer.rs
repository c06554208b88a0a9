//! The two servers that a cell compares.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::Failure;

/// Ticks of /proc's processor times, in a second.
const TICKS: f64 = 100.0;

/// A running server.
pub struct Peer {
    pub name: &'static str,
    pub port: u16,
    /// The process whose time, with its children's, is the server's.
    process: u32,
    child: Option<Child>,
    folder: Option<PathBuf>,
}

impl Peer {
    /// Strata (`STRATA_BINARY`, or `strata` beside this program) on a fresh folder and a free port.
    pub fn strata() -> Result<Peer, Failure> {
        let own = std::env::current_exe()?;
        let binary =
            std::env::var_os("STRATA_BINARY").map_or_else(|| own.with_file_name("strata"), PathBuf::from);
        let folder = std::env::temp_dir().join(format!("strata-bench-{}", std::process::id()));
        let mut child = Command::new(&binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&folder)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", binary.display()))?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let port = line.trim_end().rsplit_once('/').and_then(|(head, _)| head.rsplit_once(':'));
        let port = port.ok_or("Strata did not start")?.1.parse()?;
        Ok(Peer { name: "strata", port, process: child.id(), child: Some(child), folder: Some(folder) })
    }

    /// PostgreSQL on `port`, or one started by `bench/rival`.
    pub fn rival(port: Option<u16>) -> Result<Peer, Failure> {
        let port = match port {
            Some(port) => port,
            None => {
                let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("rival");
                let output = Command::new(script).arg("start").stderr(Stdio::inherit()).output()?;
                String::from_utf8(output.stdout)?.trim().parse().map_err(|_| "bench/rival gave no port")?
            }
        };
        let mut peer = Peer { name: "postgresql", port, process: 0, child: None, folder: None };
        let file = PathBuf::from(peer.sql("SHOW data_directory")?.trim()).join("postmaster.pid");
        let text = std::fs::read_to_string(file)?;
        peer.process = text.lines().next().ok_or("an empty postmaster.pid")?.trim().parse()?;
        Ok(peer)
    }

    /// Runs one statement by psql; gives the unaligned output.
    pub fn sql(&self, statement: &str) -> Result<String, Failure> {
        let port = self.port.to_string();
        let output = Command::new("psql")
            .args([
                "-X",
                "-At",
                "-h",
                "127.0.0.1",
                "-U",
                "postgres",
                "-d",
                "postgres",
                "-p",
                &port,
                "-c",
                statement,
            ])
            .output()?;
        if output.status.success() {
            return Ok(String::from_utf8(output.stdout)?);
        }
        Err(format!("{}: {}", self.name, String::from_utf8_lossy(&output.stderr)).into())
    }

    /// The four sums of TPC-B must be one number.
    pub fn check_sums(&self) -> Result<(), Failure> {
        let sums = self.sql(
            "SELECT count(DISTINCT s) FROM (SELECT sum(abalance) FROM pgbench_accounts UNION ALL
             SELECT sum(bbalance) FROM pgbench_branches UNION ALL SELECT sum(tbalance) FROM pgbench_tellers UNION ALL
             SELECT coalesce(sum(delta), 0) FROM pgbench_history) AS sums (s)",
        )?;
        if sums.trim() == "1" {
            Ok(())
        } else {
            Err(format!("{}: the balances do not agree", self.name).into())
        }
    }

    /// Processor seconds used so far by the server, its ended children included.
    pub fn processor_seconds(&self) -> Result<f64, Failure> {
        let mut ticks = own_ticks(self.process, true)?;
        for entry in std::fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(process) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            // Processes come and go while we look.
            if parent(process).is_some_and(|parent| parent == self.process) {
                ticks += own_ticks(process, false).unwrap_or(0.0);
            }
        }
        Ok(ticks / TICKS)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// The fields of /proc/PID/stat after the command's name.
fn fields(process: u32) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn parent(process: u32) -> Option<u32> {
    fields(process)?.get(1)?.parse().ok()
}

fn own_ticks(process: u32, with_children: bool) -> Result<f64, Failure> {
    let fields = fields(process).ok_or("the server's process is gone")?;
    let last = if with_children { 15 } else { 13 };
    let times = fields.get(11..last).ok_or("an odd /proc/PID/stat")?;
    times.iter().map(|time| Ok(time.parse::<f64>()?)).sum()
}
