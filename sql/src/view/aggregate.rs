//! One aggregate of a group after a change: its stored value and what has changed say the new one, or do not.
//!
//! What is exact and does not depend on order can be followed: counts, sums and averages of integers and numerics, least
//! and greatest values. The stored values of a group are all that is kept of it. So a sum that has lost values needs the
//! count of the values beside it in the view, to tell 0 from NULL; an average needs count and sum; a numeric sum does not
//! know which of its values showed the most digits; the least value does not know the second. Where these ask for more
//! than is there, the answer is `None`, and the group is evaluated anew: so too for sums of floats, which are not followed
//! at all, and for NaN and the infinities, which do not go away by subtraction.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use catalog::builtin;
use engine::Value;

use super::apply::RowImage;
use super::fault::{Fault, is_planted};
use super::keys::has_key;
use crate::error::{Error, Result};
use crate::tree::{AggregateCall, ExpressionKind};
use crate::types::compare;
use crate::types::numeric::{Coefficient, Numeric, precision_and_scale};

/// How an aggregate follows changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// count(*)
    Rows,
    /// count(x)
    Values,
    /// The sum of int2 or int4, which is bigint.
    Integers,
    /// The sum of bigint, which is numeric.
    Bigints,
    /// The sum of numerics; the digits behind the point that all of them show, where their type says it.
    Numerics(Option<u32>),
    /// The mean of integers.
    MeanOfIntegers,
    /// The mean of numerics.
    MeanOfNumerics,
    /// The least or the greatest value of a type.
    Extreme(Ordering, u32),
    /// Evaluated anew.
    Other,
}

impl Kind {
    pub fn of(call: &AggregateCall) -> Kind {
        if call.distinct || !call.order_by.is_empty() || !call.direct_arguments.is_empty() {
            return Kind::Other;
        }
        let argument = call.arguments.first();
        match call.function {
            2803 => Kind::Rows,
            2147 => Kind::Values,
            2108 | 2109 => Kind::Integers,
            2107 => Kind::Bigints,
            2114 => Kind::Numerics(argument.and_then(|argument| match argument.kind {
                ExpressionKind::Column(_) => {
                    let (_, scale) = precision_and_scale(argument.ty.typmod)?;
                    Some(u32::try_from(scale).unwrap_or(0))
                }
                _ => None,
            })),
            2100..=2102 => Kind::MeanOfIntegers,
            2103 => Kind::MeanOfNumerics,
            other => {
                let name = builtin::function_by_oid(other).map_or("", |row| row.name);
                match (name, argument.map(|argument| argument.ty.oid).filter(|ty| has_key(*ty))) {
                    ("min", Some(ty)) => Kind::Extreme(Ordering::Less, ty),
                    ("max", Some(ty)) => Kind::Extreme(Ordering::Greater, ty),
                    _ => Kind::Other,
                }
            }
        }
    }

    /// The kind whose value a mean of this kind divides.
    pub fn is_sum_for(self, mean: Kind) -> bool {
        match mean {
            Kind::MeanOfIntegers => matches!(self, Kind::Integers | Kind::Bigints),
            Kind::MeanOfNumerics => matches!(self, Kind::Numerics(_)),
            _ => false,
        }
    }
}

/// What has changed of the values that an aggregate takes.
pub(super) struct ValueChange {
    /// How many more there are.
    pub count: i64,
    /// What whole numbers add up to; none where that does not fit.
    whole: Option<i128>,
    /// What numerics add up to; none with NaN or an infinity among them.
    numeric: Option<Numeric>,
    /// How many more numerics there are that show so many digits behind the point.
    scales: BTreeMap<u32, i64>,
    /// How many more there are of each, where the least or the greatest is wanted.
    each: HashMap<RowImage, (Value, i64)>,
}

impl Default for ValueChange {
    fn default() -> ValueChange {
        ValueChange {
            count: 0,
            whole: Some(0),
            numeric: Some(Numeric::ZERO),
            scales: BTreeMap::new(),
            each: HashMap::new(),
        }
    }
}

