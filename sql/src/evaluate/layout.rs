//! Where the columns that an expression names stand in its input.

use std::collections::HashMap;

use crate::tree::ColumnNumber;

/// The columns of an expression's input, by position.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    positions: HashMap<ColumnNumber, usize>,
    width: usize,
}

impl Layout {
    /// A layout of the columns in order.
    pub fn new(columns: impl IntoIterator<Item = ColumnNumber>) -> Layout {
        let mut layout = Layout::default();
        for column in columns {
            layout.push(column);
        }
        layout
    }

    /// Adds one more column at the end.
    pub fn push(&mut self, column: ColumnNumber) {
        self.positions.insert(column, self.width);
        self.width += 1;
    }

    /// The position of a column, `None` where it is not of this input.
    pub fn position(&self, column: ColumnNumber) -> Option<usize> {
        self.positions.get(&column).copied()
    }

    /// The columns, in no particular order.
    pub fn columns(&self) -> impl Iterator<Item = ColumnNumber> {
        self.positions.keys().copied()
    }

    /// The number of columns.
    pub fn width(&self) -> usize {
        self.width
    }
}
