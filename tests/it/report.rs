//! Reports: the JSON against its schema, the text against a recorded one, both without values or escape sequences.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pgadvise::advice::{Action, Advice, Answer, Cause, Declined, RelationCosts, StatementAnswer, answer_statements};
use pgadvise::pg::{
    IndexColumn, IndexDefinition, IndexTarget, QueryId, RelationName, ServerVersion, StatisticsDefinition,
    StatisticsKind,
};
use pgadvise::report::{self, JsonReport, Report, SourceKind, Style, VerdictReport};
use pgadvise::rules::{Finding, Severity, Skipped};
use pgadvise::snapshot::Gap;
use pgadvise::verify::{
    IndexState, IndexVerdict, StatementVerdict, StatisticsState, StatisticsVerdict, Usage, Verdict,
};
use pgadvise::whatif::Backend;
use pgadvise::workload::Workload;
use serde_json::{Value, json};

use crate::support;
use crate::support::advice::{NOW, advice, create_step, drop_step, existing_index, statement, table, workload};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a report borrows.
struct Parts {
    workload: Workload,
    advice: Advice,
    answers: Vec<StatementAnswer>,
    findings: Vec<Finding>,
    skipped: Vec<Skipped>,
    gaps: Vec<Gap>,
    folder: PathBuf,
}

fn parts() -> Parts {
    let orders = RelationName::new("public", "orders");
    let mut definition = IndexDefinition::btree(["customer_id"]);
    definition.key_columns.push(IndexColumn {
        descending: true,
        nulls_first: true,
        opclass: Some("text_pattern_ops".into()),
        ..IndexTarget::Expression("lower(email)".into()).into()
    });
    let mut create = create_step(1, &orders, "orders_customer_id_email_idx", definition.clone());
    create.cautions.push("statistics are 40 days old".into());
    create.breaks_hot = true;
    let old = existing_index(2, "orders_customer_id_idx", IndexDefinition::btree(["customer_id"]), &[]);
    let drop = drop_step(1, &orders, "orders_customer_id_idx", IndexDefinition::btree(["customer_id"]));
    let mut advice = advice(vec![create, drop]);
    advice.declined = vec![Declined {
        relation: orders.clone(),
        index: definition,
        reason: "gains 0.3 %, less than 5 %".into(),
        statements: BTreeSet::from([0]),
    }];
    let costs = |relation: &RelationName, n_statements, cost_after, cost_floor| RelationCosts {
        relation: relation.clone(),
        n_statements,
        cost_before: 700_000.0,
        cost_after,
        cost_floor,
    };
    let towns = RelationName::new("public", "Towns");
    advice.relations = vec![costs(&orders, 2, 400_000.0, 390_000.0), costs(&towns, 1, 700_000.0, 650_000.0)];
    let mut finding = Finding {
        rule: "index_filter".into(),
        severity: Severity::Warning,
        confidence: 0.9,
        relation: Some(orders.clone()),
        columns: vec!["customer_id".into(), "email".into()],
        index: None,
        queryids: vec![QueryId(4611686018427387904)],
        message: "200 rows found by customer_id, 67 kept by email".into(),
        evidence: json!({"n_rows_found": 200, "n_rows_kept": 67}).as_object().cloned().unwrap_or_default(),
        fix: None,
        impact: 5_400.0,
    };
    let answered = finding.clone();
    finding.rule = "stale_stats".into();
    finding.severity = Severity::Error;
    finding.message = "planned on statistics of\u{1b}[31m 3 % of the rows".into();
    finding.fix = Some("ANALYZE public.orders".into());
    let text =
        "SELECT id FROM orders WHERE customer_id = $1 AND lower(email) = 'jane@example.org' ORDER BY 1 LIMIT 4711";
    let workload = workload(vec![table(1, &orders, vec![old])], vec![statement(text), statement(text)]);
    let mut answers = answer_statements(&workload, &advice, &[], true);
    answers[1] = StatementAnswer {
        answer: Answer::NotAnIndexProblem,
        cause: Some(Cause::ReturnsMuch),
        reason: "it reads 97,500 of 100,000 rows of public.orders".into(),
        indexes: vec!["orders_customer_id_idx".into()],
        findings: vec!["stale_stats".into()],
        ..answers[1].clone()
    };
    Parts {
        workload,
        advice,
        answers,
        findings: vec![finding, answered],
        skipped: vec![Skipped { rule: "unused_index".into(), reason: "statistics were reset 2 days ago".into() }],
        gaps: (0..7).map(|n| Gap::new("statement", format!("{n}"), "permission denied for table orders")).collect(),
        folder: PathBuf::from("migrations_out/20261120180000_pgadvise"),
    }
}

