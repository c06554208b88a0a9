//! The SQL name of a type with its modifiers, as `format_type()` and psql's `\d` show it.

use crate::error::{Error, Result, SqlState};

use super::embedding::{self, Element};
use super::oid;
use super::settings::{NameKind, Names};

/// The name of a type with its typmod (-1 for none): `character varying(20)`, `numeric(10,2)`, `integer[]`.
///
/// Types that are not known here are named by the catalog; an oid of no type is `???`, zero is `-`.
pub fn format_type(type_oid: u32, typmod: i32, names: &dyn Names) -> String {
    if type_oid == 0 {
        return "-".to_string();
    }
    let is_vector = matches!(type_oid, oid::INT2VECTOR | oid::OIDVECTOR);
    if let Some(element) = oid::element_of(type_oid).filter(|_| !is_vector) {
        return format!("{}[]", format_type(element, typmod, names));
    }
    // Where the type of an extension is found depends on the catalog.
    if embedding::is_vector(type_oid) {
        let name = names.name_of(NameKind::Type, type_oid);
        let name = name.as_deref().or(built_in_name(type_oid)).unwrap_or("???");
        return format!("{name}{}", modifier(type_oid, typmod));
    }
    let Some(name) = built_in_name(type_oid) else {
        return names.name_of(NameKind::Type, type_oid).unwrap_or_else(|| "???".to_string());
    };
    match type_oid {
        // Without a length, `character` would mean `character(1)`.
        oid::BPCHAR if typmod < 0 => "bpchar".to_string(),
        oid::BIT if typmod < 0 => "\"bit\"".to_string(),
        oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ => with_precision(name, typmod),
        oid::INTERVAL => format!("interval{}", interval_suffix(typmod)),
        _ => format!("{name}{}", modifier(type_oid, typmod)),
    }
}

/// The text of a typmod alone, with its parentheses: what `typmodout` gives.
pub fn modifier(type_oid: u32, typmod: i32) -> String {
    if typmod < 0 {
        return String::new();
    }
    match type_oid {
        oid::VARCHAR | oid::BPCHAR if typmod > 4 => format!("({})", typmod - 4),
        oid::NUMERIC if typmod >= 4 => {
            let packed = typmod - 4;
            let scale = ((packed & 0x7ff) ^ 1024) - 1024;
            format!("({},{scale})", (packed >> 16) & 0xffff)
        }
        oid::BIT | oid::VARBIT => format!("({typmod})"),
        oid::TIME | oid::TIMESTAMP => format!("({typmod})"),
        oid::TIMETZ | oid::TIMESTAMPTZ => format!("({typmod})"),
        oid::BOOL | oid::INT2 | oid::INT4 | oid::INT8 | oid::FLOAT4 | oid::FLOAT8 => String::new(),
        oid::VARCHAR | oid::BPCHAR | oid::NUMERIC => String::new(),
        _ => format!("({typmod})"),
    }
}

/// The name of a type without modifiers, as messages and `format_type(oid, NULL)` have it: `character` where
/// [`format_type`] with -1 must say `bpchar`.
pub fn type_name(type_oid: u32, names: &dyn Names) -> String {
    match type_oid {
        oid::BPCHAR => "character".to_string(),
        oid::BPCHAR_ARRAY => "character[]".to_string(),
        oid::BIT => "bit".to_string(),
        oid::BIT_ARRAY => "bit[]".to_string(),
        _ => format_type(type_oid, -1, names),
    }
}

/// `timestamp with time zone` and its like carry the precision after their first word.
fn with_precision(name: &str, typmod: i32) -> String {
    if typmod < 0 {
        return name.to_string();
    }
    match name.split_once(' ') {
        Some((first, rest)) => format!("{first}({typmod}) {rest}"),
        None => format!("{name}({typmod})"),
    }
}

