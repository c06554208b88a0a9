//! Feeds: the changes of a query's rows, commit after commit, from any moment on and without end.
//!
//! A feed is a position in time. It gives the query's rows at its first moment (unless told not to), and then, for
//! every commit that changes them, what went and what came: each row with the commit's timestamp and how many times it
//! came (or, negative, went). So the rows given up to a moment sum up to the query's rows at that moment, and a feed
//! that begins at the moment where another stopped continues it without gap or duplicate, for as long as history is kept.
//!
//! A feed **pulls**. It sleeps until something is committed (`engine::Database::published_after`), reads the changes
//! between its position and the newest moment, and moves there. Over one table, or UNION ALL of tables, with conditions
//! and expressions alone, the changes come out of the engine's change index, each looked at once (`path`). For any
//! other query the result is computed at both moments of a commit that changed one of its tables, and compared
//! (`difference`).
//!
//! What is given waits in a queue of bounded bytes (`queue`). The feed waits while that is full; when the client takes
//! nothing for long, the feed ends by name. A commit's changes are consolidated (`commit`).
//!
//! Failure. A feed ends with an error when a relation that it reads is dropped or altered, after the last commit before
//! that (`watch`); when history is given up behind its position; when its role may read no more.

mod commit;
mod difference;
mod path;
mod queue;
mod watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::Relation;
use engine::{Database, Isolation, Past, ReadView, Timestamp};

use commit::Commit;
use difference::Difference;
use path::Changes;
pub use queue::{FeedRows, Wait};
use queue::{Outlet, queue};
pub use watch::Watch;

use crate::error::Result;
use crate::evaluate::Context;
use crate::execute::{Batches, ExecutionInput, execute};
use crate::plan::Plan;
use crate::session::{CancelHandle, Instance, engine_error};

/// How often an idle feed says how far it is, at most.
const PROGRESS_PAUSE: Duration = Duration::from_secs(1);
/// The least time between two looks at what was committed.
const PULL_PAUSE: Duration = Duration::from_millis(1);
/// The longest sleep before the end of a feed is looked at again.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

/// A feed before it runs.
pub struct Feed {
    pub instance: Arc<Instance>,
    pub cancel: Arc<CancelHandle>,
    pub plan: Arc<Plan>,
    pub context: Arc<Context>,
    pub watch: Watch,
    /// Everything up to here has been given.
    pub position: Timestamp,
    /// The last moment to give.
    pub until: Option<Timestamp>,
    /// Whether the rows at the first moment are given.
    pub snapshot: bool,
    pub progress: bool,
    /// Bytes that may wait for the client, and how long it may take nothing of them.
    pub budget: usize,
    pub patience: Duration,
}

/// Where the changes come from.
enum Source {
    Changes(Changes),
    Difference(Difference),
}

/// A view of a settled moment.
fn view_at(database: &Database, at: Timestamp) -> ReadView {
    database.begin(Isolation::ReadCommitted, true).view_at(at)
}

/// What runs a plan at a moment.
struct Evaluation {
    instance: Arc<Instance>,
    cancel: Arc<CancelHandle>,
    context: Arc<Context>,
}

impl Evaluation {
    fn view(&self, at: Timestamp) -> ReadView {
        view_at(self.instance.database(), at)
    }

    fn run(&self, plan: &Arc<Plan>, at: Timestamp) -> Result<Batches> {
        let input = ExecutionInput {
            view: self.view(at),
            past: Vec::new(),
            context: self.context.clone(),
            resources: self.instance.resources().clone(),
            interrupt: self.cancel.clone(),
            system: None,
            locks: None,
            substitutes: Vec::new(),
            meters: None,
        };
        execute(plan, input)
    }
}

impl Feed {
    /// Starts the feed on the pool of queries.
    pub fn start(self) -> FeedRows {
        let (outlet, link) = queue(self.budget, self.patience, self.plan.output.len(), self.progress);
        let handle = self.instance.queries().clone();
        link.rows(handle.spawn(self.run(outlet)))
    }

    async fn run(self, outlet: Outlet) -> Result<u64> {
        let Feed { instance, cancel, plan, context, watch, position, until, snapshot, progress, .. } = self;
        let evaluation = Evaluation { instance, cancel, context };
        let tables: Vec<_> = watch.tables().map(|table: &Relation| engine::TableId(table.oid)).collect();
        let source = match Changes::recognise(&plan) {
            Some(changes) => Source::Changes(changes),
            None => Source::Difference(Difference::new(plan.clone(), tables)),
        };
        let mut running =
            Running { evaluation, watch, source, outlet, position, until, progress, told: None };
        running.watch.begin(position, running.now())?;
        if snapshot {
            running.give_snapshot(&plan).await?;
        }
        running.tell_progress().await?;
        running.follow().await?;
        Ok(0)
    }
}

