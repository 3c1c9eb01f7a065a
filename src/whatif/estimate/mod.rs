//! The estimate: what-if costs reckoned in process, with no server. It takes a statement's plan as the server made it,
//! works out with PostgreSQL's own formulas what other indexes would change about its scans, sorts and joins, and
//! carries the differences to the root. It does not plan: the order of joins stays as it is.
//!
//! What is modelled, and how near it comes to really built indexes, is in docs/whatif.md.

mod condition;
mod cost;
mod index;
mod joins;
mod nodes;
mod path;
mod rebuild;
mod scan;
mod settings;
mod share;
mod sorts;
mod table;

use std::collections::BTreeSet;

use self::path::{FUZZ, Path};
use self::rebuild::Rebuild;
use self::settings::Settings;
use super::declared::{Declared, effective};
use super::{Ask, Backend, CandidateId, Hypothetical, Planner, Price, explain};
use crate::error::{Error, Result};
use crate::pg::{AccessMethod, Bytes, Oid};
use crate::plan::Plan;
use crate::snapshot::Catalog;
use crate::sql::parse::on_large_stack;
use crate::workload::{Statement, Workload};

/// Why a statement has no price once an index that its plan uses is hidden.
const NO_OTHER_PLAN: &str = "the estimate knows no other plan without an index that is hidden";

/// Prices statements by their plans and statistics alone.
#[derive(Debug)]
pub struct Estimate<'w> {
    workload: &'w Workload,
    catalog: Catalog<'w>,
    settings: Settings,
    declared: Vec<Declared>,
    n_calls: u64,
}

impl<'w> Estimate<'w> {
    /// An estimate for the statements of `workload`.
    pub fn new(workload: &'w Workload) -> Self {
        Self {
            workload,
            catalog: Catalog::new(&workload.snapshot),
            settings: Settings::of(&workload.snapshot),
            declared: Vec::new(),
            n_calls: 0,
        }
    }

    fn answer(&self, ask: &Ask) -> std::result::Result<Price, String> {
        let statement = self.workload.statements.get(ask.statement).ok_or(explain::NOT_PLANNED)?;
        let plan = &explain::planned(&self.workload.statements, ask.statement)?.plan;
        let before = explain::existing_indexes(plan, &self.catalog);
        let visible = effective(&self.declared, &ask.visible, &ask.hidden);
        let (modelled, unknown): (BTreeSet<CandidateId>, BTreeSet<CandidateId>) =
            visible.into_iter().partition(|id| self.is_modelled(*id));
        let is_lost = |oid: &Oid| {
            self.catalog.index(*oid).is_some_and(|(_, index)| rebuild::is_hidden(&self.catalog, index, &ask.hidden))
        };
        let is_unchanged = !before.iter().any(is_lost);
        let mut price = if is_unchanged {
            Price { total_cost: plan.root.total_cost, used_existing: before, ..Price::default() }
        } else {
            let price = self.cheapest(statement, plan, &BTreeSet::new(), &ask.hidden).ok_or(NO_OTHER_PLAN)?;
            // Less to choose from makes no plan cheaper.
            Price { total_cost: price.total_cost.max(plan.root.total_cost), ..price }
        };
        if !modelled.is_empty() {
            let other = self.cheapest(statement, plan, &modelled, &ask.hidden);
            if let Some(other) = other.filter(|other| other.total_cost * FUZZ < price.total_cost) {
                price = other;
            }
        }
        let read = relations_read(plan, &self.catalog);
        price.unproven =
            unknown.into_iter().filter(|id| read.contains(&self.declared[id.0 as usize].relation)).collect();
        Ok(price)
    }

    fn is_modelled(&self, id: CandidateId) -> bool {
        self.declared.get(id.0 as usize).is_some_and(|d| d.definition.access_method == AccessMethod::Btree)
    }

    fn cheapest(
        &self,
        statement: &Statement,
        plan: &Plan,
        visible: &BTreeSet<CandidateId>,
        hidden: &BTreeSet<Oid>,
    ) -> Option<Price> {
        let candidates = visible.iter().filter_map(|id| Some((*id, self.declared.get(id.0 as usize)?)));
        let rebuild = Rebuild::new(&self.settings, &self.catalog, statement, plan, candidates.collect(), hidden);
        let paths = rebuild.paths();
        let best = paths.iter().min_by(|a, b| a.total.total_cmp(&b.total).then(a.used.len().cmp(&b.used.len())))?;
        Some(priced(best))
    }
}

fn priced(path: &Path) -> Price {
    Price {
        total_cost: path.total,
        used: path.used.clone(),
        used_existing: path.used_existing.clone(),
        unproven: BTreeSet::new(),
    }
}

/// The relations that a plan scans, and the partitioned tables that those are partitions of.
fn relations_read(plan: &Plan, catalog: &Catalog) -> BTreeSet<Oid> {
    let scans = plan.scans();
    let found = scans.iter().filter_map(|scan| catalog.find(scan.node.schema.as_deref(), scan.relation_name));
    found.flat_map(|relation| [relation.oid, catalog.partition_root(relation.oid)]).collect()
}

impl Planner for Estimate<'_> {
    fn backend(&self) -> Backend {
        Backend::Estimate
    }

    fn declare(&mut self, candidates: &[Hypothetical]) -> Result<Vec<std::result::Result<Bytes, String>>> {
        let mut answers = Vec::new();
        for candidate in candidates {
            let mut declared = Declared::new(&self.catalog, candidate);
            let answer = match self.catalog.relation(candidate.relation) {
                None => Err(format!("relation {} is not in the snapshot", candidate.relation)),
                Some(relation) => {
                    super::size::estimate(&self.catalog, relation, &candidate.definition).map(|size| size.bytes())
                }
            };
            declared.refused = answer.as_ref().err().cloned();
            self.declared.push(declared);
            answers.push(answer);
        }
        Ok(answers)
    }

    fn price(&mut self, asks: &[Ask]) -> Result<Vec<std::result::Result<Price, String>>> {
        self.n_calls += asks.len() as u64;
        // Plans may be deep; and the parser needs no thread of its own for each expression there.
        let answers = on_large_stack(|| asks.iter().map(|ask| self.answer(ask)).collect());
        answers.map_err(Error::internal)
    }

    fn n_calls(&self) -> u64 {
        self.n_calls
    }
}
