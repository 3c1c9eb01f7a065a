//! The first part of the text report: what to do, and what was considered and not proposed.

use super::Report;
use super::json::bytes_of;
use super::relations_text::share_reached;
use super::text_style::{Style, counted};
use crate::advice::{Action, Advice, MISESTIMATE, StatementGain, StatisticsStep, Step, groups, schemas_without};
use crate::emit::{self, without_values};
use crate::pg::number::{change, duration_ms, number};
use crate::pg::text::abbreviate;
use crate::pg::{Bytes, quote_identifier};
use crate::snapshot::Catalog;

/// How many characters of a statement are shown: enough to recognise it.
const STATEMENT_CHARS_MAX: usize = 100;

/// How many of a step's statements are shown; the JSON report has all.
const STATEMENTS_SHOWN_MAX: usize = 3;

/// How many statements that do a step are shown; the migration and the JSON report have all.
const DDL_SHOWN_MAX: usize = 1;

/// How many schemas are named that get the same.
const SCHEMAS_SHOWN_MAX: usize = 5;

/// How many declined candidates are shown; the JSON report has all.
const DECLINED_SHOWN_MAX: usize = 8;

/// Steps: a table, then each with its DDL and its statements.
pub(super) fn steps(report: &Report<'_>, style: Style) -> String {
    let Advice { steps, statistics, .. } = report.advice;
    if steps.is_empty() && statistics.is_empty() {
        let why = match report.what_if {
            Some(_) => "No index is worth creating or dropping for this workload.",
            None => "No advice: nothing could price an index (see the gaps below).",
        };
        return style.heading("What to do") + &style.paragraph(2, why);
    }
    let mut text = style.heading(&title(report.advice));
    text += &style.paragraph(2, &totals(report));
    text.push('\n');
    let groups: Vec<(usize, &[Step])> = numbered(statistics.len() + 1, steps);
    let objects = statistics.iter().enumerate().map(|(position, step)| (position + 1, statistics_row(step)));
    let rows = objects.chain(groups.iter().map(|(number, group)| (*number, row(group))));
    let columns = ["#", "do", name_of_objects(report.advice), "on", "size", "cost", "calls"];
    let rows = rows.map(|(number, row)| [vec![number.to_string()], row].concat());
    text += &style.table(&columns, rows.collect(), &[0, 4, 5, 6]);
    for (position, step) in statistics.iter().enumerate() {
        text.push('\n');
        text += &statistics_details(position + 1, step, report, style);
    }
    let catalog = Catalog::new(&report.workload.snapshot);
    for (number, group) in groups {
        text.push('\n');
        text += &details(number, group, report, &catalog, style);
    }
    text
}

/// The steps that are the same in several schemas together, each with the number of the first, counted from `first`.
fn numbered(first: usize, steps: &[Step]) -> Vec<(usize, &[Step])> {
    let mut next = first;
    let number = |group| {
        let number = next;
        next += <[Step]>::len(group);
        (number, group)
    };
    groups(steps).map(number).collect()
}

fn name_of_objects(advice: &Advice) -> &'static str {
    match (advice.statistics.is_empty(), advice.steps.is_empty()) {
        (true, _) => "index",
        (false, true) => "statistics object",
        (false, false) => "index or statistics object",
    }
}

fn title(advice: &Advice) -> String {
    let mut parts = Vec::new();
    if !advice.statistics.is_empty() {
        parts.push(format!("create {}", counted(advice.statistics.len(), "statistics object", "statistics objects")));
    }
    let steps = &advice.steps;
    for (action, verb) in [(Action::CreateIndex, "create"), (Action::DropIndex, "drop")] {
        let n = steps.iter().filter(|step| step.action == action).count();
        if n > 0 {
            parts.push(format!("{verb} {} ({})", counted(n, "index", "indexes"), bytes_of(steps, action)));
        }
    }
    format!("What to do: {}", parts.join(", "))
}

