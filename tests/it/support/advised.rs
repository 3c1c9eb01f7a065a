//! Advice for some statements on a database, by way of the library alone: collect, understand, plan, judge, price, choose.

use std::sync::Arc;

use pgadvise::advice::{Advice, AdviseOptions, advise};
use pgadvise::collect::{CollectOptions, collect};
use pgadvise::db::{Session, Target};
use pgadvise::planning;
use pgadvise::rules::{self, Selection, Subject, Thresholds};
use pgadvise::sql::FileStatement;
use pgadvise::whatif::{self, Choice, Means, Prepared};
use pgadvise::workload::{BuildOptions, ScriptFile, Workload, build};

use super::Database;

/// The workload of `statements` (calls, text), each of them planned, and the session that planned it.
pub fn planned(database: &Database, statements: &[(f64, &str)]) -> (Session, Workload) {
    let target = Target::resolve(Some(&database.url())).expect("a connection string");
    let mut session = Session::connect(&target).expect("a session");
    let options = CollectOptions { include_statements: false, ..CollectOptions::default() };
    let snapshot = collect(&mut session, &options, &|_| {}).expect("a snapshot");
    let sent = statements.iter().enumerate();
    let sent = sent.map(|(number, (calls, sql))| FileStatement {
        text: (*sql).to_owned(),
        line: number + 1,
        n_calls: Some(*calls),
    });
    let script = ScriptFile { path: "workload.sql".to_owned(), statements: sent.collect() };
    let mut workload = build(Arc::new(snapshot), &[script], &BuildOptions::default());
    planning::plan_statements(&mut session, &mut workload, &mut |_| {}).expect("plans");
    (session, workload)
}

/// What pgadvise advises for `statements` (calls, text) with the backend of `choice`.
pub fn advised(choice: Choice, database: &Database, statements: &[(f64, &str)], options: &AdviseOptions) -> Advice {
    advised_by(&backend(choice, database), database, statements, options)
}

/// The backend of `choice`, made ready for the database as it is.
pub fn backend(choice: Choice, database: &Database) -> Prepared {
    let (_, workload) = planned(database, &[]);
    let means = Means { choice, is_live: true, sandbox: None, pg_bindir: None };
    whatif::prepare(&means, &workload.snapshot, &|_| {}).expect("a backend")
}

/// What pgadvise advises for `statements` (calls, text) with a backend that was made ready for the database.
pub fn advised_by(
    backend: &Prepared,
    database: &Database,
    statements: &[(f64, &str)],
    options: &AdviseOptions,
) -> Advice {
    let (mut session, workload) = planned(database, statements);
    let findings = rules::check(&Subject::new(&workload, Thresholds::default()), &Selection::default()).findings;
    let with_variants = workload.with_variants();
    let mut planner = backend.planner(Some(&mut session), &with_variants).expect("a planner");
    advise(&workload, &workload.weights(), &findings, &mut *planner, options, &mut |_| Ok(())).expect("advice")
}
