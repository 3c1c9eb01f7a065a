//! Walking a plan: every node with how often it runs, scans with the indexes they use, sorts with the scan they sort.
//! Reads the tree only; knows no catalog.

use super::{Node, Plan};
use crate::pg::RelationName;

/// A node on the way through a plan.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'p> {
    /// The node.
    pub node: &'p Node,
    /// The node above it.
    pub parent: Option<&'p Node>,
    /// How often the planner expects it to run, for the whole statement: the rows of the outer side for the inner
    /// side of a Nested Loop, the rows that its node returns for a correlated SubPlan (a lower bound: rows that a
    /// filter drops were looked at too). A Memoize is taken as if it remembered nothing, so this is an upper bound below one.
    pub n_loops: f64,
    /// How deep it stands, 0 for the root.
    pub depth: usize,
}

/// One scan of a stored relation.
#[derive(Debug, Clone)]
pub struct PlanScan<'p> {
    /// The node: `Seq Scan`, `Index Scan`, `Index Only Scan`, `Bitmap Heap Scan`, `Tid Scan`, `Sample Scan`, `Foreign Scan` …
    pub node: &'p Node,
    /// The relation; `None` when the plan was not printed with VERBOSE.
    pub relation: Option<RelationName>,
    /// The relation's name without its schema.
    pub relation_name: &'p str,
    /// The name that quals know it by, unique in the plan.
    pub alias: &'p str,
    /// The indexes that find its rows: one, several for a Bitmap Heap Scan, none for a Seq Scan. They live in the
    /// relation's schema, hypothetical ones in none.
    pub indexes: Vec<&'p str>,
    /// The `Index Cond`s of those indexes.
    pub index_conds: Vec<&'p str>,
    /// How often it runs, as [`Visit::n_loops`].
    pub n_loops: f64,
    /// Whether a LIMIT, EXISTS or the like may stop it before its end, so that its cost and rows are not all paid.
    pub may_stop_early: bool,
}

/// One sort, and what it sorts.
#[derive(Debug, Clone)]
pub struct PlanSort<'p> {
    /// The `Sort` or `Incremental Sort`.
    pub node: &'p Node,
    /// The scan whose rows it sorts, when nothing but filters and gathers stand between them: an index could have
    /// returned them in order.
    pub input_scan: Option<PlanScan<'p>>,
    /// The rows that it sorts, for one loop.
    pub n_rows: f64,
    /// How often it runs, as [`Visit::n_loops`].
    pub n_loops: f64,
    /// Whether a Limit stands directly above it: a top-n sort.
    pub is_below_limit: bool,
}

/// Nodes that hand on the rows of their one child, in its order and unchanged.
const TRANSPARENT: [&str; 6] = ["Gather", "Gather Merge", "LockRows", "Materialize", "Memoize", "Result"];

impl Plan {
    /// Every node, parents before children, in EXPLAIN's order.
    pub fn visits(&self) -> Vec<Visit<'_>> {
        let mut visits = Vec::new();
        let mut open = vec![Visit { node: &self.root, parent: None, n_loops: 1.0, depth: 0 }];
        while let Some(visit) = open.pop() {
            let children = visit.node.children.iter().rev().map(|child| Visit {
                node: child,
                parent: Some(visit.node),
                n_loops: visit.n_loops * runs_per_loop(visit.node, child),
                depth: visit.depth + 1,
            });
            open.extend(children);
            visits.push(visit);
        }
        visits
    }

    /// Every scan of a stored relation. What a ModifyTable writes to is no scan.
    pub fn scans(&self) -> Vec<PlanScan<'_>> {
        let mut ancestors: Vec<&Node> = Vec::new();
        let mut scans = Vec::new();
        for visit in self.visits() {
            ancestors.truncate(visit.depth);
            if let Some(mut scan) = scan_of(visit.node, visit.n_loops) {
                scan.may_stop_early = may_stop_early(&ancestors, visit.node);
                scans.push(scan);
            }
            ancestors.push(visit.node);
        }
        scans
    }

    /// Every sort.
    pub fn sorts(&self) -> Vec<PlanSort<'_>> {
        self.visits().into_iter().filter(|visit| is_sort(visit.node)).map(|visit| sort_of(&visit)).collect()
    }

    /// The processes among which a parallel plan divides its rows: the workers and what the leader contributes beside
    /// them (`get_parallel_divisor` in costsize.c).
    pub fn n_processes(&self) -> f64 {
        let n_workers = self.visits().iter().filter_map(|visit| visit.node.n_workers_planned).fold(0.0, f64::max);
        if n_workers == 0.0 { 1.0 } else { n_workers + (1.0 - 0.3 * n_workers).max(0.0) }
    }

    /// The indexes in the plan, each with the schema of its relation (`None` without VERBOSE), sorted, each once.
    pub fn indexes_used(&self) -> Vec<(Option<String>, String)> {
        let mut used: Vec<(Option<String>, String)> = self
            .scans()
            .iter()
            .flat_map(|scan| scan.indexes.iter().map(|index| (scan.node.schema.clone(), (*index).to_owned())))
            .collect();
        used.sort();
        used.dedup();
        used
    }
}

