//! Arguments that make no sense, places that cannot be written, manifests that are none, and readers that stop reading.

use std::io::Read;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::cli::{Desk, SHOP_ADVICE, SHOP_WORKLOAD, fill_shop};
use crate::support::{self, Database};

const FINDINGS: i32 = 1;
const USAGE: i32 = 2;
const UNSUPPORTED: i32 = 4;
const OUTPUT: i32 = 5;

/// A shop, and a desk with its workload in `w.sql`.
fn shop(name: &str) -> (Database, Desk) {
    let database = support::database_on(support::server_with_hypopg(), name, "CREATE EXTENSION hypopg");
    fill_shop(&database);
    let desk = Desk::new();
    desk.write("w.sql", SHOP_WORKLOAD);
    (database, desk)
}

const WORKLOAD: [&str; 3] = ["--only-workload", "--workload", "w.sql"];

#[test]
fn arguments_that_make_no_sense() {
    let desk = Desk::new();
    desk.write("w.sql", SHOP_WORKLOAD);
    // Nothing listens there: what is wrong with the arguments is said before anybody is called.
    let url = "postgresql://app:canary@127.0.0.1:1/x";
    for (arguments, message, hint) in [
        (["--rule", "no_such_rule"], "there is no rule \"no_such_rule\"", "pgadvise rules"),
        (["--no-rule", "no_such_rule"], "there is no rule \"no_such_rule\"", "pgadvise rules"),
        (["--budget", "lots"], "\"lots\"", "--budget 2GB"),
        (["--budget", "-5%"], "\"-5%\"", "--budget 2GB"),
        (["--threshold", "nothing=1"], "there is no threshold \"nothing\"", "min_table_rows"),
        (["--threshold", "min_table_rows"], "NAME=VALUE", "min_table_rows"),
        (["--threshold", "min_table_rows=many"], "a number of at least 0", "min_table_rows=10000"),
        (["--min-calls", "-1"], "", ""),
        (["--what-if", "sandbox"], "no sandbox", "--sandbox"),
    ] {
        let argument = format!("{}={}", arguments[0], arguments[1]);
        let run = desk.run(&["analyze", url, &argument]);
        if message.is_empty() {
            assert_eq!((run.code, run.stdout.as_str()), (Some(USAGE), ""), "{run:?}");
        } else {
            run.failed(USAGE, message, hint);
        }
        assert!(!run.stderr.contains("canary"));
    }
    for arguments in [&["analyse"][..], &["analyze", "--format", "xml"], &["analyze", "a", "b"], &[], &["explain"]] {
        let run = desk.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(USAGE), ""), "{run:?}");
    }
    desk.run(&["explain", "no_such_rule"]).failed(USAGE, "there is no rule", "pgadvise rules");
}

#[test]
fn help_and_version_are_results() {
    let desk = Desk::new();
    for arguments in [&["--help"][..], &["--version"], &["analyze", "--help"], &["verify", "--help"], &["rules"]] {
        let run = desk.run(arguments);
        assert!(run.code == Some(0) && !run.stdout.is_empty() && run.stderr.is_empty(), "{run:?}");
    }
    assert!(desk.run(&["explain", "n_plus_one"]).stdout.contains("n_plus_one"));
}

#[test]
fn migrations_that_cannot_be_written_cost_no_report() {
    let (database, desk) = shop("no_out");
    desk.write("file", "mine");
    for out in ["file", "file/below", "/proc/nowhere"] {
        let run = desk.try_analyze(&database.url(), &[&["--out", out], &WORKLOAD[..]].concat());
        run.complained(OUTPUT, &format!("could not write migrations to {out}"), "--out DIR");
        run.advises(SHOP_ADVICE);
    }
    assert_eq!(desk.files(), ["file", "w.sql"]);
    assert_eq!(std::fs::read_to_string(desk.path().join("file")).expect("the file"), "mine");
}

#[test]
fn a_report_that_cannot_be_written() {
    let (database, desk) = shop("no_output");
    for file in ["nowhere/report.json", "/proc/report.json", "."] {
        let run = desk.try_analyze(&database.url(), &[&["--output", file, "--no-emit"], &WORKLOAD[..]].concat());
        run.failed(OUTPUT, &format!("could not write the report to {file}: "), "--output");
    }
    assert_eq!(desk.files(), ["w.sql"]);
    let run = desk.try_analyze(&database.url(), &[&["--output", "report.json"], &WORKLOAD[..]].concat());
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{run:?}");
    let report = std::fs::read_to_string(desk.path().join("report.json")).expect("the report");
    assert!(serde_json::from_str::<Value>(&report).is_ok());
}

