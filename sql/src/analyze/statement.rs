//! A statement as a whole: what callers ask for.

use super::parameter::Parameters;
use super::past::PastUse;
use super::revert::AnalyzedRevert;
use super::subscribe::AnalyzedSubscribe;
use super::{Analyzer, Environment};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, CopySubject, CursorSource, QueryBody, Statement, TableSource};
use crate::tree::{Delete, Expression, Insert, Query, Type, Update};

/// A statement with its meaning, and what that rests on.
#[derive(Clone, Debug)]
pub struct Analyzed {
    pub statement: AnalyzedStatement,
    /// The type of every parameter, by number from 0.
    pub parameters: Vec<u32>,
    /// Oids of the relations and constraints of today that the meaning depends on.
    pub objects: Vec<u32>,
    /// What it reads in the past.
    pub past: Vec<PastUse>,
}

/// What a statement means.
#[derive(Clone, Debug)]
pub enum AnalyzedStatement {
    Query(Query),
    Insert(Box<Insert>),
    Update(Box<Update>),
    Delete(Box<Delete>),
    /// CREATE TABLE AS, SELECT INTO, CREATE MATERIALIZED VIEW: the query that fills it.
    CreateTableAs(Query),
    /// DECLARE CURSOR.
    Cursor(Query),
    Subscribe(Box<AnalyzedSubscribe>),
    Copy(Box<CopyTarget>),
    Explain(Box<AnalyzedStatement>),
    Revert(Box<AnalyzedRevert>),
    /// Everything that has no expressions over rows.
    Utility,
}

/// What COPY copies.
#[derive(Clone, Debug)]
pub enum CopyTarget {
    /// COPY (query) TO, and COPY table TO.
    Query(AnalyzedStatement),
    /// COPY table FROM: the attributes read, in the order of the file, and the filter over attribute numbers.
    Table { table: u32, columns: Vec<i16>, filter: Option<Expression> },
}

/// Analyzes a statement. `time` is its AS OF SYSTEM TIME, `parameters` the types given (0 for unknown), and `open`
/// says whether more parameters than those may appear.
pub fn statement(
    environment: Environment<'_>,
    text: &str,
    statement: &Statement,
    time: Option<&syntax::Expression>,
    parameters: &[u32],
    open: bool,
) -> Result<Analyzed> {
    let parameters = Parameters { types: parameters.to_vec(), open };
    let mut analyzer = Analyzer::new(environment, text, parameters);
    if let Some(time) = time {
        analyzer.statement_time = Some(analyzer.moment(time)?);
    }
    let meaning = analyzer.meaning(statement)?;
    if time.is_some() && !analyzer.statement_time_taken {
        return Err(Error::new(SqlState::SyntaxError, "AS OF SYSTEM TIME has no table to apply to"));
    }
    if analyzer.parameters.open {
        analyzer.check_parameters()?;
    }
    Ok(Analyzed {
        statement: meaning,
        parameters: analyzer.parameters.types,
        objects: analyzer.objects.into_iter().collect(),
        past: analyzer.past_uses,
    })
}

/// The query of CREATE VIEW, in the form that is stored: views inside it stay views.
pub fn view_definition(environment: Environment<'_>, text: &str, query: &syntax::Query) -> Result<Query> {
    let mut analyzer = Analyzer::new(environment, text, Parameters::default());
    analyzer.keep_views = true;
    analyzer.pruned_query(query)
}

/// An expression that stands alone and has a given type: an argument of EXECUTE.
pub fn argument(
    environment: Environment<'_>,
    text: &str,
    expression: &syntax::Expression,
    type_oid: u32,
    number: u32,
) -> Result<Expression> {
    let mut analyzer = Analyzer::new(environment, text, Parameters::default());
    let node =
        analyzer.scoped(|analyzer| analyzer.expression_in(super::clause::Clause::Execute, expression))?;
    let (source, position) = (node.ty.oid, node.position);
    let context = catalog::builtin::CastContext::Assignment;
    match analyzer.coerce_to(node, Type::new(type_oid), context, position)? {
        Some(node) => Ok(node),
        None => Err(Error::new(
            SqlState::DatatypeMismatch,
            format!(
                "parameter ${number} of type {} cannot be coerced to the expected type {}",
                analyzer.type_text(source),
                analyzer.type_text(type_oid)
            ),
        )
        .hint("You will need to rewrite or cast the expression.")
        .at(position)),
    }
}

/// A moment that stands alone: of CREATE SNAPSHOT and RESTORE.
pub fn moment(
    environment: Environment<'_>,
    text: &str,
    expression: &syntax::Expression,
) -> Result<Expression> {
    Analyzer::new(environment, text, Parameters::default()).moment(expression)
}

