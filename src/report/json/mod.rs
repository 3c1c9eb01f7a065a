//! The JSON report, version 1: a report's values put into its shape. The shape is a contract (docs/json.md, docs/report.schema.json).

mod shape;

use std::collections::BTreeMap;

pub use shape::*;

use super::Report;
use crate::advice::{
    Action, Advice, Declined, MISESTIMATE, RelationCosts, StatementAnswer, StatementGain, StatisticsStep, Step,
    VariantGain, WriteCost, WriteSource, groups,
};
use crate::emit;
use crate::error::{Error, Result};
use crate::pg::text::is_unsafe;
use crate::pg::{Bytes, IndexColumn, IndexDefinition, IndexTarget};
use crate::rules::Finding;
use crate::snapshot::Catalog;

/// The report as indented JSON and a line break.
///
/// # Errors
/// Only when it cannot be serialised, which is a defect.
pub fn json(report: &Report<'_>) -> Result<String> {
    to_json(&JsonReport::of(report))
}

/// `value` as indented JSON and a line break, with every character that could drive a terminal escaped.
pub(super) fn to_json(value: &impl serde::Serialize) -> Result<String> {
    let json = serde_json::to_string_pretty(value)
        .map_err(|error| Error::internal(format!("could not serialise the report: {error}")))?;
    // serde_json escapes what JSON demands; the other control characters can only stand inside strings.
    let mut safe = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if c != '\n' && is_unsafe(c) {
            safe.push_str(&format!("\\u{:04x}", c as u32));
        } else {
            safe.push(c);
        }
    }
    safe.push('\n');
    Ok(safe)
}

impl JsonReport {
    /// The report's shape filled in.
    pub fn of(report: &Report<'_>) -> Self {
        let catalog = Catalog::new(&report.workload.snapshot);
        Self {
            schema_version: SCHEMA_VERSION,
            pgadvise_version: env!("CARGO_PKG_VERSION").to_owned(),
            generated_at: report.generated_at,
            source: source(report),
            workload: workload(report),
            summary: summary(report),
            relations: report.advice.relations.iter().map(relation).collect(),
            advice: all_advice(report.advice, &catalog),
            declined: report.advice.declined.iter().map(declined).collect(),
            statements: report.answers.iter().filter_map(|answer| self::answer(answer, report)).collect(),
            findings: report.findings.iter().map(|finding| self::finding(finding, report)).collect(),
            skipped: report.skipped.to_vec(),
            gaps: report.all_gaps().into_iter().cloned().collect(),
        }
    }
}

fn source(report: &Report<'_>) -> JsonSource {
    let snapshot = &report.workload.snapshot;
    JsonSource {
        kind: report.source_kind,
        server_version: snapshot.server.version.to_string(),
        database: snapshot.server.database.clone(),
        stats_since: snapshot.statements.as_ref().and_then(|statements| statements.source.stats_reset),
        what_if: report.what_if,
        shadow: report.shadow.cloned(),
    }
}

fn workload(report: &Report<'_>) -> JsonWorkload {
    let statements = &report.workload.statements;
    let mut n_planned_by = BTreeMap::new();
    for planned in statements.iter().filter_map(|statement| statement.planned.as_ref()) {
        *n_planned_by.entry(planned.by).or_default() += 1;
    }
    let times: Vec<f64> = statements.iter().filter_map(|statement| statement.exec_ms_total).collect();
    JsonWorkload {
        n_statements: statements.len(),
        n_planned: n_planned_by.values().sum(),
        n_planned_by,
        n_calls: statements.iter().map(|statement| statement.n_calls).sum(),
        exec_ms_total: (!times.is_empty()).then(|| rounded(times.iter().sum())),
    }
}