#[test]
fn a_full_disk_behind_stdout_is_said_and_a_closed_one_is_not() {
    let (database, desk) = shop("full");
    let url = database.url();
    let arguments = [&["analyze", &url, "--no-emit"], &WORKLOAD[..]].concat();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let output = desk.command(&arguments).stdout(full).output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(OUTPUT), "{said}");
    assert!(said.contains("could not write") && said.contains("HINT:  "), "{said}");

    for arguments in [&arguments[..], &["--help"], &["rules"]] {
        let mut child =
            desk.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        drop(child.stdout.take()); // the reader has gone: `| head -0`
        let mut said = String::new();
        child.stderr.take().expect("stderr").read_to_string(&mut said).expect("text");
        let status = child.wait().expect("its end");
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn findings_fail_the_run_only_when_asked_to() {
    let (database, desk) = shop("gate");
    let run = |more: &[&str]| desk.try_analyze(&database.url(), &[more, &["--no-emit"], &WORKLOAD[..]].concat());
    let report = run(&[]);
    assert_eq!(report.code, Some(0));
    assert!(!report.rules().is_empty());
    let gated = run(&["--fail-on", "note"]);
    assert_eq!(gated.code, Some(FINDINGS), "{gated:?}");
    assert_eq!(gated.rules(), report.rules(), "the report is the same");
    assert_eq!(run(&["--fail-on", "error", "--rule", "duplicate_index"]).code, Some(0));
    assert_eq!(run(&["--rule", "stale_stats", "--fail-on", "note"]).rules(), [""; 0]);
    assert!(!run(&["--no-rule", "duplicate_index"]).rules().contains(&"duplicate_index".to_owned()));
}

#[test]
fn a_budget_is_kept() {
    let (database, desk) = shop("budget");
    let run =
        |budget: &str| desk.analyze(&database.url(), &[&["--budget", budget, "--no-emit"], &WORKLOAD[..]].concat());
    run("1GB").advises(SHOP_ADVICE);
    let tight = run("16kB");
    assert!(tight.ddl().iter().all(|ddl| !ddl.contains("CREATE INDEX")), "{tight:?}");
    assert!(!tight.json()["declined"].as_array().expect("declined").is_empty());
    run("50%").advises(SHOP_ADVICE);
}

#[test]
fn manifests_that_are_none() {
    let (database, desk) = shop("manifests");
    let url = database.url();
    desk.run(&["verify", &url]).failed(USAGE, "there is no manifest under migrations_out", "pgadvise analyze");
    let verify = |manifest: &str| desk.run(&["verify", &url, "--manifest", manifest]);
    verify("nowhere.json").failed(UNSUPPORTED, "nowhere.json: no such file", "pgadvise verify --manifest FILE");
    desk.write("text.json", "these are not the manifests you are looking for");
    verify("text.json").failed(UNSUPPORTED, "text.json is not a manifest of pgadvise", "manifest.json");
    desk.write("half.json", "{\"manifest_version\": 1, \"indexes\": [");
    verify("half.json").failed(UNSUPPORTED, "half.json is not a manifest", "manifest.json");
    desk.write("future.json", &json!({"manifest_version": 99, "steps": []}).to_string());
    verify("future.json").failed(UNSUPPORTED, "manifest version 99 of future.json is not supported", "pgadvise");
    verify(".").failed(UNSUPPORTED, "", "manifest");
}

#[test]
fn what_is_applied_is_verified() {
    let (database, desk) = shop("verified");
    let url = database.url();
    let analyzed = desk.analyze(&url, &WORKLOAD);
    let verify = || desk.run(&["verify", &url, "--format", "json"]);
    let missing = verify();
    assert_eq!(missing.code, Some(FINDINGS), "{missing:?}");
    for step in analyzed.json()["advice"].as_array().expect("advice") {
        for ddl in step["ddl"].as_array().expect("ddl") {
            database.execute(ddl.as_str().expect("a statement"));
        }
    }
    let there = verify();
    assert_eq!(there.code, Some(0), "{there:?}");
    let again = desk.analyze(&url, &[&["--no-emit"], &WORKLOAD[..]].concat());
    assert_eq!(again.ddl(), [""; 0], "nothing is left to advise");
    assert_eq!(desk.run(&["verify", &url]).code, Some(0));
}
