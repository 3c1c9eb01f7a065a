//! Collecting pg_stat_statements on every version: whatever state it is in, and whatever stands in it.

use pgadvise::collect::CollectOptions;
use pgadvise::server::{Cluster, ClusterOptions};
use pgadvise::snapshot::{Snapshot, StatementEntry};

use crate::support::{self, Database, collected, collected_with, connect, database_on, gaps};

/// What no snapshot may hold.
const CANARY: &str = "canary-5f1c";

fn entry<'s>(snapshot: &'s Snapshot, part: &str) -> &'s StatementEntry {
    let statements = snapshot.statements.as_ref().expect("statements");
    let mut found = statements.entries.iter().filter(|e| e.text.as_deref().is_some_and(|text| text.contains(part)));
    let entry = found.next().unwrap_or_else(|| panic!("no statement with {part}"));
    assert!(found.next().is_none(), "one entry with {part}");
    entry
}

fn texts(snapshot: &Snapshot) -> Vec<&str> {
    let statements = snapshot.statements.as_ref().expect("statements");
    statements.entries.iter().filter_map(|entry| entry.text.as_deref()).collect()
}

/// The reason of the one gap that holds `part`.
fn reason<'s>(snapshot: &'s Snapshot, part: &str) -> &'s str {
    let all = gaps(snapshot, "workload");
    all.iter().find(|reason| reason.contains(part)).unwrap_or_else(|| panic!("no gap with {part}: {all:?}"))
}

#[test]
fn application_queries_are_read_and_secrets_are_not() {
    for major in support::versions() {
        let database = database_on(
            support::server(major),
            "statements",
            "CREATE SCHEMA \"ext odd\"; CREATE EXTENSION pg_stat_statements SCHEMA \"ext odd\";
             CREATE TABLE orders (id int, note text); GRANT ALL ON orders TO PUBLIC; GRANT USAGE ON SCHEMA public TO PUBLIC",
        );
        let role = format!("\"{}_shop\"", database.name());
        database.execute(&format!("CREATE ROLE {role} LOGIN PASSWORD '{CANARY}'"));
        database.execute(&format!("DO $$ BEGIN PERFORM '{CANARY}'; END $$"));
        database.execute(&format!("COMMENT ON TABLE orders IS '{CANARY}'"));
        database.execute(&format!("/* note */ ALTER ROLE {role} PASSWORD '{CANARY}'"));
        database.execute("INSERT INTO orders SELECT g, 'x' FROM generate_series(1, 1000) g");
        for _ in 0..3 {
            database.execute("SELECT note FROM orders WHERE id = 5");
        }
        let shop = database.connect();
        shop.execute(&format!("SET ROLE {role}"));
        shop.execute("SELECT note FROM orders WHERE id = 6");
        shop.execute("(select 1 as parenthesised) union all select 2");

        let first = collected(&database.url());
        let found = entry(&first, "SELECT note FROM orders");
        assert_eq!((found.n_calls, found.n_rows, found.is_top_level), (4, 4, true), "{major}");
        let mut roles = vec!["postgres".to_owned(), role.trim_matches('"').to_owned()];
        roles.sort();
        assert_eq!(found.roles, roles);
        assert!(found.exec_ms_total > 0.0 && found.exec_ms_max >= found.exec_ms_mean && found.exec_ms_stddev >= 0.0);
        assert_eq!(found.stats_since.is_some(), major >= 17, "{major}");
        assert_eq!(entry(&first, "INSERT INTO orders").n_rows, 1000);
        assert!(entry(&first, "INSERT INTO orders").wal_bytes > 0.0);
        entry(&first, "parenthesised");
        let statements = first.statements.as_ref().expect("statements");
        assert!(statements.n_utility_rows >= 5 && statements.n_hidden_rows == 0);
        assert_eq!(statements.source.n_evictions.is_some(), major >= 14);
        assert_eq!(statements.source.track.as_deref(), Some("top"));

        let second = collected(&database.url());
        for text in texts(&second) {
            assert!(!text.contains("pgadvise"), "{major}: {text}");
        }
        for snapshot in [&first, &second] {
            let json = serde_json::to_string(snapshot).expect("JSON");
            assert!(!json.contains(CANARY), "{major}: a password reached the snapshot");
        }
    }
}

