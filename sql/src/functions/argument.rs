//! Between values and the Rust types that functions are written in.
//!
//! `scalar!(f: A, B)` makes a [`super::ScalarFunction`] of `fn f(A, B) -> impl Outcome`; `contextual!` passes the context first.
//! An argument of another physical type than declared is an internal error.

use engine::Value;

use crate::error::{Error, Result};

/// A Rust type that an argument is read as. `Option<T>` reads NULL as `None`; nothing else accepts NULL.
pub(super) trait Argument<'a>: Sized {
    fn read(value: &'a Value) -> Option<Self>;
}

macro_rules! plain_argument {
    ($($variant:ident $ty:ty),+) => {$(
        impl Argument<'_> for $ty {
            fn read(value: &Value) -> Option<$ty> {
                match value {
                    Value::$variant(inner) => Some(*inner),
                    _ => None,
                }
            }
        }
        impl Outcome for $ty {
            fn into_value(self) -> Result<Value> {
                Ok(Value::$variant(self))
            }
        }
    )+};
}

/// What a function may return: a value's Rust type, an `Option` of it for NULL, a `Result` of either.
pub(super) trait Outcome {
    fn into_value(self) -> Result<Value>;
}

plain_argument!(Bool bool, Int16 i16, Int32 i32, Int64 i64, UInt32 u32, Float32 f32, Float64 f64, Fixed16 [u8; 16]);

impl<'a> Argument<'a> for &'a str {
    fn read(value: &'a Value) -> Option<&'a str> {
        value.as_text()
    }
}

impl<'a> Argument<'a> for &'a [u8] {
    fn read(value: &'a Value) -> Option<&'a [u8]> {
        value.as_bytes()
    }
}

impl<'a> Argument<'a> for &'a Value {
    fn read(value: &'a Value) -> Option<&'a Value> {
        Some(value)
    }
}

impl<'a, T: Argument<'a>> Argument<'a> for Option<T> {
    fn read(value: &'a Value) -> Option<Option<T>> {
        match value {
            Value::Null => Some(None),
            other => T::read(other).map(Some),
        }
    }
}

impl Outcome for Value {
    fn into_value(self) -> Result<Value> {
        Ok(self)
    }
}

impl Outcome for &str {
    fn into_value(self) -> Result<Value> {
        Ok(Value::from(self))
    }
}

impl Outcome for String {
    fn into_value(self) -> Result<Value> {
        Ok(Value::from(self))
    }
}

impl Outcome for Vec<u8> {
    fn into_value(self) -> Result<Value> {
        Ok(Value::from(self))
    }
}

impl<T: Outcome> Outcome for Option<T> {
    fn into_value(self) -> Result<Value> {
        self.map_or(Ok(Value::Null), T::into_value)
    }
}

impl<T: Outcome> Outcome for Result<T> {
    fn into_value(self) -> Result<Value> {
        self.and_then(T::into_value)
    }
}

/// The next argument as `T`.
pub(super) fn take<'a, T: Argument<'a>>(arguments: &mut std::slice::Iter<'a, Value>) -> Result<T> {
    let value =
        arguments.next().ok_or_else(|| Error::internal("a function was called with too few arguments"))?;
    T::read(value).ok_or_else(|| mismatch(value, std::any::type_name::<T>()))
}

/// The argument at `index` as `T`, for functions that read their arguments themselves.
pub(super) fn at<'a, T: Argument<'a>>(arguments: &'a [Value], index: usize) -> Result<T> {
    take(&mut arguments.get(index..).unwrap_or_default().iter())
}

#[cold]
fn mismatch(value: &Value, wanted: &str) -> Error {
    Error::internal(format!("a function wanted {wanted} but was given {:?}", value.physical_type()))
}

/// A scalar function of a Rust function, or of a closure with typed parameters, over typed arguments.
macro_rules! scalar {
    (|$($name:ident : $ty:ty),*| $body:expr) => {
        |_context, _call, _arguments| {
            let mut _arguments = _arguments.iter();
            $(let $name: $ty = $crate::functions::argument::take(&mut _arguments)?;)*
            $crate::functions::argument::Outcome::into_value($body)
        }
    };
    ($function:expr $(, $ty:ty)*) => {
        |_context, _call, _arguments| {
            let mut _arguments = _arguments.iter();
            $crate::functions::argument::Outcome::into_value(
                $function($($crate::functions::argument::take::<$ty>(&mut _arguments)?),*)
            )
        }
    };
}

/// A scalar function of a Rust function over the context and typed arguments.
macro_rules! contextual {
    ($function:expr $(, $ty:ty)*) => {
        |context, _call, _arguments| {
            let mut _arguments = _arguments.iter();
            $crate::functions::argument::Outcome::into_value(
                $function(context $(, $crate::functions::argument::take::<$ty>(&mut _arguments)?)*)
            )
        }
    };
}

pub(super) use {contextual, scalar};
