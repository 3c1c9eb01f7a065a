//! What a statement costs that is no search for few rows: what an index already does, little, much, and everything
//! else.

use crate::pg::number::{duration_ms, number};
use crate::pg::text::in_words;
use crate::plan::{Node, Plan};
use crate::sql::StatementKind;
use crate::workload::Statement;

use super::super::Calibration;
use super::obstacle::why_declined;
use super::reading::{Found, Reading};
use super::spent::Spent;
use super::{Answer, Because, Cause, Grounds, MOST};

/// Shared blocks of one call below which nothing is said of them: 8 MB, which are read from memory in a millisecond.
const BLOCKS_MIN: f64 = 1_000.0;

/// Shared blocks of one call for each planner unit from which the plan is not the one that ran. A block costs a unit at
/// least when it is read for the first time; a nested loop that meets it again pays some hundredths.
const BLOCKS_PER_UNIT_MAX: f64 = 100.0;

/// The same for a statement with OFFSET, whose rows are skipped in the plan's own way.
const SKIPPED_BLOCKS_PER_UNIT_MAX: f64 = 10.0;

/// How many times longer than its cost suggests a call takes when something else than the plan takes its time; planner
/// costs and times differ by ten times without that.
const WAIT_RATIO_MIN: f64 = 100.0;

/// Mean time of a call, in ms, below which nobody waits.
const WAIT_MS_MIN: f64 = 10.0;

/// The answer for a statement that OFFSET makes read rows only to skip them.
pub fn skips_rows(statement: &Statement, spent: &Spent<'_>) -> Option<Because> {
    let has_offset = statement
        .shape
        .as_ref()
        .is_some_and(|shape| shape.scans.iter().any(|scan| scan.limit.as_ref().is_some_and(|limit| limit.has_offset)));
    let reads_on = blocks_per_call(statement).is_some_and(|n_blocks| {
        n_blocks >= BLOCKS_MIN && n_blocks >= SKIPPED_BLOCKS_PER_UNIT_MAX * spent.total.max(1.0)
    });
    let is_deep = spent.skipping >= MOST * spent.total && spent.skipping > super::CHEAP_COST_MAX;
    (has_offset && (is_deep || reads_on)).then(|| {
        let reason = "most of what it reads are rows that OFFSET skips: the deeper the page, the more of them; a condition \
                      on the last row of the page before (keyset pagination) reads none";
        Because::of(Cause::DeepOffset, reason)
    })
}

