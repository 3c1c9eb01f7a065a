//! Many statements in one message: every answer, and where the server stopped.

use pgadvise::db::{Target, WritableSession};

use crate::support;

#[test]
fn a_batch_answers_until_the_first_refusal() {
    let database = support::database("batched", "");
    let target = Target::resolve(Some(&database.url())).expect("a target");
    let mut session = WritableSession::connect(&target).expect("a session");

    let done = session
        .batch(&["CREATE TABLE t (a int) -- made here", "SELECT g FROM generate_series(1, 3) g", "EXPLAIN SELECT 1"])
        .expect("the session lives");
    assert_eq!(done.refused, None);
    assert_eq!(done.answers.len(), 3);
    assert_eq!(done.answers[1], "1\n2\n3");
    assert!(done.answers[2].starts_with("Result"));

    let stopped = session.batch(&["SELECT 7", "DROP TABLE t", "SELECT 1/0", "SELECT 8"]).expect("the session lives");
    assert_eq!(stopped.answers.len(), 2);
    assert_eq!(stopped.refused.map(|refused| refused.code), Some("22012".to_owned()));
    let left = session.batch(&["SELECT count(*) FROM t"]).expect("the session lives");
    assert_eq!(left.answers, ["0"], "what was done before the refusal is undone with it");

    session.batch(&["SELECT pg_terminate_backend(pg_backend_pid())"]).expect_err("the server ended the session");
}
