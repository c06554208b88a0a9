//! COPY's binary format, read.
//!
//! Header: `PGCOPY\n\377\r\n\0`, flags, extension length, extension. Then per row the field count and per field
//! length and bytes; a count of -1 ends the data.

use bytes::{Buf, BytesMut};

use super::fields::Fields;
use super::split::Line;
use crate::error::{Error, Result, SqlState};

const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";
/// No message of the client is larger, so no field can be.
const LARGEST_FIELD: usize = 1 << 30;

/// Reads rows from chunks of any size.
#[derive(Debug, Default)]
pub struct BinaryReader {
    buffer: BytesMut,
    header_read: bool,
    finished: bool,
    ended: bool,
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(SqlState::BadCopyFileFormat, message)
}

impl BinaryReader {
    pub fn feed(&mut self, data: &[u8]) {
        if !self.ended {
            self.buffer.extend_from_slice(data);
        }
    }

    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// Reads the next row of `columns` fields; `Line::Data` holds nothing but says that a row was read.
    pub fn next(&mut self, columns: usize, fields: &mut Fields) -> Result<Line> {
        if self.ended {
            return Ok(Line::End);
        }
        if !self.header_read && !self.read_header()? {
            return self.starved();
        }
        let mut reader = self.buffer.as_ref();
        if reader.len() < 2 {
            return if self.finished && reader.is_empty() { self.end() } else { self.starved() };
        }
        let count = reader.get_i16();
        if count == -1 {
            return self.end();
        }
        if usize::try_from(count) != Ok(columns) {
            return Err(bad(format!("row field count is {count}, expected {columns}")));
        }
        fields.clear();
        for _ in 0..columns {
            if reader.len() < 4 {
                return self.starved();
            }
            let length = reader.get_i32();
            if length == -1 {
                fields.spans.push(None);
                continue;
            }
            let length = usize::try_from(length)
                .ok()
                .filter(|length| *length < LARGEST_FIELD)
                .ok_or_else(|| bad("invalid field size"))?;
            let Some(bytes) = reader.get(..length) else { return self.starved() };
            let start = fields.bytes.len();
            fields.bytes.extend_from_slice(bytes);
            fields.spans.push(Some((start, fields.bytes.len())));
            reader.advance(length);
        }
        let used = self.buffer.len() - reader.len();
        self.buffer.advance(used);
        Ok(Line::Data(bytes::Bytes::new()))
    }

    fn end(&mut self) -> Result<Line> {
        self.ended = true;
        self.buffer.clear();
        Ok(Line::End)
    }

    fn starved(&self) -> Result<Line> {
        if self.finished { Err(bad("unexpected EOF in COPY data")) } else { Ok(Line::More) }
    }

    fn read_header(&mut self) -> Result<bool> {
        let known = self.buffer.len().min(SIGNATURE.len());
        if self.buffer[..known] != SIGNATURE[..known] || (self.finished && known < SIGNATURE.len()) {
            return Err(bad("COPY file signature not recognized"));
        }
        let mut reader = self.buffer.as_ref();
        if reader.len() < SIGNATURE.len() + 8 {
            return Ok(false);
        }
        reader.advance(SIGNATURE.len());
        let flags = reader.get_u32();
        if flags & (1 << 16) != 0 {
            return Err(bad("invalid COPY file header (WITH OIDS)"));
        }
        if flags & 0xFFFE_0000 != 0 {
            return Err(bad("unrecognized critical flags in COPY file header"));
        }
        let extension = usize::try_from(reader.get_i32())
            .map_err(|_| bad("invalid COPY file header (missing length)"))?;
        if reader.len() < extension {
            return Ok(false);
        }
        self.buffer.advance(SIGNATURE.len() + 8 + extension);
        self.header_read = true;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_whatever_the_chunks() {
        let mut data = SIGNATURE.to_vec();
        data.extend([0; 8]);
        data.extend(b"\0\x02\0\0\0\x01a\xff\xff\xff\xff\xff\xff");
        for cut in 0..data.len() {
            let mut reader = BinaryReader::default();
            let mut fields = Fields::default();
            reader.feed(&data[..cut]);
            let mut rows = 0;
            while let Line::Data(_) = reader.next(2, &mut fields).unwrap() {
                rows += 1;
            }
            reader.feed(&data[cut..]);
            reader.finish();
            while let Line::Data(_) = reader.next(2, &mut fields).unwrap() {
                assert_eq!((fields.get(0), fields.get(1)), (Some(&b"a"[..]), None));
                rows += 1;
            }
            assert_eq!(rows, 1);
        }
    }
}
