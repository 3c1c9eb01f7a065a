//! Part `real`: the sets of Extend and of pgadvise built for real at equal bytes, over the same rows, and the queries run
//! with either in turn, the other being invalid to the planner. Prices nothing.

use std::collections::BTreeMap;
use std::time::Instant;

use pgadvise::db::{Failure, WritableSession};

use super::super::server::connect;
use super::super::{Request, program, say};
use super::tools::Tool;
use super::{Axis, axis};

/// Runs of each query with each set, of which the fastest counts: what else the machine does only makes it slower.
const N_RUNS: usize = 5;
/// The budget of Extend in MB of `hypopg_relation_size`; the bytes that its indexes really have are pgadvise's budget.
const BUDGETS_MB: [u64; 2] = [500, 1000];

/// A query that takes longer is ended, and counts as that long. Without any index, query 21 takes many minutes: that is
/// why only the two sets are compared.
const LONGEST_S: u64 = 120;

/// A set, built: its indexes, their bytes, and the fastest run of each query in ms.
struct Built {
    name: String,
    creates: Vec<String>,
    indexes: Vec<String>,
    bytes: f64,
    ms: Vec<f64>,
}

/// Measures both sets at each budget.
pub fn run(request: &Request) {
    assert!(request.url.is_none(), "indexes are really built: only in a private server");
    let axis = axis(request);
    let budgets = if request.budgets_mb.is_empty() { BUDGETS_MB.to_vec() } else { request.budgets_mb.clone() };
    say(&format!(
        "TPC-H, indexes really built; ms, the fastest of {N_RUNS} runs of each query, in turn with the other set"
    ));
    for budget_mb in budgets {
        let mut session = connect(&axis.server.url);
        session.execute(&format!("SET statement_timeout = '{LONGEST_S}s'")).expect("a limit");
        let creates = Tool::Extend.run(&axis, budget_mb).creates;
        let extend = || format!("Extend, {budget_mb} MB of HypoPG's");
        // What is advised must not see what is built for the other.
        let built = Built::new(&mut session, extend(), creates.clone());
        built.drop(&mut session);
        let advised = advised(&axis, built.bytes);
        let extend = Built::new(&mut session, extend(), creates);
        let pgadvise = Built::new(&mut session, "pgadvise, as many real bytes".to_owned(), advised);
        let mut sets = [extend, pgadvise];
        measure(&axis, &mut session, &mut sets);
        let [extend, pgadvise] = &sets;
        print_sum(extend, extend);
        print_sum(pgadvise, extend);
        print_queries(&axis, &sets);
        sets.iter().for_each(|set| set.drop(&mut session));
    }
    axis.server.cluster.expect("the cluster is ours").stop().expect("the server stops");
}

fn advised(axis: &Axis, budget: f64) -> Vec<String> {
    let (workload, budget) = (axis.folder.path().join("workload"), format!("{budget:.0}"));
    let mut arguments = vec!["--what-if", "shadow", "--weigh", "cost", "--only-workload", "--workload"];
    arguments.extend([workload.to_str().expect("a path in UTF-8"), "--budget", &budget]);
    program::analyze(&axis.server.url, axis.folder.path(), &arguments).create_statements()
}

impl Built {
    /// Builds a set, under names that are free.
    fn new(session: &mut WritableSession, name: String, creates: Vec<String>) -> Self {
        let before = indexes(session);
        for sql in &creates {
            let (_, definition) = sql.split_once(" ON ").expect("the index is on a relation");
            session
                .execute(&format!("CREATE INDEX ON {definition}"))
                .unwrap_or_else(|failure| panic!("{sql}: {failure:?}"));
        }
        session.execute("CHECKPOINT").expect("a checkpoint");
        let built = indexes(session).into_iter().filter(|(index, _)| !before.contains_key(index));
        let (names, bytes): (Vec<String>, Vec<f64>) = built.unzip();
        Self { name, creates, indexes: names, bytes: bytes.iter().sum(), ms: Vec::new() }
    }

    fn drop(&self, session: &mut WritableSession) {
        session.execute(&format!("DROP INDEX {}", self.indexes.join(", "))).expect("the indexes go");
    }
}

/// The indexes that there are, by qualified name, with their bytes.
fn indexes(session: &mut WritableSession) -> BTreeMap<String, f64> {
    let sql = "SELECT indexrelid::regclass::text AS name, pg_relation_size(indexrelid)::float8 AS bytes FROM pg_stat_user_indexes";
    let rows = session.query(sql, &[]).expect("the indexes");
    rows.iter().map(|row| (row.text("name").expect("a name"), row.get("bytes").expect("bytes"))).collect()
}

/// Lets the planner see one set's indexes: no plan uses an invalid index.
fn show(session: &mut WritableSession, set: &Built) {
    let shown: Vec<String> = set.indexes.iter().map(|index| format!("'{index}'::regclass")).collect();
    let sql = format!(
        "UPDATE pg_index SET indisvalid = indexrelid = ANY(ARRAY[{}]::oid[]) \
         WHERE indexrelid IN (SELECT indexrelid FROM pg_stat_user_indexes)",
        shown.join(", ")
    );
    session.execute(&sql).expect("an update by the superuser");
}

/// Runs every query with each set in turn, the sets in turn first.
fn measure(axis: &Axis, session: &mut WritableSession, sets: &mut [Built]) {
    for set in &mut *sets {
        set.ms = vec![f64::INFINITY; axis.queries.len()];
    }
    for _ in 0..N_RUNS {
        sets.reverse();
        for set in &mut *sets {
            show(session, set);
            for (fastest, (_, text)) in set.ms.iter_mut().zip(&axis.queries) {
                *fastest = fastest.min(ms(session, text));
            }
        }
    }
    sets.sort_by(|a, b| a.name.cmp(&b.name));
}

fn ms(session: &mut WritableSession, text: &str) -> f64 {
    let started = Instant::now();
    match session.execute(text) {
        Ok(()) => started.elapsed().as_secs_f64() * 1000.0,
        Err(Failure::Statement(refused)) if refused.is_cancelled() => LONGEST_S as f64 * 1000.0,
        Err(failure) => panic!("{failure:?}"),
    }
}

/// The line of one set, with its time as a share of another's.
fn print_sum(set: &Built, base: &Built) {
    let sum: f64 = set.ms.iter().sum();
    let share = sum / base.ms.iter().sum::<f64>();
    let (mb, n) = (set.bytes / 1e6, set.creates.len());
    say(&format!("{:<32} {n:>3} indexes {mb:>8.1} MB  sum {sum:>8.0} ms  {share:>6.3} of Extend's", set.name));
    for sql in &set.creates {
        say(&format!("    {sql}"));
    }
}

fn print_queries(axis: &Axis, sets: &[Built]) {
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    say(&format!("ms of each query: {}", names.join("; ")));
    for (position, (number, _)) in axis.queries.iter().enumerate() {
        let times: Vec<String> = sets.iter().map(|set| format!("{:>9.1}", set.ms[position])).collect();
        say(&format!("    q{number:<3}{}", times.join("")));
    }
}
