//! The least and the greatest value of a column in each zone, by which scans pass zones over.
//!
//! Every orderable type is mapped to `i64` so that the order stays: whole numbers as they are; floating-point numbers
//! by their bits, NaN as the greatest of all and both zeros as one, as PostgreSQL orders them; text by its first eight
//! bytes, which may make different texts equal but never turns their order round. A reference to a long value ranks as
//! itself and as that value. Other types have no zones.
//!
//! Format of the section, 24 bytes a zone: least 8, greatest 8, flags 8 (bit 0: there is a value that is not NULL;
//! without one least and greatest are zero).

use super::{
    SegmentError, ZONE_ROWS,
    container::{Container, NewSection, Section, Tag},
};
use crate::ids::ColumnId;
use crate::value::{PhysicalType, Value};
use std::ops::Bound;

/// Bytes of one zone.
const ENTRY: usize = 24;

/// A condition on a column by its native order: rows outside of it, NULL among them, need not be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnRange {
    pub column: ColumnId,
    pub lower: Bound<Value>,
    pub upper: Bound<Value>,
}

/// Where a value stands in the order of its type; `None` for NULL and for types without zones.
pub(super) fn rank(value: &Value) -> Option<i64> {
    Some(match value {
        Value::Int16(value) => i64::from(*value),
        Value::Int32(value) => i64::from(*value),
        Value::Int64(value) => *value,
        Value::UInt32(value) => i64::from(*value),
        Value::Float32(value) => rank_of_float(f64::from(*value)),
        Value::Float64(value) => rank_of_float(*value),
        Value::Text(text) => rank_of_text(text.as_bytes()),
        Value::Null | Value::Bool(_) | Value::Fixed16(_) | Value::Bytes(_) => return None,
    })
}

fn rank_of_float(value: f64) -> i64 {
    if value.is_nan() {
        return i64::MAX;
    }
    // Adding zero makes the negative zero a positive one.
    let bits = (value + 0.0).to_bits().cast_signed();
    if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits }
}

pub(super) fn rank_of_text(bytes: &[u8]) -> i64 {
    let mut first = [0; 8];
    let length = bytes.len().min(8);
    first[..length].copy_from_slice(&bytes[..length]);
    (u64::from_be_bytes(first) ^ 1 << 63).cast_signed()
}

/// Whether columns of this type have zones.
pub(super) fn has_zones(physical: PhysicalType) -> bool {
    match physical {
        PhysicalType::Int16
        | PhysicalType::Int32
        | PhysicalType::Int64
        | PhysicalType::UInt32
        | PhysicalType::Float32
        | PhysicalType::Float64
        | PhysicalType::Text => true,
        PhysicalType::Bool | PhysicalType::Fixed16 | PhysicalType::Bytes => false,
    }
}

/// Collects the zones of one column.
#[derive(Debug, Default)]
pub(super) struct ZoneBuilder {
    /// Least and greatest of each zone.
    zones: Vec<Option<(i64, i64)>>,
    rows: usize,
}

impl ZoneBuilder {
    pub(super) fn push(&mut self, rank: Option<i64>) {
        if self.rows.is_multiple_of(ZONE_ROWS) {
            self.zones.push(None);
        }
        self.rows += 1;
        if let (Some(rank), Some(zone)) = (rank, self.zones.last_mut()) {
            *zone =
                Some(zone.map_or((rank, rank), |(least, greatest)| (least.min(rank), greatest.max(rank))));
        }
    }

    /// Notes another rank of the value that was pushed last.
    pub(super) fn widen(&mut self, rank: i64) {
        if let Some(Some((least, greatest))) = self.zones.last_mut() {
            (*least, *greatest) = (rank.min(*least), rank.max(*greatest));
        }
    }

    /// Least and greatest of a zone.
    pub(super) fn get(&self, zone: usize) -> Option<(i64, i64)> {
        self.zones.get(zone).copied().flatten()
    }

    /// The greatest distance between two values of one zone; `None` if it is beyond `u32`.
    pub(super) fn widest(&self) -> Option<u32> {
        let widths = self.zones.iter().flatten().map(|(least, greatest)| greatest.abs_diff(*least));
        u32::try_from(widths.max().unwrap_or(0)).ok()
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.zones.len() * ENTRY);
        for zone in &self.zones {
            let (least, greatest) = zone.unwrap_or((0, 0));
            bytes.extend_from_slice(&least.to_le_bytes());
            bytes.extend_from_slice(&greatest.to_le_bytes());
            bytes.extend_from_slice(&u64::from(zone.is_some()).to_le_bytes());
        }
        bytes
    }

    pub(super) fn section(column: ColumnId, bytes: &[u8]) -> NewSection<'_> {
        NewSection { tag: Tag::ValueZones, column: column.0, detail: 0, bytes }
    }
}

