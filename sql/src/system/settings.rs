//! pg_settings.

use catalog::system::{Cell, Row};

use crate::session::shared::Shared;
use crate::settings::{self, Effect, SettingKind};

/// One row a listed setting: name, setting, unit, category, short_desc, extra_desc, context, vartype, source,
/// min_val, max_val, enumvals, boot_val, reset_val, sourcefile, sourceline, pending_restart.
pub fn rows(shared: &Shared) -> Vec<Row> {
    let values = shared.settings.lock().clone();
    settings::all()
        .iter()
        .enumerate()
        .filter(|(_, definition)| definition.effect != Effect::Hidden)
        .map(|(index, definition)| {
            let current = match definition.name {
                "transaction_isolation" | "transaction_read_only" | "transaction_deferrable" => {
                    shared.show(definition.name).map_or_else(|_| values.get_at(index), |(_, value)| value)
                }
                _ => values.get_at(index),
            };
            let text = |text: &'static str| if text.is_empty() { Cell::Null } else { Cell::from(text) };
            let allowed = match &definition.kind {
                SettingKind::Enumeration(allowed) => Cell::texts(allowed.iter().copied()),
                SettingKind::Boolean
                | SettingKind::Integer { .. }
                | SettingKind::Real { .. }
                | SettingKind::Text => Cell::Null,
            };
            vec![
                Cell::from(definition.name),
                Cell::from(current),
                text(definition.unit),
                Cell::from(definition.category),
                Cell::from(definition.description),
                Cell::Null,
                Cell::from(definition.context.name()),
                Cell::from(definition.kind.name()),
                Cell::from(values.source_at(index)),
                text(definition.minimum),
                text(definition.maximum),
                allowed,
                Cell::from(definition.default),
                Cell::from(values.reset_value_at(index)),
                Cell::Null,
                Cell::Null,
                Cell::from(false),
            ]
        })
        .collect()
}
