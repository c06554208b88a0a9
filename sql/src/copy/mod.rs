//! COPY: bulk rows in and out, in text, CSV and binary form.
//!
//! Formats are PostgreSQL 15's, byte for byte. Input arrives in chunks of any size; a [`Splitter`] cuts it into
//! lines, a reader turns a line into fields. Only lines in flight are held. Errors carry PostgreSQL's context
//! (`COPY t, line n, column c: "value"`).

mod binary;
mod csv;
mod fields;
mod options;
mod split;
mod text;
mod write;

pub use binary::BinaryReader;
pub use csv::read_csv;
pub use fields::{Fields, clipped};
pub use options::{Argument, CopyKind, CopyOptions, ForceColumns, Header};
pub use split::{Line, Splitter};
pub use text::read_text;
pub use write::{BinaryWriter, write_csv_field, write_text_field};
