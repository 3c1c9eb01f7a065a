//! Where a plan's cost goes: each node's own part, after what a LIMIT or a Memoize above it saves. Judges nothing.

use crate::plan::{Node, Plan, PlanScan, Visit};

/// Nodes that pass rows on, from workers, partitions or subqueries: what they cost is no cause of its own.
const PASSING: [&str; 8] =
    ["Gather", "Gather Merge", "Append", "Merge Append", "Limit", "LockRows", "ModifyTable", "Subquery Scan"];

/// A plan's cost by what it is spent on, in planner units for one execution.
#[derive(Debug)]
pub struct Spent<'p> {
    /// The whole.
    pub total: f64,
    /// Each scan of a stored relation, in the plan's order.
    pub scans: Vec<SpentScan<'p>>,
    /// Sorting.
    pub sorting: f64,
    /// Grouping, aggregates, DISTINCT, window functions, set operations.
    pub grouping: f64,
    /// Joining, without the scans that are joined.
    pub joining: f64,
    /// Everything else: functions in FROM, subplans, what is returned or written.
    pub other: f64,
    /// What an OFFSET spends on rows that it skips; a part of the others.
    pub skipping: f64,
}

/// One scan and what it costs.
#[derive(Debug)]
pub struct SpentScan<'p> {
    /// The scan.
    pub scan: PlanScan<'p>,
    /// What it costs in the whole execution, its bitmap included.
    pub cost: f64,
    /// The share of its rows that is asked of it, 0 to 1: less than 1 below a LIMIT that stops it.
    pub share_read: f64,
    /// The node types above it, the nearest first.
    pub above: Vec<&'p str>,
}

impl<'p> Spent<'p> {
    /// Takes `plan` apart.
    pub fn of(plan: &'p Plan) -> Self {
        let visits = plan.visits();
        let own = own_costs(&visits);
        let mut spent = Self {
            total: plan.root.total_cost,
            scans: scans(plan, &visits, &own),
            sorting: 0.0,
            grouping: 0.0,
            joining: 0.0,
            other: 0.0,
            skipping: skipping(&plan.root),
        };
        for (visit, own) in visits.iter().zip(&own) {
            let kind = visit.node.node_type.as_str();
            let bin = match kind {
                "Sort" | "Incremental Sort" => &mut spent.sorting,
                "Aggregate" | "Group" | "GroupAggregate" | "HashAggregate" | "Unique" | "WindowAgg" | "SetOp" => {
                    &mut spent.grouping
                }
                "Nested Loop" | "Hash Join" | "Merge Join" | "Hash" | "Materialize" | "Memoize" => &mut spent.joining,
                _ if PASSING.contains(&kind) => continue,
                _ if is_bitmap(kind) || spent.scans.iter().any(|scan| std::ptr::eq(scan.scan.node, visit.node)) => {
                    continue;
                }
                _ => &mut spent.other,
            };
            *bin += own.cost;
        }
        spent
    }
}

/// What one node costs without its children, and the share of its full run that is paid.
#[derive(Debug, Clone, Copy)]
struct Own {
    cost: f64,
    share: f64,
}

/// The own costs of `visits`, which are in preorder. A node pays for its children only what it costs itself: below a
/// LIMIT, in a merge that ends early or under a Memoize the children together would cost more. Then those that run once
/// are paid before those that run again and again.
fn own_costs(visits: &[Visit<'_>]) -> Vec<Own> {
    let mut own: Vec<Own> = vec![Own { cost: 0.0, share: 1.0 }; visits.len()];
    for (at, visit) in visits.iter().enumerate() {
        let paid = visit.node.total_cost * visit.n_loops;
        let children: Vec<usize> = children(visits, at);
        let full = |child: usize| visits[child].node.total_cost * visits[child].n_loops;
        let (repeated, once): (Vec<usize>, Vec<usize>) =
            children.iter().partition(|child| visits[**child].n_loops > visit.n_loops);
        let sum = |of: &[usize]| of.iter().map(|child| full(*child)).sum::<f64>();
        let (sum_once, sum_repeated) = (sum(&once), sum(&repeated));
        let share_once = share(paid, sum_once);
        let share_repeated = share(paid - sum_once * share_once, sum_repeated);
        let of_children = sum_once * share_once + sum_repeated * share_repeated;
        own[at].cost = (paid - of_children).max(0.0) * own[at].share;
        for child in once {
            own[child].share = own[at].share * share_once;
        }
        for child in repeated {
            own[child].share = own[at].share * share_repeated;
        }
    }
    own
}

/// The share of `cost` that `paid` covers.
fn share(paid: f64, cost: f64) -> f64 {
    if cost > paid { (paid / cost).clamp(0.0, 1.0) } else { 1.0 }
}

/// The positions of a node's children in the preorder.
fn children(visits: &[Visit<'_>], at: usize) -> Vec<usize> {
    let below = visits.iter().enumerate().skip(at + 1).take_while(|(_, visit)| visit.depth > visits[at].depth);
    below.filter(|(_, visit)| visit.depth == visits[at].depth + 1).map(|(position, _)| position).collect()
}

fn is_bitmap(kind: &str) -> bool {
    matches!(kind, "Bitmap Index Scan" | "BitmapAnd" | "BitmapOr")
}

fn scans<'p>(plan: &'p Plan, visits: &[Visit<'p>], own: &[Own]) -> Vec<SpentScan<'p>> {
    let mut above: Vec<&'p str> = Vec::new();
    let mut scans = plan.scans().into_iter().peekable();
    let mut spent = Vec::new();
    for (at, visit) in visits.iter().enumerate() {
        above.truncate(visit.depth);
        if scans.peek().is_some_and(|scan| std::ptr::eq(scan.node, visit.node))
            && let Some(scan) = scans.next()
        {
            let bitmaps = visits.iter().zip(own).skip(at + 1).take_while(|(below, _)| below.depth > visit.depth);
            let of_bitmaps: f64 =
                bitmaps.filter(|(below, _)| is_bitmap(&below.node.node_type)).map(|(_, own)| own.cost).sum();
            let above = above.iter().rev().copied().collect();
            spent.push(SpentScan { scan, cost: own[at].cost + of_bitmaps, share_read: own[at].share, above });
        }
        above.push(&visit.node.node_type);
    }
    spent
}

/// What the topmost LIMIT pays before its first row beyond what the node below it does: the planner charges the rows that
/// OFFSET skips to the startup cost (`adjust_limit_rows_costs` in pathnode.c).
fn skipping(root: &Node) -> f64 {
    let mut node = root;
    loop {
        match (node.node_type.as_str(), node.children.as_slice()) {
            ("Limit", [child, ..]) => return (node.startup_cost - child.startup_cost).max(0.0),
            (_, [child]) => node = child,
            _ => return 0.0,
        }
    }
}
