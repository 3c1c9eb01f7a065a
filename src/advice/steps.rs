//! From the chosen candidates to steps with their evidence, and the totals. Chooses nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::snapshot::Catalog;
use crate::whatif::{Ask, CandidateId, Planner, Price};
use crate::workload::Workload;

use super::cautions;
use super::naming::Names;
use super::partitions;
use super::relation_costs;
use super::search::{Choice, Configuration, Item, Pricer, Seed};
use super::sensitivity;
use super::write_cost::WriteCosts;
use super::{Action, Advice, StatementGain, StatisticsStep, Step};

/// The share of its cost that a statement must gain to be listed under a step: a thousandth is rounding.
const GAIN_SHOWN_MIN: f64 = 0.001;

/// One step for each chosen candidate, the largest gain first. Those by which calls lose after all, because they make
/// common values worse, are taken out of `choice` again.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn settled(
    catalog: &Catalog<'_>,
    workload: &Workload,
    pricer: &mut Pricer<'_>,
    items: &[Item],
    choice: &mut Choice,
) -> Result<Vec<Step>> {
    loop {
        let steps = create_steps(catalog, workload, pricer, items, &choice.chosen)?;
        let is_loss = |id: &CandidateId| {
            let candidate = &items[id.0 as usize].candidate;
            let is_its = |step: &&Step| step.relation_oid == candidate.relation && step.index == candidate.definition;
            steps.iter().find(is_its).is_some_and(|step| sensitivity::is_loss(&step.statements))
        };
        let losses: Configuration = choice.chosen.iter().filter(|id| is_loss(id)).copied().collect();
        if losses.is_empty() {
            return Ok(steps);
        }
        choice.chosen = choice.chosen.difference(&losses).copied().collect();
        let reason = "it makes the most common values of its statements worse by more than the others gain";
        choice.refused.extend(losses.into_iter().map(|id| (id, reason.to_owned())));
    }
}

/// One step for each chosen candidate, the largest gain first.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
fn create_steps(
    catalog: &Catalog<'_>,
    workload: &Workload,
    pricer: &mut Pricer<'_>,
    items: &[Item],
    chosen: &Configuration,
) -> Result<Vec<Step>> {
    let write_costs = WriteCosts::new(catalog, workload);
    let mut names = Names::of(&workload.snapshot);
    let mut in_order: Vec<&CandidateId> = chosen.iter().collect();
    in_order.sort_by_key(|id| &items[id.0 as usize].name);
    let mut steps = Vec::new();
    for id in in_order {
        let item = &items[id.0 as usize];
        let Some(relation) = catalog.relation(item.candidate.relation) else { continue };
        let definition = item.candidate.definition.clone();
        let mut statements = gains(workload, pricer, chosen, *id)?;
        sensitivity::price_variants(workload, pricer, chosen, *id, &mut statements)?;
        let write = write_costs.of(relation, &definition);
        let id = names.choose(&relation.name, &definition);
        let partitions = partitions::to_create(catalog, relation, &definition, &mut names);
        let mut cautions = cautions::of_create(catalog, workload, relation, &definition, &statements, &write);
        cautions.extend(cautions::of_partitions(&partitions));
        cautions.extend(sensitivity::cautions(&statements));
        cautions.extend(cautions::of_backend(pricer.planner().backend()));
        let cost = |of: fn(&StatementGain) -> f64| statements.iter().map(|gain| of(gain) * gain.n_calls).sum();
        steps.push(Step {
            id,
            action: Action::CreateIndex,
            relation_oid: relation.oid,
            relation: relation.name.clone(),
            cautions,
            index: definition,
            taken_over_by: None,
            partitions,
            index_bytes: item.bytes,
            cost_before: cost(|gain| gain.cost_before),
            cost_after: cost(|gain| gain.cost_after),
            write_cost: write.units,
            breaks_hot: write.hot_loss.is_some(),
            writes: write,
            answers: Vec::new(),
            statements,
        });
    }
    let gain = |step: &Step| step.cost_before - step.cost_after;
    steps.sort_by(|a, b| {
        gain(b).total_cmp(&gain(a)).then_with(|| a.relation.cmp(&b.relation)).then_with(|| a.id.cmp(&b.id))
    });
    Ok(steps)
}

