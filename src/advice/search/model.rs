//! What a set of candidates is worth by all that is known so far. Asks the planner nothing: see `explore`.

use std::collections::BTreeSet;

use fixedbitset::FixedBitSet;

use crate::pg::Oid;
use crate::whatif::CandidateId;

use super::Limits;
use super::pricer::{Configuration, Pricer};

/// A set of candidates, by id.
pub type Set = FixedBitSet;

/// Which of the two bounds of a statement's cost is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// What is known to be possible.
    AtMost,
    /// What nothing is known to be below.
    AtLeast,
}

/// The objective, by the plans that were known when it was made.
pub struct Model<'m> {
    limits: &'m Limits<'m>,
    statements: Vec<Known>,
    /// For each candidate, the places of the statements that it can matter to, ascending.
    places: Vec<Vec<u32>>,
    /// What each candidate must gain at least: its write cost, and what makes it worth its reader's attention.
    upkeep: Vec<f64>,
}

/// A set, and what each statement is known to cost with it, by place.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The set.
    pub set: Set,
    costs: Vec<f64>,
}

/// One statement.
struct Known {
    weight: f64,
    relevant: Set,
    /// What plans need, and what they cost, ascending.
    plans: Vec<(Vec<usize>, f64)>,
    /// Prices that were asked for and are above the cheapest plan that should be possible, by all that was visible.
    exceptions: Vec<(Set, f64)>,
    /// All prices that were asked for, by what was visible.
    asked: Vec<(Set, f64)>,
}

/// How much dearer than a plan that should be possible a price is where the planner just took another plan for as good:
/// `STD_FUZZ_FACTOR` (pathnode.c).
const FUZZ: f64 = 1.01;

impl<'m> Model<'m> {
    /// The objective by what `pricer` knows now.
    pub fn new(pricer: &Pricer<'_>, limits: &'m Limits<'m>) -> Self {
        let mut places = vec![Vec::new(); limits.items.len()];
        for (place, weighed) in pricer.statements.iter().enumerate() {
            for id in &weighed.relevant {
                places[index(*id)].push(place as u32);
            }
        }
        let each = limits.gain_min();
        let statements = (0..pricer.statements.len()).map(|place| Known::new(pricer, place, limits.items.len()));
        Self {
            limits,
            statements: statements.collect(),
            places,
            upkeep: limits.items.iter().map(|item| each + item.write_cost).collect(),
        }
    }

