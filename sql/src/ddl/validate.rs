//! Old rows against new rules: NOT NULL, CHECK and FOREIGN KEY added to a table that has rows.

use std::collections::HashSet;

use catalog::{ForeignKey, MatchKind, Relation};
use engine::Value;

use super::Definer;
use crate::dml::{TableModel, index_key};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::{Layout, compile};
use crate::tree::{ColumnNumber, Expression};

impl Definer {
    /// Every row has a value in these columns.
    pub(super) fn validate_not_null(&self, relation: &Relation, columns: &[i16]) -> Result<()> {
        let places: Vec<(usize, &str)> = relation
            .live_columns()
            .enumerate()
            .filter(|(_, column)| columns.contains(&column.number))
            .map(|(place, column)| (place, column.name.as_str()))
            .collect();
        let wanted = |place: usize| places.iter().any(|(known, _)| *known == place);
        self.each_row_of(relation, &wanted, |_, values| {
            match places.iter().find(|(place, _)| values.get(*place).is_some_and(Value::is_null)) {
                None => Ok(()),
                Some((_, name)) => Err(Error::new(
                    SqlState::NotNullViolation,
                    format!("column \"{name}\" of relation \"{}\" contains null values", relation.name),
                )
                .table(&relation.name)
                .column(*name)),
            }
        })
    }

    /// No row makes the condition false.
    pub(super) fn validate_check(
        &self,
        relation: &Relation,
        name: &str,
        condition: &Expression,
    ) -> Result<()> {
        let layout = Layout::new(relation.live_columns().map(|column| ColumnNumber(column.number as u32)));
        let condition = compile(condition, &layout)?;
        self.each_row(relation, |_, values| {
            if condition.evaluate_row(&self.context, values)? != Value::Bool(false) {
                return Ok(());
            }
            Err(Error::new(
                SqlState::CheckViolation,
                format!(
                    "check constraint \"{name}\" of relation \"{}\" is violated by some row",
                    relation.name
                ),
            )
            .table(&relation.name)
            .constraint(name))
        })
    }

    /// Every row's key stands in the referenced table.
    pub(super) fn validate_foreign_key(
        &self,
        relation: &Relation,
        referenced: &Relation,
        name: &str,
        key: &ForeignKey,
    ) -> Result<()> {
        let snapshot = self.snapshot();
        let model = TableModel::new(&snapshot, self.database, referenced.oid)?;
        let index = model
            .index(engine::IndexId(key.index))
            .ok_or_else(|| Error::internal("the index of a foreign key is missing"))?;
        let mut known: HashSet<Vec<u8>> = HashSet::new();
        self.each_row(referenced, |_, values| {
            if let Some((encoded, _)) = index_key(index, values, &self.context)? {
                known.insert(encoded);
            }
            Ok(())
        })?;
        let own = TableModel::new(&snapshot, self.database, relation.oid)?;
        let places = key.columns.iter().map(|number| own.position(*number)).collect::<Result<Vec<_>>>()?;
        let targets = key
            .referenced_columns
            .iter()
            .map(|number| model.position(*number))
            .collect::<Result<Vec<_>>>()?;
        let mut image = vec![Value::Null; model.columns.len()];
        self.each_row(relation, |_, values| {
            let nulls = places.iter().filter(|place| values.get(**place).is_none_or(Value::is_null)).count();
            if nulls == places.len() || (nulls > 0 && key.match_kind == MatchKind::Simple) {
                return Ok(());
            }
            for (place, target) in places.iter().zip(&targets) {
                let value = values.get(*place).cloned().unwrap_or_default();
                if let (Some(slot), Some(column)) = (image.get_mut(*target), model.columns.get(*target)) {
                    *slot = super::attribute::fitted(value, column.type_oid);
                }
            }
            let encoded = index_key(index, &image, &self.context)?.map(|(encoded, _)| encoded);
            if nulls == 0 && encoded.is_some_and(|encoded| known.contains(&encoded)) {
                return Ok(());
            }
            let message = format!(
                "insert or update on table \"{}\" violates foreign key constraint \"{name}\"",
                relation.name
            );
            let shown = crate::dml::columns_text(&own, &places, values, &self.context);
            Err(Error::new(SqlState::ForeignKeyViolation, message)
                .detail(format!("Key {shown} is not present in table \"{}\".", referenced.name))
                .table(&relation.name)
                .constraint(name))
        })
    }
}
