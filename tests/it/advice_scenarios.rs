//! Is it the advice that a DBA would sign? Each case of `fixtures/advice` has a schema on a real server, some
//! statements, and the indexes that may and may not be proposed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pgadvise::advice::{Action, Advice, AdviseOptions, Step};
use pgadvise::pg::AccessMethod;
use pgadvise::pg::quote_identifier;
use pgadvise::whatif::{Backend, Choice, Prepared};
use serde::Deserialize;

use crate::support::{
    self, Database,
    advised::{advised, advised_by, backend},
};

const PUBLISHED: &str = "cases.json";
const OWN: &str = "own.json";
/// Cases of every kind of index, which only the shadow prices all.
const KINDS: &str = "kinds.json";
/// Cases in a hundred in which the estimate may propose something else than the planner's costs do.
const ESTIMATE_MISSED_MAX: usize = 4;

#[derive(Deserialize)]
struct Fixture {
    setups: BTreeMap<String, Vec<String>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    stance: Stance,
    setup: String,
    statements: Vec<Weighed>,
    #[serde(rename = "match")]
    matching: Matching,
    answers: Vec<Vec<String>>,
    #[serde(default)]
    forbidden: Vec<String>,
    /// Names of the indexes to drop, sorted; not looked at when absent.
    drops: Option<Vec<String>>,
    #[serde(default)]
    cautions: Vec<String>,
    /// Texts that a reason for declining must hold.
    #[serde(default)]
    declined: Vec<String>,
    #[serde(default)]
    cautions_if_any: Vec<String>,
    key_columns_max: Option<usize>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    assume_rows: bool,
}

#[derive(Deserialize)]
struct Weighed {
    sql: String,
    calls: Option<f64>,
}

/// What a mismatch means.
#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Stance {
    /// The answer is right.
    Adopt,
    /// The answer is a floor.
    Improve,
    /// The answer of another tool is wrong: it is among the forbidden.
    Reject,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Matching {
    Exact,
    SameColumnSet,
    Contains,
    ContainsAny,
    ContainsLeading,
    Property,
}

#[test]
fn published_cases() {
    Outcome::of(Choice::Only(Backend::Shadow), "published", PUBLISHED).assert_right();
}

#[test]
fn own_cases() {
    Outcome::of(Choice::Only(Backend::Shadow), "own", OWN).assert_right();
}

#[test]
fn cases_of_every_kind() {
    Outcome::of(Choice::Only(Backend::Shadow), "kinds", KINDS).assert_right();
}

#[test]
fn cases_by_hypopg() {
    for (name, fixture) in [("published_hypopg", PUBLISHED), ("own_hypopg", OWN)] {
        Outcome::of(Choice::Only(Backend::Hypopg), name, fixture).assert_right();
    }
}

/// The estimate proposes what the planner would have, but for a few cases; and nothing that is forbidden.
#[test]
fn cases_by_the_estimate() {
    for (name, fixture) in [("published_estimated", PUBLISHED), ("own_estimated", OWN)] {
        let outcome = Outcome::of(Choice::Only(Backend::Estimate), name, fixture);
        let n_missed = outcome.wrong.len() + outcome.below.len();
        let is_forbidden = |verdict: &&String| verdict.contains("forbidden");
        assert_eq!(outcome.wrong.iter().filter(is_forbidden).count(), 0, "{}", outcome.text());
        assert!(n_missed <= outcome.n_cases * ESTIMATE_MISSED_MAX / 100, "{}", outcome.text());
    }
}