/// How often `child` runs each time that `parent` does.
fn runs_per_loop(parent: &Node, child: &Node) -> f64 {
    let outer_rows =
        || parent.children.iter().find(|child| child.is_child("Outer")).map_or(1.0, |outer| outer.plan_rows);
    match child.parent_relationship.as_deref() {
        Some("Inner") if parent.node_type == "Nested Loop" && child.node_type != "Materialize" => outer_rows().max(1.0),
        // A hashed SubPlan and the SubPlan of a CTE run once; only the name of the first says so, in the qual that uses it.
        Some("SubPlan") if is_correlated(parent, child) => parent.plan_rows.max(1.0),
        _ => 1.0,
    }
}

fn is_correlated(parent: &Node, child: &Node) -> bool {
    let name = child.subplan_name.as_deref().unwrap_or_default();
    if name.starts_with("CTE ") {
        return false;
    }
    let hashed = format!("(hashed {name})");
    let quals = [&parent.filter, &parent.join_filter, &parent.index_cond];
    !quals.iter().any(|qual| qual.as_ref().is_some_and(|qual| qual.contains(&hashed)))
        && !parent.output.iter().any(|output| output.contains(&hashed))
}

fn scan_of(node: &Node, n_loops: f64) -> Option<PlanScan<'_>> {
    let relation_name = node.relation_name.as_deref()?;
    if node.node_type == "ModifyTable" {
        return None;
    }
    let mut scan = PlanScan {
        node,
        relation: node.schema.as_ref().map(|schema| RelationName::new(schema, relation_name)),
        relation_name,
        alias: node.alias.as_deref().unwrap_or(relation_name),
        indexes: Vec::new(),
        index_conds: Vec::new(),
        n_loops,
        may_stop_early: false,
    };
    add_indexes(node, &mut scan);
    Some(scan)
}

/// The index of an Index Scan, or those of the Bitmap Index Scans below a Bitmap Heap Scan.
fn add_indexes<'p>(node: &'p Node, scan: &mut PlanScan<'p>) {
    scan.indexes.extend(node.index_name.as_deref());
    scan.index_conds.extend(node.index_cond.as_deref());
    let bitmaps = node.children.iter().filter(|child| child.node_type.starts_with("Bitmap"));
    for bitmap in bitmaps.filter(|child| child.node_type != "Bitmap Heap Scan") {
        add_indexes(bitmap, scan);
    }
}

fn is_sort(node: &Node) -> bool {
    matches!(node.node_type.as_str(), "Sort" | "Incremental Sort")
}

fn sort_of<'p>(visit: &Visit<'p>) -> PlanSort<'p> {
    let input = visit.node.children.first();
    PlanSort {
        node: visit.node,
        input_scan: input.and_then(|input| input_scan(input, visit.n_loops)),
        n_rows: input.map_or(visit.node.plan_rows, |input| input.plan_rows),
        n_loops: visit.n_loops,
        is_below_limit: visit.parent.is_some_and(|parent| parent.node_type == "Limit"),
    }
}

fn input_scan(input: &Node, n_loops: f64) -> Option<PlanScan<'_>> {
    let mut node = input;
    loop {
        if let Some(scan) = scan_of(node, n_loops) {
            return Some(scan);
        }
        let mut rows = node.children.iter().filter(|child| child.is_child("Outer"));
        match (rows.next(), rows.next()) {
            (Some(child), None) if TRANSPARENT.contains(&node.node_type.as_str()) => node = child,
            _ => return None,
        }
    }
}

