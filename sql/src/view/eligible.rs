//! Which queries can be kept exact: those whose answer depends on their tables alone.
//!
//! Refused by name: what is not immutable, what reads the session, what depends on the order of its input, tables that
//! others cannot see or that have no history. The query comes with every view expanded.

use catalog::builtin::{self, Volatility};
use catalog::{Persistence, Snapshot};

use crate::error::{Error, Result};
use crate::tree::visit::{Visitor, walk_query};
use crate::tree::{
    AggregateCall, CommonQuery, Expression, ExpressionKind, FrameUnits, Query, Relation, SetOperator,
    SortKey, SubqueryKind, SystemColumn, TableScan, WindowCall,
};
use crate::types::oid;

/// Functions that are stable only for what they print, and are as good as immutable over types that always print alike.
const PRINTING: [u32; 5] = [2003, 2004, 3058, 3059, 3539];

/// Aggregates whose answer is a list of their input.
const LISTING: [&str; 9] = [
    "array_agg",
    "string_agg",
    "json_agg",
    "jsonb_agg",
    "json_object_agg",
    "jsonb_object_agg",
    "xmlagg",
    "json_agg_strict",
    "jsonb_agg_strict",
];

/// Window functions whose answer is the same for all rows that the window's order holds equal.
const RANKING: [&str; 4] = ["rank", "dense_rank", "percent_rank", "cume_dist"];

/// 0A000 for what cannot be kept exact.
pub(crate) fn check_eligible(query: &Query, catalog: &Snapshot, database: u32) -> Result<()> {
    let mut check = Check { catalog, database, refused: None };
    let mut query = query.clone();
    check.query(&query);
    walk_query(&mut query, &mut check);
    match check.refused {
        None => Ok(()),
        Some(what) => Err(Error::unsupported(format!("{what} in a materialized view that is kept exact"))
            .detail("Its rows would not depend on its tables alone.")
            .hint("WITH (refresh = manual) makes a view that changes with REFRESH MATERIALIZED VIEW only.")),
    }
}

struct Check<'a> {
    catalog: &'a Snapshot,
    database: u32,
    refused: Option<String>,
}

impl Visitor for Check<'_> {
    fn expression(&mut self, expression: &mut Expression) -> bool {
        self.kind(expression);
        self.refused.is_none()
    }

    fn relation(&mut self, relation: &mut Relation) -> bool {
        self.node(relation);
        self.refused.is_none()
    }
}

