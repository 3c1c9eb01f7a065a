//! What to build or drop, and why: candidates from shapes, the search for the best set, the evidence for each step. No I/O but through `Planner`.

mod answers;
mod candidates;
mod cautions;
mod drops;
mod groups;
mod link;
mod naming;
mod options;
mod partitions;
mod relation_costs;
mod scope;
mod search;
mod sensitivity;
mod statistics;
pub mod step;
mod steps;
#[cfg(test)]
mod test_catalog;
mod write_cost;

pub use answers::{Answer, Cause, StatementAnswer, answer_statements};
pub use groups::{groups, schemas_without};
pub use link::{MISESTIMATE, answers, forget_misestimates, tells};
pub use options::{AdviseOptions, OnProgress, Phase, Progress, calls_max};
pub use partitions::PartitionIndex;
pub use relation_costs::RelationCosts;
pub use sensitivity::can_price_variants;
pub use step::{Action, Advice, Declined, StatementGain, StatisticsStep, Step, VariantGain};
pub use write_cost::{Calibration, HotLoss, Maintenance, WriteCost, WriteCosts, WriteSource};

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::pg::{Bytes, IndexDefinition, Oid};
use crate::rules::{Finding, Subject, Thresholds};
use crate::snapshot::overlap::{self, NewIndex};
use crate::snapshot::{Catalog, Relation};
use crate::whatif::{CandidateId, Hypothetical, Planner, size};
use crate::workload::{Statement, Workload};

use candidates::{Candidate, Candidates};
use search::{Configuration, Item, Leading, Limits, Pricer, Seed, Weighed};

/// Merged candidates at most: each costs a question for every statement that it can matter to.
const MERGED_MAX: usize = 64;

/// Chooses what to build and drop for `workload`. `weights` says what one unit of each statement's planner cost counts
/// in the choice, by position; `findings` are those of the rules over the same workload. The same input gives the same
/// advice.
///
/// # Errors
/// When the planner's backend is lost, when `progress` says so, or when `weights` does not fit the workload.
pub fn advise(
    workload: &Workload,
    weights: &[f64],
    findings: &[Finding],
    planner: &mut dyn Planner,
    options: &AdviseOptions,
    progress: OnProgress<'_>,
) -> Result<Advice> {
    if weights.len() != workload.statements.len() {
        return Err(Error::internal(format!(
            "{} weights were given for {} statements",
            weights.len(),
            workload.statements.len()
        )));
    }
    let catalog = Catalog::new(&workload.snapshot);
    let (told, untold_statistics) = statistics::tell(&Subject::new(workload, Thresholds::default()), options, planner)?;
    let counted: Vec<usize> = (0..workload.statements.len())
        .filter(|position| weights[*position] > 0.0 && workload.statements[*position].planned.is_some())
        .collect();
    let asking: Vec<usize> = counted
        .iter()
        .copied()
        .filter(|position| !returns_much_of_its_relation(&catalog, &workload.statements[*position]))
        .collect();
    let Candidates { list, sets, alternatives, mut declined } =
        candidates::generate(&catalog, workload, &asking, options);
    let write_costs = WriteCosts::new(&catalog, workload);
    let counted_writes = (!options.ignores_writes).then_some(&write_costs);
    let declarer = Declarer { catalog: &catalog, write_costs: counted_writes };
    let mut items = declarer.declare(planner, list, &mut declined)?;

    let weighed = weigh(workload, weights, &counted, &items, options.budget.is_some());
    let mut pricer = Pricer::new(planner, progress, weighed);
    pricer.enter(Phase::Pricing, items.len());
    forget_unplannable(&mut pricer)?;
    let workload_cost = pricer.total(&Configuration::new())?;
    let n_statements = pricer.statements.len();
    let n_calls_max = options.n_calls_max.unwrap_or_else(|| options::calls_max(n_statements));
    pricer.n_calls_max = Some(n_calls_max);
    let budget = options.budget;
    let limits = Limits { items: &items, budget, workload_cost, n_statements, n_calls_max };
    let seed = search::seed(&mut pricer, &limits)?;
    let mut pool = seed.pool.clone();
    pool.extend(sets.iter().flatten().chain(&alternatives).map(|position| CandidateId(*position as u32)));
    add_merged(&declarer, &mut pricer, &mut items, &mut pool, &mut declined)?;
    if options.budget.is_some() {
        add_prefixes(&items, &mut pool);
    }
    let limits = Limits { items: &items, budget, workload_cost, n_statements, n_calls_max };
    let can_be_chosen = |id: &CandidateId| items[id.0 as usize].is_buildable && limits.fits_alone(*id);
    pool.retain(|id| can_be_chosen(id) && !seed.extensions.contains(id));

    let mut choice = search::search(&mut pricer, &pool, &limits)?;
    let mut advice = Advice { budget: options.budget, untold_statistics, ..Advice::default() };
    advice.steps = steps::settled(&catalog, workload, &mut pricer, &items, &mut choice)?;
    (advice.statistics, advice.idle_statistics) =
        statistics::decide(workload, pricer.planner(), &told, &choice.chosen)?;
    declined.extend(decline(&catalog, &limits, &seed, &choice));
    advice.calibration = Calibration::of(workload);
    let mut priced = steps::priced(&mut pricer, &seed, &choice.chosen)?;
    let concerned = told.iter().flat_map(|told| told.statements.iter().copied()).collect();
    steps::price_told(&mut priced, pricer.planner(), &concerned, &advice.statistics, &choice.chosen)?;
    let used = drops::used_existing(&catalog, workload, &mut pricer, &choice.chosen)?;
    let planned: BTreeSet<Oid> = used.values().flatten().copied().collect();
    let mut decided = drops::decide(&catalog, workload, options, &advice.steps, &planned);
    let given = drops::Given { workload, chosen: &choice.chosen, used: &used };
    let proven = drops::prove(&mut decided, given, planner, progress)?;
    statistics::forget(planner, &told)?;
    steps::note_drops(&mut priced, workload, &proven);
    steps::total(&mut advice, &catalog, workload, &priced);
    declined.extend(conclude(&mut advice, workload, findings, decided));
    name_successors(&mut declined, &advice.steps);
    advice.n_whatif_calls = planner.n_calls();
    advice.declined = each_once(declined);
    Ok(advice)
}

