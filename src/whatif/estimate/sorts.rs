//! Sorts that an index's order makes unnecessary, what a LIMIT makes of them, groups that come in order, and the
//! smallest and largest value of a column. Knows nothing of joins.

use std::collections::BTreeSet;

use super::condition;
use super::cost;
use super::index::qualified;
use super::nodes::Entry;
use super::path::{Order, OrderKey, Path};
use super::rebuild::{Above, Rebuild, Ways};
use super::scan;
use super::table::Scanned;
use crate::pg::IndexTarget;
use crate::plan::Node;
use crate::sql;

impl Rebuild<'_> {
    /// A sort, by every way to run its input: left out, done for groups, or in full.
    pub fn sort(&self, node: &Node, above: Above) -> Ways {
        let keys: Vec<OrderKey> = node.sort_key.iter().map(|key| sort_key(key)).collect();
        let order = Order { keys: keys.clone(), is_reversible: false };
        let [child] = node.children.as_slice() else { return self.other(node, above) };
        let is_incremental = node.node_type == "Incremental Sort";
        let below = above.needing(if is_incremental { node.presorted_key.len() } else { 0 });
        let ways = self.ways(child, below);
        let mut paths = Vec::new();
        for way in &ways.paths {
            let n_sorted = way.order.common(&keys);
            let saved = way.total - child.total_cost;
            let sorted = if is_incremental {
                let saved_startup = way.startup - child.startup_cost;
                way.priced(node.startup_cost + saved_startup, node.total_cost + saved)
            } else {
                way.priced(node.startup_cost + saved, node.total_cost + saved)
            };
            paths.push(Path { order: order.clone(), ..sorted });
            if way.used.is_empty() {
                continue;
            }
            if n_sorted == keys.len() {
                paths.push(way.clone());
            } else if n_sorted > 0 && self.settings.allows("enable_incremental_sort") {
                let sorted: Vec<&str> = keys[..n_sorted].iter().map(|key| key.expression.as_str()).collect();
                let n_groups = self.n_groups(&sorted);
                let input = (way.startup, way.total);
                let (startup, total) =
                    cost::incremental_sort(self.settings, input, child.plan_rows, child.plan_width, n_groups);
                paths.push(Path { order: order.clone(), ..way.priced(startup, total) });
            }
        }
        if is_incremental && self.loses_present(child) {
            // Nothing to go on from any more: all of it is sorted.
            let sort = cost::tuple_sort(self.settings, child.plan_rows, child.plan_width, Some(above.n_wanted));
            let unsorted = self.ways(child, above.needing(0)).paths;
            let sorted = |way: &Path| way.priced(way.total + sort.0, way.total + sort.0 + sort.1);
            paths.extend(unsorted.iter().map(|way| Path { order: order.clone(), ..sorted(way) }));
        }
        Ways { paths, order }
    }

    /// A LIMIT pays the share of its input's run that it reads (`adjust_limit_rows_costs`, `pathnode.c`).
    pub fn limit(&self, node: &Node, above: Above) -> Ways {
        let inputs: Vec<&Node> = node.children.iter().filter(|child| child.is_child("Outer")).collect();
        let ([child], true) = (inputs.as_slice(), node.children.len() == inputs.len()) else {
            return self.other(node, above);
        };
        let run = child.total_cost - child.startup_cost;
        let offset = node.startup_cost - child.startup_cost;
        let n_skipped = if run > offset && offset > 0.0 { offset / run * child.plan_rows } else { 0.0 };
        let limited = |startup: f64, total: f64, n_rows: f64| {
            let run = total - startup;
            let share = |n: f64| if n_rows > 0.0 { (n / n_rows).min(1.0) } else { 1.0 };
            let (skipped, read) = (share(n_skipped), share(n_skipped + node.plan_rows));
            (startup + skipped * run, startup + read * run)
        };
        let (startup, total) = limited(child.startup_cost, child.total_cost, child.plan_rows);
        let below = Above { n_wanted: n_skipped + node.plan_rows, ..above };
        let ways = self.ways(child, below);
        let paths = ways.paths.iter().map(|way| {
            let (new_startup, new_total) = limited(way.startup, way.total, way.n_rows);
            let limited = way.priced(node.startup_cost + new_startup - startup, node.total_cost + new_total - total);
            Path { n_rows: node.plan_rows, ..limited }
        });
        Ways { paths: paths.collect(), order: ways.order }
    }

    pub fn aggregate(&self, node: &Node, above: Above) -> Ways {
        let is_sorted = node.strategy.as_deref() == Some("Sorted") && !node.group_key.is_empty();
        let own = if is_sorted { Entry::STREAMED } else { Entry::BLOCKING };
        let needed = if is_sorted { node.group_key.len() } else { 0 };
        let mut ways = self.by_difference(node, above.needing(needed), &self.entries(node, own));
        if node.strategy.as_deref() == Some("Hashed") {
            ways.paths.extend(self.grouped_in_order(node, above));
        }
        if is_sorted {
            ways.paths.extend(self.grouped_by_hashing(node, above));
        }
        if node.strategy.as_deref() == Some("Plain") {
            ways.paths.extend(self.extremes(node));
        }
        ways
    }

    /// Groups whose rows come one after the other need no hash table, and the first is there at once. Their cost is
    /// taken to be that of the hashed ones (`cost_agg` charges about the same).
    fn grouped_in_order(&self, node: &Node, above: Above) -> Vec<Path> {
        let [child] = node.children.as_slice() else { return Vec::new() };
        let keys: BTreeSet<String> = node.group_key.iter().map(|key| sort_key(key).expression).collect();
        let own = (node.total_cost - child.total_cost).max(0.0);
        let ways = self.ways(child, above.needing(0));
        let in_order = ways.paths.iter().filter(|way| !way.used.is_empty() && way.order.groups(&keys));
        in_order.map(|way| Path { n_rows: node.plan_rows, ..way.priced(way.startup, way.total + own) }).collect()
    }

    /// Groups, or distinct rows, by hashing in the place of an order that is lost with an index; at the cost of the
    /// present ones.
    pub fn grouped_by_hashing(&self, node: &Node, above: Above) -> Vec<Path> {
        let [child] = node.children.as_slice() else { return Vec::new() };
        if !self.settings.allows("enable_hashagg") || !self.loses_present(child) {
            return Vec::new();
        }
        let own = (node.total_cost - child.total_cost).max(0.0) + self.settings.cpu_tuple * node.plan_rows;
        let ways = self.ways(child, above.needing(0)).paths;
        let hashed = |way: &Path| way.priced(way.total + own, way.total + own).unordered();
        ways.iter().map(|way| Path { n_rows: node.plan_rows, ..hashed(way) }).collect()
    }

    /// `min` and `max` over a whole relation, each by the first row of an index (`preprocess_minmax_aggregates`,
    /// `planagg.c`).
    fn extremes(&self, node: &Node) -> Option<Path> {
        let [child] = node.children.as_slice() else { return None };
        let scanned = Scanned::of(self.statement, input_scan(child), 1.0, 1.0)?;
        let mut all: Option<Path> = None;
        for output in &node.output {
            let target = extreme_of(output)?;
            let name = qualified(&scanned.stem, &IndexTarget::Column(target.clone()));
            let paths = scan::paths(self.settings, &scanned, self.usable(scanned.relation));
            let starts = |path: &&Path| path.order.keys.first().is_some_and(|key| key.expression == name);
            let first_row = |path: &Path| path.startup + (path.total - path.startup) / scanned.n_rows.max(1.0);
            let best = paths.iter().filter(starts).min_by(|a, b| first_row(a).total_cmp(&first_row(b)))?;
            let cost = first_row(best) + self.settings.cpu_tuple;
            all = Some(match all {
                None => best.priced(cost, cost),
                Some(all) => all.priced(all.startup + cost, all.total + cost).with_indexes_of(best),
            });
        }
        all.filter(|path| !path.used.is_empty()).map(|path| Path { n_rows: 1.0, ..path.unordered() })
    }
}

