//! Which index serves which conditions and orders.
//!
//! A condition counts as used, and is not tested again, only where the keys read are exactly the rows that pass it.

use std::sync::Arc;

use catalog::{IndexSource, Relation as CatalogRelation, Snapshot};
use engine::IndexId;

use super::facts::Comparison;
use super::node::{IndexAccess, IndexKeyPart, OrderItem};
use super::planner::Planner;
use super::predicate::{self, as_column, as_comparison, same_key};
use super::table::is_bound;
use super::walk::Columns;
use crate::error::Result;
use crate::evaluate::Layout;
use crate::tree::{ColumnNumber, Expression, ExpressionKind, SortKey, SystemColumn, TableScan};
use crate::types;

/// A way to read an index, not yet compiled.
#[derive(Clone)]
pub(super) struct IndexPath {
    pub relation: Arc<CatalogRelation>,
    pub keys: Vec<IndexKeyPart>,
    pub equal: Vec<Expression>,
    /// The keys that `equal` fixes.
    pub fixed: Vec<Expression>,
    pub list: Option<Expression>,
    pub lower: Option<(Expression, bool)>,
    pub upper: Option<(Expression, bool)>,
    pub reverse: bool,
    pub unique_match: bool,
    /// Indexes of the conjuncts that the search enforces.
    pub used: Vec<usize>,
    pub order: Vec<OrderItem>,
    pub rows: f64,
    pub cost: f64,
    pub condition: String,
}

/// A key of an index as an expression over the scan's columns.
struct Key {
    expression: Option<Expression>,
    part: IndexKeyPart,
}

/// The part of rows that a bound of an index is taken to leave, where nothing is known: less than PostgreSQL's third, because
/// nothing is read from disk in vain here.
const BOUND: f64 = 0.1;

