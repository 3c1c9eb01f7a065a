//! What the role may not do, what someone has locked, what takes too long: planned otherwise, or said; nothing executed.

use std::sync::Arc;

use pgadvise::collect::{CollectOptions, collect};
use pgadvise::db::{Session, Target};
use pgadvise::pg::QueryId;
use pgadvise::planning::{plan_statements, replan};
use pgadvise::snapshot::{Snapshot, StatementEntry, Statements};
use pgadvise::workload::{BuildOptions, ExplainForm, PlannedBy, Statement, Workload, build};

use crate::support::{self, Database};

const SCHEMA: &str = "
    CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int NOT NULL, status text NOT NULL, note text, at timestamptz NOT NULL);
    CREATE INDEX orders_open_idx ON orders (at) WHERE status = 'open';
    CREATE TABLE secrets (id int PRIMARY KEY, word text);
    CREATE TABLE archive (LIKE orders);
    CREATE VIEW recent AS SELECT * FROM orders WHERE id > 10;
    INSERT INTO orders SELECT g, g % 500, CASE WHEN g % 3 = 0 THEN 'open' ELSE 'closed' END, 'canary' || g, '2024-01-01'::timestamptz + g * interval '1 min' FROM generate_series(1, 20000) g;
    INSERT INTO secrets SELECT g, 'canary' || g FROM generate_series(1, 100) g;
    ANALYZE;";

fn session(url: &str) -> Session {
    Session::connect(&Target::resolve(Some(url)).expect("a target")).expect("a session")
}

/// What `url`'s role sees, with `texts` as what pg_stat_statements would have.
fn snapshot(session: &mut Session, texts: &[&str]) -> Snapshot {
    let mut snapshot = collect(session, &CollectOptions::default(), &|_| {}).expect("a snapshot");
    let entry = |(number, text): (usize, &&str)| StatementEntry {
        queryid: QueryId(number as i64 + 1),
        text: Some((*text).to_owned()),
        is_top_level: true,
        roles: vec!["app".to_owned()],
        n_calls: 10,
        n_rows: 10,
        exec_ms_total: 100.0 - number as f64,
        exec_ms_mean: 10.0,
        exec_ms_stddev: 0.0,
        exec_ms_max: 10.0,
        n_shared_blocks_hit: 0,
        n_shared_blocks_read: 0,
        n_temp_blocks_written: 0,
        wal_bytes: 0.0,
        stats_since: None,
    };
    let entries = texts.iter().enumerate().map(entry).collect();
    snapshot.statements = Some(Statements { entries, ..Statements::default() });
    snapshot
}

fn planned(session: &mut Session, texts: &[&str]) -> Workload {
    let mut workload = build(Arc::new(snapshot(session, texts)), &[], &BuildOptions::default());
    plan_statements(session, &mut workload, &mut |_| {}).expect("plans");
    workload
}

fn statement(workload: &Workload, queryid: i64) -> &Statement {
    let found = workload.statements.iter().find(|statement| statement.queryids.contains(&QueryId(queryid)));
    found.unwrap_or_else(|| panic!("no statement {queryid}"))
}

/// The URL of a role that may read `orders` and nothing else.
fn reader(database: &Database) -> String {
    let role = format!("reader_{}", database.name());
    database.execute(&format!("CREATE ROLE {role} LOGIN; GRANT SELECT ON orders, recent TO {role}"));
    database.url().replace("user=postgres", &format!("user={role}")).replace("postgres@", &format!("{role}@"))
}

const WRITES: [&str; 6] = [
    "UPDATE orders SET note = $1 WHERE customer_id = $2 AND status = $3",
    "DELETE FROM orders o WHERE o.at < now() - interval $1",
    "SELECT * FROM orders WHERE customer_id = $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED",
    "INSERT INTO archive SELECT * FROM orders WHERE status = $1 AND at < $2 ON CONFLICT DO NOTHING",
    "WITH gone AS (DELETE FROM orders WHERE id = $1 RETURNING *) SELECT count(*) FROM gone",
    "DELETE FROM recent WHERE customer_id = $1",
];

