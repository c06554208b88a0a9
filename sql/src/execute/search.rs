//! From an index's conditions to the keys it is searched for.
//!
//! A key is the concatenation of its columns' ordered comparison keys. Those are prefix-safe, so all entries with a
//! given beginning lie between that beginning and its successor. A bound of another integer width is brought into the
//! key's own; where it does not fit, no row or every row satisfies it.

use std::ops::Bound;

use engine::{PhysicalType, Value};

use crate::error::{Error, Result};
use crate::evaluate::Scope;
use crate::plan::node::{IndexAccess, IndexKeyPart};
use crate::types::array::Array;
use crate::types::{key, physical};

/// One thing to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    /// Exactly this key.
    Key(Vec<u8>),
    Range(Bound<Vec<u8>>, Bound<Vec<u8>>),
}

/// A value brought into the type of a key column.
enum Narrowed {
    Value(Value),
    /// Smaller (or greater) than every value of the type.
    Below,
    Above,
}

/// What to search for, in the order in which rows are wanted; `row` is what the conditions read.
pub(crate) fn searches(access: &IndexAccess, scope: &Scope<'_>, row: &[Value]) -> Result<Vec<Search>> {
    let mut prefix = Vec::new();
    for (expression, part) in access.equal.iter().zip(&access.keys) {
        match narrow(expression.evaluate(scope, row)?, part)? {
            Some(Narrowed::Value(value)) => append(part, &value, &mut prefix)?,
            Some(Narrowed::Below | Narrowed::Above) | None => return Ok(Vec::new()),
        }
    }
    let depth = access.equal.len();
    let Some(part) = access.keys.get(depth) else { return Ok(vec![Search::Key(prefix)]) };
    if let Some(list) = &access.list {
        return list_searches(access, part, &prefix, &list.evaluate(scope, row)?);
    }
    if access.lower.is_none() && access.upper.is_none() {
        let upper = successor(&prefix);
        return Ok(vec![Search::Range(Bound::Included(prefix), upper)]);
    }
    let bound = |given: &Option<(crate::evaluate::CompiledExpression, bool)>| match given {
        None => Ok(None),
        Some((expression, included)) => {
            Ok::<_, Error>(Some((narrow(expression.evaluate(scope, row)?, part)?, *included)))
        }
    };
    let (lower, upper) = (bound(&access.lower)?, bound(&access.upper)?);
    range(part, &prefix, lower, upper).map(|search| search.into_iter().collect())
}

fn list_searches(
    access: &IndexAccess,
    part: &IndexKeyPart,
    prefix: &[u8],
    list: &Value,
) -> Result<Vec<Search>> {
    if list.is_null() {
        return Ok(Vec::new());
    }
    let mut keys = Vec::new();
    for element in Array::from_value(list)?.elements {
        if let Some(Narrowed::Value(value)) = narrow(element, part)? {
            let mut key = prefix.to_vec();
            append(part, &value, &mut key)?;
            keys.push(key);
        }
    }
    keys.sort_unstable();
    keys.dedup();
    if access.reverse {
        keys.reverse();
    }
    let whole = access.equal.len() + 1 == access.keys.len();
    Ok(keys
        .into_iter()
        .map(|key| {
            if whole {
                Search::Key(key)
            } else {
                let upper = successor(&key);
                Search::Range(Bound::Included(key), upper)
            }
        })
        .collect())
}

/// The range of one key column behind a prefix; NULLs satisfy no bound. `None`: no key can.
fn range(
    part: &IndexKeyPart,
    prefix: &[u8],
    lower: Option<(Option<Narrowed>, bool)>,
    upper: Option<(Option<Narrowed>, bool)>,
) -> Result<Option<Search>> {
    // In a descending key the greater values come first.
    let (first, last) = if part.descending { (upper, lower) } else { (lower, upper) };
    let (before, after) = if part.descending { (true, false) } else { (false, true) };
    let Some(start) = edge(part, prefix, first, before, true)? else { return Ok(None) };
    let Some(end) = edge(part, prefix, last, after, false)? else { return Ok(None) };
    Ok(Some(Search::Range(start, end)))
}

