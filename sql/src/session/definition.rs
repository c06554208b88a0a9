//! Statements of definition, handed to `ddl`.

use std::sync::Arc;

use super::prepared::Prepared;
use super::session::Session;
use crate::error::{Error, Result};
use crate::parse::syntax::{CreateTableAs, Statement};

impl Session {
    pub(super) async fn define(
        &mut self,
        _statement: &Arc<Statement>,
        _prepared: &Prepared,
        _several: bool,
    ) -> Result<String> {
        self.check_writable("a statement of definition")?;
        Err(Error::unsupported("this statement of definition"))
    }

    pub(super) async fn create_table_as(
        &mut self,
        _create: &CreateTableAs,
        _prepared: &Prepared,
    ) -> Result<String> {
        Err(Error::unsupported("CREATE TABLE AS"))
    }
}
