//! Rows on their way to the client: their description, and the framing of DataRow.

use bytes::{BufMut, BytesMut};

use crate::error::{Error, Result, SqlState};

/// The form of a value on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    #[default]
    Text,
    Binary,
}

impl Format {
    /// The format of a protocol code.
    pub fn from_code(code: i16) -> Result<Format> {
        match code {
            0 => Ok(Format::Text),
            1 => Ok(Format::Binary),
            _ => Err(Error::new(SqlState::InvalidParameterValue, format!("unsupported format code: {code}"))),
        }
    }

    /// The protocol's code.
    pub fn code(self) -> i16 {
        match self {
            Format::Text => 0,
            Format::Binary => 1,
        }
    }
}

/// One column of RowDescription.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: String,
    /// (table oid, attribute number) where the column is plainly a table's own, else (0, 0).
    pub table: u32,
    pub attribute: i16,
    pub type_oid: u32,
    /// `typlen` of the type: -1 for variable length, -2 for cstring.
    pub type_length: i16,
    pub type_modifier: i32,
    pub format: Format,
}

/// What a statement's rows look like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowDescription {
    pub fields: Vec<Field>,
}

/// Frames one DataRow at the end of a buffer: `begin`, one `null` or `field` a column, `finish`.
///
/// A row that is not finished leaves nothing: `finish` is the only place that makes the frame valid, and dropping
/// the row cuts the buffer back.
pub struct DataRow<'a> {
    buffer: &'a mut BytesMut,
    start: usize,
    finished: bool,
}

impl<'a> DataRow<'a> {
    /// Starts a row of `columns` columns.
    pub fn begin(buffer: &'a mut BytesMut, columns: u16) -> DataRow<'a> {
        let start = buffer.len();
        buffer.put_u8(b'D');
        buffer.put_i32(0);
        buffer.put_u16(columns);
        DataRow { buffer, start, finished: false }
    }

    /// A NULL column.
    pub fn null(&mut self) {
        self.buffer.put_i32(-1);
    }

    /// A column whose bytes are at hand.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.buffer.put_i32(bytes.len() as i32);
        self.buffer.put_slice(bytes);
    }

    /// A column written in place by `write`.
    pub fn field<E>(
        &mut self,
        write: impl FnOnce(&mut BytesMut) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let at = self.buffer.len();
        self.buffer.put_i32(0);
        write(self.buffer)?;
        let length = (self.buffer.len() - at - 4) as i32;
        self.buffer[at..at + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    /// Completes the frame.
    pub fn finish(mut self) -> Result<()> {
        let length = self.buffer.len() - self.start - 1;
        let length = i32::try_from(length).map_err(|_| {
            Error::new(SqlState::ProgramLimitExceeded, "a row is larger than one protocol message")
        })?;
        self.buffer[self.start + 1..self.start + 5].copy_from_slice(&length.to_be_bytes());
        self.finished = true;
        Ok(())
    }
}

impl Drop for DataRow<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.buffer.truncate(self.start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_row_is_one_message() {
        let mut buffer = BytesMut::new();
        let mut row = DataRow::begin(&mut buffer, 2);
        row.null();
        row.bytes(b"ab");
        row.finish().unwrap();
        assert_eq!(&buffer[..], b"D\0\0\0\x10\0\x02\xff\xff\xff\xff\0\0\0\x02ab");
    }

    #[test]
    fn an_unfinished_row_leaves_nothing() {
        let mut buffer = BytesMut::from(&b"x"[..]);
        DataRow::begin(&mut buffer, 1).null();
        assert_eq!(&buffer[..], b"x");
    }
}
