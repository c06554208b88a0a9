//! EXPLAIN: a statement's plan, and with ANALYZE what its execution did.
//!
//! Invariants. An option is honoured or refused by name. With ANALYZE the statement runs as it would by itself, in the
//! tier that it would run in, and its effects stay.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::Value;

use super::portal::Tag;
use super::prepared::{Analysis, Prepared, Work};
use super::row::RowDescription;
use super::rows::Rows;
use super::session::Session;
use super::simple::Done;
use super::variables::text_columns;
use crate::error::{Error, Result, SqlState};
use crate::execute::{Measured, Meters};
use crate::parse::syntax::{
    CursorSource, Explain, OptionValue, Query, Statement, TableSource, UtilityOption,
};
use crate::plan::node::Operator;
use crate::plan::{CommonKind, Explained, Node, Plan, Shown, explained};
use crate::types::oid;

/// The form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExplainFormat {
    Text,
    Json,
}

/// The options as given and as they follow from each other.
#[derive(Clone, Copy, Debug)]
struct ExplainOptions {
    analyze: bool,
    costs: bool,
    timing: bool,
    summary: bool,
    format: ExplainFormat,
}

/// What running the statement showed.
struct Run {
    meters: Arc<Meters>,
    rows: u64,
    spent: Duration,
    tier: &'static str,
    /// The plan that ran, where it was made for this execution: it reads materialized views.
    plan: Option<Arc<Plan>>,
}

fn boolean(option: &UtilityOption) -> Result<bool> {
    option
        .boolean()
        .ok_or_else(|| Error::new(SqlState::SyntaxError, format!("{} requires a Boolean value", option.name)))
}

fn options(explain: &Explain) -> Result<ExplainOptions> {
    let (mut analyze, mut costs, mut format) = (false, true, ExplainFormat::Text);
    let (mut timing, mut summary) = (None, None);
    for option in &explain.options {
        match option.name.as_str() {
            "analyze" => analyze = boolean(option)?,
            "costs" => costs = boolean(option)?,
            "timing" => timing = Some(boolean(option)?),
            "summary" => summary = Some(boolean(option)?),
            "verbose" | "buffers" | "settings" | "wal" => {
                if boolean(option)? {
                    let name = option.name.to_uppercase();
                    return Err(Error::unsupported(format!("EXPLAIN option {name}")));
                }
            }
            "format" => format = format_of(option)?,
            other => {
                let message = format!("unrecognized EXPLAIN option \"{other}\"");
                return Err(Error::new(SqlState::SyntaxError, message).at(Some(option.at + 1)));
            }
        }
    }
    if timing == Some(true) && !analyze {
        let message = "EXPLAIN option TIMING requires ANALYZE";
        return Err(Error::new(SqlState::InvalidParameterValue, message));
    }
    let (timing, summary) = (timing.unwrap_or(analyze), summary.unwrap_or(analyze));
    Ok(ExplainOptions { analyze, costs, timing, summary, format })
}

fn format_of(option: &UtilityOption) -> Result<ExplainFormat> {
    let word = match &option.value {
        Some(OptionValue::Word(word) | OptionValue::String(word)) => word.to_ascii_lowercase(),
        Some(_) | None => String::new(),
    };
    match word.as_str() {
        "text" => Ok(ExplainFormat::Text),
        "json" => Ok(ExplainFormat::Json),
        "xml" | "yaml" => Err(Error::unsupported(format!("EXPLAIN (FORMAT {})", word.to_uppercase()))),
        _ => Err(Error::new(
            SqlState::InvalidParameterValue,
            format!("unrecognized value for EXPLAIN option \"format\": \"{word}\""),
        )
        .at(Some(option.at + 1))),
    }
}

/// The query that makes the rows of a new table, or of a cursor.
fn query_within(statement: &Statement) -> Option<Box<Query>> {
    match statement {
        Statement::CreateTableAs(create) => match &create.source {
            TableSource::Query(query) => Some(query.clone()),
            TableSource::Execute(_) => None,
        },
        Statement::DeclareCursor(declare) => match &declare.source {
            CursorSource::Query(query) => Some(query.clone()),
            CursorSource::Subscribe(_) => None,
        },
        _ => None,
    }
}

/// How the rows of EXPLAIN look.
pub(super) fn explain_description(explain: &Explain) -> RowDescription {
    let json = options(explain).is_ok_and(|options| options.format == ExplainFormat::Json);
    let mut description = text_columns(&["QUERY PLAN"]);
    if json {
        description.fields.iter_mut().for_each(|field| field.type_oid = oid::JSON);
    }
    description
}

