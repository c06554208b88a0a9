//! Batch forms of the comparisons of numbers, times and text.

use arrow_array::types::{Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, UInt32Type};

use super::{compare, text_comparison};
use crate::functions::comparison::float::{equal, less};
use crate::functions::registry::Vectors;

macro_rules! comparison {
    ($left:ty, $right:ty, |$a:ident, $b:ident| $body:expr) => {
        |_, _, arguments, rows| compare::<$left, $right>(arguments, rows, |$a, $b| $body)
    };
}

pub(in crate::functions) const FUNCTIONS: Vectors = &[
    // int2eq(int2,int2)
    (63, comparison!(Int16Type, Int16Type, |a, b| a == b)),
    // int2ne(int2,int2)
    (145, comparison!(Int16Type, Int16Type, |a, b| a != b)),
    // int2lt(int2,int2)
    (64, comparison!(Int16Type, Int16Type, |a, b| a < b)),
    // int2le(int2,int2)
    (148, comparison!(Int16Type, Int16Type, |a, b| a <= b)),
    // int2gt(int2,int2)
    (146, comparison!(Int16Type, Int16Type, |a, b| a > b)),
    // int2ge(int2,int2)
    (151, comparison!(Int16Type, Int16Type, |a, b| a >= b)),
    // int24eq(int2,int4)
    (158, comparison!(Int16Type, Int32Type, |a, b| i32::from(a) == b)),
    // int24ne(int2,int4)
    (164, comparison!(Int16Type, Int32Type, |a, b| i32::from(a) != b)),
    // int24lt(int2,int4)
    (160, comparison!(Int16Type, Int32Type, |a, b| i32::from(a) < b)),
    // int24le(int2,int4)
    (166, comparison!(Int16Type, Int32Type, |a, b| i32::from(a) <= b)),
    // int24gt(int2,int4)
    (162, comparison!(Int16Type, Int32Type, |a, b| i32::from(a) > b)),
    // int24ge(int2,int4)
    (168, comparison!(Int16Type, Int32Type, |a, b| i32::from(a) >= b)),
    // int28eq(int2,int8)
    (1850, comparison!(Int16Type, Int64Type, |a, b| i64::from(a) == b)),
    // int28ne(int2,int8)
    (1851, comparison!(Int16Type, Int64Type, |a, b| i64::from(a) != b)),
    // int28lt(int2,int8)
    (1852, comparison!(Int16Type, Int64Type, |a, b| i64::from(a) < b)),
    // int28le(int2,int8)
    (1854, comparison!(Int16Type, Int64Type, |a, b| i64::from(a) <= b)),
    // int28gt(int2,int8)
    (1853, comparison!(Int16Type, Int64Type, |a, b| i64::from(a) > b)),
    // int28ge(int2,int8)
    (1855, comparison!(Int16Type, Int64Type, |a, b| i64::from(a) >= b)),
    // int42eq(int4,int2)
    (159, comparison!(Int32Type, Int16Type, |a, b| a == i32::from(b))),
    // int42ne(int4,int2)
    (165, comparison!(Int32Type, Int16Type, |a, b| a != i32::from(b))),
    // int42lt(int4,int2)
    (161, comparison!(Int32Type, Int16Type, |a, b| a < i32::from(b))),
    // int42le(int4,int2)
    (167, comparison!(Int32Type, Int16Type, |a, b| a <= i32::from(b))),
    // int42gt(int4,int2)
    (163, comparison!(Int32Type, Int16Type, |a, b| a > i32::from(b))),
    // int42ge(int4,int2)
    (169, comparison!(Int32Type, Int16Type, |a, b| a >= i32::from(b))),
    // int4eq(int4,int4)
    (65, comparison!(Int32Type, Int32Type, |a, b| a == b)),
    // int4ne(int4,int4)
    (144, comparison!(Int32Type, Int32Type, |a, b| a != b)),
    // int4lt(int4,int4)
    (66, comparison!(Int32Type, Int32Type, |a, b| a < b)),
    // int4le(int4,int4)
    (149, comparison!(Int32Type, Int32Type, |a, b| a <= b)),
    // int4gt(int4,int4)
    (147, comparison!(Int32Type, Int32Type, |a, b| a > b)),
    // int4ge(int4,int4)
    (150, comparison!(Int32Type, Int32Type, |a, b| a >= b)),
    // int48eq(int4,int8)
    (852, comparison!(Int32Type, Int64Type, |a, b| i64::from(a) == b)),
    // int48ne(int4,int8)
    (853, comparison!(Int32Type, Int64Type, |a, b| i64::from(a) != b)),
    // int48lt(int4,int8)
    (854, comparison!(Int32Type, Int64Type, |a, b| i64::from(a) < b)),
    // int48le(int4,int8)
    (856, comparison!(Int32Type, Int64Type, |a, b| i64::from(a) <= b)),
    // int48gt(int4,int8)
    (855, comparison!(Int32Type, Int64Type, |a, b| i64::from(a) > b)),
    // int48ge(int4,int8)
    (857, comparison!(Int32Type, Int64Type, |a, b| i64::from(a) >= b)),
    // int82eq(int8,int2)
    (1856, comparison!(Int64Type, Int16Type, |a, b| a == i64::from(b))),
    // int82ne(int8,int2)
    (1857, comparison!(Int64Type, Int16Type, |a, b| a != i64::from(b))),
    // int82lt(int8,int2)
    (1858, comparison!(Int64Type, Int16Type, |a, b| a < i64::from(b))),
    // int82le(int8,int2)
    (1860, comparison!(Int64Type, Int16Type, |a, b| a <= i64::from(b))),
    // int82gt(int8,int2)
    (1859, comparison!(Int64Type, Int16Type, |a, b| a > i64::from(b))),
    // int82ge(int8,int2)
    (1861, comparison!(Int64Type, Int16Type, |a, b| a >= i64::from(b))),
    // int84eq(int8,int4)
    (474, comparison!(Int64Type, Int32Type, |a, b| a == i64::from(b))),
    // int84ne(int8,int4)
    (475, comparison!(Int64Type, Int32Type, |a, b| a != i64::from(b))),
    // int84lt(int8,int4)
    (476, comparison!(Int64Type, Int32Type, |a, b| a < i64::from(b))),
    // int84le(int8,int4)
    (478, comparison!(Int64Type, Int32Type, |a, b| a <= i64::from(b))),
    // int84gt(int8,int4)
    (477, comparison!(Int64Type, Int32Type, |a, b| a > i64::from(b))),
    // int84ge(int8,int4)
    (479, comparison!(Int64Type, Int32Type, |a, b| a >= i64::from(b))),
    // int8eq(int8,int8)
    (467, comparison!(Int64Type, Int64Type, |a, b| a == b)),
    // int8ne(int8,int8)
    (468, comparison!(Int64Type, Int64Type, |a, b| a != b)),
    // int8lt(int8,int8)
    (469, comparison!(Int64Type, Int64Type, |a, b| a < b)),
    // int8le(int8,int8)
    (471, comparison!(Int64Type, Int64Type, |a, b| a <= b)),
    // int8gt(int8,int8)
    (470, comparison!(Int64Type, Int64Type, |a, b| a > b)),
    // int8ge(int8,int8)
    (472, comparison!(Int64Type, Int64Type, |a, b| a >= b)),
    // float4eq(float4,float4)
    (287, comparison!(Float32Type, Float32Type, |a, b| equal(f64::from(a), f64::from(b)))),
    // float4ne(float4,float4)
    (288, comparison!(Float32Type, Float32Type, |a, b| !equal(f64::from(a), f64::from(b)))),
    // float4lt(float4,float4)
    (289, comparison!(Float32Type, Float32Type, |a, b| less(f64::from(a), f64::from(b)))),
    // float4le(float4,float4)
    (290, comparison!(Float32Type, Float32Type, |a, b| !less(f64::from(b), f64::from(a)))),
    // float4gt(float4,float4)
    (291, comparison!(Float32Type, Float32Type, |a, b| less(f64::from(b), f64::from(a)))),
    // float4ge(float4,float4)
    (292, comparison!(Float32Type, Float32Type, |a, b| !less(f64::from(a), f64::from(b)))),
    // float48eq(float4,float8)
    (299, comparison!(Float32Type, Float64Type, |a, b| equal(f64::from(a), b))),
    // float48ne(float4,float8)
    (300, comparison!(Float32Type, Float64Type, |a, b| !equal(f64::from(a), b))),
    // float48lt(float4,float8)
    (301, comparison!(Float32Type, Float64Type, |a, b| less(f64::from(a), b))),
    // float48le(float4,float8)
    (302, comparison!(Float32Type, Float64Type, |a, b| !less(b, f64::from(a)))),
    // float48gt(float4,float8)
    (303, comparison!(Float32Type, Float64Type, |a, b| less(b, f64::from(a)))),
    // float48ge(float4,float8)
    (304, comparison!(Float32Type, Float64Type, |a, b| !less(f64::from(a), b))),
    // float84eq(float8,float4)
    (305, comparison!(Float64Type, Float32Type, |a, b| equal(a, f64::from(b)))),
    // float84ne(float8,float4)
    (306, comparison!(Float64Type, Float32Type, |a, b| !equal(a, f64::from(b)))),
    // float84lt(float8,float4)
    (307, comparison!(Float64Type, Float32Type, |a, b| less(a, f64::from(b)))),
    // float84le(float8,float4)
    (308, comparison!(Float64Type, Float32Type, |a, b| !less(f64::from(b), a))),
    // float84gt(float8,float4)
    (309, comparison!(Float64Type, Float32Type, |a, b| less(f64::from(b), a))),
    // float84ge(float8,float4)
    (310, comparison!(Float64Type, Float32Type, |a, b| !less(a, f64::from(b)))),
    // float8eq(float8,float8)
    (293, comparison!(Float64Type, Float64Type, |a, b| equal(a, b))),
    // float8ne(float8,float8)
    (294, comparison!(Float64Type, Float64Type, |a, b| !equal(a, b))),
    // float8lt(float8,float8)
    (295, comparison!(Float64Type, Float64Type, |a, b| less(a, b))),
    // float8le(float8,float8)
    (296, comparison!(Float64Type, Float64Type, |a, b| !less(b, a))),
    // float8gt(float8,float8)
    (297, comparison!(Float64Type, Float64Type, |a, b| less(b, a))),
    // float8ge(float8,float8)
    (298, comparison!(Float64Type, Float64Type, |a, b| !less(a, b))),
    // date_eq(date,date)
    (1086, comparison!(Int32Type, Int32Type, |a, b| a == b)),
    // date_ne(date,date)
    (1091, comparison!(Int32Type, Int32Type, |a, b| a != b)),
    // date_lt(date,date)
    (1087, comparison!(Int32Type, Int32Type, |a, b| a < b)),
    // date_le(date,date)
    (1088, comparison!(Int32Type, Int32Type, |a, b| a <= b)),
    // date_gt(date,date)
    (1089, comparison!(Int32Type, Int32Type, |a, b| a > b)),
    // date_ge(date,date)
    (1090, comparison!(Int32Type, Int32Type, |a, b| a >= b)),
    // time_eq(time,time)
    (1145, comparison!(Int64Type, Int64Type, |a, b| a == b)),
    // time_ne(time,time)
    (1106, comparison!(Int64Type, Int64Type, |a, b| a != b)),
    // time_lt(time,time)
    (1102, comparison!(Int64Type, Int64Type, |a, b| a < b)),
    // time_le(time,time)
    (1103, comparison!(Int64Type, Int64Type, |a, b| a <= b)),
    // time_gt(time,time)
    (1104, comparison!(Int64Type, Int64Type, |a, b| a > b)),
    // time_ge(time,time)
    (1105, comparison!(Int64Type, Int64Type, |a, b| a >= b)),
    // timestamptz_eq(timestamptz,timestamptz)
    (1152, comparison!(Int64Type, Int64Type, |a, b| a == b)),
    // timestamp_eq(timestamp,timestamp)
    (2052, comparison!(Int64Type, Int64Type, |a, b| a == b)),
    // timestamptz_ne(timestamptz,timestamptz)
    (1153, comparison!(Int64Type, Int64Type, |a, b| a != b)),
    // timestamp_ne(timestamp,timestamp)
    (2053, comparison!(Int64Type, Int64Type, |a, b| a != b)),
    // timestamptz_lt(timestamptz,timestamptz)
    (1154, comparison!(Int64Type, Int64Type, |a, b| a < b)),
    // timestamp_lt(timestamp,timestamp)
    (2054, comparison!(Int64Type, Int64Type, |a, b| a < b)),
    // timestamptz_le(timestamptz,timestamptz)
    (1155, comparison!(Int64Type, Int64Type, |a, b| a <= b)),
    // timestamp_le(timestamp,timestamp)
    (2055, comparison!(Int64Type, Int64Type, |a, b| a <= b)),
    // timestamptz_gt(timestamptz,timestamptz)
    (1157, comparison!(Int64Type, Int64Type, |a, b| a > b)),
    // timestamp_gt(timestamp,timestamp)
    (2057, comparison!(Int64Type, Int64Type, |a, b| a > b)),
    // timestamptz_ge(timestamptz,timestamptz)
    (1156, comparison!(Int64Type, Int64Type, |a, b| a >= b)),
    // timestamp_ge(timestamp,timestamp)
    (2056, comparison!(Int64Type, Int64Type, |a, b| a >= b)),
    // oideq(oid,oid)
    (184, comparison!(UInt32Type, UInt32Type, |a, b| a == b)),
    // oidne(oid,oid)
    (185, comparison!(UInt32Type, UInt32Type, |a, b| a != b)),
    // oidlt(oid,oid)
    (716, comparison!(UInt32Type, UInt32Type, |a, b| a < b)),
    // oidle(oid,oid)
    (717, comparison!(UInt32Type, UInt32Type, |a, b| a <= b)),
    // oidgt(oid,oid)
    (1638, comparison!(UInt32Type, UInt32Type, |a, b| a > b)),
    // oidge(oid,oid)
    (1639, comparison!(UInt32Type, UInt32Type, |a, b| a >= b)),
    // texteq(text,text)
    (67, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a == b)),
    // nameeq(name,name)
    (62, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a == b)),
    // nameeqtext(name,text)
    (240, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a == b)),
    // texteqname(text,name)
    (247, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a == b)),
    // textne(text,text)
    (157, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a != b)),
    // namene(name,name)
    (659, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a != b)),
    // namenetext(name,text)
    (245, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a != b)),
    // textnename(text,name)
    (252, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a != b)),
    // text_lt(text,text)
    (740, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a < b)),
    // namelt(name,name)
    (655, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a < b)),
    // namelttext(name,text)
    (241, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a < b)),
    // textltname(text,name)
    (248, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a < b)),
    // text_le(text,text)
    (741, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a <= b)),
    // namele(name,name)
    (656, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a <= b)),
    // nameletext(name,text)
    (242, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a <= b)),
    // textlename(text,name)
    (249, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a <= b)),
    // text_gt(text,text)
    (742, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a > b)),
    // namegt(name,name)
    (657, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a > b)),
    // namegttext(name,text)
    (244, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a > b)),
    // textgtname(text,name)
    (251, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a > b)),
    // text_ge(text,text)
    (743, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a >= b)),
    // namege(name,name)
    (658, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a >= b)),
    // namegetext(name,text)
    (243, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a >= b)),
    // textgename(text,name)
    (250, |_, _, arguments, rows| text_comparison(arguments, rows, |a, b| a >= b)),
];
