//! Reads the data files: PostgreSQL's COPY text format with a header line.
//!
//! The files are compiled in and checked by tests, so a malformed one is a broken build, not an error of a user: the
//! readers here panic with the file's name, once, at first use.

use std::collections::HashMap;

/// A data file, split into rows of fields.
pub struct Table {
    name: &'static str,
    columns: HashMap<&'static str, usize>,
    rows: Vec<Vec<&'static str>>,
}

/// One row, with its header.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    table: &'a Table,
    fields: &'a [&'static str],
}

impl Table {
    /// Splits the text of the file `name`.
    pub fn parse(name: &'static str, text: &'static str) -> Table {
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default();
        let columns: HashMap<_, _> = header.split('\t').enumerate().map(|(i, column)| (column, i)).collect();
        let rows: Vec<Vec<&'static str>> =
            lines.map(|line| line.split('\t').map(unescape).collect()).collect();
        for row in &rows {
            assert_eq!(row.len(), columns.len(), "{name}: a row of another width than the header");
        }
        Table { name, columns, rows }
    }

    /// The rows of another file of the same header behind these.
    pub fn and(mut self, text: &'static str) -> Table {
        let other = Table::parse(self.name, text);
        assert_eq!(self.columns, other.columns, "{}: files of different headers", self.name);
        self.rows.extend(other.rows);
        self
    }

    /// The rows in file order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|fields| Row { table: self, fields })
    }
}

/// A NULL field: its escape in the file. No text of the files equals it.
const NULL: &str = "\\N";

/// Resolves COPY's escapes; the few fields that hold one live for ever, as the files do.
fn unescape(field: &'static str) -> &'static str {
    if field == NULL || !field.contains('\\') {
        return field;
    }
    let mut text = String::with_capacity(field.len());
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some(other) => text.push(other),
            None => text.push('\\'),
        }
    }
    Box::leak(text.into_boxed_str())
}

impl Row<'_> {
    /// The field of that column, `None` for NULL.
    pub fn get(&self, column: &str) -> Option<&'static str> {
        let Some(&index) = self.table.columns.get(column) else {
            panic!("{}: no column {column}", self.table.name)
        };
        let field = self.fields[index];
        (field != NULL).then_some(field)
    }

    /// The text of a column that is never NULL.
    pub fn text(&self, column: &str) -> &'static str {
        match self.get(column) {
            Some(text) => text,
            None => panic!("{}: {column} is null", self.table.name),
        }
    }

    /// A number.
    pub fn number<T: std::str::FromStr>(&self, column: &str) -> T {
        let text = self.text(column);
        match text.parse() {
            Ok(number) => number,
            Err(_) => panic!("{}: {column} is no number: {text}", self.table.name),
        }
    }

    /// A boolean: t or f.
    pub fn flag(&self, column: &str) -> bool {
        self.text(column) == "t"
    }

    /// A "char": its first character, a NUL where it is empty.
    pub fn character(&self, column: &str) -> char {
        self.text(column).chars().next().unwrap_or('\0')
    }

    /// An oidvector (blank-separated) or an array of oids (in braces).
    pub fn oids(&self, column: &str) -> Vec<u32> {
        self.text(column)
            .trim_matches(['{', '}'])
            .split([' ', ','])
            .filter(|item| !item.is_empty())
            .map(|item| match item.parse() {
                Ok(oid) => oid,
                Err(_) => panic!("{}: {column} is no list of oids", self.table.name),
            })
            .collect()
    }

    /// An array of names; empty where NULL.
    pub fn names(&self, column: &str) -> Vec<&'static str> {
        match self.get(column) {
            None => Vec::new(),
            Some(text) => {
                text.trim_matches(['{', '}']).split(',').map(|name| name.trim_matches('"')).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn reads_nulls_escapes_and_lists() {
        let table = Table::parse("sample", "a\tb\tc\n1\t\\N\t23 25\n2\tx\\\\y\t{1,2}\n");
        let rows: Vec<_> = table.rows().collect();
        assert_eq!(rows[0].number::<u32>("a"), 1);
        assert_eq!(rows[0].get("b"), None);
        assert_eq!(rows[0].oids("c"), [23, 25]);
        assert_eq!(rows[1].text("b"), "x\\y");
        assert_eq!(rows[1].oids("c"), [1, 2]);
    }
}
