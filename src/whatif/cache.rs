//! A cost cache in front of any backend: asks each question once, keyed by what can matter to the statement. Prices
//! nothing itself.

use std::collections::{BTreeMap, BTreeSet};

use super::coalesce::{OnRelations, coalesced};
use super::{Ask, Backend, Hypothetical, HypotheticalStatistics, Planner, Price, StatisticsAnswer};
use crate::error::{Error, Result};
use crate::pg::{Bytes, Oid};
use crate::plan::Node;
use crate::snapshot::Catalog;
use crate::workload::{Statement, Workload};

/// A backend's answer to one question.
type Answer = std::result::Result<Price, String>;

/// A planner that remembers its answers. Two questions about a statement are the same when they differ only in indexes
/// on relations that it does not read.
#[derive(Debug)]
pub struct Cached<P> {
    planner: P,
    /// For each statement, the relations whose indexes it can use; `None` when that is unknown.
    relations: Vec<Option<BTreeSet<Oid>>>,
    /// For each declared hypothetical index, its relation.
    candidates: Vec<Oid>,
    /// For each existing index, its relation.
    existing: BTreeMap<Oid, Oid>,
    answers: BTreeMap<Ask, Answer>,
    n_hits: u64,
}

impl<P: Planner> Cached<P> {
    /// A cache in front of `planner` for the statements of `workload`.
    pub fn new(planner: P, workload: &Workload) -> Self {
        let catalog = Catalog::new(&workload.snapshot);
        let relations = workload.statements.iter().map(|statement| relations_read(statement, &catalog)).collect();
        let existing = workload
            .snapshot
            .relations
            .iter()
            .flat_map(|relation| relation.indexes.iter().map(|index| (index.oid, relation.oid)))
            .collect();
        Self { planner, relations, candidates: Vec::new(), existing, answers: BTreeMap::new(), n_hits: 0 }
    }

    /// How many questions were answered from memory.
    pub fn n_hits(&self) -> u64 {
        self.n_hits
    }

    /// The backend behind it.
    pub fn planner(&self) -> &P {
        &self.planner
    }

    /// The question with everything left out that cannot matter to its statement.
    fn reduced(&self, ask: &Ask) -> Ask {
        let Some(Some(relations)) = self.relations.get(ask.statement) else { return ask.clone() };
        let reads = |relation: Option<&Oid>| relation.is_none_or(|oid| relations.contains(oid));
        Ask {
            statement: ask.statement,
            visible: ask.visible.iter().filter(|id| reads(self.candidates.get(id.0 as usize))).copied().collect(),
            hidden: ask.hidden.iter().filter(|oid| reads(self.existing.get(oid))).copied().collect(),
        }
    }

    /// What is known of a question: its own answer, or that of a question with more indexes to choose from whose plan
    /// uses none that this one lacks. Less to choose from cannot make another plan cheaper.
    fn known(&self, ask: &Ask) -> Option<&Answer> {
        if let Some(answer) = self.answers.get(ask) {
            return Some(answer);
        }
        let first = Ask { statement: ask.statement, visible: BTreeSet::new(), hidden: BTreeSet::new() };
        self.answers
            .range(first..)
            .take_while(|(known, _)| known.statement == ask.statement)
            .find(|(known, answer)| {
                answer.as_ref().is_ok_and(|price| {
                    known.visible.is_superset(&ask.visible)
                        && known.hidden.is_subset(&ask.hidden)
                        && price.used.is_subset(&ask.visible)
                        && price.used_existing.is_disjoint(&ask.hidden)
                })
            })
            .map(|(_, answer)| answer)
    }

    /// What a reduced question sees on each relation that its statement reads.
    fn on_relations(&self, ask: &Ask) -> Option<OnRelations> {
        let read = self.relations.get(ask.statement)?.as_ref()?;
        let mut relations: OnRelations = read.iter().map(|oid| (*oid, Default::default())).collect();
        for id in &ask.visible {
            relations.get_mut(self.candidates.get(id.0 as usize)?)?.0.insert(*id);
        }
        for oid in &ask.hidden {
            relations.get_mut(self.existing.get(oid)?)?.1.insert(*oid);
        }
        Some(relations)
    }

