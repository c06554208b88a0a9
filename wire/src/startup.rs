//! From the first byte of a connection to a startup packet: SSLRequest, GSSENCRequest, CancelRequest, StartupMessage.
//!
//! A packet is a length that counts itself and a body of at most 10,000 bytes whose first word is a request code or
//! the protocol version. Each of the two encryption requests may come once. After an accepted SSLRequest nothing may
//! stand in the read buffer: bytes sent before the handshake would be read as if they had come through TLS
//! (CVE-2021-23214), so the connection is refused.

use bytes::{Buf, BytesMut};
use sql::{Error, Result, SqlState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::frontend::{text, violation};
use crate::stream::Stream;
use crate::tls::Tls;

const MAXIMUM_LENGTH: usize = 10_000;
const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;
const TLS_HANDSHAKE_RECORD: u8 = 0x16;

/// What a connection turned out to want.
pub enum Opening {
    Start(StartupPacket),
    Cancel {
        pid: i32,
        secret: Vec<u8>,
    },
    /// The peer left, or asked for what was refused and left.
    Gone,
}

/// A StartupMessage.
#[derive(Debug)]
pub struct StartupPacket {
    pub minor_version: u16,
    pub parameters: Vec<(String, String)>,
}

/// A connection before anybody is known: its stream and what has been read of it.
pub struct Unknown {
    pub stream: Stream,
    pub input: BytesMut,
}

impl Unknown {
    pub fn new(stream: Stream) -> Unknown {
        Unknown { stream, input: BytesMut::with_capacity(1024) }
    }

    /// Runs the negotiation. Errors are to be sent to the peer as FATAL, then the connection closed.
    pub async fn negotiate(mut self, tls: Option<&Tls>) -> Result<(Unknown, Opening)> {
        if let (Some(tls), Stream::Tcp(socket)) = (tls, &self.stream) {
            let mut first = [0; 1];
            if socket.peek(&mut first).await.map_err(gone)? == 1 && first == [TLS_HANDSHAKE_RECORD] {
                self = self.encrypt(tls).await?;
                if !negotiated_alpn(&self.stream) {
                    return Err(violation(
                        "received direct SSL connection request without ALPN protocol negotiation",
                    ));
                }
            }
        }
        let (mut ssl_asked, mut gss_asked) = (self.stream.is_encrypted(), false);
        loop {
            let Some(body) = self.packet().await? else { return Ok((self, Opening::Gone)) };
            let Some((code, rest)) = body.split_first_chunk::<4>() else { return Err(invalid_length()) };
            match u32::from_be_bytes(*code) {
                SSL_REQUEST if ssl_asked => return Err(unsupported_version(SSL_REQUEST)),
                GSS_REQUEST if gss_asked => return Err(unsupported_version(GSS_REQUEST)),
                SSL_REQUEST => {
                    ssl_asked = true;
                    self = self.answer_ssl(tls).await?;
                }
                GSS_REQUEST => {
                    gss_asked = true;
                    self.stream.write_all(b"N").await.map_err(gone)?;
                }
                CANCEL_REQUEST => {
                    let opening = match rest.split_first_chunk::<4>() {
                        Some((pid, secret)) if (4..=256).contains(&secret.len()) => {
                            Opening::Cancel { pid: i32::from_be_bytes(*pid), secret: secret.to_vec() }
                        }
                        _ => Opening::Gone,
                    };
                    return Ok((self, opening));
                }
                version => {
                    let packet = startup_packet(version, rest)?;
                    return Ok((self, Opening::Start(packet)));
                }
            }
        }
    }

    async fn answer_ssl(mut self, tls: Option<&Tls>) -> Result<Unknown> {
        match (tls, &self.stream) {
            (Some(tls), Stream::Tcp(_)) => {
                if !self.input.is_empty() {
                    return Err(violation("received unencrypted data after SSL request")
                        .detail("This could be either a client-software bug or evidence of an attempted man-in-the-middle attack."));
                }
                self.stream.write_all(b"S").await.map_err(gone)?;
                self.encrypt(tls).await
            }
            _ => {
                self.stream.write_all(b"N").await.map_err(gone)?;
                Ok(self)
            }
        }
    }

    async fn encrypt(self, tls: &Tls) -> Result<Unknown> {
        let Stream::Tcp(socket) = self.stream else {
            return Err(Error::internal("TLS was accepted on a stream that cannot carry it"));
        };
        let stream = tls.acceptor.accept(socket).await.map_err(gone)?;
        Ok(Unknown { stream: Stream::Tls(Box::new(stream)), input: BytesMut::with_capacity(1024) })
    }

    /// The body of the next packet; `None` at a clean end.
    async fn packet(&mut self) -> Result<Option<BytesMut>> {
        loop {
            if let Some(length) = self.input.first_chunk::<4>() {
                let length = u32::from_be_bytes(*length) as usize;
                if !(8..=MAXIMUM_LENGTH).contains(&length) {
                    return Err(invalid_length());
                }
                if self.input.len() >= length {
                    let mut packet = self.input.split_to(length);
                    packet.advance(4);
                    return Ok(Some(packet));
                }
            }
            if self.input.len() > MAXIMUM_LENGTH {
                return Err(invalid_length());
            }
            if self.stream.read_buf(&mut self.input).await.map_err(gone)? == 0 {
                return if self.input.is_empty() {
                    Ok(None)
                } else {
                    Err(violation("incomplete startup packet"))
                };
            }
        }
    }
}

fn negotiated_alpn(stream: &Stream) -> bool {
    match stream {
        Stream::Tls(tls) => tls.get_ref().1.alpn_protocol() == Some(b"postgresql"),
        Stream::Tcp(_) | Stream::Unix(_) => false,
    }
}

fn startup_packet(version: u32, rest: &[u8]) -> Result<StartupPacket> {
    if version >> 16 != 3 {
        return Err(unsupported_version(version));
    }
    let mut parameters = Vec::new();
    let mut fields = rest.split(|byte| *byte == 0);
    let layout = || violation("invalid startup packet layout: expected terminator as last byte");
    loop {
        let name = text(fields.next().ok_or_else(layout)?)?;
        if name.is_empty() {
            break;
        }
        let value = text(fields.next().ok_or_else(layout)?)?;
        parameters.push((name.to_owned(), value.to_owned()));
    }
    // The terminator is the last byte, so exactly one empty field follows it.
    match (fields.next(), fields.next()) {
        (Some([]), None) => Ok(StartupPacket { minor_version: (version & 0xffff) as u16, parameters }),
        _ => Err(layout()),
    }
}

fn unsupported_version(version: u32) -> Error {
    Error::new(
        SqlState::FeatureNotSupported,
        format!(
            "unsupported frontend protocol {}.{}: server supports 3.0 to 3.2",
            version >> 16,
            version & 0xffff
        ),
    )
}

fn invalid_length() -> Error {
    violation("invalid length of startup packet")
}

/// A socket error: nobody is left to tell.
pub fn gone(error: std::io::Error) -> Error {
    Error::new(SqlState::ConnectionFailure, format!("connection lost: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn startup_packets_end_with_their_terminator() {
        let packet = startup_packet(0x0003_0000, b"user\0bob\0database\0shop\0\0").unwrap();
        assert_eq!(packet.parameters[1], ("database".to_owned(), "shop".to_owned()));
        for body in [&b"user\0bob\0"[..], b"user\0bob\0\0\0", b"user", b"", b"user\0bob\0\0x"] {
            assert!(startup_packet(0x0003_0000, body).is_err(), "{body:?}");
        }
    }

    #[test]
    fn other_major_versions_are_refused() {
        for version in [0x0002_0000, 0x0004_0000, 0] {
            assert_eq!(startup_packet(version, b"\0").unwrap_err().state(), SqlState::FeatureNotSupported);
        }
    }
}