#[test]
fn a_role_that_may_only_read_gets_the_select_that_finds_the_rows() {
    for major in support::versions() {
        let database = support::database_on(support::server(major), "planning_reader", SCHEMA);
        let mut session = session(&reader(&database));
        let mut texts = WRITES.to_vec();
        texts.push("INSERT INTO orders VALUES ($1, $2, $3, $4, $5)");
        if major >= 15 {
            texts.push("MERGE INTO orders o USING recent r ON o.id = r.id AND r.customer_id = $1 WHEN MATCHED THEN UPDATE SET note = $2");
        }
        let workload = planned(&mut session, &texts);
        for statement in workload.statements.iter().filter(|found| !found.text.starts_with("INSERT INTO orders")) {
            let planned =
                statement.planned.as_ref().unwrap_or_else(|| panic!("{major}: {} {:?}", statement.text, workload.gaps));
            assert!(planned.is_rewritten_to_select, "{major}: {}", statement.text);
            assert!(!planned.plan.scans().is_empty());
        }
        // Nothing to find, nothing to say.
        assert!(statement(&workload, 7).planned.is_none());
        assert!(workload.gaps.is_empty(), "{major}: {:?}", workload.gaps);
        assert_eq!(database.value("SELECT count(*) FROM orders WHERE note LIKE 'canary%'"), "20000");
    }
}

#[test]
fn a_standby_plans_writes_as_the_primary_does() {
    let options = pgadvise::server::ClusterOptions { locale: "C.UTF-8".to_owned(), ..Default::default() };
    let mut cluster = support::private_server(15, &options);
    support::connect(&cluster.url("postgres")).execute(SCHEMA);
    cluster.shut_down().expect("a clean end");
    std::fs::write(cluster.data_directory().join("standby.signal"), "").expect("standby.signal");
    cluster.start_again().expect("a standby");
    let mut session = session(&cluster.url("postgres"));
    let workload = planned(&mut session, &WRITES);
    assert!(workload.gaps.is_empty(), "{:?}", workload.gaps);
    for statement in &workload.statements {
        assert!(
            statement.planned.as_ref().is_some_and(|planned| !planned.is_rewritten_to_select),
            "{}",
            statement.text
        );
    }
}

#[test]
fn what_the_role_may_not_read_is_a_gap_with_the_grant() {
    let database = support::database("planning_denied", SCHEMA);
    let mut session = session(&reader(&database));
    let workload = planned(
        &mut session,
        &["SELECT * FROM secrets WHERE word = $1", "SELECT * FROM orders WHERE customer_id = $1"],
    );
    assert!(statement(&workload, 1).planned.is_none());
    assert!(statement(&workload, 2).planned.is_some());
    assert_eq!(workload.gaps.len(), 1, "{:?}", workload.gaps);
    let gap = &workload.gaps[0];
    assert_eq!((gap.what.as_str(), gap.id.as_str()), ("statement", "1"));
    assert!(gap.reason.contains("permission denied for table secrets; GRANT SELECT"), "{gap:?}");
    assert!(gap.reason.contains("50.3 % of the measured time"), "{gap:?}");
}

#[test]
fn a_function_that_the_role_may_not_call_is_no_gap_where_nothing_is_read() {
    let function = "CREATE FUNCTION restricted() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1';
        REVOKE EXECUTE ON FUNCTION restricted() FROM public;";
    for major in support::versions() {
        let database =
            support::database_on(support::server(major), "planning_restricted", &format!("{SCHEMA}{function}"));
        let mut session = session(&reader(&database));
        let workload = planned(&mut session, &["SELECT restricted()", "SELECT restricted() FROM orders WHERE id = $1"]);
        assert!(statement(&workload, 1).planned.is_none());
        let [gap] = workload.gaps.as_slice() else { panic!("{:?}", workload.gaps) };
        assert_eq!(gap.id, "2", "{gap:?}");
        assert!(gap.reason.contains("permission denied for function restricted; GRANT EXECUTE"), "{gap:?}");
    }
}

