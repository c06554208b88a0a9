//! Oids of PostgreSQL's built-in types, and the relation between a type and its array type.
//!
//! The numbers are PostgreSQL's own (`pg_type.dat`); a type that is not listed here is one that users made.

pub const BOOL: u32 = 16;
pub const BOOL_ARRAY: u32 = 1000;
pub const BYTEA: u32 = 17;
pub const BYTEA_ARRAY: u32 = 1001;
pub const CHAR: u32 = 18;
pub const CHAR_ARRAY: u32 = 1002;
pub const NAME: u32 = 19;
pub const NAME_ARRAY: u32 = 1003;
pub const INT8: u32 = 20;
pub const INT8_ARRAY: u32 = 1016;
pub const INT2: u32 = 21;
pub const INT2_ARRAY: u32 = 1005;
pub const INT2VECTOR: u32 = 22;
pub const INT2VECTOR_ARRAY: u32 = 1006;
pub const INT4: u32 = 23;
pub const INT4_ARRAY: u32 = 1007;
pub const REGPROC: u32 = 24;
pub const REGPROC_ARRAY: u32 = 1008;
pub const TEXT: u32 = 25;
pub const TEXT_ARRAY: u32 = 1009;
pub const OID: u32 = 26;
pub const OID_ARRAY: u32 = 1028;
pub const TID: u32 = 27;
pub const TID_ARRAY: u32 = 1010;
pub const XID: u32 = 28;
pub const XID_ARRAY: u32 = 1011;
pub const CID: u32 = 29;
pub const CID_ARRAY: u32 = 1012;
pub const OIDVECTOR: u32 = 30;
pub const OIDVECTOR_ARRAY: u32 = 1013;
pub const JSON: u32 = 114;
pub const JSON_ARRAY: u32 = 199;
pub const FLOAT4: u32 = 700;
pub const FLOAT4_ARRAY: u32 = 1021;
pub const FLOAT8: u32 = 701;
pub const FLOAT8_ARRAY: u32 = 1022;
pub const MONEY: u32 = 790;
pub const MONEY_ARRAY: u32 = 791;
pub const UNKNOWN: u32 = 705;
pub const BPCHAR: u32 = 1042;
pub const BPCHAR_ARRAY: u32 = 1014;
pub const VARCHAR: u32 = 1043;
pub const VARCHAR_ARRAY: u32 = 1015;
pub const DATE: u32 = 1082;
pub const DATE_ARRAY: u32 = 1182;
pub const TIME: u32 = 1083;
pub const TIME_ARRAY: u32 = 1183;
pub const TIMESTAMP: u32 = 1114;
pub const TIMESTAMP_ARRAY: u32 = 1115;
pub const TIMESTAMPTZ: u32 = 1184;
pub const TIMESTAMPTZ_ARRAY: u32 = 1185;
pub const INTERVAL: u32 = 1186;
pub const INTERVAL_ARRAY: u32 = 1187;
pub const TIMETZ: u32 = 1266;
pub const TIMETZ_ARRAY: u32 = 1270;
pub const BIT: u32 = 1560;
pub const BIT_ARRAY: u32 = 1561;
pub const VARBIT: u32 = 1562;
pub const VARBIT_ARRAY: u32 = 1563;
pub const NUMERIC: u32 = 1700;
pub const NUMERIC_ARRAY: u32 = 1231;
pub const REFCURSOR: u32 = 1790;
pub const REFCURSOR_ARRAY: u32 = 2201;
pub const REGPROCEDURE: u32 = 2202;
pub const REGPROCEDURE_ARRAY: u32 = 2207;
pub const REGOPER: u32 = 2203;
pub const REGOPER_ARRAY: u32 = 2208;
pub const REGOPERATOR: u32 = 2204;
pub const REGOPERATOR_ARRAY: u32 = 2209;
pub const REGCLASS: u32 = 2205;
pub const REGCLASS_ARRAY: u32 = 2210;
pub const REGTYPE: u32 = 2206;
pub const REGTYPE_ARRAY: u32 = 2211;
pub const REGROLE: u32 = 4096;
pub const REGROLE_ARRAY: u32 = 4097;
pub const REGNAMESPACE: u32 = 4089;
pub const REGNAMESPACE_ARRAY: u32 = 4090;
pub const REGCOLLATION: u32 = 4191;
pub const REGCOLLATION_ARRAY: u32 = 4192;
pub const REGCONFIG: u32 = 3734;
pub const REGCONFIG_ARRAY: u32 = 3735;
pub const REGDICTIONARY: u32 = 3769;
pub const REGDICTIONARY_ARRAY: u32 = 3770;
pub const UUID: u32 = 2950;
pub const UUID_ARRAY: u32 = 2951;
pub const PG_LSN: u32 = 3220;
pub const PG_LSN_ARRAY: u32 = 3221;
pub const JSONB: u32 = 3802;
pub const JSONB_ARRAY: u32 = 3807;
pub const JSONPATH: u32 = 4072;
pub const JSONPATH_ARRAY: u32 = 4073;
pub const XID8: u32 = 5069;
pub const XID8_ARRAY: u32 = 271;
pub const RECORD: u32 = 2249;
pub const RECORD_ARRAY: u32 = 2287;
pub const CSTRING: u32 = 2275;
pub const CSTRING_ARRAY: u32 = 1263;
pub const ANY: u32 = 2276;
pub const ANYARRAY: u32 = 2277;
pub const VOID: u32 = 2278;
pub const TRIGGER: u32 = 2279;
pub const INTERNAL: u32 = 2281;
pub const ANYELEMENT: u32 = 2283;
pub const ANYNONARRAY: u32 = 2776;
pub const ANYENUM: u32 = 3500;
pub const ANYRANGE: u32 = 3831;
pub const ANYCOMPATIBLE: u32 = 5077;
pub const ANYCOMPATIBLEARRAY: u32 = 5078;
pub const ANYCOMPATIBLENONARRAY: u32 = 5079;
pub const PG_NODE_TREE: u32 = 194;
pub const ACLITEM: u32 = 1033;
pub const ACLITEM_ARRAY: u32 = 1034;