fn interval_suffix(typmod: i32) -> String {
    if typmod < 0 {
        return String::new();
    }
    let fields = (typmod >> 16) & 0x7fff;
    let precision = typmod & 0xffff;
    let (year, month, day, hour, minute, second) = (4, 2, 8, 1024, 2048, 4096);
    let words = match fields {
        f if f == year => " year",
        f if f == month => " month",
        f if f == day => " day",
        f if f == hour => " hour",
        f if f == minute => " minute",
        f if f == second => " second",
        f if f == year | month => " year to month",
        f if f == day | hour => " day to hour",
        f if f == day | hour | minute => " day to minute",
        f if f == day | hour | minute | second => " day to second",
        f if f == hour | minute => " hour to minute",
        f if f == hour | minute | second => " hour to second",
        f if f == minute | second => " minute to second",
        _ => "",
    };
    if precision == 0xffff { words.to_string() } else { format!("{words}({precision})") }
}

/// The SQL spelling of a built-in type. Longer than most functions: one line for every type.
pub fn built_in_name(type_oid: u32) -> Option<&'static str> {
    Some(match type_oid {
        oid::BOOL => "boolean",
        oid::BYTEA => "bytea",
        oid::CHAR => "\"char\"",
        oid::NAME => "name",
        oid::INT8 => "bigint",
        oid::INT2 => "smallint",
        oid::INT2VECTOR => "int2vector",
        oid::INT4 => "integer",
        oid::REGPROC => "regproc",
        oid::TEXT => "text",
        oid::OID => "oid",
        oid::TID => "tid",
        oid::XID => "xid",
        oid::CID => "cid",
        oid::OIDVECTOR => "oidvector",
        oid::JSON => "json",
        oid::FLOAT4 => "real",
        oid::FLOAT8 => "double precision",
        oid::MONEY => "money",
        oid::UNKNOWN => "unknown",
        oid::BPCHAR => "character",
        oid::VARCHAR => "character varying",
        oid::DATE => "date",
        oid::TIME => "time without time zone",
        oid::TIMESTAMP => "timestamp without time zone",
        oid::TIMESTAMPTZ => "timestamp with time zone",
        oid::INTERVAL => "interval",
        oid::TIMETZ => "time with time zone",
        oid::BIT => "bit",
        oid::VARBIT => "bit varying",
        oid::NUMERIC => "numeric",
        oid::REFCURSOR => "refcursor",
        oid::REGPROCEDURE => "regprocedure",
        oid::REGOPER => "regoper",
        oid::REGOPERATOR => "regoperator",
        oid::REGCLASS => "regclass",
        oid::REGTYPE => "regtype",
        oid::REGROLE => "regrole",
        oid::REGNAMESPACE => "regnamespace",
        oid::REGCOLLATION => "regcollation",
        oid::REGCONFIG => "regconfig",
        oid::REGDICTIONARY => "regdictionary",
        oid::UUID => "uuid",
        oid::PG_LSN => "pg_lsn",
        oid::JSONB => "jsonb",
        oid::JSONPATH => "jsonpath",
        oid::XID8 => "xid8",
        oid::RECORD => "record",
        oid::CSTRING => "cstring",
        oid::ANY => "\"any\"",
        oid::ANYARRAY => "anyarray",
        oid::VOID => "void",
        oid::TRIGGER => "trigger",
        oid::INTERNAL => "internal",
        oid::ANYELEMENT => "anyelement",
        oid::ANYNONARRAY => "anynonarray",
        oid::ANYENUM => "anyenum",
        oid::ANYRANGE => "anyrange",
        oid::ANYCOMPATIBLE => "anycompatible",
        oid::ANYCOMPATIBLEARRAY => "anycompatiblearray",
        oid::ANYCOMPATIBLENONARRAY => "anycompatiblenonarray",
        oid::PG_NODE_TREE => "pg_node_tree",
        oid::ACLITEM => "aclitem",
        oid::VECTOR => "vector",
        oid::HALFVEC => "halfvec",
        oid::SPARSEVEC => "sparsevec",
        _ => return None,
    })
}

