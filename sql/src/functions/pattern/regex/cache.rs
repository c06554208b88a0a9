//! Compiled expressions, kept by each thread: a pattern is mostly the same for every row.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;

use super::{Flags, Regex};
use crate::error::Result;

/// Expressions kept by a thread.
const KEPT: NonZeroUsize = NonZeroUsize::new(64).unwrap();

thread_local! {
    static CACHE: RefCell<LruCache<(String, Flags), Arc<Regex>>> = RefCell::new(LruCache::new(KEPT));
}

/// The compiled form of a pattern.
pub(in crate::functions) fn compiled(pattern: &str, flags: Flags) -> Result<Arc<Regex>> {
    CACHE.with_borrow_mut(|cache| {
        let key = (pattern.to_owned(), Flags { global: false, ..flags });
        if let Some(regex) = cache.get(&key) {
            return Ok(regex.clone());
        }
        let regex = Arc::new(Regex::new(pattern, key.1)?);
        cache.put(key, regex.clone());
        Ok(regex)
    })
}
