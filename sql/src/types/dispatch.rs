//! From a type's oid to what that type does.

use std::sync::Arc;

use engine::{PhysicalType, Value};

use crate::error::{Error, Result, SqlState};

use super::array::{Array, vector};
use super::binary::Reader;
use super::digits::{append_i64, append_u64};
use super::embedding::Element;
use super::embedding::sparse::Sparse;
use super::format_type::{built_in_name, format_type};
use super::interval::{self, Interval};
use super::numeric::Numeric;
use super::record::Record;
use super::settings::{InputSettings, Names, NoNames, OutputSettings, TypeShape};
use super::{
    bit, boolean, bytea, character, datetime, embedding, enumeration, float, identifier, integer, json, oid,
    uuid,
};

/// The physical type of every value of a type. Types made by users are arrays and records, hence bytes.
pub fn physical(type_oid: u32) -> PhysicalType {
    match type_oid {
        oid::BOOL => PhysicalType::Bool,
        oid::INT2 => PhysicalType::Int16,
        oid::INT4 | oid::DATE => PhysicalType::Int32,
        oid::INT8 | oid::TIME | oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::MONEY | oid::XID8 | oid::PG_LSN => {
            PhysicalType::Int64
        }
        oid::OID | oid::XID | oid::CID => PhysicalType::UInt32,
        oid::FLOAT4 => PhysicalType::Float32,
        oid::FLOAT8 => PhysicalType::Float64,
        oid::UUID | oid::INTERVAL | oid::TIMETZ => PhysicalType::Fixed16,
        oid::TEXT
        | oid::VARCHAR
        | oid::BPCHAR
        | oid::NAME
        | oid::JSON
        | oid::JSONB
        | oid::JSONPATH
        | oid::CHAR
        | oid::UNKNOWN
        | oid::CSTRING
        | oid::REFCURSOR
        | oid::PG_NODE_TREE
        | oid::ACLITEM
        | oid::VOID => PhysicalType::Text,
        _ if identifier::kind_of(type_oid).is_some() => PhysicalType::UInt32,
        _ => PhysicalType::Bytes,
    }
}

/// The text of a value.
pub fn output(type_oid: u32, value: &Value, settings: &OutputSettings<'_>) -> Result<String> {
    let mut out = Vec::new();
    append_output(type_oid, value, settings, &mut out)?;
    String::from_utf8(out).map_err(|_| Error::internal("the text of a value is not UTF-8"))
}

/// Appends the text of a value.
pub fn append_output(
    type_oid: u32,
    value: &Value,
    settings: &OutputSettings<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    match (type_oid, value) {
        (oid::INT4, Value::Int32(number)) => append_i64(i64::from(*number), out),
        (oid::INT8, Value::Int64(number)) => append_i64(*number, out),
        (oid::BOOL, Value::Bool(value)) => out.push(if *value { b't' } else { b'f' }),
        (oid::INT2, Value::Int16(number)) => append_i64(i64::from(*number), out),
        (oid::FLOAT4, Value::Float32(number)) => {
            float::append_float4(*number, settings.extra_float_digits, out)
        }
        (oid::FLOAT8, Value::Float64(number)) => {
            float::append_float8(*number, settings.extra_float_digits, out)
        }
        (oid::OID | oid::XID | oid::CID, Value::UInt32(number)) => append_u64(u64::from(*number), out),
        (oid::XID8, Value::Int64(number)) => append_u64(*number as u64, out),
        (oid::PG_LSN, Value::Int64(lsn)) => identifier::append_lsn(*lsn, out),
        (oid::BYTEA, Value::Bytes(bytes)) if settings.bytea_hex => bytea::append_hex(bytes, out),
        (oid::BYTEA, Value::Bytes(bytes)) => bytea::append_escape(bytes, out),
        (oid::UUID, Value::Fixed16(bytes)) => uuid::append(bytes, out),
        (oid::NUMERIC, Value::Bytes(bytes)) => Numeric::from_bytes(bytes)?.append_text(out),
        (oid::TIMESTAMPTZ, Value::Int64(micros)) => datetime::append_timestamptz(*micros, settings, out),
        (oid::TIMESTAMP, Value::Int64(micros)) => datetime::append_timestamp(*micros, settings, out),
        (oid::DATE, Value::Int32(days)) => datetime::append_date(*days, settings, out),
        (oid::TIME, Value::Int64(micros)) => datetime::append_time(*micros, out),
        (oid::TIMETZ, Value::Fixed16(bytes)) => {
            let (micros, west) = datetime::timetz_parts(bytes);
            datetime::append_timetz(micros, west, out);
        }
        (oid::INTERVAL, Value::Fixed16(bytes)) => {
            Interval::from_bytes(bytes).append_text(settings.interval_style, out);
        }
        (oid::TID, Value::Bytes(bytes)) => identifier::append_tid(bytes, out)?,
        (oid::INT2VECTOR | oid::OIDVECTOR, Value::Bytes(bytes)) => vector::append_text(bytes, out)?,
        (oid::BIT | oid::VARBIT, Value::Bytes(bytes)) => bit::append_text(bytes, out)?,
        (oid::VECTOR, Value::Bytes(bytes)) => embedding::append_text(Element::Single, bytes, out),
        (oid::HALFVEC, Value::Bytes(bytes)) => embedding::append_text(Element::Half, bytes, out),
        (oid::SPARSEVEC, Value::Bytes(bytes)) => Sparse::from_bytes(bytes)?.append_text(out),
        (_, Value::Bytes(bytes)) if Record::is_record(bytes) => {
            Record::from_bytes(bytes)?.append_text(settings, out)?;
        }
        (_, Value::Bytes(bytes)) if enumeration::is_enum(bytes) => {
            out.extend_from_slice(enumeration::label(type_oid, bytes, settings.names)?.as_bytes());
        }
        (_, Value::Bytes(bytes)) => Array::from_bytes(bytes)?.append_text(settings, out)?,
        (_, Value::Text(text)) if physical(type_oid) == PhysicalType::Text => {
            out.extend_from_slice(text.as_bytes());
        }
        (_, Value::UInt32(object)) => match identifier::kind_of(type_oid) {
            Some(kind) => identifier::append_name(kind, *object, settings.names, out),
            None => return Err(misplaced(type_oid, value)),
        },
        _ => return Err(misplaced(type_oid, value)),
    }
    Ok(())
}