fn report(parts: &Parts) -> Report<'_> {
    Report {
        generated_at: NOW.parse().expect("a time"),
        source_kind: SourceKind::Live,
        what_if: Some(Backend::Hypopg),
        shadow: None,
        workload: &parts.workload,
        advice: &parts.advice,
        answers: &parts.answers,
        findings: &parts.findings,
        skipped: &parts.skipped,
        gaps: &parts.gaps,
        elapsed_ms: 1234.4,
        migrations: Some(&parts.folder),
        is_verbose: false,
    }
}

fn assert_clean(text: &str) {
    assert!(!text.contains(['\u{1b}', '\r', '\u{9b}']), "{text}");
    for value in ["jane", "4711"] {
        assert!(!text.contains(value), "{value} in\n{text}");
    }
}

#[test]
fn the_schema_in_the_docs_is_current() {
    let schema = schemars::schema_for!(JsonReport);
    let text = serde_json::to_string_pretty(&schema).expect("a schema") + "\n";
    support::expect::file(&root().join("docs/report.schema.json"), &text);
}

#[test]
fn the_json_report_follows_its_schema_and_holds_no_value() {
    let schema: Value = serde_json::to_value(schemars::schema_for!(JsonReport)).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a validator");
    let parts = parts();
    let text = report::json(&report(&parts)).expect("a report");
    assert_eq!(text, report::json(&report(&parts)).expect("a report"), "same input, same bytes");
    assert_clean(&text);
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let mut wrong = value.clone();
    wrong["advice"][0]["statements"][0]["queryid"] = json!(4611686018427387904_i64);
    assert!(!validator.is_valid(&wrong), "a queryid that is a number is refused");
    support::expect::file(&root().join("fixtures/recorded/report/report.json"), &text);
}

#[test]
fn every_field_of_the_json_report_is_explained() {
    let page = std::fs::read_to_string(root().join("docs/json.md")).expect("docs/json.md");
    let mut fields = Vec::new();
    for schema in [schemars::schema_for!(JsonReport), schemars::schema_for!(VerdictReport)] {
        collect_fields(&serde_json::to_value(schema).expect("a schema"), &mut fields);
    }
    assert!(fields.len() > 50);
    let missing: Vec<&String> = fields.iter().filter(|field| !page.contains(&format!("`{field}`"))).collect();
    assert!(missing.is_empty(), "docs/json.md does not explain {missing:?}");
}

fn collect_fields(schema: &Value, fields: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                fields.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| collect_fields(value, fields));
        }
        Value::Array(values) => values.iter().for_each(|value| collect_fields(value, fields)),
        _ => {}
    }
}

fn verdict() -> Verdict {
    let index = |name: &str, state| IndexVerdict {
        action: Action::CreateIndex,
        relation: RelationName::new("public", "orders"),
        name: name.to_owned(),
        state,
        differences: vec![],
        equivalents: vec![],
        note: None,
        n_scans: None,
        usage: Usage::NotApplicable,
        names_in_plans: vec![],
        statements: vec![],
    };
    let plan = |queryid, uses_index: Option<bool>| StatementVerdict {
        queryid: QueryId(queryid),
        uses_index,
        cost_before: 560.97,
        cost_promised: 80.82,
        cost_now: uses_index.map(|uses| if uses { 81.5 } else { 412.0 }),
        reason: uses_index.is_none().then(|| "permission denied for table orders".to_owned()),
    };
    let mut used = index("orders_customer_id_idx", IndexState::Ok);
    used.n_scans = Some(1234);
    used.usage = Usage::Used;
    used.statements = vec![plan(1, Some(true)), plan(2, Some(false)), plan(3, None)];
    let mut different = index("orders_created_at_idx", IndexState::Different);
    different.differences = vec!["key columns are (created_at), not (created_at DESC)".into()];
    let mut building = index("Orders \u{1b}[31m idx", IndexState::Building);
    building.note = Some("pid 4242, waiting for writers before build".into());
    let mut other = index("orders_email_idx", IndexState::OtherName);
    other.equivalents = vec!["ix_orders_email".into()];
    Verdict {
        database: "shop".into(),
        manifest_database: "shop_staging".into(),
        server_version: ServerVersion(150018),
        indexes: vec![used, other, different, building],
        statistics: statistics_verdicts(),
    }
}

