//! What goes wrong while a run is under way: connections that break or fall silent at any message, locks, tables that
//! come and go, other runs beside it, and roles that may see only a part.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::cli::{Desk, Run, SHOP_ADVICE, SHOP_WORKLOAD, fill_shop};
use crate::support::{self, Database, listen};

const CONNECTION: i32 = 3;

fn shop(name: &str) -> Database {
    let setup = "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg";
    let database = support::database_on(support::server_with_hypopg(), name, setup);
    fill_shop(&database);
    database
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("w.sql", SHOP_WORKLOAD);
    desk
}

const WORKLOAD: [&str; 4] = ["--no-emit", "--only-workload", "--workload", "w.sql"];

/// What a proxy does to a connection once it has carried enough.
#[derive(Clone, Copy, PartialEq)]
enum Break {
    Close,
    FallSilent,
}

/// A proxy before the server's socket that breaks each connection after `n_messages` from the client.
fn proxy(database: &Database, n_messages: Arc<AtomicUsize>, breaks: Break) -> String {
    let cluster = database.cluster();
    let socket = cluster.socket_folder().join(format!(".s.PGSQL.{}", cluster.port()));
    let port = listen(move |mut client| {
        let Ok(mut server) = UnixStream::connect(&socket) else { return };
        let (from_server, to_client) = (server.try_clone().expect("clone"), client.try_clone().expect("clone"));
        let is_silent = Arc::new(AtomicBool::new(false));
        let silenced = Arc::clone(&is_silent);
        std::thread::spawn(move || answer(from_server, to_client, &silenced));
        let (mut left, mut bytes) = (n_messages.load(Ordering::Relaxed), [0; 65_536]);
        while let Ok(n_bytes @ 1..) = client.read(&mut bytes) {
            if left == 0 && breaks == Break::Close {
                break;
            }
            is_silent.store(left == 0, Ordering::Relaxed);
            left = left.saturating_sub(1);
            if server.write_all(&bytes[..n_bytes]).is_err() {
                break;
            }
        }
        let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
    });
    format!("postgresql://postgres@127.0.0.1:{port}/{}?sslmode=disable", database.name())
}

fn answer(mut server: UnixStream, mut client: TcpStream, is_silent: &AtomicBool) {
    let mut bytes = [0; 65_536];
    while let Ok(n_bytes @ 1..) = server.read(&mut bytes) {
        if !is_silent.load(Ordering::Relaxed) && client.write_all(&bytes[..n_bytes]).is_err() {
            return;
        }
    }
    if !is_silent.load(Ordering::Relaxed) {
        let _ = client.shutdown(Shutdown::Both);
    }
}

#[test]
fn a_connection_that_breaks_at_any_message() {
    let database = shop("breaks");
    let n_messages = Arc::new(AtomicUsize::new(usize::MAX));
    let url = proxy(&database, Arc::clone(&n_messages), Break::Close);
    let desk = desk();
    desk.analyze(&url, &WORKLOAD).advises(SHOP_ADVICE);
    let mut n_broken = 0;
    for after in [0, 1, 2, 3, 5, 8, 13, 20, 30, 45, 60, 80, 100, 130] {
        n_messages.store(after, Ordering::Relaxed);
        let run = desk.try_analyze(&url, &WORKLOAD);
        match run.code {
            Some(0) => run.advises(SHOP_ADVICE),
            _ => {
                run.failed(CONNECTION, "conne", "");
                n_broken += 1;
            }
        }
    }
    assert!(n_broken >= 10, "only {n_broken} runs were broken");
}

#[test]
fn a_connection_that_falls_silent_is_given_up() {
    let database = shop("silence");
    let n_messages = Arc::new(AtomicUsize::new(40));
    let url = proxy(&database, n_messages, Break::FallSilent);
    let run = desk().try_analyze(&url, &WORKLOAD);
    run.failed(CONNECTION, "lost the connection to the server: no answer within", "again");
    assert!(run.elapsed < Duration::from_secs(30), "{:?}", run.elapsed);
}

#[test]
fn a_table_that_somebody_has_locked() {
    let database = shop("locked");
    let desk = desk();
    let holder = database.connect();
    holder.execute("BEGIN; LOCK TABLE customer IN ACCESS EXCLUSIVE MODE");
    let live = [&WORKLOAD[..], &["--what-if", "hypopg"]].concat();
    let run = desk.analyze(&database.url(), &live);
    run.advises(SHOP_ADVICE);
    run.has_gap(&["statement w.sql:4", "another session holds a lock"]);
    assert!(run.elapsed < Duration::from_secs(20), "{:?}", run.elapsed);
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(database.value(waiting), "0", "nobody queues behind us");
    holder.execute("ROLLBACK");
    let run = desk.analyze(&database.url(), &WORKLOAD);
    assert!(!run.gaps().iter().any(|gap| gap.contains("lock")), "{:?}", run.gaps());
}