/// The value of a text, with the typmod applied as an assignment does (-1 for none). Longer than most functions: one
/// arm for every type.
pub fn input(type_oid: u32, typmod: i32, text: &str, settings: &InputSettings<'_>) -> Result<Value> {
    Ok(match type_oid {
        oid::BOOL => Value::Bool(boolean::input(text)?),
        oid::INT2 => Value::Int16(integer::input_int2(text)?),
        oid::INT4 => Value::Int32(integer::input_int4(text)?),
        oid::INT8 => Value::Int64(integer::input_int8(text)?),
        oid::FLOAT4 => Value::Float32(float::input_float4(text)?),
        oid::FLOAT8 => Value::Float64(float::input_float8(text)?),
        oid::OID => Value::UInt32(integer::input_oid(text)?),
        oid::XID => Value::UInt32(identifier::input_xid("xid", text)?),
        oid::CID => Value::UInt32(identifier::input_xid("cid", text)?),
        oid::XID8 => Value::Int64(identifier::input_xid8(text)?),
        oid::PG_LSN => Value::Int64(identifier::input_lsn(text)?),
        oid::TID => Value::Bytes(Arc::from(identifier::input_tid(text)?)),
        oid::BYTEA => Value::from(bytea::input(text)?),
        oid::UUID => Value::Fixed16(uuid::input(text)?),
        oid::NUMERIC => Numeric::parse(text)?.apply_typmod(typmod)?.to_value(),
        oid::DATE => Value::Int32(datetime::input_date(text, settings)?),
        oid::TIME => Value::Int64(datetime::input_time(text, typmod, settings)?),
        oid::TIMETZ => Value::Fixed16(datetime::input_timetz(text, typmod, settings)?),
        oid::TIMESTAMP => Value::Int64(datetime::input_timestamp(text, typmod, settings)?),
        oid::TIMESTAMPTZ => Value::Int64(datetime::input_timestamptz(text, typmod, settings)?),
        oid::INTERVAL => interval::input(text, typmod, settings)?.to_value(),
        oid::TEXT | oid::UNKNOWN | oid::CSTRING | oid::REFCURSOR => {
            character::check(text)?;
            Value::from(text)
        }
        oid::NAME => {
            character::check(text)?;
            Value::from(character::truncate_name(text))
        }
        oid::VARCHAR => {
            character::check(text)?;
            Value::Text(character::limit_varchar(Arc::from(text), typmod, false)?)
        }
        oid::BPCHAR => {
            character::check(text)?;
            Value::Text(character::limit_bpchar(Arc::from(text), typmod, false)?)
        }
        oid::CHAR => Value::Text(character::char_input(text)),
        oid::VOID => Value::from(""),
        oid::JSON => {
            json::validate(text)?;
            Value::from(text)
        }
        oid::JSONB => Value::from(json::canonical(text)?),
        oid::INT2VECTOR | oid::OIDVECTOR => vector::input(type_oid, text)?,
        oid::BIT | oid::VARBIT => Value::from(bit::input(text, typmod, type_oid == oid::VARBIT)?),
        oid::VECTOR => embedding::input(Element::Single, typmod, text)?,
        oid::HALFVEC => embedding::input(Element::Half, typmod, text)?,
        oid::SPARSEVEC => Sparse::input(typmod, text)?,
        oid::RECORD => {
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                "input of anonymous composite types is not implemented",
            ));
        }
        _ if oid::is_polymorphic(type_oid) || matches!(type_oid, oid::ANY | oid::TRIGGER | oid::INTERNAL) => {
            return Err(identifier::no_input(built_in_name(type_oid).unwrap_or("unknown").trim_matches('"')));
        }
        _ => match identifier::kind_of(type_oid) {
            Some(kind) => Value::UInt32(identifier::input_name(kind, text, settings.names)?),
            None => input_composite(type_oid, typmod, text, settings)?,
        },
    })
}

