//! Relations: tables, views, materialized views, indexes, sequences, and the system relations, under one name space as in pg_class.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AclItem, Index, Sequence, StoredExpression};

/// A relation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relation {
    /// Also its TableId, IndexId or sequence number in the engine.
    pub oid: u32,
    pub database: u32,
    pub schema: u32,
    pub name: String,
    pub owner: u32,
    pub persistence: Persistence,
    pub acl: Option<Vec<AclItem>>,
    /// Storage parameters: accepted, stored, shown (see `options`).
    pub options: BTreeMap<String, String>,
    /// Of tables and views, by attribute number from 1 without gaps; dropped ones stay, marked.
    pub columns: Vec<Column>,
    /// The composite type of its rows and the array type over that; 0 for indexes and sequences.
    pub row_type: u32,
    pub array_type: u32,
    pub kind: RelationKind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RelationKind {
    Table(Table),
    View(View),
    MaterializedView(MaterializedView),
    Index(Index),
    Sequence(Sequence),
    /// A relation of pg_catalog or information_schema, whose rows are computed. `view`: PostgreSQL has it as a view.
    System {
        view: bool,
        shared: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Persistence {
    Permanent,
    Unlogged,
    Temporary,
}

impl Persistence {
    /// The letter in pg_class.relpersistence.
    pub fn letter(self) -> char {
        match self {
            Persistence::Permanent => 'p',
            Persistence::Unlogged => 'u',
            Persistence::Temporary => 't',
        }
    }
}

/// What a table has besides columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The column id that the next new column gets: ids are never reused.
    pub next_column_id: u32,
    pub row_security: bool,
    pub force_row_security: bool,
    /// d default, n nothing, f full, i index.
    pub replica_identity: char,
}

/// A view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    pub query: StoredExpression,
    /// Oid of its _RETURN rule in pg_rewrite.
    pub rule: u32,
    pub check: Option<ViewCheck>,
}

/// A materialized view: a view whose rows stand in a table of the engine, under the oid of the view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaterializedView {
    pub view: View,
    /// Whether it may be read: false after WITH NO DATA.
    pub populated: bool,
    pub refresh: Refresh,
    /// The index of the engine by which stored rows are found, and the attributes that are its key. The catalog does
    /// not show it.
    pub row_index: u32,
    pub row_key: Vec<i16>,
    /// The table of the engine that holds the state of its groups, and its only index, where aggregates are folded.
    pub groups: Option<GroupTable>,
}

/// When the rows of a materialized view change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refresh {
    /// With every commit: the view is exact at every moment.
    OnCommit,
    /// By REFRESH MATERIALIZED VIEW alone.
    Manual,
    /// By steps of the server that are so many microseconds apart; in between, readers read the last one.
    Every(i64),
}

/// Names of the engine for the table of a view's groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupTable {
    pub table: u32,
    pub index: u32,
}

/// WITH CHECK OPTION.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ViewCheck {
    Local,
    Cascaded,
}

/// A column of a table or view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Attribute number, from 1.
    pub number: i16,
    /// ColumnId in the engine: changes when the type is rewritten. 0 in views.
    pub id: u32,
    pub name: String,
    /// The type that expressions see; for system relations the base type of a domain.
    pub type_oid: u32,
    /// The type as declared, where it differs from `type_oid`: a domain of information_schema.
    pub domain: Option<u32>,
    pub typmod: i32,
    pub collation: u32,
    /// Declared array dimensions; PostgreSQL shows and ignores them.
    pub dimensions: i16,
    pub not_null: bool,
    /// DEFAULT, or the expression of a generated column.
    pub default: Option<ColumnDefault>,
    pub identity: Option<Identity>,
    /// GENERATED ALWAYS AS (...) STORED.
    pub generated: bool,
    pub dropped: bool,
    /// SET STATISTICS; -1 is the default.
    pub statistics_target: i32,
    /// SET STORAGE and SET COMPRESSION: stored and shown.
    pub storage: Option<char>,
    pub compression: Option<char>,
    pub acl: Option<Vec<AclItem>>,
    pub options: BTreeMap<String, String>,
}

/// DEFAULT of a column, with its oid in pg_attrdef.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnDefault {
    pub oid: u32,
    pub expression: StoredExpression,
}

/// GENERATED ALWAYS or BY DEFAULT AS IDENTITY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub always: bool,
    pub sequence: u32,
}

impl Column {
    /// A plain column without default, options or marks.
    pub fn new(number: i16, id: u32, name: impl Into<String>, type_oid: u32, typmod: i32) -> Column {
        let collation = crate::builtin::type_by_oid(type_oid).map_or(0, |row| row.collation);
        Column {
            number,
            id,
            name: name.into(),
            type_oid,
            domain: None,
            typmod,
            collation,
            dimensions: 0,
            not_null: false,
            default: None,
            identity: None,
            generated: false,
            dropped: false,
            statistics_target: -1,
            storage: None,
            compression: None,
            acl: None,
            options: BTreeMap::new(),
        }
    }
}

