//! Servers for the tests, one per installation and process. Knows no database.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use pgadvise::server::{Binaries, Cluster, ClusterOptions, Search};

/// The major versions that pgadvise supports, which the tests run on.
const SUPPORTED: [u32; 6] = [13, 14, 15, 16, 17, 18];

/// What to do when a server is missing.
const INSTRUCTIONS: &str = "run ./scripts/test, which installs the servers that the tests need";

/// The major versions that a test of all versions runs on.
pub fn versions() -> Vec<u32> {
    let Some(text) = std::env::var("PGADVISE_TEST_PG").ok().filter(|text| !text.trim().is_empty()) else {
        return SUPPORTED.to_vec();
    };
    text.split(',').map(|major| major.trim().parse().expect("PGADVISE_TEST_PG lists major versions: 15,17")).collect()
}

/// The shared server of a major version, with pg_stat_statements loaded.
pub fn server(major: u32) -> &'static Cluster {
    let binaries = search().find(Some(major)).unwrap_or_else(|error| panic!("{error}\n{INSTRUCTIONS}"));
    shared(&binaries)
}

/// The shared server of the newest version that HypoPG is installed for.
pub fn server_with_hypopg() -> &'static Cluster {
    shared(&binaries_with_hypopg())
}

fn binaries_with_hypopg() -> Binaries {
    let binaries = search().all().into_iter().find(|binaries| binaries.has_extension("hypopg"));
    binaries.unwrap_or_else(|| panic!("HypoPG is not installed for any PostgreSQL here; {INSTRUCTIONS}"))
}

/// A server for one test alone, which may be stopped, killed or set up at will.
pub fn private_server(major: u32, options: &ClusterOptions) -> Cluster {
    let binaries = search().find(Some(major)).unwrap_or_else(|error| panic!("{error}\n{INSTRUCTIONS}"));
    start(&binaries, options)
}

/// A server for one test alone, of the newest version that HypoPG is installed for.
pub fn private_server_with_hypopg(options: &ClusterOptions) -> Cluster {
    start(&binaries_with_hypopg(), options)
}

fn search() -> &'static Search {
    static SEARCH: OnceLock<Search> = OnceLock::new();
    SEARCH.get_or_init(|| Search::from_environment(None).expect("the folders to search"))
}

/// The server of `binaries`, started once. Tests that need others wait only for their own.
fn shared(binaries: &Binaries) -> &'static Cluster {
    type Slot = &'static OnceLock<Cluster>;
    static SERVERS: Mutex<BTreeMap<PathBuf, Slot>> = Mutex::new(BTreeMap::new());
    let slot: Slot = {
        let mut servers = SERVERS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        servers.entry(binaries.folder().to_owned()).or_insert_with(|| Box::leak(Box::new(OnceLock::new())))
    };
    slot.get_or_init(|| start(binaries, &shared_options()))
}

fn start(binaries: &Binaries, options: &ClusterOptions) -> Cluster {
    Cluster::start(binaries, options)
        .unwrap_or_else(|error| panic!("PostgreSQL {} did not start: {error}", binaries.version()))
}

/// Statistics and plans must not depend on when autovacuum happens to come by; statements of one test must not push
/// out another's; and the locale is one in which LIKE needs an operator class, as on most real servers.
fn shared_options() -> ClusterOptions {
    let mut options = ClusterOptions { locale: "C.UTF-8".to_owned(), ..ClusterOptions::default() }
        .with_setting("shared_preload_libraries", "pg_stat_statements")
        .with_setting("pg_stat_statements.max", "20000")
        .with_setting("track_io_timing", "on")
        .with_setting("autovacuum", "off")
        .with_setting("max_connections", "200")
        .with_setting("max_wal_size", "4GB");
    options.settings.insert("shared_buffers".to_owned(), "128MB".to_owned());
    options
}
