//! What the text forms of values depend on besides the value: the session's settings, and names in the catalog.

use crate::error::{Error, Result, SqlState};
use crate::evaluate::{DateOrder, DateStyle, IntervalStyle, Settings};

use super::timezone::Zone;

/// The kinds of object that the `reg…` types name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameKind {
    Class,
    Type,
    /// `regproc`: a function's name alone.
    Procedure,
    /// `regprocedure`: a function's name with its argument types.
    ProcedureWithArguments,
    Operator,
    OperatorWithArguments,
    Namespace,
    Role,
    Collation,
    TextSearchConfiguration,
    TextSearchDictionary,
}

/// What a type made by a user consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeShape {
    Array {
        element: u32,
    },
    /// Type and typmod of every column that is not dropped, in order.
    Composite {
        columns: Vec<(u32, i32)>,
    },
    /// Order and text of every label, in their order.
    Enum {
        labels: Vec<(u64, String)>,
    },
}

/// The catalog as input and output of values need it.
pub trait Names: Send + Sync {
    /// The text of an object as the output function of its `reg…` type prints it: quoted and qualified as the search
    /// path demands. `None` for an oid of no object, which is printed as a number.
    fn name_of(&self, kind: NameKind, oid: u32) -> Option<String>;
    /// The oid for the text given to the input function of a `reg…` type; numbers and `-` never arrive here.
    fn find(&self, kind: NameKind, text: &str) -> Result<u32>;
    /// What a type that is not built in consists of.
    fn shape(&self, oid: u32) -> Option<TypeShape>;
}

/// The catalog where there is none: no name is found, no type is made by users.
#[derive(Clone, Copy, Debug)]
pub struct NoNames;

impl Names for NoNames {
    fn name_of(&self, _: NameKind, _: u32) -> Option<String> {
        None
    }

    fn find(&self, _: NameKind, text: &str) -> Result<u32> {
        Err(Error::new(SqlState::UndefinedObject, format!("\"{text}\" does not exist")))
    }

    fn shape(&self, _: u32) -> Option<TypeShape> {
        None
    }
}

/// What output functions look at. Made once per statement: it holds the resolved time zone.
#[derive(Clone, Copy)]
pub struct OutputSettings<'a> {
    pub date_style: DateStyle,
    pub date_order: DateOrder,
    pub interval_style: IntervalStyle,
    pub extra_float_digits: i32,
    pub bytea_hex: bool,
    pub zone: Zone,
    pub names: &'a dyn Names,
}

impl<'a> OutputSettings<'a> {
    /// The settings of a session. SET has checked the zone; one that is unknown all the same counts as UTC.
    pub fn new(settings: &Settings, names: &'a dyn Names) -> OutputSettings<'a> {
        OutputSettings {
            date_style: settings.date_style,
            date_order: settings.date_order,
            interval_style: settings.interval_style,
            extra_float_digits: settings.extra_float_digits,
            bytea_hex: settings.bytea_hex,
            zone: Zone::find(&settings.time_zone).unwrap_or(Zone::UTC),
            names,
        }
    }
}

impl OutputSettings<'static> {
    /// PostgreSQL's defaults in UTC, without a catalog.
    pub fn plain() -> OutputSettings<'static> {
        OutputSettings::new(&Settings::default(), &NoNames)
    }
}

/// What input functions look at. Made once per statement.
#[derive(Clone, Copy)]
pub struct InputSettings<'a> {
    pub date_order: DateOrder,
    pub interval_style: IntervalStyle,
    pub zone: Zone,
    /// Start of the transaction in microseconds since 2000-01-01 UTC: what `'now'` and `'today'` mean.
    pub now_micros: i64,
    pub names: &'a dyn Names,
}

impl<'a> InputSettings<'a> {
    pub fn new(settings: &Settings, now_micros: i64, names: &'a dyn Names) -> InputSettings<'a> {
        InputSettings {
            date_order: settings.date_order,
            interval_style: settings.interval_style,
            zone: Zone::find(&settings.time_zone).unwrap_or(Zone::UTC),
            now_micros,
            names,
        }
    }
}

impl InputSettings<'static> {
    /// PostgreSQL's defaults in UTC at 2000-01-01, without a catalog.
    pub fn plain() -> InputSettings<'static> {
        InputSettings::new(&Settings::default(), 0, &NoNames)
    }
}
