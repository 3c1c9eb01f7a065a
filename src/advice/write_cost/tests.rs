//! What indexes of `orders` cost, over workloads whose writes are given.

use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::advice::test_catalog::{index, orders};
use crate::pg::{AccessMethod, ServerVersion};
use crate::snapshot::{RelationActivity, RelationKind, Setting, Snapshot, Statements, StatementsSource};
use crate::sql::{Scan, Shape, StatementKind};
use crate::workload::{Origin, Statement, test_workload};

fn on(columns: &[&str]) -> IndexDefinition {
    IndexDefinition::btree(columns.iter().copied())
}

/// A statement that wrote `n_rows` rows of `orders` in as many calls and set these columns.
fn write(id: i64, kind: StatementKind, n_rows: f64, columns: &[&str]) -> Statement {
    let mut scan = Scan::new(Oid(1), "orders", 0);
    scan.is_target = true;
    scan.columns_set = columns.iter().map(ToString::to_string).collect();
    let shape = Shape { kind, scans: vec![scan], joins: Vec::new(), is_from_plan: false };
    Statement { shape: Some(shape), n_rows: Some(n_rows), ..test_workload::statement(id, n_rows, None, Some(8.0)) }
}

/// 900 updates of `status`, 100 of `customer`.
fn updates() -> Vec<Statement> {
    vec![write(1, StatementKind::Update, 900.0, &["status"]), write(2, StatementKind::Update, 100.0, &["customer"])]
}

fn inserts(n_rows: f64) -> Vec<Statement> {
    vec![write(1, StatementKind::Insert, n_rows, &[])]
}

fn counted(n_updated: i64, n_hot: i64) -> Relation {
    let activity =
        RelationActivity { n_rows_updated: n_updated, n_rows_hot_updated: n_hot, ..RelationActivity::default() };
    Relation { activity: Some(activity), ..orders() }
}

fn workload(snapshot: Snapshot, statements: Vec<Statement>) -> Workload {
    Workload { snapshot: Arc::new(snapshot), ..test_workload::workload(Weigh::Cost, statements) }
}

fn snapshot(relation: Relation) -> Snapshot {
    Snapshot { relations: vec![relation], ..test_workload::snapshot() }
}

fn cost(relation: &Relation, statements: Vec<Statement>, definition: &IndexDefinition) -> WriteCost {
    let workload = workload(snapshot(relation.clone()), statements);
    WriteCosts::new(&Catalog::new(&workload.snapshot), &workload).of(relation, definition)
}

#[test]
fn key_include_and_predicate_columns_all_end_hot() {
    let include = IndexDefinition { included_columns: vec!["status".to_owned()], ..on(&["tenant"]) };
    let predicate = IndexDefinition { predicate: Some("status IS NULL".to_owned()), ..on(&["tenant"]) };
    for definition in [on(&["status"]), include, predicate] {
        let loss = cost(&counted(0, 0), updates(), &definition).hot_loss.expect("a loss");
        assert_eq!((loss.n_updates, loss.share, loss.is_counted), (900.0, 0.9, false), "{}", definition.body());
        assert_eq!(loss.columns, ["status"]);
    }
    assert_eq!(cost(&counted(0, 0), updates(), &on(&["tenant"])).hot_loss, None);
}

#[test]
fn summarising_indexes_leave_updates_hot_from_16_on() {
    let brin = IndexDefinition { access_method: AccessMethod::Brin, ..on(&["status"]) };
    let lost = |version| {
        let mut snapshot = snapshot(orders());
        snapshot.server.version = ServerVersion(version);
        let workload = workload(snapshot, updates());
        let catalog = Catalog::new(&workload.snapshot);
        WriteCosts::new(&catalog, &workload).of(&workload.snapshot.relations[0], &brin).hot_loss.is_some()
    };
    assert!(lost(150_000) && !lost(160_000));
}

#[test]
fn only_updates_that_are_hot_now_can_be_lost() {
    let half = cost(&counted(2000, 1000), updates(), &on(&["status"])).hot_loss.expect("a loss");
    assert_eq!((half.n_updates, half.is_counted), (450.0, true), "the server counted half of them as HOT");
    assert_eq!(cost(&counted(2000, 0), updates(), &on(&["status"])).hot_loss, None, "by the counters");
    let mut indexed = orders();
    indexed.indexes.push(index(20, "there", on(&["status"])));
    assert_eq!(cost(&indexed, updates(), &on(&["status", "tenant"])).hot_loss, None, "by another index");
    let customer = cost(&indexed, updates(), &on(&["customer"])).hot_loss.expect("a loss");
    assert_eq!((customer.n_updates, customer.share), (100.0, 0.1));
}

#[test]
fn a_lost_hot_update_writes_into_every_index() {
    let statements = || vec![write(1, StatementKind::Update, 1000.0, &["status"])];
    let status = cost(&orders(), statements(), &on(&["status"]));
    // The primary key's entry of 4.6 µs, its own of 1.4, both removed by VACUUM at 1.3, and 2 for the update itself.
    assert!((status.us - 1000.0 * (4.6 + 1.4 + 2.6 + 2.0)).abs() < 1e-6, "{}", status.us);
    assert_eq!(cost(&orders(), statements(), &on(&["tenant"])).us, 0.0, "its updates stay HOT");
}

