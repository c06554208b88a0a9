//! Types that identify things of the server: the `reg…` aliases of oid, `tid`, `xid`, `xid8`, `pg_lsn`.

use crate::error::{Error, Result, SqlState};

use super::digits::append_u64;
use super::integer::{input_oid, invalid_syntax};
use super::oid;
use super::settings::{NameKind, Names};

/// The kind of object that a `reg…` type names; `None` for every other type.
pub fn kind_of(type_oid: u32) -> Option<NameKind> {
    Some(match type_oid {
        oid::REGCLASS => NameKind::Class,
        oid::REGTYPE => NameKind::Type,
        oid::REGPROC => NameKind::Procedure,
        oid::REGPROCEDURE => NameKind::ProcedureWithArguments,
        oid::REGOPER => NameKind::Operator,
        oid::REGOPERATOR => NameKind::OperatorWithArguments,
        oid::REGNAMESPACE => NameKind::Namespace,
        oid::REGROLE => NameKind::Role,
        oid::REGCOLLATION => NameKind::Collation,
        oid::REGCONFIG => NameKind::TextSearchConfiguration,
        oid::REGDICTIONARY => NameKind::TextSearchDictionary,
        _ => return None,
    })
}

/// `-` for zero, a number, or a name that the catalog resolves.
pub fn input_name(kind: NameKind, text: &str, names: &dyn Names) -> Result<u32> {
    if text == "-" {
        return Ok(0);
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return input_oid(text);
    }
    names.find(kind, text)
}

/// The name of an object, `-` for zero, the number of an object that is not there.
pub fn append_name(kind: NameKind, object: u32, names: &dyn Names, out: &mut Vec<u8>) {
    if object == 0 {
        // The operator aliases print 0, every other alias a hyphen.
        let zero = match kind {
            NameKind::Operator | NameKind::OperatorWithArguments => b'0',
            _ => b'-',
        };
        out.push(zero);
        return;
    }
    match names.name_of(kind, object) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => append_u64(u64::from(object), out),
    }
}

/// `(block,offset)`, kept as six big-endian bytes.
pub fn input_tid(text: &str) -> Result<[u8; 6]> {
    let parse = || {
        let inner = text.strip_prefix('(')?.strip_suffix(')')?;
        let (block, offset) = inner.split_once(',')?;
        let block = block.trim().parse::<u32>().ok()?;
        let offset = offset.trim().parse::<u16>().ok()?;
        Some((block, offset))
    };
    let (block, offset) = parse().ok_or_else(|| invalid_syntax("tid", text))?;
    let mut bytes = [0; 6];
    bytes[..4].copy_from_slice(&block.to_be_bytes());
    bytes[4..].copy_from_slice(&offset.to_be_bytes());
    Ok(bytes)
}

pub fn append_tid(bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let [a, b, c, d, e, f] = bytes else { return Err(Error::internal("a tid must have six bytes")) };
    out.push(b'(');
    append_u64(u64::from(u32::from_be_bytes([*a, *b, *c, *d])), out);
    out.push(b',');
    append_u64(u64::from(u16::from_be_bytes([*e, *f])), out);
    out.push(b')');
    Ok(())
}

/// `xid` and `cid` take what C's strtoul takes; here that is decimal digits.
pub fn input_xid(type_name: &str, text: &str) -> Result<u32> {
    text.trim().parse::<u32>().map_err(|_| invalid_syntax(type_name, text))
}

pub fn input_xid8(text: &str) -> Result<i64> {
    text.trim().parse::<u64>().map(|number| number as i64).map_err(|_| invalid_syntax("xid8", text))
}

/// Two hexadecimal halves with a slash between.
pub fn input_lsn(text: &str) -> Result<i64> {
    let parse = |half: &str| {
        let fits = !half.is_empty() && half.len() <= 8 && half.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| u32::from_str_radix(half, 16).ok()).flatten()
    };
    text.split_once('/')
        .and_then(|(high, low)| Some((u64::from(parse(high)?) << 32 | u64::from(parse(low)?)) as i64))
        .ok_or_else(|| invalid_syntax("pg_lsn", text))
}

pub fn append_lsn(lsn: i64, out: &mut Vec<u8>) {
    let lsn = lsn as u64;
    out.extend_from_slice(format!("{:X}/{:X}", lsn >> 32, lsn & 0xffff_ffff).as_bytes());
}

/// `22P02` for pseudo-types that no value can be read into.
pub fn no_input(type_name: &str) -> Error {
    Error::new(SqlState::FeatureNotSupported, format!("cannot accept a value of type {type_name}"))
}
