//! Statistics that are loaded into a private server are those of the source, row by row, on every version.

use pgadvise::db::{Target, WritableSession};
use pgadvise::server::Search;
use pgadvise::snapshot::{Gap, Snapshot};
use pgadvise::whatif::shadow::{Shadow, statistics};

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

#[test]
fn a_value_that_is_unknown_here_costs_its_own_slot_only() {
    for major in versions() {
        let source = source(major);
        let copy = copy(major, true);
        let mut snapshot = collected(&source.url());
        let everything = snapshot.relations.iter_mut().find(|relation| relation.name.name == "everything").expect("it");
        let mood = everything.columns.iter_mut().find(|column| column.name == "mood").expect("it");
        let statistics = mood.statistics.as_mut().expect("statistics");
        statistics.most_common_values[0] = "unheard of".to_owned();
        let gaps = load(&copy, &snapshot);
        let [gap] = gaps.as_slice() else { panic!("{major}: {gaps:?}") };
        assert_eq!((gap.what.as_str(), gap.id.as_str()), ("column_statistics", "app.everything.mood"));
        assert!(!gap.reason.contains("unheard"), "{gap:?}");
        let ours = "SELECT null_frac, avg_width, n_distinct, correlation FROM pg_stats
                    WHERE (schemaname, tablename, attname) = ('app', 'everything', 'mood')";
        compare(major, ours, &source, &copy);
        let lost = "SELECT count(*) FROM pg_stats WHERE attname = 'mood' AND most_common_vals IS NOT NULL";
        assert_eq!(copy.value(lost), "0", "{major}");
        let others = "SELECT count(*) FROM pg_stats WHERE schemaname = 'app' AND histogram_bounds IS NOT NULL";
        assert_eq!(copy.value(others), source.value(others), "{major}");
    }
}

#[test]
fn a_forged_expression_is_one_command_at_most() {
    let major = *versions().last().expect("a version");
    let source = source(major);
    let copy = copy(major, true);
    let mut snapshot = collected(&source.url());
    for statistics in snapshot.relations.iter_mut().flat_map(|relation| &mut relation.extended_statistics) {
        for expression in &mut statistics.expressions {
            *expression = "1) AS e0; DROP TABLE app.child; SELECT (1".to_owned();
        }
    }
    let gaps = load(&copy, &snapshot);
    assert!(
        gaps.iter().any(|gap| gap.what == "extended_statistics" && gap.id.contains("app.everything_one")),
        "{gaps:?}"
    );
    assert_eq!(copy.value("SELECT to_regclass('app.child') IS NOT NULL"), "t");
}

const STATEMENTS: &str = include_str!("../../fixtures/shadow/statistics_statements.sql");
const STATEMENTS_14: &str = include_str!("../../fixtures/shadow/statistics_statements_14.sql");

/// The whole of a shadow, by what statements cost in it: the schema is made by pgadvise as well.
#[test]
fn statements_are_planned_as_on_the_source() {
    for major in versions() {
        let source = source(major);
        let binaries = Search::from_environment(None).and_then(|search| search.find(Some(major))).expect("binaries");
        let shadow =
            Shadow::start(&collected(&source.url()), &binaries, &|_| {}).unwrap_or_else(|error| panic!("{error}"));
        let mut ours = WritableSession::connect(&shadow.target().expect("a target")).expect("a session");
        let mut theirs =
            WritableSession::connect(&Target::resolve(Some(&source.url())).expect("a target")).expect("a session");
        let statements: String = if major >= 14 { [STATEMENTS, STATEMENTS_14].concat() } else { STATEMENTS.to_owned() };
        let mut differing = Vec::new();
        let (mut n_equal, mut n_all) = (0, 0);
        for statement in statements.lines() {
            let explain = format!("EXPLAIN {statement}");
            let [theirs, ours] = [&mut theirs, &mut ours].map(|session| session.explain(&explain).expect("a plan"));
            n_all += 1;
            if theirs == ours {
                n_equal += 1;
            } else {
                differing.push(format!("{statement}\nsource:\n{theirs}\nshadow:\n{ours}"));
            }
        }
        assert!(
            n_equal * 100 >= n_all * EQUAL_PERCENT_MIN,
            "{major}: {n_equal} of {n_all}\n{}",
            differing.join("\n\n")
        );
    }
}

/// Plans whose text is the same to the last digit. The one that is not, of 31 on 15, reads a GIN index, whose metapage is
/// modelled; its cost differs by 0.8 %.
const EQUAL_PERCENT_MIN: usize = 95;
