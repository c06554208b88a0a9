//! Where results go. Implemented by `wire`, and by tests.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use super::row::{Format, RowDescription};
use crate::error::{Error, Report, Result};

/// Severity of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Debug,
    Log,
    Info,
    Notice,
    Warning,
}

impl Severity {
    /// The word of NoticeResponse.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Debug => "DEBUG",
            Severity::Log => "LOG",
            Severity::Info => "INFO",
            Severity::Notice => "NOTICE",
            Severity::Warning => "WARNING",
        }
    }
}

/// The overall and the per-column formats of a COPY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyFormat {
    pub overall: Format,
    pub columns: u16,
}

/// CopyInResponse or CopyOutResponse.
pub type CopyResponse = CopyFormat;

/// What the client sends during COPY FROM STDIN.
#[derive(Clone, Debug)]
pub enum CopyInput {
    Data(Bytes),
    Done,
    /// CopyFail, with the client's reason.
    Fail(String),
}

/// NotificationResponse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub process: i32,
    pub channel: String,
    pub payload: String,
}

/// Takes messages in order. All but the async methods only append to a buffer.
#[async_trait]
pub trait Sink: Send {
    /// The outgoing buffer. DataRow and CopyData frames are written straight into it.
    fn buffer(&mut self) -> &mut BytesMut;

    /// Writes the buffer to the client when it has grown past its bound, waiting for the client to take it.
    async fn flush_if_full(&mut self) -> Result<()>;

    /// Writes the whole buffer to the client.
    async fn flush(&mut self) -> Result<()>;

    /// Waits until the client is gone or says that it is leaving, and gives the error that ends its work. What else it
    /// sends meanwhile is kept for later.
    async fn gone(&mut self) -> Error;

    fn row_description(&mut self, description: &RowDescription);
    fn command_complete(&mut self, tag: &str);
    fn empty_query(&mut self);
    fn notice(&mut self, severity: Severity, report: &Report);
    fn parameter_status(&mut self, name: &str, value: &str);
    fn notification(&mut self, notification: &Notification);

    /// CopyInResponse; the sink flushes it before the first `copy_read`.
    fn copy_in(&mut self, response: CopyResponse);
    /// The next CopyData, CopyDone or CopyFail of the client; other messages are handled by the sink as the
    /// protocol says (Flush and Sync are ignored).
    async fn copy_read(&mut self) -> Result<CopyInput>;
    /// CopyOutResponse. Data follows as CopyData frames in the buffer.
    fn copy_out(&mut self, response: CopyResponse);
    /// CopyDone after the last data of COPY TO.
    fn copy_done(&mut self);
}
