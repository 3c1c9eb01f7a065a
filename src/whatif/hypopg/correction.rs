//! What HypoPG's hypothetical indexes leave out of a plan's cost: descents (its indexes have height −1) and the size
//! that a real index would have. Adds nothing for real indexes, and reads only the plan.

use super::loops::Loops;
use crate::plan::Node;

/// `DEFAULT_PAGE_CPU_MULTIPLIER` (`selfuncs.c`): what one page of a descent costs, in cpu_operator_cost. Before
/// PostgreSQL 17 it stood there as a number.
const PAGE_CPU_MULTIPLIER: f64 = 50.0;
/// Elements that the planner assumes of an array that it does not know (`estimate_array_length`).
const ARRAY_LENGTH_UNKNOWN: f64 = 10.0;

/// A hypothetical index as a plan's cost should have known it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Dimensions {
    /// Levels above the leaves.
    pub height: f64,
    /// Pages of the size model.
    pub n_pages: f64,
    /// Pages that HypoPG planned with.
    pub n_pages_planned: f64,
    /// Entries.
    pub n_rows: f64,
}

/// The settings that the correction depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Costs {
    /// `cpu_operator_cost`
    pub cpu_operator: f64,
    /// `random_page_cost`
    pub random_page: f64,
    /// `cpu_tuple_cost`
    pub cpu_tuple: f64,
}

/// What is missing in a node's startup and total cost.
#[derive(Debug, Clone, Copy, Default)]
struct Missing {
    startup: f64,
    total: f64,
}

/// What has to be added to the total cost of the plan below `node`; less than 0 where HypoPG's sizes were too large.
pub(super) fn missing_cost(node: &Node, costs: Costs, dimensions_of: &impl Fn(&Node) -> Option<Dimensions>) -> f64 {
    missing(node, &Loops::of(node), costs, dimensions_of).total
}

fn missing(node: &Node, loops: &Loops, costs: Costs, dimensions_of: &impl Fn(&Node) -> Option<Dimensions>) -> Missing {
    let n_scans = loops.n_scans(node);
    let mut sum = dimensions_of(node).map_or(Missing::default(), |index| of_scan(node, n_scans, index, costs));
    for child in &node.children {
        let n_runs = runs(node, child, costs);
        let below = missing(child, loops, costs, dimensions_of);
        let after_startup = (below.total - below.startup) * share_of_run(node, child, n_runs);
        sum.total += (below.startup + after_startup) * n_runs;
        sum.startup += match child.parent_relationship.as_deref() {
            Some("SubPlan") => 0.0,
            Some("InitPlan") => below.total,
            // A node whose first row costs more than all of the child has read the child to its end.
            _ if node.startup_cost >= child.total_cost => below.total,
            _ => below.startup,
        };
    }
    if node.node_type == "Limit" {
        sum.total = sum.startup + (sum.total - sum.startup) * share_read(node);
    }
    sum
}

/// The share of its child's run that a Limit pays.
fn share_read(limit: &Node) -> f64 {
    let Some(child) = limit.children.iter().find(|child| child.parent_relationship.as_deref() == Some("Outer")) else {
        return 1.0;
    };
    let whole = child.total_cost - child.startup_cost;
    if whole <= 0.0 { 1.0 } else { ((limit.total_cost - limit.startup_cost) / whole).clamp(0.0, 1.0) }
}

/// The share of each of its runs after the startup that `child` is paid for: semi and anti joins stop at the first
/// match, and are charged that way; how much so stands nowhere but in their cost.
fn share_of_run(join: &Node, child: &Node, n_runs: f64) -> f64 {
    let stops = matches!(join.join_type.as_deref(), Some("Semi" | "Anti"))
        && join.node_type == "Nested Loop"
        && child.parent_relationship.as_deref() == Some("Inner");
    let whole = n_runs * (child.total_cost - child.startup_cost);
    if !stops || whole <= 0.0 {
        return 1.0;
    }
    let outer = join.children.iter().find(|other| other.parent_relationship.as_deref() == Some("Outer"));
    let paid = join.total_cost - outer.map_or(0.0, |outer| outer.total_cost) - n_runs * child.startup_cost;
    (paid / whole).clamp(0.0, 1.0)
}

/// How often `child` runs each time that `parent` does, as far as the planner paid for it.
fn runs(parent: &Node, child: &Node, costs: Costs) -> f64 {
    match child.parent_relationship.as_deref() {
        Some("Inner") if parent.node_type == "Nested Loop" => inner_runs(parent, child, costs),
        // Its cost is part of the parent's: no more runs than that pays for.
        Some("SubPlan") => {
            let others: f64 = parent
                .children
                .iter()
                .filter(|other| other.parent_relationship.as_deref() != Some("SubPlan"))
                .map(|other| other.total_cost)
                .sum();
            ((parent.total_cost - others) / child.total_cost.max(costs.cpu_operator)).max(1.0)
        }
        _ => 1.0,
    }
}

fn inner_runs(join: &Node, inner: &Node, costs: Costs) -> f64 {
    let outer = join.children.iter().find(|child| child.parent_relationship.as_deref() == Some("Outer"));
    let (rows, cost) = outer.map_or((1.0, 0.0), |outer| (outer.plan_rows.max(1.0), outer.total_cost));
    match inner.node_type.as_str() {
        "Materialize" => 1.0,
        // How much Memoize remembers stands nowhere but in the join's cost.
        "Memoize" => {
            let paid = join.total_cost - cost - rows * inner.plan_rows * costs.cpu_tuple;
            (paid / inner.total_cost.max(costs.cpu_operator)).clamp(1.0, rows)
        }
        _ => rows,
    }
}