/// What each statement gains by `id` beside all others, the largest gain first.
fn gains(
    workload: &Workload,
    pricer: &mut Pricer<'_>,
    chosen: &Configuration,
    id: CandidateId,
) -> Result<Vec<StatementGain>> {
    let mut without = chosen.clone();
    without.remove(&id);
    let places = pricer.affected(&Configuration::from([id]));
    let before = pricer.costs(&places, &without)?;
    let after = pricer.costs(&places, chosen)?;
    let mut gains: Vec<StatementGain> = Vec::new();
    for place in places {
        let (cost_before, cost_after) = (before[&place], after[&place]);
        let is_used = pricer.price(place, chosen)?.is_some_and(|price| price.used.contains(&id));
        if !is_used || cost_before - cost_after < GAIN_SHOWN_MIN * cost_before {
            continue;
        }
        let position = pricer.statements[place].statement;
        gains.push(StatementGain::of(workload, position, cost_before, cost_after));
    }
    gains.sort_by(StatementGain::largest_first);
    Ok(gains)
}

/// What one execution of a statement costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    /// As it is.
    pub before: f64,
    /// With all steps.
    pub after: f64,
    /// With every candidate present at once.
    pub floor: f64,
}

/// The costs of the statements that some candidate can matter to, by position in the workload.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn priced(pricer: &mut Pricer<'_>, seed: &Seed, chosen: &Configuration) -> Result<BTreeMap<usize, Costs>> {
    let mut priced = BTreeMap::new();
    for place in 0..pricer.statements.len() {
        let before = pricer.cost(place, &Configuration::new())?;
        let after = pricer.cost(place, chosen)?;
        let floor = seed.floors.get(place).copied().unwrap_or(before).min(after);
        priced.insert(pricer.statements[place].statement, Costs { before, after, floor });
    }
    Ok(priced)
}

/// Adds the costs of the statements at these positions in the workload, whose plans depend on what the planner was told. The
/// plan of today, where it is another one, is what they cost before.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn price_told(
    priced: &mut BTreeMap<usize, Costs>,
    planner: &mut dyn Planner,
    concerned: &BTreeSet<usize>,
    statistics: &[StatisticsStep],
    chosen: &Configuration,
) -> Result<()> {
    // Those to which a candidate can matter are priced already.
    let missing: Vec<usize> = concerned.iter().copied().filter(|position| !priced.contains_key(position)).collect();
    let ask = |statement: &usize| Ask { statement: *statement, visible: chosen.clone(), hidden: BTreeSet::new() };
    let prices = planner.price(&missing.iter().map(ask).collect::<Vec<_>>())?;
    for (position, price) in missing.into_iter().zip(prices) {
        if let Ok(Price { total_cost: cost, .. }) = price {
            priced.insert(position, Costs { before: cost, after: cost, floor: cost });
        }
    }
    for gain in statistics.iter().flat_map(|step| &step.statements) {
        if let Some(costs) = priced.get_mut(&gain.statement) {
            costs.before = costs.before.max(gain.cost_before);
        }
    }
    Ok(())
}

/// Notes what statements cost once existing indexes are dropped as well.
pub fn note_drops(priced: &mut BTreeMap<usize, Costs>, workload: &Workload, after: &BTreeMap<usize, f64>) {
    for (position, after) in after {
        let now = workload.statements[*position].cost_before().unwrap_or(*after);
        let costs = priced.entry(*position).or_insert(Costs { before: now, after: now, floor: now.min(*after) });
        costs.after = *after;
        costs.floor = costs.floor.min(*after);
    }
}

/// Fills in the totals of the workload: costs × calls, and measured time scaled by the planner's gain. A statement
/// that is not in `priced` costs what its plan says, before and after.
pub fn total(advice: &mut Advice, catalog: &Catalog<'_>, workload: &Workload, priced: &BTreeMap<usize, Costs>) {
    let mut known = BTreeMap::new();
    for (position, statement) in workload.statements.iter().enumerate() {
        let unchanged = statement.cost_before().map(|cost| Costs { before: cost, after: cost, floor: cost });
        let Some(costs) = priced.get(&position).copied().or(unchanged) else {
            advice.statement_costs.push(None);
            continue;
        };
        known.insert(position, costs);
        advice.cost_before += costs.before * statement.n_calls;
        advice.cost_after += costs.after * statement.n_calls;
        advice.cost_floor += costs.floor * statement.n_calls;
        advice.statement_costs.push(Some((costs.before, costs.after)));
        if let Some(ms) = statement.exec_ms_total {
            let share = if costs.before > 0.0 { costs.after / costs.before } else { 1.0 };
            *advice.exec_ms_before.get_or_insert(0.0) += ms;
            *advice.exec_ms_after.get_or_insert(0.0) += ms * share;
        }
    }
    advice.relations = relation_costs::by_relation(catalog, workload, &known);
}
