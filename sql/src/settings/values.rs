//! The values of one session's settings, and how transactions move them.
//!
//! Invariants. `reset` holds what RESET returns to: the default, the role's and database's, and the start-up
//! packet's. A clone is a savepoint: rolling back is putting the clone back.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::definition::{Definition, Effect, SettingContext, all, find};
use super::validate::canonical;
use crate::error::{Error, Result, SqlState};

/// Who sets: decides what is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingSource {
    /// The server itself: everything may be set.
    Server,
    /// The start-up packet.
    Startup,
    /// A statement of the session.
    Session { superuser: bool },
}

#[derive(Clone, Debug, Default)]
struct Slot {
    reset: Option<Arc<str>>,
    session: Option<Arc<str>>,
    local: Option<Arc<str>>,
}

/// The settings of one session that differ from the defaults.
#[derive(Clone, Debug, Default)]
pub struct SettingValues {
    slots: Arc<BTreeMap<usize, Slot>>,
    /// `prefix.name` settings of extensions and users, which need no definition.
    custom: Arc<BTreeMap<String, Slot>>,
}

impl Slot {
    fn current(&self) -> Option<&Arc<str>> {
        self.local.as_ref().or(self.session.as_ref()).or(self.reset.as_ref())
    }

    fn set(&mut self, value: Option<Arc<str>>, local: bool) {
        if local {
            self.local = value;
        } else {
            self.session = value;
            self.local = None;
        }
    }
}

impl SettingValues {
    /// The canonical value at a place of the list.
    pub fn get_at(&self, index: usize) -> String {
        match self.slots.get(&index).and_then(Slot::current) {
            Some(value) => value.to_string(),
            None => all().get(index).map_or_else(String::new, |definition| definition.default.to_string()),
        }
    }

    /// The canonical value by name; `None` for an unknown setting.
    pub fn get(&self, name: &str) -> Option<String> {
        match find(name) {
            Some((index, _)) => Some(self.get_at(index)),
            None => self.get_custom(name),
        }
    }

    /// The value of a `prefix.name` setting.
    pub fn get_custom(&self, name: &str) -> Option<String> {
        self.custom.get(&name.to_ascii_lowercase())?.current().map(|value| value.to_string())
    }

    /// The Boolean value of a known setting.
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).as_deref() == Some("on")
    }

    /// The integer value of a known setting, 0 when it is none.
    pub fn integer(&self, name: &str) -> i64 {
        self.get(name).and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    /// What RESET would give.
    pub fn reset_value_at(&self, index: usize) -> String {
        match self.slots.get(&index).and_then(|slot| slot.reset.as_ref()) {
            Some(value) => value.to_string(),
            None => all().get(index).map_or_else(String::new, |definition| definition.default.to_string()),
        }
    }

    /// `source` of pg_settings.
    pub fn source_at(&self, index: usize) -> &'static str {
        match self.slots.get(&index) {
            Some(slot) if slot.local.is_some() || slot.session.is_some() => "session",
            Some(slot) if slot.reset.is_some() => "client",
            _ => "default",
        }
    }

    /// SET name = value (`None`: DEFAULT); gives the definition of a listed setting that changed.
    pub fn set(
        &mut self,
        name: &str,
        value: Option<&str>,
        local: bool,
        source: SettingSource,
    ) -> Result<Option<&'static Definition>> {
        let Some((index, definition)) = find(name) else {
            return self.set_custom(name, value, local, source).map(|()| None);
        };
        allowed(definition, source)?;
        let value = match value {
            Some(value) => Some(Arc::from(canonical(definition, value)?)),
            None => None,
        };
        let slot = Arc::make_mut(&mut self.slots).entry(index).or_default();
        match source {
            SettingSource::Server | SettingSource::Startup => slot.reset = value,
            SettingSource::Session { .. } => {
                let value =
                    value.or_else(|| slot.reset.clone()).or_else(|| Some(Arc::from(definition.default)));
                slot.set(value, local);
            }
        }
        Ok(Some(definition))
    }

    fn set_custom(
        &mut self,
        name: &str,
        value: Option<&str>,
        local: bool,
        source: SettingSource,
    ) -> Result<()> {
        let lower = name.to_ascii_lowercase();
        if !valid_custom_name(&lower) || lower.starts_with("strata.") {
            return Err(Error::new(
                SqlState::UndefinedObject,
                format!("unrecognized configuration parameter \"{name}\""),
            ));
        }
        let slot = Arc::make_mut(&mut self.custom).entry(lower).or_default();
        let value = value.map(Arc::from).or_else(|| Some(Arc::from("")));
        match source {
            SettingSource::Server | SettingSource::Startup => slot.reset = value,
            SettingSource::Session { .. } => slot.set(value, local),
        }
        Ok(())
    }

    /// RESET ALL: every setting a session may reset returns to its reset value.
    pub fn reset_all(&mut self) {
        for (index, slot) in Arc::make_mut(&mut self.slots).iter_mut() {
            let kept = all().get(*index).is_some_and(|definition| {
                matches!(
                    definition.name,
                    "role"
                        | "session_authorization"
                        | "is_superuser"
                        | "transaction_isolation"
                        | "transaction_read_only"
                        | "transaction_deferrable"
                        | "seed"
                )
            });
            if !kept {
                slot.session = None;
                slot.local = None;
            }
        }
        for slot in Arc::make_mut(&mut self.custom).values_mut() {
            slot.session = None;
            slot.local = None;
        }
    }

    /// The end of a transaction: SET LOCAL ends.
    pub fn end_transaction(&mut self) {
        if self.slots.values().any(|slot| slot.local.is_some()) {
            Arc::make_mut(&mut self.slots).values_mut().for_each(|slot| slot.local = None);
        }
        if self.custom.values().any(|slot| slot.local.is_some()) {
            Arc::make_mut(&mut self.custom).values_mut().for_each(|slot| slot.local = None);
        }
    }

    /// Whether both hold the same values: they are one untouched clone of the other.
    pub fn same(&self, other: &SettingValues) -> bool {
        Arc::ptr_eq(&self.slots, &other.slots) && Arc::ptr_eq(&self.custom, &other.custom)
    }

    /// Reported settings with their values, to be sent where they differ from what the client was told.
    pub fn reported(&self) -> Vec<(&'static str, String)> {
        all()
            .iter()
            .enumerate()
            .filter(|(_, definition)| definition.reported())
            .map(|(index, definition)| (definition.name, self.get_at(index)))
            .collect()
    }
}

