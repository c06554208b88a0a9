//! Comparison of text, varchar, name, bpchar and "char" by code point, which is the order of UTF-8's bytes.

use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;

/// A bpchar as it compares: without trailing blanks.
pub(in crate::functions) fn unpadded(text: &str) -> &str {
    text.trim_end_matches(' ')
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // texteq(text,text)
    (67, scalar!(|a: &str, b: &str| a == b)),
    // nameeq(name,name)
    (62, scalar!(|a: &str, b: &str| a == b)),
    // nameeqtext(name,text)
    (240, scalar!(|a: &str, b: &str| a == b)),
    // texteqname(text,name)
    (247, scalar!(|a: &str, b: &str| a == b)),
    // bpchareq(bpchar,bpchar)
    (1048, scalar!(|a: &str, b: &str| unpadded(a) == unpadded(b))),
    // chareq(char,char)
    (61, scalar!(|a: &str, b: &str| a == b)),
    // textne(text,text)
    (157, scalar!(|a: &str, b: &str| a != b)),
    // namene(name,name)
    (659, scalar!(|a: &str, b: &str| a != b)),
    // namenetext(name,text)
    (245, scalar!(|a: &str, b: &str| a != b)),
    // textnename(text,name)
    (252, scalar!(|a: &str, b: &str| a != b)),
    // bpcharne(bpchar,bpchar)
    (1053, scalar!(|a: &str, b: &str| unpadded(a) != unpadded(b))),
    // charne(char,char)
    (70, scalar!(|a: &str, b: &str| a != b)),
    // text_lt(text,text)
    (740, scalar!(|a: &str, b: &str| a < b)),
    // namelt(name,name)
    (655, scalar!(|a: &str, b: &str| a < b)),
    // namelttext(name,text)
    (241, scalar!(|a: &str, b: &str| a < b)),
    // textltname(text,name)
    (248, scalar!(|a: &str, b: &str| a < b)),
    // bpcharlt(bpchar,bpchar)
    (1049, scalar!(|a: &str, b: &str| unpadded(a) < unpadded(b))),
    // charlt(char,char)
    (1246, scalar!(|a: &str, b: &str| a < b)),
    // text_pattern_lt(text,text)
    (2160, scalar!(|a: &str, b: &str| a < b)),
    // bpchar_pattern_lt(bpchar,bpchar)
    (2174, scalar!(|a: &str, b: &str| unpadded(a) < unpadded(b))),
    // text_le(text,text)
    (741, scalar!(|a: &str, b: &str| a <= b)),
    // namele(name,name)
    (656, scalar!(|a: &str, b: &str| a <= b)),
    // nameletext(name,text)
    (242, scalar!(|a: &str, b: &str| a <= b)),
    // textlename(text,name)
    (249, scalar!(|a: &str, b: &str| a <= b)),
    // bpcharle(bpchar,bpchar)
    (1050, scalar!(|a: &str, b: &str| unpadded(a) <= unpadded(b))),
    // charle(char,char)
    (72, scalar!(|a: &str, b: &str| a <= b)),
    // text_pattern_le(text,text)
    (2161, scalar!(|a: &str, b: &str| a <= b)),
    // bpchar_pattern_le(bpchar,bpchar)
    (2175, scalar!(|a: &str, b: &str| unpadded(a) <= unpadded(b))),
    // text_gt(text,text)
    (742, scalar!(|a: &str, b: &str| a > b)),
    // namegt(name,name)
    (657, scalar!(|a: &str, b: &str| a > b)),
    // namegttext(name,text)
    (244, scalar!(|a: &str, b: &str| a > b)),
    // textgtname(text,name)
    (251, scalar!(|a: &str, b: &str| a > b)),
    // bpchargt(bpchar,bpchar)
    (1051, scalar!(|a: &str, b: &str| unpadded(a) > unpadded(b))),
    // chargt(char,char)
    (73, scalar!(|a: &str, b: &str| a > b)),
    // text_pattern_gt(text,text)
    (2164, scalar!(|a: &str, b: &str| a > b)),
    // bpchar_pattern_gt(bpchar,bpchar)
    (2178, scalar!(|a: &str, b: &str| unpadded(a) > unpadded(b))),
    // text_ge(text,text)
    (743, scalar!(|a: &str, b: &str| a >= b)),
    // namege(name,name)
    (658, scalar!(|a: &str, b: &str| a >= b)),
    // namegetext(name,text)
    (243, scalar!(|a: &str, b: &str| a >= b)),
    // textgename(text,name)
    (250, scalar!(|a: &str, b: &str| a >= b)),
    // bpcharge(bpchar,bpchar)
    (1052, scalar!(|a: &str, b: &str| unpadded(a) >= unpadded(b))),
    // charge(char,char)
    (74, scalar!(|a: &str, b: &str| a >= b)),
    // text_pattern_ge(text,text)
    (2163, scalar!(|a: &str, b: &str| a >= b)),
    // bpchar_pattern_ge(bpchar,bpchar)
    (2177, scalar!(|a: &str, b: &str| unpadded(a) >= unpadded(b))),
    // bttextcmp(text,text)
    (360, scalar!(|a: &str, b: &str| a.cmp(b) as i32)),
    // btnamecmp(name,name)
    (359, scalar!(|a: &str, b: &str| a.cmp(b) as i32)),
    // btnametextcmp(name,text)
    (246, scalar!(|a: &str, b: &str| a.cmp(b) as i32)),
    // bttextnamecmp(text,name)
    (253, scalar!(|a: &str, b: &str| a.cmp(b) as i32)),
    // bttext_pattern_cmp(text,text)
    (2166, scalar!(|a: &str, b: &str| a.cmp(b) as i32)),
    // btcharcmp(char,char)
    (358, scalar!(|a: &str, b: &str| a.cmp(b) as i32)),
    // bpcharcmp(bpchar,bpchar)
    (1078, scalar!(|a: &str, b: &str| unpadded(a).cmp(unpadded(b)) as i32)),
    // btbpchar_pattern_cmp(bpchar,bpchar)
    (2180, scalar!(|a: &str, b: &str| unpadded(a).cmp(unpadded(b)) as i32)),
    // text_larger(text,text)
    (458, scalar!(|a: &str, b: &str| a.max(b))),
    // text_smaller(text,text)
    (459, scalar!(|a: &str, b: &str| a.min(b))),
    // bpchar_larger(bpchar,bpchar)
    (1063, scalar!(|a: &str, b: &str| if unpadded(a) >= unpadded(b) { a } else { b })),
    // bpchar_smaller(bpchar,bpchar)
    (1064, scalar!(|a: &str, b: &str| if unpadded(a) <= unpadded(b) { a } else { b })),
    // starts_with(text,text)
    (3696, scalar!(|a: &str, b: &str| a.starts_with(b))),
];
