//! Whether any statement becomes worse without the indexes that are to go: asks the planner with all of them hidden at
//! once, and takes those back that a statement misses. What the planner cannot be asked is said, not assumed.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::pg::Oid;
use crate::pg::number::number;
use crate::snapshot::{Catalog, Relation};
use crate::whatif::{Ask, Backend, Planner, Price};
use crate::workload::{Statement, Workload};

use super::super::options::{OnProgress, Phase, Progress};
use super::super::search::{Configuration, Pricer, is_regression};
use super::super::sensitivity::can_price_variants;
use super::{Decided, Drop, declined, stays};

/// Questions per batch: between batches the run can be interrupted.
const BATCH: usize = 256;

/// What the proof starts from.
#[derive(Debug, Clone, Copy)]
pub struct Given<'g> {
    /// The statements, those that weigh nothing among them.
    pub workload: &'g Workload,
    /// The indexes that are to be created.
    pub chosen: &'g Configuration,
    /// The existing indexes in the plans with those, by position; a statement that is not here is planned as it is now.
    pub used: &'g BTreeMap<usize, BTreeSet<Oid>>,
}

/// The indexes in the plans of all statements as they are planned now, by position.
pub fn planned_indexes(catalog: &Catalog<'_>, workload: &Workload) -> BTreeMap<usize, BTreeSet<Oid>> {
    let mut used = BTreeMap::new();
    for (position, statement) in workload.statements.iter().enumerate() {
        let Some(planned) = &statement.planned else { continue };
        let names = planned.plan.indexes_used().into_iter();
        let oid = |(schema, name): (Option<String>, String)| Some(catalog.index_named(schema.as_ref()?, &name)?.1.oid);
        used.insert(position, names.filter_map(oid).collect());
    }
    used
}

/// The existing indexes in the plans of all statements with `chosen`, by position: as the search knows them, and for the
/// statements that no candidate can matter to as they are planned now.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn used_existing(
    catalog: &Catalog<'_>,
    workload: &Workload,
    pricer: &mut Pricer<'_>,
    chosen: &Configuration,
) -> Result<BTreeMap<usize, BTreeSet<Oid>>> {
    let mut used = planned_indexes(catalog, workload);
    for place in 0..pricer.statements.len() {
        let position = pricer.statements[place].statement;
        if let Some(price) = pricer.price(place, chosen)? {
            used.insert(position, price.used_existing.clone());
        }
    }
    Ok(used)
}

/// A statement, or a variant of one, in whose plan an index is that is to go.
struct Concern<'w> {
    /// What the planner is asked.
    position: usize,
    statement: &'w Statement,
    /// Whether it is the statement as it is reported, not with other values.
    is_itself: bool,
    /// Its price with the creates and all existing indexes.
    kept: Price,
    /// Its price without those that are to go, as far as it is known.
    now: Price,
}

/// Asks the planner whether the indexes that `decided` names may go, all together after the creates. Moves those that
/// a statement would miss to what is declined, and notes for the others what was found. Returns what the statements
/// whose plans change cost then, by position.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn prove(
    decided: &mut Decided<'_>,
    given: Given<'_>,
    planner: &mut dyn Planner,
    progress: OnProgress<'_>,
) -> Result<BTreeMap<usize, f64>> {
    let going: BTreeSet<Oid> =
        decided.drops.iter().filter(|drop| drop.index.is_usable()).map(|drop| drop.index.oid).collect();
    let mut asking = Asking { planner, progress, chosen: given.chosen };
    let mut unproved: BTreeMap<Oid, String> = BTreeMap::new();
    let mut concerns = asking.concerns(given, &decided.drops, &going, &mut unproved)?;
    let missed = if asking.all_do_without(&mut concerns, &going, &mut unproved)? {
        BTreeMap::new()
    } else {
        asking.missed(&mut concerns, &by_saving(&decided.drops), &mut unproved)?
    };
    let backend = asking.planner.backend();
    decided.take_back(&missed);
    for drop in decided.drops.iter_mut().filter(|drop| drop.index.is_usable()) {
        drop.proof = Some(match unproved.get(&drop.index.oid) {
            Some(reason) => format!("not proved that no statement becomes worse without it: {reason}"),
            None => found(given.workload, drop, &concerns, backend),
        });
    }
    let changed = concerns.iter().filter(|concern| concern.is_itself && concern.kept != concern.now);
    Ok(changed.map(|concern| (concern.position, concern.now.total_cost)).collect())
}

impl Decided<'_> {
    /// Keeps the indexes that statements would miss.
    fn take_back(&mut self, missed: &BTreeMap<Oid, String>) {
        for drop in &self.drops {
            if let Some(reason) = missed.get(&drop.index.oid) {
                let reason = format!("{}: {reason}", stays(drop.index));
                self.declined.push(declined(drop.relation, drop.index, reason));
            }
        }
        self.drops.retain(|drop| !missed.contains_key(&drop.index.oid));
    }
}

