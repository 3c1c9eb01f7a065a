//! Whether an index helps every call of a statement or only some, against real planners: common and rare values, and no
//! value at all.

use serde_json::Value;

use crate::support;
use crate::support::cli::Desk;

/// Two fifths of the events are of one account, the others of five thousand.
const SETUP: &str = "
    CREATE TABLE event (id int PRIMARY KEY, account int NOT NULL, score int NOT NULL, note text NOT NULL);
    INSERT INTO event
        SELECT g, CASE WHEN hashint4(g) & 255 < 102 THEN 771177 ELSE 1000 + (hashint4(g + 1) & 8191) % 5000 END,
               hashint4(g + 2), repeat('x', 100)
        FROM generate_series(1, 60000) AS g;
    ANALYZE event;";

const ACCOUNT: &str = "-- calls: 100\nSELECT id, note FROM event WHERE account = $1;\n";

/// The variants of the only statement of the only step, by kind.
fn variant<'r>(report: &'r Value, kind: &str) -> &'r Value {
    let variants = report["advice"][0]["statements"][0]["variants"].as_array().expect("variants");
    variants.iter().find(|variant| variant["kind"] == kind).unwrap_or_else(|| panic!("no {kind} in {report:#}"))
}

fn cautions(report: &Value) -> Vec<&str> {
    let cautions = report["advice"][0]["cautions"].as_array().expect("cautions");
    cautions.iter().filter_map(Value::as_str).filter(|caution| caution.starts_with("helps only")).collect()
}

#[test]
fn the_report_says_which_values_an_index_does_not_help() {
    for major in [15, *support::versions().last().expect("a version")] {
        let database = support::database_on(support::server(major), "sensitivity", SETUP);
        let run = Desk::new().analyze_text(&database, ACCOUNT, "shadow");
        let report = run.json();
        assert_eq!(report["advice"][0]["index"]["key_columns"][0]["column"], "account", "{report:#}");
        let common = variant(&report, "common");
        assert_eq!(common["column"], "account");
        assert!((common["share"].as_f64().expect("a share") - 0.4).abs() < 0.03, "{common}");
        let cost = |variant: &Value, name: &str| variant[name].as_f64().expect("a cost");
        assert!(cost(common, "cost_after") > 0.8 * cost(common, "cost_before"), "{common}");
        let generic = variant(&report, "generic");
        assert!(cost(generic, "cost_after") < 0.5 * cost(generic, "cost_before"), "{generic}");
        let cautions = cautions(&report);
        assert_eq!(cautions.len(), 1, "{cautions:?}");
        assert!(
            cautions[0].starts_with("helps only rarer values of account: the most common one (")
                && cautions[0].contains("% of the rows) "),
            "{cautions:?}"
        );
        assert!(!run.stdout.contains("771177"), "a value of the user:\n{}", run.stdout);
    }
}

#[test]
fn what_only_a_plan_with_values_can_use_is_said() {
    for major in [15, *support::versions().last().expect("a version")] {
        let database = support::database_on(support::server(major), "sensitivity", SETUP);
        let text = "-- calls: 100\nSELECT id, note FROM event WHERE score > $1;\n";
        let report = Desk::new().analyze_text(&database, text, "shadow").json();
        assert_eq!(report["advice"][0]["index"]["key_columns"][0]["column"], "score", "{report:#}");
        let generic = variant(&report, "generic");
        let (before, after) = (generic["cost_before"].as_f64(), generic["cost_after"].as_f64());
        assert!(after.expect("a cost") > 0.8 * before.expect("a cost"), "{generic}");
        let cautions = cautions(&report);
        assert!(
            cautions.iter().any(|caution| caution.contains("the generic plan of a prepared statement")),
            "{cautions:?}"
        );
    }
}

#[test]
fn a_backend_without_a_planner_says_once_that_it_knows_one_set_of_values() {
    let database = support::database("sensitivity", SETUP);
    let two = format!("{ACCOUNT}-- calls: 10\nSELECT note FROM event WHERE account = $1 AND id > $2;\n");
    let report = Desk::new().analyze_text(&database, &two, "estimate").json();
    let gaps = report["gaps"].as_array().expect("gaps");
    let about = gaps.iter().filter(|gap| gap["what"] == "what_if" && gap["id"] == "parameters").count();
    assert_eq!(about, 1, "{gaps:#?}");
    assert_eq!(report["advice"][0]["statements"][0]["variants"], serde_json::json!([]));
}
