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
    assert!(lines.len() > 300, "{} lines", lines.len());
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

/// Renames an extension everywhere in the snapshot, as if it were one that this machine does not have.
fn without_extension(mut snapshot: Snapshot, name: &str) -> Snapshot {
    let elsewhere = format!("{name}_of_elsewhere");
    let rename = |extension: &mut Option<String>| {
        if extension.as_deref() == Some(name) {
            *extension = Some(elsewhere.clone());
        }
    };
    snapshot.server.extensions.iter_mut().filter(|extension| extension.name == name).for_each(|extension| {
        extension.name.clone_from(&elsewhere);
    });
    snapshot.relations.iter_mut().for_each(|relation| rename(&mut relation.extension));
    snapshot.schema.types.iter_mut().for_each(|data_type| rename(&mut data_type.extension));
    snapshot.schema.functions.iter_mut().for_each(|function| rename(&mut function.extension));
    snapshot
}

#[test]
fn extensions_that_are_missing_here_take_as_little_with_them_as_possible() {
    let major = *support::versions().last().expect("a version");
    let source = source(major);
    let mut snapshot = support::collected(&source.url());
    for name in ["citext", "uuid-ossp", "hstore", "pg_trgm", "btree_gist"] {
        snapshot = without_extension(snapshot, name);
    }
    let cluster = private(major);
    let (shadow, gaps) = load(&cluster, &snapshot);
    let said = |what: &str, id: &str| {
        let found = gaps.iter().find(|gap| gap.what == what && gap.id.split(", ").any(|one| one == id));
        found.unwrap_or_else(|| panic!("no gap {what} {id}: {gaps:#?}")).reason.clone()
    };
    said("extension", "citext_of_elsewhere");
    assert!(said("type", "ext.citext").contains("plans it as text"));
    assert!(said("type", "public.hstore").contains("without its operators"));
    assert!(said("index", "app.customers_name_trgm").contains("gin_trgm_ops"));
    assert!(said("index", "app.customers_attributes").contains("no default operator class"));
    // It is VOLATILE and not in SQL, so that planning never looks inside: its stand-in is exact.
    assert!(!gaps.iter().any(|gap| gap.id.contains("uuid_generate_v4") || gap.id.contains("gtrgm")), "{gaps:#?}");
    said("index", "app.\"no overlap\"");

    let lost = differences(&catalog(|sql| source.rows(sql)), &as_owned(&catalog(|sql| shadow.rows(sql))));
    let is_expected = |line: &&String| {
        let of_extension = ["citext", "hstore", "uuid-ossp", "pg_trgm", "btree_gist", "ext."];
        let gone = [
            "customers_name_trgm",
            "customers_attributes",
            "no overlap",
            "seventeen_room",
            "seventeen_1_room",
            "temporal",
        ];
        of_extension.iter().chain(&gone).any(|name| line.contains(name))
    };
    assert_eq!(lost.iter().filter(|line| !is_expected(line)).collect::<Vec<_>>(), Vec::<&String>::new());

    let plan = |sql: &str| {
        shadow.execute("SET enable_seqscan = off; SET enable_bitmapscan = off");
        let rows = shadow.rows(&format!("EXPLAIN {sql}"));
        rows.into_iter().flatten().flatten().collect::<Vec<_>>().join("\n")
    };
    let by_email = plan("SELECT id FROM app.customers WHERE email = 'Somebody@example.com'");
    assert!(by_email.contains("customers_email_key") && by_email.contains("Index Cond"), "{by_email}");
    plan("SELECT attributes, token FROM app.customers ORDER BY name");
}

#[test]
fn roles_plan_under_their_own_policies() {
    for major in support::versions() {
        let source = source(major);
        let snapshot = support::collected(&source.url());
        let cluster = private(major);
        let (shadow, _) = load(&cluster, &snapshot);
        for (role, is_filtered) in
            [("postgres", false), ("shadow_owner", true), ("shadow_app", true), ("shadow_tenant", false)]
        {
            for relation in ["app.tenants", "app.of_tenant"] {
                shadow.execute(&format!("SET ROLE {role}"));
                let plan = shadow.rows(&format!("EXPLAIN (COSTS OFF) SELECT * FROM {relation}"));
                shadow.execute("RESET ROLE");
                let plan = plan.into_iter().flatten().flatten().collect::<Vec<_>>().join("\n");
                // The view reads as its owner, who is bound by the policy.
                let is_filtered = is_filtered || relation == "app.of_tenant";
                assert_eq!(plan.contains("current_setting"), is_filtered, "{major} {role} {relation}: {plan}");
            }
        }
    }
}

/// Tables as an application has them: a key, a foreign key, a unique and two other indexes, defaults, a check.
const TABLES: &str = "DO $$ BEGIN
    FOR n IN 1..1000 LOOP
        EXECUTE format('CREATE TABLE t%s (id bigserial PRIMARY KEY, name text NOT NULL UNIQUE, parent bigint REFERENCES t%s,
            status text DEFAULT ''new'' CHECK (status <> ''''), at timestamptz DEFAULT now(), total numeric(10, 2), note text)',
            n, greatest(1, n - 1));
        EXECUTE format('CREATE INDEX ON t%s (parent, at DESC)', n);
        EXECUTE format('CREATE INDEX ON t%s (lower(status)) WHERE total > 0', n);
    END LOOP; END $$";

#[test]
#[allow(clippy::print_stderr)] // the time is for who asks (--nocapture): a busy machine's proves nothing
fn a_thousand_tables_are_loaded_whole() {
    let source = support::database("shadow_many", TABLES);
    let snapshot = support::collected(&source.url());
    let cluster = private(15);
    let began = std::time::Instant::now();
    let (shadow, gaps) = load(&cluster, &snapshot);
    eprintln!("1,000 tables, 4,000 indexes, 1,000 foreign keys: {:.1} s", began.elapsed().as_secs_f64());
    assert_eq!(gaps, []);
    assert_eq!(shadow.value("SELECT count(*) FROM pg_index WHERE indrelid::regclass::text ~ '^t[0-9]'"), "4000");
    assert_eq!(shadow.value("SELECT count(*) FROM pg_constraint WHERE contype = 'f'"), "1000");
    let mut lost = differences(&catalog(|sql| source.rows(sql)), &as_owned(&catalog(|sql| shadow.rows(sql))));
    // Roles are the server's: other tests make some meanwhile, which nothing here names.
    lost.retain(|line| !line.starts_with("- roles: "));
    assert_eq!(lost, Vec::<String>::new());
}
