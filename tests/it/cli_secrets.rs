//! Canaries: a password or a value, wherever it may come from, is in no report, migration, manifest or log of ours.

use pgadvise::server::ClusterOptions;

use crate::support;
use crate::support::cli::{Desk, Run, SHOP, SHOP_ADVICE, leak};

/// Each hides in another place; no output may hold any.
const PASSWORD: &str = "canary-password";
const IN_SQL: [&str; 7] = [
    "canary-literal",
    "canary-common-value",
    "canary-utility",
    "canary-comment",
    "canary-histogram",
    "8675309",
    "canary-predicate",
];

fn no_secret(run: &Run, desk: &Desk, secrets: &[&str]) {
    for secret in secrets {
        assert!(!run.stdout.contains(secret), "{secret} in the report\n{}", run.stdout);
        assert!(!run.stderr.contains(secret), "{secret} on stderr\n{}", run.stderr);
    }
    for file in desk.files().iter().filter(|file| !file.ends_with("w.sql")) {
        assert_eq!(leak(&desk.path().join(file), secrets), None);
    }
}

/// A database with a value in every place from which one could get out.
const SECRETIVE: &str = "
    CREATE EXTENSION pg_stat_statements;
    CREATE EXTENSION hypopg;
    CREATE TABLE person (id int PRIMARY KEY, name text, town text, card text, born date);
    INSERT INTO person SELECT g, 'canary-histogram-' || g, CASE WHEN g % 3 = 0 THEN 'canary-common-value' ELSE 'town ' || g % 50 END,
        '8675309' || g, '2000-01-01' FROM generate_series(1, 20000) g;
    CREATE INDEX person_some ON person (born) WHERE town = 'canary-predicate';
    ANALYZE person;
    CREATE ROLE secretive_role LOGIN PASSWORD 'canary-utility';
    COMMENT ON TABLE person IS 'canary-comment'";

const WORKLOAD: &str = "
    -- calls: 1000
    SELECT * FROM person WHERE town = 'canary-literal' AND born > '1999-01-01';
    -- calls: 800
    SELECT * FROM person WHERE card = '8675309001' /* canary-comment */;
    -- calls: 700
    SELECT * FROM person WHERE name = $1;
    SELECT * FROM person WHERE town = 'canary-common-value' ORDER BY name LIMIT 3;
    SELECT * FROM person WHERE id = 'canary-literal';
    SELECT * FROM person WHERE born = 'canary-literal'::date;
    SELECT 'canary-literal'::int, canary_literal FROM person -- canary-comment
    ;
    SELECT * FROM person WHERE ((town = 'canary-literal';
    CREATE ROLE somebody PASSWORD 'canary-literal';
    UPDATE person SET card = '8675309' WHERE town = 'canary-literal';";

#[test]
fn values_stay_where_they_are() {
    let database = support::database_on(support::server_with_hypopg(), "secretive", SECRETIVE);
    for statement in [
        "SELECT count(*) FROM person WHERE town = 'canary-common-value'",
        "SELECT * FROM person WHERE card = '8675309' LIMIT 1",
        "ALTER ROLE secretive_role PASSWORD 'canary-utility'",
        "/* canary-comment */ SELECT * FROM person WHERE name = 'canary-literal'",
        "DO $$ BEGIN PERFORM 'canary-utility'; END $$",
    ] {
        database.execute(statement);
    }
    let desk = Desk::new();
    desk.write("w.sql", WORKLOAD);
    let url = database.url();
    for form in ["json", "text"] {
        let run = desk.run(&["-vv", "analyze", &url, "--format", form, "--workload", "w.sql"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.stdout.contains("person"), "there is something to say: {run:?}");
        no_secret(&run, &desk, &IN_SQL);
    }
    assert!(desk.files().iter().any(|file| file.ends_with("manifest.json")), "{:?}", desk.files());
    for form in ["json", "text"] {
        let run = desk.run(&["-vv", "verify", &url, "--format", form]);
        assert_eq!(run.code, Some(1), "{run:?}");
        no_secret(&run, &desk, &IN_SQL);
    }
    database.execute("DROP ROLE secretive_role");
}

/// docs/safety.md: dropping an index needs its definition, so that it can be built again. Its predicate is in the rollback
/// and in the manifest, as DDL; nowhere else.
#[test]
fn a_predicate_is_written_only_where_the_index_has_to_be_built_again() {
    let setup = "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg;
        CREATE TABLE person (id int PRIMARY KEY, town text, born date);
        INSERT INTO person SELECT g, 'town ' || g % 50, '2000-01-01' FROM generate_series(1, 20000) g;
        CREATE INDEX person_1 ON person (born) WHERE town = 'canary-predicate';
        CREATE INDEX person_2 ON person (born) WHERE town = 'canary-predicate';
        ANALYZE person";
    let database = support::database_on(support::server_with_hypopg(), "predicate", setup);
    let desk = Desk::new();
    let run = desk.run(&["-vv", "analyze", &database.url()]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("duplicate_index"), "{run:?}");
    assert!(!run.stdout.contains("canary") && !run.stderr.contains("canary"), "{run:?}");
    for file in desk.files() {
        let is_definition =
            file.contains("rollback") || file.ends_with("manifest.json") || file.ends_with("verify.sql");
        let leaked = leak(&desk.path().join(&file), &["canary"]);
        assert!(leaked.is_none() || is_definition, "{leaked:?}");
    }
}

#[test]
fn passwords_stay_where_they_are() {
    let options = ClusterOptions { listens_on_loopback: true, ..ClusterOptions::default() };
    let cluster =
        support::private_server_with_hypopg(&options.with_setting("shared_preload_libraries", "pg_stat_statements"));
    let admin = support::connect(&cluster.url("postgres"));
    for statement in SHOP.split(';') {
        admin.execute(statement);
    }
    admin.execute(&format!(
        "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg;
         CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'; GRANT pg_monitor, pg_read_all_data TO app"
    ));
    let port = cluster.port();
    let bare = format!("postgresql://app@127.0.0.1:{port}/postgres");
    let in_url = format!("postgresql://app:{PASSWORD}@127.0.0.1:{port}/postgres");
    let in_words = format!("host=127.0.0.1 port={port} user=app password={PASSWORD} dbname=postgres");
    let passfile = Desk::new();
    let file = passfile.home().join(".pgpass");
    std::fs::write(&file, format!("*:*:*:*:{PASSWORD}\n")).expect("a file");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("its mode");
    let ways = [
        (Desk::new(), in_url.as_str()),
        (Desk::new(), in_words.as_str()),
        (Desk::new().with("PGPASSWORD", PASSWORD), bare.as_str()),
        (passfile, bare.as_str()),
    ];
    for (desk, source) in ways {
        desk.write("w.sql", "-- calls: 1000\nSELECT * FROM orders WHERE customer_id = 42;");
        let run = desk.run(&["-vv", "analyze", source, "--format", "json", "--workload", "w.sql"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        run.advises(SHOP_ADVICE);
        no_secret(&run, &desk, &[PASSWORD]);
        let run = desk.run(&["-vv", "verify", source]);
        assert_eq!(run.code, Some(1), "{run:?}");
        no_secret(&run, &desk, &[PASSWORD]);
        let run = desk.with("PGADVISE_LOG", "trace").run(&["analyze", source, "--no-emit"]);
        assert!(!format!("{run:?}").contains(PASSWORD), "not even in a log of everything");
    }
}
