//! One connection's state, and the protocol's verbs over it.

use std::sync::Arc;

use bytes::Bytes;

use super::instance::Instance;
use super::registry::{CancelHandle, Entry};
use super::row::RowDescription;
use super::sink::Sink;
use super::transaction::TransactionStatus;
use crate::error::{Error, Result};
use crate::settings::SettingValues;

/// How an Execute ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecuteEnd {
    /// CommandComplete with this tag.
    Complete(String),
    /// PortalSuspended: the row limit was reached.
    Suspended,
    /// EmptyQueryResponse.
    Empty,
}

/// One client's session.
pub struct Session {
    instance: Arc<Instance>,
    entry: Arc<Entry>,
    settings: SettingValues,
    status: TransactionStatus,
}

impl Session {
    pub(super) fn new(instance: Arc<Instance>, entry: Arc<Entry>, settings: SettingValues) -> Session {
        Session { instance, entry, settings, status: TransactionStatus::Idle }
    }

    /// Process number and secret, for BackendKeyData.
    pub fn key(&self) -> (i32, &[u8]) {
        (self.entry.process, &self.entry.secret)
    }

    /// The ParameterStatus messages to send after authentication, in order.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        self.settings.reported()
    }

    /// Cancellation of this session, to be raced against socket reads: when it `ends_session`, `wire` sends the
    /// error of `check` as FATAL and closes.
    pub fn cancel_handle(&self) -> Arc<CancelHandle> {
        self.entry.cancel.clone()
    }

    pub fn transaction_status(&self) -> TransactionStatus {
        self.status
    }

    /// How long the client may stay silent in the present state, and the error it gets then.
    pub fn idle_limit(&self) -> Option<(std::time::Duration, Error)> {
        None
    }

    /// Simple protocol: every statement of `text`, one after another, streaming. CommandComplete, EmptyQueryResponse
    /// and rows go to the sink; the caller sends ErrorResponse for an error, and ReadyForQuery.
    pub async fn query(&mut self, _text: &str, _sink: &mut dyn Sink) -> Result<()> {
        Err(Error::unsupported("this statement"))
    }

    /// Parse. An empty name is the unnamed statement; type 0 is unspecified.
    pub async fn parse(&mut self, _name: &str, _text: &str, _parameter_types: &[u32]) -> Result<()> {
        Err(Error::unsupported("this statement"))
    }

    /// Bind.
    pub async fn bind(
        &mut self,
        _portal: &str,
        _statement: &str,
        _parameter_formats: &[i16],
        _parameters: &[Option<Bytes>],
        _result_formats: &[i16],
    ) -> Result<()> {
        Err(Error::unsupported("this statement"))
    }

    /// Describe of a statement: parameter types, and the rows (`None`: NoData).
    pub async fn describe_statement(&mut self, _name: &str) -> Result<(Vec<u32>, Option<RowDescription>)> {
        Err(Error::unsupported("this statement"))
    }

    /// Describe of a portal.
    pub async fn describe_portal(&mut self, _name: &str) -> Result<Option<RowDescription>> {
        Err(Error::unsupported("this statement"))
    }

    /// Execute. `max_rows` 0 is no limit. Rows go to the sink without RowDescription.
    pub async fn execute(
        &mut self,
        _portal: &str,
        _max_rows: u32,
        _sink: &mut dyn Sink,
    ) -> Result<ExecuteEnd> {
        Err(Error::unsupported("this statement"))
    }

    /// Close of a statement: fine when it does not exist.
    pub fn close_statement(&mut self, _name: &str) {}

    /// Close of a portal: fine when it does not exist.
    pub fn close_portal(&mut self, _name: &str) {}

    /// Sync: ends the implicit transaction of a pipeline, commits or rolls it back.
    pub async fn sync(&mut self, _sink: &mut dyn Sink) -> Result<TransactionStatus> {
        Ok(self.status)
    }

    /// The client said Terminate, or vanished: rolls back and forgets.
    pub async fn terminate(self) {}
}

impl Drop for Session {
    fn drop(&mut self) {
        self.instance.registry().remove(self.entry.process);
    }
}