/// Whether a node above may stop `node`: a Limit, a Semi or Anti join that has its match, a subplan that only asks
/// whether there is a row, a Merge Join whose other side has ended. Nodes that read all input first (Sort, Hash,
/// Aggregate) shield what is below them.
fn may_stop_early(ancestors: &[&Node], node: &Node) -> bool {
    let mut child = node;
    for parent in ancestors.iter().rev() {
        let inner = child.is_child("Inner");
        let semi = matches!(parent.join_type.as_deref(), Some("Semi" | "Anti"));
        match parent.node_type.as_str() {
            "Limit" | "Merge Join" => return true,
            "Nested Loop" if inner && semi => return true,
            "Sort" | "Hash" | "SetOp" | "ModifyTable" => return false,
            "Aggregate" if parent.strategy.as_deref() != Some("Sorted") => return false,
            _ if child.is_child("SubPlan") => return is_correlated(parent, child),
            _ if child.is_child("InitPlan") => return true,
            _ => child = parent,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::parse;

    fn recorded(name: &str) -> Plan {
        let file = format!("{}/fixtures/recorded/plans/{name}.json", env!("CARGO_MANIFEST_DIR"));
        parse(&std::fs::read_to_string(file).unwrap()).unwrap()
    }

    #[test]
    fn a_bitmap_scan_has_all_its_indexes() {
        let plan = recorded("bitmap");
        let scans = plan.scans();
        assert_eq!(scans.len(), 1);
        assert_eq!(scans[0].indexes, ["orders_customer_id_idx", "orders_status_idx"]);
        assert_eq!(scans[0].index_conds.len(), 2);
        assert_eq!(scans[0].relation, Some(RelationName::new("public", "orders")));
        let public = || Some("public".to_owned());
        assert_eq!(
            plan.indexes_used(),
            [(public(), "orders_customer_id_idx".to_owned()), (public(), "orders_status_idx".to_owned())]
        );
    }

    #[test]
    fn the_inner_side_of_a_nested_loop_runs_once_for_each_outer_row() {
        let plan = recorded("nested_seq");
        let loops: Vec<(&str, f64)> = plan.scans().iter().map(|scan| (scan.alias, scan.n_loops)).collect();
        assert_eq!(loops, [("l", 1.0), ("o", 100_000.0), ("c", 99_882.0)]);
    }

    #[test]
    fn a_hashed_subplan_runs_once() {
        let plan = recorded("subplan");
        let loops: Vec<(&str, f64)> = plan.scans().iter().map(|scan| (scan.alias, scan.n_loops)).collect();
        assert_eq!(loops, [("c", 1.0), ("customers", 1.0), ("o", 1.0)]);
    }

    #[test]
    fn what_is_written_to_is_no_scan() {
        let plan = recorded("update");
        assert_eq!(plan.root.node_type, "ModifyTable");
        assert_eq!(plan.root.relation_name.as_deref(), Some("orders"));
        let aliases: Vec<&str> = plan.scans().iter().map(|scan| scan.alias).collect();
        assert_eq!(aliases, ["c", "o"]);
    }

    #[test]
    fn a_sort_knows_the_scan_that_it_sorts() {
        let plan = recorded("parallel");
        let sorts = plan.sorts();
        assert_eq!(sorts.len(), 1);
        assert_eq!(sorts[0].node.sort_key, ["lines.quantity"]);
        assert_eq!(sorts[0].input_scan.as_ref().map(|scan| scan.alias), Some("lines"));
    }

    #[test]
    fn a_sort_over_a_join_has_no_input_scan() {
        let plan = recorded("nested_loop");
        let sorts = plan.sorts();
        assert_eq!(sorts.len(), 1);
        assert!(sorts[0].input_scan.is_none() && sorts[0].is_below_limit);
    }

    #[test]
    fn a_sort_shields_the_scan_below_it_from_the_limit_above() {
        let plan = recorded("nested_loop");
        assert!(plan.scans().iter().all(|scan| !scan.may_stop_early), "{plan:?}");
    }
}
