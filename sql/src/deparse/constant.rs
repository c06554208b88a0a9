//! Constants.

use engine::Value;

use super::Deparser;
use crate::tree::Type;
use crate::types::{self, OutputSettings, oid};

/// Whether a constant says its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Never,
    /// Where it would be read as another type otherwise.
    Needed,
    Always,
}

impl Deparser<'_> {
    pub(super) fn constant(&mut self, value: &Value, ty: Type, label: Label) {
        if let Value::Null = value {
            self.push("NULL");
            if label != Label::Never {
                self.label(ty);
            }
            return;
        }
        let mut settings = OutputSettings::plain();
        settings.names = self.names;
        let text = match types::output(ty.oid, value, &settings) {
            Ok(text) => text,
            // A value that has no text form is shown by its type alone.
            Err(_) => String::new(),
        };
        let unsigned = text.starts_with(|c: char| c.is_ascii_digit());
        let (bare, needed) = match ty.oid {
            oid::INT4 => (unsigned, !unsigned),
            oid::NUMERIC => {
                let bare = unsigned && text.contains(['e', 'E', '.']);
                (bare, !bare || ty.typmod >= 0)
            }
            oid::BOOL => {
                self.push(if text.starts_with('t') { "true" } else { "false" });
                if label == Label::Always {
                    self.label(ty);
                }
                return;
            }
            oid::UNKNOWN => (false, false),
            _ => (false, true),
        };
        if bare {
            self.push(&text);
        } else {
            // As standard_conforming_strings has it: a backslash is one.
            self.push(&format!("'{}'", text.replace('\'', "''")));
        }
        match label {
            Label::Never => {}
            Label::Always => self.label(ty),
            Label::Needed if needed => self.label(ty),
            Label::Needed => {}
        }
    }

    /// `::type`
    pub(super) fn label(&mut self, ty: Type) {
        self.push("::");
        self.type_name(ty);
    }

    pub(super) fn type_name(&mut self, ty: Type) {
        let name = types::format_type(ty.oid, ty.typmod, self.names);
        self.push(&name);
    }
}