#[test]
fn what_is_locked_or_slow_or_gone_is_a_gap_and_the_others_go_on() {
    let database = support::database("planning_trouble", SCHEMA);
    database.execute("CREATE FUNCTION slow(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1 FROM pg_sleep(30)'");
    let blocker = database.connect();
    blocker.execute("BEGIN; LOCK TABLE secrets IN ACCESS EXCLUSIVE MODE");
    let mut session = session(&database.url());
    let mut snapshot = snapshot(
        &mut session,
        &[
            "SELECT * FROM secrets WHERE word = $1",
            "SELECT * FROM orders WHERE customer_id = slow(5)",
            "SELECT * FROM dropped WHERE a = $1",
            "SELECT customer_id, sta",
            "SELECT id FROM orders WHERE customer_id = 'canary'",
            "SELECT * FROM orders WHERE customer_id = $1",
        ],
    );
    snapshot.gaps.clear();
    let mut workload = build(Arc::new(snapshot), &[], &BuildOptions::default());
    plan_statements(&mut session, &mut workload, &mut |_| {}).expect("plans");
    let reason = |queryid: i64| {
        let gap = workload.gaps.iter().find(|gap| gap.id == queryid.to_string());
        gap.unwrap_or_else(|| panic!("{queryid}: {:?}", workload.gaps)).reason.clone()
    };
    assert!(reason(1).contains("locked"), "{}", reason(1));
    assert!(reason(2).contains("longer than 5000 ms"), "{}", reason(2));
    assert!(reason(3).contains("relation \"dropped\" does not exist"), "{}", reason(3));
    assert!(reason(4).contains("column \"customer_id\" does not exist"), "{}", reason(4));
    assert!(!reason(5).contains("canary"), "{}", reason(5));
    assert!(statement(&workload, 6).planned.is_some());
}

#[test]
fn a_write_that_waits_for_an_index_build_is_planned_as_the_select_of_its_rows() {
    let database = support::database("planning_share", SCHEMA);
    let builder = database.connect();
    builder.execute("BEGIN; CREATE INDEX ON orders (note)");
    let mut session = session(&database.url());
    let texts = [WRITES[0], WRITES[5], "INSERT INTO orders VALUES ($1, $2, $3, $4, $5)"];
    let workload = planned(&mut session, &texts);
    assert!(workload.gaps.is_empty() && statement(&workload, 3).planned.is_none(), "{:?}", workload.gaps);
    for queryid in [1, 2] {
        let planned = statement(&workload, queryid).planned.as_ref().expect("a plan");
        assert!(planned.is_rewritten_to_select && planned.by == PlannedBy::Statistics, "{planned:?}");
    }
    builder.execute("ROLLBACK");
}

#[test]
fn values_come_from_the_statistics_so_that_partial_indexes_and_ranges_count() {
    let database = support::database("planning_values", SCHEMA);
    let mut session = session(&database.url());
    let texts = [
        "SELECT * FROM orders WHERE status = $1 AND at >= $2 AND at < $3",
        "SELECT * FROM elsewhere.things WHERE id = $1",
        "SELECT * FROM items WHERE id = $1",
    ];
    database.execute(
        "CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.things (id int); CREATE TABLE elsewhere.items (id int)",
    );
    database.execute("UPDATE orders SET status = 'open' WHERE id % 5 <> 0");
    database.execute("VACUUM ANALYZE orders");
    let workload = planned(&mut session, &texts);
    let first = statement(&workload, 1).planned.as_ref().expect("a plan");
    assert_eq!((first.by, first.form), (PlannedBy::Statistics, ExplainForm::Plain));
    let used = first.plan.indexes_used();
    assert_eq!(used.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["orders_open_idx"], "{}", first.text);
    // One of the hundred intervals of the histogram.
    assert!((50.0..1000.0).contains(&first.plan.root.plan_rows), "{} rows", first.plan.root.plan_rows);
    assert!(statement(&workload, 2).planned.is_some());
    let third = statement(&workload, 3).planned.as_ref().expect("the only relation of that name");
    assert!(third.text.contains("elsewhere.items"), "{}", third.text);

    let again = replan(&mut session, &workload.snapshot.server, first).expect("a session").expect("a plan");
    assert_eq!(again, first.plan);
    database.execute("DROP TABLE orders CASCADE");
    let gone = replan(&mut session, &workload.snapshot.server, first).expect("a session");
    assert_eq!(gone, Err("relation \"orders\" does not exist".to_owned()));
}
