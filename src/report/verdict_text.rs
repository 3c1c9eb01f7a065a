//! The text report of `pgadvise verify`: one line for each index, and what is wrong with those that are not as they should be.

use anstyle::AnsiColor;

use super::text_style::{Style, counted};
use crate::pg::number::number;
use crate::verify::{IndexVerdict, Standing, StatementVerdict, Usage, Verdict, qualified};

/// The verdict on the manifest at `manifest` as text. Ends with a line break.
pub fn verdict_text(verdict: &Verdict, manifest: &str, style: Style) -> String {
    let mut text = style.paragraph(0, &title(verdict, manifest));
    text.push('\n');
    let width = verdict.indexes.iter().map(|index| index.state.as_str().len()).max().unwrap_or(0);
    for index in &verdict.indexes {
        text += &one_index(index, width, style);
    }
    text.push('\n');
    text + &style.paragraph(0, &summary(verdict))
}

fn title(verdict: &Verdict, manifest: &str) -> String {
    let made_for = match verdict.database == verdict.manifest_database {
        true => String::new(),
        false => format!(", made for database {}", verdict.manifest_database),
    };
    let server = format!("database {} on PostgreSQL {}", verdict.database, verdict.server_version);
    format!("pgadvise verify: {server}, manifest {manifest}{made_for}")
}

fn one_index(index: &IndexVerdict, width: usize, style: Style) -> String {
    let ansi = match index.standing() {
        Standing::Expected => AnsiColor::Green.on_default(),
        Standing::Undecided => AnsiColor::Yellow.on_default(),
        Standing::Wrong => AnsiColor::Red.on_default().bold(),
    };
    let state = style.paint(ansi, &format!("{:width$}", index.state.as_str()));
    let scans = match index.n_scans {
        Some(n) if index.state.is_usable() => {
            format!(", {}", counted(usize::try_from(n).unwrap_or(0), "scan", "scans"))
        }
        _ => String::new(),
    };
    let indent = width + 4;
    let line = format!("{}{scans}{}", qualified(index), usage(index));
    let mut text = format!("  {state}  {}", style.paragraph(indent, &line).trim_start());
    for difference in &index.differences {
        text += &style.paragraph(indent, difference);
    }
    if !index.equivalents.is_empty() {
        text += &style.paragraph(indent, &format!("the same index: {}", index.equivalents.join(", ")));
    }
    if let Some(note) = &index.note {
        text += &style.paragraph(indent, note);
    }
    for statement in index.statements.iter().filter(|statement| statement.uses_index != Some(true)) {
        text += &style.paragraph(indent, &unused_by(statement));
    }
    text
}

fn usage(index: &IndexVerdict) -> String {
    let n_used = index.statements.iter().filter(|statement| statement.uses_index == Some(true)).count();
    match index.usage {
        Usage::NotApplicable => String::new(),
        Usage::Used | Usage::Unused => {
            let statements = counted(index.statements.len(), "statement", "statements");
            format!(", in the plans of {n_used} of the {statements} that it is for")
        }
        Usage::Unknown => ", none of its statements could be planned".to_owned(),
    }
}

fn unused_by(statement: &StatementVerdict) -> String {
    let promised = format!("{} -> {}", number(statement.cost_before), number(statement.cost_promised));
    match (statement.cost_now, &statement.reason) {
        (Some(now), _) => {
            format!("query {} is planned without it: cost {}, promised {promised}", statement.queryid, number(now))
        }
        (None, Some(reason)) => format!("query {} was not planned: {reason}", statement.queryid),
        (None, None) => format!("query {} was not planned", statement.queryid),
    }
}

fn summary(verdict: &Verdict) -> String {
    let count = |standing| verdict.indexes.iter().filter(|index| index.standing() == standing).count();
    let (wrong, undecided) = (count(Standing::Wrong), count(Standing::Undecided));
    match (wrong, undecided) {
        (0, 0) => "Everything is as the manifest says.".to_owned(),
        (0, n) => format!("{} cannot be told yet: run pgadvise verify again.", counted(n, "index", "indexes")),
        (n, 0) => format!("{} not as the manifest says.", is_or_are(n)),
        (n, m) => {
            format!("{} not as the manifest says, {} cannot be told yet.", is_or_are(n), counted(m, "index", "indexes"))
        }
    }
}

fn is_or_are(n: usize) -> String {
    format!("{} {}", counted(n, "index", "indexes"), if n == 1 { "is" } else { "are" })
}
