//! What a statement weighs in the choice of indexes: the factor that turns a planner cost into the objective.

use super::{Statement, Weigh, Workload};

/// The least cost that is divided by. Plans that read nothing cost 0 or 0.01 (`cpu_operator_cost` is 0.0025).
const COST_MIN: f64 = 0.01;

impl Workload {
    /// The weight of each statement; its planner cost times its weight is what it counts.
    ///
    /// - [`Weigh::Cost`]: its calls.
    /// - [`Weigh::Time`]: its measured time / its cost before, so that a plan that costs half as much counts half the
    ///   time. A statement that was not measured counts its calls × what a unit of cost usually takes.
    /// - [`Weigh::Calls`]: its calls / its cost before.
    ///
    /// A statement that could not be planned weighs 0 unless costs are weighed: there is no cost to compare with.
    pub fn weights(&self) -> Vec<f64> {
        let usual = match self.weigh {
            Weigh::Time => self.usual_ms_per_cost(),
            Weigh::Cost | Weigh::Calls => 1.0,
        };
        self.statements.iter().map(|statement| weight(statement, self.weigh, usual)).collect()
    }

    /// The weight of the statement at `position`, 0 if there is none. For more than a few use [`Workload::weights`].
    pub fn weight(&self, position: usize) -> f64 {
        self.weights().get(position).copied().unwrap_or_default()
    }

    /// The measured time of all statements, in ms.
    pub fn exec_ms_total(&self) -> f64 {
        self.statements.iter().filter_map(|statement| statement.exec_ms_total).sum()
    }

    /// Milliseconds that a unit of planner cost takes: the median over the workload's cost, so that half of the cost is
    /// spent faster and half slower. Of statements, most may be trifles that cost nothing and take what the network
    /// takes: their ratio says nothing of the others. 1 where nothing is measured.
    fn usual_ms_per_cost(&self) -> f64 {
        let mut rates: Vec<(f64, f64)> = self.statements.iter().filter_map(rate).collect();
        rates.sort_by(|a, b| a.0.total_cmp(&b.0));
        let half = rates.iter().map(|(_, cost)| cost).sum::<f64>() / 2.0;
        let mut below = 0.0;
        let median = rates.iter().find(|(_, cost)| {
            below += cost;
            below >= half
        });
        median.map_or(1.0, |(rate, _)| *rate)
    }
}

fn weight(statement: &Statement, weigh: Weigh, usual_ms_per_cost: f64) -> f64 {
    let cost = statement.cost_before().map(|cost| cost.max(COST_MIN));
    match (weigh, cost) {
        (Weigh::Cost, _) => statement.n_calls,
        (_, None) => 0.0,
        (Weigh::Calls, Some(cost)) => statement.n_calls / cost,
        (Weigh::Time, Some(cost)) => match statement.exec_ms_total {
            Some(total) => total / cost,
            None => statement.n_calls * usual_ms_per_cost,
        },
    }
}

/// The milliseconds that a statement takes for each unit of its cost, and its cost over all calls.
fn rate(statement: &Statement) -> Option<(f64, f64)> {
    let cost = statement.cost_before()?.max(COST_MIN) * statement.n_calls;
    let total = statement.exec_ms_total.filter(|total| *total > 0.0)?;
    (cost > 0.0).then(|| (total / cost, cost))
}

#[cfg(test)]
mod tests {
    use super::super::test_workload::{statement, workload};
    use super::*;

    #[test]
    fn time_is_spread_over_the_planners_cost() {
        let workload = workload(
            Weigh::Time,
            vec![statement(1, 10.0, Some(500.0), Some(100.0)), statement(2, 4.0, None, Some(50.0))],
        );
        // 500 ms / 100 units; the other one: 4 calls × 0.5 ms per call and unit.
        assert_eq!(workload.weights(), [5.0, 2.0]);
        assert_eq!(workload.weight(1), 2.0);
        assert_eq!(workload.weight(9), 0.0);
        assert_eq!(workload.exec_ms_total(), 500.0);
    }

    #[test]
    fn trifles_do_not_say_what_a_unit_of_cost_takes() {
        let trifle = |queryid| statement(queryid, 1.0, Some(100.0), Some(0.01));
        let measured = statement(1, 10.0, Some(500.0), Some(100.0));
        let workload =
            workload(Weigh::Time, vec![measured, trifle(2), trifle(3), trifle(4), statement(5, 4.0, None, Some(50.0))]);
        assert_eq!(workload.weights()[4], 2.0);
    }

    #[test]
    fn cost_weighs_calls_and_calls_make_every_statement_alike() {
        let statements = || vec![statement(1, 10.0, Some(5.0), Some(100.0)), statement(2, 4.0, None, None)];
        assert_eq!(workload(Weigh::Cost, statements()).weights(), [10.0, 4.0]);
        assert_eq!(workload(Weigh::Calls, statements()).weights(), [0.1, 0.0]);
    }

    #[test]
    fn a_plan_that_costs_nothing_does_not_weigh_infinitely() {
        assert_eq!(workload(Weigh::Time, vec![statement(1, 1.0, Some(1.0), Some(0.0))]).weights(), [100.0]);
    }

    #[test]
    fn without_any_measurement_time_falls_back_to_calls() {
        assert_eq!(workload(Weigh::Time, vec![statement(1, 7.0, None, Some(3.0))]).weights(), [7.0]);
    }
}