/// That indexes find its rows already, unless what was counted says that the plan is not what takes the time.
pub fn unless_measured_otherwise(
    statement: &Statement,
    cost: f64,
    calibration: Calibration,
    readings: &[Reading<'_>],
) -> Because {
    let (indexes, how) = by_indexes(readings);
    let is_select = statement.shape.as_ref().is_some_and(|shape| shape.kind == StatementKind::Select);
    if let Some(n_blocks) = blocks_per_call(statement)
        && is_select
        && n_blocks >= BLOCKS_MIN
        && n_blocks >= BLOCKS_PER_UNIT_MAX * cost.max(1.0)
    {
        let reason = format!(
            "{how} at a cost of {}, but a call reads {} blocks: it is called with other values than the plan was made \
             for; auto_explain shows which",
            number(cost),
            number(n_blocks)
        );
        return Because::of(Cause::DiffersFromMeasurement, reason).with_indexes(indexes);
    }
    if let Some(usual_ms) = waits(statement, cost, calibration) {
        let mean_ms = statement.exec_ms_mean.unwrap_or_default();
        let reason = format!(
            "{how}; such a plan takes about {}, but a call takes {}: locks, triggers, commits or storage, which no plan \
             shows and no index mends",
            duration_ms(usual_ms),
            duration_ms(mean_ms)
        );
        return Because::of(Cause::Waits, reason).with_indexes(indexes);
    }
    Because { answer: Answer::AlreadyServed, cause: None, reason: how, advice: Vec::new(), indexes }
}

/// The indexes that find rows, and that in words.
fn by_indexes(readings: &[Reading<'_>]) -> (Vec<String>, String) {
    let names = |found: Found| {
        let mut names: Vec<String> = Vec::new();
        for name in readings.iter().filter(|reading| reading.found == found).flat_map(|reading| &reading.indexes) {
            if !names.iter().any(|known| known == name) {
                names.push((*name).to_owned());
            }
        }
        names
    };
    let (finding, ordering) = (names(Found::ByIndex), names(Found::InOrder));
    let verb =
        |names: &[String], one: &str, many: &str| if names.len() == 1 { one.to_owned() } else { many.to_owned() };
    let mut parts = Vec::new();
    if !finding.is_empty() {
        parts.push(format!("{} {} its rows", in_words(&finding), verb(&finding, "finds", "find")));
    }
    if !ordering.is_empty() {
        parts.push(format!("{} {} them in order", in_words(&ordering), verb(&ordering, "returns", "return")));
    }
    if parts.is_empty() {
        parts.push("it finds its rows by their address".to_owned());
    }
    let indexes = finding.into_iter().chain(ordering).collect();
    (indexes, parts.join(", "))
}

/// What a call would take by its cost, in ms, where it takes far longer and reads no more than the plan says.
fn waits(statement: &Statement, cost: f64, calibration: Calibration) -> Option<f64> {
    let mean_ms = statement.exec_ms_mean.filter(|_| calibration.n_statements > 0)?;
    let usual_ms = cost / calibration.units_per_us / 1_000.0;
    let reads_more =
        blocks_per_call(statement).is_some_and(|n_blocks| n_blocks >= BLOCKS_MIN && n_blocks >= 2.0 * cost);
    (mean_ms >= WAIT_MS_MIN && mean_ms >= WAIT_RATIO_MIN * usual_ms && !reads_more).then_some(usual_ms)
}

fn blocks_per_call(statement: &Statement) -> Option<f64> {
    statement.n_shared_blocks.filter(|_| statement.n_calls > 0.0).map(|n_blocks| n_blocks / statement.n_calls)
}

/// The answer for a statement that reads little, without an index.
pub fn little(readings: &[Reading<'_>]) -> Because {
    let small: Vec<String> = names(readings, Found::Small);
    if small.is_empty() {
        return Because::of(Cause::Cheap, "it stops after a few rows");
    }
    let are = if small.len() == 1 { "has" } else { "have" };
    let reason = format!("{} {are} few pages: reading all of it is as fast as an index", in_words(&small));
    Because::of(Cause::SmallRelation, reason)
}

fn names(readings: &[Reading<'_>], found: Found) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for reading in readings.iter().filter(|reading| reading.found == found) {
        let name = reading.relation.name.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The answer for a statement that spends most on reading much of a relation.
pub fn much(
    grounds: &Grounds<'_>,
    position: usize,
    statement: &Statement,
    root: &Node,
    reading: &Reading<'_>,
) -> Because {
    let is_above = |kinds: &[&str]| reading.above.iter().any(|above| kinds.contains(above));
    let rows =
        format!("{} of {} rows of {}", number(reading.n_kept.round()), number(reading.n_stored), reading.relation.name);
    let is_joined =
        is_above(&["Nested Loop", "Hash Join", "Merge Join"]) || reading.above.iter().any(|above| is_scan(above));
    let is_sorted_for_few =
        is_above(&["Sort", "Incremental Sort"]) && is_above(&["Limit"]) && root.plan_rows < reading.n_kept;
    if (is_joined && asks_for_few(statement) || is_sorted_for_few)
        && let Some(reason) = why_declined(grounds.advice, position, std::iter::once(reading.relation))
    {
        return Because::of(Cause::Declined, format!("it reads {rows}; {reason}"));
    }
    if is_above(&["Aggregate", "Unique", "Group", "WindowAgg", "SetOp"]) {
        return Because::of(Cause::AggregatesMuch, format!("it aggregates {rows}"));
    }
    if is_joined {
        return Because::of(Cause::JoinsMuch, format!("it joins {rows}"));
    }
    if is_sorted_for_few {
        return Because::of(Cause::SortsMuch, format!("it sorts {rows}"));
    }
    let kind = statement.shape.as_ref().map(|shape| shape.kind);
    if matches!(kind, Some(StatementKind::Update | StatementKind::Delete)) {
        return Because::of(Cause::ChangesMuch, format!("it changes {rows}"));
    }
    let counted = statement.n_rows.map_or(0.0, |n_rows| n_rows / statement.n_calls.max(1.0));
    if counted > reading.n_kept {
        let (relation, n_stored) = (&reading.relation.name, number(reading.n_stored));
        let reason = format!("a call returns {} of {n_stored} rows of {relation}, as counted", number(counted.round()));
        return Because::of(Cause::ReturnsMuch, reason);
    }
    Because::of(Cause::ReturnsMuch, format!("it reads {rows}"))
}

/// A node that scans another's rows is no join; one below a scan is a subplan of its conditions.
fn is_scan(kind: &str) -> bool {
    matches!(kind, "Seq Scan" | "Index Scan" | "Index Only Scan" | "Bitmap Heap Scan")
}

/// The answer for a statement that spends most on something else than reading: `costs` are those of sorting, grouping,
/// joining and all else.
pub fn heaviest(
    grounds: &Grounds<'_>,
    position: usize,
    statement: &Statement,
    readings: &[Reading<'_>],
    costs: &[f64; 4],
    plan: &Plan,
) -> Because {
    let [sorting, grouping, joining, other] = *costs;
    let n_rows = |kinds: &[&str]| {
        let rows = plan.visits().into_iter().filter(|visit| kinds.contains(&visit.node.node_type.as_str()));
        number(rows.flat_map(|visit| &visit.node.children).map(|input| input.plan_rows).fold(0.0, f64::max))
    };
    let (cause, what) = if sorting >= grouping.max(joining).max(other) {
        (Cause::SortsMuch, format!("it sorts {} rows", n_rows(&["Sort", "Incremental Sort"])))
    } else if grouping >= joining.max(other) {
        let kinds = ["Aggregate", "Group", "Unique", "WindowAgg", "SetOp"];
        (Cause::AggregatesMuch, format!("it aggregates {} rows", n_rows(&kinds)))
    } else if joining >= other {
        (Cause::JoinsMuch, format!("it joins {} rows", n_rows(&["Nested Loop", "Hash Join", "Merge Join"])))
    } else {
        return Because::of(Cause::Computes, "most of its cost is what it computes, not what it reads");
    };
    let could_be_ordered = cause == Cause::SortsMuch && plan.sorts().iter().any(|sort| sort.input_scan.is_some());
    let is_for_few = cause != Cause::AggregatesMuch && asks_for_few(statement);
    let relations = readings.iter().map(|reading| reading.relation);
    match why_declined(grounds.advice, position, relations) {
        Some(reason) if could_be_ordered || is_for_few => Because::of(Cause::Declined, format!("{what}; {reason}")),
        _ => Because::of(cause, what),
    }
}

/// Whether the statement asks for some of the rows and not for all.
fn asks_for_few(statement: &Statement) -> bool {
    let scans = statement.shape.as_ref().map_or(&[][..], |shape| &shape.scans);
    scans.iter().any(|scan| {
        !scan.quals.is_empty() || !scan.or_groups.is_empty() || !scan.row_comparisons.is_empty() || scan.limit.is_some()
    })
}
