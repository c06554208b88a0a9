//! Which statement a text begins, and those that consist of little more than their first word.

use crate::error::Result;
use crate::parse::parser::Parser;
use crate::parse::syntax::Statement;

impl Parser<'_> {
    /// One statement.
    pub(in crate::parse) fn statement(&mut self) -> Result<Statement> {
        if self.is_symbol(b'(') {
            return Ok(Statement::Query(Box::new(self.query()?)));
        }
        let word = self.word_lower();
        match word.as_str() {
            "select" | "values" | "table" | "with" | "insert" | "update" | "delete" | "merge" => {
                self.preparable_statement()
            }
            "copy" => self.copy(),
            "explain" => self.explain(),
            "create" if self.is_at(1, "snapshot") => self.create_snapshot(),
            "create" => self.create(),
            "alter" => self.alter(),
            "drop" if self.is_at(1, "snapshot") => self.drop_snapshot(),
            "drop" => self.drop_statement(),
            "restore" => self.restore(),
            "undrop" => self.undrop(),
            "truncate" => self.truncate(),
            "comment" => self.comment(),
            "grant" | "revoke" => self.grant(),
            "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint" | "release" => {
                self.transaction(&word)
            }
            "prepare" if self.is_at(1, "transaction") => self.transaction(&word),
            "set" | "show" | "reset" | "discard" => self.settings(&word),
            "prepare" | "execute" | "deallocate" => self.prepared(&word),
            "declare" | "fetch" | "move" | "close" => self.cursor(&word),
            "subscribe" => Ok(Statement::Subscribe(Box::new(self.subscribe()?))),
            "listen" | "unlisten" | "notify" => self.notification(&word),
            "lock" => self.lock_table(),
            "vacuum" | "analyze" | "analyse" | "checkpoint" | "backup" | "refresh" | "reindex" => {
                self.maintenance(&word)
            }
            _ => match refused(&word) {
                Some(feature) => self.unsupported(feature),
                None => self.unexpected(),
            },
        }
    }

    /// A statement that may be prepared or stand in WITH: a query or a modification.
    pub(super) fn preparable_statement(&mut self) -> Result<Statement> {
        if !self.is("with") {
            return self.preparable_after(None);
        }
        let with = self.optional_with()?;
        self.preparable_after(with)
    }

    fn preparable_after(&mut self, with: Option<crate::parse::syntax::With>) -> Result<Statement> {
        match self.word_lower().as_str() {
            "insert" => self.insert(with),
            "update" => self.update(with),
            "delete" => self.delete(with),
            "merge" => self.unsupported("MERGE"),
            _ => {
                let mut query = self.query()?;
                if with.is_some() {
                    if query.with.is_some() {
                        return Err(self.invalid("multiple WITH clauses not allowed", query.at));
                    }
                    query.with = with;
                }
                Ok(super::time::query_or_revert(query))
            }
        }
    }
}

/// Statements of PostgreSQL that this server refuses as a whole.
fn refused(word: &str) -> Option<&'static str> {
    Some(match word {
        "do" => "DO",
        "call" => "CALL",
        "cluster" => "CLUSTER",
        "load" => "LOAD",
        "import" => "IMPORT FOREIGN SCHEMA",
        "reassign" => "REASSIGN OWNED",
        "security" => "SECURITY LABEL",
        _ => return None,
    })
}