fn totals(report: &Report<'_>) -> String {
    let advice = report.advice;
    let mut text = format!(
        "Planner cost of the workload {} -> {} ({})",
        number(advice.cost_before),
        number(advice.cost_after),
        change(advice.cost_before, advice.cost_after),
    );
    if let Some(share) = share_reached(advice.cost_before, advice.cost_after, advice.cost_floor) {
        text += &format!(", {share} of what all candidates together would gain");
    }
    text.push('.');
    if let (Some(before), Some(after)) = (advice.exec_ms_before, advice.exec_ms_after) {
        text += &format!(" Measured time {}, about {} after.", duration_ms(before), duration_ms(after));
    }
    if let Some(budget) = advice.budget {
        text += &format!(" Budget {budget}.");
    }
    text
}

fn statistics_row(step: &StatisticsStep) -> Vec<String> {
    vec![
        "create".to_owned(),
        step.definition.name.clone(),
        step.definition.relation.to_string(),
        String::new(),
        change(step.cost_before, step.cost_after),
        number(step.statements.iter().map(|gain| gain.n_calls).sum()),
    ]
}

fn row(group: &[Step]) -> Vec<String> {
    let sum = |of: fn(&Step) -> f64| group.iter().map(of).sum::<f64>();
    let first = &group[0];
    let on = match group.len() {
        1 => first.relation.to_string(),
        n => format!("{} in {}", quote_identifier(&first.relation.name), counted(n, "schema", "schemas")),
    };
    vec![
        first.action.verb().to_owned(),
        first.id.clone(),
        on,
        group.iter().map(|step| step.index_bytes).sum::<Bytes>().to_string(),
        change(sum(|step| step.cost_before), sum(|step| step.cost_after)),
        number(sum(|step| step.statements.iter().map(|gain| gain.n_calls).sum())),
    ]
}

fn statistics_details(position: usize, step: &StatisticsStep, report: &Report<'_>, style: Style) -> String {
    let indent = 5;
    let first = match emit::statistics_statements(step) {
        Ok(statements) => statements.ddl.iter().map(|ddl| ddl.text() + ";").collect::<Vec<_>>().join(" "),
        Err(reason) => format!("create {}: not written, {reason}", step.definition.name),
    };
    let mut text = format!("{position:>3}. {}", style.paragraph(indent, &first).trim_start());
    text += &style.paragraph(indent, &format!("answers {MISESTIMATE}: {}", step.evidence));
    text += &gains(&step.statements, report, style, indent);
    let compared = "costs: today's plans at the numbers of rows that were counted, and those that are chosen then";
    text += &style.paragraph(indent, compared);
    for caution in &step.cautions {
        text += &style.paragraph(indent, &format!("caution: {caution}"));
    }
    text
}

/// The statements that gain, the first of them.
fn gains(gains: &[StatementGain], report: &Report<'_>, style: Style, indent: usize) -> String {
    let mut text = String::new();
    for gain in gains.iter().take(STATEMENTS_SHOWN_MAX) {
        let costs = format!("{} -> {}", number(gain.cost_before), number(gain.cost_after));
        text +=
            &style.paragraph(indent, &format!("{} calls, each {costs}: {}", number(gain.n_calls), query(gain, report)));
    }
    if gains.len() > STATEMENTS_SHOWN_MAX {
        let more = counted(gains.len() - STATEMENTS_SHOWN_MAX, "statement", "statements");
        text += &style.paragraph(indent, &format!("and {more} more"));
    }
    text
}

