//! The demonstration: it runs on every version, and what is planted in it can be mended by hand.

use std::collections::{BTreeMap, BTreeSet};

use pgadvise::analysis::{Capture, Source, capture};
use pgadvise::db::Target;
use pgadvise::demo::{Demo, Timing};
use pgadvise::server::Search;
use pgadvise::snapshot::Snapshot;

use crate::support::{self, expect};

/// How many times faster the planted statements become when a DBA mends them.
const SPEEDUP_MIN: f64 = 5.0;

/// What a DBA would do, one statement a line.
const IDEAL: &str = include_str!("../../fixtures/demo/ideal.sql");

fn start(major: u32) -> Demo {
    let search = Search::from_environment(None).expect("the folders to search");
    let demo = Demo::start(&search, Some(major)).expect("the server starts");
    demo.load().expect("the shop is loaded");
    demo
}

fn planted(timings: &[Timing]) -> BTreeMap<&str, f64> {
    timings
        .iter()
        .filter(|timing| timing.is_planted)
        .map(|timing| (timing.statement.as_str(), timing.mean_ms))
        .collect()
}

#[test]
fn the_ideal_indexes_make_every_planted_statement_fast() {
    let demo = start(15);
    let before = demo.run_workload().expect("the work is done");
    let statements: Vec<&str> = IDEAL.lines().filter(|line| !line.starts_with("--")).collect();
    demo.apply(&statements).expect("the indexes are built");
    let after = demo.run_workload().expect("the work is done");
    let (before, after) = (planted(&before), planted(&after));
    assert_eq!(before.len(), 5);
    for (statement, before_ms) in before {
        let speedup = before_ms / after[statement];
        assert!(speedup >= SPEEDUP_MIN, "{statement}: {before_ms:.2} ms to {:.2} ms", after[statement]);
    }
    demo.stop().expect("it stops");
}

/// The oldest and the newest version: what differs between servers differs most between them.
fn ends_of(versions: Vec<u32>) -> BTreeSet<u32> {
    versions.iter().min().into_iter().chain(versions.iter().max()).copied().collect()
}

#[test]
fn what_is_planted_is_there_on_the_oldest_and_the_newest_version() {
    for major in ends_of(support::versions()) {
        let demo = start(major);
        assert_eq!(demo.server_version().major(), major);
        demo.run_workload().expect("the work is done");
        let shop = support::connect(&demo.url());
        let invalid = "SELECT string_agg(indexrelid::regclass::text, ',') FROM pg_index WHERE NOT indisvalid";
        assert_eq!(shop.value(invalid), "\"User_phone_key\"");
        // Prisma's hand as pg_stat_statements keeps it, the numbers of a loop, and nothing of the driver's own.
        assert_eq!(shop.value(&counted(r#"sum(calls)"#, r#"%"OrderItem"."orderId" = $1 OFFSET $2"#)), "1000");
        assert_eq!(shop.value(&counted("count(*)", "%jsonb_build_array%")), "0");
        assert_eq!(shop.value(r#"SELECT count(*) FROM "Order""#), "200080");
    }
}

/// The recorded shop holds the same relations and statements as one that is made now; `UPDATE=1` records it anew.
#[test]
fn the_recorded_shop_is_the_shop() {
    let demo = start(15);
    demo.run_workload().expect("the work is done");
    let source = Source::Server(Box::new(Target::resolve(Some(&demo.url())).expect("a target")));
    let shop = capture(&Capture { source, replicas: Vec::new(), with_plans: true }, &|_| {}).expect("a snapshot");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/snapshot.json.gz");
    if expect::is_update() {
        shop.write_file(path.as_ref()).expect("the snapshot is written");
    }
    let recorded = Snapshot::read_file(path.as_ref()).expect("the recorded snapshot");
    let summary = |snapshot: &Snapshot| {
        let indexes = snapshot.relations.iter().flat_map(|relation| &relation.indexes).map(|index| index.name.clone());
        let relations = snapshot.relations.iter().map(|relation| relation.name.to_string());
        let statements = snapshot.statements.iter().flat_map(|statements| &statements.entries);
        let statements = statements.filter_map(|entry| Some(format!("{} {}", entry.n_calls, entry.text.as_ref()?)));
        indexes.chain(relations).chain(statements).collect::<BTreeSet<String>>()
    };
    assert_eq!(summary(&recorded), summary(&shop));
    assert!(recorded.plans.len() >= 8, "{}", recorded.plans.len());
}

/// Reads what was counted in the session's own database for statements like `pattern`.
fn counted(what: &str, pattern: &str) -> String {
    format!(
        "SELECT {what} FROM pg_stat_statements WHERE query LIKE '{pattern}' \
         AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
}
