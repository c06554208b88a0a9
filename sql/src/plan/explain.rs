//! What EXPLAIN shows of a plan's nodes, in PostgreSQL's words.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use catalog::builtin;

use super::explained::{Detail, DetailValue, Explained, Shown};
use super::node::{JoinType, LoopJoin, Node, Operator, PlanColumn, Sort, SortKeyPlan, TableAccess};
use super::{CommonKind, Plan};
use crate::evaluate::{ColumnNames, CompiledExpression};
use crate::execute::Meters;
use crate::tree::{ColumnNumber, Expression, ExpressionKind, SetOperator};
use crate::types::embedding::is_vector;
use crate::types::{self, OutputSettings};

/// The lines of EXPLAIN; `costs` shows the estimates.
pub fn explain(plan: &Plan, costs: bool) -> Vec<String> {
    explained(plan, None).lines(Shown { costs, timing: false })
}

/// What EXPLAIN shows of a plan; `meters` are those of its execution, where it was run.
pub fn explained(plan: &Plan, meters: Option<&Meters>) -> Explained {
    let mut names = HashMap::new();
    let tables: HashSet<*const str> = plan.named.iter().map(|named| Arc::as_ptr(&named.alias)).collect();
    for named in &plan.named {
        let name = named.relation.column(named.attribute).map_or("?", |column| column.name.as_str());
        let shown = if tables.len() > 1 { format!("{}.{name}", named.alias) } else { name.to_owned() };
        names.insert(named.number, shown);
    }
    let explainer = Explainer { plan, names, meters };
    let mut root = explainer.node(&plan.root, None, &[]);
    for common in &plan.commons {
        let part = match &common.kind {
            CommonKind::Plain(root) => explainer.node(root, None, &[]),
            CommonKind::Recursive { start, step, all: _, keys: _ } => Explained {
                title: "Recursive Union".to_owned(),
                facts: vec![("Node Type", "Recursive Union".to_owned())],
                children: vec![explainer.node(start, None, &[]), explainer.node(step, None, &[])],
                ..Explained::default()
            },
        };
        root.parts.push((format!("CTE {}", common.name), part));
    }
    for (number, subquery) in plan.subqueries.iter().enumerate() {
        root.parts.push((format!("SubPlan {}", number + 1), explainer.node(&subquery.root, None, &[])));
    }
    root
}

struct Explainer<'a> {
    plan: &'a Plan,
    names: HashMap<ColumnNumber, String>,
    meters: Option<&'a Meters>,
}

