//! The HypoPG backend: hypothetical indexes on the analysed server itself, in short read-only transactions. Its known
//! faults are corrected here: missing descents and sizes (`correction`), duplicates of existing indexes (never made),
//! partial indexes that it overlooks (`stand_in`). What it cannot judge is said to be unproven.
//!
//! `declare` returns the sizes of `hypopg_relation_size`, because budgets are compared on the axis that the plans were
//! priced with; the size model's own estimate stays in [`Hypothetical::estimated_bytes`].

mod correction;
mod judge;
mod loops;
mod stand_in;
mod transactions;

use std::collections::{BTreeMap, BTreeSet};

use self::judge::{Judge, Judged};
use self::transactions::{Configuration, Hypotheses, Question, SlotId};
use super::declared::{Declared, create_sql, effective};
use super::explain;
use super::{Ask, Backend, CandidateId, Hypothetical, Planner, Price};
use crate::db::Session;
use crate::error::Result;
use crate::pg::{AccessMethod, Bytes};
use crate::snapshot::Catalog;
use crate::whatif::size;
use crate::workload::Workload;

/// Hypothetical indexes that one session holds at most. HypoPG 1.2 and later takes their oids from a range that ends
/// after 2,756 (PostgreSQL 17) to 2,828 (15) of them: "hypopg: not more oid available".
const INDEXES_MAX: usize = 2_700;

/// HypoPG on the analysed server.
pub struct Hypopg<'w> {
    session: &'w mut Session,
    workload: &'w Workload,
    catalog: Catalog<'w>,
    hypotheses: Hypotheses,
    judge: Judge,
    declared: Vec<Declared>,
}

impl<'w> Hypopg<'w> {
    /// Uses HypoPG on the server of `session`, which is the one that `workload` was read from. Creates one hypothetical
    /// index first, to see that the server survives it.
    ///
    /// # Errors
    /// HypoPG is not created in the database, or the server broke down over the first index.
    pub fn start(session: &'w mut Session, workload: &'w Workload) -> Result<Self> {
        let hypotheses = Hypotheses::of_server(session, &workload.snapshot)?;
        let catalog = Catalog::new(&workload.snapshot);
        hypotheses.try_one(session, &catalog)?;
        let judge = Judge::new(workload);
        Ok(Self { session, workload, catalog, hypotheses, judge, declared: Vec::new() })
    }

    /// The same with HypoPG's costs as they are. To be said before candidates are declared.
    pub fn uncorrected(mut self) -> Self {
        self.judge.takes_costs_as_they_are();
        self
    }

