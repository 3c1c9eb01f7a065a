//! What is known of each statement's plans: the candidates that a plan needs and what it costs. Asks nothing.
//!
//! A plan that the planner found once stays possible wherever the candidates that it needs exist, so that the cheapest of
//! them bounds a statement's cost from above; a price found with more candidates bounds it from below. Both are free,
//! and together they tell which questions are worth a call of the planner.

use std::collections::BTreeMap;

use super::pricer::Configuration;

/// Plans of one statement that are kept at most: the cheapest. More are hardly ever found.
const PLANS_MAX: usize = 256;

/// A way to execute a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownPlan {
    /// The candidates in it.
    pub needs: Configuration,
    /// The cost of one execution, in planner units.
    pub cost: f64,
}

/// The plans of one statement, and the prices that were asked for.
#[derive(Debug, Clone, Default)]
pub struct KnownPlans {
    /// No plan of it needs what another needs, and more, without being cheaper. Ascending by cost.
    plans: Vec<KnownPlan>,
    /// Costs by the candidates that were visible; infinite where it could not be planned.
    asked: BTreeMap<Configuration, f64>,
}

impl KnownPlans {
    /// Notes the answer to one question.
    pub fn learn(&mut self, visible: &Configuration, needs: &Configuration, cost: f64) {
        self.asked.insert(visible.clone(), cost);
        let is_known = |plan: &KnownPlan| plan.cost <= cost && plan.needs.is_subset(needs);
        if !cost.is_finite() || self.plans.iter().any(is_known) {
            return;
        }
        self.plans.retain(|plan| !(cost <= plan.cost && needs.is_subset(&plan.needs)));
        let place = self.plans.partition_point(|plan| plan.cost <= cost);
        self.plans.insert(place, KnownPlan { needs: needs.clone(), cost });
        self.plans.truncate(PLANS_MAX);
    }

    /// Notes that it cannot be planned in this configuration.
    pub fn learn_refusal(&mut self, visible: &Configuration) {
        self.asked.insert(visible.clone(), f64::INFINITY);
    }

    /// What is known to be possible with these candidates: the price itself where it was asked for, else the cheapest
    /// known plan; infinite while nothing is known.
    pub fn at_most(&self, visible: &Configuration) -> f64 {
        match self.asked.get(visible) {
            Some(cost) => *cost,
            None => self.cheapest_plan(visible),
        }
    }

    /// What no plan with these candidates is known to be below: the price itself where it was asked for, else the
    /// dearest price with more candidates. The planner is not exactly monotone: it is a guide, and no proof.
    pub fn at_least(&self, visible: &Configuration) -> f64 {
        match self.asked.get(visible) {
            Some(cost) => *cost,
            None => {
                let wider = self.asked.iter().filter(|(more, cost)| cost.is_finite() && visible.is_subset(more));
                wider.map(|(_, cost)| *cost).fold(0.0, f64::max)
            }
        }
    }

    /// The cheapest known plan that these candidates make possible; infinite while none is known.
    pub fn cheapest_plan(&self, visible: &Configuration) -> f64 {
        let possible = self.plans.iter().find(|plan| plan.needs.is_subset(visible));
        possible.map_or(f64::INFINITY, |plan| plan.cost)
    }

    /// All prices that were asked for, with what was visible.
    pub fn asked(&self) -> impl Iterator<Item = (&Configuration, f64)> {
        self.asked.iter().map(|(visible, cost)| (visible, *cost))
    }

    /// All plans, the cheapest first.
    pub fn plans(&self) -> &[KnownPlan] {
        &self.plans
    }

    /// Whether the price of this configuration was asked for.
    pub fn is_asked(&self, visible: &Configuration) -> bool {
        self.asked.contains_key(visible)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whatif::CandidateId;

    fn set(ids: &[u32]) -> Configuration {
        ids.iter().map(|id| CandidateId(*id)).collect()
    }

    #[test]
    fn a_plan_is_possible_wherever_its_candidates_exist() {
        let mut known = KnownPlans::default();
        known.learn(&set(&[]), &set(&[]), 100.0);
        known.learn(&set(&[1, 2, 3]), &set(&[1, 2]), 10.0);
        known.learn(&set(&[2, 3]), &set(&[3]), 40.0);
        assert_eq!(known.at_most(&set(&[1, 2, 9])), 10.0);
        assert_eq!(known.at_most(&set(&[1, 3])), 40.0);
        assert_eq!(known.at_most(&set(&[1])), 100.0);
        assert_eq!(known.at_least(&set(&[2])), 40.0, "no plan without 1 is cheaper");
        assert_eq!(known.at_least(&set(&[1])), 10.0);
        assert_eq!(known.at_least(&set(&[7])), 0.0);
    }

    #[test]
    fn a_price_that_was_asked_for_counts_more_than_what_was_concluded() {
        let mut known = KnownPlans::default();
        known.learn(&set(&[1]), &set(&[1]), 10.0);
        known.learn(&set(&[1, 2]), &set(&[2]), 12.0);
        assert_eq!(known.at_most(&set(&[1, 2])), 12.0, "the planner is not exactly monotone");
        known.learn_refusal(&set(&[3]));
        assert_eq!(known.at_most(&set(&[3])), f64::INFINITY);
        assert_eq!(known.plans().len(), 2);
    }

    #[test]
    fn only_plans_that_can_be_the_best_are_kept() {
        let mut known = KnownPlans::default();
        known.learn(&set(&[1, 2]), &set(&[1, 2]), 10.0);
        known.learn(&set(&[1]), &set(&[1]), 10.0);
        known.learn(&set(&[1, 3]), &set(&[1, 3]), 11.0);
        assert_eq!(known.plans(), [KnownPlan { needs: set(&[1]), cost: 10.0 }]);
    }
}
