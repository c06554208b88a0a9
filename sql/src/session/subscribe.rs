//! SUBSCRIBE as a statement: its options, its moments, how its rows look; the feed itself is `crate::feed`.
//!
//! A feed takes no relation locks and, where nothing else stands in its transaction, ends that: it may run for months,
//! and nothing is to wait for it. It sees what is committed, never the writes of its own transaction.

use std::sync::Arc;

use catalog::{Relation, Snapshot};
use engine::{Timestamp, Value};

use super::frontend::analyze;
use super::prepared::Prepared;
use super::privileges::may_read;
use super::row::{Field, Format, RowDescription};
use super::rows::Rows;
use super::session::{Session, duration_of};
use crate::analyze::AnalyzedStatement;
use crate::error::{Error, Result, SqlState};
use crate::evaluate::{Context, Layout, compile};
use crate::feed::{Feed, Watch};
use crate::parse::syntax::{Statement, Subscribe};
use crate::tree::{Expression, OutputColumn};
use crate::types::numeric::Numeric;
use crate::types::oid;

/// WITH (...).
#[derive(Clone, Copy)]
struct Options {
    snapshot: bool,
    progress: bool,
}

fn options(subscribe: &Subscribe) -> Result<Options> {
    let mut options = Options { snapshot: true, progress: false };
    let mut seen: Vec<&str> = Vec::new();
    for option in &subscribe.options {
        let wrong = |message: String| Err(Error::new(SqlState::SyntaxError, message).at(Some(option.at + 1)));
        let place = match option.name.as_str() {
            "snapshot" => &mut options.snapshot,
            "progress" => &mut options.progress,
            other => return wrong(format!("unrecognized SUBSCRIBE option \"{other}\"")),
        };
        let Some(value) = option.boolean() else {
            return wrong(format!("{} requires a Boolean value", option.name));
        };
        if seen.contains(&option.name.as_str()) {
            return wrong(format!("option \"{}\" specified more than once", option.name));
        }
        seen.push(&option.name);
        *place = value;
    }
    Ok(options)
}

/// The value of AS OF or UP TO; `None` where it is no bound.
fn moment_of(moment: &Expression, context: &Context) -> Result<Option<Timestamp>> {
    let value = compile(moment, &Layout::default())?.evaluate_row(context, &[])?;
    match value {
        Value::Int64(i64::MAX) => Ok(None),
        Value::Int64(micros) => Ok(Some(Timestamp::from_micros(micros))),
        Value::Bytes(_) => {
            let number =
                Numeric::from_value(&value)?.to_i64().ok().and_then(|number| u64::try_from(number).ok());
            number.map(|number| Some(Timestamp(number))).ok_or_else(|| {
                Error::new(SqlState::InvalidParameterValue, "a commit timestamp is a whole number from 0")
            })
        }
        Value::Null => {
            Err(Error::new(SqlState::NullValueNotAllowed, "the moment of SUBSCRIBE must not be null"))
        }
        other => Err(Error::internal(format!("a moment was {:?}", other.physical_type()))),
    }
}

impl Session {
    /// How the rows of a feed look.
    pub(super) fn describe_feed(
        &self,
        subscribe: &Subscribe,
        output: &[OutputColumn],
    ) -> Result<RowDescription> {
        let field = |name: &str, type_oid: u32, type_length: i16| Field {
            name: name.to_string(),
            table: 0,
            attribute: 0,
            type_oid,
            type_length,
            type_modifier: -1,
            format: Format::Text,
        };
        let mut fields = vec![field("strata_timestamp", oid::NUMERIC, -1)];
        if options(subscribe)?.progress {
            fields.push(field("strata_progressed", oid::BOOL, 1));
        }
        fields.push(field("strata_diff", oid::INT8, 8));
        fields.extend(self.describe_output(output).fields);
        Ok(RowDescription { fields })
    }

