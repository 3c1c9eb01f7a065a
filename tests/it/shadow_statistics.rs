//! Statistics that are loaded into a private server are those of the source, row by row, on every version.

use pgadvise::db::{Target, WritableSession};
use pgadvise::snapshot::{Gap, Snapshot};
use pgadvise::whatif::shadow::statistics;

use crate::support::{Database, collected, database_on, server, versions};

const SCHEMA: &str = include_str!("../../fixtures/shadow/statistics_schema.sql");
const SCHEMA_14: &str = include_str!("../../fixtures/shadow/statistics_schema_14.sql");
const DATA: &str = include_str!("../../fixtures/shadow/statistics_data.sql");
const DATA_14: &str = include_str!("../../fixtures/shadow/statistics_data_14.sql");

const LEGACY: &str = "    legacy int,\n";

/// The source: analysed, but for one table.
fn source(major: u32) -> Database {
    let database = database_on(server(major), "statistics_source", SCHEMA);
    if major >= 14 {
        database.execute(SCHEMA_14);
    }
    database.execute(DATA);
    if major >= 14 {
        database.execute(DATA_14);
    }
    for relation in ["everything", "events", "parent", "child", "empty", "summary", "multi"] {
        if relation != "multi" || major >= 14 {
            database.execute(&format!("ANALYZE app.{relation}"));
        }
    }
    database.execute("ANALYZE \"odd \"\"schema\".\"Odd \"\"Table\"");
    database.execute("VACUUM app.everything");
    database
}

/// The same relations without rows. `had_legacy` says whether the dropped column was there, so that columns have the same
/// numbers as in the source.
fn copy(major: u32, had_legacy: bool) -> Database {
    assert!(SCHEMA.contains(LEGACY));
    let schema = if had_legacy { SCHEMA.to_owned() } else { SCHEMA.replace(LEGACY, "") };
    let database = database_on(server(major), "statistics_copy", &schema);
    if had_legacy {
        database.execute("ALTER TABLE app.everything DROP COLUMN legacy");
    }
    if major >= 14 {
        database.execute(SCHEMA_14);
    }
    database
}

fn load(database: &Database, snapshot: &Snapshot) -> Vec<Gap> {
    let target = Target::resolve(Some(&database.url())).expect("a target");
    let [mut superuser, mut planner] = [(); 2].map(|()| WritableSession::connect(&target).expect("a session"));
    statistics::load(&mut superuser, &mut planner, snapshot).unwrap_or_else(|error| panic!("{error}"))
}

const OWN: &str = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// Every attribute of pg_statistic, with names in the place of oids.
fn statistic_rows() -> String {
    let slots = |attribute: &str, cast: &str| {
        (1..=5).map(|slot| format!("s.{attribute}{slot}{cast}")).collect::<Vec<_>>().join(", ")
    };
    let collation = |slot| format!("(SELECT collname FROM pg_collation WHERE oid = s.stacoll{slot})");
    format!(
        "SELECT n.nspname, c.relname, a.attname, s.stainherit, s.stanullfrac, s.stawidth, s.stadistinct, {}, {}, {}, {}, {}
         FROM pg_statistic s JOIN pg_class c ON c.oid = s.starelid JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = s.starelid AND a.attnum = s.staattnum
         WHERE {OWN} ORDER BY 1, 2, 3, 4",
        slots("stakind", ""),
        slots("staop", "::regoperator"),
        (1..=5).map(collation).collect::<Vec<_>>().join(", "),
        slots("stanumbers", ""),
        slots("stavalues", "::text"),
    )
}

const NUMBERS: &str = "SELECT n.nspname, c.relname, c.relpages, c.reltuples, c.relallvisible
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm', 'p', 'i', 'I') AND n.nspname IN ('app', 'odd \"schema') ORDER BY 1, 2";

const EXTENDED: &str = "SELECT * FROM pg_stats_ext ORDER BY statistics_schemaname, statistics_name, kinds";

