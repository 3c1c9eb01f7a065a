//! Answers that depend on what was counted, which no plan of an idle server shows.

use std::sync::Arc;

use super::super::test_catalog::{ROWS, orders};
use super::*;
use crate::advice::{Calibration, Declined};
use crate::pg::{IndexDefinition, Oid, QueryId};
use crate::plan;
use crate::rules::{RULES, Severity};
use crate::snapshot::{Gap, Snapshot};
use crate::sql;
use crate::workload::{ExplainForm, Origin, PlannedBy, Weigh, test_workload};

/// `text`, run 100 times in 0.1 ms each, planned as `node` (EXPLAIN's JSON).
fn statement(text: &str, node: &str) -> Statement {
    let snapshot = Snapshot { relations: vec![orders()], ..test_workload::snapshot() };
    let shape = sql::shape(text, &Catalog::new(&snapshot)).ok();
    let plan = (!node.is_empty()).then(|| plan::parse(&format!("[{{\"Plan\": {node}}}]")).unwrap());
    Statement {
        queryid: QueryId(1),
        queryids: vec![QueryId(1)],
        text: text.to_owned(),
        origin: Origin::PgStatStatements,
        has_other_texts: false,
        is_top_level: true,
        n_calls: 100.0,
        n_rows: Some(100.0),
        exec_ms_total: Some(10.0),
        exec_ms_mean: Some(0.1),
        exec_ms_stddev: Some(0.0),
        n_shared_blocks: Some(400.0),
        shape,
        planned: plan.map(|plan| Planned {
            text: text.to_owned(),
            form: ExplainForm::Plain,
            by: PlannedBy::Statistics,
            is_rewritten_to_select: false,
            plan,
            variants: Vec::new(),
        }),
    }
}

fn answer_with(statement: Statement, advice: &Advice, findings: &[Finding], is_priced: bool) -> StatementAnswer {
    let snapshot = Arc::new(Snapshot { relations: vec![orders()], ..test_workload::snapshot() });
    let gaps = vec![Gap::new("statement", "1", "permission denied for table orders")];
    let workload = Workload { snapshot, statements: vec![statement], weigh: Weigh::Time, gaps };
    let mut answers = answer_statements(&workload, advice, findings, is_priced);
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

fn answer(statement: Statement) -> StatementAnswer {
    let calibration = Calibration { units_per_us: 0.16, n_statements: 5 };
    answer_with(statement, &Advice { calibration, ..Advice::default() }, &[], true)
}

const BY_KEY: &str = r#"{"Node Type": "Index Scan", "Index Name": "orders_pkey", "Schema": "public",
    "Relation Name": "orders", "Alias": "orders", "Startup Cost": 0.29, "Total Cost": 8.31, "Plan Rows": 1,
    "Plan Width": 4, "Index Cond": "(orders.id = 1)"}"#;

fn by_key() -> Statement {
    statement("SELECT note FROM orders WHERE id = $1", BY_KEY)
}

fn searching(filter: &str, kept: f64) -> String {
    format!(
        r#"{{"Node Type": "Seq Scan", "Schema": "public", "Relation Name": "orders", "Alias": "orders",
        "Startup Cost": 0, "Total Cost": 2250, "Plan Rows": {kept}, "Plan Width": 4, "Filter": "{filter}"}}"#
    )
}

#[test]
fn a_lookup_by_the_key_is_served() {
    let answer = answer(by_key());
    assert_eq!((answer.answer, answer.indexes), (Answer::AlreadyServed, vec!["orders_pkey".to_owned()]));
    assert_eq!(answer.reason, "orders_pkey finds its rows");
}

#[test]
fn a_lookup_that_takes_a_second_waits_for_something() {
    let slow = |n_shared_blocks| Statement { exec_ms_mean: Some(1000.0), n_shared_blocks, ..by_key() };
    assert_eq!(answer(slow(Some(400.0))).cause, Some(Cause::Waits));
    let uncalibrated = answer_with(slow(Some(400.0)), &Advice::default(), &[], true);
    assert_eq!(uncalibrated.answer, Answer::AlreadyServed);
    // What reads a hundred thousand blocks for one row is no lookup.
    assert_eq!(answer(slow(Some(1e7))).cause, Some(Cause::DiffersFromMeasurement));
}

#[test]
fn an_index_that_finds_much_in_vain_serves_nothing() {
    let node =
        BY_KEY.replace("8.31", "9000").replace("\"Index Cond\"", "\"Filter\": \"(f(orders.note))\", \"Index Cond\"");
    let by_cost = answer(statement("SELECT note FROM orders WHERE id > $1 AND tenant = $2", &node));
    assert_eq!(by_cost.cause, Some(Cause::ExistingIndexNotPreferred), "{by_cost:?}");

    let rule = RULES.iter().find(|rule| rule.meta().id == "index_filter").unwrap().meta();
    let mut finding = Finding::new(rule, "200 rows found by id, 67 kept by tenant").on(&orders(), ["id", "tenant"]);
    finding.severity = Severity::Note;
    finding.queryids = vec![QueryId(1)];
    let statement = statement("SELECT note FROM orders WHERE id = $1 AND tenant = $2", BY_KEY);
    let by_rule = answer_with(statement, &Advice::default(), &[finding], true);
    assert_eq!((by_rule.answer, by_rule.findings), (Answer::NothingHelps, vec!["index_filter".to_owned()]));
}

