//! When a change is worth proposing: thresholds, each with its source. Pure arithmetic.

/// The share of a statement's cost that an index must save to be proposed for it: 20 % is what Azure's index tuning
/// asks for; dexter asks for 50 %. Below, an index scan of a large part of a relation wins on paper only: planner costs
/// are estimates, and a two-valued column "gains" 3 to 7 %.
pub const STATEMENT_GAIN_MIN: f64 = 0.2;

/// The same for a statement that joins several relations: each index speeds up its own scan, and a tenth of a large
/// join is more than any single scan of it may cost.
pub const JOIN_GAIN_MIN: f64 = 0.1;

/// The same where a budget says how many bytes all gains may cost: then each part of a join's work competes for them, and
/// only rounding is left out.
pub const JOIN_GAIN_UNDER_BUDGET_MIN: f64 = 0.01;

/// Planner units that one execution must save: 5 is one random page and a little, less than the noise of an estimate.
pub const UNITS_GAIN_MIN: f64 = 5.0;

/// The share of the workload's cost that a step must save. Extend stops at 0.3 %, the lazy greedy that was measured
/// for this search at 0.1 %: below, an index costs more attention than it returns.
pub const WORKLOAD_GAIN_MIN: f64 = 0.001;

/// The same under a budget, which says how many bytes all gains may cost: what is left beside the large indexes is worth
/// filling. Measured on TPC-H: with 0.1 % two indexes of a few MB are refused that the best known sets have at 300 MB; with
/// 0.01 % five gigabytes get 24 indexes, with this 20.
pub const WORKLOAD_GAIN_UNDER_BUDGET_MIN: f64 = 0.0003;

/// How much worse a statement may become for the sake of others: less than a tenth is within the planner's own error
/// (a union of indexes can cost slightly more than a subset, because costs are compared with a fuzz of 1 %).
pub const REGRESSION_MAX: f64 = 1.1;

/// The share of a wider index's gain that a narrower one must keep to replace it.
pub const NARROW_GAIN_MIN: f64 = 0.95;

/// The same under a budget, which says how many bytes the gain may cost: then only what is lost in rounding.
pub const NARROW_GAIN_UNDER_BUDGET_MIN: f64 = 0.999;

/// The same when the wider one only adds INCLUDE columns: the heap pages that these save are mostly cached, and every
/// UPDATE of them ceases to be HOT.
pub const WITHOUT_INCLUDE_GAIN_MIN: f64 = 0.9;

/// One statement under two configurations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// What one unit of its cost counts.
    pub weight: f64,
    /// The share of its cost that an index must save to be proposed for it.
    pub share_min: f64,
    /// Cost of one execution before.
    pub before: f64,
    /// Cost of one execution after.
    pub after: f64,
}

impl Change {
    /// The weighed gain; negative when it becomes worse.
    pub fn gain(&self) -> f64 {
        let gain = self.before - self.after;
        if gain.is_nan() { 0.0 } else { self.weight * gain }
    }

    /// Whether the change is one that its users would notice.
    pub fn is_noticeable(&self) -> bool {
        saves(self.share_min, self.before, self.after)
    }

    /// Whether a statement at `narrow` would not notice the way to this one's cost after: then a narrower index in the
    /// place of a wider one stays when it is looked at again. A gain of 99.9 % and one of 96 % are not the same to a
    /// statement that runs a thousand times a second.
    pub fn is_as_good_at(&self, narrow: f64) -> bool {
        !Self { before: narrow, ..*self }.is_noticeable()
    }

    /// Whether it becomes worse by more than is tolerated.
    pub fn is_regression(&self) -> bool {
        is_regression(self.before, self.after)
    }
}

/// Whether a statement that cost `before` gains so much that its users would notice.
pub fn is_noticeable(before: f64, after: f64) -> bool {
    saves(STATEMENT_GAIN_MIN, before, after)
}

fn saves(share_min: f64, before: f64, after: f64) -> bool {
    let gain = before - after;
    gain >= UNITS_GAIN_MIN && gain >= share_min * before
}

