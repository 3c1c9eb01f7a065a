//! The server that is measured: a private one, or one that a URL names; its CPU time by /proc, so Linux only. Loads nothing.

use pgadvise::db::{Target, WritableSession};
use pgadvise::server::{Binaries, Cluster, Search};

/// Clock ticks in a second, as Linux reports times in /proc (`USER_HZ`, 100 on every platform it runs on today).
const TICKS_PER_SECOND: f64 = 100.0;

/// How long an ended backend may take until its postmaster has waited for it.
const REAPED: std::time::Duration = std::time::Duration::from_millis(300);

/// A running server.
pub struct Server {
    pub url: String,
    /// `None` when somebody else started it.
    pub cluster: Option<Cluster>,
    postmaster: u32,
}

impl Server {
    /// The server of `cluster`, at `database`.
    pub fn private(cluster: Cluster, database: &str) -> Self {
        let postmaster = cluster.process_id().expect("the server runs");
        Self { url: cluster.url(database), cluster: Some(cluster), postmaster }
    }

    /// The server that `url` names, which runs on this machine.
    pub fn named(url: &str) -> Self {
        let rows = connect(url).query("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1) AS pid", &[]);
        let pid = rows.expect("the rights of a superuser")[0].text("pid").expect("a process id");
        Self { url: url.to_owned(), cluster: None, postmaster: pid.parse().expect("a process id") }
    }

    /// CPU seconds of the server so far, its ended backends included. Sessions that are open do not count.
    pub fn cpu_s(&self) -> f64 {
        std::thread::sleep(REAPED);
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.postmaster)).expect("/proc of this machine");
        let after_name = stat.rsplit_once(')').expect("a process name").1;
        // Fields 14 to 17 of proc(5): utime, stime, cutime, cstime; the first after the name is field 3.
        let ticks = after_name.split_whitespace().skip(11).take(4);
        ticks.map(|ticks| ticks.parse::<f64>().expect("ticks")).sum::<f64>() / TICKS_PER_SECOND
    }
}

/// A session that may write.
pub fn connect(url: &str) -> WritableSession {
    let target = Target::resolve(Some(url)).expect("a target");
    WritableSession::connect(&target).unwrap_or_else(|error| panic!("{error}"))
}

/// PostgreSQL 15 with HypoPG, as the published measurements had it.
pub fn binaries() -> Binaries {
    let search = Search::from_environment(None).expect("the folders to search for PostgreSQL");
    let wanted = |binaries: &Binaries| binaries.version().major() == 15 && binaries.has_extension("hypopg");
    search
        .all()
        .into_iter()
        .find(wanted)
        .expect("PostgreSQL 15 with HypoPG: run ./scripts/test once, which installs it")
}
