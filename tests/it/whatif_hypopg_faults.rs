//! HypoPG's known faults, each shown on HypoPG itself and then corrected: missing descents, duplicates that look better,
//! partial indexes and expressions that are overlooked; and hiding existing indexes.

use std::collections::BTreeSet;

use pgadvise::db::Session;
use pgadvise::pg::{IndexDefinition, IndexTarget, Oid};
use pgadvise::snapshot::Catalog;
use pgadvise::whatif::{Ask, CandidateId, Hypopg, Planner, Price};
use pgadvise::workload::Workload;

use crate::support::whatif::{candidate, session, workload};
use crate::support::{self, Database};

const SCHEMA: &str = "
CREATE EXTENSION hypopg;
SELECT setseed(0.5);
CREATE TABLE a (id int PRIMARY KEY, k int, email text, deleted_at int, flag boolean, state text);
INSERT INTO a SELECT g, (random() * 2000)::int, 'User' || g, CASE WHEN random() < 0.97 THEN g END, random() < 0.02,
    (ARRAY['done','open'])[1 + (random() < 0.03)::int] FROM generate_series(1, 40000) g;
CREATE TABLE b (id int PRIMARY KEY, a_id int, k int);
INSERT INTO b SELECT g, g % 20000, (random() * 2000)::int FROM generate_series(1, 20000) g;
CREATE INDEX b_k_idx ON b (k);
CREATE VIEW va AS SELECT * FROM a;
CREATE TABLE parts (id int, k int, deleted_at int) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (50000);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (50000) TO (200000);
INSERT INTO parts SELECT g, (random() * 2000)::int, CASE WHEN random() < 0.97 THEN g END FROM generate_series(1, 60000) g;
";

fn database(name: &str) -> Database {
    let database = support::database_on(support::server_with_hypopg(), name, SCHEMA);
    database.execute("VACUUM ANALYZE");
    database
}

fn planned(database: &Database, statements: &[&str]) -> (Session, Workload) {
    let mut session = session(database);
    let workload = workload(&mut session, support::snapshot(database), statements);
    (session, workload)
}

fn ask(statement: usize, visible: &[u32]) -> Ask {
    Ask { statement, visible: visible.iter().map(|id| CandidateId(*id)).collect(), hidden: BTreeSet::new() }
}

fn partial(columns: &[&str], predicate: &str) -> IndexDefinition {
    IndexDefinition { predicate: Some(predicate.to_owned()), ..IndexDefinition::btree(columns.iter().copied()) }
}

/// The prices of every statement with every candidate visible.
fn prices(session: &mut Session, workload: &Workload, candidates: &[(&str, IndexDefinition)]) -> Vec<Price> {
    let mut planner = Hypopg::start(session, workload).expect("HypoPG");
    let candidates: Vec<_> = candidates
        .iter()
        .map(|(relation, definition)| candidate(&workload.snapshot, relation, definition.clone()))
        .collect();
    let declared = planner.declare(&candidates).expect("declared");
    assert!(declared.iter().all(Result::is_ok), "{declared:?}");
    let all: Vec<u32> = (0..candidates.len() as u32).collect();
    let asks: Vec<Ask> = (0..workload.statements.len()).map(|n| ask(n, &all)).collect();
    planner.price(&asks).expect("prices").into_iter().map(|price| price.expect("a price")).collect()
}

#[test]
fn a_duplicate_of_an_existing_index_is_never_better() {
    let database = database("fault_duplicate");
    let statement = "SELECT * FROM b WHERE k = 77";
    let other = database.connect();
    other.execute("SELECT hypopg_create_index('CREATE INDEX ON b (k)')");
    let plan = other.rows(&format!("EXPLAIN {statement}"));
    let plan: Vec<_> = plan.iter().filter_map(|row| row[0].clone()).collect();
    assert!(plan.iter().any(|line| line.contains("btree_b_k")), "HypoPG prefers the duplicate: {plan:?}");

    let (mut session, workload) = planned(&database, &[statement]);
    let before = workload.statements[0].cost_before().expect("a cost");
    let wider = IndexDefinition::btree(["k", "id"]);
    for definition in [IndexDefinition::btree(["k"]), wider] {
        let price = &prices(&mut session, &workload, &[("b", definition)])[0];
        assert!(price.total_cost >= before, "{price:?}, before {before}");
        assert!(price.used.is_empty() && price.used_existing.len() == 1, "{price:?}");
    }
}

