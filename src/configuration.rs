//! The command line: what the server is told before it starts, and the commands that keep and restore. Every option of
//! the server has a default, so that none is needed.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

/// What `strata` was asked to do.
#[derive(Debug)]
pub enum Command {
    Serve(Configuration),
    Backup(Backup),
    Restore(Restore),
    Verify(PathBuf),
    Help,
    Version,
}

/// How to serve.
#[derive(Debug, PartialEq)]
pub struct Configuration {
    pub data_directory: PathBuf,
    pub listen: String,
    pub unix_socket_directory: Option<PathBuf>,
    pub metrics_listen: Option<SocketAddr>,
    pub tls: Option<TlsFiles>,
}

/// The files of a TLS listener.
#[derive(Debug, PartialEq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What to back up, and where to.
#[derive(Debug, PartialEq)]
pub struct Backup {
    pub to: PathBuf,
    pub data_directory: PathBuf,
    /// The server that is asked, if one holds the data directory.
    pub server: SocketAddr,
    pub user: String,
}

/// What to make a data directory of.
#[derive(Debug, PartialEq)]
pub struct Restore {
    pub from: PathBuf,
    pub data_directory: PathBuf,
    /// A moment as `timestamptz` reads it; absent: the end of the backup.
    pub to_time: Option<String>,
}

/// A command line that means nothing.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum UsageError {
    #[error("unknown command \"{0}\"; there are serve, backup, restore and verify")]
    UnknownCommand(String),
    #[error("unknown option \"{0}\"")]
    UnknownOption(String),
    #[error("option {0} needs a value")]
    MissingValue(String),
    #[error("option {0} was given twice")]
    Repeated(String),
    #[error("option {0} is needed")]
    Missing(&'static str),
    #[error("{option} \"{value}\" is not HOST:PORT: {reason}")]
    BadAddress { option: &'static str, value: String, reason: String },
    #[error("--tls-cert and --tls-key go together")]
    HalfTls,
}

pub const USAGE: &str = "\
strata: a PostgreSQL server that remembers

Usage: strata [serve] [OPTIONS]
       strata backup --to DIR [--data-dir DIR] [--server HOST:PORT] [--user NAME]
       strata restore --from DIR --data-dir DIR [--to-time MOMENT]
       strata verify --data-dir DIR

Options of serve:
  --data-dir DIR             where everything is kept (default ./strata-data)
  --listen HOST:PORT         where clients connect (default 127.0.0.1:5432)
  --unix-socket DIR          also listen on DIR/.s.PGSQL.PORT
  --metrics-listen HOST:PORT serve /metrics and /health there
  --tls-cert FILE            certificate chain in PEM
  --tls-key FILE             its private key in PEM
  --help, --version

backup copies a database into an empty directory of the server's machine while it is served: the server at --server
(default 127.0.0.1:5432) does it. If no server holds --data-dir (default ./strata-data), it is read directly.
restore makes a data directory of a backup, as of its end or of a moment that it reaches ('2026-11-21 09:30:00+00').
verify reads every byte of a data directory that no server holds, or of a backup, and names what is damaged.

Environment:
  STRATA_PASSWORD            password for the first superuser, postgres; backup connects with it
  STRATA_LOG                 log filter, such as info or strata_wire=debug (default warn)
";

const DEFAULT_DATA_DIRECTORY: &str = "strata-data";
const DEFAULT_LISTEN: &str = "127.0.0.1:5432";

/// Reads the arguments after the program's name.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Command, UsageError> {
    let mut arguments = arguments.into_iter().peekable();
    let word = arguments.next_if(|word| !word.starts_with('-'));
    let known: &[&'static str] = match word.as_deref() {
        None | Some("serve") => &SERVE,
        Some("backup") => &["--to", "--data-dir", "--server", "--user"],
        Some("restore") => &["--from", "--data-dir", "--to-time"],
        Some("verify") => &["--data-dir"],
        Some(word) => return Err(UsageError::UnknownCommand(word.to_owned())),
    };
    let mut options = Options::default();
    while let Some(argument) = arguments.next() {
        let (name, mut inline) = match argument.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (argument, None),
        };
        let option = match name.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--version" | "-V" => return Ok(Command::Version),
            _ => known.iter().find(|option| **option == name),
        };
        let Some(option) = option else { return Err(UsageError::UnknownOption(name)) };
        let value =
            inline.take().or_else(|| arguments.next()).ok_or(UsageError::MissingValue(name.clone()))?;
        if options.take(option).is_some() {
            return Err(UsageError::Repeated(name));
        }
        options.given.push((option, value));
    }
    match word.as_deref() {
        Some("backup") => options.into_backup().map(Command::Backup),
        Some("restore") => options.into_restore().map(Command::Restore),
        Some("verify") => options.required("--data-dir").map(|directory| Command::Verify(directory.into())),
        _ => options.into_configuration().map(Command::Serve),
    }
}

