//! Listening: TCP and Unix sockets, one task a connection, a bounded number of them, an orderly end.
//!
//! A peer that has not authenticated holds one of [`STRANGERS`] places and has [`STARTUP_TIMEOUT`] to leave it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use sql::session::{ClientAddress, Instance};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;

use crate::connection;
use crate::stream::Stream;
use crate::tls::Tls;

/// Connections that may be in start-up at once.
const STRANGERS: usize = 256;
/// How long start-up and authentication may take together.
pub const STARTUP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait before accepting again when the process has run out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where to listen, and how.
pub struct Listener {
    pub address: SocketAddr,
    pub unix_socket_directory: Option<PathBuf>,
    pub tls: Option<Tls>,
}

/// Why a server could not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenerError {
    #[error("could not listen on {address}: {source}")]
    Tcp { address: SocketAddr, source: io::Error },
    #[error("could not listen on Unix socket {path}: {source}")]
    Unix { path: String, source: io::Error },
}

/// Bound sockets, ready to accept.
pub struct Listening {
    tcp: TcpListener,
    unix: Option<UnixListener>,
    socket_path: Option<PathBuf>,
    shared: Arc<Shared>,
}

/// What every connection needs.
pub struct Shared {
    pub instance: Arc<Instance>,
    pub tls: Option<Tls>,
    pub strangers: Arc<Semaphore>,
    /// Keys the verifiers of roles that do not exist.
    pub mock_secret: [u8; 32],
}

impl Listener {
    /// Binds the sockets.
    pub async fn bind(self, instance: Arc<Instance>) -> Result<Listening, ListenerError> {
        let address = self.address;
        let tcp =
            TcpListener::bind(address).await.map_err(|source| ListenerError::Tcp { address, source })?;
        let port = tcp.local_addr().map_or(address.port(), |bound| bound.port());
        let socket_path =
            self.unix_socket_directory.map(|directory| directory.join(format!(".s.PGSQL.{port}")));
        let unix = socket_path.as_deref().map(bind_unix).transpose()?;
        let mut mock_secret = [0; 32];
        getrandom::fill(&mut mock_secret)
            .map_err(|error| ListenerError::Tcp { address, source: io::Error::other(error.to_string()) })?;
        let shared = Arc::new(Shared {
            instance,
            tls: self.tls,
            strangers: Arc::new(Semaphore::new(STRANGERS)),
            mock_secret,
        });
        Ok(Listening { tcp, unix, socket_path, shared })
    }
}

impl Listening {
    /// The TCP address really bound.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Accepts until `stop` resolves, then removes the Unix socket.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            let (stream, address) = tokio::select! {
                () = &mut stop => break,
                accepted = accept(&self.tcp, self.unix.as_ref()) => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!(%error, "could not accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
            };
            tokio::spawn(connection::run(stream, address, Arc::clone(&self.shared)));
        }
        if let Some(path) = &self.socket_path {
            // The file may already be gone; a later start removes a stale one.
            let _ = std::fs::remove_file(path);
        }
    }
}

async fn accept(tcp: &TcpListener, unix: Option<&UnixListener>) -> io::Result<(Stream, ClientAddress)> {
    let next_unix = async {
        match unix {
            Some(listener) => listener.accept().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        accepted = tcp.accept() => {
            let (socket, address) = accepted?;
            socket.set_nodelay(true)?;
            SockRef::from(&socket).set_tcp_keepalive(&keepalive())?;
            Ok((Stream::Tcp(socket), ClientAddress::Internet(address)))
        }
        accepted = next_unix => accepted.map(|(socket, _)| (Stream::Unix(socket), ClientAddress::Local)),
    }
}

/// A peer that has vanished without a word is found out in two minutes, also while the server only waits: a feed that
/// nothing happens to would keep its session for ever.
fn keepalive() -> TcpKeepalive {
    TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(15))
        .with_retries(4)
}

/// Binds a Unix socket, removing one that a dead server left: nobody answers on it.
fn bind_unix(path: &Path) -> Result<UnixListener, ListenerError> {
    let failed = |source| ListenerError::Unix { path: path.display().to_string(), source };
    if path.exists() {
        match std::os::unix::net::UnixStream::connect(path) {
            Ok(_) => return Err(failed(io::Error::from(io::ErrorKind::AddrInUse))),
            Err(_) => std::fs::remove_file(path).map_err(failed)?,
        }
    }
    UnixListener::bind(path).map_err(failed)
}
