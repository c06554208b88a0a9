//! EXPLAIN ANALYZE: rows, runs and time of each node of a plan as it is executed.
//!
//! A node's time holds that of its inputs. Nothing is measured, and nothing wrapped, unless an execution brings meters.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use engine::Blocks;
use futures::Stream;
use parking_lot::Mutex;

use crate::plan::Node;

/// What one execution measures, by node.
#[derive(Debug, Default)]
pub struct Meters {
    nodes: Mutex<HashMap<usize, Arc<Meter>>>,
    /// What nodes tell of their last run besides.
    remarks: Mutex<HashMap<usize, Vec<(&'static str, u64)>>>,
    blocks: Mutex<HashMap<usize, Vec<Arc<Blocks>>>>,
    /// What the learned indexes say that a node's searches went through.
    learned: Mutex<HashMap<usize, String>>,
}

/// The counts of one node.
#[derive(Debug, Default)]
struct Meter {
    loops: AtomicU64,
    rows: AtomicU64,
    startup: AtomicU64,
    total: AtomicU64,
}

/// What a node did, all of its runs together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    pub loops: u64,
    pub rows: u64,
    /// Until the first rows.
    pub startup: Duration,
    pub total: Duration,
}

fn key(node: &Node) -> usize {
    std::ptr::from_ref(node) as usize
}

impl Meters {
    /// What a node did; all zero where it never ran.
    pub fn measured(&self, node: &Node) -> Measured {
        let nodes = self.nodes.lock();
        let Some(meter) = nodes.get(&key(node)) else { return Measured::default() };
        Measured {
            loops: meter.loops.load(Ordering::Relaxed),
            rows: meter.rows.load(Ordering::Relaxed),
            startup: Duration::from_nanos(meter.startup.load(Ordering::Relaxed)),
            total: Duration::from_nanos(meter.total.load(Ordering::Relaxed)),
        }
    }

    /// Notes a run that went past the plan's operators: by key.
    pub fn note(&self, node: &Node, rows: u64, spent: Duration) {
        let meter = self.meter(node);
        meter.loops.fetch_add(1, Ordering::Relaxed);
        meter.rows.fetch_add(rows, Ordering::Relaxed);
        add(&meter.startup, spent);
        add(&meter.total, spent);
    }

    /// Notes what a node tells of its run.
    pub fn remark(&self, node: &Node, counts: Vec<(&'static str, u64)>) {
        self.remarks.lock().insert(key(node), counts);
    }

    /// What a node told of its last run.
    pub fn remarks(&self, node: &Node) -> Vec<(&'static str, u64)> {
        self.remarks.lock().get(&key(node)).cloned().unwrap_or_default()
    }

    /// Notes the blocks of a scan that begins.
    pub fn note_blocks(&self, node: &Node, blocks: Arc<Blocks>) {
        self.blocks.lock().entry(key(node)).or_default().push(blocks);
    }

    /// Blocks that the scans of a node came to, and those passed over; `None` where nothing could be.
    pub fn blocks(&self, node: &Node) -> Option<(u64, u64)> {
        let blocks = self.blocks.lock();
        let runs = blocks.get(&key(node))?;
        Some(runs.iter().fold((0, 0), |(seen, skipped), run| (seen + run.seen(), skipped + run.skipped())))
    }

    /// Notes the learned indexes of a node's index.
    pub fn note_learned(&self, node: &Node, said: String) {
        self.learned.lock().insert(key(node), said);
    }

    pub fn learned(&self, node: &Node) -> Option<String> {
        self.learned.lock().get(&key(node)).cloned()
    }

    fn meter(&self, node: &Node) -> Arc<Meter> {
        self.nodes.lock().entry(key(node)).or_default().clone()
    }

    /// The plan of a node, metered.
    pub(super) fn wrap(&self, node: &Node, plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        Arc::new(MeterExec { inner: plan, meter: self.meter(node) })
    }
}

fn add(counter: &AtomicU64, spent: Duration) {
    counter.fetch_add(u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

#[derive(Debug)]
struct MeterExec {
    inner: Arc<dyn ExecutionPlan>,
    meter: Arc<Meter>,
}

impl DisplayAs for MeterExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meter")
    }
}

impl ExecutionPlan for MeterExec {
    fn name(&self) -> &str {
        "MeterExec"
    }

    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.inner.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.inner]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> datafusion_common::Result<TreeNodeRecursion>,
    ) -> datafusion_common::Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> datafusion_common::Result<Arc<dyn ExecutionPlan>> {
        let inner = children.into_iter().next().unwrap_or_else(|| self.inner.clone());
        Ok(Arc::new(MeterExec { inner, meter: self.meter.clone() }))
    }

    fn execute(
        &self,
        partition: usize,
        tasks: Arc<TaskContext>,
    ) -> datafusion_common::Result<SendableRecordBatchStream> {
        let started = Instant::now();
        let inner = self.inner.execute(partition, tasks)?;
        self.meter.loops.fetch_add(1, Ordering::Relaxed);
        let spent = started.elapsed();
        add(&self.meter.total, spent);
        Ok(Box::pin(Metered { inner, meter: self.meter.clone(), spent, started: false }))
    }
}

struct Metered {
    inner: SendableRecordBatchStream,
    meter: Arc<Meter>,
    /// In this run.
    spent: Duration,
    /// The first rows have come, or the end.
    started: bool,
}

impl Stream for Metered {
    type Item = datafusion_common::Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let begun = Instant::now();
        let polled = self.inner.as_mut().poll_next(task);
        let spent = begun.elapsed();
        add(&self.meter.total, spent);
        self.spent += spent;
        if let Poll::Ready(item) = &polled {
            if !self.started {
                self.started = true;
                add(&self.meter.startup, self.spent);
            }
            if let Some(Ok(batch)) = item {
                self.meter.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
            }
        }
        polled
    }
}

impl RecordBatchStream for Metered {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }
}
