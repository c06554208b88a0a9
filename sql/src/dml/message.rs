//! PostgreSQL's messages about rows that may not be.

use engine::Value;

use super::model::{IndexModel, TableModel};
use crate::error::{Error, SqlState};
use crate::evaluate::Context;
use crate::session::names::CatalogNames;
use crate::types::{self, OutputSettings};

/// The text of values as messages show them.
fn texts<'a>(
    context: &Context,
    items: impl Iterator<Item = (u32, &'a Value)>,
    limit: Option<usize>,
) -> String {
    let names = CatalogNames::of_context(context);
    let settings = OutputSettings::new(&context.settings, &names);
    let mut shown = String::new();
    for (index, (type_oid, value)) in items.enumerate() {
        if index > 0 {
            shown.push_str(", ");
        }
        if value.is_null() {
            shown.push_str("null");
            continue;
        }
        match types::output(type_oid, value, &settings) {
            Ok(text) => match limit {
                Some(limit) if text.len() > limit => {
                    let mut end = limit;
                    while !text.is_char_boundary(end) {
                        end -= 1;
                    }
                    shown.push_str(&text[..end]);
                    shown.push_str("...");
                }
                _ => shown.push_str(&text),
            },
            Err(_) => shown.push('?'),
        }
    }
    shown
}

/// "Failing row contains (...)."
pub fn failing_row(model: &TableModel, row: &[Value], context: &Context) -> String {
    let items = model.columns.iter().map(|column| column.type_oid).zip(row);
    format!("Failing row contains ({}).", texts(context, items, Some(64)))
}

/// 23502.
pub fn not_null(model: &TableModel, position: usize, row: &[Value], context: &Context) -> Error {
    let name = model.columns.get(position).map_or("", |column| column.name.as_str());
    Error::new(
        SqlState::NotNullViolation,
        format!(
            "null value in column \"{name}\" of relation \"{}\" violates not-null constraint",
            model.name
        ),
    )
    .detail(failing_row(model, row, context))
    .schema(&model.schema)
    .table(&model.name)
    .column(name)
}

/// 23514.
pub fn check(model: &TableModel, name: &str, row: &[Value], context: &Context) -> Error {
    Error::new(
        SqlState::CheckViolation,
        format!("new row for relation \"{}\" violates check constraint \"{name}\"", model.name),
    )
    .detail(failing_row(model, row, context))
    .schema(&model.schema)
    .table(&model.name)
    .constraint(name)
}

/// "(a, b)=(1, 2)" of an index key.
pub fn index_key_text(index: &IndexModel, values: &[Value], context: &Context) -> String {
    let columns: Vec<&str> = index.keys.iter().map(|key| key.text.as_str()).collect();
    let items = index.keys.iter().map(|key| key.type_oid).zip(values);
    format!("({})=({})", columns.join(", "), texts(context, items, None))
}

/// 23505.
pub fn unique(model: &TableModel, index: &IndexModel, values: &[Value], context: &Context) -> Error {
    Error::new(
        SqlState::UniqueViolation,
        format!("duplicate key value violates unique constraint \"{}\"", index.name),
    )
    .detail(format!("Key {} already exists.", index_key_text(index, values, context)))
    .schema(&model.schema)
    .table(&model.name)
    .constraint(&index.name)
}

/// "(a)=(1)" of columns by position.
pub fn columns_text(model: &TableModel, positions: &[usize], row: &[Value], context: &Context) -> String {
    let columns: Vec<&str> = positions
        .iter()
        .filter_map(|position| model.columns.get(*position))
        .map(|column| column.name.as_str())
        .collect();
    let items = positions
        .iter()
        .filter_map(|position| Some((model.columns.get(*position)?.type_oid, row.get(*position)?)));
    format!("({})=({})", columns.join(", "), texts(context, items, None))
}
