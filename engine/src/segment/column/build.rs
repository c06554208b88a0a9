//! Collecting the values of a column, and what becomes of them in the file.

use super::repeated::Repeated;
use super::{LIMIT, whole, width};
use crate::long_value::Reference;
use crate::segment::container::{NewSection, Tag};
use crate::segment::encoding::{self, Dictionary, Encoding, Width};
use crate::segment::zones::{ZoneBuilder, has_zones, rank, rank_of_text};
use crate::segment::{Purpose, ZONE_ROWS};
use crate::{
    ids::ColumnId,
    value::{PhysicalType, Value},
};
use arrow_buffer::bit_util;

/// Collects the values of one column.
#[derive(Debug)]
pub(in crate::segment) struct ColumnBuilder {
    pub column: ColumnId,
    pub physical_type: PhysicalType,
    rows: usize,
    nulls: usize,
    validity: Vec<u8>,
    values: Vec<u8>,
    offsets: Vec<u8>,
    /// Text and bytes, as long as they repeat: `values` and `offsets` are empty then.
    repeated: Option<Repeated>,
    zones: Option<ZoneBuilder>,
    encoded: Encoded,
}

/// What `ColumnBuilder::sections` has made.
#[derive(Debug, Default)]
struct Encoded {
    zones: Vec<u8>,
    dictionary: Option<Dictionary>,
    deltas: Option<(Width, Vec<u8>)>,
}

impl ColumnBuilder {
    pub(in crate::segment) fn new(column: ColumnId, physical_type: PhysicalType) -> ColumnBuilder {
        let has_offsets = matches!(physical_type, PhysicalType::Text | PhysicalType::Bytes);
        ColumnBuilder {
            column,
            physical_type,
            rows: 0,
            nulls: 0,
            validity: Vec::new(),
            values: Vec::new(),
            offsets: Vec::new(),
            repeated: has_offsets.then(Repeated::default),
            zones: has_zones(physical_type).then(ZoneBuilder::default),
            encoded: Encoded::default(),
        }
    }

