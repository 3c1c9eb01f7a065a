//! Unused indexes are dropped where every node's counters prove it, and stay with what is missing of the evidence elsewhere.

use pgadvise::server::{Cluster, ClusterOptions};
use serde_json::Value;

use crate::support::cli::{Desk, Run};
use crate::support::standby::{caught_up, standby_of};
use crate::support::{self, connect, eventually};

/// Visits with an index that nothing uses, and one of every kind that must stay all the same.
const VISITS: &str = "
    CREATE EXTENSION btree_gist;
    CREATE TABLE account (id int PRIMARY KEY, mail text NOT NULL, CONSTRAINT account_mail UNIQUE (mail));
    INSERT INTO account SELECT g, 'mail ' || g FROM generate_series(1, 2000) AS g;
    CREATE TABLE visit (id int PRIMARY KEY, account int NOT NULL REFERENCES account, score int NOT NULL, page int NOT NULL,
                        at int NOT NULL, during int4range, note text NOT NULL,
                        CONSTRAINT visit_during EXCLUDE USING gist (during WITH &&));
    INSERT INTO visit
        SELECT g, 1 + g % 2000, hashint4(g), g % 500, g, int4range(g * 10, g * 10 + 5), repeat('x', 50)
        FROM generate_series(1, 20000) AS g;
    CREATE INDEX visit_score ON visit (score);
    CREATE INDEX visit_page ON visit (page);
    CREATE INDEX visit_account ON visit (account);
    CREATE INDEX visit_at ON visit (at);
    ALTER TABLE visit CLUSTER ON visit_at;
    CREATE UNIQUE INDEX visit_unique ON visit (id, score);
    ALTER TABLE visit REPLICA IDENTITY USING INDEX visit_unique;
    ANALYZE;";

const MUST_STAY: [&str; 7] =
    ["visit_pkey", "visit_during", "visit_account", "visit_at", "visit_unique", "account_pkey", "account_mail"];

fn options() -> ClusterOptions {
    ClusterOptions::default()
        .with_setting("shared_preload_libraries", "pg_stat_statements")
        .with_setting("autovacuum", "off")
        .with_setting("hot_standby", "on")
}

/// A server of its own with the visits, whose counters start now.
fn visits(major: u32) -> Cluster {
    let cluster = support::private_server(major, &options());
    connect(&cluster.url("postgres")).execute("CREATE DATABASE visits");
    let session = connect(&cluster.url("visits"));
    session.execute("CREATE EXTENSION pg_stat_statements");
    session.execute(VISITS);
    session.execute("SELECT pg_stat_reset(), pg_stat_statements_reset()");
    cluster
}

fn analysed(cluster: &Cluster, more: &[&str]) -> Run {
    let folder = cluster.binaries().folder().display().to_string();
    let options = ["--no-emit", "--pg-bindir", &folder];
    Desk::new().analyze(&cluster.url("visits"), &[&options, more].concat())
}

const AT_ONCE: [&str; 2] = ["--threshold", "min_stats_age_days=0"];

fn dropped(report: &Value) -> Vec<&str> {
    let steps = report["advice"].as_array().expect("advice").iter();
    steps.filter(|step| step["action"] == "drop_index").filter_map(|step| step["id"].as_str()).collect()
}

/// The first caution of the step that drops `name`.
fn why(report: &Value, name: &str) -> String {
    let steps = report["advice"].as_array().expect("advice");
    let step = steps.iter().find(|step| step["action"] == "drop_index" && step["id"] == name);
    step.unwrap_or_else(|| panic!("{name} stays: {report:#}"))["cautions"][0].as_str().expect("a caution").to_owned()
}

/// Why the existing index `name` stays.
fn stays(report: &Value, name: &str) -> String {
    let begin = format!("existing index {name} stays: ");
    let mut reasons = report["declined"].as_array().expect("declined").iter().filter_map(|one| one["reason"].as_str());
    let reason = reasons.find_map(|reason| reason.strip_prefix(&begin));
    reason.unwrap_or_else(|| panic!("nothing is said of {name}: {report:#}")).to_owned()
}

fn scan(cluster: &Cluster, sql: &str) {
    connect(&cluster.url("visits")).execute(&format!("SET enable_seqscan = off; {sql}"));
}

/// Waits until the server has counted a scan of `index`.
fn counted(cluster: &Cluster, index: &str) {
    let sql = format!("SELECT idx_scan > 0 FROM pg_stat_user_indexes WHERE indexrelname = '{index}'");
    eventually(|| (connect(&cluster.url("visits")).value(&sql) == "t").then_some(()));
}

#[test]
fn a_lone_server_says_what_is_unused_and_what_must_stay_stays() {
    for major in support::versions() {
        let cluster = visits(major);
        scan(&cluster, "SELECT note FROM visit WHERE page = 7");
        counted(&cluster, "visit_page");
        let report = analysed(&cluster, &AT_ONCE).json();
        assert_eq!(dropped(&report), ["visit_score"], "{major}: {report:#}");
        let why = why(&report, "visit_score");
        assert!(why.starts_with("it was not scanned in 0 days on this node; no catalog tells"), "{why}");
        assert!(MUST_STAY.iter().all(|name| !dropped(&report).contains(name)));
        // The counters are young.
        let report = analysed(&cluster, &[]).json();
        assert!(dropped(&report).is_empty(), "{report:#}");
    }
}

