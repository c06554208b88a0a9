//! Cuts COPY's byte stream into lines.
//!
//! A line ends at the newline style of the first line (LF, CRLF or CR), not escaped by a backslash (text) and not
//! within quotes (CSV). `\.` alone on a line ends the data; what follows it is ignored.

use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memchr3};

use crate::error::{Error, Result, SqlState};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Unknown,
    LineFeed,
    CarriageReturn,
    Both,
}

/// The next thing in the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A whole line without its ending.
    Data(Bytes),
    /// More input is needed.
    More,
    /// `\.`, or the end of input.
    End,
}

/// The splitter. For CSV, `quoting` holds the quote and escape bytes.
#[derive(Debug)]
pub struct Splitter {
    buffer: BytesMut,
    /// Bytes of `buffer` known to hold no line end.
    scanned: usize,
    in_quotes: bool,
    quoting: Option<(u8, u8)>,
    ending: Ending,
    finished: bool,
    ended: bool,
}

impl Splitter {
    pub fn text() -> Splitter {
        Splitter::new(None)
    }

    pub fn csv(quote: u8, escape: u8) -> Splitter {
        Splitter::new(Some((quote, escape)))
    }

    fn new(quoting: Option<(u8, u8)>) -> Splitter {
        Splitter {
            buffer: BytesMut::new(),
            scanned: 0,
            in_quotes: false,
            quoting,
            ending: Ending::Unknown,
            finished: false,
            ended: false,
        }
    }

    /// Adds input.
    pub fn feed(&mut self, data: &[u8]) {
        if !self.ended {
            self.buffer.extend_from_slice(data);
        }
    }

    /// Says that no more input follows.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// The next line.
    pub fn next(&mut self) -> Result<Line> {
        if self.ended {
            return Ok(Line::End);
        }
        let Some((length, skip)) = self.find_end()? else {
            if !self.finished {
                return Ok(Line::More);
            }
            if self.in_quotes {
                return Err(Error::new(SqlState::BadCopyFileFormat, "unterminated CSV quoted field"));
            }
            if self.buffer.is_empty() {
                self.ended = true;
                return Ok(Line::End);
            }
            let length = self.buffer.len();
            return Ok(self.take(length, 0));
        };
        Ok(self.take(length, skip))
    }

    fn take(&mut self, length: usize, skip: usize) -> Line {
        let line = self.buffer.split_to(length).freeze();
        self.buffer.advance(skip);
        self.scanned = 0;
        self.in_quotes = false;
        if line.as_ref() == b"\\." {
            self.ended = true;
            self.buffer.clear();
            return Line::End;
        }
        Line::Data(line)
    }

    /// (length of the line, length of its ending).
    fn find_end(&mut self) -> Result<Option<(usize, usize)>> {
        match self.quoting {
            None => self.find_text_end(),
            Some((quote, escape)) => self.find_csv_end(quote, escape),
        }
    }

