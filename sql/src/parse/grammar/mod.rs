//! The grammar, a room a file. Every production is a method of the one parser.

/// How many levels of an expression one more set operation weighs, and one more join: their analysis and planning
/// need that much more stack.
const QUERY_WEIGHT: u32 = 4;
const JOIN_WEIGHT: u32 = 2;

mod alter;
mod call;
mod column;
mod copy;
mod create;
mod cursor;
mod drop;
mod expression;
mod grant;
mod index;
mod insert;
mod maintenance;
mod modify;
mod operator;
mod primary;
mod query;
mod role;
mod select;
mod sequence;
mod settings;
mod special_call;
mod statement;
mod subscribe;
mod table_reference;
mod time;
mod transaction;
mod type_name;
mod user_type;
mod view;
mod window;
