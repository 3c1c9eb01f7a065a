//! Which existing indexes to drop: duplicates, prefixes of others, and invalid leftovers. Never one that enforces or
//! carries something, and never for want of use: counters of one node and one window prove nothing.

use std::collections::BTreeSet;

use crate::pg::{Bytes, IndexDefinition, Oid, is_duplicate, makes_redundant, quote_identifier};
use crate::snapshot::keep::{KeepReason, must_keep};
use crate::snapshot::{Catalog, Index, Relation};
use crate::sql;
use crate::workload::Workload;

use super::write_cost::WriteCosts;
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
    let write_costs = WriteCosts::new(catalog, workload);
    let mut steps = Vec::new();
    for relation in &workload.snapshot.relations {
        let is_ours = relation.is_indexable() && options.admits(&relation.name);
        // An index of a partition belongs to the partitioned table's unless it was made for itself.
        if is_ours && scope::indexed_relation(catalog, relation.oid).is_some() {
            let new: Vec<&Step> = creates.iter().filter(|step| step.relation_oid == relation.oid).collect();
            steps.extend(drops_of(catalog, workload, &write_costs, relation, &new));
        }
    }
    steps
}

fn drops_of(
    catalog: &Catalog<'_>,
    workload: &Workload,
    write_costs: &WriteCosts<'_>,
    relation: &Relation,
    creates: &[&Step],
) -> Vec<Step> {
    let mut dropped: BTreeSet<Oid> = BTreeSet::new();
    let mut steps = Vec::new();
    // The newest first, so that of two alike the older one stays: plans, hints and scripts may name it.
    let mut newest_first: Vec<&Index> = relation.indexes.iter().collect();
    newest_first.sort_by_key(|index| std::cmp::Reverse(index.oid));
    for index in newest_first {
        if index.is_being_built || !may_go(catalog, relation, index, &dropped) {
            continue;
        }
        if let Some(why) = reason(relation, index, &dropped, creates) {
            dropped.insert(index.oid);
            steps.push(step(workload, write_costs, relation, index, why));
        }
    }
    steps.sort_by(|a, b| a.id.cmp(&b.id));
    steps
}

/// Whether nothing needs `index` to stay. An invalid unique index that no constraint owns enforces nothing that was
/// promised: its build failed, on duplicates or half-way.
fn may_go(catalog: &Catalog<'_>, relation: &Relation, index: &Index, dropped: &BTreeSet<Oid>) -> bool {
    let is_failed_build = |reason: &KeepReason| !index.is_valid && *reason == KeepReason::Unique;
    must_keep(catalog, relation, index, dropped).iter().all(is_failed_build)
}

