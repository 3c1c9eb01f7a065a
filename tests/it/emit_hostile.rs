//! Emitted files with hostile names and texts, run by psql: the server receives the intended statements and no other.

use std::path::{Path, PathBuf};

use pgadvise::advice::{Action, StatisticsStep, Step};
use pgadvise::emit::{EmittedFile, statements, statistics_statements};
use pgadvise::pg::{IndexColumn, IndexDefinition, IndexTarget, RelationName, StatisticsDefinition, StatisticsKind};
use pgadvise::server::ClusterOptions;
use pgadvise::snapshot::Catalog;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use crate::support;
use crate::support::advice::{
    bundle, bundle_with_statistics, create_step, drop_step, existing_index, psql, statement, statistics_step, table,
    workload,
};

/// How many hostile steps are written and run, each of seven hostile texts. Others are refused, which is as good.
const N_STEPS: usize = 1_500;

/// How many hostile statistics objects, each of six hostile texts, are written and run beside.
const N_OBJECTS: usize = 500;

/// A step's migration, its rollback, and verify.sql.
const FILES_PER_STEP: usize = 3;

/// How many files psql reads in one run: few enough for the command line.
const FILES_PER_RUN: usize = 1_000;

/// Starts every message in the server's log, and occurs in no hostile text.
const LOG_PREFIX: &str = "@pgadvise-test@ ";

/// What escapes are made of. `TOUCH` becomes the path of a file that must never appear.
const FRAGMENTS: [&str; 44] = [
    "'",
    "''",
    "\"",
    "\"\"",
    "\\",
    "\\\\",
    ";",
    "--",
    "-- ",
    "/*",
    "*/",
    "$$",
    "$pgadvise$",
    "$pgadvise1$",
    "$1",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\\! touch TOUCH",
    "\n\\! touch TOUCH\n",
    "\\q",
    "\\gexec",
    "\\g",
    "\\;",
    ":HOST",
    ":'USER'",
    ":\"DBNAME\"",
    "${x}",
    "?",
    "DROP TABLE victim;",
    "E'",
    "U&\"",
    "(",
    ")",
    "[",
    "]",
    "::text",
    "\u{2028}",
    "\u{202e}",
    "ä",
    "日",
    "a",
    " ",
];

fn hostile_text() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        4 => prop::sample::select(FRAGMENTS.to_vec()).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[a-z_]{1,4}",
    ];
    prop::collection::vec(fragment, 1..8).prop_map(|fragments| fragments.concat())
}

/// Expressions of which some are accepted: those that are not would never reach a file.
fn hostile_expression() -> impl Strategy<Value = String> {
    let wrapped = hostile_text().prop_map(|text| format!("a = '{}'", text.replace('\'', "''")));
    let named = hostile_text().prop_map(|text| format!("\"{}\" > 0", text.replace('"', "\"\"")));
    prop_oneof![8 => wrapped, 8 => named, 1 => hostile_text()]
}

fn hostile_step() -> impl Strategy<Value = Step> {
    let names = (hostile_text(), hostile_text(), hostile_text(), hostile_text());
    let texts =
        (hostile_expression(), prop::option::of(hostile_expression()), prop::option::weighted(0.05, hostile_text()));
    let comments = (hostile_text(), hostile_text(), any::<bool>());
    (names, texts, comments).prop_map(|(names, texts, comments)| {
        let relation = RelationName::new(names.0, names.1);
        let mut definition = IndexDefinition::btree([names.3.as_str()]);
        definition.included_columns.push(names.3.clone());
        definition.key_columns.push(IndexColumn::ascending(IndexTarget::Expression(texts.0)));
        definition.predicate = texts.1;
        definition.key_columns[0].opclass = texts.2;
        let make = if comments.2 { create_step } else { drop_step };
        let mut step = make(1, &relation, &names.2, definition);
        step.taken_over_by = (step.action == Action::DropIndex).then_some(names.3);
        step.cautions = vec![comments.0];
        step.answers = vec![comments.1];
        step
    })
}

