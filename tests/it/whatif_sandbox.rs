//! The sandbox backend: real costs, never the analysed database, nothing left behind, with and without superuser.

use std::collections::BTreeSet;

use pgadvise::db::{Session, Target};
use pgadvise::pg::{AccessMethod, IndexDefinition, IndexTarget};
use pgadvise::server::Cluster;
use pgadvise::snapshot::Catalog;
use pgadvise::whatif::{Ask, Backend, CandidateId, Choice, Means, Planner, Sandbox, prepare};
use pgadvise::workload::Workload;

use crate::support::whatif::{candidate, session, workload};
use crate::support::{self, Database};

const SCHEMA: &str = "
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, status text, created_at timestamp, email text);
INSERT INTO orders SELECT g, g % 500, 's' || g % 3, timestamp '2025-01-01' + g * interval '1 min', 'User' || g FROM generate_series(1, 20000) g;
CREATE INDEX orders_status_idx ON orders (status);
CREATE TABLE log (id int, day int) PARTITION BY RANGE (day);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (50);
CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (50) TO (100);
INSERT INTO log SELECT g, g % 100 FROM generate_series(1, 20000) g;
";
const STATEMENTS: [&str; 5] = [
    "SELECT * FROM orders WHERE customer_id = 7",
    "SELECT * FROM orders WHERE status = 's1' ORDER BY created_at LIMIT 3",
    "SELECT * FROM orders WHERE lower(email) = 'user77'",
    "SELECT * FROM log WHERE id = 99",
    "SELECT * FROM orders WHERE customer_id = $1",
];
const LEFT: &str = "SELECT count(*) FROM pg_class WHERE relname LIKE 'pgadvise%'";

/// The analysed database and its sandbox, which was never analysed itself.
fn databases(name: &str) -> (Database, Database) {
    databases_on(support::server(15), name)
}

fn databases_on(cluster: &'static Cluster, name: &str) -> (Database, Database) {
    let analysed = support::database_on(cluster, name, SCHEMA);
    analysed.execute("ANALYZE");
    (analysed, support::database_on(cluster, &format!("{name}_sandbox"), SCHEMA))
}

fn planned(database: &Database) -> (Session, Workload) {
    let mut session = session(database);
    let workload = workload(&mut session, support::snapshot(database), &STATEMENTS);
    (session, workload)
}

fn target(url: &str) -> Target {
    Target::resolve(Some(url)).expect("a target")
}

fn ask(statement: usize, visible: &[u32]) -> Ask {
    Ask { statement, visible: visible.iter().map(|id| CandidateId(*id)).collect(), hidden: BTreeSet::new() }
}

fn candidates(workload: &Workload) -> Vec<pgadvise::whatif::Hypothetical> {
    let snapshot = &workload.snapshot;
    vec![
        candidate(snapshot, "orders", IndexDefinition::btree(["customer_id"])),
        candidate(snapshot, "orders", IndexDefinition::btree(["status", "created_at"])),
        candidate(snapshot, "orders", IndexDefinition::btree([IndexTarget::Expression("lower(email)".into())])),
        candidate(snapshot, "log", IndexDefinition::btree(["id"])),
        candidate(
            snapshot,
            "orders",
            IndexDefinition { access_method: AccessMethod::Gin, ..IndexDefinition::btree(["customer_id"]) },
        ),
        candidate(snapshot, "orders", IndexDefinition::btree(["status"])),
    ]
}

/// Declares the candidates and checks every answer, whoever the sandbox's role is.
fn check(planner: &mut dyn Planner, workload: &Workload) {
    assert_eq!(planner.backend(), Backend::Sandbox);
    let declared = planner.declare(&candidates(workload)).expect("declared");
    assert!(declared[..4].iter().all(Result::is_ok), "{declared:?}");
    assert!(declared[4].as_ref().is_err_and(|why| why.contains("no default operator class for access method \"gin\"")));
    let catalog = Catalog::new(&workload.snapshot);
    let status = catalog.index_named("public", "orders_status_idx").expect("the index").1.oid;
    let without_status =
        |statement, visible: &[u32]| Ask { hidden: BTreeSet::from([status]), ..ask(statement, visible) };
    let asks = [
        ask(0, &[]),
        ask(0, &[0, 1, 2, 3, 4, 5]),
        ask(1, &[0]),
        ask(1, &[0, 1, 2, 3]),
        ask(2, &[2]),
        ask(3, &[3]),
        ask(4, &[0]),
        without_status(1, &[]),
        ask(1, &[5]),
        without_status(1, &[5]),
    ];
    let prices: Vec<_> =
        planner.price(&asks).expect("prices").into_iter().map(|price| price.expect("a price")).collect();
    let used: Vec<Vec<u32>> = prices.iter().map(|price| price.used.iter().map(|id| id.0).collect()).collect();
    let expected: [&[u32]; 10] = [&[], &[0], &[], &[1], &[2], &[3], &[0], &[], &[], &[5]];
    assert_eq!(used, expected, "{prices:?}");
    assert!(prices[1].total_cost < prices[0].total_cost / 2.0);
    assert!(
        prices[7].used_existing.is_empty() && !prices[2].used_existing.contains(&status)
            || !prices[2].used_existing.is_empty()
    );
    assert_eq!(planner.n_calls(), 10);
}

