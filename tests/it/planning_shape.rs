//! Shapes read from plans: what the server printed says the same as the text that the parser read.

use std::sync::Arc;

use pgadvise::collect::{CollectOptions, collect};
use pgadvise::db::{Session, Target};
use pgadvise::plan;
use pgadvise::planning::plan_statements;
use pgadvise::snapshot::Catalog;
use pgadvise::sql::{self, FileStatement};
use pgadvise::workload::{BuildOptions, PlannedBy, ScriptFile, Workload, build};

use crate::support::{self, Database};

const SCHEMA: &str = include_str!("../../fixtures/planning/schema.sql");

fn planned(database: &Database, texts: &[&str]) -> Workload {
    let mut session = Session::connect(&Target::resolve(Some(&database.url())).expect("a target")).expect("a session");
    let snapshot = collect(&mut session, &CollectOptions::default(), &|_| {}).expect("a snapshot");
    let statement = |text: &&str| FileStatement { text: (*text).to_owned(), line: 1, n_calls: None };
    let script = ScriptFile { path: "test.sql".to_owned(), statements: texts.iter().map(statement).collect() };
    let mut workload = build(Arc::new(snapshot), &[script], &BuildOptions::default());
    plan_statements(&mut session, &mut workload, &mut |_| {}).expect("plans");
    workload
}

/// The shape of a statement as its plan tells it, in words.
fn told_by_plan(workload: &Workload, text: &str) -> String {
    let catalog = Catalog::new(&workload.snapshot);
    let statement = workload.statements.iter().find(|found| found.text == text).expect("the statement");
    let planned = statement.planned.as_ref().unwrap_or_else(|| panic!("{text}: {:?}", workload.gaps));
    let shape = plan::shape(&planned.plan, &catalog).expect("a shape");
    assert!(shape.is_from_plan);
    sql::describe(&shape, &catalog)
}

/// A statement and its shape.
const SHAPES: [(&str, &str); 6] = [
    (
        "SELECT o.id FROM shop.orders o JOIN shop.customers c ON c.id = o.customer_id WHERE c.country = 'IT' AND o.total > 690",
        "select
scan 0: shop.orders as o
  qual   total > '690'::numeric
  reads  customer_id, id, total
scan 1: shop.customers as c
  qual   country = 'IT'::character
  reads  country, id
join inner: o[0].customer_id = c[1].id
",
    ),
    (
        "SELECT note FROM shop.orders WHERE customer_id = 5 AND status IN ('placed', 'paid') ORDER BY created_at DESC LIMIT 5",
        "select
scan 0: shop.orders
  qual   customer_id = 5
  qual   status in '{placed,paid}'::shop.order_status[]
  order  created_at desc
  reads  created_at, customer_id, note, status
",
    ),
    (
        "SELECT value FROM telemetry.readings WHERE device = 17 AND at >= '2024-01-10' AND at < '2024-03-10'",
        "select
scan 0: telemetry.readings as readings_1
  qual   at < '2024-03-10 00:00:00+00'::timestamp with time zone
  qual   at >= '2024-01-10 00:00:00+00'::timestamp with time zone
  qual   device = 17
  reads  at, device, value
",
    ),
    (
        "UPDATE shop.orders SET note = 'x' WHERE customer_id = 5",
        "update
scan 0: shop.orders, target
  qual   customer_id = 5
  reads  customer_id, *
",
    ),
    (
        "SELECT c.id FROM shop.customers c WHERE country = 'DE' AND NOT EXISTS (SELECT 1 FROM shop.orders o WHERE o.customer_id = c.id)",
        "select
scan 0: shop.customers as c
  qual   country = 'DE'::character
  reads  country, id
scan 1: shop.orders as o
  reads  customer_id
join inner: c[0].id = o[1].customer_id
",
    ),
    (
        "SELECT id FROM shop.customers WHERE (country = 'FR' OR credit > 490) AND is_active AND id NOT IN (SELECT customer_id FROM shop.orders WHERE note = 'x')",
        "select
scan 0: shop.customers
  qual   is_active is true
  or     (country = 'FR'::character) or (credit > '490'::numeric)
  reads  country, credit, id, is_active
scan 1: shop.orders
  qual   note = 'x'
  reads  note
",
    ),
];

#[test]
fn plans_tell_scans_quals_joins_and_orders() {
    for major in support::versions().into_iter().filter(|major| [13, 15, 17, 18].contains(major)) {
        let database = support::database_on(support::server(major), "planning_shape", SCHEMA);
        let texts = SHAPES.map(|(text, _)| text);
        let workload = planned(&database, &texts);
        for (text, expected) in SHAPES {
            // Which scan stands first depends on the plan's costs, not on the version's printing.
            assert_eq!(told_by_plan(&workload, text), expected, "{major}: {text}");
        }
    }
}

#[test]
fn a_text_beyond_the_parser_gets_its_shape_and_its_values_from_the_plan() {
    let database = support::database("planning_beyond", SCHEMA);
    let text = "SELECT id FROM shop.orders WHERE created_at > now() - make_interval(days => $1) AND customer_id = $2 AND total > $3 AND COLLATION FOR (note) IS NOT NULL";
    let workload = planned(&database, &[text]);
    let statement = &workload.statements[0];
    let catalog = Catalog::new(&workload.snapshot);
    assert!(sql::shape(text, &catalog).is_err(), "the parser has learned this one: take another");
    let shape = statement.shape.as_ref().expect("a shape");
    assert!(shape.is_from_plan && workload.gaps.is_empty(), "{:?}", workload.gaps);
    assert_eq!(shape.scans[0].quals.len(), 3, "{}", sql::describe(shape, &catalog));
    let planned = statement.planned.as_ref().expect("a plan");
    assert_eq!(planned.by, PlannedBy::Statistics);
    let customer_id =
        planned.text.split("customer_id = ('").nth(1).and_then(|rest| rest.split('\'').next()).expect("a value");
    assert_ne!(customer_id, "1", "a default instead of a value from the statistics");
}
