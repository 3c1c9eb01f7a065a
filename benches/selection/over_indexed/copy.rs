//! The copy in which the advice is carried out, and what plans cost and writes take there. Advises nothing.

use std::time::Instant;

use pgadvise::server::Cluster;

use super::super::server::{Server, connect};

/// What one round of writes took.
pub struct Round {
    pub wall_s: f64,
    pub cpu_s: f64,
    pub wal_bytes: f64,
    pub hot_share: f64,
}

/// Copies `database` and carries `ddl` out in the copy; bytes of the indexes before and after.
pub fn apply(cluster: &Cluster, database: &str, copy: &str, ddl: &[String]) -> (f64, f64) {
    let make = format!("CREATE DATABASE {copy} TEMPLATE {database}");
    connect(&cluster.url("postgres")).execute(&make).unwrap_or_else(|failure| panic!("{failure:?}"));
    let before = index_bytes(&cluster.url(copy));
    let mut session = connect(&cluster.url(copy));
    for sql in ddl {
        session.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure:?}"));
    }
    (before, index_bytes(&cluster.url(copy)))
}

fn index_bytes(url: &str) -> f64 {
    let sql = "SELECT sum(pg_relation_size(indexrelid))::float8 AS bytes FROM pg_stat_user_indexes";
    connect(url).query(sql, &[]).expect("sizes")[0].get("bytes").expect("bytes")
}

/// What each statement costs.
pub fn costs(url: &str, statements: &[String]) -> Vec<f64> {
    let mut session = connect(url);
    let mut cost = |text: &String| {
        let answer = session.explain(&format!("EXPLAIN (FORMAT JSON) {text}"));
        let answer = answer.unwrap_or_else(|failure| panic!("{text}: {failure:?}"));
        pgadvise::plan::parse(&answer).unwrap_or_else(|error| panic!("{error}")).root.total_cost
    };
    statements.iter().map(&mut cost).collect()
}

/// The blocks that each statement reads, from the cache or not; it is executed and rolled back.
pub fn blocks(url: &str, statements: &[String]) -> Vec<f64> {
    let mut session = connect(url);
    let mut blocks = |text: &String| {
        session.execute("BEGIN").expect("BEGIN");
        let answer = session.explain(&format!("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {text}"));
        session.execute("ROLLBACK").expect("ROLLBACK");
        let answer = answer.unwrap_or_else(|failure| panic!("{text}: {failure:?}"));
        let plan: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
        let count = |name: &str| plan[0]["Plan"][name].as_f64().unwrap_or(0.0);
        count("Shared Hit Blocks") + count("Shared Read Blocks")
    };
    statements.iter().map(&mut blocks).collect()
}

/// Runs `statements` and measures them.
pub fn write(server: &Server, url: &str, statements: &[String]) -> Round {
    let (wal_before, cpu_before, updates_before) = (wal_bytes(url), server.cpu_s(), updates(url));
    let mut session = connect(url);
    let started = Instant::now();
    for sql in statements {
        session.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure:?}"));
    }
    let wall_s = started.elapsed().as_secs_f64();
    drop(session);
    let cpu_s = server.cpu_s() - cpu_before;
    let updates_after = updates(url);
    Round {
        wall_s,
        cpu_s,
        wal_bytes: wal_bytes(url) - wal_before,
        hot_share: (updates_after.1 - updates_before.1) / (updates_after.0 - updates_before.0).max(1.0),
    }
}

fn wal_bytes(url: &str) -> f64 {
    let sql = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8 AS bytes";
    connect(url).query(sql, &[]).expect("the WAL's end")[0].get("bytes").expect("bytes")
}

/// Updates so far, and HOT ones among them.
fn updates(url: &str) -> (f64, f64) {
    let sql = "SELECT sum(n_tup_upd)::float8 AS updates, sum(n_tup_hot_upd)::float8 AS hot FROM pg_stat_user_tables";
    let rows = connect(url).query(sql, &[]).expect("the counters");
    (rows[0].get("updates").expect("updates"), rows[0].get("hot").expect("updates"))
}
