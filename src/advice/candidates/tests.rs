//! What shapes ask for, by example.

use std::sync::Arc;

use super::*;
use crate::advice::test_catalog::{index, orders};
use crate::pg::{IndexColumn, RelationName};
use crate::snapshot::RelationKind;
use crate::sql::{Comparand, Comparison, JoinKind, JoinQual, KeyOrder, Qual, StatementKind};
use crate::workload::Weigh;
use crate::workload::test_workload;

fn qual(name: &str, comparison: Comparison) -> Qual {
    let comparand = match comparison {
        Comparison::IsNull | Comparison::IsNotNull => Comparand::None,
        Comparison::In => Comparand::List(3),
        Comparison::LikePrefix => Comparand::Literal("'abc%'".to_owned()),
        _ => Comparand::Parameter(1),
    };
    Qual { target: IndexTarget::Column(name.to_owned()), comparison, comparand }
}

fn equal(names: &[&str]) -> Vec<Qual> {
    names.iter().map(|name| qual(name, Comparison::Equal)).collect()
}

fn sort(name: &str, descending: bool) -> KeyOrder {
    KeyOrder { target: IndexTarget::Column(name.to_owned()), descending, nulls_first: descending }
}

fn scan(quals: Vec<Qual>, order: Vec<KeyOrder>) -> Scan {
    Scan { quals, order, needs_whole_row: true, ..Scan::new(Oid(1), "orders", 0) }
}

fn shape(scans: Vec<Scan>, joins: Vec<JoinQual>) -> Shape {
    Shape { kind: StatementKind::Select, scans, joins, is_from_plan: false }
}

fn generated(relations: Vec<Relation>, shapes: Vec<Shape>) -> (Vec<String>, Candidates) {
    let statements = shapes.into_iter().enumerate().map(|(id, shape)| {
        let mut statement = test_workload::statement(id as i64 + 1, 1.0, None, Some(1000.0));
        statement.shape = Some(shape);
        statement
    });
    let mut workload = test_workload::workload(Weigh::Cost, statements.collect());
    let mut snapshot = test_workload::snapshot();
    snapshot.relations = relations;
    workload.snapshot = Arc::new(snapshot);
    let all: Vec<usize> = (0..workload.statements.len()).collect();
    let catalog = Catalog::new(&workload.snapshot);
    let candidates = generate(&catalog, &workload, &all, &AdviseOptions::default());
    let shown =
        candidates.list.iter().map(|candidate| candidate.definition.body().replace("USING btree ", "")).collect();
    (shown, candidates)
}

fn of(quals: Vec<Qual>, order: Vec<KeyOrder>) -> Vec<String> {
    generated(vec![orders()], vec![shape(vec![scan(quals, order)], Vec::new())]).0
}

#[test]
fn equalities_come_first_then_the_order() {
    let shown = of(equal(&["tenant"]), vec![sort("at", true)]);
    assert_eq!(shown, ["(tenant, at)", "(at)", "(tenant)"]);
    let mixed = of(equal(&["tenant"]), vec![sort("at", true), sort("id", false)]);
    assert_eq!(mixed[0], "(tenant, at DESC, id)");
}

#[test]
fn the_most_selective_equality_leads_unless_another_statement_shares_one() {
    assert_eq!(of(equal(&["tenant", "customer"]), vec![])[0], "(customer, tenant)");
    let both = [equal(&["tenant", "customer"]), equal(&["tenant"])];
    let shapes = both.map(|quals| shape(vec![scan(quals, vec![])], Vec::new())).to_vec();
    assert_eq!(generated(vec![orders()], shapes).0[0], "(tenant, customer)");
}

#[test]
fn a_list_of_values_breaks_the_order() {
    let shown = of(vec![qual("customer", Comparison::In)], vec![sort("at", false)]);
    assert!(shown.contains(&"(at)".to_owned()) && shown.contains(&"(customer)".to_owned()), "{shown:?}");
    assert!(!shown.contains(&"(customer, at)".to_owned()), "{shown:?}");
}

#[test]
fn one_range_follows_the_equalities() {
    let shown = of(
        [equal(&["tenant"]), vec![qual("at", Comparison::Less), qual("note", Comparison::Greater)]].concat(),
        vec![],
    );
    assert!(shown.contains(&"(tenant, at)".to_owned()) && shown.contains(&"(tenant, note)".to_owned()));
    assert!(!shown.iter().any(|index| index.contains("at, note")), "{shown:?}");
}

#[test]
fn a_unique_column_ends_the_key_and_a_unique_index_the_search() {
    assert_eq!(of(equal(&["token", "tenant"]), vec![sort("at", false)]), ["(token)"]);
    assert!(of(equal(&["id", "tenant"]), vec![]).is_empty());
}

