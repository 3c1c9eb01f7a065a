//! AutoAdmin: the best indexes of each statement alone are the candidates; of them every pair is tried, then one more
//! index at a time; columns are added to what was chosen, width by width (Chaudhuri, Narasayya: An Efficient
//! Cost-Driven Index Selection Tool for Microsoft SQL Server, VLDB 1997).

use std::collections::BTreeSet;

use super::{Column, Index, Prices, Set, all_columns, bytes};

/// The paper's m: sets of up to this many indexes are all tried.
const N_TOGETHER: usize = 2;

/// What a choice must keep to.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the whole set.
    pub budget: f64,
    /// The paper's k, the number of indexes.
    pub n_indexes: usize,
    /// Columns of an index.
    pub width: usize,
}

/// Chooses within `limits`.
pub fn choose(prices: &mut dyn Prices, limits: Limits) -> Set {
    let columns = all_columns(prices);
    let statements: BTreeSet<usize> = (0..prices.columns().len()).collect();
    let mut potential: Set = columns.iter().map(Index::on).collect();
    let mut chosen = Set::new();
    for width in 1..=limits.width {
        let candidates = candidates(prices, &potential, limits);
        chosen = enumerate(prices, &statements, candidates, limits);
        if width < limits.width {
            potential =
                chosen.iter().flat_map(|index| columns.iter().filter_map(|column| index.widened(column))).collect();
            potential.extend(chosen.iter().cloned());
        }
    }
    chosen
}

/// The indexes that are best for some statement alone, whatever they weigh.
fn candidates(prices: &mut dyn Prices, potential: &Set, limits: Limits) -> Set {
    let mut candidates = Set::new();
    for (statement, columns) in prices.columns().to_vec().iter().enumerate() {
        let own = potential.iter().filter(|index| is_of(index, columns)).cloned().collect();
        let limits = Limits { budget: f64::INFINITY, ..limits };
        candidates.extend(enumerate(prices, &BTreeSet::from([statement]), own, limits));
    }
    candidates
}

fn is_of(index: &Index, columns: &BTreeSet<Column>) -> bool {
    let column = |name: &String| Column { table: index.table.clone(), name: name.clone() };
    index.columns.iter().all(|name| columns.contains(&column(name)))
}

/// Greedy(m, k): the best of all sets of at most m, then one index at a time.
fn enumerate(prices: &mut dyn Prices, statements: &BTreeSet<usize>, mut candidates: Set, limits: Limits) -> Set {
    let mut best = (Set::new(), cost(prices, statements, &Set::new()));
    for set in small_sets(&candidates, N_TOGETHER.min(limits.n_indexes)) {
        consider(prices, statements, set, limits, &mut best);
    }
    let (mut chosen, mut chosen_cost) = best;
    while chosen.len() < limits.n_indexes {
        candidates = candidates.difference(&chosen).cloned().collect();
        let mut best = (chosen.clone(), chosen_cost);
        for index in &candidates {
            let set = chosen.iter().cloned().chain([index.clone()]).collect();
            consider(prices, statements, set, limits, &mut best);
        }
        if best.0 == chosen {
            break;
        }
        (chosen, chosen_cost) = best;
    }
    chosen
}

fn consider(prices: &mut dyn Prices, statements: &BTreeSet<usize>, set: Set, limits: Limits, best: &mut (Set, f64)) {
    if bytes(prices, &set) > limits.budget {
        return;
    }
    let set_cost = cost(prices, statements, &set);
    if set_cost < best.1 {
        *best = (set, set_cost);
    }
}

fn cost(prices: &mut dyn Prices, statements: &BTreeSet<usize>, set: &Set) -> f64 {
    statements.iter().map(|statement| prices.plan(*statement, set).cost).sum()
}

/// The sets of one to `most` (one or two) candidates.
fn small_sets(candidates: &Set, most: usize) -> Vec<Set> {
    let single = candidates.iter().map(|index| Set::from([index.clone()]));
    let pairs = candidates.iter().flat_map(|a| candidates.iter().filter(move |b| a < *b).map(move |b| [a, b]));
    let pairs = pairs.filter(|_| most > 1).map(|pair| pair.into_iter().cloned().collect());
    single.filter(|_| most > 0).chain(pairs).collect()
}