#[test]
fn descents_are_paid_for_each_outer_row() {
    let database = database("fault_descent");
    let statement = "SELECT * FROM b JOIN a ON a.k = b.a_id WHERE b.id BETWEEN 1 AND 400";
    let other = database.connect();
    other.execute("SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off");
    database.execute("ALTER DATABASE :name SET enable_hashjoin = off".replace(":name", database.name()).as_str());
    database.execute("ALTER DATABASE :name SET enable_mergejoin = off".replace(":name", database.name()).as_str());
    database.execute("ALTER DATABASE :name SET enable_memoize = off".replace(":name", database.name()).as_str());
    other.execute("SELECT hypopg_create_index('CREATE INDEX ON a (k)')");
    let cost = |sql: &str| {
        let json = other.value(&format!("EXPLAIN (FORMAT JSON) {sql}"));
        pgadvise::plan::parse(&json).expect("a plan").root.total_cost
    };
    let hypothetical = cost(statement);
    other.execute("SELECT hypopg_reset(); CREATE INDEX real_idx ON a (k)");
    let real = cost(statement);
    other.execute("DROP INDEX real_idx");
    assert!((hypothetical / real - 1.0).abs() > 0.05, "HypoPG is right: {hypothetical} against {real}");

    let (mut session, workload) = planned(&database, &[statement]);
    let price = &prices(&mut session, &workload, &[("a", IndexDefinition::btree(["k"]))])[0];
    assert!(
        (price.total_cost / real - 1.0).abs() < 0.01,
        "{} against {real}, HypoPG said {hypothetical}",
        price.total_cost
    );
}

#[test]
fn partial_indexes_count_in_joins_views_and_partitions() {
    let database = database("fault_partial");
    let cases: [(&str, IndexDefinition, &str); 6] = [
        ("a", partial(&["k"], "deleted_at IS NULL"), "SELECT * FROM va WHERE k = 500 AND deleted_at IS NULL"),
        (
            "a",
            partial(&["k"], "deleted_at IS NULL"),
            "SELECT * FROM b, a WHERE b.id = 5 AND a.k = b.k AND a.deleted_at IS NULL",
        ),
        ("a", partial(&["id"], "flag"), "SELECT b.id, x.id FROM b JOIN va x ON x.flag AND x.id = b.a_id AND x.k < 50"),
        (
            "a",
            partial(&["k"], "state = 'open'"),
            "SELECT * FROM b JOIN a ON a.k = b.k WHERE b.id = 9 AND a.state = 'open'",
        ),
        ("a", partial(&["k"], "deleted_at IS NOT NULL"), "SELECT * FROM va WHERE k = 500 AND deleted_at > 0"),
        ("parts", partial(&["k"], "deleted_at IS NULL"), "SELECT * FROM parts WHERE k = 500 AND deleted_at IS NULL"),
    ];
    for (relation, definition, statement) in cases {
        let other = database.connect();
        other.execute(&format!(
            "SELECT hypopg_create_index('CREATE INDEX ON {relation} {}')",
            definition.body().replace('\'', "''")
        ));
        let plan = other.value(&format!("EXPLAIN (FORMAT JSON) {statement}"));
        assert!(!plan.contains("btree_"), "HypoPG overlooks it: {plan}");
        let (mut session, workload) = planned(&database, &[statement]);
        let before = workload.statements[0].cost_before().expect("a cost");
        let price = &prices(&mut session, &workload, &[(relation, definition.clone())])[0];
        database.execute(&format!("CREATE INDEX real_idx ON {relation} {}", definition.body()));
        let json = database.value(&format!("EXPLAIN (VERBOSE, FORMAT JSON) {statement}"));
        let real = pgadvise::plan::parse(&json).expect("a plan").root.total_cost;
        database.execute("DROP INDEX real_idx");
        if real < before * 0.95 {
            assert!(price.used.contains(&CandidateId(0)), "{statement}: {price:?}, before {before}, real {real}");
            assert!(
                price.total_cost >= real * 0.85 && price.total_cost < before,
                "{statement}: {price:?}, before {before}, real {real}"
            );
        } else {
            panic!("{statement} shows nothing: before {before}, real {real}");
        }
        assert!(price.unproven.is_empty(), "{statement}: {price:?}");
    }
}

