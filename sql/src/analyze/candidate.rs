//! Choosing among candidates by argument types: PostgreSQL's func_match_argtypes and func_select_candidate.

use catalog::builtin::CastContext;

use super::Analyzer;
use super::types::STRING;
use crate::types::oid;

impl Analyzer<'_> {
    /// The candidates whose parameters can take these arguments. `types` gives a candidate's parameter types.
    pub(super) fn matching<T>(&self, inputs: &[u32], candidates: Vec<T>, types: fn(&T) -> &[u32]) -> Vec<T> {
        let fits = |candidate: &T| self.can_coerce(inputs, types(candidate), CastContext::Implicit);
        candidates.into_iter().filter(fits).collect()
    }

    /// The one candidate that PostgreSQL's rules prefer; None where the call is ambiguous.
    pub(super) fn select_candidate<T>(
        &self,
        inputs: &[u32],
        candidates: Vec<T>,
        types: fn(&T) -> &[u32],
    ) -> Option<T> {
        let known = |i: usize| inputs.get(i).is_some_and(|input| *input != oid::UNKNOWN);
        let exact = |candidate: &T| {
            types(candidate).iter().zip(inputs).enumerate().filter(|(i, (a, b))| known(*i) && a == b).count()
        };
        let mut candidates = keep_best(candidates, exact);
        if candidates.len() <= 1 {
            return candidates.pop();
        }
        let preferred = |candidate: &T| {
            let slots = types(candidate).iter().zip(inputs).enumerate();
            slots
                .filter(|(i, (slot, input))| {
                    known(*i) && (slot == input || self.is_preferred_for(**slot, **input))
                })
                .count()
        };
        candidates = keep_best(candidates, preferred);
        if candidates.len() <= 1 {
            return candidates.pop();
        }
        let unknowns = inputs.iter().filter(|input| **input == oid::UNKNOWN).count();
        if unknowns == 0 {
            return None;
        }
        if let Some(kept) = self.by_unknown_categories(inputs, &candidates, types) {
            if kept.iter().any(|keep| *keep) {
                let mut marks = kept.into_iter();
                candidates.retain(|_| marks.next().unwrap_or(false));
            }
            if candidates.len() == 1 {
                return candidates.pop();
            }
        }
        self.by_assuming_known(inputs, candidates, types)
    }

    /// IsPreferredType: of the category of the input, and preferred there.
    fn is_preferred_for(&self, slot: u32, input: u32) -> bool {
        self.is_preferred(slot) && self.category(slot) == self.category(input)
    }

    /// For each unknown argument the category that the candidates agree on (strings win); which candidates have
    /// those categories. None where some argument's category cannot be settled.
    fn by_unknown_categories<T>(
        &self,
        inputs: &[u32],
        candidates: &[T],
        types: fn(&T) -> &[u32],
    ) -> Option<Vec<bool>> {
        let mut keep = vec![true; candidates.len()];
        for (i, _) in inputs.iter().enumerate().filter(|(_, input)| **input == oid::UNKNOWN) {
            let slot = |candidate: &T| types(candidate).get(i).copied().unwrap_or(0);
            let (mut category, mut preferred, mut conflict) = (None, false, false);
            for candidate in candidates {
                let (current, is_preferred) =
                    (self.category(slot(candidate)), self.is_preferred(slot(candidate)));
                match category {
                    None => (category, preferred) = (Some(current), is_preferred),
                    Some(found) if found == current => preferred |= is_preferred,
                    Some(_) if current == STRING => (category, preferred) = (Some(current), is_preferred),
                    Some(_) => conflict = true,
                }
            }
            if conflict && category != Some(STRING) {
                return None;
            }
            for (candidate, keep) in candidates.iter().zip(keep.iter_mut()) {
                let type_oid = slot(candidate);
                *keep &=
                    Some(self.category(type_oid)) == category && (!preferred || self.is_preferred(type_oid));
            }
        }
        Some(keep)
    }

    /// Where all known arguments have one type, the unknown ones may have it too.
    fn by_assuming_known<T>(&self, inputs: &[u32], candidates: Vec<T>, types: fn(&T) -> &[u32]) -> Option<T> {
        let mut known = inputs.iter().filter(|input| **input != oid::UNKNOWN);
        let first = *known.next()?;
        if known.any(|input| *input != first) {
            return None;
        }
        let assumed = vec![first; inputs.len()];
        let mut fitting = self.matching(&assumed, candidates, types);
        if fitting.len() == 1 { fitting.pop() } else { None }
    }
}

/// The candidates with the highest score.
fn keep_best<T>(candidates: Vec<T>, score: impl Fn(&T) -> usize) -> Vec<T> {
    let best = candidates.iter().map(&score).max().unwrap_or(0);
    candidates.into_iter().filter(|candidate| score(candidate) == best).collect()
}
