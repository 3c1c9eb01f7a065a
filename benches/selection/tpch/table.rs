//! The table of part `tpch`.

use std::collections::BTreeMap;

use super::super::{median, say};
use super::Axis;
use super::published;
use super::tools::{Choice, Tool};

/// What the columns are, and how near the axis is to the published one.
pub fn print_head(axis: &Axis) {
    say(&format!(
        "TPC-H, scale factor 1, {} queries, no keys: cost without indexes {:.0}, published {:.0} ({:+.2} %)",
        axis.queries.len(),
        axis.cost_without,
        published::COST_WITHOUT,
        (axis.cost_without / published::COST_WITHOUT - 1.0) * 100.0
    ));
    say("budget MB  tool       ratio  best known    MB used  indexes    calls  wall s  server CPU s  notes");
}

/// What one tool reached at one budget.
pub struct Row {
    budget_mb: u64,
    tool: Tool,
    ratio: f64,
    n_calls: f64,
}

/// One tool at one budget.
pub fn print_row(axis: &Axis, budget_mb: u64, tool: Tool, choice: &Choice) -> Row {
    let (cost, bytes) = axis.whatif().judge(&choice.creates);
    let ratio = cost / axis.cost_without;
    let mut notes = Vec::new();
    if bytes > budget_mb as f64 * 1e6 {
        notes.push("over the budget".to_owned());
    }
    notes.extend(choice.own_ratio.map(|ratio| format!("says {ratio:.4}")));
    notes.extend(declined(&choice.declined));
    say(&format!(
        "{budget_mb:>9}  {:<9}  {ratio:>6.4}  {:>9}  {:>9.1}  {:>7}  {:>7.0}  {:>6.1}  {:>12.1}  {}",
        tool.name(),
        best_known(budget_mb),
        bytes / 1e6,
        choice.creates.len(),
        choice.n_calls,
        choice.wall_s,
        choice.cpu_s,
        notes.join(", ")
    ));
    Row { budget_mb, tool, ratio, n_calls: choice.n_calls }
}

/// What each tool reached at each budget over several samples of ANALYZE.
pub fn print_spread(rows: &[Row]) {
    say("budget MB  tool       best known  ratio: median   least    most  calls: median    most");
    let mut of_tool: BTreeMap<(u64, &str), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        of_tool.entry((row.budget_mb, row.tool.name())).or_default().push(row);
    }
    for ((budget_mb, tool), rows) in of_tool {
        let mut ratios: Vec<f64> = rows.iter().map(|row| row.ratio).collect();
        let mut calls: Vec<f64> = rows.iter().map(|row| row.n_calls).collect();
        ratios.sort_by(f64::total_cmp);
        calls.sort_by(f64::total_cmp);
        say(&format!(
            "{budget_mb:>9}  {tool:<9}  {:>10}  {:>13.4}  {:>6.4}  {:>6.4}  {:>13.0}  {:>6.0}",
            best_known(budget_mb),
            median(ratios.iter().copied()),
            ratios[0],
            ratios[ratios.len() - 1],
            median(calls.iter().copied()),
            calls[calls.len() - 1],
        ));
    }
}

fn best_known(budget_mb: u64) -> String {
    published::best_known(budget_mb).map_or("-".to_owned(), |ratio| format!("{ratio:.3}"))
}

/// How many were declined for what, numbers in reasons left out.
fn declined(declined: &BTreeMap<String, Vec<String>>) -> Option<String> {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for (reason, indexes) in declined {
        let kind = reason.replace(|c: char| c.is_ascii_digit() || c == '.', "");
        *kinds.entry(kind).or_default() += indexes.len();
    }
    let mut kinds: Vec<(String, usize)> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let texts: Vec<String> = kinds.iter().map(|(kind, n)| format!("{n}: {kind}")).collect();
    (!texts.is_empty()).then(|| format!("declined {}", texts.join("; ")))
}
