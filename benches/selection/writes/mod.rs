//! Part `writes`: transactions per second of applications that write much, with the indexes that pgadvise chooses, with
//! those that it chooses when writes count nothing, and with an index for each slow query. Alternating rounds, medians.

mod round;
mod world;

use std::path::Path;

use pgadvise::analysis::{Request as Analysis, analyze};
use pgadvise::server::{Cluster, ClusterOptions};
use pgadvise::whatif::{Backend, Choice};

use super::algorithms::per_query;
use super::server::{Server, binaries, connect};
use super::whatif::{Whatif, create};
use super::{Request, median, say};
use round::Round;
use world::{WORLDS, World};

/// The database that every round copies, and the one whose statistics the tools see.
const TEMPLATE: &str = "template_of_rounds";
const OBSERVED: &str = "observed";
/// Rounds with each set.
const N_ROUNDS: usize = 5;

/// A set of indexes, by who chose it.
struct Chosen {
    name: &'static str,
    creates: Vec<String>,
    rounds: Vec<Round>,
}

/// Measures the applications.
pub fn run(request: &Request) {
    for world in WORLDS.iter().filter(|world| request.runs(world.name)) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        round::write_scripts(world, folder.path());
        let server = loaded(world);
        let (tps, mut sets) = choose(&server, world, folder.path());
        for number in 0..N_ROUNDS {
            for position in 0..sets.len() {
                let at = (position + number) % sets.len();
                let round = round::run(&server, world, TEMPLATE, &sets[at].creates, folder.path(), 1 + number);
                sets[at].rounds.push(round);
            }
        }
        say(&format!("{}; without any index {tps:.0} tps, in one run", world.title));
        print(&sets);
        server.cluster.expect("the cluster is ours").stop().expect("the server stops");
    }
}

fn loaded(world: &World) -> Server {
    let options = ClusterOptions::default()
        .with_setting("autovacuum", "off")
        .with_setting("fsync", "off")
        .with_setting("synchronous_commit", "off")
        .with_setting("max_wal_size", "4GB")
        .with_setting("shared_buffers", "512MB")
        .with_setting("shared_preload_libraries", "pg_stat_statements");
    let cluster = Cluster::start(&binaries(), &options).expect("a private server");
    connect(&cluster.url("postgres")).execute(&format!("CREATE DATABASE {TEMPLATE}")).expect("a database");
    let mut session = connect(&cluster.url(TEMPLATE));
    session.execute("CREATE EXTENSION hypopg; CREATE EXTENSION pg_stat_statements").expect("the extensions");
    session.execute(world.schema).unwrap_or_else(|failure| panic!("{failure:?}"));
    session.execute("VACUUM (FREEZE, ANALYZE)").expect("VACUUM");
    drop(session);
    Server::private(cluster, TEMPLATE)
}

/// Lets the application run once without any of the indexes, at so many transactions per second, and asks each tool.
fn choose(server: &Server, world: &World, scripts: &Path) -> (f64, Vec<Chosen>) {
    let cluster = server.cluster.as_ref().expect("the cluster is ours");
    round::copy(cluster, TEMPLATE, OBSERVED);
    let url = cluster.url(OBSERVED);
    connect(&url).execute("SELECT pg_stat_statements_reset()").expect("the counters are reset");
    let tps = round::pgbench(cluster, world, OBSERVED, scripts, 42);
    connect(&url).execute("ANALYZE").expect("ANALYZE");
    let texts = world.scripts.iter().map(|script| script.example.to_owned()).collect();
    let per_query = per_query::choose(&mut Whatif::new(connect(&url), texts));
    let set = |name, creates| Chosen { name, creates, rounds: Vec::new() };
    let sets = vec![
        set("pgadvise", advised(&url, false)),
        set("pgadvise, writes free", advised(&url, true)),
        set("an index for each slow query", per_query.iter().map(create).collect()),
    ];
    (tps, sets)
}

/// The CREATE INDEX statements that pgadvise answers.
fn advised(url: &str, ignores_writes: bool) -> Vec<String> {
    let mut request = Analysis::of(url).expect("the server's URL");
    request.what_if = Choice::Only(Backend::Shadow);
    request.ignores_writes = ignores_writes;
    let analysis = analyze(&request, &|_| {}).unwrap_or_else(|error| panic!("{error}"));
    analysis.ddl().into_iter().filter(|sql| sql.starts_with("CREATE INDEX")).collect()
}

fn print(sets: &[Chosen]) {
    say("  set                           indexes      tps  lowest  highest  server CPU s  WAL MB  HOT share");
    for set in sets {
        let median = |value: fn(&Round) -> f64| median(set.rounds.iter().map(value));
        let tps = || set.rounds.iter().map(|round| round.tps);
        say(&format!(
            "  {:<28}  {:>7}  {:>7.0}  {:>6.0}  {:>7.0}  {:>12.2}  {:>6.1}  {:>9.2}",
            set.name,
            set.creates.len(),
            median(|round| round.tps),
            tps().fold(f64::INFINITY, f64::min),
            tps().fold(0.0, f64::max),
            median(|round| round.cpu_s),
            median(|round| round.wal_bytes) / 1e6,
            median(|round| round.hot_share),
        ));
    }
    for set in sets {
        for sql in &set.creates {
            say(&format!("    {}: {sql}", set.name));
        }
    }
}
