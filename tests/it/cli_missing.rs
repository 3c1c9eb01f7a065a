//! What a database or a role lacks: each is a gap that says the statement that mends it, and everything that can be done
//! without it is done.

use std::sync::OnceLock;

use pgadvise::server::{Cluster, ClusterOptions};

use crate::support::cli::{Desk, Run, SHOP_ADVICE, SHOP_WORKLOAD, fill_shop, run_shop};
use crate::support::{self, Database};

const UNSUPPORTED: i32 = 4;
const USAGE: i32 = 2;

/// A server without pg_stat_statements in shared_preload_libraries.
fn without_preload() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| support::private_server_with_hypopg(&ClusterOptions::default()))
}

fn shop_on(cluster: &'static Cluster, name: &str, more_sql: &str) -> Database {
    let database = support::database_on(cluster, name, more_sql);
    fill_shop(&database);
    database
}

fn shop(name: &str, more_sql: &str) -> Database {
    shop_on(support::server_with_hypopg(), name, more_sql)
}

fn finds_what_needs_no_statements(run: &Run) {
    assert!(run.rules().contains(&"duplicate_index".to_owned()), "{run:?}");
}

#[test]
fn pg_stat_statements_is_not_preloaded() {
    let database = shop_on(without_preload(), "not_preloaded", "CREATE EXTENSION pg_stat_statements");
    let run = Desk::new().analyze(&database.url(), &["--no-emit"]);
    run.has_gap(&["pg_stat_statements", "shared_preload_libraries", "ALTER SYSTEM SET", "restart the server"]);
    finds_what_needs_no_statements(&run);

    let database = shop_on(without_preload(), "not_there", "CREATE EXTENSION hypopg");
    let desk = Desk::new();
    let run = desk.analyze(&database.url(), &["--no-emit"]);
    run.has_gap(&["pg_stat_statements", "ALTER SYSTEM SET", "CREATE EXTENSION pg_stat_statements;"]);
    let workload = desk.write("w.sql", SHOP_WORKLOAD);
    desk.analyze(&database.url(), &["--no-emit", "--workload", &workload]).advises(SHOP_ADVICE);
}

#[test]
fn pg_stat_statements_is_not_created() {
    let database = shop("not_created", "CREATE EXTENSION hypopg");
    let desk = Desk::new();
    let run = desk.analyze(&database.url(), &["--no-emit"]);
    run.has_gap(&["pg_stat_statements", "not created in this database", "CREATE EXTENSION pg_stat_statements;"]);
    assert_eq!(run.json()["workload"]["n_statements"], 0);
    finds_what_needs_no_statements(&run);
    let workload = desk.write("w.sql", SHOP_WORKLOAD);
    let run = desk.analyze(&database.url(), &["--no-emit", "--workload", &workload]);
    run.advises(SHOP_ADVICE);
    finds_what_needs_no_statements(&run);
}

#[test]
fn both_extensions_are_in_another_schema() {
    let setup = "CREATE SCHEMA \"My Extensions\"; CREATE EXTENSION pg_stat_statements SCHEMA \"My Extensions\";
                 CREATE EXTENSION hypopg SCHEMA \"My Extensions\"";
    let database = shop("elsewhere", setup);
    run_shop(&database);
    let run = Desk::new().analyze(&database.url(), &["--no-emit", "--what-if", "hypopg"]);
    run.advises(SHOP_ADVICE);
    assert_eq!(run.json()["source"]["what_if"], "hypopg");
}

#[test]
fn pg_stat_statements_is_empty() {
    let database = shop("nothing_counted", "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg");
    database.execute(
        "SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)",
    );
    // What pgadvise and this test themselves sent is no workload.
    let run = Desk::new().analyze(&database.url(), &["--no-emit"]);
    finds_what_needs_no_statements(&run);
    assert!(run.ddl().iter().all(|ddl| !ddl.contains("CREATE INDEX")), "{run:?}");
}

#[test]
fn hypopg_is_not_created() {
    let database = shop("no_hypopg", "CREATE EXTENSION pg_stat_statements");
    run_shop(&database);
    let desk = Desk::new();
    let run = desk.analyze(&database.url(), &["--no-emit"]);
    assert_eq!(run.json()["source"]["what_if"], "shadow", "nobody needs it");
    run.advises(SHOP_ADVICE);

    // Asked for by name, its absence is a failure; what can be said without it is still said.
    let run = desk.try_analyze(&database.url(), &["--no-emit", "--what-if", "hypopg"]);
    run.complained(UNSUPPORTED, "extension \"hypopg\" is not created", "CREATE EXTENSION hypopg;");
    run.has_gap(&["hypopg", "CREATE EXTENSION hypopg;"]);
    assert_eq!(run.json()["source"]["what_if"], serde_json::Value::Null);
    assert!(run.json()["workload"]["n_planned"].as_u64() > Some(0), "statements are planned all the same");
    finds_what_needs_no_statements(&run);
    assert!(run.rules().contains(&"seq_scan_filter".to_owned()), "{:?}", run.rules());
}

