//! From a reference to its value.

use super::{Reference, VALUE, hashes};
use crate::table::Table;
use crate::table::row::Found;
use crate::transaction::write_set::TableWrites;
use crate::{Error, Value};
use std::borrow::Cow;
use std::sync::Arc;

/// Where the long values of a table stand: nowhere, for a table that has none.
#[derive(Clone, Copy, Default)]
pub(crate) struct Long<'a> {
    /// The table beside, as committed.
    pub base: Option<&'a Arc<Table>>,
    /// What the reader's own transaction has written there.
    pub own: Option<&'a TableWrites>,
}

impl<'a> Long<'a> {
    /// The long values of a committed row.
    pub fn committed(base: Option<&'a Arc<Table>>) -> Long<'a> {
        Long { base, own: None }
    }

    /// Whether there is no long value at all. One that has ended may still be read at an earlier moment, and one in a damaged
    /// file is still referred to.
    pub fn is_empty(self) -> bool {
        self.base.is_none_or(|table| table.read().is_empty())
            && self.own.is_none_or(|writes| writes.store.is_empty())
    }

    /// What stored bytes stand for.
    #[inline]
    pub fn bytes(self, stored: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
        match Reference::parse(stored) {
            Some(reference) if self.base.is_some() || self.own.is_some() => {
                let mut value = Vec::new();
                self.visit(&reference, &mut |bytes| value.extend_from_slice(bytes))?;
                Ok(Cow::Owned(value))
            }
            Some(_) | None => Ok(Cow::Borrowed(stored)),
        }
    }

    /// The value that a stored one stands for.
    #[inline]
    pub fn value(self, stored: Value) -> Result<Value, Error> {
        let reference = match &stored {
            Value::Text(text) => Reference::parse(text.as_bytes()),
            Value::Bytes(bytes) => Reference::parse(bytes),
            _ => None,
        };
        match reference {
            Some(reference) if self.base.is_some() || self.own.is_some() => {
                self.fetched(&reference, matches!(stored, Value::Text(_)))
            }
            Some(_) | None => Ok(stored),
        }
    }

    fn fetched(self, reference: &Reference, is_text: bool) -> Result<Value, Error> {
        let mut value = None;
        self.visit(reference, &mut |bytes| {
            value = Some(match is_text {
                true => std::str::from_utf8(bytes).map(|text| Value::Text(Arc::from(text))),
                false => Ok(Value::Bytes(Arc::from(bytes))),
            });
        })?;
        match value {
            Some(Ok(value)) => Ok(value),
            Some(Err(_)) => Err(Error::Corrupted("a long text is not UTF-8".into())),
            None => Err(Error::Corrupted("a long value was not found".into())),
        }
    }

    /// Calls `f` with the value, once.
    pub fn visit(self, reference: &Reference, f: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        if let Some(writes) = self.own {
            let rows =
                writes.store.index(hashes(writes.table)).map_or(&[][..], |map| map.get(&reference.hash));
            for location in rows {
                let Some(chunk) = writes.store.chunk(location.number()) else { continue };
                if let Some(bytes) = meant(Found::Chunk(chunk, location.row()), reference)? {
                    f(bytes);
                    return Ok(());
                }
            }
        }
        let Some(table) = self.base else { return Err(missing(self.own.map_or(0, |own| own.table.0))) };
        table.check_sound()?;
        let state = table.read();
        let mut is_found = false;
        state.current.versions_of(hashes(table.id), &reference.hash, &mut |_, found| {
            if let Some(bytes) = meant(found, reference)? {
                f(bytes);
                is_found = true;
            }
            Ok(!is_found)
        })?;
        if is_found { Ok(()) } else { Err(missing(table.id.0)) }
    }

    /// The content of a row beside.
    pub fn content<'r>(found: Found<'r>) -> Result<Option<&'r [u8]>, Error> {
        Ok(match found {
            Found::Chunk(chunk, row) => chunk.column(VALUE).and_then(|values| values.bytes(row)),
            Found::Segment(part, row) => part.segment.value_bytes(VALUE, row)?,
        })
    }
}

/// The content of a row beside, if it is what a reference means.
fn meant<'r>(found: Found<'r>, reference: &Reference) -> Result<Option<&'r [u8]>, Error> {
    let content = Long::content(found)?;
    Ok(content.filter(|bytes| bytes.len() == reference.length as usize))
}

fn missing(table: u32) -> Error {
    Error::Corrupted(format!("a long value is missing in table {table}"))
}