/// Whether a statement that cost `before` becomes worse by more than is tolerated: for the sake of other statements, with
/// other values, or without an index that goes.
pub fn is_regression(before: f64, after: f64) -> bool {
    after > before * REGRESSION_MAX && after - before > UNITS_GAIN_MIN
}

/// The share of a statement's cost that an index must save to be proposed for it.
pub fn share_min(is_join: bool, has_budget: bool) -> f64 {
    match (is_join, has_budget) {
        (false, _) => STATEMENT_GAIN_MIN,
        (true, false) => JOIN_GAIN_MIN,
        (true, true) => JOIN_GAIN_UNDER_BUDGET_MIN,
    }
}

/// The share of the workload's cost that a step must save.
pub fn workload_share_min(has_budget: bool) -> f64 {
    if has_budget { WORKLOAD_GAIN_UNDER_BUDGET_MIN } else { WORKLOAD_GAIN_MIN }
}

/// Why a change is not worth it, in words for `declined`; `None` when it is. `gain_min` is the weighed gain that it
/// must reach over all statements, beside `write_cost`, which is weighed too.
pub fn refusal(changes: &[Change], gain_min: f64, write_cost: f64) -> Option<String> {
    let gain: f64 = changes.iter().map(Change::gain).sum();
    if gain <= 0.0 {
        return Some("no statement gains by it beside the indexes that are proposed".to_owned());
    }
    if !changes.iter().any(Change::is_noticeable) {
        let best = changes.iter().max_by(|a, b| (share(a) / a.share_min).total_cmp(&(share(b) / b.share_min)));
        let (best, least) = best.map_or((0.0, STATEMENT_GAIN_MIN), |change| (share(change), change.share_min));
        return Some(match best >= least {
            true => format!("it saves less than {UNITS_GAIN_MIN:.0} planner units in every statement"),
            false => format!(
                "it saves {:.1} % of the best-served statement's cost, less than {:.0} %",
                best * 100.0,
                least * 100.0
            ),
        });
    }
    if gain < gain_min {
        return Some("it saves too small a share of the workload's cost".to_owned());
    }
    if gain - write_cost < gain_min {
        return Some(format!("writes would pay {:.0} % of what reads save by it", 100.0 * write_cost / gain));
    }
    None
}

fn share(change: &Change) -> f64 {
    if change.before > 0.0 { (change.before - change.after) / change.before } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(before: f64, after: f64) -> Change {
        Change { weight: 1.0, share_min: STATEMENT_GAIN_MIN, before, after }
    }

    #[test]
    fn small_shares_are_refused_and_said() {
        let reason = refusal(&[change(2209.0, 2147.8)], 2.2, 0.0).unwrap();
        assert!(reason.contains("2.8 %"), "{reason}");
        assert_eq!(refusal(&[change(2209.0, 75.0)], 2.2, 0.0), None);
        assert!(refusal(&[change(10.0, 6.0)], 0.0, 0.0).is_some(), "four units are noise");
    }

    #[test]
    fn one_statement_that_gains_much_carries_one_that_gains_little() {
        assert_eq!(refusal(&[change(1000.0, 990.0), change(100.0, 10.0)], 1.1, 0.0), None);
        assert!(refusal(&[change(100.0, 10.0)], 1000.0, 0.0).unwrap().contains("workload"));
    }

    #[test]
    fn what_writes_pay_counts() {
        assert_eq!(refusal(&[change(100.0, 10.0)], 1.0, 80.0), None);
        assert!(refusal(&[change(100.0, 10.0)], 1.0, 90.0).unwrap().contains("100 %"));
    }

    #[test]
    fn joins_gain_part_by_part() {
        let join = Change { share_min: share_min(true, false), ..change(1000.0, 880.0) };
        assert_eq!(refusal(&[join], 1.0, 0.0), None);
        assert!(refusal(&[change(1000.0, 880.0)], 1.0, 0.0).is_some());
    }
}
