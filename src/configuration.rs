//! The command line: what the server is told before it starts. Every option has a default, so that none is needed.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

/// What `strata` was asked to do.
#[derive(Debug)]
pub enum Command {
    Serve(Configuration),
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

/// A command line that means nothing.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum UsageError {
    #[error("unknown command \"{0}\"; the only one is \"serve\"")]
    UnknownCommand(String),
    #[error("unknown option \"{0}\"")]
    UnknownOption(String),
    #[error("option {0} needs a value")]
    MissingValue(String),
    #[error("option {0} was given twice")]
    Repeated(String),
    #[error("{option} \"{value}\" is not HOST:PORT: {reason}")]
    BadAddress { option: &'static str, value: String, reason: String },
    #[error("--tls-cert and --tls-key go together")]
    HalfTls,
}

pub const USAGE: &str = "\
strata: a PostgreSQL server that remembers

Usage: strata [serve] [OPTIONS]

Options:
  --data-dir DIR             where everything is kept (default ./strata-data)
  --listen HOST:PORT         where clients connect (default 127.0.0.1:5432)
  --unix-socket DIR          also listen on DIR/.s.PGSQL.PORT
  --metrics-listen HOST:PORT serve /metrics and /health there
  --tls-cert FILE            certificate chain in PEM
  --tls-key FILE             its private key in PEM
  --help, --version

Environment:
  STRATA_PASSWORD            password for the first superuser, postgres
  STRATA_LOG                 log filter, such as info or strata_wire=debug (default warn)
";

const DEFAULT_DATA_DIRECTORY: &str = "strata-data";
const DEFAULT_LISTEN: &str = "127.0.0.1:5432";

/// Reads the arguments after the program's name.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Command, UsageError> {
    let mut arguments = arguments.into_iter().peekable();
    match arguments.peek().map(String::as_str) {
        Some("serve") => {
            arguments.next();
        }
        Some(word) if !word.starts_with('-') => return Err(UsageError::UnknownCommand(word.to_owned())),
        Some(_) | None => {}
    }
    let mut options = Options::default();
    while let Some(argument) = arguments.next() {
        let (name, mut inline) = match argument.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (argument, None),
        };
        let slot = match name.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--version" | "-V" => return Ok(Command::Version),
            "--data-dir" => &mut options.data_directory,
            "--listen" => &mut options.listen,
            "--unix-socket" => &mut options.unix_socket,
            "--metrics-listen" => &mut options.metrics_listen,
            "--tls-cert" => &mut options.tls_certificate,
            "--tls-key" => &mut options.tls_key,
            _ => return Err(UsageError::UnknownOption(name)),
        };
        let value =
            inline.take().or_else(|| arguments.next()).ok_or(UsageError::MissingValue(name.clone()))?;
        if slot.replace(value).is_some() {
            return Err(UsageError::Repeated(name));
        }
    }
    options.into_configuration().map(Command::Serve)
}

#[derive(Default)]
struct Options {
    data_directory: Option<String>,
    listen: Option<String>,
    unix_socket: Option<String>,
    metrics_listen: Option<String>,
    tls_certificate: Option<String>,
    tls_key: Option<String>,
}

impl Options {
    fn into_configuration(self) -> Result<Configuration, UsageError> {
        let tls = match (self.tls_certificate, self.tls_key) {
            (Some(certificate), Some(key)) => {
                Some(TlsFiles { certificate: certificate.into(), key: key.into() })
            }
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(UsageError::HalfTls),
        };
        let metrics_listen =
            self.metrics_listen.map(|value| resolve("--metrics-listen", &value)).transpose()?;
        Ok(Configuration {
            data_directory: self.data_directory.unwrap_or_else(|| DEFAULT_DATA_DIRECTORY.to_owned()).into(),
            listen: self.listen.unwrap_or_else(|| DEFAULT_LISTEN.to_owned()),
            unix_socket_directory: self.unix_socket.map(PathBuf::from),
            metrics_listen,
            tls,
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
    fn mistakes_are_named() {
        assert_eq!(words("dance").unwrap_err(), UsageError::UnknownCommand("dance".into()));
        assert_eq!(words("--dance x").unwrap_err(), UsageError::UnknownOption("--dance".into()));
        assert_eq!(words("--listen").unwrap_err(), UsageError::MissingValue("--listen".into()));
        assert_eq!(words("--tls-cert x").unwrap_err(), UsageError::HalfTls);
        assert_eq!(words("--listen a:1 --listen b:1").unwrap_err(), UsageError::Repeated("--listen".into()));
    }
}
