//! DECLARE, FETCH, MOVE, CLOSE.
//!
//! A cursor is a portal. A plain one streams forward; one that scrolls or is held keeps its rows, which is what makes
//! it able to go back or to outlive its transaction.

use std::sync::Arc;

use super::portal::{Cursor, Portal, PortalState, Tag};
use super::prepared::Prepared;
use super::row::Format;
use super::rows::Rows;
use super::session::Session;
use super::simple::Done;
use crate::error::{Error, Result, SqlState};
use crate::feed::Wait;
use crate::parse::syntax::{
    CursorSource, DeclareCursor, Fetch, FetchDirection, OptionValue, Statement, UtilityOption,
};
use crate::types::interval::Interval;
use crate::types::{self, InputSettings, oid};

fn no_cursor(name: &str) -> Error {
    Error::new(SqlState::InvalidCursorName, format!("cursor \"{name}\" does not exist"))
}

fn forward_only() -> Error {
    Error::new(SqlState::ObjectNotInPrerequisiteState, "cursor can only scan forward")
        .hint("Declare it with SCROLL option to enable backward scan.")
}

impl Session {
    pub(super) async fn declare(&mut self, declare: &DeclareCursor, text: &Arc<str>) -> Result<String> {
        if !declare.hold && !self.block.as_ref().is_some_and(|block| block.explicit) {
            return Err(Error::new(
                SqlState::NoActiveSqlTransaction,
                "DECLARE CURSOR can only be used in transaction blocks",
            ));
        }
        let name = &declare.name.text;
        if self.portals.contains(name) {
            return Err(Error::new(SqlState::DuplicateCursor, format!("cursor \"{name}\" already exists")));
        }
        let statement = Arc::new(match &declare.source {
            CursorSource::Query(query) => Statement::Query(query.clone()),
            CursorSource::Subscribe(subscribe) => Statement::Subscribe(subscribe.clone()),
        });
        let feed = matches!(*statement, Statement::Subscribe(_));
        if feed && (declare.hold || declare.scroll == Some(true)) {
            let option = if declare.hold { "WITH HOLD" } else { "SCROLL" };
            return Err(Error::unsupported(format!("a {option} cursor for SUBSCRIBE")));
        }
        let prepared = Arc::new(Prepared::new(text.clone(), Some(statement)));
        let analysis = Box::pin(self.understood(&prepared)).await?;
        if matches!(analysis.work, super::prepared::Work::Utility) && !feed {
            return Err(Error::new(
                SqlState::InvalidCursorDefinition,
                "cannot open SELECT INTO query as cursor",
            ));
        }
        let (analysis, rows) = match feed {
            true => (analysis, Box::pin(self.subscribe(&prepared, &Arc::from([]))).await?.1),
            false => {
                let analysis = self.admit(&prepared, analysis, &Arc::from([]), false).await?;
                let rows = self.start(&analysis, Arc::from([])).await?;
                (analysis, rows)
            }
        };
        let mut description = analysis.description.clone();
        if declare.binary
            && let Some(description) = &mut description
        {
            Arc::make_mut(description).fields.iter_mut().for_each(|field| field.format = Format::Binary);
        }
        let mut portal = Portal {
            prepared,
            analysis: Some(analysis),
            parameters: Arc::from([]),
            description,
            state: PortalState::Running { rows, tag: Tag::Sent("FETCH") },
            cursor: Some(Cursor {
                hold: declare.hold,
                binary: declare.binary,
                scroll: declare.scroll,
                kept: None,
                position: 0,
                held: false,
            }),
            savepoint_depth: self.block.as_ref().map_or(0, |block| block.savepoints.len()),
            created: self.shared.instance.now_micros(),
        };
        if declare.scroll == Some(true) {
            self.keep_rows(&mut portal).await?;
        }
        self.portals.insert(name, portal);
        Ok("DECLARE CURSOR".to_string())
    }

    /// Reads the rest of a cursor's rows into memory.
    async fn keep_rows(&self, portal: &mut Portal) -> Result<()> {
        let cancel = self.shared.entry.cancel.clone();
        let Some(cursor) = &mut portal.cursor else { return Ok(()) };
        if cursor.kept.is_some() {
            return Ok(());
        }
        if let PortalState::Running { rows, .. } = &mut portal.state {
            cursor.kept = Some(rows.take(u64::MAX, &cancel).await?);
            // Rows already fetched are gone: what is kept starts after them.
            cursor.position = 0;
        }
        Ok(())
    }

