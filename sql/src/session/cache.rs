//! The statement cache of the simple protocol: texts without their literals, analyzed and planned once.

use std::num::NonZeroUsize;
use std::sync::Arc;

use engine::Value;
use lru::LruCache;
use parking_lot::Mutex;

use super::literals::{LiteralParameter, parameterise};
use super::prepared::{Analysis, Prepared};
use super::session::Session;
use crate::error::{Error, Result, SqlState};
use crate::parse::fingerprint::{Fingerprint, Literal, LiteralValue};
use crate::parse::position::position;
use crate::types::{self, InputSettings, oid};

/// What a cached text was found to be.
#[derive(Clone)]
enum Cached {
    /// Its literals are parameters.
    Parameterised(Arc<Prepared>, Arc<[LiteralParameter]>),
    /// Some literal has to stay: such texts are analyzed each time.
    Refused,
}

/// Statements by fingerprint, database, and the settings that analysis depends on.
pub struct StatementCache {
    statements: Mutex<LruCache<(String, u32, Arc<str>), Cached>>,
    /// Whole texts of the extended protocol, with the parameter types given.
    texts: Mutex<LruCache<TextKey, Arc<Prepared>>>,
}

/// Text, parameter types, database, and the settings that analysis depends on.
type TextKey = (String, Vec<u32>, u32, Arc<str>);

impl Default for StatementCache {
    fn default() -> StatementCache {
        const STATEMENTS: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");
        StatementCache {
            statements: Mutex::new(LruCache::new(STATEMENTS)),
            texts: Mutex::new(LruCache::new(STATEMENTS)),
        }
    }
}

/// A statement found, or made, with the values of its literals.
pub(super) struct Hit {
    pub prepared: Arc<Prepared>,
    pub analysis: Arc<Analysis>,
    pub parameters: Arc<[Value]>,
}

impl Session {
    /// The statement of a text that consists of one statement and can be had from the cache; `None` where the text
    /// has to be analyzed as it is.
    pub(super) fn cached(&self, text: &str, fingerprint: Fingerprint) -> Result<Option<Hit>> {
        let Fingerprint { key, literals, several } = fingerprint;
        if several || !worth_caching(&key) {
            return Ok(None);
        }
        let signature = self.shared.derived().signature.clone();
        let key = (key, self.shared.entry.database_oid, signature);
        let cache = &self.shared.instance.statements().statements;
        let found = cache.lock().get(&key).cloned();
        let (prepared, places) = match found {
            Some(Cached::Refused) => return Ok(None),
            Some(Cached::Parameterised(prepared, places)) => (prepared, places),
            None => match self.parameterised(text, &literals)? {
                Some((prepared, places)) => {
                    // Where it cannot be analyzed so, the text as it is says why, with the right places.
                    if self.analysis(&prepared).is_err() {
                        return Ok(None);
                    }
                    cache.lock().put(key, Cached::Parameterised(prepared.clone(), places.clone()));
                    (prepared, places)
                }
                None => {
                    cache.lock().put(key, Cached::Refused);
                    return Ok(None);
                }
            },
        };
        let Ok(analysis) = self.analysis(&prepared) else { return Ok(None) };
        let values = self.literal_values(text, &literals, &places, &analysis.parameters)?;
        Ok(values.map(|parameters| Hit { prepared, analysis, parameters }))
    }

    /// The unnamed statement of a text that was parsed before.
    pub(super) fn known_text(&self, text: &str, types: &[u32]) -> Option<Arc<Prepared>> {
        let key = self.text_key(text, types);
        self.shared.instance.statements().texts.lock().get(&key).cloned()
    }

    /// Keeps a statement for other sessions that send the same text.
    pub(super) fn keep_text(&self, text: &str, types: &[u32], prepared: &Arc<Prepared>) {
        let key = self.text_key(text, types);
        self.shared.instance.statements().texts.lock().put(key, prepared.clone());
    }

    fn text_key(&self, text: &str, types: &[u32]) -> TextKey {
        let signature = self.shared.derived().signature.clone();
        (text.to_string(), types.to_vec(), self.shared.entry.database_oid, signature)
    }

    #[allow(clippy::type_complexity)]
    fn parameterised(
        &self,
        text: &str,
        literals: &[Literal],
    ) -> Result<Option<(Arc<Prepared>, Arc<[LiteralParameter]>)>> {
        let Ok(mut parsed) = crate::parse::parse(text) else { return Ok(None) };
        let Some(mut parsed) = parsed.pop() else { return Ok(None) };
        let Some(places) = parameterise(&mut parsed.statement, parsed.time.as_mut(), literals) else {
            return Ok(None);
        };
        let prepared = Prepared::new(Arc::from(text), Some(Arc::new(parsed.statement))).at_time(parsed.time);
        let types = places.iter().map(|place| place.type_oid).collect();
        Ok(Some((Arc::new(prepared.with_parameters(types)), places.into())))
    }

    /// The values of the literals; `None` where a moment is no timestamp.
    fn literal_values(
        &self,
        text: &str,
        literals: &[Literal],
        places: &[LiteralParameter],
        types: &[u32],
    ) -> Result<Option<Arc<[Value]>>> {
        let mut values = Vec::with_capacity(literals.len());
        for ((literal, place), type_oid) in literals.iter().zip(places).zip(types) {
            values.push(match (&literal.value, *type_oid) {
                (LiteralValue::Integer(digits), oid::INT4) => match digits.parse::<i32>() {
                    Ok(number) => Value::Int32(if place.negated { -number } else { number }),
                    Err(_) => return Err(Error::internal("an integer literal grew")),
                },
                (LiteralValue::Integer(written) | LiteralValue::Decimal(written), type_oid)
                    if place.negated =>
                {
                    self.read_literal(type_oid, &format!("-{written}"))?
                }
                (LiteralValue::Integer(digits), oid::INT8) => match digits.parse() {
                    Ok(number) => Value::Int64(number),
                    Err(_) => return Err(Error::internal("an integer literal grew")),
                },
                (LiteralValue::Integer(written) | LiteralValue::Decimal(written), type_oid) => {
                    self.read_literal(type_oid, written)?
                }
                (LiteralValue::String(written), type_oid) => match self.read_literal(type_oid, written) {
                    Ok(value) => value,
                    Err(_) if place.moment => return Ok(None),
                    Err(error) => return Err(error.at(position(text, literal.start))),
                },
            });
        }
        if values.len() != types.len() {
            return Err(Error::new(SqlState::InternalError, "a cached statement has other literals"));
        }
        Ok(Some(values.into()))
    }

    fn read_literal(&self, type_oid: u32, written: &str) -> Result<Value> {
        match type_oid {
            oid::TEXT | oid::VARCHAR => return Ok(Value::from(written)),
            _ => {}
        }
        let names = self.names();
        let evaluated = self.shared.evaluated();
        let now =
            self.block.as_ref().map_or_else(|| self.shared.instance.now_micros(), |block| block.started);
        types::input(type_oid, -1, written, &InputSettings::new(&evaluated, now, &names))
    }
}

/// Only statements with plans are worth it.
fn worth_caching(key: &str) -> bool {
    let word: String = key.trim_start().chars().take_while(|c| c.is_ascii_alphabetic()).collect();
    ["select", "insert", "update", "delete"].iter().any(|known| word.eq_ignore_ascii_case(known))
}
