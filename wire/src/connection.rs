//! One connection: start-up, then a loop of message, effect, answer.
//!
//! State of the loop: `skipping` after an error in the extended protocol, until Sync. Output is written before the loop
//! waits for the peer, so Sync and Flush need no write of their own and pipelined Syncs share one.
//!
//! Failure. An error of a statement is answered and the connection goes on. A violation of the protocol, a failed
//! start-up and an error that ends the session are answered as FATAL and the connection ends. A panic in a
//! statement's own work is answered as XX000 and ends the connection: its session may be half changed.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use sql::password::Verifier;
use sql::session::{
    Authentication, Bind, CancelHandle, ClientAddress, ExecuteEnd, Session, Sink, Startup, TransactionStatus,
};
use sql::{Error, Result, SqlState};

use crate::authentication;
use crate::backend::{self, Severity};
use crate::channel::{Channel, Frame};
use crate::frontend::{self, Frontend, LARGE_LIMIT, Target};
use crate::listener::{STARTUP_TIMEOUT, Shared};
use crate::output::{Output, row_description};
use crate::startup::{Opening, StartupPacket, Unknown};
use crate::stream::Stream;
use crate::switches::settings_of;

/// The newest protocol spoken, as NegotiateProtocolVersion says it.
const NEWEST_PROTOCOL: u32 = 0x0003_0002;
const NEWEST_MINOR: u16 = 2;
const BIND_COMPLETE: &[u8] = &[b'2', 0, 0, 0, 4];

/// Serves one client to its end.
pub async fn run(stream: Stream, address: ClientAddress, shared: Arc<Shared>) {
    let opened = tokio::time::timeout(STARTUP_TIMEOUT, open(stream, address, &shared)).await;
    let Ok(Some((channel, session))) = opened else { return };
    serve(channel, session).await;
}

/// Start-up to the first ReadyForQuery; `None` when the connection has been answered and is over.
async fn open(stream: Stream, address: ClientAddress, shared: &Shared) -> Option<(Channel, Session)> {
    let place = Arc::clone(&shared.strangers).acquire_owned().await.ok()?;
    let unknown = Unknown::new(stream);
    let (unknown, opening) = match unknown.negotiate(shared.tls.as_ref()).await {
        Ok(negotiated) => negotiated,
        Err(refusal) => {
            tracing::debug!(%refusal, "start-up refused");
            return None;
        }
    };
    let packet = match opening {
        Opening::Start(packet) => packet,
        Opening::Cancel { pid, secret } => {
            shared.instance.cancel(pid, &secret);
            return None;
        }
        Opening::Gone => return None,
    };
    let mut channel = Channel::new(unknown);
    let started = start(&mut channel, packet, address, shared).await;
    drop(place);
    match started {
        Ok(session) => Some((channel, session)),
        Err(error) => {
            fatal(channel, &error).await;
            None
        }
    }
}

async fn start(
    channel: &mut Channel,
    packet: StartupPacket,
    address: ClientAddress,
    shared: &Shared,
) -> Result<Session> {
    negotiate_version(channel, &packet)?;
    let startup = startup_of(packet, address)?;
    let end_point = match (&shared.tls, channel.is_encrypted()) {
        (Some(tls), true) => Some(Arc::clone(&tls.end_point)),
        _ => None,
    };
    let mock = || Verifier::mock(&startup.user, &shared.mock_secret);
    match shared.instance.authenticate(&startup.user) {
        Authentication::Trust => {}
        Authentication::Scram(stored) => {
            let verifier = Verifier::parse(&stored).unwrap_or_else(mock);
            authentication::scram(channel, &startup.user, verifier, end_point.as_deref()).await?;
        }
        Authentication::Reject(error) => {
            authentication::scram(channel, &startup.user, mock(), end_point.as_deref()).await?;
            return Err(error);
        }
    }
    let session = shared.instance.connect(startup).await?;
    backend::authentication(&mut channel.output, pgwire::messages::startup::Authentication::Ok)?;
    for (name, value) in session.parameters() {
        backend::parameter_status(&mut channel.output, name, &value)?;
    }
    let (pid, secret) = session.key();
    backend::key_data(&mut channel.output, pid, secret)?;
    backend::ready(&mut channel.output, b'I');
    Ok(session)
}

