//! The size model against indexes that were really built: over kinds of keys, NULLs, duplicates, widths, predicates.

use pgadvise::pg::IndexDefinition;
use pgadvise::snapshot::Catalog;
use pgadvise::whatif::{IndexSize, size};

use crate::support::{self, Database};

/// How far the model may be off: the 5th and the 95th percentile of model / real.
const RATIO_P5_MIN: f64 = 0.75;
const RATIO_P95_MAX: f64 = 1.25;
/// Rows of the tables.
const N_ROWS: u32 = 60_000;

/// Three tables: an event log, customers with texts, and an order book with NULLs and skew.
const SCHEMA: &str = include_str!("whatif_size.sql");

/// What is built on each of them.
const INDEXES: [(&str, &[&str]); 3] = [
    (
        "event",
        &[
            "(id)",
            "(account_id)",
            "(kind)",
            "(at)",
            "(day)",
            "(amount)",
            "(score)",
            "(ratio)",
            "(token)",
            "(ip)",
            "(is_read)",
            "(small)",
            "(label)",
            "(span)",
            "(account_id, at)",
            "(account_id, kind)",
            "(kind, account_id)",
            "(kind, is_read)",
            "(day, kind)",
            "(account_id, day, kind)",
            "(at, id)",
            "(token, id)",
            "(ip, at)",
            "(is_read, account_id, at)",
            "(account_id) INCLUDE (at)",
            "(kind) INCLUDE (amount, label)",
            "(at) INCLUDE (token)",
            "(account_id) WHERE NOT is_read",
            "(at) WHERE kind = 'view'",
            "(kind) WHERE is_read",
            "(account_id, at) WHERE kind = 'refund'",
            "(amount, account_id)",
            "(date_trunc('day', at AT TIME ZONE 'UTC'))",
            "(((at AT TIME ZONE 'UTC')::date), account_id)",
            "(small, kind)",
            "(account_id DESC, at DESC NULLS LAST)",
        ],
    ),
    (
        "customer",
        &[
            "(id)",
            "(email)",
            "(name)",
            "(city)",
            "(country)",
            "(country, city)",
            "(city, name)",
            "(lower(email))",
            "(email text_pattern_ops)",
            "(phone)",
            "(phone) WHERE phone IS NOT NULL",
            "(deleted_at)",
            "(deleted_at) WHERE deleted_at IS NOT NULL",
            "(email) WHERE deleted_at IS NULL",
            "(bio)",
            "(code)",
            "(country, code)",
            "(tags)",
            "(settings)",
            "(name, email)",
            "(hash)",
            "(hash, id)",
            "(country) INCLUDE (name)",
            "(lower(name), country)",
            "(referrer_id)",
            "(referrer_id, country)",
        ],
    ),
    (
        "trade",
        &[
            "(id)",
            "(customer_id)",
            "(status)",
            "(status, created_at)",
            "(customer_id, status)",
            "(customer_id, created_at)",
            "(shipped_at)",
            "(shipped_at, status)",
            "(status, shipped_at)",
            "(created_at) WHERE status = 'open'",
            "(customer_id) WHERE shipped_at IS NULL",
            "(status) WHERE shipped_at IS NULL",
            "(total)",
            "(warehouse)",
            "(warehouse, region)",
            "(region, warehouse, status)",
            "(coupon)",
            "(coupon, customer_id)",
            "(coupon) WHERE coupon IS NOT NULL",
            "(customer_id) INCLUDE (total)",
            "(note)",
            "(created_at, customer_id)",
            "(region, created_at)",
            "(priority, created_at)",
            "(priority, status, region)",
        ],
    ),
];

struct Measured {
    index: String,
    model: IndexSize,
    n_pages: u64,
    height: u32,
}

impl Measured {
    fn ratio(&self) -> f64 {
        self.model.n_pages as f64 / self.n_pages as f64
    }
}

/// Estimates every index from the statistics before it exists, then builds and measures it.
fn measure(database: &Database) -> Vec<Measured> {
    let before = support::snapshot(database);
    database.execute("CREATE EXTENSION pageinspect");
    let mut names = Vec::new();
    for (table, bodies) in INDEXES {
        for (n, body) in bodies.iter().enumerate() {
            database.execute(&format!("CREATE INDEX {table}_{n} ON {table} {body}"));
            names.push((table, format!("{table}_{n}"), *body));
        }
    }
    let after = support::snapshot(database);
    let (before, after) = (Catalog::new(&before), Catalog::new(&after));
    let mut measured = Vec::new();
    for (table, name, body) in names {
        let definition: &IndexDefinition = &after.index_named("public", &name).expect("the index").1.definition;
        let relation = before.find(Some("public"), table).expect("the table");
        let model = size::estimate(&before, relation, definition).unwrap_or_else(|why| panic!("{table} {body}: {why}"));
        let real = database.rows(&format!("SELECT pg_relation_size('{name}') / 8192, level FROM bt_metap('{name}')"));
        let number = |n: usize| real[0][n].as_ref().and_then(|text| text.parse::<u64>().ok()).expect("a number");
        measured.push(Measured {
            index: format!("{table} {body}"),
            model,
            n_pages: number(0),
            height: number(1) as u32,
        });
    }
    measured
}

