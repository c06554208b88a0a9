//! A catalog made from the CREATE statements of `schema.sql`, through the parser and the analyzer themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog::bootstrap::{POSTGRES_DATABASE, bootstrap};
use catalog::builtin::PUBLIC;
use catalog::{
    Change, Column, ColumnDefault, Constraint, ConstraintKind, Identity, Index, IndexKey, IndexSource,
    Object, Persistence, Relation, RelationKind, Sequence, Snapshot, StoredExpression, Table, View,
};
use strata_sql::analyze::{self, Environment, Purpose, TableColumns};
use strata_sql::parse::syntax::{
    self, ColumnConstraintKind, Expression, SourceText, Statement, TableConstraintKind, TableElement,
};
use strata_sql::tree::{ExpressionKind, Type};
use strata_sql::types::InputSettings;

/// pg_am oid of btree.
const BTREE: u32 = 403;

pub fn path() -> Vec<Arc<str>> {
    vec![Arc::from("public")]
}

pub fn environment<'a>(catalog: &'a Snapshot, path: &'a [Arc<str>]) -> Environment<'a> {
    Environment {
        catalog,
        database: POSTGRES_DATABASE,
        search_path: path,
        input: InputSettings::plain(),
        past: None,
        versions: None,
        met: None,
        default_moment: None,
    }
}

/// The catalog after the statements of a schema, one a line.
pub fn snapshot(schema: &str) -> Snapshot {
    let mut snapshot = Snapshot::default().apply(&bootstrap());
    for (line, oid) in schema.lines().zip((20_000..).step_by(100)) {
        let parsed = strata_sql::parse::parse(line).expect(line).remove(0);
        let path = path();
        let builder = Builder { environment: environment(&snapshot, &path), text: line, oid };
        let changes = match &parsed.statement {
            Statement::CreateTable(create) => builder.table(create),
            Statement::CreateIndex(create) => vec![builder.index(create)],
            Statement::CreateView(create) => vec![builder.view(create)],
            other => panic!("{other:?}"),
        };
        snapshot = snapshot.apply(&changes);
    }
    snapshot
}

struct Builder<'a> {
    environment: Environment<'a>,
    text: &'a str,
    /// The first of a hundred oids for this statement.
    oid: u32,
}