/// Answers a newer minor version, or protocol options, with what is spoken here.
fn negotiate_version(channel: &mut Channel, packet: &StartupPacket) -> Result<()> {
    let options: Vec<String> = packet
        .parameters
        .iter()
        .filter_map(|(name, _)| name.starts_with("_pq_.").then(|| name.clone()))
        .collect();
    if packet.minor_version > NEWEST_MINOR || !options.is_empty() {
        backend::negotiate_version(&mut channel.output, NEWEST_PROTOCOL, options)?;
    }
    Ok(())
}

fn startup_of(packet: StartupPacket, address: ClientAddress) -> Result<Startup> {
    let (mut user, mut database) = (None, None);
    // What stands in `options` comes before what the packet says by itself.
    let (mut switches, mut options) = (Vec::new(), Vec::new());
    for (name, value) in packet.parameters {
        match name.as_str() {
            "user" => user = Some(value),
            "database" => database = Some(value),
            "replication" if !matches!(value.as_str(), "false" | "off" | "no" | "0") => {
                return Err(Error::unsupported("a replication connection"));
            }
            "replication" => {}
            "options" => switches.extend(settings_of(&value)?),
            name if name.starts_with("_pq_.") => {}
            _ => options.push((name, value)),
        }
    }
    let user = user.filter(|user| !user.is_empty()).ok_or_else(|| {
        Error::new(
            SqlState::InvalidAuthorizationSpecification,
            "no PostgreSQL user name specified in startup packet",
        )
    })?;
    let database = database.filter(|name| !name.is_empty()).unwrap_or_else(|| user.clone());
    switches.append(&mut options);
    let protocol = (3, packet.minor_version.min(NEWEST_MINOR));
    Ok(Startup { user, database, options: switches, protocol, address })
}

/// The loop, with a panic in it turned into an answer.
async fn serve(mut channel: Channel, mut session: Session) {
    let ended = AssertUnwindSafe(messages(&mut channel, &mut session)).catch_unwind().await;
    let goodbye = match ended {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error),
        Err(_) => Some(Error::internal("the statement's work failed unexpectedly; the connection is closed")),
    };
    session.terminate().await;
    match goodbye {
        Some(error) if error.state() != SqlState::ConnectionFailure => fatal(channel, &error).await,
        _ => channel.close().await,
    }
}

async fn fatal(mut channel: Channel, error: &Error) {
    if backend::error(&mut channel.output, error.report(), Severity::Fatal).is_ok() {
        channel.close().await;
    }
}

/// Handles messages until the peer leaves; an error ends the connection.
async fn messages(channel: &mut Channel, session: &mut Session) -> Result<()> {
    let mut skipping = false;
    loop {
        let Some(frame) = next_frame(channel, session).await? else { return Ok(()) };
        let body = frame.body.freeze();
        let message = match frontend::decode(frame.kind, &body) {
            Ok(message) => message,
            // A statement or parameter that is not UTF-8 is an error of that statement alone.
            Err(error) if error.state() == SqlState::CharacterNotInRepertoire => {
                skipping = answer_error(channel, session, &error, frame.kind != b'Q').await?;
                continue;
            }
            Err(error) => return Err(error),
        };
        if skipping && !matches!(message, Frontend::Sync | Frontend::Terminate) {
            continue;
        }
        let extended = !matches!(message, Frontend::Query { .. } | Frontend::FunctionCall);
        match message {
            Frontend::Terminate => return Ok(()),
            Frontend::Sync => skipping = false,
            _ => {}
        }
        let outcome = match at_once(channel, session, &message) {
            Some(outcome) => outcome,
            // In a box: the future of everything that may happen is large, and would be moved for every message.
            None => Box::pin(handle(channel, session, message)).await,
        };
        if let Err(error) = outcome {
            skipping = answer_error(channel, session, &error, extended).await?;
        }
    }
}

