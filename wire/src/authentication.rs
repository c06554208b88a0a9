//! Who is there: trust, or a SCRAM exchange, as the instance's rules say for the role.
//!
//! A role without a verifier, and a role that does not exist, run the same exchange as any other and fail at its end
//! with the same message. Every failure here ends the connection.

use bytes::Bytes;
use pgwire::messages::startup::Authentication as Step;
use sql::password::Verifier;
use sql::{Error, Result, SqlState};

use crate::backend;
use crate::channel::Channel;
use crate::frontend::{SMALL_LIMIT, violation};
use crate::scram::{Exchange, MECHANISM, MECHANISM_PLUS};

/// Runs SCRAM for `role`; `Ok` only for the right password.
///
/// `end_point` is the hash of our certificate where the channel is encrypted: only then PLUS is offered.
pub async fn scram(
    channel: &mut Channel,
    role: &str,
    verifier: Verifier,
    end_point: Option<&[u8]>,
) -> Result<()> {
    let mut mechanisms = vec![MECHANISM.to_owned()];
    if end_point.is_some() {
        mechanisms.insert(0, MECHANISM_PLUS.to_owned());
    }
    backend::authentication(&mut channel.output, Step::SASL(mechanisms))?;
    channel.flush().await?;

    let first = password_message(channel).await?;
    let (mechanism, data) = initial_response(&first)?;
    if mechanism != MECHANISM && !(mechanism == MECHANISM_PLUS && end_point.is_some()) {
        return Err(violation("client selected an invalid SASL authentication mechanism"));
    }
    let (exchange, challenge) = Exchange::start(mechanism, data, verifier, end_point)?;
    backend::authentication(&mut channel.output, Step::SASLContinue(Bytes::from(challenge)))?;
    channel.flush().await?;

    let last = password_message(channel).await?;
    let Some(signature) = exchange.finish(&last)? else { return Err(failed(role)) };
    backend::authentication(&mut channel.output, Step::SASLFinal(Bytes::from(signature)))
}

/// PostgreSQL's message for a wrong password, and for a role that is not there.
pub fn failed(role: &str) -> Error {
    Error::new(SqlState::InvalidPassword, format!("password authentication failed for user \"{role}\""))
}

async fn password_message(channel: &mut Channel) -> Result<Bytes> {
    match channel.frame(SMALL_LIMIT).await? {
        Some(frame) if frame.kind == b'p' => Ok(frame.body.freeze()),
        Some(frame) => Err(violation(format!("expected SASL response, got message type {}", frame.kind))),
        None => Err(Error::new(SqlState::ConnectionFailure, "connection closed during authentication")),
    }
}

/// SASLInitialResponse: mechanism, then the data with its length.
fn initial_response(body: &[u8]) -> Result<(&str, &[u8])> {
    let malformed = || violation("malformed SASL initial response");
    let end = body.iter().position(|byte| *byte == 0).ok_or_else(malformed)?;
    let (name, rest) = body.split_at(end);
    let (length, data) =
        rest.get(1..).and_then(|rest| rest.split_first_chunk::<4>()).ok_or_else(malformed)?;
    match usize::try_from(i32::from_be_bytes(*length)) {
        Ok(length) if length == data.len() => Ok((std::str::from_utf8(name).map_err(|_| malformed())?, data)),
        Ok(_) | Err(_) => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initial_response_must_be_exact() {
        assert_eq!(initial_response(b"SCRAM-SHA-256\0\0\0\0\x03n,,").unwrap(), (MECHANISM, &b"n,,"[..]));
        for body in
            [&b""[..], b"SCRAM", b"SCRAM\0", b"S\0\0\0\0\x04n,,", b"S\0\xff\xff\xff\xff", b"S\0\0\0\0\x01n,,"]
        {
            assert!(initial_response(body).is_err(), "{body:?}");
        }
    }
}
