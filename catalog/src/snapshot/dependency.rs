//! What stands on what: the rows of pg_depend, and the question DROP asks.

use super::Snapshot;
use crate::builtin::{
    self, PG_ATTRDEF_CLASS, PG_CLASS_CLASS, PG_CONSTRAINT_CLASS, PG_EXTENSION_CLASS, PG_NAMESPACE_CLASS,
    PG_OPCLASS_CLASS, PG_REWRITE_CLASS, PG_TYPE_CLASS,
};
use crate::object::{
    Constraint, ConstraintKind, Extension, Index, IndexSource, MaterializedView, ObjectAddress, Relation,
    RelationKind, StoredExpression, UserType,
};

/// How firmly a dependent holds on, in pg_depend's letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DependencyKind {
    /// n: DROP of the referenced object needs CASCADE.
    Normal,
    /// a: the dependent goes along silently.
    Automatic,
    /// e: the dependent is a member of an extension, and goes with it.
    Extension,
    /// i: the dependent is part of the referenced object, and cannot be dropped alone.
    Internal,
}

impl DependencyKind {
    /// The letter in pg_depend.deptype.
    pub fn letter(self) -> char {
        match self {
            DependencyKind::Normal => 'n',
            DependencyKind::Automatic => 'a',
            DependencyKind::Extension => 'e',
            DependencyKind::Internal => 'i',
        }
    }
}

/// One edge: `dependent` stands on `referenced`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dependency {
    pub dependent: ObjectAddress,
    pub referenced: ObjectAddress,
    pub kind: DependencyKind,
}

/// Collects edges that leave one object.
struct Edges<'a> {
    from: ObjectAddress,
    into: &'a mut Vec<Dependency>,
}

impl Edges<'_> {
    fn add(&mut self, referenced: ObjectAddress, kind: DependencyKind) {
        let edge = Dependency { dependent: self.from, referenced, kind };
        if !self.into.contains(&edge) {
            self.into.push(edge);
        }
    }

    fn expression(&mut self, expression: &StoredExpression, own: Option<u32>) {
        for address in &expression.dependencies {
            // A table's own columns in its own expressions go down with it silently.
            let kind =
                if Some(address.object) == own { DependencyKind::Automatic } else { DependencyKind::Normal };
            self.add(*address, kind);
        }
    }
}

impl Snapshot {
    /// Every edge between the objects of a database, by dependent.
    pub fn dependencies(&self, database: u32) -> Vec<Dependency> {
        let mut all = Vec::new();
        for relation in self.relations(database) {
            all.append(&mut self.relation_dependencies(database, relation));
        }
        for user_type in self.user_types(database) {
            user_type_dependencies(user_type, &mut all);
        }
        for extension in self.extensions(database) {
            extension_dependencies(extension, &mut all);
        }
        for constraint in self.constraints(database) {
            all.append(&mut constraint_dependencies(constraint));
        }
        all.sort();
        all
    }

    /// The edges that end at this object; for a relation as a whole, at any of its columns too.
    pub fn dependents(&self, database: u32, on: ObjectAddress) -> Vec<Dependency> {
        let mut found = self.dependencies(database);
        found.retain(|edge| {
            edge.referenced.class == on.class
                && edge.referenced.object == on.object
                && (on.column == 0 || edge.referenced.column == on.column)
                && edge.dependent.object != 0
        });
        found
    }

