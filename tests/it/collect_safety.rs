//! Collecting sends nothing but what docs/safety.md lists.

use pgadvise::collect::{CollectOptions, collect};
use pgadvise::db::{Session, Target};

use crate::support;
use crate::support::statement_log::{documented, is_of_kind, logging_options, sent_statements};

#[test]
fn the_server_sees_only_what_the_document_lists() {
    let versions = support::versions();
    for major in [versions[0], versions[versions.len() - 1]] {
        let cluster = support::private_server(major, &logging_options());
        let url = cluster.url("postgres");
        let admin = support::connect(&url);
        admin.execute(
            "CREATE DOMAIN short AS text; CREATE TABLE t (a int PRIMARY KEY, b short, CHECK (a > 0));
             CREATE INDEX ON t (lower(b)) WHERE a > 1; CREATE VIEW v AS SELECT a FROM t;
             CREATE STATISTICS s (ndistinct) ON a, b FROM t; CREATE TABLE p (a int) PARTITION BY LIST (a);
             INSERT INTO t SELECT g, 'x' FROM generate_series(1, 100) g",
        );
        let target = Target::resolve(Some(&format!("{url}&application_name=watched"))).expect("a target");
        let mut session = Session::connect(&target).expect("a session");
        collect(&mut session, &CollectOptions::default(), &|_| {}).expect("a snapshot");
        drop(session);

        let sent: Vec<String> = sent_statements(&cluster, "watched").into_iter().map(|sent| sent.text).collect();
        assert!(sent.iter().any(|statement| statement.contains("pgadvise:view_definitions")), "{major}: {sent:?}");
        let listed = documented();
        for statement in &sent {
            assert!(
                listed.iter().any(|kind| is_of_kind(statement, kind)),
                "{major}: not in docs/safety.md: {statement}"
            );
        }
    }
}
