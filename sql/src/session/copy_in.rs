//! COPY FROM STDIN: the network hands chunks to a worker on the pool of queries, which parses and writes rows.
//!
//! The worker holds a few chunks and one batch of rows, whatever the size of the input.

use std::sync::Arc;

use bytes::Bytes;
use engine::Value;
use tokio::sync::mpsc;

use super::admission::key_locks;
use super::copy::response;
use super::names::CatalogNames;
use super::rows::joined;
use super::session::Session;
use super::sink::{CopyInput, Sink};
use crate::copy::{
    BinaryReader, CopyKind, CopyOptions, Fields, Header, Line, Splitter, clipped, read_csv, read_text,
};
use crate::dml::{TableModel, Writer};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::{CompiledExpression, Layout, compile};
use crate::parse::syntax::{Name, ObjectName};
use crate::tree::{ColumnNumber, Expression};
use crate::types::{self, InputSettings};

/// Chunks that may wait for the worker.
const CHUNKS_AHEAD: usize = 16;
/// Rows written at once.
const BATCH_ROWS: usize = 1000;

impl Session {
    pub(super) async fn copy_from(
        &mut self,
        name: &ObjectName,
        columns: &[Name],
        filter: Option<Expression>,
        options: CopyOptions,
        sink: &mut dyn Sink,
    ) -> Result<String> {
        let relation = self.locked_by_name(name, engine::RelationLockMode::RowExclusive).await?;
        let catalog = self.catalog();
        let keys = key_locks(&catalog, self.shared.entry.database_oid, relation.oid, false);
        self.lock_relations(&keys).await?;
        let model =
            self.shared.instance.models().get(&catalog, self.shared.entry.database_oid, relation.oid)?;
        let positions = self.copy_positions(&model, columns)?;
        self.begin_statement()?;
        let context = self.context(Arc::from([]))?;
        let writer = self.writer_with(context)?;
        let mut worker = CopyWorker::new(writer, model, positions, options)?;
        if let Some(filter) = filter {
            let columns = worker.model.columns.iter().map(|column| ColumnNumber(column.attribute as u32));
            worker.filter = Some(compile(&filter, &Layout::new(columns))?);
        }
        sink.copy_in(response(&worker.options, worker.positions.len()));
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        let task = self.shared.instance.queries().spawn(worker.run(receiver));
        let fed = self.feed(sender, sink).await;
        if let Err(error) = fed {
            task.abort();
            return Err(error);
        }
        let count = joined(task.await)?;
        Ok(format!("COPY {count}"))
    }

    /// Hands the client's data to the worker. After a failure of the worker the rest is read and dropped.
    async fn feed(&self, sender: mpsc::Sender<Bytes>, sink: &mut dyn Sink) -> Result<()> {
        let cancel = self.shared.entry.cancel.clone();
        loop {
            let input = tokio::select! {
                biased;
                error = cancel.cancelled() => return Err(error),
                input = sink.copy_read() => input?,
                // The worker failed: its error is reported at once, and the sink drops what still comes.
                () = sender.closed() => return Ok(()),
            };
            match input {
                CopyInput::Data(bytes) => {
                    if sender.send(bytes).await.is_err() {
                        return Ok(());
                    }
                }
                CopyInput::Done => return Ok(()),
                CopyInput::Fail(reason) => {
                    return Err(Error::new(
                        SqlState::QueryCanceled,
                        format!("COPY from stdin failed: {reason}"),
                    ));
                }
            }
        }
    }
}

/// Parses input and writes rows.
struct CopyWorker {
    writer: Writer,
    model: Arc<TableModel>,
    /// Where fields go in a row.
    positions: Vec<usize>,
    /// Columns without a field that have a default.
    defaults: Vec<usize>,
    options: CopyOptions,
    force_null: Vec<bool>,
    force_not_null: Vec<bool>,
    filter: Option<CompiledExpression>,
    line: u64,
    batch: Vec<Vec<Value>>,
    count: u64,
}

