//! Casts of jsonb scalars to numbers and booleans.

use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;
use crate::types::json::Json;
use crate::types::numeric::Numeric;

fn cannot(json: &Json, ty: &str) -> Error {
    let what = match json {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "numeric",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    };
    Error::new(SqlState::InvalidParameterValue, format!("cannot cast jsonb {what} to type {ty}"))
}

fn boolean(json: Json) -> Result<bool> {
    match json {
        Json::Bool(value) => Ok(value),
        other => Err(cannot(&other, "boolean")),
    }
}

fn number(json: Json, ty: &str) -> Result<Numeric> {
    match json {
        Json::Number(number) => Ok(number),
        other => Err(cannot(&other, ty)),
    }
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // bool(jsonb)
    (3556, scalar!(boolean, Json)),
    // numeric(jsonb)
    (3449, scalar!(|json: Json| number(json, "numeric"))),
    // int2(jsonb)
    (3450, scalar!(|json: Json| number(json, "smallint")?.to_i16())),
    // int4(jsonb)
    (3451, scalar!(|json: Json| number(json, "integer")?.to_i32())),
    // int8(jsonb)
    (3452, scalar!(|json: Json| number(json, "bigint")?.to_i64())),
    // float4(jsonb)
    (3453, scalar!(|json: Json| number(json, "real")?.to_f32())),
    // float8(jsonb)
    (2580, scalar!(|json: Json| number(json, "double precision")?.to_f64())),
];
