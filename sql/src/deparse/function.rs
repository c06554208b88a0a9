//! Calls, plain and in the forms of the standard.

use engine::Value;

use super::simple::Parent;
use super::{Deparser, quote_identifier};
use crate::tree::{Expression, ExpressionKind};

impl<'a> Deparser<'a> {
    /// The name of a function, with its schema where that is not pg_catalog.
    pub(super) fn function_name(&mut self, function: u32) {
        let Some(row) = catalog::builtin::function_by_oid(function) else { return self.push("?") };
        if row.schema == catalog::builtin::VECTOR {
            let name = quote_identifier(row.name);
            let seen = self.names.sees(row.schema);
            let text = if seen { name } else { self.names.qualified(row.schema, &name) };
            return self.push(&text);
        }
        if row.schema != catalog::builtin::PG_CATALOG
            && let Some(schema) = self.catalog.schema(self.database, row.schema)
        {
            let name = schema.name.clone();
            self.identifier(&name);
            self.push(".");
        }
        self.identifier(row.name);
    }

    /// The name of an operator, in the form that tells its schema where the search path does not.
    pub(super) fn operator_name(&self, operator: u32) -> String {
        match catalog::builtin::operator_by_oid(operator) {
            None => "?".to_string(),
            Some(row) if row.schema == catalog::builtin::PG_CATALOG || self.names.sees(row.schema) => {
                row.name.to_string()
            }
            Some(row) => format!("OPERATOR({})", self.names.qualified(row.schema, row.name)),
        }
    }

    pub(super) fn call(&mut self, function: u32, arguments: &'a [Expression], variadic: bool) {
        self.function_name(function);
        self.push("(");
        for (place, argument) in arguments.iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            if variadic && place + 1 == arguments.len() {
                self.push("VARIADIC ");
            }
            self.value(argument, true);
        }
        self.push(")");
    }

    /// A call that was written in a form of the standard's own; false where there is none for the function.
    pub(super) fn special_syntax(&mut self, function: u32, arguments: &'a [Expression]) -> bool {
        let Some(row) = catalog::builtin::function_by_oid(function) else { return false };
        match (row.name, arguments) {
            ("timezone", [zone, time]) => {
                self.push("(");
                self.operand(time, false, Parent::Other);
                self.push(" AT TIME ZONE ");
                self.operand(zone, false, Parent::Other);
                self.push(")");
            }
            ("overlaps", [a, b, c, d]) => {
                self.pieces(&[("((", a), (", ", b), (") OVERLAPS (", c), (", ", d)], "))")
            }
            ("extract", [field, source]) => {
                let ExpressionKind::Constant(Value::Text(field)) = &field.kind else { return false };
                self.push(&format!("EXTRACT({field} FROM "));
                self.value(source, false);
                self.push(")");
            }
            ("is_normalized", [text]) => self.pieces(&[("(", text)], " IS NORMALIZED)"),
            ("is_normalized", [text, form]) => {
                let ExpressionKind::Constant(Value::Text(form)) = &form.kind else { return false };
                self.push("(");
                self.operand(text, false, Parent::Other);
                self.push(&format!(" IS {form} NORMALIZED)"));
            }
            ("pg_collation_for", [value]) => self.pieces(&[("COLLATION FOR (", value)], ")"),
            ("normalize", [text]) => self.pieces(&[("NORMALIZE(", text)], ")"),
            ("normalize", [text, form]) => {
                let ExpressionKind::Constant(Value::Text(form)) = &form.kind else { return false };
                self.push("NORMALIZE(");
                self.value(text, false);
                self.push(&format!(", {form})"));
            }
            ("overlay", [text, new, from]) => {
                self.pieces(&[("OVERLAY(", text), (" PLACING ", new), (" FROM ", from)], ")");
            }
            ("overlay", [text, new, from, length]) => {
                let pieces = [("OVERLAY(", text), (" PLACING ", new), (" FROM ", from), (" FOR ", length)];
                self.pieces(&pieces, ")");
            }
            ("position", [text, part]) => {
                self.pieces(&[("POSITION((", part), (") IN (", text)], "))");
            }
            ("substring", [text, from]) => self.pieces(&[("SUBSTRING(", text), (" FROM ", from)], ")"),
            ("substring", [text, pattern, escape]) if escape.ty.oid == crate::types::oid::TEXT => {
                self.pieces(&[("SUBSTRING(", text), (" SIMILAR ", pattern), (" ESCAPE ", escape)], ")");
            }
            ("substring", [text, from, length]) => {
                self.pieces(&[("SUBSTRING(", text), (" FROM ", from), (" FOR ", length)], ")");
            }
            ("btrim", _) => return self.trim("BOTH", arguments),
            ("ltrim", _) => return self.trim("LEADING", arguments),
            ("rtrim", _) => return self.trim("TRAILING", arguments),
            _ => return false,
        }
        true
    }

    fn trim(&mut self, side: &str, arguments: &'a [Expression]) -> bool {
        let (text, characters) = match arguments {
            [text] => (text, None),
            [text, characters] => (text, Some(characters)),
            _ => return false,
        };
        self.push(&format!("TRIM({side}"));
        if let Some(characters) = characters {
            self.push(" ");
            self.value(characters, false);
        }
        self.push(" FROM ");
        self.value(text, false);
        self.push(")");
        true
    }

    fn pieces(&mut self, pieces: &[(&str, &'a Expression)], end: &str) {
        for (word, value) in pieces {
            self.push(word);
            self.value(value, false);
        }
        self.push(end);
    }
}
