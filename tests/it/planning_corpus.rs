//! The statements of three applications, run for real, planned from what pg_stat_statements keeps of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use pgadvise::collect::{CollectOptions, collect};
use pgadvise::db::{Session, Target};
use pgadvise::planning::plan_statements;
use pgadvise::workload::{BuildOptions, PlannedBy, Statement, Workload, build};

use crate::support::{self, Database};

const SCHEMA: &str = include_str!("../../fixtures/planning/schema.sql");
const STATEMENTS: &str = include_str!("../../fixtures/planning/statements.sql");
/// MERGE, from PostgreSQL 15 on.
const STATEMENTS_15: &str = include_str!("../../fixtures/planning/statements_15.sql");

/// Share of the statements that must end in a shape, a plan, or both.
const SHARE_MIN: f64 = 0.999;
/// Share of the statements that must be planned with their own constants or with values from statistics.
const SHARE_WITH_VALUES_MIN: f64 = 0.99;

/// A database in which every statement of the corpus ran once.
fn corpus(major: u32) -> Database {
    let database = support::database_on(support::server(major), "corpus", SCHEMA);
    database.execute("CREATE EXTENSION pg_stat_statements");
    database.execute(
        "SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()))",
    );
    let files = if major >= 15 { vec![STATEMENTS, STATEMENTS_15] } else { vec![STATEMENTS] };
    for statement in files.into_iter().flat_map(|file| file.split(";\n")).filter(|text| !text.trim().is_empty()) {
        database.execute(statement);
    }
    database
}

/// The workload of a database's pg_stat_statements, planned.
fn planned(database: &Database) -> Workload {
    let mut session = Session::connect(&Target::resolve(Some(&database.url())).expect("a target")).expect("a session");
    let snapshot = collect(&mut session, &CollectOptions::default(), &|_| {}).expect("a snapshot");
    let mut workload = build(Arc::new(snapshot), &[], &BuildOptions::default());
    let mut n_done = 0;
    plan_statements(&mut session, &mut workload, &mut |done| n_done = done).expect("plans");
    assert_eq!(n_done, workload.statements.len());
    workload
}

fn tier(statement: &Statement) -> &'static str {
    match statement.planned.as_ref().map(|planned| planned.by) {
        Some(PlannedBy::Constants) => "constants",
        Some(PlannedBy::Statistics) => "statistics",
        Some(PlannedBy::Generic) => "generic",
        None if statement.shape.is_some() => "text only",
        None => "nothing",
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "shown when the test fails, and with --nocapture")]
fn nearly_every_statement_ends_in_a_shape_a_plan_or_both() {
    for major in support::versions().into_iter().filter(|major| [13, 15, 16, 18].contains(major)) {
        let database = corpus(major);
        let rows_before =
            database.rows("SELECT relname, n_live_tup, n_tup_upd, n_tup_del FROM pg_stat_user_tables ORDER BY relid");
        let workload = planned(&database);
        let mut tiers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for statement in &workload.statements {
            tiers.entry(tier(statement)).or_default().push(&statement.text);
        }
        let count = |name: &str| tiers.get(name).map_or(0, Vec::len);
        let n_statements = workload.statements.len();
        let counts: Vec<String> = tiers.iter().map(|(name, texts)| format!("{} {name}", texts.len())).collect();
        println!("PostgreSQL {major}: {n_statements} statements: {}", counts.join(", "));
        let rest: Vec<_> = ["generic", "text only", "nothing"].iter().filter_map(|name| tiers.get(name)).collect();
        println!("{rest:#?} {:#?}", workload.gaps);

        assert!(n_statements >= 150, "{n_statements} statements");
        assert!((n_statements - count("nothing")) as f64 >= SHARE_MIN * n_statements as f64);
        let n_with_values = count("constants") + count("statistics");
        assert!(n_with_values as f64 >= SHARE_WITH_VALUES_MIN * n_statements as f64);
        // What is not planned is said.
        assert_eq!(workload.gaps.len(), count("text only") + count("nothing"), "{:?}", workload.gaps);
        // Nothing was executed.
        let rows_after =
            database.rows("SELECT relname, n_live_tup, n_tup_upd, n_tup_del FROM pg_stat_user_tables ORDER BY relid");
        assert_eq!(rows_before, rows_after);
    }
}
