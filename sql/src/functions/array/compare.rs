//! Comparison and containment of arrays, vectors and records.

use std::cmp::Ordering;

use engine::Value;

use crate::error::Result;
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::argument::{at, scalar};
use crate::functions::registry::{ScalarFunction, Scalars};
use crate::types::array::Array;
use crate::types::compare;

/// The order of the first two arguments, by the order of their type.
fn order(call: &Call, arguments: &[Value]) -> Result<Ordering> {
    Ok(compare(call.argument(0), at(arguments, 0)?, at(arguments, 1)?))
}

const EQUAL: ScalarFunction = |_, call, arguments| Ok(Value::Bool(order(call, arguments)?.is_eq()));
const UNEQUAL: ScalarFunction = |_, call, arguments| Ok(Value::Bool(order(call, arguments)?.is_ne()));
const LESS: ScalarFunction = |_, call, arguments| Ok(Value::Bool(order(call, arguments)?.is_lt()));
const LESS_OR_EQUAL: ScalarFunction = |_, call, arguments| Ok(Value::Bool(order(call, arguments)?.is_le()));
const GREATER: ScalarFunction = |_, call, arguments| Ok(Value::Bool(order(call, arguments)?.is_gt()));
const GREATER_OR_EQUAL: ScalarFunction =
    |_, call, arguments| Ok(Value::Bool(order(call, arguments)?.is_ge()));
const COMPARE: ScalarFunction = |_, call, arguments| Ok(Value::Int32(order(call, arguments)? as i32));

fn larger(_: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let chosen = if order(call, arguments)?.is_gt() { 0 } else { 1 };
    at::<&Value>(arguments, chosen).cloned()
}

fn smaller(_: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let chosen = if order(call, arguments)?.is_lt() { 0 } else { 1 };
    at::<&Value>(arguments, chosen).cloned()
}

/// Whether `element` is among the elements. NULL equals nothing.
fn has(array: &Array, element: &Value) -> bool {
    array.elements.iter().any(|candidate| {
        !candidate.is_null() && !element.is_null() && compare(array.element, candidate, element).is_eq()
    })
}

fn contains(outer: &Array, inner: &Array) -> bool {
    inner.elements.iter().all(|element| has(outer, element))
}

