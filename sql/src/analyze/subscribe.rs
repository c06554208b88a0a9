//! SUBSCRIBE: the query, the moments, and what cannot be followed.
//!
//! A feed's rows must sum up to the query's rows at every moment, for whoever computes them and whenever. So a query is
//! refused, by name, whose rows depend on anything but the rows of its tables: on chance, on the time of day, on the
//! order in which rows are read, or on what is known of a row only later.

use catalog::builtin::{CastContext, FunctionKind, Volatility, function_by_oid};
use engine::Value;

use super::Analyzer;
use super::clause::Clause;
use super::statement::AnalyzedStatement;
use crate::error::{Error, Result};
use crate::parse::syntax;
use crate::tree::visit::{Visitor, walk_query};
use crate::tree::{
    AggregateCall, Expression, ExpressionKind, FrameUnits, Query, Relation, SpecialValue, SystemColumn, Type,
    WindowCall,
};
use crate::types::oid;

/// A subscription with its meaning.
#[derive(Clone, Debug)]
pub struct AnalyzedSubscribe {
    pub query: Query,
    /// A timestamptz, or the numeric of an exact commit timestamp.
    pub as_of: Option<Expression>,
    pub up_to: Option<Expression>,
}

impl Analyzer<'_> {
    pub(super) fn subscription(&mut self, subscribe: &syntax::Subscribe) -> Result<AnalyzedStatement> {
        let as_of = subscribe.as_of.as_ref().map(|moment| self.exact_moment(moment)).transpose()?;
        let up_to = subscribe.up_to.as_ref().map(|moment| self.exact_moment(moment)).transpose()?;
        let query = self.pruned_query(&subscribe.query)?;
        let mut followed = Followed(Ok(()));
        walk_query(&mut query.clone(), &mut followed);
        followed.0?;
        Ok(AnalyzedStatement::Subscribe(Box::new(AnalyzedSubscribe { query, as_of, up_to })))
    }

    /// A moment, or a number that is a commit timestamp as feeds give them.
    fn exact_moment(&mut self, moment: &syntax::Expression) -> Result<Expression> {
        let outer = std::mem::take(&mut self.scopes);
        let node = self.scoped(|analyzer| analyzer.expression_in(Clause::Time, moment));
        self.scopes = outer;
        // What is wrong with it is said by `moment`, in its own words.
        let Ok(node) = node else { return self.moment(moment) };
        let number = match (&node.kind, node.ty.oid) {
            (_, oid::INT2 | oid::INT4 | oid::INT8 | oid::NUMERIC) => true,
            (ExpressionKind::Constant(Value::Text(text)), oid::UNKNOWN) => {
                !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
            }
            _ => false,
        };
        if !number {
            return self.moment(moment);
        }
        let position = node.position;
        self.coerce_to(node, Type::new(oid::NUMERIC), CastContext::Assignment, position)?
            .ok_or_else(|| Error::internal("a number that is no numeric"))
    }
}

/// Looks for what cannot be followed.
struct Followed(Result<()>);

impl Followed {
    fn refuse(&mut self, feature: impl std::fmt::Display, position: Option<u32>) {
        if self.0.is_ok() {
            self.0 = Err(Error::unsupported(format!("SUBSCRIBE to a query with {feature}")).at(position));
        }
    }

    fn function(&mut self, function: u32, arguments: usize, position: Option<u32>) {
        let Some(row) = function_by_oid(function) else { return };
        let of_the_day =
            matches!(row.name, "now" | "transaction_timestamp" | "statement_timestamp" | "snapshot_time")
                || (row.name == "age" && arguments == 1 && row.volatility == Volatility::Stable);
        if row.volatility == Volatility::Volatile {
            self.refuse(format_args!("the volatile function {}()", row.name), position);
        } else if of_the_day {
            self.refuse(format_args!("{}(), which changes without a commit", row.name), position);
        }
    }

    fn aggregate(&mut self, call: &AggregateCall) {
        let Some(row) = function_by_oid(call.function) else { return };
        let ordered = !call.order_by.is_empty() || call.distinct;
        if collects(row.name) && !ordered {
            self.refuse(format_args!("{}() without ORDER BY", row.name), None);
        }
    }

