//! The workload's cost under a configuration, asked in batches and remembered. Chooses nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::whatif::{Ask, CandidateId, Planner, Price};

use super::super::options::{OnProgress, Phase, Progress};
use super::plans::KnownPlans;
use super::worth::Change;

/// A set of candidates that exist at once.
pub type Configuration = BTreeSet<CandidateId>;

/// Asks per batch: between batches the run can be interrupted.
const BATCH: usize = 256;

/// A statement that counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighed {
    /// Its position in the workload.
    pub statement: usize,
    /// What one unit of its cost counts.
    pub weight: f64,
    /// The share of its cost that an index must save to be proposed for it.
    pub share_min: f64,
    /// The candidates that can matter to it.
    pub relevant: BTreeSet<CandidateId>,
}

impl Weighed {
    /// What becomes of it between two costs of one execution.
    pub fn change(&self, before: f64, after: f64) -> Change {
        Change { weight: self.weight, share_min: self.share_min, before, after }
    }
}

/// Prices configurations, statement by statement.
pub struct Pricer<'p> {
    planner: &'p mut dyn Planner,
    progress: OnProgress<'p>,
    /// The statements, by their place here.
    pub statements: Vec<Weighed>,
    /// For each candidate, the places of the statements that it can matter to.
    places: BTreeMap<CandidateId, BTreeSet<usize>>,
    known: BTreeMap<(usize, Configuration), Option<Price>>,
    /// What all those prices tell of each statement, by its place.
    plans: Vec<KnownPlans>,
    phase: Phase,
    n_candidates: usize,
    /// Questions after which the choice is not improved further, for those who wait.
    pub n_calls_max: Option<u64>,
}

impl<'p> Pricer<'p> {
    /// A pricer of `statements` that knows no price yet.
    pub fn new(planner: &'p mut dyn Planner, progress: OnProgress<'p>, statements: Vec<Weighed>) -> Self {
        let places = places_by_candidate(&statements);
        let plans = vec![KnownPlans::default(); statements.len()];
        let known = BTreeMap::new();
        let (phase, n_candidates, n_calls_max) = (Phase::Pricing, 0, None);
        Self { planner, progress, statements, places, known, plans, phase, n_candidates, n_calls_max }
    }

    /// Tells where the run is from now on.
    pub fn enter(&mut self, phase: Phase, n_candidates: usize) {
        self.phase = phase;
        self.n_candidates = n_candidates;
    }

    /// The backend, to declare further candidates.
    pub fn planner(&mut self) -> &mut dyn Planner {
        self.planner
    }

    /// Questions that the backend has really planned.
    pub fn n_calls(&self) -> u64 {
        self.planner.n_calls()
    }

    /// Questions whose answers are known.
    pub fn n_known(&self) -> usize {
        self.known.len()
    }

    /// Leaves out the statements at these places, which are ascending.
    pub fn forget(&mut self, places: &[usize]) {
        let statements = std::mem::take(&mut self.statements);
        let kept = statements.into_iter().enumerate().filter(|(place, _)| !places.contains(place));
        let (old_places, statements): (Vec<usize>, Vec<Weighed>) = kept.unzip();
        self.statements = statements;
        self.places = places_by_candidate(&self.statements);
        let plans = std::mem::take(&mut self.plans).into_iter().enumerate();
        self.plans = plans.filter(|(place, _)| !places.contains(place)).map(|(_, plans)| plans).collect();
        let known = std::mem::take(&mut self.known);
        let moved = known.into_iter().filter_map(|((place, visible), price)| {
            old_places.binary_search(&place).ok().map(|place| ((place, visible), price))
        });
        self.known = moved.collect();
    }

    /// Notes that a further candidate can matter to these statements (positions in the workload).
    pub fn add_relevant(&mut self, id: CandidateId, statements: &BTreeSet<usize>) {
        for (place, weighed) in self.statements.iter_mut().enumerate() {
            if statements.contains(&weighed.statement) {
                weighed.relevant.insert(id);
                self.places.entry(id).or_default().insert(place);
            }
        }
    }

    /// The part of a configuration that can matter to the statement at `place`.
    pub fn visible(&self, place: usize, configuration: &Configuration) -> Configuration {
        // The configuration may hold hundreds, a statement's own candidates are few.
        self.statements[place].relevant.iter().filter(|id| configuration.contains(id)).copied().collect()
    }

