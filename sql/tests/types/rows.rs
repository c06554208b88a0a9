//! Rows of a type made by a user, and names of objects, through a catalog.

use std::cmp::Ordering;

use strata_sql::error::{Error, Result};
use strata_sql::evaluate::Settings;
use strata_sql::types::{self, InputSettings, NameKind, Names, OutputSettings, TypeShape, oid};

use super::report;

/// A catalog with one row type, (integer, text, numeric(5,2)), and its array.
struct OneRowType;

const ROW: u32 = 20_001;
const ROW_ARRAY: u32 = 20_000;

impl Names for OneRowType {
    fn name_of(&self, kind: NameKind, oid: u32) -> Option<String> {
        (kind == NameKind::Class && oid == 20_002).then(|| "\"Things\"".to_string())
    }

    fn find(&self, _: NameKind, text: &str) -> Result<u32> {
        match text {
            "\"Things\"" => Ok(20_002),
            other => Err(Error::new(
                strata_sql::SqlState::UndefinedTable,
                format!("relation \"{other}\" does not exist"),
            )),
        }
    }

    fn shape(&self, oid: u32) -> Option<TypeShape> {
        match oid {
            ROW => Some(TypeShape::Composite {
                columns: vec![(oid::INT4, -1), (oid::TEXT, -1), (oid::NUMERIC, (5 << 16 | 2) + 4)],
            }),
            ROW_ARRAY => Some(TypeShape::Array { element: ROW }),
            _ => None,
        }
    }
}

/// Text, details and binary form of rows; the answers are PostgreSQL's for a type of these columns.
#[test]
fn rows_have_postgresqls_text() {
    let reading = InputSettings::new(&Settings::default(), 0, &OneRowType);
    let writing = OutputSettings::new(&Settings::default(), &OneRowType);
    let malformed =
        |text: &str, detail: &str| format!("ERROR 22P02: malformed record literal: \"{text}\"|{detail}|");
    for (given, expected) in [
        ("(1,a,2.345)", "(1,a,2.35)".to_string()),
        (" (1,,) ", "(1,,)".to_string()),
        ("(,,)", "(,,)".to_string()),
        ("( 7 ,\"\",-0)", "(7,\"\",0.00)".to_string()),
        ("(1,\"a \"\"b\"\" c\",1)", "(1,\"a \"\"b\"\" c\",1.00)".to_string()),
        ("(1,a\\,b\\\\,1)", "(1,\"a,b\\\\\",1.00)".to_string()),
        ("(1, a b ,1)", "(1,\" a b \",1.00)".to_string()),
        ("1,a,2", malformed("1,a,2", "Missing left parenthesis.")),
        ("(1,a)", malformed("(1,a)", "Too few columns.")),
        ("(1,a,2,3)", malformed("(1,a,2,3)", "Too many columns.")),
        ("(1,a,2", malformed("(1,a,2", "Unexpected end of input.")),
        ("(1,a,2) x", malformed("(1,a,2) x", "Junk after right parenthesis.")),
        ("(x,a,2)", "ERROR 22P02: invalid input syntax for type integer: \"x\"||".to_string()),
        (
            "(1,a,1000)",
            "ERROR 22003: numeric field overflow|A field with precision 5, scale 2 must round to an absolute value less than 10^3.|".to_string(),
        ),
    ] {
        let value = types::input(ROW, -1, given, &reading);
        let answer = match &value {
            Ok(value) => types::output(ROW, value, &writing).expect("text"),
            Err(error) => report(error),
        };
        assert_eq!(answer, expected, "{given}");
        let Ok(value) = value else { continue };
        let mut bytes = Vec::new();
        types::send(ROW, &value, &mut bytes).expect("a binary form");
        let back = types::receive_named(ROW, -1, &bytes, &OneRowType).expect("a value");
        assert_eq!(back, value, "{given}");
    }
    let rows =
        types::input(ROW_ARRAY, -1, "{\"(1,a,2)\",NULL,\"(1,\\\"b c\\\",)\"}", &reading).expect("rows");
    let text = types::output(ROW_ARRAY, &rows, &writing).expect("text");
    assert_eq!(text, "{\"(1,a,2.00)\",NULL,\"(1,\\\"b c\\\",)\"}");
    let less = types::input(ROW, -1, "(1,a,2)", &reading).expect("a row");
    let more = types::input(ROW, -1, "(1,a,)", &reading).expect("a row");
    assert_eq!(types::compare(ROW, &less, &more), Ordering::Less, "NULL is greater than anything");
}

/// Names of objects resolve through the catalog; numbers and the hyphen do not need it.
#[test]
fn object_names_resolve_through_the_catalog() {
    let reading = InputSettings::new(&Settings::default(), 0, &OneRowType);
    let writing = OutputSettings::new(&Settings::default(), &OneRowType);
    for (given, expected) in [
        ("\"Things\"", "\"Things\""),
        ("20002", "\"Things\""),
        ("4711", "4711"),
        ("-", "-"),
        ("nothing", "ERROR 42P01: relation \"nothing\" does not exist||"),
    ] {
        let answer = types::input(oid::REGCLASS, -1, given, &reading)
            .and_then(|value| types::output(oid::REGCLASS, &value, &writing))
            .unwrap_or_else(|error| report(&error));
        assert_eq!(answer, expected, "{given}");
    }
}
