//! Values of any type as JSON.

use engine::Value;

use crate::error::{Error, Result};
use crate::evaluate::{Context, DateStyle};
use crate::types::array::{Array, Dimension};
use crate::types::embedding::is_vector;
use crate::types::json::append_quoted;
use crate::types::record::Record;
use crate::types::{self, OutputSettings, oid};

/// Values on their way to a JSON text, under one set of settings.
pub(in crate::functions) struct Writer<'a> {
    context: &'a Context,
    /// Line feeds between the elements of the outermost level.
    pretty: bool,
    /// Names of the fields of the outermost record.
    fields: &'a [String],
}

/// A JSON number is written bare; NaN and the infinities are strings.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'))
}

impl<'a> Writer<'a> {
    pub(in crate::functions) fn new(context: &'a Context) -> Writer<'a> {
        Writer { context, pretty: false, fields: &[] }
    }

    pub(in crate::functions) fn pretty(mut self, pretty: bool) -> Writer<'a> {
        self.pretty = pretty;
        self
    }

    pub(in crate::functions) fn fields(mut self, fields: &'a [String]) -> Writer<'a> {
        self.fields = fields;
        self
    }

    /// The JSON text of a value.
    pub(in crate::functions) fn text(&self, ty: u32, value: &Value) -> Result<String> {
        let mut out = Vec::new();
        self.append(ty, value, true, &mut out)?;
        String::from_utf8(out).map_err(|_| Error::internal("a json text is not UTF-8"))
    }

    fn output(&self, ty: u32, value: &Value, out: &mut Vec<u8>) -> Result<()> {
        let names = self.context.environment.names();
        types::append_output(ty, value, &OutputSettings::new(&self.context.settings, &*names), out)
    }

    /// Appends a value; `outermost` where layout and field names count.
    fn append(&self, ty: u32, value: &Value, outermost: bool, out: &mut Vec<u8>) -> Result<()> {
        match (ty, value) {
            (_, Value::Null) => out.extend_from_slice(b"null"),
            (_, Value::Bool(value)) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            (oid::JSON | oid::JSONB, Value::Text(text)) => out.extend_from_slice(text.as_bytes()),
            (oid::INT2 | oid::INT4 | oid::INT8 | oid::FLOAT4 | oid::FLOAT8 | oid::NUMERIC, value) => {
                let mut text = Vec::new();
                self.output(ty, value, &mut text)?;
                let text = String::from_utf8_lossy(&text);
                if is_number(&text) {
                    out.extend_from_slice(text.as_bytes())
                } else {
                    append_quoted(&text, out)
                }
            }
            (oid::DATE | oid::TIMESTAMP | oid::TIMESTAMPTZ, value) => {
                append_quoted(&self.moment(ty, value)?, out);
            }
            (_, Value::Text(text)) => append_quoted(text, out),
            (ty, Value::Bytes(bytes)) if !is_vector(ty) && Record::is_record(bytes) => {
                self.record(ty, &Record::from_bytes(bytes)?, outermost, out)?;
            }
            (_, Value::Bytes(bytes)) if is_array(ty) => {
                let array = Array::from_bytes(bytes)?;
                let mut elements = array.elements.iter();
                if array.dimensions.is_empty() {
                    out.extend_from_slice(b"[]");
                } else {
                    self.array(array.element, &array.dimensions, &mut elements, outermost, out)?;
                }
            }
            (ty, value) => {
                let mut text = Vec::new();
                self.output(ty, value, &mut text)?;
                append_quoted(&String::from_utf8_lossy(&text), out);
            }
        }
        Ok(())
    }

    /// A moment in ISO 8601, with a `T` and full offsets.
    fn moment(&self, ty: u32, value: &Value) -> Result<String> {
        let mut settings = (*self.context.settings).clone();
        settings.date_style = DateStyle::Iso;
        let names = self.context.environment.names();
        let mut text = types::output(ty, value, &OutputSettings::new(&settings, &*names))?;
        if ty == oid::DATE {
            return Ok(text);
        }
        let mut era = "";
        if let Some(plain) = text.strip_suffix(" BC") {
            text = plain.to_owned();
            era = " BC";
        }
        if let Some((day, time)) = text.split_once(' ') {
            text = format!("{day}T{time}");
        }
        // An offset of whole hours gets its minutes.
        let bytes = text.as_bytes();
        let hours_only = ty == oid::TIMESTAMPTZ
            && matches!(bytes.len().checked_sub(3).and_then(|at| bytes.get(at)), Some(b'+' | b'-'));
        if hours_only {
            text.push_str(":00");
        }
        Ok(text + era)
    }

    fn array<'v>(
        &self,
        element: u32,
        dimensions: &[Dimension],
        elements: &mut impl Iterator<Item = &'v Value>,
        outermost: bool,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let Some((outer, inner)) = dimensions.split_first() else { return Ok(()) };
        let separator: &[u8] = if self.pretty && outermost { b",\n " } else { b"," };
        out.push(b'[');
        for at in 0..outer.length {
            if at > 0 {
                out.extend_from_slice(separator);
            }
            if inner.is_empty() {
                self.append(element, elements.next().unwrap_or(&Value::Null), false, out)?;
            } else {
                self.array(element, inner, elements, false, out)?;
            }
        }
        out.push(b']');
        Ok(())
    }