fn details(position: usize, group: &[Step], report: &Report<'_>, catalog: &Catalog<'_>, style: Style) -> String {
    let indent = 5;
    let step = &group[0];
    let mut text = String::new();
    let ddl = match emit::statements(step, catalog) {
        Ok(statements) => shown_ddl(&statements.ddl),
        Err(reason) => vec![format!("{} {}: not written, {reason}", step.action.verb(), step.id)],
    };
    let ddl: String = ddl.iter().map(|line| style.paragraph(indent, line)).collect();
    text += &format!("{position:>3}. {}", ddl.trim_start());
    for line in in_other_schemas(position, group, catalog) {
        text += &style.paragraph(indent, &line);
    }
    if !step.answers.is_empty() {
        text += &style.paragraph(indent, &format!("answers {}", step.answers.join(", ")));
    }
    text += &gains(&step.statements, report, style, indent);
    if step.breaks_hot {
        text += &style.paragraph(indent, "caution: it ends HOT updates of the relation");
    }
    for caution in &step.cautions {
        text += &style.paragraph(indent, &format!("caution: {caution}"));
    }
    text
}

/// The first statements of a step, and how many there are beside: one for each partition can be many.
fn shown_ddl(ddl: &[emit::Statement]) -> Vec<String> {
    let mut shown: Vec<String> = ddl.iter().take(DDL_SHOWN_MAX).map(|statement| statement.text() + ";").collect();
    if ddl.len() > DDL_SHOWN_MAX {
        let more = counted(ddl.len() - DDL_SHOWN_MAX, "statement", "statements");
        shown.push(format!("and {more} more, which build and attach the index of each partition"));
    }
    shown
}

/// Where else a step is the same, and where it is not made.
fn in_other_schemas(position: usize, group: &[Step], catalog: &Catalog<'_>) -> Vec<String> {
    let [_, others @ ..] = group else { return Vec::new() };
    if others.is_empty() {
        return Vec::new();
    }
    let schemas: Vec<&str> = others.iter().map(|step| step.relation.schema.as_str()).collect();
    let last = position + others.len();
    let mut lines = vec![format!("and the same in {} (numbers {position} to {last})", some_of(&schemas))];
    let without = schemas_without(catalog, group);
    if !without.is_empty() {
        lines.push(format!("not in {}: no statement that was seen asks for it there", some_of(&without)));
    }
    let is_own = |step: &&Step| step.cautions.iter().any(|caution| !group[0].cautions.contains(caution));
    let n_cautioned = others.iter().filter(is_own).count();
    if n_cautioned > 0 {
        let steps = counted(n_cautioned, "of them has", "of them have");
        lines.push(format!("{steps} cautions that the first has not (--format json lists them)"));
    }
    lines
}

/// The first of some schemas, and how many there are beside.
fn some_of(schemas: &[&str]) -> String {
    let shown: Vec<_> = schemas.iter().take(SCHEMAS_SHOWN_MAX).map(|schema| quote_identifier(schema)).collect();
    let noun = if schemas.len() == 1 { "schema" } else { "schemas" };
    match schemas.len() - shown.len() {
        0 => format!("{noun} {}", shown.join(", ")),
        more => format!("{noun} {} and {} more", shown.join(", "), number(more as f64)),
    }
}

/// The statement's text without values, or its queryid where the text cannot be shown.
fn query(gain: &StatementGain, report: &Report<'_>) -> String {
    let statement = report.workload.statements.get(gain.statement);
    match statement.and_then(|statement| without_values(&statement.text)) {
        Some(text) => abbreviate(&text, STATEMENT_CHARS_MAX),
        None => format!("query {}", gain.queryid),
    }
}

/// Declined candidates, shortly.
pub(super) fn declined(report: &Report<'_>, style: Style) -> String {
    let declined = &report.advice.declined;
    if declined.is_empty() {
        return String::new();
    }
    let mut text = style.heading(&format!("Considered and not proposed: {}", declined.len()));
    for candidate in declined.iter().take(DECLINED_SHOWN_MAX) {
        let index = format!("{} {}", candidate.relation, candidate.index.body());
        text += &style.paragraph(2, &format!("{index}: {}", candidate.reason));
    }
    if declined.len() > DECLINED_SHOWN_MAX {
        let more = declined.len() - DECLINED_SHOWN_MAX;
        text += &style.paragraph(2, &format!("and {more} more (--format json lists them)"));
    }
    text
}
