//! The session's way to the parser and the analyzer.

use std::sync::Arc;

use catalog::Relation;

use super::session::Session;
use crate::error::{Error, Result, SqlState};
use crate::parse::{self, syntax};
use crate::tree;

/// The statements of a text.
pub struct Script {
    pub statements: Vec<syntax::Statement>,
}

impl Script {
    /// Parses a text; a statement-wide time clause is kept with its statement.
    pub fn parse(text: &str) -> Result<Script> {
        let statements = parse::parse(text)?.into_iter().map(|parsed| parsed.statement).collect();
        Ok(Script { statements })
    }
}

/// What a statement means.
pub enum Analyzed {
    Query(tree::Query),
    Insert(tree::Insert),
    Update(tree::Update),
    Delete(tree::Delete),
    Utility,
}

/// Analyzes a statement. `parameters` has the types given, and afterwards all that were found.
pub fn analyze(
    _session: &Session,
    statement: &syntax::Statement,
    _text: &str,
    _parameters: &mut Vec<u32>,
) -> Result<Analyzed> {
    match statement {
        syntax::Statement::Query(_)
        | syntax::Statement::Insert(_)
        | syntax::Statement::Update(_)
        | syntax::Statement::Delete(_) => Err(Error::unsupported("this statement")),
        _ => Ok(Analyzed::Utility),
    }
}

/// Whether a relation locks the rows it reads.
pub fn locks_rows(relation: &tree::Relation) -> bool {
    match relation {
        tree::Relation::LockRows { .. } => true,
        tree::Relation::Limit { input, .. }
        | tree::Relation::Sort { input, .. }
        | tree::Relation::Filter { input, .. }
        | tree::Relation::Extend { input, .. } => locks_rows(input),
        _ => false,
    }
}

/// The type a name means.
pub fn resolve_type(_session: &Session, name: &syntax::TypeName) -> Result<u32> {
    Err(Error::unsupported(format!("type {}", name.name)))
}

/// An argument of EXECUTE, cast to its parameter's type.
pub fn analyze_argument(
    _session: &Session,
    _argument: &syntax::Expression,
    _type_oid: u32,
) -> Result<tree::Expression> {
    Err(Error::unsupported("EXECUTE with arguments"))
}

/// The relation a name means.
pub fn find_relation(session: &Session, name: &syntax::ObjectName) -> Result<Arc<Relation>> {
    let catalog = session.catalog();
    let database = session.shared.entry.database_oid;
    let found = match name.schema() {
        Some(schema) => {
            let schema_oid = match schema {
                "pg_catalog" => Some(catalog::builtin::PG_CATALOG),
                "information_schema" => Some(catalog::builtin::INFORMATION_SCHEMA),
                _ => catalog.schema_by_name(database, schema).map(|schema| schema.oid),
            };
            schema_oid.and_then(|schema| catalog.relation_by_name(database, schema, name.name()))
        }
        None => {
            let path = session.shared.evaluated().search_path.clone();
            catalog.find_relation(database, &path, name.name())
        }
    };
    found.cloned().ok_or_else(|| {
        Error::new(SqlState::UndefinedTable, format!("relation \"{name}\" does not exist"))
    })
}

/// SELECT columns FROM name, for COPY name TO.
pub fn select_columns(name: &syntax::ObjectName, columns: &[String]) -> syntax::Query {
    let items = columns
        .iter()
        .map(|column| syntax::SelectItem {
            expression: syntax::Expression {
                kind: syntax::ExpressionKind::Column(vec![column.clone()]),
                at: name.at,
            },
            alias: None,
        })
        .collect();
    syntax::Query {
        with: None,
        body: syntax::QueryBody::Select(Box::new(syntax::Select {
            distinct: syntax::Distinct::All,
            items,
            into: None,
            from: vec![syntax::TableReference::Table { name: name.clone(), alias: None, time: None }],
            filter: None,
            group_distinct: false,
            group_by: Vec::new(),
            having: None,
            windows: Vec::new(),
        })),
        order_by: Vec::new(),
        limit: None,
        offset: None,
        locks: Vec::new(),
        at: name.at,
    }
}
