//! A connection's stream with its two buffers: frames in, finished messages out.
//!
//! The input buffer grows with what the peer has really sent, never with what it announced. The output buffer is
//! written when it passes [`OUTPUT_LIMIT`], when somebody flushes, and before the loop waits for the peer.

use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use sql::{Error, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::frontend::{limit, unknown_type, violation};
use crate::startup::{Unknown, gone};
use crate::stream::Stream;

/// Output that a connection may hold before it is written.
pub const OUTPUT_LIMIT: usize = 64 * 1024;
/// A buffer that a large message blew up is given back to the system above this.
const KEPT_CAPACITY: usize = 256 * 1024;
const READ_SIZE: usize = 8 * 1024;
/// A peer that fills its reads, as COPY does, is given room up to this.
const READ_LIMIT: usize = 64 * 1024;
/// Bytes that a peer may send ahead while it is only listened to for its end.
const AHEAD_LIMIT: usize = 64 * 1024;
const TERMINATE: u8 = b'X';
/// Type and length field of a message.
const HEADER: usize = 5;
/// How long a peer may refuse to take what it asked for.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// One frontend message as bytes.
pub struct Frame {
    pub kind: u8,
    pub body: BytesMut,
}

pub struct Channel {
    stream: Stream,
    input: BytesMut,
    /// The room for the next read: doubled by reads that filled it, halved by small ones.
    read_size: usize,
    pub output: BytesMut,
}

impl Channel {
    pub fn new(unknown: Unknown) -> Channel {
        Channel {
            stream: unknown.stream,
            input: unknown.input,
            read_size: READ_SIZE,
            output: BytesMut::with_capacity(READ_SIZE),
        }
    }

    pub fn is_encrypted(&self) -> bool {
        self.stream.is_encrypted()
    }

    /// Whether a whole message is already here, so that waiting for it costs no system call.
    pub fn has_frame(&self) -> bool {
        matches!(self.frame_length(usize::MAX), Ok(Some(length)) if self.input.len() >= length)
    }

    /// The next message, at most `bound` bytes long where that is less than its type's own limit; `None` at the end of
    /// the stream between two messages. Cancel-safe: what was read stays in the buffer.
    pub async fn frame(&mut self, bound: usize) -> Result<Option<Frame>> {
        loop {
            let wanted = match self.frame_length(bound)? {
                Some(length) if self.input.len() >= length => {
                    let mut body = self.input.split_to(length);
                    let kind = body.get_u8();
                    body.advance(4);
                    return Ok(Some(Frame { kind, body }));
                }
                Some(length) => length - self.input.len(),
                None => self.read_size,
            };
            self.input.reserve(wanted.clamp(self.read_size, KEPT_CAPACITY));
            let read = self.stream.read_buf(&mut self.input).await.map_err(gone)?;
            if read == 0 {
                return match self.input.is_empty() {
                    true => Ok(None),
                    false => Err(violation("unexpected end of file within a message")),
                };
            }
            if read >= self.read_size {
                self.read_size = (2 * self.read_size).min(READ_LIMIT);
            } else if read < self.read_size / 4 {
                self.read_size = (self.read_size / 2).max(READ_SIZE);
            }
        }
    }

    /// The body of the message at the front, if it is of this type and whole; costs no system call.
    pub fn frame_of_kind(&mut self, kind: u8) -> Option<BytesMut> {
        if self.input.first() != Some(&kind) {
            return None;
        }
        let length =
            self.frame_length(usize::MAX).ok().flatten().filter(|length| self.input.len() >= *length)?;
        let mut body = self.input.split_to(length);
        body.advance(HEADER);
        Some(body)
    }

    /// Type, length field and body of the message at the front, in bytes, once its header is here.
    fn frame_length(&self, bound: usize) -> Result<Option<usize>> {
        let Some((kind, rest)) = self.input.split_first() else { return Ok(None) };
        let most = limit(*kind).ok_or_else(|| unknown_type(*kind))?.min(bound);
        let Some(length) = rest.first_chunk::<4>() else { return Ok(None) };
        match usize::try_from(i32::from_be_bytes(*length)) {
            Ok(length) if (4..=most).contains(&length) => Ok(Some(length + 1)),
            Ok(_) | Err(_) => Err(violation("invalid message length")),
        }
    }

    /// Waits until the peer says Terminate, or is gone. Other messages that come are left for later; a peer that sends
    /// more than [`AHEAD_LIMIT`] of them is not listened to any longer.
    pub async fn gone(&mut self) -> Error {
        loop {
            if self.holds_terminate() {
                return gone(io::Error::from(io::ErrorKind::ConnectionAborted));
            }
            if self.input.len() >= AHEAD_LIMIT {
                std::future::pending::<()>().await;
            }
            self.input.reserve(READ_SIZE);
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) => return gone(io::Error::from(io::ErrorKind::UnexpectedEof)),
                Ok(_) => {}
                Err(error) => return gone(error),
            }
        }
    }

    /// Whether a Terminate is among the messages that are here.
    fn holds_terminate(&self) -> bool {
        let mut rest = &self.input[..];
        while let Some((kind, body)) = rest.split_first() {
            if *kind == TERMINATE {
                return true;
            }
            let length = body.first_chunk::<4>().map(|length| u32::from_be_bytes(*length) as usize);
            let Some(next) = length.and_then(|length| body.get(length.max(4)..)) else { return false };
            rest = next;
        }
        false
    }

    /// Writes everything out.
    pub async fn flush(&mut self) -> Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let stream = &mut self.stream;
        let output = &mut self.output;
        let write = async {
            while output.has_remaining() {
                if stream.write_buf(output).await? == 0 {
                    return Err(io::Error::from(io::ErrorKind::WriteZero));
                }
            }
            stream.flush().await
        };
        match tokio::time::timeout(WRITE_TIMEOUT, write).await {
            Ok(result) => result.map_err(gone)?,
            Err(_) => return Err(gone(io::Error::from(io::ErrorKind::TimedOut))),
        }
        if self.output.capacity() > KEPT_CAPACITY {
            self.output = BytesMut::with_capacity(READ_SIZE);
        } else {
            self.output.clear();
        }
        Ok(())
    }

    /// Says goodbye as far as the stream has a way to.
    pub async fn close(mut self) {
        // A peer that is already gone makes both fail, and there is nobody left to tell.
        let _ = self.flush().await;
        let _ = self.stream.shutdown().await;
    }
}
