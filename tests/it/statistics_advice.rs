//! Statistics objects as advice, against real planners: proposed where the counted rows lead to another plan that costs
//! less, beside no index that only the misestimate asks for; and what the shadow says is what the server does then.

use pgadvise::server::Cluster;
use serde_json::Value;

use crate::support::cli::Desk;
use crate::support::{self, Database};

/// A postcode lies in one town. Addresses have parcels, found by an index that pays for a few addresses and not for many.
const TOWNS: &str = "
    SET synchronous_commit = on; -- or else VACUUM finds no page all-visible yet
    CREATE EXTENSION pg_stat_statements;
    CREATE TABLE address (id int PRIMARY KEY, town int NOT NULL, postcode int NOT NULL, note text NOT NULL);
    CREATE TABLE parcel (address_id int NOT NULL, weight int NOT NULL, note text NOT NULL);
    INSERT INTO address SELECT g, g % 100, g % 200, repeat('n', 60) FROM generate_series(1, 200000) g;
    INSERT INTO parcel
        SELECT 1 + (hashint4(g) & 131071), g % 1000, repeat('p', 100) FROM generate_series(1, 300000) g;
    CREATE INDEX address_postcode_town ON address (postcode, town);
    CREATE INDEX parcel_address_id ON parcel (address_id);";

const BY_PLACE: &str = "SELECT id FROM address WHERE town = 7 AND postcode = 7";
/// No index holds the notes.
const NOTES: &str = "SELECT a.id, p.note FROM address a JOIN parcel p ON p.address_id = a.id \
                     WHERE a.town = 7 AND a.postcode = 7";
const WEIGHTS: &str = "SELECT a.id, p.weight FROM address a JOIN parcel p ON p.address_id = a.id \
                       WHERE a.town = 7 AND a.postcode = 7";

fn towns(cluster: &'static Cluster) -> Database {
    let database = support::database_on(cluster, "statistics_advice", TOWNS);
    database.execute("VACUUM ANALYZE");
    database
}

/// Runs statements, so that their rows are counted.
fn count(database: &Database, statements: &[&str]) {
    let session = database.connect();
    session.execute(
        "SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)",
    );
    for statement in statements {
        for _ in 0..3 {
            session.execute(statement);
        }
    }
}

/// What an analysis of these statements reports.
fn analysed(database: &Database, statements: &[&str], backend: &str) -> Value {
    count(database, statements);
    let folder = database.cluster().binaries().folder().display().to_string();
    let options = ["--no-emit", "--what-if", backend, "--pg-bindir", &folder];
    Desk::new().analyze(&database.url(), &options).json()
}

fn steps<'r>(report: &'r Value, action: &str) -> Vec<&'r Value> {
    let steps = report["advice"].as_array().expect("advice");
    steps.iter().filter(|step| step["action"] == action).collect()
}

fn misestimates(report: &Value) -> Vec<&Value> {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().filter(|finding| finding["rule"] == "rows_misestimated").collect()
}

/// The cost of a statement's plan, and whether it has a nested loop.
fn plan(database: &Database, statement: &str) -> (f64, bool) {
    let lines = database.rows(&format!("EXPLAIN {statement}"));
    let text: Vec<&str> = lines.iter().filter_map(|line| line[0].as_deref()).collect();
    let cost = text[0].split("..").nth(1).and_then(|rest| rest.split(' ').next()).expect("a cost");
    (cost.parse().expect("a number"), text.iter().any(|line| line.contains("Nested Loop")))
}

#[test]
fn a_join_that_is_planned_for_few_rows_gets_a_statistics_object_and_the_server_then_plans_as_the_shadow_said() {
    for major in support::versions() {
        let database = towns(support::server(major));
        assert!(plan(&database, NOTES).1, "{major}: today's plan loops");

        let report = analysed(&database, &[BY_PLACE, NOTES], "shadow");
        let proposed = steps(&report, "create_statistics");
        assert_eq!(proposed.len(), 1, "{major}: {report:#}");
        let step = proposed[0];
        assert_eq!(step["statistics"]["columns"], serde_json::json!(["town", "postcode"]), "{major}");
        // 20,000 combinations are more than ANALYZE keeps: a list of the most common ones would hide the dependency.
        assert_eq!(step["statistics"]["kinds"], serde_json::json!(["dependencies"]), "{major}");
        assert!(step["index"].is_null(), "{major}");
        assert!(steps(&report, "create_index").is_empty(), "{major}: {report:#}");
        let gains = step["statements"].as_array().expect("statements");
        assert_eq!(gains.len(), 1, "{major}: the plan of the other statement stays: {step:#}");
        let (today, then) =
            (gains[0]["cost_before"].as_f64().expect("a cost"), gains[0]["cost_after"].as_f64().expect("a cost"));
        let findings = misestimates(&report);
        assert_eq!(findings[0]["advice"], serde_json::json!([step["id"]]), "{major}");
        let answer =
            report["statements"].as_array().expect("answers").iter().find(|answer| answer["advice"][0] == step["id"]);
        assert_eq!(answer.expect("an answer")["answer"], "served", "{major}");

        for statement in step["ddl"].as_array().expect("statements") {
            database.execute(statement.as_str().expect("a statement"));
        }
        let (cost, loops) = plan(&database, NOTES);
        assert!(!loops, "{major}: the server chooses another plan now");
        assert!((cost / then - 1.0).abs() < 0.05, "{major}: {cost} instead of {then}");
        let forced = database.connect();
        // What the new plan does and today's does not, and what would be the next best.
        forced.execute(
            "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_indexscan = off;
             SET enable_material = off; SET max_parallel_workers_per_gather = 0",
        );
        let first = forced.rows(&format!("EXPLAIN {NOTES}"))[0][0].clone().expect("a plan");
        let looped: f64 = first
            .split("..")
            .nth(1)
            .and_then(|rest| rest.split(' ').next())
            .expect("a cost")
            .parse()
            .expect("a number");
        assert!((looped / today - 1.0).abs() < 0.05, "{major}: today's plan costs {looped} instead of {today}");

        let again = analysed(&database, &[BY_PLACE, NOTES], "shadow");
        assert!(again["advice"].as_array().expect("advice").is_empty(), "{major}: {again:#}");
        for statement in step["rollback"].as_array().expect("statements") {
            database.execute(statement.as_str().expect("a statement"));
        }
        assert!(plan(&database, NOTES).1, "{major}: plans are as before at once");
    }
}

