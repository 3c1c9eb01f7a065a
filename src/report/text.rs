//! The text report: what to do, what hurts, what is missing, in the order in which a DBA needs it. Never shows a literal.

use std::collections::BTreeMap;

use super::text_style::{Style, counted};
use super::{Report, SourceKind, advice_text, answers_text, relations_text};
use crate::pg::number::{duration_ms, number};
use crate::pg::text::one_line;
use crate::rules::Finding;
use crate::snapshot::Gap;
use crate::whatif::Backend;
use crate::whatif::shadow::Agreement;
use crate::workload::PlannedBy;

/// How many gaps of one kind are shown; the JSON report has all.
const GAPS_SHOWN_MAX: usize = 5;

/// The report as text. Ends with a line break.
pub fn text(report: &Report<'_>, style: Style) -> String {
    let sections = [
        title(report, style),
        estimated(report, style),
        advice_text::steps(report, style),
        relations_text::relations(report, style),
        answers_text::statements(report, style),
        findings(report, style),
        advice_text::declined(report, style),
        skipped(report, style),
        gaps(&report.all_gaps(), style),
        planned(report, style),
        next(report, style),
    ];
    sections.concat()
}

fn title(report: &Report<'_>, style: Style) -> String {
    let server = &report.workload.snapshot.server;
    let statements = &report.workload.statements;
    let source = match report.source_kind {
        SourceKind::Live => "",
        SourceKind::Snapshot => " (from a snapshot)",
        SourceKind::Logs => " (from logs)",
        SourceKind::Workload => " (workload files)",
    };
    let calls: f64 = statements.iter().map(|statement| statement.n_calls).sum();
    let mut line = format!(
        "pgadvise {}: database {} on PostgreSQL {}{source}, {}, {} calls",
        env!("CARGO_PKG_VERSION"),
        server.database,
        server.version,
        counted(statements.len(), "statement", "statements"),
        number(calls),
    );
    let ms: f64 = statements.iter().filter_map(|statement| statement.exec_ms_total).sum();
    if ms > 0.0 {
        line += &format!(", {}", duration_ms(ms));
    }
    let since = report.workload.snapshot.statements.as_ref().and_then(|statements| statements.source.stats_reset);
    if let Some(since) = since {
        line += &format!(" since {}", since.strftime("%Y-%m-%d %H:%M UTC"));
    }
    style.paragraph(0, &line)
}

/// That costs are not PostgreSQL's own, where they are not.
fn estimated(report: &Report<'_>, style: Style) -> String {
    if report.what_if != Some(Backend::Estimate) {
        return String::new();
    }
    let major = report.workload.snapshot.server.version.major();
    let note = format!(
        "The costs below are ESTIMATED in process, not asked of PostgreSQL's planner. For exact costs, install the \
         server's programs (package postgresql-{major}) where pgadvise runs, or HypoPG on the server."
    );
    style.heading("Estimated") + &style.paragraph(2, &note)
}

fn findings(report: &Report<'_>, style: Style) -> String {
    if report.findings.is_empty() {
        return style.heading("Findings") + &style.paragraph(2, "None.");
    }
    let mut text = style.heading(&format!("Findings: {}", report.findings.len()));
    for finding in report.findings {
        text += &one_finding(finding, report, style);
    }
    text
}

fn one_finding(finding: &Finding, report: &Report<'_>, style: Style) -> String {
    let mut about = finding.relation.as_ref().map(|relation| format!(" {relation}")).unwrap_or_default();
    if !finding.columns.is_empty() {
        about += &format!(" ({})", finding.columns.join(", "));
    }
    let mut text = format!("  {} {}{}\n", style.severity(finding.severity), one_line(&finding.rule), one_line(&about));
    text += &style.paragraph(4, &finding.message);
    let steps = report.answering_steps(finding);
    if !steps.is_empty() {
        text += &style.paragraph(4, &format!("answered by {}", steps.join(", ")));
    } else if let Some(fix) = &finding.fix {
        text += &style.paragraph(4, &format!("fix: {fix}"));
    }
    text
}

fn skipped(report: &Report<'_>, style: Style) -> String {
    if report.skipped.is_empty() {
        return String::new();
    }
    let rows = report.skipped.iter().map(|skipped| vec![skipped.rule.clone(), skipped.reason.clone()]).collect();
    style.heading("Rules that could not judge") + &style.table(&["rule", "reason"], rows, &[])
}

/// Gaps by kind, the first of each kind in full.
fn gaps(gaps: &[&Gap], style: Style) -> String {
    if gaps.is_empty() {
        return String::new();
    }
    let mut kinds: BTreeMap<&str, Vec<&Gap>> = BTreeMap::new();
    for gap in gaps {
        kinds.entry(&gap.what).or_default().push(gap);
    }
    let mut text = style.heading(&format!("Gaps: {} could not be looked at", gaps.len()));
    for (what, gaps) in kinds {
        for gap in gaps.iter().take(GAPS_SHOWN_MAX) {
            text += &style.paragraph(2, &format!("{what} {}: {}", gap.id, gap.reason));
        }
        if gaps.len() > GAPS_SHOWN_MAX {
            let more = gaps.len() - GAPS_SHOWN_MAX;
            text += &style.paragraph(2, &format!("{what}: {more} more (--format json lists them)"));
        }
    }
    text
}

fn planned(report: &Report<'_>, style: Style) -> String {
    let statements = &report.workload.statements;
    if statements.is_empty() {
        return String::new();
    }
    let count = |by: PlannedBy| {
        statements.iter().filter_map(|statement| statement.planned.as_ref()).filter(|planned| planned.by == by).count()
    };
    let parts: Vec<String> = [
        (PlannedBy::Constants, "with the application's own constants"),
        (PlannedBy::Statistics, "with values from statistics"),
        (PlannedBy::Generic, "as generic plans"),
    ]
    .iter()
    .filter(|(by, _)| count(*by) > 0)
    .map(|(by, how)| format!("{} {how}", number(count(*by) as f64)))
    .collect();
    let n_planned = statements.iter().filter(|statement| statement.planned.is_some()).count();
    let mut line =
        format!("{} of {} planned", number(n_planned as f64), counted(statements.len(), "statement", "statements"));
    if !parts.is_empty() {
        line += &format!(": {}", parts.join(", "));
    }
    if let Some(backend) = report.what_if {
        line += &format!(
            "; indexes priced by {} in {} plans",
            backend.as_str(),
            number(report.advice.n_whatif_calls as f64)
        );
    }
    line += &report.shadow.map(agreement).unwrap_or_default();
    style.heading("How statements were planned") + &style.paragraph(2, &format!("{line}."))
}

/// Which server stood in for the analysed one, and how alike they are.
fn agreement(shadow: &Agreement) -> String {
    let Agreement { shadow_version, n_compared, n_equal, .. } = shadow;
    let alike = match n_compared {
        0 => "not compared with the server's own plans".to_owned(),
        _ => format!("{n_equal} of {n_compared} sampled plans cost the same on the server"),
    };
    format!("; the shadow is a private PostgreSQL {shadow_version}, {alike}")
}

/// Where the migrations are and what to run next.
fn next(report: &Report<'_>, style: Style) -> String {
    let Some(folder) = report.migrations else {
        return String::new();
    };
    let folder = folder.display();
    // Commands are not wrapped: they are there to be copied.
    style.heading("Next")
        + &one_line(&format!("  review and run, by number:  {folder}"))
        + "\n"
        + &one_line(&format!("  then check:  pgadvise verify --manifest {folder}/manifest.json"))
        + "\n"
}