#[test]
fn entries_are_counted_where_rows_are_written() {
    let inserted = cost(&orders(), inserts(100_000.0), &on(&["customer"]));
    assert!((inserted.us - 460_000.0).abs() < 1e-6, "{}", inserted.us);
    assert!((inserted.us_per_write - 4.6).abs() < 1e-9 && (inserted.units - 73_600.0).abs() < 1e-6);
    assert_eq!((inserted.wal_bytes, inserted.source), (6_600_000.0, WriteSource::Statements));
    let deleted = cost(&orders(), vec![write(1, StatementKind::Delete, 100.0, &[])], &on(&["customer"]));
    assert!((deleted.us - 130.0).abs() < 1e-9, "what VACUUM does");
    assert_eq!(cost(&orders(), Vec::new(), &on(&["customer"])), WriteCost::default());
}

#[test]
fn upserts_insert_and_update() {
    let statement = write(1, StatementKind::Insert, 1000.0, &["status"]);
    let upsert = cost(&orders(), vec![statement], &on(&["status"]));
    assert_eq!(upsert.hot_loss.expect("a loss").n_updates, 500.0);
}

#[test]
fn a_fill_is_no_rate() {
    let fill = Statement { n_calls: 1.0, ..write(1, StatementKind::Insert, 100_000.0, &[]) };
    assert_eq!(cost(&orders(), vec![fill.clone()], &on(&["customer"])).us, 0.0);
    let nightly = Statement { n_calls: 30.0, ..fill };
    assert!(cost(&orders(), vec![nightly], &on(&["customer"])).us > 0.0);
}

#[test]
fn files_count_by_their_calls_and_the_planned_rows() {
    let mut statement = write(1, StatementKind::Delete, 10.0, &[]);
    statement.n_rows = None;
    statement.origin = Origin::File { path: "shop.sql".to_owned(), line: 1 };
    if let Some(planned) = &mut statement.planned {
        planned.plan.root.plan_rows = 50.0;
    }
    let deleted = cost(&orders(), vec![statement], &on(&["customer"]));
    assert_eq!((deleted.us, deleted.source), (10.0 * 50.0 * 1.3, WriteSource::Files));
}

/// `orders` with these counters, in a snapshot where statements were counted for an hour and counters for `hours`.
fn windowed(activity: RelationActivity, hours: Option<i64>) -> Snapshot {
    let at = |seconds: i64| Timestamp::from_second(seconds).ok();
    let mut snapshot = snapshot(Relation { activity: Some(activity), ..orders() });
    snapshot.taken_at = at(1_000_000).expect("a time");
    snapshot.server.stats_reset = hours.and_then(|hours| at(1_000_000 - 3600 * hours));
    let source = StatementsSource { stats_reset: at(1_000_000 - 3600), ..StatementsSource::default() };
    snapshot.statements = Some(Statements { source, ..Statements::default() });
    snapshot
}

#[test]
fn counters_are_scaled_to_the_statements_window() {
    let activity =
        || RelationActivity { n_rows_deleted: 1000, n_rows_inserted: 5000, n_live_rows: 5000, ..Default::default() };
    let of = |snapshot: Snapshot, statements: Vec<Statement>| {
        let workload = workload(snapshot, statements);
        let catalog = Catalog::new(&workload.snapshot);
        WriteCosts::new(&catalog, &workload).of(&workload.snapshot.relations[0], &on(&["customer"]))
    };
    let reading = || vec![test_workload::statement(9, 10.0, None, Some(8.0))];
    let scaled = of(windowed(activity(), Some(10)), reading());
    assert_eq!(scaled.source, WriteSource::Counters { scale: 0.1 });
    assert!((scaled.us - 100.0 * 1.3).abs() < 1e-6, "a tenth of the deletes, and no fill: {}", scaled.us);
    assert_eq!(of(windowed(activity(), None), reading()), WriteCost::default(), "since when is not known");
    let by_statements = of(windowed(activity(), Some(10)), inserts(10.0));
    assert_eq!(by_statements.source, WriteSource::Statements, "the better source");
    assert!((by_statements.us - 46.0).abs() < 1e-9);
}

#[test]
fn page_images_are_counted_over_a_known_window() {
    let of = |full_page_writes: &str| {
        let mut snapshot = windowed(RelationActivity::default(), None);
        let setting = |name: &str, value: &str| Setting {
            name: name.to_owned(),
            value: value.to_owned(),
            unit: None,
            source: "default".to_owned(),
        };
        snapshot.settings = vec![setting("checkpoint_timeout", "1800"), setting("full_page_writes", full_page_writes)];
        let workload = workload(snapshot, inserts(1_000_000.0));
        let catalog = Catalog::new(&workload.snapshot);
        let costs = WriteCosts::new(&catalog, &workload);
        let relation = &workload.snapshot.relations[0];
        let index = costs.maintenance(relation, &on(&["customer"]), Some(Bytes::of_blocks(100)));
        costs.of_set(relation.oid, &[&index], &BTreeSet::new()).wal_bytes
    };
    // Two checkpoints, each behind a change of all 100 pages.
    assert!((of("on") - of("off") - 2.0 * 100.0 * PAGE_IMAGE_BYTES).abs() < 1.0);
}