#[test]
fn a_misestimate_that_changes_no_plan_is_no_advice_and_no_finding() {
    let database = towns(support::server(15));
    let report = analysed(&database, &[BY_PLACE], "shadow");
    assert!(steps(&report, "create_statistics").is_empty(), "{report:#}");
    assert!(misestimates(&report).is_empty(), "the planner was told, and stays with its plan: {report:#}");
}

#[test]
fn what_cannot_be_told_to_the_planner_stays_a_note() {
    let database = towns(support::server(15));
    let report = analysed(&database, &[BY_PLACE, NOTES], "estimate");
    assert!(steps(&report, "create_statistics").is_empty(), "{report:#}");
    assert_eq!(misestimates(&report).len(), 1, "{report:#}");
    let gaps = report["gaps"].as_array().expect("gaps");
    let gap = gaps.iter().find(|gap| gap["what"] == "statistics").expect("it says so");
    assert_eq!(gap["id"], "public.address");
    let reason = gap["reason"].as_str().expect("a reason");
    assert!(reason.contains("CREATE STATISTICS on (") && reason.ends_with("; --what-if shadow tells"), "{reason}");
}

#[test]
fn an_index_that_only_the_misestimate_asks_for_is_not_proposed() {
    let database = towns(support::server(15));
    database.execute("DROP INDEX parcel_address_id");
    let report = analysed(&database, &[BY_PLACE, NOTES], "shadow");
    assert_eq!(report["advice"].as_array().expect("advice"), &[] as &[Value], "a hash join reads all parcels anyway");
    let misled = analysed(&database, &[BY_PLACE, NOTES], "estimate");
    assert_eq!(steps(&misled, "create_index").len(), 1, "it is asked for where the planner cannot be told");
    assert!(misestimates(&report).is_empty(), "without that index every plan is right: {report:#}");
}

#[test]
fn an_index_for_the_rows_that_there_are_is_found_at_once() {
    let database = towns(support::server(15));
    let report = analysed(&database, &[BY_PLACE, WEIGHTS], "shadow");
    let created = steps(&report, "create_index");
    assert_eq!(created.len(), 1, "{report:#}");
    assert_eq!(created[0]["index"]["included_columns"], serde_json::json!(["weight"]));
    assert!(
        steps(&report, "create_statistics").is_empty(),
        "with it the loop over many rows is the best plan: {report:#}"
    );
    let answers = report["statements"].as_array().expect("answers");
    let served = answers.iter().find(|answer| answer["advice"][0] == created[0]["id"]).expect("an answer");
    let before = served["cost_before"].as_f64().expect("a cost");
    assert!(before > 5_000.0, "priced with a thousand rows and not with ten: {before}");
    for statement in created[0]["ddl"].as_array().expect("statements") {
        database.execute(statement.as_str().expect("a statement"));
    }
    database.execute("VACUUM ANALYZE parcel");
    let again = analysed(&database, &[BY_PLACE, WEIGHTS], "shadow");
    assert!(steps(&again, "create_index").is_empty(), "{again:#}");
    assert!(steps(&again, "create_statistics").is_empty(), "{again:#}");
}

#[test]
fn the_text_report_and_the_migration_say_what_it_is_for() {
    let database = towns(support::server(15));
    count(&database, &[BY_PLACE, NOTES]);
    let folder = database.cluster().binaries().folder().display().to_string();
    let desk = Desk::new();
    let run =
        desk.run(&["analyze", &database.url(), "--what-if", "shadow", "--pg-bindir", &folder, "--out", "migrations"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "What to do: create 1 statistics object Planner cost of the workload",
        "1. CREATE STATISTICS public.address_town_postcode_stats (dependencies) ON town, postcode FROM public.address; \
         ANALYZE public.address;",
        "answers rows_misestimated: calls find 1000 rows by town, postcode,",
        "caution: it helps if ANALYZE finds that one of town, postcode decides the others,",
        "answered by address_town_postcode_stats",
    ] {
        assert!(text.contains(part), "{part}\n{}", run.stdout);
    }
    let files = desk.files();
    let migration =
        files.iter().find(|file| file.ends_with("/0001_address_town_postcode_stats.sql")).expect("a migration");
    let migration = std::fs::read_to_string(desk.path().join(migration)).expect("a file");
    let (comments, statements) = migration.split_once("\\set ON_ERROR_STOP on\n").expect("a head");
    assert!(comments.lines().all(|line| line.starts_with("-- ")), "{comments}");
    assert_eq!(
        statements,
        "SET statement_timeout = 0;\nSET lock_timeout = 0;\nBEGIN;\n\
         CREATE STATISTICS public.address_town_postcode_stats (dependencies) ON town, postcode FROM public.address;\n\
         ANALYZE public.address;\nCOMMIT;\n"
    );
}
