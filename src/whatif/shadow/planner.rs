//! The shadow as a [`Planner`]: candidates become phantoms in every worker's database, questions are shared out among the
//! workers. Builds no shadow.

use std::collections::{BTreeMap, BTreeSet};

use super::phantom::{self, Wanted};
use super::pricing::Question;
use super::told::{self, Asked};
use super::worker::{Answer, Sight, Worker};
use crate::error::{Error, Result};
use crate::pg::{Bytes, IndexDefinition, Oid, RelationName, StatisticsDefinition};
use crate::snapshot::{Catalog, ExtendedStatistics, Relation};
use crate::whatif::declared::{Declared, create_sql, effective};
use crate::whatif::{
    Ask, Backend, CandidateId, Hypothetical, HypotheticalStatistics, IndexSize, Planner, Price, StatisticsAnswer,
    explain, size,
};
use crate::workload::Workload;

/// Why nothing is asked: every shadow has one.
const NO_WORKER: &str = "the shadow has no worker";

/// A backend's answer to one question.
type Priced = std::result::Result<Price, String>;

/// Prices the statements of one workload in the shadow.
pub struct ShadowPlanner<'w> {
    /// Its number among the shadow's planners, which share the databases.
    number: u32,
    workers: Vec<Worker>,
    workload: &'w Workload,
    catalog: Catalog<'w>,
    declared: Vec<Declared>,
    given_sizes: Vec<PartSizes>,
    /// The statistics objects that count now, with what they were given.
    told: BTreeMap<StatisticsDefinition, ExtendedStatistics>,
    n_calls: u64,
}

/// For each stored relation of a candidate (the relation, or its partitions at every level): how large its part is, and
/// how many rows it holds.
pub type PartSizes = BTreeMap<RelationName, (IndexSize, f64)>;

impl<'w> ShadowPlanner<'w> {
    /// The shadow's planner number `number`, with one worker for each database.
    pub(super) fn new(number: u32, workers: Vec<Worker>, workload: &'w Workload) -> Self {
        let catalog = Catalog::new(&workload.snapshot);
        Self {
            number,
            workers,
            workload,
            catalog,
            declared: Vec::new(),
            given_sizes: Vec::new(),
            told: BTreeMap::new(),
            n_calls: 0,
        }
    }

    /// Gives the candidates, by their number, these sizes instead of the size model's: what is left of an error then is the
    /// phantoms' own.
    pub fn with_sizes(mut self, sizes: Vec<PartSizes>) -> Self {
        self.given_sizes = sizes;
        self
    }

    /// What a candidate becomes, or why it cannot be built.
    fn wanted(&self, id: CandidateId, candidate: &Hypothetical) -> std::result::Result<(RelationName, Wanted), String> {
        let Some(relation) = self.catalog.relation(candidate.relation) else {
            return Err(format!("relation {} is not in the snapshot", candidate.relation));
        };
        let name = phantom::name(self.number, id.0);
        let create_sql = create_sql(Some(&name), relation, &candidate.definition);
        let parts = match self.given_sizes.get(id.0 as usize) {
            Some(sizes) => sizes.clone(),
            None => self.modelled_sizes(relation, &candidate.definition)?,
        };
        Ok((relation.name.clone(), Wanted { name, create_sql, parts }))
    }

    fn modelled_sizes(
        &self,
        relation: &Relation,
        definition: &IndexDefinition,
    ) -> std::result::Result<PartSizes, String> {
        let parts = size::parts(&self.catalog, relation, definition)?;
        Ok(parts.into_iter().map(|part| (part.relation.name.clone(), (part.size, part.n_rows))).collect())
    }

    /// Makes the phantoms in every database at once. The reasons of those that were refused.
    fn create(
        &mut self,
        wanted: &BTreeMap<RelationName, Vec<(CandidateId, Wanted)>>,
    ) -> Result<BTreeMap<CandidateId, String>> {
        let create = |worker: &mut Worker| -> Result<BTreeMap<CandidateId, String>> {
            let mut refused = BTreeMap::new();
            for (relation, wanted) in wanted {
                let ids = wanted.iter().map(|(id, _)| *id);
                let reasons = worker.create(relation, wanted)?;
                refused.extend(ids.zip(reasons).filter_map(|(id, reason)| Some((id, reason?))));
            }
            Ok(refused)
        };
        let refused = in_parallel(self.workers.iter_mut().collect(), create)?;
        Ok(refused.into_iter().flatten().collect())
    }

    /// The existing indexes `hidden` and those attached to them, by name.
    fn names_of(&self, hidden: &BTreeSet<Oid>) -> BTreeSet<RelationName> {
        let mut names = BTreeSet::new();
        let mut open: Vec<Oid> = hidden.iter().copied().collect();
        while let Some(oid) = open.pop() {
            let Some((relation, index)) = self.catalog.index(oid) else { continue };
            if names.insert(RelationName::new(&relation.name.schema, &index.name)) {
                let partitions =
                    self.catalog.children(relation.oid).iter().filter_map(|oid| self.catalog.relation(*oid));
                let attached =
                    partitions.flat_map(|partition| &partition.indexes).filter(|index| index.parent == Some(oid));
                open.extend(attached.map(|index| index.oid));
            }
        }
        names
    }

