//! COPY TO STDOUT: rows of a query as CopyData, one frame a row.

use std::sync::Arc;

use engine::Value;

use super::copy::response;
use super::encode::copy_data;
use super::portal::Tag;
use super::prepared::Prepared;
use super::row::RowDescription;
use super::session::Session;
use super::sink::Sink;
use crate::copy::{BinaryWriter, CopyKind, CopyOptions, Header, write_csv_field, write_text_field};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::Statement;
use crate::types::{self, OutputSettings};

impl Session {
    pub(super) async fn copy_to(
        &mut self,
        statement: Arc<Statement>,
        options: CopyOptions,
        outer: &Prepared,
        sink: &mut dyn Sink,
    ) -> Result<String> {
        let prepared = Prepared::new(outer.text.clone(), Some(statement)).at_time(outer.time.clone());
        let analysis = Box::pin(self.understood(&prepared)).await?;
        let feed = matches!(prepared.statement.as_deref(), Some(Statement::Subscribe(_)));
        let analysis = match feed {
            true => analysis,
            false => self.admit(&prepared, analysis, &Arc::from([]), false).await?,
        };
        let Some(description) = analysis.description.clone() else {
            return Err(Error::new(SqlState::FeatureNotSupported, "COPY query must have a RETURNING clause"));
        };
        if let Some(name) = options
            .force_quote
            .first_missing(|name| description.fields.iter().any(|field| field.name == name))
        {
            return Err(Error::new(
                SqlState::InvalidColumnReference,
                format!("FORCE_QUOTE column \"{name}\" not referenced by COPY"),
            ));
        }
        let mut rows = match feed {
            true => Box::pin(self.subscribe(&prepared, &Arc::from([]))).await?.1,
            false => self.start(&analysis, Arc::from([])).await?,
        };
        sink.copy_out(response(&options, description.fields.len()));
        let names = self.names();
        let evaluated = self.shared.evaluated();
        let cancel = self.shared.entry.cancel.clone();
        let output = CopyOutput {
            forced: description.fields.iter().map(|field| options.force_quote.covers(&field.name)).collect(),
            description,
            options,
        };
        // The binary header travels with the first row or the trailer, as PostgreSQL sends it: clients rely on it.
        let mut line = Vec::new();
        output.start(&mut line);
        if !line.is_empty() && output.options.kind != CopyKind::Binary {
            copy_data(sink.buffer(), &line);
            line.clear();
        }
        let mut count: u64 = 0;
        loop {
            let taken = rows.chunk(1024, sink, &cancel).await?;
            if taken.is_empty() {
                break;
            }
            for row in &taken {
                output.row(row, &OutputSettings::new(&evaluated, &names), &mut line)?;
                copy_data(sink.buffer(), &line);
                line.clear();
                count += 1;
                if count % 64 == 0 {
                    rows.flush_if_full(sink, &cancel).await?;
                }
            }
            rows.flush_if_full(sink, &cancel).await?;
        }
        if output.options.kind == CopyKind::Binary {
            BinaryWriter::trailer(&mut line);
            copy_data(sink.buffer(), &line);
        }
        sink.copy_done();
        Ok(Tag::Sent("COPY").text(count, 0))
    }
}

/// How rows are written.
struct CopyOutput {
    options: CopyOptions,
    description: Arc<RowDescription>,
    forced: Vec<bool>,
}

impl CopyOutput {
    /// What comes before the first row: the binary header, or the line of names.
    fn start(&self, line: &mut Vec<u8>) {
        match self.options.kind {
            CopyKind::Binary => BinaryWriter::header(line),
            CopyKind::Text | CopyKind::Csv => {
                if self.options.header == Header::Absent {
                    return;
                }
                let only = self.description.fields.len() == 1;
                for (index, field) in self.description.fields.iter().enumerate() {
                    if index > 0 {
                        line.push(self.options.delimiter);
                    }
                    match self.options.kind {
                        CopyKind::Csv => {
                            write_csv_field(field.name.as_bytes(), &self.options, false, only, line)
                        }
                        CopyKind::Text | CopyKind::Binary => {
                            write_text_field(field.name.as_bytes(), self.options.delimiter, line);
                        }
                    }
                }
                line.push(b'\n');
            }
        }
    }

    fn row(&self, row: &[Value], settings: &OutputSettings<'_>, line: &mut Vec<u8>) -> Result<()> {
        match self.options.kind {
            CopyKind::Binary => self.binary(row, line),
            CopyKind::Text | CopyKind::Csv => self.text(row, settings, line),
        }
    }

    fn text(&self, row: &[Value], settings: &OutputSettings<'_>, line: &mut Vec<u8>) -> Result<()> {
        let mut field = Vec::new();
        let only = row.len() == 1;
        for (index, (value, column)) in row.iter().zip(&self.description.fields).enumerate() {
            if index > 0 {
                line.push(self.options.delimiter);
            }
            if value.is_null() {
                line.extend_from_slice(self.options.null.as_bytes());
                continue;
            }
            field.clear();
            types::append_output(column.type_oid, value, settings, &mut field)?;
            if self.options.kind == CopyKind::Csv {
                let forced = self.forced.get(index).copied().unwrap_or(false);
                write_csv_field(&field, &self.options, forced, only, line);
            } else {
                write_text_field(&field, self.options.delimiter, line);
            }
        }
        line.push(b'\n');
        Ok(())
    }

    fn binary(&self, row: &[Value], line: &mut Vec<u8>) -> Result<()> {
        line.extend_from_slice(&(row.len() as i16).to_be_bytes());
        for (value, column) in row.iter().zip(&self.description.fields) {
            if value.is_null() {
                line.extend_from_slice(&(-1i32).to_be_bytes());
                continue;
            }
            let at = line.len();
            line.extend_from_slice(&[0; 4]);
            types::send(column.type_oid, value, line)?;
            let length = (line.len() - at - 4) as i32;
            if let Some(slot) = line.get_mut(at..at + 4) {
                slot.copy_from_slice(&length.to_be_bytes());
            }
        }
        Ok(())
    }
}
