//! Batch-wise forms of count, and of sum, avg, min and max over integers, dates and times.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int16Type, Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, Int64Array, PrimitiveArray,
};
use engine::Value;

use super::sum::average;
use super::{GroupedAccumulator, NewGrouped};
use crate::error::{Error, Result};
use crate::functions::arithmetic::integer::out_of_range;
use crate::functions::registry::Vector;
use crate::functions::vector::Constant;
use crate::types::numeric::Numeric;

/// Whether row `row` passes the filter.
fn passes(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

#[derive(Default)]
struct Counts(Vec<i64>);

impl GroupedAccumulator for Counts {
    fn update(
        &mut self,
        arguments: &[Vector],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.0.resize(total, 0);
        let nulls = match arguments.first() {
            Some(Vector::Constant(Value::Null)) => return Ok(()),
            Some(Vector::Array(array)) => array.logical_nulls(),
            Some(Vector::Constant(_)) | None => None,
        };
        for (row, &group) in groups.iter().enumerate() {
            let counts = passes(filter, row) && nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
            if let Some(count) = self.0.get_mut(group) {
                *count += i64::from(counts);
            }
        }
        Ok(())
    }

    fn finish(&mut self, total: usize) -> Result<ArrayRef> {
        self.0.resize(total, 0);
        Ok(Arc::new(Int64Array::from(std::mem::take(&mut self.0))))
    }

    fn size(&self) -> usize {
        self.0.capacity() * size_of::<i64>()
    }
}

/// Runs `f` over the groups and values of the rows that count.
fn each<T: Constant>(
    arguments: &[Vector],
    groups: &[usize],
    filter: Option<&BooleanArray>,
    mut f: impl FnMut(usize, T::Native),
) -> Result<()> {
    match arguments.first() {
        Some(Vector::Array(array)) => {
            let array = array.as_primitive_opt::<T>().ok_or_else(|| {
                Error::internal(format!("a batch aggregate was given {}", array.data_type()))
            })?;
            for (row, (&group, &value)) in groups.iter().zip(array.values().iter()).enumerate() {
                if array.is_valid(row) && passes(filter, row) {
                    f(group, value);
                }
            }
        }
        Some(Vector::Constant(value)) => {
            let Some(value) = T::constant(value) else { return Ok(()) };
            for (row, &group) in groups.iter().enumerate() {
                if passes(filter, row) {
                    f(group, value);
                }
            }
        }
        None => return Err(Error::internal("a batch aggregate was given no argument")),
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum SumResult {
    Int8,
    Numeric,
    Average,
}

struct Sums<T> {
    result: SumResult,
    sums: Vec<(i128, i64)>,
    argument: std::marker::PhantomData<T>,
}

impl<T: Constant> Sums<T>
where
    T::Native: Into<i64>,
{
    fn boxed(result: SumResult) -> Result<Box<dyn GroupedAccumulator>> {
        Ok(Box::new(Sums::<T> { result, sums: Vec::new(), argument: std::marker::PhantomData }))
    }
}

impl<T: Constant> GroupedAccumulator for Sums<T>
where
    T::Native: Into<i64>,
{
    fn update(
        &mut self,
        arguments: &[Vector],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.sums.resize(total, (0, 0));
        each::<T>(arguments, groups, filter, |group, value| {
            if let Some((sum, count)) = self.sums.get_mut(group) {
                *sum += i128::from(value.into());
                *count += 1;
            }
        })
    }

    fn finish(&mut self, total: usize) -> Result<ArrayRef> {
        self.sums.resize(total, (0, 0));
        let sums = std::mem::take(&mut self.sums);
        if let SumResult::Int8 = self.result {
            let values = sums.into_iter().map(|(sum, count)| match count {
                0 => Ok(None),
                _ => i64::try_from(sum).map(Some).map_err(|_| out_of_range::<i64>()),
            });
            return Ok(Arc::new(values.collect::<Result<Int64Array>>()?));
        }
        let values = sums.into_iter().map(|(sum, count)| match (count, self.result) {
            (0, _) => Ok(None),
            (_, SumResult::Average) => average(sum, count).map(Some),
            _ => Ok(Some(Numeric::from_i128(sum, 0).to_value())),
        });
        let values = values.collect::<Result<Vec<Option<Value>>>>()?;
        let bytes = values.iter().map(|value| value.as_ref().and_then(Value::as_bytes));
        Ok(Arc::new(bytes.collect::<BinaryArray>()))
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<(i128, i64)>()
    }
}

struct Extremes<T: ArrowPrimitiveType> {
    greatest: bool,
    best: Vec<Option<T::Native>>,
}

impl<T: Constant> Extremes<T>
where
    T::Native: Ord,
{
    fn boxed(greatest: bool) -> Result<Box<dyn GroupedAccumulator>> {
        Ok(Box::new(Extremes::<T> { greatest, best: Vec::new() }))
    }
}

impl<T: Constant> GroupedAccumulator for Extremes<T>
where
    T::Native: Ord,
{
    fn update(
        &mut self,
        arguments: &[Vector],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.best.resize(total, None);
        let greatest = self.greatest;
        each::<T>(arguments, groups, filter, |group, value| {
            if let Some(best) = self.best.get_mut(group) {
                *best = Some(match *best {
                    None => value,
                    Some(before) if greatest => before.max(value),
                    Some(before) => before.min(value),
                });
            }
        })
    }

    fn finish(&mut self, total: usize) -> Result<ArrayRef> {
        self.best.resize(total, None);
        Ok(Arc::new(PrimitiveArray::<T>::from_iter(std::mem::take(&mut self.best))))
    }

    fn size(&self) -> usize {
        self.best.capacity() * size_of::<Option<T::Native>>()
    }
}

/// The batch-wise form of an aggregate.
pub(super) fn of(oid: u32) -> Option<NewGrouped> {
    FORMS.iter().find(|(form, _)| *form == oid).map(|(_, new)| *new)
}

const FORMS: &[(u32, NewGrouped)] = &[
    // count()
    (2803, |_| Ok(Box::<Counts>::default())),
    // count(any)
    (2147, |_| Ok(Box::<Counts>::default())),
    // sum(int2)
    (2109, |_| Sums::<Int16Type>::boxed(SumResult::Int8)),
    // sum(int4)
    (2108, |_| Sums::<Int32Type>::boxed(SumResult::Int8)),
    // sum(int8)
    (2107, |_| Sums::<Int64Type>::boxed(SumResult::Numeric)),
    // avg(int2)
    (2102, |_| Sums::<Int16Type>::boxed(SumResult::Average)),
    // avg(int4)
    (2101, |_| Sums::<Int32Type>::boxed(SumResult::Average)),
    // avg(int8)
    (2100, |_| Sums::<Int64Type>::boxed(SumResult::Average)),
    // min(int2)
    (2133, |_| Extremes::<Int16Type>::boxed(false)),
    // max(int2)
    (2117, |_| Extremes::<Int16Type>::boxed(true)),
    // min(int4)
    (2132, |_| Extremes::<Int32Type>::boxed(false)),
    // min(date)
    (2138, |_| Extremes::<Int32Type>::boxed(false)),
    // max(int4)
    (2116, |_| Extremes::<Int32Type>::boxed(true)),
    // max(date)
    (2122, |_| Extremes::<Int32Type>::boxed(true)),
    // min(int8)
    (2131, |_| Extremes::<Int64Type>::boxed(false)),
    // min(time)
    (2139, |_| Extremes::<Int64Type>::boxed(false)),
    // min(timestamp)
    (2142, |_| Extremes::<Int64Type>::boxed(false)),
    // min(timestamptz)
    (2143, |_| Extremes::<Int64Type>::boxed(false)),
    // max(int8)
    (2115, |_| Extremes::<Int64Type>::boxed(true)),
    // max(time)
    (2123, |_| Extremes::<Int64Type>::boxed(true)),
    // max(timestamp)
    (2126, |_| Extremes::<Int64Type>::boxed(true)),
    // max(timestamptz)
    (2127, |_| Extremes::<Int64Type>::boxed(true)),
];