/// The share of a relation's rows that one call returns from which its sequential scan is right. An index wins below
/// 40 to 54 % on uncorrelated columns, by little from a third on.
const RETURNED_SHARE_MAX: f64 = 0.3;

/// Whether the calls of a plain statement over one relation return so many of its rows, as counted, that no index can
/// help, whatever the values that stand for its parameters seem to find.
fn returns_much_of_its_relation(catalog: &Catalog<'_>, statement: &Statement) -> bool {
    let scans = statement.shape.as_ref().map_or(&[][..], |shape| &shape.scans);
    let (Some(n_rows), [scan]) = (statement.n_rows, scans) else { return false };
    let is_plain = scan.limit.is_none() && !scan.is_target && statement.n_calls > 0.0;
    let relation = catalog.relation(scan.relation).map(|relation| scope::Extent::of(catalog, relation));
    let n_stored = relation.and_then(|extent| extent.n_rows).unwrap_or(f64::INFINITY);
    is_plain && n_rows / statement.n_calls >= RETURNED_SHARE_MAX * n_stored
}

/// What can be said where nothing prices hypothetical indexes: which existing ones to drop. No index is proposed
/// without a plan that uses it.
pub fn without_prices(workload: &Workload, findings: &[Finding], options: &AdviseOptions) -> Advice {
    let catalog = Catalog::new(&workload.snapshot);
    let mut advice = Advice { budget: options.budget, ..Advice::default() };
    let planned: BTreeSet<Oid> = drops::planned_indexes(&catalog, workload).into_values().flatten().collect();
    let mut decided = drops::decide(&catalog, workload, options, &[], &planned);
    decided.note("not proved that no statement becomes worse without it: nothing could be asked what it would cost");
    steps::total(&mut advice, &catalog, workload, &BTreeMap::new());
    advice.declined = each_once(conclude(&mut advice, workload, findings, decided));
    advice
}

/// Adds the drops, and to every step the findings that it answers. Returns what is declined of the drops.
fn conclude(
    advice: &mut Advice,
    workload: &Workload,
    findings: &[Finding],
    decided: drops::Decided<'_>,
) -> Vec<Declined> {
    let (drops, declined) = decided.steps(workload);
    advice.steps.extend(drops);
    advice.steps = groups::brought_together(std::mem::take(&mut advice.steps));
    for step in &mut advice.steps {
        step.answers = link::answered_rules(workload, step, findings);
    }
    declined
}

/// Where the index that serves a candidate already is dropped, names the one that takes over.
fn name_successors(declined: &mut [Declined], steps: &[Step]) {
    for step in steps {
        let Some(successor) = &step.taken_over_by else { continue };
        let reason = candidates::served_by(&step.id);
        for one in declined.iter_mut().filter(|one| one.relation == step.relation && one.reason == reason) {
            one.reason = candidates::served_by(successor);
        }
    }
}