/// The typmod of the arguments written behind a type's name. Errors are those of PostgreSQL's `typmodin` functions.
pub fn typmod_from_arguments(type_oid: u32, arguments: &[i64]) -> Result<i32> {
    let name = built_in_name(type_oid).unwrap_or("???");
    match (type_oid, arguments) {
        (_, []) => Ok(-1),
        (oid::VECTOR, _) => Element::Single.typmod(arguments),
        (oid::HALFVEC, _) => Element::Half.typmod(arguments),
        (oid::SPARSEVEC, _) => embedding::sparse::typmod(arguments),
        (oid::VARCHAR | oid::BPCHAR, [length]) => {
            let short = if type_oid == oid::VARCHAR { "varchar" } else { "char" };
            match *length {
                ..=0 => Err(invalid(format!("length for type {short} must be at least 1"))),
                1..=MAX_LENGTH => Ok(*length as i32 + 4),
                _ => Err(invalid(format!("length for type {short} cannot exceed {MAX_LENGTH}"))),
            }
        }
        (oid::BIT | oid::VARBIT, [length]) => {
            let short = if type_oid == oid::VARBIT { "varbit" } else { "bit" };
            match *length {
                ..=0 => Err(invalid(format!("length for type {short} must be at least 1"))),
                1..=83_886_080 => Ok(*length as i32),
                _ => Err(invalid(format!("length for type {short} cannot exceed 83886080"))),
            }
        }
        (oid::VARCHAR | oid::BPCHAR | oid::BIT | oid::VARBIT, _) => Err(invalid("invalid type modifier")),
        (oid::NUMERIC, [precision]) => numeric_typmod(*precision, 0),
        (oid::NUMERIC, [precision, scale]) => numeric_typmod(*precision, *scale),
        (oid::NUMERIC, _) => Err(invalid("invalid NUMERIC type modifier")),
        (oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ, [precision]) => {
            let kind = if matches!(type_oid, oid::TIME | oid::TIMETZ) { "TIME" } else { "TIMESTAMP" };
            let zone =
                if matches!(type_oid, oid::TIMETZ | oid::TIMESTAMPTZ) { " WITH TIME ZONE" } else { "" };
            if *precision < 0 {
                return Err(invalid(format!("{kind}({precision}){zone} precision must not be negative")));
            }
            // PostgreSQL warns and takes the maximum.
            Ok((*precision).min(6) as i32)
        }
        (oid::INTERVAL, [precision]) => interval_typmod(INTERVAL_ALL_FIELDS, *precision),
        (oid::INTERVAL, [fields, precision]) => interval_typmod(*fields, *precision),
        (oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ, _) => {
            Err(invalid("invalid type modifier"))
        }
        (oid::INTERVAL, _) => Err(invalid("invalid INTERVAL type modifier")),
        _ => Err(Error::new(
            SqlState::SyntaxError,
            format!("type modifier is not allowed for type \"{name}\""),
        )),
    }
}

/// The longest `varchar` and `char` that can be declared.
const MAX_LENGTH: i64 = 10_485_760;

/// The field mask of an interval without fields.
const INTERVAL_ALL_FIELDS: i64 = 0x7fff;

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::InvalidParameterValue, message)
}

fn numeric_typmod(precision: i64, scale: i64) -> Result<i32> {
    if !(1..=1000).contains(&precision) {
        return Err(invalid(format!("NUMERIC precision {precision} must be between 1 and 1000")));
    }
    if !(-1000..=1000).contains(&scale) {
        return Err(invalid(format!("NUMERIC scale {scale} must be between -1000 and 1000")));
    }
    Ok(((precision as i32) << 16 | (scale as i32 & 0x7ff)) + 4)
}

/// An interval's typmod: the mask of its fields (bits numbered as PostgreSQL numbers fields) and its precision.
fn interval_typmod(fields: i64, precision: i64) -> Result<i32> {
    if precision < 0 {
        return Err(invalid(format!("INTERVAL({precision}) precision must not be negative")));
    }
    let precision = if precision == 0xffff { precision } else { precision.min(6) };
    if fields == INTERVAL_ALL_FIELDS && precision == 0xffff {
        return Ok(-1);
    }
    Ok((fields as i32 & 0x7fff) << 16 | precision as i32)
}
