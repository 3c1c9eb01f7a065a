//! The metapages of phantom indexes: what is written into them is what pageinspect reads and what the planner plans with.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

use pgadvise::whatif::shadow::{brin, gin};

use crate::support::{self, Database};

/// An index over rows and its twin over none, and a query that uses either.
struct Case {
    method: &'static str,
    query: &'static str,
}

const CASES: [Case; 2] = [
    Case { method: "gin (tags)", query: "tags @> ARRAY['tag 7', 'tag 11']" },
    Case { method: "brin (id) WITH (pages_per_range = 1)", query: "id BETWEEN 500 AND 900" },
];

const SCHEMA: &str = "
    CREATE EXTENSION pageinspect;
    CREATE TABLE page (id int, tags text[], filler text);
    INSERT INTO page SELECT g, ARRAY['tag ' || g % 50, 'tag ' || g % 3000], repeat('x', 1800) FROM generate_series(1, 9000) g;
    CREATE TABLE empty (LIKE page);
    CREATE TABLE spare ();
    ANALYZE page";

fn first_block(database: &Database, index: &str) -> [u8; 8192] {
    let hex = database.value(&format!("SELECT encode(get_raw_page('{index}', 0), 'hex')"));
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal")).collect();
    bytes.try_into().expect("a block")
}

fn numbers(database: &Database, function: &str, page: &[u8; 8192], columns: &str) -> Vec<u64> {
    let hex: String = page.iter().map(|byte| format!("{byte:02x}")).collect();
    let rows = database.rows(&format!("SELECT {columns} FROM {function}('\\x{hex}'::bytea)"));
    rows[0].iter().map(|value| value.as_ref().and_then(|text| text.parse().ok()).expect("a number")).collect()
}

#[test]
fn pageinspect_reads_what_was_written() {
    for major in support::versions() {
        let database = support::database_on(support::server(major), "shadow_metapages", SCHEMA);
        database.execute("CREATE INDEX g ON page USING gin (tags); CREATE INDEX b ON page USING brin (id)");

        let mut page = first_block(&database, "g");
        gin::patch_metapage(&mut page, 5_000, (3_000, 1_999, 70_000)).expect("a metapage of GIN");
        let columns =
            "n_pending_pages, n_pending_tuples, n_total_pages, n_entry_pages, n_data_pages, n_entries, version";
        assert_eq!(
            numbers(&database, "gin_metapage_info", &page, columns),
            [0, 0, 5_000, 3_000, 1_999, 70_000, 2],
            "{major}"
        );

        let mut page = first_block(&database, "b");
        brin::patch_metapage(&mut page, 17).expect("a metapage of BRIN");
        let columns = "version, pagesperrange, lastrevmappage";
        assert_eq!(numbers(&database, "brin_metapage_info", &page, columns), [1, 128, 17], "{major}");
        assert!(gin::patch_metapage(&mut page, 1, (1, 1, 1)).is_err());
    }
}

/// What the planner asks of the first use of `index`, in planner units.
fn cost(database: &Database, query: &str) -> String {
    database.value(&format!("EXPLAIN SELECT id FROM page WHERE {query}"))
}

/// The blocks of GIN and BRIN indexes are built in shared buffers, so that a change of the file would not be seen: the
/// index gets a file whose blocks no buffer has, that of an empty table.
#[test]
fn a_stretched_empty_index_costs_what_the_real_one_does() {
    for major in support::versions() {
        let database = support::database_on(support::server(major), "shadow_metapage_costs", SCHEMA);
        database.execute("SET enable_seqscan = off");
        for case in &CASES {
            database.execute(&format!("CREATE INDEX real ON page USING {}", case.method));
            let real_cost = cost(&database, case.query);
            assert!(real_cost.contains("Bitmap Heap Scan"), "{real_cost}");
            let real = first_block(&database, "real");
            let n_pages: u64 = database.value("SELECT pg_relation_size('real') / 8192").parse().expect("a number");

            database.execute(&format!("CREATE INDEX twin ON empty USING {}", case.method));
            let mut page = first_block(&database, "twin");
            if case.method.starts_with("gin") {
                let meta = numbers(&database, "gin_metapage_info", &real, "n_entry_pages, n_data_pages, n_entries");
                gin::patch_metapage(&mut page, n_pages, (meta[0], meta[1], meta[2])).expect("a metapage of GIN");
            } else {
                let meta = numbers(&database, "brin_metapage_info", &real, "lastrevmappage");
                brin::patch_metapage(&mut page, meta[0]).expect("a metapage of BRIN");
            }
            let spare = database.value("SELECT pg_relation_filepath('spare')");
            let path = database.cluster().data_directory().join(spare);
            let file = OpenOptions::new().write(true).open(path).expect("the spare table's file");
            file.write_all_at(&page, 0).expect("the first block is written");
            file.set_len(n_pages * 8192).expect("the file is stretched");
            // The real index keeps its oid, its name and its statistics, and loses its file to the spare table.
            database.execute(
                "WITH pair AS (SELECT oid, relname, relfilenode FROM pg_class WHERE relname IN ('real', 'spare'))
                 UPDATE pg_class c SET relfilenode = other.relfilenode
                 FROM pair own JOIN pair other ON own.relname <> other.relname WHERE c.oid = own.oid",
            );
            assert_eq!(first_block(&database, "real"), page, "{major}: another file is read");
            assert_eq!(cost(&database, case.query), real_cost, "{major}: {}", case.method);
            database.execute("DROP INDEX real; DROP TABLE spare; CREATE TABLE spare (); DROP INDEX twin");
        }
    }
}
