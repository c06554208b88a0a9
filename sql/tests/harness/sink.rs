//! A sink that prints results as psql does with -A.

use async_trait::async_trait;
use bytes::{Buf, Bytes, BytesMut};
use strata_sql::session::{CopyInput, CopyResponse, Notification, RowDescription, Severity, Sink};
use strata_sql::{Error, Report, Result};

/// Prints into a string.
pub struct Printer {
    buffer: BytesMut,
    printed: String,
    /// A result that has begun: psql prints it when it is whole, not at all when it fails.
    result: String,
    rows: Option<usize>,
    data: Option<Bytes>,
    copied_out: bool,
}

impl Printer {
    pub fn new(data: String) -> Printer {
        Printer {
            buffer: BytesMut::new(),
            printed: String::new(),
            result: String::new(),
            rows: None,
            data: Some(Bytes::from(data)),
            copied_out: false,
        }
    }

    /// Everything printed.
    pub fn finish(mut self) -> String {
        self.drain();
        self.printed
    }

    /// Prints the frames in the buffer.
    fn drain(&mut self) {
        while self.buffer.remaining() >= 5 {
            let kind = self.buffer.get_u8();
            let length = self.buffer.get_i32() as usize - 4;
            let mut body = self.buffer.split_to(length);
            match kind {
                b'D' => {
                    let columns = body.get_u16();
                    let mut line = Vec::new();
                    for column in 0..columns {
                        if column > 0 {
                            line.push(b'|');
                        }
                        let length = body.get_i32();
                        if length >= 0 {
                            line.extend_from_slice(&body.split_to(length as usize));
                        }
                    }
                    self.result.push_str(&String::from_utf8_lossy(&line));
                    self.result.push('\n');
                    self.rows = self.rows.map(|rows| rows + 1);
                }
                b'd' => self.printed.push_str(&String::from_utf8_lossy(&body)),
                other => panic!("an unknown frame {other}"),
            }
        }
    }
}

#[async_trait]
impl Sink for Printer {
    fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    async fn flush_if_full(&mut self) -> Result<()> {
        self.drain();
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        self.drain();
        Ok(())
    }

    async fn gone(&mut self) -> Error {
        std::future::pending().await
    }

    fn row_description(&mut self, description: &RowDescription) {
        let names: Vec<&str> = description.fields.iter().map(|field| field.name.as_str()).collect();
        self.result.push_str(&names.join("|"));
        self.result.push('\n');
        self.rows = Some(0);
    }

    fn command_complete(&mut self, tag: &str) {
        self.drain();
        let rows = self.rows.take();
        self.printed.push_str(&std::mem::take(&mut self.result));
        match rows {
            Some(1) => self.printed.push_str("(1 row)\n"),
            Some(rows) => self.printed.push_str(&format!("({rows} rows)\n")),
            None => {}
        }
        // psql shows no tag after rows, except of statements that changed rows; nor after COPY TO STDOUT.
        let changed = ["INSERT", "UPDATE", "DELETE"].iter().any(|command| tag.starts_with(command));
        if !self.copied_out && (rows.is_none() || changed) {
            self.printed.push_str(tag);
            self.printed.push('\n');
        }
        self.copied_out = false;
    }

    fn empty_query(&mut self) {}

    fn notice(&mut self, severity: Severity, report: &Report) {
        self.drain();
        self.printed.push_str(&format!("{}:  {}\n", severity.name(), report.message));
    }

    fn parameter_status(&mut self, _: &str, _: &str) {}

    fn notification(&mut self, _: &Notification) {}

    fn copy_in(&mut self, _: CopyResponse) {}

    async fn copy_read(&mut self) -> Result<CopyInput> {
        Ok(match self.data.take() {
            Some(data) => CopyInput::Data(data),
            None => CopyInput::Done,
        })
    }

    fn copy_out(&mut self, _: CopyResponse) {
        self.copied_out = true;
    }

    fn copy_done(&mut self) {}
}