/// Arrays, and types made by users.
fn input_composite(type_oid: u32, typmod: i32, text: &str, settings: &InputSettings<'_>) -> Result<Value> {
    if let Some(element) = oid::element_of(type_oid) {
        return Ok(Array::parse(element, typmod, text, settings)?.to_value());
    }
    if built_in_name(type_oid).is_some() {
        return Err(unsupported(type_oid));
    }
    match settings.names.shape(type_oid) {
        Some(TypeShape::Array { element }) => Ok(Array::parse(element, typmod, text, settings)?.to_value()),
        Some(TypeShape::Composite { columns }) => Ok(Record::parse(&columns, text, settings)?.to_value()),
        Some(TypeShape::Enum { labels }) => {
            enumeration::input(&labels, &format_type(type_oid, -1, settings.names), text)
        }
        None => Err(unsupported(type_oid)),
    }
}

/// Appends the binary form of a value.
pub fn send(type_oid: u32, value: &Value, out: &mut Vec<u8>) -> Result<()> {
    match (type_oid, value) {
        (oid::TID, Value::Bytes(bytes)) | (oid::BYTEA, Value::Bytes(bytes)) => out.extend_from_slice(bytes),
        (oid::UUID, Value::Fixed16(bytes)) => out.extend_from_slice(bytes),
        (oid::NUMERIC, Value::Bytes(bytes)) => Numeric::from_bytes(bytes)?.send(out),
        (oid::INTERVAL, Value::Fixed16(bytes)) => Interval::from_bytes(bytes).send(out),
        (oid::TIMETZ, Value::Fixed16(bytes)) => {
            let (micros, west) = datetime::timetz_parts(bytes);
            out.extend_from_slice(&micros.to_be_bytes());
            out.extend_from_slice(&west.to_be_bytes());
        }
        (oid::CHAR, Value::Text(text)) => out.push(character::char_to_byte(text)),
        (oid::BIT | oid::VARBIT, Value::Bytes(bytes)) => bit::send(bytes, out)?,
        (oid::VECTOR, Value::Bytes(bytes)) => embedding::send(Element::Single, bytes, out)?,
        (oid::HALFVEC, Value::Bytes(bytes)) => embedding::send(Element::Half, bytes, out)?,
        (oid::SPARSEVEC, Value::Bytes(bytes)) => Sparse::from_bytes(bytes)?.send(out),
        // The binary form is the label, which only names tell: see `send_named`.
        (_, Value::Bytes(bytes)) if enumeration::is_enum(bytes) => {
            return Err(Error::unsupported("the binary form of an enum inside another value"));
        }
        (_, Value::Bytes(bytes)) if Record::is_record(bytes) => Record::from_bytes(bytes)?.send(out)?,
        (_, Value::Bytes(bytes)) => Array::from_bytes(bytes)?.send(out)?,
        (_, Value::Bool(value)) => out.push(u8::from(*value)),
        (_, Value::Int16(number)) => out.extend_from_slice(&number.to_be_bytes()),
        (_, Value::Int32(number)) => out.extend_from_slice(&number.to_be_bytes()),
        (_, Value::Int64(number)) => out.extend_from_slice(&number.to_be_bytes()),
        (_, Value::UInt32(number)) => out.extend_from_slice(&number.to_be_bytes()),
        (_, Value::Float32(number)) => out.extend_from_slice(&number.to_be_bytes()),
        (_, Value::Float64(number)) => out.extend_from_slice(&number.to_be_bytes()),
        (oid::JSONB | oid::JSONPATH, Value::Text(text)) => {
            out.push(1);
            out.extend_from_slice(text.as_bytes());
        }
        (_, Value::Text(text)) => out.extend_from_slice(text.as_bytes()),
        _ => return Err(misplaced(type_oid, value)),
    }
    Ok(())
}

