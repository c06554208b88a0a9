//! Comparison of float4 and float8 in all mixes: NaN equals NaN and is above everything, -0 equals 0.

use std::cmp::Ordering;

use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;

/// `a = b` as SQL holds it.
pub(in crate::functions) fn equal(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

/// `a < b` as SQL holds it.
pub(in crate::functions) fn less(a: f64, b: f64) -> bool {
    a < b || (b.is_nan() && !a.is_nan())
}

/// SQL's total order of floats.
pub(in crate::functions) fn order(a: f64, b: f64) -> Ordering {
    if less(a, b) {
        Ordering::Less
    } else if equal(a, b) {
        Ordering::Equal
    } else {
        Ordering::Greater
    }
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // float4eq(float4,float4)
    (287, scalar!(|a: f32, b: f32| equal(f64::from(a), f64::from(b)))),
    // float4ne(float4,float4)
    (288, scalar!(|a: f32, b: f32| !equal(f64::from(a), f64::from(b)))),
    // float4lt(float4,float4)
    (289, scalar!(|a: f32, b: f32| less(f64::from(a), f64::from(b)))),
    // float4le(float4,float4)
    (290, scalar!(|a: f32, b: f32| !less(f64::from(b), f64::from(a)))),
    // float4gt(float4,float4)
    (291, scalar!(|a: f32, b: f32| less(f64::from(b), f64::from(a)))),
    // float4ge(float4,float4)
    (292, scalar!(|a: f32, b: f32| !less(f64::from(a), f64::from(b)))),
    // btfloat4cmp(float4,float4)
    (354, scalar!(|a: f32, b: f32| order(f64::from(a), f64::from(b)) as i32)),
    // float48eq(float4,float8)
    (299, scalar!(|a: f32, b: f64| equal(f64::from(a), b))),
    // float48ne(float4,float8)
    (300, scalar!(|a: f32, b: f64| !equal(f64::from(a), b))),
    // float48lt(float4,float8)
    (301, scalar!(|a: f32, b: f64| less(f64::from(a), b))),
    // float48le(float4,float8)
    (302, scalar!(|a: f32, b: f64| !less(b, f64::from(a)))),
    // float48gt(float4,float8)
    (303, scalar!(|a: f32, b: f64| less(b, f64::from(a)))),
    // float48ge(float4,float8)
    (304, scalar!(|a: f32, b: f64| !less(f64::from(a), b))),
    // btfloat48cmp(float4,float8)
    (2194, scalar!(|a: f32, b: f64| order(f64::from(a), b) as i32)),
    // float4larger(float4,float4)
    (209, scalar!(|a: f32, b: f32| if less(b.into(), a.into()) { a } else { b })),
    // float4smaller(float4,float4)
    (211, scalar!(|a: f32, b: f32| if less(a.into(), b.into()) { a } else { b })),
    // float84eq(float8,float4)
    (305, scalar!(|a: f64, b: f32| equal(a, f64::from(b)))),
    // float84ne(float8,float4)
    (306, scalar!(|a: f64, b: f32| !equal(a, f64::from(b)))),
    // float84lt(float8,float4)
    (307, scalar!(|a: f64, b: f32| less(a, f64::from(b)))),
    // float84le(float8,float4)
    (308, scalar!(|a: f64, b: f32| !less(f64::from(b), a))),
    // float84gt(float8,float4)
    (309, scalar!(|a: f64, b: f32| less(f64::from(b), a))),
    // float84ge(float8,float4)
    (310, scalar!(|a: f64, b: f32| !less(a, f64::from(b)))),
    // btfloat84cmp(float8,float4)
    (2195, scalar!(|a: f64, b: f32| order(a, f64::from(b)) as i32)),
    // float8eq(float8,float8)
    (293, scalar!(|a: f64, b: f64| equal(a, b))),
    // float8ne(float8,float8)
    (294, scalar!(|a: f64, b: f64| !equal(a, b))),
    // float8lt(float8,float8)
    (295, scalar!(|a: f64, b: f64| less(a, b))),
    // float8le(float8,float8)
    (296, scalar!(|a: f64, b: f64| !less(b, a))),
    // float8gt(float8,float8)
    (297, scalar!(|a: f64, b: f64| less(b, a))),
    // float8ge(float8,float8)
    (298, scalar!(|a: f64, b: f64| !less(a, b))),
    // btfloat8cmp(float8,float8)
    (355, scalar!(|a: f64, b: f64| order(a, b) as i32)),
    // float8larger(float8,float8)
    (223, scalar!(|a: f64, b: f64| if less(b.into(), a.into()) { a } else { b })),
    // float8smaller(float8,float8)
    (224, scalar!(|a: f64, b: f64| if less(a.into(), b.into()) { a } else { b })),
];