#[test]
fn an_index_that_the_workload_would_use_stays() {
    let cluster = visits(15);
    let desk = Desk::new();
    desk.write("workload.sql", "SELECT note FROM visit WHERE score = 12;");
    let folder = cluster.binaries().folder().display().to_string();
    let options = ["--no-emit", "--pg-bindir", &folder, "--workload", "workload.sql", AT_ONCE[0], AT_ONCE[1]];
    let report = desk.analyze(&cluster.url("visits"), &options).json();
    assert!(!dropped(&report).contains(&"visit_score"), "{report:#}");
    assert!(stays(&report, "visit_score").contains("a statement of the workload would use it now"));
}

#[test]
fn a_standby_counts_for_itself_and_is_read_when_it_is_named() {
    for major in support::versions() {
        let mut primary = visits(major);
        let standby = standby_of(&mut primary, &options());
        connect(&primary.url("visits")).execute("SELECT pg_stat_reset()");
        caught_up(&primary, &standby);

        let report = analysed(&primary, &AT_ONCE).json();
        assert!(dropped(&report).is_empty(), "{major}: a standby may use them: {report:#}");
        let missing = stays(&report, "visit_score");
        assert!(missing.contains("1 standbys are connected") && missing.contains("--replica URL"), "{missing}");

        scan(&standby, "SELECT note FROM visit WHERE page = 8");
        counted(&standby, "visit_page");
        let url = standby.url("visits");
        let replica = [&AT_ONCE[..], &["--replica", &url]].concat();
        let report = analysed(&primary, &replica).json();
        assert_eq!(dropped(&report), ["visit_score"], "{major}: {report:#}");
        assert!(why(&report, "visit_score").contains("on this node and its replica"));
        let statements = report["statements"].as_array().expect("statements");
        let by_page = statements.iter().find(|one| one["indexes"] == serde_json::json!(["visit_page"]));
        assert_eq!(by_page.map(|one| &one["calls"]), Some(&Value::from(1.0)), "the standby's statement: {report:#}");

        // A snapshot holds the same.
        let desk = Desk::new();
        let run = desk.run(&["snapshot", &primary.url("visits"), "--replica", &url, "-o", "visits.json"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let folder = primary.binaries().folder().display().to_string();
        let from_file = desk.analyze("visits.json", &["--no-emit", "--pg-bindir", &folder, AT_ONCE[0], AT_ONCE[1]]);
        assert_eq!(dropped(&from_file.json()), ["visit_score"]);
    }
}

#[test]
fn what_is_no_standby_of_the_source_is_refused() {
    let major = 15;
    let mut primary = visits(major);
    let standby = standby_of(&mut primary, &options());
    let other = visits(major);
    let desk = Desk::new();
    let refused = |replicas: &[&str], code: i32, message: &str, hint: &str| {
        let given = replicas.iter().flat_map(|url| ["--replica", url]).collect::<Vec<_>>();
        let run = desk.try_analyze(&primary.url("visits"), &[&["--no-emit"], &given[..]].concat());
        run.failed(code, message, hint);
    };
    let own = standby.url("visits");
    refused(
        &[&other.url("visits")],
        2,
        "replica 1 is no standby of the source: it has another system identifier",
        "--replica",
    );
    refused(&[&primary.url("visits")], 2, "replica 1 is no standby of the source: it is not in recovery", "--replica");
    refused(&[&standby.url("postgres")], 2, "its database \"postgres\" is not \"visits\" of the source", "--replica");
    refused(
        &[&own, &own],
        2,
        "replica 2 is no standby of the source: it is a server that was read already",
        "--replica",
    );
    let nobody = format!("postgres://app@127.0.0.1:{}/visits", support::closed_port());
    refused(&[&nobody], 3, "replica 1", "");
    let run = desk.run(&["snapshot", &primary.url("visits"), "-o", "visits.json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let run = desk.try_analyze("visits.json", &["--no-emit", "--replica", &own]);
    run.failed(
        2,
        "--replica reads servers, and the source is a snapshot file",
        "pgadvise snapshot SOURCE --replica URL",
    );
}

#[test]
fn a_crash_and_not_a_restart_begins_the_counters_anew() {
    for major in support::versions() {
        let mut cluster = visits(major);
        let counted = |cluster: &Cluster| {
            let snapshot = support::collected(&cluster.url("visits"));
            snapshot.server.node.counted_since.expect("a time")
        };
        let first = counted(&cluster);
        cluster.shut_down().expect("a clean end");
        cluster.start_again().expect("a start");
        assert_eq!(counted(&cluster), first, "{major}: a restart keeps the counters");
        let victim = connect(&cluster.url("visits")).value("SELECT pg_backend_pid()");
        drop(victim);
        let id = cluster.process_id().expect("a server");
        std::process::Command::new("kill").args(["-QUIT", &id.to_string()]).status().expect("kill");
        eventually(|| connect_fails(&cluster).then_some(()));
        cluster.start_again().expect("a start after a crash");
        assert!(counted(&cluster) > first, "{major}: a crash empties the counters");
    }
}

fn connect_fails(cluster: &Cluster) -> bool {
    std::fs::read_to_string(cluster.data_directory().join("postmaster.pid")).is_err()
}
