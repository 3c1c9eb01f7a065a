//! The guarded session on every supported version: it reads, cannot write, survives refusals, and leaves nothing behind.

use std::time::{Duration, Instant};

use pgadvise::db::{Failure, Query, ReadOptions, Session, Target, WritableSession};

use crate::support;

const ONE: Query = Query { name: "a number", sql: "SELECT $1::int4 + 1 AS number, NULL::text AS nothing" };
const SLEEP: Query = Query { name: "a nap", sql: "SELECT pg_sleep(30)::text" };
const MANY: Query =
    Query { name: "many rows", sql: "SELECT g, g::text || 'x' AS name FROM pg_catalog.generate_series(1, 400000) g" };
const STATE: Query = Query {
    name: "the state of the session",
    sql: "SELECT (SELECT count(*) FROM pg_prepared_statements) AS n_prepared, \
          current_setting('search_path') AS path, current_setting('transaction_read_only') AS read_only, \
          current_setting('statement_timeout') AS timeout, current_setting('application_name') AS application",
};

fn session(url: &str) -> Session {
    Session::connect(&Target::resolve(Some(url)).expect("a target")).expect("a session")
}

#[test]
fn reads_plans_and_types_on_every_version() {
    for major in support::versions() {
        let database = support::database_on(support::server(major), "session", "CREATE TABLE t (a int, \"B c\" text)");
        let mut session = session(&database.url());
        assert_eq!(session.server_version().major(), major);
        assert!(!session.is_pooled());
        let options = ReadOptions::default();
        let number: i32 = session.read(&options, |t| t.query(&ONE, &[&41])?[0].get("number")).expect("a row");
        assert_eq!(number, 42);

        let plan =
            session.read(&options, |t| t.explain("EXPLAIN (FORMAT JSON) ", "SELECT * FROM public.t")).expect("a plan");
        assert!(plan.contains("Seq Scan"), "{plan}");
        let plan =
            session.read(&options, |t| t.explain_generic("SELECT * FROM public.t WHERE a = $1 AND \"B c\" = $2;"));
        assert!(plan.as_ref().is_ok_and(|plan| plan.contains("(t.a = $1)")), "{major}: {plan:?}");
        let plan = session.read(&options, |t| t.explain_generic("SELECT 1, '$'"));
        assert!(plan.is_ok(), "{major}: {plan:?}");
        let types =
            session.read(&options, |t| t.parameter_types("SELECT * FROM public.t WHERE a = $1 AND \"B c\" = $2"));
        assert_eq!(types, Ok(vec!["integer".to_owned(), "text".to_owned()]), "{major}");

        let options = ReadOptions { search_path: Some("public, pg_catalog".into()), ..ReadOptions::default() };
        let state = session.read(&options, |t| {
            let rows = t.query(&STATE, &[])?;
            let row = &rows[0];
            Ok((row.get::<i64>("n_prepared")?, row.get::<String>("path")?, row.get::<String>("read_only")?))
        });
        assert_eq!(state, Ok((0, "public, pg_catalog".to_owned(), "on".to_owned())), "{major}");
    }
}

#[test]
fn a_refusal_ends_the_transaction_and_not_the_session() {
    let database = support::database("refusal", "CREATE TABLE t (a int); CREATE TABLE locked (a int)");
    let mut session = session(&database.url());
    let options = ReadOptions::default();
    let refused = session.read(&options, |t| t.explain("EXPLAIN (FORMAT JSON) ", "SELECT nope FROM public.t"));
    let Err(Failure::Statement(refused)) = refused else { panic!("{refused:?}") };
    assert_eq!((refused.code.as_str(), refused.position), ("42703", Some(8)));
    let refused = session.read(&options, |t| t.explain_generic("SELECT 1 + $1::int, nope"));
    assert!(matches!(refused, Err(Failure::Statement(refused)) if refused.code == "42703"));

    let holder = database.connect();
    holder.execute("BEGIN; LOCK TABLE locked IN ACCESS EXCLUSIVE MODE");
    let refused = session.read(&options, |t| t.explain("EXPLAIN (FORMAT JSON) ", "SELECT * FROM public.locked"));
    assert!(matches!(&refused, Err(Failure::Statement(refused)) if refused.is_locked_out()), "{refused:?}");
    holder.execute("ROLLBACK");

    let options = ReadOptions { statement_timeout_ms: 200, ..ReadOptions::default() };
    let refused = session.read(&options, |t| t.query(&SLEEP, &[]));
    assert!(matches!(&refused, Err(Failure::Statement(refused)) if refused.is_cancelled()), "{refused:?}");
    assert!(session.read(&options, |t| t.query(&ONE, &[&1])).is_ok());
}

