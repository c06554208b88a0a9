//! The static facts of a call site: what a function may know besides its arguments' values.

use crate::tree::{Expression, ExpressionKind, Type};

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
    /// For each argument that is a row written out or a whole row of a relation, the names of its fields; empty lists
    /// (or none) elsewhere. A record's value knows types only, and JSON wants names.
    pub fields: Vec<Vec<String>>,
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
        Call {
            function,
            arguments,
            result,
            collation: 0,
            variadic_array: false,
            fields: Vec::new(),
            order: Vec::new(),
        }
    }

    /// `fields` for the argument expressions of a call; empty where no argument is a row.
    pub fn fields_of(arguments: &[Expression]) -> Vec<Vec<String>> {
        let names: Vec<Vec<String>> = arguments.iter().map(row_names).collect();
        if names.iter().all(Vec::is_empty) { Vec::new() } else { names }
    }

    /// The names of the fields of an argument, as far as they are known.
    pub fn field_names(&self, argument: usize) -> &[String] {
        self.fields.get(argument).map_or(&[], Vec::as_slice)
    }

    /// The type oid of an argument; 0 where there is no such argument.
    pub fn argument(&self, index: usize) -> u32 {
        self.arguments.get(index).map_or(0, |ty| ty.oid)
    }
}

fn row_names(expression: &Expression) -> Vec<String> {
    match &expression.kind {
        ExpressionKind::Row { names, .. } => names.clone(),
        ExpressionKind::Relabel(argument, _) => row_names(argument),
        // The row of an entry that an outer join may miss.
        ExpressionKind::Case { otherwise: Some(row), .. } => row_names(row),
        _ => Vec::new(),
    }
}