#[test]
fn a_selective_predicate_makes_a_partial_index_and_missing_statistics_do_not() {
    let quals = [equal(&["tenant"]), vec![qual("deleted", Comparison::IsNull)]].concat();
    assert_eq!(of(quals.clone(), vec![]), ["(tenant) WHERE (deleted IS NULL)", "(tenant)"]);
    assert_eq!(of(vec![qual("deleted", Comparison::IsNull)], vec![]), ["(id) WHERE (deleted IS NULL)"]);
    assert!(of(vec![qual("deleted", Comparison::IsNotNull)], vec![]).is_empty(), "97 % of the rows");

    let mut unknown = orders();
    unknown.columns[7].statistics = None;
    let shapes = vec![shape(vec![scan(quals, vec![])], Vec::new())];
    assert_eq!(generated(vec![unknown], shapes).0, ["(tenant)"]);
}

#[test]
fn like_needs_an_operator_class_where_the_collation_is_not_c() {
    let like = || vec![qual("note", Comparison::LikePrefix)];
    assert_eq!(of(like(), vec![]), ["(note text_pattern_ops)"]);
    let mut c = orders();
    c.columns[5].collation_is_c = true;
    assert_eq!(generated(vec![c], vec![shape(vec![scan(like(), vec![])], Vec::new())]).0, ["(note)"]);
}

#[test]
fn a_like_pattern_that_is_not_known_asks_for_nothing() {
    let unknown = Qual { comparand: Comparand::Parameter(1), ..qual("note", Comparison::LikePrefix) };
    let (shown, candidates) = generated(vec![orders()], vec![shape(vec![scan(vec![unknown], vec![])], Vec::new())]);
    assert!(shown.is_empty());
    assert!(candidates.declined[0].reason.contains("pattern"), "{:?}", candidates.declined);
}

#[test]
fn what_cannot_be_a_key_is_declined_with_the_reason() {
    let (shown, candidates) =
        generated(vec![orders()], vec![shape(vec![scan(equal(&["payload"]), vec![])], Vec::new())]);
    assert!(shown.is_empty());
    assert_eq!(candidates.declined[0].reason, "type json has no btree operator class");

    for (expression, reason) in [
        ("tenant % 2", Some("operator")),
        ("(customer)::text", Some("cast")),
        ("CAST(payload AS text)", Some("cast")),
        ("to_char(at, 'YYYY')", Some("IMMUTABLE")),
        ("abs(status)", Some("few distinct")),
        ("lower(note)", None),
        ("payload ->> 'kind'", None),
    ] {
        let quals =
            vec![Qual { target: IndexTarget::Expression(expression.to_owned()), ..qual("", Comparison::Equal) }];
        let (shown, candidates) = generated(vec![orders()], vec![shape(vec![scan(quals, vec![])], Vec::new())]);
        match reason {
            None => assert_eq!(shown, [format!("(({expression}))")]),
            Some(reason) => {
                assert!(shown.is_empty(), "{shown:?}");
                assert!(candidates.declined[0].reason.contains(reason), "{:?}", candidates.declined);
            }
        }
    }
}

#[test]
fn existing_and_small_relations_are_declined() {
    let mut indexed = orders();
    indexed.indexes.push(index(11, "orders_tenant_customer", IndexDefinition::btree(["tenant", "customer"])));
    let shapes = || vec![shape(vec![scan(equal(&["customer", "tenant"]), vec![])], Vec::new())];
    let (shown, candidates) = generated(vec![indexed.clone()], shapes());
    assert_eq!(shown, ["(customer)"], "the other order is served by the index that is there");
    assert!(candidates.declined[0].reason.contains("orders_tenant_customer"));

    indexed.indexes[1].is_valid = false;
    assert!(generated(vec![indexed], shapes()).0.contains(&"(customer, tenant)".to_owned()), "INVALID serves nothing");

    let small = Relation { n_pages: 5, ..orders() };
    let (shown, candidates) = generated(vec![small], shapes());
    assert!(shown.is_empty() && candidates.declined[0].reason.contains("pages"));
}

#[test]
fn the_arms_of_an_or_are_one_set() {
    let mut or = scan(Vec::new(), Vec::new());
    or.or_groups = vec![vec![equal(&["customer"]), equal(&["note"])]];
    let (shown, candidates) = generated(vec![orders()], vec![shape(vec![or.clone()], Vec::new())]);
    assert_eq!(shown, ["(customer)", "(note)"]);
    assert_eq!(candidates.sets.len(), 1);

    or.or_groups = vec![vec![equal(&["customer"]), equal(&["customer"])]];
    assert_eq!(generated(vec![orders()], vec![shape(vec![or], Vec::new())]).0, ["(customer)"], "it is a list");
}

