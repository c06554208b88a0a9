//! SET, SHOW, RESET, DISCARD.

use engine::Value;

use super::row::{Field, Format, RowDescription};
use super::rows::Rows;
use super::session::Session;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{Discard, Set, SetScope, SettingItem, SettingValue};
use crate::settings;
use crate::types::oid;

/// A row description of text columns.
pub fn text_columns(names: &[&str]) -> RowDescription {
    RowDescription {
        fields: names
            .iter()
            .map(|name| Field {
                name: name.to_string(),
                table: 0,
                attribute: 0,
                type_oid: oid::TEXT,
                type_length: -1,
                type_modifier: -1,
                format: Format::Text,
            })
            .collect(),
    }
}

impl Session {
    pub(super) async fn set_statement(&mut self, set: &Set) -> Result<String> {
        match set {
            Set::Setting { scope, name, value } => {
                let local = *scope == SetScope::Local;
                if local && !self.block.as_ref().is_some_and(|block| block.explicit) {
                    self.warn(
                        SqlState::NoActiveSqlTransaction,
                        "SET LOCAL can only be used in transaction blocks",
                    );
                }
                self.ensure_block()?;
                self.set_setting(name, value, local)?;
                Ok("SET".to_string())
            }
            Set::Transaction { modes } => {
                if !self.block.as_ref().is_some_and(|block| block.explicit) {
                    self.warn(
                        SqlState::NoActiveSqlTransaction,
                        "SET TRANSACTION can only be used in transaction blocks",
                    );
                    return Ok("SET".to_string());
                }
                self.set_modes(modes)?;
                Ok("SET".to_string())
            }
            Set::TransactionSnapshot(_) => Err(Error::unsupported("SET TRANSACTION SNAPSHOT")),
            Set::SessionCharacteristics { modes } => {
                self.ensure_block()?;
                if let Some(level) = modes.isolation {
                    use crate::parse::syntax::IsolationLevel;
                    let name = match level {
                        IsolationLevel::ReadUncommitted => "read uncommitted",
                        IsolationLevel::ReadCommitted => "read committed",
                        IsolationLevel::RepeatableRead => "repeatable read",
                        IsolationLevel::Serializable => "serializable",
                    };
                    self.shared.set("default_transaction_isolation", Some(name), false)?;
                }
                let on = |value: bool| if value { "on" } else { "off" };
                if let Some(read_only) = modes.read_only {
                    self.shared.set("default_transaction_read_only", Some(on(read_only)), false)?;
                }
                if let Some(deferrable) = modes.deferrable {
                    self.shared.set("default_transaction_deferrable", Some(on(deferrable)), false)?;
                }
                Ok("SET".to_string())
            }
            Set::Constraints { names, deferred } => {
                self.set_constraints(names, *deferred).await?;
                Ok("SET CONSTRAINTS".to_string())
            }
        }
    }

    fn set_setting(&mut self, name: &str, value: &SettingValue, local: bool) -> Result<()> {
        let text = match value {
            SettingValue::Default => None,
            SettingValue::FromCurrent => return Ok(()),
            SettingValue::Values(items) => Some(setting_text(name, items)),
        };
        match name.to_ascii_lowercase().as_str() {
            "transaction_isolation" => {
                use crate::parse::syntax::{IsolationLevel, TransactionModes};
                let isolation = match text.as_deref() {
                    Some("read uncommitted") => IsolationLevel::ReadUncommitted,
                    Some("repeatable read") => IsolationLevel::RepeatableRead,
                    Some("serializable") => IsolationLevel::Serializable,
                    Some("read committed") | None => IsolationLevel::ReadCommitted,
                    Some(other) => {
                        return Err(Error::new(
                            SqlState::InvalidParameterValue,
                            format!("invalid value for parameter \"transaction_isolation\": \"{other}\""),
                        ));
                    }
                };
                self.set_modes(&TransactionModes {
                    isolation: Some(isolation),
                    read_only: None,
                    deferrable: None,
                })
            }
            "transaction_read_only" => {
                use crate::parse::syntax::TransactionModes;
                let (_, definition) = settings::find("transaction_read_only")
                    .ok_or_else(|| Error::internal("transaction_read_only is not listed"))?;
                let on = settings::canonical(definition, text.as_deref().unwrap_or("off"))? == "on";
                self.set_modes(&TransactionModes { isolation: None, read_only: Some(on), deferrable: None })
            }
            "role" => self.set_role(text.as_deref()),
            "session_authorization" => self.set_session_authorization(text.as_deref()),
            _ => self.shared.set(name, text.as_deref(), local),
        }
    }

    /// SET ROLE.
    fn set_role(&mut self, name: Option<&str>) -> Result<()> {
        let catalog = self.catalog();
        let mut identity = self.shared.identity.lock();
        let target = match name {
            None | Some("none") => identity.session_user.to_string(),
            Some(name) => name.to_string(),
        };
        let role = catalog.role_by_name(&target).ok_or_else(|| {
            Error::new(SqlState::InvalidParameterValue, format!("role \"{target}\" does not exist"))
        })?;
        let session_superuser = catalog.role(identity.session_oid).is_some_and(|role| role.superuser);
        if role.oid != identity.session_oid
            && !session_superuser
            && !catalog.is_member(self.shared.entry.database_oid, identity.session_oid, role.oid)
        {
            return Err(Error::new(
                SqlState::InsufficientPrivilege,
                format!("permission denied to set role \"{target}\""),
            ));
        }
        identity.current_user = role.name.as_str().into();
        identity.current_oid = role.oid;
        identity.superuser = role.superuser;
        drop(identity);
        self.shared.forget_evaluated();
        self.shared.set("role", Some(name.unwrap_or("none")), false)
    }