impl Explainer<'_> {
    /// A node and its inputs. `outer` is the outermost of the nodes around it that PostgreSQL does not have, whose rows
    /// are the node's; `above` are lines that those would have shown.
    fn node(&self, of: &Node, outer: Option<&Node>, above: &[Detail]) -> Explained {
        match &of.operator {
            // A filter is a line of what it filters; keys and plain projections are shown by what they feed.
            Operator::Filter { input, predicate } if !matches!(input.operator, Operator::OneRow) => {
                let mut lines = above.to_vec();
                lines.push(Detail::text("Filter", self.text(predicate, &input.columns)));
                if let Some(meters) = self.meters {
                    let (kept, seen) = (meters.measured(of), meters.measured(input));
                    let removed = seen.rows.saturating_sub(kept.rows) / seen.loops.max(1);
                    if removed > 0 {
                        let values = DetailValue::Count(removed);
                        lines.push(Detail { label: "Rows Removed by Filter", values });
                    }
                }
                return self.node(input, Some(outer.unwrap_or(of)), &lines);
            }
            Operator::Held(held) => return self.node(&held.input, Some(outer.unwrap_or(of)), above),
            Operator::Keys { input, .. } | Operator::Project { input, .. }
                if !matches!(input.operator, Operator::OneRow) =>
            {
                return self.node(input, Some(outer.unwrap_or(of)), above);
            }
            _ => {}
        }
        let mut explained = Explained {
            title: of.title(),
            facts: facts(of),
            estimate: Some((of.estimate, width_of(of))),
            measured: self.meters.map(|meters| meters.measured(outer.unwrap_or(of))),
            details: self.details(of),
            ..Explained::default()
        };
        explained.details.extend_from_slice(above);
        explained.children = self.children(of);
        explained
    }

    fn children(&self, of: &Node) -> Vec<Explained> {
        match &of.operator {
            Operator::HashJoin(join) => {
                let (probe, build) =
                    if join.build_left { (&join.right, &join.left) } else { (&join.left, &join.right) };
                let built = self.node(build, None, &[]);
                let hash = Explained {
                    title: "Hash".to_owned(),
                    facts: vec![("Node Type", "Hash".to_owned())],
                    estimate: built.estimate,
                    measured: built.measured,
                    children: vec![built],
                    ..Explained::default()
                };
                vec![self.node(probe, None, &[]), hash]
            }
            Operator::IndexJoin(join) => {
                let alias = aliased(&join.access.name, &join.access.alias);
                let condition = &join.index.condition;
                let search = Explained {
                    title: format!("Index Scan using {} on {alias}", join.index.name),
                    facts: scan_facts("Index Scan", &join.access, Some((&join.index.name, false))),
                    details: match condition.is_empty() {
                        true => self.learned(of).into_iter().collect(),
                        false => {
                            let condition = Detail::text("Index Cond", self.named(condition));
                            std::iter::once(condition).chain(self.learned(of)).collect()
                        }
                    },
                    ..Explained::default()
                };
                vec![self.node(&join.input, None, &[]), search]
            }
            // What is read of the table is a matter of the node's own.
            Operator::Nearest(_) => Vec::new(),
            // A result without a table is one node.
            Operator::Filter { input, .. }
            | Operator::Keys { input, .. }
            | Operator::Project { input, .. }
                if matches!(input.operator, Operator::OneRow) =>
            {
                Vec::new()
            }
            _ => of.inputs().into_iter().map(|input| self.node(input, None, &[])).collect(),
        }
    }

    /// What the learned indexes say that the node's searches went through, where it was run.
    fn learned(&self, of: &Node) -> Option<Detail> {
        let said = self.meters?.learned(of)?;
        Some(Detail::text("Learned Index", said))
    }

    fn name(&self, number: ColumnNumber) -> String {
        self.names.get(&number).cloned().unwrap_or_else(|| "(...)".to_owned())
    }

    fn text(&self, expression: &CompiledExpression, columns: &[PlanColumn]) -> String {
        let input = |position: usize| {
            columns.get(position).map_or_else(String::new, |column| self.name(column.number))
        };
        let outer = |slot: usize| {
            self.plan.slot_columns.get(slot).map_or_else(String::new, |column| self.name(*column))
        };
        expression.text(&ColumnNames { input: &input, outer: &outer })
    }

    /// Names in place of numbers.
    fn named(&self, condition: &str) -> String {
        let mut parts = condition.split('#');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, after) = part.split_at(digits);
            match number.parse() {
                Ok(number) => text.push_str(&self.name(ColumnNumber(number))),
                Err(_) => text.push('#'),
            }
            text.push_str(after);
        }
        text
    }

    /// The lines below a node's own.
    fn details(&self, of: &Node) -> Vec<Detail> {
        let filter = |access: &TableAccess| {
            access
                .filter
                .iter()
                .map(|filter| Detail::text("Filter", self.text(filter, &of.columns)))
                .collect::<Vec<_>>()
        };
        match &of.operator {
            Operator::Scan(scan) => {
                let mut lines = filter(&scan.access);
                if let Some((seen, skipped)) = self.meters.and_then(|meters| meters.blocks(of)) {
                    let count = |label, count| Detail { label, values: DetailValue::Count(count) };
                    lines.push(count("Blocks Read", seen.saturating_sub(skipped)));
                    lines.push(count("Blocks Skipped", skipped));
                }
                lines
            }
            Operator::IndexScan(scan) => {
                let mut lines = Vec::new();
                if !scan.index.condition.is_empty() {
                    lines.push(Detail::text("Index Cond", self.named(&scan.index.condition)));
                }
                lines.extend(filter(&scan.access));
                lines.extend(self.learned(of));
                lines
            }
            Operator::Nearest(nearest) => {
                let mut lines = vec![Detail::text("Order By", self.named(&nearest.shown))];
                lines.extend(filter(&nearest.access));
                let told = self.meters.map(|meters| meters.remarks(of)).unwrap_or_default();
                lines.extend(
                    told.into_iter()
                        .map(|(label, count)| Detail { label, values: DetailValue::Count(count) }),
                );
                lines
            }
            Operator::SystemScan(scan) => scan
                .filter
                .iter()
                .map(|filter| Detail::text("Filter", self.text(filter, &of.columns)))
                .collect(),
            Operator::HashJoin(join) => vec![Detail::text("Hash Cond", self.named(&join.condition))],
            Operator::LoopJoin(LoopJoin { left, right, filter: Some(filter), .. }) => {
                let both: Vec<PlanColumn> = left.columns.iter().chain(&right.columns).copied().collect();
                let read: Vec<PlanColumn> =
                    filter.inputs.iter().filter_map(|at| both.get(*at)).copied().collect();
                vec![Detail::text("Join Filter", self.text(&filter.predicate, &read))]
            }
            Operator::IndexJoin(join) => {
                let both: Vec<PlanColumn> = join.input.columns.iter().chain(&join.inner).copied().collect();
                join.filter
                    .iter()
                    .map(|filter| Detail::text("Join Filter", self.text(filter, &both)))
                    .collect()
            }
            Operator::Sort(sort) => {
                vec![Detail { label: "Sort Key", values: DetailValue::List(self.sort_keys(sort)) }]
            }
            Operator::Aggregate(aggregate) if !aggregate.groups.is_empty() => {
                let columns = &aggregate.input.columns;
                let keys: Vec<_> =
                    aggregate.groups.iter().map(|group| self.text(&group.expression, columns)).collect();
                vec![Detail { label: "Group Key", values: DetailValue::List(keys) }]
            }
            Operator::Nothing => vec![Detail::text("One-Time Filter", "false".to_owned())],
            _ => Vec::new(),
        }
    }

    fn sort_keys(&self, sort: &Sort) -> Vec<String> {
        let shown = |key: &SortKeyPlan| {
            let name = match &sort.input.operator {
                Operator::Keys { input, keys } if key.position >= input.columns.len() => keys
                    .get(key.position - input.columns.len())
                    .map_or_else(String::new, |key| self.text(&key.expression, &input.columns)),
                _ => sort
                    .input
                    .columns
                    .get(key.position)
                    .map_or_else(String::new, |column| self.name(column.number)),
            };
            match (key.descending, key.nulls_first) {
                (false, false) => name,
                (false, true) => name + " NULLS FIRST",
                (true, true) => name + " DESC",
                (true, false) => name + " DESC NULLS LAST",
            }
        };
        sort.keys.iter().map(shown).collect()
    }
}

