//! From a pg_proc oid to its implementation, by one dense table built on first use.

use std::sync::OnceLock;

use arrow_array::ArrayRef;
use engine::Value;

use super::{
    Call, arithmetic, array, cast, comparison, datetime, embedding, formatting, json, math, pattern, string,
    system, vector,
};
use crate::error::Result;
use crate::evaluate::Context;

/// One call over values.
pub type ScalarFunction = fn(&Context, &Call, &[Value]) -> Result<Value>;

/// One call over a batch of `rows` rows. NULLs are handled by the function: of a strict function, a row with a NULL
/// argument yields NULL and never an error.
pub type VectorFunction = fn(&Context, &Call, &[Vector], rows: usize) -> Result<ArrayRef>;

/// An argument of a vector call: a column of the batch, or one value for every row.
#[derive(Clone, Debug)]
pub enum Vector {
    Array(ArrayRef),
    Constant(Value),
}

/// What a pg_proc row does.
pub struct Implementation {
    pub oid: u32,
    pub scalar: ScalarFunction,
    /// A faster form over batches, where there is one; it agrees with `scalar` row by row.
    pub vector: Option<VectorFunction>,
}

/// A family's scalar functions.
pub(super) type Scalars = &'static [(u32, ScalarFunction)];
/// A family's vector forms; each oid has a scalar form too.
pub(super) type Vectors = &'static [(u32, VectorFunction)];

/// Oids of builtin functions lie below this.
const LIMIT: usize = 16_384;

const SCALARS: &[Scalars] = &[
    comparison::integer::FUNCTIONS,
    comparison::float::FUNCTIONS,
    comparison::plain::FUNCTIONS,
    comparison::text::FUNCTIONS,
    arithmetic::integer::FUNCTIONS,
    arithmetic::float::FUNCTIONS,
    math::float::FUNCTIONS,
    math::trigonometry::FUNCTIONS,
    math::degrees::FUNCTIONS,
    math::random::FUNCTIONS,
    math::numeric::FUNCTIONS,
    datetime::interval::FUNCTIONS,
    datetime::age::FUNCTIONS,
    datetime::arithmetic::FUNCTIONS,
    datetime::clock::FUNCTIONS,
    datetime::compare::FUNCTIONS,
    datetime::convert::FUNCTIONS,
    datetime::extract::FUNCTIONS,
    datetime::make::FUNCTIONS,
    datetime::moment::FUNCTIONS,
    datetime::overlaps::FUNCTIONS,
    datetime::truncate::FUNCTIONS,
    datetime::zone::FUNCTIONS,
    formatting::FUNCTIONS,
    cast::number::FUNCTIONS,
    string::basic::FUNCTIONS,
    string::trim::FUNCTIONS,
    string::part::FUNCTIONS,
    string::bytes::FUNCTIONS,
    string::digest::FUNCTIONS,
    string::code::FUNCTIONS,
    string::content::FUNCTIONS,
    string::encode::FUNCTIONS,
    string::quote::FUNCTIONS,
    string::join::FUNCTIONS,
    string::hash::FUNCTIONS,
    string::bit::FUNCTIONS,
    array::facts::FUNCTIONS,
    array::compare::FUNCTIONS,
    array::enumeration::FUNCTIONS,
    array::search::FUNCTIONS,
    array::change::FUNCTIONS,
    array::text::FUNCTIONS,
    json::access::FUNCTIONS,
    json::build::FUNCTIONS,
    json::cast::FUNCTIONS,
    json::change::FUNCTIONS,
    json::contain::FUNCTIONS,
    system::comment::FUNCTIONS,
    system::describe::FUNCTIONS,
    system::live::FUNCTIONS,
    system::name::FUNCTIONS,
    system::object::FUNCTIONS,
    system::privilege::FUNCTIONS,
    system::sequence::FUNCTIONS,
    system::session::FUNCTIONS,
    system::size::FUNCTIONS,
    system::visible::FUNCTIONS,
    pattern::like::FUNCTIONS,
    pattern::similar::FUNCTIONS,
    pattern::regexp::FUNCTIONS,
    embedding::single::FUNCTIONS,
    embedding::halves::FUNCTIONS,
    embedding::sparse::FUNCTIONS,
];

const VECTORS: &[Vectors] = &[
    vector::comparison::FUNCTIONS,
    vector::arithmetic::FUNCTIONS,
    vector::pattern::FUNCTIONS,
    vector::FUNCTIONS,
    embedding::batch::FUNCTIONS,
];

/// The implementation of a scalar function, operator function or cast function.
pub fn implementation(oid: u32) -> Option<&'static Implementation> {
    table().get(oid as usize)?.as_ref()
}

/// The oids of all scalar functions implemented, ascending.
pub fn implemented() -> impl Iterator<Item = u32> {
    table().iter().flatten().map(|implementation| implementation.oid)
}

fn table() -> &'static [Option<Implementation>] {
    static TABLE: OnceLock<Vec<Option<Implementation>>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table: Vec<Option<Implementation>> = Vec::new();
        table.resize_with(LIMIT, || None);
        for &(oid, scalar) in SCALARS.iter().copied().flatten() {
            table[oid as usize] = Some(Implementation { oid, scalar, vector: None });
        }
        for &(oid, vector) in VECTORS.iter().copied().flatten() {
            if let Some(implementation) = &mut table[oid as usize] {
                implementation.vector = Some(vector);
            }
        }
        table
    })
}