#[test]
fn foreign_text_is_one_command_after_explain_and_nothing_is_executed() {
    let database = support::database("foreign", "CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    let mut session = session(&database.url());
    let options = ReadOptions { search_path: Some("public".into()), ..ReadOptions::default() };
    for text in [
        "SELECT 1; COMMIT; CREATE TABLE pwned (a int)",
        "SELECT 1; DELETE FROM t",
        "ANALYZE DELETE FROM t",
        "(ANALYZE) DELETE FROM t",
        "SELECT 1 /* open",
        "SELECT 1 -- c\n; DELETE FROM t",
        "SELECT '\0'",
        "COMMIT",
    ] {
        let refused = session.read(&options, |t| t.explain("EXPLAIN (FORMAT JSON) ", text));
        assert!(matches!(refused, Err(Failure::Statement(_))), "{text}: {refused:?}");
        let refused = session.read(&options, |t| t.explain_generic(text));
        assert!(matches!(refused, Err(Failure::Statement(_))), "{text}: {refused:?}");
        let refused = session.read(&options, |t| t.parameter_types(text));
        assert!(matches!(refused, Err(Failure::Statement(_))), "{text}: {refused:?}");
    }
    for prefix in ["EXPLAIN ANALYZE ", "EXPLAIN (ANALYZE, FORMAT JSON) ", "DELETE FROM t; EXPLAIN ("] {
        assert!(
            matches!(session.read(&options, |t| t.explain(prefix, "SELECT 1")), Err(Failure::Session(_))),
            "{prefix}"
        );
    }
    assert_eq!(database.value("SELECT count(*) FROM t"), "1");
    assert_eq!(database.value("SELECT count(*) FROM pg_class WHERE relname = 'pwned'"), "0");
}

#[test]
fn nothing_outlives_the_transaction() {
    let database = support::database("nothing_left", "CREATE TABLE t (a int)");
    let mut session = session(&database.url());
    let plain = ReadOptions::default();
    let set = ReadOptions {
        statement_timeout_ms: 1234,
        settings: vec![("application_name", "other'; DROP TABLE t; --".to_owned())],
        after: Some("SELECT set_config('pgadvise.after', 'ran', false)".into()),
        ..ReadOptions::default()
    };
    let seen: Result<String, Failure> = session.read(&set, |t| t.query(&STATE, &[])?[0].get("application"));
    assert_eq!(seen.as_deref(), Ok("other'; DROP TABLE t; --"));
    let failed = session.read(&set, |t| {
        t.parameter_types("SELECT $1::int")?;
        t.explain("EXPLAIN (FORMAT JSON) ", "SELECT nope")
    });
    assert!(failed.is_err());
    const AFTER: Query = Query { name: "after", sql: "SELECT current_setting('pgadvise.after', true) AS after" };
    let after: Result<String, Failure> = session.read(&plain, |t| t.query(&AFTER, &[])?[0].get("after"));
    assert_eq!(after.as_deref(), Ok("ran"), "the end message runs after a failure too");
    let state = session.read(&plain, |t| {
        let rows = t.query(&STATE, &[])?;
        Ok((
            rows[0].get::<i64>("n_prepared")?,
            rows[0].get::<String>("application")?,
            rows[0].get::<String>("timeout")?,
        ))
    });
    assert_eq!(state, Ok((0, concat!("pgadvise/", env!("CARGO_PKG_VERSION")).to_owned(), "5s".to_owned())));
}

#[test]
fn a_panic_in_the_middle_does_not_keep_the_transaction() {
    let database = support::database("panic", "");
    let mut session = session(&database.url());
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = session.read(&ReadOptions::default(), |t| -> Result<(), Failure> {
            t.parameter_types("SELECT $1::int")?;
            std::panic::resume_unwind(Box::new("in the middle"))
        });
    }));
    assert!(caught.is_err());
    let read_only: Result<i64, Failure> =
        session.read(&ReadOptions::default(), |t| t.query(&STATE, &[])?[0].get("n_prepared"));
    assert_eq!(read_only, Ok(0));
}

