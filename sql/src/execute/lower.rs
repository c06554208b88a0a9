//! From a plan's nodes to DataFusion's execution plans, one tree for each execution.
//!
//! Joins by hash or loop and sorts are DataFusion's operators; everything else is [`NodeExec`], one operator that does
//! what its node says. Columns go by position throughout; field names mean nothing.

use std::fmt;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion_physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use datafusion_physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;

use super::execution::Execution;
use super::late::Late;
use super::stream::{Batches, into_datafusion, ours};
use super::{
    aggregate, common, distinct, functions, join, limit, lock, nearest, row, scan, set_operation, sort,
    window,
};
use crate::error::{Error, Result};
use crate::plan::Node;
use crate::plan::node::Operator;

/// What an operator of ours does.
#[derive(Clone, Debug)]
pub(super) enum Work {
    Node(Arc<Node>),
    /// Adds the number of each row as a last column: the last sort key, so that ties keep their order.
    Number,
    /// Keeps the first columns only.
    Strip(usize),
    /// A scan that leaves references to long values in these places of what it asks the engine for.
    References(Arc<Node>, Vec<usize>),
    /// Fetches the values of such references.
    Fetch(Late),
}

/// An operator of ours among DataFusion's.
#[derive(Debug)]
pub(super) struct NodeExec {
    work: Work,
    execution: Execution,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl NodeExec {
    pub fn new(
        work: Work,
        execution: &Execution,
        inputs: Vec<Arc<dyn ExecutionPlan>>,
        schema: SchemaRef,
    ) -> Arc<dyn ExecutionPlan> {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Arc::new(NodeExec {
            work,
            execution: execution.clone(),
            inputs,
            schema,
            properties: Arc::new(properties),
        })
    }

    fn start(&self, tasks: &Arc<TaskContext>) -> Result<Batches> {
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            inputs.push(ours(input.execute(0, tasks.clone()).map_err(super::stream::from_datafusion)?));
        }
        match &self.work {
            Work::Node(node) => run(node, &self.execution, Inputs(inputs.into_iter())),
            Work::Number => Ok(sort::number(Inputs(inputs.into_iter()).one()?, self.schema.clone())),
            Work::Strip(shown) => {
                Ok(sort::strip(Inputs(inputs.into_iter()).one()?, *shown, self.schema.clone()))
            }
            Work::References(node, places) => match &node.operator {
                Operator::Scan(scan) => scan::scan(node, scan, &self.execution, places),
                _ => Err(Error::internal("references of what is no scan")),
            },
            Work::Fetch(late) => late.fetch(Inputs(inputs.into_iter()).one()?, &self.execution),
        }
    }
}

/// The streams of an operator's inputs, in order.
pub(super) struct Inputs(std::vec::IntoIter<Batches>);

impl Inputs {
    pub fn one(&mut self) -> Result<Batches> {
        self.0.next().ok_or_else(|| Error::internal("an operator lacks an input"))
    }

    pub fn rest(self) -> Vec<Batches> {
        self.0.collect()
    }
}

