//! Statistics objects instead of indexes: where rows were counted that the planner does not expect, and it chooses a better
//! plan once it is told. Finds no misestimate itself and chooses no index; but the planner is told before indexes are
//! priced, so that none is chosen that only the misestimate asks for.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::pg::{IndexTarget, StatisticsDefinition, StatisticsKind};
use crate::rules::Subject;
use crate::rules::rows_misestimated::{Counted, Misestimated, misestimated};
use crate::sql::{Comparison, Scan};
use crate::whatif::{Ask, HypotheticalStatistics, Planner, StatisticsPrice};
use crate::workload::Workload;

use super::AdviseOptions;
use super::search::{Configuration, is_noticeable};
use super::step::{StatementGain, StatisticsStep};

/// A misestimate of which the planner was told, and the statements whose plans it can spoil.
pub struct Told<'w> {
    found: Misestimated<'w>,
    object: HypotheticalStatistics,
    /// Their positions in the workload, ascending.
    pub statements: Vec<usize>,
}

/// What the planner could not be told, and why.
pub type Untold = (StatisticsDefinition, String);

/// Tells the planner what the counted rows call for, so that all prices after that are of the rows that there are. Left out
/// is an object that changes plans of which nobody can tell what today's would cost then, and gains nothing else. What the
/// planner could not be told comes second, with the reason.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn tell<'w>(
    subject: &Subject<'w>,
    options: &AdviseOptions,
    planner: &mut dyn Planner,
) -> Result<(Vec<Told<'w>>, Vec<Untold>)> {
    let (mut told, mut untold) = (Vec::new(), Vec::new());
    for found in misestimated(subject).into_iter().filter(|found| options.admits(&found.relation.name)) {
        let one = Told::of(subject.workload, found);
        if let Err(reason) = planner.tell(&one.object)? {
            untold.push((one.object.definition, reason));
            continue;
        }
        let outcome = one.outcome(planner, &Configuration::new())?;
        if outcome.gains.is_empty() && outcome.n_unknown > 0 {
            planner.forget(&one.object)?;
        } else {
            told.push(one);
        }
    }
    Ok((told, untold))
}

/// What becomes of what the planner was told, beside the indexes that are `chosen`: the objects to make, the largest gain
/// first, and those that change no plan for the better.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn decide(
    workload: &Workload,
    planner: &mut dyn Planner,
    told: &[Told<'_>],
    chosen: &Configuration,
) -> Result<(Vec<StatisticsStep>, Vec<StatisticsDefinition>)> {
    let (mut steps, mut idle) = (Vec::new(), Vec::new());
    for one in told {
        match one.outcome(planner, chosen)? {
            Outcome { gains, n_unknown: 0 } if gains.is_empty() => idle.push(one.found.definition.clone()),
            Outcome { gains, .. } if gains.is_empty() => {}
            outcome => steps.push(step(workload, &one.found, outcome)),
        }
    }
    let gain = |step: &StatisticsStep| step.cost_before - step.cost_after;
    steps.sort_by(|a, b| gain(b).total_cmp(&gain(a)).then_with(|| a.definition.cmp(&b.definition)));
    Ok((steps, idle))
}

/// Takes away again what the planner was told.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn forget(planner: &mut dyn Planner, told: &[Told<'_>]) -> Result<()> {
    told.iter().try_for_each(|one| planner.forget(&one.object))
}

/// What a statistics object does to plans.
struct Outcome {
    /// Statements that gain: position, today's plan at the right numbers of rows, the plan that is chosen then.
    gains: Vec<(usize, f64, f64)>,
    /// Statements that get another plan of which nobody can tell whether it is the better one.
    n_unknown: usize,
}

