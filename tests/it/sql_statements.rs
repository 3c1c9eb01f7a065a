//! How much of what applications send is understood: `fixtures/statements/*.sql` runs on servers, and what
//! pg_stat_statements then holds must end in a shape, whatever the version.

use std::collections::BTreeSet;
use std::path::Path;

use pgadvise::pg::IndexTarget;
use pgadvise::snapshot::Catalog;
use pgadvise::sql::{Scan, TextClass, check_one_plannable, classify, for_server, normalise, parameters, shape, split};
use tokio_postgres::error::SqlState;

use super::support::{Database, Session, database_on, server, snapshot, versions};

/// The statements of a file by the style it is named for.
fn statements(style: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/statements/{style}.sql"));
    let text = std::fs::read_to_string(path).expect("statements");
    split(&text).expect("statements").into_iter().map(|statement| statement.text).collect()
}

const STYLES: [&str; 5] = ["django", "rails", "prisma", "hibernate", "by_hand"];

/// The oldest version that has every statement (MERGE), and the one that shortens IN lists.
const FORMS: [u32; 2] = [15, 18];

/// What pg_stat_statements holds of this database, transaction commands left aside.
fn stored(database: &Database) -> Vec<String> {
    let rows = database.rows(
        "SELECT DISTINCT query FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
          WHERE d.datname = current_database() AND toplevel AND query !~ '^(BEGIN|ROLLBACK|SET|SELECT pg_stat_statements_reset)' ORDER BY 1",
    );
    rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect()
}

#[test]
fn every_statement_that_applications_send_ends_in_a_shape() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/statements/schema.sql");
    let schema = std::fs::read_to_string(schema).expect("the schema");
    let sent: Vec<String> = STYLES.iter().flat_map(|style| statements(style)).collect();
    assert!(sent.len() >= 400, "only {} statements", sent.len());
    for major in versions().into_iter().filter(|major| FORMS.contains(major)) {
        let database = database_on(server(major), "statements", &schema);
        let snapshot = snapshot(&database);
        let catalog = Catalog::new(&snapshot);
        database.execute("CREATE EXTENSION pg_stat_statements");
        database
            .execute("SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE datname = current_database()");
        let session = database.connect();
        // The tables are empty: what matters is that the statements run, not what they refer to.
        session.execute("SET session_replication_role = replica");
        let mut refused = Vec::new();
        for statement in &sent {
            session.execute("BEGIN");
            if let Err(error) = session.try_execute(statement) {
                refused.push(format!("{}: {statement}", error.as_db_error().map_or("", |error| error.message())));
            }
            session.execute("ROLLBACK");
        }
        assert_eq!(refused, Vec::<String>::new(), "statements that {major} refuses");
        let texts = stored(&database);
        assert!(texts.len() >= 390, "{major}: {} texts are left of {} statements", texts.len(), sent.len());
        let mut failures = Vec::new();
        for text in &texts {
            let text = text.trim_end_matches(';');
            if !matches!(classify(text), TextClass::Plannable(_)) || check_one_plannable(text).is_err() {
                failures.push(format!("not plannable: {text}"));
            }
            match shape(text, &catalog) {
                Ok(_) if !normalise(text).is_parsed => failures.push(format!("not normalised: {text}")),
                Ok(_) if parameters(text, &catalog).is_err() => failures.push(format!("no parameters: {text}")),
                Ok(_) => {}
                Err(error) => failures.push(format!("{error}: {text}")),
            }
        }
        let n_prepared = texts.iter().filter(|text| prepares(&session, text)).count();
        // The others want to be told the types of some parameters, which is planning's business; none is a syntax error.
        assert!(n_prepared * 100 >= texts.len() * 95, "{major}: {n_prepared} of {} are prepared", texts.len());
        assert_eq!(failures, Vec::<String>::new(), "on {major}");
    }
}

/// Whether the server takes the repaired text without more being known of its parameters.
fn prepares(session: &Session, text: &str) -> bool {
    let prepared = session.try_execute(&format!("PREPARE tried AS {}", for_server(text)));
    match &prepared {
        Ok(()) => session.execute("DEALLOCATE tried"),
        Err(error) => assert_ne!(error.code(), Some(&SqlState::SYNTAX_ERROR), "{text}"),
    }
    prepared.is_ok()
}

/// The targets of a scan that an index could be built on.
fn targets(scan: &Scan) -> impl Iterator<Item = &IndexTarget> {
    let arms = scan.or_groups.iter().flatten().flatten().map(|qual| &qual.target);
    let rows = scan.row_comparisons.iter().flat_map(|row| &row.targets);
    let keys = scan.order.iter().map(|key| &key.target).chain(&scan.group).chain(&scan.extremes);
    scan.quals.iter().map(|qual| &qual.target).chain(arms).chain(rows).chain(keys)
}

#[test]
fn every_expression_of_a_shape_can_be_indexed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/statements");
    let schema = std::fs::read_to_string(folder.join("schema.sql")).expect("the schema");
    let database = database_on(server(FORMS[0]), "indexable", &schema);
    let session = database.connect();
    let snapshot = snapshot(&database);
    let catalog = Catalog::new(&snapshot);
    let mut tried = BTreeSet::new();
    for statement in STYLES.iter().flat_map(|style| statements(style)) {
        let shape = shape(&statement, &catalog).unwrap_or_else(|error| panic!("{error}: {statement}"));
        for scan in &shape.scans {
            let relation = &catalog.relation(scan.relation).expect("a relation of the snapshot").name;
            let expressions = targets(scan).filter(|target| target.column().is_none());
            tried.extend(expressions.map(|target| format!("CREATE INDEX ON {relation} ({target})")));
        }
    }
    assert!(tried.len() >= 20, "{tried:?}");
    // No default operator class is no fault of the expression: an index of another access method may have one.
    let is_refused = |error: &tokio_postgres::Error| error.code() != Some(&SqlState::UNDEFINED_OBJECT);
    let refused: Vec<String> = tried
        .into_iter()
        .filter_map(|sql| session.try_execute(&sql).err().filter(is_refused).map(|error| format!("{error:?}: {sql}")))
        .collect();
    assert_eq!(refused, Vec::<String>::new());
}
