//! Joins: what cheaper inputs save them, and nested loops that look up the rows of one side by an index in the place of
//! a join that reads all of it. The order in which relations are joined stays as it is.

use std::collections::BTreeSet;

use super::condition::{self, Clause};
use super::nodes::Entry;
use super::path::Path;
use super::rebuild::{Above, Rebuild, Ways};
use super::scan;
use super::table::Scanned;
use crate::plan::{Node, conjuncts};

impl Rebuild<'_> {
    pub fn join(&self, node: &Node, above: Above) -> Ways {
        let mut ways = match node.node_type.as_str() {
            "Nested Loop" => self.nested_loop(node, above),
            "Hash Join" => self.by_difference(
                node,
                above.needing(0),
                &self.join_entries(node, [Entry::UNORDERED, Entry::BLOCKING]),
            ),
            _ => {
                let n_keys = node.merge_cond.as_deref().map_or(0, |cond| conjuncts(cond).len());
                let inner = Entry { keeps_order: true, ..Entry::STREAMED };
                self.by_difference(node, above.needing(n_keys), &self.join_entries(node, [Entry::STREAMED, inner]))
            }
        };
        ways.paths.extend(self.lookups(node, above));
        ways.paths.extend(self.hashed(node, above));
        ways
    }

    fn join_entries(&self, node: &Node, [outer, inner]: [Entry; 2]) -> Vec<Entry> {
        let mut entries = self.entries(node, outer);
        for (child, entry) in node.children.iter().zip(&mut entries) {
            if child.is_child("Inner") {
                *entry = inner;
            }
        }
        entries
    }

    /// A nested loop as it is, its inner side run once for each row of the outer one, as far as that was charged for.
    fn nested_loop(&self, node: &Node, above: Above) -> Ways {
        let Some((outer, inner)) = sides(node) else { return self.other(node, above) };
        let n_rows = outer.plan_rows.max(1.0);
        let n_pairs = n_rows * inner.plan_rows * self.settings.cpu_tuple;
        let charged = (node.total_cost - outer.total_cost - n_pairs).max(0.0) / inner.total_cost.max(f64::MIN_POSITIVE);
        let n_runs = if inner.node_type == "Materialize" { 1.0 } else { charged.clamp(1.0, n_rows) };
        let entries = self.join_entries(node, [Entry::STREAMED, Entry::times(n_runs)]);
        self.by_difference(node, Above { n_loops: n_rows, ..above.needing(above.keys_needed) }, &entries)
    }

    /// A hash join in the place of a nested loop that has lost the index of its inner side (`cost_hashjoin`).
    fn hashed(&self, node: &Node, above: Above) -> Option<Path> {
        let (outer, inner) = sides(node)?;
        let is_possible = matches!(node.join_type.as_deref(), Some("Inner" | "Left" | "Semi" | "Anti"));
        if node.node_type != "Nested Loop" || !is_possible || !self.settings.allows("enable_hashjoin") {
            return None;
        }
        let inner = below_help(inner);
        if !self.loses_present(inner) {
            return None;
        }
        let inner = Scanned::of(self.statement, inner, outer.plan_rows, 1.0)?;
        let is_key = |clause: &&Clause| clause.is_equality() && !clause.others.is_empty();
        let n_keys = inner.clauses.iter().filter(is_key).count() as f64;
        if n_keys == 0.0 {
            return None;
        }
        let free = inner.without_join_clauses();
        let scans = scan::paths(self.settings, &free, self.usable(free.relation));
        let scan = scans.iter().min_by(|a, b| a.total.total_cmp(&b.total))?;
        let driver =
            self.ways(outer, above.once().needing(0)).paths.into_iter().min_by(|a, b| a.total.total_cmp(&b.total))?;
        let (operator, tuple) = (self.settings.cpu_operator, self.settings.cpu_tuple);
        let build = scan.total + (operator * n_keys + tuple) * free.n_rows;
        let probe = operator * n_keys * outer.plan_rows * 1.5 + tuple * node.plan_rows;
        let startup = driver.startup + build;
        let joined = driver.with_indexes_of(scan).unordered();
        let joined = joined.priced(startup, joined.total + build + probe);
        Some(Path { n_rows: node.plan_rows, ..joined })
    }

    /// Nested loops that look up rows of one side by an index for each row of the other.
    fn lookups(&self, node: &Node, above: Above) -> Vec<Path> {
        let Some((outer, inner)) = sides(node) else { return Vec::new() };
        let (outer, inner) = (below_help(outer), below_help(inner));
        if !self.settings.allows("enable_nestloop") {
            return Vec::new();
        }
        match node.join_type.as_deref() {
            Some("Inner") => {
                let mut paths = self.lookup(node, above, outer, inner);
                paths.extend(self.lookup(node, above, inner, outer));
                paths
            }
            Some("Left" | "Semi" | "Anti") => self.lookup(node, above, outer, inner),
            Some("Right" | "Right Semi" | "Right Anti") => self.lookup(node, above, inner, outer),
            _ => Vec::new(),
        }
    }

    /// Nested loops that look up `target` for each row of `driver`.
    fn lookup(&self, node: &Node, above: Above, driver: &Node, target: &Node) -> Vec<Path> {
        if above.is_parallel && target.is_parallel_aware {
            return Vec::new();
        }
        let Some(scanned) = Scanned::of(self.statement, target, 1.0, 1.0) else { return Vec::new() };
        let target_alias = scanned.alias.clone();
        let mut conditions: Vec<&String> =
            [&node.hash_cond, &node.merge_cond, &node.join_filter].into_iter().flatten().collect();
        // A present nested loop has its condition on the inner side.
        let inner_scan = Scanned::of(self.statement, driver, 1.0, 1.0);
        let pushed_down = inner_scan.as_ref().map(|scan| scan.alias.clone()).is_some_and(|_| is_parameterised(driver));
        if pushed_down {
            conditions.extend([&driver.index_cond, &driver.recheck_cond, &driver.filter].into_iter().flatten());
        }
        let available = aliases_below(driver);
        let joins = |clause: &Clause| {
            clause.subject.is_some() && !clause.others.is_empty() && clause.others.is_subset(&available)
        };
        let clauses: Vec<Clause> = conditions
            .iter()
            .flat_map(|condition| condition::clauses(condition, &target_alias, scanned.relation))
            .filter(joins)
            .collect();
        if clauses.is_empty() {
            return Vec::new();
        }
        let (drivers, n_rows) = match inner_scan.filter(|_| pushed_down) {
            Some(driver) => {
                let free = driver.without_join_clauses();
                (scan::paths(self.settings, &free, self.usable(free.relation)), free.n_rows)
            }
            None => (self.ways(driver, above.once().needing(0)).paths, driver.plan_rows.max(1.0)),
        };
        let looked_up = scanned.without_join_clauses().with_join_clauses(&clauses, n_rows);
        let inner = scan::paths(self.settings, &looked_up, self.usable(looked_up.relation));
        let loops =
            Loops { n_rows, n_found: looked_up.n_rows, n_returned: node.plan_rows, join: node.join_type.as_deref() };
        let mut paths = Vec::new();
        for driver in &drivers {
            for inner in &inner {
                let joined = driver.clone().with_indexes_of(inner);
                if !joined.used.is_empty() || self.loses_present(node) {
                    let total = driver.total + loops.cost(inner) + loops.n_pairs() * self.settings.cpu_tuple;
                    let joined = joined.priced(driver.startup + inner.startup, total);
                    paths.push(Path { n_rows: node.plan_rows, ..joined });
                }
            }
        }
        paths
    }

    /// Whether the plan below cannot stay as it is because an index in it is hidden.
    pub fn loses_present(&self, node: &Node) -> bool {
        super::table::index_names(node).iter().any(|name| self.is_hidden(name))
            || node.children.iter().any(|child| self.loses_present(child))
    }
}

