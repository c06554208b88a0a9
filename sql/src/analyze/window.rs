//! Window functions: calls of them become columns computed after grouping; named windows; frames.

use catalog::builtin::FunctionKind;

use super::Analyzer;
use super::call::Prepared;
use super::clause::Clause;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, FunctionCall, Name, Over, WindowSpecification};
use crate::tree::{
    AggregateCall, Expression, ExpressionKind, FrameBound, FrameExclusion, FrameUnits, SortKey, Type,
    WindowCall, WindowFrame, WindowShape,
};
use crate::types::oid;

/// A window of the WINDOW clause, as written: expressions are analyzed where it is used.
#[derive(Clone, Debug)]
pub(super) struct NamedWindow {
    pub name: String,
    pub specification: WindowSpecification,
}

/// A window call before grouping is known.
pub(super) type PendingWindow = WindowCall;

/// A window with its expressions analyzed.
struct Window {
    partition_by: Vec<Expression>,
    order_by: Vec<SortKey>,
    frame: WindowFrame,
}

impl Analyzer<'_> {
    /// The WINDOW clause; a name may be used before it is defined, but not twice.
    pub(super) fn named_windows(&mut self, windows: &[(Name, WindowSpecification)]) -> Result<()> {
        for (name, specification) in windows {
            if self.scope()?.windows.iter().any(|known| known.name == name.text) {
                return Err(Error::new(
                    SqlState::WindowingError,
                    format!("window \"{}\" is already defined", name.text),
                )
                .at(self.position(specification.at)));
            }
            let window = NamedWindow { name: name.text.clone(), specification: specification.clone() };
            self.scope_mut()?.windows.push(window);
        }
        Ok(())
    }

    /// A call of a window function proper.
    pub(super) fn window_function(&mut self, call: &FunctionCall, prepared: Prepared) -> Result<Expression> {
        let position = self.position(call.name.at);
        if call.distinct || call.within_group.is_some() || !call.order_by.is_empty() {
            let needs = if call.distinct { "DISTINCT" } else { "ORDER BY or WITHIN GROUP" };
            return Err(self.wrong_kind(call, FunctionKind::Window, needs));
        }
        if call.filter.is_some() {
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                "FILTER is not implemented for non-aggregate window functions",
            )
            .at(position));
        }
        let Some(over) = &call.over else {
            return Err(Error::new(
                SqlState::WrongObjectType,
                format!("window function {} requires an OVER clause", call.name),
            )
            .at(position));
        };
        let window = self.window(over, call.name.at)?;
        let pending = WindowCall {
            function: prepared.chosen.row.oid,
            aggregate: false,
            arguments: prepared.arguments,
            filter: None,
            partition_by: window.partition_by,
            order_by: window.order_by,
            frame: window.frame,
            ty: Type::new(prepared.result),
            collation: prepared.collation,
        };
        let value = self.place_window(pending, position)?;
        self.note_window(over, &value)?;
        Ok(value)
    }

    /// An aggregate over a window.
    pub(super) fn window_aggregate(
        &mut self,
        call: &FunctionCall,
        over: &Over,
        aggregate: AggregateCall,
    ) -> Result<Expression> {
        let position = self.position(call.name.at);
        if aggregate.distinct {
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                "DISTINCT is not implemented for window functions",
            )
            .at(position));
        }
        if !aggregate.order_by.is_empty() {
            let message = "aggregate ORDER BY is not implemented for window functions";
            return Err(Error::new(SqlState::FeatureNotSupported, message).at(position));
        }
        let window = self.window(over, call.name.at)?;
        let pending = WindowCall {
            function: aggregate.function,
            aggregate: true,
            arguments: aggregate.arguments,
            filter: aggregate.filter,
            partition_by: window.partition_by,
            order_by: window.order_by,
            frame: window.frame,
            ty: aggregate.ty,
            collation: aggregate.collation,
        };
        let value = self.place_window(pending, position)?;
        self.note_window(over, &value)?;
        Ok(value)
    }

    /// Keeps how the window of a call was written, where the tree is to be stored.
    fn note_window(&mut self, over: &Over, call: &Expression) -> Result<()> {
        let ExpressionKind::Column(number) = call.kind else { return Ok(()) };
        if !self.keep_views {
            return Ok(());
        }
        let (name, frame) = match over {
            Over::Named(name) => (Some(name.text.clone()), self.named_window(name)?.specification.frame),
            Over::Window(specification) => (None, specification.frame.clone()),
        };
        let between = frame.as_ref().is_some_and(|frame| frame.end.is_some());
        let shape = WindowShape { name, framed: frame.is_some(), between };
        self.scope_mut()?.window_shapes.push((number, shape));
        Ok(())
    }

    fn place_window(&mut self, pending: WindowCall, position: Option<u32>) -> Result<Expression> {
        let scope = self.scope()?;
        if scope.in_aggregate {
            let message = "aggregate function calls cannot contain window function calls";
            return Err(Error::new(SqlState::GroupingError, message).at(position));
        }
        if scope.in_window {
            return Err(
                Error::new(SqlState::WindowingError, "window function calls cannot be nested").at(position)
            );
        }
        if !scope.clause.allows_windows() {
            let message = format!("window functions are not allowed in {}", scope.clause.name());
            return Err(Error::new(SqlState::WindowingError, message).at(position));
        }
        let (ty, collation) = (pending.ty, pending.collation);
        let number = self.new_column();
        self.scope_mut()?.window_calls.push((number, pending));
        Ok(Expression { kind: ExpressionKind::Column(number), ty, collation, position })
    }

    fn window(&mut self, over: &Over, at: u32) -> Result<Window> {
        let outer = std::mem::replace(&mut self.scope_mut()?.in_window, true);
        let result = match over {
            Over::Named(name) => {
                let specification = self.named_window(name)?.specification;
                self.window_of(&specification, true)
            }
            Over::Window(specification) => self.window_of(specification, true),
        };
        self.scope_mut()?.in_window = outer;
        result.map_err(|error| error.at(self.position(at)))
    }

    fn named_window(&self, name: &Name) -> Result<NamedWindow> {
        let found = self.scope()?.windows.iter().find(|window| window.name == name.text);
        found.cloned().ok_or_else(|| {
            Error::new(SqlState::UndefinedObject, format!("window \"{}\" does not exist", name.text))
                .at(self.position(name.at))
        })
    }

    /// A window; `used` is false where another window builds on it.
    fn window_of(&mut self, specification: &WindowSpecification, used: bool) -> Result<Window> {
        let position = self.position(specification.at);
        let mut partition_by = Vec::new();
        let mut order_by = Vec::new();
        let error = |message: String| Error::new(SqlState::WindowingError, message).at(position);
        if let Some(base) = &specification.base {
            let named = self.named_window(base)?;
            let name = &base.text;
            if !specification.partition_by.is_empty() {
                return Err(error(format!("cannot override PARTITION BY clause of window \"{name}\"")));
            }
            let inherited = self.window_of(&named.specification, false)?;
            if !specification.order_by.is_empty() && !inherited.order_by.is_empty() {
                return Err(error(format!("cannot override ORDER BY clause of window \"{name}\"")));
            }
            if named.specification.frame.is_some() && used {
                return Err(error(format!("cannot copy window \"{name}\" because it has a frame clause")));
            }
            partition_by = inherited.partition_by;
            order_by = inherited.order_by;
        }
        for item in &specification.partition_by {
            let item = self.expression_in(Clause::Window, item)?;
            let item = self.resolve_unknown(item)?;
            self.check_equality(&item)?;
            partition_by.push(item);
        }
        for item in &specification.order_by {
            let expression = self.expression_in(Clause::Window, &item.expression)?;
            order_by.push(self.sort_key(item, expression)?);
        }
        let frame = match &specification.frame {
            Some(frame) => self.frame(frame, &order_by, specification.at)?,
            None => WindowFrame {
                units: FrameUnits::Range,
                start: FrameBound::UnboundedPreceding,
                end: FrameBound::CurrentRow,
                exclusion: FrameExclusion::NoOthers,
            },
        };
        Ok(Window { partition_by, order_by, frame })
    }

    fn frame(&mut self, frame: &syntax::Frame, order_by: &[SortKey], at: u32) -> Result<WindowFrame> {
        let position = self.position(at);
        let offset = |bound: &syntax::FrameBound| {
            matches!(bound, syntax::FrameBound::Preceding(_) | syntax::FrameBound::Following(_))
        };
        let has_offset = offset(&frame.start) || frame.end.as_ref().is_some_and(offset);
        let complaint = match frame.units {
            FrameUnits::Groups if order_by.is_empty() => Some("GROUPS mode requires an ORDER BY clause"),
            FrameUnits::Range if has_offset && order_by.len() != 1 => {
                Some("RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column")
            }
            FrameUnits::Groups | FrameUnits::Range | FrameUnits::Rows => None,
        };
        if let Some(complaint) = complaint {
            return Err(Error::new(SqlState::WindowingError, complaint).at(position));
        }
        let start = self.frame_bound(&frame.start, frame.units, order_by)?;
        let end = match &frame.end {
            Some(end) => self.frame_bound(end, frame.units, order_by)?,
            None => FrameBound::CurrentRow,
        };
        Ok(WindowFrame { units: frame.units, start, end, exclusion: frame.exclusion })
    }

    fn frame_bound(
        &mut self,
        bound: &syntax::FrameBound,
        units: FrameUnits,
        order_by: &[SortKey],
    ) -> Result<FrameBound> {
        Ok(match bound {
            syntax::FrameBound::UnboundedPreceding => FrameBound::UnboundedPreceding,
            syntax::FrameBound::CurrentRow => FrameBound::CurrentRow,
            syntax::FrameBound::UnboundedFollowing => FrameBound::UnboundedFollowing,
            syntax::FrameBound::Preceding(offset) => {
                FrameBound::Preceding(Box::new(self.frame_offset(offset, units, order_by)?))
            }
            syntax::FrameBound::Following(offset) => {
                FrameBound::Following(Box::new(self.frame_offset(offset, units, order_by)?))
            }
        })
    }

    fn frame_offset(
        &mut self,
        offset: &syntax::Expression,
        units: FrameUnits,
        order_by: &[SortKey],
    ) -> Result<Expression> {
        let node = self.expression_in(Clause::Window, offset)?;
        let construct = match units {
            FrameUnits::Rows => "ROWS",
            FrameUnits::Groups => "GROUPS",
            FrameUnits::Range => return self.range_offset(node, order_by),
        };
        let node = self.coerce_specific(node, oid::INT8, construct)?;
        self.refuse_columns(&node, construct)?;
        Ok(node)
    }

    /// The offset of a RANGE frame: the type that the order's column moves by.
    fn range_offset(&mut self, node: Expression, order_by: &[SortKey]) -> Result<Expression> {
        let ordered = order_by.first().map_or(oid::UNKNOWN, |key| key.expression.ty.oid);
        let target = match ordered {
            oid::INT2 | oid::INT4 | oid::INT8 if node.ty.oid == oid::UNKNOWN => ordered,
            oid::INT2 | oid::INT4 | oid::INT8 => node.ty.oid,
            oid::FLOAT4 | oid::FLOAT8 => oid::FLOAT8,
            oid::NUMERIC => oid::NUMERIC,
            oid::DATE | oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::TIME | oid::TIMETZ | oid::INTERVAL => {
                oid::INTERVAL
            }
            _ => {
                let message = format!(
                    "RANGE with offset PRECEDING/FOLLOWING is not supported for column type {}",
                    self.type_text(ordered)
                );
                return Err(Error::new(SqlState::FeatureNotSupported, message).at(node.position));
            }
        };
        let node = self.coerce_specific(node, target, "RANGE")?;
        self.refuse_columns(&node, "RANGE")?;
        Ok(node)
    }

    /// LIMIT, OFFSET and frames take no columns of their own level.
    pub(super) fn refuse_columns(&self, node: &Expression, construct: &str) -> Result<()> {
        let id = self.scope()?.id;
        let local = super::group::columns_of(node).into_iter().any(|column| self.owner(column) == id);
        match local {
            true => Err(Error::new(
                SqlState::InvalidColumnReference,
                format!("argument of {construct} must not contain variables"),
            )
            .at(node.position)),
            false => Ok(()),
        }
    }
}
