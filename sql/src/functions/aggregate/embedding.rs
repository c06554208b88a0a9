//! sum and avg of vectors, element by element.
//!
//! Sums are kept in double precision and rounded once, at the end, to the width of the type.

use engine::Value;

use super::sum::only;
use super::{Accumulator, Aggregates};
use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::arithmetic::float::overflow;
use crate::functions::embedding::{accumulate, mean};
use crate::types::embedding::Element;

struct Vectors {
    element: Element,
    average: bool,
    count: f64,
    sums: Vec<f64>,
}

impl Vectors {
    fn boxed(element: Element, average: bool) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Vectors { element, average, count: 0.0, sums: Vec::new() }))
    }
}

impl Accumulator for Vectors {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        let stored = match only(arguments) {
            Value::Null => return Ok(()),
            Value::Bytes(stored) => stored,
            _ => return Err(Error::internal("an aggregate of vectors was given something else")),
        };
        let count = self.element.dimensions(stored);
        // sum adds vectors, avg goes by a state: pgvector's complaints differ.
        if !self.average && !self.sums.is_empty() && self.sums.len() != count {
            let (name, first) = (self.element.type_name(), self.sums.len());
            let message = format!("different {name} dimensions {first} and {count}");
            return Err(Error::new(SqlState::DataException, message));
        }
        accumulate(&mut self.sums, self.element.read(stored).into_iter().map(f64::from))?;
        self.count += 1.0;
        Ok(())
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        if self.average || self.count == 0.0 {
            return mean(self.element, self.count, &self.sums);
        }
        let sums: Vec<f32> = self.sums.iter().map(|sum| *sum as f32).collect();
        if sums.iter().any(|sum| self.element.overflows(*sum)) {
            return Err(overflow());
        }
        Ok(Value::from(self.element.write(&sums)))
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<f64>()
    }
}

pub(super) const AGGREGATES: Aggregates = &[
    // avg(vector)
    (8331, |_| Vectors::boxed(Element::Single, true)),
    // sum(vector)
    (8332, |_| Vectors::boxed(Element::Single, false)),
    // avg(halfvec)
    (8377, |_| Vectors::boxed(Element::Half, true)),
    // sum(halfvec)
    (8378, |_| Vectors::boxed(Element::Half, false)),
];
