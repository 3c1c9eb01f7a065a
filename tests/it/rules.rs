//! Every rule against its fixture: what it reports, what it keeps quiet about, and that the finding is gone once the advice is applied.

use std::path::PathBuf;

use pgadvise::advice::Action;
use pgadvise::analysis::{Analysis, Request, analyze};
use pgadvise::rules::{Finding, RULES, Selection};

use crate::support::markdown::{Case, Fixture};
use crate::support::{self, Database};

#[test]
fn rules_report_what_their_fixtures_say() {
    let only = std::env::var("PGADVISE_TEST_RULE").ok();
    for rule in RULES {
        if only.as_ref().is_none_or(|only| only == rule.meta().id) {
            check_rule(rule.meta().id);
        }
    }
}

fn check_rule(id: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/rules/{id}.md"));
    let fixture = Fixture::read(&path);
    let mut actual = Vec::new();
    for (number, case) in fixture.cases().into_iter().enumerate() {
        let database = build(id, number, &case);
        let analysis = run(&database, id, &case);
        actual.push((case.clone(), "text findings", shown(&analysis.checked.findings)));
        if case.block("sql migration").is_some() {
            let ddl = ddl(&analysis);
            apply_and_look_again(&database, id, &case, &analysis, &ddl);
            actual.push((case, "sql migration", ddl.iter().map(|line| format!("{line};\n")).collect()));
        }
    }
    fixture.expect(&actual);
}

fn build(id: &str, number: usize, case: &Case) -> Database {
    let schema = case.block("sql schema").map_or("", |block| block.text.as_str());
    let database = support::database_on(
        support::server_with_hypopg(),
        &format!("rule_{id}_{number}"),
        "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg",
    );
    let session = database.connect();
    for statement in statements(schema) {
        session.execute(&statement);
    }
    for block in case.blocks("sql fails") {
        session.try_execute(&block.text).expect_err("a statement that has to fail");
    }
    session.execute(
        "SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)",
    );
    for block in case.blocks("sql run") {
        let n_runs: usize = block.option("repeat").map_or(1, |n| n.parse().expect("repeat=N"));
        for i in 1..=n_runs {
            for statement in statements(&block.text) {
                run_statement(&session, &statement, i);
            }
        }
    }
    session.execute("SELECT pg_stat_force_next_flush()");
    database
}

/// Statements of a script, each with the comments before it.
fn statements(script: &str) -> Vec<String> {
    script.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()).map(str::to_owned).collect()
}

fn run_statement(session: &support::Session, statement: &str, i: usize) {
    let (n_each, sql) = match statement.strip_prefix("-- each ").and_then(|rest| rest.split_once('\n')) {
        Some((n, sql)) => (n.trim().parse().expect("-- each N"), sql),
        None => (1, statement),
    };
    for j in 1..=n_each {
        session.execute(&sql.replace("{i}", &i.to_string()).replace("{j}", &j.to_string()));
    }
}

fn run(database: &Database, id: &str, case: &Case) -> Analysis {
    let mut request = Request::of(&database.url()).expect("a request");
    request.selection = Selection { only: vec![id.to_owned()], except: Vec::new() };
    for line in case.blocks("text options").flat_map(|block| block.text.lines()) {
        request.thresholds.set(line).expect("a threshold");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (number, block) in case.blocks("sql workload").enumerate() {
        let n_calls = block.option("calls").unwrap_or("1");
        let text: String = statements(&block.text).iter().map(|sql| format!("-- calls: {n_calls}\n{sql};\n")).collect();
        let path = folder.path().join(format!("{number}.sql"));
        std::fs::write(&path, text).expect("a workload file");
        request.workload_files.push(path);
    }
    request.without_statements = case.block("sql workload").is_some();
    analyze(&request, &|_| {}).unwrap_or_else(|error| panic!("{id}, {}: {error}", case.title))
}

/// Findings as fixtures have them. Numbers are blanked: row estimates come from samples, and times from clocks.
fn shown(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "none\n".to_owned();
    }
    let mut lines: Vec<String> = findings.iter().map(line).collect();
    lines.sort();
    lines.concat()
}

fn line(finding: &Finding) -> String {
    let severity = format!("{:?}", finding.severity).to_lowercase();
    let relation = finding.relation.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let index = finding.index.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    let columns = finding.columns.join(", ");
    format!("{severity} {} {relation} ({columns}){index}: {}\n", finding.rule, without_numbers(&finding.message))
}

fn without_numbers(text: &str) -> String {
    let numbers = regex::Regex::new(r"(^|[ (])-?\d[\d.]*").expect("a pattern");
    numbers.replace_all(text, "${1}#").into_owned()
}

fn ddl(analysis: &Analysis) -> Vec<String> {
    analysis.ddl()
}

fn apply_and_look_again(database: &Database, id: &str, case: &Case, before: &Analysis, ddl: &[String]) {
    assert!(!ddl.is_empty(), "{id}, {}: nothing is proposed for\n{}", case.title, shown(&before.checked.findings));
    let session = database.connect();
    for statement in ddl {
        session.execute(statement);
    }
    let after = run(database, id, case);
    let has_creates = after.advice.steps.iter().any(|step| step.action == Action::CreateIndex);
    assert!(
        after.checked.findings.is_empty() && !has_creates,
        "{id}, {}: after {ddl:?} there is still\n{}{:?}",
        case.title,
        shown(&after.checked.findings),
        after.ddl()
    );
}
