//! CREATE SNAPSHOT, DROP SNAPSHOT, RESTORE TABLE, UNDROP TABLE; SELECT strata.revert(...).

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{
    Distinct, ExpressionKind, Query, QueryBody, Revert, Select, SelectItem, Statement, TimeStatement,
};

impl Parser<'_> {
    /// CREATE SNAPSHOT name [AS OF moment]
    pub(super) fn create_snapshot(&mut self) -> Result<Statement> {
        self.expect_all(&["create", "snapshot"])?;
        let name = self.name()?;
        let moment = match self.accept_all(&["as", "of"]) {
            true => Some(self.expression()?),
            false => None,
        };
        Ok(Statement::Time(TimeStatement::CreateSnapshot { name, moment }))
    }

    /// DROP SNAPSHOT [IF EXISTS] name
    pub(super) fn drop_snapshot(&mut self) -> Result<Statement> {
        self.expect_all(&["drop", "snapshot"])?;
        let if_exists = self.accept_all(&["if", "exists"]);
        let name = self.name()?;
        Ok(Statement::Time(TimeStatement::DropSnapshot { name, if_exists }))
    }

    /// RESTORE TABLE name TO SYSTEM_TIME AS OF moment
    pub(super) fn restore(&mut self) -> Result<Statement> {
        self.expect_all(&["restore", "table"])?;
        let table = self.object_name()?;
        self.expect_all(&["to", "system_time", "as", "of"])?;
        let moment = self.expression()?;
        Ok(Statement::Time(TimeStatement::RestoreTable { table, moment }))
    }

    /// UNDROP TABLE name
    pub(super) fn undrop(&mut self) -> Result<Statement> {
        self.expect_all(&["undrop", "table"])?;
        Ok(Statement::Time(TimeStatement::UndropTable { table: self.object_name()? }))
    }
}

/// The statement that a query is: a change of rows where it is nothing but a call of strata.revert.
pub(super) fn query_or_revert(query: Query) -> Statement {
    match reversion(&query) {
        Some(revert) => Statement::Revert(Box::new(revert)),
        None => Statement::Query(Box::new(query)),
    }
}

fn reversion(query: &Query) -> Option<Revert> {
    let Query {
        with: None,
        body: QueryBody::Select(select),
        order_by,
        limit: None,
        offset: None,
        locks,
        at: _,
    } = query
    else {
        return None;
    };
    let Select {
        distinct: Distinct::All,
        items,
        into: None,
        from,
        filter: None,
        group_distinct: false,
        group_by,
        having: None,
        windows,
    } = &**select
    else {
        return None;
    };
    let [SelectItem { expression, alias }] = items.as_slice() else { return None };
    let ExpressionKind::Function(call) = &expression.kind else { return None };
    let named =
        matches!(call.name.parts.as_slice(), [schema, name] if schema == "strata" && name == "revert");
    let alone = from.is_empty()
        && group_by.is_empty()
        && windows.is_empty()
        && order_by.is_empty()
        && locks.is_empty();
    (named && alone).then(|| Revert { call: (**call).clone(), label: alias.clone() })
}