impl Check<'_> {
    fn refuse(&mut self, what: impl Into<String>) {
        self.refused.get_or_insert_with(|| what.into());
    }

    fn function(&mut self, function: u32, arguments: &[&Expression]) {
        let row = builtin::function_by_oid(function);
        let immutable = row.is_some_and(|row| row.volatility == Volatility::Immutable);
        let prints = PRINTING.contains(&function) && arguments.iter().all(|each| prints_alike(each.ty.oid));
        if !immutable && !prints {
            let name = row.map_or_else(|| function.to_string(), |row| row.name.to_string());
            self.refuse(format!("function {name}(), which is not immutable,"));
        }
    }

    fn kind(&mut self, expression: &Expression) {
        match &expression.kind {
            ExpressionKind::Call { function, arguments, .. } => {
                self.function(*function, &arguments.iter().collect::<Vec<_>>());
            }
            ExpressionKind::AnyArray { function, .. } => self.function(*function, &[]),
            ExpressionKind::IsDistinct { equality, .. } | ExpressionKind::NullIf { equality, .. } => {
                self.function(*equality, &[]);
            }
            ExpressionKind::CoerceViaText { argument, .. } => {
                if !prints_alike(argument.ty.oid) || !prints_alike(expression.ty.oid) {
                    self.refuse("a cast through text that depends on settings");
                }
            }
            ExpressionKind::Special(value) => self.refuse(format!("{value:?}")),
            ExpressionKind::Parameter(_) => self.refuse("a parameter"),
            ExpressionKind::Subquery(subquery) => {
                if matches!(subquery.kind, SubqueryKind::Array)
                    && !is_sorted_wholly(&subquery.query.relation, &subquery.query)
                {
                    self.refuse("ARRAY(...) of rows without a complete ORDER BY");
                }
                self.query(&subquery.query);
            }
            ExpressionKind::CoerceToDomain { .. }
            | ExpressionKind::Constant(_)
            | ExpressionKind::Column(_)
            | ExpressionKind::Relabel(..)
            | ExpressionKind::CoerceTypmod { .. }
            | ExpressionKind::CoerceArray { .. }
            | ExpressionKind::And(_)
            | ExpressionKind::Or(_)
            | ExpressionKind::Not(_)
            | ExpressionKind::IsNull { .. }
            | ExpressionKind::RowIsNull { .. }
            | ExpressionKind::BooleanTest { .. }
            | ExpressionKind::Case { .. }
            | ExpressionKind::Coalesce(_)
            | ExpressionKind::Greatest(_)
            | ExpressionKind::Least(_)
            | ExpressionKind::Array { .. }
            | ExpressionKind::Row { .. }
            | ExpressionKind::Field { .. }
            | ExpressionKind::Subscript { .. }
            | ExpressionKind::Collate(_) => {}
        }
    }

    /// A query level: where it cuts its rows off, what it shows of them decides whether the cut is the same every time.
    fn query(&mut self, query: &Query) {
        self.cut(&query.relation, query);
        for common in &query.common {
            match &common.query {
                CommonQuery::Plain(inner) => self.query(inner),
                CommonQuery::Recursive { start, step, all: _ } => {
                    self.query(start);
                    self.query(step);
                }
            }
        }
    }

    fn cut(&mut self, relation: &Relation, query: &Query) {
        match relation {
            Relation::Limit { input, count, offset, with_ties } => {
                let cuts = count.is_some() || offset.is_some();
                if cuts && with_ties.is_empty() && !is_sorted_wholly(input, query) {
                    self.refuse("LIMIT or OFFSET without an ORDER BY over all columns");
                }
            }
            Relation::Filter { input, .. }
            | Relation::Extend { input, .. }
            | Relation::Sort { input, .. } => {
                self.cut(input, query);
            }
            Relation::Distinct { input, columns: _, on } => {
                if *on && !is_sorted_wholly(input, query) {
                    self.refuse("DISTINCT ON without an ORDER BY over all columns");
                }
            }
            // Nothing is cut off beneath these but by a query of its own.
            Relation::Empty
            | Relation::Nothing { .. }
            | Relation::Table(_)
            | Relation::CommonScan { .. }
            | Relation::Subquery(_)
            | Relation::Values { .. }
            | Relation::Functions { .. }
            | Relation::Join { .. }
            | Relation::ProjectSet { .. }
            | Relation::Aggregate { .. }
            | Relation::Window { .. }
            | Relation::SetOperation { .. }
            | Relation::LockRows { .. } => {}
        }
    }

    fn node(&mut self, relation: &Relation) {
        match relation {
            Relation::Table(scan) => self.scan(scan),
            Relation::Subquery(query) => self.query(query),
            Relation::SetOperation { operator, left, right, .. } => {
                match operator {
                    SetOperator::Union | SetOperator::Intersect | SetOperator::Except => {}
                }
                self.query(left);
                self.query(right);
            }
            Relation::Aggregate { aggregates, .. } => {
                aggregates.iter().for_each(|(_, call)| self.aggregate(call));
            }
            Relation::Window { calls, .. } => calls.iter().for_each(|(_, call)| self.window(call)),
            Relation::LockRows { .. } => self.refuse("FOR UPDATE or FOR SHARE"),
            Relation::Empty
            | Relation::Nothing { .. }
            | Relation::CommonScan { .. }
            | Relation::Values { .. }
            | Relation::Functions { .. }
            | Relation::Join { .. }
            | Relation::Filter { .. }
            | Relation::Extend { .. }
            | Relation::ProjectSet { .. }
            | Relation::Distinct { .. }
            | Relation::Sort { .. }
            | Relation::Limit { .. } => {}
        }
    }

    fn scan(&mut self, scan: &TableScan) {
        let Some(relation) = self.catalog.relation(self.database, scan.table) else { return };
        if relation.is_system() || relation.as_sequence().is_some() {
            self.refuse(format!("{} \"{}\"", relation.kind_name(), relation.name));
        } else if relation.persistence == Persistence::Temporary {
            self.refuse(format!("temporary table \"{}\"", relation.name));
        }
        for column in &scan.columns {
            match column.source {
                SystemColumn::Attribute(_) | SystemColumn::TableOid => {}
                SystemColumn::Handle
                | SystemColumn::Xmin
                | SystemColumn::Former(_)
                | SystemColumn::SystemFrom
                | SystemColumn::SystemTo
                | SystemColumn::WriteId
                | SystemColumn::PreviousWriteId => self.refuse("a system column"),
            }
        }
    }

    fn aggregate(&mut self, call: &AggregateCall) {
        self.function(call.function, &[]);
        let name = builtin::function_by_oid(call.function).map_or("", |row| row.name);
        let ordered = call.distinct || covers(&call.order_by, &call.arguments);
        if LISTING.contains(&name) && !ordered {
            self.refuse(format!("{name}() without an ORDER BY over its arguments"));
        }
    }

    fn window(&mut self, call: &WindowCall) {
        self.function(call.function, &[]);
        let name = builtin::function_by_oid(call.function).map_or("", |row| row.name);
        let by_peers = matches!(call.frame.units, FrameUnits::Range | FrameUnits::Groups)
            && call.aggregate
            && !LISTING.contains(&name);
        if !by_peers && !RANKING.contains(&name) {
            self.refuse(format!("window function {name}() over rows in an order that may have ties"));
        }
    }
}

/// Whether sort keys tell apart all that the expressions do.
fn covers(keys: &[SortKey], expressions: &[Expression]) -> bool {
    expressions.iter().all(|expression| {
        matches!(expression.kind, ExpressionKind::Constant(_))
            || keys.iter().any(|key| key.expression.kind == expression.kind)
    })
}

/// Whether rows are sorted by all that a query shows of them, so that equal rows look alike.
fn is_sorted_wholly(relation: &Relation, query: &Query) -> bool {
    match relation {
        Relation::Sort { input: _, keys } => query.output.iter().all(|output| {
            keys.iter().any(
                |key| matches!(&key.expression.kind, ExpressionKind::Column(column) if *column == output.column),
            )
        }),
        Relation::Distinct { input, .. } | Relation::Limit { input, .. } | Relation::Extend { input, .. } => {
            is_sorted_wholly(input, query)
        }
        _ => false,
    }
}

/// Whether a type's text never depends on settings.
fn prints_alike(type_oid: u32) -> bool {
    matches!(
        type_oid,
        oid::BOOL
            | oid::INT2
            | oid::INT4
            | oid::INT8
            | oid::NUMERIC
            | oid::TEXT
            | oid::VARCHAR
            | oid::BPCHAR
            | oid::NAME
            | oid::CHAR
            | oid::UNKNOWN
            | oid::UUID
            | oid::JSON
            | oid::JSONB
            | oid::OID
    )
}