impl Analyzer<'_> {
    fn meaning(&mut self, statement: &Statement) -> Result<AnalyzedStatement> {
        match statement {
            Statement::Query(query) => match without_into(query) {
                Some(query) => Ok(AnalyzedStatement::CreateTableAs(self.pruned_query(&query)?)),
                None => Ok(AnalyzedStatement::Query(self.pruned_query(query)?)),
            },
            Statement::Insert(insert) => Ok(AnalyzedStatement::Insert(Box::new(self.insert(insert)?))),
            Statement::Update(update) => Ok(AnalyzedStatement::Update(Box::new(self.update(update)?))),
            Statement::Delete(delete) => Ok(AnalyzedStatement::Delete(Box::new(self.delete(delete)?))),
            Statement::Copy(copy) => Ok(AnalyzedStatement::Copy(Box::new(self.copy(copy)?))),
            Statement::Explain(explain) => {
                Ok(AnalyzedStatement::Explain(Box::new(self.meaning(&explain.statement)?)))
            }
            Statement::CreateTableAs(create) => match &create.source {
                TableSource::Query(query) => Ok(AnalyzedStatement::CreateTableAs(self.pruned_query(query)?)),
                TableSource::Execute(_) => Ok(AnalyzedStatement::Utility),
            },
            Statement::DeclareCursor(cursor) => match &cursor.source {
                CursorSource::Query(query) => Ok(AnalyzedStatement::Cursor(self.pruned_query(query)?)),
                CursorSource::Subscribe(subscribe) => self.subscription(subscribe),
            },
            Statement::Subscribe(subscribe) => self.subscription(subscribe),
            Statement::Revert(revert) => self.reversion(&revert.call),
            Statement::CreateTable(_)
            | Statement::CreateView(_)
            | Statement::CreateIndex(_)
            | Statement::CreateSequence(_)
            | Statement::CreateSchema(_)
            | Statement::CreateRole(_)
            | Statement::CreateDatabase(_)
            | Statement::CreateExtension(_)
            | Statement::AlterExtension(_)
            | Statement::TypeDefinition(_)
            | Statement::AlterTable(_)
            | Statement::AlterSequence(_)
            | Statement::AlterRole(_)
            | Statement::AlterDatabase(_)
            | Statement::AlterOwner(_)
            | Statement::Rename(_)
            | Statement::Drop(_)
            | Statement::Truncate(_)
            | Statement::Comment(_)
            | Statement::Grant(_)
            | Statement::GrantRole(_)
            | Statement::Transaction(_)
            | Statement::Set(_)
            | Statement::Show(_)
            | Statement::Reset(_)
            | Statement::Discard(_)
            | Statement::Prepare(_)
            | Statement::Execute(_)
            | Statement::Deallocate(_)
            | Statement::Fetch(_)
            | Statement::CloseCursor(_)
            | Statement::Listen(_)
            | Statement::Unlisten(_)
            | Statement::Notify { .. }
            | Statement::Lock(_)
            | Statement::Checkpoint
            | Statement::Backup(_)
            | Statement::Vacuum(_)
            | Statement::Refresh(_)
            | Statement::Reindex(_)
            | Statement::Time(_) => Ok(AnalyzedStatement::Utility),
        }
    }

    /// A query at the top, its scans pruned.
    pub(super) fn pruned_query(&mut self, query: &syntax::Query) -> Result<Query> {
        let mut query = self.query(query)?;
        for column in &query.output {
            self.used.insert(column.column);
        }
        self.prune(&mut query);
        Ok(query)
    }

    fn copy(&mut self, copy: &syntax::Copy) -> Result<CopyTarget> {
        match &copy.subject {
            CopySubject::Statement(statement) => {
                if let Statement::Query(query) = &**statement
                    && without_into(query).is_some()
                {
                    return Err(Error::new(
                        SqlState::FeatureNotSupported,
                        "COPY (SELECT INTO) is not supported",
                    ));
                }
                Ok(CopyTarget::Query(self.meaning(statement)?))
            }
            CopySubject::Table { name, columns } => {
                let (object, columns) = self.copy_columns(name, columns, copy.from)?;
                let filter = match &copy.filter {
                    Some(filter) => Some(self.copy_filter(&object, filter)?),
                    None => None,
                };
                Ok(CopyTarget::Table { table: object.oid, columns, filter })
            }
        }
    }
}

/// The query without its INTO, where it has one.
fn without_into(query: &syntax::Query) -> Option<syntax::Query> {
    match &query.body {
        QueryBody::Select(select) if select.into.is_some() => {
            let mut plain = query.clone();
            if let QueryBody::Select(select) = &mut plain.body {
                select.into = None;
            }
            Some(plain)
        }
        QueryBody::Select(_) | QueryBody::Values(_) | QueryBody::SetOperation { .. } => None,
    }
}
