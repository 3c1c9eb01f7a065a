//! The size models against indexes that were really built: over kinds of keys, NULLs, duplicates, widths, predicates, by
//! every access method. The corpus is the bench's, on smaller tables.

#[path = "../../benches/fidelity/corpus.rs"]
pub mod corpus;

use pgadvise::pg::IndexDefinition;
use pgadvise::snapshot::{Catalog, Snapshot};
use pgadvise::whatif::{Metapage, size};

use self::corpus::{Corpus, Measured, Server, percentile};
use crate::support::{self, Database};

/// Rows of the tables under btrees, and under all others, which take longer.
const N_ROWS_BTREE: u32 = 60_000;
const N_ROWS_OTHERS: u32 = 8_000;

impl Server for Database {
    fn execute(&self, sql: &str) {
        self.execute(sql);
    }

    fn value(&self, sql: &str) -> String {
        self.value(sql)
    }

    fn snapshot(&self) -> Snapshot {
        support::collected(&self.url())
    }

    fn major(&self) -> u32 {
        self.cluster().version().major()
    }
}

fn measure(name: &str, corpus: &Corpus, n_rows: u32) -> Vec<Measured> {
    let mut measured = corpus::measure(&support::database(name, ""), corpus, n_rows);
    measured.sort_by(|a, b| a.ratio().total_cmp(&b.ratio()));
    measured
}

fn lines(measured: &[Measured]) -> String {
    let quantiles = [5, 50, 95].map(|percent| format!("{:.3}", percentile(measured, percent))).join(" ");
    let lines: Vec<String> = measured.iter().map(Measured::line).collect();
    format!("{} indexes, model / real p5, p50, p95: {quantiles}\n{}", measured.len(), lines.join("\n"))
}

#[test]
fn btrees_are_as_large_and_as_high_as_modelled() {
    let measured = measure("whatif_size", &corpus::BTREE, N_ROWS_BTREE);
    let summary = lines(&measured);
    let n_right = measured.iter().filter(|m| m.model.height == m.real.height).count();
    assert!(measured.len() >= 100, "{summary}");
    assert!(percentile(&measured, 5) >= 0.75 && percentile(&measured, 95) <= 1.25, "{summary}");
    assert!((0.95..=1.05).contains(&percentile(&measured, 50)), "{summary}");
    assert!(n_right * 10 >= measured.len() * 9, "{n_right} heights right\n{summary}");
    assert!(measured.iter().all(|m| m.model.height.abs_diff(m.real.height) <= 1), "{summary}");
}

#[test]
fn indexes_of_the_other_access_methods_are_as_large_as_modelled() {
    let groups = corpus::by_method(measure("whatif_size_others", &corpus::OTHERS, N_ROWS_OTHERS));
    assert_eq!(groups.len(), 6, "hash, GIN, GiST, SP-GiST, BRIN, bloom");
    assert!(groups.iter().map(|(_, measured)| measured.len()).sum::<usize>() >= 40);
    for (method, mut measured) in groups {
        measured.sort_by(|a, b| a.ratio().total_cmp(&b.ratio()));
        let summary = format!("{method}: {}", lines(&measured));
        assert!(percentile(&measured, 5) >= 0.7 && percentile(&measured, 95) <= 1.4, "{summary}");
        assert!((0.9..=1.1).contains(&percentile(&measured, 50)), "{summary}");
        for one in &measured {
            match (one.model.metapage, one.real.metapage) {
                (
                    Metapage::Gin { n_entry_pages, n_data_pages, n_entries },
                    Metapage::Gin { n_entry_pages: entry, n_data_pages: data, n_entries: entries },
                ) => {
                    assert_eq!(1 + n_entry_pages + n_data_pages, one.model.n_pages, "{}", one.line());
                    assert_eq!(1 + entry + data, one.real.n_pages, "{}", one.line());
                    let ratio = n_entries as f64 / entries as f64;
                    assert!((0.3..=3.0).contains(&ratio), "entries {ratio}: {}", one.line());
                }
                (model, real) => assert_eq!(model, real, "{}", one.line()),
            }
        }
    }
}