/// The zones of one open column.
#[derive(Debug)]
pub(super) struct ValueZones {
    section: Section,
}

impl ValueZones {
    /// `None` if the column has none.
    pub(super) fn open(container: &Container, column: ColumnId) -> Result<Option<ValueZones>, SegmentError> {
        if container.section(Tag::ValueZones, column.0).is_none() {
            return Ok(None);
        }
        let length = container.rows.div_ceil(ZONE_ROWS) * ENTRY;
        let section = container.section_of(Tag::ValueZones, column.0, length)?.clone();
        Ok(Some(ValueZones { section }))
    }

    /// Least and greatest of a zone; `None` if all of it is NULL.
    pub(super) fn get(&self, container: &Container, zone: usize) -> Result<Option<(i64, i64)>, SegmentError> {
        container.touch(&self.section, zone * ENTRY, ENTRY)?;
        let number = |place: usize| {
            let start = zone * ENTRY + place;
            let bytes = self.section.buffer.get(start..start + 8);
            bytes.and_then(|bytes| bytes.try_into().ok()).map(i64::from_le_bytes)
        };
        match (number(0), number(8), number(16)) {
            (Some(least), Some(greatest), Some(flags)) => Ok((flags & 1 != 0).then_some((least, greatest))),
            _ => Err(container.misuse("a zone behind the last one was asked for")),
        }
    }
}

impl ColumnRange {
    /// Whether a zone with these values may hold one of the range.
    pub(super) fn may_meet(&self, zone: Option<(i64, i64)>) -> bool {
        let Some((least, greatest)) = zone else { return false };
        // Ranks of text are cut short, so an excluded bound counts as included.
        let above = match &self.lower {
            Bound::Included(value) | Bound::Excluded(value) => {
                rank(value).is_none_or(|rank| rank <= greatest)
            }
            Bound::Unbounded => true,
        };
        let below = match &self.upper {
            Bound::Included(value) | Bound::Excluded(value) => rank(value).is_none_or(|rank| rank >= least),
            Bound::Unbounded => true,
        };
        above && below
    }

    /// Whether the bounds are of the column's type (NULL is of none): others say nothing about its order.
    pub(super) fn fits(&self, physical: PhysicalType) -> bool {
        let fits = |bound: &Bound<Value>| match bound {
            Bound::Included(value) | Bound::Excluded(value) => value.physical_type() == Some(physical),
            Bound::Unbounded => true,
        };
        fits(&self.lower) && fits(&self.upper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_order_as_values_do() {
        let floats =
            [f64::NEG_INFINITY, -1e300, -2.5, -f64::MIN_POSITIVE, 0.0, 1e-300, 2.5, f64::INFINITY, f64::NAN];
        let ranks: Vec<i64> = floats.iter().map(|value| rank_of_float(*value)).collect();
        assert!(ranks.windows(2).all(|pair| pair[0] < pair[1]), "{ranks:?}");
        assert_eq!(rank_of_float(-0.0), rank_of_float(0.0));
        let texts = ["", "\u{1}", "a", "a\u{0}", "ab", "abcdefgh", "abcdefghi", "b", "ä", "€"];
        for pair in texts.windows(2) {
            assert!(rank_of_text(pair[0].as_bytes()) <= rank_of_text(pair[1].as_bytes()), "{pair:?}");
        }
        assert_eq!(rank(&Value::UInt32(u32::MAX)), Some(i64::from(u32::MAX)));
        assert_eq!(rank(&Value::Null), None);
    }

    #[test]
    fn a_zone_is_passed_over_only_if_nothing_in_it_can_be_meant() {
        let range = |lower, upper| ColumnRange { column: ColumnId(1), lower, upper };
        let int = |value| Value::Int32(value);
        let zone = Some((10, 20));
        assert!(range(Bound::Included(int(20)), Bound::Unbounded).may_meet(zone));
        assert!(!range(Bound::Included(int(21)), Bound::Unbounded).may_meet(zone));
        assert!(range(Bound::Unbounded, Bound::Included(int(10))).may_meet(zone));
        assert!(!range(Bound::Unbounded, Bound::Excluded(int(9))).may_meet(zone));
        assert!(!range(Bound::Unbounded, Bound::Unbounded).may_meet(None));
        assert!(!range(Bound::Unbounded, Bound::Included(Value::Int64(1))).fits(PhysicalType::Int32));
    }
}
