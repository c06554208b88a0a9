//! GRANT and REVOKE: privileges on objects, and membership in roles.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::{
    Grant, GrantRole, GrantTarget, Name, ObjectKind, ObjectName, Privilege, RoleName, Statement,
};

impl Parser<'_> {
    pub(super) fn grant(&mut self) -> Result<Statement> {
        let revoke = self.is("revoke");
        self.advance();
        let mut grant_option = false;
        let mut admin_option = false;
        if revoke {
            grant_option = self.accept_all(&["grant", "option", "for"]);
            admin_option = self.accept_all(&["admin", "option", "for"]);
        }
        let privileges = self.privileges()?;
        if !self.is("on") {
            return self.membership_grant(revoke, privileges, admin_option);
        }
        self.advance();
        let target = self.grant_target()?;
        self.expect(if revoke { "from" } else { "to" })?;
        let grantees = self.grantees()?;
        if !revoke {
            grant_option = self.accept_all(&["with", "grant", "option"]);
        }
        let granted_by = self.granted_by()?;
        let cascade = revoke && self.cascade();
        Ok(Statement::Grant(Grant {
            revoke,
            privileges,
            target,
            grantees,
            grant_option,
            granted_by,
            cascade,
        }))
    }

    /// Privileges or roles: both are words; ALL is the empty list.
    fn privileges(&mut self) -> Result<Vec<Privilege>> {
        if self.is("all") {
            self.advance();
            self.accept("privileges");
            let columns = self.optional_parenthesized(Self::name)?;
            return Ok(match columns.is_empty() {
                true => Vec::new(),
                false => vec![Privilege { name: "all".to_string(), columns }],
            });
        }
        self.list(|parser| {
            let name = parser.label()?.text;
            let columns = parser.optional_parenthesized(Self::name)?;
            Ok(Privilege { name, columns })
        })
    }

    fn grantees(&mut self) -> Result<Vec<RoleName>> {
        self.list(|parser| {
            parser.accept("group");
            parser.role_name()
        })
    }

    fn granted_by(&mut self) -> Result<Option<RoleName>> {
        if self.accept_all(&["granted", "by"]) { self.role_name().map(Some) } else { Ok(None) }
    }

    fn grant_target(&mut self) -> Result<GrantTarget> {
        if self.accept("all") {
            let kind = match self.accept_one(&["tables", "sequences", "functions", "procedures", "routines"])
            {
                Some("tables") => ObjectKind::Table,
                Some("sequences") => ObjectKind::Sequence,
                Some("functions") => ObjectKind::Function,
                Some("procedures") => ObjectKind::Procedure,
                Some(_) => ObjectKind::Routine,
                None => return self.unexpected(),
            };
            self.expect_all(&["in", "schema"])?;
            return Ok(GrantTarget::AllInSchema { kind, schemas: self.list(Self::name)? });
        }
        if self.accept("parameter") || self.are(&["foreign"]) || self.are(&["large", "object"]) {
            return self.unsupported("GRANT ON this kind of object");
        }
        let kind = match self.accept_one(&[
            "table",
            "sequence",
            "schema",
            "database",
            "language",
            "tablespace",
            "type",
            "domain",
        ]) {
            Some("table") | None => ObjectKind::Table,
            Some("sequence") => ObjectKind::Sequence,
            Some("schema") => ObjectKind::Schema,
            Some("database") => ObjectKind::Database,
            Some("language") => ObjectKind::Language,
            Some("tablespace") => ObjectKind::Tablespace,
            Some("type") => ObjectKind::Type,
            Some(_) => ObjectKind::Domain,
        };
        if kind == ObjectKind::Table
            && let Some(kind) = self.callable_kind()
        {
            let names = self.list(Self::callable_name)?;
            return Ok(GrantTarget::Objects { kind, names });
        }
        Ok(GrantTarget::Objects { kind, names: self.list(Self::object_name)? })
    }

    /// A function's name; its argument types only tell overloads apart.
    fn callable_name(&mut self) -> Result<ObjectName> {
        let name = self.object_name()?;
        if self.accept_symbol(b'(') && !self.accept_symbol(b')') {
            self.list(Self::type_name)?;
            self.expect_symbol(b')')?;
        }
        Ok(name)
    }

    fn membership_grant(
        &mut self,
        revoke: bool,
        privileges: Vec<Privilege>,
        mut admin_option: bool,
    ) -> Result<Statement> {
        let at = self.at();
        if privileges.is_empty() || privileges.iter().any(|privilege| !privilege.columns.is_empty()) {
            return self.unexpected();
        }
        let roles = privileges.into_iter().map(|privilege| Name { text: privilege.name, at }).collect();
        self.expect(if revoke { "from" } else { "to" })?;
        let members = self.grantees()?;
        if !revoke {
            admin_option = self.accept_all(&["with", "admin", "option"]);
        }
        let granted_by = self.granted_by()?;
        let cascade = revoke && self.cascade();
        Ok(Statement::GrantRole(GrantRole { revoke, roles, members, admin_option, granted_by, cascade }))
    }
}