#[test]
fn a_partial_index_that_does_not_serve_is_not_counted() {
    let database = database("fault_partial_not");
    let statements = [
        "SELECT * FROM va WHERE k = 500 AND deleted_at IS NOT NULL",
        "SELECT * FROM va WHERE k = 500",
        "SELECT * FROM b, a WHERE b.id = 5 AND a.k = b.k AND a.state = 'done'",
    ];
    let (mut session, workload) = planned(&database, &statements);
    let candidates = [("a", partial(&["k"], "deleted_at IS NULL")), ("a", partial(&["k"], "state = 'open'"))];
    for (price, statement) in prices(&mut session, &workload, &candidates).iter().zip(&workload.statements) {
        assert!(price.used.is_empty(), "{}: {price:?}", statement.text);
        assert_eq!(Some(price.total_cost), statement.cost_before(), "{}", statement.text);
    }
}

#[test]
fn an_expression_that_hypopg_cannot_match_is_unproven() {
    let database = database("fault_expression");
    let statements = [
        "SELECT * FROM a WHERE lower(email) = 'user5'",
        "SELECT * FROM va WHERE lower(email) = 'user5'",
        "SELECT * FROM b WHERE id = 4",
        "SELECT * FROM a WHERE email = 'User5'",
        "SELECT * FROM b JOIN a ON a.id = b.a_id WHERE lower(a.email) > 'user5'",
    ];
    let (mut session, workload) = planned(&database, &statements);
    let definition = IndexDefinition::btree([IndexTarget::Expression("lower(email)".into())]);
    let prices = prices(&mut session, &workload, &[("a", definition)]);
    let ids = BTreeSet::from([CandidateId(0)]);
    assert_eq!((&prices[0].used, prices[0].unproven.is_empty()), (&ids, true));
    assert_eq!((prices[1].used.is_empty(), &prices[1].unproven), (true, &ids));
    assert!(prices[2].unproven.is_empty(), "it does not read the relation");
    assert!(prices[3].unproven.is_empty(), "it does not speak of the expression");
    assert_eq!(prices[4].unproven, ids);
}

#[test]
fn existing_indexes_are_hidden_where_hypopg_can() {
    let database = database("fault_hidden");
    let (mut session, workload) = planned(&database, &["SELECT * FROM b WHERE k = 77"]);
    let catalog = Catalog::new(&workload.snapshot);
    let existing: Oid = catalog.index_named("public", "b_k_idx").expect("the index").1.oid;
    let mut planner = Hypopg::start(&mut session, &workload).expect("HypoPG");
    planner.declare(&[candidate(&workload.snapshot, "b", IndexDefinition::btree(["k"]))]).expect("declared");
    let hidden = Ask { hidden: BTreeSet::from([existing]), ..ask(0, &[]) };
    let replaced = Ask { hidden: BTreeSet::from([existing]), ..ask(0, &[0]) };
    let prices = planner.price(&[hidden, replaced, ask(0, &[])]).expect("prices");
    let version = database.value("SELECT extversion FROM pg_extension WHERE extname = 'hypopg'");
    assert!(prices[2].as_ref().is_ok_and(|price| price.used_existing.contains(&existing)));
    if version.as_str() < "1.4" {
        let reason = format!("hiding an existing index needs HypoPG 1.4 or later, this is {version}");
        assert_eq!(prices[0], Err(reason.clone()));
        assert_eq!(prices[1], Err(reason));
    } else {
        let before = workload.statements[0].cost_before().expect("a cost");
        assert!(
            prices[0].as_ref().is_ok_and(|price| price.used_existing.is_empty() && price.total_cost > 2.0 * before)
        );
        assert!(prices[1].as_ref().is_ok_and(|price| price.used.contains(&CandidateId(0))));
    }
}

#[test]
fn a_database_without_hypopg_says_how_to_get_it() {
    let database = support::database_on(support::server_with_hypopg(), "no_hypopg", "CREATE TABLE t (a int)");
    let (mut session, workload) = planned(&database, &["SELECT * FROM t"]);
    let error = Hypopg::start(&mut session, &workload).err().expect("an error");
    assert!(
        error.hint().is_some_and(|hint| hint.contains("CREATE EXTENSION hypopg;") && hint.contains("private server")),
        "{error}"
    );
}
