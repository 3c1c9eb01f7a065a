//! The demonstration: a shop on a private server, with planted mistakes, and the minute of work that shows them. Analyses
//! nothing and prints nothing.

mod workload;

use std::path::Path;
use std::time::Instant;

use crate::db::{Failure, Target, ToSql, Untyped, WritableSession};
use crate::error::{Error, Result};
use crate::pg::{ServerVersion, quote_identifier};
use crate::server::cluster::SUPERUSER;
use crate::server::{Cluster, ClusterOptions, Search};
use workload::{Source, Statement};

/// The shop's database.
const DATABASE: &str = "shop";

/// The extension that counts what runs. It comes with PostgreSQL's contrib modules.
const COUNTING_EXTENSION: &str = "pg_stat_statements";

/// The SQLSTATE of a value that is there twice.
const UNIQUE_VIOLATION: &str = "23505";

/// How many slices the minute is cut into, so that statements of all kinds take turns.
const N_ROUNDS: usize = 20;

const SCHEMA: &str = include_str!("../../fixtures/demo/schema.sql");
const ROWS: &str = include_str!("../../fixtures/demo/data.sql");
const LEFTOVER: &str = include_str!("../../fixtures/demo/leftover.sql");
const WORKLOAD: &str = include_str!("../../fixtures/demo/workload.sql");

/// A snapshot of the shop after its minute of work, recorded from a server: what there is to show where no server is.
pub const RECORDED: &[u8] = include_bytes!("../../fixtures/demo/snapshot.json.gz");

/// The values of every call that the file gives parameters for. They are computed in another database, so that they
/// are no part of what is counted for the shop.
const PARAMETERS: &str = "SELECT ARRAY(SELECT jsonb_array_elements_text(jsonb_build_array({}))) AS parameters \
                          FROM generate_series(1, $1) AS i";

/// A shop on a private server. Dropping it stops the server and removes its files.
#[derive(Debug)]
pub struct Demo {
    cluster: Cluster,
    statements: Vec<Statement>,
}

/// How long a statement took.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// Its name in the workload.
    pub statement: String,
    /// Whether it is slow for a planted reason.
    pub is_planted: bool,
    /// How often it ran.
    pub n_calls: usize,
    /// The mean time of a call in ms, as its client sees it: server and socket.
    pub mean_ms: f64,
}

impl Demo {
    /// Starts the private server: of the major version `major`, or the newest that counts statements.
    ///
    /// # Errors
    /// `Usage` when no server programs are found or none has pg_stat_statements, and as [`Cluster::start`].
    pub fn start(search: &Search, major: Option<u32>) -> Result<Self> {
        let statements = workload::parse(WORKLOAD)?;
        let first = search.find(major)?;
        let counts = |binaries: &crate::server::Binaries| {
            binaries.has_extension(COUNTING_EXTENSION)
                && binaries.version() >= ServerVersion::OLDEST
                && major.is_none_or(|major| binaries.version().major() == major)
        };
        let mut all = vec![first.clone()];
        all.extend(search.all());
        let binaries = all.into_iter().find(counts).ok_or_else(|| {
            Error::usage(format!("the PostgreSQL server in {} has no {COUNTING_EXTENSION}", first.folder().display()))
                .with_hint("Install PostgreSQL's contrib modules (dnf install postgresql-contrib, for one).")
        })?;
        let options = ClusterOptions::default()
            .with_setting("shared_preload_libraries", COUNTING_EXTENSION)
            .with_setting("pg_stat_statements.track_utility", "off")
            // Plans must not depend on when autovacuum comes by, nor on how many cores are idle.
            .with_setting("autovacuum", "off")
            // VACUUM marks pages as all-visible only where the commits that wrote them are known to be on disk.
            .with_setting("synchronous_commit", "on")
            .with_setting("max_parallel_workers_per_gather", "0")
            .with_setting("max_wal_size", "4GB");
        Ok(Self { cluster: Cluster::start(&binaries, &options)?, statements })
    }

    /// Makes the shop: schema, rows, what a failed deploy left behind, fresh statistics, and the extensions.
    ///
    /// # Errors
    /// `Internal` when a file of the demonstration does not do what it is there for; `Connection` when the server is lost.
    pub fn load(&self) -> Result<()> {
        self.session("postgres")?.execute(&format!("CREATE DATABASE {}", quote_identifier(DATABASE)))?;
        let mut session = self.session(DATABASE)?;
        session.execute(SCHEMA)?;
        session.execute(ROWS)?;
        match session.execute(LEFTOVER) {
            Err(Failure::Statement(refused)) if refused.code == UNIQUE_VIOLATION => {}
            Err(failure) => return Err(failure.into()),
            Ok(()) => return Err(Error::internal("the index that the demonstration needs invalid was built")),
        }
        session.execute("VACUUM (ANALYZE)")?;
        session.execute(&format!("CREATE EXTENSION {COUNTING_EXTENSION}"))?;
        Ok(())
    }

