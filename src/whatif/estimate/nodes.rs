//! Nodes that take their input as it comes: what a cheaper input saves them, and how often they run it. Also the
//! processes of a Gather and the parts of an Append. Sorts and joins are elsewhere.

use std::collections::BTreeSet;

use super::path::{Order, Path, pruned};
use super::rebuild::{Above, Rebuild, Ways};
use super::table;
use crate::plan::Node;

/// How often the planner takes a recursive term to run (`cost_recursive_union`, `costsize.c`).
const RECURSIONS: f64 = 10.0;

/// How the costs of a child enter those of its node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// How often the child's total cost is paid.
    pub n_runs: f64,
    /// Whether the node returns nothing before the child has ended.
    pub blocks: bool,
    /// Whether the node returns its rows in the child's order.
    pub keeps_order: bool,
}

impl Entry {
    pub const STREAMED: Self = Self { n_runs: 1.0, blocks: false, keeps_order: true };
    pub const BLOCKING: Self = Self { n_runs: 1.0, blocks: true, keeps_order: false };
    pub const UNORDERED: Self = Self { n_runs: 1.0, blocks: false, keeps_order: false };

    pub fn times(n_runs: f64) -> Self {
        Self { n_runs, blocks: false, keeps_order: false }
    }
}

impl Rebuild<'_> {
    /// Any node of which nothing is known but its children: what they save, it saves.
    pub fn other(&self, node: &Node, above: Above) -> Ways {
        let own = match node.node_type.as_str() {
            "Hash" | "SetOp" => Entry::BLOCKING,
            "Subquery Scan" => Entry::UNORDERED,
            _ => Entry::STREAMED,
        };
        let needed = match node.node_type.as_str() {
            "Unique" | "WindowAgg" => usize::MAX,
            "SetOp" if node.strategy.as_deref() == Some("Sorted") => usize::MAX,
            "Hash" | "ModifyTable" => 0,
            _ => above.keys_needed,
        };
        let entries = self.entries(node, own);
        let is_row_by_row = matches!(node.node_type.as_str(), "LockRows" | "Result");
        let below = if is_row_by_row { above } else { above.needing(needed) };
        let mut ways = self.by_difference(node, below, &entries);
        if node.node_type == "Unique" {
            ways.paths.extend(self.grouped_by_hashing(node, above));
        }
        ways
    }

    /// How the children enter a node whose main input enters as `own` says.
    pub fn entries(&self, node: &Node, own: Entry) -> Vec<Entry> {
        node.children.iter().map(|child| self.entry(node, child, own)).collect()
    }

    pub fn entry(&self, node: &Node, child: &Node, own: Entry) -> Entry {
        match child.parent_relationship.as_deref() {
            Some("InitPlan") => Entry::BLOCKING,
            Some("SubPlan") => Entry::times(n_evaluations(self, node, child)),
            Some("Inner") if node.node_type == "Recursive Union" => Entry::times(RECURSIONS),
            _ => own,
        }
    }

    /// The ways of a node whose costs change by what those of its children do.
    pub fn by_difference(&self, node: &Node, above: Above, entries: &[Entry]) -> Ways {
        let mut order = Order::default();
        let start = Path {
            startup: node.startup_cost,
            total: node.total_cost,
            n_rows: node.plan_rows,
            order: Order::default(),
            used: BTreeSet::new(),
            used_existing: BTreeSet::new(),
        };
        let paid: f64 = node.children.iter().zip(entries).map(|(child, entry)| child.total_cost * entry.n_runs).sum();
        // Children that are stopped early cost less than they would in full.
        let share = if paid > node.total_cost && paid > 0.0 { node.total_cost / paid } else { 1.0 };
        let mut paths = vec![start];
        for (child, entry) in node.children.iter().zip(entries) {
            if child.node_type.starts_with("Bitmap") && child.node_type != "Bitmap Heap Scan" {
                continue;
            }
            let is_input = !matches!(child.parent_relationship.as_deref(), Some("InitPlan" | "SubPlan"));
            let below = if is_input && entry.keeps_order { above } else { above.needing(0) };
            // What a subquery is sorted by is not for its caller to say.
            let below = if is_input { below } else { below.once().needing(usize::MAX) };
            let ways = self.ways(child, below);
            if entry.keeps_order && is_input && order.keys.is_empty() {
                order = ways.order.clone();
            }
            let mut joined = Vec::new();
            for path in &paths {
                for way in &ways.paths {
                    joined.push(with_child(path, child, way, *entry, share));
                }
            }
            paths = pruned(joined);
        }
        Ways { paths, order }
    }

    pub fn gather(&self, node: &Node, above: Above) -> Ways {
        let needed = if node.node_type == "Gather Merge" { usize::MAX } else { 0 };
        let parallel = Above { is_parallel: true, ..above.needing(needed) };
        let own = if needed > 0 { Entry::STREAMED } else { Entry::UNORDERED };
        let mut ways = self.by_difference(node, parallel, &self.entries(node, own));
        let divisor = self.settings.parallel_divisor(node.n_workers_planned.unwrap_or(1.0));
        if let [child] = node.children.as_slice() {
            let alone = self.ways_of_other_plan(&self.alone(child, divisor), above.needing(needed));
            let is_of_use = |path: &Path| !path.used.is_empty() || ways.paths.is_empty();
            let alone: Vec<Path> = alone.paths.into_iter().filter(is_of_use).collect();
            ways.paths.extend(alone);
        }
        ways
    }

    /// `node`, a part of a parallel plan, as one process alone would run it.
    fn alone(&self, node: &Node, divisor: f64) -> Node {
        if !is_partial(node) {
            return node.clone();
        }
        let mut alone = node.clone();
        alone.is_parallel_aware = false;
        alone.plan_rows = (node.plan_rows * divisor).round();
        if let Some(relation) = table::relation_of(self.statement.catalog, node) {
            let is_sequential = node.node_type == "Seq Scan";
            let io = if is_sequential {
                table::size_now(relation).0 * self.settings.seq_page
            } else {
                node.total_cost / 2.0
            };
            let io = io.min(node.total_cost);
            alone.total_cost = io + (node.total_cost - io) * divisor;
            return alone;
        }
        alone.children = node.children.iter().map(|child| self.alone(child, divisor)).collect();
        let counted = |child: &&Node| !(node.node_type == "Nested Loop" && child.is_child("Inner"));
        let before: f64 = node.children.iter().filter(counted).map(|child| child.total_cost).sum();
        let after: f64 = alone.children.iter().filter(counted).map(|child| child.total_cost).sum();
        alone.total_cost = after + (node.total_cost - before).max(0.0) * divisor;
        let ratio = if node.total_cost > 0.0 { alone.total_cost / node.total_cost } else { 1.0 };
        alone.startup_cost = (node.startup_cost * ratio).min(alone.total_cost);
        alone
    }

    /// Parts of a partitioned table: the cheapest way for each; and, where every part can deliver the same order, those
    /// merged (`create_merge_append_path`).
    pub fn append(&self, node: &Node, above: Above) -> Ways {
        let merges = node.node_type == "Merge Append";
        let own = if merges { Entry::STREAMED } else { Entry::UNORDERED };
        let below = above.needing(if merges { usize::MAX } else { 0 });
        let mut ways = self.by_difference(node, below, &self.entries(node, own));
        if !merges {
            ways.paths.extend(self.merged(node, below));
        }
        ways
    }

    fn merged(&self, node: &Node, above: Above) -> Vec<Path> {
        let parts: Vec<Ways> = node.children.iter().map(|child| self.ways(child, above)).collect();
        let Some((first, rest)) = parts.split_first() else { return Vec::new() };
        let n = parts.len() as f64;
        let compare = 2.0 * self.settings.cpu_operator * n.log2().max(1.0);
        let ordered = first.paths.iter().filter(|path| !path.order.keys.is_empty());
        ordered
            .filter_map(|path| {
                let mut merged = path.clone();
                for part in rest {
                    let same = part.paths.iter().filter(|other| other.order == path.order);
                    let same = same.min_by(|a, b| a.total.total_cmp(&b.total))?;
                    merged =
                        merged.priced(merged.startup + same.startup, merged.total + same.total).with_indexes_of(same);
                }
                let startup = merged.startup + compare * n;
                Some(merged.priced(startup, merged.total + compare * (n + node.plan_rows)))
            })
            .collect()
    }
}