fn valid_custom_name(name: &str) -> bool {
    let mut parts = name.split('.');
    let valid = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
    };
    name.contains('.') && parts.all(valid)
}

/// Whether `source` may change a setting at all.
fn allowed(definition: &Definition, source: SettingSource) -> Result<()> {
    let name = definition.name;
    let cannot = |message: String| Err(Error::new(SqlState::CantChangeRuntimeParam, message));
    if source == SettingSource::Server {
        return Ok(());
    }
    match definition.context {
        SettingContext::Internal => cannot(format!("parameter \"{name}\" cannot be changed")),
        SettingContext::Postmaster => {
            cannot(format!("parameter \"{name}\" cannot be changed without restarting the server"))
        }
        SettingContext::Sighup => cannot(format!("parameter \"{name}\" cannot be changed now")),
        SettingContext::Backend | SettingContext::SuperuserBackend => match source {
            SettingSource::Server | SettingSource::Startup => Ok(()),
            SettingSource::Session { .. } => {
                cannot(format!("parameter \"{name}\" cannot be set after connection start"))
            }
        },
        SettingContext::Superuser => match source {
            SettingSource::Server | SettingSource::Startup | SettingSource::Session { superuser: true } => {
                Ok(())
            }
            SettingSource::Session { superuser: false } => Err(Error::new(
                SqlState::InsufficientPrivilege,
                format!("permission denied to set parameter \"{name}\""),
            )),
        },
        SettingContext::User if definition.effect == Effect::Fixed => {
            cannot(format!("parameter \"{name}\" cannot be changed"))
        }
        SettingContext::User => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: SettingSource = SettingSource::Session { superuser: false };

    #[test]
    fn local_values_end_with_the_transaction() {
        let mut values = SettingValues::default();
        values.set("work_mem", Some("8MB"), false, USER).unwrap();
        values.set("work_mem", Some("16MB"), true, USER).unwrap();
        assert_eq!(values.get("work_mem").as_deref(), Some("16384"));
        values.end_transaction();
        assert_eq!(values.get("work_mem").as_deref(), Some("8192"));
    }

    #[test]
    fn reset_returns_to_what_start_up_gave() {
        let mut values = SettingValues::default();
        values.set("application_name", Some("psql"), false, SettingSource::Startup).unwrap();
        values.set("application_name", Some("x"), false, USER).unwrap();
        values.set("application_name", None, false, USER).unwrap();
        assert_eq!(values.get("application_name").as_deref(), Some("psql"));
    }

    #[test]
    fn contexts_are_kept() {
        let mut values = SettingValues::default();
        let refused = values.set("shared_buffers", Some("1GB"), false, USER).unwrap_err();
        assert_eq!(refused.state().code(), "55P02");
        let unknown = values.set("nothing_like_it", Some("1"), false, USER).unwrap_err();
        assert_eq!(unknown.state().code(), "42704");
        values.set("my.own", Some("1"), false, USER).unwrap();
        assert_eq!(values.get("my.own").as_deref(), Some("1"));
    }
}
