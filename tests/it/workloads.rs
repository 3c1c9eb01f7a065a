//! Applications with a known best answer: pgadvise's indexes, really built, against those that a DBA would build by hand.

use std::path::{Path, PathBuf};

use pgadvise::analysis::{Request, analyze};
use pgadvise::sql::statements::split;
use pgadvise::whatif::{Backend, Choice};

use crate::support::{self, Database, Session};

/// How far above the ideal set's cost pgadvise's set may be.
const COST_RATIO_MAX: f64 = 1.05;

/// The same for what the estimate proposes.
const ESTIMATED_RATIO_MAX: f64 = 1.05;

#[test]
fn prisma_saas() {
    check("prisma_saas");
}

#[test]
fn rails_tracker() {
    check("rails_tracker");
}

#[test]
fn django_store() {
    check("django_store");
}

#[test]
fn sensors() {
    check("sensors");
}

/// What the estimate proposes, really built, against the ideal.
#[test]
fn by_the_estimate() {
    let mut summaries = Vec::new();
    for name in ["prisma_saas", "rails_tracker", "django_store", "sensors"] {
        let folder = folder(name);
        let database = build(&format!("{name}_estimated"), &folder);
        let request =
            Request { what_if: Choice::Only(Backend::Estimate), ..request(&database, &folder.join("workload.sql")) };
        let analysis = analyze(&request, &|_| {}).unwrap_or_else(|error| panic!("{name}: {error}"));
        let statements = weighed_statements(&folder.join("workload.sql"));
        let session = database.connect();
        let (our_cost, our_bytes) = with_indexes(&session, &analysis.ddl(), &statements);
        let (ideal_cost, ideal_bytes) = with_indexes(&session, &lines(&folder.join("ideal.sql")), &statements);
        let estimated = analysis.advice.cost_after;
        let ddl = analysis.ddl().join("\n");
        let summary = format!(
            "{name}: {our_cost:.0} ({our_bytes} bytes), estimated {estimated:.0}, ideal {ideal_cost:.0} ({ideal_bytes} bytes)\n{ddl}\n"
        );
        summaries.push((our_cost / ideal_cost, summary));
    }
    let shown: String = summaries.iter().map(|(_, summary)| summary.as_str()).collect();
    assert!(summaries.iter().all(|(ratio, _)| *ratio <= ESTIMATED_RATIO_MAX), "{shown}");
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/workloads").join(name)
}

fn request(database: &Database, workload_file: &Path) -> Request {
    let mut request = Request::of(&database.url()).expect("a request");
    request.workload_files = vec![workload_file.to_owned()];
    request.without_statements = true;
    request
}

fn check(name: &str) {
    let folder = folder(name);
    let database = build(name, &folder);
    let workload_file = folder.join("workload.sql");
    let request = request(&database, &workload_file);
    let analysis = analyze(&request, &|_| {}).unwrap_or_else(|error| panic!("{name}: {error}"));
    let ours = analysis.ddl();

    let shown: String = ours.iter().map(|statement| format!("{statement};\n")).collect();
    support::expect::file(&folder.join("expected.txt"), &shown);

    let statements = weighed_statements(&workload_file);
    let ideal = lines(&folder.join("ideal.sql"));
    let session = database.connect();
    let before = cost(&session, &statements);
    let (our_cost, our_bytes) = with_indexes(&session, &ours, &statements);
    let (ideal_cost, ideal_bytes) = with_indexes(&session, &ideal, &statements);
    let summary = format!(
        "{name}: cost {before:.0} before, {our_cost:.0} with ours ({our_bytes} bytes), {ideal_cost:.0} with the ideal ({ideal_bytes} bytes)"
    );
    assert!(our_cost <= COST_RATIO_MAX * ideal_cost, "{summary}\n{shown}");
    assert!(our_bytes <= ideal_bytes, "{summary}\n{shown}");

    let again = analyze_applied(&session, &request, &ours);
    assert!(again.is_empty(), "{name}: with everything applied it still proposes {again:?}");
}

fn build(name: &str, folder: &Path) -> Database {
    let database =
        support::database_on(support::server_with_hypopg(), &format!("workload_{name}"), "CREATE EXTENSION hypopg");
    let session = database.connect();
    for statement in lines(&folder.join("schema.sql")) {
        session.execute(&statement);
    }
    database
}

/// The statements of a script.
fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()).map(str::to_owned).collect()
}

fn weighed_statements(path: &Path) -> Vec<(f64, String)> {
    let text = std::fs::read_to_string(path).expect("a workload");
    let statements = split(&text).expect("a workload of statements");
    statements.into_iter().map(|statement| (statement.n_calls.unwrap_or(1.0), statement.text)).collect()
}

/// Gathers statistics from every row, as the schemas do, so that no plan rests on chance.
fn analyze_whole(session: &Session) {
    session.execute("SET default_statistics_target = 1500");
    session.execute("ANALYZE");
}

/// The workload's cost with `ddl` really built, and the bytes of what it built; everything is dropped again.
fn with_indexes(session: &Session, ddl: &[String], statements: &[(f64, String)]) -> (f64, u64) {
    let existing = indexes(session);
    for statement in ddl {
        session.execute(&statement.replace(" CONCURRENTLY", ""));
    }
    analyze_whole(session);
    let built: Vec<String> = indexes(session).into_iter().filter(|index| !existing.contains(index)).collect();
    let bytes = built
        .iter()
        .map(|index| {
            session.value(&format!("SELECT pg_relation_size('{index}'::regclass)")).parse::<u64>().expect("bytes")
        })
        .sum();
    let cost = cost(session, statements);
    for index in built {
        session.execute(&format!("DROP INDEX {index}"));
    }
    (cost, bytes)
}

fn indexes(session: &Session) -> Vec<String> {
    let rows = session.rows("SELECT indexrelid::regclass FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relnamespace = 'public'::regnamespace ORDER BY 1");
    rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect()
}

fn cost(session: &Session, statements: &[(f64, String)]) -> f64 {
    statements.iter().map(|(n_calls, statement)| n_calls * statement_cost(session, statement)).sum()
}

fn statement_cost(session: &Session, statement: &str) -> f64 {
    let plan: String = session
        .rows(&format!("EXPLAIN (FORMAT JSON) {statement}"))
        .into_iter()
        .filter_map(|row| row.into_iter().next().flatten())
        .collect();
    let plan: serde_json::Value = serde_json::from_str(&plan).expect("a plan");
    plan[0]["Plan"]["Total Cost"].as_f64().expect("a cost")
}

fn analyze_applied(session: &Session, request: &Request, ddl: &[String]) -> Vec<String> {
    for statement in ddl {
        session.execute(statement);
    }
    analyze_whole(session);
    analyze(request, &|_| {}).expect("a second analysis").ddl()
}
