//! Drops are proved in the planner before they are proposed: nothing becomes worse, all of them together, after the creates.

use pgadvise::server::Cluster;
use serde_json::Value;

use crate::support::cli::Desk;
use crate::support::{self, Database};

/// Visits with a narrow index and a wider one that begins with it, about three times the size.
const VISITS: &str = "
    SET synchronous_commit = on; -- or else VACUUM finds no page all-visible yet
    CREATE TABLE visit (id int PRIMARY KEY, account int NOT NULL, at timestamptz NOT NULL, note text NOT NULL);
    INSERT INTO visit
        SELECT g, g % 6000, '2026-01-01'::timestamptz + g * interval '1 s', repeat('x', 150) FROM generate_series(1, 60000) AS g;
    CREATE INDEX visit_account ON visit (account);
    CREATE INDEX visit_account_at ON visit (account, at);";

fn visits(major: u32) -> Database {
    visits_on(support::server(major))
}

fn visits_on(cluster: &'static Cluster) -> Database {
    let database = support::database_on(cluster, "drops_proof", VISITS);
    database.execute("VACUUM ANALYZE visit");
    database
}

/// The step that drops `name`.
fn dropped<'r>(report: &'r Value, name: &str) -> Option<&'r Value> {
    let steps = report["advice"].as_array().expect("advice");
    steps.iter().find(|step| step["action"] == "drop_index" && step["id"] == name)
}

fn cautions(step: &Value) -> String {
    let cautions = step["cautions"].as_array().expect("cautions");
    cautions.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

/// Why the existing index `name` stays.
fn declined(report: &Value, name: &str) -> Vec<String> {
    let begin = format!("existing index {name} stays: ");
    let declined = report["declined"].as_array().expect("declined").iter().filter_map(|one| one["reason"].as_str());
    declined.filter_map(|reason| reason.strip_prefix(&begin)).map(str::to_owned).collect()
}

#[test]
fn what_no_statement_misses_goes_and_the_step_says_what_was_asked() {
    for major in support::versions() {
        let database = visits(major);
        let by_key = "-- calls: 10\nSELECT note FROM visit WHERE id = $1;\n";
        let report = Desk::new().analyze_text(&database, by_key, "shadow").json();
        let step = dropped(&report, "visit_account").unwrap_or_else(|| panic!("{report:#}"));
        assert!(cautions(step).contains("no statement of the workload uses it"), "{step:#}");
    }
}

#[test]
fn what_a_statement_would_miss_stays_and_the_reason_names_the_statement() {
    for major in support::versions() {
        let database = visits(major);
        // An index-only scan of many accounts reads three times as much of the wider index.
        let count = "-- calls: 10\nSELECT count(*) FROM visit WHERE account < 800;\n";
        let report = Desk::new().analyze_text(&database, count, "shadow").json();
        assert!(dropped(&report, "visit_account").is_none(), "{report:#}");
        let reasons = declined(&report, "visit_account");
        assert!(
            reasons.len() == 1
                && reasons[0].starts_with("without it statement workload.sql:2 would cost ")
                && reasons[0].ends_with("% more)"),
            "{reasons:?}"
        );
    }
}

#[test]
fn what_cannot_be_asked_is_said_and_not_assumed() {
    let database = visits_on(support::server_with_hypopg());
    database.execute("CREATE EXTENSION hypopg");
    let version = database.value("SELECT extversion FROM pg_extension WHERE extname = 'hypopg'");
    let account = "-- calls: 10\nSELECT count(*) FROM visit WHERE account < 800;\n";
    let report = Desk::new().analyze_text(&database, account, "hypopg").json();
    if version.starts_with("1.3") {
        let said = cautions(dropped(&report, "visit_account").unwrap_or_else(|| panic!("{report:#}")));
        assert!(
            said.contains("not proved that no statement becomes worse without it: statement workload.sql:2"),
            "{said}"
        );
        assert!(said.contains(&format!("needs HypoPG 1.4 or later, this is {version}")), "{said}");
    } else {
        assert_eq!(declined(&report, "visit_account").len(), 1, "{report:#}");
    }
    // The estimate knows no other index-only scan, and says so.
    let report = Desk::new().analyze_text(&database, account, "estimate").json();
    match dropped(&report, "visit_account") {
        Some(step) => {
            let said = cautions(step);
            assert!(said.contains("not proved") || said.contains("reckoned by the estimate"), "{said}");
        }
        None => assert_eq!(declined(&report, "visit_account").len(), 1, "{report:#}"),
    }
}

#[test]
fn an_index_that_a_new_one_extends_goes_after_it_also_where_it_alone_served_a_foreign_key() {
    for major in support::versions() {
        let setup = "
            CREATE TABLE customer (id int PRIMARY KEY);
            INSERT INTO customer SELECT generate_series(1, 200);
            CREATE TABLE purchase (id int PRIMARY KEY, customer int NOT NULL REFERENCES customer, at int NOT NULL, note text);
            INSERT INTO purchase SELECT g, 1 + g % 200, hashint4(g), repeat('x', 200) FROM generate_series(1, 100000) AS g;
            CREATE INDEX purchase_customer ON purchase (customer);
            ANALYZE;";
        let database = support::database_on(support::server(major), "drops_extended", setup);
        let newest = "-- calls: 100\nSELECT note FROM purchase WHERE customer = 7 ORDER BY at DESC LIMIT 5;\n";
        let report = Desk::new().analyze_text(&database, newest, "shadow").json();
        let created = &report["advice"][0];
        assert_eq!(created["action"], "create_index", "{report:#}");
        let columns: Vec<&str> = created["index"]["key_columns"]
            .as_array()
            .expect("columns")
            .iter()
            .filter_map(|key| key["column"].as_str())
            .collect();
        assert_eq!(columns, ["customer", "at"]);
        let said = cautions(dropped(&report, "purchase_customer").unwrap_or_else(|| panic!("{report:#}")));
        assert!(said.contains("drop it only once that one is valid"), "{said}");
    }
}

#[test]
fn what_serves_a_statement_once_an_index_is_gone_is_named() {
    let database = visits(15);
    let of_account = "-- calls: 10\nSELECT note FROM visit WHERE account = $1;\n";
    let report = Desk::new().analyze_text(&database, of_account, "shadow").json();
    let step = dropped(&report, "visit_account").unwrap_or_else(|| panic!("{report:#}"));
    assert_eq!(step["taken_over_by"], "visit_account_at");
    let reasons: Vec<&str> =
        report["declined"].as_array().expect("declined").iter().filter_map(|one| one["reason"].as_str()).collect();
    assert!(reasons.contains(&"existing index visit_account_at already serves it"), "{reasons:?}");
    assert!(!reasons.contains(&"existing index visit_account already serves it"), "{reasons:?}");
}
