//! The shadow backend: plans and costs of the server it stands for, phantoms near indexes really built, hidden indexes,
//! refusals, several at once, and a server that is lost.

#[path = "../../benches/fidelity/candidates.rs"]
mod candidates;
#[path = "../../benches/fidelity/compare.rs"]
mod compare;
#[path = "../../benches/fidelity/phantoms.rs"]
#[allow(dead_code)] // the bench tells more
mod phantoms;
#[path = "../../benches/fidelity/shadowed.rs"]
mod shadowed;
#[path = "../../benches/fidelity/world.rs"]
#[allow(dead_code)] // the bench asks for more
mod world;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use pgadvise::db::WritableSession;
use pgadvise::error::ErrorKind;
use pgadvise::pg::{IndexColumn, IndexDefinition, IndexTarget, Oid};
use pgadvise::plan;
use pgadvise::snapshot::Catalog;
use pgadvise::whatif::shadow::Shadow;
use pgadvise::whatif::{Ask, CandidateId, Planner};
use pgadvise::workload::Workload;

use self::compare::Agreement;
use self::world::World;
use crate::support::whatif::{candidate, session, workload};
use crate::support::{self, Database};
use crate::whatif_size::corpus;

/// The share of statements that must be planned alike, and cost the same within 1 %: what docs/benchmarks.md states for
/// larger data.
const SHARE_MIN: f64 = 97.0;
/// A fiftieth of the full scale: loaded in seconds.
const SCALE: f64 = 0.02;
/// Indexes other than B-trees serve nothing over very small tables.
const PHANTOM_SCALE: f64 = 0.05;
/// The shares of phantoms with the plan of the index really built and a cost within 5 % of its.
const TRUE_SIZE_MIN: f64 = 95.0;
const MODELLED_SIZE_MIN: f64 = 90.0;
const COST_ERROR_MAX: f64 = 0.05;

const SCHEMA: &str = "
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, status text, created_at timestamp, total numeric(10,2));
INSERT INTO orders SELECT g, g * 31 % 5000, (ARRAY['closed', 'shipped', 'open'])[1 + g % 3],
    timestamp '2025-01-01' + g * interval '5 min', g % 900 FROM generate_series(1, 60000) g;
CREATE INDEX orders_customer_id ON orders (customer_id);
CREATE INDEX orders_created_at ON orders (created_at);
";

/// The versions among those under test that the long comparisons run on: the usual one and the newest.
fn compared_versions() -> Vec<u32> {
    let versions = support::versions();
    let newest = versions.last().copied();
    versions.into_iter().filter(|major| *major == 15 || Some(*major) == newest).collect()
}

#[test]
fn statements_are_planned_as_on_the_server() {
    for major in compared_versions() {
        let cluster = support::private_server(major, &world::options());
        let mut pairs = Vec::new();
        for name in ["shop", "tenancy", "library", "ledger"] {
            let world = World::load(&cluster, name, SCALE);
            let (gaps, of_world) = shadowed::pairs(&world, &world.snapshot(world::READER));
            assert!(gaps.is_empty(), "{major}, {name}: {gaps:?}");
            pairs.extend(of_world);
        }
        let agreement = Agreement::of(&pairs);
        let differences: Vec<String> =
            pairs.iter().filter_map(|pair| Some(format!("{}\n{}", pair.title, pair.difference()?))).collect();
        let differences = differences.join("\n");
        assert!(agreement.n > 150, "{} statements", agreement.n);
        assert!(agreement.share(agreement.n_same_plan) >= SHARE_MIN, "{major}: {agreement:?}\n{differences}");
        assert!(agreement.share(agreement.n_within_1) >= SHARE_MIN, "{major}: {agreement:?}\n{differences}");
    }
}

fn shop(name: &str) -> Database {
    let database = support::database(name, SCHEMA);
    database.execute("VACUUM ANALYZE orders");
    database
}

fn shadow_of(workload: &Workload, database: &Database) -> Shadow {
    Shadow::start(&workload.snapshot, database.cluster().binaries(), &|_| {}).unwrap_or_else(|error| panic!("{error}"))
}

fn planned(database: &Database, statements: &[&str]) -> Workload {
    workload(&mut session(database), support::snapshot(database), statements)
}

fn ask(statement: usize, visible: &[u32], hidden: &[Oid]) -> Ask {
    Ask {
        statement,
        visible: visible.iter().map(|id| CandidateId(*id)).collect(),
        hidden: hidden.iter().copied().collect(),
    }
}

