//! Plans that a snapshot carries: taken while the server is there, read where it is not. What is read leads to the same
//! statements, shapes and gaps as asking the server would have.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cascade::{self, Outcome, Refused};
use super::pick::Picker;
use super::server::Server;
use super::settle;
use crate::db::Session;
use crate::error::{Error, Result};
use crate::pg::QueryId;
use crate::plan;
use crate::snapshot::{Catalog, Gap, RecordedOutcome, RecordedPlan, Snapshot};
use crate::sql;
use crate::workload::{Planned, Statement, Variant, Workload};

/// What the server makes of every statement of `workload`, by queryid; `workload` stays as it is.
///
/// # Errors
/// As [`super::plan_statements`].
pub fn record(
    session: &mut Session,
    workload: &Workload,
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<RecordedPlan>> {
    let picker = Picker::new(&workload.snapshot);
    let mut server = Server::new(session, &workload.snapshot.server);
    let mut plans = Vec::with_capacity(workload.statements.len());
    for (position, statement) in workload.statements.iter().enumerate() {
        let outcome = cascade::plan_statement(&mut server, statement, &picker)?;
        plans.push(RecordedPlan { queryid: statement.queryid, outcome: written(outcome)? });
        progress(position + 1);
    }
    plans.sort_by_key(|plan| plan.queryid);
    Ok(plans)
}

fn written(outcome: Outcome) -> Result<RecordedOutcome> {
    Ok(match outcome {
        Outcome::Planned(planned) => {
            let Planned { text, form, by, is_rewritten_to_select, plan, variants } = *planned;
            let plan = serde_json::to_string(&[plan])
                .map_err(|error| Error::internal(format!("could not write a plan as JSON: {error}")))?;
            RecordedOutcome::Planned { text, form, by, is_rewritten_to_select, plan, variants }
        }
        Outcome::NothingToPlan => RecordedOutcome::NothingToPlan,
        Outcome::Refused(Refused { reason, contradicts_shape }) => {
            RecordedOutcome::Refused { reason, contradicts_shape }
        }
    })
}

/// Does what [`super::plan_statements`] does, from the plans that the snapshot carries. A statement that it has none of
/// stays unplanned and becomes a gap.
pub fn plan_from_snapshot(workload: &mut Workload) {
    let snapshot = Arc::clone(&workload.snapshot);
    let catalog = Catalog::new(&snapshot);
    let recorded: BTreeMap<QueryId, &RecordedOutcome> =
        snapshot.plans.iter().map(|plan| (plan.queryid, &plan.outcome)).collect();
    let exec_ms_total = workload.exec_ms_total();
    if recorded.is_empty() && !workload.statements.is_empty() {
        workload.gaps.push(no_plans());
        return;
    }
    for statement in &mut workload.statements {
        let outcome = find(statement, &recorded).map_or_else(not_recorded, read);
        workload.gaps.extend(settle(statement, outcome, &catalog, exec_ms_total));
    }
    workload.sort();
}

/// What the statement cost on the server when the snapshot was taken, in planner units; `None` where it was not planned
/// there by the same text.
pub fn recorded_cost(snapshot: &Snapshot, statement: &Statement, planned: &Planned) -> Option<f64> {
    let queryids = std::iter::once(&statement.queryid).chain(&statement.queryids);
    let mut records = queryids.filter_map(|queryid| {
        // Sorted by queryid by whoever wrote the file; anything else only finds less.
        let at = snapshot.plans.binary_search_by_key(queryid, |plan| plan.queryid).ok()?;
        Some(&snapshot.plans[at].outcome)
    });
    match records.next()? {
        RecordedOutcome::Planned { text, form, plan, .. } if *text == planned.text && *form == planned.form => {
            plan::parse(plan).ok().map(|plan| plan.root.total_cost)
        }
        _ => None,
    }
}

/// The record of a statement: under its own queryid, else under one that was merged into it.
fn find<'r>(statement: &Statement, recorded: &BTreeMap<QueryId, &'r RecordedOutcome>) -> Option<&'r RecordedOutcome> {
    std::iter::once(&statement.queryid).chain(&statement.queryids).find_map(|queryid| recorded.get(queryid).copied())
}

/// A snapshot is a file that anybody can have written: its texts go to a planner only if they could have come from ours.
fn read(recorded: &RecordedOutcome) -> Outcome {
    match recorded {
        RecordedOutcome::Planned { text, form, by, is_rewritten_to_select, plan, variants } => {
            let is_plannable = |variant: &&Variant| sql::check_one_plannable(&variant.text).is_ok();
            let plan = sql::check_one_plannable(text)
                .and_then(|()| plan::parse(plan).map_err(|error| error.message().to_owned()));
            match plan {
                Ok(plan) => Outcome::Planned(Box::new(Planned {
                    text: text.clone(),
                    form: *form,
                    by: *by,
                    is_rewritten_to_select: *is_rewritten_to_select,
                    plan,
                    variants: variants.iter().filter(is_plannable).cloned().collect(),
                })),
                Err(reason) => refused(format!("the snapshot's plan of it cannot be used: {reason}")),
            }
        }
        RecordedOutcome::NothingToPlan => Outcome::NothingToPlan,
        RecordedOutcome::Refused { reason, contradicts_shape } => {
            Outcome::Refused(Refused { reason: reason.clone(), contradicts_shape: *contradicts_shape })
        }
    }
}

fn refused(reason: String) -> Outcome {
    Outcome::Refused(Refused { reason, contradicts_shape: false })
}

fn not_recorded() -> Outcome {
    refused("the snapshot holds no plan of it".to_owned())
}

fn no_plans() -> Gap {
    let reason =
        "it was taken without the statements' plans (--no-plans or --redact), or by a version that did not record them";
    Gap::new("snapshot", "plans", reason)
}
