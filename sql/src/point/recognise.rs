//! Which plans the point tier takes.

use std::sync::Arc;

use super::{IndexSource, PointScan, PointSource, Shown};
use crate::evaluate::{Layout, compile};
use crate::plan::node::{Limit, Operator, Source};
use crate::plan::{Node, Plan};
use crate::tree::TimeClause;
use engine::PhysicalType;

impl PointScan {
    /// The point scan that a plan is; `None` where it is more.
    pub fn recognise(plan: &Plan) -> Option<PointScan> {
        if plan.of_views.is_some()
            || !plan.subqueries.is_empty()
            || !plan.commons.is_empty()
            || plan.slots > 0
        {
            return None;
        }
        let moment = match plan.moments.as_slice() {
            [] => None,
            [TimeClause::AsOf(moment)] => Some(compile(moment, &Layout::default()).ok()?),
            _ => return None,
        };
        let (node, limit) = match &plan.root.operator {
            Operator::Limit(limit) => (&limit.input, Some(limit)),
            _ => (&plan.root, None),
        };
        let mut scan = projected(node)?;
        if moment.is_some() != scan.reads_past() {
            return None;
        }
        scan.moment = moment;
        match limit {
            None if scan.finds_few() => {
                scan.shown = scan.shown_plainly();
                Some(scan)
            }
            None => None,
            Some(limit) => limited(scan, limit),
        }
    }

    /// As [`PointScan::recognise`], of plans that read nothing of the past: the sources of changes.
    pub fn recognise_present(plan: &Plan) -> Option<PointScan> {
        PointScan::recognise(plan).filter(|scan| scan.moment.is_none())
    }

    /// Whether the rows are read as of a moment of the plan: the only one it may have.
    fn reads_past(&self) -> bool {
        match &self.source {
            PointSource::OneRow => false,
            PointSource::Index(source) => source.access.moment == Some(0),
        }
    }

    /// What is shown of a row found by a whole unique key, where nothing has to be tested or computed.
    fn shown_plainly(&self) -> Option<Vec<Shown>> {
        let PointSource::Index(source) = &self.source else { return None };
        if !source.index.unique_match || source.access.filter.is_some() {
            return None;
        }
        let column = |position: usize| match source.access.sources.get(position)? {
            Source::Column(column) => Some(Shown::Column(*column)),
            Source::Handle
            | Source::SystemFrom
            | Source::SystemTo
            | Source::TableOid
            | Source::Xmin
            | Source::WriteId
            | Source::PreviousWriteId
            | Source::Commit => None,
        };
        match &self.projection {
            None => (0..source.access.sources.len()).map(column).collect(),
            Some(projection) => projection
                .iter()
                .map(|item| match (item.as_input(), item.as_constant()) {
                    (Some(position), _) => column(position),
                    (None, Some(value)) => Some(Shown::Constant(value.clone())),
                    (None, None) => None,
                })
                .collect(),
        }
    }

    /// Whether the search alone bounds the number of rows.
    fn finds_few(&self) -> bool {
        match &self.source {
            PointSource::OneRow => true,
            PointSource::Index(source) => {
                source.index.unique_match
                    || (source.index.list.is_some()
                        && source.index.equal.len() + 1 == source.index.keys.len())
            }
        }
    }
}

fn limited(mut scan: PointScan, limit: &Limit) -> Option<PointScan> {
    /// A limit up to this many rows counts as short.
    const SHORT: i64 = 100;
    if !limit.ties.is_empty() || scan.limit.is_some() {
        return None;
    }
    let short = limit
        .count
        .as_ref()
        .and_then(|count| count.as_constant())
        .is_some_and(|count| matches!(count, engine::Value::Int64(count) if (0..=SHORT).contains(count)));
    let filtered = match &scan.source {
        PointSource::OneRow => false,
        PointSource::Index(source) => source.access.filter.is_some(),
    };
    if !scan.finds_few() && (!short || filtered || limit.offset.is_some()) {
        return None;
    }
    scan.limit = limit.count.clone();
    scan.offset = limit.offset.clone();
    Some(scan)
}

fn projected(node: &Arc<Node>) -> Option<PointScan> {
    match &node.operator {
        Operator::Project { input, expressions } => {
            let mut scan = projected(input)?;
            if scan.projection.is_some() || scan.limit.is_some() {
                return None;
            }
            scan.projection = Some(expressions.clone());
            Some(scan)
        }
        Operator::OneRow => Some(plain(PointSource::OneRow)),
        Operator::IndexScan(scan) => {
            let handle_as_bytes =
                node.columns.iter().map(|column| column.physical == PhysicalType::Bytes).collect();
            Some(plain(PointSource::Index(Box::new(IndexSource {
                access: scan.access.clone(),
                index: scan.index.clone(),
                handle_as_bytes,
            }))))
        }
        _ => None,
    }
}

fn plain(source: PointSource) -> PointScan {
    PointScan { source, moment: None, projection: None, limit: None, offset: None, shown: None }
}