    fn record(&self, ty: u32, record: &Record, outermost: bool, out: &mut Vec<u8>) -> Result<()> {
        let named = self.field_names(ty, outermost);
        let separator: &[u8] = if self.pretty && outermost { b",\n " } else { b"," };
        out.push(b'{');
        for (at, (column, value)) in record.columns.iter().enumerate() {
            if at > 0 {
                out.extend_from_slice(separator);
            }
            match named.get(at) {
                Some(name) => append_quoted(name, out),
                None => append_quoted(&format!("f{}", at + 1), out),
            }
            out.push(b':');
            self.append(*column, value, false, out)?;
        }
        out.push(b'}');
        Ok(())
    }

    /// The names of a record's fields: those of its call, or of its table's columns.
    fn field_names(&self, ty: u32, outermost: bool) -> Vec<String> {
        if outermost && !self.fields.is_empty() {
            return self.fields.to_vec();
        }
        if ty == oid::RECORD {
            return Vec::new();
        }
        let catalog = self.context.environment.catalog();
        let database = self.context.environment.database();
        let relation = catalog
            .type_by_oid(database, ty)
            .and_then(|row| catalog.relation(database, row.relation).cloned());
        relation.map_or_else(Vec::new, |relation| {
            relation.live_columns().map(|column| column.name.to_string()).collect()
        })
    }
}

/// Whether values of the type are arrays.
/// A jsonb object of named values.
pub(crate) fn object_of<'v>(
    context: &Context,
    fields: impl Iterator<Item = (&'v str, u32, &'v Value)>,
) -> Result<String> {
    let mut text = String::from("{");
    for (number, (name, ty, value)) in fields.enumerate() {
        if number > 0 {
            text.push(',');
        }
        let mut quoted = Vec::new();
        append_quoted(name, &mut quoted);
        text.push_str(&String::from_utf8_lossy(&quoted));
        text.push(':');
        text.push_str(&Writer::new(context).text(ty, value)?);
    }
    text.push('}');
    crate::types::json::canonical(&text)
}

fn is_array(ty: u32) -> bool {
    oid::element_of(ty).is_some()
        || !matches!(ty, oid::BYTEA | oid::NUMERIC | oid::TID | oid::BIT | oid::VARBIT) && ty >= 16_384
}

/// The text of a value where it is the key of an object.
pub(in crate::functions) fn key(context: &Context, ty: u32, value: &Value) -> Result<String> {
    crate::functions::text_form::output(context, ty, value)
}