    /// Starts a feed: how its rows look, and the rows. `prepared` is the SUBSCRIBE itself.
    pub(super) async fn subscribe(
        &mut self,
        prepared: &Prepared,
        parameters: &Arc<[Value]>,
    ) -> Result<(Arc<RowDescription>, Rows)> {
        let Some(statement) = prepared.statement.clone() else {
            return Err(Error::internal("a subscription without a statement"));
        };
        let Statement::Subscribe(subscribe) = &*statement else {
            return Err(Error::internal("another statement was run as a subscription"));
        };
        if self.shared.derived().as_of.is_some() {
            return Err(Error::unsupported("SUBSCRIBE while strata.as_of is set")
                .hint("Name the moment in SUBSCRIBE ... AS OF."));
        }
        let options = options(subscribe)?;
        self.ensure_block()?;
        loop {
            // Committed definitions alone: the feed outlives the transaction's own.
            let catalog = self.shared.instance.catalog();
            let analyzed = analyze(self, prepared, &statement, Some(parameters))?;
            let AnalyzedStatement::Subscribe(subscription) = analyzed.statement else {
                return Err(Error::internal("a subscription was analyzed as something else"));
            };
            let relations = self.followed(&catalog, &self.with_beneath(&catalog, &analyzed.objects))?;
            let query = self.followed_query(&subscription.query, &catalog)?;
            let plan = Arc::new(self.plan_query(&query, &catalog, &[])?);
            let watch = self.watch(relations, analyzed.objects, &catalog)?;
            let context = Arc::new(self.context(parameters.clone())?);
            let moment = |moment: &Option<Expression>| match moment {
                Some(moment) => moment_of(moment, &context),
                None => Ok(None),
            };
            let (as_of, until) = (moment(&subscription.as_of)?, moment(&subscription.up_to)?);
            let position = match (as_of, &subscription.as_of) {
                (Some(at), _) => self.settled(at).await?,
                (None, Some(_)) => {
                    let message = "SUBSCRIBE cannot begin in the future";
                    return Err(Error::new(SqlState::InvalidParameterValue, message));
                }
                // UP TO now() names a moment that may be over already.
                (None, None) => {
                    let newest = self.shared.instance.snapshot();
                    match until {
                        Some(until) if until < newest => self.settled(until).await?,
                        Some(_) | None => newest,
                    }
                }
            };
            if until.is_some_and(|until| until < position) {
                let message = "UP TO of SUBSCRIBE must not be earlier than AS OF";
                return Err(Error::new(SqlState::InvalidParameterValue, message));
            }
            if self.shared.instance.catalog().generation() != catalog.generation() {
                continue;
            }
            let description = self.describe_feed(subscribe, &subscription.query.output)?;
            let (budget, patience) = self.feed_limits();
            let feed = Feed {
                instance: self.shared.instance.clone(),
                cancel: self.shared.entry.cancel.clone(),
                plan,
                context,
                watch,
                position,
                until,
                snapshot: options.snapshot,
                progress: options.progress,
                budget,
                patience,
            };
            self.leave_transaction().await?;
            super::meters::meters().planned.increment(1);
            return Ok((Arc::new(description), Rows::feed(feed.start())));
        }
    }

    /// strata.subscribe_buffer in bytes, strata.subscribe_patience.
    fn feed_limits(&self) -> (usize, std::time::Duration) {
        let settings = self.shared.settings.lock();
        let kilobytes = usize::try_from(settings.integer("strata.subscribe_buffer")).unwrap_or_default();
        let patience = duration_of(settings.integer("strata.subscribe_patience")).unwrap_or_default();
        (kilobytes.max(1) * 1024, patience)
    }

    /// The relations that a feed reads, as they are committed.
    fn followed(&self, catalog: &Arc<Snapshot>, objects: &[u32]) -> Result<Vec<Arc<Relation>>> {
        let (database, own) = (self.shared.entry.database_oid, self.catalog());
        let mut relations = Vec::new();
        for oid in objects {
            let Some(relation) = own.relation(database, *oid) else { continue };
            if relation.is_system() {
                return Err(Error::unsupported(format!(
                    "SUBSCRIBE to the system relation \"{}\"",
                    relation.name
                )));
            }
            if relation.as_table().is_none() && relation.as_view().is_none() {
                let (kind, name) = (relation.kind_name(), &relation.name);
                return Err(Error::unsupported(format!("SUBSCRIBE to the {kind} \"{name}\"")));
            }
            if relation.persistence == catalog::Persistence::Temporary {
                return Err(Error::unsupported("SUBSCRIBE to a temporary relation"));
            }
            match catalog.relation(database, *oid) {
                Some(committed) if committed == relation => relations.push(committed.clone()),
                Some(_) | None => {
                    let message = format!(
                        "cannot SUBSCRIBE to \"{}\", which this transaction has changed",
                        relation.name
                    );
                    return Err(Error::new(SqlState::ObjectNotInPrerequisiteState, message));
                }
            }
        }
        Ok(relations)
    }

    /// What watches the relations, and the right to read them.
    fn watch(
        &self,
        relations: Vec<Arc<Relation>>,
        objects: Vec<u32>,
        catalog: &Arc<Snapshot>,
    ) -> Result<Watch> {
        let database = self.shared.entry.database_oid;
        let role = self.shared.identity.lock().current_oid;
        let authorised = move |catalog: &Snapshot| may_read(catalog, database, role, &objects);
        authorised(catalog)?;
        Ok(Watch::new(self.shared.instance.clone(), database, relations, Box::new(authorised)))
    }

    /// Ends a transaction in which nothing but the SUBSCRIBE stands.
    async fn leave_transaction(&mut self) -> Result<()> {
        let alone = self
            .block
            .as_ref()
            .is_some_and(|block| !block.explicit && block.statements == 0 && block.channels.is_empty());
        if alone { self.commit_block().await } else { Ok(()) }
    }
}