#[test]
fn joins_ask_for_the_join_key_and_carry_constants() {
    let parent = Relation { oid: Oid(2), name: RelationName::new("public", "tenants"), ..orders() };
    let join = JoinQual {
        left_scan: 0,
        left: IndexTarget::Column("token".to_owned()),
        comparison: Comparison::Equal,
        right_scan: 1,
        right: IndexTarget::Column("customer".to_owned()),
        kind: JoinKind::Inner,
    };
    let outer = Scan { quals: equal(&["status"]), ..Scan::new(Oid(2), "t", 0) };
    let inner = scan(equal(&["tenant"]), Vec::new());
    let shown =
        generated(vec![orders(), parent.clone()], vec![shape(vec![outer, inner.clone()], vec![join.clone()])]).0;
    for wanted in ["(customer)", "(customer, tenant)", "(status)", "(token)"] {
        assert!(shown.contains(&wanted.to_owned()), "{wanted} in {shown:?}");
    }

    let bare = || shape(vec![Scan::new(Oid(2), "t", 0), scan(equal(&["status"]), Vec::new())], vec![join.clone()]);
    let empty = Relation { n_blocks: Some(0), ..parent.clone() };
    let (shown, candidates) = generated(vec![orders(), empty], vec![bare()]);
    assert!(shown.contains(&"(status)".to_owned()) && !shown.contains(&"(customer)".to_owned()), "{shown:?}");
    let reasons: Vec<&str> = candidates.declined.iter().map(|one| one.reason.as_str()).collect();
    assert!(reasons.contains(&JOINED_WITH_NOTHING), "{reasons:?}");

    let outer = Scan { quals: equal(&["token"]), ..Scan::new(Oid(2), "t", 0) };
    let shown = generated(vec![orders(), parent], vec![shape(vec![outer, inner], vec![join])]).0;
    assert!(shown.contains(&"(customer, tenant)".to_owned()), "customer equals the token's constant: {shown:?}");
}

#[test]
fn include_needs_visible_pages_and_columns_that_stay() {
    let narrow = || Scan {
        needs_whole_row: false,
        columns_read: ["customer", "status"].iter().map(ToString::to_string).collect(),
        ..scan(equal(&["customer"]), Vec::new())
    };
    let visible = Relation { n_all_visible_pages: 1000, ..orders() };
    let (shown, _) = generated(vec![visible.clone()], vec![shape(vec![narrow()], Vec::new())]);
    assert_eq!(shown, ["(customer) INCLUDE (status)", "(customer)"]);
    assert_eq!(generated(vec![orders()], vec![shape(vec![narrow()], Vec::new())]).0, ["(customer)"]);

    let mut update = scan(equal(&["id"]), Vec::new());
    update.columns_set.insert("status".to_owned());
    let shapes = vec![shape(vec![narrow()], Vec::new()), shape(vec![update], Vec::new())];
    assert_eq!(generated(vec![visible], shapes).0, ["(customer)"]);
}

#[test]
fn partitions_ask_for_an_index_of_the_root() {
    let root = Relation { kind: RelationKind::PartitionedTable, n_pages: 0, indexes: Vec::new(), ..orders() };
    let leaf = Relation {
        oid: Oid(5),
        name: RelationName::new("public", "orders_1"),
        is_partition: true,
        parent: Some(Oid(1)),
        ..orders()
    };
    let on_leaf = Scan { relation: Oid(5), ..scan(equal(&["customer"]), Vec::new()) };
    let shapes = vec![shape(vec![on_leaf], Vec::new()), shape(vec![scan(equal(&["customer"]), vec![])], Vec::new())];
    let (shown, candidates) = generated(vec![root, leaf], shapes);
    assert_eq!(shown, ["(customer)"]);
    assert_eq!(candidates.list[0].relation, Oid(1));
    assert_eq!(candidates.list[0].statements, BTreeSet::from([0, 1]));
}

#[test]
fn two_candidates_merge_when_the_equalities_of_one_are_among_the_others() {
    let candidate = |names: &[&str], n_equality: usize| Candidate {
        relation: Oid(1),
        definition: IndexDefinition::btree(names.iter().copied()),
        roles: KeyRoles { n_equality, is_ordered: true },
        asked_by: BTreeSet::from([names.len()]),
        statements: BTreeSet::from([names.len()]),
    };
    let keys = |candidate: Candidate| -> Vec<String> {
        candidate.definition.key_columns.iter().map(IndexColumn::to_string).collect()
    };
    let narrow = candidate(&["b"], 1);
    assert_eq!(
        merged(&narrow, &candidate(&["a", "b", "c"], 2)).map(keys),
        Some(vec!["b".into(), "a".into(), "c".into()])
    );
    assert_eq!(merged(&narrow, &candidate(&["b", "a", "c"], 2)), None, "it is merged already");
    assert_eq!(merged(&narrow, &candidate(&["a", "b"], 1)), None, "b is no equality there");
}
