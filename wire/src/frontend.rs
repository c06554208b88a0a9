//! Frontend messages, decoded from exactly their own bytes.
//!
//! A message is a type byte, a big-endian length that counts itself, and a body. Strings end with a zero byte and must
//! be UTF-8 (22021 otherwise, as PostgreSQL). Every count and length is checked against the bytes that are there
//! before anything is allocated; a length of -1 is NULL and every other negative one is a protocol violation.

use sql::{Error, Result, SqlState};

/// Longest body of a message that carries statements, parameters or COPY data: PostgreSQL's limit.
pub const LARGE_LIMIT: usize = 0x3fff_fffe;
/// Longest body of every other message.
pub const SMALL_LIMIT: usize = 10_000;

/// One message from an authenticated client, borrowing from its frame.
#[derive(Debug, PartialEq)]
pub enum Frontend<'a> {
    Query {
        text: &'a str,
    },
    Parse {
        name: &'a str,
        text: &'a str,
        parameter_types: Vec<u32>,
    },
    Bind(Bind<'a>),
    Describe {
        target: Target,
        name: &'a str,
    },
    Execute {
        portal: &'a str,
        max_rows: i32,
    },
    Close {
        target: Target,
        name: &'a str,
    },
    Flush,
    Sync,
    Terminate,
    CopyData(&'a [u8]),
    CopyDone,
    CopyFail {
        message: &'a str,
    },
    /// FunctionCall: refused by name, but understood.
    FunctionCall,
    /// A password message after authentication: PostgreSQL calls that a violation too.
    Password,
}

#[derive(Debug, PartialEq)]
pub struct Bind<'a> {
    pub portal: &'a str,
    pub statement: &'a str,
    pub parameter_formats: Vec<i16>,
    pub parameters: Vec<Option<&'a [u8]>>,
    pub result_formats: Vec<i16>,
}

/// What Describe and Close name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Statement,
    Portal,
}

/// The longest length field a message of this type may carry; `None` for a type that does not exist.
pub fn limit(kind: u8) -> Option<usize> {
    match kind {
        b'Q' | b'P' | b'B' | b'd' | b'F' => Some(LARGE_LIMIT),
        b'D' | b'E' | b'C' | b'H' | b'S' | b'X' | b'c' | b'f' | b'p' => Some(SMALL_LIMIT),
        _ => None,
    }
}

/// Decodes the body of a message of type `kind`.
pub fn decode(kind: u8, body: &[u8]) -> Result<Frontend<'_>> {
    let mut reader = Reader { rest: body };
    let message = match kind {
        b'Q' => Frontend::Query { text: reader.string()? },
        b'P' => {
            let name = reader.string()?;
            let text = reader.string()?;
            let count = reader.count(4)?;
            let parameter_types =
                (0..count).map(|_| reader.int32().map(|oid| oid as u32)).collect::<Result<_>>()?;
            Frontend::Parse { name, text, parameter_types }
        }
        b'B' => Frontend::Bind(bind(&mut reader)?),
        b'D' => Frontend::Describe { target: reader.target("DESCRIBE")?, name: reader.string()? },
        b'E' => Frontend::Execute { portal: reader.string()?, max_rows: reader.int32()? },
        b'C' => Frontend::Close { target: reader.target("CLOSE")?, name: reader.string()? },
        b'H' => Frontend::Flush,
        b'S' => Frontend::Sync,
        b'X' => Frontend::Terminate,
        b'd' => return Ok(Frontend::CopyData(body)),
        b'c' => Frontend::CopyDone,
        b'f' => Frontend::CopyFail { message: reader.string()? },
        b'F' => return Ok(Frontend::FunctionCall),
        b'p' => return Ok(Frontend::Password),
        other => return Err(unknown_type(other)),
    };
    reader.finish()?;
    Ok(message)
}

/// The error for a message type that does not exist.
pub fn unknown_type(kind: u8) -> Error {
    violation(format!("invalid frontend message type {kind}"))
}

/// A protocol violation, 08P01.
pub fn violation(message: impl Into<String>) -> Error {
    Error::new(SqlState::ProtocolViolation, message)
}

