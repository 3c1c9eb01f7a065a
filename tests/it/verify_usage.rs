//! Whether statements use the indexes that were made for them: by their plans on a server, under whatever name the index has.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pgadvise::collect::{self, CollectOptions};
use pgadvise::db::{ReadOptions, Session, Target};
use pgadvise::emit::Manifest;
use pgadvise::pg::{IndexDefinition, QueryId, RelationName};
use pgadvise::plan;
use pgadvise::planning;
use pgadvise::verify::{Usage, Verdict, apply_plans, judge, served_statements};
use pgadvise::workload::{ExplainForm, Planned, PlannedBy, Weigh, Workload};

use crate::support;
use crate::support::advice::{bundle, create_step, statement, table, workload};

const SCHEMA: &str = "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, total numeric);
    INSERT INTO orders SELECT g, g % 1000, g FROM generate_series(1, 20000) g; ANALYZE orders;";

fn manifest(text: &str, column: &str) -> Manifest {
    let orders = RelationName::new("public", "orders");
    let step = create_step(1, &orders, "served_idx", IndexDefinition::btree([column]));
    bundle(&[step], &workload(vec![table(1, &orders, vec![])], vec![statement(text)])).manifest
}

/// The verdict with generic plans from the server.
fn verdict(url: &str, manifest: &Manifest) -> Verdict {
    let mut session = Session::connect(&Target::resolve(Some(url)).expect("a target")).expect("a session");
    let mut verdict = judge(&mut session, manifest, "shop").expect("a verdict");
    let mut statements = served_statements(manifest);
    let options = ReadOptions { search_path: Some("public".into()), ..ReadOptions::default() };
    for statement in &mut statements {
        let json = session.read(&options, |transaction| transaction.explain_generic(&statement.text)).expect("a plan");
        statement.planned = Some(Planned {
            text: statement.text.clone(),
            form: ExplainForm::Generic,
            by: PlannedBy::Generic,
            is_rewritten_to_select: false,
            variants: Vec::new(),
            plan: plan::parse(&json).expect("a plan"),
        });
    }
    apply_plans(&mut verdict, manifest, &statements, &BTreeMap::new());
    verdict
}

#[test]
fn a_plan_with_the_index_or_its_twin_is_used_and_one_without_is_wrong() {
    let database = support::database("verify_usage", SCHEMA);
    let manifest = manifest("SELECT total FROM orders WHERE customer_id = 4711", "customer_id");
    let missing = verdict(&database.url(), &manifest);
    assert_eq!((missing.exit_code(), missing.indexes[0].usage), (1, Usage::NotApplicable));

    database.execute("CREATE INDEX another_name ON orders (customer_id)");
    let twin = verdict(&database.url(), &manifest);
    assert_eq!((twin.exit_code(), twin.indexes[0].usage), (0, Usage::Used));
    database.execute("ALTER INDEX another_name RENAME TO served_idx");
    let used = verdict(&database.url(), &manifest);
    assert_eq!((used.exit_code(), used.indexes[0].usage), (0, Usage::Used));
    assert_eq!(used.indexes[0].statements[0].uses_index, Some(true));

    database.execute("CREATE INDEX covering ON orders (customer_id) INCLUDE (total)");
    database.execute("VACUUM orders");
    let unused = verdict(&database.url(), &manifest);
    assert_eq!((unused.exit_code(), unused.indexes[0].usage), (1, Usage::Unused));
    assert!(unused.indexes[0].statements[0].cost_now.is_some());
}

#[test]
fn scans_are_read_before_planning_which_counts_as_scans() {
    let database = support::database("verify_scans", SCHEMA);
    database.execute("CREATE INDEX served_idx ON orders (total)");
    let manifest = manifest("SELECT id FROM orders WHERE total > $1", "total");
    let mut session = Session::connect(&Target::resolve(Some(&database.url())).expect("a target")).expect("a session");
    let verdict = judge(&mut session, &manifest, "shop").expect("a verdict");
    // To estimate a range beyond the histogram the planner looks at the end of the index.
    let beyond = "SELECT id FROM public.orders WHERE total > 30000";
    session.read(&ReadOptions::default(), |t| t.explain("EXPLAIN (FORMAT JSON) ", beyond)).expect("a plan");
    drop(session);
    let scans = "SELECT idx_scan::text FROM pg_stat_all_indexes WHERE indexrelname = 'served_idx'";
    let start = Instant::now();
    while database.value(scans) == "0" {
        assert!(start.elapsed() < Duration::from_secs(30), "planning no longer counts as a scan");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(verdict.indexes[0].n_scans, Some(0));
}

#[test]
fn what_could_not_be_looked_at_is_inconclusive() {
    let database = support::database("verify_blind", SCHEMA);
    database.execute("CREATE INDEX served_idx ON orders (customer_id)");
    let without_text = manifest("SELECT 'unterminated", "customer_id");
    assert!(served_statements(&without_text).is_empty());
    let blind = verdict(&database.url(), &without_text);
    assert_eq!((blind.exit_code(), blind.indexes[0].usage), (6, Usage::Unknown));
    assert!(blind.indexes[0].statements[0].reason.as_ref().is_some_and(|reason| reason.contains("text")));

    let mut session = Session::connect(&Target::resolve(Some(&database.url())).expect("a target")).expect("a session");
    let refused = manifest("SELECT total FROM orders WHERE customer_id = $1", "customer_id");
    let mut verdict = judge(&mut session, &refused, "shop").expect("a verdict");
    let queryid = QueryId(4611686018427387904);
    let reasons = BTreeMap::from([(queryid, "permission denied for table orders".to_owned())]);
    apply_plans(&mut verdict, &refused, &served_statements(&refused), &reasons);
    assert_eq!(verdict.exit_code(), 6);
    assert_eq!(verdict.indexes[0].statements[0].reason.as_deref(), Some("permission denied for table orders"));
}

#[test]
fn texts_of_a_manifest_are_planned_by_the_cascade() {
    let database = support::database("verify_cascade", SCHEMA);
    database.execute("CREATE INDEX served_idx ON orders (customer_id)");
    for text in [
        "SELECT total FROM orders WHERE customer_id = 47 AND total > 3.5 ORDER BY 1 DESC LIMIT 10 -- by 0815",
        "SELECT CAST(total AS numeric(10, 2)), total::varchar(20) FROM orders WHERE customer_id IN (1, 2, 3)",
        "SELECT count(*) FROM orders WHERE customer_id = 47 AND now() - interval '1 day' < date '2024-01-01'",
        "UPDATE orders SET total = total + 1.5 WHERE customer_id = 47",
    ] {
        let manifest = manifest(text, "customer_id");
        let mut session =
            Session::connect(&Target::resolve(Some(&database.url())).expect("a target")).expect("a session");
        let mut verdict = judge(&mut session, &manifest, "shop").expect("a verdict");
        let snapshot = collect::collect(&mut session, &CollectOptions::default(), &|_| ()).expect("a snapshot");
        let statements = served_statements(&manifest);
        let mut workload = Workload { snapshot: Arc::new(snapshot), statements, weigh: Weigh::Cost, gaps: vec![] };
        planning::plan_statements(&mut session, &mut workload, &mut |_| ()).expect("plans");
        assert_eq!(workload.gaps, [], "{text}");
        apply_plans(&mut verdict, &manifest, &workload.statements, &BTreeMap::new());
        assert_eq!(verdict.indexes[0].usage, Usage::Used, "{text}: {:?}", verdict.indexes[0]);
    }
}
