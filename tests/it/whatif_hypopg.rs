//! The HypoPG backend: costs near those of indexes really built, one refusal spoils nothing, nothing is left behind.

use std::collections::BTreeSet;

use pgadvise::pg::{AccessMethod, Bytes, IndexColumn, IndexDefinition, IndexTarget};
use pgadvise::plan;
use pgadvise::snapshot::{Catalog, Snapshot};
use pgadvise::whatif::{Ask, Cached, CandidateId, Hypopg, Planner};
use pgadvise::workload::Workload;

use crate::support::whatif::{candidate, session, session_as, workload};
use crate::support::{self, Database};

/// How near a hypothetical index's cost must come to that of the same index really built.
const COST_RATIO_MAX: f64 = 1.05;

const SCHEMA: &str = "
CREATE EXTENSION hypopg;
SELECT setseed(0.5);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, status text, created_at timestamp, total numeric(10,2), deleted_at timestamp, note text, paid boolean);
INSERT INTO orders SELECT g, (random() * 5000)::int, (ARRAY['closed','shipped','open'])[1 + floor(random() ^ 3 * 3)::int],
    timestamp '2025-01-01' + g * interval '5 min', (random() * 900)::numeric(10,2),
    CASE WHEN random() < 0.02 THEN timestamp '2025-06-01' END, md5(g::text), random() < 0.95 FROM generate_series(1, :n_rows) g;
CREATE TABLE customers (id int PRIMARY KEY, email text, country text, active boolean);
INSERT INTO customers SELECT g, 'User' || g || '@example.com', (ARRAY['de','fr','us'])[1 + g % 3], g % 50 <> 0 FROM generate_series(1, 5000) g;
CREATE TABLE items (id int PRIMARY KEY, order_id int, sku int, quantity int);
INSERT INTO items SELECT g, 1 + (random() * (:n_rows - 1))::int, (random() * 2000)::int, 1 + g % 5 FROM generate_series(1, :n_rows * 2) g;
";

/// An index, and a statement that it serves.
const CASES: [(&str, &str, &str); 20] = [
    ("orders", "(customer_id)", "SELECT * FROM orders WHERE customer_id = 17"),
    (
        "orders",
        "(customer_id, created_at)",
        "SELECT * FROM orders WHERE customer_id = 17 ORDER BY created_at DESC LIMIT 5",
    ),
    ("orders", "(created_at)", "SELECT * FROM orders ORDER BY created_at DESC LIMIT 20"),
    ("orders", "(status, created_at)", "SELECT id FROM orders WHERE status = 'open' AND created_at > '2025-12-01'"),
    ("orders", "(created_at) INCLUDE (total)", "SELECT created_at, total FROM orders WHERE created_at > '2025-12-01'"),
    ("orders", "(total)", "SELECT * FROM orders WHERE total > 895"),
    ("orders", "(customer_id, status)", "SELECT count(*) FROM orders WHERE customer_id = 17 AND status = 'open'"),
    ("orders", "(customer_id)", "SELECT * FROM orders WHERE customer_id IN (1, 2, 3, 4, 5, 6, 7, 8)"),
    (
        "orders",
        "(customer_id)",
        "SELECT * FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.email LIKE 'User12_@example.com'",
    ),
    (
        "orders",
        "(customer_id, created_at)",
        "SELECT c.id, (SELECT max(o.created_at) FROM orders o WHERE o.customer_id = c.id) FROM customers c WHERE c.id < 50",
    ),
    (
        "items",
        "(order_id)",
        "SELECT o.id, i.sku FROM orders o JOIN items i ON i.order_id = o.id WHERE o.id BETWEEN 100 AND 160",
    ),
    ("items", "(sku)", "SELECT * FROM items WHERE sku = 44"),
    ("items", "(sku, quantity)", "SELECT sum(quantity) FROM items WHERE sku BETWEEN 40 AND 60"),
    (
        "items",
        "(order_id)",
        "SELECT * FROM orders o WHERE o.id < 500 AND NOT EXISTS (SELECT FROM items i WHERE i.order_id = o.id)",
    ),
    ("items", "(order_id)", "SELECT * FROM items i WHERE i.order_id IN (SELECT o.id FROM orders o WHERE o.id < 40)"),
    ("items", "(sku)", "SELECT sku, count(*) FROM items GROUP BY sku ORDER BY sku LIMIT 10"),
    (
        "orders",
        "(created_at) WHERE deleted_at IS NOT NULL",
        "SELECT * FROM orders WHERE deleted_at IS NOT NULL ORDER BY created_at LIMIT 50",
    ),
    ("orders", "(customer_id) WHERE (NOT paid)", "SELECT * FROM orders WHERE NOT paid AND customer_id = 99"),
    ("customers", "(lower(email))", "SELECT * FROM customers WHERE lower(email) = 'user77@example.com'"),
    ("orders", "(note text_pattern_ops)", "SELECT * FROM orders WHERE note LIKE 'abc1%'"),
];

