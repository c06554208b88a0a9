//! Aggregates of floats: sums, means, variances and regressions, all from exact sums.

use engine::Value;
use num_bigint::BigInt;
use num_traits::{Signed, Zero};

use super::exact::{ExactSum, ratio};
use super::{Accumulator, Aggregates};
use crate::error::{Error, Result};
use crate::evaluate::Context;
use crate::functions::arithmetic::float::overflow;

/// A float argument of either width.
fn float(value: &Value) -> Result<Option<f64>> {
    match value {
        Value::Null => Ok(None),
        Value::Float64(value) => Ok(Some(*value)),
        Value::Float32(value) => Ok(Some(f64::from(*value))),
        _ => Err(Error::internal("an aggregate of floats was given something else")),
    }
}

/// How many of the inputs were not finite.
#[derive(Default)]
struct Special {
    nan: i64,
    infinity: i64,
    negative_infinity: i64,
}

impl Special {
    /// Counts the value if it is not finite, and says whether it is finite.
    fn finite(&mut self, value: f64, step: i64) -> bool {
        if value.is_finite() {
            return true;
        }
        if value.is_nan() {
            self.nan += step;
        } else if value > 0.0 {
            self.infinity += step;
        } else {
            self.negative_infinity += step;
        }
        false
    }

    /// The sum where it is not finite.
    fn sum(&self) -> Option<f64> {
        if self.nan > 0 || (self.infinity > 0 && self.negative_infinity > 0) {
            Some(f64::NAN)
        } else if self.infinity > 0 {
            Some(f64::INFINITY)
        } else if self.negative_infinity > 0 {
            Some(f64::NEG_INFINITY)
        } else {
            None
        }
    }
}

/// What sum and avg read from.
#[derive(Default)]
struct Sum {
    count: i64,
    special: Special,
    sum: ExactSum,
    result: SumResult,
}

#[derive(Default, Clone, Copy)]
enum SumResult {
    #[default]
    Float8,
    Float4,
    Average,
}

impl Sum {
    fn step(&mut self, arguments: &[Value], subtract: bool) -> Result<()> {
        let Some(value) = float(arguments.first().unwrap_or(&Value::Null))? else { return Ok(()) };
        let step = if subtract { -1 } else { 1 };
        self.count += step;
        if self.special.finite(value, step) {
            self.sum.add(value, subtract);
        }
        Ok(())
    }
}

impl Accumulator for Sum {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        self.step(arguments, false)
    }

    fn retract(&mut self, _: &Context, arguments: &[Value]) -> Result<bool> {
        self.step(arguments, true)?;
        Ok(true)
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        let special = self.special.sum();
        let sum = special.unwrap_or_else(|| self.sum.value());
        if special.is_none() && sum.is_infinite() {
            return Err(overflow());
        }
        match self.result {
            SumResult::Float8 => Ok(Value::Float64(sum)),
            SumResult::Average => Ok(Value::Float64(sum / self.count as f64)),
            SumResult::Float4 => {
                let narrowed = sum as f32;
                if narrowed.is_infinite() && special.is_none() {
                    Err(overflow())
                } else {
                    Ok(Value::Float32(narrowed))
                }
            }
        }
    }

    fn size(&self) -> usize {
        self.sum.size()
    }
}

/// Exact sums of one or two variables, their squares and their product.
#[derive(Default)]
struct Moments {
    count: i64,
    x_special: Special,
    y_special: Special,
    x: ExactSum,
    y: ExactSum,
    xx: ExactSum,
    yy: ExactSum,
    xy: ExactSum,
}

impl Moments {
    fn step(&mut self, x: f64, y: Option<f64>, subtract: bool) {
        let step = if subtract { -1 } else { 1 };
        self.count += step;
        let x_finite = self.x_special.finite(x, step);
        if x_finite {
            self.x.add(x, subtract);
            self.xx.add_product(x, x, subtract);
        }
        let Some(y) = y else { return };
        if self.y_special.finite(y, step) {
            self.y.add(y, subtract);
            self.yy.add_product(y, y, subtract);
            if x_finite {
                self.xy.add_product(x, y, subtract);
            }
        }
    }

    /// count × Σab − Σa × Σb, in units of 2^(2 × UNIT): count times the sum of products of deviations.
    fn deviation(&self, products: &ExactSum, a: &ExactSum, b: &ExactSum) -> BigInt {
        // A sum of products has the unit of one sum; shifted, it has that of the product of two.
        let products = products.integer() << -ExactSum::UNIT;
        products * self.count - a.integer() * b.integer()
    }

    fn xx(&self) -> BigInt {
        self.deviation(&self.xx, &self.x, &self.x)
    }

