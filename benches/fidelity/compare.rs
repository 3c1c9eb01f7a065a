//! Two plans of one statement side by side: the same tree, the same cost? Plans nothing itself.

use std::collections::BTreeSet;

use pgadvise::db::WritableSession;
use pgadvise::plan::{self, Node, Plan};

use super::world::Question;

/// Costs that are equal but for the last printed digit.
const EXACT: f64 = 0.0001;

/// What both sides answer to one question.
#[derive(Debug)]
pub struct Pair {
    pub title: String,
    pub source: Result<Plan, String>,
    pub other: Result<Plan, String>,
}

/// How many of the pairs agree.
#[derive(Debug, Clone, Copy, Default)]
pub struct Agreement {
    pub n: usize,
    pub n_same_plan: usize,
    pub n_exact: usize,
    pub n_within_1: usize,
    pub n_within_5: usize,
}

/// The plan of `question`, as its role, else as the session's; nothing is executed.
pub fn explain(session: &mut WritableSession, question: &Question) -> Result<Plan, String> {
    if let Some(role) = &question.role {
        session.execute(&format!("SET ROLE {role}")).map_err(|failure| format!("{failure:?}"))?;
    }
    let json = session.explain(&format!("EXPLAIN (VERBOSE, FORMAT JSON) {}", question.text));
    session.execute("RESET ROLE").map_err(|failure| format!("{failure:?}"))?;
    let json = json.map_err(|failure| format!("{failure:?}"))?;
    plan::parse(&json).map_err(|error| error.message().to_owned())
}

/// The tree in lines: what the planner decided, without costs, estimates and expressions. An index in `candidates` is
/// told as "candidate", for it is called differently on each side.
pub fn outline(plan: &Plan, candidates: &BTreeSet<String>) -> Vec<String> {
    let mut lines = Vec::new();
    push(&plan.root, 0, candidates, &mut lines);
    lines
}

fn push(node: &Node, depth: usize, candidates: &BTreeSet<String>, lines: &mut Vec<String>) {
    let index = node.index_name.as_deref().map(|name| if candidates.contains(name) { "candidate" } else { name });
    let parts = [
        node.parent_relationship.as_deref(),
        node.subplan_name.as_deref(),
        Some(node.node_type.as_str()),
        node.operation.as_deref(),
        node.strategy.as_deref(),
        node.join_type.as_deref(),
        node.command.as_deref(),
        node.schema.as_deref(),
        node.relation_name.as_deref(),
        node.alias.as_deref(),
        node.cte_name.as_deref(),
        index,
        node.scan_direction.as_deref(),
    ];
    let workers = node.n_workers_planned.map(|n| format!(" workers {n}")).unwrap_or_default();
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    lines.push(format!("{:indent$}{}{workers}", "", parts.join(" "), indent = 2 * depth));
    for child in &node.children {
        push(child, depth + 1, candidates, lines);
    }
}

/// How far two costs are apart, as a share of the first.
pub fn apart(source: f64, other: f64) -> f64 {
    (other - source).abs() / source.abs().max(f64::MIN_POSITIVE)
}

impl Pair {
    /// Whether the trees are the same.
    pub fn is_same_plan(&self) -> bool {
        match (&self.source, &self.other) {
            (Ok(source), Ok(other)) => outline(source, &BTreeSet::new()) == outline(other, &BTreeSet::new()),
            _ => false,
        }
    }

    /// How far the costs are apart; infinite where there is no plan.
    pub fn apart(&self) -> f64 {
        match (&self.source, &self.other) {
            (Ok(source), Ok(other)) => apart(source.root.total_cost, other.root.total_cost),
            _ => f64::INFINITY,
        }
    }

    /// What differs, with the nodes' costs and rows; `None` where nothing does.
    pub fn difference(&self) -> Option<String> {
        if self.is_same_plan() && self.apart() <= EXACT {
            return None;
        }
        match (&self.source, &self.other) {
            (Ok(source), Ok(other)) => Some(side_by_side(source, other)),
            (source, other) => {
                Some(format!("  source {:?}\n  other  {:?}", source.as_ref().err(), other.as_ref().err()))
            }
        }
    }
}

/// Every node on both sides, the first difference of each kind visible.
fn side_by_side(source: &Plan, other: &Plan) -> String {
    let (left, right) = (numbered(source), numbered(other));
    let mut text = String::new();
    for row in 0..left.len().max(right.len()) {
        let (left, right) = (left.get(row), right.get(row));
        match (left, right) {
            (Some(left), Some(right)) if left == right => text.push_str(&format!("    {left}\n")),
            _ => {
                text.extend(left.map(|line| format!("  < {line}\n")));
                text.extend(right.map(|line| format!("  > {line}\n")));
            }
        }
    }
    text
}

fn numbered(plan: &Plan) -> Vec<String> {
    let mut numbers = Vec::new();
    collect(&plan.root, &mut numbers);
    outline(plan, &BTreeSet::new())
        .into_iter()
        .zip(numbers)
        .map(|(line, numbers)| format!("{line}  {numbers}"))
        .collect()
}

fn collect(node: &Node, numbers: &mut Vec<String>) {
    numbers.push(format!(
        "{:.2}..{:.2} rows {} width {}",
        node.startup_cost, node.total_cost, node.plan_rows, node.plan_width
    ));
    for child in &node.children {
        collect(child, numbers);
    }
}

impl Agreement {
    /// Of `pairs`.
    pub fn of<'p>(pairs: impl IntoIterator<Item = &'p Pair>) -> Self {
        let mut agreement = Self::default();
        for pair in pairs {
            let apart = pair.apart();
            agreement.n += 1;
            agreement.n_same_plan += usize::from(pair.is_same_plan());
            agreement.n_exact += usize::from(apart <= EXACT);
            agreement.n_within_1 += usize::from(apart <= 0.01);
            agreement.n_within_5 += usize::from(apart <= 0.05);
        }
        agreement
    }

    /// `part` of all, in per cent.
    pub fn share(&self, part: usize) -> f64 {
        100.0 * part as f64 / self.n.max(1) as f64
    }
}