/// Builds the index, plans the statement with it, and drops it: its definition and the cost.
fn really_built(database: &Database, relation: &str, body: &str, statement: &str) -> (IndexDefinition, f64) {
    database.execute(&format!("CREATE INDEX built ON {relation} {body}"));
    let plan = plan::parse(&database.value(&format!("EXPLAIN (VERBOSE, FORMAT JSON) {statement}"))).expect("a plan");
    let snapshot = support::snapshot(database);
    let definition = Catalog::new(&snapshot).index_named("public", "built").expect("the index").1.definition.clone();
    database.execute("DROP INDEX built");
    let used = plan.indexes_used();
    assert!(used.iter().any(|(_, name)| name == "built"), "{statement} does not use {relation} {body}: {used:?}");
    (definition, plan.root.total_cost)
}

fn ask(statement: usize, visible: &[u32]) -> Ask {
    Ask { statement, visible: visible.iter().map(|id| CandidateId(*id)).collect(), hidden: BTreeSet::new() }
}

fn shop(name: &str, n_rows: u32) -> Database {
    let schema = SCHEMA.replace(":n_rows", &n_rows.to_string());
    let database = support::database_on(support::server_with_hypopg(), name, &schema);
    // Every row is sampled: whether a range takes eight or nine pages of an index must not depend on chance.
    database.execute("SET default_statistics_target = 1000");
    database.execute("VACUUM ANALYZE");
    database
}

/// A workload of the statements, and what was read of the database.
fn planned(database: &Database, statements: &[&str]) -> (pgadvise::db::Session, Workload) {
    let mut session = session(database);
    let snapshot = support::snapshot(database);
    let workload = workload(&mut session, snapshot, statements);
    (session, workload)
}

#[test]
fn hypothetical_costs_are_near_those_of_indexes_really_built() {
    let database = shop("hypopg_costs", 100_000);
    let real: Vec<_> = CASES.iter().map(|(on, body, statement)| really_built(&database, on, body, statement)).collect();
    let statements: Vec<&str> = CASES.iter().map(|(_, _, statement)| *statement).collect();
    let (mut session, workload) = planned(&database, &statements);
    let mut planner = Hypopg::start(&mut session, &workload).expect("HypoPG");
    let candidates: Vec<_> = CASES
        .iter()
        .zip(&real)
        .map(|((on, _, _), (definition, _))| candidate(&workload.snapshot, on, definition.clone()))
        .collect();
    let declared = planner.declare(&candidates).expect("declared");
    assert!(declared.iter().all(|bytes| bytes.as_ref().is_ok_and(|bytes| *bytes > Bytes(0))), "{declared:?}");
    let asks: Vec<Ask> = (0..CASES.len()).map(|n| ask(n, &[n as u32])).collect();
    let prices = planner.price(&asks).expect("prices");
    let mut n_near = 0;
    let mut table = String::new();
    for (n, price) in prices.iter().enumerate() {
        let price = price.as_ref().expect("a price");
        let ratio = price.total_cost / real[n].1;
        let uses = price.used.contains(&CandidateId(n as u32));
        table.push_str(&format!("{ratio:.4} {:.2} / {:.2} {uses} {}\n", price.total_cost, real[n].1, CASES[n].2));
        n_near += usize::from(uses && (1.0 / COST_RATIO_MAX..=COST_RATIO_MAX).contains(&ratio));
    }
    assert!(n_near == CASES.len(), "{n_near} of {}\n{table}", CASES.len());
}

#[test]
fn refusals_have_their_reason_and_spoil_nothing() {
    let database = shop("hypopg_refusals", 10_000);
    database.execute("CREATE TABLE wide (t text); ALTER TABLE wide ALTER t SET STORAGE PLAIN; INSERT INTO wide SELECT repeat(md5(g::text), 120) FROM generate_series(1, 50) g; ANALYZE wide");
    let statements = [
        "SELECT * FROM orders WHERE customer_id = 17",
        "SELECT nope FROM orders",
        "SELECT * FROM gone WHERE a = 1",
        "SELECT * FROM items WHERE sku = $1",
    ];
    database.execute("CREATE TABLE gone (a int)");
    let (mut session, workload) = planned(&database, &statements);
    database.execute("DROP TABLE gone");
    let snapshot: &Snapshot = &workload.snapshot;
    let mut planner = Hypopg::start(&mut session, &workload).expect("HypoPG");
    let gin = IndexDefinition { access_method: AccessMethod::Gin, ..IndexDefinition::btree(["status"]) };
    let volatile = IndexDefinition::btree([IndexColumn::from(IndexTarget::Expression("random()".into()))]);
    let candidates = [
        candidate(snapshot, "orders", IndexDefinition::btree(["customer_id"])),
        candidate(snapshot, "orders", gin),
        candidate(snapshot, "orders", volatile),
        candidate(snapshot, "wide", IndexDefinition::btree(["t"])),
        candidate(snapshot, "gone", IndexDefinition::btree(["a"])),
        candidate(snapshot, "orders", IndexDefinition::btree(["nope"])),
        candidate(snapshot, "items", IndexDefinition::btree(["sku"])),
    ];
    let declared = planner.declare(&candidates).expect("declared");
    let reasons: Vec<String> = declared.iter().map(|one| one.clone().err().unwrap_or_default()).collect();
    assert_eq!(
        reasons,
        [
            "",
            "access method \"gin\" is not supported",
            "functions in index expression must be marked IMMUTABLE",
            "index row requires 3856 bytes, maximum is 2704",
            "relation \"public.gone\" does not exist",
            "column \"nope\" of relation public.orders does not exist",
            "",
        ]
    );
    let asks: Vec<Ask> = (0..4).map(|n| ask(n, &[0, 1, 2, 3, 4, 5, 6])).collect();
    let prices = planner.price(&asks).expect("prices");
    assert!(prices[0].as_ref().is_ok_and(|price| price.used.contains(&CandidateId(0))), "{:?}", prices[0]);
    assert_eq!(prices[1], Err("the statement could not be planned as it is".to_owned()));
    assert_eq!(prices[2], Err("relation \"gone\" does not exist".to_owned()));
    assert!(prices[3].as_ref().is_ok_and(|price| price.used.contains(&CandidateId(6))), "{:?}", prices[3]);
    assert_eq!(planner.n_calls(), 3);
}

