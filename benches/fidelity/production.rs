//! What the analysed server sees of a whole analysis: statements by kind, its own time, locks. Runs `pgadvise` as users do.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use pgadvise::server::{Binaries, Cluster, ClusterOptions, Search};

use super::statement_log::{self, Sent};
use super::world::{self, READER, World};
use super::{Request, say};

/// How often each statement of the application has run, so that statistics have something to say.
const N_CALLS: usize = 3;

/// Runs an analysis of the shop with the shadow, and with HypoPG where the server has it, on each version.
pub fn run(request: &Request) {
    say("what the server sees of one analysis of the shop");
    for major in &request.majors {
        let search = Search::from_environment(None).expect("the folders to search");
        let of_version = search.all().into_iter().filter(|binaries| binaries.version().major() == *major);
        let binaries = of_version.max_by_key(|binaries| binaries.has_extension("hypopg"));
        let binaries = binaries.unwrap_or_else(|| panic!("PostgreSQL {major}: run ./scripts/test once"));
        for backend in ["shadow", "hypopg"] {
            if backend == "shadow" || binaries.has_extension("hypopg") {
                analyse(&binaries, request.scale, backend);
            }
        }
    }
}

fn options() -> ClusterOptions {
    let logging = statement_log::logging_options();
    let options = world::options().with_setting("pg_stat_statements.track_planning", "on");
    let options = logging.settings.iter().fold(options, |options, (name, value)| options.with_setting(name, value));
    options.with_setting("log_line_prefix", "%u|%p|%n|") // told by role, for the bench is called pgadvise, too
}

fn analyse(binaries: &Binaries, scale: f64, backend: &str) {
    let cluster = Cluster::start(binaries, &options()).expect("a private server");
    let world = World::load(&cluster, "shop", scale);
    let mut session = world::connect(&cluster.url(world.name));
    if backend == "hypopg" {
        session.execute("CREATE EXTENSION hypopg SCHEMA public").expect("HypoPG");
    }
    session.execute("CREATE EXTENSION pg_stat_statements SCHEMA public").expect("pg_stat_statements");
    for question in world.questions() {
        for _ in 0..N_CALLS {
            session.execute(&question.text).unwrap_or_else(|failure| panic!("{}: {failure:?}", question.title));
        }
    }
    let is_over = AtomicBool::new(false);
    let locks = std::thread::scope(|scope| {
        let sampler = scope.spawn(|| sample_locks(&cluster, &is_over));
        run_pgadvise(&world, backend);
        is_over.store(true, Ordering::Relaxed);
        sampler.join().expect("the sampler")
    });
    let time = session.query(
        "SELECT coalesce(sum(total_exec_time + total_plan_time), 0)::float8 AS ms, coalesce(max(max_exec_time), 0)::float8 AS longest \
         FROM pg_stat_statements WHERE userid = $1::text::regrole",
        &[&READER],
    );
    let time = time.expect("pg_stat_statements");
    let (ms, longest): (f64, f64) = (time[0].get("ms").expect("ms"), time[0].get("longest").expect("ms"));
    let sent = statement_log::sent_statements(&cluster, READER);
    say(&format!(
        "PostgreSQL {}, {backend}: {} statements, {ms:.0} ms of the server's time, the longest {longest:.1} ms, locks {locks:?}",
        binaries.version(),
        sent.len()
    ));
    for (kind, n) in kinds(&sent) {
        say(&format!("{n:>8}  {kind}"));
    }
    cluster.stop().expect("the server stops");
}

fn run_pgadvise(world: &World<'_>, backend: &str) {
    let status = Command::new(env!("CARGO_BIN_EXE_pgadvise"))
        .args(["analyze", &world.url_as(READER), "--no-emit", "--format", "json", "--what-if", backend, "--quiet"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .expect("pgadvise starts");
    assert!(status.success(), "pgadvise ended with {status}");
}

/// The modes of the reader's locks on relations, looked at as often as the server answers.
fn sample_locks(cluster: &Cluster, is_over: &AtomicBool) -> BTreeSet<String> {
    let mut session = world::connect(&cluster.url("postgres"));
    let mut modes = BTreeSet::new();
    while !is_over.load(Ordering::Relaxed) {
        let rows = session.query(
            "SELECT DISTINCT l.mode FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid \
             WHERE a.usename = $1 AND l.locktype NOT IN ('virtualxid', 'transactionid')",
            &[&READER],
        );
        modes.extend(rows.expect("pg_locks").iter().map(|row| row.text("mode").expect("a mode")));
    }
    modes
}

/// Statements by kind, as docs/safety.md lists them; one that it does not list stands for itself.
fn kinds(sent: &[Sent]) -> BTreeMap<String, usize> {
    let documented = statement_log::documented();
    let mut kinds = BTreeMap::new();
    for one in sent {
        let kind = documented.iter().find(|kind| statement_log::is_of_kind(&one.text, kind));
        let kind = kind.map_or_else(|| format!("not documented: {}", one.text), |kind| (*kind).to_owned());
        *kinds.entry(kind).or_default() += 1;
    }
    kinds
}