fn summary(report: &Report<'_>) -> JsonSummary {
    let advice = report.advice;
    JsonSummary {
        cost_before: rounded(advice.cost_before),
        cost_after: rounded(advice.cost_after),
        cost_floor: rounded(advice.cost_floor),
        exec_ms_before: advice.exec_ms_before.map(rounded),
        exec_ms_after: advice.exec_ms_after.map(rounded),
        budget_bytes: advice.budget.map(|bytes| bytes.0),
        create_bytes: bytes_of(&advice.steps, Action::CreateIndex).0,
        drop_bytes: bytes_of(&advice.steps, Action::DropIndex).0,
        units_per_us: advice.calibration.units_per_us,
        n_units_fitted: advice.calibration.n_statements,
        n_whatif_calls: advice.n_whatif_calls,
        elapsed_ms: report.elapsed_ms.round(),
    }
}

fn relation(costs: &RelationCosts) -> JsonRelation {
    JsonRelation {
        relation: costs.relation.clone(),
        n_statements: costs.n_statements,
        cost_before: rounded(costs.cost_before),
        cost_after: rounded(costs.cost_after),
        cost_floor: rounded(costs.cost_floor),
    }
}

/// The bytes of the steps that do `action`.
pub(super) fn bytes_of(steps: &[Step], action: Action) -> Bytes {
    steps.iter().filter(|step| step.action == action).map(|step| step.index_bytes).sum()
}

/// What to do, in the order to do it.
fn all_advice(advice: &Advice, catalog: &Catalog<'_>) -> Vec<JsonAdvice> {
    let statistics = advice.statistics.iter().map(statistics);
    let steps = groups(&advice.steps).enumerate().flat_map(|(position, group)| {
        let number = (group.len() > 1).then_some(position + 1);
        group.iter().map(move |step| self::advice(step, advice.name_of(step), number, catalog))
    });
    statistics.chain(steps).collect()
}

fn texts(statements: &[emit::Statement]) -> Vec<String> {
    statements.iter().map(emit::Statement::text).collect()
}

fn statistics(step: &StatisticsStep) -> JsonAdvice {
    let (ddl, rollback) = emit::statistics_statements(step)
        .map(|statements| (texts(&statements.ddl), texts(&statements.rollback)))
        .unwrap_or_default();
    let definition = &step.definition;
    JsonAdvice {
        id: definition.name.clone(),
        group: None,
        action: JsonAction::CreateStatistics,
        relation: definition.relation.clone(),
        index: None,
        statistics: Some(JsonStatistics {
            name: definition.name.clone(),
            columns: definition.columns.clone(),
            kinds: definition.kinds.clone(),
            evidence: step.evidence.clone(),
        }),
        taken_over_by: None,
        ddl,
        rollback,
        index_bytes: 0,
        cost_before: rounded(step.cost_before),
        cost_after: rounded(step.cost_after),
        write_cost: 0.0,
        writes: writes(&WriteCost::default()),
        breaks_hot: false,
        answers: vec![MISESTIMATE.to_owned()],
        cautions: step.cautions.clone(),
        statements: step.statements.iter().map(statement).collect(),
    }
}

fn advice(step: &Step, id: String, group: Option<usize>, catalog: &Catalog<'_>) -> JsonAdvice {
    let (ddl, rollback) = emit::statements(step, catalog)
        .map(|statements| (texts(&statements.ddl), texts(&statements.rollback)))
        .unwrap_or_default();
    JsonAdvice {
        id,
        group,
        action: action(step.action),
        relation: step.relation.clone(),
        index: Some(index(&step.index, Some(&step.id))),
        statistics: None,
        taken_over_by: step.taken_over_by.clone(),
        ddl,
        rollback,
        index_bytes: step.index_bytes.0,
        cost_before: rounded(step.cost_before),
        cost_after: rounded(step.cost_after),
        write_cost: rounded(step.write_cost),
        writes: writes(&step.writes),
        breaks_hot: step.breaks_hot,
        answers: step.answers.clone(),
        cautions: step.cautions.clone(),
        statements: step.statements.iter().map(statement).collect(),
    }
}

pub(super) fn action(action: Action) -> JsonAction {
    match action {
        Action::CreateIndex => JsonAction::CreateIndex,
        Action::DropIndex => JsonAction::DropIndex,
    }
}

