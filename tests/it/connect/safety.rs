//! docs/safety.md lists what is sent. The server's log is held against it, and its data and sessions are as before.

use pgadvise::db::{Query, ReadOptions, Session, Target};

use crate::support;
use crate::support::statement_log::{documented, is_of_kind, logging_options, sent_statements};

const CATALOG: Query = Query { name: "relations", sql: "SELECT relname::text FROM pg_class WHERE relname = $1" };

#[test]
fn the_server_sees_only_what_the_document_lists() {
    for major in support::versions() {
        let cluster = support::private_server(major, &logging_options());
        let admin = support::connect(&cluster.url("postgres"));
        admin.execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
        let target = Target::resolve(Some(&format!(
            "{}&application_name=watched&target_session_attrs=any",
            cluster.url("postgres")
        )));
        let mut session = Session::connect(&target.expect("a target")).expect("a session");
        let options = ReadOptions {
            search_path: Some("public".to_owned()),
            settings: vec![("enable_seqscan", "off".to_owned())],
            ..ReadOptions::default()
        };
        for statement in [
            "SELECT * FROM t WHERE a = $1",
            "DELETE FROM t WHERE a = $1",
            "UPDATE t SET a = 2",
            "SELECT 1; DELETE FROM t",
        ] {
            let _ = session.read(&options, |transaction| transaction.explain_generic(statement));
            let _ = session.read(&options, |transaction| transaction.parameter_types(statement));
            let _ = session.read(&options, |transaction| transaction.explain("EXPLAIN (FORMAT JSON) ", statement));
        }
        session.read(&ReadOptions::default(), |transaction| transaction.query(&CATALOG, &[&"t"])).expect("rows");
        drop(session);

        let sent: Vec<String> = sent_statements(&cluster, "watched").into_iter().map(|sent| sent.text).collect();
        assert!(sent.len() > 100, "only {} statements", sent.len());
        let listed = documented();
        for statement in &sent {
            assert!(
                listed.iter().any(|kind| is_of_kind(statement, kind)),
                "{major}: not in docs/safety.md: {statement}"
            );
        }
        assert!(!sent.iter().any(|statement| statement.to_uppercase().contains("ANALYZE")));
        assert_eq!(admin.value("SELECT sum(a) || ' ' || count(*) FROM t"), "1 1");
        assert_eq!(admin.value("SELECT n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relname = 't'"), "0");
    }
}