/// Appends the binary form of a value, of types made by users too.
pub fn send_named(
    type_oid: u32,
    value: &Value,
    settings: &OutputSettings<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    match value {
        Value::Bytes(bytes) if built_in_name(type_oid).is_none() && enumeration::is_enum(bytes) => {
            append_output(type_oid, value, settings, out)
        }
        _ => send(type_oid, value, out),
    }
}

/// The value of a binary form, with the typmod applied as an assignment does (-1 for none). Built-in types only.
pub fn receive(type_oid: u32, typmod: i32, bytes: &[u8]) -> Result<Value> {
    receive_named(type_oid, typmod, bytes, &NoNames)
}

/// The value of a binary form, of types made by users too.
pub fn receive_named(type_oid: u32, typmod: i32, bytes: &[u8], names: &dyn Names) -> Result<Value> {
    let mut reader = Reader::new(bytes);
    let value = match type_oid {
        oid::BOOL => Value::Bool(reader.u8()? != 0),
        oid::INT2 => Value::Int16(reader.i16()?),
        oid::INT4 => Value::Int32(reader.i32()?),
        oid::INT8 | oid::XID8 | oid::PG_LSN => Value::Int64(reader.i64()?),
        oid::FLOAT4 => Value::Float32(f32::from_bits(reader.u32()?)),
        oid::FLOAT8 => Value::Float64(f64::from_bits(reader.i64()? as u64)),
        oid::BYTEA => Value::Bytes(Arc::from(reader.remaining())),
        oid::TID => Value::Bytes(Arc::from(reader.take(6)?)),
        oid::UUID => {
            let mut uuid = [0; 16];
            uuid.copy_from_slice(reader.take(16)?);
            Value::Fixed16(uuid)
        }
        oid::CHAR => Value::Text(character::char_from_byte(reader.u8()?)),
        oid::NUMERIC => Numeric::receive(&mut reader)?.apply_typmod(typmod)?.to_value(),
        oid::DATE => Value::Int32(datetime::receive_date(&mut reader)?),
        oid::TIME => Value::Int64(datetime::receive_time(&mut reader, typmod)?),
        oid::TIMETZ => Value::Fixed16(datetime::receive_timetz(&mut reader, typmod)?),
        oid::TIMESTAMP | oid::TIMESTAMPTZ => Value::Int64(datetime::receive_timestamp(&mut reader, typmod)?),
        oid::INTERVAL => Interval::receive(&mut reader)?.apply_typmod(typmod)?.to_value(),
        oid::TEXT | oid::UNKNOWN | oid::CSTRING | oid::REFCURSOR | oid::NAME | oid::VARCHAR | oid::BPCHAR => {
            let text = character::from_bytes(reader.remaining())?;
            input(type_oid, typmod, text, &InputSettings::plain())?
        }
        oid::VOID => Value::from(""),
        oid::JSON => {
            let text = character::from_bytes(reader.remaining())?;
            json::validate(text)?;
            Value::from(text)
        }
        oid::JSONB => {
            let version = reader.u8()?;
            if version != 1 {
                return Err(Error::internal(format!("unsupported jsonb version number {version}")));
            }
            Value::from(json::canonical(character::from_bytes(reader.remaining())?)?)
        }
        oid::BIT | oid::VARBIT => {
            Value::from(bit::limit(bit::receive(&mut reader)?, typmod, type_oid == oid::VARBIT, false)?)
        }
        oid::VECTOR => embedding::receive(Element::Single, typmod, &mut reader)?,
        oid::HALFVEC => embedding::receive(Element::Half, typmod, &mut reader)?,
        oid::SPARSEVEC => Sparse::receive(typmod, &mut reader)?,
        oid::INT2VECTOR => vector::receive(oid::INT2, &mut reader)?,
        oid::OIDVECTOR => vector::receive(oid::OID, &mut reader)?,
        oid::RECORD => Record::receive(&mut reader)?.to_value(),
        _ if physical(type_oid) == PhysicalType::UInt32 => Value::UInt32(reader.u32()?),
        _ => receive_composite(type_oid, typmod, &mut reader, names)?,
    };
    reader.finish()?;
    Ok(value)
}

