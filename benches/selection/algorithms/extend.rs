//! Extend: adds the index, or widens a chosen one by the column, that gains most for its additional bytes (Schlosser,
//! Kossmann, Boissier: Efficient Scalable Multi-Attribute Index Selection Using Recursive Strategies, ICDE 2019).

use std::collections::BTreeSet;

use super::{Column, Index, Prices, Set, all_columns, bytes, total};

/// A step must leave less than the cost divided by this.
const IMPROVEMENT_MIN: f64 = 1.003;

/// The best step of a round.
struct Step {
    chosen: Set,
    cost: f64,
    gain_per_byte: f64,
}

/// Chooses indexes of at most `width` columns within `budget` bytes.
pub fn choose(prices: &mut dyn Prices, budget: f64, width: usize) -> Set {
    let columns = all_columns(prices);
    let mut chosen = Set::new();
    let mut cost = total(prices, &chosen);
    loop {
        let mut best: Option<Step> = None;
        for next in added(&chosen, &columns).into_iter().chain(widened(&chosen, &columns, width)) {
            let additional = bytes(prices, &next) - bytes(prices, &chosen);
            if bytes(prices, &next) > budget {
                continue;
            }
            let next_cost = total(prices, &next);
            let gain_per_byte = (cost - next_cost) / additional.max(1.0);
            let is_enough = next_cost * IMPROVEMENT_MIN < cost;
            if is_enough && best.as_ref().is_none_or(|best| gain_per_byte > best.gain_per_byte) {
                best = Some(Step { chosen: next, cost: next_cost, gain_per_byte });
            }
        }
        let Some(step) = best else { return chosen };
        (chosen, cost) = (step.chosen, step.cost);
    }
}

/// The chosen set with an index on one more column.
fn added(chosen: &Set, columns: &BTreeSet<Column>) -> Vec<Set> {
    let new = columns.iter().map(Index::on).filter(|index| !chosen.contains(index));
    new.map(|index| chosen.iter().cloned().chain([index]).collect()).collect()
}

/// The chosen set with one more column at the end of one of its indexes.
fn widened(chosen: &Set, columns: &BTreeSet<Column>, width: usize) -> Vec<Set> {
    let narrow = chosen.iter().filter(|index| index.columns.len() < width);
    let pairs = narrow.flat_map(|index| columns.iter().filter_map(move |column| Some((index, index.widened(column)?))));
    let new = pairs.filter(|(_, wider)| !chosen.contains(wider));
    new.map(|(index, wider)| chosen.iter().filter(|other| *other != index).cloned().chain([wider]).collect()).collect()
}