    fn relation_dependencies(&self, database: u32, relation: &Relation) -> Vec<Dependency> {
        let mut found = Vec::new();
        let address = ObjectAddress::relation(relation.oid);
        let mut edges = Edges { from: address, into: &mut found };
        match &relation.kind {
            RelationKind::Index(index) => self.index_dependencies(database, relation.oid, index, &mut edges),
            RelationKind::Sequence(sequence) => {
                edges.add(ObjectAddress::new(PG_NAMESPACE_CLASS, relation.schema), DependencyKind::Normal);
                if let Some((table, column)) = sequence.owned_by {
                    let kind =
                        if sequence.identity { DependencyKind::Internal } else { DependencyKind::Automatic };
                    edges.add(ObjectAddress::column(table, column), kind);
                }
            }
            RelationKind::Table(_) => {
                edges.add(ObjectAddress::new(PG_NAMESPACE_CLASS, relation.schema), DependencyKind::Normal);
                column_dependencies(relation, &mut found);
            }
            RelationKind::View(view)
            | RelationKind::MaterializedView(MaterializedView {
                view,
                populated: _,
                refresh: _,
                row_index: _,
                row_key: _,
                groups: _,
            }) => {
                edges.add(ObjectAddress::new(PG_NAMESPACE_CLASS, relation.schema), DependencyKind::Normal);
                let rule = ObjectAddress::new(PG_REWRITE_CLASS, view.rule);
                let mut edges = Edges { from: rule, into: &mut found };
                edges.add(address, DependencyKind::Internal);
                edges.expression(&view.query, None);
            }
            RelationKind::System { .. } => {}
        }
        if relation.row_type != 0 {
            let row_type = ObjectAddress::new(PG_TYPE_CLASS, relation.row_type);
            let mut edges = Edges { from: row_type, into: &mut found };
            edges.add(address, DependencyKind::Internal);
            let array = ObjectAddress::new(PG_TYPE_CLASS, relation.array_type);
            Edges { from: array, into: &mut found }.add(row_type, DependencyKind::Internal);
        }
        found
    }

    fn index_dependencies(&self, database: u32, oid: u32, index: &Index, edges: &mut Edges<'_>) {
        let owner = self.constraints_of(database, index.table).find(|constraint| match &constraint.kind {
            ConstraintKind::PrimaryKey { index, .. } | ConstraintKind::Unique { index, .. } => *index == oid,
            ConstraintKind::ForeignKey(_) | ConstraintKind::Check { .. } => false,
        });
        if let Some(constraint) = owner {
            edges.add(ObjectAddress::new(PG_CONSTRAINT_CLASS, constraint.oid), DependencyKind::Internal);
            return;
        }
        for number in index.attribute_numbers().into_iter().filter(|number| *number != 0) {
            edges.add(ObjectAddress::column(index.table, number), DependencyKind::Automatic);
        }
        for key in &index.keys {
            let class = builtin::operator_class(key.operator_class);
            if class.is_some_and(|class| class.schema == builtin::VECTOR) {
                edges.add(ObjectAddress::new(PG_OPCLASS_CLASS, key.operator_class), DependencyKind::Normal);
            }
            if let IndexSource::Expression(expression) = &key.source {
                edges.expression(expression, Some(index.table));
            }
        }
        if let Some(predicate) = &index.predicate {
            edges.expression(predicate, Some(index.table));
        }
        // An index over expressions without a column still goes down with its table.
        edges.add(ObjectAddress::relation(index.table), DependencyKind::Automatic);
    }
}

fn column_dependencies(relation: &Relation, found: &mut Vec<Dependency>) {
    for column in relation.live_columns() {
        if let Some(default) = &column.default {
            let address = ObjectAddress::new(PG_ATTRDEF_CLASS, default.oid);
            let mut edges = Edges { from: address, into: found };
            // What a generated column is computed of does not go without it.
            let (kind, own) = match column.generated {
                true => (DependencyKind::Internal, None),
                false => (DependencyKind::Automatic, Some(relation.oid)),
            };
            edges.add(ObjectAddress::column(relation.oid, column.number), kind);
            edges.expression(&default.expression, own);
        }
        for type_relation in
            [Some(column.type_oid), column.domain].into_iter().flatten().filter_map(made_type)
        {
            let address = ObjectAddress::column(relation.oid, column.number);
            Edges { from: address, into: found }
                .add(ObjectAddress::new(PG_TYPE_CLASS, type_relation), DependencyKind::Normal);
        }
    }
}

