//! A town and its postcode: a misestimate that was counted, and CREATE STATISTICS that mends it, on every version.

use pgadvise::analysis::{Analysis, Request, analyze};
use pgadvise::rules::{Finding, Selection};

use crate::support::{self, Database};

const SCHEMA: &str = "
    CREATE EXTENSION pg_stat_statements;
    CREATE TABLE \"Address\" (id int PRIMARY KEY, town int NOT NULL, postcode int NOT NULL, \"Street\" int NOT NULL);
    INSERT INTO \"Address\" SELECT g, g % 50, g % 100, (g / 100) % 10 FROM generate_series(1, 200000) g;
    ANALYZE \"Address\";";

const BY_PLACE: &str = "SELECT id FROM \"Address\" WHERE town = 7 AND postcode = 7";
const BY_GROUP: &str = "SELECT town, postcode, count(*) FROM \"Address\" GROUP BY town, postcode";
const INDEPENDENT: &str = "SELECT id FROM \"Address\" WHERE town = 7 AND \"Street\" = 3";

#[test]
fn what_was_counted_is_expected_once_the_statistics_are_there() {
    for major in support::versions() {
        let database = support::database_on(support::server(major), "extended_statistics", SCHEMA);
        let session = database.connect();
        session.execute("SELECT pg_stat_statements_reset()");
        for _ in 0..3 {
            for statement in [BY_PLACE, BY_GROUP, INDEPENDENT] {
                session.execute(statement);
            }
        }
        assert!(estimated(&database, BY_PLACE) < 100.0, "{major}: the planner takes them for independent");
        assert!(estimated(&database, BY_GROUP) > 4000.0, "{major}");

        let found = findings(&run(&database));
        assert_eq!(found.len(), 1, "{major}: {found:?}");
        let by_place = &found[0];
        assert_eq!(
            (by_place.columns.len(), by_place.queryids.len()),
            (2, 2),
            "{major}: one object for both statements"
        );
        let fix = by_place.fix.as_deref().expect("what to run");
        assert_eq!(
            fix,
            "CREATE STATISTICS public.\"Address_town_postcode_stats\" (ndistinct, dependencies) ON town, postcode FROM \
             public.\"Address\"; ANALYZE public.\"Address\";"
        );

        database.execute(fix);
        let after = estimated(&database, BY_PLACE);
        assert!((1000.0..4000.0).contains(&after), "{major}: {after} rows are expected now");
        let groups = estimated(&database, BY_GROUP);
        assert!((50.0..200.0).contains(&groups), "{major}: {groups} groups are expected now");
        let independent = estimated(&database, INDEPENDENT);
        assert!((200.0..800.0).contains(&independent), "{major}: {independent} rows of independent columns");
        assert!(findings(&run(&database)).is_empty(), "{major}");
    }
}

fn run(database: &Database) -> Analysis {
    let mut request = Request::of(&database.url()).expect("a request");
    request.selection = Selection { only: vec!["rows_misestimated".to_owned()], except: Vec::new() };
    // Small tables only as far as pgadvise goes: nothing but the finding is looked at.
    request.exclude = vec!["Address".to_owned()];
    analyze(&request, &|_| {}).expect("an analysis")
}

fn findings(analysis: &Analysis) -> Vec<Finding> {
    analysis.checked.findings.clone()
}

/// The rows that the server expects of `statement`.
fn estimated(database: &Database, statement: &str) -> f64 {
    let plan = database.rows(&format!("EXPLAIN {statement}"));
    let first = plan[0][0].as_deref().expect("a plan");
    let rows = first.split("rows=").nth(1).and_then(|rest| rest.split(' ').next()).expect("rows");
    rows.parse().expect("a number")
}