    /// Runs the shop's minute of work, counted from zero, and measures it. Statements come in the file's order.
    ///
    /// # Errors
    /// `Internal` when a statement does not run as often as the file says; `Connection` when the server is lost.
    pub fn run_workload(&self) -> Result<Vec<Timing>> {
        let parameters = self.parameters()?;
        let mut session = self.session(DATABASE)?;
        session.execute("SELECT pg_stat_statements_reset()")?;
        let mut stopwatches = vec![Stopwatch::default(); self.statements.len()];
        for round in 0..N_ROUNDS {
            for (at, statement) in self.statements.iter().enumerate() {
                if let Source::Parameters(_) = statement.source {
                    for values in share(&parameters[at], round) {
                        self.call(&mut session, at, values, &mut stopwatches)?;
                    }
                }
            }
        }
        self.statements.iter().zip(stopwatches).map(|(statement, stopwatch)| stopwatch.timing(statement)).collect()
    }

    /// Runs a statement once, then for every row that came back the statements that follow it.
    fn call(&self, session: &mut WritableSession, at: usize, values: &[String], to: &mut [Stopwatch]) -> Result<()> {
        let statement = &self.statements[at];
        let untyped: Vec<Untyped<'_>> = values.iter().map(|value| Untyped(value)).collect();
        let parameters: Vec<&(dyn ToSql + Sync)> = untyped.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let began = Instant::now();
        let rows = session.query(&statement.sql, &parameters)?;
        to[at].add(began);
        for (follower, following) in self.statements.iter().enumerate() {
            let Source::Rows { of, column } = &following.source else { continue };
            if *of == statement.name {
                for row in &rows {
                    let key: i32 = row.get(column)?;
                    self.call(session, follower, &[key.to_string()], to)?;
                }
            }
        }
        Ok(())
    }

    /// The values for the calls of each statement; none for those that follow another one's rows.
    fn parameters(&self) -> Result<Vec<Vec<Vec<String>>>> {
        let mut session = self.session("postgres")?;
        let mut all = Vec::with_capacity(self.statements.len());
        for statement in &self.statements {
            let Source::Parameters(list) = &statement.source else {
                all.push(Vec::new());
                continue;
            };
            let n_calls = i32::try_from(statement.n_calls).unwrap_or(i32::MAX);
            let rows = session.query(&PARAMETERS.replace("{}", list), &[&n_calls])?;
            let values: std::result::Result<Vec<Vec<String>>, Failure> =
                rows.iter().map(|row| row.get("parameters")).collect();
            all.push(values?);
        }
        Ok(all)
    }

    /// Executes statements one by one, each in a transaction of its own as `CREATE INDEX CONCURRENTLY` asks for, then
    /// vacuums as autovacuum would.
    ///
    /// # Errors
    /// `Unsupported` with the server's words when it refuses one; those before it are done.
    pub fn apply<S: AsRef<str>>(&self, statements: &[S]) -> Result<()> {
        let mut session = self.session(DATABASE)?;
        for statement in statements {
            session.execute(statement.as_ref())?;
        }
        session.execute("VACUUM (ANALYZE)")?;
        Ok(())
    }

    /// The folder of the server's programs.
    pub fn programs(&self) -> &Path {
        self.cluster.binaries().folder()
    }

    /// The connection string of the shop.
    pub fn url(&self) -> String {
        self.cluster.url(DATABASE)
    }

    /// The version of the server.
    pub fn server_version(&self) -> ServerVersion {
        self.cluster.version()
    }

    /// Stops the server and removes its files.
    ///
    /// # Errors
    /// `Internal` when the server may still run.
    pub fn stop(self) -> Result<()> {
        self.cluster.stop()
    }

    fn session(&self, database: &str) -> Result<WritableSession> {
        let target = Target::private_socket(self.cluster.socket_folder(), self.cluster.port(), SUPERUSER, database)?;
        WritableSession::connect(&target)
    }
}

/// The calls of a statement that fall into a round: every round has the same number, up to one.
fn share<T>(calls: &[T], round: usize) -> &[T] {
    &calls[calls.len() * round / N_ROUNDS..calls.len() * (round + 1) / N_ROUNDS]
}

/// Adds up the calls of one statement.
#[derive(Debug, Clone, Default)]
struct Stopwatch {
    n_calls: usize,
    total_ms: f64,
}

impl Stopwatch {
    fn add(&mut self, began: Instant) {
        self.n_calls += 1;
        self.total_ms += began.elapsed().as_secs_f64() * 1000.0;
    }

    fn timing(&self, statement: &Statement) -> Result<Timing> {
        if self.n_calls != statement.n_calls {
            let message = format!("{} ran {} times, not {}", statement.name, self.n_calls, statement.n_calls);
            return Err(Error::internal(message));
        }
        Ok(Timing {
            statement: statement.name.clone(),
            is_planted: statement.is_planted,
            n_calls: self.n_calls,
            mean_ms: self.total_ms / self.n_calls as f64,
        })
    }
}
