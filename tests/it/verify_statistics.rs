//! Statistics objects after the deploy: their migration, its rollback, and every verdict on them, on every version, from
//! `pgadvise verify` and from verify.sql in psql alike.

use std::path::{Path, PathBuf};

use pgadvise::db::{Session, Target};
use pgadvise::emit::{self, Bundle};
use pgadvise::pg::StatisticsKind::{Dependencies, Mcv, Ndistinct};
use pgadvise::pg::{IndexDefinition, RelationName, StatisticsDefinition, StatisticsKind};
use pgadvise::verify::{StatisticsState, StatisticsVerdict, Verdict, judge};

use crate::support::advice::{bundle_with_statistics, create_step, psql, statistics_step, table, workload};
use crate::support::cli::Desk;
use crate::support::{self, Database, database_on};

const SCHEMA: &str = "CREATE TABLE orders (id bigint PRIMARY KEY, town int, postcode int, total numeric);
    INSERT INTO orders SELECT g, g % 10, g % 10, g FROM generate_series(1, 1000) g;";

/// What a role reads that may not see what is in an object.
const NOT_SEEN: &str = "this role may not see whether ANALYZE has filled it";

fn on(relation: RelationName, name: &str, columns: [&str; 2], kinds: &[StatisticsKind]) -> StatisticsDefinition {
    let columns = columns.map(str::to_owned).to_vec();
    StatisticsDefinition { name: name.to_owned(), relation, columns, kinds: kinds.to_vec() }
}

/// `town_stats (dependencies, mcv) ON postcode, town FROM orders`
fn town_stats() -> StatisticsDefinition {
    on(RelationName::new("public", "orders"), "town_stats", ["postcode", "town"], &[Dependencies, Mcv])
}

fn emitted(definition: &StatisticsDefinition) -> Bundle {
    let workload = workload(vec![table(1, &definition.relation, vec![])], vec![]);
    bundle_with_statistics(&[statistics_step(definition.clone())], &[], &workload)
}

fn written(bundle: &Bundle) -> (tempfile::TempDir, PathBuf) {
    let out = tempfile::tempdir().expect("a folder");
    let folder = emit::write(bundle, out.path()).expect("written").expect("files");
    (out, folder)
}

