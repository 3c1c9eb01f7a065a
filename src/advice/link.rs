//! Which findings a step answers. Reads both; changes neither.

use std::collections::BTreeSet;

use crate::pg::{QueryId, StatisticsDefinition};
use crate::rules::Finding;
use crate::workload::Workload;

use super::{Action, Advice, StatisticsStep, Step};

/// Rules whose findings an index can answer.
const ANSWERED_BY_CREATE: &[&str] = &["seq_scan_filter", "index_filter", "sort_avoidable", "fk_without_index"];

/// Rules whose findings dropping an index answers.
const ANSWERED_BY_DROP: &[&str] = &["duplicate_index", "redundant_index", "invalid_index", "unused_index"];

/// The rule whose findings a statistics object answers.
pub const MISESTIMATE: &str = "rows_misestimated";

/// Whether `step` answers `finding`: the same relation, and the statements or the index that the finding is about.
pub fn answers(workload: &Workload, step: &Step, finding: &Finding) -> bool {
    if finding.relation.as_ref() != Some(&step.relation) {
        return false;
    }
    match step.action {
        Action::DropIndex => {
            ANSWERED_BY_DROP.contains(&finding.rule.as_str()) && finding.index.as_ref() == Some(&step.id)
        }
        Action::CreateIndex if finding.rule == "fk_without_index" => leads_with(step, &finding.columns),
        Action::CreateIndex => {
            ANSWERED_BY_CREATE.contains(&finding.rule.as_str())
                && finding.queryids.iter().any(|id| served(workload, step).contains(id))
        }
    }
}

/// The rules whose findings a step answers, sorted.
pub fn answered_rules(workload: &Workload, step: &Step, findings: &[Finding]) -> Vec<String> {
    let rules: BTreeSet<&String> =
        findings.iter().filter(|finding| answers(workload, step, finding)).map(|finding| &finding.rule).collect();
    rules.into_iter().cloned().collect()
}

/// Whether `step` is the statistics object for `finding`.
pub fn tells(step: &StatisticsStep, finding: &Finding) -> bool {
    finding.rule == MISESTIMATE && is_over(&step.definition, finding)
}

/// Takes out the misestimates that do no harm: a new index finds the rows of all their statements anyway, so it is the
/// index that was missing; or the planner was told, and chose no better plan. Those that a statistics object answers stay.
pub fn forget_misestimates(workload: &Workload, advice: &Advice, findings: &mut Vec<Finding>) {
    let creates = advice.steps.iter().filter(|step| step.action == Action::CreateIndex);
    let served: BTreeSet<QueryId> = creates.flat_map(|step| served(workload, step)).collect();
    findings.retain(|finding| {
        finding.rule != MISESTIMATE
            || advice.statistics.iter().any(|step| tells(step, finding))
            || !(finding.queryids.iter().all(|id| served.contains(id))
                || advice.idle_statistics.iter().any(|definition| is_over(definition, finding)))
    });
}

/// Whether the object is over the columns that the finding is about.
fn is_over(definition: &StatisticsDefinition, finding: &Finding) -> bool {
    let columns = |names: &[String]| names.iter().cloned().collect::<BTreeSet<String>>();
    finding.relation.as_ref() == Some(&definition.relation) && columns(&finding.columns) == columns(&definition.columns)
}

fn served(workload: &Workload, step: &Step) -> BTreeSet<QueryId> {
    let statements = step.statements.iter().filter_map(|gain| workload.statements.get(gain.statement));
    statements.flat_map(|statement| statement.queryids.iter().copied().chain([statement.queryid])).collect()
}

/// Whether the step's leading key columns are these, in any order.
fn leads_with(step: &Step, columns: &[String]) -> bool {
    let leading: Vec<Option<&str>> =
        step.index.key_columns.iter().take(columns.len()).map(|k| k.target.column()).collect();
    !columns.is_empty()
        && leading.len() == columns.len()
        && step.index.predicate.is_none()
        && columns.iter().all(|column| leading.contains(&Some(column.as_str())))
}