impl Planner<'_> {
    /// The cheapest index path that beats reading the whole table.
    pub(super) fn best_index(
        &mut self,
        scan: &TableScan,
        catalog: &Snapshot,
        conjuncts: &[Expression],
        order: &[SortKey],
        limited: bool,
        rows: f64,
    ) -> Result<Option<IndexPath>> {
        let mut best: Option<IndexPath> = None;
        let own: Columns = scan.columns.iter().map(|column| column.number).collect();
        let full = rows * 0.015;
        let sort = if order.is_empty() { 0.0 } else { rows * rows.max(2.0).log2() * 0.005 };
        let paths: Vec<_> = catalog
            .indexes_of(self.input.database, scan.table)
            .filter_map(|relation| self.index_path(scan, relation, conjuncts, &own, rows))
            .collect();
        for mut path in paths {
            let fixed = std::mem::take(&mut path.fixed);
            let helps_order = !order.is_empty() && choose_direction(&mut path, &fixed, order);
            let searched = !path.used.is_empty();
            let cost = if helps_order && limited { path.cost.min(5.0) } else { path.cost };
            let rival = if limited && order.is_empty() { full.min(5.0) } else { full + sort };
            if !(searched && cost < rival.max(1.0) || helps_order && (limited || cost < rival)) {
                continue;
            }
            let better = |best: &IndexPath| {
                (cost, std::cmp::Reverse(path.equal.len())) < (best.cost, std::cmp::Reverse(best.equal.len()))
            };
            path.cost = cost;
            if best.as_ref().is_none_or(better) {
                best = Some(path);
            }
        }
        Ok(best)
    }

    /// What an index can do for the conjuncts; `own` are the scanned table's columns.
    pub(super) fn index_path(
        &self,
        scan: &TableScan,
        relation: &Arc<CatalogRelation>,
        conjuncts: &[Expression],
        own: &Columns,
        rows: f64,
    ) -> Option<IndexPath> {
        let index = relation.as_index()?;
        if !index.valid || !index.is_keyed() {
            return None;
        }
        let mut used = Vec::new();
        if let Some(stored) = &index.predicate {
            let predicate = stored_over(scan, stored)?;
            let mut parts = Vec::new();
            predicate::conjuncts(&predicate, &mut parts);
            for part in parts {
                used.push(conjuncts.iter().position(|conjunct| same_expression(conjunct, &part))?);
            }
        }
        let keys = index.keys.iter().map(|key| index_key(scan, key)).collect::<Option<Vec<_>>>()?;
        let mut path = IndexPath {
            relation: relation.clone(),
            keys: keys.iter().map(|key| key.part).collect(),
            equal: Vec::new(),
            fixed: Vec::new(),
            list: None,
            lower: None,
            upper: None,
            reverse: false,
            unique_match: false,
            used,
            order: Vec::new(),
            rows,
            cost: 0.0,
            condition: String::new(),
        };
        let mut fraction = 1.0;
        let mut shown = Vec::new();
        for key in &keys {
            let Some(expression) = &key.expression else { break };
            let Some((at, value)) = find_equal(conjuncts, expression, key.part.oid, own) else {
                fraction *= self.search_next(&mut path, conjuncts, expression, key.part.oid, own, &mut shown);
                break;
            };
            shown.push(at);
            path.used.push(at);
            path.equal.push(value);
            path.fixed.push(expression.clone());
            fraction *= match conjuncts.get(at) {
                Some(conjunct) => self.selectivity(conjunct),
                None => self.key_selectivity(expression),
            };
        }
        path.condition = shown
            .iter()
            .filter_map(|at| conjuncts.get(*at))
            .map(|conjunct| format!("({})", super::explain::expression_text(conjunct)))
            .collect::<Vec<_>>()
            .join(" AND ");
        path.unique_match = index.unique && path.equal.len() == keys.len();
        path.rows = if path.unique_match { 1.0 } else { (rows * fraction).max(1.0) };
        path.cost = 0.3 + rows.max(2.0).log2() * 0.005 + path.rows * 0.025;
        if path.list.is_none() {
            path.order = key_order(&keys, path.equal.len());
        }
        Some(path)
    }

    /// A list or a range over the key after the equal ones; gives the fraction of rows it leaves.
    fn search_next(
        &self,
        path: &mut IndexPath,
        conjuncts: &[Expression],
        key: &Expression,
        oid: u32,
        own: &Columns,
        shown: &mut Vec<usize>,
    ) -> f64 {
        if let Some((at, list)) = find_list(conjuncts, key, oid, own) {
            let count = match &list.kind {
                ExpressionKind::Array { elements, .. } => elements.len() as f64,
                _ => 10.0,
            };
            path.list = Some(list);
            path.used.push(at);
            shown.push(at);
            return (count * self.key_selectivity(key)).min(1.0);
        }
        let mut bounds: Vec<Expression> = Vec::new();
        for (at, conjunct) in conjuncts.iter().enumerate() {
            let Some((comparison, value)) = compared_with(conjunct, key, oid, own) else { continue };
            let (place, included) = match comparison {
                Comparison::Less => (&mut path.upper, false),
                Comparison::LessOrEqual => (&mut path.upper, true),
                Comparison::GreaterOrEqual => (&mut path.lower, true),
                Comparison::Greater => (&mut path.lower, false),
                Comparison::Equal => continue,
            };
            if place.is_none() {
                *place = Some((value, included));
                path.used.push(at);
                shown.push(at);
                bounds.push(conjunct.clone());
            }
        }
        let guessed = || (0..bounds.len()).map(|_| BOUND).product();
        self.known_selectivity(&bounds).unwrap_or_else(guessed)
    }

    fn key_selectivity(&self, key: &Expression) -> f64 {
        1.0 / as_column(key).map_or(200.0, |column| self.distinct_values(column))
    }

    /// Compiles a path; its expressions read an input of the given layout, or outer columns.
    pub(super) fn index_access(&mut self, path: &IndexPath, layout: &Layout) -> Result<IndexAccess> {
        let equal = self.compile_all(&path.equal, layout)?;
        let list = path.list.as_ref().map(|list| self.compile(list, layout)).transpose()?;
        let mut bound = |bound: &Option<(Expression, bool)>| {
            bound.as_ref().map(|(value, included)| Ok((self.compile(value, layout)?, *included))).transpose()
        };
        let (lower, upper) = (bound(&path.lower)?, bound(&path.upper)?);
        Ok(IndexAccess {
            index: IndexId(path.relation.oid),
            name: path.relation.name.clone(),
            keys: path.keys.clone(),
            equal,
            list,
            lower,
            upper,
            reverse: path.reverse,
            unique_match: path.unique_match,
            condition: path.condition.clone(),
        })
    }
}

/// An index key over a scan's columns; without an expression where the scan does not read what the key is made of.
fn index_key(scan: &TableScan, key: &catalog::IndexKey) -> Option<Key> {
    let part = IndexKeyPart { oid: key.type_oid, descending: key.descending, nulls_first: key.nulls_first };
    let expression = match &key.source {
        IndexSource::Column(attribute) => {
            scan.columns.iter().find(|column| column.source == SystemColumn::Attribute(*attribute)).map(
                |column| Expression {
                    kind: ExpressionKind::Column(column.number),
                    ty: column.ty,
                    collation: column.collation,
                    position: None,
                },
            )
        }
        IndexSource::Expression(stored) => stored_over(scan, stored),
    };
    Some(Key { expression, part })
}

/// A stored expression of a table (columns are attribute numbers) over a scan's column numbers.
fn stored_over(scan: &TableScan, stored: &catalog::StoredExpression) -> Option<Expression> {
    let mut expression = crate::analyze::stored_expression(stored).ok()?;
    let mut complete = true;
    renumber(&mut expression, &mut |number| {
        let attribute = i16::try_from(number.0).ok();
        let found = scan.columns.iter().find(|column| {
            attribute.is_some_and(|attribute| column.source == SystemColumn::Attribute(attribute))
        });
        complete &= found.is_some();
        found.map_or(number, |column| column.number)
    });
    complete.then_some(expression)
}