fn with_child(path: &Path, child: &Node, way: &Path, entry: Entry, share: f64) -> Path {
    let saved_total = (way.total - child.total_cost) * entry.n_runs * share;
    let saved_startup = if entry.blocks { saved_total } else { way.startup - child.startup_cost };
    let mut with = path.priced(path.startup + saved_startup, path.total + saved_total).with_indexes_of(way);
    if entry.keeps_order && with.order.keys.is_empty() {
        with.order = way.order.clone();
    }
    with
}

/// How often a subplan is charged for, at least: for each row that its node returns, once where its rows are hashed.
fn n_evaluations(rebuild: &Rebuild<'_>, node: &Node, subplan: &Node) -> f64 {
    let name = subplan.subplan_name.as_deref().unwrap_or_default();
    let is_hashed = |text: &String| text.contains(&format!("hashed {name}"));
    let conditions = [&node.filter, &node.join_filter].into_iter().flatten();
    if name.starts_with("CTE ") || conditions.chain(&node.output).any(is_hashed) || subplan.total_cost <= 0.0 {
        return 1.0;
    }
    let is_in_filter = node.filter.as_ref().is_some_and(|filter| filter.contains(name));
    let relation = table::relation_of(rebuild.statement.catalog, node).filter(|_| is_in_filter);
    let n_rows = relation.map_or(node.plan_rows, |relation| table::size_now(relation).1).max(1.0);
    let inputs: f64 =
        node.children.iter().filter(|child| !child.is_child("SubPlan")).map(|child| child.total_cost).sum();
    let charged = ((node.total_cost - inputs) / subplan.total_cost).floor().max(1.0);
    n_rows.min(charged)
}

/// Whether workers share its rows.
fn is_partial(node: &Node) -> bool {
    let is_input = |child: &&Node| !child.is_child("SubPlan") && !child.is_child("InitPlan");
    node.is_parallel_aware || node.children.iter().filter(is_input).any(is_partial)
}