const EXPRESSIONS: &str = "SELECT to_jsonb(x)::text FROM pg_stats_ext_exprs x ORDER BY 1";

/// The elements of stxdexpr as they are stored.
const STORED_EXPRESSIONS: &str = "SELECT o.stxname, to_jsonb(d) ->> 'stxdinherit', e.*
    FROM pg_statistic_ext_data d JOIN pg_statistic_ext o ON o.oid = d.stxoid, unnest(d.stxdexpr) WITH ORDINALITY AS e
    ORDER BY 1, 2, ordinality";

#[test]
fn loaded_statistics_are_the_sources_row_by_row() {
    for major in versions() {
        let source = source(major);
        let copy = copy(major, true);
        let gaps = load(&copy, &collected(&source.url()));
        assert!(gaps.is_empty(), "{major}: {gaps:?}");
        let mut queries =
            vec![statistic_rows(), NUMBERS.to_owned(), "SELECT * FROM pg_stats ORDER BY 1, 2, 3, 4".to_owned()];
        queries.push(EXTENDED.to_owned());
        if major >= 14 {
            queries.extend([EXPRESSIONS.to_owned(), STORED_EXPRESSIONS.to_owned()]);
        }
        for query in &queries {
            compare(major, query, &source, &copy);
        }
    }
}

/// What is counted about columns together, with their names in the place of numbers.
const COMBINATIONS: &str = "SELECT k.stxname, k.value,
        (SELECT string_agg(coalesce((SELECT a.attname FROM pg_attribute a
                                     WHERE a.attrelid = k.stxrelid AND a.attnum = m.number::int AND a.attnum > 0), m.number),
                           ', ' ORDER BY m.position)
         FROM regexp_split_to_table(k.key, ', | => ') WITH ORDINALITY AS m (number, position)) AS columns
    FROM (SELECT o.stxname, o.stxrelid, e.key, e.value
          FROM pg_statistic_ext o JOIN pg_statistic_ext_data d ON d.stxoid = o.oid,
               json_each_text(d.stxdndistinct::text::json) AS e
          UNION ALL
          SELECT o.stxname, o.stxrelid, e.key, e.value
          FROM pg_statistic_ext o JOIN pg_statistic_ext_data d ON d.stxoid = o.oid,
               json_each_text(d.stxddependencies::text::json) AS e) AS k
    ORDER BY 1, 2, 3";

#[test]
fn columns_are_found_by_name_where_their_numbers_differ() {
    let major = *versions().last().expect("a version");
    let source = source(major);
    let copy = copy(major, false);
    let gaps = load(&copy, &collected(&source.url()));
    assert!(gaps.is_empty(), "{gaps:?}");
    compare(major, &statistic_rows(), &source, &copy);
    compare(major, COMBINATIONS, &source, &copy);
    let lists = "SELECT statistics_name, most_common_vals, most_common_freqs FROM pg_stats_ext ORDER BY 1";
    compare(major, lists, &source, &copy);
}

/// Both databases answer the query alike; says which rows differ.
fn compare(major: u32, query: &str, source: &Database, copy: &Database) {
    let mut theirs = source.rows(query);
    let mut ours = copy.rows(query);
    assert!(!theirs.is_empty(), "{major}: nothing to compare: {query}");
    let n_rows = theirs.len();
    theirs.retain(|row| match ours.iter().position(|own| own == row) {
        Some(position) => {
            ours.remove(position);
            false
        }
        None => true,
    });
    assert!(
        theirs.is_empty() && ours.is_empty(),
        "{major}: {} of {n_rows} rows differ in\n{query}\nsource:\n{}\ncopy:\n{}",
        theirs.len(),
        shown(&theirs),
        shown(&ours)
    );
}

fn shown(rows: &[Vec<Option<String>>]) -> String {
    let line = |row: &Vec<Option<String>>| {
        row.iter()
            .map(|value| value.as_deref().unwrap_or("-").chars().take(200).collect())
            .collect::<Vec<String>>()
            .join(" | ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