fn overlap(a: &Array, b: &Array) -> bool {
    a.elements.iter().any(|element| has(b, element))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // enum_eq(anyenum,anyenum) and its kin
    (3508, EQUAL),
    (3509, UNEQUAL),
    (3510, LESS),
    (3511, GREATER),
    (3512, LESS_OR_EQUAL),
    (3513, GREATER_OR_EQUAL),
    (3514, COMPARE),
    (3524, smaller),
    (3525, larger),
    // array_eq(anyarray,anyarray)
    (744, EQUAL),
    // record_eq(record,record)
    (2981, EQUAL),
    // jsonb_eq(jsonb,jsonb)
    (4043, EQUAL),
    // record_image_eq(record,record)
    (3181, EQUAL),
    // array_ne(anyarray,anyarray)
    (390, UNEQUAL),
    // record_ne(record,record)
    (2982, UNEQUAL),
    // jsonb_ne(jsonb,jsonb)
    (4038, UNEQUAL),
    // record_image_ne(record,record)
    (3182, UNEQUAL),
    // array_lt(anyarray,anyarray)
    (391, LESS),
    // record_lt(record,record)
    (2983, LESS),
    // jsonb_lt(jsonb,jsonb)
    (4039, LESS),
    // record_image_lt(record,record)
    (3183, LESS),
    // array_le(anyarray,anyarray)
    (393, LESS_OR_EQUAL),
    // record_le(record,record)
    (2985, LESS_OR_EQUAL),
    // jsonb_le(jsonb,jsonb)
    (4041, LESS_OR_EQUAL),
    // record_image_le(record,record)
    (3185, LESS_OR_EQUAL),
    // array_gt(anyarray,anyarray)
    (392, GREATER),
    // record_gt(record,record)
    (2984, GREATER),
    // jsonb_gt(jsonb,jsonb)
    (4040, GREATER),
    // record_image_gt(record,record)
    (3184, GREATER),
    // array_ge(anyarray,anyarray)
    (396, GREATER_OR_EQUAL),
    // record_ge(record,record)
    (2986, GREATER_OR_EQUAL),
    // jsonb_ge(jsonb,jsonb)
    (4042, GREATER_OR_EQUAL),
    // record_image_ge(record,record)
    (3186, GREATER_OR_EQUAL),
    // btarraycmp(anyarray,anyarray)
    (382, COMPARE),
    // btrecordcmp(record,record)
    (2987, COMPARE),
    // jsonb_cmp(jsonb,jsonb)
    (4044, COMPARE),
    // btrecordimagecmp(record,record)
    (3187, COMPARE),
    // oidvectoreq(oidvector,oidvector)
    (679, EQUAL),
    // tideq(tid,tid)
    (1292, EQUAL),
    // biteq(bit,bit)
    (1581, EQUAL),
    // varbiteq(varbit,varbit)
    (1666, EQUAL),
    // timetz_eq(timetz,timetz)
    (1352, EQUAL),
    // oidvectorne(oidvector,oidvector)
    (619, UNEQUAL),
    // tidne(tid,tid)
    (1265, UNEQUAL),
    // bitne(bit,bit)
    (1582, UNEQUAL),
    // varbitne(varbit,varbit)
    (1667, UNEQUAL),
    // timetz_ne(timetz,timetz)
    (1353, UNEQUAL),
    // oidvectorlt(oidvector,oidvector)
    (677, LESS),
    // tidlt(tid,tid)
    (2791, LESS),
    // bitlt(bit,bit)
    (1595, LESS),
    // varbitlt(varbit,varbit)
    (1671, LESS),
    // timetz_lt(timetz,timetz)
    (1354, LESS),
    // oidvectorle(oidvector,oidvector)
    (678, LESS_OR_EQUAL),
    // tidle(tid,tid)
    (2793, LESS_OR_EQUAL),
    // bitle(bit,bit)
    (1594, LESS_OR_EQUAL),
    // varbitle(varbit,varbit)
    (1670, LESS_OR_EQUAL),
    // timetz_le(timetz,timetz)
    (1355, LESS_OR_EQUAL),
    // oidvectorgt(oidvector,oidvector)
    (681, GREATER),
    // tidgt(tid,tid)
    (2790, GREATER),
    // bitgt(bit,bit)
    (1593, GREATER),
    // varbitgt(varbit,varbit)
    (1669, GREATER),
    // timetz_gt(timetz,timetz)
    (1357, GREATER),
    // oidvectorge(oidvector,oidvector)
    (680, GREATER_OR_EQUAL),
    // tidge(tid,tid)
    (2792, GREATER_OR_EQUAL),
    // bitge(bit,bit)
    (1592, GREATER_OR_EQUAL),
    // varbitge(varbit,varbit)
    (1668, GREATER_OR_EQUAL),
    // timetz_ge(timetz,timetz)
    (1356, GREATER_OR_EQUAL),
    // btoidvectorcmp(oidvector,oidvector)
    (404, COMPARE),
    // bttidcmp(tid,tid)
    (2794, COMPARE),
    // bitcmp(bit,bit)
    (1596, COMPARE),
    // varbitcmp(varbit,varbit)
    (1672, COMPARE),
    // timetz_cmp(timetz,timetz)
    (1358, COMPARE),
    // array_larger(anyarray,anyarray)
    (515, larger),
    // tidlarger(tid,tid)
    (2795, larger),
    // timetz_larger(timetz,timetz)
    (1379, larger),
    // array_smaller(anyarray,anyarray)
    (516, smaller),
    // tidsmaller(tid,tid)
    (2796, smaller),
    // timetz_smaller(timetz,timetz)
    (1380, smaller),
    // arraycontains(anyarray,anyarray)
    (2748, scalar!(|outer: Array, inner: Array| contains(&outer, &inner))),
    // arraycontained(anyarray,anyarray)
    (2749, scalar!(|inner: Array, outer: Array| contains(&outer, &inner))),
    // arrayoverlap(anyarray,anyarray)
    (2747, scalar!(|a: Array, b: Array| overlap(&a, &b))),
];