    fn set_session_authorization(&mut self, name: Option<&str>) -> Result<()> {
        let catalog = self.catalog();
        let mut identity = self.shared.identity.lock();
        let target = name.map_or_else(|| self.shared.entry.user.clone(), str::to_string);
        let role = catalog.role_by_name(&target).ok_or_else(|| {
            Error::new(SqlState::InvalidParameterValue, format!("role \"{target}\" does not exist"))
        })?;
        let authenticated = catalog.role(self.shared.entry.user_oid).is_some_and(|role| role.superuser);
        if role.oid != self.shared.entry.user_oid && !authenticated {
            return Err(Error::new(
                SqlState::InsufficientPrivilege,
                "permission denied to set session authorization",
            ));
        }
        identity.session_user = role.name.as_str().into();
        identity.session_oid = role.oid;
        identity.current_user = role.name.as_str().into();
        identity.current_oid = role.oid;
        identity.superuser = role.superuser;
        drop(identity);
        self.shared.forget_evaluated();
        Ok(())
    }

    pub(super) fn reset(&mut self, name: Option<&str>) -> Result<String> {
        self.ensure_block()?;
        match name {
            None => self.shared.settings.lock().reset_all(),
            Some(name) => self.set_setting(name, &SettingValue::Default, false)?,
        }
        Ok("RESET".to_string())
    }

    /// SHOW: the rows and how they look.
    pub(super) fn show_statement(&self, name: Option<&str>) -> Result<(RowDescription, Rows)> {
        match name {
            Some(name) => {
                let (label, value) = self.shared.show(name)?;
                let label = settings::find(name).map_or(label, |(_, definition)| definition.name.to_string());
                Ok((text_columns(&[&label]), Rows::ready(vec![vec![Value::from(value)]])))
            }
            None => {
                let values = self.shared.settings.lock().clone();
                let rows = settings::all_rows(&values)
                    .into_iter()
                    .map(|(definition, value)| {
                        let shown = self
                            .shared
                            .show(definition.name)
                            .map_or_else(|_| settings::shown(definition, &value), |(_, shown)| shown);
                        vec![
                            Value::from(definition.name),
                            Value::from(shown),
                            Value::from(definition.description),
                        ]
                    })
                    .collect();
                Ok((text_columns(&["name", "setting", "description"]), Rows::ready(rows)))
            }
        }
    }

    pub(super) async fn discard(&mut self, what: &Discard) -> Result<String> {
        if self.block.as_ref().is_some_and(|block| block.explicit) && *what == Discard::All {
            return Err(Error::new(
                SqlState::ActiveSqlTransaction,
                "DISCARD ALL cannot run inside a transaction block",
            ));
        }
        match what {
            Discard::Plans => Ok("DISCARD PLANS".to_string()),
            Discard::Sequences => {
                *self.shared.sequences.lock() = Default::default();
                Ok("DISCARD SEQUENCES".to_string())
            }
            Discard::Temporary => {
                self.drop_temporary().await?;
                Ok("DISCARD TEMP".to_string())
            }
            Discard::All => {
                self.portals.clear();
                self.statements.clear();
                self.set_session_authorization(None)?;
                self.shared.settings.lock().reset_all();
                *self.shared.sequences.lock() = Default::default();
                self.shared.instance.advisory().release_session(self.shared.entry.process);
                self.change_channel(None, false)?;
                self.drop_temporary().await?;
                Ok("DISCARD ALL".to_string())
            }
        }
    }
}

/// The text of SET's value: lists joined as their setting reads them.
fn setting_text(name: &str, items: &[SettingItem]) -> String {
    let list = name.eq_ignore_ascii_case("search_path") || name.eq_ignore_ascii_case("temp_tablespaces");
    let texts: Vec<String> = items
        .iter()
        .map(|item| match item {
            SettingItem::Word(text) | SettingItem::String(text) if list => {
                crate::functions::quote_identifier(text)
            }
            SettingItem::Word(text) | SettingItem::String(text) | SettingItem::Number(text) => text.clone(),
            SettingItem::Interval(text) => interval_zone(text),
        })
        .collect();
    texts.join(", ")
}

/// SET TIME ZONE INTERVAL '+02:00': the offset as a plain number of hours.
fn interval_zone(text: &str) -> String {
    let negative = text.trim_start().starts_with('-');
    let digits = text.trim().trim_start_matches(['+', '-']);
    let mut parts = digits.split(':').map(|part| part.trim().parse::<f64>().unwrap_or(0.0));
    let hours = parts.next().unwrap_or(0.0);
    let minutes = parts.next().unwrap_or(0.0);
    let value = hours + minutes / 60.0;
    format!("{}", if negative { -value } else { value })
}
