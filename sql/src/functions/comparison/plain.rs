//! Comparison of types whose physical order is their order: bool, oid, xid, uuid, bytea, date, time, timestamp.

use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // booleq(bool,bool)
    (60, scalar!(|a: bool, b: bool| a == b)),
    // boolne(bool,bool)
    (84, scalar!(|a: bool, b: bool| a != b)),
    // boollt(bool,bool)
    (56, scalar!(|a: bool, b: bool| a < b)),
    // boolle(bool,bool)
    (1691, scalar!(|a: bool, b: bool| a <= b)),
    // boolgt(bool,bool)
    (57, scalar!(|a: bool, b: bool| a > b)),
    // boolge(bool,bool)
    (1692, scalar!(|a: bool, b: bool| a >= b)),
    // btboolcmp(bool,bool)
    (1693, scalar!(|a: bool, b: bool| a.cmp(&b) as i32)),
    // oideq(oid,oid)
    (184, scalar!(|a: u32, b: u32| a == b)),
    // oidne(oid,oid)
    (185, scalar!(|a: u32, b: u32| a != b)),
    // oidlt(oid,oid)
    (716, scalar!(|a: u32, b: u32| a < b)),
    // oidle(oid,oid)
    (717, scalar!(|a: u32, b: u32| a <= b)),
    // oidgt(oid,oid)
    (1638, scalar!(|a: u32, b: u32| a > b)),
    // oidge(oid,oid)
    (1639, scalar!(|a: u32, b: u32| a >= b)),
    // btoidcmp(oid,oid)
    (356, scalar!(|a: u32, b: u32| a.cmp(&b) as i32)),
    // oidlarger(oid,oid)
    (1965, scalar!(|a: u32, b: u32| a.max(b))),
    // oidsmaller(oid,oid)
    (1966, scalar!(|a: u32, b: u32| a.min(b))),
    // xideq(xid,xid)
    (68, scalar!(|a: u32, b: u32| a == b)),
    // cideq(cid,cid)
    (69, scalar!(|a: u32, b: u32| a == b)),
    // xideqint4(xid,int4)
    (1319, scalar!(|a: u32, b: i32| a == b as u32)),
    // xidneq(xid,xid)
    (3308, scalar!(|a: u32, b: u32| a != b)),
    // xidneqint4(xid,int4)
    (3309, scalar!(|a: u32, b: i32| a != b as u32)),
    // xid8eq(xid8,xid8)
    (5084, scalar!(|a: i64, b: i64| (a as u64) == (b as u64))),
    // xid8ne(xid8,xid8)
    (5085, scalar!(|a: i64, b: i64| (a as u64) != (b as u64))),
    // xid8lt(xid8,xid8)
    (5034, scalar!(|a: i64, b: i64| (a as u64) < (b as u64))),
    // xid8le(xid8,xid8)
    (5036, scalar!(|a: i64, b: i64| (a as u64) <= (b as u64))),
    // xid8gt(xid8,xid8)
    (5035, scalar!(|a: i64, b: i64| (a as u64) > (b as u64))),
    // xid8ge(xid8,xid8)
    (5037, scalar!(|a: i64, b: i64| (a as u64) >= (b as u64))),
    // xid8cmp(xid8,xid8)
    (5096, scalar!(|a: i64, b: i64| (a as u64).cmp(&(b as u64)) as i32)),
    // xid8_larger(xid8,xid8)
    (5097, scalar!(|a: i64, b: i64| (a as u64).max(b as u64) as i64)),
    // xid8_smaller(xid8,xid8)
    (5098, scalar!(|a: i64, b: i64| (a as u64).min(b as u64) as i64)),
    // pg_lsn_eq(pg_lsn,pg_lsn)
    (3233, scalar!(|a: i64, b: i64| (a as u64) == (b as u64))),
    // pg_lsn_ne(pg_lsn,pg_lsn)
    (3236, scalar!(|a: i64, b: i64| (a as u64) != (b as u64))),
    // pg_lsn_lt(pg_lsn,pg_lsn)
    (3231, scalar!(|a: i64, b: i64| (a as u64) < (b as u64))),
    // pg_lsn_le(pg_lsn,pg_lsn)
    (3232, scalar!(|a: i64, b: i64| (a as u64) <= (b as u64))),
    // pg_lsn_gt(pg_lsn,pg_lsn)
    (3235, scalar!(|a: i64, b: i64| (a as u64) > (b as u64))),
    // pg_lsn_ge(pg_lsn,pg_lsn)
    (3234, scalar!(|a: i64, b: i64| (a as u64) >= (b as u64))),
    // pg_lsn_cmp(pg_lsn,pg_lsn)
    (3251, scalar!(|a: i64, b: i64| (a as u64).cmp(&(b as u64)) as i32)),
    // uuid_eq(uuid,uuid)
    (2956, scalar!(|a: [u8; 16], b: [u8; 16]| a == b)),
    // uuid_ne(uuid,uuid)
    (2959, scalar!(|a: [u8; 16], b: [u8; 16]| a != b)),
    // uuid_lt(uuid,uuid)
    (2954, scalar!(|a: [u8; 16], b: [u8; 16]| a < b)),
    // uuid_le(uuid,uuid)
    (2955, scalar!(|a: [u8; 16], b: [u8; 16]| a <= b)),
    // uuid_gt(uuid,uuid)
    (2958, scalar!(|a: [u8; 16], b: [u8; 16]| a > b)),
    // uuid_ge(uuid,uuid)
    (2957, scalar!(|a: [u8; 16], b: [u8; 16]| a >= b)),
    // uuid_cmp(uuid,uuid)
    (2960, scalar!(|a: [u8; 16], b: [u8; 16]| a.cmp(&b) as i32)),
    // byteaeq(bytea,bytea)
    (1948, scalar!(|a: &[u8], b: &[u8]| a == b)),
    // byteane(bytea,bytea)
    (1953, scalar!(|a: &[u8], b: &[u8]| a != b)),
    // bytealt(bytea,bytea)
    (1949, scalar!(|a: &[u8], b: &[u8]| a < b)),
    // byteale(bytea,bytea)
    (1950, scalar!(|a: &[u8], b: &[u8]| a <= b)),
    // byteagt(bytea,bytea)
    (1951, scalar!(|a: &[u8], b: &[u8]| a > b)),
    // byteage(bytea,bytea)
    (1952, scalar!(|a: &[u8], b: &[u8]| a >= b)),
    // byteacmp(bytea,bytea)
    (1954, scalar!(|a: &[u8], b: &[u8]| a.cmp(b) as i32)),
    // date_eq(date,date)
    (1086, scalar!(|a: i32, b: i32| a == b)),
    // date_ne(date,date)
    (1091, scalar!(|a: i32, b: i32| a != b)),
    // date_lt(date,date)
    (1087, scalar!(|a: i32, b: i32| a < b)),
    // date_le(date,date)
    (1088, scalar!(|a: i32, b: i32| a <= b)),
    // date_gt(date,date)
    (1089, scalar!(|a: i32, b: i32| a > b)),
    // date_ge(date,date)
    (1090, scalar!(|a: i32, b: i32| a >= b)),
    // date_cmp(date,date)
    (1092, scalar!(|a: i32, b: i32| a.cmp(&b) as i32)),
    // date_larger(date,date)
    (1138, scalar!(|a: i32, b: i32| a.max(b))),
    // date_smaller(date,date)
    (1139, scalar!(|a: i32, b: i32| a.min(b))),
    // time_eq(time,time)
    (1145, scalar!(|a: i64, b: i64| a == b)),
    // time_ne(time,time)
    (1106, scalar!(|a: i64, b: i64| a != b)),
    // time_lt(time,time)
    (1102, scalar!(|a: i64, b: i64| a < b)),
    // time_le(time,time)
    (1103, scalar!(|a: i64, b: i64| a <= b)),
    // time_gt(time,time)
    (1104, scalar!(|a: i64, b: i64| a > b)),
    // time_ge(time,time)
    (1105, scalar!(|a: i64, b: i64| a >= b)),
    // time_cmp(time,time)
    (1107, scalar!(|a: i64, b: i64| a.cmp(&b) as i32)),
    // time_larger(time,time)
    (1377, scalar!(|a: i64, b: i64| a.max(b))),
    // time_smaller(time,time)
    (1378, scalar!(|a: i64, b: i64| a.min(b))),
    // timestamptz_eq(timestamptz,timestamptz)
    (1152, scalar!(|a: i64, b: i64| a == b)),
    // timestamp_eq(timestamp,timestamp)
    (2052, scalar!(|a: i64, b: i64| a == b)),
    // timestamptz_ne(timestamptz,timestamptz)
    (1153, scalar!(|a: i64, b: i64| a != b)),
    // timestamp_ne(timestamp,timestamp)
    (2053, scalar!(|a: i64, b: i64| a != b)),
    // timestamptz_lt(timestamptz,timestamptz)
    (1154, scalar!(|a: i64, b: i64| a < b)),
    // timestamp_lt(timestamp,timestamp)
    (2054, scalar!(|a: i64, b: i64| a < b)),
    // timestamptz_le(timestamptz,timestamptz)
    (1155, scalar!(|a: i64, b: i64| a <= b)),
    // timestamp_le(timestamp,timestamp)
    (2055, scalar!(|a: i64, b: i64| a <= b)),
    // timestamptz_gt(timestamptz,timestamptz)
    (1157, scalar!(|a: i64, b: i64| a > b)),
    // timestamp_gt(timestamp,timestamp)
    (2057, scalar!(|a: i64, b: i64| a > b)),
    // timestamptz_ge(timestamptz,timestamptz)
    (1156, scalar!(|a: i64, b: i64| a >= b)),
    // timestamp_ge(timestamp,timestamp)
    (2056, scalar!(|a: i64, b: i64| a >= b)),
    // timestamptz_cmp(timestamptz,timestamptz)
    (1314, scalar!(|a: i64, b: i64| a.cmp(&b) as i32)),
    // timestamp_cmp(timestamp,timestamp)
    (2045, scalar!(|a: i64, b: i64| a.cmp(&b) as i32)),
    // timestamptz_larger(timestamptz,timestamptz)
    (1196, scalar!(|a: i64, b: i64| a.max(b))),
    // timestamp_larger(timestamp,timestamp)
    (2036, scalar!(|a: i64, b: i64| a.max(b))),
    // timestamptz_smaller(timestamptz,timestamptz)
    (1195, scalar!(|a: i64, b: i64| a.min(b))),
    // timestamp_smaller(timestamp,timestamp)
    (2035, scalar!(|a: i64, b: i64| a.min(b))),
];
