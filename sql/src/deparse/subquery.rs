//! Subqueries in expressions.

use super::Deparser;
use crate::tree::{Expression, ExpressionKind, Query, Subquery, SubqueryKind};

impl<'a> Deparser<'a> {
    pub(super) fn subquery(&mut self, subquery: &'a Subquery) {
        let query = &subquery.query;
        match &subquery.kind {
            SubqueryKind::Array => {
                self.push("ARRAY(");
                self.query(query, None, false);
                self.push(")");
            }
            SubqueryKind::Scalar | SubqueryKind::Row => {
                self.push("(");
                self.query(query, None, false);
                self.push(")");
            }
            SubqueryKind::Exists => {
                self.push("(EXISTS (");
                self.query(query, None, false);
                self.push("))");
            }
            SubqueryKind::Any { test } => self.quantified(test, query, "ANY"),
            SubqueryKind::All { test } => self.quantified(test, query, "ALL"),
        }
    }

    fn quantified(&mut self, test: &'a Expression, query: &'a Query, word: &str) {
        self.push("(");
        let tests: Vec<&'a Expression> = match &test.kind {
            ExpressionKind::And(tests) | ExpressionKind::Or(tests) => tests.iter().collect(),
            _ => vec![test],
        };
        let several = tests.len() > 1;
        if several {
            self.push("(");
        }
        let mut name = "=".to_string();
        for (place, test) in tests.iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            if let ExpressionKind::Call { operator, arguments, .. } = &test.kind {
                if place == 0 {
                    name = self.operator_name(*operator);
                }
                if let Some(left) = arguments.first() {
                    self.value(left, true);
                }
            }
        }
        if several {
            self.push(")");
        }
        match (name.as_str(), word) {
            ("=", "ANY") => self.push(" IN ("),
            _ => self.push(&format!(" {name} {word} (")),
        }
        self.query(query, None, false);
        self.push("))");
    }
}
