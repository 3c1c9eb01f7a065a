//! The shadow backend: a private server with the target's schema and statistics and none of its rows, stretched to the
//! target's size, whose planner answers for the target's. Sends nothing to the target.

pub mod brin;
pub mod gin;
mod btree;
pub mod check;
mod database;
mod files;
mod force;
pub mod login;
mod phantom;
mod planner;
mod pricing;
pub mod schema;
pub mod settings;
pub mod statistics;
mod storage;
pub mod tablespaces;
mod told;
mod worker;

pub use check::Agreement;
pub use planner::{PartSizes, ShadowPlanner};

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use self::login::Door;
use self::pricing::Circumstances;
use self::worker::Worker;
use super::explain;
use crate::db::{Target, WritableSession, interrupt};
use crate::error::{Error, Result};
use crate::pg::ServerVersion;
use crate::pg::units::BLOCK_BYTES;
use crate::server::{Binaries, Cluster, ClusterOptions};
use crate::snapshot::{Gap, Snapshot};
use crate::workload::Workload;

/// Workers at most: one for each processor, and no more than would fill a small machine's memory with their caches.
const WORKERS_MAX: usize = 8;

/// Files of tables and indexes at most, over all databases: each takes about 30 kB of real disk with what the catalogs say
/// of it (measured on 15), and 200 MB are what a shadow of a thousand tables with two indexes each may take.
const FILES_MAX: usize = 4_000;

/// Settings of a private server whose rows are never read: nothing may gather statistics over its empty files, and it
/// should take little room. One message of the schema takes many locks.
const SETTINGS: [(&str, &str); 14] = [
    ("autovacuum", "off"),
    ("listen_addresses", ""),
    ("max_connections", "40"),
    ("max_locks_per_transaction", "1024"),
    // With workers to count, CREATE INDEX plans, and reads the metapages of the phantoms made before it.
    ("max_parallel_maintenance_workers", "0"),
    ("max_wal_senders", "0"),
    ("max_wal_size", "16MB"),
    ("min_wal_size", "4MB"),
    ("shared_buffers", "64MB"),
    ("wal_level", "minimal"),
    // Else the end of a transaction reads what was made in it into the buffers, to log it, and the metapages of phantoms
    // stay there as they are before they are stretched.
    ("wal_skip_threshold", "0"),
    ("bgwriter_lru_maxpages", "0"),
    ("checkpoint_timeout", "1d"),
    ("max_stack_depth", "2MB"),
];

/// A running shadow of one snapshot. Dropping it stops the server and removes its files.
pub struct Shadow {
    cluster: Cluster,
    door: Door,
    n_databases: usize,
    n_planners: AtomicU32,
    circumstances: Circumstances,
    gaps: Vec<Gap>,
}

impl Shadow {
    /// Starts a private server and makes it the shadow of `snapshot`. `say` is told what is being done.
    ///
    /// # Errors
    /// The server does not start or is lost, there is no room, the snapshot's server has blocks of another size, or
    /// the run was interrupted. What merely could not be made again is in [`Shadow::gaps`].
    pub fn start(snapshot: &Snapshot, binaries: &Binaries, say: &dyn Fn(&str)) -> Result<Self> {
        if snapshot.server.block_bytes != BLOCK_BYTES {
            let found = snapshot.server.block_bytes;
            return Err(Error::unsupported(format!("the server has blocks of {found} bytes, a shadow {BLOCK_BYTES}"))
                .with_hint("Use --what-if hypopg or --what-if sandbox."));
        }
        say(&format!("starting a private PostgreSQL {}", binaries.version()));
        let cluster = Cluster::start(binaries, &options(snapshot, binaries.version().major()))?;
        let n_databases = n_databases(snapshot);
        let circumstances = Circumstances { search_path: explain::search_path(snapshot), role: role(snapshot) };
        let door = Door::of(&cluster);
        let mut shadow =
            Self { cluster, door, n_databases, n_planners: AtomicU32::new(0), circumstances, gaps: Vec::new() };
        shadow.load(snapshot, say)?;
        say("stretching the shadow to the server's size");
        shadow.stretch(snapshot)?;
        Ok(shadow)
    }

    /// Where statements are planned without any phantom: a database in which nothing is ever executed.
    ///
    /// # Errors
    /// The socket's path cannot be a connection string.
    pub fn target(&self) -> Result<Target> {
        let target = self.door.as_planner(&database::name(0))?;
        Ok(self.circumstances.role.as_ref().map_or(target.clone(), |role| target.with_setting("role", role)))
    }

