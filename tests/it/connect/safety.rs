//! docs/safety.md lists what is sent. The server's log is held against it, and its data and sessions are as before.

use pgadvise::db::{Query, ReadOptions, Session, Target};
use pgadvise::server::ClusterOptions;

use crate::support;

const DOCUMENT: &str = include_str!("../../../docs/safety.md");

const CATALOG: Query = Query { name: "relations", sql: "SELECT relname::text FROM pg_class WHERE relname = $1" };

/// The lines of the document's block of statements.
fn listed() -> Vec<&'static str> {
    let (_, after) = DOCUMENT.split_once("```statements\n").expect("a block of statements");
    after.split_once("```").expect("its end").0.lines().collect()
}

/// Whether a statement is of this kind: the pieces between the ellipses follow each other in it.
fn is_of_kind(statement: &str, kind: &str) -> bool {
    let mut pieces = kind.split('…');
    let Some(mut rest) = statement.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    kind.ends_with('…') || rest.is_empty()
}

#[test]
fn the_server_sees_only_what_the_document_lists() {
    for major in support::versions() {
        let options =
            ClusterOptions::default().with_setting("log_statement", "all").with_setting("log_line_prefix", "%a|");
        let cluster = support::private_server(major, &options);
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

        let log = std::fs::read_to_string(cluster.log_file()).expect("the log");
        let sent = sent_statements(&log);
        assert!(sent.len() > 100, "only {} statements: {log}", sent.len());
        let listed = listed();
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

/// Every statement of the watched session, the several of one message apart, without leading comments.
fn sent_statements(log: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for line in log.lines() {
        match line.strip_prefix('\t') {
            Some(continued) => {
                if let Some(entry) = entries.last_mut() {
                    entry.push('\n');
                    entry.push_str(continued);
                }
            }
            None => entries.push(line.to_owned()),
        }
    }
    let texts = entries.iter().filter_map(|entry| {
        let rest = entry.strip_prefix("watched|LOG:  ")?;
        let (_, text) = rest
            .strip_prefix("statement: ")
            .map(|text| ("", text))
            .or_else(|| rest.strip_prefix("execute ")?.split_once(": "))?;
        Some(text.to_owned())
    });
    texts
        .flat_map(|text| {
            if text.starts_with("PREPARE") || text.starts_with("EXPLAIN") {
                vec![text]
            } else {
                text.split(';').map(str::to_owned).collect()
            }
        })
        .map(|statement| {
            statement.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n").trim().to_owned()
        })
        .filter(|statement| !statement.is_empty())
        .collect()
}