/// The next message, with the output written first where waiting is needed. Notifications that arrive while the
/// session is idle are sent at once. An error ends the session: the server goes down, an administrator ended it, or the
/// client was silent for too long.
async fn next_frame(channel: &mut Channel, session: &Session) -> Result<Option<Frame>> {
    if channel.has_frame() {
        return channel.frame(LARGE_LIMIT).await;
    }
    channel.flush().await?;
    let cancel = session.cancel_handle();
    let silence = async {
        match session.idle_limit() {
            Some((limit, error)) => {
                tokio::time::sleep(limit).await;
                error
            }
            None => std::future::pending().await,
        }
    };
    tokio::pin!(silence);
    loop {
        tokio::select! {
            biased;
            frame = channel.frame(LARGE_LIMIT) => return frame,
            error = ended(&cancel) => return Err(error),
            error = &mut silence => return Err(error),
            () = session.notified() => {}
        }
        tell(channel, session)?;
        channel.flush().await?;
    }
}

/// Sends what the session was notified of, if it is in no transaction.
fn tell(channel: &mut Channel, session: &Session) -> Result<()> {
    let mut output = Output::new(channel);
    for notification in session.notifications() {
        output.notification(&notification);
    }
    output.finish()
}

/// ReadyForQuery, after the notifications that have come meanwhile.
fn ready(channel: &mut Channel, session: &Session) -> Result<()> {
    tell(channel, session)?;
    backend::ready(&mut channel.output, status_byte(session.transaction_status()));
    Ok(())
}

/// Waits until the session itself must end. A cancel request that finds it idle is forgotten, as in PostgreSQL.
async fn ended(cancel: &CancelHandle) -> Error {
    loop {
        let error = cancel.cancelled().await;
        if cancel.ends_session() {
            return error;
        }
        cancel.start_statement();
    }
}

/// Sends an error and settles the protocol's state; gives whether messages up to Sync are to be skipped.
async fn answer_error(
    channel: &mut Channel,
    session: &mut Session,
    error: &Error,
    extended: bool,
) -> Result<bool> {
    if error.state() == SqlState::ConnectionFailure || session.cancel_handle().ends_session() {
        return Err(error.clone());
    }
    backend::error(&mut channel.output, error.report(), Severity::Error)?;
    if !extended {
        ready(channel, session)?;
    }
    Ok(extended)
}

/// Answers a message that needs no waiting; `None` where it may have to wait, and nothing has happened.
fn at_once(channel: &mut Channel, session: &mut Session, message: &Frontend<'_>) -> Option<Result<()>> {
    let mut output = Output::new(channel);
    let outcome = match message {
        Frontend::Bind(bind) => {
            let bound = session.bind_at_once(&bound(bind))?;
            return Some(bound.map(|()| channel.output.extend_from_slice(BIND_COMPLETE)));
        }
        Frontend::Describe { target, name } => return Some(describe(channel, session, *target, name)),
        Frontend::Execute { portal, max_rows } => {
            session.execute_at_once(portal, row_limit(*max_rows), &mut output)?
        }
        Frontend::Query { text } => {
            let outcome = session.query_at_once(text, &mut output)?.and_then(|()| output.finish());
            return Some(outcome.and_then(|()| ready(channel, session)));
        }
        Frontend::Sync => {
            session.sync_at_once(&mut output)?;
            let outcome = output.finish();
            return Some(outcome.and_then(|()| ready(channel, session)));
        }
        Frontend::Parse { .. }
        | Frontend::Close { .. }
        | Frontend::Flush
        | Frontend::CopyData(_)
        | Frontend::CopyDone
        | Frontend::CopyFail { .. }
        | Frontend::FunctionCall
        | Frontend::Terminate
        | Frontend::Password => return None,
    };
    Some(outcome.and_then(|()| output.finish()))
}

