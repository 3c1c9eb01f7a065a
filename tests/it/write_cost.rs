//! What indexes cost those who write, against a server that writes: which updates cease to be HOT, and how the pages
//! that inserting touches compare from one index to the next. Counts only: no time of this machine is expected.

use std::collections::BTreeMap;

use pgadvise::advice::WriteCosts;
use pgadvise::pg::{AccessMethod, IndexColumn, IndexDefinition};
use pgadvise::snapshot::Catalog;
use pgadvise::workload::{self, BuildOptions, ScriptFile, Weigh, Workload};

use crate::support::{self, Database};

/// Rows that each measurement inserts.
const N_INSERTED: u32 = 40_000;

const SOURCE: &str = "
    CREATE EXTENSION btree_gist;
    CREATE TABLE source AS
        SELECT g AS id, (hashint4(g) & 1073741823) AS random, now() + g * interval '1 s' AS at, g % 4 AS status,
               int4range(hashint4(g) & 65535, 70000 + (g & 255)) AS span
        FROM generate_series(1, 140000) AS g;
    CREATE TABLE target (LIKE source);
    INSERT INTO target SELECT * FROM source WHERE id <= 60000;
    ANALYZE target;";

fn on(column: &str) -> IndexDefinition {
    IndexDefinition::btree([column])
}

fn by(access_method: AccessMethod, column: &str) -> IndexDefinition {
    IndexDefinition { access_method, ..on(column) }
}

/// The workload of one statement over the database as it is.
fn workload_of(database: &Database, text: &str) -> Workload {
    let statements = pgadvise::sql::split(text).expect("statements");
    let script = ScriptFile { path: "writes.sql".to_owned(), statements };
    let options = BuildOptions { weigh: Some(Weigh::Cost), ..BuildOptions::default() };
    workload::build(support::collected(&database.url()).into(), &[script], &options)
}

/// Pages that inserting a row touches beside the relation's own, for `target` with this index; rolled back.
fn pages_per_row(database: &Database, definition: &IndexDefinition) -> f64 {
    database.execute("BEGIN");
    let bare = pages_touched(database);
    database.execute(&format!("CREATE INDEX ON target {}", definition.body()));
    let with_index = pages_touched(database);
    database.execute("ROLLBACK");
    (with_index - bare) / f64::from(N_INSERTED)
}

/// Pages that one INSERT finds in the buffers or reads: a count, which is the same whatever else the machine does.
fn pages_touched(database: &Database) -> f64 {
    let insert = format!("INSERT INTO target SELECT * FROM source WHERE id > 60000 AND id <= 60000 + {N_INSERTED}");
    let plan = plan(database, &format!("EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) {insert}"));
    let pages = |name: &str| plan[name].as_f64().expect("a count of pages");
    pages("Shared Hit Blocks") + pages("Shared Read Blocks")
}

/// The topmost node of what an EXPLAIN says.
fn plan(database: &Database, explain: &str) -> serde_json::Value {
    let mut plan: serde_json::Value = serde_json::from_str(&database.value(explain)).expect("a plan");
    plan[0]["Plan"].take()
}

#[test]
fn inserting_costs_more_where_it_touches_more_pages() {
    for major in support::versions() {
        let database = support::database_on(support::server(major), "write_cost", SOURCE);
        database.execute("SET max_parallel_workers_per_gather = 0");
        let workload = workload_of(&database, "-- calls: 1000\nINSERT INTO target (id) VALUES ($1);");
        let catalog = Catalog::new(&workload.snapshot);
        let costs = WriteCosts::new(&catalog, &workload);
        let target = support::relation(&workload.snapshot, "target");
        let definitions = [
            ("brin", by(AccessMethod::Brin, "id")),
            ("in order", on("id")),
            ("few values", on("status")),
            ("random", on("random")),
            ("gist", by(AccessMethod::Gist, "span")),
        ];
        let known: BTreeMap<&str, (f64, f64)> = definitions
            .iter()
            .map(|(name, own)| (*name, (pages_per_row(&database, own), costs.of(target, own).us_per_write)))
            .collect();
        for (less, more) in [("brin", "random"), ("in order", "random"), ("few values", "random"), ("in order", "gist")]
        {
            assert!(known[less].0 < known[more].0 && known[less].1 < known[more].1, "{major} {less} {more}: {known:?}");
        }
    }
}

