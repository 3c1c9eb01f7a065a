//! Every statement has one answer, and the one that a DBA gives: statements judged by hand, on real servers.

use std::path::{Path, PathBuf};

use pgadvise::advice::{Answer, StatementAnswer};
use pgadvise::analysis::{Analysis, Request, analyze};
use pgadvise::workload::Origin;
use serde::Serialize;

use crate::support::{self, Database};

#[test]
fn the_statements_of_every_kind() {
    check("answers", "schema.sql", "statements.sql");
}

#[test]
fn prisma_saas() {
    check("workloads/prisma_saas", "schema.sql", "workload.sql");
}

#[test]
fn rails_tracker() {
    check("workloads/rails_tracker", "schema.sql", "workload.sql");
}

#[test]
fn django_store() {
    check("workloads/django_store", "schema.sql", "workload.sql");
}

#[test]
fn sensors() {
    check("workloads/sensors", "schema.sql", "workload.sql");
}

/// Builds the schema, analyses the statements, and holds each answer against the one in the file.
fn check(name: &str, schema: &str, statements: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let database = build(name, &folder.join(schema));
    let file = folder.join(statements);
    let analysis = run(&database, &file);
    let judged = judged(&file);
    assert_eq!(analysis.answers.len(), analysis.workload.statements.len(), "one answer for each statement");
    assert_eq!(judged.len(), analysis.answers.len(), "every statement of {name} is judged");
    let mut wrong = Vec::new();
    for (position, answer) in analysis.answers.iter().enumerate() {
        assert_eq!(answer.statement, position);
        let line = line(&analysis, position);
        let expected = judged.iter().rev().find(|judged| judged.line <= line).expect("a judgement above the statement");
        let shown = shown(answer);
        if shown != expected.answer {
            wrong.push(format!("line {line}: {shown}, not {}: {}", expected.answer, answer.reason));
        }
        hold_together(&analysis, answer);
    }
    assert!(wrong.is_empty(), "{name}\n{}", wrong.join("\n"));
}

/// What an answer says of itself fits together.
fn hold_together(analysis: &Analysis, answer: &StatementAnswer) {
    let steps: Vec<&String> = analysis.advice.steps.iter().map(|step| &step.id).collect();
    assert!(answer.advice.iter().all(|id| steps.contains(&id)), "{answer:?}");
    assert_eq!(answer.answer == Answer::Served, !answer.advice.is_empty(), "{answer:?}");
    assert_eq!(answer.cause.map(|cause| cause.answer()).unwrap_or(answer.answer), answer.answer, "{answer:?}");
    assert!(!answer.reason.is_empty() && !answer.reason.contains("4711"), "{answer:?}");
}

/// A judgement and the line that it stands on.
struct Judged {
    line: usize,
    answer: String,
}

fn judged(file: &Path) -> Vec<Judged> {
    let text = std::fs::read_to_string(file).expect("statements");
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(number, line)| {
            Some(Judged { line: number + 1, answer: line.strip_prefix("-- answer: ")?.trim().to_owned() })
        })
        .collect()
}

fn line(analysis: &Analysis, position: usize) -> usize {
    match &analysis.workload.statements[position].origin {
        Origin::File { line, .. } => *line,
        Origin::PgStatStatements => panic!("a statement from the server"),
    }
}

fn shown(answer: &StatementAnswer) -> String {
    match &answer.cause {
        Some(cause) => format!("{} {}", code(&answer.answer), code(cause)),
        None => code(&answer.answer),
    }
}

/// What the JSON report calls it.
fn code(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).expect("JSON");
    value.as_str().expect("a code").to_owned()
}

fn build(name: &str, schema: &Path) -> Database {
    let name = format!("answers_{}", name.replace('/', "_"));
    let database = support::database_on(support::server_with_hypopg(), &name, "");
    let session = database.connect();
    let text = std::fs::read_to_string(schema).expect("a schema");
    for statement in text.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
        session.execute(statement);
    }
    database
}

fn run(database: &Database, file: &Path) -> Analysis {
    let mut request = Request::of(&database.url()).expect("a request");
    request.workload_files = vec![file.to_owned()];
    request.without_statements = true;
    analyze(&request, &|_| {}).expect("an analysis")
}
