//! Facts of types that information_schema shows: lengths, precisions, scales, from oid and typmod.

use super::cell::Cell;

const BIT: u32 = 1560;
const VARBIT: u32 = 1562;
const BPCHAR: u32 = 1042;
const VARCHAR: u32 = 1043;
const TEXT: u32 = 25;
const NUMERIC: u32 = 1700;
const INTERVAL: u32 = 1186;
/// What a typmod of a length type carries besides the length.
const HEADER: i32 = 4;
/// Bytes of the longest UTF-8 character.
const BYTES_A_CHARACTER: i32 = 4;

/// character_maximum_length.
pub fn character_maximum_length(type_oid: u32, typmod: i32) -> Cell {
    match (type_oid, typmod) {
        (_, -1) => Cell::Null,
        (BPCHAR | VARCHAR, typmod) => Cell::Int32(typmod - HEADER),
        (BIT | VARBIT, typmod) => Cell::Int32(typmod),
        _ => Cell::Null,
    }
}

/// character_octet_length.
pub fn character_octet_length(type_oid: u32, typmod: i32) -> Cell {
    match (type_oid, typmod) {
        (TEXT | BPCHAR | VARCHAR, -1) => Cell::Int32(1 << 30),
        (BPCHAR | VARCHAR, typmod) => Cell::Int32((typmod - HEADER) * BYTES_A_CHARACTER),
        _ => Cell::Null,
    }
}

/// numeric_precision.
pub fn numeric_precision(type_oid: u32, typmod: i32) -> Cell {
    match (type_oid, typmod) {
        (21, _) => Cell::Int32(16),
        (23, _) => Cell::Int32(32),
        (20, _) => Cell::Int32(64),
        (700, _) => Cell::Int32(24),
        (701, _) => Cell::Int32(53),
        (NUMERIC, -1) => Cell::Null,
        (NUMERIC, typmod) => Cell::Int32(((typmod - HEADER) >> 16) & 0xffff),
        _ => Cell::Null,
    }
}

/// numeric_precision_radix.
pub fn numeric_precision_radix(type_oid: u32) -> Cell {
    match type_oid {
        20 | 21 | 23 | 700 | 701 => Cell::Int32(2),
        NUMERIC => Cell::Int32(10),
        _ => Cell::Null,
    }
}

/// numeric_scale: eleven bits, the highest a sign.
pub fn numeric_scale(type_oid: u32, typmod: i32) -> Cell {
    match (type_oid, typmod) {
        (20 | 21 | 23, _) => Cell::Int32(0),
        (NUMERIC, -1) => Cell::Null,
        (NUMERIC, typmod) => Cell::Int32((((typmod - HEADER) & 0x7ff) ^ 1024) - 1024),
        _ => Cell::Null,
    }
}

/// datetime_precision.
pub fn datetime_precision(type_oid: u32, typmod: i32) -> Cell {
    match (type_oid, typmod) {
        (1082, _) => Cell::Int32(0),
        (1083 | 1114 | 1184 | 1266, typmod) => Cell::Int32(if typmod < 0 { 6 } else { typmod }),
        (INTERVAL, typmod) => Cell::Int32(match typmod {
            typmod if typmod < 0 || typmod & 0xffff == 0xffff => 6,
            typmod => typmod & 0xffff,
        }),
        _ => Cell::Null,
    }
}

/// interval_type: the fields of an interval with some, taken from format_type's text.
pub fn interval_type(type_oid: u32, formatted: &str) -> Cell {
    if type_oid != INTERVAL {
        return Cell::Null;
    }
    let fields = formatted.strip_prefix("interval").unwrap_or_default().split('(').next().unwrap_or_default();
    match fields.trim() {
        "" => Cell::Null,
        fields => Cell::from(fields.to_uppercase()),
    }
}