impl CopyWorker {
    fn new(
        writer: Writer,
        model: Arc<TableModel>,
        positions: Vec<usize>,
        options: CopyOptions,
    ) -> Result<CopyWorker> {
        let defaults = model
            .columns
            .iter()
            .enumerate()
            .filter(|(position, column)| {
                !positions.contains(position) && (column.default.is_some() || column.identity.is_some())
            })
            .map(|(position, _)| position)
            .collect();
        let named = |name: &str| {
            positions
                .iter()
                .any(|position| model.columns.get(*position).is_some_and(|column| column.name == name))
        };
        for (option, force) in
            [("FORCE_NOT_NULL", &options.force_not_null), ("FORCE_NULL", &options.force_null)]
        {
            if let Some(name) = force.first_missing(named) {
                return Err(Error::new(
                    SqlState::InvalidColumnReference,
                    format!("{option} column \"{name}\" not referenced by COPY"),
                ));
            }
        }
        let covered = |force: &crate::copy::ForceColumns| -> Vec<bool> {
            positions
                .iter()
                .map(|position| model.columns.get(*position).is_some_and(|column| force.covers(&column.name)))
                .collect()
        };
        Ok(CopyWorker {
            force_null: covered(&options.force_null),
            force_not_null: covered(&options.force_not_null),
            filter: None,
            writer,
            model,
            positions,
            defaults,
            options,
            line: 0,
            batch: Vec::with_capacity(BATCH_ROWS),
            count: 0,
        })
    }

    /// Reads everything; the number of rows.
    async fn run(mut self, mut receiver: mpsc::Receiver<Bytes>) -> Result<u64> {
        match self.options.kind {
            CopyKind::Binary => self.run_binary(&mut receiver).await?,
            CopyKind::Text => self.run_lines(Splitter::text(), &mut receiver).await?,
            CopyKind::Csv => {
                let splitter = Splitter::csv(self.options.quote, self.options.escape);
                self.run_lines(splitter, &mut receiver).await?;
            }
        }
        self.flush().await?;
        self.writer.finish_statement().await?;
        Ok(self.count)
    }

    async fn run_lines(
        &mut self,
        mut splitter: Splitter,
        receiver: &mut mpsc::Receiver<Bytes>,
    ) -> Result<()> {
        let mut fields = Fields::default();
        let mut header = self.options.header != Header::Absent;
        // Made once: it holds the resolved time zone.
        let names = CatalogNames::of_context(&self.writer.context);
        let session = self.writer.context.settings.clone();
        let settings = InputSettings::new(&session, self.writer.context.transaction_micros, &names);
        loop {
            let line = match splitter.next() {
                Ok(line) => line,
                Err(error) => {
                    self.line += 1;
                    return Err(error.context(self.place()));
                }
            };
            match line {
                Line::End => return Ok(()),
                Line::More => match receiver.recv().await {
                    Some(chunk) => splitter.feed(&chunk),
                    None => splitter.finish(),
                },
                Line::Data(line) => {
                    self.line += 1;
                    self.split(&line, &mut fields);
                    if header {
                        header = false;
                        if self.options.header == Header::Match {
                            self.check_header(&fields).map_err(|error| self.at_line(error, &line))?;
                        }
                        continue;
                    }
                    let row = self.text_row(&line, &fields, &settings)?;
                    self.add(row).await?;
                }
            }
        }
    }

    fn split(&self, line: &[u8], fields: &mut Fields) {
        match self.options.kind {
            CopyKind::Csv => read_csv(line, &self.options, &self.force_null, &self.force_not_null, fields),
            CopyKind::Text | CopyKind::Binary => {
                read_text(line, self.options.delimiter, self.options.null.as_bytes(), fields);
            }
        }
    }

    async fn run_binary(&mut self, receiver: &mut mpsc::Receiver<Bytes>) -> Result<()> {
        let mut reader = BinaryReader::default();
        let mut fields = Fields::default();
        loop {
            match reader.next(self.positions.len(), &mut fields) {
                Err(error) => return Err(error.context(self.place())),
                Ok(Line::End) => return Ok(()),
                Ok(Line::More) => match receiver.recv().await {
                    Some(chunk) => reader.feed(&chunk),
                    None => reader.finish(),
                },
                Ok(Line::Data(_)) => {
                    self.line += 1;
                    let row = self.binary_row(&fields)?;
                    self.add(row).await?;
                }
            }
        }
    }

    fn place(&self) -> String {
        format!("COPY {}, line {}", self.model.name, self.line.max(1))
    }

    fn at_line(&self, error: Error, line: &[u8]) -> Error {
        error.context(format!("{}: \"{}\"", self.place(), clipped(line)))
    }

    fn at_column(&self, error: Error, position: usize, value: Option<&[u8]>) -> Error {
        let name = self.model.columns.get(position).map_or("", |column| column.name.as_str());
        error.context(match value {
            Some(value) => format!("{}, column {name}: \"{}\"", self.place(), clipped(value)),
            None => format!("{}, column {name}: null input", self.place()),
        })
    }