/// An enum or domain is part of its schema, its array of it, and a domain stands on its base.
fn user_type_dependencies(user_type: &UserType, found: &mut Vec<Dependency>) {
    let address = ObjectAddress::new(PG_TYPE_CLASS, user_type.oid);
    let mut edges = Edges { from: address, into: found };
    edges.add(ObjectAddress::new(PG_NAMESPACE_CLASS, user_type.schema), DependencyKind::Normal);
    if let Some(domain) = user_type.domain() {
        if let Some(base) = made_type(domain.base) {
            edges.add(ObjectAddress::new(PG_TYPE_CLASS, base), DependencyKind::Normal);
        }
        let checks = domain.checks.iter().map(|check| &check.expression);
        for expression in domain.default.iter().chain(checks) {
            edges.expression(expression, None);
        }
    }
    if user_type.array_type != 0 {
        let array = ObjectAddress::new(PG_TYPE_CLASS, user_type.array_type);
        Edges { from: array, into: found }.add(address, DependencyKind::Internal);
    }
}

/// What stands on a type that a user or an extension made depends on it; built-in types are pinned.
fn made_type(type_oid: u32) -> Option<u32> {
    match builtin::type_by_oid(type_oid) {
        None => (type_oid >= crate::bootstrap::FIRST_OBJECT_OID).then_some(type_oid),
        Some(row) if row.schema != builtin::VECTOR => None,
        Some(row) if row.element != 0 => Some(row.element),
        Some(row) => Some(row.oid),
    }
}

/// An extension stands in its schema, unless that is a built-in one, and its members belong to it; the type is what an
/// array of it belongs to.
fn extension_dependencies(extension: &Extension, found: &mut Vec<Dependency>) {
    let address = ObjectAddress::new(PG_EXTENSION_CLASS, extension.oid);
    if extension.schema != builtin::PG_CATALOG {
        let schema = ObjectAddress::new(PG_NAMESPACE_CLASS, extension.schema);
        Edges { from: address, into: found }.add(schema, DependencyKind::Normal);
    }
    let Some(row) = builtin::available_extension(&extension.name) else { return };
    let members = builtin::extension_members(row);
    found.extend(members.iter().map(|&(class, object)| Dependency {
        dependent: ObjectAddress::new(class, object),
        referenced: address,
        kind: DependencyKind::Extension,
    }));
    for array in builtin::types().iter().filter(|of| of.schema == row.schema && of.element != 0) {
        let element = ObjectAddress::new(PG_TYPE_CLASS, array.element);
        let array = ObjectAddress::new(PG_TYPE_CLASS, array.oid);
        Edges { from: array, into: found }.add(element, DependencyKind::Internal);
    }
}

fn constraint_dependencies(constraint: &Constraint) -> Vec<Dependency> {
    let mut found = Vec::new();
    let address = ObjectAddress::new(PG_CONSTRAINT_CLASS, constraint.oid);
    let mut edges = Edges { from: address, into: &mut found };
    for number in constraint.columns() {
        edges.add(ObjectAddress::column(constraint.relation, *number), DependencyKind::Automatic);
    }
    if constraint.columns().is_empty() {
        edges.add(ObjectAddress::relation(constraint.relation), DependencyKind::Automatic);
    }
    match &constraint.kind {
        ConstraintKind::ForeignKey(key) => {
            for number in &key.referenced_columns {
                edges.add(ObjectAddress::column(key.referenced, *number), DependencyKind::Normal);
            }
            edges.add(
                ObjectAddress { class: PG_CLASS_CLASS, object: key.index, column: 0 },
                DependencyKind::Normal,
            );
        }
        ConstraintKind::Check { expression, .. } => edges.expression(expression, Some(constraint.relation)),
        ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } => {}
    }
    found
}
