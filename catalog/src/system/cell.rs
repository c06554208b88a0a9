//! Values of system relations, before `sql` gives them their stored form.

use std::borrow::Cow;

use crate::object::StoredExpression;

/// A row, in the order of the relation's columns.
pub type Row = Vec<Cell>;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Bool(bool),
    Int16(i16),
    Int32(i32),
    Int64(i64),
    Float32(f32),
    Float64(f64),
    /// oid, regproc and their kin, xid.
    Oid(u32),
    /// "char"; NUL is the empty one.
    Char(char),
    /// text, name, aclitem, inet.
    Text(Cow<'static, str>),
    /// timestamptz: microseconds since 2000-01-01 UTC.
    Timestamp(i64),
    /// interval, in microseconds.
    Interval(i64),
    Int2Vector(Vec<i16>),
    OidVector(Vec<u32>),
    /// A one-dimensional array; the column's type names the elements'.
    Array(Vec<Cell>),
    /// A value as it is stored, say an array of a type that only its row names.
    Stored(engine::Value),
    /// pg_node_tree: the stored expression as JSON, which pg_get_expr reads.
    Expression(String),
}

impl Cell {
    /// pg_node_tree of one or several expressions.
    pub fn expressions<'a>(expressions: impl IntoIterator<Item = &'a StoredExpression>) -> Cell {
        let list: Vec<&StoredExpression> = expressions.into_iter().collect();
        if list.is_empty() {
            return Cell::Null;
        }
        match serde_json::to_string(&list) {
            Ok(text) => Cell::Expression(text),
            Err(_) => Cell::Null,
        }
    }

    /// information_schema.yes_or_no.
    pub fn yes_or_no(yes: bool) -> Cell {
        Cell::from(if yes { "YES" } else { "NO" })
    }

    /// A text array.
    pub fn texts<T: Into<Cell>>(items: impl IntoIterator<Item = T>) -> Cell {
        Cell::Array(items.into_iter().map(Into::into).collect())
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Cell {
        Cell::Bool(value)
    }
}

impl From<i16> for Cell {
    fn from(value: i16) -> Cell {
        Cell::Int16(value)
    }
}

impl From<i32> for Cell {
    fn from(value: i32) -> Cell {
        Cell::Int32(value)
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Cell {
        Cell::Int64(value)
    }
}

impl From<f32> for Cell {
    fn from(value: f32) -> Cell {
        Cell::Float32(value)
    }
}

/// Unsigned numbers are oids everywhere in the catalog.
impl From<u32> for Cell {
    fn from(value: u32) -> Cell {
        Cell::Oid(value)
    }
}

impl From<char> for Cell {
    fn from(value: char) -> Cell {
        Cell::Char(value)
    }
}

impl From<&'static str> for Cell {
    fn from(value: &'static str) -> Cell {
        Cell::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Cell {
        Cell::Text(Cow::Owned(value))
    }
}

impl From<&String> for Cell {
    fn from(value: &String) -> Cell {
        Cell::Text(Cow::Owned(value.clone()))
    }
}

impl From<Cow<'static, str>> for Cell {
    fn from(value: Cow<'static, str>) -> Cell {
        Cell::Text(value)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Cell {
        value.map_or(Cell::Null, Into::into)
    }
}

/// A row of anything that is a cell.
macro_rules! row {
    ($($cell:expr),* $(,)?) => { vec![$($crate::system::cell::Cell::from($cell)),*] };
}
pub(super) use row;
