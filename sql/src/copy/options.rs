//! The options of COPY, checked as PostgreSQL checks them.

use crate::error::{Error, Result, SqlState};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CopyKind {
    #[default]
    Text,
    Csv,
    Binary,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Header {
    #[default]
    Absent,
    Present,
    /// The names must be the columns'.
    Match,
}

/// Columns named by a FORCE_ option.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ForceColumns {
    #[default]
    None,
    All,
    Named(Vec<String>),
}

impl ForceColumns {
    /// Whether the option covers a column.
    pub fn covers(&self, name: &str) -> bool {
        match self {
            ForceColumns::None => false,
            ForceColumns::All => true,
            ForceColumns::Named(names) => names.iter().any(|named| named == name),
        }
    }

    /// The first named column that `exists` does not know.
    pub fn first_missing(&self, exists: impl Fn(&str) -> bool) -> Option<&str> {
        match self {
            ForceColumns::Named(names) => names.iter().map(String::as_str).find(|name| !exists(name)),
            ForceColumns::None | ForceColumns::All => None,
        }
    }
}

/// The value written for an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    None,
    Text(String),
    /// `(a, b)`
    Names(Vec<String>),
    /// `*`
    Star,
}

/// Every option of COPY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOptions {
    pub kind: CopyKind,
    pub delimiter: u8,
    pub null: String,
    pub header: Header,
    pub quote: u8,
    pub escape: u8,
    pub force_quote: ForceColumns,
    pub force_not_null: ForceColumns,
    pub force_null: ForceColumns,
}

#[derive(Default)]
struct Given {
    format: Option<CopyKind>,
    freeze: Option<bool>,
    delimiter: Option<String>,
    null: Option<String>,
    header: Option<Header>,
    quote: Option<String>,
    escape: Option<String>,
    force_quote: Option<ForceColumns>,
    force_not_null: Option<ForceColumns>,
    force_null: Option<ForceColumns>,
    encoding: Option<String>,
}

fn syntax(message: impl Into<String>) -> Error {
    Error::new(SqlState::SyntaxError, message)
}

fn unsupported(message: &str) -> Error {
    Error::new(SqlState::FeatureNotSupported, message)
}

fn once<T>(slot: &mut Option<T>, value: T) -> Result<()> {
    if slot.is_some() {
        return Err(syntax("conflicting or redundant options"));
    }
    *slot = Some(value);
    Ok(())
}

fn text_of(name: &str, argument: &Argument) -> Result<String> {
    match argument {
        Argument::Text(text) => Ok(text.clone()),
        Argument::None | Argument::Names(_) | Argument::Star => {
            Err(syntax(format!("{name} requires a parameter")))
        }
    }
}

fn boolean_of(name: &str, argument: &Argument) -> Result<bool> {
    match argument {
        Argument::None => Ok(true),
        Argument::Text(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "on" | "1" => Ok(true),
            "false" | "off" | "0" => Ok(false),
            _ => Err(syntax(format!("{name} requires a Boolean value"))),
        },
        Argument::Names(_) | Argument::Star => Err(syntax(format!("{name} requires a Boolean value"))),
    }
}

fn header_of(argument: &Argument) -> Result<Header> {
    match argument {
        Argument::Text(text) if text.eq_ignore_ascii_case("match") => Ok(Header::Match),
        Argument::Text(_) | Argument::None => match boolean_of("header", argument) {
            Ok(true) => Ok(Header::Present),
            Ok(false) => Ok(Header::Absent),
            Err(_) => Err(syntax("header requires a Boolean value or \"match\"")),
        },
        Argument::Names(_) | Argument::Star => Err(syntax("header requires a Boolean value or \"match\"")),
    }
}

fn columns_of(name: &str, argument: &Argument, star: bool) -> Result<ForceColumns> {
    match argument {
        Argument::Names(names) => Ok(ForceColumns::Named(names.clone())),
        Argument::Star if star => Ok(ForceColumns::All),
        Argument::Star | Argument::None | Argument::Text(_) => Err(Error::new(
            SqlState::InvalidParameterValue,
            format!("argument to option \"{name}\" must be a list of column names"),
        )),
    }
}

impl CopyOptions {
    /// Checks a list of options, lower-case names, of COPY FROM or COPY TO.
    pub fn new(items: &[(String, Argument)], from: bool) -> Result<CopyOptions> {
        CopyOptions::placed(items.iter().map(|(name, argument)| (name.as_str(), argument, None)), from)
    }

    /// The same with the options' places in the text, for errors.
    pub fn placed<'a>(
        items: impl Iterator<Item = (&'a str, &'a Argument, Option<u32>)>,
        from: bool,
    ) -> Result<CopyOptions> {
        let mut given = Given::default();
        for (name, argument, position) in items {
            given.take(name, argument).map_err(|error| error.at(position))?;
        }
        given.finish(from)
    }
}

impl Given {
    fn take(&mut self, name: &str, argument: &Argument) -> Result<()> {
        match name {
            "format" => {
                let format = text_of(name, argument)?;
                let kind = match format.as_str() {
                    "text" => CopyKind::Text,
                    "csv" => CopyKind::Csv,
                    "binary" => CopyKind::Binary,
                    _ => {
                        return Err(Error::new(
                            SqlState::InvalidParameterValue,
                            format!("COPY format \"{format}\" not recognized"),
                        ));
                    }
                };
                once(&mut self.format, kind)
            }
            "freeze" => once(&mut self.freeze, boolean_of(name, argument)?),
            "delimiter" => once(&mut self.delimiter, text_of(name, argument)?),
            "null" => once(&mut self.null, text_of(name, argument)?),
            "header" => once(&mut self.header, header_of(argument)?),
            "quote" => once(&mut self.quote, text_of(name, argument)?),
            "escape" => once(&mut self.escape, text_of(name, argument)?),
            "force_quote" => once(&mut self.force_quote, columns_of(name, argument, true)?),
            "force_not_null" => once(&mut self.force_not_null, columns_of(name, argument, false)?),
            "force_null" => once(&mut self.force_null, columns_of(name, argument, false)?),
            "encoding" => once(&mut self.encoding, text_of(name, argument)?),
            _ => Err(syntax(format!("option \"{name}\" not recognized"))),
        }
    }