/// Starts an operator of ours.
fn run(node: &Arc<Node>, execution: &Execution, mut inputs: Inputs) -> Result<Batches> {
    match &node.operator {
        Operator::OneRow => row::one(node),
        Operator::Nothing => Ok(futures::stream::empty().boxed()),
        Operator::Values { .. } => row::values(node, execution),
        Operator::Filter { .. } => Ok(row::filter(node, execution, inputs.one()?)),
        Operator::Project { .. } => Ok(row::project(node, execution, inputs.one()?)),
        Operator::Keys { .. } => Ok(row::keys(node, execution, inputs.one()?)),
        Operator::Scan(scan) => scan::scan(node, scan, execution, &[]),
        Operator::IndexScan(scan) => scan::index_scan(node, scan, execution),
        Operator::SystemScan(scan) => scan::system_scan(node, scan, execution),
        Operator::Nearest(_) => nearest::nearest(node, execution, inputs.one()?),
        Operator::Held(_) => Ok(nearest::held(node, execution, inputs.one()?)),
        Operator::Functions { .. } => functions::scan(node, execution),
        Operator::ProjectSet { .. } => Ok(functions::project_set(node, execution, inputs.one()?)),
        Operator::Aggregate(_) => Ok(aggregate::aggregate(node, execution, inputs.one()?)),
        Operator::Window(_) => Ok(window::window(node, execution, inputs.one()?)),
        Operator::Distinct { .. } => distinct::distinct(node, execution, inputs.one()?),
        Operator::Limit(_) => limit::limit(node, execution, inputs.one()?),
        Operator::Append { .. } => Ok(row::append(node, inputs.rest())),
        Operator::SetOperation { .. } => {
            let left = inputs.one()?;
            Ok(set_operation::set_operation(node, execution, left, inputs.one()?))
        }
        Operator::IndexJoin(_) => Ok(join::index_join(node, execution, inputs.one()?)),
        Operator::Apply(_) => Ok(join::apply(node, execution, inputs.one()?)),
        Operator::CommonScan { .. } => common::scan(node, execution),
        Operator::LockRows { .. } => lock::lock_rows(node, execution, inputs.one()?),
        Operator::HashJoin(_) | Operator::LoopJoin(_) | Operator::Sort(_) => {
            Err(Error::internal("an operator of DataFusion's was run as one of ours"))
        }
    }
}

/// The execution plan of a node.
pub(super) fn lower(node: &Arc<Node>, execution: &Execution) -> Result<Arc<dyn ExecutionPlan>> {
    metered(node, lower_node(node, execution)?, execution)
}

/// As [`lower`] for operators of ours alone, of which some do something else than their nodes say.
pub(super) fn lower_with(
    node: &Arc<Node>,
    execution: &Execution,
    other: &dyn Fn(&Arc<Node>) -> Option<Work>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let inputs = node.inputs().into_iter().map(|input| lower_with(input, execution, other));
    let inputs = inputs.collect::<Result<_>>()?;
    let work = other(node).unwrap_or_else(|| Work::Node(node.clone()));
    metered(node, NodeExec::new(work, execution, inputs, node.schema.clone()), execution)
}

fn metered(
    node: &Arc<Node>,
    plan: Arc<dyn ExecutionPlan>,
    execution: &Execution,
) -> Result<Arc<dyn ExecutionPlan>> {
    Ok(match &execution.shared.input.meters {
        Some(meters) => meters.wrap(node, plan),
        None => plan,
    })
}

fn lower_node(node: &Arc<Node>, execution: &Execution) -> Result<Arc<dyn ExecutionPlan>> {
    match &node.operator {
        Operator::HashJoin(plan) => join::lower_hash_join(plan, execution),
        Operator::LoopJoin(plan) => join::lower_loop_join(plan, execution),
        Operator::Sort(plan) => sort::lower_sort(plan, node, execution),
        // The right side is lowered anew for every left row.
        Operator::Apply(apply) => {
            let inputs = vec![lower(&apply.left, execution)?];
            Ok(NodeExec::new(Work::Node(node.clone()), execution, inputs, node.schema.clone()))
        }
        _ => {
            let inputs =
                node.inputs().into_iter().map(|input| lower(input, execution)).collect::<Result<_>>()?;
            Ok(NodeExec::new(Work::Node(node.clone()), execution, inputs, node.schema.clone()))
        }
    }
}

impl DisplayAs for NodeExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.work {
            Work::Node(node) => f.write_str(&node.title()),
            Work::Number => f.write_str("Number"),
            Work::Strip(_) => f.write_str("Strip"),
            Work::References(node, _) => f.write_str(&node.title()),
            Work::Fetch(_) => f.write_str("Fetch"),
        }
    }
}

impl ExecutionPlan for NodeExec {
    fn name(&self) -> &str {
        "NodeExec"
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
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
        Ok(NodeExec::new(self.work.clone(), &self.execution, children, self.schema.clone()))
    }

    fn execute(
        &self,
        _: usize,
        tasks: Arc<TaskContext>,
    ) -> datafusion_common::Result<SendableRecordBatchStream> {
        let execution = self.execution.clone();
        let batches = self
            .start(&tasks)
            .map_err(into_datafusion)?
            .map(move |batch| execution.check().and(batch).map_err(into_datafusion));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), batches)))
    }
}
