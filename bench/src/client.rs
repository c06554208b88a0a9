//! A client that says as little as it can: the extended protocol with binary parameters, and COPY.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;

use crate::Failure;

/// A connection of the user postgres to the database postgres, which must trust it.
pub struct Client {
    reader: BufReader<TcpStream>,
    output: Vec<u8>,
    message: Vec<u8>,
}

impl Client {
    pub fn connect(port: u16) -> Result<Client, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        let mut client = Client { reader: BufReader::new(stream), output: Vec::new(), message: Vec::new() };
        let mut startup = 196_608_u32.to_be_bytes().to_vec();
        startup.extend_from_slice(b"user\0postgres\0database\0postgres\0\0");
        client.output.extend_from_slice(&(startup.len() as u32 + 4).to_be_bytes());
        client.output.extend_from_slice(&startup);
        client.finish(&mut |_| {})?;
        Ok(client)
    }

    fn put(&mut self, kind: u8, content: &[u8]) {
        self.output.push(kind);
        self.output.extend_from_slice(&(content.len() as u32 + 4).to_be_bytes());
        self.output.extend_from_slice(content);
    }

    fn send(&mut self) -> Result<(), Failure> {
        self.reader.get_mut().write_all(&self.output)?;
        self.output.clear();
        Ok(())
    }

    /// Reads one message; answers its kind.
    fn read(&mut self) -> Result<u8, Failure> {
        let mut head = [0; 5];
        self.reader.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        self.message.resize(length.checked_sub(4).ok_or("a message without a length")?, 0);
        self.reader.read_exact(&mut self.message)?;
        Ok(head[0])
    }

    /// Sends what is waiting and reads until the server is ready; `row` sees the rows.
    fn finish(&mut self, row: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        self.send()?;
        let mut failure: Option<Failure> = None;
        loop {
            match self.read()? {
                b'Z' => return failure.map_or(Ok(()), Err),
                b'E' => failure = Some(String::from_utf8_lossy(&self.message).replace('\0', " ").into()),
                b'D' => row(&self.message),
                b'G' => return Ok(()),
                b'R' if self.message != [0; 4] => return Err("the server wants a password".into()),
                _ => {}
            }
        }
    }

    /// Runs statements by the simple protocol; answers the first column of the rows.
    pub fn run(&mut self, text: &str) -> Result<Vec<String>, Failure> {
        let mut content = text.as_bytes().to_vec();
        content.push(0);
        self.put(b'Q', &content);
        let mut rows = Vec::new();
        self.finish(&mut |row| rows.push(String::from_utf8_lossy(first(row)).into_owned()))?;
        Ok(rows)
    }

    /// Copies lines into a table.
    pub fn copy(&mut self, statement: &str, lines: &mut dyn Iterator<Item = String>) -> Result<(), Failure> {
        self.run(statement)?;
        for line in lines {
            self.put(b'd', line.as_bytes());
            if self.output.len() > 1 << 20 {
                self.send()?;
            }
        }
        self.put(b'c', &[]);
        self.finish(&mut |_| {})
    }

    /// Prepares the unnamed statement.
    pub fn prepare(&mut self, text: &str) -> Result<(), Failure> {
        let content = [b"\0", text.as_bytes(), b"\0\0\0"].concat();
        self.put(b'P', &content);
        self.put(b'S', &[]);
        self.finish(&mut |_| {})
    }

    /// Runs the unnamed statement with binary parameters; answers the first column of the rows, whole numbers.
    pub fn execute(&mut self, parameters: &[&[u8]], rows: &mut Vec<i64>) -> Result<(), Failure> {
        let mut bind = vec![0, 0, 0, 1, 0, 1];
        bind.extend_from_slice(&(parameters.len() as u16).to_be_bytes());
        for parameter in parameters {
            bind.extend_from_slice(&(parameter.len() as u32).to_be_bytes());
            bind.extend_from_slice(parameter);
        }
        bind.extend_from_slice(&[0, 0]);
        self.put(b'B', &bind);
        self.put(b'E', &[0, 0, 0, 0, 0]);
        self.put(b'S', &[]);
        rows.clear();
        self.finish(&mut |row| {
            let text = first(row);
            rows.extend(std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok()));
        })
    }
}

/// The first column of a row; empty for NULL.
fn first(row: &[u8]) -> &[u8] {
    let length = row.get(2..6).and_then(|bytes| bytes.try_into().ok()).map_or(-1, i32::from_be_bytes);
    usize::try_from(length).ok().and_then(|length| row.get(6..6 + length)).unwrap_or(&[])
}
