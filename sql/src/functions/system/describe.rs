//! Functions described: arguments, result, and what else clients ask of pg_proc's rows.

use catalog::builtin::{self, FunctionRow};

use crate::evaluate::Context;
use crate::functions::argument::contextual;
use crate::functions::registry::Scalars;
use crate::functions::string::quote::quote_identifier;
use crate::types::format_type;

/// One parameter: mode, name and type, as CREATE FUNCTION writes them.
fn parameter(context: &Context, row: &FunctionRow, at: usize, ty: u32, mode: char) -> String {
    let names = context.environment.names();
    let mut text = match mode {
        'o' => "OUT ",
        'b' => "INOUT ",
        'v' => "VARIADIC ",
        _ => "",
    }
    .to_owned();
    if let Some(name) = row.argument_names.get(at).filter(|name| !name.is_empty()) {
        text.push_str(&quote_identifier(name));
        text.push(' ');
    }
    text + &format_type(ty, -1, &*names)
}

/// The parameters; `identity` leaves out those that only come out, and defaults.
fn arguments(context: &Context, oid: u32, identity: bool) -> Option<String> {
    let row = builtin::function_by_oid(oid)?;
    let all = row.all_arguments.as_ref().unwrap_or(&row.arguments);
    let mode = |at: usize| row.argument_modes.get(at).copied().unwrap_or('i');
    let defaults: Vec<&str> = row.defaults.map_or_else(Vec::new, |defaults| defaults.split(", ").collect());
    let inputs = row.arguments.len();
    let mut seen = 0;
    let mut parts = Vec::new();
    for (at, &ty) in all.iter().enumerate() {
        let mode = mode(at);
        if mode == 't' || (identity && mode == 'o') {
            continue;
        }
        let mut text = parameter(context, row, at, ty, mode);
        if mode != 'o' {
            seen += 1;
            let default = (seen + defaults.len()).checked_sub(inputs + 1).and_then(|at| defaults.get(at));
            if let Some(default) = default.filter(|_| !identity) {
                text.push_str(" DEFAULT ");
                text.push_str(default);
            }
        }
        parts.push(text);
    }
    Some(parts.join(", "))
}

fn result(context: &Context, oid: u32) -> Option<String> {
    let row = builtin::function_by_oid(oid)?;
    let names = context.environment.names();
    let columns: Vec<String> = row
        .all_arguments
        .iter()
        .flatten()
        .enumerate()
        .filter(|(at, _)| row.argument_modes.get(*at) == Some(&'t'))
        .map(|(at, &ty)| parameter(context, row, at, ty, 'i'))
        .collect();
    if !columns.is_empty() {
        return Some(format!("TABLE({})", columns.join(", ")));
    }
    let set = if row.returns_set { "SETOF " } else { "" };
    Some(format!("{set}{}", format_type(row.return_type, -1, &*names)))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // pg_get_function_arguments(oid)
    (2162, contextual!(|context, oid| arguments(context, oid, false), u32)),
    // pg_get_function_identity_arguments(oid)
    (2232, contextual!(|context, oid| arguments(context, oid, true), u32)),
    // pg_get_function_result(oid)
    (2165, contextual!(result, u32)),
];