    /// Makes sure that the prices of all these questions are known: places, and configurations as [`Self::visible`]
    /// gives them.
    ///
    /// # Errors
    /// When the backend is lost or the run was interrupted.
    pub fn fetch(&mut self, questions: impl IntoIterator<Item = (usize, Configuration)>) -> Result<()> {
        let unknown: BTreeSet<(usize, Configuration)> =
            questions.into_iter().filter(|question| !self.known.contains_key(question)).collect();
        let unknown: Vec<(usize, Configuration)> = unknown.into_iter().collect();
        for batch in unknown.chunks(BATCH) {
            let Self { phase, n_candidates, n_calls_max, .. } = *self;
            let progress = Progress { phase, n_calls: self.planner.n_calls(), n_calls_max, n_candidates };
            (self.progress)(progress)?;
            let asks: Vec<Ask> = batch
                .iter()
                .map(|(place, visible)| Ask {
                    statement: self.statements[*place].statement,
                    visible: visible.clone(),
                    hidden: BTreeSet::new(),
                })
                .collect();
            let answers = self.planner.price(&asks)?;
            for ((place, visible), answer) in batch.iter().zip(answers) {
                let price = answer.ok().filter(|price| price.total_cost.is_finite());
                match &price {
                    Some(price) => self.plans[*place].learn(visible, &price.used, price.total_cost),
                    None => self.plans[*place].learn_refusal(visible),
                }
                self.known.insert((*place, visible.clone()), price);
            }
        }
        Ok(())
    }

    /// The price of the statement at `place`; `None` when it cannot be planned in this configuration.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub fn price(&mut self, place: usize, configuration: &Configuration) -> Result<Option<&Price>> {
        let question = (place, self.visible(place, configuration));
        if !self.known.contains_key(&question) {
            self.fetch([question.clone()])?;
        }
        Ok(self.known.get(&question).and_then(Option::as_ref))
    }

    /// The answer to this question, with the configuration as [`Self::visible`] gives it, if it was asked: `Some(None)` where
    /// the statement cannot be planned so.
    pub fn known(&self, place: usize, visible: &Configuration) -> Option<Option<&Price>> {
        self.known.get(&(place, visible.clone())).map(Option::as_ref)
    }

    /// The cost of one execution of the statement at `place`; infinite when it cannot be planned, so that no choice
    /// rests on it.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub fn cost(&mut self, place: usize, configuration: &Configuration) -> Result<f64> {
        Ok(self.price(place, configuration)?.map_or(f64::INFINITY, |price| price.total_cost))
    }

    /// The costs of these statements in one configuration.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub fn costs(&mut self, places: &BTreeSet<usize>, configuration: &Configuration) -> Result<BTreeMap<usize, f64>> {
        let questions: Vec<(usize, Configuration)> =
            places.iter().map(|place| (*place, self.visible(*place, configuration))).collect();
        self.fetch(questions)?;
        places.iter().map(|place| Ok((*place, self.cost(*place, configuration)?))).collect()
    }

    /// The prices of other statements of the planner's workload, at `positions`, which ask the same of the same
    /// relations as `statement` (a position, too); `None` for one that cannot be planned. They are not remembered.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub fn prices_beside(
        &mut self,
        statement: usize,
        positions: &[usize],
        configuration: &Configuration,
    ) -> Result<Vec<Option<Price>>> {
        let Some(place) = self.statements.iter().position(|weighed| weighed.statement == statement) else {
            return Ok(vec![None; positions.len()]);
        };
        let visible = self.visible(place, configuration);
        let ask = |position: &usize| Ask { statement: *position, visible: visible.clone(), hidden: BTreeSet::new() };
        let asks: Vec<Ask> = positions.iter().map(ask).collect();
        Ok(self.planner.price(&asks)?.into_iter().map(std::result::Result::ok).collect())
    }

    /// What is known of the plans of the statement at `place`.
    pub fn plans(&self, place: usize) -> &KnownPlans {
        &self.plans[place]
    }

    /// The weighed cost of the whole workload.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub fn total(&mut self, configuration: &Configuration) -> Result<f64> {
        let places: BTreeSet<usize> = (0..self.statements.len()).collect();
        let costs = self.costs(&places, configuration)?;
        Ok(costs.into_iter().map(|(place, cost)| self.statements[place].weight * cost).sum())
    }

    /// What becomes of the statements that `candidates` can matter to, between two configurations.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub fn changes(
        &mut self,
        candidates: &Configuration,
        before: &Configuration,
        after: &Configuration,
    ) -> Result<Vec<Change>> {
        let places = self.affected(candidates);
        let before = self.costs(&places, before)?;
        let after = self.costs(&places, after)?;
        Ok(places.into_iter().map(|place| self.statements[place].change(before[&place], after[&place])).collect())
    }

    /// The places of the statements to which at least one of these candidates can matter.
    pub fn affected(&self, candidates: &Configuration) -> BTreeSet<usize> {
        candidates.iter().filter_map(|id| self.places.get(id)).flatten().copied().collect()
    }
}

fn places_by_candidate(statements: &[Weighed]) -> BTreeMap<CandidateId, BTreeSet<usize>> {
    let mut places: BTreeMap<CandidateId, BTreeSet<usize>> = BTreeMap::new();
    for (place, weighed) in statements.iter().enumerate() {
        for id in &weighed.relevant {
            places.entry(*id).or_default().insert(place);
        }
    }
    places
}
