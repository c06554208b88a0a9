//! Calls over windows, and windows.

use super::Deparser;
use crate::tree::{
    ColumnNumber, FrameBound, FrameExclusion, FrameUnits, WindowCall, WindowFrame, WindowShape,
};

impl<'a> Deparser<'a> {
    pub(super) fn window_call(&mut self, number: ColumnNumber, call: &'a WindowCall) {
        self.function_name(call.function);
        self.push("(");
        self.arguments(call.function, &call.arguments);
        self.filter(call.filter.as_ref());
        self.push(") OVER ");
        let shape = self.window_shape(number);
        match shape.and_then(|shape| shape.name.as_deref()) {
            Some(name) => self.identifier(name),
            None => self.window(call, shape),
        }
    }

    fn window_shape(&self, number: ColumnNumber) -> Option<&'a WindowShape> {
        let shapes = self.levels.iter().rev().filter_map(|level| level.shape);
        let mut windows = shapes.flat_map(|shape| &shape.windows);
        windows.find(|(known, _)| *known == number).map(|(_, shape)| shape)
    }

    /// A window in its parentheses.
    pub(super) fn window(&mut self, call: &'a WindowCall, shape: Option<&'a WindowShape>) {
        self.push("(");
        let mut between = "";
        if !call.partition_by.is_empty() {
            self.push("PARTITION BY ");
            for (place, item) in call.partition_by.iter().enumerate() {
                if place > 0 {
                    self.push(", ");
                }
                self.clause_item(item);
            }
            between = " ";
        }
        if !call.order_by.is_empty() {
            self.push(between);
            self.push("ORDER BY ");
            self.order(&call.order_by, call.order_by.len(), None);
            between = " ";
        }
        if let Some(shape) = shape.filter(|shape| shape.framed) {
            self.push(between);
            self.frame(&call.frame, shape.between);
        }
        self.push(")");
    }

    fn frame(&mut self, frame: &'a WindowFrame, between: bool) {
        self.push(match frame.units {
            FrameUnits::Rows => "ROWS ",
            FrameUnits::Range => "RANGE ",
            FrameUnits::Groups => "GROUPS ",
        });
        if between {
            self.push("BETWEEN ");
        }
        self.bound(&frame.start);
        if between {
            self.push(" AND ");
            self.bound(&frame.end);
        }
        self.push(match frame.exclusion {
            FrameExclusion::NoOthers => "",
            FrameExclusion::CurrentRow => " EXCLUDE CURRENT ROW",
            FrameExclusion::Group => " EXCLUDE GROUP",
            FrameExclusion::Ties => " EXCLUDE TIES",
        });
    }

    fn bound(&mut self, bound: &'a FrameBound) {
        match bound {
            FrameBound::UnboundedPreceding => self.push("UNBOUNDED PRECEDING"),
            FrameBound::CurrentRow => self.push("CURRENT ROW"),
            FrameBound::UnboundedFollowing => self.push("UNBOUNDED FOLLOWING"),
            FrameBound::Preceding(offset) => {
                self.value(offset, false);
                self.push(" PRECEDING");
            }
            FrameBound::Following(offset) => {
                self.value(offset, false);
                self.push(" FOLLOWING");
            }
        }
    }
}