/// One end of a range. `above_is_open`: a bound above all values leaves this end open (else nothing passes).
fn edge(
    part: &IndexKeyPart,
    prefix: &[u8],
    bound: Option<(Option<Narrowed>, bool)>,
    above_is_open: bool,
    start: bool,
) -> Result<Option<Bound<Vec<u8>>>> {
    let open = || {
        // Values that are not NULL are marked 1: they begin at prefix 1 and end before prefix 2.
        let mut key = prefix.to_vec();
        key.push(if start { 1 } else { 2 });
        if start { Bound::Included(key) } else { Bound::Excluded(key) }
    };
    let Some((value, included)) = bound else { return Ok(Some(open())) };
    let value = match value {
        None => return Ok(None),
        Some(Narrowed::Above) => return Ok(above_is_open.then(open)),
        Some(Narrowed::Below) => return Ok((!above_is_open).then(open)),
        Some(Narrowed::Value(value)) => value,
    };
    let mut key = prefix.to_vec();
    append(part, &value, &mut key)?;
    Ok(Some(match (start, included) {
        (true, true) => Bound::Included(key),
        (true, false) => match successor(&key) {
            Bound::Excluded(next) => Bound::Included(next),
            _ => return Ok(None),
        },
        (false, true) => successor(&key),
        (false, false) => Bound::Excluded(key),
    }))
}

fn append(part: &IndexKeyPart, value: &Value, out: &mut Vec<u8>) -> Result<()> {
    key::append_with_order(part.oid, value, part.descending, part.nulls_first, out)
}

/// The end of all keys that begin with a prefix.
fn successor(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut key = prefix.to_vec();
    while let Some(byte) = key.pop() {
        if byte < u8::MAX {
            key.push(byte + 1);
            return Bound::Excluded(key);
        }
    }
    Bound::Unbounded
}

/// The value in the key's type; `None` for NULL.
fn narrow(value: Value, part: &IndexKeyPart) -> Result<Option<Narrowed>> {
    let wide = match value {
        Value::Null => return Ok(None),
        Value::Int16(value) => i64::from(value),
        Value::Int32(value) => i64::from(value),
        Value::Int64(value) => value,
        other => return Ok(Some(Narrowed::Value(other))),
    };
    let (narrowed, fits) = match physical(part.oid) {
        PhysicalType::Int16 => (i16::try_from(wide).map(Value::Int16).ok(), wide > 0),
        PhysicalType::Int32 => (i32::try_from(wide).map(Value::Int32).ok(), wide > 0),
        PhysicalType::Int64 => (Some(Value::Int64(wide)), true),
        other => {
            return Err(Error::internal(format!("an index key of {other:?} was compared with an integer")));
        }
    };
    Ok(Some(match narrowed {
        Some(value) => Narrowed::Value(value),
        None if fits => Narrowed::Above,
        None => Narrowed::Below,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::oid::INT4;

    fn encoded(part: &IndexKeyPart, value: &Value) -> Vec<u8> {
        let mut key = Vec::new();
        append(part, value, &mut key).expect("a key");
        key
    }

    fn contains(search: &Search, key: &[u8]) -> bool {
        match search {
            Search::Key(own) => own == key,
            Search::Range(lower, upper) => {
                let above = match lower {
                    Bound::Included(lower) => key >= lower.as_slice(),
                    Bound::Excluded(lower) => key > lower.as_slice(),
                    Bound::Unbounded => true,
                };
                let below = match upper {
                    Bound::Included(upper) => key <= upper.as_slice(),
                    Bound::Excluded(upper) => key < upper.as_slice(),
                    Bound::Unbounded => true,
                };
                above && below
            }
        }
    }

    #[test]
    fn ranges_hold_what_the_comparison_holds_in_either_direction_and_never_null() {
        for (descending, nulls_first) in [(false, false), (false, true), (true, true), (true, false)] {
            let part = IndexKeyPart { oid: INT4, descending, nulls_first };
            for (low, low_included) in
                [(Some(-1i64), true), (Some(3), false), (Some(1 << 40), true), (None, true)]
            {
                for (high, high_included) in
                    [(Some(7i64), false), (Some(3), true), (Some(-(1 << 40)), true), (None, true)]
                {
                    if low.is_none() && high.is_none() {
                        continue;
                    }
                    let bound = |value: Option<i64>, included| {
                        value.map(|value| (narrow(Value::Int64(value), &part).expect("an integer"), included))
                    };
                    let search = range(&part, &[], bound(low, low_included), bound(high, high_included))
                        .expect("a range");
                    for value in -3..9i64 {
                        let above =
                            low.is_none_or(|low| if low_included { value >= low } else { value > low });
                        let below =
                            high.is_none_or(|high| if high_included { value <= high } else { value < high });
                        let key = encoded(&part, &Value::Int32(value as i32));
                        let found = search.as_ref().is_some_and(|search| contains(search, &key));
                        assert_eq!(found, above && below, "{value} in {low:?} {high:?} {part:?}");
                    }
                    let null = encoded(&part, &Value::Null);
                    assert!(!search.as_ref().is_some_and(|search| contains(search, &null)), "{part:?}");
                }
            }
        }
    }
}
