//! The order of inner joins: what is joined, and greedily the smallest intermediate result first.

use super::planner::Planner;
use super::predicate;
use super::walk::{self, Columns};
use crate::tree::{Expression, JoinKind, Relation};

/// A relation among those joined by inner joins.
pub(super) struct Leaf<'r> {
    pub relation: &'r Relation,
    pub produced: Columns,
    /// Columns of other leaves that it reads (LATERAL).
    pub reads: Columns,
    pub conjuncts: Vec<Expression>,
}

impl Planner<'_> {
    /// A guess at a leaf's rows without planning it.
    pub(super) fn leaf_rows(&self, leaf: &Leaf<'_>) -> f64 {
        let base = self.relation_rows(leaf.relation);
        let selectivity = self.selectivity_of_all(&leaf.conjuncts);
        (base * selectivity).max(1.0)
    }

    pub(super) fn relation_rows(&self, relation: &Relation) -> f64 {
        match relation {
            Relation::Empty => 1.0,
            Relation::Nothing { columns: _ } => 0.0,
            Relation::Table(scan) => self.input.statistics.rows(scan.table).max(1.0),
            Relation::Values { columns: _, rows } => rows.len() as f64,
            Relation::Subquery(query) => self.relation_rows(&query.relation),
            Relation::Filter { input, predicate } => {
                (self.relation_rows(input) * self.selectivity(predicate)).max(1.0)
            }
            Relation::Extend { input, items: _ }
            | Relation::Window { input, calls: _ }
            | Relation::Sort { input, keys: _ }
            | Relation::LockRows { input, clauses: _ } => self.relation_rows(input),
            Relation::Aggregate { input, groups, sets: _, aggregates: _, grouping: _ } => {
                if groups.is_empty() { 1.0 } else { (self.relation_rows(input) / 5.0).max(1.0) }
            }
            Relation::Distinct { input, columns: _, on: _ } => (self.relation_rows(input) / 5.0).max(1.0),
            Relation::Limit { input, count: _, offset: _, with_ties: _ } => {
                self.relation_rows(input).min(100.0)
            }
            Relation::Join { kind: _, left, right, on: _, lateral: _ } => {
                self.relation_rows(left).max(self.relation_rows(right))
            }
            Relation::SetOperation { operator: _, all: _, left, right, columns: _ } => {
                self.relation_rows(&left.relation) + self.relation_rows(&right.relation)
            }
            Relation::CommonScan { id: _, columns: _ } => 100.0,
            Relation::Functions { items: _, ordinality: _ } => 100.0,
            Relation::ProjectSet { input, items: _ } => self.relation_rows(input) * 10.0,
        }
    }

    /// The leaf from which greedy joining makes the fewest intermediate rows.
    pub(super) fn smallest_start(
        &self,
        leaves: &[Leaf<'_>],
        sizes: &[f64],
        conjuncts: &[Expression],
    ) -> usize {
        let mut best = (f64::INFINITY, 0);
        for start in 0..leaves.len() {
            let (mut rows, mut cost) = (sizes[start], sizes[start]);
            let mut joined = leaves[start].produced.clone();
            let mut open: Vec<usize> = (0..leaves.len()).filter(|index| *index != start).collect();
            while !open.is_empty() {
                let mut choice = (f64::INFINITY, 0);
                for (at, index) in open.iter().enumerate() {
                    let result = self.joined_rows(&joined, rows, &leaves[*index], sizes[*index], conjuncts);
                    if result < choice.0 {
                        choice = (result, at);
                    }
                }
                let index = open.remove(choice.1);
                rows = choice.0;
                cost += rows;
                joined.extend(&leaves[index].produced);
            }
            if cost < best.0 {
                best = (cost, start);
            }
        }
        best.1
    }

    pub(super) fn next_leaf(
        &self,
        leaves: &[Leaf<'_>],
        sizes: &[f64],
        joined: &Columns,
        rows: f64,
        conjuncts: &[Expression],
    ) -> usize {
        let mut best = (f64::INFINITY, 0);
        for (index, leaf) in leaves.iter().enumerate() {
            if leaves.iter().any(|other| !leaf.reads.is_disjoint(&other.produced)) {
                continue;
            }
            let size = sizes.get(index).copied().unwrap_or(1.0);
            let result = self.joined_rows(joined, rows, leaf, size, conjuncts);
            if result < best.0 {
                best = (result, index);
            }
        }
        best.1
    }

    /// The rows of a join; without a condition between the sides it counts as far larger than it is.
    pub(super) fn joined_rows(
        &self,
        joined: &Columns,
        rows: f64,
        leaf: &Leaf<'_>,
        size: f64,
        conjuncts: &[Expression],
    ) -> f64 {
        let mut selectivity = 1.0;
        let mut connected = false;
        for conjunct in conjuncts {
            if predicate::reads_any(conjunct, &leaf.produced) && predicate::reads_any(conjunct, joined) {
                connected = true;
                selectivity *= self.selectivity(conjunct);
            }
        }
        let result = (rows * size * selectivity).max(1.0);
        if connected || !leaf.reads.is_empty() { result } else { result * 1e6 }
    }
}

/// Takes inner joins apart.
pub(super) fn flatten<'r>(
    relation: &'r Relation,
    leaves: &mut Vec<Leaf<'r>>,
    conjuncts: &mut Vec<Expression>,
) {
    match relation {
        Relation::Join { kind: JoinKind::Inner | JoinKind::Cross, left, right, on, lateral: _ } => {
            flatten(left, leaves, conjuncts);
            flatten(right, leaves, conjuncts);
            on.iter().for_each(|on| predicate::conjuncts(on, conjuncts));
        }
        Relation::Filter { input, predicate } if matches!(**input, Relation::Join { .. }) => {
            flatten(input, leaves, conjuncts);
            predicate::conjuncts(predicate, conjuncts);
        }
        _ => leaves.push(Leaf {
            relation,
            produced: walk::produced_columns(relation),
            reads: Columns::new(),
            conjuncts: Vec::new(),
        }),
    }
}

/// Gives each leaf the conjuncts that read it alone; the others are returned. One that reads no leaf goes to the first.
pub(super) fn place_conjuncts(leaves: &mut [Leaf<'_>], conjuncts: Vec<Expression>) -> Vec<Expression> {
    let mut rest = Vec::new();
    for conjunct in conjuncts {
        let readers: Vec<usize> = leaves
            .iter()
            .enumerate()
            .filter(|(_, leaf)| predicate::reads_any(&conjunct, &leaf.produced))
            .map(|(index, _)| index)
            .collect();
        match (readers.as_slice(), leaves.len()) {
            ([only], _) => leaves[*only].conjuncts.push(conjunct),
            ([], 1..) => leaves[0].conjuncts.push(conjunct),
            _ => rest.push(conjunct),
        }
    }
    rest
}

/// Notes which leaves read columns of other leaves.
pub(super) fn add_lateral_reads(leaves: &mut [Leaf<'_>]) {
    if leaves.len() < 2 {
        return;
    }
    let produced: Vec<Columns> = leaves.iter().map(|leaf| leaf.produced.clone()).collect();
    for (index, leaf) in leaves.iter_mut().enumerate() {
        let read = walk::relation_columns(leaf.relation);
        for (_, others) in produced.iter().enumerate().filter(|(other, _)| *other != index) {
            leaf.reads.extend(read.intersection(others));
        }
    }
}

/// A leaf that reads no other.
pub(super) fn first_free(leaves: &[Leaf<'_>]) -> usize {
    leaves.iter().position(|leaf| leaf.reads.is_empty()).unwrap_or(0)
}