    /// Questions that can be asked, by position; the answers of all others.
    fn questions(&self, asks: &[Ask], answers: &mut [std::result::Result<Price, String>]) -> Vec<Question<'w>> {
        let mut questions = Vec::new();
        for (position, ask) in asks.iter().enumerate() {
            let planned = explain::planned(&self.workload.statements, ask.statement);
            let hidable = if ask.hidden.is_empty() { Ok(()) } else { self.hypotheses.can_hide() };
            match planned.and_then(|planned| hidable.map(|()| planned)) {
                Err(reason) => answers[position] = Err(reason),
                Ok(planned) => {
                    let visible = effective(&self.declared, &ask.visible, &ask.hidden);
                    let slots = visible.iter().map(|id| SlotId::of(*id)).collect();
                    let configuration = Configuration { slots, hidden: ask.hidden.clone() };
                    questions.push(Question { position, planned, configuration });
                }
            }
        }
        questions
    }

    /// Plans each question and judges the plan.
    fn ask(
        &mut self,
        asks: &[Ask],
        questions: &[Question<'w>],
    ) -> Result<BTreeMap<usize, std::result::Result<Judged, String>>> {
        let (judge, catalog) = (&self.judge, &self.catalog);
        let outcomes = self.hypotheses.plan(self.session, questions, |question, plan, slots| {
            judge.judge(catalog, asks[question.position].statement, question, plan, slots)
        })?;
        Ok(questions.iter().map(|question| question.position).zip(outcomes).collect())
    }

    /// Asks again, with stand-ins for the partial indexes that the first plan may have overlooked.
    fn ask_again(
        &mut self,
        asks: &[Ask],
        questions: &[Question<'w>],
        first: &mut BTreeMap<usize, std::result::Result<Judged, String>>,
    ) -> Result<()> {
        let mut again = Vec::new();
        for question in questions {
            let Some(Ok(judged)) = first.get_mut(&question.position) else { continue };
            let stand_ins: BTreeSet<SlotId> =
                judged.overlooked.iter().flat_map(|id| self.hypotheses.stand_ins(*id)).collect();
            if !stand_ins.is_empty() {
                let mut question = question.clone();
                question.configuration.slots.extend(stand_ins);
                again.push(question);
            }
        }
        for (position, second) in self.ask(asks, &again)? {
            if let (Some(Ok(first)), Ok(second)) = (first.get_mut(&position), second) {
                first.revise(second);
            }
        }
        Ok(())
    }

    /// The visible indexes of a question with more of them than a session holds: those that are used when they are
    /// asked about in parts.
    fn fewer(&mut self, ask: &Ask) -> Result<Ask> {
        let mut visible = effective(&self.declared, &ask.visible, &ask.hidden);
        while visible.len() > INDEXES_MAX {
            let all: Vec<CandidateId> = visible.iter().copied().collect();
            let parts: Vec<Ask> = all
                .chunks(INDEXES_MAX)
                .map(|part| Ask { visible: part.iter().copied().collect(), ..ask.clone() })
                .collect();
            let answers = self.price(&parts)?;
            let used: BTreeSet<CandidateId> = answers.into_iter().flatten().flat_map(|price| price.used).collect();
            visible = used.into_iter().take(INDEXES_MAX).collect();
        }
        Ok(Ask { visible, ..ask.clone() })
    }
}

impl Planner for Hypopg<'_> {
    fn backend(&self) -> Backend {
        Backend::Hypopg
    }

    fn declare(&mut self, candidates: &[Hypothetical]) -> Result<Vec<std::result::Result<Bytes, String>>> {
        let mut answers = Vec::new();
        let mut wanted = Vec::new();
        for candidate in candidates {
            let id = CandidateId(self.declared.len() as u32);
            let mut declared = Declared::new(&self.catalog, candidate);
            match definition_sql(&self.catalog, candidate) {
                Ok(sql) => wanted.push((id, sql)),
                Err(reason) => declared.refused = Some(reason),
            }
            answers.push(declared.refused.clone().map_or(Ok(candidate.estimated_bytes), Err));
            self.declared.push(declared);
        }
        let first = self.declared.len() - candidates.len();
        for (id, outcome) in self.hypotheses.declare(self.session, &wanted)? {
            let position = id.0 as usize;
            let declared = &mut self.declared[position];
            match &outcome {
                Err(reason) => declared.refused = Some(reason.clone()),
                Ok(bytes) => {
                    self.judge.add(&self.catalog, id, declared, *bytes);
                    for (slot, definition) in self.hypotheses.add_stand_ins(&self.catalog, id, declared) {
                        self.judge.add_dimensions(&self.catalog, slot, &definition, declared.relation, None);
                    }
                }
            }
            answers[position - first] = outcome;
        }
        Ok(answers)
    }

    fn price(&mut self, asks: &[Ask]) -> Result<Vec<std::result::Result<Price, String>>> {
        let mut fitting = Vec::with_capacity(asks.len());
        for ask in asks {
            fitting.push(if ask.visible.len() > INDEXES_MAX { self.fewer(ask)? } else { ask.clone() });
        }
        let mut answers = vec![Err(explain::NOT_PLANNED.to_owned()); asks.len()];
        let questions = self.questions(&fitting, &mut answers);
        let mut judged = self.ask(&fitting, &questions)?;
        self.ask_again(&fitting, &questions, &mut judged)?;
        for (position, outcome) in judged {
            let statement = &self.workload.statements[fitting[position].statement];
            answers[position] = outcome.map(|judged| {
                let before = statement.planned.as_ref().filter(|_| fitting[position].hidden.is_empty());
                judged.price(before, &self.catalog)
            });
        }
        Ok(answers)
    }

    fn n_calls(&self) -> u64 {
        self.hypotheses.n_calls()
    }
}

/// The CREATE INDEX of a candidate. HypoPG does not look at row widths, PostgreSQL would.
fn definition_sql(catalog: &Catalog, candidate: &Hypothetical) -> std::result::Result<String, String> {
    let Some(relation) = catalog.relation(candidate.relation) else {
        return Err(format!("relation {} is not in the snapshot", candidate.relation));
    };
    if candidate.definition.access_method == AccessMethod::Btree {
        size::estimate(catalog, relation, &candidate.definition)?;
    }
    Ok(create_sql(None, relation, &candidate.definition))
}