    /// Where the server's files are; its socket is in the folder above.
    pub fn data_directory(&self) -> PathBuf {
        self.cluster.data_directory()
    }

    /// The version of the shadow's server.
    pub fn version(&self) -> ServerVersion {
        self.cluster.version()
    }

    /// What could not be made again, and what that costs.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Prices the statements of `workload`, which are planned, and were planned here or on a server that takes them for
    /// one statement each.
    ///
    /// # Errors
    /// The server is lost.
    pub fn planner<'w>(&self, workload: &'w Workload) -> Result<ShadowPlanner<'w>> {
        let data_directory = self.cluster.data_directory();
        let connect =
            |number| Worker::connect(&self.door, &database::name(number), &data_directory, &self.circumstances);
        let workers: Vec<Worker> = (0..self.n_databases).map(connect).collect::<Result<_>>()?;
        Ok(ShadowPlanner::new(self.n_planners.fetch_add(1, Ordering::Relaxed), workers, workload))
    }

    /// The schema and the statistics, in every database.
    fn load(&mut self, snapshot: &Snapshot, say: &dyn Fn(&str)) -> Result<()> {
        let mut admin = self.superuser("postgres")?;
        login::make_planner(&mut admin)?;
        self.gaps.extend(login::give_settings(&mut admin, &settings::for_sessions(snapshot))?);
        self.gaps.extend(database::create_first(&mut admin, &snapshot.server)?);
        let first = database::name(0);
        let mut superuser = self.superuser(&first)?;
        login::admit_planner(&mut superuser, &first)?;
        say(&format!("making {} relations in the shadow", snapshot.relations.len()));
        let mut planner = WritableSession::connect(&self.door.as_planner(&first)?)?;
        self.gaps.extend(schema::load(&mut superuser, &mut planner, snapshot)?);
        self.gaps.extend(tablespaces::load(&mut superuser, snapshot)?);
        interrupt::check()?;
        say("loading statistics into the shadow");
        schema::drop_checks(&mut superuser)?;
        self.gaps.extend(statistics::load(&mut superuser, &mut planner, snapshot)?);
        self.gaps.extend(schema::complete(&mut superuser, &mut planner, snapshot)?);
        drop((superuser, planner));
        for number in 1..self.n_databases {
            interrupt::check()?;
            database::copy(&mut admin, number)?;
        }
        Ok(())
    }

    /// Files are changed while the server is down: it keeps the first blocks of indexes in its buffers.
    fn stretch(&mut self, snapshot: &Snapshot) -> Result<()> {
        let extents = storage::extents(snapshot);
        let mut files = Vec::new();
        for number in 0..self.n_databases {
            files.extend(storage::files_of(&mut self.superuser(&database::name(number))?, &extents)?);
        }
        self.cluster.shut_down()?;
        storage::stretch(&self.cluster.data_directory(), &files)?;
        self.cluster.start_again()
    }

    fn superuser(&self, database: &str) -> Result<WritableSession> {
        WritableSession::connect(&self.door.as_superuser(database)?)
    }
}

/// The role that statements are planned as: the application's, where row level security asks who it is. Otherwise a
/// superuser's plans are the same, and nothing can be refused.
fn role(snapshot: &Snapshot) -> Option<String> {
    let name = snapshot.server.application_role.as_ref()?;
    let role = snapshot.schema.roles.iter().find(|role| role.name == *name)?;
    let is_asked = snapshot.relations.iter().any(|relation| relation.has_row_security);
    (is_asked && !role.is_superuser && !role.bypasses_row_security).then(|| name.clone())
}

/// One database for each processor, fewer for large schemas: their copies take time and room.
fn n_databases(snapshot: &Snapshot) -> usize {
    let n_processors = std::thread::available_parallelism().map_or(1, usize::from);
    let n_files: usize = snapshot.relations.iter().map(|relation| 1 + relation.indexes.len()).sum();
    (FILES_MAX / n_files.max(1)).clamp(1, n_processors.min(WORKERS_MAX))
}

fn options(snapshot: &Snapshot, major: u32) -> ClusterOptions {
    let planner = settings::for_cluster(snapshot, major).into_iter();
    let own = SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    ClusterOptions { settings: planner.chain(own).collect(), wal_segment_mib: Some(1), ..ClusterOptions::default() }
}
