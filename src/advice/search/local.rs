//! Local search over sets of candidates by what is known of the plans: add and make room, drop and fill up. Asks the
//! planner nothing: see `explore`.

use std::collections::BTreeSet;

use super::model::{Bound, Model, Set, Standing};

/// Passes over all moves at most; a pass without an improvement is the last.
const PASSES_MAX: usize = 20;

/// Candidates up to which the whole pool, made smaller until it fits, is a start of its own: the work grows with the square.
const FROM_ALL_MAX: usize = 120;

/// Moves times members above which a member that is dropped is replaced only by what serves the same statements.
const REFILLS_MAX: usize = 20_000;

/// A difference in value below this share of the workload's cost is rounding.
const NOTHING: f64 = 1e-9;

/// Local search under one model.
pub struct Local<'m> {
    model: &'m Model<'m>,
    pool: &'m Set,
    moves: Vec<Set>,
    /// The moves that each candidate is in, by position.
    moves_of: Vec<Vec<usize>>,
    nothing: f64,
    has_budget: bool,
}

impl<'m> Local<'m> {
    /// Over the candidates of `pool`; `workload_cost` is the weighed cost without any.
    pub fn new(model: &'m Model<'m>, pool: &'m Set, workload_cost: f64, has_budget: bool) -> Self {
        let moves = model.moves(pool);
        let mut moves_of = vec![Vec::new(); pool.len()];
        for (position, members) in moves.iter().enumerate() {
            members.ones().for_each(|id| moves_of[id].push(position));
        }
        Self { model, pool, moves, moves_of, nothing: NOTHING * workload_cost, has_budget }
    }

    /// The sets that are added at once.
    pub fn moves(&self) -> &[Set] {
        &self.moves
    }

    /// The best set that can be reached from `best`; `best` itself when no other is better.
    pub fn climbed(&self, best: &Set) -> Set {
        let standing = self.model.standing(best.clone());
        let reached = self.improved(standing.clone()).set;
        if self.is_better(&standing, &reached) { reached } else { standing.set }
    }

    /// The same, and from nothing, and from everything.
    pub fn restarted(&self, best: &Set) -> Set {
        let nothing = self.model.standing(self.model.set([]));
        let mut starts = vec![self.filled(nothing.clone(), &self.moves, false)];
        if self.has_budget {
            starts.push(self.filled(nothing.clone(), &self.moves, true));
            if self.pool.count_ones(..) <= FROM_ALL_MAX {
                let all = self.model.standing(self.pool.clone());
                starts.push(self.trimmed(all, &nothing.set, true));
            }
        }
        let mut known = self.model.standing(self.climbed(best));
        for start in starts {
            let reached = self.improved(start);
            if self.is_better(&known, &reached.set) {
                known = reached;
            }
        }
        known.set
    }

    /// Whether `new` is worth more than `old`, or the same with fewer bytes.
    pub fn is_better(&self, old: &Standing, new: &Set) -> bool {
        // Most moves are taken back at once by what is trimmed.
        if *new == old.set {
            return false;
        }
        let difference = self.model.difference(old, new, Bound::AtMost);
        difference > self.nothing || (difference >= -self.nothing && self.model.compare(new, &old.set).is_lt())
    }

    fn improved(&self, mut chosen: Standing) -> Standing {
        for _ in 0..PASSES_MAX {
            let before = chosen.set.clone();
            for members in &self.moves {
                if members.is_subset(&chosen.set) {
                    continue;
                }
                let mut with = chosen.set.clone();
                with.union_with(members);
                // Room is made by what gives least for its bytes, or by what gives least.
                let is_too_large = !self.model.fits(&with);
                let with = self.model.moved(&chosen, with);
                let others = is_too_large.then(|| self.trimmed(with.clone(), members, false));
                for with in others.into_iter().chain([self.trimmed(with, members, true)]) {
                    if self.model.fits(&with.set) && self.is_better(&chosen, &with.set) {
                        chosen = with;
                    }
                }
            }
            for id in before.ones().collect::<Vec<usize>>() {
                if !chosen.set.contains(id) {
                    continue;
                }
                let refilled = self.without(&chosen, id);
                if self.is_better(&chosen, &refilled.set) {
                    chosen = refilled;
                }
            }
            if chosen.set == before {
                break;
            }
        }
        chosen
    }