/// The scan whose rows reach an aggregate through workers.
fn input_scan(node: &Node) -> &Node {
    match (node.node_type.as_str(), node.children.as_slice()) {
        ("Gather" | "Aggregate", [child]) => input_scan(child),
        _ => node,
    }
}

/// Whether it is the smallest or largest value of a column, and of which: `max(o.created_at)`.
fn extreme_of(output: &str) -> Option<String> {
    let (function, rest) = output.split_once('(')?;
    let argument = rest.strip_suffix(')').filter(|argument| !argument.contains('('))?;
    if !matches!(function, "min" | "max") {
        return None;
    }
    // Where there is one relation, its columns bear no alias there.
    let column = argument.rsplit_once('.').map_or(argument, |(_, column)| column);
    Some(column.trim_matches('"').replace("\"\"", "\""))
}

/// A sort key as EXPLAIN prints it: `o.created_at DESC NULLS LAST`.
pub(super) fn sort_key(text: &str) -> OrderKey {
    let (text, nulls) = match (text.strip_suffix(" NULLS FIRST"), text.strip_suffix(" NULLS LAST")) {
        (Some(text), _) => (text, Some(true)),
        (_, Some(text)) => (text, Some(false)),
        _ => (text, None),
    };
    let (text, descending) = match text.strip_suffix(" DESC") {
        Some(text) => (text, true),
        None => (text, false),
    };
    OrderKey { expression: spelt(text), descending, nulls_first: nulls.unwrap_or(descending) }
}

/// An expression over one relation as [`qualified`] spells it.
fn spelt(text: &str) -> String {
    let aliases = condition::aliases(text);
    let mut names = aliases.iter();
    match (names.next(), names.next()) {
        (Some(alias), None) => format!("{alias}.{}", sql::canonical(text)),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sort_keys_as_the_server_prints_them() {
        for (text, expression, descending, nulls_first) in [
            ("o.created_at", "o.created_at", false, false),
            ("o.created_at DESC", "o.created_at", true, true),
            ("o.created_at DESC NULLS LAST", "o.created_at", true, false),
            ("o.\"placedAt\" NULLS FIRST", "o.\"placedAt\"", false, true),
            ("(lower((o.email)::text))", "o.lower(email)", false, false),
        ] {
            let key = sort_key(text);
            assert_eq!(
                (key.expression.as_str(), key.descending, key.nulls_first),
                (expression, descending, nulls_first)
            );
        }
    }

    #[test]
    fn extremes_are_told_from_other_outputs() {
        assert_eq!(extreme_of("max(o.created_at)").as_deref(), Some("created_at"));
        assert_eq!(extreme_of("min(\"placedAt\")").as_deref(), Some("placedAt"));
        assert_eq!(extreme_of("max(length(o.note))"), None);
        assert_eq!(extreme_of("count(*)"), None);
    }
}