/// How often the inner side of a nested loop is run, and what it finds.
struct Loops<'p> {
    n_rows: f64,
    /// Rows of the inner side for each of the outer one.
    n_found: f64,
    /// Rows of the join.
    n_returned: f64,
    join: Option<&'p str>,
}

impl Loops<'_> {
    fn n_pairs(&self) -> f64 {
        (self.n_rows * self.n_found).max(self.n_returned)
    }

    /// What the inner side costs in all its runs (`final_cost_nestloop`, `costsize.c`). A semijoin stops at the first
    /// match of a row: halfway to the last one, on average, where there is one; where there is none, the index says so
    /// before any row is fetched.
    fn cost(&self, inner: &Path) -> f64 {
        let run = inner.total - inner.startup;
        if !matches!(self.join, Some("Semi" | "Right Semi")) {
            return self.n_rows * inner.total;
        }
        let n_matched = self.n_returned.clamp(1.0, self.n_rows);
        let n_matches = (self.n_rows * self.n_found / n_matched).max(1.0);
        let read = 2.0 / (n_matches + 1.0);
        let unmatched = (self.n_rows - n_matched) * run / self.n_found.max(1.0);
        self.n_rows * inner.startup + n_matched * run * read + unmatched
    }
}

/// The outer and the inner side of a join.
fn sides(node: &Node) -> Option<(&Node, &Node)> {
    let outer = node.children.iter().find(|child| child.is_child("Outer"))?;
    let inner = node.children.iter().find(|child| child.is_child("Inner"))?;
    Some((outer, inner))
}

/// What a join asks for rows below the nodes that only a hash or merge join needs.
fn below_help(node: &Node) -> &Node {
    match (node.node_type.as_str(), node.children.as_slice()) {
        ("Hash" | "Sort" | "Materialize" | "Memoize", [child]) => below_help(child),
        _ => node,
    }
}

/// Whether a scan's conditions speak of another relation.
fn is_parameterised(node: &Node) -> bool {
    let own = node.alias.as_deref().unwrap_or_default();
    [&node.index_cond, &node.recheck_cond, &node.filter]
        .into_iter()
        .flatten()
        .any(|condition| condition::aliases(condition).iter().any(|alias| alias != own))
}

/// The aliases of the relations that a node reads.
fn aliases_below(node: &Node) -> BTreeSet<String> {
    let mut aliases: BTreeSet<String> = node.alias.iter().cloned().collect();
    for child in &node.children {
        aliases.extend(aliases_below(child));
    }
    aliases
}
