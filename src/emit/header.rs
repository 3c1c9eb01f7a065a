//! The comment above a statement: what a DBA needs to know at three in the morning. Text only; every line stays a comment.

use super::comment::line;
use crate::advice::{Action, StatementGain, StatisticsStep, Step};
use crate::pg::number::number;
use crate::pg::{ServerVersion, quote_identifier};
use crate::whatif::Backend;

/// How many of the statements that a step serves are listed; the rest is counted.
const STATEMENTS_LISTED_MAX: usize = 5;

/// What building and attaching the index of a partitioned table locks (CREATE INDEX and ALTER INDEX of the manual; tried).
const BUILD_LOCKS: &str = "SHARE on partitioned tables for a moment, SHARE UPDATE EXCLUSIVE on one partition after another \
                           (blocks neither reads nor writes), ACCESS EXCLUSIVE on each new index for a moment";

/// What dropping it locks.
const TAKE_BACK_LOCKS: &str =
    "ACCESS EXCLUSIVE on the table and all its partitions for a moment, given up after 2 s of waiting";

/// Where the numbers of a header come from.
#[derive(Debug, Clone, Copy)]
pub struct Provenance {
    /// What priced the step; `None` where nothing had to be.
    pub backend: Option<Backend>,
    /// The version of the server that was analysed.
    pub server_version: ServerVersion,
}

/// The header of the migration that does `step`, without the lines on how to run it, which are the framework's.
pub fn migration(step: &Step, provenance: Provenance) -> String {
    let mut header = title(step, "");
    if !step.answers.is_empty() {
        header += &line("answers", &step.answers.join(", "));
    }
    header += &serves(&step.statements);
    header += &planner(step, provenance);
    header += &match step.action {
        Action::CreateIndex => line("size", &format!("about {}", step.index_bytes)),
        Action::DropIndex => line("size", &format!("{} are freed", step.index_bytes)),
    };
    header += &line("writes", &writes(step));
    if !step.partitions.is_empty() {
        header += &line("locks", BUILD_LOCKS);
    }
    for caution in &step.cautions {
        header += &line("caution", caution);
    }
    if step.action == Action::CreateIndex && has_expression(step) {
        header += &line("then", &format!("ANALYZE {}, until then the expression has no statistics", step.relation));
    }
    header
}

fn has_expression(step: &Step) -> bool {
    step.index.key_columns.iter().any(|key| key.target.column().is_none())
}

/// The header of the file that undoes `step`.
pub fn rollback(step: &Step) -> String {
    let mut header = title(step, "rollback of ");
    header += &match step.action {
        Action::CreateIndex if step.partitions.iter().any(|part| part.is_there) => {
            line("effect", "drops the index that the migration created, builds the parts again that were there before")
        }
        Action::CreateIndex => line("effect", "drops the index that the migration created, no row is touched"),
        Action::DropIndex => line("effect", &format!("builds the index again as it was, about {}", step.index_bytes)),
    };
    if !step.partitions.is_empty() {
        header += &line("locks", TAKE_BACK_LOCKS);
    }
    header
}

/// The header of the migration that makes the statistics object of `step`.
pub fn statistics(step: &StatisticsStep, provenance: Provenance) -> String {
    let mut header = statistics_title(step, "");
    header += &line("because", &step.evidence);
    header += &serves(&step.statements);
    header += &total(step.cost_before, step.cost_after, provenance);
    header +=
        &line("compared", "today's plans at the numbers of rows that were counted, and those that are chosen then");
    header += &line("locks", "SHARE UPDATE EXCLUSIVE while ANALYZE runs, which blocks neither reads nor writes");
    header += &line("writes", "no cost, ANALYZE takes a little longer");
    for caution in &step.cautions {
        header += &line("caution", caution);
    }
    header
}

/// The header of the file that takes the statistics object of `step` away.
pub fn statistics_rollback(step: &StatisticsStep) -> String {
    let effect = "drops the statistics object, plans are as before at once, no row is touched";
    statistics_title(step, "rollback of ") + &line("effect", effect)
}

fn statistics_title(step: &StatisticsStep, before: &str) -> String {
    let definition = &step.definition;
    let title = format!("{before}create statistics {} on {}", quote_identifier(&definition.name), definition.relation);
    format!("-- {}\n", super::comment::comment_text(&title))
}

fn title(step: &Step, before: &str) -> String {
    let verb = step.action.verb();
    let title = format!("{before}{verb} index {} on {}", quote_identifier(&step.id), step.relation);
    format!("-- {}\n", super::comment::comment_text(&title))
}

fn serves(statements: &[StatementGain]) -> String {
    let mut lines = String::new();
    for gain in statements.iter().take(STATEMENTS_LISTED_MAX) {
        let costs = format!("{} -> {}", number(gain.cost_before), number(gain.cost_after));
        lines += &line("serves", &format!("{} calls of query {}, each {costs}", number(gain.n_calls), gain.queryid));
    }
    match statements.len().saturating_sub(STATEMENTS_LISTED_MAX) {
        0 => {}
        1 => lines += &line("serves", "one statement more"),
        more => lines += &line("serves", &format!("{more} statements more")),
    }
    lines
}

fn planner(step: &Step, provenance: Provenance) -> String {
    if step.statements.is_empty() {
        return String::new();
    }
    total(step.cost_before, step.cost_after, provenance)
}

fn total(cost_before: f64, cost_after: f64, provenance: Provenance) -> String {
    let Some(backend) = provenance.backend else { return String::new() };
    let costs = format!("total cost x calls {} -> {}", number(cost_before), number(cost_after));
    line("planner", &format!("{costs} ({}, PostgreSQL {})", backend.as_str(), provenance.server_version))
}

fn writes(step: &Step) -> String {
    let hot = if step.breaks_hot { "ends HOT updates of the relation" } else { "HOT updates unaffected" };
    match (step.action, step.write_cost) {
        (_, 0.0) => format!("no cost known for this workload, {hot}"),
        (Action::CreateIndex, cost) => {
            let (us, bytes) = (number(step.writes.us_per_write), number(step.writes.wal_bytes_per_write));
            format!("cost {} over the workload, +{us} us and +{bytes} B of WAL a written row, {hot}", number(cost))
        }
        (Action::DropIndex, cost) => format!("cost {} less over the workload", number(-cost)),
    }
}