    fn ask_backend(&mut self, missing: Vec<Ask>) -> Result<()> {
        if missing.is_empty() {
            return Ok(());
        }
        let wider = coalesced(&missing, |ask| self.on_relations(ask));
        let answers = self.planner.price(&wider)?;
        if answers.len() != missing.len() {
            return Err(Error::internal(format!("{} questions got {} answers", missing.len(), answers.len())));
        }
        self.answers.extend(missing.into_iter().zip(answers));
        Ok(())
    }
}

impl<P: Planner> Planner for Cached<P> {
    fn backend(&self) -> Backend {
        self.planner.backend()
    }

    fn declare(&mut self, candidates: &[Hypothetical]) -> Result<Vec<std::result::Result<Bytes, String>>> {
        let declared = self.planner.declare(candidates)?;
        self.candidates.extend(candidates.iter().map(|candidate| candidate.relation));
        Ok(declared)
    }

    fn price(&mut self, asks: &[Ask]) -> Result<Vec<Answer>> {
        let reduced: Vec<Ask> = asks.iter().map(|ask| self.reduced(ask)).collect();
        let missing: BTreeSet<Ask> = reduced.iter().filter(|ask| self.known(ask).is_none()).cloned().collect();
        self.n_hits += (asks.len() - missing.len()) as u64;
        self.ask_backend(missing.into_iter().collect())?;
        reduced
            .iter()
            .map(|ask| self.known(ask).cloned().ok_or_else(|| Error::internal("a question was asked and not answered")))
            .collect()
    }

    fn tell(&mut self, object: &HypotheticalStatistics) -> Result<std::result::Result<(), String>> {
        self.answers.clear();
        self.planner.tell(object)
    }

    fn forget(&mut self, object: &HypotheticalStatistics) -> Result<()> {
        self.answers.clear();
        self.planner.forget(object)
    }

    fn price_statistics(&mut self, object: &HypotheticalStatistics, asks: &[Ask]) -> Result<Vec<StatisticsAnswer>> {
        self.planner.price_statistics(object, asks)
    }

    fn n_calls(&self) -> u64 {
        self.planner.n_calls()
    }
}

/// The relations whose indexes can matter to a statement: those of its shape and of its plan, with everything above
/// them (an index on a partitioned table serves its partitions) and below. `None` when neither is known.
fn relations_read(statement: &Statement, catalog: &Catalog) -> Option<BTreeSet<Oid>> {
    let mut relations = BTreeSet::new();
    let shape = statement.shape.as_ref();
    let plan = statement.planned.as_ref().map(|planned| &planned.plan);
    if shape.is_none() && plan.is_none() {
        return None;
    }
    relations.extend(shape.into_iter().flat_map(|shape| &shape.scans).map(|scan| scan.relation));
    if let Some(plan) = plan {
        add_relations_of(&plan.root, catalog, &mut relations);
    }
    let mut open: Vec<Oid> = relations.iter().copied().collect();
    while let Some(oid) = open.pop() {
        let parent = catalog.relation(oid).and_then(|relation| relation.parent);
        open.extend(parent.iter().chain(catalog.children(oid)).filter(|near| relations.insert(**near)));
    }
    Some(relations)
}

fn add_relations_of(node: &Node, catalog: &Catalog, relations: &mut BTreeSet<Oid>) {
    if let Some(name) = &node.relation_name {
        let named = match &node.schema {
            Some(schema) => catalog.find(Some(schema), name).into_iter().collect(),
            None => catalog.find_in_any_schema(name),
        };
        relations.extend(named.iter().map(|relation| relation.oid));
    }
    for child in &node.children {
        add_relations_of(child, catalog, relations);
    }
}

#[cfg(test)]
mod tests {
    use super::super::CandidateId;
    use super::*;