fn bound<'a>(bind: &'a frontend::Bind<'a>) -> Bind<'a, &'a [u8]> {
    Bind {
        portal: bind.portal,
        statement: bind.statement,
        parameter_formats: &bind.parameter_formats,
        parameters: &bind.parameters,
        result_formats: &bind.result_formats,
    }
}

async fn handle(channel: &mut Channel, session: &mut Session, message: Frontend<'_>) -> Result<()> {
    match message {
        Frontend::Query { text } => {
            let mut output = Output::new(channel);
            // In a box, as below: else every message's future were as large as this one.
            Box::pin(session.query(text, &mut output)).await?;
            output.finish()?;
            ready(channel, session)?;
        }
        Frontend::Parse { name, text, parameter_types } => {
            Box::pin(session.parse(name, text, &parameter_types)).await?;
            channel.output.extend_from_slice(&[b'1', 0, 0, 0, 4]);
        }
        Frontend::Bind(bind) => {
            session.bind(&bound(&bind)).await?;
            channel.output.extend_from_slice(BIND_COMPLETE);
        }
        Frontend::Describe { target, name } => describe(channel, session, target, name)?,
        Frontend::Execute { portal, max_rows } => execute(channel, session, portal, max_rows).await?,
        Frontend::Close { target, name } => {
            match target {
                Target::Statement => session.close_statement(name),
                Target::Portal => session.close_portal(name),
            }
            channel.output.extend_from_slice(&[b'3', 0, 0, 0, 4]);
        }
        Frontend::Flush => channel.flush().await?,
        Frontend::Sync => {
            let mut output = Output::new(channel);
            let ended = session.sync(&mut output).await;
            output.finish()?;
            if let Err(error) = ended {
                backend::error(&mut channel.output, error.report(), Severity::Error)?;
            }
            ready(channel, session)?;
        }
        // What is left of a COPY that has failed is thrown away, as in PostgreSQL.
        Frontend::CopyData(_) | Frontend::CopyDone | Frontend::CopyFail { .. } => {}
        Frontend::FunctionCall => return Err(Error::unsupported("the function call protocol")),
        Frontend::Terminate => {}
        Frontend::Password => return Err(frontend::violation("unexpected password message")),
    }
    Ok(())
}

fn describe(channel: &mut Channel, session: &mut Session, target: Target, name: &str) -> Result<()> {
    let description = match target {
        Target::Statement => {
            let (parameters, description) = session.describe_statement(name)?;
            parameter_description(channel, &parameters);
            description
        }
        Target::Portal => session.describe_portal(name)?,
    };
    match description {
        Some(description) => row_description(&mut channel.output, &description),
        None => channel.output.extend_from_slice(&[b'n', 0, 0, 0, 4]),
    }
    Ok(())
}

fn parameter_description(channel: &mut Channel, parameters: &[u32]) {
    let output = &mut channel.output;
    output.extend_from_slice(b"t");
    output.extend_from_slice(&(6 + 4 * parameters.len() as u32).to_be_bytes());
    output.extend_from_slice(&(parameters.len() as u16).to_be_bytes());
    for oid in parameters {
        output.extend_from_slice(&oid.to_be_bytes());
    }
}

async fn execute(channel: &mut Channel, session: &mut Session, portal: &str, max_rows: i32) -> Result<()> {
    let mut output = Output::new(channel);
    let end = session.execute(portal, row_limit(max_rows), &mut output).await?;
    output.finish()?;
    match end {
        ExecuteEnd::Complete(tag) => Output::new(channel).command_complete(&tag),
        ExecuteEnd::Empty => Output::new(channel).empty_query(),
        ExecuteEnd::Suspended => channel.output.extend_from_slice(&[b's', 0, 0, 0, 4]),
    }
    Ok(())
}

/// Zero and below mean no limit, as in PostgreSQL.
fn row_limit(max_rows: i32) -> u32 {
    u32::try_from(max_rows).unwrap_or(0)
}

fn status_byte(status: TransactionStatus) -> u8 {
    match status {
        TransactionStatus::Idle => b'I',
        TransactionStatus::InTransaction => b'T',
        TransactionStatus::Failed => b'E',
    }
}