impl Session {
    pub(super) async fn explain(&mut self, explain: &Explain, prepared: &Prepared) -> Result<Done> {
        let options = options(explain)?;
        let started = Instant::now();
        let (inner, analysis, values) = match &*explain.statement {
            Statement::Execute(execute) => Box::pin(self.bound_prepared(execute, &prepared.text)).await?,
            statement => {
                // What is not executed is planned like the query that it would run.
                let query = query_within(statement).filter(|_| !options.analyze);
                let statement = Arc::new(query.map_or_else(|| statement.clone(), Statement::Query));
                let mut inner =
                    Prepared::new(prepared.text.clone(), Some(statement)).at_time(prepared.time.clone());
                inner.declared = prepared.declared.clone();
                inner.open = prepared.open;
                let analysis = Box::pin(self.understood(&inner)).await?;
                (Arc::new(inner), analysis, Arc::from([]))
            }
        };
        let analysis = self.admit(&inner, analysis, &values, false).await?;
        let planning = started.elapsed();
        if matches!(analysis.work, Work::Utility) {
            return Err(Error::unsupported("EXPLAIN of a utility statement"));
        }
        let run = match options.analyze {
            true => Some(self.run_metered(&analysis, values).await?),
            false => None,
        };
        let root = explained_work(&analysis, run.as_ref())?;
        let shown = Shown { costs: options.costs, timing: options.timing };
        let rows = match options.format {
            ExplainFormat::Text => text_rows(&root, shown, &options, planning, run.as_ref()),
            ExplainFormat::Json => vec![json_text(&root, shown, &options, planning, run.as_ref())],
        };
        Ok(Done::Rows {
            description: Arc::new(explain_description(explain)),
            rows: Rows::ready(rows.into_iter().map(|line| vec![Value::from(line)]).collect()),
            tag: Tag::Plain("EXPLAIN".to_string()),
        })
    }

    /// Runs a statement to its end, its nodes measured.
    async fn run_metered(&mut self, analysis: &Arc<Analysis>, values: Arc<[Value]>) -> Result<Run> {
        let meters = Arc::new(Meters::default());
        let point = match &analysis.work {
            Work::Query { point, .. } | Work::Update { point, .. } | Work::Delete { point, .. } => {
                point.is_some() && self.uses_point_tier()
            }
            Work::Insert { plan, .. } => plan.is_none(),
            Work::Utility => false,
        };
        let nearest = match &analysis.work {
            Work::Query { nearest, .. } => nearest.is_some() && self.shared.derived().point_tier,
            Work::Insert { .. } | Work::Update { .. } | Work::Delete { .. } | Work::Utility => false,
        };
        self.meters = Some(meters.clone());
        self.ran = None;
        let started = Instant::now();
        let result = self.count_rows(analysis, values).await;
        let spent = started.elapsed();
        self.meters = None;
        let (rows, ran) = (result?, self.ran.take());
        if let Work::Query { plan, .. } | Work::Update { plan, .. } | Work::Delete { plan, .. } =
            &analysis.work
        {
            self.note_learned(ran.as_ref().unwrap_or(plan), &meters);
            if (point || nearest) && matches!(analysis.work, Work::Query { .. }) {
                meters.note(&plan.root, rows, spent);
            }
        }
        let tier = match (point, nearest) {
            (true, _) => "point",
            (false, true) => "nearest",
            (false, false) => "planned",
        };
        Ok(Run { meters, rows, spent, tier, plan: ran })
    }

    /// Notes, for every node that searches an index, what the learned indexes over it are.
    fn note_learned(&self, plan: &Plan, meters: &Meters) {
        let commons = plan.commons.iter().flat_map(|common| match &common.kind {
            CommonKind::Plain(root) => vec![root],
            CommonKind::Recursive { start, step, all: _, keys: _ } => vec![start, step],
        });
        let subqueries = plan.subqueries.iter().map(|subquery| &subquery.root);
        let mut nodes: Vec<&Arc<Node>> =
            std::iter::once(&plan.root).chain(subqueries).chain(commons).collect();
        while let Some(node) = nodes.pop() {
            nodes.extend(node.inputs());
            let (access, index) = match &node.operator {
                Operator::IndexScan(scan) => (&scan.access, &scan.index),
                Operator::IndexJoin(join) => (&join.access, &join.index),
                _ => continue,
            };
            let Ok(all) = self.shared.instance.database().learned(access.table) else { continue };
            let over =
                all.iter().filter(|(known, _, _)| *known == index.index).map(|(_, _, figures)| figures);
            let (mut segments, mut leaves, mut error) = (0, 0, 0);
            for figures in over {
                segments += 1;
                leaves += figures.leaves;
                error = error.max(figures.max_error);
            }
            if segments > 0 {
                let noun = if segments == 1 { "segment" } else { "segments" };
                let said = format!("{segments} {noun}, {leaves} leaves, error at most {error}");
                meters.note_learned(node, said);
            }
        }
    }