    /// Every index of the relation halves the cost of every statement; statement 9 cannot be planned.
    #[derive(Debug, Default)]
    struct Halving {
        relations: Vec<Oid>,
        n_calls: u64,
    }

    impl Planner for Halving {
        fn backend(&self) -> Backend {
            Backend::Sandbox
        }

        fn declare(&mut self, candidates: &[Hypothetical]) -> Result<Vec<std::result::Result<Bytes, String>>> {
            self.relations.extend(candidates.iter().map(|candidate| candidate.relation));
            Ok(candidates.iter().map(|candidate| Ok(candidate.estimated_bytes)).collect())
        }

        fn price(&mut self, asks: &[Ask]) -> Result<Vec<Answer>> {
            self.n_calls += asks.len() as u64;
            Ok(asks.iter().map(halved).collect())
        }

        fn n_calls(&self) -> u64 {
            self.n_calls
        }
    }

    fn halved(ask: &Ask) -> Answer {
        if ask.statement == 9 {
            return Err("permission denied".into());
        }
        let used: BTreeSet<CandidateId> = ask.visible.iter().take(2).copied().collect();
        Ok(Price { total_cost: 100.0 / (1 + used.len()) as f64, used, ..Price::default() })
    }

    fn cached() -> Cached<Halving> {
        let mut cached = Cached {
            planner: Halving::default(),
            relations: (0..10).map(|i| (i != 5).then(|| BTreeSet::from([Oid(1)]))).collect(),
            candidates: Vec::new(),
            existing: BTreeMap::from([(Oid(100), Oid(1)), (Oid(200), Oid(2))]),
            answers: BTreeMap::new(),
            n_hits: 0,
        };
        let on = |oid| Hypothetical {
            relation: Oid(oid),
            definition: crate::pg::IndexDefinition::btree(["a"]),
            estimated_bytes: Bytes(8192),
        };
        assert_eq!(cached.declare(&[on(1), on(1), on(2), on(1)]).unwrap().len(), 4);
        cached
    }

    fn ask(statement: usize, visible: &[u32], hidden: &[u32]) -> Ask {
        Ask {
            statement,
            visible: visible.iter().map(|id| CandidateId(*id)).collect(),
            hidden: hidden.iter().map(|oid| Oid(*oid)).collect(),
        }
    }

    #[test]
    fn indexes_on_other_relations_make_no_new_question() {
        let mut cached = cached();
        let asks = [ask(0, &[0], &[]), ask(0, &[0, 2], &[200]), ask(1, &[0], &[])];
        let answers = cached.price(&asks).unwrap();
        assert_eq!(answers[0], answers[1]);
        assert_eq!((cached.n_calls(), cached.n_hits()), (2, 1));
        cached.price(&[ask(0, &[0], &[100])]).unwrap();
        assert_eq!(cached.n_calls(), 2, "a plan without the hidden index stays what it is");
    }

    #[test]
    fn a_plan_that_uses_less_answers_for_every_set_between() {
        let mut cached = cached();
        cached.price(&[ask(0, &[0, 1, 3], &[])]).unwrap();
        let answers = cached.price(&[ask(0, &[0, 1], &[]), ask(0, &[0, 3], &[])]).unwrap();
        assert_eq!(cached.n_calls(), 2, "(0, 1) is known, (0, 3) lacks an index that was used");
        assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|price| price.total_cost < 34.0)));
    }

    #[test]
    fn an_unknown_statement_is_asked_for_every_index_and_failures_are_remembered() {
        let mut cached = cached();
        cached.price(&[ask(5, &[2], &[])]).unwrap();
        cached.price(&[ask(5, &[], &[])]).unwrap();
        assert_eq!(cached.n_calls(), 2);
        let refused = cached.price(&[ask(9, &[], &[]), ask(0, &[], &[]), ask(9, &[2], &[])]).unwrap();
        assert_eq!(refused[0], Err("permission denied".to_owned()));
        assert_eq!(refused[0], refused[2]);
        assert!(refused[1].is_ok());
        assert_eq!(cached.n_calls(), 4);
    }
}