fn hostile_statistics() -> impl Strategy<Value = StatisticsStep> {
    let names = (hostile_text(), hostile_text(), hostile_text(), hostile_text(), hostile_text());
    (names, hostile_text()).prop_map(|(names, evidence)| {
        let definition = StatisticsDefinition {
            relation: RelationName::new(names.0, names.1),
            name: names.2,
            columns: vec![names.3, names.4],
            kinds: vec![StatisticsKind::Dependencies, StatisticsKind::Mcv],
        };
        StatisticsStep { evidence, ..statistics_step(definition) }
    })
}

/// A step's files and the statements that psql is to send for each.
struct Expected {
    file: EmittedFile,
    sent: Vec<String>,
}

fn expectations(step: &Step) -> Vec<Expected> {
    let index = existing_index(2, &step.id, step.index.clone(), &["fillfactor=70"]);
    let relation = table(1, &step.relation, vec![index]);
    let workload = workload(vec![relation], vec![statement("SELECT 1")]);
    let bundle = bundle(std::slice::from_ref(step), &workload);
    let Ok(statements) = statements(step, &Catalog::new(&workload.snapshot)) else {
        assert!(bundle.files.is_empty() && bundle.gaps.len() == 1);
        return vec![];
    };
    let mut expected = Vec::new();
    let [migration, rollback, verify, _manifest] = <[EmittedFile; 4]>::try_from(bundle.files).expect("four files");
    for (file, does) in [(migration, &statements.ddl), (rollback, &statements.rollback)] {
        let mut sent = client_encoding(&file);
        sent.extend(["SET statement_timeout = 0".to_owned(), "SET lock_timeout = 0".to_owned()]);
        if does[0].text().starts_with("CREATE") {
            sent.push("SELECT ".to_owned());
        } else if step.action == Action::DropIndex {
            sent.push("DO $pgadvise".to_owned());
        }
        sent.push(does[0].lines());
        expected.push(Expected { file, sent });
    }
    let mut sent = client_encoding(&verify);
    sent.push("DO $pgadvise".to_owned());
    expected.push(Expected { file: verify, sent });
    expected
}

fn expectations_of_statistics(step: &StatisticsStep) -> Vec<Expected> {
    let workload = workload(vec![table(1, &step.definition.relation, vec![])], vec![]);
    let bundle = bundle_with_statistics(std::slice::from_ref(step), &[], &workload);
    let Ok(statements) = statistics_statements(step) else {
        assert!(bundle.files.is_empty() && bundle.gaps.len() == 1);
        return vec![];
    };
    let mut expected = Vec::new();
    let [migration, rollback, verify, _manifest] = <[EmittedFile; 4]>::try_from(bundle.files).expect("four files");
    for (file, does) in [(migration, &statements.ddl), (rollback, &statements.rollback)] {
        let mut sent = client_encoding(&file);
        sent.extend(["SET statement_timeout = 0", "SET lock_timeout = 0", "BEGIN"].map(str::to_owned));
        sent.extend(does.iter().map(|statement| statement.lines()));
        sent.push("COMMIT".to_owned());
        expected.push(Expected { file, sent });
    }
    let mut sent = client_encoding(&verify);
    sent.push("DO $pgadvise".to_owned());
    expected.push(Expected { file: verify, sent });
    expected
}

/// What psql sends for `\\encoding UTF8`.
fn client_encoding(file: &EmittedFile) -> Vec<String> {
    let is_set = file.content.starts_with("\\encoding UTF8\n");
    assert!(is_set || file.content.is_ascii());
    if is_set { vec!["set client_encoding to 'UTF8'".to_owned()] } else { vec![] }
}

