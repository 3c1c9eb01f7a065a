//! Private servers: they start on every version, collide with nobody, and leave nothing behind however their owner ends.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pgadvise::server::{Cluster, ClusterOptions};

use crate::support;

/// Waits until `condition` holds; a reaper needs a moment.
fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_running(process_id: u32) -> bool {
    // A zombie has no working folder; a container's first process may never collect it.
    Command::new("sh")
        .args([
            "-c",
            "kill -0 \"$0\" && { [ ! -e /proc/self/cwd ] || ls -d \"/proc/$0/cwd/.\"; }",
            &process_id.to_string(),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("sh runs")
        .success()
}

#[test]
fn every_version_starts_with_what_the_tests_need() {
    for major in support::versions() {
        let database = support::database_on(
            support::server(major),
            "needs",
            "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pg_trgm; CREATE EXTENSION btree_gist",
        );
        let number: u32 = database.value("SHOW server_version_num").parse().expect("a number");
        assert_eq!(number, database.cluster().version().0);
        assert_eq!(number / 10_000, major);
        assert_eq!(database.value("SELECT count(*) > 0 FROM pg_stat_statements"), "t");
    }
}

#[test]
fn hypopg_is_there() {
    let database = support::database_on(support::server_with_hypopg(), "hypo", "CREATE EXTENSION hypopg");
    assert_eq!(database.value("SELECT count(*) FROM hypopg()"), "0");
}

#[test]
fn a_database_is_fresh_and_goes_away() {
    let first = support::database("fresh", "CREATE TABLE t (id int)");
    let second = support::database("fresh", "CREATE TABLE t (id int)");
    assert_ne!(first.name(), second.name());
    let name = first.name().to_owned();
    drop(first);
    assert_eq!(second.value(&format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'")), "0");
}

#[test]
fn a_dropped_cluster_leaves_nothing() {
    let cluster = support::private_server(15, &ClusterOptions::default());
    let (folder, process_id) = (cluster.socket_folder().to_owned(), cluster.process_id().expect("it runs"));
    assert!(is_running(process_id));
    drop(cluster);
    assert!(!is_running(process_id));
    assert!(!folder.exists());
    assert!(!folder.with_extension("lock").exists());
}

#[test]
fn clients_that_hold_on_do_not_keep_a_server_from_stopping() {
    let cluster = support::private_server(15, &ClusterOptions::default());
    let session = support::connect(&cluster.url("postgres"));
    session.execute("BEGIN; CREATE TABLE t (id int); LOCK t");
    cluster.stop().expect("it stops");
    assert!(session.try_execute("SELECT 1").is_err());
}

#[test]
fn shut_down_keeps_the_files_and_start_again_serves_them() {
    let mut cluster = support::private_server(15, &ClusterOptions::default());
    support::connect(&cluster.url("postgres")).execute("CREATE TABLE kept AS SELECT 42 AS answer");
    cluster.shut_down().expect("a clean shutdown");
    assert_eq!(cluster.process_id(), None);
    assert!(!cluster.data_directory().join("postmaster.pid").exists());
    cluster.start_again().expect("it starts again");
    assert_eq!(support::connect(&cluster.url("postgres")).value("SELECT answer FROM kept"), "42");
}

#[test]
fn a_killed_server_can_be_started_again() {
    let mut cluster = support::private_server(15, &ClusterOptions::default());
    let process_id = cluster.process_id().expect("it runs").to_string();
    assert!(Command::new("sh").args(["-c", "kill -s KILL \"$0\"", &process_id]).status().expect("sh").success());
    eventually("the server is gone", || !is_running(process_id.parse().expect("a number")));
    // Its backends end by themselves and let go of the shared memory, for which a new server waits. The killed one counts as
    // running until the kernel has done with it, so that its socket tells, not the answer alone.
    eventually("it starts again", {
        let cluster = std::cell::RefCell::new(&mut cluster);
        move || {
            let mut cluster = cluster.borrow_mut();
            let socket = cluster.socket_folder().join(format!(".s.PGSQL.{}", cluster.port()));
            cluster.start_again().is_ok() && UnixStream::connect(socket).is_ok()
        }
    });
    assert_eq!(support::connect(&cluster.url("postgres")).value("SELECT 1"), "1");
}

#[test]
fn several_start_at_once() {
    let folders: Vec<_> = std::thread::scope(|scope| {
        let start = || support::private_server(15, &ClusterOptions::default());
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(start)).collect();
        let clusters: Vec<Cluster> = threads.into_iter().map(|thread| thread.join().expect("it starts")).collect();
        clusters.iter().map(|cluster| cluster.socket_folder().to_owned()).collect()
    });
    assert!(folders.iter().all(|folder| !folder.exists()));
    assert_eq!(folders.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
}

#[test]
fn on_loopback_a_password_is_asked_for() {
    let options = ClusterOptions { listens_on_loopback: true, ..ClusterOptions::default() };
    let cluster = support::private_server(15, &options);
    support::connect(&cluster.url("postgres")).execute("CREATE ROLE guest LOGIN PASSWORD 'right'");
    let address = |password: &str| {
        format!("host=127.0.0.1 port={} user=guest password={password} dbname=postgres", cluster.port())
    };
    assert_eq!(support::connect(&address("right")).value("SELECT current_user"), "guest");
    assert!(std::panic::catch_unwind(|| support::connect(&address("wrong"))).is_err());
}

#[test]
fn a_setting_that_the_server_does_not_know_is_an_error_with_its_own_words() {
    let binaries = support::server(15).binaries().clone();
    let options = ClusterOptions::default().with_setting("no_such_setting", "1");
    let error = Cluster::start(&binaries, &options).expect_err("it cannot start");
    assert!(error.detail().is_some_and(|detail| detail.contains("no_such_setting")), "{error}");
    let options = ClusterOptions { locale: "xx_YY".to_owned(), ..ClusterOptions::default() };
    let error = Cluster::start(&binaries, &options).expect_err("it cannot start");
    assert!(error.detail().is_some_and(|detail| detail.contains("locale")), "{error}");
}

/// Set in the process that this test binary starts to be killed: the file where it writes what it started.
const OWNER_VARIABLE: &str = "PGADVISE_TEST_OWNER_FILE";

/// Plays the owner that is killed. Without its variable, when run as a test like others, there is nothing to play.
#[test]
fn owner_that_is_killed() {
    let Some(file) = std::env::var_os(OWNER_VARIABLE) else { return };
    let cluster = support::private_server(15, &ClusterOptions::default());
    let text = format!("{} {}", cluster.process_id().expect("it runs"), cluster.socket_folder().display());
    let unfinished = Path::new(&file).with_extension("unfinished");
    std::fs::write(&unfinished, text).expect("the file is written");
    std::fs::rename(&unfinished, &file).expect("the file is renamed");
    std::thread::sleep(Duration::from_secs(60));
}

/// Starts this test binary as an owner and waits until its server runs: the owner, the server's process id, its folder.
fn start_owner() -> (Child, u32, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("started");
    let owner = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "server::owner_that_is_killed"])
        .env(OWNER_VARIABLE, &file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the owner starts");
    eventually("the owner has started its server", || file.exists());
    let text = std::fs::read_to_string(&file).expect("the file");
    let (process_id, run_folder) = text.split_once(' ').expect("two words");
    let process_id = process_id.parse().expect("a number");
    assert!(is_running(process_id) && Path::new(run_folder).exists());
    (owner, process_id, PathBuf::from(run_folder))
}

fn kill(mut owner: Child) {
    owner.kill().expect("the owner is killed");
    owner.wait().expect("the owner is collected");
}

#[test]
fn a_killed_owners_server_is_stopped_and_removed() {
    let (owner, process_id, folder) = start_owner();
    kill(owner);
    eventually("its server is gone", || !is_running(process_id));
    eventually("its folder is gone", || !folder.exists());
}

#[test]
#[cfg(target_os = "linux")] // the reaper is found in /proc
fn when_the_reaper_is_killed_too_the_next_start_cleans_up() {
    let (owner, process_id, folder) = start_owner();
    let end = format!("pgadvise-reaper\0{}\0", folder.display());
    let is_reaper = |entry: &std::fs::DirEntry| {
        std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| line.ends_with(end.as_bytes()))
    };
    let reaper = std::fs::read_dir("/proc").expect("/proc").flatten().find(is_reaper).expect("the reaper runs");
    let reaper_id = reaper.file_name().into_string().expect("a number");
    assert!(Command::new("sh").args(["-c", "kill -s KILL \"$0\"", &reaper_id]).status().expect("sh").success());
    eventually("the reaper is gone", || !is_running(reaper_id.parse().expect("a number")));
    kill(owner);
    drop(support::private_server(15, &ClusterOptions::default()));
    assert!(!is_running(process_id) && !folder.exists());
}