fn statistics_verdicts() -> Vec<StatisticsVerdict> {
    let object = |name: &str, state| StatisticsVerdict {
        definition: StatisticsDefinition {
            name: name.to_owned(),
            relation: RelationName::new("public", "orders"),
            columns: vec!["town".into(), "postcode".into()],
            kinds: vec![StatisticsKind::Dependencies, StatisticsKind::Mcv],
        },
        state,
        differences: vec![],
        equivalents: vec![],
        note: None,
    };
    let mut other = object("orders_town_postcode_stats", StatisticsState::OtherName);
    other.equivalents = vec![RelationName::new("public", "Town stats")];
    let mut different = object("orders_stats \u{1b}[31m", StatisticsState::Different);
    different.differences = vec!["kinds are (dependencies), not (dependencies, mcv)".into()];
    let mut empty = object("orders_empty_stats", StatisticsState::NotAnalysed);
    empty.note = Some("it is empty: run ANALYZE public.orders".into());
    vec![object("orders_fine_stats", StatisticsState::Ok), other, different, empty]
}

#[test]
fn the_verdict_as_json_follows_its_schema() {
    let schema = schemars::schema_for!(VerdictReport);
    let text = serde_json::to_string_pretty(&schema).expect("a schema") + "\n";
    support::expect::file(&root().join("docs/verify.schema.json"), &text);
    let now = NOW.parse().expect("a time");
    let text = report::verdict_json(&verdict(), "migrations_out/x/manifest.json", now).expect("a report");
    assert_clean(&text);
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let validator = jsonschema::validator_for(&serde_json::to_value(schema).expect("a schema")).expect("a validator");
    assert!(validator.is_valid(&value));
    assert_eq!(value["exit_code"], json!(1));
    support::expect::file(&root().join("fixtures/recorded/report/verdict.json"), &text);
}

#[test]
fn the_verdict_as_text_says_what_is_wrong() {
    let text = report::verdict_text(&verdict(), "migrations_out/x/manifest.json", Style::plain(80));
    assert_clean(&text);
    support::expect::file(&root().join("fixtures/recorded/report/verdict.txt"), &text);
}

#[test]
fn the_text_report_fits_and_holds_no_value() {
    let parts = parts();
    let text = report::text(&report(&parts), Style::plain(80));
    assert_clean(&text);
    let long: Vec<&str> =
        text.lines().filter(|line| line.chars().count() > 80 && !line.contains("pgadvise verify")).collect();
    assert!(long.is_empty(), "{long:?}");
    support::expect::file(&root().join("fixtures/recorded/report/report.txt"), &text);
}

#[test]
fn a_finding_names_the_step_that_answers_it() {
    let parts = parts();
    let value: Value = serde_json::from_str(&report::json(&report(&parts)).expect("a report")).expect("JSON");
    assert_eq!(value["findings"][0]["advice"], json!([]));
    assert_eq!(value["findings"][1]["advice"], json!(["orders_customer_id_email_idx"]));
}

#[test]
fn nothing_to_do_is_said_and_nothing_looked_at_is_not_nothing_to_do() {
    let mut parts = parts();
    parts.advice = Advice::default();
    parts.findings.clear();
    let nothing = report::text(&report(&parts), Style::plain(80));
    assert!(nothing.contains("No index is worth creating or dropping"), "{nothing}");
    let blind = report::text(&Report { what_if: None, ..report(&parts) }, Style::plain(80));
    assert!(blind.contains("nothing could price an index"), "{blind}");
}