impl ValueChange {
    /// Adds a value that came (or went) `weight` times. It is not NULL.
    pub fn add(&mut self, kind: Kind, value: Value, weight: i64) -> Result<()> {
        self.count += weight;
        match kind {
            Kind::Rows | Kind::Values | Kind::Other => {}
            Kind::Integers | Kind::Bigints | Kind::MeanOfIntegers => {
                let number = match value {
                    Value::Int16(number) => i64::from(number),
                    Value::Int32(number) => i64::from(number),
                    Value::Int64(number) => number,
                    other => {
                        return Err(Error::internal(format!("{:?} is no integer", other.physical_type())));
                    }
                };
                // Two factors of 64 bits always fit.
                let product = i128::from(weight) * i128::from(number);
                self.whole = self.whole.and_then(|whole| whole.checked_add(product));
            }
            Kind::Numerics(_) | Kind::MeanOfNumerics => {
                let number = Numeric::from_value(&value)?;
                let Some(scale) = number.scale() else {
                    self.numeric = None;
                    return Ok(());
                };
                *self.scales.entry(scale).or_default() += weight;
                let product = number.multiply(&Numeric::from_i64(weight));
                let sum = |numeric: Numeric| product.and_then(|product| numeric.add(&product)).ok();
                self.numeric = self.numeric.take().and_then(sum);
            }
            Kind::Extreme(..) => {
                let image = RowImage::of(std::slice::from_ref(&value));
                self.each.entry(image).or_insert((value, 0)).1 += weight;
            }
        }
        Ok(())
    }

    /// The aggregate after the change. `before`: its value, none where there was no such group. `known`: count and sum of
    /// the values after the change, where the view shows them.
    pub fn renewed(&self, kind: Kind, before: Option<&Value>, known: Known<'_>) -> Option<Value> {
        match kind {
            Kind::Rows | Kind::Values => match before {
                None => Some(Value::Int64(self.count)),
                Some(Value::Int64(count)) => count.checked_add(self.count).map(Value::Int64),
                Some(_) => None,
            },
            Kind::Integers | Kind::Bigints | Kind::Numerics(_) => match self.is_empty_after(before, known) {
                None => None,
                Some(true) => Some(Value::Null),
                Some(false) => self.sum(kind, before),
            },
            Kind::MeanOfIntegers | Kind::MeanOfNumerics => self.mean(kind, before, known),
            Kind::Extreme(wanted, type_oid) => self.extreme(wanted, type_oid, before),
            Kind::Other => None,
        }
    }

    /// Whether no value is left; `None` where that cannot be told.
    fn is_empty_after(&self, before: Option<&Value>, known: Known<'_>) -> Option<bool> {
        let left = match (known.count, before) {
            (Some(count), _) => count,
            (None, None | Some(Value::Null)) => self.count,
            // There was one at least.
            (None, Some(_)) if self.count >= 0 => 1,
            (None, Some(_)) => return None,
        };
        (left >= 0).then_some(left == 0)
    }

    /// The sum of values, of which there are some.
    fn sum(&self, kind: Kind, before: Option<&Value>) -> Option<Value> {
        let before = before.filter(|value| !value.is_null());
        match kind {
            Kind::Integers => {
                let old = match before {
                    None => 0,
                    Some(Value::Int64(sum)) => *sum,
                    Some(_) => return None,
                };
                let sum = i128::from(old).checked_add(self.whole?)?;
                // What does not fit is for the query to refuse.
                i64::try_from(sum).ok().map(Value::Int64)
            }
            Kind::Bigints => {
                let old = match before {
                    None => 0,
                    Some(value) => whole_of(value)?,
                };
                Some(Numeric::from_i128(old.checked_add(self.whole?)?, 0).to_value())
            }
            Kind::Numerics(fixed) => self.numeric_sum(fixed, before),
            _ => None,
        }
    }