    /// Adds a value; `Err` says why it cannot be.
    pub(in crate::segment) fn push(&mut self, value: &Value) -> Result<(), &'static str> {
        if !value.is_null() && value.physical_type() != Some(self.physical_type) {
            return Err("a value of another type than its column");
        }
        match value {
            Value::Null => self.push_filler(),
            Value::Bool(value) => self.push_bit(*value),
            Value::Int16(value) => self.values.extend_from_slice(&value.to_le_bytes()),
            Value::Int32(value) => self.values.extend_from_slice(&value.to_le_bytes()),
            Value::Int64(value) => self.values.extend_from_slice(&value.to_le_bytes()),
            Value::UInt32(value) => self.values.extend_from_slice(&value.to_le_bytes()),
            Value::Float32(value) => self.values.extend_from_slice(&value.to_le_bytes()),
            Value::Float64(value) => self.values.extend_from_slice(&value.to_le_bytes()),
            Value::Fixed16(value) => self.values.extend_from_slice(value),
            Value::Text(text) => return self.push_bytes(Some(text.as_bytes())),
            Value::Bytes(bytes) => self.add_bytes(bytes)?,
        }
        if let Some(zones) = &mut self.zones {
            zones.push(rank(value));
        }
        grow_bitmap(&mut self.validity, self.rows);
        if value.is_null() {
            self.nulls += 1;
        } else {
            bit_util::set_bit(&mut self.validity, self.rows);
        }
        self.rows += 1;
        Ok(())
    }

    /// Adds a value of a Text or Bytes column.
    pub(in crate::segment) fn push_bytes(&mut self, bytes: Option<&[u8]>) -> Result<(), &'static str> {
        let Some(bytes) = bytes else { return self.push(&Value::Null) };
        if !self.has_bytes() {
            return Err("a value of another type than its column");
        }
        self.add_bytes(bytes)?;
        if let Some(zones) = &mut self.zones {
            zones.push(Some(rank_of_text(bytes)));
            if let Some(reference) = Reference::parse(bytes) {
                zones.widen(rank_of_text(&reference.first));
            }
        }
        grow_bitmap(&mut self.validity, self.rows);
        bit_util::set_bit(&mut self.validity, self.rows);
        self.rows += 1;
        Ok(())
    }

    fn has_bytes(&self) -> bool {
        matches!(self.physical_type, PhysicalType::Text | PhysicalType::Bytes)
    }

    fn add_bytes(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let so_far = self.repeated.as_ref().map_or(self.values.len(), Repeated::plain);
        if so_far + bytes.len() > LIMIT {
            return Err("a column of more than 1 GiB");
        }
        if let Some(repeated) = &mut self.repeated {
            if repeated.push(bytes) {
                return Ok(());
            }
            self.expand();
        }
        self.values.extend_from_slice(bytes);
        self.offsets.extend_from_slice(&(self.values.len() as i32).to_le_bytes());
        Ok(())
    }

    /// Goes on with plain values.
    fn expand(&mut self) {
        if let Some(repeated) = self.repeated.take() {
            (self.values, self.offsets) = repeated.expand();
        }
    }

    /// Makes room for `times` as much as there is.
    pub(in crate::segment) fn reserve(&mut self, times: usize) {
        if let Some(repeated) = &mut self.repeated {
            repeated.reserve(times);
        }
        for bytes in [&mut self.values, &mut self.offsets, &mut self.validity] {
            bytes.reserve((bytes.len() * times).min(LIMIT));
        }
    }

    /// Values so far.
    pub(in crate::segment) fn rows(&self) -> usize {
        self.rows
    }

    fn push_bit(&mut self, value: bool) {
        grow_bitmap(&mut self.values, self.rows);
        if value {
            bit_util::set_bit(&mut self.values, self.rows);
        }
    }

    fn push_filler(&mut self) {
        match width(self.physical_type) {
            Some(width) => self.values.resize(self.values.len() + width, 0),
            None if self.physical_type == PhysicalType::Bool => self.push_bit(false),
            // No bytes: no limit is passed.
            None => self.add_bytes(&[]).unwrap_or_default(),
        }
    }

    pub(in crate::segment) fn bytes(&self) -> usize {
        let repeated = self.repeated.as_ref().map_or(0, Repeated::bytes);
        self.validity.len() + self.values.len() + self.offsets.len() + repeated
    }

    pub(in crate::segment) fn sections(&mut self, purpose: Purpose) -> Vec<NewSection<'_>> {
        self.encode(purpose);
        let column = self.column.0;
        let section =
            |tag, encoding: Encoding, bytes| NewSection { tag, column, detail: encoding.detail(), bytes };
        let mut sections = Vec::new();
        if self.nulls > 0 {
            sections.push(section(Tag::Validity, Encoding::Plain, self.validity.as_slice()));
        }
        if !self.encoded.zones.is_empty() {
            sections.push(ZoneBuilder::section(self.column, &self.encoded.zones));
        }
        if let Some(dictionary) = &self.encoded.dictionary {
            let encoding = Encoding::Dictionary(dictionary.width);
            sections.push(section(Tag::Offsets, Encoding::Plain, dictionary.offsets.as_slice()));
            sections.push(section(Tag::Values, encoding, dictionary.data.as_slice()));
            sections.push(section(Tag::Codes, Encoding::Plain, dictionary.codes.as_slice()));
            return sections;
        }
        if let Some((width, deltas)) = &self.encoded.deltas {
            sections.push(section(Tag::Values, Encoding::Delta(*width), deltas.as_slice()));
            return sections;
        }
        if !self.offsets.is_empty() {
            sections.push(section(Tag::Offsets, Encoding::Plain, self.offsets.as_slice()));
        }
        sections.push(section(Tag::Values, Encoding::Plain, self.values.as_slice()));
        sections
    }

    /// Makes zones and an encoding that pays: for living versions only where values repeat.
    fn encode(&mut self, purpose: Purpose) {
        self.encoded.zones = self.zones.as_ref().map(ZoneBuilder::bytes).unwrap_or_default();
        if let Some(repeated) = self.repeated.take_if(|repeated| repeated.pays()) {
            self.encoded.dictionary = Some(repeated.into_dictionary());
            return;
        }
        self.expand();
        if purpose == Purpose::Current {
            return;
        }
        if !self.offsets.is_empty() {
            self.encoded.dictionary = encoding::dictionary(&self.offsets, &self.values);
            return;
        }
        let Some(plain) = whole(self.physical_type) else { return };
        let Some(zones) = &self.zones else { return };
        let Some(width) = zones.widest().map(Width::of).filter(|width| width.bytes() * 4 <= plain * 3) else {
            return;
        };
        let mut deltas = Vec::with_capacity(self.rows * width.bytes());
        for (row, bytes) in self.values.chunks_exact(plain).enumerate() {
            let least = zones.get(row / ZONE_ROWS).map_or(0, |(least, _)| least);
            let is_null = self.nulls > 0 && !bit_util::get_bit(&self.validity, row);
            let value = if is_null { least } else { number(self.physical_type, bytes) };
            // The distance to the least of the zone fits: that is how the width was chosen.
            width.push(value.abs_diff(least) as u32, &mut deltas);
        }
        self.encoded.deltas = Some((width, deltas));
    }
}

/// A whole number from its bytes.
fn number(physical_type: PhysicalType, bytes: &[u8]) -> i64 {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    let wide = i64::from_le_bytes(wide);
    match physical_type {
        PhysicalType::Int16 => i64::from(wide as i16),
        PhysicalType::Int32 => i64::from(wide as i32),
        _ => wide,
    }
}

/// Makes room for a bit.
fn grow_bitmap(bitmap: &mut Vec<u8>, bit: usize) {
    if bit / 8 >= bitmap.len() {
        bitmap.push(0);
    }
}
