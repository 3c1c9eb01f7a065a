//! Modelled sizes of indexes against indexes really built, over tables of two sizes.

use std::cell::RefCell;

use pgadvise::collect::{CollectOptions, collect};
use pgadvise::db::{Session, Target, WritableSession};
use pgadvise::server::{Cluster, ClusterOptions, Search};
use pgadvise::snapshot::Snapshot;

use crate::corpus::{self, BTREE, Corpus, Measured, OTHERS, Server};

/// Rows of the tables: small ones, where a page more or less shows, and larger ones, whose trees have all levels.
const N_ROWS: [u32; 2] = [20_000, 60_000];
/// B-trees are built faster than all others.
const BTREE_ROWS_FACTOR: u32 = 4;

/// Measures on a private server of each of `majors` and prints the ratios; `each` prints every index as well.
#[allow(clippy::print_stdout, reason = "the table is what this program is for")]
pub fn print(majors: &[u32], each: bool) {
    println!(
        "PostgreSQL  rows     method  indexes  modelled / real pages: p5  p50   p95   least  most   heights right"
    );
    for major in majors {
        let search = Search::from_environment(None).expect("the folders to search for PostgreSQL");
        let binaries = search.find(Some(*major)).expect("a server: run ./scripts/test once, which installs them");
        let options = ClusterOptions::default().with_setting("autovacuum", "off").with_setting("max_wal_size", "4GB");
        let cluster = Cluster::start(&binaries, &options).expect("a private server");
        for n_rows in N_ROWS {
            for (corpus, n_rows) in [(&BTREE, n_rows * BTREE_ROWS_FACTOR), (&OTHERS, n_rows)] {
                for (method, measured) in corpus::by_method(measure(&cluster, corpus, n_rows)) {
                    println!("{major:>10}  {n_rows:>7}  {method:>6}  {}", row(&measured));
                    if each {
                        measured.iter().for_each(|one| println!("    {}", one.line()));
                    }
                }
            }
        }
        cluster.stop().expect("the server stops");
    }
}

fn row(measured: &[Measured]) -> String {
    let at = |percent| corpus::percentile(measured, percent);
    let n_heights = measured.iter().filter(|one| one.model.height == one.real.height).count();
    let heights = if measured.iter().any(|one| one.real.height > 0) { n_heights.to_string() } else { String::new() };
    format!(
        "{:>7}  {:>26.2}  {:.2}  {:.2}  {:>5.2}  {:>5.2}  {heights:>13}",
        measured.len(),
        at(5),
        at(50),
        at(95),
        at(0),
        at(100)
    )
}

fn measure(cluster: &Cluster, corpus: &Corpus, n_rows: u32) -> Vec<Measured> {
    let connect = |database: &str| {
        let target = Target::resolve(Some(&cluster.url(database))).expect("the private server's URL");
        WritableSession::connect(&target).expect("a connection")
    };
    connect("postgres").execute("CREATE DATABASE sizes TEMPLATE template0").expect("a database");
    let server = Private { session: RefCell::new(connect("sizes")), cluster };
    let measured = corpus::measure(&server, corpus, n_rows);
    drop(server);
    connect("postgres").execute("DROP DATABASE sizes WITH (FORCE)").expect("no database");
    measured
}

struct Private<'c> {
    session: RefCell<WritableSession>,
    cluster: &'c Cluster,
}

impl Server for Private<'_> {
    fn execute(&self, sql: &str) {
        self.session.borrow_mut().execute(sql).unwrap_or_else(|failure| panic!("{failure:?}\nin {sql}"));
    }

    fn value(&self, sql: &str) -> String {
        let rows = self.session.borrow_mut().query(sql, &[]).unwrap_or_else(|failure| panic!("{failure:?}\nin {sql}"));
        rows.first().expect("a row").text("value").expect("a text")
    }

    fn snapshot(&self) -> Snapshot {
        let target = Target::resolve(Some(&self.cluster.url("sizes"))).expect("the private server's URL");
        let mut session = Session::connect(&target).expect("a connection");
        collect(&mut session, &CollectOptions::default(), &|_| {}).expect("a snapshot")
    }

    fn major(&self) -> u32 {
        self.cluster.version().major()
    }
}