/// Makes candidates known to the backend, with what they cost.
struct Declarer<'d> {
    catalog: &'d Catalog<'d>,
    /// `None` where writing counts nothing.
    write_costs: Option<&'d WriteCosts<'d>>,
}

impl Declarer<'_> {
    /// Declares `list`; those that can never be built are declined.
    fn declare(
        &self,
        planner: &mut dyn Planner,
        list: Vec<Candidate>,
        declined: &mut Vec<Declined>,
    ) -> Result<Vec<Item>> {
        let hypotheticals: Vec<Hypothetical> =
            list.iter().map(|candidate| hypothetical(self.catalog, candidate)).collect();
        let answers = planner.declare(&hypotheticals)?;
        if answers.len() != list.len() {
            return Err(Error::internal("the what-if backend did not answer for every candidate"));
        }
        let items = list.into_iter().zip(answers).map(|(candidate, answer)| {
            let relation = self.catalog.relation(candidate.relation);
            let name = relation
                .map_or_else(String::new, |relation| format!("{} {}", relation.name, candidate.definition.body()));
            if let (Err(reason), Some(relation)) = (&answer, relation) {
                let reason = format!("it cannot be built: {reason}");
                let index = candidate.definition.clone();
                let statements = candidate.asked_by.clone();
                declined.push(Declined { relation: relation.name.clone(), index, reason, statements });
            }
            let is_buildable = answer.is_ok();
            let bytes = answer.unwrap_or_default();
            let extends = extended_indexes(self.catalog, &candidate);
            let write = relation.map(|relation| self.write_cost(relation, &candidate.definition, bytes));
            let (write_cost, hot_loss) = write.unwrap_or_default();
            let leading = Leading::of(self.catalog, &candidate);
            Item { candidate, bytes, write_cost, hot_loss, name, is_buildable, extends, leading }
        });
        Ok(items.collect())
    }

    /// What maintaining an index costs beyond what goes with the existing ones that it makes superfluous, as the search
    /// weighs it, and the HOT updates that it ends. Nothing is earned by that alone.
    fn write_cost(&self, relation: &Relation, definition: &IndexDefinition, bytes: Bytes) -> (f64, Option<String>) {
        let Some(write_costs) = self.write_costs else { return (0.0, None) };
        let maintenance = write_costs.maintenance(relation, definition, Some(bytes));
        let new = NewIndex { name: String::new(), definition: definition.clone(), bytes };
        let replaced = overlap::replaced_by(self.catalog, relation, &new);
        let cost = write_costs.of_set(relation.oid, &[&maintenance], &replaced);
        (write_costs.in_objective(&cost).max(0.0), cost.hot_loss.as_ref().map(cautions::hot_loss))
    }
}

/// The existing indexes by which the statements of a candidate with INCLUDE columns may find their rows already.
fn extended_indexes(catalog: &Catalog<'_>, candidate: &Candidate) -> BTreeSet<Oid> {
    let relation = catalog.relation(candidate.relation).filter(|_| !candidate.definition.included_columns.is_empty());
    let indexes = relation.into_iter().flat_map(|relation| &relation.indexes);
    indexes.filter(|index| index.is_usable()).map(|index| index.oid).collect()
}

fn hypothetical(catalog: &Catalog<'_>, candidate: &Candidate) -> Hypothetical {
    let estimated = catalog
        .relation(candidate.relation)
        .and_then(|relation| size::estimate(catalog, relation, &candidate.definition).ok());
    Hypothetical {
        relation: candidate.relation,
        definition: candidate.definition.clone(),
        estimated_bytes: estimated.map_or(Bytes(0), size::IndexSize::bytes),
    }
}

/// The statements that some candidate can matter to.
fn weigh(workload: &Workload, weights: &[f64], counted: &[usize], items: &[Item], has_budget: bool) -> Vec<Weighed> {
    let mut relevant: BTreeMap<usize, Configuration> = BTreeMap::new();
    for (id, item) in items.iter().enumerate().filter(|(_, item)| item.is_buildable) {
        for statement in &item.candidate.statements {
            relevant.entry(*statement).or_default().insert(CandidateId(id as u32));
        }
    }
    let is_join =
        |position: usize| workload.statements[position].shape.as_ref().is_some_and(|shape| shape.scans.len() > 1);
    let weighed = counted.iter().filter_map(|position| {
        Some(Weighed {
            statement: *position,
            weight: weights[*position],
            share_min: search::share_min(is_join(*position), has_budget),
            relevant: relevant.remove(position)?,
        })
    });
    weighed.collect()
}

