//! Canaries in every place from which a value could get into a snapshot: which of them are in the file, which are not,
//! and which are gone with `--redact`.

use std::io::Read;

use flate2::read::GzDecoder;
use pgadvise::server::ClusterOptions;

use crate::support;
use crate::support::cli::Desk;

/// In no snapshot.
const NEVER: [&str; 6] = [
    "canary-password",
    "canary-application",
    "canary-comment-on",
    "canary-own-setting",
    "canary-trigger-body",
    "canary-volatile-body",
];

/// In a snapshot, and gone with `--redact`.
const VALUES: [&str; 14] = [
    "canary-common",
    "canary-histogram",
    "canary-element",
    "canary-lower-expression",
    "canary-pair",
    "2099-01-0",
    "8675309",
    "canary-unnormalised",
    "canary-statement-comment",
    "canary-default",
    "canary-domain-default",
    "canary-plpgsql-body",
    "canary-inherited",
    "canary-document",
];

/// The schema's own, which docs/snapshot.md says to stay.
const SCHEMA: [&str; 8] = [
    "canary-predicate",
    "canary-check",
    "canary-view",
    "canary-policy",
    "canary-label",
    "canary-bound",
    "canary-sql-body",
    "canary-generated",
];

const SECRETIVE: &str = "
    CREATE EXTENSION pg_stat_statements;
    CREATE TYPE mood AS ENUM ('canary-label', 'other');
    CREATE DOMAIN town AS text DEFAULT 'canary-domain-default';
    CREATE FUNCTION plain(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT t || 'canary-sql-body' $$;
    CREATE FUNCTION coded(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN t || 'canary-plpgsql-body'; END $$;
    CREATE FUNCTION moving(t text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN t || 'canary-volatile-body'; END $$;
    CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'canary-trigger-body'; END $$;
    CREATE TABLE person (id int PRIMARY KEY, name text, place town, card text DEFAULT 'canary-default', tags text[],
        life daterange, feeling mood, pair text, document jsonb, n bigint,
        made text GENERATED ALWAYS AS (pair || 'canary-generated') STORED, CHECK (name <> 'canary-check'));
    INSERT INTO person SELECT g, 'canary-histogram-' || g, CASE WHEN g % 3 = 0 THEN 'canary-common' ELSE 'town ' || g END, 'c' || g,
        ARRAY['canary-element', 'tag' || g % 7],
        daterange('2099-01-01'::date, '2099-01-01'::date + 2 + g % 5), 'other', 'canary-pair' || g % 5,
        '{\"canary-document\": 1}', 8675309 FROM generate_series(1, 3000) g;
    CREATE INDEX ON person (n) WHERE place = 'canary-predicate';
    CREATE INDEX ON person (replace(name, 'histogram', 'lower-expression'));
    CREATE STATISTICS both_columns (mcv, ndistinct, dependencies) ON place, pair FROM person;
    CREATE VIEW some_people AS SELECT * FROM person WHERE name = 'canary-view';
    ALTER TABLE person ENABLE ROW LEVEL SECURITY;
    CREATE POLICY some_rows ON person USING (name <> 'canary-policy');
    CREATE TRIGGER fires BEFORE DELETE ON person FOR EACH ROW EXECUTE FUNCTION fired();
    COMMENT ON TABLE person IS 'canary-comment-on';
    CREATE TABLE part (at text, v text) PARTITION BY LIST (at);
    CREATE TABLE part_1 PARTITION OF part FOR VALUES IN ('canary-bound');
    INSERT INTO part SELECT 'canary-bound', 'canary-inherited' FROM generate_series(1, 500);
    CREATE ROLE app LOGIN PASSWORD 'canary-password' BYPASSRLS;
    ALTER ROLE app SET app.secret = 'canary-own-setting';
    GRANT pg_monitor, pg_read_all_data TO app;
    ANALYZE";

/// The file as it is, and decompressed.
fn content(desk: &Desk, name: &str) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(desk.path().join(name)).expect("a file");
    GzDecoder::new(file).read_to_string(&mut text).expect("compressed text");
    text
}

#[test]
fn what_is_in_a_snapshot_and_what_redaction_takes_out() {
    let options = ClusterOptions { listens_on_loopback: true, ..ClusterOptions::default() };
    let options = options.with_setting("shared_preload_libraries", "pg_stat_statements");
    let cluster = support::private_server_with_hypopg(&options);
    let admin = support::connect(&cluster.url("postgres"));
    admin.execute(SECRETIVE);
    for statement in [
        "SELECT * FROM person WHERE place = 'canary-common' AND n = 8675309",
        "SELECT * FROM person WHERE name = 'canary-histogram-7' /* canary-statement-comment */",
        "SELECT * FROM part WHERE v = 'canary-inherited'",
        "SELECT count(*) FROM person WHERE tags @> ARRAY['canary-element']",
    ] {
        admin.execute(statement);
    }
    let port = cluster.port();
    let url = format!("postgresql://app:canary-password@127.0.0.1:{port}/postgres?application_name=canary-application");
    let desk = Desk::new();
    let whole = desk.run(&["-vv", "snapshot", &url, "-o", "whole.json.gz"]);
    assert_eq!(whole.code, Some(0), "{whole:?}");
    let text = content(&desk, "whole.json.gz");
    // pg_stat_statements replaces constants, except where it lost the query before it could: put into the file.
    let unnormalised = text.replacen("\"text\":\"", "\"text\":\"SELECT 'canary-unnormalised', 8675309 -- \\n, ", 1);
    desk.write("unnormalised.json", &unnormalised);
    let redacted = desk.run(&["-vv", "snapshot", "unnormalised.json", "--redact", "-o", "redacted.json.gz"]);
    assert_eq!(redacted.code, Some(0), "{redacted:?}");
    let direct = desk.run(&["-vv", "snapshot", &url, "--redact", "-o", "direct.json.gz"]);
    assert_eq!(direct.code, Some(0), "{direct:?}");
    for secret in NEVER.iter().chain(&VALUES) {
        for run in [&whole, &redacted, &direct] {
            assert!(!run.stderr.contains(secret) && !run.stdout.contains(secret), "{secret} was said: {run:?}");
        }
    }
    assert!(!["127.0.0.1", &port.to_string()].iter().any(|place| unnormalised.contains(place)), "where the server is");
    for secret in NEVER {
        assert!(!unnormalised.contains(secret), "{secret} is in the snapshot");
    }
    for value in VALUES.iter().chain(&SCHEMA) {
        assert!(unnormalised.contains(value), "{value} is not in the snapshot: this test looks for nothing");
    }
    for name in ["redacted.json.gz", "direct.json.gz"] {
        let text = content(&desk, name);
        for value in NEVER.iter().chain(&VALUES) {
            let at = text.find(value).map(|at| text[at.saturating_sub(120)..].chars().take(200).collect::<String>());
            assert_eq!(at, None, "{value} is in {name}");
        }
        for constant in SCHEMA {
            assert!(text.contains(constant), "{constant} stays, as docs/snapshot.md says");
        }
        assert!(text.contains("most_common_frequencies\":[0.33"), "how often stays");
        let run = desk.try_analyze(name, &["--what-if", "estimate", "--no-emit"]);
        run.has_gap(&["snapshot values", "--redact"]);
    }
}
