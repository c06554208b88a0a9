//! Functions over arguments of any types, joined as text: concat, concat_ws, format, and `||` with a text.

use engine::Value;

use crate::error::{Error, Result, SqlState};
use crate::evaluate::Context;
use crate::functions::Call;
use crate::functions::argument::at;
use crate::functions::registry::Scalars;
use crate::functions::text_form::output;
use crate::types::array::Array;
use crate::types::oid;

use super::quote::{quote_identifier, quote_literal};

/// The variadic arguments from `first` on: their types and values. `None` for a NULL array after VARIADIC.
fn variadic(call: &Call, arguments: &[Value], first: usize) -> Result<Option<Vec<(u32, Value)>>> {
    if call.variadic_array {
        let Some(array) = at::<Option<Array>>(arguments, first)? else { return Ok(None) };
        let element = array.element;
        return Ok(Some(array.elements.into_iter().map(|value| (element, value)).collect()));
    }
    let values = arguments.iter().enumerate().skip(first);
    Ok(Some(values.map(|(at, value)| (call.argument(at), value.clone())).collect()))
}

/// A boolean in a concatenation is `t` or `f`, as its output function has it.
fn joined(context: &Context, values: Vec<(u32, Value)>, separator: &str) -> Result<Value> {
    let mut text = String::new();
    let mut first = true;
    for (ty, value) in values.iter().filter(|(_, value)| !value.is_null()) {
        if !first {
            text.push_str(separator);
        }
        first = false;
        text.push_str(&output(context, *ty, value)?);
    }
    Ok(Value::from(text))
}

fn concatenate(context: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    match variadic(call, arguments, 0)? {
        Some(values) => joined(context, values, ""),
        None => Ok(Value::Null),
    }
}

fn concatenate_with_separator(context: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let Some(separator) = at::<Option<&str>>(arguments, 0)? else { return Ok(Value::Null) };
    match variadic(call, arguments, 1)? {
        Some(values) => joined(context, values, separator),
        None => Ok(Value::Null),
    }
}

/// text || anything, anything || text.
fn with_any(context: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let first = output(context, call.argument(0), at(arguments, 0)?)?;
    let second = output(context, call.argument(1), at(arguments, 1)?)?;
    Ok(Value::from(first + &second))
}

fn format_error(message: impl Into<String>) -> Error {
    Error::new(SqlState::InvalidParameterValue, message)
}

/// One `%` item of a format.
#[derive(Default)]
struct Specifier {
    /// From 1; 0 is the next argument.
    position: usize,
    left: bool,
    width: Width,
}

#[derive(Default)]
enum Width {
    #[default]
    None,
    Given(i32),
    /// `*`: from an argument, 0 for the next.
    Argument(usize),
}

struct Formatter<'a> {
    context: &'a Context,
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    values: Vec<(u32, Value)>,
    next: usize,
    result: String,
}

