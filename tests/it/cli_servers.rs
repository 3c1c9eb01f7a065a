//! The whole job on every kind of server: each supported version, a hot standby, and databases that are not UTF-8.

use std::sync::OnceLock;

use pgadvise::server::{Cluster, ClusterOptions};

use crate::support::cli::{Desk, SHOP, SHOP_ADVICE, SHOP_WORKLOAD, fill_shop, run_shop};
use crate::support::{self, eventually};

/// From its statements to the verified deploy, on every version; candidates are built in a copy, because HypoPG is not
/// installed for all of them.
#[test]
fn every_version_from_statements_to_the_verified_deploy() {
    for major in support::versions() {
        let setup = "CREATE EXTENSION pg_stat_statements";
        let database = support::database_on(support::server(major), "whole_job", setup);
        let sandbox = support::database_on(support::server(major), "whole_job_copy", "");
        for shop in [&database, &sandbox] {
            fill_shop(shop);
        }
        run_shop(&database);
        let (url, copy) = (database.url(), sandbox.url());
        let desk = Desk::new();
        let arguments = ["--what-if", "sandbox", "--sandbox", &copy];
        let run = desk.analyze(&url, &arguments);
        run.advises(SHOP_ADVICE);
        assert!(run.json()["source"]["server_version"].as_str().expect("a version").starts_with(&major.to_string()));
        for step in run.json()["advice"].as_array().expect("advice") {
            step["ddl"].as_array().expect("ddl").iter().for_each(|ddl| database.execute(ddl.as_str().expect("DDL")));
        }
        let verified = desk.run(&["verify", &url]);
        assert_eq!(verified.code, Some(0), "{major}: {verified:?}");
        assert_eq!(desk.analyze(&url, &[&arguments[..], &["--no-emit"]].concat()).ddl(), [""; 0], "{major}");
        assert_eq!(sandbox.value("SELECT count(*) FROM pg_class WHERE relname LIKE '%pgadvise%'"), "0", "{major}");
    }
}

#[test]
fn a_hot_standby() {
    let options = ClusterOptions::default().with_setting("shared_preload_libraries", "pg_stat_statements");
    let mut cluster = support::private_server_with_hypopg(&options);
    let url = cluster.url("postgres");
    let admin = support::connect(&url);
    for statement in SHOP.split(';') {
        admin.execute(statement);
    }
    admin.execute(
        "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg; CREATE INDEX never_used ON orders (total)",
    );
    drop(admin);
    cluster.shut_down().expect("a clean shutdown");
    std::fs::write(cluster.data_directory().join("standby.signal"), "").expect("standby.signal");
    cluster.start_again().expect("a hot standby");
    let desk = Desk::new();
    desk.write("w.sql", SHOP_WORKLOAD);
    let run = desk.analyze(&url, &["--workload", "w.sql", "--threshold", "min_stats_age_days=0"]);
    run.advises(SHOP_ADVICE);
    let drops = run.ddl().into_iter().filter(|ddl| ddl.contains("never_used")).count();
    assert_eq!(drops, 0, "what one node does not use another may: {:?}", run.ddl());
    assert_eq!(desk.run(&["verify", &url]).code, Some(1));
}

/// A server whose databases have other encodings: one stray statement of theirs is seen from all of its databases.
fn encodings() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let options = ClusterOptions::default()
            .with_setting("shared_preload_libraries", "pg_stat_statements")
            .with_setting("pg_stat_statements.track", "all");
        let cluster = support::private_server_with_hypopg(&options);
        let admin = support::connect(&cluster.url("postgres"));
        for encoding in ["LATIN1", "SQL_ASCII"] {
            admin.execute(&format!(
                "CREATE DATABASE \"{encoding}\" TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
            ));
            let session = support::connect(&cluster.url(encoding));
            session.execute("CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg");
            for statement in SHOP.split(';') {
                session.execute(statement);
            }
            session.execute(
                "DO $$ BEGIN
                     EXECUTE 'CREATE TABLE \"gr' || chr(252) || 'n\" AS SELECT g AS id, g % 2000 AS a FROM generate_series(1, 20000) g';
                     FOR i IN 1..50 LOOP
                         EXECUTE 'SELECT count(*) FROM \"gr' || chr(252) || 'n\" WHERE a = 7';
                         EXECUTE 'SELECT count(*) FROM orders WHERE customer_id = 7';
                     END LOOP;
                 END $$",
            );
            session.execute("ANALYZE");
        }
        cluster
    })
}

#[test]
fn databases_that_are_not_utf_8() {
    let cluster = encodings();
    let desk = Desk::new();
    desk.analyze(&cluster.url("LATIN1"), &["--no-emit"]).advises("ON public.\\\"grün\\\" USING btree (a");
    desk.write("w.sql", &format!("{SHOP_WORKLOAD}-- calls: 900\nSELECT * FROM \"grün\" WHERE a = 7;"));
    let arguments = ["--workload", "w.sql", "--no-emit"];
    let latin = desk.analyze(&cluster.url("LATIN1"), &arguments);
    latin.advises(SHOP_ADVICE);
    latin.advises("ON public.\\\"grün\\\" USING btree (a");
    let bytes = desk.analyze(&cluster.url("SQL_ASCII"), &["--no-emit"]);
    bytes.advises(SHOP_ADVICE);
    bytes.has_gap(&["relation", "not valid UTF-8"]);
    assert!(bytes.ddl().iter().all(|ddl| !ddl.contains("gr")), "{:?}", bytes.ddl());
    // From a database that is UTF-8 the stray statement blinds all of pg_stat_statements, which is said.
    let elsewhere = support::connect(&cluster.url("postgres"));
    elsewhere.execute("CREATE EXTENSION pg_stat_statements");
    eventually(|| {
        let run = desk.analyze(&cluster.url("postgres"), &["--no-emit"]);
        run.gaps().iter().any(|gap| gap.contains("not valid in this database's encoding")).then_some(())
    });
}
