//! The shadow's schema: what is collected of a database and made again on a private server of the same version is the same
//! database to the catalogs, but for what a gap names.

use std::collections::BTreeSet;

use pgadvise::db::{Target, WritableSession};
use pgadvise::server::{Cluster, ClusterOptions};
use pgadvise::snapshot::{Gap, Snapshot};
use pgadvise::whatif::shadow::{login, schema};

use crate::support;
use crate::support::Database;

const SCHEMA: &str = include_str!("../../fixtures/shadow/schema.sql");
const COMPARE: &str = include_str!("../../fixtures/shadow/compare.sql");
/// What each version added.
const SINCE: [(u32, &str); 4] = [
    (14, include_str!("../../fixtures/shadow/since_14.sql")),
    (15, include_str!("../../fixtures/shadow/since_15.sql")),
    (17, include_str!("../../fixtures/shadow/since_17.sql")),
    (18, include_str!("../../fixtures/shadow/since_18.sql")),
];

/// A database with the fixture's schema.
fn source(major: u32) -> Database {
    let database = support::database_on(support::server(major), "shadow_schema", SCHEMA);
    for (since, sql) in SINCE {
        if since <= major {
            database.execute(sql);
        }
    }
    database
}

/// A private server of the same version.
fn private(major: u32) -> Cluster {
    support::private_server(major, &ClusterOptions { locale: "C.UTF-8".to_owned(), ..ClusterOptions::default() })
}

/// Makes the snapshot's schema in a fresh database of `cluster`; returns a session there and the gaps.
fn load(cluster: &Cluster, snapshot: &Snapshot) -> (support::Session, Vec<Gap>) {
    support::connect(&cluster.url("postgres")).execute("CREATE DATABASE shadow TEMPLATE template0");
    let target = Target::resolve(Some(&cluster.url("shadow"))).expect("a target");
    let mut superuser = WritableSession::connect(&target).expect("a session");
    login::make_planner(&mut superuser).expect("a role");
    login::admit_planner(&mut superuser, "shadow").expect("it is admitted");
    let target = Target::private_socket(cluster.socket_folder(), cluster.port(), login::PLANNER, "shadow");
    let mut planner = WritableSession::connect(&target.expect("a target")).expect("a session");
    let mut gaps = schema::load(&mut superuser, &mut planner, snapshot).expect("the server is there");
    gaps.extend(schema::complete(&mut superuser, &mut planner, snapshot).expect("the server is there"));
    (support::connect(&cluster.url("shadow")), gaps)
}

/// What the catalogs say, as lines of `kind: values`.
fn catalog(rows: impl Fn(&str) -> Vec<Vec<Option<String>>>) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for part in COMPARE.split("-- :").skip(1) {
        let (kind, sql) = part.split_once('\n').expect("a query after its name");
        for row in rows(&format!("SET search_path = pg_catalog; {sql}")) {
            let values: Vec<String> = row.into_iter().map(|value| value.unwrap_or_else(|| "∅".to_owned())).collect();
            lines.insert(format!("{kind}: {}", values.join(" | ")));
        }
    }
    assert!(lines.len() > 500, "{} lines", lines.len());
    lines
}

/// What a superuser owns at the source belongs to the planner's role in the shadow.
fn as_owned(shadow: &BTreeSet<String>) -> BTreeSet<String> {
    shadow.iter().map(|line| line.replace(login::PLANNER, "postgres")).collect()
}

/// The lines that only one of the two catalogs has.
fn differences(source: &BTreeSet<String>, shadow: &BTreeSet<String>) -> Vec<String> {
    let lost = source.difference(shadow).map(|line| format!("- {line}"));
    let new = shadow.difference(source).map(|line| format!("+ {line}"));
    lost.chain(new).collect()
}

#[test]
fn the_schema_is_the_same_on_every_version() {
    for major in support::versions() {
        let source = source(major);
        let snapshot = support::collected(&source.url());
        let cluster = private(major);
        let (shadow, gaps) = load(&cluster, &snapshot);
        let differences = differences(&catalog(|sql| source.rows(sql)), &as_owned(&catalog(|sql| shadow.rows(sql))));
        assert!(differences.is_empty() && gaps.is_empty(), "{major}:\n{}\n{gaps:#?}", differences.join("\n"));
    }
}