/// Leaves out the statements that the backend cannot plan as they are: nothing is known of their gain.
fn forget_unplannable(pricer: &mut Pricer<'_>) -> Result<()> {
    let places: BTreeSet<usize> = (0..pricer.statements.len()).collect();
    let costs = pricer.costs(&places, &Configuration::new())?;
    let unplannable: Vec<usize> =
        costs.into_iter().filter(|(_, cost)| !cost.is_finite()).map(|(place, _)| place).collect();
    pricer.forget(&unplannable);
    Ok(())
}

/// Adds, for pairs of the pool, the one index that serves both.
fn add_merged(
    declarer: &Declarer<'_>,
    pricer: &mut Pricer<'_>,
    items: &mut Vec<Item>,
    pool: &mut Configuration,
    declined: &mut Vec<Declined>,
) -> Result<()> {
    let mut of_relation: BTreeMap<Oid, Vec<&Candidate>> = BTreeMap::new();
    for id in pool.iter() {
        let candidate = &items[id.0 as usize].candidate;
        of_relation.entry(candidate.relation).or_default().push(candidate);
    }
    let known: BTreeSet<(Oid, &IndexDefinition)> =
        items.iter().map(|item| (item.candidate.relation, &item.candidate.definition)).collect();
    let pairs =
        of_relation.values().flat_map(|members| members.iter().flat_map(|a| members.iter().map(move |b| (a, b))));
    let mut merged: BTreeMap<(Oid, IndexDefinition), Candidate> = BTreeMap::new();
    for candidate in pairs.filter_map(|(a, b)| candidates::merged(a, b)) {
        if !known.contains(&(candidate.relation, &candidate.definition)) && merged.len() < MERGED_MAX {
            merged.insert((candidate.relation, candidate.definition.clone()), candidate);
        }
    }
    let first = items.len();
    let new = declarer.declare(pricer.planner(), merged.into_values().collect(), declined)?;
    for (offset, item) in new.into_iter().enumerate() {
        let id = CandidateId((first + offset) as u32);
        if item.is_buildable {
            pool.insert(id);
            pricer.add_relevant(id, &item.candidate.statements);
        }
        items.push(item);
    }
    Ok(())
}

/// Adds the candidates that are the first key columns of a pool member: under a budget they may be all that fits.
fn add_prefixes(items: &[Item], pool: &mut Configuration) {
    let members: Vec<&Item> = pool.iter().map(|id| &items[id.0 as usize]).collect();
    let is_prefix = |item: &Item| {
        members.iter().any(|member| {
            member.candidate.relation == item.candidate.relation
                && member.candidate.definition.key_columns.starts_with(&item.candidate.definition.key_columns)
        })
    };
    let prefixes: Vec<CandidateId> = items
        .iter()
        .enumerate()
        .filter(|(_, item)| item.is_buildable && is_prefix(item))
        .map(|(id, _)| CandidateId(id as u32))
        .collect();
    pool.extend(prefixes);
}

/// The same in order, what was declined twice for one reason once.
fn each_once(mut declined: Vec<Declined>) -> Vec<Declined> {
    declined.sort();
    declined.dedup_by(|next, kept| {
        let is_same = (&next.relation, &next.index, &next.reason) == (&kept.relation, &kept.index, &kept.reason);
        if is_same {
            kept.statements.append(&mut next.statements);
        }
        is_same
    });
    declined
}

/// Every candidate that is not proposed, with the reason.
fn decline(catalog: &Catalog<'_>, limits: &Limits<'_>, seed: &Seed, choice: &search::Choice) -> Vec<Declined> {
    let mut declined = Vec::new();
    for (position, item) in limits.items.iter().enumerate() {
        let id = CandidateId(position as u32);
        if !item.is_buildable || choice.chosen.contains(&id) {
            continue;
        }
        let Some(relation) = catalog.relation(item.candidate.relation) else { continue };
        let reason = match choice.refused.get(&id) {
            Some(reason) => reason.clone(),
            None if !limits.fits_alone(id) => "it is larger than the whole budget".to_owned(),
            None if seed.pool.contains(&id) => "other indexes serve its statements better".to_owned(),
            None if seed.extensions.contains(&id) => {
                "its statements find their rows as well by an existing index: INCLUDE alone earns no index".to_owned()
            }
            None if seed.unproven.contains(&id) => {
                "the what-if backend cannot judge it in its statement, so nothing proves that it would be used"
                    .to_owned()
            }
            None => "the planner prefers other ways with all candidates present".to_owned(),
        };
        let (index, statements) = (item.candidate.definition.clone(), item.candidate.asked_by.clone());
        declined.push(Declined { relation: relation.name.clone(), index, reason, statements });
    }
    declined
}