    fn yy(&self) -> BigInt {
        self.deviation(&self.yy, &self.y, &self.y)
    }

    fn xy(&self) -> BigInt {
        self.deviation(&self.xy, &self.x, &self.y)
    }

    /// A deviation over `count × divisor`.
    fn over(&self, deviation: &BigInt, divisor: i64) -> f64 {
        ratio(deviation, &(BigInt::from(self.count) * divisor), 2 * ExactSum::UNIT)
    }

    fn size(&self) -> usize {
        [&self.x, &self.y, &self.xx, &self.yy, &self.xy].iter().map(|sum| sum.size()).sum()
    }
}

/// Variance and standard deviation, of a population or a sample.
struct Variance {
    moments: Moments,
    sample: bool,
    root: bool,
}

impl Variance {
    fn boxed(sample: bool, root: bool) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Variance { moments: Moments::default(), sample, root }))
    }
}

impl Accumulator for Variance {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        if let Some(value) = float(arguments.first().unwrap_or(&Value::Null))? {
            self.moments.step(value, None, false);
        }
        Ok(())
    }

    fn retract(&mut self, _: &Context, arguments: &[Value]) -> Result<bool> {
        if let Some(value) = float(arguments.first().unwrap_or(&Value::Null))? {
            self.moments.step(value, None, true);
        }
        Ok(true)
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        let divisor = self.moments.count - i64::from(self.sample);
        if divisor <= 0 {
            return Ok(Value::Null);
        }
        if self.moments.x_special.sum().is_some() {
            return Ok(Value::Float64(f64::NAN));
        }
        let variance = self.moments.over(&self.moments.xx(), divisor);
        if variance.is_infinite() {
            return Err(overflow());
        }
        Ok(Value::Float64(if self.root { variance.sqrt() } else { variance }))
    }

    fn size(&self) -> usize {
        self.moments.size()
    }
}

/// Which value of two variables is asked for. The first argument is Y, the second X.
#[derive(Clone, Copy)]
enum Pair {
    CovariancePopulation,
    CovarianceSample,
    Correlation,
    SumXx,
    SumYy,
    SumXy,
    AverageX,
    AverageY,
    Determination,
    Slope,
    Intercept,
}

struct Regression {
    moments: Moments,
    pair: Pair,
}

impl Regression {
    fn boxed(pair: Pair) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Regression { moments: Moments::default(), pair }))
    }

    fn step(&mut self, arguments: &[Value], subtract: bool) -> Result<()> {
        if let [y, x] = arguments
            && let (Some(y), Some(x)) = (float(y)?, float(x)?)
        {
            self.moments.step(x, Some(y), subtract);
        }
        Ok(())
    }

    /// The value where an input was not finite: mostly NaN, but what does not vary is seen first.
    fn special_value(&self) -> Option<Option<f64>> {
        let moments = &self.moments;
        let (x, y) = (moments.x_special.sum(), moments.y_special.sum());
        let constant_x = || x.is_none() && moments.xx().is_zero();
        let constant_y = || y.is_none() && moments.yy().is_zero();
        match self.pair {
            Pair::AverageX => x.map(Some),
            Pair::AverageY => y.map(Some),
            Pair::SumXx => x.map(|_| Some(f64::NAN)),
            Pair::SumYy => y.map(|_| Some(f64::NAN)),
            _ if x.is_none() && y.is_none() => None,
            Pair::CovarianceSample if moments.count < 2 => Some(None),
            Pair::Determination | Pair::Slope | Pair::Intercept | Pair::Correlation if constant_x() => {
                Some(None)
            }
            Pair::Correlation if constant_y() => Some(None),
            Pair::Determination if constant_y() => Some(Some(1.0)),
            _ => Some(Some(f64::NAN)),
        }
    }

    /// The value for finite inputs, of which there is at least one.
    fn value(&self) -> Option<f64> {
        let moments = &self.moments;
        let mean = |sum: &ExactSum| ratio(&sum.integer(), &BigInt::from(moments.count), ExactSum::UNIT);
        match self.pair {
            Pair::CovariancePopulation => Some(moments.over(&moments.xy(), moments.count)),
            Pair::CovarianceSample if moments.count < 2 => None,
            Pair::CovarianceSample => Some(moments.over(&moments.xy(), moments.count - 1)),
            Pair::SumXx => Some(moments.over(&moments.xx(), 1)),
            Pair::SumYy => Some(moments.over(&moments.yy(), 1)),
            Pair::SumXy => Some(moments.over(&moments.xy(), 1)),
            Pair::AverageX => Some(mean(&moments.x)),
            Pair::AverageY => Some(mean(&moments.y)),
            Pair::Correlation => {
                let (xx, yy, xy) = (moments.xx(), moments.yy(), moments.xy());
                if xx.is_zero() || yy.is_zero() {
                    return None;
                }
                let squared = ratio(&(&xy * &xy), &(xx * yy), 0);
                Some(if xy.is_negative() { -squared.sqrt() } else { squared.sqrt() })
            }
            Pair::Determination => {
                let (xx, yy, xy) = (moments.xx(), moments.yy(), moments.xy());
                if xx.is_zero() {
                    return None;
                }
                Some(if yy.is_zero() { 1.0 } else { ratio(&(&xy * &xy), &(xx * yy), 0) })
            }
            Pair::Slope => {
                let xx = moments.xx();
                if xx.is_zero() { None } else { Some(ratio(&moments.xy(), &xx, 0)) }
            }
            Pair::Intercept => {
                let xx = moments.xx();
                if xx.is_zero() {
                    return None;
                }
                // (Σy − Σx × Sxy / Sxx) / count
                let numerator = moments.y.integer() * &xx - moments.x.integer() * moments.xy();
                Some(ratio(&numerator, &(xx * moments.count), ExactSum::UNIT))
            }
        }
    }
}

