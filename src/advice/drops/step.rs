//! The step that drops an index, and what its reviewer is told. Decides nothing.

use crate::pg::{IndexDefinition, quote_identifier};
use crate::snapshot::Index;
use crate::snapshot::overlap::{Overlap, OverlapKind};
use crate::sql;
use crate::workload::Workload;

use super::super::{Action, Step};
use super::Drop;

/// Why the leftover of a failed build is not needed.
pub fn why_failed(index: &Index) -> String {
    let effect = if index.is_ready { "no query uses it and every write maintains it" } else { "no query uses it" };
    format!(
        "it is invalid: {effect}; if it is wanted, mend what made its build fail and rebuild it instead with REINDEX \
         INDEX CONCURRENTLY {}",
        quote_identifier(&index.name)
    )
}

/// Why an index that another covers is not needed.
pub fn why_covered(overlap: &Overlap<'_, '_>) -> String {
    let Overlap { index, cover, kind } = overlap;
    let sizes = format!("{} against {}", cover.bytes, index.bytes());
    match (cover.oid, kind) {
        (None, _) => format!(
            "the new index {} serves all that it does ({sizes}): drop it only once that one is valid",
            cover.name
        ),
        (Some(_), OverlapKind::Duplicate) => {
            format!("index {} is the same: {}", cover.name, shown(cover.definition))
        }
        (Some(_), OverlapKind::Prefix) => {
            format!("index {} serves all that it does ({sizes}): {}", cover.name, shown(cover.definition))
        }
    }
}

/// A definition for the reader: the constants of a predicate may be somebody's data.
fn shown(definition: &IndexDefinition) -> String {
    sql::without_constants(&definition.body())
}

/// The step that does `drop`.
pub fn step(workload: &Workload, drop: &Drop<'_>) -> Step {
    let Drop { relation, index, why, cover, writes, proof } = drop;
    let mut cautions = vec![why.clone()];
    cautions.extend(proof.clone());
    if let Some(usage) = &index.usage {
        let snapshot = &workload.snapshot;
        let since = snapshot.server.stats_reset.map_or_else(String::new, |at| format!(" since {at}"));
        let n_scans = snapshot.n_scans(index).unwrap_or(usage.n_scans);
        cautions.push(format!("{n_scans} scans of it were counted {}{since}", snapshot.counting_nodes()));
    }
    if index.definition.key_columns.iter().any(|key| key.target.column().is_none()) {
        cautions.push("the planner's statistics of its expressions go with it".to_owned());
    }
    if !index.options.is_empty() {
        cautions.push(format!("it has storage parameters: {}", index.options.join(", ")));
    }
    Step {
        id: index.name.clone(),
        action: Action::DropIndex,
        relation_oid: relation.oid,
        relation: relation.name.clone(),
        index: index.definition.clone(),
        taken_over_by: cover.clone(),
        partitions: Vec::new(),
        index_bytes: index.bytes(),
        cost_before: 0.0,
        cost_after: 0.0,
        write_cost: writes.units,
        writes: writes.clone(),
        breaks_hot: false,
        answers: Vec::new(),
        statements: Vec::new(),
        cautions,
    }
}
