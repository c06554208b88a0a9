//! Garbage on the wire: recorded conversations, mutated, over live Unix-socket connections; and a stranger's limits.
//!
//! Each worker replays one of a few well-formed conversations with bytes flipped, cut, repeated or inserted, reads
//! whatever comes back and begins anew when the server hangs up. Afterwards the server must still answer at once, must
//! not have lost a thread to a panic, and its memory must be flat.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::random::Random;
use crate::server::{Folder, Server};
use crate::{Context, Failure, Outcome, stranger};

const WORKERS: u64 = 4;
/// Memory may grow by this much over a run: allocator slack, not a leak per message.
const GROWTH_LIMIT: u64 = 64 * 1024 * 1024;

pub fn run(context: &Context) -> Result<Outcome, Failure> {
    let default = if context.number("long", 0) == 1 { 10_000_000 } else { 100_000 };
    let messages = context.number("messages", default);
    let seed = context.number("seed", Random::fresh_seed());
    let folder = Folder::new("garbage")?;
    let mut server = Server::start(&context.binary, &folder.path().join("data"))?;
    let socket = server.socket_folder.join(format!(".s.PGSQL.{}", server.port));
    answers(&socket)?;
    let stranger = stranger::plain(&server, &socket)? / 1024;
    let handshake = match stranger::in_handshake(&context.binary, folder.path())? {
        Some(cost) => format!("{} KiB", cost / 1024),
        None => "not measured: no openssl".to_owned(),
    };
    send(&socket, messages / 10, seed ^ 1)?;
    let before = server.resident()?;
    send(&socket, messages, seed)?;
    if !server.is_running() {
        return Err(format!("seed={seed}: the server died").into());
    }
    let waited = answers(&socket).map_err(|error| format!("seed={seed}: afterwards: {error}"))?;
    let growth = server.resident()?.saturating_sub(before);
    if growth > GROWTH_LIMIT {
        return Err(format!("seed={seed}: memory grew by {growth} bytes").into());
    }
    server.stop()?;
    Ok(Outcome::Passed(format!(
        "{messages} mutated messages, memory +{} KiB, answers in {} ms; a stranger costs {stranger} KiB, in a TLS handshake {handshake}",
        growth / 1024,
        waited.as_millis(),
    )))
}

fn send(socket: &Path, messages: u64, seed: u64) -> Result<(), Failure> {
    let left = Arc::new(AtomicU64::new(messages));
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let (left, socket): (_, PathBuf) = (Arc::clone(&left), socket.to_owned());
            std::thread::spawn(move || {
                let mut random = Random::new(seed.wrapping_add(worker));
                while left.load(Ordering::Relaxed) > 0 {
                    let sent = conversation(&socket, &mut random).map_err(|error| error.to_string())?;
                    let _ = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                        Some(left.saturating_sub(sent))
                    });
                }
                Ok::<(), String>(())
            })
        })
        .collect();
    for worker in workers {
        worker.join().map_err(|_| "a worker panicked")??;
    }
    Ok(())
}

/// One connection's worth of garbage; gives the number of messages sent.
fn conversation(socket: &Path, random: &mut Random) -> Result<u64, Failure> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    stream.set_write_timeout(Some(Duration::from_secs(5)))?;
    let mut buffer = [0; 16 * 1024];
    let mut opening = startup();
    if random.below(20) == 0 {
        mutate(&mut opening, random);
    }
    if stream.write_all(&opening).is_err() {
        return Ok(1);
    }
    let mut sent = 1;
    for _ in 0..random.below(64) {
        // Several messages leave in one write, so that most arrive at a session that is still in sync.
        let mut burst = Vec::new();
        for _ in 0..=random.below(32) {
            let mut message = message(random);
            if random.below(4) == 0 {
                mutate(&mut message, random);
            }
            burst.extend_from_slice(&message);
            sent += 1;
        }
        burst.extend_from_slice(&[b'S', 0, 0, 0, 4]);
        if stream.write_all(&burst).is_err() {
            break;
        }
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(_) => {}
            // A message cut short makes both sides wait, rightly; this side gives up.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
            Err(_) => break,
        }
    }
    Ok(sent)
}

fn startup() -> Vec<u8> {
    let mut body = vec![0, 3, 0, 0];
    body.extend_from_slice(b"user\0postgres\0database\0postgres\0\0");
    let mut packet = (body.len() as u32 + 4).to_be_bytes().to_vec();
    packet.extend_from_slice(&body);
    packet
}

fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind];
    message.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    message.extend_from_slice(body);
    message
}

fn message(random: &mut Random) -> Vec<u8> {
    const BODIES: [(u8, &[u8]); 18] = [
        (b'Q', b"SELECT 1\0"),
        (b'Q', b"BEGIN; SELECT 'a', $$b$$, E'\\n'; ROLLBACK\0"),
        (b'Q', b"SELECT * FROM pg_class WHERE relname = 'pg_type'\0"),
        (b'Q', b"SELECT ((((1+2)*3)-4)/5)::text || 'x' FROM generate_series(1, 3) g(i) WHERE i > 1\0"),
        (b'Q', b"COPY (SELECT 1) TO STDOUT\0"),
        (b'Q', b"COPY nowhere FROM STDIN\0"),
        (b'P', b"\0SELECT $1::int4 + 1\0\0\x01\0\0\0\x17"),
        (b'P', b"named\0SELECT $1::text\0\0\0"),
        (b'B', b"\0\0\0\0\0\x01\0\0\0\x0242\0\0"),
        (b'B', b"p\0named\0\0\x01\0\x01\0\x01\0\0\0\x03abc\0\x01\0\x01"),
        (b'D', b"S\0"),
        (b'D', b"Pp\0"),
        (b'E', b"\0\0\0\0\0"),
        (b'E', b"p\0\0\0\0\x01"),
        (b'C', b"Snamed\0"),
        (b'd', b"1\t2\n"),
        (b'c', b""),
        (b'f', b"no\0"),
    ];
    let (kind, body) = BODIES[random.below(BODIES.len() as u64) as usize];
    framed(kind, body)
}

fn mutate(message: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(3) {
        let at = random.below(message.len().max(1) as u64) as usize;
        match random.below(6) {
            0 if at < message.len() => message[at] ^= 1 << random.below(8),
            1 if at < message.len() => message[at] = random.next() as u8,
            2 => message.truncate(at),
            3 => message.insert(at.min(message.len()), random.next() as u8),
            4 => {
                let extreme = [0xff, 0x7f, 0x80, 0x00][random.below(4) as usize];
                for byte in message.iter_mut().skip(at).take(4) {
                    *byte = extreme;
                }
            }
            _ => {
                let tail = message.get(at..).unwrap_or_default().to_vec();
                message.extend_from_slice(&tail);
            }
        }
    }
}

/// How long a fresh, well-behaved connection waits for its answer.
fn answers(socket: &Path) -> Result<Duration, Failure> {
    let started = Instant::now();
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(&startup())?;
    stream.write_all(&framed(b'Q', b"SELECT 4711\0"))?;
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    while !received.windows(4).any(|window| window == b"4711") {
        match stream.read(&mut buffer)? {
            0 => return Err(format!("hung up after {received:?}").into()),
            read => received.extend_from_slice(buffer.get(..read).unwrap_or_default()),
        }
    }
    Ok(started.elapsed())
}