/// What the title of a scan says.
fn scan_facts(kind: &str, access: &TableAccess, index: Option<(&str, bool)>) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Node Type", kind.to_owned())];
    if let Some((name, reverse)) = index {
        facts.push(("Scan Direction", if reverse { "Backward" } else { "Forward" }.to_owned()));
        facts.push(("Index Name", name.to_owned()));
    }
    facts.push(("Relation Name", access.name.clone()));
    let alias = if access.alias.is_empty() { &access.name } else { &access.alias };
    facts.push(("Alias", alias.clone()));
    facts
}

/// What a node's title says, its type first.
fn facts(of: &Node) -> Vec<(&'static str, String)> {
    let join = |kind: &str, join: JoinType| {
        let word = match join {
            JoinType::Inner => "Inner",
            other => join_word(other).trim_start(),
        };
        vec![("Node Type", kind.to_owned()), ("Join Type", word.to_owned())]
    };
    match &of.operator {
        Operator::Scan(scan) => scan_facts("Seq Scan", &scan.access, None),
        Operator::IndexScan(scan) => {
            scan_facts("Index Scan", &scan.access, Some((&scan.index.name, scan.index.reverse)))
        }
        Operator::Nearest(nearest) => {
            let index = nearest.index.as_ref().map(|index| (index.name.as_str(), false));
            let kind = if index.is_some() { "Index Scan" } else { "Nearest Scan" };
            scan_facts(kind, &nearest.access, index)
        }
        Operator::SystemScan(scan) => {
            vec![("Node Type", "Seq Scan".to_owned()), ("Relation Name", scan.name.clone())]
        }
        Operator::HashJoin(plan) => join("Hash Join", plan.kind),
        Operator::LoopJoin(plan) => join("Nested Loop", plan.kind),
        Operator::IndexJoin(plan) => join("Nested Loop", plan.kind),
        Operator::Apply(plan) => join("Nested Loop", plan.kind),
        Operator::Aggregate(aggregate) => {
            let strategy = match (aggregate.groups.is_empty(), aggregate.sets.len()) {
                (true, 1) => "Plain",
                (_, 1) => "Hashed",
                _ => "Mixed",
            };
            vec![("Node Type", "Aggregate".to_owned()), ("Strategy", strategy.to_owned())]
        }
        Operator::CommonScan { name, .. } => {
            vec![("Node Type", "CTE Scan".to_owned()), ("CTE Name", name.to_string())]
        }
        Operator::Functions { .. } => vec![("Node Type", "Function Scan".to_owned())],
        Operator::Values { .. } => vec![("Node Type", "Values Scan".to_owned())],
        _ => vec![("Node Type", of.title())],
    }
}

