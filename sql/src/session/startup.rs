//! What a connection says of itself, and what it must prove.

use crate::error::Error;

/// Where a client comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAddress {
    /// A Unix socket.
    Local,
    Internet(std::net::SocketAddr),
}

impl ClientAddress {
    /// Whether the peer is this machine.
    pub fn is_loopback(&self) -> bool {
        match self {
            ClientAddress::Local => true,
            ClientAddress::Internet(address) => address.ip().is_loopback(),
        }
    }
}

/// The start-up packet of an authenticated client.
#[derive(Clone, Debug)]
pub struct Startup {
    pub user: String,
    /// The user's name when the packet names none.
    pub database: String,
    /// Settings for the session, in order.
    pub options: Vec<(String, String)>,
    /// (major, minor).
    pub protocol: (u16, u16),
    pub address: ClientAddress,
}

/// What a role has to prove.
#[derive(Clone, Debug)]
pub enum Authentication {
    Trust,
    /// The stored SCRAM-SHA-256 verifier, in PostgreSQL's text form.
    Scram(String),
    /// Refused whatever it proves; `wire` runs a SCRAM exchange that fails, so that names cannot be probed.
    Reject(Error),
}
