//! Workload files of every kind: what can be read is analysed, what cannot is said, and one bad statement costs no other.

use std::time::Duration;

use crate::support::cli::{Desk, SHOP_ADVICE, SHOP_WORKLOAD, fill_shop, run_shop};
use crate::support::{self, Database};

const UNSUPPORTED: i32 = 4;
const USAGE: i32 = 2;

fn shop(name: &str) -> Database {
    let setup = "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg";
    let database = support::database_on(support::server_with_hypopg(), name, setup);
    fill_shop(&database);
    database
}

#[test]
fn a_file_that_cannot_be_read() {
    let database = shop("no_file");
    let desk = Desk::new();
    let run = desk.run(&["analyze", &database.url(), "--workload", "nowhere.sql"]);
    run.failed(UNSUPPORTED, "nowhere.sql: no such file or directory", "--workload");
    std::fs::write(desk.path().join("latin1.sql"), b"SELECT 'gr\xfc\xdfe';").expect("a file");
    let run = desk.run(&["analyze", &database.url(), "--workload", "latin1.sql"]);
    run.failed(UNSUPPORTED, "latin1.sql is not UTF-8", "iconv");
    let run = desk.run(&["analyze", &database.url(), "--only-workload"]);
    assert_eq!(run.code, Some(USAGE), "{run:?}");
    assert!(run.stdout.is_empty() && run.stderr.contains("--workload"), "{run:?}");
    // The file is looked at before the server is asked for anything.
    let run = desk.run(&["analyze", "postgresql://app@127.0.0.1:1/x", "--workload", "nowhere.sql"]);
    run.failed(UNSUPPORTED, "nowhere.sql", "--workload");
}

#[test]
fn a_file_without_statements() {
    let database = shop("nothing_said");
    let desk = Desk::new();
    desk.write("empty.sql", "");
    desk.write("remarks.sql", "-- calls: 5\n/* nothing; */ ;;\n");
    let run =
        desk.analyze(&database.url(), &["--no-emit", "--only-workload", "--workload", "empty.sql", "remarks.sql"]);
    assert_eq!(run.json()["workload"]["n_statements"], 0);
    run.has_gap(&["workload empty.sql", "no statement"]);
    run.has_gap(&["workload remarks.sql", "no statement"]);
}

#[test]
fn a_file_that_is_no_sql_is_refused_with_the_line() {
    let database = shop("no_sql");
    let desk = Desk::new();
    for (text, message, hint) in [
        ("SELECT 1;\n\\connect shop\n", "w.sql: line 2: a backslash command of psql is no SQL", "that line"),
        ("SELECT 1;\nSELECT 'no end", "w.sql: line 2: a quoted string", "that line"),
        ("-- calls: many\nSELECT 1;", "w.sql: line 1: \"calls:\" wants a number above 0", "that line"),
    ] {
        desk.write("w.sql", text);
        let run = desk.run(&["analyze", &database.url(), "--workload", "w.sql"]);
        run.failed(UNSUPPORTED, message, hint);
    }
}

#[test]
fn one_bad_statement_costs_no_other() {
    let database = shop("bad_statement");
    let desk = Desk::new();
    desk.write(
        "w.sql",
        &format!(
            "-- calls: 3\nSELEKT * FROM orders WHERE;\n\
             SELECT * FROM absent WHERE id = 1;\n\
             SELECT absent FROM orders WHERE id = 1;\n\
             SELECT * FROM orders WHERE id = 1 AND;\n\
             CREATE TABLE left_behind (a int);\n\
             COPY orders TO STDOUT;\n\
             {SHOP_WORKLOAD}"
        ),
    );
    let run = desk.analyze(&database.url(), &["--no-emit", "--only-workload", "--workload", "w.sql"]);
    run.advises(SHOP_ADVICE);
    run.has_gap(&["workload w.sql", "left out: line 2, 6, 7"]);
    run.has_gap(&["statement w.sql:3:", "absent", "does not exist"]);
    run.has_gap(&["statement w.sql:4:", "absent", "does not exist"]);
    run.has_gap(&["statement w.sql:5:", "syntax error"]);
    assert_eq!(database.value("SELECT count(*) FROM pg_class WHERE relname = 'left_behind'"), "0");
    assert_eq!(run.json()["source"]["kind"], "workload");
}

