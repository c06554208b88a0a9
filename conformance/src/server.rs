//! A server of our own for a suite: started on free ports over a folder, killed, stopped and started again.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;

/// Longest wait for the ready line, recovery included.
const START_LIMIT: Duration = Duration::from_secs(60);

/// The server's program: `STRATA_BINARY`, or `strata` beside this program.
pub fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("STRATA_BINARY") {
        return named.into();
    }
    let own = std::env::current_exe().unwrap_or_default();
    own.with_file_name("strata")
}

/// A folder that is removed when it is dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes a fresh folder under the system's place for temporary files.
    pub fn new(purpose: &str) -> Result<Folder, Failure> {
        let unique = crate::random::Random::fresh_seed();
        let path = std::env::temp_dir().join(format!("strata-{purpose}-{unique:016x}"));
        std::fs::create_dir_all(&path)?;
        Ok(Folder(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that cannot be removed is left for the reader of the failure.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running server.
pub struct Server {
    child: Child,
    pub port: u16,
    /// The folder of its Unix socket.
    pub socket_folder: PathBuf,
}

impl Server {
    /// Starts a server over `data`; returns once it accepts connections.
    pub fn start(binary: &Path, data: &Path) -> Result<Server, Failure> {
        Server::start_with(binary, data, &[], &[])
    }

    /// As `start`, with more arguments and environment variables.
    pub fn start_with(
        binary: &Path,
        data: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Server, Failure> {
        let sockets = data.parent().ok_or("a data folder without a parent")?.canonicalize()?;
        let mut child = Command::new(binary)
            .arg("serve")
            .arg("--data-dir")
            .arg(data)
            .args(["--listen", "127.0.0.1:0", "--unix-socket"])
            .arg(&sockets)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", binary.display()))?;
        let output = child.stdout.take().ok_or("no standard output")?;
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            // End of file is an empty line, which is not a ready line.
            let _ = BufReader::new(output).read_line(&mut line);
            let _ = sender.send(line);
        });
        let line = receiver.recv_timeout(START_LIMIT).map_err(|_| "the server did not become ready in time");
        let port = line.as_deref().ok().and_then(ready_port);
        match port {
            Some(port) => Ok(Server { child, port, socket_folder: sockets }),
            None => {
                let _ = child.kill();
                let status = child.wait()?;
                Err(format!("the server did not start: {line:?}, {status}").into())
            }
        }
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Connection parameters in libpq's form, over TCP.
    pub fn parameters(&self, database: &str) -> String {
        format!("host=127.0.0.1 port={} user=postgres dbname={database}", self.port)
    }

    /// kill -9, and waits for the end.
    pub fn kill(mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM; the exit must be clean and soon.
    pub fn stop(mut self) -> Result<(), Failure> {
        self.signal(libc::SIGTERM);
        let deadline = Instant::now() + START_LIMIT;
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("the server stopped with {status}").into()),
                None if Instant::now() > deadline => return Err("the server did not stop".into()),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn signal(&self, signal: i32) {
        // SAFETY: kill has no memory effects; the process is our own child, not yet waited for.
        unsafe { libc::kill(self.child.id() as i32, signal) };
    }

    /// Resident memory in bytes.
    pub fn resident(&self) -> Result<u64, Failure> {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id()))?;
        let pages: u64 = statm.split_whitespace().nth(1).ok_or("no resident pages")?.parse()?;
        Ok(pages * 4096)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail when it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ready_port(line: &str) -> Option<u16> {
    let rest = line.trim_end().strip_prefix("ready postgresql://")?;
    let authority = rest.rsplit_once('/')?.0;
    authority.rsplit_once(':')?.1.parse().ok()
}

/// Runs psql on a script; gives its standard output and whether it succeeded, with what it said of errors.
pub fn psql(
    port: u16,
    database: &str,
    arguments: &[&str],
    script: Option<&Path>,
) -> Result<(String, String, bool), Failure> {
    let mut command = Command::new("psql");
    command.args(["-X", "-h", "127.0.0.1", "-U", "postgres", "-d", database, "-p", &port.to_string()]);
    command.args(arguments).env("PGCLIENTENCODING", "UTF8").env("LC_ALL", "C.UTF-8");
    if let Some(script) = script {
        command.arg("-f").arg(script);
    }
    let output = command.output().map_err(|error| format!("psql: {error}"))?;
    Ok((
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
        output.status.success(),
    ))
}

/// Whether a program is on the path.
pub fn has_program(name: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}
