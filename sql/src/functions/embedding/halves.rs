//! The oids of the functions of `halfvec`.

use engine::Value;

use super::{
    accum, add, average, binary_quantize, combine_states, compare, concatenate, convert, dimensions,
    from_array, measure, metric, multiply, norm, normalize, same, subtract, subvector, to_array,
};
use crate::functions::registry::Scalars;
use crate::types::embedding::Element::{self, Half, Single};
use crate::types::embedding::distance::{self, Metric};

const OWN: Element = Half;

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // l2_distance(halfvec,halfvec)
    (8351, |_, _, arguments| metric(Metric::L2, OWN, arguments)),
    // inner_product(halfvec,halfvec)
    (8352, |_, _, arguments| measure(distance::inner_product, OWN, arguments)),
    // cosine_distance(halfvec,halfvec)
    (8353, |_, _, arguments| metric(Metric::Cosine, OWN, arguments)),
    // l1_distance(halfvec,halfvec)
    (8354, |_, _, arguments| metric(Metric::L1, OWN, arguments)),
    // vector_dims(halfvec)
    (8355, |_, _, arguments| dimensions(OWN, arguments)),
    // l2_norm(halfvec)
    (8356, |_, _, arguments| norm(OWN, arguments)),
    // l2_normalize(halfvec)
    (8357, |_, _, arguments| normalize(OWN, arguments)),
    // binary_quantize(halfvec)
    (8358, |_, _, arguments| binary_quantize(OWN, arguments)),
    // subvector(halfvec,int4,int4)
    (8359, |_, _, arguments| subvector(OWN, arguments)),
    // halfvec_add(halfvec,halfvec)
    (8360, |_, _, arguments| add(OWN, arguments)),
    // halfvec_sub(halfvec,halfvec)
    (8361, |_, _, arguments| subtract(OWN, arguments)),
    // halfvec_mul(halfvec,halfvec)
    (8362, |_, _, arguments| multiply(OWN, arguments)),
    // halfvec_concat(halfvec,halfvec)
    (8363, |_, _, arguments| concatenate(OWN, arguments)),
    // halfvec_lt(halfvec,halfvec)
    (8364, |_, _, arguments| Ok(Value::Bool(compare(OWN, arguments)?.is_lt()))),
    // halfvec_le(halfvec,halfvec)
    (8365, |_, _, arguments| Ok(Value::Bool(compare(OWN, arguments)?.is_le()))),
    // halfvec_eq(halfvec,halfvec)
    (8366, |_, _, arguments| Ok(Value::Bool(compare(OWN, arguments)?.is_eq()))),
    // halfvec_ne(halfvec,halfvec)
    (8367, |_, _, arguments| Ok(Value::Bool(compare(OWN, arguments)?.is_ne()))),
    // halfvec_ge(halfvec,halfvec)
    (8368, |_, _, arguments| Ok(Value::Bool(compare(OWN, arguments)?.is_ge()))),
    // halfvec_gt(halfvec,halfvec)
    (8369, |_, _, arguments| Ok(Value::Bool(compare(OWN, arguments)?.is_gt()))),
    // halfvec_cmp(halfvec,halfvec)
    (8370, |_, _, arguments| Ok(Value::Int32(compare(OWN, arguments)? as i32))),
    // halfvec_l2_squared_distance(halfvec,halfvec)
    (8371, |_, _, arguments| measure(distance::l2_squared, OWN, arguments)),
    // halfvec_negative_inner_product(halfvec,halfvec)
    (8372, |_, _, arguments| metric(Metric::NegativeInnerProduct, OWN, arguments)),
    // halfvec_spherical_distance(halfvec,halfvec)
    (8373, |_, _, arguments| measure(distance::spherical, OWN, arguments)),
    // halfvec_accum(float8[],halfvec)
    (8374, |_, _, arguments| accum(OWN, arguments)),
    // halfvec_avg(float8[])
    (8375, |_, _, arguments| average(OWN, arguments)),
    // halfvec_combine(float8[],float8[])
    (8376, |_, _, arguments| combine_states(arguments)),
    // halfvec(halfvec,int4,bool)
    (8379, |_, _, arguments| same(OWN, arguments)),
    // halfvec_to_vector(halfvec,int4,bool)
    (8380, |_, _, arguments| convert(Half, Single, arguments)),
    // vector_to_halfvec(vector,int4,bool)
    (8381, |_, _, arguments| convert(Single, Half, arguments)),
    // array_to_halfvec(int4[],int4,bool)
    (8382, |_, _, arguments| from_array(OWN, arguments)),
    // array_to_halfvec(float4[],int4,bool)
    (8383, |_, _, arguments| from_array(OWN, arguments)),
    // array_to_halfvec(float8[],int4,bool)
    (8384, |_, _, arguments| from_array(OWN, arguments)),
    // array_to_halfvec(numeric[],int4,bool)
    (8385, |_, _, arguments| from_array(OWN, arguments)),
    // halfvec_to_float4(halfvec,int4,bool)
    (8386, |_, _, arguments| to_array(OWN, arguments)),
];