fn cost(database: &Database, statement: &str) -> f64 {
    plan::parse(&database.value(&format!("EXPLAIN (FORMAT JSON) {statement}"))).expect("a plan").root.total_cost
}

fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 0.01 * expected, "{found} instead of {expected}");
}

#[test]
fn phantoms_cost_what_built_indexes_do() {
    for major in compared_versions() {
        let cluster = support::private_server(major, &world::options());
        let mut measured = Vec::new();
        for name in ["tenancy", "library"] {
            measured.extend(phantoms::measure(&World::load(&cluster, name, PHANTOM_SCALE)));
        }
        measured.retain(|one| one.built.is_used());
        let methods: BTreeSet<&str> = measured.iter().map(|one| one.built.definition.access_method.as_str()).collect();
        assert_eq!(methods, BTreeSet::from(["bloom", "brin", "btree", "gin", "gist", "hash", "spgist"]), "{major}");
        assert_phantoms(major, "true size", TRUE_SIZE_MIN, &measured, |one| &one.true_size);
        assert_phantoms(major, "modelled size", MODELLED_SIZE_MIN, &measured, |one| &one.modelled);
    }
}

fn assert_phantoms(
    major: u32,
    sizes: &str,
    share_min: f64,
    measured: &[phantoms::Measured],
    answer: impl Fn(&phantoms::Measured) -> &phantoms::Answer,
) {
    let misses: Vec<String> = measured
        .iter()
        .filter(|one| {
            phantoms::error(answer(one), &one.built) > COST_ERROR_MAX || answer(one).is_same_plan != Some(true)
        })
        .map(|one| {
            let (built, answer) = (one.built.after.root.total_cost, answer(one));
            format!("{}: {built} built, {:?}, same plan {:?}", one.built.title, answer.cost, answer.is_same_plan)
        })
        .collect();
    let share = 100.0 * (measured.len() - misses.len()) as f64 / measured.len() as f64;
    assert!(share >= share_min, "{major}, {sizes}: {share:.0} % of {}\n{}", measured.len(), misses.join("\n"));
}

#[test]
fn a_hidden_index_counts_as_a_dropped_one() {
    let statement = "SELECT * FROM orders WHERE customer_id = 17 AND created_at > '2025-03-01'";
    let database = shop("shadow_hidden");
    let workload = planned(&database, &[statement]);
    let catalog = Catalog::new(&workload.snapshot);
    let index = catalog.index_named("public", "orders_customer_id").expect("the index").1.oid;
    let shadow = shadow_of(&workload, &database);
    let mut planner = shadow.planner(&workload).expect("a planner");
    let prices = planner.price(&[ask(0, &[], &[]), ask(0, &[], &[index]), ask(0, &[], &[])]).expect("prices");
    let prices: Vec<_> = prices.into_iter().map(|price| price.expect("a price")).collect();
    let before = cost(&database, statement);
    database.execute("DROP INDEX orders_customer_id");
    assert_near(prices[0].total_cost, before);
    assert_near(prices[1].total_cost, cost(&database, statement));
    assert_near(prices[2].total_cost, before);
    assert!(prices[0].used_existing.contains(&index) && !prices[1].used_existing.contains(&index));
}

#[test]
fn what_the_server_would_refuse_is_refused_with_its_reason() {
    let database = shop("shadow_refused");
    let workload = planned(&database, &["SELECT * FROM orders WHERE status = 'open' AND total = 5"]);
    let expression = IndexTarget::Expression("date_trunc('day', now() - created_at)".into());
    let definitions = [
        IndexDefinition::btree([IndexColumn::ascending(expression)]),
        IndexDefinition::btree(["total", "status"]),
        IndexDefinition::btree(["no_such_column"]),
    ];
    let wanted: Vec<_> =
        definitions.into_iter().map(|definition| candidate(&workload.snapshot, "orders", definition)).collect();
    let shadow = shadow_of(&workload, &database);
    let mut planner = shadow.planner(&workload).expect("a planner");
    let answers = planner.declare(&wanted).expect("the shadow");
    let reason = answers[0].as_ref().expect_err("not immutable");
    assert!(reason.contains("IMMUTABLE"), "{reason}");
    assert!(answers[1].is_ok(), "{:?}", answers[1]);
    assert!(answers[2].is_err());
    let price = planner.price(&[ask(0, &[0, 1, 2], &[])]).expect("prices").remove(0).expect("a price");
    assert_eq!(price.used, BTreeSet::from([CandidateId(1)]));
}

