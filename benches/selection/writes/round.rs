//! One round of an application with one set of indexes: a fresh copy of its database, the indexes, pgbench. Judges nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pgadvise::server::Cluster;

use super::super::server::{Server, connect};
use super::world::World;

/// What a round took.
pub struct Round {
    pub tps: f64,
    pub cpu_s: f64,
    pub wal_bytes: f64,
    pub hot_share: f64,
}

/// Makes `database` a copy of `template`, anew.
pub fn copy(cluster: &Cluster, template: &str, database: &str) {
    let mut session = connect(&cluster.url("postgres"));
    for sql in [
        format!("DROP DATABASE IF EXISTS {database}"),
        format!("CREATE DATABASE {database} TEMPLATE {template}"),
        "CHECKPOINT".to_owned(),
    ] {
        session.execute(&sql).unwrap_or_else(|failure| panic!("{sql}: {failure:?}"));
    }
}

/// Copies `template`, builds `creates`, runs the application's transactions.
pub fn run(server: &Server, world: &World, template: &str, creates: &[String], scripts: &Path, seed: usize) -> Round {
    let cluster = server.cluster.as_ref().expect("the cluster is ours");
    let database = "round";
    copy(cluster, template, database);
    let url = cluster.url(database);
    let mut session = connect(&url);
    for sql in creates {
        session.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure:?}"));
    }
    session.execute("CHECKPOINT").expect("a checkpoint");
    drop(session);
    let (wal_before, cpu_before) = (wal_bytes(&url), server.cpu_s());
    let tps = pgbench(cluster, world, database, scripts, seed);
    let cpu_s = server.cpu_s() - cpu_before;
    Round { tps, cpu_s, wal_bytes: wal_bytes(&url) - wal_before, hot_share: hot_share(&url) }
}

/// Writes the scripts of an application into `folder`.
pub fn write_scripts(world: &World, folder: &Path) {
    for script in world.scripts {
        let text = format!("{}\n{};\n", script.variables, script.statement);
        std::fs::write(folder.join(format!("{}.sql", script.name)), text).expect("a script is written");
    }
}

/// Runs pgbench with one client and returns its transactions per second, without the time to connect.
pub fn pgbench(cluster: &Cluster, world: &World, database: &str, scripts: &Path, seed: usize) -> f64 {
    let mut command = Command::new(cluster.binaries().program("pgbench"));
    command
        .args(["--no-vacuum", "--client", "1", "--username", "postgres"])
        .arg(format!("--transactions={}", world.n_transactions))
        .arg(format!("--random-seed={seed}"))
        .arg(format!("--host={}", cluster.socket_folder().display()))
        .arg(format!("--port={}", cluster.port()))
        .stdin(Stdio::null());
    for script in world.scripts {
        let path: PathBuf = scripts.join(format!("{}.sql", script.name));
        command.arg(format!("--file={}@{}", path.display(), script.weight));
    }
    let output = command.arg(database).output().expect("pgbench starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let line = text.lines().find_map(|line| line.strip_prefix("tps = ")).expect("pgbench says its tps");
    line.split(' ').next().and_then(|tps| tps.parse().ok()).expect("a number")
}

fn wal_bytes(url: &str) -> f64 {
    let sql = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8 AS bytes";
    connect(url).query(sql, &[]).expect("the WAL's end")[0].get("bytes").expect("bytes")
}

fn hot_share(url: &str) -> f64 {
    let sql =
        "SELECT coalesce(sum(n_tup_hot_upd) / nullif(sum(n_tup_upd), 0), 0)::float8 AS share FROM pg_stat_user_tables";
    connect(url).query(sql, &[]).expect("the counters")[0].get("share").expect("a share")
}
