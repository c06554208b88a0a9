//! The static facts of a call site: what a function may know besides its arguments' values.

use crate::tree::Type;

/// One place of a statement that calls a function. Polymorphic and variadic functions read it.
#[derive(Clone, Debug)]
pub struct Call {
    /// pg_proc oid: several functions may share one implementation.
    pub function: u32,
    /// The actual types of the arguments, after casts, polymorphism resolved.
    pub arguments: Vec<Type>,
    /// The actual result type; for an aggregate that of the finished value.
    pub result: Type,
    /// Collation in force, 0 where there is none.
    pub collation: u32,
    /// The last argument is the array of VARIADIC.
    pub variadic_array: bool,
    /// WITHIN GROUP of an ordered-set aggregate; empty elsewhere.
    pub order: Vec<OrderKey>,
}

/// One item of WITHIN GROUP (ORDER BY ...).
#[derive(Clone, Copy, Debug)]
pub struct OrderKey {
    pub ty: Type,
    pub descending: bool,
    pub nulls_first: bool,
}

impl Call {
    /// A call of plain argument types without a collation.
    pub fn new(function: u32, arguments: Vec<Type>, result: Type) -> Call {
        Call { function, arguments, result, collation: 0, variadic_array: false, order: Vec::new() }
    }

    /// The type oid of an argument; 0 where there is no such argument.
    pub fn argument(&self, index: usize) -> u32 {
        self.arguments.get(index).map_or(0, |ty| ty.oid)
    }
}