#[test]
fn tables_that_come_and_go_meanwhile() {
    let database = shop("storm");
    let desk = desk();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let storm = database.connect();
        let is_over = &is_over;
        scope.spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                storm.execute(
                    "CREATE TABLE fleeting (id int PRIMARY KEY, a int); CREATE INDEX fleeting_a ON fleeting (a);
                     INSERT INTO fleeting SELECT g, g FROM generate_series(1, 100) g;
                     ALTER TABLE fleeting RENAME TO renamed; CREATE VIEW seen AS SELECT * FROM renamed;",
                );
                storm.execute("ALTER TABLE renamed ADD COLUMN b text; ALTER TABLE renamed RENAME COLUMN b TO c; DROP VIEW seen; DROP TABLE renamed");
                // Only this database's: other tests count on theirs.
                storm.execute(
                    "SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE datname = current_database()",
                );
            }
        });
        for _ in 0..6 {
            let run = desk.try_analyze(&database.url(), &["--no-emit", "--workload", "w.sql"]);
            if run.code != Some(0) {
                is_over.store(true, Ordering::Relaxed);
            }
            assert_eq!(run.code, Some(0), "{run:?}");
            run.advises(SHOP_ADVICE);
            assert!(
                run.ddl().iter().all(|ddl| !ddl.contains("fleeting") && !ddl.contains("renamed")),
                "{:?}",
                run.ddl()
            );
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn several_runs_at_once_write_a_folder_each() {
    const N_RUNS: usize = 6;
    let database = shop("at_once");
    let desk = desk();
    let url = database.url();
    let arguments = ["analyze", &url, "--only-workload", "--workload", "w.sql", "--format", "json"];
    let children: Vec<_> = (0..N_RUNS).map(|_| desk.start(&arguments)).collect();
    for child in children {
        let output = child.wait_with_output().expect("its end");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let files = desk.files();
    let manifests: Vec<&String> = files.iter().filter(|file| file.ends_with("manifest.json")).collect();
    assert_eq!(manifests.len(), N_RUNS, "{files:?}");
    for manifest in manifests {
        assert_eq!(desk.run(&["verify", &url, "--manifest", manifest]).code, Some(1), "{manifest}");
    }
    assert!(files.iter().all(|file| !file.contains("/.")), "{files:?}");
}

/// Whatever a role may see: what is advised is what the superuser is advised, and what was not seen is said.
#[test]
fn every_subset_of_privileges() {
    const RIGHTS: [(&str, &str); 4] = [
        ("GRANT pg_monitor TO subset_role", "REVOKE pg_monitor FROM subset_role"),
        ("GRANT pg_read_all_data TO subset_role", "REVOKE pg_read_all_data FROM subset_role"),
        ("GRANT SELECT ON orders TO subset_role", "REVOKE SELECT ON orders FROM subset_role"),
        ("GRANT USAGE ON SCHEMA tools TO subset_role", "REVOKE USAGE ON SCHEMA tools FROM subset_role"),
    ];
    let setup =
        "CREATE SCHEMA tools; CREATE EXTENSION pg_stat_statements SCHEMA tools; CREATE EXTENSION hypopg SCHEMA tools;
        CREATE ROLE subset_role LOGIN";
    let database = support::database_on(support::server_with_hypopg(), "subsets", setup);
    fill_shop(&database);
    support::cli::run_shop(&database);
    let desk = desk();
    let run = |url: &str| desk.analyze(url, &["--no-emit", "--workload", "w.sql"]);
    let of_superuser = run(&database.url()).ddl();
    let url = database.url().replacen("postgres@", "subset_role@", 1);
    for subset in 0..1usize << RIGHTS.len() {
        for (bit, (grant, revoke)) in RIGHTS.iter().enumerate() {
            database.execute(if subset >> bit & 1 == 1 { grant } else { revoke });
        }
        let seen = run(&url);
        for ddl in seen.ddl() {
            assert!(of_superuser.contains(&ddl), "subset {subset:04b}: {ddl}");
        }
        let sees_all = subset & 0b0011 == 0b0011; // the second opens every schema, too
        assert!(seen.ddl() == of_superuser || !sees_all, "subset {subset:04b}: {:?}", seen.gaps());
        assert!(sees_all || has_remedy(&seen), "subset {subset:04b}: {:?}", seen.gaps());
    }
    database.execute("DROP OWNED BY subset_role; DROP ROLE subset_role");
}

fn has_remedy(run: &Run) -> bool {
    run.gaps().iter().any(|gap| gap.contains("GRANT ") && gap.contains("subset_role"))
}