#[test]
fn an_old_version_of_the_extension_is_read_by_its_own_columns() {
    for major in support::versions() {
        let create = "CREATE EXTENSION pg_stat_statements VERSION '1.4'; CREATE TABLE orders (id int)";
        let database = database_on(support::server(major), "old", create);
        database.execute("SELECT count(*) FROM orders, generate_series(1, 20000)");
        let snapshot = collected(&database.url());
        let found = entry(&snapshot, "SELECT count(*) FROM orders");
        assert!(found.exec_ms_total > 0.0 && found.exec_ms_mean > 0.0, "{major}");
        assert_eq!(snapshot.statements.as_ref().expect("statements").source.extension_version, "1.4");
        assert!(texts(&snapshot).iter().all(|text| !text.contains("CREATE")));
    }
}

#[test]
fn statements_beyond_the_limits_keep_their_numbers() {
    let database = support::database("limits", "CREATE EXTENSION pg_stat_statements");
    database.execute("SELECT count(*) FROM generate_series(1, 100000)");
    database.execute("SELECT 1 AS small");
    let columns: Vec<String> = (0..1_000).map(|number| format!("1 AS c{number}")).collect();
    database.execute(&format!("SELECT {}", columns.join(", ")));
    let options = CollectOptions { n_texts_max: 1, ..CollectOptions::default() };
    let snapshot = collected_with(&database.url(), &options);
    assert!(texts(&snapshot).len() <= 1);
    assert!(reason(&snapshot, "take less time than those whose texts were read").contains(" % of the total"));
    let options = CollectOptions { text_bytes_max: 8_000, ..CollectOptions::default() };
    let snapshot = collected_with(&database.url(), &options);
    assert!(reason(&snapshot, "too long to be read").starts_with("1 statements"));
    entry(&snapshot, "AS small");
    let options = CollectOptions { include_statements: false, ..CollectOptions::default() };
    let snapshot = collected_with(&database.url(), &options);
    assert!(snapshot.statements.is_none() && gaps(&snapshot, "workload").is_empty());
}

#[test]
fn an_extension_that_is_not_there_is_told_with_the_remedy() {
    let versions = support::versions();
    for major in [versions[0], versions[versions.len() - 1]] {
        let loaded = database_on(support::server(major), "absent", "CREATE TABLE t (a int)");
        let snapshot = collected(&loaded.url());
        assert!(snapshot.statements.is_none());
        assert_eq!(
            gaps(&snapshot, "workload"),
            [
                "pg_stat_statements is available but not created in this database; run CREATE EXTENSION pg_stat_statements;"
            ]
        );

        let server = support::private_server(major, &ClusterOptions::default());
        let url = server.url("postgres");
        let snapshot = collected(&url);
        assert!(
            reason(&snapshot, "available but not created")
                .contains("SET shared_preload_libraries = 'pg_stat_statements'"),
            "{:?}",
            snapshot.gaps
        );
        connect(&url).execute("CREATE EXTENSION pg_stat_statements");
        let snapshot = collected(&url);
        assert!(snapshot.statements.is_none(), "{major}");
        let reason = reason(&snapshot, "created but its library is not loaded");
        assert!(reason.contains("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'"), "{reason}");
    }
}

#[test]
fn every_state_of_the_counters_has_its_own_words() {
    for major in support::versions() {
        let options = ClusterOptions { locale: "C.UTF-8".to_owned(), ..ClusterOptions::default() }
            .with_setting("shared_preload_libraries", "pg_stat_statements")
            .with_setting("pg_stat_statements.max", "100");
        let server = support::private_server(major, &options);
        let url = server.url("postgres");
        let session = connect(&url);
        session.execute("CREATE EXTENSION pg_stat_statements; CREATE TABLE t (a int)");

        session.execute("SELECT pg_stat_statements_reset()");
        let fresh = collected(&url);
        if major >= 14 {
            assert!(reason(&fresh, "were reset 0 hours ago").contains("less often than that"), "{major}");
        }
        let set = |name: &str, value: &str| {
            session.execute(&format!("ALTER SYSTEM SET {name} = {value}"));
            session.execute("SELECT pg_reload_conf()");
            support::eventually(|| (connect(&url).value(&format!("SHOW {name}")) == value).then_some(()));
        };
        set("pg_stat_statements.track", "none");
        session.execute("SELECT pg_stat_statements_reset()");
        let snapshot = collected(&url);
        assert!(reason(&snapshot, "track is none").contains("SET pg_stat_statements.track = 'top'"));
        assert!(snapshot.statements.as_ref().is_some_and(|statements| statements.entries.is_empty()), "{major}");
        if major >= 14 {
            set("pg_stat_statements.track", "top");
            set("compute_query_id", "off");
            session.execute("SELECT pg_stat_statements_reset()");
            let snapshot = collected(&url);
            assert!(reason(&snapshot, "compute_query_id is off").contains("SET compute_query_id = 'auto'"));
            set("compute_query_id", "auto");
        }
        let database = "another";
        session.execute(&format!("CREATE DATABASE {database}"));
        let other = server.url(database);
        connect(&other).execute("CREATE EXTENSION pg_stat_statements");
        set("pg_stat_statements.track", "none");
        session.execute("SELECT pg_stat_statements_reset()");
        set("pg_stat_statements.track", "top");
        reason(&collected(&other), "no statement of this database has been counted yet");

        for n_columns in 1..200 {
            session.execute(&format!("SELECT {}", vec!["1"; n_columns].join(", ")));
        }
        let snapshot = collected(&url);
        let words = if major >= 14 { "statements were evicted" } else { "have most likely been evicted" };
        assert!(reason(&snapshot, words).contains("SET pg_stat_statements.max = 400"), "{major}");
        not_blind_to_numbers(&server);
    }
}

