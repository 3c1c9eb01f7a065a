//! How many scans of an inner index the planner shares the pages among. Reads only the plan.

use std::collections::BTreeMap;

use crate::plan::Node;

/// The share of its time that the leader spends on reading its workers' rows, for each of them
/// (`get_parallel_divisor`, costsize.c).
const LEADER_SHARE_TAKEN: f64 = 0.3;

/// The rows of the relations that lookups can come from.
#[derive(Debug, Default)]
pub(super) struct Loops {
    /// By alias: the rows that a scan's own conditions leave, for all workers together; `None` for a scan that is looked up
    /// itself, whose rows without the lookup stand nowhere in the plan.
    n_rows: BTreeMap<String, Option<f64>>,
}

impl Loops {
    /// Those of a whole plan.
    pub fn of(root: &Node) -> Self {
        let mut loops = Self::default();
        loops.add(root, 1.0);
        let looked_up: Vec<String> =
            loops.n_rows.keys().filter(|alias| loops.is_looked_up(root, alias)).cloned().collect();
        loops.n_rows.extend(looked_up.into_iter().map(|alias| (alias, None)));
        loops
    }

    /// The scans that share the pages of this one's index: as many as the relation has rows that the lookup's values come
    /// from, not as many as the join really makes; the smallest of several (`get_loop_count`, indxpath.c). 1 where it
    /// is no lookup; `None` where the relation's rows are not known.
    pub fn n_scans(&self, node: &Node) -> Option<f64> {
        let sources = self.sources(node);
        if sources.is_empty() {
            return Some(1.0);
        }
        let n_rows: Option<Vec<f64>> =
            sources.into_iter().map(|alias| self.n_rows.get(alias).copied().flatten()).collect();
        n_rows?.into_iter().min_by(f64::total_cmp).map(|n_rows| n_rows.max(1.0))
    }

    fn add(&mut self, node: &Node, divisor: f64) {
        let divisor = node
            .n_workers_planned
            .map_or(divisor, |n_workers| n_workers + (1.0 - LEADER_SHARE_TAKEN * n_workers).max(0.0));
        if let Some(alias) = &node.alias {
            let n_rows = if node.is_parallel_aware { node.plan_rows * divisor } else { node.plan_rows };
            self.n_rows.insert(alias.clone(), Some(n_rows));
        }
        node.children.iter().for_each(|child| self.add(child, divisor));
    }

    fn is_looked_up(&self, node: &Node, alias: &str) -> bool {
        let is_it = node.alias.as_deref() == Some(alias);
        let below = |child: &Node| self.is_looked_up(child, alias) || (is_it && self.has_lookup(child));
        (is_it && !self.sources(node).is_empty()) || node.children.iter().any(below)
    }

    /// Whether a bitmap scan's index, which bears no alias, is a lookup.
    fn has_lookup(&self, node: &Node) -> bool {
        let is_bitmap = node.node_type.starts_with("Bitmap");
        is_bitmap && (!self.sources(node).is_empty() || node.children.iter().any(|child| self.has_lookup(child)))
    }

    /// The other relations in a scan's index condition.
    fn sources(&self, node: &Node) -> Vec<&str> {
        let Some(condition) = &node.index_cond else { return Vec::new() };
        let own = node.alias.as_deref();
        self.n_rows.keys().map(String::as_str).filter(|alias| Some(*alias) != own && names(condition, alias)).collect()
    }
}

/// Whether a condition names a column of `alias`: EXPLAIN qualifies every column of a plan of several relations.
fn names(condition: &str, alias: &str) -> bool {
    let quoted = crate::pg::quote_identifier(alias);
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || c == '"' || c == '.';
    condition
        .match_indices(&format!("{quoted}."))
        .any(|(start, _)| !condition[..start].chars().next_back().is_some_and(is_word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(alias: &str, n_rows: f64, condition: Option<&str>) -> Node {
        Node {
            node_type: "Index Scan".into(),
            alias: Some(alias.into()),
            plan_rows: n_rows,
            index_cond: condition.map(str::to_owned),
            ..Node::default()
        }
    }

    #[test]
    fn a_lookup_is_counted_by_the_rows_of_its_source_and_all_workers_together() {
        let orders = Node { is_parallel_aware: true, ..scan("o", 1000.0, None) };
        let lookup = scan("l", 4.0, Some("(l_orderkey = o.o_orderkey)"));
        let third = scan("p", 1.0, Some("(p_partkey = l.l_partkey)"));
        let gather = Node {
            node_type: "Gather".into(),
            n_workers_planned: Some(2.0),
            children: vec![orders, lookup.clone(), third.clone()],
            ..Node::default()
        };
        let loops = Loops::of(&gather);
        assert_eq!(loops.n_scans(&lookup), Some(2400.0));
        assert_eq!(loops.n_scans(&third), None, "l's own rows are not in the plan");
        assert_eq!(loops.n_scans(&scan("x", 1.0, Some("(a = 5)"))), Some(1.0));
        assert_eq!(loops.n_scans(&scan("x", 1.0, Some("(a = foo.b)"))), Some(1.0), "a word that ends like an alias");
    }
}
