//! Backend messages that are not rows: encoded by pgwire's message types into the connection's output buffer.

use bytes::{BufMut, Bytes, BytesMut};
use pgwire::messages::Message;
use pgwire::messages::response::{ErrorResponse, NoticeResponse};
use pgwire::messages::startup::{
    Authentication, BackendKeyData, NegotiateProtocolVersion, ParameterStatus, SecretKey,
};
use sql::{Error, Report, Result};

/// How grave an ErrorResponse is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Error,
    /// The connection ends with it.
    Fatal,
}

/// Appends one message in pgwire's encoding.
pub fn put(output: &mut BytesMut, message: &impl Message) -> Result<()> {
    message.encode(output).map_err(|error| Error::internal(format!("message could not be encoded: {error}")))
}

/// AuthenticationOk, -SASL and their kin.
pub fn authentication(output: &mut BytesMut, step: Authentication) -> Result<()> {
    put(output, &step)
}

pub fn parameter_status(output: &mut BytesMut, name: &str, value: &str) -> Result<()> {
    put(output, &ParameterStatus::new(name.to_owned(), value.to_owned()))
}

pub fn key_data(output: &mut BytesMut, pid: i32, secret: &[u8]) -> Result<()> {
    put(output, &BackendKeyData::new(pid, SecretKey::Bytes(Bytes::copy_from_slice(secret))))
}

pub fn negotiate_version(output: &mut BytesMut, newest: u32, unsupported: Vec<String>) -> Result<()> {
    put(output, &NegotiateProtocolVersion::new(newest as i32, unsupported))
}

/// ReadyForQuery; `status` is `I`, `T` or `E`.
pub fn ready(output: &mut BytesMut, status: u8) {
    output.put_slice(&[b'Z', 0, 0, 0, 5, status]);
}

/// ErrorResponse with every field the report has.
pub fn error(output: &mut BytesMut, report: &Report, severity: Severity) -> Result<()> {
    let name = match severity {
        Severity::Error => "ERROR",
        Severity::Fatal => "FATAL",
    };
    let fields = fields(report, name);
    put(output, &ErrorResponse::new(fields))
}

/// NoticeResponse; `severity` is NOTICE, WARNING, INFO, LOG or DEBUG.
pub fn notice(output: &mut BytesMut, report: &Report, severity: &str) -> Result<()> {
    put(output, &NoticeResponse::new(fields(report, severity)))
}

fn fields(report: &Report, severity: &str) -> Vec<(u8, String)> {
    let mut fields = vec![
        (b'S', severity.to_owned()),
        (b'V', severity.to_owned()),
        (b'C', report.state.code().to_owned()),
        (b'M', report.message.clone()),
    ];
    let position = report.position.map(|position| position.to_string());
    let optional = [
        (b'D', &report.detail),
        (b'H', &report.hint),
        (b'P', &position),
        (b'W', &report.context),
        (b's', &report.schema),
        (b't', &report.table),
        (b'c', &report.column),
        (b'd', &report.data_type),
        (b'n', &report.constraint),
    ];
    for (code, value) in optional {
        if let Some(value) = value {
            fields.push((code, value.clone()));
        }
    }
    // A zero byte would end its field early and shift every later one.
    for (_, value) in &mut fields {
        if value.contains('\0') {
            *value = value.replace('\0', "\\0");
        }
    }
    fields
}
