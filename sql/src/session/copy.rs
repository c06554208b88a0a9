//! COPY as a statement: what is copied, where, and how the client is told.

use std::sync::Arc;

use super::frontend;
use super::prepared::Prepared;
use super::row::Format;
use super::session::Session;
use super::sink::{CopyFormat, Sink};
use crate::copy::{Argument, CopyKind, CopyOptions};
use crate::dml::TableModel;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, Copy, CopyEndpoint, CopySubject, OptionValue, Statement};

impl Session {
    pub(super) async fn copy(
        &mut self,
        copy: &Copy,
        prepared: &Prepared,
        sink: &mut dyn Sink,
    ) -> Result<String> {
        match &copy.endpoint {
            CopyEndpoint::Client => {}
            CopyEndpoint::File(_) => return Err(Error::unsupported("COPY to or from a file of the server")),
            CopyEndpoint::Program(_) => return Err(Error::unsupported("COPY to or from a program")),
        }
        let arguments: Vec<Argument> =
            copy.options.iter().map(|option| argument(option.value.as_ref())).collect();
        let placed = copy.options.iter().zip(&arguments).map(|(option, argument)| {
            (option.name.as_str(), argument, crate::parse::position::position(&prepared.text, option.at))
        });
        let options = CopyOptions::placed(placed, copy.from)?;
        match (&copy.subject, copy.from) {
            (CopySubject::Table { name, columns }, true) => {
                self.check_writable("COPY FROM")?;
                self.locked_by_name(name, engine::RelationLockMode::RowExclusive).await?;
                let filter = self.copy_filter(prepared)?;
                self.copy_from(name, columns, filter, options, sink).await
            }
            (CopySubject::Table { name, columns }, false) => {
                let relation = frontend::find_relation(self, name)?;
                if relation.as_view().is_some() {
                    return Err(Error::new(
                        SqlState::WrongObjectType,
                        format!("cannot copy from {} \"{}\"", relation.kind_name(), relation.name),
                    )
                    .hint("Try the COPY (SELECT ...) TO variant."));
                }
                let names: Vec<String> = if columns.is_empty() {
                    let stored = relation.live_columns().filter(|column| !column.generated);
                    stored.map(|column| column.name.clone()).collect()
                } else {
                    columns.iter().map(|column| column.text.clone()).collect()
                };
                for name in &names {
                    if relation.column_by_name(name).is_none() {
                        return Err(no_column(name, &relation.name));
                    }
                }
                let query = frontend::select_columns(name, &names);
                let statement = Arc::new(Statement::Query(Box::new(query)));
                self.copy_to(statement, options, prepared, sink).await
            }
            (CopySubject::Statement(_), true) => {
                Err(Error::new(SqlState::SyntaxError, "COPY FROM needs a table"))
            }
            (CopySubject::Statement(statement), false) => {
                self.copy_to(Arc::new((**statement).clone()), options, prepared, sink).await
            }
        }
    }

    /// WHERE of COPY FROM, over attribute numbers.
    fn copy_filter(&self, prepared: &Prepared) -> Result<Option<crate::tree::Expression>> {
        let Some(statement) = &prepared.statement else { return Ok(None) };
        match frontend::analyze(self, prepared, statement, None)?.statement {
            crate::analyze::AnalyzedStatement::Copy(target) => match *target {
                crate::analyze::CopyTarget::Table { table: _, columns: _, filter } => Ok(filter),
                crate::analyze::CopyTarget::Query(_) => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// The columns COPY FROM fills, by position in the model's rows.
    pub(super) fn copy_positions(&self, model: &TableModel, columns: &[syntax::Name]) -> Result<Vec<usize>> {
        if columns.is_empty() {
            let plain = model.columns.iter().enumerate().filter(|(_, column)| column.generated.is_none());
            return Ok(plain.map(|(position, _)| position).collect());
        }
        let mut positions = Vec::with_capacity(columns.len());
        for name in columns {
            let found = model.columns.iter().position(|column| column.name == name.text);
            let position = found.ok_or_else(|| no_column(&name.text, &model.name))?;
            if positions.contains(&position) {
                return Err(Error::new(
                    SqlState::DuplicateColumn,
                    format!("column \"{}\" specified more than once", name.text),
                ));
            }
            if model.columns.get(position).is_some_and(|column| column.generated.is_some()) {
                return Err(Error::new(
                    SqlState::InvalidColumnReference,
                    format!("column \"{}\" is a generated column", name.text),
                )
                .detail("Generated columns cannot be used in COPY."));
            }
            positions.push(position);
        }
        Ok(positions)
    }
}

/// The response that announces a COPY.
pub(super) fn response(options: &CopyOptions, columns: usize) -> CopyFormat {
    let overall = if options.kind == CopyKind::Binary { Format::Binary } else { Format::Text };
    CopyFormat { overall, columns: columns as u16 }
}

fn no_column(name: &str, relation: &str) -> Error {
    Error::new(
        SqlState::UndefinedColumn,
        format!("column \"{name}\" of relation \"{relation}\" does not exist"),
    )
}

fn argument(value: Option<&OptionValue>) -> Argument {
    match value {
        None => Argument::None,
        Some(OptionValue::Word(text) | OptionValue::String(text) | OptionValue::Number(text)) => {
            Argument::Text(text.clone())
        }
        Some(OptionValue::Star) => Argument::Star,
        Some(OptionValue::List(names)) => Argument::Names(names.clone()),
    }
}
