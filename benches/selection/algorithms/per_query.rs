//! An index for each slow query, as dexter answers: for each statement alone, single columns first, pairs where they
//! halve the cost again; no statement's gain is weighed against another's loss.

use super::{Prices, Set, permutations};

/// Statements that cost less are fast enough.
const COST_MIN: f64 = 100.0;
/// The share of its cost that a statement must save; and what pairs must save beyond single columns.
const SAVING_MIN: f64 = 0.5;

/// The union of what each statement asks for.
pub fn choose(prices: &mut dyn Prices) -> Set {
    let mut chosen = Set::new();
    for (statement, columns) in prices.columns().to_vec().iter().enumerate() {
        let before = prices.plan(statement, &Set::new()).cost;
        let single = prices.plan(statement, &permutations(columns, 1));
        let pairs = prices.plan(statement, &permutations(columns, 2));
        let saves = |from: f64, to: f64| to < from * (1.0 - SAVING_MIN);
        if before < COST_MIN {
            continue;
        }
        if saves(single.cost.min(before), pairs.cost) {
            chosen.extend(pairs.used);
        } else if saves(before, single.cost) {
            chosen.extend(single.used);
        }
    }
    chosen
}
