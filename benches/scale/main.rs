//! How a run grows with the workload: wall time, what-if calls, CPU and peak memory at 1,000, 2,000 and 5,000 distinct
//! statements over 300 tables. Prints a table; asserts nothing, for machines are shared and noisy.
//!
//!     cargo bench --bench scale -- [--what-if shadow|hypopg] [--statements 1000,2000] [--schemas 300]

mod measure;
mod statements;

use std::path::Path;

use measure::Run;
use pgadvise::db::{Target, WritableSession};
use pgadvise::server::{Cluster, ClusterOptions, Search};

const N_STATEMENTS: [usize; 3] = [1_000, 2_000, 5_000];

/// What is to be measured.
struct Request {
    what_if: String,
    n_statements: Vec<usize>,
    /// Schemas that the tables are spread over.
    n_schemas: usize,
}

fn main() {
    let request = request(std::env::args().skip(1));
    let search = Search::from_environment(None).expect("the folders to search for PostgreSQL");
    let binaries = search
        .all()
        .into_iter()
        .find(|binaries| binaries.has_extension("hypopg"))
        .expect("HypoPG: run ./scripts/test once, which installs it");
    let options = ClusterOptions::default().with_setting("autovacuum", "off").with_setting("max_wal_size", "4GB");
    let cluster = Cluster::start(&binaries, &options).expect("a private server");
    let url = cluster.url("postgres");
    load(&url, request.n_schemas);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = |n: &usize| run(&cluster, &request, folder.path(), *n);
    let runs: Vec<Run> = request.n_statements.iter().map(run).collect();
    print_table(&request, &runs);
    cluster.stop().expect("the server stops");
}

fn request(mut arguments: impl Iterator<Item = String>) -> Request {
    let mut request = Request { what_if: "shadow".to_owned(), n_statements: N_STATEMENTS.to_vec(), n_schemas: 1 };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value"));
        match argument.as_str() {
            "--bench" => {} // cargo's own
            "--what-if" => request.what_if = value(),
            "--statements" => request.n_statements = value().split(',').map(|n| n.parse().expect("a number")).collect(),
            "--schemas" => request.n_schemas = value().parse().expect("a number"),
            other => panic!("there is no option {other}: --what-if, --statements, --schemas"),
        }
    }
    request
}

fn load(url: &str, n_schemas: usize) {
    let target = Target::resolve(Some(url)).expect("the private server's URL");
    let mut session = WritableSession::connect(&target).expect("a connection");
    for sql in statements::schema(n_schemas) {
        session.execute(&sql).expect("the schema loads");
    }
}

fn run(cluster: &Cluster, request: &Request, folder: &Path, n_statements: usize) -> Run {
    let workload = folder.join(format!("workload_{n_statements}.sql"));
    std::fs::write(&workload, statements::workload(n_statements, request.n_schemas)).expect("the workload is written");
    measure::run(cluster, &request.what_if, &workload, n_statements)
}

#[allow(clippy::print_stdout, reason = "the table is what this program is for")]
fn print_table(request: &Request, runs: &[Run]) {
    let Request { what_if, n_schemas, .. } = request;
    println!("{} tables in {n_schemas} schemas, --what-if {what_if}", statements::N_TABLES);
    println!(
        "statements  planned  proposed  what-if calls  wall s  pgadvise CPU s  server CPU s  peak MB   | for each statement, against the first row"
    );
    let first = &runs[0];
    for run in runs {
        let per = |value: f64, base: f64| (value / run.n_statements as f64) / (base / first.n_statements as f64);
        println!(
            "{:>10}  {:>7}  {:>8}  {:>13}  {:>6.1}  {:>14.1}  {:>12.1}  {:>7.0}   | calls x{:.2}, wall x{:.2}, CPU x{:.2}, memory x{:.2}",
            run.n_statements,
            run.n_planned,
            run.n_proposed,
            run.n_whatif_calls,
            run.wall_s,
            run.own_cpu_s,
            run.server_cpu_s,
            run.peak_bytes / 1e6,
            per(run.n_whatif_calls, first.n_whatif_calls),
            per(run.wall_s, first.wall_s),
            per(run.own_cpu_s + run.server_cpu_s, first.own_cpu_s + first.server_cpu_s),
            per(run.peak_bytes, first.peak_bytes),
        );
    }
}
