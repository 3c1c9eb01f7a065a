//! Every statement has an answer: which step serves it, which index already does, what it is if not an index problem, why
//! nothing helps, or that it is not known. Reads what the analysis found; asks no planner and proposes nothing.

mod answer;
mod conversion;
mod obstacle;
mod reading;
mod remainder;
mod spent;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Cause, StatementAnswer};

use crate::pg::number::{change, number};
use crate::pg::text::in_words;
use crate::plan::Node;
use crate::rules::Finding;
use crate::snapshot::Catalog;
use crate::sql::StatementKind;
use crate::workload::{Planned, Statement, Workload};

use super::{Action, Advice, StatisticsStep};
use reading::{Found, Reading};
use spent::Spent;

/// Planner units that looking up one row takes by the default settings, and a little: what costs no more has nothing
/// that an index could save.
const CHEAP_COST_MAX: f64 = 10.0;

/// The share of a plan's cost that must go into something to be what the statement costs.
const MOST: f64 = 0.5;

/// One answer for each statement of `workload`, in its order. `findings` are those of the rules over it; `is_priced`
/// says whether anything could price hypothetical indexes.
pub fn answer_statements(
    workload: &Workload,
    advice: &Advice,
    findings: &[Finding],
    is_priced: bool,
) -> Vec<StatementAnswer> {
    let catalog = Catalog::new(&workload.snapshot);
    let weights = workload.weights();
    let grounds = Grounds { catalog: &catalog, workload, advice, is_priced };
    let positions = workload.statements.iter().enumerate();
    positions
        .map(|(position, statement)| {
            let about: Vec<&Finding> = findings.iter().filter(|finding| is_about(finding, statement)).collect();
            let weight = weights.get(position).copied().unwrap_or_default();
            let because = grounds.because(position, statement, weight, &about);
            let mut rules: Vec<String> = about.iter().map(|finding| finding.rule.clone()).collect();
            rules.sort();
            rules.dedup();
            StatementAnswer {
                statement: position,
                answer: because.answer,
                cause: because.cause,
                reason: because.reason,
                advice: because.advice,
                indexes: because.indexes,
                findings: rules,
            }
        })
        .collect()
}

fn is_about(finding: &Finding, statement: &Statement) -> bool {
    finding.queryids.iter().any(|id| *id == statement.queryid || statement.queryids.contains(id))
}

/// An answer without the statement.
struct Because {
    answer: Answer,
    cause: Option<Cause>,
    reason: String,
    advice: Vec<String>,
    indexes: Vec<String>,
}

impl Because {
    fn of(cause: Cause, reason: impl Into<String>) -> Self {
        let (advice, indexes) = (Vec::new(), Vec::new());
        Self { answer: cause.answer(), cause: Some(cause), reason: reason.into(), advice, indexes }
    }

    fn with_indexes(self, indexes: Vec<String>) -> Self {
        Self { indexes, ..self }
    }
}

/// What answers are drawn from.
struct Grounds<'a> {
    catalog: &'a Catalog<'a>,
    workload: &'a Workload,
    advice: &'a Advice,
    is_priced: bool,
}

impl<'a> Grounds<'a> {
    fn because(&self, position: usize, statement: &'a Statement, weight: f64, findings: &[&Finding]) -> Because {
        if let Some(served) = self.served(position).or_else(|| self.told(position)) {
            return served;
        }
        let Some(planned) = &statement.planned else { return self.unplanned(statement) };
        if planned.plan.scans().is_empty() {
            return reads_nothing(statement, &planned.plan.root);
        }
        let spent = Spent::of(&planned.plan);
        if let Some(because) = remainder::skips_rows(statement, &spent) {
            return because;
        }
        let because = self.by_cost(position, statement, planned, spent, findings);
        let because = self.with_drops(because, statement);
        if weight <= 0.0 && because.answer == Answer::NothingHelps {
            return Because::of(Cause::Cheap, "it takes no measurable time");
        }
        because
    }

    /// The same, with a word on those of its indexes that are to be dropped.
    fn with_drops(&self, because: Because, statement: &Statement) -> Because {
        let reads = |step: &super::Step| {
            let shape = statement.shape.as_ref();
            shape.is_none_or(|shape| shape.scans.iter().any(|scan| scan.relation == step.relation_oid))
        };
        let is_dropped = |name: &&String| {
            let mut steps = self.advice.steps.iter();
            steps.any(|step| step.action == Action::DropIndex && step.id == **name && reads(step))
        };
        let dropped: Vec<String> = because.indexes.iter().filter(is_dropped).cloned().collect();
        if dropped.is_empty() {
            return because;
        }
        let reason = format!("{}; advice proposes to drop {}", because.reason, in_words(&dropped));
        Because { reason, ..because }
    }

