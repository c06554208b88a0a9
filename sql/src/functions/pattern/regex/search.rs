//! Matching: where a match starts, how long it is, and what its groups hold.

use std::ops::Range;

use super::emit::emit;
use super::flags::Flags;
use super::parse::{invalid, parse};
use super::syntax::{Assertion, Node, Repeat};
use crate::error::Result;

/// A compiled regular expression.
pub(in crate::functions) struct Regex {
    node: Node,
    groups: usize,
    /// Accepts the same language; absent where the tree looks around or refers back, or is too large.
    automaton: Option<regex::Regex>,
    /// Where the tree refers back.
    backtracking: Option<fancy_regex::Regex>,
}

/// A match, in characters: the whole, then each group that took part.
#[derive(Clone, Debug)]
pub(in crate::functions) struct Match {
    pub(in crate::functions) whole: Range<usize>,
    pub(in crate::functions) groups: Vec<Option<Range<usize>>>,
}

/// A text whose characters can be counted.
pub(in crate::functions) struct Subject<'a> {
    pub(in crate::functions) text: &'a str,
    pub(in crate::functions) characters: Vec<char>,
    /// Byte offset of every character, and of the end; empty where bytes are characters.
    offsets: Vec<usize>,
}

impl<'a> Subject<'a> {
    pub(in crate::functions) fn new(text: &'a str) -> Subject<'a> {
        let offsets = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(offset, _)| offset).chain([text.len()]).collect()
        };
        Subject { text, characters: text.chars().collect(), offsets }
    }

    pub(in crate::functions) fn len(&self) -> usize {
        self.characters.len()
    }

    fn byte(&self, character: usize) -> usize {
        if self.offsets.is_empty() {
            character
        } else {
            self.offsets.get(character).copied().unwrap_or(self.text.len())
        }
    }

    fn character(&self, byte: usize) -> usize {
        if self.offsets.is_empty() { byte } else { self.offsets.partition_point(|&offset| offset < byte) }
    }

    /// The text of a range of characters.
    pub(in crate::functions) fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(self.byte(range.start)..self.byte(range.end)).unwrap_or_default()
    }
}

impl Regex {
    pub(super) fn new(pattern: &str, flags: Flags) -> Result<Regex> {
        let parsed = parse(pattern, flags)?;
        let refers_back = parsed.node.refers_back();
        let mut notation = String::new();
        emit(&parsed.node, refers_back, &mut notation);
        let automaton = if refers_back || parsed.node.looks_around() {
            None
        } else {
            regex::RegexBuilder::new(&notation).size_limit(4 << 20).build().ok()
        };
        let backtracking = if refers_back {
            Some(
                fancy_regex::Regex::new(&notation)
                    .map_err(|_| invalid("regular expression is too complex"))?,
            )
        } else {
            None
        };
        Ok(Regex { node: parsed.node, groups: parsed.groups, automaton, backtracking })
    }

    /// How many groups capture.
    pub(in crate::functions) fn groups(&self) -> usize {
        self.groups
    }

    /// Whether any part of the text matches.
    pub(in crate::functions) fn is_match(&self, text: &str) -> Result<bool> {
        if let Some(automaton) = &self.automaton {
            return Ok(automaton.is_match(text));
        }
        let subject = Subject::new(text);
        if self.backtracking.is_some() {
            return Ok(self.find(&subject, 0)?.is_some());
        }
        let starts: Vec<usize> = (0..=subject.len()).collect();
        Ok(!advance(&self.node, &starts, &subject.characters).is_empty())
    }

