//! Statistics objects instead of indexes: where rows were counted that the planner does not expect, and it chooses a better
//! plan once it is told. Finds no misestimate itself and chooses no index; takes out those that only the misestimate asked for.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::pg::{IndexTarget, StatisticsDefinition};
use crate::rules::Subject;
use crate::rules::rows_misestimated::{Counted, Misestimated, misestimated};
use crate::sql::{Comparison, Scan};
use crate::whatif::{Ask, CandidateId, HypotheticalStatistics, StatisticsPrice};
use crate::workload::Workload;

use super::AdviseOptions;
use super::search::{Choice, Configuration, Pricer, STATEMENT_GAIN_MIN, UNITS_GAIN_MIN};
use super::step::{StatementGain, StatisticsStep};

/// What became of the misestimates of a workload.
#[derive(Debug, Default)]
pub struct Decided {
    /// The objects to make, the largest gain first.
    pub steps: Vec<StatisticsStep>,
    /// The objects that would change no plan for the better.
    pub idle: Vec<StatisticsDefinition>,
}

/// Which statistics objects to make beside what is chosen, by prices. An index that no statement gains from any more once
/// the planner is told is taken out of `choice`.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn decide(
    subject: &Subject<'_>,
    options: &AdviseOptions,
    pricer: &mut Pricer<'_>,
    choice: &mut Choice,
) -> Result<Decided> {
    let mut decided = Decided::default();
    for found in misestimated(subject) {
        if !options.admits(&found.relation.name) {
            continue;
        }
        let concern = Concern::of(subject.workload, &found);
        for id in unneeded(pricer, &concern, &choice.chosen)? {
            choice.chosen.remove(&id);
            let reason =
                format!("its statements do not gain from it with the rows that there are: {}", found.in_words());
            choice.refused.insert(id, reason);
        }
        let Some(outcome) = concern.priced(pricer, &choice.chosen)? else { continue };
        match outcome {
            Outcome { gains, n_unknown: 0 } if gains.is_empty() => decided.idle.push(found.definition),
            Outcome { gains, .. } if gains.is_empty() => {}
            outcome => decided.steps.push(step(subject.workload, &found, outcome)),
        }
    }
    let gain = |step: &StatisticsStep| step.cost_before - step.cost_after;
    decided.steps.sort_by(|a, b| gain(b).total_cmp(&gain(a)).then_with(|| a.definition.cmp(&b.definition)));
    Ok(decided)
}

/// A misestimate, and the statements whose plans it can spoil.
struct Concern {
    object: HypotheticalStatistics,
    /// Their positions in the workload, ascending.
    statements: Vec<usize>,
}

/// What a statistics object does to plans.
struct Outcome {
    /// Statements that gain: position, today's plan at the right numbers of rows, the plan that is chosen then.
    gains: Vec<(usize, f64, f64)>,
    /// Statements that get another plan of which nobody can tell whether it is the better one.
    n_unknown: usize,
}

impl Concern {
    fn of(workload: &Workload, found: &Misestimated<'_>) -> Self {
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
        Self { object, statements }
    }

    /// The prices with `visible`, by statement; `None` where the object cannot be priced.
    fn prices(
        &self,
        pricer: &mut Pricer<'_>,
        visible: &Configuration,
    ) -> Result<Option<Vec<std::result::Result<StatisticsPrice, String>>>> {
        let ask = |statement: &usize| Ask { statement: *statement, visible: visible.clone(), hidden: BTreeSet::new() };
        let asks: Vec<Ask> = self.statements.iter().map(ask).collect();
        Ok(pricer.planner().price_statistics(&self.object, &asks)?.ok())
    }

