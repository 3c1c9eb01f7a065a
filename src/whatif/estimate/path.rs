//! A way to run a part of a plan: its costs, the order of its rows, the indexes it uses. Knows no formula.

use std::collections::BTreeSet;

use crate::pg::Oid;
use crate::whatif::CandidateId;

/// The most ways that are kept for one node.
const PATHS_MAX: usize = 16;

/// Costs closer than this count as equal (`STD_FUZZ_FACTOR`, `pathnode.c`).
pub(super) const FUZZ: f64 = 1.01;

/// A sort key: an expression in one spelling, with the alias of its relation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OrderKey {
    pub expression: String,
    pub descending: bool,
    pub nulls_first: bool,
}

impl OrderKey {
    fn reversed(&self) -> Self {
        Self { expression: self.expression.clone(), descending: !self.descending, nulls_first: !self.nulls_first }
    }
}

/// The order of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Order {
    pub keys: Vec<OrderKey>,
    /// Whether the opposite order is to be had at the same price: an index read backwards.
    pub is_reversible: bool,
}

impl Order {
    /// The opposite order.
    pub fn reversed(&self) -> Self {
        Self { keys: self.keys.iter().map(OrderKey::reversed).collect(), is_reversible: self.is_reversible }
    }

    /// How many leading keys of `wanted` it delivers.
    pub fn common(&self, wanted: &[OrderKey]) -> usize {
        let count = |keys: &mut dyn Iterator<Item = OrderKey>| keys.zip(wanted).take_while(|(a, b)| a == *b).count();
        let forward = count(&mut self.keys.iter().cloned());
        if !self.is_reversible {
            return forward;
        }
        forward.max(count(&mut self.keys.iter().map(OrderKey::reversed)))
    }

    /// Whether rows with equal values of `expressions`, in whatever order these stand, come one after the other.
    pub fn groups(&self, expressions: &BTreeSet<String>) -> bool {
        let leading: BTreeSet<&String> = self.keys.iter().take(expressions.len()).map(|key| &key.expression).collect();
        !expressions.is_empty() && leading == expressions.iter().collect()
    }
}

/// A way to run a node and everything below it.
#[derive(Debug, Clone)]
pub(super) struct Path {
    pub startup: f64,
    pub total: f64,
    /// The rows that it returns, for one loop.
    pub n_rows: f64,
    pub order: Order,
    pub used: BTreeSet<CandidateId>,
    pub used_existing: BTreeSet<Oid>,
}

impl Path {
    /// The indexes of this and of another path.
    pub fn with_indexes_of(mut self, other: &Path) -> Self {
        self.used.extend(&other.used);
        self.used_existing.extend(&other.used_existing);
        self
    }

    /// The same path with other costs.
    pub fn priced(&self, startup: f64, total: f64) -> Self {
        let startup = startup.max(0.0);
        Self { startup, total: total.max(startup), ..self.clone() }
    }

    pub fn unordered(mut self) -> Self {
        self.order = Order::default();
        self
    }

    /// Whether nothing speaks for `other`.
    fn dominates(&self, other: &Path) -> bool {
        self.total <= other.total
            && self.startup <= other.startup
            && (other.order.keys.is_empty() || self.order == other.order)
    }
}

/// The paths that may still win, the cheapest first. Among equals the one with fewer hypothetical indexes.
pub(super) fn pruned(mut paths: Vec<Path>) -> Vec<Path> {
    paths.sort_by(|a, b| a.total.total_cmp(&b.total).then(a.used.len().cmp(&b.used.len())));
    let mut kept: Vec<Path> = Vec::new();
    for path in paths {
        if !kept.iter().any(|better| better.dominates(&path)) {
            kept.push(path);
        }
    }
    kept.truncate(PATHS_MAX);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(keys: &[(&str, bool)], is_reversible: bool) -> Order {
        let key = |(expression, descending): &(&str, bool)| OrderKey {
            expression: (*expression).to_owned(),
            descending: *descending,
            nulls_first: *descending,
        };
        Order { keys: keys.iter().map(key).collect(), is_reversible }
    }

    #[test]
    fn an_index_is_read_in_both_directions_and_a_sort_is_not() {
        let wanted = order(&[("o.a", true), ("o.b", true)], false).keys;
        assert_eq!(order(&[("o.a", false), ("o.b", false)], true).common(&wanted), 2);
        assert_eq!(order(&[("o.a", false), ("o.b", true)], true).common(&wanted), 1);
        assert_eq!(order(&[("o.a", false), ("o.b", false)], false).common(&wanted), 0);
    }

    #[test]
    fn groups_may_come_in_any_order_of_their_keys() {
        let keys = BTreeSet::from(["o.a".to_owned(), "o.b".to_owned()]);
        assert!(order(&[("o.b", false), ("o.a", true), ("o.c", false)], true).groups(&keys));
        assert!(!order(&[("o.a", false), ("o.c", false)], true).groups(&keys));
    }

    #[test]
    fn a_dearer_path_is_kept_for_its_order_or_its_first_row_alone() {
        let path = |startup: f64, total: f64, order: Order| Path {
            startup,
            total,
            n_rows: 1.0,
            order,
            used: BTreeSet::new(),
            used_existing: BTreeSet::new(),
        };
        let paths = vec![
            path(0.0, 30.0, Order::default()),
            path(5.0, 10.0, Order::default()),
            path(5.0, 20.0, order(&[("o.a", false)], true)),
            path(6.0, 40.0, Order::default()),
        ];
        let totals: Vec<f64> = pruned(paths).iter().map(|path| path.total).collect();
        assert_eq!(totals, [10.0, 20.0, 30.0]);
    }
}