    fn numeric_sum(&self, fixed: Option<u32>, before: Option<&Value>) -> Option<Value> {
        let old = match before {
            None => Numeric::ZERO,
            Some(value) => Numeric::from_value(value).ok()?,
        };
        let shown = old.scale()?;
        let came = self.scales.iter().filter(|(_, count)| **count > 0).map(|(scale, _)| *scale).max();
        let gone = self.scales.iter().any(|(scale, count)| *count < 0 && *scale == shown);
        // A sum shows as many digits as that of its values which shows most.
        if gone && fixed != Some(shown) && came.is_none_or(|came| came < shown) {
            return None;
        }
        let sum = old.add(self.numeric.as_ref()?).ok()?;
        (sum.scale()? == shown.max(came.unwrap_or(0))).then(|| sum.to_value())
    }

    fn mean(&self, kind: Kind, before: Option<&Value>, known: Known<'_>) -> Option<Value> {
        let (count, sum) = match before {
            // All values that there are have just come.
            None | Some(Value::Null) => match (self.count, kind) {
                (..0, _) => return None,
                (0, _) => return Some(Value::Null),
                (1.., Kind::MeanOfIntegers) => (self.count, Numeric::from_i128(self.whole?, 0)),
                (1.., _) => (self.count, Numeric::from_value(&self.numeric_sum(None, None)?).ok()?),
            },
            Some(_) => match (known.count?, known.sum?) {
                (0, _) => return Some(Value::Null),
                (count, Value::Int64(sum)) => (count, Numeric::from_i64(*sum)),
                (count, sum) => (count, Numeric::from_value(sum).ok()?),
            },
        };
        // NaN and the infinities have no scale.
        sum.scale()?;
        sum.divide(&Numeric::from_i64(count)).ok().map(|mean| mean.to_value())
    }

    fn extreme(&self, wanted: Ordering, type_oid: u32, before: Option<&Value>) -> Option<Value> {
        let mut came: Option<&Value> = None;
        for (value, _) in self.each.values().filter(|(_, count)| *count > 0) {
            match came.map(|came| compare(type_oid, value, came)) {
                // Equal values that look different: which is shown is the query's business.
                Some(Ordering::Equal) => return None,
                Some(order) if order != wanted => {}
                Some(_) | None => came = Some(value),
            }
        }
        let mut gone = self.each.values().filter(|(_, count)| *count < 0).map(|(value, _)| value);
        let Some(before) = before.filter(|value| !value.is_null()) else {
            return gone.next().is_none().then(|| came.cloned().unwrap_or(Value::Null));
        };
        match came.map(|came| (compare(type_oid, came, before), came)) {
            Some((Ordering::Equal, came)) if !alike(came, before) => None,
            Some((order, came)) if order == wanted || order == Ordering::Equal => Some(came.clone()),
            // It stays, unless it has gone itself.
            Some(_) | None => {
                let touched = gone.any(|value| compare(type_oid, value, before) == Ordering::Equal);
                (!touched || is_planted(Fault::KeptExtreme)).then(|| before.clone())
            }
        }
    }
}

/// Whether two values are the same to the last bit.
fn alike(one: &Value, other: &Value) -> bool {
    RowImage::of(std::slice::from_ref(one)) == RowImage::of(std::slice::from_ref(other))
}

/// What a view shows of a group beside an aggregate, after a change: how many values there are and their sum.
#[derive(Clone, Copy, Default)]
pub(super) struct Known<'v> {
    pub count: Option<i64>,
    pub sum: Option<&'v Value>,
}