impl Formatter<'_> {
    fn run(&mut self) -> Result<()> {
        while let Some(character) = self.rest.next() {
            if character != '%' {
                self.result.push(character);
                continue;
            }
            if self.rest.peek().is_none() {
                return Err(unterminated());
            }
            if self.rest.next_if_eq(&'%').is_some() {
                self.result.push('%');
                continue;
            }
            let specifier = self.specifier()?;
            let kind = self.rest.next().ok_or_else(unterminated)?;
            if !matches!(kind, 's' | 'I' | 'L') {
                return Err(format_error(format!("unrecognized format() type specifier \"{kind}\""))
                    .hint("For a single \"%\" use \"%%\"."));
            }
            self.item(&specifier, kind)?;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Option<usize>> {
        let mut number: Option<i32> = None;
        while let Some(digit) = self.rest.peek().and_then(|digit| digit.to_digit(10)) {
            let next =
                number.unwrap_or(0).checked_mul(10).and_then(|number| number.checked_add(digit as i32));
            number = Some(
                next.ok_or_else(|| Error::new(SqlState::NumericValueOutOfRange, "number is out of range"))?,
            );
            self.rest.next();
        }
        Ok(number.map(|number| number as usize))
    }

    fn specifier(&mut self) -> Result<Specifier> {
        let mut specifier = Specifier::default();
        if let Some(number) = self.number()? {
            if self.rest.next_if_eq(&'$').is_none() {
                // A number without `$` is a width.
                specifier.width = Width::Given(number as i32);
                return self.ended(specifier);
            }
            if number == 0 {
                return Err(format_error("format specifies argument 0, but arguments are numbered from 1"));
            }
            specifier.position = number;
        }
        while self.rest.next_if_eq(&'-').is_some() {
            specifier.left = true;
        }
        if self.rest.next_if_eq(&'*').is_some() {
            let position = match self.number()? {
                Some(0) => {
                    return Err(format_error(
                        "format specifies argument 0, but arguments are numbered from 1",
                    ));
                }
                Some(number) => {
                    if self.rest.next_if_eq(&'$').is_none() {
                        return Err(format_error("width argument position must be ended by \"$\""));
                    }
                    number
                }
                None => 0,
            };
            specifier.width = Width::Argument(position);
        } else if let Some(width) = self.number()? {
            specifier.width = Width::Given(width as i32);
        }
        self.ended(specifier)
    }

    fn ended(&mut self, specifier: Specifier) -> Result<Specifier> {
        if self.rest.peek().is_none() { Err(unterminated()) } else { Ok(specifier) }
    }

    /// The argument at a position, 0 for the next one.
    fn argument(&mut self, position: usize) -> Result<(u32, Value)> {
        let index = if position > 0 { position - 1 } else { self.next };
        self.next = index + 1;
        self.values.get(index).cloned().ok_or_else(|| format_error("too few arguments for format()"))
    }

    fn item(&mut self, specifier: &Specifier, kind: char) -> Result<()> {
        let mut left = specifier.left;
        let width = match specifier.width {
            Width::None => 0,
            Width::Given(width) => width,
            Width::Argument(position) => match self.argument(position)? {
                (_, Value::Null) => 0,
                (ty, value) => output(self.context, ty, &value)?
                    .parse::<i32>()
                    .map_err(|_| Error::new(SqlState::NumericValueOutOfRange, "number is out of range"))?,
            },
        };
        left |= width < 0;
        let (ty, value) = self.argument(specifier.position)?;
        let text = match (&value, kind) {
            (Value::Null, 's') => String::new(),
            (Value::Null, 'L') => "NULL".to_owned(),
            (Value::Null, _) => {
                return Err(Error::new(
                    SqlState::NullValueNotAllowed,
                    "null values cannot be formatted as an SQL identifier",
                ));
            }
            (value, 'I') => quote_identifier(&output(self.context, ty, value)?),
            (value, 'L') => quote_literal(&output(self.context, ty, value)?),
            (value, _) => output(self.context, ty, value)?,
        };
        let missing = (width.unsigned_abs() as usize).saturating_sub(text.chars().count());
        if !left {
            self.result.extend(std::iter::repeat_n(' ', missing));
        }
        self.result.push_str(&text);
        if left {
            self.result.extend(std::iter::repeat_n(' ', missing));
        }
        Ok(())
    }
}

fn unterminated() -> Error {
    format_error("unterminated format() type specifier").hint("For a single \"%\" use \"%%\".")
}

fn format_text(context: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    let Some(format) = at::<Option<&str>>(arguments, 0)? else { return Ok(Value::Null) };
    let values = variadic(call, arguments, 1)?.unwrap_or_default();
    let mut formatter =
        Formatter { context, rest: format.chars().peekable(), values, next: 0, result: String::new() };
    formatter.run()?;
    Ok(Value::from(formatter.result))
}

/// quote_literal and quote_nullable of any value.
fn quote_any(context: &Context, call: &Call, arguments: &[Value]) -> Result<Value> {
    match at::<&Value>(arguments, 0)? {
        Value::Null => Ok(Value::from("NULL")),
        value => Ok(Value::from(quote_literal(&output(context, call.argument(0), value)?))),
    }
}

/// The type of the argument.
fn type_of(_: &Context, call: &Call, _: &[Value]) -> Result<Value> {
    Ok(Value::UInt32(match call.argument(0) {
        0 => oid::UNKNOWN,
        ty => ty,
    }))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // concat(any)
    (3058, concatenate),
    // concat_ws(text,any)
    (3059, concatenate_with_separator),
    // format(text,any)
    (3539, format_text),
    // format(text)
    (3540, format_text),
    // textanycat(text,anynonarray)
    (2003, with_any),
    // anytextcat(anynonarray,text)
    (2004, with_any),
    // quote_literal(anyelement)
    (1285, quote_any),
    // quote_nullable(anyelement)
    (1290, quote_any),
    // pg_typeof(any)
    (1619, type_of),
];
