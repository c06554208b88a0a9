//! Columns and constraints of tables.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{
    ColumnConstraint, ColumnConstraintKind, ConstraintTiming, Expression, ForeignKeyTarget, IndexParameters,
    MatchKind, Name, ReferentialAction, SourceText, TableColumn, TableConstraint, TableConstraintKind,
    TableElement,
};

impl Parser<'_> {
    pub(super) fn table_element(&mut self) -> Result<TableElement> {
        if self.accept("like") {
            return self.like_element();
        }
        if self.begins_table_constraint() {
            return Ok(TableElement::Constraint(self.table_constraint()?));
        }
        Ok(TableElement::Column(self.table_column()?))
    }

    fn begins_table_constraint(&self) -> bool {
        ["constraint", "check", "unique", "primary", "foreign"].iter().any(|word| self.is(word))
            || self.is("exclude") && (self.is_at(1, "using") || self.is_symbol_at(1, b'('))
    }

    fn like_element(&mut self) -> Result<TableElement> {
        let name = self.object_name()?;
        let mut options = Vec::new();
        while let Some(word) = self.accept_one(&["including", "excluding"]) {
            options.push((self.label()?.text, word == "including"));
        }
        Ok(TableElement::Like { name, options })
    }

    /// A column with its type and constraints.
    pub(super) fn table_column(&mut self) -> Result<TableColumn> {
        let name = self.name()?;
        let ty = self.type_name()?;
        let storage = if self.accept("storage") { Some(self.label()?.text) } else { None };
        let compression = if self.accept("compression") { Some(self.label()?.text) } else { None };
        let mut collation = None;
        let mut constraints = Vec::new();
        loop {
            if self.accept("collate") {
                collation = Some(self.object_name()?);
            } else if let Some(constraint) = self.column_constraint()? {
                constraints.push(constraint);
            } else {
                return Ok(TableColumn { name, ty, collation, storage, compression, constraints });
            }
        }
    }

    pub(super) fn column_constraint(&mut self) -> Result<Option<ColumnConstraint>> {
        let at = self.at();
        let name = if self.accept("constraint") { Some(self.name()?) } else { None };
        let kind = match self.column_constraint_kind()? {
            Some(kind) => kind,
            None if name.is_some() => return self.unexpected(),
            None => return Ok(None),
        };
        let timing = self.constraint_timing()?;
        Ok(Some(ColumnConstraint { name, kind, timing, at }))
    }

    fn column_constraint_kind(&mut self) -> Result<Option<ColumnConstraintKind>> {
        if self.accept_all(&["not", "null"]) {
            return Ok(Some(ColumnConstraintKind::NotNull));
        }
        let words = ["null", "default", "check", "unique", "primary", "references", "generated"];
        Ok(Some(match self.accept_one(&words) {
            Some("null") => ColumnConstraintKind::Null,
            Some("default") => {
                let (expression, text) = self.with_source(Self::restricted_expression)?;
                ColumnConstraintKind::Default(expression, text)
            }
            Some("check") => {
                let (expression, text) = self.parenthesized_source()?;
                let no_inherit = self.accept_all(&["no", "inherit"]);
                ColumnConstraintKind::Check { expression, text, no_inherit }
            }
            Some("unique") => ColumnConstraintKind::Unique {
                nulls_not_distinct: self.nulls_not_distinct(),
                index: self.index_parameters()?,
            },
            Some("primary") => {
                self.expect("key")?;
                ColumnConstraintKind::PrimaryKey { index: self.index_parameters()? }
            }
            Some("references") => ColumnConstraintKind::References(self.foreign_key_target()?),
            Some(_) => self.generated()?,
            None => return Ok(None),
        }))
    }

    /// An expression with its bytes.
    pub(super) fn with_source(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<Expression>,
    ) -> Result<(Expression, SourceText)> {
        let start = self.at();
        let expression = parse(self)?;
        Ok((expression, SourceText { start, end: self.last_end() }))
    }

    /// `( expression )` with the bytes between the parentheses.
    pub(super) fn parenthesized_source(&mut self) -> Result<(Expression, SourceText)> {
        self.expect_symbol(b'(')?;
        let found = self.with_source(Self::expression)?;
        self.expect_symbol(b')')?;
        Ok(found)
    }

    fn generated(&mut self) -> Result<ColumnConstraintKind> {
        let always = self.accept("always");
        if !always {
            self.expect_all(&["by", "default"])?;
        }
        self.expect("as")?;
        if self.accept("identity") {
            return Ok(ColumnConstraintKind::Identity { always, options: self.identity_options()? });
        }
        if !always {
            return self.unexpected();
        }
        let (expression, text) = self.parenthesized_source()?;
        self.expect("stored")?;
        Ok(ColumnConstraintKind::GeneratedStored(expression, text))
    }

    pub(super) fn constraint_timing(&mut self) -> Result<ConstraintTiming> {
        let mut timing = ConstraintTiming::default();
        loop {
            if self.accept("deferrable") {
                timing.deferrable = Some(true);
            } else if self.accept_all(&["not", "deferrable"]) {
                timing.deferrable = Some(false);
            } else if self.accept_all(&["initially", "deferred"]) {
                timing.initially_deferred = Some(true);
            } else if self.accept_all(&["initially", "immediate"]) {
                timing.initially_deferred = Some(false);
            } else {
                break;
            }
        }
        if timing.deferrable == Some(false) && timing.initially_deferred == Some(true) {
            return Err(self.invalid("constraint declared INITIALLY DEFERRED must be DEFERRABLE", self.at()));
        }
        Ok(timing)
    }

    /// A constraint of a table, with its name.
    pub(super) fn table_constraint(&mut self) -> Result<TableConstraint> {
        let at = self.at();
        let name = if self.accept("constraint") { Some(self.name()?) } else { None };
        let kind = match self.accept_one(&["check", "unique", "primary", "foreign", "exclude"]) {
            Some("check") => {
                let (expression, text) = self.parenthesized_source()?;
                TableConstraintKind::Check { expression, text, no_inherit: false }
            }
            Some("unique") => self.unique_constraint(false)?,
            Some("primary") => {
                self.expect("key")?;
                self.unique_constraint(true)?
            }
            Some("foreign") => {
                self.expect("key")?;
                let columns = self.parenthesized(Self::name)?;
                self.expect("references")?;
                TableConstraintKind::ForeignKey { columns, target: self.foreign_key_target()? }
            }
            Some(_) => return self.unsupported("EXCLUDE constraint"),
            None => return self.unexpected(),
        };
        let mut constraint =
            TableConstraint { name, kind, timing: ConstraintTiming::default(), not_valid: false, at };
        self.constraint_attributes(&mut constraint)?;
        Ok(constraint)
    }

    fn constraint_attributes(&mut self, constraint: &mut TableConstraint) -> Result<()> {
        loop {
            if self.accept_all(&["not", "valid"]) {
                constraint.not_valid = true;
            } else if self.accept_all(&["no", "inherit"]) {
                match &mut constraint.kind {
                    TableConstraintKind::Check { no_inherit, .. } => *no_inherit = true,
                    TableConstraintKind::Unique { .. }
                    | TableConstraintKind::PrimaryKey { .. }
                    | TableConstraintKind::UsingIndex { .. }
                    | TableConstraintKind::ForeignKey { .. }
                    | TableConstraintKind::Exclude => return self.unexpected(),
                }
            } else {
                let timing = self.constraint_timing()?;
                if timing == ConstraintTiming::default() {
                    return Ok(());
                }
                constraint.timing = ConstraintTiming {
                    deferrable: timing.deferrable.or(constraint.timing.deferrable),
                    initially_deferred: timing.initially_deferred.or(constraint.timing.initially_deferred),
                };
            }
        }
    }

    fn unique_constraint(&mut self, primary: bool) -> Result<TableConstraintKind> {
        if self.accept_all(&["using", "index"]) {
            return Ok(TableConstraintKind::UsingIndex { primary, index: self.name()? });
        }
        let nulls_not_distinct = !primary && self.nulls_not_distinct();
        let columns = self.parenthesized(Self::name)?;
        let index = self.index_parameters()?;
        Ok(match primary {
            true => TableConstraintKind::PrimaryKey { columns, index },
            false => TableConstraintKind::Unique { columns, nulls_not_distinct, index },
        })
    }

    pub(super) fn nulls_not_distinct(&mut self) -> bool {
        let negated = self.accept_all(&["nulls", "not", "distinct"]);
        if !negated {
            self.accept_all(&["nulls", "distinct"]);
        }
        negated
    }

    fn index_parameters(&mut self) -> Result<IndexParameters> {
        let include = if self.accept("include") { self.parenthesized(Self::name)? } else { Vec::new() };
        let options = self.storage_options()?;
        let tablespace =
            if self.accept_all(&["using", "index", "tablespace"]) { Some(self.name()?) } else { None };
        Ok(IndexParameters { include, options, tablespace })
    }

    fn foreign_key_target(&mut self) -> Result<ForeignKeyTarget> {
        let table = self.object_name()?;
        let columns = self.optional_parenthesized(Self::name)?;
        let match_kind = if self.accept("match") {
            match self.accept_one(&["simple", "full", "partial"]) {
                Some("simple") => MatchKind::Simple,
                Some("full") => MatchKind::Full,
                Some(_) => return self.unsupported("MATCH PARTIAL"),
                None => return self.unexpected(),
            }
        } else {
            MatchKind::Simple
        };
        let mut target = ForeignKeyTarget {
            table,
            columns,
            match_kind,
            on_update: ReferentialAction::NoAction,
            on_delete: ReferentialAction::NoAction,
            delete_columns: Vec::new(),
        };
        while self.is("on") && (self.is_at(1, "update") || self.is_at(1, "delete")) {
            self.advance();
            let update = self.is("update");
            self.advance();
            let (action, columns) = self.referential_action()?;
            if update {
                target.on_update = action;
            } else {
                target.on_delete = action;
                target.delete_columns = columns;
            }
        }
        Ok(target)
    }

    fn referential_action(&mut self) -> Result<(ReferentialAction, Vec<Name>)> {
        let simple = |action| Ok((action, Vec::new()));
        if self.accept_all(&["no", "action"]) {
            return simple(ReferentialAction::NoAction);
        }
        match self.accept_one(&["restrict", "cascade", "set"]) {
            Some("restrict") => simple(ReferentialAction::Restrict),
            Some("cascade") => simple(ReferentialAction::Cascade),
            Some(_) => {
                let null = self.accept("null");
                if !null {
                    self.expect("default")?;
                }
                let columns = self.optional_parenthesized(Self::name)?;
                Ok((if null { ReferentialAction::SetNull } else { ReferentialAction::SetDefault }, columns))
            }
            None => self.unexpected(),
        }
    }
}