#[test]
fn a_superuser_toggles_what_was_really_built_on_every_version() {
    for major in support::versions() {
        let (analysed, sandbox) = databases_on(support::server(major), "sandbox_super");
        let (mut session, workload) = planned(&analysed);
        {
            let mut planner =
                Sandbox::connect(&target(&sandbox.url()), Some(&mut session), &workload).expect("a sandbox");
            check(&mut planner, &workload);
            assert_ne!(sandbox.value(LEFT), "0");
        }
        assert_eq!(sandbox.value(LEFT), "0", "{major}");
        assert_eq!(sandbox.value("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0", "{major}");
        assert_eq!(analysed.value(LEFT), "0", "{major}");
    }
}

#[test]
fn an_owner_needs_no_superuser() {
    let (analysed, sandbox) = databases("sandbox_owner");
    let (mut session, workload) = planned(&analysed);
    sandbox.execute(
        "CREATE ROLE sandbox_owner LOGIN; ALTER TABLE orders OWNER TO sandbox_owner; ALTER TABLE log OWNER TO sandbox_owner;
         ALTER TABLE log_1 OWNER TO sandbox_owner; ALTER TABLE log_2 OWNER TO sandbox_owner; GRANT ALL ON SCHEMA public TO sandbox_owner",
    );
    let url = sandbox.url().replace("postgres@", "sandbox_owner@");
    {
        let mut planner = Sandbox::connect(&target(&url), Some(&mut session), &workload).expect("a sandbox");
        check(&mut planner, &workload);
    }
    assert_eq!(sandbox.value(LEFT), "0");
    assert_eq!(sandbox.value("SELECT count(*) FROM pg_class WHERE relname = 'orders_status_idx'"), "1");
    sandbox
        .execute("REASSIGN OWNED BY sandbox_owner TO postgres; DROP OWNED BY sandbox_owner; DROP ROLE sandbox_owner");
}

#[test]
fn nothing_is_left_after_a_failure_and_leftovers_of_a_killed_run_go_at_the_next_start() {
    let (analysed, sandbox) = databases("sandbox_left");
    let (mut session, workload) = planned(&analysed);
    sandbox.execute(
        "CREATE INDEX pgadvise_sandbox_0 ON orders (customer_id); CREATE INDEX pgadvise_sandbox_7 ON log (id)",
    );
    {
        let mut planner = Sandbox::connect(&target(&sandbox.url()), Some(&mut session), &workload).expect("a sandbox");
        assert_eq!(sandbox.value(LEFT), "0");
        let declared = planner.declare(&candidates(&workload)).expect("declared");
        assert!(declared[0].is_ok());
        sandbox.execute("DROP TABLE log");
        let prices = planner.price(&[ask(3, &[3]), ask(0, &[0]), ask(3, &[])]).expect("prices");
        assert_eq!(prices[0], Err("relation \"log\" does not exist".to_owned()));
        assert_eq!(prices[0], prices[2]);
        assert!(prices[1].as_ref().is_ok_and(|price| price.used.contains(&CandidateId(0))));
        let other = Sandbox::connect(&target(&sandbox.url()), None, &workload);
        assert!(other.is_err_and(|error| error.message().contains("another run of pgadvise")));
    }
    assert_eq!(sandbox.value(LEFT), "0");
}

#[test]
fn the_analysed_database_is_refused_and_a_missing_backend_says_what_to_do() {
    let (analysed, _) = databases("sandbox_refused");
    let (mut session, workload) = planned(&analysed);
    let error = Sandbox::connect(&target(&analysed.url()), Some(&mut session), &workload).err().expect("an error");
    assert_eq!(error.message(), "the sandbox is the analysed database itself");
    let (_, other) = databases("sandbox_chosen");
    let sandbox = target(&other.url());
    let means = |choice| Means { choice, is_live: true, sandbox: None, pg_bindir: None };
    let ready = |means| prepare(&means, &workload.snapshot, &|_| {});
    let named = ready(Means { sandbox: Some(&sandbox), ..means(Choice::Auto) }).expect("a backend");
    assert_eq!(named.backend(), Backend::Sandbox);
    let error = ready(means(Choice::Only(Backend::Sandbox))).err().expect("an error");
    assert!(error.hint().is_some_and(|hint| hint.contains("--sandbox URL")));
    let hypopg = ready(means(Choice::Only(Backend::Hypopg))).expect("it is there to be asked");
    let error = hypopg.planner(Some(&mut session), &workload).err().expect("an error");
    assert!(error.hint().is_some_and(|hint| hint.contains("CREATE EXTENSION hypopg;")), "{error}");
    let error = ready(Means { is_live: false, ..means(Choice::Only(Backend::Hypopg)) }).err().expect("an error");
    assert!(error.message().contains("snapshot file"), "{error}");
    assert_eq!(analysed.value(LEFT), "0");
}