#[test]
fn the_model_is_near_the_size_of_indexes_really_built() {
    let database = support::database("whatif_size", &SCHEMA.replace(":n_rows", &N_ROWS.to_string()));
    let mut measured = measure(&database);
    measured.sort_by(|a, b| a.ratio().total_cmp(&b.ratio()));
    let percentile = |p: usize| measured[(measured.len() - 1) * p / 100].ratio();
    let table: Vec<String> = measured
        .iter()
        .map(|m| {
            format!(
                "{:.2} {} / {} pages, height {} / {}: {}",
                m.ratio(),
                m.model.n_pages,
                m.n_pages,
                m.model.height,
                m.height,
                m.index
            )
        })
        .collect();
    let n_right = measured.iter().filter(|m| m.model.height == m.height).count();
    let summary = format!(
        "{} indexes, model / real p5 {:.3} median {:.3} p95 {:.3}, {n_right} heights right\n{}",
        measured.len(),
        percentile(5),
        percentile(50),
        percentile(95),
        table.join("\n")
    );
    assert!(measured.len() >= 60, "{summary}");
    assert!(percentile(5) >= RATIO_P5_MIN && percentile(95) <= RATIO_P95_MAX, "{summary}");
    assert!(n_right * 10 >= measured.len() * 9, "{summary}");
    assert!(measured.iter().all(|m| m.model.height.abs_diff(m.height) <= 1), "{summary}");
}

#[test]
fn what_cannot_be_built_is_refused_with_the_reason() {
    let database = support::database(
        "whatif_size_refused",
        "CREATE TABLE page (id int, body text, wide text, n int);
         ALTER TABLE page ALTER wide SET STORAGE PLAIN;
         INSERT INTO page SELECT g, (SELECT string_agg(md5((g * i)::text), '') FROM generate_series(1, 200) i),
             repeat(md5(g::text), 100), g FROM generate_series(1, 300) g;
         ANALYZE",
    );
    let snapshot = support::snapshot(&database);
    let catalog = Catalog::new(&snapshot);
    let page = catalog.find(Some("public"), "page").expect("the table");
    let refused = |definition: IndexDefinition| size::estimate(&catalog, page, &definition).unwrap_err();
    assert_eq!(refused(IndexDefinition::btree(["wide"])), "index row requires 3216 bytes, maximum is 2704");
    assert!(refused(IndexDefinition::btree(["body"])).contains("at most 2704 bytes"));
    assert!(refused(IndexDefinition::btree(["id", "nope"])).contains("column \"nope\""));
    let mut carrying = IndexDefinition::btree(["id"]);
    carrying.included_columns.push("wide".into());
    assert!(refused(carrying).contains("maximum is 2704"));
    for column in ["wide", "body"] {
        let built = database.connect().try_execute(&format!("CREATE INDEX ON page ({column})"));
        assert!(built.is_err(), "PostgreSQL refuses {column} too");
    }
}

#[test]
fn an_index_on_a_partitioned_table_is_the_sum_of_its_partitions_and_unanalysed_tables_are_guessed() {
    let database = support::database(
        "whatif_size_parts",
        "CREATE TABLE log (id int, day int) PARTITION BY RANGE (day);
         CREATE TABLE log_a PARTITION OF log FOR VALUES FROM (0) TO (10);
         CREATE TABLE log_b PARTITION OF log FOR VALUES FROM (10) TO (20);
         INSERT INTO log SELECT g, g % 20 FROM generate_series(1, 40000) g;
         CREATE TABLE empty (id int, name text);
         ANALYZE log",
    );
    let snapshot = support::snapshot(&database);
    let catalog = Catalog::new(&snapshot);
    let estimate = |table: &str| {
        let relation = catalog.find(Some("public"), table).expect("the table");
        size::estimate(&catalog, relation, &IndexDefinition::btree(["id"])).expect("a size")
    };
    let (whole, a, b) = (estimate("log"), estimate("log_a"), estimate("log_b"));
    assert_eq!(whole.n_pages, a.n_pages + b.n_pages);
    database.execute("CREATE INDEX ON log_a (id)");
    assert_eq!(database.value("SELECT pg_relation_size('log_a_id_idx') / 8192"), a.n_pages.to_string());
    assert!(estimate("empty").n_pages < 20, "the planner's guess of ten blocks");
}
