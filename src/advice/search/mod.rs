//! The search for the best set of candidates under a budget. Asks the planner through `Pricer`, builds nothing.
//!
//! Price everything at once (a bound, and the pool: what the planner used), ask for the plans that come next when a
//! candidate is missing, then search and question in turn, look at every subset where the pool is small, and settle.

mod closing;
mod exact;
mod exchange;
mod expand;
mod explore;
mod local;
mod model;
mod plans;
mod pricer;
mod refusals;
mod reorder;
#[cfg(test)]
mod tests;
mod worth;

pub use pricer::{Configuration, Pricer, Weighed};
pub use reorder::Leading;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::pg::{Bytes, Oid};
use crate::whatif::CandidateId;

use super::candidates::Candidate;
use super::options::Phase;
use worth::Change;
pub use worth::{is_noticeable, is_regression, share_min};

/// Statements from which shares are counted against a mean statement rather than the workload.
const MEAN_FACTOR: f64 = 100.0;

/// A candidate as the search sees it. Its id is its position.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What it is.
    pub candidate: Candidate,
    /// Its size on the backend's axis.
    pub bytes: Bytes,
    /// What maintaining it costs beyond what it makes superfluous, weighed as the statements are.
    pub write_cost: f64,
    /// The HOT updates that it ends, in words; `None` when there are none.
    pub hot_loss: Option<String>,
    /// Relation and definition as text.
    pub name: String,
    /// Whether the backend can build it.
    pub is_buildable: bool,
    /// The existing indexes of its relation, where it has INCLUDE columns.
    pub extends: BTreeSet<Oid>,
    /// What its first key column serves beside.
    pub leading: Leading,
}

impl Item {
    /// Why `changes` are not worth having it, in words for `declined`; `None` when they are.
    fn refusal(&self, changes: &[Change], gain_min: f64) -> Option<String> {
        let reason = worth::refusal(changes, gain_min, self.write_cost)?;
        let is_for_writes = worth::refusal(changes, gain_min, 0.0).is_none();
        match &self.hot_loss {
            Some(hot_loss) if is_for_writes => Some(format!("{reason}; {hot_loss}")),
            _ => Some(reason),
        }
    }
}

/// What a choice must keep to.
#[derive(Debug)]
pub struct Limits<'i> {
    /// All candidates, by id.
    pub items: &'i [Item],
    /// The most bytes.
    pub budget: Option<Bytes>,
    /// The workload's weighed cost without any candidate.
    pub workload_cost: f64,
    /// How many statements it is the cost of.
    pub n_statements: usize,
    /// Questions after which the search stops improving.
    pub n_calls_max: u64,
}

impl Limits<'_> {
    /// The size of a set.
    pub fn bytes(&self, configuration: &Configuration) -> Bytes {
        configuration.iter().map(|id| self.items[id.0 as usize].bytes).sum()
    }

    /// Whether a set fits the budget.
    pub fn fits(&self, configuration: &Configuration) -> bool {
        self.budget.is_none_or(|budget| self.bytes(configuration) <= budget)
    }

    /// Whether this candidate fits the budget where it is the only one.
    pub fn fits_alone(&self, id: CandidateId) -> bool {
        self.budget.is_none_or(|budget| self.items[id.0 as usize].bytes <= budget)
    }

    /// The share of a set that fits the budget, at most 1.
    fn share_that_fits(&self, configuration: &Configuration) -> f64 {
        let bytes = self.bytes(configuration).0.max(1) as f64;
        self.budget.map_or(1.0, |budget| (budget.0 as f64 / bytes).min(1.0))
    }

    /// The weighed gain that a change must reach: a share of the workload's cost, or where there are so many statements
    /// that hardly one has that share, a hundred times the share of a mean statement's cost.
    fn gain_min(&self) -> f64 {
        let share = worth::workload_share_min(self.budget.is_some());
        let mean = self.workload_cost / self.n_statements.max(1) as f64;
        (share * self.workload_cost).min(share * MEAN_FACTOR * mean)
    }

    /// Which of two sets is to be preferred where both are worth the same: the smaller one, then the one that the
    /// statements ask for first.
    fn compare(&self, a: &Configuration, b: &Configuration) -> Ordering {
        self.bytes(a).cmp(&self.bytes(b)).then_with(|| a.cmp(b))
    }
}

/// What every candidate at once would give.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seed {
    /// The cost of one execution of each statement, by its place.
    pub floors: Vec<f64>,
    /// The candidates that some plan used.
    pub pool: Configuration,
    /// The candidates that the backend could not judge in some statement.
    pub unproven: Configuration,
    /// The candidates that only add INCLUDE columns to an index which the plans use already.
    pub extensions: Configuration,
}

