//! Ctrl-C and SIGTERM in the middle of an analysis: it ends in time with the signal's exit code, its backend is gone, and
//! no half of a file is left.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use crate::support::cli::{Desk, fill_shop};
use crate::support::{self, Database, eventually};

/// The promise, and what a loaded machine adds.
const IN_TIME: Duration = Duration::from_millis(2_000 + 1_500);

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
}

/// The exit code, the output and the time until the end.
fn end(child: Child) -> (Option<i32>, Output, Duration) {
    let began = Instant::now();
    let output = child.wait_with_output().expect("its end");
    (output.status.code(), output, began.elapsed())
}

/// Sessions of pgadvise in the database.
fn backends(database: &Database) -> String {
    database.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'pgadvise/%'")
}

#[test]
fn while_the_server_plans() {
    let database = support::database_on(support::server_with_hypopg(), "interrupted", "CREATE EXTENSION hypopg");
    fill_shop(&database);
    database.execute(
        "CREATE FUNCTION slowly() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM pg_sleep(120); RETURN 42; END'",
    );
    let desk = Desk::new();
    desk.write("w.sql", "SELECT * FROM orders WHERE customer_id = slowly();");
    let url = database.url();
    let workload = ["--only-workload", "--workload", "w.sql", "--what-if", "hypopg"];
    let arguments = [&["analyze", &url, "--output", "report.txt"][..], &workload[..]].concat();
    for (name, code, word) in [("INT", 130, "interrupted"), ("TERM", 143, "terminated")] {
        let child = desk.start(&arguments);
        let sleeping =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
        eventually(|| (database.value(sleeping) == "1").then_some(()));
        signal(&child, name);
        let (status, output, took) = end(child);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(status, Some(code), "{said}");
        assert!(said.contains(word), "{said}");
        assert!(output.stdout.is_empty());
        assert!(took < IN_TIME, "SIG{name} took {took:?}");
        let began = Instant::now();
        eventually(|| (backends(&database) == "0").then_some(()));
        assert!(began.elapsed() < IN_TIME);
        assert_eq!(desk.files(), ["w.sql"]);
    }
}

/// Whatever the run is doing when the signal comes: each phase says its name with -v.
#[test]
fn in_every_phase() {
    const N_TABLES: usize = 40;
    const PHASES: [&str; 6] = [
        "connecting",
        "reading server and settings",
        "reading relations",
        "reading statements",
        "planning statements",
        "choosing indexes",
    ];
    let database = support::database_on(support::server_with_hypopg(), "any_time", "CREATE EXTENSION hypopg");
    database.execute(&format!(
        "DO $$ BEGIN FOR i IN 1..{N_TABLES} LOOP
             EXECUTE format('CREATE TABLE t%s AS SELECT g AS id, g %% 100 AS a, g %% 77 AS b, g AS c FROM generate_series(1, 2000) g', i);
         END LOOP; END $$"
    ));
    database.execute("ANALYZE");
    let desk = Desk::new();
    let statements = (1..=N_TABLES).flat_map(|i| {
        ["a", "b", "c"].map(|column| {
            format!("-- calls: 10\nSELECT * FROM t{i} WHERE {column} = 5 AND id > 7 ORDER BY c LIMIT 3;\n")
        })
    });
    desk.write("w.sql", &statements.collect::<String>());
    let url = database.url();
    for phase in PHASES {
        let mut child = desk.start(&["-v", "analyze", &url, "--only-workload", "--workload", "w.sql"]);
        let mut said = BufReader::new(child.stderr.take().expect("stderr")).lines().map(|line| line.expect("a line"));
        let reached = said.by_ref().find(|line| line.ends_with(phase));
        assert!(reached.is_some(), "no phase \"{phase}\"");
        signal(&child, "INT");
        let rest = std::thread::spawn(move || said.collect::<Vec<_>>().join("\n"));
        let (status, output, took) = end(child);
        let rest = rest.join().expect("what it said");
        assert_eq!(status, Some(130), "{phase}: {rest}");
        assert!(rest.contains("pgadvise: interrupted") && output.stdout.is_empty(), "{phase}: {rest}");
        assert!(took < IN_TIME, "{phase}: it took {took:?}");
        assert_eq!(desk.files(), ["w.sql"], "{phase}");
    }
    eventually(|| (backends(&database) == "0").then_some(()));
}