#[test]
fn hypopg_is_not_installed() {
    let database = shop_on(support::server(17), "hypopg_missing", "CREATE EXTENSION pg_stat_statements");
    run_shop(&database);
    let run = Desk::new().try_analyze(&database.url(), &["--no-emit", "--what-if", "hypopg"]);
    run.has_gap(&["hypopg", "postgresql-17-hypopg", "CREATE EXTENSION hypopg;"]);
    finds_what_needs_no_statements(&run);
}

#[test]
fn the_sandbox_is_not_named_or_is_the_analysed_database() {
    let database = shop("own_sandbox", "CREATE EXTENSION pg_stat_statements");
    let desk = Desk::new();
    let workload = desk.write("w.sql", SHOP_WORKLOAD);
    let run = desk.run(&["analyze", &database.url(), "--what-if", "sandbox"]);
    run.failed(USAGE, "no sandbox", "--sandbox");
    let url = database.url();
    let indexes = || database.rows("SELECT indexrelid, indexrelid::regclass::text FROM pg_index ORDER BY 1");
    let before = indexes();
    for sandbox in [url.clone(), format!("{url}&application_name=another")] {
        let arguments = ["--what-if", "sandbox", "--sandbox", &sandbox, "--workload", &workload, "--no-emit"];
        let run = desk.try_analyze(&url, &arguments);
        run.complained(USAGE, "sandbox", "--sandbox");
    }
    assert_eq!(indexes(), before);

    let copy = shop("sandbox_copy", "");
    let arguments = ["--what-if", "sandbox", "--sandbox", &copy.url(), "--workload", &workload, "--no-emit"];
    let run = desk.analyze(&url, &arguments);
    run.advises(SHOP_ADVICE);
    assert_eq!(run.json()["source"]["what_if"], "sandbox");
    assert_eq!(indexes(), before);
}

#[test]
fn a_role_without_privileges() {
    let database = shop("no_rights", "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg");
    run_shop(&database);
    database.execute("CREATE ROLE cli_no_rights LOGIN");
    let url = database.url().replacen("postgres@", "cli_no_rights@", 1);
    let run = Desk::new().analyze(&url, &["--no-emit"]);
    run.has_gap(&[
        "pg_stat_statements",
        "hidden from role cli_no_rights",
        "GRANT pg_monitor, pg_read_all_data TO cli_no_rights;",
    ]);
    run.has_gap(&[
        "relation",
        "public.customer",
        "public.orders",
        "GRANT pg_monitor, pg_read_all_data TO cli_no_rights;",
    ]);
    finds_what_needs_no_statements(&run);
    database.execute("DROP ROLE cli_no_rights");
}

#[test]
fn a_role_that_may_read_some_tables() {
    let database = shop("some_rights", "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg");
    database.execute("CREATE ROLE cli_some_rights LOGIN; GRANT SELECT ON orders TO cli_some_rights");
    let url = database.url().replacen("postgres@", "cli_some_rights@", 1);
    let desk = Desk::new();
    let workload = desk.write(
        "w.sql",
        &format!(
            "{SHOP_WORKLOAD}-- calls: 10\nUPDATE orders SET total = 1 WHERE customer_id = 3 AND status = 'new';\n"
        ),
    );
    let run = desk.analyze(&url, &["--no-emit", "--workload", &workload]);
    run.has_gap(&["relation public.customer", "cli_some_rights", "GRANT"]);
    run.advises(SHOP_ADVICE);
    assert!(run.json()["workload"]["n_planned"].as_u64() >= Some(1));
    database.execute("DROP OWNED BY cli_some_rights; DROP ROLE cli_some_rights");
}

#[test]
fn an_empty_database() {
    let database = support::database_on(support::server_with_hypopg(), "empty", "");
    let desk = Desk::new();
    let run = desk.analyze(&database.url(), &[]);
    run.has_gap(&[database.name(), "no relations"]);
    assert_eq!(run.ddl(), [""; 0]);
    assert!(desk.files().is_empty(), "nothing to write");
    let run = desk.run(&["analyze", &database.url()]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("no relations"), "{run:?}");
}

#[test]
fn a_database_of_one_table_without_rows() {
    let database = support::database_on(
        support::server_with_hypopg(),
        "one_table",
        "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg; CREATE TABLE alone (a int)",
    );
    database.execute("SELECT * FROM alone WHERE a = 1");
    let run = Desk::new().analyze(&database.url(), &["--no-emit"]);
    assert_eq!(run.ddl(), [""; 0], "a table without rows needs no index");
    assert!(!run.gaps().iter().any(|gap| gap.contains("no relations")), "{:?}", run.gaps());
}
