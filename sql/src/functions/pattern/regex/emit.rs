//! The syntax tree in the notation of the `regex` and `fancy-regex` crates.

use super::class::{Item, Set};
use super::syntax::{Assertion, Node, Preference};

/// Appends the node. Groups capture only where back references need them.
pub(super) fn emit(node: &Node, capturing: bool, into: &mut String) {
    match node {
        Node::Empty => into.push_str("(?:)"),
        Node::Set(set) => emit_set(set, into),
        Node::Assertion(assertion) => into.push_str(match assertion {
            Assertion::TextStart => r"\A",
            Assertion::TextEnd => r"\z",
            Assertion::LineStart => "(?m:^)",
            Assertion::LineEnd => "(?m:$)",
            Assertion::WordStart => r"\b{start}",
            Assertion::WordEnd => r"\b{end}",
            Assertion::WordBoundary => r"\b",
            Assertion::NotWordBoundary => r"\B",
        }),
        Node::Look { ahead, negated, node } => {
            into.push_str(match (ahead, negated) {
                (true, false) => "(?=",
                (true, true) => "(?!",
                (false, false) => "(?<=",
                (false, true) => "(?<!",
            });
            emit(node, false, into);
            into.push(')');
        }
        Node::Group { number, node } => {
            into.push_str(if capturing && number.is_some() { "(" } else { "(?:" });
            emit(node, capturing, into);
            into.push(')');
        }
        Node::Concatenation(items) => items.iter().for_each(|item| emit(item, capturing, into)),
        Node::Alternation(items) => {
            into.push_str("(?:");
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    into.push('|');
                }
                emit(item, capturing, into);
            }
            into.push(')');
        }
        Node::Repeat(repeat) => {
            into.push_str("(?:");
            emit(&repeat.node, capturing, into);
            into.push(')');
            let most = repeat.most.map(|most| most.to_string()).unwrap_or_default();
            into.push_str(&format!("{{{},{most}}}", repeat.least));
            if repeat.preference == Some(Preference::Shortest) {
                into.push('?');
            }
        }
        Node::BackReference(number) => into.push_str(&format!("(?:\\{number})")),
    }
}

fn emit_set(set: &Set, into: &mut String) {
    if set.items.is_empty() {
        into.push_str(if set.no_newline { r"[^\n]" } else { "(?s:.)" });
        return;
    }
    into.push_str(if set.no_newline { "[[" } else { "[" });
    if set.negated {
        into.push('^');
    }
    for item in &set.items {
        match item {
            Item::Range(low, high) => {
                into.push_str(&format!("\\x{{{:x}}}-\\x{{{:x}}}", u32::from(*low), u32::from(*high)));
            }
            Item::Class { class, negated: false } => into.push_str(class.items()),
            Item::Class { class, negated: true } => into.push_str(&format!("[^{}]", class.items())),
        }
    }
    into.push_str(if set.no_newline { r"]&&[^\n]]" } else { "]" });
}