    fn served(&self, position: usize) -> Option<Because> {
        let serves = |step: &&super::Step| {
            step.action == Action::CreateIndex && step.statements.iter().any(|gain| gain.statement == position)
        };
        let gain = |step: &super::Step| {
            let gains = step.statements.iter().filter(|gain| gain.statement == position);
            gains.map(|gain| gain.cost_before - gain.cost_after).fold(0.0, f64::max)
        };
        let mut steps: Vec<&super::Step> = self.advice.steps.iter().filter(serves).collect();
        steps.sort_by(|a, b| gain(b).total_cmp(&gain(a)).then_with(|| a.id.cmp(&b.id)));
        if steps.is_empty() {
            return None;
        }
        let advice: Vec<String> = steps.iter().map(|step| self.advice.name_of(step)).collect();
        let costs = self.advice.statement_costs.get(position).copied().flatten();
        let cost = costs.map_or_else(String::new, |(before, after)| {
            format!(": cost {} -> {} ({})", number(before), number(after), change(before, after))
        });
        let verb = if advice.len() == 1 { "serves" } else { "serve" };
        let reason = format!("{} {verb} it{cost}", in_words(&advice));
        Some(Because { answer: Answer::Served, cause: None, reason, advice, indexes: Vec::new() })
    }

    /// The answer to a statement whose plan a statistics object mends.
    fn told(&self, position: usize) -> Option<Because> {
        let gain_by = |step: &'a StatisticsStep| {
            let gain = step.statements.iter().find(|gain| gain.statement == position)?;
            Some((step, gain))
        };
        let (step, gain) = self.advice.statistics.iter().find_map(gain_by)?;
        let id = step.definition.name.clone();
        let (before, after) = (gain.cost_before, gain.cost_after);
        let reason = format!(
            "{id} tells the planner how many rows there are: today's plan costs {} then, the one that it chooses {} ({})",
            number(before),
            number(after),
            change(before, after)
        );
        Some(Because { answer: Answer::Served, cause: None, reason, advice: vec![id], indexes: Vec::new() })
    }

    /// What is known of a statement without a plan.
    fn unplanned(&self, statement: &Statement) -> Because {
        let place = statement.place();
        let gap = self.workload.gaps.iter().find(|gap| gap.what == "statement" && gap.id == place);
        let scans = statement.shape.as_ref().map(|shape| (shape.kind, shape.scans.as_slice()));
        match (scans, gap) {
            (Some((kind, [])), _) if kind != StatementKind::Insert => {
                Because::of(Cause::ReadsNoRelation, "it reads no stored relation")
            }
            (Some((StatementKind::Insert, scans)), None) if scans.iter().all(|scan| scan.is_target) => {
                Because::of(Cause::InsertsRows, "it inserts rows that it spells out and searches for none")
            }
            (_, Some(gap)) => Because::of(Cause::NotPlanned, gap.reason.clone()),
            (_, None) => Because::of(Cause::NotPlanned, "there is no plan of it"),
        }
    }

    /// The answer by what most of the plan's cost is spent on.
    fn by_cost(
        &self,
        position: usize,
        statement: &'a Statement,
        planned: &'a Planned,
        spent: Spent<'a>,
        findings: &[&Finding],
    ) -> Because {
        let n_processes = planned.plan.n_processes();
        let Spent { total, scans, sorting, grouping, joining, other, .. } = spent;
        let mut readings: Vec<Reading<'_>> = scans
            .into_iter()
            .filter_map(|scan| reading::read(self.catalog, statement, scan, n_processes, findings))
            .collect();
        readings.sort_by(|a, b| b.cost.total_cmp(&a.cost));
        let spent_on = |wanted: &[Found]| -> f64 {
            readings.iter().filter(|reading| wanted.contains(&reading.found)).map(|reading| reading.cost).sum()
        };
        let by_index = spent_on(&[Found::ByIndex, Found::InOrder]);
        let by_little = spent_on(&[Found::Small, Found::Few]);
        let by_much = spent_on(&[Found::Much, Found::Searching]);
        let all = by_index + by_little + by_much + sorting + grouping + joining + other;
        if by_index > 0.0 && by_index + by_little >= MOST * all && by_index >= by_little {
            return remainder::unless_measured_otherwise(statement, total, self.advice.calibration, &readings);
        }
        if by_little > 0.0 && by_index + by_little >= MOST * all {
            return remainder::little(&readings);
        }
        let costliest = readings
            .iter()
            .find(|reading| matches!(reading.found, Found::Much | Found::Searching))
            .filter(|reading| self.of_relation(&readings, reading) >= sorting.max(grouping).max(joining).max(other));
        match costliest {
            Some(reading) if reading.found == Found::Searching => {
                obstacle::because(self.advice, self.is_priced, position, reading)
            }
            _ if total <= CHEAP_COST_MAX => {
                Because::of(Cause::Cheap, format!("it costs {}, about what looking up one row costs", number(total)))
            }
            Some(reading) => remainder::much(self, position, statement, &planned.plan.root, reading),
            None => remainder::heaviest(
                self,
                position,
                statement,
                &readings,
                &[sorting, grouping, joining, other],
                &planned.plan,
            ),
        }
    }

    /// What reading the same relation in the same way costs in all: its partitions together.
    fn of_relation(&self, readings: &[Reading<'_>], one: &Reading<'_>) -> f64 {
        let is_same = |other: &&Reading<'_>| other.relation.oid == one.relation.oid && other.found == one.found;
        readings.iter().filter(is_same).map(|reading| reading.cost).sum()
    }
}

fn reads_nothing(statement: &Statement, root: &Node) -> Because {
    let kind = statement.shape.as_ref().map(|shape| shape.kind);
    if kind == Some(StatementKind::Insert) || root.operation.as_deref() == Some("Insert") {
        return Because::of(Cause::InsertsRows, "it inserts rows and searches for none");
    }
    Because::of(Cause::ReadsNoRelation, "it reads no stored relation")
}
