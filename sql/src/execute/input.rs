//! What an execution is given besides its plan.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion_execution::TaskContext;
use datafusion_execution::config::SessionConfig;
use datafusion_execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion_execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use engine::{ReadView, RowHandle, Timestamp, Value};

use super::execution::Substitute;
use super::stream::{BATCH_ROWS, from_datafusion};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::{CompiledExpression, Context, Layout, compile};
use crate::tree::{Expression, LockStrength, LockWait, TimeClause};

/// What one execution reads and may do.
#[derive(Clone)]
pub struct ExecutionInput {
    /// The statement's snapshot.
    pub view: ReadView,
    /// One for each of the plan's moments, in order.
    pub past: Vec<PastView>,
    pub context: Arc<Context>,
    pub resources: Arc<Resources>,
    pub interrupt: Arc<dyn Interrupt>,
    /// Rows of pg_catalog and information_schema.
    pub system: Option<Arc<dyn SystemRows>>,
    /// Locks rows for FOR UPDATE and its kin.
    pub locks: Option<Arc<dyn RowLocker>>,
    /// Scans replaced by one row each: the re-check of rows that had to be waited for.
    pub substitutes: Vec<Substitute>,
    /// Measures each node, for EXPLAIN ANALYZE.
    pub meters: Option<Arc<super::Meters>>,
}

/// What a time clause shows.
#[derive(Clone)]
pub enum PastView {
    At(ReadView),
    /// Every version alive at some moment of the period, both ends included.
    Period {
        view: ReadView,
        from: Timestamp,
        to: Timestamp,
    },
}

/// A time clause evaluated: microseconds since 2000-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MomentValue {
    At(i64),
    /// [from, to)
    Until {
        from: i64,
        to: i64,
    },
    /// [from, to]
    Through {
        from: i64,
        to: i64,
    },
    All,
}

/// The value of a time clause in an execution. NULL is refused.
pub fn evaluate_moment(clause: &TimeClause, context: &Context) -> Result<MomentValue> {
    let evaluate = |expression: &Expression| moment_of(&compile(expression, &Layout::default())?, context);
    Ok(match clause {
        TimeClause::AsOf(moment) => MomentValue::At(evaluate(moment)?),
        TimeClause::FromTo(from, to) => MomentValue::Until { from: evaluate(from)?, to: evaluate(to)? },
        TimeClause::Between(from, to) => MomentValue::Through { from: evaluate(from)?, to: evaluate(to)? },
        TimeClause::All => MomentValue::All,
    })
}

/// The value of a moment, compiled: microseconds since 2000-01-01 UTC. NULL is refused.
pub fn moment_of(moment: &CompiledExpression, context: &Context) -> Result<i64> {
    match moment.evaluate_row(context, &[])? {
        Value::Int64(micros) => Ok(micros),
        Value::Null => {
            Err(Error::new(SqlState::NullValueNotAllowed, "the moment of a time clause must not be null"))
        }
        other => Err(Error::internal(format!("a moment was {:?}", other.physical_type()))),
    }
}

/// Says whether the statement has to stop.
pub trait Interrupt: Send + Sync {
    /// The error to stop with.
    fn check(&self) -> Result<()>;
}

/// Never stops.
pub struct Uninterrupted;

impl Interrupt for Uninterrupted {
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// Computes the rows of system relations.
pub trait SystemRows: Send + Sync {
    /// All rows of a relation: the attributes asked for (0 is the relation's own oid), in that order. `moment`: which of
    /// the plan's moments the relation is read at.
    fn rows(&self, relation: u32, attributes: &[i16], moment: Option<usize>) -> Result<Vec<Vec<Value>>>;
}

/// What locking a row came to.
pub enum RowLocked {
    Current,
    /// The row has a newer version, now locked, which the view can read.
    Moved {
        row: RowHandle,
        view: ReadView,
    },
    Deleted,
    Skipped,
}

/// Locks rows on behalf of the transaction.
#[async_trait]
pub trait RowLocker: Send + Sync {
    async fn lock(
        &self,
        table: u32,
        row: RowHandle,
        strength: LockStrength,
        wait: LockWait,
    ) -> Result<RowLocked>;
}

/// Memory and temporary space that all executions share.
pub struct Resources {
    runtime: Arc<RuntimeEnv>,
    config: SessionConfig,
}

impl Resources {
    /// Resources with a bound on the memory of sorts, joins and aggregations; beyond it sorts spill to disk.
    pub fn new(memory_bytes: usize) -> Result<Arc<Resources>> {
        let top = std::num::NonZeroUsize::MIN;
        let pool = TrackConsumersPool::new(FairSpillPool::new(memory_bytes), top);
        let runtime =
            RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool)).build_arc().map_err(from_datafusion)?;
        let config = SessionConfig::new().with_batch_size(BATCH_ROWS).with_target_partitions(1);
        Ok(Arc::new(Resources { runtime, config }))
    }

    pub(super) fn tasks(&self) -> Arc<TaskContext> {
        let none = Default::default;
        Arc::new(TaskContext::new(
            None,
            String::new(),
            self.config.clone(),
            none(),
            Default::default(),
            Default::default(),
            Default::default(),
            self.runtime.clone(),
        ))
    }
}
