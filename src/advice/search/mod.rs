//! The search for the best set of candidates under a budget. Asks the planner through `Pricer`, builds nothing.
//!
//! Price everything at once (a bound, and the pool: what the planner used), choose greedily, look at every subset where
//! a budget binds and the pool is small, then settle.

mod closing;
mod exact;
mod greedy;
mod pricer;
#[cfg(test)]
mod tests;
mod worth;

pub use pricer::{Configuration, Pricer, Weighed};

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::pg::{Bytes, Oid};
use crate::whatif::CandidateId;

use super::candidates::Candidate;
use super::options::Phase;
use greedy::{Move, Score};

/// Statements from which shares are counted against a mean statement rather than the workload.
const MEAN_FACTOR: f64 = 100.0;

/// A candidate as the search sees it. Its id is its position.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What it is.
    pub candidate: Candidate,
    /// Its size on the backend's axis.
    pub bytes: Bytes,
    /// What breaks ties: relation and definition as text.
    pub name: String,
    /// Whether the backend can build it.
    pub is_buildable: bool,
    /// The existing index with the same keys, to which it only adds INCLUDE columns.
    pub extends: Option<Oid>,
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

    /// The weighed gain that a change must reach: this share of the workload's cost, or where there are so many
    /// statements that hardly one has that share, a hundred times the share of a mean statement's cost.
    fn gain_min(&self, share: f64) -> f64 {
        let mean = self.workload_cost / self.n_statements.max(1) as f64;
        (share * self.workload_cost).min(share * MEAN_FACTOR * mean)
    }

    /// The names of a set, to break ties.
    fn names(&self, configuration: &Configuration) -> Vec<&str> {
        configuration.iter().map(|id| self.items[id.0 as usize].name.as_str()).collect()
    }
}

/// What every candidate at once would give.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seed {
    /// The cost of one execution of each statement, by its place.
    pub floors: Vec<f64>,
    /// The candidates that some plan used.
    pub pool: Configuration,
    /// The sets of several candidates that one plan used.
    pub together: BTreeSet<Configuration>,
    /// The candidates that the backend could not judge in some statement.
    pub unproven: Configuration,
    /// The candidates that only add INCLUDE columns to an index which the plans use already.
    pub extensions: Configuration,
}

/// Prices every statement with all the candidates at once that its own shape asks for.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn seed(pricer: &mut Pricer<'_>, items: &[Item]) -> Result<Seed> {
    let mut asked: Vec<Configuration> = vec![Configuration::new(); pricer.statements.len()];
    for (place, weighed) in pricer.statements.iter().enumerate() {
        let asks = |id: &&CandidateId| items[id.0 as usize].candidate.asked_by.contains(&weighed.statement);
        asked[place] = weighed.relevant.iter().filter(asks).copied().collect();
    }
    pricer.fetch(asked.iter().cloned().enumerate())?;
    let mut seed = Seed::default();
    for (place, all) in asked.iter().enumerate() {
        let before = pricer.cost(place, &Configuration::new())?;
        let Some(price) = pricer.price(place, all)? else {
            seed.floors.push(before);
            continue;
        };
        // The planner is not exactly monotone, and a bound must be one.
        seed.floors.push(price.total_cost.min(before));
        seed.pool.extend(price.used.iter().copied());
        seed.unproven.extend(price.unproven.iter().copied());
        if price.used.len() > 1 {
            seed.together.insert(price.used.clone());
        }
    }
    seed.extensions = extensions(pricer, items)?;
    seed.pool = seed.pool.difference(&seed.extensions).copied().collect();
    seed.together.retain(|set| set.is_disjoint(&seed.extensions));
    Ok(seed)
}

/// The candidates that only add INCLUDE columns to an existing index by which every statement that asks for them finds
/// its rows now: a second index for the sake of the heap fetches is not worth its keys.
fn extensions(pricer: &mut Pricer<'_>, items: &[Item]) -> Result<Configuration> {
    let mut extensions = Configuration::new();
    for (id, item) in items.iter().enumerate() {
        let Some(existing) = item.extends else { continue };
        let mut is_used_now = true;
        for place in 0..pricer.statements.len() {
            if item.candidate.asked_by.contains(&pricer.statements[place].statement) {
                let price = pricer.price(place, &Configuration::new())?;
                is_used_now &= price.is_some_and(|price| price.used_existing.contains(&existing));
            }
        }
        if is_used_now {
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

/// Chooses from `pool`, with `sets` as moves of their own.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn search(
    pricer: &mut Pricer<'_>,
    pool: &Configuration,
    sets: &BTreeSet<Configuration>,
    limits: &Limits<'_>,
) -> Result<Choice> {
    pricer.enter(Phase::Choosing, pool.len());
    let mut moves: BTreeSet<Move> = pool.iter().map(|id| Move(Configuration::from([*id]))).collect();
    moves.extend(sets.iter().cloned().map(Move));
    let (mut chosen, mut refused) = greedy::choose(pricer, Configuration::new(), &moves, limits, Score::Gain)?;
    if limits.budget.is_some() {
        let (by_byte, refused_by_byte) =
            greedy::choose(pricer, Configuration::new(), &moves, limits, Score::GainPerByte)?;
        if pricer.total(&by_byte)? < pricer.total(&chosen)? {
            (chosen, refused) = (by_byte, refused_by_byte);
        }
        let pool: Vec<CandidateId> = pool.iter().copied().collect();
        if let Some(best) = exact::best_subset(pricer, &pool, limits)?
            && pricer.total(&best)? < pricer.total(&chosen)?
        {
            chosen = best;
        }
    }
    pricer.enter(Phase::Refining, pool.len());
    chosen = closing::settle(pricer, chosen, limits, &mut refused)?;
    if limits.budget.is_some() {
        // What became smaller may have left room for more.
        let (more, _) = greedy::choose(pricer, chosen.clone(), &moves, limits, Score::Gain)?;
        if more != chosen {
            chosen = closing::settle(pricer, more, limits, &mut refused)?;
        }
    }
    refused.retain(|id, _| !chosen.contains(id));
    Ok(Choice { chosen, refused })
}
