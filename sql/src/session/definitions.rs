//! Definitions of objects in PostgreSQL's text: pg_get_indexdef, pg_get_constraintdef, pg_get_expr, pg_get_viewdef.

use catalog::{
    Constraint, ConstraintKind, Index, IndexSource, MatchKind, ReferentialAction, Relation, StoredExpression,
};
use engine::Value;

use super::environment::StatementEnvironment;
use super::names::CatalogNames;
use crate::deparse::{Definitions, Layout, quote_identifier};
use crate::error::Result;
use crate::types::{NameKind, Names};

/// pg_get_viewdef by name: (text) and (text, pretty).
const VIEW_BY_NAME: [u32; 2] = [1640, 2505];

impl StatementEnvironment {
    fn catalog_names(&self) -> CatalogNames {
        let search_path = self.shared.evaluated().search_path.clone();
        CatalogNames::new(self.catalog.clone(), self.shared.entry.database_oid, search_path)
    }

    /// Answers a definition function by its oid; `None` for any other.
    pub(super) fn definition_call(&self, function: u32, arguments: &[Value]) -> Option<Result<Value>> {
        let names = self.catalog_names();
        let definitions =
            Definitions { catalog: &self.catalog, database: self.shared.entry.database_oid, names: &names };
        let oid = match arguments.first() {
            Some(Value::UInt32(oid)) => *oid,
            Some(Value::Text(name)) if VIEW_BY_NAME.contains(&function) => {
                match names.find(NameKind::Class, name) {
                    Ok(oid) => oid,
                    Err(error) => return Some(Err(error)),
                }
            }
            Some(_) | None => 0,
        };
        let pretty = |place: usize| match arguments.get(place) {
            Some(Value::Bool(true)) => Layout::PRETTY,
            _ => Layout::PLAIN,
        };
        let relation = || definitions.catalog.relation(definitions.database, oid);
        let text = match function {
            // pg_get_indexdef(oid), (oid, column, pretty)
            1643 => relation().map(|index| definitions.index(index, 0, Layout::PLAIN)),
            2507 => match arguments.get(1) {
                Some(Value::Int32(column)) => {
                    relation().map(|index| definitions.index(index, *column, pretty(2)))
                }
                Some(_) | None => None,
            },
            // pg_get_constraintdef
            1387 | 2508 => match definitions.catalog.constraint(definitions.database, oid) {
                Some(constraint) => Some(definitions.constraint(constraint, pretty(1)).map(Some)),
                None => Some(definitions.domain_constraint(oid, pretty(1))),
            },
            // pg_get_viewdef(oid), (oid, pretty), and by name
            1641 | 1640 | 2506 | 2505 => relation().map(|view| definitions.view_query(view, pretty(1))),
            // pg_get_viewdef(oid, column)
            3159 => match arguments.get(1) {
                Some(Value::Int32(column)) => {
                    let layout = Layout { pretty: true, wrap: *column };
                    relation().map(|view| definitions.view_query(view, layout))
                }
                Some(_) | None => None,
            },
            // pg_get_expr(tree, relation), (tree, relation, pretty)
            1716 | 2509 => {
                let relation = match arguments.get(1) {
                    Some(Value::UInt32(oid)) => definitions.catalog.relation(definitions.database, *oid),
                    Some(_) | None => None,
                };
                let tree = arguments.first().and_then(Value::as_text);
                tree.map(|tree| definitions.tree(tree, relation.map(|relation| &**relation), pretty(2)))
            }
            // pg_get_ruledef: a view's only rule.
            1573 | 2504 => Some(definitions.rule(oid, pretty(1))),
            _ => return None,
        };
        Some(match text {
            Some(Ok(Some(text))) => Ok(Value::from(text)),
            Some(Ok(None)) | None => Ok(Value::Null),
            Some(Err(error)) => Err(error),
        })
    }
}