/// What an expression is refused for reaches the reasons for declining, and nothing is proposed: here a function that an
/// index of another relation calls, so that it must be immutable, and that somebody has made volatile since.
#[test]
fn what_the_shadow_cannot_build_is_declined_with_the_servers_reason() {
    let database = support::database(
        "advice_refused",
        "CREATE FUNCTION slug(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN lower($1); END $$;
         CREATE TABLE posts (id bigserial PRIMARY KEY, title text, body text);
         INSERT INTO posts (title, body) SELECT md5(n::text), md5((n * 7)::text) FROM generate_series(1, 30000) n;
         CREATE INDEX posts_slug ON posts (slug(title));
         ALTER FUNCTION slug(text) VOLATILE;
         ANALYZE posts;",
    );
    let statements = [(1.0, "SELECT id FROM posts WHERE slug(body) = 'abc'")];
    let advice = advised(Choice::Only(Backend::Shadow), &database, &statements, &AdviseOptions::default());
    assert!(creates(&advice).is_empty(), "{}", describe(&advice));
    let reason = "functions in index expression must be marked IMMUTABLE";
    assert!(advice.declined.iter().any(|no| no.reason.contains(reason)), "{}", describe(&advice));
}

/// What came of the cases of a fixture.
struct Outcome {
    n_cases: usize,
    wrong: Vec<String>,
    below: Vec<String>,
}

impl Outcome {
    fn of(choice: Choice, name: &str, fixture: &str) -> Self {
        run(choice, name, fixture)
    }

    fn text(&self) -> String {
        format!(
            "{} of {} wrong, {} below the floor\n{}\n--- below the floor\n{}",
            self.wrong.len(),
            self.n_cases,
            self.below.len(),
            self.wrong.join("\n"),
            self.below.join("\n")
        )
    }

    fn assert_right(&self) {
        assert!(self.wrong.is_empty() && self.below.is_empty(), "{}", self.text());
    }
}

fn run(choice: Choice, name: &str, file: &str) -> Outcome {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/advice").join(file);
    let text = std::fs::read_to_string(path).expect("a fixture");
    let fixture: Fixture = serde_json::from_str(&text).expect("a fixture");
    let wanted = std::env::var("PGADVISE_TEST_CASE").unwrap_or_default();
    let mut databases: BTreeMap<&str, (Database, Prepared)> = BTreeMap::new();
    let (mut wrong, mut below) = (Vec::new(), Vec::new());
    for case in fixture.cases.iter().filter(|case| case.id.contains(&wanted)) {
        let setup = case.setup.as_str();
        let (database, backend) = databases.entry(setup).or_insert_with(|| {
            let database = build(name, &fixture.setups[setup]);
            let backend = backend(choice, &database);
            (database, backend)
        });
        let statements: Vec<(f64, &str)> =
            case.statements.iter().map(|statement| (statement.calls.unwrap_or(1.0), statement.sql.as_str())).collect();
        let options =
            AdviseOptions { assume_rows: case.assume_rows, exclude: case.exclude.clone(), ..AdviseOptions::default() };
        let advice = advised_by(backend, database, &statements, &options);
        let faults = judge(case, &advice);
        if !faults.is_empty() {
            let verdict = format!("{}: {}\n{}", case.id, faults.join("; "), describe(&advice));
            if case.stance == Stance::Improve && !faults.iter().any(|fault| fault.starts_with("forbidden")) {
                below.push(verdict);
            } else {
                wrong.push(verdict);
            }
        }
    }
    Outcome { n_cases: fixture.cases.len(), wrong, below }
}

fn build(name: &str, setup: &[String]) -> Database {
    let database =
        support::database_on(support::server_with_hypopg(), &format!("advice_{name}"), "CREATE EXTENSION hypopg");
    // VACUUM cannot run in a batch.
    let (batch, single): (Vec<&String>, Vec<&String>) = setup.iter().partition(|sql| !sql.starts_with("VACUUM"));
    database.execute(&batch.into_iter().map(String::as_str).collect::<Vec<_>>().join("\n"));
    for sql in single {
        database.execute(sql);
    }
    database
}

fn creates(advice: &Advice) -> Vec<&Step> {
    advice.steps.iter().filter(|step| step.action == Action::CreateIndex).collect()
}