/// Prices every statement with all the candidates at once that its own shape asks for, and with all that it could use;
/// then without those of its best plan, and so on.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn seed(pricer: &mut Pricer<'_>, limits: &Limits<'_>) -> Result<Seed> {
    let mut asked: Vec<Configuration> = vec![Configuration::new(); pricer.statements.len()];
    for (place, weighed) in pricer.statements.iter().enumerate() {
        let asks = |id: &&CandidateId| limits.items[id.0 as usize].candidate.asked_by.contains(&weighed.statement);
        asked[place] = weighed.relevant.iter().filter(asks).copied().collect();
    }
    let all: Vec<Configuration> = pricer.statements.iter().map(|weighed| weighed.relevant.clone()).collect();
    pricer.fetch(asked.iter().cloned().enumerate())?;
    pricer.fetch(all.iter().cloned().enumerate())?;
    let mut seed = Seed { extensions: extensions(pricer, limits.items)?, ..Seed::default() };
    for (place, visible) in asked.iter().chain(&all).enumerate() {
        let place = place % asked.len();
        if let Some(price) = pricer.price(place, visible)? {
            seed.unproven.extend(price.unproven.iter().copied());
        }
    }
    let fitting = |visible: &Configuration| -> Configuration {
        visible.iter().copied().filter(|id| limits.fits_alone(*id)).collect()
    };
    expand::expand(pricer, &asked.iter().map(fitting).collect::<Vec<_>>(), limits)?;
    for place in 0..asked.len() {
        let known = pricer.plans(place);
        // The planner is not exactly monotone, and a bound must be one.
        seed.floors
            .push(known.at_most(&Configuration::new()).min(known.plans().first().map_or(f64::INFINITY, |p| p.cost)));
        seed.pool.extend(known.plans().iter().flat_map(|plan| plan.needs.iter().copied()));
    }
    seed.pool = seed.pool.difference(&seed.extensions).copied().collect();
    Ok(seed)
}

/// The candidates whose gain is that of their INCLUDE columns, beside existing indexes by which every statement that asks
/// for them finds its rows now: a second index for the sake of the heap fetches is not worth its keys.
fn extensions(pricer: &mut Pricer<'_>, items: &[Item]) -> Result<Configuration> {
    let mut extensions = Configuration::new();
    for (id, item) in items.iter().enumerate() {
        if item.extends.is_empty() {
            continue;
        }
        let plain = item.candidate.definition.without_included();
        let plain = items.iter().position(|other| {
            other.is_buildable
                && other.candidate.relation == item.candidate.relation
                && other.candidate.definition == plain
        });
        let with_plain: Configuration = plain.map(|id| CandidateId(id as u32)).into_iter().collect();
        let mut is_extension = true;
        for place in 0..pricer.statements.len() {
            if item.candidate.asked_by.contains(&pricer.statements[place].statement) {
                let now = pricer.price(place, &Configuration::new())?.cloned();
                let is_used_now = now.as_ref().is_some_and(|price| !price.used_existing.is_disjoint(&item.extends));
                let now = now.map_or(f64::INFINITY, |price| price.total_cost);
                let by_keys = pricer.cost(place, &with_plain)?;
                is_extension &= is_used_now && !pricer.statements[place].change(now, by_keys).is_noticeable();
            }
        }
        if is_extension {
            extensions.insert(CandidateId(id as u32));
        }
    }
    Ok(extensions)
}

/// A choice, and why the rest of the pool is not in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Choice {
    /// The candidates to build.
    pub chosen: Configuration,
    /// Why others are not.
    pub refused: BTreeMap<CandidateId, String>,
}

/// Rounds of choosing and settling: what settling took out leaves room under a budget.
const ROUNDS_MAX: usize = 3;

/// Chooses from `pool`.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn search(pricer: &mut Pricer<'_>, pool: &Configuration, limits: &Limits<'_>) -> Result<Choice> {
    let mut refused = BTreeMap::new();
    let mut open = pool.clone();
    let mut best = Configuration::new();
    for round in 0..ROUNDS_MAX {
        pricer.enter(Phase::Choosing, open.len());
        let mut chosen = explore::best(pricer, &open, limits)?;
        if let Some(exact) = exact::best_subset(pricer, &open, limits)?
            && explore::is_better(pricer, limits, &chosen, &exact)
        {
            chosen = exact;
        }
        pricer.enter(Phase::Refining, open.len());
        let settled = closing::settle(pricer, chosen.clone(), limits, &mut refused)?;
        if round == 0 || explore::is_better(pricer, limits, &best, &settled) {
            best = settled.clone();
        }
        let taken_out: Configuration = chosen.difference(&settled).copied().collect();
        if limits.budget.is_none() || taken_out.is_empty() {
            break;
        }
        open = open.difference(&taken_out).copied().collect();
    }
    refusals::explain(pricer, limits, pool, &best, &mut refused);
    Ok(Choice { chosen: best, refused })
}
