//! The part of the text report that gives every statement its answer: how many of each kind, and the heaviest that no
//! advice serves.

use super::Report;
use super::text_style::{Style, counted};
use crate::advice::{Answer, StatementAnswer};
use crate::emit::without_values;
use crate::pg::number::{duration_ms, number};
use crate::pg::text::abbreviate;
use crate::workload::Statement;

/// How many characters of a statement are shown: enough to recognise it.
const STATEMENT_CHARS_MAX: usize = 100;

/// How many statements that no advice serves are shown; `-v` and the JSON report have all.
const SHOWN_MAX: usize = 8;

/// What became of the statements; those that advice serves are under it already, and listed only for `-v`.
pub(super) fn statements(report: &Report<'_>, style: Style) -> String {
    if report.answers.is_empty() {
        return String::new();
    }
    let mut text = style.heading(&title(report.answers));
    let is_listed = |answer: &&StatementAnswer| report.is_verbose || answer.answer != Answer::Served;
    let listed: Vec<&StatementAnswer> = report.answers.iter().filter(is_listed).collect();
    let n_shown = if report.is_verbose { listed.len() } else { SHOWN_MAX };
    for answer in listed.iter().take(n_shown) {
        if let Some(statement) = report.workload.statements.get(answer.statement) {
            text += &style.paragraph(2, &format!("{}: {}", answer.answer.words(), about(statement)));
            text += &style.paragraph(4, &answer.reason);
        }
    }
    if listed.len() > n_shown {
        let more = counted(listed.len() - n_shown, "statement", "statements");
        text += &style.paragraph(2, &format!("and {more} more (-v and --format json list them)"));
    }
    text
}

fn title(answers: &[StatementAnswer]) -> String {
    let counts: Vec<String> = Answer::ALL
        .iter()
        .map(|kind| (kind, answers.iter().filter(|answer| answer.answer == *kind).count()))
        .filter(|(_, n)| *n > 0)
        .map(|(kind, n)| format!("{} {}", number(n as f64), kind.words()))
        .collect();
    format!("Statements: {}", counts.join(", "))
}

/// Its calls, its time where that was measured, and its text without values.
fn about(statement: &Statement) -> String {
    let time = statement.exec_ms_total.map_or_else(String::new, |ms| format!(", {}", duration_ms(ms)));
    let text = match without_values(&statement.text) {
        Some(text) => abbreviate(&text, STATEMENT_CHARS_MAX),
        None => format!("query {}", statement.queryid),
    };
    format!("{} calls{time}: {text}", number(statement.n_calls))
}