/// `orders (tenant_id, created_at) WHERE deleted_at IS NULL`
fn shown(step: &Step) -> String {
    let schema = if step.relation.schema == "public" {
        String::new()
    } else {
        format!("{}.", quote_identifier(&step.relation.schema))
    };
    let keys: Vec<String> = step.index.key_columns.iter().map(ToString::to_string).collect();
    let using = match &step.index.access_method {
        AccessMethod::Btree => String::new(),
        other => format!("USING {other} "),
    };
    let mut text = format!("{schema}{} {using}({})", quote_identifier(&step.relation.name), keys.join(", "));
    if !step.index.included_columns.is_empty() {
        text.push_str(&format!(" INCLUDE ({})", step.index.included_columns.join(", ")));
    }
    if let Some(predicate) = &step.index.predicate {
        text.push_str(&format!(" WHERE {predicate}"));
    }
    text
}

fn judge(case: &Case, advice: &Advice) -> Vec<String> {
    let ours: BTreeSet<String> = creates(advice).into_iter().map(shown).collect();
    let fits = |answer: &Vec<String>| {
        let answer: BTreeSet<String> = answer.iter().cloned().collect();
        match case.matching {
            Matching::Exact => ours == answer,
            Matching::SameColumnSet => {
                ours.iter().map(|index| columns(index)).eq(answer.iter().map(|index| columns(index)))
            }
            Matching::Contains => answer.is_subset(&ours),
            Matching::ContainsAny => !answer.is_disjoint(&ours),
            Matching::ContainsLeading => answer.iter().all(|index| {
                ours.iter().any(|own| own == index || own.starts_with(&format!("{},", index.trim_end_matches(')'))))
            }),
            Matching::Property => true,
        }
    };
    let mut faults = Vec::new();
    if !matches!(case.matching, Matching::Property) && !case.answers.iter().any(fits) {
        faults.push(format!("none of {:?}", case.answers));
    }
    faults
        .extend(case.forbidden.iter().filter(|index| ours.contains(*index)).map(|index| format!("forbidden: {index}")));
    let drops: Vec<&String> =
        advice.steps.iter().filter(|step| step.action == Action::DropIndex).map(|step| &step.id).collect();
    if case.drops.as_ref().is_some_and(|wanted| drops != wanted.iter().collect::<Vec<_>>()) {
        faults.push(format!("drops {drops:?}"));
    }
    let is_declined = |text: &String| advice.declined.iter().any(|declined| declined.reason.contains(text.as_str()));
    faults.extend(case.declined.iter().filter(|text| !is_declined(text)).map(|text| format!("not declined: {text}")));
    let cautioned =
        |text: &String| creates(advice).iter().any(|step| step.cautions.iter().any(|c| c.contains(text.as_str())));
    faults.extend(case.cautions.iter().filter(|text| !cautioned(text)).map(|text| format!("no caution: {text}")));
    if !ours.is_empty() {
        faults.extend(
            case.cautions_if_any.iter().filter(|text| !cautioned(text)).map(|text| format!("no caution: {text}")),
        );
    }
    let n_columns = creates(advice).iter().map(|step| step.index.key_columns.len()).max().unwrap_or(0);
    if case.key_columns_max.is_some_and(|most| n_columns > most || n_columns == 0) {
        faults.push(format!("{n_columns} key columns"));
    }
    faults.extend(
        advice
            .steps
            .iter()
            .filter(|step| step.action == Action::CreateIndex && step.statements.is_empty())
            .map(|step| format!("{} serves nothing", step.id)),
    );
    faults
}

/// The relation and the columns of an index, sorted.
fn columns(index: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = index.split([' ', ',', '(', ')']).filter(|part| !part.is_empty()).collect();
    parts.sort_unstable();
    parts
}

fn describe(advice: &Advice) -> String {
    let mut lines: Vec<String> = advice
        .steps
        .iter()
        .map(|step| {
            format!(
                "    {:?} {} {:.1} -> {:.1} {} {:?}",
                step.action,
                shown(step),
                step.cost_before,
                step.cost_after,
                step.index_bytes,
                step.cautions
            )
        })
        .collect();
    let declined =
        advice.declined.iter().map(|no| format!("    declined {} {}: {}", no.relation, no.index.body(), no.reason));
    lines.extend(declined.take(8));
    lines.push(format!(
        "    cost {:.1} -> {:.1}, floor {:.1}, {} calls",
        advice.cost_before, advice.cost_after, advice.cost_floor, advice.n_whatif_calls
    ));
    lines.join("\n")
}
