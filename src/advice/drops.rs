//! Which existing indexes to drop: duplicates, prefixes of others, and invalid leftovers. Never one that enforces or
//! carries something, and never for want of use: counters of one node and one window prove nothing.

use std::collections::BTreeSet;

use crate::pg::{Bytes, IndexDefinition, Oid, is_duplicate, makes_redundant};
use crate::snapshot::keep::must_keep;
use crate::snapshot::{Catalog, Index, Relation};
use crate::workload::Workload;

use super::write_cost::write_cost;
use super::{Action, AdviseOptions, Step, scope};

/// How much larger an index may be than a redundant one that it replaces: scans by the leading columns alone then read
/// more leaf pages, and beyond this the small index may be there for that.
const SIZE_RATIO_MAX: u64 = 4;

/// An index that will exist once the steps are done, by name.
struct Kept<'a> {
    name: &'a str,
    definition: &'a IndexDefinition,
    bytes: Bytes,
    is_new: bool,
}

/// The drop steps for every relation that advice is given for, `creates` being done first.
pub fn drop_steps(catalog: &Catalog<'_>, workload: &Workload, options: &AdviseOptions, creates: &[Step]) -> Vec<Step> {
    let mut steps = Vec::new();
    for relation in &workload.snapshot.relations {
        let is_ours = relation.is_indexable() && options.admits(&relation.name);
        // An index of a partition belongs to the partitioned table's unless it was made for itself.
        if is_ours && scope::indexed_relation(catalog, relation.oid).is_some() {
            let new: Vec<&Step> = creates.iter().filter(|step| step.relation_oid == relation.oid).collect();
            steps.extend(drops_of(catalog, workload, relation, &new));
        }
    }
    steps
}

fn drops_of(catalog: &Catalog<'_>, workload: &Workload, relation: &Relation, creates: &[&Step]) -> Vec<Step> {
    let mut dropped: BTreeSet<Oid> = BTreeSet::new();
    let mut steps = Vec::new();
    // The newest first, so that of two alike the older one stays: plans, hints and scripts may name it.
    let mut newest_first: Vec<&Index> = relation.indexes.iter().collect();
    newest_first.sort_by_key(|index| std::cmp::Reverse(index.oid));
    for index in newest_first {
        if !must_keep(catalog, relation, index, &dropped).is_empty() || index.is_being_built {
            continue;
        }
        if let Some(why) = reason(relation, index, &dropped, creates) {
            dropped.insert(index.oid);
            steps.push(step(catalog, workload, relation, index, why));
        }
    }
    steps.sort_by(|a, b| a.id.cmp(&b.id));
    steps
}

/// Why `index` is not needed, as evidence for the reviewer; `None` when it is.
fn reason(relation: &Relation, index: &Index, dropped: &BTreeSet<Oid>, creates: &[&Step]) -> Option<String> {
    if !index.is_valid {
        return Some(format!(
            "it is invalid: no query uses it and every write maintains it; if it is wanted, rebuild it instead with \
             REINDEX INDEX CONCURRENTLY {}",
            index.name
        ));
    }
    let existing = relation
        .indexes
        .iter()
        .filter(|other| other.oid != index.oid && other.is_usable() && !dropped.contains(&other.oid))
        .map(|other| Kept { name: &other.name, definition: &other.definition, bytes: other.bytes(), is_new: false });
    let new = creates.iter().map(|step| Kept {
        name: &step.id,
        definition: &step.index,
        bytes: step.index_bytes,
        is_new: true,
    });
    existing.chain(new).find_map(|kept| replaced_by(index, &kept))
}

fn replaced_by(index: &Index, kept: &Kept<'_>) -> Option<String> {
    if is_duplicate(kept.definition, &index.definition) {
        return Some(format!("index {} is the same: {}", kept.name, kept.definition.body()));
    }
    let is_too_large = kept.bytes.0 > index.bytes().0.saturating_mul(SIZE_RATIO_MAX);
    if !makes_redundant(kept.definition, &index.definition) || is_too_large {
        return None;
    }
    let sizes = format!("{} against {}", kept.bytes, index.bytes());
    Some(if kept.is_new {
        format!("the new index {} serves all that it does ({sizes}): drop it only once that one is valid", kept.name)
    } else {
        format!("index {} serves all that it does ({sizes}): {}", kept.name, kept.definition.body())
    })
}

fn step(catalog: &Catalog<'_>, workload: &Workload, relation: &Relation, index: &Index, why: String) -> Step {
    let mut cautions = vec![why];
    if let Some(usage) = &index.usage {
        let since = workload.snapshot.server.stats_reset.map_or_else(String::new, |at| format!(" since {at}"));
        cautions.push(format!("{} scans of it were counted on this node{since}", usage.n_scans));
    }
    if !index.options.is_empty() {
        cautions.push(format!("it has storage parameters: {}", index.options.join(", ")));
    }
    Step {
        id: index.name.clone(),
        action: Action::DropIndex,
        relation_oid: relation.oid,
        relation: relation.name.clone(),
        index: index.definition.clone(),
        index_bytes: index.bytes(),
        cost_before: 0.0,
        cost_after: 0.0,
        write_cost: -write_cost(catalog, workload, relation, &index.definition).units,
        breaks_hot: false,
        answers: Vec::new(),
        statements: Vec::new(),
        cautions,
    }
}