impl Builder<'_> {
    fn relation(&self, offset: u32, name: &str, kind: RelationKind, columns: Vec<Column>) -> Change {
        let oid = self.oid + offset;
        let typed = matches!(kind, RelationKind::Table(_) | RelationKind::View(_));
        Change::Put(Object::Relation(Box::new(Relation {
            oid,
            database: POSTGRES_DATABASE,
            schema: PUBLIC,
            name: name.to_string(),
            owner: 10,
            persistence: Persistence::Permanent,
            acl: None,
            options: BTreeMap::new(),
            columns,
            row_type: if typed { oid + 1 } else { 0 },
            array_type: if typed { oid + 2 } else { 0 },
            kind,
        })))
    }

    fn stored(
        &self,
        shape: &TableColumns,
        purpose: Purpose,
        column: &str,
        expression: &Expression,
        text: SourceText,
    ) -> StoredExpression {
        let tree = analyze::table_expression(self.environment, self.text, shape, purpose, column, expression);
        let source = &self.text[text.start as usize..text.end as usize];
        analyze::to_stored_expression(&tree.expect(source), shape.table, source).expect(source)
    }

    fn table(&self, create: &syntax::CreateTable) -> Vec<Change> {
        let mut columns: Vec<Column> = Vec::new();
        let mut key = Vec::new();
        for element in &create.elements {
            match element {
                TableElement::Column(column) => {
                    let number = columns.len() as i16 + 1;
                    let ty = analyze::resolve_type(self.environment, self.text, &column.ty).expect("a type");
                    columns.push(Column::new(number, number as u32, &column.name.text, ty.oid, ty.typmod));
                    let primary =
                        |kind: &ColumnConstraintKind| matches!(kind, ColumnConstraintKind::PrimaryKey { .. });
                    key.extend(column.constraints.iter().any(|c| primary(&c.kind)).then_some(number));
                }
                TableElement::Constraint(constraint) => {
                    let TableConstraintKind::PrimaryKey { columns: names, .. } = &constraint.kind else {
                        panic!("no primary key")
                    };
                    let number =
                        |name: &syntax::Name| columns.iter().find(|c| c.name == name.text).map(|c| c.number);
                    key.extend(names.iter().filter_map(number));
                }
                TableElement::Like { .. } => panic!("no columns"),
            }
        }
        let mut changes = self.table_details(create, &mut columns);
        let kind = RelationKind::Table(Table {
            next_column_id: 99,
            row_security: false,
            force_row_security: false,
            replica_identity: 'd',
        });
        changes.insert(0, self.relation(0, create.name.name(), kind, columns));
        if !key.is_empty() {
            changes.extend(self.primary_key(create.name.name(), key));
        }
        changes
    }

    /// Defaults, generated columns and identities; the sequences of the last.
    fn table_details(&self, create: &syntax::CreateTable, columns: &mut [Column]) -> Vec<Change> {
        let shape = TableColumns {
            name: create.name.name().to_string(),
            table: self.oid,
            row_type: self.oid + 1,
            columns: columns
                .iter()
                .map(|c| (c.number, c.name.clone(), Type::with_typmod(c.type_oid, c.typmod), c.collation))
                .collect(),
        };
        let mut sequences = Vec::new();
        let written = create.elements.iter().filter_map(|element| match element {
            TableElement::Column(column) => Some(column),
            TableElement::Constraint(_) | TableElement::Like { .. } => None,
        });
        for (column, written) in columns.iter_mut().zip(written) {
            let ty = Type::with_typmod(column.type_oid, column.typmod);
            let oid = self.oid + 60 + column.number as u32;
            for constraint in &written.constraints {
                match &constraint.kind {
                    ColumnConstraintKind::Default(expression, text) => {
                        let expression =
                            self.stored(&shape, Purpose::Default(ty), &column.name, expression, *text);
                        column.default = Some(ColumnDefault { oid, expression });
                    }
                    ColumnConstraintKind::GeneratedStored(expression, text) => {
                        let expression =
                            self.stored(&shape, Purpose::Generated(ty), &column.name, expression, *text);
                        column.default = Some(ColumnDefault { oid, expression });
                        column.generated = true;
                    }
                    ColumnConstraintKind::Identity { always, .. } => {
                        column.identity = Some(Identity { always: *always, sequence: self.oid + 50 });
                        let name = format!("{}_{}_seq", shape.name, column.name);
                        sequences.push(self.relation(50, &name, self.sequence(column.number), Vec::new()));
                    }
                    _ => {}
                }
            }
        }
        sequences
    }

    fn sequence(&self, owner: i16) -> RelationKind {
        RelationKind::Sequence(Sequence {
            type_oid: 20,
            start: 1,
            increment: 1,
            minimum: 1,
            maximum: i64::MAX,
            cache: 1,
            cycle: false,
            owned_by: Some((self.oid, owner)),
            identity: true,
        })
    }

    fn primary_key(&self, table: &str, columns: Vec<i16>) -> [Change; 2] {
        let name = format!("{table}_pkey");
        let keys = columns.iter().map(|number| index_key(IndexSource::Column(*number))).collect();
        let index = self.relation(30, &name, unique_index(self.oid, keys, true, None), Vec::new());
        let constraint = Constraint {
            oid: self.oid + 31,
            database: POSTGRES_DATABASE,
            schema: PUBLIC,
            name,
            relation: self.oid,
            deferrable: false,
            initially_deferred: false,
            validated: true,
            no_inherit: true,
            kind: ConstraintKind::PrimaryKey { index: self.oid + 30, columns },
        };
        [index, Change::Put(Object::Constraint(Box::new(constraint)))]
    }

    fn index(&self, create: &syntax::CreateIndex) -> Change {
        let catalog = self.environment.catalog;
        let found =
            catalog.find_relation(POSTGRES_DATABASE, self.environment.search_path, create.table.name());
        let table = found.expect("a table");
        let shape = TableColumns::of(table);
        let keys = create.elements.iter().map(|element| {
            let stored = self.stored(&shape, Purpose::IndexKey, "", &element.expression, element.text);
            let tree = analyze::stored_expression(&stored).expect("a stored key");
            index_key(match tree.kind {
                ExpressionKind::Column(number) => IndexSource::Column(number.0 as i16),
                _ => IndexSource::Expression(stored),
            })
        });
        let keys = keys.collect();
        let filter = create.filter.as_ref();
        let predicate =
            filter.map(|(filter, text)| self.stored(&shape, Purpose::IndexPredicate, "", filter, *text));
        let name = create.name.as_ref().expect("a name");
        self.relation(0, &name.text, unique_index(table.oid, keys, false, predicate), Vec::new())
    }

    fn view(&self, create: &syntax::CreateView) -> Change {
        let query = analyze::view_definition(self.environment, self.text, &create.query).expect("a query");
        let columns = query.output.iter().zip(1i16..).map(|(output, number)| {
            let renamed = create.columns.get(number as usize - 1).map(|name| name.text.as_str());
            Column::new(number, 0, renamed.unwrap_or(&output.name), output.ty.oid, output.ty.typmod)
        });
        let columns = columns.collect();
        let stored = analyze::to_stored_query(&query, self.text).expect("a stored query");
        let kind = RelationKind::View(View { query: stored, rule: self.oid + 9, check: None });
        self.relation(0, create.name.name(), kind, columns)
    }
}

fn unique_index(
    table: u32,
    keys: Vec<IndexKey>,
    primary: bool,
    predicate: Option<StoredExpression>,
) -> RelationKind {
    RelationKind::Index(Index {
        table,
        method: BTREE,
        keys,
        include: Vec::new(),
        unique: true,
        primary,
        nulls_not_distinct: false,
        immediate: true,
        predicate,
        valid: true,
        clustered: false,
    })
}

fn index_key(source: IndexSource) -> IndexKey {
    IndexKey {
        source,
        name: String::new(),
        type_oid: 0,
        typmod: -1,
        operator_class: 0,
        collation: 0,
        descending: false,
        nulls_first: false,
    }
}
