//! Batch forms of LIKE and `~` with a pattern that is the same for every row.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray};
use arrow_buffer::BooleanBufferBuilder;

use super::{TextSide, text_side};
use crate::error::Result;
use crate::functions::pattern::like::{Prepared, ilike, like};
use crate::functions::pattern::regex::{Flags, compiled};
use crate::functions::registry::{Vector, Vectors};

/// Tests every text against a pattern: by `prepared` where the pattern is one, by `each` where it is a column.
fn test(
    arguments: &[Vector],
    rows: usize,
    negated: bool,
    prepare: impl Fn(&str) -> Result<Box<dyn Fn(&str) -> Result<bool>>>,
    each: impl Fn(&str, &str) -> Result<bool>,
) -> Result<ArrayRef> {
    let (texts, patterns) = (text_side(arguments, 0)?, text_side(arguments, 1)?);
    if matches!(texts, TextSide::Null) || matches!(patterns, TextSide::Null) {
        return Ok(Arc::new(BooleanArray::new_null(rows)));
    }
    let nulls = arrow_buffer::NullBuffer::union(texts.nulls(), patterns.nulls());
    if nulls.as_ref().is_some_and(|nulls| nulls.null_count() == rows) {
        // A pattern that no row is tested against may be wrong.
        return Ok(Arc::new(BooleanArray::new_null(rows)));
    }
    let prepared = match &patterns {
        TextSide::Constant(pattern) => Some(prepare(pattern)?),
        TextSide::Column(_) | TextSide::Null => None,
    };
    let mut bits = BooleanBufferBuilder::new(rows);
    for row in 0..rows {
        let valid = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        let matched = match &prepared {
            _ if !valid => false,
            Some(prepared) => prepared(texts.at(row))?,
            None => each(texts.at(row), patterns.at(row))?,
        };
        bits.append(matched != negated);
    }
    Ok(Arc::new(BooleanArray::new(bits.finish(), nulls)))
}

fn like_rows(arguments: &[Vector], rows: usize, negated: bool) -> Result<ArrayRef> {
    let prepare = |pattern: &str| -> Result<Box<dyn Fn(&str) -> Result<bool>>> {
        let prepared = Prepared::new(pattern);
        Ok(Box::new(move |text| prepared.matches(text)))
    };
    test(arguments, rows, negated, prepare, like)
}

fn ilike_rows(arguments: &[Vector], rows: usize, negated: bool) -> Result<ArrayRef> {
    let prepare = |pattern: &str| -> Result<Box<dyn Fn(&str) -> Result<bool>>> {
        let prepared = Prepared::new(&crate::functions::string::basic::lower(pattern));
        Ok(Box::new(move |text| prepared.matches(&crate::functions::string::basic::lower(text))))
    };
    test(arguments, rows, negated, prepare, ilike)
}

fn regex_rows(arguments: &[Vector], rows: usize, flags: Flags, negated: bool) -> Result<ArrayRef> {
    let prepare = |pattern: &str| -> Result<Box<dyn Fn(&str) -> Result<bool>>> {
        let regex = compiled(pattern, flags)?;
        Ok(Box::new(move |text| regex.is_match(text)))
    };
    test(arguments, rows, negated, prepare, |text, pattern| compiled(pattern, flags)?.is_match(text))
}

pub(in crate::functions) const FUNCTIONS: Vectors = &[
    // textlike(text,text)
    (850, |_, _, arguments, rows| like_rows(arguments, rows, false)),
    // like(text,text)
    (1569, |_, _, arguments, rows| like_rows(arguments, rows, false)),
    // bpcharlike(bpchar,text)
    (1631, |_, _, arguments, rows| like_rows(arguments, rows, false)),
    // textnlike(text,text)
    (851, |_, _, arguments, rows| like_rows(arguments, rows, true)),
    // notlike(text,text)
    (1570, |_, _, arguments, rows| like_rows(arguments, rows, true)),
    // bpcharnlike(bpchar,text)
    (1632, |_, _, arguments, rows| like_rows(arguments, rows, true)),
    // texticlike(text,text)
    (1633, |_, _, arguments, rows| ilike_rows(arguments, rows, false)),
    // bpchariclike(bpchar,text)
    (1660, |_, _, arguments, rows| ilike_rows(arguments, rows, false)),
    // texticnlike(text,text)
    (1634, |_, _, arguments, rows| ilike_rows(arguments, rows, true)),
    // bpcharicnlike(bpchar,text)
    (1661, |_, _, arguments, rows| ilike_rows(arguments, rows, true)),
    // textregexeq(text,text)
    (1254, |_, _, arguments, rows| regex_rows(arguments, rows, Flags::default(), false)),
    // bpcharregexeq(bpchar,text)
    (1658, |_, _, arguments, rows| regex_rows(arguments, rows, Flags::default(), false)),
    // nameregexeq(name,text)
    (79, |_, _, arguments, rows| regex_rows(arguments, rows, Flags::default(), false)),
    // textregexne(text,text)
    (1256, |_, _, arguments, rows| regex_rows(arguments, rows, Flags::default(), true)),
    // bpcharregexne(bpchar,text)
    (1659, |_, _, arguments, rows| regex_rows(arguments, rows, Flags::default(), true)),
    // nameregexne(name,text)
    (1252, |_, _, arguments, rows| regex_rows(arguments, rows, Flags::default(), true)),
    // texticregexeq(text,text)
    (1238, |_, _, arguments, rows| regex_rows(arguments, rows, Flags::any_case(), false)),
    // bpcharicregexeq(bpchar,text)
    (1656, |_, _, arguments, rows| regex_rows(arguments, rows, Flags::any_case(), false)),
    // texticregexne(text,text)
    (1239, |_, _, arguments, rows| regex_rows(arguments, rows, Flags::any_case(), true)),
    // bpcharicregexne(bpchar,text)
    (1657, |_, _, arguments, rows| regex_rows(arguments, rows, Flags::any_case(), true)),
];