fn renumber(expression: &mut Expression, number: &mut dyn FnMut(ColumnNumber) -> ColumnNumber) {
    if let ExpressionKind::Column(column) = &mut expression.kind {
        *column = number(*column);
    }
    super::walk::children_mut(expression, &mut |part| renumber(part, number));
}

/// Equality of expressions, positions in the statement's text and display-only marks aside.
fn same_expression(one: &Expression, two: &Expression) -> bool {
    fn plain(expression: &Expression) -> Expression {
        let mut expression = unlabelled_clone(expression);
        strip(&mut expression);
        expression
    }
    fn strip(expression: &mut Expression) {
        expression.position = None;
        super::walk::children_mut(expression, &mut strip);
    }
    fn unlabelled_clone(expression: &Expression) -> Expression {
        predicate::unlabelled(expression).clone()
    }
    plain(one) == plain(two)
}

/// A conjunct `key = value`: its place and the value, in the key's type.
fn find_equal(
    conjuncts: &[Expression],
    key: &Expression,
    oid: u32,
    own: &Columns,
) -> Option<(usize, Expression)> {
    conjuncts.iter().enumerate().find_map(|(at, conjunct)| {
        let (comparison, value) = compared_with(conjunct, key, oid, own)?;
        (comparison == Comparison::Equal).then_some((at, value))
    })
}

/// A conjunct that compares the key with a bound of the same key type.
fn compared_with(
    conjunct: &Expression,
    key: &Expression,
    oid: u32,
    own: &Columns,
) -> Option<(Comparison, Expression)> {
    let found = as_comparison(conjunct)?;
    let (comparison, value, ty) = if same_expression(found.left, key) && is_bound(found.right, own) {
        (found.comparison, found.right, found.right_type)
    } else if same_expression(found.right, key) && is_bound(found.left, own) {
        (found.comparison.swapped(), found.left, found.left_type)
    } else {
        return None;
    };
    as_key(value, ty, oid, comparison).map(|value| (comparison, value))
}

/// The bound in the key's type. Integers of other widths are narrowed by the search itself (see `execute::index`).
fn as_key(value: &Expression, ty: u32, oid: u32, _: Comparison) -> Option<Expression> {
    let integer = |oid: u32| matches!(oid, types::oid::INT2 | types::oid::INT4 | types::oid::INT8);
    let fits = same_key(ty, oid) || same_key(value.ty.oid, oid) || integer(ty) && integer(oid);
    fits.then(|| value.clone())
}

/// A conjunct `key = ANY (array)`.
fn find_list(
    conjuncts: &[Expression],
    key: &Expression,
    oid: u32,
    own: &Columns,
) -> Option<(usize, Expression)> {
    conjuncts.iter().enumerate().find_map(|(at, conjunct)| {
        let ExpressionKind::AnyArray { left, right, operator, all: false, .. } = &conjunct.kind else {
            return None;
        };
        let found = super::facts::order_operator(*operator)?;
        let integer = |oid: u32| matches!(oid, types::oid::INT2 | types::oid::INT4 | types::oid::INT8);
        let matches = found.comparison == Comparison::Equal
            && (same_key(found.right, oid) || integer(found.right) && integer(oid))
            && predicate::plain_collation(left)
            && same_expression(predicate::unlabelled(left), key)
            && is_bound(right, own);
        matches.then(|| (at, (**right).clone()))
    })
}

/// The order in which rows come when the first `fixed` keys have one value each.
fn key_order(keys: &[Key], fixed: usize) -> Vec<OrderItem> {
    keys.iter()
        .skip(fixed)
        .map_while(|key| {
            let column = key.expression.as_ref().and_then(as_column)?;
            Some(OrderItem { column, descending: key.part.descending, nulls_first: key.part.nulls_first })
        })
        .collect()
}

/// Turns the path so that its rows come in the wanted order, where it can. A key that is equal to one value orders
/// nothing, so it may stand anywhere in what is wanted.
fn choose_direction(path: &mut IndexPath, fixed: &[Expression], wanted: &[SortKey]) -> bool {
    let open: Vec<SortKey> = wanted
        .iter()
        .filter(|key| {
            let sorted = predicate::unlabelled(&key.expression);
            !fixed.iter().any(|fixed| same_expression(fixed, sorted))
        })
        .cloned()
        .collect();
    let reversed: Vec<_> = path
        .order
        .iter()
        .map(|item| OrderItem {
            column: item.column,
            descending: !item.descending,
            nulls_first: !item.nulls_first,
        })
        .collect();
    if !super::table::satisfies(&path.order, &open) {
        if !super::table::satisfies(&reversed, &open) {
            return false;
        }
        path.reverse = true;
    }
    let columns = wanted.iter().map(|key| {
        let column = as_column(&key.expression)?;
        Some(OrderItem { column, descending: key.descending, nulls_first: key.nulls_first })
    });
    match columns.collect() {
        Some(order) => path.order = order,
        None => return false,
    }
    true
}