    fn finish(self, from: bool) -> Result<CopyOptions> {
        let kind = self.format.unwrap_or_default();
        let csv = kind == CopyKind::Csv;
        if let Some(encoding) = &self.encoding {
            check_encoding(encoding)?;
        }
        self.check_binary(kind)?;
        let null = self.null.unwrap_or_else(|| if csv { String::new() } else { "\\N".to_string() });
        let delimiter = single(
            self.delimiter.as_deref().unwrap_or(if csv { "," } else { "\t" }),
            "COPY delimiter must be a single one-byte character",
        )?;
        if matches!(delimiter, b'\n' | b'\r') {
            return Err(Error::new(
                SqlState::InvalidParameterValue,
                "COPY delimiter cannot be newline or carriage return",
            ));
        }
        if null.contains(['\n', '\r']) {
            return Err(Error::new(
                SqlState::InvalidParameterValue,
                "COPY null representation cannot use newline or carriage return",
            ));
        }
        if !csv && b"\\.abcdefghijklmnopqrstuvwxyz0123456789".contains(&delimiter) {
            return Err(Error::new(
                SqlState::InvalidParameterValue,
                format!("COPY delimiter cannot be \"{}\"", delimiter as char),
            ));
        }
        if self.header.is_some_and(|header| header != Header::Absent) && kind == CopyKind::Binary {
            return Err(unsupported("cannot specify HEADER in BINARY mode"));
        }
        if !from && self.header == Some(Header::Match) {
            return Err(unsupported("cannot use \"match\" with HEADER in COPY TO"));
        }
        for (option, present) in [("quote", self.quote.is_some()), ("escape", self.escape.is_some())] {
            if present && !csv {
                return Err(unsupported(&format!("COPY {option} available only in CSV mode")));
            }
        }
        let quote =
            single(self.quote.as_deref().unwrap_or("\""), "COPY quote must be a single one-byte character")?;
        let escape = match &self.escape {
            Some(escape) => single(escape, "COPY escape must be a single one-byte character")?,
            None => quote,
        };
        if csv && delimiter == quote {
            return Err(Error::new(
                SqlState::InvalidParameterValue,
                "COPY delimiter and quote must be different",
            ));
        }
        for (option, present, wanted) in [
            ("force quote", self.force_quote.is_some(), false),
            ("force not null", self.force_not_null.is_some(), true),
            ("force null", self.force_null.is_some(), true),
        ] {
            if present && !csv {
                return Err(unsupported(&format!("COPY {option} available only in CSV mode")));
            }
            if present && wanted != from {
                let only = if wanted { "FROM" } else { "TO" };
                return Err(unsupported(&format!("COPY {option} only available using COPY {only}")));
            }
        }
        if null.as_bytes().contains(&delimiter) {
            return Err(unsupported("COPY delimiter must not appear in the NULL specification"));
        }
        if csv && null.as_bytes().contains(&quote) {
            return Err(unsupported("CSV quote character must not appear in the NULL specification"));
        }
        Ok(CopyOptions {
            kind,
            delimiter,
            null,
            header: self.header.unwrap_or_default(),
            quote,
            escape,
            force_quote: self.force_quote.unwrap_or_default(),
            force_not_null: self.force_not_null.unwrap_or_default(),
            force_null: self.force_null.unwrap_or_default(),
        })
    }

    fn check_binary(&self, kind: CopyKind) -> Result<()> {
        if kind != CopyKind::Binary {
            return Ok(());
        }
        if self.delimiter.is_some() {
            return Err(syntax("cannot specify DELIMITER in BINARY mode"));
        }
        if self.null.is_some() {
            return Err(syntax("cannot specify NULL in BINARY mode"));
        }
        Ok(())
    }
}

fn check_encoding(encoding: &str) -> Result<()> {
    let plain: String =
        encoding.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    if matches!(plain.as_str(), "utf8" | "unicode" | "sqlascii") {
        return Ok(());
    }
    Err(Error::unsupported(format!("COPY encoding \"{encoding}\"")))
}

fn single(text: &str, message: &str) -> Result<u8> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        _ => Err(unsupported(message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(items: &[(&str, &str)], from: bool) -> Result<CopyOptions> {
        let items: Vec<_> =
            items.iter().map(|(name, value)| (name.to_string(), Argument::Text(value.to_string()))).collect();
        CopyOptions::new(&items, from)
    }

    #[test]
    fn defaults_depend_on_the_format() {
        let text = options(&[], true).unwrap();
        assert_eq!((text.delimiter, text.null.as_str()), (b'\t', "\\N"));
        let csv = options(&[("format", "csv")], true).unwrap();
        assert_eq!((csv.delimiter, csv.null.as_str(), csv.escape), (b',', "", b'"'));
    }

    #[test]
    fn conflicts_are_refused() {
        assert_eq!(
            options(&[("quote", "'")], true).unwrap_err().message(),
            "COPY quote available only in CSV mode"
        );
        assert!(options(&[("delimiter", "a")], true).is_err());
        assert!(options(&[("format", "binary"), ("null", "x")], true).is_err());
        assert_eq!(
            options(&[("bogus", "x")], true).unwrap_err().message(),
            "option \"bogus\" not recognized"
        );
        assert!(options(&[("header", "match")], false).is_err());
    }
}
