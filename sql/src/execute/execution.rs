//! One execution of a plan: what it reads, its slots, and the results it remembers.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use datafusion_execution::TaskContext;
use engine::{ReadView, RowHandle, Timestamp, Value};
use futures::StreamExt;
use parking_lot::Mutex;

use super::common::SharedRows;
use super::input::{ExecutionInput, PastView};
use super::lower::lower;
use super::stream::{Batches, from_datafusion, ours, wait_for};
use super::subquery::Remembered;
use crate::error::{Error, Result};
use crate::evaluate::{Context, Scope};
use crate::plan::{Node, Plan};
use crate::tree::ColumnNumber;

/// A scan replaced by one row, for the re-check of a row that had to be waited for.
#[derive(Clone)]
pub struct Substitute {
    /// The number of the scan's handle column.
    pub handle: ColumnNumber,
    pub row: RowHandle,
    /// A view in which the row's version can be read.
    pub view: ReadView,
}

/// The state of one execution, or of one run of a part of it. Cloning shares it.
#[derive(Clone)]
pub struct Execution {
    pub(super) shared: Arc<Shared>,
    /// Values of enclosing queries' columns.
    pub(super) slots: Arc<[Value]>,
    pub(super) substitutes: Arc<[Substitute]>,
    /// The working tables of recursive common tables being computed.
    pub(super) working: Arc<HashMap<usize, Arc<Vec<RecordBatch>>>>,
    pub(super) memory: Arc<Memory>,
}

/// What all parts of an execution share.
pub(super) struct Shared {
    pub plan: Arc<Plan>,
    pub input: ExecutionInput,
    pub tasks: Arc<TaskContext>,
    /// What depends on no working table.
    pub memory: Memory,
}

/// Results that need not be computed twice; a run with another working table has its own.
#[derive(Default)]
pub(super) struct Memory {
    pub subqueries: Mutex<HashMap<(usize, Vec<u8>), Remembered>>,
    pub commons: Mutex<HashMap<(usize, Vec<u8>), Arc<SharedRows>>>,
}

impl std::fmt::Debug for Execution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Execution")
    }
}

/// The part of a table's history that a scan reads.
pub(super) enum Moment<'a> {
    At(&'a ReadView),
    Period { view: &'a ReadView, from: Timestamp, to: Timestamp },
}

impl Execution {
    /// The execution of a plan, not begun.
    pub fn new(plan: Arc<Plan>, input: ExecutionInput) -> Execution {
        let tasks = input.resources.tasks();
        let slots = vec![Value::Null; plan.slots].into();
        let substitutes = input.substitutes.clone().into();
        Execution {
            shared: Arc::new(Shared { plan, input, tasks, memory: Memory::default() }),
            slots,
            substitutes,
            working: Arc::default(),
            memory: Arc::default(),
        }
    }

    pub(super) fn context(&self) -> &Context {
        &self.shared.input.context
    }

    /// What expressions see.
    pub(super) fn scope(&self) -> Scope<'_> {
        Scope { context: self.context(), outer: &self.slots, subqueries: Some(self) }
    }

    /// The same execution with other values in some slots.
    pub(super) fn with_slots(&self, bindings: impl Iterator<Item = (usize, Value)>) -> Execution {
        let mut slots = self.slots.to_vec();
        for (slot, value) in bindings {
            if let Some(place) = slots.get_mut(slot) {
                *place = value;
            }
        }
        Execution { slots: slots.into(), ..self.clone() }
    }

    /// The same execution with a working table, and nothing remembered that could depend on it.
    pub(super) fn with_working(&self, common: usize, rows: Arc<Vec<RecordBatch>>) -> Execution {
        let mut working = (*self.working).clone();
        working.insert(common, rows);
        Execution { working: Arc::new(working), memory: Arc::default(), ..self.clone() }
    }

    /// The same execution with scans replaced by rows.
    pub(super) fn with_substitutes(&self, substitutes: Vec<Substitute>) -> Execution {
        Execution { substitutes: substitutes.into(), memory: Arc::default(), ..self.clone() }
    }

    /// The view (or period) for a scan.
    pub(super) fn moment(&self, moment: Option<usize>) -> Result<Moment<'_>> {
        let Some(moment) = moment else { return Ok(Moment::At(&self.shared.input.view)) };
        match self.shared.input.past.get(moment) {
            Some(PastView::At(view)) => Ok(Moment::At(view)),
            Some(PastView::Period { view, from, to }) => Ok(Moment::Period { view, from: *from, to: *to }),
            None => Err(Error::internal("an execution lacks the view of a time clause")),
        }
    }

    /// Who may stop the statement.
    pub(super) fn interrupt(&self) -> &dyn super::Interrupt {
        &*self.shared.input.interrupt
    }

    /// Fails when the statement was cancelled.
    pub(super) fn check(&self) -> Result<()> {
        self.shared.input.interrupt.check()
    }

    /// Starts the plan. The batches' columns are the plan's output, in order.
    pub fn start(&self) -> Result<Batches> {
        self.run(&self.shared.plan.root)
    }

    /// Starts a node.
    pub(super) fn run(&self, node: &Arc<Node>) -> Result<Batches> {
        let plan = lower(node, self)?;
        Ok(ours(plan.execute(0, self.shared.tasks.clone()).map_err(from_datafusion)?))
    }

    /// Runs the whole plan again with one of its scans replaced by a row.
    pub fn again(&self, substitute: Substitute) -> Result<Batches> {
        let root = self.shared.plan.root.clone();
        self.with_substitutes(vec![substitute]).run(&root)
    }

    /// All rows of a node, computed on this thread.
    pub(super) fn rows_of(&self, node: &Arc<Node>) -> Result<Vec<RecordBatch>> {
        let mut stream = self.run(node)?;
        wait_for(async {
            let mut batches = Vec::new();
            while let Some(batch) = stream.next().await {
                let batch = batch?;
                if batch.num_rows() > 0 {
                    batches.push(batch);
                }
            }
            Ok(batches)
        })
    }

    /// The first rows of a node, at least `count` where there are as many, computed on this thread.
    pub(super) fn first_rows(&self, node: &Arc<Node>, count: usize) -> Result<Vec<RecordBatch>> {
        let mut stream = self.run(node)?;
        wait_for(async {
            let (mut batches, mut rows) = (Vec::new(), 0);
            while rows < count {
                let Some(batch) = stream.next().await else { break };
                let batch = batch?;
                rows += batch.num_rows();
                if batch.num_rows() > 0 {
                    batches.push(batch);
                }
            }
            Ok(batches)
        })
    }
}
