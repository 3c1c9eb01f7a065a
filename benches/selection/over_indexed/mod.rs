//! Part `over-indexed`: what pgadvise takes away from a schema with an index on every column and pair, and whether
//! anything becomes worse when that is really done in a copy.

mod copy;
mod schema;
mod workload;

use std::collections::BTreeMap;

use pgadvise::server::{Cluster, ClusterOptions};
use serde_json::Value;

use super::median;
use super::program::{self, Run};
use super::say;
use super::server::{Server, binaries, connect};
use copy::Round;

/// The database as it is, and the copy that is trimmed.
const DATABASE: &str = "shop";
const COPY: &str = "trimmed";
/// Rounds of writes in each of the two, alternating.
const N_ROUNDS: usize = 5;
/// A plan that costs more than this times what it did is worse: costs are compared with a fuzz of 1 %.
const WORSE: f64 = 1.01;

/// Prints what goes, what that gives, and what becomes worse.
pub fn run() {
    let server = loaded();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let arguments = ["--what-if", "shadow", "--threshold", "min_stats_age_days=0"];
    let run = program::analyze(&server.url, folder.path(), &arguments);
    print_advice(&run);
    print_declined(&run);
    let cluster = server.cluster.as_ref().expect("the cluster is ours");
    let (before, after) = copy::apply(cluster, DATABASE, COPY, &run.statements());
    say(&format!("bytes of indexes: {:.1} MB before, {:.1} MB after", before / 1e6, after / 1e6));
    print_plans(cluster);
    print_writes(&server);
    server.cluster.expect("the cluster is ours").stop().expect("the server stops");
}

/// A server that has run the workload for a while since its counters were reset.
fn loaded() -> Server {
    let options = ClusterOptions::default()
        .with_setting("autovacuum", "off")
        .with_setting("fsync", "off")
        .with_setting("max_wal_size", "4GB")
        .with_setting("shared_buffers", "512MB")
        .with_setting("shared_preload_libraries", "pg_stat_statements");
    let cluster = Cluster::start(&binaries(), &options).expect("a private server");
    connect(&cluster.url("postgres")).execute(&format!("CREATE DATABASE {DATABASE}")).expect("a database");
    let mut session = connect(&cluster.url(DATABASE));
    session.execute("CREATE EXTENSION pg_stat_statements").expect("pg_stat_statements");
    for sql in schema::statements() {
        session.execute(&sql).unwrap_or_else(|failure| panic!("{sql}: {failure:?}"));
    }
    session.execute("VACUUM (FREEZE, ANALYZE)").expect("VACUUM");
    let rows = session.query("SELECT count(*) AS n FROM pg_indexes WHERE schemaname = 'public'", &[]);
    let n_indexes: i64 = rows.expect("pg_indexes")[0].get("n").expect("a number");
    assert_eq!(n_indexes as usize, schema::N_INDEXES);
    session.execute("SELECT pg_stat_reset(); SELECT pg_stat_statements_reset()").expect("the counters are reset");
    for round in 0..2 {
        for sql in workload::reads(round).iter().chain(&workload::writes(round)) {
            session.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure:?}"));
        }
    }
    drop(session);
    Server::private(cluster, DATABASE)
}

