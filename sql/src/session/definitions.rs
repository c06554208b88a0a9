//! Definitions of objects in PostgreSQL's text: pg_get_indexdef, pg_get_constraintdef, pg_get_expr, pg_get_viewdef.
//!
//! Stored expressions are shown in the text they were written in; names that were changed since still read as they did.

use catalog::{Constraint, ConstraintKind, MatchKind, ReferentialAction};
use engine::Value;

use super::environment::StatementEnvironment;
use super::names::{CatalogNames, quoted};

impl StatementEnvironment {
    fn catalog_names(&self) -> CatalogNames {
        let search_path = self.shared.evaluated().search_path.clone();
        CatalogNames::new(self.catalog.clone(), self.shared.entry.database_oid, search_path)
    }

    /// Answers a definition function by its oid; `None` for any other.
    pub(super) fn definition_call(&self, function: u32, arguments: &[Value]) -> Option<Value> {
        let oid = match arguments.first() {
            Some(Value::UInt32(oid)) => *oid,
            Some(_) | None => 0,
        };
        let text = match function {
            // pg_get_indexdef(oid), (oid, column, pretty)
            1643 => self.index_text(oid, 0),
            2507 => match arguments.get(1) {
                Some(Value::Int32(column)) => self.index_text(oid, *column),
                Some(_) | None => None,
            },
            // pg_get_constraintdef
            1387 | 2508 => self.constraint_text(oid),
            // pg_get_viewdef(oid), (oid, pretty), (oid, column)
            1641 | 2506 | 3159 => self.view_text(oid),
            // pg_get_expr: the first argument is the text already.
            1716 | 2509 => arguments.first().and_then(Value::as_text).map(str::to_owned),
            // pg_get_ruledef: a view's only rule is its query.
            1573 | 2504 => None,
            _ => return None,
        };
        Some(text.map_or(Value::Null, Value::from))
    }

    fn index_text(&self, oid: u32, column: i32) -> Option<String> {
        let relation = self.catalog.relation(self.shared.entry.database_oid, oid)?;
        if column == 0 {
            return Some(self.catalog_names().index_definition(relation));
        }
        let key = relation.as_index()?.keys.get(usize::try_from(column - 1).ok()?)?;
        match &key.source {
            catalog::IndexSource::Column(_) => Some(quoted(&key.name)),
            catalog::IndexSource::Expression(expression) => Some(expression.text.clone()),
        }
    }

    fn view_text(&self, oid: u32) -> Option<String> {
        let relation = self.catalog.relation(self.shared.entry.database_oid, oid)?;
        relation.as_view().map(|view| format!(" {};", view.query.text.trim_end_matches(';')))
    }

    fn constraint_text(&self, oid: u32) -> Option<String> {
        let constraint = self.catalog.constraint(self.shared.entry.database_oid, oid)?;
        let mut text = match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, .. } => {
                format!("PRIMARY KEY ({})", self.columns(constraint.relation, columns))
            }
            ConstraintKind::Unique { columns, .. } => {
                format!("UNIQUE ({})", self.columns(constraint.relation, columns))
            }
            ConstraintKind::Check { expression, .. } => format!("CHECK (({}))", expression.text),
            ConstraintKind::ForeignKey(key) => self.foreign_key_text(constraint, key),
        };
        if constraint.deferrable {
            text.push_str(" DEFERRABLE");
        }
        if constraint.initially_deferred {
            text.push_str(" INITIALLY DEFERRED");
        }
        if !constraint.validated {
            text.push_str(" NOT VALID");
        }
        Some(text)
    }

    fn foreign_key_text(&self, constraint: &Constraint, key: &catalog::ForeignKey) -> String {
        let table = self.catalog_names().relation_name(key.referenced).unwrap_or_default();
        let mut text = format!(
            "FOREIGN KEY ({}) REFERENCES {table}({})",
            self.columns(constraint.relation, &key.columns),
            self.columns(key.referenced, &key.referenced_columns)
        );
        if key.match_kind == MatchKind::Full {
            text.push_str(" MATCH FULL");
        }
        for (event, action) in [("UPDATE", key.on_update), ("DELETE", key.on_delete)] {
            let words = match action {
                ReferentialAction::NoAction => continue,
                ReferentialAction::Restrict => "RESTRICT",
                ReferentialAction::Cascade => "CASCADE",
                ReferentialAction::SetNull => "SET NULL",
                ReferentialAction::SetDefault => "SET DEFAULT",
            };
            text.push_str(&format!(" ON {event} {words}"));
        }
        text
    }

    fn columns(&self, relation: u32, numbers: &[i16]) -> String {
        let Some(relation) = self.catalog.relation(self.shared.entry.database_oid, relation) else {
            return String::new();
        };
        let names: Vec<String> = numbers
            .iter()
            .filter_map(|number| relation.column(*number))
            .map(|column| quoted(&column.name))
            .collect();
        names.join(", ")
    }
}
