//! CREATE: which object, and those whose definition is short.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{
    AlterExtension, AlterExtensionAction, CreateExtension, CreateSchema, CreateTable, CreateTableAs,
    OnCommit, Persistence, SourceText, Statement, TableSource,
};
use crate::parse::token::TokenKind;

impl Parser<'_> {
    pub(super) fn create(&mut self) -> Result<Statement> {
        self.expect("create")?;
        let or_replace = self.accept_all(&["or", "replace"]);
        let persistence = self.persistence();
        match self.word_lower().as_str() {
            "table" if !or_replace => self.create_table(persistence),
            "view" | "recursive" => self.create_view(or_replace, persistence),
            "materialized" if !or_replace => self.create_materialized_view(persistence),
            "sequence" if !or_replace => self.create_sequence(persistence),
            word if !or_replace && persistence == Persistence::Permanent => match word {
                "index" | "unique" => self.create_index(),
                "schema" => self.create_schema(),
                "database" => self.create_database(),
                "role" | "user" | "group" => self.create_role(),
                "extension" => self.create_extension(),
                "type" => self.create_type(),
                "domain" => self.create_domain(),
                _ => self.refused_object("CREATE"),
            },
            _ => self.refused_object("CREATE"),
        }
    }

    /// Names the object that cannot be created, altered or dropped here, if PostgreSQL knows it.
    pub(super) fn refused_object<T>(&mut self, verb: &str) -> Result<T> {
        let objects: [&[&str]; 35] = [
            &["access", "method"],
            &["aggregate"],
            &["cast"],
            &["collation"],
            &["conversion"],
            &["default", "privileges"],
            &["domain"],
            &["event", "trigger"],
            &["foreign", "data", "wrapper"],
            &["foreign", "table"],
            &["function"],
            &["language"],
            &["large", "object"],
            &["operator", "class"],
            &["operator", "family"],
            &["operator"],
            &["owned"],
            &["policy"],
            &["procedural", "language"],
            &["procedure"],
            &["publication"],
            &["routine"],
            &["rule"],
            &["server"],
            &["statistics"],
            &["subscription"],
            &["system"],
            &["tablespace"],
            &["text", "search"],
            &["transform"],
            &["trigger"],
            &["constraint", "trigger"],
            &["type"],
            &["user", "mapping"],
            &["trusted", "language"],
        ];
        match objects.iter().find(|words| self.are(words)) {
            Some(words) => self.unsupported(&format!("{verb} {}", words.join(" ").to_ascii_uppercase())),
            None => self.unexpected(),
        }
    }

    pub(super) fn if_not_exists(&mut self) -> bool {
        self.accept_all(&["if", "not", "exists"])
    }

    fn create_table(&mut self, persistence: Persistence) -> Result<Statement> {
        self.advance();
        let if_not_exists = self.if_not_exists();
        let name = self.object_name()?;
        if self.is("of") {
            return self.unsupported("CREATE TABLE OF");
        }
        if self.are(&["partition", "of"]) {
            return self.unsupported("CREATE TABLE PARTITION OF");
        }
        if self.is("as") || self.begins_table_as_options() || self.is_symbol(b'(') && self.lists_names_only()
        {
            return self.table_as(persistence, false, if_not_exists, name);
        }
        self.expect_symbol(b'(')?;
        let elements = if self.is_symbol(b')') { Vec::new() } else { self.list(Self::table_element)? };
        self.expect_symbol(b')')?;
        let inherits =
            if self.accept("inherits") { self.parenthesized(Self::object_name)? } else { Vec::new() };
        let mut partition_by = None;
        if self.accept_all(&["partition", "by"]) {
            partition_by = Some(self.label()?.text);
            self.parenthesized(Self::index_element)?;
        }
        let access_method = if self.accept("using") { Some(self.name()?) } else { None };
        let options = self.storage_options()?;
        let on_commit = self.on_commit()?;
        let tablespace = if self.accept("tablespace") { Some(self.name()?) } else { None };
        Ok(Statement::CreateTable(Box::new(CreateTable {
            persistence,
            if_not_exists,
            name,
            elements,
            inherits,
            partition_by,
            options,
            on_commit,
            access_method,
            tablespace,
        })))
    }

    /// WITH, USING, ON COMMIT or TABLESPACE right after the name: only CREATE TABLE AS has them there.
    fn begins_table_as_options(&self) -> bool {
        ["using", "with", "on", "tablespace"].iter().any(|word| self.is(word))
    }

    /// Whether the parenthesis holds names alone, as the columns of CREATE TABLE AS.
    fn lists_names_only(&self) -> bool {
        matches!(self.peek_at(2).kind, TokenKind::Symbol(b',' | b')'))
    }

    /// What follows the name in CREATE TABLE AS and CREATE MATERIALIZED VIEW.
    pub(super) fn table_as(
        &mut self,
        persistence: Persistence,
        materialized_view: bool,
        if_not_exists: bool,
        name: crate::parse::syntax::ObjectName,
    ) -> Result<Statement> {
        let columns = self.optional_parenthesized(Self::name)?;
        let access_method = if self.accept("using") { Some(self.name()?) } else { None };
        let options = self.storage_options()?;
        let on_commit = self.on_commit()?;
        let tablespace = if self.accept("tablespace") { Some(self.name()?) } else { None };
        self.expect("as")?;
        let start = self.at();
        let source = if self.is("execute") {
            TableSource::Execute(self.execute()?)
        } else {
            TableSource::Query(Box::new(self.query()?))
        };
        let text = SourceText { start, end: self.last_end() };
        let with_data = self.with_data()?;
        Ok(Statement::CreateTableAs(Box::new(CreateTableAs {
            persistence,
            materialized_view,
            if_not_exists,
            name,
            columns,
            access_method,
            options,
            on_commit,
            tablespace,
            source,
            text,
            with_data,
        })))
    }

    fn on_commit(&mut self) -> Result<Option<OnCommit>> {
        if !self.accept_all(&["on", "commit"]) {
            return Ok(None);
        }
        if self.accept("drop") {
            return Ok(Some(OnCommit::Drop));
        }
        let action = match self.accept_one(&["preserve", "delete"]) {
            Some("preserve") => OnCommit::PreserveRows,
            Some(_) => OnCommit::DeleteRows,
            None => return self.unexpected(),
        };
        self.expect("rows")?;
        Ok(Some(action))
    }

    fn create_schema(&mut self) -> Result<Statement> {
        self.advance();
        let if_not_exists = self.if_not_exists();
        let name = if self.is("authorization") { None } else { Some(self.name()?) };
        let authorization = if self.accept("authorization") { Some(self.role_name()?) } else { None };
        if name.is_none() && authorization.is_none() {
            return self.unexpected();
        }
        let mut elements = Vec::new();
        while self.is("create") || self.is("grant") {
            elements.push(self.nested(Self::statement)?);
        }
        Ok(Statement::CreateSchema(CreateSchema { if_not_exists, name, authorization, elements }))
    }

    /// A version as a word or a string.
    fn extension_version(&mut self) -> Result<String> {
        match self.peek().kind {
            TokenKind::String(_) => self.string(),
            _ => self.label().map(|label| label.text),
        }
    }

    pub(super) fn alter_extension(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.name()?;
        let action = if self.accept("update") {
            let version = if self.accept("to") { Some(self.extension_version()?) } else { None };
            AlterExtensionAction::Update(version)
        } else if self.accept_all(&["set", "schema"]) {
            AlterExtensionAction::SetSchema(self.name()?)
        } else if self.is("add") || self.is("drop") {
            return self.unsupported("ALTER EXTENSION ... ADD or DROP");
        } else {
            return self.unexpected();
        };
        Ok(Statement::AlterExtension(AlterExtension { name, action }))
    }

    fn create_extension(&mut self) -> Result<Statement> {
        self.advance();
        let if_not_exists = self.if_not_exists();
        let name = self.name()?;
        self.accept("with");
        let mut extension =
            CreateExtension { if_not_exists, name, schema: None, version: None, cascade: false };
        loop {
            if self.accept("schema") {
                extension.schema = Some(self.name()?);
            } else if self.accept("version") {
                extension.version = Some(self.extension_version()?);
            } else if self.accept("cascade") {
                extension.cascade = true;
            } else {
                return Ok(Statement::CreateExtension(extension));
            }
        }
    }
}
