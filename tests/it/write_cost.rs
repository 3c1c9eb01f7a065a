//! What indexes cost those who write, against a server that writes: which updates cease to be HOT, and how the cost of
//! inserting compares from one index to the next. Ratios only: no time of this machine is expected.

use std::collections::BTreeMap;

use pgadvise::advice::WriteCosts;
use pgadvise::pg::{AccessMethod, IndexColumn, IndexDefinition};
use pgadvise::snapshot::Catalog;
use pgadvise::workload::{self, BuildOptions, ScriptFile, Weigh, Workload};

use crate::support::{self, Database};

/// Rows that each measurement inserts.
const N_INSERTED: u32 = 40_000;

/// How far a measured ratio of two indexes may be from the modelled one: other programs share the processors.
const RATIO_FACTOR: f64 = 3.0;

const SOURCE: &str = "
    CREATE EXTENSION btree_gist;
    CREATE TABLE source AS
        SELECT g AS id, (hashint4(g) & 1073741823) AS random, now() + g * interval '1 s' AS at, g % 4 AS status,
               int4range(hashint4(g) & 65535, 70000 + (g & 255)) AS span,
               ARRAY[g * 7 % 5000, g * 11 % 5000, g * 13 % 5000, g * 17 % 5000, g * 19 % 5000] AS tags
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

/// Microseconds of processor time that the server's process has taken so far.
fn cpu_us(database: &Database) -> f64 {
    // utime and stime, the 12th and 13th field behind the name, in hundredths of a second.
    let stat = database.value("SELECT pg_read_file('/proc/self/stat', 0, 4000)");
    let fields: Vec<f64> =
        stat.rsplit_once(')').expect("a name").1.split_whitespace().skip(1).map(|f| f.parse().unwrap_or(0.0)).collect();
    (fields[10] + fields[11]) * 10_000.0
}

/// Microseconds for each row inserted into `target` with these indexes: the least of three runs, all rolled back.
fn us_per_row(database: &Database, definition: Option<&IndexDefinition>) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..3 {
        database.execute("BEGIN");
        if let Some(definition) = definition {
            database.execute(&format!("CREATE INDEX ON target {}", definition.body()));
        }
        let before = cpu_us(database);
        database.execute(&format!(
            "INSERT INTO target SELECT * FROM source WHERE id > 60000 AND id <= 60000 + {N_INSERTED}"
        ));
        least = least.min((cpu_us(database) - before) / f64::from(N_INSERTED));
        database.execute("ROLLBACK");
    }
    least
}

#[test]
fn inserting_costs_what_the_access_method_and_the_order_say() {
    for major in [15, *support::versions().last().expect("a version")] {
        let database = support::database_on(support::server(major), "write_cost", SOURCE);
        database.execute("SET synchronous_commit = off; SET max_parallel_workers_per_gather = 0");
        let base = us_per_row(&database, None);
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
            ("gin", by(AccessMethod::Gin, "tags")),
        ];
        let mut known: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for (name, definition) in &definitions {
            let measured = (us_per_row(&database, Some(definition)) - base).max(0.1);
            known.insert(name, (measured, costs.of(target, definition).us_per_write));
        }
        let random = known["random"];
        for name in ["in order", "gist", "gin"] {
            let (measured, modelled) = known[name];
            let ratio = (measured / random.0) / (modelled / random.1);
            assert!((1.0 / RATIO_FACTOR..RATIO_FACTOR).contains(&ratio), "{major}, {name} {ratio}: {known:?}");
        }
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
    let measure = |definition: &IndexDefinition| {
        let mut least = f64::INFINITY;
        for _ in 0..3 {
            database.execute("VACUUM account");
            database.execute("BEGIN");
            database.execute(&format!("CREATE INDEX ON account {}", definition.body()));
            let before = cpu_us(&database);
            database.execute("UPDATE account SET balance = balance + 1");
            least = least.min(cpu_us(&database) - before);
            database.execute("ROLLBACK");
        }
        least
    };
    let (left_alone, set) = (on("branch"), on("balance"));
    let modelled = [costs.of(account, &left_alone).us_per_write, costs.of(account, &set).us_per_write];
    assert_eq!(modelled[0], 0.0);
    let (hot, not_hot) = (measure(&left_alone), measure(&set));
    assert!(not_hot > 1.2 * hot, "{hot} and {not_hot} µs");
    let measured = (not_hot - hot) / 40_000.0;
    let ratio = measured / modelled[1];
    // The pages of the new versions are written, too, which another machine does faster or slower.
    assert!((0.1..4.0).contains(&ratio), "{measured} µs an update were measured, {} modelled", modelled[1]);
}
