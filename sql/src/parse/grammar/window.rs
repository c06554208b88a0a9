//! OVER, WINDOW and frames.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{Frame, FrameBound, Over, SortDirection, SortItem, WindowSpecification};
use crate::tree::{FrameExclusion, FrameUnits};

impl Parser<'_> {
    /// What follows OVER.
    pub(super) fn over(&mut self) -> Result<Over> {
        if self.is_symbol(b'(') { Ok(Over::Window(self.window()?)) } else { Ok(Over::Named(self.name()?)) }
    }

    /// A window in parentheses.
    pub(super) fn window(&mut self) -> Result<WindowSpecification> {
        let at = self.at();
        self.expect_symbol(b'(')?;
        // PARTITION, RANGE, ROWS and GROUPS are names too; PostgreSQL reads them as the clause here.
        let clause = ["partition", "order", "range", "rows", "groups"].iter().any(|word| self.is(word));
        let base = if clause || self.is_symbol(b')') { None } else { Some(self.name()?) };
        let partition_by =
            if self.accept_all(&["partition", "by"]) { self.list(Self::expression)? } else { Vec::new() };
        let order_by =
            if self.accept_all(&["order", "by"]) { self.list(Self::sort_item)? } else { Vec::new() };
        let frame = self.frame()?;
        self.expect_symbol(b')')?;
        Ok(WindowSpecification { base, partition_by, order_by, frame, at })
    }

    fn frame(&mut self) -> Result<Option<Frame>> {
        let at = self.at();
        let units = match self.accept_one(&["range", "rows", "groups"]) {
            Some("range") => FrameUnits::Range,
            Some("rows") => FrameUnits::Rows,
            Some(_) => FrameUnits::Groups,
            None => return Ok(None),
        };
        let between = self.accept("between");
        let start_at = self.at();
        let start = self.frame_bound()?;
        let mut end = None;
        let mut end_at = start_at;
        if between {
            self.expect("and")?;
            end_at = self.at();
            end = Some(self.frame_bound()?);
        }
        self.check_frame(&start, end.as_ref(), start_at, end_at)?;
        let exclusion = self.frame_exclusion()?;
        Ok(Some(Frame { units, start, end, exclusion, at }))
    }

    fn frame_exclusion(&mut self) -> Result<FrameExclusion> {
        if !self.accept("exclude") {
            return Ok(FrameExclusion::NoOthers);
        }
        match self.accept_one(&["current", "group", "ties", "no"]) {
            Some("current") => self.expect("row").map(|()| FrameExclusion::CurrentRow),
            Some("group") => Ok(FrameExclusion::Group),
            Some("ties") => Ok(FrameExclusion::Ties),
            Some(_) => self.expect("others").map(|()| FrameExclusion::NoOthers),
            None => self.unexpected(),
        }
    }

    fn frame_bound(&mut self) -> Result<FrameBound> {
        if self.accept_all(&["current", "row"]) {
            return Ok(FrameBound::CurrentRow);
        }
        if self.are(&["unbounded", "preceding"]) || self.are(&["unbounded", "following"]) {
            self.advance();
            let preceding = self.is("preceding");
            self.advance();
            return Ok(if preceding {
                FrameBound::UnboundedPreceding
            } else {
                FrameBound::UnboundedFollowing
            });
        }
        let offset = self.expression()?;
        match self.accept_one(&["preceding", "following"]) {
            Some("preceding") => Ok(FrameBound::Preceding(offset)),
            Some(_) => Ok(FrameBound::Following(offset)),
            None => self.unexpected(),
        }
    }

    fn check_frame(
        &self,
        start: &FrameBound,
        end: Option<&FrameBound>,
        start_at: u32,
        end_at: u32,
    ) -> Result<()> {
        use crate::error::{Error, SqlState};
        let complaint = match (start, end) {
            (FrameBound::UnboundedFollowing, _) => "frame start cannot be UNBOUNDED FOLLOWING",
            (FrameBound::Following(_), None) => {
                "frame starting from following row cannot end with current row"
            }
            (_, Some(FrameBound::UnboundedPreceding)) => "frame end cannot be UNBOUNDED PRECEDING",
            (FrameBound::CurrentRow, Some(FrameBound::Preceding(_))) => {
                "frame starting from current row cannot have preceding rows"
            }
            (FrameBound::Following(_), Some(FrameBound::Preceding(_) | FrameBound::CurrentRow)) => {
                "frame starting from following row cannot have preceding rows"
            }
            _ => return Ok(()),
        };
        let at = if complaint.starts_with("frame start cannot") { start_at } else { end_at };
        Err(Error::new(SqlState::WindowingError, complaint).at(self.position_of(at)))
    }

    /// One item of ORDER BY.
    pub(super) fn sort_item(&mut self) -> Result<SortItem> {
        let expression = self.expression()?;
        let direction = match self.accept_one(&["asc", "desc", "using"]) {
            Some("asc") => SortDirection::Ascending,
            Some("desc") => SortDirection::Descending,
            Some(_) => SortDirection::Using(self.operator_name()?),
            None => SortDirection::Default,
        };
        let nulls_first = self.nulls_order()?;
        Ok(SortItem { expression, direction, nulls_first })
    }

    /// NULLS FIRST or NULLS LAST, where it stands.
    pub(super) fn nulls_order(&mut self) -> Result<Option<bool>> {
        if !(self.are(&["nulls", "first"]) || self.are(&["nulls", "last"])) {
            return Ok(None);
        }
        self.advance();
        let first = self.is("first");
        self.advance();
        Ok(Some(first))
    }
}
