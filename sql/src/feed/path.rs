//! Changes straight from the change index: over tables alone, with conditions and expressions, and UNION ALL of those.
//!
//! Such a query makes of each row of a table at most one row of its own, whatever the other rows are. So a change of
//! the table is what the query makes of the old version, gone, and what it makes of the new one, come: the cost is that
//! of the change. Where a table was emptied at once, its rows are read as they were before.

use std::collections::VecDeque;
use std::sync::Arc;

use engine::{ChangeCursor, Operation, ReadView, RowRef, TableId, Timestamp, Value};
use futures::StreamExt;

use super::Evaluation;
use super::commit::Commit;
use super::queue::Outlet;
use crate::error::Result;
use crate::evaluate::{CompiledExpression, Context, Scope};
use crate::plan::node::{Operator, Source, TableAccess};
use crate::plan::{Node, Plan};
use crate::session::engine_error;

/// Changes read of a table at a time, under its latch.
const CHANGES_AT_ONCE: usize = 256;

/// What is done with a row of a table on its way to the result.
#[derive(Clone)]
enum Step {
    Filter(CompiledExpression),
    Project(Vec<CompiledExpression>),
    /// Only the first columns go on.
    Cut(usize),
}

/// The way of a table's rows into the result.
struct Path {
    access: TableAccess,
    filter: Option<CompiledExpression>,
    steps: Vec<Step>,
    /// Reads the table itself, filtered.
    scan: Arc<Plan>,
}

/// The changes of a query over tables alone.
pub(super) struct Changes {
    paths: Vec<Path>,
}

impl Changes {
    /// The paths of a plan; `None` where it does more with its tables.
    pub fn recognise(plan: &Plan) -> Option<Changes> {
        let alone = plan.subqueries.is_empty()
            && plan.commons.is_empty()
            && plan.slots == 0
            && plan.moments.is_empty();
        if !alone {
            return None;
        }
        paths(&plan.root).map(|paths| Changes { paths })
    }

    /// Gives the changes after one moment and up to another; whether there were any.
    pub async fn give(
        &self,
        evaluation: &Evaluation,
        from: Timestamp,
        to: Timestamp,
        commit: &mut Commit,
        outlet: &mut Outlet,
    ) -> Result<bool> {
        if from >= to {
            return Ok(false);
        }
        let view = evaluation.view(to);
        let mut readers = Vec::with_capacity(self.paths.len());
        for path in &self.paths {
            readers.push(Reader::new(path, &view, from, to)?);
        }
        let mut given = false;
        loop {
            let mut next: Option<Timestamp> = None;
            for reader in &mut readers {
                let at = reader.next_at(&evaluation.context)?;
                next = next.into_iter().chain(at).min();
            }
            let Some(at) = next else { return Ok(given) };
            for reader in &mut readers {
                while let Some(event) = reader.next_of(at, &evaluation.context)? {
                    match event {
                        Event::Row { at: _, times, row } => {
                            if commit.add(times, row) {
                                given |= commit.give(at, outlet).await?;
                            }
                        }
                        Event::Emptied { at } => {
                            given |= emptied(reader.path, evaluation, at, commit, outlet).await?;
                        }
                    }
                }
            }
            given |= commit.give(at, outlet).await?;
            evaluation.cancel.check()?;
        }
    }
}

/// The paths of the tables below a node.
fn paths(node: &Arc<Node>) -> Option<Vec<Path>> {
    let with = |input: &Arc<Node>, step: Step| {
        let mut found = paths(input)?;
        found.iter_mut().for_each(|path| path.steps.push(step.clone()));
        Some(found)
    };
    match &node.operator {
        Operator::Scan(scan) => path(node, &scan.access, scan.access.filter.clone()),
        Operator::IndexScan(scan) => path(node, &scan.access, scan.all_conditions.clone()),
        Operator::Filter { input, predicate } => with(input, Step::Filter(predicate.clone())),
        Operator::Project { input, expressions } => with(input, Step::Project(expressions.clone())),
        // The order of rows is not part of what a feed gives.
        Operator::Sort(sort) if sort.fetch.is_none() => with(&sort.input, Step::Cut(sort.shown)),
        Operator::Append { inputs } => {
            let mut all = Vec::new();
            for input in inputs {
                all.extend(paths(input)?);
            }
            Some(all)
        }
        Operator::Nothing => Some(Vec::new()),
        _ => None,
    }
}

fn path(node: &Arc<Node>, access: &TableAccess, filter: Option<CompiledExpression>) -> Option<Vec<Path>> {
    let plain = access.sources.iter().all(|source| match source {
        Source::Column(_) | Source::TableOid | Source::SystemFrom | Source::Xmin | Source::WriteId => true,
        Source::Handle | Source::SystemTo | Source::PreviousWriteId | Source::Commit => false,
    });
    let scan = Arc::new(Plan {
        root: node.clone(),
        output: Vec::new(),
        subqueries: Vec::new(),
        commons: Vec::new(),
        slots: 0,
        moments: Vec::new(),
        dependencies: Vec::new(),
        of_views: None,
        named: Vec::new(),
        slot_columns: Vec::new(),
    });
    let access = access.clone();
    (plain && access.moment.is_none()).then(|| vec![Path { access, filter, steps: Vec::new(), scan }])
}

