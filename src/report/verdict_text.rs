//! The text report of `pgadvise verify`: one line for each index and statistics object, and what is wrong with those that are not as they should be.

use anstyle::AnsiColor;

use super::text_style::{Style, counted};
use crate::pg::number::number;
use crate::verify::{IndexVerdict, Standing, StatementVerdict, StatisticsVerdict, Usage, Verdict, qualified};

/// The verdict on the manifest at `manifest` as text. Ends with a line break.
pub fn verdict_text(verdict: &Verdict, manifest: &str, style: Style) -> String {
    let mut text = style.paragraph(0, &title(verdict, manifest));
    text.push('\n');
    let indexes = verdict.indexes.iter().map(|index| index.state.as_str());
    let states = indexes.chain(verdict.statistics.iter().map(|statistics| statistics.state.as_str()));
    let width = states.map(str::len).max().unwrap_or(0);
    for index in &verdict.indexes {
        text += &one_index(index, width, style);
    }
    for statistics in &verdict.statistics {
        text += &one_statistics(statistics, width, style);
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
    let scans = match index.n_scans {
        Some(n) if index.state.is_usable() => {
            format!(", {}", counted(usize::try_from(n).unwrap_or(0), "scan", "scans"))
        }
        _ => String::new(),
    };
    let indent = width + 4;
    let line = format!("{}{scans}{}", qualified(index), usage(index));
    let mut text = first_line(index.standing(), index.state.as_str(), &line, width, style);
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

fn one_statistics(statistics: &StatisticsVerdict, width: usize, style: Style) -> String {
    let definition = &statistics.definition;
    let indent = width + 4;
    let line = format!("{}, statistics of {}", definition.qualified_name(), definition.relation);
    let mut text = first_line(statistics.standing(), statistics.state.as_str(), &line, width, style);
    for difference in &statistics.differences {
        text += &style.paragraph(indent, difference);
    }
    if !statistics.equivalents.is_empty() {
        let equivalents: Vec<String> = statistics.equivalents.iter().map(ToString::to_string).collect();
        text += &style.paragraph(indent, &format!("the same statistics: {}", equivalents.join(", ")));
    }
    if let Some(note) = &statistics.note {
        text += &style.paragraph(indent, note);
    }
    text
}

/// The state, in its colour, and `line` beside it.
fn first_line(standing: Standing, state: &str, line: &str, width: usize, style: Style) -> String {
    let ansi = match standing {
        Standing::Expected => AnsiColor::Green.on_default(),
        Standing::Undecided => AnsiColor::Yellow.on_default(),
        Standing::Wrong => AnsiColor::Red.on_default().bold(),
    };
    let state = style.paint(ansi, &format!("{state:width$}"));
    format!("  {state}  {}", style.paragraph(width + 4, line).trim_start())
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
    let (wrong, undecided) = (Count::of(verdict, Standing::Wrong), Count::of(verdict, Standing::Undecided));
    match (wrong.n(), undecided.n()) {
        (0, 0) => "Everything is as the manifest says.".to_owned(),
        (0, _) => format!("{} cannot be told yet: run pgadvise verify again.", undecided.in_words()),
        (n, 0) => format!("{} {} not as the manifest says.", wrong.in_words(), is_or_are(n)),
        (n, _) => format!(
            "{} {} not as the manifest says, {} cannot be told yet.",
            wrong.in_words(),
            is_or_are(n),
            undecided.in_words()
        ),
    }
}

fn is_or_are(n: usize) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

/// How many of each kind there are.
struct Count {
    indexes: usize,
    statistics: usize,
}

impl Count {
    /// Those of `verdict` that have this standing.
    fn of(verdict: &Verdict, standing: Standing) -> Self {
        Self {
            indexes: verdict.indexes.iter().filter(|index| index.standing() == standing).count(),
            statistics: verdict.statistics.iter().filter(|statistics| statistics.standing() == standing).count(),
        }
    }

    fn n(&self) -> usize {
        self.indexes + self.statistics
    }

    /// `2 indexes and 1 statistics object`
    fn in_words(&self) -> String {
        let indexes = counted(self.indexes, "index", "indexes");
        let statistics = counted(self.statistics, "statistics object", "statistics objects");
        match (self.indexes, self.statistics) {
            (_, 0) => indexes,
            (0, _) => statistics,
            _ => format!("{indexes} and {statistics}"),
        }
    }
}
