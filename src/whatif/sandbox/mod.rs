//! The sandbox backend: candidates really built in a database that the user named for that purpose, and shown to the
//! planner one configuration at a time. Never the analysed database. Statements are explained there, never executed.
//!
//! A superuser shows and hides indexes through `pg_index.indisvalid`; any other owner of the relations drops, in a
//! transaction that is rolled back, all indexes that a question is not about (ACCESS EXCLUSIVE locks on their
//! relations meanwhile). Costs are comparable among themselves; with those of the analysed server only as far as the
//! sandbox's data, statistics and settings are the same.

mod builds;

use std::collections::{BTreeMap, BTreeSet};

use self::builds::{Builds, Built};
use super::declared::{Declared, effective};
use super::{Ask, Backend, CandidateId, Hypothetical, Planner, Price, explain};
use crate::db::{Failure, Query, Session, Target};
use crate::error::{Error, Result};
use crate::pg::{Bytes, Oid, RelationName};
use crate::plan::Plan;
use crate::snapshot::Catalog;
use crate::workload::{Planned, Workload};

/// `statement_timeout` of one EXPLAIN.
const STATEMENT_TIMEOUT_MS: u32 = 5_000;

const SHOW: Query = Query { name: "indexes to show", sql: include_str!("../queries/sandbox_show.sql") };

/// A database for building candidates.
pub struct Sandbox<'w> {
    builds: Builds,
    workload: &'w Workload,
    catalog: Catalog<'w>,
    declared: Vec<Declared>,
    /// The candidate of each index that was built, by schema and name.
    candidates: BTreeMap<(String, String), CandidateId>,
    n_calls: u64,
}

/// Questions with the same indexes: positions by visible candidates and hidden existing indexes.
type Groups = BTreeMap<(BTreeSet<CandidateId>, BTreeSet<Oid>), Vec<usize>>;

/// A backend's answer to one question.
type Answer = std::result::Result<Price, String>;

impl<'w> Sandbox<'w> {
    /// Connects to `target`, drops what a killed run left behind there, and keeps other runs out. `analysed` is the
    /// server that `workload` was read from, where there is one.
    ///
    /// # Errors
    /// It is the analysed database, a standby, or used by another run; or it cannot be reached.
    pub fn connect(target: &Target, analysed: Option<&mut Session>, workload: &'w Workload) -> Result<Self> {
        let builds = Builds::connect(target, analysed, &workload.snapshot)?;
        let catalog = Catalog::new(&workload.snapshot);
        Ok(Self { builds, workload, catalog, declared: Vec::new(), candidates: BTreeMap::new(), n_calls: 0 })
    }

    /// Plans the statements of one group, in as many transactions as refusals ask for.
    fn answer_group(
        &mut self,
        asks: &[Ask],
        (visible, hidden): (&BTreeSet<CandidateId>, &BTreeSet<Oid>),
        positions: &[usize],
        answers: &mut [Answer],
    ) -> Result<()> {
        let hidden = match self.builds.existing(&self.names_of(hidden)) {
            Ok(hidden) => hidden,
            Err(failure) => return fail_all(failure, positions, answers),
        };
        let setup = self.builds.setup(visible, &hidden);
        let shown = self.builds.oids(visible);
        let hidden: Vec<Oid> = hidden.iter().flat_map(Built::oids).collect();
        let toggles = self.builds.is_superuser() && !(shown.is_empty() && hidden.is_empty());
        let mut n_done = 0;
        while n_done < positions.len() {
            let (workload, catalog, candidates) = (self.workload, &self.catalog, &self.candidates);
            let n_calls = &mut self.n_calls;
            let asked = self.builds.session().rolled_back(STATEMENT_TIMEOUT_MS, &setup, |transaction| {
                if toggles {
                    transaction.query(&SHOW, &[&shown, &hidden])?;
                }
                while let Some(position) = positions.get(n_done) {
                    let planned = planned(workload, asks[*position].statement)?;
                    *n_calls += 1;
                    let plan = explain::plan(transaction, planned)?;
                    answers[*position] = plan.map(|plan| price(&plan, catalog, candidates));
                    n_done += 1;
                }
                Ok(())
            });
            if let Err(failure) = asked {
                let refusal = explain::refusal(failure)?;
                if let Some(position) = positions.get(n_done) {
                    answers[*position] = Err(refusal);
                }
                n_done += 1;
            }
        }
        Ok(())
    }

    fn names_of(&self, indexes: &BTreeSet<Oid>) -> Vec<RelationName> {
        let name = |oid: &Oid| {
            let (relation, index) = self.catalog.index(*oid)?;
            Some(RelationName::new(&relation.name.schema, &index.name))
        };
        indexes.iter().filter_map(name).collect()
    }
}

impl Planner for Sandbox<'_> {
    fn backend(&self) -> Backend {
        Backend::Sandbox
    }

    fn declare(&mut self, candidates: &[Hypothetical]) -> Result<Vec<std::result::Result<Bytes, String>>> {
        let mut answers = Vec::new();
        for candidate in candidates {
            let id = CandidateId(self.declared.len() as u32);
            let mut declared = Declared::new(&self.catalog, candidate);
            let built = match self.catalog.relation(candidate.relation) {
                None => Err(format!("relation {} is not in the snapshot", candidate.relation)),
                Some(relation) => self.builds.build(id, relation, &candidate.definition)?,
            };
            match &built {
                Err(reason) => declared.refused = Some(reason.clone()),
                Ok(built) => self.candidates.extend(built.names().map(|name| (name, id))),
            }
            self.declared.push(declared);
            answers.push(built.map(|built| built.bytes()));
        }
        Ok(answers)
    }

    fn price(&mut self, asks: &[Ask]) -> Result<Vec<Answer>> {
        let mut answers = vec![Err(explain::NOT_PLANNED.to_owned()); asks.len()];
        let mut groups = Groups::new();
        for (position, ask) in asks.iter().enumerate() {
            if explain::planned(&self.workload.statements, ask.statement).is_ok() {
                let visible = effective(&self.declared, &ask.visible, &ask.hidden);
                groups.entry((visible, ask.hidden.clone())).or_default().push(position);
            }
        }
        for ((visible, hidden), positions) in &groups {
            self.answer_group(asks, (visible, hidden), positions, &mut answers)?;
        }
        Ok(answers)
    }

    fn n_calls(&self) -> u64 {
        self.n_calls
    }
}

fn planned(workload: &Workload, statement: usize) -> std::result::Result<&Planned, Failure> {
    explain::planned(&workload.statements, statement).map_err(|reason| Error::internal(reason).into())
}

fn price(plan: &Plan, catalog: &Catalog, candidates: &BTreeMap<(String, String), CandidateId>) -> Price {
    let used = plan.indexes_used();
    let candidate =
        |(schema, name): &(Option<String>, String)| candidates.get(&(schema.clone()?, name.clone())).copied();
    Price {
        total_cost: plan.root.total_cost,
        used: used.iter().filter_map(candidate).collect(),
        used_existing: explain::existing_indexes(plan, catalog),
        unproven: BTreeSet::new(),
    }
}

fn fail_all(failure: Failure, positions: &[usize], answers: &mut [Answer]) -> Result<()> {
    let refusal = explain::refusal(failure)?;
    for position in positions {
        answers[*position] = Err(refusal.clone());
    }
    Ok(())
}