    /// The leftmost match that starts at or after a character.
    pub(in crate::functions) fn find(&self, subject: &Subject, from: usize) -> Result<Option<Match>> {
        if let Some(backtracking) = &self.backtracking {
            return find_backtracking(backtracking, subject, from);
        }
        let text = &subject.characters;
        let found = match &self.automaton {
            Some(automaton) => automaton
                .find_at(subject.text, subject.byte(from))
                .map(|found| subject.character(found.start()))
                .map(|start| (start, advance(&self.node, &[start], text))),
            None => (from..=text.len())
                .map(|start| (start, advance(&self.node, &[start], text)))
                .find(|(_, ends)| !ends.is_empty()),
        };
        let Some((start, ends)) = found else { return Ok(None) };
        let end = if self.node.prefers_shortest() { ends.first() } else { ends.last() };
        let Some(&end) = end else { return Ok(None) };
        let mut groups = vec![None; self.groups];
        if self.groups > 0 {
            divide(&self.node, start, end, text, &mut groups);
        }
        Ok(Some(Match { whole: start..end, groups }))
    }
}

fn find_backtracking(regex: &fancy_regex::Regex, subject: &Subject, from: usize) -> Result<Option<Match>> {
    let captures = regex
        .captures_from_pos(subject.text, subject.byte(from))
        .map_err(|_| invalid("regular expression is too complex"))?;
    Ok(captures.and_then(|captures| {
        let range =
            |group: fancy_regex::Match| subject.character(group.start())..subject.character(group.end());
        let whole = range(captures.get(0)?);
        let groups = (1..captures.len()).map(|number| captures.get(number).map(range)).collect();
        Some(Match { whole, groups })
    }))
}

/// Every position that a match of `node` may end at, starting from any of `starts`. Both are ascending.
fn advance(node: &Node, starts: &[usize], text: &[char]) -> Vec<usize> {
    match node {
        Node::Empty | Node::BackReference(_) => starts.to_vec(),
        Node::Set(set) => starts
            .iter()
            .filter(|&&at| text.get(at).is_some_and(|&character| set.contains(character)))
            .map(|at| at + 1)
            .collect(),
        Node::Assertion(assertion) => {
            starts.iter().copied().filter(|&at| holds(*assertion, at, text)).collect()
        }
        Node::Look { ahead: true, negated, node } => {
            starts.iter().copied().filter(|&at| advance(node, &[at], text).is_empty() == *negated).collect()
        }
        Node::Look { ahead: false, negated, node } => starts
            .iter()
            .copied()
            .filter(|&at| {
                let before: Vec<usize> = (0..=at).collect();
                let ends = advance(node, &before, text.get(..at).unwrap_or_default());
                (ends.last() == Some(&at)) != *negated
            })
            .collect(),
        Node::Group { node, .. } => advance(node, starts, text),
        Node::Concatenation(items) => advance_all(items, starts, text),
        Node::Alternation(items) => {
            let mut ends: Vec<usize> = items.iter().flat_map(|item| advance(item, starts, text)).collect();
            ends.sort_unstable();
            ends.dedup();
            ends
        }
        Node::Repeat(repeat) => advance_repeat(&repeat.node, repeat.least, repeat.most, starts, text),
    }
}

fn advance_all(items: &[Node], starts: &[usize], text: &[char]) -> Vec<usize> {
    let mut positions = starts.to_vec();
    for item in items {
        if positions.is_empty() {
            break;
        }
        positions = advance(item, &positions, text);
    }
    positions
}

/// Beyond `least` rounds a position reached once need not be reached again: fewer rounds leave more for the rest.
fn advance_repeat(node: &Node, least: u32, most: Option<u32>, starts: &[usize], text: &[char]) -> Vec<usize> {
    let mut frontier = starts.to_vec();
    for _ in 0..least {
        let next = advance(node, &frontier, text);
        if next == frontier || next.is_empty() {
            frontier = next;
            break;
        }
        frontier = next;
    }
    let mut reached = vec![false; text.len() + 1];
    let mut ends = Vec::new();
    let mut rounds = most.map(|most| most - least);
    loop {
        frontier.retain(|&at| !reached.get(at).copied().unwrap_or(true));
        for &at in &frontier {
            if let Some(mark) = reached.get_mut(at) {
                *mark = true;
            }
        }
        ends.extend_from_slice(&frontier);
        if frontier.is_empty() || rounds == Some(0) {
            break;
        }
        rounds = rounds.map(|rounds| rounds - 1);
        frontier = match node {
            // A single set without a limit: run along each start, instead of one round for each character.
            Node::Set(set) if rounds.is_none() => {
                let mut run = Vec::new();
                for &start in &frontier {
                    let mut at = start;
                    while text.get(at).is_some_and(|&character| set.contains(character)) {
                        at += 1;
                        match reached.get_mut(at) {
                            Some(mark) if !*mark => *mark = true,
                            _ => break,
                        }
                        run.push(at);
                    }
                }
                ends.extend(run);
                break;
            }
            _ => advance(node, &frontier, text),
        };
    }
    ends.sort_unstable();
    ends
}

