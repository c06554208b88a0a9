//! Index keys of rows: encoded as `types::key` orders them.

use engine::{IndexId, NewRow, Value};

use super::model::{IndexModel, KeySource, TableModel};
use crate::error::Result;
use crate::evaluate::Context;
use crate::types;

/// The values of an index key of a row.
pub fn key_values(index: &IndexModel, row: &[Value], context: &Context) -> Result<Vec<Value>> {
    index
        .keys
        .iter()
        .map(|key| match &key.source {
            KeySource::Column(position) => Ok(row.get(*position).cloned().unwrap_or(Value::Null)),
            KeySource::Expression(expression) => expression.evaluate_row(context, row),
        })
        .collect()
}

/// Encodes key values.
pub fn encode(index: &IndexModel, values: &[Value], output: &mut Vec<u8>) -> Result<()> {
    for (key, value) in index.keys.iter().zip(values) {
        types::key::append_with_order(key.type_oid, value, key.descending, key.nulls_first, output)?;
    }
    Ok(())
}

/// The key of one index for a row: `None` where a partial index leaves it out; whether uniqueness applies.
pub fn index_key(index: &IndexModel, row: &[Value], context: &Context) -> Result<Option<(Vec<u8>, bool)>> {
    if let Some(predicate) = &index.predicate
        && predicate.evaluate_row(context, row)? != Value::Bool(true)
    {
        return Ok(None);
    }
    let mut output = Vec::with_capacity(16);
    let mut has_null = false;
    for key in &index.keys {
        match &key.source {
            KeySource::Column(position) => {
                let value = row.get(*position).unwrap_or(&Value::Null);
                has_null |= value.is_null();
                types::key::append_with_order(
                    key.type_oid,
                    value,
                    key.descending,
                    key.nulls_first,
                    &mut output,
                )?;
            }
            KeySource::Expression(expression) => {
                let value = expression.evaluate_row(context, row)?;
                has_null |= value.is_null();
                types::key::append_with_order(
                    key.type_oid,
                    &value,
                    key.descending,
                    key.nulls_first,
                    &mut output,
                )?;
            }
        }
    }
    let check = index.unique && index.immediate && (!has_null || index.nulls_not_distinct);
    Ok(Some((output, check)))
}

/// The engine's row: values and the keys of every index that holds it.
pub fn new_row(model: &TableModel, values: Vec<Value>, context: &Context) -> Result<NewRow> {
    let mut keys: Vec<(IndexId, Vec<u8>, bool)> = Vec::with_capacity(model.indexes.len());
    for index in &model.indexes {
        if let Some((key, check)) = index_key(index, &values, context)? {
            keys.push((index.id, key, check));
        }
    }
    Ok(NewRow { values, keys })
}

/// The smallest byte string above every string that starts with `prefix`; `None` when there is none.
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::prefix_end;

    #[test]
    fn the_end_of_a_prefix_is_above_all_its_strings() {
        assert_eq!(prefix_end(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(prefix_end(&[1, 255]), Some(vec![2]));
        assert_eq!(prefix_end(&[255, 255]), None);
    }
}
