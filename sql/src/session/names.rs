//! The catalog behind the `reg…` types and the types that users made.

use std::sync::Arc;

use catalog::{RelationKind, Snapshot, builtin};

use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::quote_identifier as quoted;
use crate::types::{NameKind, Names, NoNames, TypeShape, format_type};

/// Names as one statement sees them.
pub struct CatalogNames {
    catalog: Arc<Snapshot>,
    database: u32,
    search_path: Arc<[Arc<str>]>,
}

impl CatalogNames {
    pub fn new(catalog: Arc<Snapshot>, database: u32, search_path: Arc<[Arc<str>]>) -> CatalogNames {
        CatalogNames { catalog, database, search_path }
    }

    /// Names of an execution.
    pub fn of_context(context: &Context) -> CatalogNames {
        CatalogNames {
            catalog: context.environment.catalog(),
            database: context.environment.database(),
            search_path: context.settings.search_path.clone(),
        }
    }

    fn schema_oid(&self, name: &str) -> Result<u32> {
        if name == "pg_catalog" {
            return Ok(builtin::PG_CATALOG);
        }
        let found = self.catalog.named_schema(self.database, &self.search_path, name);
        found.map(|schema| schema.oid).ok_or_else(|| {
            Error::new(SqlState::InvalidSchemaName, format!("schema \"{name}\" does not exist"))
        })
    }

    fn schema_name(&self, oid: u32) -> String {
        self.catalog
            .schema(self.database, oid)
            .map_or_else(|| "pg_catalog".to_string(), |schema| schema.name.clone())
    }

    /// The name of a relation, with its schema where the search path does not find it.
    pub fn relation_name(&self, oid: u32) -> Option<String> {
        let relation = self.catalog.relation(self.database, oid)?;
        let name = quoted(&relation.name);
        if self.catalog.is_visible(self.database, &self.search_path, relation) {
            return Some(name);
        }
        Some(format!("{}.{name}", quoted(&self.schema_name(relation.schema))))
    }

    fn type_name(&self, oid: u32) -> Option<String> {
        if let Some(row) = builtin::type_by_oid(oid) {
            // The types of information_schema have no name in the grammar.
            return Some(match row.schema {
                builtin::PG_CATALOG => format_type(oid, -1, &NoNames),
                builtin::VECTOR => return self.extension_type_name(oid),
                schema => format!("{}.{}", quoted(&self.schema_name(schema)), quoted(&row.name)),
            });
        }
        let row = self.catalog.type_by_oid(self.database, oid)?;
        let element = if row.element == 0 { oid } else { row.element };
        if let Some(made) = self.catalog.user_type(self.database, element) {
            let suffix = if row.element == 0 { "" } else { "[]" };
            return Some(format!("{}{suffix}", self.made_type_name(made)));
        }
        let relation = self.catalog.type_by_oid(self.database, element)?.relation;
        let name = self.relation_name(relation)?;
        Some(if row.element == 0 { name } else { format!("{name}[]") })
    }

    /// The name of a type that an extension brought, with its schema where the search path does not find it.
    fn extension_type_name(&self, oid: u32) -> Option<String> {
        let row = self.catalog.type_by_oid(self.database, oid)?;
        if row.element != 0 {
            return self.extension_type_name(row.element).map(|name| format!("{name}[]"));
        }
        let found = self.catalog.find_type(self.database, &self.search_path, &row.name);
        let seen = found.is_some_and(|found| found.oid == oid);
        Some(if seen { quoted(&row.name) } else { self.in_schema(row.schema, &quoted(&row.name)) })
    }

    fn in_schema(&self, schema: u32, name: &str) -> String {
        format!("{}.{name}", quoted(&self.schema_name(schema)))
    }

    /// Whether the search path has the schema of a described object.
    pub fn sees(&self, schema: u32) -> bool {
        let Some(schema) = self.catalog.placed(self.database, schema) else { return false };
        self.catalog.search_schemas(self.database, &self.search_path).contains(&schema)
    }

    /// The name of a described object with the schema it is in.
    pub fn qualified(&self, schema: u32, name: &str) -> String {
        self.in_schema(self.catalog.placed(self.database, schema).unwrap_or(schema), name)
    }

