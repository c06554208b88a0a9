//! `to_char`, `to_date`, `to_timestamp` and `to_number`: values through templates.
//!
//! A template is cut into keywords with their modifiers, quoted text and plain characters once; output walks it over
//! the fields of a moment or the digits of a number, input walks it over a text and gathers fields.