#[test]
fn a_statement_that_does_not_end_being_planned() {
    let database = shop("slow_plan");
    database.execute(
        "CREATE FUNCTION slowly() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM pg_sleep(120); RETURN 42; END'",
    );
    let desk = Desk::new();
    desk.write("w.sql", &format!("-- calls: 9\nSELECT * FROM orders WHERE customer_id = slowly();\n{SHOP_WORKLOAD}"));
    let run = desk.analyze(&database.url(), &["--no-emit", "--only-workload", "--workload", "w.sql"]);
    run.advises(SHOP_ADVICE);
    run.has_gap(&["statement w.sql:2:", "took longer than 5000 ms"]);
    assert!(run.elapsed < Duration::from_secs(45), "one slow statement took {:?}", run.elapsed);
}

#[test]
fn both_sources_together_and_each_alone() {
    let database = shop("two_sources");
    run_shop(&database);
    let desk = Desk::new();
    desk.write(
        "w.sql",
        "-- calls: 800\nSELECT * FROM orders WHERE created_at > timestamp '2026-01-14' ORDER BY created_at LIMIT 5;",
    );
    let n_statements = |more: &[&str]| {
        let run = desk.analyze(&database.url(), &[&["--no-emit"], more].concat());
        (run.json()["workload"]["n_statements"].as_u64().expect("a number"), run)
    };
    let (of_server, live) = n_statements(&[]);
    let (of_file, alone) = n_statements(&["--only-workload", "--workload", "w.sql"]);
    let (of_both, both) = n_statements(&["--workload", "w.sql"]);
    assert_eq!(of_file, 1);
    assert_eq!(of_both, of_server + of_file);
    live.advises(SHOP_ADVICE);
    both.advises(SHOP_ADVICE);
    for run in [&alone, &both] {
        run.advises("ON public.orders USING btree (created_at");
    }
    assert!(alone.ddl().iter().all(|ddl| !ddl.contains("customer_id")));
}

#[test]
fn a_folder_is_read_and_calls_weigh() {
    let database = shop("folder");
    let desk = Desk::new();
    std::fs::create_dir(desk.path().join("queries")).expect("a folder");
    desk.write("queries/a.sql", SHOP_WORKLOAD);
    desk.write("queries/b.sql", "-- calls: 2\nSELECT * FROM orders WHERE customer_id = 77;");
    desk.write("queries/notes.txt", "not SQL");
    let run = desk.analyze(&database.url(), &["--no-emit", "--only-workload", "--workload", "queries"]);
    assert_eq!(run.json()["workload"]["n_statements"], 2, "the same statement with another value is the same");
    assert_eq!(run.json()["workload"]["n_calls"], 1502.0);
    let run =
        desk.analyze(&database.url(), &["--no-emit", "--workload", "queries", "--only-workload", "--min-calls", "600"]);
    assert_eq!(run.json()["workload"]["n_statements"], 1);
}

/// What would overflow a recursive reader's stack is a shape or a gap, never an end of the run.
#[test]
fn statements_that_are_very_deep_or_very_long() {
    let database = shop("deep");
    let desk = Desk::new();
    let ors = vec!["customer_id = 1"; 5_000].join(" OR ");
    let unions = vec!["SELECT 1"; 1_000].join(" UNION ALL ");
    let parentheses = format!("{}1{}", "(".repeat(3_000), ")".repeat(3_000));
    let values = (0..20_000).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    let casts = "::text".repeat(2_000);
    let joins: String = (0..80).map(|i| format!(" JOIN orders o{i} ON o{i}.id = o.id")).collect();
    desk.write(
        "w.sql",
        &format!(
            "SELECT * FROM orders WHERE {ors};\n{unions};\nSELECT {parentheses};\n\
             SELECT * FROM orders WHERE id IN ({values});\nSELECT 1{casts};\nSELECT count(*) FROM orders o{joins};\n{SHOP_WORKLOAD}"
        ),
    );
    let run = desk.analyze(&database.url(), &["--no-emit", "--only-workload", "--workload", "w.sql"]);
    run.advises(SHOP_ADVICE);
    assert!(run.elapsed < Duration::from_secs(60), "{:?}", run.elapsed);
}

#[test]
fn texts_that_editors_and_tools_leave() {
    let database = shop("editors");
    let desk = Desk::new();
    let windows = SHOP_WORKLOAD.replace('\n', "\r\n");
    desk.write(
        "w.sql",
        &format!("\u{feff}{windows}SELECT /* größe */ count(*) FROM orders WHERE status = 'größe';\r\n\u{0}\r\n"),
    );
    let run = desk.analyze(&database.url(), &["--no-emit", "--only-workload", "--workload", "w.sql"]);
    run.advises(SHOP_ADVICE);
    assert_eq!(run.json()["workload"]["n_calls"], 1501.0, "{:?}", run.gaps());
}