/// Why `index` is not needed, as evidence for the reviewer; `None` when it is.
fn reason(relation: &Relation, index: &Index, dropped: &BTreeSet<Oid>, creates: &[&Step]) -> Option<String> {
    if !index.is_valid {
        let effect = if index.is_ready { "no query uses it and every write maintains it" } else { "no query uses it" };
        return Some(format!(
            "it is invalid: {effect}; if it is wanted, mend what made its build fail and rebuild it instead with REINDEX \
             INDEX CONCURRENTLY {}",
            quote_identifier(&index.name)
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
    existing.chain(new).find_map(|kept| why_replaced(index, &kept))
}

/// The existing indexes that a new one with `definition` would make superfluous.
pub fn replaced_by(
    catalog: &Catalog<'_>,
    relation: &Relation,
    definition: &IndexDefinition,
    bytes: Bytes,
) -> BTreeSet<Oid> {
    let new = Kept { name: "", definition, bytes, is_new: true };
    let nothing = BTreeSet::new();
    let goes = |index: &&Index| {
        index.is_usable() && may_go(catalog, relation, index, &nothing) && why_replaced(index, &new).is_some()
    };
    relation.indexes.iter().filter(goes).map(|index| index.oid).collect()
}

fn why_replaced(index: &Index, kept: &Kept<'_>) -> Option<String> {
    if is_duplicate(kept.definition, &index.definition) {
        return Some(format!("index {} is the same: {}", kept.name, shown(kept.definition)));
    }
    let is_too_large = kept.bytes.0 > index.bytes().0.saturating_mul(SIZE_RATIO_MAX);
    if !makes_redundant(kept.definition, &index.definition) || is_too_large {
        return None;
    }
    let sizes = format!("{} against {}", kept.bytes, index.bytes());
    Some(if kept.is_new {
        format!("the new index {} serves all that it does ({sizes}): drop it only once that one is valid", kept.name)
    } else {
        format!("index {} serves all that it does ({sizes}): {}", kept.name, shown(kept.definition))
    })
}

/// A definition for the reader: the constants of a predicate may be somebody's data.
fn shown(definition: &IndexDefinition) -> String {
    sql::without_constants(&definition.body())
}

fn step(workload: &Workload, write_costs: &WriteCosts<'_>, relation: &Relation, index: &Index, why: String) -> Step {
    let writes = write_costs.of_drop(relation, index.oid);
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
        write_cost: writes.units,
        writes,
        breaks_hot: false,
        answers: Vec::new(),
        statements: Vec::new(),
        cautions,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::advice::test_catalog::{index, orders};
    use crate::snapshot::{Constraint, ConstraintKind};
    use crate::workload::Weigh;
    use crate::workload::test_workload;

    /// The relation with a primary key (oid 10) and these indexes from oid 11 on.
    fn with(indexes: Vec<(&str, IndexDefinition)>) -> Relation {
        let mut relation = orders();
        for (number, (name, definition)) in indexes.into_iter().enumerate() {
            let mut index = index(11 + number as u32, name, definition);
            index.is_primary = false;
            relation.indexes.push(index);
        }
        relation
    }

    fn dropped(relation: Relation, creates: &[Step]) -> Vec<Step> {
        let mut workload = test_workload::workload(Weigh::Cost, Vec::new());
        let mut snapshot = test_workload::snapshot();
        snapshot.relations = vec![relation];
        workload.snapshot = Arc::new(snapshot);
        let catalog = Catalog::new(&workload.snapshot);
        drop_steps(&catalog, &workload, &AdviseOptions::default(), creates)
    }

    fn names(relation: Relation) -> Vec<String> {
        dropped(relation, &[]).into_iter().map(|step| step.id).collect()
    }

    fn on(columns: &[&str]) -> IndexDefinition {
        IndexDefinition::btree(columns.iter().copied())
    }

    #[test]
    fn of_two_alike_the_newer_goes_and_of_three_both_newer_ones() {
        let relation = with(vec![("old", on(&["tenant"])), ("new", on(&["tenant"])), ("newest", on(&["tenant"]))]);
        assert_eq!(names(relation), ["new", "newest"]);
    }

    #[test]
    fn a_prefix_goes_and_what_enforces_or_differs_stays() {
        let unique = IndexDefinition { is_unique: true, ..on(&["tenant"]) };
        let partial = IndexDefinition { predicate: Some("deleted IS NULL".to_owned()), ..on(&["tenant"]) };
        let wide = || ("wide", on(&["tenant", "customer"]));
        assert_eq!(names(with(vec![wide(), ("narrow", on(&["tenant"]))])), ["narrow"]);
        assert_eq!(names(with(vec![wide(), ("same_columns_as_key", on(&["id"]))])), ["same_columns_as_key"]);
        assert!(names(with(vec![wide(), ("unique", unique)])).is_empty());
        assert!(names(with(vec![wide(), ("partial", partial)])).is_empty());
        assert!(names(with(vec![wide(), ("other", on(&["customer"]))])).is_empty());
    }

    #[test]
    fn a_much_larger_index_replaces_no_small_one() {
        let mut relation = with(vec![("wide", on(&["tenant", "note"])), ("narrow", on(&["tenant"]))]);
        relation.indexes[1].n_pages = 1000;
        assert!(names(relation).is_empty());
    }

    #[test]
    fn an_invalid_index_goes_unless_it_is_being_built() {
        let mut relation = with(vec![("broken", on(&["customer"]))]);
        relation.indexes[1].is_valid = false;
        let steps = dropped(relation.clone(), &[]);
        assert!(steps[0].cautions[0].contains("REINDEX INDEX CONCURRENTLY broken"), "{:?}", steps[0].cautions);
        relation.indexes[1].is_being_built = true;
        assert!(names(relation).is_empty());
    }

    #[test]
    fn an_invalid_index_makes_nothing_redundant() {
        let mut relation = with(vec![("broken", on(&["tenant", "customer"])), ("narrow", on(&["tenant"]))]);
        relation.indexes[1].is_valid = false;
        assert_eq!(names(relation), ["broken"]);
    }

    #[test]
    fn the_last_server_of_a_foreign_key_stays() {
        let mut relation = with(vec![("one", on(&["customer"]))]);
        relation.indexes[1].is_clustered = true;
        assert!(names(relation.clone()).is_empty());
        relation.indexes[1].is_clustered = false;
        relation.constraints.push(Constraint {
            name: "orders_customer_fkey".to_owned(),
            kind: ConstraintKind::ForeignKey,
            columns: vec!["customer".to_owned()],
            foreign_key: None,
            index: None,
            is_inherited_copy: false,
            is_validated: true,
            expression: None,
            definition: None,
        });
        relation.indexes.push(index(20, "two", on(&["customer"])));
        assert_eq!(names(relation), ["two"], "one of them has to stay");
    }

    #[test]
    fn a_new_index_replaces_its_prefix_once_it_is_valid() {
        let create = Step {
            action: Action::CreateIndex,
            ..dropped(with(vec![("a", on(&["tenant"])), ("b", on(&["tenant"]))]), &[]).remove(0)
        };
        let create = Step { id: "orders_tenant_at_idx".to_owned(), index: on(&["tenant", "at"]), ..create };
        let steps = dropped(with(vec![("narrow", on(&["tenant"]))]), &[create]);
        assert_eq!(steps[0].id, "narrow");
        assert!(steps[0].cautions[0].contains("orders_tenant_at_idx") && steps[0].cautions[0].contains("valid"));
    }
}