    /// Makes WITH HOLD cursors independent of the transaction that is about to commit.
    pub(super) async fn hold_cursors(&mut self) -> Result<()> {
        let names: Vec<String> = self
            .portals
            .iter()
            .filter(|(_, portal)| portal.cursor.as_ref().is_some_and(|cursor| cursor.hold && !cursor.held))
            .map(|(name, _)| name.to_string())
            .collect();
        for name in names {
            let Some(mut portal) = self.portals.remove(&name) else { continue };
            Box::pin(self.keep_rows(&mut portal)).await?;
            if let Some(cursor) = &mut portal.cursor {
                cursor.held = true;
            }
            self.portals.insert(&name, portal);
        }
        Ok(())
    }

    pub(super) async fn fetch(&mut self, fetch: &Fetch) -> Result<Done> {
        let name = &fetch.name.text;
        let Some(mut portal) = self.portals.remove(name) else { return Err(no_cursor(name)) };
        let result = match self.waiting(&portal, &fetch.options) {
            Ok(wait) => self.fetch_from(&mut portal, fetch.direction, wait).await,
            Err(error) => Err(error),
        };
        let description = portal.description.clone().unwrap_or_default();
        self.portals.insert(name, portal);
        let rows = result?;
        if fetch.only_move {
            return Ok(Done::Tag(format!("MOVE {}", rows.len())));
        }
        Ok(Done::Rows { description, rows: Rows::ready(rows), tag: Tag::Sent("FETCH") })
    }

    /// How long a FETCH waits for the rows of a feed: WITH (timeout = '1s').
    fn waiting(&self, portal: &Portal, options: &[UtilityOption]) -> Result<Wait> {
        let mut wait = Wait::First;
        for option in options {
            let wrong =
                |message: &str| Err(Error::new(SqlState::SyntaxError, message).at(Some(option.at + 1)));
            if option.name != "timeout" {
                return wrong(&format!("unrecognized FETCH option \"{}\"", option.name));
            }
            if !matches!(&portal.state, PortalState::Running { rows, .. } if rows.is_feed()) {
                return Err(Error::unsupported("a timeout of FETCH from a cursor that is not for SUBSCRIBE"));
            }
            let Some(OptionValue::String(text)) = &option.value else {
                return wrong("timeout requires an interval, as in timeout = '1s'");
            };
            let names = self.names();
            let settings = InputSettings::new(&self.shared.evaluated(), self.now_for_input(), &names);
            let interval = Interval::from_value(&types::input(oid::INTERVAL, -1, text, &settings)?)?;
            let micros = u64::try_from(interval.span()).unwrap_or(0);
            let longest = std::time::Duration::from_secs(365 * 24 * 3600);
            let time = std::time::Duration::from_micros(micros).min(longest);
            wait = Wait::Until(tokio::time::Instant::now() + time);
        }
        Ok(wait)
    }

    async fn fetch_from(
        &self,
        portal: &mut Portal,
        direction: FetchDirection,
        wait: Wait,
    ) -> Result<Vec<Vec<engine::Value>>> {
        let cancel = self.shared.entry.cancel.clone();
        let Portal { state, cursor, .. } = portal;
        let Some(cursor) = cursor else {
            return Err(Error::new(SqlState::InvalidCursorName, "the portal is not a cursor"));
        };
        if let Some(kept) = &cursor.kept {
            let (range, position, backward) = window(kept.len(), cursor.position, direction);
            if backward && cursor.scroll != Some(true) {
                return Err(forward_only());
            }
            cursor.position = position;
            let mut rows: Vec<_> = kept.get(range).unwrap_or_default().to_vec();
            if backward {
                rows.reverse();
            }
            return Ok(rows);
        }
        let PortalState::Running { rows, .. } = state else { return Ok(Vec::new()) };
        if rows.is_feed() {
            let FetchDirection::Forward(count @ 0..) = direction else { return Err(forward_only()) };
            return rows.fetch(count.unsigned_abs(), wait, &cancel).await;
        }
        match direction {
            FetchDirection::Forward(count) if count >= 0 => {
                let count = if count == i64::MAX { u64::MAX } else { count as u64 };
                if count == 0 {
                    return Ok(Vec::new());
                }
                rows.take(count, &cancel).await
            }
            FetchDirection::Relative(count) if count > 0 => {
                rows.take(count as u64 - 1, &cancel).await?;
                rows.take(1, &cancel).await
            }
            FetchDirection::Absolute(count) if count > 0 && cursor.position as i64 <= count - 1 => {
                rows.take((count - 1) as u64 - cursor.position as u64, &cancel).await?;
                cursor.position = count as usize;
                rows.take(1, &cancel).await
            }
            FetchDirection::Forward(_)
            | FetchDirection::Backward(_)
            | FetchDirection::Relative(_)
            | FetchDirection::Absolute(_) => Err(forward_only()),
        }
    }

