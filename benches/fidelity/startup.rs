//! How long a shadow takes to be ready, and how much room it takes, by the number of tables. Plans nothing.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

use pgadvise::collect::{CollectOptions, collect};
use pgadvise::db::{Session, Target};
use pgadvise::server::{Cluster, Search};
use pgadvise::snapshot::Snapshot;
use pgadvise::whatif::shadow::Shadow;

use super::world;
use super::{Request, say};

const N_TABLES: [usize; 3] = [100, 1_000, 5_000];
/// Enough for whole histograms.
const N_ROWS: usize = 300;
/// Blocks that each table is said to have, and each index a tenth of them: the size that the shadow shows costs it
/// nothing, and a source of that size would take hours to load.
const N_BLOCKS: u64 = 1_000;

/// What one start took.
struct Start {
    n_tables: usize,
    collect_s: f64,
    start_s: f64,
    real_bytes: u64,
    apparent_bytes: u64,
}

/// Starts shadows of growing numbers of tables on each version, and prints what each took.
pub fn run(request: &Request) {
    say("start of a shadow: 5 columns, 2 indexes and statistics for each table");
    say("version  tables  collect s  start s  real MB  apparent MB  | for each table, against the first row");
    for major in &request.majors {
        let search = Search::from_environment(None).expect("the folders to search");
        let binaries = search.find(Some(*major)).unwrap_or_else(|error| panic!("{error}"));
        let options = world::options().with_setting("max_locks_per_transaction", "2048");
        let cluster = Cluster::start(&binaries, &options).expect("a private server");
        let starts: Vec<Start> = N_TABLES.iter().map(|n| start(&cluster, *n)).collect();
        for start in &starts {
            print_row(*major, start, &starts[0]);
        }
        cluster.stop().expect("the server stops");
    }
}

fn start(cluster: &Cluster, n_tables: usize) -> Start {
    let database = format!("tables_{n_tables}");
    load(cluster, &database, n_tables);
    let target = Target::resolve(Some(&cluster.url(&database))).expect("a target");
    let mut session = Session::connect(&target).expect("a session");
    let began = Instant::now();
    let mut snapshot =
        collect(&mut session, &CollectOptions::default(), &|_| {}).unwrap_or_else(|error| panic!("{error}"));
    let collect_s = began.elapsed().as_secs_f64();
    enlarge(&mut snapshot);
    let began = Instant::now();
    let shadow = Shadow::start(&snapshot, cluster.binaries(), &|_| {}).unwrap_or_else(|error| panic!("{error}"));
    let start_s = began.elapsed().as_secs_f64();
    let (real_bytes, apparent_bytes) = room(&shadow.data_directory());
    Start { n_tables, collect_s, start_s, real_bytes, apparent_bytes }
}

fn load(cluster: &Cluster, database: &str, n_tables: usize) {
    world::connect(&cluster.url("postgres")).execute(&format!("CREATE DATABASE {database}")).expect("a database");
    let mut session = world::connect(&cluster.url(database));
    let table = |number: usize| {
        format!(
            "CREATE TABLE t{number:04} (id int PRIMARY KEY, owner_id int NOT NULL, state text, amount numeric(12,2), at timestamp);
             INSERT INTO t{number:04} SELECT g, g % 40, 'state ' || g % 7, g * 1.5, timestamp '2024-01-01' + g * interval '1 hour'
             FROM generate_series(1, {N_ROWS}) g;
             CREATE INDEX ON t{number:04} (owner_id, at);\n"
        )
    };
    for chunk in (0..n_tables).collect::<Vec<_>>().chunks(100) {
        let sql: String = chunk.iter().map(|number| table(*number)).collect();
        session.execute(&sql).expect("tables");
    }
    session.execute("VACUUM (ANALYZE)").expect("VACUUM");
}

/// Says of each table and index that it is large.
fn enlarge(snapshot: &mut Snapshot) {
    for relation in &mut snapshot.relations {
        relation.n_pages = N_BLOCKS;
        relation.n_blocks = Some(N_BLOCKS);
        relation.n_rows = relation.n_rows.map(|_| 100.0 * N_BLOCKS as f64);
        for index in &mut relation.indexes {
            index.n_pages = N_BLOCKS / 10;
            index.n_blocks = Some(N_BLOCKS / 10);
        }
    }
}

/// Bytes of the blocks that files below `folder` have on disk, and of their lengths.
fn room(folder: &Path) -> (u64, u64) {
    let (mut real, mut apparent) = (0, 0);
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let Ok(metadata) = entry.metadata() else { continue }; // gone meanwhile
        if metadata.is_dir() {
            let below = room(&entry.path());
            real += below.0;
            apparent += below.1;
        } else {
            real += metadata.blocks() * 512;
            apparent += metadata.len();
        }
    }
    (real, apparent)
}

fn print_row(major: u32, start: &Start, first: &Start) {
    let ratio = |value: f64, base: f64| (value / start.n_tables as f64) / (base / first.n_tables as f64);
    say(&format!(
        "{major:>7}  {:>6}  {:>9.1}  {:>7.1}  {:>7.0}  {:>11.0}  | collect x{:.2}, start x{:.2}, room x{:.2}",
        start.n_tables,
        start.collect_s,
        start.start_s,
        start.real_bytes as f64 / 1e6,
        start.apparent_bytes as f64 / 1e6,
        ratio(start.collect_s, first.collect_s),
        ratio(start.start_s, first.start_s),
        ratio(start.real_bytes as f64, first.real_bytes as f64),
    ));
}