#[test]
fn many_rows_need_little_memory_when_they_are_streamed() {
    let database = support::database("many", "");
    let mut session = session(&database.url());
    let options = ReadOptions { statement_timeout_ms: 60_000, ..ReadOptions::default() };
    let mut n_rows = 0u32;
    let streamed = session.read(&options, |t| {
        t.query_each(&MANY, &[], |row| {
            let _: &str = row.get("name")?;
            n_rows += 1;
            Ok(())
        })
    });
    assert_eq!((streamed, n_rows), (Ok(()), 400_000));
    let rows = session.read(&options, |t| t.query(&MANY, &[])).expect("collected rows");
    assert_eq!(rows.len(), 400_000);
    assert!(rows[399_999].get::<String>("nope").is_err());
}

#[test]
fn a_killed_backend_is_a_lost_connection() {
    let database = support::database("killed", "");
    let mut session = session(&database.url());
    const PID: Query = Query { name: "the backend", sql: "SELECT pg_backend_pid() AS pid" };
    let lost = session.read(&ReadOptions::default(), |t| {
        let pid: i32 = t.query(&PID, &[])?[0].get("pid")?;
        database.execute(&format!("SELECT pg_terminate_backend({pid}, 5000)"));
        t.query(&PID, &[])
    });
    let Err(Failure::Session(error)) = lost else { panic!("{lost:?}") };
    assert_eq!(error.kind().exit_code(), 3, "{error}");
    let again = session.read(&ReadOptions::default(), |t| t.query(&PID, &[]));
    assert!(matches!(again, Err(Failure::Session(_))));
}

#[test]
fn a_call_beyond_its_deadline_is_cancelled_from_here() {
    let database = support::database("deadline", "");
    let mut session = session(&database.url());
    // The server's own timeout is taken back inside the transaction, so that only ours is left.
    let options = ReadOptions { statement_timeout_ms: 100, ..ReadOptions::default() };
    const NO_TIMEOUT: Query = Query { name: "no timeout", sql: "SELECT set_config('statement_timeout', '0', true)" };
    let began = Instant::now();
    let cancelled = session.read(&options, |t| {
        t.query(&NO_TIMEOUT, &[])?;
        t.query(&SLEEP, &[])
    });
    assert!(matches!(&cancelled, Err(Failure::Statement(refused)) if refused.is_cancelled()), "{cancelled:?}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(session.read(&options, |t| t.query(&ONE, &[&1])).is_ok(), "the session lives on");
}

#[test]
fn a_writable_session_writes_in_autocommit() {
    let database = support::database("writable", "");
    let target = Target::resolve(Some(&database.url())).expect("a target");
    let mut session = WritableSession::connect(&target).expect("a session");
    session.execute("CREATE TABLE w (a int); INSERT INTO w VALUES (1), (2)").expect("both run");
    let rows = session.query("SELECT a FROM w WHERE a > $1 ORDER BY a", &[&1]).expect("rows");
    assert_eq!(rows[0].get::<i32>("a"), Ok(2));
    assert!(session.explain("EXPLAIN (ANALYZE) SELECT * FROM w").is_ok_and(|plan| plan.contains("Execution Time")));
    assert!(matches!(session.execute("SELECT nope"), Err(Failure::Statement(_))));
    assert!(session.execute("SELECT 1").is_ok());
}