    /// `chosen` without `id`, filled up with others.
    fn without(&self, chosen: &Standing, id: usize) -> Standing {
        let mut without = chosen.set.clone();
        without.set(id, false);
        let mut gone = self.model.set([]);
        gone.insert(id);
        let near = self.model.sharing(&gone);
        let is_few = self.moves.len() * chosen.set.count_ones(..) <= REFILLS_MAX;
        let near: BTreeSet<usize> = near.ones().flat_map(|id| &self.moves_of[id]).copied().collect();
        let moves: Vec<&Set> =
            if is_few { self.moves.iter().collect() } else { near.iter().map(|at| &self.moves[*at]).collect() };
        let moves: Vec<Set> = moves.into_iter().filter(|members| !members.contains(id)).cloned().collect();
        self.filled(self.model.moved(chosen, without), &moves, self.has_budget)
    }

    /// Adds to `chosen` what gains most, by itself or for each byte, until nothing gains or fits.
    fn filled(&self, mut chosen: Standing, moves: &[Set], by_byte: bool) -> Standing {
        let fits = |members: &&Set| self.model.fits(&union(&chosen.set, members));
        let mut ranked: Vec<(f64, usize, &Set)> = moves
            .iter()
            .filter(fits)
            .map(|members| (self.score(&chosen, members, by_byte), 0, members))
            .filter(|(score, _, _)| *score > 0.0)
            .collect();
        let mut round = 0;
        // A gain found earlier is taken for a bound of the gain now; only the move that looks best is looked at again.
        while let Some(position) = self.first(&ranked) {
            let (known, known_in, members) = ranked[position];
            if known <= 0.0 {
                break;
            }
            let with = union(&chosen.set, members);
            if members.is_subset(&chosen.set) || !self.model.fits(&with) {
                ranked.swap_remove(position);
            } else if known_in < round {
                ranked[position] = (self.score(&chosen, members, by_byte), round, members);
            } else {
                ranked.swap_remove(position);
                chosen = self.model.moved(&chosen, with);
                round += 1;
            }
        }
        chosen
    }

    fn score(&self, chosen: &Standing, members: &Set, by_byte: bool) -> f64 {
        let gain = self.model.difference(chosen, &union(&chosen.set, members), Bound::AtMost);
        let bytes: f64 = members.difference(&chosen.set).map(|id| self.model.bytes_of(id)).sum();
        if by_byte { gain / bytes.max(1.0) } else { gain }
    }

    fn first(&self, ranked: &[(f64, usize, &Set)]) -> Option<usize> {
        (0..ranked.len()).max_by(|a, b| {
            let ((score_a, _, a), (score_b, _, b)) = (&ranked[*a], &ranked[*b]);
            score_a.total_cmp(score_b).then_with(|| self.model.compare(b, a))
        })
    }

    /// Takes out of `chosen` what is worth least, by itself or for its bytes, until the rest fits the budget, and of what
    /// shares a statement with `kept` all that is worth nothing beside it. `kept` stays.
    fn trimmed(&self, mut chosen: Standing, kept: &Set, by_byte: bool) -> Standing {
        let near = self.model.sharing(kept);
        loop {
            let fits = self.model.fits(&chosen.set);
            let mut least: Option<(f64, usize)> = None;
            let mut removable = if fits { &chosen.set & &near } else { chosen.set.clone() };
            removable.difference_with(kept);
            for id in removable.ones() {
                let loss = self.model.loss(&chosen, id);
                let score = if fits || !by_byte { loss } else { loss / self.model.bytes_of(id) };
                if least.is_none_or(|(known, _)| score < known) {
                    least = Some((score, id));
                }
            }
            match least {
                Some((score, id)) if !fits || score <= 0.0 => {
                    let mut fewer = chosen.set.clone();
                    fewer.set(id, false);
                    chosen = self.model.moved(&chosen, fewer);
                }
                _ => return chosen,
            }
        }
    }
}

fn union(a: &Set, b: &Set) -> Set {
    let mut union = a.clone();
    union.union_with(b);
    union
}