    fn priced(&self, pricer: &mut Pricer<'_>, visible: &Configuration) -> Result<Option<Outcome>> {
        let Some(prices) = self.prices(pricer, visible)? else { return Ok(None) };
        let mut outcome = Outcome { gains: Vec::new(), n_unknown: 0 };
        for (position, price) in self.statements.iter().zip(prices) {
            match price {
                Ok(StatisticsPrice { cost_of_todays_plan: Some(today), cost }) if is_gain(today, cost) => {
                    outcome.gains.push((*position, today, cost));
                }
                Ok(StatisticsPrice { cost_of_todays_plan: Some(_), .. }) => {}
                Ok(StatisticsPrice { cost_of_todays_plan: None, .. }) | Err(_) => outcome.n_unknown += 1,
            }
        }
        Ok(Some(outcome))
    }
}

/// Whether the statement's users would notice.
fn is_gain(before: f64, after: f64) -> bool {
    before - after >= UNITS_GAIN_MIN && before - after >= STATEMENT_GAIN_MIN * before
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

/// The members of `chosen` that gain nothing once the planner is told. Only those all of whose statements are concerned are
/// asked about.
fn unneeded(pricer: &mut Pricer<'_>, concern: &Concern, chosen: &Configuration) -> Result<Configuration> {
    let mut kept = chosen.clone();
    let mut unneeded = Configuration::new();
    for id in chosen {
        let mut without = kept.clone();
        without.remove(id);
        if !serves_only(pricer, concern, *id, &kept, &without)? {
            continue;
        }
        let (Some(with), Some(less)) = (concern.prices(pricer, &kept)?, concern.prices(pricer, &without)?) else {
            return Ok(Configuration::new());
        };
        let is_needed = with.iter().zip(&less).any(|(with, without)| match (with, without) {
            (Ok(with), Ok(without)) => is_gain(without.cost, with.cost),
            _ => true,
        });
        if !is_needed {
            kept = without;
            unneeded.insert(*id);
        }
    }
    Ok(unneeded)
}

/// Whether every statement that gains by `id` is concerned, and one does.
fn serves_only(
    pricer: &mut Pricer<'_>,
    concern: &Concern,
    id: CandidateId,
    with: &Configuration,
    without: &Configuration,
) -> Result<bool> {
    let places = pricer.affected(&Configuration::from([id]));
    let changes = pricer.changes(&Configuration::from([id]), without, with)?;
    let mut gaining = places
        .iter()
        .zip(&changes)
        .filter(|(_, change)| is_gain(change.before, change.after))
        .map(|(place, _)| pricer.statements[*place].statement)
        .peekable();
    Ok(gaining.peek().is_some() && gaining.all(|statement| concern.statements.contains(&statement)))
}

fn step(workload: &Workload, found: &Misestimated<'_>, outcome: Outcome) -> StatisticsStep {
    let mut statements: Vec<StatementGain> = outcome
        .gains
        .iter()
        .map(|(position, cost_before, cost_after)| {
            let statement = &workload.statements[*position];
            StatementGain {
                statement: *position,
                queryid: statement.queryid,
                n_calls: statement.n_calls,
                exec_ms_total: statement.exec_ms_total,
                cost_before: *cost_before,
                cost_after: *cost_after,
                variants: Vec::new(),
            }
        })
        .collect();
    let gain = |gain: &StatementGain| (gain.cost_before - gain.cost_after) * gain.n_calls;
    statements.sort_by(|a, b| gain(b).total_cmp(&gain(a)).then(a.statement.cmp(&b.statement)));
    let total = |of: fn(&StatementGain) -> f64| statements.iter().map(|gain| of(gain) * gain.n_calls).sum();
    StatisticsStep {
        definition: found.definition.clone(),
        relation_oid: found.relation.oid,
        cost_before: total(|gain| gain.cost_before),
        cost_after: total(|gain| gain.cost_after),
        evidence: found.in_words(),
        cautions: cautions(outcome.n_unknown),
        statements,
    }
}

fn cautions(n_unknown: usize) -> Vec<String> {
    match n_unknown {
        0 => Vec::new(),
        1 => vec![
            "one more statement gets another plan, and the planner cannot be asked what today's would cost".to_owned(),
        ],
        n => vec![format!(
            "{n} more statements get other plans, and the planner cannot be asked what today's would cost"
        )],
    }
}
