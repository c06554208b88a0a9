//! What leads from a table as it is to what it was: statements that any client could have sent.
//!
//! A restoration is an ordinary change of rows, made of three: rows that were not there then are deleted, rows that are
//! other than then are updated, rows that are gone are inserted. So constraints, foreign keys, locks and rollback work
//! as for anybody's change, and what stood in between stays readable as history. A row is known again by the table's
//! primary key; in a table without one by the write that made it, so that a changed row is deleted and inserted. Columns
//! that the table did not have then keep their values, and get their defaults in rows that come back; columns that it no
//! longer has are left out. For one row (`strata.revert`) it is the one of the three that its state asks for.

use std::fmt::Write;

use catalog::{IndexSource, Relation, Snapshot};

use super::names::CatalogNames;
use crate::functions::quote_identifier as quoted;
use crate::types::{format_type, oid};

/// The statements for one row.
pub(super) struct RowReversion {
    /// Whether the row was there then, and whether it is now.
    pub probe: String,
    /// None where the table has no column that could be other than then.
    pub update: Option<String>,
    pub insert: String,
    pub delete: String,
}

/// A column that the table had then and has now.
struct Common {
    number: i16,
    now: String,
    /// Its value of then, in its type of now.
    then: String,
    /// The two compared by a text: the type has no equality.
    by_text: bool,
    /// UPDATE may set it.
    settable: bool,
}

/// The way from a table as it is to what it was.
pub(super) struct Restoration {
    now: String,
    then: String,
    columns: Vec<Common>,
    /// The attributes of the primary key; none where rows are known by the writes that made them.
    key: Vec<i16>,
}

impl Restoration {
    pub fn new(
        catalog: &Snapshot,
        table: &Relation,
        former: &Relation,
        now: CatalogNames,
        then: &CatalogNames,
    ) -> Restoration {
        let common = table.live_columns().filter(|column| !column.generated).filter_map(|column| {
            let past = former.column(column.number).filter(|past| !past.dropped)?;
            let mut value = format!("_then.{}", quoted(&past.name));
            if (past.type_oid, past.typmod) != (column.type_oid, column.typmod) {
                let declared = column.domain.unwrap_or(column.type_oid);
                let _ = write!(value, "::{}", format_type(declared, column.typmod, &now));
            }
            Some(Common {
                number: column.number,
                now: quoted(&column.name),
                then: value,
                by_text: column.type_oid == oid::JSON,
                settable: !column.identity.is_some_and(|identity| identity.always),
            })
        });
        let columns: Vec<Common> = common.collect();
        let key = catalog.primary_key(table.database, table.oid).and_then(|index| index.as_index());
        let key: Option<Vec<i16>> = key.map(|index| {
            let numbers = index.keys.iter().filter_map(|key| match key.source {
                IndexSource::Column(number) => Some(number),
                IndexSource::Expression(_) => None,
            });
            numbers.collect()
        });
        let known = |number: &i16| columns.iter().any(|column| column.number == *number);
        let key = key.filter(|key| key.iter().all(known)).unwrap_or_default();
        Restoration { now: now.qualified_name(table), then: then.qualified_name(former), columns, key }
    }

    /// That a row of then is a row of now.
    fn same_row(&self) -> String {
        if self.key.is_empty() {
            return "_then._write_id = _now._write_id".to_string();
        }
        let keys = self.columns.iter().filter(|column| self.key.contains(&column.number));
        keys.map(|column| format!("{} = _now.{}", column.then, column.now)).collect::<Vec<_>>().join(" AND ")
    }

    /// The table of then, as an item of FROM; the moment is the first parameter.
    fn past(&self) -> String {
        format!("{} FOR SYSTEM_TIME AS OF $1 AS _then", self.then)
    }

    /// The statements that restore the table, each with the moment as its parameter.
    pub fn statements(&self) -> Vec<String> {
        let (now, past, same) = (&self.now, self.past(), self.same_row());
        let mut statements =
            vec![format!("DELETE FROM {now} AS _now WHERE NOT EXISTS (SELECT 1 FROM {past} WHERE {same})")];
        if !self.key.is_empty() {
            statements.extend(self.update(&same));
        }
        if !self.columns.is_empty() {
            let missing = format!("NOT EXISTS (SELECT 1 FROM {now} AS _now WHERE {same})");
            statements.push(self.insert(&missing));
        }
        statements
    }

    /// UPDATE of what is other than then; none where there is nothing that could be.
    fn update(&self, condition: &str) -> Option<String> {
        let others = self.columns.iter().filter(|column| !self.key.contains(&column.number));
        let others: Vec<&Common> = others.filter(|column| column.settable).collect();
        let settings: Vec<String> =
            others.iter().map(|column| format!("{} = {}", column.now, column.then)).collect();
        let differences: Vec<String> = others
            .iter()
            .map(|column| match column.by_text {
                true => format!("_now.{}::text IS DISTINCT FROM ({})::text", column.now, column.then),
                false => format!("_now.{} IS DISTINCT FROM {}", column.now, column.then),
            })
            .collect();
        (!others.is_empty()).then(|| {
            format!(
                "UPDATE {} AS _now SET {} FROM {} WHERE {condition} AND ({})",
                self.now,
                settings.join(", "),
                self.past(),
                differences.join(" OR ")
            )
        })
    }

    fn insert(&self, condition: &str) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.now.as_str()).collect();
        let values: Vec<&str> = self.columns.iter().map(|column| column.then.as_str()).collect();
        format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} WHERE {condition}",
            self.now,
            names.join(", "),
            values.join(", "),
            self.past()
        )
    }

    /// What reverts one row, whose key are the parameters from the second on; `None` where the table had another key.
    pub fn of_row(&self) -> Option<RowReversion> {
        let mut then_key = Vec::with_capacity(self.key.len());
        let mut now_key = Vec::with_capacity(self.key.len());
        for (number, parameter) in self.key.iter().zip(2..) {
            let column = self.columns.iter().find(|column| column.number == *number)?;
            then_key.push(format!("{} = ${parameter}", column.then));
            now_key.push(format!("_now.{} = ${parameter}", column.now));
        }
        if then_key.is_empty() {
            return None;
        }
        let (then_key, now_key, now) = (then_key.join(" AND "), now_key.join(" AND "), &self.now);
        Some(RowReversion {
            probe: format!(
                "SELECT EXISTS (SELECT 1 FROM {} WHERE {then_key}), EXISTS (SELECT 1 FROM {now} AS _now WHERE {now_key})",
                self.past()
            ),
            update: self.update(&format!("{then_key} AND {now_key}")),
            insert: self.insert(&then_key),
            // The moment is a parameter of every statement.
            delete: format!("DELETE FROM {now} AS _now WHERE {now_key} AND $1 IS NOT NULL"),
        })
    }
}
