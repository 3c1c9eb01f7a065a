//! Fewer configurations for many questions: questions about different relations share one set of visible and hidden
//! indexes, so that a backend has to change its indexes less often. Asks nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ask, CandidateId};
use crate::pg::Oid;

/// Hypothetical indexes in one shared configuration at most. Every one of them is created, and looked at by the planner
/// for each statement that reads its relation; HypoPG holds 2,700.
const VISIBLE_MAX: usize = 1_000;
/// Configurations that a question is compared with at most: the latest ones.
const COMPARED_MAX: usize = 64;

/// What is visible and hidden on one relation.
type OnRelation = (BTreeSet<CandidateId>, BTreeSet<Oid>);

/// What a question sees on each relation that its statement reads.
pub(super) type OnRelations = BTreeMap<Oid, OnRelation>;

/// A set of indexes that answers several questions.
#[derive(Debug, Default)]
struct Shared {
    /// What holds on each relation that one of the questions reads: fixed, also where there is nothing.
    relations: OnRelations,
    visible: BTreeSet<CandidateId>,
    hidden: BTreeSet<Oid>,
    members: Vec<usize>,
}

impl Shared {
    fn admits(&self, relations: &OnRelations) -> bool {
        let n_more: usize = relations.values().map(|(visible, _)| visible.len()).sum();
        self.visible.len() + n_more <= VISIBLE_MAX
            && relations.iter().all(|(oid, on)| self.relations.get(oid).is_none_or(|fixed| fixed == on))
    }

    fn admit(&mut self, position: usize, relations: OnRelations) {
        for (visible, hidden) in relations.values() {
            self.visible.extend(visible);
            self.hidden.extend(hidden);
        }
        self.relations.extend(relations);
        self.members.push(position);
    }
}

/// The same questions with more indexes around them, where those are on relations that the statement does not read:
/// the answers are the same. `on_relations` gives what a question sees on each relation that it reads; `None` leaves
/// the question as it is.
pub(super) fn coalesced(asks: &[Ask], on_relations: impl Fn(&Ask) -> Option<OnRelations>) -> Vec<Ask> {
    let mut shared: Vec<Shared> = Vec::new();
    let mut wider = asks.to_vec();
    for (position, ask) in asks.iter().enumerate() {
        let Some(relations) = on_relations(ask) else { continue };
        let first = shared.len().saturating_sub(COMPARED_MAX);
        match shared[first..].iter_mut().find(|shared| shared.admits(&relations)) {
            Some(found) => found.admit(position, relations),
            None => {
                let mut fresh = Shared::default();
                fresh.admit(position, relations);
                shared.push(fresh);
            }
        }
    }
    for shared in shared {
        for member in shared.members {
            wider[member].visible.clone_from(&shared.visible);
            wider[member].hidden.clone_from(&shared.hidden);
        }
    }
    wider
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Statement n reads relation n; statement 9 reads relations 0 and 1. Candidate n is on relation n modulo 3.
    fn on_relations(ask: &Ask) -> Option<OnRelations> {
        let read: &[u32] = match ask.statement {
            8 => return None,
            9 => &[0, 1],
            n => &[n as u32],
        };
        let on = |relation: &u32| {
            let visible = ask.visible.iter().filter(|id| id.0 % 3 == *relation).copied().collect();
            (Oid(*relation), (visible, BTreeSet::new()))
        };
        Some(read.iter().map(on).collect())
    }

    fn ask(statement: usize, visible: &[u32]) -> Ask {
        Ask { statement, visible: visible.iter().map(|id| CandidateId(*id)).collect(), hidden: BTreeSet::new() }
    }

    fn visible(asks: &[Ask]) -> Vec<Vec<u32>> {
        asks.iter().map(|ask| ask.visible.iter().map(|id| id.0).collect()).collect()
    }

    #[test]
    fn questions_about_different_relations_share_their_indexes() {
        let asks = [ask(0, &[0]), ask(1, &[1]), ask(0, &[3]), ask(2, &[2]), ask(1, &[]), ask(8, &[1])];
        let wider = coalesced(&asks, on_relations);
        assert_eq!(visible(&wider), [vec![0, 1, 2], vec![0, 1, 2], vec![3], vec![0, 1, 2], vec![3], vec![1]]);
    }

    #[test]
    fn a_statement_that_reads_both_sees_exactly_what_it_asked_for() {
        let asks = [ask(9, &[0]), ask(1, &[1]), ask(1, &[]), ask(9, &[0, 1])];
        let wider = coalesced(&asks, on_relations);
        assert_eq!(visible(&wider), [vec![0], vec![0, 1], vec![0], vec![0, 1]]);
    }

    #[test]
    fn a_shared_set_stays_small_enough_to_be_created() {
        let many: Vec<u32> = (0..VISIBLE_MAX as u32).map(|n| n * 3).collect();
        let asks = [ask(0, &many), ask(1, &[1])];
        assert_eq!(visible(&coalesced(&asks, on_relations)), [many, vec![1]]);
    }
}