    fn check_header(&self, fields: &Fields) -> Result<()> {
        let bad = |message: String| Error::new(SqlState::BadCopyFileFormat, message);
        if fields.len() != self.positions.len() {
            return Err(bad(format!(
                "wrong number of fields in header line: got {}, expected {}",
                fields.len(),
                self.positions.len()
            )));
        }
        for (index, position) in self.positions.iter().enumerate() {
            let expected = self.model.columns.get(*position).map_or("", |column| column.name.as_str());
            match fields.get(index) {
                Some(name) if name == expected.as_bytes() => {}
                Some(name) => {
                    return Err(bad(format!(
                        "column name mismatch in header line field {}: got \"{}\", expected \"{expected}\"",
                        index + 1,
                        String::from_utf8_lossy(name)
                    )));
                }
                None => {
                    return Err(bad(format!(
                        "column name mismatch in header line field {}: got null value (\"{}\"), expected \"{expected}\"",
                        index + 1,
                        self.options.null
                    )));
                }
            }
        }
        Ok(())
    }

    fn text_row(&self, line: &[u8], fields: &Fields, settings: &InputSettings<'_>) -> Result<Vec<Value>> {
        let bad = |message: String| self.at_line(Error::new(SqlState::BadCopyFileFormat, message), line);
        if fields.len() > self.positions.len() {
            return Err(bad("extra data after last expected column".to_string()));
        }
        if let Some(position) = self.positions.get(fields.len()) {
            let name = self.model.columns.get(*position).map_or("", |column| column.name.as_str());
            return Err(bad(format!("missing data for column \"{name}\"")));
        }
        let text = std::str::from_utf8(&fields.bytes)
            .map_err(|error| self.at_line(super::extended::invalid_utf8(&fields.bytes, &error), line))?;
        let mut row = vec![Value::Null; self.model.columns.len()];
        for (span, position) in fields.spans.iter().zip(&self.positions) {
            let Some((start, end)) = span else { continue };
            let (Some(column), Some(field)) = (self.model.columns.get(*position), text.get(*start..*end))
            else {
                return Err(self.at_line(
                    Error::new(
                        SqlState::CharacterNotInRepertoire,
                        "invalid byte sequence for encoding \"UTF8\"",
                    ),
                    line,
                ));
            };
            let value = types::input(column.type_oid, column.typmod, field, settings)
                .map_err(|error| self.at_column(error, *position, Some(field.as_bytes())))?;
            if let Some(slot) = row.get_mut(*position) {
                *slot = value;
            }
        }
        self.complete(&mut row).map_err(|error| self.at_line(error, line))?;
        Ok(row)
    }

    fn binary_row(&self, fields: &Fields) -> Result<Vec<Value>> {
        let mut row = vec![Value::Null; self.model.columns.len()];
        for (index, position) in self.positions.iter().enumerate() {
            let Some(bytes) = fields.get(index) else { continue };
            let Some(column) = self.model.columns.get(*position) else { continue };
            let value = types::receive(column.type_oid, column.typmod, bytes)
                .map_err(|error| error.context(format!("{}, column {}", self.place(), column.name)))?;
            if let Some(slot) = row.get_mut(*position) {
                *slot = value;
            }
        }
        self.complete(&mut row).map_err(|error| error.context(self.place()))?;
        Ok(row)
    }

    /// Fills in defaults, computes generated columns, checks.
    fn complete(&self, row: &mut [Value]) -> Result<()> {
        for position in &self.defaults {
            let Some(column) = self.model.columns.get(*position) else { continue };
            let value = match (&column.default, column.identity) {
                (Some(default), _) => default.evaluate_row(&self.writer.context, &[])?,
                (None, Some(sequence)) => {
                    let number = self.writer.context.environment.next_value(sequence)?;
                    match column.type_oid {
                        types::oid::INT2 => Value::Int16(number as i16),
                        types::oid::INT4 => Value::Int32(number as i32),
                        _ => Value::Int64(number),
                    }
                }
                (None, None) => Value::Null,
            };
            if let Some(slot) = row.get_mut(*position) {
                *slot = value;
            }
        }
        self.writer.complete(&self.model, row)
    }

    async fn add(&mut self, row: Vec<Value>) -> Result<()> {
        if let Some(filter) = &self.filter
            && filter.evaluate_row(&self.writer.context, &row)? != Value::Bool(true)
        {
            return Ok(());
        }
        self.batch.push(row);
        if self.batch.len() >= BATCH_ROWS {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.writer.cancel.check()?;
        let rows = std::mem::take(&mut self.batch);
        let first_line = self.line.saturating_sub(rows.len() as u64);
        let written = rows.len() as u64;
        self.writer.insert_batch(&self.model, rows).await.map_err(|(index, error)| {
            error.context(format!("COPY {}, line {}", self.model.name, first_line + index as u64 + 1))
        })?;
        self.count += written;
        self.batch = Vec::with_capacity(BATCH_ROWS);
        Ok(())
    }
}
