//! The extended protocol: Parse, Bind, Describe, Execute, Close, Sync.

use std::sync::Arc;

use engine::Value;

use super::frontend::{Script, check_databases};
use super::meters::meters;
use super::portal::{Portal, PortalState, Tag, column_formats};
use super::prepared::{Analysis, Prepared, Work};
use super::row::{Format, RowDescription};
use super::rows::Rows;
use super::session::{ExecuteEnd, Session};
use super::simple::{Done, ends_failed_block};
use super::sink::Sink;
use super::transaction::TransactionStatus;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::Statement;
use crate::types::{self, InputSettings};

/// What Bind asks for.
#[derive(Debug)]
pub struct Bind<'a, Bytes> {
    pub portal: &'a str,
    pub statement: &'a str,
    /// Codes: none is text for all, one is for all.
    pub parameter_formats: &'a [i16],
    pub parameters: &'a [Option<Bytes>],
    pub result_formats: &'a [i16],
}

fn no_statement(name: &str) -> Error {
    let message = if name.is_empty() {
        "unnamed prepared statement does not exist".to_string()
    } else {
        format!("prepared statement \"{name}\" does not exist")
    };
    Error::new(SqlState::InvalidSqlStatementName, message)
}

fn no_portal(name: &str) -> Error {
    Error::new(SqlState::InvalidCursorName, format!("portal \"{name}\" does not exist"))
}

impl Session {
    /// Parse. An empty name is the unnamed statement; type 0 is unspecified.
    pub async fn parse(&mut self, name: &str, text: &str, parameter_types: &[u32]) -> Result<()> {
        let result = self.parse_statement(name, text, parameter_types).await;
        self.note_failure(result)
    }

    fn note_failure<T>(&mut self, result: Result<T>) -> Result<T> {
        if result.is_err() {
            self.statement_failed();
        }
        result
    }

    async fn parse_statement(&mut self, name: &str, text: &str, parameter_types: &[u32]) -> Result<()> {
        if !name.is_empty() && self.statements.contains_key(name) {
            return Err(Error::new(
                SqlState::DuplicatePreparedStatement,
                format!("prepared statement \"{name}\" already exists"),
            ));
        }
        if name.is_empty() {
            self.statements.remove("");
        }
        // The unnamed statement is often the same text again: parsed, analyzed and planned once for all sessions.
        if name.is_empty() && self.block.as_ref().is_none_or(|block| !block.failed) {
            if let Some(prepared) = self.known_text(text, parameter_types) {
                self.understood_locked(&prepared).await?;
                self.statements.insert(String::new(), prepared);
                return Ok(());
            }
        }
        let mut script = Script::parse(text)?;
        if script.statements.len() > 1 {
            return Err(Error::new(
                SqlState::SyntaxError,
                "cannot insert multiple commands into a prepared statement",
            ));
        }
        let parsed = script.statements.pop();
        if !parsed.as_ref().is_none_or(|parsed| ends_failed_block(&parsed.statement)) {
            self.refuse_in_failed()?;
        }
        let (statement, time) = match parsed {
            Some(parsed) => {
                check_databases(self, text, &parsed.statement, &parsed.database_names)?;
                (Some(Arc::new(parsed.statement)), parsed.time)
            }
            None => (None, None),
        };
        let mut prepared =
            Prepared::new(Arc::from(text), statement).with_parameters(parameter_types.to_vec()).at_time(time);
        prepared.fixed = !name.is_empty();
        let planned = match prepared.statement {
            Some(_) => !matches!(self.understood_locked(&prepared).await?.work, Work::Utility),
            None => false,
        };
        let prepared = Arc::new(prepared);
        if planned && name.is_empty() {
            self.keep_text(text, parameter_types, &prepared);
        }
        if !name.is_empty() {
            self.prepared_at.insert(name.to_string(), (self.shared.instance.now_micros(), false));
        }
        self.statements.insert(name.to_string(), prepared);
        Ok(())
    }

    /// Bind.
    pub async fn bind<Bytes: AsRef<[u8]> + Sync>(&mut self, bind: &Bind<'_, Bytes>) -> Result<()> {
        let result = self.bind_portal(bind).await;
        self.note_failure(result)
    }

