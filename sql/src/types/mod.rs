//! PostgreSQL's types over the engine's physical values: text and binary forms, typmods, order, comparison keys.
//!
//! Everything goes by type oid. A function here takes and returns values that are not NULL; NULL has no text, no
//! binary form and no key, and giving it to one of these functions is answered by `XX000`, as is a value whose
//! physical type is not the one [`physical`] names. What the user's text or bytes can get wrong is reported with
//! PostgreSQL's SQLSTATE and wording. A type without support is refused by name (`0A000`), never guessed.
//!
//! Values that are made of values (arrays, records) carry the type oids of their parts, so output, order and keys
//! need no catalog; only input of user-made types and the `reg…` types asks one, through [`Names`].

pub mod array;
pub mod binary;
pub mod bit;
pub mod boolean;
pub mod bytea;
pub mod character;
pub mod datetime;
pub mod digits;
mod dispatch;
pub mod embedding;
pub mod enumeration;
pub mod float;
mod format_type;
pub mod identifier;
pub mod integer;
pub mod interval;
pub mod json;
pub mod key;
pub mod numeric;
pub mod oid;
pub mod record;
mod settings;
mod stored;
pub mod timezone;
pub mod uuid;

pub use dispatch::{
    append_output, apply_typmod, input, output, physical, receive, receive_named, send, send_named,
    typmod_from_arguments,
};
pub use format_type::{format_type, type_name};
pub use key::compare;
pub use settings::{InputSettings, NameKind, Names, NoNames, OutputSettings, TypeShape};
