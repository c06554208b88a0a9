//! Queries: WITH, then a SELECT, VALUES or set operation, each in a scope of its own.

use super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, QueryBody};
use crate::tree::Query;

impl Analyzer<'_> {
    /// A query with everything around its body.
    pub(super) fn query(&mut self, query: &syntax::Query) -> Result<Query> {
        let keep_unknown = std::mem::take(&mut self.keep_unknown);
        self.scoped(|analyzer| {
            analyzer.scope_mut()?.keep_unknown = keep_unknown;
            let common = match &query.with {
                Some(with) => analyzer.with(with)?,
                None => Vec::new(),
            };
            let mut result = analyzer.query_body(query)?;
            result.common = common;
            if let (Some(with), true) = (&query.with, analyzer.keep_views) {
                let shape = result.shape.get_or_insert_default();
                shape.recursive = with.recursive;
                for (table, written) in result.common.iter().zip(&with.tables) {
                    let names = written.columns.iter().map(|name| name.text.clone()).collect();
                    shape.common.push((table.id, names));
                }
            }
            Ok(result)
        })
    }

    fn query_body(&mut self, query: &syntax::Query) -> Result<Query> {
        match &query.body {
            QueryBody::Select(select) => self.select(select, query),
            QueryBody::Values(rows) => {
                self.refuse_locks(query, "VALUES")?;
                self.values_query(rows, query)
            }
            QueryBody::SetOperation { operator, all, left, right } => {
                self.refuse_locks(query, "UNION/INTERSECT/EXCEPT")?;
                self.set_operation(*operator, *all, left, right, query)
            }
        }
    }

    fn refuse_locks(&self, query: &syntax::Query, with: &str) -> Result<()> {
        match query.locks.first() {
            Some(_) => Err(Error::new(
                SqlState::FeatureNotSupported,
                match with {
                    "VALUES" => "FOR UPDATE cannot be applied to VALUES".to_string(),
                    _ => format!("FOR UPDATE is not allowed with {with}"),
                },
            )),
            None => Ok(()),
        }
    }
}