/// A relation of several files, which sessions remember: candidates that are declared after something was planned.
#[test]
fn a_relation_of_more_than_a_gigabyte_takes_further_candidates() {
    let database = shop("shadow_large");
    let mut snapshot = support::snapshot(&database);
    for relation in snapshot.relations.iter_mut().filter(|relation| relation.name.name == "orders") {
        (relation.n_pages, relation.n_blocks, relation.n_rows) = (400_000, Some(400_000), Some(4e7));
    }
    let statements = ["SELECT * FROM orders WHERE status = 'open' AND total = 5", "SELECT count(*) FROM orders"];
    let workload = workload(&mut session(&database), snapshot, &statements);
    let shadow = shadow_of(&workload, &database);
    let mut planner = shadow.planner(&workload).expect("a planner");
    let scan = planner.price(&[ask(1, &[], &[])]).expect("prices").remove(0).expect("a price").total_cost;
    assert!(scan > 400_000.0, "{scan}");
    for (number, columns) in [["total", "status"], ["status", "total"]].into_iter().enumerate() {
        let wanted = candidate(&workload.snapshot, "orders", IndexDefinition::btree(columns));
        let declared = planner.declare(&[wanted]).expect("the shadow");
        assert!(declared[0].is_ok(), "{declared:?}");
        let id = u32::try_from(number).expect("a number");
        let prices = planner.price(&[ask(0, &[id], &[]), ask(1, &[], &[])]).expect("prices");
        assert_eq!(prices[0].as_ref().expect("a price").used, BTreeSet::from([CandidateId(id)]));
        assert_near(prices[1].as_ref().expect("a price").total_cost, scan);
    }
}

#[test]
fn several_shadows_and_planners_do_not_collide() {
    let statement = "SELECT * FROM orders WHERE total = 5 AND status = 'open'";
    let database = shop("shadow_several");
    let workload = planned(&database, &[statement]);
    let wanted =
        |columns: &[&str]| [candidate(&workload.snapshot, "orders", IndexDefinition::btree(columns.iter().copied()))];
    let (one, other) = (shadow_of(&workload, &database), shadow_of(&workload, &database));
    assert_ne!(one.data_directory(), other.data_directory());
    let mut planners = [one.planner(&workload), one.planner(&workload), other.planner(&workload)]
        .map(|planner| planner.expect("a planner"));
    let columns: [&[&str]; 3] = [&["total", "status"], &["status"], &["total"]];
    for (planner, columns) in planners.iter_mut().zip(columns) {
        planner.declare(&wanted(columns)).expect("the shadow").remove(0).expect("a phantom");
    }
    for (planner, columns) in planners.iter_mut().zip(columns) {
        let price = planner.price(&[ask(0, &[0], &[])]).expect("prices").remove(0).expect("a price");
        database.execute(&format!("CREATE INDEX built ON orders ({})", columns.join(", ")));
        assert_near(price.total_cost, cost(&database, statement));
        database.execute("DROP INDEX built");
    }
}

#[test]
fn a_killed_shadow_is_a_lost_backend_and_leaves_nothing_behind() {
    let database = shop("shadow_killed");
    let workload = planned(&database, &["SELECT * FROM orders WHERE total = 5"]);
    let shadow = shadow_of(&workload, &database);
    let folder = shadow.data_directory();
    let mut planner = shadow.planner(&workload).expect("a planner");
    assert!(planner.price(&[ask(0, &[], &[])]).expect("prices")[0].is_ok());
    kill(&folder);
    // A backend ends when it next waits and its server is gone; what it was just asked it still answers.
    let lost = support::eventually(|| planner.price(&[ask(0, &[], &[])]).err());
    assert_eq!(lost.kind(), ErrorKind::Connection, "{lost}");
    assert!(shadow.target().is_err() || WritableSession::connect(&shadow.target().expect("a target")).is_err());
    drop(planner);
    drop(shadow);
    support::eventually(|| (!folder.exists()).then_some(()));
}

/// SIGKILL to the server whose data directory this is.
fn kill(folder: &Path) {
    let text = std::fs::read_to_string(folder.join("postmaster.pid")).expect("the server's process");
    let process = text.lines().next().expect("a process id");
    assert!(Command::new("kill").args(["-KILL", process]).status().expect("kill").success());
}
