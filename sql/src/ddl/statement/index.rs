//! CREATE INDEX.

use super::{QualifiedName, SourceExpression};

#[derive(Clone, Debug, PartialEq)]
pub struct CreateIndex {
    pub name: Option<String>,
    pub table: QualifiedName,
    pub unique: bool,
    /// Accepted; the build takes a lock that keeps writers out, as without it.
    pub concurrently: bool,
    pub if_not_exists: bool,
    /// USING method.
    pub method: Option<String>,
    pub elements: Vec<IndexElement>,
    pub include: Vec<String>,
    pub nulls_not_distinct: bool,
    pub options: Vec<(String, Option<String>)>,
    pub predicate: Option<SourceExpression>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct IndexElement {
    pub source: IndexElementSource,
    pub collation: Option<QualifiedName>,
    pub operator_class: Option<QualifiedName>,
    pub descending: bool,
    /// NULLS FIRST or LAST where written.
    pub nulls_first: Option<bool>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum IndexElementSource {
    Column(String),
    Expression(SourceExpression),
}