/// The valid indexes that are to go, the one first that saves most.
fn by_saving(drops: &[Drop<'_>]) -> Vec<Oid> {
    let mut valid: Vec<&Drop<'_>> = drops.iter().filter(|drop| drop.index.is_usable()).collect();
    valid.sort_by(|a, b| {
        a.writes
            .units
            .total_cmp(&b.writes.units)
            .then_with(|| b.index.n_pages.cmp(&a.index.n_pages))
            .then_with(|| (&a.relation.name, &a.index.name).cmp(&(&b.relation.name, &b.index.name)))
    });
    valid.into_iter().map(|drop| drop.index.oid).collect()
}

struct Asking<'p> {
    planner: &'p mut dyn Planner,
    progress: OnProgress<'p>,
    chosen: &'p Configuration,
}

/// The planner's answer, or why there is none.
type Answer = std::result::Result<Price, String>;

impl Asking<'_> {
    /// What these statements cost with the creates and without the indexes in `hidden`.
    fn prices(&mut self, positions: &[usize], hidden: &BTreeSet<Oid>) -> Result<Vec<Answer>> {
        let mut answers = Vec::with_capacity(positions.len());
        for batch in positions.chunks(BATCH) {
            let n_calls = self.planner.n_calls();
            let n_candidates = self.chosen.len();
            (self.progress)(Progress { phase: Phase::Proving, n_calls, n_calls_max: None, n_candidates })?;
            let ask =
                |position: &usize| Ask { statement: *position, visible: self.chosen.clone(), hidden: hidden.clone() };
            let asks: Vec<Ask> = batch.iter().map(ask).collect();
            answers.extend(self.planner.price(&asks)?);
        }
        Ok(answers)
    }

    /// The statements in whose plans an index of `going` is.
    fn concerns<'w>(
        &mut self,
        given: Given<'w>,
        drops: &[Drop<'_>],
        going: &BTreeSet<Oid>,
        unproved: &mut BTreeMap<Oid, String>,
    ) -> Result<Vec<Concern<'w>>> {
        let n_statements = given.workload.statements.len();
        let mut asked: Vec<(usize, usize)> = (0..n_statements)
            .filter(|position| !given.used_now(*position).is_disjoint(going))
            .map(|position| (position, position))
            .collect();
        if can_price_variants(self.planner.backend()) {
            asked.extend(given.variants_that_may_use(drops));
        }
        let positions: Vec<usize> = asked.iter().map(|(position, _)| *position).collect();
        let answers = self.prices(&positions, &BTreeSet::new())?;
        let mut concerns = Vec::new();
        for ((position, statement), answer) in asked.into_iter().zip(answers) {
            let is_itself = position < n_statements;
            let statement = &given.workload.statements[statement];
            match answer {
                Ok(price) if !price.used_existing.is_disjoint(going) => {
                    concerns.push(Concern { position, statement, is_itself, now: price.clone(), kept: price });
                }
                Ok(_) => {}
                Err(reason) if is_itself => {
                    note(unproved, &given.used_now(position), going, statement, &reason);
                }
                Err(_) => {}
            }
        }
        Ok(concerns)
    }

    /// Whether every statement costs about the same without all of `going`. Notes what they cost then.
    fn all_do_without(
        &mut self,
        concerns: &mut [Concern<'_>],
        going: &BTreeSet<Oid>,
        unproved: &mut BTreeMap<Oid, String>,
    ) -> Result<bool> {
        let positions: Vec<usize> = concerns.iter().map(|concern| concern.position).collect();
        let answers = self.prices(&positions, going)?;
        if concerns.iter().zip(&answers).any(|(concern, answer)| concern.is_worse_by(answer)) {
            return Ok(false);
        }
        for (concern, answer) in concerns.iter_mut().zip(answers) {
            concern.learn(answer, going, unproved);
        }
        Ok(true)
    }

    /// Hides one index after the other, and those that some statement misses no longer. The reasons, by index.
    fn missed(
        &mut self,
        concerns: &mut [Concern<'_>],
        order: &[Oid],
        unproved: &mut BTreeMap<Oid, String>,
    ) -> Result<BTreeMap<Oid, String>> {
        let mut missed = BTreeMap::new();
        let mut hidden = BTreeSet::new();
        for oid in order {
            let mut concerned: Vec<&mut Concern<'_>> =
                concerns.iter_mut().filter(|concern| concern.now.used_existing.contains(oid)).collect();
            hidden.insert(*oid);
            let positions: Vec<usize> = concerned.iter().map(|concern| concern.position).collect();
            let answers = self.prices(&positions, &hidden)?;
            let worse: Vec<String> = concerned.iter().zip(&answers).filter_map(|(c, answer)| c.worse(answer)).collect();
            if let Some(first) = worse.first() {
                hidden.remove(oid);
                missed.insert(*oid, first.clone());
                continue;
            }
            for (concern, answer) in concerned.iter_mut().zip(answers) {
                concern.learn(answer, &BTreeSet::from([*oid]), unproved);
            }
        }
        Ok(missed)
    }
}

impl<'g> Given<'g> {
    /// The existing indexes in the plan of a statement with the creates.
    fn used_now(&self, position: usize) -> BTreeSet<Oid> {
        self.used.get(&position).cloned().unwrap_or_default()
    }

    /// The variants (their position, and their statement's) whose values are those of a column of an index that is to
    /// go: they may use it where their statement does not.
    fn variants_that_may_use(&self, drops: &[Drop<'_>]) -> Vec<(usize, usize)> {
        let may_use = |statement: &Statement, column: Option<&String>| {
            let scans = statement.shape.as_ref().map_or(&[][..], |shape| &shape.scans);
            drops.iter().filter(|drop| drop.index.is_usable()).any(|drop| {
                let has_column = |column: &String| drop.index.definition.key_column_names().any(|name| name == column);
                scans.iter().any(|scan| scan.relation == drop.relation.oid) && column.is_none_or(has_column)
            })
        };
        let variants = self.workload.variants().into_iter();
        variants
            .filter(|place| may_use(&self.workload.statements[place.statement], place.variant.column.as_ref()))
            .map(|place| (place.position, place.statement))
            .collect()
    }
}

impl Concern<'_> {
    /// Whether it becomes worse by more than the search tolerates of a statement. Not less is tolerated here, for the planner
    /// reckons more also where the other index finds the same rows on the same pages: a level to descend is 0.125 units,
    /// and it takes rows to lie in less of the heap's order by two key columns than by one (0.75 of the correlation,
    /// selfuncs.c), which is 2 units for a handful of rows. The step says what it reckons.
    fn is_worse_by(&self, answer: &Answer) -> bool {
        answer.as_ref().is_ok_and(|price| is_regression(self.kept.total_cost, price.total_cost))
    }

    /// How it becomes worse, in words; `None` when it does not.
    fn worse(&self, answer: &Answer) -> Option<String> {
        let price = answer.as_ref().ok().filter(|_| self.is_worse_by(answer))?;
        let values = if self.is_itself { "" } else { " with other values" };
        let (before, after) = (self.kept.total_cost, price.total_cost);
        Some(format!(
            "without it statement {}{values} would cost {} instead of {} ({} % more)",
            self.statement.place(),
            number(after),
            number(before),
            percent_more(before, after)
        ))
    }

    fn learn(&mut self, answer: Answer, hidden: &BTreeSet<Oid>, unproved: &mut BTreeMap<Oid, String>) {
        match answer {
            Ok(price) => self.now = price,
            Err(reason) => note(unproved, &self.now.used_existing, hidden, self.statement, &reason),
        }
    }
}

/// Notes for every index in the plan that is to go why the planner could not be asked without it.
fn note(
    unproved: &mut BTreeMap<Oid, String>,
    used: &BTreeSet<Oid>,
    going: &BTreeSet<Oid>,
    statement: &Statement,
    reason: &str,
) {
    for oid in used.intersection(going) {
        unproved.entry(*oid).or_insert_with(|| format!("statement {} uses it, and {reason}", statement.place()));
    }
}

/// What was found for an index that goes.
fn found(workload: &Workload, drop: &Drop<'_>, concerns: &[Concern<'_>], backend: Backend) -> String {
    let users: Vec<&Concern<'_>> =
        concerns.iter().filter(|concern| concern.kept.used_existing.contains(&drop.index.oid)).collect();
    let statements: BTreeSet<String> = users.iter().map(|concern| concern.statement.place()).collect();
    let ratio = |concern: &&&Concern<'_>| concern.now.total_cost / concern.kept.total_cost;
    let dearest = users.iter().max_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    let mut found = match (statements.len(), dearest) {
        (_, None) => "no statement of the workload uses it".to_owned(),
        (n, Some(dearest)) => {
            let (before, after) = (dearest.kept.total_cost, dearest.now.total_cost);
            let who = if n == 1 {
                "the one statement that uses it costs".to_owned()
            } else {
                format!("the {n} statements that use it cost")
            };
            if after > before {
                let (before_text, after_text) = (number(before), number(after));
                let percent = percent_more(before, after);
                format!(
                    "{who} at most {percent} % more without it ({before_text} -> {after_text}), by the planner, for a wider or deeper index is read instead"
                )
            } else {
                format!("{who} no more without it")
            }
        }
    };
    if backend == Backend::Estimate && dearest.is_some() {
        found += "; reckoned by the estimate, not asked of PostgreSQL's planner";
    }
    match n_unplanned(workload, drop.relation) {
        0 => found,
        1 => found + "; one statement that reads the relation could not be planned",
        n => format!("{found}; {n} statements that read the relation could not be planned"),
    }
}

/// Statements of which nothing is known but that they read `relation`.
fn n_unplanned(workload: &Workload, relation: &Relation) -> usize {
    let reads = |statement: &&Statement| {
        let scans = statement.shape.as_ref().map_or(&[][..], |shape| &shape.scans);
        statement.planned.is_none() && scans.iter().any(|scan| scan.relation == relation.oid)
    };
    workload.statements.iter().filter(reads).count()
}

/// `0.61`: two digits, so that little is not nothing.
fn percent_more(before: f64, after: f64) -> String {
    number(100.0 * (after / before - 1.0))
}