    /// A set as the model counts with it.
    pub fn set<'c>(&self, members: impl IntoIterator<Item = &'c CandidateId>) -> Set {
        let mut set = Set::with_capacity(self.limits.items.len());
        members.into_iter().for_each(|id| set.insert(index(*id)));
        set
    }

    /// What each statement costs with `set`.
    pub fn standing(&self, set: Set) -> Standing {
        let costs = self.statements.iter().map(|known| known.at_most(&set)).collect();
        Standing { set, costs }
    }

    /// The same from what it costs with another set: only the statements that the difference matters to are looked at.
    pub fn moved(&self, from: &Standing, to: Set) -> Standing {
        let mut costs = from.costs.clone();
        for place in self.touched(&from.set, &to) {
            costs[place] = self.statements[place].at_most(&to);
        }
        Standing { set: to, costs }
    }

    /// The statements that the difference between two sets can matter to.
    fn touched(&self, before: &Set, after: &Set) -> Vec<usize> {
        let changed = before ^ after;
        let mut places: Vec<usize> =
            changed.ones().flat_map(|id| &self.places[id]).map(|place| *place as usize).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// What changing `before` into `after` is worth: the weighed cost that it saves, less what it costs to maintain. With
    /// [`Bound::AtLeast`] at the very best.
    pub fn difference(&self, before: &Standing, after: &Set, bound: Bound) -> f64 {
        let changed = &before.set ^ after;
        let upkeep = changed.ones().map(|id| if after.contains(id) { self.upkeep[id] } else { -self.upkeep[id] });
        let saved = self.touched(&before.set, after).into_iter().map(|place| {
            let known = &self.statements[place];
            let then = match bound {
                Bound::AtMost => known.at_most(after),
                Bound::AtLeast => known.at_least(after),
            };
            let saved = before.costs[place] - then;
            if saved.is_nan() { 0.0 } else { known.weight * saved }
        });
        saved.sum::<f64>() - upkeep.sum::<f64>()
    }

    /// How much is not known of the weighed cost of the statement at `place` with `set`.
    pub fn uncertainty(&self, place: usize, set: &Set) -> f64 {
        let known = &self.statements[place];
        let open = known.weight * (known.at_most(set) - known.at_least(set));
        if open.is_nan() { 0.0 } else { open.max(0.0) }
    }

    /// What `chosen` would be worth less without `id`.
    pub fn loss(&self, chosen: &Standing, id: usize) -> f64 {
        let mut without = chosen.set.clone();
        without.set(id, false);
        -self.difference(chosen, &without, Bound::AtMost)
    }

    /// The bytes of a candidate, at least one.
    pub fn bytes_of(&self, id: usize) -> f64 {
        self.limits.items[id].bytes.0.max(1) as f64
    }

    /// The bytes of a set.
    pub fn bytes(&self, set: &Set) -> u64 {
        set.ones().map(|id| self.limits.items[id].bytes.0).sum()
    }

    /// Whether a set fits the budget.
    pub fn fits(&self, set: &Set) -> bool {
        self.limits.budget.is_none_or(|budget| self.bytes(set) <= budget.0)
    }

    /// Which of two sets is to be preferred where both are worth the same.
    pub fn compare(&self, a: &Set, b: &Set) -> std::cmp::Ordering {
        self.bytes(a).cmp(&self.bytes(b)).then_with(|| self.limits.compare(&configuration(a), &configuration(b)))
    }

    /// The sets that are worth adding at once: every candidate of `pool`, and every plan's candidates together.
    pub fn moves(&self, pool: &Set) -> Vec<Set> {
        let single: BTreeSet<Vec<usize>> = pool.ones().map(|id| vec![id]).collect();
        let plans = self.statements.iter().flat_map(|known| &known.plans).map(|(needs, _)| needs);
        let together = plans.filter(|needs| needs.len() > 1 && needs.iter().all(|id| pool.contains(*id))).cloned();
        let all: BTreeSet<Vec<usize>> = single.into_iter().chain(together).collect();
        let to_set = |ids: Vec<usize>| {
            let mut set = Set::with_capacity(self.limits.items.len());
            ids.into_iter().for_each(|id| set.insert(id));
            set
        };
        all.into_iter().map(to_set).collect()
    }

    /// The candidates that can matter to a statement to which one of `members` can.
    pub fn sharing(&self, members: &Set) -> Set {
        let mut sharing = Set::with_capacity(self.limits.items.len());
        for place in members.ones().flat_map(|id| &self.places[id]) {
            sharing.union_with(&self.statements[*place as usize].relevant);
        }
        sharing
    }

    /// The relations of these candidates.
    pub fn relations(&self, ids: impl Iterator<Item = usize>) -> BTreeSet<Oid> {
        ids.map(|id| self.relation(id)).collect()
    }

    /// The relation of a candidate.
    pub fn relation(&self, id: usize) -> Oid {
        self.limits.items[id].candidate.relation
    }

    /// What a byte is worth where the budget binds: the least that a chosen candidate gives for each of its bytes; 0
    /// where every candidate of `pool` would still fit.
    pub fn byte_value(&self, chosen: &Standing, pool: &Set) -> f64 {
        let used = self.bytes(&chosen.set);
        let fits = |id: usize| self.limits.budget.is_none_or(|budget| used + self.limits.items[id].bytes.0 <= budget.0);
        if pool.difference(&chosen.set).all(fits) {
            return 0.0;
        }
        let values = chosen.set.ones().map(|id| self.loss(chosen, id).max(0.0) / self.bytes_of(id));
        values.min_by(f64::total_cmp).unwrap_or(0.0)
    }
}

impl Known {
    fn new(pricer: &Pricer<'_>, place: usize, n_items: usize) -> Self {
        let weighed = &pricer.statements[place];
        let known = pricer.plans(place);
        let to_set = |configuration: &Configuration| {
            let mut set = Set::with_capacity(n_items);
            configuration.iter().for_each(|id| set.insert(index(*id)));
            set
        };
        let is_dearer = |(visible, cost): &(&Configuration, f64)| *cost > FUZZ * known.cheapest_plan(visible);
        let ids = |needs: &Configuration| needs.iter().map(|id| index(*id)).collect();
        Self {
            weight: weighed.weight,
            relevant: to_set(&weighed.relevant),
            plans: known.plans().iter().map(|plan| (ids(&plan.needs), plan.cost)).collect(),
            exceptions: known.asked().filter(is_dearer).map(|(visible, cost)| (to_set(visible), cost)).collect(),
            asked: known.asked().map(|(visible, cost)| (to_set(visible), cost)).collect(),
        }
    }

    fn at_most(&self, members: &Set) -> f64 {
        if !self.exceptions.is_empty() {
            let visible = members & &self.relevant;
            if let Some((_, cost)) = self.exceptions.iter().find(|(seen, _)| *seen == visible) {
                return *cost;
            }
        }
        let possible = self.plans.iter().find(|(needs, _)| needs.iter().all(|id| members.contains(*id)));
        possible.map_or(f64::INFINITY, |(_, cost)| *cost)
    }

    fn at_least(&self, members: &Set) -> f64 {
        let visible = members & &self.relevant;
        let mut bound = 0.0_f64;
        for (more, cost) in self.asked.iter().filter(|(more, _)| visible.is_subset(more)) {
            if *more == visible {
                return *cost;
            }
            bound = if cost.is_finite() { bound.max(*cost) } else { bound };
        }
        bound
    }
}

/// The ids of a set.
pub fn configuration(set: &Set) -> Configuration {
    set.ones().map(|id| CandidateId(id as u32)).collect()
}

/// Where a candidate is in a [`Set`].
pub fn index(id: CandidateId) -> usize {
    id.0 as usize
}