fn run(url: &str, file: &Path) -> (Option<i32>, String) {
    let output = psql(url, &[file]);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn verdict_on(url: &str, bundle: &Bundle) -> Verdict {
    let mut session = Session::connect(&Target::resolve(Some(url)).expect("a target")).expect("a session");
    judge(&mut session, &bundle.manifest, "shop").expect("a verdict")
}

/// Asserts the state of the one object, from both, and the exit codes that belong to it.
fn assert_state(database: &Database, definition: &StatisticsDefinition, state: StatisticsState) -> StatisticsVerdict {
    assert_state_as(&database.url(), definition, state)
}

fn assert_state_as(url: &str, definition: &StatisticsDefinition, state: StatisticsState) -> StatisticsVerdict {
    let bundle = emitted(definition);
    let mut verdict = verdict_on(url, &bundle);
    let version = verdict.server_version;
    let object = verdict.statistics[0].clone();
    assert_eq!(object.state, state, "PostgreSQL {version}: {object:?}");
    let is_fine = matches!(state, StatisticsState::Ok | StatisticsState::OtherName);
    assert_eq!(verdict.exit_code(), u8::from(!is_fine));

    let (_out, folder) = written(&bundle);
    let (code, said) = run(url, &folder.join("verify.sql"));
    let line = format!("NOTICE:  {:<17}{}", state.as_str(), definition.qualified_name());
    assert!(said.contains(&line), "PostgreSQL {version}, wanted {line}: {said}");
    assert_eq!(code, Some(if is_fine { 0 } else { 3 }), "PostgreSQL {version}: {said}");
    let is_seen = |text: &str| !text.contains(NOT_SEEN);
    assert_eq!(is_seen(&said), object.note.as_deref().is_none_or(is_seen), "PostgreSQL {version}: {said}");
    for equivalent in &object.equivalents {
        assert!(state == StatisticsState::MissingRelation || said.contains(&equivalent.to_string()), "{said}");
    }
    verdict.statistics.remove(0)
}

fn on_each_version(name: &str, test: impl Fn(&Database)) {
    for major in support::versions() {
        test(&database_on(support::server(major), name, SCHEMA));
    }
}

#[test]
fn a_migration_makes_and_fills_and_its_rollback_takes_away() {
    let relation = RelationName::new("my \"app\"", "Order Items");
    let cases = [
        on(relation.clone(), "user", ["user", "größe"], &[Ndistinct, Dependencies, Mcv]),
        on(relation.clone(), "größe \"o'stats\" \\q; --", ["it's \"x\" \\", "größe"], &[Dependencies]),
        on(relation, "$pgadvise$", [":HOST", "user"], &[Mcv]),
    ];
    on_each_version("statistics_trip", |database| {
        database.execute(
            "CREATE SCHEMA \"my \"\"app\"\"\";
             CREATE TABLE \"my \"\"app\"\"\".\"Order Items\" (\"user\" int, gone int, größe int, \"it's \"\"x\"\" \\\" int, \":HOST\" int);
             ALTER TABLE \"my \"\"app\"\"\".\"Order Items\" DROP COLUMN gone;
             INSERT INTO \"my \"\"app\"\"\".\"Order Items\" SELECT g % 7, g % 7, g % 7, g % 7 FROM generate_series(1, 1000) g",
        );
        for definition in &cases {
            let (_out, folder) = written(&emitted(definition));
            let stem = emitted(definition).manifest.statistics.remove(0).migration;
            let (migration, rollback) = (folder.join(&stem), folder.join("rollback").join(&stem));
            assert_state(database, definition, StatisticsState::Missing);
            assert_eq!(run(&database.url(), &migration), (Some(0), String::new()));
            assert_eq!(assert_state(database, definition, StatisticsState::Ok).note, None);
            let (code, errors) = run(&database.url(), &migration);
            assert!(code == Some(3) && errors.contains("already exists"), "what is there is left alone: {errors}");
            assert_state(database, definition, StatisticsState::Ok);
            assert_eq!(run(&database.url(), &rollback), (Some(0), String::new()));
            assert_state(database, definition, StatisticsState::Missing);
            assert_eq!(database.value("SELECT count(*)::text FROM pg_statistic_ext"), "0");
        }
    });
}

#[test]
fn a_migration_that_failed_half_way_leaves_nothing_and_can_be_run_again() {
    on_each_version("statistics_again", |database| {
        // ANALYZE computes what is indexed.
        let function = |body: &str| {
            format!(
                "CREATE OR REPLACE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN {body}; END $$"
            )
        };
        database.execute(&format!("{}; CREATE INDEX ON orders (twice(town))", function("RETURN $1 * 2")));
        database.execute(&function("RAISE EXCEPTION 'not today'"));
        let (_out, folder) = written(&emitted(&town_stats()));
        let migration = folder.join("0001_town_stats.sql");
        let (code, errors) = run(&database.url(), &migration);
        assert!(code == Some(3) && errors.contains("not today"), "{errors}");
        assert_state(database, &town_stats(), StatisticsState::Missing);
        database.execute(&function("RETURN $1 * 2"));
        assert_eq!(run(&database.url(), &migration), (Some(0), String::new()));
        assert_state(database, &town_stats(), StatisticsState::Ok);
    });
}

#[test]
fn made_but_never_analysed_is_empty() {
    on_each_version("statistics_empty", |database| {
        database.execute("CREATE STATISTICS town_stats (dependencies, mcv) ON town, postcode FROM orders");
        let verdict = assert_state(database, &town_stats(), StatisticsState::NotAnalysed);
        assert!(verdict.note.is_some_and(|note| note.contains("run ANALYZE public.orders")));
        database.execute("ANALYZE orders (id)");
        assert_state(database, &town_stats(), StatisticsState::NotAnalysed);
        database.execute("ANALYZE orders");
        assert_eq!(assert_state(database, &town_stats(), StatisticsState::Ok).note, None);
        // Of more distinct combinations than are sampled none is common: one of the kinds stays empty.
        database.execute(
            "CREATE TABLE wide AS SELECT g AS a, g AS b FROM generate_series(1, 40000) g;
             CREATE STATISTICS wide_stats (dependencies, mcv) ON a, b FROM wide; ANALYZE wide",
        );
        let wide = on(RelationName::new("public", "wide"), "wide_stats", ["a", "b"], &[Dependencies, Mcv]);
        assert_state(database, &wide, StatisticsState::Ok);
        assert_state(database, &StatisticsDefinition { kinds: vec![Mcv], ..wide }, StatisticsState::NotAnalysed);
        // Of a partitioned table there are only those over its partitions.
        database.execute(
            "CREATE TABLE parts (a int, b int) PARTITION BY LIST (a); CREATE TABLE part PARTITION OF parts DEFAULT;
             INSERT INTO parts SELECT g % 9, g % 9 FROM generate_series(1, 1000) g;
             CREATE STATISTICS parts_stats (ndistinct) ON a, b FROM parts",
        );
        let parts = on(RelationName::new("public", "parts"), "parts_stats", ["a", "b"], &[Ndistinct]);
        assert_state(database, &parts, StatisticsState::NotAnalysed);
        // What locks the relation does not keep its catalog rows from being read.
        database.execute("ANALYZE parts");
        database.execute("BEGIN; LOCK TABLE parts");
        assert_state(database, &parts, StatisticsState::Ok);
        database.execute("ROLLBACK");
    });
}

#[test]
fn another_relation_other_columns_or_too_few_kinds_are_different() {
    on_each_version("statistics_different", |database| {
        database.execute("CREATE TABLE other AS SELECT * FROM orders");
        let mut cases = vec![
            ("(dependencies) ON town, postcode FROM orders", "kinds are (dependencies), not (dependencies, mcv)"),
            ("(dependencies, mcv) ON town, id FROM orders", "columns are (id, town), not (postcode, town)"),
            (
                "(ndistinct, dependencies, mcv) ON id, town, postcode FROM orders",
                "columns are (id, town, postcode), not (postcode, town)",
            ),
            ("(dependencies, mcv) ON town, postcode FROM other", "relation is public.other, not public.orders"),
        ];
        if database.cluster().version().major() >= 14 {
            cases.push((
                "(dependencies, mcv) ON town, postcode, (total + id) FROM orders",
                "columns are (town, postcode) and expressions, not (postcode, town)",
            ));
        }
        for (definition, difference) in cases {
            database.execute(&format!("CREATE STATISTICS town_stats {definition}; ANALYZE orders"));
            let verdict = assert_state(database, &town_stats(), StatisticsState::Different);
            assert_eq!(verdict.differences, [difference]);
            database.execute("DROP STATISTICS town_stats");
        }
    });
}

#[test]
fn another_name_or_more_kinds_are_as_good() {
    on_each_version("statistics_other", |database| {
        database.execute("CREATE STATISTICS town_stats ON town, postcode FROM orders; ANALYZE orders");
        assert_state(database, &town_stats(), StatisticsState::Ok);
        database.execute("CREATE SCHEMA far; ALTER STATISTICS town_stats SET SCHEMA far");
        let verdict = assert_state(database, &town_stats(), StatisticsState::OtherName);
        assert_eq!(verdict.equivalents, [RelationName::new("far", "town_stats")]);
        // The one of its name is another, or empty: the other one does what was promised.
        database.execute("CREATE STATISTICS town_stats (mcv) ON town, id FROM orders");
        assert_state(database, &town_stats(), StatisticsState::OtherName);
        database.execute("DROP STATISTICS town_stats; CREATE STATISTICS town_stats ON town, postcode FROM orders");
        assert_eq!(assert_state(database, &town_stats(), StatisticsState::OtherName).note, None);
        // Both are empty.
        database.execute("DROP STATISTICS far.town_stats; ALTER STATISTICS town_stats RENAME TO \"Empty one\"");
        assert_state(database, &town_stats(), StatisticsState::NotAnalysed);
        database.execute("DROP STATISTICS \"Empty one\"");
        assert_state(database, &town_stats(), StatisticsState::Missing);
        database.execute(
            "ALTER TABLE orders RENAME TO elsewhere; CREATE STATISTICS town_stats ON town, postcode FROM elsewhere",
        );
        assert_state(database, &town_stats(), StatisticsState::MissingRelation);
    });
}

/// Who sees what is in an object: superusers; members of pg_read_all_data (14 and newer); the owner of the relation and
/// its members; and on 13, where the view was not closed to them, all who may read the columns.
#[test]
fn a_role_that_may_not_see_the_contents_says_so() {
    on_each_version("statistics_roles", |database| {
        let major = database.cluster().version().major();
        let role = |what: &str| format!("{}_{what}", database.name());
        let [owner, member, reader, nobody, reads_all] = ["owner", "member", "reader", "nobody", "reads_all"].map(role);
        for name in [&owner, &member, &reader, &nobody, &reads_all] {
            database.execute(&format!("CREATE ROLE {name} LOGIN"));
        }
        database.execute(&format!(
            "GRANT {owner} TO {member}; ALTER TABLE orders OWNER TO {owner}; GRANT SELECT ON orders TO {reader};
             CREATE STATISTICS town_stats (dependencies, mcv) ON town, postcode FROM orders; GRANT pg_monitor TO {nobody}"
        ));
        if major >= 14 {
            database.execute(&format!("GRANT pg_read_all_data TO {reads_all}"));
        }
        let sees = |name: &String| {
            [&owner, &member].contains(&name) || (major >= 14 && *name == reads_all) || (major == 13 && *name == reader)
        };
        for state in [StatisticsState::NotAnalysed, StatisticsState::Ok] {
            for name in [&owner, &member, &reader, &nobody, &reads_all] {
                let url = with_user(database, name);
                let seen = if sees(name) { state } else { StatisticsState::Ok };
                let verdict = assert_state_as(&url, &town_stats(), seen);
                let says_so = verdict.note.is_some_and(|note| note.contains(NOT_SEEN));
                assert_eq!(says_so, !sees(name), "PostgreSQL {major}, {name}");
            }
            database.execute("ANALYZE orders");
        }
        // Where rows are hidden from its owner, so are the statistics.
        database.execute("ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY");
        let verdict = assert_state_as(&with_user(database, &owner), &town_stats(), StatisticsState::Ok);
        assert!(verdict.note.is_some_and(|note| note.contains(NOT_SEEN)));
        database.execute(&format!(
            "DROP OWNED BY {reader}; DROP TABLE orders; DROP ROLE {owner}, {member}, {reader}, {nobody}, {reads_all}"
        ));
    });
}

#[test]
fn an_index_and_an_object_each_get_their_line_whatever_is_wrong() {
    on_each_version("statistics_both", |database| {
        let url = database.url();
        let definition = town_stats();
        let step = create_step(1, &definition.relation, "town_idx", IndexDefinition::btree(["town"]));
        let workload = workload(vec![table(1, &definition.relation, vec![])], vec![]);
        let mut bundle = bundle_with_statistics(&[statistics_step(definition)], &[step], &workload);
        bundle.manifest.indexes[0].statements.clear();
        let (_out, folder) = written(&bundle);
        let (make_index, make_statistics) = (folder.join("0002_town_idx.sql"), folder.join("0001_town_stats.sql"));
        for (has_index, has_statistics) in [(false, false), (true, false), (true, true), (false, true)] {
            database.execute("DROP INDEX IF EXISTS town_idx; DROP STATISTICS IF EXISTS town_stats");
            for (_, file) in
                [(has_index, &make_index), (has_statistics, &make_statistics)].iter().filter(|(is_run, _)| *is_run)
            {
                assert_eq!(run(&url, file), (Some(0), String::new()));
            }
            let state = |is_there| if is_there { "ok" } else { "missing" };
            let (code, said) = run(&url, &folder.join("verify.sql"));
            for (is_there, name) in [(has_index, "town_idx"), (has_statistics, "town_stats")] {
                assert!(said.contains(&format!("NOTICE:  {:<17}public.{name}\n", state(is_there))), "{said}");
            }
            let is_fine = has_index && has_statistics;
            assert_eq!((code, said.contains("ERROR:")), (Some(if is_fine { 0 } else { 3 }), !is_fine), "{said}");
            let verdict = verdict_on(&url, &bundle);
            assert_eq!(verdict.indexes[0].state.as_str(), state(has_index));
            assert_eq!(verdict.statistics[0].state.as_str(), state(has_statistics));
            assert_eq!(verdict.exit_code(), u8::from(!is_fine));
        }
    });
}

#[test]
fn the_command_line_takes_a_manifest_without_indexes_and_one_without_statistics() {
    let database = support::database("statistics_cli", SCHEMA);
    let desk = Desk::new();
    let json = emitted(&town_stats()).manifest.to_json().expect("JSON");
    desk.write("statistics.json", &json);
    let mut old: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    old.as_object_mut().expect("an object").remove("statistics").expect("the field that is new");
    desk.write("old.json", &old.to_string());
    let verify =
        |file: &str, format: &str| desk.run(&["verify", &database.url(), "--manifest", file, "--format", format]);

    let missing = verify("statistics.json", "text");
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(missing.stdout.contains("missing  public.town_stats, statistics of public.orders"), "{missing:?}");
    assert!(missing.stdout.contains("1 statistics object is not as the manifest says."), "{missing:?}");
    database.execute("CREATE STATISTICS town_stats ON town, postcode FROM orders; ANALYZE orders");
    let there = verify("statistics.json", "json");
    assert_eq!(there.code, Some(0), "{there:?}");
    assert_eq!(there.json()["statistics"][0]["state"], "ok");
    let old = verify("old.json", "json");
    assert_eq!(old.code, Some(0), "{old:?}");
    assert_eq!(old.json()["statistics"], serde_json::json!([]));
}

/// The database's connection string for another role, who logs in by trust as everybody does on these servers.
fn with_user(database: &Database, role: &str) -> String {
    database.url().replace("user=postgres", &format!("user={role}")).replace("://postgres@", &format!("://{role}@"))
}
