//! DROP, TRUNCATE and COMMENT.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{Comment, Drop, ObjectKind, ObjectName, Statement, Truncate};

impl Parser<'_> {
    /// The kind of object that the next words name; taken only where it is one of those this server keeps.
    pub(super) fn object_kind(&mut self) -> Option<ObjectKind> {
        if self.accept_all(&["materialized", "view"]) {
            return Some(ObjectKind::MaterializedView);
        }
        let kinds = [
            ("table", ObjectKind::Table),
            ("view", ObjectKind::View),
            ("index", ObjectKind::Index),
            ("sequence", ObjectKind::Sequence),
            ("schema", ObjectKind::Schema),
            ("database", ObjectKind::Database),
            ("role", ObjectKind::Role),
            ("extension", ObjectKind::Extension),
        ];
        let (word, kind) = kinds.into_iter().find(|(word, _)| self.is(word))?;
        self.accept(word);
        Some(kind)
    }

    /// CASCADE or RESTRICT, the default.
    pub(super) fn cascade(&mut self) -> bool {
        self.accept_one(&["cascade", "restrict"]) == Some("cascade")
    }

    pub(super) fn drop_statement(&mut self) -> Result<Statement> {
        self.expect("drop")?;
        let user = (self.is("user") && !self.is_at(1, "mapping")) || self.is("group");
        let kind = if user {
            self.advance();
            ObjectKind::Role
        } else {
            match self.object_kind() {
                Some(kind) => kind,
                None => return self.drop_other(),
            }
        };
        let concurrently = kind == ObjectKind::Index && self.accept("concurrently");
        let if_exists = self.accept_all(&["if", "exists"]);
        let names = self.list(Self::object_name)?;
        let mut force = false;
        if kind == ObjectKind::Database && (self.accept("with") || self.is_symbol(b'(')) {
            self.expect_symbol(b'(')?;
            self.expect("force")?;
            self.expect_symbol(b')')?;
            force = true;
        }
        let cascade = self.cascade();
        Ok(Statement::Drop(Drop { kind, if_exists, concurrently, names, cascade, force }))
    }

    /// Kinds that can never exist here: DROP ... IF EXISTS of them is legal and does nothing.
    fn drop_other(&mut self) -> Result<Statement> {
        let kinds: [(&[&str], ObjectKind); 4] = [
            (&["type"], ObjectKind::Type),
            (&["domain"], ObjectKind::Domain),
            (&["foreign", "table"], ObjectKind::ForeignTable),
            (&["collation"], ObjectKind::Collation),
        ];
        for (words, kind) in kinds {
            if self.accept_all(words) {
                let if_exists = self.accept_all(&["if", "exists"]);
                let names = self.list(Self::object_name)?;
                let cascade = self.cascade();
                let drop = Drop { kind, if_exists, concurrently: false, names, cascade, force: false };
                return Ok(Statement::Drop(drop));
            }
        }
        self.refused_object("DROP")
    }

    pub(super) fn truncate(&mut self) -> Result<Statement> {
        self.expect("truncate")?;
        self.accept("table");
        let tables = self.list(|parser| {
            parser.accept("only");
            let name = parser.object_name()?;
            parser.accept_operator("*");
            Ok(name)
        })?;
        let restart_identity = self.accept_all(&["restart", "identity"]);
        if !restart_identity {
            self.accept_all(&["continue", "identity"]);
        }
        let cascade = self.cascade();
        Ok(Statement::Truncate(Truncate { tables, restart_identity, cascade }))
    }

    pub(super) fn comment(&mut self) -> Result<Statement> {
        self.expect_all(&["comment", "on"])?;
        let (mut table, mut arguments) = (None, None);
        let (kind, name) = if self.accept("column") {
            let mut name = self.any_name()?;
            let column = name.parts.pop();
            if name.parts.is_empty() {
                return Err(self.invalid("column name must be qualified", name.at));
            }
            let at = name.at;
            table = Some(name);
            (ObjectKind::Column, ObjectName { parts: column.into_iter().collect(), at })
        } else if let Some(kind) = self.part_of_table() {
            let name = self.object_name()?;
            self.expect("on")?;
            table = Some(self.object_name()?);
            (kind, name)
        } else if let Some(kind) = self.callable_kind() {
            let name = self.object_name()?;
            if self.accept_symbol(b'(') {
                let types = if self.is_symbol(b')') { Vec::new() } else { self.list(Self::type_name)? };
                arguments = Some(types);
                self.expect_symbol(b')')?;
            }
            (kind, name)
        } else if let Some(kind) = self.object_kind() {
            (kind, self.object_name()?)
        } else if self.accept("type") {
            (ObjectKind::Type, self.object_name()?)
        } else if self.accept("domain") {
            (ObjectKind::Domain, self.object_name()?)
        } else {
            return self.refused_object("COMMENT ON");
        };
        self.expect("is")?;
        let text = if self.accept("null") { None } else { Some(self.string()?) };
        Ok(Statement::Comment(Comment { kind, name, table, arguments, text }))
    }

    fn part_of_table(&mut self) -> Option<ObjectKind> {
        match self.accept_one(&["constraint", "trigger", "policy", "rule"])? {
            "constraint" => Some(ObjectKind::Constraint),
            "trigger" => Some(ObjectKind::Trigger),
            "policy" => Some(ObjectKind::Policy),
            _ => Some(ObjectKind::Rule),
        }
    }

    /// FUNCTION and its kin.
    pub(super) fn callable_kind(&mut self) -> Option<ObjectKind> {
        match self.accept_one(&["function", "procedure", "routine", "aggregate"])? {
            "function" => Some(ObjectKind::Function),
            "procedure" => Some(ObjectKind::Procedure),
            "routine" => Some(ObjectKind::Routine),
            _ => Some(ObjectKind::Aggregate),
        }
    }
}
