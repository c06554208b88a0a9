//! ALTER of tables and of what is altered like a table; RENAME, OWNER TO, SET SCHEMA.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{
    AlterOwner, AlterSequence, AlterTable, AlterTableAction, Name, ObjectKind, ObjectName, Rename,
    RenamePart, Statement,
};

impl Parser<'_> {
    pub(super) fn alter(&mut self) -> Result<Statement> {
        self.expect("alter")?;
        let word = self.word_lower();
        match word.as_str() {
            "table" | "view" | "index" | "materialized" => self.alter_relation(),
            "sequence" => self.alter_sequence(),
            "schema" => self.alter_named(ObjectKind::Schema),
            "extension" => self.alter_extension(),
            "type" => self.alter_user_type(),
            "domain" => self.alter_domain(),
            "database" => self.alter_database(),
            "role" | "group" => self.alter_role(),
            "user" if !self.is_at(1, "mapping") => self.alter_role(),
            _ => self.refused_object("ALTER"),
        }
    }

    fn alter_relation(&mut self) -> Result<Statement> {
        let Some(kind) = self.object_kind() else { return self.unexpected() };
        if self.are(&["all", "in", "tablespace"]) {
            return self.unsupported("ALTER ... ALL IN TABLESPACE");
        }
        let if_exists = self.accept_all(&["if", "exists"]);
        self.accept("only");
        let name = self.object_name()?;
        self.accept_operator("*");
        if self.accept("rename") {
            return self.rename(kind, if_exists, name);
        }
        let actions = self.list(Self::alter_action)?;
        Ok(Statement::AlterTable(Box::new(AlterTable { kind, if_exists, name, actions })))
    }

    /// What follows RENAME.
    fn rename(&mut self, kind: ObjectKind, if_exists: bool, name: ObjectName) -> Result<Statement> {
        let part = if self.is("to") {
            None
        } else if self.accept("constraint") {
            Some((RenamePart::Constraint, self.name()?))
        } else {
            self.accept("column");
            Some((RenamePart::Column, self.name()?))
        };
        self.expect("to")?;
        let to = self.name()?;
        Ok(Statement::Rename(Rename { kind, if_exists, name, part, to }))
    }

    /// ALTER of an object that can only be renamed or given to another owner.
    fn alter_named(&mut self, kind: ObjectKind) -> Result<Statement> {
        self.advance();
        let name = self.object_name()?;
        if self.accept("rename") {
            return self.rename(kind, false, name);
        }
        self.expect_all(&["owner", "to"])?;
        Ok(Statement::AlterOwner(AlterOwner { kind, name, owner: self.role_name()? }))
    }

    fn alter_sequence(&mut self) -> Result<Statement> {
        self.advance();
        let if_exists = self.accept_all(&["if", "exists"]);
        let name = self.object_name()?;
        if self.accept("rename") {
            return self.rename(ObjectKind::Sequence, if_exists, name);
        }
        let like_table = self.is("owner")
            || self.is("set") && ["schema", "logged", "unlogged"].iter().any(|word| self.is_at(1, word));
        if like_table {
            let actions = vec![self.alter_action()?];
            let kind = ObjectKind::Sequence;
            return Ok(Statement::AlterTable(Box::new(AlterTable { kind, if_exists, name, actions })));
        }
        let options = self.sequence_options()?;
        if options.is_empty() {
            return self.unexpected();
        }
        Ok(Statement::AlterSequence(AlterSequence { if_exists, name, options }))
    }

    fn alter_action(&mut self) -> Result<AlterTableAction> {
        let words = [
            "add", "drop", "alter", "validate", "owner", "set", "reset", "cluster", "enable", "disable",
            "force", "no", "replica", "inherit", "attach", "detach", "of", "not", "options",
        ];
        match self.accept_one(&words) {
            Some("add") => self.alter_add(),
            Some("drop") => self.alter_drop(),
            Some("alter") => self.alter_column_or_constraint(),
            Some("validate") => {
                self.expect("constraint")?;
                Ok(AlterTableAction::ValidateConstraint { name: self.name()? })
            }
            Some("owner") => {
                self.expect("to")?;
                Ok(AlterTableAction::OwnerTo(self.role_name()?))
            }
            Some("set") => self.alter_set(),
            Some("reset") => Ok(AlterTableAction::ResetOptions(self.parenthesized(Self::storage_option)?)),
            Some("cluster") => {
                self.expect("on")?;
                Ok(AlterTableAction::ClusterOn(self.name()?))
            }
            Some(word @ ("enable" | "disable")) => self.alter_enable(word == "enable"),
            Some(word @ ("force" | "no")) if self.is("row") || self.is("force") => {
                let forced = word == "force" || !self.accept("force");
                self.expect_all(&["row", "level", "security"])?;
                Ok(AlterTableAction::RowSecurity { enable: None, force: Some(forced) })
            }
            Some("replica") => self.replica_identity(),
            Some("no") => self.unsupported("ALTER TABLE NO INHERIT"),
            Some("inherit") => self.unsupported("ALTER TABLE INHERIT"),
            Some("attach" | "detach") => self.unsupported("ALTER TABLE ATTACH or DETACH PARTITION"),
            Some("of" | "not") => self.unsupported("ALTER TABLE OF"),
            Some("options") => self.unsupported("ALTER TABLE OPTIONS"),
            Some(_) | None => self.unexpected(),
        }
    }

    fn alter_add(&mut self) -> Result<AlterTableAction> {
        let constraint = ["constraint", "check", "unique", "primary", "foreign", "exclude"];
        if constraint.iter().any(|word| self.is(word)) {
            return Ok(AlterTableAction::AddConstraint(self.table_constraint()?));
        }
        self.accept("column");
        let if_not_exists = self.if_not_exists();
        Ok(AlterTableAction::AddColumn { if_not_exists, column: self.table_column()? })
    }

    fn alter_drop(&mut self) -> Result<AlterTableAction> {
        let constraint = self.accept("constraint");
        if !constraint {
            self.accept("column");
        }
        let if_exists = self.accept_all(&["if", "exists"]);
        let name = self.name()?;
        let cascade = self.cascade();
        Ok(match constraint {
            true => AlterTableAction::DropConstraint { if_exists, name, cascade },
            false => AlterTableAction::DropColumn { if_exists, name, cascade },
        })
    }

    fn alter_column_or_constraint(&mut self) -> Result<AlterTableAction> {
        if self.accept("constraint") {
            let name = self.name()?;
            return Ok(AlterTableAction::AlterConstraint { name, timing: self.constraint_timing()? });
        }
        self.accept("column");
        let column = self.name()?;
        if self.accept("type") || self.accept_all(&["set", "data", "type"]) {
            return self.alter_type(column);
        }
        match self.accept_one(&["set", "drop", "add", "reset", "restart"]) {
            Some("set") => self.alter_column_set(column),
            Some("drop") => self.alter_column_drop(column),
            Some("add") => {
                self.expect("generated")?;
                let always = self.identity_always()?;
                self.expect_all(&["as", "identity"])?;
                let options = self.identity_options()?;
                Ok(AlterTableAction::AddIdentity { column, always, options })
            }
            Some("reset") => self.unsupported("ALTER COLUMN RESET"),
            Some(_) => {
                let with = self.accept("with");
                let number = matches!(
                    self.peek().kind,
                    crate::parse::token::TokenKind::Integer | crate::parse::token::TokenKind::Operator
                );
                let value = if with || number { Some(self.signed_integer()?) } else { None };
                let first = crate::parse::syntax::SequenceOption::Restart(value);
                self.set_identity(column, None, vec![first])
            }
            None => self.unexpected(),
        }
    }

    fn alter_type(&mut self, column: Name) -> Result<AlterTableAction> {
        let ty = self.type_name()?;
        let collation = if self.accept("collate") { Some(self.object_name()?) } else { None };
        let using = if self.accept("using") { Some(self.with_source(Self::expression)?) } else { None };
        Ok(AlterTableAction::SetType { column, ty, collation, using })
    }

    fn identity_always(&mut self) -> Result<bool> {
        if self.accept("always") {
            return Ok(true);
        }
        self.expect_all(&["by", "default"])?;
        Ok(false)
    }

    fn alter_column_set(&mut self, column: Name) -> Result<AlterTableAction> {
        if self.accept_all(&["not", "null"]) {
            return Ok(AlterTableAction::SetNotNull { column });
        }
        if self.accept("default") {
            let (expression, text) = self.with_source(Self::expression)?;
            return Ok(AlterTableAction::SetDefault { column, expression, text });
        }
        if self.accept("statistics") {
            return Ok(AlterTableAction::SetStatistics { column, target: self.signed_integer()? });
        }
        if self.accept("storage") {
            return Ok(AlterTableAction::SetStorage { column, storage: self.label()?.text });
        }
        if self.accept("compression") {
            return self.unsupported("ALTER COLUMN SET COMPRESSION");
        }
        if self.is_symbol(b'(') {
            return self.unsupported("ALTER COLUMN SET (options)");
        }
        if self.accept("generated") {
            let always = self.identity_always()?;
            return self.set_identity(column, Some(always), Vec::new());
        }
        match self.sequence_option()? {
            Some(option) => self.set_identity(column, None, vec![option]),
            None => self.unexpected(),
        }
    }

    /// Further SET clauses of an identity column.
    fn set_identity(
        &mut self,
        column: Name,
        mut always: Option<bool>,
        mut options: Vec<crate::parse::syntax::SequenceOption>,
    ) -> Result<AlterTableAction> {
        loop {
            if self.accept_all(&["set", "generated"]) {
                always = Some(self.identity_always()?);
                continue;
            }
            let restart = self.is("restart");
            if !restart && !self.accept("set") {
                return Ok(AlterTableAction::SetIdentity { column, always, options });
            }
            match self.sequence_option()? {
                Some(option) => options.push(option),
                None => return self.unexpected(),
            }
        }
    }

    fn alter_column_drop(&mut self, column: Name) -> Result<AlterTableAction> {
        if self.accept("default") {
            return Ok(AlterTableAction::DropDefault { column });
        }
        if self.accept_all(&["not", "null"]) {
            return Ok(AlterTableAction::DropNotNull { column });
        }
        let identity = self.accept("identity");
        if !identity {
            self.expect("expression")?;
        }
        let if_exists = self.accept_all(&["if", "exists"]);
        Ok(match identity {
            true => AlterTableAction::DropIdentity { column, if_exists },
            false => AlterTableAction::DropExpression { column, if_exists },
        })
    }

    fn alter_set(&mut self) -> Result<AlterTableAction> {
        if self.is_symbol(b'(') {
            return Ok(AlterTableAction::SetOptions(self.parenthesized(Self::storage_option)?));
        }
        match self.accept_one(&["schema", "tablespace", "logged", "unlogged", "without", "access"]) {
            Some("schema") => Ok(AlterTableAction::SetSchema(self.name()?)),
            Some("tablespace") => Ok(AlterTableAction::SetTablespace(self.name()?)),
            Some("logged") => Ok(AlterTableAction::SetLogged(true)),
            Some("unlogged") => Ok(AlterTableAction::SetLogged(false)),
            Some("without") => {
                if self.is("oids") {
                    return self.unsupported("SET WITHOUT OIDS");
                }
                self.expect("cluster")?;
                Ok(AlterTableAction::SetWithoutCluster)
            }
            Some(_) => self.unsupported("SET ACCESS METHOD"),
            None => self.unexpected(),
        }
    }

    fn alter_enable(&mut self, enable: bool) -> Result<AlterTableAction> {
        if self.accept_all(&["row", "level", "security"]) {
            return Ok(AlterTableAction::RowSecurity { enable: Some(enable), force: None });
        }
        if self.is("rule") || self.is_at(1, "rule") {
            return self.unsupported("ALTER TABLE ENABLE or DISABLE RULE");
        }
        self.accept_one(&["replica", "always"]);
        self.expect("trigger")?;
        Ok(AlterTableAction::Trigger { enable, name: self.label()?.text })
    }

    fn replica_identity(&mut self) -> Result<AlterTableAction> {
        self.expect("identity")?;
        match self.accept_one(&["nothing", "full", "default", "using"]) {
            Some("using") => {
                self.expect("index")?;
                let index = Some(self.name()?);
                Ok(AlterTableAction::ReplicaIdentity { kind: "index".to_string(), index })
            }
            Some(word) => Ok(AlterTableAction::ReplicaIdentity { kind: word.to_string(), index: None }),
            None => self.unexpected(),
        }
    }
}