    fn window(&mut self, call: &WindowCall) {
        let Some(row) = function_by_oid(call.function) else { return };
        let of_peers = matches!(row.name, "rank" | "dense_rank" | "percent_rank" | "cume_dist");
        let settled = match row.kind {
            FunctionKind::Aggregate => !collects(row.name) && call.frame.units != FrameUnits::Rows,
            FunctionKind::Plain | FunctionKind::Window | FunctionKind::Procedure => of_peers,
        };
        if !settled {
            self.refuse(
                format_args!("the window function {}(), which depends on the order of ties", row.name),
                None,
            );
        }
    }
}

/// Whether an aggregate's result shows the order of its input.
fn collects(aggregate: &str) -> bool {
    matches!(
        aggregate,
        "array_agg"
            | "string_agg"
            | "json_agg"
            | "jsonb_agg"
            | "json_object_agg"
            | "jsonb_object_agg"
            | "xmlagg"
    )
}

impl Visitor for Followed {
    fn expression(&mut self, expression: &mut Expression) -> bool {
        let position = expression.position;
        match &expression.kind {
            ExpressionKind::Call { function, arguments, .. } => {
                self.function(*function, arguments.len(), position);
            }
            ExpressionKind::AnyArray { function, .. } => self.function(*function, 2, position),
            ExpressionKind::Special(
                SpecialValue::CurrentDate
                | SpecialValue::CurrentTime
                | SpecialValue::CurrentTimestamp
                | SpecialValue::LocalTime
                | SpecialValue::LocalTimestamp,
            ) => self.refuse("the present time, which changes without a commit", position),
            // Who asks, and by which settings, stays the same for as long as the feed runs.
            ExpressionKind::Special(_)
            | ExpressionKind::Constant(_)
            | ExpressionKind::Parameter(_)
            | ExpressionKind::Column(_)
            | ExpressionKind::Relabel(..)
            | ExpressionKind::CoerceViaText { .. }
            | ExpressionKind::CoerceTypmod { .. }
            | ExpressionKind::CoerceArray { .. }
            | ExpressionKind::CoerceToDomain { .. }
            | ExpressionKind::And(_)
            | ExpressionKind::Or(_)
            | ExpressionKind::Not(_)
            | ExpressionKind::IsNull { .. }
            | ExpressionKind::RowIsNull { .. }
            | ExpressionKind::BooleanTest { .. }
            | ExpressionKind::IsDistinct { .. }
            | ExpressionKind::Case { .. }
            | ExpressionKind::Coalesce(_)
            | ExpressionKind::NullIf { .. }
            | ExpressionKind::Greatest(_)
            | ExpressionKind::Least(_)
            | ExpressionKind::Array { .. }
            | ExpressionKind::Row { .. }
            | ExpressionKind::Field { .. }
            | ExpressionKind::Subscript { .. }
            | ExpressionKind::Subquery(_)
            | ExpressionKind::Collate(_) => {}
        }
        self.0.is_ok()
    }

    fn relation(&mut self, relation: &mut Relation) -> bool {
        match relation {
            Relation::Table(scan) => {
                if scan.time.is_some() {
                    self.refuse("a time clause", None);
                }
                let late = scan.columns.iter().any(|column| {
                    matches!(
                        column.source,
                        SystemColumn::Handle
                            | SystemColumn::SystemTo
                            | SystemColumn::PreviousWriteId
                            | SystemColumn::Former(_)
                    )
                });
                if late {
                    self.refuse("ctid, _system_to or _prev_write_id", None);
                }
            }
            Relation::LockRows { .. } => self.refuse("FOR UPDATE or FOR SHARE", None),
            Relation::Limit { with_ties, .. } if with_ties.is_empty() => {
                self.refuse("LIMIT or OFFSET, which depend on the order of ties", None);
            }
            Relation::Distinct { on: true, .. } => {
                self.refuse("DISTINCT ON, which depends on the order of ties", None);
            }
            Relation::Aggregate { aggregates, .. } => {
                aggregates.iter().for_each(|(_, call)| self.aggregate(call));
            }
            Relation::Window { calls, .. } => calls.iter().for_each(|(_, call)| self.window(call)),
            Relation::Empty
            | Relation::Nothing { .. }
            | Relation::CommonScan { .. }
            | Relation::Subquery(_)
            | Relation::Values { .. }
            | Relation::Functions { .. }
            | Relation::Join { .. }
            | Relation::Filter { .. }
            | Relation::Extend { .. }
            | Relation::ProjectSet { .. }
            | Relation::Distinct { on: false, .. }
            | Relation::Sort { .. }
            | Relation::Limit { .. }
            | Relation::SetOperation { .. } => {}
        }
        self.0.is_ok()
    }
}