impl Definitions<'_> {
    /// A view's query; `None` for what is no view.
    pub fn view_query(&self, relation: &Relation, layout: Layout) -> Result<Option<String>> {
        match relation.as_view() {
            Some(_) => self.view(relation, layout).map(Some),
            None => Ok(None),
        }
    }

    /// The rule that makes a view out of its query.
    fn rule(&self, oid: u32, layout: Layout) -> Result<Option<String>> {
        let mut views = self.catalog.relations(self.database);
        let found = views.find(|relation| relation.as_view().is_some_and(|view| view.rule == oid));
        let Some(view) = found else { return Ok(None) };
        let query = self.view(view, layout)?;
        let name = match layout.pretty {
            true => self.names.relation_name(view.oid).unwrap_or_default(),
            false => self.names.qualified_name(view),
        };
        Ok(Some(format!("CREATE RULE \"_RETURN\" AS\n    ON SELECT TO {name} DO INSTEAD {query}")))
    }

    /// Trees as pg_node_tree holds them; any other text is shown as it is, as the defaults of built-in functions are.
    fn tree(&self, tree: &str, relation: Option<&Relation>, layout: Layout) -> Result<Option<String>> {
        let Ok(list) = serde_json::from_str::<Vec<StoredExpression>>(tree) else {
            return Ok(Some(tree.to_owned()));
        };
        let texts: Vec<String> =
            list.iter().map(|stored| self.expression(stored, relation, layout)).collect::<Result<_>>()?;
        Ok(Some(texts.join(", ")))
    }

    /// pg_get_indexdef: the command (column 0), or one column.
    pub fn index(&self, relation: &Relation, column: i32, layout: Layout) -> Result<Option<String>> {
        let Some(index) = relation.as_index() else { return Ok(None) };
        let Some(table) = self.catalog.relation(self.database, index.table) else { return Ok(None) };
        if column != 0 {
            return self.index_column(index, table, column, layout);
        }
        let method = catalog::builtin::access_methods().iter().find(|row| row.oid == index.method);
        let mut text = format!(
            "CREATE {}INDEX {} ON {} USING {} (",
            if index.unique { "UNIQUE " } else { "" },
            quote_identifier(&relation.name),
            match layout.pretty {
                true => self.names.relation_name(table.oid).unwrap_or_default(),
                false => self.names.qualified_name(table),
            },
            method.map_or("btree", |row| row.name)
        );
        let mut keys = Vec::with_capacity(index.keys.len());
        for key in &index.keys {
            let mut shown = self.index_key(&key.source, table, layout)?;
            self.decorate_key(key, index.method, table, &mut shown);
            keys.push(shown);
        }
        text.push_str(&keys.join(", "));
        text.push(')');
        if !index.include.is_empty() {
            text.push_str(&format!(" INCLUDE ({})", self.columns(table.oid, &index.include)));
        }
        if index.nulls_not_distinct {
            text.push_str(" NULLS NOT DISTINCT");
        }
        if !relation.options.is_empty() {
            let options = relation.options.iter();
            let options: Vec<String> = options.map(|(name, value)| format!("{name}='{value}'")).collect();
            text.push_str(&format!(" WITH ({})", options.join(", ")));
        }
        if let Some(predicate) = &index.predicate {
            text.push_str(" WHERE ");
            text.push_str(&self.expression(predicate, Some(table), layout)?);
        }
        Ok(Some(text))
    }

    fn index_column(
        &self,
        index: &Index,
        table: &Relation,
        column: i32,
        layout: Layout,
    ) -> Result<Option<String>> {
        let place = usize::try_from(column).ok().and_then(|column| column.checked_sub(1));
        let Some(place) = place else { return Ok(None) };
        match index.keys.get(place) {
            Some(key) => self.index_key(&key.source, table, layout).map(Some),
            None => Ok(place
                .checked_sub(index.keys.len())
                .and_then(|place| index.include.get(place))
                .and_then(|attribute| table.column(*attribute))
                .map(|column| quote_identifier(&column.name))),
        }
    }

    fn index_key(&self, source: &IndexSource, table: &Relation, layout: Layout) -> Result<String> {
        match source {
            IndexSource::Column(attribute) => {
                Ok(table.column(*attribute).map_or_else(String::new, |column| quote_identifier(&column.name)))
            }
            IndexSource::Expression(stored) => {
                let text = self.expression(stored, Some(table), layout)?;
                Ok(if self.looks_like_function(stored)? { text } else { format!("({text})") })
            }
        }
    }

    /// Collation, operator class and order of a key, where they are not the default.
    fn decorate_key(&self, key: &catalog::IndexKey, method: u32, table: &Relation, text: &mut String) {
        let own = match &key.source {
            IndexSource::Column(attribute) => table.column(*attribute).map_or(0, |column| column.collation),
            IndexSource::Expression(stored) => crate::analyze::written_expression(stored)
                .map_or(key.collation, |expression| expression.collation),
        };
        if key.collation != 0 && key.collation != own {
            let name = catalog::builtin::collation_by_oid(key.collation).map_or("default", |row| row.name);
            text.push_str(&format!(" COLLATE {}", quote_identifier(name)));
        }
        let classes = catalog::builtin::operator_classes();
        let class = classes.iter().find(|row| row.oid == key.operator_class);
        let made = self.catalog.user_type(self.database, key.type_oid);
        let is_enum = made.is_some_and(|made| made.labels().is_some());
        let by = if is_enum { crate::types::oid::ANYENUM } else { key.type_oid };
        if let Some(class) = class
            && catalog::builtin::default_operator_class(method, by).map(|row| row.oid) != Some(class.oid)
        {
            text.push_str(" ");
            match self.names.sees(class.schema) {
                true => text.push_str(&quote_identifier(class.name)),
                false => text.push_str(&self.names.qualified(class.schema, class.name)),
            }
        }
        text.push_str(match (key.descending, key.nulls_first) {
            (false, false) => "",
            (false, true) => " NULLS FIRST",
            (true, true) => " DESC",
            (true, false) => " DESC NULLS LAST",
        });
    }

    /// pg_get_constraintdef.
    pub fn constraint(&self, constraint: &Constraint, layout: Layout) -> Result<String> {
        let mut text = match &constraint.kind {
            ConstraintKind::PrimaryKey { index, columns } => {
                self.key_text("PRIMARY KEY", constraint.relation, columns, *index)
            }
            ConstraintKind::Unique { index, columns } => {
                self.key_text("UNIQUE", constraint.relation, columns, *index)
            }
            ConstraintKind::Check { expression, .. } => {
                let table = self.catalog.relation(self.database, constraint.relation);
                let check = self.expression(expression, table.map(|table| &**table), layout)?;
                let inherit = if constraint.no_inherit { " NO INHERIT" } else { "" };
                format!("CHECK ({check}){inherit}")
            }
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
        Ok(text)
    }

    /// pg_get_constraintdef of a domain's check.
    fn domain_constraint(&self, oid: u32, layout: Layout) -> Result<Option<String>> {
        let domains = self.catalog.user_types(self.database).filter_map(|made| made.domain());
        let found = domains.flat_map(|domain| &domain.checks).find(|check| check.oid == oid);
        let Some(check) = found else { return Ok(None) };
        let condition = self.domain_condition(&check.expression, layout)?;
        let suffix = if check.validated { "" } else { " NOT VALID" };
        Ok(Some(format!("CHECK ({condition}){suffix}")))
    }

    fn key_text(&self, words: &str, table: u32, columns: &[i16], index: u32) -> String {
        let index = self.catalog.relation(self.database, index);
        let index = index.and_then(|relation| relation.as_index());
        let nulls = index.is_some_and(|index| index.nulls_not_distinct);
        let mut text = format!(
            "{words} {}({})",
            if nulls { "NULLS NOT DISTINCT " } else { "" },
            self.columns(table, columns)
        );
        if let Some(index) = index.filter(|index| !index.include.is_empty()) {
            text.push_str(&format!(" INCLUDE ({})", self.columns(table, &index.include)));
        }
        text
    }

    fn foreign_key_text(&self, constraint: &Constraint, key: &catalog::ForeignKey) -> String {
        let table = self.names.relation_name(key.referenced).unwrap_or_default();
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
        if !key.delete_columns.is_empty() {
            text.push_str(&format!(" ({})", self.columns(constraint.relation, &key.delete_columns)));
        }
        text
    }

    fn columns(&self, relation: u32, numbers: &[i16]) -> String {
        let Some(relation) = self.catalog.relation(self.database, relation) else {
            return String::new();
        };
        let names: Vec<String> = numbers
            .iter()
            .filter_map(|number| relation.column(*number))
            .map(|column| quote_identifier(&column.name))
            .collect();
        names.join(", ")
    }
}