fn statement(gain: &StatementGain) -> JsonStatement {
    JsonStatement {
        queryid: gain.queryid.to_string(),
        calls: gain.n_calls,
        exec_ms_total: gain.exec_ms_total.map(rounded),
        cost_before: rounded(gain.cost_before),
        cost_after: rounded(gain.cost_after),
        variants: gain.variants.iter().map(variant).collect(),
    }
}

fn variant(variant: &VariantGain) -> JsonVariant {
    JsonVariant {
        kind: variant.kind,
        column: variant.column.clone(),
        share: variant.share.map(|share| (share * 10_000.0).round() / 10_000.0),
        cost_before: rounded(variant.cost_before),
        cost_after: rounded(variant.cost_after),
        is_used: variant.is_used,
    }
}

fn writes(cost: &WriteCost) -> JsonWrites {
    JsonWrites {
        source: match cost.source {
            WriteSource::Nothing => JsonWriteSource::Nothing,
            WriteSource::Statements => JsonWriteSource::Statements,
            WriteSource::Files => JsonWriteSource::Files,
            WriteSource::Counters { .. } => JsonWriteSource::Counters,
        },
        us_per_write: rounded(cost.us_per_write),
        wal_bytes_per_write: rounded(cost.wal_bytes_per_write),
        n_hot_lost: rounded(cost.hot_loss.as_ref().map_or(0.0, |loss| loss.n_updates)),
        hot_columns: cost.hot_loss.as_ref().map(|loss| loss.columns.clone()).unwrap_or_default(),
    }
}

fn declined(declined: &Declined) -> JsonDeclined {
    JsonDeclined {
        relation: declined.relation.clone(),
        index: index(&declined.index, None),
        reason: declined.reason.clone(),
    }
}

fn answer(answer: &StatementAnswer, report: &Report<'_>) -> Option<JsonAnswer> {
    let statement = report.workload.statements.get(answer.statement)?;
    let costs = report.advice.statement_costs.get(answer.statement).copied().flatten();
    let cost_before = costs.map(|(before, _)| before).or_else(|| statement.cost_before());
    Some(JsonAnswer {
        queryid: statement.queryid.to_string(),
        place: statement.place(),
        calls: statement.n_calls,
        exec_ms_total: statement.exec_ms_total.map(rounded),
        cost_before: cost_before.map(rounded),
        cost_after: costs.map(|(_, after)| after).or(cost_before).map(rounded),
        answer: answer.answer,
        cause: answer.cause,
        reason: answer.reason.clone(),
        advice: answer.advice.clone(),
        indexes: answer.indexes.clone(),
        findings: answer.findings.clone(),
    })
}

fn finding(finding: &Finding, report: &Report<'_>) -> JsonFinding {
    JsonFinding {
        rule: finding.rule.clone(),
        severity: finding.severity,
        confidence: finding.confidence,
        relation: finding.relation.clone(),
        columns: finding.columns.clone(),
        index: finding.index.clone(),
        queryids: finding.queryids.iter().map(ToString::to_string).collect(),
        message: finding.message.clone(),
        evidence: finding.evidence.clone(),
        fix: finding.fix.clone(),
        impact: rounded(finding.impact),
        advice: report.answering_steps(finding),
    }
}

fn index(definition: &IndexDefinition, name: Option<&str>) -> JsonIndex {
    JsonIndex {
        name: name.map(str::to_owned),
        access_method: definition.access_method.to_string(),
        is_unique: definition.is_unique,
        nulls_not_distinct: definition.nulls_not_distinct,
        key_columns: definition.key_columns.iter().map(key_column).collect(),
        included_columns: definition.included_columns.clone(),
        predicate: definition.predicate.clone(),
    }
}

fn key_column(key: &IndexColumn) -> JsonKeyColumn {
    let (column, expression) = match &key.target {
        IndexTarget::Column(name) => (Some(name.clone()), None),
        IndexTarget::Expression(sql) => (None, Some(sql.clone())),
    };
    JsonKeyColumn {
        column,
        expression,
        descending: key.descending,
        nulls_first: key.nulls_first,
        opclass: key.opclass.clone(),
        collation: key.collation.clone(),
    }
}

/// Two decimals, as EXPLAIN has them: the rest is noise of floating point arithmetic.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