    /// The functions of a name that this database has.
    fn functions(&self, name: &str) -> Vec<&'static builtin::FunctionRow> {
        let rows = builtin::functions_by_name(name).iter().copied();
        rows.filter(|row| self.catalog.placed(self.database, row.schema).is_some()).collect()
    }

    /// The name of an enum or domain, with its schema where the search path does not find it.
    fn made_type_name(&self, made: &catalog::UserType) -> String {
        let found = self.catalog.find_type(self.database, &self.search_path, &made.name);
        match found.is_some_and(|row| row.oid == made.oid) {
            true => quoted(&made.name),
            false => format!("{}.{}", quoted(&self.schema_name(made.schema)), quoted(&made.name)),
        }
    }

    /// The name of a relation with its schema, whatever the search path.
    pub fn qualified_name(&self, relation: &catalog::Relation) -> String {
        format!("{}.{}", quoted(&self.schema_name(relation.schema)), quoted(&relation.name))
    }

    fn find_relation(&self, text: &str) -> Result<u32> {
        let parts = split_name(text)?;
        let found = match parts.as_slice() {
            [name] => self.catalog.find_relation(self.database, &self.search_path, name),
            [schema, name] | [_, schema, name] => {
                self.catalog.relation_by_name(self.database, self.schema_oid(schema)?, name)
            }
            _ => None,
        };
        found.map(|relation| relation.oid).ok_or_else(|| {
            Error::new(SqlState::UndefinedTable, format!("relation \"{}\" does not exist", parts.join(".")))
        })
    }

    fn find_type(&self, text: &str) -> Result<u32> {
        let trimmed = text.trim();
        let (base, array) = match trimmed.strip_suffix("[]") {
            Some(base) => (base.trim_end(), true),
            None => (trimmed, false),
        };
        let base = base.split('(').next().unwrap_or(base).trim_end();
        let missing = || Error::new(SqlState::UndefinedObject, format!("type \"{text}\" does not exist"));
        let spelled = sql_type_name(base);
        let parts = match spelled {
            Some(name) => vec![name.to_string()],
            None => split_name(base)?,
        };
        let row = match parts.as_slice() {
            [name] => self.catalog.find_type(self.database, &self.search_path, name),
            [schema, name] => self.catalog.type_by_name(self.database, self.schema_oid(schema)?, name),
            _ => None,
        }
        .ok_or_else(missing)?;
        if array { Some(row.array).filter(|oid| *oid != 0).ok_or_else(missing) } else { Ok(row.oid) }
    }

    fn find_procedure(&self, text: &str) -> Result<u32> {
        let parts = split_name(text)?;
        let name = parts.last().map_or("", String::as_str);
        match self.functions(name).as_slice() {
            [] => Err(Error::new(SqlState::UndefinedFunction, format!("function \"{text}\" does not exist"))),
            [one] => Ok(one.oid),
            _ => Err(Error::new(
                SqlState::AmbiguousFunction,
                format!("more than one function named \"{text}\""),
            )),
        }
    }

    fn find_procedure_with_arguments(&self, text: &str) -> Result<u32> {
        let missing =
            || Error::new(SqlState::UndefinedFunction, format!("function \"{text}\" does not exist"));
        let (name, arguments) = text
            .split_once('(')
            .ok_or_else(|| Error::new(SqlState::InvalidTextRepresentation, "expected a left parenthesis"))?;
        let arguments = arguments
            .trim_end()
            .strip_suffix(')')
            .ok_or_else(|| Error::new(SqlState::InvalidTextRepresentation, "expected a right parenthesis"))?;
        let parts = split_name(name)?;
        let name = parts.last().map_or("", String::as_str);
        let mut types = Vec::new();
        for argument in arguments.split(',').map(str::trim).filter(|argument| !argument.is_empty()) {
            types.push(self.find_type(argument)?);
        }
        self.functions(name)
            .into_iter()
            .find(|function| function.arguments == types)
            .map(|function| function.oid)
            .ok_or_else(missing)
    }
}

/// The internal name of a type that SQL spells otherwise.
fn sql_type_name(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "integer" | "int" => "int4",
        "bigint" => "int8",
        "smallint" => "int2",
        "real" => "float4",
        "double precision" | "float" => "float8",
        "decimal" => "numeric",
        "boolean" => "bool",
        "character varying" => "varchar",
        "character" | "char" => "bpchar",
        "\"char\"" => "char",
        "timestamp with time zone" => "timestamptz",
        "timestamp without time zone" => "timestamp",
        "time with time zone" => "timetz",
        "time without time zone" => "time",
        "bit varying" => "varbit",
        _ => return None,
    })
}

impl Names for CatalogNames {
    fn name_of(&self, kind: NameKind, oid: u32) -> Option<String> {
        match kind {
            NameKind::Class => self.relation_name(oid),
            NameKind::Type => self.type_name(oid),
            NameKind::Procedure => {
                let function = builtin::function_by_oid(oid)?;
                let unique = self.functions(function.name).len() == 1;
                Some(if unique && self.sees(function.schema) {
                    quoted(function.name)
                } else {
                    self.qualified(function.schema, &quoted(function.name))
                })
            }
            NameKind::ProcedureWithArguments => {
                let function = builtin::function_by_oid(oid)?;
                let arguments: Vec<String> =
                    function.arguments.iter().map(|argument| format_type(*argument, -1, self)).collect();
                let name = match self.sees(function.schema) {
                    true => quoted(function.name),
                    false => self.qualified(function.schema, &quoted(function.name)),
                };
                Some(format!("{name}({})", arguments.join(",")))
            }
            NameKind::Operator => builtin::operator_by_oid(oid).map(|operator| {
                let unique = builtin::operators_by_name(operator.name).len() == 1;
                match unique && self.sees(operator.schema) {
                    true => operator.name.to_string(),
                    false => self.qualified(operator.schema, operator.name),
                }
            }),
            NameKind::OperatorWithArguments => builtin::operator_by_oid(oid).map(|operator| {
                let side = |oid: u32| if oid == 0 { "none".to_string() } else { format_type(oid, -1, self) };
                let name = match self.sees(operator.schema) {
                    true => operator.name.to_string(),
                    false => self.qualified(operator.schema, operator.name),
                };
                format!("{name}({},{})", side(operator.left), side(operator.right))
            }),
            NameKind::Namespace => match oid {
                builtin::PG_CATALOG => Some("pg_catalog".to_string()),
                _ => self.catalog.schema(self.database, oid).map(|schema| quoted(&schema.name)),
            },
            NameKind::Role => self.catalog.role(oid).map(|role| quoted(&role.name)),
            NameKind::Collation => builtin::collation_by_oid(oid).map(|collation| quoted(&collation.name)),
            NameKind::TextSearchConfiguration | NameKind::TextSearchDictionary => None,
        }
    }

