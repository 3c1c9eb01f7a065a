//! Behind PgBouncer in transaction mode: nothing of ours reaches another client, and our cancel leaves the pooler alive.

use std::time::Duration;

use pgadvise::db::{Failure, ReadOptions, Session, Target};

use super::interrupt;
use crate::support::{self, Database, PgBouncer};

/// How many server connections the pooler opens: few, so that clients take turns on them.
const POOL: usize = 3;
/// How often everything is done, half of the times with a failure.
const RUNS: usize = 60;
/// How often a call is cancelled. Release 1.18 of PgBouncer was dead after one impolite cancel in twelve.
const CANCELS: usize = 20;

fn session(url: &str) -> Session {
    Target::resolve(Some(url)).and_then(|target| Session::connect(&target)).expect("a session")
}

/// Everything that a run does within one transaction, in the end with or without a failure.
fn one_transaction(session: &mut Session, fails: bool) -> Result<(), Failure> {
    let options = ReadOptions {
        search_path: Some("public, pg_catalog".to_owned()),
        settings: vec![("enable_seqscan", "off".to_owned()), ("application_name", "leaked".to_owned())],
        after: Some("SELECT public.hypopg_reset()".to_owned()),
        ..ReadOptions::default()
    };
    session.read(&options, |transaction| {
        transaction.explain("EXPLAIN (FORMAT JSON) ", "SELECT public.hypopg_create_index('CREATE INDEX ON t (a)')")?;
        transaction.query(&CREATE_HYPOTHETICAL, &[])?;
        let plan = transaction.explain("EXPLAIN (FORMAT JSON) ", "SELECT * FROM t WHERE a = 1")?;
        assert!(plan.contains("btree_t_a"), "the hypothetical index is there: {plan}");
        transaction.explain_generic("SELECT * FROM t WHERE a = $1")?;
        assert_eq!(transaction.parameter_types("SELECT * FROM t WHERE a = $1")?, ["integer"]);
        if fails {
            // Prepared without complaint; planning it fails.
            transaction.explain_generic("SELECT 1 / 0 + $1::int")?;
        }
        Ok(())
    })
}

const CREATE_HYPOTHETICAL: pgadvise::db::Query = pgadvise::db::Query {
    name: "a hypothetical index",
    sql: "SELECT indexname FROM public.hypopg_create_index('CREATE INDEX ON t (a)')",
};

/// What another client finds on a server connection of the pool.
const STATE: &str = "SELECT (SELECT count(*) FROM pg_prepared_statements) || ' ' || (SELECT count(*) FROM hypopg_list_indexes) \
    || ' ' || current_setting('search_path') || ' ' || current_setting('enable_seqscan') || ' ' \
    || current_setting('transaction_read_only') || ' ' || current_setting('statement_timeout') || ' ' || current_setting('plan_cache_mode')";

fn assert_clean(database: &Database, pooler: &PgBouncer) {
    let clients: Vec<_> = (0..POOL).map(|_| support::connect(&pooler.url(database.name()))).collect();
    for client in &clients {
        client.execute("BEGIN");
    }
    let states: Vec<String> = clients.iter().map(|client| client.value(STATE)).collect();
    for client in &clients {
        client.execute("ROLLBACK");
    }
    assert_eq!(states, vec!["0 0 \"$user\", public on off 0 auto"; POOL]);
}

#[test]
fn nothing_leaks_into_other_clients() {
    let schema = "CREATE EXTENSION hypopg SCHEMA public; CREATE TABLE t (a int); CREATE TABLE written (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t";
    let database = support::database_on(support::server_with_hypopg(), "pooled", schema);
    let mut pooler = PgBouncer::start(database.cluster(), POOL);
    let url = pooler.url(database.name());
    let others: Vec<_> = (0..POOL * 2).map(|_| support::connect(&url)).collect();
    let mut sessions = [session(&url), session(&url)];
    assert!(sessions[0].is_pooled());
    for run in 0..RUNS {
        let fails = run % 2 == 1;
        let outcome = one_transaction(&mut sessions[run % 3 % 2], fails);
        match outcome {
            Ok(()) => assert!(!fails),
            Err(Failure::Statement(refused)) => assert!(fails && refused.code == "22012", "{refused:?}"),
            Err(Failure::Session(error)) => panic!("{error}"),
        }
        others[run % others.len()].execute("INSERT INTO written VALUES (1)");
    }
    drop(others);
    assert_clean(&database, &pooler);
    // A client that vanishes in the middle of a transaction leaves nothing either.
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let options = ReadOptions { search_path: Some("public".to_owned()), ..ReadOptions::default() };
        let outcome = session(&url).read(&options, |transaction| -> Result<(), Failure> {
            transaction.query(&CREATE_HYPOTHETICAL, &[])?;
            std::panic::resume_unwind(Box::new("gone"))
        });
        panic!("it did not come to that: {outcome:?}");
    }));
    assert_eq!(caught.expect_err("a panic").downcast_ref(), Some(&"gone"));
    drop(sessions);
    assert_clean(&database, &pooler);
    assert_eq!(database.value("SELECT count(*) FROM written"), RUNS.to_string());
    pooler.assert_alive();
}

#[test]
fn cancelling_leaves_the_pooler_alive() {
    let database = support::database("pooled_cancel", "");
    let mut pooler = PgBouncer::start(database.cluster(), POOL);
    let url = pooler.url(database.name());
    let active = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND state = 'active' AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()",
        database.name()
    );
    for _ in 0..CANCELS {
        let (child, said) = interrupt::start("query", &url);
        interrupt::wait_until(|| database.value(&active) == "1");
        let (exit_code, words, took) = interrupt::end(child, said, "-INT");
        assert!(exit_code == Some(130) && took < Duration::from_millis(3_500), "{exit_code:?} {took:?} {words}");
        interrupt::wait_until(|| database.value(&active) == "0");
        pooler.assert_alive();
    }
    assert_eq!(support::connect(&url).value("SELECT 1"), "1");
}

#[test]
fn startup_options_are_only_sent_if_they_were_given() {
    let database = support::database("pooled_options", "");
    let pooler = PgBouncer::start(database.cluster(), POOL);
    let with_options = format!("{}&options=-cgeqo=off", pooler.url(database.name()));
    let refused = Target::resolve(Some(&with_options)).and_then(|target| Session::connect(&target));
    let error = refused.err().expect("PgBouncer refuses options");
    assert_eq!(error.kind().exit_code(), 3);
    assert!(error.hint().is_some_and(|hint| hint.contains("options")), "{error}");
    assert!(session(&pooler.url(database.name())).is_pooled());
}
