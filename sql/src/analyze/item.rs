//! What a FROM clause offers to names: range table entries and their columns.

use std::sync::Arc;

use catalog::Snapshot;

use crate::tree::{Column, Expression, ExpressionKind};

/// A table, subquery, function or join as names see it.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Alias, or the table's own name; empty for a join without one.
    pub name: String,
    /// The schema of a table that goes by its own name.
    pub schema: Option<String>,
    /// pg_class oid of a table, else 0.
    pub table: u32,
    /// The table's own name behind an alias, for hints.
    pub table_name: Option<String>,
    /// Composite type of a table's rows, else 0.
    pub row_type: u32,
    pub columns: Vec<ItemColumn>,
    /// Whether columns are found without the item's name: not those that a join has merged or an alias hides.
    pub columns_visible: bool,
    /// Whether the item is found by name.
    pub name_visible: bool,
    /// For a function of one scalar column: the whole row is the value itself.
    pub scalar: bool,
    /// On the side of an outer join that may be missing: then the row as a whole is NULL.
    pub nullable: bool,
    /// The handle column of a table's scan, for row locks; whether locks can be taken on it at all.
    pub lockable: Option<crate::tree::ColumnNumber>,
    /// The catalog that the relation was found in, where it is not the statement's own.
    pub past: Option<Arc<Snapshot>>,
    /// Several versions of a row may be among the rows: keys identify none.
    pub no_key: bool,
}

/// A column of an item.
#[derive(Clone, Debug)]
pub(super) struct ItemColumn {
    pub name: String,
    /// Usually a plain column; a merged column of a FULL JOIN is an expression.
    pub expression: Expression,
    /// (table oid, attribute number), or (0, 0).
    pub origin: (u32, i16),
    /// A system column: found by name only, never by `*`.
    pub system: bool,
}

impl ItemColumn {
    pub(super) fn plain(name: impl Into<String>, column: &Column, origin: (u32, i16)) -> ItemColumn {
        ItemColumn { name: name.into(), expression: column_expression(column), origin, system: false }
    }
}

impl Item {
    /// An item that is no table: a subquery, a function, a list of values.
    pub(super) fn derived(name: impl Into<String>, columns: Vec<ItemColumn>) -> Item {
        Item {
            name: name.into(),
            schema: None,
            table: 0,
            table_name: None,
            row_type: 0,
            columns,
            columns_visible: true,
            name_visible: true,
            scalar: false,
            nullable: false,
            lockable: None,
            past: None,
            no_key: false,
        }
    }

    /// The columns that `*` shows.
    pub(super) fn shown(&self) -> impl Iterator<Item = &ItemColumn> {
        self.columns.iter().filter(|column| !column.system)
    }
}

/// A reference to a column.
pub(super) fn column_expression(column: &Column) -> Expression {
    Expression {
        kind: ExpressionKind::Column(column.number),
        ty: column.ty,
        collation: column.collation,
        position: None,
    }
}