impl<'w> Told<'w> {
    fn of(workload: &Workload, found: Misestimated<'w>) -> Self {
        let mut object = HypotheticalStatistics {
            relation: found.relation.oid,
            definition: found.definition.clone(),
            found: None,
            n_groups: None,
        };
        // The heaviest statement comes first, and speaks for the others.
        for misestimate in found.shown_by.iter().rev() {
            match misestimate.counted {
                Counted::Found { .. } => object.found = Some((misestimate.position, misestimate.n_counted)),
                Counted::Groups => object.n_groups = Some(misestimate.n_counted),
            }
        }
        let is_concerned = |position: &usize| {
            let statement = &workload.statements[*position];
            let scans = statement.shape.as_ref().map_or(&[][..], |shape| &shape.scans);
            statement.planned.is_some() && scans.iter().any(|scan| depends(scan, &object))
        };
        let statements = (0..workload.statements.len()).filter(is_concerned).collect();
        Self { found, object, statements }
    }

    fn outcome(&self, planner: &mut dyn Planner, visible: &Configuration) -> Result<Outcome> {
        let ask = |statement: &usize| Ask { statement: *statement, visible: visible.clone(), hidden: BTreeSet::new() };
        let asks: Vec<Ask> = self.statements.iter().map(ask).collect();
        let prices = planner.price_statistics(&self.object, &asks)?;
        let mut outcome = Outcome { gains: Vec::new(), n_unknown: 0 };
        for (position, price) in self.statements.iter().zip(prices) {
            match price {
                Ok(StatisticsPrice { cost_of_todays_plan: Some(today), cost }) if is_noticeable(today, cost) => {
                    outcome.gains.push((*position, today, cost));
                }
                Ok(StatisticsPrice { cost_of_todays_plan: Some(_), .. }) => {}
                Ok(StatisticsPrice { cost_of_todays_plan: None, .. }) | Err(_) => outcome.n_unknown += 1,
            }
        }
        Ok(outcome)
    }
}

/// Whether the planner's rows for this scan depend on what the object tells.
fn depends(scan: &Scan, object: &HypotheticalStatistics) -> bool {
    if scan.relation != object.relation {
        return false;
    }
    let is_compared = |column: &String| {
        scan.quals
            .iter()
            .any(|qual| qual.comparison == Comparison::Equal && qual.target.column() == Some(column.as_str()))
    };
    let columns = &object.definition.columns;
    let grouped: BTreeSet<Option<&str>> = scan.group.iter().map(IndexTarget::column).collect();
    let wanted: BTreeSet<Option<&str>> = columns.iter().map(|column| Some(column.as_str())).collect();
    (object.found.is_some() && columns.iter().all(is_compared)) || (object.n_groups.is_some() && grouped == wanted)
}

fn step(workload: &Workload, found: &Misestimated<'_>, outcome: Outcome) -> StatisticsStep {
    let mut statements: Vec<StatementGain> = outcome
        .gains
        .iter()
        .map(|(position, before, after)| StatementGain::of(workload, *position, *before, *after))
        .collect();
    statements.sort_by(StatementGain::largest_first);
    let total = |of: fn(&StatementGain) -> f64| statements.iter().map(|gain| of(gain) * gain.n_calls).sum();
    StatisticsStep {
        definition: found.definition.clone(),
        relation_oid: found.relation.oid,
        cost_before: total(|gain| gain.cost_before),
        cost_after: total(|gain| gain.cost_after),
        evidence: found.in_words(),
        cautions: cautions(&found.definition, outcome.n_unknown),
        statements,
    }
}

fn cautions(definition: &StatisticsDefinition, n_unknown: usize) -> Vec<String> {
    let mut cautions = Vec::new();
    if definition.kinds.contains(&StatisticsKind::Dependencies) && !definition.kinds.contains(&StatisticsKind::Mcv) {
        cautions.push(format!(
            "it helps if ANALYZE finds that one of {} decides the others, which the counted rows suggest: if plans stay as \
             they are, drop it again",
            definition.columns.join(", ")
        ));
    }
    match n_unknown {
        0 => {}
        1 => cautions.push(
            "one more statement gets another plan, and the planner cannot be asked what today's would cost".to_owned(),
        ),
        n => cautions.push(format!(
            "{n} more statements get other plans, and the planner cannot be asked what today's would cost"
        )),
    }
    cautions
}
