//! The same server gives the same bytes; a server that goes away is said in one line.

use std::process::Command;

use pgadvise::db::{Session, Target};
use pgadvise::server::ClusterOptions;

use crate::support::cli::{Desk, SHOP_WORKLOAD, fill_shop, run_shop};
use crate::support::{self, eventually};

const CONNECTION: i32 = 3;

/// The report without the two values that time changes.
fn timeless(report: &str) -> String {
    let changes = |line: &&str| {
        let line = line.trim_start();
        !line.starts_with("\"generated_at\":") && !line.starts_with("\"elapsed_ms\":")
    };
    report.lines().filter(changes).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_same_state_gives_the_same_report_and_migrations() {
    let setup = "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg";
    let database = support::database_on(support::server_with_hypopg(), "same", setup);
    fill_shop(&database);
    run_shop(&database);
    let desk = Desk::new();
    desk.write("w.sql", &format!("{SHOP_WORKLOAD}SELECT * FROM absent; SELECT count(*) FROM orders GROUP BY status;"));
    // The counters of what the test sent have to arrive before the first run.
    let counted = "SELECT count(*) > 0 FROM pg_stat_statements WHERE query LIKE '%customer_id = $1%'";
    eventually(|| (database.value(counted) == "t").then_some(()));
    let run = || desk.analyze(&database.url(), &["--workload", "w.sql", "--no-emit"]).stdout;
    run(); // reading statistics loads catalogs; usage counters of indexes may move once
    let first = timeless(&run());
    for _ in 0..3 {
        let again = timeless(&run());
        assert!(first == again, "{}", difference(&first, &again));
    }
    assert!(first.contains("CREATE INDEX"), "{first}");
}

fn difference(a: &str, b: &str) -> String {
    let lines = a.lines().zip(b.lines()).filter(|(a, b)| a != b);
    lines.map(|(a, b)| format!("- {a}\n+ {b}\n")).collect()
}

#[test]
fn a_server_that_goes_away_is_said_in_one_line() {
    let cluster = support::private_server(15, &ClusterOptions::default());
    let url = cluster.url("postgres");
    let target = Target::resolve(Some(&url)).expect("a target");
    for way in ["terminate", "KILL", "QUIT"] {
        eventually(|| Session::connect(&target).ok()); // it recovers from the kill
        let admin = support::connect(&url);
        admin.execute(
            "CREATE OR REPLACE FUNCTION slowly() RETURNS int LANGUAGE plpgsql STABLE AS
                 'BEGIN PERFORM pg_sleep(120); RETURN 42; END';
             CREATE TABLE IF NOT EXISTS t (a int)",
        );
        let desk = Desk::new();
        desk.write("w.sql", "SELECT * FROM t WHERE a = slowly();");
        let workload = ["--only-workload", "--workload", "w.sql", "--what-if", "hypopg"];
        let child = desk.start(&[&["analyze", &url, "--format", "json"][..], &workload[..]].concat());
        let sleeping = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        let process = eventually(|| admin.rows(sleeping).first()?[0].clone());
        match way {
            "terminate" => admin.execute(&format!("SELECT pg_terminate_backend({process})")),
            // SIGQUIT to the postmaster is an immediate shutdown; SIGKILL of a backend restarts all of the server.
            "QUIT" => kill("QUIT", &cluster.process_id().expect("the postmaster").to_string()),
            _ => kill("KILL", &process),
        }
        let output = child.wait_with_output().expect("its end");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(CONNECTION), "{way}: {said}");
        assert!(output.stdout.is_empty() && !said.contains("panicked"), "{way}: {said}");
        let causes: Vec<&str> = said.lines().filter(|line| line.starts_with("pgadvise: ")).collect();
        assert!(
            matches!(causes[..], [cause] if cause.contains("lost the connection to the server: ")),
            "{way}: {said}"
        );
        assert!(said.contains("HINT:  "), "{way}: {said}");
        assert_eq!(desk.files(), ["w.sql"]);
    }
}

fn kill(signal: &str, process: &str) {
    assert!(Command::new("kill").args(["-s", signal, process]).status().expect("kill runs").success());
}