#[test]
fn values_whose_rows_lie_side_by_side_are_more_than_analyze_finds() {
    let database = support::database(
        "whatif_size_clustered",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_statistics_target = 10', current_database()); END $$;
         CREATE TABLE line (purchase_id bigint NOT NULL, note text NOT NULL);
         INSERT INTO line SELECT g / 4, repeat('x', 80) FROM generate_series(1, 800000) g;
         CREATE INDEX built ON line (purchase_id)",
    );
    let built: f64 = database.value("SELECT pg_relation_size('built') / 8192").parse().unwrap();
    // Each ANALYZE draws another sample, of 3,000 rows only.
    let mut modelled: Vec<f64> = (0..9)
        .map(|_| {
            database.execute("SET default_statistics_target = 10; ANALYZE line");
            let snapshot = support::collected(&database.url());
            let catalog = Catalog::new(&snapshot);
            let line = catalog.find(Some("public"), "line").expect("the table");
            size::estimate(&catalog, line, &IndexDefinition::btree(["purchase_id"])).unwrap().n_pages as f64
        })
        .collect();
    modelled.sort_by(f64::total_cmp);
    let median = modelled[modelled.len() / 2];
    assert!((0.85..=1.15).contains(&(median / built)), "{modelled:?} pages, {built} built");
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

#[test]
fn an_index_is_lower_when_it_has_grown_than_when_it_was_built() {
    let database = support::database(
        "whatif_size_height",
        "CREATE EXTENSION pageinspect;
         CREATE TABLE counted (id int CONSTRAINT grown PRIMARY KEY, other int);
         CREATE TABLE named (id int, slug text);
         CREATE TABLE between_0 (id int PRIMARY KEY, note text);
         CREATE TABLE between_3 (id int PRIMARY KEY, note text);
         CREATE UNIQUE INDEX loose ON named (slug);
         INSERT INTO named SELECT g, md5(g::text) FROM generate_series(1, 14000) g;
         INSERT INTO counted SELECT g, g FROM generate_series(1, 120000) g;
         -- Made in between, as in most databases: oids tell what was made together.
         CREATE TABLE between_1 (id int PRIMARY KEY, note text);
         CREATE TABLE between_2 (id int PRIMARY KEY, note text);
         CREATE UNIQUE INDEX built ON counted (other);
         ANALYZE",
    );
    let snapshot = support::collected(&database.url());
    let catalog = Catalog::new(&snapshot);
    let heights = ["grown", "loose", "built"].map(|name| {
        let (relation, index) = catalog.index_named("public", name).expect("the index");
        let real = database.value(&format!("SELECT level FROM bt_metap('{name}')")).parse::<u32>().expect("a level");
        assert_eq!(size::of_existing(&catalog, relation, index).expect("a size").height, real, "{name}");
        real
    });
    assert_eq!(heights, [1, 1, 2]);
}

#[test]
fn an_index_that_has_grown_has_its_real_pages_and_the_height_of_so_many() {
    let database = support::database(
        "whatif_size_grown",
        "CREATE EXTENSION pageinspect;
         CREATE TABLE grown (token uuid, kind int, tags text[], filler text);
         CREATE INDEX by_token ON grown (token);
         CREATE INDEX by_kind ON grown (kind);
         CREATE INDEX by_tags ON grown USING gin (tags) WITH (fastupdate = off);
         CREATE INDEX by_range ON grown USING brin (kind) WITH (pages_per_range = 1);
         INSERT INTO grown SELECT gen_random_uuid(), g % 9, ARRAY['tag ' || g % 50, 'tag ' || g % 3000], repeat('x', 500)
         FROM generate_series(1, 40000) g",
    );
    database.execute("VACUUM ANALYZE grown");
    let snapshot = support::collected(&database.url());
    let catalog = Catalog::new(&snapshot);
    let (relation, _) = catalog.index_named("public", "by_token").expect("the index");
    let existing = |name: &str| {
        let (_, index) = catalog.index_named("public", name).expect("the index");
        size::of_existing(&catalog, relation, index).expect("a size")
    };
    let number = |sql: &str| database.value(sql).parse::<u64>().expect("a number");
    for name in ["by_token", "by_kind", "by_tags", "by_range"] {
        assert_eq!(existing(name).n_pages, number(&format!("SELECT pg_relation_size('{name}') / 8192")), "{name}");
    }
    for name in ["by_token", "by_kind"] {
        let height = number(&format!("SELECT level FROM bt_metap('{name}')"));
        assert_eq!(u64::from(existing(name).height), height, "{name}");
    }
    let Metapage::Gin { n_entry_pages, n_data_pages, n_entries } = existing("by_tags").metapage else {
        panic!("{:?}", existing("by_tags"))
    };
    assert!((n_entry_pages + n_data_pages + 1).abs_diff(existing("by_tags").n_pages) <= 1);
    assert!((2_700..=3_300).contains(&n_entries), "{n_entries}");
    let last = number("SELECT lastrevmappage FROM brin_metapage_info(get_raw_page('by_range', 0))");
    assert!(last > 1);
    assert_eq!(existing("by_range").metapage, Metapage::Brin { n_revmap_pages: last });
}
