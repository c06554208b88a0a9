//! The session's way to the parser and the analyzer.

use std::sync::Arc;

use catalog::Relation;
use engine::Value;

use super::prepared::Prepared;
use super::session::Session;
use crate::analyze;
use crate::error::{Error, Result, SqlState};
use crate::parse::{self, Parsed, syntax};
use crate::tree;
use crate::types::InputSettings;

/// The statements of a text.
pub struct Script {
    pub statements: Vec<Parsed>,
}

impl Script {
    /// Parses a text.
    pub fn parse(text: &str) -> Result<Script> {
        Ok(Script { statements: parse::parse(text)? })
    }
}

/// Refuses names of objects in another database. As in PostgreSQL, the error has a position where rows are meant, or a
/// new table.
pub fn check_databases(
    session: &Session,
    text: &str,
    statement: &syntax::Statement,
    names: &[syntax::ObjectName],
) -> Result<()> {
    let current = session.shared.entry.database.as_str();
    let foreign = names.iter().find(|name| name.parts.first().is_some_and(|database| database != current));
    let Some(name) = foreign else { return Ok(()) };
    let message = format!("cross-database references are not implemented: \"{name}\"");
    let before = text.get(..name.at as usize).map_or(0, |before| before.chars().count());
    let has_position = matches!(
        statement,
        syntax::Statement::Query(_)
            | syntax::Statement::Insert(_)
            | syntax::Statement::Update(_)
            | syntax::Statement::Delete(_)
            | syntax::Statement::CreateTable(_)
    );
    let position = u32::try_from(before + 1).ok().filter(|_| has_position);
    Err(Error::new(SqlState::FeatureNotSupported, message).at(position))
}

/// Gives analysis what it may look at. `parameters`: their values, where they are known.
fn with_environment<T>(
    session: &Session,
    parameters: Option<&Arc<[Value]>>,
    call: impl FnOnce(analyze::Environment<'_>) -> Result<T>,
) -> Result<T> {
    let default_moment = session.default_moment()?;
    let catalog = session.shown_catalog(default_moment)?;
    let settings = session.shared.evaluated();
    let names = session.names_in(catalog.clone());
    let now = session.now_for_input();
    let past = |clause: &tree::TimeClause| session.past_catalog(clause, parameters);
    let versions = |oid: u32, clause: &tree::TimeClause| session.versions_until(oid, clause, parameters);
    call(analyze::Environment {
        catalog: &catalog,
        database: session.shared.entry.database_oid,
        search_path: &settings.search_path,
        input: InputSettings::new(&settings, now, &names),
        past: Some(&past),
        versions: Some(&versions),
        met: Some(&session.met),
        default_moment,
    })
}

/// Analyzes a statement, under the values of its parameters where they are known.
pub fn analyze(
    session: &Session,
    prepared: &Prepared,
    statement: &syntax::Statement,
    parameters: Option<&Arc<[Value]>>,
) -> Result<analyze::Analyzed> {
    with_environment(session, parameters, |environment| {
        analyze::statement(
            environment,
            &prepared.text,
            statement,
            prepared.time.as_ref(),
            &prepared.declared,
            prepared.open,
        )
    })
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
pub fn resolve_type(session: &Session, text: &str, name: &syntax::TypeName) -> Result<u32> {
    with_environment(session, None, |environment| {
        analyze::resolve_type(environment, text, name).map(|found| found.oid)
    })
}

/// An argument of EXECUTE, cast to its parameter's type.
pub fn analyze_argument(
    session: &Session,
    text: &str,
    argument: &syntax::Expression,
    type_oid: u32,
    number: u32,
) -> Result<tree::Expression> {
    with_environment(session, None, |environment| {
        analyze::argument(environment, text, argument, type_oid, number)
    })
}

/// A moment that stands in a utility statement.
pub fn analyze_moment(
    session: &Session,
    text: &str,
    moment: &syntax::Expression,
) -> Result<tree::Expression> {
    with_environment(session, None, |environment| analyze::moment(environment, text, moment))
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
                _ => {
                    let path = session.shared.evaluated().search_path.clone();
                    catalog.named_schema(database, &path, schema).map(|schema| schema.oid)
                }
            };
            schema_oid.and_then(|schema| catalog.relation_by_name(database, schema, name.name()))
        }
        None => {
            let path = session.shared.evaluated().search_path.clone();
            catalog.find_relation(database, &path, name.name())
        }
    };
    found
        .cloned()
        .ok_or_else(|| Error::new(SqlState::UndefinedTable, format!("relation \"{name}\" does not exist")))
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
