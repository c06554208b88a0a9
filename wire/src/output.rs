//! The session's view of a channel: where its results go and where COPY data comes from.
//!
//! Messages are appended to the channel's output buffer; it is written when full and before the session waits for the
//! client in COPY. During COPY FROM STDIN, Flush and Sync are ignored as the protocol says; any other message that is
//! not COPY's ends the copy with an error, as in PostgreSQL.

use async_trait::async_trait;
use bytes::{BufMut, BytesMut};
use pgwire::messages::response::NotificationResponse;
use sql::session::{CopyInput, CopyResponse, Notification, RowDescription, Severity, Sink};
use sql::{Error, Report, Result, SqlState};

use crate::backend;
use crate::channel::{Channel, OUTPUT_LIMIT};
use crate::frontend::{self, Frontend, LARGE_LIMIT};

const COPY_DATA: u8 = b'd';
/// COPY data that is handed over at once, as far as it has come.
const COPY_CHUNK: usize = 64 * 1024;

/// A sink over a connection's channel.
pub struct Output<'a> {
    channel: &'a mut Channel,
    /// A message that could not be encoded; reported at the next flush, since appending cannot fail.
    failure: Option<Error>,
}

impl<'a> Output<'a> {
    pub fn new(channel: &'a mut Channel) -> Output<'a> {
        Output { channel, failure: None }
    }

    fn note(&mut self, result: Result<()>) {
        if let Err(error) = result {
            self.failure.get_or_insert(error);
        }
    }

    /// The first message that could not be encoded, if any.
    pub fn finish(self) -> Result<()> {
        self.failure.map_or(Ok(()), Err)
    }

    /// CopyData with what has already come behind it: drivers send a message a row, and each would wake the reader.
    fn gathered(&mut self, first: BytesMut) -> BytesMut {
        let Some(next) = self.channel.frame_of_kind(COPY_DATA) else { return first };
        let mut chunk = BytesMut::with_capacity(COPY_CHUNK);
        chunk.extend_from_slice(&first);
        chunk.extend_from_slice(&next);
        while chunk.len() < COPY_CHUNK {
            let Some(next) = self.channel.frame_of_kind(COPY_DATA) else { break };
            chunk.extend_from_slice(&next);
        }
        chunk
    }

    fn copy_response(&mut self, kind: u8, response: CopyResponse) {
        let output = &mut self.channel.output;
        output.put_u8(kind);
        output.put_i32(7 + 2 * i32::from(response.columns));
        output.put_u8(response.overall.code() as u8);
        output.put_u16(response.columns);
        for _ in 0..response.columns {
            output.put_i16(response.overall.code());
        }
    }
}

#[async_trait]
impl Sink for Output<'_> {
    fn buffer(&mut self) -> &mut BytesMut {
        &mut self.channel.output
    }

    async fn flush_if_full(&mut self) -> Result<()> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        if self.channel.output.len() >= OUTPUT_LIMIT { self.channel.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        match self.failure.take() {
            Some(error) => Err(error),
            None => self.channel.flush().await,
        }
    }

    async fn gone(&mut self) -> Error {
        self.channel.gone().await
    }

    fn row_description(&mut self, description: &RowDescription) {
        row_description(&mut self.channel.output, description);
    }

    fn command_complete(&mut self, tag: &str) {
        let output = &mut self.channel.output;
        output.put_u8(b'C');
        output.put_i32(tag.len() as i32 + 5);
        output.put_slice(tag.as_bytes());
        output.put_u8(0);
    }

    fn empty_query(&mut self) {
        self.channel.output.put_slice(&[b'I', 0, 0, 0, 4]);
    }

    fn notice(&mut self, severity: Severity, report: &Report) {
        let result = backend::notice(&mut self.channel.output, report, severity.name());
        self.note(result);
    }

    fn parameter_status(&mut self, name: &str, value: &str) {
        let result = backend::parameter_status(&mut self.channel.output, name, value);
        self.note(result);
    }

    fn notification(&mut self, notification: &Notification) {
        let message = NotificationResponse::new(
            notification.process,
            notification.channel.clone(),
            notification.payload.clone(),
        );
        let result = backend::put(&mut self.channel.output, &message);
        self.note(result);
    }

    fn copy_in(&mut self, response: CopyResponse) {
        self.copy_response(b'G', response);
    }

    async fn copy_read(&mut self) -> Result<CopyInput> {
        loop {
            if !self.channel.has_frame() {
                self.channel.flush().await?;
            }
            let Some(frame) = self.channel.frame(LARGE_LIMIT).await? else {
                return Err(Error::new(SqlState::ConnectionFailure, "unexpected EOF on client connection"));
            };
            match frontend::decode(frame.kind, &frame.body)? {
                Frontend::CopyData(_) => return Ok(CopyInput::Data(self.gathered(frame.body).freeze())),
                Frontend::CopyDone => return Ok(CopyInput::Done),
                Frontend::CopyFail { message } => return Ok(CopyInput::Fail(message.to_owned())),
                Frontend::Flush | Frontend::Sync => {}
                Frontend::Query { .. }
                | Frontend::Parse { .. }
                | Frontend::Bind(_)
                | Frontend::Describe { .. }
                | Frontend::Execute { .. }
                | Frontend::Close { .. }
                | Frontend::Terminate
                | Frontend::FunctionCall
                | Frontend::Password => {
                    return Err(frontend::violation(format!(
                        "unexpected message type 0x{:02X} during COPY from stdin",
                        frame.kind
                    )));
                }
            }
        }
    }

    fn copy_out(&mut self, response: CopyResponse) {
        self.copy_response(b'H', response);
    }

    fn copy_done(&mut self) {
        self.channel.output.put_slice(&[b'c', 0, 0, 0, 4]);
    }
}

/// RowDescription, without the copies that pgwire's message type would need.
pub fn row_description(output: &mut BytesMut, description: &RowDescription) {
    let start = output.len();
    output.put_slice(&[b'T', 0, 0, 0, 0]);
    output.put_u16(description.fields.len() as u16);
    for field in &description.fields {
        output.put_slice(field.name.as_bytes());
        output.put_u8(0);
        output.put_u32(field.table);
        output.put_i16(field.attribute);
        output.put_u32(field.type_oid);
        output.put_i16(field.type_length);
        output.put_i32(field.type_modifier);
        output.put_i16(field.format.code());
    }
    let length = (output.len() - start - 1) as u32;
    if let Some(slot) = output.get_mut(start + 1..start + 5) {
        slot.copy_from_slice(&length.to_be_bytes());
    }
}