#[test]
fn updates_cease_to_be_hot_where_the_model_says() {
    for major in support::versions() {
        let database = support::database_on(
            support::server(major),
            "write_cost",
            "CREATE TABLE account (id int PRIMARY KEY, balance int, branch int, note text) WITH (fillfactor = 10);
             INSERT INTO account SELECT g, g % 90, g % 7, repeat('x', 40) FROM generate_series(1, 2000) AS g;
             ANALYZE account;",
        );
        let text = "-- calls: 500\nUPDATE account SET balance = balance + 1 WHERE id = $1;";
        let workload = workload_of(&database, text);
        let catalog = Catalog::new(&workload.snapshot);
        let costs = WriteCosts::new(&catalog, &workload);
        let account = support::relation(&workload.snapshot, "account");
        let expression = IndexColumn::ascending(pgadvise::pg::IndexTarget::Expression("abs(balance)".to_owned()));
        let definitions = [
            on("branch"),
            on("balance"),
            IndexDefinition { included_columns: vec!["balance".to_owned()], ..on("branch") },
            IndexDefinition { predicate: Some("balance > 0".to_owned()), ..on("branch") },
            IndexDefinition::btree([expression]),
            by(AccessMethod::Brin, "balance"),
        ];
        for definition in definitions {
            database.execute("BEGIN");
            database.execute(&format!("CREATE INDEX ON account {}", definition.body()));
            let counted = || {
                let count = database.value("SELECT pg_stat_get_xact_tuples_hot_updated('account'::regclass)");
                count.parse::<u64>().expect("a number")
            };
            // What the session did before may not have reached the shared counters yet.
            let n_before = counted();
            database.execute("UPDATE account SET balance = balance + 1 WHERE id <= 500");
            let n_hot = counted() - n_before;
            database.execute("ROLLBACK");
            let loss = costs.of(account, &definition).hot_loss;
            let expected = if loss.is_some() { 0 } else { 500 };
            assert_eq!(n_hot, expected, "{major}: {} and {loss:?}", definition.body());
        }
    }
}

#[test]
fn losing_hot_costs_an_update_more_than_an_index_that_it_leaves_alone() {
    let database = support::database(
        "write_cost",
        "CREATE TABLE account (id int PRIMARY KEY, balance int, branch int, note text) WITH (fillfactor = 50);
         INSERT INTO account SELECT g, hashint4(g), hashint4(g + 1), repeat('x', 40) FROM generate_series(1, 40000) AS g;
         ANALYZE account;",
    );
    let workload = workload_of(&database, "-- calls: 1000\nUPDATE account SET balance = $1 WHERE id = $2;");
    let catalog = Catalog::new(&workload.snapshot);
    let costs = WriteCosts::new(&catalog, &workload);
    let account = support::relation(&workload.snapshot, "account");
    let wal_bytes = |definition: &IndexDefinition| {
        database.execute("VACUUM account");
        database.execute("BEGIN");
        database.execute(&format!("CREATE INDEX ON account {}", definition.body()));
        let update = "UPDATE account SET balance = balance + 1";
        let plan = plan(&database, &format!("EXPLAIN (ANALYZE, WAL, TIMING off, FORMAT json) {update}"));
        database.execute("ROLLBACK");
        plan["WAL Bytes"].as_f64().expect("bytes")
    };
    let (left_alone, set) = (on("branch"), on("balance"));
    let modelled = [costs.of(account, &left_alone).us_per_write, costs.of(account, &set).us_per_write];
    assert_eq!(modelled[0], 0.0);
    assert!(modelled[1] > 0.0);
    let (hot, not_hot) = (wal_bytes(&left_alone), wal_bytes(&set));
    assert!(not_hot > 1.2 * hot, "{hot} and {not_hot} bytes of WAL");
}