    /// Bind, where nothing has to be waited for.
    pub fn bind_at_once<Bytes: AsRef<[u8]>>(&mut self, bind: &Bind<'_, Bytes>) -> Option<Result<()>> {
        let result = match self.bindable(bind) {
            Ok((prepared, analysis)) => {
                let types = analysis.as_ref().map_or(&[][..], |analysis| &analysis.parameters);
                match self.bound_values(bind, types) {
                    Ok(values) => {
                        let known = analysis.as_ref();
                        if known.is_some_and(|known| !self.means_the_same_at_once(known, &values)) {
                            return None;
                        }
                        self.put_portal(bind, prepared, analysis, values)
                    }
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        };
        Some(self.note_failure(result))
    }

    async fn bind_portal<Bytes: AsRef<[u8]> + Sync>(&mut self, bind: &Bind<'_, Bytes>) -> Result<()> {
        let (prepared, mut analysis) = self.bindable(bind)?;
        let types = analysis.as_ref().map_or(&[][..], |analysis| &analysis.parameters);
        let values = self.bound_values(bind, types)?;
        if let Some(known) = analysis.take_if(|analysis| !analysis.past.is_empty()) {
            // A moment that leads to rows of another shape is refused here, before anything runs.
            analysis = Some(Box::pin(self.settle_past(&prepared, known, &values, true)).await?);
        }
        self.put_portal(bind, prepared, analysis, values)
    }

    /// The statement that is bound, and its meaning; the portal's name is free afterwards.
    fn bindable<Bytes>(&mut self, bind: &Bind<'_, Bytes>) -> Result<(Arc<Prepared>, Option<Arc<Analysis>>)> {
        let prepared =
            self.statements.get(bind.statement).cloned().ok_or_else(|| no_statement(bind.statement))?;
        if bind.portal.is_empty() {
            self.portals.remove("");
        } else if self.portals.contains(bind.portal) {
            let message = format!("cursor \"{}\" already exists", bind.portal);
            return Err(Error::new(SqlState::DuplicateCursor, message));
        }
        if !prepared.statement.as_deref().is_none_or(ends_failed_block) {
            self.refuse_in_failed()?;
        }
        let analysis = match prepared.statement {
            Some(_) => Some(self.analysis(&prepared)?),
            None => None,
        };
        Ok((prepared, analysis))
    }

    fn put_portal<Bytes>(
        &mut self,
        bind: &Bind<'_, Bytes>,
        prepared: Arc<Prepared>,
        analysis: Option<Arc<Analysis>>,
        parameters: Arc<[Value]>,
    ) -> Result<()> {
        let mut description = analysis.as_ref().and_then(|analysis| analysis.description.clone());
        if let Some(description) = &mut description {
            let columns = description.fields.len();
            if let Some(formats) = column_formats(bind.result_formats, columns)? {
                for (field, format) in Arc::make_mut(description).fields.iter_mut().zip(formats) {
                    field.format = format;
                }
            }
        }
        let savepoint_depth = self.block.as_ref().map_or(0, |block| block.savepoints.len());
        let state = PortalState::New;
        let cursor = None;
        let created = self.shared.instance.now_micros();
        let portal =
            Portal { prepared, analysis, parameters, description, state, cursor, savepoint_depth, created };
        self.portals.insert(bind.portal, portal);
        Ok(())
    }

    fn bound_values<Bytes: AsRef<[u8]>>(
        &self,
        bind: &Bind<'_, Bytes>,
        types: &[u32],
    ) -> Result<Arc<[Value]>> {
        let Bind { portal: _, statement, parameter_formats: formats, parameters, result_formats: _ } = bind;
        if parameters.len() != types.len() {
            return Err(Error::new(
                SqlState::ProtocolViolation,
                format!(
                    "bind message supplies {} parameters, but prepared statement \"{statement}\" requires {}",
                    parameters.len(),
                    types.len()
                ),
            ));
        }
        if formats.len() > 1 && formats.len() != parameters.len() {
            return Err(Error::new(
                SqlState::ProtocolViolation,
                format!(
                    "bind message has {} parameter formats but {} parameters",
                    formats.len(),
                    parameters.len()
                ),
            ));
        }
        if parameters.is_empty() {
            return Ok(Arc::from([]));
        }
        let names = self.names();
        let evaluated = self.shared.evaluated();
        let settings = InputSettings::new(&evaluated, self.now_for_input(), &names);
        parameters
            .iter()
            .zip(types)
            .enumerate()
            .map(|(index, (parameter, type_oid))| {
                let Some(bytes) = parameter.as_ref().map(AsRef::as_ref) else { return Ok(Value::Null) };
                let code = match *formats {
                    [] => 0,
                    [one] => *one,
                    many => many.get(index).copied().unwrap_or(0),
                };
                match Format::from_code(code)? {
                    Format::Text => {
                        let text = std::str::from_utf8(bytes).map_err(|error| invalid_utf8(bytes, &error))?;
                        types::input(*type_oid, -1, text, &settings)
                    }
                    Format::Binary => types::receive(*type_oid, -1, bytes).map_err(|error| {
                        if error.state() == SqlState::InvalidBinaryRepresentation {
                            Error::new(
                                SqlState::InvalidBinaryRepresentation,
                                format!("incorrect binary data format in bind parameter {}", index + 1),
                            )
                        } else {
                            error
                        }
                    }),
                }
            })
            .collect()
    }

    /// Describe of a statement: parameter types, and the rows (`None`: NoData).
    pub fn describe_statement(&mut self, name: &str) -> Result<(Vec<u32>, Option<Arc<RowDescription>>)> {
        let result = self.statement_description(name);
        self.note_failure(result)
    }

    fn statement_description(&mut self, name: &str) -> Result<(Vec<u32>, Option<Arc<RowDescription>>)> {
        let prepared = self.statements.get(name).cloned().ok_or_else(|| no_statement(name))?;
        if prepared.statement.is_none() {
            return Ok((Vec::new(), None));
        }
        let analysis = self.analysis(&prepared)?;
        if analysis.description.is_some() {
            self.refuse_in_failed()?;
        }
        Ok((analysis.parameters.clone(), analysis.description.clone()))
    }

    /// Describe of a portal.
    pub fn describe_portal(&mut self, name: &str) -> Result<Option<Arc<RowDescription>>> {
        let result =
            self.portals.get(name).map(|portal| portal.description.clone()).ok_or_else(|| no_portal(name));
        self.note_failure(result)
    }

    /// Execute. `max_rows` 0 is no limit. Rows go to the sink without RowDescription.
    pub async fn execute(&mut self, portal: &str, max_rows: u32, sink: &mut dyn Sink) -> Result<ExecuteEnd> {
        let text = match self.portals.get(portal) {
            Some(found) => found.prepared.text.clone(),
            None => return self.note_failure(Err(no_portal(portal))),
        };
        let timer = self.start_work(text);
        let started = std::time::Instant::now();
        // The portal leaves the map while it works, so that the session stays whole beside it.
        let Some(mut taken) = self.portals.remove(portal) else { return Err(no_portal(portal)) };
        let result = self.run_portal(&mut taken, max_rows, sink).await;
        drop(timer);
        match &result {
            Ok(_) if self.block.is_some() || taken.is_held() => {
                self.portals.insert(portal, taken);
            }
            Ok(_) => {}
            Err(_) => self.statement_failed(),
        }
        self.send_asides(sink);
        self.end_work();
        meters().seconds.record(started.elapsed().as_secs_f64());
        result
    }

    async fn run_portal(
        &mut self,
        portal: &mut Portal,
        max_rows: u32,
        sink: &mut dyn Sink,
    ) -> Result<ExecuteEnd> {
        let Some(statement) = portal.prepared.statement.clone() else { return Ok(ExecuteEnd::Empty) };
        if !ends_failed_block(&statement) {
            self.refuse_in_failed()?;
        }
        if matches!(portal.state, PortalState::New) {
            if let Some(tag) = self.start_portal(portal, &statement, sink).await? {
                portal.state = PortalState::Done;
                return Ok(ExecuteEnd::Complete(tag));
            }
        }
        let limit = if max_rows == 0 { u64::MAX } else { u64::from(max_rows) };
        let cancel = self.shared.entry.cancel.clone();
        match &mut portal.state {
            PortalState::New => Err(Error::internal("a portal was not started")),
            PortalState::Done => Ok(ExecuteEnd::Complete(done_tag(portal))),
            PortalState::Running { rows, tag } => {
                let description = portal.description.clone().unwrap_or_default();
                let mut encoder = self.encoder(&description);
                let (sent, finished) = rows.send(limit, &mut encoder, sink, &cancel).await?;
                if !finished {
                    // A feed has left its transaction; its portal lives until the next one ends.
                    self.ensure_block()?;
                    return Ok(ExecuteEnd::Suspended);
                }
                let text = tag.text(sent, rows.changed);
                portal.state = PortalState::Done;
                Ok(ExecuteEnd::Complete(text))
            }
        }
    }

    /// Starts a portal; the tag of a statement that is done by that.
    async fn start_portal(
        &mut self,
        portal: &mut Portal,
        statement: &Arc<Statement>,
        sink: &mut dyn Sink,
    ) -> Result<Option<String>> {
        if let Statement::Transaction(control) = &**statement {
            let text = portal.prepared.text.clone();
            return Box::pin(self.control_of(control, text.trim_start(), 0)).await.map(Some);
        }
        self.ensure_block()?;
        let Some(analysis) = portal.analysis.clone() else {
            return Err(Error::internal("a portal without a meaning"));
        };
        if matches!(analysis.work, Work::Utility) {
            return match Box::pin(self.utility(
                &portal.prepared.clone(),
                statement,
                &portal.parameters,
                false,
                sink,
            ))
            .await?
            {
                Done::Tag(tag) => Ok(Some(tag)),
                Done::Rows { description, rows, tag } => {
                    if portal.description.is_none() {
                        portal.description = Some(description);
                    }
                    portal.state = PortalState::Running { rows, tag };
                    Ok(None)
                }
            };
        }
        let prepared = portal.prepared.clone();
        let analysis = self.admit(&prepared, analysis, &portal.parameters, true).await?;
        let mut rows: Rows = self.start(&analysis, portal.parameters.clone()).await?;
        let command = analysis.work.command();
        if analysis.work.writes() {
            // A change is carried out whole, whatever part of its rows is asked for.
            rows.complete(&self.shared.entry.cancel.clone()).await?;
            if analysis.description.is_none() {
                return Ok(Some(Tag::Changed(command).text(0, rows.changed)));
            }
            portal.state = PortalState::Running { rows, tag: Tag::Changed(command) };
        } else {
            portal.state = PortalState::Running { rows, tag: Tag::Sent(command) };
        }
        Ok(None)
    }

    /// Close of a statement: fine when it does not exist.
    pub fn close_statement(&mut self, name: &str) {
        self.statements.remove(name);
    }

    /// Close of a portal: fine when it does not exist.
    pub fn close_portal(&mut self, name: &str) {
        self.portals.remove(name);
    }

    /// Sync: ends the implicit transaction of a pipeline, commits or rolls it back.
    pub async fn sync(&mut self, sink: &mut dyn Sink) -> Result<TransactionStatus> {
        let result = match &self.block {
            Some(block) if !block.explicit => self.commit_block().await,
            Some(_) | None => Ok(()),
        };
        if self.block.is_none() {
            self.portals.retain(Portal::is_held);
        }
        self.send_asides(sink);
        self.end_work();
        result?;
        Ok(self.transaction_status())
    }
}

/// What a portal answers that has nothing more to give.
fn done_tag(portal: &Portal) -> String {
    match portal.analysis.as_ref().map(|analysis| &analysis.work) {
        Some(Work::Insert { .. }) => "INSERT 0 0".to_string(),
        Some(work @ (Work::Query { .. } | Work::Update { .. } | Work::Delete { .. })) => {
            format!("{} 0", work.command())
        }
        Some(Work::Utility) | None => "SELECT 0".to_string(),
    }
}

/// 22021 of bytes that are no UTF-8.
pub(super) fn invalid_utf8(bytes: &[u8], error: &std::str::Utf8Error) -> Error {
    let at = error.valid_up_to();
    let length = error.error_len().unwrap_or(bytes.len() - at).max(1);
    let shown: Vec<String> =
        bytes.iter().skip(at).take(length.max(1)).map(|byte| format!("0x{byte:02x}")).collect();
    Error::new(
        SqlState::CharacterNotInRepertoire,
        format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
    )
}
