//! What a peer that has not authenticated can make the server hold: by a start-up packet, and by a TLS handshake.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Failure;
use crate::server::{Server, has_program};

/// Bytes that a stranger may cost.
const PLAIN_LIMIT: u64 = 64 * 1024;
const HANDSHAKE_LIMIT: u64 = 160 * 1024;
const STRANGERS: u64 = 200;
/// TLS's longest record, and the longest handshake message that its two-byte bound allows here.
const RECORD: usize = 16 * 1024;
const HANDSHAKE: usize = 65_000;

/// Bytes of memory of one connection that announces much and sends almost all it may.
pub fn plain(server: &Server, socket: &Path) -> Result<u64, Failure> {
    let mut packet = 10_000_u32.to_be_bytes().to_vec();
    packet.extend_from_slice(&[0, 3, 0, 0]);
    packet.resize(9_990, b'x');
    cost(server, PLAIN_LIMIT, "has not authenticated", || {
        let mut stream = UnixStream::connect(socket)?;
        stream.write_all(&packet)?;
        Ok(stream)
    })
}

/// Bytes of memory of one connection that never ends its ClientHello; `None` where no certificate can be made.
pub fn in_handshake(binary: &Path, folder: &Path) -> Result<Option<u64>, Failure> {
    if !has_program("openssl") {
        return Ok(None);
    }
    let (certificate, key) = (folder.join("stranger.crt"), folder.join("stranger.key"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status()?;
    if !made.success() {
        return Err("openssl made no certificate".into());
    }
    let arguments = ["--tls-cert", &certificate.to_string_lossy(), "--tls-key", &key.to_string_lossy()]
        .map(str::to_owned);
    let server = Server::start_with(
        binary,
        &folder.join("stranger"),
        &arguments.each_ref().map(String::as_str),
        &[("STRATA_PASSWORD", "secret")],
    )?;
    let hello = unfinished_hello();
    let cost = cost(&server, HANDSHAKE_LIMIT, "is in a TLS handshake", || {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port))?;
        stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47])?;
        let mut answer = [0];
        stream.read_exact(&mut answer)?;
        if answer != *b"S" {
            return Err("TLS is refused".into());
        }
        stream.write_all(&hello)?;
        Ok(stream)
    })?;
    server.stop()?;
    Ok(Some(cost))
}

/// A ClientHello in whole records, but for its end.
fn unfinished_hello() -> Vec<u8> {
    let mut message = vec![1];
    message.extend_from_slice(&(HANDSHAKE as u32).to_be_bytes()[1..]);
    message.resize(HANDSHAKE, 0);
    let mut records = Vec::new();
    for piece in message.chunks(RECORD) {
        records.extend_from_slice(&[22, 3, 1]);
        records.extend_from_slice(&(piece.len() as u16).to_be_bytes());
        records.extend_from_slice(piece);
    }
    records
}

/// What each of many such connections adds to the server's memory.
fn cost<Stream>(
    server: &Server,
    limit: u64,
    state: &str,
    connect: impl Fn() -> Result<Stream, Failure>,
) -> Result<u64, Failure> {
    // The first ones bring in code and pools that stay.
    drop((0..8).map(|_| connect()).collect::<Result<Vec<_>, _>>()?);
    std::thread::sleep(Duration::from_millis(300));
    let before = server.resident()?;
    let strangers = (0..STRANGERS).map(|_| connect()).collect::<Result<Vec<_>, _>>()?;
    std::thread::sleep(Duration::from_millis(500));
    let cost = server.resident()?.saturating_sub(before) / STRANGERS;
    drop(strangers);
    if cost > limit {
        return Err(format!("a peer that {state} costs {cost} bytes").into());
    }
    Ok(cost)
}