#[test]
fn nothing_is_left_in_the_session_and_nothing_is_written() {
    let database = shop("hypopg_clean", 10_000);
    let statements =
        ["SELECT * FROM orders WHERE customer_id = 17", "SELECT * FROM gone", "SELECT * FROM items WHERE sku = $1"];
    database.execute("CREATE TABLE gone (a int)");
    let (_, workload) = planned(&database, &statements);
    database.execute("DROP TABLE gone; CREATE ROLE pgadvise_reader LOGIN; GRANT pg_read_all_data TO pgadvise_reader; ALTER ROLE pgadvise_reader SET default_transaction_read_only = on");
    let mut session = session_as(&database.url().replace("postgres@", "pgadvise_reader@"));
    let definition = candidate(&workload.snapshot, "orders", IndexDefinition::btree(["customer_id"]));
    {
        let mut planner = Hypopg::start(&mut session, &workload).expect("HypoPG");
        planner.declare(std::slice::from_ref(&definition)).expect("declared");
        let prices = planner.price(&[ask(1, &[0]), ask(0, &[0]), ask(2, &[0]), ask(1, &[])]).expect("prices");
        assert!(prices[1].as_ref().is_ok_and(|price| price.used.contains(&CandidateId(0))), "{prices:?}");
    }
    let left = pgadvise::db::Query {
        name: "what is left",
        sql: "SELECT (SELECT count(*) FROM public.hypopg()) AS n_indexes, (SELECT count(*) FROM pg_prepared_statements) AS n_prepared",
    };
    let options = pgadvise::db::ReadOptions::default();
    let row = session.read(&options, |transaction| {
        let rows = transaction.query(&left, &[])?;
        Ok((rows[0].get::<i64>("n_indexes")?, rows[0].get::<i64>("n_prepared")?))
    });
    assert_eq!(row, Ok((0, 0)));
    assert_eq!(
        database.value("SELECT count(*) FROM pg_class WHERE relkind = 'i' AND relname LIKE '%customer_id%'"),
        "0"
    );
}

#[test]
fn three_thousand_candidates_are_asked_about_in_parts() {
    let database = shop("hypopg_many", 10_000);
    let columns: Vec<String> = (0..800).map(|n| format!("c{n} int")).collect();
    database.execute(&format!("CREATE TABLE broad (id int, {}); INSERT INTO broad (id, c17, c18) SELECT g, g, g FROM generate_series(1, 20000) g; ANALYZE broad", columns.join(", ")));
    let (mut session, workload) =
        planned(&database, &["SELECT * FROM broad WHERE c17 = 5", "SELECT * FROM broad WHERE c18 = 5"]);
    let mut planner = Cached::new(Hypopg::start(&mut session, &workload).expect("HypoPG"), &workload);
    let mut candidates = Vec::new();
    for first in 0..800_usize {
        for second in 1..5 {
            let columns = [format!("c{first}"), format!("c{}", (first + second) % 800)];
            candidates.push(candidate(&workload.snapshot, "broad", IndexDefinition::btree(columns)));
        }
    }
    assert!(candidates.len() > 3000);
    let declared = planner.declare(&candidates).expect("declared");
    assert!(declared.iter().all(Result::is_ok));
    let all: Vec<u32> = (0..candidates.len() as u32).collect();
    let prices = planner.price(&[ask(0, &all), ask(1, &all)]).expect("prices");
    for (price, column) in prices.iter().zip([17, 18]) {
        let price = price.as_ref().expect("a price");
        assert!(price.used.iter().all(|id| id.0 as usize / 4 == column), "{price:?}");
        assert_eq!(price.used.len(), 1);
    }
}
