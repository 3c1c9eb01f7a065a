//! How many planner cost units a microsecond is on the analysed server, from its own statements. Prices nothing.

use crate::sql::StatementKind;
use crate::workload::{Statement, Workload};

/// Planner units for a microsecond where nothing was measured: `cpu_operator_cost` of 0.0025 is 10 to 25 ns on the
/// machine that was measured, so 0.1 to 0.25; its geometric mean.
pub const UNITS_PER_US: f64 = 0.16;

/// Bounds of what is believed, a factor of eight around the constant. A plan that reads from disks at the default
/// `random_page_cost` takes 100 µs for 4 units; one that finds cached pages by an index makes about 1 unit in 1 µs.
/// Beyond, the values that stand for parameters are not those that were measured.
const UNITS_PER_US_BOUNDS: (f64, f64) = (0.02, 1.28);

/// Calls from which a mean time is one.
const CALLS_MIN: f64 = 5.0;

/// Cost from which a plan takes more time for what is costed than for starting it.
const COST_MIN: f64 = 5.0;

/// Statements that a fit needs: the median of fewer is one statement's own ratio.
const STATEMENTS_MIN: usize = 3;

/// Planner cost units for each microsecond.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// The figure.
    pub units_per_us: f64,
    /// From how many statements it was fitted; 0 where there was nothing to fit, and it is the constant.
    pub n_statements: usize,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { units_per_us: UNITS_PER_US, n_statements: 0 }
    }
}

impl Calibration {
    /// Fits the mean execution time of the workload's queries to their planner cost: the median ratio over the
    /// workload's cost, so that half of the cost is spent faster and half slower, as [`Workload::weights`] has it.
    pub fn of(workload: &Workload) -> Self {
        let mut ratios: Vec<(f64, f64)> = workload.statements.iter().filter_map(ratio).collect();
        if ratios.len() < STATEMENTS_MIN {
            return Self::default();
        }
        ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
        let half = ratios.iter().map(|(_, cost)| cost).sum::<f64>() / 2.0;
        let mut below = 0.0;
        let median = ratios.iter().find(|(_, cost)| {
            below += cost;
            below >= half
        });
        let (least, most) = UNITS_PER_US_BOUNDS;
        let fitted = median.map_or(UNITS_PER_US, |(ratio, _)| ratio.clamp(least, most));
        Self { units_per_us: fitted, n_statements: ratios.len() }
    }
}

/// The units that a query is planned at for each microsecond that it takes, and its cost over all calls. What writes is
/// left out: its time is not only that of its plan.
fn ratio(statement: &Statement) -> Option<(f64, f64)> {
    let is_query = statement.shape.as_ref().is_some_and(|shape| {
        shape.kind == StatementKind::Select && !shape.scans.is_empty() && shape.scans.iter().all(|scan| !scan.is_target)
    });
    let cost = statement.cost_before().filter(|cost| *cost >= COST_MIN && cost.is_finite())?;
    let us = statement.exec_ms_mean.filter(|ms| *ms > 0.0)? * 1000.0;
    (is_query && statement.n_calls >= CALLS_MIN).then(|| (cost / us, cost * statement.n_calls))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::Oid;
    use crate::sql::{Scan, Shape};
    use crate::workload::{Weigh, test_workload};

    /// A query of `kind` that takes `ms` a call.
    fn measured(id: i64, kind: StatementKind, n_calls: f64, ms: f64, cost: f64) -> Statement {
        let shape = Shape { kind, scans: vec![Scan::new(Oid(1), "t", 0)], joins: Vec::new(), is_from_plan: false };
        Statement { shape: Some(shape), ..test_workload::statement(id, n_calls, Some(ms * n_calls), Some(cost)) }
    }

    fn fitted(statements: Vec<Statement>) -> Calibration {
        Calibration::of(&test_workload::workload(Weigh::Time, statements))
    }

    #[test]
    fn the_median_over_the_cost_is_taken() {
        let query = |id, ms, cost| measured(id, StatementKind::Select, 10.0, ms, cost);
        // 0.1, 0.2 and 0.8 units for each µs; the second holds most of the cost.
        let fit = fitted(vec![query(1, 1.0, 100.0), query(2, 5.0, 1000.0), query(3, 1.0, 800.0)]);
        assert_eq!(fit, Calibration { units_per_us: 0.2, n_statements: 3 });
    }

    #[test]
    fn without_enough_to_fit_it_is_the_constant() {
        let query = |id, n_calls| measured(id, StatementKind::Select, n_calls, 1.0, 400.0);
        let update = measured(3, StatementKind::Update, 50.0, 1.0, 400.0);
        assert_eq!(fitted(vec![query(1, 50.0), query(2, 50.0), update, query(4, 2.0)]), Calibration::default());
    }

    #[test]
    fn what_cannot_be_is_bounded() {
        let query = |id, cost| measured(id, StatementKind::Select, 10.0, 1.0, cost);
        assert_eq!(fitted(vec![query(1, 1e7), query(2, 1e7), query(3, 1e7)]).units_per_us, 1.28);
        assert_eq!(fitted(vec![query(1, 6.0), query(2, 6.0), query(3, 6.0)]).units_per_us, 0.02);
    }
}