impl Path {
    /// The columns read of a version.
    fn read(&self, row: &RowRef<'_>) -> Result<Vec<Value>> {
        let read = |source: &Source| {
            Ok(match source {
                Source::Column(column) => row.value(*column).map_err(engine_error)?,
                Source::SystemFrom => Value::Int64(row.from().map_err(engine_error)?.micros()),
                Source::Xmin => Value::UInt32(row.from().map_err(engine_error)?.micros() as u32),
                Source::TableOid => Value::UInt32(self.access.oid),
                Source::WriteId => Value::Fixed16(row.write().map_err(engine_error)?),
                Source::Handle | Source::SystemTo | Source::PreviousWriteId | Source::Commit => Value::Null,
            })
        };
        self.access.sources.iter().map(read).collect()
    }

    /// What the query makes of a version.
    fn shown(&self, row: Option<Vec<Value>>, context: &Context) -> Result<Option<Vec<Value>>> {
        let Some(row) = row else { return Ok(None) };
        match &self.filter {
            Some(filter) if !filter.holds(&Scope::alone(context), &row)? => Ok(None),
            Some(_) | None => self.stepped(row, context),
        }
    }

    fn stepped(&self, mut row: Vec<Value>, context: &Context) -> Result<Option<Vec<Value>>> {
        let scope = Scope::alone(context);
        for step in &self.steps {
            match step {
                Step::Filter(predicate) => {
                    if !predicate.holds(&scope, &row)? {
                        return Ok(None);
                    }
                }
                Step::Project(expressions) => {
                    row =
                        expressions.iter().map(|item| item.evaluate(&scope, &row)).collect::<Result<_>>()?;
                }
                Step::Cut(columns) => row.truncate(*columns),
            }
        }
        Ok(Some(row))
    }
}

/// One thing that a commit did.
enum Event {
    Row { at: Timestamp, times: i64, row: Vec<Value> },
    Emptied { at: Timestamp },
}

impl Event {
    fn at(&self) -> Timestamp {
        match self {
            Event::Row { at, .. } | Event::Emptied { at } => *at,
        }
    }
}

/// A change as it is read under the table's latch: evaluated after that.
struct Read {
    at: Timestamp,
    operation: Operation,
    old: Option<Vec<Value>>,
    new: Option<Vec<Value>>,
}

/// Reads the changes of one table, a few at a time.
struct Reader<'a> {
    path: &'a Path,
    cursor: ChangeCursor,
    ready: VecDeque<Event>,
    done: bool,
}

impl<'a> Reader<'a> {
    fn new(path: &'a Path, view: &ReadView, from: Timestamp, to: Timestamp) -> Result<Reader<'a>> {
        let table: TableId = path.access.table;
        let cursor = view.changes(table, from, to).map_err(engine_error)?;
        Ok(Reader { path, cursor, ready: VecDeque::new(), done: false })
    }

    /// The commit of the next event.
    fn next_at(&mut self, context: &Context) -> Result<Option<Timestamp>> {
        while self.ready.is_empty() && !self.done {
            self.fill(context)?;
        }
        Ok(self.ready.front().map(Event::at))
    }

    /// The next event of a commit.
    fn next_of(&mut self, at: Timestamp, context: &Context) -> Result<Option<Event>> {
        match self.next_at(context)? {
            Some(next) if next == at => Ok(self.ready.pop_front()),
            Some(_) | None => Ok(None),
        }
    }

    fn fill(&mut self, context: &Context) -> Result<()> {
        let mut changes: Vec<Result<Read>> = Vec::new();
        let path = self.path;
        let more = self.cursor.next(CHANGES_AT_ONCE, &mut |change| {
            let read = |row: &Option<RowRef<'_>>| row.as_ref().map(|row| path.read(row)).transpose();
            let both = read(&change.old).and_then(|old| Ok((old, read(&change.new)?)));
            changes.push(both.map(|(old, new)| Read {
                at: change.at,
                operation: change.operation,
                old,
                new,
            }));
        });
        self.done = !more.map_err(engine_error)?;
        for change in changes {
            let Read { at, operation, old, new } = change?;
            if operation == Operation::Truncate {
                self.ready.push_back(Event::Emptied { at });
                continue;
            }
            let (old, new) = (path.shown(old, context)?, path.shown(new, context)?);
            if old == new {
                continue;
            }
            self.ready.extend(old.map(|row| Event::Row { at, times: -1, row }));
            self.ready.extend(new.map(|row| Event::Row { at, times: 1, row }));
        }
        Ok(())
    }
}

/// The rows of a table just before it was emptied, gone.
async fn emptied(
    path: &Path,
    evaluation: &Evaluation,
    at: Timestamp,
    commit: &mut Commit,
    outlet: &mut Outlet,
) -> Result<bool> {
    let mut given = false;
    let mut batches = evaluation.run(&path.scan, Timestamp(at.0.saturating_sub(1)))?;
    while let Some(batch) = batches.next().await {
        for row in crate::dml::rows_of(&batch?)? {
            if let Some(row) = path.stepped(row, &evaluation.context)?
                && commit.add(-1, row)
            {
                given |= commit.give(at, outlet).await?;
            }
        }
    }
    Ok(given)
}
