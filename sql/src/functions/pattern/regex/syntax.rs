//! The syntax tree of an advanced regular expression.

use super::class::Set;

#[derive(Clone, Debug)]
pub(super) enum Node {
    Empty,
    /// One character of a set.
    Set(Set),
    Assertion(Assertion),
    Look {
        ahead: bool,
        negated: bool,
        node: Box<Node>,
    },
    /// Parentheses; those that capture have a number, from 1.
    Group {
        number: Option<usize>,
        node: Box<Node>,
    },
    Concatenation(Vec<Node>),
    Alternation(Vec<Node>),
    Repeat(Repeat),
    BackReference(usize),
}

#[derive(Clone, Debug)]
pub(super) struct Repeat {
    pub(super) node: Box<Node>,
    pub(super) least: u32,
    pub(super) most: Option<u32>,
    /// `None` for `{m}`, which takes its preference from what it repeats.
    pub(super) preference: Option<Preference>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preference {
    Longest,
    Shortest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assertion {
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    WordStart,
    WordEnd,
    WordBoundary,
    NotWordBoundary,
}

impl Node {
    /// Whether the node, as a whole, prefers long or short matches: PostgreSQL's rules of greediness.
    pub(super) fn preference(&self) -> Option<Preference> {
        match self {
            Node::Empty | Node::Set(_) | Node::Assertion(_) | Node::Look { .. } | Node::BackReference(_) => {
                None
            }
            Node::Group { node, .. } => node.preference(),
            Node::Concatenation(items) => items.iter().find_map(Node::preference),
            Node::Alternation(_) => Some(Preference::Longest),
            Node::Repeat(repeat) => repeat.preference.or_else(|| repeat.node.preference()),
        }
    }

    pub(super) fn prefers_shortest(&self) -> bool {
        self.preference() == Some(Preference::Shortest)
    }

    /// Whether any part is a back reference.
    pub(super) fn refers_back(&self) -> bool {
        match self {
            Node::Empty | Node::Set(_) | Node::Assertion(_) => false,
            Node::BackReference(_) => true,
            Node::Look { node, .. } | Node::Group { node, .. } => node.refers_back(),
            Node::Repeat(repeat) => repeat.node.refers_back(),
            Node::Concatenation(items) | Node::Alternation(items) => items.iter().any(Node::refers_back),
        }
    }

    /// Whether any part looks ahead or behind.
    pub(super) fn looks_around(&self) -> bool {
        match self {
            Node::Empty | Node::Set(_) | Node::Assertion(_) | Node::BackReference(_) => false,
            Node::Look { .. } => true,
            Node::Group { node, .. } => node.looks_around(),
            Node::Repeat(repeat) => repeat.node.looks_around(),
            Node::Concatenation(items) | Node::Alternation(items) => items.iter().any(Node::looks_around),
        }
    }
}