fn word_at(text: &[char], at: Option<usize>) -> bool {
    at.and_then(|at| text.get(at)).is_some_and(|&character| character == '_' || character.is_alphanumeric())
}

fn holds(assertion: Assertion, at: usize, text: &[char]) -> bool {
    let before = word_at(text, at.checked_sub(1));
    let after = word_at(text, Some(at));
    match assertion {
        Assertion::TextStart => at == 0,
        Assertion::TextEnd => at == text.len(),
        Assertion::LineStart => at == 0 || text.get(at - 1) == Some(&'\n'),
        Assertion::LineEnd => at == text.len() || text.get(at) == Some(&'\n'),
        Assertion::WordStart => !before && after,
        Assertion::WordEnd => before && !after,
        Assertion::WordBoundary => before != after,
        Assertion::NotWordBoundary => before == after,
    }
}

type Groups = Vec<Option<Range<usize>>>;

/// Divides a match of `node` from `start` to `end` among its parts, earlier parts choosing first.
fn divide(node: &Node, start: usize, end: usize, text: &[char], groups: &mut Groups) {
    match node {
        Node::Empty | Node::Set(_) | Node::Assertion(_) | Node::Look { .. } | Node::BackReference(_) => {}
        Node::Group { number, node } => {
            if let Some(group) = number.and_then(|number| groups.get_mut(number - 1)) {
                *group = Some(start..end);
            }
            divide(node, start, end, text, groups);
        }
        Node::Concatenation(items) => divide_concatenation(items, start, end, text, groups),
        Node::Alternation(items) => {
            let chosen = items.iter().find(|item| advance(item, &[start], text).binary_search(&end).is_ok());
            if let Some(item) = chosen {
                divide(item, start, end, text, groups);
            }
        }
        Node::Repeat(repeat) => divide_repeat(repeat, start, end, text, groups),
    }
}

fn divide_concatenation(items: &[Node], mut start: usize, end: usize, text: &[char], groups: &mut Groups) {
    for (at, item) in items.iter().enumerate() {
        let rest = items.get(at + 1..).unwrap_or_default();
        let mut ends = advance(item, &[start], text);
        ends.retain(|&middle| middle <= end);
        if !item.prefers_shortest() {
            ends.reverse();
        }
        let fits = |&middle: &usize| advance_all(rest, &[middle], text).binary_search(&end).is_ok();
        let Some(middle) = ends.into_iter().find(fits) else { return };
        divide(item, start, middle, text, groups);
        start = middle;
    }
}

/// Each round in turn takes as much (or as little) as it may; groups keep their last round.
fn divide_repeat(repeat: &Repeat, mut start: usize, end: usize, text: &[char], groups: &mut Groups) {
    if start == end && repeat.least == 0 {
        return;
    }
    let shortest = Node::Repeat(repeat.clone()).prefers_shortest();
    let mut round = 0;
    loop {
        round += 1;
        let least = repeat.least.saturating_sub(round);
        let most = repeat.most.map(|most| most.saturating_sub(round));
        let mut ends = advance(&repeat.node, &[start], text);
        ends.retain(|&middle| middle <= end && (middle > start || middle == end));
        if !shortest {
            ends.reverse();
        }
        let fits = |&middle: &usize| {
            (middle == end && least == 0)
                || advance_repeat(&repeat.node, least, most, &[middle], text).binary_search(&end).is_ok()
        };
        let Some(middle) = ends.into_iter().find(fits) else { return };
        divide(&repeat.node, start, middle, text, groups);
        start = middle;
        if start == end {
            return;
        }
    }
}
