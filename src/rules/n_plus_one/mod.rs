//! Rule `n_plus_one`.

mod lookup;
mod orm;
mod parent;

use super::meta::declare_rule;
use super::{Finding, Rule, RuleMeta, Severity, Subject};
use crate::sql::rewrite::batch_by_key;
use lookup::Lookup;
use parent::Parent;

declare_rule! {
    /// One statement returns rows, and for each of them another statement is sent: 1 + N round trips.
    ///
    /// ## How it is recognised
    /// By counts alone, as pg_stat_statements has them: a lookup of one relation by one key ran about as often as a
    /// statement over a relation that refers to it (or that it refers to) returned rows. In a loop the two numbers
    /// are equal; for a hot page, a session check or a current-user query they are not. `confidence` adds up what
    /// speaks for it: how near the ratio is to 1, at least five lookups for each call of the parent, a mean below
    /// 1 ms, rows that fit the relationship, the hand of an ORM.
    ///
    /// ## Why it hurts
    /// Each lookup is fast; the round trips are not. A hundred lookups of 0.02 ms cost 2 ms on the server and, at
    /// 0.5 ms each, 50 ms of waiting. No index helps: the lookups have theirs already.
    ///
    /// ## When it is fine
    /// - The two numbers agree by chance. The evidence shows both statements; look at the code that sends them.
    /// - A batch job walks rows one by one on purpose.
    ///
    /// ## What to do
    /// Fetch the rows of all keys at once: `WHERE key = ANY($1)`. Every ORM has a word for it (`includes`,
    /// `select_related`, `include`, `Preload`); the finding names it where the ORM shows, and gives the SQL.
    /// Prefer `= ANY(array)` to `IN (…)`: one queryid and one plan, whatever the number of keys.
    ///
    /// ## References
    /// - [pg_stat_statements](https://www.postgresql.org/docs/current/pgstatstatements.html)
    NPlusOne { id: "n_plus_one", severity: Warning, needs: [CallCounts, RowCounts] }
}

/// Confidence from which a loop is reported. Over ten read workloads with and without loops the score separated at
/// 0.6: loops reached 0.9, everything else stayed at 0.55 or below.
const CONFIDENCE_MIN: f64 = 0.6;

/// Share of all calls from which a loop is an error and not a warning.
const ERROR_CALL_SHARE: f64 = 0.2;

/// Waiting for one round trip in ms, to rank loops by more than the server's own time: a network within one data
/// centre.
const ROUND_TRIP_MS: f64 = 0.5;

impl Rule for NPlusOne {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, subject: &Subject<'_>) -> Result<Vec<Finding>, String> {
        let n_calls_total: f64 = subject.workload.statements.iter().map(|statement| statement.n_calls).sum();
        let mut findings = Vec::new();
        for lookup in lookup::lookups(subject) {
            let Some(parent) = parent::best(subject, &lookup) else { continue };
            if parent.confidence >= CONFIDENCE_MIN {
                findings.push(report(&lookup, &parent, n_calls_total));
            }
        }
        Ok(findings)
    }
}

fn report(lookup: &Lookup<'_>, parent: &Parent<'_>, n_calls_total: f64) -> Finding {
    let child = lookup.statement;
    let per_parent = child.n_calls / parent.n_calls;
    let message = format!(
        "{:.0} calls look up {} by {}, one key each; {} returned {:.0} rows in {:.0} calls, so about {per_parent:.0} lookups follow each",
        child.n_calls,
        lookup.relation.name,
        lookup.column,
        parent.description(),
        parent.n_rows,
        parent.n_calls,
    );
    let mut finding = Finding::new(&META, message)
        .on(lookup.relation, [lookup.column.to_owned()])
        .with("child_calls", child.n_calls)
        .with("parent_calls", parent.n_calls)
        .with("parent_rows", parent.n_rows)
        .with("parent_queryids", parent.queryids())
        .with("parent_relation", parent.relation.name.to_string())
        .with("ratio", round(child.n_calls / parent.n_rows))
        .with("round_trip_ms_assumed", ROUND_TRIP_MS);
    finding.severity =
        if child.n_calls >= ERROR_CALL_SHARE * n_calls_total { Severity::Error } else { Severity::Warning };
    finding.confidence = round(parent.confidence);
    finding.queryids = vec![child.queryid];
    finding.impact = (child.n_calls - parent.n_calls).max(0.0) * (child.exec_ms_mean.unwrap_or(0.0) + ROUND_TRIP_MS);
    finding.fix = Some(fix(lookup));
    finding
}

fn fix(lookup: &Lookup<'_>) -> String {
    let type_sql = lookup.relation.column(&lookup.column).map_or("text", |column| column.type_sql.as_str());
    let advice = orm::recognise(&lookup.statement.text).map(|orm| orm.fix());
    let batched = batch_by_key(&lookup.statement.text, &lookup.column, type_sql);
    match (advice, batched) {
        (Some(advice), Some(sql)) => format!("{advice} In SQL: {sql}"),
        (Some(advice), None) => advice.to_owned(),
        (None, Some(sql)) => format!("Fetch the rows of all keys at once: {sql}"),
        (None, None) => format!("Fetch the rows of all keys at once: {} = ANY($1::{type_sql}[])", lookup.column),
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