fn width_of(of: &Node) -> usize {
    of.columns.iter().map(|column| width(column.physical)).sum()
}

fn width(physical: engine::PhysicalType) -> usize {
    use engine::PhysicalType;
    match physical {
        PhysicalType::Bool => 1,
        PhysicalType::Int16 => 2,
        PhysicalType::Int32 | PhysicalType::UInt32 | PhysicalType::Float32 => 4,
        PhysicalType::Int64 | PhysicalType::Float64 => 8,
        PhysicalType::Fixed16 => 16,
        PhysicalType::Text | PhysicalType::Bytes => 32,
    }
}

fn aliased(name: &str, alias: &str) -> String {
    if name == alias || alias.is_empty() { name.to_owned() } else { format!("{name} {alias}") }
}

fn join_word(kind: JoinType) -> &'static str {
    match kind {
        JoinType::Inner => "",
        JoinType::Left => " Left",
        JoinType::Full => " Full",
        JoinType::Semi => " Semi",
        JoinType::Anti => " Anti",
    }
}

/// "Nested Loop", "Nested Loop Left Join".
fn loop_title(kind: JoinType) -> String {
    match kind {
        JoinType::Inner => "Nested Loop".to_owned(),
        other => format!("Nested Loop{} Join", join_word(other)),
    }
}

