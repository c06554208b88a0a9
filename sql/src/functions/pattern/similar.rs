//! SIMILAR TO and SUBSTRING ... SIMILAR: SQL's regular expressions, rewritten as advanced ones.

use super::like::escape_character;
use crate::error::{Error, Result, SqlState};
use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;

/// The pattern as an advanced regular expression that matches whole texts. Parts between escaped double quotes become
/// groups whose greediness says that the first part is the shortest and the second the longest possible.
pub(super) fn to_regular_expression(pattern: &str, escape: Option<char>) -> Result<String> {
    let mut result = String::from("^(?:");
    let (mut escaped, mut in_class, mut separators) = (false, false, 0);
    for character in pattern.chars() {
        if escaped {
            escaped = false;
            if character == '"' && !in_class {
                result.push_str(match separators {
                    0 => "){1,1}?(",
                    1 => "){1,1}(?:",
                    _ => {
                        return Err(Error::new(
                            SqlState::InvalidUseOfEscapeCharacter,
                            "SQL regular expression may not contain more than two escape-double-quote separators",
                        ));
                    }
                });
                separators += 1;
            } else {
                result.push('\\');
                result.push(character);
            }
        } else if Some(character) == escape {
            escaped = true;
        } else if in_class {
            if character == '\\' {
                result.push('\\');
            }
            result.push(character);
            in_class = character != ']';
        } else {
            in_class = character == '[';
            match character {
                '%' => result.push_str(".*"),
                '_' => result.push('.'),
                '(' => result.push_str("(?:"),
                '\\' | '.' | '^' | '$' => result.extend(['\\', character]),
                _ => result.push(character),
            }
        }
    }
    result.push_str(")$");
    Ok(result)
}

pub(super) fn with_escape(pattern: &str, escape: &str) -> Result<String> {
    to_regular_expression(pattern, escape_character(escape)?)
}

/// The old form: NULL as the escape means the backslash.
fn similar_escape(pattern: Option<&str>, escape: Option<&str>) -> Result<Option<String>> {
    let Some(pattern) = pattern else { return Ok(None) };
    match escape {
        None => to_regular_expression(pattern, Some('\\')).map(Some),
        Some(escape) => with_escape(pattern, escape).map(Some),
    }
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // similar_escape(text,text)
    (1623, scalar!(similar_escape, Option<&str>, Option<&str>)),
    // similar_to_escape(text)
    (1987, scalar!(|pattern: &str| to_regular_expression(pattern, Some('\\')))),
    // similar_to_escape(text,text)
    (1986, scalar!(with_escape, &str, &str)),
];
