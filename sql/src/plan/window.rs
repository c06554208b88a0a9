//! The plan of window functions: calls, frames, offsets.

use std::sync::Arc;

use engine::PhysicalType;

use super::node::{Node, SortItem};
use crate::evaluate::CompiledExpression;
use crate::functions::Call;
use crate::tree::{FrameExclusion, FrameUnits};

/// Window functions that share one partitioning and order; the input is sorted by it already.
#[derive(Debug)]
pub struct Window {
    pub input: Arc<Node>,
    pub partition: Vec<SortItem>,
    pub order: Vec<SortItem>,
    pub calls: Vec<WindowPlan>,
}

#[derive(Debug)]
pub struct WindowPlan {
    pub name: String,
    pub call: Call,
    pub aggregate: bool,
    pub arguments: Vec<CompiledExpression>,
    pub filter: Option<CompiledExpression>,
    pub frame: FramePlan,
    pub result: PhysicalType,
}

#[derive(Debug)]
pub struct FramePlan {
    pub units: FrameUnits,
    pub start: BoundPlan,
    pub end: BoundPlan,
    pub exclusion: FrameExclusion,
}

/// A frame's bound; the offsets read no column.
#[derive(Debug)]
pub enum BoundPlan {
    UnboundedPreceding,
    Preceding(Offset),
    CurrentRow,
    Following(Offset),
    UnboundedFollowing,
}

/// An offset; for RANGE, `oid` is its type.
#[derive(Debug)]
pub struct Offset {
    pub value: CompiledExpression,
    pub oid: u32,
}