#[test]
fn random_pages_beyond_the_cache_are_read() {
    let mut relation = orders();
    relation.n_pages = 1_000_000;
    let cached = cost(&relation, inserts(1000.0), &on(&["customer"]));
    let of = |bytes: u64| {
        let workload = workload(snapshot(relation.clone()), inserts(1000.0));
        let catalog = Catalog::new(&workload.snapshot);
        let costs = WriteCosts::new(&catalog, &workload);
        let index = costs.maintenance(&relation, &on(&["customer"]), Some(Bytes(bytes)));
        costs.of_set(relation.oid, &[&index], &BTreeSet::new()).units
    };
    // 8 GB of rows and as much again of an index, of which 3 GB are cached.
    assert!(of(8 << 30) > cached.units + 1000.0 && of(1 << 20) - cached.units < 1000.0);
}

#[test]
fn a_drop_gives_back_what_a_create_takes() {
    let relation = orders();
    let create = cost(&relation, updates(), &on(&["status"]));
    let mut indexed = relation;
    indexed.indexes.push(index(20, "there", on(&["status"])));
    let workload = workload(snapshot(indexed.clone()), updates());
    let catalog = Catalog::new(&workload.snapshot);
    let drop = WriteCosts::new(&catalog, &workload).of_drop(&indexed, Oid(20));
    assert!((create.us + drop.us).abs() < 1e-6 && drop.us < 0.0, "{} and {}", create.us, drop.us);
    assert_eq!(drop.hot_loss, None);
}

#[test]
fn two_indexes_end_the_same_updates_once() {
    let relation = orders();
    let workload = workload(snapshot(relation.clone()), vec![write(1, StatementKind::Update, 100.0, &["status"])]);
    let catalog = Catalog::new(&workload.snapshot);
    let costs = WriteCosts::new(&catalog, &workload);
    let of = |definition: &IndexDefinition| costs.maintenance(&relation, definition, None);
    let (status, both) = (of(&on(&["status"])), of(&on(&["tenant", "status"])));
    let one = |index: &Maintenance| costs.of_set(relation.oid, &[index], &BTreeSet::new()).us;
    let together = costs.of_set(relation.oid, &[&status, &both], &BTreeSet::new());
    assert!(together.us < one(&status) + one(&both));
    assert_eq!(together.hot_loss.expect("a loss").n_updates, 100.0);
}

#[test]
fn partitions_are_counted_at_their_root() {
    let root = Relation { kind: RelationKind::PartitionedTable, n_pages: 0, activity: None, ..orders() };
    let part = |oid: u32, n_pages: u64| Relation {
        oid: Oid(oid),
        is_partition: true,
        parent: Some(Oid(1)),
        n_pages,
        activity: Some(RelationActivity { n_rows_updated: 10, n_rows_hot_updated: 5, ..Default::default() }),
        indexes: Vec::new(),
        ..orders()
    };
    let mut snapshot = test_workload::snapshot();
    snapshot.relations = vec![root, part(2, 300), part(3, 100)];
    let workload = workload(snapshot, updates());
    let catalog = Catalog::new(&workload.snapshot);
    let costs = WriteCosts::new(&catalog, &workload);
    let whole = costs.of(&workload.snapshot.relations[0], &on(&["status"]));
    assert_eq!(whole.hot_loss.clone().expect("a loss").n_updates, 450.0, "HOT is counted on the partitions");
    let of_part = costs.of(&workload.snapshot.relations[1], &on(&["status"]));
    assert!((of_part.us - 0.75 * whole.us).abs() < 1e-6, "{} of {}", of_part.us, whole.us);
}

#[test]
fn the_objective_has_the_unit_of_what_is_weighed() {
    let of = |weigh: Weigh, exec_ms_total: Option<f64>| {
        let statement = test_workload::statement(9, 10.0, exec_ms_total, Some(50.0));
        let workload = Workload { weigh, ..workload(snapshot(orders()), vec![statement]) };
        let catalog = Catalog::new(&workload.snapshot);
        let cost = WriteCost { units: 16.0, us: 100.0, ..WriteCost::default() };
        WriteCosts::new(&catalog, &workload).in_objective(&cost)
    };
    assert!((of(Weigh::Time, Some(1.0)) - 0.1).abs() < 1e-9, "milliseconds");
    assert_eq!(of(Weigh::Time, None), 16.0);
    assert_eq!(of(Weigh::Cost, Some(1.0)), 16.0);
    assert!((of(Weigh::Calls, None) - 16.0 / 50.0).abs() < 1e-9, "calls of 50 units");
}