impl Accumulator for Regression {
    fn update(&mut self, _: &Context, arguments: &[Value]) -> Result<()> {
        self.step(arguments, false)
    }

    fn retract(&mut self, _: &Context, arguments: &[Value]) -> Result<bool> {
        self.step(arguments, true)?;
        Ok(true)
    }

    fn finish(&mut self, _: &Context, _: &[Value]) -> Result<Value> {
        if self.moments.count < 1 {
            return Ok(Value::Null);
        }
        match self.special_value() {
            Some(special) => Ok(special.map_or(Value::Null, Value::Float64)),
            None => match self.value() {
                Some(value) if value.is_infinite() => Err(overflow()),
                Some(value) => Ok(Value::Float64(value)),
                None => Ok(Value::Null),
            },
        }
    }

    fn size(&self) -> usize {
        self.moments.size()
    }
}

pub(super) const AGGREGATES: Aggregates = &[
    // sum(float4)
    (2110, |_| Ok(Box::new(Sum { result: SumResult::Float4, ..Sum::default() }))),
    // sum(float8)
    (2111, |_| Ok(Box::<Sum>::default())),
    // avg(float4)
    (2104, |_| Ok(Box::new(Sum { result: SumResult::Average, ..Sum::default() }))),
    // avg(float8)
    (2105, |_| Ok(Box::new(Sum { result: SumResult::Average, ..Sum::default() }))),
    // var_pop(float4)
    (2721, |_| Variance::boxed(false, false)),
    // var_pop(float8)
    (2722, |_| Variance::boxed(false, false)),
    // var_samp(float4)
    (2644, |_| Variance::boxed(true, false)),
    // var_samp(float8)
    (2645, |_| Variance::boxed(true, false)),
    // variance(float4)
    (2151, |_| Variance::boxed(true, false)),
    // variance(float8)
    (2152, |_| Variance::boxed(true, false)),
    // stddev_pop(float4)
    (2727, |_| Variance::boxed(false, true)),
    // stddev_pop(float8)
    (2728, |_| Variance::boxed(false, true)),
    // stddev_samp(float4)
    (2715, |_| Variance::boxed(true, true)),
    // stddev_samp(float8)
    (2716, |_| Variance::boxed(true, true)),
    // stddev(float4)
    (2157, |_| Variance::boxed(true, true)),
    // stddev(float8)
    (2158, |_| Variance::boxed(true, true)),
    // covar_pop(float8,float8)
    (2827, |_| Regression::boxed(Pair::CovariancePopulation)),
    // covar_samp(float8,float8)
    (2828, |_| Regression::boxed(Pair::CovarianceSample)),
    // corr(float8,float8)
    (2829, |_| Regression::boxed(Pair::Correlation)),
    // regr_sxx(float8,float8)
    (2819, |_| Regression::boxed(Pair::SumXx)),
    // regr_syy(float8,float8)
    (2820, |_| Regression::boxed(Pair::SumYy)),
    // regr_sxy(float8,float8)
    (2821, |_| Regression::boxed(Pair::SumXy)),
    // regr_avgx(float8,float8)
    (2822, |_| Regression::boxed(Pair::AverageX)),
    // regr_avgy(float8,float8)
    (2823, |_| Regression::boxed(Pair::AverageY)),
    // regr_r2(float8,float8)
    (2824, |_| Regression::boxed(Pair::Determination)),
    // regr_slope(float8,float8)
    (2825, |_| Regression::boxed(Pair::Slope)),
    // regr_intercept(float8,float8)
    (2826, |_| Regression::boxed(Pair::Intercept)),
];
