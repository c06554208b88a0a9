//! Which collation is in force where values meet.

use super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::tree::{Expression, ExpressionKind};

/// The collation "default".
const DEFAULT: u32 = catalog::builtin::DEFAULT_COLLATION;

impl Analyzer<'_> {
    /// The collation that a function or operator over these values uses, and its result has.
    pub(super) fn input_collation(&self, arguments: &[Expression]) -> Result<u32> {
        let (mut chosen, mut explicit) = (0, false);
        for argument in arguments {
            let is_explicit = matches!(argument.kind, ExpressionKind::Collate(_));
            if argument.collation == 0 || explicit && !is_explicit {
                continue;
            }
            if is_explicit && explicit && chosen != argument.collation {
                let (first, second) = (collation_name(chosen), collation_name(argument.collation));
                let message =
                    format!("collation mismatch between explicit collations \"{first}\" and \"{second}\"");
                return Err(Error::new(SqlState::CollationMismatch, message).at(argument.position));
            }
            if is_explicit || chosen == 0 || chosen == DEFAULT {
                chosen = argument.collation;
            }
            explicit |= is_explicit;
        }
        Ok(chosen)
    }
}

fn collation_name(oid: u32) -> &'static str {
    catalog::builtin::collation_by_oid(oid).map_or("???", |row| row.name)
}
