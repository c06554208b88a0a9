//! jsonb_diff: what turns one jsonb into another, as a JSON Patch (RFC 6902).
//!
//! The operations are add, remove and replace, in an order in which they can be applied; equal values give an empty
//! list. Objects are compared key by key, arrays element by element: what is longer is added at the end, or removed from
//! it. Numbers that are equal are equal, however they are written.

use crate::types::json::Json;

/// The operations that turn `old` into `new`.
pub(super) fn diff(old: Json, new: Json) -> Json {
    let mut operations = Vec::new();
    compare(&old, &new, &mut String::new(), &mut operations);
    Json::Array(operations)
}

fn compare(old: &Json, new: &Json, path: &mut String, operations: &mut Vec<Json>) {
    match (old, new) {
        (Json::Object(before), Json::Object(after)) => {
            for (key, _) in before.iter().filter(|(key, _)| new.field(key).is_none()) {
                within(path, key, |path| operations.push(operation("remove", path, None)));
            }
            for (key, value) in after {
                within(path, key, |path| match old.field(key) {
                    Some(known) => compare(known, value, path, operations),
                    None => operations.push(operation("add", path, Some(value))),
                });
            }
        }
        (Json::Array(before), Json::Array(after)) => {
            for (number, (known, value)) in before.iter().zip(after).enumerate() {
                within(path, &number.to_string(), |path| compare(known, value, path, operations));
            }
            // From the end, so that what is left keeps its number.
            for number in (after.len()..before.len()).rev() {
                within(path, &number.to_string(), |path| operations.push(operation("remove", path, None)));
            }
            for (number, value) in after.iter().enumerate().skip(before.len()) {
                within(path, &number.to_string(), |path| {
                    operations.push(operation("add", path, Some(value)))
                });
            }
        }
        _ if old == new => {}
        _ => operations.push(operation("replace", path, Some(new))),
    }
}

/// Goes one step down a JSON Pointer (RFC 6901), and back.
fn within(path: &mut String, step: &str, call: impl FnOnce(&mut String)) {
    let length = path.len();
    path.push('/');
    path.push_str(&step.replace('~', "~0").replace('/', "~1"));
    call(path);
    path.truncate(length);
}

fn operation(name: &str, path: &str, value: Option<&Json>) -> Json {
    let text = |text: &str| Json::String(text.to_string());
    let mut fields = vec![("op".to_string(), text(name)), ("path".to_string(), text(path))];
    fields.extend(value.map(|value| ("value".to_string(), value.clone())));
    Json::object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(old: &str, new: &str) -> String {
        diff(Json::parse(old).unwrap(), Json::parse(new).unwrap()).to_text()
    }

    #[test]
    fn a_patch_names_what_changed() {
        assert_eq!(patch("{\"a\": 1.0}", "{\"a\": 1}"), "[]");
        assert_eq!(patch("1", "\"1\""), r#"[{"op": "replace", "path": "", "value": "1"}]"#);
        assert_eq!(
            patch(r#"{"a": {"b": 1, "c": 2}, "d/e": 3}"#, r#"{"a": {"b": 5, "f": null}}"#),
            r#"[{"op": "remove", "path": "/d~1e"}, {"op": "remove", "path": "/a/c"}, {"op": "replace", "path": "/a/b", "value": 5}, {"op": "add", "path": "/a/f", "value": null}]"#
        );
        assert_eq!(
            patch("[1, 2, 3, 4]", "[1, 9]"),
            r#"[{"op": "replace", "path": "/1", "value": 9}, {"op": "remove", "path": "/3"}, {"op": "remove", "path": "/2"}]"#
        );
        assert_eq!(patch("[1]", "[1, 2]"), r#"[{"op": "add", "path": "/1", "value": 2}]"#);
    }
}