impl Relation {
    /// The letter in pg_class.relkind.
    pub fn letter(&self) -> char {
        match &self.kind {
            RelationKind::Table(_) | RelationKind::System { view: false, .. } => 'r',
            RelationKind::View(_) | RelationKind::System { view: true, .. } => 'v',
            RelationKind::MaterializedView(_) => 'm',
            RelationKind::Index(_) => 'i',
            RelationKind::Sequence(_) => 'S',
        }
    }

    /// What messages call it.
    pub fn kind_name(&self) -> &'static str {
        match &self.kind {
            RelationKind::Table(_) | RelationKind::System { view: false, .. } => "table",
            RelationKind::View(_) | RelationKind::System { view: true, .. } => "view",
            RelationKind::MaterializedView(_) => "materialized view",
            RelationKind::Index(_) => "index",
            RelationKind::Sequence(_) => "sequence",
        }
    }

    /// Whether its rows are computed from the catalog or from live state.
    pub fn is_system(&self) -> bool {
        matches!(self.kind, RelationKind::System { .. })
    }

    pub fn as_table(&self) -> Option<&Table> {
        match &self.kind {
            RelationKind::Table(table) => Some(table),
            RelationKind::View(_)
            | RelationKind::MaterializedView(_)
            | RelationKind::Index(_)
            | RelationKind::Sequence(_)
            | RelationKind::System { .. } => None,
        }
    }

    /// The definition of a view, materialized or not.
    pub fn as_view(&self) -> Option<&View> {
        match &self.kind {
            RelationKind::View(view) => Some(view),
            RelationKind::MaterializedView(materialized) => Some(&materialized.view),
            RelationKind::Table(_)
            | RelationKind::Index(_)
            | RelationKind::Sequence(_)
            | RelationKind::System { .. } => None,
        }
    }

    pub fn as_materialized_view(&self) -> Option<&MaterializedView> {
        match &self.kind {
            RelationKind::MaterializedView(materialized) => Some(materialized),
            RelationKind::Table(_)
            | RelationKind::View(_)
            | RelationKind::Index(_)
            | RelationKind::Sequence(_)
            | RelationKind::System { .. } => None,
        }
    }

    /// The materialized view that is exact at every moment, if this is one.
    pub fn as_maintained_view(&self) -> Option<&MaterializedView> {
        self.as_materialized_view().filter(|view| view.refresh == Refresh::OnCommit)
    }

    /// The columns as pg_attribute has them: those of a sequence are the same for every one.
    pub fn attributes(&self) -> &[Column] {
        match &self.kind {
            RelationKind::Sequence(_) => super::sequence::columns(),
            RelationKind::Table(_)
            | RelationKind::View(_)
            | RelationKind::MaterializedView(_)
            | RelationKind::Index(_)
            | RelationKind::System { .. } => &self.columns,
        }
    }

    /// The materialized view whose rows the server keeps by steps, if this is one: exact, or at a pace.
    pub fn as_stepped_view(&self) -> Option<&MaterializedView> {
        self.as_materialized_view().filter(|view| match view.refresh {
            Refresh::OnCommit | Refresh::Every(_) => true,
            Refresh::Manual => false,
        })
    }

    /// Whether the engine holds its rows: a table or a materialized view.
    pub fn has_rows(&self) -> bool {
        self.as_table().is_some() || self.as_materialized_view().is_some()
    }

    pub fn as_index(&self) -> Option<&Index> {
        match &self.kind {
            RelationKind::Index(index) => Some(index),
            RelationKind::Table(_)
            | RelationKind::View(_)
            | RelationKind::MaterializedView(_)
            | RelationKind::Sequence(_)
            | RelationKind::System { .. } => None,
        }
    }

    pub fn as_sequence(&self) -> Option<&Sequence> {
        match &self.kind {
            RelationKind::Sequence(sequence) => Some(sequence),
            RelationKind::Table(_)
            | RelationKind::View(_)
            | RelationKind::MaterializedView(_)
            | RelationKind::Index(_)
            | RelationKind::System { .. } => None,
        }
    }

    /// The column of that attribute number, unless it was dropped.
    pub fn column(&self, number: i16) -> Option<&Column> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.columns.get(index).filter(|column| !column.dropped)
    }

    /// The column of that name, unless it was dropped.
    pub fn column_by_name(&self, name: &str) -> Option<&Column> {
        self.live_columns().find(|column| column.name == name)
    }

    /// The columns that were not dropped, in order.
    pub fn live_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| !column.dropped)
    }
}