    /// The question as a worker is asked it.
    fn asked(&self, ask: &Ask) -> std::result::Result<Asked<'w>, String> {
        let planned = explain::planned(&self.workload.statements, ask.statement)?;
        let visible = effective(&self.declared, &ask.visible, &ask.hidden);
        let sight = Sight { visible, hidden: self.names_of(&ask.hidden) };
        Ok(Asked { sight, question: Question { position: 0, planned } })
    }

    /// Fills the object by what the first worker's planner makes of it, and gives it to the others as it is then.
    fn tell_all(&mut self, object: &HypotheticalStatistics) -> Result<std::result::Result<(), String>> {
        let Some(relation) = self.catalog.relation(object.relation) else {
            return Ok(Err(format!("relation {} is not in the snapshot", object.relation)));
        };
        let found = object.found.map(|(statement, n_rows)| {
            let ask = Ask { statement, visible: BTreeSet::new(), hidden: BTreeSet::new() };
            self.asked(&ask).map(|asked| (asked, n_rows))
        });
        let found = match found.transpose() {
            Ok(found) => found,
            Err(reason) => return Ok(Err(reason)),
        };
        let wanted = told::Object { relation, wanted: object, found };
        let Some((first, others)) = self.workers.split_first_mut() else { return Ok(Err(NO_WORKER.to_owned())) };
        let known = match told::fill(first, &wanted, &mut self.n_calls)? {
            Ok(known) => known,
            Err(reason) => return Ok(Err(reason)),
        };
        for worker in others {
            if let Err(reason) = worker.create_statistics(relation, &object.definition, &known)? {
                return Ok(Err(reason));
            }
        }
        self.told.insert(object.definition.clone(), known);
        Ok(Ok(()))
    }

    fn price_of(&self, answer: Answer) -> Priced {
        answer.map(|(plan, used)| Price {
            total_cost: plan.root.total_cost,
            used,
            used_existing: explain::existing_indexes(&plan, &self.catalog),
            unproven: BTreeSet::new(),
        })
    }
}

impl Planner for ShadowPlanner<'_> {
    fn backend(&self) -> Backend {
        Backend::Shadow
    }

    fn declare(&mut self, candidates: &[Hypothetical]) -> Result<Vec<std::result::Result<Bytes, String>>> {
        let first = self.declared.len();
        let mut by_relation: BTreeMap<RelationName, Vec<(CandidateId, Wanted)>> = BTreeMap::new();
        let mut answers = Vec::new();
        for (number, candidate) in candidates.iter().enumerate() {
            let id = CandidateId((first + number) as u32);
            let wanted = self.wanted(id, candidate);
            answers.push(wanted.map(|(relation, wanted)| {
                let n_pages = wanted.parts.values().map(|(size, _)| size.n_pages).sum();
                by_relation.entry(relation).or_default().push((id, wanted));
                Bytes::of_blocks(n_pages)
            }));
        }
        for (id, reason) in self.create(&by_relation)? {
            answers[id.0 as usize - first] = Err(reason);
        }
        for (candidate, answer) in candidates.iter().zip(&answers) {
            let mut declared = Declared::new(&self.catalog, candidate);
            declared.refused = answer.as_ref().err().cloned();
            self.declared.push(declared);
        }
        Ok(answers)
    }

    fn price(&mut self, asks: &[Ask]) -> Result<Vec<Priced>> {
        let mut answers = vec![Err(explain::NOT_PLANNED.to_owned()); asks.len()];
        let mut questions: Vec<(Sight, Question<'_>)> = Vec::new();
        for (position, ask) in asks.iter().enumerate() {
            if let Ok(Asked { sight, question }) = self.asked(ask) {
                questions.push((sight, Question { position, ..question }));
            }
        }
        questions.sort_by(|(left, _), (right, _)| left.cmp(right));
        self.n_calls += questions.len() as u64;
        let questions: Vec<(&Sight, Question<'_>)> =
            questions.iter().map(|(sight, question)| (sight, *question)).collect();
        let n_each = questions.len().div_ceil(self.workers.len()).max(1);
        let work: Vec<_> = self.workers.iter_mut().zip(questions.chunks(n_each)).collect();
        for (position, answer) in
            in_parallel(work, |(worker, questions)| worker.answer(questions))?.into_iter().flatten()
        {
            answers[position] = self.price_of(answer);
        }
        Ok(answers)
    }

    fn tell(&mut self, object: &HypotheticalStatistics) -> Result<std::result::Result<(), String>> {
        let told = self.tell_all(object)?;
        if told.is_err() {
            self.forget(object)?;
        }
        Ok(told)
    }

    fn forget(&mut self, object: &HypotheticalStatistics) -> Result<()> {
        self.told.remove(&object.definition);
        self.workers.iter_mut().try_for_each(|worker| worker.drop_statistics(&object.definition))
    }

    fn price_statistics(&mut self, object: &HypotheticalStatistics, asks: &[Ask]) -> Result<Vec<StatisticsAnswer>> {
        let (Some(relation), Some(known)) = (self.catalog.relation(object.relation), self.told.get(&object.definition))
        else {
            return Ok(asks.iter().map(|_| Err("the planner was not told of it".to_owned())).collect());
        };
        let asked: Vec<_> = asks.iter().map(|ask| self.asked(ask)).collect();
        let Some(first) = self.workers.first_mut() else { return Err(Error::internal(NO_WORKER)) };
        told::price(first, (relation, &object.definition, known), asked, &mut self.n_calls)
    }

    fn n_calls(&self) -> u64 {
        self.n_calls
    }
}

/// Does every piece of work in a thread of its own, and waits for all.
fn in_parallel<W: Send, T: Send>(work: Vec<W>, run: impl Fn(W) -> Result<T> + Sync) -> Result<Vec<T>> {
    std::thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = work.into_iter().map(|piece| scope.spawn(move || run(piece))).collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended.map(|ended| ended.unwrap_or_else(|_| Err(Error::internal("a worker of the shadow panicked")))).collect()
    })
}
