//! Compiled expressions as text, for EXPLAIN.

use catalog::builtin;
use engine::Value;

use super::facts;
use super::operation::{CompiledExpression, Eager, Operation};
use crate::tree::{BooleanTest, Type};
use crate::types::{self, OutputSettings, oid};

/// What columns are called.
pub struct ColumnNames<'a> {
    /// A column of the input, by position.
    pub input: &'a dyn Fn(usize) -> String,
    /// A column of an enclosing query, by slot.
    pub outer: &'a dyn Fn(usize) -> String,
}

impl CompiledExpression {
    /// The expression in SQL's manner; operators come in parentheses.
    pub fn text(&self, names: &ColumnNames<'_>) -> String {
        let list = |items: &[CompiledExpression], between: &str| {
            items.iter().map(|item| item.text(names)).collect::<Vec<_>>().join(between)
        };
        match &self.operation {
            Operation::Constant(value) => constant(value, self.ty),
            Operation::Parameter(number) => format!("${}", number + 1),
            Operation::Input(position) => (names.input)(*position),
            Operation::Outer(slot) => (names.outer)(*slot),
            Operation::Special(special) => format!("{special:?}").to_uppercase(),
            Operation::And(items) => format!("({})", list(items, " AND ")),
            Operation::Or(items) => format!("({})", list(items, " OR ")),
            Operation::Case { arms, otherwise } => {
                let mut text = String::from("CASE");
                for (when, then) in arms {
                    text.push_str(&format!(" WHEN {} THEN {}", when.text(names), then.text(names)));
                }
                if let Some(otherwise) = otherwise {
                    text.push_str(&format!(" ELSE {}", otherwise.text(names)));
                }
                text + " END"
            }
            Operation::Coalesce(items) => format!("COALESCE({})", list(items, ", ")),
            Operation::Subquery(call) => format!("(SubPlan {})", call.plan + 1),
            Operation::Apply(eager, arguments) => eager_text(eager, arguments, self.ty, names),
        }
    }
}

fn eager_text(eager: &Eager, arguments: &[CompiledExpression], ty: Type, names: &ColumnNames<'_>) -> String {
    let shown: Vec<String> = arguments.iter().map(|argument| argument.text(names)).collect();
    let all = shown.join(", ");
    match (eager, shown.as_slice()) {
        (Eager::Call(call), parts) => call_text(call.call.function, &call.call.arguments, parts),
        (Eager::CoerceViaText { .. } | Eager::CoerceTypmod { .. } | Eager::CoerceArray { .. }, [only]) => {
            format!("({only})::{}", types::format_type(ty.oid, ty.typmod, &types::NoNames))
        }
        (Eager::CoerceToDomain { .. }, [only]) => only.clone(),
        (Eager::Not, [only]) => format!("(NOT {only})"),
        (Eager::IsNull { negated } | Eager::RowIsNull { negated }, [only]) => {
            format!("({only} IS {}NULL)", if *negated { "NOT " } else { "" })
        }
        (Eager::BooleanTest(test), [only]) => {
            let word = match test {
                BooleanTest::IsTrue => "TRUE",
                BooleanTest::IsNotTrue => "NOT TRUE",
                BooleanTest::IsFalse => "FALSE",
                BooleanTest::IsNotFalse => "NOT FALSE",
                BooleanTest::IsUnknown => "UNKNOWN",
                BooleanTest::IsNotUnknown => "NOT UNKNOWN",
            };
            format!("({only} IS {word})")
        }
        (Eager::IsDistinct { negated, .. }, [left, right]) => {
            format!("({left} IS {}DISTINCT FROM {right})", if *negated { "NOT " } else { "" })
        }
        (Eager::NullIf { .. }, _) => format!("NULLIF({all})"),
        (Eager::Extreme { least, .. }, _) => format!("{}({all})", if *least { "LEAST" } else { "GREATEST" }),
        (Eager::Array { .. }, _) => format!("ARRAY[{all}]"),
        (Eager::Row { .. }, _) => format!("ROW({all})"),
        (Eager::AnyArray { call, all }, [left, right]) => {
            let operator = operator_name(call.call.function, &call.call.arguments).unwrap_or("=");
            format!("({left} {operator} {} ({right}))", if *all { "ALL" } else { "ANY" })
        }
        (Eager::Field { .. } | Eager::Subscript { .. }, [first, rest @ ..]) => {
            format!("{first}[{}]", rest.join(":"))
        }
        _ => all,
    }
}

/// The operator that a function implements over these types.
fn operator_name(function: u32, arguments: &[Type]) -> Option<&'static str> {
    let right = arguments.last()?.oid;
    let left = if arguments.len() == 2 { arguments.first()?.oid } else { 0 };
    let mut found = builtin::operators().iter().filter(|row| row.function == function);
    let exact = found.clone().find(|row| row.left == left && row.right == right);
    exact.or_else(|| found.find(|row| (row.left == 0) == (left == 0))).map(|row| row.name)
}

fn call_text(function: u32, arguments: &[Type], parts: &[String]) -> String {
    match (operator_name(function, arguments), parts) {
        (Some(operator), [left, right]) => format!("({left} {operator} {right})"),
        (Some(operator), [only]) => format!("({operator} {only})"),
        _ => format!("{}({})", facts::name(function), parts.join(", ")),
    }
}

/// A constant: numbers bare, everything else as a quoted literal with its type.
fn constant(value: &Value, ty: Type) -> String {
    let name = || types::format_type(ty.oid, ty.typmod, &types::NoNames);
    if value.is_null() {
        return format!("NULL::{}", name());
    }
    let Ok(text) = types::output(ty.oid, value, &OutputSettings::plain()) else { return "?".to_owned() };
    match ty.oid {
        oid::INT4 | oid::BOOL if !text.starts_with('-') => text,
        _ => format!("'{}'::{}", text.replace('\'', "''"), name()),
    }
}
