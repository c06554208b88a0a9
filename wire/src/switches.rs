//! The switches that the start-up packet's `options` carries: `-c name=value`, `--name=value`.
//!
//! What libpq takes from PGOPTIONS and from `options=` in a connection string comes as one text, cut at spaces as
//! PostgreSQL does it (`pg_split_opts`, a backslash takes what follows as it is), then read as its command line
//! (`process_postgres_switches`). Invariant: every switch is a setting, or an error that names it.

use sql::error::{Error, Result, SqlState};

/// Switches of PostgreSQL's command line that are no settings of a session here.
const OTHERS: &str = "BCDEFNOPTWbdefhijklnprstv";

/// The settings that the text asks for, in order.
pub fn settings_of(text: &str) -> Result<Vec<(String, String)>> {
    let mut words = words_of(text).into_iter();
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        if let Some(setting) = word.strip_prefix("--") {
            settings.push(setting_of("--", setting)?);
            continue;
        }
        let mut letters = word.chars();
        let (dash, switch) = (letters.next(), letters.next());
        let rest = letters.as_str();
        match (dash, switch) {
            (Some('-'), Some(switch @ ('c' | 'S'))) => {
                let argument = if rest.is_empty() { words.next() } else { Some(rest.to_owned()) };
                let argument = argument.ok_or_else(|| invalid(&word))?;
                settings.push(match switch {
                    'c' => setting_of("-c ", &argument)?,
                    _ => ("work_mem".to_owned(), argument),
                });
            }
            (Some('-'), Some(switch)) if OTHERS.contains(switch) => {
                return Err(Error::unsupported(format!(
                    "the server's switch -{switch} in a connection's options"
                )));
            }
            _ => return Err(invalid(&word)),
        }
    }
    Ok(settings)
}

fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut letters = text.chars().peekable();
    loop {
        while letters.next_if(|letter| letter.is_ascii_whitespace()).is_some() {}
        if letters.peek().is_none() {
            return words;
        }
        let mut word = String::new();
        while let Some(letter) = letters.next_if(|letter| !letter.is_ascii_whitespace()) {
            match letter {
                '\\' => word.extend(letters.next()),
                letter => word.push(letter),
            }
        }
        words.push(word);
    }
}

fn setting_of(switch: &str, text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.replace('-', "_"), value.to_owned())),
        None => Err(Error::new(SqlState::SyntaxError, format!("{switch}{text} requires a value"))),
    }
}

fn invalid(word: &str) -> Error {
    let message = format!("invalid command-line argument for server process: {word}");
    Error::new(SqlState::SyntaxError, message).hint("Try \"postgres --help\" for more information.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        match settings_of(text) {
            Ok(settings) => settings.iter().map(|(name, value)| format!("{name}={value};")).collect(),
            Err(error) => format!("{}: {}", error.state().code(), error.message()),
        }
    }

    #[test]
    fn switches_are_settings_or_errors_that_name_them() {
        assert_eq!(said(""), "");
        assert_eq!(said(" -c a=1  -cb=2 --c=3\t--d-e=4 -S 64"), "a=1;b=2;c=3;d_e=4;work_mem=64;");
        assert_eq!(said(r"-c path=a\ b\\c\"), r"path=a b\c;");
        assert_eq!(said("-c work_mem"), "42601: -c work_mem requires a value");
        assert_eq!(said("-c"), "42601: invalid command-line argument for server process: -c");
        for word in ["foo", "-z", "-"] {
            let message = format!("42601: invalid command-line argument for server process: {word}");
            assert_eq!(said(&format!("-c a=b {word}")), message);
        }
        assert!(said("-B 10").starts_with("0A000:"), "{}", said("-B 10"));
    }
}