/// A feed at work.
struct Running {
    evaluation: Evaluation,
    watch: Watch,
    source: Source,
    outlet: Outlet,
    position: Timestamp,
    until: Option<Timestamp>,
    progress: bool,
    /// When and how far progress was told last.
    told: Option<(Instant, Timestamp)>,
}

impl Running {
    fn database(&self) -> &Arc<Database> {
        self.evaluation.instance.database()
    }

    /// The newest moment that can be given.
    fn now(&self) -> Timestamp {
        self.database().snapshot()
    }

    /// The rows at the first moment.
    async fn give_snapshot(&mut self, plan: &Arc<Plan>) -> Result<()> {
        use futures::StreamExt;
        let at = self.position;
        if at < self.watch.exists_from() {
            return Ok(());
        }
        let mut batches = self.evaluation.run(plan, at)?;
        while let Some(batch) = batches.next().await {
            for row in crate::dml::rows_of(&batch?)? {
                self.outlet.push(at, 1, row).await?;
            }
        }
        self.outlet.flush().await
    }

    /// Gives what is committed, as it is, until the last moment.
    async fn follow(&mut self) -> Result<()> {
        let mut pulled = Instant::now();
        while self.until.is_none_or(|until| self.position < until) {
            let to = self.next_moment().await?;
            if to > self.position {
                let rest = PULL_PAUSE.saturating_sub(pulled.elapsed());
                if !rest.is_zero() {
                    tokio::time::sleep(rest).await;
                }
                pulled = Instant::now();
                // Whatever was committed meanwhile is given in the same round.
                let to = self.until.map_or(self.now(), |until| until.min(self.now())).max(to);
                let given = self.pull(to).await?;
                self.position = to;
                if given {
                    self.told = None;
                }
            }
            if self.told.is_none_or(|(when, _)| when.elapsed() >= PROGRESS_PAUSE) {
                self.tell_progress().await?;
            }
        }
        self.tell_progress().await
    }

    /// Waits for a moment to move to; the present position when it is time to tell progress.
    async fn next_moment(&mut self) -> Result<Timestamp> {
        loop {
            let now = self.now();
            let mut sleep = LONGEST_SLEEP;
            if let Some(until) = self.until {
                let left = until.micros().saturating_sub(self.database().now_micros());
                if now >= until || left <= 0 {
                    return self.settle(until).await;
                }
                sleep = sleep.min(Duration::from_micros(left.unsigned_abs()) + PULL_PAUSE);
            }
            if now > self.position {
                return Ok(now);
            }
            if let Some((when, _)) = self.told.filter(|(_, told)| self.progress && *told < self.position) {
                sleep = sleep.min(PROGRESS_PAUSE.saturating_sub(when.elapsed()));
            }
            let newer = self.database().published_after(self.position);
            tokio::select! {
                biased;
                settled = newer => settled.map_err(engine_error)?,
                () = tokio::time::sleep(sleep) => {
                    let due = self.told.is_some_and(|(when, told)| {
                        told < self.position && when.elapsed() >= PROGRESS_PAUSE
                    });
                    if self.progress && due {
                        return Ok(self.position);
                    }
                }
            }
        }
    }

    /// Waits until a moment is past and nothing can be committed at or before it.
    async fn settle(&self, at: Timestamp) -> Result<Timestamp> {
        loop {
            match self.database().past(at) {
                Ok(Past::Ready(at)) => return Ok(at),
                Ok(Past::Wait(ticket)) => ticket.await.map_err(engine_error)?,
                // The same microsecond, not over yet.
                Err(engine::Error::FutureMoment) => tokio::time::sleep(PULL_PAUSE).await,
                Err(error) => return Err(engine_error(error)),
            }
        }
    }

    /// Gives the changes up to a moment; whether there were any.
    async fn pull(&mut self, to: Timestamp) -> Result<bool> {
        let from = self.position;
        let (reach, end) = self.watch.reach(from, to)?;
        let mut commit = Commit::default();
        let Running { evaluation, source, outlet, watch, .. } = self;
        let given = match source {
            Source::Changes(changes) => changes.give(evaluation, from, reach, &mut commit, outlet).await?,
            Source::Difference(difference) => {
                difference.give(evaluation, watch.exists_from(), (from, reach), outlet).await?
            }
        };
        outlet.flush().await?;
        match end {
            Some(error) => Err(error),
            None => Ok(given),
        }
    }

    async fn tell_progress(&mut self) -> Result<()> {
        if self.progress && self.told.is_none_or(|(_, told)| told < self.position) {
            self.outlet.tell(self.position).await?;
        }
        self.told = Some((Instant::now(), self.position));
        Ok(())
    }
}