/// A stored numeric that is a whole number and shows no digits behind the point.
fn whole_of(value: &Value) -> Option<i128> {
    match Numeric::from_value(value).ok()? {
        Numeric::Finite(decimal) if decimal.scale() == 0 => match decimal.coefficient() {
            Coefficient::Small(number) => Some(*number),
            Coefficient::Big(_) => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::oid;

    fn numeric(text: &str) -> Value {
        Numeric::parse(text).expect("a numeric").to_value()
    }

    fn change(kind: Kind, values: &[(Value, i64)]) -> ValueChange {
        let mut change = ValueChange::default();
        values.iter().for_each(|(value, weight)| change.add(kind, value.clone(), *weight).expect("a value"));
        change
    }

    #[test]
    fn a_sum_that_may_have_lost_its_last_value_is_not_told_without_a_count() {
        let kind = Kind::Integers;
        let less = change(kind, &[(Value::Int32(5), -1)]);
        let known = |count| Known { count: Some(count), sum: None };
        assert_eq!(less.renewed(kind, Some(&Value::Int64(5)), Known::default()), None);
        assert_eq!(less.renewed(kind, Some(&Value::Int64(5)), known(0)), Some(Value::Null));
        assert_eq!(less.renewed(kind, Some(&Value::Int64(5)), known(1)), Some(Value::Int64(0)));
        let more = change(kind, &[(Value::Int32(5), 1)]);
        assert_eq!(more.renewed(kind, Some(&Value::Null), Known::default()), Some(Value::Int64(5)));
        assert_eq!(more.renewed(kind, Some(&Value::Int64(i64::MAX)), Known::default()), None);
    }

    #[test]
    fn a_numeric_sum_shows_the_digits_that_its_values_show() {
        let sum = |kind, values: &[(&str, i64)], before: &str| {
            let values: Vec<(Value, i64)> =
                values.iter().map(|(text, weight)| (numeric(text), *weight)).collect();
            change(kind, &values).renewed(kind, Some(&numeric(before)), Known { count: Some(3), sum: None })
        };
        let (free, fixed) = (Kind::Numerics(None), Kind::Numerics(Some(2)));
        assert_eq!(sum(free, &[("1.5", 1)], "2.25"), Some(numeric("3.75")));
        assert_eq!(sum(free, &[("1.125", 1)], "2.25"), Some(numeric("3.375")));
        assert_eq!(sum(free, &[("1.5", -1)], "2.25"), Some(numeric("0.75")));
        assert_eq!(sum(free, &[("1.25", -1)], "2.25"), None);
        assert_eq!(sum(fixed, &[("1.25", -1)], "2.25"), Some(numeric("1.00")));
        assert_eq!(sum(free, &[("1.25", -1), ("1.75", 1)], "2.25"), Some(numeric("2.75")));
        assert_eq!(sum(free, &[("NaN", 1)], "2.25"), None);
        assert_eq!(sum(free, &[("1", 1)], "NaN"), None);
    }

    #[test]
    fn the_least_value_is_told_unless_it_went_or_has_an_equal_that_looks_different() {
        let kind = Kind::Extreme(Ordering::Less, oid::INT4);
        let least = |values: &[(i32, i64)], before: i32| {
            let values: Vec<(Value, i64)> =
                values.iter().map(|(number, weight)| (Value::Int32(*number), *weight)).collect();
            change(kind, &values).renewed(kind, Some(&Value::Int32(before)), Known::default())
        };
        assert_eq!(least(&[(7, -1), (9, 1)], 3), Some(Value::Int32(3)));
        assert_eq!(least(&[(3, -1)], 3), None);
        assert_eq!(least(&[(3, -1), (4, 1)], 3), None);
        assert_eq!(least(&[(3, -1), (2, 1)], 3), Some(Value::Int32(2)));
        assert_eq!(least(&[(3, -1), (3, 1)], 3), Some(Value::Int32(3)));
        let kind = Kind::Extreme(Ordering::Greater, oid::NUMERIC);
        let more = change(kind, &[(numeric("1.00"), 1)]);
        assert_eq!(more.renewed(kind, Some(&numeric("1.0")), Known::default()), None);
        assert_eq!(more.renewed(kind, None, Known::default()), Some(numeric("1.00")));
    }

    #[test]
    fn a_mean_needs_the_count_and_the_sum_beside_it() {
        let kind = Kind::MeanOfIntegers;
        let more = change(kind, &[(Value::Int32(2), 1)]);
        assert_eq!(more.renewed(kind, Some(&numeric("1.5")), Known::default()), None);
        let (sum, third) = (Value::Int64(1), Numeric::from_i64(1).divide(&Numeric::from_i64(3)));
        let known = Known { count: Some(3), sum: Some(&sum) };
        assert_eq!(more.renewed(kind, Some(&numeric("1.5")), known), third.ok().map(|mean| mean.to_value()));
    }
}