    pub(super) fn close_cursor(&mut self, name: Option<&str>) -> Result<String> {
        match name {
            None => {
                self.portals.clear();
                Ok("CLOSE CURSOR ALL".to_string())
            }
            Some(name) => {
                self.portals.remove(name).ok_or_else(|| no_cursor(name))?;
                Ok("CLOSE CURSOR".to_string())
            }
        }
    }
}

/// What a fetch takes of `total` kept rows when `position` rows lie before the next: the rows, the new position, and
/// whether they come backward. A position is one past the row last given; 0 is before the first row, `total + 1`
/// after the last.
fn window(total: usize, position: usize, direction: FetchDirection) -> (std::ops::Range<usize>, usize, bool) {
    let last = total as i64 + 1;
    let at = position as i64;
    let clamp = |value: i64| value.clamp(0, last);
    let one = |target: i64, backward: bool| {
        let target = clamp(target);
        let inside = target >= 1 && target <= total as i64;
        let range = if inside { target as usize - 1..target as usize } else { 0..0 };
        (range, target as usize, backward)
    };
    match direction {
        FetchDirection::Forward(0) | FetchDirection::Backward(0) | FetchDirection::Relative(0) => {
            one(at, false)
        }
        FetchDirection::Forward(count) if count < 0 => {
            window(total, position, FetchDirection::Backward(count.saturating_neg()))
        }
        FetchDirection::Backward(count) if count < 0 => {
            window(total, position, FetchDirection::Forward(count.saturating_neg()))
        }
        FetchDirection::Forward(count) => {
            let start = at.min(total as i64);
            let wanted = at.saturating_add(count);
            let end = wanted.min(total as i64);
            let position = if wanted > total as i64 { last } else { wanted };
            (start as usize..end.max(start) as usize, position as usize, false)
        }
        FetchDirection::Backward(count) => {
            let end = (at - 1).max(0);
            let wanted = at.saturating_sub(count);
            let start = (wanted - 1).max(0).min(end);
            (start as usize..end as usize, clamp(wanted) as usize, true)
        }
        FetchDirection::Absolute(target) if target < 0 => one(last + target, target + last < at),
        FetchDirection::Absolute(target) => one(target, target < at),
        FetchDirection::Relative(distance) => one(at.saturating_add(distance), distance < 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_move_as_postgresqls_cursors_do() {
        // FETCH ALL leaves the cursor after the last row; BACKWARD 1 then gives the last.
        assert_eq!(window(3, 0, FetchDirection::Forward(i64::MAX)), (0..3, 4, false));
        assert_eq!(window(3, 4, FetchDirection::Backward(1)), (2..3, 3, true));
        assert_eq!(window(3, 3, FetchDirection::Backward(1)), (1..2, 2, true));
        assert_eq!(window(3, 0, FetchDirection::Forward(2)), (0..2, 2, false));
        assert_eq!(window(3, 2, FetchDirection::Forward(2)), (2..3, 4, false));
        assert_eq!(window(3, 2, FetchDirection::Absolute(-1)), (2..3, 3, false));
        assert_eq!(window(3, 2, FetchDirection::Backward(i64::MAX)), (0..1, 0, true));
    }
}