    async fn count_rows(&mut self, analysis: &Arc<Analysis>, values: Arc<[Value]>) -> Result<u64> {
        let cancel = self.shared.entry.cancel.clone();
        let mut rows = self.start(analysis, values).await?;
        let mut count = 0;
        loop {
            let taken = rows.take(8192, &cancel).await?.len();
            if taken == 0 {
                return Ok(count);
            }
            count += taken as u64;
        }
    }
}

/// What EXPLAIN shows of a statement: its plan, beneath the change it makes.
fn explained_work(analysis: &Analysis, run: Option<&Run>) -> Result<Explained> {
    let meters = run.map(|run| &*run.meters);
    let ran = |planned| run.and_then(|run| run.plan.as_ref()).unwrap_or(planned);
    // The point tier does not run the plan of a change: only the change as a whole is measured.
    let planned = meters.filter(|_| run.is_some_and(|run| run.tier == "planned"));
    let (word, table, source) = match &analysis.work {
        Work::Query { plan, .. } => return Ok(explained(ran(plan), meters)),
        Work::Insert { insert, plan } => {
            let source = match plan {
                Some(plan) => explained(ran(plan), planned),
                None => Explained {
                    title: "Result".to_string(),
                    facts: vec![("Node Type", "Result".to_string())],
                    ..Explained::default()
                },
            };
            ("Insert", insert.model.name.clone(), source)
        }
        Work::Update { update, plan, point: _ } => {
            ("Update", update.model.name.clone(), explained(ran(plan), planned))
        }
        Work::Delete { delete, plan, point: _ } => {
            ("Delete", delete.model.name.clone(), explained(ran(plan), planned))
        }
        Work::Utility => return Err(Error::unsupported("EXPLAIN of a utility statement")),
    };
    let measured = run.map(|run| Measured { loops: 1, rows: run.rows, startup: run.spent, total: run.spent });
    let estimate =
        source.estimate.map(|(estimate, _)| (crate::plan::node::Estimate { rows: 0.0, ..estimate }, 0));
    Ok(Explained {
        title: format!("{word} on {table}"),
        facts: vec![
            ("Node Type", "ModifyTable".to_string()),
            ("Operation", word.to_string()),
            ("Relation Name", table.to_string()),
        ],
        estimate,
        measured,
        children: vec![source],
        ..Explained::default()
    })
}

fn milliseconds(spent: Duration) -> f64 {
    spent.as_secs_f64() * 1e3
}

fn text_rows(
    root: &Explained,
    shown: Shown,
    options: &ExplainOptions,
    planning: Duration,
    run: Option<&Run>,
) -> Vec<String> {
    let mut lines = root.lines(shown);
    if let Some(run) = run {
        lines.push(format!("Tier: {}", run.tier));
    }
    if options.summary {
        lines.push(format!("Planning Time: {:.3} ms", milliseconds(planning)));
        lines.extend(run.map(|run| format!("Execution Time: {:.3} ms", milliseconds(run.spent))));
    }
    lines
}

fn json_text(
    root: &Explained,
    shown: Shown,
    options: &ExplainOptions,
    planning: Duration,
    run: Option<&Run>,
) -> String {
    let mut text = String::from("[\n  {\n    \"Plan\": ");
    root.json(shown, None, 4, &mut text);
    if let Some(run) = run {
        text.push_str(&format!(",\n    \"Tier\": \"{}\"", run.tier));
    }
    if options.summary {
        text.push_str(&format!(",\n    \"Planning Time\": {:.3}", milliseconds(planning)));
    }
    if let Some(run) = run {
        text.push_str(",\n    \"Triggers\": [\n    ]");
        if options.summary {
            text.push_str(&format!(",\n    \"Execution Time\": {:.3}", milliseconds(run.spent)));
        }
    }
    text.push_str("\n  }\n]");
    text
}