const SERVE: [&str; 6] =
    ["--data-dir", "--listen", "--unix-socket", "--metrics-listen", "--tls-cert", "--tls-key"];

/// Options as they were given.
#[derive(Default)]
struct Options {
    given: Vec<(&'static str, String)>,
}

impl Options {
    fn take(&mut self, option: &str) -> Option<String> {
        let place = self.given.iter().position(|(name, _)| *name == option)?;
        Some(self.given.swap_remove(place).1)
    }

    fn required(&mut self, option: &'static str) -> Result<String, UsageError> {
        self.take(option).ok_or(UsageError::Missing(option))
    }

    fn data_directory(&mut self) -> PathBuf {
        self.take("--data-dir").unwrap_or_else(|| DEFAULT_DATA_DIRECTORY.to_owned()).into()
    }

    fn into_configuration(mut self) -> Result<Configuration, UsageError> {
        let tls = match (self.take("--tls-cert"), self.take("--tls-key")) {
            (Some(certificate), Some(key)) => {
                Some(TlsFiles { certificate: certificate.into(), key: key.into() })
            }
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(UsageError::HalfTls),
        };
        let metrics_listen =
            self.take("--metrics-listen").map(|value| resolve("--metrics-listen", &value)).transpose()?;
        Ok(Configuration {
            data_directory: self.data_directory(),
            listen: self.take("--listen").unwrap_or_else(|| DEFAULT_LISTEN.to_owned()),
            unix_socket_directory: self.take("--unix-socket").map(PathBuf::from),
            metrics_listen,
            tls,
        })
    }

    fn into_backup(mut self) -> Result<Backup, UsageError> {
        let server = self.take("--server").unwrap_or_else(|| DEFAULT_LISTEN.to_owned());
        Ok(Backup {
            to: self.required("--to")?.into(),
            data_directory: self.data_directory(),
            server: resolve("--server", &server)?,
            user: self.take("--user").unwrap_or_else(|| "postgres".to_owned()),
        })
    }

    fn into_restore(mut self) -> Result<Restore, UsageError> {
        Ok(Restore {
            from: self.required("--from")?.into(),
            data_directory: self.required("--data-dir")?.into(),
            to_time: self.take("--to-time"),
        })
    }
}

/// Resolves HOST:PORT to one address.
pub fn resolve(option: &'static str, value: &str) -> Result<SocketAddr, UsageError> {
    let bad = |reason: String| UsageError::BadAddress { option, value: value.to_owned(), reason };
    value
        .to_socket_addrs()
        .map_err(|error| bad(error.to_string()))?
        .next()
        .ok_or_else(|| bad("no address".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Command, UsageError> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn nothing_at_all_serves_with_defaults() {
        let Ok(Command::Serve(configuration)) = words("") else { panic!("does not serve") };
        assert_eq!(configuration.listen, "127.0.0.1:5432");
        assert_eq!(configuration.data_directory, PathBuf::from("strata-data"));
        assert_eq!(configuration.tls, None);
    }

    #[test]
    fn options_take_values_either_way() {
        let line =
            "serve --data-dir=/d --listen 0.0.0.0:1 --tls-cert c --tls-key k --metrics-listen 127.0.0.1:9";
        let Ok(Command::Serve(configuration)) = words(line) else { panic!("does not serve") };
        assert_eq!(configuration.data_directory, PathBuf::from("/d"));
        assert!(configuration.tls.is_some());
        assert_eq!(configuration.metrics_listen, "127.0.0.1:9".parse().ok());
    }

    #[test]
    fn keeping_and_restoring_have_options_of_their_own() {
        let Ok(Command::Backup(backup)) = words("backup --to /b --server=127.0.0.1:7") else {
            panic!("does not back up")
        };
        assert_eq!((backup.to, backup.server.port()), (PathBuf::from("/b"), 7));
        assert_eq!((backup.user.as_str(), backup.data_directory), ("postgres", "strata-data".into()));
        let Ok(Command::Restore(restore)) = words("restore --from /b --data-dir /d --to-time 2026-01-01")
        else {
            panic!("does not restore")
        };
        assert_eq!(restore.to_time.as_deref(), Some("2026-01-01"));
        assert!(matches!(words("verify --data-dir /d"), Ok(Command::Verify(_))));
        assert_eq!(words("restore --from /b").unwrap_err(), UsageError::Missing("--data-dir"));
        assert_eq!(words("verify --to x").unwrap_err(), UsageError::UnknownOption("--to".into()));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(words("dance").unwrap_err(), UsageError::UnknownCommand("dance".into()));
        assert_eq!(words("--dance x").unwrap_err(), UsageError::UnknownOption("--dance".into()));
        assert_eq!(words("--listen").unwrap_err(), UsageError::MissingValue("--listen".into()));
        assert_eq!(words("--tls-cert x").unwrap_err(), UsageError::HalfTls);
        assert_eq!(words("--listen a:1 --listen b:1").unwrap_err(), UsageError::Repeated("--listen".into()));
    }
}
