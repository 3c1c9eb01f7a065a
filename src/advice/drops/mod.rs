//! Which existing indexes to drop: what others make superfluous, and invalid leftovers. Never one that enforces or
//! carries something. Decides from the catalog alone; `proof` asks the planner whether anything becomes worse.

mod proof;
mod step;
#[cfg(test)]
mod tests;
mod unused;

pub use proof::{Given, planned_indexes, prove, used_existing};

use std::collections::BTreeSet;

use crate::pg::Oid;
use crate::snapshot::keep::{KeepReason, must_keep};
use crate::snapshot::overlap::{NewIndex, Overlap, overlaps};
use crate::snapshot::{Catalog, Index, Relation};
use crate::workload::Workload;

use super::write_cost::{WriteCost, WriteCosts};
use super::{Action, AdviseOptions, Declined, Step, scope};
use unused::Evidence;

/// An index that is to go.
#[derive(Debug, Clone)]
pub struct Drop<'s> {
    /// Its relation.
    pub relation: &'s Relation,
    /// The index.
    pub index: &'s Index,
    /// Why it is not needed, as evidence for the reviewer.
    pub why: String,
    /// The name of the index that does all that it does; `None` where nothing has to.
    pub cover: Option<String>,
    /// What maintaining it costs; negative, for it is saved.
    pub writes: WriteCost,
    /// What was found when the planner was asked; `None` before.
    pub proof: Option<String>,
}

/// What is to go by the catalog, and what stays though another index does what it does.
#[derive(Debug, Clone, Default)]
pub struct Decided<'s> {
    /// The indexes that are to go, by relation and name.
    pub drops: Vec<Drop<'s>>,
    /// The indexes that are not.
    pub declined: Vec<Declined>,
}

impl Decided<'_> {
    /// The steps, and what is declined.
    pub fn steps(self, workload: &Workload) -> (Vec<Step>, Vec<Declined>) {
        (self.drops.iter().map(|drop| step::step(workload, drop)).collect(), self.declined)
    }

    /// Notes the same of every valid index that is to go.
    pub fn note(&mut self, proof: &str) {
        for drop in self.drops.iter_mut().filter(|drop| drop.index.is_usable()) {
            drop.proof = Some(proof.to_owned());
        }
    }
}

/// What is to go on every relation that advice is given for, `creates` being done first. `planned` are the existing
/// indexes in some plan of the workload then.
pub fn decide<'s>(
    catalog: &Catalog<'s>,
    workload: &'s Workload,
    options: &AdviseOptions,
    creates: &[Step],
    planned: &BTreeSet<Oid>,
) -> Decided<'s> {
    let write_costs = WriteCosts::new(catalog, workload);
    let evidence = Evidence::new(&workload.snapshot, options, planned);
    let mut decided = Decided::default();
    for relation in &workload.snapshot.relations {
        let is_ours = relation.is_indexable() && options.admits(&relation.name);
        // An index of a partition belongs to the partitioned table's unless it was made for itself.
        if is_ours && scope::indexed_relation(catalog, relation.oid).is_some() {
            decide_relation(catalog, &write_costs, &evidence, relation, creates, &mut decided);
        }
    }
    decided
}

fn decide_relation<'s>(
    catalog: &Catalog<'s>,
    write_costs: &WriteCosts<'_>,
    evidence: &Evidence<'_>,
    relation: &'s Relation,
    creates: &[Step],
    decided: &mut Decided<'s>,
) {
    let own = creates.iter().filter(|step| step.action == Action::CreateIndex && step.relation_oid == relation.oid);
    let coming: Vec<NewIndex> = own.map(new_index).collect();
    let failed: Vec<&Index> = relation.indexes.iter().filter(|index| is_failed(catalog, relation, index)).collect();
    let mut gone: BTreeSet<Oid> = failed.iter().map(|index| index.oid).collect();
    let mut drops: Vec<(&Index, String, Option<String>)> =
        failed.into_iter().map(|index| (index, step::why_failed(index), None)).collect();
    let mut unproved = Vec::new();
    for unused in evidence.unused(catalog, relation, &gone, &coming) {
        match unused.evidence {
            Ok(why) => {
                gone.insert(unused.index.oid);
                drops.push((unused.index, why, None));
            }
            Err(missing) => unproved.push((unused.index, missing)),
        }
    }
    for overlap in overlaps(catalog, relation, &gone, &coming) {
        if overlap.is_cover_too_large() {
            decided.declined.push(too_large(relation, &overlap));
        } else {
            unproved.retain(|(index, _)| index.oid != overlap.index.oid);
            drops.push((overlap.index, step::why_covered(&overlap), Some(overlap.cover.name.to_owned())));
        }
    }
    decided.declined.extend(
        unproved.into_iter().map(|(index, missing)| declined(relation, index, format!("{}: {missing}", stays(index)))),
    );
    drops.sort_by(|(a, ..), (b, ..)| a.name.cmp(&b.name));
    decided.drops.extend(drops.into_iter().map(|(index, why, cover)| {
        let writes = write_costs.of_drop(relation, index.oid);
        Drop { relation, index, why, cover, writes, proof: None }
    }));
}

fn new_index(step: &Step) -> NewIndex {
    NewIndex { name: step.id.clone(), definition: step.index.clone(), bytes: step.index_bytes }
}

/// Whether `index` is the invalid leftover of a build, and nothing needs it to stay. An invalid unique index that no
/// constraint owns enforces nothing that was promised: its build failed, on duplicates or half-way.
fn is_failed(catalog: &Catalog<'_>, relation: &Relation, index: &Index) -> bool {
    let is_unique = |reason: &KeepReason| *reason == KeepReason::Unique;
    !index.is_valid
        && !index.is_being_built
        && must_keep(catalog, relation, index, &BTreeSet::new(), &[]).iter().all(is_unique)
}

fn too_large(relation: &Relation, overlap: &Overlap<'_, '_>) -> Declined {
    let Overlap { index, cover, .. } = overlap;
    let reason = format!(
        "{}: {} does all that it does, and is so much larger ({} against {}) that the small one may be there for that",
        stays(index),
        cover.name,
        cover.bytes,
        index.bytes()
    );
    declined(relation, index, reason)
}

/// How the reason begins why an existing index is not dropped.
fn stays(index: &Index) -> String {
    format!("existing index {} stays", index.name)
}

fn declined(relation: &Relation, index: &Index, reason: String) -> Declined {
    Declined { relation: relation.name.clone(), index: index.definition.clone(), reason, statements: BTreeSet::new() }
}