fn print_advice(run: &Run) {
    let drops: Vec<&Value> = run.steps("drop_index");
    let kept = schema::N_INDEXES - drops.len();
    say(&format!(
        "{} indexes: {} are dropped ({:.1} MB, {:.0} units of write cost), {} created, {kept} stay; {:.1} s, {} planner calls",
        schema::N_INDEXES,
        drops.len(),
        run.summary("drop_bytes") / 1e6,
        -drops.iter().map(|step| step["write_cost"].as_f64().unwrap_or(0.0)).sum::<f64>(),
        run.steps("create_index").len(),
        run.wall_s,
        run.summary("n_whatif_calls"),
    ));
    let mut findings: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in run.report["findings"].as_array().expect("findings").iter().filter(|one| one["index"].is_string()) {
        *findings.entry(finding["rule"].as_str().unwrap_or("?")).or_default() += 1;
    }
    for (rule, n) in findings {
        say(&format!("{n:>5} findings of {rule}"));
    }
    for step in run.steps("create_index").into_iter().chain(drops) {
        let rules: Vec<&str> = step["answers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let why = step["cautions"].as_array().and_then(|cautions| cautions.first()).and_then(Value::as_str);
        say(&format!(
            "  {:<12} {:<38} {:>8.2} MB  write cost {:>9.1}  {:<30} {}",
            step["action"].as_str().unwrap_or("?"),
            step["id"].as_str().unwrap_or("?"),
            step["index_bytes"].as_f64().unwrap_or(0.0) / 1e6,
            step["write_cost"].as_f64().unwrap_or(0.0),
            rules.join(", "),
            why.unwrap_or(""),
        ));
    }
}

/// The existing indexes that could go by the catalog alone, and why they stay.
fn print_declined(run: &Run) {
    let reasons = run.report["declined"].as_array().into_iter().flatten().filter_map(|one| one["reason"].as_str());
    let of_existing: Vec<&str> =
        reasons.filter(|reason| reason.starts_with("existing index ") && reason.contains(" stays: ")).collect();
    say(&format!("{:>5} stay though another index does what they do, or for want of evidence:", of_existing.len()));
    of_existing.iter().for_each(|reason| say(&format!("  {reason}")));
}

fn print_plans(cluster: &Cluster) {
    let samples = workload::samples();
    let before = copy::costs(&cluster.url(DATABASE), &samples);
    let after = copy::costs(&cluster.url(COPY), &samples);
    let blocks_before = copy::blocks(&cluster.url(DATABASE), &samples);
    let blocks_after = copy::blocks(&cluster.url(COPY), &samples);
    let blocks = blocks_before.iter().zip(&blocks_after);
    let mut n_worse = 0;
    for (((text, before), after), (blocks_before, blocks_after)) in samples.iter().zip(&before).zip(&after).zip(blocks)
    {
        if after / before > WORSE {
            n_worse += 1;
            say(&format!("  costs more: {before:.2} -> {after:.2}, blocks {blocks_before} -> {blocks_after}: {text}"));
        }
    }
    let (sum_before, sum_after): (f64, f64) = (blocks_before.iter().sum(), blocks_after.iter().sum());
    say(&format!("blocks that the statements read when they are run: {sum_before} -> {sum_after}"));
    let (sum_before, sum_after): (f64, f64) = (before.iter().sum(), after.iter().sum());
    let n = samples.len();
    say(&format!(
        "{n} statements planned: {n_worse} cost more than 1 % more, sum of costs {sum_before:.0} -> {sum_after:.0}"
    ));
}

fn print_writes(server: &Server) {
    let cluster = server.cluster.as_ref().expect("the cluster is ours");
    let urls = [cluster.url(DATABASE), cluster.url(COPY)];
    let mut rounds: [Vec<Round>; 2] = [Vec::new(), Vec::new()];
    for round in 0..N_ROUNDS {
        for (url, rounds) in urls.iter().zip(&mut rounds) {
            rounds.push(copy::write(server, url, &workload::writes(2 + round)));
        }
    }
    say("writes, median of rounds    wall s  server CPU s  WAL MB  HOT share of updates");
    for (name, rounds) in ["all 128 indexes", "as advised"].iter().zip(&rounds) {
        let median = |value: fn(&Round) -> f64| median(rounds.iter().map(value));
        let (wall, cpu) = (median(|round| round.wall_s), median(|round| round.cpu_s));
        let (wal, hot) = (median(|round| round.wal_bytes) / 1e6, median(|round| round.hot_share));
        say(&format!("  {name:<24} {wall:>7.2}  {cpu:>12.2}  {wal:>6.2}  {hot:>20.2}"));
    }
}
