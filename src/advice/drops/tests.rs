//! What goes by the catalog alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::advice::test_catalog::{index, orders};
use crate::error::Result;
use crate::pg::{Bytes, IndexDefinition};
use crate::snapshot::{Constraint, ConstraintKind};
use crate::whatif::{Ask, Backend, Hypothetical, Planner, Price};
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

/// An empty workload over `relation`.
fn over(relation: Relation) -> Workload {
    let mut workload = test_workload::workload(Weigh::Cost, Vec::new());
    let mut snapshot = test_workload::snapshot();
    snapshot.relations = vec![relation];
    workload.snapshot = Arc::new(snapshot);
    workload
}

fn dropped(relation: Relation, creates: &[Step]) -> Vec<Step> {
    let workload = over(relation);
    let catalog = Catalog::new(&workload.snapshot);
    decide(&catalog, &workload, &AdviseOptions::default(), creates, &BTreeSet::new()).steps(&workload).0
}

fn names(relation: Relation) -> Vec<String> {
    dropped(relation, &[]).into_iter().map(|step| step.id).collect()
}

fn on(columns: &[&str]) -> IndexDefinition {
    IndexDefinition::btree(columns.iter().copied())
}

/// A foreign key over `column`.
fn foreign_key_of(column: &str) -> Constraint {
    Constraint {
        name: format!("orders_{column}_fkey"),
        kind: ConstraintKind::ForeignKey,
        columns: vec![column.to_owned()],
        foreign_key: None,
        index: None,
        is_inherited_copy: false,
        is_validated: true,
        expression: None,
        definition: None,
    }
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
    let (workload, creates) = (over(relation), Vec::new());
    let catalog = Catalog::new(&workload.snapshot);
    let decided = decide(&catalog, &workload, &AdviseOptions::default(), &creates, &BTreeSet::new());
    assert!(decided.drops.is_empty());
    assert!(decided.declined[0].reason.starts_with("existing index narrow stays: wide "), "{:?}", decided.declined);
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
    relation.constraints.push(foreign_key_of("customer"));
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

#[test]
fn what_covers_an_index_stays_itself() {
    let three =
        vec![("a", on(&["tenant"])), ("ab", on(&["tenant", "customer"])), ("abc", on(&["tenant", "customer", "at"]))];
    let steps = dropped(with(three), &[]);
    let why: Vec<(&str, &str)> = steps.iter().map(|step| (step.id.as_str(), step.cautions[0].as_str())).collect();
    assert_eq!(why.len(), 2, "{why:?}");
    assert!(why.iter().all(|(_, why)| why.starts_with("index abc serves all that it does")), "{why:?}");
}

#[test]
fn a_new_index_takes_over_the_foreign_key_of_the_one_it_replaces() {
    let mut relation = with(vec![("narrow", on(&["customer"]))]);
    relation.constraints.push(foreign_key_of("customer"));
    assert!(names(relation.clone()).is_empty());
    let create = Step {
        action: Action::CreateIndex,
        ..dropped(with(vec![("a", on(&["at"])), ("b", on(&["at"]))]), &[]).remove(0)
    };
    let create = Step { id: "wide".to_owned(), index: on(&["customer", "at"]), ..create };
    let steps = dropped(relation, &[create]);
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].id, "narrow");
}

/// A planner to which each statement costs 100, and 10 % more for each of its indexes that is hidden.
struct Missing {
    uses: Vec<BTreeSet<Oid>>,
    refuses: bool,
}

impl Planner for Missing {
    fn backend(&self) -> Backend {
        Backend::Shadow
    }

    fn declare(&mut self, candidates: &[Hypothetical]) -> Result<Vec<std::result::Result<Bytes, String>>> {
        Ok(candidates.iter().map(|candidate| Ok(candidate.estimated_bytes)).collect())
    }

    fn price(&mut self, asks: &[Ask]) -> Result<Vec<std::result::Result<Price, String>>> {
        let price = |ask: &Ask| {
            let uses = &self.uses[ask.statement];
            if self.refuses && !ask.hidden.is_empty() {
                return Err("indexes cannot be hidden here".to_owned());
            }
            // Alone, each is replaced by the other for nothing; without both, the relation is read.
            let total_cost = if uses.is_subset(&ask.hidden) { 200.0 } else { 100.5 };
            let used_existing = uses.difference(&ask.hidden).take(1).copied().collect();
            Ok(Price { total_cost, used_existing, ..Price::default() })
        };
        Ok(asks.iter().map(price).collect())
    }

    fn n_calls(&self) -> u64 {
        0
    }
}

/// What is dropped and what is declined where one statement uses `small` and can as well use `large`, of which another
/// index says that they do nothing of their own.
fn proved(refuses: bool) -> (Vec<Step>, Vec<String>) {
    let cover = || on(&["tenant", "customer", "at"]);
    let mut relation =
        with(vec![("small", on(&["tenant"])), ("large", on(&["tenant", "customer"])), ("cover", cover())]);
    relation.indexes[2].n_pages = 200;
    let mut workload = over(relation);
    workload.statements = vec![test_workload::statement(7, 10.0, None, Some(100.0))];
    let catalog = Catalog::new(&workload.snapshot);
    let mut decided = decide(&catalog, &workload, &AdviseOptions::default(), &[], &BTreeSet::new());
    let mut planner = Missing { uses: vec![BTreeSet::from([Oid(11), Oid(12)])], refuses };
    let used = BTreeMap::from([(0, BTreeSet::from([Oid(11)]))]);
    let given = Given { workload: &workload, chosen: &BTreeSet::new(), used: &used };
    prove(&mut decided, given, &mut planner, &mut |_| Ok(())).unwrap();
    let (steps, declined) = decided.steps(&workload);
    (steps, declined.into_iter().map(|declined| declined.reason).collect())
}

#[test]
fn of_two_that_a_statement_needs_one_of_the_one_goes_that_saves_more() {
    let (steps, declined) = proved(false);
    let ids: Vec<&str> = steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["large"]);
    assert_eq!(
        declined,
        ["existing index small stays: without it statement 7 would cost 200 instead of 100.5 (99 % more)"]
    );
}

#[test]
fn what_the_planner_cannot_be_asked_is_in_the_step() {
    let (steps, declined) = proved(true);
    assert!(declined.is_empty());
    let small = steps.iter().find(|step| step.id == "small").unwrap();
    assert_eq!(
        small.cautions[1],
        "not proved that no statement becomes worse without it: statement 7 uses it, and indexes cannot be hidden here"
    );
}