#[test]
fn nothing_but_the_intended_statements_reaches_the_server() {
    let options = ClusterOptions::default().with_setting("log_statement", "all");
    let server = support::private_server(15, &options.with_setting("log_line_prefix", LOG_PREFIX));
    let folder = tempfile::tempdir().expect("a folder");
    let touched = folder.path().join("touched");
    support::connect(&server.url("postgres")).execute("CREATE TABLE victim (a int)");

    let expected = expected_of_hostile_steps(&touched);
    let mut paths: Vec<PathBuf> = Vec::new();
    for (number, expected) in expected.iter().enumerate() {
        let path = folder.path().join(format!("{number}.sql"));
        // The statements fail, for there is no such relation; what might follow them is to be seen all the same.
        let content = expected.file.content.replacen("\\set ON_ERROR_STOP on\n", "", 1);
        std::fs::write(&path, content).expect("a file");
        paths.push(path);
    }
    let log_start = std::fs::metadata(server.log_file()).expect("the log").len();
    for chunk in paths.chunks(FILES_PER_RUN) {
        let chunk: Vec<&Path> = chunk.iter().map(PathBuf::as_path).collect();
        psql(&server.url("postgres"), &chunk);
    }
    assert!(!touched.exists(), "a shell command was run");
    assert_same(&logged_statements(&server.log_file(), log_start), &expected);
    let victims = support::connect(&server.url("postgres")).value("SELECT count(*)::text FROM victim");
    assert_eq!(victims, "0", "the table is still there");
}

fn expected_of_hostile_steps(touched: &Path) -> Vec<Expected> {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let strategy = hostile_step();
    let mut expected = Vec::new();
    while expected.len() < N_STEPS * FILES_PER_STEP {
        let mut step = strategy.new_tree(&mut runner).expect("a step").current();
        step.id = step.id.replace("TOUCH", &touched.display().to_string());
        step.cautions[0] = step.cautions[0].replace("TOUCH", &touched.display().to_string());
        expected.extend(expectations(&step));
    }
    let strategy = hostile_statistics();
    while expected.len() < (N_STEPS + N_OBJECTS) * FILES_PER_STEP {
        let mut step = strategy.new_tree(&mut runner).expect("a step").current();
        step.definition.name = step.definition.name.replace("TOUCH", &touched.display().to_string());
        step.evidence = step.evidence.replace("TOUCH", &touched.display().to_string());
        expected.extend(expectations_of_statistics(&step));
    }
    expected
}

/// The texts of the statements in the server's log, line breaks as they were sent. A statement that does not parse is
/// logged with its error only, any other before it is run.
fn logged_statements(log: &Path, start: u64) -> Vec<String> {
    let bytes = std::fs::read(log).expect("the log");
    let text = String::from_utf8_lossy(&bytes[usize::try_from(start).expect("an offset")..]).into_owned();
    let clean = |statement: &str| statement.trim_end_matches('\n').replace("\n\t", "\n");
    let mut statements: Vec<String> = Vec::new();
    for entry in text.split(LOG_PREFIX) {
        if let Some(statement) = entry.strip_prefix("LOG:  statement: ") {
            statements.push(clean(statement));
        } else if let Some(statement) = entry.strip_prefix("STATEMENT:  ").map(clean)
            && statements.last() != Some(&statement)
        {
            statements.push(statement);
        }
    }
    statements
}

/// Compares what was sent with what was meant, statement by statement. Comments above a statement are sent with it.
fn assert_same(logged: &[String], expected: &[Expected]) {
    let mut logged = logged.iter();
    for expected in expected {
        for meant in &expected.sent {
            let sent = logged.next().unwrap_or_else(|| panic!("{} was not sent\n{}", meant, expected.file.content));
            let sent = without_header(sent);
            let is_whole = meant == "SELECT " || meant.starts_with("DO $");
            let is_meant =
                if is_whole { sent.starts_with(meant.as_str()) } else { sent.trim_end_matches(';') == meant };
            assert!(is_meant, "sent:  {sent:?}\nmeant: {meant:?}\n{}", expected.file.content);
        }
    }
    assert_eq!(logged.next(), None, "a statement more was sent");
}

fn without_header(statement: &str) -> &str {
    let mut rest = statement;
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    }
    rest
}
