//! What a query's text said that its meaning does not need: kept with stored queries, so that definitions show them as
//! PostgreSQL does. Execution never reads it.

use serde::{Deserialize, Serialize};

use super::{ColumnNumber, Expression};

/// The shape of one query level.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueryShape {
    /// The FROM list, an entry each.
    pub from: Vec<FromShape>,
    /// WITH RECURSIVE was written.
    pub recursive: bool,
    /// Common tables whose columns are named: id and names.
    pub common: Vec<(u32, Vec<String>)>,
    /// How many groups GROUP BY names; further ones are determined by those.
    pub groups: u32,
    /// How many keys ORDER BY names; DISTINCT ON may add others.
    pub order: u32,
    /// The names of the WINDOW clause, in order.
    pub window_names: Vec<String>,
    /// The window of each call, by the call's column.
    pub windows: Vec<(ColumnNumber, WindowShape)>,
}

/// How a window was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowShape {
    /// OVER name.
    pub name: Option<String>,
    pub framed: bool,
    /// The frame has BETWEEN.
    pub between: bool,
}

/// An entry of FROM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromShape {
    Item {
        /// The alias written.
        alias: Option<String>,
        /// What it goes by without one.
        name: String,
        /// Names of columns written behind the alias.
        renamed: Vec<String>,
        /// The columns as names see them.
        columns: Vec<(ColumnNumber, String)>,
        /// LATERAL was written.
        lateral: bool,
    },
    Join {
        left: Box<FromShape>,
        right: Box<FromShape>,
        using: Vec<String>,
        using_alias: Option<String>,
        alias: Option<String>,
        renamed: Vec<String>,
        /// Columns that go by the join's alias.
        columns: Vec<(ColumnNumber, String)>,
        /// Columns that FULL JOIN merges from both sides, which go by their name alone.
        merged: Vec<(String, Expression)>,
    },
}
