//! CREATE INDEX USING hnsw and ivfflat: indexes of the extension vector.
//!
//! Options, limits and complaints are pgvector's. The access method that stands behind both names is one of our own: it
//! is told the metric, the dimensions and, for hnsw, the options; `lists` of ivfflat is on the list of options that
//! change nothing. NULLs are not in such an index.

use std::collections::BTreeMap;

use catalog::builtin::{self, AccessMethodRow, HNSW, OperatorClassRow};
use catalog::{Index, IndexKey, IndexSource, Relation};
use engine::{ColumnId, IndexId, RelationLockMode, VectorIndexSchema, vector};

use super::Definer;
use super::options::{IVFFLAT_OPTIONS, check_tablespace, full_name, option_text};
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{
    CreateIndex, ExpressionKind, IndexElement, ObjectName, SortDirection, StorageOption,
};
use crate::types::embedding::Element;
use crate::types::embedding::distance::Metric;

/// Option, default, least and greatest value.
const HNSW_OPTIONS: &[(&str, i64, i64, i64)] = &[("m", 16, 2, 100), ("ef_construction", 64, 4, 1000)];

/// The most dimensions that can be indexed.
fn most_dimensions(element: Element) -> i32 {
    match element {
        Element::Single => 2000,
        Element::Half => 4000,
    }
}

impl Definer {
    /// The access method of a name; those of an extension are there where it is installed.
    pub(super) fn access_method(&self, name: &str) -> Result<&'static AccessMethodRow> {
        let snapshot = self.snapshot();
        let found = builtin::access_methods().iter().find(|row| row.name == name);
        found.filter(|row| snapshot.placed(self.database, row.schema()).is_some()).ok_or_else(|| {
            Error::new(SqlState::UndefinedObject, format!("access method \"{name}\" does not exist"))
        })
    }

    pub(super) async fn create_vector_index(
        &mut self,
        create: &CreateIndex,
        method: &'static AccessMethodRow,
    ) -> Result<String> {
        let tag = "CREATE INDEX".to_string();
        check_tablespace(create.tablespace.as_ref())?;
        let table = self.rows_to_change(&create.table, RelationLockMode::Share).await?;
        let element = only_element(create, method)?;
        let options = options(&create.options, method)?;
        let key = self.vector_key(&table, element, method)?;
        check_options(&options)?;
        let name = match &create.name {
            Some(name) => name.text.clone(),
            None => self.free_name(table.schema, &[&table.name, &key.name], "idx"),
        };
        if !self.check_free(table.schema, &name, create.if_not_exists)? {
            return Ok(tag);
        }
        let index = Index {
            table: table.oid,
            method: method.oid,
            keys: vec![key],
            include: Vec::new(),
            unique: false,
            primary: false,
            nulls_not_distinct: false,
            immediate: true,
            predicate: None,
            valid: true,
            clustered: false,
        };
        self.build_index(&table, &name, index, options).await?;
        Ok(tag)
    }

    fn vector_key(
        &self,
        table: &Relation,
        element: &IndexElement,
        method: &AccessMethodRow,
    ) -> Result<IndexKey> {
        let ExpressionKind::Column(parts) = &element.expression.kind else {
            return Err(Error::unsupported(format!("an {} index on an expression", method.name)));
        };
        let name = parts.last().map_or("", String::as_str);
        let column = table.column_by_name(name).filter(|_| parts.len() == 1).ok_or_else(|| {
            Error::new(SqlState::UndefinedColumn, format!("column \"{name}\" does not exist"))
        })?;
        let class = self.vector_class(column.type_oid, element.operator_class.as_ref(), method)?;
        let refused = match (&element.direction, element.nulls_first) {
            (SortDirection::Ascending | SortDirection::Descending | SortDirection::Using(_), _) => "ASC/DESC",
            (SortDirection::Default, Some(_)) => "NULLS FIRST/LAST",
            (SortDirection::Default, None) => "",
        };
        if !refused.is_empty() {
            return Err(does_not_support(method, &format!("{refused} options")));
        }
        let Some(kind) = Element::of(column.type_oid) else {
            let message = format!("type not supported for {} index", method.name);
            return Err(Error::new(SqlState::FeatureNotSupported, message));
        };
        if column.typmod < 0 {
            return Err(Error::new(SqlState::InvalidParameterValue, "column does not have dimensions"));
        }
        let most = most_dimensions(kind);
        if column.typmod > most {
            let message = format!("column cannot have more than {most} dimensions for {} index", method.name);
            return Err(Error::new(SqlState::ProgramLimitExceeded, message));
        }
        Ok(IndexKey {
            source: IndexSource::Column(column.number),
            name: column.name.clone(),
            type_oid: column.type_oid,
            typmod: column.typmod,
            operator_class: class.oid,
            collation: 0,
            descending: false,
            nulls_first: false,
        })
    }

    /// The operator class that is named, or the default of the column's type.
    fn vector_class(
        &self,
        type_oid: u32,
        name: Option<&ObjectName>,
        method: &AccessMethodRow,
    ) -> Result<&'static OperatorClassRow> {
        let type_name = || crate::types::format_type(type_oid, -1, &self.names);
        let Some(name) = name else {
            return builtin::default_operator_class(method.oid, type_oid).ok_or_else(|| {
                let message = format!(
                    "data type {} has no default operator class for access method \"{}\"",
                    type_name(),
                    method.name
                );
                Error::new(SqlState::UndefinedObject, message).hint(
                    "You must specify an operator class for the index or define a default operator class for the data type.",
                )
            });
        };
        let class = builtin::operator_classes()
            .iter()
            .find(|row| row.name == name.name() && row.method == method.oid)
            .ok_or_else(|| {
                let message =
                    format!("operator class \"{name}\" does not exist for access method \"{}\"", method.name);
                Error::new(SqlState::UndefinedObject, message)
            })?;
        if class.input_type != type_oid {
            let message =
                format!("operator class \"{}\" does not accept data type {}", class.name, type_name());
            return Err(Error::new(SqlState::DatatypeMismatch, message));
        }
        Ok(class)
    }
}

