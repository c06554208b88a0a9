//! Definitions as PostgreSQL prints them: views, constraints, indexes, defaults, from the typed trees that are stored.
//!
//! The layout is ruleutils' to the byte, pretty and not. Names are those of today's catalog, so that what was renamed
//! since reads by its new name; what the tree does not tell (aliases, forms of casts, names of windows) is in its
//! [`QueryShape`](crate::tree::QueryShape) and [`Form`](crate::tree::Form)s.
//!
//! Failure. A tree that cannot be read is an error of damaged data; whatever can be read can be printed.

mod aggregate;
mod constant;
mod expression;
mod from;
mod function;
mod level;
mod query;
mod select;
mod simple;
mod subquery;
mod window;

use catalog::{Relation, Snapshot, StoredExpression};

use crate::error::Result;
use crate::session::names::CatalogNames;
use level::Level;

pub use crate::functions::quote_identifier;

/// How a definition is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Only the parentheses that are needed.
    pub pretty: bool,
    /// Columns after which select lists and FROM lists break; negative: never, 0: after every entry.
    pub wrap: i32,
}

impl Layout {
    /// Every parenthesis, an entry a line.
    pub const PLAIN: Layout = Layout { pretty: false, wrap: 0 };
    /// As psql shows it.
    pub const PRETTY: Layout = Layout { pretty: true, wrap: 0 };
}

const STANDARD_INDENT: i32 = 8;
const JOIN_INDENT: i32 = 4;
const VARIABLE_INDENT: i32 = 4;
const INDENT_LIMIT: i32 = 40;

/// The printing of one definition.
struct Deparser<'a> {
    catalog: &'a Snapshot,
    database: u32,
    names: &'a CatalogNames,
    layout: Layout,
    buffer: String,
    indent: i32,
    /// The query levels around, innermost last.
    levels: Vec<Level<'a>>,
    /// The only column is VALUE, a domain's.
    of_domain: bool,
}

/// What definitions are looked up in.
#[derive(Clone, Copy)]
pub struct Definitions<'a> {
    pub catalog: &'a Snapshot,
    pub database: u32,
    pub names: &'a CatalogNames,
}

impl<'a> Definitions<'a> {
    fn deparser(&self, layout: Layout) -> Deparser<'a> {
        Deparser {
            catalog: self.catalog,
            database: self.database,
            names: self.names,
            layout,
            buffer: String::new(),
            indent: 0,
            levels: Vec::new(),
            of_domain: false,
        }
    }

    /// An expression over the columns of a relation.
    pub fn expression(
        &self,
        stored: &StoredExpression,
        relation: Option<&Relation>,
        layout: Layout,
    ) -> Result<String> {
        let tree = crate::analyze::written_expression(stored)?;
        let mut deparser = self.deparser(layout);
        deparser.levels.push(Level::of_table(relation));
        // The tree lives as long as this call only, and so does the deparser's view of it.
        let mut deparser: Deparser<'_> = deparser;
        deparser.value(&tree, false);
        Ok(deparser.buffer)
    }

    /// A condition of a domain, over VALUE.
    pub fn domain_condition(&self, stored: &StoredExpression, layout: Layout) -> Result<String> {
        let tree = crate::analyze::written_expression(stored)?;
        let mut deparser: Deparser<'_> = self.deparser(layout);
        deparser.of_domain = true;
        deparser.levels.push(Level::of_domain());
        deparser.value(&tree, false);
        Ok(deparser.buffer)
    }

    /// The query of a view, with its semicolon.
    pub fn view(&self, relation: &Relation, layout: Layout) -> Result<String> {
        let Some(view) = relation.as_view() else { return Ok(String::new()) };
        let tree = crate::analyze::written_query(&view.query)?;
        let mut deparser = self.deparser(layout);
        // The relations OLD and NEW of a rule, which no entry may be called like.
        deparser.levels.push(Level::of_rule());
        let names: Vec<String> = relation.live_columns().map(|column| column.name.clone()).collect();
        deparser.query(&tree, Some(&names), true);
        deparser.buffer.push(';');
        Ok(deparser.buffer)
    }

    /// Whether an index shows an expression without parentheses of its own.
    pub fn looks_like_function(&self, stored: &StoredExpression) -> Result<bool> {
        let tree = crate::analyze::written_expression(stored)?;
        Ok(simple::looks_like_function(&tree))
    }
}

impl Deparser<'_> {
    /// A keyword at the start of a line: the indent moves before and after, `plus` counts for this line alone.
    fn keyword(&mut self, text: &str, before: i32, after: i32, plus: i32) {
        self.indent += before;
        self.trim_spaces();
        self.buffer.push('\n');
        let level = self.indent.max(0);
        let amount = if self.indent < INDENT_LIMIT {
            level + plus
        } else {
            (INDENT_LIMIT + (self.indent - INDENT_LIMIT) / (STANDARD_INDENT / 2)) % INDENT_LIMIT + plus
        };
        self.buffer.extend(std::iter::repeat_n(' ', usize::try_from(amount).unwrap_or(0)));
        self.buffer.push_str(text);
        self.indent = (self.indent + after).max(0);
    }

    fn trim_spaces(&mut self) {
        let kept = self.buffer.trim_end_matches(' ').len();
        self.buffer.truncate(kept);
    }

    fn push(&mut self, text: &str) {
        self.buffer.push_str(text);
    }

    fn identifier(&mut self, name: &str) {
        self.buffer.push_str(&quote_identifier(name));
    }

    /// A parenthesis that only the plain layout shows.
    fn plain_parenthesis(&mut self, parenthesis: char) {
        if !self.layout.pretty {
            self.buffer.push(parenthesis);
        }
    }

    /// The bytes since the last line break.
    fn line_length(&self) -> usize {
        self.buffer.rsplit('\n').next().map_or(0, str::len)
    }

    /// Appends a list entry that was printed apart, on a new line where it does not fit; whether it began with one.
    fn wrap_entry(&mut self, entry: &str, may_break: bool, force: bool) {
        let limit = self.layout.wrap;
        if limit >= 0 {
            if entry.starts_with('\n') {
                self.trim_spaces();
            } else {
                let limit = usize::try_from(limit).unwrap_or(0);
                if may_break && (force || self.line_length() + entry.len() > limit) {
                    self.keyword("", -STANDARD_INDENT, STANDARD_INDENT, VARIABLE_INDENT);
                }
            }
        }
        self.buffer.push_str(entry);
    }

    /// Prints apart from the buffer.
    fn apart(&mut self, print: impl FnOnce(&mut Self)) -> String {
        let outer = std::mem::take(&mut self.buffer);
        print(self);
        std::mem::replace(&mut self.buffer, outer)
    }
}