/// Of the extension vector: the oids that `catalog/data/vector` gives them.
pub const VECTOR: u32 = 8200;
pub const VECTOR_ARRAY: u32 = 8201;
pub const HALFVEC: u32 = 8202;
pub const HALFVEC_ARRAY: u32 = 8203;
pub const SPARSEVEC: u32 = 8204;
pub const SPARSEVEC_ARRAY: u32 = 8205;

/// `(element, array)` of every built-in type that has an array type.
const ARRAYS: &[(u32, u32)] = &[
    (BOOL, BOOL_ARRAY),
    (BYTEA, BYTEA_ARRAY),
    (CHAR, CHAR_ARRAY),
    (NAME, NAME_ARRAY),
    (INT8, INT8_ARRAY),
    (INT2, INT2_ARRAY),
    (INT2VECTOR, INT2VECTOR_ARRAY),
    (INT4, INT4_ARRAY),
    (REGPROC, REGPROC_ARRAY),
    (TEXT, TEXT_ARRAY),
    (OID, OID_ARRAY),
    (TID, TID_ARRAY),
    (XID, XID_ARRAY),
    (CID, CID_ARRAY),
    (OIDVECTOR, OIDVECTOR_ARRAY),
    (JSON, JSON_ARRAY),
    (FLOAT4, FLOAT4_ARRAY),
    (FLOAT8, FLOAT8_ARRAY),
    (MONEY, MONEY_ARRAY),
    (BPCHAR, BPCHAR_ARRAY),
    (VARCHAR, VARCHAR_ARRAY),
    (DATE, DATE_ARRAY),
    (TIME, TIME_ARRAY),
    (TIMESTAMP, TIMESTAMP_ARRAY),
    (TIMESTAMPTZ, TIMESTAMPTZ_ARRAY),
    (INTERVAL, INTERVAL_ARRAY),
    (TIMETZ, TIMETZ_ARRAY),
    (BIT, BIT_ARRAY),
    (VARBIT, VARBIT_ARRAY),
    (NUMERIC, NUMERIC_ARRAY),
    (REFCURSOR, REFCURSOR_ARRAY),
    (REGPROCEDURE, REGPROCEDURE_ARRAY),
    (REGOPER, REGOPER_ARRAY),
    (REGOPERATOR, REGOPERATOR_ARRAY),
    (REGCLASS, REGCLASS_ARRAY),
    (REGTYPE, REGTYPE_ARRAY),
    (REGROLE, REGROLE_ARRAY),
    (REGNAMESPACE, REGNAMESPACE_ARRAY),
    (REGCOLLATION, REGCOLLATION_ARRAY),
    (REGCONFIG, REGCONFIG_ARRAY),
    (REGDICTIONARY, REGDICTIONARY_ARRAY),
    (UUID, UUID_ARRAY),
    (PG_LSN, PG_LSN_ARRAY),
    (JSONB, JSONB_ARRAY),
    (JSONPATH, JSONPATH_ARRAY),
    (XID8, XID8_ARRAY),
    (RECORD, RECORD_ARRAY),
    (CSTRING, CSTRING_ARRAY),
    (ACLITEM, ACLITEM_ARRAY),
    (VECTOR, VECTOR_ARRAY),
    (HALFVEC, HALFVEC_ARRAY),
    (SPARSEVEC, SPARSEVEC_ARRAY),
];

/// The element type of a built-in array type.
pub fn element_of(array: u32) -> Option<u32> {
    ARRAYS.iter().find(|pair| pair.1 == array).map(|pair| pair.0)
}

/// The array type of a built-in type.
pub fn array_of(element: u32) -> Option<u32> {
    ARRAYS.iter().find(|pair| pair.0 == element).map(|pair| pair.1)
}

/// Whether the type is one of PostgreSQL's pseudo-types that stand for another type in a signature.
pub fn is_polymorphic(oid: u32) -> bool {
    matches!(
        oid,
        ANYELEMENT
            | ANYARRAY
            | ANYNONARRAY
            | ANYENUM
            | ANYRANGE
            | ANYCOMPATIBLE
            | ANYCOMPATIBLEARRAY
            | ANYCOMPATIBLENONARRAY
    )
}