fn bind<'a>(reader: &mut Reader<'a>) -> Result<Bind<'a>> {
    let portal = reader.string()?;
    let statement = reader.string()?;
    let parameter_formats = reader.formats()?;
    let count = reader.count(4)?;
    let parameters = (0..count).map(|_| reader.parameter()).collect::<Result<_>>()?;
    let result_formats = reader.formats()?;
    Ok(Bind { portal, statement, parameter_formats, parameters, result_formats })
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or_else(short)?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or_else(short)?;
        self.rest = rest;
        Ok(*head)
    }

    fn int32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    fn int16(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    fn string(&mut self) -> Result<&'a str> {
        let end = self
            .rest
            .iter()
            .position(|byte| *byte == 0)
            .ok_or_else(|| violation("invalid string in message"))?;
        let bytes = self.take(end)?;
        self.take(1)?;
        text(bytes)
    }

    /// A count of items of at least `size` bytes each, which must still be there.
    fn count(&mut self, size: usize) -> Result<usize> {
        let count = usize::from(u16::from_be_bytes(self.array()?));
        if count * size > self.rest.len() { Err(short()) } else { Ok(count) }
    }

    fn formats(&mut self) -> Result<Vec<i16>> {
        let count = self.count(2)?;
        (0..count).map(|_| self.int16()).collect()
    }

    fn parameter(&mut self) -> Result<Option<&'a [u8]>> {
        match self.int32()? {
            -1 => Ok(None),
            length => self.take(usize::try_from(length).map_err(|_| short())?).map(Some),
        }
    }

    fn target(&mut self, message: &str) -> Result<Target> {
        let [kind] = self.array()?;
        match kind {
            b'S' => Ok(Target::Statement),
            b'P' => Ok(Target::Portal),
            other => Err(violation(format!("invalid {message} message subtype {other}"))),
        }
    }

    fn finish(&self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(violation("invalid message format")) }
    }
}

fn short() -> Error {
    violation("insufficient data left in message")
}

/// UTF-8 or PostgreSQL's 22021 naming the first bad bytes.
pub fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let start = error.valid_up_to();
        let end = (start + error.error_len().unwrap_or(bytes.len() - start).clamp(1, 4)).min(bytes.len());
        let shown: Vec<String> = bytes[start..end].iter().map(|byte| format!("0x{byte:02x}")).collect();
        Error::new(
            SqlState::CharacterNotInRepertoire,
            format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bind_reads_formats_parameters_and_nulls() {
        let body = b"p\0s\0\0\x01\0\x01\0\x02\xff\xff\xff\xff\0\0\0\x02hi\0\0";
        let Frontend::Bind(bind) = decode(b'B', body).unwrap() else { panic!("not a Bind") };
        assert_eq!((bind.portal, bind.statement), ("p", "s"));
        assert_eq!(bind.parameter_formats, [1]);
        assert_eq!(bind.parameters, [None, Some(&b"hi"[..])]);
        assert!(bind.result_formats.is_empty());
    }

    #[test]
    fn every_truncation_of_a_bind_is_a_violation() {
        let body = b"p\0s\0\0\x01\0\x01\0\x02\xff\xff\xff\xff\0\0\0\x02hi\0\0";
        for length in 0..body.len() {
            let error = decode(b'B', &body[..length]).unwrap_err();
            assert_eq!(error.state(), SqlState::ProtocolViolation, "length {length}");
        }
        let mut longer = body.to_vec();
        longer.push(0);
        assert!(decode(b'B', &longer).is_err());
    }

    #[test]
    fn negative_lengths_other_than_null_are_violations() {
        let body = b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0";
        assert_eq!(decode(b'B', body).unwrap_err().state(), SqlState::ProtocolViolation);
    }

    #[test]
    fn invalid_utf8_is_22021_and_names_the_bytes() {
        let error = decode(b'Q', b"SELECT '\xff'\0").unwrap_err();
        assert_eq!(error.state(), SqlState::CharacterNotInRepertoire);
        assert_eq!(error.message(), "invalid byte sequence for encoding \"UTF8\": 0xff");
    }

    #[test]
    fn a_huge_parameter_count_allocates_nothing() {
        let body = b"\0\0\0\0\xff\xff\0\0";
        assert!(decode(b'B', body).is_err());
    }
}
