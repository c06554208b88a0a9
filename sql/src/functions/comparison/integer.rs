//! Comparison of int2, int4 and int8 in all mixes.

use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // int2eq(int2,int2)
    (63, scalar!(|a: i16, b: i16| a == b)),
    // int2ne(int2,int2)
    (145, scalar!(|a: i16, b: i16| a != b)),
    // int2lt(int2,int2)
    (64, scalar!(|a: i16, b: i16| a < b)),
    // int2le(int2,int2)
    (148, scalar!(|a: i16, b: i16| a <= b)),
    // int2gt(int2,int2)
    (146, scalar!(|a: i16, b: i16| a > b)),
    // int2ge(int2,int2)
    (151, scalar!(|a: i16, b: i16| a >= b)),
    // btint2cmp(int2,int2)
    (350, scalar!(|a: i16, b: i16| a.cmp(&b) as i32)),
    // int24eq(int2,int4)
    (158, scalar!(|a: i16, b: i32| i32::from(a) == b)),
    // int24ne(int2,int4)
    (164, scalar!(|a: i16, b: i32| i32::from(a) != b)),
    // int24lt(int2,int4)
    (160, scalar!(|a: i16, b: i32| i32::from(a) < b)),
    // int24le(int2,int4)
    (166, scalar!(|a: i16, b: i32| i32::from(a) <= b)),
    // int24gt(int2,int4)
    (162, scalar!(|a: i16, b: i32| i32::from(a) > b)),
    // int24ge(int2,int4)
    (168, scalar!(|a: i16, b: i32| i32::from(a) >= b)),
    // btint24cmp(int2,int4)
    (2190, scalar!(|a: i16, b: i32| i32::from(a).cmp(&b) as i32)),
    // int28eq(int2,int8)
    (1850, scalar!(|a: i16, b: i64| i64::from(a) == b)),
    // int28ne(int2,int8)
    (1851, scalar!(|a: i16, b: i64| i64::from(a) != b)),
    // int28lt(int2,int8)
    (1852, scalar!(|a: i16, b: i64| i64::from(a) < b)),
    // int28le(int2,int8)
    (1854, scalar!(|a: i16, b: i64| i64::from(a) <= b)),
    // int28gt(int2,int8)
    (1853, scalar!(|a: i16, b: i64| i64::from(a) > b)),
    // int28ge(int2,int8)
    (1855, scalar!(|a: i16, b: i64| i64::from(a) >= b)),
    // btint28cmp(int2,int8)
    (2192, scalar!(|a: i16, b: i64| i64::from(a).cmp(&b) as i32)),
    // int2larger(int2,int2)
    (770, scalar!(|a: i16, b: i16| a.max(b))),
    // int2smaller(int2,int2)
    (771, scalar!(|a: i16, b: i16| a.min(b))),
    // int42eq(int4,int2)
    (159, scalar!(|a: i32, b: i16| a == i32::from(b))),
    // int42ne(int4,int2)
    (165, scalar!(|a: i32, b: i16| a != i32::from(b))),
    // int42lt(int4,int2)
    (161, scalar!(|a: i32, b: i16| a < i32::from(b))),
    // int42le(int4,int2)
    (167, scalar!(|a: i32, b: i16| a <= i32::from(b))),
    // int42gt(int4,int2)
    (163, scalar!(|a: i32, b: i16| a > i32::from(b))),
    // int42ge(int4,int2)
    (169, scalar!(|a: i32, b: i16| a >= i32::from(b))),
    // btint42cmp(int4,int2)
    (2191, scalar!(|a: i32, b: i16| a.cmp(&i32::from(b)) as i32)),
    // int4eq(int4,int4)
    (65, scalar!(|a: i32, b: i32| a == b)),
    // int4ne(int4,int4)
    (144, scalar!(|a: i32, b: i32| a != b)),
    // int4lt(int4,int4)
    (66, scalar!(|a: i32, b: i32| a < b)),
    // int4le(int4,int4)
    (149, scalar!(|a: i32, b: i32| a <= b)),
    // int4gt(int4,int4)
    (147, scalar!(|a: i32, b: i32| a > b)),
    // int4ge(int4,int4)
    (150, scalar!(|a: i32, b: i32| a >= b)),
    // btint4cmp(int4,int4)
    (351, scalar!(|a: i32, b: i32| a.cmp(&b) as i32)),
    // int48eq(int4,int8)
    (852, scalar!(|a: i32, b: i64| i64::from(a) == b)),
    // int48ne(int4,int8)
    (853, scalar!(|a: i32, b: i64| i64::from(a) != b)),
    // int48lt(int4,int8)
    (854, scalar!(|a: i32, b: i64| i64::from(a) < b)),
    // int48le(int4,int8)
    (856, scalar!(|a: i32, b: i64| i64::from(a) <= b)),
    // int48gt(int4,int8)
    (855, scalar!(|a: i32, b: i64| i64::from(a) > b)),
    // int48ge(int4,int8)
    (857, scalar!(|a: i32, b: i64| i64::from(a) >= b)),
    // btint48cmp(int4,int8)
    (2188, scalar!(|a: i32, b: i64| i64::from(a).cmp(&b) as i32)),
    // int4larger(int4,int4)
    (768, scalar!(|a: i32, b: i32| a.max(b))),
    // int4smaller(int4,int4)
    (769, scalar!(|a: i32, b: i32| a.min(b))),
    // int82eq(int8,int2)
    (1856, scalar!(|a: i64, b: i16| a == i64::from(b))),
    // int82ne(int8,int2)
    (1857, scalar!(|a: i64, b: i16| a != i64::from(b))),
    // int82lt(int8,int2)
    (1858, scalar!(|a: i64, b: i16| a < i64::from(b))),
    // int82le(int8,int2)
    (1860, scalar!(|a: i64, b: i16| a <= i64::from(b))),
    // int82gt(int8,int2)
    (1859, scalar!(|a: i64, b: i16| a > i64::from(b))),
    // int82ge(int8,int2)
    (1861, scalar!(|a: i64, b: i16| a >= i64::from(b))),
    // btint82cmp(int8,int2)
    (2193, scalar!(|a: i64, b: i16| a.cmp(&i64::from(b)) as i32)),
    // int84eq(int8,int4)
    (474, scalar!(|a: i64, b: i32| a == i64::from(b))),
    // int84ne(int8,int4)
    (475, scalar!(|a: i64, b: i32| a != i64::from(b))),
    // int84lt(int8,int4)
    (476, scalar!(|a: i64, b: i32| a < i64::from(b))),
    // int84le(int8,int4)
    (478, scalar!(|a: i64, b: i32| a <= i64::from(b))),
    // int84gt(int8,int4)
    (477, scalar!(|a: i64, b: i32| a > i64::from(b))),
    // int84ge(int8,int4)
    (479, scalar!(|a: i64, b: i32| a >= i64::from(b))),
    // btint84cmp(int8,int4)
    (2189, scalar!(|a: i64, b: i32| a.cmp(&i64::from(b)) as i32)),
    // int8eq(int8,int8)
    (467, scalar!(|a: i64, b: i64| a == b)),
    // int8ne(int8,int8)
    (468, scalar!(|a: i64, b: i64| a != b)),
    // int8lt(int8,int8)
    (469, scalar!(|a: i64, b: i64| a < b)),
    // int8le(int8,int8)
    (471, scalar!(|a: i64, b: i64| a <= b)),
    // int8gt(int8,int8)
    (470, scalar!(|a: i64, b: i64| a > b)),
    // int8ge(int8,int8)
    (472, scalar!(|a: i64, b: i64| a >= b)),
    // btint8cmp(int8,int8)
    (842, scalar!(|a: i64, b: i64| a.cmp(&b) as i32)),
    // int8larger(int8,int8)
    (1236, scalar!(|a: i64, b: i64| a.max(b))),
    // int8smaller(int8,int8)
    (1237, scalar!(|a: i64, b: i64| a.min(b))),
];
