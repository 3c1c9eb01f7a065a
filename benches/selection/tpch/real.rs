//! Part `real`: the sets of Extend and of pgadvise built for real at equal bytes, and the queries run. Prices nothing.

use std::time::Instant;

use pgadvise::db::{Failure, WritableSession};

use super::super::server::connect;
use super::super::{Request, program, say};
use super::tools::Tool;
use super::{Axis, axis};

/// Runs of each query, of which the fastest counts.
const N_RUNS: usize = 3;
/// The budget of Extend in MB of `hypopg_relation_size`; the bytes that its indexes really have are pgadvise's budget.
const BUDGETS_MB: [u64; 2] = [500, 1000];

/// A query that takes longer is ended, and counts as that long. Without any index, query 21 takes many minutes: that is
/// why only the two sets are compared.
const LONGEST_S: u64 = 120;

/// A set, built: its bytes, and the fastest run of each query in ms.
struct Measured {
    name: String,
    creates: Vec<String>,
    bytes: f64,
    ms: Vec<f64>,
}

/// Measures both sets at each budget.
pub fn run(request: &Request) {
    assert!(request.url.is_none(), "indexes are really built: only in a private server");
    let axis = axis(request);
    let budgets = if request.budgets_mb.is_empty() { BUDGETS_MB.to_vec() } else { request.budgets_mb.clone() };
    say(&format!("TPC-H, indexes really built; ms, the fastest of {N_RUNS} runs of each query"));
    for budget_mb in budgets {
        let extend = Tool::Extend.run(&axis, budget_mb).creates;
        let extend = measure(&axis, format!("Extend, {budget_mb} MB of HypoPG's"), extend);
        print_sum(&extend, &extend);
        let advised = measure(&axis, "pgadvise, as many real bytes".to_owned(), advised(&axis, extend.bytes));
        print_sum(&advised, &extend);
        print_queries(&axis, &[&extend, &advised]);
    }
    axis.server.cluster.expect("the cluster is ours").stop().expect("the server stops");
}

fn advised(axis: &Axis, budget: f64) -> Vec<String> {
    let (workload, budget) = (axis.folder.path().join("workload"), format!("{budget:.0}"));
    let mut arguments = vec!["--what-if", "shadow", "--weigh", "cost", "--only-workload", "--workload"];
    arguments.extend([workload.to_str().expect("a path in UTF-8"), "--budget", &budget]);
    program::analyze(&axis.server.url, axis.folder.path(), &arguments).create_statements()
}

/// Builds a set, runs every query, and drops it.
fn measure(axis: &Axis, name: String, creates: Vec<String>) -> Measured {
    let mut session = connect(&axis.server.url);
    for sql in &creates {
        session.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure:?}"));
    }
    session.execute("CHECKPOINT").expect("a checkpoint");
    session.execute(&format!("SET statement_timeout = '{LONGEST_S}s'")).expect("a limit");
    let rows = session.query(
        "SELECT coalesce(sum(pg_relation_size(indexrelid)), 0)::float8 AS bytes, \
         coalesce(string_agg(indexrelid::regclass::text, ', '), '') AS names FROM pg_stat_user_indexes",
        &[],
    );
    let rows = rows.expect("the indexes");
    let (bytes, names) = (rows[0].get("bytes").expect("bytes"), rows[0].text("names").expect("names"));
    let ms = axis.queries.iter().map(|(_, text)| fastest_ms(&mut session, text)).collect();
    if !names.is_empty() {
        session.execute(&format!("DROP INDEX {names}")).expect("the indexes go");
    }
    Measured { name, creates, bytes, ms }
}

fn fastest_ms(session: &mut WritableSession, text: &str) -> f64 {
    let run = |session: &mut WritableSession| {
        let started = Instant::now();
        match session.execute(text) {
            Ok(()) => started.elapsed().as_secs_f64() * 1000.0,
            Err(Failure::Statement(refused)) if refused.is_cancelled() => LONGEST_S as f64 * 1000.0,
            Err(failure) => panic!("{failure:?}"),
        }
    };
    // What takes the longest once is not asked again.
    let limit = LONGEST_S as f64 * 1000.0;
    let mut fastest = run(session);
    for _ in 1..N_RUNS {
        if fastest < limit {
            fastest = fastest.min(run(session));
        }
    }
    fastest
}

/// The line of one set, as soon as it is measured, with its time as a share of another's.
fn print_sum(set: &Measured, base: &Measured) {
    let sum: f64 = set.ms.iter().sum();
    let share = sum / base.ms.iter().sum::<f64>();
    let (mb, n) = (set.bytes / 1e6, set.creates.len());
    say(&format!("{:<32} {n:>3} indexes {mb:>8.1} MB  sum {sum:>8.0} ms  {share:>6.3} of Extend's", set.name));
    for sql in &set.creates {
        say(&format!("    {sql}"));
    }
}

fn print_queries(axis: &Axis, sets: &[&Measured]) {
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    say(&format!("ms of each query: {}", names.join("; ")));
    for (position, (number, _)) in axis.queries.iter().enumerate() {
        let times: Vec<String> = sets.iter().map(|set| format!("{:>9.1}", set.ms[position])).collect();
        say(&format!("    q{number:<3}{}", times.join("")));
    }
}