/// Arrays, and types made by users.
fn receive_composite(
    type_oid: u32,
    typmod: i32,
    reader: &mut Reader<'_>,
    names: &dyn Names,
) -> Result<Value> {
    if let Some(element) = oid::element_of(type_oid) {
        return Ok(Array::receive(element, typmod, reader)?.to_value());
    }
    match names.shape(type_oid) {
        Some(TypeShape::Array { element }) => Ok(Array::receive(element, typmod, reader)?.to_value()),
        Some(TypeShape::Composite { columns }) => {
            let record = Record::receive(reader)?;
            if record.columns.len() != columns.len() {
                return Err(Error::new(
                    SqlState::DatatypeMismatch,
                    format!("wrong number of columns: {}, expected {}", record.columns.len(), columns.len()),
                ));
            }
            for (number, ((found, _), (expected, _))) in record.columns.iter().zip(&columns).enumerate() {
                if found != expected {
                    return Err(Error::new(
                        SqlState::DatatypeMismatch,
                        format!(
                            "binary data has type {found} ({}) instead of expected {expected} ({}) in record column {}",
                            format_type(*found, -1, names),
                            format_type(*expected, -1, names),
                            number + 1
                        ),
                    ));
                }
            }
            Ok(record.to_value())
        }
        Some(TypeShape::Enum { labels }) => {
            let text = character::from_bytes(reader.remaining())?;
            enumeration::input(&labels, &format_type(type_oid, -1, names), text)
        }
        None => Err(unsupported(type_oid)),
    }
}

/// Applies the length, precision or scale of a typmod to a value of its type. An explicit cast cuts what is too
/// long; an assignment refuses it.
pub fn apply_typmod(type_oid: u32, typmod: i32, value: Value, explicit: bool) -> Result<Value> {
    if typmod < 0 {
        return Ok(value);
    }
    Ok(match (type_oid, value) {
        (_, Value::Null) => Value::Null,
        (oid::VARCHAR, Value::Text(text)) => Value::Text(character::limit_varchar(text, typmod, explicit)?),
        (oid::BPCHAR, Value::Text(text)) => Value::Text(character::limit_bpchar(text, typmod, explicit)?),
        (oid::NUMERIC, value @ Value::Bytes(_)) => {
            Numeric::from_value(&value)?.apply_typmod(typmod)?.to_value()
        }
        (oid::TIME | oid::TIMESTAMP | oid::TIMESTAMPTZ, Value::Int64(micros)) => {
            Value::Int64(datetime::round_micros(micros, typmod))
        }
        (oid::TIMETZ, Value::Fixed16(bytes)) => {
            let (micros, west) = datetime::timetz_parts(&bytes);
            Value::Fixed16(datetime::timetz_bytes(datetime::round_micros(micros, typmod), west))
        }
        (oid::INTERVAL, Value::Fixed16(bytes)) => {
            Interval::from_bytes(&bytes).apply_typmod(typmod)?.to_value()
        }
        (oid::BIT | oid::VARBIT, Value::Bytes(bytes)) => {
            Value::from(bit::limit(bytes.to_vec(), typmod, type_oid == oid::VARBIT, explicit)?)
        }
        (oid::VECTOR, Value::Bytes(bytes)) => {
            Value::Bytes(embedding::apply_typmod(Element::Single, typmod, bytes)?)
        }
        (oid::HALFVEC, Value::Bytes(bytes)) => {
            Value::Bytes(embedding::apply_typmod(Element::Half, typmod, bytes)?)
        }
        (oid::SPARSEVEC, Value::Bytes(bytes)) => {
            embedding::check_expected(typmod, Sparse::from_bytes(&bytes)?.dimensions as usize)?;
            Value::Bytes(bytes)
        }
        (_, value @ Value::Bytes(_)) if oid::element_of(type_oid).is_some() => {
            let mut array = Array::from_value(&value)?;
            for element in &mut array.elements {
                *element = apply_typmod(array.element, typmod, std::mem::take(element), explicit)?;
            }
            array.to_value()
        }
        (_, value) => value,
    })
}

/// The typmod of the arguments written behind a type's name, as in `numeric(10, 2)`.
pub fn typmod_from_arguments(type_oid: u32, arguments: &[i64]) -> Result<i32> {
    super::format_type::typmod_from_arguments(type_oid, arguments)
}

/// `XX000`: the value does not have the physical type of its type.
pub(super) fn misplaced(type_oid: u32, value: &Value) -> Error {
    let name = format_type(type_oid, -1, &NoNames);
    Error::internal(format!("a value of type {name} cannot be {:?}", value.physical_type()))
}

fn unsupported(type_oid: u32) -> Error {
    match built_in_name(type_oid) {
        Some(name) => Error::unsupported(format!("type {name}")),
        None => Error::unsupported(format!("the type with oid {type_oid}")),
    }
}