/// `btcostestimate` adds (height + 1) pages of descent to the startup cost and, for each array element, to the total.
fn of_scan(node: &Node, n_scans: Option<f64>, index: Dimensions, costs: Costs) -> Missing {
    let descent = PAGE_CPU_MULTIPLIER * costs.cpu_operator * (index.height + 1.0);
    let n_descents = node.index_cond.as_deref().map_or(1.0, n_array_elements);
    let n_rows = match node.index_cond {
        None => index.n_rows,
        Some(_) => node.plan_rows,
    };
    // Where it is not known how many scans share the pages, their number is left as HypoPG has it.
    let pages_missing = n_scans.map_or(0.0, |n_scans| {
        let pages = |n_pages| pages_read(n_rows / n_descents, n_scans * n_descents, n_pages, index.n_rows);
        (pages(index.n_pages) - pages(index.n_pages_planned)) / n_scans
    });
    Missing { startup: descent, total: descent * n_descents + pages_missing * costs.random_page }
}

/// Index pages read by `n_scans` scans of `n_rows` rows each, as `genericcostestimate` counts them: all of one scan's,
/// for several the formula of Mackert and Lohman (`index_pages_fetched`, `costsize.c`) with a cache that holds the index.
fn pages_read(n_rows: f64, n_scans: f64, n_pages: f64, n_rows_total: f64) -> f64 {
    let of_one =
        if n_pages > 1.0 && n_rows_total > 1.0 { (n_rows * n_pages / n_rows_total).ceil().max(1.0) } else { 1.0 };
    if n_scans <= 1.0 {
        return of_one;
    }
    let n_pages = n_pages.max(1.0);
    let n_fetched = of_one * n_scans;
    (2.0 * n_pages * n_fetched / (2.0 * n_pages + n_fetched)).min(n_pages).ceil()
}

/// How many descents the `= ANY (…)` conditions of an index condition ask for: one for each combination of elements.
fn n_array_elements(index_cond: &str) -> f64 {
    index_cond.split("= ANY (").skip(1).map(elements_of_first_array).product::<f64>().max(1.0)
}

/// The elements of the array that `text` begins with: `'{1,2,3}'::integer[]`, `ARRAY[a, b]`, or anything else.
fn elements_of_first_array(text: &str) -> f64 {
    let (open, close) = match text {
        _ if text.starts_with("'{") => ('{', '}'),
        _ if text.starts_with("ARRAY[") => ('[', ']'),
        _ => return ARRAY_LENGTH_UNKNOWN,
    };
    let mut n_elements = 1.0;
    let mut is_quoted = false;
    for c in text.chars().skip_while(|c| *c != open) {
        match c {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => n_elements += 1.0,
            _ if c == close && !is_quoted => break,
            _ => {}
        }
    }
    n_elements
}

#[cfg(test)]
mod tests {
    use super::*;

    const COSTS: Costs = Costs { cpu_operator: 0.0025, random_page: 4.0, cpu_tuple: 0.01 };

    fn dimensions_of(node: &Node) -> Option<Dimensions> {
        let is_hypothetical = node.index_name.as_deref().is_some_and(|name| name.starts_with('<'));
        is_hypothetical.then_some(Dimensions { height: 1.0, n_pages: 100.0, n_pages_planned: 100.0, n_rows: 10_000.0 })
    }

    fn scan(relationship: &str, cond: &str) -> Node {
        Node {
            node_type: "Index Scan".into(),
            parent_relationship: Some(relationship.into()),
            index_name: Some("<13556>btree_t_a".into()),
            index_cond: Some(cond.into()),
            startup_cost: 0.04,
            total_cost: 8.05,
            plan_rows: 1.0,
            ..Node::default()
        }
    }

    #[test]
    fn one_descent_is_two_pages_and_an_array_descends_for_each_element() {
        assert_eq!(missing_cost(&scan("Outer", "(a = 5)"), COSTS, &dimensions_of), 0.25);
        let array = scan("Outer", "(a = ANY ('{1,2,\"3,4\"}'::text[]))");
        assert_eq!(missing_cost(&array, COSTS, &dimensions_of), 0.75);
        assert_eq!(n_array_elements("((a = ANY (ARRAY[1, $2])) AND (b = ANY ($1)))"), 20.0);
    }

    #[test]
    fn the_inner_side_of_a_nested_loop_descends_for_each_outer_row() {
        let outer = Node {
            node_type: "Seq Scan".into(),
            parent_relationship: Some("Outer".into()),
            total_cost: 20.0,
            plan_rows: 40.0,
            ..Node::default()
        };
        let mut join = Node {
            node_type: "Nested Loop".into(),
            startup_cost: 0.1,
            total_cost: 342.0,
            plan_rows: 40.0,
            children: vec![outer, scan("Inner", "(a = t.b)")],
            ..Node::default()
        };
        assert_eq!(missing_cost(&join, COSTS, &dimensions_of), 10.0);
        join.parent_relationship = Some("Outer".into());
        let limit = Node {
            node_type: "Limit".into(),
            startup_cost: 0.1,
            total_cost: 0.1 + 341.9 / 10.0,
            plan_rows: 4.0,
            children: vec![join],
            ..Node::default()
        };
        let missing = missing_cost(&limit, COSTS, &dimensions_of);
        assert!((missing - (0.25 + 9.75 / 10.0)).abs() < 1e-9, "{missing}");
    }

    #[test]
    fn pages_that_hypopg_counts_too_many_are_taken_back() {
        let whole = Node { index_cond: None, ..scan("Outer", "") };
        let bloated =
            |_: &Node| Some(Dimensions { height: 1.0, n_pages: 100.0, n_pages_planned: 300.0, n_rows: 10_000.0 });
        assert_eq!(missing_cost(&whole, COSTS, &bloated), 0.25 - 200.0 * 4.0);
    }
}
