//! EXPLAIN's text, in PostgreSQL's shape.

use std::fmt::Write;

use catalog::builtin;

use super::node::{JoinType, Node, Operator};
use super::{CommonKind, Plan};
use crate::tree::{Expression, ExpressionKind, SetOperator};

/// The lines of EXPLAIN; `costs` shows the estimates.
pub fn explain(plan: &Plan, costs: bool) -> Vec<String> {
    let mut lines = Vec::new();
    node(&plan.root, "", "", costs, &mut lines);
    for common in &plan.commons {
        lines.push(format!("  CTE {}", common.name));
        match &common.kind {
            CommonKind::Plain(root) => node(root, "    ->  ", "          ", costs, &mut lines),
            CommonKind::Recursive { start, step, all: _, keys: _ } => {
                lines.push("    ->  Recursive Union".to_owned());
                node(start, "          ->  ", "                ", costs, &mut lines);
                node(step, "          ->  ", "                ", costs, &mut lines);
            }
        }
    }
    for (number, subquery) in plan.subqueries.iter().enumerate() {
        lines.push(format!("  SubPlan {}", number + 1));
        node(&subquery.root, "    ->  ", "          ", costs, &mut lines);
    }
    lines
}

fn node(of: &Node, first: &str, rest: &str, costs: bool, lines: &mut Vec<String>) {
    // Keys and plain projections are no nodes of PostgreSQL's: they are shown by what they feed.
    if let Operator::Keys { input, .. } | Operator::Project { input, .. } = &of.operator
        && !matches!(input.operator, Operator::OneRow)
    {
        return node(input, first, rest, costs, lines);
    }
    let mut line = format!("{first}{}", of.title());
    if costs {
        let estimate = of.estimate;
        let width: usize = of.columns.iter().map(|column| width(column.physical)).sum();
        let _ = write!(
            line,
            "  (cost={:.2}..{:.2} rows={:.0} width={width})",
            estimate.startup, estimate.total, estimate.rows
        );
    }
    lines.push(line);
    for detail in of.details() {
        lines.push(format!("{rest}  {detail}"));
    }
    for input in of.inputs() {
        node(input, &format!("{rest}  ->  "), &format!("{rest}        "), costs, lines);
    }
    if let Operator::IndexJoin(join) = &of.operator {
        let alias = aliased(&join.access.name, &join.access.alias);
        lines.push(format!("{rest}  ->  Index Scan using {} on {alias}", join.index.name));
        if !join.index.condition.is_empty() {
            lines.push(format!("{rest}          Index Cond: {}", join.index.condition));
        }
    }
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

    /// The lines below the node's own.
    fn details(&self) -> Vec<String> {
        match &self.operator {
            Operator::HashJoin(join) => vec![format!("Hash Cond: {}", join.condition)],
            Operator::IndexScan(scan) if !scan.index.condition.is_empty() => {
                vec![format!("Index Cond: {}", scan.index.condition)]
            }
            Operator::Nothing => vec!["One-Time Filter: false".to_owned()],
            _ => Vec::new(),
        }
    }
}

/// An expression for EXPLAIN, names of columns aside.
pub(super) fn expression_text(expression: &Expression) -> String {
    match &expression.kind {
        ExpressionKind::Column(number) => format!("#{}", number.0),
        ExpressionKind::Parameter(number) => format!("${}", number + 1),
        ExpressionKind::Constant(value) => constant_text(value),
        ExpressionKind::Relabel(inner) | ExpressionKind::Collate(inner) => expression_text(inner),
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