fn does_not_support(method: &AccessMethodRow, what: &str) -> Error {
    let message = format!("access method \"{}\" does not support {what}", method.name);
    Error::new(SqlState::FeatureNotSupported, message)
}

/// The one key of a vector index, what it cannot have refused.
fn only_element<'a>(create: &'a CreateIndex, method: &AccessMethodRow) -> Result<&'a IndexElement> {
    if create.unique {
        return Err(does_not_support(method, "unique indexes"));
    }
    if !create.include.is_empty() {
        return Err(does_not_support(method, "included columns"));
    }
    let [element] = create.elements.as_slice() else {
        return Err(does_not_support(method, "multicolumn indexes"));
    };
    if create.filter.is_some() {
        return Err(Error::unsupported(format!("a partial {} index", method.name)));
    }
    if !element.operator_class_options.is_empty() {
        return Err(Error::unsupported("operator class parameters"));
    }
    if element.collation.is_some() {
        return Err(Error::new(SqlState::DatatypeMismatch, "collations are not supported by type vector"));
    }
    Ok(element)
}

/// Reads WITH (...), each value within its range.
fn options(given: &[StorageOption], method: &AccessMethodRow) -> Result<BTreeMap<String, String>> {
    let known = if method.oid == HNSW { HNSW_OPTIONS } else { IVFFLAT_OPTIONS };
    let invalid = |message: String| Error::new(SqlState::InvalidParameterValue, message);
    let mut stored = BTreeMap::new();
    for option in given {
        let name = full_name(option);
        let Some((_, _, least, greatest)) = known.iter().find(|(known, ..)| *known == name) else {
            return Err(invalid(format!("unrecognized parameter \"{name}\"")));
        };
        let text = option_text(option.value.as_ref());
        let value: i64 = text
            .parse()
            .map_err(|_| invalid(format!("invalid value for integer option \"{name}\": {text}")))?;
        if !(*least..=*greatest).contains(&value) {
            return Err(invalid(format!("value {value} out of bounds for option \"{name}\""))
                .detail(format!("Valid values are between \"{least}\" and \"{greatest}\".")));
        }
        if stored.insert(name.clone(), value.to_string()).is_some() {
            return Err(invalid(format!("parameter \"{name}\" specified more than once")));
        }
    }
    Ok(stored)
}

/// The value of an option of an hnsw index, or its default.
pub(super) fn hnsw_option(options: &BTreeMap<String, String>, name: &str) -> i64 {
    let default =
        HNSW_OPTIONS.iter().find(|(known, ..)| *known == name).map_or(0, |(_, default, ..)| *default);
    options.get(name).and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The engine's view of a vector index; `None` of every other.
pub(super) fn vector_schema(table: &Relation, object: &Relation) -> Option<VectorIndexSchema> {
    let index = object.as_index().filter(|index| !index.is_keyed())?;
    let key = index.keys.first()?;
    let IndexSource::Column(attribute) = &key.source else { return None };
    let (metric, element) = crate::functions::distance_of(builtin::ordering_function(key.operator_class)?)?;
    let option = |name| u32::try_from(hnsw_option(&object.options, name)).ok();
    Some(VectorIndexSchema {
        id: IndexId(object.oid),
        column: ColumnId(table.column(*attribute)?.id),
        element: match element {
            Element::Single => vector::Element::F32,
            Element::Half => vector::Element::F16,
        },
        metric: match metric {
            Metric::L2 => vector::Metric::L2,
            Metric::NegativeInnerProduct => vector::Metric::InnerProduct,
            Metric::Cosine => vector::Metric::Cosine,
            Metric::L1 => vector::Metric::L1,
        },
        dimensions: u32::try_from(key.typmod).ok()?,
        m: option("m")?,
        ef_construction: option("ef_construction")?,
    })
}

/// What pgvector asks of the options together.
fn check_options(options: &BTreeMap<String, String>) -> Result<()> {
    if hnsw_option(options, "ef_construction") < 2 * hnsw_option(options, "m") {
        let message = "ef_construction must be greater than or equal to 2 * m";
        return Err(Error::new(SqlState::InvalidParameterValue, message));
    }
    Ok(())
}
