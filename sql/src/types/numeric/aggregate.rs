//! What sum, avg, variance and stddev of numerics and integers accumulate.

use crate::error::Result;

use super::arithmetic::{divide_at, quotient_scale};
use super::{Coefficient, Decimal, Numeric};

/// A running sum with the count that avg needs. Everyday sums stay in an `i128`.
#[derive(Clone, Debug)]
pub struct Sum {
    count: i64,
    total: Decimal,
    nan: u64,
    infinity: u64,
    negative_infinity: u64,
}

impl Default for Sum {
    fn default() -> Sum {
        Sum {
            count: 0,
            total: Decimal::new(Coefficient::Small(0), 0),
            nan: 0,
            infinity: 0,
            negative_infinity: 0,
        }
    }
}

impl Sum {
    pub fn new() -> Sum {
        Sum::default()
    }

    /// Adds a numeric.
    pub fn add(&mut self, number: &Numeric) {
        self.count += 1;
        match number {
            Numeric::Finite(decimal) => self.add_decimal(decimal),
            Numeric::NaN => self.nan += 1,
            Numeric::Infinity => self.infinity += 1,
            Numeric::NegativeInfinity => self.negative_infinity += 1,
        }
    }

    /// Adds a stored numeric.
    pub fn add_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.add(&Numeric::from_bytes(bytes)?);
        Ok(())
    }

    /// Adds an integer.
    pub fn add_integer(&mut self, number: i64) {
        self.count += 1;
        self.add_decimal(&Decimal::new(Coefficient::Small(i128::from(number)), 0));
    }

    fn add_decimal(&mut self, decimal: &Decimal) {
        if let (Coefficient::Small(total), Coefficient::Small(number)) =
            (&self.total.coefficient, &decimal.coefficient)
            && self.total.scale == decimal.scale
            && let Some(sum) = total.checked_add(*number)
        {
            self.total.coefficient = Coefficient::Small(sum);
            return;
        }
        let scale = self.total.scale.max(decimal.scale);
        let sum = self.total.coefficient_at(scale).add(&decimal.coefficient_at(scale));
        self.total = Decimal::new(sum, scale);
    }

    /// Adds what another accumulator has seen.
    pub fn merge(&mut self, other: &Sum) {
        self.count += other.count;
        self.nan += other.nan;
        self.infinity += other.infinity;
        self.negative_infinity += other.negative_infinity;
        self.add_decimal(&other.total);
    }

    /// How many numbers were added.
    pub fn count(&self) -> i64 {
        self.count
    }

    fn special(&self) -> Option<Numeric> {
        if self.nan > 0 || self.infinity > 0 && self.negative_infinity > 0 {
            Some(Numeric::NaN)
        } else if self.infinity > 0 {
            Some(Numeric::Infinity)
        } else if self.negative_infinity > 0 {
            Some(Numeric::NegativeInfinity)
        } else {
            None
        }
    }

    /// The sum; `None` when nothing was added.
    pub fn sum(&self) -> Result<Option<Numeric>> {
        if self.count == 0 {
            return Ok(None);
        }
        if let Some(special) = self.special() {
            return Ok(Some(special));
        }
        Numeric::checked(self.total.coefficient.clone(), self.total.scale).map(Some)
    }

    /// The mean; `None` when nothing was added.
    pub fn average(&self) -> Result<Option<Numeric>> {
        if self.count == 0 {
            return Ok(None);
        }
        if let Some(special) = self.special() {
            return Ok(Some(special));
        }
        let sum = Numeric::checked(self.total.coefficient.clone(), self.total.scale)?;
        sum.divide(&Numeric::from_i64(self.count)).map(Some)
    }
}

/// Running sums of numbers and of their squares: variance and standard deviation.
#[derive(Clone, Debug, Default)]
pub struct Moments {
    numbers: Sum,
    squares: Sum,
}

impl Moments {
    pub fn new() -> Moments {
        Moments::default()
    }

    pub fn add(&mut self, number: &Numeric) {
        self.numbers.add(number);
        if let Numeric::Finite(decimal) = number {
            let square = decimal.coefficient.multiply(&decimal.coefficient);
            self.squares.add_decimal(&Decimal::new(square, decimal.scale * 2));
        }
    }

    pub fn merge(&mut self, other: &Moments) {
        self.numbers.merge(&other.numbers);
        self.squares.merge(&other.squares);
    }

    /// The variance of the population or of a sample; `None` when it is not defined for so few numbers.
    pub fn variance(&self, sample: bool) -> Result<Option<Numeric>> {
        self.spread(sample, false)
    }

    /// The standard deviation of the population or of a sample.
    pub fn deviation(&self, sample: bool) -> Result<Option<Numeric>> {
        self.spread(sample, true)
    }

    fn spread(&self, sample: bool, root: bool) -> Result<Option<Numeric>> {
        let count = self.numbers.count;
        if count <= i64::from(sample) {
            return Ok(None);
        }
        if self.numbers.special().is_some() {
            return Ok(Some(Numeric::NaN));
        }
        let total = &self.numbers.total;
        let scale = total.scale * 2;
        let n = Coefficient::Small(i128::from(count));
        // n * sum(x^2) - sum(x)^2
        let squares = self.squares.total.coefficient_at(scale).multiply(&n);
        let numerator =
            Decimal::new(squares.subtract(&total.coefficient.multiply(&total.coefficient)), scale);
        if numerator.coefficient.signum() <= 0 {
            return Ok(Some(Numeric::ZERO));
        }
        let divisor = i128::from(count) * i128::from(if sample { count - 1 } else { count });
        let divisor = Decimal::new(Coefficient::Small(divisor), 0);
        let scale = quotient_scale(&numerator, &divisor);
        let variance = Decimal::new(divide_at(&numerator, &divisor, scale), scale);
        let result = if root { variance.sqrt_at(scale) } else { variance.coefficient };
        Numeric::checked(result, scale).map(Some)
    }
}
