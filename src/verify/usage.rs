//! Do the statements that an index was made for use it? Their plans are made elsewhere; this says which and reads them.

use std::collections::BTreeMap;

use super::verdict::{IndexVerdict, StatementVerdict, Usage, Verdict};
use crate::emit::{Manifest, ManifestStatement};
use crate::pg::QueryId;
use crate::workload::{Origin, Statement};

/// What stands for a statement whose text the manifest does not have.
const NO_TEXT: &str = "the manifest does not hold its text";

/// The statements of `manifest` that have to be planned again, each once, by queryid. Their shape and plan are left to
/// whoever plans them; costs and calls are the manifest's.
pub fn served_statements(manifest: &Manifest) -> Vec<Statement> {
    let mut statements: BTreeMap<QueryId, Statement> = BTreeMap::new();
    for served in manifest.indexes.iter().flat_map(|index| &index.statements) {
        if let Some(text) = &served.text {
            statements.entry(served.queryid).or_insert_with(|| statement(served, text));
        }
    }
    statements.into_values().collect()
}

fn statement(served: &ManifestStatement, text: &str) -> Statement {
    Statement {
        queryid: served.queryid,
        queryids: vec![served.queryid],
        text: text.to_owned(),
        origin: Origin::PgStatStatements,
        has_other_texts: false,
        is_top_level: true,
        n_calls: served.calls,
        n_rows: None,
        exec_ms_total: None,
        exec_ms_mean: None,
        exec_ms_stddev: None,
        n_shared_blocks: None,
        shape: None,
        planned: None,
    }
}

/// Adds to `verdict` whether the plans of `statements` use its indexes. `reasons` says why a statement has no plan.
pub fn apply_plans(
    verdict: &mut Verdict,
    manifest: &Manifest,
    statements: &[Statement],
    reasons: &BTreeMap<QueryId, String>,
) {
    let by_queryid: BTreeMap<QueryId, &Statement> =
        statements.iter().map(|statement| (statement.queryid, statement)).collect();
    for (index, wanted) in verdict.indexes.iter_mut().zip(&manifest.indexes) {
        if !index.state.is_usable() {
            continue;
        }
        let names = &index.names_in_plans;
        let judged = wanted.statements.iter().map(|served| {
            let statement = by_queryid.get(&served.queryid).copied();
            let reason = match &served.text {
                None => Some(NO_TEXT.to_owned()),
                Some(_) => reasons.get(&served.queryid).cloned(),
            };
            judge(served, statement, names, reason)
        });
        index.statements = judged.collect();
        index.usage = usage(index);
    }
}

fn judge(
    served: &ManifestStatement,
    statement: Option<&Statement>,
    names: &[(String, String)],
    reason: Option<String>,
) -> StatementVerdict {
    let planned = statement.and_then(|statement| statement.planned.as_ref());
    let uses_index = planned.map(|planned| {
        planned.plan.indexes_used().iter().any(|(schema, name)| {
            names
                .iter()
                .any(|(own_schema, own)| own == name && schema.as_ref().is_none_or(|schema| schema == own_schema))
        })
    });
    StatementVerdict {
        queryid: served.queryid,
        uses_index,
        cost_before: served.cost_before,
        cost_promised: served.cost_after,
        cost_now: planned.map(|planned| planned.plan.root.total_cost),
        reason: if planned.is_some() { None } else { reason.or_else(|| Some("it could not be planned".to_owned())) },
    }
}

fn usage(index: &IndexVerdict) -> Usage {
    let answers: Vec<bool> = index.statements.iter().filter_map(|statement| statement.uses_index).collect();
    match (index.statements.is_empty(), answers.is_empty()) {
        (true, _) => Usage::NotApplicable,
        (false, true) => Usage::Unknown,
        (false, false) if answers.contains(&true) => Usage::Used,
        (false, false) => Usage::Unused,
    }
}