impl Node {
    /// The node's line, without costs.
    pub fn title(&self) -> String {
        match &self.operator {
            Operator::OneRow | Operator::Nothing | Operator::Project { .. } | Operator::Keys { .. } => {
                "Result".to_owned()
            }
            Operator::Scan(scan) => format!("Seq Scan on {}", aliased(&scan.access.name, &scan.access.alias)),
            Operator::IndexScan(scan) => {
                let direction = if scan.index.reverse { " Backward" } else { "" };
                let table = aliased(&scan.access.name, &scan.access.alias);
                format!("Index Scan{direction} using {} on {table}", scan.index.name)
            }
            Operator::Nearest(nearest) => {
                let table = aliased(&nearest.access.name, &nearest.access.alias);
                match &nearest.index {
                    Some(index) => format!("Index Scan using {} on {table}", index.name),
                    None => format!("Nearest Scan on {table}"),
                }
            }
            Operator::Held(_) => "Result".to_owned(),
            Operator::SystemScan(scan) => format!("Seq Scan on {}", aliased(&scan.name, &scan.alias)),
            Operator::Values { .. } => "Values Scan on \"*VALUES*\"".to_owned(),
            Operator::Functions { items, .. } => {
                let names: Vec<_> = items.iter().map(|item| item.name.as_str()).collect();
                format!("Function Scan on {}", names.join(", "))
            }
            Operator::Filter { .. } => "Filter".to_owned(),
            Operator::ProjectSet { .. } => "ProjectSet".to_owned(),
            Operator::Aggregate(aggregate) => match (aggregate.groups.is_empty(), aggregate.sets.len()) {
                (true, 1) => "Aggregate".to_owned(),
                (_, 1) => "HashAggregate".to_owned(),
                _ => "MixedAggregate".to_owned(),
            },
            Operator::Window(_) => "WindowAgg".to_owned(),
            Operator::Distinct { .. } => "Unique".to_owned(),
            Operator::Sort(_) => "Sort".to_owned(),
            Operator::Limit(_) => "Limit".to_owned(),
            Operator::Append { .. } => "Append".to_owned(),
            Operator::SetOperation { operator, all, .. } => {
                let word = match operator {
                    SetOperator::Union => "Union",
                    SetOperator::Intersect => "Intersect",
                    SetOperator::Except => "Except",
                };
                format!("HashSetOp {word}{}", if *all { " All" } else { "" })
            }
            Operator::HashJoin(join) => format!("Hash{} Join", join_word(join.kind)),
            Operator::LoopJoin(join) => loop_title(join.kind),
            Operator::IndexJoin(join) => loop_title(join.kind),
            Operator::Apply(apply) => loop_title(apply.kind),
            Operator::CommonScan { name, .. } => format!("CTE Scan on {name}"),
            Operator::LockRows { .. } => "LockRows".to_owned(),
        }
    }
}

/// An expression for EXPLAIN; columns stand as `#number`, to be named when it is shown.
pub(super) fn expression_text(expression: &Expression) -> String {
    match &expression.kind {
        ExpressionKind::Column(number) => format!("#{}", number.0),
        ExpressionKind::Parameter(number) => format!("${}", number + 1),
        ExpressionKind::Constant(value) if is_vector(expression.ty.oid) => {
            let (ty, plain) = (expression.ty.oid, OutputSettings::plain());
            let name = types::format_type(ty, -1, &types::NoNames);
            match (value.is_null(), types::output(ty, value, &plain)) {
                (false, Ok(text)) => format!("'{text}'::{name}"),
                _ => format!("NULL::{name}"),
            }
        }
        ExpressionKind::Constant(value) => constant_text(value),
        ExpressionKind::Relabel(inner, _) | ExpressionKind::Collate(inner) => expression_text(inner),
        ExpressionKind::Call { function, operator, arguments, .. } => {
            let shown: Vec<_> = arguments.iter().map(expression_text).collect();
            match (builtin::operator_by_oid(*operator), shown.as_slice()) {
                (Some(row), [left, right]) => format!("{left} {} {right}", row.name),
                (Some(row), [only]) => format!("{} {only}", row.name),
                _ => format!("{}({})", crate::evaluate::facts::name(*function), shown.join(", ")),
            }
        }
        ExpressionKind::AnyArray { left, right, operator, all, .. } => {
            let name = builtin::operator_by_oid(*operator).map_or("=", |row| row.name);
            let word = if *all { "ALL" } else { "ANY" };
            format!("{} {name} {word} ({})", expression_text(left), expression_text(right))
        }
        _ => "(...)".to_owned(),
    }
}

fn constant_text(value: &engine::Value) -> String {
    use engine::Value;
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int16(value) => value.to_string(),
        Value::Int32(value) => value.to_string(),
        Value::Int64(value) => value.to_string(),
        Value::UInt32(value) => value.to_string(),
        Value::Float32(value) => value.to_string(),
        Value::Float64(value) => value.to_string(),
        Value::Text(text) => format!("'{text}'"),
        Value::Fixed16(_) | Value::Bytes(_) => "(...)".to_owned(),
    }
}
