//! Where TPC-H comes from: a packaged generator makes data and query texts once, a private server loads them once, and
//! both are kept in a folder for the next run. Measures nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use pgadvise::server::{Cluster, ClusterOptions};

use super::super::server::{Server, binaries, connect};
use super::super::{Request, say};

/// The database.
const DATABASE: &str = "tpch";
/// The package of PyPI that carries the generator and the texts.
const GENERATOR: &str = "duckdb==0.9.2";
const SCHEMA: &str = include_str!("schema.sql");
const TABLES: [&str; 8] = ["region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem"];
/// 2 and 20 have costs that swallow all others without indexes, and so has 17: the published measurements leave them out.
const LEFT_OUT: [usize; 3] = [2, 17, 20];

/// A server that holds the data.
pub fn server(request: &Request) -> Server {
    if let Some(url) = &request.url {
        return Server::named(url);
    }
    let kept = request.data.join("cluster");
    let options = ClusterOptions::default()
        .with_setting("autovacuum", "off")
        .with_setting("fsync", "off")
        .with_setting("max_wal_size", "4GB")
        .with_setting("shared_buffers", "512MB")
        .with_setting("maintenance_work_mem", "256MB");
    let mut cluster = Cluster::start(&binaries(), &options).expect("a private server");
    if kept.exists() {
        cluster.shut_down().expect("the server stops");
        std::fs::remove_dir_all(cluster.data_directory()).expect("an empty data folder goes");
        copy(&kept, &cluster.data_directory());
        cluster.start_again().expect("the server starts with the kept data");
    } else {
        load(&cluster, &generated(&request.data));
        cluster.shut_down().expect("the server stops");
        copy(&cluster.data_directory(), &kept);
        cluster.start_again().expect("the server starts again");
    }
    Server::private(cluster, DATABASE)
}

/// The texts of the queries, by number.
pub fn queries(data: &Path) -> Vec<(usize, String)> {
    let folder = generated(data);
    let wanted = (1..=22).filter(|number| !LEFT_OUT.contains(number));
    wanted.map(|number| (number, query(&folder, number))).collect()
}

fn query(folder: &Path, number: usize) -> String {
    let path = folder.join(format!("{number}.sql"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let text = text.trim().trim_end_matches(';').to_owned();
    if number == 15 { with_named_revenue(&text) } else { text }
}

/// Query 15 with its view, which the text repeats, as one WITH query that the planner may still pull up.
fn with_named_revenue(text: &str) -> String {
    let between = |before: &str, after: &str| {
        let end = text.find(after).expect("query 15 has the view");
        let start = text[..end].rfind(before).expect("query 15 opens the view") + before.len();
        text[start..end].to_owned()
    };
    let first = between("supplier,\n    (", ") revenue0");
    let second = between("FROM (", ") revenue1");
    let named =
        text.replace(&format!("({first}) revenue0"), "revenue0").replace(&format!("({second}) revenue1"), "revenue0");
    assert!(named.len() + first.len() < text.len(), "query 15 names its view twice");
    format!("WITH revenue0 AS NOT MATERIALIZED ({first})\n{named}")
}

/// The folder of the generator's files, made when it is not there. The account that runs private servers must be able
/// to read it.
fn generated(data: &Path) -> PathBuf {
    let folder = data.join("generated");
    if folder.join("22.sql").exists() {
        return folder;
    }
    say("generating TPC-H at scale factor 1");
    std::fs::create_dir_all(&folder).expect("the folder for data");
    let environment = data.join("venv");
    run(Command::new("python3").args(["-m", "venv"]).arg(&environment));
    run(Command::new(environment.join("bin/pip")).args(["install", "--quiet", GENERATOR]));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/selection/tpch/generate.py");
    run(Command::new(environment.join("bin/python")).arg(script).arg(&folder));
    folder
}

fn load(cluster: &Cluster, folder: &Path) {
    say("loading it");
    connect(&cluster.url("postgres")).execute(&format!("CREATE DATABASE {DATABASE}")).expect("a database");
    let mut session = connect(&cluster.url(DATABASE));
    session.execute("CREATE EXTENSION hypopg").expect("HypoPG");
    session.execute(SCHEMA).expect("the schema");
    for table in TABLES {
        let file = folder.join(format!("{table}.csv"));
        let copy = format!("COPY {table} FROM '{}' (FORMAT csv)", file.display());
        session.execute(&copy).unwrap_or_else(|failure| panic!("{failure:?}"));
        std::fs::remove_file(&file).expect("a loaded file goes");
    }
    session.execute("VACUUM (FREEZE, ANALYZE)").expect("VACUUM");
}

/// Copies a data folder with its owner and permissions.
fn copy(from: &Path, to: &Path) {
    run(Command::new("cp").args(["-a", "--reflink=auto"]).arg(from).arg(to));
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?} ended with {status}");
}