/// With a statement of another database that is not valid in ours, numbers are all that can be had.
fn not_blind_to_numbers(server: &Cluster) {
    let url = server.url("postgres");
    let session = connect(&url);
    session.execute("CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'");
    let bytes = connect(&server.url("bytes"));
    bytes.execute("SET pg_stat_statements.track = 'all'");
    let select = "'SELECT 1 AS \"' || convert_from('\\xe9'::bytea, 'SQL_ASCII') || '\"'";
    bytes.execute(&format!("DO $$ BEGIN EXECUTE {select}; END $$"));
    session.execute("SELECT a FROM t WHERE a = 1");
    let snapshot = collected(&url);
    let statements = snapshot.statements.as_ref().expect("numbers");
    assert!(!statements.entries.is_empty() && texts(&snapshot).is_empty(), "{}", server.version());
    assert!(statements.entries.iter().any(|entry| entry.n_calls > 0));
    let reason = reason(&snapshot, "by their numbers only");
    assert!(reason.contains("not valid in this database's encoding") && reason.contains("pg_stat_statements_reset("));
}

/// A database whose owner, and a login for each kind of standing, made for `test` alone.
fn with_role(major: u32, name: &str, attributes: &str, grant: Option<&str>, test: impl Fn(&Database, &str)) {
    let database = database_on(
        support::server(major),
        name,
        "CREATE EXTENSION pg_stat_statements; CREATE TABLE orders (id int); INSERT INTO orders VALUES (1)",
    );
    let role = format!("{}_{name}", database.name());
    database.execute(&format!("CREATE ROLE {role} LOGIN {attributes}"));
    if let Some(grant) = grant {
        database.execute(&format!("GRANT {grant} TO {role}"));
    }
    database.execute("SELECT id FROM orders WHERE id = 1");
    test(&database, &role);
    database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn hidden_statements_are_counted_and_the_grant_is_named() {
    for major in support::versions() {
        let with_all = if major >= 14 { "GRANT pg_monitor, pg_read_all_data TO" } else { "GRANT pg_monitor TO" };
        let no_inherit = if major >= 16 { "WITH INHERIT TRUE" } else { "INHERIT;" };
        let cases = [
            ("plain", "", None, Some(with_all)),
            ("monitor", "", Some("pg_monitor"), None),
            ("stats", "", Some("pg_read_all_stats"), None),
            // Until 14, being a member was enough.
            ("aloof", "NOINHERIT", Some("pg_monitor"), (major >= 15).then_some(no_inherit)),
        ];
        for (name, attributes, grant, remedy) in cases {
            with_role(major, name, attributes, grant, |database, role| {
                let snapshot = collected(&support::url_as(database, role));
                let statements = snapshot.statements.as_ref().expect("statements");
                assert_eq!(statements.n_hidden_rows > 0, remedy.is_some(), "{major} {name}");
                match remedy {
                    Some(remedy) => {
                        let reason = reason(&snapshot, "are hidden from role");
                        assert!(reason.contains(remedy) && reason.contains('%'), "{major} {name}: {reason}");
                        assert!(statements.hidden_exec_ms > 0.0);
                    }
                    None => {
                        entry(&snapshot, "SELECT id FROM orders");
                    }
                }
            });
        }
    }
}
