//! The oids of the functions of `vector`.

use engine::Value;

use super::{
    accum, add, average, binary_quantize, combine_states, compare, concatenate, dimensions, from_array,
    measure, metric, multiply, norm, normalize, same, subtract, subvector, to_array,
};
use crate::functions::registry::Scalars;
use crate::types::embedding::Element::{self, Single};
use crate::types::embedding::distance::{self, Metric};

const OWN: Element = Single;

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // l2_distance(vector,vector)
    (8305, |_, _, arguments| metric(Metric::L2, OWN, arguments)),
    // inner_product(vector,vector)
    (8306, |_, _, arguments| measure(distance::inner_product, OWN, arguments)),
    // cosine_distance(vector,vector)
    (8307, |_, _, arguments| metric(Metric::Cosine, OWN, arguments)),
    // l1_distance(vector,vector)
    (8308, |_, _, arguments| metric(Metric::L1, OWN, arguments)),
    // vector_dims(vector)
    (8309, |_, _, arguments| dimensions(OWN, arguments)),
    // vector_norm(vector)
    (8310, |_, _, arguments| norm(OWN, arguments)),
    // l2_normalize(vector)
    (8311, |_, _, arguments| normalize(OWN, arguments)),
    // binary_quantize(vector)
    (8312, |_, _, arguments| binary_quantize(OWN, arguments)),
    // subvector(vector,int4,int4)
    (8313, |_, _, arguments| subvector(OWN, arguments)),
    // vector_add(vector,vector)
    (8314, |_, _, arguments| add(OWN, arguments)),
    // vector_sub(vector,vector)
    (8315, |_, _, arguments| subtract(OWN, arguments)),
    // vector_mul(vector,vector)
    (8316, |_, _, arguments| multiply(OWN, arguments)),
    // vector_concat(vector,vector)
    (8317, |_, _, arguments| concatenate(OWN, arguments)),
    // vector_lt(vector,vector)
    (8318, |_, _, arguments| Ok(Value::Bool(compare(OWN, arguments)?.is_lt()))),
    // vector_le(vector,vector)
    (8319, |_, _, arguments| Ok(Value::Bool(compare(OWN, arguments)?.is_le()))),
    // vector_eq(vector,vector)
    (8320, |_, _, arguments| Ok(Value::Bool(compare(OWN, arguments)?.is_eq()))),
    // vector_ne(vector,vector)
    (8321, |_, _, arguments| Ok(Value::Bool(compare(OWN, arguments)?.is_ne()))),
    // vector_ge(vector,vector)
    (8322, |_, _, arguments| Ok(Value::Bool(compare(OWN, arguments)?.is_ge()))),
    // vector_gt(vector,vector)
    (8323, |_, _, arguments| Ok(Value::Bool(compare(OWN, arguments)?.is_gt()))),
    // vector_cmp(vector,vector)
    (8324, |_, _, arguments| Ok(Value::Int32(compare(OWN, arguments)? as i32))),
    // vector_l2_squared_distance(vector,vector)
    (8325, |_, _, arguments| measure(distance::l2_squared, OWN, arguments)),
    // vector_negative_inner_product(vector,vector)
    (8326, |_, _, arguments| metric(Metric::NegativeInnerProduct, OWN, arguments)),
    // vector_spherical_distance(vector,vector)
    (8327, |_, _, arguments| measure(distance::spherical, OWN, arguments)),
    // vector_accum(float8[],vector)
    (8328, |_, _, arguments| accum(OWN, arguments)),
    // vector_avg(float8[])
    (8329, |_, _, arguments| average(OWN, arguments)),
    // vector_combine(float8[],float8[])
    (8330, |_, _, arguments| combine_states(arguments)),
    // vector(vector,int4,bool)
    (8333, |_, _, arguments| same(OWN, arguments)),
    // array_to_vector(int4[],int4,bool)
    (8334, |_, _, arguments| from_array(OWN, arguments)),
    // array_to_vector(float4[],int4,bool)
    (8335, |_, _, arguments| from_array(OWN, arguments)),
    // array_to_vector(float8[],int4,bool)
    (8336, |_, _, arguments| from_array(OWN, arguments)),
    // array_to_vector(numeric[],int4,bool)
    (8337, |_, _, arguments| from_array(OWN, arguments)),
    // vector_to_float4(vector,int4,bool)
    (8338, |_, _, arguments| to_array(OWN, arguments)),
];