#[test]
fn what_returns_a_third_of_its_relation_by_count_is_no_search() {
    let text = "SELECT id FROM orders WHERE tenant = $1";
    let node = searching("(orders.tenant = 1)", 2000.0);
    assert_eq!(answer(statement(text, &node)).cause, Some(Cause::NoCandidate));
    let counted = Statement { n_rows: Some(0.4 * ROWS * 100.0), ..statement(text, &node) };
    let answer = answer(counted);
    assert_eq!(answer.cause, Some(Cause::ReturnsMuch));
    assert_eq!(answer.reason, "a call returns 40,000 of 100,000 rows of public.orders, as counted");
}

#[test]
fn what_was_declined_says_why() {
    let text = "SELECT id FROM orders WHERE tenant = $1";
    let node = searching("(orders.tenant = 1)", 2000.0);
    let declined = |columns: &[&'static str], reason: &str, position| Declined {
        relation: orders().name,
        index: IndexDefinition::btree(columns.iter().copied()),
        reason: reason.to_owned(),
        statements: [position].into(),
    };
    let declined = vec![
        declined(&["status"], "of another statement", 7),
        declined(&["tenant"], "it saves too little", 0),
        declined(&["tenant", "id"], "it saves too little", 0),
    ];
    let advice = Advice { declined, ..Advice::default() };
    let answered = answer_with(statement(text, &node), &advice, &[], true);
    assert_eq!((answered.answer, answered.cause), (Answer::NothingHelps, Some(Cause::Declined)));
    assert_eq!(
        answered.reason,
        "it reads 100,000 rows of public.orders to keep 2,000; USING btree (tenant) was considered: it saves too little; \
         1 other candidate was declined, too"
    );
    let unpriced = answer_with(statement(text, &node), &advice, &[], false);
    assert_eq!((unpriced.answer, unpriced.cause), (Answer::Unknown, Some(Cause::NotPriced)));
}

#[test]
fn deep_pages_show_in_the_blocks_where_the_offset_is_a_parameter() {
    let limit = format!(
        r#"{{"Node Type": "Limit", "Startup Cost": 0.29, "Total Cost": 1.2, "Plan Rows": 20, "Plan Width": 4,
        "Plans": [{}]}}"#,
        BY_KEY
            .replace("8.31", "4000")
            .replace("\"Plan Rows\": 1,", "\"Plan Rows\": 100000,")
            .replace("Index Cond", "Subplan Name")
    );
    let text = "SELECT id FROM orders ORDER BY id LIMIT $1 OFFSET $2";
    let shallow = answer(statement(text, &limit));
    assert_eq!((shallow.answer, shallow.indexes), (Answer::AlreadyServed, vec!["orders_pkey".to_owned()]));
    let deep = Statement { n_shared_blocks: Some(2_000_000.0), ..statement(text, &limit) };
    assert_eq!(answer(deep).cause, Some(Cause::DeepOffset));
}

#[test]
fn what_is_not_planned_has_its_gap_for_an_answer() {
    let unplanned = answer(statement("SELECT id FROM orders WHERE tenant = $1", ""));
    assert_eq!((unplanned.answer, unplanned.cause), (Answer::Unknown, Some(Cause::NotPlanned)));
    assert_eq!(unplanned.reason, "permission denied for table orders");
    assert_eq!(answer(statement("SELECT pg_stat_statements_reset()", "")).cause, Some(Cause::ReadsNoRelation));
}

#[test]
fn a_dropped_index_is_said_to_be_one() {
    let step = |action, id: &str| super::super::Step {
        id: id.to_owned(),
        action,
        relation_oid: Oid(1),
        relation: orders().name,
        index: IndexDefinition::btree(["id"]),
        taken_over_by: None,
        partitions: vec![],
        index_bytes: crate::pg::Bytes(0),
        cost_before: 0.0,
        cost_after: 0.0,
        write_cost: 0.0,
        writes: Default::default(),
        breaks_hot: false,
        answers: Vec::new(),
        statements: Vec::new(),
        cautions: Vec::new(),
    };
    let advice = Advice { steps: vec![step(Action::DropIndex, "orders_pkey")], ..Advice::default() };
    let answered = answer_with(by_key(), &advice, &[], true);
    assert_eq!(answered.reason, "orders_pkey finds its rows; advice proposes to drop orders_pkey");
}

/// Below a Memoize, or on the inner side of a nested loop that meets the same rows again, the planner charges less than
/// every run in full: the outer side is paid first.
#[test]
fn a_nested_loop_pays_for_its_outer_side_first() {
    let inner =
        BY_KEY.replace("\"Node Type\"", "\"Parent Relationship\": \"Inner\", \"Node Type\"").replace("8.31", "1");
    let outer = searching("(f(a.note))", 10_000.0)
        .replace("\"Node Type\"", "\"Parent Relationship\": \"Outer\", \"Node Type\"")
        .replace("\"Alias\": \"orders\"", "\"Alias\": \"a\"");
    let node = format!(
        r#"{{"Node Type": "Nested Loop", "Startup Cost": 0, "Total Cost": 3000, "Plan Rows": 10000, "Plan Width": 4,
        "Plans": [{outer}, {inner}]}}"#
    );
    let plan = plan::parse(&format!("[{{\"Plan\": {node}}}]")).unwrap();
    let costs: Vec<f64> = Spent::of(&plan).scans.iter().map(|scan| scan.cost).collect();
    assert_eq!(costs.len(), 2);
    assert!((costs[0] - 2250.0).abs() < 1e-6 && (costs[1] - 750.0).abs() < 1e-6, "{costs:?}");
}