    fn find_text_end(&mut self) -> Result<Option<(usize, usize)>> {
        loop {
            let rest = self.buffer.get(self.scanned..).unwrap_or_default();
            let found = match self.ending {
                Ending::LineFeed => memchr(b'\n', rest),
                Ending::CarriageReturn => memchr(b'\r', rest),
                Ending::Both | Ending::Unknown => memchr::memchr2(b'\r', b'\n', rest),
            };
            let Some(found) = found else {
                // A last CR or backslash may belong to what comes next: keep it unscanned.
                self.scanned = self.buffer.len().saturating_sub(1);
                return Ok(None);
            };
            let at = self.scanned + found;
            let escapes = self.buffer[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
            if escapes % 2 == 1 {
                self.scanned = at + 1;
                continue;
            }
            match self.ending_at(at)? {
                Some(Some(skip)) => return Ok(Some((at, skip))),
                Some(None) => self.scanned = at + 1,
                None => {
                    self.scanned = at;
                    return Ok(None);
                }
            }
        }
    }

    fn find_csv_end(&mut self, quote: u8, escape: u8) -> Result<Option<(usize, usize)>> {
        loop {
            let rest = self.buffer.get(self.scanned..).unwrap_or_default();
            let found = if self.in_quotes {
                memchr::memchr2(quote, escape, rest)
            } else {
                memchr3(quote, b'\n', b'\r', rest)
            };
            let Some(found) = found else {
                self.scanned = self.buffer.len();
                return Ok(None);
            };
            let at = self.scanned + found;
            let byte = self.buffer[at];
            if self.in_quotes && byte == escape && escape != quote {
                // The escaped byte is looked at with its escape; wait for it.
                match self.buffer.get(at + 1) {
                    Some(next) => self.scanned = at + if *next == quote || *next == escape { 2 } else { 1 },
                    None => {
                        self.scanned = at;
                        return Ok(None);
                    }
                }
                continue;
            }
            if byte == quote {
                self.in_quotes = !self.in_quotes;
                self.scanned = at + 1;
                continue;
            }
            match self.ending_at(at)? {
                Some(Some(skip)) => return Ok(Some((at, skip))),
                Some(None) => self.scanned = at + 1,
                None => {
                    self.scanned = at;
                    return Ok(None);
                }
            }
        }
    }

    /// What the CR or LF at `at` is: the length of a line ending, or data; `None` when the next byte decides.
    fn ending_at(&mut self, at: usize) -> Result<Option<Option<usize>>> {
        let byte = self.buffer[at];
        let next = self.buffer.get(at + 1).copied();
        let csv = self.quoting.is_some();
        Ok(match (self.ending, byte) {
            (Ending::Unknown, b'\n') => {
                self.ending = Ending::LineFeed;
                Some(Some(1))
            }
            (Ending::Unknown, _) => match next {
                None if !self.finished => None,
                Some(b'\n') => {
                    self.ending = Ending::Both;
                    Some(Some(2))
                }
                Some(_) | None => {
                    self.ending = Ending::CarriageReturn;
                    Some(Some(1))
                }
            },
            (Ending::Both, b'\r') => match next {
                None if !self.finished => None,
                Some(b'\n') => Some(Some(2)),
                Some(_) | None => return Err(stray("carriage return", "\\r", csv)),
            },
            (Ending::Both, _) => return Err(stray("newline", "\\n", csv)),
            (Ending::LineFeed, b'\n') | (Ending::CarriageReturn, b'\r') => Some(Some(1)),
            (Ending::LineFeed, _) if csv => return Err(stray("carriage return", "\\r", csv)),
            (Ending::CarriageReturn, _) => return Err(stray("newline", "\\n", csv)),
            (Ending::LineFeed, _) => Some(None),
        })
    }
}

fn stray(what: &str, escape: &str, csv: bool) -> Error {
    let error = |message: String| Error::new(SqlState::BadCopyFileFormat, message);
    if csv {
        error(format!("unquoted {what} found in data"))
            .hint(format!("Use quoted CSV field to represent {what}."))
    } else {
        error(format!("literal {what} found in data")).hint(format!("Use \"{escape}\" to represent {what}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mut splitter: Splitter, chunks: &[&str]) -> Vec<String> {
        let mut lines = Vec::new();
        for (index, chunk) in chunks.iter().enumerate() {
            splitter.feed(chunk.as_bytes());
            if index + 1 == chunks.len() {
                splitter.finish();
            }
            while let Line::Data(line) = splitter.next().unwrap() {
                lines.push(String::from_utf8(line.to_vec()).unwrap());
            }
        }
        lines
    }

    #[test]
    fn lines_do_not_depend_on_how_the_input_was_cut() {
        let text = "a\tb\nc\\\nd\n\\.\nrest\n";
        for cut in 0..text.len() {
            let (left, right) = text.split_at(cut);
            assert_eq!(lines(Splitter::text(), &[left, right]), ["a\tb", "c\\\nd"], "cut at {cut}");
        }
        let csv = "a,\"b\r\n\"\"c\"\r\nd,e\r\n";
        for cut in 0..csv.len() {
            let (left, right) = csv.split_at(cut);
            assert_eq!(
                lines(Splitter::csv(b'"', b'"'), &[left, right]),
                ["a,\"b\r\n\"\"c\"", "d,e"],
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn an_open_quote_at_the_end_is_an_error() {
        let mut splitter = Splitter::csv(b'"', b'"');
        splitter.feed(b"\"abc");
        splitter.finish();
        assert_eq!(splitter.next().unwrap_err().message(), "unterminated CSV quoted field");
    }
}