    fn find(&self, kind: NameKind, text: &str) -> Result<u32> {
        match kind {
            NameKind::Class => self.find_relation(text),
            NameKind::Type => self.find_type(text),
            NameKind::Procedure => self.find_procedure(text),
            NameKind::ProcedureWithArguments => self.find_procedure_with_arguments(text),
            NameKind::Operator | NameKind::OperatorWithArguments => {
                Err(Error::unsupported("input of operator names"))
            }
            NameKind::Namespace => self.schema_oid(split_name(text)?.last().map_or("", String::as_str)),
            NameKind::Role => {
                let parts = split_name(text)?;
                let name = parts.last().map_or("", String::as_str);
                self.catalog.role_by_name(name).map(|role| role.oid).ok_or_else(|| {
                    Error::new(SqlState::UndefinedObject, format!("role \"{name}\" does not exist"))
                })
            }
            NameKind::Collation => {
                let parts = split_name(text)?;
                let name = parts.last().map_or("", String::as_str);
                builtin::collation_by_name(name).map(|collation| collation.oid).ok_or_else(|| {
                    Error::new(
                        SqlState::UndefinedObject,
                        format!("collation \"{text}\" for encoding \"UTF8\" does not exist"),
                    )
                })
            }
            NameKind::TextSearchConfiguration => Err(Error::new(
                SqlState::UndefinedObject,
                format!("text search configuration \"{text}\" does not exist"),
            )),
            NameKind::TextSearchDictionary => Err(Error::new(
                SqlState::UndefinedObject,
                format!("text search dictionary \"{text}\" does not exist"),
            )),
        }
    }

    fn shape(&self, oid: u32) -> Option<TypeShape> {
        if let Some(labels) = self.catalog.user_type(self.database, oid).and_then(|made| made.labels()) {
            let labels = labels.iter().map(|label| (label.order, label.label.clone())).collect();
            return Some(TypeShape::Enum { labels });
        }
        let row = self.catalog.type_by_oid(self.database, oid)?;
        if row.element != 0 {
            return Some(TypeShape::Array { element: row.element });
        }
        let relation = self.catalog.relation(self.database, row.relation)?;
        match &relation.kind {
            RelationKind::Table(_)
            | RelationKind::View(_)
            | RelationKind::MaterializedView(_)
            | RelationKind::System { .. } => Some(TypeShape::Composite {
                columns: relation.live_columns().map(|column| (column.type_oid, column.typmod)).collect(),
            }),
            RelationKind::Index(_) | RelationKind::Sequence(_) => None,
        }
    }
}

/// The parts of a possibly qualified, possibly quoted name; unquoted parts are folded.
pub fn split_name(text: &str) -> Result<Vec<String>> {
    let invalid = || Error::new(SqlState::InvalidName, "invalid name syntax");
    let mut parts = Vec::new();
    let mut characters = text.trim().chars().peekable();
    loop {
        let mut part = String::new();
        if characters.peek() == Some(&'"') {
            characters.next();
            loop {
                match characters.next() {
                    Some('"') if characters.peek() == Some(&'"') => {
                        characters.next();
                        part.push('"');
                    }
                    Some('"') => break,
                    Some(c) => part.push(c),
                    None => return Err(invalid()),
                }
            }
        } else {
            while let Some(c) = characters.peek().copied().filter(|c| *c != '.' && !c.is_whitespace()) {
                characters.next();
                part.extend(c.to_lowercase());
            }
        }
        if part.is_empty() {
            return Err(invalid());
        }
        parts.push(part);
        while characters.peek().is_some_and(|c| c.is_whitespace()) {
            characters.next();
        }
        match characters.next() {
            None => return Ok(parts),
            Some('.') => {}
            Some(_) => return Err(invalid()),
        }
        while characters.peek().is_some_and(|c| c.is_whitespace()) {
            characters.next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_and_folded() {
        assert_eq!(split_name("Public.\"A.b\"").unwrap(), ["public", "A.b"]);
        assert!(split_name("a.").is_err());
    }
}
